"""The masked field of a password."""

from qgis.core import QgsProcessingParameterString
from qgis.gui import (
    QgsAbstractProcessingParameterWidgetWrapper,
    QgsPasswordLineEdit,
    QgsProcessingGui,
    QgsProcessingParameterWidgetFactoryInterface,
)

from . import password


class PasswordWrapper(QgsAbstractProcessingParameterWidgetWrapper):
    """A field that shows dots, and hands over a token."""

    def __init__(self, parameter, kind):
        super().__init__(parameter, kind)
        self._field = None

    def createWidget(self):
        self._field = QgsPasswordLineEdit()
        if self.type() == QgsProcessingGui.Modeler:
            # A value typed here would stand in the file of the model.
            self._field.setEnabled(False)
            self._field.setPlaceholderText("Not saved in a model: use a model input")
        else:
            self._field.setPlaceholderText("Never saved")
        self._field.textChanged.connect(lambda: self.widgetValueHasChanged.emit(self))
        return self._field

    def setWidgetValue(self, value, context):
        # A token of this session fills the field again; anything else is not shown.
        self._field.setText(password.reveal(value) if password.is_known(value) else "")

    def widgetValue(self):
        text = self._field.text()
        return password.hide(text) if text else None


class PasswordFactory(QgsProcessingParameterWidgetFactoryInterface):
    """Makes the field in dialogs, batches and models."""

    def __init__(self):
        super().__init__()
        # Python must not drop a wrapper that only C++ holds.
        self._wrappers = []

    def parameterType(self):
        return password.TYPE

    def createWidgetWrapper(self, parameter, kind):
        wrapper = PasswordWrapper(parameter, kind)
        wrapper.destroyed.connect(lambda: self._wrappers.remove(wrapper))
        self._wrappers.append(wrapper)
        return wrapper

    def compatibleParameterTypes(self):
        return [password.TYPE, QgsProcessingParameterString.typeName()]

    def compatibleOutputTypes(self):
        return []
