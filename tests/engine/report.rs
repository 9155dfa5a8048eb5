//! The HTML report of a synchronisation.
#![allow(missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::role::Role;
use crate::support::{Database, admin, balanced, clone_of, prepared, refused, run, terminate};
use lizsync::error::Kind;
use lizsync::feedback::{Event, Feedback};
use serde_json::{Value, json};
use tempfile::TempDir;

const TREES: &str = "CREATE SCHEMA gis;
    CREATE TABLE gis.tree (id serial PRIMARY KEY, code text UNIQUE, name text, height int);
    INSERT INTO gis.tree (code, name, height) SELECT 'T' || n, 'tree ' || n, n FROM generate_series(1, 30) AS n";

/// A pair of databases, and a folder for reports.
struct Field {
    central: Database,
    clone: Database,
    folder: TempDir,
}

impl Field {
    fn new(sql: &str) -> Self {
        let central = prepared("central", sql);
        let clone = clone_of(&central, "clone");
        let folder = tempfile::tempdir().unwrap();
        Self {
            central,
            clone,
            folder,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("report.html")
    }

    fn parameters(&self, path: &Path) -> Value {
        json!({"CONNECTION_NAME_CENTRAL": self.central.conninfo(), "CONNECTION_NAME_CLONE": self.clone.conninfo(),
            "REPORT": path})
    }

    /// Synchronises; returns the outputs, and the text of the report without its markup.
    fn report(&self) -> (Value, String) {
        let outputs = run("synchronize_database", self.parameters(&self.path()))
            .unwrap_or_else(|error| panic!("{}", error.sentence()));
        balanced(&outputs);
        assert_eq!(outputs["REPORT"], json!(self.path()));
        let page = fs::read_to_string(self.path()).unwrap();
        assert_eq!(self.files(), ["report.html"]);
        (outputs, plain(&page))
    }

    fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap();
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        names.map(|entry| name(entry.unwrap())).collect()
    }
}

/// The text of a page, as a reader sees it: one space between its pieces.
fn plain(page: &str) -> String {
    let (_, body) = page.split_once("<body>").unwrap();
    let texts = body.split('<').skip(1);
    let texts = texts
        .filter_map(|part| part.split_once('>'))
        .map(|(_, text)| text);
    let words: Vec<&str> = texts.flat_map(str::split_whitespace).collect();
    words
        .join(" ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

fn has(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "“{text}” is not in: {page}");
    }
}

#[test]
fn all_that_a_run_did_is_in_it() {
    let field = Field::new(TREES);
    field.central.run(
        "UPDATE gis.tree SET height = 100 WHERE code = 'T1'; DELETE FROM gis.tree WHERE code IN ('T2', 'T3');
         INSERT INTO gis.tree (code, name) VALUES ('N1', 'of the central'), ('X', 'central X');
         UPDATE gis.tree SET name = 'first' WHERE code = 'T5'",
    );
    field.clone.run(
        "INSERT INTO gis.tree (code, name) VALUES ('X', 'clone X');
         UPDATE gis.tree SET name = 'second' WHERE code = 'T5';
         UPDATE gis.tree SET height = 7 WHERE code = 'T3';
         UPDATE gis.tree SET height = height + 1 WHERE code IN ('T11', 'T12', 'T13')",
    );
    let (outputs, page) = field.report();
    assert_eq!(outputs["CONFLICTS"], 2, "{outputs}");
    assert_eq!(outputs["SET_ASIDE"], 2, "{outputs}");
    has(
        &page,
        &[
            "4 rows changed in the clone and 4 in the central database; 2 conflicts settled; 2 changes wait",
            // New, changed, deleted.
            "gis.tree 1 1 2",
            "gis.tree – 4 –",
            "first",
            "second",
            "the later edit counts",
            "the row was deleted",
            "a deletion counts more than a change",
            "duplicate key value violates unique constraint",
            "Another row has that value already.",
            "New row made in the clone; the central database did not take it",
            "New row made in the central database; the clone did not take it",
            "postgres from the clone",
            "PostgreSQL",
            &field.central.name,
            &field.clone.name,
            &field
                .central
                .value("SELECT server_id FROM lizsync.server_metadata"),
        ],
    );
    let account = |side: &str, applied: &str| {
        let of = |what: &str| outputs[format!("{what}_{side}")].as_u64().unwrap();
        let applied = outputs[applied].as_u64().unwrap();
        format!(
            "{} = {applied} + {} + {} + {}",
            of("CAPTURED"),
            of("SUPERSEDED"),
            of("LOST"),
            of("SET_ASIDE")
        )
    };
    has(
        &page,
        &[
            &account("CENTRAL", "APPLIED_TO_CLONE"),
            &account("CLONE", "APPLIED_TO_CENTRAL"),
        ],
    );
    // Nothing has a place here.
    assert!(!page.contains("with a place"), "{page}");
    // What waits stands in the next report as well.
    let (_, page) = field.report();
    has(
        &page,
        &["No row was changed; 2 changes wait", "clone X", "central X"],
    );
}

#[test]
fn what_the_other_side_has_stands_beside_what_waits() {
    let field = Field::new(TREES);
    field
        .central
        .run("ALTER TABLE gis.tree ADD CONSTRAINT low CHECK (height < 1000)");
    field
        .clone
        .run("UPDATE gis.tree SET height = 5000 WHERE code = 'T7'");
    let (_, page) = field.report();
    has(
        &page,
        &[
            "tree 7 gis.tree",
            "was to be is in the central database height 5000 7",
            "The value breaks a rule of the table.",
            "violates check constraint",
        ],
    );
}

#[test]
fn an_edit_of_a_row_that_is_gone_is_a_conflict() {
    let field = Field::new(TREES);
    field.central.run(
        "ALTER TABLE gis.tree DISABLE TRIGGER USER; DELETE FROM gis.tree WHERE code = 'T1'; ALTER TABLE gis.tree ENABLE TRIGGER USER",
    );
    field
        .clone
        .run("UPDATE gis.tree SET height = 4711 WHERE code < 'T11'");
    let (outputs, page) = field.report();
    assert_eq!(
        (&outputs["CONFLICTS"], &outputs["APPLIED_TO_CENTRAL"]),
        (&json!(1), &json!(1))
    );
    has(
        &page,
        &[
            "gis.tree – 1 –",
            "the row is not there any more",
            "height 4711",
        ],
    );
}

#[test]
fn a_run_with_nothing_to_do_says_so() {
    let field = Field::new(TREES);
    let (_, page) = field.report();
    has(
        &page,
        &[
            "Both databases were up to date already",
            "No edit contradicted another one.",
            "0 = 0 + 0 + 0 + 0",
        ],
    );
}

#[test]
fn without_the_wish_there_is_none() {
    let field = Field::new(TREES);
    let mut parameters = field.parameters(&field.path());
    parameters.as_object_mut().unwrap().remove("REPORT");
    field.clone.run("UPDATE gis.tree SET height = 0");
    let outputs = run("synchronize_database", parameters).unwrap();
    assert!(outputs.get("REPORT").is_none(), "{outputs}");
}

#[test]
fn where_it_cannot_be_written_nothing_is_done() {
    let field = Field::new(TREES);
    field.clone.run("UPDATE gis.tree SET height = 0");
    for path in [
        field.folder.path().join("no/report.html"),
        field.folder.path().to_owned(),
    ] {
        let said = refused("synchronize_database", field.parameters(&path), Kind::File);
        assert!(
            said.contains("report") || said.contains("is a folder"),
            "{said}"
        );
    }
    assert_eq!(
        field.central.value("SELECT count(*) FROM lizsync.history"),
        "0"
    );
    assert!(field.files().is_empty());
}

/// The folder vanishes during the run.
#[test]
fn what_was_synchronised_is_done_also_without_it() {
    let field = Field::new(TREES);
    field.clone.run("UPDATE gis.tree SET height = 0");
    let folder = field.folder.path().join("gone");
    fs::create_dir(&folder).unwrap();
    let victim = folder.clone();
    let feedback = Feedback::new(move |event| {
        if matches!(&event, Event::Message(_, text) if text == "Committing to the clone.") {
            fs::remove_dir_all(&victim).unwrap();
        }
    });
    let parameters = field.parameters(&folder.join("report.html"));
    let outputs = lizsync::registry::run("synchronize_database", &parameters, &feedback)
        .unwrap()
        .into_json();
    assert_eq!(outputs["APPLIED_TO_CENTRAL"], 30);
    assert!(outputs.get("REPORT").is_none(), "{outputs}");
}

#[test]
fn a_run_that_fails_leaves_the_last_one() {
    let field = Field::new(TREES);
    fs::write(field.path(), "the last one").unwrap();
    field.clone.run("UPDATE gis.tree SET height = 0");
    field
        .central
        .run("ALTER TABLE lizsync.history ADD CONSTRAINT never CHECK (false) NOT VALID");
    run("synchronize_database", field.parameters(&field.path())).unwrap_err();
    field
        .central
        .run("ALTER TABLE lizsync.history DROP CONSTRAINT never");
    // Between the two commits.
    let victim = field.central.name.clone();
    let feedback = Feedback::new(move |event| {
        if matches!(&event, Event::Message(_, text) if text == "Committing to the central database.")
        {
            let sessions = "application_name = 'lizsync' AND datname = $1";
            assert!(terminate(&mut admin(), sessions, &[&victim]) > 0);
        }
    });
    lizsync::registry::run(
        "synchronize_database",
        &field.parameters(&field.path()),
        &feedback,
    )
    .unwrap_err();
    assert_eq!(fs::read_to_string(field.path()).unwrap(), "the last one");
    assert_eq!(field.files(), ["report.html"]);
    let (outputs, page) = field.report();
    assert_eq!(outputs["APPLIED_TO_CENTRAL"], 30);
    has(&page, &["30 rows changed in the central database."]);
}

/// What cascades changed goes back in a second pass: all is counted once.
#[test]
fn a_run_in_two_passes_counts_once() {
    let field = Field::new(
        "CREATE SCHEMA gis; CREATE TABLE gis.kind (code text PRIMARY KEY);
         CREATE TABLE gis.tree (name text PRIMARY KEY, kind text REFERENCES gis.kind ON UPDATE CASCADE);
         INSERT INTO gis.kind VALUES ('oak'); INSERT INTO gis.tree SELECT 'tree ' || n, 'oak' FROM generate_series(1, 5) AS n",
    );
    field.central.run("UPDATE gis.kind SET code = 'Oak'");
    field
        .clone
        .run("INSERT INTO gis.tree VALUES ('new', 'oak')");
    let (outputs, page) = field.report();
    let passes = "SELECT count(*) FROM lizsync.history WHERE sync_type = 'partial'";
    assert_eq!(field.central.value(passes), "2");
    assert_eq!(
        (&outputs["APPLIED_TO_CLONE"], &outputs["APPLIED_TO_CENTRAL"]),
        (&json!(6), &json!(1))
    );
    has(
        &page,
        &[
            "gis.kind – 1 – gis.tree – 5 – All – 6 –",
            "gis.tree 1 – –",
            "Sum 6 = 6 + 0 + 0 + 0 2 = 1 + 1 + 0 + 0",
        ],
    );
}

#[test]
fn hostile_names_and_values_are_text() {
    let field = Field::new(
        "CREATE SCHEMA \"<b>\"; CREATE TABLE \"<b>\".\"a&\"\"'<script>\" (\"<i>name\" text, photo bytea, note text, n int CHECK (n < 10));
         INSERT INTO \"<b>\".\"a&\"\"'<script>\" VALUES ('<script>alert(1)</script>', '\\x00ff', 'note', 1)",
    );
    field.central.run(
        "UPDATE \"<b>\".\"a&\"\"'<script>\" SET note = '\"><img src=x onerror=alert(1)>', photo = '\\x0102030405'",
    );
    field.clone.run(
        "UPDATE \"<b>\".\"a&\"\"'<script>\" SET note = U&'abc \\202E fed' || chr(7), photo = '\\x0102'",
    );
    let (_, text) = field.report();
    let page = fs::read_to_string(field.path()).unwrap();
    assert!(
        !page.contains("<script")
            && !page.contains("<img")
            && !page.contains("<b>.")
            && !page.contains("<i>")
    );
    has(
        &text,
        &[
            "<b>.a&\"'<script>",
            "<script>alert(1)</script>",
            "\"><img src=x onerror=alert(1)>",
            "abc ⟨U+202E⟩ fed␇",
            "binary, 5 bytes",
            "binary, 2 bytes",
        ],
    );
}

/// A role that has no rights on the tables of LizSync in the central.
#[test]
fn a_role_with_few_rights_gets_one_too() {
    let role = Role::new("surveyor");
    let field = Field::new(TREES);
    role.grant("Synchronising", &field.central);
    field.central.run(
        "DELETE FROM gis.tree WHERE code = 'T1'; UPDATE gis.tree SET name = 'a' WHERE code = 'T2'",
    );
    field.clone.run(
        "UPDATE gis.tree SET name = 'b' WHERE code = 'T2'; DELETE FROM gis.tree WHERE code = 'T3'",
    );
    let mut parameters = role.parameters(&field.central, &field.clone);
    parameters["REPORT"] = json!(field.path());
    run("synchronize_database", parameters).unwrap_or_else(|error| panic!("{}", error.sentence()));
    let page = plain(&fs::read_to_string(field.path()).unwrap());
    has(
        &page,
        &[
            "1 row changed in the clone and 2 in the central database; 1 conflict settled.",
            "gis.tree – 1 1",
        ],
    );
    assert!(!page.contains("could not be read"), "{page}");
}
