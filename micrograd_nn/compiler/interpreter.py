"""The interpreter: a long graph that is no arrays, run node by node over flat lists.

Promise: the numbers of the scalar engine, bit for bit (the sign of a zero alone may differ), for a million nodes in a
row as for ten. It stands in where straight-line code would take too long to make; nothing is generated. A step of a
training happens as a whole or not at all, also when Ctrl-C comes in the middle.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .backend import Update
from .trace import CONSTANT, FIRST_INPUT, INNER, PARAMETER, Trace


class Interpreter:
    """A trace as lists, and the sweep over them."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        offsets = np.concatenate(([0], np.cumsum([int(np.prod(shape)) for shape in trace.inputs]))).tolist()
        places = zip(trace.source, trace.position, strict=True)
        self._leaves = [
            (i, source, place if source == PARAMETER else offsets[source - FIRST_INPUT] + place)
            for i, (source, place) in enumerate(places)
            if source not in (INNER, CONSTANT)
        ]
        self._reached = [i for i, reached in enumerate(trace.reached) if reached]
        self._nodes = [
            (i, operation, left, right)
            for i, (operation, left, right) in enumerate(zip(trace.operations, trace.left, trace.right, strict=True))
            if operation is not None
        ]

    def forward(self, p: Sequence[float], row: Sequence[float]) -> list[float]:
        """The numbers of all nodes."""
        numbers = list(self._trace.numbers)
        for i, source, place in self._leaves:
            numbers[i] = p[place] if source == PARAMETER else row[place]
        for i, operation, left, right in self._nodes:
            a = numbers[left]
            numbers[i] = operation.forward(a) if right < 0 else operation.forward(a, numbers[right])
        return numbers

    def backward(self, numbers: list[float]) -> list[float]:
        """The adjoints of the parameters, in their order."""
        adjoints = [0.0] * len(numbers)
        adjoints[-1] = 1.0
        for i, operation, left, right in reversed(self._nodes):
            adjoint, a, out = adjoints[i], numbers[left], numbers[i]
            if right < 0:
                adjoints[left] += adjoint * operation.partials[0](a, out)
            else:
                b = numbers[right]
                adjoints[left] += adjoint * operation.partials[0](a, b, out)
                adjoints[right] += adjoint * operation.partials[1](a, b, out)
        gradient = [0.0] * len(self._trace.parameters)
        for i, source, place in self._leaves:
            if source == PARAMETER:
                gradient[place] = adjoints[i]
        return gradient

    # ---- what straight-line code has as functions ----

    def value(self, p: Sequence[float], rows: Sequence[Sequence[float]]) -> float:
        """The mean loss over the rows."""
        total = 0.0
        for row in rows:
            total += self.forward(p, row)[-1]
        return total / float(len(rows))

    def value_and_grad(self, p: Sequence[float], rows: Sequence[Sequence[float]]) -> tuple[float, list[float]]:
        """The mean loss, and the gradient of that mean."""
        total, sums, n = 0.0, [0.0] * len(p), float(len(rows))
        for row in rows:
            numbers = self.forward(p, row)
            total += numbers[-1]
            sums = [have + new for have, new in zip(sums, self.backward(numbers), strict=True)]
        return total / n, [have / n for have in sums]

    def train(self, update: Update, size: int) -> Callable[..., None]:
        """The function ``train`` of python_loop.train_source, for an optimiser and a batch size."""

        def train(
            p: list[float],
            memory: list[list[float]],
            passes: Iterable[Any],
            scalars: Iterable[Sequence[float]],
            losses: list[float],
            tally: list[Any],
        ) -> None:
            each = iter(scalars)
            tally[:] = 0.0, 0
            for rows in passes:
                tally[0] = 0.0
                for start in range(0, len(rows), size):
                    batch = rows[start : start + size]
                    loss, gradient = self.value_and_grad(p, batch)
                    if loss - loss != 0.0:  # nan or infinite
                        return
                    moved, kept = self._moved(update, p, memory, gradient, next(each))
                    places: list[list[Any]] = [p, memory, tally]
                    counted = [tally[0] + loss * len(batch), tally[1] + 1]
                    # One call into C, which Ctrl-C can't cut in two.
                    stores = map(list.__setitem__, places, [slice(None)] * 3, [moved, kept, counted])
                    deque(stores, maxlen=0)
                losses.append(tally[0])

        return train

    def _moved(
        self, update: Update, p: list[float], memory: list[list[float]], gradient: list[float], each: Sequence[float]
    ) -> tuple[list[float], list[list[float]]]:
        s = dict(zip(update.scalars, each, strict=True))
        moved, kept = list(p), [list(vector) for vector in memory]
        for i in self._reached:
            moved[i], rest = update.rule(p[i], gradient[i], tuple(vector[i] for vector in memory), s)
            for vector, number in zip(kept, rest, strict=True):
                vector[i] = number
        return moved, kept
