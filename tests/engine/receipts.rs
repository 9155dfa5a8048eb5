//! Edits of rows that are not there, and counts that do not balance.
#![allow(missing_docs)]

use crate::support::role::Role;
use crate::support::{Database, aside, clone_of, counts, prepared, refused, synchronize};
use lizsync::error::Kind;
use serde_json::json;

const TREES: &str = "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text PRIMARY KEY, height int);
    INSERT INTO gis.tree VALUES ('a', 1), ('b', 1), ('c', 1), ('d', 1)";

/// A row vanishes without its deletion being logged.
fn lose(database: &Database, code: &str) {
    database.run(&format!(
        "ALTER TABLE gis.tree DISABLE TRIGGER USER; DELETE FROM gis.tree WHERE code = '{code}'; ALTER TABLE gis.tree ENABLE TRIGGER USER"
    ));
}

/// An edit that would vanish is noticed before anything is committed.
#[test]
fn an_edit_that_vanishes_stops_the_run() {
    const NOTHING: &str = "CREATE OR REPLACE FUNCTION lizsync.record_conflicts(recorded jsonb) RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint'";
    for backwards in [false, true] {
        let central = prepared("central", TREES);
        let clone = clone_of(&central, "clone");
        let (editor, other) = match backwards {
            false => (&clone, &central),
            true => (&central, &clone),
        };
        lose(other, "a");
        other.run(NOTHING);
        editor.run("UPDATE gis.tree SET height = 5 WHERE code < 'c'");
        let said = refused(
            "synchronize_database",
            json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()}),
            Kind::Internal,
        );
        assert!(said.contains("do not balance"), "{said}");
        assert_eq!(
            other.rows("SELECT height FROM gis.tree WHERE code = 'b'"),
            ["1"]
        );
    }
}

/// What cannot be recorded as lost waits, and nothing else.
#[test]
fn lost_values_that_cannot_be_recorded() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    lose(&central, "a");
    lose(&central, "b");
    central.run("ALTER TABLE lizsync.conflicts ADD CONSTRAINT no_heights CHECK (clone_value NOT LIKE '%height%')");
    clone.run("UPDATE gis.tree SET height = 5 WHERE code < 'd'");
    let outputs = synchronize(&central, &clone);
    assert_eq!(counts(&outputs), [0, 1, 0, 0, 2], "{outputs}");
    assert_eq!(
        aside(&clone),
        [
            "clone|tree|U|23514|no_heights",
            "clone|tree|U|23514|no_heights"
        ]
    );
    central.run("ALTER TABLE lizsync.conflicts DROP CONSTRAINT no_heights");
    let outputs = synchronize(&central, &clone);
    assert_eq!(
        [&outputs["LOST_CLONE"], &outputs["SET_ASIDE"]],
        [2, 0],
        "{outputs}"
    );
}

/// A trigger that the role cannot disable deletes rows as soon as they were written.
#[test]
fn a_row_that_vanishes_when_it_is_written() {
    let surveyor = Role::new("surveyor");
    let central = prepared("central", TREES);
    surveyor.grant("Synchronising", &central);
    let clone = clone_of(&central, "clone");
    central.run(
        "CREATE FUNCTION gis.fell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM gis.tree WHERE code = NEW.code; RETURN NULL; END $$;
         CREATE TRIGGER fell AFTER UPDATE ON gis.tree FOR EACH ROW WHEN (NEW.height = 0) EXECUTE FUNCTION gis.fell()",
    );
    lose(&central, "b");
    clone.run("UPDATE gis.tree SET height = 0 WHERE code < 'c'; UPDATE gis.tree SET height = 7 WHERE code = 'c'");
    let outputs = surveyor.synchronize(&central, &clone);
    assert_eq!(
        ["APPLIED_TO_CENTRAL", "LOST_CLONE", "SET_ASIDE"].map(|id| outputs[id].as_u64()),
        [2, 1, 0].map(Some),
        "{outputs}"
    );
    surveyor.synchronize(&central, &clone);
    assert_eq!(
        clone.rows("SELECT code, height FROM gis.tree WHERE code IN ('a', 'c', 'd') ORDER BY 1"),
        ["c|7", "d|1"]
    );
}
