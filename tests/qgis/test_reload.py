"""Loading, reloading and unloading, each in a QGIS of its own."""

import os
import subprocess
import sys

from conftest import ROOT

SCRIPT = """
import os, sys
from qgis import utils
from qgis.analysis import QgsNativeAlgorithms
from qgis.core import QgsApplication
application = QgsApplication([], True)
application.initQgis()
# What QGIS itself registers at its start; a step of a model is one of them.
QgsApplication.processingRegistry().addProvider(QgsNativeAlgorithms(QgsApplication.processingRegistry()))
problems = []
utils.showException = lambda kind, value, trace, text, *more, **options: problems.append((text, value))
utils.plugin_paths.append(sys.argv[1])
sys.path.insert(0, sys.argv[1])
utils.updateAvailablePlugins()
registry = QgsApplication.processingRegistry()

def ids():
    provider = registry.providerById("lizsync")
    return sorted(each.id() for each in provider.algorithms()) if provider else []

def files():
    return len(os.listdir("/proc/self/fd"))

def load():
    assert utils.loadPlugin("lizsync") and utils.startPlugin("lizsync"), problems

load()
first, counts = ids(), []
assert len(first) >= 7
for round in range(20):
    assert utils.reloadPlugin("lizsync") is not False, problems
    assert ids() == first
    for each in registry.providerById("lizsync").algorithms():
        assert each.create() and each.canExecute()[0], each.canExecute()
    assert utils.unloadPlugin("lizsync"), problems
    assert ids() == [] and not [name for name in sys.modules if name.split(".")[0] == "lizsync"]
    assert registry.parameterType("lizsync_password") is None
    load()
    counts.append(files())
assert ids() == first
assert not problems, problems
assert counts[-1] <= counts[1], counts
utils.unloadPlugin("lizsync")
application.exitQgis()
print("twenty times")
"""


def python(script, **changes):
    return subprocess.run(
        [sys.executable, "-c", script, str(ROOT / "python")],
        env={**os.environ, **changes},
        capture_output=True,
        text=True,
        check=False,
    )


def test_twenty_times():
    done = python(SCRIPT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "twenty times" in done.stdout


WITHOUT = """
import sys
from qgis import utils
from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingException, QgsProcessingFeedback
application = QgsApplication([], True)
application.initQgis()
utils.plugin_paths.append(sys.argv[1])
sys.path.insert(0, sys.argv[1])
utils.updateAvailablePlugins()
assert utils.loadPlugin("lizsync") and utils.startPlugin("lizsync")
provider = QgsApplication.processingRegistry().providerById("lizsync")
assert len(provider.algorithms()) >= 7
print("warning:", provider.warningMessage())
algorithm = QgsApplication.processingRegistry().createAlgorithmById("lizsync:synchronize_database")
print("can:", *algorithm.canExecute())
try:
    algorithm.run({"CONNECTION_NAME_CENTRAL": "a", "CONNECTION_NAME_CLONE": "b"}, QgsProcessingContext(),
                  QgsProcessingFeedback(), {}, False)
except QgsProcessingException as error:
    print("run:", error)
utils.unloadPlugin("lizsync")
application.exitQgis()
"""


def test_without_the_library(tmp_path):
    missing = tmp_path / "liblizsync.so"
    done = python(WITHOUT, LIZSYNC_LIBRARY=str(missing))
    assert done.returncode == 0, done.stderr
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    assert lines["can"].startswith("False ")
    for text in (lines["warning"], lines["can"], lines["run"]):
        assert str(missing) in text and "install the LizSync plugin for" in text
