//! What owners and editors of tables can make of the capture: columns with any name, a uid of another
//! type, tables that get other names.
#![allow(missing_docs)]

use crate::support::role::Role;
use crate::support::{clone_of, prepared, synchronize};

/// Every variable, parameter and alias of the functions that read rows of users.
const NAMES: [&str; 49] = [
    "clk",
    "app",
    "addr",
    "port",
    "context",
    "depth",
    "deepest",
    "mark",
    "target",
    "names",
    "source",
    "old_row",
    "new_row",
    "old_uid",
    "new_uid",
    "kind",
    "leaf",
    "trig",
    "old",
    "new",
    "old_rows",
    "new_rows",
    "n",
    "o",
    "r",
    "l",
    "t",
    "s",
    "a",
    "e",
    "c",
    "p",
    "row",
    "pos",
    "made",
    "gone",
    "tg_op",
    "tg_relid",
    "tg_table_schema",
    "tg_table_name",
    "tg_name",
    "tg_argv",
    "tg_nargs",
    "action",
    "row_data",
    "changed_fields",
    "session_user",
    "found",
    "event_id",
];

#[test]
fn columns_may_have_the_names_of_variables() {
    let columns = NAMES
        .map(|name| format!("\"{name}\" text DEFAULT 'x'"))
        .join(", ");
    let central = prepared(
        "names",
        &format!(
            "CREATE SCHEMA gis; CREATE TABLE gis.net (id int PRIMARY KEY, up int REFERENCES gis.net ON UPDATE CASCADE, {columns});
             CREATE TABLE gis.part (LIKE gis.net INCLUDING DEFAULTS) PARTITION BY LIST (id);
             CREATE TABLE gis.part_1 PARTITION OF gis.part DEFAULT"
        ),
    );
    // Rows that a trigger changes once more, so that the log is settled.
    central.run(
        "CREATE FUNCTION gis.label() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN UPDATE gis.net SET port = 'again' WHERE uid = NEW.uid; RETURN NULL; END $$;
         CREATE TRIGGER label AFTER INSERT ON gis.net FOR EACH ROW EXECUTE FUNCTION gis.label()",
    );
    let clone = clone_of(&central, "clone");
    let sets = NAMES
        .map(|name| format!("\"{name}\" = '{name}'"))
        .join(", ");
    for table in ["net", "part"] {
        clone.run(&format!(
            "INSERT INTO gis.{table} (id) VALUES (1), (2), (3); UPDATE gis.{table} SET {sets} WHERE id < 3;
             UPDATE gis.{table} SET id = 9, up = 9 WHERE id = 1; DELETE FROM gis.{table} WHERE id = 3"
        ));
    }
    synchronize(&central, &clone);
    for table in ["net", "part"] {
        let rows = format!("SELECT hstore(q) FROM gis.{table} AS q ORDER BY id");
        assert_eq!(central.rows(&rows), clone.rows(&rows));
        assert_eq!(central.rows(&rows).len(), 2);
    }
    clone.run("TRUNCATE gis.net; TRUNCATE gis.part");
    synchronize(&central, &clone);
    assert_eq!(
        central.value("SELECT (SELECT count(*) FROM gis.net) + (SELECT count(*) FROM gis.part)"),
        "0"
    );
}

/// The functions run with the rights of who installed LizSync: nothing that the owner of a table made may
/// run in them.
#[test]
fn a_uid_of_another_type_lends_no_rights() {
    let role = Role::new("owner");
    let name = &role.name;
    let central = prepared(
        "uid",
        &format!(
            "CREATE SCHEMA gis AUTHORIZATION {name}; SET ROLE {name};
             CREATE TABLE gis.tree (id int, name text); CREATE TABLE gis.leaf (id int, name text);
             CREATE TABLE gis.part (id int, name text) PARTITION BY LIST (id); CREATE TABLE gis.part_1 PARTITION OF gis.part DEFAULT;
             CREATE TABLE gis.proof (who text); RESET ROLE"
        ),
    );
    central.run(&format!(
        "SELECT audit.unaudit_table('gis.proof'); DELETE FROM audit.logged_actions; SET SESSION AUTHORIZATION {name};
         CREATE TYPE gis.evil AS ENUM ('x', '00000000-0000-0000-0000-000000000001');
         CREATE FUNCTION gis.f(gis.evil) RETURNS uuid LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO gis.proof VALUES (current_user); RETURN md5('x')::uuid; END $$;
         CREATE FUNCTION gis.g(gis.evil) RETURNS text LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO gis.proof VALUES (current_user); RETURN md5('x'); END $$;
         CREATE CAST (gis.evil AS uuid) WITH FUNCTION gis.f(gis.evil) AS IMPLICIT;
         CREATE CAST (gis.evil AS text) WITH FUNCTION gis.g(gis.evil) AS IMPLICIT;
         INSERT INTO gis.tree VALUES (1); INSERT INTO gis.leaf VALUES (1)"
    ));
    for table in ["tree", "leaf", "part"] {
        central.run(&format!(
            "SET SESSION AUTHORIZATION {name}; ALTER TABLE gis.{table} DROP COLUMN uid;
             ALTER TABLE gis.{table} ADD uid gis.evil DEFAULT '00000000-0000-0000-0000-000000000001'"
        ));
    }
    // Rows without a uid that LizSync can use are logged one by one.
    central.run("SELECT audit.audit_table('gis.leaf')");
    for edit in [
        "INSERT INTO gis.tree VALUES (2)",
        "UPDATE gis.tree SET name = 'a'",
        "DELETE FROM gis.tree",
    ] {
        let mut client = central.connect();
        client
            .batch_execute(&format!("SET SESSION AUTHORIZATION {name}"))
            .unwrap();
        let error = client.batch_execute(edit).unwrap_err();
        let error = error.as_db_error().unwrap();
        assert_eq!(error.code().code(), "55000", "{error:?}");
        assert!(error.message().contains("gis.tree"), "{error:?}");
    }
    for table in ["leaf", "part"] {
        central.run(&format!(
            "SET SESSION AUTHORIZATION {name};
             CREATE OR REPLACE FUNCTION gis.again() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN UPDATE gis.{table} SET name = 'again' WHERE id = NEW.id; RETURN NULL; END $$;
             CREATE TRIGGER again AFTER INSERT ON gis.{table} FOR EACH ROW EXECUTE FUNCTION gis.again();
             INSERT INTO gis.{table} VALUES (2); UPDATE gis.{table} SET name = 'a'; DELETE FROM gis.{table} WHERE id = 2; TRUNCATE gis.{table}"
        ));
    }
    central.run("TRUNCATE gis.tree");
    assert_eq!(
        central.rows("SELECT who FROM gis.proof WHERE who = 'postgres'"),
        [""; 0]
    );
    drop(central);
}

/// A function beside that of hstore, which would be preferred for the rows of one table.
#[test]
fn no_function_of_an_owner_reads_the_rows() {
    let role = Role::new("owner");
    let name = &role.name;
    let central = prepared(
        "beside",
        &format!(
            "CREATE SCHEMA gis AUTHORIZATION {name}; GRANT CREATE ON SCHEMA public TO {name}; SET ROLE {name};
             CREATE TABLE gis.tree (id int); CREATE TABLE gis.part (id int) PARTITION BY LIST (id);
             CREATE TABLE gis.part_1 PARTITION OF gis.part DEFAULT; CREATE TABLE gis.proof (who text); RESET ROLE"
        ),
    );
    for table in ["tree", "part", "part_1"] {
        central.run(&format!(
            "SET SESSION AUTHORIZATION {name};
             CREATE FUNCTION public.hstore(gis.{table}) RETURNS public.hstore LANGUAGE plpgsql AS $$
                BEGIN INSERT INTO gis.proof VALUES (current_user); RETURN ''; END $$"
        ));
    }
    for table in ["tree", "part"] {
        central.run(&format!(
            "SET SESSION AUTHORIZATION {name}; INSERT INTO gis.{table} VALUES (1), (2); UPDATE gis.{table} SET id = 3 WHERE id = 1;
             DELETE FROM gis.{table} WHERE id = 2; TRUNCATE gis.{table}"
        ));
    }
    assert_eq!(central.rows("SELECT who FROM gis.proof"), [""; 0]);
    central.run(&format!("DROP OWNED BY {name} CASCADE"));
}

#[test]
fn a_partitioned_table_may_get_another_name() {
    let central = prepared(
        "renamed",
        "CREATE SCHEMA gis; CREATE SCHEMA other; CREATE TABLE gis.obs (k int, what text) PARTITION BY LIST (k);
         CREATE TABLE gis.obs_1 PARTITION OF gis.obs FOR VALUES IN (1); CREATE TABLE gis.obs_2 PARTITION OF gis.obs DEFAULT;
         INSERT INTO gis.obs VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    );
    let clone = clone_of(&central, "clone");
    for database in [&central, &clone] {
        database.run("ALTER TABLE gis.obs RENAME TO \"The \"\"obs\"; ALTER TABLE gis.\"The \"\"obs\" SET SCHEMA other");
    }
    clone.run("UPDATE other.\"The \"\"obs\" SET what = 'clone' WHERE k = 1; TRUNCATE gis.obs_2; INSERT INTO other.\"The \"\"obs\" VALUES (4, 'd')");
    central.run("UPDATE other.\"The \"\"obs\" SET what = 'central' WHERE k = 3; INSERT INTO other.\"The \"\"obs\" VALUES (5, 'e')");
    let outputs = synchronize(&central, &clone);
    assert_eq!(outputs["SET_ASIDE"], 0, "{outputs}");
    let rows = "SELECT k, what FROM other.\"The \"\"obs\" ORDER BY k";
    assert_eq!(central.rows(rows), ["1|clone", "4|d", "5|e"]);
    assert_eq!(clone.rows(rows), central.rows(rows));
    let logged = "SELECT count(*) FROM audit.logged_actions WHERE NOT (schema_name = 'other' AND table_name = 'The \"obs')";
    assert_eq!(clone.value(logged), "0");
}
