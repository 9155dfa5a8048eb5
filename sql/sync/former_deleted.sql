-- In the central: logs the deletion of rows that it has not, for clones that still have them. {table}; $1: uuid[], their rows;
-- $2, $3: schema and name; $4: oid of the table; $5: uuid, the central; $6: uuid, the run; $7: text, when they were deleted.
SELECT lizsync.log($2::text, $3::text, $4::oid, $5::uuid, $6::uuid, ARRAY(
    SELECT ROW('D', u.uid, NULL, NULL, $7::text::timestamptz, NULL, session_user)::lizsync.entry
    FROM unnest($1::uuid[]) AS u (uid) WHERE NOT EXISTS (SELECT FROM {table} AS t WHERE t.uid = u.uid)))
