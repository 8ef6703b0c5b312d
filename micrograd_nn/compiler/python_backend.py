"""The ``python`` backend: a small graph as straight-line code on floats.

Promise: bit for bit the numbers of the scalar engine, in value, gradient and every step of a training (the sign of a
zero alone may differ). Each line is a row's ``python`` template or its forward itself, and the sweep adds the terms up
in the engine's order. For a few dozen nodes nothing is faster in Python: the loop "forward, backward, update, next
sample" is one function, and its numbers never leave the interpreter's local variables.
"""

from collections.abc import Sequence
from functools import cached_property
from inspect import getsource
from typing import Any

import numpy as np

from .backend import Number, Update
from .execute import execute
from .interpreter import Interpreter
from .python_loop import PythonLoop, train_source
from .straight import Lines, indented, names, record, row_names
from .trace import Trace

STRAIGHT = 30_000  # nodes: beyond, straight-line code takes too long to make, and the interpreter takes over


class PythonBackend:
    """Runs a trace as straight-line code."""

    name = "python"

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    @cached_property
    def source(self) -> str:
        if self._long:
            return getsource(Interpreter)
        return value_source(self._trace) + "\n\n\n" + gradient_source(self._trace)

    @cached_property
    def _functions(self) -> dict[str, Any]:
        if self._long:
            return {"value": self._interpreter.value, "value_and_grad": self._interpreter.value_and_grad}
        return execute(self.source)

    @property
    def _long(self) -> bool:
        return len(self._trace) > STRAIGHT

    @cached_property
    def _interpreter(self) -> Interpreter:
        return Interpreter(self._trace)

    def value(self, p: Sequence[float], rows: Any) -> float:
        return float(self._functions["value"](p, rows.lists))

    def each(self, p: Sequence[float], rows: Any) -> Any:
        value = self._functions["value"]
        return np.array([value(p, [row]) for row in rows.lists])

    def value_and_grad(self, p: Sequence[float], rows: Any) -> tuple[float, Any]:
        loss, gradient = self._functions["value_and_grad"](p, rows.lists)
        return loss, np.array(gradient)

    def loop(self, update: Update, batch_size: int) -> PythonLoop:
        if self._long:
            return PythonLoop(self.source, self._interpreter.train(update, batch_size))
        source = train_source(self._trace, update, batch_size)
        return PythonLoop(source, execute(source)["train"])


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
        f"    for {row_names(trace)} in rows:",
        *indented(8, written.lines),
        f"        total += {written.text(loss)}",
        *(f"        g_{i} += {written.text(g)}" for i, g in gradient.items()),
        "    n = float(len(rows))",
        f"    return total / n{shown}",
    ]
