"""Feedback, cancel and failure."""

import threading
import time

import pytest
from conftest import Recorder, blocking

BLOCKED = "CREATE SCHEMA audit"


def test_a_failure_raises_the_sentence(pair):
    import processing
    from qgis.core import QgsProcessingException

    recorder = Recorder()
    with pytest.raises(QgsProcessingException, match="are not installed"):
        processing.run("lizsync:initialize_central_database", pair.CENTRAL, feedback=recorder)


def test_what_is_missing_is_named_before_and_in_the_run(qgis):
    from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingException

    algorithm = QgsApplication.processingRegistry().createAlgorithmById("lizsync:create_database_structure")
    context = QgsProcessingContext()
    assert not algorithm.checkParameterValues({}, context)[0]
    values = {"CONNECTION_NAME": "x", "OVERRIDE_AUDIT": "perhaps"}
    fine, message = algorithm.checkParameterValues(values, context)
    assert not fine and "OVERRIDE_AUDIT" in message
    # As a model does it: without a check.
    for wrong in ({}, values):
        with pytest.raises(QgsProcessingException):
            algorithm.run(wrong, context, Recorder(), {}, False)


def test_a_cancel_interrupts_a_query(pair):
    import processing
    from qgis.core import QgsProcessingException

    asked = []

    def canceled():
        if not asked and pair.central.waits():
            asked.append(time.monotonic())
        return bool(asked)

    with blocking(pair.central, BLOCKED):
        with pytest.raises(QgsProcessingException, match="Canceled"):
            processing.run("lizsync:create_database_structure", pair.INSTALLED, feedback=Recorder(canceled))
        assert time.monotonic() - asked[0] < 2
        assert not pair.central.waits()
    assert processing.run("lizsync:create_database_structure", pair.INSTALLED)["OUTPUT_STATUS"] == 1


def test_a_canceled_synchronisation_leaves_all_as_it_was(pair, tmp_path):
    import processing
    from qgis.core import QgsProcessingException

    *steps, (last, parameters) = pair.steps(tmp_path / "package.zip")
    for algorithm, values in steps:
        processing.run(f"lizsync:{algorithm}", values)
    pair.edit()
    asked = []

    def canceled():
        if not asked and pair.clone.waits():
            asked.append(time.monotonic())
        return bool(asked)

    with blocking(pair.clone, "LOCK TABLE gis.trees IN SHARE MODE"):
        with pytest.raises(QgsProcessingException, match="Canceled"):
            processing.run(f"lizsync:{last}", parameters, feedback=Recorder(canceled))
        assert time.monotonic() - asked[0] < 2
    assert pair.central.query("SELECT count(*) FROM lizsync.conflicts") == "0"
    assert pair.clone.query("SELECT count(*) FROM gis.trees WHERE name = 'oak'") == "0"
    assert processing.run(f"lizsync:{last}", parameters)["CONFLICTS"] == 1
    assert pair.equal()


@pytest.mark.parametrize("step", [1, 3, 4])
def test_a_cancel_stops_every_algorithm(pair, tmp_path, step):
    """Also while pg_dump waits, a program of its own. What follows shows that nothing was left behind."""
    import processing
    from qgis.core import QgsProcessingException

    steps = pair.steps(tmp_path / "package.zip")
    for algorithm, values in steps[:step]:
        processing.run(f"lizsync:{algorithm}", values)
    algorithm, values = steps[step]
    database, lock = {
        1: (pair.central, "LOCK TABLE gis.trees"),
        3: (pair.central, "LOCK TABLE gis.trees"),
        4: (pair.clone, "CREATE SCHEMA lizsync"),
    }[step]
    asked = []

    def canceled():
        if not asked and database.waits():
            asked.append(time.monotonic())
        return bool(asked)

    with blocking(database, lock):
        with pytest.raises(QgsProcessingException, match="Canceled"):
            processing.run(f"lizsync:{algorithm}", values, feedback=Recorder(canceled))
        assert time.monotonic() - asked[0] < 2
        assert not database.waits()
    for algorithm, values in steps[step:]:
        if algorithm == "synchronize_database":
            pair.edit()
        processing.run(f"lizsync:{algorithm}", values)
    assert pair.equal()


def test_the_dialog_runs_it_in_another_thread(qgis, pair):
    """A QgsProcessingAlgRunnerTask, as the dialog starts it: this thread goes on, and cancels."""
    from qgis.core import QgsApplication, QgsProcessingAlgRunnerTask, QgsProcessingContext
    from qgis.PyQt.QtCore import QCoreApplication

    algorithm = QgsApplication.processingRegistry().createAlgorithmById("lizsync:create_database_structure")
    threads = set()

    def canceled():
        threads.add(threading.get_ident())
        return False

    feedback, context, outcome = Recorder(canceled), QgsProcessingContext(), []
    with blocking(pair.central, BLOCKED):
        task = QgsProcessingAlgRunnerTask(algorithm, pair.INSTALLED, context, feedback)
        task.executed.connect(lambda ok, results: outcome.append(ok))
        QgsApplication.taskManager().addTask(task)
        pair.central.wait_until_blocked()
        begun = time.monotonic()
        task.cancel()
        while not outcome and time.monotonic() - begun < 5:
            QCoreApplication.processEvents()
        assert time.monotonic() - begun < 2
        assert outcome == [False]
        assert not pair.central.waits()
    assert threads and threading.get_ident() not in threads
    assert any("Canceled" in text for _, text in feedback.lines)


def test_levels_of_messages(qgis):
    from lizsync.plugin.feedback import Feedback

    recorder = Recorder()
    feedback = Feedback(recorder)
    for level in ("debug", "info", "warning", "error"):
        feedback.message(level, f"a {level}\x1b[2J")
    assert recorder.lines == [(level, f"a {level}\ufffd[2J") for level in ("debug", "info", "warning", "error")]
    feedback.progress(42.5)
    assert recorder.progress() == 42.5


def test_a_batch_hears_its_button(qgis, pair, monkeypatch):
    """It runs in the main thread, whose loop nobody else runs meanwhile."""
    from lizsync.plugin import feedback
    from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog
    from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingException
    from qgis.PyQt.QtCore import QTimer

    # As with a window.
    monkeypatch.setattr(feedback, "iface", object())
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("lizsync:create_database_structure")
    dialog = BatchAlgorithmDialog(algorithm.create())
    dialog.show()
    assert not feedback.batch_is_running()
    # What Processing does at the beginning of a batch.
    dialog.cancelButton().setEnabled(True)
    assert feedback.batch_is_running()
    recorder, blocked = Recorder(), threading.Event()
    dialog.cancelButton().clicked.connect(recorder.cancel)
    timer = QTimer()
    timer.timeout.connect(lambda: blocked.is_set() and dialog.cancelButton().click())
    timer.start(20)

    def watch():
        pair.central.wait_until_blocked()
        blocked.set()

    watcher = threading.Thread(target=watch)
    with blocking(pair.central, BLOCKED):
        watcher.start()
        with pytest.raises(QgsProcessingException, match="Canceled"):
            algorithm.run(pair.INSTALLED, QgsProcessingContext(), recorder, {}, False)
        timer.stop()
        watcher.join()
        assert not pair.central.waits()
    dialog.cancelButton().setEnabled(False)
    dialog.close()
    dialog.deleteLater()
