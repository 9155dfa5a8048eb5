"""Passwords that are not saved: QGIS asks for them, as it does when a layer is opened."""

from qgis.core import QgsCredentials

from .. import api, language
from ..error import LizsyncError

# An algorithm with one connection and nothing else that it needs, to see which connection fails.
PROBE, PROBE_CONNECTION = "create_database_structure", "CONNECTION_NAME"

ATTEMPTS = 3


def missing(error):
    """Whether a run failed because a password was missing or wrong."""
    if error.kind != "connection":
        return False
    return error.sqlstate == "28P01"


def ask(connections):
    """Asks for the passwords that are missing; returns whether there is reason to try again. Without
    a window QGIS gives no answer."""
    completed = [name for name in connections.unsaved() if complete(connections, name)]
    return bool(completed)


def complete(connections, name):
    """Asks for user and password of one connection until they are right; returns whether they are."""
    credentials = QgsCredentials.instance()
    realm = connections.realm(name)
    message = problem(connections, name)
    for _ in range(ATTEMPTS):
        if not message:
            return False
        given, user, password = credentials.get(realm, connections.user(name), "", message)
        if not given:
            return False
        connections.credentials(name, user, password)
        message = problem(connections, name)
        if not message:
            credentials.put(realm, user, password)
            return True
    return False


def problem(connections, name):
    """What the server says when the password is missing or wrong; empty otherwise."""
    given = {PROBE_CONNECTION: name, "connections": {name: connections.texts()[name]}}
    if language.code():
        given["language"] = language.code()
    try:
        api.check(PROBE, given)
    except LizsyncError as error:
        return str(error) if missing(error) else ""
    return ""
