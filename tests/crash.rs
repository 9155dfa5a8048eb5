//! A run that dies at every step: before and after each message to a server, the client with both
//! of its connections, or the connections to one server alone. The next run needs no repair by hand.
//!
//! `EVERY=1` plays all crash points; otherwise a part of them, which begins at `SEED`.
#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use lizsync::error::Kind;
use support::proxy::{BOTH, Proxy, Side, When};
use support::story::{Expected, Pair, socket};

/// One way for a run to die.
#[derive(Debug, Clone, Copy)]
struct Point {
    at: usize,
    when: When,
    victims: &'static [Side],
}

const VICTIMS: [&[Side]; 3] = [BOTH, &[Side::Central], &[Side::Clone]];

/// How many messages a run sends that nothing disturbs.
fn messages(template: &Pair, expected: &Expected) -> usize {
    let pair = template.copy("undisturbed");
    let proxy = Proxy::new([socket(), socket()]);
    support::run("synchronize_database", pair.through(&proxy)).unwrap();
    let total = proxy.seen();
    pair.must_recover(expected, "undisturbed");
    total
}

/// Plays one crash point; whether the run said that it failed.
fn crash(template: &Pair, expected: &Expected, number: usize, point: Point) -> bool {
    let pair = template.copy(&format!("crash{number}"));
    let proxy = Proxy::cutting([socket(), socket()], point.at, point.when, point.victims);
    let outcome = support::run("synchronize_database", pair.through(&proxy));
    assert!(proxy.done(), "{point:?}: the run ended before it");
    match &outcome {
        Err(error) => {
            assert_eq!(
                error.kind(),
                Kind::Connection,
                "{point:?}: {}",
                error.sentence()
            );
        }
        // A run may only call itself done when both commits were confirmed.
        Ok(_) => {
            for place in [&pair.central, &pair.clone] {
                assert_eq!(place.content(), expected.rows, "{point:?}: done too early");
            }
        }
    }
    pair.must_recover(expected, &format!("{point:?}"));
    outcome.is_err()
}

/// The crash points to play: all; or those around the commits, with which a run ends, and `wanted` of
/// the others, which are not the same in each test run.
fn chosen(points: Vec<Point>, total: usize, wanted: usize) -> Vec<(usize, Point)> {
    let points = points.into_iter().enumerate();
    if env::var_os("EVERY").is_some() {
        return points.collect();
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = env::var("SEED").map_or(now.as_millis() as usize, |seed| seed.parse().unwrap());
    println!("SEED={seed}");
    let (mut end, others): (Vec<_>, Vec<_>) = points.partition(|(_, point)| {
        let plain = point.when == When::Before && point.victims == BOTH;
        point.at + 4 > total || point.at + 12 > total && plain
    });
    let step = others.len().div_ceil(wanted);
    end.extend(others.into_iter().skip(seed % step).step_by(step));
    end
}

#[test]
fn a_run_that_dies_at_any_step_is_continued_by_the_next() {
    let (template, expected) = Pair::edited("crash");
    assert_eq!(
        expected.conflicts.len(),
        5,
        "the history has conflicts of all kinds"
    );
    let total = messages(&template, &expected);
    let point =
        |victims| move |at| [When::Before, When::After].map(|when| Point { at, when, victims });
    let points: Vec<Point> = VICTIMS
        .iter()
        .flat_map(|victims| (1..=total).flat_map(point(victims)))
        .collect();
    assert!(total > 50 && points.len() > 300, "{total} messages");
    let chosen = chosen(points, total, 30);
    assert!(chosen.len() > 50, "{}", chosen.len());
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let problems = Mutex::new(BTreeMap::new());
    thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                while let Some(&(number, point)) = chosen.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let play = || crash(&template, &expected, number, point);
                    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(play)) {
                        Ok(said) => failed.fetch_add(usize::from(said), Ordering::SeqCst),
                        Err(_) => problems
                            .lock()
                            .unwrap()
                            .insert(number, point)
                            .map_or(0, |_| 0),
                    };
                }
            });
        }
    });
    println!(
        "{} of {total} × 6 crash points; {} runs failed",
        chosen.len(),
        failed.load(Ordering::SeqCst)
    );
    assert!(
        problems.lock().unwrap().is_empty(),
        "{:#?}",
        problems.lock().unwrap()
    );
    assert!(failed.load(Ordering::SeqCst) > chosen.len() / 2);
}
