-- The logs of a clone and their layout; one row. `ours`: the log of this product.
SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('audit.logged_actions') AND attname = 'origin') AS ours,
       to_regclass('audit.logged_actions') IS NOT NULL AS audit,
       to_regclass('lizsync.logged_actions') IS NOT NULL AS lizsync;
