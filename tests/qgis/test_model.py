"""The models that come with the plugin; the second one is in test_model_deploy.py."""

import json

import process
import pytest
from conftest import Recorder, variable

ID = "lizsync:prepare_and_package"


@pytest.fixture
def values(pair, tmp_path):
    return {
        **pair.CENTRAL,
        "SCHEMAS": "gis",
        "POSTGRESQL_BINARY_PATH": variable("LIZSYNC_TEST_BIN"),
        "package:ZIP_FILE": str(tmp_path / "model.zip"),
    }


def test_it_is_a_model(qgis):
    from qgis.core import QgsApplication, QgsProcessingModelAlgorithm

    model = QgsApplication.processingRegistry().createAlgorithmById(ID)
    assert isinstance(model, QgsProcessingModelAlgorithm)
    assert model.displayName() == "Prepare and package"
    assert list(model.childAlgorithms()) == ["package", "prepare"]
    assert model.canExecute()[0]
    assert model.validate()[0]


def test_it_passes_outputs_on(pair, values, tmp_path):
    import processing

    processing.run("lizsync:create_database_structure", pair.INSTALLED)
    outputs = processing.run(ID, values, feedback=Recorder())
    assert outputs["package:ZIP_FILE"] == values["package:ZIP_FILE"]
    assert outputs["CHILD_RESULTS"]["prepare"]["OUTPUT_STATUS"] == 1
    last = pair.steps(outputs["package:ZIP_FILE"])[4:]
    for algorithm, parameters in last:
        if algorithm == "synchronize_database":
            pair.edit()
        processing.run(f"lizsync:{algorithm}", parameters)
    assert pair.equal()


def test_it_stops_at_a_failure(pair, values, tmp_path):
    import processing
    from qgis.core import QgsProcessingException

    recorder = Recorder()
    with pytest.raises(QgsProcessingException):
        processing.run(ID, values, feedback=recorder)
    assert any("are not installed" in text for _, text in recorder.lines)
    processing.run("lizsync:create_database_structure", pair.INSTALLED)
    # Prepared, but not packaged: the second step fails.
    recorder = Recorder()
    with pytest.raises(QgsProcessingException):
        processing.run(ID, {**values, "POSTGRESQL_BINARY_PATH": str(tmp_path)}, feedback=recorder)
    assert any("pg_dump" in text for _, text in recorder.lines)
    assert not (tmp_path / "model.zip").exists()


def test_it_runs_in_qgis_process(pair, values):
    import processing

    process.run("plugins", "enable", "lizsync")
    status, _, err = process.run_algorithm("prepare_and_package", values)
    assert status != 0 and "are not installed" in err
    processing.run("lizsync:create_database_structure", pair.INSTALLED)
    status, out, err = process.run_algorithm("prepare_and_package", values)
    assert status == 0, err
    assert out["results"]["package:ZIP_FILE"] == values["package:ZIP_FILE"]


def test_the_file_holds_nothing_of_this_machine():
    from conftest import ROOT

    for file in (ROOT / "python" / "lizsync" / "models").glob("*.model3"):
        text = file.read_text(encoding="utf-8")
        assert "/tmp" not in text and "/work" not in text and "/home" not in text, file
        assert json.dumps(text)
