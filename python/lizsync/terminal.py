"""Writing to standard output and standard error, whatever they are."""

import contextlib
import json
import os
import sys

# A name in a database may hold what a terminal takes for a command.
CONTROL = {code: "\ufffd" for code in [*range(0x20), *range(0x7F, 0xA0)] if chr(code) not in "\n\t"}

BAR = 30


class Terminal:
    """Lines on stdout and stderr, and a progress bar on a stderr that is a terminal."""

    def __init__(self):
        for stream in (sys.stdout, sys.stderr):
            # Not every console can show every character; that must not end a run.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        self._bar = bool(sys.stderr and sys.stderr.isatty())
        self._shown = None
        self.both = self._bar and bool(sys.stdout and sys.stdout.isatty())

    def out(self, text):
        """Writes a line to stdout."""
        if sys.stdout:
            sys.stdout.write(text.translate(CONTROL) + "\n")

    def json(self, value):
        """Writes JSON to stdout, in ASCII where the stream has another encoding than UTF-8."""
        if sys.stdout:
            encoding = (sys.stdout.encoding or "").lower().replace("-", "")
            sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=encoding != "utf8") + "\n")

    def err(self, text):
        """Writes a line to stderr, above the progress bar."""
        shown = self._shown
        self.end_progress()
        self._write(text.translate(CONTROL) + "\n")
        if shown is not None:
            self.progress(shown)

    def progress(self, percent):
        """Shows the bar, where stderr is a terminal."""
        percent = int(percent)
        if self._bar and percent != self._shown:
            self._shown = percent
            done = BAR * percent // 100
            self._write("\r[{}{}] {:3d} %".format("#" * done, "." * (BAR - done), percent))

    def end_progress(self):
        """Takes the bar away."""
        if self._shown is not None:
            self._shown = None
            self._write("\r" + " " * (BAR + 8) + "\r")

    def flush(self):
        """Writes out what is still held back."""
        if sys.stdout:
            sys.stdout.flush()

    def discard(self):
        """Drops what stdout still holds back."""
        discard(sys.stdout)

    @staticmethod
    def _write(text):
        try:
            if sys.stderr:
                sys.stderr.write(text)
                sys.stderr.flush()
        except (OSError, ValueError):
            # A run goes on when nobody reads its messages any more.
            discard(sys.stderr)


def discard(stream):
    """Sends what a stream holds back, and all that follows, nowhere. Python would write it at its
    end, fail, and turn the exit status into 120."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
