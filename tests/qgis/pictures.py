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
from qgis.core import QgsApplication, QgsProviderRegistry
from qgis.PyQt.QtCore import QCoreApplication, QEvent, QEventLoop, Qt, QTimer
from qgis.PyQt.QtGui import QImage
from qgis.PyQt.QtWidgets import QDockWidget, QTextEdit, QTreeView, QTreeWidget
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
    prepare()
    log(folder / "log.png")
    viewer(folder / "viewer.png")


CENTRAL = {"CONNECTION_NAME_CENTRAL": "central"}
BOTH = {**CENTRAL, "CONNECTION_NAME_CLONE": "tablet"}

TREES = """
    CREATE EXTENSION postgis;
    CREATE SCHEMA gis;
    CREATE TABLE gis.trees (id serial PRIMARY KEY, name text, geom geometry(Point, 2154));
    INSERT INTO gis.trees (name, geom)
        SELECT 'tree ' || i, ST_SetSRID(ST_MakePoint(500 * i % 7000, 6400000 + 300 * i), 2154)
        FROM generate_series(1, 20) i"""


def prepare():
    """A central database and a clone that have something to tell each other."""

    def execute(connection, sql):
        QgsProviderRegistry.instance().providerMetadata("postgres").createConnection(connection).executeSql(sql)

    archive = str(pathlib.Path.home() / "package.zip")
    binaries = {"POSTGRESQL_BINARY_PATH": os.environ["LIZSYNC_TEST_BIN"], "ZIP_FILE": archive}
    execute("central", TREES)
    processing.run("lizsync:create_database_structure", {"CONNECTION_NAME": "central"})
    processing.run("lizsync:initialize_central_database", {**CENTRAL, "SCHEMAS": "gis"})
    processing.run("lizsync:package_master_database", {**CENTRAL, **binaries, "SCHEMAS": "gis"})
    processing.run("lizsync:deploy_database_server_package", {**BOTH, **binaries})
    execute("central", "UPDATE gis.trees SET name = 'oak' WHERE id < 4")
    execute("tablet", "UPDATE gis.trees SET name = 'elm' WHERE id = 3 OR id > 18")
    execute("tablet", "INSERT INTO gis.trees (name, geom) VALUES ('ash', 'SRID=2154;POINT(2500 6402000)')")


def log(file):
    """A synchronisation with its log, and a report for the viewer."""

    report = {"REPORT": str(pathlib.Path.home() / "thursday.html")}
    dialog = processing.createAlgorithmDialog("lizsync:synchronize_database", {**BOTH, **report})
    dialog.show()
    dialog.resize(820, 660)
    dialog.runAlgorithm()
    # The outputs stand there in every language.
    wait_for(lambda: any("OUTPUT_STATUS" in view.toPlainText() for view in dialog.findChildren(QTextEdit)))
    settle()
    for view in dialog.findChildren(QTextEdit):
        view.verticalScrollBar().setValue(0)
    save(dialog, file)
    dialog.close()


def viewer(file):
    """The results viewer of QGIS, which shows itself when it has a report."""

    (dock,) = (each for each in iface.mainWindow().findChildren(QDockWidget) if type(each).__name__ == "ResultsDock")
    tree = dock.findChild(QTreeWidget)
    wait_for(tree.topLevelItemCount)
    assert dock.isVisible()
    tree.setCurrentItem(tree.topLevelItem(0))
    dock.setFloating(True)
    dock.resize(420, 300)
    save(dock, file)


def wait_for(condition):
    """Lets QGIS work until it is so."""

    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)


inside(os.environ["LIZSYNC_PICTURES"])
