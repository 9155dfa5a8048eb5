-- The schemas that a clone synchronises. $1: uuid of the clone. At most one row.
SELECT schemas FROM lizsync.scope($1);
