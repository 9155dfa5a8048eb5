//! Names that would be SQL, formats, patterns or something else to whoever does not quote them, across the whole chain.
#![allow(missing_docs)]

use lizsync::postgres::{literal, quote};
use postgres::{Client, NoTls};
use serde_json::json;

use crate::support::{Database, admin, balanced, run};

/// Sixty-three bytes, the most that a name may have.
const LONGEST: &str = "éééééééééééééééééééééééééééééé\"'x";

/// What ends a quote, a literal, a statement; placeholders of every kind; what looks like something else.
const NAMES: [&str; 12] = [
    "x\"; DROP TABLE public.proof; --",
    "x'); DROP TABLE public.proof; --",
    "$$ $a$ %s %1$I %% $1",
    "E'\\x41' \\\" \\",
    "{table} {columns} {",
    "*.? [x] (a|b) ^ $",
    "-- /* \n\r\t",
    "a\u{202e}b\u{200b}\u{feff}",
    "caf\u{e9}",
    "cafe\u{301}",
    "A,\"B\" ",
    LONGEST,
];

/// The tables: in each schema one, with a column of each name.
fn structure() -> String {
    let columns: Vec<String> = NAMES
        .iter()
        .map(|name| format!("{} text DEFAULT {}", quote(name), literal(name)))
        .collect();
    let mut sql = String::new();
    for (index, name) in NAMES.iter().enumerate() {
        let (schema, table) = (quote(name), quote(NAMES[(index + 5) % NAMES.len()]));
        let (key, check) = (
            quote(NAMES[(index + 1) % NAMES.len()]),
            quote(NAMES[(index + 2) % NAMES.len()]),
        );
        sql.push_str(&format!(
            "CREATE SCHEMA {schema}; CREATE TABLE {schema}.{table} (id serial, {}, CONSTRAINT {key} PRIMARY KEY (id),
                CONSTRAINT {check} CHECK ({key} <> 'never'));
             CREATE INDEX {schema} ON {schema}.{table} ({key});
             COMMENT ON TABLE {schema}.{table} IS {}; INSERT INTO {schema}.{table} DEFAULT VALUES;",
            columns.join(", "),
            literal(name),
        ));
    }
    sql
}

/// An insertion, and an update of the first row, in every table.
fn edits(by: &str) -> String {
    let edit = |(index, name): (usize, &&str)| {
        let table = format!(
            "{}.{}",
            quote(name),
            quote(NAMES[(index + 5) % NAMES.len()])
        );
        let column = quote(NAMES[(index + by.len()) % NAMES.len()]);
        let value = literal(&format!("{by} {name}"));
        format!(
            "INSERT INTO {table} ({column}) VALUES ({value}); UPDATE {table} SET {column} = {value} WHERE id = 1;"
        )
    };
    NAMES.iter().enumerate().map(edit).collect()
}

fn rows(database: &Database) -> Vec<String> {
    let read = |(index, name): (usize, &&str)| {
        let table = format!(
            "{}.{}",
            quote(name),
            quote(NAMES[(index + 5) % NAMES.len()])
        );
        let columns: Vec<String> = NAMES.iter().map(|name| quote(name)).collect();
        database.rows(&format!(
            "SELECT uid, {} FROM {table} ORDER BY uid",
            columns.join(", ")
        ))
    };
    NAMES.iter().enumerate().flat_map(read).collect()
}

/// A role with a database of its own, both of hostile names; dropped at the end.
struct Owner {
    role: String,
    database: Option<Database>,
}

impl Owner {
    /// `piece` goes into both names, which have 63 bytes.
    fn new(piece: &str, label: char) -> Self {
        let number = std::process::id();
        let filled = |start: String| -> String {
            let left = 63 - start.len();
            start + &"~".repeat(left)
        };
        let role = filled(format!("{label} {piece} {number} "));
        // The rest of the name comes from there; the longest has few bytes for it.
        let database = Database::new(&format!("{label} {piece}"));
        admin()
            .batch_execute(&format!(
                "CREATE ROLE {0} LOGIN; ALTER DATABASE {1} OWNER TO {0};
                 ALTER DATABASE {1} SET standard_conforming_strings = off; ALTER DATABASE {1} SET DateStyle = 'German';
                 ALTER ROLE {0} SET search_path = 'evil', \"$user\", public; ALTER ROLE {0} SET bytea_output = 'escape'",
                quote(&role),
                quote(&database.name)
            ))
            .unwrap();
        database.run(
            "CREATE TABLE public.proof (x int); CREATE SCHEMA evil; GRANT ALL ON SCHEMA evil, public TO PUBLIC",
        );
        Self {
            role,
            database: Some(database),
        }
    }

    fn database(&self) -> &Database {
        self.database.as_ref().unwrap()
    }

    fn conninfo(&self) -> String {
        let role = self.role.replace('\\', "\\\\").replace('\'', "\\'");
        self.database()
            .conninfo()
            .replace("user=postgres", &format!("user='{role}'"))
    }

    fn run(&self, sql: &str) {
        let mut client = Client::connect(&self.conninfo(), NoTls).unwrap();
        // What the test itself writes is meant by the ordinary rules.
        let sql = format!("SET standard_conforming_strings = on; {sql}");
        client
            .batch_execute(&sql)
            .unwrap_or_else(|error| panic!("{error:?}: {sql}"));
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        drop(self.database.take());
        let _ = admin().batch_execute(&format!("DROP ROLE {}", quote(&self.role)));
    }
}

#[test]
fn hostile_names_go_through_the_whole_chain() {
    assert_eq!(LONGEST.len(), 63);
    let central = Owner::new("c\"; DROP TABLE x; -- $$ %s '\\", 'c');
    let clone = Owner::new("k'); -- {x} \u{202e}\u{301} é \\\"", 'k');
    central.run(&structure());
    let (on_central, on_clone) = (central.conninfo(), clone.conninfo());
    run(
        "create_database_structure",
        json!({"CONNECTION_NAME": on_central}),
    )
    .unwrap_or_else(|error| panic!("{}", error.sentence()));
    run(
        "initialize_central_database",
        json!({"CONNECTION_NAME_CENTRAL": on_central}),
    )
    .unwrap_or_else(|error| panic!("{}", error.sentence()));
    let folder = tempfile::tempdir().unwrap();
    let zip = folder
        .path()
        .join(NAMES[0].replace('/', ""))
        .join("p '%s\".zip");
    std::fs::create_dir(zip.parent().unwrap()).unwrap();
    let schemas: Vec<String> = NAMES.iter().map(|name| quote(name)).collect();
    let binaries = std::env::var("LIZSYNC_TEST_BIN").unwrap();
    run(
        "package_master_database",
        json!({"CONNECTION_NAME_CENTRAL": on_central, "POSTGRESQL_BINARY_PATH": binaries,
            "SCHEMAS": schemas.join(", "), "ZIP_FILE": zip}),
    )
    .unwrap_or_else(|error| panic!("{}", error.sentence()));
    let both = json!({"CONNECTION_NAME_CENTRAL": on_central, "CONNECTION_NAME_CLONE": on_clone});
    let mut deployment = both.clone();
    deployment["ZIP_FILE"] = json!(zip);
    for _ in 0..2 {
        run("deploy_database_server_package", deployment.clone())
            .unwrap_or_else(|error| panic!("{}", error.sentence()));
        assert_eq!(rows(central.database()), rows(clone.database()));
    }
    for round in ["", "more", "and more"] {
        central.run(&edits(&format!("central{round}")));
        clone.run(&edits(&format!("tablet{round}")));
        let outputs = run("synchronize_database", both.clone())
            .unwrap_or_else(|error| panic!("{}", error.sentence()));
        balanced(&outputs);
        assert_eq!(outputs["SET_ASIDE"], 0, "{outputs}");
        let least = NAMES.len() as u64 * 2;
        assert!(
            outputs["APPLIED_TO_CLONE"].as_u64() >= Some(least)
                && outputs["APPLIED_TO_CENTRAL"].as_u64() >= Some(NAMES.len() as u64),
            "{outputs}"
        );
        run("synchronize_database", both.clone()).unwrap();
        assert_eq!(rows(central.database()), rows(clone.database()));
    }
    // What the names say was done nowhere, and every table and column has its own name still.
    for owner in [&central, &clone] {
        let database = owner.database();
        assert_eq!(database.value("SELECT count(*) FROM public.proof"), "0");
        let tables = "SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.relkind = 'r' AND n.nspname NOT IN ('audit', 'lizsync', 'public', 'evil', 'information_schema') AND n.nspname !~ '^pg_'";
        assert_eq!(database.value(tables), NAMES.len().to_string());
        assert_eq!(
            database
                .value("SELECT count(*) FROM pg_class WHERE relnamespace = 'evil'::regnamespace"),
            "0"
        );
    }
    let logged = "SELECT count(DISTINCT (schema_name, table_name)), string_agg(DISTINCT session_user_name, '') FROM audit.logged_actions WHERE origin IS NULL";
    assert_eq!(
        central.database().value(logged),
        format!("{}|{}", NAMES.len(), central.role)
    );
}
