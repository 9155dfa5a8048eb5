//! Triggers, views and functions of the user's own: what they change travels, and only once.

use super::compare::{converge, pair, travels};
use crate::support::Database;

const TREES: &str = "CREATE SCHEMA gis;
    CREATE TABLE gis.tree (id serial PRIMARY KEY, name text, label text, edits int NOT NULL DEFAULT 0, edited_at timestamptz DEFAULT now(), uid uuid NOT NULL UNIQUE DEFAULT gen_random_uuid());
    CREATE TABLE gis.story (id serial PRIMARY KEY, what text);
    CREATE TABLE gis.total (what text PRIMARY KEY, trees bigint);
    CREATE TABLE gis.parts (kind int, name text, label text, uid uuid NOT NULL DEFAULT gen_random_uuid()) PARTITION BY LIST (kind);
    CREATE TABLE gis.part_1 PARTITION OF gis.parts FOR VALUES IN (1); CREATE TABLE gis.part_n PARTITION OF gis.parts DEFAULT;";

/// The functions that the tests use as triggers.
const FUNCTIONS: &str = "
    CREATE FUNCTION gis.stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.edited_at := now(); NEW.edits := NEW.edits + 1; RETURN NEW; END $$;
    CREATE FUNCTION gis.label() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('UPDATE %I.%I SET label = upper(name) || random() WHERE uid = $1', TG_TABLE_SCHEMA, TG_TABLE_NAME) USING NEW.uid; RETURN NULL; END $$;
    CREATE FUNCTION gis.all_labels() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE gis.tree SET label = TG_OP || random(); RETURN NULL; END $$;
    CREATE FUNCTION gis.tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO gis.story (what) VALUES (TG_OP || TG_WHEN || random()); IF TG_WHEN = 'AFTER' OR TG_LEVEL = 'STATEMENT' THEN RETURN NULL; ELSIF TG_OP = 'DELETE' THEN RETURN OLD; ELSE RETURN NEW; END IF; END $$;
    CREATE FUNCTION gis.sum() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO gis.total SELECT 'trees', count(*) FROM gis.tree ON CONFLICT (what) DO UPDATE SET trees = excluded.trees; RETURN NULL; END $$;";

const EDITS: [&str; 7] = [
    "INSERT INTO gis.tree (name) VALUES ('oak'), ('ash'), ('elm')",
    "UPDATE gis.tree SET name = name || '1' WHERE name <> 'elm'",
    "INSERT INTO gis.tree (id, name) SELECT id, 'conflict' FROM gis.tree WHERE name = 'elm' UNION ALL SELECT 1000, 'plane' ON CONFLICT (id) DO UPDATE SET name = excluded.name",
    "WITH one AS (UPDATE gis.tree SET name = 'with' WHERE name = 'conflict' RETURNING 1) INSERT INTO gis.tree (name) SELECT 'fir' FROM one",
    "DO $$ BEGIN FOR i IN 1..3 LOOP UPDATE gis.tree SET name = 'loop' || i; END LOOP; END $$",
    "BEGIN; UPDATE gis.tree SET name = 'x' WHERE id < 3; INSERT INTO gis.tree (name) VALUES ('y'); DELETE FROM gis.tree WHERE id < 2; COMMIT",
    "DELETE FROM gis.tree WHERE name IN ('x', 'y')",
];

fn edited_under(triggers: &str) {
    travels("own", &format!("{TREES}{FUNCTIONS}{triggers}"), &EDITS);
}

#[test]
fn stamps_before_each_row() {
    edited_under(
        "CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.stamp()",
    );
}

/// Of names that come before and after ours, of any time and level.
#[test]
fn triggers_that_change_the_same_rows_again() {
    edited_under("CREATE TRIGGER a_label AFTER INSERT OR UPDATE OF name ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.label();
        CREATE TRIGGER stamp BEFORE UPDATE ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.stamp();
        CREATE TRIGGER z_label AFTER INSERT OR UPDATE OF name ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.label()");
    for name in ["a_all", "z_all"] {
        edited_under(&format!(
            "CREATE TRIGGER {name} AFTER INSERT OR DELETE OR UPDATE ON gis.tree FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION gis.all_labels()"
        ));
    }
    edited_under(
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON gis.tree DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION gis.label()",
    );
}

#[test]
fn triggers_that_write_other_tables() {
    edited_under("CREATE TRIGGER tell_before BEFORE INSERT OR UPDATE OR DELETE ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.tell();
        CREATE TRIGGER tell_after AFTER INSERT OR UPDATE OR DELETE ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.tell();
        CREATE TRIGGER tell_statement BEFORE INSERT OR UPDATE OR DELETE ON gis.tree FOR EACH STATEMENT EXECUTE FUNCTION gis.tell();
        CREATE TRIGGER tell_cut BEFORE TRUNCATE ON gis.tree FOR EACH STATEMENT EXECUTE FUNCTION gis.tell();
        CREATE TRIGGER sum AFTER INSERT OR DELETE OR TRUNCATE ON gis.tree FOR EACH STATEMENT EXECUTE FUNCTION gis.sum();
        ALTER TABLE gis.tree ENABLE ALWAYS TRIGGER tell_after");
}

#[test]
fn triggers_that_delete_refuse_or_bring_back() {
    let schema = format!("{TREES}
        CREATE FUNCTION gis.judge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.name = 'bad' THEN DELETE FROM gis.tree WHERE uid = NEW.uid; ELSIF NEW.name = 'twin' THEN INSERT INTO gis.tree (name) VALUES ('copy');
            ELSIF NEW.name = 'other' AND pg_trigger_depth() = 1 THEN UPDATE gis.tree SET uid = gen_random_uuid() WHERE uid = NEW.uid; END IF; RETURN NULL; END $$;
        CREATE FUNCTION gis.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF OLD.name = 'kept' THEN INSERT INTO gis.tree (name, uid) VALUES ('kept again', OLD.uid); END IF; RETURN NULL; END $$;
        CREATE FUNCTION gis.skip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.name = 'skipped' THEN RETURN NULL; END IF; RETURN NEW; END $$;
        CREATE TRIGGER judge AFTER INSERT OR UPDATE ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.judge();
        CREATE TRIGGER keep AFTER DELETE ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.keep();
        CREATE TRIGGER skip BEFORE INSERT OR UPDATE ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.skip()");
    travels(
        "judged",
        &schema,
        &[
            "INSERT INTO gis.tree (name) VALUES ('bad'), ('good'), ('twin'), ('skipped'), ('kept'), ('other')",
            "UPDATE gis.tree SET name = 'bad' WHERE name = 'good'; UPDATE gis.tree SET name = 'skipped', edits = 5 WHERE name = 'twin'",
            "DELETE FROM gis.tree WHERE name IN ('kept', 'copy')",
            "UPDATE gis.tree SET edits = edits + 1",
        ],
    );
}

#[test]
fn triggers_of_partitioned_tables() {
    // Of a name that comes before ours, and of one that comes after.
    for name in ["a_label", "z_label"] {
        travels(
            "parted",
            &format!(
                "{TREES}{FUNCTIONS}
                CREATE TRIGGER {name} AFTER INSERT OR UPDATE OF name ON gis.parts FOR EACH ROW EXECUTE FUNCTION gis.label();
                CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON gis.part_1 FOR EACH ROW EXECUTE FUNCTION gis.tell();
                CREATE TRIGGER tell_all BEFORE UPDATE ON gis.parts FOR EACH STATEMENT EXECUTE FUNCTION gis.tell()"
            ),
            &[
                "INSERT INTO gis.parts VALUES (1, 'a'), (2, 'b'), (1, 'c')",
                "UPDATE gis.parts SET name = name || '1', label = 'by hand'",
                "UPDATE gis.parts SET kind = 3 - kind, name = name || '2', label = 'by hand'",
                "DELETE FROM gis.parts WHERE kind = 1",
            ],
        );
    }
}

/// They run inside the statement that calls them, so what they change is logged before it.
#[test]
fn functions_that_a_statement_calls() {
    travels(
        "called",
        &format!("{TREES}
        CREATE FUNCTION gis.relabel(row_uid uuid) RETURNS text LANGUAGE plpgsql AS $$ DECLARE new text; BEGIN UPDATE gis.tree SET label = 'relabelled ' || name WHERE uid = row_uid RETURNING label INTO new; RETURN new; END $$;
        CREATE FUNCTION gis.relabel_part(row_uid uuid) RETURNS text LANGUAGE sql AS $$ UPDATE gis.parts SET label = 'relabelled ' || name WHERE uid = row_uid RETURNING label $$;
        CREATE FUNCTION gis.remove(row_uid uuid) RETURNS void LANGUAGE sql AS $$ DELETE FROM gis.tree WHERE uid = row_uid $$;
        CREATE FUNCTION gis.next() RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO gis.story (what) VALUES ('next'); RETURN 'next'; END $$;
        ALTER TABLE gis.tree ALTER COLUMN name SET DEFAULT gis.next()"),
        &[
            "INSERT INTO gis.tree (name, label) VALUES ('oak', 'plain'), ('ash', 'plain') RETURNING gis.relabel(uid)",
            "UPDATE gis.tree SET label = 'updated', name = name || '1' RETURNING gis.relabel(uid)",
            "WITH new AS (INSERT INTO gis.tree (name, label) VALUES ('elm', 'plain') RETURNING uid) SELECT gis.relabel(uid) FROM new",
            "INSERT INTO gis.parts VALUES (1, 'a', 'plain'), (2, 'b', 'plain') RETURNING gis.relabel_part(uid)",
            "UPDATE gis.parts SET label = 'updated', kind = 3 - kind RETURNING gis.relabel_part(uid)",
            "INSERT INTO gis.tree DEFAULT VALUES; INSERT INTO gis.tree (label) SELECT gis.next()",
            "INSERT INTO gis.tree (name) VALUES ('short')",
            "INSERT INTO gis.tree (name) VALUES ('brief'), ('stays') RETURNING gis.remove(CASE WHEN name = 'brief' THEN uid END)",
            "UPDATE gis.tree SET edits = 8 RETURNING gis.remove(CASE WHEN name = 'short' THEN uid END)",
        ],
    );
}

#[test]
fn views_that_write() {
    travels(
        "views",
        &format!("{TREES}
        CREATE VIEW gis.simple AS SELECT uid, id, name FROM gis.tree WHERE name <> 'hidden' WITH CHECK OPTION;
        CREATE VIEW gis.joined AS SELECT t.uid, t.name, s.what FROM gis.tree t LEFT JOIN gis.story s ON s.id = t.id;
        CREATE FUNCTION gis.instead() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF TG_OP = 'INSERT' THEN INSERT INTO gis.tree (name) VALUES (NEW.name) RETURNING uid INTO NEW.uid; INSERT INTO gis.story (id, what) SELECT id, NEW.what FROM gis.tree WHERE uid = NEW.uid; RETURN NEW;
            ELSIF TG_OP = 'UPDATE' THEN UPDATE gis.tree SET name = NEW.name WHERE uid = OLD.uid; UPDATE gis.story SET what = NEW.what WHERE id = (SELECT id FROM gis.tree WHERE uid = OLD.uid); RETURN NEW;
            ELSE DELETE FROM gis.story WHERE id = (SELECT id FROM gis.tree WHERE uid = OLD.uid); DELETE FROM gis.tree WHERE uid = OLD.uid; RETURN OLD; END IF; END $$;
        CREATE TRIGGER instead INSTEAD OF INSERT OR UPDATE OR DELETE ON gis.joined FOR EACH ROW EXECUTE FUNCTION gis.instead()"),
        &[
            "INSERT INTO gis.simple (name) VALUES ('a'), ('b'); UPDATE gis.simple SET name = 'c' WHERE name = 'a'; DELETE FROM gis.simple WHERE name = 'b'",
            "INSERT INTO gis.joined (name, what) VALUES ('j', 'w'), ('k', 'v')",
            "UPDATE gis.joined SET name = name || '1', what = what || '1'",
            "DELETE FROM gis.joined WHERE name = 'k1'",
        ],
    );
}

/// Both sides edit under triggers, and every run that follows is idle.
#[test]
fn nothing_ping_pongs() {
    let (central, clone) = pair("pong", &format!("{TREES}{FUNCTIONS}
        CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.stamp();
        CREATE TRIGGER label AFTER INSERT OR UPDATE OF name ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.label();
        CREATE TRIGGER sum AFTER INSERT OR DELETE ON gis.tree FOR EACH STATEMENT EXECUTE FUNCTION gis.sum();
        INSERT INTO gis.tree (name) VALUES ('a'), ('b')"));
    let edit = |database: &Database, value: &str| {
        database.run(&format!("UPDATE gis.tree SET name = '{value}' WHERE id = 1; INSERT INTO gis.tree (name) VALUES ('{value}')"));
    };
    for round in 0..3 {
        edit(&central, &format!("central {round}"));
        edit(&clone, &format!("clone {round}"));
        assert!(converge(&central, &clone)[2] > 0);
    }
    assert_eq!(
        central.value("SELECT count(*), (SELECT count(*) FROM gis.story) FROM gis.tree"),
        "8|0"
    );
}
