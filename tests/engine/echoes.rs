//! What cascades and triggers do while a run writes: what the sender has logged itself does not come back
//! to it, and everything else reaches all databases.
#![allow(missing_docs)]

use crate::support::role::Role;
use crate::support::{Database, clone_of, prepared, synchronize};

/// Synchronises all clones (those after the first database) until nothing is left to do.
fn settled(databases: &[&Database], synchronize: &dyn Fn(&Database) -> serde_json::Value) {
    for round in 0..4 {
        for clone in &databases[1..] {
            let outputs = synchronize(clone);
            for id in ["CAPTURED_CENTRAL", "CAPTURED_CLONE", "SET_ASIDE"] {
                assert!(
                    round < 3 || outputs[id] == 0,
                    "{outputs} {:?}",
                    clone.rows("SELECT owner, uid, action, fields, message FROM lizsync.set_aside")
                );
            }
        }
    }
}

fn same(databases: &[&Database], rows: &str) {
    for database in databases {
        assert_eq!(
            database.rows(rows),
            databases[0].rows(rows),
            "{}",
            database.name
        );
    }
}

/// The role owns everything; a trigger of a table that only a cascade reaches counts what was written just before.
#[test]
fn a_count_by_a_trigger_behind_a_cascade() {
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TABLE gis.a_sum (code text PRIMARY KEY, n int, remark text); CREATE TABLE gis.tree (code text PRIMARY KEY);
         CREATE TABLE gis.visit (code text PRIMARY KEY, tree text REFERENCES gis.tree ON UPDATE CASCADE);
         INSERT INTO gis.a_sum VALUES ('all', 0); INSERT INTO gis.tree VALUES ('a');
         CREATE FUNCTION gis.count() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE gis.a_sum SET n = n + 1000; RETURN NULL; END $$;
         CREATE TRIGGER count AFTER UPDATE ON gis.visit FOR EACH ROW EXECUTE FUNCTION gis.count()",
    );
    let clone = clone_of(&central, "clone");
    central.run("INSERT INTO gis.visit VALUES ('v', 'a')");
    clone.run("UPDATE gis.tree SET code = 'aa'; UPDATE gis.a_sum SET n = 7");
    settled(&[&central, &clone], &|clone| synchronize(&central, clone));
    same(&[&central, &clone], "SELECT n FROM gis.a_sum");
}

/// Such a trigger changes a row of another table that was written just before.
#[test]
fn a_trigger_that_changes_a_row_that_was_written() {
    let role = Role::new("surveyor");
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text PRIMARY KEY, height int); CREATE TABLE gis.a_sum (code text PRIMARY KEY, n int, remark text);
         INSERT INTO gis.tree VALUES ('a', 1), ('b', 1); INSERT INTO gis.a_sum VALUES ('all', 2);
         CREATE FUNCTION gis.add() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE gis.a_sum SET n = (SELECT sum(height) FROM gis.tree); RETURN NULL; END $$;
         CREATE TRIGGER add AFTER INSERT OR UPDATE ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.add()",
    );
    let (one, two) = (clone_of(&central, "one"), clone_of(&central, "two"));
    role.grant("Synchronising", &central);
    central.run("UPDATE gis.tree SET height = 10 WHERE code = 'b'");
    one.run("UPDATE gis.tree SET height = 5 WHERE code = 'a'");
    settled(&[&central, &one, &two], &|clone| {
        role.synchronize(&central, clone)
    });
    same(&[&central, &one, &two], "SELECT n FROM gis.a_sum");
}

/// A trigger that the role cannot disable changes the row that was written, and its neighbours.
#[test]
fn a_trigger_that_changes_the_table_that_is_written() {
    let role = Role::new("surveyor");
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text PRIMARY KEY, height int, rank int);
         INSERT INTO gis.tree VALUES ('a', 1, 1), ('b', 2, 2), ('c', 3, 3)",
    );
    let (one, two) = (clone_of(&central, "one"), clone_of(&central, "two"));
    role.grant("Synchronising", &central);
    central.run(
        "CREATE FUNCTION gis.rank() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            UPDATE gis.tree AS t SET rank = r.rank FROM (SELECT code, rank() OVER (ORDER BY height) FROM gis.tree) AS r WHERE r.code = t.code;
            RETURN NULL; END $$;
         CREATE TRIGGER rank AFTER UPDATE OF height ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.rank()",
    );
    one.run("UPDATE gis.tree SET height = 9 WHERE code = 'a'");
    settled(&[&central, &one, &two], &|clone| {
        role.synchronize(&central, clone)
    });
    let rows = "SELECT code, height, rank FROM gis.tree ORDER BY 1";
    same(&[&central, &one, &two], rows);
    assert_eq!(two.rows(rows), ["a|9|3", "b|2|1", "c|3|2"]);
}

/// A trigger of the central that the role cannot disable deletes what is to be deleted next.
#[test]
fn a_trigger_that_deletes_a_staged_row_first() {
    let role = Role::new("surveyor");
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text PRIMARY KEY); CREATE TABLE gis.a_visit (code text PRIMARY KEY, tree text);
         INSERT INTO gis.tree VALUES ('a'), ('b'); INSERT INTO gis.a_visit VALUES ('v', 'a'), ('w', 'b');
         CREATE FUNCTION gis.clean() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM gis.a_visit WHERE tree = OLD.code; RETURN NULL; END $$;
         CREATE TRIGGER clean AFTER DELETE ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.clean()",
    );
    let (one, two) = (clone_of(&central, "one"), clone_of(&central, "two"));
    role.grant("Synchronising", &central);
    one.run("DELETE FROM gis.tree WHERE code = 'a'");
    settled(&[&central, &one, &two], &|clone| {
        role.synchronize(&central, clone)
    });
    same(&[&central, &one, &two], "SELECT code FROM gis.a_visit");
    assert_eq!(two.rows("SELECT code FROM gis.a_visit"), ["w"]);
}

/// A ring that is deleted by its own cascades, passed on to a second clone.
#[test]
fn a_ring_that_cascades() {
    let central = prepared(
        "central",
        "CREATE SCHEMA gis;
         CREATE TABLE gis.team (code text PRIMARY KEY, leader text NOT NULL);
         CREATE TABLE gis.person (code text PRIMARY KEY, team text NOT NULL REFERENCES gis.team ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
         ALTER TABLE gis.team ADD FOREIGN KEY (leader) REFERENCES gis.person ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
         BEGIN; INSERT INTO gis.team VALUES ('t', 'p'), ('s', 'q'); INSERT INTO gis.person VALUES ('p', 't'), ('q', 's'); COMMIT",
    );
    let one = clone_of(&central, "one");
    let two = clone_of(&central, "two");
    one.run("DELETE FROM gis.team WHERE code = 't'");
    settled(&[&central, &one, &two], &|clone| {
        synchronize(&central, clone)
    });
    for rows in ["SELECT code FROM gis.team", "SELECT code FROM gis.person"] {
        same(&[&central, &one, &two], rows);
    }
    assert_eq!(two.rows("SELECT code FROM gis.person"), ["q"]);
}
