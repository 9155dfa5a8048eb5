//! Locks for an upgrade: within ten seconds, or not at all; and nobody's work may end in a deadlock for it.

use std::time::{Duration, Instant};

use ::postgres::Transaction;

use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::Doing;
use crate::text::{Text, tr};

/// How long an upgrade waits for its locks in all.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long it waits for one before it lets go of the others: less than the second after which a server looks for
/// deadlocks, which would end the transaction of somebody else.
const STEP: &str = "SET LOCAL lock_timeout = '500ms'";

/// The same for the few objects that are not locked beforehand.
const AFTERWARDS: &str = "SET LOCAL lock_timeout = '10s'";

const TIMED_OUT: &str = "55P03";

/// Locks tables (as SQL, with their oids) against everybody else.
///
/// # Errors
/// [`Kind::State`](crate::error::Kind::State) where that is not possible in time, naming who is in the way.
pub(super) fn tables(
    transaction: &mut Transaction<'_>,
    tables: &[(String, u32)],
    feedback: &Feedback,
) -> Result<()> {
    let names: Vec<&str> = tables.iter().map(|(name, _)| name.as_str()).collect();
    let oids: Vec<u32> = tables.iter().map(|(_, oid)| *oid).collect();
    let sql = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", names.join(", "));
    let doing = || tr!("Locking the tables that are upgraded");
    let started = Instant::now();
    transaction.batch_execute(STEP).doing(doing)?;
    loop {
        feedback.check()?;
        let mut attempt = transaction.transaction().doing(doing)?;
        match attempt.batch_execute(&sql).doing(doing) {
            Ok(()) => {
                attempt.commit().doing(doing)?;
                return transaction.batch_execute(AFTERWARDS).doing(doing);
            }
            Err(error) if error.sqlstate_code() == Some(TIMED_OUT) => {
                attempt.rollback().doing(doing)?;
                if started.elapsed() >= PATIENCE {
                    return Err(in_the_way(transaction, &oids)?);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

fn in_the_way(transaction: &mut Transaction<'_>, oids: &[u32]) -> Result<Error> {
    let rows = transaction
        .query(
            include_str!("../../../sql/structure/former/holders.sql"),
            &[&oids],
        )
        .doing(|| tr!("Looking who holds the locks"))?;
    let holders: Vec<Text> = rows
        .iter()
        .map(|row| {
            let application: Option<String> = row.get("application_name");
            let user: Option<String> = row.get("user");
            tr!(
                "{relation} is used by process {process} ({user}, {application})",
                relation = row.get::<_, &str>("relation"),
                process = row.get::<_, i32>("pid"),
                user = user.unwrap_or_default(),
                application = application
                    .filter(|name| !name.is_empty())
                    .map_or_else(|| tr!("no application name"), Text::verbatim)
            )
        })
        .collect();
    let who = match holders.is_empty() {
        true => tr!("somebody else used them until just now"),
        false => Text::clauses(holders),
    };
    Ok(Error::state(tr!("The tables to be upgraded could not be locked within {seconds} s: {who}. Nothing was changed.", seconds = PATIENCE.as_secs(), who))
    .sqlstate(TIMED_OUT)
    .hint(tr!("Let everybody end what they are doing (close the projects in QGIS), then run again.")))
}
