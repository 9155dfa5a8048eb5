"""What the plugin says of its own."""

import platform

from qgis.PyQt.QtCore import QCoreApplication

from .. import native

TAGS = [
    "lizsync",
    "postgis",
    "postgresql",
    "offline",
    "field",
    "clone",
    "central",
    "synchronise",
    "synchronize",
    "sync",
]


def tags(entry):
    """The words by which the search of the toolbox finds an algorithm."""
    own = QCoreApplication.translate("LizSync", "offline,field,clone,central,synchronise,package,deploy,photos").split(
        ","
    )
    return sorted({*TAGS, *own, *entry["id"].split("_")})


def installation(error):
    """What to do where the native library cannot be used."""
    text = needs_the_library()
    return text.format(
        # Not the hint, which is for who builds it.
        problem=str(error).replace(error.hint or "", "").strip(),
        system=platform.system() or QCoreApplication.translate("LizSync", "your system"),
        processor=platform.machine() or QCoreApplication.translate("LizSync", "your processor"),
        file=native.file_name(),
        folder=native.PACKAGE,
    )


def another_version(library, plugin):
    """What to say where library and plugin are not of the same version."""
    return versions_differ().format(library=library, plugin=plugin, file=native.path())


# pylupdate does not see a call whose last comma has nothing behind it, as the formatter would have it.
# fmt: off


def needs_the_library():
    return QCoreApplication.translate(
        "LizSync",
        "This needs the native library of LizSync. {problem} In QGIS: install the LizSync plugin for {system} "
        "({processor}), which holds the library; or install the wheel of LizSync for the Python of QGIS, or put the "
        "file {file} into {folder}. Then start QGIS again."
    )


def versions_differ():
    return QCoreApplication.translate(
        "LizSync",
        "The library {file} is of version {library}, the plugin of version {plugin}. Install both of the same version: "
        "what one of them does not know fails."
    )


def gives_nothing():
    return QCoreApplication.translate(
        "LizSync",
        "its authentication configuration “{id}” gives no user, password or certificate for PostgreSQL"
    )


def choose_a_kind():
    return QCoreApplication.translate(
        "LizSync",
        "Choose one of the kinds “Basic authentication” or “PKI”, and open it once to see that it is whole."
    )


def give_the_master_password():
    return QCoreApplication.translate(
        "LizSync",
        "Give QGIS the master password when it asks; without a window, let QGIS_AUTH_PASSWORD_FILE name a file that "
        "holds it."
    )


def is_elsewhere():
    return QCoreApplication.translate(
        "LizSync",
        "its authentication configuration “{id}” is not in the authentication database of this profile"
    )
