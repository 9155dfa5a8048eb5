//! Names and values that SQL, hstore and formats give a meaning to; values of many megabytes; hidden rows.

use std::process;

use postgres::{Client, NoTls};

use super::compare::{converge, pair, same};
use crate::support::{Database, clone_of, counts, prepared, run, synchronize};

/// Pieces of names: quotes, a backslash, a format, an hstore arrow, placeholders, white space, other scripts.
const NASTY: [&str; 8] = [
    r#"a "quoted" name"#,
    r"back\slash 'n' \\",
    "50% %s %I {table} $1",
    "key=>\"value\", NULL",
    "tab\tand\nnewline ; -- /*",
    "Ünï-çødé 木 🌳",
    "select",
    " (s.new).* :: ",
];

fn ident(name: &str) -> String {
    lizsync::postgres::quote(name)
}

fn text(value: &str) -> String {
    lizsync::postgres::literal(value)
}

/// A schema for each name, with an ordinary and a partitioned table that have a column for each name.
fn schema() -> String {
    let columns: Vec<String> = NASTY
        .iter()
        .map(|name| format!("{} text", ident(name)))
        .collect();
    let columns = columns.join(", ");
    let mut sql = String::new();
    for (number, name) in NASTY.iter().enumerate() {
        let (schema, table) = (ident(name), ident(NASTY[(number + 1) % NASTY.len()]));
        let (parted, part) = (ident(&format!("p {name}")), ident(&format!("q {name}")));
        sql.push_str(&format!("CREATE SCHEMA {schema}; CREATE TABLE {schema}.{table} (id serial PRIMARY KEY, {columns});
            CREATE TABLE {schema}.{parted} ({columns}) PARTITION BY LIST ({}); CREATE TABLE {schema}.{part} PARTITION OF {schema}.{parted} DEFAULT;
            ALTER TABLE {schema}.{table} ADD CONSTRAINT {table} CHECK ({} IS DISTINCT FROM 'never');", ident(name), ident(name)));
    }
    sql
}

/// Statements that fill, change, delete or truncate all tables.
fn edits(round: usize) -> String {
    let mut sql = String::new();
    for (number, name) in NASTY.iter().enumerate() {
        let tables = [
            NASTY[(number + 1) % NASTY.len()].to_owned(),
            format!("p {name}"),
        ];
        for table in tables {
            let table = format!("{}.{}", ident(name), ident(&table));
            let value = text(NASTY[(number + round) % NASTY.len()]);
            let column = ident(NASTY[(number + round + 3) % NASTY.len()]);
            sql.push_str(&format!("INSERT INTO {table} ({column}) VALUES ({value}), ('NULL'), (''), (NULL); UPDATE {table} SET {} = {value} || {round} WHERE {column} = {value};
                DELETE FROM {table} WHERE {column} = '';", ident(name)));
        }
        if round == 2 {
            sql.push_str(&format!(
                "TRUNCATE {}.{};",
                ident(name),
                ident(&format!("q {name}"))
            ));
        }
    }
    sql
}

#[test]
fn names_and_values_of_every_kind_travel() {
    let label = "it's \"%s\" \\ => é";
    let central = prepared(label, &schema());
    let clone = clone_of(&central, &label.replace("it", "clone"));
    for round in 0..3 {
        central.run(&edits(round));
        clone.run(&edits(round + 1));
        let applied = converge(&central, &clone);
        assert!(
            applied[0] > 40 && applied[1] > 40 && applied[4] == 0,
            "{applied:?}"
        );
    }
    // Conflicts too.
    let table = format!("{}.{}", ident(NASTY[0]), ident(NASTY[1]));
    for (database, value) in [(&central, NASTY[3]), (&clone, NASTY[4])] {
        database.run(&format!(
            "UPDATE {table} SET {} = {}",
            ident(NASTY[5]),
            text(value)
        ));
    }
    assert!(converge(&central, &clone)[2] > 0);
    assert_eq!(
        central.value("SELECT DISTINCT field, central_value, clone_value FROM lizsync.conflicts"),
        format!("{}|{}|{}", NASTY[5], NASTY[3], NASTY[4])
    );
}

/// A connection as another role, over the Unix socket.
fn as_role(database: &Database, role: &str) -> Client {
    let escaped = role.replace('\\', "\\\\").replace('\'', "\\'");
    let conninfo = database
        .conninfo()
        .replace("user=postgres", &format!("user='{escaped}'"));
    Client::connect(&conninfo, NoTls).unwrap()
}

#[test]
fn roles_of_every_name_edit_and_are_named() {
    let role = format!("o'w\"n\\er => %s é {}", process::id());
    let central = prepared(
        "roles",
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (id serial PRIMARY KEY, name text)",
    );
    central.run(&format!(
        "CREATE ROLE {0} LOGIN; GRANT USAGE ON SCHEMA gis TO {0}; ALTER TABLE gis.tree OWNER TO {0}",
        ident(&role)
    ));
    let clone = clone_of(&central, "roles_clone");
    for database in [&central, &clone] {
        as_role(database, &role)
            .batch_execute("INSERT INTO gis.tree (name) VALUES ('mine'), ('too'); UPDATE gis.tree SET name = 'x' WHERE name = 'too'")
            .unwrap();
    }
    assert_eq!(converge(&central, &clone), [2, 2, 0, 2, 0]);
    assert_eq!(
        central
            .value("SELECT string_agg(DISTINCT session_user_name, '; ') FROM audit.logged_actions"),
        role
    );
    drop(clone);
    central.run(&format!(
        "REASSIGN OWNED BY {0} TO postgres; DROP OWNED BY {0}; DROP ROLE {0}",
        ident(&role)
    ));
}

#[test]
fn values_of_many_megabytes_travel() {
    let (central, clone) = pair(
        "large",
        "CREATE SCHEMA gis; CREATE TABLE gis.photo (id serial PRIMARY KEY, name text, story text, image bytea, more jsonb)",
    );
    // Compared within the server: that is faster.
    let run = || {
        let counted = counts(&synchronize(&central, &clone));
        let rows = "SELECT uid, name, length(story), md5(story), length(image), md5(image), md5(more::text) FROM gis.photo ORDER BY uid";
        assert_eq!(central.rows(rows), clone.rows(rows));
        counted
    };
    clone.run("INSERT INTO gis.photo (name, story) VALUES ('text', repeat('\\ \"=>\" é, NULL %s ', 30 * 1024 * 1024 / 16))");
    central.run("INSERT INTO gis.photo (name, image) VALUES ('bytes', decode(repeat(md5('some') || md5('more'), 30 * 1024 * 1024 / 32), 'hex'))");
    assert_eq!(run(), [1, 1, 0, 0, 0]);
    assert_eq!(
        clone
            .value("SELECT max(length(image)), max(octet_length(story)) > 31457280 FROM gis.photo"),
        "31457280|t"
    );
    // A small edit beside the large values, and an edit of a large one.
    central.run("UPDATE gis.photo SET name = 'seen' WHERE name = 'text'");
    clone.run("UPDATE gis.photo SET image = image || '\\x00', more = jsonb_build_object('k', repeat('x', 5000000)) WHERE name = 'bytes'");
    assert_eq!(run(), [1, 1, 0, 0, 0]);
    clone.run("DELETE FROM gis.photo");
    assert_eq!(run()[1], 2);
    assert_eq!(run(), [0; 5]);
}

/// The owner of the functions, who is no superuser, does not see rows that a policy hides from the owner
/// too: they must not be lost without a word.
#[test]
fn rows_that_a_policy_hides_are_not_lost() {
    let role = format!("steward_{}", process::id());
    let central = Database::new("hidden");
    central.run(&format!("CREATE ROLE {role} LOGIN; GRANT CREATE ON DATABASE \"{}\" TO {role}; GRANT CREATE ON SCHEMA public TO {role};
        CREATE SCHEMA gis AUTHORIZATION {role}; SET ROLE {role}; CREATE TABLE gis.tree (name text, label text)", central.name));
    let conninfo = central
        .conninfo()
        .replace("user=postgres", &format!("user={role}"));
    run(
        "create_database_structure",
        serde_json::json!({"CONNECTION_NAME": conninfo}),
    )
    .unwrap();
    run(
        "initialize_central_database",
        serde_json::json!({"CONNECTION_NAME_CENTRAL": conninfo}),
    )
    .unwrap();
    central.run(&format!("SET ROLE {role}; INSERT INTO gis.tree VALUES ('seen'), ('hidden');
        CREATE FUNCTION gis.label() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE gis.tree SET label = 'by trigger' WHERE uid = NEW.uid; RETURN NULL; END $$;
        CREATE TRIGGER label AFTER UPDATE OF name ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.label();
        ALTER TABLE gis.tree ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON gis.tree USING (name <> 'hidden')"));
    let clone = clone_of(&central, "hidden_clone");
    for edit in [
        "TRUNCATE gis.tree",
        "UPDATE gis.tree SET name = 'new', label = 'by hand' WHERE name = 'seen'",
    ] {
        // Refused as the owner, and nothing changes; the superuser sees all.
        let error = as_role(&central, &role).batch_execute(edit).unwrap_err();
        let text = error.as_db_error().unwrap().message();
        assert!(
            text.contains("row-level security policy for table \"tree\""),
            "{text}"
        );
        same(&central, &clone);
    }
    as_role(&central, &role)
        .batch_execute("ALTER TABLE gis.tree NO FORCE ROW LEVEL SECURITY; UPDATE gis.tree SET name = 'new', label = 'by hand' WHERE name = 'seen'")
        .unwrap();
    converge(&central, &clone);
    as_role(&central, &role)
        .batch_execute("TRUNCATE gis.tree")
        .unwrap();
    assert_eq!(converge(&central, &clone)[0], 2);
    drop(clone);
    central.run(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"));
}
