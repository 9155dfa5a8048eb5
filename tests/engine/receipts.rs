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

/// The history says what the run has said, and which events of the central the clone took.
#[test]
fn the_history_has_the_receipt() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    clone.run("UPDATE gis.tree SET height = 2 WHERE code = 'd'");
    synchronize(&central, &clone);
    central.run(
        "UPDATE gis.tree SET height = 3 WHERE code = 'a'; UPDATE gis.tree SET height = 4 WHERE code = 'a';
         UPDATE gis.tree SET height = 5 WHERE code = 'a'; UPDATE gis.tree SET height = 5 WHERE code = 'b'",
    );
    clone.run(
        "UPDATE gis.tree SET height = 6 WHERE code = 'b'; UPDATE gis.tree SET height = 6 WHERE code = 'c';
         UPDATE gis.tree SET height = 7 WHERE code = 'c'",
    );
    let events = central
        .rows("SELECT min(event_id), max(event_id) FROM audit.logged_actions WHERE origin IS NULL");
    let outputs = synchronize(&central, &clone);
    let last = |what: &str| {
        central.value(&format!(
            "SELECT {what} FROM lizsync.history ORDER BY sync_time DESC LIMIT 1"
        ))
    };
    for (column, expected) in [
        ("applied_to_clone", 1),
        ("applied_to_central", 2),
        ("conflicts", 1),
        ("superseded", 3),
        ("set_aside", 0),
        ("captured_central", 4),
        ("captured_clone", 3),
        ("superseded_central", 2),
        ("superseded_clone", 1),
        ("lost_central", 1),
        ("lost_clone", 0),
        ("set_aside_central", 0),
        ("set_aside_clone", 0),
    ] {
        assert_eq!(outputs[column.to_uppercase()], expected, "{column}");
        assert_eq!(last(column), expected.to_string(), "{column}");
    }
    assert_eq!(last("min_event_id || '|' || max_event_id"), events[0]);
}
