"""LizSync at work on real data: one central database and two clones, on private servers; and an FTP server.

    python3 tests/demo/demo.py          runs everything; the exit status is 0 if the databases end equal
    KEEP=1 python3 tests/demo/demo.py   leaves the servers running
    python3 tests/demo/demo.py stop DIRECTORY

Every algorithm runs through the command line, `python3 -m lizsync run …`, as it would on three
machines. The library is found as the package finds it: build it first, or use “make demo”.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent)]

import edits  # noqa: E402
import servers  # noqa: E402

import files  # noqa: E402
import report  # noqa: E402

CENTRAL, CLONES = "central", ("tablet", "laptop")
NAMES = (CENTRAL, *CLONES)
DATABASE = "field_survey"


class Failure(Exception):
    """A step that did not do what the demo needs."""


class Demo:
    """Three servers, and the steps on them."""

    def __init__(self, directory):
        self.directory = directory
        self.steps = 0
        self.running = {}
        self.services = directory / "pg_service.conf"
        self.passwords = directory / "pgpass"
        # What a user has in ~/.pg_service.conf and ~/.pgpass; no password is on a command line.
        self.environment = {
            **servers.environment(),
            "LC_ALL": "C.UTF-8",
            "PGSERVICEFILE": str(self.services),
            "PGPASSFILE": str(self.passwords),
            "PYTHONPATH": str(ROOT / "python"),
            "PYTHONIOENCODING": "utf-8",
        }

    def start(self):
        """Starts the servers, with an empty database and a connection service for each."""
        services, passwords = [], []
        for name in NAMES:
            server = servers.Server(self.directory, name, tls=False)
            self.running[name] = server
            server.start()
            services.append(
                f"[{name}]\nhost=127.0.0.1\nport={server.port}\nuser=postgres\ndbname={DATABASE}\nsslmode=disable\n"
            )
            passwords.append(f"127.0.0.1:{server.port}:*:postgres:{server.password}\n")
            print(f"   {name:8} 127.0.0.1:{server.port}")
        for file, lines in ((self.services, services), (self.passwords, passwords)):
            file.touch(mode=0o600)
            file.write_text("\n".join(lines), encoding="utf-8")
        for name in NAMES:
            self.psql(name, f"CREATE DATABASE {DATABASE}", "-d", f"service={name} dbname=postgres")

    def psql(self, name, sql, *options):
        """Runs SQL as somebody would in QGIS or psql; returns what it prints."""
        where = options or ("-d", f"service={name}")
        done = subprocess.run(
            [str(self.running[name].bin / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-", *where],
            env=self.environment,
            cwd=HERE / "data",
            input=sql,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            raise Failure(f"psql on {name}: {done.stderr.strip()}")
        return done.stdout.strip()

    def title(self, text):
        self.steps += 1
        print(f"\n{self.steps}. {text}")

    def run(self, algorithm, **parameters):
        """Runs an algorithm through the command line; prints its warnings and its OUTPUT_STRING."""
        assignments = [f"{key}={value}" for key, value in parameters.items()]
        print("   $ python3 -m lizsync run", algorithm, *assignments)
        done = subprocess.run(
            [sys.executable, "-m", "lizsync", "run", algorithm, *assignments, "--json"],
            env=self.environment,
            cwd=self.directory,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            raise Failure(f"{algorithm} ended with status {done.returncode}:\n{done.stderr.strip()}")
        for line in done.stderr.splitlines():
            if line.startswith("Warning: "):
                print(report.wrapped(line))
        outputs = json.loads(done.stdout)
        print(report.wrapped(outputs["OUTPUT_STRING"]))
        return outputs

    def synchronize(self, clone):
        return self.run("synchronize_database", CONNECTION_NAME_CENTRAL=CENTRAL, CONNECTION_NAME_CLONE=clone)

    def edit(self, work):
        """Makes the edits, one after the other: the last edit of a value is the one that stays."""
        for name, what, sql in work:
            self.psql(name, sql)
            print(f"   {name:8} {what}")

    def conflicts(self):
        """The recorded conflicts, readable."""
        clones = {self.psql(name, "SELECT server_id FROM lizsync.server_metadata"): name for name in CLONES}
        rows = self.psql(CENTRAL, report.CONFLICTS)
        return [report.conflict(json.loads(row), clones) for row in rows.splitlines()]

    def check(self):
        """Shows what became of the edits; returns whether it is so in all three databases."""
        fine = True
        for what, sql, expected in edits.EXPECTED:
            found = [self.psql(name, sql) for name in NAMES]
            same = all(value == expected for value in found)
            print(f"   {what:28} {expected if same else found}")
            fine = fine and same
        return fine

    def compare(self):
        """Prints the comparison of all rows of the three databases; returns whether they are equal."""
        tables = self.psql(CENTRAL, report.TABLES).splitlines()
        contents = {
            name: {table: report.rows(self.psql(name, sql)) for table, sql in (line.split("|", 1) for line in tables)}
            for name in NAMES
        }
        return report.comparison(NAMES, contents)


def installation(demo):
    """From a plain PostGIS database to a central database with two clones."""
    demo.title("Load Natural Earth into the central database")
    demo.psql(CENTRAL, (HERE / "central.sql").read_text(encoding="utf-8"))
    print("   " + demo.psql(CENTRAL, report.LOADED))

    demo.title("Install LizSync on the central database")
    demo.run("create_database_structure", CONNECTION_NAME=CENTRAL)

    demo.title("Prepare the schema gis: a uid for every row, and the capture of changes")
    demo.run("initialize_central_database", CONNECTION_NAME_CENTRAL=CENTRAL, SCHEMAS="gis")

    demo.title("Upgrade LizSync (after an installation there is nothing to do)")
    demo.run("upgrade_database_structure", CONNECTION_NAME=CENTRAL, RUNIT="yes")

    package = "central_database_package.zip"
    binaries = demo.running[CENTRAL].bin
    demo.title("Package the central database")
    demo.run(
        "package_master_database",
        CONNECTION_NAME_CENTRAL=CENTRAL,
        POSTGRESQL_BINARY_PATH=binaries,
        SCHEMAS="gis",
        ZIP_FILE=package,
    )
    for clone in CLONES:
        demo.title(f"Deploy the package to the {clone}")
        demo.run(
            "deploy_database_server_package",
            CONNECTION_NAME_CENTRAL=CENTRAL,
            CONNECTION_NAME_CLONE=clone,
            POSTGRESQL_BINARY_PATH=binaries,
            ZIP_FILE=package,
        )


def field_work(demo):
    """Two days of edits on all three databases, each followed by synchronisations."""
    for day, work in (("first", edits.FIRST_DAY), ("second", edits.SECOND_DAY)):
        demo.title(f"The {day} day: people edit all three databases")
        demo.edit(work)
        # A clone hears in its second run what another clone brought after its first.
        for clone in (*CLONES, *CLONES):
            demo.title(f"Synchronise the {clone}")
            demo.synchronize(clone)


def play(demo):
    """All steps; Failure when the databases do not end equal, with all edits in them."""
    demo.title("Start three PostgreSQL servers")
    demo.start()
    installation(demo)
    field_work(demo)
    demo.title("The conflicts that were settled (lizsync.conflicts of the central)")
    conflicts = demo.conflicts()
    for line in conflicts:
        print(report.wrapped(line))
    demo.title("Compare the three databases row by row")
    equal = demo.compare()
    demo.title("What became of the edits, in all three databases")
    fine = demo.check()
    if not equal:
        raise Failure("The databases differ.")
    if not fine or len(conflicts) != edits.CONFLICTS:
        raise Failure(f"Not what was to be expected: {edits.CONFLICTS} conflicts, and one value everywhere.")
    files.play(demo, Failure)


def explain(demo):
    """How to reach and to stop servers that stay."""
    print("\nThe servers keep running. In a shell:")
    print(f"   export PGSERVICEFILE={demo.services} PGPASSFILE={demo.passwords}")
    print("   psql service=central        (or tablet, laptop)")
    print(f"In QGIS: host 127.0.0.1, database {DATABASE}, user postgres, and these ports:")
    print("   " + ", ".join(f"{name} {server.port}" for name, server in demo.running.items()))
    print(f"   The passwords are in {demo.passwords}.")
    print("Stop them and remove everything with")
    print(f"   python3 tests/demo/demo.py stop {demo.directory}")


def stop(directory):
    """Stops the servers that KEEP=1 left in a directory, and removes it."""
    directory = pathlib.Path(directory)
    if not (directory / "pg_service.conf").is_file() or not directory.name.startswith("lizsync-"):
        raise SystemExit(f"{directory} is not a directory of this demo.")
    for name in NAMES:
        servers.stop(directory / name)
    shutil.rmtree(directory)
    print(f"The servers of {directory} are stopped and removed.")


def main():
    servers.stop_on_signals()
    keep = os.environ.get("KEEP", "") not in ("", "0")
    begin = time.monotonic()
    demo = Demo(servers.scratch())
    finished = False
    try:
        play(demo)
        finished = True
        print(f"\nThe three databases are equal. That took {time.monotonic() - begin:.0f} seconds.")
        if keep:
            explain(demo)
        return 0
    except Failure as failure:
        print(f"\nFAILED: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if not (keep and finished):
            for server in demo.running.values():
                server.stop("immediate")
            shutil.rmtree(demo.directory, ignore_errors=True)


if __name__ == "__main__":
    # Each line when it happens, also in a log.
    sys.stdout.reconfigure(line_buffering=True, encoding="utf-8")
    if len(sys.argv) == 1:
        sys.exit(main())
    if sys.argv[1] != "stop" or len(sys.argv) > 3 or len(sys.argv) < 3:
        sys.exit(__doc__)
    stop(sys.argv[2])
