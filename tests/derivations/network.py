"""What is derived: named parts as formulas, the same once more for sympy, and the chains that the derivation has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any

import numpy as np

from . import paper
from .paper import Tree

Pair = tuple[str, str]  # child, parent: the factor ∂child/∂parent
POINTS = 10  # the recorded numbers and so many less one others
ROOT = "L"


@dataclass(frozen=True, eq=False)
class Network:
    """A loss in named parts.

    ``leaves`` are drawn at random, those with a + positive; ``parts`` is what `micrograd-nn check` reads, where
    softmax(k, z1, …) stands for its k-th outcome; ``sympy`` says the same independently; ``chains`` has the paths down
    to some of the leaves, from the loss, with | between them.
    """

    name: str
    leaves: str
    parts: str
    sympy: str
    chains: str
    n: int = 1  # of a mean
    flat: bool = False  # some slope is 0, as that of a variance towards its own mean
    special: Mapping[Pair, tuple[tuple[str, str], ...]] = field(default_factory=dict)  # slips of its own, by factor

    @cached_property
    def trees(self) -> dict[str, Tree]:
        """The named parts, in order."""
        return {name: paper.read(text) for name, text in _lines(self.parts)}

    @cached_property
    def siblings(self) -> dict[str, str]:
        """What the outcomes of a softmax are called, by their spelling."""
        return {paper.write(tree): name for name, tree in self.trees.items() if tree.op == "softmax"}

    @cached_property
    def parents(self) -> dict[str, list[str]]:
        return {name: sorted(paper.names(tree)) for name, tree in self.trees.items()}

    @cached_property
    def targets(self) -> list[str]:
        """The leaves, those with chains first."""
        written = list(self.written_chains)
        return written + [leaf for leaf in self.numbers if leaf not in written]

    @cached_property
    def written_chains(self) -> dict[str, list[tuple[str, ...]]]:
        chains = {}
        for line in self.chains.split(";"):
            target, _, ways = line.partition(":")
            chains[target.strip()] = [tuple(way.split()) for way in ways.split("|")]
        return chains

    def paths(self, target: str, root: str = ROOT) -> list[tuple[str, ...]]:
        """Every way from a part down to a name, through the named parts."""
        if root == target:
            return [(root,)]
        below = self.parents.get(root, [])
        return [(root, *rest) for parent in below for rest in self.paths(target, parent)]

    # ---- numbers ----

    @cached_property
    def numbers(self) -> dict[str, float]:
        """The recorded numbers: the first draw in which nothing is degenerate."""
        leaves = self.leaves.split()
        for seed in range(2000):
            draw = Random(f"{self.name} {seed}")
            drawn = {leaf.rstrip("+"): self._one(leaf, draw) for leaf in leaves}
            if self._is_telling(drawn):
                return drawn
        raise ValueError(f"{self.name}: no numbers found")

    @staticmethod
    def _one(leaf: str, draw: Random) -> float:
        size = round(draw.uniform(0.35, 1.45), 6)
        return size if leaf.endswith("+") else size * draw.choice((-1.0, 1.0))

    def _is_telling(self, numbers: Mapping[str, float]) -> bool:
        """Is every slope finite, not small, not large, and no two of the parts the same?"""
        with np.errstate(all="ignore"):
            known = self.forward(numbers)
            slopes = [paper.work_out(slope, known) for slope in self.slopes.values()]
        parts = [known[part] for part in (*self.trees, *numbers)]
        apart = self.flat or all(abs(a - b) > 0.003 for k, a in enumerate(parts) for b in parts[:k])
        telling = all(0.004 < abs(slope) < 60.0 or (self.flat and abs(slope) < 1e-12) for slope in slopes)
        return telling and apart and all(0.004 < abs(part) < 60.0 for part in parts)

    @cached_property
    def slopes(self) -> dict[Pair, Tree]:
        """Every factor, as a textbook has it."""
        return {
            (child, parent): slope
            for child, tree in self.trees.items()
            for parent in self.parents[child]
            if (slope := paper.derive(tree, parent, child, self.siblings)) is not None
        }

    def forward(self, numbers: Mapping[str, Any]) -> dict[str, Any]:
        known = dict(numbers)
        for part, tree in self.trees.items():
            known[part] = paper.work_out(tree, known)
        return known

    @cached_property
    def points(self) -> dict[str, Any]:
        """The numbers of every name at the recorded point and at others at which all slopes are finite."""
        draw, here = Random(self.name), self.numbers
        positive = {leaf.rstrip("+") for leaf in self.leaves.split() if leaf.endswith("+")}
        found = [here]
        tries = 0
        while len(found) < POINTS and tries < 5000:
            tries += 1
            there = {leaf: self._moved(number, leaf in positive, len(found), draw) for leaf, number in here.items()}
            with np.errstate(all="ignore"):
                known = self.forward(there)
                slopes = [paper.work_out(slope, known) for slope in self.slopes.values()]
            if np.isfinite([*known.values(), *slopes]).all():
                found.append(there)
        return self.forward({leaf: np.array([point[leaf] for point in found]) for leaf in here})

    @staticmethod
    def _moved(number: float, positive: bool, k: int, draw: Random) -> float:
        if positive or k % 2:
            return number * draw.uniform(0.6, 1.6)
        return number + draw.uniform(-1.5, 1.5)

    # ---- for others to read ----

    def sheet(self) -> str:
        """The file that `micrograd-nn check` reads, numbers and formulas."""
        numbers = [f"{leaf} = {number!r}" for leaf, number in self.numbers.items()]
        return "\n".join([*numbers, *[f"{part} = {paper.write(tree)}" for part, tree in self.trees.items()]])

    def sympy_lines(self) -> list[tuple[str, str]]:
        return _lines(self.sympy)


def _lines(text: str) -> list[tuple[str, str]]:
    lines = [line.partition("=") for line in text.strip().splitlines()]
    return [(name.strip(), content.strip()) for name, _, content in lines]


# ---- slips that belong to a loss, not to a rule ----

SHARES = [f"exp(z{k})/(exp(z1) + exp(z2) + exp(z3))" for k in (1, 2, 3)]


def bce(y: str, o: str) -> tuple[tuple[str, str], ...]:
    """Of −(y·ln o + (1 − y)·ln(1 − o)), towards o."""
    return (
        ("bce: second term missing", f"-{y}/{o}"),
        ("bce: first term missing", f"(1 - {y})/(1 - {o})"),
        ("bce: sign of the second term", f"-{y}/{o} - (1 - {y})/(1 - {o})"),
        ("bce: o for 1/o", f"-{y}*{o} + (1 - {y})*(1 - {o})"),
        ("bce: logarithms left", f"-{y}*log({o}) + (1 - {y})*log(1 - {o})"),
        ("bce: o − y for the slope to o", f"{o} - {y}"),
        ("bce: o for 1 − o", f"-{y}/{o} + (1 - {y})/{o}"),
    )


def cce(y: str, p: str) -> tuple[tuple[str, str], ...]:
    """Of −Σ y·ln p, towards one p."""
    return (
        ("cce: y missing", f"-1/{p}"),
        ("cce: p for 1/p", f"-{y}*{p}"),
        ("cce: logarithm left", f"-{y}*log({p})"),
        ("cce: p − y for the slope to p", f"{p} - {y}"),
        ("cce: upside down", f"-{p}/{y}"),
    )


def label_class(p: str) -> tuple[tuple[str, str], ...]:
    """Of −ln softmax(z)[label] towards the label's own z: p − 1."""
    return (
        ("ce: y missing", p),
        ("ce: p missing", "-1"),
        ("ce: p(1 − p) for p − y", f"{p}*(1 - {p})"),
        ("ce: p + y", f"{p} + 1"),
        ("ce: −1/p for p − y", f"-1/{p}" if len(p) < 4 else f"-1/({p})"),
    )


def other_class(p: str) -> tuple[tuple[str, str], ...]:
    """Towards another class's z: p."""
    return (
        ("ce: label in another class", f"{p} - 1"),
        ("ce: p(1 − p) for p − y", f"{p}*(1 - {p})"),
        ("ce: sign of another class", f"-{p}" if len(p) < 4 else f"-({p})"),
    )


def penalty(strength: str, w: str, other: str) -> tuple[tuple[str, str], ...]:
    """Of λΣw², towards one w: 2λw."""
    return (
        ("penalty of another weight", f"2*{strength}*{other}"),
        ("penalty's 2", f"{strength}*{w}"),
        ("penalty's square left", f"{strength}*{w}^2"),
        ("penalty's strength forgotten", f"2*{w}"),
        ("penalty's weight forgotten", f"2*{strength}"),
    )


def half_penalty(strength: str, w: str, other: str) -> tuple[tuple[str, str], ...]:
    """Of λ/2·Σw², towards one w: λw."""
    return (
        ("penalty of another weight", f"{strength}*{other}"),
        ("penalty's ½ forgotten", f"2*{strength}*{w}"),
        ("penalty's ½ left", f"0.5*{strength}*{w}"),
        ("penalty's square left", f"0.5*{strength}*{w}^2"),
        ("penalty's strength forgotten", w),
        ("penalty's weight forgotten", strength),
    )


def absolute_penalty(strength: str, w: str, other: str) -> tuple[tuple[str, str], ...]:
    """Of λΣ|w|, towards one w: λ·sign(w)."""
    return (
        ("penalty of another weight", f"{strength}*([{other} > 0] - [{other} < 0])"),
        ("penalty's sign(w) forgotten", strength),
        ("penalty's |w| left", f"{strength}*abs({w})"),
        ("penalty: w for sign(w)", f"{strength}*{w}"),
        ("penalty's strength forgotten", f"[{w} > 0] - [{w} < 0]"),
    )
