"""The slips that people make, as data: what each is called, how simple it is, and what it makes of a right factor.

Promise: a slip is a row here and nothing else; the same line turns a right slope into the wrong one on numbers, to be
compared with what a person wrote, and on symbols, to be shown to them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from ..engine.operation import TABLE, Operation
from ..notation.symbol import Symbol
from ..notation.text import POWER


class Slip(Enum):
    """What went wrong in a derivation."""

    SIGN = "sign"
    FACTOR_TWO = "factor two"
    FACTOR_HALF = "factor half"
    FACTOR_N = "factor n"
    SQUARE_FORGOTTEN = "square forgotten"
    ACTIVATION_FORGOTTEN = "activation derivative forgotten"
    INNER_FORGOTTEN = "inner derivative forgotten"
    UPSTREAM_FORGOTTEN = "upstream forgotten"
    VALUE_FOR_SLOPE = "value for slope"
    INPUT_FOR_OUTPUT = "pre-activation for output"
    SLOPE_AT_OUTPUT = "slope taken at the output"
    ANOTHER_RULE = "another activation's rule"
    WRONG_OPERAND = "wrong operand"
    PATH_MISSING = "path missing"
    PATH_TWICE = "path counted twice"
    POWER_NOT_LOWERED = "power not lowered"
    FACTOR_FORGOTTEN = "factor forgotten"
    INVERTED = "factor inverted"

    @property
    def rank(self) -> int:
        """How far-fetched it is: of two slips that explain the same numbers, the lower one is named."""
        return WORDS[self][0]

    @property
    def sentence(self) -> str:
        """What went wrong, in words."""
        return WORDS[self][1]


WORDS: dict[Slip, tuple[int, str]] = {
    Slip.SIGN: (1, "the sign is the other way round"),
    Slip.FACTOR_TWO: (2, "there is a factor 2 too much"),
    Slip.FACTOR_HALF: (2, "a factor 2 is missing"),
    Slip.SQUARE_FORGOTTEN: (2, "the square is forgotten: it was derived as if the power were not there"),
    Slip.ACTIVATION_FORGOTTEN: (2, "the derivative of the activation is forgotten"),
    Slip.UPSTREAM_FORGOTTEN: (3, "the chain is cut off: what comes from above is forgotten"),
    Slip.PATH_MISSING: (3, "a path, that is a term of the sum, is missing"),
    Slip.PATH_TWICE: (3, "a path, that is a term of the sum, is counted twice"),
    Slip.INNER_FORGOTTEN: (3, "the inner derivative is forgotten"),
    Slip.VALUE_FOR_SLOPE: (3, "the activation itself stands where its derivative belongs"),
    Slip.FACTOR_N: (4, "a factor n or 1/n of the mean is missing or too much"),
    Slip.WRONG_OPERAND: (4, "the wrong operand was taken"),
    Slip.INPUT_FOR_OUTPUT: (4, "the pre-activation was put in where the output belongs"),
    Slip.SLOPE_AT_OUTPUT: (4, "the derivative was taken at the output instead of at the pre-activation"),
    Slip.ANOTHER_RULE: (5, "this is another activation's rule"),
    Slip.POWER_NOT_LOWERED: (5, "the exponent was not lowered by one"),
    Slip.FACTOR_FORGOTTEN: (5, "a whole factor of the chain is forgotten"),
    Slip.INVERTED: (6, "the factor is upside down"),
}
ANYWHERE = frozenset({Slip.SIGN, Slip.FACTOR_TWO, Slip.FACTOR_HALF, Slip.FACTOR_N})  # a product doesn't tell where


# ---- slips of a whole factor: what becomes of it, on numbers and symbols alike ----

FACTOR_SLIPS: tuple[tuple[Slip, Callable[[Any], Any]], ...] = (
    (Slip.SIGN, lambda f: -f),
    (Slip.FACTOR_TWO, lambda f: 2.0 * f),
    (Slip.FACTOR_HALF, lambda f: 0.5 * f),
    (Slip.FACTOR_FORGOTTEN, lambda f: 1.0 + 0.0 * f),
    (Slip.INVERTED, lambda f: TABLE["div"](1.0, f)),
)
BRANCH_SLIPS: tuple[tuple[Slip, Callable[[Any], Any], str], ...] = (  # where there are other ways around, and which
    (Slip.PATH_MISSING, lambda f: 0.0 * f, "the one through {}"),
    (Slip.PATH_TWICE, lambda f: 2.0 * f, "the one through {}"),
    (Slip.SIGN, lambda f: -f, "only in the term through {}"),
)


# ---- slips of one local slope: an edge of the graph, from an operation to one of its operands ----


@dataclass(frozen=True, slots=True)
class Edge:
    """An operation's slope towards its operand i, on numbers or on symbols."""

    row: Operation
    i: int
    operands: Sequence[Any]
    out: Any
    others: Sequence[Any] = ()  # what else might be taken for an operand


@dataclass(frozen=True)
class Rule:
    """Where a slip can happen, and the wrong slopes it leads to, always as many for the same edge."""

    slip: Slip
    where: Callable[[Operation, int], bool]
    slopes: Callable[[Edge], Sequence[Any]]


@cache
def is_activation(row: Operation, i: int) -> bool:
    """Is this a function of one variable that isn't a straight line?"""
    one = row.arity == 1 or row.default is not None
    return one and i == 0 and not Symbol.of(_on_symbols(row, i)).is_number


@cache
def is_product(row: Operation, i: int) -> bool:
    """Is the slope towards one operand the other operand?"""
    return row.arity == 2 and getattr(_on_symbols(row, i), "name", None) == "ba"[i]


def is_power(row: Operation, i: int) -> bool:
    """Is this the base of a power?"""
    return row.arity == 2 and row.level == POWER and i == 0


def _on_symbols(row: Operation, i: int) -> Any:
    return row.textbook[i](*map(Symbol, "ab"[: row.arity]), Symbol("out"))


def _other_rules(edge: Edge) -> list[Any]:
    a, *more = edge.operands
    rules = [
        row.textbook[0](a, *((more or [row.default])[: row.arity - 1]), edge.out)
        for row in tuple(TABLE.values())
        if row is not edge.row and is_activation(row, 0)
    ]
    return [*rules, 1.0 - edge.out, edge.out * edge.out, 1.0 + edge.out * edge.out]


EDGE_RULES: tuple[Rule, ...] = (
    Rule(Slip.ACTIVATION_FORGOTTEN, is_activation, lambda e: [1.0]),
    Rule(Slip.VALUE_FOR_SLOPE, is_activation, lambda e: [e.out]),
    Rule(Slip.INPUT_FOR_OUTPUT, is_activation, lambda e: [e.row.textbook[0](*e.operands, e.operands[0])]),
    Rule(
        Slip.SLOPE_AT_OUTPUT,
        is_activation,
        lambda e: [e.row.textbook[0](e.out, *e.operands[1:], e.row(e.out, *e.operands[1:]))],
    ),
    Rule(Slip.ANOTHER_RULE, is_activation, _other_rules),
    Rule(Slip.SQUARE_FORGOTTEN, is_power, lambda e: [1.0, e.operands[1]]),
    Rule(Slip.POWER_NOT_LOWERED, is_power, lambda e: [e.operands[1] * e.out]),
    Rule(Slip.INNER_FORGOTTEN, is_product, lambda e: [1.0]),
    Rule(Slip.WRONG_OPERAND, is_product, lambda e: [e.operands[e.i], *e.others]),
)
EVERYWHERE = tuple(rule for rule in EDGE_RULES if rule.where is is_activation)  # made at every activation alike
