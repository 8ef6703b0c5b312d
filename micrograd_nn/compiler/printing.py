"""A lifted program as the textbook writes it: Z1 = W1·X + b1, A1 = relu(Z1), with shapes.

Promise: every name is made here, X for an array of features and Y for what it should give, W and b for parameters,
Z for sums, A for what acts on them; no label of a user's comes in. Operations are written as their rows say: ``text``,
``latex``, ``reduction``. A column is a sample: an array's shape is shown with its last side first and the n rows of
the data last, so that layers read Z = W·X + b. Numbers of an array are counted row by row: Z1[0, 2, …, 6].
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from math import prod

from ..engine.ops import power
from ..notation.latex import LATEX
from ..notation.text import ATOM, PRODUCT, SUM, TEXT, Written, written_leaf, written_operation
from .lifted import Lifted
from .steps import PARAMETERS, Apply, Constant, Fold, Leaf, MatMul, Ref, Scatter, Shape, Step, Stretch, View, live

WIDTH, WIDEST = 44, 100  # where the shapes begin: behind the longest line, from here to there
FEW = 4  # so many places are listed
MANY = 24  # operands on a line: what has more gets a name of its own
DIGITS = 6
TIMES = r" \times "


class Equations:
    """The forward steps as equations: pairs of a line and the shape of what it makes."""

    def __init__(self, lifted: Lifted, latex: bool = False) -> None:
        self._steps, self._latex, self._style = lifted.forward, latex, LATEX if latex else TEXT
        self._dot, sign = (r" \, ", r" \odot ") if latex else ("·", " ⊙ ")
        written, dot = self._style.template, self._style.dot
        self._by_number = replace(  # of arrays, number by number: no matrix product
            self._style, template=lambda row: written(row).replace(dot, sign), dot=sign, no_dot=sign
        )
        self._origin = _origins(self._steps)
        self._loss = self._origin[lifted.loss] if isinstance(lifted.loss, Ref) else lifted.loss
        needed = live(self._steps, [self._loss])
        used = [(Ref(number), step) for number, step in enumerate(self._steps) if needed[number]]
        self._repeated = {self._origin[ref] for ref, step in used if isinstance(step, Stretch)}
        self._uses: dict[Ref, list[Step]] = defaultdict(list)  # the steps that read an array
        for number, step in used:
            for ref in dict.fromkeys(step.references) if self._origin[number] == number else ():
                self._uses[self._origin[ref]].append(step)
        inputs = [self._indexed(*name) for name in input_names(lifted.inputs)]
        self._leaves = {"p": r"\theta" if latex else "θ"} | {f"x{k}": name for k, name in enumerate(inputs, 1)}
        self._numbers: Counter[str] = Counter()
        self._lengths: Counter[Ref] = Counter()  # how many operands there are in a piece
        self.pieces: dict[Ref, Written] = {}
        self.lines: list[tuple[str, str]] = []
        for number, step in used:
            self.pieces[number] = self._piece(number, step)
        if self._of(self._loss).text != "L":  # nothing was computed
            self._line("L", self._of(self._loss), self._loss)

    # ---- in which order ----

    def _line(self, name: str, written: Written, made: Ref | float) -> None:
        step = self._steps[made] if isinstance(made, Ref) else None
        sides = [*reversed([side for side in step.shape if side > 1]), *(["n"] if step.batched else [])] if step else []
        self.lines.append((f"{name} = {written}", "×".join(map(str, sides)) or "1"))

    def _piece(self, number: Ref, step: Step) -> Written:
        """A step as those that use it write it: its name, or the piece of a line that it is."""
        match step:
            case Leaf():
                return self._written(self._leaves[step.source])
            case Constant():
                return self._of(float(step.numbers.flat[0])) if uniform(step) else self._named("C")
            case View() | Stretch() if step.references == (PARAMETERS,):
                return self._named(self._parameter_letter(number))
            case View() | Stretch() if self._origin[number] != number:
                return self._of(step.references[0])
            case View():
                return self._written(f"{self._of(step.references[0]):5}[{places(step)}]")
        piece = self._expression(step)
        length = len(step.operands) + sum(self._lengths[self._origin[ref]] for ref in step.references)
        letter = self._letter(number, step) or ("V" if length > MANY else "")
        if not letter:
            self._lengths[number] = length
            return piece
        name = self._named(letter) if letter != "L" else self._written("L")
        self._line(name.text, piece, number)
        return name

    # ---- who has a name ----

    def _letter(self, number: Ref, step: Step) -> str:
        """Z for a weighted sum, A for what acts on one array, V for anything else with a name of its own."""
        if number == self._loss:
            return "L"
        uses = self._uses[number]
        if self._weighted(step) and not (len(uses) == 1 and _continues(uses[0])):
            return "Z"
        acts = isinstance(step, Apply) and not _continues(step) and len(step.references) == 1
        if acts and self._weighted(self._steps[self._origin[step.references[0]]]):
            return "A"
        return "V" if len(uses) > 1 or number in self._repeated else ""

    def _weighted(self, step: Step) -> bool:
        made_of = [self._steps[self._origin[ref]] for ref in step.references] if _continues(step) else [step]
        return any(isinstance(part, MatMul) for part in made_of)

    def _parameter_letter(self, number: Ref) -> str:
        """W for the matrix of a product, b for what is added, w for other parameters."""
        uses = self._uses[number]
        if any(isinstance(user, MatMul) and user.references[1] == number for user in uses):
            return "W"
        return "b" if uses and all(map(_continues, uses)) else "w"

    def _named(self, letter: str) -> Written:
        self._numbers[letter] += 1
        return self._written(self._indexed(letter, self._numbers[letter]))

    def _indexed(self, letter: str, number: int) -> str:
        """A letter with its number; 0 stands for none."""
        if not number:
            return letter
        return f"{letter}_{{{number}}}" if self._latex else f"{letter}{number}"

    # ---- how a step is written ----

    def _expression(self, step: Step) -> Written:
        """What is computed, in the pieces of its operands."""
        match step:
            case MatMul():
                x, w = map(self._in_full, step.references)
                return self._written(f"{w:3}{self._dot}{x:4}", PRODUCT)
            case Fold():
                sign, terms = step.operation.reduction[self._latex], self._in_full(step.references[0])
                return self._written(f"{sign} {terms:5}", PRODUCT) if self._latex else self._written(f"{sign}({terms})")
            case Scatter():  # arrays that are joined
                return self._written(f"[{', '.join(self._of(operand).text for operand in step.operands)}]")
            case Apply(operation=row, operands=operands):
                if row.associative and row.level == PRODUCT and operands[0] == operands[1]:
                    row, operands = power, (operands[0], 2.0)
                arrays = all(isinstance(o, Ref) and prod(self._steps[o].shape) > 1 for o in operands)
                style = self._by_number if arrays else self._style
                written = written_operation(style, row, *map(self._of, operands))
                return self._written(written.text, written.level)
        raise AssertionError(f"no forward step is a {type(step).__name__}")

    def _in_full(self, ref: Ref) -> Written:
        """What is added up along the last side: a number that is repeated there is shown so."""
        step, piece = self._steps[ref], self.pieces[ref]
        side = step.shape[-1]
        repeated = isinstance(step, Stretch) and self._steps[step.references[0]].shape[-1] == 1
        if side == 1 or not (repeated or (isinstance(step, Constant) and uniform(step))):
            return piece
        listed = [piece.text] * side if side <= FEW else [piece.text, "…", piece.text]
        return self._written(f"[{', '.join(listed)}]")

    def _of(self, operand: Ref | float) -> Written:
        if isinstance(operand, Ref):
            return self.pieces[operand]
        return written_leaf(self._style, None, operand, DIGITS)

    def _written(self, text: str, level: int = ATOM) -> Written:
        return Written(text, level, level, self._style.brackets)


def _origins(steps: tuple[Step, ...]) -> list[Ref]:
    """For each step the one whose numbers it has, all of them: a view may only change the shape, a Stretch repeats."""
    origins: list[Ref] = []
    for number, step in enumerate(steps):
        source = step.references[0] if isinstance(step, View | Stretch) else PARAMETERS
        whole = isinstance(step, Stretch) or prod(steps[source].shape) == prod(step.shape)
        origins.append(origins[source] if whole and source != PARAMETERS else Ref(number))
    return origins


def _continues(step: Step) -> bool:
    """Whether a step goes on with a sum."""
    return isinstance(step, Apply) and step.operation.level == SUM


def uniform(step: Constant) -> bool:
    """Whether its numbers are all the same."""
    return bool((step.numbers == step.numbers.flat[0]).all())


def places(view: View) -> str:
    """0…4 for a run, 0, 2, …, 8 for other even steps, else the first few."""
    listed = view.index.positions.reshape(-1).tolist()
    first, last = listed[0], listed[-1]
    if len(listed) > 2 and listed == list(range(first, last + 1)):
        return f"{first}…{last}"
    if len(listed) <= FEW:
        return ", ".join(map(str, listed))
    even = listed == list(range(first, last + 1, max(1, listed[1] - first)))
    return f"{first}, {listed[1]}, …, {last}" if even else f"{first}, {listed[1]}, {listed[2]}, …"


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
