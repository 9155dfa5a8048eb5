"""The one exception of this package."""

from .language import _

KINDS = {
    1: "parameter",
    2: "unknown_algorithm",
    3: "connection",
    4: "permission",
    5: "database",
    6: "state",
    7: "file",
    8: "transfer",
    9: "program",
    10: "canceled",
    11: "internal",
}

PARAMETER, CONNECTION, STATE, FILE, CANCELED, INTERNAL = 1, 3, 6, 7, 10, 11


class LizsyncError(Exception):
    """A call that failed. Its text says what failed, on which object, and what to do about it.

    status   the number of `lizsync_status`
    kind     its name, such as "connection"
    outputs  the outputs as a dict: OUTPUT_STATUS 0, OUTPUT_STRING and `error`
    sqlstate PostgreSQL's error code, or None
    hint     what to do about it, or None where the text says it
    """

    def __init__(self, status, outputs):
        super().__init__(outputs.get("OUTPUT_STRING") or _("LizSync failed."))
        detail = outputs.get("error") or {}
        self.status = status
        self.kind = detail.get("kind") or KINDS.get(status, "internal")
        self.sqlstate = detail.get("sqlstate")
        self.hint = detail.get("hint")
        self.outputs = outputs

    @classmethod
    def of(cls, status, text, hint=None):
        """An error that this side found, in the form of those of the library."""
        detail = {"code": status, "kind": KINDS[status]}
        if hint:
            detail["hint"] = hint
            text = f"{text} {hint}"
        return cls(status, {"OUTPUT_STATUS": 0, "OUTPUT_STRING": text, "error": detail})
