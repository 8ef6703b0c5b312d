"""Which slip turns the right derivation into the one that a person wrote: every edit of the table, in every place.

A change of one slope changes the whole by that change times what the slope is multiplied with, which is known from one
sweep and one pass of tangents at each point. Only a slip at several operations at once takes a pass of its own.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any

from ..engine.value import Value
from ..errors import GraphError
from ..notation.symbol import Symbol
from .chain import Chain, Edge, Numbers, Pair
from .slips import Edit, Scope, Slip, Slope, multiplies

MOST_OTHERS = 40  # names that are tried in place of the right one
READABLE = 80  # characters of a branch in symbols; a longer one is not said
EDITS = [(slip, edit) for slip in Slip for edit in slip.edits]


@dataclass(frozen=True, eq=False)
class Place:
    """Where an edit can be made in a chain."""

    scope: Scope
    pairs: tuple[Pair, ...]  # the factors it lies in; the first stands for them
    edges: tuple[Edge, ...] = ()  # the slopes of operations that are exchanged; several for the same slip everywhere
    others: Sequence[Value] = ()  # names that might be taken for the other operand
    unlikely: int = 0

    def slopes(self, numbers: Numbers) -> list[Slope]:
        """What stands here rightly: one slope, or those of all the edges that are alike."""
        if self.edges:
            point = numbers.point
            return [self.on_edge((node, i), point.values, point.slopes[node][i]) for node, i in self.edges]
        (pair,), chain = self.pairs, numbers.chain
        right = numbers.factor(pair) if self.scope is Scope.FACTOR else numbers.adjoints[pair[1]]
        around, from_root = chain.goes_around(pair), pair[0] is chain.root
        return [Slope(right, divisors=chain.divisors, from_root=from_root, one_of_several=around)]

    def on_edge(self, edge: Edge, values: Mapping[Value, Any], right: Any) -> Slope:
        """The slope of an operation, on numbers or symbols."""
        node, i = edge
        operands = [values[operand] for operand in node.operands]
        return Slope(right, node.operation, i, operands, values[node], [values[other] for other in self.others])

    def weight(self, numbers: Numbers) -> float:
        """What the one slope is multiplied with in the whole."""
        child, parent = self.pairs[0]
        if self.edges:
            return sum(numbers.times_edge(pair, self.edges[0]) for pair in self.pairs)
        return numbers.times_factor((child, parent)) if self.scope is Scope.FACTOR else numbers.tangents[parent]

    def totals(self, edit: Edit, numbers: Numbers) -> list[float]:
        """What the whole comes to with each of the edit's wrong slopes."""
        slopes = self.slopes(numbers)
        variants = zip(*map(edit.instead, slopes), strict=True)
        if len(self.edges) > 1:
            return [numbers.with_slopes(dict(zip(self.edges, map(float, wrong), strict=True))) for wrong in variants]
        weight = self.weight(numbers)
        rest = 0.0 if self.scope is Scope.CUT_OFF else numbers.total - weight * slopes[0].right
        return [rest + weight * float(wrong) for (wrong,) in variants]


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
        child, parent = self.pair
        seen = self.edit.seen
        looks_like_it = not seen or re.match(seen, _text(self.chain.factors[child][parent].symbol))
        return self.place.unlikely + self.edit.unlikely + (not looks_like_it)

    @property
    def title(self) -> str:
        """The slip in a word or two, said of one branch where it could be taken for a slip of the whole."""
        return f"{self.slip.value} in one term" if self.rank > self.slip.rank else self.slip.value

    @cached_property
    def detail(self) -> str:
        """Which symbols stand where others belong, or in which branch; nothing where that is said by the slip."""
        if len(self.place.edges) != 1:
            return ""
        ((node, i),), symbols = self.place.edges, self.chain.symbols
        if self.place.scope is Scope.BRANCH:
            uses = (node.operands[i], node)[: 1 + (node.operands[i] is self.pair[1])]  # of a name, which use
            through = _text(*(symbols[use] for use in uses))
            return self.edit.said.format(through) if 0 < len(through) <= READABLE else ""
        assert node.operation is not None  # a leaf has no edges
        right = node.operation.textbook[i](*[symbols[operand] for operand in node.operands], symbols[node])
        wrong = Symbol.of(self.edit.instead(self.place.on_edge((node, i), symbols, right))[self.variant])
        return f"{wrong} stands where {right} belongs"


def _text(*ways: Symbol) -> str:
    """A use of a name in what it is used in; nothing if that is longer than can be written at all."""
    try:
        return " in ".join(map(str, ways))
    except GraphError:
        return ""


def suspects(
    points: Sequence[Numbers], written: Sequence[float], fits: Callable[[float, float], bool], farthest: int
) -> Iterator[Suspect]:
    """Every slip up to a rank that explains what is written at every point, in every place of the chain."""
    here, *elsewhere = points
    for slip, edit, place in _candidates(here):
        try:
            found = place.totals(edit, here) if max(slip.rank, edit.rank) <= farthest else []
            for variant, total in enumerate(found):
                if fits(written[0], total):
                    totals = [total, *(place.totals(edit, numbers)[variant] for numbers in elsewhere)]
                    if all(map(fits, written, totals)) and any(map(isfinite, totals)):
                        yield Suspect(here.chain, slip, edit, place, variant)
        except (ArithmeticError, ValueError):  # of a person's own row, put in for another outside of its domain
            continue


def _candidates(here: Numbers) -> Iterator[tuple[Slip, Edit, Place]]:
    """Each edit of the table in each place of its scope; those of an edge then at all edges of an operation alike."""
    alike: dict[Any, list[Place]] = {}  # by operation
    for place in _places(here):
        (slope,) = place.slopes(here)
        yield from ((slip, edit, place) for slip, edit in EDITS if edit.scope is place.scope and edit.where(slope))
        if place.scope is Scope.EDGE:
            alike.setdefault(slope.row, []).append(place)
    for places in alike.values():
        for slip, edit in EDITS:
            mine = [place for place in places if edit.scope is Scope.EDGE and edit.where(place.slopes(here)[0])]
            edges = tuple(dict.fromkeys(place.edges[0] for place in mine))
            if len(edges) > 1:
                pairs = dict.fromkeys(place.pairs[0] for place in mine if place.weight(here))
                yield slip, edit, Place(Scope.EDGE, tuple(pairs) or mine[0].pairs, edges, unlikely=2)


def _places(here: Numbers) -> Iterator[Place]:
    """Every place of the chain in which one slip can be made; that of an edge in each factor it lies in, and in all."""
    chain = here.chain
    named = [node for node in chain.order if node in chain.names]
    if chain.meeting is not None and chain.goes_around(pair := (chain.root, chain.meeting)):
        yield Place(Scope.WHOLE, (pair,))
    yield from (Place(Scope.CUT_OFF, ((chain.root, node),)) for node in chain.named[1:-1])
    for child, factors in chain.factors.items():
        yield from (Place(Scope.FACTOR, ((child, parent),)) for parent, f in factors.items() if not f.is_nothing)
        for node in chain.region(child):
            for i, operand in enumerate(node.operands):
                pairs = tuple((child, parent) for parent in factors if operand in here.above((child, parent)))
                others = _mistakable(chain, (node, i), named) if pairs else ()
                for pair in pairs:
                    yield Place(Scope.EDGE, (pair,), ((node, i),), others)
                    yield from _branch(pair, (node, i), here)
                if len(pairs) > 1:
                    yield Place(Scope.EDGE, pairs, ((node, i),), others, unlikely=len(pairs) - 1)


def _branch(pair: Pair, edge: Edge, here: Numbers) -> Iterator[Place]:
    """An edge as one of several ways through a factor, if it is one."""
    branch, whole = Place(Scope.BRANCH, (pair,), (edge,)), here.times_factor(pair) * here.factor(pair)
    through = branch.weight(here) * branch.slopes(here)[0].right
    if abs(through - whole) > 1e-9 * abs(whole):
        yield branch


def _mistakable(chain: Chain, edge: Edge, named: Sequence[Value]) -> Sequence[Value]:
    """Names that might be taken for the other operand of a product, those of its own family (x2 for x1) first."""
    node, i = edge
    if node.operation is None or not multiplies(node.operation, i):
        return ()
    family = _letters(chain.names.get(node.operands[1 - i], ""))
    others = [other for other in named if other not in {node, *node.operands}]
    return sorted(others, key=lambda other: _letters(chain.names[other]) != family)[:MOST_OTHERS]


def _letters(name: str) -> str:
    found = re.match(r"[^\W\d]+", name)
    return found[0] if found else ""
