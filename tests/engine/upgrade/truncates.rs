//! TRUNCATE under the former plugin, which logged no rows of it, and events without rows.

use super::fixture::{former, uid};
use super::{content, synchronize, upgrade};

#[test]
fn the_rows_of_a_truncate_go_on_the_other_side_and_new_rows_stay() {
    let former = former("0.4.5");
    let central = former.central("trunc", None);
    let insert = |database: &crate::support::Database, letters: &str| {
        for letter in letters.chars() {
            database.run(&format!(
                "INSERT INTO gis.tree (uid, name) VALUES ('{}', '{letter}')",
                uid(letter)
            ));
        }
    };
    insert(&central, "ABC");
    let one = former.clone(&central, "trunc_one", None);
    let two = former.clone(&central, "trunc_two", None);
    // X came and went between two synchronisations.
    insert(&central, "X");
    central.run("TRUNCATE gis.tree");
    insert(&central, "BD");
    insert(&one, "E");
    one.run(&format!(
        "UPDATE gis.tree SET name = 'edited' WHERE uid = '{}'",
        uid('C')
    ));
    for database in [&central, &one, &two] {
        upgrade(database, None);
    }
    let said = crate::support::messages(
        "synchronize_database",
        serde_json::json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": one.conninfo()}),
    );
    assert!(
        said.iter().any(|text| text
            .contains("gis.tree was emptied by TRUNCATE in the central database")
            && text.contains("2 rows")),
        "{said:?}"
    );
    for clone in [&two, &one, &two] {
        synchronize(&central, clone, None);
    }
    let names = "SELECT name FROM gis.tree ORDER BY 1";
    for database in [&central, &one, &two] {
        assert_eq!(database.rows(names), ["B", "D", "E"], "{}", database.name);
    }
    assert_eq!(
        central.rows("SELECT object_uid, rule_applied FROM lizsync.conflicts"),
        [format!("{}|delete_wins", uid('C'))]
    );
}

#[test]
fn a_truncate_in_a_clone_deletes_what_the_clone_had() {
    let former = former("0.7.2");
    let central = former.central("trunc_clone", None);
    central.run(&format!(
        "INSERT INTO gis.tree (uid, name) VALUES ('{}', 'A'), ('{}', 'B')",
        uid('A'),
        uid('B')
    ));
    let one = former.clone(&central, "trunc_clone_one", None);
    central.run(&format!(
        "INSERT INTO gis.tree (uid, name) VALUES ('{}', 'N')",
        uid('N')
    ));
    one.run(&format!(
        "INSERT INTO gis.tree (uid, name) VALUES ('{}', 'gone'); TRUNCATE gis.tree; INSERT INTO gis.tree (uid, name) VALUES ('{}', 'B2')",
        uid('G'), uid('B')
    ));
    upgrade(&central, None);
    upgrade(&one, None);
    synchronize(&central, &one, None);
    synchronize(&central, &one, None);
    let expected = [
        format!("tree|{}|B2|∅|∅", uid('B')),
        format!("tree|{}|N|∅|∅", uid('N')),
    ];
    assert_eq!(content(&central), expected);
    assert_eq!(content(&one), expected);
}

#[test]
fn events_without_rows_are_told() {
    let former = former("0.4.5");
    let central = former.central("bare_events", None);
    let one = former.clone(&central, "bare_events_one", None);
    central.run(
        "INSERT INTO audit.logged_actions (schema_name, table_name, relid, action_tstamp_tx, action_tstamp_stm, action_tstamp_clk, action, statement_only, sync_data)
         VALUES ('gis', 'tree', 1, now(), now(), now(), 'U', true, '{\"origin\": null, \"replayed_by\": {}}')",
    );
    let said = upgrade(&central, None);
    assert!(
        said.iter()
            .any(|text| text.contains("1 event without its row")),
        "{said:?}"
    );
    upgrade(&one, None);
    let outputs = synchronize(&central, &one, None);
    assert_eq!(outputs["CAPTURED_CENTRAL"].as_u64(), Some(0));
}
