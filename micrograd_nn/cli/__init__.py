"""The command line: ``micrograd-nn`` and its subcommands, one module each.

A command is a module here, with ABOUT, what ``--help`` says of it (and at the end EPILOG, and CODES where its exit
codes mean something of their own), JSON, the keys of its result, ``add_options(parser)``, and ``run(arguments)``, which
returns an Outcome; and its name in NAMES.

Promise (tests/test_cli.py): exit code 0 when all went well; 1 when what was checked is wrong, or the task failed, on a
file for example; 2 for a usage error: an option, a name, a number, a formula, a derivation that can't be read; 3 when a
number of the result is nan or infinite; 130 when Ctrl-C ended it, 141 when nobody reads on, as in
``micrograd-nn | head``. An error of this package or of the system is told on standard error, without a traceback.
"""

import os
import re
import sys
import warnings
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module, metadata
from io import TextIOWrapper
from types import ModuleType

from ..errors import ArgumentError, ArgumentTypeError, MicrogradError, NumberError, TooLargeError
from ..progress import waiting
from . import friends
from .completion import script
from .options import check_options
from .outcome import CODES, show

# As --help lists them.
NAMES = ("draw", "explain", "check", "tutor", "quiz", "compile", "train", "predict", "evaluate", "notebooks")
COMMANDS = tuple(import_module(f"{__name__}.{name}") for name in NAMES)

USAGE = (ArgumentError, ArgumentTypeError, NumberError, TooLargeError)  # errors of the words that were given
AS_JSON = """\
With --json it prints one object. Numbers have all their digits; nan and infinity, which JSON does not have, are the
strings "NaN", "Infinity" and "-Infinity":
"""
DASHED = re.compile(r"-([\d.(]|\w+[-+*/^(])")  # -7,-3 and -x*y are no options


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit code."""
    parser = parser_of_all()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without ∂ gets a question mark, not an error
    try:
        arguments = understood(parser, sys.argv[1:] if argv is None else list(argv))
        code = carried_out(parser, arguments)
        print(end="", flush=True)  # what can't be written is told here, and not after the end
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still to be written goes nowhere
        return 141
    except (MicrogradError, OSError) as error:
        print(f"micrograd-nn: {error}", file=sys.stderr)
        return 2 if isinstance(error, USAGE) else 1
    except KeyboardInterrupt:
        print("micrograd-nn: stopped", file=sys.stderr)
        return 130


def parser_of_all() -> ArgumentParser:
    """The parser of the main job and of all commands."""
    parser = ArgumentParser(prog="micrograd-nn", allow_abbrev=False, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.add_argument(
        "--print-completion", metavar="SHELL", help="print what completes words in bash, zsh, fish and others"
    )
    describe(parser, friends)
    subparsers = parser.add_subparsers(title="subcommands", metavar="COMMAND", dest="command")
    for name, command in zip(NAMES, COMMANDS, strict=True):
        subparser = subparsers.add_parser(name, help=command.ABOUT, allow_abbrev=False)
        subparser.formatter_class = RawDescriptionHelpFormatter
        describe(subparser, command)
    return parser


def describe(parser: ArgumentParser, command: ModuleType) -> None:
    """What a command takes, what it says of itself, and what is done."""
    keys = {"written": "the files that were written"} | command.JSON if hasattr(command, "JSON") else {}
    width = max(map(len, keys), default=0)
    listed = "\n".join(f"  {key:{width}}  {what}" for key, what in keys.items())
    parts = getattr(command, "EPILOG", ""), listed and AS_JSON + listed, getattr(command, "CODES", CODES)
    parser.description = f"{command.ABOUT[0].upper()}{command.ABOUT[1:]}."
    parser.epilog = "\n\n".join(filter(None, parts))
    parser.set_defaults(run=command.run)
    command.add_options(parser)


def carried_out(parser: ArgumentParser, arguments: Namespace) -> int:
    """Run the command, with a clock if it takes long, and show what comes out. Returns the exit code."""
    if arguments.version or arguments.print_completion:
        print(script(parser, arguments.print_completion) if arguments.print_completion else f"micrograd-nn {version()}")
        parser.exit()
    check_options(arguments)
    quiet = getattr(arguments, "quiet", True)  # a command that talks with a person has no such option
    name = f"micrograd-nn {arguments.command or ''}".strip()
    with waiting(name, not quiet and not arguments.typed), notes(not quiet):
        outcome = arguments.run(arguments)
    return show(outcome, arguments)


@contextmanager
def notes(wanted: bool) -> Iterator[None]:
    """Warnings as a line on standard error, or none."""

    def told(message: Warning | str, *_: object) -> None:
        print(f"micrograd-nn: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("default" if wanted else "ignore", UserWarning)
        warnings.showwarning = told  # type: ignore[assignment]  # where it stands in the code is of no use in a shell
        yield


def version() -> str:
    """The version of the installed package, or "from a copy" where none is installed."""
    try:
        return metadata.version("micrograd-nn")
    except metadata.PackageNotFoundError:
        return "from a copy"


def understood(parser: ArgumentParser, words: list[str]) -> Namespace:
    """The words of a command as options. Ends with code 2, and what to write instead, where they are none."""
    arguments, left = parser.parse_known_args([f" {word}" if DASHED.match(word) else word for word in words])
    if arguments.command and words[0] != arguments.command:
        parser.error(f"{words[0]} stands before {arguments.command}: options come after it")
    if "numbers" in arguments and not any(word.startswith("-") for word in left):
        arguments.numbers = [*arguments.numbers, *left]  # NAME=NUMBER and rows may also stand after the options
    elif left:
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    arguments.typed = "-" in words  # no clock runs through what a person types
    return arguments
