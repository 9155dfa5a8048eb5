//! What is new in a log, by table.

use ::postgres::Row;

use super::participant::Participant;
use crate::error::{Error, Result};
use crate::postgres::Doing;
use crate::text::tr;

/// The tables of which one side has new events, as they were called when these were logged.
#[derive(Debug, Clone, Default)]
pub struct Unread {
    /// The tables.
    pub tables: Vec<UnreadTable>,
    /// The first of these events.
    pub first_event: Option<i64>,
    /// The last of them.
    pub last_event: Option<i64>,
    /// When the latest of their transactions began, as PostgreSQL prints it.
    pub last_time: Option<String>,
}

/// One of these tables.
#[derive(Debug, Clone)]
pub struct UnreadTable {
    pub schema: String,
    pub name: String,
    pub oid: u32,
    /// Whether the rows have no uid.
    pub without_uid: bool,
}

impl Unread {
    /// Looks into the log of a side; `new` and `package_event` as in [`New`](super::transfer::New).
    pub fn of(
        participant: &mut Participant,
        new: &str,
        package_event: Option<i64>,
    ) -> Result<Self> {
        let name = participant.side;
        // The highest time as text: comparing them is the server's work.
        let sql = format!(
            "SELECT schema_name, table_name, relid, without_uid, first_event, last_event,
                    (max(last_time) OVER ())::text AS last_time
             FROM lizsync.new_tables({new}, $1)"
        );
        let rows = participant
            .connection
            .query(&sql, &[&package_event])
            .doing(|| tr!("Reading the change log of the {name}", name))
            .map_err(|error| match error.sqlstate_code() {
                Some(PRUNED) => too_late(participant),
                _ => error,
            })?;
        let numbers = |column: &'static str| rows.iter().map(move |row| row.get::<_, i64>(column));
        Ok(Self {
            first_event: numbers("first_event").min(),
            last_event: numbers("last_event").max(),
            last_time: rows.first().map(|row| row.get("last_time")),
            tables: rows.iter().map(UnreadTable::of).collect(),
        })
    }

    /// Whether there is nothing new.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }
}

/// The code of a log that does not reach back far enough.
const PRUNED: &str = "LZ003";

fn too_late(participant: &Participant) -> Error {
    let place = participant.connection.describe();
    Error::state(tr!(
        "The log of {place} does not reach back to the last synchronisation of this clone: events were removed that it has not received, because it had been forgotten (lizsync.forget_clone) or was deployed from an older package. Nothing was synchronised.",
        place
    ))
    .hint(tr!("Save the clone's edits, make a package and deploy it to the clone."))
}

impl UnreadTable {
    fn of(row: &Row) -> Self {
        Self {
            schema: row.get("schema_name"),
            name: row.get("table_name"),
            oid: row.get("relid"),
            without_uid: row.get("without_uid"),
        }
    }
}
