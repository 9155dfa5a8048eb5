//! Runs that have nothing or little to do, also beside a long history.

use std::env;
use std::process::{Command, Stdio};

use crate::audited::Audited;
use crate::measure::{Report, timed};
use crate::table::{Edited, POINT};

const ROWS: u64 = 20_000;

pub fn idle(report: &mut Report) {
    let audited = Audited::new(ROWS, POINT, "");
    let rounds = report.runs * 4;
    let ours = (0..rounds)
        .map(|_| timed(|| audited.synchronize(0)))
        .collect();
    report.value("idle run, library call", "ms", ours, 60.0);
    let ours = (0..rounds)
        .map(|_| timed(|| command_line(&audited)))
        .collect();
    report.value("idle run, command line", "ms", ours, 250.0);
}

fn command_line(audited: &Audited) {
    let status = Command::new("python3")
        .args(["-m", "lizsync", "run", "synchronize_database"])
        .arg(format!(
            "CONNECTION_NAME_CENTRAL={}",
            audited.central.conninfo()
        ))
        .arg(format!(
            "CONNECTION_NAME_CLONE={}",
            audited.clone.conninfo()
        ))
        .env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/python"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(
        status.success(),
        "the command line failed: is LIZSYNC_LIBRARY built?"
    );
}

/// A million events that every clone has.
const EVENTS: &str = "
    INSERT INTO audit.logged_actions (schema_name, table_name, relid, session_user_name, action_tstamp_tx,
        action_tstamp_stm, action_tstamp_clk, transaction_id, action, row_data, changed_fields, uid)
    SELECT 'gis', 'tree', 'gis.tree'::regclass, 'somebody', now(), now(), now(), txid_current(), 'U',
        public.hstore((t.*)::record), 'remark=>x', t.uid
    FROM gis.tree AS t, generate_series(1, 50)";

pub fn with_history(report: &mut Report) {
    let mut without = Audited::new(ROWS, POINT, "");
    let mut with = Audited::new(ROWS, POINT, EVENTS);
    let reference = "with an empty log";
    let pairs = (0..report.runs * 4)
        .map(|_| {
            (
                timed(|| with.synchronize(0)),
                timed(|| without.synchronize(0)),
            )
        })
        .collect();
    report.ratio("idle run with 1,000,000 old events", reference, pairs, 1.3);
    let mut pairs = Vec::new();
    for round in 0..report.runs * 4 {
        with.edit(Edited::Values, 100, round);
        without.edit(Edited::Values, 100, round);
        pairs.push((
            timed(|| with.synchronize(100)),
            timed(|| without.synchronize(100)),
        ));
    }
    report.ratio(
        "100 edits a side with 1,000,000 old events",
        reference,
        pairs,
        1.3,
    );
}
