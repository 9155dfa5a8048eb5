//! Databases for integration tests, on the server that `tests/servers.py run` started.
#![allow(dead_code, missing_docs)]

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
        let messages = self
            .connect()
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
