//! Keys of unusual tables, types and rules: foreign keys and unique indexes of partitions, values that change
//! hands where a stand-in is hard to find, and rows that cannot be read beside rows that can.
#![allow(missing_docs)]

use crate::support::{Database, aside, clone_of, prepared, synchronize};

/// Runs three times; nothing may be left, and both hold the same.
fn settled(central: &Database, clone: &Database, queries: &[&str]) {
    for _ in 0..2 {
        synchronize(central, clone);
    }
    let outputs = synchronize(central, clone);
    let waiting = clone
        .rows("SELECT owner, table_name, action, fields, sqlstate, message FROM lizsync.set_aside");
    for query in queries {
        assert_eq!(
            central.rows(query),
            clone.rows(query),
            "waiting: {waiting:#?}"
        );
    }
    for id in ["CAPTURED_CENTRAL", "CAPTURED_CLONE", "SET_ASIDE"] {
        assert_eq!(outputs[id], 0, "{outputs} {waiting:#?}");
    }
}

fn pair(sql: &str) -> (Database, Database) {
    let central = prepared("central", sql);
    let clone = clone_of(&central, "clone");
    (central, clone)
}

/// A foreign key that refers to a partition, with a cascade.
#[test]
fn a_key_that_refers_to_a_partition() {
    let (central, clone) = pair(
        "CREATE SCHEMA gis;
         CREATE TABLE gis.tree (code text, kind int NOT NULL, height int) PARTITION BY LIST (kind);
         CREATE TABLE gis.tree_1 PARTITION OF gis.tree FOR VALUES IN (1);
         CREATE TABLE gis.tree_2 PARTITION OF gis.tree FOR VALUES IN (2);
         ALTER TABLE gis.tree_1 ADD UNIQUE (code);
         CREATE TABLE gis.visit (id serial PRIMARY KEY, tree text REFERENCES gis.tree_1 (code) ON DELETE CASCADE, what text);
         INSERT INTO gis.tree VALUES ('a', 1, 1), ('b', 1, 1)",
    );
    central.run("DELETE FROM gis.tree WHERE code = 'a'");
    clone.run("INSERT INTO gis.visit (tree, what) VALUES ('a', 'a day of work')");
    let outputs = synchronize(&central, &clone);
    let kept = clone.rows("SELECT what FROM gis.visit");
    let conflicts = central.rows("SELECT rule_applied, clone_value FROM lizsync.conflicts");
    assert!(
        kept == ["a day of work"] || !conflicts.is_empty(),
        "the visit is gone: {outputs}, aside {:?}, central {:?}",
        aside(&clone),
        central.rows("SELECT what FROM gis.visit")
    );
}

/// A foreign key to a partition, with the deletion made in the clone and the work in the central.
#[test]
fn a_key_that_refers_to_a_partition_in_the_central() {
    let (central, clone) = pair(
        "CREATE SCHEMA gis;
         CREATE TABLE gis.tree (code text, kind int NOT NULL) PARTITION BY LIST (kind);
         CREATE TABLE gis.tree_1 PARTITION OF gis.tree FOR VALUES IN (1);
         ALTER TABLE gis.tree_1 ADD UNIQUE (code);
         CREATE TABLE gis.visit (id serial PRIMARY KEY, tree text REFERENCES gis.tree_1 (code) ON DELETE CASCADE, what text);
         INSERT INTO gis.tree VALUES ('a', 1), ('b', 1)",
    );
    clone.run("DELETE FROM gis.tree WHERE code = 'a'");
    central.run("INSERT INTO gis.visit (tree, what) VALUES ('a', 'a day of work')");
    synchronize(&central, &clone);
    synchronize(&central, &clone);
    assert!(
        central.rows("SELECT what FROM gis.visit") == ["a day of work"]
            || central.value("SELECT count(*) FROM lizsync.conflicts") != "0"
    );
}

/// A code of a row that is deleted is used again; a row of the receiver refers to it, with a key that would empty it.
#[test]
fn a_code_used_again_and_a_reference_that_would_be_emptied() {
    for rule in ["SET NULL", "SET DEFAULT"] {
        let (central, clone) = pair(&format!(
            "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text PRIMARY KEY, name text);
             CREATE TABLE gis.visit (code text PRIMARY KEY, tree text REFERENCES gis.tree ON UPDATE {rule});
             INSERT INTO gis.tree VALUES ('a', 'old'), ('b', 'old')",
        ));
        central.run("INSERT INTO gis.visit VALUES ('v', 'a')");
        clone
            .run("DELETE FROM gis.tree WHERE code = 'a'; INSERT INTO gis.tree VALUES ('a', 'new')");
        synchronize(&central, &clone);
        assert_eq!(central.rows("SELECT tree FROM gis.visit"), ["a"], "{rule}");
    }
}

/// A value of a type that the central does not take, and two other rows that swap their codes.
fn bad_with_a_swap(kind: &str, bad_in_clone: &str, bad: &str) {
    let central = prepared(
        "central",
        &format!(
            "CREATE SCHEMA gis; CREATE TYPE gis.state AS ENUM ('good', 'bad');
             CREATE TABLE gis.tree (code text NOT NULL UNIQUE, what {kind}, name text)"
        ),
    );
    central.run(
        "INSERT INTO gis.tree (uid, code, name) SELECT (lpad(n::text, 8, '0') || '-0000-4000-8000-000000000000')::uuid, 'c' || n, 'n' || n FROM generate_series(1, 9) AS n",
    );
    let clone = clone_of(&central, "clone");
    clone.run(bad_in_clone);
    clone.run(&format!(
        "UPDATE gis.tree SET what = {bad} WHERE name = 'n2';
         UPDATE gis.tree SET code = 'x' WHERE name = 'n1'; UPDATE gis.tree SET code = 'c1' WHERE name = 'n9'; UPDATE gis.tree SET code = 'c9' WHERE name = 'n1'"
    ));
    for _ in 0..3 {
        synchronize(&central, &clone);
    }
    assert_eq!(
        clone
            .rows("SELECT uid, sqlstate FROM lizsync.set_aside ORDER BY 1")
            .len(),
        1,
        "{:?}",
        clone
            .rows("SELECT left(uid::text, 8), sqlstate, message FROM lizsync.set_aside ORDER BY 1")
    );
    assert_eq!(
        central.rows("SELECT code FROM gis.tree WHERE name IN ('n1', 'n9') ORDER BY name"),
        ["c9", "c1"]
    );
}

#[test]
fn a_value_that_is_too_long_and_a_swap() {
    bad_with_a_swap(
        "varchar(4)",
        "ALTER TABLE gis.tree ALTER what TYPE text",
        "'too long'",
    );
}

#[test]
fn a_label_that_the_central_lacks_and_a_swap() {
    bad_with_a_swap(
        "gis.state",
        "ALTER TYPE gis.state ADD VALUE 'dead'",
        "'dead'",
    );
}

/// The bad row and the swap, with the roles of the sides exchanged: a geometry-like domain in the clone.
#[test]
fn a_domain_of_the_clone_and_a_swap_of_the_central() {
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE DOMAIN gis.percent AS int; CREATE TABLE gis.tree (code text NOT NULL UNIQUE, what gis.percent, name text)",
    );
    central.run("INSERT INTO gis.tree (uid, code, name) SELECT (lpad(n::text, 8, '0') || '-0000-4000-8000-000000000000')::uuid, 'c' || n, 'n' || n FROM generate_series(1, 9) AS n");
    let clone = clone_of(&central, "clone");
    clone.run("ALTER DOMAIN gis.percent ADD CHECK (VALUE < 101)");
    central.run(
        "UPDATE gis.tree SET what = 200 WHERE name = 'n2';
         UPDATE gis.tree SET code = 'x' WHERE name = 'n1'; UPDATE gis.tree SET code = 'c1' WHERE name = 'n9'; UPDATE gis.tree SET code = 'c9' WHERE name = 'n1'",
    );
    for _ in 0..3 {
        synchronize(&central, &clone);
    }
    assert_eq!(
        aside(&clone).len(),
        1,
        "{:?}",
        clone
            .rows("SELECT left(uid::text, 8), sqlstate, message FROM lizsync.set_aside ORDER BY 1")
    );
}

/// A code that is no number, in a row that is refused for another reason, and a swap of two that are.
#[test]
fn a_code_that_is_no_number_and_a_swap() {
    let (central, clone) = pair(
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (code int NOT NULL UNIQUE, name text);
         INSERT INTO gis.tree SELECT n, 'n' || n FROM generate_series(1, 5) AS n",
    );
    clone.run(
        "ALTER TABLE gis.tree ALTER code TYPE text; ALTER TABLE gis.tree ADD COLUMN extra text;
         UPDATE gis.tree SET code = 'abc', extra = 'x' WHERE name = 'n3';
         UPDATE gis.tree SET code = '77' WHERE name = 'n1'; UPDATE gis.tree SET code = '1' WHERE name = 'n2'; UPDATE gis.tree SET code = '2' WHERE name = 'n1'",
    );
    synchronize(&central, &clone);
    synchronize(&central, &clone);
    assert_eq!(
        aside(&clone).len(),
        1,
        "{:?}",
        clone.rows("SELECT fields, sqlstate, message FROM lizsync.set_aside")
    );
}

/// Letters that go round.
fn rotation(kind: &str, rows: usize) {
    let (central, clone) = pair(&format!(
        "CREATE SCHEMA gis; CREATE TABLE gis.plot (id serial PRIMARY KEY, code {kind} NOT NULL UNIQUE, name text);
         INSERT INTO gis.plot (code, name) SELECT chr(64 + n), n FROM generate_series(1, {rows}) AS n"
    ));
    clone.run(&format!(
        "UPDATE gis.plot SET code = lower(code);
         UPDATE gis.plot SET code = chr(64 + 1 + (name::int % {rows}))"
    ));
    settled(
        &central,
        &clone,
        &["SELECT uid, code, name FROM gis.plot ORDER BY uid"],
    );
}

#[test]
fn letters_go_round_in_char_1() {
    rotation("varchar(1)", 10);
}

#[test]
fn letters_go_round_in_text() {
    rotation("text", 10);
}

/// Two values swap in a column of this type.
fn swap(kind: &str, one: &str, other: &str, spare: &str) {
    let (central, clone) = pair(&format!(
        "CREATE SCHEMA gis;
         CREATE DOMAIN gis.number AS int; CREATE DOMAIN gis.day AS date; CREATE TYPE gis.state AS ENUM ('a', 'b', 'c', 'd'); CREATE DOMAIN gis.state_of AS gis.state;
         CREATE TABLE gis.plot (id serial PRIMARY KEY, code {kind}, name text);
         INSERT INTO gis.plot (code, name) VALUES ({one}, 'one'), ({other}, 'other')"
    ));
    clone.run(&format!(
        "UPDATE gis.plot SET code = {spare} WHERE name = 'one'; UPDATE gis.plot SET code = {one} WHERE name = 'other'; UPDATE gis.plot SET code = {other} WHERE name = 'one'"
    ));
    settled(
        &central,
        &clone,
        &["SELECT uid, code, name FROM gis.plot ORDER BY uid"],
    );
}

#[test]
fn swap_of_float8() {
    swap("float8 NOT NULL UNIQUE", "1", "2", "3");
}

#[test]
fn swap_of_domain_over_int() {
    swap("gis.number NOT NULL UNIQUE", "1", "2", "3");
}

#[test]
fn swap_of_domain_over_date() {
    swap(
        "gis.day NOT NULL UNIQUE",
        "'2020-01-01'",
        "'2020-01-02'",
        "'2020-01-03'",
    );
}

#[test]
fn swap_of_domain_over_enum() {
    swap("gis.state_of NOT NULL UNIQUE", "'a'", "'b'", "'c'");
}

/// Three numbers that are unique together, two of them referring to other tables.
#[test]
fn swap_of_the_third_column() {
    let (central, clone) = pair(
        "CREATE SCHEMA gis; CREATE TABLE gis.parcel (nr int PRIMARY KEY); CREATE TABLE gis.species (nr int PRIMARY KEY);
         INSERT INTO gis.parcel VALUES (1); INSERT INTO gis.species VALUES (1);
         CREATE TABLE gis.plot (id serial PRIMARY KEY, parcel int NOT NULL REFERENCES gis.parcel, species int NOT NULL REFERENCES gis.species,
            nr int NOT NULL, name text, UNIQUE (parcel, species, nr));
         INSERT INTO gis.plot (parcel, species, nr, name) VALUES (1, 1, 1, 'one'), (1, 1, 2, 'two')",
    );
    clone.run("UPDATE gis.plot SET nr = 99 WHERE name = 'one'; UPDATE gis.plot SET nr = 1 WHERE name = 'two'; UPDATE gis.plot SET nr = 2 WHERE name = 'one'");
    settled(
        &central,
        &clone,
        &["SELECT uid, nr, name FROM gis.plot ORDER BY uid"],
    );
}

/// A unique index that only a partition has.
#[test]
fn swap_in_a_partition_with_an_index_of_its_own() {
    let (central, clone) = pair(
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text NOT NULL, kind int NOT NULL, name text) PARTITION BY LIST (kind);
         CREATE TABLE gis.tree_1 PARTITION OF gis.tree FOR VALUES IN (1); ALTER TABLE gis.tree_1 ADD UNIQUE (code);
         INSERT INTO gis.tree VALUES ('a', 1, 'one'), ('b', 1, 'other')",
    );
    clone.run("UPDATE gis.tree SET code = 'x' WHERE name = 'one'; UPDATE gis.tree SET code = 'a' WHERE name = 'other'; UPDATE gis.tree SET code = 'b' WHERE name = 'one'");
    settled(
        &central,
        &clone,
        &["SELECT uid, code, name FROM gis.tree ORDER BY uid"],
    );
}

/// An index with a collation of its own.
#[test]
fn swap_under_a_collation_of_the_index() {
    let (central, clone) = pair(
        "CREATE SCHEMA gis; CREATE COLLATION gis.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         CREATE TABLE gis.plot (id serial PRIMARY KEY, code text NOT NULL, name text);
         CREATE UNIQUE INDEX ON gis.plot (code COLLATE gis.ci);
         INSERT INTO gis.plot (code, name) VALUES ('a', 'one'), ('b', 'other')",
    );
    clone.run("UPDATE gis.plot SET code = 'x' WHERE name = 'one'; UPDATE gis.plot SET code = 'A' WHERE name = 'other'; UPDATE gis.plot SET code = 'B' WHERE name = 'one'");
    settled(
        &central,
        &clone,
        &["SELECT uid, code, name FROM gis.plot ORDER BY uid"],
    );
}

/// Rows that cannot be read, a row that is refused for another reason, and a swap around it.
#[test]
fn values_that_are_too_long_a_check_and_a_swap() {
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text NOT NULL UNIQUE, what varchar(4), height int CHECK (height < 100), name text)",
    );
    central.run("INSERT INTO gis.tree (uid, code, name) SELECT (lpad(n::text, 8, '0') || '-0000-4000-8000-000000000000')::uuid, 'c' || n, 'n' || n FROM generate_series(1, 9) AS n");
    let clone = clone_of(&central, "clone");
    clone.run(
        "ALTER TABLE gis.tree ALTER what TYPE text; ALTER TABLE gis.tree DROP CONSTRAINT tree_height_check;
         UPDATE gis.tree SET what = 'too long' WHERE name IN ('n1', 'n2'); UPDATE gis.tree SET height = 500 WHERE name = 'n5';
         UPDATE gis.tree SET code = 'x' WHERE name = 'n3'; UPDATE gis.tree SET code = 'c3' WHERE name = 'n9'; UPDATE gis.tree SET code = 'c9' WHERE name = 'n3'",
    );
    synchronize(&central, &clone);
    assert_eq!(
        clone.rows("SELECT left(uid::text, 8)::int, sqlstate FROM lizsync.set_aside ORDER BY 1"),
        ["1|22001", "2|22001", "5|23514"]
    );
    assert_eq!(
        central.rows("SELECT code FROM gis.tree WHERE name IN ('n3', 'n9') ORDER BY name"),
        ["c9", "c3"]
    );
}

/// New rows of a table with a column that does not travel and whose domain refuses null.
#[test]
fn a_domain_that_refuses_null_beside_rows_that_are_refused() {
    let (central, clone) = pair(
        "CREATE SCHEMA gis; CREATE DOMAIN gis.number AS int NOT NULL; CREATE SEQUENCE gis.ids;
         CREATE TABLE gis.tree (id gis.number DEFAULT nextval('gis.ids') PRIMARY KEY, code text NOT NULL UNIQUE, name text CHECK (name <> 'bad'))",
    );
    clone.run(
        "ALTER TABLE gis.tree DROP CONSTRAINT tree_name_check;
         INSERT INTO gis.tree (code, name) SELECT 'c' || n, CASE n WHEN 3 THEN 'bad' ELSE 'n' || n END FROM generate_series(1, 6) AS n",
    );
    synchronize(&central, &clone);
    assert_eq!(aside(&clone), ["clone|tree|I|23514|tree_name_check"]);
    assert_eq!(central.value("SELECT count(*) FROM gis.tree"), "5");
}

/// The same, with two codes that swap beside the new row.
#[test]
fn a_domain_that_refuses_null_and_a_swap() {
    let (central, clone) = pair(
        "CREATE SCHEMA gis; CREATE DOMAIN gis.number AS int NOT NULL; CREATE SEQUENCE gis.ids;
         CREATE TABLE gis.tree (id gis.number DEFAULT nextval('gis.ids') PRIMARY KEY, code text NOT NULL UNIQUE, name text);
         INSERT INTO gis.tree (code, name) SELECT 'c' || n, 'n' || n FROM generate_series(1, 6) AS n",
    );
    clone.run(
        "INSERT INTO gis.tree (code, name) SELECT 'c' || n, 'n' || n FROM generate_series(7, 12) AS n;
         UPDATE gis.tree SET code = 'x' WHERE name = 'n1'; UPDATE gis.tree SET code = 'c1' WHERE name = 'n2'; UPDATE gis.tree SET code = 'c2' WHERE name = 'n1'",
    );
    synchronize(&central, &clone);
    assert!(aside(&clone).is_empty(), "{:?}", aside(&clone));
    settled(
        &central,
        &clone,
        &["SELECT uid, code, name FROM gis.tree ORDER BY uid"],
    );
}

/// The rows that would lose their reference are part of the change, and get it back.
#[test]
fn a_swap_and_references_that_follow() {
    for rule in ["SET NULL", "SET DEFAULT"] {
        let (central, clone) = pair(&format!(
            "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text PRIMARY KEY, name text);
             CREATE TABLE gis.visit (code text PRIMARY KEY, tree text REFERENCES gis.tree ON UPDATE {rule});
             INSERT INTO gis.tree VALUES ('a', 'one'), ('b', 'other'); INSERT INTO gis.visit VALUES ('v', 'a')"
        ));
        clone.run(
            "UPDATE gis.tree SET code = 'x' WHERE name = 'one'; UPDATE gis.tree SET code = 'a' WHERE name = 'other'; UPDATE gis.tree SET code = 'b' WHERE name = 'one';
             UPDATE gis.visit SET tree = 'b'",
        );
        synchronize(&central, &clone);
        assert!(aside(&clone).is_empty(), "{rule}: {:?}", aside(&clone));
        settled(
            &central,
            &clone,
            &[
                "SELECT code, name FROM gis.tree ORDER BY 1",
                "SELECT code, tree FROM gis.visit",
            ],
        );
    }
}
