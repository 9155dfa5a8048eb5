"""What the plugin says of its own."""

import platform

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
    return sorted({*TAGS, *entry["id"].split("_")})


def installation(error):
    """What to do where the native library cannot be used."""
    return (
        "This needs the native library of LizSync. {} In QGIS: install the LizSync plugin for {} ({}), which holds "
        "the library; or install the wheel of LizSync for the Python of QGIS, or put the file {} into {}. Then start "
        "QGIS again."
    ).format(
        # Not the hint, which is for who builds it.
        str(error).replace(error.hint or "", "").strip(),
        platform.system() or "your system",
        platform.machine() or "your processor",
        native.file_name(),
        native.PACKAGE,
    )
