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
