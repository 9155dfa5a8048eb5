"""Private PostgreSQL servers for tests, benchmarks and the demo. Standard library only.

    python3 tests/servers.py run [--settings FILE] COMMAND …
        runs COMMAND with one server, then stops it; FILE has further lines for postgresql.conf

The server lives in a temporary directory, listens on a Unix socket (trust) and on a free port of
127.0.0.1 (scram-sha-256; TLS with certificates of a private authority), and runs as an ordinary
user when this program is root. COMMAND finds it through the environment:

    LIZSYNC_TEST_SOCKET    directory of the Unix socket
    LIZSYNC_TEST_PORT      port of socket and TCP
    LIZSYNC_TEST_PASSWORD  password of the superuser `postgres` over TCP
    LIZSYNC_TEST_CERTS     directory with root.crt, server.crt, client.crt and client.key (CN certuser)
    LIZSYNC_TEST_BIN       directory of pg_dump, psql, …
    LIZSYNC_TEST_SERVER_BIN  directory of initdb and pg_ctl

`PG…` variables of the caller are not handed on: what a developer has set up must not decide a test.
"""

import os
import pathlib
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

# Durability is not what these servers are for.
SETTINGS = """
fsync = off
synchronous_commit = on
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_connections = 200
shared_buffers = 128MB
listen_addresses = '127.0.0.1'
logging_collector = off
log_min_messages = warning
"""

PLAIN_AUTHENTICATION = """
local   all all                  trust
host    all all      127.0.0.1/32 scram-sha-256
"""

AUTHENTICATION = "hostssl all certuser 127.0.0.1/32 cert" + PLAIN_AUTHENTICATION


def find_binaries():
    """The bin directory of the newest PostgreSQL server, or of LIZSYNC_PG_BIN."""
    given = os.environ.get("LIZSYNC_PG_BIN")
    if given:
        return pathlib.Path(given)
    found = sorted(
        pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: int(re.sub(r"\D", "", path.parts[-3]) or 0),
    )
    elsewhere = shutil.which("postgres")
    if elsewhere:
        found.insert(0, pathlib.Path(elsewhere).resolve())
    if not found:
        raise SystemExit("No PostgreSQL server found in /usr/lib/postgresql or PATH: run “make setup” first.")
    return found[-1].parent


def ordinary_user():
    """The arguments that make a child process run as an ordinary user, when we are root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise SystemExit("PostgreSQL does not run as root, and there is no user postgres or nobody.")


def environment():
    """The environment without the caller's settings for libpq."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def free_port():
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One private PostgreSQL server in a directory of its own.

    `settings` are further lines for postgresql.conf; without `tls` no certificates are made, which
    makes a server faster to create; `binaries` is the bin directory of another version.
    """

    def __init__(self, directory, name="server", settings="", tls=True, binaries=None):
        self.user = ordinary_user()
        self.bin = binaries or find_binaries()
        self.port = free_port()
        self.password = secrets.token_urlsafe(12)
        self.directory = pathlib.Path(directory) / name
        self.directory.mkdir(parents=True)
        self.data = self.directory / "data"
        self.socket = self.directory
        self.certificates = self.directory / "certificates"
        self._own(self.directory)
        password_file = self.directory / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        self._own(password_file)
        self._call(
            "initdb",
            "-D",
            self.data,
            "-U",
            "postgres",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            # Before PostgreSQL 14 this decides how passwords are stored.
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            f"--pwfile={password_file}",
            "--no-sync",
        )
        password_file.unlink()
        extra = f"\nport = {self.port}\nunix_socket_directories = '{self.socket}'\n"
        if tls:
            extra += self._tls()
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.write(SETTINGS + extra + settings)
        (self.data / "pg_hba.conf").write_text(AUTHENTICATION if tls else PLAIN_AUTHENTICATION)

    def _tls(self):
        self.certificates.mkdir()
        make_certificates(self.certificates)
        for path in [self.certificates, *self.certificates.iterdir()]:
            self._own(path)
        return f"""
ssl = on
ssl_ca_file = '{self.certificates}/root.crt'
ssl_cert_file = '{self.certificates}/server.crt'
ssl_key_file = '{self.certificates}/server.key'
"""

    def _own(self, path):
        if self.user:
            os.chown(path, self.user["user"], self.user["group"])

    def _call(self, program, *arguments):
        done = subprocess.run(
            [self.bin / program, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.directory,
            env=environment(),
            check=False,
            **self.user,
        )
        if done.returncode:
            raise SystemExit(f"{program} failed:\n{done.stdout}{self.log()}")

    def log(self):
        """The server's log so far."""
        path = self.directory / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self):
        """Starts the server and waits until it answers."""
        self._call("pg_ctl", "start", "-w", "-s", "-D", self.data, "-l", self.directory / "log")
        return self

    def stop(self, mode="fast"):
        """Stops the server; mode `immediate` is a crash."""
        if (self.data / "postmaster.pid").exists():
            self._call("pg_ctl", "stop", "-w", "-s", "-D", self.data, "-m", mode)

    def uri(self, database="postgres"):
        """A URI of a database, over the Unix socket."""
        return f"postgresql://postgres@/{database}?host={self.socket}&port={self.port}"

    def environment(self):
        """What `run` exports."""
        return {
            "LIZSYNC_TEST_SOCKET": str(self.socket),
            "LIZSYNC_TEST_PORT": str(self.port),
            "LIZSYNC_TEST_PASSWORD": self.password,
            "LIZSYNC_TEST_CERTS": str(self.certificates),
            "LIZSYNC_TEST_BIN": str(self.bin),
            "LIZSYNC_TEST_SERVER_BIN": str(self.bin),
        }


def make_certificates(directory):
    """A private authority, a certificate for localhost, and a client certificate for certuser."""

    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=directory)

    openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "30",
        "-subj",
        "/CN=LizSync test authority",
        "-keyout",
        "root.key",
        "-out",
        "root.crt",
    )
    for name, common, extension in (
        ("server", "localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        ("client", "certuser", "extendedKeyUsage=clientAuth"),
    ):
        (directory / "extension").write_text("basicConstraints=CA:FALSE\n" + extension)
        openssl(
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            f"/CN={common}",
            "-keyout",
            f"{name}.key",
            "-out",
            f"{name}.csr",
        )
        openssl(
            "x509",
            "-req",
            "-in",
            f"{name}.csr",
            "-CA",
            "root.crt",
            "-CAkey",
            "root.key",
            "-CAcreateserial",
            "-days",
            "30",
            "-extfile",
            "extension",
            "-out",
            f"{name}.crt",
        )
        (directory / f"{name}.key").chmod(0o600)


def scratch():
    """A temporary directory for servers: only the server's user (and root) may enter it, because
    its Unix sockets let everybody in. Short: a socket path has 107 bytes."""
    base = tempfile.gettempdir()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="lizsync-", dir=base if len(base) < 60 else "/tmp"))
    user = ordinary_user()
    if user:
        os.chown(directory, user["user"], user["group"])
    return directory


def stop(directory):
    """Stops a server that another process started in `directory`."""
    program = str(find_binaries() / "pg_ctl")
    subprocess.run(
        [program, "stop", "-w", "-s", "-D", str(directory / "data"), "-m", "fast"],
        cwd=directory,
        check=True,
        **ordinary_user(),
    )


def stop_on_signals():
    """Makes a terminated program end through its `finally` clauses, so that it stops its servers."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda caught, _: sys.exit(128 + caught))


def run(command, settings=""):
    """Runs `command` with one server; returns its exit status."""
    stop_on_signals()
    directory = scratch()
    server = None
    try:
        server = Server(directory, settings=settings)
        server.start()
        return subprocess.run(command, env={**environment(), **server.environment()}, check=False).returncode
    except FileNotFoundError as error:
        raise SystemExit(f"{error.filename}: no such command") from None
    except KeyboardInterrupt:
        return 130
    finally:
        if server:
            server.stop("immediate")
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if len(arguments) < 2 or arguments[0] != "run":
        sys.exit(__doc__)
    if arguments[1] == "--settings":
        if len(arguments) < 4:
            sys.exit(__doc__)
        sys.exit(run(arguments[3:], pathlib.Path(arguments[2]).read_text(encoding="utf-8")))
    sys.exit(run(arguments[1:]))
