//! Random edits on a central and three clones, random runs, some of them killed: everything converges
//! to the last edit of every field. `ROUNDS` says how many histories, `SEED` which is the first.
#![allow(missing_docs)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use postgres::Client;
use serde_json::json;
use support::{Database, clone_of, counts, prepared, run, synchronize};

const TABLES: [&str; 3] = ["gis.tree", "gis.\"Odd Name\"", "gis.parts"];
const SCHEMA: &str = "CREATE SCHEMA gis;
    CREATE TABLE gis.tree (id serial PRIMARY KEY, name text, note text);
    CREATE TABLE gis.\"Odd Name\" (uid uuid PRIMARY KEY DEFAULT md5(random()::text)::uuid, name text, note text);
    CREATE TABLE gis.parts (name text, note text, kind int DEFAULT 0) PARTITION BY LIST (kind);
    CREATE TABLE gis.part_0 PARTITION OF gis.parts FOR VALUES IN (0);
    CREATE TABLE gis.part_1 PARTITION OF gis.parts DEFAULT";
const FIELDS: [&str; 2] = ["name", "note"];

/// Numbers that look random and come again with the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }
}

/// What the tables must hold in the end: edits happen one after the other, so the last one counts.
#[derive(Default)]
struct Expected {
    rows: BTreeMap<(usize, String), [String; 2]>,
    dead: BTreeSet<(usize, String)>,
}

fn edit(client: &mut Client, dice: &mut Dice, step: usize, expected: &mut Expected) {
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
    let name = TABLES[table];
    let uids: Vec<String> = client
        .query(&format!("SELECT uid::text FROM {name} ORDER BY uid"), &[])
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let value = format!("it's \\ {step}");
    match dice.below(10) {
        0..=2 => {
            let row = client
                .query_one(
                    &format!("INSERT INTO {name} (name, note) VALUES ($1, $1) RETURNING uid::text"),
                    &[&value],
                )
                .unwrap();
            expected
                .rows
                .insert((table, row.get(0)), [value.clone(), value]);
        }
        3 if !uids.is_empty() => {
            let uid = &uids[dice.below(uids.len())];
            client
                .execute(
                    &format!("DELETE FROM {name} WHERE uid = $1::text::uuid"),
                    &[uid],
                )
                .unwrap();
            expected.dead.insert((table, uid.clone()));
        }
        4 if dice.below(12) == 0 => {
            client.batch_execute(&format!("TRUNCATE {name}")).unwrap();
            expected
                .dead
                .extend(uids.iter().map(|uid| (table, uid.clone())));
        }
        _ if !uids.is_empty() => {
            let uid = uids[dice.below(uids.len())].clone();
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

/// A run whose sessions are terminated again and again, at whatever they are doing.
fn killed_run(central: &Database, clone: &Database) {
    let parameters = json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()});
    let ended = AtomicBool::new(false);
    thread::scope(|threads| {
        for database in [central, clone] {
            let ended = &ended;
            threads.spawn(move || {
                let mut client = database.server.admin();
                let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lizsync' AND datname = $1";
                while !ended.load(Ordering::SeqCst) {
                    client.execute(sql, &[&database.name]).unwrap();
                }
            });
        }
        // Whether it failed or slipped through does not matter.
        let _ = run("synchronize_database", parameters);
        ended.store(true, Ordering::SeqCst);
    });
}

fn rows(database: &Database) -> Vec<String> {
    let of = |(number, table): (usize, &&str)| {
        database.rows(&format!(
            "SELECT {number}, uid, name, note FROM {table} ORDER BY uid"
        ))
    };
    TABLES.iter().enumerate().flat_map(of).collect()
}

fn history(seed: u64) {
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let central = prepared("central", SCHEMA);
    let clones: Vec<Database> = (0..3)
        .map(|n| clone_of(&central, &format!("clone{n}")))
        .collect();
    let mut clients: Vec<Client> = clones
        .iter()
        .chain([&central])
        .map(Database::connect)
        .collect();
    let mut expected = Expected::default();
    for step in 0..60 {
        match dice.below(8) {
            0..=5 => {
                let which = dice.below(clients.len());
                edit(&mut clients[which], &mut dice, step, &mut expected);
            }
            6 => {
                synchronize(&central, &clones[dice.below(clones.len())]);
            }
            _ => killed_run(&central, &clones[dice.below(clones.len())]),
        }
    }
    for _ in 0..2 {
        for clone in &clones {
            synchronize(&central, clone);
        }
    }
    let mut wanted = Vec::new();
    for ((table, uid), [name, note]) in &expected.rows {
        if !expected.dead.contains(&(*table, uid.clone())) {
            wanted.push(format!("{table}|{uid}|{name}|{note}"));
        }
    }
    wanted.sort();
    for database in clones.iter().chain([&central]) {
        let mut held = rows(database);
        held.sort();
        assert_eq!(held, wanted, "seed {seed}: {} differs", database.name);
    }
    for clone in &clones {
        assert_eq!(
            counts(&synchronize(&central, clone)),
            [0, 0, 0, 0, 0],
            "seed {seed}: an idle run works"
        );
        assert_eq!(
            clone.value("SELECT count(*) FROM lizsync.conflicts"),
            "0",
            "seed {seed}"
        );
    }
}

#[test]
fn random_histories_end_with_the_last_edit_of_every_field() {
    let number = |name: &str, otherwise: u64| {
        env::var(name).map_or(otherwise, |value| value.parse().unwrap())
    };
    let first = number("SEED", 1);
    for seed in first..first + number("ROUNDS", 6) {
        history(seed);
    }
}
