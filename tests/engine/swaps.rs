//! Unique codes that are freed and used again or swap between rows: what needs an order of writing that is
//! not the order of the edits.
#![allow(missing_docs)]

use crate::kinds::compare::{converge, pair, travels};
use crate::support::Database;

/// Edits of a column `c` of table gis.t, unique in some way; `A` to `E` stand for its values. The name
/// of a row stays with it.
const MOVES: [&str; 8] = [
    "INSERT INTO gis.t (name, c) VALUES ('1', A), ('2', B), ('3', C)",
    // A swap of two, a rotation of three, a chain: the first takes a code that the second leaves.
    "SWAP 1 B 2 A",
    "SWAP 1 C 2 B 3 A",
    "SWAP 1 B 2 D",
    // Freed by a deletion and used by an insertion, by an update; freed by an update and used by an insertion.
    "DELETE FROM gis.t WHERE name = '3'; INSERT INTO gis.t (name, c) VALUES ('4', A)",
    "DELETE FROM gis.t WHERE name = '2'; UPDATE gis.t SET c = D WHERE name = '4'",
    "UPDATE gis.t SET c = E WHERE name = '4'; INSERT INTO gis.t (name, c) VALUES ('5', D)",
    // All at once.
    "SWAP 1 E 4 D 5 B; INSERT INTO gis.t (name, c) VALUES ('6', A)",
];

/// The moves for five values. A swap goes over values that nothing else has.
fn moves(values: [&str; 5], spare: &dyn Fn(usize) -> String) -> Vec<String> {
    let value = |letter: &str| values[(letter.as_bytes()[0] - b'A') as usize].to_owned();
    MOVES
        .iter()
        .map(|step| {
            let statements: Vec<String> = step
                .split("; ")
                .map(|statement| {
                    let Some(pairs) = statement.strip_prefix("SWAP ") else {
                        return ["A", "B", "C", "D", "E"].iter().fold(
                            statement.to_owned(),
                            |sql, letter| {
                                ["(", ", ", "= "].iter().fold(sql, |sql, before| {
                                    [")", " "].iter().fold(sql, |sql, after| {
                                        sql.replace(
                                            &format!("{before}{letter}{after}"),
                                            &format!("{before}{}{after}", value(letter)),
                                        )
                                    })
                                })
                            },
                        );
                    };
                    let words: Vec<&str> = pairs.split(' ').collect();
                    let mut sql = vec!["BEGIN".to_owned()];
                    for (number, pair) in words.chunks(2).enumerate() {
                        sql.push(format!(
                            "UPDATE gis.t SET c = {} WHERE name = '{}'",
                            spare(number),
                            pair[0]
                        ));
                    }
                    for pair in words.chunks(2) {
                        sql.push(format!(
                            "UPDATE gis.t SET c = {} WHERE name = '{}'",
                            value(pair[1]),
                            pair[0]
                        ));
                    }
                    sql.push("COMMIT".to_owned());
                    sql.join("; ")
                })
                .collect();
            statements.join("; ")
        })
        .collect()
}

fn moved(kind: &str, rest: &str, values: [&str; 5], spare: &dyn Fn(usize) -> String) {
    let schema = format!(
        "CREATE SCHEMA gis; CREATE TABLE gis.t (id serial PRIMARY KEY, name text, c {kind}); {rest}"
    );
    let moves = moves(values, spare);
    let edits: Vec<&str> = moves.iter().map(String::as_str).collect();
    travels("moved", &schema, &edits);
}

#[test]
fn codes_move_in_nullable_columns() {
    moved(
        "text UNIQUE",
        "",
        ["'a'", "'b'", "'c'", "'d'", "'e'"],
        &|n| format!("'spare {n}'"),
    );
    moved(
        "text UNIQUE",
        "",
        ["'a'", "'b'", "'c'", "'d'", "'e'"],
        &|_| "NULL".into(),
    );
}

#[test]
fn codes_move_in_columns_that_refuse_null() {
    moved(
        "text UNIQUE NOT NULL",
        "",
        ["''", "'b'", "'c'", "'d'", "'e'"],
        &|n| format!("'spare {n}'"),
    );
    moved(
        "varchar(3) UNIQUE NOT NULL",
        "",
        ["'aaa'", "'bbb'", "'ccc'", "'ddd'", "'eee'"],
        &|n| format!("'{n}'"),
    );
    moved(
        "int UNIQUE NOT NULL CHECK (c > 0)",
        "",
        ["1", "2", "3", "4", "2147483647"],
        &|n| format!("{}", n + 100),
    );
    moved(
        "smallint UNIQUE NOT NULL",
        "",
        ["1", "2", "3", "32767", "-32768"],
        &|n| format!("{}", n + 100),
    );
}

#[test]
fn dates_uuids_and_enums_move() {
    moved(
        "date UNIQUE NOT NULL",
        "",
        [
            "'2026-01-01'",
            "'2026-01-02'",
            "'infinity'",
            "'-infinity'",
            "'2026-01-05'",
        ],
        &|n| format!("'2000-01-0{}'", n + 1),
    );
    let uuid = |n: &str| format!("'00000000-0000-0000-0000-00000000000{n}'");
    let uuids = ["1", "2", "3", "4", "5"].map(uuid);
    moved(
        "uuid UNIQUE NOT NULL",
        "",
        [0, 1, 2, 3, 4].map(|at: usize| uuids[at].as_str()),
        &|n| format!("'00000000-0000-0000-0000-0000000000a{n}'"),
    );
    moved(
        "text NOT NULL",
        "CREATE TYPE gis.e AS ENUM ('a', 'b', 'c', 'd', 'e', 'x', 'y', 'z'); ALTER TABLE gis.t ALTER c TYPE gis.e USING c::gis.e; ALTER TABLE gis.t ADD UNIQUE (c)",
        ["'a'", "'b'", "'c'", "'d'", "'e'"],
        &|n| format!("'{}'", ["x", "y", "z"][n]),
    );
}

/// Rules about the form of a code, which the stand-ins have to keep as well.
#[test]
fn codes_move_under_checks() {
    moved(
        "text UNIQUE NOT NULL CHECK (c ~ '^[A-Z]{2}-[0-9]+[a-z]?$')",
        "",
        ["'AA-1'", "'BB-2'", "'CC-3'", "'DD-4x'", "'EE-55'"],
        &|n| format!("'ZZ-{n}0'"),
    );
    moved(
        "int UNIQUE NOT NULL CHECK (c BETWEEN 100 AND 110)",
        "",
        ["100", "101", "102", "109", "110"],
        &|n| format!("{}", n + 104),
    );
}

#[test]
fn codes_move_under_other_kinds_of_uniqueness() {
    let letters = ["'a'", "'b'", "'c'", "'d'", "'e'"];
    let spare = |n: usize| format!("'spare {n}'");
    moved(
        "text NOT NULL",
        "ALTER TABLE gis.t ADD part int NOT NULL DEFAULT 1, ADD UNIQUE (part, c)",
        letters,
        &spare,
    );
    moved(
        "text NOT NULL",
        "CREATE UNIQUE INDEX ON gis.t (lower(c))",
        ["'A'", "'b'", "'C'", "'d'", "'E'"],
        &spare,
    );
    moved(
        "text NOT NULL",
        "ALTER TABLE gis.t ADD valid boolean NOT NULL DEFAULT true; CREATE UNIQUE INDEX ON gis.t (c) WHERE valid",
        letters,
        &spare,
    );
    moved("text NOT NULL UNIQUE DEFERRABLE", "", letters, &spare);
    moved(
        "text NOT NULL",
        "ALTER TABLE gis.t ADD g text GENERATED ALWAYS AS (c || '!') STORED UNIQUE",
        letters,
        &spare,
    );
    moved(
        "int4range NOT NULL",
        "ALTER TABLE gis.t ADD EXCLUDE USING gist (c WITH &&)",
        [
            "'[1,10)'",
            "'[10,20)'",
            "'[20,30)'",
            "'[30,40)'",
            "'[40,50)'",
        ],
        &|n| ["'[900,910)'", "'[910,920)'", "'[920,930)'"][n].into(),
    );
}

/// Two columns of one constraint, of which each alone stays.
#[test]
fn halves_of_a_code_swap() {
    travels(
        "halves",
        "CREATE SCHEMA gis; CREATE TABLE gis.t (id serial PRIMARY KEY, name text, a int NOT NULL, b text NOT NULL, UNIQUE (a, b), UNIQUE (b, a))",
        &[
            "INSERT INTO gis.t (name, a, b) VALUES ('1', 1, 'x'), ('2', 1, 'y'), ('3', 2, 'x'), ('4', 2, 'y')",
            "BEGIN; UPDATE gis.t SET a = a + 10 WHERE b = 'x'; UPDATE gis.t SET b = 'x' WHERE b = 'y'; UPDATE gis.t SET b = 'y', a = a - 10 WHERE a > 10; COMMIT",
            "BEGIN; UPDATE gis.t SET a = -a; UPDATE gis.t SET a = 3 + a; COMMIT",
        ],
    );
}

/// A row carries two unique columns that swap with different rows, or leaves the index's condition.
#[test]
fn several_constraints_at_once() {
    travels(
        "several",
        "CREATE SCHEMA gis; CREATE TABLE gis.t (id serial PRIMARY KEY, name text, a int UNIQUE NOT NULL, b text UNIQUE NOT NULL, main boolean NOT NULL DEFAULT false);
        CREATE UNIQUE INDEX ON gis.t (main) WHERE main",
        &[
            "INSERT INTO gis.t (name, a, b, main) VALUES ('1', 1, 'x', true), ('2', 2, 'y', false), ('3', 3, 'z', false)",
            "BEGIN; UPDATE gis.t SET a = -a, b = b || '!'; UPDATE gis.t SET a = 3 + a + 1 WHERE name < '4'; UPDATE gis.t SET b = CASE name WHEN '1' THEN 'y' WHEN '2' THEN 'z' ELSE 'x' END; COMMIT",
            "BEGIN; UPDATE gis.t SET main = false; UPDATE gis.t SET main = true WHERE name = '3'; COMMIT",
            "BEGIN; UPDATE gis.t SET main = false; INSERT INTO gis.t (name, a, b, main) VALUES ('4', 9, 'n', true); COMMIT",
        ],
    );
}

const TYPED: &str = "CREATE SCHEMA gis;
    CREATE TABLE gis.site (code text PRIMARY KEY, name text);
    CREATE TABLE gis.follows (id serial PRIMARY KEY, site text REFERENCES gis.site ON UPDATE CASCADE, n int);
    CREATE TABLE gis.stays (id serial PRIMARY KEY, site text REFERENCES gis.site, n int)";

#[test]
fn typed_keys_swap_with_their_children() {
    travels(
        "typed",
        TYPED,
        &[
            "INSERT INTO gis.site VALUES ('a', '1'), ('b', '2'), ('c', '3'); INSERT INTO gis.follows (site, n) VALUES ('a', 1), ('b', 2), ('c', 3)",
            "BEGIN; UPDATE gis.site SET code = 'x' WHERE name = '1'; UPDATE gis.site SET code = 'a' WHERE name = '2'; UPDATE gis.site SET code = 'b' WHERE name = '1'; COMMIT",
            "INSERT INTO gis.stays (site, n) VALUES ('a', 2), ('b', 1), ('c', 3)",
            // NO ACTION: the children are set by hand.
            "BEGIN; UPDATE gis.stays SET site = NULL; UPDATE gis.site SET code = code || 'x'; UPDATE gis.site SET code = CASE name WHEN '1' THEN 'a' WHEN '2' THEN 'c' ELSE 'b' END;
             UPDATE gis.stays SET site = s.code FROM gis.site s WHERE s.name = n::text; COMMIT",
            // NO ACTION: the children stay with the code, whichever row bears it.
            "BEGIN; UPDATE gis.stays SET n = 9 WHERE false; UPDATE gis.stays SET site = NULL; UPDATE gis.site SET code = code || 'x' WHERE code IN ('a', 'b'); UPDATE gis.site SET code = CASE code WHEN 'ax' THEN 'b' ELSE 'a' END WHERE code ~ 'x';
             UPDATE gis.stays SET site = CASE n WHEN 1 THEN 'a' WHEN 2 THEN 'c' ELSE 'b' END; COMMIT",
        ],
    );
}

#[test]
fn a_code_that_children_refer_to_is_freed_and_used_again() {
    travels(
        "freed",
        TYPED,
        &[
            "INSERT INTO gis.site VALUES ('a', '1'), ('b', '2'); INSERT INTO gis.stays (site, n) VALUES ('a', 1), ('a', 2)",
            // The children go to another row, the code to a new one, and they come back to it.
            "BEGIN; UPDATE gis.stays SET site = 'b'; DELETE FROM gis.site WHERE code = 'a'; INSERT INTO gis.site VALUES ('a', 'new'); COMMIT",
            "BEGIN; UPDATE gis.stays SET site = 'a'; COMMIT",
            "BEGIN; UPDATE gis.stays SET site = 'b'; DELETE FROM gis.site WHERE code = 'a'; INSERT INTO gis.site VALUES ('a', 'newer'); UPDATE gis.stays SET site = 'a'; COMMIT",
            "BEGIN; UPDATE gis.stays SET site = 'b'; DELETE FROM gis.site WHERE code = 'a'; UPDATE gis.stays SET site = NULL; UPDATE gis.site SET code = 'a' WHERE code = 'b'; UPDATE gis.stays SET site = 'a' WHERE n = 2; COMMIT",
        ],
    );
    // The uid of a row with a unique code, which others refer to by the uid.
    travels(
        "freed",
        "CREATE SCHEMA gis; CREATE TABLE gis.site (uid uuid PRIMARY KEY DEFAULT md5(random()::text)::uuid, code text UNIQUE NOT NULL); CREATE TABLE gis.plot (site uuid REFERENCES gis.site ON UPDATE CASCADE ON DELETE CASCADE)",
        &[
            "INSERT INTO gis.site (code) VALUES ('a'), ('b'); INSERT INTO gis.plot SELECT uid FROM gis.site",
            "UPDATE gis.site SET uid = md5(random()::text)::uuid",
            "DELETE FROM gis.site WHERE code = 'a'; INSERT INTO gis.site (code) VALUES ('a')",
        ],
    );
}

/// The children are edited, but not their reference.
#[test]
fn children_keep_a_code_that_swaps() {
    travels(
        "kept",
        "CREATE SCHEMA gis; CREATE TABLE gis.site (code text PRIMARY KEY, name text);
         CREATE TABLE gis.plot (id serial PRIMARY KEY, site text REFERENCES gis.site DEFERRABLE, n int)",
        &[
            "INSERT INTO gis.site VALUES ('a', '1'), ('b', '2'); INSERT INTO gis.plot (site, n) VALUES ('a', 1), ('b', 2)",
            "BEGIN; SET CONSTRAINTS ALL DEFERRED; UPDATE gis.plot SET n = n + 10; UPDATE gis.site SET code = code || 'x'; UPDATE gis.site SET code = CASE code WHEN 'ax' THEN 'b' ELSE 'a' END; COMMIT",
        ],
    );
}

/// The two sides swap different pairs, and one side a code that the other has just taken from a third row.
#[test]
fn both_sides_swap() {
    let (central, clone) = pair("both", "CREATE SCHEMA gis; CREATE TABLE gis.t (id serial PRIMARY KEY, name text, c text UNIQUE NOT NULL);
        INSERT INTO gis.t (name, c) SELECT n, n FROM generate_series(1, 6) n");
    let swap = |database: &Database, one: u32, other: u32| {
        database.run(&format!("BEGIN; UPDATE gis.t SET c = c || 'x' WHERE name IN ('{one}', '{other}'); UPDATE gis.t SET c = '{other}' WHERE name = '{one}'; UPDATE gis.t SET c = '{one}' WHERE name = '{other}'; COMMIT"));
    };
    swap(&central, 1, 2);
    swap(&clone, 3, 4);
    converge(&central, &clone);
    // The same swap on both sides is no conflict.
    swap(&central, 5, 6);
    swap(&clone, 5, 6);
    assert_eq!(converge(&central, &clone)[2], 0);
    assert_eq!(
        central.rows("SELECT c FROM gis.t ORDER BY name"),
        ["2", "1", "4", "3", "6", "5"]
    );
}
