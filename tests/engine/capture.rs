//! What the triggers write into the change log.
#![allow(missing_docs)]

use crate::support::{Database, prepared};

/// The log since the start, without what differs from run to run.
fn log(database: &Database) -> Vec<String> {
    database.rows(
        "SELECT schema_name || '.' || table_name, action, coalesce(changed_fields, row_data - 'uid'::text) FROM audit.logged_actions ORDER BY event_id",
    )
}

const TREE: &str =
    "CREATE SCHEMA gis; CREATE TABLE gis.tree (id serial PRIMARY KEY, name text, height int)";

#[test]
fn every_kind_of_statement_is_logged() {
    let database = prepared("kinds", TREE);
    database.run("INSERT INTO gis.tree (name) VALUES ('oak'), ('ash');
        UPDATE gis.tree SET height = 3;
        UPDATE gis.tree SET height = 3;
        INSERT INTO gis.tree (id, name) VALUES (2, 'fir'), (9, 'elm') ON CONFLICT (id) DO UPDATE SET name = excluded.name;
        DELETE FROM gis.tree WHERE id = 1;
        COPY gis.tree (name) FROM PROGRAM 'echo yew';
        TRUNCATE gis.tree");
    let mut logged = log(&database);
    // Rows of one statement come in any order.
    logged[..2].sort();
    logged[2..4].sort();
    logged[4..6].sort();
    logged[8..].sort();
    assert_eq!(
        logged,
        [
            r#"gis.tree|I|"id"=>"1", "name"=>"oak", "height"=>NULL"#,
            r#"gis.tree|I|"id"=>"2", "name"=>"ash", "height"=>NULL"#,
            r#"gis.tree|U|"height"=>"3""#,
            r#"gis.tree|U|"height"=>"3""#,
            r#"gis.tree|I|"id"=>"9", "name"=>"elm", "height"=>NULL"#,
            r#"gis.tree|U|"name"=>"fir""#,
            r#"gis.tree|D|"id"=>"1", "name"=>"oak", "height"=>"3""#,
            r#"gis.tree|I|"id"=>"3", "name"=>"yew", "height"=>NULL"#,
            r#"gis.tree|D|"id"=>"2", "name"=>"fir", "height"=>"3""#,
            r#"gis.tree|D|"id"=>"3", "name"=>"yew", "height"=>NULL"#,
            r#"gis.tree|D|"id"=>"9", "name"=>"elm", "height"=>NULL"#,
        ]
    );
}

#[test]
fn a_changed_uid_is_a_deletion_and_an_insertion() {
    let database = prepared("uid", TREE);
    database.run("INSERT INTO gis.tree (name) VALUES ('oak')");
    let old = database.value("SELECT uid FROM gis.tree");
    database.run("UPDATE gis.tree SET uid = md5(random()::text)::uuid, name = 'ash'");
    let new = database.value("SELECT uid FROM gis.tree");
    let mut logged = database
        .rows("SELECT action, uid, row_data->'name' FROM audit.logged_actions WHERE event_id > 1");
    logged.sort();
    assert_eq!(logged, [format!("D|{old}|oak"), format!("I|{new}|ash")]);
}

#[test]
fn logged_text_does_not_depend_on_the_session() {
    let database = prepared("session", "CREATE SCHEMA gis; CREATE EXTENSION postgis;
        CREATE TABLE gis.t (d date, ts timestamptz, i interval, b bytea, f float8, m money, g geometry(PointZ, 2154))");
    let values =
        "('2026-02-01', '2026-02-01 12:00+02', '1 day 2 hours', '\\x00ff', 0.1::float8 + 0.2::float8, 1234.5,
        ST_SetSRID(ST_MakePoint(1.1, 2.2, 3.3), 2154))";
    database.run(&format!("INSERT INTO gis.t VALUES {values};
        SET datestyle = 'SQL, DMY'; SET intervalstyle = 'sql_standard'; SET timezone = 'Asia/Tokyo'; SET bytea_output = 'escape';
        SET extra_float_digits = -10; SET search_path = 'gis'; SET standard_conforming_strings = off; SET client_encoding = 'LATIN1';
        INSERT INTO t VALUES {}", values.replace("ST_", "public.ST_").replace(":geometry", ":public.geometry")));
    assert_eq!(
        database.value("SELECT count(*) FROM audit.logged_actions"),
        "2"
    );
    let rows = database.rows("SELECT DISTINCT row_data - 'uid'::text FROM audit.logged_actions");
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert_eq!(
        database.value("SELECT (row_data->'g') = (SELECT g::text FROM gis.t LIMIT 1), row_data->'ts', row_data->'f' FROM audit.logged_actions"),
        "t|2026-02-01 10:00:00+00|0.30000000000000004"
    );
}

#[test]
fn partitions_are_logged_under_the_partitioned_table_also_later_ones() {
    let database = prepared("parts", "CREATE SCHEMA gis;
        CREATE TABLE gis.obs (day date, what text) PARTITION BY RANGE (day);
        CREATE TABLE gis.obs_25 PARTITION OF gis.obs FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')");
    database.run("CREATE TABLE gis.obs_26 PARTITION OF gis.obs FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
        INSERT INTO gis.obs VALUES ('2025-05-05', 'a'); INSERT INTO gis.obs_26 VALUES ('2026-05-05', 'b');
        UPDATE gis.obs SET what = 'c' WHERE what = 'b';
        UPDATE gis.obs SET day = '2026-06-06' WHERE what = 'a';
        TRUNCATE gis.obs_25; DELETE FROM gis.obs_26 WHERE what = 'c'");
    let uids = database.rows("SELECT table_name, string_agg(action, '' ORDER BY event_id) FROM audit.logged_actions GROUP BY table_name, uid ORDER BY 2");
    // A row that moves to another partition is updated, not deleted and inserted.
    assert_eq!(uids, ["obs|IU", "obs|IUD"]);
    let moved = "SELECT changed_fields FROM audit.logged_actions WHERE action = 'U' AND changed_fields ? 'day'";
    assert_eq!(database.value(moved), r#""day"=>"2026-06-06""#);
}

#[test]
fn the_log_ends_with_the_value_that_the_users_own_triggers_left() {
    let database = prepared("triggers", TREE);
    database.run("CREATE FUNCTION gis.label() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN UPDATE gis.tree SET name = NEW.name || '!' WHERE uid = NEW.uid; RETURN NULL; END $$;
        CREATE TRIGGER label AFTER INSERT ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.label();
        CREATE TRIGGER relabel AFTER UPDATE OF height ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.label();
        INSERT INTO gis.tree (name) VALUES ('oak');
        UPDATE gis.tree SET name = 'ash', height = 1;
        UPDATE gis.tree SET name = 'fir'");
    // Whatever the order of events, playing them in it must end with what the table holds.
    let last = "SELECT coalesce(changed_fields, row_data)->'name' FROM audit.logged_actions
        WHERE coalesce(changed_fields, row_data) ? 'name' AND event_id <= (SELECT max(event_id) FROM audit.logged_actions WHERE ";
    assert_eq!(
        database.value(&format!("{last} true) ORDER BY event_id DESC LIMIT 1")),
        "fir"
    );
    let names = database.rows("SELECT action || ':' || (coalesce(changed_fields, row_data)->'name') FROM audit.logged_actions ORDER BY event_id");
    assert_eq!(names, ["U:oak!", "I:oak!", "U:ash!", "U:ash!", "U:fir"]);
}

#[test]
fn a_table_can_change_its_columns_within_a_session() {
    let database = prepared("alter", TREE);
    database.run("INSERT INTO gis.tree (name) VALUES ('oak'); ALTER TABLE gis.tree ADD COLUMN crown int; UPDATE gis.tree SET crown = 4;
        ALTER TABLE gis.tree DROP COLUMN height; UPDATE gis.tree SET name = 'ash'; DELETE FROM gis.tree");
    let logged = log(&database);
    assert_eq!(
        logged[1..],
        [
            r#"gis.tree|U|"crown"=>"4""#,
            r#"gis.tree|U|"name"=>"ash""#,
            r#"gis.tree|D|"id"=>"1", "name"=>"ash", "crown"=>"4""#
        ]
    );
}

/// One statement may fire several captures, and the first must not hide from the next that triggers of
/// the user's own have been at work.
#[test]
fn every_capture_of_a_statement_ends_with_the_value_that_triggers_left() {
    let database = prepared("several", "CREATE SCHEMA gis;
        CREATE TABLE gis.a (code text PRIMARY KEY, name text); CREATE TABLE gis.b (code text PRIMARY KEY, name text)");
    database.run("INSERT INTO gis.a VALUES ('x'); INSERT INTO gis.b VALUES ('x');
        CREATE FUNCTION gis.label() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN UPDATE gis.a SET name = 'final' WHERE code = NEW.code; UPDATE gis.b SET name = 'final' WHERE code = NEW.code; RETURN NULL; END $$;
        CREATE TRIGGER label AFTER INSERT OR UPDATE ON gis.a FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION gis.label()");
    let played = "SELECT DISTINCT ON (table_name, uid) table_name, coalesce(changed_fields, row_data)->'name'
        FROM audit.logged_actions WHERE coalesce(changed_fields, row_data) ? 'name' ORDER BY table_name, uid, event_id DESC";
    database.run("INSERT INTO gis.a VALUES ('x', 'one'), ('y', 'two') ON CONFLICT (code) DO UPDATE SET name = excluded.name");
    assert_eq!(database.rows(played), ["a|final", "a|final", "b|final"]);
    for statement in [
        "WITH u AS (UPDATE gis.a SET name = 'y' RETURNING code) UPDATE gis.b SET name = 'outer' FROM u WHERE b.code = u.code",
        "WITH u AS (UPDATE gis.b SET name = 'outer' RETURNING code) UPDATE gis.a SET name = 'yy' FROM u WHERE a.code = u.code",
    ] {
        database.run(statement);
        assert_eq!(database.value("SELECT name FROM gis.b"), "final");
        assert_eq!(
            database.rows(played),
            ["a|final", "a|final", "b|final"],
            "{statement}"
        );
    }
}

#[test]
fn truncating_a_partitioned_table_reaches_later_partitions() {
    let database = prepared("truncated", "CREATE SCHEMA gis;
        CREATE TABLE gis.obs (day date, what text) PARTITION BY RANGE (day);
        CREATE TABLE gis.obs_25 PARTITION OF gis.obs FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')");
    database.run("CREATE TABLE gis.obs_26 PARTITION OF gis.obs FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
        INSERT INTO gis.obs VALUES ('2025-05-05', 'a'), ('2026-05-05', 'b'); TRUNCATE gis.obs");
    let uids = database.rows("SELECT table_name, string_agg(action, '' ORDER BY event_id) FROM audit.logged_actions GROUP BY table_name, uid");
    assert_eq!(uids, ["obs|ID", "obs|ID"]);
}
