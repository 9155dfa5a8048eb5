//! Roles without superuser rights: owners on both sides, and roles with the grants of docs/roles.md only.
#![allow(missing_docs)]

use lizsync::error::Kind;
use serde_json::json;

use crate::support::role::Role;
use crate::support::{
    Database, aside, balanced, clone_of, messages, prepared, refused, run, synchronize,
};

const TREES: &str = "CREATE SCHEMA gis;
    CREATE TABLE gis.species (code text PRIMARY KEY, name text);
    CREATE TABLE gis.tree (id serial PRIMARY KEY, code text UNIQUE, height int, crown numeric, label text,
        species text REFERENCES gis.species ON UPDATE CASCADE ON DELETE CASCADE);
    INSERT INTO gis.species VALUES ('oak', 'Oak'), ('ash', 'Ash'), ('elm', 'Elm');
    INSERT INTO gis.tree (code, height, species) SELECT 'T' || n, n, CASE WHEN n > 5 THEN 'oak' ELSE 'ash' END FROM generate_series(1, 20) AS n;
    CREATE SCHEMA secret; CREATE TABLE secret.salary (amount int); INSERT INTO secret.salary VALUES (1)";

fn trees(database: &Database) -> Vec<String> {
    let mut rows =
        database.rows("SELECT uid, code, height, crown, label, species FROM gis.tree ORDER BY uid");
    rows.extend(database.rows("SELECT uid, code, name FROM gis.species ORDER BY uid"));
    rows
}

/// Nothing is left to do.
fn idle(outputs: &serde_json::Value) {
    for id in ["CAPTURED_CENTRAL", "CAPTURED_CLONE", "SET_ASIDE"] {
        assert_eq!(outputs[id], 0, "{outputs}");
    }
}

#[test]
fn owners_on_both_sides_need_no_superuser() {
    let (owner, surveyor) = (Role::new("owner"), Role::new("clone_owner"));
    let central = owner.database("central");
    let clone = surveyor.database("clone");
    for database in [&central, &clone] {
        database.run("CREATE EXTENSION postgis SCHEMA public");
    }
    owner.run(&central, TREES);
    owner.run(
        &central,
        "ALTER TABLE gis.tree ADD geom public.geometry(Point, 4326);
         CREATE FUNCTION gis.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.label := clock_timestamp(); RETURN NEW; END';
         CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.touch()",
    );
    let (on_central, on_clone) = (owner.conninfo(&central), surveyor.conninfo(&clone));
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("p.zip");
    run(
        "create_database_structure",
        json!({"CONNECTION_NAME": on_central}),
    )
    .unwrap();
    run(
        "initialize_central_database",
        json!({"CONNECTION_NAME_CENTRAL": on_central}),
    )
    .unwrap();
    let binaries = std::env::var("LIZSYNC_TEST_BIN").unwrap();
    run(
        "package_master_database",
        json!({"CONNECTION_NAME_CENTRAL": on_central, "POSTGRESQL_BINARY_PATH": binaries, "SCHEMAS": "gis", "ZIP_FILE": zip}),
    )
    .unwrap();
    let both = json!({"CONNECTION_NAME_CENTRAL": on_central, "CONNECTION_NAME_CLONE": on_clone});
    let mut deployment = both.clone();
    deployment["ZIP_FILE"] = json!(zip);
    run("deploy_database_server_package", deployment).unwrap();
    owner.run(
        &central,
        "UPDATE gis.tree SET height = 100 WHERE id <= 3; DELETE FROM gis.tree WHERE id = 20; INSERT INTO gis.tree (code) VALUES ('X')",
    );
    surveyor.run(
        &clone,
        "UPDATE gis.tree SET height = 200, geom = 'SRID=4326;POINT(1 2)' WHERE id BETWEEN 3 AND 5; UPDATE gis.species SET code = 'quercus' WHERE code = 'oak';
         DELETE FROM gis.species WHERE code = 'elm'; INSERT INTO gis.tree (code) VALUES ('X'), ('Y')",
    );
    let outputs = run("synchronize_database", both.clone()).unwrap();
    balanced(&outputs);
    assert!(outputs["CONFLICTS"].as_u64() > Some(0), "{outputs}");
    assert_eq!(aside(&central), ["central|tree|I|23505|tree_code_key"]);
    surveyor.run(&clone, "UPDATE gis.tree SET code = 'Z' WHERE code = 'X'");
    run("synchronize_database", both.clone()).unwrap();
    run("synchronize_database", both.clone()).unwrap();
    idle(&run("synchronize_database", both).unwrap());
    let rows = "SELECT uid, code, height, crown, label, species, geom FROM gis.tree ORDER BY uid";
    assert_eq!(central.rows(rows), clone.rows(rows));
    assert_eq!(
        central.value("SELECT count(*) FROM gis.tree WHERE species = 'quercus'"),
        "14"
    );
    // Both hold what their owners may change, and PostgreSQL tells who that is.
    assert_eq!(
        clone.value("SELECT DISTINCT pg_get_userbyid(proowner) FROM pg_proc WHERE pronamespace IN ('audit'::regnamespace, 'lizsync'::regnamespace)"),
        surveyor.name
    );
}

#[test]
fn the_documented_grants_are_enough_and_open_nothing_else() {
    let role = Role::new("surveyor");
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    let other = clone_of(&central, "other");
    role.grant("Synchronising", &central);
    idle(&role.synchronize(&central, &clone));

    // Edits of both sides, a conflict, a refusal, a cascade, and deletions.
    central.run(
        "UPDATE gis.tree SET height = 100 WHERE id <= 3; INSERT INTO gis.tree (code) VALUES ('X'); DELETE FROM gis.tree WHERE id = 19",
    );
    clone.run(
        "UPDATE gis.tree SET height = 200 WHERE id BETWEEN 3 AND 5; INSERT INTO gis.tree (code) VALUES ('X'), ('Y'); DELETE FROM gis.tree WHERE id = 20;
         UPDATE gis.species SET code = 'quercus' WHERE code = 'oak'; DELETE FROM gis.species WHERE code = 'elm'; UPDATE gis.tree SET crown = 1 WHERE id = 19",
    );
    let outputs = role.synchronize(&central, &clone);
    assert_eq!(outputs["CONFLICTS"], 2, "{outputs}");
    assert_eq!(outputs["SET_ASIDE"], 2, "{outputs}");
    assert_eq!(central.value("SELECT count(*) FROM lizsync.conflicts WHERE conflict_uid IS NOT NULL AND clone_value IS NOT NULL"), "2");
    assert_eq!(aside(&central), ["central|tree|I|23505|tree_code_key"]);
    assert_eq!(
        central.value("SELECT count(*) FROM lizsync.history WHERE set_aside = 2 AND conflicts = 2 AND server_from IS NOT NULL AND max_event_id > 0"),
        "1"
    );
    // An edit of a row that the central lost sight of is kept as a conflict.
    clone.run("UPDATE gis.tree SET crown = 7 WHERE id = 7");
    central.run("SELECT set_config('lizsync.applying', 'gis.tree'::regclass::oid::text, false); DELETE FROM gis.tree WHERE id = 7");
    role.synchronize(&central, &clone);
    assert_eq!(
        central
            .value("SELECT clone_value FROM lizsync.conflicts WHERE rule_applied = 'row_missing'"),
        "{\"crown\": \"7\"}"
    );
    other.run("DELETE FROM gis.tree WHERE id = 7");
    clone.run("DELETE FROM gis.tree WHERE id = 7; UPDATE gis.tree SET code = 'Z' WHERE code = 'X'");
    for database in [&clone, &other, &clone, &other] {
        role.synchronize(&central, database);
    }
    for database in [&clone, &other] {
        idle(&role.synchronize(&central, database));
        assert_eq!(trees(&central), trees(database));
    }
    assert!(aside(&central).is_empty());
    assert_eq!(
        central.value("SELECT count(*) FROM gis.tree WHERE species = 'quercus'"),
        "12"
    );
    // What the clone sent is the work of the clone, and the cascade was logged once.
    assert_eq!(
        central.value(&format!(
            "SELECT count(*) FROM audit.logged_actions WHERE session_user_name = '{}'",
            role.name
        )),
        "0"
    );

    // The role sees nothing but through the functions.
    for table in central.rows("SELECT oid::regclass FROM pg_class WHERE relnamespace IN ('audit'::regnamespace, 'lizsync'::regnamespace, 'secret'::regnamespace) AND relkind IN ('r', 'S')") {
        for sql in [
            format!("SELECT * FROM {table}"),
            format!("DELETE FROM {table}"),
            format!("INSERT INTO {table} DEFAULT VALUES"),
            format!("TRUNCATE {table}"),
        ] {
            let error = role.connect(&central).batch_execute(&sql).expect_err(&sql);
            let code = error.code().unwrap().code();
            assert!(["42501", "42809"].contains(&code), "{sql}: {error:?}");
        }
    }
    for sql in [
        "SELECT audit.settle('gis.tree', 0)",
        "SELECT audit.audit_table('gis.tree')",
        "SELECT lizsync.record_package(md5('x')::uuid)",
        "ALTER TABLE gis.tree DISABLE TRIGGER ALL",
        "CREATE TABLE lizsync.mine (x int)",
        "CREATE OR REPLACE FUNCTION lizsync.identity() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ] {
        let error = role.connect(&central).batch_execute(sql).expect_err(sql);
        assert_eq!(error.code().unwrap().code(), "42501", "{sql}: {error:?}");
    }
}

/// A role may write the ledger, but a clone knows itself what its runs have read.
#[test]
fn nobody_hides_the_edits_of_another_clone() {
    let role = Role::new("forger");
    let central = prepared("central", TREES);
    let victim = clone_of(&central, "victim");
    role.grant("Synchronising", &central);
    for _ in 0..2 {
        synchronize(&central, &victim);
    }
    let id = victim.value("SELECT server_id FROM lizsync.server_metadata");
    role.run(&central, &format!(
        "SELECT lizsync.receive(l.sender, '1:999999999:'::txid_snapshot, l.sync_id, l.deployment, l.system_identifier, l.timeline,
            l.highest_event, l.acknowledged) FROM lizsync.ledger('{id}') AS l"
    ));
    victim.run("UPDATE gis.tree SET label = 'work' WHERE id = 3");
    let parameters = json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": victim.conninfo()});
    let heard = messages("synchronize_database", parameters);
    assert!(
        heard
            .iter()
            .any(|m| m.contains("lizsync.received") && m.contains("changed")),
        "{heard:?}"
    );
    assert_eq!(
        central.value("SELECT label FROM gis.tree WHERE id = 3"),
        "work"
    );
    idle(&synchronize(&central, &victim));
    assert_eq!(trees(&central), trees(&victim));
}

/// What takes the echoes of cascades out of the log takes nothing else.
#[test]
fn nobody_hides_an_edit_of_the_central() {
    let role = Role::new("hider");
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    role.grant("Synchronising", &central);
    role.run(
        &central,
        "BEGIN; UPDATE gis.tree SET height = 666 WHERE id = 3;
         SELECT lizsync.shorten_cascades(jsonb_build_array(jsonb_build_object('event', e.event_id, 'names', NULL))) FROM lizsync.cascaded() AS e; COMMIT",
    );
    synchronize(&central, &clone);
    assert_eq!(trees(&central), trees(&clone));
}

#[test]
fn a_role_without_the_grants_is_refused() {
    let role = Role::new("stranger");
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    let said = refused(
        "synchronize_database",
        role.parameters(&central, &clone),
        Kind::Permission,
    );
    assert!(said.contains(&central.name), "{said}");
    // The right to see the schema alone opens no function of LizSync.
    central.run(&format!(
        "GRANT USAGE ON SCHEMA lizsync, audit TO {}",
        role.name
    ));
    let functions = central.rows(
        "SELECT p.oid::regprocedure FROM pg_proc AS p WHERE p.pronamespace IN ('lizsync'::regnamespace, 'audit'::regnamespace) AND p.prosecdef",
    );
    assert!(functions.len() > 15, "{functions:?}");
    for function in functions {
        let may = format!(
            "SELECT has_function_privilege('{}', '{function}', 'EXECUTE')",
            role.name
        );
        assert_eq!(central.value(&may), "f", "{function}");
    }
    // All of them look at nothing that the caller made; some become part of those that call them, and who compares tables
    // does it with the own rights.
    assert_eq!(
        central.rows(
            "SELECT p.oid::regprocedure FROM pg_proc AS p WHERE p.pronamespace IN ('lizsync'::regnamespace, 'audit'::regnamespace)
             AND p.proname NOT IN ('deepest', 'former_uid', 'former_uids', 'former_lacks') AND NOT ('search_path=pg_catalog, pg_temp' = ANY (coalesce(p.proconfig, '{}')))
             OR p.pronamespace = 'lizsync'::regnamespace AND NOT p.prosecdef AND p.proname NOT IN ('former_uid', 'former_uids', 'former_lacks', 'compare_tables')"
        ),
        [""; 0]
    );
}

#[test]
fn functions_do_not_look_at_what_the_caller_made() {
    let role = Role::new("intruder");
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    role.grant("Synchronising", &central);
    central.run(&format!(
        "GRANT CREATE ON SCHEMA public TO {0}; CREATE TABLE public.proof (who text); GRANT ALL ON public.proof TO PUBLIC",
        role.name
    ));
    clone.run("UPDATE gis.tree SET height = 200 WHERE id = 3");
    role.synchronize(&central, &clone);
    let id = central.value("SELECT server_id FROM lizsync.server_metadata");
    let clone_id = clone.value("SELECT server_id FROM lizsync.server_metadata");
    let log = "SELECT count(*), sum(event_id), string_agg(origin::text, ',' ORDER BY event_id) FROM audit.logged_actions";
    let before = central.rows(log);

    let mut client = role.connect(&central);
    // Everything that the functions name or use, made by the caller where the caller may make it.
    let mut sql = String::from(
        "CREATE FUNCTION public.bait() RETURNS text LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.proof VALUES (current_user); RETURN NULL; END';
         CREATE FUNCTION public.txid_current() RETURNS bigint LANGUAGE sql AS 'SELECT public.bait(); SELECT 1::bigint';
         CREATE FUNCTION public.txid_current_snapshot() RETURNS txid_snapshot LANGUAGE sql AS 'SELECT public.bait(); SELECT ''1:1:''::txid_snapshot';
         CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT public.bait(); SELECT ''epoch''::timestamptz';
         CREATE FUNCTION public.gen_random_uuid() RETURNS uuid LANGUAGE sql AS 'SELECT public.bait(); SELECT NULL::uuid';
         CREATE FUNCTION public.same(a uuid, b uuid) RETURNS boolean LANGUAGE sql AS 'SELECT public.bait(); SELECT true';
         CREATE FUNCTION public.same(a text, b text) RETURNS boolean LANGUAGE sql AS 'SELECT public.bait(); SELECT true';
         CREATE FUNCTION public.same(a public.hstore, b text) RETURNS boolean LANGUAGE sql AS 'SELECT public.bait(); SELECT true';
         CREATE FUNCTION public.less(a public.hstore, b varchar[]) RETURNS public.hstore LANGUAGE sql AS 'SELECT public.bait(); SELECT a';
         CREATE OPERATOR public.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = public.same);
         CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.same);
         CREATE OPERATOR public.= (LEFTARG = public.hstore, RIGHTARG = text, FUNCTION = public.same);
         CREATE OPERATOR public.- (LEFTARG = public.hstore, RIGHTARG = varchar[], FUNCTION = public.less);
         SET search_path = pg_temp, public, pg_catalog;",
    );
    for (schema, table) in [
        ("lizsync", "server_metadata"),
        ("lizsync", "received"),
        ("lizsync", "history"),
        ("lizsync", "conflicts"),
        ("lizsync", "set_aside"),
        ("lizsync", "synchronized_schemas"),
        ("lizsync", "sys_structure_metadonnee"),
        ("audit", "logged_actions"),
    ] {
        let columns = central.value(&format!(
            "SELECT string_agg(quote_ident(attname) || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
             FROM pg_attribute WHERE attrelid = '{schema}.{table}'::regclass AND attnum > 0"
        ));
        sql.push_str(&format!(
            "CREATE TABLE pg_temp.{table} ({columns});
             CREATE FUNCTION pg_temp.of_{table}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM public.bait(); RETURN NEW; END';
             CREATE TRIGGER bait BEFORE INSERT OR UPDATE OR DELETE ON pg_temp.{table} FOR EACH ROW EXECUTE FUNCTION pg_temp.of_{table}();"
        ));
    }
    sql.push_str(
        "CREATE TYPE pg_temp.entry AS (x int); CREATE VIEW pg_temp.pg_class AS SELECT public.bait() AS oid;
         INSERT INTO pg_temp.server_metadata (server_id, server_name) VALUES ('00000000-0000-0000-0000-000000000001', 'central');
         DELETE FROM public.proof",
    );
    client.batch_execute(&sql).unwrap();

    let mut value = |sql: &str| -> String {
        let rows = client
            .simple_query(sql)
            .unwrap_or_else(|error| panic!("{error:?}: {sql}"));
        rows.iter()
            .find_map(|message| match message {
                postgres::SimpleQueryMessage::Row(row) => {
                    Some(row.get(0).unwrap_or("∅").to_owned())
                }
                _ => None,
            })
            .unwrap_or_default()
    };
    assert_eq!(value("SELECT server_id FROM lizsync.identity()"), id);
    assert_ne!(value("SELECT snapshot FROM lizsync.moment()"), "1:1:");
    assert_eq!(
        value(&format!("SELECT sender FROM lizsync.ledger('{clone_id}')")),
        clone_id
    );
    assert_eq!(
        value(&format!("SELECT schemas FROM lizsync.scope('{clone_id}')")),
        "{gis,secret}"
    );
    assert_eq!(
        value("SELECT count(*) FROM lizsync.new_tables(NULL, md5('x')::pg_catalog.uuid, '1:1:')"),
        "1"
    );
    assert_eq!(
        value(
            "SELECT max(fields::text) FROM lizsync.changes(NULL, md5('x')::pg_catalog.uuid, '1:1:', '{0}', '{gis}', '{tree}', '{f}')"
        ),
        "\"height\"=>\"200\""
    );
    assert_eq!(value("SELECT count(*) FROM lizsync.cascaded()"), "0");
    // What other transactions logged cannot be taken away, nor a local edit be forged.
    assert_eq!(
        value(
            "SELECT lizsync.shorten_cascades(jsonb_build_array(jsonb_build_object('event', e.event_id, 'names', NULL))) FROM lizsync.changes(NULL, md5('x')::pg_catalog.uuid, '1:1:', '{0}', '{gis}', '{tree}', '{f}') AS e"
        ),
        "0"
    );
    let stranger = "'00000000-0000-0000-0000-000000000002'";
    assert_eq!(
        value(&format!(
            "SELECT lizsync.record_conflicts('[{{\"object_table\": \"gis.tree\", \"conflict_uid\": {}}}]')",
            stranger.replace('\'', "\"")
        )),
        "1"
    );
    value(&format!(
        "SELECT lizsync.list_aside({stranger}, {stranger}, '[]')"
    ));
    value(&format!(
        "SELECT lizsync.receive({stranger}, '1:1:', {stranger}, {stranger}, 1, 1, 1, NULL)"
    ));
    value(&format!(
        "SELECT lizsync.register_clone({stranger}, '{{gis}}', {stranger}, {stranger})"
    ));
    value(&format!(
        "SELECT lizsync.record_run({stranger}, {stranger}, 1, 1, pg_catalog.now(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)"
    ));
    assert_eq!(central.rows(log), before, "the log is as it was");
    for origin in [
        "NULL, '00000000-0000-0000-0000-000000000001'",
        "'00000000-0000-0000-0000-000000000001', NULL",
    ] {
        let error = client
            .batch_execute(&format!(
                "SELECT lizsync.log('gis', 'tree', 1, {origin}, ARRAY[]::lizsync.entry[])"
            ))
            .unwrap_err();
        assert_eq!(error.code().unwrap().code(), "22004", "{error:?}");
    }
    client
        .batch_execute(
            "BEGIN; UPDATE gis.tree SET height = 7 WHERE id = 9;
             SELECT lizsync.log('gis', 'tree', 'gis.tree'::pg_catalog.regclass, '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000001',
                 ARRAY[ROW('U', '00000000-0000-0000-0000-000000000001', NULL, 'height=>1', NULL, NULL, NULL)::lizsync.entry]);
             SELECT lizsync.shorten_cascades(jsonb_build_array(jsonb_build_object('event', e.event_id, 'names', jsonb_build_array('height', 'nothing')))) FROM lizsync.cascaded() AS e; ROLLBACK",
        )
        .unwrap();
    // Nothing of the caller's ran, with anybody's rights, and nothing was written to its tables.
    assert_eq!(central.rows("SELECT who FROM public.proof"), [""; 0]);
    let left = client
        .query_one("SELECT pg_catalog.count(*) FROM pg_temp.received", &[])
        .unwrap();
    assert_eq!(left.get::<_, i64>(0), 0);
    // And a synchronisation goes on as before.
    central.run("UPDATE gis.tree SET height = 300 WHERE id = 4");
    clone.run("UPDATE gis.tree SET height = 300 WHERE id = 5");
    role.synchronize(&central, &clone);
    assert_eq!(trees(&central), trees(&clone));
    assert_eq!(
        central.rows("SELECT who FROM public.proof WHERE who = 'postgres'"),
        [""; 0]
    );
    drop(client);
    central.run(&format!("DROP OWNED BY {} CASCADE", role.name));
}

#[test]
fn what_a_trigger_that_runs_again_changes_comes_back_once() {
    let role = Role::new("no_owner");
    let central = prepared(
        "central",
        &format!(
            "{TREES}; ALTER TABLE gis.tree ADD edited_at timestamptz;
             CREATE FUNCTION gis.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.edited_at := clock_timestamp(); RETURN NEW; END';
             CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.touch()"
        ),
    );
    let clone = clone_of(&central, "clone");
    let other = clone_of(&central, "other");
    role.grant("Synchronising", &central);
    clone.run("UPDATE gis.tree SET height = 100 WHERE id <= 3; INSERT INTO gis.tree (code) VALUES ('new')");
    let heard = messages("synchronize_database", role.parameters(&central, &clone));
    assert!(
        heard
            .iter()
            .any(|m| m.contains("gis.tree has triggers that will run again in the central")),
        "{heard:?}"
    );
    let outputs = role.synchronize(&central, &clone);
    assert_eq!(
        [&outputs["APPLIED_TO_CLONE"], &outputs["APPLIED_TO_CENTRAL"]],
        [4, 0],
        "{outputs}"
    );
    // And nothing but what the trigger changed.
    assert_eq!(
        central.rows("SELECT DISTINCT skeys(changed_fields) FROM audit.logged_actions WHERE origin = (SELECT server_id FROM lizsync.server_metadata)"),
        ["edited_at"]
    );
    idle(&role.synchronize(&central, &clone));
    role.synchronize(&central, &other);
    idle(&role.synchronize(&central, &other));
    let rows = "SELECT uid, code, height, edited_at FROM gis.tree ORDER BY uid";
    for database in [&clone, &other] {
        assert_eq!(central.rows(rows), database.rows(rows));
    }
    // The owner has no such trouble.
    clone.run("UPDATE gis.tree SET height = 200 WHERE id <= 3");
    synchronize(&central, &clone);
    idle(&synchronize(&central, &clone));
    assert_eq!(central.rows(rows), clone.rows(rows));
}

#[test]
fn packaging_and_deploying_have_grants_of_their_own() {
    let (packer, surveyor) = (Role::new("packer"), Role::new("deployer"));
    let central = prepared("central", TREES);
    let clone = surveyor.database("clone");
    if clone.version() < 13 {
        // Only then it takes a superuser.
        clone.run("CREATE EXTENSION hstore SCHEMA public");
    }
    packer.grant("Packaging", &central);
    surveyor.grant("Deploying", &central);
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("p.zip");
    let binaries = std::env::var("LIZSYNC_TEST_BIN").unwrap();
    run(
        "package_master_database",
        json!({"CONNECTION_NAME_CENTRAL": packer.conninfo(&central), "POSTGRESQL_BINARY_PATH": binaries, "SCHEMAS": "gis", "ZIP_FILE": zip}),
    )
    .unwrap();
    let mut both = json!({"CONNECTION_NAME_CENTRAL": surveyor.conninfo(&central), "CONNECTION_NAME_CLONE": surveyor.conninfo(&clone), "ZIP_FILE": zip});
    for _ in 0..2 {
        run("deploy_database_server_package", both.clone()).unwrap();
    }
    both.as_object_mut().unwrap().remove("ZIP_FILE");
    refused("synchronize_database", both.clone(), Kind::Permission);
    surveyor.grant("Synchronising", &central);
    surveyor.run(&clone, "UPDATE gis.tree SET height = 5000 WHERE id = 1");
    central.run("UPDATE gis.tree SET height = 5000 WHERE id = 2");
    let outputs = run("synchronize_database", both.clone()).unwrap();
    assert_eq!(
        [&outputs["APPLIED_TO_CLONE"], &outputs["APPLIED_TO_CENTRAL"]],
        [1, 1]
    );
    assert_eq!(trees(&central), trees(&clone));
    assert_eq!(
        central.value("SELECT count(*) FROM lizsync.history WHERE sync_type = 'full' AND array_length(server_to, 1) = 1"),
        "1"
    );
}
