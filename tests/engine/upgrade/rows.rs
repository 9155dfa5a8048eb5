//! Which row an event of the former log is about: changed uids, partitions, marks of odd forms, packages of an empty log.

use super::fixture::{Former, former, uid};
use super::{Database, synchronize, upgrade};

fn insert(database: &Database, letters: &str) {
    for letter in letters.chars() {
        database.run(&format!(
            "INSERT INTO gis.tree (uid, name) VALUES ('{}', '{letter}')",
            uid(letter)
        ));
    }
}

fn both_layouts() -> [Former; 2] {
    ["0.4.5", "0.7.2"].map(former)
}

#[test]
fn a_clone_of_a_package_with_an_empty_log_gets_everything() {
    for former in both_layouts() {
        let central = former.central("empty", None);
        insert(&central, "AB");
        central.run(&format!("DELETE FROM {}.logged_actions", former.log));
        let one = former.clone(&central, "empty_one", None);
        central.run("UPDATE gis.tree SET name = 'A, early' WHERE name = 'A'");
        insert(&central, "C");
        // A later package has a last event.
        let two = former.clone(&central, "empty_two", None);
        central.run("UPDATE gis.tree SET name = 'B, late' WHERE name = 'B'");
        for database in [&central, &one, &two] {
            upgrade(database, None);
        }
        let first = synchronize(&central, &one, None);
        assert_eq!(first["APPLIED_TO_CLONE"].as_u64(), Some(3), "{first}");
        let first = synchronize(&central, &two, None);
        assert_eq!(first["APPLIED_TO_CLONE"].as_u64(), Some(1), "{first}");
        for database in [&central, &one, &two] {
            assert_eq!(
                database.rows("SELECT name FROM gis.tree ORDER BY 1"),
                ["A, early", "B, late", "C"]
            );
        }
    }
}

#[test]
fn where_only_the_central_knows_of_the_empty_log() {
    let former = former("0.4.5");
    let central = former.central("empty_known", None);
    central.run("DELETE FROM audit.logged_actions");
    let one = former.clone(&central, "empty_known_one", None);
    one.run("DELETE FROM lizsync.history");
    insert(&central, "A");
    former.clone(&central, "empty_known_two", None);
    insert(&central, "B");
    upgrade(&central, None);
    upgrade(&one, None);
    synchronize(&central, &one, None);
    assert_eq!(one.rows("SELECT name FROM gis.tree ORDER BY 1"), ["A", "B"]);
}

#[test]
fn a_row_whose_uid_changed_arrives_with_its_later_edits() {
    for former in both_layouts() {
        let central = former.central("uids", None);
        insert(&central, "ABCDPQ");
        let one = former.clone(&central, "uids_one", None);
        let two = former.clone(&central, "uids_two", None);
        let change = |database: &Database, from: char, to: char, more: &str| {
            database.run(&format!(
                "UPDATE gis.tree SET uid = '{}'{more} WHERE uid = '{}'",
                uid(to),
                uid(from)
            ));
        };
        change(&central, 'A', 'X', "");
        central.run("UPDATE gis.tree SET height = 5 WHERE name = 'A'");
        change(&central, 'C', 'W', ", height = 7");
        change(&one, 'B', 'Y', "");
        one.run("UPDATE gis.tree SET height = 6 WHERE name = 'B'");
        change(&one, 'D', 'Z', ", height = 9");
        // Two rows exchange theirs.
        change(&one, 'P', 'R', "");
        change(&one, 'Q', 'P', "");
        change(&one, 'R', 'Q', "");
        for database in [&central, &one, &two] {
            upgrade(database, None);
        }
        for clone in [&one, &two] {
            let outputs = synchronize(&central, clone, None);
            assert_eq!(outputs["CONFLICTS"].as_u64(), Some(0), "{outputs}");
        }
        let row = |name: char, now: char, height| format!("{name}|{}|{height}", uid(now));
        let expected = [
            row('A', 'X', "5"),
            row('B', 'Y', "6"),
            row('C', 'W', "7"),
            row('D', 'Z', "9"),
            row('P', 'Q', "∅"),
            row('Q', 'P', "∅"),
        ];
        for database in [&central, &one, &two] {
            assert_eq!(
                database.rows("SELECT name, uid, height FROM gis.tree ORDER BY 1"),
                expected,
                "{former:?} {}",
                database.name
            );
        }
        let idle = synchronize(&central, &one, None);
        assert_eq!(idle["APPLIED_TO_CENTRAL"].as_u64(), Some(0), "{idle}");
    }
}

/// A partitioned table, of which the former plugin captured the partitions or the whole.
fn partitioned(former: Former, label: &str, whole: bool) -> (Database, Database) {
    let central = former.central(label, None);
    central.run(
        "CREATE TABLE gis.visit (day date, who text, uid uuid NOT NULL DEFAULT md5(random()::text || clock_timestamp()::text)::uuid)
            PARTITION BY RANGE (day);
         CREATE TABLE gis.visit_24 PARTITION OF gis.visit FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
         CREATE TABLE gis.visit_25 PARTITION OF gis.visit FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
    );
    let audited: &[&str] = match whole {
        true => &["visit"],
        false => &["visit_24", "visit_25"],
    };
    for table in audited {
        central.run(&format!("SELECT {}.audit_table('gis.{table}')", former.log));
    }
    central.run(
        "INSERT INTO gis.visit VALUES ('2024-05-05', 'base 24'), ('2025-05-05', 'base 25'), ('2024-08-08', 'moves')",
    );
    let one = former.clone(&central, &format!("{label}_one"), None);
    if former.log == "lizsync" {
        let list = audited
            .iter()
            .map(|table| format!(r#""\"gis\".\"{table}\"""#))
            .collect::<Vec<_>>()
            .join(", ");
        for database in [&central, &one] {
            database.run(&format!(
                "UPDATE lizsync.synchronized_tables SET sync_tables = '[{list}]'"
            ));
        }
    }
    (central, one)
}

#[test]
fn what_happened_in_partitions_arrives() {
    for former in both_layouts() {
        for whole in [true, false] {
            let (central, one) = partitioned(former, "parts", whole);
            central.run("INSERT INTO gis.visit VALUES ('2024-06-06', 'central'); UPDATE gis.visit SET who = 'changed' WHERE who = 'base 25'");
            one.run("INSERT INTO gis.visit VALUES ('2025-06-06', 'one'); DELETE FROM gis.visit WHERE who = 'base 24'");
            one.run("UPDATE gis.visit SET day = '2025-08-08' WHERE who = 'moves'");
            upgrade(&central, None);
            upgrade(&one, None);
            let outputs = synchronize(&central, &one, None);
            assert_eq!(outputs["SET_ASIDE"].as_u64(), Some(0), "{outputs}");
            one.run("INSERT INTO gis.visit VALUES ('2024-07-07', 'after')");
            synchronize(&central, &one, None);
            for database in [&central, &one] {
                assert_eq!(
                    database.rows("SELECT who, day FROM gis.visit ORDER BY 1"),
                    [
                        "after|2024-07-07",
                        "central|2024-06-06",
                        "changed|2025-05-05",
                        "moves|2025-08-08",
                        "one|2025-06-06"
                    ],
                    "{former:?} {whole} {}",
                    database.name
                );
            }
        }
    }
}

#[test]
fn a_truncate_of_a_partition_takes_its_rows_only() {
    let former = former("0.4.5");
    let (central, one) = partitioned(former, "part_trunc", false);
    central
        .run("UPDATE gis.visit SET who = 'central' WHERE who = 'base 25'; TRUNCATE gis.visit_24");
    one.run("UPDATE gis.visit SET who = 'one' WHERE who = 'moves'; TRUNCATE gis.visit_25; INSERT INTO gis.visit VALUES ('2025-09-09', 'new')");
    one.run("UPDATE gis.visit SET who = 'one, 24' WHERE who = 'base 24'");
    upgrade(&central, None);
    upgrade(&one, None);
    synchronize(&central, &one, None);
    synchronize(&central, &one, None);
    for database in [&central, &one] {
        assert_eq!(
            database.rows("SELECT who FROM gis.visit ORDER BY 1"),
            ["new"]
        );
    }
}

#[test]
fn marks_of_odd_forms() {
    let former = former("0.4.5");
    let central = former.central("marks", None);
    let one = former.clone(&central, "marks_one", None);
    let id = one.value("SELECT server_id FROM lizsync.server_metadata");
    let forms = [
        "null",
        "[]",
        "\"x\"",
        "5",
        "{}",
        r#"{"origin": null}"#,
        r#"{"origin": "", "replayed_by": {"": ""}}"#,
        r#"{"origin": null, "replayed_by": null}"#,
        r#"{"origin": null, "replayed_by": []}"#,
        r#"{"origin": null, "replayed_by": {"f0000000-0000-4000-8000-000000000000": "x"}}"#,
        r#"{"origin": null, "replayed_by": {"f0000000-0000-4000-8000-000000000000": null}, "action_tstamp_tx": "yesterday"}"#,
    ];
    for (number, form) in forms.iter().enumerate() {
        for (database, side) in [(&central, "central"), (&one, "one")] {
            database.run(&format!(
                "INSERT INTO gis.tree (name) VALUES ('{side} {number}'); UPDATE audit.logged_actions SET sync_data = '{form}'
                 WHERE event_id = (SELECT max(event_id) FROM audit.logged_actions)"
            ));
        }
    }
    // What the clone has, whatever is beside it.
    central.run(&format!(
        "INSERT INTO gis.tree (name) VALUES ('has'); UPDATE audit.logged_actions SET sync_data = '{{\"replayed_by\": {{\"{id}\": null}}}}'
         WHERE event_id = (SELECT max(event_id) FROM audit.logged_actions)"
    ));
    upgrade(&central, None);
    upgrade(&one, None);
    synchronize(&central, &one, None);
    let names = "SELECT name FROM gis.tree WHERE name <> 'has' ORDER BY 1";
    assert_eq!(central.rows(names).len(), 2 * forms.len());
    assert_eq!(one.rows(names), central.rows(names));
    assert_eq!(
        one.value("SELECT count(*) FROM gis.tree WHERE name = 'has'"),
        "0"
    );

    for form in forms {
        let central = former.central("marks_trunc", None);
        insert(&central, "A");
        let one = former.clone(&central, "marks_trunc_one", None);
        one.run(&format!(
            "TRUNCATE gis.tree; UPDATE audit.logged_actions SET sync_data = '{form}'"
        ));
        upgrade(&central, None);
        upgrade(&one, None);
        synchronize(&central, &one, None);
        assert_eq!(
            central.value("SELECT count(*) FROM gis.tree"),
            "0",
            "{form}"
        );
        let idle = synchronize(&central, &one, None);
        assert_eq!(idle["CAPTURED_CLONE"].as_u64(), Some(0), "{form}: {idle}");
    }
}
