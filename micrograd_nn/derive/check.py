"""A person's own derivation, held against the graph: what is right, what is wrong, and which slip it was.

Promise: an entry is called right only if it agrees with the engine at the recorded point and at fresh random ones (a
number: within the digits it is given in); a slip is named only if it explains what was written at every point, and
where none does, that is said.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from math import isfinite, isnan
from typing import Any

from ..engine.value import Value, topological_order
from ..errors import ArgumentTypeError
from ..notation.symbol import Symbol
from ..notation.text import equation, label_text, number_text
from .entries import Entry, Key, pair_of
from .locate import wrong_factors
from .names import names_of, partial_text
from .points import FreshPoints, Point, central_difference, recorded_point
from .recorded import check_unchanged
from .slips import ANYWHERE, Slip
from .suspects import SECOND, Suspect, suspects
from .views import Ground, Pair, View

RELATIVE = 1e-8  # two ways to work out the same formula may differ by so much
VAGUE = 2  # the highest rank of a slip that is named from a number of fewer than four digits
TELLING = 4  # fresh points at which the derivative is not 0
ABSOLUTE = 1e-12  # and where a derivative is 0, by so much of its largest size at the other points


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


@dataclass(frozen=True)
class Report:
    """All findings; ``ok`` if every entry is right. ``print`` it, or let Jupyter show the table."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Is every entry right?"""
        return all(finding.ok for finding in self.findings)

    def __str__(self) -> str:
        right = sum(finding.ok for finding in self.findings)
        head = f"{right} of {len(self.findings)} right"
        columns = f"  {'':10} {'engine':>14}   {'by hand':>14}   {'numeric':>14}"
        return "\n".join([head, columns, *map(str, self.findings)])

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

    A key is a node or its label ("w1", for ∂L/∂w1), or a pair for one factor (("L", "o1"), or "∂L/∂o1"). An entry is a
    number, a formula over the graph's labels ("-2*(y - o1)"), or a function whose arguments are labels.

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
    nodes = set(topological_order(root))
    names = names_of(root, *[key for key in given if isinstance(key, Value)])
    pairs = [pair_of(key, root, names, nodes) for key in given]
    entries = [Entry.read(entry, [names[node] for node in nodes if node in names]) for entry in given.values()]
    here, fresh = recorded_point(root), FreshPoints(root, names, seed)
    return Report(
        tuple(_Check(pair, names, entry, here, fresh).finding() for pair, entry in zip(pairs, entries, strict=True))
    )


# ---- what comes of it ----


class _Check:
    """One entry against one partial."""

    def __init__(self, pair: Pair, names: dict[Value, str], entry: Entry, here: Point, fresh: FreshPoints) -> None:
        self.ground = Ground(*pair, names)
        self.entry, self.names = entry, names
        self.here = View(self.ground, here)
        self.fresh = self._telling(fresh) if entry.make else []
        self.hand = [self._hand(view, entry) for view in self._views]

    def _telling(self, fresh: FreshPoints) -> list[View]:
        """Views from fresh points, so many that the derivative is not 0 at some of them, where that can be had."""
        views: list[View] = []
        wanted = fresh.few
        while len(views) < wanted:
            points = fresh.first(wanted)[len(views) :]
            views += [View(self.ground, point) for point in points]
            if points and wanted < fresh.most and sum(view.total != 0 for view in views) < TELLING:
                wanted += fresh.few
            elif not points:
                break
        return views

    def _hand(self, view: View, entry: Entry) -> float:
        return entry.at(self._worth(view), fresh=view is not self.here)

    def _worth(self, view: View) -> dict[str, float]:
        return {self.names[node]: number for node, number in view.point.values.items() if node in self.names}

    def finding(self) -> Finding:
        if self._is_right(self.hand):
            return self._finding(True, [], self._digits_given())
        found = self._explanations()
        return self._finding(False, found, self._named(found) if found else self._unnamed())

    def _is_right(self, hand: Sequence[float]) -> bool:
        pair = (self.ground.root, self.ground.target)
        if self._agrees(hand, [view.total for view in self._views]):
            return True
        alone = pair[1] in self.ground.factors.get(pair[0], {})  # the one factor, where there are other paths
        return alone and self._agrees(hand, [view.factor(pair) for view in self._views])

    @cached_property
    def _lucky(self) -> bool:
        """Is it right at the recorded numbers, and only there?"""
        return bool(self.fresh) and self._close(self.hand[0], self.here.total, 0.0)

    @property
    def _views(self) -> list[View]:
        return [self.here, *self.fresh]

    def _agrees(self, hand: Sequence[float], totals: Sequence[float]) -> bool:
        """Does what was written agree with these numbers, at every point at which there is one?"""
        scale = _largest(totals)
        if not self._close(hand[0], totals[0], scale) and (not self.fresh or isfinite(hand[0])):
            return False
        return all(self._close(mine, total, scale) for mine, total in zip(hand[1:], totals[1:], strict=True))

    def _close(self, hand: float, total: float, scale: float) -> bool:
        if not isfinite(hand) or not isfinite(total):
            return hand == total or (isnan(hand) and isnan(total))
        return abs(hand - total) <= self.entry.tolerance + RELATIVE * abs(total) + ABSOLUTE * scale

    def _explanations(self) -> list[Suspect]:
        if not any(self.hand):
            return []  # a 0 tells nothing of how it came about
        likely = [suspect for suspect in suspects(self.ground) if suspect.rank <= self._farthest]
        found = [suspect for suspect in likely if self._explains(suspect)]
        located = self._located if len(found) > 1 else set()
        found.sort(
            key=lambda s: (
                bool(located) and s.pair not in located,
                s.unlikely == SECOND and not located,
                s.rank,
                s.unlikely,
            )
        )
        distinct: dict[Any, Suspect] = {}
        for suspect in found:  # one that writes the same symbols in the same place is the same slip by another name
            key = (suspect.pair, suspect.detail() or suspect.slip)
            if (suspect.slip, suspect.pair) not in {(s.slip, s.pair) for s in distinct.values()}:
                distinct.setdefault(key, suspect)
        return list(distinct.values())

    @property
    def _farthest(self) -> int:
        """The highest rank that is considered: a number of few digits agrees with a far-fetched slip by mere chance."""
        vague = self.entry.tolerance > 1e-4 * abs(self.hand[0])
        return max(slip.rank for slip in Slip) if not vague else VAGUE

    def _explains(self, suspect: Suspect) -> bool:
        totals = []
        scale = _largest(view.total for view in self._views)
        for view, hand in zip(self._views, self.hand, strict=True):
            try:
                total = suspect.total(view)
            except (ArithmeticError, ValueError):
                return False
            infinite = not isfinite(hand) and not isfinite(total)  # 1/0 and 1/(−0) are of the same slip
            if not infinite and not self._close(hand, total, scale):
                return False
            totals.append(total)
        return any(isfinite(total) for total in totals)

    @cached_property
    def _located(self) -> set[Pair]:
        if self.entry.formula is None or not self.fresh or not self.ground.named:
            return set()
        try:
            written = Symbol.of(self.entry.formula({name: Symbol(name) for name in self.names.values()}))
        except ValueError:
            return set()
        return wrong_factors(self.ground, self.fresh, written, [self._worth(view) for view in self.fresh])

    # ---- in words ----

    def _finding(self, ok: bool, found: list[Suspect], words: str) -> Finding:
        ground = self.ground
        located = self._located if not ok and not found else set()
        factor = found[0].pair if found else next(iter(located)) if len(located) == 1 else None
        return Finding(
            partial=partial_text(self.names[ground.root], self.names[ground.target]),
            ok=ok,
            engine=self.here.total,
            hand=self.hand[0],
            numeric=central_difference(ground.root, ground.target),
            slip=found[0].slip if found else None,
            factor=self._name(factor) if factor else None,
            others=tuple((suspect.slip, self._name(suspect.pair)) for suspect in found[1:]),
            words=words,
        )

    def _name(self, pair: Pair) -> tuple[str, str]:
        return self.names[pair[0]], self.names[pair[1]]

    def _digits_given(self) -> str:
        off = abs(self.hand[0] - self.here.total)
        return "right to the digits given" if self.entry.tolerance and off > 1e-9 * abs(self.here.total) else ""

    def _named(self, found: list[Suspect]) -> str:
        first = found[0]
        detail = first.detail()
        lines = ["right at these numbers, and wrong at others"] if self._lucky else []
        where = partial_text(*self._name(first.pair))
        lines.append(f"{where}: {first.slip.sentence}" + (f" ({detail})" if detail else ""))
        lines.append(self._expected(first.pair, first.at_once))
        elsewhere = [suspect.pair for suspect in found[1:] if suspect.slip is first.slip]
        if elsewhere and first.slip in ANYWHERE and not self._located:
            places = " or ".join(partial_text(*self._name(pair)) for pair in elsewhere[:4])
            lines.append(f"the same slip in {places} would give the same numbers")
        others = dict.fromkeys(suspect.title for suspect in found[1:] if suspect.slip is not first.slip)
        if others:
            lines.append("the same numbers would come of: " + "; ".join(others))
        return "\n".join(lines)

    def _unnamed(self) -> str:
        located = [*self._located] if len(self._located) == 1 else []
        where = partial_text(*self._name(located[0])) if located else ""
        pair = located[0] if located else (self.ground.root, self.ground.target)
        if not self.ground.named:
            what = f"{label_text(self.names[pair[0]])} does not depend on {label_text(self.names[pair[1]])}"
        elif self._lucky:
            what = f"right at these numbers, and wrong at others{self._number_for_a_name(where)}"
        elif not any(self.hand):
            what = "0 is given, and a 0 does not tell how it came about"
        elif where:
            what = f"{where} is wrong, by no slip that is known here"
        else:
            what = "wrong, and no single slip that is known here explains it"
        return f"{what}\n{self._expected(pair, not located and self.ground.goes_around(pair))}"

    def _number_for_a_name(self, where: str) -> str:
        """What stands in place of what, where that can be told; asked only if a number stands there that need not."""
        for stands, belongs, entry in self.entry.exchanged(self._worth(self.here)):
            if self._is_right([self._hand(view, entry) for view in self._views]):
                return f": {f'in {where}, ' if where else ''}{stands} seems to stand where {belongs} belongs"
        factors = [factor for factors in self.ground.factors.values() for factor in factors.values()]
        expected = {abs(part.number) for factor in factors for part in factor.symbol.parts() if part.is_number}
        foreign = self.entry.numbers - expected
        return f": is a number where a name belongs{f' in {where}' if where else ''}?" if foreign else ""

    def _expected(self, pair: Pair, over_all: bool = False) -> str:
        """What belongs there: the factor, or what comes of all ways between the two, of which it may be one."""
        factor = None if over_all else self.ground.factors.get(pair[0], {}).get(pair[1])
        number = self.here.factor(pair) if factor else self.here.adjoints.get(pair[1], 0.0)
        sides = [partial_text(*self._name(pair)), *([str(factor.symbol)] if factor else [])]
        if not self._lucky or not factor:  # the number was given right
            sides.append(number_text(number, 9))
        alone = factor and pair == (self.ground.root, self.ground.target) and self.ground.goes_around(pair)
        return f"expected {equation(*sides)}{', as one of several terms' if alone else ''}"


def _largest(numbers: Iterable[float]) -> float:
    """The largest size among those that are finite."""
    return max((abs(number) for number in numbers if isfinite(number)), default=0.0)
