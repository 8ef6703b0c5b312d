"""The ``python`` backend: a small graph as straight-line code on floats.

Bit for bit it has the numbers of the scalar engine, in value, gradient and every step of a training (the sign of a zero
alone may differ). Each line is a row's ``python`` template or its forward itself, and the sweep adds the terms up in
the engine's order. For a few dozen nodes nothing is faster in Python: the loop "forward, backward, update, next sample"
is one function, and its numbers never leave the interpreter's local variables.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from inspect import getsource
from typing import Any

import numpy as np

from . import interpreter
from .backend import Log, Number, Part, Update, execute
from .steps import Leaf, Tape
from .straight import Lines, indented, names, record, row_names
from .trace import Trace

STRAIGHT = 30_000  # nodes: beyond, straight-line code takes too long to make, and the interpreter takes over


class PythonBackend:
    """Runs a trace as straight-line code, or node by node where it is long."""

    name = "python"

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._interpreter = interpreter.Interpreter(trace) if len(trace) > STRAIGHT else None

    @cached_property
    def source(self) -> str:
        if self._interpreter:
            return getsource(interpreter)
        return value_source(self._trace) + "\n\n\n" + gradient_source(self._trace)

    @cached_property
    def _functions(self) -> dict[str, Any]:
        if self._interpreter:
            return {"value": self._interpreter.value, "value_and_grad": self._interpreter.value_and_grad}
        return execute(self.source)

    def value(self, p: Sequence[float], rows: Any) -> float:
        return float(self._functions["value"](p, rows.lists))

    def each(self, p: Sequence[float], rows: Any) -> Any:
        value = self._functions["value"]
        return np.array([value(p, [row]) for row in rows.lists])

    def value_and_grad(self, p: Sequence[float], rows: Any) -> tuple[float, Any]:
        loss, gradient = self._functions["value_and_grad"](p, rows.lists)
        return loss, np.array(gradient)

    def loop(self, update: Update, batch_size: int) -> "PythonLoop":
        if self._interpreter:
            steps = interpreter.InterpretedSteps(self._interpreter, self._trace.reached, update, batch_size)
            return PythonLoop(self.source, steps)
        source = train_source(self._trace, update, batch_size)
        return PythonLoop(source, execute(source)["train"])


class PythonLoop:
    """The function ``train``, generated or not; a state is the parameters and the memories, as lists of floats."""

    def __init__(self, source: str, train: Callable[..., None]) -> None:
        self.source, self._train = source, train

    def state(self, p: Sequence[float], memory: Sequence[Sequence[float]]) -> tuple[list[float], list[list[float]]]:
        return list(p), [list(vector) for vector in memory]

    def train(self, state: Any, rows: Any, parts: Iterable[Part], scalars: Iterable[Sequence[float]], log: Log) -> None:
        lists, every = rows.lists, rows.every
        picked = (lists if part is every else [lists[i] for i in part] for part in parts)
        self._train(*state, picked, scalars, log)

    def numbers(self, state: Any) -> tuple[list[float], list[list[float]]]:
        p, memory = state
        return p, memory


# ---- a loss and its gradient ----


def value_source(trace: Trace) -> str:
    """``value(p, rows)``: the mean loss over the rows."""
    tape, loss, _ = record(trace)
    return "\n".join(_mean(trace, "value", Lines(tape, [loss]), loss, {}, ""))


def gradient_source(trace: Trace) -> str:
    """``value_and_grad(p, rows)``: the mean loss over the rows and the gradient of that mean."""
    tape, loss, gradient = record(trace)
    reached = _reached(trace, gradient)
    shown = ", ".join(f"g_{i} / n" if i in reached else "0.0" for i in range(len(gradient)))
    written = Lines(tape, [loss], list(reached.values()))
    return "\n".join(_mean(trace, "value_and_grad", written, loss, reached, f", [{shown}]"))


def _mean(trace: Trace, name: str, written: Lines, loss: Number, gradient: dict[int, Number], shown: str) -> list[str]:
    return [
        f"def {name}(p, rows):",
        f"    {names('p', len(trace.parameters))} = p",
        "    total = 0.0",
        *(f"    g_{i} = 0.0" for i in gradient),
        f"    for {row_names(trace)} in rows:",
        *indented(8, written.lines),
        f"        total += {written.text(loss)}",
        *(f"        g_{i} += {written.text(g)}" for i, g in gradient.items()),
        "    n = float(len(rows))",
        f"    return total / n{shown}",
    ]


def _reached(trace: Trace, gradient: Sequence[Number]) -> dict[int, Number]:
    """The gradient of each parameter that the loss depends on."""
    return {i: g for i, g in enumerate(gradient) if trace.reached[i]}


# ---- a training ----


def train_source(trace: Trace, update: Update, size: int) -> str:
    """``train(p, memory, parts, scalars, log)``: ``Loop.train``, where each part is a list of rows."""
    count, s = len(trace.parameters), names("s", len(update.scalars))
    vectors = {"p": "p"} | {f"m{k}": f"memory[{k}]" for k in range(len(update.memories))}
    target, rows, lines, gradient = _one_row(trace) if size == 1 else _batch(trace, size)
    head = f"for {target}, {s} in zip({rows}, scalars):" if update.varying else f"for {target} in {rows}:"
    return "\n".join(
        [
            "def train(p, memory, parts, scalars, log):",
            *(f"    {names(name, count)} = {vector}" for name, vector in vectors.items()),
            *([] if update.varying else [f"    {s} = next(iter(scalars))"]),
            "    sums, total, done = log.sums, 0.0, 0",
            "    try:",
            "        for rows in parts:",
            "            sums.append(0.0)",
            "            total = 0.0",
            f"            {head}",
            *indented(16, [*lines, *_moves(update, gradient, list(vectors))]),
            "                done += 1",
            "            sums[-1] = total",
            "    finally:",
            *(f"        {vector}[:] = {names(name, count)}" for name, vector in vectors.items()),
            "        sums[-1:] = [total]",
            "        log.steps = done",
        ]
    )


Step = tuple[str, str, list[str], dict[int, str]]


def _one_row(trace: Trace) -> Step:
    """What a step loops over, its lines from a row to the loss, and the names of the gradient by parameter."""
    tape, loss, gradient = record(trace)
    reached = _reached(trace, gradient)
    written = Lines(tape, [loss, *reached.values()])
    shown = {i: written.text(g) for i, g in reached.items()}
    apart = {
        i: f"g_{i}" for i, text in shown.items() if not text.startswith("v")
    }  # a parameter, which moves, or a constant
    lines = [*written.lines, *(f"{name} = {shown[i]}" for i, name in apart.items()), *_counted(written.text(loss))]
    return row_names(trace), "rows", lines, shown | apart


def _batch(trace: Trace, size: int) -> Step:
    """The same for the mean over a batch of rows."""
    tape, loss, gradient = record(trace)
    reached = _reached(trace, gradient)
    written = Lines(tape, [loss], list(reached.values()))
    lines = [
        f"batch = rows[start : start + {size}]",
        "n, subtotal = float(len(batch)), 0.0",
        *(f"g_{i} = 0.0" for i in reached),
        f"for {row_names(trace)} in batch:",
        *indented(4, written.lines),
        f"    subtotal += {written.text(loss)}",
        *(f"    g_{i} += {written.text(g)}" for i, g in reached.items()),
        *_counted("subtotal"),
        *(f"g_{i} /= n" for i in reached),
    ]
    return "start", f"range(0, len(rows), {size})", lines, {i: f"g_{i}" for i in reached}


def _counted(loss: str) -> list[str]:
    return [f"if {loss} - {loss} != 0.0:  # nan or infinite", "    return", f"total += {loss}"]


def _moves(update: Update, gradient: dict[int, str], vectors: list[str]) -> list[str]:
    """The optimiser's rule for each parameter that has a gradient, read from the variable of that name."""
    tape = Tape()
    moved: dict[str, tuple[Number, ...]] = {}
    for i, name in gradient.items():
        p, *memory = (tape.add(Leaf((), (), False, vector, i)) for vector in vectors)
        number, kept = update.on(tape, p, tape.add(Leaf((), (), False, name)), tuple(memory))
        moved[", ".join(f"{vector}_{i}" for vector in vectors)] = (number, *kept)
    written = Lines(tape, [], [number for numbers in moved.values() for number in numbers], prefix="u")
    stores = (f"{target} = {', '.join(map(written.text, numbers))}" for target, numbers in moved.items())
    return [*written.lines, *stores]
