"""Values that scripts give: what cannot be understood is refused, never taken for the default."""

import decimal
import pathlib

import pytest
from conftest import Recorder
from test_registry import ENTRY


@pytest.fixture
def made_up(qgis):
    from lizsync.plugin.algorithm import Algorithm

    return Algorithm(ENTRY).create()


@pytest.fixture
def given(made_up, monkeypatch):
    """What the library gets for one parameter."""
    from lizsync import api
    from qgis.core import QgsProcessingContext

    found = []

    def run(_algorithm, parameters, _feedback):
        # As it comes there.
        api._encoded("made_up", parameters)
        found.append(parameters)
        return {"OUTPUT_STATUS": 1, "OUTPUT_STRING": "done", "COUNT": 3}

    monkeypatch.setattr(api, "run", run)

    def of(name, value):
        made_up.create().run({"CONNECTION": "c", name: value}, QgsProcessingContext(), Recorder(), {}, False)
        return found.pop().get(name)

    return of


def expression(text):
    from qgis.core import QgsProperty

    return QgsProperty.fromExpression(text)


@pytest.mark.parametrize("name", ["FLAG", "MAYBE"])
def test_an_expression_gives_what_its_text_would(given, name):
    assert given(name, expression("'no'")) is False
    assert given(name, expression("'yes'")) is True
    assert given(name, expression("1 = 2")) is False


def test_the_null_of_qgis_leaves_a_parameter_out(given):
    from qgis.core import QgsProperty
    from qgis.PyQt.QtCore import QVariant

    for null in (None, QVariant(), QVariant(QVariant.String), QgsProperty(), expression("NULL")):
        assert given("FLAG", null) is True
        assert given("MAYBE", null) is None
        assert given("PORT", null) == 21
        assert given("FOLDER", null) == "/usr/bin/"
        assert given("SECRET", null) is None


@pytest.mark.parametrize("name", ["CONNECTION", "FLAG", "PORT", "TEXT", "SECRET", "FILE", "OUT"])
def test_an_expression_that_fails_is_refused(made_up, given, name):
    from qgis.core import QgsProcessingContext, QgsProcessingException

    for broken in (expression("syntax error("), expression('"no such field"')):
        with pytest.raises(QgsProcessingException, match=f"expression for parameter {name} has no value"):
            given(name, broken)
        fine, message = made_up.checkParameterValues({"CONNECTION": "c", name: broken}, QgsProcessingContext())
        assert not fine and name in message


@pytest.mark.parametrize("name", ["TEXT", "SECRET", "FILE", "FOLDER", "OUT"])
def test_a_path_is_a_text(made_up, given, name):
    from qgis.core import QgsProcessingContext

    assert given(name, pathlib.Path("/a/b.sql")) == "/a/b.sql"
    fine, message = made_up.checkParameterValues(
        {"CONNECTION": "c", name: pathlib.Path("/a/b.sql")}, QgsProcessingContext()
    )
    assert fine, message


def test_a_number_is_a_text_where_one_is_wanted(given):
    assert given("TEXT", 2026) == "2026"
    assert given("SECRET", 1234) == "1234"


@pytest.mark.parametrize("name", ["CONNECTION", "FLAG", "PORT", "TEXT", "SECRET", "FILE", "FOLDER", "OUT"])
def test_what_is_no_value_is_refused(given, name):
    from qgis.core import QgsProcessingException

    for value in (b"bytes", decimal.Decimal(3), object(), float("nan"), float("inf")):
        with pytest.raises(QgsProcessingException, match=f"{name} holds a value that cannot be handed on"):
            given(name, value)


@pytest.mark.parametrize(
    "algorithm, name, value",
    [
        # Schemas in a list were all schemas.
        ("initialize_central_database", "SCHEMAS", ["gis"]),
        ("initialize_central_database", "SCHEMAS", {"gis": 1}),
        ("initialize_central_database", "SCHEMAS", True),
        ("initialize_central_database", "ADD_SERVER_ID", ["false"]),
        ("initialize_central_database", "ADD_SERVER_ID", 2),
        ("synchronize_media_subfolder_to_ftp", "CENTRAL_FTP_PASSWORD", ["sesame"]),
        ("synchronize_media_subfolder_to_ftp", "CENTRAL_FTP_PORT", True),
        ("package_master_database", "ZIP_FILE", ["/a/b.zip"]),
    ],
)
def test_the_library_refuses_a_value_of_another_type(qgis, algorithm, name, value):
    from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingException

    made = QgsApplication.processingRegistry().createAlgorithmById(f"lizsync:{algorithm}")
    least = {each.name(): "x" for each in made.parameterDefinitions() if each.type() not in ("boolean", "number")}
    with pytest.raises(QgsProcessingException, match=name) as caught:
        made.run({**least, name: value}, QgsProcessingContext(), Recorder(), {}, False)
    assert "sesame" not in str(caught.value)
