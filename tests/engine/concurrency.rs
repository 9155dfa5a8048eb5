//! Several runs, and people who go on editing, at the same moment.
#![allow(missing_docs)]

use std::sync::Barrier;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use crate::support::{Database, clone_of, counts, prepared, run, synchronize};
use serde_json::json;

const TREES: &str = "CREATE SCHEMA gis; CREATE TABLE gis.tree (id serial PRIMARY KEY, name text, height int, crown int);
    INSERT INTO gis.tree (name, height) SELECT 'tree ' || n, n FROM generate_series(1, 200) AS n";

fn trees(database: &Database) -> Vec<String> {
    database.rows("SELECT uid, name, height, crown FROM gis.tree ORDER BY uid")
}

#[test]
fn two_runs_for_one_clone_take_turns() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    central.run("UPDATE gis.tree SET name = 'central' || id WHERE id <= 50");
    clone.run("UPDATE gis.tree SET crown = id; INSERT INTO gis.tree (name) SELECT 'new' FROM generate_series(1, 20)");
    let start = Barrier::new(4);
    let all: Vec<[u64; 5]> = thread::scope(|threads| {
        let runs: Vec<_> = (0..4)
            .map(|_| {
                threads.spawn(|| {
                    start.wait();
                    counts(&synchronize(&central, &clone))
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let sum = all.iter().fold([0; 5], |sum: [u64; 5], one| {
        std::array::from_fn(|i| sum[i] + one[i])
    });
    assert_eq!(sum, [50, 220, 0, 0, 0], "{all:?}");
    assert_eq!(trees(&central), trees(&clone));
    let pushed =
        "SELECT count(*), count(DISTINCT uid) FROM audit.logged_actions WHERE origin IS NOT NULL";
    assert_eq!(central.value(pushed), "220|220", "nothing is written twice");
}

/// A run takes the turn of its clone in both databases: of either, a copy may be in use elsewhere.
#[test]
fn a_run_waits_for_its_turn_in_both_databases() {
    /// As in `src/postgres/lock.rs`.
    const SEED: i64 = 0x4c_697a_5379_6e63;
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    let id = clone.value("SELECT server_id FROM lizsync.server_metadata");
    for database in [&central, &clone] {
        let mut other = database.connect();
        let lock = format!("SELECT pg_advisory_lock(hashtextextended('{id}', {SEED}))");
        other.batch_execute(&lock).unwrap();
        thread::scope(|threads| {
            let run = threads.spawn(|| synchronize(&central, &clone));
            let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'";
            while database.value(waiting) == "0" {
                assert!(!run.is_finished(), "the run should wait for its turn");
                thread::yield_now();
            }
            drop(other);
            run.join().unwrap();
        });
    }
}

/// Clones synchronise while people edit all databases, the same rows among them.
#[test]
fn clones_and_editors_at_the_same_moment_lose_nothing() {
    const CLONES: usize = 4;
    const EDITS: usize = 60;
    let central = prepared("central", TREES);
    let clones: Vec<Database> = (0..CLONES)
        .map(|n| clone_of(&central, &format!("clone{n}")))
        .collect();
    let all: Vec<&Database> = clones.iter().chain([&central]).collect();
    let editing = AtomicBool::new(true);
    thread::scope(|threads| {
        let editors: Vec<_> = all
            .iter()
            .enumerate()
            .map(|(which, database)| {
                threads.spawn(move || {
                    let mut client = database.connect();
                    for edit in 0..EDITS {
                        // Rows that others edit as well, rows of its own, and new ones.
                        // One transaction each: with several rows in one, a deadlock with a run could
                        // make PostgreSQL end the editor's.
                        for sql in [
                            format!(
                                "UPDATE gis.tree SET crown = {edit} WHERE name = 'tree {}'",
                                edit % 7 + 1
                            ),
                            format!(
                                "UPDATE gis.tree SET height = {edit} + 1000 WHERE name = 'tree {}'",
                                100 + which * 10
                            ),
                            format!("INSERT INTO gis.tree (name) VALUES ('new {which} {edit}')"),
                        ] {
                            client.batch_execute(&sql).unwrap();
                        }
                    }
                })
            })
            .collect();
        for clone in &clones {
            threads.spawn(|| {
                while editing.load(Ordering::SeqCst) {
                    synchronize(&central, clone);
                }
            });
        }
        let outcomes: Vec<_> = editors
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        editing.store(false, Ordering::SeqCst);
        assert!(
            outcomes.iter().all(Result::is_ok),
            "an editor was disturbed"
        );
    });
    for _ in 0..2 {
        for clone in &clones {
            synchronize(&central, clone);
        }
    }
    for clone in &clones {
        assert_eq!(trees(clone), trees(&central));
        assert_eq!(counts(&synchronize(&central, clone)), [0, 0, 0, 0, 0]);
    }
    assert_eq!(
        central
            .value("SELECT count(*), count(DISTINCT name) FROM gis.tree WHERE name LIKE 'new %'"),
        format!("{0}|{0}", (CLONES + 1) * EDITS)
    );
    for which in 0..=CLONES {
        let height = central.value(&format!(
            "SELECT height FROM gis.tree WHERE name = 'tree {}'",
            100 + which * 10
        ));
        assert_eq!(height, (EDITS - 1 + 1000).to_string());
    }
}

/// An edit of a shared row, and when it was made: the moment of its capture lies in between.
struct Edit {
    row: usize,
    value: String,
    began: Instant,
    ended: Instant,
}

/// Somebody who edits one database until `enough`: shared rows, and new ones. One transaction for
/// each, as above. Returns the edits and the number of new rows.
fn edit(
    database: &Database,
    which: usize,
    enough: impl Fn(usize) -> bool,
    edits: &Mutex<Vec<Edit>>,
) -> usize {
    let mut client = database.connect();
    let mut number = 0;
    while !enough(number) {
        let (row, value) = ((number + which) % 5 + 1, format!("{which}.{number}"));
        let began = Instant::now();
        let sql = format!("UPDATE gis.tree SET note = '{value}' WHERE name = 'tree {row}'");
        client.batch_execute(&sql).unwrap();
        let ended = Instant::now();
        edits.lock().unwrap().push(Edit {
            row,
            value,
            began,
            ended,
        });
        let sql = format!("INSERT INTO gis.tree (name) VALUES ('new {which} {number}')");
        client.batch_execute(&sql).unwrap();
        number += 1;
    }
    number
}

/// The rows hold their last edits: none began after the one that is there had ended.
fn must_hold_the_last(database: &Database, edits: &[Edit]) {
    for row in 1..=5 {
        let note = database.value(&format!(
            "SELECT note FROM gis.tree WHERE name = 'tree {row}'"
        ));
        let of_row = || edits.iter().filter(move |edit| edit.row == row);
        let held = of_row()
            .find(|edit| edit.value == note)
            .unwrap_or_else(|| panic!("nobody wrote {note} to tree {row}"));
        for other in of_row() {
            assert!(
                other.began <= held.ended,
                "tree {row} holds {note}; {} is later",
                other.value
            );
        }
    }
}

fn notes(database: &Database) -> Vec<String> {
    database.rows("SELECT uid, name, note FROM gis.tree ORDER BY uid")
}

const NOTES: &str =
    "CREATE SCHEMA gis; CREATE TABLE gis.tree (id serial PRIMARY KEY, name text, note text);
    INSERT INTO gis.tree (name) SELECT 'tree ' || n FROM generate_series(1, 30) AS n";

/// All of them synchronise at one moment.
fn together(central: &Database, clones: &[Database]) {
    let start = Barrier::new(clones.len());
    thread::scope(|threads| {
        for clone in clones {
            threads.spawn(|| {
                start.wait();
                synchronize(central, clone);
            });
        }
    });
}

#[test]
fn sixteen_clones_at_one_moment() {
    const EDITS: usize = 25;
    let central = prepared("sixteen", NOTES);
    let clones: Vec<Database> = (0..16)
        .map(|n| clone_of(&central, &format!("sixteen{n}")))
        .collect();
    let edits = Mutex::new(Vec::new());
    let new: usize = thread::scope(|threads| {
        let editors: Vec<_> = clones
            .iter()
            .chain([&central])
            .enumerate()
            .map(|(which, database)| {
                let edits = &edits;
                threads.spawn(move || edit(database, which, |number| number == EDITS, edits))
            })
            .collect();
        while !editors.iter().all(thread::ScopedJoinHandle::is_finished) {
            together(&central, &clones);
        }
        editors
            .into_iter()
            .map(|editor| editor.join().unwrap())
            .sum()
    });
    assert_eq!(new, 17 * EDITS);
    together(&central, &clones);
    together(&central, &clones);
    let edits = edits.into_inner().unwrap();
    must_hold_the_last(&central, &edits);
    let wanted = notes(&central);
    assert_eq!(wanted.len(), 30 + new);
    for clone in &clones {
        assert!(notes(clone) == wanted, "{} differs", clone.name);
        assert_eq!(counts(&synchronize(&central, clone)), [0; 5]);
    }
    let conflicts =
        "SELECT count(*) - count(DISTINCT conflict_uid), count(*) > 0 FROM lizsync.conflicts";
    assert_eq!(central.value(conflicts), "0|t");
    let doubled = "SELECT count(*) FROM (SELECT FROM audit.logged_actions WHERE action = 'I' AND origin IS NOT NULL
        GROUP BY uid HAVING count(*) > 1) AS twice";
    assert_eq!(central.value(doubled), "0");
}

/// Packages made while people edit the central and other clones bring their edits to it.
#[test]
fn packages_are_made_while_everybody_works() {
    let central = prepared("busy", NOTES);
    let clones = [clone_of(&central, "busy1"), clone_of(&central, "busy2")];
    let (edits, packaging) = (Mutex::new(Vec::new()), AtomicBool::new(true));
    let folder = tempfile::tempdir().unwrap();
    let zips: Vec<_> = (0..4)
        .map(|n| folder.path().join(format!("{n}.zip")))
        .collect();
    let new: usize = thread::scope(|threads| {
        let (edits, packaging) = (&edits, &packaging);
        let enough = move |_| !packaging.load(Ordering::SeqCst);
        let editors: Vec<_> = clones
            .iter()
            .chain([&central])
            .enumerate()
            .map(|(which, database)| threads.spawn(move || edit(database, which, enough, edits)))
            .collect();
        for clone in &clones {
            threads.spawn(|| {
                while packaging.load(Ordering::SeqCst) {
                    synchronize(&central, clone);
                }
            });
        }
        let made: Vec<_> = zips
            .iter()
            .map(|zip| {
                let parameters = json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "SCHEMAS": "gis", "ZIP_FILE": zip,
                    "POSTGRESQL_BINARY_PATH": std::env::var("LIZSYNC_TEST_BIN").unwrap()});
                run("package_master_database", parameters).map_err(|error| error.sentence())
            })
            .collect();
        packaging.store(false, Ordering::SeqCst);
        assert!(made.iter().all(Result::is_ok), "{made:?}");
        editors
            .into_iter()
            .map(|editor| editor.join().unwrap())
            .sum()
    });
    assert!(new > 30, "{new} edits are too few to meet anything");
    let mut all: Vec<Database> = clones.into();
    for (number, zip) in zips.iter().enumerate() {
        let clone = Database::new(&format!("packaged{number}"));
        run(
            "deploy_database_server_package",
            json!({"CONNECTION_NAME_CENTRAL": central.conninfo(),
            "CONNECTION_NAME_CLONE": clone.conninfo(), "ZIP_FILE": zip}),
        )
        .unwrap();
        clone.run(&format!(
            "UPDATE gis.tree SET name = 'deployed {number}' WHERE name = 'tree {}'",
            20 + number
        ));
        all.push(clone);
    }
    together(&central, &all);
    together(&central, &all);
    must_hold_the_last(&central, &edits.into_inner().unwrap());
    let wanted = notes(&central);
    assert_eq!(wanted.len(), 30 + new);
    for clone in &all {
        assert!(notes(clone) == wanted, "{} differs", clone.name);
        assert_eq!(counts(&synchronize(&central, clone)), [0; 5]);
    }
    assert_eq!(
        central.value("SELECT count(*) FROM gis.tree WHERE name LIKE 'deployed %'"),
        "4"
    );
}
