"""The QGIS plugin: a Processing provider whose algorithms are made from the registry."""
