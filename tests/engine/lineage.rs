//! A standby takes over without what the last run had read: its own edits have numbers that this run had seen.
#![allow(missing_docs)]

use crate::support::{clone_of, killed_at, prepared, synchronize};

const TREES: &str = "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text PRIMARY KEY, height int);
    INSERT INTO gis.tree VALUES ('a', 1), ('b', 1), ('c', 1)";

fn edits_of_a_standby(committed: bool) {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    synchronize(&central, &clone);
    clone.run("UPDATE lizsync.runs SET standbys = true");
    let standby = central.copy("standby");
    // On one server both take their transaction numbers from one counter.
    standby.run("UPDATE gis.tree SET height = 77 WHERE code = 'b'");
    central.run("UPDATE gis.tree SET height = 99 WHERE code = 'c'");
    clone.run("UPDATE gis.tree SET height = 33 WHERE code = 'a'");
    match committed {
        true => drop(synchronize(&central, &clone)),
        false => killed_at(&central, &clone, "Committing to the central database."),
    }
    clone.run("UPDATE lizsync.received SET timeline = timeline - 1");
    for _ in 0..2 {
        synchronize(&standby, &clone);
    }
    for database in [&standby, &clone] {
        assert_eq!(
            database.rows("SELECT code, height FROM gis.tree ORDER BY 1"),
            ["a|33", "b|77", "c|99"],
            "{}",
            database.name
        );
    }
}

#[test]
fn edits_of_a_standby_that_lacks_a_run() {
    edits_of_a_standby(true);
}

#[test]
fn edits_of_a_standby_where_the_run_died() {
    edits_of_a_standby(false);
}

/// The central's events are read again from the last run that both know, and not from an earlier one: what the
/// clone had received before, and changed since, is no conflict.
#[test]
fn what_both_know_is_not_read_again() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    synchronize(&central, &clone);
    clone.run("UPDATE lizsync.runs SET standbys = true");
    central.run("UPDATE gis.tree SET height = 5 WHERE code = 'b'");
    synchronize(&central, &clone);
    let standby = central.copy("standby");
    clone.run("UPDATE gis.tree SET height = 6 WHERE code = 'b'");
    synchronize(&central, &clone);
    clone.run("UPDATE lizsync.received SET timeline = timeline - 1");
    synchronize(&standby, &clone);
    assert_eq!(
        standby.value("SELECT height FROM gis.tree WHERE code = 'b'"),
        "6"
    );
    assert_eq!(standby.value("SELECT count(*) FROM lizsync.conflicts"), "0");
}
