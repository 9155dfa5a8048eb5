//! What is done with odd input: by the fuzz targets, and by a test with the inputs that are kept in `seeds`.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use lizsync::error::Kind;
use lizsync::files::{listing as lines, names};
use lizsync::fuzzing;
use lizsync::postgres::{Surroundings, locate_in};
use lizsync::project::datasource::{Dialect, Source};
use lizsync::registry;
use lizsync::schema::{Parameters, Type};

/// A password that no seed holds, so that whoever shows it was not given it by chance.
const SENTINEL: &str = "s3same-0pen";

/// Lines that an FTP server lists, and replies: any bytes are an entry or none, and no entry leads out of its folder.
pub fn listing(bytes: &[u8]) {
    for line in bytes.split(|&byte| byte == b'\n') {
        lines::is_no_entry(line);
        let _ = lines::time(&names::text(line));
        let found = [lines::mlsd(line), lines::list(line, 1_800_000_000)];
        for entry in found.into_iter().flatten() {
            let name = names::text(&entry.name);
            if names::objection(&name).is_none() {
                let path = std::path::Path::new(&name);
                assert_eq!(path.components().count(), 1);
                assert_eq!(path.file_name(), Some(path.as_os_str()));
                assert!(names::part(&name, 1, None, "").len() < 240);
            }
        }
    }
}

/// Data sources of QGIS projects: what is parsed is printed as it was.
pub fn datasource(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for dialect in [Dialect::Qgis, Dialect::Libpq] {
        let source = Source::parse(text, dialect);
        assert_eq!(source.to_string(), text);
        let again = Source::parse(&source.to_string(), dialect);
        for key in [
            "host", "port", "dbname", "user", "password", "service", "table",
        ] {
            assert_eq!(source.get(key), again.get(key));
        }
    }
}

/// Parameters as JSON: valid, or an error about a parameter; what is printed shows none of their texts.
pub fn params(bytes: &[u8]) {
    let Ok(given) = serde_json::from_slice::<serde_json::Value>(bytes) else {
        return;
    };
    for algorithm in registry::all() {
        match Parameters::validate(algorithm.parameters, &given) {
            Ok(parameters) => {
                for parameter in algorithm.parameters {
                    let text = parameters.text(parameter.id);
                    assert!(text.is_none_or(|text| !text.is_empty() && !text.contains('\0')));
                    // A box has a default.
                    if parameter.required && parameter.kind != Type::Boolean {
                        let there = text.is_some()
                            || parameters.number(parameter.id).is_some()
                            || given.get(parameter.id).is_some();
                        assert!(there, "{}", parameter.id);
                    }
                }
                let printed = format!("{parameters:?}");
                let secret = parameters.text("CENTRAL_FTP_PASSWORD");
                assert!(secret.is_none_or(|text| text.len() < 12 || !printed.contains(text)));
            }
            Err(error) => assert_eq!(error.kind(), Kind::Parameter, "{error}"),
        }
    }
}

fn nowhere() -> Surroundings {
    Surroundings::new("/nowhere", "anna")
}

/// Connections, as conninfo, URI or name: a place, or an error that shows no password.
pub fn conninfo(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let given = [
        text.to_owned(),
        format!("password={SENTINEL} {text}"),
        format!("{text} password='{SENTINEL}'"),
        format!("postgresql://anna:{SENTINEL}@{text}"),
        format!("postgresql://{text}&password={SENTINEL}"),
    ];
    for value in given {
        match locate_in(&nowhere(), &value, &BTreeMap::new()) {
            Ok(location) => {
                let _ = (location.host(), location.port(), location.database());
                assert!(!format!("{location:?}").contains(SENTINEL));
            }
            Err(error) => assert!(!format!("{} {error:?}", error.sentence()).contains(SENTINEL)),
        }
    }
}

/// A folder in memory, of this process.
fn folder() -> PathBuf {
    let base = ["/dev/shm", "/tmp"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.is_dir());
    let folder = base
        .unwrap_or_else(std::env::temp_dir)
        .join(format!("lizsync-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for the files of fuzzing");
    folder
}

/// Service files and password files. The same bytes are both.
pub fn service(bytes: &[u8]) {
    let folder = folder();
    let (services, passwords) = (folder.join("services"), folder.join("passwords"));
    fs::write(
        &services,
        [bytes, b"\npassword=", SENTINEL.as_bytes()].concat(),
    )
    .expect("written");
    fs::write(
        &passwords,
        [bytes, b"\n*:*:*:*:", SENTINEL.as_bytes()].concat(),
    )
    .expect("written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&passwords, private).expect("made private");
    }
    let surroundings = nowhere().variable("PGSERVICEFILE", services.to_string_lossy());
    let passfile = format!(
        "host=db dbname=gis user=anna passfile={}",
        passwords.display()
    );
    for value in ["gis", "service=gis host=db", &passfile] {
        match locate_in(&surroundings, value, &BTreeMap::new()) {
            Ok(location) => assert!(!format!("{location:?}").contains(SENTINEL)),
            Err(error) => assert!(!format!("{} {error:?}", error.sentence()).contains(SENTINEL)),
        }
    }
}

/// Packages: a zip as it is, or (where the bytes are none) the texts of its members, separated by zero bytes: the manifest
/// first, which is given the hashes that are true.
pub fn package(bytes: &[u8]) {
    if let Ok(text) = fuzzing::manifest(bytes) {
        assert_eq!(
            fuzzing::manifest(text.as_bytes()).expect("what was written"),
            text
        );
    }
    let _ = fuzzing::script(bytes);
    let path = folder().join("package.zip");
    let zip = match bytes.starts_with(b"PK") {
        true => bytes.to_vec(),
        false => zipped(bytes),
    };
    fs::write(&path, zip).expect("written");
    if let Err(error) = fuzzing::package(&path) {
        assert_eq!(error.kind(), Kind::File, "{error}");
    }
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let names = [
        "manifest.json",
        "pre-data.sql",
        "post-data.sql",
        "sequences.json",
        "data/00001.copy",
    ];
    let mut members: Vec<(&str, Vec<u8>)> = names
        .iter()
        .copied()
        .zip(bytes.split(|&b| b == 0).map(<[u8]>::to_vec))
        .collect();
    if let Ok(mut manifest) = serde_json::from_slice::<serde_json::Value>(&members[0].1) {
        for (name, content) in &members[1..] {
            if let Some(member) = manifest
                .get_mut("members")
                .and_then(|all| all.get_mut(name))
            {
                *member =
                    serde_json::json!({"sha256": fuzzing::sha256(content), "size": content.len()});
            }
        }
        members[0].1 = manifest.to_string().into_bytes();
    }
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in members {
        zip.start_file(name, options).expect("a member");
        zip.write_all(&content).expect("its content");
    }
    zip.finish().expect("a zip").into_inner()
}

/// Projects of QGIS: what comes out can be read again, and nothing of the central is left in it to be replaced.
pub fn project(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let central = "host=central.example.org dbname=gis";
    let clone = "host=localhost dbname=clone user=anna password=poppy";
    let adapt = |text: &str| {
        fuzzing::project(text, central, clone, &nowhere()).expect("both connections are valid")
    };
    if let Ok(Some(adapted)) = adapt(text) {
        let again = adapt(&adapted).expect("what was written can be read");
        assert_eq!(again, None, "{adapted}");
    }
}
