//! The two databases of a history, on the test server or on servers of their own, and the check that
//! they hold what must come of it.
#![allow(dead_code, missing_docs)]

use std::path::PathBuf;

use postgres::{Client, NoTls};
use serde_json::json;

use super::proxy::{Proxy, Side};
use super::story::{BEGINNING, Edit, Expected, FIRST, SCHEMA, SECOND, TABLES, expected, statement};
use super::{Database, clone_of, counts, run};

/// A database on any server.
pub struct Place {
    /// The conninfo of the server.
    pub server: String,
    pub name: String,
    /// Whether it is dropped with this.
    temporary: bool,
}

impl From<Database> for Place {
    fn from(database: Database) -> Self {
        let name = database.name.clone();
        // Dropped by the place from now on.
        std::mem::forget(database);
        let server = format!(
            "host={} port={} user=postgres",
            super::variable("LIZSYNC_TEST_SOCKET"),
            super::variable("LIZSYNC_TEST_PORT")
        );
        Self {
            server,
            name,
            temporary: true,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.temporary
            && let Ok(mut admin) =
                Client::connect(&format!("{} dbname=postgres", self.server), NoTls)
        {
            let _ = admin.batch_execute(&format!("DROP DATABASE \"{}\" WITH (FORCE)", self.name));
        }
    }
}

impl Place {
    /// A new database on the server with that conninfo.
    pub fn new(server: &str, name: &str) -> Self {
        let place = Self {
            server: server.to_owned(),
            name: name.to_owned(),
            temporary: true,
        };
        place
            .admin()
            .batch_execute(&format!("CREATE DATABASE \"{name}\""))
            .unwrap();
        place
    }

    /// The same database once more; it is dropped with the other.
    pub fn existing(other: &Self) -> Self {
        Self {
            server: other.server.clone(),
            name: other.name.clone(),
            temporary: false,
        }
    }

    /// A copy on the same server; nobody may be connected to this one. Ledgers stay true: the
    /// transaction numbers are those of the server, and go on.
    pub fn copy(&self, label: &str) -> Self {
        let copy = Self {
            server: self.server.clone(),
            name: format!("{label}_{}", self.name),
            temporary: true,
        };
        let sql = format!(
            "CREATE DATABASE \"{}\" TEMPLATE \"{}\"",
            copy.name, self.name
        );
        self.admin().batch_execute(&sql).unwrap();
        copy
    }

    pub fn conninfo(&self) -> String {
        format!("{} dbname='{}'", self.server, self.name)
    }

    /// A connection of the superuser to another database of the server.
    pub fn admin(&self) -> Client {
        Client::connect(&format!("{} dbname=postgres", self.server), NoTls).unwrap()
    }

    /// Waits until a session of this database has waited for a lock for some milliseconds.
    pub fn wait_for_lock(&self, milliseconds: u32) {
        let mut admin = self.admin();
        let sql = format!(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = '{}' AND wait_event_type = 'Lock'
                AND query_start < clock_timestamp() - interval '{milliseconds} ms')",
            self.name
        );
        let started = std::time::Instant::now();
        while !admin.query_one(&sql, &[]).unwrap().get::<_, bool>(0) {
            assert!(started.elapsed().as_secs() < 60, "nobody waits for a lock");
            std::thread::yield_now();
        }
    }

    pub fn connect(&self) -> Client {
        Client::connect(&self.conninfo(), NoTls)
            .unwrap_or_else(|error| panic!("{error:?}: {}", self.name))
    }

    pub fn run(&self, sql: &str) {
        let done = self.connect().batch_execute(sql);
        done.unwrap_or_else(|error| panic!("{error:?}: {sql}"));
    }

    /// The rows as text, columns joined by `|`, nulls as `∅`.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        super::rows_of(&mut self.connect(), sql)
    }

    pub fn value(&self, sql: &str) -> String {
        self.rows(sql).first().cloned().unwrap_or_default()
    }

    /// What waits because the other side could not take it: side, uid and action.
    pub fn set_aside(&self) -> Vec<String> {
        self.rows("SELECT owner, uid, action FROM lizsync.set_aside ORDER BY 1, 2, 3")
    }

    /// The content of the synchronised tables, as [`Expected::rows`].
    pub fn content(&self) -> Vec<String> {
        let read = |(table, columns): &(&str, &[&str])| {
            let columns = columns.join(", ");
            self.rows(&format!("SELECT '{table}', uid, {columns} FROM {table}"))
        };
        let mut rows: Vec<String> = TABLES.iter().flat_map(read).collect();
        rows.sort();
        rows
    }
}

/// The databases of a history.
pub struct Pair {
    pub central: Place,
    pub clone: Place,
}

impl Pair {
    /// A pair that has synchronised once, and then was edited on both sides: what the next run has
    /// to do. With it, what must come of that.
    pub fn edited(label: &str) -> (Self, Expected) {
        let central = Database::new(label);
        prepare(&central.conninfo());
        let clone = clone_of(&central, &format!("{label}_clone"));
        let pair = Self {
            central: central.into(),
            clone: clone.into(),
        };
        let expected = pair.edit();
        (pair, expected)
    }

    /// The same on two servers, by way of a package.
    pub fn deployed(central: Place, clone: Place) -> (Self, Expected) {
        prepare(&central.conninfo());
        // Schema public is not packaged.
        clone.run("CREATE TABLE public.heard (what text)");
        let pair = Self { central, clone };
        pair.deploy();
        let expected = pair.edit();
        (pair, expected)
    }

    /// Packages the central and deploys it to the clone.
    pub fn deploy(&self) {
        let folder = tempfile::tempdir().unwrap();
        let zip = folder.path().join("package.zip");
        let bin = super::variable("LIZSYNC_TEST_BIN");
        run(
            "package_master_database",
            json!({"CONNECTION_NAME_CENTRAL": self.central.conninfo(), "SCHEMAS": "gis",
            "POSTGRESQL_BINARY_PATH": bin, "ZIP_FILE": zip}),
        )
        .unwrap();
        run(
            "deploy_database_server_package",
            json!({"CONNECTION_NAME_CENTRAL": self.central.conninfo(),
            "CONNECTION_NAME_CLONE": self.clone.conninfo(), "ZIP_FILE": zip}),
        )
        .unwrap();
    }

    fn edit(&self) -> Expected {
        self.play(FIRST);
        assert_eq!(self.synchronize().unwrap()[..3], [1, 2, 0]);
        self.play(SECOND);
        expected(&[FIRST, SECOND])
    }

    /// Plays edits, one after the other in both databases.
    pub fn play(&self, edits: &[Edit]) {
        let (mut central, mut clone) = (self.central.connect(), self.clone.connect());
        for &edit in edits {
            let client = if edit.0 == Side::Central {
                &mut central
            } else {
                &mut clone
            };
            client.batch_execute(&statement(edit)).unwrap();
        }
    }

    /// Copies of both databases.
    pub fn copy(&self, label: &str) -> Self {
        Self {
            central: self.central.copy(label),
            clone: self.clone.copy(label),
        }
    }

    pub fn parameters(&self) -> serde_json::Value {
        json!({"CONNECTION_NAME_CENTRAL": self.central.conninfo(), "CONNECTION_NAME_CLONE": self.clone.conninfo()})
    }

    /// The parameters of a run through a proxy.
    pub fn through(&self, proxy: &Proxy) -> serde_json::Value {
        json!({
            "CONNECTION_NAME_CENTRAL": proxy.conninfo(Side::Central, &self.central.name),
            "CONNECTION_NAME_CLONE": proxy.conninfo(Side::Clone, &self.clone.name),
        })
    }

    /// Synchronises; the counts, or what went wrong.
    pub fn synchronize(&self) -> Result<[u64; 5], String> {
        run("synchronize_database", self.parameters())
            .map(|outputs| {
                super::balanced(&outputs);
                counts(&outputs)
            })
            .map_err(|error| error.sentence())
    }

    /// Two runs without any repair, after whatever has happened; then everything must be as if nothing had.
    pub fn must_recover(&self, expected: &Expected, what: &str) {
        for run in ["next", "second"] {
            if let Err(error) = self.synchronize() {
                panic!("{what}: the {run} run failed: {error}");
            }
        }
        self.must_be(expected, what);
    }

    /// Content, conflicts, logs and histories are as expected, and a run finds nothing to do.
    pub fn must_be(&self, expected: &Expected, what: &str) {
        for (name, place) in [("central", &self.central), ("clone", &self.clone)] {
            assert_eq!(place.content(), expected.rows, "{what}: {name}");
            let off = place.value("SELECT count(*) FROM pg_trigger WHERE tgenabled = 'D'");
            assert_eq!(off, "0", "{what}: triggers of the {name} stayed disabled");
            let heard = place.value("SELECT count(*) FROM public.heard");
            let edits = expected.heard[usize::from(name == "clone")];
            assert_eq!(
                heard,
                edits.to_string(),
                "{what}: triggers of the {name} ran"
            );
        }
        let conflicts = "SELECT object_uid, coalesce(field, '∅'), rejected FROM lizsync.conflicts";
        let mut recorded = self.central.rows(conflicts);
        recorded.sort();
        assert_eq!(recorded, expected.conflicts, "{what}: conflicts");
        assert!(self.clone.rows(conflicts).is_empty(), "{what}: not sent");
        let pushed = "SELECT uid, count(*) FROM audit.logged_actions WHERE origin IS NOT NULL GROUP BY uid ORDER BY uid";
        let wanted: Vec<String> = expected
            .pushed
            .iter()
            .map(|(uid, times)| format!("{uid}|{times}"))
            .collect();
        assert_eq!(self.central.rows(pushed), wanted, "{what}: pushed rows");
        let sum = "SELECT sum(applied_to_central) FROM lizsync.history WHERE sync_type = 'partial'";
        let total: usize = expected.pushed.values().sum();
        assert_eq!(
            self.central.value(sum),
            total.to_string(),
            "{what}: history"
        );
        for place in [&self.central, &self.clone] {
            assert!(place.set_aside().is_empty(), "{what}: set aside");
        }
        let log = "SELECT count(*) FROM audit.logged_actions";
        let before = self.central.value(log);
        assert_eq!(self.clone.value(log), "0", "{what}: the clone's log");
        let idle = self
            .synchronize()
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(idle, [0; 5], "{what}: an idle run works");
        assert_eq!(self.central.value(log), before, "{what}: an idle run logs");
    }
}

/// Makes a central that holds the beginning.
fn prepare(central: &str) {
    let mut client = Client::connect(central, NoTls).unwrap();
    client.batch_execute(SCHEMA).unwrap();
    run(
        "create_database_structure",
        json!({"CONNECTION_NAME": central}),
    )
    .unwrap();
    run(
        "initialize_central_database",
        json!({"CONNECTION_NAME_CENTRAL": central}),
    )
    .unwrap();
    for &edit in BEGINNING {
        client.batch_execute(&statement(edit)).unwrap();
    }
    // Only the edits that follow are counted.
    client.batch_execute("TRUNCATE public.heard").unwrap();
}

/// The Unix socket of the test server.
pub fn socket() -> PathBuf {
    let port = super::variable("LIZSYNC_TEST_PORT");
    PathBuf::from(super::variable("LIZSYNC_TEST_SOCKET")).join(format!(".s.PGSQL.{port}"))
}
