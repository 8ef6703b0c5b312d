"""The ``numpy`` backend: a lifted program as calls that write into arrays made once.

Within the rounding of reordered sums it has the numbers of the scalar engine, with its nan, inf and kinks. Each step is
the row's own ``numpy`` template, taken apart into calls with an ``out``; matrix products go to BLAS. Buffers and views
are made once for a number of rows and used again in every call, so a training allocates nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..backend import APART, Log, Part, Update, execute
from ..lifted import Lifted
from ..steps import Leaf, Ref, Stretch
from ..straight import chunks, cut, indented
from .source import ArraySource, taken_apart

KEPT = 4  # for so many different numbers of rows the buffers are kept


class NumpyBackend:
    """Runs lifted steps as calls of NumPy."""

    name = "numpy"

    def __init__(self, lifted: Lifted, dtype: str) -> None:
        self.lifted, self.dtype = lifted, dtype
        self.p, self.g = np.zeros((2, len(lifted.reached)), dtype)
        self.source, self._arrays = _source(lifted, dtype)
        self.built = lru_cache(KEPT)(self._build)

    def _build(self, n: int) -> "Built":
        """The buffers for n rows, and the functions that read them."""
        made = execute(self.source, n=n, p=self.p, g=self.g, **self._arrays, **SCOPE)
        each, sweep = made.pop("each"), made.pop("sweep")  # what is left does not refer to itself
        return Built([made[leaf.source] for leaf in self.lifted.rows], each, sweep)

    @np.errstate(all="ignore")
    def value(self, p: Sequence[float], rows: Any) -> float:
        return float(np.add.reduce(self.each(p, rows))) / len(rows)

    @np.errstate(all="ignore")
    def each(self, p: Sequence[float], rows: Any) -> Any:
        built = self._filled(p, rows)
        return np.array(np.broadcast_to(built.each(), len(rows)))

    @np.errstate(all="ignore")
    def value_and_grad(self, p: Sequence[float], rows: Any) -> tuple[float, Any]:
        built = self._filled(p, rows)
        loss = built.value_and_grad(1.0 / len(rows)) / len(rows)
        return float(loss), self.g.copy()

    def _filled(self, p: Sequence[float], rows: Any) -> "Built":
        self.p[:] = p
        built = self.built(len(rows))
        built.fill(rows.arrays, slice(None))
        return built

    def loop(self, update: Update, batch_size: int) -> "NumpyLoop":
        return NumpyLoop(self, update, batch_size)


class Built(NamedTuple):
    """The input buffers for a number of rows, and the functions that read them."""

    inputs: list[Any]
    each: Callable[[], Any]  # the losses of the rows
    sweep: Callable[[float], float]  # their sum, after ``each``; the gradient of seed times it is left in ``g``

    def value_and_grad(self, seed: float) -> float:
        """The sum of the losses, and in ``g`` the gradient of seed times that sum."""
        self.each()
        return self.sweep(seed)

    def fill(self, arrays: list[Any], rows: Any) -> None:
        """Take over those rows: a slice, or an array of their numbers."""
        for buffer, array in zip(self.inputs, arrays, strict=True):
            if isinstance(rows, slice):
                buffer[...] = array[rows]
            else:
                array.take(rows, 0, buffer, "clip")


def _source(lifted: Lifted, dtype: str) -> tuple[str, dict[str, Any]]:
    """What makes the buffers of a Built and its functions, for n rows with parameters and gradient in p and g."""
    wanted = [lifted.loss] if lifted.gradient is None else [lifted.loss, lifted.gradient]
    steps, (loss, *gradient) = taken_apart(lifted.steps, wanted)
    written = ArraySource(steps, [loss, *gradient], dtype, "a", ["", "g"][: len(wanted)])
    (forward, sweep), outcome = written.cut(loss), written.results[0]
    varies = isinstance(loss, Ref) and steps[loss].batched
    total = f"float(np.add.reduce({outcome}))" if varies else f"float({outcome}) * n"
    inputs = [f"{leaf.source} = np.zeros((n, {leaf.shape[0]}), {dtype})" for leaf in lifted.rows]
    pieces = ["\n".join(lines) for lines in chunks([*inputs, *written.made])]
    for name, given, lines, result in (("each", "", forward, outcome), ("sweep", "seed", sweep, total)):
        body = [*cut(lines, pieces, name), f"return {result}"]
        pieces.append("\n".join([f"def {name}({given}):", *indented(4, body)]))
    return APART.join(pieces), written.scope


def view(array: Any, start: int, shape: tuple[int, ...], strides: tuple[int, ...], rows: bool = False) -> Any:
    """The numbers array[start + i·strides[0] + j·strides[1]] without a copy; of each row, with ``rows``."""
    lead = 1 if rows else 0
    flat = array.reshape(*array.shape[:lead], -1)[..., start:]
    step = flat.strides[-1]  # more than a number's size in the last column of running results
    steps = flat.strides[:lead] + tuple(stride * step for stride in strides)
    return as_strided(flat, flat.shape[:lead] + shape, steps)


SCOPE: dict[str, Any] = {"np": np, "view": view, "float32": np.float32, "float64": np.float64}


# ---- a training ----


class NumpyLoop:
    """The loop over batches; a state is the memories, as arrays. The parameters stay in the backend."""

    def __init__(self, backend: NumpyBackend, update: Update, batch_size: int) -> None:
        self._backend, self._size = backend, batch_size
        self.source, arrays = update_source(backend, update)
        self._build_update = execute(self.source, **SCOPE, **arrays)["build_update"]

    def state(self, p: Sequence[float], memory: Sequence[Sequence[float]]) -> list[Any]:
        self._backend.p[:] = p
        state = [np.array(vector, self._backend.dtype) for vector in memory]
        self._update = self._build_update(self._backend.p, self._backend.g, *state)  # once, with all its arrays
        return state

    def numbers(self, state: list[Any]) -> tuple[list[float], list[list[float]]]:
        p, *memory = (vector.tolist() for vector in (self._backend.p, *state))
        return p, memory

    @np.errstate(all="ignore")
    def train(
        self, state: list[Any], rows: Any, parts: Iterable[Part], scalars: Iterable[Sequence[float]], log: Log
    ) -> None:
        arrays = [np.ascontiguousarray(array, self._backend.dtype) for array in rows.arrays]
        update, each = self._update, iter(scalars)
        filled = None  # with which rows the buffers were filled last
        for part in parts:
            log.sums.append(0.0)
            for batch in _batches(part, self._size):
                n = len(batch)
                built = self._backend.built(n)
                if batch is not filled:
                    built.fill(arrays, slice(batch[0], batch[-1] + 1) if isinstance(batch, range) else batch)
                    filled = batch
                loss = built.value_and_grad(1.0 / n)
                if loss - loss != 0.0:  # nan or infinite
                    return
                update(*next(each))
                log.sums[-1] += loss
                log.steps += 1


def _batches(part: Part, size: int) -> Iterable[Any]:
    """The part cut into batches: itself if it is one, ranges of a range, else arrays."""
    if len(part) <= size and isinstance(part, range):
        return [part]
    rows = part if isinstance(part, range) else np.asarray(part)
    return (rows[start : start + size] for start in range(0, len(part), size))


def update_source(backend: NumpyBackend, update: Update) -> tuple[str, dict[str, Any]]:
    """``build_update(p, g, *memories)`` makes ``update(*scalars)``: the optimiser's step on whole vectors."""
    count = len(backend.p)
    tape, outcomes = update.written((count,))
    for k, outcome in enumerate(outcomes):
        if isinstance(outcome, Ref) and isinstance(tape.steps[outcome], Leaf):  # put aside, for it may be written over
            outcomes[k] = tape.add(Stretch((outcome,), (count,), False)).ref
    written = ArraySource(*taken_apart(tape.steps, outcomes), backend.dtype, "u", update.vectors)
    source = [
        f"def build_update({', '.join(['p', 'g', *update.vectors[1:]])}):",
        *indented(4, written.made),
        f"    def update({', '.join(f's_{k}' for k in range(len(update.scalars)))}):",
        *indented(8, written.lines or ["pass"]),
        "    return update",
    ]
    return "\n".join(source), written.scope
