"""The ``numpy`` backend: a lifted program as calls that write into arrays made once.

Promise: within the rounding of reordered sums the numbers of the scalar engine, with its nan, inf and kinks. Each
step is the row's own ``numpy`` template, taken apart into calls with an ``out``; matrix products go to BLAS. Buffers
and views are made once for a number of rows and used again in every call, so a training allocates nothing.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import cached_property
from operator import call
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .array_source import ArraySource
from .backend import Update
from .buffers import Scattered
from .execute import execute
from .lifted import Lifted
from .numpy_loop import NumpyLoop
from .steps import Ref, Scatter
from .straight import indented

KEPT = 4  # for so many different numbers of rows the buffers are kept


class NumpyBackend:
    """Runs lifted steps as calls of NumPy."""

    name = "numpy"

    def __init__(self, lifted: Lifted, dtype: str) -> None:
        self.lifted, self.dtype = lifted, dtype
        self.p, self.g = np.zeros((2, len(lifted.reached)), dtype)
        self.still = np.array(lifted.unreached, dtype=np.int64)
        self._kept: dict[int, Built] = {}

    @cached_property
    def _generated(self) -> tuple[str, dict[str, Any]]:
        steps, loss, gradient = self.lifted.steps, self.lifted.loss, self.lifted.gradient
        stores = {} if gradient is None else {gradient: "g"}
        alone = ArraySource(steps, [loss], self.dtype, "f")
        both = ArraySource(steps, [loss, gradient], self.dtype, "a", stores)
        if gradient is not None and both.text(gradient) != "g":  # one view of another step's array, never stored
            both.lines.append(f"np.copyto(g, {both.text(gradient)})")
        inputs = self.lifted.rows
        lines = [
            "def build(n, p, g):",
            *(f"    {leaf.source} = np.zeros((n, {leaf.shape[0]}), {self.dtype})" for leaf in inputs),
            *indented(4, _function("each()", alone, alone.text(loss))),
            *indented(4, _function("value_and_grad(seed)", both, self._total(both))),
            f"    return [{', '.join(leaf.source for leaf in inputs)}], each, value_and_grad",
        ]
        return "\n".join(lines), {**alone.scope, **both.scope}

    def _total(self, source: ArraySource) -> str:
        """The sum of the losses of the rows."""
        loss = self.lifted.loss
        text = source.text(loss)
        varies = isinstance(loss, Ref) and self.lifted.forward[loss].batched
        return f"float(np.add.reduce({text}))" if varies else f"float({text}) * n"

    @cached_property
    def refreshed(self) -> bool:
        """Whether every call writes all of the gradient: then an update may use its array for other things."""
        if self.lifted.gradient is None:
            return False
        step = self.lifted.steps[self.lifted.gradient]
        return not isinstance(step, Scatter) or Scattered(step).whole

    @property
    def source(self) -> str:
        return self._generated[0]

    def built(self, n: int) -> "Built":
        """The buffers and functions for n rows."""
        if n not in self._kept:
            if len(self._kept) >= KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[n] = Built(*self._build(n, self.p, self.g))
        return self._kept[n]

    @cached_property
    def _build(self) -> Callable[..., Any]:
        source, scope = self._generated
        build: Callable[..., Any] = execute(source, **scope, **SCOPE)["build"]
        return build

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
        for buffer, array in zip(built.inputs, rows.arrays, strict=True):
            buffer[...] = array
        return built

    def loop(self, update: Update, batch_size: int) -> NumpyLoop:
        return NumpyLoop(self, update, batch_size, SCOPE)


class Built(NamedTuple):
    """The input buffers for a number of rows, and the functions that read them."""

    inputs: list[Any]
    each: Callable[[], Any]  # the losses of the rows
    value_and_grad: Callable[[float], float]  # their sum; the gradient of seed times that sum is left in ``g``


def _function(head: str, source: ArraySource, outcome: str) -> list[str]:
    """Its buffers and views, then the function itself."""
    return [*source.made, f"def {head}:", *indented(4, source.lines), f"    return {outcome}"]


def view(array: Any, start: int, shape: tuple[int, ...], strides: tuple[int, ...], rows: bool = False) -> Any:
    """The numbers array[start + i·strides[0] + j·strides[1]] without a copy; of each row, with ``rows``."""
    lead = 1 if rows else 0
    flat = array.reshape(*array.shape[:lead], -1)[..., start:]
    step = flat.strides[-1]  # more than a number's size in the last column of running results
    steps = flat.strides[:lead] + tuple(stride * step for stride in strides)
    return as_strided(flat, flat.shape[:lead] + shape, steps)


SCOPE: dict[str, Any] = {
    "np": np,
    "view": view,
    "deque": deque,
    "call": call,
    "float32": np.float32,
    "float64": np.float64,
}
