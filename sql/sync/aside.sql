-- What a run could not apply, of both sides. {hstore}: quoted schema of the extension hstore.
CREATE TEMPORARY TABLE lizsync_aside (
    owner text NOT NULL,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    uid uuid NOT NULL,
    action text NOT NULL,
    fields {hstore}.hstore,
    edit_time timestamptz,
    field_times {hstore}.hstore,
    user_name text,
    sqlstate text,
    constraint_name text,
    message text NOT NULL,
    first_time timestamptz NOT NULL DEFAULT now()
) ON COMMIT DROP;
