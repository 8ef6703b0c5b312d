"""Numbers for the names of a formula, as several commands take them: w=0.5 x=2.

Promise: one rule for all of them: each name once, and a finite number for it.
"""

from collections.abc import Iterable

from ..errors import ArgumentError
from ..formula import formula


def numbers_of(words: Iterable[str]) -> dict[str, float]:
    """The numbers by name; a number may be a formula of numbers, such as b=-1/3 or x=pi.

    Raises ArgumentError for another word and for a name that comes twice, FormulaError for what is no finite number.
    """
    numbers: dict[str, float] = {}
    for word in words:
        name, equals, number = (part.strip() for part in word.partition("="))
        if not equals or not name.isidentifier():
            raise ArgumentError(f"{word!r} is no NAME=NUMBER, such as w=0.5")
        if name in numbers:
            raise ArgumentError(f"{name} is given twice, as {numbers[name]:g} and as {number}")
        numbers[name] = formula(number).data
    return numbers
