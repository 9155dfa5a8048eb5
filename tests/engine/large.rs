//! Large values: each alone is allowed, together they are more than PostgreSQL takes in one value.
#![allow(missing_docs)]

use crate::support::{Database, aside, clone_of, prepared, synchronize};

const FILL: &str = "UPDATE gis.photo SET data = repeat('0123456789', 1024 * 1024)";

/// A central with that many photos without data, and its clone.
fn pair(photos: u32) -> (Database, Database) {
    let central = prepared("central", &format!(
        "CREATE SCHEMA gis; CREATE TABLE gis.photo (code text PRIMARY KEY, data text); CREATE TABLE gis.other (code text PRIMARY KEY);
         INSERT INTO gis.photo SELECT 'p' || n, '' FROM generate_series(1, {photos}) AS n"
    ));
    let clone = clone_of(&central, "clone");
    (central, clone)
}

/// Values of the central that the clone refuses.
#[test]
fn large_values_set_aside() {
    let (central, clone) = pair(28);
    clone.run("ALTER TABLE gis.photo ADD CHECK (length(data) < 10)");
    central.run(FILL);
    central.run("INSERT INTO gis.other VALUES ('x')");
    synchronize(&central, &clone);
    assert_eq!((aside(&central).len(), aside(&clone).len()), (28, 28));
    assert_eq!(
        central.value("SELECT min(length(fields -> 'data')) FROM lizsync.set_aside"),
        "10485760"
    );
    assert_eq!(clone.value("SELECT count(*) FROM gis.other"), "1");
}

/// Values for rows that are not there.
#[test]
fn large_values_of_missing_rows() {
    let (central, clone) = pair(28);
    central.run("ALTER TABLE gis.photo DISABLE TRIGGER USER; DELETE FROM gis.photo; ALTER TABLE gis.photo ENABLE TRIGGER USER");
    clone.run(FILL);
    synchronize(&central, &clone);
    assert_eq!(
        central.rows("SELECT count(*), min(length(clone_value::json ->> 'data')) FROM lizsync.conflicts WHERE rule_applied = 'row_missing'"),
        ["28|10485760"]
    );
}

/// Values that lose against a deletion.
#[test]
fn large_values_that_lose() {
    let (central, clone) = pair(28);
    central.run("DELETE FROM gis.photo");
    clone.run(FILL);
    synchronize(&central, &clone);
    assert_eq!(
        central.rows("SELECT count(*), min(length(clone_value::json ->> 'data')), max(length(clone_sql)) < 1000 FROM lizsync.conflicts WHERE rule_applied = 'delete_wins'"),
        ["28|10485760|t"]
    );
    assert_eq!(clone.value("SELECT count(*) FROM lizsync.conflicts"), "0");
}
