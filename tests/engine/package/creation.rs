//! What a packaging refuses and warns of.

use lizsync::error::Kind;
use serde_json::json;

use super::fixture::*;
use crate::support::{Database, central, messages, prepared};

fn refused(kind: Kind, parameters: serde_json::Value) -> String {
    crate::support::refused(PACKAGE, parameters, kind)
}

#[test]
fn schemas_that_cannot_be_packaged() {
    let database = prepared("schemas", PLAIN);
    database.run("CREATE SCHEMA \"Raw, data\"; CREATE TABLE \"Raw, data\".a (x int); CREATE TABLE \"Raw, data\".b (uid uuid); CREATE VIEW \"Raw, data\".v AS SELECT 1 AS x");
    let folder = Folder::new();
    let zip = folder.path("p.zip");
    let with = |schemas| package_parameters(&database, schemas, &zip);

    let said = refused(Kind::Parameter, with("gis, Gis, none"));
    assert!(
        said.contains("do not exist: “Gis”, “none”.") && said.contains("There are Raw, data, gis."),
        "{said}"
    );
    let said = refused(
        Kind::Parameter,
        with("public, lizsync, audit, pg_catalog, information_schema"),
    );
    assert!(said.contains("no schema that can be packaged"), "{said}");
    let said = refused(Kind::State, with("gis, \"Raw, data\""));
    assert!(
        said.contains("Raw, data.a (no uid), Raw, data.b (no audit triggers)")
            && said.contains("Prepare the central"),
        "{said}"
    );
    assert!(folder.names().is_empty());

    let said = messages(PACKAGE, with("public, gis"));
    assert!(
        said.iter().any(|m| m.contains("never packaged: public")),
        "{said:?}"
    );
    assert!(
        said.iter().any(|m| m == "Packaging the table gis.tree."),
        "{said:?}"
    );
}

#[test]
fn databases_that_are_no_central() {
    let folder = Folder::new();
    let zip = folder.path("p.zip");
    let (_, clone, _keep, _) = deployed("nocentral");
    let said = refused(Kind::State, package_parameters(&clone, "gis", &zip));
    assert!(said.contains("is a clone"), "{said}");
    let said = refused(
        Kind::State,
        package_parameters(&central("unprepared", PLAIN), "gis", &zip),
    );
    assert!(said.contains("not prepared"), "{said}");
    let said = refused(
        Kind::State,
        package_parameters(&Database::new("nothing"), "gis", &zip),
    );
    assert!(said.contains("not installed"), "{said}");

    let role = format!("reader_{}", std::process::id());
    let database = prepared("rights", PLAIN);
    database.run(&format!("CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA gis, lizsync TO {role};
        GRANT EXECUTE ON FUNCTION lizsync.identity, lizsync.record_package TO {role}; GRANT SELECT ON gis.spot TO {role}"));
    let mut parameters = package_parameters(&database, "gis", &zip);
    parameters["CONNECTION_NAME_CENTRAL"] = json!(
        database
            .conninfo()
            .replace("user=postgres", &format!("user={role}"))
    );
    let said = refused(Kind::Permission, parameters.clone());
    assert!(said.contains("permission denied for table tree"), "{said}");
    // Rows that the role may not see must not be left out silently.
    database.run(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA gis TO {role}; GRANT SELECT ON ALL SEQUENCES IN SCHEMA gis TO {role};
        ALTER TABLE gis.tree ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON gis.tree TO {role} USING (id < 2)"));
    let said = refused(Kind::Permission, parameters);
    assert!(
        said.contains("row-level security") && said.contains("gis.tree"),
        "{said}"
    );
    assert!(folder.names().is_empty());
    let said = messages(PACKAGE, package_parameters(&database, "gis", &zip));
    assert!(
        said.iter()
            .any(|m| m.contains(&format!("not in it: role {role}."))),
        "{said:?}"
    );
    database.run(&format!(
        "DROP POLICY p ON gis.tree; DROP OWNED BY {role}; DROP ROLE {role}"
    ));
}

#[test]
fn a_central_that_cannot_be_written_or_is_not_complete() {
    let folder = Folder::new();
    let zip = folder.path("p.zip");
    let database = prepared("broken", PLAIN);
    let mut parameters = package_parameters(&database, "gis", &zip);
    let read_only = database.conninfo() + " options='-c default_transaction_read_only=on'";
    parameters["CONNECTION_NAME_CENTRAL"] = json!(read_only);
    let said = refused(Kind::Permission, parameters.clone());
    assert!(said.contains("standby"), "{said}");

    let role = format!("stranger_{}", std::process::id());
    database.run(&format!("CREATE ROLE {role} LOGIN"));
    let stranger = format!("user={role}");
    parameters["CONNECTION_NAME_CENTRAL"] =
        json!(database.conninfo().replace("user=postgres", &stranger));
    let said = refused(Kind::Permission, parameters);
    assert!(said.contains(&format!("“{}”", database.name)), "{said}");
    database.run(&format!("DROP ROLE {role}; DROP SCHEMA audit CASCADE"));

    let said = refused(Kind::State, package_parameters(&database, "gis", &zip));
    assert!(
        said.contains("not complete") && said.contains("audit"),
        "{said}"
    );
    assert!(folder.names().is_empty());
}

#[cfg(unix)]
#[test]
fn pg_dump_must_be_there_and_fit() {
    use std::os::unix::fs::PermissionsExt;
    let database = prepared("pgdump", PLAIN);
    let folder = Folder::new();
    let bin = Folder::new();
    let mut parameters = package_parameters(&database, "gis", &folder.path("p.zip"));
    parameters["POSTGRESQL_BINARY_PATH"] = json!(bin.0.path());
    let said = refused(Kind::Program, parameters.clone());
    assert!(
        said.contains("no pg_dump in") && said.contains("POSTGRESQL_BINARY_PATH"),
        "{said}"
    );

    // A program counts by what it says of itself.
    for (script, expected) in [
        (
            "echo 'pg_dump (PostgreSQL) 9.6.24'",
            "has version 9.6.24, but the server has version",
        ),
        ("echo hello", "does not say its version"),
        (
            "[ $1 = --version ] && echo 'pg_dump (PostgreSQL) 99.1' || { echo 'oh no' >&2; exit 3; }",
            "oh no",
        ),
        (
            "[ $1 = --version ] && echo 'pg_dump (PostgreSQL) 99.1' || echo '\\! id'",
            "psql command",
        ),
    ] {
        let path = bin.write("pg_dump", format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let said = refused(Kind::Program, parameters.clone());
        assert!(said.contains(expected), "{said}");
    }
    let path = bin.write("pg_dump", "no program");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = refused(Kind::Program, parameters);
    assert!(said.contains("cannot be run"), "{said}");
    assert!(folder.names().is_empty());
}

#[test]
fn files_that_cannot_be_read_or_written() {
    let database = prepared("files", PLAIN);
    let folder = Folder::new();
    let plain = folder.write("plain", "x");
    for zip in [
        folder.0.path().to_owned(),
        folder.path("none/p.zip"),
        plain.join("p.zip"),
        folder.path("p.zip/"),
        "/proc/p.zip".into(),
    ] {
        let said = refused(Kind::File, package_parameters(&database, "gis", &zip));
        assert!(said.contains(zip.to_str().unwrap()), "{said}");
    }
    let zip = folder.path("p.zip");
    for (content, expected) in [
        (
            &b"SELECT 1;\n\\connect other"[..],
            "psql command “\\connect” in line 2",
        ),
        (b"SELECT '\xe9'", "is not UTF-8"),
        (b"SELECT 'open", "not closed"),
    ] {
        let sql = folder.write("more.sql", content);
        let error = package_with(&database, &zip, &sql).unwrap_err();
        assert!(
            error.kind() == Kind::File && error.to_string().contains(expected),
            "{error}"
        );
    }
    let error = package_with(&database, &zip, &folder.path("none.sql")).unwrap_err();
    assert!(
        error.kind() == Kind::File && error.to_string().contains("none.sql cannot be read"),
        "{error}"
    );
    assert_eq!(folder.names(), ["more.sql", "plain"]);
    assert_eq!(database.value("SELECT count(*) FROM lizsync.history"), "0");

    // A package replaces what had its name, and only its owner may read it.
    folder.write("p.zip", "old");
    package(&database, "gis", &zip);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            std::fs::metadata(&zip).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    assert_eq!(&std::fs::read(&zip).unwrap()[..2], b"PK");
    assert_eq!(folder.names(), ["more.sql", "p.zip", "plain"]);
}

#[test]
fn what_a_package_needs_from_outside_is_named() {
    let database = prepared(
        "needs",
        "CREATE SCHEMA gis; CREATE EXTENSION postgis; CREATE EXTENSION postgres_fdw; CREATE SCHEMA lists;
         CREATE TYPE public.mood AS ENUM ('good'); CREATE FUNCTION public.f() RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$;
         CREATE TABLE lists.l (code text PRIMARY KEY);
         CREATE TABLE gis.t (id int PRIMARY KEY, m public.mood[], x text DEFAULT public.f() REFERENCES lists.l, g geometry);
         CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw; CREATE FOREIGN TABLE gis.remote (id int) SERVER far;
         CREATE TABLE lists.parent (id int); CREATE TABLE gis.child () INHERITS (lists.parent)",
    );
    let folder = Folder::new();
    let said = messages(
        PACKAGE,
        package_parameters(&database, "gis", &folder.path("p.zip")),
    );
    let needs = said
        .iter()
        .find(|m| m.contains("needs what is not in it"))
        .unwrap();
    for thing in [
        "type public.mood",
        "function public.f()",
        "constraint l_pkey on table lists.l",
        "table lists.parent",
        "server far",
    ] {
        // Names are given as the search path of the session wants them.
        assert!(needs.contains(thing), "{thing}: {needs}");
    }
    assert!(
        !needs.contains("geometry") && !needs.contains("audit"),
        "{needs}"
    );
}

#[test]
fn tables_that_change_at_the_last_moment() {
    let database = prepared("moving", PLAIN);
    let clone = Database::new("moving_clone");
    let folder = Folder::new();
    let zip = folder.path("p.zip");
    for sql in [
        "TRUNCATE gis.tree",
        "ALTER TABLE gis.spot ADD COLUMN more int DEFAULT 7",
    ] {
        let mut editor = database.connect();
        editor.batch_execute(&format!("BEGIN; {sql}")).unwrap();
        let name = database.name.clone();
        let thread = std::thread::spawn(move || {
            crate::support::wait_for_lock(&name);
            editor.batch_execute("COMMIT").unwrap();
        });
        let said = messages(PACKAGE, package_parameters(&database, "gis", &zip));
        thread.join().unwrap();
        let again = said.iter().any(|m| m.contains("looking at them again"));
        assert_eq!(again, sql.starts_with("ALTER"), "{said:?}");
        deploy(&database, &clone, &zip).unwrap();
        for table in ["gis.tree", "gis.spot"] {
            let rows = format!("SELECT * FROM {table}");
            assert_eq!(clone.rows(&rows), database.rows(&rows));
        }
    }
    // The deletions of the TRUNCATE are in the package, so they are not new to the clone.
    let snapshot = clone.value("SELECT snapshot FROM lizsync.received");
    assert_eq!(
        database.value(&format!("SELECT count(*) FROM audit.logged_actions WHERE NOT txid_visible_in_snapshot(transaction_id, '{snapshot}')")),
        "0"
    );
}

#[test]
fn pg_dump_reaches_the_database_as_the_connection_does() {
    let database = prepared("tcp", PLAIN);
    let folder = Folder::new();
    let zip = folder.path("p.zip");
    let variable = |name| std::env::var(name).unwrap();
    let conninfo = |password: &str| {
        format!(
            "host=localhost port={} user=postgres dbname={} password={password} sslmode=verify-full sslrootcert={}/root.crt",
            variable("LIZSYNC_TEST_PORT"),
            database.name,
            variable("LIZSYNC_TEST_CERTS")
        )
    };
    let mut parameters = package_parameters(&database, "gis", &zip);
    parameters["CONNECTION_NAME_CENTRAL"] = json!("office");
    parameters["connections"] = json!({"office": conninfo(&variable("LIZSYNC_TEST_PASSWORD"))});
    let said = messages(PACKAGE, parameters);
    assert!(said.last().unwrap().contains("4 rows"), "{said:?}");
}

/// What is no plain file is neither replaced nor waited for.
#[cfg(unix)]
#[test]
fn a_pipe_is_no_file() {
    use std::os::unix::fs::FileTypeExt;
    let database = prepared("pipe", PLAIN);
    let folder = Folder::new();
    let pipe = folder.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());

    let said = refused(Kind::File, package_parameters(&database, "gis", &pipe));
    assert!(said.contains("is no plain file"), "{said}");
    let error = package_with(&database, &folder.path("p.zip"), &pipe).unwrap_err();
    assert!(error.to_string().contains("is no plain file"), "{error}");
    let clone = Database::new("pipe_clone");
    let error = deploy(&database, &clone, &pipe).unwrap_err();
    assert!(error.to_string().contains("is no plain file"), "{error}");

    assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo());
    assert_eq!(folder.names(), ["pipe"]);
}
