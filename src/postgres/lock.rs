//! Turns of a clone: two runs for one clone must not overlap.

use uuid::Uuid;

use super::{Connection, Doing};
use crate::error::Result;
use crate::feedback::Feedback;
use crate::text::tr;

/// Keeps these locks apart from those of other programs.
const SEED: i64 = 0x4c_697a_5379_6e63;

/// Takes the turn of a clone on this connection, waiting for another run to end. The server gives
/// it back when the connection closes, whatever happens to this process.
pub fn lock_clone(connection: &mut Connection, clone: Uuid, feedback: &Feedback) -> Result<()> {
    let id = clone.to_string();
    let place = connection.describe().to_owned();
    let doing = || tr!("Taking the turn of the clone in {place}", place);
    let free: bool = connection
        .query_one(
            "SELECT pg_try_advisory_lock(hashtextextended($1, $2))",
            &[&id, &SEED],
        )
        .doing(doing)?
        .get(0);
    if !free {
        feedback.info(tr!(
            "Another run for this clone is active in {place}: waiting for it to end.",
            place
        ));
        feedback.check()?;
        connection
            .execute(
                "SELECT pg_advisory_lock(hashtextextended($1, $2))",
                &[&id, &SEED],
            )
            .doing(doing)?;
    }
    Ok(())
}
