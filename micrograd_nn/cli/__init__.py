"""The command line: ``micrograd-nn`` and its subcommands, one module each.

Promise: exit code 0 when all went well; 1 when what was checked is wrong, or the task failed, on a file for example;
2 when the words of the command were off: an option, a name, a number, a formula; 130 when Ctrl-C ended it. An error of
this package or of the system is told on standard error, without a traceback.
"""

import argparse
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Any

from ..errors import ArgumentError, ArgumentTypeError, MicrogradError, NumberError, TooLargeError
from . import check, compile, draw, evaluate, explain, friends, notebooks, predict, train

# Modules with add_to(subparsers), which sets run.
COMMANDS: tuple[Any, ...] = (draw, explain, check, compile, train, predict, evaluate, notebooks)

OFF = (ArgumentError, ArgumentTypeError, NumberError, TooLargeError)  # what the words of a command can be


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="micrograd-nn",
        description="A tiny scalar autograd engine. Without a subcommand it trains the two-input network h1, h2, o1 on "
        "four people, predicts two more, derives ∂L/∂w1 and draws what it did.",
    )
    friends.add_to(parser)
    subparsers = parser.add_subparsers(title="subcommands", metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(subparsers)
    arguments = parser.parse_args(argv)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without ∂ gets a question mark, not an error
    try:
        return int(arguments.run(arguments))
    except (MicrogradError, OSError) as error:
        print(f"micrograd-nn: {error}", file=sys.stderr)
        return 2 if isinstance(error, OFF) else 1
    except KeyboardInterrupt:
        print("micrograd-nn: stopped", file=sys.stderr)
        return 130
