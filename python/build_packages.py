"""Writes what people install: the QGIS plugin as ZIP files, and the wheel of the Python package.

    python3 python/build_packages.py plugin|wheel LIBRARY FOLDER

LIBRARY is the built native library; FOLDER gets the files. Equal input gives equal bytes. Only the
standard library is used, and readelf of binutils where the library is one of Linux.
"""

import base64
import hashlib
import os
import pathlib
import platform
import re
import subprocess
import sys
import sysconfig
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "python" / "lizsync"
TIME = (2020, 1, 1, 0, 0, 0)
LIBRARIES = {".so": "liblizsync.so", ".dylib": "liblizsync.dylib", ".dll": "lizsync.dll"}

# What the policy of manylinux lets a library take from the system, of that which Rust links to.
SYSTEM = re.compile(r"(ld-linux.*|libc|libm|libdl|librt|libpthread|libgcc_s)\.so\.\d+")


def metadata():
    """The general section of metadata.txt: key to text."""
    text = (PACKAGE / "metadata.txt").read_text(encoding="utf-8")
    # A line that begins with a blank goes on with the one before.
    text = re.sub(r"\n[ \t]+", " ", text)
    return dict(re.findall(r"(?m)^(\w+)=(.*)$", text))


def sources():
    """The files of the package: name inside `lizsync/` to bytes. No libraries, and nothing that Python left."""
    found = {}
    for file in PACKAGE.rglob("*"):
        name = file.relative_to(PACKAGE)
        hidden = any(part == "__pycache__" or part.startswith(".") for part in name.parts)
        if file.is_file() and not hidden and file.suffix not in (*LIBRARIES, ".pyc"):
            found[f"lizsync/{name.as_posix()}"] = file.read_bytes()
    return found


def write(file, members):
    """A ZIP file of those members, with nothing in it that depends on the day or the machine."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            entry = zipfile.ZipInfo(name, TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            # Unix, whatever this runs on: a plain file that all may read, and a library that all may run.
            entry.create_system = 3
            mode = 0o755 if pathlib.PurePosixPath(name).suffix in LIBRARIES else 0o644
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, content)
    print(f"{file} ({file.stat().st_size:,} bytes)")


def glibc(library):
    """The oldest glibc that has all the library asks for, as two numbers. SystemExit where it asks for more
    than manylinux lets it."""
    text = readelf("--dynamic", library)
    other = [name for name in re.findall(r"\(NEEDED\).*\[(.*)\]", text) if not SYSTEM.fullmatch(name)]
    if other:
        raise SystemExit("{} needs {}, which is not on every Linux.".format(library, ", ".join(other)))
    versions = re.findall(r"\bGLIBC_(\d+)\.(\d+)", readelf("--version-info", library))
    if not versions:
        raise SystemExit(f"{library} asks for no version of glibc: is it built for another libc?")
    return max((int(major), int(minor)) for major, minor in versions)


def readelf(option, library):
    command = ["readelf", "--wide", option, str(library)]
    try:
        told = subprocess.run(command, stdout=subprocess.PIPE, check=True, env={**os.environ, "LC_ALL": "C"})
    except FileNotFoundError:
        raise SystemExit("readelf was not found; it is in the package binutils.") from None
    return told.stdout.decode()


def platform_tag(library):
    """The platform tag of wheels (PEP 425, PEP 600)."""
    tag = re.sub(r"[-.]", "_", sysconfig.get_platform())
    # A Python of macOS may be for two processors; the library is for one.
    tag = tag.replace("universal2", platform.machine())
    if library.suffix == ".so" and tag.startswith("linux_"):
        return "manylinux_{}_{}_{}".format(*glibc(library), tag[len("linux_") :])
    return tag


def plugin(library, folder):
    """The plugin without the library, as plugins.qgis.org wants it, and with it."""
    version = metadata()["version"]
    members = {**sources(), "lizsync/LICENSE": (ROOT / "LICENSE").read_bytes()}
    write(folder / f"lizsync-{version}.zip", sorted(members.items()))
    members["lizsync/" + LIBRARIES[library.suffix]] = library.read_bytes()
    write(folder / f"lizsync-{version}-{platform_tag(library)}.zip", sorted(members.items()))


def wheel(library, folder):
    """The wheel (PEP 427)."""
    about = metadata()
    version, tag = about["version"], f"py3-none-{platform_tag(library)}"
    members = {**sources(), "lizsync/" + LIBRARIES[library.suffix]: library.read_bytes()}
    information = f"lizsync-{version}.dist-info"
    headers = [
        ("Metadata-Version", "2.1"),
        ("Name", "lizsync"),
        ("Version", version),
        ("Summary", about["description"]),
        ("Home-page", about["homepage"]),
        ("Author", about["author"]),
        ("Author-email", about["email"]),
        ("License", about["licence"]),
        ("Project-URL", "Source, " + about["repository"]),
        ("Project-URL", "Issues, " + about["tracker"]),
        ("Keywords", about["tags"]),
        ("Requires-Python", ">=3.7"),
        ("Description-Content-Type", "text/plain"),
    ]
    head = "".join(f"{key}: {value}\n" for key, value in headers)
    # RECORD comes last, and holds all but its own hash.
    last = {
        f"{information}/METADATA": head + "\n" + about["about"] + "\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: lizsync\n"
        # It is not pure: it must go where the files of one platform go.
        f"Root-Is-Purelib: false\nTag: {tag}\n",
        f"{information}/entry_points.txt": "[console_scripts]\nlizsync = lizsync.cli:main\n",
        f"{information}/LICENSE": (ROOT / "LICENSE").read_text(encoding="utf-8"),
    }
    members = sorted(members.items()) + [(name, text.encode()) for name, text in sorted(last.items())]
    record = f"{information}/RECORD"
    lines = [f"{name},sha256={digest(content)},{len(content)}\n" for name, content in members]
    members.append((record, "".join([*lines, f"{record},,\n"]).encode()))
    write(folder / f"lizsync-{version}-{tag}.whl", members)


def digest(content):
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def main(what, library, folder):
    library = pathlib.Path(library)
    if library.suffix not in LIBRARIES or not library.is_file():
        raise SystemExit(f"{library} is no library: build it with “make build”.")
    {"plugin": plugin, "wheel": wheel}[what](library, pathlib.Path(folder))


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("plugin", "wheel"):
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
