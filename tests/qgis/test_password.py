"""Passwords are written nowhere: history, log, settings, commands, batches, models."""

import pathlib

import pytest
from conftest import PROFILE, Recorder, wait
from test_registry import ENTRY

SENTINEL = "s3same-öpen"
LEAST = {"CONNECTION": "c"}


@pytest.fixture
def given(monkeypatch):
    """What the library was given by runs."""
    from lizsync import api

    found = []

    def run(algorithm, parameters, feedback):
        found.append(parameters)
        return {"OUTPUT_STATUS": 1, "OUTPUT_STRING": "done", "COUNT": 3}

    monkeypatch.setattr(api, "run", run)
    return found


@pytest.fixture
def provider(qgis):
    """The provider, with the made-up algorithm."""
    from lizsync.plugin.algorithm import Algorithm
    from qgis.core import QgsApplication

    provider = QgsApplication.processingRegistry().providerById("lizsync")
    assert provider.addAlgorithm(Algorithm(ENTRY))
    yield provider
    provider.refreshAlgorithms()


def everything():
    """The text of all files of the profile."""
    from qgis.core import QgsSettings

    QgsSettings().sync()
    files = [path for path in PROFILE.rglob("*") if path.is_file()]
    assert files
    return "".join(path.read_bytes().decode("utf-8", "replace") for path in files)


@pytest.fixture
def dialog(provider, connection):
    from processing.core.ProcessingConfig import ProcessingConfig
    from qgis.core import QgsApplication

    ProcessingConfig.setSettingValue(ProcessingConfig.KEEP_DIALOG_OPEN, True)
    connection("c", host="127.0.0.1")
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("lizsync:made_up")
    made = algorithm.createCustomParametersWidget(None)
    made.show()
    yield made
    made.close()
    made.deleteLater()


def shown(dialog):
    """The text of the log of a dialog."""
    from qgis.PyQt.QtWidgets import QTextEdit

    return "".join(view.toPlainText() for view in dialog.findChildren(QTextEdit))


def test_a_run_of_the_dialog(dialog, given):
    from qgis.gui import QgsPasswordLineEdit
    from qgis.PyQt.QtWidgets import QLineEdit

    dialog.setParameters({"CONNECTION": "c", "TEXT": "a visible text"})
    (field,) = dialog.findChildren(QgsPasswordLineEdit)
    assert field.echoMode() == QLineEdit.EchoMode.Password
    field.setText(SENTINEL)
    dialog.runAlgorithm()
    wait(lambda: given and "Results" in shown(dialog))
    assert given[0]["SECRET"] == SENTINEL
    assert given[0]["TEXT"] == "a visible text"
    # The places are the right ones: the other values are there.
    assert "a visible text" in shown(dialog)
    assert SENTINEL not in shown(dialog)
    texts = everything()
    assert "a visible text" in texts and "made_up" in texts
    assert SENTINEL not in texts
    assert SENTINEL not in str(dialog.createProcessingParameters())


def test_a_field_is_filled_again_in_the_same_session_only(dialog):
    from lizsync.plugin import password
    from qgis.gui import QgsPasswordLineEdit

    (field,) = dialog.findChildren(QgsPasswordLineEdit)
    dialog.setParameters({"SECRET": password.hide(SENTINEL)})
    assert field.text() == SENTINEL
    dialog.setParameters({"SECRET": "a default"})
    assert field.text() == ""
    assert dialog.mainWidget().wrappers["SECRET"].parameterValue() is None


def test_nothing_is_written_of_a_value_from_a_script(provider, given):
    from qgis.core import QgsApplication, QgsProcessingContext

    algorithm = QgsApplication.processingRegistry().createAlgorithmById("lizsync:made_up")
    context, values = QgsProcessingContext(), {**LEAST, "TEXT": "visible", "SECRET": SENTINEL}
    command = algorithm.asPythonCommand(values, context)
    assert "visible" in command and SENTINEL not in command
    compile(command, "command", "exec")
    # Of later versions of QGIS.
    for name in ("asQgisProcessCommand", "asMap"):
        if hasattr(algorithm, name):
            assert SENTINEL not in str(getattr(algorithm, name)(values, context))
    definition = algorithm.parameterDefinition("SECRET")
    for copy in (definition, definition.clone()):
        assert copy.type() == "lizsync_password"
        assert SENTINEL not in copy.valueAsPythonString(SENTINEL, context)
        assert copy.valueAsString(SENTINEL, context) == ("", True)
        assert copy.valueAsJsonObject(SENTINEL, context) is None
    recorder = Recorder()
    import processing

    processing.run("lizsync:made_up", values, feedback=recorder)
    assert given[0]["SECRET"] == SENTINEL
    assert SENTINEL not in str(recorder.lines)
    assert SENTINEL not in everything()


def test_a_token_of_another_session_is_refused(provider, given):
    import processing
    from qgis.core import QgsProcessingException

    with pytest.raises(QgsProcessingException, match="Type it again"):
        processing.run("lizsync:made_up", {**LEAST, "SECRET": "lizsync-password-0123456789abcdef"})
    assert not given


def test_a_password_as_input_of_a_model(provider, given, tmp_path):
    from qgis.core import (
        QgsApplication,
        QgsProcessingContext,
        QgsProcessingModelAlgorithm,
        QgsProcessingModelChildAlgorithm,
        QgsProcessingModelChildParameterSource,
        QgsProcessingModelParameter,
    )

    kind = QgsApplication.processingRegistry().parameterType("lizsync_password")
    definition = kind.create("SECRET")
    definition.setDefaultValue(SENTINEL)
    model = QgsProcessingModelAlgorithm("m", "g")
    model.addModelParameter(definition, QgsProcessingModelParameter("SECRET"))
    child = QgsProcessingModelChildAlgorithm("lizsync:made_up")
    child.setChildId("child")
    child.addParameterSources("CONNECTION", [QgsProcessingModelChildParameterSource.fromStaticValue("c")])
    child.addParameterSources("SECRET", [QgsProcessingModelChildParameterSource.fromModelParameter("SECRET")])
    model.addChildAlgorithm(child)
    file = tmp_path / "m.model3"
    assert model.toFile(str(file))
    assert "lizsync_password" in file.read_text() and SENTINEL not in file.read_text()

    again = QgsProcessingModelAlgorithm()
    assert again.fromFile(str(file))
    assert again.parameterDefinition("SECRET").type() == "lizsync_password"
    recorder, context = Recorder(), QgsProcessingContext()
    # The log that names the inputs of every step.
    context.setLogLevel(QgsProcessingContext.Verbose)
    _, done = again.run({"SECRET": SENTINEL}, context, recorder, {}, False)
    assert done
    assert given[0]["SECRET"] == SENTINEL
    assert "SECRET" in str(recorder.lines)
    assert SENTINEL not in str(recorder.lines)

    # The results of a model hold the inputs of its steps; a field hands over a token.
    from lizsync.plugin import password

    results, done = again.run({"SECRET": password.hide(SENTINEL)}, context, recorder, {}, False)
    assert done and given[1]["SECRET"] == SENTINEL
    assert "SECRET" in str(results["CHILD_INPUTS"]) and SENTINEL not in str(results)


def test_a_model_that_is_exported_as_a_script(provider, given):
    """Its password is one, too: as a text, history and log would have it."""
    from qgis.core import QgsApplication, QgsProcessing, QgsProcessingContext

    model = QgsApplication.processingRegistry().createAlgorithmById("lizsync:deploy_synchronise_send_media")
    lines = model.asPythonCode(QgsProcessing.PythonQgsProcessingAlgorithmSubclass, 4)
    script = {}
    exec("\n".join(lines), script)
    (name,) = (each for each in script if each.startswith("Deploy"))
    algorithm = script[name]().create()
    definition = algorithm.parameterDefinition("CENTRAL_FTP_PASSWORD")
    assert definition.type() == "lizsync_password"
    original = model.parameterDefinition("CENTRAL_FTP_PASSWORD")
    assert (definition.description(), definition.flags()) == (original.description(), original.flags())
    command = algorithm.asPythonCommand({"CENTRAL_FTP_PASSWORD": SENTINEL}, QgsProcessingContext())
    assert "CENTRAL_FTP_PASSWORD" in command and SENTINEL not in command


def test_the_modeler_offers_inputs_only(provider):
    from lizsync.plugin import password
    from lizsync.plugin.password_widget import PasswordWrapper
    from processing.modeler.ModelerParametersDialog import ModelerParametersDialog
    from qgis.core import QgsApplication, QgsProcessingModelAlgorithm, QgsProcessingModelParameter
    from qgis.gui import QgsPasswordLineEdit

    model = QgsProcessingModelAlgorithm("m", "g")
    model.addModelParameter(password.PasswordParameter("INPUT", "the input"), QgsProcessingModelParameter("INPUT"))
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("lizsync:made_up")
    dialog = ModelerParametersDialog(algorithm, model)
    wrapper = dialog.widget.widget.wrappers["SECRET"]
    assert isinstance(wrapper, PasswordWrapper)
    assert not dialog.findChildren(QgsPasswordLineEdit)
    assert [wrapper.widget.itemText(i) for i in range(wrapper.widget.count())] == ["Not given", "the input"]
    assert wrapper.value() is None
    wrapper.widget.setCurrentIndex(1)
    assert wrapper.value().parameterName() == "INPUT"
    dialog.deleteLater()


def test_a_saved_batch(provider, connection, given, tmp_path, monkeypatch):
    from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog
    from qgis.core import QgsApplication
    from qgis.gui import QgsPasswordLineEdit
    from qgis.PyQt.QtWidgets import QFileDialog

    connection("c", host="127.0.0.1")
    dialog = BatchAlgorithmDialog(QgsApplication.processingRegistry().createAlgorithmById("lizsync:made_up"))
    panel = dialog.mainWidget()
    for field in dialog.findChildren(QgsPasswordLineEdit):
        field.setText(SENTINEL)
    names = {wrapper.parameterDefinition().name(): wrapper for wrapper in panel.wrappers[0] if wrapper}
    names["CONNECTION"].setParameterValue("c", panel.processing_context)
    names["TEXT"].setParameterValue("a visible text", panel.processing_context)
    assert names["SECRET"].parameterValue()
    column = panel.parameter_to_column["OUT"]
    panel.tblParameters.cellWidget(1, column).setValue("/o.sql")
    file = tmp_path / "batch.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    panel.save()
    assert "a visible text" in file.read_text()
    assert SENTINEL not in file.read_text() and "lizsync-password" not in file.read_text()
    dialog.deleteLater()


def test_a_saved_password_of_a_connection_is_in_no_message(pair, connection, database):
    import processing
    from conftest import variable
    from qgis.core import QgsApplication, QgsProcessingException

    logged = []
    log = QgsApplication.messageLog()
    log.messageReceived.connect(lambda *texts: logged.append(texts))
    password = variable("LIZSYNC_TEST_PASSWORD")
    connection("good", host="127.0.0.1", database=database.name, username="postgres", password=password)
    connection("bad", host="127.0.0.1", database=database.name, username="postgres", password=SENTINEL)
    recorder = Recorder()
    processing.run("lizsync:create_database_structure", {"CONNECTION_NAME": "good"}, feedback=recorder)
    with pytest.raises(QgsProcessingException) as caught:
        processing.run("lizsync:create_database_structure", {"CONNECTION_NAME": "bad"}, feedback=recorder)
    texts = str(recorder.lines) + str(logged) + str(caught.value)
    assert recorder.lines
    assert SENTINEL not in texts and password not in texts
    history = pathlib.Path(PROFILE).rglob("*.log")
    assert all(password not in file.read_text() for file in history)
