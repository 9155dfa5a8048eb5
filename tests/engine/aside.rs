//! What one side cannot take is set aside: recorded, tried again, and everything else goes through.
#![allow(missing_docs)]

use crate::support::role::Role;
use crate::support::{Database, aside, clone_of, messages, prepared, synchronize};

const TREES: &str = "CREATE SCHEMA gis;
    CREATE TABLE gis.species (id serial PRIMARY KEY, name text);
    CREATE TABLE gis.tree (id serial PRIMARY KEY, code text UNIQUE, height int, crown numeric);
    INSERT INTO gis.tree (code, height) SELECT 'T' || n, n FROM generate_series(1, 20) AS n";

fn trees(database: &Database) -> Vec<String> {
    database.rows("SELECT uid, code, height, crown FROM gis.tree ORDER BY uid")
}

/// Runs until nothing is left to do: both sides are equal and nothing is set aside.
fn settled(central: &Database, clone: &Database) {
    synchronize(central, clone);
    let outputs = synchronize(central, clone);
    for id in ["CAPTURED_CENTRAL", "CAPTURED_CLONE", "SET_ASIDE"] {
        assert_eq!(outputs[id], 0, "{outputs}");
    }
    assert!(aside(central).is_empty() && aside(clone).is_empty());
}

#[test]
fn two_new_rows_with_one_code() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    central.run("INSERT INTO gis.tree (code, height) VALUES ('X', 1); UPDATE gis.tree SET height = 100 WHERE code = 'T1'");
    clone.run("INSERT INTO gis.tree (code, height) VALUES ('X', 2), ('Y', 3); UPDATE gis.tree SET crown = 5 WHERE code = 'T2'");
    let uid = |database: &Database| database.value("SELECT uid FROM gis.tree WHERE code = 'X'");
    let (of_central, of_clone) = (uid(&central), uid(&clone));
    let outputs = synchronize(&central, &clone);
    // The history has each edit once, though the run took two passes.
    assert_eq!(
        central.rows("SELECT sum(applied_to_clone), sum(applied_to_central), count(*) FROM lizsync.history WHERE sync_type = 'partial'"),
        ["1|2|2"]
    );
    // Neither can take the other's X; everything else goes through.
    assert_eq!(
        [
            &outputs["APPLIED_TO_CLONE"],
            &outputs["APPLIED_TO_CENTRAL"],
            &outputs["SET_ASIDE"]
        ],
        [1, 2, 2]
    );
    assert_eq!(aside(&central), ["central|tree|I|23505|tree_code_key"]);
    assert_eq!(
        aside(&clone),
        [
            "central|tree|I|23505|tree_code_key",
            "clone|tree|I|23505|tree_code_key"
        ]
    );
    let recorded =
        clone.value("SELECT uid || message FROM lizsync.set_aside WHERE owner = 'clone'");
    assert!(
        recorded.starts_with(&of_clone) && recorded.contains("tree_code_key"),
        "{recorded}"
    );
    assert_eq!(
        central.value("SELECT uid FROM lizsync.set_aside"),
        of_central
    );
    // Every run tries again, and names them.
    let heard = messages(
        "synchronize_database",
        serde_json::json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()}),
    );
    let told = |uid: &str| {
        heard
            .iter()
            .any(|m| m.contains("gis.tree") && m.contains(uid) && m.contains("tree_code_key"))
    };
    assert!(told(&of_central) && told(&of_clone), "{heard:?}");
    assert_eq!(aside(&clone).len(), 2);
    assert_eq!(
        central.value("SELECT count(*) FROM lizsync.history WHERE set_aside = 2 AND set_aside_clone = 1 AND captured_clone = 1"),
        "2",
        "each pass after the first dealt with one edit of each side"
    );
    // The surveyor renames his; both go through.
    clone.run("UPDATE gis.tree SET code = 'Z', crown = 7 WHERE code = 'X'");
    settled(&central, &clone);
    assert_eq!(trees(&central), trees(&clone));
    assert_eq!(
        central.rows("SELECT code, height, crown FROM gis.tree WHERE code > 'U' ORDER BY 1"),
        ["X|1|∅", "Y|3|∅", "Z|2|7"]
    );
    assert_eq!(central.value("SELECT count(*) FROM lizsync.conflicts"), "0");
}

#[test]
fn whatever_a_side_cannot_take() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    central.run("CREATE EXTENSION btree_gist SCHEMA public");
    // What the central demands, the edit of the clone, what is said, and how it is mended.
    let cases = [
        (
            "ALTER TABLE gis.tree ADD CONSTRAINT low CHECK (height < 1000)",
            "height = 5000",
            "23514",
            "ALTER TABLE gis.tree DROP CONSTRAINT low",
        ),
        (
            "ALTER TABLE gis.tree ALTER height SET NOT NULL",
            "height = NULL",
            "23502",
            "ALTER TABLE gis.tree ALTER height DROP NOT NULL",
        ),
        (
            "ALTER TABLE gis.tree ADD CONSTRAINT apart EXCLUDE USING gist (height WITH =)",
            "height = 7",
            "23P01",
            "ALTER TABLE gis.tree DROP CONSTRAINT apart",
        ),
        (
            "ALTER TABLE gis.tree ALTER code TYPE varchar(4)",
            "code = 'too long'",
            "22001",
            "ALTER TABLE gis.tree ALTER code TYPE text",
        ),
        (
            "ALTER TABLE gis.tree ALTER crown TYPE int",
            "crown = 1.5",
            "22P02",
            "ALTER TABLE gis.tree ALTER crown TYPE numeric",
        ),
        (
            "ALTER TABLE gis.tree ALTER crown TYPE numeric(3,1)",
            "crown = 12345",
            "22003",
            "ALTER TABLE gis.tree ALTER crown TYPE numeric",
        ),
        (
            "ALTER TABLE gis.tree ADD COLUMN gen int GENERATED ALWAYS AS (1 / (height - 666)) STORED",
            "height = 666",
            "22012",
            "ALTER TABLE gis.tree DROP COLUMN gen",
        ),
        (
            "ALTER TABLE gis.tree RENAME COLUMN crown TO width",
            "crown = 3",
            "42703",
            "ALTER TABLE gis.tree RENAME COLUMN width TO crown",
        ),
        (
            "ALTER TABLE gis.tree RENAME TO forest",
            "crown = 4",
            "42P01",
            "ALTER TABLE gis.forest RENAME TO tree",
        ),
        (
            "ALTER TABLE gis.tree RENAME COLUMN uid TO uid_away",
            "crown = 6",
            "42703",
            "ALTER TABLE gis.tree RENAME COLUMN uid_away TO uid",
        ),
        (
            "DROP TRIGGER lizsync_capture_insert ON gis.tree; DROP TRIGGER lizsync_capture_update ON gis.tree; DROP TRIGGER lizsync_capture_delete ON gis.tree",
            "crown = 8",
            "55000",
            "SELECT audit.audit_table('gis.tree')",
        ),
    ];
    for (number, (demand, edit, code, mend)) in cases.into_iter().enumerate() {
        let number = number + 1;
        central.run(demand);
        clone.run(&format!(
            "UPDATE gis.tree SET {edit} WHERE id = {number}; INSERT INTO gis.species (name) VALUES ('{number}')"
        ));
        let outputs = synchronize(&central, &clone);
        assert_eq!(outputs["SET_ASIDE_CLONE"], 1, "{demand}: {outputs}");
        assert_eq!(outputs["APPLIED_TO_CENTRAL"], 1, "{demand}");
        let recorded = aside(&clone);
        assert!(
            recorded.len() == 1 && recorded[0].starts_with(&format!("clone|tree|U|{code}|")),
            "{demand}: {recorded:?}"
        );
        central.run(mend);
        settled(&central, &clone);
        assert_eq!(trees(&central), trees(&clone), "{demand}");
    }
}

#[test]
fn the_clone_refuses_as_well() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    let other = clone_of(&central, "other");
    clone.run("ALTER TABLE gis.tree ADD CONSTRAINT low CHECK (height < 1000)");
    central.run("UPDATE gis.tree SET height = 5000, code = 'high' WHERE id = 1; UPDATE gis.tree SET height = 3 WHERE id = 2");
    assert_eq!(synchronize(&central, &clone)["SET_ASIDE_CENTRAL"], 1);
    synchronize(&central, &other);
    assert_eq!(trees(&central), trees(&other), "other clones take it");
    // The clone goes on with that row; the edits of both sides meet when the obstacle is gone.
    clone.run("UPDATE gis.tree SET crown = 9 WHERE id = 1");
    central.run("UPDATE gis.tree SET height = 6000 WHERE id = 1");
    let outputs = synchronize(&central, &clone);
    assert_eq!(
        [
            &outputs["SET_ASIDE_CENTRAL"],
            &outputs["APPLIED_TO_CENTRAL"]
        ],
        [1, 1]
    );
    clone.run("ALTER TABLE gis.tree DROP CONSTRAINT low");
    settled(&central, &clone);
    settled(&central, &other);
    for database in [&clone, &other] {
        assert_eq!(trees(&central), trees(database));
    }
    assert_eq!(
        central.value("SELECT code, height, crown FROM gis.tree WHERE id = 1"),
        "high|6000|9"
    );
    assert_eq!(central.value("SELECT count(*) FROM lizsync.conflicts"), "0");
}

#[test]
fn edits_that_wait_take_part_in_conflicts() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    central.run("ALTER TABLE gis.tree ADD CONSTRAINT low CHECK (height < 1000)");
    clone.run("UPDATE gis.tree SET height = 5000, crown = 1 WHERE id <= 3");
    assert_eq!(synchronize(&central, &clone)["SET_ASIDE_CLONE"], 3);
    // The central edits one of these fields later, and deletes another row.
    central.run("UPDATE gis.tree SET crown = 2 WHERE id = 1; DELETE FROM gis.tree WHERE id = 2");
    let outputs = synchronize(&central, &clone);
    assert_eq!(outputs["CONFLICTS"], 2);
    assert_eq!(outputs["SET_ASIDE_CLONE"], 2, "{outputs}");
    central.run("ALTER TABLE gis.tree DROP CONSTRAINT low");
    settled(&central, &clone);
    assert_eq!(trees(&central), trees(&clone));
    assert_eq!(
        central.rows("SELECT id, height, crown FROM gis.tree WHERE id <= 3 ORDER BY id"),
        ["1|5000|2", "3|5000|1"]
    );
    assert_eq!(
        central.rows(
            "SELECT field, clone_value IS NOT NULL, rejected FROM lizsync.conflicts ORDER BY field"
        ),
        ["crown|t|clone", "∅|t|clone"]
    );
}

#[test]
fn a_parent_takes_its_children_along() {
    let central = prepared(
        "central",
        "CREATE SCHEMA gis;
         CREATE TABLE gis.site (code text PRIMARY KEY, label text UNIQUE);
         CREATE TABLE gis.plot (code text PRIMARY KEY, site text NOT NULL REFERENCES gis.site);
         CREATE TABLE gis.plant (code text PRIMARY KEY, plot text REFERENCES gis.plot DEFERRABLE INITIALLY DEFERRED,
            next_to text REFERENCES gis.plant);
         INSERT INTO gis.site VALUES ('A', 'a')",
    );
    let clone = clone_of(&central, "clone");
    central.run("INSERT INTO gis.site VALUES ('B', 'twice')");
    clone.run(
        "INSERT INTO gis.site VALUES ('C', 'twice'), ('D', 'd');
         INSERT INTO gis.plot SELECT 'C' || n, 'C' FROM generate_series(1, 300) AS n;
         INSERT INTO gis.plot SELECT 'D' || n, 'D' FROM generate_series(1, 300) AS n;
         INSERT INTO gis.plant SELECT code, code FROM gis.plot;
         INSERT INTO gis.plant VALUES ('last', NULL, 'C1'), ('free', NULL, 'D1')",
    );
    let outputs = synchronize(&central, &clone);
    assert_eq!(outputs["SET_ASIDE_CLONE"], 1 + 300 + 300 + 1, "{outputs}");
    assert_eq!(outputs["APPLIED_TO_CENTRAL"], 1 + 300 + 300 + 1);
    assert_eq!(outputs["SET_ASIDE_CENTRAL"], 1);
    assert_eq!(
        clone.rows("SELECT DISTINCT table_name, constraint_name FROM lizsync.set_aside WHERE owner = 'clone' ORDER BY 1, 2"),
        ["plant|plant_next_to_fkey", "plant|plant_plot_fkey", "plot|plot_site_fkey", "site|site_label_key"]
    );
    // They are found by a query, not one by one.
    assert_eq!(
        clone.rows("SELECT DISTINCT message FROM lizsync.set_aside WHERE table_name = 'plot'"),
        ["it refers to a row of gis.site that is not there (foreign key “plot_site_fkey”)."]
    );
    central.run("UPDATE gis.site SET label = 'other' WHERE code = 'B'");
    settled(&central, &clone);
    for table in ["site", "plot", "plant"] {
        let rows = format!("SELECT * FROM gis.{table} ORDER BY code");
        assert_eq!(central.rows(&rows), clone.rows(&rows));
    }
}

#[test]
fn a_child_under_a_parent_that_the_other_side_deleted() {
    for rule in [
        "",
        "ON DELETE CASCADE",
        "ON DELETE SET NULL",
        "DEFERRABLE INITIALLY DEFERRED",
    ] {
        let central = prepared(
            "central",
            &format!(
                "CREATE SCHEMA gis; CREATE TABLE gis.site (code text PRIMARY KEY, name text);
                 CREATE TABLE gis.plot (code text PRIMARY KEY, site text REFERENCES gis.site {rule});
                 INSERT INTO gis.site VALUES ('A'), ('B'), ('C')"
            ),
        );
        let clone = clone_of(&central, "clone");
        central.run(
            "DELETE FROM gis.site WHERE code = 'A'; INSERT INTO gis.plot VALUES ('central', 'B')",
        );
        clone.run("INSERT INTO gis.plot VALUES ('clone', 'A'), ('free', 'C'); DELETE FROM gis.site WHERE code = 'B'");
        let outputs = synchronize(&central, &clone);
        assert_eq!(
            [&outputs["SET_ASIDE_CENTRAL"], &outputs["SET_ASIDE_CLONE"]],
            [2, 2],
            "{rule}: {outputs}"
        );
        // Both children are where they were made, with their parents.
        let rows = "SELECT p.code, p.site, s.code IS NOT NULL FROM gis.plot AS p LEFT JOIN gis.site AS s ON s.code = p.site ORDER BY 1";
        assert_eq!(central.rows(rows), ["central|B|t", "free|C|t"], "{rule}");
        assert_eq!(clone.rows(rows), ["clone|A|t", "free|C|t"], "{rule}");
        assert_eq!(
            aside(&clone),
            [
                "central|plot|I|23503|plot_site_fkey",
                "central|site|D|23503|plot_site_fkey",
                "clone|plot|I|23503|plot_site_fkey",
                "clone|site|D|23503|plot_site_fkey"
            ],
            "{rule}"
        );
        // One child moves to another parent, the other one goes.
        clone.run("UPDATE gis.plot SET site = 'C' WHERE code = 'clone'");
        central.run("DELETE FROM gis.plot WHERE code = 'central'");
        settled(&central, &clone);
        for database in [&central, &clone] {
            assert_eq!(database.rows(rows), ["clone|C|t", "free|C|t"], "{rule}");
            assert_eq!(database.rows("SELECT code FROM gis.site"), ["C"], "{rule}");
        }
    }
}

#[test]
fn a_table_that_may_not_be_written_stops_no_other() {
    let surveyor = Role::new("surveyor");
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    // All rights but one.
    surveyor.grant("Synchronising", &central);
    let role = &surveyor.name;
    for (deny, allow) in [
        (
            format!("REVOKE INSERT ON gis.tree FROM {role}"),
            format!("GRANT INSERT ON gis.tree TO {role}"),
        ),
        (
            format!("REVOKE ALL ON gis.tree FROM {role}"),
            format!("GRANT ALL ON gis.tree TO {role}"),
        ),
        (
            "ALTER TABLE gis.tree ENABLE ROW LEVEL SECURITY".into(),
            "ALTER TABLE gis.tree DISABLE ROW LEVEL SECURITY".into(),
        ),
    ] {
        central.run(&deny);
        clone.run("UPDATE gis.tree SET crown = coalesce(crown, 0) + 1 WHERE id = 1; INSERT INTO gis.tree (height) VALUES (1), (2); INSERT INTO gis.species (name) VALUES ('s')");
        let outputs = surveyor.synchronize(&central, &clone);
        // Where only INSERT is missing, the update goes through.
        let updates = u64::from(deny.contains("INSERT"));
        assert_eq!(outputs["SET_ASIDE_CLONE"], 3 - updates, "{deny}: {outputs}");
        assert_eq!(outputs["APPLIED_TO_CENTRAL"], 1 + updates, "{deny}");
        assert!(
            aside(&clone).iter().all(|row| row.contains("|42501|")),
            "{deny}"
        );
        central.run(&allow);
        let outputs = surveyor.synchronize(&central, &clone);
        assert_eq!(outputs["SET_ASIDE"], 0);
        settled(&central, &clone);
        assert_eq!(trees(&central), trees(&clone), "{deny}");
    }
}

/// A code is given away before it is known that its row has to stay: then it stays with its code.
#[test]
fn a_row_that_cannot_be_deleted_keeps_its_code() {
    let central = prepared(
        "central",
        "CREATE SCHEMA gis;
         CREATE TABLE gis.site (name text PRIMARY KEY, code text UNIQUE NOT NULL);
         CREATE TABLE gis.plot (name text PRIMARY KEY, site text REFERENCES gis.site);
         INSERT INTO gis.site VALUES ('old', 'A')",
    );
    let clone = clone_of(&central, "clone");
    central.run("INSERT INTO gis.plot VALUES ('p', 'old')");
    clone.run("DELETE FROM gis.site; INSERT INTO gis.site VALUES ('new', 'A')");
    synchronize(&central, &clone);
    assert_eq!(central.rows("SELECT name, code FROM gis.site"), ["old|A"]);
    assert_eq!(
        aside(&clone),
        [
            "central|plot|I|23503|plot_site_fkey",
            "clone|site|D|23503|plot_site_fkey",
            "clone|site|I|23505|site_code_key"
        ]
    );
    central.run("DELETE FROM gis.plot");
    settled(&central, &clone);
    for database in [&central, &clone] {
        assert_eq!(database.rows("SELECT name, code FROM gis.site"), ["new|A"]);
    }
}

/// One row that is refused does not part those that need each other.
#[test]
fn codes_move_past_a_row_that_is_refused() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    central.run("ALTER TABLE gis.tree ADD CONSTRAINT low CHECK (height < 1000)");
    // Nine codes rotate, ten move on by one, and a row cannot be written.
    clone.run(
        "BEGIN; UPDATE gis.tree SET code = 'x' || height WHERE height < 20;
         UPDATE gis.tree SET code = 'T' || CASE WHEN height < 10 THEN height % 9 + 1 WHEN height = 10 THEN 0 ELSE height - 1 END WHERE height < 20;
         UPDATE gis.tree SET height = 5000 WHERE code = 'T20'; COMMIT",
    );
    let outputs = synchronize(&central, &clone);
    assert_eq!(
        [&outputs["SET_ASIDE_CLONE"], &outputs["APPLIED_TO_CENTRAL"]],
        [1, 19],
        "{outputs}"
    );
    central.run("ALTER TABLE gis.tree DROP CONSTRAINT low");
    settled(&central, &clone);
    assert_eq!(trees(&central), trees(&clone));
}

/// Rows of one table that refer to each other are written in their order, whatever is refused beside them.
#[test]
fn a_chain_of_references_goes_past_a_row_that_is_refused() {
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TABLE gis.site (code text PRIMARY KEY, part_of text REFERENCES gis.site, height int)",
    );
    let clone = clone_of(&central, "clone");
    central.run("ALTER TABLE gis.site ADD CONSTRAINT low CHECK (height < 1000)");
    clone.run(
        "INSERT INTO gis.site SELECT n, nullif(n - 1, 0), n FROM generate_series(1, 30) AS n;
         INSERT INTO gis.site VALUES ('high', NULL, 5000)",
    );
    let outputs = synchronize(&central, &clone);
    assert_eq!(
        [&outputs["SET_ASIDE_CLONE"], &outputs["APPLIED_TO_CENTRAL"]],
        [1, 30],
        "{outputs}"
    );
}
