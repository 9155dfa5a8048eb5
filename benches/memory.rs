//! The memory of the client process.

use std::env;
use std::process::Command;

use serde_json::json;

use crate::audited::Audited;
use crate::measure::Report;
use crate::support::run;
use crate::table::{Edited, POINT};

/// The first argument of a process that synchronises once and prints its peak memory.
pub const CHILD: &str = "--synchronize";

const MIB: f64 = 1024.0 * 1024.0;

/// Synchronises, and prints the peak of the process's resident memory in kB.
pub fn child(central: &str, clone: &str) {
    run(
        "synchronize_database",
        json!({"CONNECTION_NAME_CENTRAL": central, "CONNECTION_NAME_CLONE": clone}),
    )
    .unwrap_or_else(|error| panic!("{}", error.sentence()));
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    println!("{}", peak.unwrap().trim().trim_end_matches(" kB"));
}

/// The peak of a process that synchronises, in MiB.
fn peak(audited: &Audited) -> f64 {
    let done = Command::new(env::current_exe().unwrap())
        .args([
            CHILD,
            &audited.central.conninfo(),
            &audited.clone.conninfo(),
        ])
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let kilobytes: f64 = String::from_utf8_lossy(&done.stdout)
        .trim()
        .parse()
        .unwrap();
    kilobytes * 1024.0 / MIB
}

pub fn memory(report: &mut Report) {
    // It hardly varies: one run of the large one.
    let edits = 1_000_000;
    let mut audited = Audited::new(2 * edits, POINT, "");
    audited.edit(Edited::Values, edits, 1);
    audited.tidy();
    let ours = vec![peak(&audited)];
    audited.check();
    drop(audited);
    report.value(
        "peak memory of the client, 1,000,000 edits a side",
        "MiB",
        ours,
        150.0,
    );

    let mut audited = Audited::new(1000, POINT, "");
    let mut ours = Vec::new();
    for round in 0..report.runs {
        for (client, id) in [
            (&mut audited.central_client, 1),
            (&mut audited.clone_client, 11),
        ] {
            let sql = format!(
                "UPDATE gis.tree SET remark = repeat(md5('{round}' || id), 8 * 1024 * 1024 / 32) WHERE id BETWEEN {id} AND {id} + 9"
            );
            client.batch_execute(&sql).unwrap();
        }
        ours.push(peak(&audited) / 8.0);
    }
    audited.check();
    report.value(
        "peak memory of the client, rows of 8 MiB",
        "rows",
        ours,
        30.0,
    );
}
