//! A package of some tables of its schemas only: which they are, and what is left out with the others.

use std::collections::BTreeSet;

use ::postgres::GenericClient;

use super::tables::{Source, list};
use crate::error::{Error, Result};
use crate::postgres::{Doing, Table};
use crate::secret::shown;
use crate::text::{Text, tr};

/// What is packaged of the schemas.
#[derive(Debug, Clone, Default)]
pub(super) struct Listed {
    /// The tables that were listed; None for all. Partitions go with their tables.
    pub tables: Option<Vec<Table>>,
    /// Tables, views and sequences of the schemas that are not packaged.
    pub left_out: BTreeSet<Table>,
    /// The views among them.
    views: Vec<Text>,
}

impl Listed {
    /// Finds the tables of a list among those of the schemas; a name without schema is that of the one
    /// table of that name. `wanted`: names, each with its schema where it was given.
    ///
    /// # Errors
    /// [`Kind::Parameter`](crate::error::Kind::Parameter) for a table that is not there, not alone, or a partition;
    /// [`Kind::State`](crate::error::Kind::State) where a listed table refers to one that is not.
    pub fn find(
        client: &mut impl GenericClient,
        schemas: &[String],
        wanted: &[(Option<String>, String)],
    ) -> Result<Self> {
        if wanted.is_empty() {
            return Ok(Self::default());
        }
        let sources = list(client, schemas)?;
        let mut tables = Vec::new();
        for (schema, name) in wanted {
            let found: Vec<&Source> = sources
                .iter()
                .filter(|source| source.table.name == *name)
                .filter(|source| schema.as_ref().is_none_or(|s| *s == source.table.schema))
                .collect();
            tables.push(match found[..] {
                [source] => source.clone(),
                [] => return Err(unknown(schema.as_deref(), name)),
                [..] => {
                    return Err(Error::parameter(tr!(
                        "Parameter TABLES names {name}, which is in more than one of the schemas: {tables}.",
                        name,
                        tables = Text::list(found.iter().map(|source| source.table.plain()))
                    ))
                    .hint(tr!("Put the schema in front of the name.")));
                }
            });
        }
        let roots: Vec<u32> = tables.iter().map(|source| source.oid).collect();
        let oids: Vec<u32> = client
            .query(include_str!("../../sql/package/partitions.sql"), &[&roots])
            .doing(|| tr!("Looking for partitions"))?
            .iter()
            .map(|row| row.get(0))
            .collect();
        let mut listed = Self {
            tables: Some(tables.into_iter().map(|source| source.table).collect()),
            ..Self::default()
        };
        let rows = client
            .query(
                include_str!("../../sql/package/unlisted.sql"),
                &[&schemas, &oids],
            )
            .doing(|| tr!("Looking for what is not packaged"))?;
        let mut needed = Vec::new();
        for row in rows {
            let name: String = row.get("name");
            match row.get::<_, Option<String>>("needed") {
                Some(other) => needed.push(tr!("{name} needs {other}", name, other)),
                None => {
                    let table = Table::new(row.get::<_, String>("schema"), name);
                    if matches!(row.get("kind"), "v" | "m") {
                        listed.views.push(Text::verbatim(table.plain()));
                    }
                    listed.left_out.insert(table);
                }
            }
        }
        let mut tables = listed.tables.iter().flatten();
        if let Some(partition) = tables.find(|table| !listed.has(table)) {
            return Err(Error::parameter(tr!(
                "Parameter TABLES names {table}, which is part of a table that is not listed.",
                table = partition.plain()
            ))
            .hint(tr!(
                "Name the partitioned table: its partitions go with it."
            )));
        }
        if !needed.is_empty() {
            return Err(Error::state(tr!(
                "Parameter TABLES leaves out what the listed tables need: {needed}.",
                needed = Text::clauses(needed)
            ))
            .hint(tr!("List those tables as well.")));
        }
        Ok(listed)
    }

    /// Whether a table, view or sequence of the schemas is packaged.
    pub fn has(&self, table: &Table) -> bool {
        !self.left_out.contains(table)
    }

    /// A warning that names the views that are not packaged.
    pub fn warning(&self) -> Option<Text> {
        (!self.views.is_empty()).then(|| {
            tr!(
                "These views show tables that are not packaged, and are left out: {views}.",
                views = Text::list(&self.views)
            )
        })
    }
}

fn unknown(schema: Option<&str>, name: &str) -> Error {
    let table = match schema {
        Some(schema) => Table::new(schema, name).plain(),
        None => name.to_owned(),
    };
    let table = match shown(&table) {
        Some(_) => Text::verbatim(table),
        None => tr!("something (not shown, as it may hold a password)"),
    };
    Error::parameter(tr!(
        "Parameter TABLES names {table}, which is no table of the schemas.",
        table
    ))
    .hint(tr!(
        "Write schema.table, as the database has them: capitals matter; separate the tables by commas."
    ))
}
