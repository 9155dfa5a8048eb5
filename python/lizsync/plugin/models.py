"""The models that come with the plugin."""

import pathlib

from qgis.core import QgsProcessingModelAlgorithm
from qgis.PyQt.QtCore import QCoreApplication

from . import dialog, icon, parameters
from .translation import spoken

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "models"


class Model(QgsProcessingModelAlgorithm):
    """A model of ours; its id is the name of its file."""

    def __init__(self, file):
        super().__init__()
        self._file = file
        self.fromFile(str(file))
        self._translate()

    def _translate(self):
        """Puts what a dialog shows into the language of QGIS. The names of the steps stay: expressions use them."""
        self.setName(spoken(super().displayName()))
        self.setGroup(spoken(self.group()))
        texts = self.helpContent()
        self.setHelpContent({key: spoken(text) if isinstance(text, str) else text for key, text in texts.items()})
        for definition in self.parameterDefinitions():
            definition.setDescription(spoken(definition.description()))
            definition.setHelp(spoken(definition.help()))
            if hasattr(definition, "setFileFilter"):
                definition.setFileFilter(parameters.spoken_filter(definition.fileFilter()))

    def createInstance(self):
        return type(self)(self._file)

    def name(self):
        return self._file.stem

    def icon(self):
        return icon.icon()

    def createCustomParametersWidget(self, parent=None):
        return dialog.make(self, parent)


def read():
    """All of them that have steps: one whose file is broken would do nothing, and succeed."""
    models = [Model(file) for file in sorted(FOLDER.glob("*.model3"))]
    return [model for model in models if model.childAlgorithms()]


# As in texts.py.
# fmt: off
def texts():
    """What stands in the models, for those who translate it; labels of the registry are in its catalogue."""
    return (
        QCoreApplication.translate("LizSync", "Models"),
        QCoreApplication.translate("LizSync", "Prepare and package"),
        QCoreApplication.translate(
            "LizSync",
            "Prepares schemas of the central database, and packages them for clones."
        ),
        QCoreApplication.translate(
            "LizSync",
            "Prepares the schemas of a central database on which LizSync is installed (a uid for each row, "
            "the capture of changes), and packages them for clones. Run it again when tables were added.\n"
            "It stops where a step fails."
        ),
        QCoreApplication.translate("LizSync", "LizSync must be installed on this database"),
        QCoreApplication.translate("LizSync", "Schemas to prepare and package, separated by commas"),
        QCoreApplication.translate("LizSync", "SQL file to run in the clone after the deployment"),
        QCoreApplication.translate("LizSync", "The package that the clones get"),
        QCoreApplication.translate("LizSync", "Deploy, synchronise, send media"),
        QCoreApplication.translate(
            "LizSync",
            "Deploys a package to a clone, synchronises it, and sends its photos and files to the central "
            "FTP server."
        ),
        QCoreApplication.translate(
            "LizSync",
            "Deploys a package to a clone, synchronises the clone with the central database, and sends what "
            "is new in the media subfolder of its projects to the central FTP server.\nIt stops where a "
            "step fails: nothing is sent when the synchronisation fails."
        ),
        QCoreApplication.translate("LizSync", "The package that was made from the central database"),
        QCoreApplication.translate("LizSync", "What is sent is its subfolder media/upload"),
        QCoreApplication.translate("LizSync", "Never saved"),
    )
