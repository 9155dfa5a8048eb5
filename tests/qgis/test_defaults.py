"""The values of the last run, and those of the former plugin."""

import pytest
from conftest import PROFILE


def shown(algorithm):
    """What the dialog of an algorithm begins with."""
    from qgis.core import QgsApplication

    made = QgsApplication.processingRegistry().createAlgorithmById(f"lizsync:{algorithm}")
    return {each.name(): each.defaultValueForGui() for each in made.parameterDefinitions()}


def meant(algorithm):
    """What a script or a model gets that leaves all out."""
    from qgis.core import QgsApplication

    made = QgsApplication.processingRegistry().createAlgorithmById(f"lizsync:{algorithm}")
    return {each.name(): each.defaultValue() for each in made.parameterDefinitions()}


def test_the_values_of_the_last_run_come_back(pair, tmp_path):
    import processing

    archive = tmp_path / "my package.zip"
    before = meant("package_master_database")
    for algorithm, parameters in pair.steps(archive)[:4]:
        if algorithm == "initialize_central_database":
            processing.run(f"lizsync:{algorithm}", {**parameters, "ADD_SERVER_ID": True})
            parameters = {**parameters, "ADD_UID_COLUMNS": False}
        processing.run(f"lizsync:{algorithm}", parameters)
    values = shown("package_master_database")
    assert values["CONNECTION_NAME_CENTRAL"] == "Centrale d'été"
    assert (values["SCHEMAS"], values["ZIP_FILE"]) == ("gis", str(archive))
    assert shown("deploy_database_server_package")["ZIP_FILE"] == str(archive)
    assert shown("initialize_central_database")["ADD_UID_COLUMNS"] is False
    # A script means the same as yesterday.
    assert meant("package_master_database") == before
    assert meant("initialize_central_database")["ADD_UID_COLUMNS"] is True


def test_a_dangerous_tick_is_not_remembered(pair):
    import processing

    processing.run("lizsync:create_database_structure", pair.INSTALLED)
    processing.run(
        "lizsync:create_database_structure", {**pair.INSTALLED, "OVERRIDE_AUDIT": True, "OVERRIDE_LIZSYNC": True}
    )
    processing.run("lizsync:upgrade_database_structure", {**pair.INSTALLED, "RUNIT": True})
    values = shown("create_database_structure")
    assert values["CONNECTION_NAME"] == "Centrale d'été"
    assert not values["OVERRIDE_AUDIT"] and not values["OVERRIDE_LIZSYNC"]
    assert not shown("upgrade_database_structure")["RUNIT"]


def test_a_connection_string_is_not_remembered(database):
    import processing
    from qgis.core import QgsSettings

    conninfo = database.conninfo + " password=sesame"
    processing.run("lizsync:create_database_structure", {"CONNECTION_NAME": conninfo})
    assert shown("create_database_structure")["CONNECTION_NAME"] is None
    settings = QgsSettings()
    settings.sync()
    assert not any("sesame" in str(settings.value(key)) for key in settings.allKeys())


def test_a_failure_is_not_remembered(pair):
    import processing
    from qgis.core import QgsProcessingException

    with pytest.raises(QgsProcessingException):
        processing.run("lizsync:initialize_central_database", {**pair.CENTRAL, "SCHEMAS": "nowhere"})
    assert shown("initialize_central_database")["SCHEMAS"] is None


def test_a_connection_that_is_gone_is_not_offered(pair):
    import processing
    from qgis.core import QgsSettings

    processing.run("lizsync:create_database_structure", pair.INSTALLED)
    QgsSettings().remove("PostgreSQL/connections/Centrale d'été")
    assert shown("create_database_structure")["CONNECTION_NAME"] is None


INI = """\ufeff[general]
database_archive_file = /maps/100%/archive.zip
additional_sql_file =

[binaries]
postgresql = /opt/pg/bin

[postgresql:central]
name = Centrale d'été
schemas = gis,eau
password = sesame

[postgresql:clone]
name = not there

[ftp:central]
password = sesame
"""


@pytest.fixture(params=["profile", "variable"])
def former(request, tmp_path, monkeypatch):
    from qgis.core import QgsApplication

    assert QgsApplication.qgisSettingsDirPath().startswith(str(PROFILE))
    file = (tmp_path if request.param == "variable" else PROFILE / "profiles" / "default") / "LizSync.ini"
    file.write_text(INI, encoding="utf-8")
    if request.param == "variable":
        monkeypatch.setenv("LIZSYNC_CONFIG_FILE", str(file))
    yield file
    file.unlink()


def test_the_settings_of_the_former_plugin(former, pair, tmp_path):
    import processing

    values = shown("package_master_database")
    assert values["CONNECTION_NAME_CENTRAL"] == "Centrale d'été"
    assert values["SCHEMAS"] == "gis,eau"
    assert values["POSTGRESQL_BINARY_PATH"] == "/opt/pg/bin"
    assert values["ZIP_FILE"] == "/maps/100%/archive.zip"
    assert values["ADDITIONAL_SQL_FILE"] is None
    assert shown("create_database_structure")["CONNECTION_NAME"] == "Centrale d'été"
    assert shown("synchronize_database")["CONNECTION_NAME_CLONE"] is None
    # What is newer wins, also where it is empty.
    for algorithm, parameters in pair.steps(tmp_path / "package.zip")[:2]:
        processing.run(f"lizsync:{algorithm}", parameters)
    assert shown("package_master_database")["SCHEMAS"] == "gis"
    processing.run("lizsync:initialize_central_database", {**pair.CENTRAL, "SCHEMAS": ""})
    assert shown("package_master_database")["SCHEMAS"] is None


def test_a_broken_file_is_no_obstacle(former):
    former.write_bytes(b"[general\n\xff\xfe\0rubbish = = [")
    assert shown("package_master_database")["SCHEMAS"] is None


@pytest.mark.parametrize(
    "content",
    [
        "[general]\r\ndatabase_archive_file = C:\\Données\\été.zip\r\n".encode("cp1252"),
        # A line without a value, as people leave one behind.
        "[general]\nschemas\ndatabase_archive_file = C:\\Données\\été.zip\nadditional_sql_file\n".encode(),
    ],
)
def test_a_file_as_windows_or_a_person_wrote_it(former, content):
    former.write_bytes(content)
    assert shown("package_master_database")["ZIP_FILE"] == "C:\\Données\\été.zip"
    assert shown("package_master_database")["ADDITIONAL_SQL_FILE"] is None
