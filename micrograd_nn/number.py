"""What counts as a number, what an error says of anything else, and how exact a float can be."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from numbers import Real
from operator import index
from typing import Any

from .errors import ArgumentError, ArgumentTypeError, NumberError, TooLargeError


def as_float(number: object) -> float:
    """One real number as a float: int, Fraction, Decimal, a NumPy scalar or a 0-d array.

    Raises NumberError for anything else (a bool too), TooLargeError for a finite number that no float holds.
    """
    if number.__class__ is float:
        return number
    if getattr(number, "shape", None) == () and hasattr(number, "item"):
        number = number.item()  # a NumPy scalar or 0-d array
    if isinstance(number, bool) or not isinstance(number, int | Real | Decimal):
        raise NumberError(f"expected one real number, got {_described(number)}")
    try:
        converted = float(number)
    except OverflowError:
        digits = int(int(number).bit_length() * math.log10(2)) + 1  # type: ignore[arg-type]  # Real converts
        raise TooLargeError(f"a number of about {digits} digits is too large: floats end at 1.8e308") from None
    if math.isinf(converted) and number != converted:  # a Decimal becomes inf without a word
        raise TooLargeError(f"{number!s:.40} is too large: floats end at 1.8e308")
    return converted


def _described(thing: object) -> str:
    kind = type(thing).__name__
    if thing is None:
        return "None"
    if hasattr(thing, "operands"):
        return f"a {kind}: it is in the graph already, use it as it is, or float(v) for its number alone"
    if isinstance(thing, bool):
        return f"the bool {thing}: write {float(thing)} if you mean the number"
    if hasattr(thing, "shape"):
        return f"a {kind} of shape {thing.shape}: a Value holds one number; go through it with [a * x for x in array]"
    if isinstance(thing, str):
        shown = thing if len(thing) <= 40 else thing[:40] + "…"
        return f"the str {shown!r}: write float(text) first"
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


def whole_number(what: str, given: Any, least: int = 1) -> int:
    """given, if it is a whole number of at least ``least``. Raises ArgumentTypeError or ArgumentError otherwise."""
    whole = hasattr(given, "__index__") and not isinstance(given, bool)
    if not whole or index(given) < least:
        kind = ArgumentError if whole else ArgumentTypeError
        raise kind(f"{what} is a whole number from {least} up, got {given!r}")
    return index(given)


def as_array(numbers: Any, **options: Any) -> Any:
    """NumPy's array of these numbers or rows; the list itself where NumPy is not installed."""
    try:
        import numpy as np
    except ImportError:
        return numbers
    return np.array(numbers, **options)


@dataclass(frozen=True)
class Wider:
    """Why a row can't hold 2 ULP in its value or 4 ULP in its slopes everywhere; what it holds, operands -> ULP.

    >>> Wider("a difference of two roundings", value=lambda a: 8.0).value(0.5)
    8.0
    """

    why: str
    value: Callable[..., float] = field(default=lambda *operands: 2.0, repr=False)
    slopes: Callable[..., float] = field(default=lambda *operands: 4.0, repr=False)
