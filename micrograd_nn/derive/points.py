"""A graph's numbers elsewhere: at points near the recorded one, worked out by the rows from the recorded graph alone.

Promise: nothing of the graph is changed. Fresh points lie in the domain of every operation that was in its domain when
the graph was recorded. What is asked of a point is worked out once, for all who ask.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from math import isfinite
from random import Random

from ..engine.backprop import replay, work_out
from ..engine.graph import sweep, tangents
from ..engine.value import Value
from .chain import Chain, Pair

FEW, MOST = 12, 200  # fresh points: usually, and where the derivative is 0 at most of them, as behind a dead relu
BUDGET = 200_000  # nodes worked out in all; a large graph gets fewer points, at least three
NUDGE = 6e-6  # the step of a central difference that loses least: about the cube root of 2^-52


class Point:
    """The numbers of every node at one point, and the slopes between them; ``values`` come operands first."""

    def __init__(self, values: Mapping[Value, float]) -> None:
        self.values = values
        self._adjoints: dict[Value, dict[Value, float]] = {}
        self._tangents: dict[Value, dict[Value, float]] = {}
        self._named: dict[str, float] = {}

    @cached_property
    def slopes(self) -> dict[Value, tuple[float, ...]]:
        """∂node/∂operand here, by the rows."""
        slopes = {}
        for node, out in self.values.items():
            operands = [self.values[operand] for operand in node.operands]
            partials = node.operation.partials if node.operation else ()
            slopes[node] = tuple([float(partial(*operands, out)) for partial in partials])
        return slopes

    def named(self, names: Mapping[Value, str]) -> dict[str, float]:
        """The numbers under their names."""
        if not self._named:
            self._named = {names[node]: number for node, number in self.values.items() if node in names}
        return self._named

    def edges(self, node: Value) -> Iterable[tuple[Value, float]]:
        """The edges of the graph below a node, with the slopes that they have here."""
        return zip(node.operands, self.slopes[node], strict=True)

    def adjoints(self, order: Sequence[Value]) -> dict[Value, float]:
        """∂last/∂node for each node of the order, which is that of all nodes below its last."""
        root = order[-1]
        if root not in self._adjoints:
            self._adjoints[root] = dict(sweep(order, self.edges, 1.0))
        return self._adjoints[root]

    def tangents(self, target: Value) -> dict[Value, float]:
        """∂node/∂target for each node that depends on it."""
        if target not in self._tangents:
            self._tangents[target] = tangents(self.values, self.edges, target, 1.0)
        return self._tangents[target]


class Numbers:
    """A chain at a point: the number of the whole derivative there, and of what it is made of."""

    def __init__(self, chain: Chain, point: Point) -> None:
        self.chain, self.point = chain, point
        self.adjoints = point.adjoints(chain.order)
        self.total = self.adjoints.get(chain.target, 0.0)
        self._below: dict[Value, dict[Value, float]] = {}
        self._above: dict[Pair, dict[Value, float]] = {}

    @cached_property
    def tangents(self) -> dict[Value, float]:
        """∂node/∂target."""
        return self.point.tangents(self.chain.target)

    def below(self, child: Value) -> dict[Value, float]:
        """∂child/∂node for the unnamed nodes below child."""
        if child not in self._below:
            self._below[child] = dict(sweep(self.chain.region(child), self.point.edges, 1.0))
        return self._below[child]

    def above(self, pair: Pair) -> dict[Value, float]:
        """∂node/∂parent for the nodes between child and parent that depend on it."""
        if pair not in self._above:
            self._above[pair] = tangents(self.chain.region(pair[0]), self.point.edges, pair[1], 1.0)
        return self._above[pair]

    def factor(self, pair: Pair) -> float:
        """∂child/∂parent through no other name."""
        return self.above(pair)[pair[0]]

    def times_factor(self, pair: Pair) -> float:
        """What a factor is multiplied with in the whole."""
        return self.adjoints[pair[0]] * self.tangents[pair[1]]

    def times_edge(self, pair: Pair, node: Value, i: int) -> float:
        """What node's slope towards its operand i is multiplied with, in the part of the whole through a factor."""
        return self.times_factor(pair) * self.below(pair[0])[node] * self.above(pair).get(node.operands[i], 0.0)

    def with_slopes(self, changed: Mapping[tuple[Value, int], float]) -> float:
        """The whole, had some operations other slopes towards their operand i."""

        def edges(node: Value) -> Iterable[tuple[Value, float]]:
            return [(o, changed.get((node, i), slope)) for i, (o, slope) in enumerate(self.point.edges(node))]

        chain = self.chain
        return tangents(chain.order, edges, chain.target, 1.0)[chain.root]


def recorded_point(order: Iterable[Value]) -> Point:
    """The graph as it stands."""
    return Point({node: node.data for node in order})


class FreshPoints:
    """Points at which every labelled leaf has another number; numbers without a label are constants and stay.

    They are drawn when they are asked for, and the same for the same seed.
    """

    def __init__(self, root: Value, here: Point, names: Mapping[Value, str], seed: int = 0) -> None:
        self._root, self._here = root, here.values
        self._leaves = [node for node in self._here if node.operation is None and node in names]
        self._draw, self._points = Random(seed), list[Point]()
        affordable = max(3, BUDGET // len(self._here))
        self.few, self.most = min(FEW, affordable), min(MOST, affordable)

    def first(self, count: int) -> list[Point]:
        """So many points, or fewer where the domain is too narrow for random numbers to fall into it."""
        tries = 2 * count
        while len(self._points) < min(count, self.most) and tries:
            tries -= 1
            self._try_one()
        return self._points[:count]

    def _try_one(self) -> None:
        here = self._here
        away = {leaf: self._draw.choice((-1.0, 1.0)) * self._draw.uniform(0.3, 1.6) for leaf in self._leaves}
        for way in (1.0, 0.5, 0.25, 0.1, 0.03, 0.01):
            there = replay(self._root, {leaf: here[leaf] + way * (away[leaf] - here[leaf]) for leaf in self._leaves})
            if all(_in_domain(node, there, here) for node in there):
                self._points.append(Point(there))
                return


def _in_domain(node: Value, there: Mapping[Value, float], here: Mapping[Value, float]) -> bool:
    if node.operation is None or not isfinite(here[node]):
        return True
    holds, operands = node.operation.domain.holds, node.operands
    return isfinite(there[node]) and (
        holds(*[there[operand] for operand in operands]) or not holds(*[here[operand] for operand in operands])
    )


def central_difference(root: Value, target: Value) -> float:
    """∂root/∂target at the recorded numbers from two evaluations on either side; good to about nine digits."""
    step = NUDGE * max(1.0, abs(target.data))
    above, below = target.data + step, target.data - step
    return (work_out(root, {target: above})[root] - work_out(root, {target: below})[root]) / (above - below)
