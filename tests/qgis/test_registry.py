"""From the registry to algorithms of Processing."""

import pathlib

import pytest
from conftest import ROOT

ENTRY = {
    "id": "made_up",
    "label": "Made up",
    "group": "09 Tests",
    "group_id": "tests",
    "help": "One <b> & two.\nMore.\n\nA list:\n* first\n* second",
    "parameters": [
        {"id": "CONNECTION", "label": "A connection", "type": "connection", "required": True},
        {"id": "FLAG", "label": "A flag", "type": "boolean", "required": True, "default": True},
        {"id": "MAYBE", "label": "A flag without default", "type": "boolean", "required": False, "advanced": True},
        {"id": "PORT", "label": "A port", "type": "number", "required": True, "default": 21},
        {"id": "FACTOR", "label": "A factor", "type": "number", "required": True, "default": 0.5},
        {"id": "TEXT", "label": "A text", "type": "string", "required": False, "default": "a"},
        {"id": "SECRET", "label": "A password", "type": "password", "required": False},
        {"id": "FILE", "label": "A file", "type": "file", "required": False, "extension": "zip"},
        {"id": "FOLDER", "label": "A folder", "type": "folder", "required": True, "default": "/usr/bin/"},
        {"id": "OUT", "label": "A file to write", "type": "file_destination", "required": True, "extension": "sql",
         "default": "/a/b.sql"},
        {"id": "NEW", "label": "Of a later version", "type": "colour", "required": False},
    ],
    "outputs": [
        {"id": "OUT", "label": "The file", "type": "file"},
        {"id": "COUNT", "label": "How many", "type": "number"},
        {"id": "OUTPUT_STATUS", "label": "Output status", "type": "number"},
        {"id": "OUTPUT_STRING", "label": "Output message", "type": "string"},
    ],
}  # fmt: skip
for parameter in ENTRY["parameters"]:
    parameter.setdefault("advanced", False)
    parameter.setdefault("default", None)


@pytest.fixture
def made_up(qgis):
    from lizsync.plugin.algorithm import Algorithm

    return Algorithm(ENTRY).create()


def test_the_committed_files_are_those_of_the_library(qgis):
    from lizsync import manual, registry

    made = registry.files()
    for file, text in made.items():
        assert file.read_text(encoding="utf-8") == text, f"{file} is not current: run “make registry” and commit it"
    assert set(manual.FOLDER.rglob("*.html")) == set(made) - {registry.FILE}
    assert "/tmp" not in registry.FILE.read_text(encoding="utf-8")


def test_defaults_in_the_temporary_directory_are_those_of_this_machine(qgis):
    from lizsync import api, registry

    assert registry.read() == api.algorithms()


def test_all_algorithms_are_there(qgis):
    from lizsync import api
    from qgis.core import QgsApplication

    registry = QgsApplication.processingRegistry()
    for entry in api.algorithms():
        algorithm = registry.algorithmById("lizsync:" + entry["id"])
        assert (algorithm.displayName(), algorithm.group(), algorithm.groupId()) == (
            entry["label"],
            entry["group"],
            entry["group_id"],
        )
        assert [each.name() for each in algorithm.parameterDefinitions()] == [
            each["id"] for each in entry["parameters"]
        ]
        assert {each.name() for each in algorithm.outputDefinitions()} == {each["id"] for each in entry["outputs"]}
        assert pathlib.Path(algorithm.helpUrl().replace("file://", "")).is_file()
        assert not algorithm.icon().isNull()
        assert {"offline", "postgis"} <= set(algorithm.tags())
        assert entry["help"].splitlines()[0].split("&")[0] in algorithm.shortHelpString()


def test_types_of_parameters(made_up):
    from qgis.core import QgsProcessingParameterDefinition, QgsProcessingParameterFile, QgsProcessingParameterNumber

    definitions = {each.name(): each for each in made_up.parameterDefinitions()}
    assert {name: each.type() for name, each in definitions.items()} == {
        "CONNECTION": "providerconnection",
        "FLAG": "boolean",
        "MAYBE": "boolean",
        "PORT": "number",
        "FACTOR": "number",
        "TEXT": "string",
        "SECRET": "lizsync_password",
        "FILE": "file",
        "FOLDER": "file",
        "OUT": "fileDestination",
        "NEW": "string",
    }
    flags = QgsProcessingParameterDefinition
    for entry in ENTRY["parameters"]:
        made = definitions[entry["id"]]
        assert made.description() == entry["label"]
        assert bool(made.flags() & flags.FlagOptional) is not entry["required"]
        assert bool(made.flags() & flags.FlagAdvanced) is entry["advanced"]
        assert made.defaultValue() == (entry["default"] if entry["type"] != "boolean" else bool(entry["default"]))
    assert definitions["CONNECTION"].providerId() == "postgres"
    assert definitions["PORT"].dataType() == QgsProcessingParameterNumber.Integer
    assert definitions["FACTOR"].dataType() == QgsProcessingParameterNumber.Double
    assert "*.zip" in definitions["FILE"].fileFilter()
    assert definitions["FOLDER"].behavior() == QgsProcessingParameterFile.Folder
    assert "*.sql" in definitions["OUT"].fileFilter()


def test_types_of_outputs(made_up):
    outputs = {each.name(): each.type() for each in made_up.outputDefinitions()}
    expected = {"OUT": "outputFile", "COUNT": "outputNumber", "OUTPUT_STATUS": "outputNumber"}
    assert outputs == {**expected, "OUTPUT_STRING": "outputString"}


def test_help_is_escaped(made_up):
    assert made_up.shortHelpString() == (
        "<p>One &lt;b&gt; &amp; two.<br>More.</p><p>A list:</p><ul><li>first</li><li>second</li></ul>"
    )


def test_values_are_those_of_the_library(made_up, monkeypatch):
    from lizsync import api
    from qgis.core import QgsProcessing, QgsProcessingContext, QgsProcessingFeedback, QgsProperty

    given = []

    def run(algorithm, parameters, feedback):
        given.append(parameters)
        return {"OUTPUT_STATUS": 1, "OUTPUT_STRING": "done", "COUNT": 3}

    monkeypatch.setattr(api, "run", run)

    def values(parameters):
        results, done = made_up.run(parameters, QgsProcessingContext(), QgsProcessingFeedback(), {}, False)
        assert done and results["COUNT"] == 3
        found = given.pop()
        assert found.pop("connections") == {}
        return found

    least = {"CONNECTION": "c", "FLAG": True, "PORT": 21, "FACTOR": 0.5, "TEXT": "a", "FOLDER": "/usr/bin/"}
    assert values({"CONNECTION": "c"}) == {**least, "OUT": "/a/b.sql"}
    most = {
        "CONNECTION": QgsProperty.fromExpression("'c' || 'd'"),
        "FLAG": "no",
        "MAYBE": True,
        "PORT": "2021",
        "FACTOR": 2,
        "TEXT": "",
        "SECRET": "sesame",
        "FILE": "/x/y.zip",
        "FOLDER": "/z",
        "OUT": "/o.sql",
        "NEW": "red",
    }
    expected = {**most, "CONNECTION": "cd", "FLAG": False, "PORT": 2021}
    del expected["TEXT"]
    assert values(most) == expected
    assert values({"CONNECTION": "c", "OUT": QgsProcessing.TEMPORARY_OUTPUT})["OUT"].endswith(".sql")


def test_the_metadata(qgis):
    from qgis import utils

    parser = utils.plugins_metadata_parser["lizsync"]
    import lizsync

    assert parser.get("general", "version") == lizsync.__version__
    assert parser.getboolean("general", "hasProcessingProvider")
    assert (ROOT / "python" / "lizsync" / parser.get("general", "icon")).is_file()
    required = "name description about author email repository tracker homepage licence tags category changelog"
    assert all(parser.get("general", field).strip() for field in required.split(" "))


def test_the_dialog_shows_labels_whole(qgis):
    from qgis.core import QgsApplication
    from qgis.PyQt.QtWidgets import QLabel

    algorithm = QgsApplication.processingRegistry().createAlgorithmById("lizsync:package_master_database")
    dialog = algorithm.createCustomParametersWidget(None)
    labels = {label.text(): label for label in dialog.mainWidget().findChildren(QLabel)}
    (schemas,) = [label for text, label in labels.items() if text.startswith("List of schemas")]
    assert schemas.wordWrap()
    dialog.deleteLater()
