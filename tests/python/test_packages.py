"""What “make plugin” and “make wheel” write, and the wheel in a clean virtual environment."""

import base64
import csv
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import zipfile

import pytest
from conftest import ROOT

LIBRARY = pathlib.Path(os.environ["LIZSYNC_LIBRARY"])


def build(what, folder):
    """Runs the script; returns the names of what it wrote."""
    command = [sys.executable, str(ROOT / "python" / "build_packages.py"), what, str(LIBRARY), str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return sorted(file.name for file in folder.iterdir())


@pytest.fixture(scope="module")
def plugins(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plugins")
    with_library, pure = build("plugin", folder)
    assert re.fullmatch(r"lizsync-[\d.]+-\w+\.zip", with_library)
    assert re.fullmatch(r"lizsync-[\d.]+\.zip", pure)
    return folder / pure, folder / with_library


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    (name,) = build("wheel", folder)
    return folder / name


def contents(file):
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_plugin_is_what_the_site_of_qgis_wants(plugins):
    pure, with_library = map(contents, plugins)
    for members in (pure, with_library):
        # One folder, named as the module.
        assert {name.split("/")[0] for name in members} == {"lizsync"}
        assert {"lizsync/LICENSE", "lizsync/metadata.txt", "lizsync/__init__.py", "lizsync/icon.svg"} <= set(members)
        assert list(members) == sorted(members)
        assert not [name for name in members if re.search(r"__pycache__|\.pyc$|test|/\.|\.\.", name)]
    assert {pathlib.PurePosixPath(name).suffix for name in pure} == {
        "",
        ".html",
        ".json",
        ".mo",
        ".model3",
        ".py",
        ".qm",
        ".svg",
        ".txt",
    }
    assert set(with_library) - set(pure) == {f"lizsync/{LIBRARY.name}"}
    assert with_library[f"lizsync/{LIBRARY.name}"] == LIBRARY.read_bytes()
    assert plugins[1].stat().st_size < 25_000_000


def test_nothing_of_this_machine_is_in_the_plugin(plugins):
    for name, content in contents(plugins[0]).items():
        assert str(ROOT).encode() not in content, name


def test_equal_input_gives_equal_bytes(plugins, wheel, tmp_path):
    build("plugin", tmp_path)
    build("wheel", tmp_path)
    for file in (*plugins, wheel):
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()


def test_the_version_is_the_same_everywhere(plugins, wheel):
    cargo = re.search(r'(?m)^version = "(.*)"$', (ROOT / "Cargo.toml").read_text(encoding="utf-8")).group(1)
    package = re.search(r'__version__ = "(.*)"', contents(wheel)["lizsync/__init__.py"].decode()).group(1)
    assert cargo == package
    assert plugins[0].name == f"lizsync-{cargo}.zip"
    assert wheel.name.startswith(f"lizsync-{cargo}-py3-none-")


@pytest.mark.skipif(sys.platform != "linux", reason="the tag of other systems is that of their Python")
def test_the_tag_is_the_glibc_that_the_library_needs(wheel):
    listing = subprocess.run(["objdump", "-T", str(LIBRARY)], capture_output=True, encoding="utf-8", check=True)
    needed = max(tuple(map(int, found)) for found in re.findall(r"\(GLIBC_(\d+)\.(\d+)", listing.stdout))
    assert re.search(r"-py3-none-manylinux_(\d+)_(\d+)_\w+\.whl$", wheel.name).groups() == tuple(map(str, needed))
    said = re.search(r"glibc (\d+)\.(\d+)", (ROOT / "docs" / "install.md").read_text(encoding="utf-8"))
    # It says what a build on Debian 12 needs (glibc 2.36); one on a later system may need more.
    if tuple(map(int, os.confstr("CS_GNU_LIBC_VERSION").split()[1].split(".")[:2])) <= (2, 36):
        assert needed <= tuple(map(int, said.groups()))


def test_the_record_of_the_wheel_holds_every_file(wheel):
    members = contents(wheel)
    record = next(name for name in members if name.endswith(".dist-info/RECORD"))
    lines = list(csv.reader(members[record].decode().splitlines()))
    assert [line[0] for line in lines] == list(members)
    for name, digest, size in lines[:-1]:
        found = base64.urlsafe_b64encode(hashlib.sha256(members[name]).digest()).rstrip(b"=").decode()
        assert (digest, size) == (f"sha256={found}", str(len(members[name]))), name
    assert lines[-1] == [record, "", ""]


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A clean virtual environment with the wheel; a folder of its programs."""
    folder = tmp_path_factory.mktemp("venv") / "clean"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = [str(programs / "python"), "-m", "pip", "--disable-pip-version-check"]
    # Without an index a dependency would be missed.
    subprocess.run([*pip, "install", "--quiet", "--no-index", str(wheel)], check=True)
    subprocess.run([*pip, "check"], check=True, stdout=subprocess.DEVNULL)
    return programs


def run(installed, *command, folder):
    """Runs a program there, outside the repository and without its variables."""
    values = {name: value for name, value in os.environ.items() if name not in ("LIZSYNC_LIBRARY", "PYTHONPATH")}
    program = [str(installed / command[0]), *command[1:]]
    return subprocess.run(program, cwd=folder, env=values, capture_output=True, encoding="utf-8", check=False)


def test_the_wheel_works_in_a_clean_environment(installed, database, tmp_path):
    for command in (["python", "-m", "lizsync"], ["lizsync"]):
        done = run(installed, *command, "list", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "synchronize_database" in done.stdout
    where = run(installed, "python", "-c", "from lizsync import native; print(native.path())", folder=tmp_path)
    assert pathlib.Path(where.stdout.strip()).parent.parent.name == "site-packages"
    assert str(ROOT) not in where.stdout
    arguments = ["run", "create_database_structure", f"CONNECTION_NAME={database.conninfo}", "--json"]
    done = run(installed, "lizsync", *arguments, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["OUTPUT_STATUS"] == 1


def test_a_wheel_is_removed_whole(installed, tmp_path):
    # The last test: it takes the wheel away.
    packages = pathlib.Path(
        run(installed, "python", "-c", "import lizsync; print(lizsync.__path__[0])", folder=tmp_path).stdout.strip()
    )
    assert (packages / LIBRARY.name).is_file()
    done = run(installed, "python", "-m", "pip", "uninstall", "--quiet", "--yes", "lizsync", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not packages.exists()
