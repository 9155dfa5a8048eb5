//! Packages of some tables of their schemas.

use std::path::Path;

use lizsync::error::{Error, Kind};
use serde_json::{Value, json};

use super::fixture::*;
use crate::support::{Database, messages, prepared, run, synchronize};

const OTHER: &str = "\"Gis \"\"1\"\".* %ä$[x]\".\"T.able \"\"x\"\" %s ü\"";

fn package_tables(central: &Database, tables: &str, zip: &Path) -> Result<Value, Error> {
    let mut parameters = package_parameters(central, SCHEMAS, zip);
    parameters["TABLES"] = json!(tables);
    run(PACKAGE, parameters)
}

fn tables(database: &Database) -> Vec<String> {
    database.rows(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm')
         AND relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname = 'trees' OR nspname LIKE 'Gis%') ORDER BY 1",
    )
}

fn refusal(central: &Database, tables: &str, kind: Kind) -> String {
    let folder = Folder::new();
    let zip = folder.path("p.zip");
    let error = package_tables(central, tables, &zip).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(folder.names().is_empty());
    error.sentence()
}

#[test]
fn only_listed_tables_are_packaged_and_synchronised() {
    let central = prepared("listed", FIXTURE);
    let clone = Database::new("listed_clone");
    let folder = Folder::new();
    let zip = folder.path("p.zip");
    let said = said(package_tables(&central, "trees.tree, species, trees.visit", &zip).unwrap());
    assert!(said.contains("2 schemas, 4 tables and"), "{said}");
    deploy(&central, &clone, &zip).unwrap();
    let found = tables(&clone);
    let expected = [
        "alive",
        "species",
        "summary",
        "tree",
        "visit",
        "visit_2025",
        "visit_rest",
    ];
    assert_eq!(found, expected);

    // What is edited elsewhere in these schemas concerns nobody.
    central.run(&format!(
        "INSERT INTO trees.nothing (x) VALUES ('y'); UPDATE {OTHER} SET \"where\" = 4;
         CREATE TABLE trees.later (uid uuid PRIMARY KEY DEFAULT gen_random_uuid()); SELECT audit.audit_table('trees.later');
         INSERT INTO trees.later DEFAULT VALUES;
         UPDATE trees.tree SET radius = 5 WHERE species = 'A1'; INSERT INTO trees.visit VALUES ('2025-06-01', 'central')"
    ));
    clone.run("UPDATE trees.tree SET touched = 77 WHERE species = 'B2'; INSERT INTO trees.visit VALUES ('2023-06-01', 'clone')");
    let outcome = synchronize(&central, &clone);
    assert_eq!(outcome["SET_ASIDE"], 0, "{outcome}");
    for sql in [
        "SELECT string_agg(t::text, ' ' ORDER BY uid) FROM trees.tree AS t",
        "SELECT string_agg(concat(day, who), ' ' ORDER BY day) FROM trees.visit AS t",
    ] {
        assert_eq!(central.value(sql), clone.value(sql));
    }
    assert_eq!(central.value("SELECT count(*)::text FROM trees.visit"), "5");

    // What refers to them from other tables counts all the same.
    clone.run("DELETE FROM trees.tree WHERE species = 'B2'");
    let outcome = synchronize(&central, &clone);
    assert_eq!(outcome["SET_ASIDE"], 1, "{outcome}");

    // A central that was not told hears it from the clone.
    central.run("DELETE FROM lizsync.deployments; DELETE FROM lizsync.synchronized_schemas");
    synchronize(&central, &clone);
    let listed =
        "SELECT string_agg(concat(t->>'schema', '.', t->>'table'), ' ' ORDER BY t->>'table')
                  FROM lizsync.synchronized_schemas, jsonb_array_elements(sync_tables) AS t";
    assert_eq!(
        central.value(listed),
        "trees.species trees.tree trees.visit"
    );
    assert_eq!(clone.value(listed), "trees.species trees.tree trees.visit");

    // A listed table that is not there any more is told.
    central.run("ALTER TABLE trees.visit RENAME TO visits");
    let said = messages(
        "synchronize_database",
        json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()}),
    )
    .join(" ");
    assert!(
        said.contains("trees.visit") && said.contains("the central database"),
        "{said}"
    );
}

#[test]
fn views_of_what_is_not_listed_are_left_out() {
    let central = prepared("listed_views", FIXTURE);
    let clone = Database::new("listed_views_clone");
    let folder = Folder::new();
    let zip = folder.path("p.zip");
    package_tables(&central, "trees.species", &zip).unwrap();
    deploy(&central, &clone, &zip).unwrap();
    assert_eq!(tables(&clone), ["species"]);
    // The whole again, over it.
    package(&central, SCHEMAS, &zip);
    deploy(&central, &clone, &zip).unwrap();
    assert!(tables(&clone).contains(&"summary".to_owned()));
    assert_eq!(
        central.value(
            "SELECT count(*)::text FROM lizsync.synchronized_schemas WHERE sync_tables IS NULL"
        ),
        "1"
    );
}

#[test]
fn lists_that_cannot_be_packaged_are_refused() {
    let central = prepared("listed_refused", FIXTURE);
    central.run("CREATE TABLE \"Gis \"\"1\"\".* %ä$[x]\".tree (id int); CREATE FUNCTION trees.of(trees.nothing) RETURNS int LANGUAGE sql AS 'SELECT 1'");
    let said = refusal(&central, "trees.tree", Kind::State);
    assert!(
        said.contains("tree")
            && said.contains("needs table trees.species")
            && said.contains("function trees.of"),
        "{said}"
    );
    let said = refusal(&central, "trees.oak", Kind::Parameter);
    assert!(said.contains("trees.oak"), "{said}");
    let said = refusal(&central, "tree", Kind::Parameter);
    assert!(said.contains("more than one"), "{said}");
    let said = refusal(&central, "trees.visit_2025", Kind::Parameter);
    assert!(
        said.contains("trees.visit_2025") && said.contains("partitioned table"),
        "{said}"
    );
    refusal(&central, "trees.\"tree", Kind::Parameter);
}
