"""Takes pictures of the plugin inside the QGIS that `screenshots.py` starts, then ends it.

QGIS runs this text without a file name.
"""

import os
import pathlib
import sys
import time
import traceback
from collections import Counter

import processing
from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QEvent, QEventLoop, Qt, QTimer
from qgis.PyQt.QtGui import QImage
from qgis.PyQt.QtWidgets import QDockWidget, QTextEdit, QTreeView
from qgis.utils import iface


def inside(folder):
    """Takes the pictures, then ends QGIS."""

    def work():
        status = 1
        try:
            take(pathlib.Path(folder))
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)

    # When everything is loaded and shown.
    QTimer.singleShot(0, work)


def settle():
    """Lets everything be laid out and painted."""

    for _ in range(20):
        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def save(widget, file):
    """A picture of a widget, in 256 colours: of those that look alike, the most frequent one."""
    settle()
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = image.constBits().asstring(image.sizeInBytes())
    alike = {}
    for colour, count in Counter(memoryview(pixels).cast("I")).most_common():
        # Four of the eight bits of red, green and blue.
        shade = colour & 0xF0F0F0
        alike.setdefault(shade, [colour, 0])[1] += count
    palette = [colour for colour, _ in sorted(alike.values(), key=lambda found: -found[1])[:256]]
    image = image.convertToFormat(QImage.Format.Format_Indexed8, palette, Qt.ImageConversionFlag.ThresholdDither)
    # 0 is the strongest compression.
    assert image.save(str(file), "PNG", 0), file


def take(folder):
    """All pictures."""

    window = iface.mainWindow()
    window.resize(1300, 900)
    toolbox = window.findChild(QDockWidget, "ProcessingToolbox")
    toolbox.show()
    toolbox.raise_()
    settle()
    tree = toolbox.findChild(QTreeView)
    model = tree.model()
    for row in range(model.rowCount()):
        index = model.index(row, 0)
        if index.data() == "LizSync":
            tree.expandRecursively(index)
            tree.scrollTo(index, QTreeView.ScrollHint.PositionAtTop)
    toolbox.setFloating(True)
    toolbox.resize(420, 720)
    settle()
    tree.scrollTo(index, QTreeView.ScrollHint.PositionAtTop)
    save(toolbox, folder / "toolbox.png")

    provider = QgsApplication.processingRegistry().providerById("lizsync")
    for algorithm in provider.algorithms():
        names = ("CONNECTION_NAME", "CONNECTION_NAME_CENTRAL", "CONNECTION_NAME_CLONE")
        chosen = {name: "tablet" if "CLONE" in name else "central" for name in names}
        dialog = processing.createAlgorithmDialog(algorithm.id(), chosen)
        dialog.resize(820, 470)
        dialog.show()
        save(dialog, folder / f"lizsync-{algorithm.name()}.png")
        dialog.close()
    log(folder / "log.png")


def log(file):
    """A run with its log."""

    dialog = processing.createAlgorithmDialog("lizsync:create_database_structure", {"CONNECTION_NAME": "central"})
    dialog.resize(820, 470)
    dialog.show()
    dialog.runAlgorithm()
    limit = time.monotonic() + 30
    # The outputs stand there in every language.
    while not any("OUTPUT_STATUS" in view.toPlainText() for view in dialog.findChildren(QTextEdit)):
        assert time.monotonic() < limit
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)
    save(dialog, file)


inside(os.environ["LIZSYNC_PICTURES"])
