-- What a side has to do. op: I insert, U update, D delete a row; F forget fields of the clone's own
-- log (all of them if fields is null); C record a conflict (fields are its columns).
-- reason: why a change is not applied but set aside (number of a refusal); place: its turn where
-- changes are written in parts; before: the row as it was, where it had to make room.
-- {hstore}: quoted schema of the extension hstore; {compression}: what follows the type of a column that holds rows;
-- {end}: what becomes of it when the transaction is committed.
-- What an earlier pass has left for the report of the run is of no use any more.
DROP TABLE IF EXISTS pg_temp.lizsync_stage;
CREATE TEMPORARY TABLE lizsync_stage (
    number integer NOT NULL,
    uid uuid NOT NULL,
    op "char" NOT NULL,
    fields {hstore}.hstore{compression},
    edit_time timestamptz,
    field_times {hstore}.hstore,
    user_name text,
    reason integer,
    place integer,
    before {hstore}.hstore{compression}
) ON COMMIT {end};

-- populate_record and hstore of the extension take a row of any type; in its schema others could be made for the
-- rows of one table, and would be preferred. These operators know only those of the extension.
DROP OPERATOR IF EXISTS pg_temp.#= (anyelement, {hstore}.hstore);
DROP OPERATOR IF EXISTS pg_temp.@# (NONE, record);
CREATE OPERATOR pg_temp.@# (RIGHTARG = record, FUNCTION = {hstore}.hstore);
CREATE OPERATOR pg_temp.#= (LEFTARG = anyelement, RIGHTARG = {hstore}.hstore, FUNCTION = {hstore}.populate_record);
