//! The unique indexes of a table, and the values that rows get in between to make room in them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Apply;
use crate::error::Result;
use crate::postgres::{Doing, literal, quote};

/// A unique index or an exclusion constraint.
#[derive(Debug, Clone)]
pub(super) struct Unique {
    /// Its name.
    pub(super) name: String,
    /// Whether it is an exclusion constraint.
    pub(super) exclusion: bool,
    /// Expressions over the columns of the table, and the operators that compare them.
    pub(super) keys: Vec<(String, String)>,
    /// Of a partial index, or true.
    pub(super) predicate: String,
    /// The column that a row gives up, and what it gets instead: SQL over `p` (uid and a number n).
    pub(super) room: Option<(String, String)>,
}

impl Apply<'_> {
    /// The unique indexes of a table that are checked at once.
    pub(super) fn uniques(&mut self, number: usize) -> Result<Vec<Unique>> {
        if let Some(known) = self.found.uniques.get(&number) {
            return Ok(known.clone());
        }
        let oid = self.local(number).oid;
        let table = self.scope.tables[number].table.to_string();
        let hstore = self.receiver.identity.hstore.clone();
        let doing = self.doing(number);
        let rows = self
            .receiver
            .connection
            .query(include_str!("../../../sql/sync/uniques.sql"), &[&oid])
            .doing(doing)?;
        let travels = &self.scope.tables[number].columns;
        let uniques: Vec<Unique> = rows
            .iter()
            .map(|row| {
                let (keys, operators): (Vec<String>, Vec<String>) =
                    (row.get("keys"), row.get("operators"));
                // A column that does not travel would not get its value back.
                let columns = columns(row, travels);
                let nulls_equal: bool = row.get("nulls_equal");
                let of_null = columns
                    .iter()
                    .find(|column| column.nullable && !nulls_equal)
                    .map(|column| (column.name.clone(), "NULL".to_owned()));
                let of_type = || {
                    columns.iter().find_map(|column| {
                        Some((
                            column.name.clone(),
                            column.stand_in(&table, number, &hstore)?,
                        ))
                    })
                };
                Unique {
                    name: row.get("name"),
                    exclusion: row.get("exclusion"),
                    keys: keys.into_iter().zip(operators).collect(),
                    predicate: row
                        .get::<_, Option<String>>("predicate")
                        .unwrap_or_else(|| "true".into()),
                    room: of_null.or_else(of_type),
                }
            })
            .collect();
        self.found.uniques.insert(number, uniques.clone());
        Ok(uniques)
    }
}

/// A column that a unique index looks at.
struct Column {
    name: String,
    kind: String,
    category: String,
    length: i32,
    nullable: bool,
}

fn columns(row: &::postgres::Row, travels: &BTreeSet<Arc<str>>) -> Vec<Column> {
    let (names, kinds): (Vec<String>, Vec<String>) = (row.get("columns"), row.get("types"));
    let (categories, lengths): (Vec<String>, Vec<i32>) =
        (row.get("categories"), row.get("lengths"));
    let nullable: Vec<bool> = row.get("nullable");
    names
        .into_iter()
        .zip(kinds)
        .zip(categories)
        .zip(lengths)
        .zip(nullable)
        .map(|((((name, kind), category), length), nullable)| Column {
            name,
            kind,
            category,
            length,
            nullable,
        })
        .filter(|column| column.name != "uid" && travels.contains(column.name.as_str()))
        .collect()
}

impl Column {
    /// A value that no row has, as SQL over `p` (uid and a number n); None for types without one.
    fn stand_in(&self, table: &str, number: usize, hstore: &str) -> Option<String> {
        /// Bytes that `atttypmod` counts beside the characters.
        const HEADER: i32 = 4;
        let name = quote(&self.name);
        // What rows hold, and what staged rows want.
        let taken = |kind: &str| {
            let plain = literal(&self.name);
            format!(
                "SELECT h.{name}::{kind} AS v FROM {table} AS h UNION ALL
                 SELECT (s.fields OPERATOR({hstore}.->) {plain})::{kind} FROM pg_temp.lizsync_stage AS s
                 WHERE s.number = {number} AND s.op IN ('I', 'U') AND s.fields OPERATOR({hstore}.?) {plain}"
            )
        };
        let random = "md5(random()::text || p.uid::text)";
        match (self.category.as_str(), self.kind.as_str()) {
            ("S", _) if self.length > HEADER => {
                Some(format!("left({random}, {})", self.length - HEADER))
            }
            ("S", _) => Some(random.to_owned()),
            ("N", "int2" | "int4" | "int8" | "numeric") => {
                let largest = match self.kind.as_str() {
                    "int2" => "32767",
                    "int4" => "2147483647",
                    "int8" => "9223372036854775807",
                    _ => "1e100",
                };
                let taken = taken("numeric");
                // Above all others; where there is no room, among them.
                Some(format!(
                    "(SELECT CASE WHEN m.top < {largest} - p.n THEN m.top + p.n ELSE (
                        SELECT g FROM generate_series(1, m.rows + p.n) AS g
                        WHERE NOT EXISTS (SELECT FROM ({taken}) AS y WHERE y.v = g) ORDER BY g OFFSET p.n - 1 LIMIT 1) END
                      FROM (SELECT coalesce(max(x.v), 0) AS top, count(*) AS rows FROM ({taken}) AS x) AS m)"
                ))
            }
            ("D", "date" | "timestamp" | "timestamptz") => Some(format!(
                "(SELECT coalesce(max(x.v), now()::{0}) FROM ({1}) AS x WHERE isfinite(x.v)) + p.n * interval '1 day'",
                self.kind,
                taken(&self.kind)
            )),
            ("E", kind) => Some(format!(
                "(SELECT e FROM unnest(enum_range(NULL::{kind})) AS e
                  WHERE NOT EXISTS (SELECT FROM ({}) AS y WHERE y.v = e::text) ORDER BY e OFFSET p.n - 1 LIMIT 1)",
                taken("text")
            )),
            ("R", _) => Some("'empty'".to_owned()),
            (_, "uuid") => Some(format!("{random}::uuid")),
            _ => None,
        }
    }
}
