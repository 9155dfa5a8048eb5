"""What the demo shows: conflicts, and the comparison of databases."""

import json
import textwrap

WIDTH = 110

LOADED = """
SELECT format('%s continents, %s countries, %s cities, %s observations',
    (SELECT count(*) FROM gis.continents), (SELECT count(*) FROM gis.countries),
    (SELECT count(*) FROM gis.cities), (SELECT count(*) FROM gis.observations))
"""

CONFLICTS = """
SELECT row_to_json(c) FROM (
    SELECT c.object_table, c.field, c.rejected, c.clone_id, c.central_value, c.clone_value, c.object_uid,
        coalesce((SELECT name FROM gis.cities WHERE uid = c.object_uid),
                 (SELECT row_data -> 'name' FROM audit.logged_actions
                  WHERE uid = c.object_uid AND action = 'D' LIMIT 1)) AS name
    FROM lizsync.conflicts AS c ORDER BY c.id
) AS c
"""

# Each table of the schema, and the statement that reads its rows: uid, then all synchronised columns.
# An automatic key has another value in each database, so it is left out.
TABLES = """
SELECT format('gis.%I|SELECT json_build_array(uid, to_json(t)::jsonb - %L::text[]) FROM gis.%I AS t ORDER BY uid',
    c.relname,
    ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0
          AND pg_get_serial_sequence(format('gis.%I', c.relname), attname) IS NOT NULL),
    c.relname)
FROM pg_class AS c WHERE c.relnamespace = 'gis'::regnamespace AND c.relkind = 'r' ORDER BY c.relname
"""


def wrapped(text):
    """A paragraph below a step's title."""
    return textwrap.fill(text, WIDTH, initial_indent="   ", subsequent_indent="     ", break_long_words=False)


def quoted(value):
    return "nothing" if value is None else f"“{value}”"


def conflict(row, clones):
    """A sentence on one conflict; `clones` maps server ids to names."""
    clone = clones.get(row["clone_id"], "a clone")
    sides = [("central", row["central_value"]), (clone, row["clone_value"])]
    lost, won = sides if row["rejected"] == "central" else sides[::-1]
    where = "{} {}".format(row["object_table"], row["name"] or row["object_uid"])
    if row["field"] is None:
        # A delete beats an update: what lost are the fields of the update.
        fields = json.loads(lost[1] or "{}").items()
        values = ", ".join(f"{field} {quoted(value)}" for field, value in fields)
        return f"{where}: {values} of the {lost[0]} lost, because the {won[0]} deleted the row."
    field = row["field"]
    return f"{where}: {field} {quoted(lost[1])} of the {lost[0]} lost against {quoted(won[1])} of the {won[0]}."


def rows(text):
    """Rows by uid, as the statements of TABLES print them."""
    return dict(map(json.loads, text.splitlines()))


def comparison(names, contents):
    """Prints how many rows are the same in all databases, and every row that is not."""
    heading = "   {:<18}" + "{:>10}" * len(names) + "{:>12}"
    print(heading.format("rows", *names, "the same"))
    differences = []
    for table in contents[names[0]]:
        sides = [contents[name][table] for name in names]
        uids = set().union(*sides)
        different = [uid for uid in sorted(uids) if any(side.get(uid) != sides[0].get(uid) for side in sides[1:])]
        print(heading.format(table, *map(len, sides), len(uids) - len(different)))
        differences += [(table, uid) for uid in different]
    for table, uid in differences:
        print(f"   {table} {uid} differs:")
        for name in names:
            print(f"      {name:8} {json.dumps(contents[name][table].get(uid), ensure_ascii=False)[:WIDTH]}")
    return not differences
