//! A package and its deployment against pg_dump and pg_restore.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::measure::{Report, timed};
use crate::support::{Database, prepared, run, variable};
use crate::table::{POINT, SCHEMA, fill};

const ROWS: u64 = 1_000_000;

fn call(program: &str, arguments: &[&str]) {
    let program = Path::new(&variable("LIZSYNC_TEST_BIN")).join(program);
    let status = Command::new(&program).args(arguments).status().unwrap();
    assert!(status.success(), "{} failed", program.display());
}

pub fn packages(report: &mut Report) {
    let central = prepared("bench_package", SCHEMA);
    central.run(&fill(ROWS, POINT));
    central.run("DELETE FROM audit.logged_actions");
    central.run("VACUUM (ANALYZE)");
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("package.zip");
    let dump = folder.path().join("dump").display().to_string();
    let mut packaging = Vec::new();
    let mut deploying = Vec::new();
    for round in 0..=report.runs {
        let parameters = json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "SCHEMAS": "gis",
            "POSTGRESQL_BINARY_PATH": variable("LIZSYNC_TEST_BIN"), "ZIP_FILE": zip});
        let ours = timed(|| {
            run("package_master_database", parameters).unwrap();
        });
        let conninfo = central.conninfo();
        let theirs = timed(|| {
            call(
                "pg_dump",
                &["-Fc", "-n", "gis", "-f", &dump, "-d", &conninfo],
            )
        });
        let pair = (ours, theirs);

        // What a deployment finds: an empty database with the extensions.
        let [clone, restored] = ["bench_deployed", "bench_restored"].map(|label| {
            let database = Database::new(label);
            database.run("CREATE EXTENSION postgis; CREATE EXTENSION hstore");
            database
        });
        let parameters = json!({"CONNECTION_NAME_CENTRAL": central.conninfo(),
            "CONNECTION_NAME_CLONE": clone.conninfo(), "ZIP_FILE": zip});
        let ours = timed(|| {
            run("deploy_database_server_package", parameters).unwrap();
        });
        let conninfo = restored.conninfo();
        // The triggers of the dump call functions of these schemas.
        restored.run("CREATE SCHEMA audit; CREATE FUNCTION audit.capture_statement() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
            CREATE FUNCTION audit.capture_truncate() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'");
        let theirs = timed(|| call("pg_restore", &["-1", "-d", &conninfo, &dump]));
        if round > 0 {
            packaging.push(pair);
            deploying.push((ours, theirs));
        }
    }
    report.ratio("package of 1,000,000 rows", "pg_dump -Fc", packaging, 1.3);
    report.ratio(
        "deployment of that package",
        "pg_restore in one transaction",
        deploying,
        1.3,
    );
}
