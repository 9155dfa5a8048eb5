//! References to keys that change in the same synchronisation, and the values that keys get in between.
#![allow(missing_docs)]

use crate::kinds::compare::same;
use crate::support::{Database, aside, clone_of, counts, messages, prepared, synchronize};
use serde_json::json;

/// Edits of a clone reach the central and another clone, in two runs of each; nothing waits. Then the same
/// with edits of the central.
fn reaches_all(schema: &str, start: &str, edits: &str) {
    for in_clone in [true, false] {
        let central = prepared("central", &format!("CREATE SCHEMA gis; {schema}; {start}"));
        let (one, other) = (clone_of(&central, "one"), clone_of(&central, "other"));
        match in_clone {
            true => one.run(edits),
            false => central.run(edits),
        }
        all_equal(&central, &[&one, &other], edits);
    }
}

fn all_equal(central: &Database, clones: &[&Database], edits: &str) {
    for _ in 0..2 {
        for clone in clones {
            synchronize(central, clone);
        }
    }
    for clone in clones {
        assert!(aside(clone).is_empty(), "{edits}: {:?}", aside(clone));
        same(central, clone);
        assert_eq!(counts(&synchronize(central, clone)), [0; 5], "{edits}");
    }
}

const TREE: &str =
    "CREATE TABLE gis.e (name text, code text NOT NULL UNIQUE, parent text REFERENCES gis.e (code)";

/// One code moves on, another takes its place, and a row refers to the new one.
#[test]
fn references_to_a_code_that_another_row_has_taken() {
    for rule in [
        "ON UPDATE CASCADE",
        "ON UPDATE SET NULL",
        "ON UPDATE SET DEFAULT",
    ] {
        reaches_all(
            &format!("{TREE} {rule})"),
            "INSERT INTO gis.e VALUES ('1', 'E', NULL), ('2', 'Y', NULL), ('3', 'e1', 'E')",
            "UPDATE gis.e SET code = 'B' WHERE code = 'E'; UPDATE gis.e SET code = 'E' WHERE code = 'Y';
             UPDATE gis.e SET parent = 'E' WHERE name IN ('1', '3')",
        );
    }
    reaches_all(
        &format!("{TREE} ON UPDATE CASCADE)"),
        "INSERT INTO gis.e VALUES ('1', 'E', NULL), ('2', 'e1', 'E')",
        "UPDATE gis.e SET code = 'B' WHERE code = 'E'; INSERT INTO gis.e VALUES ('3', 'E', NULL), ('4', 'e2', 'E');
         UPDATE gis.e SET parent = 'E' WHERE code = 'e1'",
    );
    reaches_all(
        "CREATE TABLE gis.e (p int NOT NULL, code text NOT NULL, parent text, UNIQUE (p, code),
         FOREIGN KEY (p, parent) REFERENCES gis.e (p, code) ON UPDATE CASCADE)",
        "INSERT INTO gis.e VALUES (1, 'E', NULL), (1, 'Y', NULL)",
        "UPDATE gis.e SET code = 'B' WHERE code = 'E'; UPDATE gis.e SET code = 'E' WHERE code = 'Y';
         UPDATE gis.e SET parent = 'E' WHERE code = 'B'",
    );
}

/// In a ring a child is written before its parent, whose cascades come later.
#[test]
fn references_that_are_written_before_the_key() {
    for (moves, again) in [
        (
            "UPDATE gis.b SET code = 'B' WHERE code = 'E'",
            "UPDATE gis.b SET code = 'E' WHERE code = 'Y'",
        ),
        (
            "UPDATE gis.b SET code = 't' WHERE code = 'E'; UPDATE gis.b SET code = 'E' WHERE code = 'Y'",
            "UPDATE gis.b SET code = 'Y' WHERE code = 't'",
        ),
    ] {
        reaches_all(
            "CREATE TABLE gis.a (code text NOT NULL UNIQUE, m text);
             CREATE TABLE gis.b (code text NOT NULL UNIQUE, a text REFERENCES gis.a (code) ON UPDATE CASCADE);
             ALTER TABLE gis.a ADD FOREIGN KEY (m) REFERENCES gis.b (code) ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED",
            "INSERT INTO gis.b VALUES ('E'), ('Y'); INSERT INTO gis.a VALUES ('1', 'E'), ('2', 'Y')",
            &format!("{moves}; {again}"),
        );
    }
}

/// Keys that no cascade follows: the references of the change make way.
#[test]
fn keys_that_are_renamed_together_with_their_references() {
    reaches_all(
        "CREATE TABLE gis.a (code text NOT NULL UNIQUE); CREATE TABLE gis.b (name text, a text REFERENCES gis.a (code))",
        "INSERT INTO gis.a VALUES ('E'), ('F'); INSERT INTO gis.b VALUES ('1', 'E'), ('2', 'F')",
        "UPDATE gis.b SET a = NULL; UPDATE gis.a SET code = 'B' WHERE code = 'E'; UPDATE gis.a SET code = 'E' WHERE code = 'F';
         UPDATE gis.b SET a = CASE name WHEN '1' THEN 'B' ELSE 'E' END",
    );
    for rule in ["", "ON UPDATE SET NULL"] {
        reaches_all(
            &format!("{TREE} {rule})"),
            "INSERT INTO gis.e VALUES ('1', 'A', NULL), ('2', 'B', NULL), ('3', 'x', 'A'), ('4', 'y', 'B')",
            "UPDATE gis.e SET parent = NULL; UPDATE gis.e SET code = 't' WHERE code = 'A'; UPDATE gis.e SET code = 'A' WHERE code = 'B';
             UPDATE gis.e SET code = 'B' WHERE code = 't'; UPDATE gis.e SET parent = CASE name WHEN '3' THEN 'B' ELSE 'A' END WHERE name > '2'",
        );
    }
}

/// What a cascade changes in a clone's own rows reaches the others within two runs of each.
#[test]
fn cascades_into_rows_of_the_clone_reach_all_in_two_runs() {
    for rule in ["CASCADE", "SET NULL"] {
        let central = prepared(
            "central",
            &format!("CREATE SCHEMA gis; CREATE TABLE gis.a (code text NOT NULL UNIQUE); INSERT INTO gis.a VALUES ('E'), ('Y');
             CREATE TABLE gis.c (name text, a text REFERENCES gis.a (code) ON UPDATE {rule})"),
        );
        let (one, other) = (clone_of(&central, "one"), clone_of(&central, "other"));
        central.run("UPDATE gis.a SET code = 'B' WHERE code = 'E'; UPDATE gis.a SET code = 'E' WHERE code = 'Y'");
        one.run("INSERT INTO gis.c VALUES ('1', 'E')");
        for clone in [&other, &one, &other, &one] {
            synchronize(&central, clone);
        }
        same(&central, &one);
        same(&central, &other);
    }
}

/// Codes swap where the first stand-in that comes to mind does not help.
#[test]
fn codes_that_swap_under_indexes_with_more_columns() {
    for (columns, index) in [
        ("note text", "(code) INCLUDE (note)"),
        ("gone timestamptz", "(code) WHERE gone IS NULL"),
        (
            "state text",
            "(code) WHERE state IS DISTINCT FROM 'archived'",
        ),
        ("grp int", "(coalesce(grp, 0), code)"),
        ("grp int", "(lower(code)) WHERE grp IS NULL"),
        (
            "n int UNIQUE NOT NULL CHECK (n BETWEEN 1 AND 5)",
            "(code) WHERE code ~ '^[A-Z]$'",
        ),
    ] {
        reaches_all(
            &format!(
                "CREATE TABLE gis.t (name text, code text NOT NULL CHECK (code ~ '^[A-Z]$'), {columns}); CREATE UNIQUE INDEX ON gis.t {index}"
            ),
            if columns.starts_with('n') && columns.contains("UNIQUE") {
                "INSERT INTO gis.t VALUES ('1', 'A', 1), ('2', 'B', 5)"
            } else {
                "INSERT INTO gis.t VALUES ('1', 'A'), ('2', 'B')"
            },
            if columns.contains("UNIQUE") {
                "UPDATE gis.t SET code = 'T', n = 3 WHERE name = '1'; UPDATE gis.t SET code = 'A', n = 1 WHERE name = '2';
                 UPDATE gis.t SET code = 'B', n = 5 WHERE name = '1'"
            } else {
                "UPDATE gis.t SET code = 'T' WHERE name = '1'; UPDATE gis.t SET code = 'A' WHERE name = '2';
                 UPDATE gis.t SET code = 'B' WHERE name = '1'"
            },
        );
    }
}

/// Many rows are numbered anew: each takes the value of another.
#[test]
fn thousands_of_rows_are_numbered_anew() {
    for (kind, value, next) in [
        ("int", "g", "n + 1"),
        (
            "text CHECK (n ~ '^c[0-9]+$')",
            "'c' || g",
            "'c' || (substr(n, 2)::int + 1)",
        ),
    ] {
        let central = prepared(
            "central",
            &format!(
                "CREATE SCHEMA gis; CREATE TABLE gis.t (n {kind} NOT NULL, CONSTRAINT one UNIQUE (n));
                 INSERT INTO gis.t SELECT {value} FROM generate_series(100000, 101999) AS g"
            ),
        );
        let clone = clone_of(&central, "clone");
        clone.run(&format!(
            "ALTER TABLE gis.t DROP CONSTRAINT one; UPDATE gis.t SET n = {next}; ALTER TABLE gis.t ADD CONSTRAINT one UNIQUE (n)"
        ));
        let outputs = synchronize(&central, &clone);
        assert_eq!(counts(&outputs), [0, 2000, 0, 0, 0], "{kind}");
        same(&central, &clone);
    }
}

/// Digits that are lost between two types are told of.
#[test]
fn types_that_differ_are_told() {
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TABLE gis.t (n numeric(6,2)); CREATE TABLE gis.u (n int); INSERT INTO gis.t VALUES (1)",
    );
    let clone = clone_of(&central, "clone");
    clone.run("ALTER TABLE gis.t ALTER n TYPE numeric; ALTER TABLE gis.u ALTER n TYPE bigint; UPDATE gis.t SET n = 1.555");
    let messages = messages(
        "synchronize_database",
        json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()}),
    );
    let told: Vec<&String> = messages
        .iter()
        .filter(|m| m.contains("its type is"))
        .collect();
    assert_eq!(told.len(), 1, "{messages:?}");
    assert!(
        told[0].contains("gis.t, column n: its type is numeric(6,2) in the central database and numeric in the clone"),
        "{told:?}"
    );
}

/// Who is whose child, by name.
const CHILDREN: &str = "SELECT c.name || ' of ' || coalesce(p.name, '-') FROM gis.cat AS c LEFT JOIN gis.cat AS p ON p.code = c.up ORDER BY 1";

/// Codes move on and a child with them, but the clone cannot take the new codes: there the code that the child refers
/// to is still that of another row.
#[test]
fn a_child_waits_with_its_parent_whoever_has_its_code() {
    for (table, child) in [
        ("gis.cat", "INSERT INTO gis.cat VALUES ('b1', 'B', 'a1')"),
        (
            "gis.leaf",
            "CREATE TABLE gis.leaf (name text, up text REFERENCES gis.cat ON UPDATE CASCADE); INSERT INTO gis.leaf VALUES ('B', 'a1')",
        ),
    ] {
        let central = prepared(
            "central",
            &format!(
                "CREATE SCHEMA gis; CREATE TABLE gis.cat (code text PRIMARY KEY, name text, up text REFERENCES gis.cat ON UPDATE CASCADE);
                 INSERT INTO gis.cat VALUES ('e1', 'E', NULL), ('a1', 'A', NULL); {child}"
            ),
        );
        let (one, other) = (clone_of(&central, "one"), clone_of(&central, "other"));
        other.run("INSERT INTO gis.cat VALUES ('e2', 'own', NULL)");
        one.run("UPDATE gis.cat SET code = 'e2' WHERE name = 'E'; UPDATE gis.cat SET code = 'e1' WHERE name = 'A'");
        synchronize(&central, &one);
        synchronize(&central, &other);
        let parent = format!(
            "SELECT p.name FROM {table} AS c JOIN gis.cat AS p ON p.code = c.up WHERE c.name = 'B'"
        );
        assert_eq!(other.value(&parent), "A", "{table}");
        // The cause is mended.
        other.run("UPDATE gis.cat SET code = 'e9' WHERE name = 'own'");
        for _ in 0..2 {
            for clone in [&other, &one] {
                synchronize(&central, clone);
            }
        }
        for database in [&central, &one, &other] {
            assert_eq!(database.value(&parent), "A", "{table}");
            assert!(aside(database).is_empty(), "{:?}", aside(database));
        }
    }
}

/// Codes go round, and a row that refers to one of them is edited in another field.
#[test]
fn a_reference_that_is_not_edited_follows_its_row() {
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TABLE gis.cat (code text PRIMARY KEY, name text, up text REFERENCES gis.cat ON UPDATE CASCADE, note text);
         INSERT INTO gis.cat VALUES ('e1', 'E', NULL), ('a1', 'A', NULL)",
    );
    let (one, other) = (clone_of(&central, "one"), clone_of(&central, "other"));
    other.run("INSERT INTO gis.cat VALUES ('r', 'R', 'e1')");
    synchronize(&central, &other);
    synchronize(&central, &one);
    one.run("UPDATE gis.cat SET code = 't' WHERE name = 'E'; UPDATE gis.cat SET code = 'e1' WHERE name = 'A'; UPDATE gis.cat SET code = 'a1' WHERE name = 'E'");
    synchronize(&central, &one);
    central.run("UPDATE gis.cat SET note = 'x' WHERE code = 'r'");
    for clone in [&other, &one, &other] {
        synchronize(&central, clone);
    }
    for database in [&central, &one, &other] {
        assert_eq!(
            database.rows(CHILDREN),
            ["A of -", "E of -", "R of E"],
            "{}",
            database.name
        );
    }
}
