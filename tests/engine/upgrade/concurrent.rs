//! Upgrades while others work.

use std::thread::JoinHandle;

use lizsync::error::Error;
use lizsync::feedback::{Event, Feedback};
use postgres::error::SqlState;
use serde_json::json;

use super::fixture::{former, uid};
use super::{UPGRADE, content, synchronize, upgrade};
use crate::support::{Database, messages, run, wait_for_lock};

/// An upgrade that goes on beside the test.
fn upgrading(database: &Database) -> JoinHandle<Result<(), Error>> {
    let parameters = json!({"CONNECTION_NAME": database.conninfo(), "RUNIT": true});
    std::thread::spawn(move || run(UPGRADE, parameters).map(|_| ()))
}

#[test]
fn what_is_committed_while_it_waits_is_not_lost() {
    for level in ["read committed", "repeatable read", "serializable"] {
        let former = former("0.4.5");
        let central = former.central("waits", None);
        let one = former.clone(&central, "waits_one", None);
        upgrade(&central, None);
        // What a role or a database has by default must not decide what the upgrade sees.
        one.run(&format!(
            "ALTER DATABASE \"{}\" SET default_transaction_isolation = '{level}'",
            one.name
        ));
        let mut editor = one.connect();
        editor
            .batch_execute(&format!(
                "BEGIN; INSERT INTO gis.tree (uid, name) VALUES ('{}', 'late')",
                uid('L')
            ))
            .unwrap();
        let upgrading = upgrading(&one);
        wait_for_lock(&one.name);
        editor.batch_execute("COMMIT").unwrap();
        upgrading.join().unwrap().unwrap();
        synchronize(&central, &one, None);
        assert_eq!(content(&central), content(&one), "{level}");
        assert_eq!(
            central.value("SELECT count(*) FROM gis.tree"),
            "1",
            "{level}"
        );
    }
}

#[test]
fn of_several_at_once_one_upgrades_and_the_others_say_so() {
    for version in ["0.4.5", "0.7.2"] {
        let old = former(version).central("several", None);
        // All have looked at it before one begins.
        let mut editor = old.connect();
        editor
            .batch_execute("BEGIN; INSERT INTO gis.tree (name) VALUES ('open')")
            .unwrap();
        let upgrading: Vec<_> = (0..3)
            .map(|_| {
                let conninfo = old.conninfo();
                std::thread::spawn(move || {
                    messages(UPGRADE, json!({"CONNECTION_NAME": conninfo, "RUNIT": true}))
                        .pop()
                        .unwrap()
                })
            })
            .collect();
        while old.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'lizsync'") != "3" {
            std::thread::yield_now();
        }
        editor.batch_execute("COMMIT").unwrap();
        let said: Vec<String> = upgrading
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        let count = |what: &str| said.iter().filter(|text| text.contains(what)).count();
        assert_eq!(count("were upgraded from version"), 1, "{said:?}");
        assert_eq!(count("by somebody else just now"), 2, "{said:?}");
    }
}

#[test]
fn who_writes_through_a_partitioned_table_is_waited_for() {
    let old = former("0.4.5").central("through", None);
    old.run(
        "CREATE TABLE gis.visit (day date, who text, uid uuid NOT NULL DEFAULT md5(random()::text || clock_timestamp()::text)::uuid)
            PARTITION BY RANGE (day);
         CREATE TABLE gis.visit_24 PARTITION OF gis.visit FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
         CREATE TABLE gis.visit_25 PARTITION OF gis.visit FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
         SELECT audit.audit_table('gis.visit_24')",
    );
    // Holds the partitioned table, not yet the partition that has the triggers.
    let mut editor = old.connect();
    editor
        .batch_execute("BEGIN; INSERT INTO gis.visit VALUES ('2025-01-02', 'first')")
        .unwrap();
    let upgrading = upgrading(&old);
    wait_for_lock(&old.name);
    editor
        .batch_execute("INSERT INTO gis.visit VALUES ('2024-01-02', 'second'); COMMIT")
        .unwrap();
    upgrading.join().unwrap().unwrap();
    assert_eq!(old.value("SELECT count(*) FROM gis.visit"), "2");
}

#[test]
fn a_publication_of_all_tables_is_no_hindrance() {
    let former = former("0.4.5");
    let central = former.central("published", None);
    central.run("CREATE PUBLICATION everything FOR ALL TABLES");
    let one = former.clone(&central, "published_one", None);
    upgrade(&central, None);
    upgrade(&one, None);
    for letter in "ABC".chars() {
        for database in [&central, &one] {
            database.run("INSERT INTO gis.tree (name) VALUES ('both')");
        }
        central.run(&format!(
            "INSERT INTO gis.tree (uid, name) VALUES ('{}', 'x')",
            uid(letter)
        ));
        run(
            "synchronize_database",
            json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": one.conninfo(), "PRUNE_LOG": true}),
        )
        .unwrap_or_else(|error| panic!("{}", error.sentence()));
    }
    assert_eq!(content(&one), content(&central));
    assert_eq!(central.value("SELECT count(*) FROM gis.tree"), "9");
}

/// Runs an upgrade, and something else as soon as it holds its locks.
fn while_it_holds(
    database: &Database,
    act: impl Fn() + Send + Sync + 'static,
) -> Result<(), Error> {
    let feedback = Feedback::new(move |event| {
        if matches!(&event, Event::Message(_, text) if text.starts_with("Removing the triggers")) {
            act();
        }
    });
    let parameters = json!({"CONNECTION_NAME": database.conninfo(), "RUNIT": true});
    lizsync::registry::run(UPGRADE, &parameters, &feedback).map(|_| ())
}

#[test]
fn who_edits_through_a_view_or_a_foreign_table_with_triggers_waits() {
    for relation in ["gis.tall", "gis.far", "central_gis.tree"] {
        let former = former("0.4.5");
        let mut old = former.central("viewed", None);
        if relation.starts_with("central") {
            // The foreign tables of a clone go.
            old = former.clone(&old, "viewed_one", None);
            old.run("ALTER FOREIGN TABLE central_gis.tree ADD note text");
        }
        old.run("CREATE EXTENSION IF NOT EXISTS postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '/nowhere');
            CREATE USER MAPPING FOR CURRENT_USER SERVER far; CREATE FOREIGN TABLE gis.far (uid uuid, note text) SERVER far;
            CREATE TRIGGER audit_trigger_stm AFTER UPDATE ON gis.tall FOR EACH STATEMENT EXECUTE PROCEDURE audit.if_modified_func('true');
            CREATE TRIGGER audit_trigger_stm AFTER UPDATE ON gis.far FOR EACH STATEMENT EXECUTE PROCEDURE audit.if_modified_func('true')");
        let (sender, edited) = std::sync::mpsc::channel();
        let (name, sender) = (old.name.clone(), std::sync::Mutex::new(sender));
        let editor = old.connect();
        let sql = format!(
            "BEGIN; EXPLAIN UPDATE {relation} SET note = 'x'; UPDATE gis.plot SET code = 'x'; COMMIT"
        );
        // The server must not decide by its deadlock detection who of the two ends.
        let editor = std::sync::Mutex::new(Some((editor, sql)));
        while_it_holds(&old, move || {
            let (mut editor, sql) = editor.lock().unwrap().take().unwrap();
            let sender = sender.lock().unwrap().clone();
            std::thread::spawn(move || sender.send(editor.batch_execute(&sql)));
            wait_for_lock(&name);
        })
        .unwrap_or_else(|error| panic!("{relation}: {}", error.sentence()));
        match (edited.recv().unwrap(), relation.starts_with("central")) {
            // It waited, until the table was gone.
            (Err(error), true) => assert_eq!(error.code(), Some(&SqlState::UNDEFINED_TABLE)),
            (edited, _) => edited.unwrap(),
        }
    }
}

/// The lock of the log's sequence stays where those of the tables are let go.
#[test]
fn who_rolls_back_to_a_savepoint_and_edits_again_is_not_ended() {
    for version in ["0.4.5", "0.7.2"] {
        let old = former(version).central("savepoint", None);
        let mut editor = old.connect();
        editor
            .batch_execute(
                "BEGIN; SAVEPOINT s; INSERT INTO gis.tree (name) VALUES ('try'); ROLLBACK TO s",
            )
            .unwrap();
        let upgrading = upgrading(&old);
        wait_for_lock(&old.name);
        editor
            .batch_execute("INSERT INTO gis.tree (name) VALUES ('edited'); COMMIT")
            .unwrap();
        upgrading.join().unwrap().unwrap();
        assert_eq!(old.rows("SELECT name FROM gis.tree"), ["edited"]);
        assert_eq!(old.value("SELECT count(*) FROM audit.logged_actions"), "1");
    }
}

/// Tables that inherit from one with triggers, and have none themselves, are left alone.
#[test]
fn a_child_without_triggers_may_be_in_use() {
    let old = former("0.4.5").central("child", None);
    old.run("CREATE TABLE gis.oak (age integer) INHERITS (gis.tree); CREATE TABLE audit.old_actions () INHERITS (audit.logged_actions)");
    let mut editor = old.connect();
    editor
        .batch_execute("BEGIN; LOCK TABLE gis.oak IN ROW EXCLUSIVE MODE")
        .unwrap();
    upgrade(&old, None);
    editor.batch_execute("COMMIT").unwrap();
    // What inherits from the log changes with it, so it is named.
    let old = former("0.4.5").central("child", None);
    old.run("CREATE TABLE audit.old_actions () INHERITS (audit.logged_actions)");
    let mut editor = old.connect();
    editor
        .batch_execute("BEGIN; LOCK TABLE audit.old_actions IN ROW EXCLUSIVE MODE")
        .unwrap();
    let said = crate::support::refused(
        UPGRADE,
        json!({"CONNECTION_NAME": old.conninfo(), "RUNIT": true}),
        lizsync::error::Kind::State,
    );
    assert!(
        said.contains("audit.old_actions is used by process"),
        "{said}"
    );
}
