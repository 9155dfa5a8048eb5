"""Finding, loading and calling the native library (see include/lizsync.h)."""

import ctypes
import os
import pathlib
import struct
import sys
import threading

from .callbacks import Feedback
from .error import FILE, STATE, LizsyncError
from .language import _

ABI_VERSION = 1

PACKAGE = pathlib.Path(__file__).resolve().parent

_lock = threading.Lock()
_loaded = None


def file_name():
    """What the library's file is called on this system."""
    if sys.platform == "win32":
        return "lizsync.dll"
    return "liblizsync.dylib" if sys.platform == "darwin" else "liblizsync.so"


def candidates():
    """The places where the library may be, in order. LIZSYNC_LIBRARY rules out all others."""
    given = os.environ.get("LIZSYNC_LIBRARY")
    if given:
        return [pathlib.Path(given)]
    places = [PACKAGE, PACKAGE.parent]
    repository = PACKAGE.parent.parent
    if (repository / "Cargo.toml").is_file():
        places.append(repository / "target" / "release")
    return [place / file_name() for place in places]


def installed():
    """The places where an installed wheel has it: the plugin of QGIS may be another folder, without it."""
    if os.environ.get("LIZSYNC_LIBRARY"):
        return []
    return [pathlib.Path(place) / PACKAGE.name / file_name() for place in sys.path if os.path.isabs(place)]


def path():
    """The library's file. LizsyncError (status 7) says where it was looked for."""
    places = candidates()
    for place in places + installed():
        if place.is_file():
            return place
    raise LizsyncError.of(
        FILE,
        _("The LizSync library was not found in {places}.").format(places=", ".join(map(str, places))),
        _("Build it with “make build”, or let the environment variable LIZSYNC_LIBRARY name its file."),
    )


def library():
    """The loaded library. LizsyncError when it is missing, cannot be loaded, or has another ABI."""
    global _loaded
    with _lock:
        if _loaded is None:
            _loaded = _load(path())
        return _loaded


def _load(file):
    try:
        if _is_cut_off(file):
            raise OSError(_("the file is not complete"))
        found = ctypes.CDLL(str(file))
        number = found.lizsync_abi_version
    except (OSError, AttributeError) as error:
        raise _unusable(file, error) from error
    number.restype = ctypes.c_uint32
    number.argtypes = []
    if number() != ABI_VERSION:
        raise LizsyncError.of(
            STATE,
            _("The LizSync library {file} has interface {number}, this Python package needs {needed}.").format(
                file=file, number=number(), needed=ABI_VERSION
            ),
            _("Install the library and the package of the same version."),
        )
    out = ctypes.POINTER(ctypes.c_void_p)
    # An owned string is a c_void_p: as c_char_p, ctypes would copy it and lose the pointer to free.
    functions = {
        "lizsync_version": (ctypes.c_char_p, []),
        "lizsync_algorithms": (ctypes.c_void_p, []),
        "lizsync_string_free": (None, [ctypes.c_void_p]),
        "lizsync_check": (ctypes.c_int, [ctypes.c_char_p, ctypes.c_char_p, out]),
        "lizsync_run": (ctypes.c_int, [ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(Feedback), out]),
    }
    try:
        for name, (result, arguments) in functions.items():
            function = getattr(found, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as error:
        raise _unusable(file, error) from error
    return found


def _unusable(file, error):
    return LizsyncError.of(
        FILE,
        _("The LizSync library {file} cannot be loaded: {error}.").format(file=file, error=error),
        _("It must be built for this system and processor."),
    )


def _is_cut_off(file):
    """Whether the end of a library of Linux is missing, as after a full disk: loading it would end the process, and
    that may be QGIS. The table of its sections is the last thing in it."""
    with open(file, "rb") as opened:
        head = opened.read(64)
    if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
        return False
    (begin,) = struct.unpack_from("<Q", head, 40)
    size, count = struct.unpack_from("<HH", head, 58)
    return os.path.getsize(file) < begin + size * count


def version():
    """The version of the library."""
    return library().lizsync_version().decode("utf-8")


def algorithms():
    """The registry as JSON text."""
    return _take(library(), library().lizsync_algorithms())


def check(algorithm, parameters):
    """Calls lizsync_check; returns its status and JSON text. The arguments are bytes in UTF-8."""
    found = library()
    out = ctypes.c_void_p()
    status = found.lizsync_check(algorithm, parameters, ctypes.byref(out))
    return status, _take(found, out.value)


def run(algorithm, parameters, feedback):
    """Calls lizsync_run; `feedback` is a `callbacks.Feedback`, alive until this returns."""
    found = library()
    out = ctypes.c_void_p()
    status = found.lizsync_run(algorithm, parameters, ctypes.byref(feedback), ctypes.byref(out))
    return status, _take(found, out.value)


def _take(found, pointer):
    """The text at `pointer`, which is freed."""
    if not pointer:
        return ""
    try:
        return ctypes.string_at(pointer).decode("utf-8")
    finally:
        found.lizsync_string_free(pointer)
