"""The header and the library, from C and from C++."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest
from conftest import ROOT

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


def test_the_header_declares_what_the_library_exports():
    text = (ROOT / "include" / "lizsync.h").read_text(encoding="utf-8")
    assert set(re.findall(r"\b(lizsync_\w+)\(", text)) == FUNCTIONS


def test_only_our_functions_are_exported():
    assert shutil.which("nm"), "nm is part of binutils: run “make setup”"
    done = subprocess.run(
        ["nm", "-D", "--defined-only", os.environ["LIZSYNC_LIBRARY"]], capture_output=True, text=True, check=True
    )
    assert {line.split()[-1].split("@")[0] for line in done.stdout.splitlines()} == FUNCTIONS
