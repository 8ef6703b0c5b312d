"""The training loop of the ``python`` backend: "forward, backward, update, next sample" as one function.

Promise: a step happens as a whole or not at all, also when Ctrl-C comes in the middle. Python looks for signals at
calls and at jumps back, and between the stores that end a step there is neither.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .backend import Number, Update
from .steps import Leaf, Tape, Tracer
from .straight import Lines, indented, names, record, row_names
from .trace import Trace

_CALL = re.compile(r"\w\(")  # where Ctrl-C may come


class PythonLoop:
    """The function ``train``, generated or not; a state is the parameters and the memories, as lists of floats."""

    def __init__(self, source: str, train: Callable[..., None]) -> None:
        self.source, self._train = source, train

    def state(self, p: Sequence[float], memory: Sequence[Sequence[float]]) -> tuple[list[float], list[list[float]]]:
        return list(p), [list(vector) for vector in memory]

    def train(
        self,
        state: Any,
        rows: Any,
        orders: Iterable[Sequence[int] | None],
        scalars: Iterable[Sequence[float]],
        losses: list[float],
        log: list[Any],
    ) -> None:
        lists = rows.lists
        passes = (lists if order is None else [lists[i] for i in order] for order in orders)
        self._train(*state, passes, scalars, losses, log)

    def epoch(
        self, state: Any, rows: Any, order: Sequence[int], scalars: Iterable[Sequence[float]], log: list[Any]
    ) -> None:
        self.train(state, rows, [order], scalars, [], log)

    def numbers(self, state: Any) -> tuple[list[float], list[list[float]]]:
        p, memory = state
        return p, memory


def train_source(trace: Trace, update: Update, size: int) -> str:
    """``train(p, memory, passes, scalars, losses, tally)``: pass after pass, step after step, ``size`` rows to a step.

    It ends before a step whose loss is nan or infinite. ``losses`` grows by the sum of the rows' losses for each pass
    that was finished; ``tally`` becomes that sum for the last pass and the number of steps, also if Ctrl-C ends it.
    """
    count = len(trace.parameters)
    vectors = _vectors(update)
    body = _one_row(trace, update) if size == 1 else _batch(trace, update, size)
    return "\n".join(
        [
            "def train(p, memory, passes, scalars, losses, tally):",
            *(f"    {names(name, count)} = {vector}" for name, vector in vectors.items()),
            *([] if update.varying else [f"    {_scalars(update)} = next(iter(scalars))"]),
            "    total, done = 0.0, 0",
            "    try:",
            "        for rows in passes:",
            "            total = 0.0",
            *indented(12, body),
            "            losses.append(total)",
            "    finally:",
            *(f"        {vector}[:] = {names(name, count)}" for name, vector in vectors.items()),
            "        tally[:] = total, done",
        ]
    )


def _loop(target: str, rows: str, update: Update) -> str:
    """The head of the loop over steps; scalars that differ from step to step come along."""
    return (
        f"for {target}, {_scalars(update)} in zip({rows}, scalars):" if update.varying else f"for {target} in {rows}:"
    )


def _one_row(trace: Trace, update: Update) -> list[str]:
    tape, loss, gradient = record(trace)
    reached = {i: gradient[i] for i in range(len(gradient)) if trace.reached[i]}
    moved = _moved(tape, update, reached)
    return [_loop(row_names(trace), "rows", update), *indented(4, _step(tape, loss, reached, moved))]


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
        _loop("start", f"range(0, len(rows), {size})", update),
        f"    batch = rows[start : start + {size}]",
        "    n, subtotal = float(len(batch)), 0.0",
        *(f"    g_{i} = 0.0" for i in reached),
        f"    for {row_names(trace)} in batch:",
        *indented(8, written.lines),
        f"        subtotal += {written.text(loss)}",
        *(f"        g_{i} += {written.text(gradient[i])}" for i in reached),
        *indented(4, _step(means, subtotal, averages, moved)),
    ]


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


def _step(tape: Tape, loss: Number, gradient: dict[int, Number], moved: dict[str, Number]) -> list[str]:
    """From the loss to the new parameters: nothing that a store could spoil, and no call, comes after the first."""
    named, numbers = [loss, *gradient.values()], list(moved.values())
    written = Lines(tape, named, numbers)
    spoils = len(moved) > len(gradient) or any(isinstance(g, Tracer) and isinstance(g.step, Leaf) for g in named[1:])
    if spoils or any(_CALL.search(written.text(number)) for number in numbers):
        written = Lines(tape, [*named, *numbers])
    shown = written.text(loss)
    return [
        *written.lines,
        f"if {shown} - {shown} != 0.0:  # nan or infinite",
        "    return",
        f"total += {shown}",
        *(f"{name} = {written.text(number)}" for name, number in moved.items()),
        "done += 1",
    ]


def _scalars(update: Update) -> str:
    return names("s", len(update.scalars))
