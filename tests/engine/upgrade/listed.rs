//! Clones of 0.5.0 to 0.7.2 have lists of tables: what is not listed stays where it is, before and after the upgrade.

use super::fixture::{Former, former, uid};
use super::{Database, content, deploy, messages, synchronize, upgrade};
use crate::support::{aside, run};
use serde_json::json;

/// A central and a clone of it, whose list names gis.tree only.
fn listed(former: Former, label: &str) -> (Database, Database) {
    let central = former.central(label, None);
    insert(&central, "AB", "PQ");
    let clone = former.clone(&central, &format!("{label}_clone"), None);
    for database in [&central, &clone] {
        database
            .run(r#"UPDATE lizsync.synchronized_tables SET sync_tables = '["\"gis\".\"tree\""]'"#);
    }
    (central, clone)
}

fn insert(database: &Database, trees: &str, plots: &str) {
    for (letters, table) in [(trees, "tree (uid, name)"), (plots, "plot (uid, code)")] {
        for letter in letters.chars() {
            database.run(&format!(
                "INSERT INTO gis.{table} VALUES ('{}', '{letter}')",
                uid(letter)
            ));
        }
    }
}

fn update(database: &Database, tree: char, plot: char, value: &str) {
    database.run(&format!(
        "UPDATE gis.tree SET name = '{value}' WHERE uid = '{}'; UPDATE gis.plot SET code = '{value}' WHERE uid = '{}'",
        uid(tree),
        uid(plot)
    ));
}

fn plots(database: &Database) -> Vec<String> {
    database.rows("SELECT code FROM gis.plot ORDER BY 1")
}

fn trees(database: &Database) -> Vec<String> {
    database.rows("SELECT name FROM gis.tree ORDER BY 1")
}

#[test]
fn only_listed_tables_are_synchronised_after_the_upgrade() {
    for former in ["0.5.0", "0.7.2"].map(former) {
        let (central, clone) = listed(former, "listed");
        // Before the upgrade, on both sides.
        update(&central, 'A', 'P', "central");
        insert(&central, "C", "R");
        update(&clone, 'B', 'Q', "clone");
        insert(&clone, "D", "S");
        clone.run("INSERT INTO gis.bare (code) VALUES ('clone')");
        central.run("INSERT INTO gis.bare (code) VALUES ('central')");
        upgrade(&central, None);
        upgrade(&clone, None);
        // And after it.
        insert(&central, "E", "T");
        insert(&clone, "F", "U");

        let first = synchronize(&central, &clone, None);
        let moved = [
            "APPLIED_TO_CLONE",
            "APPLIED_TO_CENTRAL",
            "SET_ASIDE_CENTRAL",
            "SET_ASIDE_CLONE",
        ]
        .map(|output| first[output].as_u64().unwrap());
        // A, C and E; B, D and F. Of the clone, Q, S, U and the row without uid are kept, lest a deployment forgets them.
        assert_eq!(moved, [3, 3, 0, 4], "{first}");
        for database in [&central, &clone] {
            assert_eq!(
                trees(database),
                ["C", "D", "E", "F", "central", "clone"],
                "{}",
                database.name
            );
        }
        assert_eq!(plots(&central), ["Q", "R", "T", "central"]);
        assert_eq!(plots(&clone), ["P", "S", "U", "clone"]);
        let kept = |database| {
            let mut kept = aside(database);
            kept.dedup();
            kept
        };
        assert_eq!(
            kept(&clone),
            [
                "clone|bare|I|LZ001|∅",
                "clone|plot|I|42P01|∅",
                "clone|plot|U|42P01|∅"
            ]
        );
        assert_eq!(aside(&central), Vec::<String>::new());

        // In later runs too.
        update(&central, 'E', 'P', "later, central");
        update(&clone, 'F', 'Q', "later, clone");
        clone.run(&format!(
            "DELETE FROM gis.tree WHERE uid = '{}'; DELETE FROM gis.plot WHERE uid = '{}'",
            uid('C'),
            uid('S')
        ));
        let later = synchronize(&central, &clone, None);
        assert_eq!(later["SET_ASIDE_CENTRAL"].as_u64(), Some(0), "{later}");
        for database in [&central, &clone] {
            assert_eq!(
                trees(database),
                ["D", "central", "clone", "later, central", "later, clone"]
            );
        }
        assert_eq!(plots(&central), ["Q", "R", "T", "later, central"]);
        assert_eq!(plots(&clone), ["P", "U", "later, clone"]);
        let idle = synchronize(&central, &clone, None);
        assert_eq!(idle["APPLIED_TO_CENTRAL"].as_u64(), Some(0), "{idle}");
        assert_eq!(idle["APPLIED_TO_CLONE"].as_u64(), Some(0), "{idle}");

        // A clone of the whole schema takes what this one left where it was in the central.
        run(
            "initialize_central_database",
            json!({"CONNECTION_NAME_CENTRAL": central.conninfo()}),
        )
        .unwrap();
        let whole = deploy(&central, "listed_whole", None);
        insert(&whole, "G", "V");
        for clone in [&whole, &clone, &whole] {
            synchronize(&central, clone, None);
        }
        assert_eq!(content(&whole), content(&central));
        assert_eq!(plots(&clone), ["P", "U", "later, clone"]);
        assert_eq!(trees(&clone), trees(&central));
    }
}

#[test]
fn a_truncate_of_a_table_that_is_not_listed_stays_where_it_is() {
    let former = former("0.7.2");
    let (central, clone) = listed(former, "listed_trunc");
    central.run("TRUNCATE gis.plot");
    clone.run("TRUNCATE gis.plot");
    insert(&central, "", "X");
    insert(&clone, "", "Y");
    upgrade(&central, None);
    upgrade(&clone, None);
    let said = messages(
        "synchronize_database",
        json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()}),
    )
    .join("\n");
    assert!(!said.contains("TRUNCATE"), "{said}");
    assert_eq!(plots(&central), ["X"]);
    assert_eq!(plots(&clone), ["Y"]);
    assert_eq!(trees(&clone), ["A", "B"]);
}
