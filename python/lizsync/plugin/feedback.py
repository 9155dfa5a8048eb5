"""The feedback of the library, handed to the one of Processing."""

import threading

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication
from qgis.PyQt.QtWidgets import QApplication
from qgis.utils import iface

from ..terminal import CONTROL


class Feedback:
    """Progress, messages and cancel. `feedback` is a QgsProcessingFeedback."""

    def __init__(self, feedback):
        # qgis_process watches signals without Python's knowledge. A script in a Python of its own does not.
        self.handles_signals = QgsApplication.platform() != "external"
        self._feedback = feedback
        # qgis_process learns of Ctrl-C from its event loop only, which nobody else runs meanwhile.
        # With a window the loop must not run here: the user could start the next thing in it. Unless it is a batch,
        # which older QGIS run in the main thread: its button to cancel needs the loop.
        in_main_thread = threading.current_thread() is threading.main_thread()
        self._pumps = in_main_thread and (iface is None or batch_is_running())

    def progress(self, percent):
        self._feedback.setProgress(percent)

    def message(self, level, text):
        text = text.translate(CONTROL)
        if level == "debug":
            self._feedback.pushDebugInfo(text)
        elif level == "info":
            self._feedback.pushInfo(text)
        elif level == "warning" and hasattr(self._feedback, "pushWarning"):
            self._feedback.pushWarning(text)
        else:
            self._feedback.reportError(text, False)

    def is_canceled(self):
        if self._pumps:
            QCoreApplication.processEvents()
        return self._feedback.isCanceled()


def batch_is_running():
    """Whether the dialog of a batch is at work."""
    try:
        from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog
    except ImportError:
        return False
    batches = [each for each in QApplication.topLevelWidgets() if isinstance(each, BatchAlgorithmDialog)]
    return any(each.isVisible() and each.cancelButton().isEnabled() for each in batches)
