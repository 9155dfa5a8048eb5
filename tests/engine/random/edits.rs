//! Random edits, and what must come of them.

use std::collections::{BTreeMap, BTreeSet};

use postgres::Client;

use crate::support::Database;

/// Tables, with the columns that travel beside uid. The first three have no constraints; sites have
/// codes and labels that may be given twice, and plots refer to sites and to each other.
pub const TABLES: [(&str, &str); 5] = [
    ("gis.tree", "name, note, touched IS NULL"),
    ("gis.\"Odd Name\"", "name, note"),
    ("gis.parts", "name, note, kind"),
    ("gis.site", "code, label, name, note"),
    ("gis.plot", "site, next_to, name, note"),
];

pub const SCHEMA: &str = "CREATE SCHEMA gis;
    CREATE TABLE gis.tree (id serial PRIMARY KEY, name text, note text, touched timestamptz);
    CREATE FUNCTION gis.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.touched := now(); RETURN NEW; END';
    CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.touch();
    CREATE TABLE gis.\"Odd Name\" (uid uuid PRIMARY KEY DEFAULT md5(random()::text)::uuid, name text, note text);
    CREATE TABLE gis.parts (name text, note text, kind int DEFAULT 0) PARTITION BY LIST (kind);
    CREATE TABLE gis.part_0 PARTITION OF gis.parts FOR VALUES IN (0);
    CREATE TABLE gis.part_1 PARTITION OF gis.parts DEFAULT;
    CREATE TABLE gis.site (code text PRIMARY KEY, label varchar(20) UNIQUE, name text, note text);
    CREATE TABLE gis.plot (id serial PRIMARY KEY, uid uuid NOT NULL DEFAULT md5(random()::text)::uuid UNIQUE,
        site text REFERENCES gis.site ON UPDATE CASCADE, next_to uuid REFERENCES gis.plot (uid) ON DELETE SET NULL,
        name text, note text)";

const FIELDS: [&str; 2] = ["name", "note"];

/// Numbers that look random and come again with the same seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }
}

/// What the tables must hold in the end: edits happen one after the other, so the last one counts.
#[derive(Default)]
pub struct Expected {
    rows: BTreeMap<(usize, String), [String; 2]>,
    dead: BTreeSet<(usize, String)>,
}

impl Expected {
    /// Compares with what a database holds.
    pub fn check(&self, database: &Database, seed: u64) {
        let mut wanted = Vec::new();
        for ((table, uid), [name, note]) in &self.rows {
            if !self.dead.contains(&(*table, uid.clone())) {
                wanted.push(format!("{table}|{uid}|{name}|{note}"));
            }
        }
        wanted.sort();
        let of = |(number, (table, _)): (usize, &(&str, &str))| {
            database.rows(&format!("SELECT {number}, uid, name, note FROM {table}"))
        };
        let mut held: Vec<String> = TABLES.iter().enumerate().flat_map(of).collect();
        held.sort();
        assert_eq!(held, wanted, "seed {seed}");
    }
}

fn uids(client: &mut Client, table: &str) -> Vec<String> {
    client
        .query(&format!("SELECT uid::text FROM {table} ORDER BY uid"), &[])
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect()
}

/// One edit, in a session with settings of its own. What the database itself refuses did not happen.
pub fn edit(client: &mut Client, dice: &mut Dice, step: usize, expected: &mut Expected) {
    let settings = [
        "SET datestyle = 'German'",
        "SET search_path = gis",
        "SET standard_conforming_strings = on",
        "SET timezone = 'Asia/Tokyo'",
    ];
    client
        .batch_execute(settings[dice.below(settings.len())])
        .unwrap();
    let table = dice.below(TABLES.len());
    let name = TABLES[table].0;
    let uids = uids(client, name);
    let value = format!("it's \\ {step}");
    let pick = |dice: &mut Dice| uids[dice.below(uids.len())].clone();
    match dice.below(12) {
        0..=2 => insert(client, dice, table, value, expected),
        3 if !uids.is_empty() => {
            let uid = pick(dice);
            let sql = format!("DELETE FROM {name} WHERE uid = $1::text::uuid");
            // A site that plots refer to stays.
            if client.execute(&sql, &[&uid]).is_ok() {
                expected.dead.insert((table, uid));
            }
        }
        4 if dice.below(12) == 0 => {
            let done = client.batch_execute(&format!("TRUNCATE {name}")).is_ok();
            let gone = uids.iter().filter(|_| done);
            expected.dead.extend(gone.map(|uid| (table, uid.clone())));
        }
        5..=7 if table >= 3 && !uids.is_empty() => {
            let uid = pick(dice);
            constrained(client, dice, table, &uid, expected);
        }
        _ if !uids.is_empty() => {
            let uid = pick(dice);
            let field = dice.below(FIELDS.len());
            // A moving row changes its partition as well.
            let moved = if table == 2 {
                format!(", kind = {}", dice.below(2))
            } else {
                String::new()
            };
            let sql = format!(
                "UPDATE {name} SET {} = $1{moved} WHERE uid = $2::text::uuid",
                FIELDS[field]
            );
            client.execute(&sql, &[&value, &uid]).unwrap();
            expected.rows.get_mut(&(table, uid)).unwrap()[field] = value;
        }
        _ => {}
    }
}

fn insert(
    client: &mut Client,
    dice: &mut Dice,
    table: usize,
    value: String,
    expected: &mut Expected,
) {
    let name = TABLES[table].0;
    let (columns, values) = match table {
        // From few codes, so that clones choose the same ones.
        3 => (
            "code, label, ",
            format!("'code {}', 'label {}', ", dice.below(12), dice.below(12)),
        ),
        4 => (
            "site, next_to, ",
            format!(
                "(SELECT code FROM gis.site ORDER BY code OFFSET {} LIMIT 1), (SELECT uid FROM gis.plot ORDER BY uid OFFSET {} LIMIT 1), ",
                dice.below(4),
                dice.below(4)
            ),
        ),
        _ => ("", String::new()),
    };
    let sql = format!(
        "INSERT INTO {name} ({columns}name, note) VALUES ({values}$1, $1) RETURNING uid::text"
    );
    if let Ok(row) = client.query_one(&sql, &[&value]) {
        expected
            .rows
            .insert((table, row.get(0)), [value.clone(), value]);
    }
}

/// Edits of codes, labels and references.
fn constrained(
    client: &mut Client,
    dice: &mut Dice,
    table: usize,
    uid: &str,
    expected: &mut Expected,
) {
    let other = dice.below(12);
    let sql = match (table, dice.below(5)) {
        (3, 0) => format!("UPDATE gis.site SET label = 'label {other}' WHERE uid = '{uid}'"),
        (3, 1) => format!("UPDATE gis.site SET code = 'code {other}' WHERE uid = '{uid}'"),
        // Two labels swap.
        (3, 2 | 3) => format!(
            "DO $$ DECLARE a text; b uuid; l text; BEGIN
                SELECT label INTO a FROM gis.site WHERE uid = '{uid}';
                SELECT uid, label INTO b, l FROM gis.site WHERE uid <> '{uid}' ORDER BY uid OFFSET {} LIMIT 1;
                IF b IS NOT NULL THEN
                    UPDATE gis.site SET label = 'away' WHERE uid = '{uid}';
                    UPDATE gis.site SET label = a WHERE uid = b;
                    UPDATE gis.site SET label = l WHERE uid = '{uid}';
                END IF; END $$",
            dice.below(4)
        ),
        // A family goes: the plots first.
        (3, _) => {
            let sql = format!(
                "DELETE FROM gis.plot WHERE site = (SELECT code FROM gis.site WHERE uid = '{uid}') RETURNING uid::text"
            );
            let mut transaction = client.transaction().unwrap();
            for row in transaction.query(&sql, &[]).unwrap() {
                expected.dead.insert((4, row.get(0)));
            }
            transaction
                .batch_execute(&format!("DELETE FROM gis.site WHERE uid = '{uid}'"))
                .unwrap();
            transaction.commit().unwrap();
            expected.dead.insert((3, uid.to_owned()));
            return;
        }
        // Plots move to another site, alone or all of one site.
        (_, 0..=2) => format!(
            "UPDATE gis.plot SET site = (SELECT code FROM gis.site ORDER BY code OFFSET {} LIMIT 1) WHERE uid = '{uid}'
                OR {} AND site = (SELECT site FROM gis.plot WHERE uid = '{uid}')",
            dice.below(4),
            dice.below(2) == 0
        ),
        _ => format!(
            "UPDATE gis.plot SET next_to = (SELECT uid FROM gis.plot ORDER BY uid OFFSET {} LIMIT 1) WHERE uid = '{uid}'",
            dice.below(6)
        ),
    };
    // A code that this database holds already is refused by itself.
    let _ = client.batch_execute(&sql);
}
