r"""A lifted program as the textbook writes it: Z1 = W1·X + b1, A1 = relu(Z1), with shapes.

Promise: every name is made here, X for an array of features and Y for what it should give, W and b for parameters,
Z for sums, A for what acts on them; no label of a user's comes in. Operations are written as their rows say: ``text``,
``latex``, ``reduction``. A column is a sample: an array's shape is shown with its last side first and the n rows of
the data last, so that layers read Z = W·X + b. Numbers of an array are counted row by row: Z1[0, 2, …, 6].
"""

from collections import Counter
from collections.abc import Sequence
from math import prod
from typing import Any

from ..engine.operation import Operation
from ..engine.ops import add, mul, sub
from ..notation.latex import LATEX
from ..notation.text import ATOM, PRODUCT, TEXT, Written, written_leaf, written_operation
from .lifted import Lifted
from .steps import PARAMETERS, Apply, Constant, Fold, Join, Leaf, MatMul, Ref, Shape, Step, Stretch, View, live

WIDTH, WIDEST = 44, 100  # where the shapes begin: behind the longest line, from here to there
FEW = 4  # so many places are listed
MANY = 24  # operands on a line: what has more gets a name of its own
DIGITS = 6
TIMES = r" \times "


class Equations:
    """The forward steps as equations: pairs of a line and the shape of what it makes."""

    def __init__(self, lifted: Lifted, latex: bool = False) -> None:
        self._steps, self._latex, self._style = lifted.forward, latex, LATEX if latex else TEXT
        self._inputs = [self._indexed(*name) for name in input_names(lifted.inputs)]
        loss = lifted.loss
        self._loss = self._through(loss.number) if isinstance(loss, Ref) else -1
        self._needed = live(self._steps, [Ref(self._loss)] if self._loss >= 0 else [])
        self._uses = self._consumers()
        stretches = [k for k, step in enumerate(self._steps) if self._needed[k] and isinstance(step, Stretch)]
        self._repeated = set(map(self._through, stretches))
        self._numbers: Counter[str] = Counter()
        self.pieces: dict[int, Written] = {}
        self._lengths: dict[int, int] = {}  # how many operands there are in a piece
        self.lines: list[tuple[str, str]] = []
        for number, step in enumerate(self._steps):
            if self._needed[number]:
                self.pieces[number] = self._piece(number, step)
        last = self._of(loss) if self._loss < 0 else self.pieces[self._loss]
        if last.text != "L":  # nothing was computed
            self.lines.append((f"L = {last}", self._shape(self._steps[self._loss]) if self._loss >= 0 else "1"))

    def _consumers(self) -> dict[int, list[int]]:
        uses: dict[int, list[int]] = {}
        for number, step in enumerate(self._steps):
            for ref in step.references if self._needed[number] else ():
                uses.setdefault(self._through(ref.number), []).append(number)
        for number in range(len(self._steps)):  # what a view of an array feeds, the array feeds
            if self._needed[number] and self._through(number) != number:
                uses[self._through(number)].remove(number)
        return uses

    def _through(self, number: int) -> int:
        """Past views that only change the shape, and what is merely repeated."""
        while True:
            step = self._steps[number]
            if not isinstance(step, View | Stretch) or not self._same_numbers(step):
                return number
            number = step.references[0].number

    def _same_numbers(self, step: Step) -> bool:
        source = self._steps[step.references[0]]
        whole = prod(source.shape) == prod(step.shape) or isinstance(step, Stretch)
        return whole and step.references != (PARAMETERS,)

    def _piece(self, number: int, step: Step) -> Written:
        match step:
            case Leaf():
                return self._name(self._leaf(step))
            case Constant():
                return self._constant(step)
            case View() | Stretch():
                return self._view(number, step)
            case MatMul():
                x, w = (self._in_full(ref.number) for ref in step.references)
                return self._made(number, f"{w:3}{self._dot}{x:4}", PRODUCT)
            case Fold():
                return self._reduction(number, step.operation, step.references[0].number)
            case Join():
                return self._made(number, f"[{', '.join(self._of(o).text for o in step.operands)}]", ATOM)
            case Apply():
                return self._apply(number, step)
        raise AssertionError(f"no forward step is a {type(step).__name__}")

    def _apply(self, number: int, step: Apply) -> Written:
        row, operands = step.operation, [self._of(operand) for operand in step.operands]
        whole = self._chained(step)
        if whole is not None:
            return self._reduction(number, row, whole)
        arrays = all(isinstance(o, Ref) and prod(self._steps[o].shape) > 1 for o in step.operands)
        if row is mul and arrays:  # number by number, not a matrix product
            sign = r"\odot" if self._latex else "⊙"
            return self._made(number, f"{operands[0]:3} {sign} {operands[1]:3}", PRODUCT)
        written = written_operation(self._style, row, *operands)
        return self._made(number, written.text, written.level)

    def _reduction(self, number: int, row: Operation, terms: int) -> Written:
        sign, written = row.reduction[self._latex], self._in_full(terms)
        if self._latex:
            return self._made(number, f"{sign} {written:5}", PRODUCT)
        return self._made(number, f"{sign}({written})", ATOM)

    def _chained(self, step: Apply) -> int | None:
        """The array that a chain takes in, all of it in order: chains of three are not lifted (see chains.py)."""
        if not step.operation.associative:
            return None
        first, *terms = step.operands
        while isinstance(first, Ref) and first.number in self._lengths:
            link = self._steps[first]
            if not isinstance(link, Apply) or link.operation is not step.operation:
                break
            first, last = link.operands
            terms.insert(0, last)
        found = [self._steps[term] for term in (first, *terms) if isinstance(term, Ref)]
        views = [view for view in found if isinstance(view, View) and prod(view.shape) == 1]
        places = [(view.references[0], view.index.start) for view in views]
        source = views[0].references[0] if len(views) == len(terms) + 1 > 2 else PARAMETERS
        whole = [(source, place) for place in range(prod(self._steps[source].shape))]
        return source.number if places == whole and source != PARAMETERS else None

    def _made(self, number: int, text: str, level: int) -> Written:
        """A line of its own, or a piece of the only line that uses it."""
        step = self._steps[number]
        inner = [self._through(ref.number) for ref in step.references]
        length = len(step.operands) + sum(self._lengths.get(operand, 0) for operand in inner)
        letter = self._letter(number) or ("V" if length > MANY else "")
        if not letter:
            self._lengths[number] = length
            return self._written(text, level)
        name = "L" if letter == "L" else self._count(letter)
        self.lines.append((f"{name} = {text}", self._shape(step)))
        return self._name(name)

    def _letter(self, number: int) -> str:
        """Z for a weighted sum, A for what acts on one array, V for anything else with a name of its own."""
        if number == self._loss:
            return "L"
        step, uses = self._steps[number], self._uses.get(number, [])
        weighted = self._weighted(step)
        if weighted and not (len(uses) == 1 and self._continues(self._steps[uses[0]])):
            return "Z"
        inner = step.references
        acts = isinstance(step, Apply) and not self._continues(step) and len(inner) == 1
        if acts and self._weighted(self._steps[self._through(inner[0].number)]):
            return "A"
        return "V" if len(uses) > 1 or number in self._repeated else ""

    def _continues(self, step: Step) -> bool:
        """Whether a step goes on with a sum."""
        return isinstance(step, Apply) and step.operation in (add, sub) and prod(step.shape) > 0

    def _weighted(self, step: Step) -> bool:
        if isinstance(step, MatMul):
            return True
        operands = [self._steps[self._through(ref.number)] for ref in step.references]
        return self._continues(step) and any(isinstance(operand, MatMul) for operand in operands)

    def _constant(self, step: Constant) -> Written:
        """A number where they are all the same; else a name."""
        numbers = step.numbers.reshape(-1)
        return self._of(float(numbers[0])) if uniform(step) else self._name(self._count("C"))

    def _in_full(self, number: int) -> Written:
        """What is added up along the last side: a number that is repeated there is shown so."""
        step, piece = self._steps[number], self.pieces[number]
        side = step.shape[-1]
        repeated = isinstance(step, Stretch) and self._steps[step.references[0]].shape[-1] == 1
        if side == 1 or not (repeated or (isinstance(step, Constant) and uniform(step))):
            return piece
        listed = [piece.text] * side if side <= FEW else [piece.text, "…", piece.text]
        return self._name(f"[{', '.join(listed)}]")

    def _view(self, number: int, step: Step) -> Written:
        (source,) = step.references
        if source == PARAMETERS:
            return self._name(self._count(self._parameter_letter(number)))
        if self._same_numbers(step):
            return self.pieces[source.number]
        return self._name(f"{self._of(source):5}[{self._places(step)}]")

    def _parameter_letter(self, number: int) -> str:
        """W for the matrix of a product, b for what is added, w for other parameters."""
        users = [self._steps[user] for user in self._uses.get(number, [])]
        if any(isinstance(user, MatMul) and user.references[1].number == number for user in users):
            return "W"
        return "b" if users and all(self._continues(user) for user in users) else "w"

    def _places(self, step: Step) -> str:
        """0…4 for a run, 0, 2, …, 8 for other even steps, else the first few."""
        assert isinstance(step, View)
        places = step.index.positions.reshape(-1).tolist()
        first, last = places[0], places[-1]
        if len(places) > 2 and places == list(range(first, last + 1)):
            return f"{first}…{last}"
        if len(places) <= FEW:
            return ", ".join(map(str, places))
        even = places == list(range(first, last + 1, max(1, places[1] - first)))
        return f"{first}, {places[1]}, …, {last}" if even else f"{first}, {places[1]}, {places[2]}, …"

    def _of(self, operand: Any) -> Written:
        if isinstance(operand, Ref):
            return self.pieces[operand.number]
        return written_leaf(self._style, None, operand, DIGITS)

    def _leaf(self, leaf: Leaf) -> str:
        if leaf.source == "p":
            return r"\theta" if self._latex else "θ"
        return self._inputs[int(leaf.source[1:]) - 1]

    def _count(self, letter: str) -> str:
        self._numbers[letter] += 1
        return self._indexed(letter, self._numbers[letter])

    def _indexed(self, letter: str, number: int) -> str:
        """A letter with its number; 0 stands for none."""
        if not number:
            return letter
        return f"{letter}_{{{number}}}" if self._latex else f"{letter}{number}"

    def _name(self, name: str) -> Written:
        return self._written(name, ATOM)

    def _written(self, text: str, level: int) -> Written:
        return Written(text, level, level, self._style.brackets)

    @property
    def _dot(self) -> str:
        return r" \, " if self._latex else "·"

    def _shape(self, step: Step) -> str:
        sides = [*map(str, reversed([side for side in step.shape if side > 1])), *(["n"] if step.batched else [])]
        return "×".join(sides) or "1"


def uniform(step: Constant) -> bool:
    """Whether its numbers are all the same."""
    numbers = step.numbers.reshape(-1)
    return bool((numbers == numbers[0]).all())


def input_names(inputs: Sequence[Shape]) -> list[tuple[str, int]]:
    """A letter and a number, or 0, for each input: X and Y for an array of features and what it should give.

    Otherwise small letters for single numbers and capitals for arrays, numbered as the arguments are if there are more.
    """
    if len(inputs) <= 2 and inputs and inputs[0]:
        return [("X", 0), ("Y", 0)][: len(inputs)]
    return [("X" if shape else "x", k + 1 if len(inputs) > 1 else 0) for k, shape in enumerate(inputs)]


def text(lifted: Lifted) -> str:
    """Equations and shapes, a line each."""
    lines = Equations(lifted).lines
    width = max([WIDTH, *(len(line) for line, _ in lines if len(line) <= WIDEST)])
    return "\n".join(f"{line:<{width}} {shape}" for line, shape in lines)


def latex(lifted: Lifted) -> str:
    """The equations as one LaTeX block."""
    equations = Equations(lifted, latex=True).lines
    lines = [f"{line.replace(' = ', ' &= ', 1)} && {shape.replace('×', TIMES)}" for line, shape in equations]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"
