"""Straight-line code: a small graph as lines of Python, from a row's numbers to its loss, its gradient, and a step.

Each line is a row's ``python`` template or its forward itself, and the sweep adds its terms up in the order of the
scalar engine, so that the numbers are the same to the bit.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from math import copysign, prod

from ..engine.graph import sweep
from ..engine.operation import FLAT
from .backend import APART, Number, Update
from .steps import Apply, Leaf, Ref, Step, Tape, Tracer, plain
from .trace import PARAMETER, Trace

NESTED = 8  # how deep an expression may grow before it gets a line of its own
PIECE = 2000  # lines of a function: Python compiles so many in about 20 ms, in which it hears no Ctrl-C
ONCE = re.compile(r"[vu]\d+|[af]s\d+")  # names of numbers that are made once, in one line
LOCAL = re.compile(rf"\b(?:{ONCE.pattern}|(?:[pgs]|[mx]\d+)_\d+|total|seed)\b")  # of all that a function holds
ASSIGNED = re.compile(r"(?:(.*?) (\+)?= )?(.*)")
SLOTS = ("{a}", "{b}")  # where a template has its operands


def record(trace: Trace) -> tuple[Tape, Number, list[Number]]:
    """The loss and its gradient, a number per parameter, written down by running the sweep on tracers."""
    tape = Tape()
    p = [tape.add(Leaf((), (), False, "p", k)) for k in range(len(trace.parameters))]
    numbers = forward(trace, [*p, *(tape.add(Leaf((), (), True, *name)) for name in _row(trace))], traced=True)
    return tape, numbers[-1], gradient_of(trace, numbers)


def forward(trace: Trace, given: Sequence[Number], traced: bool = False) -> list[Number]:
    """The numbers of all nodes, floats or tracers, from those of the parameters and of a row's inputs."""
    numbers: list[Number] = list(trace.numbers)
    for i, k in trace.leaves:
        numbers[i] = given[k]
    for i, (operation, left, right) in enumerate(zip(trace.operations, trace.left, trace.right, strict=True)):
        if operation is not None:
            call, a = operation if traced else operation.forward, numbers[left]
            numbers[i] = call(a) if right < 0 else call(a, numbers[right])
    return numbers


def gradient_of(trace: Trace, numbers: Sequence[Number]) -> list[Number]:
    """The sweep from the numbers of all nodes, tracers or floats: an adjoint per parameter."""

    def edges(i: int) -> Iterator[tuple[int, Number]]:
        operands, row = trace.operands(i), trace.operations[i]
        given = [numbers[j] for j in operands]
        for j, partial in zip(operands, row.partials if row else (), strict=True):
            if trace.depends[j] and (slope := partial(*given, numbers[i])) is not FLAT:
                yield j, slope

    gradient: list[Number] = [0.0] * len(trace.parameters)
    for i, adjoint in sweep(range(len(trace)), edges, 1.0):
        if trace.source[i] == PARAMETER:
            gradient[trace.position[i]] = adjoint
    return gradient


class Lines:
    """The lines of source that compute some numbers of a tape, each of which is then written once."""

    def __init__(self, tape: Tape, outputs: Iterable[Number], prefix: str = "v") -> None:
        self._steps = tape.steps
        self._uses = self._count(outputs)
        self._texts: list[str] = []
        self._depths: list[int] = []
        self.lines: list[str] = []
        for number, step in enumerate(tape.steps):
            self._write(f"{prefix}{number}", step, self._uses[number])

    def text(self, number: Number) -> str:
        """How a number is written: a constant, a name, or a bracketed expression that is used only once."""
        return self._operand(plain(number))

    def _operand(self, operand: Ref | float) -> str:
        return self._texts[operand] if isinstance(operand, Ref) else constant(operand)

    def _count(self, outputs: Iterable[Number]) -> list[int]:
        """How often each step is read."""
        uses = [0] * len(self._steps)
        for output in outputs:
            if isinstance(output, Tracer):
                uses[output.ref] += 1
        for number in range(len(uses) - 1, -1, -1):
            step = self._steps[number]
            if uses[number] and isinstance(step, Apply):
                for operand, slot in zip(step.operands, SLOTS, strict=False):
                    if isinstance(operand, Ref):
                        uses[operand] += template(step).count(slot)
        return uses

    def _write(self, name: str, step: Step, uses: int) -> None:
        depth = 0
        if isinstance(step, Leaf):
            name = leaf_name(step)
        elif isinstance(step, Apply) and uses:
            operands = dict(zip("ab", map(self._operand, step.operands), strict=False))
            expression = template(step).format(**operands)
            depth = 1 + max(self._depths[ref] for ref in step.references)
            if uses == 1 and depth < NESTED:
                name = f"({expression})"
            else:
                self.lines.append(f"{name} = {expression}")
                depth = 0
        self._texts.append(name)
        self._depths.append(depth)


# ---- a loss and its gradient ----


def functions_source(trace: Trace) -> str:
    """``value(p, rows)``: the mean loss over the rows. ``value_and_grad(p, rows)``: that and its gradient."""
    gradient = ", ".join(f"g_{i} / n" if reached else "0.0" for i, reached in enumerate(trace.reached))
    shown = {"value(p, rows)": "total / n", "value_and_grad(p, rows)": f"total / n, [{gradient}]"}
    pieces: list[str] = []
    functions = [
        [
            f"def {head}:",
            f"    {names('p', len(trace.parameters))} = p",
            *indented(4, _summed(trace, "rows", pieces, slopes="grad" in head)),
            f"    return {outcome}",
        ]
        for head, outcome in shown.items()
    ]
    return APART.join([*pieces, *map("\n".join, functions)])


def _summed(trace: Trace, rows: str, pieces: list[str], slopes: bool = True) -> list[str]:
    """What makes ``total``, the sum of the rows' losses, their number ``n``, and ``g_0``, ``g_1``, …, their slopes."""
    sums = ["total", *(f"g_{i}" for i, reached in enumerate(trace.reached) if reached and slopes)]
    return [
        f"{' = '.join(sums)} = 0.0",
        f"for {row_names(trace)} in {rows}:",
        *indented(4, cut(_of_row(trace, "+=", slopes), pieces)),
        f"n = float(len({rows}))",
    ]


def _of_row(trace: Trace, sign: str, slopes: bool = True) -> list[str]:
    """The lines from a row to its loss and its slopes, which are assigned to those names or added."""
    tape, loss, gradient = record(trace)
    found = {"total": loss} | {f"g_{i}": g for i, g in enumerate(gradient) if trace.reached[i] and slopes}
    written = Lines(tape, found.values())
    return [*written.lines, *(f"{name} {sign} {written.text(number)}" for name, number in found.items())]


# ---- a training ----


def train_source(trace: Trace, update: Update, size: int) -> str:
    """``train(p, memory, parts, scalars, log)``: ``Loop.train``, where each part is a list of rows."""
    count, s, pieces = len(trace.parameters), names("s", len(update.scalars)), list[str]()
    vectors = {"p": "p"} | {f"m{k}": f"memory[{k}]" for k in range(len(update.memories))}
    target, rows, lines = row_names(trace), "rows", [""]
    if size == 1:
        lines = cut(_of_row(trace, "="), pieces)
    else:
        target, rows, lines = _batch(trace, size, pieces)
    train = "\n".join(
        [
            "def train(p, memory, parts, scalars, log):",
            *(f"    {names(name, count)} = {vector}" for name, vector in vectors.items()),
            *([] if update.varying else [f"    {s} = next(iter(scalars))"]),
            "    sums, finished, done = log.sums, 0.0, 0",
            "    try:",
            "        for rows in parts:",
            "            sums.append(0.0)",
            "            finished = 0.0",
            f"            for {target}, {s} in zip({rows}, scalars):"
            if update.varying
            else f"            for {target} in {rows}:",
            *indented(16, lines),
            "                if total - total != 0.0:  # nan or infinite",
            "                    return",
            "                finished += total",
            *indented(16, cut(_moves(trace, update, list(vectors)), pieces)),
            "                done += 1",
            "            sums[-1] = finished",
            "    finally:",
            *(f"        {vector}[:] = {names(name, count)}" for name, vector in vectors.items()),
            "        sums[-1:] = [finished]",
            "        log.steps = done",
        ]
    )
    return APART.join([*pieces, train])


def _batch(trace: Trace, size: int, pieces: list[str]) -> tuple[str, str, list[str]]:
    """What a loop over batches is over, and the lines from a batch to the sum of its losses and its mean slopes."""
    slopes = [f"g_{i} /= n" for i, reached in enumerate(trace.reached) if reached]
    lines = [f"batch = rows[start : start + {size}]", *_summed(trace, "batch", pieces), *slopes]
    return "start", f"range(0, len(rows), {size})", lines


def _moves(trace: Trace, update: Update, vectors: list[str]) -> list[str]:
    """The optimiser's rule for each parameter that the loss depends on."""
    tape = Tape()
    moved: dict[str, tuple[Number, ...]] = {}
    for i in (i for i, reached in enumerate(trace.reached) if reached):
        p, *memory = (tape.add(Leaf((), (), False, vector, i)) for vector in vectors)
        number, kept = update.on(tape, p, tape.add(Leaf((), (), False, "g", i)), tuple(memory))
        moved[", ".join(f"{vector}_{i}" for vector in vectors)] = (number, *kept)
    written = Lines(tape, [number for numbers in moved.values() for number in numbers], prefix="u")
    stores = (f"{target} = {', '.join(map(written.text, numbers))}" for target, numbers in moved.items())
    return [*written.lines, *stores]


# ---- long functions, cut into shorter ones ----


def cut(lines: list[str], pieces: list[str], name: str = "part") -> list[str]:
    """Lines as calls of functions of ``PIECE`` of them each, which are added to the pieces; few lines as they are.

    A piece is given the local names that it reads, and returns those that are read after it.
    """
    if len(lines) <= PIECE:
        return lines
    calls, functions, later = list[str](), list[str](), set[str]()
    for number, chunk in reversed([*enumerate(chunks(lines))]):
        made, read = _made_and_read(chunk)
        given = ", ".join(one for one in read if one not in made or not ONCE.fullmatch(one))
        kept = ", ".join(one for one in made if one in later or not ONCE.fullmatch(one))
        call = f"{name}_{len(pieces) + number}({given})"
        calls.append(f"[{kept}] = {call}" if kept else call)
        functions.append("\n".join([f"def {call}:", *indented(4, [*chunk, f"return [{kept}]"])]))
        later.update(read)
    pieces += functions[::-1]
    return calls[::-1]


def chunks(lines: list[str]) -> list[list[str]]:
    """The lines, ``PIECE`` at a time."""
    return [lines[start : start + PIECE] for start in range(0, len(lines), PIECE)]


def _made_and_read(lines: list[str]) -> tuple[dict[str, None], dict[str, None]]:
    """The local names that the lines assign, and those that they read, in order."""
    made, read = dict[str, None](), dict[str, None]()
    for line in lines:
        targets, more, expression = ASSIGNED.fullmatch(line).groups(default="")  # type: ignore[union-attr]
        made.update(dict.fromkeys(LOCAL.findall(targets)))
        read.update(dict.fromkeys(LOCAL.findall(f"{targets * bool(more)} {expression}")))
    return made, read


# ---- how things are written ----


def template(step: Apply) -> str:
    """The row's expression over floats; a condition that is a known number is decided."""
    written = step.operation.python
    for operand, slot in zip(step.operands, SLOTS, strict=False):
        kept, condition, other = written.partition(f" if {slot} else ")
        if condition and not isinstance(operand, Ref):
            written = kept if operand else other
    return written


def leaf_name(leaf: Leaf) -> str:
    """p_3 is the parameter number 3, x2_0 the number 0 of the second input, s_0 the first scalar of a step."""
    return f"{leaf.source}_{leaf.position}" if leaf.position >= 0 else leaf.source


def constant(number: float) -> str:
    """A float as source that reads back as the same bits."""
    return repr(number) if number >= 0 and copysign(1.0, number) > 0 else f"({number!r})"


def names(source: str, count: int) -> str:
    """The names of a vector, as the target of an assignment."""
    return "[" + ", ".join(f"{source}_{i}" for i in range(count)) + "]"


def row_names(trace: Trace) -> str:
    """The names of all inputs of one row, as the target of a loop."""
    return "[" + ", ".join(f"{source}_{k}" for source, k in _row(trace)) + "]"


def _row(trace: Trace) -> list[tuple[str, int]]:
    return [(f"x{i}", k) for i, shape in enumerate(trace.inputs, 1) for k in range(prod(shape))]


def indented(width: int, lines: Sequence[str]) -> list[str]:
    """The lines, moved to the right."""
    return [" " * width + line for line in lines]
