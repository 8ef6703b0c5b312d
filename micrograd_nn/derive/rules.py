"""The rule by which a slope is derived, and the wrong slopes that come of misremembering it.

A rule is known by how a textbook writes it, with a and b for the operands and out: 1/a is a logarithm's, whatever the
operation is called. A wrong slope is made by a function of the right one's surroundings, on numbers and symbols alike.
"""

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import prod
from typing import Any

from ..engine.operation import TABLE, Operation
from ..engine.ops import exp, greater, log
from ..notation.symbol import Symbol
from .units import slope_in_letters


@dataclass(slots=True, eq=False)
class Slope:
    """The slope in whose place another is written, and what may have been taken for it; numbers, or symbols."""

    right: Any
    row: Any = None  # of an edge or a rule: the operation, or of a factor the unit that it leads through, …
    i: int = 0  # … which operand the slope is towards, …
    operands: Sequence[Any] = ()  # … all of them, …
    out: Any = None  # … what the operation made of them, or the name above a factor holds, …
    inner: Sequence[Any] = ()  # … the operands' own slopes, of a rule, …
    others: Sequence[Any] = ()  # … and what might be taken for the other operand, or for the whole derivative
    at: Any = None  # what the name below holds
    outer: float = 1.0  # −1 where the rule is that of a function of 1 − a, and right is its slope there
    constant: bool = False  # of an edge: is the other operand a constant?
    sign: float = 1.0  # of an edge: −1 where the other operand is the opposite of something
    number: float = 1.0  # of an edge: the number in the other operand, as the ½ of ½·λ
    share: Any = None  # of a factor through a logsumexp: its slope, p
    paths: Sequence[Sequence[float]] = ()  # of the entry: the factors of each path
    divisors: Sequence[float] = ()  # the n of each mean
    from_root: bool = False  # of a factor: does the chain begin with it?
    one_of_several: bool = False  # are there paths that do not run through it?


Wrong = Callable[[Slope], Sequence[Any]]
Condition = Callable[[Slope], bool]


# ---- which rule it is ----


@cache
def reads(row: Operation | None, i: int, *patterns: str) -> bool:
    """Is the rule of an operation written like this?"""
    return row is not None and any(re.fullmatch(pattern, written(row, i)) for pattern in patterns)


def a_row(pattern: str) -> Operation:
    """An operation whose rule is written like this."""
    return next(row for row in TABLE.values() if reads(row, 0, pattern))


@cache
def written(row: Operation, i: int) -> str:
    """The rule as it is written, with a and b for the operands and out."""
    return str(slope_in_letters(row, i)) if i < row.arity else ""


@cache
def bends(row: Operation, i: int) -> bool:
    """Is this a function of one variable that isn't a straight line?"""
    one = row.arity == 1 or row.default is not None
    return one and i == 0 and not slope_in_letters(row, i).is_number


@cache
def multiplies(row: Operation, i: int) -> bool:
    """Is the slope towards one operand the other operand?"""
    return row.arity == 2 and slope_in_letters(row, i).name == "ba"[i]


def _rule(pattern: str) -> Condition:
    return lambda slope: reads(slope.row, slope.i, pattern)


def function(slope: Slope) -> bool:
    """Is this a function of one variable that isn't a straight line?"""
    return bends(slope.row, slope.i)


def factor(slope: Slope) -> bool:
    """Is the slope towards one operand the other operand?"""
    return multiplies(slope.row, slope.i)


def of_complement(slope: Slope) -> Slope:
    """A logarithm of 1 − a that is one operation, as what it is written as: a logarithm, taken of 1 − a."""
    return replace(slope, row=a_row("1/a"), operands=[1.0 - slope.operands[0]], right=-slope.right, outer=-1.0)


def is_constant(slope: Slope) -> bool:
    """Is this a constant factor or divisor?"""
    return slope.constant and (factor(slope) or numerator(slope))


base, exponent = _rule(r"b·a\^\(b − 1\)"), _rule(r"out·ln\(a\)")
numerator, denominator = _rule("1/b"), _rule(r"−a/b\^2")
exponential, logarithm, root = _rule("out"), _rule("1/a"), _rule(r"0\.5/out")
squared, sigmoid_of_it = _rule(r"1 − out\^2"), _rule(SOFTPLUS := r"σ\(a\)")
branching = _rule(r".*>.*")  # one on one side, and another on the other
COMPLEMENT = r"−1/\(1 − a\)"  # of ln(1 − a)
through_logarithm = _rule(f"1/a|{COMPLEMENT}")
logsumexp = _rule(LOGSUMEXP := r".*\(a − out\)")


def is_logarithmic(row: Operation | None) -> bool:
    """Is this a logarithm, or what a logarithm of powers of e is recorded as?"""
    return reads(row, 0, "1/a", COMPLEMENT, LOGSUMEXP, SOFTPLUS)


def probability(slope: Slope) -> bool:
    """Is this a factor through a logsumexp, however it is recorded, whose slope is p?"""
    of_softplus = sigmoid_of_it(slope) and slope.from_root  # else a neuron's own
    return logsumexp(slope) or of_softplus or (through_logarithm(slope) and 0.0 < slope.share < 1.0)


# ---- what stands there instead ----


def at(x: Any, slope: Slope) -> Any:
    """The rule at another operand."""
    operands = x, *slope.operands[1:]
    return slope.row.textbook[0](*operands, slope.row(*operands))


def over(slope: Slope) -> list[Any]:
    """What may stand for the 1/b of a/b."""
    return [slope.operands[1], slope.right * slope.right, 1.0]


def other_functions(slope: Slope) -> list[Operation]:
    """All functions of one variable but the one at hand."""
    return [row for row in tuple(TABLE.values()) if row is not slope.row and bends(row, 0)]


def by_other_rules(slope: Slope) -> list[Any]:
    """The slopes of all other functions, at this one's outcome and at their own."""
    a, *more = slope.operands
    wrong = []
    for row in other_functions(slope):
        operands = a, *((more or [row.default])[: row.arity - 1])
        wrong += [row.textbook[0](*operands, slope.out), row.textbook[0](*operands, row(*operands))]
    return [*wrong, 1.0 + slope.out * slope.out]


def by_rule_with(of: Operation, instead: Callable[..., Any]) -> Wrong:
    """The rule with one of its operations exchanged, each in its turn, and all of them."""
    return lambda slope: [rule.put_in(_letters(slope)) for rule in _misremembered(slope.row, slope.i, of, instead)]


@cache
def _misremembered(row: Operation, i: int, of: Operation, instead: Callable[..., Any]) -> tuple[Symbol, ...]:
    rule = slope_in_letters(row, i)
    others = {part: instead(*part.operands) for part in rule.parts() if part.operation is of}
    each = [{part: other} for part in others for other in others[part]]
    together = [dict(zip(others, chosen, strict=True)) for chosen in zip(*others.values(), strict=False)]
    return tuple(map(rule.exchanged, [*each, *(together if len(others) > 1 else [])]))


def square(base: Symbol, exponent: Symbol) -> list[Symbol]:
    """The base of a square; nothing for another power."""
    return [base] if exponent.is_number and exponent.number == 2.0 else []


def _letters(slope: Slope) -> dict[Hashable, Any]:
    return {"out": slope.out, **dict(zip("ab", slope.operands, strict=False))}


def sides(slope: Slope) -> list[Any]:
    """The slope with its sides exchanged, with one of them on both, and with the function itself on one."""
    rule = slope_in_letters(slope.row, slope.i)
    above = next(part for part in rule.parts() if part.operation is greater).put_in(_letters(slope))
    below, upper, lower = 1.0 - above, _on_side(1.0, rule, slope), _on_side(0.0, rule, slope)
    mixed = [above * slope.out + below * lower, above * upper + below * slope.out]
    return [above * lower + below * upper, upper, lower, *mixed]


def _on_side(side: float, rule: Symbol, slope: Slope) -> Any:
    """The rule as it is on one side, also where the other one holds."""
    letters = _letters(slope)

    def applied(operation: Operation, *operands: Any) -> Any:
        if operation is greater:
            return side
        return operands[0] if reads(operation, 0, r".*>.*") else operation(*operands)  # a, for min(a, 0)

    return rule.fold(lambda leaf: letters[leaf.name] if leaf.name else leaf.number, applied)


def inside(of_exp: Callable[..., Any], of_log: Callable[..., Any]) -> Wrong:
    """In a logsumexp, which is recorded without the powers and the logarithm that it is written with."""

    def wrong(slope: Slope) -> list[Any]:
        power = exp(slope.at)
        whole = power / slope.share
        return [slope.right - slope.share + of_log(whole, log(whole)) * of_exp(slope.at, power)]

    return wrong


def added(slope: Slope) -> list[float]:
    """The factors of each path with a + between two of them, or between all; then with one between two products."""
    cuts = range(1, max(map(len, slope.paths), default=0))
    brackets = [sum(_with_sums(path, joins) for path in slope.paths) for joins in ([*({k} for k in cuts), {*cuts}])]
    return brackets + [
        sum(prod(path[:k]) + (prod(path[k:]) if path[k:] else 0.0) for path in slope.paths) for k in cuts
    ]


def _with_sums(path: Sequence[float], joins: set[int]) -> float:
    """The product of the factors, with a + before some of them."""
    whole, last = 1.0, path[0]
    for k, one in enumerate(path[1:], start=1):
        whole, last = (whole, last + one) if k in joins else (whole * last, one)
    return whole * last
