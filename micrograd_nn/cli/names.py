"""A formula and the numbers for its names, as several commands take them: w=0.5 x=2.

Promise: one rule for all of them: each name once, and a finite number for it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ..engine.value import Value
from ..errors import ArgumentError, FormulaError
from ..notation._formula import formula, parse


def numbers_of(words: Iterable[str]) -> dict[str, float]:
    """The numbers by name; a number may be a formula of numbers, such as b=-1/3 or x=pi.

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
        raise ArgumentError(f"{error}\nA name gets its number after the formula, such as w=0.5") from None
