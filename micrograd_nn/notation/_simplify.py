"""What people simplify when they write a derivative down.

What is computed with ``Tidy`` symbols is tidied node by node, by the rules below, and stays recognisable: x·x stays
x·x. (Next door, ``product`` and ``total`` put factors and terms together.) The outcome equals the expression wherever
that is finite.
"""

import operator
from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction
from functools import reduce
from math import isfinite
from typing import Any

from ..engine.operation import Operation
from ..engine.ops import add, div, greater, mul, multiply_no_nan, neg, power, sub
from .symbol import Symbol

MOST = 40  # factors or terms among which equal ones are looked for; parts of one that are compared
HUGE = Fraction(10) ** 300  # near the end of floats
SHORT = 8  # characters: longer results of constants are left as they stand, so that their origin can be seen


class Tidy(Symbol):
    """A symbol that simplifies while it is made, so that a graph of any depth is tidied node by node.

    >>> y, o1 = Tidy("y"), Tidy("o1")
    >>> print(2.0 * (y - o1) ** 1.0 * -1.0)
    −2(y − o1)
    """

    __slots__ = ()

    operands: "tuple[Tidy, ...]"  # a Tidy is made of nothing else

    @classmethod
    def of(cls, thing: Any) -> "Tidy":
        """thing as a Tidy: itself, a number, or another symbol simplified. Raises NumberError if it is none of them."""
        return thing if isinstance(thing, cls) else _tidy(Symbol.of(thing))

    @classmethod
    def apply(cls, operation: Operation, *operands: Any) -> "Tidy":
        """The operation written down, simplified by the first rule that applies."""
        symbols = [cls.of(operand) for operand in operands]
        for rule in RULES.get(operation, ()):
            if isinstance(simpler := rule(*symbols), Tidy):
                return simpler
        return cls.made(operation, *symbols)

    @classmethod
    def made(cls, operation: Operation, *operands: "Tidy") -> "Tidy":
        """The operation written down as it stands."""
        return super().apply(operation, *operands)


def simplify(expression: Symbol) -> Tidy:
    """The expression as people would write it.

    >>> print(simplify(Symbol("a") + -(Symbol("b") ** 1.0)))
    a − b
    """
    return expression.fold(_tidy, Tidy.apply)


def _tidy(symbol: Symbol) -> Tidy:
    return simplify(symbol) if symbol.operation else Tidy(symbol.name, symbol.key, symbol.number)


# ---- one node: the rules of each operation from top to bottom, each a simpler symbol or nothing ----


def is_just(symbol: Symbol, number: float) -> bool:
    """Is it this number, and nothing else?"""
    return symbol.is_number and symbol.number == number


def without_minus(symbol: Tidy) -> Tidy | None:
    """x for −x, and 2 for −2; None for what bears no minus sign."""
    if symbol.operation is neg:
        return symbol.operands[0]
    return Tidy.of(-symbol.number) if symbol.is_number and symbol.number < 0 else None


def _folded(arithmetic: Callable[[Fraction, Fraction], Fraction], a: Tidy, b: Tidy) -> Tidy | None:
    """Two numbers worked out as on paper; None if one of them is none, or if the result is long."""
    x, y = fraction_of(a), fraction_of(b)
    return None if x is None or y is None else short_number(arithmetic(x, y))


def _numbers_first(a: Tidy, b: Tidy) -> Tidy | None:
    """(2·x)·(3·y) as 6·x·y, and x·3 as 3·x."""
    ours, x = _number_and_rest(a)
    theirs, y = _number_and_rest(b)
    if not theirs and not (ours and x):
        return None  # nothing to be moved
    met = _folded(operator.mul, ours, theirs) if ours and theirs else None
    numbers = [met] if met else [number for number in (ours, theirs) if number]
    rest = [multiplied([part for part in (x, y) if part])] if x or y else []
    *parts, whole = [number for number in numbers if not rest or not is_just(number, 1)] + rest
    return reduce(lambda right, left: Tidy.made(mul, left, right), reversed(parts), whole)


def multiplied(factors: Sequence[Tidy]) -> Tidy:
    """The factors in a row, as they stand."""
    return reduce(lambda a, b: Tidy.made(mul, a, b), factors)


def _number_and_rest(symbol: Tidy) -> tuple[Tidy | None, Tidy | None]:
    """The number that a product begins with, and what comes after it."""
    if symbol.operation is mul and fraction_of(symbol.operands[0]) is not None:
        return symbol.operands[0], symbol.operands[1]
    return (None, symbol) if fraction_of(symbol) is None else (symbol, None)


Rule = Callable[..., Any]


def _on_the_other_side(a: Tidy, b: Tidy) -> Tidy | None:
    """[x ≤ y]·f(x) for [x ≤ y]·f([x ≤ y]·x): behind the first the second is 1."""
    if a.operation is not sub or not is_just(a.operands[0], 1) or a.operands[1].operation is not greater:
        return None
    side = form_of(a)
    if not any(part.operation is sub and form_of(Tidy.of(part)) == side for part in b.parts()):
        return None

    def without(operation: Operation, *operands: Tidy) -> Tidy:
        made = Tidy.apply(operation, *operands)
        return Tidy.of(1.0) if form_of(made) == side else made

    return a * b.fold(Tidy.of, without)


TIMES: tuple[Rule, ...] = (
    lambda a, b: (is_just(a, 0) or is_just(b, 0)) and Tidy.of(0.0),
    lambda a, b: is_just(a, 1) and b,
    lambda a, b: is_just(b, 1) and a,
    lambda a, b: (x := without_minus(a)) and -(x * b),
    lambda a, b: (x := without_minus(b)) and -(a * x),
    _on_the_other_side,
    _numbers_first,
)
RULES: dict[Operation, tuple[Rule, ...]] = {
    add: (
        lambda a, b: is_just(a, 0) and b,
        lambda a, b: is_just(b, 0) and a,
        lambda a, b: (x := without_minus(b)) and a - x,
        lambda a, b: _folded(operator.add, a, b),
    ),
    sub: (
        lambda a, b: is_just(b, 0) and a,
        lambda a, b: is_just(a, 0) and -b,
        lambda a, b: (x := without_minus(b)) and a + x,
        lambda a, b: _folded(operator.sub, a, b),
    ),
    mul: TIMES,
    multiply_no_nan: TIMES,
    div: (
        lambda a, b: is_just(b, 1) and a,
        lambda a, b: is_just(a, 0) and not is_just(b, 0) and a,
        lambda a, b: (x := without_minus(a)) and -(x / b),
        lambda a, b: (x := without_minus(b)) and -(a / x),
        lambda a, b: not is_just(b, 0) and _folded(operator.truediv, a, b),
    ),
    neg: (
        without_minus,
        lambda a: a.operation is sub and a.operands[0].is_number and a.operands[1] - a.operands[0],
    ),
    power: (
        lambda a, b: is_just(b, 1) and a,
        lambda a, b: is_just(b, 0) and Tidy.of(1.0),
    ),
}


# ---- what is alike, and numbers ----


def form_of(symbol: Tidy) -> Hashable:
    """Equal for expressions that are written alike; large ones are compared by themselves."""
    form, stack = list[Hashable](), [symbol]
    while stack and len(form) < MOST:
        part = stack.pop()
        form.append(part.operation or (part.number if part.name is None else ("name", _known_by(part.key))))
        stack += part.operands
    return symbol if stack else tuple(form)


def _known_by(key: Hashable) -> Hashable:
    """A name's key, so that equal ones are the same: two nodes that hold the same number are equal, and are not."""
    return key if isinstance(key, str) else id(key)


def fraction_of(symbol: Symbol) -> Fraction | None:
    """The number that a number or a quotient of numbers is, exactly as it is written; None for anything else."""
    if symbol.is_number:
        return Fraction(repr(symbol.number)) if isfinite(symbol.number) else None
    if symbol.operation is div and all(part.is_number for part in symbol.operands):
        above, below = map(fraction_of, symbol.operands)
        return above / below if above is not None and below else None
    return None


def short_number(number: Fraction) -> Tidy | None:
    """A number as people write it, 0.5 or 1/3; None if that is long."""
    if abs(number) > HUGE:
        return None
    decimal = Tidy.of(float(number))
    if Fraction(repr(float(number))) == number and len(str(decimal)) <= SHORT:
        return decimal
    if len(str(number)) > SHORT:
        return None
    quotient = Tidy.made(div, Tidy.of(float(abs(number.numerator))), Tidy.of(float(number.denominator)))
    return -quotient if number < 0 else quotient
