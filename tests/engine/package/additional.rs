//! The additional SQL of a package: where it finds its tables, and what it leaves behind.

use super::fixture::*;
use crate::support::{Database, prepared};

/// Deploys the tables of the fixture with this SQL; the clone is set to a search path of its own.
fn deployed_with(label: &str, sql: &str) -> (Database, Database) {
    let central = prepared(label, PLAIN);
    let clone = Database::new(&format!("{label}_clone"));
    clone.run(&format!(
        "ALTER DATABASE \"{}\" SET search_path = gis, public",
        clone.name
    ));
    let folder = Folder::new();
    let (zip, file) = (folder.path("p.zip"), folder.write("more.sql", sql));
    package_with(&central, &zip, &file).unwrap();
    deploy(&central, &clone, &zip).unwrap();
    (central, clone)
}

#[test]
fn it_finds_what_a_session_in_the_clone_finds() {
    let (_central, clone) = deployed_with(
        "additional_path",
        "CREATE TABLE public.copy AS SELECT * FROM spot",
    );
    assert_eq!(clone.rows("SELECT code, label FROM public.copy"), ["a|A"]);
}

/// What waits for the commit is no edit of the clone either.
#[test]
fn deferred_triggers_have_run_before_the_log_is_emptied() {
    let (_central, clone) = deployed_with(
        "additional_deferred",
        "CREATE FUNCTION gis.later() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN INSERT INTO gis.spot (code) VALUES ('later') ON CONFLICT DO NOTHING; RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON gis.tree DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION gis.later();
         UPDATE gis.tree SET name = 'x'",
    );
    assert_eq!(
        clone.rows("SELECT code FROM gis.spot ORDER BY code"),
        ["a", "later"]
    );
    assert_eq!(
        clone.value("SELECT count(*) FROM audit.logged_actions"),
        "0"
    );
}
