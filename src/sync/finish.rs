//! The ends of a run: what is written with the changes, in the same commit.

use uuid::Uuid;

use super::apply::Applied;
use super::begin::Begun;
use super::conflicts;
use super::merge::Side;
use super::outcome::Outcome;
use super::participant::Stamp;
use super::receipt::Receipt;
use super::refusal::BySide;
use super::run::{Ended, Run};
use super::scope::Scope;
use super::transfer::{New, Tally, Transferred};
use super::unread::Unread;
use super::wanted::Wanted;
use crate::error::{Error, Result};
use crate::postgres::{Doing, literal};
use crate::text::tr;

/// What was applied to both sides.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    /// To the clone.
    pub(super) clone: Applied,
    /// To the central.
    pub(super) central: Applied,
    /// What was refused.
    pub(super) refusals: BySide,
}

impl Run<'_> {
    /// Steps 4 to 6, after both sides were written: what belongs to the changes is written with them,
    /// then the clone commits, then the central.
    pub(super) fn finish(
        &mut self,
        begun: &Begun,
        new: &New,
        written: &Written,
        transferred: &Transferred,
        scope: Option<&Scope>,
    ) -> Result<Ended> {
        self.aside.clear();
        let of_central = receipt(&transferred.central, &written.clone);
        let of_clone = receipt(&transferred.clone, &written.central);
        of_central.check(Side::Central.name())?;
        of_clone.check(Side::Clone.name())?;
        let found = transferred.conflicts + written.clone.missing;
        // The central records what it has not recorded yet: with this pass, perhaps what a pass before
        // it had brought to the clone only.
        let mut entry = self.unrecorded;
        entry.central.then(of_central);
        entry.clone.then(of_clone);
        entry.conflicts += found + written.central.missing;
        self.finish_clone(begun, transferred, scope)?;
        if let Some(scope) = scope {
            self.keep_aside(scope, &written.refusals, begun)?;
        }
        self.finish_central(begun, &new.in_central, entry)?;
        self.feedback.check()?;
        self.feedback.info(tr!("Committing to the clone."));
        self.clone.commit()?;
        self.committed = true;
        for sum in [&mut self.outcome, &mut self.unrecorded] {
            sum.central.then(of_central);
            sum.conflicts += found;
        }
        self.feedback
            .info(tr!("Committing to the central database."));
        self.central.commit()?;
        self.outcome.clone.then(of_clone);
        self.outcome.conflicts += written.central.missing;
        self.unrecorded = Outcome::default();
        self.confirm();
        conflicts::clear(&mut self.clone.connection, self.replicated, self.feedback);
        let more = written.clone.more || written.central.more;
        Ok(match more || self.outcome.set_aside() > begun.waited {
            true => Ended::More,
            false => Ended::Done,
        })
    }

    /// What the clone writes with its changes: it forgets what lost, keeps the conflicts until the
    /// central has them, and knows what it has received.
    fn finish_clone(
        &mut self,
        begun: &Begun,
        transferred: &Transferred,
        scope: Option<&Scope>,
    ) -> Result<()> {
        if let Some(scope) = scope.filter(|_| transferred.anything_dropped) {
            let sql = self
                .clone
                .template(include_str!("../../sql/sync/forget.sql"))
                .set("tables", scope.values())
                .set("snapshot", literal(&begun.clone.snapshot))
                .sql();
            self.clone
                .connection
                .execute(&sql, &[])
                .doing(|| tr!("Clearing the clone's log of what lost"))?;
        }
        if transferred.conflicts > 0 {
            let sql = self
                .clone
                .template(include_str!("../../sql/sync/record_conflicts.sql"))
                .sql();
            self.clone
                .connection
                .execute(&sql, &[&self.clone.id, &self.sync_id])
                .doing(|| tr!("Recording the conflicts in the clone"))?;
        }
        self.remember(&begun.central.snapshot, &begun.clone.snapshot)?;
        let acknowledged = begun
            .received_by_central
            .as_ref()
            .map(|received| received.sync_id);
        self.clone
            .receive(&self.central, &begun.central, &self.stamp(acknowledged))
    }

    /// What the central writes with its changes: conflicts, history and ledger.
    fn finish_central(&mut self, begun: &Begun, unread: &Unread, outcome: Outcome) -> Result<()> {
        conflicts::send(&mut self.clone.connection, &mut self.central.connection)?;
        self.register()?;
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.central
            .connection
            .execute(
                include_str!("../../sql/sync/history.sql"),
                &[
                    &self.sync_id,
                    &self.clone.id,
                    &unread.first_event,
                    &unread.last_event,
                    &unread.last_time,
                    &number(outcome.central.applied),
                    &number(outcome.clone.applied),
                    &number(outcome.conflicts),
                    &number(outcome.superseded()),
                    &number(outcome.set_aside()),
                    &number(outcome.central.captured),
                    &number(outcome.clone.captured),
                    &number(outcome.central.superseded),
                    &number(outcome.clone.superseded),
                    &number(outcome.central.lost),
                    &number(outcome.clone.lost),
                    &number(outcome.central.set_aside),
                    &number(outcome.clone.set_aside),
                ],
            )
            .doing(|| tr!("Writing the history of the central"))?;
        self.central
            .receive(&self.clone, &begun.clone, &self.stamp(None))
    }

    /// What is to be synchronised: as the central has registered it, else as it was deployed.
    pub(super) fn wanted(&mut self) -> Result<Wanted> {
        let sql = include_str!("../../sql/sync/scope.sql");
        let id = self.clone.id;
        let doing = || tr!("Reading which schemas the clone synchronises");
        for participant in [&mut self.central, &mut self.clone] {
            let row = participant.connection.query_opt(sql, &[&id]).doing(doing)?;
            if let Some(row) = row {
                return Wanted::from_row(&row).doing(doing)?.ok_or_else(|| {
                    Error::state(tr!("The list of schemas of this clone (lizsync.synchronized_schemas of {connection}) has an entry that is null.", connection = participant.connection.describe()))
                    .hint(tr!("Whoever owns the table has to correct it."))
                });
            }
        }
        Err(Error::state(tr!(
            "Neither database knows which schemas the clone synchronises."
        ))
        .hint(tr!(
            "Deploy a package to the clone again; save its edits first."
        )))
    }

    fn stamp(&self, acknowledged: Option<Uuid>) -> Stamp {
        Stamp {
            sync_id: self.sync_id,
            deployment: self.deployment,
            acknowledged,
        }
    }

    /// A clone that the central does not know (a deployment that died half way) is registered.
    fn register(&mut self) -> Result<()> {
        let known: bool = self
            .central
            .connection
            .query_one(
                "SELECT lizsync.knows_clone($1, $2)",
                &[&self.clone.id, &self.deployment],
            )
            .doing(|| tr!("Looking for the clone in the central"))?
            .get(0);
        if known {
            return Ok(());
        }
        let wanted = self.wanted()?;
        self.central
            .connection
            .execute(
                include_str!("../../sql/structure/register_clone.sql"),
                &[
                    &self.clone.id,
                    &wanted.schemas,
                    &None::<Uuid>,
                    &self.deployment,
                    &wanted.tables_json(),
                ],
            )
            .doing(|| tr!("Registering the clone in the central"))?;
        Ok(())
    }
}

/// The receipt of one side's edits: what was read, and what the other side did with it.
fn receipt(tally: &Tally, applied: &Applied) -> Receipt {
    Receipt {
        captured: tally.captured,
        applied: applied.rows,
        superseded: tally.superseded + applied.absent,
        lost: tally.lost + applied.missing,
        set_aside: applied.refused,
    }
}
