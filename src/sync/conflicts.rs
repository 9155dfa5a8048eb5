//! The way of recorded conflicts from the clone, where they are written with the values that they
//! speak of, to the central. A run that dies in between loses none and doubles none.

use super::carry::hand_over;
use crate::error::Result;
use crate::feedback::Feedback;
use crate::postgres::{Connection, Doing};
use crate::text::tr;

/// Writes the conflicts that wait in the clone into the transaction of the central.
pub fn send(clone: &mut Connection, central: &mut Connection) -> Result<()> {
    let waiting: bool = clone
        .query_one("SELECT EXISTS (SELECT FROM lizsync.conflicts)", &[])
        .doing(|| tr!("Looking for conflicts in the clone"))?
        .get(0);
    if !waiting {
        return Ok(());
    }
    hand_over(
        clone,
        include_str!("../../sql/sync/conflicts.sql"),
        central,
        "SELECT lizsync.record_conflicts($1::text::jsonb)",
        || tr!("Writing the conflicts to the central"),
    )
}

/// Takes out of the clone what the central has committed. Where that fails, the next run sends
/// them again, and the central knows them by their uid. Where the central has standbys, which may take
/// over without its last commits, they stay as long as the run is remembered.
pub fn clear(clone: &mut Connection, replicated: bool, feedback: &Feedback) {
    let sql = if replicated {
        "DELETE FROM lizsync.conflicts AS c WHERE NOT EXISTS (SELECT FROM lizsync.runs AS r WHERE r.sync_id = c.sync_id)"
    } else {
        "DELETE FROM lizsync.conflicts"
    };
    if let Err(error) = clone.execute(sql, &[]) {
        log::debug!("clearing the conflicts of the clone: {error}");
        feedback.info(tr!("The conflicts stay in the clone until the next run."));
    }
}
