"""Databases and helpers for the tests, on the server that `tests/servers.py run` started."""

import os
import pathlib
import signal
import socket
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests")]

from databases import temporary  # noqa: E402
from lizsync import native  # noqa: E402

# What the developer speaks must not decide a test.
os.environ["LC_ALL"] = "C.UTF-8"
os.environ.pop("LANGUAGE", None)

# One library for this process, its children and the C programs; where it is missing, say so at once.
os.environ["LIZSYNC_LIBRARY"] = str(native.path().resolve())

# A job in the background of a shell inherits that Ctrl-C is ignored, and so would its children.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def database():
    """An empty database."""
    with temporary("python") as made:
        yield made


@pytest.fixture
def installation(database):
    """Parameters of an installation that waits for a lock as long as the fixture lives."""
    with database.holding("CREATE SCHEMA audit"):
        yield {"CONNECTION_NAME": database.conninfo}


@pytest.fixture
def silent():
    """The port of a listener that accepts connections and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def command(*arguments):
    """The command line of the package."""
    return [sys.executable, "-m", "lizsync", *arguments]


def environment(**changes):
    """The environment of a subprocess; None takes a variable away."""
    values = {**os.environ, "PYTHONPATH": str(ROOT / "python"), **changes}
    return {name: value for name, value in values.items() if value is not None}


@pytest.fixture
def cli():
    """Runs the command line; returns the finished process."""

    def run(*arguments, stdin=None, **changes):
        return subprocess.run(
            command(*arguments),
            env=environment(**changes),
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=60,
        )

    return run
