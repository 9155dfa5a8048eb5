-- Functions that people call themselves, with their own rights.

-- Captures the changes of a table: the forms of the audit trigger of the PostgreSQL wiki, on which the former plugin
-- was built. Rows are always captured, with all their columns; the text of queries never is.
CREATE OR REPLACE FUNCTION audit.audit_table(target regclass, audit_rows boolean, audit_query_text boolean, ignored_cols text[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF NOT audit_rows THEN
        RAISE WARNING 'audit.audit_table: the rows of % are captured all the same: they are what is synchronised', target;
    END IF;
    IF cardinality(ignored_cols) > 0 THEN
        RAISE WARNING 'audit.audit_table: all columns of % are captured, these too: %', target, array_to_string(ignored_cols, ', ');
    END IF;
    PERFORM audit.audit_table(target);
END
$function$;

CREATE OR REPLACE FUNCTION audit.audit_table(target regclass, audit_rows boolean, audit_query_text boolean) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT audit.audit_table(target, audit_rows, audit_query_text, '{}'::text[])
$function$;

-- Compares two tables row by row, by their uid: the rows that differ, with the values that do. status: "only in a", "only
-- in b" or "different". The table may be in another database, as a foreign table; the rows of tables that inherit count with
-- their parents, as a foreign table does not tell them apart.
CREATE OR REPLACE FUNCTION lizsync.compare_tables(table_a regclass, table_b regclass)
RETURNS TABLE (uid uuid, status text, table_a_values {hstore}.hstore, table_b_values {hstore}.hstore)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN QUERY EXECUTE format($sql$
        SELECT coalesce(a.uid, b.uid),
               CASE WHEN b.row IS NULL THEN 'only in a' WHEN a.row IS NULL THEN 'only in b' ELSE 'different' END,
               CASE WHEN b.row IS NULL THEN a.row ELSE a.row OPERATOR({hstore}.-) b.row END,
               CASE WHEN a.row IS NULL THEN b.row ELSE b.row OPERATOR({hstore}.-) a.row END
        FROM (SELECT r.uid, (OPERATOR(audit.@#) (r.*)) AS row FROM %s AS r OFFSET 0) AS a
        FULL JOIN (SELECT r.uid, (OPERATOR(audit.@#) (r.*)) AS row FROM %s AS r OFFSET 0) AS b ON a.uid = b.uid
        WHERE a.row IS NULL OR b.row IS NULL OR a.row OPERATOR({hstore}.<>) b.row
        ORDER BY 1
    $sql$, table_a, table_b);
END
$function$;

-- Compares a table with the one of that name in the schema central_<schema>, as the former plugin did in a clone. The
-- plugin's foreign tables are gone: IMPORT FOREIGN SCHEMA makes new ones where somebody wants to compare in SQL.
CREATE OR REPLACE FUNCTION lizsync.compare_tables(schema_name text, table_name text)
RETURNS TABLE (uid uuid, status text, table_a_values {hstore}.hstore, table_b_values {hstore}.hstore)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    names text[] := ARRAY[format('%I.%I', 'central_' || schema_name, table_name), format('%I.%I', schema_name, table_name)];
    name text;
BEGIN
    FOREACH name IN ARRAY names LOOP
        IF to_regclass(name) IS NULL THEN
            RAISE EXCEPTION 'There is no table % to compare', name USING ERRCODE = 'undefined_table',
                HINT = format('lizsync.compare_tables(''a.t'', ''b.t'') with regclass compares any two; IMPORT FOREIGN SCHEMA %I FROM SERVER ... INTO %I brings the tables of another database.',
                    schema_name, 'central_' || schema_name);
        END IF;
    END LOOP;
    RETURN QUERY SELECT c.* FROM lizsync.compare_tables(names[1]::regclass, names[2]::regclass) AS c;
END
$function$;
