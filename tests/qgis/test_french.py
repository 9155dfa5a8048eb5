"""The plugin in a French QGIS, each in a QGIS of its own."""

import os
import subprocess
import sys

import process
from conftest import ROOT, temporary

HEAD = """
import os, sys
from qgis import utils
from qgis.core import (QgsApplication, QgsProcessingContext, QgsProcessingException, QgsProcessingFeedback, QgsSettings)
from qgis.PyQt.QtCore import QCoreApplication, QTranslator
QCoreApplication.setOrganizationName("QGIS")
QCoreApplication.setApplicationName("QGIS3")
application = QgsApplication([], True)
application.initQgis()
sys.path.insert(0, "/usr/share/qgis/python/plugins")
from processing.core.Processing import Processing
Processing.initialize()
utils.plugin_paths.append(sys.argv[1])
sys.path.insert(0, sys.argv[1])
utils.updateAvailablePlugins()
registry = QgsApplication.processingRegistry()

def load():
    assert utils.loadPlugin("lizsync") and utils.startPlugin("lizsync")
    return {each.name(): each.create() for each in registry.providerById("lizsync").algorithms()}

class Feedback(QgsProcessingFeedback):
    def __init__(self):
        super().__init__(False)
        self.lines = []
    def pushInfo(self, text):
        self.lines.append(text)
    def pushWarning(self, text):
        self.lines.append(text)
    def reportError(self, text, fatalError=False):
        self.lines.append(text)

def run(algorithm, values):
    feedback = Feedback()
    outputs, fine = algorithm.run(values, QgsProcessingContext(), feedback, {}, False)
    return outputs, feedback.lines

def language(code):
    settings = QgsSettings()
    settings.setValue("locale/overrideFlag", code is not None)
    settings.setValue("locale/userLocale", code or "")
    settings.sync()
"""

FRENCH = """
language("fr")
algorithms = load()
provider = registry.providerById("lizsync")
assert provider.longName() == "LizSync\u00a0: édition hors ligne de bases PostGIS", provider.longName()

# Labels, groups, help, outputs; the ids stay.
synchronize = algorithms["synchronize_database"]
assert synchronize.displayName() == "Synchroniser les bases dans les deux sens"
assert synchronize.group() == "02 Synchronisation PostgreSQL" and synchronize.groupId() == "lizsync_postgresql_sync"
assert synchronize.shortHelpString().startswith("<p>Ce traitement synchronise"), synchronize.shortHelpString()
assert synchronize.helpUrl().endswith("/help/fr/synchronize_database.html")
assert os.path.isfile(synchronize.helpUrl()[len("file://"):])
described = synchronize.parameterDefinition("CONNECTION_NAME_CLONE").description()
assert described == "Connexion PostgreSQL à la base du clone"
assert synchronize.outputDefinition("CONFLICTS").description() == "Conflits enregistrés"
assert {"hors ligne", "offline"} <= set(synchronize.tags())
names = {each.displayName() for each in algorithms.values()}
assert {"Préparer et mettre en paquet", "Déployer, synchroniser, envoyer les médias"} <= names, names
model = algorithms["prepare_and_package"]
described = {each.name(): each.description() for each in model.parameterDefinitions()}
assert described["SCHEMAS"].startswith("Schémas à préparer")
assert described["CONNECTION_NAME_CENTRAL"].startswith("Connexion")
assert model.shortHelpString().find("Prépare les schémas") >= 0, model.shortHelpString()
archive = algorithms["deploy_database_server_package"].parameterDefinition("ZIP_FILE")
assert "Fichiers ZIP (*.zip)" in archive.fileFilter() and "Tous les fichiers" in archive.fileFilter()

# Every label is another one than in English.
from lizsync import registry as texts
for entry in texts.read():
    made = algorithms[entry["id"]]
    assert made.displayName() != entry["label"], entry["id"]
    for parameter in entry["parameters"]:
        assert made.parameterDefinition(parameter["id"]).description() != parameter["label"], parameter

# What a pointer over a field of a model shows, and the filters of its files.
for model in (algorithms["prepare_and_package"], algorithms["deploy_synchronise_send_media"]):
    for each in model.parameterDefinitions():
        filters = each.fileFilter() if hasattr(each, "fileFilter") else ""
        assert " files" not in filters and "All" not in filters, (each.name(), filters)
        english = ("LizSync must be", "What is sent", "The package that", "Never", "Project-Id-Version")
        assert not each.help().startswith(english), (each.name(), each.help())
archive = algorithms["deploy_synchronise_send_media"].parameterDefinition("ZIP_FILE")
assert archive.help() == "Le paquet fait à partir de la base centrale", archive.help()
assert archive.fileFilter() == "Fichiers ZIP (*.zip);;Tous les fichiers (*.*)", archive.fileFilter()
assert model.parameterDefinition("FTP_CA_FILE").fileFilter().startswith("Fichiers PEM (*.pem *.crt);;")

# The dialog.
dialog = synchronize.create().createCustomParametersWidget(None)
from qgis.PyQt.QtWidgets import QLabel
assert any("Connexion PostgreSQL" in each.text() for each in dialog.mainWidget().findChildren(QLabel))
dialog.deleteLater()

# Messages, and failures.
outputs, lines = run(algorithms["create_database_structure"], {"CONNECTION_NAME": sys.argv[2]})
assert "est installé dans la base" in outputs["OUTPUT_STRING"], outputs
assert "Création des schémas audit et lizsync." in lines, lines
refused = {sys.argv[2]: "Rien n’a été installé dans la base", "nowhere": "n’est ni le nom d’une connexion"}
for given, expected in refused.items():
    try:
        run(algorithms["create_database_structure"].create(), {"CONNECTION_NAME": given})
    except QgsProcessingException as error:
        assert expected in str(error), error
    else:
        raise AssertionError(given)

# Unloading takes the translator back; loading again in another language speaks that.
assert QCoreApplication.translate("LizSync", "Never saved") == "Jamais enregistré"
assert utils.unloadPlugin("lizsync")
assert QCoreApplication.translate("LizSync", "Never saved") == "Never saved"
language("en_GB")
assert load()["synchronize_database"].displayName() == "Two-way database synchronization"
assert utils.unloadPlugin("lizsync")
language("fr_CA")
assert load()["synchronize_database"].group() == "02 Synchronisation PostgreSQL"
assert utils.reloadPlugin("lizsync") is not False
assert registry.algorithmById("lizsync:synchronize_database").group() == "02 Synchronisation PostgreSQL"
utils.unloadPlugin("lizsync")
# Without a choice in the options, the system's.
language(None)
found = load()["synchronize_database"].displayName()
assert found.startswith("Synchroniser" if sys.argv[3] == "fr" else "Two-way"), found
utils.unloadPlugin("lizsync")
print("en ordre")
"""


def python(script, *arguments, **changes):
    return subprocess.run(
        [sys.executable, "-c", HEAD + script, str(ROOT / "python"), *arguments],
        env={**os.environ, **changes},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_the_plugin_speaks_the_language_of_qgis(tmp_path):
    with temporary("qgis") as database:
        done = python(FRENCH, database.conninfo, "en", QGIS_CUSTOM_CONFIG_PATH=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "en ordre" in done.stdout


def test_qgis_process_speaks_it(qgis, tmp_path):
    from qgis.core import QgsSettings

    settings = QgsSettings()
    settings.setValue("locale/overrideFlag", True)
    settings.setValue("locale/userLocale", "fr")
    settings.sync()
    try:
        process.run("plugins", "enable", "lizsync")
        status, _, err = process.run_algorithm("create_database_structure", {"CONNECTION_NAME": "nowhere"})
        assert status != 0 and "n’est ni le nom d’une connexion" in err
    finally:
        settings.remove("locale")
        settings.sync()
