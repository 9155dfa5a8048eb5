//! What waits, when runs die, when a central loses runs, and when values make room.
#![allow(missing_docs)]

use crate::support::role::Role;
use crate::support::{Database, aside, clone_of, killed_at, prepared, run, synchronize};
use lizsync::error::Kind;

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

/// A standby takes over that missed several runs.
#[test]
fn the_edits_of_several_lost_runs_come_back() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    synchronize(&central, &clone);
    clone.run("UPDATE lizsync.runs SET standbys = true");
    let standby = central.copy("standby");
    for n in 1..=3 {
        clone.run(&format!(
            "UPDATE gis.tree SET height = {n}00 WHERE code = 'T{n}'"
        ));
        synchronize(&central, &clone); // lost
    }
    let central = lost(standby, &clone);
    for _ in 0..2 {
        synchronize(&central, &clone);
    }
    assert_eq!(
        central.rows("SELECT height FROM gis.tree WHERE height >= 100 ORDER BY 1"),
        ["100", "200", "300"]
    );
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

/// A function that the central checks heights with: it does this where one is too high, the first times.
fn above(central: &Database, tries: u32, does: &str) {
    central.run(&format!(
        "CREATE SEQUENCE IF NOT EXISTS gis.tries; ALTER SEQUENCE gis.tries RESTART;
         CREATE OR REPLACE FUNCTION gis.ok(h int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN IF h > 1000 AND nextval('gis.tries') <= {tries} THEN {does}; END IF; RETURN true; END $$"
    ));
}

/// Codes of a function of the user's are about the row, also those that PostgreSQL has for other things.
#[test]
fn codes_that_a_function_raises_are_about_the_row() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    above(&central, 0, "NULL");
    central.run("ALTER TABLE gis.tree ADD CHECK (gis.ok(height))");
    clone.run("UPDATE gis.tree SET height = 5000 WHERE code = 'T1'");
    let before = trees(&central);
    for code in [
        "25P03", "28000", "53100", "53200", "55P03", "57014", "58030", "F0000", "XX001", "XX002",
        "40001", "40P01",
    ] {
        above(
            &central,
            1000,
            &format!("RAISE EXCEPTION 'not this' USING ERRCODE = '{code}'"),
        );
        synchronize(&central, &clone);
        assert_eq!(aside(&clone), [format!("clone|tree|U|{code}|∅")]);
        assert!(trees(&central) == before, "{code}");
    }
    above(&central, 0, "NULL");
    synchronize(&central, &clone);
    assert_eq!(trees(&central), trees(&clone));
}

/// What speaks of the server, the operator or another session is not about the row, also within a
/// function of the user's, and also where that catches the error and raises it again.
#[test]
fn errors_that_are_not_about_the_row_set_nothing_aside() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    central.run("CREATE TABLE public.busy (id int); INSERT INTO public.busy VALUES (1)");
    above(&central, 0, "NULL");
    central.run("ALTER TABLE gis.tree ADD CHECK (gis.ok(height))");
    clone.run("UPDATE gis.tree SET height = 5000 WHERE code = 'T1'");
    let before = trees(&central);
    let mut other = central.connect();
    other
        .batch_execute("BEGIN; LOCK TABLE public.busy")
        .unwrap();
    let again = |does: &str| {
        format!("BEGIN {does}; EXCEPTION WHEN OTHERS OR query_canceled THEN RAISE; END")
    };
    let locks = "SET LOCAL lock_timeout = '50ms'; PERFORM FROM public.busy";
    let cancels = "PERFORM pg_cancel_backend(pg_backend_pid()), pg_sleep(5)";
    for (code, does) in [
        ("55P03", locks.to_owned()),
        ("55P03", "LOCK TABLE public.busy NOWAIT".to_owned()),
        ("55P03", again(locks)),
        ("57014", cancels.to_owned()),
        ("57014", again(cancels)),
        (
            "57P01",
            "PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(5)".to_owned(),
        ),
    ] {
        above(&central, 1000, &does);
        let parameters = serde_json::json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()});
        let error = run("synchronize_database", parameters).expect_err(&does);
        // Of a session that ends, its last words may be lost.
        let lost = error.sqlstate_code().is_none() && error.kind() == Kind::Connection;
        assert!(
            error.sqlstate_code() == Some(code) || code == "57P01" && lost,
            "{does}: {}",
            error.sentence()
        );
        assert!(
            aside(&clone).is_empty() && trees(&central) == before,
            "{does}"
        );
    }
}

/// A function of the user's writes a row that another session has written since the run began.
#[test]
fn a_collision_within_a_function_is_tried_again() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    central.run(&format!(
        "CREATE EXTENSION IF NOT EXISTS dblink; CREATE TABLE public.total (id int, n int); INSERT INTO public.total VALUES (1, 0);
         CREATE FUNCTION public.other() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
             PERFORM public.dblink_exec($dsn${}$dsn$, 'UPDATE public.total SET n = n + 1'); UPDATE public.total SET n = n + 1; END $$",
        central.conninfo()
    ));
    above(&central, 2, "PERFORM public.other()");
    central.run("ALTER TABLE gis.tree ADD CHECK (gis.ok(height))");
    clone.run("UPDATE gis.tree SET height = 5000 WHERE code = 'T1'");
    let outputs = synchronize(&central, &clone);
    assert_eq!(outputs["SET_ASIDE"], 0, "{outputs}");
    assert_eq!(trees(&central), trees(&clone));
    // Each of the two tries that collided left what the other session wrote.
    assert_eq!(central.value("SELECT n FROM public.total"), "2");
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
    // Its row is set aside whole, and the one that refers to it.
    assert_eq!(
        aside(&clone),
        ["clone|a|I|LZ002|∅", "clone|b|I|23503|b_a_fkey"]
    );
    assert_eq!(central.value("SELECT count(*) FROM gis.a, gis.b"), "0");
}

/// The role owns nothing in the central, so the trigger runs.
#[test]
fn rows_that_a_trigger_swallows_are_set_aside() {
    let surveyor = Role::new("surveyor");
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    surveyor.grant("Synchronising", &central);
    central.run("CREATE FUNCTION gis.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
      CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON gis.tree FOR EACH ROW WHEN (NEW.height > 1000) EXECUTE FUNCTION gis.keep()");
    clone.run("UPDATE gis.tree SET height = height * 1000 WHERE code < 'T3'; INSERT INTO gis.tree (code, height) VALUES ('N', 5000), ('O', 5)");
    let outputs = surveyor.synchronize(&central, &clone);
    assert_eq!(outputs["APPLIED_TO_CENTRAL"], 2, "{outputs}");
    assert_eq!(
        aside(&clone),
        ["clone|tree|I|LZ002|∅", "clone|tree|U|LZ002|∅"]
    );
}

/// The role owns nothing in the central, so the trigger runs.
#[test]
fn rows_that_hold_each_other_stay_as_they_were_where_a_trigger_keeps_one() {
    let surveyor = Role::new("surveyor");
    let central = prepared(
        "central",
        "CREATE SCHEMA gis;
      CREATE TABLE gis.site (code text PRIMARY KEY, next text REFERENCES gis.site);
      INSERT INTO gis.site VALUES ('a', NULL), ('b', 'a'); UPDATE gis.site SET next = 'b' WHERE code = 'a';
      CREATE FUNCTION gis.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    );
    let clone = clone_of(&central, "clone");
    surveyor.grant("Synchronising", &central);
    central.run("CREATE TRIGGER keep BEFORE DELETE ON gis.site FOR EACH ROW WHEN (OLD.code = 'a') EXECUTE FUNCTION gis.keep()");
    clone.run("DELETE FROM gis.site");
    surveyor.synchronize(&central, &clone);
    assert_eq!(
        central.rows("SELECT code, next FROM gis.site ORDER BY 1"),
        ["a|b", "b|a"]
    );
    assert_eq!(
        clone.rows("SELECT owner, action, sqlstate FROM lizsync.set_aside ORDER BY sqlstate"),
        ["clone|D|23503", "clone|D|LZ002"]
    );
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

/// What waited loses against the central; the run that says so reaches the clone only.
#[test]
fn what_lost_while_it_waited_is_not_sent_after_a_crash() {
    for sent_before in [false, true] {
        let central = prepared("central", TREES);
        let clone = clone_of(&central, "clone");
        central.run("ALTER TABLE gis.tree ADD CONSTRAINT low CHECK (height < 1000)");
        clone.run("UPDATE gis.tree SET height = 5000 WHERE code = 'T1'; UPDATE gis.tree SET height = 5000, crown = 1 WHERE code = 'T2'");
        synchronize(&central, &clone);
        synchronize(&central, &clone);
        central.run("ALTER TABLE gis.tree DROP CONSTRAINT low");
        if sent_before {
            killed_at(&central, &clone, "Committing to the central database.");
        }
        // One change loses as a whole, of the other one a field.
        central.run("UPDATE gis.tree SET height = 7 WHERE code = 'T1'; UPDATE gis.tree SET crown = 2 WHERE code = 'T2'");
        killed_at(&central, &clone, "Committing to the central database.");
        for _ in 0..2 {
            synchronize(&central, &clone);
        }
        assert_eq!(
            central.rows("SELECT code, height, crown FROM gis.tree WHERE code < 'T3' ORDER BY 1"),
            ["T1|7|∅", "T2|5000|2"],
            "sent before: {sent_before}"
        );
        assert_eq!(trees(&central), trees(&clone));
        assert_eq!(central.value("SELECT count(*) FROM lizsync.conflicts"), "2");
    }
}

/// The clone has committed a pass when the central collides; the next pass records both.
#[test]
fn a_pass_that_the_central_did_not_commit_is_in_the_history_of_the_next() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    central.run("CREATE SEQUENCE public.tries;
        CREATE FUNCTION public.once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('public.tries') = 1 THEN RAISE serialization_failure; END IF; RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER once AFTER INSERT ON lizsync.history DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.once();
        UPDATE gis.tree SET height = 7 WHERE code = 'T1'");
    let outputs = synchronize(&central, &clone);
    assert_eq!(outputs["APPLIED_TO_CLONE"], 1, "{outputs}");
    assert_eq!(central.value("SELECT last_value FROM public.tries"), "2");
    assert_eq!(
        central.rows("SELECT applied_to_clone, captured_central FROM lizsync.history WHERE sync_type = 'partial'"),
        ["1|1"]
    );
    assert_eq!(trees(&central), trees(&clone));
}
