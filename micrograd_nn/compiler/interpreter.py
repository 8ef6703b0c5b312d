"""The interpreter: a long graph that is no arrays, run node by node over flat lists.

Its numbers are those of the scalar engine, bit for bit (the sign of a zero alone may differ), for a million nodes in a
row as for ten. It stands in where straight-line code would take too long to make; nothing is generated.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite, prod

from ..engine.graph import sweep
from .backend import Log, Update
from .trace import CONSTANT, FIRST_INPUT, INNER, PARAMETER, Trace


class Interpreter:
    """A trace as lists, and the sweep over them: ``value`` and ``value_and_grad`` as straight-line code has them."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        first = [sum(map(prod, trace.inputs[:k])) for k in range(len(trace.inputs))]  # of each input, in a row
        self._leaves = [
            (i, source, place if source == PARAMETER else first[source - FIRST_INPUT] + place)
            for i, (source, place) in enumerate(zip(trace.source, trace.position, strict=True))
            if source not in (INNER, CONSTANT)
        ]
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
        """The gradient: an adjoint per parameter, in their order."""
        trace = self._trace

        def edges(i: int) -> Iterator[tuple[int, float]]:
            operands = trace.operands(i)
            given = [numbers[j] for j in operands]
            for j, partial in zip(operands, trace.partials(i), strict=True):
                yield j, partial(*given, numbers[i])

        gradient = [0.0] * len(trace.parameters)
        for i, adjoint in sweep(range(len(numbers)), edges, 1.0):
            if trace.source[i] == PARAMETER:
                gradient[trace.position[i]] = adjoint
        return gradient

    def value(self, p: Sequence[float], rows: Sequence[Sequence[float]]) -> float:
        """The mean loss over the rows."""
        total = 0.0
        for row in rows:  # sum() would round otherwise
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


class InterpretedSteps:
    """The function ``train`` of ``python_backend.train_source`` for an interpreter, an optimiser and a batch size."""

    def __init__(self, interpreter: Interpreter, reached: Sequence[bool], update: Update, size: int) -> None:
        self._interpreter, self._update, self._size = interpreter, update, size
        self._moving = [i for i, reaches in enumerate(reached) if reaches]

    def __call__(
        self,
        p: list[float],
        memory: list[list[float]],
        parts: Iterable[Sequence[Sequence[float]]],
        scalars: Iterable[Sequence[float]],
        log: Log,
    ) -> None:
        each = iter(scalars)
        for rows in parts:
            log.sums.append(0.0)
            for start in range(0, len(rows), self._size):
                batch = rows[start : start + self._size]
                loss, gradient = self._interpreter.value_and_grad(p, batch)
                if not isfinite(loss):
                    return
                self._move(p, memory, gradient, dict(zip(self._update.scalars, next(each), strict=True)))
                log.sums[-1] += loss * len(batch)
                log.steps += 1

    def _move(self, p: list[float], memory: list[list[float]], gradient: list[float], s: dict[str, float]) -> None:
        for i in self._moving:
            p[i], kept = self._update.rule(p[i], gradient[i], tuple([vector[i] for vector in memory]), s)
            for vector, number in zip(memory, kept, strict=True):
                vector[i] = number
