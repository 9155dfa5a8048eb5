"""From the command line and a --params file to the parameters of a run."""

import json
import re
import sys

from . import api
from .error import FILE, PARAMETER, LizsyncError
from .language import _

TRUTH = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def find(algorithm):
    """The registry's entry of an algorithm, or None."""
    return next((entry for entry in api.algorithms() if entry["id"] == algorithm), None)


def parameters(options):
    """The parameters of a run: those of the file, then KEY=VALUE by the registry's types."""
    given = read_params(options.params) if options.params is not None else {}
    entry = find(options.id) or {"parameters": []}
    types = {parameter["id"]: parameter["type"] for parameter in entry["parameters"]}
    seen = set()
    for assignment in options.assignments:
        key, text = assignment.split("=", 1)
        if key in seen:
            name = key if key in types else _("number {number}").format(number=len(seen) + 1)
            raise LizsyncError.of(PARAMETER, _("Parameter {name} is given twice.").format(name=name))
        seen.add(key)
        # The library refuses a key that it does not know, and says which ones it does.
        given[key] = convert(key, text, types.get(key))
    return given


def convert(key, text, kind):
    """The value that `text` means for a parameter of this type; an empty text leaves it out."""
    if kind in ("boolean", "number") and not text.strip():
        return None
    if kind == "boolean":
        if text.strip().lower() not in TRUTH:
            raise LizsyncError.of(
                PARAMETER,
                _("Parameter {key} must be true or false.").format(key=key),
                _("Write {key}=true or {key}=false.").format(key=key),
            )
        return TRUTH[text.strip().lower()]
    if kind == "number":
        for number in (int, float):
            try:
                return number(text)
            except ValueError:
                pass
        raise LizsyncError.of(PARAMETER, _("Parameter {key} must be a number.").format(key=key))
    return text


def read_params(name):
    """The JSON object in a file, or on standard input for `-`."""
    shown = _("standard input") if name == "-" else name
    if re.search(r"://|=|@|^[^/\\]{2,}:", name):
        # A connection string in the wrong place, which may hold a password.
        raise LizsyncError.of(FILE, _("What --params names is no file."), _("Name a JSON file with --params."))
    try:
        if name == "-":
            data = sys.stdin.buffer.read()
        else:
            with open(name, "rb") as file:
                data = file.read()
    except OSError as error:
        message = _("The parameters cannot be read from {shown}: {error}.").format(shown=shown, error=error.strerror)
        raise LizsyncError.of(FILE, message, _("Name a JSON file with --params.")) from None
    try:
        given = json.loads(data.decode("utf-8-sig"))
    except ValueError as error:
        # Only the place: the text around it may hold a password.
        line = getattr(error, "lineno", None)
        message = _("{shown} does not hold valid JSON in UTF-8.").format(shown=shown)
        if line:
            message = _("{shown} does not hold valid JSON in UTF-8 (line {line} column {column}).")
            message = message.format(shown=shown, line=line, column=error.colno)
        raise LizsyncError.of(PARAMETER, message) from None
    except RecursionError:
        raise LizsyncError.of(
            PARAMETER, _("{shown} holds JSON that is nested too deeply.").format(shown=shown)
        ) from None
    if not isinstance(given, dict):
        raise LizsyncError.of(PARAMETER, _("{shown} must hold a JSON object of parameters.").format(shown=shown))
    return given
