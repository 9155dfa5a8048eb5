"""What the other tests rely on."""

from qgis.core import Qgis


def test_qgis_is_one_that_the_plugin_supports():
    assert Qgis.QGIS_VERSION_INT >= 31600
