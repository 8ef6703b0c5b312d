"""The ``python`` backend: a small graph as straight-line code on floats.

Promise: bit for bit the numbers of the scalar engine, in value, gradient and every step of a training (the sign of a
zero alone may differ). Each line is a row's ``python`` template or its forward itself, and the sweep adds the terms up
in the engine's order. For a few dozen nodes nothing is faster in Python: the loop "forward, backward, update, next
sample" is one function, and its numbers never leave the interpreter's local variables.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from inspect import getsource
from math import copysign, prod
from typing import Any

import numpy as np

from .backend import Number, Update
from .execute import execute
from .steps import Apply, Leaf, Step, Tape, Tracer, plain
from .trace import CONSTANT, PARAMETER, Trace
from .walk import Walk

STRAIGHT = 30_000  # nodes: beyond, straight-line code takes too long to make, and the walk takes over
NESTED = 8  # how deep an expression may grow before it gets a line of its own

SLOTS = ("{a}", "{b}")  # where a template has its operands


class PythonBackend:
    """Runs a trace as straight-line code."""

    name = "python"

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    @cached_property
    def source(self) -> str:
        if self._long:
            return getsource(Walk)
        return value_source(self._trace) + "\n\n\n" + gradient_source(self._trace)

    @cached_property
    def _functions(self) -> dict[str, Any]:
        if self._long:
            return {"value": self._walk.value, "value_and_grad": self._walk.value_and_grad}
        return execute(self.source)

    @property
    def _long(self) -> bool:
        return len(self._trace) > STRAIGHT

    @cached_property
    def _walk(self) -> Walk:
        return Walk(self._trace)

    def value(self, p: Sequence[float], rows: Any) -> float:
        return float(self._functions["value"](p, rows.lists))

    def each(self, p: Sequence[float], rows: Any) -> Any:
        value = self._functions["value"]
        return np.array([value(p, [row]) for row in rows.lists])

    def value_and_grad(self, p: Sequence[float], rows: Any) -> tuple[float, Any]:
        loss, gradient = self._functions["value_and_grad"](p, rows.lists)
        return loss, np.array(gradient)

    def loop(self, update: Update, batch_size: int) -> "PythonLoop":
        if self._long:
            return PythonLoop(self.source, self._walk.epoch(update, batch_size))
        source = epoch_source(self._trace, update, batch_size)
        return PythonLoop(source, execute(source)["epoch"])


class PythonLoop:
    """The generated function ``epoch``; a state is the parameters and the memories, as lists of floats."""

    def __init__(self, source: str, epoch: Callable[..., None]) -> None:
        self.source = source
        self._epoch = epoch

    def state(self, p: Sequence[float], memory: Sequence[Sequence[float]]) -> tuple[list[float], list[list[float]]]:
        return list(p), [list(vector) for vector in memory]

    def epoch(
        self, state: Any, rows: Any, order: Sequence[int], scalars: Iterable[Sequence[float]], log: list[Any]
    ) -> None:
        lists = rows.lists
        self._epoch(*state, [lists[i] for i in order], scalars, log)

    def numbers(self, state: Any) -> tuple[list[float], list[list[float]]]:
        p, memory = state
        return p, memory


def record(trace: Trace) -> tuple[Tape, Number, list[Number]]:
    """The loss and its gradient, a number per parameter, written down by running the sweep on tracers."""
    tape = Tape()
    numbers: list[Number] = []
    depends: list[bool] = []  # on a parameter
    for i, operation in enumerate(trace.operations):
        if operation is None:
            numbers.append(_leaf(tape, trace, i))
            depends.append(trace.source[i] == PARAMETER)
        else:
            below = [j for j in (trace.left[i], trace.right[i]) if j >= 0]
            numbers.append(operation(*[numbers[j] for j in below]))
            depends.append(any(depends[j] for j in below))
    return tape, numbers[-1], _sweep(trace, numbers, depends)


def _leaf(tape: Tape, trace: Trace, i: int) -> Number:
    source = trace.source[i]
    if source == CONSTANT:
        return trace.numbers[i]
    return tape.add(Leaf((), (), source != PARAMETER, "p" if source == PARAMETER else f"x{source}", trace.place[i]))


def _sweep(trace: Trace, numbers: list[Number], depends: list[bool]) -> list[Number]:
    adjoints: list[Number] = [None] * len(trace)
    adjoints[-1] = 1.0
    gradient: list[Number] = [0.0] * len(trace.parameters)
    for i in range(len(trace) - 1, -1, -1):
        adjoint, operation = adjoints[i], trace.operations[i]
        if operation is None:
            if depends[i]:
                gradient[trace.place[i]] = adjoint
        elif adjoint is not None:
            below = [j for j in (trace.left[i], trace.right[i]) if j >= 0]
            operands = [numbers[j] for j in below]
            for j, partial in zip(below, operation.partials, strict=True):
                if depends[j]:
                    term = adjoint * partial(*operands, numbers[i])
                    adjoints[j] = term if adjoints[j] is None else adjoints[j] + term
        adjoints[i] = None  # one adjoint for each open edge, not for each node
    return gradient


class Lines:
    """The lines of source that compute some outputs of a tape; each of ``named`` is a name of its own."""

    def __init__(self, tape: Tape, named: Sequence[Number], inline: Sequence[Number] = ()) -> None:
        self._steps = tape.steps
        self._uses = self._count(named, inline)
        self._texts: list[str] = []
        self._depths: list[int] = []
        self.lines: list[str] = []
        for number, step in enumerate(tape.steps):
            self._write(number, step)

    def text(self, number: Number) -> str:
        """How an operand is written: a constant, a name, or a bracketed expression that is used only once."""
        return self._operand(plain(number))

    def _operand(self, operand: Any) -> str:
        return constant(operand) if operand.__class__ is float else self._texts[operand]

    def _count(self, named: Sequence[Number], inline: Sequence[Number]) -> list[int]:
        uses = [0] * len(self._steps)
        for output, weight in [*((output, 2) for output in named), *((output, 1) for output in inline)]:
            if isinstance(output, Tracer):
                uses[output.number] += weight
        for number in range(len(uses) - 1, -1, -1):
            step = self._steps[number]
            if uses[number] and isinstance(step, Apply):
                for operand, slot in zip(step.operands, SLOTS, strict=False):
                    if operand.__class__ is int:
                        uses[operand] += step.operation.python.count(slot)
        return uses

    def _write(self, number: int, step: Step) -> None:
        name, depth = f"v{number}", 0
        if isinstance(step, Leaf):
            name = leaf_name(step)
        elif isinstance(step, Apply) and self._uses[number]:
            operands = dict(zip("ab", map(self._operand, step.operands), strict=False))
            expression = step.operation.python.format(**operands)
            depth = 1 + max(self._depths[operand] for operand in step.operands if operand.__class__ is int)
            if self._uses[number] == 1 and depth < NESTED:
                name = f"({expression})"
            else:
                self.lines.append(f"{name} = {expression}")
                depth = 0
        self._texts.append(name)
        self._depths.append(depth)


def leaf_name(leaf: Leaf) -> str:
    """p3 is the parameter number 3, x2_0 the number 0 of the second input, s1 the first scalar of a step."""
    return f"{leaf.source}_{leaf.place}" if leaf.place >= 0 else leaf.source


def constant(number: float) -> str:
    """A float as source that reads back as the same bits."""
    return repr(number) if number >= 0 and copysign(1.0, number) > 0 else f"({number!r})"


def names(source: str, count: int) -> str:
    """The names of a vector, as the target of an assignment."""
    return "[" + ", ".join(f"{source}_{i}" for i in range(count)) + "]"


def value_source(trace: Trace) -> str:
    """``value(p, rows)``: the mean loss over the rows."""
    tape, loss, _ = record(trace)
    return "\n".join(_mean(trace, "value", Lines(tape, [loss]), loss, {}, ""))


def gradient_source(trace: Trace) -> str:
    """``value_and_grad(p, rows)``: the mean loss over the rows and the gradient of that mean."""
    tape, loss, gradient = record(trace)
    reached = {i: gradient[i] for i in range(len(gradient)) if trace.reached[i]}
    shown = ", ".join(f"g_{i} / n" if i in reached else "0.0" for i in range(len(gradient)))
    written = Lines(tape, [loss], list(reached.values()))
    return "\n".join(_mean(trace, "value_and_grad", written, loss, reached, f", [{shown}]"))


def _mean(trace: Trace, name: str, written: Lines, loss: Number, gradient: dict[int, Number], shown: str) -> list[str]:
    return [
        f"def {name}(p, rows):",
        f"    {names('p', len(trace.parameters))} = p",
        "    total = 0.0",
        *(f"    g_{i} = 0.0" for i in gradient),
        f"    for {_row(trace)} in rows:",
        *indented(8, written.lines),
        f"        total += {written.text(loss)}",
        *(f"        g_{i} += {written.text(g)}" for i, g in gradient.items()),
        "    n = float(len(rows))",
        f"    return total / n{shown}",
    ]


def _row(trace: Trace) -> str:
    """The names of all inputs of one row, as the target of a loop."""
    return "[" + ", ".join(f"x{i + 1}_{j}" for i, shape in enumerate(trace.inputs) for j in range(prod(shape))) + "]"


def indented(width: int, lines: Sequence[str]) -> list[str]:
    """The lines, moved to the right."""
    return [" " * width + line for line in lines]


def _moved(tape: Tape, update: Update, gradient: dict[int, Number]) -> dict[str, Number]:
    """The new parameters and memories by name, for the parameters that have a gradient."""
    moved: dict[str, Number] = {}
    for i, g in gradient.items():
        p, *memory = (tape.add(Leaf((), (), False, name, i)) for name in _vectors(update))
        moved[f"p_{i}"], kept = update.on(tape, p, g, tuple(memory))
        moved |= {f"m{k}_{i}": number for k, number in enumerate(kept)}
    return moved


def _vectors(update: Update) -> dict[str, str]:
    return {"p": "p", **{f"m{k}": f"memory[{k}]" for k in range(len(update.memories))}}


def epoch_source(trace: Trace, update: Update, size: int) -> str:
    """``epoch(p, memory, rows, scalars, tally)``: step after step over the rows, ``size`` rows to a step.

    It ends before a step whose loss is nan or infinite. ``tally`` receives the sum of the rows' losses and the number of
    steps, also if Ctrl-C ends it: Python looks for signals at calls and jumps, and there is none between the stores
    that end a step.
    """
    count = len(trace.parameters)
    vectors = _vectors(update)
    body = _one_row(trace, update) if size == 1 else _batch(trace, update, size)
    return "\n".join(
        [
            "def epoch(p, memory, rows, scalars, tally):",
            *(f"    {names(name, count)} = {vector}" for name, vector in vectors.items()),
            "    total, done = 0.0, 0",
            "    try:",
            *indented(8, body),
            "    finally:",
            *(f"        {vector}[:] = {names(name, count)}" for name, vector in vectors.items()),
            "        tally[:] = total, done",
        ]
    )


def _one_row(trace: Trace, update: Update) -> list[str]:
    tape, loss, gradient = record(trace)
    reached = {i: gradient[i] for i in range(len(gradient)) if trace.reached[i]}
    moved = _moved(tape, update, reached)
    return [
        f"for {_row(trace)}, {_scalars(update)} in zip(rows, scalars):",
        *indented(4, _step(tape, loss, reached, moved)),
    ]


def _batch(trace: Trace, update: Update, size: int) -> list[str]:
    tape, loss, gradient = record(trace)
    reached = [i for i in range(len(gradient)) if trace.reached[i]]
    written = Lines(tape, [loss], [gradient[i] for i in reached])
    means = Tape()
    sums = {i: means.add(Leaf((), (), False, "g", i)) for i in reached}
    n, subtotal = (means.add(Leaf((), (), False, name)) for name in ("n", "subtotal"))
    averages: dict[int, Number] = {i: g / n for i, g in sums.items()}
    moved = _moved(means, update, averages)
    return [
        f"for start, {_scalars(update)} in zip(range(0, len(rows), {size}), scalars):",
        f"    batch = rows[start : start + {size}]",
        "    n, subtotal = float(len(batch)), 0.0",
        *(f"    g_{i} = 0.0" for i in reached),
        f"    for {_row(trace)} in batch:",
        *indented(8, written.lines),
        f"        subtotal += {written.text(loss)}",
        *(f"        g_{i} += {written.text(gradient[i])}" for i in reached),
        *indented(4, _step(means, subtotal, averages, moved)),
    ]


def _step(tape: Tape, loss: Number, gradient: dict[int, Number], moved: dict[str, Number]) -> list[str]:
    """From the loss to the new parameters: all of them are computed before the first is stored."""
    at_once = len(moved) > len(gradient) or any(
        isinstance(g, Tracer) and isinstance(tape[g], Leaf) for g in gradient.values()
    )
    named, inline = (list(moved.values()), []) if at_once else ([], list(moved.values()))
    written = Lines(tape, [loss, *gradient.values(), *named], inline)
    shown = written.text(loss)
    return [
        *written.lines,
        f"if {shown} - {shown} != 0.0:  # nan or infinite",
        "    break",
        f"total += {shown}",
        *(f"{name} = {written.text(number)}" for name, number in moved.items()),
        "done += 1",
    ]


def _scalars(update: Update) -> str:
    return names("s", len(update.scalars))
