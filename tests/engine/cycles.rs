//! Rows that refer to each other, rules, and domains that refuse null.
#![allow(missing_docs)]

use crate::kinds::compare::travels;
use crate::support::{aside, clone_of, prepared, synchronize};

/// A column that does not travel may be of a domain that refuses null.
#[test]
fn domains_that_refuse_null_in_columns_that_do_not_travel() {
    travels(
        "domain",
        "CREATE SCHEMA gis; CREATE DOMAIN gis.number AS int NOT NULL CHECK (VALUE > 0); CREATE DOMAIN gis.code AS text NOT NULL CHECK (VALUE <> '');
        CREATE SEQUENCE gis.ids; CREATE TABLE gis.t (id gis.number DEFAULT nextval('gis.ids') PRIMARY KEY, name gis.code, double int GENERATED ALWAYS AS (length(name) * 2) STORED)",
        &["INSERT INTO gis.t (name) VALUES ('a'), ('b')", "UPDATE gis.t SET name = name || 'x'", "DELETE FROM gis.t"],
    );
}

/// Rules ran where the edit was made, and their effect is in its log; they must not run again.
#[test]
fn rules_run_only_where_the_edit_is_made() {
    travels(
        "rules",
        "CREATE SCHEMA gis; CREATE TABLE gis.total (what text PRIMARY KEY, trees int); CREATE TABLE gis.old_name (name text, since timestamptz); CREATE TABLE gis.story (id serial PRIMARY KEY, what text);
        CREATE RULE remember AS ON UPDATE TO gis.total DO ALSO INSERT INTO gis.old_name VALUES (OLD.what, now());
        CREATE RULE never AS ON DELETE TO gis.total DO INSTEAD UPDATE gis.total SET trees = NULL WHERE what = OLD.what;
        CREATE RULE also AS ON INSERT TO gis.story DO ALSO UPDATE gis.story SET what = what || '*' WHERE what NOT LIKE '%*'",
        &[
            "INSERT INTO gis.total VALUES ('t', 1), ('u', 2)",
            "UPDATE gis.total SET trees = trees + 1",
            "DELETE FROM gis.total WHERE what = 't'",
            "INSERT INTO gis.story (what) VALUES ('x')",
            "ALTER TABLE gis.total DISABLE RULE never; DELETE FROM gis.total WHERE what = 't'; ALTER TABLE gis.total ENABLE RULE never",
        ],
    );
}

/// A ring whose keys may not be null comes and goes in one statement.
#[test]
fn rings_that_cannot_be_opened() {
    for rule in ["", "ON DELETE CASCADE"] {
        travels(
            "ring",
            &format!(
                "CREATE SCHEMA gis; CREATE TABLE gis.site (code text PRIMARY KEY, next text NOT NULL REFERENCES gis.site {rule})"
            ),
            &[
                "INSERT INTO gis.site VALUES ('a', 'b'), ('b', 'c'), ('c', 'a'), ('x', 'y'), ('y', 'x')",
                "UPDATE gis.site SET next = CASE code WHEN 'a' THEN 'c' WHEN 'b' THEN 'a' ELSE 'b' END WHERE code < 'd'",
                "DELETE FROM gis.site WHERE code < 'd'",
            ],
        );
    }
}

/// Keys that are checked at once, in tables that refer to each other, and deletions of such rows.
#[test]
fn rows_that_refer_to_each_other() {
    for deferrable in ["", "DEFERRABLE"] {
        travels(
            "mutual",
            &format!("CREATE SCHEMA gis;
            CREATE TABLE gis.team (code text PRIMARY KEY, leader text); CREATE TABLE gis.person (code text PRIMARY KEY, team text NOT NULL REFERENCES gis.team {deferrable});
            ALTER TABLE gis.team ADD FOREIGN KEY (leader) REFERENCES gis.person {deferrable};
            CREATE TABLE gis.site (code text PRIMARY KEY, next text REFERENCES gis.site {deferrable}, part_of text REFERENCES gis.site ON DELETE CASCADE)"),
            &[
                "INSERT INTO gis.team VALUES ('t'), ('u'); INSERT INTO gis.person VALUES ('p', 't'), ('q', 'u'); UPDATE gis.team SET leader = CASE code WHEN 't' THEN 'p' ELSE 'q' END",
                "UPDATE gis.team SET leader = CASE code WHEN 't' THEN 'q' ELSE 'p' END",
                "UPDATE gis.team SET leader = NULL WHERE code = 't'; DELETE FROM gis.team WHERE false; DELETE FROM gis.person WHERE code = 'q'",
                "UPDATE gis.team SET leader = 'p' WHERE code = 't'; UPDATE gis.team SET leader = NULL WHERE code = 'u'; DELETE FROM gis.team WHERE code = 'u'",
                "UPDATE gis.team SET leader = NULL; DELETE FROM gis.person; DELETE FROM gis.team",
                // Rows of one table in a ring.
                "INSERT INTO gis.site VALUES ('z', NULL, NULL), ('y', NULL, NULL), ('x', NULL, 'y'); UPDATE gis.site SET next = CASE code WHEN 'x' THEN 'y' WHEN 'y' THEN 'z' ELSE 'x' END, part_of = CASE code WHEN 'x' THEN 'y' ELSE 'z' END",
                "UPDATE gis.site SET next = NULL; DELETE FROM gis.site WHERE code = 'z'",
                "INSERT INTO gis.site VALUES ('b', 'b', 'b'), ('a', 'b', NULL)",
                "UPDATE gis.site SET next = 'a'; DELETE FROM gis.site",
            ],
        );
    }
}

/// A row of a ring is refused; another one, whose partner comes later, is not taken for an orphan.
#[test]
fn a_ring_beside_a_row_that_is_refused() {
    for (checked, other) in [("a", "b"), ("b", "a")] {
        let central = prepared(
            "central",
            "CREATE SCHEMA gis; CREATE TABLE gis.a (code text PRIMARY KEY, partner text NOT NULL);
             CREATE TABLE gis.b (code text PRIMARY KEY, partner text NOT NULL REFERENCES gis.a DEFERRABLE INITIALLY DEFERRED);
             ALTER TABLE gis.a ADD FOREIGN KEY (partner) REFERENCES gis.b DEFERRABLE INITIALLY DEFERRED",
        );
        let clone = clone_of(&central, "clone");
        central.run(&format!(
            "ALTER TABLE gis.{checked} ADD CHECK (code <> 'bad')"
        ));
        clone.run(
            "BEGIN; INSERT INTO gis.a VALUES ('good', 'good'), ('bad', 'bad'); INSERT INTO gis.b SELECT * FROM gis.a; COMMIT",
        );
        synchronize(&central, &clone);
        let mut refused = [
            format!("clone|{checked}|I|23514|{checked}_code_check"),
            format!("clone|{other}|I|23503|{other}_partner_fkey"),
        ];
        refused.sort();
        assert_eq!(aside(&clone), refused);
        assert_eq!(
            central.rows("SELECT code FROM gis.a JOIN gis.b USING (code)"),
            ["good"]
        );
    }
}

/// Tables of nothing but references to each other: the columns that are written late are all that is edited.
#[test]
fn tables_of_nothing_but_references() {
    let uid = "uid uuid NOT NULL UNIQUE DEFAULT md5(random()::text || clock_timestamp())::uuid";
    travels(
        "bare",
        &format!(
            "CREATE SCHEMA gis; CREATE TABLE gis.a (id serial PRIMARY KEY, {uid}); CREATE TABLE gis.b (id serial PRIMARY KEY, {uid}, a uuid REFERENCES gis.a (uid));
            ALTER TABLE gis.a ADD b uuid REFERENCES gis.b (uid)"
        ),
        &[
            "INSERT INTO gis.a DEFAULT VALUES; INSERT INTO gis.b (a) SELECT uid FROM gis.a",
            "UPDATE gis.a SET b = (SELECT uid FROM gis.b)",
            "UPDATE gis.a SET b = NULL",
            "UPDATE gis.b SET a = NULL; UPDATE gis.a SET b = (SELECT uid FROM gis.b)",
        ],
    );
}
