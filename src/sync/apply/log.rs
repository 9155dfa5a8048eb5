//! The log of what a run writes to the central, by which it reaches the other clones.

use uuid::Uuid;

use super::Apply;
use crate::postgres::{Template, literal};
use crate::sync::merge::Side;
use crate::sync::scope::Synced;

impl Apply<'_> {
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
