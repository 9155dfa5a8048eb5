"""The dialog of an algorithm: that of Processing, with labels that are shown whole."""

import weakref

from qgis.PyQt import sip
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QLabel

_made = weakref.WeakSet()


def make(algorithm, parent):
    """The dialog, which takes the algorithm over; None leaves it to Processing."""
    try:
        from processing.gui.AlgorithmDialog import AlgorithmDialog
    except ImportError:
        return None
    made = AlgorithmDialog(algorithm, parent=parent)
    for label in made.mainWidget().findChildren(QLabel):
        # A sentence would push the fields out of sight.
        label.setWordWrap(True)
    _made.add(made)
    return made


def retire():
    """Closes the dialogs: the provider goes, and QGIS may crash where an algorithm is run without it. A dialog that is
    running stays for its log, and cannot be run again."""
    for each in list(_made):
        if sip.isdeleted(each):
            continue
        if each.runButton().isEnabled():
            each.close()
        else:
            button = each.runButton()
            # Processing enables it when all is done.
            each.algorithmFinished.connect(lambda *_, button=button: QTimer.singleShot(0, lambda: disable(button)))


def disable(button):
    """Disables a button, if it is still there."""
    if not sip.isdeleted(button):
        button.setEnabled(False)
