//! Whether the edits of tables are captured whole.

use ::postgres::GenericClient;

use crate::error::Result;
use crate::postgres::{Doing, Table};
use crate::text::{Text, tr};

/// A table whose edits are not captured, or not all of them.
#[derive(Debug, Clone)]
pub struct Uncaptured {
    /// Its name.
    pub table: Table,
    /// Its oid.
    pub oid: u32,
    /// What is wrong.
    pub wrong: Text,
    /// Whether it was prepared for synchronisation, at least in part.
    pub prepared: bool,
}

/// The tables of `schemas` (empty: all) whose edits are not captured whole.
pub fn uncaptured(client: &mut impl GenericClient, schemas: &[String]) -> Result<Vec<Uncaptured>> {
    let rows = client
        .query(
            include_str!("../../sql/structure/uncaptured.sql"),
            &[&schemas],
        )
        .doing(|| tr!("Looking at the audit triggers"))?;
    Ok(rows
        .iter()
        .map(|row| Uncaptured {
            table: Table::new(row.get::<_, String>("schema"), row.get::<_, String>("name")),
            oid: row.get("oid"),
            wrong: wrong(row.get("wrong")),
            prepared: row.get("prepared"),
        })
        .collect())
}

/// What `uncaptured.sql` says.
fn wrong(what: &str) -> Text {
    match what {
        "no audit triggers" => tr!("no audit triggers"),
        "inheritance" => tr!("audit triggers from before it took part in inheritance"),
        "audit triggers are disabled" => tr!("audit triggers are disabled"),
        "audit triggers are missing or changed" => tr!("audit triggers are missing or changed"),
        other => Text::verbatim(other),
    }
}
