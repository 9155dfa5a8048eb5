"""The command line: list, describe, check and run the algorithms."""

import argparse
import re
import signal
import sys
import textwrap

from . import api, native
from .error import CANCELED, FILE, PARAMETER, LizsyncError
from .inputs import find, parameters
from .terminal import Terminal

EPILOG = """\
Exit status: 0, or the number of lizsync_status: 1 invalid parameter or command line, 2 unknown algorithm,
3 connection, 4 permission, 5 database, 6 state, 7 file, 8 transfer, 9 external program, 10 canceled, 11 internal.

A connection is a service of pg_service.conf, a URI, a conninfo string, or a name in the object
"connections" of the --params file. Keep passwords off the command line, where others can see them:
put them into ~/.pgpass, or into "connections" of a --params file that only you can read.

Example:
  python3 -m lizsync run synchronize_database CONNECTION_NAME_CENTRAL=central CONNECTION_NAME_CLONE=tablet
"""


# What stands before the first “=” of a parameter; that of a URI or of a conninfo is something else.
KEY = re.compile(r"\w+=")


class Parser(argparse.ArgumentParser):
    """A parser for which a wrong command line is an invalid parameter: argparse's own status, 2,
    means an unknown algorithm here."""

    def error(self, message):
        self.print_usage(sys.stderr)
        # A connection string in the wrong place may hold a password.
        message = re.sub(r"(invalid choice: ).* \(choose", r"\1(choose", message, flags=re.DOTALL)
        message = re.sub(r"ignored explicit argument .*", "it takes no value", message, flags=re.DOTALL)
        self.exit(PARAMETER, f"{self.prog}: error: {message}\n")


class Version(argparse.Action):
    """Prints the versions of package and library; the library is loaded only for this."""

    def __call__(self, parser, namespace, values, option_string=None):
        from . import __version__

        try:
            found = f"library {native.version()} in {native.path()}"
        except LizsyncError as error:
            found = str(error)
        print(f"lizsync {__version__} ({found})")
        parser.exit()


def build_parser():
    """The parser of the command line."""
    common = {"allow_abbrev": False, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = Parser(
        prog="python3 -m lizsync",
        description="Offline editing of PostGIS databases: package and deploy clones of a central database,\n"
        "and synchronise them with it.",
        epilog=EPILOG,
        **common,
    )
    parser.add_argument("--version", action=Version, nargs=0, help="show the versions of package and library, and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    listing = commands.add_parser("list", help="list the algorithms", description="List the algorithms.", **common)
    listing.add_argument("--json", action="store_true", help="print the whole registry as JSON")

    describe = commands.add_parser(
        "describe",
        help="show what an algorithm does, takes and returns",
        description="Show what an algorithm does, takes and returns.",
        **common,
    )
    describe.add_argument("id", metavar="ID", help="the id of an algorithm, as “list” shows it")
    describe.add_argument("--json", action="store_true", help="print its entry of the registry as JSON")

    for name, text in (
        ("check", "validate parameters and reach the databases they name; change nothing"),
        ("run", "run an algorithm"),
    ):
        command = commands.add_parser(
            name, help=text, description=text[0].upper() + text[1:] + ".", epilog=EPILOG, **common
        )
        command.add_argument("id", metavar="ID", help="the id of an algorithm, as “list” shows it")
        command.add_argument(
            "assignments",
            metavar="KEY=VALUE",
            nargs="*",
            help="a parameter, as “describe” shows it; true and false may also be yes, on, 1 and no, off, 0",
        )
        command.add_argument(
            "--params",
            metavar="FILE",
            help="read parameters from a JSON file (- for standard input); KEY=VALUE wins over it",
        )
        command.add_argument("--json", action="store_true", help="print the outputs as JSON, also those of a failure")
        command.add_argument("--verbose", action="store_true", help="show diagnostics too")
    return parser


def parse(arguments):
    """The parsed command line. KEY=VALUE may also follow options, which argparse alone refuses."""
    parser = build_parser()
    options, rest = parser.parse_known_args(arguments)
    if options.command is None:
        parser.error("which command? One of list, describe, check, run; --help shows more")
    for argument in rest:
        if argument.startswith("-") or options.command not in ("check", "run"):
            # Not the text: it may be a connection string or a password.
            command = options.command
            parser.error(f"unrecognized argument after “{command}”; {command} --help shows those there are")
        options.assignments.append(argument)
    for number, assignment in enumerate(getattr(options, "assignments", ()), 1):
        if not KEY.match(assignment):
            # Not the text: it may be a URI, or the rest of a password with a space.
            parser.error(f"argument {number} after the id is not of the form KEY=VALUE")
    return options


def list_algorithms(options, terminal):
    """Prints the algorithms by group."""
    registry = api.algorithms()
    if options.json:
        terminal.json(registry)
        return
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
    terminal.out("{}: {}\n".format(entry["id"], entry["label"]))
    for line in entry["help"].splitlines():
        terminal.out(textwrap.fill(line, 100, subsequent_indent="  " if line.startswith("*") else ""))
    terminal.out("\nParameters")
    for parameter in entry["parameters"]:
        notes = [parameter["type"], "required" if parameter["required"] else "optional"]
        if parameter["advanced"]:
            notes.append("advanced")
        if parameter["default"] is not None:
            notes.append("default {}".format(plain(parameter["default"])))
        terminal.out("  {} ({})".format(parameter["id"], ", ".join(notes)))
        terminal.out(textwrap.fill(parameter["label"], 100, initial_indent="      ", subsequent_indent="      "))
    terminal.out("\nOutputs")
    for output in entry["outputs"]:
        terminal.out("  {} ({}): {}".format(output["id"], output["type"], output["label"]))


def plain(value):
    """A value as a person writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


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
            self._terminal.err(f"{level.capitalize()}: {text}")

    def is_canceled(self):
        if self._requested and not self._announced:
            self._announced = True
            self._terminal.err("Canceling; waiting for the databases to let go …")
        return self._requested


def execute(options, terminal):
    """Checks or runs an algorithm, and prints its outputs."""
    given = parameters(options)
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
        terminal.err(f"Error: standard output cannot be written: {error.strerror}.")
        return status or FILE
    return status


def report(error, options, terminal):
    """Prints a failure: the outputs on stdout, the sentence on stderr."""
    has_outputs = options.command in ("check", "run")
    if has_outputs:
        print_outputs(error.outputs, options, terminal)
    # Once is enough where both streams are one terminal.
    if not (has_outputs and terminal.both):
        terminal.err(f"Error: {error}")
