"""The whole chain, from installation to synchronisation."""

import runpy
import signal
import subprocess
import sys

import process
import pytest
from conftest import ROOT, Recorder, blocking


@pytest.fixture(scope="module", autouse=True)
def enabled(qgis):
    status, out, err = process.run("plugins", "enable", "lizsync")
    assert status == 0, err + out


def test_processing_run(pair, tmp_path):
    import processing

    for algorithm, parameters in pair.steps(tmp_path / "package.zip"):
        if algorithm == "synchronize_database":
            pair.edit()
        recorder = Recorder()
        outputs = processing.run(f"lizsync:{algorithm}", parameters, feedback=recorder)
        assert outputs["OUTPUT_STATUS"] == 1
        assert ("info", outputs["OUTPUT_STRING"]) in recorder.lines
        assert recorder.progress() == 100
    assert outputs["CONFLICTS"] == 1
    assert pair.equal()


def test_the_example(pair, tmp_path, capsys):
    import processing

    for algorithm, parameters in pair.steps(tmp_path / "package.zip")[:-1]:
        processing.run(f"lizsync:{algorithm}", parameters)
    pair.edit()
    example = runpy.run_path(str(ROOT / "examples" / "synchronize.py"), run_name="example")
    outputs = example["synchronize"]("Centrale d'été", ["nobody knows", "tablette “1”"])
    assert list(outputs) == ["tablette “1”"]
    assert outputs["tablette “1”"]["CONFLICTS"] == 1
    assert pair.equal()
    shown = capsys.readouterr().out
    assert "Synchronised" in shown and "“nobody knows”" in shown


def test_qgis_process(pair, tmp_path):
    for algorithm, parameters in pair.steps(tmp_path / "package é.zip"):
        if algorithm == "synchronize_database":
            pair.edit()
        status, out, err = process.run_algorithm(algorithm, parameters)
        assert status == 0, err
        assert out["results"]["OUTPUT_STATUS"] == 1
    assert out["results"]["CONFLICTS"] == 1
    assert pair.equal()


def test_qgis_process_lists_and_describes(pair, tmp_path):
    status, out, err = process.run("list")
    assert status == 0, err
    assert "lizsync:prepare_and_package" in out
    for algorithm, parameters in pair.steps(tmp_path / "package.zip"):
        assert f"lizsync:{algorithm}" in out
        status, help_text, err = process.run("help", f"lizsync:{algorithm}")
        assert status == 0, err
        for name in [*parameters, "OUTPUT_STRING"]:
            assert name in help_text


def test_a_failure_of_qgis_process(pair):
    status, _, err = process.run_algorithm("initialize_central_database", pair.CENTRAL)
    assert status != 0
    assert "are not installed" in err
    status, _, err = process.run_algorithm("create_database_structure", {"CONNECTION_NAME": "nobody knows"})
    assert status != 0
    assert "nobody knows" in err


def test_an_unclear_tick_is_refused(pair):
    status, _, err = process.run_algorithm(
        "create_database_structure", {**pair.INSTALLED, "OVERRIDE_LIZSYNC": "perhaps"}
    )
    assert status != 0
    assert "OVERRIDE_LIZSYNC must be true or false" in err
    assert process.run_algorithm("create_database_structure", pair.INSTALLED)[0] == 0
    # For QVariant the text “no” is true, which would drop everything and install it again.
    no = {"OVERRIDE_AUDIT": "no", "OVERRIDE_LIZSYNC": "no"}
    status, _, err = process.run_algorithm("create_database_structure", {**pair.INSTALLED, **no})
    assert status != 0
    assert "Nothing was installed" in err


@pytest.mark.parametrize("options", [["--json"], []])
def test_ctrl_c_in_qgis_process(pair, options):
    with blocking(pair.central, "CREATE SCHEMA audit"):
        with process.start(
            *options, "run", "lizsync:create_database_structure", "CONNECTION_NAME=Centrale d'été"
        ) as run:
            pair.central.wait_until_blocked()
            run.send_signal(signal.SIGINT)
            out, err = run.communicate(timeout=5)
        assert not pair.central.waits()
    assert run.returncode != 0
    assert "Canceled" in err + out
    assert pair.central.query("SELECT count(*) FROM pg_namespace WHERE nspname = 'lizsync'") == "0"


SCRIPT = """
import sys
from qgis.core import QgsApplication, QgsProcessingException
application = QgsApplication([], False)
application.initQgis()
sys.path[:0] = [sys.argv[1], "/usr/share/qgis/python/plugins"]
from processing.core.Processing import Processing
Processing.initialize()
import lizsync, processing
plugin = lizsync.classFactory(None)
plugin.initProcessing()
try:
    processing.run("lizsync:create_database_structure", {"CONNECTION_NAME": sys.argv[2]})
except QgsProcessingException as error:
    print("caught:", error)
plugin.unload()
application.exitQgis()
"""


def test_ctrl_c_in_a_script(pair):
    command = [sys.executable, "-c", SCRIPT, str(ROOT / "python"), pair.central.conninfo]
    with blocking(pair.central, "CREATE SCHEMA audit"):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
            pair.central.wait_until_blocked()
            run.send_signal(signal.SIGINT)
            out, err = run.communicate(timeout=5)
        assert not pair.central.waits()
    assert run.returncode == 0, err
    assert "caught: Canceled" in out, err
    assert "KeyboardInterrupt" not in err
