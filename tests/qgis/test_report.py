"""The HTML report of a synchronisation, as an output of QGIS."""

import pathlib

import pytest
from conftest import Recorder

ALGORITHM = "lizsync:synchronize_database"


@pytest.fixture
def edited(pair, tmp_path):
    """A pair that has something to synchronise."""
    import processing

    for algorithm, values in pair.steps(tmp_path / "package.zip")[:-1]:
        processing.run(f"lizsync:{algorithm}", values)
    pair.edit()
    return pair


def test_qgis_knows_it_as_html(qgis):
    from qgis.core import QgsApplication, QgsProcessingOutputHtml, QgsProcessingParameterDefinition

    algorithm = QgsApplication.processingRegistry().createAlgorithmById(ALGORITHM)
    made = algorithm.parameterDefinition("REPORT")
    assert made.flags() & QgsProcessingParameterDefinition.FlagOptional
    assert not made.createByDefault()
    assert made.defaultValue() is None
    assert made.fileFilter().startswith("HTML files (*.html)")
    # The viewer of results opens outputs of this class.
    assert isinstance(algorithm.outputDefinition("REPORT"), QgsProcessingOutputHtml)


def test_it_is_written_where_the_user_says(edited, tmp_path):
    import processing

    file = tmp_path / "été & co.html"
    outputs = processing.run(ALGORITHM, {**edited.BOTH, "REPORT": str(file)}, feedback=Recorder())
    assert outputs["REPORT"] == str(file)
    text = file.read_text(encoding="utf-8")
    assert "gis.trees" in text and "<svg" in text and "EPSG:2154" in text


def test_in_a_temporary_file(edited):
    import processing
    from qgis.core import QgsProcessing

    outputs = processing.run(ALGORITHM, {**edited.BOTH, "REPORT": QgsProcessing.TEMPORARY_OUTPUT})
    assert outputs["REPORT"].endswith(".html")
    assert pathlib.Path(outputs["REPORT"]).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_without_a_name_there_is_none(edited):
    import processing

    assert "REPORT" not in processing.run(ALGORITHM, edited.BOTH)


def test_its_name_is_not_remembered(edited, tmp_path):
    import processing
    from qgis.core import QgsApplication

    processing.run(ALGORITHM, {**edited.BOTH, "REPORT": str(tmp_path / "kept.html")})
    algorithm = QgsApplication.processingRegistry().createAlgorithmById(ALGORITHM)
    shown = {each.name(): each.defaultValueForGui() for each in algorithm.parameterDefinitions()}
    assert shown["CONNECTION_NAME_CLONE"] == "tablette “1”"
    assert not shown["REPORT"]
