//! A clone that lies: what it sends was never edited there, or elsewhere, or at another time. docs/roles.md says what a
//! role may do; no clone brings its central to do more.
#![allow(missing_docs)]

use lizsync::error::Kind;
use serde_json::json;

use crate::support::role::Role;
use crate::support::{Database, aside, clone_of, prepared, refused, run, synchronize};

const TREES: &str = "CREATE SCHEMA gis; CREATE SCHEMA secret;
    CREATE TABLE gis.tree (code text PRIMARY KEY, height int, label text);
    CREATE TABLE gis.species (code text PRIMARY KEY, name text);
    CREATE TABLE secret.salary (who text PRIMARY KEY, amount int);
    INSERT INTO gis.tree VALUES ('a', 1), ('b', 2); INSERT INTO gis.species VALUES ('oak', 'Oak');
    INSERT INTO secret.salary VALUES ('boss', 1)";

/// Everything that the central holds besides its log.
fn held(central: &Database) -> Vec<String> {
    let mut rows = Vec::new();
    for (table, columns) in [
        ("gis.tree", "code, height, label"),
        ("gis.species", "code, name"),
        ("secret.salary", "who, amount"),
        ("lizsync.server_metadata", "server_id, server_name"),
        ("lizsync.synchronized_schemas", "server_id, sync_schemas"),
        ("pg_catalog.pg_authid", "rolname, rolsuper"),
    ] {
        let sql = format!("SELECT '{table}', {columns} FROM {table} ORDER BY 2, 3");
        // Roles of tests that run at the same time come and go.
        let others = |row: &String| {
            !row.contains("pg_authid") || row.ends_with("|t") || row.contains("attacker")
        };
        rows.extend(central.rows(&sql).into_iter().filter(others));
    }
    rows
}

fn id(database: &Database) -> String {
    database.value("SELECT server_id FROM lizsync.server_metadata")
}

#[test]
fn a_time_that_is_to_come_does_not_win_for_ever() {
    let role = Role::new("prophet");
    let central = prepared("central", TREES);
    let (clone, other) = (clone_of(&central, "clone"), clone_of(&central, "other"));
    role.grant("Synchronising", &central);
    clone.run(
        "UPDATE gis.tree SET height = 666, label = 'mine' WHERE code = 'a';
         UPDATE audit.logged_actions SET edit_time = '2999-01-01', action_tstamp_clk = '2999-01-01'",
    );
    role.synchronize(&central, &clone);
    // And by hand, for fields.
    let future =
        "extract(epoch FROM timestamptz '2999-01-01' - timestamptz '2000-01-01')::bigint * 1000000";
    role.run(
        &central,
        &format!(
            "UPDATE gis.tree SET height = 666 WHERE code = 'b';
             SELECT lizsync.log('gis', 'tree', 'gis.tree'::regclass, '{id}', '{id}', ARRAY[ROW('U', t.uid, NULL, 'height=>666,label=>x',
                 '2999-01-01', public.hstore(ARRAY['height', 'label'], ARRAY[({future})::text, '7']), 'me')]::lizsync.entry[]) FROM gis.tree AS t WHERE code = 'b'",
            id = id(&clone)
        ),
    );
    let late = "SELECT count(*) FROM audit.logged_actions AS l LEFT JOIN LATERAL each(l.field_times) AS f ON true
        WHERE l.edit_time > now() OR f.value::bigint > extract(epoch FROM now() - timestamptz '2000-01-01') * 1000000
           OR (l.sync_data ->> 'action_tstamp_tx')::timestamptz > now()";
    assert_eq!(central.value(late), "0");
    assert_eq!(
        central.rows("SELECT f.value FROM audit.logged_actions AS l, each(l.field_times) AS f WHERE f.key = 'label'"),
        ["7"],
        "a time of the past stays"
    );
    // The next edit is later, wherever it is made.
    central.run("UPDATE gis.tree SET height = 10 WHERE code = 'a'");
    synchronize(&central, &other);
    other.run("UPDATE gis.tree SET label = 'other' WHERE code = 'a'; UPDATE gis.tree SET height = 20 WHERE code = 'b'");
    clone.run("UPDATE gis.tree SET label = 'clone' WHERE code = 'b'");
    for database in [&other, &clone, &other, &clone] {
        synchronize(&central, database);
    }
    let rows = "SELECT code, height, label FROM gis.tree ORDER BY code";
    assert_eq!(central.rows(rows), ["a|10|other", "b|20|clone"]);
    for database in [&clone, &other] {
        assert_eq!(database.rows(rows), central.rows(rows));
    }
}

#[test]
fn a_table_that_the_role_may_not_write_stays_as_it_is() {
    let role = Role::new("trespasser");
    let central = prepared("central", TREES);
    let (clone, other) = (clone_of(&central, "clone"), clone_of(&central, "other"));
    role.grant("Synchronising", &central);
    central.run(&format!(
        "REVOKE INSERT, UPDATE, DELETE ON gis.species FROM {}",
        role.name
    ));
    clone.run(
        "UPDATE gis.species SET name = 'forged'; INSERT INTO gis.species VALUES ('elm', 'Elm'); UPDATE gis.tree SET height = 5 WHERE code = 'a'",
    );
    let outputs = role.synchronize(&central, &clone);
    assert_eq!(
        [&outputs["APPLIED_TO_CENTRAL"], &outputs["SET_ASIDE_CLONE"]],
        [1, 2],
        "{outputs}"
    );
    assert_eq!(
        central.rows("SELECT code, name FROM gis.species"),
        ["oak|Oak"]
    );
    assert_eq!(
        central.value("SELECT height FROM gis.tree WHERE code = 'a'"),
        "5"
    );
    assert_eq!(aside(&clone).len(), 2);
    assert_eq!(
        central
            .rows("SELECT DISTINCT table_name FROM audit.logged_actions WHERE origin IS NOT NULL"),
        ["tree"]
    );
    synchronize(&central, &other);
    assert_eq!(
        other.rows("SELECT code, name FROM gis.species"),
        ["oak|Oak"]
    );
}

/// Even where the role is a superuser, a run writes the schemas of this clone and nothing else, whatever tables,
/// columns, rows and origins its log names.
#[test]
fn a_log_of_lies_changes_nothing_but_the_tables_of_the_clone() {
    let central = prepared("central", TREES);
    let (clone, other) = (clone_of(&central, "clone"), clone_of(&central, "other"));
    clone.run("UPDATE lizsync.synchronized_schemas SET sync_schemas = '[\"gis\", \"secret\", \"lizsync\", \"audit\", \"pg_catalog\", \"public\"]'");
    central.run(&format!(
        "DELETE FROM lizsync.synchronized_schemas;
         INSERT INTO lizsync.synchronized_schemas VALUES ('{}', '[\"gis\"]'), ('{}', '[\"gis\"]')",
        id(&clone),
        id(&other)
    ));
    let before = held(&central);
    for (schema, table, fields) in [
        ("secret", "salary", "amount=>1000000"),
        ("lizsync", "server_metadata", "server_name=>mine"),
        ("lizsync", "synchronized_schemas", "sync_schemas=>[]"),
        ("lizsync", "received", "snapshot=>1:1:"),
        ("audit", "logged_actions", "action=>T"),
        ("pg_catalog", "pg_authid", "rolsuper=>t"),
        ("public", "proof", "x=>1"),
        ("gis", "tree\"; DROP TABLE gis.tree; --", "height=>1"),
        ("gis'; DROP TABLE gis.tree; --", "tree", "height=>1"),
        ("gis", "tree", "\"height = 1; DROP TABLE gis.tree; --\"=>1"),
        (
            "gis",
            "tree",
            "\"height\\\" = 1, label = (SELECT version()) --\"=>1",
        ),
        ("gis", "tree", "uid=>00000000-0000-0000-0000-000000000009"),
        (
            "gis",
            "tree",
            "\"height\"=>\"(SELECT amount FROM secret.salary)\"",
        ),
        ("gis", "tree", "ctid=>\"(0,1)\", tableoid=>1, xmin=>1"),
    ] {
        let actions: &[&str] = match schema {
            "gis" => &["I", "U"],
            _ => &["U"],
        };
        for action in actions {
            let forge = "INSERT INTO audit.logged_actions (schema_name, table_name, relid, action, uid, transaction_id, row_data, changed_fields,
                    session_user_name, action_tstamp_tx, action_tstamp_stm, action_tstamp_clk)
                SELECT $1::text, $2::text, 'gis.tree'::regclass, $3::text, md5(random()::text)::uuid, txid_current(), $4::text::hstore, $4::text::hstore,
                    'liar', now(), now(), now()";
            clone
                .connect()
                .execute(forge, &[&schema, &table, &action, &fields])
                .unwrap_or_else(|error| panic!("{error:?}: {table}"));
            // It may be refused, set aside or left out.
            let both = json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()});
            let outcome = run("synchronize_database", both);
            let internal = matches!(&outcome, Err(error) if error.kind() == Kind::Internal);
            assert!(!internal, "{table} {action} {fields}: {outcome:?}");
            assert_eq!(
                held(&central),
                before,
                "{table} {action} {fields}: {outcome:?}"
            );
            clone.run("DELETE FROM audit.logged_actions; DELETE FROM lizsync.set_aside");
        }
    }
    assert_eq!(
        central.value("SELECT count(*) FROM audit.logged_actions WHERE table_name <> 'tree'"),
        "0"
    );
    // A central that does not know the schemas of a clone believes it; LizSync's own are none all the same.
    central.run("DELETE FROM lizsync.synchronized_schemas");
    clone.run(
        "UPDATE lizsync.synchronized_schemas SET sync_schemas = '[\"gis\", \"lizsync\", \"audit\", \"pg_catalog\", \"public\"]';
         INSERT INTO audit.logged_actions (schema_name, table_name, relid, action, uid, transaction_id, changed_fields,
             action_tstamp_tx, action_tstamp_stm, action_tstamp_clk)
         SELECT 'lizsync', 'server_metadata', 'gis.tree'::regclass, 'U', server_id, txid_current(), 'server_name=>mine', now(), now(), now()
         FROM lizsync.server_metadata",
    );
    let both = json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()});
    let outcome = run("synchronize_database", both);
    let unregistered = |row: &String| !row.contains("synchronized_schemas");
    let now: Vec<String> = held(&central).into_iter().filter(unregistered).collect();
    let then: Vec<String> = before
        .iter()
        .filter(|row| unregistered(row))
        .cloned()
        .collect();
    assert_eq!(now, then, "{outcome:?}");
    clone.run("DELETE FROM audit.logged_actions; DELETE FROM lizsync.set_aside; UPDATE lizsync.synchronized_schemas SET sync_schemas = '[\"gis\"]'");
    // The others and the clone itself go on.
    other.run("UPDATE gis.tree SET height = 9 WHERE code = 'b'");
    synchronize(&central, &other);
    synchronize(&central, &clone);
    assert_eq!(
        clone.value("SELECT height FROM gis.tree WHERE code = 'b'"),
        "9"
    );
}

#[test]
fn origins_are_those_of_the_run() {
    let central = prepared("central", TREES);
    let (clone, victim) = (clone_of(&central, "clone"), clone_of(&central, "victim"));
    for origin in [
        id(&central),
        id(&victim),
        "00000000-0000-0000-0000-000000000009".into(),
    ] {
        clone.run(&format!(
            "UPDATE gis.tree SET height = height + 100; UPDATE audit.logged_actions SET origin = '{origin}', sync_id = '{origin}';
             UPDATE gis.tree SET label = '{origin}' WHERE code = 'a'"
        ));
        synchronize(&central, &clone);
        synchronize(&central, &victim);
    }
    assert_eq!(
        central.rows("SELECT DISTINCT origin FROM audit.logged_actions WHERE origin IS NOT NULL"),
        [id(&clone)]
    );
    // What claims to be the work of others is not sent, and the victim got what was sent.
    let rows = "SELECT code, height, label FROM gis.tree ORDER BY code";
    assert_eq!(
        central.rows(rows),
        ["a|1|00000000-0000-0000-0000-000000000009", "b|2|∅"]
    );
    assert_eq!(victim.rows(rows), central.rows(rows));
}

#[test]
fn a_clone_is_not_taken_for_another_one() {
    let role = Role::new("impostor");
    let central = prepared("central", TREES);
    let victim = clone_of(&central, "victim");
    let clone = clone_of(&central, "clone");
    role.grant("Synchronising", &central);
    for database in [&victim, &clone] {
        role.synchronize(&central, database);
    }
    victim.run("UPDATE gis.tree SET label = 'work' WHERE code = 'a'");
    clone.run("UPDATE gis.tree SET label = 'forged' WHERE code = 'b'");
    let mine = id(&clone);
    let before = central.rows("SELECT code, height, label FROM gis.tree ORDER BY code");
    let attempt = |sql: String| {
        let liar = clone.copy("liar");
        liar.run(&sql);
        refused(
            "synchronize_database",
            role.parameters(&central, &liar),
            Kind::State,
        )
    };
    // The id of the victim, which any clone may come to know; then its deployment as well, which the ledger tells.
    attempt(format!(
        "UPDATE lizsync.server_metadata SET server_id = '{}'",
        id(&victim)
    ));
    attempt(format!(
        "UPDATE lizsync.server_metadata SET server_id = '{}'; UPDATE lizsync.deployment SET deployment = '{}';
         UPDATE lizsync.received SET deployment = '{1}'",
        id(&victim),
        victim.value("SELECT deployment FROM lizsync.deployment")
    ));
    // That of the central itself.
    let own = format!(
        "UPDATE lizsync.server_metadata SET server_id = '{}'",
        id(&central)
    );
    let liar = clone.copy("liar");
    liar.run(&own);
    assert!(run("synchronize_database", role.parameters(&central, &liar)).is_err());
    assert_eq!(
        central.rows("SELECT code, height, label FROM gis.tree ORDER BY code"),
        before
    );
    // Both clones still synchronise, and nothing of them is lost.
    for database in [&victim, &clone, &victim] {
        role.synchronize(&central, database);
    }
    let rows = "SELECT code, label FROM gis.tree ORDER BY code";
    assert_eq!(central.rows(rows), ["a|work", "b|forged"]);
    assert_eq!(victim.rows(rows), central.rows(rows));
    assert_eq!(
        central.value(&format!(
            "SELECT count(*) FROM audit.logged_actions WHERE origin = '{mine}'"
        )),
        "1"
    );
}

/// A clone that lies about what it has received harms nobody but itself.
#[test]
fn false_ledgers_harm_only_the_clone() {
    let role = Role::new("liar");
    let central = prepared("central", TREES);
    let other = clone_of(&central, "other");
    role.grant("Synchronising", &central);
    let honest = clone_of(&central, "honest");
    for database in [&other, &honest] {
        role.synchronize(&central, database);
    }
    for (number, lie) in [
        "snapshot = '1:999999999999:'",
        "snapshot = '1:1:'",
        "system_identifier = 1",
        "timeline = 99",
        "highest_event = 999999999",
        "acknowledged = md5('x')::uuid, sync_id = md5('y')::uuid",
        "sender = md5('z')::uuid",
    ]
    .into_iter()
    .enumerate()
    {
        let liar = honest.copy("liar");
        let value = number.to_string();
        liar.run(&format!("UPDATE lizsync.received SET {lie}"));
        central.run(&format!(
            "UPDATE gis.tree SET label = 'central {value}' WHERE code = 'a'"
        ));
        // Refused or not, the central keeps what it has, and a later clone gets it.
        let _ = run("synchronize_database", role.parameters(&central, &liar));
        assert_eq!(
            central.value("SELECT label FROM gis.tree WHERE code = 'a'"),
            format!("central {value}"),
            "{lie}"
        );
        other.run(&format!(
            "UPDATE gis.tree SET label = 'other {value}' WHERE code = 'b'"
        ));
        role.synchronize(&central, &other);
        let rows = "SELECT code, label FROM gis.tree ORDER BY code";
        let wanted = [format!("a|central {value}"), format!("b|other {value}")];
        assert_eq!(central.rows(rows), wanted, "{lie}");
        assert_eq!(other.rows(rows), wanted, "{lie}");
    }
}

/// The functions that a role may call have no statement that is put together from text.
#[test]
fn no_granted_function_runs_dynamic_sql() {
    let central = prepared("central", TREES);
    assert_eq!(
        central.rows(
            "SELECT p.oid::regprocedure FROM pg_proc AS p WHERE p.pronamespace = 'lizsync'::regnamespace
             -- Parts of the queries that call them, and what runs with the rights of the caller.
             AND p.proname NOT IN ('former_uid', 'former_uids', 'former_lacks', 'compare_tables')
             AND (p.prosrc ~* '\\mEXECUTE\\M' OR p.prosrc ~* '\\mformat *\\(' OR NOT p.prosecdef
                  OR p.proconfig IS NULL OR p.proconfig[1] <> 'search_path=pg_catalog, pg_temp')"
        ),
        [""; 0]
    );
}
