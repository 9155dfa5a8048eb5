"""The command line, in processes of its own."""

import errno
import json
import os
import pty
import signal
import subprocess

import pytest
from conftest import command, environment


def test_list_and_describe(cli):
    done = cli("list")
    assert done.returncode == 0
    assert "synchronize_database" in done.stdout
    assert "01 Installation" in done.stdout
    registry = json.loads(cli("list", "--json").stdout)
    for entry in registry:
        done = cli("describe", entry["id"])
        assert done.returncode == 0
        for described in entry["parameters"] + entry["outputs"]:
            assert described["id"] in done.stdout
    assert json.loads(cli("describe", registry[0]["id"], "--json").stdout) == registry[0]


def test_help_and_version(cli):
    for arguments in (["--help"], ["run", "--help"]):
        done = cli(*arguments)
        assert done.returncode == 0
        assert "lizsync_status" in done.stdout
    done = cli("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("lizsync ")
    assert os.environ["LIZSYNC_LIBRARY"] in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [[], ["nonsense"], ["run"], ["run", "x", "--nonsense"], ["list", "more"], ["run", "x", "no-assignment"]],
)
def test_a_wrong_command_line_is_an_invalid_parameter(cli, arguments):
    done = cli(*arguments)
    assert done.returncode == 1
    assert "usage:" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


URI = "postgresql://anna:sesame@localhost/gis"


@pytest.mark.parametrize(
    "arguments",
    [
        [URI],
        ["run", URI],
        ["describe", URI],
        ["run", "create_database_structure", URI],
        ["run", "create_database_structure", URI + "?sslmode=require"],
        ["run", "create_database_structure", "CONNECTION_NAME=host=x", "password=open", "sesame"],
        ["run", "create_database_structure", "CONNECTION_NAME=host=x", "--password=sesame"],
        ["run", "create_database_structure", "CONNECTION_NAME=host x password sesame"],
        ["run", "create_database_structure", "CONNECTION_NAME=x", f"OVERRIDE_AUDIT={URI}"],
        ["run", "create_database_structure", "--params", URI],
        ["run", "create_database_structure", "--params", "password=sesame"],
        ["run", "create_database_structure", "--params", "anna:sesame@x"],
        ["run", "create_database_structure", "sesame=x"],
        ["run", "create_database_structure", "sesame=x", "sesame=y"],
        ["run", "create_database_structure", "--verbose=sesame"],
        ["list", f"--json={URI}"],
        ["list", "--sesame"],
        ["list", "sesame"],
        ["it's sesame"],
        ["run", "package_master_database", "CONNECTION_NAME_CENTRAL=x", "SCHEMAS=gis", f"ZIP_FILE={URI}"],
    ],
)
def test_a_connection_string_in_the_wrong_place_is_not_shown(cli, arguments):
    done = cli(*arguments)
    assert done.returncode != 0
    assert "sesame" not in done.stdout + done.stderr


def test_an_unknown_algorithm(cli):
    for arguments in (["run", "nope"], ["check", "nope", "A=b"], ["describe", "nope"]):
        done = cli(*arguments)
        assert done.returncode == 2
        assert "nope" in done.stderr


def test_a_run_prints_its_outputs(cli, database):
    done = cli("run", "create_database_structure", f"CONNECTION_NAME={database.conninfo}", "OVERRIDE_AUDIT=no")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "OUTPUT_STATUS: 1" in lines
    assert any(line.startswith("OUTPUT_STRING: ") for line in lines)
    assert "\r" not in done.stderr
    done = cli("run", "create_database_structure", "--json", f"CONNECTION_NAME={database.conninfo}")
    assert done.returncode == 6
    outputs = json.loads(done.stdout)
    assert outputs["OUTPUT_STATUS"] == 0
    assert outputs["error"]["code"] == 6
    assert outputs["OUTPUT_STRING"] in done.stderr


def test_check_changes_nothing(cli, database):
    done = cli("check", "create_database_structure", f"CONNECTION_NAME={database.conninfo}")
    assert done.returncode == 0, done.stderr
    assert database.query("SELECT count(*) FROM pg_namespace WHERE nspname = 'lizsync'") == "0"


@pytest.mark.parametrize(
    ("assignment", "named"),
    [
        ("OVERRIDE_AUDIT=maybe", "OVERRIDE_AUDIT"),
        ("OVERRIDE=true", "OVERRIDE"),
        ("CONNECTION_NAME=", "CONNECTION_NAME"),
    ],
)
def test_a_wrong_parameter_is_named(cli, assignment, named):
    done = cli("run", "create_database_structure", assignment, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["kind"] == "parameter"
    assert named in done.stderr


def test_a_parameter_given_twice(cli):
    done = cli("run", "create_database_structure", "CONNECTION_NAME=a", "CONNECTION_NAME=b")
    assert done.returncode == 1
    assert "CONNECTION_NAME" in done.stderr


@pytest.mark.parametrize(
    ("text", "override"), [("true", True), ("YES", True), ("1", True), ("off", False), ("0", False)]
)
def test_truth_values(cli, database, text, override):
    database.query("CREATE SCHEMA lizsync")
    done = cli("run", "create_database_structure", f"CONNECTION_NAME={database.conninfo}", f"OVERRIDE_LIZSYNC={text}")
    assert done.returncode == (0 if override else 6), done.stderr


def test_parameters_from_a_file_and_from_standard_input(cli, database, tmp_path):
    file = tmp_path / "parameters.json"
    given = {"CONNECTION_NAME": "central", "connections": {"central": database.conninfo}}
    file.write_text(json.dumps(given), encoding="utf-8-sig")
    done = cli("check", "create_database_structure", "--params", str(file))
    assert done.returncode == 0, done.stderr
    done = cli("check", "create_database_structure", "--params", "-", stdin=json.dumps(given))
    assert done.returncode == 0, done.stderr
    missing = f"CONNECTION_NAME={database.conninfo}_missing"
    done = cli("check", "create_database_structure", "--params", str(file), missing)
    assert done.returncode == 3, "KEY=VALUE wins over the file"


@pytest.mark.parametrize("content", ["{", "[]", '{"CONNECTION_NAME": "sesame"', "[" * 100000])
def test_a_broken_parameter_file(cli, tmp_path, content):
    file = tmp_path / "parameters.json"
    file.write_text(content)
    done = cli("run", "create_database_structure", "--params", str(file), "--json")
    assert done.returncode == 1
    assert str(file) in json.loads(done.stdout)["OUTPUT_STRING"]
    assert "sesame" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_parameter_file(cli, tmp_path):
    done = cli("run", "create_database_structure", "--params", str(tmp_path / "none.json"))
    assert done.returncode == 7
    assert "none.json" in done.stderr


def test_a_missing_library(cli, tmp_path):
    missing = str(tmp_path / "none.so")
    for arguments in (["list"], ["run", "create_database_structure", "--json"]):
        done = cli(*arguments, LIZSYNC_LIBRARY=missing)
        assert done.returncode == 7
        assert missing in done.stderr
        assert "Traceback" not in done.stderr
    assert cli("--version", LIZSYNC_LIBRARY=missing).returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_the_run(database, installation, number):
    arguments = command("run", "create_database_structure", "CONNECTION_NAME=" + installation["CONNECTION_NAME"])
    with subprocess.Popen(
        [*arguments, "--json"], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        database.wait_until_blocked()
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == 10
    assert json.loads(stdout)["error"]["kind"] == "canceled"
    assert "Canceling" in stderr
    assert "Traceback" not in stderr
    assert not database.waits()


def test_a_console_that_cannot_show_every_character(cli):
    done = cli("run", "nöpe", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 2
    assert "\\u201cn\\xf6pe\\u201d" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away(cli):
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            command("describe", "synchronize_database"),
            env=environment(),
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(write)
    assert done.stderr == ""
    assert done.returncode == 0


def test_messages_that_nobody_reads_do_not_end_the_run(database):
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            command("run", "create_database_structure", "--verbose", f"CONNECTION_NAME={database.conninfo}"),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=write,
            text=True,
            check=False,
        )
    finally:
        os.close(write)
    assert "OUTPUT_STATUS: 1" in done.stdout
    assert done.returncode == 0


def on_terminal(*arguments):
    """Runs the command line on a terminal; returns status and what the terminal shows."""
    master, slave = pty.openpty()
    process = subprocess.Popen(command(*arguments), env=environment(), stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError as error:
            # So Linux says that the other end is closed.
            assert error.errno == errno.EIO
            break
        if not part:
            break
        shown += part
    os.close(master)
    return process.wait(), shown.decode()


def test_a_terminal_shows_a_bar_and_an_error_once(database):
    status, shown = on_terminal("run", "create_database_structure", f"CONNECTION_NAME={database.conninfo}")
    assert status == 0
    assert "] 100 %" in shown
    status, shown = on_terminal("run", "create_database_structure", f"CONNECTION_NAME={database.conninfo}")
    assert status == 6
    assert shown.count("OUTPUT_STRING") == 1
    assert "Error: " not in shown
