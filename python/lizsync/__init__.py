"""LizSync: offline editing of PostGIS databases.

    import lizsync
    lizsync.algorithms()
    lizsync.run("synchronize_database", {"CONNECTION_NAME_CENTRAL": "central", "CONNECTION_NAME_CLONE": "tablet"})

The work is done by a native library, which is loaded at the first call: importing this package
needs neither the library nor QGIS.
"""

from .api import algorithms, check, run
from .error import LizsyncError

__version__ = "1.0.0"
__all__ = ["LizsyncError", "algorithms", "check", "run"]


def classFactory(iface):
    """The QGIS plugin. QGIS calls this when it loads the folder as a plugin."""
    from .plugin.plugin import Plugin

    return Plugin()
