//! The way of recorded conflicts from the clone, where they are written with the values that they
//! speak of, to the central. A run that dies in between loses none and doubles none.

use super::carry::carry;
use crate::error::Result;
use crate::feedback::Feedback;
use crate::postgres::{Connection, Doing};

const COLUMNS: &str = "conflict_time, object_table, object_uid, clone_id, central_event_id, \
    central_event_timestamp, central_sql, clone_sql, rejected, rule_applied, conflict_uid, sync_id, \
    field, central_value, clone_value, clone_event_timestamp, central_user, clone_user";

/// Writes the conflicts that wait in the clone into the transaction of the central.
pub fn send(clone: &mut Connection, central: &mut Connection) -> Result<()> {
    let waiting: bool = clone
        .query_one("SELECT EXISTS (SELECT FROM lizsync.conflicts)", &[])
        .doing(|| "Looking for conflicts in the clone")?
        .get(0);
    if !waiting {
        return Ok(());
    }
    let doing = || "Writing the conflicts to the central";
    central
        .batch_execute(
            "CREATE TEMPORARY TABLE lizsync_conflicts (LIKE lizsync.conflicts) ON COMMIT DROP;
             ALTER TABLE lizsync_conflicts DROP COLUMN id",
        )
        .doing(doing)?;
    carry(
        clone,
        &format!("SELECT {COLUMNS} FROM lizsync.conflicts"),
        central,
        "pg_temp.lizsync_conflicts",
        COLUMNS,
        doing(),
    )?;
    central
        .batch_execute(&format!(
            "INSERT INTO lizsync.conflicts ({COLUMNS}) SELECT {COLUMNS} FROM pg_temp.lizsync_conflicts
             ON CONFLICT (conflict_uid) DO NOTHING"
        ))
        .doing(doing)
}

/// Takes out of the clone what the central has committed. Where that fails, the next run sends
/// them again, and the central knows them by their uid.
pub fn clear(clone: &mut Connection, feedback: &Feedback) {
    if let Err(error) = clone.execute("DELETE FROM lizsync.conflicts", &[]) {
        log::debug!("clearing the conflicts of the clone: {error}");
        feedback.info("The conflicts stay in the clone until the next run.");
    }
}
