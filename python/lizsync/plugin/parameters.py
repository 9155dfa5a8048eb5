"""From an entry of the registry to definitions of Processing, and from their values to the library's."""

from qgis.core import (
    QgsProcessingOutputFile,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterProviderConnection,
    QgsProcessingParameterString,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..inputs import convert
from . import password

OUTPUTS = {"number": QgsProcessingOutputNumber, "file": QgsProcessingOutputFile, "string": QgsProcessingOutputString}


def file_filter(entry):
    """The filter of a file dialog."""
    extension = entry.get("extension", "")
    everything = QCoreApplication.translate("LizSync", "All files") + " (*.*)"
    if not extension:
        return everything
    some = QCoreApplication.translate("LizSync", "{extension} files").format(extension=extension.upper())
    return f"{some} (*.{extension});;{everything}"


def definition(entry):
    """The definition of a parameter. A type that this version does not know is a text."""
    name, label, default = entry["id"], entry["label"], entry["default"]
    # With a default it may be left out, so Processing may leave it empty too.
    optional = not entry["required"]
    kind = entry["type"]
    if kind == "connection":
        made = QgsProcessingParameterProviderConnection(name, label, "postgres", default, optional)
    elif kind == "boolean":
        made = QgsProcessingParameterBoolean(name, label, bool(default), optional)
    elif kind == "number":
        made = QgsProcessingParameterNumber(name, label, number_type(default), default, optional)
    elif kind == "password":
        made = password.PasswordParameter(name, label, optional)
    elif kind == "file":
        made = QgsProcessingParameterFile(name, label, defaultValue=default, optional=optional)
        made.setFileFilter(file_filter(entry))
    elif kind == "folder":
        made = QgsProcessingParameterFile(
            name, label, QgsProcessingParameterFile.Folder, defaultValue=default, optional=optional
        )
    elif kind == "file_destination":
        # One with a filter for HTML becomes an output that QGIS opens in its viewer of results.
        made = QgsProcessingParameterFileDestination(name, label, file_filter(entry), default, optional, not optional)
    else:
        made = QgsProcessingParameterString(name, label, default, False, optional)
    if entry["advanced"]:
        made.setFlags(made.flags() | QgsProcessingParameterDefinition.FlagAdvanced)
    return made


def number_type(default):
    """Whole numbers where the default is one: ports, not fractions of them."""
    whole = default is None or default == int(default)
    return QgsProcessingParameterNumber.Integer if whole else QgsProcessingParameterNumber.Double


def output(entry):
    """The definition of an output."""
    return OUTPUTS.get(entry["type"], QgsProcessingOutputString)(entry["id"], entry["label"])


def value(entry, algorithm, parameters, context):
    """The value of one parameter as the library takes it; None where it is left out. LizsyncError
    where it cannot be understood."""
    name, kind = entry["id"], entry["type"]
    given = parameters.get(name)
    if kind == "boolean":
        if isinstance(given, str):
            # For QVariant every text but “false” and “0” is true, also “no”.
            return convert(name, given, kind)
        if given is None and entry["default"] is None:
            return None
        return algorithm.parameterAsBoolean(parameters, name, context)
    if kind == "number":
        if given is None and entry["default"] is None:
            return None
        if isinstance(given, str):
            return convert(name, given, kind)
        number = algorithm.parameterAsDouble(parameters, name, context)
        return int(number) if number == int(number) else number
    if kind == "file_destination":
        text = algorithm.parameterAsFileOutput(parameters, name, context)
    elif kind in ("file", "folder"):
        text = algorithm.parameterAsFile(parameters, name, context)
    else:
        text = algorithm.parameterAsString(parameters, name, context)
    if kind == "password":
        text = password.reveal(text)
    return text if text or entry["required"] else None
