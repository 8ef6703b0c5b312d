"""The backward sweep, one application of the chain rule at a time, and why it goes in topological order.

Promise: the steps are the engine's own sweep in its own order, down to the last bit, as data; they stream, and what a
sweep has finished with is let go. No ``.grad`` is changed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from ..engine.operation import Operation
from ..engine.value import Value, topological_order
from ..errors import GraphError
from ..notation.symbol import Symbol
from ..notation.text import number_text
from .recorded import check_unchanged, name_or_number

HEAD = ("move        ", "upstream", "  adds", " total")
MOST = 1000  # moves of the naive sweep, whose number can double with every node


@dataclass(frozen=True, slots=True)
class Step:
    """A node hands its upstream gradient on: to each operand, times the local partial towards it.

    >>> a, b = Value(2.0, "a"), Value(3.0, "b")
    >>> next(iter(steps(a * b))).contributions
    (3.0, 2.0)
    """

    node: Value
    operation: Operation
    upstream: float  # ∂L/∂node, complete
    operands: tuple[Value, ...]
    partials: tuple[float, ...]  # ∂node/∂operand
    contributions: tuple[float, ...]  # upstream · partial
    before: tuple[float, ...]  # what the operand had gathered until then
    after: tuple[float, ...]

    def __str__(self) -> str:
        made = self.operation(*map(Symbol, "ab"[: len(self.operands)]))
        lines = [f"{name_or_number(self.node, self.node.label)} = {made}, upstream {number_text(self.upstream)}"]
        columns = self.partials, self.contributions, self.before, self.after
        for name, operand, *numbers in zip("ab", self.operands, *columns, strict=False):
            partial, contribution, before, after = map(number_text, numbers)
            lines.append(
                f"  {name} = {name_or_number(operand, operand.label)}: {number_text(self.upstream)} · {partial} = "
                f"{contribution}; gathered {before} → {after}"
            )
        return "\n".join(lines)

    __repr__ = __str__


def steps(root: Value) -> Iterator[Step]:
    """The sweep from root, one Step per operation; no ``.grad`` is changed.

    >>> a = Value(3.0, label="a")
    >>> for step in steps(a * a):
    ...     print(step)
    9 = a·b, upstream 1
      a = a: 1 · 3 = 3; gathered 0 → 3
      b = a: 1 · 3 = 3; gathered 3 → 6

    Raises GraphError if a ``.data`` has changed since the graph was recorded, ArgumentTypeError if root is no Value.
    """
    check_unchanged(root)
    return _steps(root)


def _steps(root: Value) -> Iterator[Step]:
    gathered = {root: 1.0}  # what is on its way down; a node that has handed its share on is let go
    for node in reversed(topological_order(root)):
        upstream = gathered.pop(node)
        if node.operation is None:
            continue
        contributions = tuple(upstream * partial for partial in node.partials)
        before, after = tuple[float, ...](), tuple[float, ...]()
        for operand, contribution in zip(node.operands, contributions, strict=True):
            before += (gathered.get(operand, 0.0),)
            after += (before[-1] + contribution,)
            gathered[operand] = after[-1]
        yield Step(node, node.operation, upstream, node.operands, node.partials, contributions, before, after)


# ---- and in another order ----


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

    __repr__ = __str__


@dataclass(frozen=True)
class WrongOrder:
    """The two sweeps side by side; ``print`` it."""

    right: tuple[Move, ...]
    naive: tuple[Move, ...]

    def __str__(self) -> str:
        left, right = _table("in topological order", self.right), _table("as soon as met, depth first", self.naive)
        width = max(map(len, left))
        return "\n".join(f"{a:<{width}}    {b}".rstrip() for a, b in zip_longest(left, right, fillvalue=""))

    __repr__ = __str__


def wrong_order(root: Value | None = None) -> WrongOrder:
    """Both sweeps from root, or from c of b = a + a; c = b + b: the right one, and the chain rule as soon as it can.

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


def _right(root: Value) -> Iterator[Move]:
    for step in steps(root):
        for operand, contribution, total in zip(step.operands, step.contributions, step.after, strict=True):
            yield _move(step.node, step.upstream, operand, contribution, total)


def _naive(root: Value) -> list[Move]:
    moves: list[Move] = []
    totals = {root: 1.0}
    stack = [(root, 0)]  # a node, and the operand that is next
    while stack:
        node, i = stack.pop()
        if i == len(node.operands):
            continue
        operand, contribution = node.operands[i], totals[node] * node.partials[i]
        totals[operand] = totals.get(operand, 0.0) + contribution
        moves.append(_move(node, totals[node], operand, contribution, totals[operand]))
        if len(moves) > MOST:
            raise GraphError(f"the naive sweep takes more than {MOST:,} moves here; show it on a smaller graph")
        stack += [(node, i + 1), (operand, 0)]
    return moves


def _move(node: Value, upstream: float, operand: Value, contribution: float, total: float) -> Move:
    names = [name_or_number(end, end.label, 4) for end in (node, operand)]
    return Move(names[0], upstream, names[1], contribution, total)
