"""The masked field of a password. Processing finds it by the metadata of the parameter."""

from processing.gui.wrappers import DIALOG_MODELER, WidgetWrapper
from qgis.core import QgsProcessingOutputString, QgsProcessingParameterString
from qgis.gui import QgsPasswordLineEdit
from qgis.PyQt.QtCore import QCoreApplication
from qgis.PyQt.QtWidgets import QComboBox

from . import password


class PasswordWrapper(WidgetWrapper):
    """A field that shows dots and hands over a token; in the modeler, a choice of model inputs: a
    password typed there would stand in the file of the model."""

    def createLabel(self):
        label = super().createLabel()
        if label is not None:
            # Processing says this word in the language of QGIS for its own fields only.
            optional = QCoreApplication.translate("LizSync", "[optional]")
            label.setText(label.text().replace("[optional]", optional))
        return label

    def createWidget(self):
        if self.dialogType == DIALOG_MODELER:
            choice = QComboBox()
            choice.addItem(QCoreApplication.translate("LizSync", "Not given"), None)
            kinds = [password.PasswordParameter, QgsProcessingParameterString]
            for source in self.dialog.getAvailableValuesOfType(kinds, [QgsProcessingOutputString]):
                choice.addItem(self.dialog.resolveValueDescription(source), source)
            return choice
        field = QgsPasswordLineEdit()
        field.setPlaceholderText(QCoreApplication.translate("LizSync", "Never saved"))
        field.textChanged.connect(lambda _: self.widgetValueHasChanged.emit(self))
        return field

    def setValue(self, value):
        if self.dialogType == DIALOG_MODELER:
            self.setComboValue(value)
        else:
            # A token of this session fills the field again; nothing else is shown.
            self.widget.setText(password.reveal(value) if password.is_known(value) else "")

    def value(self):
        if self.dialogType == DIALOG_MODELER:
            return self.widget.currentData()
        text = self.widget.text()
        return password.hide(text) if text else None
