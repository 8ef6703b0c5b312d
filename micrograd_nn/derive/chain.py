"""The graph with its unnamed nodes folded away: the chain rule through the nodes that have names.

Promise: a factor ∂child/∂parent holds all ways between the two that meet no other name, in the textbook's symbols from
the rows and as the number that the engine recorded; over the named graph the products of the factors add up to
exactly the paths of the whole graph.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isclose, isnan

from ..engine.graph import postorder, sweep, tangents
from ..engine.value import Value, topological_order
from ..engine.value import edges as recorded
from ..errors import GraphError
from ..notation._simplify import Tidy, product, total
from ..notation.symbol import Symbol
from .recorded import names_of, partial_latex, partial_text
from .units import Units, let_through

MOST_BETWEEN = 20_000  # unnamed nodes folded into the factors of one name

Pair = tuple[Value, Value]  # child, parent: the factor ∂child/∂parent


@dataclass(frozen=True, slots=True)
class Factor:
    """∂child/∂parent, in symbols and as a number."""

    child: str
    parent: str
    symbol: Tidy
    number: float

    @property
    def is_nothing(self) -> bool:
        """Is it 0 whatever the names hold, as a term that one-hot targets leave out?"""
        return self.symbol.is_number and self.symbol.number == 0.0

    def __str__(self) -> str:
        return partial_text(self.child, self.parent)

    def latex(self) -> str:
        """The left-hand side in LaTeX."""
        return partial_latex(self.child, self.parent)


class Chain:
    """How root depends on target, through named nodes only; the recorded numbers must be unchanged."""

    def __init__(self, root: Value, target: Value, names: dict[Value, str] | None = None) -> None:
        self.root, self.target = root, target
        self.order = topological_order(root)
        self.names = names_of(root, target) if names is None else names
        self.symbols = Symbols(self.names)
        self.on_the_way = {target}  # the nodes that depend on target
        for node in self.order:
            if node.left in self.on_the_way or node.right in self.on_the_way:
                self.on_the_way.add(node)
        self._regions: dict[Value, list[Value]] = {}

    @cached_property
    def units(self) -> Units:
        """What is derived in one step."""
        return Units(self.order, self.names, self.symbols)

    # ---- the named graph ----

    @cached_property
    def named(self) -> list[Value]:
        """The named nodes between target and root, both with them, operands first."""
        return [node for node in self.order if node in self.names and node in self.on_the_way]

    @cached_property
    def factors(self) -> dict[Value, dict[Value, Factor]]:
        """By child and parent: the factors, root's first."""
        return {child: self._factors_of(child) for child in reversed(self.named) if child is not self.target}

    def edges(self, node: Value) -> Iterable[tuple[Value, float]]:
        """The edges of the named graph, for counting and listing its paths; none where the factor is the constant 0."""
        below = self.factors.get(node, {}).items()
        return [(parent, factor.number) for parent, factor in below if not factor.is_nothing]

    def goes_around(self, pair: Pair) -> bool:
        """Is there a path from target to root that does not run through this factor?"""
        return self._ways(*pair) < self._to_target.get(self.root, 0)

    @cached_property
    def meeting(self) -> Value | None:
        """The first name below root that every path down to target runs through, target at the latest."""
        below = (node for node in reversed(self.named[:-1]) if self._ways(node, node))
        return next((node for node in below if not self.goes_around((node, node))), None)

    def _ways(self, child: Value, parent: Value) -> int:
        """The number of paths that run down to child and on from parent."""
        return self._from_root.get(child, 0) * self._to_target.get(parent, 0)

    @cached_property
    def _from_root(self) -> dict[Value, int]:
        """How many paths lead down to each named node."""
        return dict(sweep(self.named, self.edges, 1, mul=lambda ways, _: ways)) if self.named else {}

    @cached_property
    def _to_target(self) -> dict[Value, int]:
        """How many lead from each on to target."""
        return tangents(self.named, self.edges, self.target, 1, mul=lambda _, ways: ways)

    # ---- one factor ----

    def region(self, child: Value) -> list[Value]:
        """child and the unnamed nodes on the way below it, operands first."""
        if child not in self._regions:
            self._regions[child] = [*postorder(child, self._unnamed)]
        return self._regions[child]

    def _unnamed(self, node: Value) -> list[Value]:
        return [operand for operand in node.operands if operand in self.on_the_way and operand not in self.names]

    def _factors_of(self, child: Value) -> dict[Value, Factor]:
        region = self.region(child)
        if len(region) > MOST_BETWEEN:
            raise GraphError(
                f"{len(region):,} nodes without a label lie below {self.names[child]}, too many to be read "
                "as one factor: label some nodes in between; or ask grad(L, [w]) for the number, paths(L, w) for paths"
            )
        below = (operand for node in reversed(region) for operand in node.operands)
        parents = dict.fromkeys(node for node in below if node in self.names and node in self.on_the_way)
        steps = sweep(
            [*parents, *region],
            lambda node: () if node in parents else self._steps(node),
            _Product(),
            add=_Product.plus,
            mul=_Product.times,
        )
        found = {node: product for node, product in steps if node in parents}
        return {
            parent: Factor(self.names[child], self.names[parent], found[parent].symbol(), found[parent].number)
            for parent in parents
            if parent in found
        }

    def _steps(self, node: Value) -> Iterable[tuple[Value, tuple[Tidy, float]]]:
        """One step down, in symbols and as a number: to the inputs of a unit, or to the operands."""
        unit = self.units.at(node)
        if unit is not None:
            return [(node, (symbol, number)) for node, symbol, number in unit.steps if node in self.on_the_way]
        symbols = [self.symbols[operand] for operand in node.operands]
        return [
            (operand, (slope_of(node, i, symbols, self.symbols[node]), slope))
            for i, (operand, slope) in enumerate(recorded(node))
            if operand in self.on_the_way
        ]


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
        if (operand := let_through(node)) is not None:
            return self[operand]
        return Tidy.apply(node.operation, *[self[operand] for operand in node.operands])


def slope_of(node: Value, i: int, operands: Sequence[Tidy], out: Tidy) -> Tidy:
    """∂node/∂operand in symbols, as a textbook has it.

    Where the textbook's form is not what the row chose, at a corner or outside of its domain, it is the row's number.
    """
    assert node.operation is not None  # a leaf has no slope
    textbook, chosen = node.operation.textbook[i], node.partials[i]
    now = textbook(*[operand.data for operand in node.operands], node.data)
    same = isclose(now, chosen, rel_tol=1e-6, abs_tol=1e-6) or (isnan(now) and isnan(chosen))
    return Tidy.of(textbook(*operands, out) if same else chosen)


def numbered(symbol: Symbol) -> Symbol:
    """The symbol with their recorded numbers for the names of nodes."""
    return symbol.fold(lambda leaf: Symbol.of(leaf.key.data) if isinstance(leaf.key, Value) else leaf, Symbol.apply)


@dataclass(frozen=True, slots=True)
class _Product:
    """The steps of a way down, in symbols that are multiplied when they are asked for, and as a number."""

    number: float = 1.0
    last: Tidy | None = None
    before: "_Product | None" = None  # shared with other ways

    def times(self, step: tuple[Tidy, float]) -> "_Product":
        return _Product(self.number * step[1], step[0], self)

    def plus(self, other: "_Product") -> "_Product":
        return _Product(self.number + other.number, total([self.symbol(), other.symbol()]))

    def symbol(self) -> Tidy:
        symbols, way = list[Tidy](), self
        while way.last is not None:
            symbols.append(way.last)
            way = way.before or _Product()
        return product(reversed(symbols))
