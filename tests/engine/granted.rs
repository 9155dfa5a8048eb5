//! What the functions refuse that a role which synchronises may call: entries that are no edits, edits
//! that the role may not make, and edits of its own that it would hide.
#![allow(missing_docs)]

use crate::support::role::Role;
use crate::support::{Database, clone_of, prepared, refused, synchronize};
use lizsync::error::Kind;
use serde_json::json;

const ID: &str = "00000000-0000-0000-0000-000000000001";

fn base() -> Database {
    prepared(
        "central",
        "CREATE SCHEMA gis; CREATE SCHEMA secret; CREATE TABLE gis.tree (id int PRIMARY KEY, name text, height int);
         CREATE TABLE secret.tree (id int PRIMARY KEY, name text);
         INSERT INTO gis.tree VALUES (1, 'oak', 1); INSERT INTO secret.tree VALUES (1, 'oak')",
    )
}

/// Calls lizsync.log with one entry; the code and the text of the error.
fn log(
    client: &mut postgres::Client,
    table: &str,
    relid: &str,
    entry: &str,
) -> Result<(), (String, String)> {
    let (schema, name) = table.split_once('.').unwrap();
    let sql = format!(
        "SELECT lizsync.log('{schema}', '{name}', {relid}, '{ID}', '{ID}', ARRAY[ROW({entry})]::lizsync.entry[])"
    );
    client.batch_execute(&sql).map_err(|error| {
        let error = error.as_db_error().unwrap();
        (error.code().code().to_owned(), error.message().to_owned())
    })
}

#[test]
fn entries_that_are_no_edits_are_refused() {
    let central = base();
    let mut client = central.connect();
    let tree = "'gis.tree'::regclass";
    let uid = format!("'{ID}'");
    let huge = "'height=>9223372036854775807'";
    for (entry, part) in [
        (
            format!("'T', {uid}, NULL, 'height=>1', NULL, NULL, 'me'"),
            "action",
        ),
        (
            format!("NULL, {uid}, NULL, 'height=>1', NULL, NULL, 'me'"),
            "action",
        ),
        (
            "'U', NULL, NULL, 'height=>1', NULL, NULL, 'me'".into(),
            "uid",
        ),
        (
            format!("'U', {uid}, NULL, NULL, NULL, NULL, 'me'"),
            "changed_fields",
        ),
        (
            format!("'I', {uid}, NULL, NULL, NULL, NULL, 'me'"),
            "row_data",
        ),
        (
            format!("'U', {uid}, NULL, 'height=>1', 'infinity', NULL, 'me'"),
            "edit_time",
        ),
        (
            format!("'U', {uid}, NULL, 'height=>1', '-infinity', NULL, 'me'"),
            "edit_time",
        ),
        (
            format!("'D', {uid}, NULL, NULL, '294276-12-31', NULL, 'me'"),
            "edit_time",
        ),
        (
            format!("'U', {uid}, NULL, 'height=>1', NULL, 'height=>x', 'me'"),
            "field_times",
        ),
        (
            format!("'U', {uid}, NULL, 'height=>1', NULL, 'height=>NULL', 'me'"),
            "field_times",
        ),
        (
            format!("'U', {uid}, NULL, 'height=>1', NULL, {huge}, 'me'"),
            "field_times",
        ),
        (
            format!("'U', {uid}, NULL, 'height=>1', NULL, 'height=>999999999999999999', 'me'"),
            "field_times",
        ),
        (
            format!("'U', {uid}, NULL, 'height=>1', NULL, 'height=>-3155673600000001', 'me'"),
            "field_times",
        ),
        (
            format!("'U', {uid}, NULL, 'height=>1', NULL, 'height=>1x', 'me'"),
            "field_times",
        ),
    ] {
        let (code, text) = log(&mut client, "gis.tree", tree, &entry).unwrap_err();
        assert_eq!(code, "22023", "{entry}: {text}");
        assert!(
            text.contains("gis.tree") && text.contains(part),
            "{entry}: {text}"
        );
    }
    let good = format!("'U', {uid}, NULL, 'height=>1', now(), 'height=>1', 'me'");
    central.run("CREATE VIEW gis.look AS SELECT * FROM gis.tree");
    for (table, relid) in [
        ("gis.tree", "0"),
        ("gis.look", "'gis.look'::regclass"),
        ("gis.tree", "'secret.tree'::regclass"),
        ("gis.nope", tree),
        ("pg_catalog.pg_class", tree),
    ] {
        assert_eq!(
            log(&mut client, table, relid, &good).unwrap_err().0,
            "42P01"
        );
    }
    log(&mut client, "gis.tree", tree, &good).unwrap();
    // Without them it would pass for an edit that was made here.
    for ids in [format!("NULL, '{ID}'"), format!("'{ID}', NULL")] {
        let sql = format!(
            "SELECT lizsync.log('gis', 'tree', {tree}, {ids}, ARRAY[ROW({good})]::lizsync.entry[])"
        );
        let error = client.batch_execute(&sql).unwrap_err();
        assert_eq!(error.code().unwrap().code(), "22004", "{ids}: {error:?}");
    }
}

#[test]
fn nobody_logs_what_he_may_not_do() {
    let role = Role::new("surveyor");
    let central = base();
    role.grant("Synchronising", &central);
    central.run(&format!(
        "REVOKE DELETE ON gis.tree FROM {0}; REVOKE ALL ON secret.tree FROM {0}; REVOKE UPDATE, INSERT ON gis.tree FROM {0};
         GRANT UPDATE (name), INSERT (id, name) ON gis.tree TO {0}",
        role.name
    ));
    let mut client = central.connect();
    let set = |client: &mut postgres::Client, role: &str| {
        client
            .batch_execute(&format!("SET SESSION AUTHORIZATION {role}"))
            .unwrap();
    };
    set(&mut client, &role.name);
    let relid = |table: &str| central.value(&format!("SELECT '{table}'::regclass::oid"));
    let (tree, secret) = (relid("gis.tree"), relid("secret.tree"));
    let entry =
        |action: &str| format!("'{action}', '{ID}', 'name=>x', 'name=>x', NULL, NULL, 'boss'");
    for action in ["I", "U", "D"] {
        let (code, text) = log(&mut client, "secret.tree", &secret, &entry(action)).unwrap_err();
        assert_eq!(code, "42501", "{text}");
        assert!(
            text.contains("secret.tree") && text.contains(&role.name),
            "{text}"
        );
    }
    log(&mut client, "gis.tree", &tree, &entry("I")).unwrap();
    log(&mut client, "gis.tree", &tree, &entry("U")).unwrap();
    assert_eq!(
        log(&mut client, "gis.tree", &tree, &entry("D"))
            .unwrap_err()
            .0,
        "42501"
    );
    // What a trigger made of a row that was inserted just now.
    central.run(&format!(
        "REVOKE UPDATE (name) ON gis.tree FROM {}",
        role.name
    ));
    assert_eq!(
        log(&mut client, "gis.tree", &tree, &entry("U"))
            .unwrap_err()
            .0,
        "42501"
    );
    client.batch_execute("BEGIN").unwrap();
    log(&mut client, "gis.tree", &tree, &entry("I")).unwrap();
    log(&mut client, "gis.tree", &tree, &entry("U")).unwrap();
    let other = entry("U").replace(ID, &ID.replace('1', "2"));
    assert_eq!(
        log(&mut client, "gis.tree", &tree, &other).unwrap_err().0,
        "42501"
    );
    client.batch_execute("ROLLBACK").unwrap();
    // A row that is deleted was not inserted.
    central.run(&format!("GRANT DELETE ON gis.tree TO {}", role.name));
    client.batch_execute("BEGIN").unwrap();
    log(&mut client, "gis.tree", &tree, &entry("D")).unwrap();
    assert_eq!(
        log(&mut client, "gis.tree", &tree, &entry("U"))
            .unwrap_err()
            .0,
        "42501"
    );
    client.batch_execute("ROLLBACK").unwrap();
    // The rights are those of the role that the session has taken on.
    drop(client);
    let mut client = central.connect();
    client
        .batch_execute(&format!("SET ROLE {}", role.name))
        .unwrap();
    assert_eq!(
        log(&mut client, "secret.tree", &secret, &entry("U"))
            .unwrap_err()
            .0,
        "42501"
    );
    drop(client);
    central.run(&format!("DROP OWNED BY {}", role.name));
}

/// What is taken out of the log must be told by it all the same.
#[test]
fn nobody_hides_an_edit_as_an_echo() {
    let central = base();
    let entry = |action: &str, fields: &str| {
        format!("SELECT lizsync.log('gis', 'tree', 'gis.tree'::regclass, '{ID}', '{ID}',
            ARRAY[ROW('{action}', (SELECT uid FROM gis.tree WHERE id = 1), '', '{fields}', NULL, NULL, 'me')]::lizsync.entry[])")
    };
    let shorten = |names: &str| {
        format!(
            "SELECT sum(lizsync.shorten_cascades(jsonb_build_array(jsonb_build_object('event', e.event_id, 'names', {names})))) FROM lizsync.cascaded() AS e"
        )
    };
    let mut client = central.connect();
    client
        .batch_execute("DELETE FROM audit.logged_actions")
        .unwrap();
    let mut kept = |before: &str, brought: &str, names: &str| -> String {
        let sql = format!("BEGIN; {before}; {brought}; {}", shorten(names));
        client.batch_execute(&sql).unwrap();
        let row = client
            .query_one("SELECT coalesce(string_agg(action || ':' || coalesce(changed_fields::text, ''), ' ' ORDER BY event_id), '') FROM audit.logged_actions WHERE origin IS NULL", &[])
            .unwrap()
            .get(0);
        client.batch_execute("ROLLBACK").unwrap();
        row
    };
    let update = "UPDATE gis.tree SET height = 666, name = 'elm' WHERE id = 1";
    let all = "U:\"name\"=>\"elm\", \"height\"=>\"666\"";
    let names = "'[\"height\", \"name\"]'::jsonb";
    let again = format!("{}; {update}", entry("U", "height=>1"));
    assert_eq!(kept(update, "SELECT", names), all);
    assert_eq!(
        kept(update, &entry("U", ""), "NULL"),
        all,
        "an entry that tells nothing"
    );
    assert_eq!(
        kept(update, &entry("U", "height=>666"), "NULL"),
        all,
        "no deletion was brought"
    );
    assert_eq!(
        kept("SELECT", &again, names),
        all,
        "the log would end otherwise"
    );
    assert_eq!(
        kept(update, &entry("U", "height=>666"), names),
        "U:\"name\"=>\"elm\""
    );
    assert_eq!(
        kept(update, &entry("U", "height=>666, name=>elm"), names),
        ""
    );
    assert_eq!(
        kept(
            "UPDATE gis.tree SET name = NULL WHERE id = 1",
            "SELECT",
            names
        ),
        "U:\"name\"=>NULL",
        "nothing was brought"
    );
    assert_eq!(
        kept(&entry("D", ""), update, "NULL"),
        all,
        "the log would end with the deletion"
    );
    let insert = "INSERT INTO gis.tree VALUES (2, 'yew', 2)";
    assert_eq!(
        kept(insert, "SELECT", "'[]'::jsonb"),
        "I:",
        "an insertion has no fields to be taken out"
    );
    let delete = "DELETE FROM gis.tree WHERE id = 1";
    assert_eq!(kept(&entry("D", ""), delete, "NULL"), "");
    assert_eq!(kept(delete, "SELECT", "NULL"), "D:");
}

/// Edits of earlier transactions are no echoes, nor is what was brought; and what was brought earlier tells nothing.
#[test]
fn only_edits_of_the_transaction_itself_are_echoes() {
    let central = base();
    let mut client = central.connect();
    let brought = format!(
        "SELECT lizsync.log('gis', 'tree', 'gis.tree'::regclass, '{ID}', '{ID}',
            ARRAY[ROW('U', (SELECT uid FROM gis.tree), '', 'height=>666', NULL, NULL, 'me')]::lizsync.entry[])"
    );
    let edit = "UPDATE gis.tree SET height = 666";
    let mut taken_out = |sql: &str, event: &str| -> i64 {
        let clean = "DELETE FROM audit.logged_actions";
        client
            .batch_execute(&format!("{clean}; UPDATE gis.tree SET height = 1; {clean}"))
            .unwrap();
        client.batch_execute(sql).unwrap();
        let shorten = format!(
            "SELECT lizsync.shorten_cascades(jsonb_build_array(jsonb_build_object('event', {event}(event_id), 'names', '[\"height\"]'::jsonb)))
             FROM audit.logged_actions"
        );
        let echoes = client.query_one(&shorten, &[]).unwrap().get(0);
        client.batch_execute("COMMIT").unwrap();
        echoes
    };
    assert_eq!(
        taken_out(&format!("{edit}; COMMIT; BEGIN; {brought}"), "min"),
        0
    );
    assert_eq!(
        taken_out(&format!("{brought}; COMMIT; BEGIN; {edit}"), "max"),
        0
    );
    assert_eq!(taken_out(&format!("BEGIN; {brought}"), "max"), 0);
    assert_eq!(taken_out(&format!("BEGIN; {edit}; {brought}"), "min"), 1);
}

/// Who knows the uid that a conflict will have cannot keep it from being recorded.
#[test]
fn a_conflict_takes_no_other_ones_place() {
    let central = base();
    let clone = clone_of(&central, "clone");
    central.run("UPDATE gis.tree SET height = 5");
    let copy = central.copy("copy");
    let copied = clone.copy("copied");
    copied.run("UPDATE gis.tree SET height = 6");
    synchronize(&copy, &copied);
    let uid = copy.value("SELECT conflict_uid FROM lizsync.conflicts");
    central.run(&format!(
        "SELECT lizsync.record_conflicts('[{{\"object_table\": \"?\", \"conflict_uid\": \"{uid}\"}}]')"
    ));
    clone.run("UPDATE gis.tree SET height = 7");
    synchronize(&central, &clone);
    assert_eq!(
        central.rows(
            "SELECT object_table, conflict_uid FROM lizsync.conflicts WHERE object_table <> '?'"
        ),
        [format!("gis.tree|{uid}")]
    );
}

#[test]
fn a_clone_is_registered_with_schemas_that_there_are() {
    let central = base();
    let clone = clone_of(&central, "clone");
    synchronize(&central, &clone);
    let id = clone.value("SELECT server_id FROM lizsync.server_metadata");
    let mut client = central.connect();
    for schemas in [
        "NULL",
        "'{}'",
        "'{gis,nope}'",
        "ARRAY['gis', NULL]",
        "'{audit}'",
    ] {
        let error = client
            .batch_execute(&format!(
                "SELECT lizsync.register_clone('{id}', {schemas}, NULL, '{id}')"
            ))
            .unwrap_err();
        assert_eq!(error.code().unwrap().code(), "3F000", "{schemas} {error:?}");
    }
    // Nobody takes schemas away from a clone that has them: it would not get the edits made there.
    let before = central.value("SELECT sync_schemas FROM lizsync.synchronized_schemas");
    let deployment = clone.value("SELECT deployment FROM lizsync.deployment");
    client
        .batch_execute(&format!(
            "SELECT lizsync.register_clone('{id}', '{{secret}}', NULL, '{deployment}')"
        ))
        .unwrap();
    let after = central.value("SELECT sync_schemas FROM lizsync.synchronized_schemas");
    assert_eq!(after, before);
    // Whoever owns the table may have written anything.
    central.run("UPDATE lizsync.synchronized_schemas SET sync_schemas = '[null]'; UPDATE gis.tree SET height = 5");
    let said = refused("synchronize_database", both(&central, &clone), Kind::State);
    assert!(said.contains("lizsync.synchronized_schemas"), "{said}");
    // A schema that the central has no more keeps no clone from its runs.
    central.run("DELETE FROM lizsync.synchronized_schemas; DROP SCHEMA secret CASCADE");
    synchronize(&central, &clone);
    assert_eq!(clone.value("SELECT height FROM gis.tree"), "5");
    assert_eq!(
        central.value("SELECT sync_schemas FROM lizsync.synchronized_schemas"),
        "[\"gis\"]"
    );
}

fn both(central: &Database, clone: &Database) -> serde_json::Value {
    json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()})
}

#[test]
fn an_event_that_cannot_be_read_is_named() {
    let central = base();
    let clone = clone_of(&central, "clone");
    central.run("UPDATE gis.tree SET height = 5");
    let uid = central.value("SELECT uid FROM gis.tree");
    for spoil in [
        "action = 'I', row_data = NULL",
        "action = 'T'",
        "action = 'U', edit_time = 'infinity'",
    ] {
        central.run(&format!("UPDATE audit.logged_actions SET {spoil} WHERE event_id = (SELECT max(event_id) FROM audit.logged_actions)"));
        let event = central.value("SELECT max(event_id) FROM audit.logged_actions");
        let said = refused(
            "synchronize_database",
            both(&central, &clone),
            Kind::Database,
        );
        for part in ["gis.tree", &uid, &format!("event {event},"), "central"] {
            assert!(said.contains(part), "{spoil}: {said}");
        }
        assert!(!said.contains("network"), "{said}");
    }
    central.run("UPDATE audit.logged_actions SET edit_time = NULL");
    synchronize(&central, &clone);
    assert_eq!(clone.value("SELECT height FROM gis.tree"), "5");
}
