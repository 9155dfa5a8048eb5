//! Synchronisation of clones with a central: the protocol, end to end.
#![allow(missing_docs)]

use crate::support::{
    Database, aside, clone_of, counts, killed_at, messages, prepared, refused, synchronize,
};
use lizsync::error::Kind;
use serde_json::json;

const TREES: &str = "CREATE SCHEMA gis;
    CREATE TABLE gis.species (code text PRIMARY KEY, name text);
    CREATE TABLE gis.tree (id serial PRIMARY KEY, name text, height int, crown int, species text REFERENCES gis.species);
    INSERT INTO gis.species VALUES ('oak', 'Oak'), ('ash', 'Ash');
    INSERT INTO gis.tree (name, height, species) VALUES ('a', 1, 'oak'), ('b', 2, 'ash'), ('c', 3, NULL)";

fn trees(database: &Database) -> Vec<String> {
    let mut rows =
        database.rows("SELECT uid, name, height, crown, species FROM gis.tree ORDER BY uid");
    rows.extend(database.rows("SELECT uid, code, name FROM gis.species ORDER BY uid"));
    rows
}

fn equal(databases: &[&Database]) {
    for other in &databases[1..] {
        assert_eq!(
            trees(databases[0]),
            trees(other),
            "{} and {} differ",
            databases[0].name,
            other.name
        );
    }
}

#[test]
fn edits_of_both_sides_meet_field_by_field() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    assert_eq!(counts(&synchronize(&central, &clone)), [0, 0, 0, 0, 0]);
    central.run("UPDATE gis.tree SET height = 10 WHERE name = 'a'; INSERT INTO gis.species VALUES ('elm', 'Elm');
        INSERT INTO gis.tree (name, species) VALUES ('from central', 'elm'); DELETE FROM gis.tree WHERE name = 'c'");
    clone.run("UPDATE gis.tree SET crown = 20 WHERE name = 'a'; INSERT INTO gis.species VALUES ('fir', 'Fir');
        INSERT INTO gis.tree (name, species) VALUES ('from clone', 'fir'); UPDATE gis.tree SET crown = 1 WHERE name = 'b';
        UPDATE gis.tree SET crown = 2 WHERE name = 'b'; DELETE FROM gis.tree WHERE name = 'b'");
    assert_eq!(counts(&synchronize(&central, &clone)), [4, 4, 0, 2, 0]);
    equal(&[&central, &clone]);
    assert_eq!(
        central.rows("SELECT name, height, crown FROM gis.tree ORDER BY name"),
        ["a|10|20", "from central|∅|∅", "from clone|∅|∅"]
    );
    assert_eq!(
        counts(&synchronize(&central, &clone)),
        [0, 0, 0, 0, 0],
        "an idle run stays idle"
    );
    assert_eq!(
        clone.value("SELECT count(*) FROM audit.logged_actions"),
        "0",
        "the clone's log is cleared once the central has it"
    );
}

#[test]
fn the_last_edit_of_a_field_wins_and_the_other_is_recorded_once() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    clone.run("UPDATE gis.tree SET name = 'clone first', height = 100 WHERE name = 'a'");
    central.run("UPDATE gis.tree SET name = 'central last', crown = 7 WHERE name = 'a'; UPDATE gis.tree SET height = 5 WHERE name = 'b'");
    clone.run("UPDATE gis.tree SET height = 6 WHERE name = 'b'");
    assert_eq!(counts(&synchronize(&central, &clone))[2], 2);
    equal(&[&central, &clone]);
    assert_eq!(
        central.rows("SELECT name, height, crown FROM gis.tree ORDER BY name"),
        ["b|6|∅", "c|3|∅", "central last|100|7"]
    );
    let conflicts = "SELECT c.object_table, c.field, c.central_value, c.clone_value, c.rejected, c.rule_applied, c.object_uid = t.uid,
        c.clone_event_timestamp > c.central_event_timestamp, c.central_user FROM lizsync.conflicts c JOIN gis.tree t ON t.uid = c.object_uid ORDER BY field";
    assert_eq!(
        central.rows(conflicts),
        [
            "gis.tree|height|5|6|central|last_modified|t|t|postgres",
            "gis.tree|name|central last|clone first|clone|last_modified|t|f|postgres"
        ]
    );
    synchronize(&central, &clone);
    assert_eq!(central.value("SELECT count(*) FROM lizsync.conflicts"), "2");
    assert_eq!(clone.value("SELECT count(*) FROM lizsync.conflicts"), "0");
}

#[test]
fn a_tie_goes_to_the_central_and_equal_values_are_no_conflict() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    for (database, value) in [(&central, "one"), (&clone, "two")] {
        database.run(&format!(
            "UPDATE gis.tree SET name = '{value}', height = 9 WHERE name = 'a';
            UPDATE audit.logged_actions SET action_tstamp_clk = '2026-01-01'"
        ));
    }
    assert_eq!(counts(&synchronize(&central, &clone)), [1, 0, 1, 0, 0]);
    equal(&[&central, &clone]);
    assert_eq!(
        clone.value("SELECT count(*) FROM gis.tree WHERE name = 'one' AND height = 9"),
        "1"
    );
}

#[test]
fn a_delete_beats_an_update_on_either_side() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    central.run("DELETE FROM gis.tree WHERE name = 'a'; UPDATE gis.tree SET height = 50, crown = 1 WHERE name = 'b'; DELETE FROM gis.tree WHERE name = 'c'");
    clone.run("UPDATE gis.tree SET height = 60 WHERE name = 'a'; DELETE FROM gis.tree WHERE name = 'b'; DELETE FROM gis.tree WHERE name = 'c'");
    assert_eq!(counts(&synchronize(&central, &clone)), [1, 1, 2, 2, 0]);
    equal(&[&central, &clone]);
    assert_eq!(trees(&central).len(), 2, "only the species are left");
    assert_eq!(
        central.rows("SELECT field, central_value, clone_value, rejected FROM lizsync.conflicts ORDER BY rejected"),
        ["∅|{\"crown\":\"1\",\"height\":\"50\"}|∅|central", "∅|∅|{\"height\":\"60\"}|clone"]
    );
}

#[test]
fn a_transaction_that_is_open_during_a_run_arrives_with_the_next() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    let (mut late_central, mut late_clone) = (central.connect(), clone.connect());
    let mut open_central = late_central.transaction().unwrap();
    let mut open_clone = late_clone.transaction().unwrap();
    open_central
        .batch_execute("UPDATE gis.tree SET height = 77 WHERE name = 'a'")
        .unwrap();
    open_clone
        .batch_execute("INSERT INTO gis.tree (name) VALUES ('late')")
        .unwrap();
    // Later events are committed and taken first.
    central.run("UPDATE gis.tree SET height = 88 WHERE name = 'b'");
    clone.run("UPDATE gis.tree SET crown = 99 WHERE name = 'b'");
    assert_eq!(counts(&synchronize(&central, &clone)), [1, 1, 0, 0, 0]);
    open_central.commit().unwrap();
    open_clone.commit().unwrap();
    assert_eq!(counts(&synchronize(&central, &clone)), [1, 1, 0, 0, 0]);
    equal(&[&central, &clone]);
    assert_eq!(
        clone.value("SELECT height FROM gis.tree WHERE name = 'a'"),
        "77"
    );
    assert_eq!(
        central.value("SELECT count(*) FROM gis.tree WHERE name = 'late'"),
        "1"
    );
}

#[test]
fn two_clones_in_every_order_end_equal() {
    for order in [[0, 1], [1, 0]] {
        for second in [[0, 1], [1, 0]] {
            let central = prepared("central", TREES);
            let clones = [clone_of(&central, "one"), clone_of(&central, "two")];
            for (number, clone) in clones.iter().enumerate() {
                clone.run(&format!("UPDATE gis.tree SET name = name || '{number}', height = 5{number} WHERE name = 'a';
                    UPDATE gis.tree SET crown = {number} WHERE name = 'b'; INSERT INTO gis.tree (name) VALUES ('new {number}')"));
            }
            central.run("UPDATE gis.tree SET crown = 5 WHERE name = 'a'; DELETE FROM gis.tree WHERE name = 'c'");
            clones[0].run("UPDATE gis.tree SET height = 1 WHERE name = 'c'");
            for round in [order, second] {
                for clone in round {
                    synchronize(&central, &clones[clone]);
                }
            }
            for clone in &clones {
                synchronize(&central, clone);
            }
            equal(&[&central, &clones[0], &clones[1]]);
            assert_eq!(
                central.value("SELECT name || height || crown FROM gis.tree WHERE name LIKE 'a%'"),
                "a1515"
            );
            for clone in &clones {
                assert_eq!(counts(&synchronize(&central, clone)), [0, 0, 0, 0, 0]);
            }
        }
    }
}

#[test]
fn original_edit_times_decide_between_clones() {
    let central = prepared("central", TREES);
    let clones = [clone_of(&central, "one"), clone_of(&central, "two")];
    clones[1].run("UPDATE gis.tree SET name = 'earlier' WHERE name = 'a'");
    clones[0].run("UPDATE gis.tree SET name = 'middle' WHERE name = 'a'; UPDATE gis.tree SET height = 5 WHERE name = 'middle'");
    clones[1].run("UPDATE gis.tree SET height = 6 WHERE name = 'earlier'");
    synchronize(&central, &clones[0]);
    assert_eq!(counts(&synchronize(&central, &clones[1]))[2], 2);
    synchronize(&central, &clones[0]);
    equal(&[&central, &clones[0], &clones[1]]);
    assert_eq!(
        central.value("SELECT name, height FROM gis.tree WHERE height > 4"),
        "middle|6"
    );
}

#[test]
fn foreign_keys_unique_codes_and_cascades_hold() {
    let central = prepared("central", "CREATE SCHEMA gis;
        CREATE TABLE gis.site (code text PRIMARY KEY, part_of text REFERENCES gis.site);
        CREATE TABLE gis.plot (uid uuid PRIMARY KEY DEFAULT md5(random()::text)::uuid, label text UNIQUE, site text REFERENCES gis.site ON DELETE CASCADE ON UPDATE CASCADE);
        CREATE TABLE gis.note (plot uuid NOT NULL REFERENCES gis.plot ON DELETE CASCADE, what text);
        INSERT INTO gis.site VALUES ('A', NULL), ('B', 'A'), ('C', NULL); INSERT INTO gis.plot (label, site) VALUES ('1', 'B'), ('2', 'C');
        INSERT INTO gis.note SELECT uid, 'n' || label FROM gis.plot");
    let clone = clone_of(&central, "clone");
    clone.run("INSERT INTO gis.site VALUES ('Z', 'A'), ('Y', 'Z'); UPDATE gis.plot SET site = 'Y' WHERE label = '1'; DELETE FROM gis.site WHERE code = 'B';
        DELETE FROM gis.site WHERE code = 'C'; INSERT INTO gis.plot (label, site) VALUES ('2', 'Z'); UPDATE gis.site SET code = 'ZZ' WHERE code = 'Z' AND false");
    let look = |database: &Database| {
        let mut rows = database.rows("SELECT uid, code, part_of FROM gis.site ORDER BY 1");
        rows.extend(database.rows("SELECT uid, label, site FROM gis.plot ORDER BY 1"));
        rows.extend(database.rows("SELECT uid, plot, what FROM gis.note ORDER BY 1"));
        rows
    };
    synchronize(&central, &clone);
    assert_eq!(look(&central), look(&clone));
    central.run("UPDATE gis.site SET part_of = NULL; UPDATE gis.plot SET site = 'Y'; DELETE FROM gis.site WHERE code = 'Z'; TRUNCATE gis.plot CASCADE; INSERT INTO gis.plot (label) VALUES ('2')");
    synchronize(&central, &clone);
    assert_eq!(look(&central), look(&clone));
    assert_eq!(counts(&synchronize(&central, &clone)), [0, 0, 0, 0, 0]);
}

#[test]
fn the_users_own_triggers_run_only_where_the_edit_is_made() {
    let central = prepared("central", "CREATE SCHEMA gis; CREATE TABLE gis.tree (code text PRIMARY KEY, name text, edited timestamptz, edits int DEFAULT 0);
        CREATE TABLE gis.story (id serial PRIMARY KEY, what text);
        CREATE FUNCTION gis.stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.edited := clock_timestamp(); NEW.edits := coalesce(OLD.edits, 0) + 1; RETURN NEW; END $$;
        CREATE FUNCTION gis.tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO gis.story (what) VALUES (TG_OP || NEW.code); RETURN NULL; END $$;
        CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.stamp();
        CREATE TRIGGER tell AFTER INSERT OR UPDATE ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.tell();
        ALTER TABLE gis.tree ENABLE ALWAYS TRIGGER tell;
        INSERT INTO gis.tree VALUES ('a'), ('b')");
    let clone = clone_of(&central, "clone");
    clone.run("UPDATE gis.tree SET name = 'x' WHERE code = 'a'; INSERT INTO gis.tree VALUES ('c')");
    central.run("UPDATE gis.tree SET name = 'y' WHERE code = 'b'");
    let look = |database: &Database| {
        let mut rows = database.rows("SELECT * FROM gis.tree ORDER BY code");
        rows.extend(database.rows("SELECT uid, what FROM gis.story ORDER BY uid"));
        rows
    };
    synchronize(&central, &clone);
    assert_eq!(look(&central), look(&clone));
    assert_eq!(central.value("SELECT count(*) FROM gis.story"), "5");
    assert_eq!(counts(&synchronize(&central, &clone)), [0, 0, 0, 0, 0]);
    for database in [&central, &clone] {
        assert_eq!(database.value("SELECT string_agg(tgname || tgenabled::text, ' ' ORDER BY tgname) FROM pg_trigger WHERE tgname IN ('stamp', 'tell')"), "stampO tellA");
    }
}

#[test]
fn what_cannot_be_synchronised_is_refused_and_nothing_changes() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    let stranger = prepared("stranger", TREES);
    let empty = Database::new("empty");
    clone.run("UPDATE gis.tree SET crown = 1");
    let before = (trees(&central), trees(&clone));
    let check = |central: &Database, clone: &Database, kind: Kind, part: &str| {
        let parameters = json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()});
        let said = refused("synchronize_database", parameters, kind);
        assert!(said.contains(part), "“{part}” is not in: {said}");
    };
    check(&central, &central, Kind::Parameter, "same database");
    check(&clone, &central, Kind::State, "is a clone, not a central");
    check(
        &central,
        &stranger,
        Kind::State,
        "is a central database, not a clone",
    );
    check(
        &stranger,
        &clone,
        Kind::State,
        "was not deployed from this central",
    );
    check(&empty, &clone, Kind::State, "not installed");
    check(&central, &empty, Kind::State, "not installed");
    clone.run("UPDATE lizsync.received SET system_identifier = 1");
    check(&central, &clone, Kind::State, "another server");
    clone.run("UPDATE lizsync.received SET system_identifier = NULL");
    assert_eq!((trees(&central), trees(&clone)), before);
    assert_eq!(counts(&synchronize(&central, &clone))[..3], [0, 3, 0]);
}

/// A run that meets a writer in the middle tries again; nothing is lost, doubled or counted twice.
#[test]
fn a_collision_with_a_writer_is_tried_again() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    clone.run("UPDATE gis.tree SET crown = 1 WHERE name = 'a'; UPDATE gis.tree SET name = 'clone' WHERE name = 'b'");
    central.run("UPDATE gis.tree SET name = 'central' WHERE name = 'b'; UPDATE gis.tree SET height = 30 WHERE name = 'c'");
    let mut writer = central.connect();
    let mut open = writer.transaction().unwrap();
    open.batch_execute("UPDATE gis.tree SET height = 99 WHERE name = 'a'")
        .unwrap();
    let outputs = std::thread::scope(|threads| {
        let run = threads.spawn(|| synchronize(&central, &clone));
        // The run waits for the row that the writer holds; its snapshot is older than the commit.
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let started = std::time::Instant::now();
        while central.value(waiting) == "0" {
            assert!(
                !run.is_finished() && started.elapsed().as_secs() < 60,
                "the run should wait for the writer"
            );
            std::thread::yield_now();
        }
        open.commit().unwrap();
        run.join().unwrap()
    });
    assert_eq!(counts(&outputs)[..3], [3, 1, 1], "{outputs}");
    equal(&[&central, &clone]);
    assert_eq!(
        central.rows("SELECT name, height, crown FROM gis.tree ORDER BY name"),
        ["a|99|1", "c|30|∅", "central|2|∅"]
    );
    assert_eq!(central.value("SELECT count(*) FROM lizsync.conflicts"), "1");
    assert_eq!(counts(&synchronize(&central, &clone)), [0, 0, 0, 0, 0]);
}

#[test]
fn every_kind_of_key_and_column_travels_as_it_should() {
    let central = prepared("central", "CREATE SCHEMA gis; CREATE EXTENSION postgis;
        CREATE TYPE gis.state AS ENUM ('new', 'old');
        CREATE TABLE gis.auto (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, num int GENERATED BY DEFAULT AS IDENTITY, twice int GENERATED ALWAYS AS (num * 2) STORED,
            state gis.state, geom geometry(PointZ, 4326), tags text[], doc jsonb, raw bytea, code varchar(5), span int4range);
        CREATE TABLE gis.only (uid uuid PRIMARY KEY DEFAULT md5(random()::text)::uuid);
        CREATE TABLE gis.obs (day date NOT NULL, what text) PARTITION BY RANGE (day);
        CREATE TABLE gis.obs_old PARTITION OF gis.obs FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
        CREATE TABLE gis.obs_new PARTITION OF gis.obs FOR VALUES FROM ('2026-01-01') TO (MAXVALUE);
        CREATE TABLE gis.\"We \"\"ird, {table}\" (\"Ö {uid} %\" text, \"select\" int)".replace("\\\"", "\"").as_str());
    let clone = clone_of(&central, "clone");
    let insert = |n: u32| {
        format!("INSERT INTO gis.auto (num, state, geom, tags, doc, raw, code, span) VALUES ({n}, 'new', 'SRID=4326;POINT Z (1.1 {n} 3)', '{{a,NULL,\"x y\"}}', '{{\"k\": [1, null]}}', '\\x00ff', 'abcde', '[1,{n}5)'),
            (NULL, NULL, NULL, '{{}}', NULL, '', '', 'empty');
        INSERT INTO gis.only DEFAULT VALUES; INSERT INTO gis.obs VALUES ('2025-05-05', 'old {n}'), ('2026-05-05', 'new {n}');
        INSERT INTO gis.\"We \"\"ird, {{table}}\" VALUES (E'q''\\\\ \\n\\t => %s \\u20AC', {n})").replace("(NULL, NULL, NULL, '{}'", "(DEFAULT, NULL, NULL, '{}'")
    };
    central.run(&insert(1));
    clone.run(&insert(2));
    let look = |database: &Database| {
        let mut rows = database.rows("SELECT uid, num, twice, state, geom, tags, doc, raw, code, span FROM gis.auto ORDER BY uid");
        for table in [
            "gis.only",
            "gis.obs_old",
            "gis.obs_new",
            "gis.\"We \"\"ird, {table}\"",
        ] {
            rows.extend(database.rows(&format!("SELECT * FROM {table} ORDER BY uid")));
        }
        rows
    };
    synchronize(&central, &clone);
    assert_eq!(look(&central), look(&clone));
    clone.run("UPDATE gis.obs SET day = '2027-01-01' WHERE what = 'old 1'; UPDATE gis.auto SET num = num + 100, tags = NULL; UPDATE gis.\"We \"\"ird, {table}\" SET \"Ö {uid} %\" = NULL; DELETE FROM gis.only");
    synchronize(&central, &clone);
    assert_eq!(look(&central), look(&clone));
    assert_eq!(look(&central).len(), 12 - 2);
    assert_eq!(counts(&synchronize(&central, &clone)), [0, 0, 0, 0, 0]);
}

/// A crash between the two commits: the clone has its half, the central lost its own.
#[test]
fn what_the_central_did_not_get_arrives_with_the_next_run() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    clone.run("UPDATE gis.tree SET name = 'clone', crown = 5 WHERE name = 'a'; INSERT INTO gis.tree (name) VALUES ('new'); UPDATE gis.tree SET crown = 1 WHERE name = 'b'");
    central.run("UPDATE gis.tree SET name = 'central' WHERE name = 'a'; UPDATE gis.tree SET name = 'B' WHERE name = 'b'");
    let before = (trees(&central), trees(&clone));
    killed_at(&central, &clone, "Committing to the clone.");
    killed_at(&central, &clone, "Committing to the central database.");
    assert_eq!(trees(&central), before.0);
    for _ in 0..2 {
        assert_eq!(
            clone.value("SELECT string_agg(name, ' ' ORDER BY name) FROM gis.tree"),
            "B c central new"
        );
        assert_eq!(central.value("SELECT count(*) FROM lizsync.conflicts"), "0");
        killed_at(&central, &clone, "Committing to the central database.");
    }
    // The field that lost is edited once more in the central: no second conflict may come of it.
    central.run("UPDATE gis.tree SET name = 'central again' WHERE name = 'central'");
    // Where both know an earlier run, what the clone has already is read once more, as superseded.
    let [to_clone, to_central, conflicts, _, set_aside] = counts(&synchronize(&central, &clone));
    assert_eq!([to_clone, to_central, conflicts, set_aside], [1, 3, 0, 0]);
    equal(&[&central, &clone]);
    assert_eq!(
        central.rows("SELECT name, crown FROM gis.tree ORDER BY name"),
        ["B|1", "c|∅", "central again|5", "new|∅"]
    );
    assert_eq!(
        central.rows("SELECT central_value, clone_value FROM lizsync.conflicts"),
        ["central|clone"]
    );
    assert_eq!(counts(&synchronize(&central, &clone)), [0, 0, 0, 0, 0]);
}

#[test]
fn a_copy_of_a_clone_and_a_restored_central_are_recognised() {
    let central = prepared("central", TREES);
    let original = clone_of(&central, "original");
    let copy = original.copy("copy");
    original.run("UPDATE gis.tree SET height = 5 WHERE name = 'a'");
    copy.run("UPDATE gis.tree SET height = 6 WHERE name = 'b'");
    synchronize(&central, &original);
    let run = |clone: &Database| {
        refused(
            "synchronize_database",
            json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()}),
            Kind::State,
        )
    };
    let said = run(&copy);
    assert!(said.contains("copy of another clone"), "{said}");
    assert_eq!(
        copy.value("SELECT count(*) FROM audit.logged_actions"),
        "1",
        "its edit is kept"
    );

    let ledger = central.value("SELECT quote_literal(snapshot::text) FROM lizsync.received");
    synchronize(&central, &original);
    synchronize(&central, &original);
    central.run(&format!(
        "UPDATE lizsync.received SET sync_id = md5(random()::text)::uuid, snapshot = {ledger}"
    ));
    let said = run(&original);
    assert!(said.contains("restored from a backup"), "{said}");
}

/// Until the central has shown that it has them, edits stay in the clone's log.
#[test]
fn a_central_that_lost_its_last_commit_gets_it_again() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    synchronize(&central, &clone);
    let before = central.value(
        "SELECT format('snapshot = %L, sync_id = %L', snapshot, sync_id) FROM lizsync.received",
    );
    clone.run("UPDATE gis.tree SET height = 55 WHERE name = 'a'");
    assert_eq!(counts(&synchronize(&central, &clone)), [0, 1, 0, 0, 0]);
    // As after a failover to a standby that missed the last transaction.
    central.run(&format!("SELECT set_config('lizsync.applying', 'gis.tree'::regclass::oid::text, false);
        UPDATE gis.tree SET height = 1 WHERE name = 'a'; DELETE FROM audit.logged_actions WHERE origin IS NOT NULL; UPDATE lizsync.received SET {before}"));
    assert_eq!(counts(&synchronize(&central, &clone)), [0, 1, 0, 0, 0]);
    assert_eq!(
        central.value("SELECT height FROM gis.tree WHERE name = 'a'"),
        "55"
    );
}

#[test]
fn columns_may_have_any_name() {
    let central = prepared("central", "CREATE SCHEMA gis;
        CREATE TABLE gis.x (id serial PRIMARY KEY, n int, o int, r int, t int, i int, l int, s int, c int, \"new\" int, \"old\" int, \"row\" int, \"table\" int, number int, op text, fields text, there bool);
        CREATE TABLE gis.parted (n int, o int, r int, t int) PARTITION BY RANGE (n);
        CREATE TABLE gis.part PARTITION OF gis.parted DEFAULT;
        INSERT INTO gis.x (n) VALUES (1), (2); INSERT INTO gis.parted VALUES (1)");
    let clone = clone_of(&central, "clone");
    let look = |database: &Database| {
        let mut rows = database.rows("SELECT uid, n, o, r, t, \"row\" FROM gis.x ORDER BY uid");
        rows.extend(database.rows("SELECT uid, n, o, r, t FROM gis.parted ORDER BY uid"));
        rows
    };
    clone.run("INSERT INTO gis.x (n, t, r, o) VALUES (3, 4, 5, 6); UPDATE gis.x SET t = 9, \"row\" = 8 WHERE n = 1; DELETE FROM gis.x WHERE n = 2;
        UPDATE gis.parted SET t = 2; INSERT INTO gis.parted (t) VALUES (3)");
    synchronize(&central, &clone);
    assert_eq!(look(&central), look(&clone));
    clone.run("TRUNCATE gis.x; TRUNCATE gis.parted");
    synchronize(&central, &clone);
    assert_eq!(look(&central), Vec::<String>::new());
}

const PLOTS: &str = "CREATE SCHEMA gis; CREATE TABLE gis.site (code text PRIMARY KEY);
    CREATE TABLE gis.plot (label text PRIMARY KEY, site text REFERENCES gis.site ON UPDATE CASCADE);
    INSERT INTO gis.site VALUES ('O'), ('P'); INSERT INTO gis.plot VALUES ('1', 'O'), ('2', 'O')";

/// A cascade runs again where its cause is applied; it must not count as an edit made there.
#[test]
fn cascades_do_not_come_back() {
    let plots = |database: &Database| database.rows("SELECT label, site FROM gis.plot ORDER BY 1");
    for backwards in [false, true] {
        let central = prepared("central", PLOTS);
        let clone = clone_of(&central, "clone");
        let editor = if backwards { &central } else { &clone };
        editor.run("UPDATE gis.site SET code = 'N' WHERE code = 'O'");
        editor.run("UPDATE gis.plot SET site = 'P' WHERE label = '1'");
        synchronize(&central, &clone);
        assert_eq!(counts(&synchronize(&central, &clone)), [0, 0, 0, 0, 0]);
        assert_eq!(plots(&central), ["1|P", "2|N"]);
        assert_eq!(plots(&central), plots(&clone));
        editor.run("UPDATE gis.plot SET site = 'P'");
        assert_eq!(counts(&synchronize(&central, &clone))[2], 0);
        assert_eq!(plots(&central), plots(&clone));
    }
}

#[test]
fn a_later_edit_to_an_equal_value_counts_from_its_own_time() {
    for order in [[0, 1], [1, 0]] {
        let central = prepared("central", TREES);
        let clones = [clone_of(&central, "one"), clone_of(&central, "two")];
        let edit = |value: &str| format!("UPDATE gis.tree SET name = '{value}' WHERE height = 1");
        central.run(&edit("same"));
        clones[1].run(&edit("other"));
        clones[0].run(&edit("same"));
        for clone in order.into_iter().chain(order) {
            synchronize(&central, &clones[clone]);
        }
        assert_eq!(
            central.value("SELECT name FROM gis.tree WHERE height = 1"),
            "same"
        );
        equal(&[&central, &clones[0], &clones[1]]);
    }
}

#[test]
fn triggers_of_partitions_run_only_where_the_edit_is_made() {
    let central = prepared("central", "CREATE SCHEMA gis; CREATE TABLE gis.story (what text);
        CREATE TABLE gis.obs (day date NOT NULL, what text) PARTITION BY RANGE (day);
        CREATE TABLE gis.obs_all PARTITION OF gis.obs DEFAULT;
        CREATE FUNCTION gis.tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO gis.story VALUES (NEW.what); RETURN NULL; END $$;
        CREATE TRIGGER tell AFTER INSERT ON gis.obs_all FOR EACH ROW EXECUTE FUNCTION gis.tell();
        CREATE TRIGGER tell_all AFTER INSERT ON gis.obs FOR EACH ROW EXECUTE FUNCTION gis.tell();
        ALTER TABLE gis.obs_all ENABLE ALWAYS TRIGGER tell");
    let clone = clone_of(&central, "clone");
    clone.run("INSERT INTO gis.obs VALUES ('2026-01-01', 'x')");
    synchronize(&central, &clone);
    assert_eq!(central.value("SELECT count(*) FROM gis.story"), "2");
    assert_eq!(counts(&synchronize(&central, &clone)), [0, 0, 0, 0, 0]);
    assert_eq!(central.rows("SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE tgname LIKE 'tell%' ORDER BY 1, 2"),
        ["gis.obs|tell_all|O", "gis.obs_all|tell|A", "gis.obs_all|tell_all|O"]);
}

/// The clone's ledger must not pass over edits of the central that had no place in a run.
#[test]
fn edits_of_the_central_are_not_passed_over() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    central.run("UPDATE gis.tree SET crown = 4; UPDATE gis.species SET name = 'x'");
    let mut applied = 0;
    for (away, back) in [
        (
            "ALTER TABLE gis.tree DISABLE TRIGGER USER",
            "SELECT audit.audit_table('gis.tree')",
        ),
        (
            "ALTER TABLE gis.tree RENAME TO renamed",
            "ALTER TABLE gis.renamed RENAME TO tree",
        ),
    ] {
        central.run(away);
        if away.contains("RENAME") {
            clone.run(away);
        }
        let outputs = synchronize(&central, &clone);
        applied += outputs["APPLIED_TO_CLONE"].as_u64().unwrap();
        assert_eq!(outputs["SET_ASIDE_CENTRAL"], 3, "{away}");
        assert_eq!(aside(&central).len(), 3, "{away}");
        central.run(back);
        if away.contains("RENAME") {
            clone.run(back);
        }
    }
    // What was dropped is over.
    central.run("CREATE TABLE gis.short (what text)");
    crate::support::run(
        "initialize_central_database",
        json!({"CONNECTION_NAME_CENTRAL": central.conninfo()}),
    )
    .unwrap();
    central.run("INSERT INTO gis.short VALUES ('x'); DROP TABLE gis.short");
    applied += counts(&synchronize(&central, &clone))[0];
    assert_eq!(applied, 5);
    assert!(aside(&central).is_empty() && aside(&clone).is_empty());
    equal(&[&central, &clone]);
}

/// Nor those of a table that is out of the schemas for a time.
#[test]
fn edits_of_a_table_that_was_put_elsewhere_wait() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    central.run("CREATE SCHEMA archive");
    for (away, back) in [
        (
            "ALTER TABLE gis.tree SET SCHEMA archive",
            "ALTER TABLE archive.tree SET SCHEMA gis",
        ),
        (
            "ALTER SCHEMA gis RENAME TO renamed",
            "ALTER SCHEMA renamed RENAME TO gis",
        ),
    ] {
        central.run("UPDATE gis.tree SET crown = coalesce(crown, 0) + 1");
        central.run(away);
        let outputs = synchronize(&central, &clone);
        assert_eq!(outputs["SET_ASIDE_CENTRAL"], 3, "{away}");
        central.run(back);
        assert_eq!(counts(&synchronize(&central, &clone))[0], 3, "{back}");
        assert!(aside(&central).is_empty() && aside(&clone).is_empty());
        equal(&[&central, &clone]);
    }
}

/// Where a schema has another name for good, every run says so.
#[test]
fn a_schema_that_is_gone_is_told() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    synchronize(&central, &clone);
    for database in [&central, &clone] {
        database.run("ALTER SCHEMA gis RENAME TO renamed");
    }
    for _ in 0..2 {
        let said = messages(
            "synchronize_database",
            json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()}),
        );
        for side in ["the central database", "the clone"] {
            let told = format!(
                "The schema gis is synchronised by this clone, but it is not in {side} any more"
            );
            assert!(said.iter().any(|text| text.starts_with(&told)), "{said:?}");
        }
    }
}

#[test]
fn rows_logged_before_a_column_was_added_get_its_default() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    clone.run("INSERT INTO gis.tree (name) VALUES ('clone')");
    central.run("INSERT INTO gis.tree (name) VALUES ('central')");
    for database in [&central, &clone] {
        database.run("ALTER TABLE gis.tree ADD COLUMN state text NOT NULL DEFAULT 'it''s new', ADD COLUMN \"Größe\" int DEFAULT 5");
    }
    synchronize(&central, &clone);
    clone.run("INSERT INTO gis.tree (name, state, \"Größe\") VALUES ('later', 'old', NULL)");
    synchronize(&central, &clone);
    let rows = "SELECT uid, name, state, \"Größe\" FROM gis.tree ORDER BY uid";
    assert_eq!(central.rows(rows), clone.rows(rows));
    assert_eq!(
        central.rows("SELECT name, state, \"Größe\" FROM gis.tree WHERE height IS NULL ORDER BY 1"),
        ["central|it's new|5", "clone|it's new|5", "later|old|∅"]
    );
}

/// A deletion must not take rows with it that the other side has never seen.
#[test]
fn no_cascade_eats_a_row_that_the_other_side_does_not_know() {
    const SITES: &str = "CREATE SCHEMA gis;
        CREATE TABLE gis.site (code text PRIMARY KEY, part_of text REFERENCES gis.site ON DELETE CASCADE);
        CREATE TABLE gis.plot (label text PRIMARY KEY, site text REFERENCES gis.site ON DELETE CASCADE);
        CREATE TABLE gis.note (what text, plot text REFERENCES gis.plot ON DELETE SET NULL);
        INSERT INTO gis.site VALUES ('A', NULL), ('B', 'A'), ('C', NULL); INSERT INTO gis.plot VALUES ('1', 'B'), ('2', 'C')";
    let look = |database: &Database| {
        let mut rows = database.rows("SELECT uid, code, part_of FROM gis.site ORDER BY 1");
        rows.extend(database.rows("SELECT uid, label, site FROM gis.plot ORDER BY 1"));
        rows.extend(database.rows("SELECT uid, what, plot FROM gis.note ORDER BY 1"));
        rows
    };
    // The whole tree below A goes in the central; the clone has hung something new into it. What the
    // new row refers to has to stay, and so do the rows above.
    for (new, stay) in [
        ("INSERT INTO gis.plot VALUES ('new', 'A')", 1),
        ("INSERT INTO gis.site VALUES ('new', 'B')", 2),
        ("INSERT INTO gis.note VALUES ('new', '1')", 3),
    ] {
        let central = prepared("central", SITES);
        let clone = clone_of(&central, "clone");
        central.run("DELETE FROM gis.site WHERE code = 'A'");
        clone.run(new);
        let outputs = synchronize(&central, &clone);
        assert_eq!(outputs["SET_ASIDE_CENTRAL"], stay, "{new}");
        assert_eq!(outputs["SET_ASIDE_CLONE"], 1, "{new}");
        assert_eq!(look(&clone).len(), 3 + stay, "{new}");
        assert_eq!(look(&central).len(), 2, "{new}");
        clone.run("DELETE FROM gis.plot WHERE label = 'new'; DELETE FROM gis.site WHERE code = 'new'; DELETE FROM gis.note");
        synchronize(&central, &clone);
        assert_eq!(look(&central), look(&clone));
        assert_eq!(look(&clone).len(), 2);
        assert_eq!(counts(&synchronize(&central, &clone)), [0, 0, 0, 0, 0]);
    }
}

/// Two tables that refer to each other can be filled when one of the keys is checked later.
#[test]
fn tables_that_refer_to_each_other_are_filled_together() {
    let central = prepared("central", "CREATE SCHEMA gis;
        CREATE TABLE gis.team (code text PRIMARY KEY, leader text NOT NULL);
        CREATE TABLE gis.person (name text PRIMARY KEY, team text NOT NULL REFERENCES gis.team DEFERRABLE);
        ALTER TABLE gis.team ADD FOREIGN KEY (leader) REFERENCES gis.person DEFERRABLE");
    let clone = clone_of(&central, "clone");
    let fill = |n: u32| {
        format!(
            "BEGIN; SET CONSTRAINTS ALL DEFERRED; INSERT INTO gis.team VALUES ('t{n}', 'p{n}'); INSERT INTO gis.person VALUES ('p{n}', 't{n}'); COMMIT"
        )
    };
    central.run(&fill(1));
    clone.run(&fill(2));
    assert_eq!(counts(&synchronize(&central, &clone)), [2, 2, 0, 0, 0]);
    for database in [&central, &clone] {
        assert_eq!(
            database.rows("SELECT code, leader FROM gis.team ORDER BY 1"),
            ["t1|p1", "t2|p2"]
        );
    }
}

/// A run that dies after the central has the conflicts, and before the clone forgets them.
#[test]
fn a_conflict_that_is_sent_twice_is_recorded_once() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    clone.run("CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;
        CREATE TRIGGER keep BEFORE DELETE ON lizsync.conflicts FOR EACH ROW EXECUTE FUNCTION public.keep();
        UPDATE gis.tree SET name = 'clone' WHERE name = 'a'");
    central.run("UPDATE gis.tree SET name = 'central' WHERE name = 'a'");
    let recorded = |database: &Database| database.value("SELECT count(*) FROM lizsync.conflicts");
    for _ in 0..2 {
        synchronize(&central, &clone);
        assert_eq!(
            (recorded(&central).as_str(), recorded(&clone).as_str()),
            ("1", "1")
        );
    }
    clone.run("DROP TRIGGER keep ON lizsync.conflicts");
    synchronize(&central, &clone);
    assert_eq!(
        (recorded(&central).as_str(), recorded(&clone).as_str()),
        ("1", "0")
    );
}

/// The same value loses once more, against another edit: that is another conflict.
#[test]
fn a_value_that_loses_twice_is_recorded_twice() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    for n in 1..=2 {
        clone.run("UPDATE gis.tree SET height = 77 WHERE name = 'a'");
        central.run(&format!(
            "UPDATE gis.tree SET height = 100 + {n} WHERE name = 'a'"
        ));
        synchronize(&central, &clone);
        assert_eq!(
            central.value("SELECT count(*) FROM lizsync.conflicts WHERE clone_value = '77'"),
            n.to_string()
        );
    }
}
