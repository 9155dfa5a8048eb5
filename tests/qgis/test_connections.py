"""From the name of a connection in QGIS to a database."""

import contextlib
import os
import pathlib
import socket
import time

import process
import pytest
from conftest import MASTER_PASSWORD, Recorder, temporary, variable

TCP = {"host": "127.0.0.1"}


def install(name):
    """Runs the shortest algorithm on a connection; returns what went wrong, or None."""
    import processing
    from qgis.core import QgsProcessingException

    try:
        processing.run("lizsync:create_database_structure", {"CONNECTION_NAME": name}, feedback=Recorder())
    except QgsProcessingException as error:
        return str(error)
    return None


def installed(database):
    return database.query("SELECT count(*) FROM pg_namespace WHERE nspname = 'lizsync'") == "1"


@pytest.mark.parametrize(
    "name", ["plain", "deux mots", "été", "a/b c/d", 'it\'s "quoted"', "back\\slash", "x=y", "💧 100 %"]
)
def test_names(database, connection, name):
    connection(name, database)
    assert install(name) is None
    assert installed(database)


@pytest.mark.parametrize(
    "password", ["sesame", "it's", "a\\b", "with space", "ünïcode", "'", "\\'", "percent%41", "a=b"]
)
def test_saved_credentials_are_handed_on_as_they_are(database, connection, password):
    with role(database, password) as user:
        connection("c", database=database.name, username=user, password=password, **TCP)
        assert install("c") is None
        connection("c", database=database.name, username=user, password=password + "x", **TCP)
        assert "password" in install("c")


@contextlib.contextmanager
def role(database, password, name="anna o'neil"):
    literal = password.replace("'", "''")
    database.query(f"""CREATE ROLE "{name}" LOGIN SUPERUSER PASSWORD '{literal}'""")
    try:
        yield name
    finally:
        database.query(f'REASSIGN OWNED BY "{name}" TO postgres; DROP OWNED BY "{name}"; DROP ROLE "{name}"')


class Asked:
    """A QgsCredentials that answers from a list, and remembers what it was asked."""

    def __new__(cls, answers):
        from qgis.core import QgsCredentials

        class Credentials(QgsCredentials):
            def __init__(self):
                super().__init__()
                self.asked = []
                self.setInstance(self)

            def request(self, realm, username, password, message=None):
                self.asked.append((realm, message))
                if not answers:
                    return False, username, password
                return (True, *answers.pop(0))

            def requestMasterPassword(self, password, stored=False):
                return False, password

        return Credentials()


@pytest.fixture
def asked():
    from qgis.core import QgsCredentials

    before = QgsCredentials.instance()
    made = []

    def make(*answers):
        made.append(Asked(list(answers)))
        return made[-1]

    yield make
    before.setInstance(before)


def test_unsaved_credentials_are_asked_for(database, connection, asked):
    connection("c", database=database.name, saveUsername="false", savePassword="false", **TCP)
    credentials = asked(("postgres", "wrong sesame"), ("postgres", variable("LIZSYNC_TEST_PASSWORD")))
    assert install("c") is None
    assert installed(database)
    assert len(credentials.asked) == 2
    assert "sesame" not in str(credentials.asked)
    # QGIS keeps them until it is closed, and nobody is asked again.
    assert "Nothing was installed" in install("c")
    assert len(credentials.asked) == 2


def test_who_has_opened_a_layer_is_not_asked_again(database, connection, asked):
    from qgis.core import QgsProviderRegistry

    connection("c", database=database.name, username="postgres", savePassword="false", **TCP)
    credentials = asked(("postgres", variable("LIZSYNC_TEST_PASSWORD")))
    # As the browser of QGIS does it.
    metadata = QgsProviderRegistry.instance().providerMetadata("postgres")
    assert metadata.createConnection("c").executeSql("SELECT 42") == [[42]]
    assert len(credentials.asked) == 1
    assert install("c") is None
    assert installed(database) and len(credentials.asked) == 1


def test_the_window_of_qgis_asks_for_a_run_in_another_thread(database, connection, asked):
    from conftest import wait
    from qgis.core import QgsApplication, QgsCredentials, QgsProcessingAlgRunnerTask, QgsProcessingContext
    from qgis.gui import QgsCredentialDialog
    from qgis.PyQt.QtCore import QTimer
    from qgis.PyQt.QtWidgets import QLineEdit

    asked()  # Puts back what was there before.
    dialog = QgsCredentialDialog()
    assert QgsCredentials.instance() is not None
    connection("c", database=database.name, username="postgres", savePassword="false", **TCP)
    shown = []

    def answer():
        if dialog.isVisible() and not shown:
            shown.append(True)
            hidden = QLineEdit.EchoMode.Password
            fields = [field for field in dialog.findChildren(QLineEdit) if field.echoMode() == hidden]
            next(field for field in fields if field.isVisible()).setText(variable("LIZSYNC_TEST_PASSWORD"))
            dialog.accept()

    timer = QTimer()
    timer.timeout.connect(answer)
    timer.start(20)
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("lizsync:create_database_structure")
    context, recorder, outcome = QgsProcessingContext(), Recorder(), []
    task = QgsProcessingAlgRunnerTask(algorithm, {"CONNECTION_NAME": "c"}, context, recorder)
    task.executed.connect(lambda ok, results: outcome.append(ok))
    QgsApplication.taskManager().addTask(task)
    wait(lambda: outcome)
    timer.stop()
    assert outcome == [True], recorder.lines
    assert shown and installed(database)


def test_unsaved_credentials_that_nobody_gives(database, connection, asked):
    connection("c", database=database.name, **TCP)
    credentials = asked()
    assert "asks for a password" in install("c")
    assert len(credentials.asked) == 1


def test_a_cancel_does_not_wait_for_a_server_that_is_silent(connection):
    from lizsync.plugin.connections import Connections
    from lizsync.plugin.credentials import problem

    with socket.create_server(("127.0.0.1", 0)) as silent, Connections() as known:
        silent.settimeout(20)
        connection("c", host="127.0.0.1", port=silent.getsockname()[1], database="gis", username="anna")
        known.add("c")
        heard = []

        def canceled():
            # As soon as the server is being asked.
            heard.append(silent.accept()[0])
            return True

        begun = time.monotonic()
        assert problem(known, "c", canceled) == ""
        assert len(heard) == 1
        # Of the ten seconds after which libpq would give up, nothing is waited for.
        assert time.monotonic() - begun < 5
        heard[0].close()


def test_a_password_file_is_enough(database, connection, asked, tmp_path, monkeypatch):
    file = tmp_path / "pgpass"
    file.touch(mode=0o600)
    file.write_text("127.0.0.1:*:*:postgres:{}\n".format(variable("LIZSYNC_TEST_PASSWORD")))
    monkeypatch.setenv("PGPASSFILE", str(file))
    connection("c", database=database.name, username="postgres", **TCP)
    credentials = asked()
    assert install("c") is None
    assert not credentials.asked


def test_services(database, connection, tmp_path, monkeypatch):
    file = tmp_path / "services"
    host, port = variable("LIZSYNC_TEST_SOCKET"), variable("LIZSYNC_TEST_PORT")
    file.write_text(f"[my service]\nhost={host}\nport={port}\nuser=postgres\ndbname={database.name}\n")
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    connection("c", service="my service", port="")
    assert install("c") is None
    # A service needs no connection of QGIS, and neither does a conninfo string.
    assert "Nothing was installed" in install("my service")
    assert "Nothing was installed" in install(database.conninfo)


def test_an_unknown_name_says_where_it_was_looked_for(qgis):
    assert "no such name" in install("no such name")


def test_an_authentication_configuration(database, connection, authentication):
    password = "it's a \\ sesame"
    with role(database, password) as user:
        identifier = authentication("Basic", username=user, password=password)
        connection("c", database=database.name, authcfg=identifier, **TCP)
        assert install("c") is None
        assert installed(database)


def test_a_locked_authentication_configuration_is_an_error(database, connection, authentication, asked):
    from qgis.core import QgsApplication

    identifier = authentication("Basic", username="postgres", password=variable("LIZSYNC_TEST_PASSWORD"))
    connection("c", database=database.name, authcfg=identifier, **TCP)
    asked()
    QgsApplication.authManager().clearMasterPassword()
    failed = install("c")
    assert "“c”" in failed and identifier in failed and "master password" in failed
    assert not installed(database)
    QgsApplication.authManager().setMasterPassword(MASTER_PASSWORD, True)
    assert install("c") is None


def test_the_master_password_from_a_file(database, connection, authentication, tmp_path):
    identifier = authentication("Basic", username="postgres", password=variable("LIZSYNC_TEST_PASSWORD"))
    connection("c", database=database.name, authcfg=identifier, **TCP)
    process.run("plugins", "enable", "lizsync")
    status, _, err = process.run_algorithm("create_database_structure", {"CONNECTION_NAME": "c"})
    assert status != 0 and "QGIS_AUTH_PASSWORD_FILE" in err
    file = tmp_path / "master"
    file.touch(mode=0o600)
    file.write_text(MASTER_PASSWORD)
    parameters = {"CONNECTION_NAME": "c"}
    status, _, err = process.run_algorithm("create_database_structure", parameters, QGIS_AUTH_PASSWORD_FILE=str(file))
    assert status == 0, err


def test_an_authentication_configuration_that_is_gone(database, connection, authentication):
    connection("c", database=database.name, authcfg="gone123", **TCP)
    failed = install("c")
    assert "gone123" in failed and "not in the authentication database" in failed


def test_client_certificates_of_an_authentication_configuration(database, connection, authentication):
    from qgis.core import QgsApplication
    from qgis.PyQt.QtCore import QDir
    from qgis.PyQt.QtNetwork import QSslCertificate

    folder = pathlib.Path(variable("LIZSYNC_TEST_CERTS"))
    database.query("DO $$ BEGIN CREATE ROLE certuser LOGIN SUPERUSER; EXCEPTION WHEN duplicate_object THEN END $$")
    identifier = authentication(
        "PKI-Paths", certpath=str(folder / "client.crt"), keypath=str(folder / "client.key"), keypass=""
    )
    # QGIS says which authorities it trusts together with the certificate.
    manager = QgsApplication.authManager()
    authority = QSslCertificate((folder / "root.crt").read_bytes())
    assert manager.storeCertAuthority(authority) and manager.rebuildCaCertsCache()
    assert manager.rebuildTrustedCaCertsCache()
    values = {"database": database.name, "username": "certuser", "sslmode": "SslVerifyFull", **TCP}
    connection("c", **values)
    assert "certificate" in install("c")
    connection("c", authcfg=identifier, **values)
    before = set(os.listdir(QDir.tempPath()))
    assert install("c") is None
    assert installed(database)
    # The key that QGIS wrote is gone.
    assert not [name for name in set(os.listdir(QDir.tempPath())) - before if name.endswith((".pem", ".key", ".crt"))]


@pytest.mark.parametrize(
    "mode, works", [("SslDisable", True), ("SslRequire", True), ("SslVerifyCa", False), ("SslVerifyFull", False)]
)
def test_sslmode(database, connection, mode, works):
    password = variable("LIZSYNC_TEST_PASSWORD")
    connection("c", database=database.name, username="postgres", password=password, sslmode=mode, **TCP)
    assert (install("c") is None) is works


def test_the_authority_of_the_user(database, connection):
    authority = pathlib.Path.home() / ".postgresql" / "root.crt"
    authority.parent.mkdir()
    try:
        authority.write_bytes((pathlib.Path(variable("LIZSYNC_TEST_CERTS")) / "root.crt").read_bytes())
        password = variable("LIZSYNC_TEST_PASSWORD")
        connection("c", database=database.name, username="postgres", password=password, sslmode="SslVerifyFull", **TCP)
        assert install("c") is None
    finally:
        authority.unlink()
        authority.parent.rmdir()


@pytest.mark.parametrize("owner", ["field_owner", 'Field Owner\'s \\ "role"'])
def test_the_role_of_the_session(database, connection, owner):
    quoted = '"{}"'.format(owner.replace('"', '""'))
    database.query(f"CREATE ROLE {quoted} SUPERUSER")
    try:
        connection("c", database, session_role=owner)
        assert install("c") is None
        sql = "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'lizsync'"
        assert database.query(sql) == owner
    finally:
        database.query(f"REASSIGN OWNED BY {quoted} TO postgres; DROP ROLE {quoted}")


def test_the_role_of_the_session_packages_too(pair, connection, tmp_path):
    """pg_dump is another program, with a connection of its own."""
    import processing

    for algorithm, parameters in pair.steps(tmp_path / "x.zip")[:2]:
        processing.run(f"lizsync:{algorithm}", parameters)
    pair.central.query("CREATE ROLE packer; CREATE ROLE login_only LOGIN IN ROLE packer NOINHERIT")
    try:
        pair.central.query("GRANT USAGE ON SCHEMA gis, lizsync, audit TO packer")
        grants = ["ALL TABLES", "ALL SEQUENCES"]
        for schema in ("gis", "lizsync", "audit"):
            for what in grants:
                pair.central.query(f"GRANT ALL ON {what} IN SCHEMA {schema} TO packer")
            pair.central.query(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO packer")
        parameters = dict(pair.steps(tmp_path / "package.zip")[3][1], CONNECTION_NAME_CENTRAL="c")
        connection("c", pair.central, username="login_only")
        with pytest.raises(Exception, match="ermission"):
            processing.run("lizsync:package_master_database", parameters)
        connection("c", pair.central, username="login_only", session_role="packer")
        assert processing.run("lizsync:package_master_database", parameters)["OUTPUT_STATUS"] == 1
    finally:
        pair.central.query("DROP OWNED BY packer; DROP ROLE login_only; DROP ROLE packer")


def test_two_connections(connection):
    """Both names of an algorithm are resolved."""
    from lizsync.plugin.connections import Connections

    with temporary("qgis") as first, temporary("qgis") as second:
        connection("one", first)
        connection("two", second)
        with Connections() as known:
            for name in ("one", "two", "neither", ""):
                known.add(name)
        texts = known.texts()
    assert set(texts) == {"one", "two"}
    assert first.name in texts["one"] and second.name in texts["two"]
