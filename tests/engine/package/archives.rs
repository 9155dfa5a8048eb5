//! Zips that are not what they should be change nothing.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use lizsync::error::Kind;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::fixture::*;
use crate::support::Database;
use crate::support::role::Role;

type Members = Vec<(String, Vec<u8>)>;

fn read(zip: &Path) -> Members {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(zip).unwrap()).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut member = archive.by_index(index).unwrap();
            let mut content = Vec::new();
            member.read_to_end(&mut content).unwrap();
            (member.name().unwrap().into_owned(), content)
        })
        .collect()
}

fn write(path: &Path, members: &Members) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    for (name, content) in members {
        zip.start_file(name.as_str(), zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap();
}

fn find<'a>(members: &'a mut Members, name: &str) -> &'a mut Vec<u8> {
    &mut members.iter_mut().find(|(n, _)| n == name).unwrap().1
}

fn edit_manifest(members: &mut Members, edit: impl FnOnce(&mut Value)) {
    let text = find(members, "manifest.json");
    let mut manifest: Value = serde_json::from_slice(text).unwrap();
    edit(&mut manifest);
    *text = serde_json::to_vec(&manifest).unwrap();
}

/// Replaces a member, and its hash and size in the manifest.
fn forge(members: &mut Members, name: &str, content: &[u8]) {
    if let Some(member) = members.iter_mut().find(|(n, _)| n == name) {
        member.1 = content.to_vec();
    } else {
        members.push((name.into(), content.to_vec()));
    }
    let hash: String = Sha256::digest(content)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    edit_manifest(members, |manifest| {
        manifest["members"][name] = json!({"sha256": hash, "size": content.len()});
    });
}

fn appended(members: &mut Members, name: &str, sql: &str) {
    let mut text = find(members, name).clone();
    text.extend_from_slice(sql.as_bytes());
    forge(members, name, &text);
}

struct Case {
    central: Database,
    clone: Database,
    folder: Folder,
    zip: PathBuf,
}

impl Case {
    /// A package that was deployed, so that there is something to lose.
    fn new(label: &str) -> Self {
        let (central, clone, folder, zip) = deployed(label);
        Self {
            central,
            clone,
            folder,
            zip,
        }
    }

    fn refuses(&self, kind: Kind, expected: &str, change: impl FnOnce(&mut Members)) {
        let mut members = read(&self.zip);
        change(&mut members);
        let path = self.folder.path("changed.zip");
        write(&path, &members);
        self.refuses_file(kind, expected, &path);
    }

    fn refuses_file(&self, kind: Kind, expected: &str, path: &Path) {
        let sentence = refused(&self.central, &self.clone, path, kind);
        assert!(sentence.contains(expected), "{sentence} / {expected}");
    }
}

#[test]
fn damaged_and_foreign_zips() {
    let case = Case::new("damaged");
    let file = Kind::File;
    case.refuses(file, "data/00002.copy is damaged (its SHA-256", |m| {
        let text = find(m, "data/00002.copy");
        let at = text.iter().position(|b| *b == b'k').unwrap();
        text[at] = b'K';
    });
    case.refuses(file, "longer than", |m| {
        find(m, "data/00001.copy").extend(vec![0; 1 << 22])
    });
    case.refuses(file, "it has 0 bytes instead of", |m| {
        find(m, "data/00001.copy").clear()
    });
    case.refuses(file, "Its member data/00001.copy is missing", |m| {
        m.retain(|(n, _)| n != "data/00001.copy")
    });
    case.refuses(file, "no manifest.json", |m| {
        m.retain(|(n, _)| n != "manifest.json")
    });
    case.refuses(file, "“../evil.sql” that points outside", |m| {
        m.push(("../evil.sql".into(), vec![]))
    });
    case.refuses(file, "“/etc/evil” that points outside", |m| {
        m.push(("/etc/evil".into(), vec![]))
    });
    case.refuses(
        file,
        "“more.sql” that its manifest does not list",
        |m| m.push(("more.sql".into(), vec![])),
    );
    case.refuses(file, "its format version is 2", |m| {
        edit_manifest(m, |v| v["format_version"] = json!(2))
    });
    case.refuses(file, "its format is not", |m| {
        edit_manifest(m, |v| v["format"] = json!("x"))
    });
    case.refuses(file, "“public” is never packaged", |m| {
        edit_manifest(m, |v| v["schemas"] = json!(["gis", "public"]))
    });
    case.refuses(file, "is not a time", |m| {
        edit_manifest(m, |v| v["created"] = json!("infinity"))
    });
    case.refuses(file, "made in the future", |m| {
        edit_manifest(m, |v| v["created"] = json!("2999-01-01T00:00:00.000000Z"))
    });
    case.refuses(file, "has not reached", |m| {
        edit_manifest(m, |v| v["snapshot"] = json!("999999999:999999999:"))
    });
    case.refuses(file, "has not reached", |m| {
        edit_manifest(m, |v| {
            v["snapshot"] = json!("9223372036854775807:9223372036854775807:");
        })
    });
    // Beyond a bigint, where it would be a negative number, and all edits to come would count as taken.
    case.refuses(file, "is not a snapshot", |m| {
        edit_manifest(m, |v| {
            v["snapshot"] = json!("18446744073709551615:18446744073709551615:");
        })
    });
    case.refuses(file, "it holds a null character", |m| {
        edit_manifest(m, |v| v["tables"][0]["columns"][0] = json!("a\0b"))
    });
    case.refuses(file, "has not reached", |m| {
        edit_manifest(m, |v| v["central"]["timeline"] = json!(99))
    });
    case.refuses(file, "version of the central's server", |m| {
        edit_manifest(m, |v| v["central"]["server_version_num"] = json!(-5))
    });
    case.refuses(file, "manifest cannot be used", |m| {
        find(m, "manifest.json").truncate(100)
    });
    case.refuses(file, "made by another tool or an earlier LizSync", |m| {
        *m = ["01_before.sql", "02_data.sql", "sync_id.txt"]
            .map(|n| (n.to_owned(), vec![]))
            .into();
    });

    let bytes = std::fs::read(&case.zip).unwrap();
    for length in [0, 10, bytes.len() / 2, bytes.len() - 30] {
        let path = case.folder.write("cut.zip", &bytes[..length]);
        case.refuses_file(file, "no zip file, or it is not complete", &path);
    }
    let twice: Vec<u8> = {
        let (from, to) = (b"data/00002.copy", b"data/00001.copy");
        let mut bytes = bytes;
        while let Some(at) = bytes.windows(from.len()).position(|w| w == from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
        bytes
    };
    let path = case.folder.write("twice.zip", twice);
    case.refuses_file(file, "two members of one name", &path);
    case.refuses_file(file, "cannot be used", &case.folder.path("none.zip"));
    case.refuses_file(file, "it is a folder", case.folder.0.path());
    // The package itself is still fine.
    deploy(&case.central, &case.clone, &case.zip).unwrap();
}

/// The last member of all is read before the first statement is executed.
#[test]
fn nothing_is_executed_before_all_is_verified() {
    use lizsync::feedback::{Event, Feedback};
    let case = Case::new("verified");
    let mut members = read(&case.zip);
    let rows = find(&mut members, "data/00002.copy");
    rows[0] ^= 1;
    let path = case.folder.path("changed.zip");
    write(&path, &members);
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = heard.clone();
    let feedback = Feedback::new(move |event| {
        if let Event::Message(_, text) = event {
            sink.lock().unwrap().push(text);
        }
    });
    let parameters = deploy_parameters(&case.central, &case.clone, &path);
    let error = lizsync::registry::run(DEPLOY, &parameters, &feedback).unwrap_err();
    assert_eq!(error.kind(), Kind::File, "{error}");
    let heard = heard.lock().unwrap();
    assert!(heard.iter().any(|text| text.contains("Verifying")));
    assert!(
        !heard.iter().any(|text| text.contains("Creating")),
        "{heard:?}"
    );
}

/// A zip of members with an attribute of Unix, compressed.
fn write_as(path: &Path, members: &Members, kind: impl Fn(&str) -> Option<u32>) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    for (name, content) in members {
        let options = zip::write::SimpleFileOptions::default();
        match kind(name) {
            Some(mode) => {
                zip.add_symlink(
                    name.as_str(),
                    String::from_utf8_lossy(content),
                    options.unix_permissions(mode),
                )
                .unwrap();
            }
            None => {
                zip.start_file(name.as_str(), options).unwrap();
                zip.write_all(content).unwrap();
            }
        }
    }
    zip.finish().unwrap();
}

#[test]
fn bombs_links_and_names_that_collide() {
    let case = Case::new("bombs");
    let file = Kind::File;
    let limit = std::time::Instant::now();
    // A member that unpacks to a thousand times its size, and to more than it says.
    case.refuses(file, "manifest.json is damaged (it is too large)", |m| {
        find(m, "manifest.json").resize(65 << 20, b' ')
    });
    case.refuses(file, "longer than", |m| {
        find(m, "pre-data.sql").resize(80 << 20, b' ')
    });
    // One that tells the truth, which would be in memory as a whole; also where it is shared out.
    case.refuses(file, "besides rows is too large", |m| {
        edit_manifest(m, |v| {
            v["members"]["pre-data.sql"]["size"] = json!((256u64 << 20) + 1);
        });
    });
    case.refuses(file, "besides rows is too large", |m| {
        edit_manifest(m, |v| {
            for name in ["pre-data.sql", "post-data.sql"] {
                v["members"][name]["size"] = json!(200u64 << 20);
            }
        });
    });
    case.refuses(file, "besides rows is too large", |m| {
        edit_manifest(m, |v| {
            for name in ["pre-data.sql", "post-data.sql"] {
                v["members"][name]["size"] = json!(u64::MAX);
            }
        });
    });
    // Very many members, and a zip within the zip.
    case.refuses(file, "that its manifest does not list", |m| {
        m.extend((0..70_000).map(|n| (format!("more/{n}"), Vec::new())));
    });
    case.refuses(
        file,
        "“inner.zip” that its manifest does not list",
        |m| {
            m.push(("inner.zip".into(), std::fs::read(&case.zip).unwrap()));
        },
    );
    // Names that are one on the disks of Windows and macOS.
    for name in [
        "MANIFEST.JSON",
        "Manifest.json",
        "pre-data.sql ",
        "pre-data.SQL",
        "DATA/00001.copy",
        "data\\00001.copy",
        "data//00001.copy",
        "./manifest.json",
        "data/00001.copy/",
        "con",
        "pre-data.sql::$DATA",
    ] {
        case.refuses(file, "It holds a member", |m| {
            m.push((name.into(), b"x".to_vec()))
        });
    }
    // Links.
    for link in ["manifest.json", "pre-data.sql", "data/00001.copy"] {
        let mut members = read(&case.zip);
        if link != "manifest.json" {
            forge(&mut members, link, b"/etc/passwd");
        }
        let path = case.folder.path("link.zip");
        write_as(&path, &members, |name| (name == link).then_some(0o777));
        case.refuses_file(file, &format!("The member {link} is no plain file"), &path);
    }
    assert!(limit.elapsed().as_secs() < 120, "{:?}", limit.elapsed());
    // The package itself is still fine, also by way of a link of the user's own.
    #[cfg(unix)]
    {
        let link = case.folder.path("my.zip");
        std::os::unix::fs::symlink(&case.zip, &link).unwrap();
        deploy(&case.central, &case.clone, &link).unwrap();
    }
}

/// Somebody else may have put it there, and its SQL would run with the rights of who deploys it.
#[cfg(unix)]
#[test]
fn a_package_of_another_user_in_a_folder_of_everybody() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let case = Case::new("planted");
    let open = |mode| {
        let folder = case.folder.0.path();
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open(0o1777);
    deploy(&case.central, &case.clone, &case.zip).unwrap();
    // Only root can give a file away.
    if case.zip.metadata().unwrap().uid() == 0 {
        chown(&case.zip, Some(65_534), None).unwrap();
        let said = "belongs to another user, and everybody may write";
        case.refuses_file(Kind::File, said, &case.zip);
        let link = case.folder.path("link.zip");
        std::os::unix::fs::symlink(&case.zip, &link).unwrap();
        case.refuses_file(Kind::File, said, &link);
        open(0o755);
        deploy(&case.central, &case.clone, &case.zip).unwrap();
        // The link of another user leads to a package in a folder of his; the system itself follows it only where there
        // is no sticky bit.
        let theirs = Folder::new();
        let package = theirs.path("p.zip");
        std::fs::copy(&case.zip, &package).unwrap();
        let link = case.folder.path("theirs.zip");
        std::os::unix::fs::symlink(&package, &link).unwrap();
        std::os::unix::fs::lchown(&link, Some(65_534), None).unwrap();
        open(0o777);
        case.refuses_file(Kind::File, said, &link);
        // One more link on the way.
        let mine = theirs.path("mine.zip");
        std::os::unix::fs::symlink(&link, &mine).unwrap();
        case.refuses_file(Kind::File, said, &mine);
        open(0o755);
        deploy(&case.central, &case.clone, &mine).unwrap();
    }
}

#[test]
fn scripts_that_the_hash_does_not_catch() {
    let case = Case::new("scripts");
    let file = Kind::File;
    for member in ["pre-data.sql", "post-data.sql", "additional.sql"] {
        case.refuses(file, "the psql command “\\!” in line", |m| {
            if member == "additional.sql" {
                forge(m, member, b"");
            }
            appended(m, member, "\nSELECT '\\';\n\\! touch /tmp/x\n");
        });
    }
    case.refuses(file, "is not UTF-8", |m| {
        forge(m, "additional.sql", b"SELECT '\xff'")
    });
    for sql in [
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT x",
        "SELECT 1; COMMIT; DROP TABLE gis.tree; BEGIN",
        "DO 'BEGIN COMMIT; END'",
    ] {
        case.refuses(Kind::Database, "transaction", |m| {
            forge(m, "additional.sql", sql.as_bytes())
        });
        case.refuses(Kind::Database, "transaction", |m| {
            appended(m, "post-data.sql", &format!("\n{sql};"))
        });
    }
    case.refuses(
        Kind::Database,
        "additional.sql), line 3: relation \"gis.none\" does not exist",
        |m| {
            forge(
                m,
                "additional.sql",
                b"-- \xc3\xbc\nDELETE FROM gis.tree;\nDELETE FROM gis.none;\n",
            );
        },
    );
    case.refuses(Kind::Database, "null value in column", |m| {
        forge(m, "additional.sql", b"UPDATE gis.tree SET uid = NULL");
    });
    case.refuses(file, "schema other is not packaged", |m| {
        forge(
            m,
            "sequences.json",
            br#"[{"schema":"other","name":"x","last_value":1,"is_called":true}]"#,
        );
    });
}

/// What a script sets ends with it, also who the session is: the deployment goes on as who began it.
#[test]
fn settings_of_a_script_end_with_it() {
    let role = Role::new("gis_owner");
    let case = Case::new("settings");
    case.clone.run(&format!(
        "GRANT CREATE ON DATABASE \"{}\" TO {}",
        case.clone.name, role.name
    ));
    for (number, set) in [
        "SET ROLE {role}",
        "SET LOCAL ROLE {role}",
        "SET SESSION AUTHORIZATION {role}",
        "SET search_path = audit",
        "SET row_security = on; SET statement_timeout = 1",
    ]
    .into_iter()
    .enumerate()
    {
        let set = set.replace("{role}", &role.name);
        let owner = match set.contains(&role.name) {
            true => role.name.as_str(),
            false => "postgres",
        };
        let mut members = read(&case.zip);
        let sql = format!("{set}; CREATE SCHEMA made_{number};");
        forge(&mut members, "additional.sql", sql.as_bytes());
        let path = case.folder.path("settings.zip");
        write(&path, &members);
        deploy(&case.central, &case.clone, &path).unwrap_or_else(|error| panic!("{set}: {error}"));
        let made =
            format!("SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'made_{number}'");
        assert_eq!(case.clone.value(&made), owner, "{set}");
        crate::support::synchronize(&case.central, &case.clone);
    }
    case.clone.run(&format!("DROP OWNED BY {}", role.name));
}

#[test]
fn rows_that_do_not_fit() {
    let case = Case::new("rows");
    let data = "data/00002.copy";
    case.refuses(Kind::File, "2 rows of gis.tree instead of 3", |m| {
        let text = find(m, data).clone();
        let end = text.iter().position(|b| *b == b'\n').unwrap() + 1;
        forge(m, data, &text[end..]);
    });
    case.refuses(
        Kind::Database,
        "Loading the table gis.tree: missing data for column",
        |m| forge(m, data, b"1\n"),
    );
    // More than fits in the buffers between here and the server.
    case.refuses(Kind::Database, "Loading the table gis.tree: ", |m| {
        forge(m, data, &b"x\ty\n".repeat(1 << 20))
    });
    case.refuses(Kind::Database, "is duplicated", |m| {
        let text = find(m, data).clone();
        forge(m, data, &text.repeat(2));
        edit_manifest(m, |v| v["tables"][1]["rows"] = json!(6));
    });
}
