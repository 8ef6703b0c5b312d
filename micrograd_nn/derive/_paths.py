"""Every way from a weight to the loss, with the product of the local partials along it.

Promise: paths are counted without being listed, in whole numbers of any size, and the largest come first without the
others being looked at, so both work on a graph of a million nodes; over all paths the products add up to ∂L/∂w.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count, islice
from math import isfinite, log, prod
from operator import itemgetter
from typing import Any

from ..engine.graph import Edges, sweep, topological_order
from ..engine.value import Value, adjoints
from ..engine.value import edges as recorded
from ..notation.text import label_text, number_text
from .recorded import check_root, check_unchanged, name_or_number, names_of, node_of, tangents

SHOWN = 10  # paths in print
BEYOND = 1e15  # stands for the logarithm of inf, and less for that of 0; a million finite slopes stay below


@dataclass(frozen=True, slots=True)
class Path:
    """One way down from the loss to the weight.

    >>> w = Value(3.0, "w")
    >>> next(iter(paths(w * w, w))).product
    3.0
    """

    nodes: tuple[Value, ...]  # from the loss to the weight
    partials: tuple[float, ...]  # between each node and the next

    @property
    def product(self) -> float:
        """What this path adds to ∂L/∂w."""
        return prod(self.partials)


class Paths:
    """The paths from w to L: their number, their sum, and the paths themselves, largest in magnitude first.

    >>> w = Value(3.0, "w")
    >>> paths(w * w, w)
    2 paths from w to L, in sum 6
      3   L ← w
      3   L ← w
    """

    def __init__(self, root: Value, target: Value) -> None:
        self.root, self.target = root, target
        self.count = count_paths(root, target)
        self.total = adjoints(root).get(target, 0.0)

    def __iter__(self) -> Iterator[Path]:
        return largest_first(topological_order(self.root), recorded, self.target)

    def largest(self, k: int) -> list[Path]:
        """The k paths that weigh most."""
        return list(islice(self, k))

    def __str__(self) -> str:
        return self.text()

    def text(self, digits: int | None = None) -> str:
        """The same with numbers of so many significant digits."""
        names = names_of(self.root, self.target)
        number = f"{self.count:,}" if self.count < 10**30 else f"about 2^{self.count.bit_length() - 1}"
        ends = f"path{'s' * (self.count != 1)} from {label_text(names[self.target])} to {label_text(names[self.root])}"
        lines = [f"{number} {ends}, in sum {number_text(self.total, digits)}"]
        shown = self.largest(SHOWN)
        products = [number_text(path.product, digits) for path in shown]
        by_names = [_way([node for node in path.nodes if node in names], names) for path in shown]
        width, alike = max(map(len, products), default=0), Counter(by_names)
        for product, path, way in zip(products, shown, by_names, strict=True):
            lines.append(f"  {product:>{width}}   {way if alike[way] == 1 else _way(path.nodes, names)}")
        if self.count > SHOWN:
            lines.append("  …")
        return "\n".join(lines)

    __repr__ = __str__


def _way(nodes: Sequence[Value], names: Mapping[Value, str]) -> str:
    """The nodes in a row, a number for one without a name."""
    way = " ← ".join(name_or_number(node, names.get(node, ""), 4) for node in nodes[:SHOWN])
    return way + (f" ← … {len(nodes) - SHOWN} more" if len(nodes) > SHOWN else "")


def paths(root: Value, target: Value | str) -> Paths:
    """Every path from target, a node or its label, up to root.

    In print a path is written by its names; where two would read alike, nodes without one stand there as numbers.

    >>> a = Value(3.0, "a")
    >>> print(paths(a * a + a, a))
    3 paths from a to L, in sum 7
      3   L ← 9 ← a
      3   L ← 9 ← a
      1   L ← a

    Raises UnknownNameError for a label that is not there, GraphError if a ``.data`` has changed since the graph was
    recorded, ArgumentTypeError if root is no Value.
    """
    check_unchanged(root)
    return Paths(root, node_of(target, root))


def count_paths(root: Value, target: Value | str) -> int:
    """The number of paths from target up to root; x·x has two edges, and so two paths.

    >>> x = Value(1.0)
    >>> for _ in range(100):
    ...     x = x + x
    >>> count_paths(x, x.left.left) == 4
    True

    Raises UnknownNameError for a label that is not there, ArgumentTypeError if root is no Value.
    """
    check_root(root)
    end, found = node_of(target, root), sweep(topological_order(root), recorded, 1, mul=lambda ways, _: ways)
    return next((ways for node, ways in found if node is end), 0)


def largest_first(order: Sequence[Value], edges: Edges[Value], target: Value) -> Iterator[Path]:
    """The paths from the last of the order down to target, largest product first.

    From each node one edge leads on to the largest product; a path is known by where it leaves these, and by how much
    it loses there. So each path that is taken up is a whole one, however many there are with the same product.
    """
    best = _best(order, edges, target)
    root = order[-1]
    if root not in best:
        return
    turn = count()  # ties come in the order in which they were found
    queue: list[tuple[float, int, Value, Any]] = [(0.0, next(turn), root, None)]
    while queue:
        lost, _, node, way = heappop(queue)
        leaves = []  # where another edge could have been taken
        while node is not target:
            leaves.append((node, way))
            _, (_, operand, partial) = best[node]
            node, way = operand, (way, node, partial)
        yield _path(target, way)
        for node, way in leaves:
            weight, (taken, *_) = best[node]
            for i, (operand, partial) in enumerate(edges(node)):
                if operand in best and i != taken:
                    loss = max(0.0, weight - best[operand][0] - _weight(partial))
                    heappush(queue, (lost + loss, next(turn), operand, (way, node, partial)))


def _best(order: Sequence[Value], edges: Edges[Value], target: Value) -> dict[Value, tuple[float, Any]]:
    """By node: the logarithm of the largest product down to target, and the edge that leads to it."""
    return tangents(
        order,
        lambda node: [(operand, (i, operand, partial)) for i, (operand, partial) in enumerate(edges(node))],
        target,
        (0.0, None),
        add=lambda one, other: max(one, other, key=itemgetter(0)),
        mul=lambda edge, below: (_weight(edge[2]) + below[0], edge),
    )


def _weight(partial: float) -> float:
    if not partial:
        return -BEYOND
    return log(abs(partial)) if isfinite(partial) else BEYOND


def _path(target: Value, way: Any) -> Path:
    nodes, partials = [target], []
    while way is not None:
        way, node, partial = way
        nodes.append(node)
        partials.append(partial)
    return Path(tuple(reversed(nodes)), tuple(reversed(partials)))
