"""The language of QGIS: its translator for the texts of the plugin, its catalogue for all others.

What the library and the registry say comes from the catalogue in `locale/`, as on the command line; what only the
plugin says is translated by Qt, from `i18n/`.
"""

import pathlib

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QTranslator

from .. import language

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "i18n"
CONTEXT = "LizSync"


class Translation:
    """Is in force from its making until `remove`."""

    def __init__(self):
        # By the options of QGIS, or else by the system.
        locale = QgsApplication.locale()
        language.use(locale)
        self._translator = QTranslator()
        if self._translator.load(f"lizsync_{language.base(locale)}", str(FOLDER)):
            QCoreApplication.installTranslator(self._translator)

    def remove(self):
        """Gives back what was installed."""
        QCoreApplication.removeTranslator(self._translator)
        language.use("")


def spoken(text):
    """A text of a model that comes with the plugin: one of the plugin, or a label of the registry."""
    if not text:
        # For gettext an empty text is the head of the catalogue.
        return text
    translated = QCoreApplication.translate(CONTEXT, text)
    return translated if translated != text else language._(text)
