//! What must hold before a run may take anything for sent.

use uuid::Uuid;

use super::participant::Received;
use super::run::Run;
use super::tables::Scope;
use super::transfer::New;
use crate::error::{Error, Result};
use crate::postgres::{Doing, Table, Template};

impl Run<'_> {
    /// Finds the tables of which there are edits, but that are not among those of the run: their edits
    /// are set aside, and so never taken for sent or received.
    pub(super) fn find_unusable(
        &mut self,
        scope: &mut Scope,
        new: &New,
        schemas: &[String],
    ) -> Result<()> {
        let sql = Template::new(include_str!("../../sql/sync/strays.sql"))
            .set("tables", scope.values())
            .set("new", new.clone.as_str())
            .sql();
        let of_clone = self
            .clone
            .connection
            .query(&sql, &[])
            .doing(|| "Reading the change log of the clone")?;
        let sql = Template::new(include_str!("../../sql/sync/left_out.sql"))
            .set("tables", scope.values())
            .set("new", new.central.as_str())
            .sql();
        let of_central = self
            .central
            .connection
            .query(&sql, &[&schemas])
            .doing(|| "Reading the change log of the central")?;
        for row in of_clone {
            let table = Table::new(row.get::<_, String>(0), row.get::<_, String>(1));
            scope.add_unusable(table, row.get(2));
        }
        for row in of_central {
            let table = Table::new(row.get::<_, String>(0), row.get::<_, String>(1));
            scope.add_unusable(table, false);
        }
        Ok(())
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
