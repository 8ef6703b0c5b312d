"""Everything handed in, and counted: what the hand check said of derivations whose truth is known.

A wrong derivation is *named* if the verdict has a true factor and a true kind (see ``kinds.EXPECTED``). Everything
else is a miss: accepted as right, not read, nothing named, the right factor without a kind or with a misleading one,
the same rule everywhere and not said so, or, worst, a factor blamed that is right.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from micrograd_nn import Value
from micrograd_nn.derive import check_partials
from micrograd_nn.errors import MicrogradError

from . import generator, kinds
from .generator import Slip, Wrong
from .kinds import EVERYWHERE, EXPECTED
from .network import ROOT, Network, Pair
from .record import record

NAMED, ACCEPTED, UNREAD = "named", "accepted", "not read"
NOTHING, NO_KIND, MISLEADING = "nothing named", "right factor, no kind", "misleading kind"
WHOLE = "d"  # of dL/dw, in which every path counts
ASIDE = ("expected", "the same numbers", "the same slip in")  # lines of a verdict that do not say what went wrong
NOT_SAID, BLAMED = "not said to be everywhere", "a right factor blamed"
SEVERAL = "right kind, place one of several"  # a right factor is named first, the wrong one as another possibility
OUTCOMES = (NAMED, NOTHING, NO_KIND, MISLEADING, NOT_SAID, SEVERAL, BLAMED, ACCEPTED, UNREAD)
AT_ONCE = 40  # entries handed in together
ALL_PLACES = re.compile(r"everywhere|(every|each) (layer|place|time)|all (layers|places|of them)", re.I)


@dataclass
class Figures:
    """How many of what; ``print`` it."""

    outcomes: Counter[str] = field(default_factory=Counter)
    tables: dict[str, dict[str, Counter[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Counter))
    )
    right: int = 0
    refused: int = 0
    notation: dict[str, Counter[bool]] = field(default_factory=lambda: defaultdict(Counter))
    two: int = 0
    two_explained: int = 0
    misses: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        return self.outcomes.total()

    @property
    def share(self) -> float:
        """Of the wrong ones, which part was named."""
        return self.outcomes[NAMED] / max(self.wrong, 1)

    def add(self, one: Wrong, outcome: str, reason: str) -> None:
        self.outcomes[outcome] += 1
        for table, row in (
            ("family", kinds.family(one.kind)),
            ("style", one.style),
            ("network", one.network),
            ("kind", one.kind),
        ):
            self.tables[table][row][outcome] += 1
        if outcome != NAMED:
            self.misses.append(f"{outcome}: {one.network}, {reason}")

    def __str__(self) -> str:
        lines = [
            f"wrong derivations named with factor and kind   {self.outcomes[NAMED]} of {self.wrong} ({self.share:.1%})",
            *[f"  {outcome:44} {self.outcomes[outcome]}" for outcome in OUTCOMES[1:]],
            f"right derivations refused                      {self.refused} of {self.right}",
            f"two slips explained by one                     {self.two_explained} of {self.two}",
        ]
        if self.notation:
            lines += ["", "right, in other notation"]
            lines += [f"  {form:44} {read[True]} of {read.total()}" for form, read in self.notation.items()]
        for table in ("family", "style", "network"):
            lines += ["", table, *self._rows(self.tables[table])]
        return "\n".join(lines)

    def by_kind(self) -> str:
        """Every kind, the worst first."""
        return "\n".join(self._rows(self.tables["kind"]))

    @staticmethod
    def _rows(table: dict[str, Counter[str]]) -> Iterator[str]:
        for row, counts in sorted(table.items(), key=lambda pair: (pair[1][NAMED] / pair[1].total(), pair[0])):
            rest = "   ".join(f"{outcome} {counts[outcome]}" for outcome in OUTCOMES[1:] if counts[outcome])
            yield f"  {row:46} {counts[NAMED]:5} of {counts.total():5}   {rest}"


def measure(networks: Iterable[Network], most: int = 240, right: bool = True, seed: int = 0) -> Figures:
    """Hand in at most so many wrong derivations of each network, and all right ones."""
    figures = Figures()
    for network in networks:
        root = record(network)
        if most:
            _measure_wrong(figures, network, root, generator.wrong(network, most, seed))
            _measure_two(figures, network, root, generator.two_wrong(network, most // 16, seed))
        if right:
            _measure_right(figures, network, root, seed)
    return figures


def _measure_wrong(figures: Figures, network: Network, root: Value, made: Sequence[Wrong]) -> None:
    for one, finding in zip(made, handed_in(root, [(ROOT, one.target, one.text) for one in made], WHOLE), strict=True):
        outcome = outcome_of(network, one, finding)
        figures.add(one, outcome, reason(one, finding))


def _measure_two(figures: Figures, network: Network, root: Value, made: Sequence[Wrong]) -> None:
    for one, finding in zip(made, handed_in(root, [(ROOT, one.target, one.text) for one in made], WHOLE), strict=True):
        figures.two += 1
        if isinstance(finding, MicrogradError) or finding.ok or finding.slip is not None:
            figures.two_explained += 1
            figures.misses.append(f"two slips explained by one: {one.network}, {reason(one, finding)}")


def _measure_right(figures: Figures, network: Network, root: Value, seed: int) -> None:
    made = list(generator.right(network, seed))
    for one, finding in zip(made, handed_in(root, [(c, p, text) for c, p, _, text in made]), strict=True):
        figures.right += 1
        if isinstance(finding, MicrogradError) or not finding.ok:
            figures.refused += 1
            what = f"{network.name}, ∂{one[0]}/∂{one[1]}, {one[2]}: {one[3]:.200}"
            figures.misses.append(f"a right one refused: {what}\n{finding}")
    other = list(generator.unusual(network))
    for one, finding in zip(other, handed_in(root, [(c, p, text) for c, p, _, text in other]), strict=True):
        figures.notation[one[2]][not isinstance(finding, MicrogradError) and finding.ok] += 1


def handed_in(root: Value, entries: Sequence[tuple[str, str, str]], d: str = "∂") -> list[Any]:
    """A finding for each (child, parent, text), or the error with which it was not read; d asks for the whole."""
    findings: list[Any] = []
    for _, group in groupby(enumerate(entries), key=lambda pair: pair[0] // AT_ONCE):
        given = [entry for _, entry in group]
        try:
            # the same partial several times: keys that differ in blanks
            keys = {f"{d}{child}/{d}{parent}{' ' * k}": text for k, (child, parent, text) in enumerate(given)}
            findings += check_partials(root, keys).findings
        except MicrogradError:
            findings += [_alone(root, *entry, d) for entry in given]
    return findings


def _alone(root: Value, child: str, parent: str, text: str, d: str) -> Any:
    try:
        return check_partials(root, {f"{d}{child}/{d}{parent}": text}).findings[0]
    except MicrogradError as error:
        return error


# ---- what a verdict is worth ----


def outcome_of(network: Network, one: Wrong, finding: Any) -> str:
    """The best that can be said of a verdict, over all that would be true."""
    if isinstance(finding, MicrogradError):
        return UNREAD
    if finding.ok:
        return ACCEPTED
    outcomes = {_against(network, truth, finding) for truth in one.truths}
    best_first = (NAMED, NOT_SAID, SEVERAL, MISLEADING, NO_KIND, BLAMED, NOTHING)
    return next(outcome for outcome in best_first if outcome in outcomes)


def _against(network: Network, truth: Slip, finding: Any) -> str:
    expected = EXPECTED[truth.kind.removeprefix(EVERYWHERE)]
    said = "\n".join(line for line in finding.words.splitlines() if not line.startswith(ASIDE))
    kind = finding.slip is not None and finding.slip.name in expected.slips
    kind = kind or bool(expected.words and re.search(expected.words, said, re.I))
    if kind and expected.anywhere:
        return NAMED
    if finding.factor is None:
        return NOTHING
    if finding.factor not in truth.pairs and not _spans(network, finding.factor, truth.pairs):
        offered = any(pair in truth.pairs and slip is finding.slip for slip, pair in finding.others)
        return SEVERAL if kind and offered else BLAMED
    if not kind:
        return NO_KIND if finding.slip is None else MISLEADING
    places = all(f"∂{child}/∂{parent}" in said for child, parent in truth.everywhere)
    return NAMED if places or ALL_PLACES.search(said) else NOT_SAID


def _spans(network: Network, pair: Pair, pairs: Iterable[Pair]) -> bool:
    """Is one of these factors on the way between the two, where there is no factor of that name?"""
    if pair in network.slopes:
        return False
    ways = network.paths(pair[1], pair[0])
    return any(child in way and way[way.index(child) + 1 :][:1] == (parent,) for way in ways for child, parent in pairs)


def reason(one: Wrong, finding: Any) -> str:
    """What was handed in, what it is called, and what was said of it."""
    truth = one.truths[0]
    factors = ", ".join(f"∂{child}/∂{parent}" for child, parent in sorted(truth.pairs)[:3])
    said = str(finding) if isinstance(finding, MicrogradError) else finding.words
    also = {other.kind for other in one.truths[1:]} - {truth.kind}
    lines = [
        f"∂L/∂{one.target}, {one.style}: {one.text:.240}",
        f"is: {truth.kind} in {factors or 'no factor'} {f'({truth.note:.160})' if truth.note else ''}",
        *([f"or: {'; '.join(sorted(also))}"] if also else []),
        *[f"said: {line:.200}" for line in said.splitlines()],
    ]
    return "\n    ".join(lines)
