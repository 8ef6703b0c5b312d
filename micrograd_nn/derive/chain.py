"""The graph with its unnamed nodes folded away: the chain rule through the nodes that have names, anywhere.

Promise: a factor ∂child/∂parent holds all ways between the two that meet no other name, in the textbook's symbols from
the rows and as the number that the engine recorded; over the named graph the products of the factors add up to
exactly the paths of the whole graph. What is asked of a chain at a point is worked out once.
"""

import operator
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from math import inf, isclose, isnan

from ..engine.graph import postorder, sweep
from ..engine.value import Value, topological_order
from ..engine.value import edges as recorded
from ..errors import GraphError
from ..notation._collect import product, times_sum, total
from ..notation._simplify import Tidy
from ..notation.symbol import Symbol
from ..notation.text import PRODUCT
from .recorded import names_of, partial_latex, partial_text, tangents
from .shares import LARGEST, Softmax, Uses, made_of_softmax, softmaxes
from .units import Units, let_through

MOST_BETWEEN = 20_000  # unnamed nodes folded into the factors of one name
MOST_FACTORS = 10_000  # that are multiplied where ways between these nodes meet: of n loops in a row about n²

Pair = tuple[Value, Value]  # child, parent: the factor ∂child/∂parent
Edge = tuple[Value, int]  # a node and the place of one of its operands


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

    __repr__ = __str__

    def latex(self) -> str:
        """The left-hand side in LaTeX."""
        return partial_latex(self.child, self.parent)


class Chain:
    """How root depends on target, through named nodes only; the recorded numbers must be unchanged."""

    def __init__(
        self,
        root: Value,
        target: Value,
        names: Mapping[Value, str] | None = None,
        shares: Sequence[Softmax] | None = None,
    ) -> None:
        self.root, self.target = root, target
        self.order = topological_order(root)
        names = names_of(root, target) if names is None else names
        self.softmaxes = softmaxes(root, names) if shares is None else shares
        self.names = {
            **names,
            **{p: name for row in self.softmaxes for p, name in zip(row.shares, row.names, strict=True)},
        }
        uses = Counter(operand for node in self.order for operand in node.operands)
        self.symbols = Symbols(self.names, uses, self.softmaxes)
        self.units = Units(root, self.names, self.symbols, uses, self.softmaxes)
        self.on_the_way = {target}  # the nodes that depend on target
        for node in self.order:
            if node.left in self.on_the_way or node.right in self.on_the_way:
                self.on_the_way.add(node)
        self._regions: dict[Value, list[Value]] = {}

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

    @property
    def count(self) -> int:
        """The number of paths through named nodes from target to root."""
        return self._to_target.get(self.root, 0)

    def goes_around(self, pair: Pair) -> bool:
        """Is there a path from target to root that does not run through this factor?"""
        child, parent = pair
        return self._from_root.get(child, 0) * self._to_target.get(parent, 0) < self.count

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
            if node in self.on_the_way and node.operation and node.operation.level == PRODUCT:
                for i, leaf in enumerate(reversed(node.operands)):
                    constant = leaf.operation is None and leaf not in self.names
                    if constant and node.partials[i] and (i == 0 or node.operation.associative):
                        found.add(abs(1.0 / node.partials[i]))
        return sorted({float(round(n)) for n in found if 2.5 < n < inf and isclose(n, round(n), rel_tol=1e-9)})

    def share_formulas(self) -> dict[Value, Tidy]:
        """What stands for p1, p2, …: each share of a softmax, made of what the softmax is taken of."""
        rows = (zip(row.shares, row.formulas(self.symbols), strict=True) for row in self.softmaxes)
        return {share: formula for row in rows for share, formula in row}

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
        self._check_length(child, len(region) <= MOST_BETWEEN)
        below = (operand for node in reversed(region) for operand in node.operands)
        parents = dict.fromkeys(node for node in below if node in self.names and node in self.on_the_way)
        order, one = [*reversed(parents), *region], _Way()
        ways = sweep(order, lambda node: () if node in parents else self._steps(node), one, _Way.beside, _Way.onward)
        found, multiplied = dict[Value, Factor](), 0
        for node, way in ways:
            multiplied += way.factors if way.terms or node in parents else 0
            self._check_length(child, multiplied <= MOST_FACTORS)
            if node in parents:
                found[node] = Factor(self.names[child], self.names[node], way.symbol, way.number)
            elif way.terms:
                way.symbol  # noqa: B018  # written here, so that it is there for the ways that go on from it
        return found

    def _check_length(self, child: Value, short: bool) -> None:
        if not short:
            raise GraphError(
                f"{len(self.region(child)):,} nodes without a label lie below {self.names[child]}, too many to be read "
                "as one factor: label some nodes in between; or ask grad(L, [w]) for the number, paths(L, w) for paths"
            )

    def _steps(self, node: Value) -> Iterable[tuple[Value, tuple[Tidy, float]]]:
        """One step down, in symbols and as a number: to the inputs of a unit, or to the operands."""
        unit = self.units.at(node)
        if unit is not None:
            return [step for step in unit if step[0] in self.on_the_way]
        symbols = [self.symbols[operand] for operand in node.operands]
        return [
            (operand, (slope_of(node, i, symbols, self.symbols[node]), slope))
            for i, (operand, slope) in enumerate(recorded(node))
            if operand in self.on_the_way
        ]


class Symbols(dict[Value, Tidy]):
    """Each node in symbols, written when it is asked for: a name, a number, or the operation on its operands."""

    def __init__(self, names: Mapping[Value, str], uses: Uses, shares: Sequence[Softmax] = ()) -> None:
        self.names, self.uses = names, uses
        super().__init__({node: row.symbols[z] for row in shares for node, z in row.nodes.items() if node not in names})

    def __missing__(self, wanted: Value) -> Tidy:
        for node in postorder(wanted, self._unwritten):
            self[node] = self._written(node)
        return self[wanted]

    def _unwritten(self, node: Value) -> list[Value]:
        return [] if node in self.names else [operand for operand in node.operands if operand not in self]

    def _written(self, node: Value) -> Tidy:
        return Tidy(self.names[node], key=node) if node in self.names else self.made(node)

    def made(self, node: Value) -> Tidy:
        """What a node is made of, whether it has a name or not."""
        if node.operation is None:
            return Tidy.of(node.data)
        if (operand := let_through(node)) is not None:
            return self[operand]
        made = made_of_softmax(node, self.names, self.uses)
        if made and all(abs(z.data) <= LARGEST for z in made.inputs):
            return made.formula(self)
        return Tidy.apply(node.operation, *[self[operand] for operand in node.operands])


def formula_of(node: Value, names: Mapping[Value, str]) -> Tidy:
    """What a node is made of, in symbols, whether it has a name of its own or not; a softmax without its shift."""
    inside = [*postorder(node, lambda other: () if other in names and other is not node else other.operands)]
    uses = Counter(operand for other in inside if other is node or other not in names for operand in other.operands)
    return Symbols(names, uses).made(node)


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


@dataclass(frozen=True)
class _Way:
    """A way down, or several that meet: its number, and its steps, which are multiplied when they are asked for."""

    number: float = 1.0
    last: Tidy | None = None
    before: "_Way | None" = None  # shared with other ways
    terms: "tuple[_Way, ...]" = ()  # instead of steps: the ways that meet, in the order of the uses
    factors: int = 0  # how many are multiplied for its symbol

    def onward(self, step: tuple[Tidy, float]) -> "_Way":
        return _Way(self.number * step[1], step[0], self, factors=1 + (len(self.terms) or self.factors))

    def beside(self, other: "_Way") -> "_Way":
        own = self.terms or (self,)  # a sweep meets the last use first
        return _Way(self.number + other.number, terms=(other, *own), factors=self.factors + other.factors)

    @cached_property
    def symbol(self) -> Tidy:
        if self.terms:
            return total([way.symbol for way in self.terms])
        symbols, way = list[Tidy](), self
        while way.last is not None:
            symbols.append(way.last)
            way = way.before or _Way()
        terms = [way.symbol for way in way.terms]
        return times_sum(terms, reversed(symbols)) if terms else product(reversed(symbols))


# ---- numbers ----


class Point:
    """The numbers of every node at one point, and the slopes between them; ``values`` come operands first."""

    def __init__(self, values: Mapping[Value, float]) -> None:
        self.values = values
        self._adjoints: dict[Value, dict[Value, float]] = {}

    @cached_property
    def slopes(self) -> dict[Value, tuple[float, ...]]:
        """∂node/∂operand here, by the rows."""
        slopes = {}
        for node, out in self.values.items():
            operands = [self.values[operand] for operand in node.operands]
            partials = node.operation.partials if node.operation else ()
            slopes[node] = tuple([float(partial(*operands, out)) for partial in partials])
        return slopes

    def edges(self, node: Value) -> Iterable[tuple[Value, float]]:
        """The edges of the graph below a node, with the slopes that they have here."""
        return zip(node.operands, self.slopes[node], strict=True)

    def adjoints(self, order: Sequence[Value]) -> dict[Value, float]:
        """∂last/∂node for each node of the order, which is that of all nodes below its last."""
        root = order[-1]
        if root not in self._adjoints:
            self._adjoints[root] = dict(sweep(order, self.edges, 1.0))
        return self._adjoints[root]


class Numbers:
    """A chain at a point: the number of the whole derivative there, and of what it is made of."""

    def __init__(self, chain: Chain, point: Point) -> None:
        self.chain, self.point = chain, point
        self.adjoints = point.adjoints(chain.order)
        self.total = self.adjoints.get(chain.target, 0.0)
        self._below: dict[Value, dict[Value, float]] = {}
        self._above: dict[Pair, dict[Value, float]] = {}

    @cached_property
    def named(self) -> dict[str, float]:
        """The numbers of the whole graph under their names."""
        names, values = self.chain.names, self.point.values
        shares = [row.at(values) for row in self.chain.softmaxes]
        named = {names[node]: number for node, number in values.items() if node in names}
        return reduce(operator.or_, shares, named)

    @cached_property
    def tangents(self) -> dict[Value, float]:
        """∂node/∂target."""
        return tangents(self.chain.order, self.point.edges, self.chain.target, 1.0)

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

    def times_edge(self, pair: Pair, edge: Edge) -> float:
        """What an edge's slope is multiplied with, in the part of the whole through a factor."""
        node, i = edge
        return self.times_factor(pair) * self.below(pair[0])[node] * self.above(pair).get(node.operands[i], 0.0)

    def with_slopes(self, changed: Mapping[Edge, float]) -> float:
        """The whole, had some edges other slopes."""

        def edges(node: Value) -> Iterable[tuple[Value, float]]:
            return [(o, changed.get((node, i), slope)) for i, (o, slope) in enumerate(self.point.edges(node))]

        chain = self.chain
        return tangents(chain.order, edges, chain.target, 1.0)[chain.root]
