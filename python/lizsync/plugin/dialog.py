"""The dialog of an algorithm: that of Processing, with labels that are shown whole."""

from qgis.PyQt.QtWidgets import QLabel


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
    return made
