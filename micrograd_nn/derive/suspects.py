"""Which slip turns the right derivation into the one that a person wrote: every edit of the table, in every place.

A change of one slope changes the whole by that change times what the slope is multiplied with, which is known from one
sweep and one pass of tangents at each point. Only a slip at several operations at once takes a pass of its own.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import chain as concat
from itertools import islice, pairwise, product
from math import isclose, isfinite
from typing import Any

from ..engine.graph import postorder
from ..engine.value import Constant, Value
from ..errors import GraphError
from ..notation.symbol import Symbol
from ._paths import largest_first
from .chain import Chain, Edge, Numbers
from .named import Pair
from .rules import (
    COMPLEMENT,
    LOGSUMEXP,
    Slope,
    a_row,
    factor,
    is_constant,
    is_logarithmic,
    multiplies,
    of_complement,
    reads,
    written,
)
from .slips import UNLIKELY, Edit, Scope, Slip

MOST_OTHERS = 40  # names that are tried in place of the right one
MOST_PATHS = 16  # of which the factors are added up
Families = dict[str | None, list[Value]]
EDITS = [(slip, edit) for slip in Slip for edit in slip.edits]


@dataclass(eq=False)
class Place:
    """Where an edit can be made in a chain."""

    scope: Scope
    pairs: Sequence[Pair]  # the factors it lies in; the first stands for them
    edge: Edge | None = None  # the slope of an operation that is exchanged
    others: Sequence[Value] = ()  # names that might be taken for the other operand, or for the target
    paths: Sequence[Sequence[Pair]] = ()  # of the entry
    unit: Value | None = None  # of a factor: the softmax or logarithm that it leads through

    def __post_init__(self) -> None:
        self._at: dict[Numbers, tuple[Slope, float]] = {}
        self._wrong: dict[tuple[Edit, Numbers], list[float]] = {}

    def at(self, numbers: Numbers) -> tuple[Slope, float]:
        """What stands here rightly, and what it is multiplied with in the whole."""
        if numbers not in self._at:
            self._at[numbers] = self._slope(numbers), self._weight(numbers)
        return self._at[numbers]

    def wrong(self, edit: Edit, numbers: Numbers) -> list[float]:
        """What an edit puts there instead."""
        if (key := (edit, numbers)) not in self._wrong:
            slope, _ = self.at(numbers)
            self._wrong[key] = [slope.outer * float(wrong) for wrong in edit.instead(slope)]
        return self._wrong[key]

    def _weight(self, numbers: Numbers) -> float:
        pair, edge = self.pairs[0], self.edge
        if edge is None:
            return numbers.times_factor(pair)
        if self.scope is Scope.RULE:
            return numbers.times_factor(pair) * numbers.below(pair[0])[edge[0]]
        return sum(numbers.times_edge(pair, edge) for pair in self.pairs)

    def _slope(self, numbers: Numbers) -> Slope:
        (pair, *_), chain, values, unit = self.pairs, numbers.chain, numbers.point.values, self.unit
        if self.edge:
            (node, i), above = self.edge, numbers.above(pair)
            right = above[node] if self.scope is Scope.RULE else numbers.point.slopes[node][i]
            return self.on_edge(values, right, [above.get(operand, 0.0) for operand in node.operands])
        share = numbers.above(pair)[unit] if unit else 0.0
        is_log = unit and chain.graph.units.log_of_softmax(unit)
        return Slope(
            numbers.factor(pair) if self.scope is Scope.FACTOR else numbers.adjoints[pair[1]],
            row=a_row(LOGSUMEXP) if is_log else unit and unit.operation,
            out=values[pair[0]],
            at=values[pair[1]],
            others=[numbers.adjoints.get(other, 0.0) for other in self.others],
            paths=[[numbers.factor(factor) for factor in path] for path in self.paths],
            share=share if share > 0.0 else 1.0 + share,  # p − 1 is the slope to the one taken off from all
            divisors=chain.divisors,
            from_root=pair[0] is chain.root,
            one_of_several=chain.goes_around(pair),
        )

    def on_edge(self, values: Mapping[Value, Any], right: Any, inner: Sequence[float] = ()) -> Slope:
        """The slope of an operation, on numbers or symbols."""
        assert self.edge is not None  # asked of the scopes EDGE, BRANCH and RULE alone
        node, i = self.edge
        other = node.operands[-1 - i]
        slope = Slope(
            right,
            node.operation,
            i,
            operands=[values[operand] for operand in node.operands],
            out=values[node],
            inner=inner,
            others=[values[name] for name in self.others],
            at=values[self.pairs[0][1]],
            constant=isinstance(other, Constant),
            sign=-1.0 if reads(other.operation, 0, "−1") else 1.0,
            number=next((part.data for part in other.operands if isinstance(part, Constant)), 1.0),
        )
        return of_complement(slope) if reads(node.operation, i, COMPLEMENT) else slope

    def in_symbols(self, chain: Chain) -> Slope | None:
        """What stands here rightly, in symbols; None for a factor that is not made of a softmax's p alone."""
        symbols, (child, parent) = chain.graph.symbols, self.pairs[0]
        if self.edge and (row := self.edge[0].operation):
            node, i = self.edge
            return self.on_edge(
                symbols, row.textbook[i](*[symbols[operand] for operand in node.operands], symbols[node])
            )
        (slope, _), *_ = self._at.values()
        right = chain.factors[child][parent].symbol
        shares = {slope.right: right, slope.right + 1.0: right + 1.0}
        found = next((share for number, share in shares.items() if isclose(number, slope.share)), None)
        return None if found is None else Slope(right, out=symbols[child], at=symbols[parent], share=found)


@dataclass(eq=False)
class Suspect:
    """An edit in one place, or in several alike at once, with one of the wrong slopes that it leads to."""

    chain: Chain
    slip: Slip
    edit: Edit
    places: Sequence[Place]
    pairs: Sequence[Pair]  # the factors in which the slip was made
    aside: int = 0  # how much less likely it is there
    variant: int = 0  # which of the edit's wrong slopes

    def totals(self, numbers: Numbers) -> list[float]:
        """What the whole comes to with each of the edit's wrong slopes."""
        if len(self.places) > 1:
            return numbers.with_slopes({at.edge: at.wrong(self.edit, numbers) for at in self.places if at.edge})
        (place,) = self.places
        slope, weight = place.at(numbers)
        rest = numbers.total - weight * slope.outer * slope.right
        return [rest + weight * wrong for wrong in place.wrong(self.edit, numbers)]

    @property
    def pair(self) -> Pair:
        """The first of these factors."""
        return self.pairs[0]

    @property
    def rank(self) -> int:
        """How far-fetched it is."""
        return max(self.slip.rank, self.edit.rank)

    @cached_property
    def unlikely(self) -> int:
        """The same, among slips of one rank."""
        seen = self.edit.seen
        looks_like_it = not seen or re.match(seen, in_symbols(self.chain.factors[self.pair[0]][self.pair[1]].symbol))
        return self.aside + self.edit.unlikely + (not looks_like_it)


def in_symbols(*ways: Symbol) -> str:
    """A use of a name in what it is used in; nothing if that is longer than can be written at all."""
    try:
        return " in ".join(map(str, ways))
    except GraphError:
        return ""


def suspects(
    points: Sequence[Numbers], written: Sequence[float], fits: Callable[[float, float], bool], farthest: int
) -> Iterator[Suspect]:
    """Every slip up to a rank that explains what is written at every point, in every place of the chain."""
    rows = zip(points, written, strict=True)
    (first, hand), *others = sorted(rows, key=lambda row: not (row[1] and isfinite(row[1])))  # a 0 tells least
    for suspect in _candidates(first, farthest):
        try:
            for variant, total in enumerate(suspect.totals(first)):
                if fits(hand, total) and all(fits(there, suspect.totals(at)[variant]) for at, there in others):
                    yield replace(suspect, variant=variant)
        except (ArithmeticError, ValueError):  # of a person's own row, put in for another outside of its domain
            continue


def _candidates(here: Numbers, farthest: int) -> Iterator[Suspect]:
    """Each edit of the table in each place of its scope; those of an edge then at all edges of one rule at once."""
    edits = defaultdict[Scope, list[tuple[Slip, Edit]]](list)
    for slip, edit in EDITS:
        if max(slip.rank, edit.rank) <= farthest:
            edits[edit.scope].append((slip, edit))
    can_be_made: dict[Any, list[tuple[Slip, Edit]]] = {}  # on all edges of one rule the same
    alike: dict[tuple[Any, ...], list[Place]] = {}  # by rule, factor or none, slip and edit
    for place in _places(here):
        slope, _ = place.at(here)
        kind = (place.scope, slope.row, slope.i, slope.constant) if place.edge else place
        if kind not in can_be_made:
            can_be_made[kind] = [(slip, edit) for slip, edit in edits[place.scope] if edit.where(slope)]
        yield from (Suspect(here.chain, *row, [place], place.pairs, len(place.pairs) - 1) for row in can_be_made[kind])
        if place.scope is Scope.EDGE and not is_constant(slope):
            rule = "a·b" if factor(slope) else written(slope.row, slope.i)
            for within, row in product((None, place.pairs[0]), can_be_made[kind]):
                alike.setdefault((rule, within, *row), []).append(place)
    yield from _everywhere(here, alike)


def _everywhere(here: Numbers, alike: Mapping[tuple[Any, ...], Sequence[Place]]) -> Iterator[Suspect]:
    """Each edit at all edges of one rule at once, in the whole chain or in one factor, if they are several."""
    tried = set[tuple[Any, ...]]()
    for (rule, within, slip, edit), places in alike.items():
        each = [*{place.edge: place for place in reversed(places)}.values()][::-1]
        if len(each) > 1 and (key := (edit, *(place.edge for place in each))) not in tried:
            tried.add(key)
            pairs = dict.fromkeys(place.pairs[0] for place in places if place.at(here)[1]) or places[0].pairs
            yield Suspect(here.chain, slip, edit, each, [*pairs], UNLIKELY if within or rule == "a·b" else 2)


def _places(here: Numbers) -> Iterator[Place]:
    """Every place of the chain in which one slip can be made; that of an edge in each factor it lies in, and in all."""
    chain = here.chain
    named = [node for node in chain.order if node in chain.names]
    leaves = [node for node in named if node.operation is None]
    pools = _families(chain, leaves), _families(chain, named)
    if chain.named:
        yield _entry(chain, leaves)
    if chain.meeting is not None and chain.goes_around(pair := (chain.root, chain.meeting)):
        yield Place(Scope.WHOLE, [pair])
    on_all = (node for node in reversed(chain.named[1:-1]) if not chain.goes_around((node, node)))
    yield from (Place(Scope.CUT_OFF, [(chain.root, node)]) for node in on_all)
    for child, factors in chain.factors.items():
        reached = [(child, parent) for parent, factor in factors.items() if not factor.is_nothing]
        yield from (Place(Scope.FACTOR, [pair], unit=_unit(pair, here)) for pair in reached)
        for node in chain.links[child].written:
            for i, operand in enumerate(node.operands):
                edge, pairs = (node, i), [(child, p) for p in factors if operand in here.above((child, p))]
                others = _mistakable(chain, edge, pools) if pairs else ()
                for pair in pairs:
                    yield Place(Scope.EDGE, [pair], edge, others)
                    if _is_branch(pair, edge, here):
                        yield Place(Scope.BRANCH, [pair], edge)
                    if i == 1 and node.left in here.above(pair):
                        yield Place(Scope.RULE, [pair], (node, 0))
                if len(pairs) > 1:
                    yield Place(Scope.EDGE, pairs, edge, others)


def _entry(chain: Chain, leaves: Sequence[Value]) -> Place:
    """The whole derivative: which others there are, and the paths that it is the sum of, if they are few."""
    others = [node for node in leaves if node is not chain.target][:MOST_OTHERS]
    paths = largest_first(chain.named, chain.edges, chain.target) if 0 < chain.count <= MOST_PATHS else ()
    return Place(Scope.ENTRY, [(chain.root, chain.target)], None, others, [[*pairwise(path.nodes)] for path in paths])


def _unit(pair: Pair, here: Numbers) -> Value | None:
    """The softmax, logsumexp or logarithm that leads from a name to one below it, if one does."""
    child, _ = pair
    above = child.left if reads(child.operation, 0, "1/b") else None
    if above is not None and above not in here.chain.names and reads(above.operation, 0, "out"):
        return child
    way = (node for node in reversed(here.chain.links[child].nodes) if node in here.above(pair))
    return next((node for node in way if is_logarithmic(node.operation)), None)


def _is_branch(pair: Pair, edge: Edge, here: Numbers) -> bool:
    """Is an edge one of several ways through a factor? Of a max, only one of them may be open here."""
    (child, parent), (node, i), above, whole = pair, edge, here.above(pair), here.factor(pair)
    below = here.below(child)
    through = below[node] * here.point.slopes[node][i] * above[node.operands[i]]
    if abs(through - whole) > 1e-9 * abs(whole):
        return True
    if all(number for at, number in below.items() if at in above):
        return False
    ways = postorder(child, lambda at: [o for k, o in enumerate(at.operands) if (at, k) != edge and o in above])
    return parent in {*ways}


def _families(chain: Chain, nodes: Sequence[Value]) -> Families:
    """The nodes by the letters that their names begin with, and all of them under None."""
    families: Families = {None: [*nodes]}
    for node in nodes:
        families.setdefault(_letters(chain.names[node]), []).append(node)
    return families


def _mistakable(chain: Chain, edge: Edge, pools: tuple[Families, Families]) -> Sequence[Value]:
    """Names that might be taken for the one that makes a slope, those of its own family (x2 for x1) first.

    A factor is mistaken for any other name; else a leaf is, for another leaf.
    """
    node, i = edge
    if node.operation is None:
        return ()
    multiplied = multiplies(node.operation, i)
    taken = node.operands[1 - i] if multiplied else node.operands[i]
    if not multiplied and (taken not in chain.names or taken.operation is not None):
        return ()
    families, family = pools[multiplied], _letters(chain.names.get(taken, ""))
    others = (other for other in families[None] if _letters(chain.names[other]) != family)
    right = {node, *node.operands}
    return [*islice((other for other in concat(families.get(family, ()), others) if other not in right), MOST_OTHERS)]


@cache
def _letters(name: str) -> str:
    found = re.match(r"[^\W\d]+", name)
    return found[0] if found else ""
