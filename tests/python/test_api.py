"""The Python interface."""

import _thread
import json
import pathlib
import re
import signal
import subprocess
import sys
import threading

import lizsync
import pytest
from conftest import ROOT, environment
from lizsync import native

IDS = [
    "create_database_structure",
    "initialize_central_database",
    "upgrade_database_structure",
    "deploy_database_server_package",
    "package_master_database",
    "synchronize_database",
]


class Recorder:
    """Feedback that remembers what it was told, and in which threads."""

    def __init__(self):
        self.percents, self.messages, self.threads = [], [], set()

    def progress(self, percent):
        self.percents.append(percent)
        self.threads.add(threading.get_ident())

    def message(self, level, text):
        self.messages.append((level, text))
        self.threads.add(threading.get_ident())

    def is_canceled(self):
        self.threads.add(threading.get_ident())
        return False


def failure(call, *arguments):
    with pytest.raises(lizsync.LizsyncError) as caught:
        call(*arguments)
    assert caught.value.outputs["OUTPUT_STATUS"] == 0
    assert str(caught.value) == caught.value.outputs["OUTPUT_STRING"]
    return caught.value


def test_the_registry():
    registry = lizsync.algorithms()
    assert [entry["id"] for entry in registry if entry["id"] in IDS] == IDS
    for entry in registry:
        assert list(entry) == sorted(["id", "label", "group", "group_id", "help", "parameters", "outputs"])
        for parameter in entry["parameters"]:
            assert {"id", "label", "type", "required", "advanced", "default"} <= set(parameter)
        assert {"OUTPUT_STATUS", "OUTPUT_STRING"} <= {output["id"] for output in entry["outputs"]}


def test_one_version():
    cargo = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    assert lizsync.__version__ == re.search(r'^version = "(.+)"', cargo, re.M).group(1) == native.version()


def test_a_run_returns_its_outputs_and_reports_in_the_callers_thread(database):
    recorder = Recorder()
    outputs = lizsync.run("create_database_structure", {"CONNECTION_NAME": database.conninfo}, recorder)
    assert outputs["OUTPUT_STATUS"] == 1
    assert outputs["OUTPUT_STRING"]
    assert recorder.threads == {threading.get_ident()}
    assert {level for level, _ in recorder.messages} <= {"debug", "info", "warning", "error"}
    assert database.query("SELECT count(*) FROM lizsync.sys_structure_metadonnee") == "1"


def test_a_connection_may_be_named_in_the_parameters(database):
    named = {"CONNECTION_NAME": "the central", "connections": {"the central": database.conninfo}}
    assert lizsync.check("create_database_structure", named)["OUTPUT_STATUS"] == 1
    assert database.query("SELECT count(*) FROM pg_namespace WHERE nspname = 'lizsync'") == "0"


@pytest.mark.parametrize("feedback", [None, object()])
def test_feedback_is_optional(database, feedback):
    outputs = lizsync.run("create_database_structure", {"CONNECTION_NAME": database.conninfo}, feedback)
    assert outputs["OUTPUT_STATUS"] == 1


def test_what_is_wrong_is_named():
    error = failure(lizsync.run, "no_such_algorithm")
    assert (error.status, error.kind) == (2, "unknown_algorithm")
    assert "no_such_algorithm" in str(error)
    assert "synchronize_database" in error.hint
    error = failure(lizsync.run, "synchronize_database", {"CONNECTION_NAME_CENTRAL": "a"})
    assert (error.status, error.kind) == (1, "parameter")
    assert "CONNECTION_NAME_CLONE" in str(error)
    error = failure(lizsync.check, "create_database_structure", {"CONNECTION_NAME": "a", "OTHER": 1})
    assert error.status == 1
    assert "OTHER" in str(error)
    error = failure(lizsync.run, "create_database_structure", {"CONNECTION_NAME": "a", "OVERRIDE_AUDIT": "yes"})
    assert error.status == 1
    assert "OVERRIDE_AUDIT" in str(error)


def test_an_error_of_the_database_has_its_code(database):
    missing = database.conninfo + "_missing"
    error = failure(lizsync.check, "create_database_structure", {"CONNECTION_NAME": missing})
    assert (error.status, error.kind, error.sqlstate) == (3, "connection", "3D000")


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), object(), b"bytes"])
def test_a_value_that_cannot_be_handed_on_is_named_but_not_shown(value):
    error = failure(lizsync.run, "synchronize_database", {"CONNECTION_NAME_CENTRAL": value})
    assert error.status == 1
    assert "CONNECTION_NAME_CENTRAL" in str(error)
    assert repr(value) not in str(error)


def test_rubbish_arguments():
    assert failure(lizsync.run, "list\0x").status == 2
    assert failure(lizsync.run, "\udcff").status == 1
    assert failure(lizsync.run, None).status == 1
    assert failure(lizsync.run, "synchronize_database", []).status == 1
    assert failure(lizsync.run, "synchronize_database", {"CONNECTION_NAME_CENTRAL": "\udcff"}).status == 1
    deep = []
    for _ in range(5000):
        deep = [deep]
    assert failure(lizsync.run, "synchronize_database", {"CONNECTION_NAME_CENTRAL": deep}).status == 1


def test_a_path_is_a_text():
    error = failure(lizsync.run, "deploy_database_server_package", {"ZIP_FILE": pathlib.Path("x.zip")})
    assert "ZIP_FILE" not in str(error)
    assert "CONNECTION_NAME_CENTRAL" in str(error)


def test_a_cancel_interrupts_a_query(database, installation):
    class Feedback:
        def is_canceled(self):
            return database.waits()

    error = failure(lizsync.run, "create_database_structure", installation, Feedback())
    assert (error.status, error.kind) == (10, "canceled")
    assert not database.waits()


def test_a_cancel_interrupts_a_connection_attempt(silent):
    class Feedback:
        def is_canceled(self):
            return True

    conninfo = f"host=127.0.0.1 port={silent} user=x dbname=x"
    error = failure(lizsync.run, "create_database_structure", {"CONNECTION_NAME": conninfo}, Feedback())
    assert error.status == 10


def test_an_exception_in_a_callback_cancels_and_is_raised(database, installation):
    class Feedback:
        def is_canceled(self):
            if database.waits():
                raise LookupError("from the callback")

    with pytest.raises(LookupError, match="from the callback"):
        lizsync.run("create_database_structure", installation, Feedback())
    assert not database.waits()


def test_ctrl_c_cancels_and_is_raised(database, installation):
    def press():
        database.wait_until_blocked()
        _thread.interrupt_main()

    thread = threading.Thread(target=press)
    thread.start()
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        lizsync.run("create_database_structure", installation)
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before
    assert not database.waits()


@pytest.mark.parametrize("own", [True, False])
def test_a_feedback_may_keep_signals_for_itself(database, own):
    before, during = signal.getsignal(signal.SIGINT), set()

    class Feedback:
        handles_signals = own

        def message(self, _level, _text):
            during.add(signal.getsignal(signal.SIGINT))

    lizsync.run("create_database_structure", {"CONNECTION_NAME": database.conninfo}, Feedback())
    assert (during == {before}) is own
    assert signal.getsignal(signal.SIGINT) is before


def test_a_run_in_another_thread(database):
    outcome = []

    def work():
        recorder = Recorder()
        outcome.append(lizsync.run("create_database_structure", {"CONNECTION_NAME": database.conninfo}, recorder))
        outcome.append(recorder.threads == {threading.get_ident()})

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert outcome[0]["OUTPUT_STATUS"] == 1
    assert outcome[1]


def python(code, **changes):
    """Runs Python code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code], env=environment(**changes), capture_output=True, text=True, check=False
    )


def test_importing_needs_no_library(tmp_path):
    done = python("import lizsync; print(lizsync.__version__)", LIZSYNC_LIBRARY=str(tmp_path / "missing.so"))
    assert done.stdout.strip() == lizsync.__version__, done.stderr


SHOW = """
import lizsync
try:
    lizsync.algorithms()
except lizsync.LizsyncError as error:
    print(error.status, error.kind, error)
"""


def test_a_missing_library_is_explained(tmp_path):
    missing = tmp_path / "missing.so"
    done = python(SHOW, LIZSYNC_LIBRARY=str(missing))
    assert done.stdout.startswith("7 file "), done.stderr
    assert str(missing) in done.stdout
    assert "make build" in done.stdout


def test_a_file_that_is_no_library_is_explained(tmp_path):
    rubbish = tmp_path / "rubbish.so"
    rubbish.write_text("rubbish")
    done = python(SHOW, LIZSYNC_LIBRARY=str(rubbish))
    assert done.stdout.startswith("7 file "), done.stderr
    assert str(rubbish) in done.stdout


def test_a_library_that_is_cut_off_is_explained(tmp_path):
    """To load it would be the end of the process."""
    from lizsync import native

    whole = native.path().read_bytes()
    for size in (63, 64, 5000, len(whole) // 3, len(whole) - 1):
        broken = tmp_path / f"{size}.so"
        broken.write_bytes(whole[:size])
        done = python(SHOW, LIZSYNC_LIBRARY=str(broken))
        assert done.stdout.startswith("7 file "), (size, done.returncode, done.stderr)


def of_interface(number, folder):
    """A library that has the number of its interface, and nothing else."""
    source, made = folder / "other.c", folder / "other.so"
    source.write_text(
        f"unsigned lizsync_abi_version(void);\nunsigned lizsync_abi_version(void) {{ return {number}; }}\n"
    )
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(made), str(source)], check=True)
    return str(made)


def test_a_library_without_a_function_is_explained(tmp_path):
    done = python(SHOW, LIZSYNC_LIBRARY=of_interface(1, tmp_path))
    assert done.stdout.startswith("7 file "), done.stderr
    assert "lizsync_version" in done.stdout


def test_a_library_of_another_interface_is_refused(tmp_path):
    done = python(SHOW, LIZSYNC_LIBRARY=of_interface(4711, tmp_path))
    assert done.stdout.startswith("6 state "), done.stderr
    assert "4711" in done.stdout


def test_where_the_library_is_looked_for(monkeypatch):
    monkeypatch.delenv("LIZSYNC_LIBRARY")
    package = ROOT / "python" / "lizsync"
    folders = [place.parent for place in native.candidates()]
    assert folders == [package, package.parent, ROOT / "target" / "release"]


@pytest.mark.parametrize("name", ["postgresql://anna:sesame@db/gis", "host db password sesame"])
def test_a_connection_string_used_as_a_name_is_not_shown(name):
    attempts = [
        {name: "x"},
        {"CONNECTION_NAME": "central", "connections": {name: "central"}},
        {"CONNECTION_NAME": name, "connections": {name: "frobnicate=1"}},
    ]
    for parameters in attempts:
        with pytest.raises(lizsync.LizsyncError) as caught:
            lizsync.run("create_database_structure", parameters)
        assert "sesame" not in json.dumps(caught.value.outputs)
