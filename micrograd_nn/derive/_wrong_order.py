"""Why the sweep goes in topological order: the same chain rule, applied as soon as a node is met, goes wrong.

Promise: both sweeps are run, and no ``.grad`` is changed: every number in the tables was computed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest

from ..engine.value import Value
from ..errors import GraphError
from ..notation.text import label_text, number_text
from ._steps import steps

HEAD = ("move        ", "upstream", "  adds", " total")
MOST = 1000  # moves of the naive sweep, whose number can double with every node


@dataclass(frozen=True, slots=True)
class Move:
    """One contribution: what a node hands to one operand."""

    node: str
    upstream: float  # as the sweep knew it at that moment
    operand: str
    contribution: float
    total: float  # what the operand has then

    @property
    def columns(self) -> tuple[str, ...]:
        """The move and its numbers, to six digits."""
        numbers = (self.upstream, self.contribution, self.total)
        return f"{self.node} → {self.operand}", *(number_text(number, 6) for number in numbers)

    def __str__(self) -> str:
        return " ".join(self.columns)


@dataclass(frozen=True)
class WrongOrder:
    """The two sweeps side by side; ``print`` it."""

    right: tuple[Move, ...]
    naive: tuple[Move, ...]

    def __str__(self) -> str:
        left, right = _table("in topological order", self.right), _table("as soon as met, depth first", self.naive)
        width = max(map(len, left))
        return "\n".join(f"{a:<{width}}    {b}".rstrip() for a, b in zip_longest(left, right, fillvalue=""))


def wrong_order(root: Value | None = None) -> WrongOrder:
    """Both sweeps from root, or from c of b = a + a; c = b + b.

    The naive one hands a node's gradient on before all of it has arrived, and again when more arrives: a gets 6, not 4.

    >>> print(wrong_order())
    in topological order                   as soon as met, depth first
    move         upstream   adds  total    move         upstream   adds  total
    c → b               1      1      1    c → b               1      1      1
    c → b               1      1      2    b → a               1      1      1
    b → a               2      2      2    b → a               1      1      2
    b → a               2      2      4    c → b               1      1      2
                                           b → a               2      2      4
                                           b → a               2      2      6

    Raises GraphError if the naive sweep takes more than a thousand moves, and what ``steps`` raises.
    """
    if root is None:
        a = Value(1.0, "a")
        b = a + a
        b.label = "b"
        root = b + b
        root.label = "c"
    return WrongOrder(tuple(_right(root)), tuple(_naive(root)))


def _table(title: str, moves: Iterable[Move]) -> list[str]:
    rows = [HEAD, *(move.columns for move in moves)]
    move, *numbers = (max(map(len, column)) for column in zip(*rows, strict=True))
    return [title, *(" ".join([f"{a:<{move}}", *map(str.rjust, rest, numbers)]) for a, *rest in rows)]


def _right(root: Value) -> list[Move]:
    return [
        Move(_name(step.node), step.upstream, _name(operand), contribution, total)
        for step in steps(root)
        for operand, contribution, total in zip(step.operands, step.contributions, step.after, strict=True)
    ]


def _naive(root: Value) -> list[Move]:
    moves: list[Move] = []
    totals = {root: 1.0}
    stack = [(root, 0)]  # a node, and the operand that is next
    while stack:
        node, i = stack.pop()
        if i == len(node.operands):
            continue
        operand, slope = node.operands[i], node.partials[i]
        totals[operand] = totals.get(operand, 0.0) + totals[node] * slope
        moves.append(Move(_name(node), totals[node], _name(operand), totals[node] * slope, totals[operand]))
        if len(moves) > MOST:
            raise GraphError(f"the naive sweep takes more than {MOST:,} moves here; show it on a smaller graph")
        stack += [(node, i + 1), (operand, 0)]
    return moves


def _name(node: Value) -> str:
    return label_text(node.label) if node.label else number_text(node.data, 4)
