"""A chain seen at a point: what each factor and each local slope contributes to the whole there.

Promise: a change in one place of the chain is felt in the whole by one multiplication, however many paths run through.
"""

import re
from functools import cached_property
from math import inf, isclose
from typing import Any

from ..engine.value import Value
from ..notation.text import PRODUCT
from .chain import Chain
from .points import Point
from .slips import EDGE_RULES, Edge

MOST_OTHERS = 40  # names that are tried in place of the right one

Pair = tuple[Value, Value]  # child, parent: the factor ∂child/∂parent


class Ground(Chain):
    """A chain, with what is asked of it when a slip is looked for."""

    @cached_property
    def divisors(self) -> list[float]:
        """The n of each mean: what is divided by a constant n, or multiplied with 1/n."""
        found = set()
        for node in self.order:
            if node in self.on_the_way and node.operation and node.operation.level == PRODUCT:
                for i, leaf in enumerate(reversed(node.operands)):
                    constant = leaf.operation is None and leaf not in self.names
                    if constant and node.partials[i] and (i == 0 or node.operation.associative):
                        found.add(abs(1.0 / node.partials[i]))
        return sorted({float(round(n)) for n in found if 2.5 < n < inf and isclose(n, round(n), rel_tol=1e-9)})

    def mistakable(self, node: Value, i: int) -> list[Value]:
        """Names that might be taken for node's other operand, those of its own family (x2 for x1) first; not node's."""
        if (node, i) not in self._mistakable:
            right = node.operands[1 - i] if len(node.operands) == 2 else None
            family = _letters(self.names.get(right, "")) if right is not None else ""
            out = {node, right, node.operands[i]}
            others = [other for other in self._own_names if other not in out]
            others.sort(key=lambda other: _letters(self.names[other]) != family)
            self._mistakable[node, i] = others[:MOST_OTHERS]
        return self._mistakable[node, i]

    @cached_property
    def _mistakable(self) -> dict[tuple[Value, int], list[Value]]:
        return {}

    @cached_property
    def _own_names(self) -> list[Value]:
        return [node for node in self.order if node in self.names]

    def reach(self, child: Value, parent: Value) -> set[Value]:
        """The nodes of child's region from which parent is reached, and parent."""
        if (child, parent) not in self._reached:
            reached = {parent}
            for node in self.region(child):
                if node.left in reached or node.right in reached:
                    reached.add(node)
            self._reached[child, parent] = reached
        return self._reached[child, parent]

    @cached_property
    def _reached(self) -> dict[Pair, set[Value]]:
        return {}

    def goes_around(self, pair: Pair) -> bool:
        """Is there a path from target to root that does not run through this factor?"""
        down, up = self._ways
        return down[pair[0]] * up[pair[1]] < up[self.root]

    @cached_property
    def meeting(self) -> Value | None:
        """The first name below root that every path down to target runs through, target at the latest."""
        down, up = self._ways
        below = [node for node in reversed(self.named) if node is not self.root]
        return next((node for node in below if down[node] * up[node] == up[self.root]), None)

    @cached_property
    def _ways(self) -> tuple[dict[Value, int], dict[Value, int]]:
        down = dict.fromkeys(self.named, 0) | {self.root: 1}
        up = dict.fromkeys([self.root, *self.named], 0) | {self.target: 1}
        for child in reversed(self.named):
            for parent in self.factors.get(child, ()):
                down[parent] += down[child]
        for child in self.named:
            for parent in self.factors.get(child, ()):
                up[child] += up[parent]
        return down, up

    def pair_of(self, node: Value) -> Pair:
        """The first factor, seen from root, that node lies in."""
        for child, factors in self.factors.items():
            for parent in factors:
                if node in self.reach(child, parent) and node is not parent:
                    return child, parent
        return self.root, self.target


class View:
    """One chain seen at one point."""

    def __init__(self, ground: Ground, point: Point) -> None:
        self.ground, self.point = ground, point
        self.adjoints = point.adjoints(ground.order)
        self.tangents = point.tangents(ground.order, ground.target)
        self.total = self.tangents.get(ground.root, 0.0)
        self._down: dict[Value, dict[Value, float]] = {}
        self._up: dict[Pair, dict[Value, float]] = {}
        self._wrong: dict[tuple[Value, int, int], list[float]] = {}

    def down(self, child: Value) -> dict[Value, float]:
        """∂child/∂node for the unnamed nodes below child, and the names where they end."""
        if child not in self._down:
            down = {child: 1.0}
            for node in reversed(self.ground.region(child)):
                for operand, slope in zip(node.operands, self.point.slopes[node], strict=True):
                    down[operand] = down.get(operand, 0.0) + down[node] * slope
            self._down[child] = down
        return self._down[child]

    def up(self, pair: Pair) -> dict[Value, float]:
        """∂node/∂parent for the unnamed nodes between child and parent."""
        if pair not in self._up:
            up = {pair[1]: 1.0}
            for node in self.ground.region(pair[0]):
                slopes = zip(node.operands, self.point.slopes[node], strict=True)
                up[node] = sum(slope * up[operand] for operand, slope in slopes if operand in up)
            self._up[pair] = up
        return self._up[pair]

    def factor(self, pair: Pair) -> float:
        """∂child/∂parent through no other name."""
        return self.up(pair)[pair[0]]

    def with_factor(self, pair: Pair, factor: float) -> float:
        """The total, had the factor been another."""
        return self.total + self.adjoints[pair[0]] * (factor - self.factor(pair)) * self.tangents[pair[1]]

    def share(self, pair: Pair, node: Value, i: int) -> float:
        """What node's slope towards its operand i is multiplied with, in the part of the total through a factor."""
        around = self.down(pair[0])[node] * self.up(pair).get(node.operands[i], 0.0)
        return self.adjoints[pair[0]] * around * self.tangents[pair[1]]

    def wrong_slopes(self, node: Value, i: int, rule: int) -> list[float]:
        """The wrong slopes that a rule makes of node's towards its operand i."""
        key = (node, i, rule)
        if key not in self._wrong:
            edge = edge_of(self.ground, node, i, self.point.values)
            self._wrong[key] = [float(slope) for slope in EDGE_RULES[rule].slopes(edge)]
        return self._wrong[key]


def edge_of(ground: Ground, node: Value, i: int, worth: Any) -> Edge:
    """An edge of the graph, on numbers or symbols."""
    assert node.operation is not None  # a leaf has no edge
    others = [worth[other] for other in ground.mistakable(node, i)]
    return Edge(node.operation, i, [worth[operand] for operand in node.operands], worth[node], others)


def _letters(name: str) -> str:
    found = re.match(r"[^\W\d]+", name)
    return found.group() if found else ""
