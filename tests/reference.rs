//! The registry says word for word what the reference says.
//!
//! `tests/data/reference.md` is the reference of LizSync's algorithms. Further optional parameters and further outputs may be added; a space more or less
//! does not count.

use lizsync::registry::{self, Algorithm};
use lizsync::schema::Type;

/// One algorithm of the reference; a row is id, description, type and the required mark.
#[derive(Default)]
struct Entry<'a> {
    group: &'a str,
    label: &'a str,
    id: &'a str,
    help: String,
    parameters: Vec<[&'a str; 4]>,
    outputs: Vec<[&'a str; 4]>,
}

fn reference() -> Vec<Entry<'static>> {
    let mut entries: Vec<Entry<'static>> = Vec::new();
    let (mut group, mut section) = ("", "");
    for line in include_str!("data/reference.md").lines() {
        if let Some(label) = line.strip_prefix("## ") {
            group = label;
        } else if let Some(label) = line.strip_prefix("### ") {
            section = "help";
            entries.push(Entry {
                group,
                label,
                ..Entry::default()
            });
        } else if let Some(title) = line.strip_prefix("#### ") {
            section = title;
        } else if let Some(entry) = entries.last_mut() {
            let image = line.strip_prefix("![algo_id](./lizsync-");
            let cells: Vec<_> = line.split('|').collect();
            match section {
                _ if image.is_some() => entry.id = image.unwrap().strip_suffix(".png)").unwrap(),
                "help" => entry.help.extend([line, "\n"]),
                _ if cells.len() < 5 || line.starts_with('|') => {}
                "Parameters" => entry
                    .parameters
                    .push([cells[0], cells[1], cells[2], cells[4]]),
                "Outputs" => entry.outputs.push([cells[0], cells[1], cells[2], cells[4]]),
                other => panic!("unexpected section {other}"),
            }
        }
    }
    entries
}

/// The reference's name of a type.
fn type_name(kind: Type) -> &'static str {
    match kind {
        Type::Connection | Type::String | Type::Password => "String",
        Type::Boolean => "Boolean",
        Type::Number => "Number",
        Type::File | Type::Folder => "File",
        Type::FileDestination => "FileDestination",
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn compare(algorithm: &Algorithm, entry: &Entry<'_>) {
    assert_eq!(algorithm.label, entry.label);
    assert_eq!(algorithm.group.label, entry.group);
    assert_eq!(words(algorithm.help), words(&entry.help));
    let (known, added) = algorithm.parameters.split_at(entry.parameters.len());
    for (parameter, row) in known.iter().zip(&entry.parameters) {
        let required = if parameter.required { "✓" } else { "" };
        let ours = [
            parameter.id,
            parameter.label,
            type_name(parameter.kind),
            required,
        ];
        assert_eq!(ours, *row);
        assert!(!parameter.advanced, "{} is not advanced", parameter.id);
    }
    assert!(
        added.iter().all(|parameter| !parameter.required),
        "added parameters are optional"
    );
    for (output, row) in algorithm.outputs.iter().zip(&entry.outputs) {
        assert_eq!([output.id, output.label, type_name(output.kind), ""], *row);
    }
    assert!(algorithm.outputs.len() >= entry.outputs.len());
}

#[test]
fn the_registry_is_that_of_the_reference() {
    let reference = reference();
    let ids: Vec<_> = reference.iter().map(|entry| entry.id).collect();
    assert_eq!(ids.len(), 9);
    assert_eq!(
        registry::all()
            .iter()
            .map(|algorithm| algorithm.id)
            .collect::<Vec<_>>(),
        ids
    );
    for (algorithm, entry) in registry::all().iter().zip(&reference) {
        assert!(!entry.parameters.is_empty() && !entry.outputs.is_empty());
        compare(algorithm, entry);
    }
}

/// What users know that the reference does not tell.
#[test]
fn group_ids_and_defaults() {
    for algorithm in registry::all() {
        let expected = match algorithm.group.label {
            "01 Installation" => "lizsync_installation",
            "02 PostgreSQL synchronization" => "lizsync_postgresql_sync",
            "03 GeoPoppy file synchronization" => "lizsync_geopoppy_sync",
            other => panic!("unexpected group {other}"),
        };
        assert_eq!(algorithm.group.id, expected);
        for parameter in algorithm.parameters {
            let default = parameter.default.value();
            match parameter.id {
                "OVERRIDE_AUDIT" | "OVERRIDE_LIZSYNC" | "RUNIT" => assert_eq!(default, false),
                "ADD_SERVER_ID" | "ADD_UID_COLUMNS" | "ADD_AUDIT_TRIGGERS" => {
                    assert_eq!(default, true);
                }
                "POSTGRESQL_BINARY_PATH" => assert_eq!(default, "/usr/bin/"),
                "ZIP_FILE" => {
                    let file = std::env::temp_dir().join("central_database_package.zip");
                    assert_eq!(default, file.to_str().unwrap());
                }
                "CENTRAL_FTP_PORT" => assert_eq!(default, 21),
                "CLONE_FTP_PORT" => assert_eq!(default, 2021),
                "FTP_EXCLUDE_REMOTE_SUBDIRS" => assert_eq!(default, "data"),
                "REPLACE_DATASOURCE_IN_QGIS_PROJECT" => assert_eq!(default, true),
                _ => assert!(default.is_null(), "{} has no default", parameter.id),
            }
        }
    }
}
