"""The training loop of the ``numpy`` backend.

Promise: a step happens as a whole or not at all, also when Ctrl-C comes in the middle: the new parameters and memories
are stored, and the step is counted, by one call into C.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .array_source import ArraySource
from .backend import Update
from .execute import execute
from .steps import Leaf, Ref, Tape, plain
from .straight import indented


class NumpyLoop:
    """The loop over batches; a state is the memories, as arrays. The parameters stay in the backend."""

    def __init__(self, backend: Any, update: Update, batch_size: int, scope: dict[str, Any]) -> None:
        self._backend, self._size = backend, batch_size
        self.source, arrays = update_source(len(backend.p), update, backend)
        self._build_update = execute(self.source, **scope, **arrays)["build_update"]

    def state(self, p: Sequence[float], memory: Sequence[Sequence[float]]) -> list[Any]:
        self._backend.p[:] = p
        return [np.array(vector, self._backend.dtype) for vector in memory]

    def numbers(self, state: list[Any]) -> tuple[list[float], list[list[float]]]:
        return self._backend.p.tolist(), [vector.tolist() for vector in state]

    def train(
        self,
        state: list[Any],
        rows: Any,
        orders: Iterable[Sequence[int] | None],
        scalars: Iterable[Sequence[float]],
        losses: list[float],
        log: list[Any],
    ) -> None:
        arrays = [np.ascontiguousarray(array, self._backend.dtype) for array in rows.arrays]
        done = np.zeros((), np.int64)
        update = self._build_update(self._backend.p, self._backend.g, *state, done)
        each, total = iter(scalars), 0.0
        still_there = False  # the same rows as in the step before, all of them in their order
        try:
            with np.errstate(all="ignore"):
                for order in orders:
                    total = 0.0
                    which, count = (None, len(rows)) if order is None else (np.asarray(order), len(order))
                    for start in range(0, count, self._size):
                        stop = min(start + self._size, count)
                        built = self._backend.built(stop - start)
                        if not still_there:
                            _fill(built.inputs, arrays, which, start, stop)
                        still_there = which is None and stop - start == count
                        loss = built.value_and_grad(1.0 / (stop - start))
                        if loss - loss != 0.0:  # nan or infinite
                            return
                        update(*next(each))
                        total += loss
                    losses.append(total)
        finally:
            log[:] = total, int(done)

    def epoch(
        self, state: Any, rows: Any, order: Sequence[int], scalars: Iterable[Sequence[float]], log: list[Any]
    ) -> None:
        self.train(state, rows, [order], scalars, [], log)


def _fill(buffers: list[Any], arrays: list[Any], which: Any, start: int, stop: int) -> None:
    """Take over the rows from start to stop, or those that ``which`` names there."""
    for buffer, array in zip(buffers, arrays, strict=True):
        if which is None:
            buffer[...] = array[start:stop]
        else:
            array.take(which[start:stop], 0, buffer, "clip")


def update_source(count: int, update: Update, backend: Any) -> tuple[str, dict[str, Any]]:
    """``build_update(p, g, *memories, done)`` makes ``update(*scalars)``: the optimiser's step on whole vectors."""
    tape = Tape()
    vectors = ["p", *(f"m{k}" for k in range(len(update.memories)))]
    p, *memory = (tape.add(Leaf((), (count,), False, name)) for name in vectors)
    moved, kept = update.on(tape, p, tape.add(Leaf((), (count,), False, "g")), tuple(memory))
    outcomes = [plain(outcome) for outcome in (moved, *kept)]
    still = backend.still
    written = ArraySource(tape.steps, outcomes, backend.dtype, "u", spendable={"g"} if backend.refreshed else set())
    lines = list(written.lines)
    last = lines.pop() if len(vectors) == 1 and not len(still) and _is_last(written, lines, outcomes[0]) else ""
    if last:
        function, arguments = last.removesuffix(f", out={written.text(outcomes[0])})").split("(", 1)
        a, b = arguments.split(", ")
        commit = f"call, ({function}, np.add), ({a}, done), ({b}, 1), (p, done)"
    else:
        fresh = [written.text(outcome) for outcome in outcomes]
        lines += [f"{name}[still] = {vector}[still]" for name, vector in zip(fresh, vectors, strict=True) if len(still)]
        lines.append("np.add(done, 1, out=after)")
        commit = f"np.positive, ({', '.join(fresh)}, after), ({', '.join(vectors)}, done)"
    source = [
        f"def build_update({', '.join([vectors[0], 'g', *vectors[1:]])}, done):",
        "    after = np.zeros((), np.int64)",
        *indented(4, written.made),
        f"    def update({', '.join(f's_{k}' for k in range(len(update.scalars)))}):",
        *indented(8, lines),
        f"        deque(map({commit}), maxlen=0)  # all or nothing: one call into C",
        "    return update",
    ]
    return "\n".join(source), {**written.scope, "still": still}


def _is_last(written: ArraySource, lines: list[str], moved: Ref | float) -> bool:
    """Whether the last line is a ufunc of two operands that makes the new parameters."""
    last = lines[-1] if lines else ""
    return last.endswith(f", out={written.text(moved)})") and last.count(", ") == 2 and last.startswith("np.")
