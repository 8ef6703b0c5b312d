"""Which slip turns the right derivation into the one that a person wrote.

Promise: every suspect is the graph's own chain with one slip made in it, worked out at the same points as the person's
entry; a suspect is named only if it agrees at all of them.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from operator import mul
from typing import Any

from ..engine.ops import neg
from ..engine.value import Value
from ..errors import GraphError
from ..notation._simplify import Tidy
from ..notation.symbol import Symbol
from .slips import ANYWHERE, BRANCH_SLIPS, EDGE_RULES, EVERYWHERE, FACTOR_SLIPS, Rule, Slip
from .views import Ground, Pair, View, edge_of

SECOND = 10  # unlikely beyond the next best slip
READABLE = 80  # characters of a branch in symbols; a longer one is not said


@dataclass(frozen=True)
class Suspect:
    """A slip in a factor, and what the whole derivation comes to with it."""

    slip: Slip
    pair: Pair
    total: Callable[[View], float]
    unlikely: int = 0  # of the same slip in several factors, the one that looks more like it comes first
    detail: Callable[[], str] = str  # which symbols stand where others belong; nothing if left out
    in_branch: bool = False  # made in one of several ways through the factor, and not in the others
    at_once: bool = False  # made in every way from pair[0] to pair[1], and not in the factor between them alone

    @property
    def rank(self) -> int:
        """How far-fetched it is: in one branch alone no less so than a branch that is left out."""
        return max(self.slip.rank, Slip.PATH_MISSING.rank) if self.in_branch else self.slip.rank

    @property
    def title(self) -> str:
        """The slip in a word or two, said of one branch where it could be taken for a slip of the whole."""
        return f"{self.slip.value} in one term" if self.rank > self.slip.rank else self.slip.value


def suspects(ground: Ground) -> Iterator[Suspect]:
    """Every slip that is known, in every place of the chain."""
    yield from _at_once(ground)
    for child, factors in ground.factors.items():
        for parent, factor in factors.items():
            yield from _in_factor(ground, (child, parent), factor.symbol)
    yield from _cut_off(ground)
    for child in ground.factors:
        yield from _on_edges(ground, child)
    yield from _everywhere(ground)


def _at_once(ground: Ground) -> Iterator[Suspect]:
    """Where several ways lead down from root, as to the samples of a batch: in all of them, until they meet again."""
    if ground.meeting is None or not ground.goes_around(pair := (ground.root, ground.meeting)):
        return

    def suspect(slip: Slip, change: Callable[[Any], Any]) -> Suspect:
        return Suspect(slip, pair, lambda view: change(view.total), at_once=True)

    changes = [(slip, change) for slip, change in FACTOR_SLIPS if slip in ANYWHERE]
    for n in ground.divisors:
        changes += [(Slip.FACTOR_N, partial(mul, n)), (Slip.FACTOR_N, partial(mul, 1.0 / n))]
    for slip, change in changes:
        yield suspect(slip, change)


def _in_factor(ground: Ground, pair: Pair, symbol: Tidy) -> Iterator[Suspect]:
    def suspect(slip: Slip, change: Callable[[Any], Any], unlikely: int = 0) -> Suspect:
        return Suspect(slip, pair, lambda view: view.with_factor(pair, change(view.factor(pair))), unlikely)

    text = str(symbol) if len(list(islice(symbol.parts(), 200))) < 200 else ""
    shown = {Slip.SIGN: symbol.operation is neg, Slip.FACTOR_HALF: bool(re.match(r"−?2\b", text))}
    shown[Slip.FACTOR_TWO] = bool(re.match(r"−?[\d.]", text))
    around = ground.goes_around(pair)
    for slip, change in FACTOR_SLIPS:
        if slip is Slip.FACTOR_FORGOTTEN and pair[0] is ground.root and not around:
            continue  # that is the upstream, see _cut_off
        twice = around and slip is Slip.FACTOR_TWO  # in one of several paths, that is rather a path counted twice
        yield suspect(slip, change, unlikely=SECOND if twice else not shown.get(slip, True))
    for n in ground.divisors:
        yield suspect(Slip.FACTOR_N, partial(mul, n))
        yield suspect(Slip.FACTOR_N, partial(mul, 1.0 / n))
    for slip, change, _ in BRANCH_SLIPS[:2] if around else ():
        yield suspect(slip, change)


def _cut_off(ground: Ground) -> Iterator[Suspect]:
    for node in ground.named:
        if node is not ground.root and node is not ground.target:
            yield Suspect(Slip.UPSTREAM_FORGOTTEN, (ground.root, node), partial(_below, node))


def _below(node: Value, view: View) -> float:
    return view.tangents[node]


def _on_edges(ground: Ground, child: Value) -> Iterator[Suspect]:
    parents = list(ground.factors[child])
    for node in ground.region(child):
        for i, operand in enumerate(node.operands):
            if operand in ground.on_the_way:
                reached = [parent for parent in parents if operand in ground.reach(child, parent)]
                for pair in [(child, parent) for parent in reached]:
                    yield from _of_rules(ground, node, i, [pair])
                    yield from _of_branch(ground, node, i, pair)
                if len(reached) > 1:
                    yield from _of_rules(ground, node, i, [(child, parent) for parent in reached])


def _of_rules(ground: Ground, node: Value, i: int, pairs: list[Pair]) -> Iterator[Suspect]:
    assert node.operation is not None
    for k, rule in enumerate(EDGE_RULES):
        if rule.where(node.operation, i):
            for variant in range(_variants(ground, rule, node, i)):

                def total(view: View, k: int = k, variant: int = variant) -> float:
                    change: float = view.wrong_slopes(node, i, k)[variant] - view.point.slopes[node][i]
                    share: float = sum(view.share(pair, node, i) for pair in pairs)
                    return view.total + change * share

                def detail(rule: Rule = rule, variant: int = variant) -> str:
                    edge = edge_of(ground, node, i, ground.symbols)
                    right = edge.row.textbook[i](*edge.operands, edge.out)
                    wrong = Symbol.of(rule.slopes(edge)[variant])
                    return f"{wrong} stands where {right} belongs"

                yield Suspect(rule.slip, pairs[0], total, len(pairs) - 1, detail)


def _of_branch(ground: Ground, node: Value, i: int, pair: Pair) -> Iterator[Suspect]:
    for k, (slip, change, which) in enumerate(BRANCH_SLIPS):

        def total(view: View, change: Callable[[Any], Any] = change) -> float:
            slope, share = view.point.slopes[node][i], view.share(pair, node, i)
            through = slope * share
            whole = view.adjoints[pair[0]] * view.factor(pair) * view.tangents[pair[1]]
            if abs(through - whole) <= 1e-9 * abs(whole):
                return float("nan")  # the only way there is: no branch that could be forgotten
            missing: float = (change(slope) - slope) * share
            return view.total + missing

        def detail(which: str = which) -> str:
            operand = node.operands[i]
            ways = (operand, node) if operand is pair[1] else (operand,)  # of the uses of a name, which one
            try:
                through = " in ".join(str(ground.symbols[way]) for way in ways)
            except GraphError:  # longer than can be written at all
                return ""
            return which.format(through) if len(through) <= READABLE else ""

        yield Suspect(slip, pair, total, 1 + k, detail, in_branch=True)


def _everywhere(ground: Ground) -> Iterator[Suspect]:
    """The same wrong rule for an activation wherever it occurs."""
    for row in dict.fromkeys(node.operation for node in ground.order if node.operation and node in ground.on_the_way):
        edges = [(node, 0) for node in ground.order if node.operation is row and node.left in ground.on_the_way]
        for rule in EVERYWHERE if len(edges) > 1 else ():
            if rule.where(row, 0):
                for variant in range(_variants(ground, rule, *edges[0])):
                    k = EDGE_RULES.index(rule)

                    def total(view: View, edges: Any = edges, k: int = k, variant: int = variant) -> float:
                        changed = {(node, i): view.wrong_slopes(node, i, k)[variant] for node, i in edges}
                        tangents: dict[Value, float] = view.point.tangents(ground.order, ground.target, changed)
                        return tangents[ground.root]

                    yield Suspect(rule.slip, ground.pair_of(edges[-1][0]), total, 2)


def _variants(ground: Ground, rule: Rule, node: Value, i: int) -> int:
    return len(rule.slopes(edge_of(ground, node, i, ground.symbols)))
