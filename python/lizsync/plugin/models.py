"""The models that come with the plugin."""

import pathlib

from qgis.core import QgsProcessingModelAlgorithm

from . import icon

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "models"


class Model(QgsProcessingModelAlgorithm):
    """A model of ours; its id is the name of its file."""

    def __init__(self, file):
        super().__init__()
        self._file = file
        self.fromFile(str(file))

    def createInstance(self):
        return type(self)(self._file)

    def name(self):
        return self._file.stem

    def icon(self):
        return icon.icon()


def read():
    """All of them."""
    return [Model(file) for file in sorted(FOLDER.glob("*.model3"))]
