//! Databases of the former plugin move over: central and clones are upgraded, synchronise, and hold the same.

mod autovacuum;
mod catalogue;
mod concurrent;
mod failures;
mod fixture;
mod functions;
mod listed;
mod log;
mod rows;
mod truncates;
mod values;

use serde_json::json;

use self::catalogue::catalogue;
use self::fixture::{Former, VERSIONS, former, uid};
use crate::support::role::Role;
use crate::support::{Database, balanced, central, messages, run, variable};

const UPGRADE: &str = "upgrade_database_structure";

/// Rows of both tables, without the keys that each database numbers for itself.
fn content(database: &Database) -> Vec<String> {
    database.rows(
        "SELECT 'tree', uid, name, height, note FROM gis.tree UNION ALL SELECT 'plot', uid, code, NULL, NULL FROM gis.plot ORDER BY 1, 2",
    )
}

/// A connection to a database, as its owner or as superuser.
fn conninfo(database: &Database, owner: Option<&Role>) -> String {
    owner.map_or_else(|| database.conninfo(), |role| role.conninfo(database))
}

/// Upgrades a database; returns what was said.
fn upgrade(database: &Database, owner: Option<&Role>) -> Vec<String> {
    messages(
        UPGRADE,
        json!({"CONNECTION_NAME": conninfo(database, owner), "RUNIT": true}),
    )
}

/// Synchronises; returns the outputs.
fn synchronize(central: &Database, clone: &Database, owner: Option<&Role>) -> serde_json::Value {
    let outputs = run(
        "synchronize_database",
        json!({"CONNECTION_NAME_CENTRAL": conninfo(central, owner), "CONNECTION_NAME_CLONE": conninfo(clone, owner)}),
    )
    .unwrap_or_else(|error| panic!("{}", error.sentence()));
    balanced(&outputs);
    outputs
}

/// A clone that this product deploys.
fn deploy(central: &Database, label: &str, owner: Option<&Role>) -> Database {
    let clone = match owner {
        Some(role) => role.database(label),
        None => Database::new(label),
    };
    if owner.is_some() {
        clone.run("CREATE EXTENSION hstore SCHEMA public");
    }
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("package.zip");
    for (id, parameters) in [
        (
            "package_master_database",
            json!({"CONNECTION_NAME_CENTRAL": conninfo(central, owner), "SCHEMAS": "gis",
                "POSTGRESQL_BINARY_PATH": variable("LIZSYNC_TEST_BIN"), "ZIP_FILE": zip}),
        ),
        (
            "deploy_database_server_package",
            json!({"CONNECTION_NAME_CENTRAL": conninfo(central, owner), "CONNECTION_NAME_CLONE": conninfo(&clone, owner), "ZIP_FILE": zip}),
        ),
    ] {
        run(id, parameters).unwrap_or_else(|error| panic!("{}", error.sentence()));
    }
    clone
}

/// A central and two clones in the middle of their life with the former plugin.
struct Life {
    central: Database,
    clones: [Database; 2],
}

impl Life {
    fn new(former: Former, label: &str, owner: Option<&Role>) -> Self {
        let central = former.central(label, owner);
        let insert = |database: &Database, letters: &str| {
            for letter in letters.chars() {
                database.run(&format!(
                    "INSERT INTO gis.tree (uid, name, height) VALUES ('{}', '{letter}', 1)",
                    uid(letter)
                ));
            }
        };
        let update = |database: &Database, letter: char, change: &str| {
            database.run(&format!(
                "UPDATE gis.tree SET {change} WHERE uid = '{}'",
                uid(letter)
            ));
        };
        insert(&central, "ABCDE");
        central.run("INSERT INTO gis.bare (code) VALUES ('without uid')");
        let clones =
            ["one", "two"].map(|name| former.clone(&central, &format!("{label}_{name}"), owner));
        let [one, two] = &clones;

        // What the first clone has exchanged, and the second has not.
        update(&central, 'A', "name = 'central A'");
        insert(&central, "F");
        update(one, 'B', "name = 'one B'");
        insert(one, "G");
        former.synchronize(&central, one);
        assert_eq!(
            central.value("SELECT name FROM gis.tree WHERE name = 'one B'"),
            "one B"
        );

        // What nobody has exchanged.
        central.run(&format!(
            "SELECT setval('{}.logged_actions_event_id_seq', 5000000000)",
            former.log
        ));
        update(&central, 'C', "name = 'central C', height = 3");
        central.run(&format!("DELETE FROM gis.tree WHERE uid = '{}'", uid('D')));
        insert(&central, "H");
        update(one, 'A', "height = 11");
        insert(one, "K");
        one.run(&format!("DELETE FROM gis.tree WHERE uid = '{}'", uid('E')));
        update(two, 'A', "name = 'two A'");
        insert(two, "L");
        two.run(&format!(
            "INSERT INTO gis.plot (uid, code) VALUES ('{}', 'P')",
            uid('P')
        ));
        Self { central, clones }
    }

    /// What must come of it.
    fn expected() -> Vec<String> {
        let tree = |letter, name: &str, height| format!("tree|{}|{name}|{height}|∅", uid(letter));
        vec![
            format!("plot|{}|P|∅|∅", uid('P')),
            tree('A', "two A", 11),
            tree('B', "one B", 1),
            tree('C', "central C", 3),
            tree('F', "F", 1),
            tree('G', "G", 1),
            tree('H', "H", 1),
            tree('K', "K", 1),
            tree('L', "L", 1),
        ]
    }
}

/// All that must be left of the former structure.
fn kept(database: &Database, log: &str, lists: &str) -> Vec<String> {
    let list = match lists {
        "synchronized_tables" => "SELECT server_id FROM lizsync.synchronized_tables ORDER BY 1",
        _ => "SELECT server_id FROM lizsync.synchronized_schemas ORDER BY 1",
    };
    let log = format!(
        "SELECT event_id, schema_name, table_name, relid, session_user_name, action_tstamp_tx, action_tstamp_stm, action_tstamp_clk,
            transaction_id, application_name, client_query, action, row_data, changed_fields, statement_only, sync_data
         FROM {log}.logged_actions ORDER BY 1"
    );
    let history = "SELECT sync_id, sync_time, server_from, server_to, min_event_id, max_event_id, sync_type, sync_status FROM lizsync.history ORDER BY 1";
    ["SELECT * FROM lizsync.server_metadata", history, list, &log]
        .iter()
        .flat_map(|sql| database.rows(sql))
        .collect()
}

fn moves_over(former: Former, owner: Option<&Role>) {
    let label = format!("up{}", former.version.replace('.', ""));
    let Life {
        central,
        clones: [one, two],
    } = Life::new(former, &label, owner);
    let audited = "SELECT relname FROM pg_class c WHERE EXISTS (SELECT FROM pg_trigger t WHERE tgrelid = c.oid AND NOT tgisinternal) AND relnamespace = 'gis'::regnamespace ORDER BY 1";
    let before = kept(&central, former.log, former.lists_table());
    let tables = central.rows(audited);
    upgrade(&central, owner);
    assert_eq!(
        kept(&central, "audit", "synchronized_schemas"),
        before,
        "{former:?}"
    );
    assert_eq!(central.rows(audited), tables);
    assert_eq!(
        central
            .rows("SELECT * FROM audit.logged_relations ORDER BY 1, 2")
            .len(),
        4
    );
    assert_eq!(
        central.value("SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%audit_trigger%'"),
        "0"
    );

    upgrade(&one, owner);
    upgrade(&two, owner);
    let foreign = "SELECT count(*) FROM pg_foreign_server UNION ALL SELECT count(*) FROM pg_user_mapping UNION ALL SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'central%'";
    assert_eq!(one.rows(foreign), ["0"; 3]);

    // New packages want all tables to be prepared.
    run(
        "initialize_central_database",
        json!({"CONNECTION_NAME_CENTRAL": conninfo(&central, owner)}),
    )
    .unwrap();
    let three = deploy(&central, &format!("{label}_three"), owner);
    three.run(&format!(
        "UPDATE gis.tree SET note = 'three' WHERE uid = '{}'",
        uid('C')
    ));
    let first = synchronize(&central, &one, owner);
    // C, D and H; A, K and E.
    assert_eq!(
        (
            first["APPLIED_TO_CLONE"].as_u64(),
            first["APPLIED_TO_CENTRAL"].as_u64()
        ),
        (Some(3), Some(3)),
        "{first}"
    );
    let second = synchronize(&central, &two, owner);
    assert_eq!(second["CONFLICTS"].as_u64(), Some(1), "{second}");
    assert_eq!(second["APPLIED_TO_CENTRAL"].as_u64(), Some(3), "{second}");
    for clone in [&three, &one, &two, &three, &one, &two] {
        synchronize(&central, clone, owner);
    }
    let mut expected = Life::expected();
    expected[3] = expected[3].replace('∅', "three");
    for database in [&central, &one, &two, &three] {
        assert_eq!(content(database), expected, "{former:?} {}", database.name);
    }
    // Rows without uid are logged, and stay where they are.
    assert_eq!(central.value("SELECT count(*) FROM gis.bare"), "1");
    assert_eq!(
        central.rows("SELECT field, rejected, central_value, clone_value FROM lizsync.conflicts"),
        ["name|central|central A|two A"]
    );
    // Then nothing is left to do.
    for clone in [&one, &two, &three] {
        let idle = synchronize(&central, clone, owner);
        assert_eq!(idle["CAPTURED_CENTRAL"].as_u64(), Some(0), "{idle}");
        assert_eq!(idle["CAPTURED_CLONE"].as_u64(), Some(0), "{idle}");
        assert_eq!(
            clone.value("SELECT count(*) FROM audit.logged_actions"),
            "0"
        );
    }
}

#[test]
fn each_version_moves_over_as_superuser() {
    for former in VERSIONS {
        moves_over(former, None);
    }
}

#[test]
fn each_version_moves_over_as_owner() {
    for former in VERSIONS {
        let role = Role::new("owner");
        moves_over(former, Some(&role));
    }
}

#[test]
fn an_upgraded_structure_is_a_fresh_one() {
    let fresh = central("fresh", "CREATE EXTENSION hstore SCHEMA public");
    let fresh = catalogue(&fresh);
    for former in VERSIONS {
        let old = former.central("old", None);
        upgrade(&old, None);
        let upgraded = catalogue(&old);
        let only = |these: &[String], those: &[String]| -> Vec<String> {
            these
                .iter()
                .filter(|line| !those.contains(line))
                .cloned()
                .collect()
        };
        assert_eq!(
            only(&upgraded, &fresh),
            Vec::<String>::new(),
            "{former:?}: only upgraded"
        );
        assert_eq!(
            only(&fresh, &upgraded),
            Vec::<String>::new(),
            "{former:?}: only fresh"
        );
        let clone = former.clone(&former.central("older", None), "older_clone", None);
        upgrade(&clone, None);
        assert_eq!(
            only(&catalogue(&clone), &fresh),
            Vec::<String>::new(),
            "{former:?}: clone"
        );
    }
}

#[test]
fn lists_of_tables_are_carried_over() {
    let former = former("0.7.2");
    let old = former.central("lists", None);
    let id = uid('X');
    old.run(&format!(
        r#"INSERT INTO lizsync.synchronized_tables VALUES ('{id}', '["\"gis\".\"tree\"", "\"other\".\"A \"\"b\"\".c\"", "\"gis\".\"plot\""]')"#
    ));
    upgrade(&old, None);
    assert_eq!(
        old.value("SELECT sync_schemas FROM lizsync.synchronized_schemas"),
        r#"["gis", "other"]"#
    );
    assert_eq!(
        old.value("SELECT sync_tables FROM lizsync.synchronized_schemas"),
        r#"[{"table": "tree", "schema": "gis"}, {"table": "A \"b\".c", "schema": "other"}, {"table": "plot", "schema": "gis"}]"#
    );
    assert_eq!(
        old.value("SELECT clone_id FROM lizsync.deployments"),
        id.to_string()
    );
}
