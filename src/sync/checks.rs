//! What must hold before a run may take anything for sent.

use super::merge::Side;
use super::participant::Participant;
use super::run::Run;
use super::scope::Scope;
use super::sides::at_once;
use super::transfer::New;
use super::unread::UnreadTable;
use super::wanted::Wanted;
use crate::error::Result;
use crate::feedback::Feedback;
use crate::postgres::{Doing, Table, Template, literal};
use crate::structure::{self, Uncaptured};
use crate::text::tr;

impl Run<'_> {
    /// Warns of tables whose edits are not captured whole: what is done there meanwhile never travels.
    pub(super) fn warn_of_uncaptured(&mut self) -> Result<()> {
        let wanted = self.wanted()?;
        let look = |participant: &mut Participant| {
            let gone = "SELECT s FROM unnest($1::text[]) AS s WHERE NOT EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspname = s)";
            let rows = participant
                .connection
                .query(gone, &[&wanted.schemas])
                .doing(|| tr!("Looking at the schemas"))?;
            for row in rows {
                self.feedback.warning(tr!(
                    "The schema {schema} is synchronised by this clone, but it is not in {side} any more: what is edited under another name does not travel. Give it its name back, or package and deploy again.",
                    schema = row.get::<_, &str>(0),
                    side = participant.side.full()
                ));
            }
            warn_of_gone(participant, &wanted, self.feedback)?;
            structure::uncaptured(&mut *participant.connection, &wanted.schemas)
        };
        let (in_central, in_clone) = at_once(|| look(&mut self.central), || look(&mut self.clone))?;
        for (side, tables) in [(Side::Central, in_central), (Side::Clone, in_clone)] {
            let concerned = |found: &&Uncaptured| found.prepared && wanted.has(&found.table);
            for found in tables.iter().filter(concerned) {
                let way_out = match side {
                    Side::Central => tr!("run “Prepare the central database”."),
                    Side::Clone => tr!(
                        "run SELECT audit.audit_table({table}) there, as the role that deployed, or deploy a package again.",
                        table = literal(&found.table.to_string())
                    ),
                };
                self.feedback.warning(tr!(
                    "Not all edits of {table} in {side} are captured ({wrong}), and those that are not do not travel: {way_out}",
                    table = found.table.plain(),
                    side = side.full(),
                    wrong = found.wrong,
                    way_out
                ));
            }
        }
        Ok(())
    }

    /// Finds the tables of which there are edits, but that are not among those of the run: their edits
    /// are set aside, and so never taken for sent or received.
    pub(super) fn find_unusable(
        &mut self,
        scope: &mut Scope,
        new: &New,
        wanted: &Wanted,
    ) -> Result<()> {
        let names = |of: fn(&UnreadTable) -> &str, unread: &[&UnreadTable]| -> Vec<String> {
            unread.iter().map(|table| of(table).to_owned()).collect()
        };
        let tables: Vec<&UnreadTable> = new.in_clone.tables.iter().collect();
        let without_uid: Vec<bool> = tables.iter().map(|table| table.without_uid).collect();
        let sql = Template::new(include_str!("../../sql/sync/strays.sql"))
            .set("tables", scope.values())
            .sql();
        let of_clone = self
            .clone
            .connection
            .query(
                &sql,
                &[
                    &names(|t| &t.schema, &tables),
                    &names(|t| &t.name, &tables),
                    &without_uid,
                ],
            )
            .doing(|| tr!("Reading the change log of the clone"))?;
        let tables = new.in_central.tables.iter().filter(|t| !t.without_uid);
        let tables: Vec<&UnreadTable> = tables.collect();
        let oids: Vec<u32> = tables.iter().map(|table| table.oid).collect();
        let sql = Template::new(include_str!("../../sql/sync/left_out.sql"))
            .set("tables", scope.values())
            .sql();
        let of_central = self
            .central
            .connection
            .query(
                &sql,
                &[
                    &wanted.schemas,
                    &names(|t| &t.schema, &tables),
                    &names(|t| &t.name, &tables),
                    &oids,
                ],
            )
            .doing(|| tr!("Reading the change log of the central"))?;
        for row in of_clone {
            let table = Table::new(row.get::<_, String>(0), row.get::<_, String>(1));
            let wanted = wanted.schemas.contains(&table.schema) && wanted.has(&table);
            scope.add_unusable(table, row.get(2), !wanted);
        }
        for row in of_central {
            let table = Table::new(row.get::<_, String>(0), row.get::<_, String>(1));
            if wanted.has(&table) {
                scope.add_unusable(table, false, false);
            }
        }
        Ok(())
    }
}

/// Warns of listed tables that are not there any more: what is edited under another name does not travel.
fn warn_of_gone(participant: &mut Participant, wanted: &Wanted, feedback: &Feedback) -> Result<()> {
    let (of, names) = wanted.names();
    if names.is_empty() {
        return Ok(());
    }
    let rows = participant
        .connection
        .query(include_str!("../../sql/sync/gone.sql"), &[&of, &names])
        .doing(|| tr!("Looking at the tables"))?;
    for row in rows {
        let table = Table::new(row.get::<_, String>(0), row.get::<_, String>(1));
        feedback.warning(tr!("The table {table} is synchronised by this clone, but it is not in {side} any more: what is edited under another name does not travel. Give it its name back, or package and deploy again.", table = table.plain(), side = participant.side.full()));
    }
    Ok(())
}
