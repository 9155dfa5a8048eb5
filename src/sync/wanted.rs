//! What a clone synchronises.

use std::collections::BTreeSet;

use ::postgres::Row;
use serde_json::{Value, json};

use crate::postgres::Table;

/// What a clone synchronises.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The schemas.
    pub schemas: Vec<String>,
    /// The tables of them; None for all.
    tables: Option<BTreeSet<Table>>,
}

impl Wanted {
    /// From the row of `scope.sql`; None where an entry is null.
    ///
    /// # Errors
    /// Another type of a column.
    pub fn from_row(row: &Row) -> Result<Option<Self>, postgres::Error> {
        let all = |names: Vec<Option<String>>| names.into_iter().collect::<Option<Vec<_>>>();
        let Some(schemas) = all(row.try_get("schemas")?) else {
            return Ok(None);
        };
        let (of, names): (Option<Vec<_>>, Option<Vec<_>>) =
            (row.try_get("table_schemas")?, row.try_get("table_names")?);
        let Some((of, names)) = of.zip(names) else {
            let tables = None;
            return Ok(Some(Self { schemas, tables }));
        };
        let tables = all(of).zip(all(names)).map(|(of, names)| {
            let pairs = of.into_iter().zip(names);
            Some(
                pairs
                    .map(|(schema, name)| Table::new(schema, name))
                    .collect(),
            )
        });
        Ok(tables.map(|tables| Self { schemas, tables }))
    }

    /// Whether a table of the schemas is synchronised.
    pub fn has(&self, table: &Table) -> bool {
        self.tables
            .as_ref()
            .is_none_or(|tables| tables.contains(table))
    }

    /// The schemas and names of the tables that are listed.
    pub fn names(&self) -> (Vec<&str>, Vec<&str>) {
        let tables = self.tables.iter().flatten();
        tables.map(|table| (&*table.schema, &*table.name)).unzip()
    }

    /// The tables as `lizsync.register_clone` takes them.
    pub fn tables_json(&self) -> Option<String> {
        let object = |table: &Table| json!({"schema": table.schema, "table": table.name});
        let list = |tables: &BTreeSet<Table>| Value::Array(tables.iter().map(object).collect());
        self.tables.as_ref().map(|tables| list(tables).to_string())
    }
}
