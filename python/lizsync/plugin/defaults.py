"""The values of the last run, which dialogs offer again."""

from qgis.core import QgsProcessing, QgsSettings

from ..error import LizsyncError
from ..inputs import convert
from . import connections, conninfo, former

SETTINGS = "lizsync/last/"

# The first algorithms call the central database just the connection.
SAME = {"CONNECTION_NAME": "CONNECTION_NAME_CENTRAL"}


def read(entry):
    """Parameter id to value, for those of an algorithm that were used before; LizSync.ini of the
    former plugin counts where they never were."""
    settings = QgsSettings()
    ini = former.read()
    found = {}
    for parameter in filter(kept, entry["parameters"]):
        name = SAME.get(parameter["id"], parameter["id"])
        value = settings.value(SETTINGS + name) if settings.contains(SETTINGS + name) else ini.get(name)
        if value not in (None, ""):
            found[parameter["id"]] = value
    return {parameter["id"]: usable for parameter, usable in usables(entry, found) if usable is not None}


def usables(entry, found):
    """The values in the types of their parameters; None for what has gone or means nothing."""
    for parameter in entry["parameters"]:
        value = found.get(parameter["id"])
        if value is None:
            continue
        try:
            # The file of QSettings holds texts only.
            value = convert(parameter["id"], str(value), parameter["type"])
        except LizsyncError:
            value = None
        if parameter["type"] == "connection" and connections.find(value) is None:
            value = None
        yield parameter, value


def kept(parameter):
    """Whether a value is kept at all. No password; no file that is written on demand only; and a box that
    starts without a tick asks for something out of the ordinary (drop, upgrade, prune), which nobody wants
    to do again by accident."""
    if parameter["type"] == "boolean":
        return parameter["default"] is True
    # A report that somebody keeps must not be replaced by the next one.
    if parameter["type"] == "file_destination" and not parameter["required"]:
        return False
    return parameter["type"] != "password"


def worth_keeping(entry, given, values):
    """From the values of a run, those that a person chose: `values` is what Processing had."""
    chosen = {}
    for parameter in filter(kept, entry["parameters"]):
        name = parameter["id"]
        value = given.get(name, "")
        if name not in values or values[name] == QgsProcessing.TEMPORARY_OUTPUT:
            continue
        # A connection string may hold a password, wherever it stands.
        known = parameter["type"] == "connection" and connections.find(value)
        if known or not (isinstance(value, str) and conninfo.is_string(value)):
            chosen[name] = value
    return chosen


def remember(values):
    """Keeps the values of a run."""
    settings = QgsSettings()
    for name, value in values.items():
        settings.setValue(SETTINGS + SAME.get(name, name), value)
