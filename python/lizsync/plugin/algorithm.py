"""The one algorithm class: it is what an entry of the registry says."""

from qgis.core import QgsProcessingAlgorithm, QgsProcessingException
from qgis.PyQt.QtCore import QCoreApplication, QUrl

from .. import __version__, api, language, manual, native
from ..error import LizsyncError
from . import connections, credentials, defaults, dialog, parameters, texts
from .feedback import Feedback
from .icon import icon


class Algorithm(QgsProcessingAlgorithm):
    """An algorithm of LizSync. `entry` is its entry of the registry."""

    def __init__(self, entry):
        super().__init__()
        self._entry = entry
        self._used = {}

    def createInstance(self):
        return type(self)(self._entry)

    def name(self):
        return self._entry["id"]

    def displayName(self):
        return self._entry["label"]

    def group(self):
        return self._entry["group"]

    def groupId(self):
        return self._entry["group_id"]

    def icon(self):
        return icon()

    def shortHelpString(self):
        return manual.text(self._entry)

    def helpUrl(self):
        return QUrl.fromLocalFile(str(manual.page(self._entry["id"]))).toString()

    def tags(self):
        return texts.tags(self._entry)

    def initAlgorithm(self, configuration=None):
        remembered = defaults.read(self._entry)
        for entry in self._entry["parameters"]:
            made = parameters.definition(entry)
            # What was used last is for people. A script or a model means the same on every day.
            # Before QGIS 3.18 there is no way to tell the two.
            if entry["id"] in remembered and hasattr(made, "setGuiDefaultValueOverride"):
                made.setGuiDefaultValueOverride(remembered[entry["id"]])
            self.addParameter(made)
        for entry in self._entry["outputs"]:
            # A file to be written is an output already.
            if self.outputDefinition(entry["id"]) is None:
                self.addOutput(parameters.output(entry))

    def createCustomParametersWidget(self, parent=None):
        return dialog.make(self, parent)

    def canExecute(self):
        try:
            native.library()
        except LizsyncError as error:
            return False, texts.installation(error)
        return True, ""

    def checkParameterValues(self, values, context):
        # A file with a default is still missing for QGIS when it is left out.
        usual = {each.name(): each.defaultValue() for each in self.parameterDefinitions()}
        given = {name: parameters.text_of_path(value) for name, value in values.items() if value is not None}
        fine, message = super().checkParameterValues({**values, **usual, **given}, context)
        if fine:
            try:
                self._values(values, context)
            except LizsyncError as error:
                return False, str(error)
        return fine, message

    def prepareAlgorithm(self, values, context, feedback):
        # Where there is a window, this is in its thread.
        connections.unlock(self._connection_names(values, context))
        return True

    def processAlgorithm(self, values, context, feedback):
        # Models come here without having asked canExecute or checkParameterValues; the library checks all
        # values again.
        ready, message = self.canExecute()
        if not ready:
            raise QgsProcessingException(message)
        reporter = Feedback(feedback)
        if native.version() != __version__:
            reporter.message("warning", texts.another_version(native.version(), __version__))
        try:
            outputs = self._run(values, context, reporter)
        except (LizsyncError, KeyboardInterrupt) as error:
            raise QgsProcessingException(str(error) or QCoreApplication.translate("LizSync", "Canceled.")) from None
        feedback.pushInfo(outputs["OUTPUT_STRING"])
        feedback.setProgress(100)
        # Processing shows results as Python writes them: a space that does not break would be “\xa0”.
        outputs["OUTPUT_STRING"] = outputs["OUTPUT_STRING"].replace("\u00a0", " ")
        return {key: value for key, value in outputs.items() if key != "error"}

    def postProcessAlgorithm(self, context, feedback):
        # Only here: what failed need not come back.
        defaults.remember(self._used)
        return {}

    def _values(self, values, context):
        found = {entry["id"]: parameters.value(entry, self, values, context) for entry in self._entry["parameters"]}
        return {name: value for name, value in found.items() if value is not None}

    def _connection_names(self, values, context):
        names = [entry["id"] for entry in self._entry["parameters"] if entry["type"] == "connection"]
        return [self.parameterAsString(values, name, context) for name in names]

    def _run(self, values, context, feedback):
        given = self._values(values, context)
        asked = {**given, **answering()}
        with connections.Connections() as known:
            for name in self._connection_names(values, context):
                known.add(name)
            try:
                outputs = api.run(self.name(), {**asked, "connections": known.texts()}, feedback)
            except LizsyncError as error:
                if not credentials.missing(error) or not credentials.ask(known, feedback.is_canceled):
                    raise
                outputs = api.run(self.name(), {**asked, "connections": known.texts()}, feedback)
        self._used = defaults.worth_keeping(self._entry, given, values)
        return outputs


def answering():
    """The parameter that makes the library answer in the language of QGIS."""
    return {"language": language.code()} if language.code() else {}
