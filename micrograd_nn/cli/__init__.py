"""The command line: ``micrograd-nn`` and its subcommands, one module each.

A command is a module here, with ABOUT, what ``--help`` says of it (and EPILOG, what it says at the end),
``add_options(parser)``, and ``run(arguments)``, which returns the exit code; and its name in NAMES.

Promise (tests/test_cli.py): exit code 0 when all went well; 1 when what was checked is wrong, or the task failed, on a
file for example; 2 for a usage error: an option, a name, a number, a formula, a derivation that can't be read; 130 when
Ctrl-C ended it, 141 when nobody reads on, as in ``micrograd-nn | head``. An error of this package or of the system is
told on standard error, without a traceback.
"""

import os
import re
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module, metadata
from io import TextIOWrapper

from ..errors import ArgumentError, ArgumentTypeError, MicrogradError, NumberError, TooLargeError
from . import friends

# As --help lists them.
NAMES = ("draw", "explain", "check", "tutor", "quiz", "compile", "train", "predict", "evaluate", "notebooks")
COMMANDS = tuple(import_module(f"{__name__}.{name}") for name in NAMES)

USAGE = (ArgumentError, ArgumentTypeError, NumberError, TooLargeError)  # errors of the words that were given


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit code."""
    parser = ArgumentParser(
        prog="micrograd-nn",
        description="A tiny scalar autograd engine. Without a subcommand it trains the two-input network h1, h2, o1 on "
        "four people, predicts two more, derives ∂L/∂w1 and draws what it did.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version()}")
    friends.add_options(parser)
    parser.set_defaults(run=friends.run)
    subparsers = parser.add_subparsers(title="subcommands", metavar="COMMAND", dest="command")
    for name, command in zip(NAMES, COMMANDS, strict=True):
        subparser = subparsers.add_parser(name, help=command.ABOUT, formatter_class=RawDescriptionHelpFormatter)
        subparser.description = f"{command.ABOUT[0].upper()}{command.ABOUT[1:]}."
        subparser.epilog = getattr(command, "EPILOG", None)
        subparser.set_defaults(run=command.run)
        command.add_options(subparser)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without ∂ gets a question mark, not an error
    try:
        arguments = understood(parser, sys.argv[1:] if argv is None else list(argv))
        code = int(arguments.run(arguments))
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


def version() -> str:
    """The version of the installed package, or "from a copy" where none is installed."""
    try:
        return metadata.version("micrograd-nn")
    except metadata.PackageNotFoundError:
        return "from a copy"


def understood(parser: ArgumentParser, words: list[str]) -> Namespace:
    """The words of a command as options. Ends with code 2, and what to write instead, where they are none."""
    arguments, left = parser.parse_known_args(words)
    if arguments.command and words[0] != arguments.command:
        parser.error(f"{words[0]} stands before {arguments.command}: options come after it")
    if "numbers" in arguments and not any(word.startswith("-") for word in left):
        arguments.numbers += left  # NAME=NUMBER may also stand after the options
    elif left:
        minus = "formula" in arguments and any(re.match("-[^-]", word) for word in left)
        way = "; a formula that begins with a minus is put in brackets, such as (-x*y)" if minus else ""
        parser.error(f"unrecognized arguments: {' '.join(left)}{way}")
    return arguments
