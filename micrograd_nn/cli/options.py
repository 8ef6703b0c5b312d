"""What several commands take: a formula with numbers for its names, the folder of MNIST, a folder to write to."""

import os
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..engine.value import Value
from ..errors import ArgumentError, FileError, FormulaError
from ..notation._formula import formula, parse

OUT = Path("micrograd-nn-out")


def add_formula(parser: ArgumentParser, example: str, numbers: str, metavar: str = "FORMULA") -> None:
    """A formula, and NAME=NUMBER for its names; or a file of named parts."""
    what = f"such as {example}; or a file with named parts, see below, - for standard input"
    parser.add_argument("formula", metavar=metavar, help=what)
    parser.add_argument("numbers", metavar="NAME=NUMBER", nargs="*", default=[], help=numbers)


def add_out(parser: ArgumentParser, what: str, default: Path | None = OUT) -> None:
    """--out DIR."""
    parser.add_argument("--out", type=Path, default=default, metavar="DIR", help=what)


def add_data(parser: ArgumentParser) -> None:
    """--data DIR."""
    parser.add_argument("--data", metavar="DIR", help="the folder with MNIST's four files")


def add_target(parser: ArgumentParser) -> None:
    """--target NAME."""
    parser.add_argument("--target", metavar="NAME", help="the column of a CSV file that is to be told from the others")


def add_network(parser: ArgumentParser) -> None:
    """The file of a network."""
    parser.add_argument("file", help="a network that train --save wrote")


def sizes(text: str) -> tuple[int, ...]:
    """The type of an option: sizes such as 300,100; none for no layer."""
    try:
        return () if text == "none" else tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ArgumentTypeError(f"sizes are whole numbers such as 300,100, or none; got {text!r}") from None


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
