//! What must hold before a run may take anything for sent.

use super::merge::Side;
use super::participant::Participant;
use super::run::Run;
use super::scope::Scope;
use super::sides::at_once;
use super::transfer::New;
use super::unread::UnreadTable;
use crate::error::Result;
use crate::postgres::{Doing, Table, Template, literal};
use crate::structure;

impl Run<'_> {
    /// Warns of tables whose edits are not captured whole: what is done there meanwhile never travels.
    pub(super) fn warn_of_uncaptured(&mut self) -> Result<()> {
        let schemas = self.schemas()?;
        let look = |participant: &mut Participant| {
            let gone = "SELECT s FROM unnest($1::text[]) AS s WHERE NOT EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspname = s)";
            let rows = participant
                .connection
                .query(gone, &[&schemas])
                .doing(|| "Looking at the schemas")?;
            for row in rows {
                self.feedback.warning(format!(
                    "The schema {} is synchronised by this clone, but it is not in {} any more: what is edited under another name does not travel. Give it its name back, or package and deploy again.",
                    row.get::<_, &str>(0),
                    participant.side.full()
                ));
            }
            structure::uncaptured(&mut *participant.connection, &schemas)
        };
        let (in_central, in_clone) = at_once(|| look(&mut self.central), || look(&mut self.clone))?;
        for (side, tables) in [(Side::Central, in_central), (Side::Clone, in_clone)] {
            for found in tables.iter().filter(|table| table.prepared) {
                let way_out = match side {
                    _ if found.inherited => {
                        "inheritance is not supported; end it, or partition the table.".to_owned()
                    }
                    Side::Central => "run “Prepare the central database”.".to_owned(),
                    Side::Clone => format!(
                        "run SELECT audit.audit_table({}) there, as the role that deployed, or deploy a package again.",
                        literal(&found.table.to_string())
                    ),
                };
                self.feedback.warning(format!(
                    "Not all edits of {} in {} are captured ({}), and those that are not do not travel: {way_out}",
                    found.table.plain(),
                    side.full(),
                    found.wrong
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
        schemas: &[String],
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
            .doing(|| "Reading the change log of the clone")?;
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
                    &schemas,
                    &names(|t| &t.schema, &tables),
                    &names(|t| &t.name, &tables),
                    &oids,
                ],
            )
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
}
