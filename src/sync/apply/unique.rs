//! The unique indexes of a table, and the values that rows get in between to make room in them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Apply;
use crate::error::Result;
use crate::postgres::{Doing, literal, path, quote};

/// How many stand-ins are tried where a row has to make room.
pub(super) const CHOICES: usize = 4;

/// How many values of the shape of a code are made to find one that is free.
const CANDIDATES: usize = 50;

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
    /// Whether nulls are equal.
    nulls_equal: bool,
    /// Whether it is checked with each row.
    pub(super) at_once: bool,
    /// The column that a row gives up, and what it may get instead: SQL over `p` (uid and a number n).
    pub(super) rooms: Vec<(String, String)>,
}

impl Apply<'_> {
    /// The unique indexes of a table.
    pub(super) fn uniques(&mut self, number: usize) -> Result<Vec<Unique>> {
        if let Some(known) = self.found.uniques.get(&number) {
            return Ok(known.clone());
        }
        let oid = self.local(number).oid;
        let table = self.scope.tables[number].table.to_string();
        let hstore = self.receiver.identity.hstore.clone();
        let doing = self.doing(number);
        // As expressions are printed for this search path: see `ask_once`.
        self.execute(path::PLAIN, "Reading the unique indexes")?;
        let rows = self
            .receiver
            .connection
            .query(include_str!("../../../sql/sync/uniques.sql"), &[&oid])
            .doing(doing)?;
        self.execute(&path::set(&self.found.path), "Reading the unique indexes")?;
        let travels = self.columns(number);
        let uniques: Vec<Unique> = rows
            .iter()
            .map(|row| {
                let (keys, operators): (Vec<String>, Vec<String>) =
                    (row.get("keys"), row.get("operators"));
                // A column that does not travel would not get its value back.
                let columns = columns(row, &travels);
                let nulls_equal: bool = row.get("nulls_equal");
                let null = |column: &&Column| column.nullable && !nulls_equal;
                let mut rooms: Vec<(String, String)> = columns
                    .iter()
                    .find(null)
                    .map(|column| (column.name.clone(), "NULL".to_owned()))
                    .into_iter()
                    .collect();
                for column in &columns {
                    let stand_ins = column.stand_ins(&table, number, &hstore);
                    let named = |value| (column.name.clone(), value);
                    rooms.extend(stand_ins.into_iter().map(named));
                }
                rooms.truncate(CHOICES);
                Unique {
                    name: row.get("name"),
                    exclusion: row.get("exclusion"),
                    keys: keys.into_iter().zip(operators).collect(),
                    predicate: row
                        .get::<_, Option<String>>("predicate")
                        .unwrap_or_else(|| "true".into()),
                    nulls_equal,
                    at_once: row.get("at_once"),
                    rooms,
                }
            })
            .collect();
        self.found.uniques.insert(number, uniques.clone());
        Ok(uniques)
    }
}

impl Unique {
    /// The condition that the keys of a row, as `of` tells them, are those of the row `w` of held_keys.sql.
    pub(super) fn matches(&self, of: impl Fn(usize, &str) -> String) -> String {
        let each = |(n, (key, operator)): (usize, &(String, String))| {
            let (key, wanted) = (of(n, key), format!("w.\"lizsync k{n}\""));
            let equal = format!("{key} {operator} {wanted}");
            match self.nulls_equal {
                true => format!("({equal} OR {key} IS NULL AND {wanted} IS NULL)"),
                false => equal,
            }
        };
        let all: Vec<String> = self.keys.iter().enumerate().map(each).collect();
        all.join(" AND ")
    }
}

/// A column that a unique index looks at.
struct Column {
    name: String,
    kind: String,
    category: String,
    length: i32,
    nullable: bool,
    /// Whether a foreign key uses it.
    refers: bool,
}

fn columns(row: &::postgres::Row, travels: &BTreeSet<Arc<str>>) -> Vec<Column> {
    let (names, kinds): (Vec<String>, Vec<String>) = (row.get("columns"), row.get("types"));
    let (categories, lengths): (Vec<String>, Vec<i32>) =
        (row.get("categories"), row.get("lengths"));
    let (nullable, refers): (Vec<bool>, Vec<bool>) = (row.get("nullable"), row.get("refers"));
    let mut columns: Vec<Column> = names
        .into_iter()
        .zip(kinds)
        .zip(categories)
        .zip(lengths)
        .zip(nullable)
        .zip(refers)
        .map(
            |(((((name, kind), category), length), nullable), refers)| Column {
                name,
                kind,
                category,
                length,
                nullable,
                refers,
            },
        )
        .filter(|column| column.name != "uid" && travels.contains(column.name.as_str()))
        .collect();
    // A stand-in in a column that refers to other rows would refer to none.
    columns.sort_by_key(|column| column.refers);
    columns
}

impl Column {
    /// Values that no row has, as SQL over `p` (uid and a number n) and the row `t`; the later ones for
    /// where a check refuses those before. None for types without one. The search path is the users': operators
    /// get exactly the types that PostgreSQL's own take.
    fn stand_ins(&self, table: &str, number: usize, hstore: &str) -> Vec<String> {
        /// Bytes that `atttypmod` counts beside the characters.
        const HEADER: i32 = 4;
        let name = quote(&self.name);
        // What rows hold, and what staged rows want. Patterns are not for every collation.
        let taken = |kind: &str| {
            let plain = format!("{}::text", literal(&self.name));
            let bytes = if kind == "text" { " COLLATE \"C\"" } else { "" };
            format!(
                "SELECT h.{name}::{kind}{bytes} AS v FROM {table} AS h UNION ALL
                 SELECT (s.fields OPERATOR({hstore}.->) {plain})::{kind}{bytes} FROM pg_temp.lizsync_stage AS s
                 WHERE s.number = {number} AND s.reason IS NULL AND s.op IN ('I', 'U') AND s.fields OPERATOR({hstore}.?) {plain}"
            )
        };
        let random = "md5(random()::text || p.uid::text)";
        match (self.category.as_str(), self.kind.as_str()) {
            ("S", _) => {
                // Of single letters there are few: the next that is free, of all or of the same kind.
                let next = |from: &str, to: &str| {
                    format!(
                        "(SELECT chr(g) FROM generate_series({from}, {to}) AS g
                          WHERE NOT EXISTS (SELECT FROM ({}) AS y WHERE y.v = chr(g)) ORDER BY g OFFSET p.n - 1 LIMIT 1)",
                        taken("text")
                    )
                };
                let any = match self.length > HEADER {
                    true if self.length == HEADER + 1 => next("33", "126"),
                    true => format!("left({random}, {})", self.length - HEADER),
                    false => random.to_owned(),
                };
                let text = format!("(t.{name}::text COLLATE \"C\")");
                // Letters for letters, digits for digits, as a rule for codes may want it.
                let alike = format!(
                    "(SELECT y.v FROM (SELECT string_agg(CASE
                        WHEN c COLLATE \"C\" BETWEEN 'A' AND 'Z' THEN chr(65 + floor(random() * 26::float8)::integer)
                        WHEN c COLLATE \"C\" BETWEEN 'a' AND 'z' THEN chr(97 + floor(random() * 26::float8)::integer)
                        WHEN c COLLATE \"C\" BETWEEN '0' AND '9' THEN chr(48 + floor(random() * 10::float8)::integer)
                        ELSE c END, '' ORDER BY i) AS v
                      FROM generate_series(1, {CANDIDATES}) AS g, regexp_split_to_table({text}, '') WITH ORDINALITY AS x (c, i)
                      GROUP BY g) AS y
                     WHERE y.v NOT IN (SELECT o.v FROM ({}) AS o WHERE o.v IS NOT NULL) LIMIT 1)",
                    taken("text")
                );
                let alike = format!(
                    "CASE WHEN {text} ~ '^[A-Z]$' THEN {} WHEN {text} ~ '^[a-z]$' THEN {}
                     WHEN {text} ~ '^[0-9]$' THEN {} ELSE {alike} END",
                    next("65", "90"),
                    next("97", "122"),
                    next("48", "57")
                );
                vec![any, alike]
            }
            ("N", "int2" | "int4" | "int8" | "numeric") => {
                let largest = match self.kind.as_str() {
                    "int2" => "32767",
                    "int4" => "2147483647",
                    "int8" => "9223372036854775807",
                    _ => "1e100",
                };
                let taken = taken("numeric");
                // Above all others; where there is no room, or a rule is against it, among them.
                let among = |least: &str| {
                    format!(
                        "(SELECT g FROM generate_series({least}::numeric, {least}::numeric + (m.rows + p.n)::numeric) AS g
                          WHERE NOT EXISTS (SELECT FROM ({taken}) AS y WHERE y.v = g) ORDER BY g OFFSET p.n - 1 LIMIT 1)"
                    )
                };
                let of = |what: String| {
                    format!(
                        "(SELECT {what} FROM (SELECT coalesce(max(x.v), 0) AS top, coalesce(ceil(min(x.v)), 0) AS least,
                            count(*) AS rows FROM ({taken}) AS x) AS m)"
                    )
                };
                let above = format!(
                    "CASE WHEN m.top < {largest}::numeric - p.n::numeric THEN m.top + p.n::numeric ELSE {} END",
                    among("1")
                );
                vec![of(above), of(among("m.least"))]
            }
            ("N", "float4" | "float8") => {
                // Whole numbers as far as the type holds them exactly, which leaves out infinity and NaN.
                let limit = match self.kind.as_str() {
                    "float4" => "1e6",
                    _ => "1e15",
                };
                let of = |what: &str| {
                    format!(
                        "(SELECT {what} FROM ({}) AS x WHERE x.v BETWEEN '-{limit}'::float8 AND '{limit}'::float8)",
                        taken("float8")
                    )
                };
                vec![
                    of("coalesce(floor(max(x.v)), 0) + p.n::float8"),
                    of("coalesce(ceil(min(x.v)), 0) - p.n::float8"),
                ]
            }
            ("D", "date" | "timestamp" | "timestamptz") => vec![format!(
                "(SELECT coalesce(max(x.v), now()::{0}) FROM ({1}) AS x WHERE isfinite(x.v)) + p.n::float8 * interval '1 day'",
                self.kind,
                taken(&self.kind)
            )],
            ("E", kind) => vec![format!(
                "(SELECT e FROM pg_catalog.unnest(pg_catalog.enum_range(NULL::{kind})) AS e
                  WHERE NOT EXISTS (SELECT FROM ({}) AS y WHERE y.v = e::text) ORDER BY e OFFSET p.n - 1 LIMIT 1)",
                taken("text")
            )],
            ("R", _) => vec!["'empty'".to_owned()],
            (_, "uuid") => vec![format!("{random}::uuid")],
            _ => Vec::new(),
        }
    }
}
