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

/// Codes swap while a new row was logged before its table got a column that refuses null; another new row has a
/// code that the central has given away, and only that one stays.
#[test]
fn codes_swap_where_a_column_that_refuses_null_came_later() {
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE DOMAIN gis.number AS int NOT NULL; CREATE FUNCTION gis.seven() RETURNS int LANGUAGE sql AS 'SELECT 7';
         CREATE TABLE gis.tree (code text NOT NULL UNIQUE, name text); INSERT INTO gis.tree VALUES ('a', 'first'), ('b', 'second')",
    );
    let clone = clone_of(&central, "clone");
    clone.run(
        "UPDATE gis.tree SET code = 'spare' WHERE code = 'a'; UPDATE gis.tree SET code = 'a' WHERE code = 'b';
         UPDATE gis.tree SET code = 'b' WHERE code = 'spare'; INSERT INTO gis.tree VALUES ('c', 'new'), ('d', 'taken')",
    );
    central.run("INSERT INTO gis.tree VALUES ('d', 'other')");
    for database in [&central, &clone] {
        database.run("ALTER TABLE gis.tree ADD COLUMN n gis.number DEFAULT gis.seven()");
    }
    synchronize(&central, &clone);
    let rows = "SELECT code, name, n FROM gis.tree ORDER BY 1, 2";
    let rows = central.rows(rows);
    assert_eq!(rows, ["a|second|7", "b|first|7", "c|new|7", "d|other|7"]);
    // The two rows that want one code, each with its side.
    assert_eq!(aside(&clone).len(), 2, "{:?}", aside(&clone));
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
