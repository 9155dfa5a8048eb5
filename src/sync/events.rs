//! Reading the new events of one side as a stream of net changes.

use crate::text::{Argument, tr};
use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::Arc;

use uuid::Uuid;

use super::change::{Edit, Event, Field, Fields, Net, Time};
use super::fold::Fold;
use super::wire::{RowReader, read_hstore};

/// A row of a table: the number of the table in the run, and the uid. Streams are sorted by it.
pub type Key = (i32, Uuid);

/// The times that PostgreSQL has, from 4713 BC to 294276 AD, in microseconds since 2000.
const TIMES: std::ops::Range<Time> = -211_813_488_000_000_000..9_223_371_331_200_000_000;

/// What is looked at of the columns of each table.
pub type Columns = Arc<Vec<Names>>;

/// The columns of a table, as far as they are known.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// The table, for messages.
    pub table: String,
    /// Those whose values are looked at.
    pub known: BTreeSet<Arc<str>>,
    /// Those whose values stay where they are. What is neither, no database has any more.
    pub ignored: BTreeSet<String>,
}

/// The net changes of one side, sorted by key.
pub struct Changes<R> {
    rows: RowReader<R>,
    decoder: Decoder,
    ahead: Option<(Key, Event)>,
    ended: bool,
    again: bool,
}

impl<R: Read> Changes<R> {
    /// Reads the outcome of `sql/sync/changes.sql` from `stream`. `clock_offset` is added to edit
    /// times, to bring them to the central's clock. `again`: some of it was read before; then the net
    /// changes come with their events.
    pub fn new(stream: R, columns: Columns, clock_offset: Time, again: bool) -> Self {
        Self {
            rows: RowReader::new(stream),
            decoder: Decoder::new(columns, clock_offset),
            ahead: None,
            ended: false,
            again,
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
        let again = self.again;
        let mut fold = Fold::default();
        let mut history = Vec::new();
        let mut push = |event: Event| {
            if again {
                history.push(event.clone());
            }
            fold.push(event);
        };
        push(event);
        while let Some((next, event)) = self.next_event()? {
            if next != key {
                self.ahead = Some((next, event));
                break;
            }
            push(event);
        }
        let net = fold.finish();
        Ok(Some((key, Net { history, ..net })))
    }

    fn next_event(&mut self) -> io::Result<Option<(Key, Event)>> {
        if self.ended {
            return Ok(None);
        }
        let Some(row) = self.rows.next_row()? else {
            self.ended = true;
            return Ok(None);
        };
        self.decoder.event(row).map(Some)
    }
}

/// Whose a change is that waits in the clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The central's, which the clone could not take.
    Central,
    /// The clone's, which the central could not take.
    Clone,
    /// The central's, which the clone has, but the central has lost.
    Pulled,
}

/// What waits in the clone, sorted by key.
pub struct Stored<R> {
    rows: RowReader<R>,
    decoders: [Decoder; 2],
}

impl<R: Read> Stored<R> {
    /// Reads the outcome of `sql/sync/set_aside.sql` from `stream`; the columns are those of the central
    /// and of the clone.
    pub fn new(stream: R, columns: [Columns; 2]) -> Self {
        Self {
            rows: RowReader::new(stream),
            // Their times are by the central's clock already.
            decoders: columns.map(|columns| Decoder::new(columns, 0)),
        }
    }

    /// The next change, and whose it is.
    pub fn next_change(&mut self) -> io::Result<Option<(Key, Owner, Event)>> {
        let Some(mut row) = self.rows.next_row()? else {
            return Ok(None);
        };
        let owner = match row.pop().flatten().as_deref() {
            Some(b"central") => Owner::Central,
            Some(b"clone") => Owner::Clone,
            Some(b"pulled") => Owner::Pulled,
            _ => return Err(unexpected()),
        };
        let [central, clone] = &mut self.decoders;
        let decoder = match owner {
            Owner::Central | Owner::Pulled => central,
            Owner::Clone => clone,
        };
        let (key, event) = decoder.event(row)?;
        Ok(Some((key, owner, event)))
    }
}

/// Turns rows of the log into events.
struct Decoder {
    columns: Columns,
    clock_offset: Time,
    user: Arc<str>,
}

impl Decoder {
    fn new(columns: Columns, clock_offset: Time) -> Self {
        Self {
            columns,
            clock_offset,
            user: "".into(),
        }
    }

    fn event(&mut self, row: Vec<Option<Vec<u8>>>) -> io::Result<(Key, Event)> {
        let row: [Option<Vec<u8>>; 8] = row.try_into().map_err(|_| unexpected())?;
        let [number, uid, action, event, time, user, fields, field_times] = row;
        let number = i32::from_be_bytes(fixed(number)?);
        let key = (number, Uuid::from_bytes(fixed(uid)?));
        let place = i64::from_be_bytes(fixed(event)?);
        let read = || -> io::Result<Event> {
            let user = String::from_utf8(user.unwrap_or_default()).map_err(|_| unexpected())?;
            if *self.user != *user {
                self.user = user.into();
            }
            let time = i64::from_be_bytes(fixed(time)?);
            let edit = Edit {
                time: self.central_time(time).ok_or_else(unexpected)?,
                event: place,
                user: self.user.clone(),
            };
            Ok(match action.as_deref() {
                Some(b"D") => Event::Delete(edit),
                Some(b"I") => Event::Insert(self.fields(number, fields, field_times, &edit)?),
                Some(b"U") => Event::Update(self.fields(number, fields, field_times, &edit)?),
                _ => return Err(unexpected()),
            })
        };
        match read() {
            Ok(event) => Ok((key, event)),
            Err(error) => Err(self.unreadable(key, place, &error)),
        }
    }

    /// A time by the clock of the central; none that PostgreSQL would not take back.
    fn central_time(&self, time: Time) -> Option<Time> {
        let time = time.checked_add(self.clock_offset)?;
        TIMES.contains(&time).then_some(time)
    }

    fn unreadable(&self, (number, uid): Key, event: i64, error: &io::Error) -> io::Error {
        let table = usize::try_from(number)
            .ok()
            .and_then(|number| self.columns.get(number))
            .map_or_else(|| tr!("a table"), |names| names.table.text());
        io::Error::new(
            error.kind(),
            tr!(
                "event {event}, of the row {uid} of {table}: {error}; whoever owns the log has to correct or delete it there",
                event,
                uid,
                table,
                error
            ),
        )
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
            // Names that are known are shared.
            let name = match columns.known.get(name) {
                Some(name) => name.clone(),
                None if columns.ignored.contains(name) => return,
                None => Arc::from(name),
            };
            let value = value.map(str::to_owned);
            let edit = edit.clone();
            read.insert(name, Field { value, edit });
        })?;
        if let Some(times) = times {
            read_hstore(&times, |name, time| {
                let time = time.and_then(|time| time.parse::<Time>().ok());
                let time = time.and_then(|time| self.central_time(time));
                if let (Some(field), Some(time)) = (read.get_mut(name), time) {
                    field.edit.time = time;
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
        tr!("the change log holds an event that cannot be read"),
    )
}
