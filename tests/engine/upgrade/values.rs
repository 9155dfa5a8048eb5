//! Values, keys and kinds of tables in the former log, and what arrives of them.

use super::fixture::{former, uid};
use super::{Database, synchronize, upgrade};

fn tree(database: &Database, letter: char) {
    database.run(&format!(
        "INSERT INTO gis.tree (uid, name) VALUES ('{}', '{letter}')",
        uid(letter)
    ));
}

#[test]
fn values_that_are_hard_to_write_down() {
    for former in ["0.4.5", "0.7.2"].map(former) {
        let central = former.central("values", None);
        let more = "ALTER TABLE gis.tree ADD COLUMN \"odd \"\"name\"\" =>, \\ é\" text, ADD COLUMN bytes bytea, ADD COLUMN list text[],
            ADD COLUMN at timestamptz, ADD COLUMN day date, ADD COLUMN made integer GENERATED ALWAYS AS (height * 2) STORED,
            ADD COLUMN number double precision, ADD COLUMN data jsonb, ADD COLUMN span interval";
        central.run(more);
        tree(&central, 'A');
        let one = former.clone(&central, "values_one", None);
        for (database, side, letter) in [(&central, "central", 'B'), (&one, "one", 'C')] {
            database.run(&format!(
                r#"INSERT INTO gis.tree (uid, name, height, "odd ""name"" =>, \ é", bytes, list, at, day, number, data, span)
                   VALUES ('{}', E'{side} \' " \\ \n NULL => , \t', 3, 'NULL', '\x00ff5c27', ARRAY['a,b', NULL, '"', '\', ''], 'infinity', '-infinity', 'NaN',
                       '{{"a": "\"", "b": null}}', '1 year -3 days 00:00:00.000001');
                   INSERT INTO gis.tree (uid, name, height, "odd ""name"" =>, \ é", bytes, list, at, day, number, data, span)
                   VALUES ('{}', NULL, NULL, '', '', '{{}}', '0044-03-15 BC', '9999-12-31', 1e-300, 'null', '-178000000 years')"#,
                uid(letter),
                uid(char::from_u32(u32::from(letter) + 10).unwrap())
            ));
        }
        upgrade(&central, None);
        upgrade(&one, None);
        let outputs = synchronize(&central, &one, None);
        assert_eq!(outputs["SET_ASIDE"].as_u64(), Some(0), "{outputs}");
        let all = "SELECT t.uid, public.hstore(t) OPERATOR(public.-) 'id'::text FROM gis.tree AS t ORDER BY 1";
        assert_eq!(central.rows(all).len(), 5);
        assert_eq!(one.rows(all), central.rows(all));
    }
}

#[test]
fn geometries_without_content_and_of_all_kinds() {
    const PLACES: [&str; 7] = [
        "SRID=4326;POINT Z EMPTY",
        "SRID=4326;POLYGON Z EMPTY",
        "SRID=4326;GEOMETRYCOLLECTION Z (POINT Z EMPTY, POINT Z (1 2 3))",
        "SRID=4326;CURVEPOLYGON Z (CIRCULARSTRING Z (0 0 1, 1 1 2, 2 0 1, 1 -1 0, 0 0 1))",
        "SRID=4326;POLYHEDRALSURFACE Z (((0 0 0, 0 0 1, 0 1 0, 0 0 0)))",
        "SRID=4326;TIN Z (((0 0 0, 0 0 1, 0 1 0, 0 0 0)))",
        "SRID=4326;POINT Z (0.1 1e-300 -1.7976931348623157e308)",
    ];
    for version in ["0.4.5", "0.7.2"] {
        let former = former(version);
        let central = former.central("places", None);
        central.run("CREATE EXTENSION postgis SCHEMA public; ALTER TABLE gis.tree ADD COLUMN place public.geometry(GeometryZ, 4326),
            ADD COLUMN around public.geography, ADD COLUMN cover public.box3d");
        tree(&central, 'Z');
        let one = former.clone(&central, "places_one", None);
        for (database, first) in [(&central, 'A'), (&one, 'a')] {
            for (place, letter) in PLACES.iter().zip(first..) {
                database.run(&format!(
                    "SET search_path = public; INSERT INTO gis.tree (uid, place, around, cover) VALUES ('{}', '{place}',
                        CASE WHEN '{place}' ~ 'EMPTY$' THEN 'POINT EMPTY'::geography END, 'BOX3D(0 0 0, 1 1 1)')",
                    uid(letter)
                ));
            }
            database.run("SET search_path = public; UPDATE gis.tree SET place = 'SRID=4326;MULTIPOINT Z (EMPTY)' WHERE place = 'SRID=4326;POINT Z EMPTY'");
        }
        one.run("UPDATE gis.tree SET place = 'SRID=4326;LINESTRING Z EMPTY' WHERE name = 'Z'");
        upgrade(&central, None);
        upgrade(&one, None);
        let outputs = synchronize(&central, &one, None);
        assert_eq!(outputs["SET_ASIDE"].as_u64(), Some(0), "{outputs}");
        let all = "SELECT uid, place::text, around::text, cover::text FROM gis.tree ORDER BY 1";
        assert_eq!(central.rows(all).len(), 2 * PLACES.len() + 1);
        assert_eq!(one.rows(all), central.rows(all));
    }
}

#[test]
fn keys_of_several_columns() {
    for version in ["0.4.5", "0.7.2"] {
        let former = former(version);
        let central = former.central("sampled", None);
        central.run(&format!(
            "CREATE TABLE gis.sample (plot text, nr integer, depth numeric, uid uuid NOT NULL DEFAULT md5(random()::text || clock_timestamp()::text)::uuid,
                PRIMARY KEY (plot, nr));
             CREATE TABLE gis.grain (plot text, nr integer, size integer, uid uuid NOT NULL UNIQUE,
                PRIMARY KEY (plot, nr, size), FOREIGN KEY (plot, nr) REFERENCES gis.sample ON UPDATE CASCADE ON DELETE CASCADE);
             SELECT {log}.audit_table('gis.sample'), {log}.audit_table('gis.grain');
             INSERT INTO gis.sample VALUES ('a', 1, 1.50, '{A}'), ('a', 2, 2, '{B}'), ('b', 1, 3, '{C}');
             INSERT INTO gis.grain VALUES ('a', 1, 7, '{D}'), ('b', 1, 8, '{E}')",
            log = former.log,
            A = uid('A'), B = uid('B'), C = uid('C'), D = uid('D'), E = uid('E'),
        ));
        let one = former.clone(&central, "sampled_one", None);
        if version == "0.7.2" {
            one.run(r#"UPDATE lizsync.synchronized_tables SET sync_tables = sync_tables || '["\"gis\".\"sample\"", "\"gis\".\"grain\""]'"#);
            central.run(r#"UPDATE lizsync.synchronized_tables SET sync_tables = sync_tables || '["\"gis\".\"sample\"", "\"gis\".\"grain\""]'"#);
        }
        // A part of the key changes on one side, the rest of the row on the other; a row goes with those that refer to it.
        central.run("UPDATE gis.sample SET nr = 9 WHERE plot = 'a' AND nr = 1; DELETE FROM gis.sample WHERE plot = 'b'");
        one.run("UPDATE gis.sample SET depth = 1.500 WHERE plot = 'a' AND nr = 1; UPDATE gis.sample SET nr = 3, depth = 5 WHERE plot = 'a' AND nr = 2");
        // The same key twice, for two rows.
        central.run(&format!(
            "INSERT INTO gis.sample VALUES ('c', 1, 1, '{}')",
            uid('F')
        ));
        one.run(&format!(
            "INSERT INTO gis.sample VALUES ('c', 1, 2, '{}')",
            uid('G')
        ));
        upgrade(&central, None);
        upgrade(&one, None);
        let outputs = synchronize(&central, &one, None);
        assert_eq!(outputs["SET_ASIDE"].as_u64(), Some(2), "{outputs}");
        one.run("UPDATE gis.sample SET nr = 2 WHERE plot = 'c'");
        for _ in 0..2 {
            synchronize(&central, &one, None);
        }
        let all = "SELECT plot, nr, depth, uid FROM gis.sample UNION ALL SELECT plot, nr, size, uid FROM gis.grain ORDER BY 4";
        assert_eq!(
            central.rows(all),
            [
                format!("a|9|1.500|{}", uid('A')),
                format!("a|3|5|{}", uid('B')),
                format!("a|9|7|{}", uid('D')),
                format!("c|1|1|{}", uid('F')),
                format!("c|2|2|{}", uid('G')),
            ]
        );
        assert_eq!(one.rows(all), central.rows(all));
        for database in [&central, &one] {
            assert_eq!(
                database.value("SELECT count(*) FROM lizsync.set_aside"),
                "0"
            );
        }
    }
}

#[test]
fn tables_that_inherit_are_captured_before_and_after() {
    for version in ["0.4.5", "0.7.2"] {
        let former = former(version);
        let central = former.central("inherits", None);
        central.run(&format!(
            "CREATE TABLE gis.plant (name text, uid uuid NOT NULL UNIQUE);
             CREATE TABLE gis.fern (leaves integer, UNIQUE (uid)) INHERITS (gis.plant);
             SELECT {log}.audit_table('gis.plant'), {log}.audit_table('gis.fern');
             INSERT INTO gis.plant VALUES ('old plant', '{0}'); INSERT INTO gis.fern VALUES ('old fern', '{1}', 1)",
            uid('O'),
            uid('P'),
            log = former.log
        ));
        let one = former.clone(&central, "inherits_one", None);
        if former.log == "lizsync" {
            for database in [&central, &one] {
                database.run(r#"UPDATE lizsync.synchronized_tables SET sync_tables = sync_tables || '["\"gis\".\"plant\"", "\"gis\".\"fern\""]'"#);
            }
        }
        central.run(&format!(
            "INSERT INTO gis.fern VALUES ('fern', '{}', 3); UPDATE gis.plant SET name = name || '!'",
            uid('A')
        ));
        one.run(&format!(
            "INSERT INTO gis.plant VALUES ('plant', '{}'); UPDATE gis.fern SET leaves = 7",
            uid('B')
        ));
        let both = || {
            let outputs = synchronize(&central, &one, None);
            assert_eq!(outputs["SET_ASIDE"].as_u64(), Some(0), "{outputs}");
            let rows = |database: &Database| {
                let mut rows =
                    database.rows("SELECT tableoid::regclass, * FROM gis.plant ORDER BY uid");
                rows.extend(database.rows("SELECT leaves FROM gis.fern ORDER BY uid"));
                rows
            };
            assert_eq!(rows(&one), rows(&central));
            rows(&central)
        };
        upgrade(&central, None);
        let said = upgrade(&one, None).join("\n");
        assert!(said.contains("gis.fern: new audit triggers"), "{said}");
        let row = |table: &str, name: &str, letter| format!("gis.{table}|{name}|{}", uid(letter));
        assert_eq!(
            both(),
            [
                row("fern", "fern!", 'A'),
                row("plant", "plant", 'B'),
                row("plant", "old plant!", 'O'),
                row("fern", "old fern!", 'P'),
                "3".to_owned(),
                "7".to_owned()
            ]
        );
        one.run("UPDATE gis.plant SET name = 'new'");
        central.run("UPDATE gis.fern SET leaves = 8");
        assert_eq!(both().iter().filter(|row| row.contains("|new|")).count(), 4);
    }
}
