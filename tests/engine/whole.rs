//! Capture that somebody switched off, or that lost the extension hstore: nobody is told that all is well.
#![allow(missing_docs)]

use crate::support::{Database, clone_of, messages, prepared, refused, run, synchronize};
use lizsync::error::Kind;
use serde_json::{Value, json};

const SYNC: &str = "synchronize_database";
const PREPARE: &str = "initialize_central_database";
const UPGRADE: &str = "upgrade_database_structure";
const PACKAGE: &str = "package_master_database";

fn both(central: &Database, clone: &Database) -> Value {
    json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()})
}

fn package(central: &Database, zip: &std::path::Path) -> Value {
    json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "SCHEMAS": "gis", "ZIP_FILE": zip,
        "POSTGRESQL_BINARY_PATH": std::env::var("LIZSYNC_TEST_BIN").unwrap()})
}

fn base() -> Database {
    prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (id int PRIMARY KEY, name text); CREATE TABLE gis.leaf (id int PRIMARY KEY);
         CREATE TABLE gis.obs (k int, what text) PARTITION BY LIST (k);
         CREATE TABLE gis.obs_1 PARTITION OF gis.obs FOR VALUES IN (1); CREATE TABLE gis.obs_2 PARTITION OF gis.obs DEFAULT;
         INSERT INTO gis.tree VALUES (1, 'oak')",
    )
}

const BROKEN: [(&str, &str, &str); 15] = [
    ("gis.tree", "ALTER TABLE gis.tree DISABLE TRIGGER ALL", "disabled"),
    ("gis.tree", "ALTER TABLE gis.tree DISABLE TRIGGER ALL; ALTER TABLE gis.tree ENABLE TRIGGER ALL", "changed"),
    ("gis.tree", "DROP TRIGGER lizsync_capture_update ON gis.tree", "missing"),
    ("gis.tree", "ALTER TABLE gis.tree DISABLE TRIGGER lizsync_capture_truncate", "disabled"),
    ("gis.tree", "ALTER TABLE gis.tree ENABLE REPLICA TRIGGER lizsync_capture_update", "disabled"),
    ("gis.tree", "SELECT audit.unaudit_table('gis.tree')", "no audit triggers"),
    ("gis.tree", "DROP TRIGGER lizsync_capture_update ON gis.tree;
        CREATE TRIGGER lizsync_capture_update AFTER UPDATE OF name ON gis.tree FOR EACH STATEMENT EXECUTE FUNCTION audit.capture_statement();
        ALTER TABLE gis.tree ENABLE ALWAYS TRIGGER lizsync_capture_update", "changed"),
    ("gis.tree", "CREATE TRIGGER twice AFTER INSERT ON gis.tree REFERENCING NEW TABLE AS new_rows
        FOR EACH STATEMENT EXECUTE FUNCTION audit.capture_statement()", "changed"),
    ("gis.tree", "DROP TRIGGER lizsync_capture_delete ON gis.tree;
        CREATE TRIGGER lizsync_capture_delete AFTER DELETE ON gis.tree REFERENCING OLD TABLE AS old_rows
            FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION audit.capture_statement();
        ALTER TABLE gis.tree ENABLE ALWAYS TRIGGER lizsync_capture_delete", "changed"),
    ("gis.leaf", "DROP TRIGGER lizsync_capture_insert ON gis.leaf;
        CREATE TRIGGER lizsync_capture_insert AFTER INSERT ON gis.leaf REFERENCING NEW TABLE AS new_rows
            FOR EACH ROW EXECUTE FUNCTION audit.capture_statement();
        ALTER TABLE gis.leaf ENABLE ALWAYS TRIGGER lizsync_capture_insert", "changed"),
    ("gis.leaf", "DROP TRIGGER lizsync_capture_truncate ON gis.leaf;
        CREATE TRIGGER lizsync_capture_truncate BEFORE UPDATE ON gis.leaf FOR EACH STATEMENT EXECUTE FUNCTION audit.capture_truncate();
        ALTER TABLE gis.leaf ENABLE ALWAYS TRIGGER lizsync_capture_truncate", "changed"),
    ("gis.leaf", "ALTER TABLE gis.leaf ALTER uid DROP NOT NULL", "changed"),
    ("gis.obs", "DROP TRIGGER lizsync_capture_row ON gis.obs;
        CREATE TRIGGER lizsync_capture_row AFTER INSERT OR UPDATE ON gis.obs FOR EACH ROW EXECUTE FUNCTION audit.capture_row();
        ALTER TABLE gis.obs ENABLE ALWAYS TRIGGER lizsync_capture_row", "changed"),
    ("gis.obs", "ALTER TABLE gis.obs_1 DISABLE TRIGGER lizsync_capture_row", "disabled"),
    ("gis.obs", "ALTER TABLE gis.obs_2 DISABLE TRIGGER lizsync_capture_truncate", "disabled"),
];

#[test]
fn capture_that_is_not_whole_is_told_by_every_run() {
    let central = base();
    let folder = tempfile::tempdir().unwrap();
    let clone = clone_of(&central, "clone");
    synchronize(&central, &clone);
    let warned = |said: &[String]| {
        let about = |m: &&String| m.starts_with("Not all edits of");
        said.iter().filter(about).cloned().collect::<Vec<_>>()
    };
    // A partition that is made later has what it needs from the first row on, and is no reason to warn; nor are
    // tables without a uid.
    for database in [&central, &clone] {
        database.run(
            "CREATE TABLE gis.obs_3 PARTITION OF gis.obs FOR VALUES IN (3); CREATE TABLE gis.own (id int);
             CREATE TABLE gis.parent (id int); CREATE TABLE gis.child () INHERITS (gis.parent)",
        );
    }
    central.run("INSERT INTO gis.obs VALUES (3, 'c')");
    for _ in 0..2 {
        assert_eq!(warned(&messages(SYNC, both(&central, &clone))), [""; 0]);
    }
    central.run("DROP TABLE gis.own");
    for (table, sql, wrong) in BROKEN {
        for (database, side) in [(&central, "the central database"), (&clone, "the clone")] {
            database.run(sql);
            let said = warned(&messages(SYNC, both(&central, &clone)));
            assert_eq!(said.len(), 1, "{sql}: {said:?}");
            assert!(
                said[0].contains(&format!("{table} in {side}")) && said[0].contains(wrong),
                "{sql}: {said:?}"
            );
            if database.name == central.name {
                let said = refused(
                    PACKAGE,
                    package(&central, &folder.path().join("p.zip")),
                    Kind::State,
                );
                assert!(
                    said.contains(table)
                        && said.contains(wrong)
                        && said.contains("Prepare the central"),
                    "{sql}: {said}"
                );
                run(
                    PREPARE,
                    json!({"CONNECTION_NAME_CENTRAL": central.conninfo()}),
                )
                .unwrap();
            } else {
                assert!(
                    said[0].contains(&format!(
                        "SELECT audit.audit_table('\"gis\".\"{}\"')",
                        &table[4..]
                    )),
                    "{said:?}"
                );
                clone.run(&format!("SELECT audit.audit_table('{table}')"));
            }
            assert_eq!(
                warned(&messages(SYNC, both(&central, &clone))),
                [""; 0],
                "{sql}"
            );
        }
    }
    run(PACKAGE, package(&central, &folder.path().join("p.zip"))).unwrap();
    // A table that inherits from a captured one has no triggers yet, and those of the other do not suit any more.
    central.run("CREATE TABLE gis.branch () INHERITS (gis.tree)");
    let said = warned(&messages(SYNC, both(&central, &clone)));
    assert!(
        said.len() == 2
            && said[0].contains("gis.branch")
            && said[1].contains("gis.tree")
            && said[1].contains("before it took part in inheritance"),
        "{said:?}"
    );
    central.run("DROP TABLE gis.branch");
    // Rows whose uid is none that LizSync can use are logged one by one.
    clone.run(
        "ALTER TABLE gis.leaf ALTER uid DROP DEFAULT, ALTER uid TYPE text, ALTER uid SET NOT NULL",
    );
    clone.run(
        "SELECT audit.unaudit_table('gis.leaf');
         CREATE TRIGGER i AFTER INSERT ON gis.leaf REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION audit.capture_statement();
         CREATE TRIGGER u AFTER UPDATE ON gis.leaf REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION audit.capture_statement();
         CREATE TRIGGER d AFTER DELETE ON gis.leaf REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION audit.capture_statement();
         CREATE TRIGGER t BEFORE TRUNCATE ON gis.leaf FOR EACH STATEMENT EXECUTE FUNCTION audit.capture_truncate();
         ALTER TABLE gis.leaf ENABLE ALWAYS TRIGGER i, ENABLE ALWAYS TRIGGER u, ENABLE ALWAYS TRIGGER d, ENABLE ALWAYS TRIGGER t",
    );
    assert_eq!(warned(&messages(SYNC, both(&central, &clone))).len(), 1);
    clone.run("SELECT audit.audit_table('gis.leaf')");
    assert_eq!(warned(&messages(SYNC, both(&central, &clone))), [""; 0]);
}

#[test]
fn a_deployment_warns_of_capture_that_its_sql_switches_off() {
    let central = base();
    let folder = tempfile::tempdir().unwrap();
    let (zip, sql) = (folder.path().join("p.zip"), folder.path().join("more.sql"));
    std::fs::write(&sql, "ALTER TABLE gis.tree DISABLE TRIGGER ALL").unwrap();
    let mut parameters = package(&central, &zip);
    parameters["ADDITIONAL_SQL_FILE"] = json!(sql);
    run(PACKAGE, parameters).unwrap();
    let clone = Database::new("clone");
    let mut parameters = both(&central, &clone);
    parameters["ZIP_FILE"] = json!(zip);
    let said = messages("deploy_database_server_package", parameters);
    let about: Vec<_> = said
        .iter()
        .filter(|m| m.contains("additional SQL") && m.contains("gis.tree"))
        .collect();
    assert_eq!(about.len(), 1, "{said:?}");
    assert!(
        about[0].contains("disabled") && about[0].contains("audit.audit_table"),
        "{said:?}"
    );
}

#[test]
fn hstore_may_be_moved() {
    let central = base();
    let clone = clone_of(&central, "clone");
    let folder = tempfile::tempdir().unwrap();
    let upgrade = |database: &Database, really: bool| {
        run(
            UPGRADE,
            json!({"CONNECTION_NAME": database.conninfo(), "RUNIT": really}),
        )
        .unwrap()["OUTPUT_STRING"]
            .to_string()
    };
    let moved = "CREATE SCHEMA \"The ext\"; ALTER EXTENSION hstore SET SCHEMA \"The ext\"";
    clone.run(moved);
    let said = refused(SYNC, both(&central, &clone), Kind::State);
    assert!(
        said.contains(&clone.name) && said.contains("hstore") && said.contains("Upgrade LizSync"),
        "{said}"
    );
    assert!(upgrade(&clone, false).contains("would be made anew"));
    refused(SYNC, both(&central, &clone), Kind::State);
    assert!(upgrade(&clone, true).contains("were made anew"));
    assert!(upgrade(&clone, true).contains("nothing to do"));
    clone.run("UPDATE gis.tree SET name = 'elm'; INSERT INTO gis.obs VALUES (1, 'a')");
    synchronize(&central, &clone);
    assert_eq!(central.value("SELECT name FROM gis.tree"), "elm");

    central.run(moved);
    let said = refused(SYNC, both(&central, &clone), Kind::State);
    assert!(said.contains(&central.name), "{said}");
    refused(
        PACKAGE,
        package(&central, &folder.path().join("p.zip")),
        Kind::State,
    );
    let said = run(
        PREPARE,
        json!({"CONNECTION_NAME_CENTRAL": central.conninfo()}),
    )
    .unwrap();
    assert!(
        said["OUTPUT_STRING"].to_string().contains("made anew"),
        "{said}"
    );
    central.run("ALTER SCHEMA \"The ext\" RENAME TO ext");
    refused(SYNC, both(&central, &clone), Kind::State);
    upgrade(&central, true);
    central.run("UPDATE gis.tree SET name = 'yew'");
    synchronize(&central, &clone);
    assert_eq!(clone.value("SELECT name FROM gis.tree"), "yew");
    // The setting changes what quote_ident() says, and nothing else.
    central.run(&format!(
        "ALTER DATABASE \"{}\" SET quote_all_identifiers = on",
        central.name
    ));
    synchronize(&central, &clone);
}
