//! The catalogue of the structure, for comparing a fresh installation with an upgraded one.

use crate::support::Database;

/// Everything in the schemas `audit` and `lizsync`, but for the order of columns and the oids.
pub fn catalogue(database: &Database) -> Vec<String> {
    let parts = [
        "SELECT 'schema', nspname, obj_description(oid, 'pg_namespace'), nspacl FROM pg_namespace WHERE nspname IN ('audit', 'lizsync')",
        "SELECT 'relation', c.oid::regclass, relkind, relpersistence, reloptions, obj_description(c.oid, 'pg_class'),
            ARRAY(SELECT x.grantee::regrole || ' ' || x.privilege_type FROM aclexplode(coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", relowner))) AS x ORDER BY 1), relrowsecurity
         FROM pg_class c WHERE relnamespace IN ('audit'::regnamespace, 'lizsync'::regnamespace) AND relkind <> 't'",
        "SELECT 'column', a.attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid), attstorage,
            attidentity, attgenerated, to_jsonb(a) ->> 'attcompression', attacl, attstattarget, col_description(a.attrelid, attnum)
         FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef d ON adrelid = attrelid AND adnum = attnum
         WHERE relnamespace IN ('audit'::regnamespace, 'lizsync'::regnamespace) AND attnum > 0 AND NOT attisdropped AND relkind <> 'i'",
        "SELECT 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated, obj_description(oid, 'pg_constraint')
         FROM pg_constraint WHERE connamespace IN ('audit'::regnamespace, 'lizsync'::regnamespace)",
        "SELECT 'index', pg_get_indexdef(indexrelid), indisvalid, indisclustered, indisreplident FROM pg_index JOIN pg_class c ON c.oid = indexrelid
         WHERE relnamespace IN ('audit'::regnamespace, 'lizsync'::regnamespace)",
        "SELECT 'function', p.oid::regprocedure, prorettype::regtype, prokind, prosecdef, provolatile, proisstrict, proparallel, proconfig, prosrc,
            pg_get_function_arguments(p.oid), obj_description(p.oid, 'pg_proc'),
            ARRAY(SELECT x.grantee::regrole || ' ' || x.privilege_type FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) AS x ORDER BY 1)
         FROM pg_proc p WHERE pronamespace IN ('audit'::regnamespace, 'lizsync'::regnamespace)",
        "SELECT 'trigger', pg_get_triggerdef(t.oid), tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
         WHERE relnamespace IN ('audit'::regnamespace, 'lizsync'::regnamespace)",
        "SELECT 'sequence', seqrelid::regclass, seqtypid::regtype, seqincrement, seqcycle, refobjid::regclass, attname
         FROM pg_sequence JOIN pg_depend d ON d.objid = seqrelid AND d.deptype = 'a' JOIN pg_attribute a ON attrelid = refobjid AND attnum = refobjsubid
         WHERE refobjid IN (SELECT oid FROM pg_class WHERE relnamespace IN ('audit'::regnamespace, 'lizsync'::regnamespace))",
        "SELECT 'type', oid::regtype, typtype FROM pg_type WHERE typnamespace IN ('audit'::regnamespace, 'lizsync'::regnamespace)",
        "SELECT 'operator', oid::regoperator, oprcode, obj_description(oid, 'pg_operator') FROM pg_operator WHERE oprnamespace IN ('audit'::regnamespace, 'lizsync'::regnamespace)",
    ];
    let mut all: Vec<String> = parts.iter().flat_map(|sql| database.rows(sql)).collect();
    all.sort();
    all
}
