//! Which operators, functions, collations and search path a run uses with the values of users: those of their
//! keys and indexes, and nothing that somebody has put into the schema public.
#![allow(missing_docs)]

use crate::kinds::compare::{converge, same, travels};
use crate::support::{Database, aside, central, clone_of, prepared, run, synchronize};
use serde_json::json;

/// `ALTER DATABASE … SET search_path` is none of what a copy takes along.
fn set_path(database: &Database, path: &str) {
    database.run(&format!(
        "ALTER DATABASE \"{}\" SET search_path = {path}",
        database.name
    ));
}

/// A parent is deleted while the other side refers to it in other letters: the reference counts.
#[test]
fn a_reference_by_an_extension_outside_of_the_search_path() {
    let central = prepared(
        "central",
        "CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE SCHEMA gis;
         CREATE TABLE gis.kind (code ext.citext PRIMARY KEY);
         CREATE TABLE gis.tree (id serial PRIMARY KEY, kind ext.citext REFERENCES gis.kind ON DELETE CASCADE);
         INSERT INTO gis.kind VALUES ('ABC'), ('DEF')",
    );
    let clone = clone_of(&central, "clone");
    central.run("INSERT INTO gis.tree (kind) VALUES ('abc')");
    clone.run("DELETE FROM gis.kind; INSERT INTO gis.kind VALUES ('GHI'); INSERT INTO gis.tree (kind) VALUES ('ghi')");
    synchronize(&central, &clone);
    assert_eq!(
        central.rows("SELECT kind FROM gis.tree ORDER BY 1"),
        ["abc", "ghi"]
    );
    assert_eq!(
        aside(&clone),
        [
            "central|tree|I|23503|tree_kind_fkey",
            "clone|kind|D|23503|tree_kind_fkey"
        ]
    );
}

#[test]
fn codes_of_an_extension_outside_of_the_search_path_swap() {
    travels(
        "citext",
        "CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE SCHEMA gis; CREATE DOMAIN gis.code AS ext.citext;
         CREATE TABLE gis.tree (name text, code ext.citext NOT NULL UNIQUE, other gis.code NOT NULL UNIQUE)",
        &[
            "INSERT INTO gis.tree VALUES ('1', 'A', 'K'), ('2', 'B', 'L')",
            "BEGIN; UPDATE gis.tree SET code = 'x', other = 'x' WHERE name = '1'; UPDATE gis.tree SET code = 'a', other = 'k' WHERE name = '2';
             UPDATE gis.tree SET code = 'b', other = 'l' WHERE name = '1'; COMMIT",
        ],
    );
}

/// Foreign keys between columns of different collations, and of domains.
#[test]
fn references_between_columns_that_differ() {
    travels(
        "differ",
        "CREATE SCHEMA gis; CREATE TYPE gis.state AS ENUM ('a', 'b', 'c'); CREATE DOMAIN gis.states AS gis.state;
         CREATE TABLE gis.kind (code text COLLATE \"C\" PRIMARY KEY, short char(4) UNIQUE, tags int[] UNIQUE);
         CREATE TABLE gis.tree (kind text COLLATE \"POSIX\" REFERENCES gis.kind ON UPDATE CASCADE, short varchar(9) REFERENCES gis.kind (short), tags int[] REFERENCES gis.kind (tags));
         CREATE TABLE gis.step (state gis.state PRIMARY KEY); CREATE TABLE gis.walk (state gis.state REFERENCES gis.step)",
        &[
            "INSERT INTO gis.kind VALUES ('a', 'a', '{1}'), ('b', 'b', '{2}'); INSERT INTO gis.tree VALUES ('a', 'a', '{1}'); INSERT INTO gis.step VALUES ('a'), ('b'); INSERT INTO gis.walk VALUES ('a')",
            "DELETE FROM gis.kind WHERE code = 'b'; DELETE FROM gis.step WHERE state = 'b'",
            "DELETE FROM gis.tree; DELETE FROM gis.kind; DELETE FROM gis.walk; DELETE FROM gis.step",
        ],
    );
}

/// What anybody may put into the schema public, for PostgreSQL to prefer it. Each tells who has run it.
const TRAPS: &str = "
    CREATE TABLE public.heard (what text); GRANT ALL ON public.heard TO PUBLIC;
    CREATE FUNCTION public.trap() RETURNS boolean LANGUAGE sql AS 'INSERT INTO public.heard VALUES (current_query()) RETURNING true';
    CREATE FUNCTION public.same(varchar, varchar) RETURNS boolean LANGUAGE sql AS 'SELECT public.trap() AND $1::text = $2::text';
    CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = public.same);
    CREATE FUNCTION public.differ(varchar, varchar) RETURNS boolean LANGUAGE sql AS 'SELECT public.trap() AND $1::text <> $2::text';
    CREATE OPERATOR public.<> (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = public.differ);
    CREATE FUNCTION public.alike(gis.state, gis.state) RETURNS boolean LANGUAGE sql AS 'SELECT public.trap() AND $1::text = $2::text';
    CREATE OPERATOR public.= (LEFTARG = gis.state, RIGHTARG = gis.state, FUNCTION = public.alike);
    CREATE FUNCTION public.has(hstore, hstore) RETURNS boolean LANGUAGE sql AS 'SELECT public.trap()';
    CREATE OPERATOR public.? (LEFTARG = hstore, RIGHTARG = hstore, FUNCTION = public.has);
    CREATE FUNCTION public.less(numeric, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT public.trap()';
    CREATE OPERATOR public.< (LEFTARG = numeric, RIGHTARG = bigint, FUNCTION = public.less);
    CREATE FUNCTION public.times(float8, int) RETURNS float8 LANGUAGE sql AS 'SELECT 1::float8 FROM (SELECT public.trap()) AS t';
    CREATE OPERATOR public.* (LEFTARG = float8, RIGHTARG = int, FUNCTION = public.times);
    CREATE FUNCTION public.joined(text, int) RETURNS text LANGUAGE sql AS 'SELECT public.trap()::text';
    CREATE OPERATOR public.|| (LEFTARG = text, RIGHTARG = int, FUNCTION = public.joined);
    CREATE FUNCTION public.unnest(uuid[]) RETURNS SETOF uuid LANGUAGE sql AS 'SELECT pg_catalog.unnest($1) WHERE public.trap()';
    CREATE FUNCTION public.unnest(text[]) RETURNS SETOF text LANGUAGE sql AS 'SELECT pg_catalog.unnest($1) WHERE public.trap()';
    CREATE FUNCTION public.unnest(gis.state[]) RETURNS SETOF gis.state LANGUAGE sql AS 'SELECT pg_catalog.unnest($1) WHERE public.trap()';
    CREATE FUNCTION public.enum_range(gis.state) RETURNS gis.state[] LANGUAGE sql AS 'SELECT pg_catalog.enum_range($1) FROM (SELECT public.trap()) AS t';
    CREATE FUNCTION public.cardinality(text[]) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1 FROM (SELECT public.trap()) AS t';
    CREATE FUNCTION public.array_fill(int, int[]) RETURNS int[] LANGUAGE sql AS 'SELECT pg_catalog.array_fill($1, $2) FROM (SELECT public.trap()) AS t';
    CREATE FUNCTION public.pg_column_size(lizsync.entry) RETURNS int LANGUAGE sql AS 'SELECT 1 FROM (SELECT public.trap()) AS t';
    CREATE FUNCTION public.pg_partition_tree(int) RETURNS TABLE (relid oid) LANGUAGE sql AS 'SELECT NULL::oid WHERE public.trap()';
    CREATE FUNCTION public.plus(bigint, uuid) RETURNS bigint LANGUAGE sql AS 'SELECT $1 + 1 FROM (SELECT public.trap()) AS t';
    CREATE AGGREGATE public.count(uuid) (SFUNC = public.plus, STYPE = bigint, INITCOND = '0');
    CREATE FUNCTION public.hstore(gis.kind) RETURNS hstore LANGUAGE sql AS 'SELECT public.hstore(ARRAY[''code'', $1.code]) FROM (SELECT public.trap()) AS t';
    CREATE FUNCTION public.populate_record(gis.kind, hstore) RETURNS gis.kind LANGUAGE sql AS 'SELECT $1 FROM (SELECT public.trap()) AS t';
    CREATE FUNCTION public.populate_record(gis.tree, hstore) RETURNS gis.tree LANGUAGE sql AS 'SELECT $1 FROM (SELECT public.trap()) AS t';";

/// Edits that make a run ask for references, collisions, stand-ins and changed columns.
#[test]
fn nothing_in_public_is_run() {
    let central = prepared(
        "central",
        "CREATE SCHEMA gis; CREATE TYPE gis.state AS ENUM ('a', 'b', 'c', 'd');
         CREATE TABLE gis.kind (code varchar(20) PRIMARY KEY, state gis.state NOT NULL UNIQUE, place int NOT NULL UNIQUE, size float8 NOT NULL UNIQUE);
         CREATE TABLE gis.tree (id serial PRIMARY KEY, kind varchar(20) REFERENCES gis.kind, name varchar(10) UNIQUE, parent varchar(10) REFERENCES gis.tree (name) ON UPDATE CASCADE, tags text[],
            state gis.state, counts int[] DEFAULT array_fill(0, ARRAY[2]), CHECK (name <> 'never'));
         CREATE UNIQUE INDEX ON gis.tree (name) WHERE cardinality(tags) > 0 AND state = 'a';
         INSERT INTO gis.kind VALUES ('a', 'a', 1, 1), ('b', 'b', 2, 2), ('c', 'c', 3, 3); INSERT INTO gis.tree (kind, name) VALUES ('a', 'x'), ('b', 'y')",
    );
    let clone = clone_of(&central, "clone");
    for database in [&central, &clone] {
        database.run(TRAPS);
    }
    let quiet = |database: &Database, sql: &str| {
        database.run(&format!("SET search_path = pg_catalog; {sql}"));
    };
    for (one, other) in [(&clone, &central), (&central, &clone)] {
        quiet(
            one,
            "BEGIN; UPDATE gis.tree SET name = 't' WHERE name = 'x'; UPDATE gis.tree SET name = 'x' WHERE name = 'y'; UPDATE gis.tree SET name = 'y' WHERE name = 't'; COMMIT;
             BEGIN; UPDATE gis.kind SET state = 'd', place = 9, size = 9 WHERE code = 'a'; UPDATE gis.kind SET state = 'a', place = 1, size = 1 WHERE code = 'b';
             UPDATE gis.kind SET state = 'b', place = 2, size = 2 WHERE code = 'a'; COMMIT;
             INSERT INTO gis.tree (kind, name, tags, state, parent) VALUES ('a', 'z', '{k}', 'a', 'x'), ('a', 'twice', '{k}', 'a', NULL); DELETE FROM gis.kind WHERE code = 'c'",
        );
        quiet(
            other,
            "INSERT INTO gis.tree (kind, name, tags, state) VALUES ('a', 'twice', '{k}', 'a')",
        );
        synchronize(&central, &clone);
        synchronize(&central, &clone);
        assert_eq!(aside(&clone).len(), 2, "{:?}", aside(&clone));
        quiet(
            one,
            "DELETE FROM gis.tree WHERE name IN ('twice', 'z'); INSERT INTO gis.kind VALUES ('c', 'c', 3, 3)",
        );
        synchronize(&central, &clone);
        synchronize(&central, &clone);
        quiet(other, "DELETE FROM gis.tree WHERE name = 'twice'");
        synchronize(&central, &clone);
        assert!(aside(&clone).is_empty(), "{:?}", aside(&clone));
    }
    same(&central, &clone);
    for database in [&central, &clone] {
        assert_eq!(database.rows("TABLE public.heard"), Vec::<String>::new());
    }
}

const PATHS: &str = "CREATE SCHEMA gis; SET search_path = gis, public;
    CREATE TABLE gis.code (code text PRIMARY KEY); INSERT INTO gis.code VALUES ('a'), ('b');
    CREATE FUNCTION gis.ok(c text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT EXISTS (SELECT FROM code WHERE code.code = c)';
    CREATE FUNCTION gis.small(c text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(c)';
    CREATE FUNCTION gis.norm(c text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN small(c); END';
    CREATE TABLE gis.tree (id serial PRIMARY KEY, code text, CHECK (gis.ok(code)), uid uuid);
    CREATE TABLE gis.plot (code text); CREATE UNIQUE INDEX ON gis.plot (gis.norm(code));
    CREATE TABLE gis.edit (tree text);
    CREATE FUNCTION gis.told() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO edit VALUES (NEW.code); RETURN NEW; END';
    CREATE TRIGGER told BEFORE UPDATE ON gis.tree FOR EACH ROW EXECUTE FUNCTION gis.told();";

/// Checks, indexes and triggers find what they find in a session.
#[test]
fn functions_of_users_run_with_their_search_path() {
    let central = central("central", PATHS);
    set_path(&central, "gis, public");
    central.run("INSERT INTO gis.tree (code) VALUES ('a')");
    run(
        "initialize_central_database",
        json!({"CONNECTION_NAME_CENTRAL": central.conninfo()}),
    )
    .unwrap();
    let clone = clone_of(&central, "clone");
    set_path(&clone, "gis, public");
    for (one, other) in [(&clone, &central), (&central, &clone)] {
        one.run("INSERT INTO gis.tree (code) VALUES ('b'); UPDATE gis.tree SET code = 'b'; INSERT INTO gis.plot VALUES ('A'), ('B')");
        other.run("INSERT INTO gis.plot VALUES ('c')");
        one.run("INSERT INTO gis.plot VALUES ('C')");
        synchronize(&central, &clone);
        assert_eq!(aside(&clone).len(), 2, "{:?}", aside(&clone));
        one.run("UPDATE gis.plot SET code = code || 'x' WHERE code = 'C'");
        converge(&central, &clone);
        one.run("DELETE FROM gis.plot");
        converge(&central, &clone);
    }
}

/// A function that finds nothing says what to do.
#[test]
fn a_function_that_finds_nothing_says_what_to_do() {
    let central = central("central", PATHS);
    let prepare = json!({"CONNECTION_NAME_CENTRAL": central.conninfo()});
    central.run("SET search_path = gis; INSERT INTO gis.tree (code) VALUES ('a')");
    let error = run("initialize_central_database", prepare.clone()).unwrap_err();
    assert!(error.sentence().contains("ALTER FUNCTION"), "{error:?}");
    set_path(&central, "gis, public");
    run("initialize_central_database", prepare).unwrap();
    set_path(&central, "DEFAULT");
    let clone = clone_of(&central, "clone");
    set_path(&clone, "gis, public");
    clone.run("INSERT INTO gis.tree (code) VALUES ('a')");
    synchronize(&central, &clone);
    let message = clone.value("SELECT message FROM lizsync.set_aside");
    assert!(message.contains("ALTER FUNCTION"), "{message}");
}

/// Unique constraints for which nulls are equal.
#[test]
fn nulls_that_are_not_distinct() {
    if crate::support::admin()
        .query_one("SHOW server_version_num", &[])
        .unwrap()
        .get::<_, String>(0)
        .parse::<i32>()
        .unwrap()
        < 150_000
    {
        return;
    }
    travels(
        "nulls",
        "CREATE SCHEMA gis; CREATE TABLE gis.tree (name text, code text, n int, UNIQUE NULLS NOT DISTINCT (code, n));
         CREATE TABLE gis.plot (name text, code text NOT NULL, n int, UNIQUE NULLS NOT DISTINCT (code, n))",
        &[
            "INSERT INTO gis.tree VALUES ('1', 'A', NULL), ('2', NULL, NULL); INSERT INTO gis.plot VALUES ('1', 'A', NULL), ('2', 'B', NULL)",
            "BEGIN; UPDATE gis.tree SET code = 't' WHERE name = '2'; UPDATE gis.tree SET code = NULL WHERE name = '1'; UPDATE gis.tree SET code = 'A' WHERE name = '2'; COMMIT",
            "BEGIN; UPDATE gis.plot SET code = 't' WHERE name = '2'; UPDATE gis.plot SET code = 'B' WHERE name = '1'; UPDATE gis.plot SET code = 'A' WHERE name = '2'; COMMIT",
        ],
    );
}

/// Rows that move within an exclusion constraint: their shapes are equal in area, and the types say so.
#[test]
fn shapes_of_one_area_change_hands() {
    travels(
        "shapes",
        "CREATE SCHEMA gis; CREATE TABLE gis.plot (name text, shape box, EXCLUDE USING gist (shape WITH &&));
         CREATE TABLE gis.tree (name text, crown circle, EXCLUDE USING gist (crown WITH &&))",
        &[
            "INSERT INTO gis.plot VALUES ('1', '(0,0),(1,1)'), ('2', '(5,5),(6,6)'); INSERT INTO gis.tree VALUES ('1', '<(0,0),1>'), ('2', '<(10,0),1>')",
            "BEGIN; UPDATE gis.plot SET shape = '(9,9),(10,10)' WHERE name = '2'; UPDATE gis.plot SET shape = '(5,5),(6,6)' WHERE name = '1'; UPDATE gis.plot SET shape = '(0,0),(1,1)' WHERE name = '2'; COMMIT",
            "BEGIN; UPDATE gis.tree SET crown = '<(20,0),1>' WHERE name = '2'; UPDATE gis.tree SET crown = '<(10,0),1>' WHERE name = '1'; UPDATE gis.tree SET crown = '<(0,0),1>' WHERE name = '2'; COMMIT",
        ],
    );
}

/// A collation that takes letters for equal, where PostgreSQL matches no patterns.
#[test]
fn codes_of_a_collation_that_takes_letters_for_equal() {
    let icu = "SELECT count(*) FROM pg_collation WHERE collname = 'und-x-icu'";
    if crate::support::admin()
        .query_one(icu, &[])
        .unwrap()
        .get::<_, i64>(0)
        == 0
    {
        return;
    }
    travels(
        "collation",
        "CREATE SCHEMA gis; CREATE COLLATION gis.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         CREATE TABLE gis.tree (name text, code varchar(4) COLLATE gis.ci NOT NULL UNIQUE CHECK (length(code) = 2));
         CREATE TABLE gis.leaf (tree varchar(4) COLLATE gis.ci REFERENCES gis.tree (code))",
        &[
            "INSERT INTO gis.tree VALUES ('1', 'AA'), ('2', 'BB')",
            "BEGIN; UPDATE gis.tree SET code = 'xx' WHERE name = '1'; UPDATE gis.tree SET code = 'aa' WHERE name = '2'; UPDATE gis.tree SET code = 'bb' WHERE name = '1'; COMMIT",
            "INSERT INTO gis.leaf VALUES ('bb')",
        ],
    );
}

/// Keys of PostgreSQL 18.
#[test]
fn keys_that_are_not_enforced_and_keys_over_time() {
    let central = Database::new("central");
    if central.version() < 18
        || Database::on(crate::support::Server::of_clones(), "clone").version() < 18
    {
        return;
    }
    let central = prepared(
        "central",
        "CREATE EXTENSION btree_gist; CREATE SCHEMA gis;
         CREATE TABLE gis.kind (code text PRIMARY KEY); CREATE TABLE gis.tree (kind text REFERENCES gis.kind NOT ENFORCED, n int UNIQUE);
         CREATE TABLE gis.lease (id int, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
         CREATE TABLE gis.visit (lease int, during daterange, n int UNIQUE, FOREIGN KEY (lease, PERIOD during) REFERENCES gis.lease (id, PERIOD during));
         INSERT INTO gis.kind VALUES ('a'), ('b'); INSERT INTO gis.tree VALUES ('a', 1);
         INSERT INTO gis.lease VALUES (1, '[2020-01-01,2020-07-01)'), (1, '[2020-07-01,2021-01-01)'), (2, '[2020-01-01,2021-01-01)')",
    );
    let clone = clone_of(&central, "clone");
    clone.run(
        "DELETE FROM gis.kind WHERE code = 'a'; INSERT INTO gis.tree VALUES ('nowhere', 3), ('nowhere', 7);
         INSERT INTO gis.visit VALUES (1, '[2020-02-01,2020-10-01)', 5), (1, '[2020-02-01,2020-10-01)', 7); DELETE FROM gis.lease WHERE id = 2",
    );
    central.run("INSERT INTO gis.tree VALUES ('b', 7); INSERT INTO gis.visit VALUES (1, '[2020-08-01,2020-09-01)', 7)");
    synchronize(&central, &clone);
    assert_eq!(
        aside(&clone),
        [
            "central|tree|I|23505|tree_n_key",
            "central|visit|I|23505|visit_n_key",
            "clone|tree|I|23505|tree_n_key",
            "clone|visit|I|23505|visit_n_key"
        ]
    );
    clone.run("UPDATE gis.tree SET n = 8 WHERE n = 7; UPDATE gis.visit SET n = 8 WHERE n = 7");
    converge(&central, &clone);
    clone.run(
        "BEGIN; SET CONSTRAINTS ALL DEFERRED; DELETE FROM gis.visit; UPDATE gis.lease SET during = '[2030-08-01,2031-01-01)' WHERE lower(during) = '2020-07-01';
         UPDATE gis.lease SET during = '[2020-07-01,2021-01-01)' WHERE lower(during) = '2020-01-01'; UPDATE gis.lease SET during = '[2020-01-01,2020-07-01)' WHERE lower(during) = '2030-08-01'; COMMIT",
    );
    converge(&central, &clone);
}
