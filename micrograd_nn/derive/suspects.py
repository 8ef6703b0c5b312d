"""Which slip turns the right derivation into the one that a person wrote: every edit of the table, in every place.

A change of one slope changes the whole by that change times what the slope is multiplied with, which is known from one
sweep and one pass of tangents at each point. Only a slip at several operations at once takes a pass of its own.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain as concat
from itertools import islice, pairwise
from math import isfinite
from typing import Any

from ..engine.value import Constant, Value
from ..errors import GraphError
from ..notation.symbol import Symbol
from ._paths import largest_first
from .chain import Chain, Edge, Factor, Numbers, Pair
from .recorded import partial_text
from .rules import COMPLEMENT, Slope, factor, is_constant, is_logarithmic, multiplies, of_complement, reads, written
from .slips import UNLIKELY, Edit, Scope, Slip

MOST_OTHERS = 40  # names that are tried in place of the right one
MOST_PATHS = 16  # of which the factors are added up
READABLE = 80  # characters of a branch in symbols; a longer one is not said
Families = dict[str | None, list[Value]]
EDITS = [(slip, edit) for slip in Slip for edit in slip.edits]


@dataclass(frozen=True, eq=False)
class Place:
    """Where an edit can be made in a chain."""

    scope: Scope
    pairs: tuple[Pair, ...]  # the factors it lies in; the first stands for them
    edges: tuple[Edge, ...] = ()  # the slopes of operations that are exchanged; several for the same slip everywhere
    others: Sequence[Value] = ()  # names that might be taken for the other operand, or for the target
    paths: Sequence[Sequence[Pair]] = ()  # of the entry
    unit: Value | None = None  # of a factor: the softmax or logarithm that it leads through
    unlikely: int = 0

    def totals(self, edit: Edit, numbers: Numbers) -> list[float]:
        """What the whole comes to with each of the edit's wrong slopes."""
        if len(self.edges) > 1:
            slopes = [self._of_edge(edge, numbers) for edge in self.edges]
            variants = zip(
                *[[slope.outer * float(wrong) for wrong in edit.instead(slope)] for slope in slopes], strict=True
            )
            return [numbers.with_slopes(dict(zip(self.edges, wrong, strict=True))) for wrong in variants]
        slope = self.slope(numbers)
        weight = self.weight(numbers) * slope.outer
        return [numbers.total - weight * slope.right + weight * float(wrong) for wrong in edit.instead(slope)]

    def weight(self, numbers: Numbers) -> float:
        """What the one slope is multiplied with in the whole."""
        pair = self.pairs[0]
        if self.scope is Scope.ENTRY:
            return 1.0
        if self.scope is Scope.RULE:
            return numbers.times_factor(pair) * numbers.below(pair[0])[self.edges[0][0]]
        if self.edges:
            return sum(numbers.times_edge(pair, self.edges[0]) for pair in self.pairs)
        return numbers.times_factor(pair) if self.scope is Scope.FACTOR else numbers.tangents[pair[1]]

    def slope(self, numbers: Numbers) -> Slope:
        """What stands here rightly, of several alike edges in the first."""
        if self.edges:
            return self._of_edge(self.edges[0], numbers)
        (pair, *_), chain, values = self.pairs, numbers.chain, numbers.point.values
        if self.scope is Scope.ENTRY:
            others = [numbers.adjoints.get(other, 0.0) for other in self.others]
            paths = [[numbers.factor(factor) for factor in path] for path in self.paths]
            return Slope(numbers.total, at=values[pair[1]], others=others, paths=paths)
        share = numbers.above(pair)[self.unit] if self.unit else 0.0
        return Slope(
            numbers.factor(pair) if self.scope is Scope.FACTOR else numbers.adjoints[pair[1]],
            row=self.unit.operation if self.unit else None,
            out=values[pair[0]],
            at=values[pair[1]],
            share=share if share > 0.0 else 1.0 + share,  # p − 1 is the slope to the one taken off from all
            divisors=chain.divisors,
            from_root=pair[0] is chain.root,
            one_of_several=chain.goes_around(pair),
        )

    def _of_edge(self, edge: Edge, numbers: Numbers) -> Slope:
        (node, i), above = edge, numbers.above(self.pairs[0])
        right = above[node] if self.scope is Scope.RULE else numbers.point.slopes[node][i]
        inner = [above.get(operand, 0.0) for operand in node.operands]
        return self.on_edge(edge, numbers.point.values, right, inner)

    def on_edge(self, edge: Edge, values: Mapping[Value, Any], right: Any, inner: Sequence[float] = ()) -> Slope:
        """The slope of an operation, on numbers or symbols."""
        node, i = edge
        operands, others = ([values[node] for node in nodes] for nodes in (node.operands, self.others))
        slope = Slope(right, node.operation, i, operands, values[node], inner, others, values[self.pairs[0][1]])
        other = node.operands[-1 - i]
        sign = -1.0 if reads(other.operation, 0, "−1") else 1.0
        slope = replace(slope, constant=isinstance(other, Constant), sign=sign)
        return of_complement(slope) if reads(node.operation, i, COMPLEMENT) else slope


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
        looks_like_it = not self.edit.seen or re.match(self.edit.seen, _text(self._factor.symbol))
        return self.place.unlikely + self.edit.unlikely + (not looks_like_it)

    @property
    def _factor(self) -> Factor:
        return self.chain.factors[self.pair[0]][self.pair[1]]

    @property
    def title(self) -> str:
        """The slip in a word or two, said of one branch where it could be taken for a slip of the whole."""
        return f"{self.slip.value} in one term" if self.rank > self.slip.rank else self.slip.value

    @property
    def sentence(self) -> str:
        """What went wrong, with the sign of the function in which it did."""
        node = self.place.edges[0][0] if self.place.edges else None
        return self.slip.sentence.format(f=node.operation.sign if node and node.operation else "")

    @cached_property
    def detail(self) -> str:
        """Which symbols stand where others belong, or in which branch; nothing where that is said by the slip."""
        said, symbols = self.edit.said, self.chain.symbols
        if self.place.scope is Scope.BRANCH:
            ((node, i),) = self.place.edges
            uses = (node.operands[i], node)[: 1 + (node.operands[i] is self.pair[1])]  # of a name, which use
            through = _text(*(symbols[use] for use in uses))
            return said[0].format(through) if 0 < len(through) <= READABLE else ""
        if "{}" in said:
            root, other = self.chain.root, self.place.others[self.variant]
            return said[0].format(partial_text(self.chain.names[root], self.chain.names[other]))
        if said:
            return said[min(self.variant, len(said) - 1)]
        if self.place.scope is not Scope.EDGE:
            return ""
        node, i = self.place.edges[0]
        assert node.operation is not None  # a leaf has no edges
        right = node.operation.textbook[i](*[symbols[operand] for operand in node.operands], symbols[node])
        slope = self.place.on_edge((node, i), symbols, right)
        return f"{Symbol.of(self.edit.instead(slope)[self.variant])} stands where {slope.right} belongs"


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
    alike: dict[Any, list[tuple[Place, Slope]]] = {}  # by rule, everywhere and in one factor
    for place in _places(here):
        slope = place.slope(here)
        yield from ((slip, edit, place) for slip, edit in EDITS if edit.scope is place.scope and edit.where(slope))
        if place.scope is Scope.EDGE and not is_constant(slope):
            rule = "a·b" if factor(slope) else written(slope.row, slope.i)
            for within in (None, place.pairs[0]):
                alike.setdefault((rule, within), []).append((place, slope))
    for (rule, within), places in alike.items():
        yield from _everywhere(places, here, UNLIKELY if within or rule == "a·b" else 2)


def _everywhere(
    places: Sequence[tuple[Place, Slope]], here: Numbers, unlikely: int
) -> Iterator[tuple[Slip, Edit, Place]]:
    """Each edit at all edges of one rule that it can be made at, if they are several."""
    for slip, edit in EDITS:
        mine = [place for place, slope in places if edit.scope is Scope.EDGE and edit.where(slope)]
        edges = tuple(dict.fromkeys(place.edges[0] for place in mine))
        if len(edges) > 1:
            pairs = dict.fromkeys(place.pairs[0] for place in mine if place.weight(here)) or mine[0].pairs
            yield slip, edit, Place(Scope.EDGE, tuple(pairs), edges, unlikely=unlikely)


def _places(here: Numbers) -> Iterator[Place]:
    """Every place of the chain in which one slip can be made; that of an edge in each factor it lies in, and in all."""
    chain = here.chain
    named = [node for node in chain.order if node in chain.names]
    leaves = [node for node in named if node.operation is None]
    pools = _families(chain, leaves), _families(chain, named)
    if chain.named:
        yield _entry(chain, leaves)
    if chain.meeting is not None and chain.goes_around(pair := (chain.root, chain.meeting)):
        yield Place(Scope.WHOLE, (pair,))
    on_all = (node for node in reversed(chain.named[1:-1]) if not chain.goes_around((node, node)))
    yield from (Place(Scope.CUT_OFF, ((chain.root, node),)) for node in on_all)
    for child, factors in chain.factors.items():
        reached = [(child, parent) for parent, factor in factors.items() if not factor.is_nothing]
        yield from (Place(Scope.FACTOR, (pair,), unit=_unit(pair, here)) for pair in reached)
        for node in chain.region(child):
            for i, operand in enumerate(node.operands):
                pairs = tuple((child, parent) for parent in factors if operand in here.above((child, parent)))
                others = _mistakable(chain, (node, i), pools) if pairs else ()
                for pair in pairs:
                    yield Place(Scope.EDGE, (pair,), ((node, i),), others)
                    yield from _branch(pair, (node, i), here)
                    if i == 1 and node.left in here.above(pair):
                        yield Place(Scope.RULE, (pair,), ((node, 0),))
                if len(pairs) > 1:
                    yield Place(Scope.EDGE, pairs, ((node, i),), others, unlikely=len(pairs) - 1)


def _entry(chain: Chain, leaves: Sequence[Value]) -> Place:
    """The whole derivative: which others there are, and the paths that it is the sum of, if they are few."""
    others = [node for node in leaves if node is not chain.target][:MOST_OTHERS]
    paths = largest_first(chain.named, chain.edges, chain.target) if 0 < chain.count <= MOST_PATHS else ()
    return Place(Scope.ENTRY, ((chain.root, chain.target),), (), others, [[*pairwise(path.nodes)] for path in paths])


def _unit(pair: Pair, here: Numbers) -> Value | None:
    """The softmax, logsumexp or logarithm that leads from a name to one below it, if one does."""
    child, _ = pair
    above = child.left if reads(child.operation, 0, "1/b") else None
    if above is not None and above not in here.chain.names and reads(above.operation, 0, "out"):
        return child
    way = (node for node in reversed(here.chain.region(child)) if node in here.above(pair))
    return next((node for node in way if is_logarithmic(node.operation)), None)


def _branch(pair: Pair, edge: Edge, here: Numbers) -> Iterator[Place]:
    """An edge as one of several ways through a factor, if it is one."""
    branch, whole = Place(Scope.BRANCH, (pair,), (edge,)), here.times_factor(pair) * here.factor(pair)
    slope = branch.slope(here)
    if abs(branch.weight(here) * slope.outer * slope.right - whole) > 1e-9 * abs(whole):
        yield branch


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
    product = multiplies(node.operation, i)
    taken = node.operands[1 - i] if product else node.operands[i]
    if not product and (taken not in chain.names or taken.operation is not None):
        return ()
    families, family = pools[product], _letters(chain.names.get(taken, ""))
    others = (other for other in families[None] if _letters(chain.names[other]) != family)
    right = {node, *node.operands}
    return [*islice((other for other in concat(families.get(family, ()), others) if other not in right), MOST_OTHERS)]


def _letters(name: str) -> str:
    found = re.match(r"[^\W\d]+", name)
    return found[0] if found else ""
