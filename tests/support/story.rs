//! A known history of edits on a central and a clone, and what must come of it, computed from the
//! edits alone: the last edit of a field wins, a deletion beats an update.
#![allow(dead_code, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};

use super::proxy::Side;
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

pub fn statement((_, table, row, what): Edit) -> String {
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
