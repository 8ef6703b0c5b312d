"""What people simplify when they write a derivative down, and nothing beyond it.

Promise: the outcome equals the expression wherever that is finite, and the order in which its factors and terms were
found is kept: numbers move to the front, then single names, then the rest. Rules: ×1, ×0, +0, −−, x^1, x^0, a minus
sign inside a product or a quotient, and numbers that meet, as far as the result is short.
"""

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import reduce
from math import isfinite
from typing import Any

from ..operation import Operation
from ..ops import add, div, mul, multiply_no_nan, neg, power, sub
from .symbol import Symbol

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
    def apply(cls, operation: Operation, *operands: Any) -> "Tidy":
        """The operation written down, simplified if one of the rules applies."""
        symbols = [operand if isinstance(operand, Tidy) else tidy(Symbol.of(operand)) for operand in operands]
        rule = RULES.get(operation)
        simpler = rule(*symbols) if rule else None
        return cls.made(operation, *symbols) if simpler is None else simpler

    @classmethod
    def made(cls, operation: Operation, *operands: "Tidy") -> "Tidy":
        """The operation written down as it stands."""
        return super().apply(operation, *operands)


def tidy(leaf: Symbol) -> Tidy:
    """A name or a number as a Tidy; an operation is simplified from its leaves up."""
    if leaf.operation is not None:
        return simplify(leaf)
    return Tidy(leaf.name, leaf.key, leaf.number)


def simplify(expression: Symbol) -> Tidy:
    """The expression as people would write it.

    >>> print(simplify(Symbol("a") + -(Symbol("b") ** 1.0)))
    a − b
    """
    return expression.fold(tidy, Tidy.apply)


def product(factors: Iterable[Tidy]) -> Tidy:
    """The product: numbers first, then names, then the rest, each in the given order.

    >>> o1, w5 = Tidy("o1"), Tidy("w5")
    >>> print(product([o1 * (1.0 - o1), w5]))
    w5·o1(1 − o1)
    """
    ordered = sorted(factors, key=lambda factor: 0 if factor.is_number else 1 if factor.operation is None else 2)
    return reduce(lambda a, b: a * b, ordered, _number(1.0))


# ---- one rule per operation of arithmetic; None where there is nothing to simplify ----


def _sum(a: Tidy, b: Tidy) -> Tidy | None:
    if _is(a, 0):
        return b
    if _is(b, 0):
        return a
    minus = _opposite(b)
    return a - minus if minus is not None else _met(a, b, lambda x, y: x + y)


def _difference(a: Tidy, b: Tidy) -> Tidy | None:
    if _is(b, 0):
        return a
    if _is(a, 0):
        return -b
    minus = _opposite(b)
    return a + minus if minus is not None else _met(a, b, lambda x, y: x - y)


def _product(a: Tidy, b: Tidy) -> Tidy | None:
    if _is(a, 0) or _is(b, 0):
        return _number(0.0)
    if _is(a, 1):
        return b
    if _is(b, 1):
        return a
    minus_a, minus_b = _opposite(a), _opposite(b)
    if minus_a is not None:
        return -(minus_a * b)
    if minus_b is not None:
        return -(a * minus_b)
    coefficient, rest = _coefficient(b)
    if coefficient is None:
        return None
    ours, others = _coefficient(a)
    met = _met(ours, coefficient, lambda x, y: x * y) if ours is not None else coefficient
    if met is None or (ours is None and rest is None and others is None):
        return None
    left = [factor for factor in (others, rest) if factor is not None]
    return reduce(lambda x, y: Tidy.made(mul, x, y), left, met) if not _is(met, 1) else product(left)


def _quotient(a: Tidy, b: Tidy) -> Tidy | None:
    if _is(b, 1) or (_is(a, 0) and not _is(b, 0)):
        return a
    minus_a, minus_b = _opposite(a), _opposite(b)
    if minus_a is not None:
        return -(minus_a / b)
    if minus_b is not None:
        return -(a / minus_b)
    return _met(a, b, lambda x, y: x / y) if not _is(b, 0) else None


def _minus(a: Tidy) -> Tidy | None:
    return _opposite(a)


def _power(a: Tidy, b: Tidy) -> Tidy | None:
    if _is(b, 1):
        return a
    return _number(1.0) if _is(b, 0) else None


RULES: dict[Operation, Callable[..., Tidy | None]] = {
    add: _sum,
    sub: _difference,
    mul: _product,
    multiply_no_nan: _product,
    div: _quotient,
    neg: _minus,
    power: _power,
}


# ---- numbers ----


def _number(number: float) -> Tidy:
    return Tidy(None, number=number)


def _is(symbol: Symbol, number: float) -> bool:
    return symbol.is_number and symbol.number == number


def _opposite(symbol: Tidy) -> Tidy | None:
    """x for −x, and 2 for −2; None for what bears no minus sign."""
    if symbol.operation is neg:
        (inner,) = symbol.operands
        return inner
    return _number(-symbol.number) if symbol.is_number and symbol.number < 0 else None


def _coefficient(symbol: Tidy) -> tuple[Tidy | None, Tidy | None]:
    """(c, x) for c·x with a number or a fraction c, (c, None) for c alone, (None, x) otherwise."""
    if _fraction(symbol) is not None:
        return symbol, None
    if symbol.operation is mul and _fraction(symbol.operands[0]) is not None:
        coefficient, rest = symbol.operands
        return coefficient, rest
    return None, symbol


def _fraction(symbol: Symbol) -> Fraction | None:
    if symbol.is_number:
        return Fraction(repr(symbol.number)) if isfinite(symbol.number) else None
    if symbol.operation is div and all(part.is_number for part in symbol.operands):
        above, below = map(_fraction, symbol.operands)
        return above / below if above is not None and below else None
    return None


def _met(a: Symbol, b: Symbol, work_out: Callable[[Fraction, Fraction], Fraction]) -> Tidy | None:
    """Two numbers that meet, worked out as on paper, in decimals or as p/q; None if the result is long."""
    one, other = _fraction(a), _fraction(b)
    if one is None or other is None:
        return None
    result = work_out(one, other)
    decimal = _number(float(result))
    if Fraction(repr(float(result))) == result and len(str(decimal)) <= SHORT:
        return decimal
    if len(str(result)) > SHORT:
        return None
    whole = Tidy.made(div, _number(float(abs(result.numerator))), _number(float(result.denominator)))
    return -whole if result < 0 else whole
