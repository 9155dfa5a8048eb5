-- The schemas that a clone synchronises, and the tables of them (null for all). $1: uuid of the clone. At most one row.
SELECT schemas, table_schemas, table_names FROM lizsync.scope($1);
