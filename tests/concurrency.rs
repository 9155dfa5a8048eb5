//! Several runs, and people who go on editing, at the same moment.
#![allow(missing_docs)]

mod support;

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use support::{Database, clone_of, counts, prepared, synchronize};

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
