//! What the two databases know of each other, where a run died, a server forgot, or a clone was copied.
#![allow(missing_docs)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::pair::Place;
use crate::support::server::Server;
use crate::support::{
    Database, clone_of, killed_at, prepared, refused, run, synchronize, variable,
};
use lizsync::error::{Error, Kind};
use lizsync::feedback::{Event, Feedback};
use serde_json::json;

const TREES: &str = "CREATE SCHEMA gis;
    CREATE TABLE gis.tree (id serial PRIMARY KEY, code text UNIQUE, height int, crown numeric);
    INSERT INTO gis.tree (code, height) SELECT 'T' || n, n FROM generate_series(1, 5) AS n";
const ROWS: &str = "SELECT code, height, crown FROM gis.tree ORDER BY code";

/// Synchronises, and does something at a message.
fn run_with(
    parameters: &serde_json::Value,
    at: &'static str,
    act: impl Fn() + Send + Sync + 'static,
) -> Result<serde_json::Value, Error> {
    let done = AtomicBool::new(false);
    let feedback = Feedback::new(move |event| {
        if matches!(event, Event::Message(_, text) if text.starts_with(at))
            && !done.swap(true, Ordering::SeqCst)
        {
            act();
        }
    });
    lizsync::registry::run("synchronize_database", parameters, &feedback)
        .map(lizsync::schema::Outputs::into_json)
}

/// A central that is on a server of its own, and its clone on the server of the tests.
struct Apart {
    server: Arc<Server>,
    central: Place,
    clone: Database,
}

impl Apart {
    fn new() -> Self {
        let server = Arc::new(Server::start());
        let central = Place::new(&server.conninfo(), "central");
        // Only commits write the server's log to the disk.
        let admin = &mut central.admin();
        for sql in [
            "ALTER SYSTEM SET wal_writer_delay = '10s'",
            "ALTER SYSTEM SET wal_writer_flush_after = '1GB'",
            "ALTER SYSTEM SET bgwriter_delay = '10s'",
            "ALTER SYSTEM SET autovacuum = off",
        ] {
            admin.batch_execute(sql).unwrap();
        }
        server.crash();
        server.resume();
        central.run(TREES);
        let conninfo = central.conninfo();
        run(
            "create_database_structure",
            json!({"CONNECTION_NAME": conninfo}),
        )
        .unwrap();
        run(
            "initialize_central_database",
            json!({"CONNECTION_NAME_CENTRAL": conninfo}),
        )
        .unwrap();
        let apart = Self {
            server,
            central,
            clone: Database::new("clone"),
        };
        deploy(&conninfo, &apart.clone);
        apart.synchronize();
        apart
    }

    fn parameters(&self) -> serde_json::Value {
        json!({"CONNECTION_NAME_CENTRAL": self.central.conninfo(), "CONNECTION_NAME_CLONE": self.clone.conninfo()})
    }

    fn synchronize(&self) {
        run("synchronize_database", self.parameters())
            .unwrap_or_else(|error| panic!("{}", error.sentence()));
    }

    /// A run in which the central's server crashes when the clone commits, and starts again.
    fn crash(&self) {
        let server = self.server.clone();
        let error = run_with(&self.parameters(), "Committing to the clone", move || {
            server.crash()
        })
        .unwrap_err();
        assert_eq!(error.kind(), Kind::Connection, "{}", error.sentence());
        self.server.resume();
    }
}

fn deploy(central: &str, clone: &Database) {
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("package.zip");
    let packaging = json!({"CONNECTION_NAME_CENTRAL": central, "SCHEMAS": "gis",
        "POSTGRESQL_BINARY_PATH": variable("LIZSYNC_TEST_BIN"), "ZIP_FILE": zip});
    let deployment = json!({"CONNECTION_NAME_CENTRAL": central,
        "CONNECTION_NAME_CLONE": clone.conninfo(), "ZIP_FILE": zip});
    for (id, parameters) in [
        ("package_master_database", packaging),
        ("deploy_database_server_package", deployment),
    ] {
        run(id, parameters).unwrap_or_else(|error| panic!("{}", error.sentence()));
    }
}

/// Transactions that the dead run saw are forgotten by the server, which uses their numbers again.
#[test]
fn numbers_that_are_used_again_hide_no_edit() {
    let apart = Apart::new();
    // A transaction that fills a page of the log wakes who writes it: these begin on a new one.
    apart.central.value("SELECT pg_switch_wal()::text");
    let mut editor = apart.central.connect();
    for n in 0..3 {
        let sql = format!("BEGIN; UPDATE gis.tree SET height = {n}; ROLLBACK");
        editor.batch_execute(&sql).unwrap();
    }
    let taken = apart
        .central
        .value("SELECT txid_snapshot_xmax(txid_current_snapshot())");
    apart.crash();
    let next = "SELECT txid_snapshot_xmax(txid_current_snapshot())";
    let next: u64 = apart.central.value(next).parse().unwrap();
    assert!(
        next < taken.parse().unwrap(),
        "the server has forgotten nothing"
    );
    apart
        .central
        .run("UPDATE gis.tree SET height = 100 WHERE code = 'T1'");
    apart
        .central
        .run("UPDATE gis.tree SET height = 200 WHERE code = 'T2'");
    apart.synchronize();
    assert_eq!(apart.clone.rows(ROWS), apart.central.rows(ROWS));
    assert_eq!(
        apart
            .clone
            .value("SELECT height FROM gis.tree WHERE code = 'T1'"),
        "100"
    );
}

/// Event numbers are forgotten in the same way: that is no restored backup.
#[test]
fn events_that_were_rolled_back_may_be_forgotten() {
    let apart = Apart::new();
    apart.central.run(
        "BEGIN; INSERT INTO gis.tree (height) SELECT n FROM generate_series(1, 100) AS n; ROLLBACK",
    );
    apart
        .clone
        .run("UPDATE gis.tree SET crown = 1 WHERE code = 'T1'");
    apart.crash();
    apart.synchronize();
    assert_eq!(apart.central.rows(ROWS), apart.clone.rows(ROWS));
    assert_eq!(
        apart
            .central
            .value("SELECT crown FROM gis.tree WHERE code = 'T1'"),
        "1"
    );
}

/// An editor who does not wait for the disk loses an edit in the crash, but the clone has it already.
#[test]
fn what_only_the_clone_has_comes_back() {
    let apart = Apart::new();
    apart
        .central
        .run("SET synchronous_commit = off; UPDATE gis.tree SET height = 55 WHERE code = 'T3'");
    apart.crash();
    assert_eq!(
        apart
            .central
            .value("SELECT height FROM gis.tree WHERE code = 'T3'"),
        "3",
        "the server has kept it"
    );
    apart.synchronize();
    for rows in [apart.central.rows(ROWS), apart.clone.rows(ROWS)] {
        assert!(rows.contains(&"T3|55|∅".to_owned()), "{rows:?}");
    }
}

/// After a run that died between its commits people go on editing what it brought: that is no conflict.
#[test]
fn edits_after_a_dead_run_are_no_conflicts() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    synchronize(&central, &clone);
    central
        .run("UPDATE gis.tree SET height = 100; UPDATE gis.tree SET crown = 1 WHERE code = 'T4'");
    clone.run("UPDATE gis.tree SET crown = 2 WHERE code = 'T4'; UPDATE gis.tree SET crown = 8 WHERE code = 'T5'");
    killed_at(&central, &clone, "Committing to the central database.");
    // The clone has seen the first, the central itself.
    clone.run("UPDATE gis.tree SET height = 101 WHERE code = 'T1'");
    central.run("UPDATE gis.tree SET height = 102 WHERE code = 'T2'; DELETE FROM gis.tree WHERE code = 'T3'");
    for _ in 0..2 {
        synchronize(&central, &clone);
    }
    assert_eq!(central.rows(ROWS), clone.rows(ROWS));
    assert_eq!(
        central.rows(ROWS),
        ["T1|101|∅", "T2|102|∅", "T4|100|2", "T5|100|8"]
    );
    // The true one is recorded once, although two runs found it.
    assert_eq!(
        central.rows("SELECT field, rejected, central_value, clone_value FROM lizsync.conflicts"),
        ["crown|central|1|2"]
    );
}

/// Rows that a dead run deleted in the clone may come back on either side: that deletion is not a new one.
#[test]
fn rows_that_come_back_after_a_dead_run_stay() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    synchronize(&central, &clone);
    let again = |code: &str| {
        let uid = central.value(&format!("SELECT uid FROM gis.tree WHERE code = '{code}'"));
        format!("INSERT INTO gis.tree (uid, code, height) VALUES ('{uid}', '{code}', 7)")
    };
    let (in_central, in_clone) = (again("T1"), again("T2"));
    central.run("DELETE FROM gis.tree WHERE code < 'T4'");
    killed_at(&central, &clone, "Committing to the central database.");
    central.run(&in_central);
    clone.run(&in_clone);
    for _ in 0..2 {
        synchronize(&central, &clone);
    }
    for database in [&central, &clone] {
        assert_eq!(
            database.rows(ROWS),
            ["T1|7|∅", "T2|7|∅", "T4|4|∅", "T5|5|∅"],
            "{}",
            database.name
        );
    }
    assert_eq!(central.value("SELECT count(*) FROM lizsync.conflicts"), "0");
}

/// A call that sets something aside makes two passes, but forgets no more than one run.
#[test]
fn a_second_pass_forgets_no_run() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    for crown in [1, 2] {
        clone.run(&format!("UPDATE gis.tree SET crown = {crown}"));
        synchronize(&central, &clone);
    }
    let earlier = central.copy("earlier");
    central.run("INSERT INTO gis.tree (code) VALUES ('X')");
    clone.run("INSERT INTO gis.tree (code) VALUES ('X'); UPDATE gis.tree SET crown = 3");
    synchronize(&central, &clone);
    assert_eq!(clone.value("SELECT count(*) FROM lizsync.set_aside"), "2");
    for _ in 0..2 {
        synchronize(&earlier, &clone);
    }
    assert_eq!(earlier.rows(ROWS), clone.rows(ROWS));
}

/// A copied card, of which one copy is deployed again: two clones of one name.
#[test]
fn of_two_copies_only_the_one_that_was_deployed_last_synchronises() {
    for before in [0, 1] {
        let central = prepared("central", TREES);
        let clone = Database::new("clone");
        deploy(&central.conninfo(), &clone);
        for _ in 0..before {
            synchronize(&central, &clone);
        }
        let copy = clone.copy("copy");
        deploy(&central.conninfo(), &copy);
        clone.run("UPDATE gis.tree SET height = 1000 WHERE code = 'T1'");
        copy.run("UPDATE gis.tree SET height = 2000 WHERE code = 'T2'");
        let parameters = |clone: &Database| json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()});
        for _ in 0..2 {
            let said = refused("synchronize_database", parameters(&clone), Kind::State);
            assert!(said.contains("later deployment"), "{said}");
            synchronize(&central, &copy);
        }
        assert_eq!(central.rows(ROWS), copy.rows(ROWS));
    }
}

/// A table is rewritten while a run reads: to the run it would look empty.
#[test]
fn a_table_that_is_rewritten_meanwhile_is_not_empty() {
    for of_central in [true, false] {
        let central = prepared(
            "central",
            &format!(
                "{TREES}; CREATE TABLE gis.note (id serial PRIMARY KEY, tree int REFERENCES gis.tree ON DELETE CASCADE)"
            ),
        );
        let clone = clone_of(&central, "clone");
        synchronize(&central, &clone);
        let (sender, receiver) = match of_central {
            true => (&clone, &central),
            false => (&central, &clone),
        };
        sender.run("UPDATE gis.tree SET height = 77 WHERE code = 'T1'; DELETE FROM gis.tree WHERE code = 'T2'");
        let name = receiver.conninfo();
        let client = Mutex::new(postgres::Client::connect(&name, postgres::NoTls).unwrap());
        let parameters = json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()});
        run_with(&parameters, "Reading the changes of gis.tree", move || {
            let sql = "ALTER TABLE gis.tree ALTER height TYPE bigint";
            client.lock().unwrap().batch_execute(sql).unwrap();
        })
        .unwrap_or_else(|error| panic!("{}", error.sentence()));
        for _ in 0..2 {
            synchronize(&central, &clone);
        }
        assert_eq!(receiver.rows(ROWS), sender.rows(ROWS));
        assert_eq!(receiver.rows(ROWS).len(), 4);
        assert_eq!(central.value("SELECT count(*) FROM lizsync.conflicts"), "0");
        assert!(clone.rows("SELECT FROM lizsync.set_aside").is_empty());
    }
}

/// Nobody rewrites a table after the run has looked whether somebody did.
#[test]
fn no_table_is_rewritten_while_it_is_written() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    synchronize(&central, &clone);
    central.run("UPDATE gis.tree SET height = 77 WHERE code = 'T1'");
    let client = Mutex::new(clone.connect());
    let parameters = json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()});
    run_with(&parameters, "Writing gis.tree to the clone", move || {
        let sql = "SET lock_timeout = '1ms'; ALTER TABLE gis.tree ALTER height TYPE bigint";
        let error = client.lock().unwrap().batch_execute(sql).unwrap_err();
        assert_eq!(error.code().unwrap().code(), "55P03");
    })
    .unwrap_or_else(|error| panic!("{}", error.sentence()));
    assert_eq!(central.rows(ROWS), clone.rows(ROWS));
}

/// A backup from before the package, in which people have gone on: what its transactions are called, the clone has
/// seen.
#[test]
fn a_central_that_was_restored_from_before_the_package_is_recognised() {
    let central = prepared("central", TREES);
    let backup = central.copy("backup");
    central.run("UPDATE gis.tree SET height = height + 1 WHERE code = 'T1'");
    let clone = Database::new("clone");
    deploy(&central.conninfo(), &clone);
    backup.run("UPDATE gis.tree SET height = height + 2");
    let said = refused(
        "synchronize_database",
        json!({"CONNECTION_NAME_CENTRAL": backup.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()}),
        Kind::State,
    );
    assert!(said.contains("restored from a backup"), "{said}");
    synchronize(&central, &clone);
}

/// A log whose numbers begin anew is not the one that was read.
#[test]
fn events_that_are_numbered_anew_are_noticed() {
    for of_central in [true, false] {
        let central = prepared("central", TREES);
        let clone = clone_of(&central, "clone");
        for database in [&central, &clone] {
            database.run("UPDATE gis.tree SET height = height + 1");
        }
        for _ in 0..2 {
            synchronize(&central, &clone);
        }
        let (database, name) = match of_central {
            true => (&central, "The central"),
            false => (&clone, "The clone"),
        };
        database.run("ALTER SEQUENCE audit.logged_actions_event_id_seq RESTART");
        let said = refused(
            "synchronize_database",
            json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()}),
            Kind::State,
        );
        assert!(
            said.starts_with(name) && said.contains("fewer events"),
            "{said}"
        );
    }
}
