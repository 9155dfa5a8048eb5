-- Who may use the schema lizsync may use the schema audit, where tables moved from one to the other. Returns statements.
SELECT format('GRANT USAGE ON SCHEMA audit TO %s', CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END) AS sql
FROM pg_namespace AS n CROSS JOIN LATERAL aclexplode(n.nspacl) AS x
WHERE n.nspname = 'lizsync' AND x.privilege_type = 'USAGE' AND x.grantee <> n.nspowner
