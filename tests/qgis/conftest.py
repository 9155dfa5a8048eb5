"""The QGIS that these tests run in: Debian's, without a window, in a profile of its own.

Tests in this process use PyQGIS; `qgis_process` runs in the same profile.
"""

import atexit
import contextlib
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROFILE = pathlib.Path(tempfile.mkdtemp(prefix="lizsync-qgis-"))
atexit.register(shutil.rmtree, PROFILE, ignore_errors=True)

# A job in the background of a shell inherits that Ctrl-C is ignored, and so would its children.
signal.signal(signal.SIGINT, signal.default_int_handler)

# cargo looks for its things in the home directory.
for name, folder in (("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")):
    os.environ.setdefault(name, os.path.join(os.path.expanduser("~"), folder))
os.environ.update(
    QT_QPA_PLATFORM=os.environ.get("QT_QPA_PLATFORM", "offscreen"),
    QGIS_CUSTOM_CONFIG_PATH=str(PROFILE),
    QGIS_PLUGINPATH=str(ROOT / "python"),
    # What the developer has must not decide a test.
    HOME=str(PROFILE),
    XDG_RUNTIME_DIR=str(PROFILE),
    LC_ALL="C.UTF-8",
)
os.environ.pop("LANGUAGE", None)
os.environ.pop("LIZSYNC_CONFIG_FILE", None)
os.environ.pop("QGIS_AUTH_PASSWORD_FILE", None)
if "LIZSYNC_LIBRARY" in os.environ:
    os.environ["LIZSYNC_LIBRARY"] = os.path.abspath(os.environ["LIZSYNC_LIBRARY"])

sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "python"), "/usr/share/qgis/python/plugins"]

from databases import Database, temporary, variable  # noqa: E402

MASTER_PASSWORD = "correct horse"


@pytest.fixture(scope="session")
def qgis():
    """QGIS with Processing and the plugin, loaded as QGIS loads it."""
    from qgis import utils
    from qgis.core import QgsApplication
    from qgis.PyQt.QtCore import QCoreApplication

    QCoreApplication.setOrganizationName("QGIS")
    QCoreApplication.setApplicationName("QGIS3")
    application = QgsApplication([], True)
    application.initQgis()
    assert QgsApplication.qgisSettingsDirPath().startswith(str(PROFILE))
    from processing.core.Processing import Processing

    Processing.initialize()
    utils.plugin_paths.append(str(ROOT / "python"))
    utils.updateAvailablePlugins()
    assert utils.loadPlugin("lizsync")
    assert utils.startPlugin("lizsync")
    assert QgsApplication.authManager().setMasterPassword(MASTER_PASSWORD, True)
    from lizsync import native

    native.library()
    yield application
    assert utils.unloadPlugin("lizsync")
    Processing.deinitialize()
    application.exitQgis()


@pytest.fixture(autouse=True)
def clean(qgis):
    """Every test begins without connections and without values of a last run."""
    from qgis.core import QgsSettings

    settings = QgsSettings()
    settings.remove("PostgreSQL/connections")
    settings.remove("lizsync")
    settings.sync()


class Recorder:
    """A QgsProcessingFeedback that remembers, and asks `canceled` whether to stop."""

    def __new__(cls, canceled=lambda: False):
        from qgis.core import QgsProcessingFeedback

        class Feedback(QgsProcessingFeedback):
            def __init__(self):
                super().__init__(False)
                self.lines = []

            def isCanceled(self):
                return super().isCanceled() or canceled()

            def pushInfo(self, info):
                self.lines.append(("info", info))
                super().pushInfo(info)

            def pushDebugInfo(self, info):
                self.lines.append(("debug", info))
                super().pushDebugInfo(info)

            def pushCommandInfo(self, info):
                self.lines.append(("command", info))
                super().pushCommandInfo(info)

            def pushWarning(self, warning):
                self.lines.append(("warning", warning))
                super().pushWarning(warning)

            def reportError(self, error, fatalError=False):
                self.lines.append(("fatal" if fatalError else "error", error))
                super().reportError(error, fatalError)

        return Feedback()


def wait(condition):
    """Runs the event loop until `condition` holds."""
    from qgis.PyQt.QtCore import QCoreApplication, QEventLoop

    # Long for a busy machine; what is broken never comes.
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)


@contextlib.contextmanager
def blocking(database, sql):
    """A transaction that has run `sql` and stays open. Who still waits for it after a while is thrown
    out, so that a cancel that does not work fails a test rather than stopping them all."""
    waiting = f"datname = '{database.name}' AND wait_event_type = 'Lock'"
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {waiting}"
    watchdog = threading.Timer(10, database.query, [end])
    with database.holding(sql):
        watchdog.start()
        try:
            yield
        finally:
            watchdog.cancel()


@pytest.fixture
def connection(qgis):
    """Makes a PostgreSQL connection of QGIS from its settings; a Database is one by its socket."""
    from qgis.core import QgsSettings

    def make(name, target=None, **values):
        if isinstance(target, Database):
            values = {
                "host": variable("LIZSYNC_TEST_SOCKET"),
                "database": target.name,
                "username": "postgres",
                **values,
            }
        values = {
            "port": os.environ.get("LIZSYNC_TEST_PORT", ""),
            "saveUsername": "true",
            "savePassword": "true",
            **values,
        }
        settings = QgsSettings()
        for key, value in values.items():
            settings.setValue(f"PostgreSQL/connections/{name}/{key}", value)
        settings.sync()
        return name

    return make


@pytest.fixture
def database():
    """An empty database."""
    with temporary("qgis") as made:
        yield made


TREES = """
    CREATE EXTENSION postgis;
    CREATE SCHEMA gis;
    CREATE TABLE gis.trees (id serial PRIMARY KEY, name text, geom geometry(Point, 2154));
    INSERT INTO gis.trees (name, geom)
        SELECT 'tree ' || i, ST_SetSRID(ST_MakePoint(i, i), 2154) FROM generate_series(1, 20) i"""


@pytest.fixture
def pair(connection):
    """A central database with trees and an empty clone, connected under names that need quoting."""
    with contextlib.ExitStack() as stack:
        central, clone = (stack.enter_context(temporary("qgis")) for _ in range(2))
        central.query(TREES)
        connection("Centrale d'été", central)
        connection("tablette “1”", clone)
        yield Pair(central, clone)


class Pair:
    """Two databases, and the parameters that name them."""

    def __init__(self, central, clone):
        self.central, self.clone = central, clone

    CENTRAL = {"CONNECTION_NAME_CENTRAL": "Centrale d'été"}
    BOTH = {**CENTRAL, "CONNECTION_NAME_CLONE": "tablette “1”"}
    INSTALLED = {"CONNECTION_NAME": "Centrale d'été"}

    def steps(self, archive):
        """The whole chain: algorithm and parameters."""
        binaries = {"POSTGRESQL_BINARY_PATH": variable("LIZSYNC_TEST_BIN"), "ZIP_FILE": str(archive)}
        return [
            ("create_database_structure", self.INSTALLED),
            ("initialize_central_database", {**self.CENTRAL, "SCHEMAS": "gis"}),
            ("upgrade_database_structure", {**self.INSTALLED, "RUNIT": True}),
            ("package_master_database", {**self.CENTRAL, **binaries, "SCHEMAS": "gis"}),
            ("deploy_database_server_package", {**self.BOTH, **binaries}),
            ("synchronize_database", self.BOTH),
        ]

    def edit(self):
        """One edit on each side, and two of the same value."""
        self.central.query("UPDATE gis.trees SET name = 'oak' WHERE name = 'tree 1'")
        self.clone.query("UPDATE gis.trees SET name = 'elm' WHERE name = 'tree 2'")
        self.central.query("UPDATE gis.trees SET name = 'lost' WHERE name = 'tree 3'")
        self.clone.query("UPDATE gis.trees SET name = 'last' WHERE name = 'tree 3'")

    def equal(self):
        """Whether both hold the same trees, and the last edits."""
        rows = [
            database.query("SELECT uid, name, ST_AsEWKT(geom) FROM gis.trees ORDER BY uid")
            for database in (self.central, self.clone)
        ]
        names = set(self.clone.query("SELECT name FROM gis.trees").splitlines())
        return rows[0] == rows[1] and {"oak", "elm", "last"} <= names and "lost" not in names


@pytest.fixture
def authentication(qgis):
    """Makes an authentication configuration; returns its id."""
    from qgis.core import QgsApplication, QgsAuthMethodConfig

    manager = QgsApplication.authManager()
    made = []

    def make(method, **values):
        configuration = QgsAuthMethodConfig(method, 1)
        configuration.setName(f"test {len(made)}")
        for key, value in values.items():
            configuration.setConfig(key, value)
        done, configuration = manager.storeAuthenticationConfig(configuration)
        assert done
        made.append(configuration.id())
        return configuration.id()

    yield make
    manager.setMasterPassword(MASTER_PASSWORD, True)
    for identifier in made:
        manager.removeAuthenticationConfig(identifier)
