"""The options of the commands, and the readers of their words. An option means the same wherever it is taken.

What one command alone takes stands in that command.
"""

import os
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..compiler.registry import DTYPES
from ..engine.value import Value
from ..errors import ArgumentError, FileError, FormulaError
from ..nn.losses import LOSSES
from ..notation._formula import formula, parse
from .recipes import RECIPES

OUT = Path("micrograd-nn-out")
MOST_DIGITS = 17  # more than a float has


def sizes(text: str) -> tuple[int, ...]:
    """The type of an option: sizes such as 300,100; none for no layer."""
    try:
        return () if text == "none" else tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ArgumentTypeError(f"sizes are whole numbers such as 300,100, or none; got {text!r}") from None


NAMED_PARTS = "or a file with named parts, see below; - for standard input"
TABLE: dict[str, dict[str, Any]] = {
    # what is asked about
    "formula": {"metavar": "FORMULA", "help": f"such as '(sigmoid(w*x + b) - y)^2'; {NAMED_PARTS}"},
    "numbers": {"metavar": "NAME=NUMBER", "nargs": "*", "default": [], "help": "a number for each name of the formula"},
    "file": {"metavar": "FILE", "type": Path, "help": "the network in named parts, see below; - for standard input"},
    "network": {"metavar": "NETWORK", "type": Path, "help": "a file that train --save wrote"},
    "dataset": {"metavar": "DATASET", "help": f"{', '.join(RECIPES)}; or a CSV file with a header"},
    "--data": {
        "type": Path,
        "metavar": "DIR",
        "help": "the folder with MNIST's four files, or Fashion-MNIST's",
    },
    "--target": {"metavar": "NAME", "help": "the column of a CSV file that is to be predicted"},
    # networks and their training
    "--activation": {"metavar": "NAME", "help": "activation of the hidden layers: relu, tanh, sigmoid, …"},
    "--output": {"metavar": "NAME", "help": "activation of the last layer: identity, sigmoid, softmax, …"},
    "--loss": {"metavar": "NAME", "help": f"the loss function: {', '.join(LOSSES)}"},
    "--lr": {"type": float, "metavar": "X", "help": "learning rate"},
    "--epochs": {"type": int, "metavar": "N", "help": "how often each row is shown"},
    "--seed": {"type": int, "metavar": "N", "default": 0, "help": "seed of all random numbers"},
    "--dtype": {"choices": DTYPES, "help": "precision of a compiled network"},
    # what comes out
    "--out": {
        "type": Path,
        "metavar": "DIR",
        "default": OUT,
        "help": "the folder to write to, made if need be",
    },
    "--save": {"type": Path, "metavar": "FILE", "help": "write what was made, a network or a picture, to this file"},
    "--digits": {"type": int, "metavar": "N", "default": 6, "help": "significant digits of the numbers"},
    "--json": {"action": "store_true", "help": "print the result as JSON, see below"},
    "--quiet": {"action": "store_true", "help": "print the result alone: no progress, no notes"},
}


def take(parser: ArgumentParser, *names: str, **defaults: Any) -> None:
    """Let a command take these options of the table, some with a default of its own."""
    for name in names:
        option = dict(TABLE[name])
        default = option["default"] = defaults.get(name.strip("-"), option.get("default"))
        if default not in (None, []):
            option["help"] += f" (default {default})"
        parser.add_argument(name, **option)


def check_options(arguments: Any) -> None:
    """Raise ArgumentError for an option that is off whatever the command."""
    if not 1 <= getattr(arguments, "digits", 1) <= MOST_DIGITS:
        raise ArgumentError(f"--digits is a number of significant digits from 1 to {MOST_DIGITS}")


def numbers_of(words: Iterable[str]) -> dict[str, float]:
    """The numbers by name, each name once; a number may be a formula of numbers, such as b=-1/3 or x=pi.

    Raises ArgumentError for another word, for a name that comes twice, and for what is no finite number.
    """
    numbers: dict[str, float] = {}
    for word in words:
        name, equals, number = (part.strip() for part in word.partition("="))
        if not equals or not name.isidentifier():
            raise ArgumentError(f"{word!r} is no NAME=NUMBER, such as w=0.5")
        if name in numbers:
            raise ArgumentError(f"{name} is given twice, as {numbers[name]:g} and as {number}")
        try:
            numbers[name] = formula(number).data
        except FormulaError as error:
            raise ArgumentError(f"{error}\n{name} takes a finite number, such as {name}=0.5 or {name}=-1/3") from None
    return numbers


def graph_of(text: str, names: Mapping[str, Any]) -> Value:
    """The formula's graph. Raises ArgumentError, which for an unknown name says how it gets a number."""
    parse(text)  # what is wrong in the text itself is told without a hint
    try:
        return formula(text, names)
    except FormulaError as error:
        hint = "" if "did you mean" in str(error) else "\nA name gets its number after the formula, such as w=0.5"
        raise ArgumentError(f"{error}{hint}") from None


def file_for(path: Path) -> Path:
    """The path of a file that is to be written, in a folder that is there. Raises FileError if that can't be."""
    make_folder(path.parent)
    return path


def make_folder(folder: Path) -> None:
    """Make the folder if it is not there: before the work, so that none is lost for want of one.

    Raises FileError if that can't be, or if nothing can be written to it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{folder} is no folder and can't be made one: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise FileError(f"nothing can be written to the folder {folder}: name another one, or ask for the right")
