"""The icon of the plugin."""

import pathlib

from qgis.PyQt.QtGui import QIcon

FILE = pathlib.Path(__file__).resolve().parents[1] / "icon.svg"


def icon():
    """The icon."""
    return QIcon(str(FILE))
