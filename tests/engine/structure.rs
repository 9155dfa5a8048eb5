//! Installing, preparing and upgrading a central database.
#![allow(missing_docs)]

use crate::support::{Database, central, messages, prepared, refused, run};
use lizsync::error::Kind;
use serde_json::json;

const INIT: &str = "initialize_central_database";

fn only(database: &Database, flag: &str) -> serde_json::Value {
    let mut parameters = json!({"CONNECTION_NAME_CENTRAL": database.conninfo(),
        "ADD_SERVER_ID": false, "ADD_UID_COLUMNS": false, "ADD_AUDIT_TRIGGERS": false});
    parameters[flag] = json!(true);
    parameters
}

/// Schema, data and identity of a database, to see that nothing changed.
fn picture(database: &Database) -> Vec<String> {
    let mut all = database.rows(
        "SELECT attrelid::regclass, attname, atttypid::regtype, attnotnull FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
         WHERE relnamespace::regnamespace::text !~ '^pg_|information' AND attnum > 0 ORDER BY 1, 2",
    );
    all.extend(
        database
            .rows("SELECT oid, tgrelid::regclass, tgname, tgenabled FROM pg_trigger ORDER BY 1"),
    );
    all.extend(database.rows("SELECT * FROM lizsync.server_metadata"));
    all.extend(database.rows("SELECT * FROM lizsync.sys_structure_metadonnee"));
    all
}

#[test]
fn an_existing_schema_is_kept_and_what_it_holds_is_named() {
    let database = central("exists", "");
    database.run("INSERT INTO lizsync.history DEFAULT VALUES");
    let before = picture(&database);
    let create = |audit, lizsync| json!({"CONNECTION_NAME": database.conninfo(), "OVERRIDE_AUDIT": audit, "OVERRIDE_LIZSYNC": lizsync});
    for (audit, lizsync) in [(false, false), (true, false), (false, true)] {
        let said = refused(
            "create_database_structure",
            create(audit, lizsync),
            Kind::State,
        );
        assert!(
            said.contains(if audit {
                "schema lizsync exists"
            } else {
                "schema audit exists"
            }),
            "{said}"
        );
        assert_eq!(lizsync, !said.contains("1 row of history"), "{said}");
    }
    assert_eq!(picture(&database), before);

    database.run(
        "CREATE TABLE public.t (uid uuid NOT NULL, x int); SELECT audit.audit_table('public.t');
        INSERT INTO public.t VALUES (md5(random()::text)::uuid, 1), (md5(random()::text)::uuid, 2);
        INSERT INTO lizsync.conflicts (field) VALUES ('x')",
    );
    let outputs = run("create_database_structure", create(true, true)).unwrap();
    let said = outputs["OUTPUT_STRING"].as_str().unwrap();
    assert!(
        said.contains("2 log entries") && said.contains("1 conflict,"),
        "{said}"
    );
    assert_eq!(
        database.value("SELECT count(*) FROM audit.logged_actions"),
        "0"
    );
}

#[test]
fn each_flag_works_alone_and_a_second_run_changes_nothing() {
    let database = central(
        "flags",
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (id serial PRIMARY KEY, name text);
        INSERT INTO gis.tree (name) VALUES ('oak'), ('ash')",
    );
    run(INIT, only(&database, "ADD_SERVER_ID")).unwrap();
    assert_eq!(
        database.value("SELECT server_name FROM lizsync.server_metadata"),
        "central"
    );
    assert_eq!(database.value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'gis.tree'::regclass AND attname = 'uid'"), "0");

    run(INIT, only(&database, "ADD_AUDIT_TRIGGERS")).unwrap();
    database.run("UPDATE gis.tree SET name = 'elm' WHERE id = 1");
    let logged = "SELECT action, changed_fields, uid FROM audit.logged_actions ORDER BY event_id DESC LIMIT 1";
    assert_eq!(database.value(logged), "U|\"name\"=>\"elm\"|∅");

    run(INIT, only(&database, "ADD_UID_COLUMNS")).unwrap();
    assert_eq!(
        database.value("SELECT count(DISTINCT uid) FROM gis.tree"),
        "2"
    );
    run(
        INIT,
        json!({"CONNECTION_NAME_CENTRAL": database.conninfo()}),
    )
    .unwrap();
    database.run("UPDATE gis.tree SET name = 'fir' WHERE id = 2");
    assert_eq!(
        database.value("SELECT l.uid = t.uid FROM audit.logged_actions l, gis.tree t WHERE t.id = 2 AND l.changed_fields->'name' = 'fir'"),
        "t"
    );
    let before = picture(&database);
    let said = messages(
        INIT,
        json!({"CONNECTION_NAME_CENTRAL": database.conninfo()}),
    )
    .pop()
    .unwrap();
    assert_eq!(picture(&database), before);
    assert!(
        said.contains("no table received a uid, no table received audit triggers, 1 table in all"),
        "{said}"
    );
}

#[test]
fn only_the_wanted_schemas_are_prepared() {
    let database = central(
        "schemas",
        "CREATE SCHEMA a; CREATE SCHEMA \"My, Schema\"; CREATE TABLE a.t (x int);
        CREATE TABLE \"My, Schema\".\"T\" (x int); CREATE TABLE public.p (x int)",
    );
    let with =
        |schemas: &str| json!({"CONNECTION_NAME_CENTRAL": database.conninfo(), "SCHEMAS": schemas});
    let said = refused(INIT, with("a, nowhere"), Kind::Parameter);
    assert!(
        said.contains("SCHEMAS") && said.contains("nowhere"),
        "{said}"
    );
    assert_eq!(
        database.value("SELECT count(*) FROM lizsync.server_metadata"),
        "0"
    );

    let uids = || {
        database.rows("SELECT attrelid::regclass FROM pg_attribute WHERE attname = 'uid' AND attrelid IN ('a.t'::regclass, 'public.p'::regclass, '\"My, Schema\".\"T\"'::regclass)")
    };
    assert!(
        messages(INIT, with("public"))
            .iter()
            .any(|m| m.contains("never prepared: public"))
    );
    assert!(uids().is_empty());
    run(INIT, with("\"My, Schema\"")).unwrap();
    assert_eq!(uids(), ["\"My, Schema\".\"T\""]);
    run(INIT, with("")).unwrap();
    assert_eq!(uids().len(), 2);
}

#[test]
fn a_uid_that_cannot_be_used_is_an_error_that_names_the_table() {
    let database = central(
        "uids",
        "CREATE SCHEMA gis; CREATE TABLE gis.text (uid text); CREATE TABLE gis.early (x int)",
    );
    let all = json!({"CONNECTION_NAME_CENTRAL": database.conninfo()});
    let before = picture(&database);
    let said = refused(INIT, all.clone(), Kind::State);
    assert!(
        said.contains("gis.text") && said.contains("type text"),
        "{said}"
    );
    assert_eq!(
        picture(&database),
        before,
        "gis.early must not be touched either"
    );

    database.run("DROP TABLE gis.text; CREATE TABLE gis.twice (uid uuid);
        INSERT INTO gis.twice SELECT '00000000-0000-0000-0000-000000000001' FROM generate_series(1, 2)");
    let said = refused(INIT, all.clone(), Kind::State);
    assert!(said.contains("gis.twice has 1 values"), "{said}");

    database.run("UPDATE gis.twice SET uid = NULL");
    run(INIT, all).unwrap();
    assert_eq!(
        database.value("SELECT count(DISTINCT uid) FROM gis.twice"),
        "2"
    );
    assert_eq!(
        database.value("SELECT attnotnull, atthasdef FROM pg_attribute WHERE attrelid = 'gis.twice'::regclass AND attname = 'uid'"),
        "t|t"
    );
}

#[test]
fn what_will_not_synchronise_well_is_said() {
    let database = central("warnings", "CREATE SCHEMA gis;
        CREATE TABLE gis.parent (id serial PRIMARY KEY);
        CREATE TABLE gis.child (code text PRIMARY KEY, parent int CONSTRAINT to_parent REFERENCES gis.parent);
        CREATE TABLE gis.nokey (x int); CREATE VIEW gis.seen AS SELECT 1 AS x;
        CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw;
        CREATE FOREIGN TABLE gis.remote (x int) SERVER far");
    let said = messages(
        INIT,
        json!({"CONNECTION_NAME_CENTRAL": database.conninfo()}),
    )
    .join("\n");
    for part in [
        "to_parent of gis.child",
        "gis.nokey has no primary key",
        "gis.seen is a view",
        "gis.remote is a foreign table",
        "3 tables in all",
    ] {
        assert!(said.contains(part), "“{part}” is not in:\n{said}");
    }
}

#[test]
fn a_role_without_rights_is_refused_and_changes_nothing() {
    let database = prepared("rights", "CREATE SCHEMA gis; CREATE TABLE gis.t (x int)");
    let role = format!("guest_{}", std::process::id());
    database.run(&format!("CREATE ROLE {role} LOGIN"));
    let conninfo = database
        .conninfo()
        .replace("user=postgres", &format!("user={role}"));
    let before = picture(&database);
    let said = refused(
        INIT,
        json!({"CONNECTION_NAME_CENTRAL": conninfo}),
        Kind::Permission,
    );
    assert!(said.contains("permission denied"), "{said}");
    refused(
        "create_database_structure",
        json!({"CONNECTION_NAME": conninfo, "OVERRIDE_AUDIT": true, "OVERRIDE_LIZSYNC": true}),
        Kind::Permission,
    );
    assert_eq!(picture(&database), before);
    database.run(&format!("DROP ROLE {role}"));
}

#[test]
fn an_owner_who_is_no_superuser_can_install_and_prepare() {
    let database = Database::new("owner");
    if database.version() < 13 {
        database.run("CREATE EXTENSION hstore SCHEMA public");
    }
    let role = format!("owner_{}", std::process::id());
    database.run(&format!("CREATE ROLE {role} LOGIN; GRANT CREATE ON DATABASE \"{}\" TO {role}; GRANT CREATE ON SCHEMA public TO {role};
        CREATE SCHEMA gis AUTHORIZATION {role}; CREATE TABLE gis.t (x int); ALTER TABLE gis.t OWNER TO {role}", database.name));
    let conninfo = database
        .conninfo()
        .replace("user=postgres", &format!("user={role}"));
    run(
        "create_database_structure",
        json!({"CONNECTION_NAME": conninfo}),
    )
    .unwrap();
    run(INIT, json!({"CONNECTION_NAME_CENTRAL": conninfo})).unwrap();
    database.run(&format!("SET ROLE {role}; INSERT INTO gis.t VALUES (1)"));
    assert_eq!(
        database.value("SELECT count(*) FROM audit.logged_actions"),
        "1"
    );
    database.run(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"));
}

#[test]
fn an_upgrade_brings_the_functions_of_this_version() {
    let database = prepared("upgrade", "CREATE SCHEMA gis; CREATE TABLE gis.t (x int)");
    let with = |run_it| json!({"CONNECTION_NAME": database.conninfo(), "RUNIT": run_it});
    let said = messages("upgrade_database_structure", with(true))
        .pop()
        .unwrap();
    assert!(said.contains("already"), "{said}");

    database.run("UPDATE lizsync.sys_structure_metadonnee SET version = '1.0.0-beta.1';
        CREATE OR REPLACE FUNCTION audit.capture_statement() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        DROP FUNCTION lizsync.identity; DROP FUNCTION lizsync.changes; DROP TYPE lizsync.entry CASCADE;
        GRANT EXECUTE ON FUNCTION lizsync.moment TO pg_monitor");
    let said = refused(
        "initialize_central_database",
        json!({"CONNECTION_NAME_CENTRAL": database.conninfo()}),
        Kind::State,
    );
    assert!(
        said.contains("1.0.0-beta.1") && said.contains("Upgrade"),
        "{said}"
    );
    let before = picture(&database);
    let said = messages("upgrade_database_structure", with(false))
        .pop()
        .unwrap();
    assert!(
        said.contains("Nothing was done") && said.contains("1.0.0-beta.1"),
        "{said}"
    );
    assert_eq!(picture(&database), before);

    run("upgrade_database_structure", with(true)).unwrap();
    let functions = |database: &Database| {
        database.rows("SELECT oid::regprocedure FROM pg_proc WHERE pronamespace IN ('audit'::regnamespace, 'lizsync'::regnamespace) ORDER BY oid::regprocedure::text")
    };
    let fresh = central("fresh", "");
    assert_eq!(functions(&database), functions(&fresh));
    assert_eq!(
        database
            .value("SELECT has_function_privilege('pg_monitor', 'lizsync.moment()', 'EXECUTE')"),
        "t"
    );
    database.run("INSERT INTO gis.t VALUES (1)");
    assert_eq!(
        database.value("SELECT count(*) FROM audit.logged_actions"),
        "1"
    );
    let versions = "SELECT version, description FROM lizsync.sys_structure_metadonnee ORDER BY id";
    assert_eq!(
        database.rows(versions)[1],
        format!("{}|Upgrade from 1.0.0-beta.1", lizsync::VERSION)
    );

    database.run("UPDATE lizsync.sys_structure_metadonnee SET version = '99.0.0'");
    assert!(refused("upgrade_database_structure", with(true), Kind::State).contains("99.0.0"));
    let empty = Database::new("nothing");
    let said = refused(
        "upgrade_database_structure",
        json!({"CONNECTION_NAME": empty.conninfo(), "RUNIT": true}),
        Kind::State,
    );
    assert!(said.contains("not installed"), "{said}");
}

#[test]
fn rows_are_compressed_fast_where_the_server_can() {
    let database = central("compressed", "");
    let able: Vec<String> = database.rows(
        "SELECT DISTINCT 'l' FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)",
    );
    let used = database.rows(
        "SELECT DISTINCT nullif(to_jsonb(a) ->> 'attcompression', '') FROM pg_attribute AS a
         WHERE a.attname IN ('row_data', 'changed_fields') AND a.attrelid = 'audit.logged_actions'::regclass
            OR a.attname = 'fields' AND a.attrelid IN ('lizsync.pulled'::regclass, 'lizsync.sent'::regclass, 'lizsync.set_aside'::regclass)",
    );
    assert_eq!(
        used,
        if able.is_empty() {
            vec!["∅".to_owned()]
        } else {
            able
        }
    );
}
