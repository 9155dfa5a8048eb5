//! Values near the limits of PostgreSQL. These take minutes and gigabytes: `make soak` runs them.
#![allow(missing_docs)]

mod support;

use support::{Database, aside, clone_of, prepared, synchronize};

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

/// A value that lies nearer to the limits than any JSON could hold: refused, lost, and missing.
#[test]
fn a_value_that_no_json_holds() {
    let (central, clone) = pair(3);
    clone.run("ALTER TABLE gis.photo ADD CHECK (length(data) < 10)");
    let fill = |code: &str| {
        format!(
            "UPDATE gis.photo SET data = repeat('0123456789', 28 * 1024 * 1024) WHERE code = '{code}'"
        )
    };
    central.run(&fill("p1"));
    clone.run("ALTER TABLE gis.photo DROP CONSTRAINT photo_data_check");
    clone.run(&fill("p2"));
    clone.run(&fill("p3"));
    clone.run("ALTER TABLE gis.photo ADD CHECK (length(data) < 10) NOT VALID");
    central.run("DELETE FROM gis.photo WHERE code = 'p2'; ALTER TABLE gis.photo DISABLE TRIGGER USER; DELETE FROM gis.photo WHERE code = 'p3'; ALTER TABLE gis.photo ENABLE TRIGGER USER");
    synchronize(&central, &clone);
    synchronize(&central, &clone);
    assert_eq!(aside(&clone), ["central|photo|U|23514|photo_data_check"]);
    assert_eq!(
        central.rows("SELECT right(fields -> 'data', 19) FROM lizsync.set_aside"),
        ["… (293601280 bytes)"]
    );
    assert_eq!(
        central.rows("SELECT rule_applied, clone_value LIKE '%… (293601280 bytes)%' FROM lizsync.conflicts ORDER BY 1"),
        ["delete_wins|t", "row_missing|t"]
    );
    // What waits is whole.
    clone.run("ALTER TABLE gis.photo DROP CONSTRAINT photo_data_check");
    synchronize(&central, &clone);
    assert_eq!(
        clone.value("SELECT length(data) FROM gis.photo WHERE code = 'p1'"),
        "293601280"
    );
}

/// More than a gigabyte in one run: the log is written in parts.
#[test]
fn more_than_one_array_holds() {
    let (central, clone) = pair(150);
    clone.run(FILL);
    let outputs = synchronize(&central, &clone);
    assert_eq!(
        (&outputs["APPLIED_TO_CENTRAL"], &outputs["SET_ASIDE"]),
        (&150.into(), &0.into())
    );
    assert_eq!(
        central.value("SELECT count(*) FROM gis.photo WHERE length(data) = 10485760"),
        "150"
    );
    assert_eq!(
        central.value("SELECT count(*) FROM audit.logged_actions WHERE length(changed_fields -> 'data') = 10485760"),
        "150"
    );
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
