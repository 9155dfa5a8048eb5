//! Columns that are renamed, dropped or made generated while edits of them are on their way.
#![allow(missing_docs)]

use crate::support::role::Role;
use crate::support::{Database, aside, clone_of, messages, prepared, synchronize};
use serde_json::json;

const REMARKS: &str =
    "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text PRIMARY KEY, remark text, height int);
    INSERT INTO gis.tree VALUES ('a', 'old', 1), ('b', 'old', 1), ('c', 'old', 1), ('d', 'old', 1)";

fn pair() -> (Database, Database) {
    let central = prepared("central", REMARKS);
    let clone = clone_of(&central, "clone");
    (central, clone)
}

fn settled(central: &Database, clone: &Database) {
    synchronize(central, clone);
    let outputs = synchronize(central, clone);
    for id in ["CAPTURED_CENTRAL", "CAPTURED_CLONE", "SET_ASIDE"] {
        assert_eq!(outputs[id], 0, "{outputs}");
    }
    let rows = "SELECT uid, to_jsonb(t) FROM gis.tree AS t ORDER BY uid";
    assert_eq!(central.rows(rows), clone.rows(rows));
}

fn conflicts(central: &Database) -> Vec<String> {
    central.rows("SELECT field, central_value, clone_value, rejected, rule_applied FROM lizsync.conflicts ORDER BY 2, 3")
}

/// Edits of a column that neither database has any more when they arrive.
#[test]
fn columns_that_are_gone() {
    let (central, clone) = pair();
    clone.run(
        "UPDATE gis.tree SET remark = 'seen' WHERE code = 'a'; UPDATE gis.tree SET remark = 'both', height = 2 WHERE code = 'b';
         UPDATE gis.tree SET remark = NULL WHERE code = 'c'; INSERT INTO gis.tree VALUES ('new', 'fresh', 3)",
    );
    central.run("UPDATE gis.tree SET remark = 'office' WHERE code = 'd'");
    for database in [&central, &clone] {
        database.run("ALTER TABLE gis.tree DROP COLUMN remark");
    }
    let connections = json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()});
    let heard = messages("synchronize_database", connections);
    assert!(
        heard
            .iter()
            .any(|m| m.contains("gis.tree") && m.contains("remark") && m.contains("4 values")),
        "{heard:?}"
    );
    assert_eq!(
        central.rows(
            "SELECT field, central_value, clone_value, rejected, rule_applied, central_event_timestamp IS NULL, clone_event_timestamp IS NULL
             FROM lizsync.conflicts ORDER BY central_value, clone_value"
        ),
        [
            "remark|office|∅|central|column_missing|f|t",
            "remark|∅|both|clone|column_missing|t|f",
            "remark|∅|fresh|clone|column_missing|t|f",
            "remark|∅|seen|clone|column_missing|t|f"
        ]
    );
    assert_eq!(
        central.rows("SELECT code, height FROM gis.tree ORDER BY 1"),
        ["a|1", "b|2", "c|1", "d|1", "new|3"]
    );
    settled(&central, &clone);
    assert_eq!(central.value("SELECT count(*) FROM lizsync.conflicts"), "4");
}

const EDIT: &str = "UPDATE gis.tree SET remark = 'edited' WHERE code = 'a'; INSERT INTO gis.tree VALUES ('new', 'fresh', 3)";
const RENAME: &str = "ALTER TABLE gis.tree RENAME remark TO note";

/// The edits go where the column still has its old name, and are there when it gets the new one.
#[test]
fn a_column_that_is_renamed_by_the_sender_first() {
    for required in ["", "ALTER TABLE gis.tree ALTER remark SET NOT NULL"] {
        for turned in [false, true] {
            let (central, clone) = pair();
            central.run(required);
            clone.run(required);
            let (sender, receiver) = if turned {
                (&central, &clone)
            } else {
                (&clone, &central)
            };
            sender.run(&format!("{EDIT}; {RENAME}"));
            synchronize(&central, &clone);
            assert_eq!(
                receiver.rows(
                    "SELECT code, remark FROM gis.tree WHERE code IN ('a', 'new') ORDER BY 1"
                ),
                ["a|edited", "new|fresh"]
            );
            receiver.run(RENAME);
            settled(&central, &clone);
            assert!(conflicts(&central).is_empty());
        }
    }
}

/// And where the receiver was first, the values are recorded.
#[test]
fn a_column_that_is_renamed_by_the_receiver_first() {
    let (central, clone) = pair();
    central.run(RENAME);
    clone.run(EDIT);
    synchronize(&central, &clone);
    assert_eq!(
        aside(&clone),
        ["clone|tree|I|42703|∅", "clone|tree|U|42703|∅"]
    );
    clone.run(RENAME);
    synchronize(&central, &clone);
    assert_eq!(
        conflicts(&central),
        [
            "remark|∅|edited|clone|column_missing",
            "remark|∅|fresh|clone|column_missing"
        ]
    );
    clone.run("UPDATE gis.tree SET note = note || '.' WHERE code IN ('a', 'new')");
    settled(&central, &clone);
}

#[test]
fn a_column_that_the_sender_dropped() {
    let (central, clone) = pair();
    clone.run(
        "UPDATE gis.tree SET remark = 'edited' WHERE code = 'a'; ALTER TABLE gis.tree DROP remark",
    );
    synchronize(&central, &clone);
    assert_eq!(
        central.value("SELECT remark FROM gis.tree WHERE code = 'a'"),
        "edited"
    );
    central.run("ALTER TABLE gis.tree DROP remark");
    settled(&central, &clone);
}

#[test]
fn a_column_that_becomes_generated() {
    let (central, clone) = pair();
    clone.run("UPDATE gis.tree SET height = 77 WHERE code = 'a'");
    central.run("ALTER TABLE gis.tree DROP height; ALTER TABLE gis.tree ADD height int GENERATED ALWAYS AS (length(remark)) STORED");
    synchronize(&central, &clone);
    assert_eq!(conflicts(&central), ["height|∅|77|clone|column_missing"]);
    clone.run("ALTER TABLE gis.tree DROP height; ALTER TABLE gis.tree ADD height int GENERATED ALWAYS AS (length(remark)) STORED");
    settled(&central, &clone);
}

/// Both edit it; the central renames it before the run.
#[test]
fn a_conflict_about_a_column_that_one_side_has_renamed() {
    let (central, clone) = pair();
    clone.run("UPDATE gis.tree SET remark = 'clone', height = 5 WHERE code = 'a'");
    central.run(&format!(
        "UPDATE gis.tree SET remark = 'central' WHERE code = 'a'; {RENAME}"
    ));
    synchronize(&central, &clone);
    assert_eq!(
        conflicts(&central),
        ["remark|central|clone|clone|last_modified"]
    );
    clone.run(RENAME);
    settled(&central, &clone);
    assert_eq!(
        central.value("SELECT note FROM gis.tree WHERE code = 'a'"),
        "central"
    );
}

/// The value of a column that is gone is recorded once, also after a crash between the commits.
#[test]
fn a_column_that_is_gone_and_a_crash() {
    let (central, clone) = pair();
    clone.run("UPDATE gis.tree SET remark = 'edited', height = 7 WHERE code = 'a'");
    for database in [&central, &clone] {
        database.run("ALTER TABLE gis.tree DROP COLUMN remark");
    }
    crate::support::killed_at(&central, &clone, "Committing to the central database.");
    synchronize(&central, &clone);
    synchronize(&central, &clone);
    assert_eq!(
        central.rows("SELECT field, clone_value FROM lizsync.conflicts"),
        ["remark|edited"]
    );
}

/// A change waits for another reason; meanwhile its sender renames one of the columns.
#[test]
fn a_column_that_is_renamed_while_its_value_waits() {
    let (central, clone) = pair();
    clone.run("ALTER TABLE gis.tree ADD extra int; UPDATE gis.tree SET remark = 'edited', extra = 1 WHERE code = 'a'");
    synchronize(&central, &clone);
    assert_eq!(aside(&clone).len(), 1);
    clone.run(RENAME);
    synchronize(&central, &clone);
    central.run("ALTER TABLE gis.tree ADD extra int");
    synchronize(&central, &clone);
    central.run(RENAME);
    settled(&central, &clone);
    assert_eq!(
        central.value("SELECT note, extra FROM gis.tree WHERE code = 'a'"),
        "edited|1"
    );
}

/// A column that only the central has, and that the role may not write.
#[test]
fn a_column_of_the_office() {
    let surveyor = Role::new("surveyor");
    let (central, clone) = pair();
    surveyor.grant("Synchronising", &central);
    let columns = "(uid, code, remark, height)";
    central.run(&format!(
        "ALTER TABLE gis.tree ADD valid boolean DEFAULT false; REVOKE INSERT, UPDATE ON gis.tree FROM {0};
         GRANT INSERT {columns}, UPDATE {columns} ON gis.tree TO {0}",
        surveyor.name
    ));
    clone.run(EDIT);
    let outputs = surveyor.synchronize(&central, &clone);
    assert_eq!(outputs["SET_ASIDE"], 0, "{outputs}");
    assert_eq!(
        central
            .rows("SELECT code, remark, valid FROM gis.tree WHERE code IN ('a', 'new') ORDER BY 1"),
        ["a|edited|f", "new|fresh|f"]
    );
}
