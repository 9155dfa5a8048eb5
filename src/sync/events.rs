//! Reading the new events of one side as a stream of net changes.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::Arc;

use uuid::Uuid;

use super::change::{Edit, Event, Field, Fields, Net, Time};
use super::fold::Fold;
use super::wire::{RowReader, read_hstore};

/// A row of a table: the number of the table in the run, and the uid. Streams are sorted by it.
pub type Key = (i32, Uuid);

/// The net changes of one side, sorted by key.
pub struct Changes<R> {
    rows: RowReader<R>,
    /// For each table, the columns that travel.
    columns: Arc<Vec<BTreeSet<Arc<str>>>>,
    /// What to add to edit times, to bring them to the central's clock.
    clock_offset: Time,
    ahead: Option<(Key, Event)>,
    ended: bool,
    user: Arc<str>,
}

impl<R: Read> Changes<R> {
    /// Reads the outcome of `sql/sync/changes.sql` from `stream`.
    pub fn new(stream: R, columns: Arc<Vec<BTreeSet<Arc<str>>>>, clock_offset: Time) -> Self {
        Self {
            rows: RowReader::new(stream),
            columns,
            clock_offset,
            ahead: None,
            ended: false,
            user: "".into(),
        }
    }

    /// The next row's net change.
    pub fn next_net(&mut self) -> io::Result<Option<(Key, Net)>> {
        let first = match self.ahead.take() {
            Some(first) => first,
            None => match self.next_event()? {
                Some(first) => first,
                None => return Ok(None),
            },
        };
        let (key, event) = first;
        let mut fold = Fold::default();
        fold.push(event);
        while let Some((next, event)) = self.next_event()? {
            if next != key {
                self.ahead = Some((next, event));
                break;
            }
            fold.push(event);
        }
        Ok(Some((key, fold.finish())))
    }

    fn next_event(&mut self) -> io::Result<Option<(Key, Event)>> {
        if self.ended {
            return Ok(None);
        }
        let Some(row) = self.rows.next_row()? else {
            self.ended = true;
            return Ok(None);
        };
        let row: [Option<Vec<u8>>; 8] = row.try_into().map_err(|_| unexpected())?;
        let [number, uid, action, event, time, user, fields, field_times] = row;
        let number = i32::from_be_bytes(fixed(number)?);
        let key = (number, Uuid::from_bytes(fixed(uid)?));
        let user = String::from_utf8(user.unwrap_or_default()).map_err(|_| unexpected())?;
        if *self.user != *user {
            self.user = user.into();
        }
        let edit = Edit {
            time: i64::from_be_bytes(fixed(time)?) + self.clock_offset,
            event: i64::from_be_bytes(fixed(event)?),
            user: self.user.clone(),
        };
        let event = match action.as_deref() {
            Some(b"D") => Event::Delete(edit),
            Some(b"I") => Event::Insert(self.fields(number, fields, field_times, &edit)?),
            Some(b"U") => Event::Update(self.fields(number, fields, field_times, &edit)?),
            _ => return Err(unexpected()),
        };
        Ok(Some((key, event)))
    }

    fn fields(
        &self,
        number: i32,
        fields: Option<Vec<u8>>,
        times: Option<Vec<u8>>,
        edit: &Edit,
    ) -> io::Result<Fields> {
        let columns = usize::try_from(number)
            .ok()
            .and_then(|number| self.columns.get(number))
            .ok_or_else(unexpected)?;
        let mut read = Fields::new();
        read_hstore(fields.as_deref().ok_or_else(unexpected)?, |name, value| {
            // What does not travel is not looked at any further.
            if let Some(name) = columns.get(name) {
                let value = value.map(str::to_owned);
                read.insert(
                    name.clone(),
                    Field {
                        value,
                        edit: edit.clone(),
                    },
                );
            }
        })?;
        if let Some(times) = times {
            read_hstore(&times, |name, time| {
                let time = time.and_then(|time| time.parse::<Time>().ok());
                if let (Some(field), Some(time)) = (read.get_mut(name), time) {
                    field.edit.time = time + self.clock_offset;
                }
            })?;
        }
        Ok(read)
    }
}

fn fixed<const N: usize>(value: Option<Vec<u8>>) -> io::Result<[u8; N]> {
    value
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(unexpected)
}

fn unexpected() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the change log holds an event that cannot be read",
    )
}
