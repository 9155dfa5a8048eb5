"""FTP servers and folders for the tests of files."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "ftp"))

from vsftpd import vsftpd  # noqa: E402, F401

PASSWORD = "sésame 'ouvre\"-toi' %41"


class Server:
    """pyftpdlib in a process of its own; `commands` are those that it got. `python` is one that has it."""

    def __init__(self, root, python=sys.executable, **options):
        self.root = pathlib.Path(root)
        self.python = str(python)
        self.options = options
        self.commands = []
        self.settled = threading.Semaphore(0)

    def __enter__(self):
        program = ROOT / "tests" / "ftp" / "server.py"
        environment = {**os.environ, "FTP_PASSWORD": PASSWORD, "FTP_CERTS": os.environ["LIZSYNC_TEST_CERTS"]}
        self.process = subprocess.Popen(
            [self.python, str(program), str(self.root), json.dumps(self.options)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
        self.port = int(self.process.stdout.readline())
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        return self

    def _read(self):
        for line in self.process.stdout:
            if line == "settled\n":
                self.settled.release()
            elif line.strip():
                self.commands.append(line.strip())

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()

    def account(self, which, **changes):
        """The parameters of the server: `which` is CENTRAL or CLONE."""
        return account(which, self.port, **changes)

    def got(self, verb):
        """The commands of a verb, of all that were answered."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGUSR1)
            assert self.settled.acquire(timeout=30)
        return [line for line in self.commands if line.split(" ")[0] == verb]


def account(which, port, **changes):
    given = {
        f"{which}_FTP_HOST": "127.0.0.1",
        f"{which}_FTP_PORT": port,
        f"{which}_FTP_LOGIN": "anna",
        f"{which}_FTP_PASSWORD": PASSWORD,
        f"{which}_FTP_REMOTE_DIR": "/projects",
        "FTP_TLS": "disable",
        "FTP_TIMEOUT": 10,
    }
    given.update(changes)
    return {key: value for key, value in given.items() if value is not None}


class Messages:
    """A feedback that keeps what is said."""

    def __init__(self, cancel=None):
        self.lines = []
        self.cancel = cancel

    def message(self, level, text):
        self.lines.append((level, text))

    def is_canceled(self):
        return bool(self.cancel and self.cancel())

    def of(self, level):
        return [text for found, text in self.lines if found == level]


def write(folder, files, at=1_700_000_000):
    """Writes files (path to content), all with one time."""
    for path, content in files.items():
        file = pathlib.Path(folder) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(file, (at, at))


def tree(folder):
    """All files below a folder: path to content; folders have None."""
    folder = pathlib.Path(folder)
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }
