//! The map of the HTML report. These tests need PostGIS.
#![allow(missing_docs)]

use std::fs;

use crate::support::{Database, clone_of, prepared, run};
use serde_json::json;

/// A run with a report; its page.
fn report(central: &Database, clone: &Database) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let parameters = json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo(),
        "REPORT": path});
    run("synchronize_database", parameters).unwrap_or_else(|error| panic!("{}", error.sentence()));
    fs::read_to_string(path).unwrap()
}

/// What the map says below itself, and how many points it has: to the clone and to the central, each new,
/// changed, deleted.
fn map(page: &str) -> (String, [usize; 6]) {
    let (_, figure) = page.split_once("<figure").expect(page);
    let (figure, _) = figure.split_once("</figure>").unwrap();
    let (picture, rest) = figure.split_once("</svg>").unwrap();
    let (_, caption) = rest.split_once("<figcaption>").unwrap();
    let points = |class: &str, what: &str| {
        let layers = picture
            .split("<path ")
            .filter(|path| path.contains(class) && path.contains(what));
        layers.map(|path| path.matches('M').count()).sum()
    };
    let counts = [
        points("\"to-clone\"", ": new"),
        points("\"to-clone\"", ": changed"),
        points("\"to-clone\"", ": deleted"),
        points("\"to-central\"", ": new"),
        points("\"to-central\"", ": changed"),
        points("\"to-central\"", ": deleted"),
    ];
    (caption.split('<').next().unwrap().to_owned(), counts)
}

const TREES: &str = "CREATE EXTENSION postgis; CREATE SCHEMA gis;
    CREATE TABLE gis.tree (name text PRIMARY KEY, geom geometry(Point, 2154));
    INSERT INTO gis.tree SELECT n::text, ST_SetSRID(ST_MakePoint(652000 + 10 * n, 6861000 + 7 * n), 2154) FROM generate_series(1, 100) AS n";

#[test]
fn each_changed_feature_is_a_point() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    central.run(
        "DELETE FROM gis.tree WHERE name IN ('1', '2', '3'); UPDATE gis.tree SET name = 'x' || name WHERE name > '90';
         INSERT INTO gis.tree VALUES ('new', 'SRID=2154;POINT(652500 6861500)'), ('nowhere', NULL)",
    );
    clone.run("UPDATE gis.tree SET geom = ST_Translate(geom, 1, 1) WHERE name IN ('10', '11'); DELETE FROM gis.tree WHERE name = '50'");
    let page = report(&central, &clone);
    let (caption, counts) = map(&page);
    assert_eq!(counts, [1, 9, 3, 0, 2, 1], "{page}");
    assert!(
        caption.starts_with("16 changed features with a place. x 65"),
        "{caption}"
    );
    assert!(caption.contains("EPSG:2154 (RGF93"), "{caption}");
    assert!(page.contains(" m</text>") && page.contains("other features"));
}

#[test]
fn several_reference_systems_become_one() {
    let central = prepared(
        "central",
        "CREATE SCHEMA ext; CREATE EXTENSION postgis SCHEMA ext; CREATE SCHEMA gis;
         CREATE TABLE gis.plot (name text, shape ext.geometry);
         CREATE TABLE gis.city (name text, place ext.geography(Point));
         CREATE TABLE gis.plain (name text)",
    );
    let clone = clone_of(&central, "clone");
    clone.run(
        "SET search_path = gis, ext;
         INSERT INTO plot SELECT 'plot', ST_SetSRID(ST_Buffer(ST_MakePoint(700000 + n, 6600000), 5), 2154) FROM generate_series(1, 5) AS n;
         INSERT INTO plot VALUES ('curve', 'SRID=2154;CIRCULARSTRING(700000 6600000, 700010 6600010, 700020 6600000)'),
            ('unknown', 'POINT(1 2)'), ('empty', 'SRID=2154;POLYGON EMPTY'), ('odd', 'SRID=999999;POINT(3 4)');
         INSERT INTO city VALUES ('Moulins', 'POINT(3.0001 46.5001)'); INSERT INTO plain VALUES ('plain')",
    );
    let page = report(&central, &clone);
    let (caption, counts) = map(&page);
    assert_eq!(counts, [0, 0, 0, 7, 0, 0], "{page}");
    assert!(caption.contains("EPSG:2154"), "{caption}");
    // The city is where the plots are: the map shows no more than some hundred metres.
    assert!(
        caption.contains("x 699") || caption.contains("x 700"),
        "{caption}"
    );
    assert!(
        page.contains("1 changed feature in EPSG:999999 cannot be shown here"),
        "{page}"
    );
    assert!(
        page.contains("1 changed feature without a reference system cannot be shown here"),
        "{page}"
    );
}

#[test]
fn places_that_cannot_be_drawn_do_no_harm() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    clone.run("UPDATE gis.tree SET geom = 'SRID=2154;POINT(NaN 1)' WHERE name = '1'; UPDATE gis.tree SET geom = 'SRID=2154;POINT EMPTY' WHERE name = '2';
        UPDATE gis.tree SET geom = 'SRID=2154;POINT(1e300 -1e300)' WHERE name = '3'; UPDATE gis.tree SET name = 'x' WHERE name = '4'");
    let page = report(&central, &clone);
    assert!(
        page.contains("4 rows changed in the central database"),
        "{page}"
    );
    assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
}

#[test]
fn many_changes_make_a_page_of_bounded_size() {
    let central = prepared("central", TREES);
    let clone = clone_of(&central, "clone");
    central.run("INSERT INTO gis.tree SELECT 'c' || n, ST_SetSRID(ST_MakePoint(652000 + n % 100, 6861000 + n / 100), 2154) FROM generate_series(1, 12000) AS n;
        UPDATE gis.tree SET name = 'both ' || name WHERE name !~ '^c'; DELETE FROM gis.tree WHERE name ~ '^c1'");
    clone.run("UPDATE gis.tree SET name = name || ' too'; INSERT INTO gis.tree SELECT 'd' || n, ST_SetSRID(ST_MakePoint(652000 + n % 100, 6861000 + n / 100), 2154) FROM generate_series(1, 12000) AS n");
    report(&central, &clone);
    central.run("DELETE FROM gis.tree WHERE name ~ '^d'");
    clone.run("UPDATE gis.tree SET name = name || '!' WHERE name !~ '^d'");
    let page = report(&central, &clone);
    let (caption, counts) = map(&page);
    assert!(page.len() < 600_000, "{}", page.len());
    let [0, 0, deleted, 0, changed, 0] = counts else {
        panic!("{counts:?}");
    };
    assert!(
        (900..=2000).contains(&deleted) && (1000..=4000).contains(&changed),
        "{counts:?}"
    );
    assert!(caption.contains("taken at random"), "{caption}");
}
