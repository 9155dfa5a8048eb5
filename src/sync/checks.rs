//! What must hold before a run may take anything for sent.

use uuid::Uuid;

use super::participant::Received;
use super::run::Run;
use super::tables::Scope;
use crate::error::{Error, Result};
use crate::postgres::{Doing, Template};

impl Run<'_> {
    /// Edits of the clone that have no place in the central must not be taken for sent.
    pub(super) fn refuse_strays(&mut self, scope: &Scope, new: &str) -> Result<()> {
        let sql = Template::new(include_str!("../../sql/sync/strays.sql"))
            .set("tables", scope.values())
            .set("new", new)
            .sql();
        let rows = self
            .clone
            .connection
            .query(&sql, &[])
            .doing(|| "Reading the change log of the clone")?;
        if rows.is_empty() {
            return Ok(());
        }
        Err(Error::state(format!(
            "The clone holds edits of tables that are not synchronised with the central database: {}. Nothing was synchronised, and nothing is lost.",
            listed(&rows)
        ))
        .hint("Bring these tables back in the central database and run “Prepare the central database”."))
    }

    /// Edits of the central that would be passed over: the clone would count them as received.
    pub(super) fn refuse_left_out(
        &mut self,
        scope: &Scope,
        new: &str,
        schemas: &[String],
    ) -> Result<()> {
        let sql = Template::new(include_str!("../../sql/sync/left_out.sql"))
            .set("tables", scope.values())
            .set("new", new)
            .sql();
        let rows = self
            .central
            .connection
            .query(&sql, &[&schemas])
            .doing(|| "Reading the change log of the central")?;
        if rows.is_empty() {
            return Ok(());
        }
        Err(Error::state(format!(
            "The central database holds edits of tables that are not prepared any more, or that were renamed since: {}. Nothing was synchronised, and nothing is lost.",
            listed(&rows)
        ))
        .hint("Run “Prepare the central database”; give a renamed table its former name until all clones have synchronised, or package the central database again."))
    }

    /// The last run that the central knows of this clone must be one that this clone knows: its last
    /// one, or, if that one died before it reached the central, the one before. Anything else means
    /// that the central was restored, or that another database sends under this clone's name.
    pub(super) fn refuse_strangers(
        &self,
        clone: &Received,
        central: Option<&Received>,
    ) -> Result<()> {
        let known: [Option<Uuid>; 2] = [Some(clone.sync_id), clone.acknowledged];
        if known.contains(&central.map(|received| received.sync_id)) {
            return Ok(());
        }
        Err(Error::state(format!(
            "The central ({}) and the clone ({}) do not agree on their last synchronisation: the central was restored from a backup, or the clone is a copy of another clone that has synchronised since. Nothing was synchronised.",
            self.central.connection.describe(),
            self.clone.connection.describe()
        ))
        .hint("Save the clone's edits and deploy a package to it again. A copy of a clone first needs a name of its own: run “DELETE FROM lizsync.server_metadata” in it."))
    }
}

/// Schema, name and number of events of each row, for a message.
fn listed(rows: &[::postgres::Row]) -> String {
    let tables: Vec<String> = rows
        .iter()
        .map(|row| {
            let (schema, name): (&str, &str) = (row.get(0), row.get(1));
            format!("{schema}.{name} ({} edits)", row.get::<_, i64>(2))
        })
        .collect();
    tables.join(", ")
}
