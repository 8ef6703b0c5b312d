"""A sheet for the class: the same network with other numbers, its gradients left blank, and the key.

Promise: the same seed gives the same sheet, another seed other numbers; the graph that it was made from is unchanged.
"""

import re
from dataclasses import dataclass
from random import Random

from ..engine.backprop import replay
from ..engine.value import Value
from ..errors import ArgumentError
from ..notation.text import label_text, number_text
from .chain import Point, Symbols
from .recorded import check_root, names_of, partial_text
from .units import in_domain

MOST = 12  # questions on a sheet
TRIES = 200


@dataclass(frozen=True)
class Quiz:
    """A sheet and its key. ``print`` it for the sheet; ``markdown`` and ``key_markdown`` are for handing out."""

    given: tuple[tuple[str, float], ...]  # leaves and their numbers
    equations: tuple[tuple[str, str], ...]  # h1 and σ(w1·x1 + b1)
    answers: tuple[tuple[str, float], ...]  # ∂L/∂w1 and its number
    values: tuple[tuple[str, float], ...]  # h1 and its number

    @property
    def key(self) -> dict[str, float]:
        """The gradients by partial."""
        return dict(self.answers)

    def __str__(self) -> str:
        lines = ["Given", *(f"  {name} = {number_text(number)}" for name, number in self.given)]
        lines += ["and", *(f"  {name} = {formula}" for name, formula in self.equations)]
        lines += ["work out", *(f"  {name} = ________" for name, _ in (*self.values, *self.answers))]
        return "\n".join(lines)

    __repr__ = __str__

    @property
    def key_text(self) -> str:
        """The key as text, to six digits."""
        return "\n".join(f"{name} = {number_text(number, 6)}" for name, number in (*self.values, *self.answers))

    @property
    def markdown(self) -> str:
        """The sheet in Markdown."""
        given = ", ".join(f"{name} = {number_text(number)}" for name, number in self.given)
        equations = "\n".join(f"- {name} = {formula}" for name, formula in self.equations)
        blanks = "\n".join(f"| {_cell(name)} | |" for name, _ in (*self.values, *self.answers))
        return f"Given {given} and\n\n{equations}\n\nwork out:\n\n| quantity | value |\n| --- | --- |\n{blanks}\n"

    @property
    def key_markdown(self) -> str:
        """The key in Markdown."""
        answers = ((_cell(name), number_text(number, 6)) for name, number in (*self.values, *self.answers))
        rows = "\n".join(f"| {name} | {number} |" for name, number in answers)
        return f"| quantity | value |\n| --- | --- |\n{rows}\n"


def quiz(root: Value, seed: int = 0) -> Quiz:
    """A sheet on the gradient of root, with numbers of one decimal place drawn from the seed.

    >>> x, w = Value(2.0, "x"), Value(0.5, "w")
    >>> print(quiz((w * x) ** 2, seed=1))
    Given
      w = −1.9
      x = −0.9
    and
      L = (w·x)^2
    work out
      L = ________
      ∂L/∂w = ________
      ∂L/∂x = ________

    Raises ArgumentError if no leaf of the graph has a label, or no drawn numbers lie in the graph's domain.
    """
    check_root(root)
    names = names_of(root)
    order = list(replay(root, {}))
    named = [node for node in order if node in names]
    leaves = sorted((node for node in named if node.operation is None), key=lambda node: _place(names[node]))
    if not leaves:
        raise ArgumentError(
            "a quiz asks for gradients of labelled leaves, and this graph has none: Value(2.0, label='x')"
        )
    draw = Random(seed)
    point = _point(root, leaves, draw)
    asked = leaves if len(leaves) <= MOST else sorted(draw.sample(leaves, MOST), key=leaves.index)
    inner = [node for node in named if node.operation is not None]
    formulas = [Symbols({other: names[other] for other in named if other is not node})[node] for node in inner]
    return Quiz(
        given=tuple((label_text(names[leaf]), point.values[leaf]) for leaf in leaves),
        equations=tuple((label_text(names[node]), str(formula)) for node, formula in zip(inner, formulas, strict=True)),
        answers=tuple((partial_text(names[root], names[leaf]), point.adjoints(order)[leaf]) for leaf in asked),
        values=tuple((label_text(names[node]), point.values[node]) for node in inner),
    )


def _cell(name: str) -> str:
    return name.replace("|", r"\|")  # or a label such as P(a|b) would begin another cell


def _place(name: str) -> tuple[str, list[int]]:
    """b1, b2, …, b10, w1, …: by letters, then by numbers."""
    return re.sub(r"\d+", "", name), [int(number) for number in re.findall(r"[0-9]+", name)]


def _point(root: Value, leaves: list[Value], draw: Random) -> Point:
    for _ in range(TRIES):
        numbers = {leaf: draw.choice((-1.0, 1.0)) * draw.randint(1, 20) / 10.0 for leaf in leaves}
        values = replay(root, numbers)
        if all(in_domain(node, values) for node in values):
            return Point(values)
    raise ArgumentError(f"{TRIES} draws of numbers, and none lies in the domain of every operation of this graph")
