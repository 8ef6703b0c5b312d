"""A person's own derivation, held against the graph: what is right, what is wrong, and which slip it was.

Promise: an entry is called right only if it agrees with the engine at the recorded point and at fresh random ones (a
number: within the digits it is given in); a slip is named only if it explains what was written at every point, and
where none does, that is said.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from itertools import islice
from math import isfinite, isnan
from random import Random
from typing import Any

from ..engine.backprop import replay, work_out
from ..engine.value import Value, topological_order
from ..errors import ArgumentTypeError
from ..notation._formula import Formula
from ..notation.symbol import Symbol
from ..notation.text import equation, label_text, number_text
from .chain import Chain, Factor, Numbers, Pair, Point
from .entries import Entry, Key, asks_for_a_factor, pair_of
from .locate import wrong_factors
from .recorded import check_unchanged, names_of, partial_text
from .slips import UNLIKELY, Scope, Slip
from .suspects import Suspect, suspects
from .units import in_domain

RELATIVE = 1e-8  # two ways to work out the same formula may differ by so much
ABSOLUTE = 1e-12  # and where a derivative is 0, by so much of its largest size at the other points
FEW, MOST = 12, 200  # fresh points: usually, and where the derivative is 0 at most of them, as behind a dead relu
NOT_ZERO = 4  # fresh points at which the derivative is not 0, where that can be had
BUDGET = 200_000  # nodes worked out in all; a large graph gets fewer points, at least three
NUDGE = 6e-6  # the step of a central difference that loses least: about the cube root of 2^-52
VAGUE = 2  # the highest rank of a slip that is named from a number of fewer than four digits


@dataclass(frozen=True)
class Finding:
    """What came out for one entry."""

    partial: str  # ∂L/∂w1
    ok: bool
    engine: float
    hand: float
    numeric: float  # by central difference
    slip: Slip | None  # what went wrong, if it is known
    factor: tuple[str, str] | None  # in which factor, as (child, parent)
    others: tuple[tuple[Slip, tuple[str, str]], ...]  # what would explain it as well
    words: str  # all of this, for reading

    def __str__(self) -> str:
        numbers = "   ".join(f"{number_text(number, 9):>14}" for number in (self.engine, self.hand, self.numeric))
        head = f"{'✓' if self.ok else '✗'} {self.partial:10} {numbers}"
        return head + "".join(f"\n      {line}" for line in self.words.splitlines())

    __repr__ = __str__


@dataclass(frozen=True)
class Report:
    """All findings; ``ok`` if every entry is right. ``print`` it, or let Jupyter show the table."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Is every entry right?"""
        return all(finding.ok for finding in self.findings)

    def __str__(self) -> str:
        head = f"{sum(finding.ok for finding in self.findings)} of {len(self.findings)} right"
        columns = f"  {'':10} {'engine':>14}   {'by hand':>14}   {'numeric':>14}"
        return "\n".join([head, columns, *map(str, self.findings)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = []
        for f in self.findings:
            numbers = "".join(f"<td>{number_text(n, 9)}</td>" for n in (f.engine, f.hand, f.numeric))
            rows.append(f"<tr><td>{'✓' if f.ok else '✗'}</td><td>{escape(f.partial)}</td>{numbers}</tr>")
            if f.words:
                words = escape(f.words).replace("\n", "<br>")
                rows.append(f'<tr><td></td><td colspan="4" style="text-align:left">{words}</td></tr>')
        head = "".join(f"<th>{word}</th>" for word in ("", "partial", "engine", "by hand", "numeric"))
        return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def check_partials(root: Value, given: Mapping[Key, Any], seed: int = 0) -> Report:
    """Compare partials that a person derived with the graph's, and name the slip in each wrong one.

    A key is a node or its label ("w1", for the whole derivative of L by w1), or a pair for one factor (("L", "o1"), or
    "∂L/∂o1"), which may be meant alone or over all paths. An entry is a number, a formula over the graph's labels
    ("-2*(y - o1)"), or a function whose arguments are labels.

    >>> from micrograd_nn import MLP, mse
    >>> net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=3)
    >>> L = mse(net([-2, -1]), Value(1, "y"))
    >>> report = check_partials(L, {("L", "o1"): "2(y - o1)", ("o1", "h1"): "w5·o1(1 − o1)"})
    >>> report.ok, report.findings[0].slip, report.findings[0].factor
    (False, <Slip.SIGN: 'sign'>, ('L', 'o1'))

    Raises FormulaError, UnknownNameError or ArgumentError for an entry that can't be read, GraphError if a ``.data``
    has changed since the graph was recorded. Nothing of the graph is changed.
    """
    if not isinstance(given, Mapping) or not given:
        raise ArgumentTypeError('the partials come in a dict such as {"w1": "-2*(y - o1)*…", ("o1", "h1"): 0.25}')
    check_unchanged(root)
    names = names_of(root, *[key for key in given if isinstance(key, Value)])
    here = Point({node: node.data for node in topological_order(root)})
    fresh = _FreshPoints(root, here, names, seed)
    pairs = [pair_of(key, root, names, here.values) for key in given]
    known = [names[node] for node in here.values if node in names]
    entries = [Entry.read(entry, known) for entry in given.values()]
    chains = {pair: Chain(*pair, names) for pair in {*pairs}}
    found = [
        _Comparison(chains[pair], entry, here, fresh, asks_for_a_factor(key))
        for key, pair, entry in zip(given, pairs, entries, strict=True)
    ]
    return Report(tuple(comparison.finding() for comparison in found))


class _FreshPoints:
    """Points at which every labelled leaf has another number; numbers without a label are constants and stay.

    They are drawn when they are asked for, and the same for the same seed. Each lies in the domain of every operation
    that was in its domain when the graph was recorded.
    """

    def __init__(self, root: Value, here: Point, names: Mapping[Value, str], seed: int) -> None:
        self._root, self._here = root, here.values
        self._leaves = [node for node in self._here if node.operation is None and node in names]
        self._draw, self._points = Random(seed), list[Point]()
        affordable = max(3, BUDGET // len(self._here))
        self.few, self.most = min(FEW, affordable), min(MOST, affordable)

    def first(self, count: int) -> list[Point]:
        """So many points, or fewer where the domain is too narrow for random numbers to fall into it."""
        for _ in range(2 * count):
            if len(self._points) < min(count, self.most):
                self._points += islice(self._towards_another(), 1)
        return self._points[:count]

    def _towards_another(self) -> Iterator[Point]:
        """The points on the way to random numbers that lie in the domain, from there back."""
        here = self._here
        away = {leaf: self._draw.choice((-1.0, 1.0)) * self._draw.uniform(0.3, 1.6) for leaf in self._leaves}
        for way in (1.0, 0.5, 0.25, 0.1, 0.03, 0.01):
            there = replay(self._root, {leaf: here[leaf] + way * (away[leaf] - here[leaf]) for leaf in self._leaves})
            if all(_stays(node, there, here) for node in there):
                yield Point(there)


def _stays(node: Value, there: Mapping[Value, float], here: Mapping[Value, float]) -> bool:
    """Is a node in its domain there, if it is here?"""
    return not isfinite(here[node]) or (isfinite(there[node]) and (in_domain(node, there) or not in_domain(node, here)))


class _Comparison:
    """One entry against one partial, at the recorded point and at fresh ones; a number at the recorded one alone."""

    def __init__(self, chain: Chain, entry: Entry, here: Point, fresh: _FreshPoints, factor_asked: bool) -> None:
        self.chain, self.entry, self.factor_asked = chain, entry, factor_asked
        self.here = Numbers(chain, here)
        self.fresh = [] if isinstance(entry.made, float) else self._at_fresh_points(fresh)
        self.points = [self.here, *self.fresh]
        self.rights = [numbers.total for numbers in self.points]
        self.scale = _largest(self.rights)
        self.hand = self._worked_out(entry)

    def _at_fresh_points(self, fresh: _FreshPoints) -> list[Numbers]:
        """More than usual where the derivative is 0 at most of them, as behind a dead relu."""
        found, wanted = list[Numbers](), fresh.few
        while len(found) < wanted and (new := fresh.first(wanted)[len(found) :]):
            found += [Numbers(self.chain, point) for point in new]
            if wanted < fresh.most and sum(numbers.total != 0 for numbers in found) < NOT_ZERO:
                wanted += fresh.few
        return found

    def _worked_out(self, entry: Entry) -> list[float]:
        return [entry.at(numbers.named, fresh=numbers is not self.here) for numbers in self.points]

    # ---- right or wrong ----

    def is_right(self, hand: Sequence[float]) -> bool:
        """Is this the whole, or, where a factor was asked for, the one factor beside which there are other paths?"""
        return self._agrees(hand, self.rights) or (self.factor_asked and self._is_direct(hand))

    def _is_direct(self, hand: Sequence[float]) -> bool:
        """Is this the factor from target straight to root?"""
        pair = self.chain.root, self.chain.target
        factor = self._factor(pair)
        return factor is not None and self._agrees(hand, [numbers.factor(pair) for numbers in self.points])

    @cached_property
    def right_here_only(self) -> bool:
        """Is it right at the recorded numbers, and wrong at others?"""
        return bool(self.fresh) and self._close(self.hand[0], self.rights[0], 0.0)

    def _agrees(self, hand: Sequence[float], rights: Sequence[float]) -> bool:
        """Does what was written agree with these numbers, at every point at which there is one?"""
        scale, first = _largest(rights), 1 if self.fresh and not isfinite(hand[0]) else 0
        return all(self._close(mine, right, scale) for mine, right in zip(hand[first:], rights[first:], strict=True))

    def _close(self, hand: float, right: float, scale: float) -> bool:
        if not isfinite(hand) or not isfinite(right):
            return hand == right or (isnan(hand) and isnan(right))
        return abs(hand - right) <= self.entry.tolerance + RELATIVE * abs(right) + ABSOLUTE * scale

    # ---- which slip it was ----

    def explanations(self) -> list[Suspect]:
        """The slips that explain what was written at every point, the likeliest first."""
        if not any(self.hand):
            return []  # a 0 tells nothing of how it came about
        vague = self.entry.tolerance > 1e-4 * abs(self.hand[0])  # it agrees with a far-fetched slip by mere chance
        farthest = VAGUE if vague else max(slip.rank for slip in Slip)
        found = [*suspects(self.points, self.hand, self._fits, farthest)]
        located = self.located if len(found) > 1 else set()
        if located:
            found.sort(key=lambda s: (s.pair not in located, s.rank, s.unlikely))
        else:
            found.sort(key=lambda s: (s.unlikely == UNLIKELY, s.rank, s.unlikely))
        distinct: dict[Any, Suspect] = {}
        for suspect in found:  # one that writes the same symbols in the same place is the same slip by another name
            if (suspect.slip, suspect.pair) not in {(s.slip, s.pair) for s in distinct.values()}:
                distinct.setdefault((suspect.pair, suspect.detail or suspect.slip), suspect)
        return list(distinct.values())

    def _fits(self, hand: float, total: float) -> bool:
        infinite = not isfinite(hand) and not isfinite(total)  # 1/0 and 1/(−0) are of the same slip
        return infinite or self._close(hand, total, self.scale)

    @cached_property
    def located(self) -> set[Pair]:
        """The factors that can be the wrong one, by the way the formula is written."""
        if not isinstance(self.entry.made, Formula) or not self.fresh or not self.chain.named:
            return set()
        try:
            written = Symbol.of(self.entry.made({name: Symbol(name) for name in self.chain.names.values()}))
        except ValueError:
            return set()
        return wrong_factors(self.fresh, written)

    # ---- in words ----

    def finding(self) -> Finding:
        """What came out."""
        ok = self.is_right(self.hand)
        found = [] if ok else self.explanations()
        located = self.located if not ok and not found else set()
        factor = found[0].pair if found else next(iter(located)) if len(located) == 1 else None
        root, target = self.chain.root, self.chain.target
        return Finding(
            partial=partial_text(*self._names((root, target))),
            ok=ok,
            engine=self.rights[0],
            hand=self.hand[0],
            numeric=_central_difference(root, target),
            slip=found[0].slip if found else None,
            factor=self._names(factor) if factor else None,
            others=tuple((suspect.slip, self._names(suspect.pair)) for suspect in found[1:]),
            words=self._rounded() if ok else self._named(found) if found else self._unnamed(factor),
        )

    def _names(self, pair: Pair) -> tuple[str, str]:
        return self.chain.names[pair[0]], self.chain.names[pair[1]]

    def _factor(self, pair: Pair) -> Factor | None:
        return self.chain.factors.get(pair[0], {}).get(pair[1])

    def _rounded(self) -> str:
        off = abs(self.hand[0] - self.rights[0])
        if not self._agrees(self.hand, self.rights):
            return f"right as one of several terms; the whole is {number_text(self.rights[0], 9)}"
        return "right to the digits given" if self.entry.tolerance and off > 1e-9 * abs(self.rights[0]) else ""

    def _named(self, found: list[Suspect]) -> str:
        first = found[0]
        lines = ["right at these numbers, and wrong at others"] if self.right_here_only else []
        detail = f" ({first.detail})" if first.detail else ""
        lines.append(f"{partial_text(*self._names(first.pair))}: {first.slip.sentence}{detail}")
        if len(first.place.edges) > 1:
            factors = ", ".join(partial_text(*self._names(pair)) for pair in first.place.pairs)
            lines.append(f"the same slip everywhere: in {factors}")
        lines.append(self._expected(first.pair, first.place.scope is Scope.WHOLE))
        elsewhere = [suspect.pair for suspect in found[1:] if suspect.slip is first.slip]
        if elsewhere and first.slip.anywhere and not self.located:
            places = " or ".join(partial_text(*self._names(pair)) for pair in elsewhere[:4])
            lines.append(f"the same slip in {places} would give the same numbers")
        others = dict.fromkeys(suspect.title for suspect in found[1:] if suspect.slip is not first.slip)
        if others:
            lines.append("the same numbers would come of: " + "; ".join(others))
        return "\n".join(lines)

    def _unnamed(self, located: Pair | None) -> str:
        where = partial_text(*self._names(located)) if located else ""
        pair = located or (self.chain.root, self.chain.target)
        if not self.chain.named:
            what = " does not depend on ".join(map(label_text, self._names(pair)))
        elif self.right_here_only:
            what = f"right at these numbers, and wrong at others{self._number_for_a_name(where)}"
        elif not any(self.hand):
            what = "0 is given, and a 0 does not tell how it came about"
        elif where:
            what = f"{where} is wrong, by no slip that is known here"
        else:
            what = "wrong, and no single slip that is known here explains it"
        return f"{what}\n{self._expected(pair, not located and self.chain.goes_around(pair))}"

    def _number_for_a_name(self, where: str) -> str:
        """What stands in place of what, where that can be told; asked only if a number stands there that need not."""
        for stands, belongs, entry in self.entry.exchanged(self.here.named):
            if self.is_right(self._worked_out(entry)):
                return f": {f'in {where}, ' if where else ''}{stands} seems to stand where {belongs} belongs"
        factors = [factor for factors in self.chain.factors.values() for factor in factors.values()]
        expected = {abs(part.number) for factor in factors for part in factor.symbol.parts() if part.is_number}
        foreign = {item.content for item in self.entry.items if isinstance(item.content, float)} - expected
        return f": is a number where a name belongs{f' in {where}' if where else ''}?" if foreign else ""

    def _expected(self, pair: Pair, over_all: bool) -> str:
        """What belongs there: the factor, or what comes of all ways between the two, of which it may be one."""
        factor = None if over_all else self._factor(pair)
        number = self.here.factor(pair) if factor else self.here.adjoints.get(pair[1], 0.0)
        sides = [partial_text(*self._names(pair)), *([str(factor.symbol)] if factor else [])]
        if not self.right_here_only or not factor:  # the number was given right
            sides.append(number_text(number, 9))
        alone = factor and pair == (self.chain.root, self.chain.target) and self.chain.goes_around(pair)
        return f"expected {equation(*sides)}{', as one of several terms' if alone else ''}"


def _largest(numbers: Iterable[float]) -> float:
    """The largest size among those that are finite."""
    return max((abs(number) for number in numbers if isfinite(number)), default=0.0)


def _central_difference(root: Value, target: Value) -> float:
    """∂root/∂target at the recorded numbers from two evaluations on either side; good to about nine digits."""
    step = NUDGE * max(1.0, abs(target.data))
    above, below = target.data + step, target.data - step
    return (work_out(root, {target: above})[root] - work_out(root, {target: below})[root]) / (above - below)
