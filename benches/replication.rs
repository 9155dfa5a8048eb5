//! PostgreSQL's own logical replication, one direction after the other.

use std::thread;
use std::time::Duration;

use postgres::Client;

use crate::audited::Audited;
use crate::measure::{Report, timed};
use crate::support::Database;
use crate::table::{Edited, POINT, SCHEMA, fill, tidy};

const EDITS: u64 = 100_000;

/// Two databases, one of which subscribes to the other.
struct Replicated {
    from: Client,
    to: Client,
    slot: String,
    _databases: [Database; 2],
}

impl Replicated {
    fn new(rows: u64) -> Self {
        let from = Database::new("bench_publisher");
        from.run(&format!("{SCHEMA}; {}", fill(rows, POINT)));
        let to = from.copy("bench_subscriber");
        from.run("CREATE PUBLICATION bench FOR TABLE gis.tree");
        let slot = from.name.clone();
        // On one server the slot has to be made first.
        from.run(&format!(
            "SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')"
        ));
        to.run(&format!(
            "CREATE SUBSCRIPTION \"{slot}\" CONNECTION '{}' PUBLICATION bench
             WITH (create_slot = false, slot_name = '{slot}', copy_data = false, enabled = false)",
            from.conninfo().replace('\'', "''")
        ));
        let clients = (from.connect(), to.connect());
        Self {
            from: clients.0,
            to: clients.1,
            slot,
            _databases: [from, to],
        }
    }

    /// How long it takes to apply what was edited while the subscription was off.
    fn apply(&mut self, round: usize) -> f64 {
        Edited::Values.edit(&mut self.from, 1, EDITS, round);
        tidy(&mut self.from);
        tidy(&mut self.to);
        let row = self
            .from
            .query_one("SELECT pg_current_wal_insert_lsn()::text", &[])
            .unwrap();
        let reached: String = row.get(0);
        let behind = format!(
            "SELECT coalesce(bool_or(confirmed_flush_lsn < '{reached}'), true) FROM pg_replication_slots WHERE slot_name = '{}'",
            self.slot
        );
        let done = format!(
            "SELECT remark = 'visited in round {round}, row {EDITS}' FROM gis.tree WHERE id = {EDITS}"
        );
        let switch = |client: &mut Client, how: &str| {
            let sql = format!("ALTER SUBSCRIPTION \"{}\" {how}", self.slot);
            client.batch_execute(&sql).unwrap();
        };
        let took = timed(|| {
            switch(&mut self.to, "ENABLE");
            // The change is one transaction: its last row shows that all are there.
            while !self.to.query_one(&done, &[]).unwrap().get::<_, bool>(0) {
                thread::sleep(Duration::from_millis(5));
            }
        });
        while self.from.query_one(&behind, &[]).unwrap().get::<_, bool>(0) {
            thread::sleep(Duration::from_millis(5));
        }
        switch(&mut self.to, "DISABLE");
        took
    }
}

impl Drop for Replicated {
    fn drop(&mut self) {
        let (slot, name) = (self.slot.clone(), self.slot.replace('"', "\"\""));
        let _ = self.to.batch_execute(&format!(
            "ALTER SUBSCRIPTION \"{name}\" SET (slot_name = NONE); DROP SUBSCRIPTION \"{name}\""
        ));
        let sql = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND NOT active";
        while self
            .from
            .query(
                "SELECT FROM pg_replication_slots WHERE slot_name = $1",
                &[&slot],
            )
            .is_ok_and(|rows| !rows.is_empty())
        {
            let _ = self.from.execute(sql, &[&slot]);
        }
    }
}

pub fn replication(report: &mut Report) {
    let mut audited = Audited::new(2 * EDITS, POINT, "");
    let mut replicated = [Replicated::new(2 * EDITS), Replicated::new(2 * EDITS)];
    let mut pairs = Vec::new();
    for round in 0..=report.runs {
        audited.edit(Edited::Values, EDITS, round);
        audited.tidy();
        let ours = timed(|| audited.synchronize(EDITS));
        let theirs = replicated.iter_mut().map(|r| r.apply(round)).sum();
        if round > 0 {
            pairs.push((ours, theirs));
        }
    }
    report.ratio(
        "synchronisation, 100,000 edits a side, against replication",
        "logical replication, one direction after the other",
        pairs,
        1.0,
    );
}
