"""No password is seen anywhere but where it belongs: sentinels are given to every algorithm, also to those that
fail, and looked for in all that comes out, in processes, files and databases."""

import contextlib
import json
import os
import pathlib
import stat
import subprocess
import threading
import urllib.parse
import zipfile

import ftp
import lizsync
import pytest
from conftest import command, environment
from databases import Database, temporary, variable

# The words are looked for: they are the same in every way of writing the passwords.
WORDS = {"central": "s3sameCentral", "clone": "s3sameClone", "ftp": "s3sameFiles"}
PASSWORDS = {place: f"{word} '\\\"ö%41:@/ {word}" for place, word in WORDS.items()}
INSTALL, PREPARE = "create_database_structure", "initialize_central_database"
PACKAGE, DEPLOY = "package_master_database", "deploy_database_server_package"


def quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def shown(text):
    """The sentinels in a text."""
    text = text if isinstance(text, bytes) else text.encode()
    return [word for word in WORDS.values() if word.encode() in text]


class Scene:
    """Two databases and an FTP server, each with a password, and what was said."""

    def __init__(self, folder, central, clone, server):
        self.folder, self.central, self.clone, self.server = folder, central, clone, server
        self.said = ftp.Messages()
        self.roles = {place: f"keeper_{place}_{os.getpid()}" for place in ("central", "clone")}

    def conninfo(self, place, password=None, port=None, database=None):
        name = database or {"central": self.central, "clone": self.clone}[place].name
        return (
            f"host=127.0.0.1 port={port or variable('LIZSYNC_TEST_PORT')} dbname={name} user={self.roles[place]}"
            f" password={quoted(password or PASSWORDS[place])} sslmode=disable"
        )

    def uri(self, place):
        user, password = self.roles[place], urllib.parse.quote(PASSWORDS[place], safe="")
        name = {"central": self.central, "clone": self.clone}[place].name
        return f"postgresql://{user}:{password}@127.0.0.1:{variable('LIZSYNC_TEST_PORT')}/{name}"

    def parameters(self, algorithm, **changes):
        """Those with which it succeeds."""
        folder = str(self.folder / "projects")
        known = {
            "CONNECTION_NAME": "central",
            "CONNECTION_NAME_CENTRAL": "central",
            "CONNECTION_NAME_CLONE": "clone",
            "POSTGRESQL_BINARY_PATH": str(self.folder / "bin"),
            "SCHEMAS": "gis",
            "ZIP_FILE": str(self.folder / "out" / "package.zip"),
            "RUNIT": True,
            "CLONE_QGIS_PROJECT_FOLDER": folder,
            "LOCAL_QGIS_PROJECT_FOLDER": folder,
            **self.server.account("CENTRAL"),
            **self.server.account("CLONE"),
        }
        (entry,) = [entry for entry in lizsync.algorithms() if entry["id"] == algorithm]
        taken = {parameter["id"] for parameter in entry["parameters"]}
        given = {key: value for key, value in known.items() if key in taken}
        given["connections"] = {"central": self.uri("central"), "clone": self.conninfo("clone")}
        for key, value in changes.items():
            if key in taken or key == "connections":
                given[key] = value
        return given

    def run(self, algorithm, given, fails=False):
        """Runs it; the outputs, also those of a failure."""
        try:
            outputs = lizsync.run(algorithm, given, self.said)
        except lizsync.LizsyncError as error:
            assert fails, error
            outputs = {"text": str(error), "debug": repr(error), **(error.outputs or {})}
        text = json.dumps(outputs, ensure_ascii=False)
        assert shown(text) == [], text
        return outputs


@pytest.fixture
def scene(tmp_path, monkeypatch):
    monkeypatch.setattr(ftp, "PASSWORD", PASSWORDS["ftp"])
    for name in ("root/projects", "projects/media", "out", "tmp", "bin", "spy"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("HOME", str(tmp_path / "tmp"))
    admin = Database("postgres")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(ftp.Server(tmp_path / "root"))
        central, clone = (stack.enter_context(temporary(f"secret_{name}")) for name in ("central", "clone"))
        made = Scene(tmp_path, central, clone, server)
        for place, role in made.roles.items():
            password = PASSWORDS[place].replace("'", "''")
            # Not logged, should it fail; and PostgreSQL keeps a hash only.
            admin.query(
                f"SET log_min_error_statement = panic; CREATE ROLE {role} SUPERUSER LOGIN PASSWORD '{password}'"
            )
            stack.callback(admin.query, f"DROP OWNED BY {role}; DROP ROLE {role}")
            stack.callback(central.query, f"REASSIGN OWNED BY {role} TO postgres")
            stack.callback(clone.query, f"REASSIGN OWNED BY {role} TO postgres")
        central.query("CREATE SCHEMA gis; CREATE TABLE gis.tree (id serial PRIMARY KEY, name text, photo text)")
        spy(tmp_path)
        yield made


def spy(folder):
    """A pg_dump that looks around before it works. Words are in a file: a command line would be found itself."""
    (folder / "spy" / "words").write_text("\n".join(WORDS.values()) + "\n")
    program = folder / "bin" / "pg_dump"
    program.write_text(f"""#!/bin/sh
cd {folder}/spy
if [ "$1" != --version ]; then
    echo "$@" >> arguments
    stat -c %a /proc/$$/environ >> modes
    grep -qaf words /proc/$PPID/environ && echo environment of the caller >> found
    grep -laf words /proc/[0-9]*/cmdline >> found 2>/dev/null
    grep -rlaf words {folder}/tmp {folder}/out >> found
fi
exec {variable("LIZSYNC_TEST_BIN")}/pg_dump "$@"
""")
    program.chmod(0o755)


@contextlib.contextmanager
def watched():
    """Looks at the command lines of all processes as long as it lasts; the sentinels found are in the list."""
    found, over = [], threading.Event()

    def watch():
        while True:
            last = over.is_set()
            for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    found.extend(shown(path.read_bytes()))
            if last:
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def contents(folder):
    """All files below a folder, also those within zips, by name."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path, path.read_bytes()
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    for name in archive.namelist():
                        yield path / name, archive.read(name)


def dumped(database):
    program = pathlib.Path(variable("LIZSYNC_TEST_BIN")) / "pg_dump"
    done = subprocess.run([str(program), "--inserts", database.conninfo], capture_output=True, check=True)
    assert b"audit.logged_actions" in done.stdout
    return done.stdout


def test_no_algorithm_shows_or_keeps_a_password(scene):
    scene.server.root.joinpath("projects", "a.qgs").write_text("<qgis></qgis>")
    scene.folder.joinpath("projects", "media", "p.jpg").write_bytes(b"photo")
    with watched() as on_command_lines:
        ran = []
        for algorithm in (
            INSTALL,
            PREPARE,
            "upgrade_database_structure",
            PACKAGE,
            DEPLOY,
            "synchronize_database",
            "get_projects_and_files_from_central_ftp",
            "send_projects_and_files_to_clone_ftp",
            "synchronize_media_subfolder_to_ftp",
        ):
            scene.run(algorithm, scene.parameters(algorithm))
            ran.append(algorithm)
        assert sorted(ran) == sorted(entry["id"] for entry in lizsync.algorithms())
        scene.central.query("INSERT INTO gis.tree (name) VALUES ('central')")
        scene.clone.query("INSERT INTO gis.tree (name) VALUES ('clone')")
        outputs = scene.run("synchronize_database", scene.parameters("synchronize_database"))
        assert (outputs["APPLIED_TO_CLONE"], outputs["APPLIED_TO_CENTRAL"]) == (1, 1)
        done = subprocess.run(
            [*command("run", "synchronize_database", "--params", "-", "--verbose")],
            input=json.dumps(scene.parameters("synchronize_database")),
            env=environment(),
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        assert shown(done.stdout + done.stderr) == []
    assert on_command_lines == []
    assert len(scene.said.of("info")) > 10, scene.said.lines
    assert shown(str(scene.said.lines)) == []
    # Nor statements: what other crates log may hold data.
    assert not [text for text in scene.said.of("debug") if "executing" in text or "preparing" in text]
    # What pg_dump saw. It has the password in its environment, which only its own user can read.
    assert "--schema" in scene.folder.joinpath("spy", "arguments").read_text()
    assert not scene.folder.joinpath("spy", "found").read_text()
    assert set(scene.folder.joinpath("spy", "modes").read_text().split()) == {"400"}
    # What is left: nothing in the folder for temporary files, and no password in files, databases and the server's log.
    assert list(scene.folder.joinpath("tmp").iterdir()) == []
    assert scene.folder.joinpath("out", "package.zip").is_file()
    for name in ("out", "projects", "root"):
        for path, content in contents(scene.folder / name):
            assert shown(content) == [], path
    for database in (scene.central, scene.clone):
        assert shown(dumped(database)) == []
    # Nor how the central is reached.
    assert scene.roles["central"].encode() not in dumped(scene.clone)
    assert shown(pathlib.Path(variable("LIZSYNC_TEST_SOCKET"), "log").read_bytes()) == []


def failures(scene):
    """Changes to the parameters with which an algorithm fails."""
    wrong = PASSWORDS["central"] + "x"
    central = scene.conninfo("central", wrong)
    broken = [
        central,
        scene.conninfo("central", port=1),
        scene.conninfo("central", database="nowhere"),
        f"host=127.0.0.1 password={PASSWORDS['central']}",
        f"host=127.0.0.1 password='{WORDS['central']}",
        f"host=127.0.0.1 {WORDS['central']} dbname=x",
        f"host=127.0.0.1 port={WORDS['central']} dbname=x",
        f"postgresql://anna:{WORDS['central']}/x@127.0.0.1/x",
        f"postgresql://anna:{WORDS['central']}%zz@127.0.0.1/x",
        f"postgresql://anna:x@127.0.0.1/x?{WORDS['central']}",
        f"host=127.0.0.1 options='-c a.b={WORDS['central']}' port=1 user=x",
        f"host=127.0.0.1 dbname=postgresql://anna:{WORDS['central']}@127.0.0.1/x",
        f"host=127.0.0.1 user=anna:{WORDS['central']}@127.0.0.1 dbname=x",
        f"host=anna:{WORDS['central']}@127.0.0.1 dbname=x",
        f"host=127.0.0.1 dbname=x passfile=postgresql://anna:{WORDS['central']}@127.0.0.1/x",
        f"service=postgresql://anna:{WORDS['central']}@127.0.0.1/x",
    ]
    for conninfo in broken:
        yield {"connections": {"central": conninfo, "clone": scene.conninfo("clone")}}
        yield {"CONNECTION_NAME": conninfo, "CONNECTION_NAME_CENTRAL": conninfo}
    yield {"connections": {"central": scene.conninfo("central"), "clone": scene.conninfo("clone", wrong)}}
    for which in ("CENTRAL", "CLONE"):
        yield {f"{which}_FTP_PASSWORD": PASSWORDS["ftp"] + "x"}
        yield {f"{which}_FTP_PORT": 1}
        yield {f"{which}_FTP_HOST": f"anna:{WORDS['ftp']}@127.0.0.1"}
        yield {f"{which}_FTP_PASSWORD": [PASSWORDS["ftp"]]}
        yield {f"{which}_FTP_PASSWORD": PASSWORDS["ftp"] + "\0"}
    for name in ("ZIP_FILE", "POSTGRESQL_BINARY_PATH", "CLONE_QGIS_PROJECT_FOLDER", "LOCAL_QGIS_PROJECT_FOLDER"):
        yield {name: central}
    for name in ("SCHEMAS", "TABLES", "FTP_TLS", "FTP_CA_FILE"):
        yield {name: f"postgresql://anna:{WORDS['central']}@127.0.0.1/x"}


def test_no_failure_shows_a_password(scene):
    failed = {}
    for entry in lizsync.algorithms():
        algorithm = entry["id"]
        good = scene.parameters(algorithm)
        for changes in failures(scene):
            given = scene.parameters(algorithm, **changes)
            if given != good:
                outputs = scene.run(algorithm, given, fails=True)
                failed[algorithm] = failed.get(algorithm, 0) + (outputs.get("OUTPUT_STATUS") == 0)
        scene.run(algorithm, {**good, WORDS["central"]: 1}, fails=True)
        scene.run(algorithm, {**good, "connections": {WORDS["central"] + "=x": 1}}, fails=True)
    assert min(failed.values()) > 5, failed
    assert shown(str(scene.said.lines)) == []
    assert list(scene.folder.joinpath("tmp").iterdir()) == []
    assert shown(pathlib.Path(variable("LIZSYNC_TEST_SOCKET"), "log").read_bytes()) == []


def private(path, text):
    path.write_text(text, encoding="utf-8")
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    return str(path)


def test_passwords_from_files_and_variables_are_not_shown(scene, monkeypatch):
    """Right and wrong ones, of every place where they may be."""
    port, role = variable("LIZSYNC_TEST_PORT"), scene.roles["central"]
    without = f"host=127.0.0.1 port={port} user={role} dbname={scene.central.name} sslmode=disable"
    for wrong in ("", "x"):
        password = PASSWORDS["central"] + wrong
        escaped = password.replace("\\", "\\\\").replace(":", "\\:")
        services = (
            f"[gis]\nhost=127.0.0.1\nport={port}\nuser={role}\ndbname={scene.central.name}\npassword={password}\n"
        )
        places = {
            "PGPASSWORD": (without, password),
            "PGPASSFILE": (without, private(scene.folder / "passwords", f"*:*:*:*:{escaped}\n")),
            "PGSERVICEFILE": ("gis", private(scene.folder / "services", services)),
        }
        for name, (connection, value) in places.items():
            with monkeypatch.context() as patched:
                patched.setenv(name, value)
                outputs = scene.run(INSTALL, {"CONNECTION_NAME": connection, "OVERRIDE_AUDIT": True}, fails=True)
                assert wrong or outputs.get("OUTPUT_STATUS") == 1 or "lizsync" in outputs["text"], outputs
    # The FTP server refuses both: they have no spaces.
    secret = PASSWORDS["ftp"].replace(" ", "")
    for name, text in {
        "LIZSYNC_CONFIG_FILE": f"[ftp:central]\nhost = 127.0.0.1\nuser = anna\npassword = {secret}\n",
        "NETRC": f"machine 127.0.0.1 login anna password {secret}\n",
    }.items():
        with monkeypatch.context() as patched:
            patched.setenv(name, private(scene.folder / name, text))
            algorithm = "synchronize_media_subfolder_to_ftp"
            given = scene.parameters(algorithm)
            del given["CENTRAL_FTP_PASSWORD"]
            outputs = scene.run(algorithm, given, fails=True)
            assert "Check the login and the password" in outputs["text"], outputs
    assert shown(str(scene.said.lines)) == []
