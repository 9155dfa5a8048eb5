"""The packages of “make plugin” and “make wheel”, in a profile in which nothing else is."""

import os
import subprocess
import sys
import zipfile

import process
import pytest
from conftest import ROOT

ALGORITHM = "create_database_structure"


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Both plugins and the wheel: without the library, with it, wheel."""
    folder = tmp_path_factory.mktemp("dist")
    for what in ("plugin", "wheel"):
        command = [sys.executable, str(ROOT / "python" / "build_packages.py"), what, os.environ["LIZSYNC_LIBRARY"]]
        subprocess.run([*command, str(folder)], check=True, stdout=subprocess.DEVNULL)
    with_library, pure, wheel = sorted(folder.iterdir(), key=lambda file: (file.suffix == ".whl", file.name))
    return pure, with_library, wheel


class Profile:
    """A new user: a home and a QGIS profile of their own, and nothing of the repository."""

    def __init__(self, folder):
        self.folder = folder
        self.plugins = folder / "qgis" / "profiles" / "default" / "python" / "plugins"
        self.plugins.mkdir(parents=True)
        self.changes = {
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "QGIS_CUSTOM_CONFIG_PATH": str(folder / "qgis"),
            "QGIS_PLUGINPATH": None,
            "LIZSYNC_LIBRARY": None,
            # What pip needs to leave the Python of the system alone.
            "PYTHONUSERBASE": str(folder / "user"),
        }

    def run(self, *arguments):
        return process.run(*arguments, **self.changes)

    def install(self, archive):
        """As QGIS installs a plugin from a ZIP file."""
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(self.plugins)
        status, out, err = self.run("plugins", "enable", "lizsync")
        assert status == 0, out + err

    def install_wheel(self, wheel):
        """As `pip install --user` does, for the Python of QGIS."""
        values = process.environment(**self.changes)
        found = subprocess.run(
            ["/usr/bin/python3", "-m", "site", "--user-site"], env=values, stdout=subprocess.PIPE, encoding="utf-8"
        )
        # The Python of the system may have no pip.
        pip = [str(ROOT / ".venv" / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
        target = found.stdout.strip()
        assert target.startswith(str(self.folder))
        subprocess.run([*pip, "--quiet", "--no-index", "--target", target, str(wheel)], check=True)

    def lists(self):
        """The algorithms of ours that QGIS lists."""
        status, out, err = self.run("list")
        assert status == 0, err
        _, _, rest = out.partition("\nLizSync")
        lines = [line.split("\t")[1] for line in rest.splitlines() if line.startswith("\tlizsync:")]
        return {line.split(":")[1] for line in lines}

    def algorithm(self, database):
        """Installs LizSync on a database; returns what `run_algorithm` returns."""
        given = {"CONNECTION_NAME": database.conninfo}
        return process.run_algorithm(ALGORITHM, given, **self.changes)


@pytest.fixture
def profile(tmp_path):
    return Profile(tmp_path)


def expected():
    from lizsync import registry

    models = (ROOT / "python" / "lizsync" / "models").glob("*.model3")
    return {entry["id"] for entry in registry.read()} | {file.stem for file in models}


def works(profile, database):
    """It lists everything, and an algorithm runs."""
    assert profile.lists() == expected()
    status, out, err = profile.algorithm(database)
    assert status == 0, err
    assert out["results"]["OUTPUT_STATUS"] == 1
    assert database.query("SELECT to_regclass('lizsync.conflicts') IS NOT NULL") == "t"


def test_the_plugin_with_the_library(profile, packages, database):
    profile.install(packages[1])
    works(profile, database)


def test_the_plugin_without_the_library_and_the_wheel(profile, packages, database):
    profile.install(packages[0])
    profile.install_wheel(packages[2])
    works(profile, database)


def test_the_plugin_alone_says_what_to_install(profile, packages, database):
    profile.install(packages[0])
    assert profile.lists() == expected()
    status, _, err = profile.algorithm(database)
    assert status != 0
    assert "needs the native library of LizSync" in err
    assert "install the LizSync plugin for Linux" in err and "wheel of LizSync" in err
    assert "Traceback" not in err
    assert database.query("SELECT to_regclass('lizsync.conflicts') IS NULL") == "t"
