//! The log of the former plugin: it stays as it is, and is read once by each clone.

use serde_json::json;

use super::fixture::{former, uid};
use super::{Life, content, synchronize, upgrade};
use crate::support::run;

#[test]
fn the_log_is_not_rewritten_and_read_once() {
    for version in ["0.4.5", "0.7.2"] {
        let former = former(version);
        let log = former.log;
        let central = former.central("large", None);
        central.run("INSERT INTO gis.tree (name, height) SELECT 'tree ' || i, i FROM generate_series(1, 2000) AS i");
        let one = former.clone(&central, "large_one", None);
        for round in 1..=10 {
            central.run(&format!("UPDATE gis.tree SET height = height + {round}"));
        }
        // The clone has all but the events of some rows, of the last rounds and of one before.
        let id = one.value("SELECT server_id FROM lizsync.server_metadata");
        central.run(&format!(
            "UPDATE {log}.logged_actions SET sync_data = jsonb_set(sync_data, '{{replayed_by,{id}}}', '\"x\"')
             WHERE event_id NOT IN (SELECT event_id FROM {log}.logged_actions WHERE (row_data -> 'name') IN ('tree 7', 'tree 8') AND event_id > 12000
                 UNION SELECT min(event_id) FROM {log}.logged_actions WHERE row_data -> 'name' = 'tree 9' AND event_id > 2000);
             CREATE TABLE public.before AS SELECT event_id, ctid AS place, xmin::text AS writer FROM {log}.logged_actions"
        ));
        one.run("ALTER TABLE gis.tree DISABLE TRIGGER USER; UPDATE gis.tree SET height = height + 55 WHERE name NOT IN ('tree 7', 'tree 8');
            UPDATE gis.tree SET height = height + 15 WHERE name IN ('tree 7', 'tree 8'); ALTER TABLE gis.tree ENABLE TRIGGER USER");
        let file = format!("SELECT pg_relation_filenode('{log}.logged_actions')");
        let before = central.value(&file);
        upgrade(&central, None);
        assert_eq!(
            central.value("SELECT pg_relation_filenode('audit.logged_actions')"),
            before
        );
        assert_eq!(
            central.value("SELECT count(*) FROM audit.logged_actions AS l JOIN public.before AS b ON b.event_id = l.event_id AND b.place = l.ctid AND b.writer = l.xmin::text"),
            central.value("SELECT count(*) FROM audit.logged_actions")
        );
        upgrade(&one, None);
        let first = synchronize(&central, &one, None);
        // All events of three rows since the first that is missing.
        assert!(first["CAPTURED_CENTRAL"].as_u64() < Some(40), "{first}");
        assert_eq!(content(&one), content(&central));
        let second = synchronize(&central, &one, None);
        assert_eq!(second["CAPTURED_CENTRAL"].as_u64(), Some(0), "{second}");
    }
}

#[test]
fn what_a_clone_has_of_later_edits_does_not_come_back_as_it_was() {
    let former = former("0.4.5");
    let central = former.central("order", None);
    central.run(&format!(
        "INSERT INTO gis.tree (uid, name) VALUES ('{}', 'A')",
        uid('A')
    ));
    let one = former.clone(&central, "order_one", None);
    central.run("UPDATE gis.tree SET name = 'first'; UPDATE gis.tree SET name = 'second'");
    let id = one.value("SELECT server_id FROM lizsync.server_metadata");
    // A transaction that committed late: the clone has the second edit, not the first.
    central.run(&format!(
        "UPDATE audit.logged_actions SET sync_data = jsonb_set(sync_data, '{{replayed_by,{id}}}', '\"x\"')
         WHERE changed_fields -> 'name' = 'second'"
    ));
    one.run("ALTER TABLE gis.tree DISABLE TRIGGER USER; UPDATE gis.tree SET name = 'second'; ALTER TABLE gis.tree ENABLE TRIGGER USER");
    upgrade(&central, None);
    upgrade(&one, None);
    synchronize(&central, &one, None);
    assert_eq!(one.value("SELECT name FROM gis.tree"), "second");
    assert_eq!(central.value("SELECT name FROM gis.tree"), "second");
}

#[test]
fn a_restored_dump_has_transaction_numbers_of_another_server() {
    for shift in ["1000000000000", "-100000"] {
        let former = former("0.4.5");
        let Life {
            central,
            clones: [one, two],
        } = Life::new(former, "restored", None);
        for database in [&central, &one, &two] {
            database.run(&format!(
                "UPDATE audit.logged_actions SET transaction_id = greatest(transaction_id + {shift}, 3), relid = 1"
            ));
            upgrade(database, None);
        }
        for clone in [&one, &two, &one, &two] {
            synchronize(&central, clone, None);
        }
        for database in [&central, &one, &two] {
            assert_eq!(
                content(database),
                Life::expected(),
                "{shift} {}",
                database.name
            );
        }
        let idle = synchronize(&central, &one, None);
        assert_eq!(idle["CAPTURED_CENTRAL"].as_u64(), Some(0), "{idle}");
        // All clones have all of it: it may go.
        let pruned = run(
            "synchronize_database",
            json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": two.conninfo(), "PRUNE_LOG": true}),
        )
        .unwrap();
        synchronize(&central, &two, None);
        assert_eq!(
            central.value("SELECT count(*) FROM audit.logged_actions WHERE former"),
            "0",
            "{pruned}"
        );
    }
}

#[test]
fn what_a_clone_took_over_its_own_edits_is_not_sent() {
    let former = former("0.4.5");
    let central = former.central("taken", None);
    for letter in "ABCD".chars() {
        central.run(&format!(
            "INSERT INTO gis.tree (uid, name) VALUES ('{}', '{letter}')",
            uid(letter)
        ));
    }
    let one = former.clone(&central, "taken_one", None);
    let id = |database: &crate::support::Database| {
        database.value("SELECT server_id FROM lizsync.server_metadata")
    };
    let (central_id, one_id) = (id(&central), id(&one));
    one.run("UPDATE gis.tree SET name = 'one', height = 5 WHERE name = 'A'; UPDATE gis.tree SET height = 5 WHERE name = 'B'");
    // Sent, and marked so; the central went on from there.
    one.run(&format!(
        "UPDATE gis.tree SET height = 7 WHERE name = 'C'; UPDATE audit.logged_actions
         SET sync_data = jsonb_set(sync_data, '{{replayed_by,{central_id}}}', '\"x\"') WHERE changed_fields -> 'height' = '7'"
    ));
    // A run of the former plugin that died when the clone had taken the central's edits.
    let edits = "UPDATE gis.tree SET name = 'central' WHERE name IN ('A', 'one'); DELETE FROM gis.tree WHERE name = 'B'; UPDATE gis.tree SET height = 1 WHERE name = 'D'";
    central.run(&format!(
        "{edits}; UPDATE audit.logged_actions SET sync_data = jsonb_set(sync_data, '{{replayed_by,{one_id}}}', '\"x\"')"
    ));
    central.run("UPDATE gis.tree SET height = 8 WHERE name = 'C'");
    one.run(&format!(
        "BEGIN; SET LOCAL lizsync.server_from = '{central_id}'; {edits}; COMMIT; UPDATE gis.tree SET height = 9 WHERE name = 'D'"
    ));
    upgrade(&central, None);
    upgrade(&one, None);
    let outputs = synchronize(&central, &one, None);
    // The heights of A and D, and that of C.
    assert_eq!(outputs["CAPTURED_CLONE"].as_u64(), Some(2), "{outputs}");
    assert_eq!(outputs["CAPTURED_CENTRAL"].as_u64(), Some(1), "{outputs}");
    assert_eq!(outputs["CONFLICTS"].as_u64(), Some(0), "{outputs}");
    for database in [&central, &one] {
        assert_eq!(
            database.rows("SELECT name, height FROM gis.tree ORDER BY 1"),
            ["C|8", "D|9", "central|5"]
        );
    }
}

#[test]
fn an_edit_that_another_clone_brought_counts_by_its_own_time() {
    for version in ["0.4.5", "0.7.2"] {
        let former = former(version);
        let central = former.central("times", None);
        central.run(&format!(
            "INSERT INTO gis.tree (uid, name) VALUES ('{}', 'A')",
            uid('A')
        ));
        let one = former.clone(&central, "times_one", None);
        let two = former.clone(&central, "times_two", None);
        one.run("UPDATE gis.tree SET name = 'one, first'");
        two.run("UPDATE gis.tree SET name = 'two, last'");
        // The central hears of the first one after that.
        former.synchronize(&central, &one);
        for database in [&central, &one, &two] {
            upgrade(database, None);
        }
        for clone in [&two, &one] {
            synchronize(&central, clone, None);
        }
        for database in [&central, &one, &two] {
            assert_eq!(database.value("SELECT name FROM gis.tree"), "two, last");
        }
        assert_eq!(
            central.rows("SELECT rejected, central_value, clone_value FROM lizsync.conflicts"),
            ["central|one, first|two, last"]
        );
    }
}
