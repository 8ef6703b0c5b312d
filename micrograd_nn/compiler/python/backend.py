"""The ``python`` backend: a graph on floats, small ones as straight-line code, long ones node by node.

Bit for bit it has the numbers of the scalar engine, in value, gradient and every step of a training (the sign of a zero
alone may differ). For a few dozen nodes nothing is faster in Python: the loop "forward, backward, update, next sample"
is one function, and its numbers never leave the interpreter's local variables. Where that function would take too long
to make, a loop over flat lists does the same for a million nodes. A training repays more preparation than one call.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from inspect import getsource
from math import isfinite
from typing import Any

from ...number import as_array
from ..backend import Log, Part, Update, execute
from ..straight import forward, functions_source, gradient_of, train_source
from ..trace import Trace

STRAIGHT = 30_000  # nodes: beyond, straight-line code takes too long to make for a call
TRAINED = 200_000  # and for a training, in which it is some 50 times as fast: making it takes as long as about 30 rows


class PythonBackend:
    """Runs a trace on floats."""

    name = "python"

    def __init__(self, trace: Trace) -> None:
        self._trace, self._long = trace, len(trace) > STRAIGHT

    @cached_property
    def source(self) -> str:
        if self._long:
            return getsource(NodeByNode)
        return functions_source(self._trace)

    @cached_property
    def _functions(self) -> dict[str, Any]:
        if self._long:
            return {name: getattr(NodeByNode(self._trace), name) for name in ("value", "value_and_grad")}
        return execute(self.source)

    def value(self, p: Sequence[float], rows: Any) -> float:
        return float(self._functions["value"](p, rows.lists))

    def each(self, p: Sequence[float], rows: Any) -> Any:
        value = self._functions["value"]
        return as_array([value(p, [row]) for row in rows.lists])

    def value_and_grad(self, p: Sequence[float], rows: Any) -> tuple[float, Any]:
        loss, gradient = self._functions["value_and_grad"](p, rows.lists)
        return loss, as_array(gradient)

    def loop(self, update: Update, batch_size: int) -> "PythonLoop":
        if len(self._trace) > TRAINED:
            return PythonLoop(getsource(NodeByNode), NodeByNode(self._trace, update, batch_size).train)
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


class NodeByNode:
    """The functions of straight-line code, ``value``, ``value_and_grad`` and ``train``, as loops over a trace."""

    def __init__(self, trace: Trace, update: Update | None = None, size: int = 1) -> None:
        self._trace, self._update, self._size = trace, update, size

    def value(self, p: Sequence[float], rows: Sequence[Sequence[float]]) -> float:
        """The mean loss over the rows."""
        total = 0.0
        for row in rows:  # sum() would round otherwise
            total += forward(self._trace, [*p, *row])[-1]
        return total / float(len(rows))

    def value_and_grad(self, p: Sequence[float], rows: Sequence[Sequence[float]]) -> tuple[float, list[float]]:
        """The mean loss, and the gradient of that mean."""
        total, sums, n = 0.0, [0.0] * len(p), float(len(rows))
        for row in rows:
            numbers = forward(self._trace, [*p, *row])
            total += numbers[-1]
            sums = [have + new for have, new in zip(sums, gradient_of(self._trace, numbers), strict=True)]
        return total / n, [have / n for have in sums]

    def train(self, p: list[float], memory: list[list[float]], parts: Any, scalars: Any, log: Log) -> None:
        """What ``train_source`` writes, for the update and the batch size that were given."""
        each = iter(scalars)
        for rows in parts:
            log.sums.append(0.0)
            for start in range(0, len(rows), self._size):
                batch = rows[start : start + self._size]
                loss, gradient = self.value_and_grad(p, batch)
                if not isfinite(loss):
                    return
                self._move(p, memory, gradient, next(each))
                log.sums[-1] += loss * len(batch)
                log.steps += 1

    def _move(self, p: list[float], memory: list[list[float]], gradient: list[float], each: Sequence[float]) -> None:
        assert self._update is not None
        s = dict(zip(self._update.scalars, each, strict=True))
        for i, reached in enumerate(self._trace.reached):
            if reached:
                p[i], kept = self._update.rule(p[i], gradient[i], tuple([vector[i] for vector in memory]), s)
                for vector, number in zip(memory, kept, strict=True):
                    vector[i] = number
