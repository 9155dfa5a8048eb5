//! Of a table, only the rows at fault wait, whatever finds the fault: a constraint that is checked at
//! the end, a function, a policy, a column that is gone.
#![allow(missing_docs)]

use crate::support::role::Role;
use crate::support::{Database, aside, clone_of, prepared, synchronize};

fn settled(central: &Database, clone: &Database, tables: &[&str]) {
    synchronize(central, clone);
    let outputs = synchronize(central, clone);
    for id in ["CAPTURED_CENTRAL", "CAPTURED_CLONE", "SET_ASIDE"] {
        assert_eq!(outputs[id], 0, "{outputs}");
    }
    for table in tables {
        let rows = format!("SELECT * FROM gis.{table} ORDER BY 1");
        assert_eq!(central.rows(&rows), clone.rows(&rows));
    }
}

/// Rows that need each other until the end of the transaction, and one without its other half.
#[test]
fn keys_that_are_checked_at_the_end() {
    let central = prepared(
        "central",
        "CREATE SCHEMA gis;
         CREATE TABLE gis.team (code text PRIMARY KEY, leader text NOT NULL);
         CREATE TABLE gis.person (code text PRIMARY KEY, team text NOT NULL REFERENCES gis.team DEFERRABLE INITIALLY DEFERRED,
            friend text REFERENCES gis.person DEFERRABLE);
         ALTER TABLE gis.team ADD FOREIGN KEY (leader) REFERENCES gis.person DEFERRABLE INITIALLY DEFERRED;
         BEGIN; INSERT INTO gis.team VALUES ('t', 'p'); INSERT INTO gis.person VALUES ('p', 't'); COMMIT",
    );
    let clone = clone_of(&central, "clone");
    central.run("BEGIN; DELETE FROM gis.team; DELETE FROM gis.person; COMMIT");
    clone.run(
        "INSERT INTO gis.person VALUES ('late', 't', NULL), ('later', 't', 'late');
         BEGIN; INSERT INTO gis.team VALUES ('u', 'q'), ('v', 'r'); INSERT INTO gis.person VALUES ('q', 'u', NULL), ('r', 'v', 'q'), ('alone', 'u', NULL); COMMIT",
    );
    let outputs = synchronize(&central, &clone);
    assert_eq!(
        aside(&clone),
        [
            "central|person|D|23503|team_leader_fkey",
            "central|team|D|23503|person_team_fkey",
            "clone|person|I|23503|person_team_fkey",
            "clone|person|I|23503|person_team_fkey"
        ],
        "{outputs}"
    );
    assert_eq!(
        central.rows("SELECT code FROM gis.person ORDER BY 1"),
        ["alone", "q", "r"]
    );
    clone.run("UPDATE gis.person SET team = 'v' WHERE code LIKE 'late%'");
    settled(&central, &clone, &["team", "person"]);
}

/// Codes that may be twice until the end of the transaction.
#[test]
fn codes_that_are_checked_at_the_end() {
    let central = prepared(
        "central",
        "CREATE SCHEMA gis;
         CREATE TABLE gis.tree (id serial PRIMARY KEY, code text NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED, height int,
            span int4range, EXCLUDE USING gist (span WITH &&) DEFERRABLE);
         INSERT INTO gis.tree (code) VALUES ('A'), ('B'), ('C')",
    );
    let clone = clone_of(&central, "clone");
    central.run("INSERT INTO gis.tree (code) VALUES ('X')");
    clone.run(
        "UPDATE gis.tree SET code = CASE code WHEN 'A' THEN 'B' ELSE 'A' END WHERE code < 'C';
         UPDATE gis.tree SET span = '[1,5)' WHERE code = 'C';
         INSERT INTO gis.tree (code, height) VALUES ('X', 1), ('Y', 2)",
    );
    synchronize(&central, &clone);
    assert_eq!(
        aside(&clone),
        [
            "central|tree|I|23505|tree_code_key",
            "clone|tree|I|23505|tree_code_key"
        ]
    );
    central.run("UPDATE gis.tree SET code = 'Z' WHERE code = 'X'; INSERT INTO gis.tree (code, span) VALUES ('S', '[10,20)')");
    clone.run("INSERT INTO gis.tree (code, span) VALUES ('T', '[15,16)'), ('U', '[30,31)')");
    synchronize(&central, &clone);
    assert_eq!(
        aside(&clone),
        [
            "central|tree|I|23P01|tree_span_excl",
            "clone|tree|I|23P01|tree_span_excl"
        ]
    );
    clone.run("UPDATE gis.tree SET span = NULL WHERE code = 'T'");
    synchronize(&central, &clone);
    settled(&central, &clone, &[]);
    let rows = "SELECT uid, code, height, span FROM gis.tree ORDER BY uid";
    assert_eq!(central.rows(rows), clone.rows(rows));
}

/// A function may raise for one row what otherwise is about a whole table.
#[test]
fn errors_that_speak_of_tables() {
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text PRIMARY KEY, next text REFERENCES gis.tree, plan text)",
    );
    let clone = clone_of(&central, "clone");
    central.run(
        "CREATE FUNCTION gis.known(name text) RETURNS boolean LANGUAGE plpgsql AS
            $$ BEGIN EXECUTE 'SELECT count(*) FROM gis.' || name; RETURN true; END $$;
         ALTER TABLE gis.tree ADD CHECK (gis.known(plan))",
    );
    clone.run(
        "INSERT INTO gis.tree SELECT to_char(n, '000'), CASE WHEN n > 0 THEN to_char(n - 1, '000') END, 'tree' FROM generate_series(0, 60) AS n;
         UPDATE gis.tree SET plan = 'nowhere' WHERE code IN (to_char(58, '000'), to_char(60, '000'))",
    );
    let outputs = synchronize(&central, &clone);
    assert_eq!(outputs["SET_ASIDE_CLONE"], 3, "{outputs}");
    assert_eq!(
        clone.rows("SELECT sqlstate, count(*) FROM lizsync.set_aside GROUP BY 1 ORDER BY 1"),
        ["23503|1", "42P01|2"]
    );
    clone.run(
        "UPDATE gis.tree SET plan = 'tree'; DELETE FROM gis.tree WHERE code = to_char(60, '000')",
    );
    settled(&central, &clone, &["tree"]);
    // Every other one: the single rows that are tried first do not all say the same.
    clone.run("INSERT INTO gis.tree SELECT 'x' || n, NULL, CASE n % 2 WHEN 0 THEN 'tree' ELSE 'nowhere' END FROM generate_series(1, 60) AS n");
    let outputs = synchronize(&central, &clone);
    assert_eq!(outputs["SET_ASIDE_CLONE"], 30, "{outputs}");
}

/// What is said of each of the rows that are tried first, but of each for another reason, is not believed of the
/// others.
#[test]
fn reasons_that_are_not_those_of_the_table() {
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (uid uuid PRIMARY KEY, plan text);
         INSERT INTO gis.tree SELECT lpad(n::text, 32, '0')::uuid FROM generate_series(1, 20) AS n",
    );
    let clone = clone_of(&central, "clone");
    central.run(
        "CREATE FUNCTION gis.may(plan text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
            IF plan LIKE 'no%' THEN RAISE insufficient_privilege USING MESSAGE = plan; END IF; RETURN true; END $$;
         ALTER TABLE gis.tree ADD CHECK (gis.may(plan))",
    );
    clone.run(
        "UPDATE gis.tree SET plan = CASE right(uid::text, 2) WHEN '10' THEN 'yes' WHEN '11' THEN 'yes' ELSE 'no ' || uid END",
    );
    let outputs = synchronize(&central, &clone);
    assert_eq!(outputs["SET_ASIDE_CLONE"], 18, "{outputs}");
    clone.run("UPDATE gis.tree SET plan = NULL");
    settled(&central, &clone, &["tree"]);
}

/// Where a right is missing, all rows wait that need it, and no others.
#[test]
fn a_right_that_many_rows_need() {
    let surveyor = Role::new("surveyor");
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text PRIMARY KEY, height int);
         INSERT INTO gis.tree SELECT 't' || n, n FROM generate_series(1, 40) AS n",
    );
    let clone = clone_of(&central, "clone");
    surveyor.grant("Synchronising", &central);
    let role = &surveyor.name;
    for (right, waiting) in [("UPDATE", 39), ("INSERT", 30), ("DELETE", 10)] {
        central.run(&format!("REVOKE {right} ON gis.tree FROM {role}"));
        // A row that the central does not hold, and does not know to be deleted.
        central.run("ALTER TABLE gis.tree DISABLE TRIGGER USER; DELETE FROM gis.tree WHERE code = 't20'; ALTER TABLE gis.tree ENABLE TRIGGER USER");
        clone.run("DELETE FROM gis.tree WHERE height > 100; UPDATE gis.tree SET height = 100 - height; INSERT INTO gis.tree SELECT 'n' || n, 101 + n FROM generate_series(1, 30) AS n");
        let outputs = surveyor.synchronize(&central, &clone);
        assert_eq!(outputs["SET_ASIDE_CLONE"], waiting, "{right}: {outputs}");
        central.run(&format!("GRANT {right} ON gis.tree TO {role}"));
        assert_eq!(
            clone.rows("SELECT DISTINCT sqlstate FROM lizsync.set_aside"),
            ["42501"]
        );
        synchronize(&central, &clone);
        clone.run("DELETE FROM gis.tree WHERE code IN ('t20')");
        settled(&central, &clone, &["tree"]);
        clone.run("DELETE FROM gis.tree; INSERT INTO gis.tree SELECT 't' || n, CASE WHEN n > 30 THEN 101 ELSE n END FROM generate_series(1, 40) AS n");
        settled(&central, &clone, &["tree"]);
    }
}

/// The role owns nothing in the central, so the trigger runs, at the end, and names no constraint.
#[test]
fn triggers_that_look_at_the_end() {
    let surveyor = Role::new("surveyor");
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text PRIMARY KEY, height int); CREATE TABLE gis.site (code text PRIMARY KEY);
         CREATE FUNCTION gis.low() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF NEW.height > 100 THEN RAISE EXCEPTION 'too high'; END IF; RETURN NULL; END $$",
    );
    let clone = clone_of(&central, "clone");
    central.run("CREATE CONSTRAINT TRIGGER low AFTER INSERT OR UPDATE ON gis.tree DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION gis.low()");
    clone.run("INSERT INTO gis.tree VALUES ('a', 1), ('b', 500), ('c', 3); INSERT INTO gis.site VALUES ('s')");
    surveyor.grant("Synchronising", &central);
    let outputs = surveyor.synchronize(&central, &clone);
    assert_eq!(
        [&outputs["APPLIED_TO_CENTRAL"], &outputs["SET_ASIDE_CLONE"]],
        [3, 1]
    );
    assert_eq!(aside(&clone), ["clone|tree|I|P0001|∅"]);
    clone.run("UPDATE gis.tree SET height = 5 WHERE code = 'b'");
    settled(&central, &clone, &["tree", "site"]);
}

/// A trigger of a table that is not written, but cascaded to, is not disabled; another one names a
/// constraint of its own.
#[test]
fn triggers_that_look_at_what_is_cascaded_to() {
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text PRIMARY KEY, height int);
         CREATE TABLE gis.visit (code text PRIMARY KEY, tree text REFERENCES gis.tree ON UPDATE CASCADE);
         CREATE TABLE gis.site (code text PRIMARY KEY); INSERT INTO gis.tree VALUES ('a', 1), ('b', 1)",
    );
    let clone = clone_of(&central, "clone");
    central.run(
        "INSERT INTO gis.visit VALUES ('v', 'a');
         CREATE FUNCTION gis.final() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'final' USING CONSTRAINT = 'my rule', SCHEMA = 'gis'; END $$;
         CREATE CONSTRAINT TRIGGER final AFTER UPDATE ON gis.visit DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION gis.final()",
    );
    clone.run("UPDATE gis.tree SET code = code || code; INSERT INTO gis.site VALUES ('s')");
    synchronize(&central, &clone);
    assert_eq!(
        aside(&clone),
        [
            "central|visit|I|23503|visit_tree_fkey",
            "clone|tree|U|P0001|my rule"
        ]
    );
    assert_eq!(
        central.rows("SELECT code FROM gis.tree UNION ALL SELECT code FROM gis.site ORDER BY 1"),
        ["a", "bb", "s"]
    );
}

/// While rows are written in parts, a trigger that the role cannot disable deletes one that is still to come.
#[test]
fn a_row_that_vanishes_before_its_turn() {
    let surveyor = Role::new("surveyor");
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text PRIMARY KEY, height int); CREATE TABLE gis.site (code text PRIMARY KEY)",
    );
    surveyor.grant("Synchronising", &central);
    central.run("INSERT INTO gis.tree (uid, code, height) SELECT (lpad(n::text, 8, '0') || '-0000-4000-8000-000000000000')::uuid, 'c' || n, n FROM generate_series(1, 9) AS n");
    let clone = clone_of(&central, "clone");
    central.run(
        "ALTER TABLE gis.tree ADD CHECK (height < 1000);
         CREATE FUNCTION gis.fell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM gis.tree WHERE code = 'c1'; RETURN NULL; END $$;
         CREATE TRIGGER fell AFTER UPDATE ON gis.tree FOR EACH ROW WHEN (NEW.height = 0) EXECUTE FUNCTION gis.fell()",
    );
    clone.run("UPDATE gis.tree SET height = CASE code WHEN 'c9' THEN 0 WHEN 'c5' THEN 5000 ELSE 7 END WHERE code IN ('c1', 'c5', 'c9'); INSERT INTO gis.site VALUES ('s')");
    let outputs = surveyor.synchronize(&central, &clone);
    assert_eq!(
        ["APPLIED_TO_CENTRAL", "LOST_CLONE", "SET_ASIDE_CLONE"].map(|id| outputs[id].as_u64()),
        [2, 1, 1].map(Some),
        "{outputs}"
    );
    clone.run("UPDATE gis.tree SET height = 6 WHERE code = 'c5'");
    settled(&central, &clone, &["tree", "site"]);
}

/// A trigger that gives rows another uid, under which no database would look for them.
#[test]
fn a_trigger_that_gives_another_uid() {
    let surveyor = Role::new("surveyor");
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text PRIMARY KEY)",
    );
    surveyor.grant("Synchronising", &central);
    let clone = clone_of(&central, "clone");
    central.run(
        "CREATE FUNCTION gis.fresh() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.uid := md5(NEW.code)::uuid; RETURN NEW; END $$;
         CREATE TRIGGER fresh BEFORE INSERT ON gis.tree FOR EACH ROW WHEN (NEW.code = 'a') EXECUTE FUNCTION gis.fresh()",
    );
    clone.run("INSERT INTO gis.tree VALUES ('a'), ('b')");
    surveyor.synchronize(&central, &clone);
    assert_eq!(aside(&clone), ["clone|tree|I|LZ002|∅"]);
    central.run("DROP TRIGGER fresh ON gis.tree");
    settled(&central, &clone, &["tree"]);
}
