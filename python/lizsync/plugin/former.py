"""LizSync.ini, where the former plugin kept its settings. It is only read."""

import configparser
import os
import pathlib

from qgis.core import QgsApplication

# Section and key to the parameter. Passwords are left where they are.
PARAMETERS = {
    ("general", "database_archive_file"): "ZIP_FILE",
    ("general", "excluded_columns"): "EXCLUDED_COLUMNS",
    ("general", "additional_sql_file"): "ADDITIONAL_SQL_FILE",
    ("local", "qgis_project_folder"): "LOCAL_QGIS_PROJECT_FOLDER",
    ("local", "excluded_directories"): "FTP_EXCLUDE_REMOTE_SUBDIRS",
    ("clone", "qgis_project_folder"): "CLONE_QGIS_PROJECT_FOLDER",
    ("binaries", "postgresql"): "POSTGRESQL_BINARY_PATH",
    ("postgresql:central", "name"): "CONNECTION_NAME_CENTRAL",
    ("postgresql:central", "schemas"): "SCHEMAS",
    ("postgresql:clone", "name"): "CONNECTION_NAME_CLONE",
    ("ftp:central", "host"): "CENTRAL_FTP_HOST",
    ("ftp:central", "port"): "CENTRAL_FTP_PORT",
    ("ftp:central", "user"): "CENTRAL_FTP_LOGIN",
    ("ftp:central", "remote_directory"): "CENTRAL_FTP_REMOTE_DIR",
    ("ftp:clone", "host"): "CLONE_FTP_HOST",
    ("ftp:clone", "port"): "CLONE_FTP_PORT",
    ("ftp:clone", "user"): "CLONE_FTP_LOGIN",
    ("ftp:clone", "remote_directory"): "CLONE_FTP_REMOTE_DIR",
}


def path():
    """The file: the one that LIZSYNC_CONFIG_FILE names, or that in the profile."""
    given = os.environ.get("LIZSYNC_CONFIG_FILE")
    return pathlib.Path(given or os.path.join(QgsApplication.qgisSettingsDirPath(), "LizSync.ini"))


def read():
    """Parameter id to text; empty where there is no such file."""
    # A percent sign is a percent sign, and a file with a key twice, or with one without a value, is still a file.
    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        parser.read_string(decoded(path().read_bytes()))
    except (OSError, configparser.Error):
        return {}
    found = {name: (parser.get(*place, fallback="") or "").strip() for place, name in PARAMETERS.items()}
    return {name: value for name, value in found.items() if value}


def decoded(content):
    """The text of the file. Python on Windows wrote it in the encoding of the system."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
