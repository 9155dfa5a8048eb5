//! Settings of databases and roles that would change what a run does, and encodings that cannot be used.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::{Database, Server, clone_of, prepared, refused, run, synchronize};
use lizsync::error::Kind;
use lizsync::feedback::Feedback;
use lizsync::postgres::{Connection, open};
use serde_json::json;

const TREES: &str = "CREATE SCHEMA gis; CREATE TABLE gis.tree (id integer PRIMARY KEY, name text);
    INSERT INTO gis.tree VALUES (1, 'oak'), (2, 'ash');";

fn session(database: &Database) -> Connection {
    open(
        &database.conninfo(),
        &std::collections::BTreeMap::new(),
        &Feedback::silent(),
    )
    .unwrap_or_else(|error| panic!("{}", error.sentence()))
}

fn setting(connection: &mut Connection, name: &str) -> String {
    connection
        .query_one("SELECT current_setting($1)", &[&name])
        .unwrap()
        .get(0)
}

fn default(database: &Database, setting: &str) {
    database.run(&format!(
        "ALTER DATABASE \"{}\" SET {setting}",
        database.name
    ));
}

#[test]
fn what_would_make_a_run_unsafe_is_switched_off_and_what_is_stricter_stays() {
    let database = Database::new("settings");
    for (given, name, expected) in [
        ("off", "synchronous_commit", "on"),
        ("local", "synchronous_commit", "local"),
        ("remote_write", "synchronous_commit", "remote_write"),
        ("remote_apply", "synchronous_commit", "remote_apply"),
        ("replica", "session_replication_role", "origin"),
        ("local", "session_replication_role", "local"),
        ("on", "quote_all_identifiers", "off"),
    ] {
        default(&database, &format!("{name} = {given}"));
        let mut connection = session(&database);
        assert_eq!(setting(&mut connection, name), expected, "{name} = {given}");
    }
}

/// The forms of values, what a session sees, and the time that it has.
#[test]
fn settings_of_a_database_change_no_session() {
    let database = Database::new("forms");
    for (given, name, expected) in [
        ("'German, DMY'", "datestyle", "ISO, MDY"),
        ("sql_standard", "intervalstyle", "postgres"),
        ("'Asia/Tokyo'", "timezone", "UTC"),
        ("escape", "bytea_output", "hex"),
        ("-10", "extra_float_digits", "3"),
        ("off", "array_nulls", "on"),
        ("'POSIX'", "lc_monetary", "C"),
        ("document", "xmloption", "content"),
        ("off", "standard_conforming_strings", "on"),
        ("'50ms'", "statement_timeout", "0"),
        ("'50ms'", "lock_timeout", "0"),
        ("'50ms'", "idle_in_transaction_session_timeout", "0"),
        ("'50ms'", "idle_session_timeout", "0"),
        ("'50ms'", "transaction_timeout", "0"),
        ("debug1", "client_min_messages", "warning"),
        ("on", "row_security", "off"),
        ("public", "search_path", "pg_catalog"),
        ("on", "jit", "off"),
    ] {
        let known = format!("SELECT FROM pg_settings WHERE lower(name) = '{name}'");
        if database.rows(&known).is_empty() {
            continue;
        }
        default(&database, &format!("{name} = {given}"));
        let mut connection = session(&database);
        assert_eq!(setting(&mut connection, name), expected, "{name} = {given}");
        default(&database, &format!("{name} TO DEFAULT"));
    }
}

#[test]
fn names_are_compared_whatever_the_database_quotes() {
    let central = prepared("quoted", TREES);
    let clone = clone_of(&central, "quoted_clone");
    for database in [&central, &clone] {
        default(database, "quote_all_identifiers = on");
    }
    central.run("UPDATE gis.tree SET name = 'central' WHERE id = 1");
    clone.run("INSERT INTO gis.tree VALUES (3, 'clone'); DELETE FROM gis.tree WHERE id = 2");
    synchronize(&central, &clone);
    let all = "SELECT string_agg(name, ',' ORDER BY id) FROM gis.tree";
    assert_eq!(central.value(all), "central,clone");
    assert_eq!(clone.value(all), "central,clone");
}

#[test]
fn a_role_that_may_not_end_a_replica_is_told_why() {
    let database = Database::new("replica");
    let role = format!("replica_{}", std::process::id());
    database.run(&format!(
        "CREATE ROLE {role} LOGIN; ALTER DATABASE \"{}\" SET session_replication_role = replica",
        database.name
    ));
    let conninfo = database
        .conninfo()
        .replace("user=postgres", &format!("user={role}"));
    let sentence = refused(
        "create_database_structure",
        json!({"CONNECTION_NAME": conninfo}),
        Kind::Connection,
    );
    database.run(&format!("DROP ROLE {role}"));
    assert!(
        sentence.contains("RESET session_replication_role"),
        "{sentence}"
    );
}

/// A database of that encoding.
fn encoded(label: &str, encoding: &str) -> Database {
    let database = Database::new(label);
    let mut admin = Server::First.admin();
    for sql in [
        format!("DROP DATABASE \"{}\"", database.name),
        format!(
            "CREATE DATABASE \"{}\" ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
            database.name
        ),
    ] {
        admin.batch_execute(&sql).unwrap();
    }
    database
}

#[test]
fn a_database_of_another_encoding_is_refused_everywhere() {
    let central = prepared("encoding", TREES);
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("package.zip");
    let bin = std::env::var("LIZSYNC_TEST_BIN").unwrap();
    let package = |central: &Database| {
        json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "SCHEMAS": "gis",
            "POSTGRESQL_BINARY_PATH": bin, "ZIP_FILE": zip})
    };
    run("package_master_database", package(&central)).unwrap();
    for encoding in ["WIN1252", "LATIN1", "SQL_ASCII"] {
        let odd = encoded("odd", encoding);
        odd.run("CREATE SCHEMA audit; CREATE TABLE audit.kept ()");
        let one = json!({"CONNECTION_NAME": odd.conninfo(), "RUNIT": true});
        let install = json!({"CONNECTION_NAME": odd.conninfo(), "OVERRIDE_AUDIT": true});
        let pair = |central: &Database, clone: &Database| json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()});
        let deployment = |central: &Database, clone: &Database| {
            let mut parameters = pair(central, clone);
            parameters["ZIP_FILE"] = json!(zip);
            parameters
        };
        for (id, parameters) in [
            ("create_database_structure", install),
            ("upgrade_database_structure", one),
            (
                "initialize_central_database",
                json!({"CONNECTION_NAME_CENTRAL": odd.conninfo()}),
            ),
            ("package_master_database", package(&odd)),
            ("deploy_database_server_package", deployment(&central, &odd)),
            ("deploy_database_server_package", deployment(&odd, &central)),
            ("synchronize_database", pair(&central, &odd)),
            ("synchronize_database", pair(&odd, &central)),
        ] {
            let sentence = refused(id, parameters, Kind::State);
            for part in [
                &odd.name,
                &encoding.to_owned(),
                &"ENCODING 'UTF8'".to_owned(),
            ] {
                assert!(sentence.contains(part), "{id}: {sentence}");
            }
        }
        assert_eq!(odd.value("SELECT to_regclass('audit.kept')"), "audit.kept");
    }
}

/// What is installed where it must not be (by an earlier version) is not used either.
#[test]
fn an_installation_in_another_encoding_is_not_used() {
    let odd = encoded("installed", "WIN1252");
    // Enough to be taken for an installation.
    odd.run(
        "CREATE EXTENSION hstore; CREATE SCHEMA audit; CREATE SCHEMA lizsync; CREATE TABLE audit.logged_actions ();
         CREATE TABLE lizsync.received (); CREATE TABLE lizsync.server_metadata (); CREATE TABLE lizsync.sys_structure_metadonnee ()",
    );
    let sentence = refused(
        "initialize_central_database",
        json!({"CONNECTION_NAME_CENTRAL": odd.conninfo()}),
        Kind::State,
    );
    assert!(sentence.contains("WIN1252"), "{sentence}");
}

/// The modes of the user's triggers: table, name, mode.
const MODES: &str = "SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger
    WHERE tgname LIKE 'user_%' ORDER BY tgrelid::regclass::text, tgname";

#[test]
fn each_partition_keeps_the_mode_of_its_trigger() {
    let central = prepared(
        "modes",
        "CREATE SCHEMA gis;
         CREATE TABLE gis.part (id integer, kind integer, name text) PARTITION BY LIST (kind);
         CREATE TABLE gis.one PARTITION OF gis.part FOR VALUES IN (1);
         CREATE TABLE gis.two PARTITION OF gis.part FOR VALUES IN (2);
         CREATE TABLE gis.more PARTITION OF gis.part FOR VALUES IN (3, 4) PARTITION BY LIST (kind);
         CREATE TABLE gis.three PARTITION OF gis.more FOR VALUES IN (3);
         CREATE TABLE gis.four PARTITION OF gis.more FOR VALUES IN (4);
         CREATE TABLE public.ran (name text);
         CREATE FUNCTION public.told() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.ran VALUES (NEW.name); RETURN NEW; END $$;
         CREATE TRIGGER user_row BEFORE INSERT OR UPDATE ON gis.part FOR EACH ROW EXECUTE FUNCTION public.told();
         CREATE TRIGGER user_always BEFORE UPDATE ON gis.part FOR EACH ROW EXECUTE FUNCTION public.told();
         CREATE TRIGGER user_own BEFORE INSERT ON gis.four FOR EACH ROW EXECUTE FUNCTION public.told();
         ALTER TABLE gis.part ENABLE ALWAYS TRIGGER user_always;
         ALTER TABLE gis.one DISABLE TRIGGER user_row;
         ALTER TABLE gis.two ENABLE REPLICA TRIGGER user_row;
         ALTER TABLE gis.three DISABLE TRIGGER user_row;
         ALTER TABLE gis.four ENABLE ALWAYS TRIGGER user_row;
         INSERT INTO gis.part VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c'), (4, 4, 'd')",
    );
    let clone = clone_of(&central, "modes_clone");
    let modes = central.rows(MODES);
    assert_eq!(clone.rows(MODES), modes);
    assert!(modes.len() >= 13, "{modes:?}");
    for database in [&central, &clone] {
        database.run("TRUNCATE public.ran");
    }
    central.run("UPDATE gis.part SET name = name || '1' WHERE id <= 2; INSERT INTO gis.part VALUES (5, 4, 'e')");
    clone.run("UPDATE gis.part SET name = name || '2' WHERE id > 2");
    for database in [&central, &clone] {
        database.run("TRUNCATE public.ran");
    }
    let outputs = synchronize(&central, &clone);
    assert_eq!(outputs["SET_ASIDE"], 0, "{outputs}");
    for database in [&central, &clone] {
        assert_eq!(database.rows(MODES), modes);
        assert_eq!(database.value("SELECT count(*) FROM public.ran"), "0");
        assert_eq!(
            database.value("SELECT string_agg(name, ',' ORDER BY id) FROM gis.part"),
            "a1,b1,c2,d2,e"
        );
    }
}

#[test]
fn sql_files_are_ascii() {
    let mut folders = vec![std::path::PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/sql"
    ))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read(&path).unwrap();
                assert!(text.is_ascii(), "{} is not ASCII", path.display());
            }
        }
    }
}
