"""The registry of algorithms as a file of this package: what QGIS shows without the native library.

python3 -m lizsync.registry     writes registry.json and the pages in help/ anew from the library
"""

import json
import os
import pathlib
import tempfile

from . import api, language, manual

FILE = pathlib.Path(__file__).resolve().parent / "registry.json"


def read():
    """The committed registry, with the defaults of this machine."""
    entries = json.loads(FILE.read_text(encoding="utf-8"))
    for entry in entries:
        for parameter in entry["parameters"]:
            name = parameter.pop("temporary_file", None)
            if name:
                parameter["default"] = os.path.join(tempfile.gettempdir(), name)
    return entries


def fresh():
    """The registry that the library gives, without what belongs to this machine: a default in the
    temporary directory becomes the key `temporary_file`."""
    entries = api.algorithms()
    for entry in entries:
        for parameter in entry["parameters"]:
            default = parameter["default"]
            if isinstance(default, str) and os.path.dirname(default) == tempfile.gettempdir():
                parameter["default"] = None
                parameter["temporary_file"] = os.path.basename(default)
    return entries


def files():
    """The files of this package that are made from the library's registry, and what they hold."""
    entries = fresh()
    made, before = {}, language.code()
    for code in ("", *sorted(folder.name for folder in language.FOLDER.iterdir())):
        language.use(code)
        made.update({manual.page(entry["id"]): manual.document(entry) for entry in entries})
    language.use(before)
    made[FILE] = json.dumps(entries, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    return made


def write():
    """Writes them, and removes pages of algorithms that are no more."""
    made = files()
    for old in set(manual.FOLDER.rglob("*.html")) - set(made):
        old.unlink()
    for file, text in made.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
