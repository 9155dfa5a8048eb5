//! The log of what a run writes to the central, by which it reaches the other clones.

use ::postgres::Row;
use uuid::Uuid;

use super::Apply;
use crate::error::Result;
use crate::postgres::{Doing, Table, Template, literal};
use crate::sync::merge::Side;
use crate::sync::scope::Synced;
use crate::sync::stage::Staged;
use crate::text::tr;

impl Apply<'_> {
    /// Takes out of the log what cascades and triggers did to rows that are as staged.
    /// Returns whether something is left that is to be synchronised.
    pub(super) fn drop_echoes(&mut self, staged: &Staged) -> Result<bool> {
        let side = self.receiver.side;
        let doing = || {
            tr!(
                "Comparing cascades with what was staged in the {side}",
                side = side
            )
        };
        let tables = "SELECT DISTINCT l.schema_name, l.table_name FROM lizsync.cascaded() AS l";
        let scope = self.scope;
        let name = |row: &Row| Table::new(row.get::<_, String>(0), row.get::<_, String>(1));
        let place = |table: &Table| scope.tables.iter().position(|t| t.table == *table);
        let found = self.receiver.connection.query(tables, &[]).doing(doing)?;
        for table in found.iter().map(name) {
            let number = place(&table);
            let Some(number) = number.filter(|number| staged.contains_key(number)) else {
                continue;
            };
            let sql = self
                .receiver
                .template(include_str!("../../../sql/sync/echoes.sql"))
                .set("table", self.rows_of(number))
                .set("number", number.to_string())
                .set("schema_name", literal(&table.schema))
                .set("table_name", literal(&table.name))
                .sql();
            self.receiver.connection.batch_execute(&sql).doing(doing)?;
        }
        if found.is_empty() {
            return Ok(false);
        }
        let left = self.receiver.connection.query(tables, &[]).doing(doing)?;
        Ok(left.iter().any(|row| place(&name(row)).is_some()))
    }

    /// The sub-statements that write the log of the central; a clone logs only its own edits. `entries` is
    /// the one called `entry`; `altered` the one of that name, of what triggers made of the rows.
    pub(super) fn log(&self, entries: &str, altered: Option<&str>, synced: &Synced) -> String {
        if self.receiver.side == Side::Clone {
            return ", logged AS (SELECT 0 AS entries)".to_owned();
        }
        let uuid = |id: Uuid| format!("'{id}'::uuid");
        let log = |name: &str, from: &str, origin: Uuid, after: &str| {
            Template::new(include_str!("../../../sql/sync/log.sql"))
                .set("schema_name", literal(&synced.table.schema))
                .set("table_name", literal(&synced.table.name))
                .set("oid", synced.central.oid.to_string())
                .set("origin", uuid(origin))
                .set("sync_id", uuid(self.sync_id))
                .set("name", name)
                .set("from", from)
                .set("after", after)
                .sql()
        };
        let Some(altered) = altered else {
            return entries.to_owned() + &log("logged", "entry", self.clone, "true");
        };
        let brought = log("brought", "entry", self.clone, "true");
        let after = "(SELECT b.entries FROM brought AS b) > 0";
        entries.to_owned() + &brought + altered + &log("logged", "altered", self.receiver.id, after)
    }
}
