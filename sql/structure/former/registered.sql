-- In a central, after its tables were upgraded: the clones of the former plugin are known. $1: uuid[], their ids.
INSERT INTO lizsync.deployments (deployment, clone_id)
SELECT md5('lizsync deployment ' || c.id::text)::uuid, c.id FROM unnest($1::uuid[]) WITH ORDINALITY AS c (id, place)
ORDER BY c.place
ON CONFLICT ON CONSTRAINT deployments_deployment_key DO NOTHING
