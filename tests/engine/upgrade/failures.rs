//! What an upgrade refuses, and what it leaves when it does not come to its end: nothing.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use lizsync::error::Kind;
use lizsync::feedback::{Event, Feedback};
use serde_json::json;

use super::catalogue::catalogue;
use super::fixture::{former, uid};
use super::{Life, UPGRADE, content, synchronize, upgrade};
use crate::support::{Database, admin, messages, refused, run, terminate};

/// Everything in a database that an upgrade could change.
fn picture(database: &Database) -> Vec<String> {
    let mut all = catalogue_of(database);
    all.extend(database.rows(
        "SELECT tgrelid::regclass, pg_get_triggerdef(oid), tgenabled FROM pg_trigger ORDER BY 1, 2",
    ));
    all.extend(database.rows("SELECT srvname FROM pg_foreign_server UNION ALL SELECT nspname FROM pg_namespace ORDER BY 1"));
    for table in database.rows(
        "SELECT c.oid::regclass FROM pg_class c WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('audit', 'lizsync', 'gis') ORDER BY 1",
    ) {
        all.extend(database.rows(&format!("SELECT '{table}', t::text FROM {table} AS t ORDER BY 2")));
    }
    all
}

fn catalogue_of(database: &Database) -> Vec<String> {
    match database.value("SELECT to_regnamespace('audit')").as_str() {
        "∅" => database.rows("SELECT oid::regclass, relkind FROM pg_class WHERE relnamespace = 'lizsync'::regnamespace ORDER BY 1"),
        _ => catalogue(database),
    }
}

#[test]
fn without_runit_it_says_what_it_would_do_and_a_second_run_changes_nothing() {
    for version in ["0.2.2", "0.7.2"] {
        let former = former(version);
        let Life {
            central,
            clones: [one, _],
        } = Life::new(former, "plan", None);
        for database in [&central, &one] {
            let before = picture(database);
            let said =
                messages(UPGRADE, json!({"CONNECTION_NAME": database.conninfo()})).join("\n");
            assert_eq!(picture(database), before);
            for what in [
                version,
                "Nothing was done",
                "gis.tree: new audit triggers",
                "gis.tree: changes of these columns were not logged, and are from now on: note",
                "if_modified_func",
                "3 tables with new audit triggers",
            ] {
                assert!(said.contains(what), "{what}: {said}");
            }
            if database.name == central.name {
                // A and F were exchanged by the first, C, D and H by none.
                assert!(said.contains(": 3 events."), "{said}");
                assert!(said.contains(": 7 events."), "{said}");
            } else {
                let waiting = said.contains("Waiting in this clone for the central");
                assert!(waiting && said.contains(": 3 events."), "{said}");
                assert!(
                    said.contains("central_server goes") && said.contains("central_gis"),
                    "{said}"
                );
                assert!(!said.contains("open sesame"), "{said}");
            }
            let said = upgrade(database, None).pop().unwrap();
            assert!(said.contains("were upgraded from version"), "{said}");
            let after = picture(database);
            for runit in [false, true] {
                let said = messages(
                    UPGRADE,
                    json!({"CONNECTION_NAME": database.conninfo(), "RUNIT": runit}),
                )
                .pop()
                .unwrap();
                assert!(said.contains("already: nothing to do"), "{said}");
            }
            assert_eq!(picture(database), after);
        }
    }
}

#[test]
fn unknown_versions_and_missing_pieces() {
    let former = former("0.4.5");
    let old = former.central("missing", None);
    let refuse = |what: &str| {
        let before = picture(&old);
        for runit in [false, true] {
            let said = refused(
                UPGRADE,
                json!({"CONNECTION_NAME": old.conninfo(), "RUNIT": runit}),
                Kind::State,
            );
            assert!(said.contains(what), "{said}");
        }
        assert_eq!(picture(&old), before);
    };
    for version in ["0.8.0", "2.0.0", "0.2.1", "nonsense"] {
        old.run(&format!(
            "INSERT INTO lizsync.sys_structure_metadonnee (version) VALUES ('{version}')"
        ));
        refuse(version);
        old.run(&format!(
            "DELETE FROM lizsync.sys_structure_metadonnee WHERE version = '{version}'"
        ));
    }
    for (sql, what, back) in [
        (
            "ALTER TABLE lizsync.history RENAME TO gone",
            "lizsync.history.sync_id",
            "ALTER TABLE lizsync.gone RENAME TO history",
        ),
        (
            "ALTER TABLE audit.logged_actions RENAME sync_data TO gone",
            "Missing: audit.logged_actions.sync_data.",
            "ALTER TABLE audit.logged_actions RENAME gone TO sync_data",
        ),
        (
            "ALTER TABLE lizsync.conflicts RENAME TO gone",
            "lizsync.conflicts",
            "ALTER TABLE lizsync.gone RENAME TO conflicts",
        ),
    ] {
        old.run(sql);
        refuse(what);
        old.run(back);
    }
}

#[test]
fn a_lock_that_cannot_be_had_changes_nothing() {
    let old = former("0.4.5").central("locked", None);
    let before = picture(&old);
    let mut editor = old.connect();
    editor.batch_execute("SET application_name = 'QGIS'; BEGIN; INSERT INTO gis.plot (code) VALUES ('unfinished')").unwrap();
    let started = std::time::Instant::now();
    let said = refused(
        UPGRADE,
        json!({"CONNECTION_NAME": old.conninfo(), "RUNIT": true}),
        Kind::State,
    );
    assert!(started.elapsed().as_secs() >= 10 && started.elapsed().as_secs() < 20);
    assert!(
        said.contains("gis.plot is used by process") && said.contains("QGIS"),
        "{said}"
    );
    editor.batch_execute("ROLLBACK").unwrap();
    assert_eq!(picture(&old).len(), before.len());
    upgrade(&old, None);
}

/// Runs an upgrade and does something at its message of that number; returns whether it came so far.
fn at_message(
    database: &Database,
    number: usize,
    act: impl Fn() + Send + Sync + 'static,
) -> (bool, Result<(), Kind>) {
    let count = Arc::new(AtomicUsize::new(0));
    let (seen, victim) = (count.clone(), number);
    let act = Mutex::new(act);
    let feedback = Feedback::new(move |event| {
        if matches!(event, Event::Message(..)) && seen.fetch_add(1, Ordering::SeqCst) == victim {
            (act.lock().unwrap())();
        }
    });
    let parameters = json!({"CONNECTION_NAME": database.conninfo(), "RUNIT": true});
    let ended = lizsync::registry::run(UPGRADE, &parameters, &feedback);
    (
        count.load(Ordering::SeqCst) > number,
        ended.map(|_| ()).map_err(|error| error.kind()),
    )
}

#[test]
fn killed_at_each_step_it_leaves_the_old_state() {
    for version in ["0.4.5", "0.7.2"] {
        let Life {
            central,
            clones: [one, two],
        } = Life::new(former(version), "killed", None);
        for database in [&central, &one, &two] {
            let before = picture(database);
            for number in 0.. {
                let victim = database.name.clone();
                let (reached, ended) = at_message(database, number, move || {
                    terminate(
                        &mut admin(),
                        "application_name = 'lizsync' AND datname = $1",
                        &[&victim],
                    );
                });
                if !reached {
                    // The last message came earlier: it has ended.
                    assert_eq!(ended, Ok(()));
                    break;
                }
                assert_eq!(ended, Err(Kind::Connection), "message {number}");
                assert_eq!(picture(database), before, "message {number}");
            }
        }
        for clone in [&one, &two, &one] {
            synchronize(&central, clone, None);
        }
        assert_eq!(content(&two), Life::expected());
        assert_eq!(content(&one), Life::expected());
    }
}

#[test]
fn canceled_it_leaves_the_old_state() {
    let old = former("0.7.2").central("canceled", None);
    let before = picture(&old);
    let mut number = 0;
    loop {
        let feedback: Arc<Mutex<Option<Feedback>>> = Arc::default();
        let (handle, seen) = (feedback.clone(), AtomicUsize::new(0));
        let watched = Feedback::new(move |event| {
            if matches!(event, Event::Message(..))
                && seen.fetch_add(1, Ordering::SeqCst) == number
                && let Some(feedback) = handle.lock().unwrap().as_ref()
            {
                feedback.cancel();
            }
        });
        *feedback.lock().unwrap() = Some(watched.clone());
        let parameters = json!({"CONNECTION_NAME": old.conninfo(), "RUNIT": true});
        let ended = lizsync::registry::run(UPGRADE, &parameters, &watched);
        *feedback.lock().unwrap() = None;
        match ended {
            Err(error) => {
                assert_eq!(error.kind(), Kind::Canceled, "{}", error.sentence());
                assert_eq!(picture(&old), before);
            }
            Ok(_) => break,
        }
        number += 1;
    }
    assert!(number > 8, "{number}");
}

#[test]
fn while_an_application_writes() {
    let former = former("0.4.5");
    let central = former.central("busy", None);
    let clone = former.clone(&central, "busy_one", None);
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writers: Vec<_> = (0..3)
        .map(|writer| {
            let (conninfo, stop) = (central.conninfo(), stop.clone());
            std::thread::spawn(move || {
                let mut client = postgres::Client::connect(&conninfo, postgres::NoTls).unwrap();
                let mut written = 0;
                while !stop.load(Ordering::SeqCst) {
                    // In either order: this must end nobody's transaction.
                    let (first, second) = if writer % 2 == 0 { ("tree (name)", "plot (code)") } else { ("plot (code)", "tree (name)") };
                    client
                        .batch_execute(&format!(
                            "BEGIN; INSERT INTO gis.{first} VALUES ('w{writer} {written}'); INSERT INTO gis.{second} VALUES ('w{writer} {written}'); COMMIT"
                        ))
                        .unwrap();
                    written += 1;
                }
                written
            })
        })
        .collect();
    while central.value("SELECT count(*) > 50 FROM gis.tree") != "t" {
        std::thread::yield_now();
    }
    upgrade(&central, None);
    let after = central.value("SELECT count(*) + 50 FROM gis.tree");
    while central.value(&format!("SELECT count(*) > {after} FROM gis.tree")) != "t" {
        std::thread::yield_now();
    }
    stop.store(true, Ordering::SeqCst);
    let written: i64 = writers
        .into_iter()
        .map(|writer| writer.join().unwrap())
        .sum();
    assert_eq!(
        central.value("SELECT count(*) FROM gis.tree"),
        written.to_string()
    );
    assert_eq!(
        central.value("SELECT count(*) FROM audit.logged_actions WHERE action = 'I' AND table_name IN ('tree', 'plot')"),
        (2 * written).to_string()
    );
    upgrade(&clone, None);
    synchronize(&central, &clone, None);
    assert_eq!(content(&clone), content(&central));
}

#[test]
fn a_run_that_died_after_the_upgrade_loses_nothing() {
    let former = former("0.4.5");
    let Life {
        central,
        clones: [one, two],
    } = Life::new(former, "died", None);
    for database in [&central, &one, &two] {
        upgrade(database, None);
    }
    crate::support::killed_at(&central, &one, "Committing to the central database.");
    crate::support::killed_at(&central, &two, "Committing to the central database.");
    for clone in [&one, &two, &one, &two] {
        synchronize(&central, clone, None);
    }
    for database in [&central, &one, &two] {
        assert_eq!(content(database), Life::expected(), "{}", database.name);
    }
    assert_eq!(central.value("SELECT count(*) FROM lizsync.conflicts"), "1");
}

#[test]
fn of_two_copies_of_a_clone_one_goes_on() {
    let former = former("0.4.5");
    let central = former.central("copies", None);
    let one = former.clone(&central, "copies_one", None);
    let copy = one.copy("copies_copy");
    one.run(&format!(
        "INSERT INTO gis.tree (uid, name) VALUES ('{}', 'Q')",
        uid('Q')
    ));
    for database in [&central, &one, &copy] {
        upgrade(database, None);
    }
    synchronize(&central, &one, None);
    let parameters = json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": copy.conninfo()});
    assert_eq!(
        run("synchronize_database", parameters).unwrap_err().kind(),
        Kind::State
    );
}

#[test]
fn a_clone_that_does_not_know_its_central_is_known_by_it() {
    let former = former("0.4.5");
    let central = former.central("adopted", None);
    let one = former.clone(&central, "adopted_one", None);
    let stranger = former.central("adopted_not", None);
    central.run("UPDATE lizsync.history SET server_to = '{}'");
    one.run(&format!(
        "DELETE FROM lizsync.history; INSERT INTO gis.tree (uid, name) VALUES ('{}', 'N')",
        uid('N')
    ));
    central.run(&format!(
        "INSERT INTO gis.tree (uid, name) VALUES ('{}', 'C')",
        uid('C')
    ));
    for database in [&central, &one, &stranger] {
        upgrade(database, None);
    }
    let parameters = json!({"CONNECTION_NAME_CENTRAL": stranger.conninfo(), "CONNECTION_NAME_CLONE": one.conninfo()});
    assert_eq!(
        run("synchronize_database", parameters).unwrap_err().kind(),
        Kind::State
    );
    synchronize(&central, &one, None);
    let names = "SELECT name FROM gis.tree ORDER BY 1";
    assert_eq!(one.rows(names), ["C", "N"]);
    assert_eq!(central.rows(names), ["C", "N"]);
    let idle = synchronize(&central, &one, None);
    assert_eq!(idle["CAPTURED_CENTRAL"].as_u64(), Some(0), "{idle}");
}
