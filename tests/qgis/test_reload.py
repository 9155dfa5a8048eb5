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
feedback = QgsProcessingFeedback()
try:
    algorithm.run({"CONNECTION_NAME_CENTRAL": "a", "CONNECTION_NAME_CLONE": "b"}, QgsProcessingContext(),
                  feedback, {}, False)
except QgsProcessingException as error:
    print("run:", error)
print(feedback.textLog())
utils.unloadPlugin("lizsync")
application.exitQgis()
"""


def test_a_library_that_is_cut_off(tmp_path):
    """Loading it would end QGIS."""
    from lizsync import native

    whole = native.path().read_bytes()
    broken = tmp_path / "liblizsync.so"
    broken.write_bytes(whole[: len(whole) // 3])
    done = python(WITHOUT, LIZSYNC_LIBRARY=str(broken))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(f"{broken} cannot be loaded: the file is not complete") == 2


ANOTHER = """
const char *lizsync_version(void) { return "0.9.1"; }
unsigned lizsync_abi_version(void) { return 1; }
void lizsync_string_free(char *text) { (void)text; }
char *lizsync_algorithms(void) { return 0; }
int lizsync_check(void) { return 11; }
int lizsync_run(void) { return 11; }
"""


def test_a_library_of_another_version(tmp_path):
    source, other = tmp_path / "other.c", tmp_path / "other.so"
    source.write_text(ANOTHER)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(other), str(source)], check=True)
    done = python(WITHOUT, LIZSYNC_LIBRARY=str(other))
    assert done.returncode == 0, done.stderr
    assert f"{other} is of version 0.9.1, the plugin of version 1.0.0" in done.stdout, done.stdout


def test_without_the_library(tmp_path):
    missing = tmp_path / "liblizsync.so"
    done = python(WITHOUT, LIZSYNC_LIBRARY=str(missing))
    assert done.returncode == 0, done.stderr
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    assert lines["can"].startswith("False ")
    for text in (lines["warning"], lines["can"], lines["run"]):
        assert str(missing) in text and "install the LizSync plugin for" in text


DIALOGS = """
import sys
from qgis import utils
from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QEvent
application = QgsApplication([], True)
application.initQgis()
sys.path[:0] = [sys.argv[1], "/usr/share/qgis/python/plugins"]
from processing.core.Processing import Processing
Processing.initialize()
utils.plugin_paths.append(sys.argv[1])
utils.updateAvailablePlugins()
assert utils.loadPlugin("lizsync") and utils.startPlugin("lizsync")
def dialog(name):
    # As the toolbox does it.
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("lizsync:" + name)
    made = algorithm.createCustomParametersWidget(None)
    made.show()
    return made
ours = [dialog("create_database_structure"), dialog("prepare_and_package")]
running = dialog("create_database_structure")
running.runButton().setEnabled(False)
assert utils.unloadPlugin("lizsync")
assert not any(each.isVisible() for each in ours)
assert running.isVisible()
# As Processing does it at the end of a run.
running.algorithmFinished.emit(True, {})
running.runButton().setEnabled(True)
for _ in range(20):
    QCoreApplication.processEvents()
assert not running.runButton().isEnabled()
print("retired")
import os
sys.stdout.flush()
os._exit(0)
"""


def test_no_dialog_outlives_its_provider():
    done = python(DIALOGS)
    assert "retired" in done.stdout, done.stdout + done.stderr
