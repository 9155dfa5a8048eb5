"""A parameter for a password, whose value Processing writes nowhere.

Processing writes the values of parameters into its history, the log of the dialog, copied commands,
saved batches and models. So this parameter shows it nothing, and its field hands over a token in the
place of the password, which only `reveal` of the same session can read.
"""

import secrets

from qgis.core import QgsProcessingParameterString, QgsProcessingParameterType
from qgis.PyQt.QtCore import QCoreApplication

from ..error import PARAMETER, LizsyncError

TYPE = "lizsync_password"
PREFIX = "lizsync-password-"

_hidden = {}


def hide(text):
    """A token for a password typed in this session."""
    for token, hidden in _hidden.items():
        if hidden == text:
            return token
    token = PREFIX + secrets.token_hex(8)
    _hidden[token] = text
    return token


def reveal(value):
    """The password that a token stands for; any other value is the password itself."""
    if value.startswith(PREFIX):
        if value not in _hidden:
            raise LizsyncError.of(PARAMETER, *lost())
        return _hidden[value]
    return value


def lost():
    """What is wrong with a token of another session, and what to do."""
    return (
        QCoreApplication.translate("LizSync", "A password of an earlier session is not kept."),
        QCoreApplication.translate("LizSync", "Type it again."),
    )


def is_known(value):
    """Whether `value` is a token of this session."""
    return isinstance(value, str) and value in _hidden


class PasswordParameter(QgsProcessingParameterString):
    """A text that Processing passes on and does not write down."""

    def __init__(self, name, description="", optional=False):
        super().__init__(name, description, None, False, optional)
        self.setMetadata({"widget_wrapper": {"class": f"{__package__}.password_widget.PasswordWrapper"}})

    @staticmethod
    def typeName():
        return TYPE

    def type(self):
        return TYPE

    def clone(self):
        copy = PasswordParameter(self.name(), self.description())
        copy.setFlags(self.flags())
        copy.setMetadata(self.metadata())
        return copy

    def valueAsPythonString(self, value, context):
        return "''"

    def valueAsPythonComment(self, value, context):
        return ""

    def valueAsString(self, value, context):
        return "", True

    def valueAsStringList(self, value, context):
        return [], True

    def valueAsJsonObject(self, value, context):
        return None

    def toVariantMap(self):
        # What a model file holds. A default of a password would stand there.
        return {**super().toVariantMap(), "parameter_type": TYPE, "default": None}

    def asScriptCode(self):
        return "##{}={}password".format(self.name(), "optional " if self.flags() & self.FlagOptional else "")

    def asPythonString(self, outputType=None):
        # As a text, a model that is exported as a script would write the password into history and log.
        optional = bool(self.flags() & self.FlagOptional)
        return f"PasswordParameter({self.name()!r}, {self.description()!r}, optional={optional})"


class PasswordType(QgsProcessingParameterType):
    """The type, which makes the parameter an input of models."""

    def create(self, name):
        return PasswordParameter(name)

    def id(self):
        return TYPE

    def name(self):
        return QCoreApplication.translate("LizSync", "Password")

    def description(self):
        return QCoreApplication.translate("LizSync", "A password, which is neither shown nor saved.")

    def pythonImportString(self):
        return "from lizsync.plugin.password import PasswordParameter"

    def className(self):
        return "PasswordParameter"

    def acceptedPythonTypes(self):
        return ["str"]

    def acceptedStringValues(self):
        return [QCoreApplication.translate("LizSync", "The password")]
