"""Pictures of the plugin in QGIS, for the documentation.

    python3 tests/servers.py run /usr/bin/python3 tests/qgis/screenshots.py FOLDER

Starts QGIS in an Xvfb, in a profile of its own. The second part runs inside that QGIS.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

SETTINGS = r"""
[PythonPlugins]
lizsync=true
processing=true

[PostgreSQL]
connections\central\host=127.0.0.1
connections\central\port={port}
connections\central\database={database}
connections\central\username=postgres
connections\central\password={password}
connections\central\saveUsername=true
connections\central\savePassword=true
connections\tablet\service=tablet

[locale]
overrideFlag=true
userLocale=en_US

[qgis]
checkVersion=false
showTips=false
newsFeed\disabled=true

[Processing]
Configuration\RESULTS_GROUP_NAME=
"""


def outside(folder):
    """Starts QGIS."""
    sys.path.insert(0, str(ROOT / "tests"))
    from databases import temporary, variable

    profiles = pathlib.Path(tempfile.mkdtemp(prefix="lizsync-pictures-"))
    settings = profiles / "profiles" / "default" / "QGIS" / "QGIS3.ini"
    settings.parent.mkdir(parents=True)
    try:
        with temporary("field_survey") as database:
            values = {"port": variable("LIZSYNC_TEST_PORT"), "password": variable("LIZSYNC_TEST_PASSWORD")}
            settings.write_text(SETTINGS.format(database=database.name, **values), encoding="utf-8")
            environment = {
                **os.environ,
                "QGIS_PLUGINPATH": str(ROOT / "python"),
                "LIZSYNC_PICTURES": str(folder),
                "HOME": str(profiles),
                "XDG_RUNTIME_DIR": str(profiles),
                "LC_ALL": "C.UTF-8",
            }
            environment.pop("QT_QPA_PLATFORM", None)
            program = ["xvfb-run", "-a", "-s", "-screen 0 1400x1000x24", "/usr/bin/qgis", "--nologo"]
            options = ["--noversioncheck", "--profiles-path", str(profiles), "--code", __file__]
            subprocess.run([*program, *options], env=environment, check=True, timeout=180)
    finally:
        shutil.rmtree(profiles, ignore_errors=True)


def inside(folder):
    """Takes the pictures, then ends QGIS."""
    import traceback

    from qgis.PyQt.QtCore import QTimer

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
    from qgis.PyQt.QtCore import QCoreApplication, QEvent

    for _ in range(20):
        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def save(widget, file):
    """A picture of a widget."""
    settle()
    # 0 is the strongest compression.
    assert widget.grab().toImage().save(str(file), "PNG", 0), file


def take(folder):
    """All pictures."""
    import processing
    from qgis.core import QgsApplication
    from qgis.PyQt.QtWidgets import QDockWidget, QTreeView
    from qgis.utils import iface

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
        dialog.resize(860, 520)
        dialog.show()
        save(dialog, folder / f"lizsync-{algorithm.name()}.png")
        dialog.close()
    log(folder / "log.png")


def log(file):
    """A run with its log."""
    import time

    import processing
    from qgis.PyQt.QtCore import QCoreApplication, QEventLoop
    from qgis.PyQt.QtWidgets import QTextEdit

    dialog = processing.createAlgorithmDialog("lizsync:create_database_structure", {"CONNECTION_NAME": "central"})
    dialog.resize(860, 520)
    dialog.show()
    dialog.runAlgorithm()
    limit = time.monotonic() + 30
    while not any("Results" in view.toPlainText() for view in dialog.findChildren(QTextEdit)):
        assert time.monotonic() < limit
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)
    save(dialog, file)


if os.environ.get("LIZSYNC_PICTURES"):
    inside(os.environ["LIZSYNC_PICTURES"])
elif __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    outside(pathlib.Path(sys.argv[1]).resolve())
