"""Databases for the Python tests, on the server that `tests/servers.py run` started."""

import contextlib
import itertools
import os
import pathlib
import subprocess

NUMBERS = itertools.count()


def variable(name):
    try:
        return os.environ[name]
    except KeyError:
        raise SystemExit(f"{name} is not set: run “make test”, or “python3 tests/servers.py run …”") from None


class Database:
    """A database of its own for one test."""

    def __init__(self, name):
        self.name = name

    @property
    def conninfo(self):
        host, port = variable("LIZSYNC_TEST_SOCKET"), variable("LIZSYNC_TEST_PORT")
        return f"host={host} port={port} user=postgres dbname={self.name}"

    def psql(self, *options):
        program = pathlib.Path(variable("LIZSYNC_TEST_BIN")) / "psql"
        return [str(program), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *options, self.conninfo]

    def query(self, sql):
        """Runs SQL; returns what psql prints."""
        done = subprocess.run(self.psql("-c", sql), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @contextlib.contextmanager
    def holding(self, sql):
        """A transaction that has run `sql` and stays open."""
        with subprocess.Popen(self.psql(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as session:
            session.stdin.write(f"BEGIN;\n{sql};\n\\echo held\n")
            session.stdin.flush()
            assert session.stdout.readline() == "held\n"
            try:
                yield
            finally:
                session.stdin.close()

    def waits(self):
        """Whether a session on this database waits for a lock."""
        sql = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{self.name}' AND wait_event_type = 'Lock'"
        return self.query(sql) != "0"

    def wait_until_blocked(self):
        """Returns when a session waits for a lock; the server does the waiting."""
        self.query(f"""DO $$
            BEGIN
                FOR i IN 1..1000 LOOP
                    PERFORM pg_stat_clear_snapshot();
                    IF EXISTS (SELECT FROM pg_stat_activity
                               WHERE datname = '{self.name}' AND wait_event_type = 'Lock') THEN
                        RETURN;
                    END IF;
                    PERFORM pg_sleep(0.02);
                END LOOP;
                RAISE 'nobody waits for a lock';
            END $$""")


@contextlib.contextmanager
def temporary(prefix):
    """An empty database, as long as the context lasts."""
    admin = Database("postgres")
    made = Database(f"{prefix}_{os.getpid()}_{next(NUMBERS)}")
    admin.query(f'CREATE DATABASE "{made.name}"')
    try:
        yield made
    finally:
        admin.query(f'DROP DATABASE "{made.name}" WITH (FORCE)')
