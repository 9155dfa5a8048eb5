//! Writing what a side has to do into its staging table.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use serde_json::{Map, Value};
use uuid::Uuid;

use super::change::{Change, Edit, Fields, Time};
use super::events::Key;
use super::merge::{Conflict, Dropped, Side, Wanted};
use super::wire::{RowWriter, write_hstore};
use crate::postgres::{Table, literal, quote};

/// Bytes gathered before they are sent.
const BUFFER: usize = 64 * 1024;

/// A writer into `lizsync_stage`.
pub struct Stage<W: Write> {
    rows: RowWriter<BufWriter<W>>,
    /// What was written for each table.
    pub staged: Staged,
}

/// How much is staged for one table.
#[derive(Debug, Clone, Copy, Default)]
pub struct Amount {
    /// Rows to insert or update.
    pub upserts: u64,
    /// Rows to delete.
    pub deletes: u64,
}

/// How much is staged, by the number of the table.
pub type Staged = BTreeMap<usize, Amount>;

impl<W: Write> Stage<W> {
    /// Writes to a `COPY lizsync_stage FROM STDIN (FORMAT binary)`.
    pub fn new(stream: W) -> io::Result<Self> {
        Ok(Self {
            rows: RowWriter::new(BufWriter::with_capacity(BUFFER, stream))?,
            staged: Staged::new(),
        })
    }

    /// Ends the stream; returns what it wrote to, and how much.
    pub fn finish(self) -> io::Result<(W, Staged)> {
        let stream = self
            .rows
            .finish()?
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        Ok((stream, self.staged))
    }

    /// A change to apply.
    pub fn change(&mut self, key: Key, change: &Change) -> io::Result<()> {
        let amount = self
            .staged
            .entry(usize::try_from(key.0).unwrap_or_default())
            .or_default();
        match change {
            Change::Insert(_) | Change::Update(_) => amount.upserts += 1,
            Change::Delete(_) => amount.deletes += 1,
        }
        match change {
            Change::Insert(fields) => self.fields(key, b"I", fields),
            Change::Update(fields) => self.fields(key, b"U", fields),
            Change::Delete(edit) => {
                let time = edit.time.to_be_bytes();
                self.row(
                    key,
                    b"D",
                    None,
                    Some(&time),
                    None,
                    Some(edit.user.as_bytes()),
                )
            }
        }
    }

    fn fields(&mut self, key: Key, op: &[u8], fields: &Fields) -> io::Result<()> {
        let Some(last) = latest(fields) else {
            return Ok(());
        };
        let values = write_hstore(fields.iter().map(|(name, f)| (&**name, f.value.as_deref())));
        // Most often all fields of a row were edited at once: then one time says it all.
        let others: Vec<(&str, String)> = fields
            .iter()
            .filter(|(_, field)| field.edit.time != last.time)
            .map(|(name, field)| (&**name, field.edit.time.to_string()))
            .collect();
        let times = (!others.is_empty()).then(|| {
            write_hstore(
                others
                    .iter()
                    .map(|(name, time)| (*name, Some(time.as_str()))),
            )
        });
        let time = last.time.to_be_bytes();
        self.row(
            key,
            op,
            Some(&values),
            Some(&time),
            times.as_deref(),
            Some(last.user.as_bytes()),
        )
    }

    /// What the clone has to forget of its own log.
    pub fn dropped(&mut self, key: Key, dropped: &Dropped) -> io::Result<()> {
        match dropped {
            Dropped::Nothing => Ok(()),
            Dropped::Row => self.row(key, b"F", None, None, None, None),
            Dropped::Fields(names) => {
                let names = write_hstore(names.iter().map(|name| (&**name, None)));
                self.row(key, b"F", Some(&names), None, None, None)
            }
        }
    }

    /// A conflict to record.
    pub fn conflict(&mut self, key: Key, table: &Table, conflict: &Conflict) -> io::Result<()> {
        let central = Described::new(&conflict.central, table, key.1, conflict.field.as_deref());
        let clone = Described::new(&conflict.clone, table, key.1, conflict.field.as_deref());
        let (central_time, clone_time) = (central.time.to_string(), clone.time.to_string());
        let central_event = central.event.to_string();
        let plain = table.plain();
        let rule = if conflict.field.is_some() {
            "last_modified"
        } else {
            "delete_wins"
        };
        let columns = [
            ("table", Some(plain.as_str())),
            ("field", conflict.field.as_deref()),
            ("rejected", Some(conflict.rejected.name())),
            ("rule", Some(rule)),
            ("central_event", Some(central_event.as_str())),
            ("central_time", Some(central_time.as_str())),
            ("central_value", central.value.as_deref()),
            ("central_user", Some(central.user)),
            ("central_sql", Some(central.sql.as_str())),
            ("clone_time", Some(clone_time.as_str())),
            ("clone_value", clone.value.as_deref()),
            ("clone_user", Some(clone.user)),
            ("clone_sql", Some(clone.sql.as_str())),
        ];
        let columns = write_hstore(columns.into_iter());
        self.row(key, b"C", Some(&columns), None, None, None)
    }

    fn row(
        &mut self,
        key: Key,
        op: &[u8],
        fields: Option<&[u8]>,
        time: Option<&[u8]>,
        times: Option<&[u8]>,
        user: Option<&[u8]>,
    ) -> io::Result<()> {
        self.rows
            .value(Some(&key.0.to_be_bytes()))
            .value(Some(key.1.as_bytes()))
            .value(Some(op))
            .value(fields)
            .value(time)
            .value(times)
            .value(user);
        self.rows.end_row()
    }
}

fn latest(fields: &Fields) -> Option<&Edit> {
    fields
        .values()
        .map(|field| &field.edit)
        .max_by_key(|edit| (edit.time, edit.event))
}

/// One side of a conflict, as `lizsync.conflicts` holds it.
struct Described<'a> {
    value: Option<String>,
    time: Time,
    event: i64,
    user: &'a str,
    sql: String,
}

impl<'a> Described<'a> {
    fn new(wanted: &'a Wanted, table: &Table, uid: Uuid, field: Option<&str>) -> Self {
        let assign = |name: &str, value: Option<&str>| {
            format!(
                "{} = {}",
                quote(name),
                value.map_or_else(|| "NULL".into(), literal)
            )
        };
        let update = |list: &str| format!("UPDATE {table} SET {list} WHERE uid = '{uid}'");
        let (value, edit, sql) = match wanted {
            Wanted::Value(wanted) => {
                let sql = update(&assign(field.unwrap_or_default(), wanted.value.as_deref()));
                (wanted.value.clone(), Some(&wanted.edit), sql)
            }
            Wanted::Deletion(edit) => (
                None,
                Some(edit),
                format!("DELETE FROM {table} WHERE uid = '{uid}'"),
            ),
            Wanted::Row(fields) => {
                let list: Vec<_> = fields
                    .iter()
                    .map(|(name, f)| assign(name, f.value.as_deref()))
                    .collect();
                let json: Map<String, Value> = fields
                    .iter()
                    .map(|(name, f)| {
                        (
                            name.to_string(),
                            f.value.clone().map_or(Value::Null, Value::String),
                        )
                    })
                    .collect();
                (
                    Some(Value::Object(json).to_string()),
                    latest(fields),
                    update(&list.join(", ")),
                )
            }
        };
        Self {
            value,
            time: edit.map_or(0, |edit| edit.time),
            event: edit.map_or(0, |edit| edit.event),
            user: edit.map_or("", |edit| &edit.user),
            sql,
        }
    }
}

impl Side {
    /// The other one.
    pub fn other(self) -> Side {
        match self {
            Side::Central => Side::Clone,
            Side::Clone => Side::Central,
        }
    }
}
