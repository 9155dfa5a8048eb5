//! What may happen to a run at any moment: its process is killed, a server crashes, a disk is full,
//! a lock is held, time limits are set, somebody cancels. The next run needs no repair by hand.
#![allow(missing_docs)]

use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::pair::{Pair, Place, socket};
use crate::support::proxy::{BOTH, Proxy, When};
use crate::support::server::Server;
use lizsync::error::{Error, Kind};
use lizsync::feedback::{Event, Feedback};

const RUN: &str = "synchronize_database";
/// Longer than anything here takes; so that a mistake ends with a message.
const LONG: Duration = Duration::from_secs(60);

/// The messages that an undisturbed run of a copy of `template` sends.
fn messages(template: &Pair, sockets: [std::path::PathBuf; 2]) -> usize {
    let pair = template.copy("counted");
    let proxy = Proxy::new(sockets);
    crate::support::run(RUN, pair.through(&proxy)).unwrap();
    proxy.seen()
}

/// `wanted` numbers from 1 to `total`, the last one among them.
fn spread(total: usize, wanted: usize) -> impl Iterator<Item = usize> {
    (1..=wanted).map(move |n| n * total / wanted)
}

const CHILD: &str = "LIZSYNC_TEST_CHILD";

fn child(parameters: &serde_json::Value) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "moments::the_client_is_killed", "--nocapture"])
        .env(CHILD, parameters.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn the_client_is_killed() {
    if let Ok(parameters) = std::env::var(CHILD) {
        crate::support::run(RUN, serde_json::from_str(&parameters).unwrap()).unwrap();
        return;
    }
    let (template, expected) = Pair::edited("kill");
    let total = messages(&template, [socket(), socket()]);
    for at in spread(total, 8) {
        for when in [When::Before, When::After] {
            let pair = template.copy("killed");
            let (give, take) = channel::<Child>();
            let (tell, told) = channel();
            let proxy = Proxy::acting([socket(), socket()], at, when, BOTH, move || {
                let mut child = take.recv().unwrap();
                child.kill().unwrap();
                tell.send(child.wait().unwrap()).unwrap();
            });
            give.send(child(&pair.through(&proxy))).unwrap();
            let status = told
                .recv_timeout(LONG)
                .expect("the child ended before it was killed");
            assert!(!status.success());
            pair.must_recover(
                &expected,
                &format!("killed {when:?} message {at} of {total}"),
            );
        }
    }
}

#[test]
fn a_server_crashes() {
    let servers = [Arc::new(Server::start()), Arc::new(Server::start())];
    let sockets = || [servers[0].socket(), servers[1].socket()];
    let (template, expected) = Pair::deployed(
        Place::new(&servers[0].conninfo(), "central"),
        Place::new(&servers[1].conninfo(), "clone"),
    );
    let total = messages(&template, sockets());
    // The last messages are the two commits, and what follows them.
    let points: Vec<(usize, When)> = spread(total, 3)
        .map(|at| (at, When::Before))
        .chain((total - 3..total).map(|at| (at, When::After)))
        .collect();
    for victim in [0, 1] {
        for &(at, when) in &points {
            let pair = template.copy("crashed");
            let server = servers[victim].clone();
            let proxy = Proxy::acting(sockets(), at, when, &[], move || server.crash());
            let outcome = crate::support::run(RUN, pair.through(&proxy));
            assert!(proxy.done(), "the run ended before message {at}");
            if let Err(error) = outcome {
                assert_eq!(error.kind(), Kind::Connection, "{}", error.sentence());
            }
            servers[victim].resume();
            pair.must_recover(
                &expected,
                &format!("server {victim} crashed {when:?} message {at} of {total}"),
            );
        }
    }
}

/// A feedback that calls `act` with itself and the number of each event, from 1.
fn watching(act: impl Fn(&Feedback, usize, &Event) + Send + Sync + 'static) -> Feedback {
    let itself = Arc::new(OnceLock::<Feedback>::new());
    let (inner, number) = (itself.clone(), Mutex::new(0));
    let feedback = Feedback::new(move |event| {
        let number = {
            let mut number = number.lock().unwrap();
            *number += 1;
            *number
        };
        if let Some(feedback) = inner.get() {
            act(feedback, number, &event);
        }
    });
    itself.set(feedback.clone()).ok();
    feedback
}

fn is_commit(event: &Event) -> bool {
    matches!(event, Event::Message(_, text) if text.starts_with("Committing"))
}

fn run_with(pair: &serde_json::Value, feedback: &Feedback) -> Result<[u64; 5], Error> {
    lizsync::registry::run(RUN, pair, feedback)
        .map(|outputs| crate::support::counts(&outputs.into_json()))
}

#[test]
fn a_cancel_at_every_event() {
    let (template, expected) = Pair::edited("cancel");
    let before = [template.central.content(), template.clone.content()];
    let (mut at, mut canceled) = (0, 0);
    loop {
        at += 1;
        let pair = template.copy("canceled");
        let seen = Arc::new(Mutex::new((0, false)));
        let heard = seen.clone();
        let feedback = watching(move |feedback, number, event| {
            let mut heard = heard.lock().unwrap();
            heard.0 = number;
            heard.1 |= number <= at && is_commit(event);
            drop(heard);
            if number == at {
                feedback.cancel();
            }
        });
        let outcome = run_with(&pair.parameters(), &feedback);
        let (events, committing) = *seen.lock().unwrap();
        if let Err(error) = &outcome {
            assert_eq!(
                error.kind(),
                Kind::Canceled,
                "event {at}: {}",
                error.sentence()
            );
            canceled += 1;
            if !committing {
                assert!(
                    before == [pair.central.content(), pair.clone.content()],
                    "event {at}: half done"
                );
            }
        } else {
            assert!(
                committing || events < at,
                "event {at}: the cancel was not heard"
            );
        }
        pair.must_recover(&expected, &format!("canceled at event {at}"));
        if events < at {
            break;
        }
    }
    assert!(canceled > 12, "{canceled} of {at} runs were canceled");
}

#[test]
fn a_cancel_at_every_step() {
    let (template, expected) = Pair::edited("cancel_step");
    let before = [template.central.content(), template.clone.content()];
    let total = messages(&template, [socket(), socket()]);
    for (number, at) in spread(total, 12).enumerate() {
        let pair = template.copy("canceled_step");
        let committing = Arc::new(Mutex::new(false));
        let heard = committing.clone();
        let feedback = watching(move |_, _, event| *heard.lock().unwrap() |= is_commit(event));
        let canceler = feedback.clone();
        let when = [When::Before, When::After][number % 2];
        let proxy = Proxy::acting([socket(), socket()], at, when, &[], move || {
            canceler.cancel()
        });
        let outcome = run_with(&pair.through(&proxy), &feedback);
        assert!(proxy.done(), "the run ended before message {at}");
        let committing = *committing.lock().unwrap();
        match &outcome {
            Err(error) => assert_eq!(error.kind(), Kind::Canceled, "{at}: {}", error.sentence()),
            Ok(_) => assert!(committing, "message {at}: the cancel was not heard"),
        }
        if !committing {
            assert!(
                before == [pair.central.content(), pair.clone.content()],
                "message {at}: half done"
            );
        }
        pair.must_recover(&expected, &format!("canceled at message {at} of {total}"));
    }
}

const LOCKS: [(&str, &str); 3] = [
    ("a row", "SELECT FROM gis.tree FOR UPDATE"),
    ("a table", "LOCK TABLE gis.tree IN ACCESS EXCLUSIVE MODE"),
    (
        "the ledger",
        "LOCK TABLE lizsync.received IN ACCESS EXCLUSIVE MODE",
    ),
];

/// Limits that a database sets for interactive work; the run waits for a lock longer than they allow.
#[test]
fn a_run_waits_for_locks_whatever_the_time_limits() {
    let (template, expected) = Pair::edited("limits");
    for (what, lock) in LOCKS {
        for side in [0, 1] {
            let pair = template.copy("limited");
            let places = [&pair.central, &pair.clone];
            let (mut editor, mut admin) = (places[side].connect(), pair.central.admin());
            editor.batch_execute(&format!("BEGIN; {lock}")).unwrap();
            for place in places {
                for limit in [
                    "statement_timeout",
                    "lock_timeout",
                    "idle_in_transaction_session_timeout",
                    "idle_session_timeout",
                ] {
                    let sql = format!("ALTER DATABASE \"{}\" SET {limit} = 500", place.name);
                    admin.batch_execute(&sql).unwrap();
                }
            }
            thread::scope(|threads| {
                let run = threads.spawn(|| pair.synchronize());
                places[side].wait_for_lock(1200);
                editor.batch_execute("COMMIT").unwrap();
                run.join()
                    .unwrap()
                    .unwrap_or_else(|error| panic!("{what}: {error}"));
            });
            for place in places {
                admin
                    .batch_execute(&format!("ALTER DATABASE \"{}\" RESET ALL", place.name))
                    .unwrap();
            }
            pair.synchronize().unwrap();
            pair.must_be(&expected, &format!("{what} was held on side {side}"));
        }
    }
}

#[test]
fn a_run_that_waits_for_a_lock_is_ended() {
    let (template, expected) = Pair::edited("waiting");
    let before = [template.central.content(), template.clone.content()];
    // By its own user, by an administrator who cancels or who ends its session.
    for (what, function, kind) in [
        ("the user", None, Kind::Canceled),
        ("a cancel", Some("pg_cancel_backend(pid)"), Kind::Database),
        (
            "an end",
            Some("pg_terminate_backend(pid, 10000)"),
            Kind::Connection,
        ),
    ] {
        for side in [0, 1] {
            let pair = template.copy("ended");
            let place = [&pair.central, &pair.clone][side];
            let mut editor = place.connect();
            editor
                .batch_execute(&format!("BEGIN; {}", LOCKS[1].1))
                .unwrap();
            let feedback = Feedback::silent();
            let (error, waited) = thread::scope(|threads| {
                let run = threads.spawn(|| run_with(&pair.parameters(), &feedback));
                place.wait_for_lock(0);
                let began = Instant::now();
                match function {
                    None => feedback.cancel(),
                    Some(function) => {
                        let sql = format!(
                            "SELECT {function} FROM pg_stat_activity WHERE datname = '{}' AND wait_event_type = 'Lock'",
                            place.name
                        );
                        place.admin().batch_execute(&sql).unwrap();
                    }
                }
                (run.join().unwrap().unwrap_err(), began.elapsed())
            });
            assert_eq!(error.kind(), kind, "{what}: {}", error.sentence());
            assert!(waited < Duration::from_secs(10), "{what}: {waited:?}");
            editor.batch_execute("ROLLBACK").unwrap();
            drop(editor);
            assert!(
                before == [pair.central.content(), pair.clone.content()],
                "{what}: half done"
            );
            pair.must_recover(&expected, &format!("ended by {what} on side {side}"));
        }
    }
}

#[test]
fn the_disk_of_the_clone_is_full() {
    let server = Server::start();
    let central = Place::from(crate::support::Database::new("full"));
    let clone = Place::new(&server.conninfo(), "clone");
    let (pair, expected) = Pair::deployed(central, clone);
    let before = [pair.central.content(), pair.clone.content()];
    // Where the changes are staged, and where they are written: a table fills more than a file may hold.
    let filler = "INSERT INTO gis.tree (tag, name) SELECT 'filler' || n, repeat(md5(n::text), 10) FROM generate_series(1, 40000) AS n";
    pair.central.run(filler);
    for limit in [1_000_000, 9_000_000] {
        server.limit_files(Some(limit));
        let said = pair.synchronize().expect_err("the disk was not full");
        assert!(said.contains("free disk space"), "{said}");
        let rows = pair.clone.content();
        assert!(rows == before[1], "{limit}: the clone is half done");
        assert_eq!(
            pair.clone.value("SELECT count(*) FROM lizsync.conflicts"),
            "0"
        );
    }
    server.limit_files(None);
    pair.central
        .run("DELETE FROM gis.tree WHERE tag LIKE 'filler%'; TRUNCATE public.heard");
    let edits = expected.heard[0];
    pair.central.run(&format!(
        "INSERT INTO public.heard SELECT 'x' FROM generate_series(1, {edits})"
    ));
    pair.must_recover(&expected, "the disk was full");
}
