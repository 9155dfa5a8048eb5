-- Makes the tables of the structure what their models are: temporary tables of the same names, made by the same SQL as
-- a fresh installation. Columns, types, defaults, constraints, sequences and comments follow; columns and constraints
-- that no model has stay. Rows are not rewritten, but where a type changes. The order of the columns stays.
DO $do$
DECLARE
    t record;
    c record;
    k record;
    v record;
    other name;
    sequence text;
    views text[] := '{}';
BEGIN
    FOR t IN
        SELECT m.oid AS model, r.oid AS target, format('%I.%I', n.nspname, r.relname) AS name, r.relname
        FROM pg_class AS m JOIN pg_class AS r ON r.relname = m.relname AND r.relkind = 'r'
        JOIN pg_namespace AS n ON n.oid = r.relnamespace
            AND n.nspname = CASE WHEN m.relname IN ('logged_actions', 'logged_relations') THEN 'audit' ELSE 'lizsync' END
        WHERE m.relnamespace = pg_my_temp_schema() AND m.relkind = 'r'
        ORDER BY r.relname
    LOOP
        FOR c IN
            SELECT m.attname, m.attnum, format_type(m.atttypid, m.atttypmod) AS type, m.atttypid, m.attnotnull,
                   pg_get_expr(md.adbin, md.adrelid) AS value, r.attnum AS target_num, r.atttypid AS target_type,
                   r.attnotnull AS target_notnull, pg_get_expr(rd.adbin, rd.adrelid) AS target_value,
                   -- From PostgreSQL 14 on.
                   to_jsonb(m) ->> 'attcompression' AS compression, to_jsonb(r) ->> 'attcompression' AS target_compression
            FROM pg_attribute AS m
            LEFT JOIN pg_attrdef AS md ON md.adrelid = m.attrelid AND md.adnum = m.attnum
            LEFT JOIN pg_attribute AS r ON r.attrelid = t.target AND r.attname = m.attname AND NOT r.attisdropped
            LEFT JOIN pg_attrdef AS rd ON rd.adrelid = r.attrelid AND rd.adnum = r.attnum
            WHERE m.attrelid = t.model AND m.attnum > 0 AND NOT m.attisdropped
            ORDER BY m.attnum
        LOOP
            IF c.target_num IS NULL THEN
                EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s%s%s', t.name, c.attname, c.type,
                    ' DEFAULT ' || c.value, CASE WHEN c.attnotnull THEN ' NOT NULL' ELSE '' END);
                c.target_notnull := c.attnotnull;
                c.target_value := c.value;
            ELSIF c.target_type <> c.atttypid THEN
                FOR v IN
                    WITH RECURSIVE above (oid, depth) AS (
                        SELECT r.ev_class, 1 FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid
                        WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
                          AND d.refobjid = t.target AND d.refobjsubid = c.target_num AND r.ev_class <> t.target
                        UNION
                        SELECT r.ev_class, a.depth + 1 FROM above AS a
                        JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = a.oid
                        JOIN pg_rewrite AS r ON r.oid = d.objid WHERE r.ev_class <> a.oid
                    )
                    SELECT a.oid, format('%I.%I', n.nspname, w.relname) AS name, w.relkind, w.relowner, w.relacl, w.reloptions,
                           pg_get_viewdef(a.oid) AS definition, obj_description(a.oid, 'pg_class') AS comment,
                           EXISTS (SELECT FROM pg_trigger AS g WHERE g.tgrelid = a.oid)
                               OR EXISTS (SELECT FROM pg_rewrite AS g WHERE g.ev_class = a.oid AND g.rulename <> '_RETURN')
                               OR EXISTS (SELECT FROM pg_attrdef AS g WHERE g.adrelid = a.oid)
                               OR EXISTS (SELECT FROM pg_description AS g WHERE g.classoid = 'pg_class'::regclass AND g.objoid = a.oid AND g.objsubid > 0)
                               OR EXISTS (SELECT FROM pg_attribute AS x WHERE x.attrelid = a.oid AND x.attacl IS NOT NULL) AS more
                    FROM (SELECT o.oid, max(o.depth) AS depth FROM above AS o GROUP BY o.oid) AS a
                    JOIN pg_class AS w ON w.oid = a.oid JOIN pg_namespace AS n ON n.oid = w.relnamespace
                    -- The highest first: it is dropped first, and made last.
                    ORDER BY a.depth DESC, a.oid
                LOOP
                    IF v.relkind <> 'v' OR v.more THEN
                        RAISE EXCEPTION '% uses the column % of %, whose type changes', v.name, c.attname, t.name
                            USING ERRCODE = 'dependent_objects_still_exist';
                    END IF;
                    views := ARRAY[format('CREATE VIEW %s%s AS %s', v.name,
                            ' WITH (' || array_to_string(v.reloptions, ', ') || ')', rtrim(v.definition, ';'))]
                        || CASE WHEN pg_get_userbyid(v.relowner) <> current_user
                            THEN ARRAY[format('ALTER VIEW %s OWNER TO %I', v.name, pg_get_userbyid(v.relowner))] ELSE '{}' END
                        || ARRAY(SELECT format('GRANT %s ON %s TO %s%s', x.privilege_type, v.name,
                                CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END,
                                CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
                            FROM aclexplode(v.relacl) AS x WHERE x.grantee <> v.relowner)
                        || CASE WHEN v.comment IS NULL THEN '{}' ELSE ARRAY[format('COMMENT ON VIEW %s IS %L', v.name, v.comment)] END
                        || views;
                    EXECUTE format('DROP VIEW %s', v.name);
                END LOOP;
                EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT, ALTER COLUMN %2$I TYPE %s USING %2$I::%3$s',
                    t.name, c.attname, c.type);
                c.target_value := NULL;
            END IF;
            IF c.value LIKE 'nextval(%' THEN
                -- A number of its own: the sequence is found by name.
                sequence := pg_get_serial_sequence(t.name, c.attname);
                IF sequence IS NULL THEN
                    sequence := format('%s.%I', split_part(t.name, '.', 1), t.relname || '_' || c.attname || '_seq');
                    EXECUTE format('CREATE SEQUENCE %s AS %s OWNED BY %s.%I', sequence, c.type, t.name, c.attname);
                    EXECUTE format('SELECT setval(%L, coalesce(max(%I), 0) + 1, false) FROM %s', sequence, c.attname, t.name);
                    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT nextval(%L::regclass)', t.name, c.attname, sequence);
                ELSE
                    IF c.target_value IS NULL THEN
                        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT nextval(%L::regclass)', t.name, c.attname, sequence);
                    END IF;
                    IF (SELECT s.seqtypid FROM pg_sequence AS s WHERE s.seqrelid = sequence::regclass) <> c.atttypid THEN
                        EXECUTE format('ALTER SEQUENCE %s AS %s', sequence, c.type);
                    END IF;
                    IF (SELECT s.relname FROM pg_class AS s WHERE s.oid = sequence::regclass)
                       <> t.relname || '_' || c.attname || '_seq' THEN
                        EXECUTE format('ALTER SEQUENCE %s RENAME TO %I', sequence, t.relname || '_' || c.attname || '_seq');
                    END IF;
                END IF;
            ELSIF c.value IS DISTINCT FROM c.target_value THEN
                EXECUTE format('ALTER TABLE %s ALTER COLUMN %I %s', t.name, c.attname, coalesce('SET DEFAULT ' || c.value, 'DROP DEFAULT'));
            END IF;
            IF c.attnotnull AND NOT c.target_notnull THEN
                IF c.value IS NOT NULL AND c.value NOT LIKE 'nextval(%' THEN
                    EXECUTE format('UPDATE %s SET %I = DEFAULT WHERE %2$I IS NULL', t.name, c.attname);
                END IF;
                EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', t.name, c.attname);
            ELSIF c.target_notnull AND NOT c.attnotnull THEN
                EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', t.name, c.attname);
            END IF;
            IF c.compression IS DISTINCT FROM c.target_compression AND c.compression IS NOT NULL THEN
                -- Of new values; those that are there stay as they are.
                EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET COMPRESSION %s', t.name, c.attname,
                    CASE c.compression WHEN 'l' THEN 'lz4' WHEN 'p' THEN 'pglz' ELSE 'default' END);
            END IF;
            IF col_description(t.target, coalesce(c.target_num, 0)) IS DISTINCT FROM col_description(t.model, c.attnum)
               AND c.target_num IS NOT NULL THEN
                EXECUTE format('COMMENT ON COLUMN %s.%I IS %s', t.name, c.attname,
                    coalesce(quote_literal(col_description(t.model, c.attnum)), 'NULL'));
            END IF;
        END LOOP;

        FOR k IN
            SELECT m.conname, m.contype, pg_get_constraintdef(m.oid) AS definition,
                   ARRAY(SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = t.model AND a.attnum = ANY (m.conkey) ORDER BY 1) AS columns
            FROM pg_constraint AS m WHERE m.conrelid = t.model AND m.contype IN ('p', 'u', 'c', 'n')
            ORDER BY m.conname
        LOOP
            SELECT r.conname INTO other FROM pg_constraint AS r
            WHERE r.conrelid = t.target AND r.contype = k.contype AND pg_get_constraintdef(r.oid) = k.definition
            ORDER BY r.conname <> k.conname LIMIT 1;
            IF NOT FOUND AND k.contype <> 'n' THEN
                -- One that says something else about the same columns gives way.
                FOR other IN
                    SELECT r.conname FROM pg_constraint AS r
                    WHERE r.conrelid = t.target AND (r.conname = k.conname OR r.contype = k.contype AND (k.contype = 'p' OR k.columns = ARRAY(
                        SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = t.target AND a.attnum = ANY (r.conkey) ORDER BY 1)))
                LOOP
                    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', t.name, other);
                END LOOP;
                EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', t.name, k.conname, k.definition);
            ELSIF other <> k.conname THEN
                EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', t.name, other, k.conname);
            END IF;
        END LOOP;
    END LOOP;
    -- The models have done their work.
    FOR t IN SELECT format('pg_temp.%I', m.relname) AS name FROM pg_class AS m
             WHERE m.relnamespace = pg_my_temp_schema() AND m.relkind = 'r' LOOP
        EXECUTE format('DROP TABLE %s', t.name);
    END LOOP;
    FOREACH sequence IN ARRAY views LOOP
        EXECUTE sequence;
    END LOOP;
END
$do$;
