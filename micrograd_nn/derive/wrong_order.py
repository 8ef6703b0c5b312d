"""Why the sweep goes in topological order: the same chain rule, applied as soon as a node is met, goes wrong.

Promise: both sweeps are run, and no ``.grad`` is changed: every number in the tables was computed.
"""

from dataclasses import dataclass

from ..errors import GraphError
from ..value import Value
from .steps import shown, steps
from .writing import number_text

MOST = 1000  # moves of the naive sweep, whose number can double with every node


@dataclass(frozen=True, slots=True)
class Move:
    """One contribution: what a node hands to one operand."""

    node: str
    upstream: float  # as the sweep knew it at that moment
    operand: str
    contribution: float
    total: float  # what the operand has then

    def __str__(self) -> str:
        move = f"{self.node} → {self.operand}"
        numbers = f"{number_text(self.upstream, 6):>8} {number_text(self.contribution, 6):>6}"
        return f"{move:<12} {numbers} {number_text(self.total, 6):>6}"


@dataclass(frozen=True)
class WrongOrder:
    """The two sweeps side by side; ``print`` it."""

    right: tuple[Move, ...]
    naive: tuple[Move, ...]

    def __str__(self) -> str:
        head = f"{'move':<12} {'upstream':>8} {'adds':>6} {'total':>6}"
        titles = ("in topological order", "as soon as met, depth first")
        left, right = (
            [title, head, *map(str, moves)] for title, moves in zip(titles, (self.right, self.naive), strict=True)
        )
        rows = max(len(left), len(right))
        padded = [column + [""] * (rows - len(column)) for column in (left, right)]
        return "\n".join(f"{a:<35}    {b}".rstrip() for a, b in zip(*padded, strict=True))


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


def _right(root: Value) -> list[Move]:
    return [
        Move(shown(step.node), step.upstream, shown(operand), contribution, total)
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
        moves.append(Move(shown(node), totals[node], shown(operand), totals[node] * slope, totals[operand]))
        if len(moves) > MOST:
            raise GraphError(f"the naive sweep takes more than {MOST:,} moves here; show it on a smaller graph")
        stack += [(node, i + 1), (operand, 0)]
    return moves
