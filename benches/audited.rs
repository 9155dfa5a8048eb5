//! A central and a clone that synchronise.

use postgres::Client;

use crate::support::{self, Database, clone_of, prepared};
use crate::table::{Edited, SCHEMA, fill, tidy};

/// The two databases, and a connection to each.
pub struct Audited {
    pub central: Database,
    pub clone: Database,
    pub central_client: Client,
    pub clone_client: Client,
}

impl Audited {
    /// With that many rows; `before`: SQL that the central runs before it is cloned.
    pub fn new(rows: u64, geometry: &str, before: &str) -> Self {
        let central = prepared("bench", SCHEMA);
        // Rows of the beginning need no log.
        central.run(&format!(
            "ALTER TABLE gis.tree DISABLE TRIGGER USER; {}; ALTER TABLE gis.tree ENABLE ALWAYS TRIGGER lizsync_capture_insert,
                ENABLE ALWAYS TRIGGER lizsync_capture_update, ENABLE ALWAYS TRIGGER lizsync_capture_delete,
                ENABLE ALWAYS TRIGGER lizsync_capture_truncate; {before}",
            fill(rows, geometry)
        ));
        central.run("VACUUM (ANALYZE)");
        let clone = clone_of(&central, "bench_clone");
        let (central_client, clone_client) = (central.connect(), clone.connect());
        let mut audited = Self {
            central,
            clone,
            central_client,
            clone_client,
        };
        audited.tidy();
        // The first run of a clone finds out more than any later one.
        audited.synchronize(0);
        audited
    }

    /// Edits the rows 1 to n in the central and n + 1 to 2n in the clone.
    pub fn edit(&mut self, what: Edited, edits: u64, round: usize) {
        what.edit(&mut self.central_client, 1, edits, round);
        what.edit(&mut self.clone_client, edits + 1, 2 * edits, round);
    }

    /// Synchronises; that many rows must have been written to each side.
    pub fn synchronize(&self, edits: u64) {
        let outputs = support::synchronize(&self.central, &self.clone);
        assert_eq!(support::counts(&outputs), [edits, edits, 0, 0, 0]);
    }

    pub fn tidy(&mut self) {
        tidy(&mut self.central_client);
        tidy(&mut self.clone_client);
    }

    /// Both tables are equal.
    pub fn check(&mut self) {
        let sql = "SELECT md5(string_agg(t::text, ',' ORDER BY uid)) FROM (SELECT uid, name, height, planted, remark, geom FROM gis.tree) AS t";
        let [central, clone] = [&mut self.central_client, &mut self.clone_client]
            .map(|client| client.query_one(sql, &[]).unwrap().get::<_, String>(0));
        assert_eq!(central, clone, "the databases differ");
    }
}
