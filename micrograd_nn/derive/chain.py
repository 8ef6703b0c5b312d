"""The graph with its unnamed nodes folded away: the chain rule through the nodes that have names.

Promise: a factor ∂child/∂parent holds all ways between the two that meet no other name, in the textbook's symbols from
the rows and as the number that the engine recorded; over the named graph the products of the factors add up to
exactly the paths of the whole graph.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import isclose, isnan
from typing import Any

from ..engine.graph import postorder
from ..engine.operation import Operation
from ..engine.value import Value, topological_order
from ..errors import GraphError
from ..notation._simplify import Tidy, product, total
from ..notation.symbol import Symbol
from .names import names_of, partial_latex, partial_text
from .recorded import check_unchanged
from .shares import softmax_slopes

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
        if names is None:
            check_unchanged(root)
        self.order = topological_order(root)
        self.names = names_of(root, target) if names is None else names
        self.symbols = Symbols(self.names)
        self._regions: dict[Value, list[Value]] = {}
        self.on_the_way = {target}
        for node in self.order:
            if node.left in self.on_the_way or node.right in self.on_the_way:
                self.on_the_way.add(node)

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
        region = self.region(child)
        uses = Counter(operand for node in region for operand in node.operands)
        below: dict[Value, _Slope] = {child: _Slope(1.0, None)}
        tops: dict[Value, tuple[Value, float]] = {}  # of the inside of a reduction: its outermost node, ∂top/∂node
        for node in reversed(region):
            if node not in below:
                continue  # a part of a softmax, which is derived at once
            slope = below.pop(node)
            top, down = tops.get(node, (node, 1.0))
            for operand, local, number in self._local_slopes(node, top):
                if operand not in self.names and uses[operand] == 1 and _goes_on(operand, node, top, down * number):
                    tops[operand] = top, down * number
                    below[operand] = _Slope(slope.number * number, slope.factors)
                else:
                    below[operand] = _plus(below.get(operand), _Slope(slope.number * number, (local, slope.factors)))
        return {
            parent: Factor(self.names[child], self.names[parent], slope.symbol(), slope.number)
            for parent, slope in below.items()
        }

    def _local_slopes(self, node: Value, top: Value) -> Iterator[tuple[Value, Tidy, float]]:
        at_once = softmax_slopes(node, self.symbols, self.names) if node in self.names else None
        if at_once is not None:
            yield from (slope for slope in at_once if slope[0] in self.on_the_way)
            return
        symbols = [self.symbols[operand] for operand in node.operands]
        for i, (operand, number) in enumerate(zip(node.operands, node.partials, strict=True)):
            if operand in self.on_the_way:
                yield operand, slope_of(node, i, symbols, self.symbols[top], top), number

    def region(self, child: Value) -> list[Value]:
        """child and the unnamed nodes on the way below it, operands first."""
        if child not in self._regions:
            self._regions[child] = [*postorder(child, self._unnamed)]
        return self._regions[child]

    def _unnamed(self, node: Value) -> list[Value]:
        return [operand for operand in node.operands if operand in self.on_the_way and operand not in self.names]


class Symbols(dict[Value, Tidy]):
    """Each node in symbols, written when it is asked for: a name, a number, or the operation on its operands."""

    def __init__(self, names: Mapping[Value, str]) -> None:
        self.names = names

    def __missing__(self, wanted: Value) -> Tidy:
        for node in postorder(wanted, self._unwritten):
            self[node] = self._written(node)
        return self[wanted]

    def _unwritten(self, node: Value) -> list[Value]:
        return [] if node in self.names else [operand for operand in node.operands if operand not in self]

    def _written(self, node: Value) -> Tidy:
        if node in self.names:
            return Tidy(self.names[node], key=node)
        if node.operation is None:
            return Tidy.of(node.data)
        return Tidy.apply(node.operation, *[self[operand] for operand in node.operands])


def slope_of(node: Value, i: int, operands: Sequence[Tidy], out: Tidy, top: Value | None = None) -> Tidy:
    """∂node/∂operand in symbols, as a textbook has it; inside of a reduction ∂top/∂operand, with top's symbol as out.

    Where the textbook's form is not what the row chose, at a corner or outside of its domain, it is the row's number.
    """
    assert node.operation is not None  # a leaf has no slope
    partial = node.operation.textbook[i]
    slope: Any = partial(*operands, out)
    if top is None or top is node:
        now, chosen = partial(*[operand.data for operand in node.operands], node.data), node.partials[i]
        if not (isclose(now, chosen, rel_tol=1e-6, abs_tol=1e-6) or (isnan(now) and isnan(chosen))):
            slope = chosen
    return Tidy.of(slope)


def numbered(symbol: Symbol) -> Symbol:
    """The symbol with their recorded numbers for the names of nodes."""
    return symbol.fold(lambda leaf: Symbol.of(leaf.key.data) if isinstance(leaf.key, Value) else leaf, Symbol.apply)


def _goes_on(operand: Value, node: Value, top: Value, down: float) -> bool:
    """Is operand the inside of the same reduction as node, so that its slopes can be taken to the top at once?

    In a chain of logaddexp the slope is exp(a - top) for each, where the chain rule would write a product of as many
    factors as there are links. It is held against that product's number here.
    """
    row = operand.operation
    if row is None or row is not node.operation or not row.associative or not _knows_itself_only(row):
        return False
    numbers = [inner.data for inner in operand.operands]
    pairs = zip(row.textbook, operand.partials, strict=True)
    return all(isclose(partial(*numbers, top.data), down * slope, rel_tol=1e-6) for partial, slope in pairs)


@cache
def _knows_itself_only(row: Operation) -> bool:
    """Is each slope made of its own operand and the outcome alone?"""
    a, b, out = Symbol("a"), Symbol("b"), Symbol("out")
    slopes = [Symbol.of(partial(a, b, out)) for partial in row.textbook]
    return all(other not in set(slope.parts()) for slope, other in zip(slopes, (b, a), strict=True))


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
    return _Slope(one.number + other.number, (total([one.symbol(), other.symbol()]), None))
