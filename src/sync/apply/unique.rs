//! The unique indexes of a table, and the values that rows get in between to make room in them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Apply;
use crate::error::Result;
use crate::postgres::{Doing, Template, literal, path, quote};
use crate::text::tr;

/// How many stand-ins of an index are tried where a row has to make room.
const CHOICES: usize = 8;

/// What a column of a row may get instead of a value that it gives up.
#[derive(Debug, Clone)]
pub(super) struct StandIn {
    /// The column.
    pub(super) column: String,
    /// SQL over the row `t`, `p` (its uid and a number n), and what is joined.
    pub(super) value: String,
    /// Joins, computed once for all rows.
    pub(super) from: String,
}

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
    /// What a row may get instead of what it gives up; the later ones for where those before do not help.
    pub(super) rooms: Vec<StandIn>,
}

impl Apply<'_> {
    /// The unique indexes of a table.
    pub(super) fn uniques(&mut self, number: usize) -> Result<Vec<Unique>> {
        if let Some(known) = self.found.uniques.get(&number) {
            return Ok(known.clone());
        }
        let oid = self.local(number).oid;
        let table = self.rows_of(number);
        let hstore = self.receiver.identity.hstore.clone();
        let doing = self.doing(number);
        // As expressions are printed for this search path: see `ask_once`.
        self.execute(path::PLAIN, tr!("Reading the unique indexes"))?;
        let rows = self
            .receiver
            .connection
            .query(include_str!("../../../sql/sync/uniques.sql"), &[&oid])
            .doing(doing)?;
        self.execute(
            &path::set(&self.found.path),
            tr!("Reading the unique indexes"),
        )?;
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
                let mut rooms = Vec::new();
                // What stands in an expression or a predicate only may free nothing.
                for keyed in [true, false] {
                    let of = || columns.iter().filter(|column| column.keyed == keyed);
                    let nothing = of().find(null);
                    rooms.extend(nothing.map(|column| column.stand_in("NULL", "")));
                    for column in of() {
                        rooms.extend(self.free_parents(number, &table, column));
                        rooms.extend(column.stand_ins(&table, number, &hstore));
                    }
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

    /// Where a column refers to rows by itself: a key that is free.
    fn free_parents(&self, number: usize, table: &str, column: &Column) -> Option<StandIn> {
        let oid = self.local(number).oid;
        let reference = self
            .references
            .iter()
            .find(|r| r.child == oid && r.columns.len() == 1 && r.columns[0].0 == column.name)?;
        let key = quote(&reference.columns[0].1);
        let hstore = &self.receiver.identity.hstore;
        let values = format!("SELECT q.{key} AS v FROM {} AS q", reference.parent_rows);
        let taken = column.taken("text", table, number, hstore);
        Some(column.stand_in("f.v", &numbered(&values, &taken, "::text")))
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
    /// Whether it is a key of the index itself.
    keyed: bool,
}

fn columns(row: &::postgres::Row, travels: &BTreeSet<Arc<str>>) -> Vec<Column> {
    let names: Vec<String> = row.get("columns");
    let (kinds, categories): (Vec<String>, Vec<String>) = (row.get("types"), row.get("categories"));
    let (lengths, nullable): (Vec<i32>, Vec<bool>) = (row.get("lengths"), row.get("nullable"));
    let (refers, keyed): (Vec<bool>, Vec<bool>) = (row.get("refers"), row.get("keyed"));
    let lists = kinds.into_iter().zip(categories).zip(lengths);
    let flags = nullable.into_iter().zip(refers).zip(keyed);
    let mut columns: Vec<Column> = names
        .into_iter()
        .zip(lists.zip(flags))
        .map(
            |(name, (((kind, category), length), ((nullable, refers), keyed)))| Column {
                name,
                kind,
                category,
                length,
                nullable,
                refers,
                keyed,
            },
        )
        .filter(|column| column.name != "uid" && travels.contains(column.name.as_str()))
        .collect();
    // A stand-in in a column that refers to other rows would refer to none.
    columns.sort_by_key(|column| column.refers);
    columns
}

/// A join of the values that are free, one for each row `p`; see free.sql.
fn numbered(values: &str, taken: &str, cast: &str) -> String {
    let free = Template::new(include_str!("../../../sql/sync/stand_ins/free.sql"))
        .set("values", values)
        .set("taken", taken)
        .set("as", cast)
        .sql();
    format!(" LEFT JOIN ({free}) AS f ON f.n = p.n")
}

impl Column {
    fn stand_in(&self, value: &str, from: &str) -> StandIn {
        StandIn {
            column: self.name.clone(),
            value: value.to_owned(),
            from: from.to_owned(),
        }
    }

    /// The query for the values that rows hold, and those that staged rows want: v. Patterns are not for every
    /// collation.
    fn taken(&self, kind: &str, table: &str, number: usize, hstore: &str) -> String {
        let (name, plain) = (quote(&self.name), format!("{}::text", literal(&self.name)));
        let bytes = if kind == "text" { " COLLATE \"C\"" } else { "" };
        format!(
            "SELECT h.{name}::{kind}{bytes} AS v FROM {table} AS h UNION ALL
             SELECT (s.fields OPERATOR({hstore}.->) {plain})::{kind}{bytes} FROM pg_temp.lizsync_stage AS s
             WHERE s.number = {number} AND s.reason IS NULL AND s.op IN ('I', 'U') AND s.fields OPERATOR({hstore}.?) {plain}"
        )
    }

    /// Values that no row has; the later ones for where a check refuses those before. None for types
    /// without one. The search path is the users': operators get exactly the types that PostgreSQL's own take,
    /// and functions of any type are named with their schema.
    fn stand_ins(&self, table: &str, number: usize, hstore: &str) -> Vec<StandIn> {
        /// Bytes that `atttypmod` counts beside the characters.
        const HEADER: i32 = 4;
        let name = quote(&self.name);
        let taken = |kind: &str| self.taken(kind, table, number, hstore);
        let free =
            |values: &str, kind: &str| self.stand_in("f.v", &numbered(values, &taken(kind), ""));
        // What is true of all values, over x.v.
        let bounds = |list: &str, kind: &str, condition: &str| {
            format!(
                " CROSS JOIN (SELECT {list} FROM ({}) AS x WHERE {condition}) AS m",
                taken(kind)
            )
        };
        let random = "md5(random()::text || p.uid::text)";
        match (self.category.as_str(), self.kind.as_str()) {
            ("S", _) => {
                let any = match self.length > HEADER {
                    // Of single characters there are few.
                    true if self.length == HEADER + 1 => free(
                        "SELECT chr(g) AS v FROM generate_series(33, 126) AS g",
                        "text",
                    ),
                    true => self.stand_in(&format!("left({random}, {})", self.length - HEADER), ""),
                    false => self.stand_in(random, ""),
                };
                // Digits for digits, and then letters for letters, as a rule for codes may want it.
                let alike = |same: &str, last: &str| {
                    let sql = Template::new(include_str!("../../../sql/sync/stand_ins/alike.sql"))
                        .set("table", table)
                        .set("column", name.clone())
                        .set("taken", taken("text"))
                        .set("same", literal(same))
                        .set("as", literal(last))
                        .sql();
                    self.stand_in("f.v", &format!(" LEFT JOIN ({sql}) AS f ON f.uid = p.uid"))
                };
                let (digits, nines) = ("0123456789", "9".repeat(10));
                let letters: String = ('A'..='Z').chain('a'..='z').collect();
                let last = "Z".repeat(26) + &"z".repeat(26);
                vec![
                    any,
                    alike(digits, &nines),
                    alike(&(digits.to_owned() + &letters), &(nines.clone() + &last)),
                ]
            }
            ("N", "int2" | "int4" | "int8" | "numeric") => {
                let finite = "x.v BETWEEN '-1e100'::numeric AND '1e100'::numeric";
                let top = bounds("coalesce(max(x.v), 0) AS top", "numeric", finite);
                // Above all others; where there is no room, or a rule is against it, among them.
                let among = |least: &str| {
                    let values = format!(
                        "SELECT g AS v FROM (SELECT {least} AS least, count(*) AS rows FROM ({}) AS x WHERE {finite}) AS m
                         CROSS JOIN generate_series(m.least, m.least + m.rows::numeric + (SELECT count(*) FROM p)::numeric) AS g",
                        taken("numeric")
                    );
                    free(&values, "numeric")
                };
                vec![
                    self.stand_in("m.top + p.n::numeric", &top),
                    among("1::numeric"),
                    among("coalesce(ceil(min(x.v)), 0)"),
                ]
            }
            ("N", "float4" | "float8") => {
                // Whole numbers as far as the type holds them exactly, which leaves out infinity and NaN.
                let limit = match self.kind.as_str() {
                    "float4" => "1e6",
                    _ => "1e15",
                };
                let of = |what: &str, value: &str| {
                    let within = format!("x.v BETWEEN '-{limit}'::float8 AND '{limit}'::float8");
                    self.stand_in(value, &bounds(what, "float8", &within))
                };
                vec![
                    of("coalesce(floor(max(x.v)), 0) AS top", "m.top + p.n::float8"),
                    of(
                        "coalesce(ceil(min(x.v)), 0) AS least",
                        "m.least - p.n::float8",
                    ),
                ]
            }
            ("D", kind @ ("date" | "timestamp" | "timestamptz")) => {
                let of = |what: &str, value: &str| {
                    let what = format!("coalesce({what}(x.v), now()::{kind}) AS v");
                    self.stand_in(value, &bounds(&what, kind, "isfinite(x.v)"))
                };
                vec![
                    of("max", "m.v + p.n::float8 * interval '1 day'"),
                    of("min", "m.v - p.n::float8 * interval '1 day'"),
                ]
            }
            ("E", kind) => {
                let labels = format!(
                    "SELECT e::text AS v FROM pg_catalog.unnest(pg_catalog.enum_range(NULL::{kind})) AS e"
                );
                let value = format!("f.v::{kind}");
                vec![self.stand_in(&value, &numbered(&labels, &taken("text"), ""))]
            }
            ("B", _) => vec![self.stand_in(&format!("NOT t.{name}"), "")],
            ("R", kind) => {
                let mut all = vec![self.stand_in(
                    if kind.contains("multirange") {
                        "'{}'"
                    } else {
                        "'empty'"
                    },
                    "",
                )];
                // One that overlaps with none, where only one row may be empty: above all others.
                let range = kind.replace("multirange", "range");
                let next = match range.as_str() {
                    "int4range" => Some(("int4", "0", "p.n::integer")),
                    "int8range" => Some(("int8", "0", "p.n")),
                    "numrange" => Some(("numeric", "0", "p.n::numeric")),
                    "daterange" => Some(("date", "now()::date", "p.n::integer")),
                    "tsrange" => Some((
                        "timestamp",
                        "now()::timestamp",
                        "p.n::float8 * interval '1 day'",
                    )),
                    "tstzrange" => Some(("timestamptz", "now()", "p.n::float8 * interval '1 day'")),
                    _ => None,
                };
                if let Some((bound, zero, more)) = next {
                    let finite = match self.kind.starts_with(['d', 't']) {
                        true => "isfinite(e)",
                        false => "true",
                    };
                    let top =
                        format!("coalesce(max(e) FILTER (WHERE {finite}), {zero})::{bound} AS top");
                    let ends = format!(
                        " CROSS JOIN (SELECT {top} FROM ({}) AS x CROSS JOIN LATERAL (VALUES (pg_catalog.upper(x.v)), (pg_catalog.lower(x.v))) AS b (e)) AS m",
                        taken(kind)
                    );
                    let one = format!("{range}(m.top + {more}, m.top + {more}, '[]')");
                    let value = match range == kind {
                        true => one,
                        false => format!("{kind}({one})"),
                    };
                    all.push(self.stand_in(&value, &ends));
                }
                all
            }
            (_, "uuid") => vec![self.stand_in(&format!("{random}::uuid"), "")],
            _ => Vec::new(),
        }
    }
}
