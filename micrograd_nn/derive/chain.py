"""The chain rule through the nodes that have names, from a root down to a target, in names and at points.

Promise: over the named graph the products of the factors add up to exactly the paths of the whole graph. What is asked
of a chain at a point is worked out once.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, reduce
from math import inf, isclose
from operator import add as plus
from operator import or_
from typing import Any

from ..engine.graph import Edges, postorder, sweep
from ..engine.value import Value, topological_order
from ..notation.text import PRODUCT
from .named import Factor, Link, NamedGraph, Pair
from .recorded import names_of, tangents

Edge = tuple[Value, int]  # a node and the place of one of its operands


class Chain:
    """How root depends on target, through named nodes only; the recorded numbers must be unchanged."""

    def __init__(self, root: Value, target: Value, graph: NamedGraph | None = None) -> None:
        self.root, self.target = root, target
        self.order = topological_order(root)
        self.graph = NamedGraph(root, names_of(root, target)) if graph is None else graph
        self.names = self.graph.names
        self.on_the_way = {target: None}  # the nodes that depend on target, operands first
        for node in self.order:
            if node.left in self.on_the_way or node.right in self.on_the_way:
                self.on_the_way[node] = None

    # ---- the named graph ----

    @cached_property
    def named(self) -> list[Value]:
        """The named nodes between target and root, both with them, operands first."""
        return [node for node in self.order if node in self.names and node in self.on_the_way]

    @cached_property
    def links(self) -> dict[Value, Link]:
        """By child: what lies between it and the names right below, root's first."""
        return {child: self._link(child) for child in reversed(self.named) if child is not self.target}

    def _link(self, child: Value) -> Link:
        nodes = [*postorder(child, self._unnamed)]
        below = dict.fromkeys(operand for node in reversed(nodes) for operand in node.operands)
        return self.graph.link(nodes, [node for node in below if node in self.names and node in self.on_the_way])

    def _unnamed(self, node: Value) -> list[Value]:
        return [operand for operand in node.operands if operand in self.on_the_way and operand not in self.names]

    @cached_property
    def factors(self) -> dict[Value, dict[Value, Factor]]:
        """By child and parent: the factors, root's first."""
        return {child: link.factors for child, link in self.links.items()}

    def edges(self, node: Value) -> Iterable[tuple[Value, float]]:
        """The edges of the named graph, for counting and listing its paths; none where the factor is the constant 0."""
        below = self.factors.get(node, {}).items()
        return [(parent, factor.number) for parent, factor in below if not factor.is_nothing]

    @property
    def count(self) -> int:
        """The number of paths through named nodes from target to root."""
        return self._to_target.get(self.root, 0)

    def paths_through(self, pair: Pair) -> int:
        """How many of them run through this factor."""
        child, parent = pair
        return self._from_root.get(child, 0) * self._to_target.get(parent, 0)

    def goes_around(self, pair: Pair) -> bool:
        """Is there a path from target to root that does not run through this factor?"""
        return self.paths_through(pair) < self.count

    @cached_property
    def meeting(self) -> Value | None:
        """The first name below root that every path down to target runs through, target at the latest."""
        below = reversed(self.named[:-1]) if self.count else ()
        return next((node for node in below if not self.goes_around((node, node))), None)

    @cached_property
    def _from_root(self) -> dict[Value, int]:
        """How many paths lead down to each named node."""
        return dict(sweep(self.named, self.edges, 1, mul=lambda ways, _: ways)) if self.named else {}

    @cached_property
    def _to_target(self) -> dict[Value, int]:
        """How many lead from each on to target."""
        return tangents(self.named, self.edges, self.target, 1, mul=lambda _, ways: ways)

    @cached_property
    def divisors(self) -> list[float]:
        """The n of each mean: what is divided by a constant n, or multiplied with 1/n."""
        found = set()
        for node in self.order:
            if node.operation and node.operation.level == PRODUCT:
                for i, leaf in enumerate(reversed(node.operands)):
                    constant = leaf.operation is None and leaf not in self.names
                    if constant and node.partials[i] and (i == 0 or node.operation.associative):
                        found.add(abs(1.0 / node.partials[i]))
        return sorted({float(round(n)) for n in found if 2.5 < n < inf and isclose(n, round(n), rel_tol=1e-9)})


# ---- numbers ----


class Point:
    """The numbers of every node at one point, and the slopes between them; ``values`` come operands first."""

    def __init__(self, values: Mapping[Value, float]) -> None:
        self.values = values
        self._adjoints: dict[Value, dict[Value, float]] = {}
        self._below: dict[Link, dict[Value, float]] = {}
        self._above: dict[tuple[Link, Value], dict[Value, float]] = {}

    @cached_property
    def slopes(self) -> dict[Value, tuple[float, ...]]:
        """∂node/∂operand here, by the rows."""
        slopes = {}
        for node, out in self.values.items():
            operands = [self.values[operand] for operand in node.operands]
            partials = node.operation.partials if node.operation else ()
            slopes[node] = tuple([float(partial(*operands, out)) for partial in partials])
        return slopes

    @cached_property
    def edges(self) -> Edges[Value]:
        """The edges of the graph below a node, with the slopes that they have here."""
        return {n: (*zip(n.operands, slopes, strict=True),) for n, slopes in self.slopes.items()}.__getitem__

    def adjoints(self, order: Sequence[Value]) -> dict[Value, float]:
        """∂last/∂node for each node of the order, which is that of all nodes below its last."""
        root = order[-1]
        if root not in self._adjoints:
            self._adjoints[root] = dict(sweep(order, self.edges, 1.0))
        return self._adjoints[root]

    def below(self, link: Link) -> dict[Value, float]:
        """∂child/∂node for the nodes of a link."""
        if link not in self._below:
            self._below[link] = dict(sweep(link.nodes, self.edges, 1.0))
        return self._below[link]

    def above(self, link: Link, parent: Value) -> dict[Value, float]:
        """∂node/∂parent for the nodes of a link that depend on it."""
        if (key := (link, parent)) not in self._above:
            self._above[key] = tangents(link.nodes, self.edges, parent, 1.0)
        return self._above[key]


class Numbers:
    """A chain at a point: the number of the whole derivative there, and of what it is made of."""

    def __init__(self, chain: Chain, point: Point) -> None:
        self.chain, self.point = chain, point
        self.adjoints = point.adjoints(chain.order)
        self.total = self.adjoints.get(chain.target, 0.0)

    @cached_property
    def named(self) -> dict[str, float]:
        """The numbers of the whole graph under their names."""
        names, values = self.chain.names, self.point.values
        shares = [row.at(values) for row in self.chain.graph.softmaxes]
        named = {names[node]: number for node, number in values.items() if node in names}
        return reduce(or_, shares, named)

    @cached_property
    def tangents(self) -> dict[Value, float]:
        """∂node/∂target."""
        return tangents(self.chain.on_the_way, self.point.edges, self.chain.target, 1.0)

    def below(self, child: Value) -> dict[Value, float]:
        """∂child/∂node for the unnamed nodes below child."""
        return self.point.below(self.chain.links[child])

    def above(self, pair: Pair) -> dict[Value, float]:
        """∂node/∂parent for the nodes between child and parent that depend on it."""
        child, parent = pair
        return self.point.above(self.chain.links[child], parent)

    def factor(self, pair: Pair) -> float:
        """∂child/∂parent through no other name."""
        return self.above(pair)[pair[0]]

    def times_factor(self, pair: Pair) -> float:
        """What a factor is multiplied with in the whole."""
        return self.adjoints[pair[0]] * self.tangents[pair[1]]

    def times_edge(self, pair: Pair, edge: Edge) -> float:
        """What an edge's slope is multiplied with, in the part of the whole through a factor."""
        node, i = edge
        return self.times_factor(pair) * self.below(pair[0])[node] * self.above(pair).get(node.operands[i], 0.0)

    def with_slopes(self, changed: Mapping[Edge, Sequence[float]]) -> list[float]:
        """The whole, had some edges other slopes; as many wholes as each of them has."""

        def edges(node: Value) -> Iterable[tuple[Value, Any]]:
            right = enumerate(self.point.edges(node))
            return [(operand, changed.get((node, i), slope)) for i, (operand, slope) in right]

        (many, *_), chain = changed.values(), self.chain
        ones = [1.0] * len(many)
        return tangents(chain.on_the_way, edges, chain.target, ones, each_plus, each_times)[chain.root]


def each_plus(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """The sums of as many numbers."""
    return [*map(plus, one, other)]


def each_times(slope: float | Sequence[float], below: Sequence[float]) -> list[float]:
    """The products with a slope, or with as many."""
    if isinstance(slope, float):
        return [slope * number for number in below]
    return [a * b for a, b in zip(slope, below, strict=True)]
