//! Databases for integration tests, on the server that `tests/servers.py run` started.
#![allow(dead_code, missing_docs)]

pub mod pair;
pub mod proxy;
pub mod server;
pub mod story;

use std::env;
use std::sync::atomic::{AtomicU32, Ordering};

use postgres::{Client, NoTls};

static COUNTER: AtomicU32 = AtomicU32::new(0);

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run the tests with “make test”, or under “python3 tests/servers.py run”")
    })
}

/// A database of its own for one test, dropped at the end.
pub struct Database {
    pub name: String,
}

impl Database {
    /// An empty database; `label` makes its name readable.
    pub fn new(label: &str) -> Self {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{label}_{}_{number}", std::process::id());
        admin()
            .batch_execute(&format!("CREATE DATABASE \"{name}\""))
            .unwrap();
        Self { name }
    }

    /// Its conninfo over the Unix socket, as superuser.
    pub fn conninfo(&self) -> String {
        format!(
            "host={} port={} user=postgres dbname='{}'",
            variable("LIZSYNC_TEST_SOCKET"),
            variable("LIZSYNC_TEST_PORT"),
            self.name.replace('\\', "\\\\").replace('\'', "\\'")
        )
    }

    pub fn connect(&self) -> Client {
        Client::connect(&self.conninfo(), NoTls).unwrap()
    }

    /// Runs SQL, failing the test if it fails.
    pub fn run(&self, sql: &str) {
        self.connect()
            .batch_execute(sql)
            .unwrap_or_else(|error| panic!("{error:?}: {sql}"));
    }

    /// The first column of the first row, as text.
    pub fn value(&self, sql: &str) -> String {
        self.rows(sql).first().cloned().unwrap_or_default()
    }

    /// The rows as text, columns joined by `|`, nulls as `∅`.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        rows_of(&mut self.connect(), sql)
    }
}

fn rows_of(client: &mut Client, sql: &str) -> Vec<String> {
    let messages = client
        .simple_query(sql)
        .unwrap_or_else(|error| panic!("{error:?}: {sql}"));
    messages
        .iter()
        .filter_map(|message| match message {
            postgres::SimpleQueryMessage::Row(row) => Some(
                (0..row.len())
                    .map(|i| row.get(i).unwrap_or("∅"))
                    .collect::<Vec<_>>()
                    .join("|"),
            ),
            _ => None,
        })
        .collect()
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = admin().batch_execute(&format!("DROP DATABASE \"{}\" WITH (FORCE)", self.name));
    }
}

/// A connection of the superuser to the database `postgres`.
pub fn admin() -> Client {
    let conninfo = format!(
        "host={} port={} user=postgres dbname=postgres",
        variable("LIZSYNC_TEST_SOCKET"),
        variable("LIZSYNC_TEST_PORT")
    );
    Client::connect(&conninfo, NoTls).unwrap()
}

/// Runs an algorithm.
pub fn run(
    id: &str,
    parameters: serde_json::Value,
) -> Result<serde_json::Value, lizsync::error::Error> {
    let feedback = lizsync::feedback::Feedback::silent();
    lizsync::registry::run(id, &parameters, &feedback).map(lizsync::schema::Outputs::into_json)
}

/// Runs an algorithm and returns what it said: its messages, and at the end OUTPUT_STRING.
pub fn messages(id: &str, parameters: serde_json::Value) -> Vec<String> {
    use lizsync::feedback::{Event, Feedback};
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = heard.clone();
    let feedback = Feedback::new(move |event| {
        if let Event::Message(_, text) = event {
            sink.lock().unwrap().push(text);
        }
    });
    let outputs = lizsync::registry::run(id, &parameters, &feedback)
        .unwrap()
        .into_json();
    let mut heard = heard.lock().unwrap().clone();
    heard.push(outputs["OUTPUT_STRING"].as_str().unwrap().to_owned());
    heard
}

/// Runs an algorithm that must fail with this kind; returns the sentence.
pub fn refused(id: &str, parameters: serde_json::Value, kind: lizsync::error::Kind) -> String {
    let error = run(id, parameters).expect_err("the run should have failed");
    assert_eq!(error.kind(), kind, "{}", error.sentence());
    error.sentence()
}

/// A central database with the structure installed.
pub fn central(label: &str, sql: &str) -> Database {
    let database = Database::new(label);
    database.run(sql);
    run(
        "create_database_structure",
        serde_json::json!({"CONNECTION_NAME": database.conninfo()}),
    )
    .unwrap();
    database
}

/// A central database that is installed and prepared.
pub fn prepared(label: &str, sql: &str) -> Database {
    let database = central(label, sql);
    run(
        "initialize_central_database",
        serde_json::json!({"CONNECTION_NAME_CENTRAL": database.conninfo()}),
    )
    .unwrap();
    database
}

/// Waits until a session of that database waits for a lock.
pub fn wait_for_lock(database: &str) {
    let mut client = admin();
    let sql =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'";
    while client
        .query_one(sql, &[&database])
        .unwrap()
        .get::<_, i64>(0)
        == 0
    {
        std::thread::yield_now();
    }
}

/// A clone of a prepared central, as a deployment leaves it, made by copying the database.
pub fn clone_of(central: &Database, label: &str) -> Database {
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let name = format!("{label}_{}_{number}", std::process::id());
    let snapshot = central.value("SELECT txid_current_snapshot()");
    let id = central.value("SELECT server_id FROM lizsync.server_metadata");
    admin()
        .batch_execute(&format!(
            "CREATE DATABASE \"{name}\" TEMPLATE \"{}\"",
            central.name
        ))
        .unwrap();
    let clone = Database { name };
    clone.run(&format!(
        "DELETE FROM audit.logged_actions; DELETE FROM lizsync.server_metadata; DELETE FROM lizsync.history;
         DELETE FROM lizsync.received; DELETE FROM lizsync.synchronized_schemas; DELETE FROM lizsync.conflicts;
         INSERT INTO lizsync.server_metadata (server_name) VALUES ('clone {label}');
         INSERT INTO lizsync.deployment VALUES (gen_random_uuid(), '{id}', gen_random_uuid(), now(), now(), '{snapshot}');
         INSERT INTO lizsync.received (sender, snapshot, sync_id, deployment, system_identifier, timeline)
            SELECT '{id}', '{snapshot}', package_id, deployment, (SELECT system_identifier FROM pg_control_system()),
                (SELECT timeline_id FROM pg_control_checkpoint()) FROM lizsync.deployment;
         INSERT INTO lizsync.synchronized_schemas SELECT server_id, (SELECT to_jsonb(array_agg(nspname)) FROM pg_namespace
            WHERE nspname !~ '^pg_' AND nspname NOT IN ('public', 'audit', 'lizsync', 'information_schema')) FROM lizsync.server_metadata"
    ));
    clone
}

/// Synchronises; returns the outputs.
pub fn synchronize(central: &Database, clone: &Database) -> serde_json::Value {
    let parameters = serde_json::json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()});
    let outputs = run("synchronize_database", parameters)
        .unwrap_or_else(|error| panic!("{}", error.sentence()));
    balanced(&outputs);
    outputs
}

/// Every captured edit is accounted for.
pub fn balanced(outputs: &serde_json::Value) {
    let number = |id: &str| outputs[id].as_u64().unwrap();
    for (side, applied) in [
        ("CENTRAL", "APPLIED_TO_CLONE"),
        ("CLONE", "APPLIED_TO_CENTRAL"),
    ] {
        let of = |what: &str| number(&format!("{what}_{side}"));
        assert_eq!(
            of("CAPTURED"),
            number(applied) + of("SUPERSEDED") + of("LOST") + of("SET_ASIDE"),
            "{outputs}"
        );
    }
}

/// What is set aside: owner, table, action, code, constraint.
pub fn aside(database: &Database) -> Vec<String> {
    database.rows(
        "SELECT owner, table_name, action, sqlstate, constraint_name FROM lizsync.set_aside ORDER BY 1, 2, 3, uid",
    )
}

/// The counts of a run: applied to clone, to central, conflicts, superseded, set aside.
pub fn counts(outputs: &serde_json::Value) -> [u64; 5] {
    [
        "APPLIED_TO_CLONE",
        "APPLIED_TO_CENTRAL",
        "CONFLICTS",
        "SUPERSEDED",
        "SET_ASIDE",
    ]
    .map(|id| outputs[id].as_u64().unwrap())
}
