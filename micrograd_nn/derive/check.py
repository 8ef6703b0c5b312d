"""A person's own derivation, held against the graph: what is right, what is wrong, and which slip it was.

Promise: an entry is called right only if it agrees with the engine at the recorded point and at fresh random ones (a
number: within the digits it is given in); a slip is named only if it explains what was written at every point, and
where none does, that is said.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from itertools import islice, tee
from math import isfinite, isnan
from random import Random
from typing import Any

from ..engine.backprop import replay, work_out
from ..engine.value import Value, topological_order
from ..errors import ArgumentTypeError
from ..notation._formula import Formula
from ..notation.symbol import Symbol
from ..notation.text import equation, label_text, number_text
from .chain import Chain, Numbers, Point, each_plus, each_times
from .entries import Entry, Key, asks_for_a_factor, pair_of
from .locate import wrong_factors
from .named import Factor, NamedGraph, Pair
from .recorded import check_unchanged, names_of, partial_text, tangents
from .slips import UNLIKELY, Scope, Slip
from .suspects import Suspect, suspects
from .units import in_domain
from .words import detail, in_factors, sentence, title

RELATIVE = 1e-8  # two ways to work out the same formula may differ by so much
ABSOLUTE = 1e-12  # and where a derivative is 0, by so much of its largest size, or of what cancels in it
FEW, MOST = 12, 200  # fresh points: usually, and where the derivative is 0 at most of them, as behind a dead relu
NOT_ZERO = 4  # fresh points at which the derivative is not 0, where that can be had
BUDGET = 200_000  # nodes worked out in all; a large graph gets fewer points, at least three
NUDGE = 6e-6  # the step of a central difference that loses least: about the cube root of 2^-52
FAR = 2  # ranks above the first slip, beyond which another that would give the same numbers is not told
DIGITS = 9  # of the numbers in print
SPANS = (Scope.ENTRY, Scope.WHOLE, Scope.CUT_OFF)  # what is said of more than one factor
VAGUE = 2  # the highest rank of a slip that is named from a number of fewer than four digits


@dataclass(frozen=True)
class Finding:
    """What came out for one entry.

    >>> w = Value(3.0, "w")
    >>> check_partials(w * w, {"w": "w"}).findings[0].ok
    False
    """

    partial: str  # ∂L/∂w1
    ok: bool
    engine: float
    hand: float
    numeric: float  # by central difference
    slip: Slip | None  # what went wrong, if it is known
    factor: tuple[str, str] | None  # in which factor, as (child, parent)
    others: tuple[tuple[Slip, tuple[str, str]], ...]  # what would explain it as well
    words: str  # all of this, for reading
    sentence: str = ""  # the slip in a sentence, which does not hold what belongs there

    def __str__(self) -> str:
        return self.text()

    def text(self, digits: int = DIGITS) -> str:
        """A row of the report with numbers of so many significant digits, and the words below it."""
        wide = max(14, digits + 5)
        numbers = "   ".join(f"{number_text(n, digits):>{wide}}" for n in (self.engine, self.hand, self.numeric))
        head = f"{'✓' if self.ok else '✗'} {self.partial:10} {numbers}"
        return head + "".join(f"\n      {line}" for line in self.words.splitlines())

    __repr__ = __str__


@dataclass(frozen=True)
class Report:
    """All findings; ``ok`` if every entry is right. ``print`` it, or let Jupyter show the table.

    >>> w = Value(3.0, "w")
    >>> check_partials(w * w, {"w": "2*w"}).ok
    True
    """

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Is every entry right?"""
        return all(finding.ok for finding in self.findings)

    def __str__(self) -> str:
        return self.text()

    def text(self, digits: int = DIGITS) -> str:
        """The same with numbers of so many significant digits."""
        head = f"{sum(finding.ok for finding in self.findings)} of {len(self.findings)} right"
        wide = max(14, digits + 5)
        columns = f"  {'':10} {'engine':>{wide}}   {'by hand':>{wide}}   {'numeric':>{wide}}"
        return "\n".join([head, columns, *(finding.text(digits) for finding in self.findings)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = []
        for f in self.findings:
            numbers = "".join(f"<td>{number_text(n, DIGITS)}</td>" for n in (f.engine, f.hand, f.numeric))
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
    ("-2*(y - o1)", with "∂L/∂o1 =" before it or without), or a function whose arguments are labels.

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
    pairs = [pair_of(key, root, names, here.values) for key in given]
    graph = NamedGraph(root, names)
    known = [*graph.names.values()]
    asked = [[names[end] for end in pair] for pair in pairs]
    entries = [Entry.read(entry, known, ends) for entry, ends in zip(given.values(), asked, strict=True)]
    chains = {pair: Chain(*pair, graph) for pair in pairs}
    points = tee(_fresh_points(root, here.values, names, Random(seed)), len(given))  # drawn once, for all entries
    compared = zip(given, pairs, entries, points, strict=True)
    return Report(
        tuple(
            _Comparison(chains[pair], entry, here, fresh, asks_for_a_factor(key)).finding()
            for key, pair, entry, fresh in compared
        )
    )


# ---- the points ----


def _fresh_points(
    root: Value, here: Mapping[Value, float], names: Mapping[Value, str], draw: Random
) -> Iterator[Point]:
    """Points at which every labelled leaf has another number; numbers without a label are constants and stay.

    Each lies in the domain of every operation that was in its domain when the graph was recorded: on the way from a
    random point back to the recorded one. There are fewer where the domain is too narrow for that.
    """
    leaves = [node for node in here if node.operation is None and node in names]
    for _ in range(2 * MOST):
        away = {leaf: draw.choice((-1.0, 1.0)) * draw.uniform(0.3, 1.6) for leaf in leaves}
        for way in (1.0, 0.5, 0.25, 0.1, 0.03, 0.01):
            there = replay(root, {leaf: here[leaf] + way * (away[leaf] - here[leaf]) for leaf in leaves})
            if all(_stays(node, there, here) for node in there):
                yield Point(there)
                break


def _stays(node: Value, there: Mapping[Value, float], here: Mapping[Value, float]) -> bool:
    """Is a node in its domain there, if it is here?"""
    return not isfinite(here[node]) or (isfinite(there[node]) and (in_domain(node, there) or not in_domain(node, here)))


def _telling(chain: Chain, fresh: Iterator[Point]) -> list[Numbers]:
    """A few fresh points, and more where the derivative is 0 at most of them, as behind a dead relu."""
    affordable = max(3, BUDGET // len(chain.order))
    found = [Numbers(chain, point) for point in islice(fresh, min(FEW, affordable))]
    for point in islice(fresh, max(0, min(MOST, affordable) - len(found))):
        if sum(numbers.total != 0 for numbers in found) >= NOT_ZERO:
            break
        found.append(Numbers(chain, point))
    return found


# ---- one entry ----


class _Comparison:
    """One entry against one partial, at the recorded point and at fresh ones; a number at the recorded one alone."""

    def __init__(self, chain: Chain, entry: Entry, here: Point, fresh: Iterator[Point], factor_asked: bool) -> None:
        self.chain, self.entry = chain, entry
        self.here = Numbers(chain, here)
        self.fresh = [] if isinstance(entry.made, float) else _telling(chain, fresh)
        self.rights = [[numbers.total for numbers in self.points]]
        self.hand = self._worked_out(entry)
        direct = chain.root, chain.target
        if factor_asked and self._factor(direct):  # it may be meant alone
            self.rights.append([numbers.factor(direct) for numbers in self.points])

    @property
    def points(self) -> list[Numbers]:
        return [self.here, *self.fresh]

    def _worked_out(self, entry: Entry) -> list[float]:
        return [entry.at(numbers.named, fresh=numbers is not self.here) for numbers in self.points]

    # ---- right or wrong ----

    def agrees(self, hand: Sequence[float], rights: Sequence[float]) -> bool:
        """Does what was written agree with these numbers, at every point at which there is one?"""
        first = 1 if self.fresh and not isfinite(hand[0]) else 0
        return all(map(self._close, hand[first:], rights[first:]))

    def _close(self, hand: float, right: float) -> bool:
        if not isfinite(hand) or not isfinite(right):
            return hand == right or (isnan(hand) and isnan(right))
        return abs(hand - right) <= self.entry.tolerance + RELATIVE * abs(right) + ABSOLUTE * self.scale

    @cached_property
    def scale(self) -> float:
        """How large the derivative gets at the points, or what cancels in it: along all paths, without the signs."""
        chain, slopes = self.chain, [numbers.point.slopes for numbers in self.points]

        def edges(node: Value) -> Iterator[tuple[Value, list[float]]]:
            return ((operand, [abs(at[node][i]) for at in slopes]) for i, operand in enumerate(node.operands))

        sizes = tangents(chain.on_the_way, edges, chain.target, [1.0] * len(slopes), each_plus, each_times)
        return max((size for size in sizes.get(chain.root, []) if isfinite(size)), default=0.0)

    @cached_property
    def right_here_only(self) -> bool:
        """Is it right at the recorded numbers, and wrong at others?"""
        return bool(self.fresh) and self._close(self.hand[0], self.rights[0][0])

    # ---- which slip it was ----

    @cached_property
    def explanations(self) -> list[Suspect]:
        """The slips that explain what was written at every point, the likeliest first."""
        if not any(number and isfinite(number) for number in self.hand):
            return []  # a 0 tells nothing of how it came about
        vague = self.entry.tolerance > 1e-4 * abs(self.hand[0])  # it agrees with a far-fetched slip by mere chance
        farthest = VAGUE if vague else max(slip.rank for slip in Slip)
        found = [*suspects(self.points, self.hand, self._fits, farthest)]
        found.sort(key=self._how_far_fetched)
        distinct: dict[Any, Suspect] = {}
        for suspect in found:  # one that writes the same symbols in the same place is the same slip by another name
            if (suspect.slip, suspect.pair) not in {(s.slip, s.pair) for s in distinct.values()}:
                distinct.setdefault((suspect.pair, detail(suspect) or suspect.slip), suspect)
        return list(distinct.values())

    def _how_far_fetched(self, suspect: Suspect) -> tuple[int, bool, int, int]:
        """First what fits how the formula is written: a slip in the factor that looks wrong, or in more than one."""
        if suspect.pair in self.located:
            return 0, suspect.aside >= UNLIKELY, suspect.rank, suspect.unlikely
        elsewhere = bool(self.located) and suspect.edit.scope not in SPANS
        return 1 + elsewhere, suspect.unlikely >= UNLIKELY, suspect.rank, suspect.unlikely

    def _fits(self, hand: float, total: float) -> bool:
        infinite = not isfinite(hand) and not isfinite(total)  # 1/0 and 1/(−0) are of the same slip
        return infinite or self._close(hand, total)

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
        ok = any(self.agrees(self.hand, rights) for rights in self.rights)
        found = [] if ok else self.explanations
        located = [] if ok or found else [*self.located]
        factor = found[0].pair if found else located[0] if len(located) == 1 else None
        root, target = self.chain.root, self.chain.target
        return Finding(
            partial=self._partial((root, target)),
            ok=ok,
            engine=self.here.total,
            hand=self.hand[0],
            numeric=_central_difference(root, target),
            slip=found[0].slip if found else None,
            factor=self._names(factor) if factor and not (found and found[0].edit.scope is Scope.ENTRY) else None,
            others=tuple((suspect.slip, self._names(suspect.pair)) for suspect in found[1:]),
            sentence=sentence(found[0]) if found else "",
            words=self._rounded() if ok else self._with_shares(self._named(found) if found else self._unnamed(factor)),
        )

    def _with_shares(self, lines: Iterable[str]) -> str:
        """The lines, and what p1, p2, … in them stand for."""
        words = "\n".join(lines)
        return "\n".join(filter(None, (words, self.chain.graph.where(words))))

    def _names(self, pair: Pair) -> tuple[str, str]:
        return self.chain.names[pair[0]], self.chain.names[pair[1]]

    def _partial(self, pair: Pair) -> str:
        return partial_text(*self._names(pair))

    def _factor(self, pair: Pair) -> Factor | None:
        return self.chain.factors.get(pair[0], {}).get(pair[1])

    def _rounded(self) -> str:
        if not self.agrees(self.hand, self.rights[0]):
            return f"right as one of several terms; the whole is {number_text(self.here.total, 9)}"
        exact = abs(self.hand[0] - self.here.total) <= 1e-9 * abs(self.here.total)
        return "right to the digits given" if self.entry.tolerance and not exact else ""

    def _named(self, found: list[Suspect]) -> Iterator[str]:
        first, *rest = found
        if self.right_here_only:
            yield "right at these numbers, and wrong at others"
        more = detail(first)
        yield f"{self._partial(first.pair)}: {sentence(first)}{more and f' ({more})'}"
        if len(first.places) > 1:
            several = len(first.pairs) > 1
            places = f"everywhere: in {', '.join(map(self._partial, first.pairs))}" if several else "in each term"
            yield f"the same slip {places}"
        yield self._expected(first.pair, first.edit.scope in (Scope.WHOLE, Scope.ENTRY))
        alone = [suspect for suspect in rest if len(suspect.places) == 1]
        same = dict.fromkeys(suspect.pair for suspect in alone if suspect.slip is first.slip)
        elsewhere = [self._partial(pair) for pair in same if pair != first.pair and pair in (self.located or {pair})]
        if elsewhere and len(first.places) == 1:
            yield f"the same slip in {' or '.join(elsewhere[:4])} would give the same numbers"
        likely = (other for other in rest if other.slip is not first.slip and other.rank <= first.rank + FAR)
        if others := dict.fromkeys(self._title(other, first.pair) for other in likely):
            yield f"the same numbers would come of: {'; '.join(others)}"

    def _title(self, suspect: Suspect, pair: Pair) -> str:
        """A slip in a few words, with its place if that is another one."""
        elsewhere = suspect.pair != pair and suspect.edit.scope not in SPANS
        return title(suspect) + (f" in {self._partial(suspect.pair)}" if elsewhere else "")

    def _unnamed(self, located: Pair | None) -> Iterator[str]:
        pair, where = located or (self.chain.root, self.chain.target), self._partial(located) if located else ""
        if not self.chain.named:
            yield " does not depend on ".join(map(label_text, self._names(pair)))
        elif self.right_here_only:
            yield f"right at these numbers, and wrong at others{self._number_for_a_name(where)}"
        elif not any(self.hand):
            yield "0 is given, and a 0 does not tell how it came about"
        elif where:
            yield f"{where} is wrong, by no slip that is known here"
        else:
            one_by_one = ": hand the factors in one by one to see which is wrong" if len(self.chain.factors) > 1 else ""
            yield f"wrong, and no single slip that is known here explains it{one_by_one}"
        yield self._expected(pair, not located and self.chain.goes_around(pair))

    def _number_for_a_name(self, where: str) -> str:
        """What stands in place of what, where that can be told; asked only if a number stands there that need not."""
        for stands, belongs, entry in self.entry.exchanged(self.here.named):
            if any(self.agrees(self._worked_out(entry), rights) for rights in self.rights):
                return f": {where and f'in {where}, '}{stands} seems to stand where {belongs} belongs"
        factors = [factor for factors in self.chain.factors.values() for factor in factors.values()]
        expected = {abs(part.number) for factor in factors for part in factor.symbol.parts() if part.is_number}
        foreign = {item.content for item in self.entry.items if isinstance(item.content, float)} - expected
        return f": is a number where a name belongs{where and f' in {where}'}?" if foreign else ""

    def _expected(self, pair: Pair, over_all: bool) -> str:
        """What belongs there: the factor, or what comes of all ways between the two, of which it may be one."""
        whole, several = pair == (self.chain.root, self.chain.target), self.chain.goes_around(pair)
        factor = None if over_all and several else self._factor(pair)
        number = self.here.factor(pair) if factor else self.here.adjoints.get(pair[1], 0.0)
        sides = [self._partial(pair), str(factor.symbol) if factor else in_factors(self.chain) if whole else ""]
        if not self.right_here_only or not factor:  # the number was given right
            sides.append(number_text(number, 9))
        one_term = ", as one of several terms" if factor and whole and several else ""
        return f"expected {equation(*filter(None, sides))}{one_term}"


def _central_difference(root: Value, target: Value) -> float:
    """∂root/∂target at the recorded numbers from two evaluations on either side; good to about nine digits."""
    step = NUDGE * max(1.0, abs(target.data))
    above, below = target.data + step, target.data - step
    return (work_out(root, {target: above})[root] - work_out(root, {target: below})[root]) / (above - below)
