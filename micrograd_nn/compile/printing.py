r"""A lifted program as the textbook writes it: Z1 = W1·X + b1, A1 = relu(Z1), with shapes.

Promise: every name is made here, X and Y for inputs, W and b for parameters, Z for sums, A for what acts on them; no
label of a user's comes in. Operations are written as their rows say: ``text``, ``latex``, ``reduction``. A column is a
sample: an array's shape is shown with its last side first and the n rows of the data last, so that layers read
Z = W·X + b.
"""

from collections import Counter
from typing import Any, Self

from ..ops import add, mul, sub
from .layout import size_of
from .steps import Apply, Constant, Fold, Join, Leaf, MatMul, Step, Stretch, Tape, Tracer, View, live

WIDTH = 44  # where the shapes begin
TIMES = r" \times "


class Piece(str):
    """A written operand: a template's ``{a:3}`` puts brackets around what binds looser than a product."""

    level: int
    latex: bool

    @classmethod
    def of(cls, text: str, level: int, latex: bool) -> Self:
        """The text with the level at which it binds."""
        piece = cls(text)
        piece.level, piece.latex = level, latex
        return piece

    def __format__(self, spec: str) -> str:
        if self.level >= int(spec or 0):
            return str(self)
        return rf"\left({self}\right)" if self.latex else f"({self})"


class Equations:
    """The forward steps as equations: pairs of a line and the shape of what it makes."""

    def __init__(self, tape: Tape, count: int, loss: Any, latex: bool = False) -> None:
        self._steps, self._latex = tape.steps[:count], latex
        self._loss = self._through(loss.number) if isinstance(loss, Tracer) else -1
        self._needed = live(self._steps, [self._loss] if self._loss >= 0 else [])
        self._uses = self._consumers()
        self._numbers: Counter[str] = Counter()
        self._pieces: dict[int, Piece] = {}
        self.lines: list[tuple[str, str]] = []
        for number, step in enumerate(self._steps):
            if self._needed[number]:
                self._pieces[number] = self._piece(number, step)
        if self._loss < 0:
            self.lines.append((f"L = {loss:g}", ""))

    def _consumers(self) -> dict[int, list[int]]:
        uses: dict[int, list[int]] = {}
        for number, step in enumerate(self._steps):
            for operand in step.operands if self._needed[number] else ():
                if operand.__class__ is int:
                    uses.setdefault(self._through(operand), []).append(number)
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
            number = step.operands[0]

    def _same_numbers(self, step: Step) -> bool:
        source = self._steps[step.operands[0]]
        whole = size_of(source.shape) == size_of(step.shape) or isinstance(step, Stretch)
        return whole and not (isinstance(source, Leaf) and source.source == "p")

    def _piece(self, number: int, step: Step) -> Piece:
        match step:
            case Leaf():
                return self._name(self._leaf(step))
            case Constant():
                return self._name(self._count("C"))
            case View() | Stretch():
                return self._view(number, step)
            case MatMul():
                return self._made(number, f"{self._of(step.operands[1]):3}{self._dot}{self._of(step.operands[0]):4}", 3)
            case Fold():
                sign, terms = step.operation.reduction[self._latex], self._of(step.operands[0])
                written = f"{sign} {terms:5}" if self._latex else f"{sign}({terms})"
                return self._made(number, written, 3 if self._latex else 5)
            case Join():
                return self._made(number, f"[{', '.join(map(self._of, step.operands))}]", 5)
            case Apply():
                return self._apply(number, step)
        raise AssertionError(f"no forward step is a {type(step).__name__}")

    def _apply(self, number: int, step: Apply) -> Piece:
        row = step.operation
        template = row.latex if self._latex else row.text
        arrays = all(o.__class__ is int and size_of(self._steps[o].shape) > 1 for o in step.operands)
        if row is mul and arrays and len(step.operands) == 2:  # number by number, not a matrix product
            template = r"{a:3} \odot {b:3}" if self._latex else "{a:3} ⊙ {b:3}"
        written = template.format(**dict(zip("ab", map(self._of, step.operands), strict=False)))
        return self._made(number, written, row.level)

    def _made(self, number: int, text: str, level: int) -> Piece:
        """A line of its own, or a piece of the only line that uses it."""
        letter = self._letter(number)
        if not letter:
            return Piece.of(text, level, self._latex)
        name = "L" if letter == "L" else self._count(letter)
        self.lines.append((f"{name} = {text}", self._shape(self._steps[number])))
        return self._name(name)

    def _letter(self, number: int) -> str:
        """Z for a weighted sum, A for what acts on one array, V for anything else with a name of its own."""
        if number == self._loss:
            return "L"
        step, uses = self._steps[number], self._uses.get(number, [])
        weighted = self._weighted(step)
        if weighted and not (len(uses) == 1 and self._continues(self._steps[uses[0]])):
            return "Z"
        inner = [operand for operand in step.operands if operand.__class__ is int]
        acts = isinstance(step, Apply) and not self._continues(step) and len(inner) == 1
        if acts and self._weighted(self._steps[self._through(inner[0])]):
            return "A"
        return "V" if len(uses) > 1 else ""

    def _continues(self, step: Step) -> bool:
        """Whether a step goes on with a sum."""
        return isinstance(step, Apply) and step.operation in (add, sub) and size_of(step.shape) > 0

    def _weighted(self, step: Step) -> bool:
        if isinstance(step, MatMul):
            return True
        operands = [self._steps[self._through(o)] for o in step.operands if o.__class__ is int]
        return self._continues(step) and any(isinstance(operand, MatMul) for operand in operands)

    def _view(self, number: int, step: Step) -> Piece:
        (source,) = step.operands
        leaf = self._steps[source]
        if isinstance(leaf, Leaf) and leaf.source == "p":
            return self._name(self._count(self._parameter_letter(number)))
        if self._same_numbers(step):
            return self._pieces[source]
        return self._name(f"{self._of(source)}[{self._places(step)}]")

    def _parameter_letter(self, number: int) -> str:
        """W for the matrix of a product, b for what is added, w for other parameters."""
        users = [self._steps[user] for user in self._uses.get(number, [])]
        if any(isinstance(user, MatMul) and user.operands[1] == number for user in users):
            return "W"
        return "b" if users and all(self._continues(user) for user in users) else "w"

    def _places(self, step: Step) -> str:
        assert isinstance(step, View)
        if step.index.table:
            return "…"
        strides = zip(step.shape, step.index.strides, strict=True)
        last = step.index.start + sum((side - 1) * stride for side, stride in strides)
        return str(step.index.start) if last == step.index.start else f"{step.index.start}…{last}"

    def _of(self, operand: Any) -> Piece:
        if operand.__class__ is int:
            return self._pieces[operand]
        return Piece.of(f"{operand:g}", 5 if operand >= 0 else 1, self._latex)

    def _leaf(self, leaf: Leaf) -> str:
        if leaf.source == "p":
            return r"\theta" if self._latex else "θ"
        place = int(leaf.source[1:])
        letter = "XY"[place - 1] if place <= 2 else "X"
        return letter if place <= 2 else f"{letter}_{{{place}}}" if self._latex else f"{letter}{place}"

    def _count(self, letter: str) -> str:
        self._numbers[letter] += 1
        return f"{letter}_{{{self._numbers[letter]}}}" if self._latex else f"{letter}{self._numbers[letter]}"

    def _name(self, name: str) -> Piece:
        return Piece.of(name, 5, self._latex)

    @property
    def _dot(self) -> str:
        return r" \, " if self._latex else "·"

    def _shape(self, step: Step) -> str:
        sides = [*map(str, reversed([side for side in step.shape if side > 1])), *(["n"] if step.batched else [])]
        return "×".join(sides) or "1"


def text(tape: Tape, count: int, loss: Any) -> str:
    """Equations and shapes, a line each."""
    return "\n".join(f"{line:<{WIDTH}} {shape}".rstrip() for line, shape in Equations(tape, count, loss).lines)


def latex(tape: Tape, count: int, loss: Any) -> str:
    """The equations as one LaTeX block."""
    equations = Equations(tape, count, loss, latex=True).lines
    lines = [f"{line.replace(' = ', ' &= ', 1)} && {shape.replace('×', TIMES)}" for line, shape in equations]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"
