"""What the walk tells: the forward pass, then the backward pass, one operation at a time, as data.

Promise (tests/test_draw_walk.py): every number comes from the recorded graph and from ``derive.steps``, in the order of
the engine's own sweep; every formula comes from the rows. The graph is not changed, and nothing here knows what a page
looks like.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count

from ..derive import Step, explain, steps
from ..derive.chain import numbered, slope_of
from ..derive.recorded import names_of, partial_latex
from ..engine.operation import Operation
from ..engine.value import Value, topological_order
from ..errors import GraphError
from ..notation._simplify import Tidy
from ..notation.latex import LATEX, label_latex, number_as_latex, text_latex
from ..notation.symbol import Symbol
from ..notation.text import TEXT, equation, rounded, shown, write
from .folding import BUDGET

LONGEST_NAME = 12  # characters of a name in the walk's graph


@dataclass(frozen=True)
class Moment:
    """One step of the walk. ``gathered`` holds what changes: (place of a node, its gradient so far)."""

    phase: str  # start, forward, seed or backward
    title: str
    sentence: str
    latex: str = ""
    place: int | None = None  # of the node at work, in the order of the graph
    operands: tuple[int, ...] = ()
    gathered: tuple[tuple[int, float], ...] = ()


class Story:
    """The walk through the graph below root.

    Raises GraphError if there are more than 400 values, or if a ``.data`` has changed since they were recorded.
    """

    def __init__(self, root: Value) -> None:
        self.root, self.order = root, topological_order(root)
        if len(self.order) > BUDGET:
            raise GraphError(
                f"a walk through {len(self.order):,} values is longer than anyone follows; up to {BUDGET} are told: "
                "walk(node) goes through a part of the graph"
            )
        self.place = {node: i for i, node in enumerate(self.order)}
        self.names = _names(root, self.order)
        self.steps = {self.place[step.node]: step for step in steps(root)}  # in the order of the sweep
        self.moments = list(self._moments())

    # ---- names and formulas ----

    def name(self, node: Value) -> str:
        """A node's name on a line of text."""
        return shown(self.names[self.place[node]])

    def symbol(self, node: Value) -> Tidy:
        """A node in a formula: its name, or the number of a constant."""
        is_constant = node.operation is None and not node.label
        return Tidy.of(node.data) if is_constant else Tidy(self.names[self.place[node]], key=node)

    def formula(self, node: Value) -> str:
        """How an operation made the node, on a line of text: w1·x1."""
        if node.operation is None:
            return ""
        return write(Symbol.apply(node.operation, *map(self.symbol, node.operands)), LINE)

    def derivation(self, place: int) -> str:
        """∂root/∂node in LaTeX, through the named nodes; the reason in words if it is too long to write."""
        node = self._copy[place]
        label, node.label = node.label, self.names[place]  # an unnamed node is called here as in the whole walk
        try:
            return explain(self._copy[-1], node).latex()
        except GraphError as error:
            return text_latex(str(error))
        finally:
            node.label = label

    @cached_property
    def _copy(self) -> list[Value]:
        """The same graph once more, whose labels may change."""
        return topological_order(deepcopy(self.root))

    # ---- moments ----

    def _moments(self) -> Iterator[Moment]:
        leaves = sum(node.operation is None for node in self.order)
        given = f"{leaves} numbers are given. {len(self.order) - leaves} operations will be computed from them, "
        yield Moment(
            "start", "Before the first step", given + "operands first; then the gradient goes back the same way."
        )
        for node in self.order:
            if node.operation is not None:
                yield self._forward(node, node.operation)
        end, name = self.place[self.root], self.name(self.root)
        one = f"{self._partial(self.root, self.root)} = 1"
        sentence = f"A change of {name} changes {name} by just as much: its gradient is 1."
        yield Moment("seed", f"Turn around at {name}", sentence, one, end, gathered=((end, 1.0),))
        for step in self.steps.values():
            yield self._backward(step)

    def _forward(self, node: Value, row: Operation) -> Moment:
        """An operation: in symbols, with the numbers put in, and worked out."""
        name, places = self.names[self.place[node]], tuple(self.place[operand] for operand in node.operands)
        written = latex(Symbol.apply(row, *map(self.symbol, node.operands)))
        put_in = latex(Symbol.apply(row, *(operand.data for operand in node.operands)))
        formula = equation(label_latex(name), written, put_in, number_latex(node.data))
        title, sentence = f"Compute {self.name(node)}", f"{row.name}: {row.doc}"
        return Moment("forward", title, sentence, formula, self.place[node], places)

    def _backward(self, step: Step) -> Moment:
        """A node hands its gradient on to its operands, each in its turn."""
        name, upstream = self.name(step.node), rounded(step.upstream)
        places = tuple(self.place[operand] for operand in step.operands)
        sentences = [f"The gradient of {name} is complete: {upstream}."]
        for operand, *numbers in zip(step.operands, step.partials, step.contributions, step.after, strict=True):
            partial, contribution, after = map(rounded, numbers)
            sentences.append(
                f"{self.name(operand)} gets {upstream} times the local slope {partial}, that is {contribution}, and "
                f"has {after} so far."
            )
        rows = " \\\\\n".join(row for i in range(len(places)) for row in self._rows(step, i))
        formula, gathered = f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}", tuple(zip(places, step.after, strict=True))
        title = f"{name} hands its gradient on"
        return Moment("backward", title, " ".join(sentences), formula, self.place[step.node], places, gathered)

    def _rows(self, step: Step, i: int) -> Iterator[str]:
        """The local slope, then the chain rule: each in symbols, with the numbers put in, and worked out."""
        node, operand = step.node, step.operands[i]
        slope = slope_of(node, i, [self.symbol(x) for x in step.operands], self.symbol(node))
        local = equation(latex(slope), latex(numbered(slope)), number_latex(step.partials[i]))
        yield f"{self._partial(node, operand)} &= {local}"
        up, partial, before, after = map(number_latex, (step.upstream, step.partials[i], step.before[i], step.after[i]))
        earlier = "" if step.before[i] == 0 else f"{before} + "
        product = rf"{self._partial(self.root, node)} \cdot {self._partial(node, operand)}"
        numbers = rf"{_bracketed(up) if earlier else up} \cdot {_bracketed(partial)}"
        yield f"{self._partial(self.root, operand)} &= {earlier}{product} = {earlier}{numbers} = {after}"

    def _partial(self, child: Value, parent: Value) -> str:
        return partial_latex(self.names[self.place[child]], self.names[self.place[parent]])


def _names(root: Value, order: list[Value]) -> list[str]:
    """Labels where there are any; v1, v2, … for what operations made, c1, c2, … for constants."""
    names = names_of(root)
    taken = set(names.values())
    fresh = {"v": count(1), "c": count(1)}
    for node in order:
        if node not in names:
            letter = "c" if node.operation is None else "v"
            names[node] = next(name for i in fresh[letter] if (name := f"{letter}{i}") not in taken)
    return [names[node] for node in order]


def number_latex(x: float, digits: int | None = None) -> str:
    """A number in a formula, written as everywhere in the pictures."""
    return number_as_latex(rounded(x))


STYLE = replace(LATEX, number=number_latex)
LINE = replace(TEXT, number=lambda x, digits: rounded(x), name=lambda name: shown(name, LONGEST_NAME))


def latex(expression: Symbol) -> str:
    """A formula in LaTeX, its numbers as in the pictures."""
    return write(expression, STYLE)


def _bracketed(written: str) -> str:
    return rf"\left({written}\right)" if written.startswith("-") else written
