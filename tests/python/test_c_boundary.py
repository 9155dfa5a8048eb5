"""What C callers do, also what they should not: under sanitizers, and under valgrind."""

import contextlib
import os
import pathlib
import shutil
import subprocess

import lizsync
import pytest
from conftest import ROOT
from databases import temporary

LIBRARY = pathlib.Path(os.environ["LIZSYNC_LIBRARY"]).resolve()
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
C11, CPP = ["gcc", "-std=c11", "-D_POSIX_C_SOURCE=200809L"], ["g++", "-std=c++17", "-xc++"]
ADDRESS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
THREAD = ["-fsanitize=thread"]
# The library is not instrumented: what its own code does in the functions that ThreadSanitizer watches, such as
# memcpy, is ordered by locks that it does not see.
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "ignore_noninstrumented_modules=1:halt_on_error=1:second_deadlock_stack=1",
}
VALGRIND = [
    "valgrind",
    "--quiet",
    "--error-exitcode=99",
    "--leak-check=full",
    # What is only “possibly” lost is what detached threads of a process that ends still hold: their stacks.
    "--show-leak-kinds=definite,indirect",
    "--errors-for-leak-kinds=definite,indirect",
    "--num-callers=30",
    "--max-threads=2000",
]


@pytest.fixture
def build(tmp_path):
    """Compiles one of the programs in tests/c; linked with the library, or loading it itself."""

    def compile_program(name, compiler=C11, flags=(), linked=True):
        program = tmp_path / f"{name}{len(list(tmp_path.iterdir()))}"
        library = [str(LIBRARY), f"-Wl,-rpath,{LIBRARY.parent}"] if linked else ["-ldl"]
        source = str(ROOT / "tests" / "c" / f"{name}.c")
        includes = [f"-I{ROOT / 'include'}", f"-I{ROOT / 'tests' / 'c'}"]
        subprocess.run(
            [*compiler, *WARNINGS, "-g", "-O1", "-pthread", *flags, *includes]
            + [source, "-xnone", *library, "-o", str(program)],
            check=True,
        )
        return [str(program)]

    return compile_program


def succeeds(command, timeout=300):
    done = subprocess.run(
        list(map(str, command)),
        env={**os.environ, **SANITIZERS},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=timeout,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout[-20000:]


@pytest.mark.parametrize(("compiler", "megabytes"), [(C11, 64), (CPP, 1)], ids=["c11", "c++"])
def test_a_hostile_caller_under_sanitizers(build, database, compiler, megabytes):
    succeeds([*build("hostile_test", compiler, ADDRESS), database.conninfo, megabytes])


def test_a_hostile_caller_under_valgrind(build, database):
    assert shutil.which("valgrind"), "valgrind is missing: run “make setup”"
    succeeds([*VALGRIND, *build("hostile_test"), database.conninfo, 1])


def test_an_ordinary_caller_under_valgrind(build, database):
    succeeds([*VALGRIND, *build("lizsync_test"), database.conninfo])


@pytest.mark.parametrize("flags", [ADDRESS, THREAD], ids=["address", "thread"])
def test_sixteen_threads_on_databases_of_their_own(build, flags):
    program = build("threads_test", flags=flags)
    with contextlib.ExitStack() as databases:
        made = [databases.enter_context(temporary("threads")) for _ in range(16)]
        succeeds([*program, 2, *(database.conninfo for database in made)])


def test_threads_under_valgrind(build):
    program = build("threads_test")
    with contextlib.ExitStack() as databases:
        made = [databases.enter_context(temporary("threads")) for _ in range(4)]
        succeeds([*VALGRIND, *program, 1, *(database.conninfo for database in made)])


@pytest.fixture
def prepared(database):
    """A prepared central."""
    database.query("CREATE SCHEMA gis; CREATE TABLE gis.tree (id serial PRIMARY KEY, name text)")
    lizsync.run("create_database_structure", {"CONNECTION_NAME": database.conninfo})
    lizsync.run("initialize_central_database", {"CONNECTION_NAME_CENTRAL": database.conninfo})
    return database


@pytest.mark.parametrize("flags", [(), ADDRESS], ids=["plain", "address"])
def test_the_library_is_unloaded_and_loaded_again(build, prepared, tmp_path, flags):
    """Also while threads of it still wait for what a canceled program left behind."""
    folder = tmp_path / "wrapper"
    folder.mkdir()
    wrapper = folder / "pg_dump"
    wrapper.write_text(
        f"#!/bin/sh\n[ -e {folder}/end ] && exit 3\n"
        f"(trap '' TERM; while [ ! -e {folder}/end ]; do sleep 0.05; done; echo bye) &\n"
        f"touch {folder}/began\nwait\n"
    )
    wrapper.chmod(0o755)
    succeeds([*build("reload_test", flags=flags, linked=False), LIBRARY, prepared.conninfo, folder])


def test_passwords_are_wiped_from_memory(build):
    succeeds(build("wiped_test"))
