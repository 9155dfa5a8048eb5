"""qgis_process, in the profile of the tests."""

import json
import os
import shutil
import subprocess

PROGRAM = shutil.which("qgis_process.bin") or "/usr/bin/qgis_process.bin"


def environment(**changes):
    """Debian's program crashes when another Python comes first in PATH. None takes a variable away."""
    values = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PATH": "/usr/bin:/bin", **changes}
    values.pop("PYTHONPATH", None)
    return {name: value for name, value in values.items() if value is not None}


def start(*arguments, **changes):
    """Starts qgis_process."""
    return subprocess.Popen(
        [PROGRAM, *arguments],
        env=environment(**changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def run(*arguments, **changes):
    """Runs qgis_process; returns exit status, stdout and stderr."""
    with start(*arguments, **changes) as process:
        out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def run_algorithm(algorithm, parameters, *options, **changes):
    """Runs an algorithm of ours; returns exit status, the JSON on stdout if there is any, and stderr."""
    assignments = [f"{key}={value}" for key, value in parameters.items()]
    status, out, err = run(*options, "--json", "run", f"lizsync:{algorithm}", *assignments, **changes)
    begin = out.find("{")
    return status, json.loads(out[begin:]) if begin >= 0 else None, err
