//! Runs that end early leave nothing half done.

use std::process::{Command, Stdio};

use lizsync::error::Kind;
use lizsync::feedback::Feedback;
use serde_json::Value;

use super::fixture::*;
use crate::support::{Database, prepared};

#[test]
fn a_canceled_packaging_leaves_no_file() {
    let central = prepared("cancel", PLAIN);
    let folder = Folder::new();
    let parameters = package_parameters(&central, "gis", &folder.path("p.zip"));
    for word in [
        "Reading the definitions",
        "Packaging the table gis.spot",
        "Packaging the table gis.tree",
    ] {
        let error = run_with(PACKAGE, &parameters, &when(word, Feedback::cancel)).unwrap_err();
        assert_eq!(error.kind(), Kind::Canceled, "{error}");
    }
    // While it waits for a lock.
    let mut editor = central.connect();
    editor
        .batch_execute("BEGIN; LOCK TABLE gis.tree IN ACCESS EXCLUSIVE MODE")
        .unwrap();
    let feedback = Feedback::silent();
    let canceler = feedback.clone();
    let name = central.name.clone();
    let thread = std::thread::spawn(move || {
        crate::support::wait_for_lock(&name);
        canceler.cancel();
    });
    let error = run_with(PACKAGE, &parameters, &feedback).unwrap_err();
    thread.join().unwrap();
    assert_eq!(error.kind(), Kind::Canceled, "{error}");
    assert!(folder.names().is_empty());
    assert_eq!(central.value("SELECT count(*) FROM lizsync.history"), "0");
}

#[test]
fn a_canceled_deployment_changes_nothing() {
    let (central, clone, folder, _) = deployed("cancel_deploy");
    let sql = folder.write("more.sql", "SELECT 1");
    let zip = folder.path("more.zip");
    package_with(&central, &zip, &sql).unwrap();
    let before = (picture(&clone), picture(&central));
    for word in [
        "Verifying",
        "Creating the tables",
        "Loading the table gis.tree",
        "Creating indexes",
        "additional",
        "Committing",
    ] {
        let parameters = deploy_parameters(&central, &clone, &zip);
        let result = run_with(DEPLOY, &parameters, &when(word, Feedback::cancel));
        assert_eq!(result.unwrap_err().kind(), Kind::Canceled, "{word}");
        assert!(before == (picture(&clone), picture(&central)), "{word}");
    }
}

fn terminate(database: &Database) -> impl Fn(&Feedback) + Send + Sync + use<> {
    let name = database.name.clone();
    move |_| {
        crate::support::terminate(&mut crate::support::admin(), "datname = $1", &[&name]);
    }
}

#[test]
fn a_connection_that_breaks() {
    let (central, clone, _folder, zip) = deployed("broken");
    let before = (picture(&clone), picture(&central));
    let parameters = deploy_parameters(&central, &clone, &zip);
    for word in ["Creating the tables", "Loading the table gis.tree"] {
        let error = run_with(DEPLOY, &parameters, &when(word, terminate(&clone))).unwrap_err();
        assert_eq!(error.kind(), Kind::Connection, "{error}");
        assert!(before == (picture(&clone), picture(&central)), "{word}");
    }
    // The central goes away after the clone was filled: the error says so, and another run repairs it.
    let deployment = clone.value("SELECT deployment FROM lizsync.deployment");
    let error = run_with(
        DEPLOY,
        &parameters,
        &when("Committing", terminate(&central)),
    )
    .unwrap_err();
    assert!(
        error
            .sentence()
            .contains("was deployed to the clone, but the central"),
        "{}",
        error.sentence()
    );
    assert_ne!(
        clone.value("SELECT deployment FROM lizsync.deployment"),
        deployment
    );
    deploy(&central, &clone, &zip).unwrap();
}

/// A packaging in a process of its own, which the test below can limit and kill.
const CHILD: &str = "LIZSYNC_TEST_CHILD";

fn child(parameters: &Value, limit: Option<u64>) -> Command {
    let mut command = Command::new("python3");
    let limit = limit.map_or(String::new(), |bytes| {
        format!("signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes}, {bytes}));")
    });
    command
        .arg("-c")
        .arg(format!(
            "import os, resource, signal, sys; {limit} os.execv(sys.argv[1], sys.argv[1:])"
        ))
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "package::failures::a_full_disk_or_a_kill_leaves_the_old_package",
            "--nocapture",
        ])
        .env(CHILD, parameters.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[cfg(unix)]
#[test]
fn a_full_disk_or_a_kill_leaves_the_old_package() {
    if let Ok(parameters) = std::env::var(CHILD) {
        let error =
            crate::support::run(PACKAGE, serde_json::from_str(&parameters).unwrap()).unwrap_err();
        println!("{:?} {}", error.kind(), error.sentence());
        return;
    }
    let central = prepared(
        "full",
        "CREATE SCHEMA gis; CREATE TABLE gis.big (id int PRIMARY KEY, x text);
         INSERT INTO gis.big SELECT i, md5(i::text) FROM generate_series(1, 5000) AS i",
    );
    let folder = Folder::new();
    let zip = folder.write("p.zip", "the old package");
    let parameters = package_parameters(&central, "gis", &zip);
    for limit in [0, 10_000, 100_000] {
        let output = child(&parameters, Some(limit)).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            said.contains("File Writing the package") && said.contains("free space"),
            "{limit}: {said} {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(folder.names(), ["p.zip"]);
    }
    let mut editor = central.connect();
    editor
        .batch_execute("BEGIN; LOCK TABLE gis.big IN ACCESS EXCLUSIVE MODE")
        .unwrap();
    let mut running = child(&parameters, None).spawn().unwrap();
    crate::support::wait_for_lock(&central.name);
    running.kill().unwrap();
    running.wait().unwrap();
    assert_eq!(folder.names().len(), 2, "the temporary file was there");
    for name in folder.names().iter().filter(|name| *name != "p.zip") {
        use std::os::unix::fs::PermissionsExt;
        let mode = folder.path(name).metadata().unwrap().permissions().mode();
        assert!(
            name.starts_with(".p.zip.") && name.ends_with(".part"),
            "{name}"
        );
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(std::fs::read(&zip).unwrap(), b"the old package");
    assert_eq!(central.value("SELECT count(*) FROM lizsync.history"), "0");
    editor.batch_execute("ROLLBACK").unwrap();
    package(&central, "gis", &zip);
    deploy(&central, &Database::new("full_clone"), &zip).unwrap();
}

/// A script around pg_dump: killing it does not end what it started, which holds the pipes.
#[cfg(unix)]
#[test]
fn a_wrapper_of_pg_dump_is_not_waited_for_after_a_cancel() {
    use std::os::unix::fs::PermissionsExt;
    let central = prepared("wrapper", PLAIN);
    let (folder, bin) = (Folder::new(), Folder::new());
    let begun = bin.path("begun");
    let script = format!("#!/bin/sh\ntouch {}\nsleep 20\n", begun.display());
    let path = bin.write("pg_dump", script);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut parameters = package_parameters(&central, "gis", &folder.path("p.zip"));
    parameters["POSTGRESQL_BINARY_PATH"] = serde_json::json!(bin.0.path());

    let feedback = Feedback::silent();
    let canceler = feedback.clone();
    let thread = std::thread::spawn(move || {
        while !begun.exists() {
            std::thread::yield_now();
        }
        canceler.cancel();
        std::time::Instant::now()
    });
    let error = run_with(PACKAGE, &parameters, &feedback).unwrap_err();
    assert_eq!(error.kind(), Kind::Canceled, "{error}");
    let waited = thread.join().unwrap().elapsed();
    assert!(waited < std::time::Duration::from_secs(10), "{waited:?}");
    assert!(folder.names().is_empty());
}

/// A wrapper that prints all it was given does not bring the password into a message.
#[cfg(unix)]
#[test]
fn what_a_wrapper_of_pg_dump_prints_holds_no_password() {
    use std::os::unix::fs::PermissionsExt;
    let central = prepared("talkative", PLAIN);
    let (folder, bin) = (Folder::new(), Folder::new());
    let script = "#!/bin/sh\n[ $1 = --version ] && echo 'pg_dump (PostgreSQL) 99.1' || { echo \"no, $PGPASSWORD, se%20same%2F\" >&2; exit 3; }\n";
    let path = bin.write("pg_dump", script);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut parameters = package_parameters(&central, "gis", &folder.path("p.zip"));
    parameters["POSTGRESQL_BINARY_PATH"] = serde_json::json!(bin.0.path());
    // Over the socket nobody asks for it.
    parameters["CONNECTION_NAME_CENTRAL"] =
        serde_json::json!(format!("{} password='se same/'", central.conninfo()));
    let sentence = crate::support::refused("package_master_database", parameters, Kind::Program);
    assert!(sentence.contains("no, ***, ***"), "{sentence}");
}
