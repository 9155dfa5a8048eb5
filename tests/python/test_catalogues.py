"""The catalogues are whole and compiled, and no words of the package are outside of them."""

import ast
import gettext
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

from conftest import ROOT
from lizsync import language


def msgids(file):
    """The messages in a template or a catalogue."""
    out = subprocess.run(
        ["msgcat", "--no-wrap", str(file)], stdout=subprocess.PIPE, check=True, encoding="utf-8"
    ).stdout
    return set(re.findall(r'^(?:msgid|msgid_plural) (".*(?:\n".*)*)', out, re.MULTILINE))


def catalogues():
    return sorted((ROOT / "po").glob("*.po"))


def test_each_catalogue_is_compiled(tmp_path):
    for file in catalogues():
        made = tmp_path / "a.mo"
        subprocess.run(
            ["msgfmt", "--check", "--no-hash", "--endianness=little", "-o", str(made), str(file)], check=True
        )
        compiled = language.FOLDER / file.stem / "LC_MESSAGES" / "lizsync.mo"
        assert made.read_bytes() == compiled.read_bytes(), "run “make messages” and commit it"
        with open(compiled, "rb") as opened:
            assert gettext.GNUTranslations(opened).gettext("a number") != "a number"
    assert sorted(folder.name for folder in language.FOLDER.iterdir()) == [file.stem for file in catalogues()]


def test_each_text_of_the_command_line_is_in_the_catalogues(tmp_path):
    template = tmp_path / "python.pot"
    files = sorted((ROOT / "python" / "lizsync").glob("*.py"))
    subprocess.run(
        ["xgettext", "--from-code=UTF-8", "--language=Python", "-o", str(template), *map(str, files)], check=True
    )
    wanted = msgids(template) - {'""'}
    assert len(wanted) > 50
    for file in catalogues():
        assert wanted - msgids(file) == set(), "run “make messages”, and translate"


def test_the_texts_of_the_plugin_are_translated_and_compiled(tmp_path):
    for file in catalogues():
        source = ROOT / "po" / f"plugin_{file.stem}.ts"
        fresh = tmp_path / source.name
        shutil.copy(source, fresh)
        texts = sorted(map(str, (ROOT / "python" / "lizsync" / "plugin").glob("*.py")))
        subprocess.run(["pylupdate5", "-noobsolete", *texts, "-ts", str(fresh)], check=True)
        assert set(messages(fresh)) == set(messages(source)), "run “make messages”, and translate"
        for text, translation in messages(source).items():
            assert translation is not None and translation.strip(), text
            assert set(re.findall(r"\{\w*\}", text)) == set(re.findall(r"\{\w*\}", translation)), text
        made = tmp_path / "a.qm"
        subprocess.run(["lrelease", "-silent", str(source), "-qm", str(made)], check=True)
        compiled = ROOT / "python" / "lizsync" / "i18n" / f"lizsync_{file.stem}.qm"
        assert made.read_bytes() == compiled.read_bytes(), "run “make messages” and commit it"


def messages(file):
    """Source to translation; None where that is not finished."""
    found = {}
    for message in ET.parse(file).iter("message"):
        translation = message.find("translation")
        found[message.findtext("source")] = translation.text if translation.get("type") is None else None
    return found


PROSE = re.compile(r"[a-z]{2,},? [a-z]{2,}")
# A page with places, keywords of libpq, and code.
NO_PROSE = ("<!DOCTYPE", "application_name ", "from lizsync")


def test_no_text_of_the_package_is_outside_of_the_catalogues():
    """Words stand in `_(…)`, `translate(…)` or documentation."""
    for file in sorted((ROOT / "python" / "lizsync").rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for line, text in outside(tree, documentation(tree)):
            assert text.startswith(NO_PROSE), f"{file}:{line}: {text}"


def documentation(tree):
    """The docstrings, by their ids."""
    blocks = [node for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))]
    first = [node.body[0].value for node in blocks if node.body and isinstance(node.body[0], ast.Expr)]
    return {id(value) for value in first}


def outside(node, passed):
    """Line and text of the literals with words that are nobody's to translate."""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
        if name in ("_", "translate"):
            return
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    if is_text and id(node) not in passed and PROSE.search(node.value):
        yield node.lineno, node.value
    for child in ast.iter_child_nodes(node):
        yield from outside(child, passed)
