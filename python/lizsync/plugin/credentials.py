"""Passwords that are not saved: QGIS asks for them, as it does when a layer is opened."""

import threading

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


def ask(connections, canceled):
    """Asks for the passwords that are missing; returns whether there is reason to try again. Without
    a window QGIS gives no answer. `canceled`: whether the user has canceled the run."""
    completed = [name for name in connections.unsaved() if complete(connections, name, canceled)]
    return bool(completed)


def complete(connections, name, canceled):
    """Asks for user and password of one connection until they are right; returns whether they are."""
    credentials = QgsCredentials.instance()
    realm = connections.realm(name)
    message = problem(connections, name, canceled)
    for _ in range(ATTEMPTS):
        if not message:
            return False
        given, user, password = credentials.get(realm, connections.user(name), "", message)
        if not given:
            return False
        connections.credentials(name, user, password)
        message = problem(connections, name, canceled)
        if not message:
            credentials.put(realm, user, password)
            return True
    return False


def problem(connections, name, canceled):
    """What the server says when the password is missing or wrong; empty otherwise, and after a cancel."""
    given = {PROBE_CONNECTION: name, "connections": {name: connections.texts()[name]}}
    if language.code():
        given["language"] = language.code()
    said = []

    def probe():
        try:
            api.check(PROBE, given)
        except LizsyncError as error:
            said.append(str(error) if missing(error) else "")

    # A server that does not answer is waited for in a thread of its own, which a cancel leaves behind.
    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    while thread.is_alive():
        if canceled():
            return ""
        thread.join(0.1)
    return said[0] if said else ""
