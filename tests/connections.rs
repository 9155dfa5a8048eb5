//! Connections to a real server, in all the ways that users name one.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;
#[path = "connections/tls.rs"]
mod tls;
#[path = "connections/waiting.rs"]
mod waiting;

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;

use lizsync::error::{Error, Kind, Result};
use lizsync::feedback::{Event, Feedback};
use lizsync::postgres::{Connection, Surroundings, open, open_in};
use lizsync::secret::Secret;
use support::{Database, admin};

/// Every printable character of ASCII, and two that are not.
fn every_character() -> String {
    (' '..='~').chain(['é', '木']).collect()
}

fn test(name: &str) -> String {
    std::env::var(format!("LIZSYNC_TEST_{name}")).unwrap()
}

fn certificate(name: &str) -> String {
    format!("{}/{name}", test("CERTS"))
}

/// The conninfo of the superuser over TCP, without a password.
fn tcp() -> String {
    format!(
        "host=localhost hostaddr=127.0.0.1 port={} user=postgres dbname=postgres",
        test("PORT")
    )
}

fn with_password() -> String {
    format!("{} password={}", tcp(), test("PASSWORD"))
}

/// A home directory of its own.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings::new(self.path(), "postgres")
    }

    fn open(&self, value: &str) -> Result<Connection> {
        open_in(
            &self.surroundings(),
            value,
            &BTreeMap::new(),
            &Feedback::silent(),
        )
    }
}

fn connect(value: &str) -> Result<Connection> {
    Home::new().open(value)
}

fn refusal(value: &str) -> Error {
    match connect(value) {
        Ok(connection) => panic!("{} should have been refused", connection.describe()),
        Err(error) => error,
    }
}

fn assert_says(error: &Error, kind: Kind, parts: &[&str]) {
    let sentence = error.sentence();
    assert_eq!(error.kind(), kind, "{sentence}");
    for part in parts {
        assert!(sentence.contains(part), "“{part}” is not in: {sentence}");
    }
    assert!(!sentence.contains(&test("PASSWORD")), "{sentence}");
}

fn one(connection: &mut Connection, sql: &str) -> String {
    connection
        .query_one(&format!("SELECT ({sql})::text"), &[])
        .unwrap()
        .get(0)
}

fn encrypted(connection: &mut Connection) -> bool {
    one(
        connection,
        "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    ) == "true"
}

/// A role with a password, dropped at the end.
struct Role(String);

impl Role {
    fn new(name: &str, password: &str) -> Self {
        let quoted = password.replace('\'', "''");
        let sql = format!(
            "SET standard_conforming_strings = on; CREATE ROLE {name} LOGIN PASSWORD '{quoted}'"
        );
        admin().batch_execute(&sql).unwrap();
        Self(name.to_owned())
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = admin().batch_execute(&format!("DROP ROLE {}", self.0));
    }
}

#[test]
fn the_server_finds_out_within_a_minute_that_a_client_has_vanished() {
    let settings = "current_setting('tcp_keepalives_idle') || ' ' || current_setting('tcp_keepalives_interval') \
                    || ' ' || current_setting('tcp_keepalives_count')";
    let mut connection = connect(&with_password()).unwrap();
    assert_eq!(
        one(&mut connection, &format!("SELECT {settings}")),
        "30 10 3"
    );
    let options = "options='-c tcp_keepalives_idle=7 -c tcp_keepalives_interval=60 -c tcp_keepalives_count=2'";
    let mut connection = connect(&format!("{} {options}", with_password())).unwrap();
    assert_eq!(
        one(&mut connection, &format!("SELECT {settings}")),
        "7 10 2"
    );
}

#[test]
fn over_the_local_socket() {
    let database = Database::new("connections socket");
    let mut connection = open(&database.conninfo(), &BTreeMap::new(), &Feedback::silent()).unwrap();
    assert_eq!(one(&mut connection, "current_database()"), database.name);
    let described = format!(
        "database “{}” on the local socket {}:{}",
        database.name,
        test("SOCKET"),
        test("PORT")
    );
    assert_eq!(connection.describe().to_string(), described);
    assert_eq!(
        one(&mut connection, "current_setting('application_name')"),
        "lizsync"
    );
    assert_eq!(
        one(&mut connection, "current_setting('search_path')"),
        "pg_catalog"
    );
    assert_eq!(one(&mut connection, "current_setting('TimeZone')"), "UTC");
    assert!(!encrypted(&mut connection));

    // As libpq, sslmode does not count on a local socket.
    let uri = format!(
        "postgresql://postgres@{}:{}/postgres?sslmode=verify-full",
        test("SOCKET").replace('/', "%2F"),
        test("PORT")
    );
    assert_eq!(one(&mut connect(&uri).unwrap(), "current_user"), "postgres");
    let home = Home::new();
    let surroundings = home.surroundings().sockets(test("SOCKET"));
    let value = format!("port={}", test("PORT"));
    let found = open_in(&surroundings, &value, &BTreeMap::new(), &Feedback::silent()).unwrap();
    assert!(found.describe().to_string().contains("local socket"));

    let error = refusal(&format!(
        "host=/nowhere port={} user=postgres",
        test("PORT")
    ));
    assert_says(&error, Kind::Connection, &["/nowhere:", "no such socket"]);
}

#[test]
fn another_connection_side_by_side() {
    let feedback = Feedback::silent();
    let first = open(&with_password(), &BTreeMap::new(), &feedback).unwrap();
    let (mut first, mut second) = thread::scope(|scope| {
        let other = scope.spawn(|| open(&with_password(), &BTreeMap::new(), &feedback).unwrap());
        (first.another(&feedback).unwrap(), other.join().unwrap())
    });
    let pids = [&mut first, &mut second].map(|c| one(c, "pg_backend_pid()"));
    assert_ne!(pids[0], pids[1]);
    thread::spawn(move || assert_eq!(one(&mut first, "1"), "1"))
        .join()
        .unwrap();
}

#[test]
fn a_password_of_every_character_arrives_in_every_form() {
    let password = every_character();
    let role = Role::new("every_character", &password);
    let port = test("PORT");
    let base = format!("host=127.0.0.1 port={port} user={} dbname=postgres", role.0);
    let quoted = password.replace('\\', "\\\\").replace('\'', "\\'");
    let encoded: String = password
        .bytes()
        .map(|byte| format!("%{byte:02x}"))
        .collect();
    let conninfo = format!("{base} password='{quoted}'");
    let uri = format!("postgres://{}:{encoded}@127.0.0.1:{port}/postgres", role.0);

    let home = Home::new();
    let service = format!(
        "[every]\nhost=127.0.0.1\nport={port}\nuser={}\npassword={password}\ndbname=postgres\n",
        role.0
    );
    let services = home.write("services", service, 0o600);
    let escaped = password.replace('\\', "\\\\").replace(':', "\\:");
    home.write(
        ".pgpass",
        format!("# mine\n127.0.0.1:{port}:*:{}:{escaped}\n", role.0),
        0o600,
    );
    let named = BTreeMap::from([
        ("central".to_owned(), Secret::new(&conninfo)),
        (
            "clone".to_owned(),
            Secret::new("service=every application_name='my name'"),
        ),
    ]);
    let surroundings = home
        .surroundings()
        .variable("PGSERVICEFILE", services.to_str().unwrap());
    let by_environment = surroundings.clone().variable("PGPASSWORD", &password);
    for (surroundings, value) in [
        (&surroundings, conninfo.as_str()),
        (&surroundings, uri.as_str()),
        (&surroundings, "every"),
        (&surroundings, "central"),
        (&surroundings, "clone"),
        (&surroundings, base.as_str()),
        (
            &by_environment,
            format!("{base} passfile=/nowhere").as_str(),
        ),
    ] {
        let mut connection = open_in(surroundings, value, &named, &Feedback::silent()).unwrap();
        assert_eq!(one(&mut connection, "current_user"), role.0);
        let expected = format!("database “postgres” on 127.0.0.1:{port}");
        assert_eq!(connection.describe().to_string(), expected);
        let expected = if value == "clone" {
            "my name"
        } else {
            "lizsync"
        };
        assert_eq!(
            one(&mut connection, "current_setting('application_name')"),
            expected
        );
        // The same password reaches a child process, and only through its environment.
        let mut psql = Command::new(format!("{}/psql", test("BIN")));
        psql.env("PGHOST", "nowhere.invalid")
            .env("PGSERVICE", "unknown");
        connection.prepare(psql.args(["-XAtc", "SELECT current_user"]));
        let output = psql.output().unwrap();
        assert_eq!(
            String::from_utf8(output.stdout).unwrap().trim(),
            role.0,
            "{:?}",
            output.stderr
        );
    }
}

#[test]
fn a_password_file_that_others_can_read_is_left_aside_with_a_warning() {
    let home = Home::new();
    let path = home.write(".pgpass", format!("*:*:*:*:{}", test("PASSWORD")), 0o640);
    let (sender, events) = channel();
    let feedback = Feedback::new(move |event| sender.send(event).unwrap());
    let error = open_in(&home.surroundings(), &tcp(), &BTreeMap::new(), &feedback)
        .err()
        .unwrap();
    assert_says(
        &error,
        Kind::Connection,
        &["none is given", path.to_str().unwrap(), "PGPASSWORD"],
    );
    let warned = events.try_iter().any(|event| match event {
        Event::Message(_, text) => text.contains(path.to_str().unwrap()) && text.contains("chmod"),
        Event::Progress(_) => false,
    });
    assert!(warned);
    home.write(".pgpass", format!("*:*:*:*:{}", test("PASSWORD")), 0o600);
    home.open(&tcp()).unwrap();
}

#[test]
fn the_first_server_that_will_do_is_taken() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let (port, password) = (test("PORT"), test("PASSWORD"));
    let base = format!(
        "host=127.0.0.1,nowhere.invalid,localhost hostaddr=,,127.0.0.1 port={closed},1,{port} \
         user=postgres password={password} dbname=postgres"
    );
    let mut connection = connect(&format!("{base} target_session_attrs=read-write")).unwrap();
    let described = format!("database “postgres” on localhost:{port}");
    assert_eq!(connection.describe().to_string(), described);
    assert_eq!(one(&mut connection, "1"), "1");
    let environment = connection.child_environment();
    let variable = |name: &str| {
        environment
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.reveal())
    };
    assert_eq!(variable("PGHOST"), Some("localhost"));
    assert_eq!(variable("PGHOSTADDR"), Some("127.0.0.1"));
    assert_eq!(variable("PGPORT"), Some(port.as_str()));
    let uri = format!(
        "postgresql://postgres:{password}@127.0.0.1:{closed},127.0.0.1:{port}/postgres?load_balance_hosts=random"
    );
    connect(&uri).unwrap();

    let error = refusal(&format!("{base} target_session_attrs=standby"));
    assert_says(
        &error,
        Kind::Connection,
        &[
            "no server can be used",
            "connection refused",
            "nowhere.invalid:1",
            "not a standby",
        ],
    );
    // A wrong password ends it: the other servers are not asked.
    let error = refusal(&format!(
        "host=127.0.0.1,nowhere.invalid port={port},1 user=postgres password=wrong dbname=postgres"
    ));
    assert_says(
        &error,
        Kind::Connection,
        &["password authentication failed"],
    );
    assert!(!error.sentence().contains("nowhere.invalid"), "{error}");
}

#[test]
fn the_kind_of_session_counts() {
    let database = Database::new("connections_read_only");
    let base = database.conninfo();
    let fits = |wanted: &str| connect(&format!("{base} target_session_attrs={wanted}")).is_ok();
    let all = [
        "any",
        "read-write",
        "read-only",
        "primary",
        "standby",
        "prefer-standby",
    ];
    assert_eq!(all.map(fits), [true, true, false, true, false, true]);
    database.run(&format!(
        "ALTER DATABASE \"{}\" SET default_transaction_read_only = on",
        database.name
    ));
    assert_eq!(all.map(fits), [true, false, true, true, false, true]);
}

#[test]
fn what_is_wrong_is_said_with_the_way_out() {
    let port = test("PORT");
    let base = format!("host=127.0.0.1 port={port} dbname=postgres");
    let error = refusal(&format!("{base} user=postgres password=Wrong-Secret"));
    let to = format!("Connecting to database “postgres” on 127.0.0.1:{port} as “postgres”: ");
    assert_says(
        &error,
        Kind::Connection,
        &[
            &to,
            "password authentication failed",
            "the connection string",
        ],
    );
    assert!(!error.sentence().contains("Wrong-Secret"));
    assert_eq!(error.sqlstate_code(), Some("28P01"));

    let home = Home::new();
    let path = home.write(".pgpass", "*:*:*:*:Wrong-Secret", 0o600);
    let error = home.open(&format!("{base} user=postgres")).err().unwrap();
    assert_says(
        &error,
        Kind::Connection,
        &["password authentication failed", path.to_str().unwrap()],
    );
    assert!(!error.sentence().contains("Wrong-Secret"));

    let error = refusal(&format!("{base} user=postgres"));
    assert_says(
        &error,
        Kind::Connection,
        &["none is given", ".pgpass", "PGPASSWORD"],
    );

    let error = refusal(&format!("{} dbname=missing", with_password()));
    assert_says(
        &error,
        Kind::Connection,
        &["“missing”", "does not exist", "capitals"],
    );
    assert_eq!(error.sqlstate_code(), Some("3D000"));

    let error = refusal("host=nowhere.invalid user=anna dbname=gis");
    assert_says(
        &error,
        Kind::Connection,
        &["“gis” on nowhere.invalid:5432 as “anna”", "looked up"],
    );

    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let error = refusal(&format!("host=127.0.0.1 port={closed} user=anna"));
    assert_says(
        &error,
        Kind::Connection,
        &["connection refused", "listen_addresses"],
    );

    let error = refusal("central");
    assert_says(
        &error,
        Kind::Connection,
        &[
            "“central”",
            ".pg_service.conf (not there)",
            "none were given",
        ],
    );
    let error = refusal("host=a frobnicate=1");
    assert_says(&error, Kind::Parameter, &["frobnicate"]);

    admin()
        .batch_execute("CREATE DATABASE closed_to_all ALLOW_CONNECTIONS false")
        .unwrap();
    let error = refusal(&format!("{} dbname=closed_to_all", with_password()));
    admin()
        .batch_execute("DROP DATABASE closed_to_all")
        .unwrap();
    assert_says(&error, Kind::Connection, &["closed_to_all"]);
}

#[test]
fn the_environment_of_the_process_counts() {
    // The environment belongs to the whole process, so the work is done in one of its own.
    if std::env::var_os("PGAPPNAME").is_some() {
        let mut connection = open(
            "fallback_application_name=x",
            &BTreeMap::new(),
            &Feedback::silent(),
        )
        .unwrap();
        assert_eq!(
            one(&mut connection, "current_setting('application_name')"),
            "from outside"
        );
        assert_eq!(
            one(&mut connection, "current_setting('work_mem')"),
            "1234kB"
        );
        return;
    }
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_environment_of_the_process_counts"])
        .env("PGAPPNAME", "from outside")
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", test("PORT"))
        .env("PGUSER", "postgres")
        .env("PGDATABASE", "postgres")
        .env("PGPASSWORD", test("PASSWORD"))
        .env("PGOPTIONS", "-c work_mem=1234kB")
        .status()
        .unwrap();
    assert!(status.success());
}
