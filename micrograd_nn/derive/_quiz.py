"""A sheet for the class: the same network with other numbers, its gradients left blank, and the key.

Promise: the same seed gives the same sheet, another seed other numbers; the graph that it was made from is unchanged,
and what a notebook shows of a quiz is the sheet.
"""

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from random import Random

from ..engine.value import Constant, Value, adjoints, topological_order
from ..errors import ArgumentError, ArgumentTypeError, known
from ..notation.symbol import Symbol
from ..notation.text import equation, label_text, number_text
from ._explain import DIGITS, Explanation, explain
from .chain import Point
from .draws import drawn_point
from .named import formula_of, numbered
from .planted import Planted, planted
from .recorded import check_root, names_of, partial_text

MOST = 12  # gradients on a sheet
VALUES, SLIP = "values", "slip"  # what can be asked for beside gradients


@dataclass(frozen=True)
class Quiz:
    """A sheet and its key. ``print`` it for the sheet; ``markdown`` and ``key_markdown`` are for handing out.

    ``root`` is the graph at the numbers of the sheet; ``derivations`` are the key's own, one per gradient.

    >>> w = Value(3.0, "w")
    >>> print(quiz(w * w).key_text)
    L = 1.96
    ∂L/∂w = 2.8
    """

    root: Value
    leaves: tuple[Value, ...]  # what is given
    asked: tuple[Value, ...]  # whose gradients are asked for
    told: tuple[Value, ...]  # whose values are
    slip: Planted | None = None  # a derivation in which one line is wrong

    @cached_property
    def names(self) -> dict[Value, str]:
        """What the nodes are called."""
        return names_of(self.root)

    @property
    def made(self) -> list[Value]:
        """The named nodes that are made of what is given."""
        return [node for node in topological_order(self.root) if node in self.names and node.operation is not None]

    @property
    def given(self) -> tuple[tuple[str, float], ...]:
        """The leaves and their numbers."""
        return self._numbers(self.leaves)

    @cached_property
    def equations(self) -> tuple[tuple[str, str], ...]:
        """h1 and σ(w1·x1 + b1), and so on."""
        return tuple((label_text(self.names[node]), str(formula_of(node, self.names))) for node in self.made)

    @cached_property
    def answers(self) -> tuple[tuple[str, float], ...]:
        """∂L/∂w1 and its number, and so on."""
        root, slopes = self.names[self.root], adjoints(self.root)
        return tuple((partial_text(root, self.names[node]), slopes.get(node, 0.0)) for node in self.asked)

    @property
    def values(self) -> tuple[tuple[str, float], ...]:
        """h1 and its number, and so on."""
        return self._numbers(self.told)

    def _numbers(self, nodes: Iterable[Value]) -> tuple[tuple[str, float], ...]:
        return tuple((label_text(self.names[node]), node.data) for node in nodes)

    # ---- the sheet ----

    def __str__(self) -> str:
        lines = ["Given", *(f"  {name} = {number_text(number)}" for name, number in self.given)]
        lines += ["and", *(f"  {name} = {formula}" for name, formula in self.equations)]
        if blanks := [f"  {name} = ________" for name in self._blanks]:
            lines += ["work out", *blanks]
        if self.slip:
            lines += [f"find the wrong line of {self.slip.whole}, and put it right"]
            lines += [f"  {i}. {line}" for i, line in enumerate(self.slip.lines, start=1)]
        return "\n".join(lines)

    __repr__ = __str__

    @property
    def markdown(self) -> str:
        """The sheet in Markdown."""
        given = ", ".join(f"{name} = {number_text(number)}" for name, number in self.given)
        text = f"Given {given} and\n\n" + "\n".join(f"- {name} = {formula}" for name, formula in self.equations) + "\n"
        if blanks := "\n".join(f"| {_cell(name)} | |" for name in self._blanks):
            text += f"\nwork out:\n\n| quantity | value |\n| --- | --- |\n{blanks}\n"
        if self.slip:
            lines = "\n".join(f"{i}. {line}" for i, line in enumerate(self.slip.lines, start=1))
            text += f"\nfind the wrong line of {self.slip.whole}, and put it right:\n\n{lines}\n"
        return text

    def _repr_markdown_(self) -> str:
        return self.markdown

    @property
    def _blanks(self) -> list[str]:
        return [name for name, _ in (*self.values, *self.answers)]

    # ---- the key ----

    @property
    def key(self) -> dict[str, float]:
        """The gradients by partial."""
        return dict(self.answers)

    @property
    def key_text(self) -> str:
        """The key as text, to six digits."""
        return "\n".join(f"{name} = {number_text(number, DIGITS)}" for name, number in (*self.values, *self.answers))

    @property
    def key_markdown(self) -> str:
        """The key in Markdown."""
        answers = ((_cell(name), number_text(number, DIGITS)) for name, number in (*self.values, *self.answers))
        rows = "\n".join(f"| {name} | {number} |" for name, number in answers)
        return f"| quantity | value |\n| --- | --- |\n{rows}\n"

    @cached_property
    def derivations(self) -> tuple[Explanation, ...]:
        """How each gradient comes about at the numbers of the sheet; ``print`` one, or show it in a notebook."""
        return tuple(explain(self.root, node) for node in self.asked)

    @property
    def solution(self) -> str:
        """How each answer of the key comes about, with the numbers put in."""
        lines = [_worked_out(self.names[node], formula_of(node, self.names), node.data) for node in self.told]
        blocks = [*(["\n".join(lines)] if lines else []), *map(str, self.derivations)]
        if self.slip:
            blocks.append(f"{self.slip.whole}: {self.slip.key}")
        return "\n\n".join(blocks)

    @property
    def solution_markdown(self) -> str:
        """The key in Markdown, and below it how each answer comes about."""
        return f"{self.key_markdown}\n```text\n{self.solution}\n```\n"


def quiz(root: Value, seed: int = 0, ask: str | Iterable[str] | None = None) -> Quiz:
    """A sheet on the gradient of root, with numbers of one decimal place drawn from the seed.

    It asks for the values of all named parts and for the gradients of up to twelve leaves; or for what ``ask`` names:
    nodes whose gradients are asked for, "w1,w5"; "values"; and "slip", a derivation in which one line is wrong.
    The numbers lie where root and its slopes are defined, its targets where they make sense, and no relu is dead if
    that can be had.

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

    Raises ArgumentError if no leaf of the graph has a label, or no drawn numbers lie in the graph's domain;
    UnknownNameError for something that can't be asked for.
    """
    check_root(root)
    names = names_of(root)
    named = [node for node in topological_order(root) if node in names]
    leaves = sorted((node for node in named if node.operation is None), key=lambda node: _place(names[node]))
    if not leaves:
        raise ArgumentError(
            "a quiz asks for gradients of labelled leaves, and this graph has none: Value(2.0, label='x')"
        )
    nodes, others = _wanted(ask, root, names, leaves)
    told = [node for node in named if node.operation is not None and VALUES in others]
    draw = Random(seed)
    point = drawn_point(root, leaves, nodes, told, draw)
    if ask is None:
        nodes = _a_dozen(leaves, point, told, draw)
    own = _at(root, point)
    slip = _slip(own[root], [own[node] for node in nodes or leaves], draw) if SLIP in others else None
    given, asked, told = ([own[node] for node in which] for which in (leaves, nodes, told))
    return Quiz(own[root], tuple(given), tuple(asked), tuple(told), slip)


def _wanted(
    ask: str | Iterable[str] | None, root: Value, names: Mapping[Value, str], leaves: list[Value]
) -> tuple[list[Value], set[str]]:
    """The nodes whose gradients are asked for, and what else is."""
    if ask is None:
        return leaves, {VALUES}
    if not isinstance(ask, Iterable):
        raise ArgumentTypeError(f'what to ask for is named, such as "w1,w5,values", got {ask!r:.60}')
    words = [str(word).strip() for word in (ask.split(",") if isinstance(ask, str) else ask)]
    by_name = {name: node for node, name in names.items() if node is not root}
    for word in words:
        if word not in by_name:
            known("thing to ask for", word, [*by_name, VALUES, SLIP])
    return [by_name[word] for word in words if word in by_name], {*words} - by_name.keys()


def _a_dozen(leaves: list[Value], point: Point, told: list[Value], draw: Random) -> list[Value]:
    """The leaves whose gradients are asked for: all, or some of many, and none that make too many answers 0."""
    gradients = point.adjoints([*point.values])
    asked = {*(leaves if len(leaves) <= MOST else draw.sample(leaves, MOST))}
    zero = [leaf for leaf in leaves if leaf in asked and not gradients.get(leaf)]
    alive = [leaf for leaf in leaves if gradients.get(leaf)]
    flat = sum(point.values[node] == 0.0 for node in told)
    if alive and 4 * (flat + len(zero)) > len(asked) + len(told):
        most = (min(len(alive), MOST) + len(told) - 4 * flat) // 3  # zeros, so that they are a quarter
        kept = zero[: max(0, most)]
        asked = {*alive[: MOST - len(kept)], *kept}
    return [leaf for leaf in leaves if leaf in asked]


def _at(root: Value, point: Point) -> dict[Value, Value]:
    """A copy of the graph at a point, by the nodes that were copied."""
    own = dict(zip(topological_order(root), topological_order(deepcopy(root)), strict=True))
    for node, copied in own.items():
        copied.grad = None
        if not isinstance(node, Constant):
            copied.data = point.values[node]
            copied.dleft, copied.dright, *_ = (*point.slopes[node], 0.0, 0.0)
    return own


def _slip(root: Value, nodes: list[Value], draw: Random) -> Planted:
    """A derivation in which one line is wrong, towards one of the nodes; one of slope 0 only if all are."""
    slopes = adjoints(root)
    return planted(root, draw.choice([node for node in nodes if slopes.get(node)] or nodes), draw)


def _worked_out(name: str, formula: Symbol, number: float) -> str:
    """h1 = σ(w1·x1 + b1) = σ(0.5·2 − 1) = 0.5."""
    return equation(label_text(name), str(formula), numbered(formula).text(DIGITS), number_text(number, DIGITS))


def _cell(name: str) -> str:
    return name.replace("|", r"\|")  # or a label such as P(a|b) would begin another cell


def _place(name: str) -> tuple[str, list[int]]:
    """b1, b2, …, b10, w1, …: by letters, then by numbers."""
    return re.sub(r"\d+", "", name), [int(number) for number in re.findall(r"[0-9]+", name)]
