//! A run that dies at every step: before and after each message to a server, the client with both
//! of its connections, or the connections to one server alone. The next run needs no repair by hand.
//!
//! `EVERY=1` plays all crash points; otherwise a part of them, which begins at `SEED`.
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::pair::{Pair, socket};
use crate::support::proxy::{BOTH, Proxy, Side, When};
use crate::support::story::{DUPLICATES, FIRST, SECOND, WAY_OUT, expected, uid};
use lizsync::error::Kind;

/// One way for a run to die.
#[derive(Debug, Clone, Copy)]
struct Point {
    at: usize,
    when: When,
    victims: &'static [Side],
}

const VICTIMS: [&[Side]; 3] = [BOTH, &[Side::Central], &[Side::Clone]];

/// How many messages a run sends that nothing disturbs.
fn messages(template: &Pair, label: &str, recover: Play) -> usize {
    let pair = template.copy(&format!("undisturbed_{label}"));
    let proxy = Proxy::new([socket(), socket()]);
    crate::support::run("synchronize_database", pair.through(&proxy)).unwrap();
    let total = proxy.seen();
    recover(&pair, "undisturbed");
    total
}

/// Plays one crash point; whether the run said that it failed.
fn crash(
    template: &Pair,
    label: &str,
    point: Point,
    done: &[Vec<String>; 2],
    recover: Play,
) -> bool {
    let pair = template.copy(label);
    let proxy = Proxy::cutting([socket(), socket()], point.at, point.when, point.victims);
    let outcome = crate::support::run("synchronize_database", pair.through(&proxy));
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
            let content = [pair.central.content(), pair.clone.content()];
            assert_eq!(content, *done, "{point:?}: done too early");
        }
    }
    recover(&pair, &format!("{point:?}"));
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

type Play<'a> = &'a (dyn Fn(&Pair, &str) + Sync + 'a);

/// Plays crash points of a run of copies of `template`; `recover` continues and checks each.
fn play(template: &Pair, label: &str, done: &[Vec<String>; 2], wanted: usize, recover: Play) {
    let total = messages(template, label, recover);
    let points: Vec<Point> = VICTIMS
        .iter()
        .flat_map(|&victims| {
            (1..=total).flat_map(move |at| {
                [When::Before, When::After].map(|when| Point { at, when, victims })
            })
        })
        .collect();
    assert!(total > 50 && points.len() > 300, "{total} messages");
    let chosen = chosen(points, total, wanted);
    assert!(chosen.len() > 50, "{}", chosen.len());
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let problems = Mutex::new(BTreeMap::new());
    thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                while let Some(&(number, point)) = chosen.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let label = format!("{label}{number}");
                    let play = || crash(template, &label, point, done, recover);
                    match catch_unwind(AssertUnwindSafe(play)) {
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
    let failed = failed.into_inner();
    println!(
        "{} of {total} × 6 crash points; {failed} runs failed",
        chosen.len()
    );
    let problems = problems.into_inner().unwrap();
    assert!(problems.is_empty(), "{problems:#?}");
    assert!(failed > chosen.len() / 2);
}

#[test]
fn a_run_that_dies_at_any_step_is_continued_by_the_next() {
    let (template, expected) = Pair::edited("crash");
    assert_eq!(
        expected.conflicts.len(),
        5,
        "the history has conflicts of all kinds"
    );
    let done = [expected.rows.clone(), expected.rows.clone()];
    play(&template, "crash", &done, 30, &|pair, what| {
        pair.must_recover(&expected, what)
    });
}

/// What one side refuses is set aside once, whatever happens, and goes through when it can.
#[test]
fn what_is_set_aside_survives_a_crash_at_any_step() {
    let (template, without) = Pair::edited("aside");
    template.play(DUPLICATES);
    let mut done = [Side::Central, Side::Clone].map(|side| {
        let mut rows = without.rows.clone();
        let own = |line: &String| {
            DUPLICATES
                .iter()
                .any(|edit| edit.0 == side && line.contains(&uid(edit.2)))
        };
        rows.extend(
            expected(&[FIRST, SECOND, DUPLICATES])
                .rows
                .into_iter()
                .filter(own),
        );
        rows
    });
    done.iter_mut().for_each(|rows| rows.sort());
    let settled = expected(&[FIRST, SECOND, &[DUPLICATES, WAY_OUT].concat()]);
    let [of_central, of_clone] = [
        format!("central|{}|I", uid(60)),
        format!("clone|{}|I", uid(50)),
    ];
    play(&template, "aside", &done, 30, &|pair, what| {
        for _ in 0..2 {
            pair.synchronize()
                .unwrap_or_else(|error| panic!("{what}: {error}"));
        }
        assert_eq!(pair.central.content(), done[0], "{what}: central");
        assert_eq!(pair.clone.content(), done[1], "{what}: clone");
        assert_eq!(
            pair.central.set_aside(),
            std::slice::from_ref(&of_central),
            "{what}: central"
        );
        assert_eq!(
            pair.clone.set_aside(),
            [of_central.clone(), of_clone.clone()],
            "{what}: clone"
        );
        assert_eq!(pair.synchronize().unwrap()[4], 2, "{what}: SET_ASIDE");
        pair.play(WAY_OUT);
        pair.must_recover(&settled, what);
    });
}
