//! Foreign keys to and of partitions beside rows that are refused: only the rows at fault wait.
#![allow(missing_docs)]

use crate::support::{Database, aside, clone_of, prepared, synchronize};

fn pair(sql: &str) -> (Database, Database) {
    let central = prepared("central", sql);
    let clone = clone_of(&central, "clone");
    (central, clone)
}

/// A key that only one partition has says nothing of the rows of another.
#[test]
fn a_key_of_one_partition() {
    let (central, clone) = pair(
        "CREATE SCHEMA gis; CREATE TABLE gis.species (code text PRIMARY KEY);
         CREATE TABLE gis.tree (code text, kind int NOT NULL, species text) PARTITION BY LIST (kind);
         CREATE TABLE gis.tree_1 PARTITION OF gis.tree FOR VALUES IN (1);
         CREATE TABLE gis.tree_2 PARTITION OF gis.tree FOR VALUES IN (2);
         ALTER TABLE gis.tree_1 ADD CONSTRAINT known FOREIGN KEY (species) REFERENCES gis.species",
    );
    clone.run(
        "ALTER TABLE gis.tree_1 DROP CONSTRAINT known;
         INSERT INTO gis.tree VALUES ('a', 1, 'none'), ('b', 2, 'none'), ('c', 1, NULL)",
    );
    synchronize(&central, &clone);
    assert_eq!(aside(&clone), ["clone|tree|I|23503|known"]);
    assert_eq!(
        central.rows("SELECT code FROM gis.tree ORDER BY 1"),
        ["b", "c"]
    );
}

/// A table that is written before the one that a key of its partition refers to.
#[test]
fn a_partition_that_refers_to_a_later_table() {
    let (central, clone) = pair(
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text PRIMARY KEY);
         CREATE TABLE gis.a_visit (code text, kind int NOT NULL, tree text) PARTITION BY LIST (kind);
         CREATE TABLE gis.a_visit_1 PARTITION OF gis.a_visit FOR VALUES IN (1);
         ALTER TABLE gis.a_visit_1 ADD FOREIGN KEY (tree) REFERENCES gis.tree",
    );
    clone.run("INSERT INTO gis.tree VALUES ('a'); INSERT INTO gis.a_visit VALUES ('v', 1, 'a')");
    synchronize(&central, &clone);
    assert!(aside(&clone).is_empty(), "{:?}", aside(&clone));
    assert_eq!(central.rows("SELECT tree FROM gis.a_visit"), ["a"]);
    clone.run("DELETE FROM gis.a_visit; DELETE FROM gis.tree");
    synchronize(&central, &clone);
    assert!(aside(&clone).is_empty(), "{:?}", aside(&clone));
    assert_eq!(central.rows("SELECT code FROM gis.tree"), [""; 0]);
}

/// A row of a partition that nothing refers to, with the code of one in a partition that is referred to.
#[test]
fn a_key_to_one_partition_holds_no_row_of_another() {
    let (central, clone) = pair(
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text, kind int NOT NULL) PARTITION BY LIST (kind);
         CREATE TABLE gis.tree_1 PARTITION OF gis.tree FOR VALUES IN (1);
         CREATE TABLE gis.tree_2 PARTITION OF gis.tree FOR VALUES IN (2);
         ALTER TABLE gis.tree_1 ADD UNIQUE (code);
         CREATE TABLE gis.visit (code text PRIMARY KEY, tree text REFERENCES gis.tree_1 (code));
         INSERT INTO gis.tree VALUES ('a', 1), ('a', 2); INSERT INTO gis.visit VALUES ('v', 'a')",
    );
    clone.run("DELETE FROM gis.tree WHERE kind = 2");
    synchronize(&central, &clone);
    assert!(aside(&clone).is_empty(), "{:?}", aside(&clone));
    assert_eq!(central.rows("SELECT kind FROM gis.tree"), ["1"]);
}

/// What PostgreSQL keeps for each partition of a table that is referred to is no key of its own.
#[test]
fn a_key_to_a_partitioned_table() {
    let (central, clone) = pair(
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (code int PRIMARY KEY) PARTITION BY RANGE (code);
         CREATE TABLE gis.tree_1 PARTITION OF gis.tree FOR VALUES FROM (0) TO (10);
         CREATE TABLE gis.tree_2 PARTITION OF gis.tree FOR VALUES FROM (10) TO (20);
         CREATE TABLE gis.visit (code text PRIMARY KEY, tree int REFERENCES gis.tree, CONSTRAINT short CHECK (length(code) < 3));
         INSERT INTO gis.tree VALUES (1), (11)",
    );
    clone.run(
        "ALTER TABLE gis.visit DROP CONSTRAINT short; INSERT INTO gis.visit VALUES ('a', 1), ('b', 11), ('long', 1)",
    );
    synchronize(&central, &clone);
    assert_eq!(aside(&clone), ["clone|visit|I|23514|short"]);
    assert_eq!(
        central.rows("SELECT code FROM gis.visit ORDER BY 1"),
        ["a", "b"]
    );
}

/// Rows of a partition in a ring that is checked at the end, and one between them that refers to nothing.
#[test]
fn a_ring_within_a_partition() {
    let (central, clone) = pair(
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text, kind int NOT NULL, next text) PARTITION BY LIST (kind);
         CREATE TABLE gis.tree_1 PARTITION OF gis.tree FOR VALUES IN (1); ALTER TABLE gis.tree_1 ADD UNIQUE (code);
         ALTER TABLE gis.tree_1 ADD CONSTRAINT ring FOREIGN KEY (next) REFERENCES gis.tree_1 (code) DEFERRABLE INITIALLY DEFERRED",
    );
    clone.run(
        "ALTER TABLE gis.tree_1 DROP CONSTRAINT ring;
         INSERT INTO gis.tree (uid, code, kind, next) SELECT (lpad(n::text, 8, '0') || '-0000-4000-8000-000000000000')::uuid,
            (ARRAY['a', 'b', 'c', 'd'])[n], 1, (ARRAY['c', 'none', 'a', NULL])[n] FROM generate_series(1, 4) AS n",
    );
    synchronize(&central, &clone);
    assert_eq!(aside(&clone), ["clone|tree|I|23503|ring"]);
    assert_eq!(
        central.rows("SELECT code FROM gis.tree ORDER BY 1"),
        ["a", "c", "d"]
    );
}

/// A table that is captured by itself becomes a partition, and is one no more: each edit is logged once.
#[test]
fn a_table_that_becomes_a_partition() {
    let (central, clone) = pair(
        "CREATE SCHEMA gis; CREATE TABLE gis.old (code text, kind int NOT NULL);
         CREATE TABLE gis.tree (code text, kind int NOT NULL) PARTITION BY LIST (kind)",
    );
    let attach = "ALTER TABLE gis.tree ATTACH PARTITION gis.old FOR VALUES IN (1)";
    for database in [&central, &clone] {
        database.run(attach);
    }
    clone.run("INSERT INTO gis.old VALUES ('a', 1); INSERT INTO gis.tree VALUES ('b', 1); UPDATE gis.old SET code = 'c' WHERE code = 'a'");
    assert_eq!(
        clone.rows("SELECT DISTINCT table_name, count(*) OVER () FROM audit.logged_actions"),
        ["tree|3"]
    );
    synchronize(&central, &clone);
    assert!(aside(&clone).is_empty(), "{:?}", aside(&clone));
    let rows = "SELECT code FROM gis.old ORDER BY 1";
    assert_eq!(central.rows(rows), ["b", "c"]);
    for database in [&central, &clone] {
        database.run("ALTER TABLE gis.tree DETACH PARTITION gis.old");
    }
    central.run(
        "UPDATE gis.old SET code = 'd' WHERE code = 'c'; DELETE FROM gis.old WHERE code = 'b'",
    );
    synchronize(&central, &clone);
    assert_eq!(clone.rows(rows), ["d"]);
}

/// Rows that move to another partition while triggers log edits of their own: what was not edited stays the other side's.
#[test]
fn rows_move_while_a_trigger_counts_them() {
    let (central, clone) = pair(
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text, kind int NOT NULL, note text) PARTITION BY LIST (kind);
         CREATE TABLE gis.tree_0 PARTITION OF gis.tree FOR VALUES IN (0); CREATE TABLE gis.tree_1 PARTITION OF gis.tree FOR VALUES IN (1);
         CREATE TABLE gis.stats (kind int PRIMARY KEY, n int); INSERT INTO gis.stats VALUES (0, 0), (1, 0);
         INSERT INTO gis.tree SELECT 'c' || i, 0, 'old' FROM generate_series(1, 3) AS i;
         CREATE FUNCTION gis.count_trees() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             UPDATE gis.stats AS s SET n = (SELECT count(*) FROM gis.tree AS t WHERE t.kind = s.kind); RETURN NULL; END $$;
         CREATE TRIGGER zz_count AFTER INSERT OR DELETE ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.count_trees()",
    );
    central.run("UPDATE gis.tree SET note = 'central'");
    clone.run("UPDATE gis.tree SET kind = 1 WHERE code <> 'c3'");
    clone.run("BEGIN; UPDATE gis.stats SET n = 9; UPDATE gis.tree SET kind = 1 WHERE code = 'c3'; DELETE FROM gis.tree WHERE code = 'c1'; COMMIT");
    assert_eq!(
        clone.rows("SELECT action, count(*) FROM audit.logged_actions WHERE table_name = 'tree' GROUP BY 1 ORDER BY 1"),
        ["D|1", "U|3"]
    );
    synchronize(&central, &clone);
    for database in [&central, &clone] {
        assert_eq!(
            database.rows("SELECT code, kind, note FROM gis.tree ORDER BY 1"),
            ["c2|1|central", "c3|1|central"]
        );
    }
}
