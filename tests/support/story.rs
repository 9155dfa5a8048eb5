//! A known history of edits on a central and a clone, and what must come of it, computed from the
//! edits alone: the last edit of a field wins, a deletion beats an update.
#![allow(dead_code, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use postgres::{Client, NoTls};
use serde_json::json;

use super::{Database, clone_of, counts, run};

use super::proxy::Proxy;
pub use super::proxy::Side;
use Side::{Central, Clone as Laptop};

pub const SCHEMA: &str = "CREATE SCHEMA gis;
    CREATE TABLE gis.species (uid uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), code text PRIMARY KEY, name text);
    CREATE TABLE gis.tree (id serial PRIMARY KEY, uid uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), tag text NOT NULL UNIQUE,
        name text, height int, crown int, species text REFERENCES gis.species);
    CREATE TABLE gis.fruit (uid uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), label text PRIMARY KEY, tree text REFERENCES gis.tree (tag));
    CREATE TABLE public.heard (what text);
    CREATE FUNCTION gis.hear() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.heard VALUES (TG_OP); RETURN NULL; END $$;
    CREATE TRIGGER hear AFTER INSERT OR UPDATE OR DELETE ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.hear()";

pub const TABLES: [(&str, &[&str]); 3] = [
    ("gis.species", &["code", "name"]),
    ("gis.tree", &["tag", "name", "height", "crown", "species"]),
    ("gis.fruit", &["label", "tree"]),
];
const SPECIES: usize = 0;
const TREE: usize = 1;
const FRUIT: usize = 2;

type Values = &'static [(&'static str, &'static str)];

/// What an edit does.
#[derive(Clone, Copy)]
pub enum What {
    Insert(Values),
    Update(Values),
    Delete,
}
use What::{Delete, Insert, Update};

/// One edit: where, in which table, of which row.
pub type Edit = (Side, usize, u32, What);

pub fn uid(row: u32) -> String {
    format!("00000000-0000-4000-8000-{row:012}")
}

fn statement((_, table, row, what): Edit) -> String {
    let (name, uid) = (TABLES[table].0, uid(row));
    match what {
        Insert(values) => {
            let columns: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
            let values: Vec<String> = values.iter().map(|(_, v)| format!("'{v}'")).collect();
            format!(
                "INSERT INTO {name} (uid, {}) VALUES ('{uid}', {})",
                columns.join(", "),
                values.join(", ")
            )
        }
        Update(values) => {
            let sets: Vec<String> = values.iter().map(|(n, v)| format!("{n} = '{v}'")).collect();
            format!("UPDATE {name} SET {} WHERE uid = '{uid}'", sets.join(", "))
        }
        Delete => format!("DELETE FROM {name} WHERE uid = '{uid}'"),
    }
}

/// What both databases hold before the clone is made.
#[rustfmt::skip]
pub const BEGINNING: &[Edit] = &[
    (Central, SPECIES, 101, Insert(&[("code", "oak"), ("name", "Oak")])),
    (Central, SPECIES, 102, Insert(&[("code", "ash"), ("name", "Ash")])),
    (Central, TREE, 1, Insert(&[("tag", "T1"), ("name", "one"), ("species", "oak")])),
    (Central, TREE, 2, Insert(&[("tag", "T2"), ("height", "2")])),
    (Central, TREE, 3, Insert(&[("tag", "T3"), ("name", "three")])),
    (Central, TREE, 4, Insert(&[("tag", "T4"), ("crown", "4")])),
    (Central, TREE, 5, Insert(&[("tag", "T5")])),
    (Central, TREE, 6, Insert(&[("tag", "T6")])),
    (Central, TREE, 7, Insert(&[("tag", "T7")])),
    (Central, TREE, 8, Insert(&[("tag", "T8")])),
    (Central, TREE, 9, Insert(&[("tag", "T9")])),
    (Central, TREE, 10, Insert(&[("tag", "T10")])),
    (Central, TREE, 11, Insert(&[("tag", "T11")])),
    (Central, TREE, 12, Insert(&[("tag", "T12")])),
    (Central, FRUIT, 201, Insert(&[("label", "F1"), ("tree", "T8")])),
    (Central, FRUIT, 202, Insert(&[("label", "F2"), ("tree", "T9")])),
    (Central, FRUIT, 203, Insert(&[("label", "F3")])),
];

/// Edits that the first run brings, so that ledgers and logs are those of a clone in use.
#[rustfmt::skip]
pub const FIRST: &[Edit] = &[
    (Laptop, TREE, 1, Update(&[("height", "11")])),
    (Laptop, TREE, 20, Insert(&[("tag", "T20"), ("name", "twenty")])),
    (Central, TREE, 2, Update(&[("name", "two")])),
];

/// Edits that the disturbed run has to bring.
#[rustfmt::skip]
pub const SECOND: &[Edit] = &[
    // Conflicts: the later edit wins, on either side; one field of two; equal values.
    (Laptop, TREE, 1, Update(&[("name", "of the clone")])),
    (Central, TREE, 1, Update(&[("name", "of the central, later"), ("crown", "3")])),
    (Central, TREE, 2, Update(&[("height", "5")])),
    (Laptop, TREE, 2, Update(&[("height", "6")])),
    (Laptop, TREE, 11, Update(&[("name", "lost"), ("height", "110")])),
    (Central, TREE, 11, Update(&[("name", "eleven")])),
    (Central, TREE, 3, Update(&[("name", "same")])),
    (Laptop, TREE, 3, Update(&[("name", "same")])),
    (Laptop, TREE, 4, Update(&[("crown", "44")])),
    (Central, TREE, 4, Update(&[("crown", "44")])),
    // Other fields of one row.
    (Laptop, TREE, 1, Update(&[("species", "ash")])),
    (Laptop, TREE, 10, Update(&[("name", "first")])),
    (Laptop, TREE, 10, Update(&[("name", "second")])),
    (Central, FRUIT, 203, Update(&[("tree", "T10")])),
    // Deletions against updates, and on both sides.
    (Laptop, TREE, 5, Update(&[("height", "55")])),
    (Central, TREE, 5, Delete),
    (Laptop, TREE, 6, Delete),
    (Central, TREE, 6, Update(&[("name", "six"), ("crown", "6")])),
    (Central, TREE, 7, Delete),
    (Laptop, TREE, 7, Delete),
    // Parents and children, unique codes that are used again, a row that comes and goes.
    (Central, SPECIES, 103, Insert(&[("code", "fir"), ("name", "Fir")])),
    (Central, TREE, 30, Insert(&[("tag", "T30"), ("species", "fir")])),
    (Central, FRUIT, 230, Insert(&[("label", "F30"), ("tree", "T30")])),
    (Laptop, SPECIES, 104, Insert(&[("code", "yew"), ("name", "Yew")])),
    (Laptop, TREE, 40, Insert(&[("tag", "T40"), ("species", "yew")])),
    (Laptop, FRUIT, 240, Insert(&[("label", "F40"), ("tree", "T40")])),
    (Laptop, FRUIT, 201, Delete),
    (Laptop, TREE, 8, Delete),
    (Laptop, TREE, 41, Insert(&[("tag", "T8"), ("name", "T8 again")])),
    (Central, FRUIT, 202, Update(&[("tree", "T3")])),
    (Central, TREE, 9, Delete),
    (Central, TREE, 12, Delete),
    (Central, TREE, 31, Insert(&[("tag", "T12"), ("name", "T12 again")])),
    (Laptop, TREE, 42, Insert(&[("tag", "T42")])),
    (Laptop, TREE, 42, Delete),
];

/// New rows with one code: each side refuses that of the other.
#[rustfmt::skip]
pub const DUPLICATES: &[Edit] = &[
    (Laptop, TREE, 50, Insert(&[("tag", "twice"), ("name", "of the clone"), ("species", "oak")])),
    (Central, TREE, 60, Insert(&[("tag", "twice"), ("name", "of the central"), ("species", "ash")])),
];

/// What lets both go through.
#[rustfmt::skip]
pub const WAY_OUT: &[Edit] = &[(Laptop, TREE, 50, Update(&[("tag", "once")]))];

/// The net change of a row on one side: fields with the moment of their last edit.
#[derive(Default)]
struct Net {
    inserted: bool,
    deleted: bool,
    fields: BTreeMap<&'static str, (&'static str, usize)>,
}

/// What must come of the history.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expected {
    /// table|uid|values, sorted.
    pub rows: Vec<String>,
    /// uid|field|rejected side, sorted.
    pub conflicts: Vec<String>,
    /// How often the central's log names each row that the clone sent: once for each run that sent it.
    pub pushed: BTreeMap<String, usize>,
    /// How often the users' own triggers run, in the central and in the clone: once for each edit.
    pub heard: [usize; 2],
}

type Row = BTreeMap<&'static str, &'static str>;
type Nets = BTreeMap<(usize, u32), Net>;

fn net(edits: &[Edit], of: Side) -> Nets {
    let mut all = Nets::new();
    for (moment, &(_, table, row, what)) in
        edits.iter().enumerate().filter(|(_, edit)| edit.0 == of)
    {
        let net = all.entry((table, row)).or_default();
        match what {
            Delete => net.deleted = true,
            Insert(values) | Update(values) => {
                net.inserted |= matches!(what, Insert(_));
                net.fields
                    .extend(values.iter().map(|&(n, v)| (n, (v, moment))));
            }
        }
    }
    all
}

impl Expected {
    /// Brings one run's edits into `held` and into what is expected of conflicts and logs.
    fn play(&mut self, held: &mut BTreeMap<(usize, u32), Row>, edits: &[Edit]) {
        let (mut central, mut clone) = (net(edits, Central), net(edits, Laptop));
        let keys: BTreeSet<(usize, u32)> = central.keys().chain(clone.keys()).copied().collect();
        for key in keys {
            let ours = central.remove(&key).unwrap_or_default();
            let theirs = clone.remove(&key).unwrap_or_default();
            let mut conflict = |field: &str, rejected: &str| {
                let line = format!("{}|{field}|{rejected}", uid(key.1));
                self.conflicts.push(line);
            };
            let pushed = if ours.deleted || theirs.deleted {
                if !ours.deleted && !ours.fields.is_empty() {
                    conflict("∅", "central");
                }
                if !theirs.deleted && !theirs.fields.is_empty() {
                    conflict("∅", "clone");
                }
                held.remove(&key);
                theirs.deleted && !ours.deleted && !theirs.inserted
            } else {
                let row = held.entry(key).or_default();
                row.extend(ours.fields.iter().map(|(name, (value, _))| (*name, *value)));
                let mut pushed = false;
                for (name, (value, moment)) in theirs.fields {
                    let other = ours.fields.get(name);
                    let later = other.is_none_or(|(_, at)| moment > *at);
                    if other.is_some_and(|(other, _)| *other != value) {
                        conflict(name, if later { "central" } else { "clone" });
                    }
                    if later {
                        row.insert(name, value);
                        pushed = true;
                    }
                }
                pushed
            };
            if pushed {
                *self.pushed.entry(uid(key.1)).or_default() += 1;
            }
        }
        self.conflicts.sort();
    }
}

/// What must come of the beginning and of each run's edits.
pub fn expected(runs: &[&[Edit]]) -> Expected {
    let mut expected = Expected::default();
    let mut held = BTreeMap::new();
    expected.play(&mut held, BEGINNING);
    for edits in runs {
        expected.play(&mut held, edits);
        for edit in edits.iter().filter(|edit| edit.1 == TREE) {
            expected.heard[usize::from(edit.0 == Laptop)] += 1;
        }
    }
    for ((table, row), values) in held {
        let mut line = vec![TABLES[table].0.to_owned(), uid(row)];
        let value = |name: &&str| values.get(name).copied().unwrap_or("∅").to_owned();
        line.extend(TABLES[table].1.iter().map(value));
        expected.rows.push(line.join("|"));
    }
    expected.rows.sort();
    expected
}

/// A database on any server.
pub struct Place {
    /// The conninfo of the server.
    pub server: String,
    pub name: String,
    /// Whether it is dropped with this.
    temporary: bool,
}

impl From<Database> for Place {
    fn from(database: Database) -> Self {
        let name = database.name.clone();
        // Dropped by the place from now on.
        std::mem::forget(database);
        let server = format!(
            "host={} port={} user=postgres",
            super::variable("LIZSYNC_TEST_SOCKET"),
            super::variable("LIZSYNC_TEST_PORT")
        );
        Self {
            server,
            name,
            temporary: true,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.temporary
            && let Ok(mut admin) =
                Client::connect(&format!("{} dbname=postgres", self.server), NoTls)
        {
            let _ = admin.batch_execute(&format!("DROP DATABASE \"{}\" WITH (FORCE)", self.name));
        }
    }
}

impl Place {
    /// A new database on the server with that conninfo.
    pub fn new(server: &str, name: &str) -> Self {
        let place = Self {
            server: server.to_owned(),
            name: name.to_owned(),
            temporary: true,
        };
        place
            .admin()
            .batch_execute(&format!("CREATE DATABASE \"{name}\""))
            .unwrap();
        place
    }

    /// The same database once more; it is dropped with the other.
    pub fn existing(other: &Self) -> Self {
        Self {
            server: other.server.clone(),
            name: other.name.clone(),
            temporary: false,
        }
    }

    /// A copy on the same server; nobody may be connected to this one. Ledgers stay true: the
    /// transaction numbers are those of the server, and go on.
    pub fn copy(&self, label: &str) -> Self {
        let copy = Self {
            server: self.server.clone(),
            name: format!("{label}_{}", self.name),
            temporary: true,
        };
        let sql = format!(
            "CREATE DATABASE \"{}\" TEMPLATE \"{}\"",
            copy.name, self.name
        );
        self.admin().batch_execute(&sql).unwrap();
        copy
    }

    pub fn conninfo(&self) -> String {
        format!("{} dbname='{}'", self.server, self.name)
    }

    /// A connection of the superuser to another database of the server.
    pub fn admin(&self) -> Client {
        Client::connect(&format!("{} dbname=postgres", self.server), NoTls).unwrap()
    }

    /// Waits until a session of this database has waited for a lock for some milliseconds.
    pub fn wait_for_lock(&self, milliseconds: u32) {
        let mut admin = self.admin();
        let sql = format!(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = '{}' AND wait_event_type = 'Lock'
                AND query_start < clock_timestamp() - interval '{milliseconds} ms')",
            self.name
        );
        let started = std::time::Instant::now();
        while !admin.query_one(&sql, &[]).unwrap().get::<_, bool>(0) {
            assert!(started.elapsed().as_secs() < 60, "nobody waits for a lock");
            std::thread::yield_now();
        }
    }

    pub fn connect(&self) -> Client {
        Client::connect(&self.conninfo(), NoTls)
            .unwrap_or_else(|error| panic!("{error:?}: {}", self.name))
    }

    pub fn run(&self, sql: &str) {
        let done = self.connect().batch_execute(sql);
        done.unwrap_or_else(|error| panic!("{error:?}: {sql}"));
    }

    /// The rows as text, columns joined by `|`, nulls as `∅`.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        super::rows_of(&mut self.connect(), sql)
    }

    pub fn value(&self, sql: &str) -> String {
        self.rows(sql).first().cloned().unwrap_or_default()
    }

    /// What waits because the other side could not take it: side, uid and action.
    pub fn set_aside(&self) -> Vec<String> {
        self.rows("SELECT owner, uid, action FROM lizsync.set_aside ORDER BY 1, 2, 3")
    }

    /// The content of the synchronised tables, as [`Expected::rows`].
    pub fn content(&self) -> Vec<String> {
        let read = |(table, columns): &(&str, &[&str])| {
            let columns = columns.join(", ");
            self.rows(&format!("SELECT '{table}', uid, {columns} FROM {table}"))
        };
        let mut rows: Vec<String> = TABLES.iter().flat_map(read).collect();
        rows.sort();
        rows
    }
}

/// The databases of a history.
pub struct Pair {
    pub central: Place,
    pub clone: Place,
}

impl Pair {
    /// A pair that has synchronised once, and then was edited on both sides: what the next run has
    /// to do. With it, what must come of that.
    pub fn edited(label: &str) -> (Self, Expected) {
        let central = Database::new(label);
        prepare(&central.conninfo());
        let clone = clone_of(&central, &format!("{label}_clone"));
        let pair = Self {
            central: central.into(),
            clone: clone.into(),
        };
        let expected = pair.edit();
        (pair, expected)
    }

    /// The same on two servers, by way of a package.
    pub fn deployed(central: Place, clone: Place) -> (Self, Expected) {
        prepare(&central.conninfo());
        // Schema public is not packaged.
        clone.run("CREATE TABLE public.heard (what text)");
        let pair = Self { central, clone };
        pair.deploy();
        let expected = pair.edit();
        (pair, expected)
    }

    /// Packages the central and deploys it to the clone.
    pub fn deploy(&self) {
        let folder = tempfile::tempdir().unwrap();
        let zip = folder.path().join("package.zip");
        let bin = super::variable("LIZSYNC_TEST_BIN");
        run(
            "package_master_database",
            json!({"CONNECTION_NAME_CENTRAL": self.central.conninfo(), "SCHEMAS": "gis",
            "POSTGRESQL_BINARY_PATH": bin, "ZIP_FILE": zip}),
        )
        .unwrap();
        run(
            "deploy_database_server_package",
            json!({"CONNECTION_NAME_CENTRAL": self.central.conninfo(),
            "CONNECTION_NAME_CLONE": self.clone.conninfo(), "ZIP_FILE": zip}),
        )
        .unwrap();
    }

    fn edit(&self) -> Expected {
        self.play(FIRST);
        assert_eq!(self.synchronize().unwrap()[..3], [1, 2, 0]);
        self.play(SECOND);
        expected(&[FIRST, SECOND])
    }

    /// Plays edits, one after the other in both databases.
    pub fn play(&self, edits: &[Edit]) {
        let (mut central, mut clone) = (self.central.connect(), self.clone.connect());
        for &edit in edits {
            let client = if edit.0 == Central {
                &mut central
            } else {
                &mut clone
            };
            client.batch_execute(&statement(edit)).unwrap();
        }
    }

    /// Copies of both databases.
    pub fn copy(&self, label: &str) -> Self {
        Self {
            central: self.central.copy(label),
            clone: self.clone.copy(label),
        }
    }

    pub fn parameters(&self) -> serde_json::Value {
        json!({"CONNECTION_NAME_CENTRAL": self.central.conninfo(), "CONNECTION_NAME_CLONE": self.clone.conninfo()})
    }

    /// The parameters of a run through a proxy.
    pub fn through(&self, proxy: &Proxy) -> serde_json::Value {
        json!({
            "CONNECTION_NAME_CENTRAL": proxy.conninfo(Side::Central, &self.central.name),
            "CONNECTION_NAME_CLONE": proxy.conninfo(Side::Clone, &self.clone.name),
        })
    }

    /// Synchronises; the counts, or what went wrong.
    pub fn synchronize(&self) -> Result<[u64; 5], String> {
        run("synchronize_database", self.parameters())
            .map(|outputs| {
                super::balanced(&outputs);
                counts(&outputs)
            })
            .map_err(|error| error.sentence())
    }

    /// Two runs without any repair, after whatever has happened; then everything must be as if nothing had.
    pub fn must_recover(&self, expected: &Expected, what: &str) {
        for run in ["next", "second"] {
            if let Err(error) = self.synchronize() {
                panic!("{what}: the {run} run failed: {error}");
            }
        }
        self.must_be(expected, what);
    }

    /// Content, conflicts, logs and histories are as expected, and a run finds nothing to do.
    pub fn must_be(&self, expected: &Expected, what: &str) {
        for (name, place) in [("central", &self.central), ("clone", &self.clone)] {
            assert_eq!(place.content(), expected.rows, "{what}: {name}");
            let off = place.value("SELECT count(*) FROM pg_trigger WHERE tgenabled = 'D'");
            assert_eq!(off, "0", "{what}: triggers of the {name} stayed disabled");
            let heard = place.value("SELECT count(*) FROM public.heard");
            let edits = expected.heard[usize::from(name == "clone")];
            assert_eq!(
                heard,
                edits.to_string(),
                "{what}: triggers of the {name} ran"
            );
        }
        let conflicts = "SELECT object_uid, coalesce(field, '∅'), rejected FROM lizsync.conflicts";
        let mut recorded = self.central.rows(conflicts);
        recorded.sort();
        assert_eq!(recorded, expected.conflicts, "{what}: conflicts");
        assert!(self.clone.rows(conflicts).is_empty(), "{what}: not sent");
        let pushed = "SELECT uid, count(*) FROM audit.logged_actions WHERE origin IS NOT NULL GROUP BY uid ORDER BY uid";
        let wanted: Vec<String> = expected
            .pushed
            .iter()
            .map(|(uid, times)| format!("{uid}|{times}"))
            .collect();
        assert_eq!(self.central.rows(pushed), wanted, "{what}: pushed rows");
        let sum = "SELECT sum(applied_to_central) FROM lizsync.history WHERE sync_type = 'partial'";
        let total: usize = expected.pushed.values().sum();
        assert_eq!(
            self.central.value(sum),
            total.to_string(),
            "{what}: history"
        );
        for place in [&self.central, &self.clone] {
            assert!(place.set_aside().is_empty(), "{what}: set aside");
        }
        let log = "SELECT count(*) FROM audit.logged_actions";
        let before = self.central.value(log);
        assert_eq!(self.clone.value(log), "0", "{what}: the clone's log");
        let idle = self
            .synchronize()
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(idle, [0; 5], "{what}: an idle run works");
        assert_eq!(self.central.value(log), before, "{what}: an idle run logs");
    }
}

/// Makes a central that holds the beginning.
fn prepare(central: &str) {
    let mut client = Client::connect(central, NoTls).unwrap();
    client.batch_execute(SCHEMA).unwrap();
    run(
        "create_database_structure",
        json!({"CONNECTION_NAME": central}),
    )
    .unwrap();
    run(
        "initialize_central_database",
        json!({"CONNECTION_NAME_CENTRAL": central}),
    )
    .unwrap();
    for &edit in BEGINNING {
        client.batch_execute(&statement(edit)).unwrap();
    }
    // Only the edits that follow are counted.
    client.batch_execute("TRUNCATE public.heard").unwrap();
}

/// The Unix socket of the test server.
pub fn socket() -> PathBuf {
    let port = super::variable("LIZSYNC_TEST_PORT");
    PathBuf::from(super::variable("LIZSYNC_TEST_SOCKET")).join(format!(".s.PGSQL.{port}"))
}
