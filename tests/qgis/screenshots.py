"""Pictures of the plugin in QGIS, for the documentation.

    python3 tests/servers.py run /usr/bin/python3 tests/qgis/screenshots.py FOLDER [LANGUAGE]

Starts QGIS in an Xvfb, in a profile of its own; `pictures.py` runs inside it.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

SETTINGS = r"""
[PythonPlugins]
lizsync=true
processing=true

[PostgreSQL]
connections\central\host=127.0.0.1
connections\central\port={port}
connections\central\database={database}
connections\central\username=postgres
connections\central\password={password}
connections\central\saveUsername=true
connections\central\savePassword=true
connections\tablet\service=tablet

[locale]
overrideFlag=true
userLocale={locale}

[qgis]
checkVersion=false
showTips=false
newsFeed\disabled=true

[Processing]
Configuration\RESULTS_GROUP_NAME=
"""

SERVICE = """
[tablet]
host=127.0.0.1
port={port}
dbname={database}
user=postgres
password={password}
"""


def outside(folder, locale):
    """Starts QGIS."""
    sys.path.insert(0, str(ROOT / "tests"))
    from databases import Database, variable

    folder.mkdir(parents=True, exist_ok=True)
    profiles = pathlib.Path(tempfile.mkdtemp(prefix="lizsync-pictures-"))
    settings = profiles / "profiles" / "default" / "QGIS" / "QGIS3.ini"
    settings.parent.mkdir(parents=True)
    try:
        database = Database("field_survey")
        Database("postgres").query("CREATE DATABASE field_survey")
        Database("postgres").query("CREATE DATABASE tablet")
        values = {"port": variable("LIZSYNC_TEST_PORT"), "password": variable("LIZSYNC_TEST_PASSWORD")}
        services = profiles / "pg_service.conf"
        services.touch(0o600)
        services.write_text(SERVICE.format(database="tablet", **values), encoding="utf-8")
        settings.write_text(SETTINGS.format(database=database.name, locale=locale, **values), encoding="utf-8")
        environment = {
            **os.environ,
            "QGIS_PLUGINPATH": str(ROOT / "python"),
            "LIZSYNC_PICTURES": str(folder),
            "HOME": str(profiles),
            "PGSERVICEFILE": str(services),
            "XDG_RUNTIME_DIR": str(profiles),
            "LC_ALL": "C.UTF-8",
            # Another Python in front of that of the system cannot load QGIS.
            "PATH": "/usr/bin:/bin",
        }
        environment.pop("QT_QPA_PLATFORM", None)
        program = ["xvfb-run", "-a", "-s", "-screen 0 1400x1000x24", "/usr/bin/qgis", "--nologo"]
        options = [
            "--noversioncheck",
            "--profiles-path",
            str(profiles),
            "--code",
            str(ROOT / "tests" / "qgis" / "pictures.py"),
        ]
        with subprocess.Popen([*program, *options], env=environment, start_new_session=True) as running:
            try:
                if running.wait(120):
                    sys.exit("QGIS failed.")
            finally:
                # Only xvfb-run is a child of ours; the others are in its session.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(running.pid, signal.SIGTERM)
    finally:
        shutil.rmtree(profiles, ignore_errors=True)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    outside(pathlib.Path(sys.argv[1]).resolve(), (*sys.argv[2:], "en_US")[0])
