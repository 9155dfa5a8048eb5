"""The help of an algorithm in HTML, from its entry in the registry. `help/` holds the pages."""

import html
import pathlib

from . import language
from .language import _

FOLDER = pathlib.Path(__file__).resolve().parent / "help"

PAGE = """<!DOCTYPE html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font-family: sans-serif; line-height: 1.45; max-width: 50em; margin: 2em auto; padding: 0 1em }}
table {{ border-collapse: collapse }}
th, td {{ border: 1px solid #bbb; padding: .3em .6em; text-align: left; vertical-align: top }}
</style>
<p>LizSync › {group}</p>
<h1>{label}</h1>
{text}
<h2>{Parameters}</h2>
<table>
<tr><th>{Parameter}<th>{Meaning}<th>{Type}<th>{Default}</tr>
{parameters}
</table>
<h2>{Outputs}</h2>
<table>
<tr><th>{Output}<th>{Meaning}<th>{Type}</tr>
{outputs}
</table>
<p>{In_scripts} <code>lizsync:{id}</code></p>
</html>
"""


def page(algorithm):
    """The file with the help of an algorithm, in the language in use."""
    return FOLDER / language.code() / f"{algorithm}.html"


def text(entry):
    """The help text: paragraphs, and lists where lines begin with an asterisk. All in one line, since
    QGIS makes a paragraph of every line."""
    parts = []
    for block in entry["help"].split("\n\n"):
        in_list = False
        lines = []
        for line in filter(None, map(str.strip, block.splitlines())):
            item = line.startswith("* ")
            if item != in_list:
                lines.append("<ul>" if item else "</ul>")
                in_list = item
            shown = html.escape(line[2:] if item else line, quote=False)
            lines.append(f"<li>{shown}</li>" if item else f"{shown}<br>")
        if in_list:
            lines.append("</ul>")
        joined = "".join(lines).replace("<br><ul>", "</p><ul>")
        joined = joined[: -len("<br>")] + "</p>" if joined.endswith("<br>") else joined
        parts.append(joined if joined.startswith("<ul>") else f"<p>{joined}")
    return "".join(parts)


def document(entry):
    """The page about an algorithm, with its parameters and outputs."""
    entry = language.translated(entry)
    return PAGE.format(
        language=language.code() or "en",
        title=html.escape(_("LizSync: {label}").format(label=entry["label"])),
        Parameters=_("Parameters"),
        Parameter=_("Parameter"),
        Meaning=_("Meaning"),
        Type=_("Type"),
        Default=_("Default"),
        Outputs=_("Outputs"),
        Output=_("Output"),
        In_scripts=_("In scripts and models:"),
        id=html.escape(entry["id"]),
        label=html.escape(entry["label"]),
        group=html.escape(entry["group"]),
        text=text(entry),
        parameters="\n".join(row(each, default(each)) for each in entry["parameters"]),
        outputs="\n".join(row(each) for each in entry["outputs"]),
    )


def row(entry, *more):
    """A row about a parameter or an output."""
    what = kind(entry["type"])
    if not entry.get("required", True):
        what = _("{kind}, optional").format(kind=what)
    cells = [html.escape(str(cell)) for cell in (entry["label"], what, *more)]
    return "<tr><td><code>{}</code><td>{}</tr>".format(html.escape(entry["id"]), "<td>".join(cells))


def kind(name):
    """The type of a parameter or an output, for people."""
    known = {
        "connection": _("connection"),
        "boolean": _("boolean"),
        "string": _("string"),
        "password": _("password"),
        "number": _("number"),
        "file": _("file"),
        "folder": _("folder"),
        "file_destination": _("file destination"),
    }
    return known.get(name, name.replace("_", " "))


def default(parameter):
    """A default in words that hold on every machine."""
    if "temporary_file" in parameter:
        return _("{file} in the temporary directory").format(file=parameter["temporary_file"])
    value = parameter["default"]
    if value is None:
        return ""
    return (_("yes") if value else _("no")) if isinstance(value, bool) else value
