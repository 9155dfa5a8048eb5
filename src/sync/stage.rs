//! Writing what a side has to do into its staging table.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use serde_json::{Map, Value};
use uuid::Uuid;

use super::change::{Change, Edit, Fields};
use super::events::Key;
use super::merge::{Conflict, Dropped, Wanted};
use super::wire::{RowWriter, write_hstore};
use crate::postgres::{Table, literal, quote};

/// Bytes gathered before they are sent.
const BUFFER: usize = 64 * 1024;

/// Bytes of the values of a conflict that are recorded as they are: the central takes it as JSON, which
/// holds 255 MB in a value. Of larger ones the beginnings are recorded.
const WHOLE: usize = 100_000_000;

/// Bytes of the values of a conflict that the statements recorded with it show.
const SHOWN: usize = 1_000_000;

/// Values of no more bytes than this are shown and recorded among others that are too large.
const SHORT: usize = 64 * 1024;

/// Characters that are left of a value which is too large.
const BEGINNING: usize = 1000;

/// The statement that a [`Stage`] writes to.
pub const STAGE: &str = "COPY pg_temp.lizsync_stage \
    (number, uid, op, fields, edit_time, field_times, user_name, reason) FROM STDIN (FORMAT binary)";

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
    /// Those of them that the sender has inserted.
    pub inserts: u64,
    /// Rows to delete.
    pub deletes: u64,
    /// Changes that are to be set aside.
    pub refused: u64,
}

/// How much is staged, by the number of the table.
pub type Staged = BTreeMap<usize, Amount>;

impl<W: Write> Stage<W> {
    /// Writes to the `COPY` of [`STAGE`].
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

    /// A change to apply, or, with the number of a refusal, to set aside.
    pub fn change(&mut self, key: Key, change: &Change, reason: Option<i32>) -> io::Result<()> {
        let amount = self
            .staged
            .entry(usize::try_from(key.0).unwrap_or_default())
            .or_default();
        match change {
            _ if reason.is_some() => amount.refused += 1,
            Change::Insert(_) => {
                amount.upserts += 1;
                amount.inserts += 1;
            }
            Change::Update(_) => amount.upserts += 1,
            Change::Delete(_) => amount.deletes += 1,
        }
        match change {
            Change::Insert(fields) => self.fields(key, b"I", fields, reason),
            Change::Update(fields) => self.fields(key, b"U", fields, reason),
            Change::Delete(edit) => {
                let time = edit.time.to_be_bytes();
                let row = Row {
                    time: Some(&time),
                    user: Some(edit.user.as_bytes()),
                    reason,
                    ..Row::default()
                };
                self.row(key, b"D", &row)
            }
        }
    }

    fn fields(
        &mut self,
        key: Key,
        op: &[u8],
        fields: &Fields,
        reason: Option<i32>,
    ) -> io::Result<()> {
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
        let row = Row {
            fields: Some(&values),
            time: Some(&time),
            times: times.as_deref(),
            user: Some(last.user.as_bytes()),
            reason,
        };
        self.row(key, op, &row)
    }

    /// What the clone has to forget of its own log.
    pub fn dropped(&mut self, key: Key, dropped: &Dropped) -> io::Result<()> {
        match dropped {
            Dropped::Nothing => Ok(()),
            Dropped::Row => self.row(key, b"F", &Row::default()),
            Dropped::Fields(names) => {
                let names = write_hstore(names.iter().map(|name| (&**name, None)));
                self.row(key, b"F", &Row::of(&names))
            }
        }
    }

    /// A conflict to record.
    pub fn conflict(&mut self, key: Key, table: &Table, conflict: &Conflict) -> io::Result<()> {
        let central = Described::new(&conflict.central, table, key.1, conflict.field.as_deref());
        let clone = Described::new(&conflict.clone, table, key.1, conflict.field.as_deref());
        let time = |of: &Described| of.edit.map(|edit| edit.time.to_string());
        let (central_time, clone_time) = (time(&central), time(&clone));
        let central_event = central.edit.map(|edit| edit.event.to_string());
        let user = |of: &Described<'_>| of.edit.map(|edit| edit.user.clone());
        let (central_user, clone_user) = (user(&central), user(&clone));
        let plain = table.plain();
        let columns = [
            ("table", Some(plain.as_str())),
            ("field", conflict.field.as_deref()),
            ("rejected", Some(conflict.rejected.name())),
            ("rule", Some(conflict.rule())),
            ("central_event", central_event.as_deref()),
            ("central_time", central_time.as_deref()),
            ("central_value", central.value.as_deref()),
            ("central_user", central_user.as_deref()),
            ("central_sql", central.sql.as_deref()),
            ("clone_time", clone_time.as_deref()),
            ("clone_value", clone.value.as_deref()),
            ("clone_user", clone_user.as_deref()),
            ("clone_sql", clone.sql.as_deref()),
        ];
        let columns = write_hstore(columns.into_iter());
        self.row(key, b"C", &Row::of(&columns))
    }

    fn row(&mut self, key: Key, op: &[u8], row: &Row) -> io::Result<()> {
        let reason = row.reason.map(i32::to_be_bytes);
        self.rows
            .value(Some(&key.0.to_be_bytes()))
            .value(Some(key.1.as_bytes()))
            .value(Some(op))
            .value(row.fields)
            .value(row.time)
            .value(row.times)
            .value(row.user)
            .value(reason.as_ref().map(<[u8; 4]>::as_slice));
        self.rows.end_row()
    }
}

/// The columns of a staged row after its key and what is to be done.
#[derive(Default)]
struct Row<'a> {
    fields: Option<&'a [u8]>,
    time: Option<&'a [u8]>,
    times: Option<&'a [u8]>,
    user: Option<&'a [u8]>,
    reason: Option<i32>,
}

impl<'a> Row<'a> {
    fn of(fields: &'a [u8]) -> Self {
        Self {
            fields: Some(fields),
            ..Self::default()
        }
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
    edit: Option<&'a Edit>,
    sql: Option<String>,
}

impl<'a> Described<'a> {
    fn new(wanted: &'a Wanted, table: &Table, uid: Uuid, field: Option<&str>) -> Self {
        // The statement is there to be read: large values are left out of it.
        let assign = |name: &str, value: Option<&str>, all: usize| {
            let value = match value {
                None => "NULL".to_owned(),
                Some(value) if all > SHOWN && value.len() > SHORT => "…".to_owned(),
                Some(value) => literal(value),
            };
            format!("{} = {value}", quote(name))
        };
        let update = |list: &str| format!("UPDATE {table} SET {list} WHERE uid = '{uid}'");
        let (value, edit, sql) = match wanted {
            Wanted::Value(wanted) => {
                let value = wanted.value.as_deref();
                let all = value.map_or(0, str::len);
                let sql = update(&assign(field.unwrap_or_default(), value, all));
                let value = value.map(|value| recorded(value, all));
                (value, Some(&wanted.edit), Some(sql))
            }
            Wanted::Deletion(edit) => (
                None,
                Some(edit),
                Some(format!("DELETE FROM {table} WHERE uid = '{uid}'")),
            ),
            Wanted::Row(fields) => {
                let values = fields.values().filter_map(|f| f.value.as_deref());
                let all = values.map(str::len).sum();
                let list: Vec<_> = fields
                    .iter()
                    .map(|(name, f)| assign(name, f.value.as_deref(), all))
                    .collect();
                let json: Map<String, Value> = fields
                    .iter()
                    .map(|(name, f)| {
                        let value = f.value.as_deref().map(|value| recorded(value, all));
                        (name.to_string(), value.map_or(Value::Null, Value::String))
                    })
                    .collect();
                (
                    Some(Value::Object(json).to_string()),
                    latest(fields),
                    Some(update(&list.join(", "))),
                )
            }
            Wanted::Nothing => (None, None, None),
        };
        Self { value, edit, sql }
    }
}

/// What is recorded of a value; `all`: how many bytes it and the others of the conflict have.
fn recorded(value: &str, all: usize) -> String {
    if all <= WHOLE || value.len() <= SHORT {
        return value.to_owned();
    }
    let beginning: String = value.chars().take(BEGINNING).collect();
    format!("{beginning}… ({} bytes)", value.len())
}
