"""Which slip turns the right derivation into the one that a person wrote: every edit of the table, in every place.

A change of one slope changes the whole by ∂root/∂above · change · ∂below/∂target, and those two are known from one
sweep and one pass of tangents at each point. Only a slip at several operations at once takes a pass of its own.
"""

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from math import inf, isclose, nan
from typing import Any

from ..engine.value import Value
from ..errors import GraphError
from ..notation.symbol import Symbol
from ..notation.text import PRODUCT
from .chain import Chain, Pair
from .points import Numbers
from .slips import Edit, Scope, Slip, Slope, is_product

MOST_OTHERS = 40  # names that are tried in place of the right one
READABLE = 80  # characters of a branch in symbols; a longer one is not said

Edge = tuple[Value, int]  # a node and the place of one of its operands
EDITS = [(slip, edit) for slip in Slip for edit in slip.edits]


@dataclass(frozen=True, eq=False)
class Place:
    """Where an edit can be made in a chain."""

    scope: Scope
    pairs: tuple[Pair, ...]  # the factors it lies in; the first stands for them
    edges: tuple[Edge, ...] = ()  # the slopes of operations that are exchanged; several for the same slip everywhere
    others: Sequence[Value] = ()  # names that might be taken for the other operand
    divisors: Sequence[float] = ()
    one_of_several: bool = False
    unlikely: int = 0


@dataclass(frozen=True, eq=False)
class Suspect:
    """One wrong slope in one place."""

    chain: Chain
    slip: Slip
    edit: Edit
    place: Place
    variant: int  # which of the edit's wrong slopes

    @property
    def pair(self) -> Pair:
        """The factor in which the slip was made."""
        return self.place.pairs[0]

    @property
    def rank(self) -> int:
        """How far-fetched it is."""
        return max(self.slip.rank, self.edit.rank)

    @cached_property
    def unlikely(self) -> int:
        """The same, among slips of one rank."""
        looks_like_it = not self.edit.seen or re.match(self.edit.seen, self._factor_text())
        return self.place.unlikely + self.edit.unlikely + (not looks_like_it)

    @property
    def title(self) -> str:
        """The slip in a word or two, said of one branch where it could be taken for a slip of the whole."""
        return f"{self.slip.value} in one term" if self.rank > self.slip.rank else self.slip.value

    @cached_property
    def detail(self) -> str:
        """Which symbols stand where others belong, or in which branch; nothing where that is said by the slip."""
        if self.place.scope is Scope.BRANCH:
            return self._branch()
        if self.place.scope is not Scope.EDGE or len(self.place.edges) > 1:
            return ""
        ((node, i),) = self.place.edges
        symbols, row = self.chain.symbols, node.operation
        assert row is not None  # a leaf has no edges
        right = row.textbook[i](*[symbols[operand] for operand in node.operands], symbols[node])
        wrong = Symbol.of(self.edit.instead(_on_edge(self.place, (node, i), symbols, right))[self.variant])
        return f"{wrong} stands where {right} belongs"

    def total(self, numbers: Numbers) -> float:
        """What the whole derivation comes to with this slip in it."""
        return _totals(self.edit, self.place, numbers)[self.variant]

    def _branch(self) -> str:
        ((node, i),) = self.place.edges
        operand = node.operands[i]
        ways = (operand, node) if operand is self.pair[1] else (operand,)  # of the uses of a name, which one
        try:
            through = " in ".join(str(self.chain.symbols[way]) for way in ways)
        except GraphError:  # longer than can be written at all
            return ""
        return self.edit.said.format(through) if len(through) <= READABLE else ""

    def _factor_text(self) -> str:
        child, parent = self.pair
        symbol = self.chain.factors[child][parent].symbol
        return str(symbol) if len(list(islice(symbol.parts(), 200))) < 200 else ""


def suspects(here: Numbers, explains: Callable[[float], bool], farthest: int) -> Iterator[Suspect]:
    """Every slip up to a rank that explains the number here, in every place of the chain."""
    for slip, edit, place in _candidates(here):
        try:
            totals = _totals(edit, place, here) if max(slip.rank, edit.rank) <= farthest else []
        except (ArithmeticError, ValueError):  # of a person's own row, put in for another outside of its domain
            continue
        for variant, total in enumerate(totals):
            if explains(total):
                yield Suspect(here.chain, slip, edit, place, variant)


def _candidates(here: Numbers) -> Iterator[tuple[Slip, Edit, Place]]:
    """Each edit of the table in each place of its scope; those of an edge then at all edges of an operation alike."""
    first: dict[Edge, Pair] = {}  # by edge: the first factor, seen from root, that it lies in
    for place in _places(here):
        (slope,) = _slopes(place, here)
        yield from ((slip, edit, place) for slip, edit in EDITS if edit.scope is place.scope and edit.where(slope))
        for edge in place.edges:
            first.setdefault(edge, place.pairs[0])
    for edges in _by_operation(here.chain, first):
        slopes = _slopes(Place(Scope.EDGE, (), edges), here)
        for slip, edit in EDITS:
            alike = tuple(edge for edge, slope in zip(edges, slopes, strict=True) if edit.where(slope))
            if edit.scope is Scope.EDGE and len(alike) > 1:
                counting = [first[edge] for edge in alike if here.times_edge(first[edge], *edge)] or [first[alike[-1]]]
                yield slip, edit, Place(Scope.EDGE, (counting[-1],), alike, unlikely=2)


# ---- the places ----


def _places(here: Numbers) -> Iterator[Place]:
    """Every place of the chain in which one slip can be made."""
    chain = here.chain
    divisors = _divisors(chain)
    if chain.meeting is not None and chain.goes_around(pair := (chain.root, chain.meeting)):
        yield Place(Scope.WHOLE, (pair,), divisors=divisors)
    for child, factors in chain.factors.items():
        for parent, factor in factors.items():
            pair = child, parent
            if not factor.is_nothing:
                yield Place(Scope.FACTOR, (pair,), divisors=divisors, one_of_several=chain.goes_around(pair))
    for node in chain.named[1:-1]:
        yield Place(Scope.CUT_OFF, ((chain.root, node),))
    named = [node for node in chain.order if node in chain.names]
    for child, factors in chain.factors.items():
        for node in chain.region(child):
            for i, operand in enumerate(node.operands):
                pairs = tuple((child, parent) for parent in factors if operand in here.above((child, parent)))
                if pairs:
                    yield from _of_edge(chain, (node, i), pairs, named)


def _of_edge(chain: Chain, edge: Edge, pairs: tuple[Pair, ...], named: Sequence[Value]) -> Iterator[Place]:
    """The slope in each of the factors that it lies in, and in all of them."""
    others = _mistakable(chain, edge, named)
    for pair in pairs:
        yield Place(Scope.EDGE, (pair,), (edge,), others)
        yield Place(Scope.BRANCH, (pair,), (edge,))
    if len(pairs) > 1:
        yield Place(Scope.EDGE, pairs, (edge,), others, unlikely=len(pairs) - 1)


def _by_operation(chain: Chain, known: Container[Edge]) -> list[tuple[Edge, ...]]:
    """The edges of each operation, from the leaves up."""
    edges = [edge for node in chain.order for edge in ((node, 0), (node, 1)) if edge in known]
    operations = dict.fromkeys(node.operation for node, _ in edges)
    return [tuple(edge for edge in edges if edge[0].operation is operation) for operation in operations]


def _divisors(chain: Chain) -> list[float]:
    """The n of each mean: what is divided by a constant n, or multiplied with 1/n."""
    found = set()
    for node in chain.order:
        if node in chain.on_the_way and node.operation and node.operation.level == PRODUCT:
            for i, leaf in enumerate(reversed(node.operands)):
                constant = leaf.operation is None and leaf not in chain.names
                if constant and node.partials[i] and (i == 0 or node.operation.associative):
                    found.add(abs(1.0 / node.partials[i]))
    return sorted({float(round(n)) for n in found if 2.5 < n < inf and isclose(n, round(n), rel_tol=1e-9)})


def _mistakable(chain: Chain, edge: Edge, named: Sequence[Value]) -> list[Value]:
    """Names that might be taken for the other operand of a product, those of its own family (x2 for x1) first."""
    node, i = edge
    if not is_product(Slope(0.0, node.operation, i)):
        return []
    right = node.operands[1 - i]
    family = _letters(chain.names.get(right, ""))
    others = [other for other in named if other not in {node, *node.operands}]
    return sorted(others, key=lambda other: _letters(chain.names[other]) != family)[:MOST_OTHERS]


def _letters(name: str) -> str:
    found = re.match(r"[^\W\d]+", name)
    return found.group() if found else ""


# ---- the one evaluator ----


def _totals(edit: Edit, place: Place, numbers: Numbers) -> list[float]:
    """What the whole comes to with each of the edit's wrong slopes."""
    slopes = _slopes(place, numbers)
    variants = zip(*map(edit.instead, slopes), strict=True)
    if len(place.edges) > 1:
        return [numbers.with_slopes(dict(zip(place.edges, map(float, wrong), strict=True))) for wrong in variants]
    weight = _weight(place, numbers)
    through = weight * slopes[0].right
    if place.scope is Scope.BRANCH and _is_all(through, place.pairs[0], numbers):
        return [nan]
    rest = 0.0 if place.scope is Scope.CUT_OFF else numbers.total - through
    return [rest + weight * float(wrong) for (wrong,) in variants]


def _is_all(through: float, pair: Pair, numbers: Numbers) -> bool:
    """Is this all that goes through a factor, and so no branch that could be forgotten?"""
    whole = numbers.times_factor(pair) * numbers.factor(pair)
    return abs(through - whole) <= 1e-9 * abs(whole)


def _weight(place: Place, numbers: Numbers) -> float:
    """What the slope is multiplied with in the whole."""
    if place.edges:
        return sum(numbers.times_edge(pair, *place.edges[0]) for pair in place.pairs)
    (pair,) = place.pairs
    if place.scope is Scope.FACTOR:
        return numbers.times_factor(pair)
    return numbers.tangents[pair[1]]


def _slopes(place: Place, numbers: Numbers) -> list[Slope]:
    """What stands in a place rightly: one slope, or those of all the edges that are alike."""
    if place.edges:
        slopes, values = numbers.point.slopes, numbers.point.values
        return [_on_edge(place, (node, i), values, slopes[node][i]) for node, i in place.edges]
    (pair,) = place.pairs
    right = numbers.factor(pair) if place.scope is Scope.FACTOR else numbers.adjoints[pair[1]]
    from_root = pair[0] is numbers.chain.root
    return [Slope(right, divisors=place.divisors, from_root=from_root, one_of_several=place.one_of_several)]


def _on_edge(place: Place, edge: Edge, values: Mapping[Value, Any], right: Any) -> Slope:
    """An edge on numbers or symbols."""
    node, i = edge
    operands = [values[operand] for operand in node.operands]
    return Slope(right, node.operation, i, operands, values[node], [values[other] for other in place.others])
