//! Identifiers and literals: the only way a name or a text enters composed SQL.

use std::fmt;

use crate::error::{Error, Result};
use crate::text::tr;

/// A name as an SQL identifier, always in double quotes.
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as an SQL literal that means the same whatever `standard_conforming_strings` says.
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

/// A table by schema and name. Its `Display` is quoted SQL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table {
    /// The schema's name, unquoted.
    pub schema: String,
    /// The table's name, unquoted.
    pub name: String,
}

impl Table {
    /// A table of these unquoted names.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            schema: schema.into(),
            name: name.into(),
        }
    }

    /// How messages name it: `schema.table`, unquoted.
    pub fn plain(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// Its rows, as SQL behind FROM and UPDATE: of an `ordinary` one without those of tables that inherit from it, of a
    /// partitioned one with its partitions.
    pub fn rows(&self, ordinary: bool) -> String {
        match ordinary {
            true => format!("ONLY {self}"),
            false => self.to_string(),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", quote(&self.schema), quote(&self.name))
    }
}

/// Splits a comma-separated list of names as PostgreSQL does: spaces around a name are dropped,
/// and a name in double quotes may hold anything (a quote is doubled). Case is kept. Duplicates
/// and empty entries are dropped.
///
/// # Errors
/// [`Kind::Parameter`](crate::error::Kind::Parameter) for a quote that is not closed.
pub fn names(parameter: &str, list: &str) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    let mut rest = list;
    while !rest.is_empty() {
        let start = rest.trim_start();
        let (name, after) = match start.strip_prefix('"') {
            Some(quoted) => quoted_name(quoted).ok_or_else(|| {
                Error::parameter(tr!(
                    "In the list of parameter {parameter}, a quoted name is not closed or is followed by text.",
                    parameter
                ))
                    .hint(tr!(
                        "Separate the names by commas; a double quote inside a quoted name is doubled."
                    ))
            })?,
            None => {
                let (name, after) = start.split_once(',').unwrap_or((start, ""));
                (name.trim().to_owned(), after)
            }
        };
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
        rest = after;
    }
    if names.is_empty() && !list.trim().is_empty() {
        return Err(Error::parameter(tr!(
            "The list of parameter {parameter} holds no name.",
            parameter
        ))
        .hint(tr!("Separate the names by commas.")));
    }
    Ok(names)
}

/// Reads a quoted name after its opening quote, and the comma behind it.
fn quoted_name(text: &str) -> Option<(String, &str)> {
    let (name, after) = unquoted(text)?;
    Some((name, behind_comma(after)?))
}

/// Reads a quoted name after its opening quote, up to the closing one.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"')?;
        name.push_str(part);
        match after.strip_prefix('"') {
            Some(again) => {
                name.push('"');
                rest = again;
            }
            None => return Some((name, after)),
        }
    }
}

/// What comes behind the comma after an entry; None where something else stands there.
fn behind_comma(text: &str) -> Option<&str> {
    let text = text.trim_start();
    match text.strip_prefix(',') {
        Some(rest) => Some(rest),
        None => text.is_empty().then_some(""),
    }
}

/// Splits a comma-separated list of tables, each with or without its schema, as [`names`] does it with names:
/// `gis.trees, "My schema"."a.b", hedges`. Duplicates and empty entries are dropped.
///
/// # Errors
/// [`Kind::Parameter`](crate::error::Kind::Parameter) for what is no name of a table.
pub fn table_names(parameter: &str, list: &str) -> Result<Vec<(Option<String>, String)>> {
    let mut tables = Vec::new();
    let mut rest = list.trim_start();
    while !rest.is_empty() {
        let (table, after) = table_name(rest).ok_or_else(|| {
            Error::parameter(tr!(
                "In the list of parameter {parameter}, a name is no name of a table.",
                parameter
            ))
            .hint(tr!("Write schema.table, and separate the tables by commas; put a name that holds a dot or a comma into double quotes."))
        })?;
        tables.extend(table.filter(|table| !tables.contains(table)));
        rest = after.trim_start();
    }
    Ok(tables)
}

/// A table at the head of a list, None for an empty entry, and what comes behind its comma.
type Head<'t> = (Option<(Option<String>, String)>, &'t str);

fn table_name(text: &str) -> Option<Head<'_>> {
    let (first, after) = part(text)?;
    let (table, after) = match after.trim_start().strip_prefix('.') {
        Some(rest) => {
            let (second, after) = part(rest.trim_start())?;
            if first.is_empty() || second.is_empty() {
                return None;
            }
            (Some((Some(first), second)), after)
        }
        None => ((!first.is_empty()).then_some((None, first)), after),
    };
    Some((table, behind_comma(after)?))
}

/// A name up to a dot, a comma or the end, and the rest.
fn part(text: &str) -> Option<(String, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        return unquoted(quoted);
    }
    let end = text.find(['.', ',']).unwrap_or(text.len());
    Some((text[..end].trim().to_owned(), &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled_and_backslashes_kept() {
        assert_eq!(Table::new("a\"b", "C d").to_string(), "\"a\"\"b\".\"C d\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
    }

    #[test]
    fn lists_of_tables() {
        let list = |text| {
            let tables = table_names("TABLES", text).ok()?;
            let plain = |(schema, name): (Option<String>, String)| match schema {
                Some(schema) => format!("{schema}/{name}"),
                None => name,
            };
            Some(tables.into_iter().map(plain).collect::<Vec<_>>())
        };
        let found = list(" gis.trees , hedges,,gis.trees, \"My schema\" . \"a.b,\"\"\"").unwrap();
        assert_eq!(found, ["gis/trees", "hedges", "My schema/a.b,\""]);
        assert_eq!(list(" ").unwrap(), [""; 0]);
        for text in ["a.b.c", "a.", ".b", "\"a", "\"a\" b", "a.\"b\"c"] {
            assert!(list(text).is_none(), "{text}");
        }
    }

    #[test]
    fn lists_of_names() {
        let names = |text| names("SCHEMAS", text);
        let list = |text| names(text).unwrap();
        assert_eq!(list("gis, My Schema ,,gis"), ["gis", "My Schema"]);
        assert_eq!(list("\"a,b\" , \"q\"\"q\""), ["a,b", "q\"q"]);
        assert!(list(" ").is_empty());
        for text in [" , ", "\"\"", "\"\",,"] {
            assert!(names(text).unwrap_err().to_string().contains("SCHEMAS"));
        }
        assert!(names("\"open").is_err());
        assert!(names("\"a\" b").is_err());
    }
}
