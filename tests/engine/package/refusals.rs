//! What a deployment refuses.

use lizsync::error::Kind;

use super::fixture::*;
use crate::support::{Database, prepared, wait_for_lock};

#[test]
fn the_wrong_databases() {
    let (central, clone, folder, zip) = deployed("wrong");
    let other = prepared("wrong_other", PLAIN);
    let empty = Database::new("wrong_empty");
    let state = |a, b, zip| refused(a, b, zip, Kind::State);

    let said = refused(&central, &central, &zip, Kind::Parameter);
    assert!(said.contains("one database"), "{said}");
    let said = state(&clone, &central, &zip);
    assert!(
        said.contains("clone, not a central") && said.contains("swapped"),
        "{said}"
    );
    let said = state(&empty, &clone, &zip);
    assert!(said.contains("not installed"), "{said}");
    let said = state(&central, &other, &zip);
    assert!(said.contains("is a central database"), "{said}");
    let said = state(&other, &clone, &zip);
    assert!(
        said.contains("made of another central") && said.contains(&central.name),
        "{said}"
    );

    // A clone that was filled from a copy of the central.
    clone.run(&format!(
        "UPDATE lizsync.server_metadata SET server_id = '{}'",
        central.value("SELECT server_id FROM lizsync.server_metadata")
    ));
    let said = refused(&central, &clone, &zip, Kind::Parameter);
    assert!(said.contains("server id of the central"), "{said}");

    // A central that was restored from a backup before the package.
    let second = folder.path("second.zip");
    package(&central, "gis", &second);
    central.run("DELETE FROM lizsync.history");
    let said = state(&central, &empty, &second);
    assert!(
        said.contains("no longer the one") && said.contains("new package"),
        "{said}"
    );
}

#[test]
fn a_database_that_is_no_clone_but_has_the_schemas() {
    let (central, _clone, _folder, zip) = plain("occupied");
    for (sql, name) in [
        ("CREATE SCHEMA gis; CREATE TABLE gis.mine (x int)", "gis"),
        (
            "CREATE SCHEMA gis; CREATE FUNCTION gis.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "gis",
        ),
        ("CREATE SCHEMA audit", "audit"),
        ("CREATE SCHEMA lizsync", "lizsync"),
    ] {
        let database = Database::new("occupied_by");
        database.run(sql);
        let said = refused(&central, &database, &zip, Kind::State);
        assert!(
            said.contains("no LizSync clone") && said.contains(&format!("overwrite: {name}.")),
            "{said}"
        );
    }
    let database = Database::new("occupied_not");
    database.run("CREATE SCHEMA gis; CREATE TABLE public.mine (x int)");
    deploy(&central, &database, &zip).unwrap();
    assert_eq!(database.value("SELECT count(*) FROM public.mine"), "0");
}

#[test]
fn edits_that_the_central_has_not_received() {
    let (central, clone, _folder, zip) = deployed("pending");
    clone.run("UPDATE gis.tree SET name = name || '!'; INSERT INTO gis.spot VALUES ('b')");
    let said = refused(&central, &clone, &zip, Kind::State);
    assert!(
        said.contains("4 edits")
            && said.contains("gis.tree (3), gis.spot (1)")
            && said.contains("synchronization” first"),
        "{said}"
    );

    // The central's ledger and the memory of the clone, as a synchronisation leaves them.
    let ledger = |deployment: &str, system: &str| {
        clone.run("INSERT INTO lizsync.runs (number, sync_id, central_snapshot, clone_snapshot, standbys) SELECT max(number) + 1, md5(random()::text)::uuid, '1:1:', txid_current_snapshot(), false FROM lizsync.runs");
        let values = clone.rows(&format!("SELECT server_id, clone_snapshot, ({deployment}), system_identifier + {system}, sync_id FROM lizsync.server_metadata, lizsync.deployment, pg_control_system(), lizsync.runs ORDER BY number DESC LIMIT 1"));
        let values = values[0].replace('|', "', '");
        central.run(&format!("DELETE FROM lizsync.received; INSERT INTO lizsync.received (sender, snapshot, deployment, system_identifier, sync_id) SELECT v.a::uuid, v.b::txid_snapshot, v.c::uuid, v.d::bigint, v.e::uuid FROM (VALUES ('{values}')) AS v (a, b, c, d, e)"));
    };
    for (deployment, system) in [("md5(random()::text)::uuid", "0"), ("deployment", "1")] {
        ledger(deployment, system);
        let said = refused(&central, &clone, &zip, Kind::State);
        assert!(
            said.contains("4 edits"),
            "a ledger of another deployment or server counts for nothing: {said}"
        );
    }
    // An edit that is in progress when the snapshot is taken, and one after it.
    let mut open = clone.connect();
    open.batch_execute("BEGIN; DELETE FROM gis.spot WHERE code = 'b'")
        .unwrap();
    ledger("deployment", "0");
    clone.run("INSERT INTO gis.tree (name) VALUES ('new')");
    open.batch_execute("COMMIT").unwrap();
    let said = refused(&central, &clone, &zip, Kind::State);
    assert!(
        said.contains("2 edits") && said.contains("gis.spot (1), gis.tree (1)"),
        "{said}"
    );

    ledger("deployment", "0");
    clone.run("INSERT INTO lizsync.conflicts (field) VALUES ('name')");
    let said = refused(&central, &clone, &zip, Kind::State);
    assert!(
        said.contains("1 conflict ") && said.contains("synchronization” first"),
        "{said}"
    );
    clone.run("DELETE FROM lizsync.conflicts; UPDATE audit.logged_actions SET origin = md5(random()::text)::uuid, transaction_id = txid_current() + 1000 WHERE event_id = 1");
    deploy(&central, &clone, &zip).unwrap();
    assert_eq!(
        clone.rows("SELECT name FROM gis.tree ORDER BY id"),
        ["oak", "ash", "elm"]
    );
}

#[test]
fn an_edit_that_commits_while_the_deployment_waits_for_it() {
    let (central, clone, _folder, zip) = deployed("late");
    let mut editor = clone.connect();
    editor
        .batch_execute("BEGIN; UPDATE gis.tree SET name = 'late'")
        .unwrap();
    let name = clone.name.clone();
    let thread = std::thread::spawn(move || {
        wait_for_lock(&name);
        editor.batch_execute("COMMIT").unwrap();
    });
    let error = deploy(&central, &clone, &zip).unwrap_err();
    thread.join().unwrap();
    assert!(error.to_string().contains("3 edits"), "{error}");
    assert_eq!(clone.rows("SELECT DISTINCT name FROM gis.tree"), ["late"]);
}

#[test]
fn what_only_the_clone_has() {
    let (central, clone, folder, zip) = deployed("local");
    clone.run(
        "CREATE TABLE gis.notes (x text); CREATE VIEW public.v AS SELECT * FROM gis.tree;
        CREATE TABLE public.r (tree uuid REFERENCES gis.tree (uid))",
    );
    let said = refused(&central, &clone, &zip, Kind::State);
    assert!(
        said.contains("gis.notes") && said.contains("Move them"),
        "{said}"
    );
    clone.run("DROP TABLE gis.notes");
    let said = refused(&central, &clone, &zip, Kind::State);
    assert!(
        said.contains("view public.v") && said.contains("constraint r_tree_fkey on table public.r"),
        "{said}"
    );
    clone.run("DROP VIEW public.v; DROP TABLE public.r");
    deploy(&central, &clone, &zip).unwrap();

    // A schema that is packaged no longer stays, without its triggers.
    central.run("CREATE SCHEMA more; CREATE TABLE more.t (uid uuid NOT NULL UNIQUE DEFAULT md5(random()::text)::uuid); SELECT audit.audit_table('more.t')");
    let both = folder.path("both.zip");
    package(&central, "gis,more", &both);
    deploy(&central, &clone, &both).unwrap();
    clone.run("DELETE FROM more.t");
    package(&central, "gis", &zip);
    let said = crate::support::messages(DEPLOY, deploy_parameters(&central, &clone, &zip));
    assert!(
        said.iter()
            .any(|m| m.contains("no longer synchronised: more.t")),
        "{said:?}"
    );
    clone.run("INSERT INTO more.t DEFAULT VALUES");
}

/// The database of a clone of the former plugin.
const FORMER: &str = "
    CREATE EXTENSION hstore; CREATE EXTENSION postgres_fdw;
    CREATE SCHEMA lizsync; CREATE SCHEMA audit; CREATE SCHEMA gis; CREATE SCHEMA central_audit; CREATE SCHEMA central_gis; CREATE SCHEMA central_park;
    CREATE TABLE lizsync.server_metadata (server_id uuid PRIMARY KEY DEFAULT md5(random()::text)::uuid, server_name text UNIQUE DEFAULT md5(random()::text));
    INSERT INTO lizsync.server_metadata DEFAULT VALUES;
    CREATE TABLE lizsync.sys_structure_metadonnee (id serial PRIMARY KEY, date_ajout date, version text, description text);
    INSERT INTO lizsync.sys_structure_metadonnee (version) VALUES ('0.4.5');
    CREATE TABLE audit.logged_actions (event_id bigserial PRIMARY KEY, schema_name text, table_name text, sync_data jsonb);
    CREATE FUNCTION audit.if_modified_func() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO audit.logged_actions (schema_name, table_name) VALUES (TG_TABLE_SCHEMA, TG_TABLE_NAME); RETURN NULL; END $$;
    CREATE TABLE gis.tree (id int); CREATE TABLE gis.gone (id int); CREATE TABLE central_park.bench (id int);
    CREATE TRIGGER audit_trigger_row AFTER INSERT ON gis.tree FOR EACH ROW EXECUTE FUNCTION audit.if_modified_func();
    CREATE TRIGGER audit_trigger_row AFTER INSERT ON gis.gone FOR EACH ROW EXECUTE FUNCTION audit.if_modified_func();
    CREATE SERVER central_server FOREIGN DATA WRAPPER postgres_fdw;
    CREATE USER MAPPING FOR CURRENT_USER SERVER central_server OPTIONS (password 'x');
    CREATE FOREIGN TABLE central_gis.tree (id int) SERVER central_server;
    CREATE FOREIGN TABLE central_audit.logged_actions (id int) SERVER central_server;";

#[test]
fn a_clone_of_the_former_plugin() {
    let (central, _clone, _folder, zip) = plain("former");
    let clone = Database::new("former_clone");
    clone.run(FORMER);
    clone.run("INSERT INTO gis.tree VALUES (1), (2)");
    let said = refused(&central, &clone, &zip, Kind::State);
    assert!(
        said.contains("2 edits") && said.contains("gis.tree (2)"),
        "{said}"
    );
    clone.run("DELETE FROM audit.logged_actions");
    clone.run("CREATE VIEW public.far AS SELECT * FROM central_gis.tree");
    let said = refused(&central, &clone, &zip, Kind::State);
    assert!(said.contains("view public.far"), "{said}");
    clone.run("DROP VIEW public.far");

    let identity = clone.rows("SELECT server_id, server_name FROM lizsync.server_metadata");
    deploy(&central, &clone, &zip).unwrap();
    assert_eq!(
        clone.rows("SELECT server_id, server_name FROM lizsync.server_metadata"),
        identity
    );
    assert_eq!(
        clone.rows(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information' ORDER BY 1"
        ),
        ["audit", "central_park", "gis", "lizsync", "public"]
    );
    assert_eq!(clone.value("SELECT count(*) FROM pg_foreign_server"), "0");
    assert_eq!(clone.value("SELECT count(*) FROM gis.tree"), "3");
    assert_eq!(
        clone.value("SELECT to_regclass('central_park.bench')"),
        "central_park.bench"
    );
}
