//! The tables that a run synchronises, as both databases know them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ::postgres::GenericClient;

use super::order;
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::{Doing, Table, literal, quote};

/// A table in one database.
#[derive(Debug, Clone)]
pub struct Local {
    /// Its oid there.
    pub oid: u32,
    has_uid: bool,
    audited: bool,
    /// Whether the role owns it, and so may disable its triggers.
    pub owned: bool,
    columns: BTreeSet<String>,
    all_columns: BTreeSet<String>,
    /// The defaults of its columns, as SQL expressions.
    pub defaults: BTreeMap<String, String>,
    /// Triggers of the user's own.
    pub triggers: Vec<Trigger>,
}

/// A trigger of the user's own.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// Its table or partition, as SQL.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Whether it runs in every session (mode `A`), or only in ordinary ones (`O`).
    pub always: bool,
}

/// A foreign key of a database.
#[derive(Debug, Clone)]
pub struct Reference {
    /// The oid of the referring table.
    pub child: u32,
    /// The oid of the table that it refers to.
    pub parent: u32,
    /// The referring table as SQL.
    pub child_name: String,
    /// Pairs of columns: of the child, of the parent.
    pub columns: Vec<(String, String)>,
}

impl Reference {
    /// The condition that row `c` of the child refers to row `t` of the parent.
    pub fn condition(&self) -> String {
        let pairs: Vec<String> = self
            .columns
            .iter()
            .map(|(child, parent)| format!("c.{} = t.{}", quote(child), quote(parent)))
            .collect();
        pairs.join(" AND ")
    }
}

/// A table that is synchronised. Its number is its place in [`Scope::tables`].
#[derive(Debug, Clone)]
pub struct Synced {
    /// Its name, the same in both databases.
    pub table: Table,
    /// In the central.
    pub central: Local,
    /// In the clone.
    pub clone: Local,
    /// The columns whose values travel, sorted.
    pub columns: BTreeSet<Arc<str>>,
}

/// All tables of a run, parents before children.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The tables.
    pub tables: Vec<Synced>,
}

/// Reads the tables of some schemas from one database.
pub fn read(client: &mut impl GenericClient, schemas: &[String]) -> Result<BTreeMap<Table, Local>> {
    let rows = client
        .query(include_str!("../../sql/sync/tables.sql"), &[&schemas])
        .doing(|| "Reading the tables to synchronise")?;
    let tables = rows.iter().map(|row| {
        let table = Table::new(row.get::<_, String>("schema"), row.get::<_, String>("name"));
        let on: Vec<String> = row.get("trigger_tables");
        let names: Vec<String> = row.get("triggers");
        let modes: Vec<String> = row.get("trigger_modes");
        let triggers = on.into_iter().zip(names).zip(modes);
        let local = Local {
            oid: row.get("oid"),
            has_uid: row.get("has_uid"),
            audited: row.get("audited"),
            owned: row.get("owned"),
            columns: row.get::<_, Vec<String>>("columns").into_iter().collect(),
            all_columns: row
                .get::<_, Vec<String>>("all_columns")
                .into_iter()
                .collect(),
            defaults: row
                .get::<_, Vec<String>>("default_columns")
                .into_iter()
                .zip(row.get::<_, Vec<String>>("defaults"))
                .collect(),
            triggers: triggers
                .map(|((table, name), mode)| Trigger {
                    table,
                    name,
                    always: mode == "A",
                })
                .collect(),
        };
        (table, local)
    });
    Ok(tables.collect())
}

/// Reads the foreign keys that refer to some tables.
pub fn references(client: &mut impl GenericClient, tables: &[u32]) -> Result<Vec<Reference>> {
    let rows = client
        .query(include_str!("../../sql/sync/references.sql"), &[&tables])
        .doing(|| "Reading the foreign keys")?;
    let references = rows.iter().map(|row| {
        let child: Vec<String> = row.get("child_columns");
        let parent: Vec<String> = row.get("parent_columns");
        Reference {
            child: row.get("child"),
            parent: row.get("parent"),
            child_name: row.get("child_name"),
            columns: child.into_iter().zip(parent).collect(),
        }
    });
    Ok(references.collect())
}

impl Scope {
    /// The tables that both databases hold. `references` are those of the central.
    ///
    /// # Errors
    /// [`Kind::State`](crate::error::Kind::State) for tables and columns that one side lacks.
    pub fn new(
        central: BTreeMap<Table, Local>,
        mut clone: BTreeMap<Table, Local>,
        references: &[Reference],
        feedback: &Feedback,
    ) -> Result<Self> {
        let mut tables = Vec::new();
        let mut missing = Vec::new();
        for (table, here) in central {
            if !here.has_uid || !here.audited {
                feedback.warning(format!(
                    "{} is not prepared in the central database: left out. “Prepare the central database” adds what it needs.",
                    table.plain()
                ));
                continue;
            }
            match clone.remove(&table) {
                Some(there) if there.has_uid => {
                    if !there.audited {
                        feedback.warning(format!(
                            "{} has no audit triggers in the clone: its edits there are not captured. Deploy a package to the clone again.",
                            table.plain()
                        ));
                    }
                    tables.push(Synced::new(table, here, there)?);
                }
                _ => missing.push(table.plain()),
            }
        }
        if !missing.is_empty() {
            return Err(Error::state(format!(
                "The clone lacks tables of the central database, or their uid: {}. Nothing was synchronised.",
                missing.join(", ")
            ))
            .hint("Package the central database again and deploy the package to the clone."));
        }
        let place = |oid: u32| tables.iter().position(|synced| synced.central.oid == oid);
        let pairs: Vec<(usize, usize)> = references
            .iter()
            .filter_map(|r| Some((place(r.child)?, place(r.parent)?)))
            .collect();
        let order = order::parents_first(tables.len(), &pairs);
        Ok(Self {
            tables: order
                .into_iter()
                .map(|place| tables[place].clone())
                .collect(),
        })
    }

    /// For each table, the columns that travel.
    pub fn columns(&self) -> Arc<Vec<BTreeSet<Arc<str>>>> {
        Arc::new(
            self.tables
                .iter()
                .map(|synced| synced.columns.clone())
                .collect(),
        )
    }

    /// The tables as rows of an SQL VALUES list: number, schema, name.
    pub fn values(&self) -> String {
        let rows: Vec<String> = self
            .tables
            .iter()
            .enumerate()
            .map(|(number, synced)| {
                let Table { schema, name } = &synced.table;
                format!("({number}, {}, {})", literal(schema), literal(name))
            })
            .collect();
        rows.join(", ")
    }
}

impl Synced {
    fn new(table: Table, central: Local, clone: Local) -> Result<Self> {
        // A column travels when it exists on both sides and is an automatic key on neither.
        let travels = |one: &Local, other: &Local| -> Vec<String> {
            one.columns
                .difference(&other.all_columns)
                .cloned()
                .collect()
        };
        for (lacking, names) in [
            ("clone", travels(&central, &clone)),
            ("central database", travels(&clone, &central)),
        ] {
            if !names.is_empty() {
                return Err(Error::state(format!(
                    "Table {} has columns that the {lacking} lacks: {}. Nothing was synchronised.",
                    table.plain(),
                    names.join(", ")
                ))
                .hint(
                    "Add them there, or package the central database again and deploy the package.",
                ));
            }
        }
        let columns = central
            .columns
            .intersection(&clone.columns)
            .map(|name| Arc::from(name.as_str()))
            .collect();
        Ok(Self {
            table,
            central,
            clone,
            columns,
        })
    }
}
