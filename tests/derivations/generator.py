"""Every slip of the table, made in every derivation, with what is known of it; and the right derivations.

A slip is an edit of the derivation on paper: which factors of which terms, and what stands in them. What a wrong
derivation is called wrong for is decided by the numbers at ten points: an edit that changes nothing is dropped, and
two edits that write the same function are each other's truths.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np

from . import kinds, paper
from .network import ROOT, Network, Pair
from .paper import ONE, Edits, Site, Tree
from .styles import LOCATED, STYLES, Style, Term, notations, right_forms

G = paper.name("G")
WHOLES = {kind for kind, _ in kinds.WHOLES}
EACH_LAYER = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "exp", "log", "sqrt", "sin", "cos")


@dataclass(frozen=True)
class Slot:
    """A factor of a term: the right one, with other steps in it, or put into another place."""

    pair: Pair
    edits: tuple[tuple[Any, Tree], ...] = ()
    put: Tree = G  # what is written, with G for the factor

    def tree(self, network: Network, primed: bool = False) -> Tree:
        child, parent = self.pair
        edits: Edits = dict(self.edits)
        slope = paper.derive(network.trees[child], parent, child, network.siblings, edits, primed)
        assert slope is not None
        return paper.fill(self.put, G=slope)


@dataclass(frozen=True)
class Slip:
    """A wrong derivation, and the truth about it."""

    kind: str
    pairs: frozenset[Pair]  # the factors that may be blamed for it
    terms: tuple[tuple[Slot, ...], ...]
    outer: Tree = G  # what is made of the sum of the terms
    everywhere: frozenset[Pair] = frozenset()  # all places, where the same is wrong in several
    joined: frozenset[int] = frozenset()  # after these factors of each term stands + where · belongs
    note: str = ""  # what stands, and what belongs there

    def written_terms(self, network: Network, primed: bool = False) -> list[Term]:
        terms = []
        for slots in self.terms:
            term: Term = []
            for k, slot in enumerate(slots):
                tree = slot.tree(network, primed)
                if k - 1 in self.joined and term:
                    term[-1] = paper.make("+", term[-1], tree)
                else:
                    term.append(tree)
            terms.append(term)
        return terms


@dataclass(frozen=True)
class Wrong:
    """A wrong derivation written down in a style, with all that would be true to say of it."""

    network: str
    target: str
    style: str
    text: str
    truths: tuple[Slip, ...]  # the one that was made is the first

    @property
    def kind(self) -> str:
        return self.truths[0].kind


class Derivation:
    """∂L/∂target of a network: its right terms, and every slip in it."""

    def __init__(self, network: Network, target: str) -> None:
        self.network, self.target = network, target
        self.paths = network.paths(target)
        self.terms = [tuple(Slot(pair) for pair in pairwise(path)) for path in self.paths]
        self.pairs = list(dict.fromkeys(slot.pair for term in self.terms for slot in term))
        self._numbers: dict[Slot, Any] = {}

    # ---- numbers ----

    def number(self, slot: Slot) -> Any:
        if slot not in self._numbers:
            self._numbers[slot] = paper.work_out(slot.tree(self.network), self.network.points)
        return self._numbers[slot]

    def numbers(self, slip: Slip) -> Any:
        """What a slip's derivation comes to at every point."""
        whole = 0.0
        for slots in slip.terms:
            product = self.number(slots[0]) if slots else 1.0
            pending = 1.0  # the product before a sum that is being added up
            for k, slot in enumerate(slots[1:]):
                if k in slip.joined:
                    product = product + self.number(slot)
                else:
                    pending, product = pending * product, self.number(slot)
            whole = whole + pending * product
        return paper.work_out(slip.outer, {"G": whole, **self.network.points}) + np.zeros_like(self.right)

    @cached_property
    def right(self) -> Any:
        """The right derivative at every point."""
        zeros = np.zeros_like(self.network.points[ROOT])
        return sum(np.prod([self.number(slot) + zeros for slot in term], axis=0) for term in self.terms)

    # ---- slips ----

    @cached_property
    def slips(self) -> list[Slip]:
        """All that change the derivative, and whose own numbers tell something."""
        found = []
        with np.errstate(all="ignore"):
            for slip in self._all():
                numbers = self.numbers(slip)
                if not same(numbers, self.right) and np.isfinite(numbers[0]) and np.any(numbers) and numbers[0]:
                    found.append(slip)
        return found

    @cached_property
    def by_function(self) -> dict[Any, list[Slip]]:
        groups = defaultdict(list)
        with np.errstate(all="ignore"):
            for slip in self.slips:
                groups[key(self.numbers(slip))].append(slip)
        return groups

    @cached_property
    def by_number(self) -> dict[Any, list[Slip]]:
        groups = defaultdict(list)
        with np.errstate(all="ignore"):
            for slip in self.slips:
                groups[key(self.numbers(slip)[:1], digits=5)].append(slip)
        return groups

    def _all(self) -> Iterator[Slip]:
        for pair in self.pairs:
            yield from self._of_factor(pair)
        yield from self._everywhere()
        yield from self._of_paths()
        yield from self._of_the_whole()

    def _with(self, kind: str, slots: dict[Pair, Slot], pairs: frozenset[Pair] | None = None, **more: Any) -> Slip:
        terms = tuple(tuple(slots.get(slot.pair, slot) for slot in term) for term in self.terms)
        stands = [f"{self._text(slot)} for {self._text(Slot(pair))}" for pair, slot in slots.items()]
        return Slip(kind, frozenset(slots) if pairs is None else pairs, terms, note="; ".join(stands), **more)

    def _text(self, slot: Slot) -> str:
        return paper.write(slot.tree(self.network))

    def _of_factor(self, pair: Pair) -> Iterator[Slip]:
        for kind, text in kinds.FACTORS + (kinds.MEAN if self.network.n > 1 else ()):
            put = paper.fill(paper.read(text), n=paper.number(self.network.n))
            yield self._with(kind, {pair: Slot(pair, put=put)}, self._as_good_as(pair))
        if pair[0] != ROOT:
            yield self._with("factor forgotten", {pair: Slot(pair, put=ONE)})
        for kind, text in self.network.special.get(pair, ()):
            yield self._with(kind, {pair: Slot(pair, put=paper.read(text))})
        for site in self._sites(pair):
            for kind, step, slope in self._steps(site):
                yield self._with(kind, {pair: Slot(pair, ((step, slope),))})

    def _as_good_as(self, pair: Pair) -> frozenset[Pair]:
        """The factor itself; nobody writes a 1, so what is put there stands in its neighbours just as well."""
        if not Slot(pair).tree(self.network).is_number(1):
            return frozenset({pair})
        through = [term for term in self.terms if Slot(pair) in term]
        return frozenset(other.pair for term in through for other in term if {*other.pair} & {*pair})

    def _sites(self, pair: Pair) -> Iterator[Site]:
        child, parent = pair
        yield from paper.sites(self.network.trees[child], parent, child, self.network.siblings)

    def _steps(self, site: Site) -> Iterator[tuple[str, Any, Tree]]:
        node, i = site.node, site.operand
        for kind, template in wrong_steps(node, i):
            yield kind, site.step, site.filled(template)
        if node.op == "*":
            yield "inner derivative forgotten", site.step, ONE
            if not site.shared:
                yield "own operand", site.step, node.args[i]
            for other in self._neighbours(node.args[1 - i]):
                yield "neighbour", site.step, paper.name(other)
        if site.shared:
            right = paper.right_slope(node, i, site.outcome, site.siblings)
            yield "term missing", site.step, paper.ZERO
            yield "term twice", site.step, paper.make("*", paper.number(2), right)
            yield "sign of one term", site.step, paper.make("neg", right)
            for kind, template in kinds.WHOLE_RULES.get(node.op, ()) if i == 0 else ():
                yield kind, (site.step[0], "all"), paper.read(template)

    def _neighbours(self, operand: Tree) -> list[str]:
        """What might be taken for a name: one of its own family, x2 for x1, and one of another."""
        if operand.op != "name":
            return []
        (own,) = operand.args
        known = [name for name in self.network.points if name != own and name != ROOT]
        family = [name for name in known if letters(name) == letters(own)]
        others = [name for name in self.network.numbers if name in known and letters(name) != letters(own)]
        return family[:1] + family[-1:] * (len(family) > 1) + others[:1]

    def _everywhere(self) -> Iterator[Slip]:
        """The same wrong rule at every place of the chain at which a function stands."""
        places = [(pair, site) for pair in self.pairs for site in self._sites(pair)]
        for op in dict.fromkeys(site.node.op for _, site in places):
            mine = [(pair, site) for pair, site in places if site.node.op == op and op in EACH_LAYER]
            if len({pair[0] for pair, _ in mine}) < 2:
                continue
            for kind, template in wrong_steps(mine[0][1].node, mine[0][1].operand):
                edits: dict[Pair, Slot] = {}
                for pair, site in mine:
                    before = edits[pair].edits if pair in edits else ()
                    edits[pair] = Slot(pair, (*before, (site.step, site.filled(template))))
                yield self._with(kinds.EVERYWHERE + kind, edits, everywhere=frozenset(edits))

    def _of_paths(self) -> Iterator[Slip]:
        through = {pair: [term for term in self.terms if Slot(pair) in term] for pair in self.pairs}
        for node in self._on_all():
            cut = tuple(dict.fromkeys(term[self._place(term, node) :] for term in self.terms))
            yield Slip("upstream forgotten", frozenset({(ROOT, node)}), cut, note=f"begins at ∂{node}")
        if len(self.terms) == 1:
            return
        for term in self.terms:
            own = frozenset(slot.pair for slot in term if through[slot.pair] == [term])
            pairs = own or frozenset(slot.pair for slot in term)
            rest = tuple(other for other in self.terms if other is not term)
            yield Slip("path missing", pairs, rest, note=" ".join(term[0].pair[:1] + tuple(s.pair[1] for s in term)))
            yield Slip("path twice", pairs, (*self.terms, term))
        for pair, terms in through.items():
            if 1 < len(terms) < len(self.terms):
                rest = tuple(term for term in self.terms if term not in terms)
                yield Slip("path missing", frozenset({pair}), rest)
                yield Slip("path twice", frozenset({pair}), (*self.terms, *terms))

    def _on_all(self) -> list[str]:
        """The named parts through which every path runs, without both ends."""
        first = self.paths[0][1:-1]
        return [node for node in first if all(node in path for path in self.paths)]

    @staticmethod
    def _place(term: tuple[Slot, ...], node: str) -> int:
        return next(k for k, slot in enumerate(term) if slot.pair[0] == node)

    def _of_the_whole(self) -> Iterator[Slip]:
        terms = tuple(self.terms)
        on_all = {pair for pair in self.pairs if all(Slot(pair) in term for term in terms)}  # nobody can say in which
        spans = frozenset({(ROOT, node) for node in (*self._on_all(), self.target)} | on_all)
        for kind, text in kinds.FACTORS[:3] + (kinds.MEAN if self.network.n > 1 else ()):
            outer = paper.fill(paper.read(text), n=paper.number(self.network.n))
            yield Slip(kind, spans, terms, outer)
        for k, (kind, text) in enumerate(kinds.WHOLES):
            for eta in kinds.ETAS[k::2]:
                outer = paper.fill(paper.read(text), eta=paper.number(eta), w=paper.name(self.target))
                yield Slip(kind, frozenset(), terms, outer, note=f"η = {eta}")
        longest = max(map(len, self.terms))
        for joined in [{k} for k in range(longest - 1)] + [{*range(longest)}] * (longest > 2):
            pairs = frozenset(term[k + i].pair for term in terms for k in joined for i in (0, 1) if k + 1 < len(term))
            yield Slip("added for multiplied", pairs, terms, joined=frozenset(joined))
        for other in self.network.numbers:
            if other != self.target and letters(other) != "y":
                paths = self.network.paths(other)
                theirs = tuple(tuple(Slot(pair) for pair in pairwise(path)) for path in paths)
                wrong = {*self.pairs} - {slot.pair for term in theirs for slot in term}
                yield Slip("another partial", frozenset(wrong), theirs, note=f"∂L/∂{other}")

    # ---- written down ----

    def truths(self, slip: Slip, style: Style) -> tuple[Slip, ...]:
        """What else would be true of a slip: all that write the same function, in the same factor if that is seen."""
        with np.errstate(all="ignore"):
            numbers = self.numbers(slip)
        if style is STYLES["numbers put in"]:
            same_function = self.by_number.get(key(numbers[:1], digits=5), [])
        else:
            same_function = self.by_function.get(key(numbers), [])
        placed = style in LOCATED and len(slip.terms) == len(self.terms)  # a path is no place
        others = [
            other
            for other in same_function
            if other != slip and (not placed or other.pairs & slip.pairs or not (other.pairs and slip.pairs))
        ]
        return (slip, *others)

    def write(self, slip: Slip, style: Style, draw: Random) -> str:
        terms = slip.written_terms(self.network, primed=style is STYLES["intermediate names"])
        return style(self.network, terms, slip.outer, draw)

    def two_slips(self, draw: Random) -> Slip | None:
        """Two slips at once in different factors, which no single one explains."""
        whole = [slip for slip in self.slips if slip.outer == G and len(slip.terms) == len(self.terms)]
        single = [slip for slip in whole if len(slip.pairs) == 1 and not slip.joined]
        for _ in range(20):
            if len(single) < 2:
                break
            one, other = draw.sample(single, 2)
            if one.pairs != other.pairs and all(len(a) == len(b) for a, b in zip(one.terms, other.terms, strict=True)):
                terms = tuple(
                    tuple(a if a != Slot(a.pair) else b for a, b in zip(first, second, strict=True))
                    for first, second in zip(one.terms, other.terms, strict=True)
                )
                both = Slip(f"two slips: {one.kind}; {other.kind}", one.pairs | other.pairs, terms)
                with np.errstate(all="ignore"):
                    numbers = self.numbers(both)
                known = key(numbers) in self.by_function or same(numbers, self.right)
                if not known and np.isfinite(numbers[0]) and numbers[0]:
                    return both
        return None


def wrong_steps(node: Tree, i: int) -> Sequence[tuple[str, str]]:
    """The wrong slopes of a node towards one operand, as templates."""
    if node.op == "^":
        return kinds.POWER_STEPS if node.args[1].op == "number" else kinds.X_TO_THE_Y_STEPS[i]
    if node.op == "softmax":
        return kinds.SOFTMAX_STEPS["diagonal" if node.args[0].args[0] == i else "off the diagonal"]
    return kinds.STEPS.get((node.op, i), ())


def letters(name: str) -> str:
    return re.match(r"[a-z]+", name)[0]


def key(numbers: Any, digits: int = 7) -> tuple[str, ...]:
    return tuple("nan" if not np.isfinite(n) else f"{n:.{digits}g}" for n in numbers)


def same(one: Any, other: Any) -> bool:
    return bool(np.allclose(one, other, rtol=1e-8, atol=1e-11, equal_nan=True))


# ---- all of it ----


def wrong(network: Network, most: int, seed: int = 0) -> list[Wrong]:
    """Wrong derivations of a network, rare kinds before frequent ones, the styles in turn."""
    draw = Random(f"{seed} {network.name}")
    by_kind: dict[str, list[tuple[Derivation, Slip]]] = defaultdict(list)
    for target in network.written_chains:
        derivation = Derivation(network, target)
        for slip in derivation.slips:
            by_kind[slip.kind].append((derivation, slip))
    queues: dict[str, list[tuple[Derivation, Slip, str]]] = defaultdict(list)
    for k, kind in enumerate(sorted(by_kind)):
        queue = kind
        if kind.startswith(kinds.EVERYWHERE):
            queue = f"{kinds.EVERYWHERE}{k % 4}"  # there are so many kinds that they would be a third of all
        if kind in WHOLES:
            queue = "whole"
        queues[queue] += [(derivation, slip, style) for derivation, slip in by_kind[kind] for style in STYLES]
    order = [*queues.values()]
    for queue in order:
        draw.shuffle(queue)
    draw.shuffle(order)
    found: dict[tuple[str, str], Wrong] = {}
    while any(order) and len(found) < most:
        for queue in order:
            if queue and len(found) < most:
                one = written(*queue.pop(), draw)
                if one is not None:
                    found.setdefault((one.target, one.text), one)
    return list(found.values())


def written(derivation: Derivation, slip: Slip, style_name: str, draw: Random) -> Wrong | None:
    """A slip in a style; None where it cannot be seen there, such as a dead branch in numbers."""
    style = STYLES[style_name]
    if style_name == "numbers put in":
        with np.errstate(all="ignore"):
            mine, right = derivation.numbers(slip)[0], derivation.right[0]
        if abs(mine - right) <= 1e-4 * max(abs(right), abs(mine)) or abs(mine) < 1e-3:
            return None
    text = derivation.write(slip, style, draw)
    if not text or len(text) > 3000:
        return None
    return Wrong(derivation.network.name, derivation.target, style_name, text, derivation.truths(slip, style))


def two_wrong(network: Network, most: int, seed: int = 0) -> list[Wrong]:
    """Derivations with two slips."""
    draw = Random(f"two {seed} {network.name}")
    derivations = [Derivation(network, target) for target in network.written_chains]
    found = []
    for k in range(most):
        derivation = derivations[k % len(derivations)]
        slip = derivation.two_slips(draw)
        if slip is not None:
            style = draw.choice(sorted({*STYLES} - {"numbers put in"}))
            text = derivation.write(slip, STYLES[style], draw)
            if text:
                found.append(Wrong(network.name, derivation.target, style, text, (slip,)))
    return found


def right(network: Network, seed: int = 0) -> Iterator[tuple[str, str, str, str]]:
    """Right derivations: of what, in which form, and the text; for the whole and for every single factor."""
    draw = Random(f"right {seed} {network.name}")
    for target in network.targets:
        derivation = Derivation(network, target)
        if np.isfinite(derivation.right).all() and derivation.right[0]:
            terms = Slip("", frozenset(), tuple(derivation.terms))
            yield from _forms(network, ROOT, target, terms, draw)
    for child, parent in network.slopes:
        if len(network.paths(parent, child)) == 1 and child != ROOT:
            yield from _forms(network, child, parent, Slip("", frozenset(), ((Slot((child, parent)),),)), draw)


def _forms(network: Network, child: str, parent: str, slip: Slip, draw: Random) -> Iterator[tuple[str, str, str, str]]:
    plain, primed = slip.written_terms(network), slip.written_terms(network, primed=True)
    seen = set()
    for form, text in right_forms(network, plain, primed, draw):
        if text and len(text) < 3000 and text not in seen:
            seen.add(text)
            yield child, parent, form, text


def unusual(network: Network) -> Iterator[tuple[str, str, str, str]]:
    """Right derivations in notation that a check may not read: of what, in which notation, and the text."""
    for target in network.written_chains:
        slip = Slip("", frozenset(), tuple(Derivation(network, target).terms))
        plain, primed = slip.written_terms(network), slip.written_terms(network, primed=True)
        for form, text in notations(ROOT, target, plain, primed):
            yield ROOT, target, form, text
