"""An owner of LizSync 0.7.2 changes tools: the steps of docs/migrating.md, with what they print.

LIZSYNC_LIBRARY=… python3 tests/servers.py run python3 tests/python/migrating.py    prints the transcript
"""

import contextlib
import pathlib
import re
import sys
import tempfile
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from databases import Database  # noqa: E402
from guides import Terminal  # noqa: E402

IDS = {
    "central": "c0000000-0000-4000-8000-000000000000",
    "tablet": "a0000000-0000-4000-8000-000000000000",
    "laptop": "b0000000-0000-4000-8000-000000000000",
}
PACKAGE = "d0000000-0000-4000-8000-000000000000"
TREES = "00000000-0000-4000-8000-0000000000%02d"

STRUCTURE = ROOT / "tests" / "engine" / "upgrade" / "former.sql"
CONFLICTS = """CREATE TABLE lizsync.conflicts (id bigserial PRIMARY KEY, conflict_time timestamptz DEFAULT now(),
    object_table text, object_uid uuid, clone_id uuid, central_event_id bigint, central_event_timestamp timestamptz,
    central_sql text, clone_sql text, rejected text, rule_applied text);"""
TABLES = """
CREATE SCHEMA gis;
CREATE TABLE gis.tree (id serial PRIMARY KEY, name text, height integer,
    uid uuid NOT NULL UNIQUE DEFAULT md5(random()::text || clock_timestamp()::text)::uuid);
CREATE TABLE gis.plot (id serial PRIMARY KEY, code text,
    uid uuid NOT NULL UNIQUE DEFAULT md5(random()::text || clock_timestamp()::text)::uuid);
SELECT lizsync.audit_table('gis.tree'); SELECT lizsync.audit_table('gis.plot');
CREATE VIEW lizsync.edits_by_day AS
    SELECT action_tstamp_tx::date AS day, count(*) FROM lizsync.logged_actions GROUP BY 1;
"""

LIST = r'["\"gis\".\"tree\"", "\"gis\".\"plot\""]'


def former(central, clones):
    """The three databases in the middle of their life with 0.7.2."""
    sql = STRUCTURE.read_text(encoding="utf-8")
    for place, value in {
        "{log}": "lizsync",
        "{prefix}": "lizsync_",
        "{conflicts}": CONFLICTS,
        "{lists}": "synchronized_tables",
        "{list}": "sync_tables",
        "{version}": "0.7.2",
    }.items():
        sql = sql.replace(place, value)
    central.query(sql.split("CREATE FUNCTION lizsync.take_all")[0] + sql.rsplit("\n", 2)[1])
    central.query(TABLES)
    rows = ", ".join(f"('{TREES % n}', 'tree {n}', {n})" for n in range(1, 7))
    told = "".join(
        f"INSERT INTO lizsync.synchronized_tables VALUES ('{IDS[name]}', '{LIST}'); "
        f"UPDATE lizsync.history SET server_to = array_append(server_to, '{IDS[name]}');"
        for name in clones
    )
    central.query(f"""
        INSERT INTO lizsync.server_metadata VALUES ('{IDS["central"]}', 'central');
        INSERT INTO gis.tree (uid, name, height) VALUES {rows};
        INSERT INTO lizsync.history (sync_id, server_from, server_to, max_event_id, sync_type, sync_status)
        SELECT '{PACKAGE}', '{IDS["central"]}', '{{}}', max(event_id), 'full', 'done' FROM lizsync.logged_actions;
        {told}""")
    for name, clone in clones.items():
        Database("postgres").query(f"CREATE DATABASE {clone.name} TEMPLATE {central.name}")
        clone.query(f"""
            DELETE FROM lizsync.logged_actions;
            DELETE FROM lizsync.synchronized_tables WHERE server_id <> '{IDS[name]}';
            UPDATE lizsync.server_metadata SET server_id = '{IDS[name]}', server_name = '{name}';
            DROP VIEW lizsync.edits_by_day;
            CREATE EXTENSION postgres_fdw;
            CREATE SERVER central_server FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'central');
            CREATE USER MAPPING FOR CURRENT_USER SERVER central_server OPTIONS (user 'surveyor', password 'sesame');
            CREATE SCHEMA central_gis; CREATE FOREIGN TABLE central_gis.tree (uid uuid) SERVER central_server;
            CREATE SCHEMA central_lizsync;
            CREATE FOREIGN TABLE central_lizsync.history (sync_id uuid) SERVER central_server""")
    central.query(f"UPDATE gis.tree SET height = 20 WHERE uid = '{TREES % 1}'")
    # The tablet has replayed this one, the laptop not.
    mark = f"'{{replayed_by,{IDS['tablet']}}}', '\"{PACKAGE}\"'"
    central.query(
        f"UPDATE lizsync.logged_actions SET sync_data = jsonb_set(sync_data, {mark}) "
        "WHERE event_id = (SELECT max(event_id) FROM lizsync.logged_actions)"
    )
    clones["tablet"].query(
        f"UPDATE gis.tree SET height = 20 WHERE uid = '{TREES % 1}'; DELETE FROM lizsync.logged_actions"
    )
    central.query(
        f"UPDATE gis.tree SET name = 'oak' WHERE uid = '{TREES % 2}'; INSERT INTO gis.plot (code) VALUES ('P1')"
    )
    clones["tablet"].query(
        f"UPDATE gis.tree SET height = 30 WHERE uid = '{TREES % 3}'; DELETE FROM gis.tree WHERE uid = '{TREES % 4}'"
    )
    clones["laptop"].query(
        f"UPDATE gis.tree SET name = 'elm' WHERE uid = '{TREES % 2}'; INSERT INTO gis.tree (name) VALUES ('new')"
    )


UPGRADE = "upgrade_database_structure"
STEPS = [
    ("central: what would be done", (UPGRADE, "CONNECTION_NAME=central")),
    ("central: upgrade", (UPGRADE, "CONNECTION_NAME=central", "RUNIT=true")),
    ("tablet: upgrade", (UPGRADE, "CONNECTION_NAME=tablet", "RUNIT=true")),
    (
        "tablet: synchronise",
        ("synchronize_database", "CONNECTION_NAME_CENTRAL=central", "CONNECTION_NAME_CLONE=tablet"),
    ),
    (
        "laptop: before its upgrade",
        ("synchronize_database", "CONNECTION_NAME_CENTRAL=central", "CONNECTION_NAME_CLONE=laptop"),
    ),
    ("laptop: upgrade", (UPGRADE, "CONNECTION_NAME=laptop", "RUNIT=true")),
    (
        "laptop: synchronise",
        ("synchronize_database", "CONNECTION_NAME_CENTRAL=central", "CONNECTION_NAME_CLONE=laptop"),
    ),
    (
        "tablet: synchronise again",
        ("synchronize_database", "CONNECTION_NAME_CENTRAL=central", "CONNECTION_NAME_CLONE=tablet"),
    ),
]


@contextlib.contextmanager
def databases():
    """The three, dropped at the end."""
    made = {name: Database(f"survey_{name}") for name in IDS}
    admin = Database("postgres")
    try:
        admin.query(f"CREATE DATABASE {made['central'].name}")
        former(made["central"], {name: made[name] for name in ("tablet", "laptop")})
        yield made
    finally:
        for database in made.values():
            admin.query(f"DROP DATABASE IF EXISTS {database.name} WITH (FORCE)")


def transcript(made):
    """Runs the steps; returns what a user sees, by step."""
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal(folder, "postgres", made)
        said = {}
        for title, arguments in STEPS:
            done = terminal.run(*arguments)
            text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:5432", done.stdout)
            said[title] = f"$ python3 -m lizsync run {' '.join(arguments)}\n{wrap(text)}"
        return said


def wrap(text):
    """As long as the lines of the documentation."""
    lines = (textwrap.wrap(line, 110, subsequent_indent="  ", break_long_words=False) for line in text.splitlines())
    return "\n".join(line for wrapped in lines for line in wrapped)


if __name__ == "__main__":
    with databases() as made:
        for title, text in transcript(made).items():
            print(f"## {title}\n\n{text}\n")
