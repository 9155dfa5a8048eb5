//! What refuses a row and what ends a run; what leaves the list of the central.
#![allow(missing_docs)]

use crate::support::role::Role;
use crate::support::{Database, aside, clone_of, prepared, run, synchronize};
use serde_json::json;

const TREES: &str =
    "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text PRIMARY KEY, remark text, height int);
    INSERT INTO gis.tree VALUES ('a', 'old', 1), ('b', 'old', 1)";

fn pair(sql: &str) -> (Database, Database) {
    let central = prepared("central", sql);
    let clone = clone_of(&central, "clone");
    (central, clone)
}

/// A rule of the central's own speaks with a code that PostgreSQL uses for sessions.
fn code_of_a_check(code: &str) {
    let (central, clone) = pair(TREES);
    central.run(&format!(
        "CREATE FUNCTION gis.low(height int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN IF height > 10 THEN RAISE EXCEPTION 'too high' USING ERRCODE = '{code}'; END IF; RETURN true; END $$;
         ALTER TABLE gis.tree ADD CHECK (gis.low(height))"
    ));
    clone.run("UPDATE gis.tree SET height = 100 WHERE code = 'a'; UPDATE gis.tree SET height = 2 WHERE code = 'b'");
    let parameters = json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()});
    let outputs = run("synchronize_database", parameters).map_err(|error| error.sentence());
    assert!(outputs.is_ok(), "{outputs:?}");
    assert_eq!(
        clone.rows("SELECT sqlstate, message FROM lizsync.set_aside"),
        [format!("{code}|too high.")]
    );
    assert_eq!(
        central.rows("SELECT code, height FROM gis.tree ORDER BY 1"),
        ["a|1", "b|2"]
    );
}

#[test]
fn a_check_that_raises_57014() {
    code_of_a_check("57014");
}

#[test]
fn a_check_that_raises_40001() {
    code_of_a_check("40001");
}

#[test]
fn a_check_that_raises_55000() {
    code_of_a_check("55000");
}

#[test]
fn a_check_that_raises_25006() {
    code_of_a_check("25006");
}

/// A constraint trigger that raises such a code at the end of the transaction. The role owns nothing in the
/// central, so the trigger runs.
#[test]
fn a_constraint_trigger_that_raises_40001() {
    let surveyor = Role::new("surveyor");
    let (central, clone) = pair(TREES);
    surveyor.grant("Synchronising", &central);
    central.run(
        "CREATE FUNCTION gis.low() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.height > 10 THEN RAISE serialization_failure; END IF; RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER low AFTER UPDATE ON gis.tree DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION gis.low()",
    );
    clone.run("UPDATE gis.tree SET height = 100 WHERE code = 'a'; UPDATE gis.tree SET height = 2 WHERE code = 'b'");
    surveyor.synchronize(&central, &clone);
    assert_eq!(aside(&clone), ["clone|tree|U|40001|∅"]);
    assert_eq!(
        central.rows("SELECT code, height FROM gis.tree ORDER BY 1"),
        ["a|1", "b|2"]
    );
}

/// The reference was wrong before the key was made, and is not what was edited.
#[test]
fn orphans_of_a_key_that_is_not_valid() {
    for deferrable in ["", " DEFERRABLE INITIALLY DEFERRED"] {
        let (central, clone) = pair(&format!(
            "CREATE SCHEMA gis; CREATE TABLE gis.species (code text PRIMARY KEY);
             CREATE TABLE gis.tree (code text PRIMARY KEY, species text, height int CHECK (height < 1000));
             INSERT INTO gis.tree VALUES ('old', 'extinct', 1), ('older', 'extinct', 1), ('b', NULL, 1);
             ALTER TABLE gis.tree ADD FOREIGN KEY (species) REFERENCES gis.species{deferrable} NOT VALID",
        ));
        clone.run(
            "ALTER TABLE gis.tree DROP CONSTRAINT tree_height_check; ALTER TABLE gis.tree DROP CONSTRAINT tree_species_fkey;
             UPDATE gis.tree SET height = 5 WHERE code = 'old'; UPDATE gis.tree SET height = 5000 WHERE code = 'b';
             UPDATE gis.tree SET species = 'lost' WHERE code = 'older'; INSERT INTO gis.tree VALUES ('new', 'extinct', 2)",
        );
        synchronize(&central, &clone);
        assert_eq!(
            central.rows("SELECT code, species, height FROM gis.tree ORDER BY 1"),
            ["b|∅|1", "old|extinct|5", "older|extinct|1"],
            "{deferrable}: {:?}",
            aside(&clone)
        );
        assert_eq!(
            clone.rows(
                "SELECT action, sqlstate, constraint_name FROM lizsync.set_aside ORDER BY 1, 2"
            ),
            [
                "I|23503|tree_species_fkey",
                "U|23503|tree_species_fkey",
                "U|23514|tree_height_check"
            ]
        );
    }
}

/// A reference that was wrong before, and comes again as it is there: PostgreSQL does not look at it.
#[test]
fn an_old_reference_that_is_written_again() {
    let (central, clone) = pair(
        "CREATE SCHEMA gis; CREATE TABLE gis.species (code text PRIMARY KEY);
         CREATE TABLE gis.tree (code text PRIMARY KEY, species text, height int CHECK (height < 1000));
         INSERT INTO gis.tree VALUES ('old', 'extinct', 1), ('b', NULL, 1);
         ALTER TABLE gis.tree ADD FOREIGN KEY (species) REFERENCES gis.species NOT VALID",
    );
    clone.run(
        "ALTER TABLE gis.tree DROP CONSTRAINT tree_height_check; ALTER TABLE gis.tree DROP CONSTRAINT tree_species_fkey;
         UPDATE gis.tree SET species = 'x', height = 5 WHERE code = 'old'; UPDATE gis.tree SET species = 'extinct' WHERE code = 'old';
         UPDATE gis.tree SET height = 5000 WHERE code = 'b'",
    );
    synchronize(&central, &clone);
    assert_eq!(aside(&clone), ["clone|tree|U|23514|tree_height_check"]);
    assert_eq!(
        central.rows("SELECT species, height FROM gis.tree WHERE code = 'old'"),
        ["extinct|5"]
    );
}

/// A change of the central that is given up in the clone is not waited for in the central either.
#[test]
fn what_was_given_up_leaves_the_list_of_the_central() {
    let (central, clone) = pair(TREES);
    let other = clone_of(&central, "other");
    for clone in [&clone, &other] {
        clone.run("ALTER TABLE gis.tree ADD CHECK (height < 10)");
    }
    central.run("UPDATE gis.tree SET height = 100 WHERE code = 'a'");
    synchronize(&central, &clone);
    synchronize(&central, &other);
    assert_eq!((aside(&central).len(), aside(&clone).len()), (2, 1));
    clone.run("DELETE FROM lizsync.set_aside");
    synchronize(&central, &clone);
    // That of the other clone still waits.
    assert_eq!(aside(&central).len(), 1, "{:?}", aside(&central));
    synchronize(&central, &other);
    assert_eq!(aside(&central).len(), 1, "{:?}", aside(&central));
}
