"""From an entry of the registry to definitions of Processing, and from their values to the library's."""

import math
import os
import re

from qgis.core import (
    QgsExpression,
    QgsProcessingOutputFile,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterProviderConnection,
    QgsProcessingParameterString,
    QgsProperty,
)
from qgis.PyQt.QtCore import QCoreApplication, QVariant

from ..error import PARAMETER, LizsyncError
from ..inputs import convert
from . import password

OUTPUTS = {"number": QgsProcessingOutputNumber, "file": QgsProcessingOutputFile, "string": QgsProcessingOutputString}


def file_filter(entry):
    """The filter of a file dialog."""
    extension = entry.get("extension", "")
    everything = some_files("All") + " (*.*)"
    return f"{some_files(extension.upper())} (*.{extension});;{everything}" if extension else everything


def spoken_filter(text):
    """The filter of a file dialog that stands in a model, in the language of QGIS."""
    parts = re.findall(r"(\w+) [^(]*\(([^)]*)\)", text)
    return ";;".join(f"{some_files(kind)} ({patterns})" for kind, patterns in parts)


def some_files(kind):
    """Files of that kind, such as ZIP."""
    if kind == "All":
        return QCoreApplication.translate("LizSync", "All files")
    return QCoreApplication.translate("LizSync", "{extension} files").format(extension=kind)


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
    given = plain(name, parameters.get(name), context)
    if not legible(given, kind):
        # QGIS would take it for nothing, which means the default, or for true. The library says what is wrong.
        return given
    if kind in ("boolean", "number"):
        if isinstance(given, str):
            # For QVariant every text but “false” and “0” is true, also “no”.
            return convert(name, given, kind)
        if given is None:
            return entry["default"]
        if kind == "boolean":
            return bool(given)
        return int(given) if given == int(given) else given
    parameters = {name: given}
    if kind == "file_destination":
        text = algorithm.parameterAsFileOutput(parameters, name, context)
    elif kind in ("file", "folder"):
        text = algorithm.parameterAsFile(parameters, name, context)
    else:
        text = algorithm.parameterAsString(parameters, name, context)
    if kind == "password":
        text = password.reveal(text)
    return text if text or entry["required"] else None


def plain(name, given, context):
    """A value as Python has it: what an expression gives, the text of a path, None for the null of QGIS."""
    if isinstance(given, QgsProperty):
        text = given.asExpression()
        if not text:
            return None
        expression = QgsExpression(text)
        given = expression.evaluate(context.expressionContext())
        if expression.hasParserError() or expression.hasEvalError():
            message = QCoreApplication.translate("LizSync", "The expression for parameter {name} has no value.")
            raise LizsyncError.of(PARAMETER, message.format(name=name))
    if isinstance(given, QVariant) and given.isNull():
        return None
    return text_of_path(given)


def text_of_path(given):
    """The text of a path of Python, which QGIS does not know; any other value is itself."""
    return os.fspath(given) if isinstance(given, os.PathLike) else given


def legible(given, kind):
    """Whether a value of that type of Python is one for a parameter of this kind."""
    if given is None or isinstance(given, str):
        return True
    if isinstance(given, QgsProcessingOutputLayerDefinition):
        return kind == "file_destination"
    if kind == "boolean":
        return isinstance(given, (bool, int, float)) and given in (0, 1)
    return isinstance(given, (int, float)) and not isinstance(given, bool) and math.isfinite(given)
