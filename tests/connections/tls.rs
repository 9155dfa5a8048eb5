//! TLS in six modes, certificates of both sides.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use lizsync::error::Kind;
use lizsync::feedback::Feedback;

use super::support::admin;
use super::{
    Home, Role, assert_says, certificate, connect, encrypted, one, refusal, test, with_password,
};

#[test]
fn the_six_modes_of_tls() {
    let root = format!("sslrootcert={}", certificate("root.crt"));
    let wrong = format!("sslrootcert={}", certificate("client.crt"));
    let its_own = format!("sslrootcert={}", certificate("server.crt"));
    for (given, expected) in [
        ("sslmode=disable", Some(false)),
        ("sslmode=allow", Some(false)),
        ("", Some(true)),
        ("sslmode=prefer", Some(true)),
        (&format!("sslmode=prefer {wrong}"), Some(true)),
        ("sslmode=require", Some(true)),
        ("sslmode=require sslrootcert=/nowhere", Some(true)),
        (&format!("sslmode=require {wrong}"), None),
        ("sslmode=verify-ca", None),
        (&format!("sslmode=verify-ca {root}"), Some(true)),
        (&format!("sslmode=verify-ca {wrong}"), None),
        (
            &format!("sslmode=verify-ca {root} host=wrong.example"),
            Some(true),
        ),
        (&format!("sslmode=verify-full {root}"), Some(true)),
        (
            &format!("sslmode=verify-full {root} host=127.0.0.1"),
            Some(true),
        ),
        (
            &format!("sslmode=verify-full {root} host=wrong.example"),
            None,
        ),
        (&format!("sslmode=verify-full {wrong}"), None),
        (&format!("sslmode=verify-full {its_own}"), Some(true)),
        (
            &format!("sslmode=verify-full {its_own} host=wrong.example"),
            None,
        ),
        (
            &format!("sslmode=verify-ca {its_own} host=wrong.example"),
            Some(true),
        ),
        ("sslrootcert=system", None),
        (
            &format!("sslmode=verify-full {root} ssl_max_protocol_version=TLSv1.2"),
            Some(true),
        ),
        (
            &format!("sslmode=verify-full {root} channel_binding=require"),
            Some(true),
        ),
        ("sslmode=disable channel_binding=require", None),
    ] {
        let value = format!("{} {given}", with_password());
        match (connect(&value), expected) {
            (Ok(mut connection), Some(expected)) => {
                assert_eq!(encrypted(&mut connection), expected, "{given}");
            }
            (Err(error), None) => assert_says(&error, Kind::Connection, &["database “postgres”"]),
            (Err(error), Some(_)) => panic!("{given}: {}", error.sentence()),
            (Ok(_), None) => panic!("{given} should have failed"),
        }
    }
    let value = format!("{} sslmode=verify-full", with_password());
    assert_says(
        &refusal(&format!("{value} {wrong}")),
        Kind::Connection,
        &["not signed", "client.crt"],
    );
    assert_says(
        &refusal(&format!("{value} {root} host=wrong.example")),
        Kind::Connection,
        &["another name"],
    );
    assert_says(
        &refusal(&value),
        Kind::Connection,
        &["root.crt", "sslrootcert"],
    );
    let error = refusal(&format!(
        "{value} sslrootcert={}",
        certificate("client.key")
    ));
    assert_says(&error, Kind::Connection, &["client.key", "no certificate"]);
}

#[test]
fn a_root_certificate_in_its_place_makes_require_check_it() {
    let home = Home::new();
    let value = format!("{} sslmode=require", with_password());
    let place = ".postgresql/root.crt";
    home.write(place, fs::read(certificate("root.crt")).unwrap(), 0o644);
    assert!(encrypted(&mut home.open(&value).unwrap()));
    home.write(place, fs::read(certificate("client.crt")).unwrap(), 0o644);
    let error = home.open(&value).err().unwrap();
    assert_says(&error, Kind::Connection, &["not signed", place]);
    assert!(encrypted(&mut home.open(&with_password()).unwrap()));
}

#[test]
fn a_client_certificate_stands_for_a_password() {
    let _role = Role::new("certuser", "for plain text");
    let base = format!(
        "host=localhost hostaddr=127.0.0.1 port={} user=certuser dbname=postgres",
        test("PORT")
    );
    let files = format!(
        "sslcert={} sslkey={}",
        certificate("client.crt"),
        certificate("client.key")
    );
    for version in ["TLSv1.2", "TLSv1.3"] {
        let value = format!("{base} {files} sslmode=require ssl_max_protocol_version={version}");
        let mut connection = connect(&value).unwrap();
        assert_eq!(one(&mut connection, "current_user"), "certuser");
        let mut psql = Command::new(format!("{}/psql", test("BIN")));
        connection.prepare(psql.args(["-XAtc", "SELECT current_user"]));
        assert_eq!(psql.output().unwrap().stdout, b"certuser\n");
    }
    let error = refusal(&format!("{base} sslmode=require"));
    assert_says(&error, Kind::Connection, &["client certificate", "sslcert"]);
    assert_eq!(error.sqlstate_code(), Some("28000"));

    let home = Home::new();
    home.write(
        ".postgresql/postgresql.crt",
        fs::read(certificate("client.crt")).unwrap(),
        0o644,
    );
    let value = format!("{base} sslmode=require");
    let error = home.open(&value).err().unwrap();
    assert_says(&error, Kind::Connection, &["postgresql.crt", "sslkey"]);
    let key = ".postgresql/postgresql.key";
    home.write(key, fs::read(certificate("client.key")).unwrap(), 0o644);
    let error = home.open(&value).err().unwrap();
    assert_says(&error, Kind::Connection, &["postgresql.key", "chmod 600"]);
    home.write(key, fs::read(certificate("client.key")).unwrap(), 0o600);
    assert!(encrypted(&mut home.open(&value).unwrap()));
    home.write(key, fs::read(certificate("root.key")).unwrap(), 0o600);
    let error = home.open(&value).err().unwrap();
    assert_says(
        &error,
        Kind::Connection,
        &["postgresql.crt", "cannot be used"],
    );
    // The server wants a certificate with TLS and a password without: `prefer` finds the way.
    let value = format!("{base} password='for plain text'");
    assert!(!encrypted(&mut connect(&value).unwrap()));
    // Files that cannot be used only mean that there is no TLS, where TLS is optional.
    assert!(!encrypted(&mut home.open(&value).unwrap()));
}

#[test]
fn allow_turns_to_tls_and_prefer_away_from_it_when_the_server_wants_it() {
    let _roles = ["tls_only", "plain_only"].map(|name| Role::new(name, "x"));
    let rules = "hostnossl all tls_only all reject\nhostssl all plain_only all reject\n";
    let loaded = || -> String {
        let row = admin()
            .query_one("SELECT pg_conf_load_time()::text", &[])
            .unwrap();
        row.get(0)
    };
    let before = loaded();
    // The rules of the others stay; ours come first.
    let sql = format!(
        "DO $do$ DECLARE old text := pg_read_file(current_setting('hba_file')); BEGIN
           EXECUTE format('COPY (SELECT line FROM unnest(string_to_array(%L, chr(10))) AS line) TO %L',
                          '{rules}' || old, current_setting('hba_file'));
         END $do$; SELECT pg_reload_conf()"
    );
    admin().batch_execute(&sql).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while loaded() == before {
        assert!(
            Instant::now() < deadline,
            "the server does not load its configuration"
        );
    }
    let value = |user: &str, mode: &str| {
        format!(
            "host=127.0.0.1 port={} dbname=postgres user={user} password=x sslmode={mode}",
            test("PORT")
        )
    };
    for (user, mode, expected) in [
        ("tls_only", "allow", true),
        ("tls_only", "prefer", true),
        ("tls_only", "require", true),
        ("plain_only", "allow", false),
        ("plain_only", "prefer", false),
        ("plain_only", "disable", false),
    ] {
        let mut connection = connect(&value(user, mode)).unwrap();
        assert_eq!(encrypted(&mut connection), expected, "{user} {mode}");
        let mut second = connection.another(&Feedback::silent()).unwrap();
        assert_eq!(encrypted(&mut second), expected, "{user} {mode}");
    }
    for (user, mode) in [("tls_only", "disable"), ("plain_only", "require")] {
        assert_says(
            &refusal(&value(user, mode)),
            Kind::Connection,
            &["pg_hba.conf", user],
        );
    }
}
