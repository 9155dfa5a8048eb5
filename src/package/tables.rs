//! What the schemas of a central hold: tables, sequences, and what they need from outside.

use ::postgres::GenericClient;
use serde::{Deserialize, Serialize};

use super::listed::Listed;
use super::manifest::{Extension, is_reserved};
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::{Doing, Table, literal};
use crate::secret::shown_list;
use crate::structure;
use crate::text::{Text, tr};

/// A table of the central.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub table: Table,
    pub oid: u32,
    /// False for a partitioned table, whose partitions hold the rows.
    pub holds_rows: bool,
    /// Roughly; for the progress only.
    pub bytes: i64,
    /// Without generated ones.
    pub columns: Vec<String>,
}

impl Source {
    /// Whether both are one table with the same columns.
    pub fn is_same(&self, other: &Self) -> bool {
        self.oid == other.oid && self.table == other.table && self.columns == other.columns
    }
}

/// A sequence and where it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sequence {
    pub schema: String,
    pub name: String,
    pub last_value: i64,
    pub is_called: bool,
}

/// The schemas to package: those wanted, without the ones that are never packaged.
///
/// # Errors
/// [`Kind::Parameter`](crate::error::Kind::Parameter) naming those that do not exist and those that
/// do, and when nothing is left.
pub(super) fn schemas(
    client: &mut impl GenericClient,
    wanted: &[String],
    feedback: &Feedback,
) -> Result<Vec<String>> {
    let rows = client
        .query(include_str!("../../sql/package/schemas.sql"), &[&wanted])
        .doing(|| tr!("Looking for the schemas"))?;
    let (mut missing, mut never, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let name: String = row.get("name");
        if is_reserved(&name) || row.get("of_extension") {
            never.push(name);
        } else if row.get("present") {
            kept.push(name);
        } else {
            missing.push(name);
        }
    }
    if !missing.is_empty() {
        return Err(Error::parameter(tr!(
            "Parameter SCHEMAS names schemas that do not exist: {missing}.",
            missing = shown_list(&missing)
        ))
        .hint(tr!(
            "{available} Capitals matter; separate the names by commas.",
            available = available(client)?
        )));
    }
    if !never.is_empty() {
        feedback.warning(tr!(
            "These schemas are never packaged: {never}.",
            never = Text::list(never)
        ));
    }
    if kept.is_empty() {
        return Err(Error::parameter(tr!(
            "Parameter SCHEMAS names no schema that can be packaged."
        ))
        .hint(available(client)?));
    }
    Ok(kept)
}

fn available(client: &mut impl GenericClient) -> Result<Text> {
    let rows = client
        .query("SELECT nspname::text FROM pg_namespace ORDER BY 1", &[])
        .doing(|| tr!("Listing the schemas"))?;
    let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let names: Vec<_> = names
        .into_iter()
        .filter(|name| !is_reserved(name))
        .collect();
    Ok(match names.is_empty() {
        true => tr!("The database has no schema that can be packaged."),
        false => tr!("There are {names}.", names = Text::list(names)),
    })
}

/// Refuses tables that a clone could not synchronise.
///
/// # Errors
/// [`Kind::State`](crate::error::Kind::State) naming them.
pub(super) fn refuse_unprepared(
    client: &mut impl GenericClient,
    schemas: &[String],
    listed: &Listed,
    feedback: &Feedback,
) -> Result<()> {
    let rows = client
        .query(
            include_str!("../../sql/structure/tables.sql"),
            &[&schemas, &0u32],
        )
        .doing(|| tr!("Looking at the tables"))?;
    let uncaptured = structure::uncaptured(client, schemas)?;
    let mut unprepared = Vec::new();
    for row in rows {
        let table = Table::new(row.get::<_, String>("schema"), row.get::<_, String>("name"));
        let name = table.plain();
        if !listed.has(&table) || !matches!(row.get("kind"), "r" | "p") {
            continue;
        }
        let with_uid = row.get::<_, Option<&str>>("uid_type") == Some("uuid");
        if let Some(child) = row
            .get::<_, Option<&str>>("foreign_child")
            .filter(|_| !with_uid)
        {
            feedback.warning(tr!(
                "{name}, from which the foreign table {child} inherits, has no uid: its rows are packaged, but not synchronised later.",
                name,
                child
            ));
            continue;
        }
        if !with_uid {
            unprepared.push(tr!("{name} (no uid)", name));
        } else if let Some(found) = uncaptured
            .iter()
            .find(|u| u.oid == row.get::<_, u32>("oid"))
        {
            unprepared.push(tr!("{name} ({wrong})", name, wrong = found.wrong));
        }
    }
    if unprepared.is_empty() {
        return Ok(());
    }
    Err(Error::state(tr!(
        "These tables are not prepared for synchronisation: {unprepared}.",
        unprepared = Text::list(unprepared)
    ))
    .hint(tr!("Run “Prepare the central database” first.")))
}

/// The tables of the schemas.
pub(super) fn list(client: &mut impl GenericClient, schemas: &[String]) -> Result<Vec<Source>> {
    let rows = client
        .query(include_str!("../../sql/package/tables.sql"), &[&schemas])
        .doing(|| tr!("Listing the tables"))?;
    Ok(rows
        .iter()
        .map(|row| Source {
            table: Table::new(row.get::<_, String>("schema"), row.get::<_, String>("name")),
            oid: row.get("oid"),
            holds_rows: row.get("holds_rows"),
            bytes: row.get("bytes"),
            columns: row.get("columns"),
        })
        .collect())
}

/// The sequences of the schemas, with their values.
pub(super) fn sequences(
    client: &mut impl GenericClient,
    schemas: &[String],
) -> Result<Vec<Sequence>> {
    let names: Vec<Table> = client
        .query(include_str!("../../sql/package/sequences.sql"), &[&schemas])
        .doing(|| tr!("Listing the sequences"))?
        .iter()
        .map(|row| Table::new(row.get::<_, String>("schema"), row.get::<_, String>("name")))
        .collect();
    let mut sequences = Vec::new();
    for some in names.chunks(100) {
        let selects: Vec<_> = some
            .iter()
            .map(|name| {
                format!(
                    "SELECT {} AS schema, {} AS name, last_value, is_called FROM {name}",
                    literal(&name.schema),
                    literal(&name.name)
                )
            })
            .collect();
        let rows = client
            .query(&selects.join(" UNION ALL "), &[])
            .doing(|| tr!("Reading the sequences"))?;
        sequences.extend(rows.iter().map(|row| Sequence {
            schema: row.get("schema"),
            name: row.get("name"),
            last_value: row.get("last_value"),
            is_called: row.get("is_called"),
        }));
    }
    Ok(sequences)
}

/// The extensions that the objects of the schemas need. Warns of everything else that they need
/// from outside the schemas: the clone must have it.
pub(super) fn extensions(
    client: &mut impl GenericClient,
    schemas: &[String],
    feedback: &Feedback,
) -> Result<Vec<Extension>> {
    let rows = client
        .query(include_str!("../../sql/package/needs.sql"), &[&schemas])
        .doing(|| tr!("Looking for what the schemas need"))?;
    let mut extensions = Vec::new();
    let mut others: Vec<String> = Vec::new();
    for row in rows {
        match row.get::<_, Option<String>>("extension") {
            Some(name) => extensions.push(Extension {
                name,
                schema: row.get("schema"),
                version: row.get("version"),
            }),
            None => others.push(row.get("other")),
        }
    }
    if !others.is_empty() {
        feedback.warning(tr!(
            "The package needs what is not in it: {others}. A clone must have that already; otherwise package those schemas as well.",
            others = others.join(", ")
        ));
    }
    Ok(extensions)
}
