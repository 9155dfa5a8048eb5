//! Central and clone on servers of different versions (`tests/versions.py run 12/18 …`), or of the same:
//! packages go from one to the other, and edits of everything that both know meet.
#![allow(missing_docs)]

use crate::support::{Database, Server, counts, run};
use lizsync::error::{Error, Kind};
use serde_json::{Value, json};

const PACKAGE: &str = "package_master_database";
const DEPLOY: &str = "deploy_database_server_package";

/// The connection of a role.
fn conninfo(database: &Database, role: &str) -> String {
    database
        .conninfo()
        .replace("user=postgres", &format!("user={role}"))
}

/// Packages schema gis and deploys it.
fn deploy(central: &Database, clone: &Database, role: &str) -> Result<Value, Error> {
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("package.zip");
    let (central, clone) = (conninfo(central, role), conninfo(clone, role));
    let binaries = std::env::var("LIZSYNC_TEST_BIN").unwrap();
    run(
        PACKAGE,
        json!({"CONNECTION_NAME_CENTRAL": central, "POSTGRESQL_BINARY_PATH": binaries, "SCHEMAS": "gis", "ZIP_FILE": zip}),
    )
    .unwrap();
    run(
        DEPLOY,
        json!({"CONNECTION_NAME_CENTRAL": central, "CONNECTION_NAME_CLONE": clone, "ZIP_FILE": zip}),
    )
}

fn install(central: &Database, role: &str) {
    let central = conninfo(central, role);
    for (id, name) in [
        ("create_database_structure", "CONNECTION_NAME"),
        ("initialize_central_database", "CONNECTION_NAME_CENTRAL"),
    ] {
        run(id, json!({name: central})).unwrap();
    }
}

fn synchronize(central: &Database, clone: &Database, role: &str) -> [u64; 5] {
    let parameters = json!({"CONNECTION_NAME_CENTRAL": conninfo(central, role), "CONNECTION_NAME_CLONE": conninfo(clone, role)});
    counts(&run("synchronize_database", parameters).unwrap())
}

const TABLES: &str = "CREATE SCHEMA gis; SET search_path = gis;
    CREATE TYPE state AS ENUM ('alive', 'it''s dead'); CREATE DOMAIN code AS text CHECK (VALUE ~ '^[A-Z]');
    CREATE TABLE species (code code CONSTRAINT \"a name\" NOT NULL UNIQUE, label text);
    CREATE TABLE tree (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, species text REFERENCES species (code) ON UPDATE CASCADE,
        state state DEFAULT 'alive', radius float8 CHECK (radius > 0), area float8 GENERATED ALWAYS AS (radius * 2) STORED,
        names text[], info jsonb, photo bytea, planted timestamptz, span int4range, length interval, price numeric(9, 3));
    CREATE TABLE visit (day date NOT NULL, who text, touched int) PARTITION BY RANGE (day);
    CREATE TABLE visit_old PARTITION OF visit FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
    CREATE TABLE visit_new PARTITION OF visit DEFAULT;
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.touched := coalesce(NEW.touched, 0) + 1; RETURN NEW; END';
    CREATE TRIGGER touch BEFORE UPDATE ON visit_old FOR EACH ROW EXECUTE FUNCTION touch();
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN INSERT INTO gis.species VALUES (upper(NEW.who), 'noted'); RETURN NULL; END$$;
    {triggers};
    CREATE VIEW alive AS SELECT * FROM tree WHERE state = 'alive';
    INSERT INTO species VALUES ('A', 'Ash'), ('O', 'Oak');
    INSERT INTO tree (species, radius, names, info, photo, planted, span, length, price) VALUES
        ('A', 0.1, '{\"a,b\",NULL}', '{\"k\": [1, null]}', '\\x00ff', '2025-03-30 02:30:00.123456+01', '[1,5)', '1 mon -3 days', 1.5),
        ('O', 1e-300, NULL, 'null', '', 'infinity', 'empty', '00:00:00.000001', NULL);
    INSERT INTO visit VALUES ('2025-05-01', 'x'), ('2026-05-01', 'y')";

/// A trigger of the user's own on the partitioned table, or on its partitions.
const ON_TABLE: &str =
    "CREATE TRIGGER note AFTER INSERT ON visit FOR EACH ROW EXECUTE FUNCTION note()";
const ON_PARTITIONS: &str =
    "CREATE TRIGGER note AFTER INSERT ON visit_old FOR EACH ROW EXECUTE FUNCTION note();
    CREATE TRIGGER note AFTER INSERT ON visit_new FOR EACH ROW EXECUTE FUNCTION note()";

/// The rows, without the automatic key.
fn look(database: &Database) -> Vec<String> {
    [
        "SELECT uid, code, label FROM gis.species ORDER BY 1",
        "SELECT to_jsonb(t) - 'id' FROM gis.tree AS t ORDER BY uid",
        "SELECT tableoid::regclass, v.* FROM gis.visit AS v ORDER BY uid",
        "SELECT species, radius FROM gis.alive ORDER BY 1, 2",
    ]
    .iter()
    .flat_map(|sql| database.rows(sql))
    .collect()
}

/// All the way, as `role`: what either side edits arrives on the other.
fn travel(central: &Database, clone: &Database, role: &str) {
    install(central, role);
    deploy(central, clone, role).unwrap();
    assert_eq!(look(central), look(clone));
    assert_eq!(synchronize(central, clone, role), [0, 0, 0, 0, 0]);
    for (database, new) in [(central, "C"), (clone, "D")] {
        database.run(&format!(
            "SET ROLE {role}; INSERT INTO gis.species VALUES ('{new}', 'new'); INSERT INTO gis.tree (species, radius) VALUES ('{new}', 3);
             INSERT INTO gis.visit VALUES ('2025-12-31', 'from {new}')"
        ));
    }
    central.run(&format!("SET ROLE {role}; UPDATE gis.species SET code = 'AA' WHERE code = 'A'; UPDATE gis.tree SET state = 'it''s dead', radius = 7 WHERE radius = 0.1"));
    clone.run(&format!("SET ROLE {role}; UPDATE gis.visit SET day = '2024-01-01', who = 'z' WHERE who = 'y'; UPDATE gis.visit SET who = 'xx' WHERE who = 'x';
        UPDATE gis.tree SET names = '{{b}}', price = 2 WHERE radius = 0.1; DELETE FROM gis.tree WHERE radius < 0.1"));
    // The species, the tree and the visit that were inserted, and the species that the visit's trigger
    // noted; the code and the tree that refers to it, edited twice; two visits, one of which moved and so
    // was noted, the tree, and the deleted one.
    assert_eq!(synchronize(central, clone, role), [6, 9, 0, 1, 0]);
    assert_eq!(look(central), look(clone));
    assert_eq!(synchronize(central, clone, role), [0, 0, 0, 0, 0]);
    for sql in [
        "SELECT string_agg(code, ',' ORDER BY code) FROM gis.species",
        "SELECT count(*) FROM gis.visit WHERE who = 'xx' AND touched = 1",
    ] {
        assert_eq!(central.value(sql), clone.value(sql));
    }
    assert_eq!(
        central.value("SELECT string_agg(code, ',' ORDER BY code) FROM gis.species"),
        "AA,C,D,FROM C,FROM D,O,X,Y,Z"
    );
    assert_eq!(
        clone.value("SELECT area, names, price FROM gis.tree WHERE species = 'AA'"),
        "14|{b}|2.000"
    );
    for database in [central, clone] {
        let strange =
            "SELECT count(*) FROM gis.tree WHERE uid::text !~ '^.{8}-.{4}-4.{3}-[89ab].{3}-.{12}$'";
        assert_eq!(database.value(strange), "0", "uids are of version 4");
        let same = "SELECT count(DISTINCT uid) = count(*) FROM gis.visit";
        assert_eq!(database.value(same), "t");
    }
}

#[test]
fn everything_travels_between_the_versions() {
    let central = Database::new("central");
    let clone = Database::on(Server::of_clones(), "clone");
    central.run(&TABLES.replace("{triggers}", ON_TABLE));
    travel(&central, &clone, "postgres");
}

#[test]
fn owning_the_tables_is_enough_in_every_version() {
    let central = Database::new("central");
    let clone = Database::on(Server::of_clones(), "clone");
    let role = format!("surveyor_{}", std::process::id());
    for database in [&central, &clone] {
        let roles = database.value(&format!(
            "SELECT count(*) FROM pg_roles WHERE rolname = '{role}'"
        ));
        if roles == "0" {
            database.run(&format!("CREATE ROLE {role} LOGIN"));
        }
        // Before PostgreSQL 13 only a superuser may create the extension.
        database.run(&format!(
            "CREATE EXTENSION hstore SCHEMA public; GRANT CREATE ON DATABASE \"{}\" TO {role}",
            database.name
        ));
    }
    // Before 13 only a superuser may switch the triggers that partitions have from their table.
    let old = central.version().min(clone.version()) < 13;
    let tables = TABLES.replace("{triggers}", if old { ON_PARTITIONS } else { ON_TABLE });
    central.run(&format!("SET ROLE {role}; {tables}"));
    travel(&central, &clone, &role);
    if old {
        central.run(&format!("SET ROLE {role}; CREATE TRIGGER more AFTER UPDATE ON gis.visit FOR EACH ROW EXECUTE FUNCTION gis.touch()"));
        deploy(&central, &clone, &role).unwrap();
        for database in [&central, &clone] {
            database.run(&format!(
                "SET ROLE {role}; INSERT INTO gis.visit VALUES ('2025-01-01', '{}')",
                database.name
            ));
        }
        let parameters = json!({"CONNECTION_NAME_CENTRAL": conninfo(&central, &role), "CONNECTION_NAME_CLONE": conninfo(&clone, &role)});
        let said = crate::support::refused("synchronize_database", parameters, Kind::Permission);
        assert!(
            said.contains("Before PostgreSQL 13 only a superuser"),
            "{said}"
        );
    }
    let servers = [central.server, clone.server];
    drop((central, clone));
    for server in servers {
        server
            .admin()
            .batch_execute(&format!("DROP ROLE IF EXISTS {role}"))
            .unwrap();
    }
}

#[test]
fn what_the_server_of_the_clone_does_not_know_is_refused() {
    let features = [
        (
            12,
            "CREATE TABLE gis.feature (a int, b int GENERATED ALWAYS AS (a * 2) STORED)",
        ),
        (
            14,
            "CREATE FUNCTION gis.feature() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END",
        ),
        (
            15,
            "CREATE TABLE gis.feature (a int, UNIQUE NULLS NOT DISTINCT (a))",
        ),
        (
            18,
            "CREATE TABLE gis.feature (a int NOT NULL, b int GENERATED ALWAYS AS (a * 2) VIRTUAL)",
        ),
    ];
    for (since, sql) in features {
        let central = Database::new("central");
        if central.version() < since {
            continue;
        }
        let clone = Database::on(Server::of_clones(), "clone");
        central.run(&format!("CREATE SCHEMA gis; {sql}"));
        install(&central, "postgres");
        let result = deploy(&central, &clone, "postgres");
        if clone.version() >= since {
            result.unwrap();
            synchronize(&central, &clone, "postgres");
            continue;
        }
        let error = result.unwrap_err();
        let said = error.sentence();
        assert_ne!(error.kind(), Kind::Internal, "{said}");
        for part in [
            "Nothing was changed",
            &format!("PostgreSQL {}", clone.version()),
            "upgrade the clone's server",
        ] {
            assert!(said.contains(part), "{said}");
        }
        let left = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('gis', 'audit', 'lizsync')";
        assert_eq!(clone.value(left), "0");
    }
}

/// Columns that are computed when they are read, where the servers have them: they are never sent.
#[test]
fn generated_columns_of_either_kind_follow_their_row() {
    let central = Database::new("central");
    let clone = Database::on(Server::of_clones(), "clone");
    let kind = match central.version().min(clone.version()) >= 18 {
        true => "VIRTUAL",
        false => "STORED",
    };
    central.run(&format!("CREATE SCHEMA gis; CREATE TABLE gis.t (name text, a int, b int GENERATED ALWAYS AS (a * 2) {kind});
        CREATE TABLE gis.p (name text, a int, b int GENERATED ALWAYS AS (a * 2) {kind}) PARTITION BY LIST (name);
        CREATE TABLE gis.p1 PARTITION OF gis.p DEFAULT; INSERT INTO gis.t VALUES ('x', 1), ('y', 2); INSERT INTO gis.p VALUES ('x', 1), ('y', 2)"));
    install(&central, "postgres");
    deploy(&central, &clone, "postgres").unwrap();
    central.run("UPDATE gis.t SET a = 5 WHERE name = 'x'; UPDATE gis.p SET a = 5 WHERE name = 'x'; UPDATE gis.t SET a = a");
    clone.run("INSERT INTO gis.t VALUES ('z', 3); INSERT INTO gis.p VALUES ('z', 3); DELETE FROM gis.t WHERE name = 'y'");
    assert_eq!(synchronize(&central, &clone, "postgres"), [2, 3, 0, 0, 0]);
    for database in [&central, &clone] {
        assert_eq!(
            database.rows("SELECT name, b FROM gis.t ORDER BY 1"),
            ["x|10", "z|6"]
        );
        assert_eq!(
            database.rows("SELECT name, b FROM gis.p ORDER BY 1"),
            ["x|10", "y|4", "z|6"]
        );
    }
    assert_eq!(synchronize(&central, &clone, "postgres"), [0, 0, 0, 0, 0]);
}
