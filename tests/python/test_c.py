"""The header and the library, from C and from C++."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import lizsync
import pytest
from conftest import ROOT
from databases import temporary

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
FUNCTIONS = {
    "lizsync_abi_version",
    "lizsync_version",
    "lizsync_algorithms",
    "lizsync_check",
    "lizsync_run",
    "lizsync_string_free",
}


@pytest.mark.parametrize(
    "compiler",
    [["gcc", "-std=c11"], ["g++", "-std=c++11", "-xc++"], ["g++", "-std=c++20", "-xc++"]],
    ids=lambda compiler: compiler[1],
)
def test_a_program_that_uses_the_library(tmp_path, database, compiler):
    library = pathlib.Path(os.environ["LIZSYNC_LIBRARY"]).resolve()
    program = tmp_path / "lizsync_test"
    source = ROOT / "tests" / "c" / "lizsync_test.c"
    linked = ["-xnone", str(library), f"-Wl,-rpath,{library.parent}"]
    subprocess.run(
        [*compiler, *WARNINGS, f"-I{ROOT / 'include'}", str(source), *linked, "-o", str(program)], check=True
    )
    done = subprocess.run([str(program), database.conninfo], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_example(tmp_path, database):
    """examples/c/sync.c, built as it says, synchronises."""
    library = pathlib.Path(os.environ["LIZSYNC_LIBRARY"]).resolve()
    program = tmp_path / "sync"
    linked = [f"-L{library.parent}", "-llizsync", f"-Wl,-rpath,{library.parent}"]
    source = str(ROOT / "examples" / "c" / "sync.c")
    compiler = ["gcc", "-std=c11", *WARNINGS, f"-I{ROOT / 'include'}"]
    subprocess.run([*compiler, source, *linked, "-o", str(program)], check=True)
    database.query("CREATE SCHEMA gis; CREATE TABLE gis.tree (id serial PRIMARY KEY, name text)")
    central = {"CONNECTION_NAME_CENTRAL": database.conninfo}
    package = {**central, "ZIP_FILE": str(tmp_path / "p.zip")}
    lizsync.run("create_database_structure", {"CONNECTION_NAME": database.conninfo})
    lizsync.run("initialize_central_database", central)
    tools = {"SCHEMAS": "gis", "POSTGRESQL_BINARY_PATH": os.environ["LIZSYNC_TEST_BIN"]}
    lizsync.run("package_master_database", {**package, **tools})
    with temporary("example") as clone:
        lizsync.run("deploy_database_server_package", {**package, "CONNECTION_NAME_CLONE": clone.conninfo})
        clone.query("INSERT INTO gis.tree (name) VALUES ('oak')")
        command = [str(program), database.conninfo, clone.conninfo]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["APPLIED_TO_CENTRAL"] == 1
        assert database.query("SELECT name FROM gis.tree") == "oak"
        command[1] = "host=/nowhere"
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 3
        assert json.loads(done.stdout)["OUTPUT_STATUS"] == 0
    assert subprocess.run(command[:1], capture_output=True, check=False).returncode == 1


def test_the_header_declares_what_the_library_exports():
    text = (ROOT / "include" / "lizsync.h").read_text(encoding="utf-8")
    assert set(re.findall(r"\b(lizsync_\w+)\(", text)) == FUNCTIONS


def test_only_our_functions_are_exported():
    assert shutil.which("nm"), "nm is part of binutils: run “make setup”"
    done = subprocess.run(
        ["nm", "-D", "--defined-only", os.environ["LIZSYNC_LIBRARY"]], capture_output=True, text=True, check=True
    )
    assert {line.split()[-1].split("@")[0] for line in done.stdout.splitlines()} == FUNCTIONS
