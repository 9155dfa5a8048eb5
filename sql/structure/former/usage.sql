-- Who may use the schema lizsync may use the schema audit, where tables moved from one to the other; where the schema audit is
-- somebody else's, that is its owner's affair. Returns statements.
SELECT format('GRANT USAGE ON SCHEMA audit TO %s%s', CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END,
              CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS sql
FROM pg_namespace AS n CROSS JOIN LATERAL aclexplode(n.nspacl) AS x
JOIN pg_namespace AS a ON a.nspname = 'audit' AND pg_has_role(a.nspowner, 'USAGE')
WHERE n.nspname = 'lizsync' AND x.privilege_type = 'USAGE' AND x.grantee <> n.nspowner
