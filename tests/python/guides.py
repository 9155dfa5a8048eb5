"""What the guides in docs/ show: their blocks of code, and their commands, run as a user of theirs would."""

import os
import pathlib
import re
import subprocess
import sys

from databases import variable

ROOT = pathlib.Path(__file__).resolve().parents[2]


def blocks(name):
    """The blocks of code of a document: language and text."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    return re.findall(r"^```(\w*)\n(.*?)^```\n", text, re.S | re.M)


class Terminal:
    """The command line of somebody who has a password file, and services. `databases`: names of them to a Database."""

    def __init__(self, folder, user, databases):
        self.folder = pathlib.Path(folder)
        port = variable("LIZSYNC_TEST_PORT")
        services, passwords = self.folder / f"{user}.services", self.folder / f"{user}.pgpass"
        services.write_text(
            "".join(
                f"[{name}]\nhost=127.0.0.1\nport={port}\nuser={user}\ndbname={database.name}\n"
                for name, database in databases.items()
            ),
            encoding="utf-8",
        )
        passwords.touch(0o600)
        passwords.write_text(f"127.0.0.1:{port}:*:{user}:{variable('LIZSYNC_TEST_PASSWORD')}\n", encoding="utf-8")
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "python"),
            "PGSERVICEFILE": str(services),
            "PGPASSFILE": str(passwords),
        }

    def run(self, *arguments):
        """`python3 -m lizsync run …`; what it says is in `stdout`."""
        return subprocess.run(
            [sys.executable, "-m", "lizsync", "run", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
            timeout=120,
        )
