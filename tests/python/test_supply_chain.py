"""The library as it is handed out."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest
from conftest import ROOT

LIBRARY = pathlib.Path(os.environ["LIZSYNC_LIBRARY"])
MOST = 12_000_000


def read_elf(*options):
    assert shutil.which("readelf"), "readelf is part of binutils: run “make setup”"
    return subprocess.run(["readelf", "-W", *options, str(LIBRARY)], capture_output=True, text=True, check=True).stdout


def test_the_library_is_small(record_property):
    size = LIBRARY.stat().st_size
    record_property("size", size)
    print(f"{LIBRARY.name}: {size:,} bytes")
    assert size < MOST


def test_the_library_has_no_symbols_but_those_it_exports():
    sections = read_elf("-S")
    assert ".dynsym" in sections
    assert ".symtab" not in sections and ".debug_" not in sections


def test_the_library_knows_no_path_of_its_builder():
    content = LIBRARY.read_bytes()
    # Where panics come from is there, without the folders above.
    assert b"cargo/registry/src/" in content
    for folder in {
        ROOT,
        pathlib.Path.home(),
        pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo")),
    }:
        if folder != folder.parent:
            found = re.findall(re.escape(str(folder).encode()) + rb"/[ -~]{0,80}", content)
            assert found == [], found[:5]


def test_the_library_is_hardened():
    """Addresses are bound before anything runs, and then read-only; no stack is executable; it is not unloaded."""
    dynamic, segments = read_elf("-d"), read_elf("-l")
    assert re.search(r"FLAGS_1.*\bNOW\b.*\bNODELETE\b", dynamic)
    assert "GNU_RELRO" in segments
    assert re.search(r"GNU_STACK.*\bRW\b", segments)
    assert "TEXTREL" not in dynamic and "RPATH" not in dynamic and "RUNPATH" not in dynamic


@pytest.mark.parametrize("lock", ["Cargo.lock", "fuzz/Cargo.lock"])
def test_every_dependency_is_locked_with_its_hash(lock):
    packages = (ROOT / lock).read_text(encoding="utf-8").split("[[package]]")[1:]
    assert len(packages) > 100
    for package in packages:
        if "source = " in package:
            assert 'source = "registry+https://github.com/rust-lang/crates.io-index"' in package
            assert re.search(r'checksum = "[0-9a-f]{64}"', package), package
        else:
            assert re.search(r'name = "lizsync(-fuzz)?"', package), package
