//! Databases for integration tests, on the server that `tests/servers.py run` started, or on the two
//! that `tests/versions.py run` started for a central and its clones.
#![allow(dead_code, missing_docs)]

pub mod pair;
pub mod proxy;
pub mod role;
pub mod server;
pub mod story;

use std::env;
use std::sync::atomic::{AtomicU32, Ordering};

use lizsync::postgres::{literal, quote};
use postgres::types::ToSql;
use postgres::{Client, NoTls};

static COUNTER: AtomicU32 = AtomicU32::new(0);

pub fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run the tests with “make test”, or under “python3 tests/servers.py run”")
    })
}

/// Where a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// The server of every test.
    First,
    /// A second one for clones, perhaps of another version.
    ForClones,
}

impl Server {
    /// Where clones are.
    pub fn of_clones() -> Self {
        match env::var_os("LIZSYNC_TEST_CLONE_PORT") {
            Some(_) => Self::ForClones,
            None => Self::First,
        }
    }

    /// The conninfo of a database on it, over the Unix socket, as superuser.
    fn conninfo(self, database: &str) -> String {
        let (socket, port) = match self {
            Self::First => ("LIZSYNC_TEST_SOCKET", "LIZSYNC_TEST_PORT"),
            Self::ForClones => ("LIZSYNC_TEST_CLONE_SOCKET", "LIZSYNC_TEST_CLONE_PORT"),
        };
        format!(
            "host={} port={} user=postgres dbname='{}'",
            variable(socket),
            variable(port),
            database.replace('\\', "\\\\").replace('\'', "\\'")
        )
    }

    /// A connection of the superuser to the database `postgres`.
    pub fn admin(self) -> Client {
        Client::connect(&self.conninfo("postgres"), NoTls).unwrap()
    }
}

/// A database of its own for one test, dropped at the end.
pub struct Database {
    pub name: String,
    pub server: Server,
}

impl Database {
    /// An empty database; `label` makes its name readable.
    pub fn new(label: &str) -> Self {
        Self::on(Server::First, label)
    }

    /// An empty database on that server.
    pub fn on(server: Server, label: &str) -> Self {
        let database = Self::unmade(server, label);
        database.make("");
        database
    }

    fn unmade(server: Server, label: &str) -> Self {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{label}_{}_{number}", std::process::id());
        Self { name, server }
    }

    fn make(&self, options: &str) {
        self.server
            .admin()
            .batch_execute(&format!("CREATE DATABASE {} {options}", quote(&self.name)))
            .unwrap();
    }

    /// A copy of it, on the same server.
    pub fn copy(&self, label: &str) -> Self {
        let copy = Self::unmade(self.server, label);
        copy.make(&format!("TEMPLATE {}", quote(&self.name)));
        copy
    }

    /// Its conninfo over the Unix socket, as superuser.
    pub fn conninfo(&self) -> String {
        self.server.conninfo(&self.name)
    }

    /// The major version of its server.
    pub fn version(&self) -> i32 {
        self.value("SELECT current_setting('server_version_num')::integer / 10000")
            .parse()
            .unwrap()
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
        let mut admin = self.server.admin();
        let sql = format!("DROP DATABASE IF EXISTS {}", quote(&self.name));
        // WITH (FORCE) is of PostgreSQL 13. A session may begin between the two statements.
        for _ in 0..100 {
            terminate(&mut admin, "datname = $1", &[&self.name]);
            if admin.batch_execute(&sql).is_ok() {
                break;
            }
        }
    }
}

/// Ends the sessions for which `condition` on pg_stat_activity holds and waits until they are gone;
/// returns how many there were.
pub fn terminate(admin: &mut Client, condition: &str, parameters: &[&(dyn ToSql + Sync)]) -> u64 {
    let sessions = format!(
        "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND {condition}"
    );
    let sql = format!("SELECT pid, backend_start::text, pg_terminate_backend(pid) {sessions}");
    let ended = admin.query(&sql, parameters).unwrap();
    for session in &ended {
        let (pid, start): (i32, String) = (session.get(0), session.get(1));
        let sql =
            "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2";
        while admin
            .query_one(sql, &[&pid, &start])
            .unwrap()
            .get::<_, i64>(0)
            > 0
        {
            std::thread::yield_now();
        }
    }
    ended.len() as u64
}

/// A connection of the superuser to the database `postgres`.
pub fn admin() -> Client {
    Server::First.admin()
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
    let started = std::time::Instant::now();
    while client
        .query_one(sql, &[&database])
        .unwrap()
        .get::<_, i64>(0)
        == 0
    {
        assert!(started.elapsed().as_secs() < 60, "nobody waits for a lock");
        std::thread::yield_now();
    }
}

/// A clone of a prepared central, as a deployment leaves it: made by copying the database where both
/// are on one server, which is quick, and by a package and its deployment where they are not.
pub fn clone_of(central: &Database, label: &str) -> Database {
    if Server::of_clones() != central.server {
        return deployed_clone_of(central, label);
    }
    let snapshot = central.value("SELECT txid_current_snapshot()");
    let id = central.value("SELECT server_id FROM lizsync.server_metadata");
    let clone = central.copy(label);
    clone.run(&format!(
        "DELETE FROM audit.logged_actions; DELETE FROM lizsync.server_metadata; DELETE FROM lizsync.history;
         DELETE FROM lizsync.received; DELETE FROM lizsync.synchronized_schemas; DELETE FROM lizsync.conflicts;
         INSERT INTO lizsync.server_metadata (server_name) VALUES ({});
         INSERT INTO lizsync.deployment VALUES (md5(random()::text)::uuid, '{id}', md5(random()::text)::uuid, now(), now(), '{snapshot}');
         INSERT INTO lizsync.received (sender, snapshot, sync_id, deployment, system_identifier, timeline)
            SELECT '{id}', '{snapshot}', package_id, deployment, (SELECT system_identifier FROM pg_control_system()),
                (SELECT timeline_id FROM pg_control_checkpoint()) FROM lizsync.deployment;
         INSERT INTO lizsync.synchronized_schemas SELECT server_id, (SELECT to_jsonb(array_agg(nspname)) FROM pg_namespace
            WHERE nspname !~ '^pg_' AND nspname NOT IN ('public', 'audit', 'lizsync', 'information_schema')) FROM lizsync.server_metadata",
        literal(&format!("clone {label}"))
    ));
    clone
}

/// A clone on the server for clones, made by a package and its deployment.
fn deployed_clone_of(central: &Database, label: &str) -> Database {
    let clone = Database::on(Server::of_clones(), label);
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("package.zip");
    let schemas = central.value(
        "SELECT string_agg(quote_ident(nspname), ',') FROM pg_namespace
         WHERE nspname !~ '^pg_' AND nspname NOT IN ('public', 'audit', 'lizsync', 'information_schema')",
    );
    let packaging = serde_json::json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "SCHEMAS": schemas,
        "POSTGRESQL_BINARY_PATH": variable("LIZSYNC_TEST_BIN"), "ZIP_FILE": zip});
    let deployment = serde_json::json!({"CONNECTION_NAME_CENTRAL": central.conninfo(),
        "CONNECTION_NAME_CLONE": clone.conninfo(), "ZIP_FILE": zip});
    for (id, parameters) in [
        ("package_master_database", packaging),
        ("deploy_database_server_package", deployment),
    ] {
        run(id, parameters).unwrap_or_else(|error| panic!("{}", error.sentence()));
    }
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

/// A run that dies at a certain message.
pub fn killed_at(central: &Database, clone: &Database, message: &'static str) {
    use lizsync::feedback::{Event, Feedback};
    let victim = central.name.clone();
    let feedback = Feedback::new(move |event| {
        if matches!(event, Event::Message(_, text) if text == message) {
            let sql = "application_name = 'lizsync' AND datname = $1";
            assert!(terminate(&mut admin(), sql, &[&victim]) > 0);
        }
    });
    let parameters = serde_json::json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()});
    let error = lizsync::registry::run("synchronize_database", &parameters, &feedback).unwrap_err();
    assert_eq!(
        error.kind(),
        lizsync::error::Kind::Connection,
        "{}",
        error.sentence()
    );
}
