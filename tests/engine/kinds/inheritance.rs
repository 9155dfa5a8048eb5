//! Tables that inherit from each other: each is synchronised with the rows that are its own.

use serde_json::json;

use super::compare::{converge, pair, same};
use crate::support::{
    Database, aside, central, clone_of, messages, prepared, run, synchronize, variable,
};

/// A tree of tables, some of which come before their parents in the order of names; rows are there before it is prepared.
const TREE: &str = "CREATE SCHEMA gis;
    CREATE TABLE gis.plant (id serial PRIMARY KEY, code text UNIQUE, name text);
    CREATE TABLE gis.fern (leaves int, UNIQUE (code)) INHERITS (gis.plant);
    CREATE TABLE gis.tree (height int, PRIMARY KEY (id)) INHERITS (gis.plant);
    CREATE TABLE gis.ash (ill boolean) INHERITS (gis.tree);
    CREATE TABLE gis.odd () INHERITS (gis.fern, gis.tree);
    CREATE TABLE gis.note (plant text REFERENCES gis.plant (code), said text);
    CREATE TABLE gis.memo () INHERITS (gis.note);
    INSERT INTO gis.plant (code) VALUES ('p1'), ('p2'), ('p3'); INSERT INTO gis.fern (code, leaves) VALUES ('f1', 1), ('f2', 2), ('p1', 3);
    INSERT INTO gis.tree (code, height) VALUES ('t1', 1), ('t2', 2); INSERT INTO gis.ash (code, ill) VALUES ('a1', true), ('a2', false);
    INSERT INTO gis.odd (code) VALUES ('o1');";

const TABLES: [&str; 7] = ["ash", "fern", "memo", "note", "odd", "plant", "tree"];

/// The rows of each table that are its own.
fn own(database: &Database) -> Vec<String> {
    TABLES
        .iter()
        .flat_map(|table| {
            database.rows(&format!(
                "SELECT '{table}', to_jsonb(t) - 'id' FROM ONLY gis.{table} AS t ORDER BY t.uid"
            ))
        })
        .collect()
}

fn both(central: &Database, clone: &Database) -> [u64; 5] {
    let counted = converge(central, clone);
    assert_eq!(own(central), own(clone));
    counted
}

#[test]
fn each_row_gets_a_uid_and_each_table_what_it_needs() {
    let database = prepared("inherits", TREE);
    assert_eq!(
        database.value("SELECT count(uid) = count(DISTINCT uid) AND count(*) = count(uid) AND count(*) = 11 FROM gis.plant"),
        "t"
    );
    let unique = "SELECT count(*) FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attname = 'uid' AND i.indkey[0] = a.attnum
        WHERE i.indisunique AND i.indrelid::regclass::text LIKE 'gis.%'";
    assert_eq!(database.value(unique), "7");
    let said = messages(
        "initialize_central_database",
        json!({"CONNECTION_NAME_CENTRAL": database.conninfo()}),
    )
    .join("\n");
    assert!(
        !said.contains("added") && said.contains("7 tables"),
        "{said}"
    );
}

#[test]
fn edits_through_the_parent_and_of_the_tables_themselves_travel() {
    let (central, clone) = pair("trees", TREE);
    for (side, other, n) in [(&central, &clone, 1), (&clone, &central, 2)] {
        side.run(&format!("UPDATE gis.plant SET name = 'all {n}'; UPDATE gis.tree SET height = 7{n}; UPDATE ONLY gis.fern SET leaves = 9{n}"));
        // Each row once.
        let counted = both(&central, &clone);
        let rows = side.value("SELECT count(*) FROM gis.plant");
        assert_eq!((counted[0] + counted[1]).to_string(), rows);
        side.run("INSERT INTO gis.plant (code) VALUES ('p9'); INSERT INTO gis.ash (code) VALUES ('p9'); INSERT INTO gis.odd (code, leaves) VALUES ('p9', 1);
            DELETE FROM gis.plant WHERE code IN ('p2', 'f2', 'a2')");
        both(&central, &clone);
        assert_eq!(
            other.value("SELECT count(*) FROM gis.plant WHERE code = 'p9'"),
            "3"
        );
        // TRUNCATE takes the tables below with it.
        side.run("TRUNCATE gis.tree; TRUNCATE ONLY gis.plant CASCADE");
        both(&central, &clone);
        assert_eq!(other.value("SELECT count(*) FROM gis.tree"), "0");
        assert_eq!(
            other.rows("SELECT DISTINCT tableoid::regclass FROM gis.plant"),
            ["gis.fern"]
        );
        side.run("INSERT INTO gis.tree (code) VALUES ('t1'); INSERT INTO gis.ash (code) VALUES ('a2'); INSERT INTO gis.odd (code) VALUES ('o1');
            INSERT INTO gis.plant (code) VALUES ('p2'), ('p3'), ('p4'), ('p5'); INSERT INTO gis.fern (code) VALUES ('f2'); UPDATE gis.plant SET name = NULL;
            DELETE FROM gis.plant WHERE code = 'p9'; INSERT INTO gis.tree (code) VALUES ('x1'), ('x2')");
        both(&central, &clone);
    }
    assert_eq!(central.value("SELECT count(*) FROM lizsync.conflicts"), "0");
}

#[test]
fn fields_of_one_row_meet_from_both_sides() {
    let (central, clone) = pair("meet", TREE);
    central.run("UPDATE gis.plant SET name = 'central'");
    clone.run("UPDATE gis.tree SET height = 5; UPDATE gis.plant SET name = 'clone' WHERE code IN ('f1', 'a1')");
    assert_eq!(both(&central, &clone)[2], 2);
    assert_eq!(
        central.rows("SELECT code, name, height FROM gis.tree ORDER BY 1"),
        [
            "a1|clone|5",
            "a2|central|5",
            "o1|central|5",
            "t1|central|5",
            "t2|central|5"
        ]
    );
    assert_eq!(
        central.rows(
            "SELECT object_table, field, rejected FROM lizsync.conflicts ORDER BY object_table"
        ),
        ["gis.ash|name|central", "gis.fern|name|central"]
    );
}

#[test]
fn a_row_that_moves_to_another_table_keeps_its_uid() {
    let (central, clone) = pair("moves", TREE);
    let moved = |from: &str, to: &str, code: &str| {
        format!(
            "WITH gone AS (DELETE FROM ONLY gis.{from} WHERE code = '{code}' RETURNING *)
             INSERT INTO gis.{to} (code, name, uid) SELECT code, 'moved', uid FROM gone;"
        )
    };
    central.run(&(moved("plant", "fern", "p2") + &moved("ash", "plant", "a1")));
    clone.run(&(moved("fern", "ash", "f1") + &moved("plant", "odd", "p3")));
    both(&central, &clone);
    assert_eq!(
        central
            .rows("SELECT code, tableoid::regclass FROM gis.plant WHERE name = 'moved' ORDER BY 1"),
        ["a1|gis.plant", "f1|gis.ash", "p2|gis.fern", "p3|gis.odd"]
    );
    // And back, with an edit of the other side meanwhile.
    central.run(&moved("fern", "plant", "p2"));
    clone.run("UPDATE gis.plant SET name = 'edited' WHERE code = 'p2'");
    both(&central, &clone);
    assert!(aside(&central).is_empty() && aside(&clone).is_empty());
}

/// Keys are those of one table: rows of the others have the same values, and refer to what a key does not look at.
#[test]
fn unique_values_and_references_are_those_of_one_table() {
    let (central, clone) = pair("codes", TREE);
    central.run("INSERT INTO gis.note VALUES ('p1', 'kept'), ('p2', 'moves'); INSERT INTO gis.memo VALUES ('p3', 'no key'), ('nothing', 'at all')");
    both(&central, &clone);
    // The deletion is held by nothing: memos have no key. The swap of codes finds the same codes in other tables.
    clone.run("DELETE FROM ONLY gis.plant WHERE code = 'p3'; INSERT INTO gis.fern (code) VALUES ('p2'), ('p3');
        UPDATE gis.note SET plant = NULL WHERE plant = 'p2';
        UPDATE ONLY gis.plant SET code = 'x' WHERE code = 'p2'; UPDATE ONLY gis.fern SET code = 'swap' WHERE code = 'f1';
        UPDATE ONLY gis.fern SET code = 'f1' WHERE code = 'f2'; UPDATE ONLY gis.fern SET code = 'f2' WHERE code = 'swap'");
    central.run("INSERT INTO gis.plant (code) VALUES ('f1'), ('f2'); INSERT INTO gis.odd (code) VALUES ('f1'), ('f1')");
    both(&central, &clone);
    assert!(aside(&central).is_empty() && aside(&clone).is_empty());
    assert_eq!(
        central.value("SELECT count(*) FROM gis.plant WHERE code = 'f1'"),
        "4"
    );
}

/// Statements of triggers are logged before the one that fires them.
#[test]
fn triggers_that_change_the_row_again() {
    let (central, clone) = pair("nested", TREE);
    clone.run("CREATE FUNCTION gis.again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            UPDATE gis.plant SET name = coalesce(name, '') || '!' WHERE uid = NEW.uid AND NEW.name = 'go'; RETURN NULL; END $$;
        CREATE TRIGGER again AFTER INSERT OR UPDATE ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.again();
        CREATE TRIGGER again AFTER INSERT OR UPDATE ON gis.ash FOR EACH ROW EXECUTE FUNCTION gis.again();
        UPDATE gis.plant SET name = 'go'; INSERT INTO gis.ash (code, name) VALUES ('a7', 'go'); UPDATE gis.plant SET name = 'went' WHERE code = 't2'");
    both(&central, &clone);
    assert_eq!(
        central.rows("SELECT code, name FROM gis.tree ORDER BY 1"),
        ["a1|go!", "a2|go!", "a7|go!", "o1|go", "t1|go!", "t2|went"]
    );
}

/// The row is moved before the statement that wanted it changed is logged.
#[test]
fn triggers_that_move_the_row() {
    let (central, clone) = pair("movers", TREE);
    clone.run("CREATE FUNCTION gis.move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            WITH gone AS (DELETE FROM ONLY gis.plant WHERE uid = NEW.uid RETURNING *)
            INSERT INTO gis.fern (code, name, leaves, uid) SELECT code, name, 5, uid FROM gone; RETURN NULL; END $$;
        CREATE TRIGGER move AFTER UPDATE ON gis.plant FOR EACH ROW WHEN (NEW.name = 'fern') EXECUTE FUNCTION gis.move();
        UPDATE gis.plant SET name = 'fern' WHERE code IN ('p2', 't1')");
    both(&central, &clone);
    // And by a function that the statement calls.
    clone.run("CREATE FUNCTION gis.put(c text, u uuid) RETURNS void LANGUAGE sql AS $$ INSERT INTO gis.fern (code, name, uid) VALUES (c, 'fern', u) $$;
        DELETE FROM ONLY gis.plant WHERE code = 'p3' RETURNING gis.put(code, uid)");
    both(&central, &clone);
    assert_eq!(
        central
            .rows("SELECT code, tableoid::regclass FROM gis.plant WHERE name = 'fern' ORDER BY 1"),
        ["p2|gis.fern", "p3|gis.fern", "t1|gis.tree"]
    );
    assert!(aside(&central).is_empty() && aside(&clone).is_empty());
}

#[test]
fn a_table_that_becomes_a_parent_is_prepared_once_more() {
    let (central, clone) = pair(
        "becomes",
        "CREATE SCHEMA gis; CREATE TABLE gis.plant (code text)",
    );
    let prepare = || {
        let parameters = json!({"CONNECTION_NAME_CENTRAL": central.conninfo()});
        run("initialize_central_database", parameters).unwrap();
    };
    let child = "CREATE TABLE gis.ash (ill boolean) INHERITS (gis.plant)";
    central.run(child);
    prepare();
    clone.run(&format!(
        "{child}; ALTER TABLE gis.ash ADD UNIQUE (uid); SELECT audit.audit_table('gis.ash'), audit.audit_table('gis.plant')"
    ));
    central.run("INSERT INTO gis.ash VALUES ('a'); INSERT INTO gis.plant VALUES ('p')");
    clone.run("INSERT INTO gis.ash VALUES ('b'); INSERT INTO gis.plant VALUES ('q')");
    converge(&central, &clone);
    clone.run("UPDATE gis.plant SET code = code || '!'");
    converge(&central, &clone);
    assert_eq!(
        central.rows("SELECT code, tableoid::regclass FROM gis.plant ORDER BY 1"),
        ["a!|gis.ash", "b!|gis.ash", "p!|gis.plant", "q!|gis.plant"]
    );
    // And is none any more.
    for database in [&central, &clone] {
        database.run("ALTER TABLE gis.ash NO INHERIT gis.plant");
    }
    let quiet = || {
        let both = json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()});
        let said = messages("synchronize_database", both).join("\n");
        assert!(!said.contains("Not all edits"), "{said}");
    };
    quiet();
    clone.run("UPDATE gis.ash SET ill = true");
    central.run("DELETE FROM gis.plant");
    converge(&central, &clone);
    // A temporary table of somebody changes nothing for the others.
    let mut somebody = central.connect();
    somebody
        .batch_execute("CREATE TEMPORARY TABLE mine () INHERITS (gis.plant)")
        .unwrap();
    quiet();
    central.run("SELECT audit.audit_table('gis.plant')");
    quiet();
    assert_eq!(
        central.value("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'gis.plant'::regclass AND tgname = 'lizsync_capture_insert'"),
        "1"
    );
}

/// A deleted row is put back, and into another table.
#[test]
fn triggers_that_keep_and_archive_deleted_rows() {
    for kind in ["INHERITS (gis.plant)", "PARTITION BY LIST (name)"] {
        let partitioned = kind.starts_with("PARTITION");
        let (of, parts) = match partitioned {
            false => ("", ""),
            true => (
                kind,
                "CREATE TABLE gis.plant_1 PARTITION OF gis.plant DEFAULT; CREATE TABLE gis.archive_1 PARTITION OF gis.archive DEFAULT;",
            ),
        };
        let columns = match partitioned {
            false => "",
            true => "name text, gone boolean",
        };
        let (central, clone) = pair(
            "archive",
            &format!(
                "CREATE SCHEMA gis; CREATE TABLE gis.plant (name text, gone boolean) {of}; CREATE TABLE gis.archive ({columns}) {kind}; {parts}
                 INSERT INTO gis.plant VALUES ('a'), ('b');
                 CREATE FUNCTION gis.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     IF OLD.gone IS NULL THEN OLD.gone = true; INSERT INTO gis.plant VALUES (OLD.*); END IF; RETURN NULL; END $$;
                 CREATE FUNCTION gis.archive() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO gis.archive VALUES (OLD.*); RETURN NULL; END $$"
            ),
        );
        for database in [&central, &clone] {
            database.run("CREATE TRIGGER a_keep AFTER DELETE ON gis.plant FOR EACH ROW EXECUTE FUNCTION gis.keep();
                CREATE TRIGGER z_archive AFTER DELETE ON gis.plant FOR EACH ROW EXECUTE FUNCTION gis.archive()");
        }
        let only = if partitioned { "" } else { "ONLY" };
        for (side, other, name) in [(&central, &clone, "a"), (&clone, &central, "b")] {
            side.run(&format!(
                "DELETE FROM {only} gis.plant WHERE name = '{name}'"
            ));
            synchronize(&central, &clone);
            for table in ["plant", "archive"] {
                let rows = format!("SELECT name, gone, uid FROM {only} gis.{table} ORDER BY 1");
                assert_eq!(other.rows(&rows), side.rows(&rows), "{kind} {table}");
                let count =
                    format!("SELECT count(*) FROM {only} gis.{table} WHERE name = '{name}'");
                assert_eq!(other.value(&count), "1", "{kind} {table}");
            }
        }
    }
}

#[test]
fn a_parent_of_a_foreign_table_gets_no_uid() {
    let database = central(
        "far",
        "CREATE SCHEMA gis; CREATE TABLE gis.plant (code text); CREATE TABLE gis.fern () INHERITS (gis.plant); CREATE TABLE gis.moss (code text);
         CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
         CREATE FOREIGN TABLE gis.far () INHERITS (gis.fern) SERVER files OPTIONS (filename '/dev/null')",
    );
    let prepare = json!({"CONNECTION_NAME_CENTRAL": database.conninfo()});
    let said = messages("initialize_central_database", prepare.clone()).join("\n");
    for table in ["plant", "fern"] {
        let why =
            format!("gis.{table}: left out, because the foreign table gis.far inherits from it");
        assert!(said.contains(&why), "{said}");
    }
    assert_eq!(database.value("SELECT count(*) FROM gis.plant"), "0");
    let folder = tempfile::tempdir().unwrap();
    let packaging = json!({"CONNECTION_NAME_CENTRAL": database.conninfo(), "SCHEMAS": "gis",
        "POSTGRESQL_BINARY_PATH": variable("LIZSYNC_TEST_BIN"), "ZIP_FILE": folder.path().join("p.zip")});
    let said = messages("package_master_database", packaging).join("\n");
    assert!(
        said.contains("gis.plant, from which the foreign table gis.far inherits, has no uid"),
        "{said}"
    );
    database.run("DROP FOREIGN TABLE gis.far");
    let said = messages("initialize_central_database", prepare).join("\n");
    assert!(said.contains("gis.plant: uid added"), "{said}");
}

#[test]
fn packages_bring_them_with_their_rows_and_their_capture() {
    let database = prepared("packed", TREE);
    database.run("INSERT INTO gis.memo VALUES ('nothing', 'at all')");
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("p.zip");
    let packaging = |tables: &str| {
        json!({"CONNECTION_NAME_CENTRAL": database.conninfo(), "SCHEMAS": "gis", "TABLES": tables,
            "POSTGRESQL_BINARY_PATH": variable("LIZSYNC_TEST_BIN"), "ZIP_FILE": zip})
    };
    // A table needs its parents.
    let error = run("package_master_database", packaging("gis.ash, gis.tree")).unwrap_err();
    assert!(
        error.sentence().contains("gis.plant"),
        "{}",
        error.sentence()
    );
    for tables in ["", "gis.plant, gis.tree, gis.ash"] {
        run("package_master_database", packaging(tables)).unwrap();
        let clone = Database::new("packed_clone");
        let deployment = json!({"CONNECTION_NAME_CENTRAL": database.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo(), "ZIP_FILE": zip});
        run("deploy_database_server_package", deployment).unwrap();
        clone.run("UPDATE gis.plant SET name = 'clone'; DELETE FROM ONLY gis.tree");
        synchronize(&database, &clone);
        assert_eq!(database.value("SELECT count(*) FROM ONLY gis.tree"), "0");
        let rows =
            "SELECT code, name FROM gis.tree WHERE tableoid = 'gis.ash'::regclass ORDER BY 1";
        assert_eq!(database.rows(rows), ["a1|clone", "a2|clone"]);
        if tables.is_empty() {
            same(&database, &clone);
            assert_eq!(own(&database), own(&clone));
        }
        database
            .run("UPDATE gis.plant SET name = 'central'; INSERT INTO gis.tree (code) VALUES ('t')");
        synchronize(&database, &clone);
        assert_eq!(clone.rows(rows), database.rows(rows));
    }
}

#[test]
fn the_columns_of_a_child_may_have_been_there_before() {
    let database = central(
        "before",
        "CREATE SCHEMA gis; CREATE TABLE gis.plant (code text); CREATE TABLE gis.ash (uid uuid) INHERITS (gis.plant);
         INSERT INTO gis.ash VALUES ('a'), ('b')",
    );
    run(
        "initialize_central_database",
        json!({"CONNECTION_NAME_CENTRAL": database.conninfo()}),
    )
    .unwrap();
    let clone = clone_of(&database, "before_clone");
    database.run("UPDATE gis.plant SET code = code || '!'; INSERT INTO gis.plant VALUES ('c')");
    converge(&database, &clone);
    assert_eq!(
        clone.rows("SELECT code FROM gis.plant ORDER BY 1"),
        ["a!", "b!", "c"]
    );
}
