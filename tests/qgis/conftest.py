"""The QGIS that these tests run in: Debian's, without a window."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
