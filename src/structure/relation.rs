//! One relation of a central database, and what it needs to be synchronised.

use std::collections::BTreeSet;

use ::postgres::{GenericClient, Row};

use super::captured;
use crate::error::{Error, Result};
use crate::postgres::{Doing, Table, path};
use crate::text::tr;

/// A table, view or foreign table, as `sql/structure/tables.sql` describes it.
#[derive(Debug)]
pub(super) struct Relation {
    pub(super) table: Table,
    pub(super) oid: u32,
    pub(super) kind: Kind,
    uid_type: Option<String>,
    uid_notnull: bool,
    uid_default: bool,
    uid_unique: bool,
    pub(super) has_key: bool,
    partition_key: Option<String>,
    /// A foreign table that inherits from it.
    pub(super) foreign_child: Option<String>,
    captured: bool,
    truncate_missing: i64,
}

/// What a relation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Table,
    Partitioned,
    View,
    ForeignTable,
    /// A table that inherits or is inherited from, without partitions: with rows of its own.
    Inheritance,
}

/// Reads the relations of `schemas` (empty: all that can be prepared).
pub(super) fn read(client: &mut impl GenericClient, schemas: &[String]) -> Result<Vec<Relation>> {
    let rows = client
        .query(
            include_str!("../../sql/structure/tables.sql"),
            &[&schemas, &0u32],
        )
        .doing(|| tr!("Listing the tables"))?;
    let uncaptured = captured::uncaptured(client, schemas)?;
    let uncaptured: BTreeSet<u32> = uncaptured.iter().map(|table| table.oid).collect();
    Ok(rows
        .iter()
        .map(|row| Relation::from_row(row, &uncaptured))
        .collect())
}

/// Reads a relation once more: what was done to a table was done to those that inherit from it.
pub(super) fn again(client: &mut impl GenericClient, relation: Relation) -> Result<Relation> {
    let none: &[&str] = &[];
    let row = client
        .query_opt(
            include_str!("../../sql/structure/tables.sql"),
            &[&none, &relation.oid],
        )
        .doing(|| tr!("Listing the tables"))?;
    let captured = relation.captured;
    let now = row.map(|row| Relation::from_row(&row, &BTreeSet::new()));
    Ok(now.map_or(relation, |now| Relation { captured, ..now }))
}

impl Relation {
    fn from_row(row: &Row, uncaptured: &BTreeSet<u32>) -> Self {
        let inherits: bool = row.get("inherits");
        let kind = match row.get("kind") {
            "r" if inherits => Kind::Inheritance,
            "r" => Kind::Table,
            "p" => Kind::Partitioned,
            "f" => Kind::ForeignTable,
            _ => Kind::View,
        };
        Self {
            table: Table::new(row.get::<_, String>("schema"), row.get::<_, String>("name")),
            oid: row.get("oid"),
            kind,
            uid_type: row.get("uid_type"),
            uid_notnull: row.get::<_, Option<bool>>("uid_notnull").unwrap_or(false),
            uid_default: row.get::<_, Option<bool>>("uid_default").unwrap_or(false),
            uid_unique: row.get("uid_unique"),
            has_key: row.get("has_key"),
            partition_key: row.get("partition_key"),
            foreign_child: row.get("foreign_child"),
            captured: !uncaptured.contains(&row.get("oid")),
            truncate_missing: row.get("truncate_missing"),
        }
    }

    /// Whether it holds rows that can be synchronised.
    pub(super) fn is_table(&self) -> bool {
        matches!(
            self.kind,
            Kind::Table | Kind::Partitioned | Kind::Inheritance
        )
    }

    /// Whether it has a `uid` of the right type.
    pub(super) fn has_uid(&self) -> bool {
        self.uid_type.as_deref() == Some("uuid")
    }

    /// Whether all its changes are captured, in the way that suits it, and those of all its partitions
    /// from the first row on.
    pub(super) fn is_audited(&self) -> bool {
        self.captured && self.truncate_missing == 0
    }

    /// Gives it a `uid uuid NOT NULL UNIQUE` with `uuid` as its default, an expression that makes a
    /// random one; whether that changed anything.
    ///
    /// # Errors
    /// [`Kind::State`](crate::error::Kind::State) for a `uid` of another type or with duplicates.
    pub(super) fn add_uid(&mut self, client: &mut impl GenericClient, uuid: &str) -> Result<bool> {
        let table = &self.table;
        if let Some(other) = self.uid_type.as_deref().filter(|_| !self.has_uid()) {
            return Err(Error::state(tr!(
                "Table {table} has a column uid of type {other}, not uuid.",
                table = table.plain(),
                other
            ))
            .hint(tr!("Rename that column, then run again.")));
        }
        let mut actions = Vec::new();
        if self.uid_type.is_none() {
            actions.push(format!("ADD COLUMN uid uuid NOT NULL DEFAULT {uuid}"));
        } else {
            self.refuse_duplicates(client, uuid)?;
            if !self.uid_default {
                actions.push(format!("ALTER COLUMN uid SET DEFAULT {uuid}"));
            }
            if !self.uid_notnull {
                path::as_in_a_session(client)?;
                client
                    .execute(
                        &format!("UPDATE {table} SET uid = {uuid} WHERE uid IS NULL"),
                        &[],
                    )
                    .doing(|| {
                        tr!(
                            "Giving a uid to the rows of {table} without one",
                            table = table.plain()
                        )
                    })?;
                actions.push("ALTER COLUMN uid SET NOT NULL".to_owned());
            }
        }
        let index = match (self.uid_unique, self.kind) {
            (true, _) => None,
            (false, Kind::Partitioned) => Some(match &self.partition_key {
                Some(key) => format!("CREATE UNIQUE INDEX ON {table} (uid, {key})"),
                None => format!("CREATE INDEX ON {table} (uid)"),
            }),
            (false, _) => {
                actions.push("ADD UNIQUE (uid)".to_owned());
                None
            }
        };
        if actions.is_empty() && index.is_none() {
            return Ok(false);
        }
        let mut sql = String::new();
        if !actions.is_empty() {
            sql = format!("ALTER TABLE {table} {};", actions.join(", "));
        }
        sql.push_str(&index.unwrap_or_default());
        // Functions in checks, indexes and triggers expect the search path of a session.
        path::as_in_a_session(client)?;
        sql.push_str(&format!(";{}", path::PLAIN));
        client
            .batch_execute(&sql)
            .doing(|| tr!("Adding the uid to {table}", table = table.plain()))?;
        if self.uid_type.is_none() || !self.uid_notnull {
            // The triggers that suited it before do not any more.
            self.captured &= self.kind != Kind::Table;
        }
        self.uid_type = Some("uuid".into());
        self.uid_notnull = true;
        Ok(true)
    }

    fn refuse_duplicates(&self, client: &mut impl GenericClient, uuid: &str) -> Result<()> {
        if self.uid_unique && self.kind != Kind::Partitioned {
            return Ok(());
        }
        let table = &self.table;
        let sql = format!(
            "SELECT count(*) FROM (SELECT FROM {} WHERE uid IS NOT NULL GROUP BY uid HAVING count(*) > 1) AS d",
            table.rows(self.kind != Kind::Partitioned)
        );
        let doing = || {
            tr!(
                "Looking for duplicates of uid in {table}",
                table = table.plain()
            )
        };
        let duplicates: i64 = client.query_one(&sql, &[]).doing(doing)?.get(0);
        if duplicates > 0 {
            return Err(Error::state(tr!(
                "Table {table} has {duplicates} values of uid that stand in several rows.",
                table = table.plain(),
                duplicates
            ))
            .hint(tr!(
                "Give each row its own: UPDATE {table} SET uid = {uuid} for all but one row of each.",
                table,
                uuid
            )));
        }
        Ok(())
    }

    /// Starts the capture of its changes.
    pub(super) fn audit(&self, client: &mut impl GenericClient) -> Result<()> {
        client
            .execute("SELECT audit.audit_table($1::oid::regclass)", &[&self.oid])
            .doing(|| {
                tr!(
                    "Adding audit triggers to {table}",
                    table = self.table.plain()
                )
            })?;
        Ok(())
    }
}
