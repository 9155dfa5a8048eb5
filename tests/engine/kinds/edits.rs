//! Kinds of statements: TRUNCATE, COPY, ON CONFLICT, MERGE, WITH, cascades, rows that come again.

use super::compare::{converge, pair, same, travels};
use crate::support::{Database, counts, synchronize};

const SITES: &str = "CREATE SCHEMA gis;
    CREATE TABLE gis.owner (code text PRIMARY KEY, name text);
    INSERT INTO gis.owner VALUES ('nobody', 'Nobody');
    CREATE TABLE gis.site (id serial PRIMARY KEY, code text UNIQUE, name text, hits int DEFAULT 0,
        owner text DEFAULT 'nobody' REFERENCES gis.owner ON UPDATE CASCADE ON DELETE SET DEFAULT);
    CREATE TABLE gis.plot (code text PRIMARY KEY, site text REFERENCES gis.site (code) ON UPDATE CASCADE ON DELETE CASCADE, other text REFERENCES gis.site (code) ON UPDATE SET NULL ON DELETE SET NULL);
    CREATE TABLE gis.note (id bigserial PRIMARY KEY, plot text REFERENCES gis.plot ON UPDATE CASCADE ON DELETE CASCADE, what text);
    CREATE TABLE gis.alone (name text)";
const FILL: &str = "INSERT INTO gis.owner VALUES ('o1', 'One'), ('o2', 'Two');
    INSERT INTO gis.site (code, name, owner) VALUES ('a', 'A', 'o1'), ('b', 'B', 'o2'), ('c', 'C', 'o1');
    INSERT INTO gis.plot VALUES ('p1', 'a', 'b'), ('p2', 'a', 'c'), ('p3', 'b', 'b');
    INSERT INTO gis.note (plot, what) VALUES ('p1', 'n1'), ('p2', 'n2'), ('p3', 'n3'); INSERT INTO gis.alone VALUES ('x'), ('y')";

#[test]
fn every_kind_of_truncate() {
    travels(
        "truncate",
        SITES,
        &[
            FILL,
            "TRUNCATE gis.note",
            "INSERT INTO gis.note (plot, what) VALUES ('p1', 'm1'), ('p3', 'm3')",
            "TRUNCATE gis.note, gis.alone RESTART IDENTITY",
            "INSERT INTO gis.note (plot, what) VALUES ('p1', 'k1'), ('p3', 'k3')",
            "TRUNCATE ONLY gis.note; INSERT INTO gis.note (plot, what) VALUES ('p1', 'l1')",
            "TRUNCATE gis.site RESTART IDENTITY CASCADE; INSERT INTO gis.site (code) VALUES ('a'), ('z')",
            "BEGIN; TRUNCATE gis.owner CASCADE; INSERT INTO gis.owner VALUES ('nobody', 'again'); INSERT INTO gis.site (code) VALUES ('a'); COMMIT",
            "BEGIN; UPDATE gis.site SET name = 'seen'; SAVEPOINT s; TRUNCATE gis.site CASCADE; ROLLBACK TO s; COMMIT",
            "SET session_replication_role = replica; TRUNCATE gis.site CASCADE",
        ],
    );
}

#[test]
fn copy_on_conflict_and_rules_of_statements() {
    travels(
        "statements",
        SITES,
        &[
            FILL,
            "COPY gis.site (code, name) FROM PROGRAM 'printf ''d\\tD\\ne\\t\\\\N\\n'''",
            "COPY gis.alone (name) FROM PROGRAM 'printf ''name\\n\"a,\"\"b\"\n''' WITH (FORMAT csv, HEADER)",
            "INSERT INTO gis.site (code, name) VALUES ('a', 'new A'), ('f', 'F') ON CONFLICT (code) DO UPDATE SET name = excluded.name, hits = site.hits + 1",
            "INSERT INTO gis.site (code, name) VALUES ('a', 'not'), ('g', 'G') ON CONFLICT DO NOTHING",
            "INSERT INTO gis.site (code, name) VALUES ('a', 'yes'), ('b', 'no') ON CONFLICT (code) DO UPDATE SET name = excluded.name WHERE site.code = 'a'",
            "WITH gone AS (DELETE FROM gis.alone RETURNING name) INSERT INTO gis.site (code, name) SELECT 'n' || name, name FROM gone",
            "WITH moved AS (DELETE FROM gis.note RETURNING *) INSERT INTO gis.note SELECT * FROM moved",
            "WITH gone AS (DELETE FROM gis.note RETURNING *), back AS (INSERT INTO gis.note SELECT id, plot, what || '!', uid FROM gone RETURNING uid) UPDATE gis.site SET hits = (SELECT count(*) FROM back)",
            "WITH one AS (UPDATE gis.site SET name = 'one' WHERE code = 'a' RETURNING 1), two AS (UPDATE gis.site SET name = 'two' WHERE code = 'b') INSERT INTO gis.site (code) SELECT 'w' FROM one",
            "UPDATE gis.site AS s SET name = p.code, hits = 9 FROM gis.plot AS p WHERE p.site = s.code AND p.code <> 'p2'",
            "DELETE FROM gis.note USING gis.plot WHERE plot.code = note.plot AND plot.site = 'a'",
            "DO $$ BEGIN UPDATE gis.site SET name = 'lost'; RAISE 'no'; EXCEPTION WHEN OTHERS THEN UPDATE gis.site SET name = 'kept' WHERE code = 'a'; END $$",
            "DO $$ DECLARE c CURSOR FOR SELECT * FROM gis.site FOR UPDATE; BEGIN FOR r IN c LOOP UPDATE gis.site SET hits = r.hits + 1 WHERE CURRENT OF c; END LOOP; END $$",
            "PREPARE p (text) AS UPDATE gis.site SET name = $1 WHERE code = 'b'; EXECUTE p ('it''s'); EXECUTE p ('done')",
        ],
    );
}

/// MERGE came with PostgreSQL 15.
#[test]
fn merge_in_all_its_actions() {
    let (central, clone) = pair("merge", SITES);
    if central.value("SELECT current_setting('server_version_num')::int >= 150000") == "f" {
        let error = central
            .connect()
            .batch_execute(
                "MERGE INTO gis.site AS s USING gis.alone AS a ON false WHEN MATCHED THEN DELETE",
            )
            .unwrap_err();
        assert_eq!(error.code().unwrap().code(), "42601");
        return;
    }
    central.run(FILL);
    converge(&central, &clone);
    let merge = "MERGE INTO gis.site AS s USING (VALUES ('a', 'merged'), ('b', 'gone'), ('m', 'new')) AS v (code, name) ON s.code = v.code
        WHEN MATCHED AND v.name = 'gone' THEN DELETE WHEN MATCHED THEN UPDATE SET name = v.name WHEN NOT MATCHED THEN INSERT (code, name) VALUES (v.code, v.name)";
    clone.run(merge);
    let applied = converge(&central, &clone);
    assert!(applied[1] >= 3 && applied[0] == 0, "{applied:?}");
    central.run(&merge.replace("'m'", "'mm'"));
    assert_eq!(converge(&central, &clone)[..2], [2, 0]);
}

#[test]
fn cascades_of_every_kind() {
    travels(
        "cascades",
        SITES,
        &[
            FILL,
            "UPDATE gis.site SET code = 'aa' WHERE code = 'a'",
            "UPDATE gis.site SET code = 'bb' WHERE code = 'b'",
            "UPDATE gis.owner SET code = 'o9', name = 'Nine' WHERE code = 'o1'",
            "UPDATE gis.plot SET code = code || 'x'",
            "DELETE FROM gis.owner WHERE code = 'o9'",
            "DELETE FROM gis.site WHERE code = 'c'",
            "DELETE FROM gis.site WHERE code = 'aa'",
            "DELETE FROM gis.site",
        ],
    );
}

/// A row of a child that one statement changes several times, through several keys.
#[test]
fn a_row_that_is_cascaded_to_twice() {
    travels(
        "twice",
        "CREATE SCHEMA gis;
        CREATE TABLE gis.p (k text PRIMARY KEY);
        CREATE TABLE gis.c (k text REFERENCES gis.p ON UPDATE CASCADE, n int, PRIMARY KEY (k, n), also text REFERENCES gis.p ON UPDATE CASCADE, gone text REFERENCES gis.p ON UPDATE SET NULL);
        CREATE TABLE gis.g (id serial PRIMARY KEY, k text REFERENCES gis.p ON UPDATE CASCADE, n int, FOREIGN KEY (k, n) REFERENCES gis.c ON UPDATE CASCADE DEFERRABLE)",
        &[
            "INSERT INTO gis.p VALUES ('x'), ('y'); INSERT INTO gis.c VALUES ('x', 1, 'x', 'x'), ('y', 1, 'x', 'y'); INSERT INTO gis.g (k, n) VALUES ('x', 1), ('y', 1)",
            "UPDATE gis.p SET k = k || k",
            "UPDATE gis.p SET k = 'z' WHERE k = 'xx'; UPDATE gis.c SET n = 5",
        ],
    );
}

#[test]
fn rows_that_are_deleted_and_come_again() {
    let schema = "CREATE SCHEMA gis; CREATE TABLE gis.t (id serial PRIMARY KEY, name text);
        CREATE TABLE gis.k (code text PRIMARY KEY, name text); CREATE TABLE gis.kept AS SELECT 1 AS x WHERE false";
    let again = |set: &str| {
        format!(
            "BEGIN; CREATE TEMP TABLE old AS SELECT * FROM gis.t; DELETE FROM gis.t; INSERT INTO gis.t SELECT id, name{set}, uid FROM old; COMMIT"
        )
    };
    travels(
        "again",
        schema,
        &[
            "INSERT INTO gis.t (name) VALUES ('a'), ('b'); INSERT INTO gis.k VALUES ('x', 'X'), ('y', 'Y')",
            &again(" || '2'"),
            &again(""),
            "BEGIN; CREATE TEMP TABLE old AS SELECT * FROM gis.t; TRUNCATE gis.t; INSERT INTO gis.t SELECT id, name || '3', uid FROM old; COMMIT",
            "INSERT INTO gis.t (name) SELECT name FROM gis.t; DELETE FROM gis.t WHERE id < 3",
            "DELETE FROM gis.k WHERE code = 'x'; INSERT INTO gis.k VALUES ('x', 'another row, the same key')",
            "UPDATE gis.k SET uid = gen_random_uuid(); UPDATE gis.t SET uid = gen_random_uuid(), name = 'u' WHERE name ~ 'a'",
        ],
    );
    // Deleted on both sides, and back again with the same uid on one of them.
    let (central, clone) = pair("again", schema);
    central
        .run("INSERT INTO gis.t (name, uid) VALUES ('a', '00000000-0000-0000-0000-00000000000a')");
    converge(&central, &clone);
    clone.run("DELETE FROM gis.t");
    converge(&central, &clone);
    clone.run(
        "INSERT INTO gis.t (name, uid) VALUES ('back', '00000000-0000-0000-0000-00000000000a')",
    );
    converge(&central, &clone);
    assert_eq!(central.rows("SELECT name FROM gis.t"), ["back"]);
    // A row of the same uid made on both sides: one row, field by field.
    for (database, name) in [(&central, "first"), (&clone, "second")] {
        database.run(&format!("INSERT INTO gis.t (name, uid) VALUES ('{name}', '00000000-0000-0000-0000-00000000000b')"));
    }
    assert_eq!(converge(&central, &clone)[2], 1);
    assert_eq!(
        clone.rows("SELECT name FROM gis.t ORDER BY 1"),
        ["back", "second"]
    );
}

/// What ends where it began, or never was, changes nothing on the other side.
#[test]
fn edits_that_undo_themselves() {
    let (central, clone) = pair("undone", SITES);
    central.run(FILL);
    converge(&central, &clone);
    for sender in [&central, &clone] {
        sender.run("INSERT INTO gis.alone VALUES ('brief'); DELETE FROM gis.alone WHERE name = 'brief';
            BEGIN; DELETE FROM gis.note; ROLLBACK; UPDATE gis.site SET name = name; UPDATE gis.site SET hits = hits WHERE false");
        let before =
            |database: &Database| database.rows("SELECT uid, xmin FROM gis.site ORDER BY uid");
        let rows = [before(&central), before(&clone)];
        assert_eq!(counts(&synchronize(&central, &clone))[2], 0);
        assert_eq!(
            [before(&central), before(&clone)],
            rows,
            "no row was written"
        );
        same(&central, &clone);
        assert_eq!(counts(&synchronize(&central, &clone)), [0; 5]);
    }
}
