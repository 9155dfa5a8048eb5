//! What every clone has received leaves the log of the central, and nothing else.
#![allow(missing_docs)]

use crate::support::{Database, clone_of, messages, prepared, refused, run, synchronize};
use lizsync::error::Kind;
use serde_json::{Value, json};

const SYNC: &str = "synchronize_database";

fn base() -> Database {
    prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (id serial PRIMARY KEY, name text, height int); INSERT INTO gis.tree (name) VALUES ('a'), ('b')",
    )
}

fn both(central: &Database, clone: &Database) -> Value {
    json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo(), "PRUNE_LOG": true})
}

/// Synchronises; how many events were removed.
fn pruned(central: &Database, clone: &Database) -> u64 {
    run(SYNC, both(central, clone)).unwrap()["PRUNED"]
        .as_u64()
        .unwrap()
}

fn events(central: &Database) -> String {
    central.value("SELECT count(*) FROM audit.logged_actions")
}

#[test]
fn what_all_clones_have_received_goes() {
    let central = base();
    let (one, two) = (clone_of(&central, "one"), clone_of(&central, "two"));
    synchronize(&central, &one);
    synchronize(&central, &two);
    central.run("UPDATE gis.tree SET height = 1");
    two.run("INSERT INTO gis.tree (name) VALUES ('c')");
    assert_eq!(pruned(&central, &one), 0, "the other clone has not got it");
    assert_eq!(events(&central), "2");
    // What a clone brings is new for the others.
    assert_eq!(pruned(&central, &two), 2);
    assert_eq!(events(&central), "1");
    // A transaction that is open while both synchronise.
    let mut editor = central.connect();
    editor
        .batch_execute("BEGIN; UPDATE gis.tree SET height = 2 WHERE name = 'a'")
        .unwrap();
    central.run("UPDATE gis.tree SET height = 3 WHERE name = 'b'");
    for clone in [&one, &two] {
        synchronize(&central, clone);
    }
    editor.batch_execute("COMMIT").unwrap();
    assert_eq!(pruned(&central, &one), 2, "all but that of the transaction");
    assert_eq!(pruned(&central, &two), 1);
    assert_eq!(events(&central), "0");
    for clone in [&one, &two] {
        assert_eq!(pruned(&central, clone), 0);
        let all = "SELECT uid, name, height FROM gis.tree ORDER BY uid";
        assert_eq!(central.rows(all), clone.rows(all));
    }
}

#[test]
fn the_oldest_events_go_first_and_no_more_than_asked_for() {
    let central = base();
    let clone = clone_of(&central, "clone");
    for n in 1..=3 {
        central.run(&format!("UPDATE gis.tree SET height = {n}"));
    }
    synchronize(&central, &clone);
    assert_eq!(central.value("SELECT lizsync.prune_log(3)"), "3");
    assert_eq!(
        central.value("SELECT string_agg(changed_fields -> 'height', ',' ORDER BY event_id) FROM audit.logged_actions"),
        "2,3,3"
    );
    assert_eq!(central.value("SELECT lizsync.prune_log()"), "3");
    assert_eq!(central.value("SELECT count(*) FROM lizsync.pruned"), "1");
}

/// A clone that has not been seen keeps the log; nobody but the user forgets it, and it is told when it comes back.
#[test]
fn only_an_explicit_choice_forgets_a_clone() {
    let central = base();
    let (one, lost) = (clone_of(&central, "one"), clone_of(&central, "lost"));
    synchronize(&central, &one);
    synchronize(&central, &lost);
    central.run("UPDATE gis.tree SET height = 1; DELETE FROM lizsync.received WHERE sender <> (SELECT sender FROM lizsync.received ORDER BY received_at LIMIT 1)");
    let id = lost.value("SELECT server_id FROM lizsync.server_metadata");
    let said = messages(SYNC, both(&central, &one));
    let told = |text: &String| text.contains(&id) && text.contains("lizsync.forget_clone");
    assert!(said.iter().any(told), "{said:?}");
    assert_eq!(events(&central), "2");
    assert_eq!(
        central.rows("SELECT clone_id, last_run IS NULL FROM lizsync.clones() ORDER BY 2"),
        [
            format!(
                "{}|f",
                one.value("SELECT server_id FROM lizsync.server_metadata")
            ),
            format!("{id}|t")
        ]
    );
    assert_eq!(
        central.value(&format!("SELECT lizsync.forget_clone('{id}')")),
        "t"
    );
    assert_eq!(
        central.value(&format!("SELECT lizsync.forget_clone('{id}')")),
        "f"
    );
    assert_eq!(pruned(&central, &one), 2);
    lost.run("UPDATE gis.tree SET height = 5");
    refused(
        SYNC,
        json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": lost.conninfo()}),
        Kind::State,
    );
    assert_eq!(
        lost.value("SELECT count(*) FROM audit.logged_actions"),
        "2",
        "its edits are still there"
    );
}

/// A package that was made before what is gone cannot be deployed, nor can a clone of it go on as if nothing were missing.
#[test]
fn a_package_that_is_too_old() {
    let central = base();
    let (one, late) = (clone_of(&central, "one"), clone_of(&central, "late"));
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("p.zip");
    run(
        "package_master_database",
        json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "SCHEMAS": "gis", "ZIP_FILE": zip,
            "POSTGRESQL_BINARY_PATH": std::env::var("LIZSYNC_TEST_BIN").unwrap()}),
    )
    .unwrap();
    central.run("UPDATE gis.tree SET height = 1");
    assert_eq!(pruned(&central, &one), 2);
    let new = Database::new("new");
    let deployment = json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": new.conninfo(), "ZIP_FILE": zip,
        "POSTGRESQL_BINARY_PATH": std::env::var("LIZSYNC_TEST_BIN").unwrap()});
    let said = refused("deploy_database_server_package", deployment, Kind::State);
    assert!(said.contains("too old"), "{said}");
    let said = refused(
        SYNC,
        json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": late.conninfo()}),
        Kind::State,
    );
    assert!(said.contains("does not reach back"), "{said}");
}
