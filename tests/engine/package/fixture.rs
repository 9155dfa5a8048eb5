//! Databases and packages for these tests.

use std::path::{Path, PathBuf};

use lizsync::error::{Error, Kind};
use lizsync::feedback::Feedback;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::Database;

pub const ODD: &str = "Gis \"1\".* %ä$[x]";
pub const SCHEMAS: &str = "trees, \"Gis \"\"1\"\".* %ä$[x]\"";
pub const FIXTURE: &str = include_str!("fixture.sql");
pub const PLAIN: &str = "CREATE SCHEMA gis; CREATE TABLE gis.tree (id serial PRIMARY KEY, name text);
    INSERT INTO gis.tree (name) VALUES ('oak'), ('ash'), ('elm');
    CREATE TABLE gis.spot (code text PRIMARY KEY, label text); INSERT INTO gis.spot VALUES ('a', 'A')";

pub const PACKAGE: &str = "package_master_database";
pub const DEPLOY: &str = "deploy_database_server_package";

/// A folder for zips, deleted at the end.
pub struct Folder(pub TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The names in the folder.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

pub fn binaries() -> String {
    std::env::var("LIZSYNC_TEST_BIN").unwrap()
}

pub fn package_parameters(central: &Database, schemas: &str, zip: &Path) -> Value {
    json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "POSTGRESQL_BINARY_PATH": binaries(),
        "SCHEMAS": schemas, "ZIP_FILE": zip})
}

/// Makes a package; returns OUTPUT_STRING.
pub fn package(central: &Database, schemas: &str, zip: &Path) -> String {
    said(crate::support::run(PACKAGE, package_parameters(central, schemas, zip)).unwrap())
}

/// Makes a package of schema gis with additional SQL.
pub fn package_with(central: &Database, zip: &Path, sql: &Path) -> Result<Value, Error> {
    let mut parameters = package_parameters(central, "gis", zip);
    parameters["ADDITIONAL_SQL_FILE"] = json!(sql);
    crate::support::run(PACKAGE, parameters)
}

pub fn said(outputs: Value) -> String {
    outputs["OUTPUT_STRING"].as_str().unwrap().to_owned()
}

pub fn deploy_parameters(central: &Database, clone: &Database, zip: &Path) -> Value {
    json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo(), "ZIP_FILE": zip})
}

pub fn deploy(central: &Database, clone: &Database, zip: &Path) -> Result<Value, Error> {
    crate::support::run(DEPLOY, deploy_parameters(central, clone, zip))
}

/// A deployment that must be refused without changing the clone; returns the sentence.
pub fn refused(central: &Database, clone: &Database, zip: &Path, kind: Kind) -> String {
    let before = (picture(clone), picture(central));
    let sentence = crate::support::refused(DEPLOY, deploy_parameters(central, clone, zip), kind);
    assert!(
        before == (picture(clone), picture(central)),
        "something changed although: {sentence}"
    );
    sentence
}

/// A prepared central with schema gis, an empty clone, a folder, and a package in it.
pub fn plain(label: &str) -> (Database, Database, Folder, PathBuf) {
    let central = crate::support::prepared(label, PLAIN);
    let clone = Database::new(&format!("{label}_clone"));
    let folder = Folder::new();
    let zip = folder.path("p.zip");
    package(&central, "gis", &zip);
    (central, clone, folder, zip)
}

/// The same, deployed.
pub fn deployed(label: &str) -> (Database, Database, Folder, PathBuf) {
    let all = plain(label);
    deploy(&all.0, &all.1, &all.3).unwrap();
    all
}

/// Catalogue and content of a database; what was made anew has other oids and versions.
pub fn picture(database: &Database) -> Vec<String> {
    let mut client = database.connect();
    let mut rows = |sql: &str| -> Vec<String> {
        client
            .query(sql, &[])
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect()
    };
    let mut all = Vec::new();
    for catalogue in [
        "namespace",
        "extension",
        "proc",
        "type",
        "constraint",
        "trigger",
        "attrdef",
        "foreign_server",
    ] {
        all.extend(rows(&format!("SELECT '{catalogue} ' || oid || ' ' || xmin FROM pg_{catalogue} WHERE oid >= 16384 ORDER BY oid")));
    }
    all.extend(rows("SELECT oid || ' ' || relfilenode || ' ' || relname FROM pg_class WHERE oid >= 16384 ORDER BY oid"));
    all.extend(rows("SELECT attrelid || ' ' || attname || ' ' || xmin FROM pg_attribute WHERE attrelid >= 16384 ORDER BY attrelid, attnum"));
    for table in rows(
        "SELECT oid::regclass::text FROM pg_class WHERE oid >= 16384 AND relkind IN ('r', 'S') AND relname <> 'spatial_ref_sys' ORDER BY oid",
    ) {
        all.extend(rows(&format!(
            "SELECT ROW(t.*)::text FROM {table} AS t ORDER BY 1"
        )));
    }
    all
}

/// Definitions as pg_dump writes them, without comments and keys.
pub fn catalogue(database: &Database, schemas: &str) -> Vec<String> {
    let mut command = std::process::Command::new(Path::new(&binaries()).join("pg_dump"));
    command.args(["-s", "-O", "-x", "-d", &database.conninfo()]);
    for schema in schemas.split('|').filter(|s| !s.is_empty()) {
        command.arg(format!("--schema=\"{}\"", schema.replace('"', "\"\"")));
    }
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with("--") && !line.starts_with("\\") && !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A feedback that does `act` when a message holds `word`.
pub fn when(word: &'static str, act: impl Fn(&Feedback) + Send + Sync + 'static) -> Feedback {
    let itself = std::sync::Arc::new(std::sync::OnceLock::<Feedback>::new());
    let inner = itself.clone();
    let feedback = Feedback::new(move |event| {
        if let lizsync::feedback::Event::Message(_, text) = event
            && text.contains(word)
        {
            act(inner.get().unwrap());
        }
    });
    itself.set(feedback.clone()).ok();
    feedback
}

pub fn run_with(id: &str, parameters: &Value, feedback: &Feedback) -> Result<Value, Error> {
    lizsync::registry::run(id, parameters, feedback).map(lizsync::schema::Outputs::into_json)
}
