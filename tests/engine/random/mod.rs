//! Random edits on a central and three clones, random runs, some of them killed: everything converges
//! to the last edit of every field. `ROUNDS` says how many histories, `SEED` which is the first,
//! `MINUTES` when to stop.
#![allow(missing_docs)]

mod edits;
use std::env;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Database, clone_of, counts, prepared, run, synchronize};
use edits::{Dice, Expected, SCHEMA, TABLES, edit};
use postgres::Client;
use serde_json::json;

/// A run whose sessions are terminated again and again, at whatever they are doing.
fn killed_run(central: &Database, clone: &Database) {
    let parameters = json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()});
    let ended = AtomicBool::new(false);
    thread::scope(|threads| {
        threads.spawn(|| {
            let mut clients = [central, clone].map(|database| database.server.admin());
            let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lizsync' AND datname IN ($1, $2)";
            while !ended.load(Ordering::SeqCst) {
                for client in &mut clients {
                    client.execute(sql, &[&central.name, &clone.name]).unwrap();
                }
            }
        });
        // Whether it failed or slipped through does not matter.
        let _ = run("synchronize_database", parameters);
        ended.store(true, Ordering::SeqCst);
    });
}

/// Every row that travels, with its table.
fn rows(database: &Database) -> Vec<String> {
    let of = |(number, (table, columns)): (usize, &(&str, &str))| {
        database.rows(&format!(
            "SELECT {number}, uid, {columns} FROM {table} ORDER BY uid"
        ))
    };
    TABLES.iter().enumerate().flat_map(of).collect()
}

/// Fails where a clone differs from what the central holds, with what the logs say of those rows.
fn differences(central: &Database, clone: &Database, held: &[String], seed: u64) {
    let own = rows(clone);
    let differing: Vec<&String> = (own.iter().filter(|row| !held.contains(row)))
        .chain(held.iter().filter(|row| !own.contains(row)))
        .collect();
    for row in &differing {
        let uid = row.split('|').nth(1).unwrap_or_default();
        for database in [central, clone] {
            println!("{}: {row}", database.name);
            let sql = format!(
                "SELECT event_id, transaction_id, action, origin, sync_id, action_tstamp_clk, edit_time, row_data, changed_fields FROM audit.logged_actions WHERE uid = '{uid}' ORDER BY event_id"
            );
            println!("{:#?}", database.rows(&sql));
            let sql = format!("SELECT * FROM lizsync.conflicts WHERE object_uid = '{uid}'");
            println!("{:#?}", database.rows(&sql));
        }
    }
    if !differing.is_empty() {
        println!(
            "{:#?}",
            clone.rows("SELECT * FROM lizsync.runs ORDER BY number")
        );
        println!("{:#?}", central.rows("SELECT sync_id, sync_time, server_to, applied_to_clone, applied_to_central, set_aside_central, set_aside_clone FROM lizsync.history ORDER BY sync_time"));
    }
    assert!(
        differing.is_empty(),
        "seed {seed}: {} differs: {differing:?}",
        clone.name
    );
}

/// What waits is mended as users would: another code, another parent. Returns whether there was any.
fn mend(central: &Database, clones: &[Database], step: usize) -> bool {
    let mut any = false;
    for clone in clones {
        for row in clone
            .rows("SELECT owner, table_name, uid, action FROM lizsync.set_aside ORDER BY 1, 2, 3")
        {
            any = true;
            let parts: Vec<&str> = row.split('|').collect();
            let [owner, table, uid, action] = parts[..] else {
                panic!("{row}");
            };
            let database = if owner == "central" { central } else { clone };
            let other = if owner == "central" { clone } else { central };
            match (table, action) {
                ("site", "D") => other.run(&format!("UPDATE gis.plot SET site = NULL WHERE site = (SELECT code FROM gis.site WHERE uid = '{uid}')")),
                ("site", _) => database.run(&format!("UPDATE gis.site SET code = 'mended {step} {uid}', label = NULL WHERE uid = '{uid}'")),
                ("plot", "D") => other.run(&format!("UPDATE gis.plot SET next_to = NULL WHERE next_to = '{uid}'")),
                ("plot", _) => database.run(&format!("UPDATE gis.plot SET site = NULL, next_to = NULL WHERE uid = '{uid}'")),
                _ => panic!("nothing keeps this row from being written: {row}"),
            }
        }
    }
    any
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
    for step in 0..80 {
        match dice.below(9) {
            0..=6 => {
                let which = dice.below(clients.len());
                edit(&mut clients[which], &mut dice, step, &mut expected);
            }
            7 => {
                synchronize(&central, &clones[dice.below(clones.len())]);
                // A clone is known to the central from its first run on, here; really from its deployment on.
                let all = central.value("SELECT count(*) FROM lizsync.deployments") == "3";
                if all && dice.below(2) == 0 {
                    central.run("SELECT lizsync.prune_log()");
                }
            }
            _ => killed_run(&central, &clones[dice.below(clones.len())]),
        }
    }
    // Two quiet rounds; then what waits is mended, and two more, until nothing has waited in them.
    for step in 0.. {
        let mut waited = false;
        for _ in 0..2 {
            for clone in &clones {
                waited |= synchronize(&central, clone)["SET_ASIDE"] != 0;
            }
        }
        if !mend(&central, &clones, step) && !waited {
            break;
        }
        assert!(step < 10, "seed {seed}: what waits does not get less");
    }
    let held = rows(&central);
    for clone in &clones {
        differences(&central, clone, &held, seed);
        let outputs = synchronize(&central, clone);
        assert_eq!(counts(&outputs), [0; 5], "seed {seed}: an idle run works");
        assert_eq!(outputs["CAPTURED_CENTRAL"], 0, "seed {seed}");
        for left in ["conflicts", "set_aside"] {
            let sql = format!("SELECT count(*) FROM lizsync.{left}");
            assert_eq!(clone.value(&sql), "0", "seed {seed}");
        }
    }
    expected.check(&central, seed);
    assert_eq!(
        central.value(
            "SELECT count(*) FROM lizsync.history WHERE captured_central <> applied_to_clone + superseded_central + lost_central + set_aside_central
             OR captured_clone <> applied_to_central + superseded_clone + lost_clone + set_aside_clone OR set_aside <> set_aside_central + set_aside_clone"
        ),
        "0",
        "seed {seed}"
    );
    assert_eq!(
        central.value("SELECT count(*) - count(DISTINCT (object_table, object_uid, field, central_value, clone_value, clone_id, clone_event_timestamp, central_event_timestamp, rule_applied)) FROM lizsync.conflicts"),
        "0",
        "seed {seed}: a conflict is recorded twice"
    );
}

#[test]
fn random_histories_end_with_the_last_edit_of_every_field() {
    let number = |name: &str| {
        env::var(name)
            .ok()
            .map(|value| value.parse::<u64>().unwrap())
    };
    let first = number("SEED").unwrap_or(1);
    let minutes = number("MINUTES").map(|minutes| Duration::from_secs(60 * minutes));
    let rounds = number("ROUNDS").unwrap_or(if minutes.is_some() {
        u64::MAX - first
    } else {
        6
    });
    let start = Instant::now();
    let mut done = 0;
    for seed in first..first + rounds {
        history(seed);
        done += 1;
        if minutes.is_some_and(|minutes| start.elapsed() > minutes) {
            break;
        }
    }
    println!("{done} histories in {} s", start.elapsed().as_secs());
}
