//! Whether the central is still what it was at the last run, and what to do when it has lost some: a
//! standby that took over, or a restored backup.
//!
//! Commits reach a standby in their order. So a central that has a run has everything that this run had
//! seen; the snapshot of that run still means what it meant, also on another timeline.

use ::postgres::Row;
use uuid::Uuid;

use super::participant::{Moment, Participant, Received};
use super::run::Run;
use super::scope::Scope;
use crate::error::{Error, Result};
use crate::postgres::{Doing, Template, literal};
use crate::text::{Text, tr};

/// A run that the clone remembers.
struct Known {
    sync_id: Uuid,
    central_snapshot: String,
    confirmed: bool,
}

/// What to do with a clone that is not the one that the central knows.
fn way_out() -> Text {
    tr!(
        "Save the clone's edits and deploy a package to it again. A copy of a clone first needs a name of its own: run “DELETE FROM lizsync.server_metadata” in it."
    )
}

/// The clone is a database that was copied before it was deployed again.
pub(super) fn superseded(central: &Participant, clone: &Participant) -> Error {
    Error::state(tr!(
        "The central ({central}) knows a later deployment of this clone than that of {clone}: one of two copies of the clone was deployed again. Nothing was synchronised.",
        central = central.connection.describe(),
        clone = clone.connection.describe()
    ))
    .hint(way_out())
}

impl Known {
    fn of(row: &Row) -> Self {
        Self {
            sync_id: row.get("sync_id"),
            central_snapshot: row.get("central_snapshot"),
            confirmed: row.get("confirmed"),
        }
    }
}

impl Run<'_> {
    /// Compares the last run that each of the two knows. Returns the runs that the central lacks, and
    /// whether to read its events since the last run that both know once more: `clone` then says what
    /// it has taken up to that one. `at`: where the central stands.
    ///
    /// # Errors
    /// [`Kind::State`](crate::error::Kind::State) where it cannot be known what the central has lost.
    pub(super) fn find_lost(
        &mut self,
        clone: &mut Received,
        central: Option<&Received>,
        at: &Moment,
    ) -> Result<(Vec<Uuid>, bool)> {
        let mut last = central.map(|received| received.sync_id);
        if last.is_none() && self.knows_package()? {
            last = Some(self.package);
        }
        let moved = clone.moved_from(self.central.identity.cluster.timeline);
        if last == Some(clone.sync_id) {
            clone.verify_events(&self.central, at)?;
            return Ok((Vec::new(), false));
        }
        let known: Vec<Known> = self
            .clone
            .connection
            .query(include_str!("../../sql/sync/runs.sql"), &[])
            .doing(|| tr!("Reading the last runs of the clone"))?
            .iter()
            .map(Known::of)
            .collect();
        let newer: Vec<&Known> = known
            .iter()
            .take_while(|run| Some(run.sync_id) != last)
            .collect();
        let agreed = known.get(newer.len());
        let missing: Vec<Uuid> = newer.iter().map(|run| run.sync_id).collect();
        // The last runs died between their two commits, or there was none yet.
        let died = !moved && !newer.iter().any(|run| run.confirmed);
        match agreed {
            Some(agreed) => {
                if !died {
                    self.feedback.warning(tr!(
                        "The central ({place}) has lost the last run of this clone: a standby took over without it, or a backup was restored. The clone brings back what it holds of it."
                            | "The central ({place}) has lost the last {n} runs of this clone: a standby took over without them, or a backup was restored. The clone brings back what it holds of them." % newer.len(),
                        place = self.central.connection.describe()
                    ));
                }
                // A central that crashed may have forgotten transactions that the dead run saw, and use
                // their numbers again: only what it had when it committed a run is certain to be there.
                clone.snapshot.clone_from(&agreed.central_snapshot);
                Ok((missing, true))
            }
            None if died && (last.is_none() || clone.acknowledged == last) => {
                clone.verify_events(&self.central, at)?;
                Ok((missing, false))
            }
            None => Err(self.strangers()),
        }
    }

    fn strangers(&self) -> Error {
        Error::state(tr!(
            "The central ({central}) and the clone ({clone}) do not agree on their last synchronisation: the central was restored from a backup, or the clone is a copy of another clone that has synchronised since. Nothing was synchronised.",
            central = self.central.connection.describe(),
            clone = self.clone.connection.describe()
        ))
        .hint(way_out())
    }

    /// Whether the central knows the package that the clone was deployed from.
    fn knows_package(&mut self) -> Result<bool> {
        let row = self
            .central
            .connection
            .query_one("SELECT lizsync.knows_package($1)", &[&self.package])
            .doing(|| tr!("Reading the history of the central"))?;
        Ok(row.get(0))
    }

    /// Writes this run into the clone's memory.
    pub(super) fn remember(&mut self, central_snapshot: &str, clone_snapshot: &str) -> Result<()> {
        self.clone
            .connection
            .execute(
                "INSERT INTO lizsync.runs (number, sync_id, central_snapshot, clone_snapshot, standbys)
                 SELECT coalesce(max(number), 0) + 1, $1, $2::text::txid_snapshot, $3::text::txid_snapshot, $4
                 FROM lizsync.runs",
                &[
                    &self.sync_id,
                    &central_snapshot,
                    &clone_snapshot,
                    &self.replicated,
                ],
            )
            .doing(|| tr!("Writing the run to the clone"))?;
        Ok(())
    }

    /// Notes that the central has committed. Where that fails, the next run asks the central itself.
    pub(super) fn confirm(&mut self) {
        let sql = "UPDATE lizsync.runs SET confirmed = true WHERE sync_id = $1";
        if let Err(error) = self.clone.connection.execute(sql, &[&self.sync_id]) {
            log::debug!("noting that the central has committed: {error}");
        }
    }
}

/// Lets the clone forget the runs before `taken`, the last one that the central has shown to have, and what of its log
/// they sent. `replicated`: whether the central has standbys.
pub(super) fn forget(clone: &mut Participant, taken: Option<Uuid>, replicated: bool) -> Result<()> {
    let Some(taken) = taken else {
        return Ok(());
    };
    let doing = || tr!("Clearing the clone's log of what the central has");
    let row = clone
        .connection
        .query_opt(
            include_str!("../../sql/sync/prune.sql"),
            &[&taken, &replicated],
        )
        .doing(doing)?;
    if let Some(row) = row {
        let snapshot: &str = row.get("snapshot");
        clone
            .connection
            .execute(include_str!("../../sql/sync/clear_log.sql"), &[&snapshot])
            .doing(doing)?;
    }
    Ok(())
}

/// Keeps what a run brought to the clone, for a central that loses the run.
pub(super) fn keep_pulled(clone: &mut Participant, scope: &Scope, sync_id: Uuid) -> Result<()> {
    let sql = Template::new(include_str!("../../sql/sync/keep_pulled.sql"))
        .set("tables", scope.values())
        .sql();
    clone
        .connection
        .execute(&sql, &[&sync_id])
        .doing(|| tr!("Keeping what the run brought to the clone"))?;
    Ok(())
}

/// Sync ids as a list of literals, never empty.
pub(super) fn list(ids: &[Uuid]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| literal(&id.to_string())).collect();
    if ids.is_empty() {
        "NULL".to_owned()
    } else {
        ids.join(", ")
    }
}
