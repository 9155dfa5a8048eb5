//! What goes into a package comes out of it.

use serde_json::Value;

use super::fixture::*;
use crate::support::{Database, prepared, synchronize};

fn manifest(zip: &std::path::Path) -> Value {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(zip).unwrap()).unwrap();
    serde_json::from_reader(archive.by_name("manifest.json").unwrap()).unwrap()
}

/// The content of all tables and views of the packaged schemas.
fn content(database: &Database) -> Vec<String> {
    let tables = database.rows(
        "SELECT quote_ident(nspname) || '.' || quote_ident(relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
         WHERE relkind IN ('r', 'p', 'v', 'm') AND (nspname = 'trees' OR nspname LIKE 'Gis%') ORDER BY 1",
    );
    let mut all = Vec::new();
    for table in tables {
        let rows = database.rows(&format!("SELECT t::text FROM {table} AS t ORDER BY 1"));
        all.push(format!("{table}: {}", rows.len()));
        all.extend(rows);
    }
    all
}

#[test]
fn everything_arrives() {
    let central = prepared("all", FIXTURE);
    let clone = Database::new("all_clone");
    let folder = Folder::new();
    let zip = folder.path("Paket ü.zip");
    let said_of_package = package(&central, SCHEMAS, &zip);
    assert!(
        said_of_package.contains("2 schemas, 6 tables and 3013 rows")
            && said_of_package.contains(&central.name),
        "{said_of_package}"
    );
    assert_eq!(folder.names(), ["Paket ü.zip"]);

    let sentence = said(deploy(&central, &clone, &zip).unwrap());
    assert!(
        sentence.contains("3013 rows") && sentence.contains(&clone.name),
        "{sentence}"
    );
    assert_eq!(content(&clone), content(&central));
    let schemas = format!("trees|{ODD}");
    assert_eq!(catalogue(&clone, &schemas), catalogue(&central, &schemas));
    assert_eq!(
        clone.rows("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'Gis%'"),
        [ODD],
        "a pattern must match its own schema only"
    );

    // Sequences and identities go on where the central stands.
    for sql in [
        "SELECT nextval('trees.numbers')",
        "INSERT INTO trees.species (code) VALUES ('C3') RETURNING id",
        "INSERT INTO trees.nothing (x) VALUES ('y') RETURNING id",
    ] {
        assert_eq!(clone.value(sql), central.value(sql), "{sql}");
    }
    // Constraints, triggers and the capture work in the clone.
    clone.run("UPDATE trees.tree SET radius = 3 WHERE species = 'B2'; INSERT INTO trees.visit VALUES ('2025-07-01', 'z'); TRUNCATE trees.visit_rest");
    assert_eq!(
        clone.rows("SELECT table_name, action FROM audit.logged_actions ORDER BY event_id"),
        ["species|I", "nothing|I", "tree|U", "visit|I", "visit|D"]
    );
    assert_eq!(
        clone.rows("SELECT relation_name FROM audit.logged_relations ORDER BY 1"),
        central.rows("SELECT relation_name FROM audit.logged_relations ORDER BY 1")
    );
    let error = clone
        .connect()
        .batch_execute("UPDATE trees.tree SET species = 'Z9'")
        .unwrap_err();
    assert_eq!(error.code().unwrap().code(), "23503");
}

#[test]
fn both_databases_know_of_the_deployment() {
    let (central, clone, _folder, zip) = deployed("ledger");
    let manifest = manifest(&zip);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let package_id = text(&manifest["package_id"]);
    let central_id = central.value("SELECT server_id FROM lizsync.server_metadata");
    let clone_id = clone.value("SELECT server_id FROM lizsync.server_metadata");
    assert_eq!(text(&manifest["central"]["server_id"]), central_id);
    assert_eq!(manifest["schemas"], serde_json::json!(["gis"]));
    assert_eq!(
        clone.value("SELECT server_name FROM lizsync.server_metadata"),
        format!("clone {}", &clone_id[..8])
    );
    assert_eq!(
        clone.rows(
            "SELECT r.sender, r.snapshot, r.sync_id, r.deployment = d.deployment, r.highest_event, d.central_id, d.package_id,
                d.package_time = (SELECT max(sync_time) FROM lizsync.history) IS NULL
             FROM lizsync.received r, lizsync.deployment d"
        ),
        [format!(
            "{central_id}|{}|{package_id}|t|∅|{central_id}|{package_id}|t",
            text(&manifest["snapshot"])
        )]
    );
    assert_eq!(
        clone.rows("SELECT r.system_identifier::text, r.timeline FROM lizsync.received r"),
        central.rows("SELECT system_identifier::text, timeline_id FROM pg_control_system(), pg_control_checkpoint()")
    );
    for database in [&central, &clone] {
        assert_eq!(
            database.rows(
                "SELECT server_id, sync_schemas, sync_tables FROM lizsync.synchronized_schemas"
            ),
            [format!("{clone_id}|[\"gis\"]|∅")]
        );
    }
    assert_eq!(
        central.rows(
            "SELECT sync_id, server_from, server_to, sync_type, sync_status FROM lizsync.history"
        ),
        [format!(
            "{package_id}|{central_id}|{{{clone_id}}}|full|done"
        )]
    );
    assert_eq!(
        clone.value("SELECT count(*) FROM audit.logged_actions"),
        "0"
    );
    assert_eq!(
        clone.value("SELECT version FROM lizsync.sys_structure_metadonnee"),
        lizsync::VERSION
    );
}

#[test]
fn a_redeployment_keeps_the_identity_and_brings_the_present_data() {
    let (central, clone, folder, first) = deployed("again");
    let identity = "SELECT server_id, server_name FROM lizsync.server_metadata";
    clone.run("UPDATE lizsync.server_metadata SET server_name = 'Tablet 7'");
    let before = clone.rows(identity);
    let deployment = clone.value("SELECT deployment FROM lizsync.deployment");
    // The ledger of the old deployment, as a synchronisation leaves it.
    central.run(&format!(
        "INSERT INTO lizsync.received (sender, snapshot, sync_id, deployment)
         SELECT server_id, '1:1:', md5(random()::text)::uuid, '{deployment}' FROM lizsync.synchronized_schemas"
    ));
    central.run("INSERT INTO gis.tree (name) VALUES ('fir'); DROP TABLE gis.spot; ALTER TABLE gis.tree ADD COLUMN height int");
    let second = folder.path("second.zip");
    package(&central, "gis", &second);
    deploy(&central, &clone, &second).unwrap();
    assert_eq!(clone.rows(identity), before);
    assert_eq!(
        clone.rows("SELECT * FROM gis.tree"),
        central.rows("SELECT * FROM gis.tree")
    );
    assert_eq!(clone.value("SELECT to_regclass('gis.spot')"), "∅");
    assert_ne!(
        clone.value("SELECT deployment FROM lizsync.deployment"),
        deployment
    );
    assert_eq!(central.value("SELECT count(*) FROM lizsync.received"), "0");
    assert_eq!(
        central.value("SELECT count(*) FROM lizsync.history WHERE array_length(server_to, 1) = 1"),
        "2"
    );

    let sentence = refused(&central, &clone, &first, lizsync::error::Kind::State);
    assert!(sentence.contains("newer package"), "{sentence}");
    // One package serves many times and many clones.
    deploy(&central, &clone, &second).unwrap();
    let other = Database::new("again_other");
    deploy(&central, &other, &second).unwrap();
    assert_eq!(
        central.value(
            "SELECT array_length(server_to, 1) FROM lizsync.history ORDER BY sync_time DESC LIMIT 1"
        ),
        "2"
    );
}

#[test]
fn edits_made_meanwhile_are_not_in_the_package_and_the_snapshot_says_so() {
    let central = prepared("meanwhile", PLAIN);
    let clone = Database::new("meanwhile_clone");
    let folder = Folder::new();
    let zip = folder.path("p.zip");
    // Open when the snapshot is taken, committed later.
    let open = std::sync::Mutex::new(Some(central.connect()));
    open.lock()
        .unwrap()
        .as_mut()
        .unwrap()
        .batch_execute("BEGIN; INSERT INTO gis.tree (name) VALUES ('open')")
        .unwrap();
    let other = std::sync::Mutex::new(central.connect());
    let feedback = when("Packaging the table", move |_| {
        other
            .lock()
            .unwrap()
            .batch_execute("UPDATE gis.tree SET name = name || '!'")
            .unwrap();
        if let Some(mut open) = open.lock().unwrap().take() {
            open.batch_execute("COMMIT").unwrap();
        }
    });
    run_with(
        PACKAGE,
        &package_parameters(&central, "gis", &zip),
        &feedback,
    )
    .unwrap();
    deploy(&central, &clone, &zip).unwrap();
    assert_eq!(
        clone.rows("SELECT name FROM gis.tree ORDER BY id"),
        ["oak", "ash", "elm"]
    );
    let snapshot = clone.value("SELECT snapshot FROM lizsync.received");
    let all = central.value("SELECT count(*) FROM audit.logged_actions");
    let new = central.value(&format!(
        "SELECT count(*) FROM audit.logged_actions WHERE NOT txid_visible_in_snapshot(transaction_id, '{snapshot}')"
    ));
    assert_eq!(new, all);
    assert!(all.parse::<u32>().unwrap() >= 7, "{all}");
}

#[test]
fn additional_sql_changes_the_clone_and_is_no_edit_of_it() {
    let central = prepared("additional", PLAIN);
    let clone = Database::new("additional_clone");
    let folder = Folder::new();
    let sql = folder.write(
        "more.sql",
        "\u{feff}-- it's a comment; with \\backslash\nDROP TRIGGER lizsync_capture_insert ON gis.spot;\n\
         UPDATE gis.tree SET name = 'd''ü $$ $lizsync$';\nSET search_path = gis;\nCREATE FUNCTION public.f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END;\n\
         CREATE TABLE public.x AS SELECT * FROM spot;",
    );
    let zip = folder.path("p.zip");
    package_with(&central, &zip, &sql).unwrap();
    deploy(&central, &clone, &zip).unwrap();
    assert_eq!(
        clone.rows("SELECT DISTINCT name FROM gis.tree"),
        ["d'ü $$ $lizsync$"]
    );
    assert_eq!(
        clone.value("SELECT public.f() + count(*) FROM public.x"),
        "2"
    );
    assert_eq!(
        clone.value("SELECT count(*) FROM audit.logged_actions"),
        "0"
    );
    assert_eq!(
        clone.value("SELECT count(*) FROM pg_trigger WHERE tgname = 'lizsync_capture_insert'"),
        "1"
    );
}

#[test]
fn an_extension_may_live_in_a_packaged_schema() {
    let central = prepared(
        "inside",
        "CREATE SCHEMA gis; CREATE EXTENSION citext SCHEMA gis; CREATE SCHEMA tools; CREATE EXTENSION hstore SCHEMA tools;
         CREATE TABLE gis.t (id int PRIMARY KEY, x gis.citext[], h tools.hstore); INSERT INTO gis.t (id, x, h) VALUES (1, '{A,b}', 'a=>1')",
    );
    let clone = Database::new("inside_clone");
    let folder = Folder::new();
    let zip = folder.path("p.zip");
    package(&central, "gis", &zip);
    for _ in 0..2 {
        deploy(&central, &clone, &zip).unwrap();
        assert_eq!(
            clone.rows("SELECT id, x, h FROM gis.t"),
            ["1|{A,b}|\"a\"=>\"1\""]
        );
    }
    assert_eq!(
        clone.rows("SELECT extname, extnamespace::regnamespace FROM pg_extension ORDER BY 1"),
        ["citext|gis", "hstore|tools", "plpgsql|pg_catalog"]
    );
}

#[test]
fn deployed_clones_synchronise_and_can_be_deployed_again() {
    let central = prepared("chain", PLAIN);
    let clone = Database::new("chain_clone");
    let folder = Folder::new();
    let zip = folder.path("p.zip");
    let editor = std::sync::Mutex::new(central.connect());
    let feedback = when("Packaging the table gis.spot", move |_| {
        let sql = "UPDATE gis.tree SET name = 'Oak' WHERE id = 1";
        editor.lock().unwrap().batch_execute(sql).unwrap();
    });
    run_with(
        PACKAGE,
        &package_parameters(&central, "gis", &zip),
        &feedback,
    )
    .unwrap();
    deploy(&central, &clone, &zip).unwrap();
    clone.run("INSERT INTO gis.spot VALUES ('b', 'B'); DELETE FROM gis.tree WHERE id = 2");
    central.run("INSERT INTO gis.spot VALUES ('c', 'C')");
    let rows = |database: &Database| {
        let mut rows = database.rows("SELECT uid, name FROM gis.tree ORDER BY 1");
        rows.extend(database.rows("SELECT * FROM gis.spot ORDER BY 1"));
        rows
    };
    assert!(deploy(&central, &clone, &zip).is_err());
    synchronize(&central, &clone);
    assert_eq!(rows(&clone), rows(&central));
    assert_eq!(rows(&central).len(), 5);

    // Synchronised, the clone may be deployed anew, even from the first package: what happened since
    // comes back, its own edits included.
    deploy(&central, &clone, &zip).unwrap();
    assert_eq!(rows(&clone).len(), 4);
    synchronize(&central, &clone);
    assert_eq!(rows(&clone), rows(&central));
    assert_eq!(rows(&central).len(), 5);
}

#[test]
fn owners_need_no_superuser() {
    let role = format!("field_{}", std::process::id());
    let central = prepared("owner", PLAIN);
    central.run(&format!(
        "CREATE ROLE {role} LOGIN; ALTER SCHEMA gis OWNER TO {role}; ALTER TABLE gis.tree OWNER TO {role}; ALTER TABLE gis.spot OWNER TO {role};
         GRANT USAGE ON SCHEMA lizsync TO {role}; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA lizsync TO {role}"
    ));
    let clone = Database::new("owner_clone");
    clone.run(&format!(
        "ALTER DATABASE \"{}\" OWNER TO {role}; ALTER SCHEMA public OWNER TO {role}",
        clone.name
    ));
    let folder = Folder::new();
    let zip = folder.path("p.zip");
    let as_role = |database: &Database| {
        database
            .conninfo()
            .replace("user=postgres", &format!("user={role}"))
    };
    let mut parameters = package_parameters(&central, "gis", &zip);
    parameters["CONNECTION_NAME_CENTRAL"] = as_role(&central).into();
    crate::support::run(PACKAGE, parameters).unwrap();
    let mut parameters = deploy_parameters(&central, &clone, &zip);
    parameters["CONNECTION_NAME_CENTRAL"] = as_role(&central).into();
    parameters["CONNECTION_NAME_CLONE"] = as_role(&clone).into();
    for _ in 0..2 {
        crate::support::run(DEPLOY, parameters.clone()).unwrap();
    }
    assert_eq!(
        clone.rows(
            "SELECT tableowner FROM pg_tables WHERE schemaname IN ('gis', 'audit') GROUP BY 1"
        ),
        [role.as_str()]
    );

    // What it may not install is named.
    central.run("CREATE EXTENSION postgis; ALTER TABLE gis.tree ADD COLUMN geom public.geometry");
    package(&central, "gis", &zip);
    let said =
        crate::support::refused(DEPLOY, parameters.clone(), lizsync::error::Kind::Permission);
    assert!(
        said.contains("Creating the extension postgis") && said.contains("ask an administrator"),
        "{said}"
    );
    clone.run("CREATE EXTENSION postgis");
    crate::support::run(DEPLOY, parameters).unwrap();
    drop(clone);
    central.run(&format!(
        "REASSIGN OWNED BY {role} TO postgres; DROP OWNED BY {role}; DROP ROLE {role}"
    ));
}
