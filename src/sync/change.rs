//! Changes of rows, as synchronisation sees them. Pure data.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A moment in microseconds since 2000-01-01 UTC (as PostgreSQL sends it), by the central's clock.
pub type Time = i64;

/// Who made an edit, when, and where it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// When it was made.
    pub time: Time,
    /// Its event in the log of the side that it was read from.
    pub event: i64,
    /// The login of whoever made it.
    pub user: Arc<str>,
}

/// The new value of one field. A field that is not there is unchanged; None is null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The value as PostgreSQL's output function wrote it.
    pub value: Option<String>,
    /// The edit that gave it this value.
    pub edit: Edit,
}

/// Fields by column name.
pub type Fields = BTreeMap<Arc<str>, Field>;

/// One event of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A new row, with all its fields.
    Insert(Fields),
    /// New values of some fields.
    Update(Fields),
    /// The row is gone.
    Delete(Edit),
}

/// What all new events of one row come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The row is there, with these values of all fields.
    Insert(Fields),
    /// These fields have new values.
    Update(Fields),
    /// The row is not there any more.
    Delete(Edit),
}

/// The net change of one row, and of how many events it is made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Net {
    /// The change; None where the events come to nothing.
    pub change: Option<Change>,
    /// The number of events.
    pub events: u64,
    /// The events themselves, where the other side may have some of them already.
    pub history: Vec<Event>,
}

impl From<Change> for Event {
    /// The event that leads to the same change.
    fn from(change: Change) -> Self {
        match change {
            Change::Insert(fields) => Event::Insert(fields),
            Change::Update(fields) => Event::Update(fields),
            Change::Delete(edit) => Event::Delete(edit),
        }
    }
}
