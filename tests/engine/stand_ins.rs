//! Values that change hands where no stand-in helps, or where a stand-in could be in the way.
#![allow(missing_docs)]

use crate::support::{Database, aside, clone_of, prepared, synchronize};

/// A run that had set something aside for a moment has two entries.
fn at_once(central: &Database) {
    assert_eq!(
        central.value("SELECT count(*) FROM lizsync.history WHERE sync_type = 'partial'"),
        "1"
    );
}

/// Codes of a type that has no stand-ins: the row that had one goes before the row that gets it comes.
#[test]
fn a_code_without_stand_ins_is_used_again() {
    for (kind, code) in [
        ("inet", "'10.0.0.1'"),
        ("bytea", "'\\x01'"),
        ("boolean", "true"),
    ] {
        let central = prepared(
            "central",
            &format!(
                "CREATE SCHEMA gis; CREATE TABLE gis.tree (code {kind} NOT NULL UNIQUE, name text);
                 INSERT INTO gis.tree VALUES ({code}, 'old')"
            ),
        );
        let clone = clone_of(&central, "clone");
        clone.run(&format!(
            "DELETE FROM gis.tree; INSERT INTO gis.tree VALUES ({code}, 'new')"
        ));
        synchronize(&central, &clone);
        assert!(aside(&clone).is_empty(), "{kind}: {:?}", aside(&clone));
        assert_eq!(central.rows("SELECT name FROM gis.tree"), ["new"]);
        at_once(&central);
    }
}

/// Two swaps that share a row, which also takes the number that comes after all others.
#[test]
fn the_next_number_is_wanted_by_a_row_that_makes_room() {
    for order in [
        "a int NOT NULL UNIQUE, b int NOT NULL UNIQUE",
        "b int NOT NULL UNIQUE, a int NOT NULL UNIQUE",
    ] {
        let central = prepared(
            "central",
            &format!(
                "CREATE SCHEMA gis; CREATE TABLE gis.tree (name text, {order});
                 INSERT INTO gis.tree (name, a, b) VALUES ('n1', 1, 1), ('n2', 2, 2), ('n3', 10, 3)"
            ),
        );
        let clone = clone_of(&central, "clone");
        clone.run(
            "UPDATE gis.tree SET a = a + 100, b = b + 100;
             UPDATE gis.tree SET a = CASE name WHEN 'n1' THEN 2 WHEN 'n2' THEN 1 ELSE 11 END, b = CASE name WHEN 'n1' THEN 1 WHEN 'n2' THEN 3 ELSE 2 END",
        );
        synchronize(&central, &clone);
        assert!(aside(&clone).is_empty(), "{order}: {:?}", aside(&clone));
        assert_eq!(
            central.rows("SELECT name, a, b FROM gis.tree ORDER BY 1"),
            ["n1|2|1", "n2|1|3", "n3|11|2"]
        );
        at_once(&central);
    }
}

/// The same of a row that refers to itself, which holds nothing but itself.
#[test]
fn a_code_of_a_row_that_refers_to_itself() {
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TABLE gis.site (code inet PRIMARY KEY, part_of inet REFERENCES gis.site, name text);
         INSERT INTO gis.site VALUES ('10.0.0.1', '10.0.0.1', 'old')",
    );
    let clone = clone_of(&central, "clone");
    clone.run("DELETE FROM gis.site; INSERT INTO gis.site VALUES ('10.0.0.1', '10.0.0.1', 'new')");
    synchronize(&central, &clone);
    assert!(aside(&clone).is_empty(), "{:?}", aside(&clone));
    assert_eq!(central.rows("SELECT name FROM gis.site"), ["new"]);
    at_once(&central);
}

/// A code that refers to other rows gets one that there is, and that nobody has or wants.
#[test]
fn a_reference_that_is_unique_swaps() {
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TABLE gis.site (code text PRIMARY KEY); INSERT INTO gis.site VALUES ('a'), ('b'), ('c'), ('d');
         CREATE TABLE gis.label (name text, site text NOT NULL UNIQUE REFERENCES gis.site);
         INSERT INTO gis.label VALUES ('1', 'a'), ('2', 'b')",
    );
    let clone = clone_of(&central, "clone");
    clone.run(
        "UPDATE gis.label SET site = 'c' WHERE name = '1'; UPDATE gis.label SET site = 'a' WHERE name = '2';
         UPDATE gis.label SET site = 'b' WHERE name = '1'",
    );
    synchronize(&central, &clone);
    assert!(aside(&clone).is_empty(), "{:?}", aside(&clone));
    assert_eq!(
        central.rows("SELECT name, site FROM gis.label ORDER BY 1"),
        ["1|b", "2|a"]
    );
    at_once(&central);
}
