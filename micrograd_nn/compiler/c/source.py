"""Steps as C99: for each the lines that compute it, over a block of rows at a time.

An operation is written by its row's ``c`` template and nowhere else. What is the same for every row is computed before
the rows, and what is summed over them is finished after them. Rows come in blocks: so many lie side by side, in lanes,
and a loop over lanes, always the innermost, becomes vector instructions. With one lane, steps of single numbers are
straight-line code, a variable each.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import copysign, isinf, isnan, prod
from typing import Any

import numpy as np

from ...engine.operation import Operation
from ...errors import CompilerError
from .. import steps as kinds
from ..steps import Index, Leaf, Ref, Shape, Step, Steps, Tape, live, plain
from ..straight import indented

BEFORE, ROWS, AFTER = range(3)  # when a step is computed: before the rows, for each block of them, after them
ARITHMETIC = re.compile(r"(?:\{[ab]\}|[-+*/() ]|\d+\.\d*)+")  # a template that is C as it stands
INDEX = [f"i{side}" for side in range(32)]  # the variables of loops over an array's sides
SEEN = (Leaf, kinds.Constant, kinds.View, kinds.Stretch)  # what is read where it lies, without a line of its own
LONGEST = 24  # steps in a loop: compilers take more than twice as long for one twice as long
WIDE = 16  # numbers of an input's row from which it is read as it lies
LARGEST = 2.0**26  # an outcome beyond has lost half of the digits of a difference to it


@dataclass(frozen=True)
class Place:
    """Where the numbers of a step are: in an array, at an index; a single one that has a name has none."""

    name: str
    index: Index | None = None
    lanes: int = 1
    table: str = ""  # the array that lists the positions, if the index does

    def at(self, index: Sequence[str]) -> str:
        """The number with that index, in lane l."""
        if self.index is None:
            return self.name
        if self.table:
            position = Place(self.table, Index(self.index.shape, 0, contiguous(self.index.shape))).at(index)
            return Place(self.name, Index((1,), 0, (1,)), self.lanes).at([position])
        strides, start = [stride * self.lanes for stride in self.index.strides], self.index.start * self.lanes
        terms = [i if s == 1 else f"{s} * {i}" for i, s in zip(index, strides, strict=False) if s]
        terms += ["l"] * (self.lanes > 1)
        return f"{self.name}[{' + '.join([*terms, *([str(start)] if start or not terms else [])])}]"

    @property
    def pointer(self) -> str:
        """The array from its first number on."""
        start = self.index.start * self.lanes if self.index else 0
        return f"{self.name} + {start}" if start else self.name


class CSource:
    """The lines for some outputs of a tape: ``lines[BEFORE]``, ``lines[ROWS]`` and ``lines[AFTER]``.

    ``leaves`` has the places of what comes from outside, ``stores`` the array of outside that an outcome is written to,
    ``row`` how the number of a row is written. The lines work in the members of a struct ``w``, ``arrays`` with their
    sizes, and read ``tables``, declarations with their names.
    """

    def __init__(
        self,
        steps: Steps,
        outputs: Sequence[Ref | float | None],
        lanes: int,
        leaves: dict[str, Place],
        stores: dict[Ref, str] | None = None,
        row: str = "{}",
    ) -> None:
        self._steps, self._lanes, self._leaves, self._stores, self._row = steps, lanes, leaves, stores or {}, row
        self.lines: tuple[list[str], ...] = ([], [], [])
        self.arrays: dict[str, int] = {}
        self.tables: dict[str, str] = {}
        wanted = {output for output in outputs if isinstance(output, Ref)}
        needed = [Ref(number) for number, found in enumerate(live(steps, wanted)) if found]
        self._phase: dict[Ref, int] = {}
        for ref in needed:
            self._phase[ref] = self._when(steps[ref])
        loops = self._fused(needed)
        inside = {ref: number for number, loop in enumerate(loops) for ref in loop}
        outside = {o for ref in needed for o in steps[ref].references if inside.get(o) != inside.get(ref)}
        self._read = wanted | outside  # read by others than the loop that makes it: it is stored
        self._places: dict[Ref, Place] = {}
        for ref in needed:
            self._places[ref] = self._placed(ref, steps[ref])
        writers: dict[type[Step], Callable[[Ref, Any], None]] = {
            kinds.Leaf: self._leaf,
            kinds.MatMul: self._matmul,
            kinds.Gram: self._gram,
            kinds.Fold: self._chain,
            kinds.Scan: self._chain,
            kinds.Slopes: self._slopes,
            kinds.Sum: self._sum,
            kinds.Scatter: self._scatter,
        }
        for first, *others in sorted(loops, key=lambda loop: self._written_in(loop[0])):
            if isinstance(steps[first], kinds.Apply):
                self._apply([first, *others])
            else:
                writers[type(steps[first])](first, steps[first])

    def text(self, operand: Ref | float, index: Sequence[str] = INDEX) -> str:
        """How a number of an operand is written."""
        return self._places[operand].at(index) if isinstance(operand, Ref) else constant(operand)

    # ---- when, where, and what together ----

    def _when(self, step: Step) -> int:
        """When a step's outcome is known."""
        if step.batched:
            return ROWS
        return AFTER if any(self._phase[ref] for ref in step.references) else BEFORE

    def _written_in(self, ref: Ref) -> int:
        """Where its lines belong: a sum over the rows is made while they pass by."""
        return ROWS if any(self._steps[o].batched for o in self._steps[ref].references) else self._phase[ref]

    def _in_lanes(self, step: Step) -> bool:
        return step.batched and self._lanes > 1

    def _single(self, ref: Ref) -> bool:
        """Whether a step is one number, a variable of its own."""
        step = self._steps[ref]
        one = isinstance(step, kinds.Apply) and prod(step.shape) == 1 and not self._in_lanes(step)
        return one and ref not in self._stores

    def _fused(self, needed: list[Ref]) -> list[list[Ref]]:
        """The steps that have lines, those together that share a loop: alike in shape, and element by element."""
        latest: dict[int, list[Ref]] = {}
        loops: list[list[Ref]] = []
        owner: dict[Ref, Ref] = {}  # the step whose numbers are read
        for ref in needed:
            step, phase = self._steps[ref], self._written_in(ref)
            owner[ref] = owner[step.references[0]] if isinstance(step, kinds.View | kinds.Stretch) else ref
            loop = latest.get(phase, [])
            if loop and self._joins(ref, loop) and all(o in loop or owner[o] not in loop for o in step.references):
                loop.append(ref)
            elif (isinstance(step, Leaf) and self._in_lanes(step)) or not isinstance(step, SEEN):
                latest[phase] = [ref]
                loops.append(latest[phase])
        return loops

    def _joins(self, ref: Ref, loop: list[Ref]) -> bool:
        """Whether a step is like those of a loop that is not yet too long."""
        step, first = self._steps[ref], self._steps[loop[0]]
        both = isinstance(step, kinds.Apply) and isinstance(first, kinds.Apply)
        alike = (step.shape, step.batched) == (first.shape, first.batched)
        return both and alike and len(loop) < LONGEST and ref not in self._stores

    def _placed(self, ref: Ref, step: Step) -> Place:
        match step:
            case Leaf() if step.position >= 0:
                return Place(self._leaves[step.source].name, Index((), step.position, ()))
            case Leaf() if not self._in_lanes(step):
                return self._leaves[step.source]
            case kinds.Constant():
                return self._constant(step)
            case kinds.Stretch():
                return self._places[step.references[0]]
            case kinds.View():
                return self._seen(step)
            case kinds.Apply() if self._single(ref) or ref not in self._read:
                return Place(f"v{ref.number}")
        return self._array(ref, self._stores.get(ref, ""))

    def _array(self, ref: Ref, name: str = "") -> Place:
        """An array of its own for a step, or that of outside, its numbers row by row."""
        step, lanes = self._steps[ref], self._lanes if self._steps[ref].batched else 1
        if not name:
            self.arrays[f"a{ref.number}"] = prod(step.shape) * lanes
        return Place(name or f"w->a{ref.number}", Index(step.shape, 0, contiguous(step.shape)), lanes)

    def _constant(self, step: kinds.Constant) -> Place:
        numbers = [constant(number) for number in step.numbers.reshape(-1).tolist()]
        if len(set(numbers)) == 1:
            return Place(numbers[0])
        return Place(self._table("double", numbers), Index(step.shape, 0, contiguous(step.shape)))

    def _seen(self, step: kinds.View) -> Place:
        """Where a view's numbers are in the array that it is of."""
        source, shape = self._places[step.references[0]], self._steps[step.references[0]].shape
        if source.index is None:
            return source
        positions = np.broadcast_to(source.index.positions, shape).reshape(-1)[step.index.positions]
        return self._indexed(source.name, Index.of(positions), source.lanes)

    def _indexed(self, name: str, index: Index, lanes: int) -> Place:
        table = self._table("int", map(str, index.positions.reshape(-1).tolist())) if index.table else ""
        return Place(name, index, lanes, table)

    def _table(self, kind: str, numbers: Iterable[str]) -> str:
        """The name of an array of constants; equal ones are one, also where two sources share a file."""
        content = f"{{{', '.join(numbers)}}}"
        name = f"t{sha256(content.encode()).hexdigest()[:8]}"
        self.tables[name] = f"static const {kind} {name}[] = {content};"
        return name

    # ---- loops ----

    def _loop(
        self, phase: int, step: Step, body: list[str], shape: Shape | None = None, inner: Sequence[str] = ()
    ) -> None:
        """The body for each number of a step in each lane, or of another shape; ``inner`` loops come between."""
        heads = [*sides(step.shape if shape is None else shape), *inner]
        if self._in_lanes(step):
            heads.append(f"for (int l = 0; l < {self._lanes}; l++)")
        self.lines[phase].extend(nested(heads, body))

    def _solid(self, ref: Ref) -> Place:
        """An operand as an array of its own layout: copied where it is a view that is laid out otherwise."""
        place, step = self._places[ref], self._steps[ref]
        lanes = self._lanes if step.batched else 1
        if place.index and (place.index.strides, place.lanes) == (contiguous(step.shape), lanes):
            return place
        self._places[ref] = copy = self._array(ref)
        self._loop(self._phase[ref], step, [f"{copy.at(INDEX)} = {place.at(INDEX)};"])
        return copy

    def _padded(self, ref: Ref) -> Place:
        """An operand that is summed over the rows, with zeros in lanes that have none."""
        place, step = self._solid(ref), self._steps[ref]
        line = f"if (lanes < {self._lanes}) clear({prod(step.shape)}, {self._lanes}, lanes, {place.pointer});"
        if self._in_lanes(step) and line not in self.lines[ROWS]:
            self.lines[ROWS].append(line)
        return place

    # ---- leaves and operations ----

    def _leaf(self, ref: Ref, step: Leaf) -> None:
        at = self._row.format("first + (l < lanes ? l : lanes - 1)")
        row = f"const double *row = {step.source} + {step.shape[0]} * {at};"
        number = Place("row", self._places[ref].index).at(INDEX)
        self._loop(ROWS, step, [row, *nested(sides(step.shape), [f"{self.text(ref)} = {number};"])], ())

    def _apply(self, loop: list[Ref]) -> None:
        body, stored = [], []
        for ref in loop:
            step = self._steps[ref]
            assert isinstance(step, kinds.Apply)
            texts = (f"v{o.number}" if isinstance(o, Ref) and o in loop else self.text(o) for o in step.operands)
            body.append(f"const double v{ref.number} = {expression(step.operation, *texts)};")
            if self._places[ref].index:
                stored.append(f"{self.text(ref)} = v{ref.number};")
        self._loop(self._phase[loop[0]], self._steps[loop[0]], [*body, *stored])

    # ---- products, chains, sums ----

    def _matmul(self, ref: Ref, step: kinds.MatMul) -> None:
        a, b = step.references
        left, right, out = self._solid(a), self._places[b], self._places[ref]
        if right.index is None or right.index.table:
            right = self._solid(b)
        assert right.index
        row, column = right.index.strides if step.transposed else right.index.strides[::-1]
        *samples, inner = self._steps[a].shape
        numbers = f"{prod(samples)}, {step.shape[-1]}, {inner}, {left.pointer}, {right.pointer}, {row}, {column}"
        self._call(self._phase[ref], "matmul", step, f"{numbers}, {out.pointer}")

    def _gram(self, ref: Ref, step: kinds.Gram) -> None:
        a, b = step.references
        given, rows, out = self._steps[a], self._steps[b], self._places[ref].pointer
        self._loop(BEFORE if given.batched else self._phase[ref], step, [f"{self.text(ref)} = 0.0;"])
        sizes, phase = f"{step.shape[0]}, {step.shape[1]}", self._written_in(ref)
        if isinstance(rows, Leaf) and self._in_lanes(rows) and rows.shape[0] >= WIDE:
            across = f"{self._solid(a).pointer}, {rows.source}, order + first, {out}"
            self.lines[phase].append(f"gram_rows({self._lanes}, lanes, {sizes}, {across});")
            return
        left, right = self._padded(a).pointer, self._padded(b).pointer
        self._call(phase, "gram", given, f"{prod(given.shape[:-1])}, {sizes}, {left}, {right}, {out}")

    def _call(self, phase: int, function: str, made_of: Step, arguments: str) -> None:
        """A function of arrays.h, over lanes or over plain arrays."""
        lanes = self._in_lanes(made_of)
        self.lines[phase].append(f"{function}{f'_lanes({self._lanes}, ' if lanes else '('}{arguments});")

    def _chain(self, ref: Ref, step: kinds.Fold | kinds.Scan) -> None:
        """The running results, one after another; of a fold they are all in one place."""
        (terms,) = step.references
        *shape, count = self._steps[terms].shape
        if isinstance(step, kinds.Scan) and step.reverse:
            first, before, head = str(count - 1), "(z + 1)", f"for (int z = {count - 2}; z >= 0; z--)"
        else:
            first, before, head = "0", "(z - 1)", f"for (int z = 1; z < {count}; z++)"
        start, previous, here = ([*INDEX[: len(shape)], at] for at in (first, before, "z"))
        onwards = expression(step.operation, self.text(ref, previous), self.text(terms, here))
        begin = f"{self.text(ref, start)} = {self.text(terms, start)};"
        self._loop(self._phase[ref], step, [begin], tuple(shape))
        self._loop(self._phase[ref], step, [f"{self.text(ref, here)} = {onwards};"], tuple(shape), [head])

    def _slopes(self, ref: Ref, step: kinds.Slopes) -> None:
        terms, outcome, slopes = step.references
        *shape, count = step.shape
        prefix, phase = INDEX[: len(shape)], self._phase[ref]
        at = {i: self.text(ref, [*prefix, i]) for i in ("0", "y", "z")}
        lines, onwards, own = link(step.operation)
        recorded = [
            f"double before = {self.text(terms, [*prefix, '0'])};",
            f"{at['0']} = 1.0;",
            f"for (int z = 1; z < {count}; z++) {{",
            f"    const double term = {self.text(terms, [*prefix, 'z'])};",
            f"    const double after = {expression(step.operation, 'before', 'term')};",
            *indented(4, lines),
            f"    for (int y = 0; y < z; y++) {at['y']} *= {onwards};",
            f"    {at['z']} = {own};",
            "    before = after;",
            "}",
        ]
        check = f"if (!(fabs({self.text(outcome, prefix)}) < {LARGEST}))"
        self._loop(phase, step, [f"{self.text(ref)} = {self.text(slopes)};"])
        self._loop(phase, step, nested([check], recorded), tuple(shape))

    def _sum(self, ref: Ref, step: kinds.Sum) -> None:
        (given,) = step.references
        whole, out, phase = self._steps[given], self.text(ref), self._written_in(ref)
        rows = whole.batched and not step.batched
        self._loop(BEFORE if rows else phase, step, [f"{out} = 0.0;"])
        if rows and self._in_lanes(whole):
            lane = re.sub(r"\bl\b", "0", self._padded(given).at(INDEX))
            self._loop(phase, step, [f"{out} += over_lanes({self._lanes}, &{lane});"], whole.shape)
        else:
            self._loop(phase, whole, [f"{out} += {self.text(given)};"])

    def _scatter(self, ref: Ref, step: kinds.Scatter) -> None:
        out, phase = self._places[ref], self._phase[ref]
        positions = np.concatenate([index.positions.reshape(-1) for index in step.indices])
        times = np.bincount(positions, minlength=prod(step.shape))  # that each number is written
        if (times != 1).any():
            self._loop(phase, step, [f"{out.at(INDEX)} = 0.0;"])
        sign = "=" if times.max() == 1 else "+="
        for operand, index in zip(step.references, step.indices, strict=True):
            target = self._indexed(out.name, index, out.lanes).at(INDEX)
            self._loop(phase, step, [f"{target} {sign} {self.text(operand)};"], index.shape)


def link(row: Operation) -> tuple[list[str], str, str]:
    """The slopes of a link of a chain, from before, term and after: their lines, towards before and towards term."""
    tape = Tape()
    operands = [tape.add(Leaf((), (), False, name)) for name in ("before", "term", "after")]
    slopes = [plain(partial(*operands)) for partial in row.partials]
    source = CSource(tape.steps, slopes, 1, {name: Place(name) for name in ("before", "term", "after")})
    onwards, own = map(source.text, slopes)
    return source.lines[BEFORE], onwards, own


# ---- how things are written ----


def expression(row: Operation, *operands: str) -> str:
    """An operation in C. Raises CompilerError if its row does not say how."""
    if not row.c and not ARITHMETIC.fullmatch(row.python):
        raise CompilerError(
            f'{row.name} can\'t be compiled to C: its row has no c=…, such as c="{{a}} > 0.0 ? {{a}} : 0.0"; '
            'backend="numpy" and backend="python" need none'
        )
    return (row.c or row.python).format(**dict(zip("ab", operands, strict=False)))


def constant(number: float) -> str:
    """A float as C that reads back as the same bits."""
    text = "NAN" if isnan(number) else "INFINITY" if isinf(number) else repr(abs(number))
    return f"(-{text})" if copysign(1.0, number) < 0 else text


def contiguous(shape: Shape) -> Shape:
    """The strides of an array that is stored row by row; 0 along sides of length 1."""
    return tuple(prod(shape[d + 1 :]) if side > 1 else 0 for d, side in enumerate(shape))


def sides(shape: Shape) -> list[str]:
    """A loop for each side."""
    return [f"for (int i{d} = 0; i{d} < {side}; i{d}++)" for d, side in enumerate(shape) if side > 1]


def nested(heads: Sequence[str], body: list[str]) -> list[str]:
    """Loops within each other around a body."""
    if not heads:
        return [*body]
    if len(heads) == len(body) == 1 and not body[0].endswith(("{", "}")):
        return [f"{heads[0]} {body[0]}"]
    opening = [f"{'    ' * depth}{head}{' {' if depth == len(heads) - 1 else ''}" for depth, head in enumerate(heads)]
    return [*opening, *indented(4 * len(heads), body), f"{'    ' * (len(heads) - 1)}}}"]
