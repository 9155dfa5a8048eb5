"""Synchronises clones from the Python console of QGIS, or from a script of Processing.

The names are those of PostgreSQL connections in QGIS. A failure raises QgsProcessingException, whose
text says what to do about it.
"""

import processing
from qgis.core import QgsProcessingException, QgsProcessingFeedback

CENTRAL = "central"
CLONES = ["tablet", "laptop"]


class Feedback(QgsProcessingFeedback):
    """Shows what is said, beside what QgsProcessingFeedback does."""

    def pushInfo(self, text):
        super().pushInfo(text)
        print("  ", text)

    def reportError(self, text, fatalError=False):
        super().reportError(text, fatalError)
        print("  ", "Error:" if fatalError else "Warning:", text)


def synchronize(central, clones):
    """Synchronises each clone with the central database; returns the outputs by clone."""
    outputs = {}
    for clone in clones:
        print(clone)
        parameters = {"CONNECTION_NAME_CENTRAL": central, "CONNECTION_NAME_CLONE": clone}
        try:
            outputs[clone] = processing.run("lizsync:synchronize_database", parameters, feedback=Feedback())
        except QgsProcessingException as error:
            # One tablet without a network must not keep the others waiting.
            print("  ", error)
    return outputs


if __name__ in ("__main__", "__console__"):
    for name, found in synchronize(CENTRAL, CLONES).items():
        print(f"{name}: {found['CONFLICTS']} conflicts, {found['SET_ASIDE']} changes set aside")
