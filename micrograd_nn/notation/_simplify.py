"""What people simplify when they write a derivative down, and nothing beyond it.

Promise: the outcome equals the expression wherever that is finite, and the order in which its factors and terms were
found is kept: numbers move to the front, then single names, then the rest. Rules: ×1, ×0, +0, −−, x^1, x^0, a minus
sign inside a product or a quotient, and numbers that meet, as far as the result is short. Where a chain's factors and
terms are put together, equal factors meet in a power and like terms in one.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from math import isfinite
from typing import Any

from ..engine.operation import Operation
from ..engine.ops import add, div, mul, multiply_no_nan, neg, power, sub
from .symbol import Symbol

MOST = 40  # factors or terms among which equal ones are looked for
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
        return thing if isinstance(thing, cls) else tidy(Symbol.of(thing))

    @classmethod
    def apply(cls, operation: Operation, *operands: Any) -> "Tidy":
        """The operation written down, simplified if one of the rules applies."""
        symbols = [cls.of(operand) for operand in operands]
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
    """The product: numbers first, then names, then the rest, each in the given order; 1/x goes below the line.

    >>> o1, w5 = Tidy("o1"), Tidy("w5")
    >>> print(product([o1 * (1.0 - o1), w5]))
    w5·o1(1 − o1)
    >>> print(product([w5, 2.0 * o1 * w5, 1.0 / o1]))
    2·o1·w5^2/o1
    """
    above, below = list[Tidy](), list[Tidy]()
    for factor in factors:
        bare = factor.operands[0] if factor.operation is neg else factor
        turned = bare.operation is div and _is(bare.operands[0], 1) and not bare.operands[1].is_number
        above.append(factor if not turned else Tidy.of(1.0 if bare is factor else -1.0))
        below += [bare.operands[1]] if turned else []
    return _in_powers(above) / _in_powers(below)


def total(terms: Sequence[Tidy]) -> Tidy:
    """The sum in the given order, like terms taken together; a number comes last, if no minus sign comes first then.

    >>> x, y = Tidy("x"), Tidy("y")
    >>> print(total([Tidy.of(1.0), x * y, y * x]))
    2·x·y + 1
    """
    plain = reduce(lambda a, b: a + b, terms, Tidy.of(0.0))
    like: dict[Hashable, tuple[Fraction, Tidy | None]] = {}
    found = _terms(plain) if len(terms) > 1 else []
    for sign, term in found:
        coefficient, rest = _coefficient(term)
        size = sign * (Fraction(1) if coefficient is None else _fraction(coefficient) or Fraction(0))
        powers = {} if rest is None else _powers(_factors(rest))
        key = frozenset((name, n) for name, (_, n) in powers.items())
        if key in like:
            size, rest = like[key][0] + size, _multiplied(powers) if powers else None
        like[key] = size, rest
    kept = [pair for pair in like.values() if pair[0]]
    number_first = len(kept) > 1 and kept[0][1] is None and kept[1][0] > 0
    if len(kept) == len(found) and not number_first:
        return plain
    return _summed([*kept[1:], kept[0]] if number_first else kept) or plain


def _in_powers(factors: Iterable[Tidy]) -> Tidy:
    ordered = sorted(factors, key=lambda factor: 0 if factor.is_number else 1 if factor.operation is None else 2)
    plain = reduce(lambda a, b: a * b, ordered, Tidy.of(1.0))
    bare = plain.operands[0] if plain.operation is neg else plain
    coefficient, rest = _coefficient(bare)
    found = [] if rest is None else _factors(rest)
    powers = _powers(found)
    if len(powers) == len(found):
        return plain
    whole = (coefficient or Tidy.of(1.0)) * _multiplied(powers)
    return whole if bare is plain else -whole


def _multiplied(powers: Mapping[Hashable, tuple[Tidy, int]]) -> Tidy:
    """The powers as a product, names alone by the alphabet, as in w·x^2."""
    pairs = list(powers.values())
    if all(base.name is not None for base, _ in pairs):
        pairs.sort(key=lambda pair: str(pair[0].name))
    parts = [Tidy.apply(power, base, Tidy.of(float(n))) for base, n in pairs]
    return reduce(lambda a, b: Tidy.made(mul, a, b), parts)


def _summed(terms: Iterable[tuple[Fraction, Tidy | None]]) -> Tidy | None:
    """The sum of coefficients times what they stand before; None if one of them is long."""
    whole = Tidy.of(0.0)
    for size, rest in terms:
        number = _written(abs(size))
        if number is None:
            return None
        term = number if rest is None else number * rest
        whole = whole - term if size < 0 else whole + term
    return whole


def _factors(product: Tidy) -> list[tuple[Tidy, int]]:
    """What is multiplied, each with its power as far as that is a whole number; the product itself if they are many."""
    found: list[tuple[Tidy, int]] = []
    stack = [product]
    while stack:
        factor = stack.pop()
        exponent = factor.operands[1].number if factor.operation is power and factor.operands[1].is_number else 0.0
        if factor.operation in (mul, multiply_no_nan):
            stack += factor.operands[::-1]
        elif exponent >= 1 and exponent.is_integer():
            found.append((factor.operands[0], int(exponent)))
        else:
            found.append((factor, 1))
        if len(found) + len(stack) > MOST:
            return [(product, 1)]
    return found


def _powers(factors: Iterable[tuple[Tidy, int]]) -> dict[Hashable, tuple[Tidy, int]]:
    """Equal factors once, in the order in which they were met: names by what they stand for, others by themselves."""
    powers: dict[Hashable, tuple[Tidy, int]] = {}
    for base, n in factors:
        key = base if base.name is None else base.key
        first, before = powers.get(key, (base, 0))
        powers[key] = first, before + n
    return powers


def _terms(whole: Tidy) -> list[tuple[int, Tidy]]:
    """What is added, each with its sign; nothing if they are many."""
    found: list[tuple[int, Tidy]] = []
    stack = [(1, whole)]
    while stack:
        sign, term = stack.pop()
        if term.operation in (add, sub):
            a, b = term.operands
            stack += [(-sign if term.operation is sub else sign, b), (sign, a)]
        elif term.operation is neg:
            stack.append((-sign, term.operands[0]))
        else:
            found.append((sign, term))
        if len(found) + len(stack) > MOST:
            return []
    return found


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
        return Tidy.of(0.0)
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
    ours, others = _coefficient(a)
    if coefficient is None:
        return Tidy.made(mul, ours, Tidy.made(mul, others, b)) if ours is not None and others is not None else None
    met = _met(ours, coefficient, lambda x, y: x * y) if ours is not None else coefficient
    if met is None or (ours is None and rest is None and others is None):
        return None
    left = [factor for factor in (others, rest) if factor is not None]
    if _is(met, 1) or not left:
        return product(left) if left else met
    return Tidy.made(mul, met, reduce(lambda x, y: Tidy.made(mul, x, y), left))


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
    return Tidy.of(1.0) if _is(b, 0) else None


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


def _is(symbol: Symbol, number: float) -> bool:
    return symbol.is_number and symbol.number == number


def _opposite(symbol: Tidy) -> Tidy | None:
    """x for −x, and 2 for −2; None for what bears no minus sign."""
    if symbol.operation is neg:
        (inner,) = symbol.operands
        return inner
    return Tidy.of(-symbol.number) if symbol.is_number and symbol.number < 0 else None


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
    """Two numbers that meet, worked out as on paper; None if the result is long."""
    one, other = _fraction(a), _fraction(b)
    if one is None or other is None:
        return None
    return _written(work_out(one, other))


def _written(result: Fraction) -> Tidy | None:
    """As people write it, 0.5 or 1/3; None if that is long."""
    decimal = Tidy.of(float(result))
    if Fraction(repr(float(result))) == result and len(str(decimal)) <= SHORT:
        return decimal
    if len(str(result)) > SHORT:
        return None
    whole = Tidy.made(div, Tidy.of(float(abs(result.numerator))), Tidy.of(float(result.denominator)))
    return -whole if result < 0 else whole
