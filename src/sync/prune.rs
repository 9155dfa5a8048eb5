//! What every clone has received leaves the central's log.

use super::run::Run;
use crate::error::{Error, Result};
use crate::postgres::Doing;
use crate::text::{Text, tr};

/// Events that one transaction removes: others must be able to work meanwhile.
const BATCH: i64 = 50_000;

/// For who may synchronise, but not prune.
fn denied() -> Text {
    tr!(
        "The synchronisation itself is done. Ask whoever owns the tables of LizSync to run “SELECT lizsync.prune_log()” now and then, or to grant the execution of lizsync.clones and lizsync.prune_log."
    )
}

impl Run<'_> {
    /// Removes it, in parts.
    pub(super) fn prune_log(&mut self) -> Result<()> {
        self.feedback.info(tr!(
            "Removing from the log of the central what all clones have received."
        ));
        let doing = || tr!("Removing events from the log of the central");
        let waiting = "SELECT c.clone_id::text, c.deployed_at::text FROM lizsync.clones() AS c WHERE c.given IS NULL ORDER BY 2";
        let hint = |error: Error| match error.sqlstate_code() {
            Some("42501") => error.hint(denied()),
            _ => error,
        };
        let waiting = self
            .central
            .connection
            .query(waiting, &[])
            .doing(doing)
            .map_err(hint)?;
        for row in &waiting {
            self.feedback.warning(tr!(
                "The clone {name} has not synchronised since it was deployed ({time}): the log of the central is kept for it. If it will not come back, run “SELECT lizsync.forget_clone('{name}')” in the central.",
                name = row.get::<_, &str>(0),
                time = row.get::<_, &str>(1)
            ));
        }
        loop {
            self.feedback.check()?;
            let row = self
                .central
                .connection
                .query_one("SELECT lizsync.prune_log($1)", &[&BATCH])
                .doing(doing)
                .map_err(hint)?;
            let removed: i64 = row.get(0);
            self.outcome.pruned += u64::try_from(removed).unwrap_or_default();
            if removed < BATCH {
                return Ok(());
            }
        }
    }
}
