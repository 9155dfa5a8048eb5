//! Functions in checks and indexes that do not name the schema of what they use.

use lizsync::error::Kind;

use super::fixture::*;
use crate::support::{Database, prepared};

fn set_path(database: &Database) {
    database.run(&format!(
        "ALTER DATABASE \"{}\" SET search_path = gis, public",
        database.name
    ));
}

#[test]
fn a_check_finds_what_the_search_path_of_the_clone_has() {
    let (central, clone) = (
        prepared(
            "paths",
            "CREATE SCHEMA gis; SET search_path = gis; CREATE TABLE gis.code (code text PRIMARY KEY); INSERT INTO gis.code VALUES ('a');
             CREATE FUNCTION gis.ok(c text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT EXISTS (SELECT FROM code WHERE code.code = c)';
             CREATE TABLE gis.tree (code text CHECK (gis.ok(code)), uid uuid PRIMARY KEY DEFAULT md5(random()::text)::uuid); INSERT INTO gis.tree VALUES ('a')",
        ),
        Database::new("paths_clone"),
    );
    let folder = Folder::new();
    let zip = folder.path("p.zip");
    package(&central, "gis", &zip);
    let said = refused(&central, &clone, &zip, Kind::Database);
    assert!(said.contains("ALTER FUNCTION"), "{said}");
    set_path(&clone);
    deploy(&central, &clone, &zip).unwrap();
    assert_eq!(clone.rows("SELECT code FROM gis.tree"), ["a"]);
}

/// The definitions of a package run without a search path, as pg_dump writes them.
#[test]
fn an_index_says_what_to_do() {
    let (central, clone) = (
        prepared(
            "paths_index",
            "CREATE SCHEMA gis; CREATE FUNCTION gis.small(c text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(c)';
             CREATE FUNCTION gis.norm(c text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN small(c); END';
             CREATE TABLE gis.tree (code text); CREATE INDEX ON gis.tree (gis.norm(code))",
        ),
        Database::new("paths_index_clone"),
    );
    set_path(&central);
    central.run("SET search_path = gis; INSERT INTO gis.tree VALUES ('A')");
    set_path(&clone);
    let folder = Folder::new();
    let zip = folder.path("p.zip");
    package(&central, "gis", &zip);
    let said = refused(&central, &clone, &zip, Kind::Database);
    assert!(said.contains("ALTER FUNCTION"), "{said}");
    central.run("ALTER FUNCTION gis.norm(text) SET search_path = gis");
    package(&central, "gis", &zip);
    deploy(&central, &clone, &zip).unwrap();
    assert_eq!(clone.rows("SELECT code FROM gis.tree"), ["A"]);
}
