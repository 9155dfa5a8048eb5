//! The manifest of a package: what is in it, where it comes from, and the hash of every member.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::postgres;
use crate::text::{Argument, Text, tr};

/// `format` of every package.
pub(super) const FORMAT: &str = "lizsync-package";
/// The one `format_version` that this version writes and reads.
pub(super) const FORMAT_VERSION: u64 = 1;

/// Names of the members.
pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const PRE_DATA: &str = "pre-data.sql";
pub(super) const POST_DATA: &str = "post-data.sql";
pub(super) const SEQUENCES: &str = "sequences.json";
pub(super) const ADDITIONAL: &str = "additional.sql";

/// The manifest, as it stands in `manifest.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`FORMAT_VERSION`].
    pub format_version: u64,
    /// The version of this product that made the package.
    pub lizsync_version: String,
    /// When the snapshot was taken, by the central's clock: ISO 8601, UTC.
    pub created: String,
    /// `sync_id` of the package's row in `lizsync.history`.
    pub package_id: Uuid,
    /// The database that it was made of.
    pub central: Central,
    /// The version of `pg_dump` that wrote the SQL.
    pub pg_dump_version: String,
    /// `txid_current_snapshot()` of the transaction that read everything.
    pub snapshot: String,
    /// The packaged schemas.
    pub schemas: Vec<String>,
    /// The tables of them that are packaged, and synchronised; none for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<Vec<Name>>,
    /// What the packaged objects need, in the order of creation.
    pub extensions: Vec<Extension>,
    /// The tables that hold rows: ordinary tables and partitions.
    pub tables: Vec<Table>,
    /// Every other member, by name.
    pub members: BTreeMap<String, Member>,
}

/// A table, as `lizsync.synchronized_schemas` names those of a clone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Name {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub table: String,
}

/// The names of tables.
pub(super) fn names(tables: &[postgres::Table]) -> Vec<Name> {
    let name = |table: &postgres::Table| Name {
        schema: table.schema.clone(),
        table: table.name.clone(),
    };
    tables.iter().map(name).collect()
}

/// The central database at the moment of the snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Central {
    /// Its server id.
    pub server_id: Uuid,
    /// Its name, for messages.
    pub database: String,
    /// `server_version_num`.
    pub server_version_num: i32,
    /// Of the cluster; text, since JSON numbers are not exact.
    pub system_identifier: String,
    /// Of the cluster.
    pub timeline: i32,
    /// The highest event of its log that the snapshot shows.
    pub highest_event: Option<i64>,
}

/// An extension that packaged objects use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Extension {
    pub name: String,
    pub schema: String,
    pub version: String,
}

/// One table with rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Table {
    pub schema: String,
    pub name: String,
    /// The member with its rows, in the text format of COPY.
    pub member: String,
    pub rows: u64,
    /// The columns of those rows; generated columns are not among them.
    pub columns: Vec<String>,
}

impl Table {
    /// The table's name.
    pub fn table(&self) -> postgres::Table {
        postgres::Table::new(&self.schema, &self.name)
    }
}

/// What one member must be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Member {
    /// In lower-case hexadecimal.
    pub sha256: String,
    /// In bytes, not compressed.
    pub size: u64,
}

/// The name of the member with the rows of the table at `index`.
pub(super) fn data_member(index: usize) -> String {
    format!("data/{:05}.copy", index + 1)
}

/// Whether LizSync never touches a schema of that name: its own, `public`, and the system's.
pub(super) fn is_reserved(schema: &str) -> bool {
    ["public", "lizsync", "audit", "information_schema"].contains(&schema)
        || schema.starts_with("pg_")
}

impl Manifest {
    /// The text of `manifest.json`.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self)
            .map_err(|error| Error::internal(format!("The manifest cannot be written: {error}.")))
    }

    /// The listed tables as `lizsync.register_clone` takes them; None for all.
    pub fn listed_json(&self) -> Result<Option<String>> {
        let text = |listed| {
            serde_json::to_string(listed)
                .map_err(|error| Error::internal(format!("A list cannot be written: {error}.")))
        };
        self.listed.as_ref().map(text).transpose()
    }

    /// Reads and validates `manifest.json`.
    ///
    /// # Errors
    /// [`Kind::File`](crate::error::Kind::File): not JSON, another format, or it contradicts itself.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        let wrong = |what: Text| Error::file(tr!("Its manifest cannot be used: {what}.", what));
        let value: Value = serde_json::from_slice(text).map_err(|e| wrong(e.text()))?;
        if holds_null(&value) {
            return Err(wrong(tr!("it holds a null character")));
        }
        if value["format"] != FORMAT {
            return Err(wrong(tr!("its format is not “{format}”", format = FORMAT)));
        }
        match value["format_version"].as_u64() {
            Some(FORMAT_VERSION) => (),
            Some(other) => {
                return Err(wrong(tr!(
                    "its format version is {other}, and LizSync {version} reads version {ours}",
                    other,
                    version = crate::VERSION,
                    ours = FORMAT_VERSION
                )));
            }
            None => return Err(wrong(tr!("it has no format version"))),
        }
        let manifest: Self = serde_json::from_value(value).map_err(|e| wrong(e.text()))?;
        manifest.validate().map_err(wrong)?;
        Ok(manifest)
    }

    /// The rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables
            .iter()
            .fold(0, |sum, table| sum.saturating_add(table.rows))
    }

    /// The bytes of all members.
    pub fn bytes(&self) -> u64 {
        self.members
            .values()
            .fold(0, |sum, member| sum.saturating_add(member.size))
    }

    fn validate(&self) -> std::result::Result<(), Text> {
        if self.schemas.is_empty() {
            return Err(tr!("it lists no schema"));
        }
        if let Some(schema) = self.schemas.iter().find(|schema| is_reserved(schema)) {
            return Err(tr!("the schema “{schema}” is never packaged", schema));
        }
        if !is_snapshot(&self.snapshot) {
            return Err(tr!(
                "“{snapshot}” is not a snapshot",
                snapshot = self.snapshot
            ));
        }
        if !is_time(&self.created) {
            return Err(tr!("the time of its creation is not a time"));
        }
        if !(90_000..1_000_000).contains(&self.central.server_version_num) {
            return Err(tr!("the version of the central's server is none"));
        }
        if self.central.timeline < 1 || self.central.highest_event.is_some_and(|event| event < 0) {
            return Err(tr!(
                "the timeline or the highest event of the central is none"
            ));
        }
        if self.central.system_identifier.parse::<i64>().is_err() {
            return Err(tr!("the system identifier is not a number"));
        }
        let listed = self.listed.iter().flatten();
        let mut strange = listed.filter(|name| !self.schemas.contains(&name.schema));
        if let Some(Name { schema, table }) = strange.next() {
            let name = postgres::Table::new(&**schema, &**table).plain();
            return Err(tr!("the table {name} is in none of its schemas", name));
        }
        let mut expected = BTreeSet::new();
        for (index, table) in self.tables.iter().enumerate() {
            let name = table.table().plain();
            if !self.schemas.contains(&table.schema) {
                return Err(tr!("the table {name} is in none of its schemas", name));
            }
            if table.columns.is_empty() {
                return Err(tr!("the table {name} has no columns", name));
            }
            if table.member != data_member(index) {
                return Err(tr!(
                    "the table {name} has the member “{member}”",
                    name,
                    member = table.member
                ));
            }
            expected.insert(table.member.as_str());
        }
        expected.extend([PRE_DATA, POST_DATA, SEQUENCES]);
        for (name, member) in &self.members {
            if !expected.remove(name.as_str()) && name != ADDITIONAL {
                return Err(tr!("it lists an unexpected member “{name}”", name));
            }
            let digits = member
                .sha256
                .bytes()
                .all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase());
            if member.sha256.len() != 64 || !digits {
                return Err(tr!("the hash of the member “{name}” is no SHA-256", name));
            }
        }
        match expected.first() {
            Some(name) => Err(tr!("it does not list the member “{name}”", name)),
            None => Ok(()),
        }
    }
}

/// Whether a text or a name in it holds a null character, which PostgreSQL takes nowhere.
fn holds_null(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(holds_null),
        Value::Object(map) => map
            .iter()
            .any(|(name, value)| name.contains('\0') || holds_null(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether the text is a `txid_snapshot`: `xmin:xmax:xip,…`. As PostgreSQL reads it; numbers beyond those of its `bigint`
/// would be negative there, and so before every other.
fn is_snapshot(text: &str) -> bool {
    let number = |part: &str| {
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<i64>().ok().filter(|_| digits)
    };
    let parts: Vec<_> = text.split(':').collect();
    let [xmin, xmax, running] = parts[..] else {
        return false;
    };
    let (Some(xmin), Some(xmax)) = (number(xmin), number(xmax)) else {
        return false;
    };
    let mut last = xmin - 1;
    xmin > 0
        && xmin <= xmax
        && (running.is_empty()
            || running.split(',').all(|part| {
                let found = number(part).filter(|id| *id > last && *id < xmax);
                last = found.unwrap_or(last);
                found.is_some()
            }))
}

/// Whether the text is a time as it is written there: `2026-11-22T10:00:00.000000Z`.
fn is_time(text: &str) -> bool {
    let form = "0000-00-00T00:00:00.000000Z";
    let fits = |(c, form): (char, char)| match form {
        '0' => c.is_ascii_digit(),
        _ => c == form,
    };
    text.len() == form.len()
        && text.chars().zip(form.chars()).all(fits)
        && (1..=12).contains(&text[5..7].parse().unwrap_or(0))
        && (1..=31).contains(&text[8..10].parse().unwrap_or(0))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn example() -> Manifest {
        let member = Member {
            sha256: "0".repeat(64),
            size: 3,
        };
        let names = [PRE_DATA, POST_DATA, SEQUENCES, "data/00001.copy"];
        Manifest {
            format: FORMAT.into(),
            format_version: FORMAT_VERSION,
            lizsync_version: crate::VERSION.into(),
            created: "2026-11-22T10:00:00.000000Z".into(),
            package_id: Uuid::from_u128(1),
            central: Central {
                server_id: Uuid::from_u128(2),
                database: "gis".into(),
                server_version_num: 150_018,
                system_identifier: "7436217263512345678".into(),
                timeline: 1,
                highest_event: Some(12),
            },
            pg_dump_version: "15.18".into(),
            snapshot: "10:20:11,12".into(),
            schemas: vec!["gis".into()],
            listed: None,
            extensions: Vec::new(),
            tables: vec![Table {
                schema: "gis".into(),
                name: "Tree \"x\"".into(),
                member: data_member(0),
                rows: 2,
                columns: vec!["uid".into()],
            }],
            members: names.map(|name| (name.to_owned(), member.clone())).into(),
        }
    }

    fn refusal(change: impl FnOnce(&mut Manifest)) -> String {
        let mut manifest = example();
        change(&mut manifest);
        let text = manifest.to_json().unwrap();
        Manifest::from_json(text.as_bytes())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = example().to_json().unwrap();
        assert_eq!(Manifest::from_json(text.as_bytes()).unwrap(), example());
    }

    #[test]
    fn contradictions_are_named() {
        type Case = (fn(&mut Manifest), &'static str);
        let cases: [Case; 20] = [
            (|m| m.created = "infinity".into(), "not a time"),
            (
                |m| m.created = "2026-13-22T10:00:00.000000Z".into(),
                "not a time",
            ),
            (
                |m| m.central.server_version_num = -5,
                "version of the central's server",
            ),
            (|m| m.central.timeline = 0, "timeline"),
            (|m| m.central.highest_event = Some(-1), "highest event"),
            (|m| m.format = "other".into(), "format is not"),
            (|m| m.format_version = 2, "format version is 2"),
            (
                |m| m.schemas = vec!["pg_catalog".into()],
                "“pg_catalog” is never packaged",
            ),
            (|m| m.snapshot = "1:2".into(), "not a snapshot"),
            (|m| m.schemas.clear(), "lists no schema"),
            (
                |m| m.central.system_identifier = "1; DROP".into(),
                "system identifier is not a number",
            ),
            (
                |m| {
                    m.listed = Some(vec![Name {
                        schema: "other".into(),
                        table: "x".into(),
                    }])
                },
                "other.x is in none of its schemas",
            ),
            (|m| m.tables[0].columns.clear(), "has no columns"),
            (|m| m.tables[0].columns[0].push('\0'), "null character"),
            (|m| m.central.database.push('\0'), "null character"),
            (
                |m| m.tables[0].schema = "other".into(),
                "in none of its schemas",
            ),
            (
                |m| m.tables[0].member = "../x".into(),
                "has the member “../x”",
            ),
            (
                |m| drop(m.members.remove(POST_DATA)),
                "does not list the member “post-data.sql”",
            ),
            (
                |m| {
                    drop(
                        m.members
                            .insert("x.sql".into(), m.members[PRE_DATA].clone()),
                    )
                },
                "unexpected member “x.sql”",
            ),
            (
                |m| m.members.values_mut().for_each(|v| v.sha256 = "xyz".into()),
                "is no SHA-256",
            ),
        ];
        for (change, expected) in cases {
            let message = refusal(change);
            assert!(message.contains(expected), "{message} / {expected}");
        }
        for text in [
            "",
            "[]",
            "{}",
            "{\"format\":\"lizsync-package\"}",
            "\u{feff}{}",
        ] {
            assert!(Manifest::from_json(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn snapshots_are_what_postgresql_takes_for_one() {
        for text in [
            "10:20:",
            "10:20:11,12",
            "5:5:",
            "1:9223372036854775807:9223372036854775806",
        ] {
            assert!(is_snapshot(text), "{text}");
        }
        for text in [
            "",
            "::",
            "0:0:",
            "5:3:",
            "-1:3:",
            "+1:3:",
            "1:3:3",
            "4:9:3",
            "1:9:5,5",
            "1:9:5,4",
            "1:9:,",
            "1:9:5:6",
            "18446744073709551615:18446744073709551615:",
            "1:9223372036854775808:",
        ] {
            assert!(!is_snapshot(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn names_of_any_kind_survive(schema in "[^\0]{1,20}", table in "\\PC{1,20}", column in "[^\0]{1,9}") {
            prop_assume!(!is_reserved(&schema));
            let mut manifest = example();
            manifest.schemas = vec![schema.clone()];
            manifest.tables[0].schema = schema;
            manifest.tables[0].name = table;
            manifest.tables[0].columns = vec![column];
            let text = manifest.to_json().unwrap();
            prop_assert_eq!(Manifest::from_json(text.as_bytes()).unwrap(), manifest);
        }

        #[test]
        fn rubbish_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Manifest::from_json(&bytes);
        }
    }
}
