//! Roles without superuser rights.
#![allow(dead_code, missing_docs)]

use std::sync::atomic::Ordering;

use postgres::{Client, NoTls};
use serde_json::json;

use super::{COUNTER, Database, admin, balanced, run};

/// A role that may log in and nothing else, dropped at the end: make it before its databases.
pub struct Role {
    pub name: String,
}

impl Role {
    pub fn new(label: &str) -> Self {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{label}_{}_{number}", std::process::id());
        admin()
            .batch_execute(&format!("CREATE ROLE {name} LOGIN"))
            .unwrap();
        Self { name }
    }

    pub fn conninfo(&self, database: &Database) -> String {
        database
            .conninfo()
            .replace("user=postgres", &format!("user={}", self.name))
    }

    pub fn connect(&self, database: &Database) -> Client {
        Client::connect(&self.conninfo(database), NoTls).unwrap()
    }

    pub fn run(&self, database: &Database, sql: &str) {
        self.connect(database)
            .batch_execute(sql)
            .unwrap_or_else(|error| panic!("{error:?}: {sql}"));
    }

    /// A database of its own.
    pub fn database(&self, label: &str) -> Database {
        let database = Database::new(label);
        admin()
            .batch_execute(&format!(
                "ALTER DATABASE \"{}\" OWNER TO {}",
                database.name, self.name
            ))
            .unwrap();
        database
    }

    /// Gives it what docs/roles.md says under that heading, and takes away what everybody has.
    pub fn grant(&self, heading: &str, database: &Database) {
        let sql = documented_grants(heading, &self.name, database);
        database.run(&format!(
            "REVOKE ALL ON DATABASE \"{}\" FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC; {sql}",
            database.name
        ));
    }

    /// Synchronises as this role on the central, and as superuser on the clone.
    pub fn synchronize(&self, central: &Database, clone: &Database) -> serde_json::Value {
        let outputs = run("synchronize_database", self.parameters(central, clone))
            .unwrap_or_else(|error| panic!("{}", error.sentence()));
        balanced(&outputs);
        outputs
    }

    pub fn parameters(&self, central: &Database, clone: &Database) -> serde_json::Value {
        json!({"CONNECTION_NAME_CENTRAL": self.conninfo(central), "CONNECTION_NAME_CLONE": clone.conninfo()})
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = admin().batch_execute(&format!("DROP ROLE {}", self.name));
    }
}

/// What docs/roles.md grants under a heading, for a role on a database: the block as it stands there,
/// with these two names.
fn documented_grants(heading: &str, role: &str, database: &Database) -> String {
    let text = include_str!("../../docs/roles.md");
    let (_, section) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    let (_, block) = section.split_once("```sql\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    assert!(block.contains("DATABASE central TO surveyor"), "{block}");
    block
        .replace(
            "DATABASE central",
            &format!("DATABASE \"{}\"", database.name),
        )
        .replace("surveyor", role)
}
