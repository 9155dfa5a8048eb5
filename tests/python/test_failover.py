"""A central with a streaming standby: the primary dies in the middle of runs, the standby takes over."""

import shutil
import subprocess
import sys
import threading

import lizsync
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests"))
import servers  # noqa: E402

TREES = """CREATE SCHEMA gis;
    CREATE TABLE gis.tree (id serial PRIMARY KEY, name text, height int, crown int);
    INSERT INTO gis.tree (name, height) SELECT 'tree ' || n, n FROM generate_series(1, 50) AS n"""
ROWS = "SELECT string_agg(concat_ws('|', uid, name, height, crown), ' ' ORDER BY uid) FROM gis.tree"
REPLICATION = (
    "\nwal_level = replica\nmax_wal_senders = 4\nhot_standby = on\nsynchronous_commit = local\nwal_keep_size = '64MB'\n"
)
STANDBY = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"


class Pair:
    """A primary, its standby, and a server of clones."""

    def __init__(self, directory):
        self.directory = directory
        self.primary = servers.Server(directory, "primary", REPLICATION, tls=False)
        with open(self.primary.data / "pg_hba.conf", "a", encoding="utf-8") as rules:
            rules.write("local replication all trust\n")
        self.primary.start()
        self.clones = servers.Server(directory, "clones", tls=False).start()
        self.standby = None
        self.former = []

    def attach(self):
        """Makes a standby and waits until it streams."""
        number = len(self.former)
        standby = object.__new__(servers.Server)
        standby.__dict__.update(self.primary.__dict__)
        standby.directory = self.directory / f"standby{number}"
        standby.directory.mkdir()
        standby._own(standby.directory)
        standby.data, standby.socket, standby.port = standby.directory / "data", standby.directory, servers.free_port()
        source = f"host={self.primary.socket} port={self.primary.port} user=postgres"
        standby._call("pg_basebackup", "-R", "-X", "stream", "-c", "fast", "-D", standby.data, "-d", source)
        with open(standby.data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.write(f"\nport = {standby.port}\nunix_socket_directories = '{standby.socket}'\n")
        standby.start()
        self.standby = standby
        self.wait(STANDBY, "1")

    def wait(self, sql, wanted):
        """Waits until the primary answers `wanted`; the server does the waiting."""
        self.psql(
            self.primary,
            "postgres",
            f"""DO $$ BEGIN
                FOR i IN 1..1500 LOOP
                    IF ({sql})::text = '{wanted}' THEN RETURN; END IF;
                    PERFORM pg_stat_clear_snapshot(); PERFORM pg_sleep(0.02);
                END LOOP;
                RAISE 'it did not come to that';
            END $$""",
        )

    def caught_up(self):
        """Waits until the standby has all that the primary has committed."""
        self.wait("SELECT bool_and(replay_lsn >= pg_current_wal_lsn()) FROM pg_stat_replication", "true")

    def fail_over(self):
        """The primary crashes, the standby takes over."""
        self.primary.stop("immediate")
        self.standby._call("pg_ctl", "promote", "-w", "-s", "-D", self.standby.data)
        self.former.append(self.primary)
        self.primary, self.standby = self.standby, None

    def uri(self, *others):
        """A URI of the central that names all servers, those that are gone among them."""
        all_servers = [*self.former, self.primary, *filter(None, [self.standby]), *others]
        hosts = ",".join(str(server.socket).replace("/", "%2F") for server in all_servers)
        ports = ",".join(str(server.port) for server in all_servers)
        return f"postgresql://postgres@/central?host={hosts}&port={ports}&target_session_attrs=read-write"

    def psql(self, server, database, sql):
        done = subprocess.run(
            [str(server.bin / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql, server.uri(database)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def central(self, sql):
        return self.psql(self.primary, "central", sql)

    def synchronize(self, clone, feedback=None):
        """One run; every captured edit is accounted for."""
        outputs = lizsync.run(
            "synchronize_database",
            {"CONNECTION_NAME_CENTRAL": self.uri(), "CONNECTION_NAME_CLONE": self.clones.uri(clone)},
            feedback=feedback,
        )
        for side, applied in (("CENTRAL", "APPLIED_TO_CLONE"), ("CLONE", "APPLIED_TO_CENTRAL")):
            parts = [outputs[f"{what}_{side}"] for what in ("SUPERSEDED", "LOST", "SET_ASIDE")]
            assert outputs[f"CAPTURED_{side}"] == outputs[applied] + sum(parts), outputs
        return outputs

    def equal(self, *clones):
        """All hold the same rows, and an idle run has nothing to do."""
        for _ in range(2):
            for clone in clones:
                self.synchronize(clone)
        wanted = self.central(ROWS)
        for clone in clones:
            assert self.psql(self.clones, clone, ROWS) == wanted
            assert self.synchronize(clone)["OUTPUT_STRING"].startswith("Synchronised: both databases were up to date")

    def stop(self):
        for server in [*self.former, self.primary, self.standby, self.clones]:
            if server:
                server.stop("immediate")


@pytest.fixture
def pair(tmp_path):
    """A primary with a prepared central, its standby, and two clones that were deployed from it."""
    directory = servers.scratch()
    pair = Pair(directory)
    try:
        pair.psql(pair.primary, "postgres", "CREATE DATABASE central")
        pair.central(TREES)
        central = {"CONNECTION_NAME_CENTRAL": pair.uri()}
        lizsync.run("create_database_structure", {"CONNECTION_NAME": pair.uri()})
        lizsync.run("initialize_central_database", central)
        zip_file = str(tmp_path / "package.zip")
        lizsync.run(
            "package_master_database",
            {**central, "SCHEMAS": "gis", "ZIP_FILE": zip_file, "POSTGRESQL_BINARY_PATH": str(pair.primary.bin)},
        )
        for clone in ("a", "b"):
            pair.psql(pair.clones, "postgres", f"CREATE DATABASE {clone}")
            lizsync.run(
                "deploy_database_server_package",
                {**central, "CONNECTION_NAME_CLONE": pair.clones.uri(clone), "ZIP_FILE": zip_file},
            )
        pair.attach()
        yield pair
    finally:
        pair.stop()
        shutil.rmtree(directory, ignore_errors=True)


def edit(pair, step):
    """Edits of all three, on common rows and on rows of their own."""
    pair.central(
        f"""UPDATE gis.tree SET height = {step} + 1000 WHERE id <= 10;
            INSERT INTO gis.tree (name) VALUES ('central {step}')"""
    )
    for clone in ("a", "b"):
        sql = f"""UPDATE gis.tree SET crown = {step} WHERE name IN ('tree {ord(clone) - 90}', 'tree 1');
            UPDATE gis.tree SET height = {step} WHERE name = 'tree {ord(clone) - 60}';
            INSERT INTO gis.tree (name) VALUES ('{clone} {step}');
            DELETE FROM gis.tree WHERE name = '{clone} {step - 2}'"""
        pair.psql(pair.clones, clone, sql)


def test_a_standby_that_has_everything_goes_on(pair):
    edit(pair, 1)
    for clone in ("a", "b"):
        pair.synchronize(clone)
    edit(pair, 2)
    pair.caught_up()
    pair.fail_over()
    edit(pair, 3)
    pair.equal("a", "b")
    assert pair.central("SELECT count(*) FROM gis.tree WHERE name ~ '^(a|b|central) 3'") == "3"


def test_what_the_standby_missed_comes_back_from_the_clones(pair):
    edit(pair, 1)
    for clone in ("a", "b"):
        pair.synchronize(clone)
    pair.caught_up()
    # The standby stops receiving; the primary and the clones go on for some runs.
    pair.standby.stop("fast")
    edit(pair, 2)
    pair.synchronize("a")
    edit(pair, 3)
    pair.synchronize("a")
    pair.synchronize("b")
    rows = pair.central(ROWS)
    assert pair.psql(pair.clones, "b", ROWS) == rows
    pair.primary.stop("immediate")
    pair.standby.start()
    pair.fail_over()
    assert pair.central(ROWS) != rows, "the standby misses the last runs"
    # Somebody edits the new primary before the clones come: its transaction numbers were used before.
    pair.central("UPDATE gis.tree SET height = 7777 WHERE id = 50; INSERT INTO gis.tree (name) VALUES ('after')")
    pair.equal("a", "b")
    missing = (
        "SELECT count(*) FROM gis.tree WHERE name IN ('central 2', 'central 3', 'a 2', 'a 3', 'b 2', 'b 3', 'after')"
    )
    assert pair.central(missing) == "7"
    assert pair.central("SELECT height FROM gis.tree WHERE id = 50") == "7777"
    assert pair.central("SELECT count(*) FROM gis.tree WHERE name IN ('a 1', 'b 1')") == "0"


def test_the_primary_dies_at_every_step_of_runs(pair):
    steps = (
        "Reading the changes",
        "Writing gis.tree to the clone",
        "Writing gis.tree to the central",
        "Committing to the clone",
        "Committing to the central",
    )
    for number, step in enumerate(steps):
        edit(pair, number)
        pair.synchronize("b")
        edit(pair, 10 + number)
        died = []

        class Feedback:
            """Kills the primary at that step."""

            def message(self, _level, text, step=step, died=died):
                if text.startswith(step) and not died:
                    died.append(text)
                    pair.fail_over()

        uri = pair.uri()
        try:
            pair.synchronize("a", Feedback())
        except lizsync.LizsyncError as error:
            assert error.kind in ("connection", "database"), error
        assert died, f"{step} was not reached with {uri}"
        edit(pair, 20 + number)
        pair.equal("a", "b")
        wanted = f"SELECT count(*) FROM gis.tree WHERE name ~ '^(a|b) ({number}|{10 + number}|{20 + number})$'"
        assert pair.central(wanted) == "6", step
        pair.attach()


def test_editors_go_on_while_the_standby_takes_over(pair):
    stop = threading.Event()
    made = []

    def editor():
        number = 0
        while not stop.is_set():
            pair.psql(pair.clones, "a", f"INSERT INTO gis.tree (name) VALUES ('busy {number}')")
            made.append(f"busy {number}")
            number += 1

    thread = threading.Thread(target=editor)
    thread.start()
    try:
        for _ in range(3):
            pair.synchronize("a")
        pair.fail_over()
        for _ in range(3):
            pair.synchronize("a")
    finally:
        stop.set()
        thread.join()
    pair.equal("a", "b")
    assert (
        pair.central("SELECT count(DISTINCT name), count(*) FROM gis.tree WHERE name LIKE 'busy %'")
        == f"{len(made)}|{len(made)}"
    )


def test_a_former_primary_is_recognised(pair):
    edit(pair, 1)
    pair.synchronize("a")
    pair.caught_up()
    old = pair.primary
    pair.fail_over()
    edit(pair, 2)
    pair.synchronize("a")
    old.start()
    with pytest.raises(lizsync.LizsyncError, match="former primary") as caught:
        lizsync.run(
            "synchronize_database",
            {"CONNECTION_NAME_CENTRAL": old.uri("central"), "CONNECTION_NAME_CLONE": pair.clones.uri("a")},
        )
    assert caught.value.kind == "state"
    old.stop()
    pair.equal("a", "b")
