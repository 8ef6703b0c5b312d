"""The slips that people make: one table, a row for each.

A wrong derivation is the right one with a slope exchanged. A row says what the slip is called, how far-fetched it is,
what is said of it, and the edits that make it: in what kind of place, under which condition, and what stands there
instead. The same function gives the wrong slope on numbers, to be compared with what a person wrote, and on symbols,
to be shown to them.

Promise: a slip is a row here and nothing else; the edits of an edge are also tried at all alike edges at once.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache, partial
from typing import Any

from ..engine.operation import TABLE, Operation
from ..engine.ops import mul, power, sub
from ..notation.symbol import Symbol
from ..notation.text import POWER
from .units import slope_in_letters

UNLIKELY = 10  # beyond the next best slip


class Scope(Enum):
    """In what a slip can be made."""

    WHOLE = "all ways from the root down to where they meet again"
    FACTOR = "a factor of the chain"
    CUT_OFF = "all that comes from above a named node"
    EDGE = "the slope of an operation towards one operand"
    BRANCH = "one of several ways through a factor"


@dataclass(frozen=True, slots=True)
class Slope:
    """The slope in whose place another is written, and what may have been taken for it; numbers, or symbols."""

    right: Any
    row: Any = None  # of an edge: the operation, …
    i: int = 0  # … which operand the slope is towards, …
    operands: Sequence[Any] = ()  # … all of them, …
    out: Any = None  # … what the operation made of them, …
    others: Sequence[Any] = ()  # … and what might be taken for the other operand
    divisors: Sequence[float] = ()  # the n of each mean
    from_root: bool = False  # of a factor: does the chain begin with it?
    one_of_several: bool = False  # are there paths that do not run through it?


Wrong = Callable[[Slope], Sequence[Any]]
Condition = Callable[[Slope], bool]


@dataclass(frozen=True)
class Edit:
    """Where a slip can be made, and the wrong slopes that it leads to: always as many in the same place."""

    scope: Scope
    instead: Wrong
    where: Condition = lambda slope: True
    seen: str = ""  # how a factor begins, a regular expression, in which it is more likely
    rank: int = 0  # at least, if it is more far-fetched here than elsewhere
    unlikely: int = 0  # among slips of one rank
    said: str = ""  # of a branch; {} is what the branch runs through


# ---- conditions ----


def _is_activation(slope: Slope) -> bool:
    """Is this a function of one variable that isn't a straight line?"""
    return _bends(slope.row, slope.i)


def _is_product(slope: Slope) -> bool:
    """Is the slope towards one operand the other operand?"""
    return multiplies(slope.row, slope.i)


def _is_power(slope: Slope) -> bool:
    """Is this the base of a power?"""
    return slope.row.arity == 2 and slope.row.level == POWER and slope.i == 0


@cache
def _bends(row: Operation, i: int) -> bool:
    one = row.arity == 1 or row.default is not None
    return one and i == 0 and not slope_in_letters(row, i).is_number


@cache
def multiplies(row: Operation, i: int) -> bool:
    """Is the slope towards one operand the other operand?"""
    return row.arity == 2 and slope_in_letters(row, i).name == "ba"[i]


# ---- wrong slopes that take more than an expression, and where an edit is made ----


def _by_other_rules(slope: Slope) -> list[Any]:
    a, *more = slope.operands
    rules = [
        row.textbook[0](a, *((more or [row.default])[: row.arity - 1]), slope.out)
        for row in tuple(TABLE.values())
        if row is not slope.row and _bends(row, 0)
    ]
    return [*rules, 1.0 + slope.out * slope.out]


@cache
def _misremembered(row: Operation, i: int, of: Operation, instead: Callable[..., Any]) -> tuple[Symbol, ...]:
    """The rule in letters with one of its operations exchanged, each in its turn."""
    rule = slope_in_letters(row, i)
    return tuple(
        changed
        for node in rule.parts()
        if node.operation is of
        for changed in map(partial(_with, rule, node), instead(*node.operands))
    )


def _with(rule: Symbol, node: Symbol, other: Symbol) -> Symbol:
    """The rule with another part in place of one of its own."""
    done = {node: other}
    for part in rule.parts():
        if part is not node:
            done[part] = Symbol.apply(part.operation, *[done[o] for o in part.operands]) if part.operation else part
    return done[rule]


def _by_rule_with(of: Operation, instead: Callable[..., Any]) -> Wrong:
    def wrong(slope: Slope) -> list[Any]:
        letters: dict[Hashable, Any] = {"out": slope.out, **dict(zip("ab", slope.operands, strict=False))}
        return [rule.put_in(letters) for rule in _misremembered(slope.row, slope.i, of, instead)]

    return wrong


def _square(base: Symbol, exponent: Symbol) -> list[Symbol]:
    return [base] if exponent.is_number and exponent.number == 2.0 else []


def _anywhere(instead: Wrong, seen: str = "", where: Condition = lambda slope: True) -> tuple[Edit, Edit]:
    """In the whole or in a factor: a product does not tell where."""
    return Edit(Scope.WHOLE, instead), Edit(Scope.FACTOR, instead, where, seen)


def _on_edge(where: Condition, instead: Wrong) -> Edit:
    return Edit(Scope.EDGE, instead, where)


# ---- the table ----


class Slip(Enum):
    """What went wrong in a derivation: a word for it, its rank, what is said of it, and the edits that make it.

    Of two slips that explain the same numbers, the one of the lower rank is named.
    """

    rank: int
    sentence: str
    edits: tuple[Edit, ...]

    def __new__(cls, word: str, rank: int, sentence: str, *edits: Edit) -> "Slip":
        """Read a row; the word is the member's value."""
        slip = object.__new__(cls)
        slip._value_ = word
        slip.rank, slip.sentence, slip.edits = rank, sentence, edits
        return slip

    # fmt: off
    SIGN = ("sign", 1, "the sign is the other way round",
        *_anywhere(lambda s: [-s.right], seen="−"),
        Edit(Scope.BRANCH, lambda s: [-s.right], rank=3, unlikely=3, said="only in the term through {}"))

    FACTOR_TWO = ("factor two", 2, "there is a factor 2 too much",
        *_anywhere(lambda s: [2.0 * s.right], seen=r"−?[\d.]", where=lambda s: not s.one_of_several),
        # in one of several paths, that is rather a path counted twice
        Edit(Scope.FACTOR, lambda s: [2.0 * s.right], lambda s: s.one_of_several, unlikely=UNLIKELY))

    FACTOR_HALF = ("factor half", 2, "a factor 2 is missing",
        *_anywhere(lambda s: [0.5 * s.right], seen=r"−?2\b"))

    FACTOR_N = ("factor n", 4, "a factor n or 1/n of the mean is missing or too much",
        *_anywhere(lambda s: [change * s.right for n in s.divisors for change in (n, 1.0 / n)]))

    SQUARE_FORGOTTEN = ("square forgotten", 2, "the square is forgotten: it was derived as if the power were not there",
        _on_edge(_is_power, lambda s: [1.0, s.operands[1]]),
        _on_edge(_is_activation, _by_rule_with(power, _square)))

    SIGN_INSIDE = ("sign inside", 3, "the sign inside the rule is the other way round",
        _on_edge(_is_activation, _by_rule_with(sub, lambda a, b: [a + b])))

    PART_FORGOTTEN = ("part of the rule forgotten", 4, "a part of the rule is forgotten",
        _on_edge(_is_activation, _by_rule_with(mul, lambda a, b: [a, b])),
        _on_edge(_is_activation, _by_rule_with(sub, lambda a, b: [b])))

    ACTIVATION_FORGOTTEN = ("activation derivative forgotten", 2, "the derivative of the activation is forgotten",
        _on_edge(_is_activation, lambda s: [1.0]))

    INNER_FORGOTTEN = ("inner derivative forgotten", 3, "the inner derivative is forgotten",
        _on_edge(_is_product, lambda s: [1.0]))

    UPSTREAM_FORGOTTEN = ("upstream forgotten", 3, "the chain is cut off: what comes from above is forgotten",
        Edit(Scope.CUT_OFF, lambda s: [1.0]))

    VALUE_FOR_SLOPE = ("value for slope", 3, "the activation itself stands where its derivative belongs",
        _on_edge(_is_activation, lambda s: [s.out]))

    INPUT_FOR_OUTPUT = ("pre-activation for output", 4, "the pre-activation was put in where the output belongs",
        _on_edge(_is_activation, lambda s: [s.row.textbook[0](*s.operands, s.operands[0])]))

    SLOPE_AT_OUTPUT = ("slope taken at the output", 4,
        "the derivative was taken at the output instead of at the pre-activation",
        _on_edge(_is_activation,
            lambda s: [s.row.textbook[0](s.out, *s.operands[1:], s.row(s.out, *s.operands[1:]))]))

    ANOTHER_RULE = ("another activation's rule", 5, "this is another activation's rule",
        _on_edge(_is_activation, _by_other_rules))

    WRONG_OPERAND = ("wrong operand", 4, "the wrong operand was taken",
        _on_edge(_is_product, lambda s: [s.operands[s.i], *s.others]))

    PATH_MISSING = ("path missing", 3, "a path, that is a term of the sum, is missing",
        Edit(Scope.FACTOR, lambda s: [0.0], lambda s: s.one_of_several),
        Edit(Scope.BRANCH, lambda s: [0.0], unlikely=1, said="the one through {}"))

    PATH_TWICE = ("path counted twice", 3, "a path, that is a term of the sum, is counted twice",
        Edit(Scope.FACTOR, lambda s: [2.0 * s.right], lambda s: s.one_of_several),
        Edit(Scope.BRANCH, lambda s: [2.0 * s.right], unlikely=2, said="the one through {}"))

    POWER_NOT_LOWERED = ("power not lowered", 5, "the exponent was not lowered by one",
        _on_edge(_is_power, lambda s: [s.operands[1] * s.out]))

    FACTOR_FORGOTTEN = ("factor forgotten", 5, "a whole factor of the chain is forgotten",
        # where the chain begins with it, all that comes from above is forgotten
        Edit(Scope.FACTOR, lambda s: [1.0], lambda s: s.one_of_several or not s.from_root))

    INVERTED = ("factor inverted", 6, "the factor is upside down",
        Edit(Scope.FACTOR, lambda s: [TABLE["div"](1.0, s.right)]))
    # fmt: on

    @property
    def anywhere(self) -> bool:
        """Can the derivation leave open where the slip was made, as a product does with a factor 2?"""
        return any(edit.scope is Scope.WHOLE for edit in self.edits)
