"""A graph as a textbook writes it: what each node is called or made of, and the factors from one name to the next.

Promise: a factor ∂child/∂parent holds all ways between the two that meet no other name, in the textbook's symbols from
the rows and as the number that the engine recorded. It is worked out once, whatever the graph is derived towards.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isclose, isnan

from ..engine.graph import postorder, sweep
from ..engine.value import Value, topological_order
from ..engine.value import edges as recorded
from ..errors import GraphError, counted
from ..notation._collect import product, times_sum, total
from ..notation._simplify import Tidy
from ..notation.symbol import Symbol
from .recorded import partial_latex, partial_text
from .shares import LARGEST, Softmax, Uses, made_of_softmax, softmaxes
from .units import Units, let_through

MOST_BETWEEN = 20_000  # unnamed nodes folded into the factors of one name
MOST_FACTORS = 10_000  # that are multiplied where ways between these nodes meet: of n loops in a row about n²

Pair = tuple[Value, Value]  # child, parent: the factor ∂child/∂parent
Step = tuple[Value, tuple[Tidy, float]]  # a node below, and the slope towards it in symbols and as a number


@dataclass(frozen=True, eq=False)
class Way:
    """A way down, or several that meet: its number, and its steps, which are multiplied when they are asked for."""

    number: float = 1.0
    last: Tidy | None = None
    before: "Way | None" = None  # shared with other ways
    terms: "tuple[Way, ...]" = ()  # instead of steps: the ways that meet, in the order of the uses
    factors: int = 0  # how many are multiplied for its symbol

    @classmethod
    def of(cls, symbol: Tidy, number: float) -> "Way":
        """A way that is written already."""
        way = cls(number)
        vars(way)["symbol"] = symbol
        return way

    def onward(self, step: tuple[Tidy, float]) -> "Way":
        """The way with another step down."""
        return Way(self.number * step[1], step[0], self, factors=1 + (len(self.terms) or self.factors))

    def beside(self, other: "Way") -> "Way":
        """Both, where they meet."""
        own = self.terms or (self,)  # a sweep meets the last use first
        return Way(self.number + other.number, terms=(other, *own), factors=self.factors + other.factors)

    @cached_property
    def symbol(self) -> Tidy:
        """What comes of it."""
        if self.terms:
            return total([way.symbol for way in self.terms])
        symbols, way = list[Tidy](), self
        while way.last is not None:
            symbols.append(way.last)
            way = way.before or Way()
        terms = [way.symbol for way in way.terms]
        return times_sum(terms, reversed(symbols)) if terms else product(reversed(symbols))


@dataclass(frozen=True, slots=True)
class Factor:
    """∂child/∂parent, in symbols and as a number."""

    child: str
    parent: str
    way: Way

    @property
    def symbol(self) -> Tidy:
        """It in symbols, which are written when they are asked for."""
        return self.way.symbol

    @property
    def number(self) -> float:
        """It as a number."""
        return self.way.number

    @property
    def is_nothing(self) -> bool:
        """Is it 0 whatever the names hold, as a term that one-hot targets leave out?"""
        return not abs(self.number) > 0.0 and self.symbol.is_number and self.symbol.number == 0.0

    def __str__(self) -> str:
        return partial_text(self.child, self.parent)

    __repr__ = __str__

    def latex(self) -> str:
        """The left-hand side in LaTeX."""
        return partial_latex(self.child, self.parent)


class NamedGraph:
    """The nodes below root, of which some have names; the recorded numbers must be unchanged."""

    def __init__(self, root: Value, names: Mapping[Value, str]) -> None:
        uses = Counter(operand for node in topological_order(root) for operand in node.operands)
        self.softmaxes = softmaxes(root, names)
        self.names = {**names, **{share: share.label for row in self.softmaxes for share in row.shares}}
        self.symbols = Symbols(self.names, uses, self.softmaxes)
        self._links: dict[tuple[Value, ...], Link] = {}
        self.units = Units(root, self.names, self.symbols, uses, self.softmaxes)

    def steps(self, node: Value) -> list[Step]:
        """One step down: to the inputs of a unit, or to the operands."""
        if (unit := self.units.at(node)) is not None:
            return unit
        symbols = [self.symbols[operand] for operand in node.operands]
        slopes = enumerate(recorded(node))
        return [(below, (slope_of(node, i, symbols, self.symbols[node]), slope)) for i, (below, slope) in slopes]

    def link(self, nodes: list[Value], parents: list[Value]) -> "Link":
        """What lies between the last of the nodes and the names right below it, whatever is further down."""
        return self._links.setdefault((nodes[-1], *parents), Link(self, nodes, parents))

    def share_formulas(self) -> dict[Value, Tidy]:
        """What stands for p1, p2, …: each share of a softmax, made of what the softmax is taken of."""
        rows = (zip(row.shares, row.formulas(self.symbols), strict=True) for row in self.softmaxes)
        return {share: formula for row in rows for share, formula in row}

    def where(self, text: str) -> str:
        """What the shares in a text stand for: where p1 = exp(z1)/(exp(z1) + exp(z2)); nothing if it has none."""
        words, made = {*re.findall(r"\w+(?:\[\d+\])?", text)}, self.share_formulas().items()
        used = [f"{share.label} = {formula}" for share, formula in made if share.label in words]
        return f"where {', '.join(used)}" if used else ""


class Link:
    """A named node, the names right below it, and the nodes without a name in between, operands first."""

    def __init__(self, graph: "NamedGraph", nodes: list[Value], parents: Iterable[Value]) -> None:
        self.graph, self.nodes, self.parents = graph, nodes, dict.fromkeys(parents)
        self._check_length(len(nodes) <= MOST_BETWEEN)

    def _check_length(self, short: bool) -> None:
        if not short:
            raise GraphError(
                f"{counted(len(self.nodes), 'node')} without a label lie below {self.graph.names[self.nodes[-1]]}, too "
                "many to be read as one factor: label some nodes in between; or ask grad(L, [w]) for the number, "
                "paths(L, w) for paths"
            )

    @cached_property
    def written(self) -> list[Value]:
        """The nodes without what is inside of a logsumexp: a textbook writes powers and a logarithm there."""
        made_of, between = self.graph.units.log_of_softmax, {*self.nodes}

        def below(node: Value) -> list[Value]:
            made = made_of(node)
            return [node for node in (made.taken_in if made else node.operands) if node in between]

        return [node for node in postorder(self.nodes[-1], below) if not made_of(node)]

    @cached_property
    def factors(self) -> dict[Value, Factor]:
        """∂child/∂parent for each parent."""
        inside, names, child = {*self.nodes, *self.parents}, self.graph.names, self.nodes[-1]

        def steps(node: Value) -> list[Step]:
            return [step for step in self.graph.steps(node) if step[0] in inside] if node not in self.parents else []

        ways = sweep([*reversed(self.parents), *self.nodes], steps, Way(), Way.beside, Way.onward)
        found, multiplied = dict[Value, Factor](), 0
        for node, way in ways:
            multiplied += way.factors if way.terms or node in self.parents else 0
            self._check_length(multiplied <= MOST_FACTORS)
            if node in self.parents:
                found[node] = Factor(names[child], names[node], way)
            elif way.terms:
                way.symbol  # noqa: B018  # written here, so that it is there for the ways that go on from it
        return found


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
