//! The tables and the foreign keys of one database.

use std::collections::{BTreeMap, BTreeSet};

use ::postgres::GenericClient;

use crate::error::Result;
use crate::postgres::{Doing, Table, quote};
use crate::text::tr;

/// A table in one database.
#[derive(Debug, Clone)]
pub struct Local {
    /// Its oid there.
    pub oid: u32,
    /// Whether it is no partitioned table.
    pub ordinary: bool,
    /// Whether its rows have a uid.
    pub has_uid: bool,
    /// Whether any of its edits are captured: else it was not prepared.
    pub audited: bool,
    /// Whether the role owns it, and so may disable its triggers.
    pub owned: bool,
    /// The columns whose values can travel.
    pub columns: BTreeSet<String>,
    /// All columns.
    pub all_columns: BTreeSet<String>,
    /// Their types.
    pub types: BTreeMap<String, String>,
    /// Columns that may be null.
    pub nullable: BTreeSet<String>,
    /// Columns with a default whose type (a domain) may not be null.
    pub stubborn: Vec<String>,
    /// Whether the type of a column is a domain.
    pub has_domains: bool,
    /// Triggers of the user's own that run, and copies of them in partitions in whatever mode; those of a
    /// table before those of its partitions.
    pub triggers: Vec<Trigger>,
}

impl Local {
    /// Whether a run that writes it disables triggers, which locks it against all other writers.
    pub fn locks_writers(&self) -> bool {
        self.owned && self.triggers.iter().any(Trigger::runs)
    }
}

/// A trigger of the user's own.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// Its table or partition, as SQL.
    pub table: String,
    /// Its name.
    pub name: String,
    /// When it runs.
    pub mode: Mode,
    /// Whether it is a rule.
    pub rule: bool,
}

/// When a trigger runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// In ordinary sessions.
    Ordinary,
    /// In every session.
    Always,
    /// In sessions of a replica, so not in a run.
    Replica,
    /// Never.
    Disabled,
}

impl Mode {
    fn parse(text: &str) -> Self {
        match text.chars().next() {
            Some('A') => Self::Always,
            Some('R') => Self::Replica,
            Some('D') => Self::Disabled,
            _ => Self::Ordinary,
        }
    }
}

impl Trigger {
    /// Whether it runs when a run writes.
    pub fn runs(&self) -> bool {
        matches!(self.mode, Mode::Ordinary | Mode::Always)
    }
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
    /// The table that it refers to, as SQL.
    pub parent_name: String,
    /// The rows of the referring table, as SQL behind FROM: tables that inherit from it have keys of their own.
    pub child_rows: String,
    /// The rows of the table that it refers to.
    pub parent_rows: String,
    /// The name of the constraint.
    pub name: String,
    /// Whether its check can wait.
    pub deferrable: bool,
    /// Whether it empties the references to a key that changes (`ON UPDATE SET NULL`, `SET DEFAULT`).
    pub unsets: bool,
    /// Whether a key that changes changes the references to it in any way.
    pub follows: bool,
    /// The oid of the partition that it refers to, where it does not refer to the whole table.
    pub parent_part: Option<u32>,
    /// The condition on rows of the child that they are of the partition which refers, where it is one.
    pub child_part: Option<String>,
    /// Pairs of columns: of the child, of the parent.
    pub columns: Vec<(String, String)>,
    /// How each pair is compared.
    pub comparisons: Vec<Comparison>,
}

/// How a foreign key compares two columns, as SQL. The search path may have other operators of that name.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// What stands behind the column of the parent: type and collation.
    pub parent_as: String,
    /// The operator of the constraint, with its schema.
    pub operator: String,
    /// What stands behind the column of the child.
    pub child_as: String,
}

impl Reference {
    /// The condition that row `c` of the child refers to row `t` of the parent, by these names.
    pub fn condition(&self, c: &str, t: &str) -> String {
        let pairs: Vec<String> = self
            .columns
            .iter()
            .zip(&self.comparisons)
            .map(|((child, parent), how)| {
                format!(
                    "{t}.{}{} {} {c}.{}{}",
                    quote(parent),
                    how.parent_as,
                    how.operator,
                    quote(child),
                    how.child_as
                )
            })
            .collect();
        pairs.join(" AND ")
    }

    /// The same for a row `t` of the whole parent table: rows of other partitions than the one that is
    /// referred to do not count.
    pub fn refers(&self, c: &str, t: &str) -> String {
        let condition = self.condition(c, t);
        match self.parent_part {
            Some(part) => format!(
                "{condition} AND {t}.tableoid = ANY (ARRAY(SELECT p.relid::oid FROM pg_catalog.pg_partition_tree({part}) AS p))"
            ),
            None => condition,
        }
    }
}

/// Reads the tables of some schemas from one database, and the foreign keys that refer to them.
pub fn read(
    client: &mut impl GenericClient,
    schemas: &[String],
) -> Result<(BTreeMap<Table, Local>, Vec<Reference>)> {
    let rows = client
        .query(include_str!("../../sql/sync/tables.sql"), &[&schemas])
        .doing(|| tr!("Reading the tables to synchronise"))?;
    let oids: Vec<u32> = rows.iter().map(|row| row.get("oid")).collect();
    let references = match rows.first() {
        Some(row) if row.get("referenced") => references(client, &oids)?,
        _ => Vec::new(),
    };
    let tables = rows.iter().map(|row| {
        let table = Table::new(row.get::<_, String>("schema"), row.get::<_, String>("name"));
        let on: Vec<String> = row.get("trigger_tables");
        let names: Vec<String> = row.get("triggers");
        let modes: Vec<String> = row.get("trigger_modes");
        let triggers = on.into_iter().zip(names).zip(modes);
        let local = Local {
            oid: row.get("oid"),
            ordinary: row.get("ordinary"),
            has_uid: row.get("has_uid"),
            audited: row.get("audited"),
            owned: row.get("owned"),
            columns: row.get::<_, Vec<String>>("columns").into_iter().collect(),
            all_columns: row
                .get::<_, Vec<String>>("all_columns")
                .into_iter()
                .collect(),
            types: row
                .get::<_, Vec<String>>("all_columns")
                .into_iter()
                .zip(row.get::<_, Vec<String>>("types"))
                .collect(),
            nullable: row.get::<_, Vec<String>>("nullable").into_iter().collect(),
            stubborn: row.get("stubborn"),
            has_domains: row.get("has_domains"),
            triggers: triggers
                .map(|((table, name), mode)| Trigger {
                    table,
                    name,
                    mode: Mode::parse(&mode),
                    rule: mode.ends_with("rule"),
                })
                .collect(),
        };
        (table, local)
    });
    Ok((tables.collect(), references))
}

/// Reads the foreign keys that refer to some tables.
fn references(client: &mut impl GenericClient, tables: &[u32]) -> Result<Vec<Reference>> {
    let doing = || tr!("Reading the foreign keys");
    // The joins are written in a good order; looking for one takes PostgreSQL longer than the query.
    client
        .batch_execute("SET LOCAL join_collapse_limit = 1")
        .doing(doing)?;
    let rows = client
        .query(include_str!("../../sql/sync/references.sql"), &[&tables])
        .doing(doing)?;
    client
        .batch_execute("SET LOCAL join_collapse_limit TO DEFAULT")
        .doing(doing)?;
    let references = rows.iter().map(|row| {
        let child: Vec<String> = row.get("child_columns");
        let parent: Vec<String> = row.get("parent_columns");
        let operators: Vec<String> = row.get("operators");
        let children_as: Vec<String> = row.get("children_as");
        let parents_as: Vec<String> = row.get("parents_as");
        let comparisons = parents_as.into_iter().zip(operators).zip(children_as);
        Reference {
            child: row.get("child"),
            parent: row.get("parent"),
            child_name: row.get("child_name"),
            parent_name: row.get("parent_name"),
            child_rows: row.get("child_rows"),
            parent_rows: row.get("parent_rows"),
            name: row.get("name"),
            deferrable: row.get("deferrable"),
            unsets: row.get("unsets"),
            follows: row.get("follows"),
            parent_part: row.get("parent_part"),
            child_part: row.get("child_part"),
            columns: child.into_iter().zip(parent).collect(),
            comparisons: comparisons
                .map(|((parent_as, operator), child_as)| Comparison {
                    parent_as,
                    operator,
                    child_as,
                })
                .collect(),
        }
    });
    Ok(references.collect())
}
