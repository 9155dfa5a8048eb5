//! Projects in a folder are made to read the clone.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use lizsync::error::Kind;
use lizsync::feedback::{Event, Feedback, Level};
use lizsync::postgres::Surroundings;
use lizsync::project::{Adapted, adapt, adapt_in, backup_path};
use lizsync::secret::Secret;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

const CENTRAL: &str = "host=central.example.org dbname=gis user=anna password=sesame";
const AT_CENTRAL: &str =
    "dbname='gis' host=central.example.org port=5432 user='u' password='sesame' authcfg=abc1234";
const AT_GEOPOPPY: &str =
    "dbname='geopoppy' host=localhost port=5432 user='geopoppy' password='geopoppy'";

/// A folder of projects, the home directory beside it, and what was said.
struct Folder {
    home: tempfile::TempDir,
    said: Arc<Mutex<Vec<(Level, String)>>>,
}

impl Folder {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("projects")).unwrap();
        Self {
            home,
            said: Arc::default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join("projects").join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn services(&self, text: &str) -> Surroundings {
        let file = self.home.path().join("services");
        fs::write(&file, text).unwrap();
        self.surroundings()
            .variable("PGSERVICEFILE", file.to_str().unwrap())
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings::new(self.home.path(), "somebody")
    }

    fn feedback(&self) -> Feedback {
        let said = self.said.clone();
        Feedback::new(move |event| {
            if let Event::Message(level, text) = event {
                said.lock().unwrap().push((level, text));
            }
        })
    }

    fn adapt(&self, central: &str, clone: Option<&str>) -> Adapted {
        self.adapt_in(&self.surroundings(), central, clone)
    }

    fn adapt_in(&self, surroundings: &Surroundings, central: &str, clone: Option<&str>) -> Adapted {
        let mut files = Vec::new();
        let mut folders = vec![self.path("")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path)
                } else {
                    files.push(path)
                }
            }
        }
        files.sort();
        let named = BTreeMap::new();
        adapt_in(
            surroundings,
            &files,
            central,
            clone,
            &named,
            &self.feedback(),
        )
        .unwrap()
    }

    fn messages(&self) -> String {
        let said = self.said.lock().unwrap();
        said.iter().map(|(_, text)| format!("{text}\n")).collect()
    }
}

fn project(connection: &str) -> String {
    format!(
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n\
         <qgis projectname=\"dbname='gis' host=central.example.org\">\n  <projectlayers>\n    <maplayer>\n      \
         <id>trees_1</id>\n      <datasource>{connection} key='id' table=\"public\".\"trees\" (geom)</datasource>\n      \
         <provider encoding=\"UTF-8\">postgres</provider>\n    </maplayer>\n  </projectlayers>\n</qgis>\n"
    )
}

#[test]
fn every_project_of_the_folder_is_adapted_once() {
    let folder = Folder::new();
    folder.write("a.qgs", project(AT_CENTRAL));
    folder.write("sub/é à.QGS", project(AT_CENTRAL));
    folder.write("other.qgs", project("dbname='gis' host=other"));
    folder.write("template_.qgs", project(AT_CENTRAL));
    folder.write("template_.qgz", "no zip");
    folder.write("notes.txt", project(AT_CENTRAL));
    let adapted = folder.adapt(CENTRAL, None);
    assert_eq!(
        (adapted.projects, adapted.changed, adapted.sources),
        (3, 2, 2)
    );
    assert!(adapted.problems.is_empty());
    for name in ["a.qgs", "sub/é à.QGS"] {
        assert_eq!(folder.read(name), project(AT_GEOPOPPY));
        assert_eq!(folder.read(&format!("{name}.bak")), project(AT_CENTRAL));
    }
    assert_eq!(folder.read("other.qgs"), project("dbname='gis' host=other"));
    assert_eq!(folder.read("template_.qgs"), project(AT_CENTRAL));
    assert_eq!(folder.read("notes.txt"), project(AT_CENTRAL));
    assert!(!backup_path(&folder.path("other.qgs")).exists());
    let messages = folder.messages();
    assert!(
        messages.contains("a.qgs: 1 data source ") && !messages.contains("sesame"),
        "{messages}"
    );

    let before = fs::metadata(folder.path("a.qgs"))
        .unwrap()
        .modified()
        .unwrap();
    let again = folder.adapt(CENTRAL, None);
    assert_eq!((again.projects, again.changed, again.sources), (3, 0, 0));
    assert_eq!(
        fs::metadata(folder.path("a.qgs"))
            .unwrap()
            .modified()
            .unwrap(),
        before
    );
    assert_eq!(folder.read("a.qgs.bak"), project(AT_CENTRAL));
}

#[test]
fn a_folder_is_searched_and_what_is_no_connection_is_refused() {
    let folder = Folder::new();
    folder.write("sub/deep/a.qgs", project(AT_CENTRAL));
    folder.write("b_.qgs", project(AT_CENTRAL));
    let run = |central: &str, clone| {
        let named = BTreeMap::from([("chosen".to_owned(), Secret::new(CENTRAL))]);
        adapt(&folder.path(""), central, clone, &named, &folder.feedback())
    };
    assert_eq!(
        run("nothing of that name", None).unwrap_err().kind(),
        Kind::Connection
    );
    assert_eq!(
        run(CENTRAL, Some("host=a port=x")).unwrap_err().kind(),
        Kind::Parameter
    );
    let adapted = run(
        "chosen",
        Some("host=tablet port=5433 dbname=field user=bob password='a b'"),
    )
    .unwrap();
    assert_eq!((adapted.projects, adapted.changed), (1, 1));
    assert_eq!(
        folder.read("sub/deep/a.qgs"),
        project("dbname='field' host=tablet port=5433 user='bob' password='a b'")
    );
    let missing = folder.path("missing");
    let error = adapt(
        &missing,
        CENTRAL,
        None,
        &BTreeMap::new(),
        &folder.feedback(),
    )
    .unwrap_err();
    assert!(error.kind() == Kind::File && error.to_string().contains("missing"));
    let canceled = Feedback::silent();
    canceled.cancel();
    let error = adapt(&folder.path(""), CENTRAL, None, &BTreeMap::new(), &canceled).unwrap_err();
    assert_eq!(error.kind(), Kind::Canceled);
}

#[test]
fn services_are_found_by_name_and_by_what_they_say() {
    let folder = Folder::new();
    let surroundings = folder.services(
        "[central]\nhost=central.example.org\ndbname=gis\nuser=u\npassword=sesame\n\
         [same]\nhost=central.example.org\ndbname=gis\n[other]\nhost=other\ndbname=gis\n[tablet]\nhost=tablet\n",
    );
    let files = [
        ("by_name.qgs", "service='central'", "service='geopoppy'"),
        ("by_host.qgs", AT_CENTRAL, AT_GEOPOPPY),
        (
            "same.qgs",
            "service='same' user='u' password='p'",
            "service='geopoppy'",
        ),
        ("other.qgs", "service='other'", "service='other'"),
        ("unknown.qgs", "service='unknown'", "service='unknown'"),
        (
            "dbname.qgs",
            "dbname='other' service='central'",
            "dbname='other' service='central'",
        ),
    ];
    let write = || files.map(|(name, before, _)| folder.write(name, project(before)));
    write();
    folder.adapt_in(&surroundings, "central", None);
    for (name, _, after) in files {
        assert_eq!(folder.read(name), project(after), "{name}");
    }
    write();
    folder.adapt_in(&surroundings, CENTRAL, None);
    assert_eq!(folder.read("by_name.qgs"), project(AT_GEOPOPPY));
    assert_eq!(folder.read("by_host.qgs"), project(AT_GEOPOPPY));
    write();
    folder.adapt_in(&surroundings, CENTRAL, Some("tablet"));
    assert_eq!(folder.read("by_name.qgs"), project("service='tablet'"));
    assert_eq!(folder.read("by_host.qgs"), project("service='tablet'"));
    write();
    folder.adapt_in(
        &surroundings,
        "service=central",
        Some("service=tablet dbname=x user=y"),
    );
    assert_eq!(
        folder.read("by_host.qgs"),
        project("dbname='x' service='tablet' user='y'")
    );
}

#[test]
fn a_backup_is_replaced_by_a_later_version_but_not_by_one_that_is_adapted_in_part() {
    let folder = Folder::new();
    let path = folder.write("a.qgs", project(AT_CENTRAL));
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    fs::File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .set_modified(time)
        .unwrap();
    folder.adapt(CENTRAL, None);
    assert_eq!(
        fs::metadata(backup_path(&path))
            .unwrap()
            .modified()
            .unwrap(),
        time
    );

    // Somebody adds a layer of the central to the adapted project.
    let more = "<maplayer><id>x</id><datasource>host=central.example.org dbname='gis' table=\"x\"\
                </datasource><provider>postgres</provider></maplayer></projectlayers>";
    let part = folder.read("a.qgs").replace("</projectlayers>", more);
    folder.write("a.qgs", part);
    assert_eq!(folder.adapt(CENTRAL, None).sources, 1);
    assert_eq!(folder.read("a.qgs.bak"), project(AT_CENTRAL));

    let later = project(AT_CENTRAL).replace("trees", "roads");
    folder.write("a.qgs", &later);
    folder.adapt(CENTRAL, None);
    assert_eq!(folder.read("a.qgs.bak"), later);
}

#[test]
fn what_cannot_be_read_is_left_and_told() {
    let folder = Folder::new();
    let whole = project(AT_CENTRAL);
    let cut = &whole[..whole.len() - 20];
    let latin = [whole.as_bytes(), b"<!-- \xe9 -->"].concat();
    folder.write("cut.qgs", cut);
    let unescaped = project(&AT_CENTRAL.replace("sesame", "&sesame;</sesame>"));
    folder.write("unescaped.qgs", &unescaped);
    folder.write("latin.qgs", &latin);
    folder.write("broken.qgz", "PK\x03\x04 and no more");
    folder.write("empty.qgs", "");
    folder.write("good.qgs", &whole);
    let adapted = folder.adapt(CENTRAL, None);
    assert_eq!(
        (adapted.projects, adapted.changed, adapted.problems.len()),
        (6, 1, 5)
    );
    assert_eq!(folder.read("cut.qgs"), cut);
    assert_eq!(fs::read(folder.path("latin.qgs")).unwrap(), latin);
    for name in ["broken.qgz", "cut.qgs", "empty.qgs", "latin.qgs"] {
        assert!(
            adapted
                .problems
                .iter()
                .any(|text| text.to_string().contains(name)),
            "{name}"
        );
        assert!(!backup_path(&folder.path(name)).exists());
    }
    assert!(
        adapted.problems[1]
            .to_string()
            .contains("not well-formed XML (line "),
        "{:?}",
        adapted.problems
    );
    let warnings = folder
        .said
        .lock()
        .unwrap()
        .iter()
        .filter(|(level, _)| *level == Level::Warning)
        .count();
    assert_eq!(warnings, 5);
    assert!(!folder.messages().contains("sesame"));
    let left = fs::read_dir(folder.path("")).unwrap().count();
    assert_eq!(left, 7, "a temporary file was left");
}

#[test]
fn a_password_that_stands_elsewhere_is_told() {
    let folder = Folder::new();
    let note = |text: &str| {
        let note = format!("<properties>\n<note>ask for {text}</note></properties></qgis>");
        project(AT_CENTRAL).replace("</qgis>", &note)
    };
    folder.write("a.qgs", note("sesame"));
    folder.write("b.qgs", note("sesames"));
    let adapted = folder.adapt(CENTRAL, None);
    assert_eq!((adapted.changed, adapted.problems.len()), (2, 1));
    let problem = &adapted.problems[0].to_string();
    assert!(
        problem.contains("a.qgs") && problem.contains("line 11"),
        "{problem}"
    );
    assert!(!folder.messages().contains("sesame"));
}

#[cfg(unix)]
#[test]
fn permissions_stay_and_the_backup_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let path = folder.write("a.qgs", project(AT_CENTRAL));
    let target = folder.home.path().join("outside.qgs");
    fs::write(&target, project(AT_CENTRAL)).unwrap();
    std::os::unix::fs::symlink(&target, folder.path("link.qgs")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
    let adapted = folder.adapt(CENTRAL, None);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&backup_path(&path))), (0o664, 0o600));
    assert!(
        adapted.problems[0].to_string().contains("link.qgs"),
        "{:?}",
        adapted.problems
    );
    assert_eq!(fs::read_to_string(target).unwrap(), project(AT_CENTRAL));
}

/// A zip with these members, some of them stored, with a comment.
fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (at, (name, content)) in members.iter().enumerate() {
        let method = [CompressionMethod::Deflated, CompressionMethod::Stored][at % 2];
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(*name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.set_comment("of QGIS").unwrap();
    zip.finish().unwrap().into_inner()
}

#[test]
fn in_a_zipped_project_the_other_members_are_copied() {
    let folder = Folder::new();
    let (before, after) = (project(AT_CENTRAL), project(AT_GEOPOPPY));
    let data: Vec<u8> = (0..20_000_u32)
        .flat_map(|n| (n * n).to_le_bytes())
        .collect();
    let original = zipped(&[
        ("trees.qgs", before.as_bytes()),
        ("trees.qgd", &data),
        ("trees.qgs_attachments/é.txt", before.as_bytes()),
    ]);
    folder.write("trees.qgz", &original);
    let other = zipped(&[("x.qgs", project("dbname='gis' host=other").as_bytes())]);
    folder.write("x.qgz", &other);
    let adapted = folder.adapt(CENTRAL, None);
    assert_eq!(
        (adapted.projects, adapted.changed, adapted.sources),
        (2, 1, 1)
    );
    assert_eq!(fs::read(folder.path("x.qgz")).unwrap(), other);
    assert_eq!(fs::read(folder.path("trees.qgz.bak")).unwrap(), original);

    let new = fs::read(folder.path("trees.qgz")).unwrap();
    let mut new = ZipArchive::new(Cursor::new(new)).unwrap();
    let mut old = ZipArchive::new(Cursor::new(original)).unwrap();
    assert_eq!((new.len(), new.comment()), (3, &b"of QGIS"[..]));
    for at in 0..3 {
        let (mut new, mut old) = (new.by_index_raw(at).unwrap(), old.by_index_raw(at).unwrap());
        assert_eq!(
            (new.name_raw(), new.compression()),
            (old.name_raw(), old.compression())
        );
        assert_eq!(new.last_modified(), old.last_modified());
        let (mut raw, mut raw_before) = (Vec::new(), Vec::new());
        new.read_to_end(&mut raw).unwrap();
        old.read_to_end(&mut raw_before).unwrap();
        assert_eq!(raw == raw_before, at > 0);
    }
    let mut text = String::new();
    new.by_name("trees.qgs")
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, after);
    assert_eq!(folder.adapt(CENTRAL, None).changed, 0);
}

#[test]
fn a_zip_that_grows_without_end_is_refused() {
    let folder = Folder::new();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("a.qgs", SimpleFileOptions::default())
        .unwrap();
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..257 {
        zip.write_all(&zeros).unwrap();
    }
    let bomb = zip.finish().unwrap().into_inner();
    folder.write("a.qgz", &bomb);
    let adapted = folder.adapt(CENTRAL, None);
    assert!(
        adapted.problems[0].to_string().contains("too large"),
        "{:?}",
        adapted.problems
    );
    assert_eq!(fs::read(folder.path("a.qgz")).unwrap(), bomb);
}
