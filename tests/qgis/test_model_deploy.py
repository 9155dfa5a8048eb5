"""The model “Deploy, synchronise, send media”, with real databases and a real FTP server."""

import sys

import process
import pytest
from conftest import ROOT, Recorder, variable, wait
from test_password import everything, shown

sys.path.append(str(ROOT / "tests" / "python"))

from ftp import PASSWORD, Server, tree, write  # noqa: E402

NAME = "deploy_synchronise_send_media"
ID = f"lizsync:{NAME}"
FILE = ROOT / "python" / "lizsync" / "models" / f"{NAME}.model3"
PHOTOS = {"media/upload/oak.jpg": "an oak", "media/upload/2026/elm.jpg": "an elm"}


@pytest.fixture
def server(tmp_path):
    root = tmp_path / "ftp"
    (root / "projects").mkdir(parents=True)
    # QGIS has bindings for the Python of the system only, and pyftpdlib is in the other one.
    with Server(root, ROOT / ".venv" / "bin" / "python") as made:
        yield made


@pytest.fixture
def values(pair, server, tmp_path):
    """What the model takes, after the central was packaged."""
    import processing

    archive = tmp_path / "package.zip"
    for algorithm, parameters in pair.steps(archive)[:4]:
        processing.run(f"lizsync:{algorithm}", parameters)
    project = tmp_path / "project"
    write(project, PHOTOS)
    return {
        **pair.BOTH,
        "ZIP_FILE": str(archive),
        "POSTGRESQL_BINARY_PATH": variable("LIZSYNC_TEST_BIN"),
        "LOCAL_QGIS_PROJECT_FOLDER": str(project),
        **server.account("CENTRAL", FTP_TIMEOUT=None),
    }


def sent(server):
    """The files that are on the server."""
    return {path: content for path, content in tree(server.root).items() if content is not None}


def warnings(recorder):
    """What the step that looks at the outputs of the synchronisation said: an error that is not fatal."""
    return [text for level, text in recorder.lines if level in ("warning", "error") and text.startswith("Look at")]


def test_it_is_a_model(qgis):
    from qgis.core import QgsApplication, QgsProcessingModelAlgorithm

    model = QgsApplication.processingRegistry().createAlgorithmById(ID)
    assert isinstance(model, QgsProcessingModelAlgorithm)
    assert model.displayName() == "Deploy, synchronise, send media"
    children = model.childAlgorithms()
    assert sorted(children) == ["deploy", "look", "media", "synchronise"]
    before = {name: [each.childId for each in child.dependencies()] for name, child in children.items()}
    assert before == {"deploy": [], "synchronise": ["deploy"], "look": ["synchronise"], "media": ["synchronise"]}
    assert model.canExecute()[0]
    assert model.validate()[0]


def test_it_runs_whole(pair, server, values):
    import processing
    from lizsync.plugin import password

    # Edited after the package was made: the clone gets it from the synchronisation.
    pair.central.query("UPDATE gis.trees SET name = 'oak' WHERE name = 'tree 1'")
    recorder = Recorder()
    # As the field of the dialog gives it.
    hidden = password.hide(PASSWORD)
    outputs = processing.run(ID, {**values, "CENTRAL_FTP_PASSWORD": hidden}, feedback=recorder)
    results = outputs["CHILD_RESULTS"]
    assert results["deploy"]["OUTPUT_STATUS"] == 1
    assert results["synchronise"]["APPLIED_TO_CLONE"] == 1
    assert results["synchronise"]["CONFLICTS"] == 0
    assert results["media"]["FILES_TRANSFERRED"] == 2
    assert pair.clone.query("SELECT count(*) FROM gis.trees WHERE name = 'oak'") == "1"
    assert sent(server) == {f"projects/{path}": content.encode() for path, content in PHOTOS.items()}
    assert warnings(recorder) == []
    assert not any(PASSWORD in text for _, text in recorder.lines)


def test_what_a_step_says_goes_to_the_next(pair, server, values):
    import processing

    # The clone cannot take what its table forbids, and the rest of the model runs nevertheless.
    hostile = values["LOCAL_QGIS_PROJECT_FOLDER"] + "/forbid.sql"
    with open(hostile, "w", encoding="utf-8") as file:
        file.write("ALTER TABLE gis.trees ADD CHECK (name <> 'oak');")
    *_, (algorithm, parameters) = pair.steps(values["ZIP_FILE"])[:4]
    processing.run(f"lizsync:{algorithm}", {**parameters, "ADDITIONAL_SQL_FILE": hostile})
    pair.central.query("UPDATE gis.trees SET name = 'oak' WHERE name = 'tree 1'")
    recorder = Recorder()
    outputs = processing.run(ID, values, feedback=recorder)
    told = outputs["CHILD_RESULTS"]["synchronise"]
    assert told["SET_ASIDE"] == 1
    (warning,) = warnings(recorder)
    assert told["OUTPUT_STRING"] in warning
    assert len(sent(server)) == 2


def test_nothing_is_sent_when_the_synchronisation_fails(pair, server, values, tmp_path):
    import processing
    from qgis.core import QgsProcessingException

    # The package deploys, and what it leaves cannot be synchronised.
    broken = tmp_path / "break.sql"
    broken.write_text("DROP TABLE lizsync.set_aside CASCADE;")
    *_, (algorithm, parameters) = pair.steps(values["ZIP_FILE"])[:4]
    processing.run(f"lizsync:{algorithm}", {**parameters, "ADDITIONAL_SQL_FILE": str(broken)})
    recorder = Recorder()
    with pytest.raises(QgsProcessingException):
        processing.run(ID, values, feedback=recorder)
    assert any("was deployed" in text for _, text in recorder.lines)
    assert pair.clone.query("SELECT count(*) FROM gis.trees") == "20"
    assert sent(server) == {}
    # It did not even log in.
    assert server.got("USER") == []


def test_nothing_else_runs_when_the_deployment_fails(pair, server, values, tmp_path):
    import processing
    from qgis.core import QgsProcessingException

    archive = tmp_path / "no.zip"
    archive.write_text("this is no archive")
    recorder = Recorder()
    with pytest.raises(QgsProcessingException):
        processing.run(ID, {**values, "ZIP_FILE": str(archive)}, feedback=recorder)
    assert any("no.zip" in text for _, text in recorder.lines)
    assert not any("Synchronised" in text for _, text in recorder.lines)
    assert server.got("USER") == []


def test_a_wrong_password_fails_the_model(pair, server, values):
    import processing
    from qgis.core import QgsProcessingException

    recorder = Recorder()
    with pytest.raises(QgsProcessingException):
        processing.run(ID, {**values, "CENTRAL_FTP_PASSWORD": "wrong"}, feedback=recorder)
    assert any("Synchronised" in text for _, text in recorder.lines)
    assert sent(server) == {}


def test_it_runs_in_qgis_process(pair, server, values):
    process.run("plugins", "enable", "lizsync")
    status, out, err = process.run_algorithm(NAME, values)
    assert status == 0, err
    assert len(sent(server)) == 2


def test_the_password_is_an_input_and_in_no_file(qgis, tmp_path):
    from qgis.core import QgsApplication

    model = QgsApplication.processingRegistry().createAlgorithmById(ID)
    definition = model.parameterDefinition("CENTRAL_FTP_PASSWORD")
    assert definition.type() == "lizsync_password" and definition.defaultValue() is None
    (source,) = model.childAlgorithms()["media"].parameterSources()["CENTRAL_FTP_PASSWORD"]
    assert source.source() == source.ModelParameter
    # Saved again with values of a run, as the modeler does.
    model.setDesignerParameterValues({"CENTRAL_FTP_HOST": "ftp.example"})
    again = tmp_path / "again.model3"
    assert model.toFile(str(again))
    for file in (FILE, again):
        assert PASSWORD not in file.read_text(encoding="utf-8")


def test_its_dialog_writes_the_password_nowhere(pair, server, values):
    from processing.core.ProcessingConfig import ProcessingConfig
    from processing.gui.AlgorithmDialog import AlgorithmDialog
    from qgis.core import QgsApplication
    from qgis.gui import QgsPasswordLineEdit

    ProcessingConfig.setSettingValue(ProcessingConfig.KEEP_DIALOG_OPEN, True)
    typed = values.pop("CENTRAL_FTP_PASSWORD")
    dialog = AlgorithmDialog(QgsApplication.processingRegistry().createAlgorithmById(ID))
    dialog.setParameters(values)
    dialog.show()
    (field,) = dialog.findChildren(QgsPasswordLineEdit)
    field.setText(typed)
    dialog.runAlgorithm()
    wait(lambda: "Execution " in shown(dialog))
    text = shown(dialog)
    dialog.close()
    dialog.deleteLater()
    assert len(sent(server)) == 2
    assert values["CENTRAL_FTP_REMOTE_DIR"] in text and typed not in text
    written = everything()
    assert NAME in written and typed not in written
    # A quote is written as an entity or with a backslash.
    assert "sésame" not in text and "sésame" not in written
