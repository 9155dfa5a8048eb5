"""The callbacks of the library, and the exceptions that must come through them."""

import ctypes
import signal
import threading

PROGRESS = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_double)
MESSAGE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p)
IS_CANCELED = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p)

LEVELS = ("debug", "info", "warning", "error")


class Feedback(ctypes.Structure):
    """`lizsync_feedback`."""

    _fields_ = [
        ("user_data", ctypes.c_void_p),
        ("progress", PROGRESS),
        ("message", MESSAGE),
        ("is_canceled", IS_CANCELED),
    ]


class Bridge:
    """Hands the library's callbacks to a Python object, and keeps what they raise.

    ctypes cannot carry an exception through C: it would be printed and lost. The first one is
    kept, cancels the run, and is raised by `raise_kept` when the run has ended. The same goes for
    what a signal handler raises (Ctrl-C): Python calls handlers between any two instructions, so
    also where no callback could catch it; hence the handlers themselves are wrapped.
    """

    def __init__(self, feedback=None):
        self._kept = None
        self._handlers = {}
        self._wraps = not getattr(feedback, "handles_signals", False)
        progress = getattr(feedback, "progress", None)
        message = getattr(feedback, "message", None)
        is_canceled = getattr(feedback, "is_canceled", None)

        def on_progress(_, percent):
            self._guard(progress, percent)

        def on_message(_, level, utf8):
            text = utf8.decode("utf-8", "replace")
            self._guard(message, LEVELS[level] if 0 <= level < len(LEVELS) else "info", text)

        def on_poll(_):
            # Also polled when nobody can cancel: Python handles signals only while it runs.
            return bool(is_canceled and self._guard(is_canceled)) or self._kept is not None

        # The struct holds the callback objects, so they live as long as it does.
        self.struct = Feedback(
            None,
            PROGRESS(on_progress) if progress else PROGRESS(),
            MESSAGE(on_message) if message else MESSAGE(),
            IS_CANCELED(on_poll),
        )

    def _guard(self, function, *arguments):
        if self._kept is None:
            try:
                return function(*arguments)
            except BaseException as error:
                self._keep(error)
        return None

    def _keep(self, error):
        if self._kept is None:
            self._kept = error

    def _wrapped(self, handler):
        def wrapper(number, frame):
            try:
                handler(number, frame)
            except BaseException as error:
                self._keep(error)

        return wrapper

    def __enter__(self):
        # Python runs signal handlers in the main thread, and only there they can be changed.
        if self._wraps and threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGBREAK"):
                number = getattr(signal, name, None)
                handler = signal.getsignal(number) if number is not None else None
                if callable(handler):
                    self._handlers[number] = handler
                    signal.signal(number, self._wrapped(handler))
        return self

    def __exit__(self, *_):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers.clear()

    def raise_kept(self):
        """Raises what a callback or a signal handler raised."""
        if self._kept is not None:
            raise self._kept
