//! What waits, when runs die, when a central loses runs, and when values make room.
#![allow(missing_docs)]

mod support;

use support::role::Role;
use support::{Database, aside, clone_of, killed_at, prepared, synchronize};

const TREES: &str = "CREATE SCHEMA gis;
    CREATE TABLE gis.species (id serial PRIMARY KEY, name text);
    CREATE TABLE gis.tree (id serial PRIMARY KEY, code text UNIQUE, height int, crown numeric);
    INSERT INTO gis.tree (code, height) SELECT 'T' || n, n FROM generate_series(1, 5) AS n";

fn trees(database: &Database) -> Vec<String> {
    database.rows("SELECT code, height, crown FROM gis.tree ORDER BY code")
}

/// An earlier copy of the central takes its place, as a standby does that missed the last runs.
fn lost(earlier: Database, clone: &Database) -> Database {
    clone.run("UPDATE lizsync.received SET timeline = timeline - 1");
    earlier
}

/// What waited is sent, the clone commits, the central does not.
#[test]
fn what_waited_is_sent_again_where_the_central_did_not_commit() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    central.run("ALTER TABLE gis.tree ADD CONSTRAINT low CHECK (height < 1000)");
    clone.run("UPDATE gis.tree SET height = 5000 WHERE code = 'T1'; INSERT INTO gis.tree (code, height) VALUES ('N', 6000)");
    synchronize(&central, &clone);
    // A quiet run in between, so that the log has been cleared of it.
    synchronize(&central, &clone);
    central.run("ALTER TABLE gis.tree DROP CONSTRAINT low");
    killed_at(&central, &clone, "Committing to the central database.");
    synchronize(&central, &clone);
    synchronize(&central, &clone);
    assert_eq!(
        central.rows("SELECT code, height FROM gis.tree ORDER BY 1"),
        clone.rows("SELECT code, height FROM gis.tree ORDER BY 1")
    );
}

/// What the clone sent, and what it received of the same field later, are both lost.
#[test]
fn of_lost_runs_the_later_edit_counts() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    synchronize(&central, &clone);
    clone.run("UPDATE lizsync.runs SET standbys = true");
    let standby = central.copy("standby");
    clone.run("UPDATE gis.tree SET height = 33 WHERE code = 'T1'");
    synchronize(&central, &clone); // lost
    central.run("UPDATE gis.tree SET height = 44 WHERE code = 'T1'");
    synchronize(&central, &clone); // lost
    assert_eq!(
        clone.value("SELECT height FROM gis.tree WHERE code = 'T1'"),
        "44"
    );
    let central = lost(standby, &clone);
    for _ in 0..2 {
        synchronize(&central, &clone);
    }
    assert_eq!(trees(&central), trees(&clone));
}

/// A run that sent what had waited is lost.
#[test]
fn what_waited_comes_back_after_a_lost_run() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    central.run("INSERT INTO gis.tree (code, height) VALUES ('X', 1)");
    clone.run("INSERT INTO gis.tree (code, height, crown) VALUES ('X', 2, 77)");
    synchronize(&central, &clone);
    central.run("UPDATE gis.tree SET code = 'Xc' WHERE code = 'X'");
    let standby = central.copy("standby");
    synchronize(&central, &clone); // run 2: X of clone sent
    let central = lost(standby, &clone);
    for _ in 0..3 {
        synchronize(&central, &clone);
    }
    assert_eq!(trees(&central), trees(&clone));
}

/// The same row was sent by one lost run and refused by the next.
#[test]
fn what_was_sent_and_what_waits_of_one_row_are_kept_apart() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    central.run("INSERT INTO gis.tree (code, height) VALUES ('X', 1)");
    clone.run("INSERT INTO gis.tree (code, height, crown) VALUES ('X', 2, 77)");
    synchronize(&central, &clone);
    clone.run("UPDATE lizsync.runs SET standbys = true");
    central.run("UPDATE gis.tree SET code = 'Xc' WHERE code = 'X'");
    let standby = central.copy("standby");
    synchronize(&central, &clone); // run 2: X of clone sent
    assert_eq!(
        central.value("SELECT count(*) FROM gis.tree WHERE code = 'X' AND crown = 77"),
        "1"
    );
    central.run("INSERT INTO gis.tree (code) VALUES ('Q')");
    clone.run("UPDATE gis.tree SET code = 'Q' WHERE code = 'X'"); // refused
    synchronize(&central, &clone); // run 3
    let central = lost(standby, &clone);
    for _ in 0..3 {
        synchronize(&central, &clone);
    }
    assert_eq!(
        central.value("SELECT count(*) FROM gis.tree WHERE crown = 77"),
        "1"
    );
    assert_eq!(trees(&central), trees(&clone));
}

/// No reference is taken away that would not come back.
#[test]
fn references_that_do_not_travel_stay() {
    let central = prepared("central", "CREATE SCHEMA gis;
      CREATE TABLE gis.site (code text PRIMARY KEY, name text);
      CREATE TABLE gis.plot (code text PRIMARY KEY, height int);
      INSERT INTO gis.site VALUES ('A', 'one'), ('B', 'two'); INSERT INTO gis.plot VALUES ('p', 1), ('q', 2)");
    let clone = clone_of(&central, "clone");
    central.run("ALTER TABLE gis.plot ADD site text REFERENCES gis.site ON UPDATE CASCADE; ALTER TABLE gis.site ADD owner text");
    synchronize(&central, &clone);
    central.run("SET session_replication_role = replica; UPDATE gis.plot SET site = 'A' WHERE code = 'p'; UPDATE gis.plot SET site = 'B' WHERE code = 'q'");
    clone.run("BEGIN; UPDATE gis.site SET code = 'tmp' WHERE code = 'A'; UPDATE gis.site SET code = 'A' WHERE code = 'B'; UPDATE gis.site SET code = 'B' WHERE code = 'tmp'; UPDATE gis.plot SET height = 10; COMMIT");
    synchronize(&central, &clone);
    assert_eq!(
        central.rows("SELECT code, site FROM gis.plot ORDER BY 1"),
        ["p|B", "q|A"]
    );
}

/// A column that does not travel makes no room.
#[test]
fn stand_ins_keep_to_columns_that_travel() {
    let central = prepared(
        "central",
        "CREATE SCHEMA gis;
      CREATE TABLE gis.site (id serial PRIMARY KEY, code text NOT NULL, name text);
      INSERT INTO gis.site (code, name) VALUES ('A', 'one'), ('B', 'two')",
    );
    let clone = clone_of(&central, "clone");
    central.run("ALTER TABLE gis.site ADD region text DEFAULT 'south'; ALTER TABLE gis.site ADD UNIQUE (code, region);");
    clone.run("BEGIN; UPDATE gis.site SET code = 'tmp' WHERE code = 'A'; UPDATE gis.site SET code = 'A' WHERE code = 'B'; UPDATE gis.site SET code = 'B' WHERE code = 'tmp'; COMMIT");
    synchronize(&central, &clone);
    assert_eq!(
        central.rows("SELECT name, code, region FROM gis.site ORDER BY 1"),
        ["one|B|south", "two|A|south"]
    );
}

/// Codes of users' functions and of extensions are refusals like others.
#[test]
fn errors_of_the_users_own_are_about_the_row() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    central.run("CREATE FUNCTION gis.ok(h int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN IF h > 1000 THEN RAISE EXCEPTION 'too high' USING ERRCODE = 'GIS01'; END IF; RETURN true; END $$;
      ALTER TABLE gis.tree ADD CHECK (gis.ok(height))");
    clone.run("UPDATE gis.tree SET height = 5000 WHERE code = 'T1'; UPDATE gis.tree SET height = 50 WHERE code = 'T2'");
    synchronize(&central, &clone);
    assert_eq!(aside(&clone).len(), 1);
}

/// Who may not read a table cannot look for what holds its rows.
#[test]
fn a_deletion_without_rights_stops_no_other_table() {
    let surveyor = Role::new("surveyor");
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    surveyor.grant("Synchronising", &central);
    central.run(&format!("REVOKE ALL ON gis.tree FROM {}", surveyor.name));
    clone
        .run("DELETE FROM gis.tree WHERE code = 'T1'; INSERT INTO gis.species (name) VALUES ('s')");
    surveyor.synchronize(&central, &clone);
    assert_eq!(central.value("SELECT count(*) FROM gis.species"), "1");
}

/// The role owns nothing in the central, so the trigger runs.
#[test]
fn a_late_reference_that_a_trigger_swallows_is_set_aside() {
    let surveyor = Role::new("surveyor");
    let central = prepared(
        "central",
        "CREATE SCHEMA gis;
      CREATE TABLE gis.a (code text PRIMARY KEY, b text);
      CREATE TABLE gis.b (code text PRIMARY KEY, a text REFERENCES gis.a);
      ALTER TABLE gis.a ADD FOREIGN KEY (b) REFERENCES gis.b;
      CREATE FUNCTION gis.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    );
    let clone = clone_of(&central, "clone");
    surveyor.grant("Synchronising", &central);
    central.run("CREATE TRIGGER keep BEFORE UPDATE ON gis.a FOR EACH ROW EXECUTE FUNCTION gis.keep(); CREATE TRIGGER keep BEFORE UPDATE ON gis.b FOR EACH ROW EXECUTE FUNCTION gis.keep()");
    clone.run("INSERT INTO gis.a VALUES ('a1'); INSERT INTO gis.b VALUES ('b1', 'a1'); UPDATE gis.a SET b = 'b1'");
    surveyor.synchronize(&central, &clone);
    let sql = "SELECT code, b FROM gis.a UNION ALL SELECT code, a FROM gis.b ORDER BY 1";
    let waits = aside(&clone).len();
    assert!(waits > 0 || central.rows(sql) == clone.rows(sql));
}

/// The clone took what waited, the commit of the central failed.
#[test]
fn the_list_of_the_central_is_current_after_a_crash() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    central.run("INSERT INTO gis.tree (code, height) VALUES ('X', 1)");
    clone.run("ALTER TABLE gis.tree ADD CONSTRAINT low CHECK (height <> 1 OR code = 'T1')");
    synchronize(&central, &clone);
    clone.run("ALTER TABLE gis.tree DROP CONSTRAINT low");
    killed_at(&central, &clone, "Committing to the central database.");
    synchronize(&central, &clone);
    synchronize(&central, &clone);
    assert_eq!(aside(&central).len(), 0);
}
