"""From the name of a connection in QGIS to a conninfo for the library."""

import contextlib
import os

from qgis.core import QgsApplication, QgsDataSourceUri, QgsProviderRegistry, QgsSettings
from qgis.PyQt.QtCore import QCoreApplication, QDir

from ..error import CONNECTION, LizsyncError
from . import conninfo, texts

SETTINGS = "PostgreSQL/connections/"


class Connections:
    """The connections of one run: name to conninfo. Leaving it deletes the certificates that an
    authentication configuration was written into."""

    def __init__(self):
        self._pairs = {}
        self._files = []
        self._asked = set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for file in self._files:
            with contextlib.suppress(OSError):
                os.remove(file)

    def add(self, name):
        """Resolves a name; one that QGIS does not know is left to the library, which knows URIs,
        conninfo strings and services. LizsyncError where an authentication configuration fails."""
        text = find(name)
        if text is None or name in self._pairs:
            return
        pairs = conninfo.parse(text)
        # Until QGIS 3.28 the settings have it only if a later QGIS wrote them.
        role = pairs.get("session_role") or QgsSettings().value(SETTINGS + name + "/session_role", "")
        if role:
            pairs["options"] = conninfo.with_role(pairs.get("options", ""), str(role))
        if pairs.get("authcfg"):
            self._authenticate(name, pairs)
        self._pairs[name] = pairs

    def _authenticate(self, name, pairs):
        manager = unlocked(name, pairs["authcfg"])
        done, items = manager.updateDataSourceUriItems([], pairs["authcfg"], "postgres")
        given = conninfo.parse(" ".join(items))
        for key in ("sslcert", "sslkey", "sslrootcert"):
            file = given.get(key)
            # Only what QGIS has just written: certificates may also be files of the user.
            if file and os.path.dirname(os.path.abspath(file)) == os.path.abspath(QDir.tempPath()):
                self._files.append(file)
        if not done or not (given.get("user") or given.get("password") or given.get("sslcert")):
            raise failure(name, texts.gives_nothing().format(id=pairs["authcfg"]), texts.choose_a_kind())
        pairs.update({key: value for key, value in given.items() if value})

    def texts(self):
        """What the key "connections" of the parameters holds."""
        return {name: conninfo.join(pairs) for name, pairs in self._pairs.items()}

    def unsaved(self):
        """The names of those whose password QGIS does not save."""
        return [
            name
            for name, pairs in self._pairs.items()
            if name in self._asked or not (pairs.get("password") or pairs.get("authcfg"))
        ]

    def user(self, name):
        """The user of a connection; empty where it is not saved."""
        return self._pairs[name].get("user", "")

    @staticmethod
    def realm(name):
        """Under what QGIS itself keeps credentials of this connection until it is closed: who has
        opened a layer of it is not asked again."""
        return QgsDataSourceUri(find(name)).connectionInfo(False)

    def credentials(self, name, user, password):
        """Completes a connection."""
        self._asked.add(name)
        self._pairs[name].update(user=user, password=password)


def find(name):
    """The text of the QgsDataSourceUri of the connection of that name, or None."""
    metadata = QgsProviderRegistry.instance().providerMetadata("postgres")
    if metadata is None or not name:
        return None
    # Not its list of connections: that is not made for threads, and lacks names with a slash, which
    # are groups in a group for QSettings.
    settings = QgsSettings()
    settings.beginGroup(SETTINGS + name)
    known = bool(settings.childKeys())
    settings.endGroup()
    if not known:
        return None
    text = metadata.createConnection(name).uri()
    pairs = conninfo.parse(text)
    # An empty one is what is left of a connection, or the first half of a name with a slash.
    return text if any(pairs.get(key) for key in ("service", "host", "hostaddr", "dbname")) else None


def unlock(names):
    """Lets QGIS ask for the master password where a connection needs it; best in the main thread."""
    for name in names:
        if conninfo.parse(find(name) or "").get("authcfg"):
            manager = QgsApplication.authManager()
            if not manager.isDisabled() and not manager.masterPasswordIsSet():
                manager.setMasterPassword(True)
            return


def unlocked(name, identifier):
    """The authentication manager, ready to give that configuration."""
    manager = QgsApplication.authManager()
    if manager.isDisabled():
        why = manager.disabledMessage().strip()
        raise failure(
            name,
            QCoreApplication.translate("LizSync", "the authentication system of QGIS is switched off ({why})").format(
                why=why
            ),
            QCoreApplication.translate("LizSync", "See the settings of QGIS."),
        )
    if not (manager.masterPasswordIsSet() or manager.setMasterPassword(True)):
        raise failure(
            name,
            QCoreApplication.translate(
                "LizSync", "its authentication configuration “{id}” is locked: the master password was not given"
            ).format(id=identifier),
            texts.give_the_master_password(),
        )
    if identifier not in manager.configIds():
        raise failure(
            name,
            texts.is_elsewhere().format(id=identifier),
            QCoreApplication.translate("LizSync", "Edit the connection in QGIS, and choose another one."),
        )
    return manager


def failure(name, what, hint):
    """An error about the connection of that name."""
    text = QCoreApplication.translate("LizSync", "The connection “{name}” cannot be used: {what}.")
    return LizsyncError.of(CONNECTION, text.format(name=name, what=what), hint)
