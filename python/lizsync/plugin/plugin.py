"""What QGIS loads and unloads."""

from qgis.core import QgsApplication

from . import dialog
from .password import PasswordType
from .provider import Provider
from .translation import Translation


class Plugin:
    """The plugin: its provider, and the kind of parameter that it brings."""

    def __init__(self):
        self._translation = None
        self._provider = None
        self._type = None

    def initProcessing(self):
        """Called by qgis_process, which has no window, and by initGui."""
        # Before anything says a word.
        self._translation = Translation()
        registry = QgsApplication.processingRegistry()
        self._type = PasswordType()
        registry.addParameterType(self._type)
        self._provider = Provider()
        registry.addProvider(self._provider)
        # Models find the algorithms of their steps only now.
        self._provider.refreshAlgorithms()

    def initGui(self):
        """Called by QGIS with a window."""
        self.initProcessing()

    def unload(self):
        """Takes back all that was registered."""
        registry = QgsApplication.processingRegistry()
        if self._provider:
            dialog.retire()
            registry.removeProvider(self._provider)
            self._provider = None
        if self._type:
            registry.removeParameterType(self._type)
            self._type = None
        if self._translation:
            self._translation.remove()
            self._translation = None
