"""The graph with its unnamed nodes folded away: the chain rule through the nodes that have names.

Promise: a factor ∂child/∂parent holds all ways between the two that meet no other name, in the textbook's symbols from
the rows and as the number that the engine recorded; over the named graph the products of the factors add up to
exactly the paths of the whole graph.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import isfinite, isnan
from typing import Any

from ..backprop import replay
from ..errors import GraphError
from ..value import Value, topological_order
from .names import names_of, partial_latex, partial_text
from .simplify import Tidy, product

MOST_BETWEEN = 20_000  # unnamed nodes folded into the factors of one name


@dataclass(frozen=True, slots=True)
class Factor:
    """∂child/∂parent, in symbols and as a number."""

    child: str
    parent: str
    symbol: Tidy
    number: float

    def __str__(self) -> str:
        return partial_text(self.child, self.parent)

    def latex(self) -> str:
        """The left-hand side in LaTeX."""
        return partial_latex(self.child, self.parent)


class Chain:
    """How root depends on target, through named nodes only. Raises GraphError if a ``.data`` has changed since."""

    def __init__(self, root: Value, target: Value, names: dict[Value, str] | None = None) -> None:
        self.root, self.target = root, target
        self.order = topological_order(root)
        if names is None:
            check_unchanged(root)
        self.names = names_of(root, target) if names is None else names
        self._regions: dict[Value, list[Value]] = {}
        self.on_the_way = {target}
        for node in self.order:
            if node.left in self.on_the_way or node.right in self.on_the_way:
                self.on_the_way.add(node)

    @cached_property
    def symbols(self) -> dict[Value, Tidy]:
        """Each node in symbols: a name if it has one, a number, or the operation on its operands' symbols."""
        symbols: dict[Value, Tidy] = {}
        for node in self.order:
            if node in self.names:
                symbols[node] = Tidy(self.names[node], key=node)
            elif node.operation is None:
                symbols[node] = Tidy(None, number=node.data)
            else:
                symbols[node] = Tidy.apply(node.operation, *[symbols[operand] for operand in node.operands])
        return symbols

    @cached_property
    def named(self) -> list[Value]:
        """The named nodes between target and root, both with them, operands first."""
        return [node for node in self.order if node in self.names and node in self.on_the_way]

    @cached_property
    def factors(self) -> dict[Value, dict[Value, Factor]]:
        """By child and parent: the factors, root's first."""
        return {child: self._factors_of(child) for child in reversed(self.named) if child is not self.target}

    def edges(self, node: Value) -> Iterable[tuple[Value, float]]:
        """The edges of the named graph, for counting and listing its paths."""
        return [(parent, factor.number) for parent, factor in self.factors.get(node, {}).items()]

    def _factors_of(self, child: Value) -> dict[Value, Factor]:
        if len(self.region(child)) > MOST_BETWEEN:
            raise GraphError(
                f"{len(self.region(child)):,} nodes without a label lie below {self.names[child]}, too many to be read "
                "as one factor: label some nodes in between; or ask grad(L, [w]) for the number, paths(L, w) for paths"
            )
        below: dict[Value, _Slope] = {child: _Slope(1.0, None)}
        for node in reversed(self.region(child)):
            slope = below.pop(node)
            for operand, local, number in self._local_slopes(node):
                below[operand] = _plus(below.get(operand), _Slope(slope.number * number, (local, slope.factors)))
        return {
            parent: Factor(self.names[child], self.names[parent], slope.symbol(), slope.number)
            for parent, slope in below.items()
        }

    def _local_slopes(self, node: Value) -> Iterator[tuple[Value, Tidy, float]]:
        row, symbols = node.operation, [self.symbols[operand] for operand in node.operands]
        assert row is not None  # a leaf on the way is the target, which ends it
        numbers = [operand.data for operand in node.operands]
        for operand, partial, number in zip(node.operands, row.identity or row.partials, node.partials, strict=True):
            if operand in self.on_the_way:
                slope: Any = partial(*symbols, self.symbols[node])
                if isfinite(number) and not isfinite(partial(*numbers, node.data)):
                    slope = number  # at a corner, where the formula has no value, and the row chose one
                yield operand, slope if isinstance(slope, Tidy) else Tidy(None, number=slope), number

    def region(self, child: Value) -> list[Value]:
        """child and the unnamed nodes on the way below it, operands first."""
        if child not in self._regions:
            self._regions[child] = self._between(child)
        return self._regions[child]

    def _between(self, child: Value) -> list[Value]:
        order, done, path = [], set(), [child]
        while path:
            node = path[-1]
            missing = [o for o in node.operands if o in self.on_the_way and o not in self.names and o not in done]
            if missing:
                path.append(missing[0])
            else:
                path.pop()
                done.add(node)
                order.append(node)
        return order


@dataclass(frozen=True, slots=True)
class _Slope:
    number: float
    factors: Any  # (last factor, (the one before, … None)): shared with whoever continues it

    def symbol(self) -> Tidy:
        units, rest = [], self.factors
        while rest is not None:
            unit, rest = rest
            units.append(unit)
        return product(reversed(units))


def _plus(one: _Slope | None, other: _Slope) -> _Slope:
    if one is None:
        return other
    return _Slope(one.number + other.number, (one.symbol() + other.symbol(), None))


def check_unchanged(root: Value) -> None:
    """Raise GraphError if a node no longer holds what its operands make: symbols and numbers would not fit."""
    for node, number in replay(root, {}).items():
        if number != node.data and not (isnan(number) and isnan(node.data)):
            raise GraphError(
                f"{node.label or node.operation} holds {node.data}, and its operands make {number} now: a .data has "
                "changed since the graph was recorded; record it again"
            )
