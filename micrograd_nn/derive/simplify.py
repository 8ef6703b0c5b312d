"""What people simplify when they write a derivative down, and nothing beyond it.

Promise: the outcome equals the expression wherever that is finite, and the order in which its factors and terms were
found is kept: numbers move to the front, then single names, then the rest. Rules: ×1, ×0, +0, −−, x^1, x^0, a minus
sign inside a product or a quotient, and numbers that meet, as far as the result is short.
"""

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import reduce
from math import isfinite

from ..operation import Operation
from ..ops import add, div, mul, multiply_no_nan, neg, power, sub
from .symbol import Symbol

SHORT = 8  # characters: longer results of constants are left as they stand, so that their origin can be seen


def simplify(expression: Symbol) -> Symbol:
    """The expression as people would write it.

    >>> y, o1 = Symbol("y"), Symbol("o1")
    >>> print(simplify(2.0 * (y - o1) ** 1.0 * -1.0))
    −2(y − o1)
    """
    return expression.fold(lambda leaf: leaf, _rebuilt)


def product(factors: Iterable[Symbol]) -> Symbol:
    """The product of simplified factors: numbers first, then names, then the rest, each in the given order.

    >>> o1, w5 = Symbol("o1"), Symbol("w5")
    >>> print(product([o1 * (1.0 - o1), w5]))
    w5·o1(1 − o1)
    """
    ordered = sorted(factors, key=lambda factor: 0 if factor.is_number else 1 if factor.operation is None else 2)
    return reduce(lambda a, b: _rebuilt(mul, a, b), ordered, Symbol.of(1.0))


def _rebuilt(operation: Operation, *operands: Symbol) -> Symbol:
    rule = RULES.get(operation)
    simpler = rule(*operands) if rule else None
    return simpler if simpler is not None else operation(*operands)


# ---- one rule per operation of arithmetic; None where there is nothing to simplify ----


def _sum(a: Symbol, b: Symbol) -> Symbol | None:
    if _is(a, 0):
        return b
    if _is(b, 0):
        return a
    minus = _opposite(b)
    return _rebuilt(sub, a, minus) if minus is not None else _number(a, b, lambda x, y: x + y)


def _difference(a: Symbol, b: Symbol) -> Symbol | None:
    if _is(b, 0):
        return a
    if _is(a, 0):
        return _rebuilt(neg, b)
    minus = _opposite(b)
    return _rebuilt(add, a, minus) if minus is not None else _number(a, b, lambda x, y: x - y)


def _product(a: Symbol, b: Symbol) -> Symbol | None:
    for one, other in ((a, b), (b, a)):
        if _is(one, 0):
            return one
        if _is(one, 1):
            return other
        minus = _opposite(one)
        if minus is not None:
            return _rebuilt(neg, _rebuilt(mul, *((minus, other) if one is a else (other, minus))))
    if b.is_number and not a.is_number:
        return _rebuilt(mul, b, a)
    coefficient, rest = _coefficient(b)
    met = _number(a, coefficient, lambda x, y: x * y) if coefficient is not None else None
    if met is None:
        return None
    return _rebuilt(mul, met, rest) if rest is not None else met


def _quotient(a: Symbol, b: Symbol) -> Symbol | None:
    if _is(b, 1) or (_is(a, 0) and not _is(b, 0)):
        return a
    for one, pair in ((a, lambda minus: (minus, b)), (b, lambda minus: (a, minus))):
        minus = _opposite(one)
        if minus is not None:
            return _rebuilt(neg, _rebuilt(div, *pair(minus)))
    return _number(a, b, lambda x, y: x / y) if not _is(b, 0) else None


def _minus(a: Symbol) -> Symbol | None:
    return _opposite(a)


def _power(a: Symbol, b: Symbol) -> Symbol | None:
    if _is(b, 1):
        return a
    return Symbol.of(1.0) if _is(b, 0) else None


RULES: dict[Operation, Callable[..., Symbol | None]] = {
    add: _sum,
    sub: _difference,
    mul: _product,
    multiply_no_nan: _product,
    div: _quotient,
    neg: _minus,
    power: _power,
}


def _is(symbol: Symbol, number: float) -> bool:
    return symbol.is_number and symbol.number == number


def _opposite(symbol: Symbol) -> Symbol | None:
    """x for −x, and 2 for −2; None for what bears no minus sign."""
    if symbol.operation is neg:
        return symbol.operands[0]
    return Symbol.of(-symbol.number) if symbol.is_number and symbol.number < 0 else None


def _coefficient(symbol: Symbol) -> tuple[Symbol | None, Symbol | None]:
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


def _number(a: Symbol, b: Symbol, work_out: Callable[[Fraction, Fraction], Fraction]) -> Symbol | None:
    """Two numbers that meet, worked out as on paper, in decimals or as p/q; None if the result is long."""
    one, other = _fraction(a), _fraction(b)
    if one is None or other is None:
        return None
    result = work_out(one, other)
    decimal = Symbol.of(float(result))
    if Fraction(repr(float(result))) == result and len(str(decimal)) <= SHORT:
        return decimal
    if len(str(result)) > SHORT:
        return None
    whole = div(Symbol.of(abs(result.numerator)), Symbol.of(result.denominator))
    return neg(whole) if result < 0 else whole
