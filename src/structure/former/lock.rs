//! Locks for an upgrade: within ten seconds, or not at all; and nobody's work may end in a deadlock for it.

use std::time::{Duration, Instant};

use ::postgres::Transaction;

use super::survey::Survey;
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::{Doing, literal};
use crate::text::{Text, tr};

/// How long an upgrade waits for its locks in all.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long it waits at most, holding others, before it lets go of all.
const STEP: Duration = Duration::from_millis(500);

/// How many of those in the way are named.
const NAMED: usize = 3;

/// Where a lock is waited for once more after all: for objects that are not locked beforehand.
const AFTERWARDS: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '10s'";

const TIMED_OUT: &str = "55P03";

/// What a server says of a statement that was ended, by a cancel or by `statement_timeout`.
const ENDED: &str = "57014";

/// What is locked together: statements, and the oids of the relations.
struct Wanted {
    statements: Vec<String>,
    oids: Vec<u32>,
}

/// Somebody who holds a lock.
struct Holder {
    relation: String,
    process: i32,
    application: Option<String>,
    /// An autovacuum has none.
    user: Option<String>,
}

/// Locks what the upgrade changes against everybody else.
///
/// # Errors
/// [`Kind::State`](crate::error::Kind::State) where that is not possible in time, naming who is in the way.
pub(super) fn all(
    transaction: &mut Transaction<'_>,
    survey: &Survey,
    feedback: &Feedback,
) -> Result<()> {
    let wanted = wanted(transaction, survey)?;
    let doing = || tr!("Locking the tables that are upgraded");
    // A server looks for deadlocks after this time, and then ends the transaction of somebody who waits; an autovacuum
    // in the way is ended then, too.
    let milliseconds: i64 = transaction
        .query_one(
            "SELECT setting::bigint FROM pg_settings WHERE name = 'deadlock_timeout'",
            &[],
        )
        .doing(doing)?
        .get(0);
    let until_deadlock = Duration::from_millis(milliseconds.unsigned_abs());
    let step = STEP.min(until_deadlock / 2);
    let started = Instant::now();
    loop {
        feedback.check()?;
        if lock(transaction, &wanted.statements, step, true)? {
            return transaction.batch_execute(AFTERWARDS).doing(doing);
        }
        let holders = holders(transaction, &wanted.oids)?;
        let left = PATIENCE.saturating_sub(started.elapsed());
        if left.is_zero() {
            return Err(in_the_way(holders));
        }
        let vacuumed = holders.iter().find(|holder| holder.is_autovacuum());
        if let Some(relation) = vacuumed.map(|holder| &holder.relation) {
            feedback.check()?;
            // Alone: who holds nothing else is part of no deadlock, and may wait until the autovacuum is ended.
            let statement = format!("LOCK TABLE ONLY {relation} IN ACCESS EXCLUSIVE MODE");
            let wait = (until_deadlock + STEP).min(left).max(step);
            lock(transaction, &[statement], wait, false)?;
        }
    }
}

/// What to lock, in the order in which people who edit take it.
fn wanted(transaction: &mut Transaction<'_>, survey: &Survey) -> Result<Wanted> {
    let audited: Vec<u32> = survey.audited.iter().map(|relation| relation.oid).collect();
    let rows = transaction
        .query(
            include_str!("../../../sql/structure/former/locked.sql"),
            &[
                &audited,
                &survey.layout.tables(),
                &(survey.is_clone() && survey.foreign_server),
            ],
        )
        .doing(|| tr!("Looking for the tables that are upgraded"))?;
    Ok(Wanted {
        statements: rows.iter().map(|row| row.get("statement")).collect(),
        oids: rows.iter().map(|row| row.get("oid")).collect(),
    })
}

/// Takes locks together, within a time for all of them (`lock_timeout` would count for each). Returns whether they were
/// had; they are kept then, where that is asked for. Otherwise nothing is held.
fn lock(
    transaction: &mut Transaction<'_>,
    statements: &[String],
    within: Duration,
    keep: bool,
) -> Result<bool> {
    let doing = || tr!("Locking the tables that are upgraded");
    let within =
        Duration::from_millis(u64::try_from(within.as_millis()).unwrap_or(u64::MAX).max(1));
    let together = format!("BEGIN {}; END", statements.join("; "));
    let mut attempt = transaction.transaction().doing(doing)?;
    attempt
        .batch_execute(&format!(
            "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = {}",
            within.as_millis()
        ))
        .doing(doing)?;
    let asked = Instant::now();
    let had = attempt
        .batch_execute(&format!("DO {}", literal(&together)))
        .doing(doing);
    match had {
        Ok(()) if keep => attempt.commit().doing(doing).map(|()| true),
        Ok(()) => attempt.rollback().doing(doing).map(|()| true),
        // Sooner, it was somebody who canceled.
        Err(error) if error.sqlstate_code() == Some(ENDED) && asked.elapsed() >= within => {
            attempt.rollback().doing(doing).map(|()| false)
        }
        Err(error) => Err(error),
    }
}

fn holders(transaction: &mut Transaction<'_>, oids: &[u32]) -> Result<Vec<Holder>> {
    let rows = transaction
        .query(
            include_str!("../../../sql/structure/former/holders.sql"),
            &[&oids],
        )
        .doing(|| tr!("Looking who holds the locks"))?;
    let holder = |row: &::postgres::Row| Holder {
        relation: row.get("relation"),
        process: row.get("pid"),
        application: row.get("application_name"),
        user: row.get("user"),
    };
    Ok(rows.iter().map(holder).collect())
}

impl Holder {
    /// What kind of process another one is, is only shown to privileged roles.
    fn is_autovacuum(&self) -> bool {
        self.user.is_none()
    }

    fn told(&self) -> Text {
        let (relation, process) = (self.relation.as_str(), self.process);
        let Some(user) = &self.user else {
            return tr!(
                "{relation} is used by an autovacuum (process {process})",
                relation,
                process
            );
        };
        let application = self.application.as_deref().filter(|name| !name.is_empty());
        tr!(
            "{relation} is used by process {process} ({user}, {application})",
            relation,
            process,
            user,
            application = application.map_or_else(|| tr!("no application name"), Text::verbatim)
        )
    }
}

fn in_the_way(holders: Vec<Holder>) -> Error {
    let who = match holders.is_empty() {
        true => tr!("somebody else used them until just now"),
        false => Text::clauses(holders.iter().take(NAMED).map(Holder::told)),
    };
    let only_autovacuum = !holders.is_empty() && holders.iter().all(Holder::is_autovacuum);
    let hint = match only_autovacuum {
        false => tr!(
            "Let everybody end what they are doing (close the projects in QGIS), then run again."
        ),
        true => tr!(
            "The autovacuum did not give way: it probably prevents a wraparound of transaction numbers. Wait for its end, then run again."
        ),
    };
    Error::state(tr!("The tables to be upgraded could not be locked within {seconds} s: {who}. Nothing was changed.", seconds = PATIENCE.as_secs(), who))
        .sqlstate(TIMED_OUT)
        .hint(hint)
}
