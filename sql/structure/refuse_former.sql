-- The former plugin works from a clone, through foreign tables, and begins by writing to the history of the central: a clone
-- that was not upgraded would take from an upgraded central what it understands of it. Nothing of this product is
-- written through foreign tables.
CREATE OR REPLACE FUNCTION lizsync.refuse_former_plugin() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF current_setting('application_name') = 'postgres_fdw' THEN
        RAISE EXCEPTION 'This central database was upgraded: the former LizSync plugin cannot synchronise with it any more'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                HINT = 'Run "Upgrade LizSync tools in the central database" with the connection of the clone, then synchronise it.';
    END IF;
    RETURN NULL;
END
$function$;

DO $do$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'lizsync.history'::regclass AND tgname = 'lizsync_refuse_former_plugin') THEN
        CREATE TRIGGER lizsync_refuse_former_plugin BEFORE INSERT OR UPDATE ON lizsync.history
            FOR EACH STATEMENT EXECUTE FUNCTION lizsync.refuse_former_plugin();
    END IF;
END
$do$;

REVOKE ALL ON FUNCTION lizsync.refuse_former_plugin FROM PUBLIC;
