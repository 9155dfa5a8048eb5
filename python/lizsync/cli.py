"""The command line: list, describe, check and run the algorithms."""

import argparse
import re
import signal
import sys
import textwrap

from . import api, language, native
from .error import CANCELED, FILE, PARAMETER, LizsyncError
from .inputs import find, parameters
from .language import _
from .manual import kind
from .terminal import Terminal


def epilog():
    """What stands below the help."""
    return _("""\
Exit status: 0, or the number of lizsync_status: 1 invalid parameter or command line, 2 unknown algorithm,
3 connection, 4 permission, 5 database, 6 state, 7 file, 8 transfer, 9 external program, 10 canceled, 11 internal.

A connection is a service of pg_service.conf, a URI, a conninfo string, or a name in the object
"connections" of the --params file. Keep passwords off the command line, where others can see them:
put them into ~/.pgpass, or into "connections" of a --params file that only you can read.

Example:
  python3 -m lizsync run synchronize_database CONNECTION_NAME_CENTRAL=central CONNECTION_NAME_CLONE=tablet
""")


# What stands before the first “=” of a parameter; that of a URI or of a conninfo is something else.
KEY = re.compile(r"\w+=")


class Parser(argparse.ArgumentParser):
    """A parser for which a wrong command line is an invalid parameter: argparse's own status, 2,
    means an unknown algorithm here."""

    def error(self, message):
        self.print_usage(sys.stderr)
        # A connection string in the wrong place may hold a password.
        invalid, choose = _("invalid choice: %(value)r (choose from %(choices)s)").split("%(value)r")
        choose = choose.split("%(choices)s")[0]
        pattern = f"({re.escape(invalid)}).*{re.escape(choose)}"
        message = re.sub(pattern, lambda found: found.group(1) + choose.lstrip(), message, flags=re.DOTALL)
        ignored = re.escape(_("ignored explicit argument %r").split("%r")[0])
        message = re.sub(ignored + ".*", lambda _found: _("it takes no value"), message, flags=re.DOTALL)
        self.exit(PARAMETER, _("{program}: error: {message}").format(program=self.prog, message=message) + "\n")


class Version(argparse.Action):
    """Prints the versions of package and library; the library is loaded only for this."""

    def __call__(self, parser, namespace, values, option_string=None):
        from . import __version__

        try:
            found = _("library {version} in {path}").format(version=native.version(), path=native.path())
        except LizsyncError as error:
            found = str(error)
        print(f"lizsync {__version__} ({found})")
        parser.exit()


def build_parser():
    """The parser of the command line."""
    common = {"allow_abbrev": False, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = Parser(
        prog="python3 -m lizsync",
        description=_(
            "Offline editing of PostGIS databases: package and deploy clones of a central database,\n"
            "and synchronise them with it."
        ),
        epilog=epilog(),
        **common,
    )
    parser.add_argument(
        "--version", action=Version, nargs=0, help=_("show the versions of package and library, and exit")
    )
    commands = parser.add_subparsers(dest="command", metavar=_("COMMAND"), title=_("commands"))

    listing = commands.add_parser(
        "list", help=_("list the algorithms"), description=_("List the algorithms."), **common
    )
    listing.add_argument("--json", action="store_true", help=_("print the whole registry as JSON"))

    describe = commands.add_parser(
        "describe",
        help=_("show what an algorithm does, takes and returns"),
        description=_("Show what an algorithm does, takes and returns."),
        **common,
    )
    describe.add_argument("id", metavar="ID", help=_("the id of an algorithm, as “list” shows it"))
    describe.add_argument("--json", action="store_true", help=_("print its entry of the registry as JSON"))

    for name, text in (
        ("check", _("validate parameters and reach the databases they name; change nothing")),
        ("run", _("run an algorithm")),
    ):
        command = commands.add_parser(
            name, help=text, description=text[0].upper() + text[1:] + ".", epilog=epilog(), **common
        )
        command.add_argument("id", metavar="ID", help=_("the id of an algorithm, as “list” shows it"))
        command.add_argument(
            "assignments",
            metavar=_("KEY=VALUE"),
            nargs="*",
            help=_("a parameter, as “describe” shows it; true and false may also be yes, on, 1 and no, off, 0"),
        )
        command.add_argument(
            "--params",
            metavar=_("FILE"),
            help=_("read parameters from a JSON file (- for standard input); KEY=VALUE wins over it"),
        )
        command.add_argument(
            "--json", action="store_true", help=_("print the outputs as JSON, also those of a failure")
        )
        command.add_argument("--verbose", action="store_true", help=_("show diagnostics too"))
    return parser


def parse(arguments):
    """The parsed command line. KEY=VALUE may also follow options, which argparse alone refuses."""
    parser = build_parser()
    options, rest = parser.parse_known_args(arguments)
    if options.command is None:
        parser.error(_("which command? One of list, describe, check, run; --help shows more"))
    for argument in rest:
        if argument.startswith("-") or options.command not in ("check", "run"):
            # Not the text: it may be a connection string or a password.
            command = options.command
            parser.error(
                _("unrecognized argument after “{command}”; {command} --help shows those there are").format(
                    command=command
                )
            )
        options.assignments.append(argument)
    for number, assignment in enumerate(getattr(options, "assignments", ()), 1):
        if not KEY.match(assignment):
            # Not the text: it may be a URI, or the rest of a password with a space.
            parser.error(_("argument {number} after the id is not of the form KEY=VALUE").format(number=number))
    return options


def list_algorithms(options, terminal):
    """Prints the algorithms by group."""
    registry = api.algorithms()
    if options.json:
        terminal.json(registry)
        return
    registry = language.registry(registry)
    width = max((len(entry["id"]) for entry in registry), default=0)
    group = None
    for entry in registry:
        if entry["group"] != group:
            terminal.out(("" if group is None else "\n") + entry["group"])
            group = entry["group"]
        terminal.out("  {:<{}}  {}".format(entry["id"], width, entry["label"]))


def describe(options, terminal):
    """Prints one algorithm."""
    entry = find(options.id)
    if entry is None:
        # The library words the error.
        api.check(options.id)
    if options.json:
        terminal.json(entry)
        return
    entry = language.translated(entry)
    terminal.out("{}: {}\n".format(entry["id"], entry["label"]))
    for line in entry["help"].splitlines():
        terminal.out(textwrap.fill(line, 100, subsequent_indent="  " if line.startswith("*") else ""))
    terminal.out("\n" + _("Parameters"))
    for parameter in entry["parameters"]:
        notes = [kind(parameter["type"]), _("required") if parameter["required"] else _("optional")]
        if parameter["advanced"]:
            notes.append(_("advanced"))
        if parameter["default"] is not None:
            notes.append(_("default {value}").format(value=plain(parameter["default"])))
        terminal.out("  {} ({})".format(parameter["id"], ", ".join(notes)))
        terminal.out(textwrap.fill(parameter["label"], 100, initial_indent="      ", subsequent_indent="      "))
    terminal.out("\n" + _("Outputs"))
    for output in entry["outputs"]:
        terminal.out("  {} ({}): {}".format(output["id"], kind(output["type"]), output["label"]))


def plain(value):
    """A value as a person writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def labelled(level, text):
    """A message of that level."""
    if level == "warning":
        return _("Warning: {message}").format(message=text)
    if level == "error":
        return _("Error: {message}").format(message=text)
    return _("Debug: {message}").format(message=text)


class Reporter:
    """The feedback of a run on a terminal. Ctrl-C and a termination cancel the run, so that it ends
    in order."""

    def __init__(self, terminal, verbose):
        self._terminal = terminal
        self._verbose = verbose
        self._handlers = {}
        self._requested = False
        self._announced = False

    def __enter__(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self._handlers[number] = signal.signal(number, self._request)
        return self

    def __exit__(self, *_):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._terminal.end_progress()

    def _request(self, _number, _frame):
        # Nothing is written here: the signal may have come in the middle of a write.
        self._requested = True

    def progress(self, percent):
        self._terminal.progress(percent)

    def message(self, level, text):
        if level == "info":
            self._terminal.err(text)
        elif level != "debug" or self._verbose:
            self._terminal.err(labelled(level, text))

    def is_canceled(self):
        if self._requested and not self._announced:
            self._announced = True
            self._terminal.err(_("Canceling; waiting for the databases to let go …"))
        return self._requested


def execute(options, terminal):
    """Checks or runs an algorithm, and prints its outputs."""
    given = parameters(options)
    if language.code():
        given.setdefault("language", language.code())
    if options.command == "check":
        outputs = api.check(options.id, given)
    else:
        with Reporter(terminal, options.verbose) as reporter:
            outputs = api.run(options.id, given, reporter)
    print_outputs(outputs, options, terminal)


def print_outputs(outputs, options, terminal):
    """Prints outputs as JSON or as lines `KEY: value`."""
    if options.json:
        terminal.json(outputs)
        return
    for key, value in outputs.items():
        if key != "error":
            terminal.out(f"{key}: {plain(value)}")


COMMANDS = {"list": list_algorithms, "describe": describe, "check": execute, "run": execute}


def main(arguments=None):
    """Runs the command line; returns the exit status."""
    language.use_environment()
    terminal = Terminal()
    status = 0
    try:
        options = parse(arguments)
        try:
            COMMANDS[options.command](options, terminal)
        except LizsyncError as error:
            status = error.status
            report(error, options, terminal)
        terminal.flush()
    except KeyboardInterrupt:
        return CANCELED
    except BrokenPipeError:
        # The reader has gone (“| head”).
        terminal.discard()
    except OSError as error:
        terminal.discard()
        terminal.err(labelled("error", _("standard output cannot be written: {error}.").format(error=error.strerror)))
        return status or FILE
    return status


def report(error, options, terminal):
    """Prints a failure: the outputs on stdout, the sentence on stderr."""
    has_outputs = options.command in ("check", "run")
    if has_outputs:
        print_outputs(error.outputs, options, terminal)
    # Once is enough where both streams are one terminal.
    if not (has_outputs and terminal.both):
        terminal.err(labelled("error", error))
