"""The Python interface: list, check and run the algorithms."""

import json
import os

from . import native
from .callbacks import Bridge
from .error import INTERNAL, PARAMETER, LizsyncError
from .language import _


def algorithms():
    """The registry: a list of dicts with id, label, group, group_id, help, parameters and outputs."""
    return json.loads(native.algorithms())


def check(algorithm, parameters=None):
    """Validates parameters and reaches the servers they name; changes nothing.

    Returns the outputs as a dict; raises LizsyncError.
    """
    with Bridge() as bridge:
        status, text = native.check(*_encoded(algorithm, parameters))
    bridge.raise_kept()
    return _outcome(status, text)


def run(algorithm, parameters=None, feedback=None):
    """Runs one algorithm and returns its outputs as a dict; raises LizsyncError.

    `parameters` is a dict of parameter ids; its optional key "connections" maps connection names to
    conninfo strings or URIs, and "language" (such as "fr") says in which language the library answers: English
    where it is left out or unknown. `feedback` is any object; those of these methods that it has are
    called, in this thread: `progress(percent)`, `message(level, text)` with level "debug", "info",
    "warning" or "error", and `is_canceled()`, whose true answer ends the run with status 10.

    An exception that one of them raises, and KeyboardInterrupt, cancels the run and is raised here
    when the run has ended. A feedback whose attribute `handles_signals` is true keeps signals for
    itself: their handlers are then left alone.
    """
    with Bridge(feedback) as bridge:
        status, text = native.run(*_encoded(algorithm, parameters), bridge.struct)
    bridge.raise_kept()
    return _outcome(status, text)


def _encoded(algorithm, parameters):
    if not isinstance(algorithm, str):
        raise LizsyncError.of(PARAMETER, _("The id of an algorithm must be a text."))
    # C would see the text end at a null character; invalid text is for the library to refuse.
    name = algorithm.replace("\0", "\ufffd").encode("utf-8", "surrogatepass")
    values = {} if parameters is None else parameters
    if not isinstance(values, dict):
        raise LizsyncError.of(PARAMETER, _("The parameters must be a dict."))
    return name, ("{" + ", ".join(map(_member, values.items())) + "}").encode("ascii")


def _member(item):
    name, value = item
    try:
        return f"{json.dumps(str(name))}: {json.dumps(value, allow_nan=False, default=os.fspath)}"
    except (TypeError, ValueError, RecursionError):
        # Not the value: it may be a secret.
        message = _("Parameter {name} holds a value that cannot be handed on ({kind}).")
        message = message.format(name=name, kind=type(value).__name__)
        hint = _("Values are texts, numbers, truth values and paths.")
        raise LizsyncError.of(PARAMETER, message, hint) from None


def _outcome(status, text):
    try:
        outputs = json.loads(text)
    except ValueError:
        raise LizsyncError.of(INTERNAL, _("The library gave no outputs.")) from None
    if status != 0:
        raise LizsyncError(status, outputs)
    return outputs
