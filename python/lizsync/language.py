"""The language of texts: English, or one that has a catalogue in `locale/`.

The command line takes it from the environment, the plugin from QGIS. Elsewhere texts are English until
`use` is called; the key "language" of the parameters says in which language the library answers.
"""

import gettext
import os
import pathlib

DOMAIN = "lizsync"
FOLDER = pathlib.Path(__file__).resolve().parent / "locale"

_catalogue = gettext.NullTranslations()
_code = ""


def _(text):
    """The text in the language in use."""
    return _catalogue.gettext(text)


def code():
    """The language in use, as the key "language" takes it; empty for English."""
    return _code


def use(wanted):
    """Sets the language by a code such as `fr` or `fr_FR.UTF-8`; one that has no catalogue is English."""
    global _catalogue, _code
    _code, _catalogue = "", gettext.NullTranslations()
    language = base(wanted)
    file = FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.mo"
    # A language is one folder; a code is nothing else than letters.
    if language.isalpha() and file.is_file():
        with open(file, "rb") as opened:
            _catalogue = gettext.GNUTranslations(opened)
        _code = language


def base(wanted):
    """`fr` of `fr_FR.UTF-8@euro`."""
    for separator in ".@_-":
        wanted = wanted.partition(separator)[0]
    return wanted.strip().lower()


def of_environment(environment=os.environ):
    """The language that the environment asks for, as gettext reads it: the locale is the first of LC_ALL, LC_MESSAGES
    and LANG that is set; unless that is C, the list in LANGUAGE comes before it."""
    locale = next(filter(None, (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    if base(locale) in ("", "c", "posix"):
        return ""
    wishes = (environment.get("LANGUAGE") or "").split(":") + [locale]
    for wish in filter(None, wishes):
        # English is what the texts are written in.
        if base(wish) == "en" or (FOLDER / base(wish)).is_dir():
            return base(wish)
    return ""


def use_environment():
    """Sets the language of a process that is ours: the texts of argparse follow."""
    use(of_environment())
    if _code:
        gettext.bindtextdomain(DOMAIN, str(FOLDER))
        gettext.textdomain(DOMAIN)


def registry(entries):
    """Entries of the registry with labels, groups and help in the language in use."""
    return [translated(entry) for entry in entries]


def translated(entry):
    """An entry of the registry, of a parameter or of an output, with its texts in the language in use."""
    made = {**entry, **{key: _(entry[key]) for key in ("label", "group", "help") if entry.get(key)}}
    for part in ("parameters", "outputs"):
        if part in entry:
            made[part] = registry(entry[part])
    return made


def of_argparse():
    """What argparse says by itself, in all its versions: for the catalogue."""
    return (
        _("usage: "),
        _("positional arguments"),
        _("optional arguments"),
        _("options"),
        _("show this help message and exit"),
        _("%(prog)s: error: %(message)s\n"),
        _("the following arguments are required: %s"),
        _("expected one argument"),
        _("unrecognized arguments: %s"),
        _("argument %(argument_name)s: %(message)s"),
        _("invalid choice: %(value)r (choose from %(choices)s)"),
        _("ignored explicit argument %r"),
    )
