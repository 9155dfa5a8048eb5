"""The Processing provider."""

from qgis.core import QgsApplication, QgsProcessingProvider
from qgis.PyQt.QtCore import QCoreApplication

from .. import __version__, language, native, registry
from ..error import LizsyncError
from . import icon, models, texts
from .algorithm import Algorithm


class Provider(QgsProcessingProvider):
    """The algorithms of the registry, and the models that come with the plugin."""

    def id(self):
        return "lizsync"

    def name(self):
        return "LizSync"

    def longName(self):
        return QCoreApplication.translate("LizSync", "LizSync: offline editing of PostGIS databases")

    def icon(self):
        return icon.icon()

    def svgIconPath(self):
        return str(icon.FILE)

    def versionInfo(self):
        return __version__

    def warningMessage(self):
        # Only whether it is there: a library that is loaded cannot be replaced on Windows.
        try:
            native.path()
        except LizsyncError as error:
            return texts.installation(error)
        return ""

    def loadAlgorithms(self):
        for entry in language.registry(registry.read()):
            self.addAlgorithm(Algorithm(entry))
        # The steps of a model are looked up in the registry of Processing.
        if QgsApplication.processingRegistry().providerById(self.id()):
            for model in models.read():
                self.addAlgorithm(model)
