//! What people call themselves, and what of theirs stays.

use serde_json::json;

use super::fixture::{former, uid};
use super::{UPGRADE, upgrade};
use crate::support::{Database, prepared, refused};
use lizsync::error::Kind;

#[test]
fn functions_that_people_call_go_on_working() {
    let fresh = prepared(
        "calls",
        "CREATE SCHEMA gis; CREATE TABLE gis.a (id int PRIMARY KEY, x text); CREATE TABLE gis.b (id int PRIMARY KEY, x text)",
    );
    let old = former("0.7.2").central("calls_old", None);
    upgrade(&old, None);
    old.run("CREATE TABLE gis.a (id int PRIMARY KEY, x text, uid uuid NOT NULL UNIQUE); CREATE TABLE gis.b (LIKE gis.a)");
    for database in [&fresh, &old] {
        for call in [
            "'gis.a'",
            "'gis.a', true, false",
            "'gis.a', true, true, '{x}'::text[]",
            "target => 'gis.a'",
        ] {
            database.run(&format!("SELECT audit.audit_table({call})"));
        }
        database.run(&format!(
            "INSERT INTO gis.a VALUES (1, 'same', '{0}'), (2, 'here', '{1}'), (3, 'only', '{2}');
             INSERT INTO gis.b VALUES (1, 'same', '{0}'), (2, 'there', '{1}'), (4, NULL, '{3}')",
            uid('A'),
            uid('B'),
            uid('C'),
            uid('D')
        ));
        assert_eq!(
            database.value("SELECT count(*) FROM audit.logged_actions WHERE table_name = 'a'"),
            "3"
        );
        assert_eq!(
            database.rows("SELECT status, table_a_values -> 'x', table_b_values -> 'x' FROM lizsync.compare_tables('gis.a'::regclass, 'gis.b'::regclass)"),
            ["different|here|there", "only in a|only|∅", "only in b|∅|∅"]
        );
        database.run("CREATE SCHEMA central_gis; CREATE VIEW central_gis.a AS SELECT * FROM gis.b");
        assert_eq!(
            database.value("SELECT count(*) FROM lizsync.compare_tables('gis', 'a')"),
            "3"
        );
        let error = database
            .connect()
            .batch_execute("SELECT * FROM lizsync.compare_tables('gis', 'b')")
            .unwrap_err();
        assert!(
            error
                .as_db_error()
                .unwrap()
                .message()
                .contains("central_gis.b"),
            "{error:?}"
        );
    }
}

#[test]
fn objects_and_grants_of_users_stay() {
    for version in ["0.4.5", "0.7.2"] {
        let former = former(version);
        let old = former.central("kept", None);
        let role = crate::support::role::Role::new("reader");
        let log = former.log;
        old.run(&format!(
            "CREATE VIEW {log}.report AS SELECT table_name, count(*) FROM {log}.logged_actions GROUP BY 1;
             CREATE TABLE lizsync.notes (id serial PRIMARY KEY, note text); INSERT INTO lizsync.notes (note) VALUES ('mine');
             CREATE FUNCTION lizsync.mine() RETURNS int LANGUAGE sql AS 'SELECT 1';
             CREATE INDEX my_index ON {log}.logged_actions (session_user_name);
             ALTER TABLE lizsync.history ADD COLUMN my_column text DEFAULT 'x';
             GRANT USAGE ON SCHEMA {log}, lizsync TO {role}; GRANT SELECT ON {log}.logged_actions, lizsync.history TO {role};
             CREATE VIEW lizsync.runs_of AS SELECT sync_id, max_event_id FROM lizsync.history WHERE sync_type = 'full';
             CREATE VIEW gis.above AS SELECT max(max_event_id) AS last FROM lizsync.runs_of;
             COMMENT ON VIEW lizsync.runs_of IS 'mine'; GRANT SELECT ON lizsync.runs_of TO {role};
             GRANT USAGE ON SCHEMA gis TO {role}; GRANT SELECT, UPDATE ON gis.tree TO {role};
             INSERT INTO gis.tree (name) VALUES ('x')",
            role = role.name
        ));
        let said = upgrade(&old, None).join("\n");
        for what in [
            "report",
            "lizsync.notes",
            "lizsync.mine",
            "my_index",
            "my_column",
        ] {
            assert!(said.contains(what), "{version} {what}: {said}");
        }
        assert!(!said.contains("notes_id_seq"), "{said}");
        let schema = if version == "0.4.5" {
            "audit"
        } else {
            "lizsync"
        };
        assert_eq!(
            old.value(&format!(
                "SELECT count FROM {schema}.report WHERE table_name = 'tree'"
            )),
            "1"
        );
        assert_eq!(old.value("SELECT note FROM lizsync.notes"), "mine");
        assert_eq!(old.value("SELECT lizsync.mine()"), "1");
        assert_eq!(
            old.value("SELECT obj_description('lizsync.runs_of'::regclass)"),
            "mine"
        );
        old.run("INSERT INTO lizsync.history (sync_id, sync_type, max_event_id) VALUES (md5('x')::uuid, 'full', 5000000000)");
        assert_eq!(old.value("SELECT last FROM gis.above"), "5000000000");
        role.run(&old, "SELECT count(*) FROM audit.logged_actions; SELECT * FROM lizsync.history; SELECT * FROM lizsync.runs_of; UPDATE gis.tree SET name = 'y'");
        assert_eq!(
            old.value(
                "SELECT count(*) FROM audit.logged_actions WHERE NOT former AND action = 'U'"
            ),
            "1"
        );
        old.run(&format!("DROP OWNED BY {}", role.name));
    }
}

#[test]
fn views_that_could_not_be_made_again_as_they_are_stop_the_upgrade() {
    let old = former("0.4.5").central("view_parts", None);
    old.run("CREATE VIEW lizsync.runs_of AS SELECT sync_id, max_event_id, sync_type FROM lizsync.history");
    let parameters = json!({"CONNECTION_NAME": old.conninfo(), "RUNIT": true});
    for (made, dropped) in [
        (
            "CREATE RULE mine AS ON DELETE TO lizsync.runs_of DO INSTEAD NOTHING",
            "DROP RULE mine ON lizsync.runs_of",
        ),
        (
            "ALTER VIEW lizsync.runs_of ALTER COLUMN sync_type SET DEFAULT 'mine'",
            "ALTER VIEW lizsync.runs_of ALTER COLUMN sync_type DROP DEFAULT",
        ),
        (
            "COMMENT ON COLUMN lizsync.runs_of.sync_type IS 'mine'",
            "COMMENT ON COLUMN lizsync.runs_of.sync_type IS NULL",
        ),
    ] {
        old.run(made);
        let said = refused(UPGRADE, parameters.clone(), Kind::State);
        assert!(said.contains("lizsync.runs_of"), "{made}: {said}");
        old.run(dropped);
    }
    upgrade(&old, None);
}

#[test]
fn what_depends_on_what_goes_is_told_and_nothing_changes() {
    let old = former("0.4.5").central("depends", None);
    old.run("CREATE VIEW gis.differences AS SELECT * FROM lizsync.compare_tables('a', 'b')");
    let parameters = json!({"CONNECTION_NAME": old.conninfo(), "RUNIT": true});
    let said = refused(UPGRADE, parameters, Kind::State);
    assert!(said.contains("lizsync.compare_tables"), "{said}");
    let one = former("0.4.5").clone(
        &former("0.4.5").central("depends_two", None),
        "depends_one",
        None,
    );
    one.run("CREATE VIEW gis.theirs AS SELECT * FROM central_gis.tree");
    let parameters = json!({"CONNECTION_NAME": one.conninfo(), "RUNIT": true});
    let said = refused(UPGRADE, parameters, Kind::State);
    assert!(said.contains("gis.theirs"), "{said}");
    assert_eq!(one.value("SELECT count(*) FROM pg_foreign_server"), "1");
}

#[test]
fn the_former_plugin_does_not_synchronise_with_an_upgraded_central() {
    let former = former("0.4.5");
    let central = former.central("fdw", None);
    let clone = former.clone(&central, "fdw_one", None);
    upgrade(&central, None);
    let said = refused(
        "synchronize_database",
        json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()}),
        Kind::State,
    );
    assert!(
        said.contains("0.4.5 of the former plugin") && said.contains("Upgrade LizSync tools"),
        "{said}"
    );
    // As a foreign table reaches it.
    let foreign = format!("{} application_name=postgres_fdw", central.conninfo());
    let mut foreign = postgres::Client::connect(&foreign, postgres::NoTls).unwrap();
    let error = foreign
        .batch_execute(
            "INSERT INTO lizsync.history (sync_id, sync_type) VALUES (md5('x')::uuid, 'partial')",
        )
        .unwrap_err();
    assert!(
        error
            .as_db_error()
            .unwrap()
            .message()
            .contains("was upgraded"),
        "{error:?}"
    );
    drop(foreign);
    // And a clone that was upgraded before its central.
    let other = former.central("fdw_other", None);
    let first = former.clone(&other, "fdw_first", None);
    upgrade(&first, None);
    let said = refused(
        "synchronize_database",
        json!({"CONNECTION_NAME_CENTRAL": other.conninfo(), "CONNECTION_NAME_CLONE": first.conninfo()}),
        Kind::State,
    );
    assert!(said.contains("of the former plugin"), "{said}");
    upgrade(&other, None);
    super::synchronize(&other, &first, None);
}

#[test]
fn a_schema_audit_of_somebody_else() {
    let former = former("0.7.2");
    let old = former.central("other_audit", None);
    let role = crate::support::role::Role::new("reader");
    // Who watches for variables that hide others is no hindrance.
    old.run(&format!(
        "CREATE SCHEMA audit; CREATE TABLE audit.report (x int); COMMENT ON SCHEMA audit IS 'ours';
         GRANT USAGE ON SCHEMA lizsync TO {}; GRANT SELECT ON lizsync.logged_actions TO {0};
         ALTER DATABASE \"{}\" SET plpgsql.extra_errors = 'all'",
        role.name, old.name
    ));
    let said = upgrade(&old, None).join("\n");
    assert!(said.contains("audit.report"), "{said}");
    assert_eq!(
        old.value("SELECT obj_description('audit'::regnamespace)"),
        "ours"
    );
    role.run(&old, "SELECT count(*) FROM audit.logged_actions");
    old.run(&format!("DROP OWNED BY {}", role.name));

    let old: Database = former.central("taken_audit", None);
    // An audit trigger of another origin, with the names that are common.
    old.run(
        "CREATE SCHEMA audit;
         CREATE TABLE audit.logged_actions (event_id bigserial PRIMARY KEY, table_name text NOT NULL, action text NOT NULL, row_data public.hstore);
         CREATE FUNCTION audit.if_modified_func() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $body$
         BEGIN
             INSERT INTO audit.logged_actions (table_name, action, row_data) VALUES (TG_TABLE_NAME, left(TG_OP, 1), hstore(coalesce(NEW, OLD)));
             RETURN NULL;
         END $body$;
         CREATE FUNCTION audit.audit_table(target regclass) RETURNS void LANGUAGE plpgsql AS $body$
         BEGIN
             EXECUTE 'CREATE TRIGGER audit_trigger_row AFTER INSERT OR UPDATE OR DELETE ON ' || target || ' FOR EACH ROW EXECUTE PROCEDURE audit.if_modified_func()';
         END $body$;
         CREATE VIEW audit.counts AS SELECT table_name, count(*) FROM audit.logged_actions GROUP BY 1;
         SELECT audit.audit_table('gis.tree'); INSERT INTO gis.tree (name) VALUES ('before')",
    );
    let said = refused(
        UPGRADE,
        json!({"CONNECTION_NAME": old.conninfo(), "RUNIT": true}),
        Kind::State,
    );
    assert!(said.contains("table logged_actions"), "{said}");
    assert_eq!(
        old.value("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'lizsync_audit%'"),
        "6"
    );
    old.run("INSERT INTO gis.tree (name) VALUES ('refused')");
    // The way out that docs/migrating.md gives.
    let document = include_str!("../../../docs/migrating.md");
    let (_, way_out) = document
        .split_once("```sql\nBEGIN;\nALTER SCHEMA audit")
        .unwrap();
    let (way_out, _) = way_out.split_once("```").unwrap();
    old.run(&format!("BEGIN; ALTER SCHEMA audit{way_out}"));
    old.run("INSERT INTO gis.tree (name) VALUES ('moved')");
    upgrade(&old, None);
    old.run("INSERT INTO gis.tree (name) VALUES ('upgraded'); SELECT audit_trigger.audit_table('gis.quiet'); INSERT INTO gis.quiet (code) VALUES ('new')");
    assert_eq!(
        old.rows("SELECT * FROM audit_trigger.counts ORDER BY 1"),
        ["quiet|1", "tree|4"]
    );
    assert_eq!(
        old.rows("SELECT former, count(*) FROM audit.logged_actions WHERE table_name = 'tree' GROUP BY 1 ORDER BY 1"),
        ["f|1", "t|3"]
    );
}
