"""The same graph at other numbers: what a derivative is there, forwards and backwards.

Promise: a point is worked out by the rows from the recorded graph alone; nothing of the graph is changed. Fresh points
lie in the domain of every operation that was in its domain when the graph was recorded.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from math import isfinite
from random import Random

from ..engine.backprop import replay, work_out
from ..engine.value import Value

FEW, MOST = 12, 200  # fresh points: usually, and where the derivative is 0 at most of them, as behind a dead relu
BUDGET = 200_000  # nodes worked out in all; a large graph gets fewer points, at least three
NUDGE = 6e-6  # the step of a central difference that loses least: about the cube root of 2^-52


class Point:
    """The numbers of every node at one point, and the slopes between them."""

    def __init__(self, values: Mapping[Value, float]) -> None:
        self.values = values

    @cached_property
    def slopes(self) -> dict[Value, tuple[float, ...]]:
        """∂node/∂operand here, by the rows."""
        slopes = {}
        for node, out in self.values.items():
            if node.operation is not None:
                operands = [self.values[operand] for operand in node.operands]
                slopes[node] = tuple(float(partial(*operands, out)) for partial in node.operation.partials)
        return slopes

    def adjoints(self, order: Sequence[Value]) -> dict[Value, float]:
        """∂last/∂node for each node of the order."""
        adjoints = dict.fromkeys(order, 0.0)
        adjoints[order[-1]] = 1.0
        for node in reversed(order):
            for operand, slope in zip(node.operands, self.slopes.get(node, ()), strict=True):
                adjoints[operand] += adjoints[node] * slope
        return adjoints

    def tangents(
        self, order: Sequence[Value], target: Value, changed: Mapping[tuple[Value, int], float] | None = None
    ) -> dict[Value, float]:
        """∂node/∂target for each node of the order that depends on it, with other slopes where ``changed`` has some."""
        tangents = {target: 1.0}
        for node in order:
            if node is target or (node.left not in tangents and node.right not in tangents):
                continue
            slopes = self.slopes[node]
            if changed:
                slopes = tuple(changed.get((node, i), slope) for i, slope in enumerate(slopes))
            pairs = zip(node.operands, slopes, strict=True)
            tangents[node] = sum(slope * tangents[operand] for operand, slope in pairs if operand in tangents)
        return tangents


def recorded_point(root: Value) -> Point:
    """The graph as it stands."""
    return Point(replay(root, {}))


class FreshPoints:
    """Points at which every labelled leaf has another number; numbers without a label are constants and stay.

    They are drawn when they are asked for, and the same for the same seed.
    """

    def __init__(self, root: Value, names: Mapping[Value, str], seed: int = 0) -> None:
        self.root, self._here = root, replay(root, {})
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
        for share in (1.0, 0.5, 0.25, 0.1, 0.03, 0.01):
            numbers = {leaf: here[leaf] + share * (away[leaf] - here[leaf]) for leaf in self._leaves}
            there = replay(self.root, numbers)
            if all(_in_place(node, there, here) for node in there):
                self._points.append(Point(there))
                return


def _in_place(node: Value, there: Mapping[Value, float], here: Mapping[Value, float]) -> bool:
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
