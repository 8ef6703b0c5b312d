"""The ``c`` backend: a program as C, compiled by the system's compiler and called through ctypes.

Small graphs are straight-line code, with the bits of the scalar engine; larger ones are the lifted steps, within the
rounding of reordered sums. A call goes over many batches, whole epochs, without coming back to Python.
"""

import ctypes
from array import array
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from ..backend import Log, Part, Update
from ..lifted import Lifted
from ..trace import Trace
from . import library as libraries
from .file import CFile, Computation, in_arrays, straight

WIDEST = 64  # rows that are side by side at most


class CBackend:
    """Runs a graph as C."""

    name = "c"

    def __init__(self, trace: Trace, lifted: Lifted | None) -> None:
        self._trace, self.computation = trace, computation_of(trace, lifted)
        self._begun: dict[Any, CFile] = {}  # files for trainings, with what is the same for every optimiser
        self._kept: dict[int, tuple[CFile, ctypes.CDLL, Any]] = {}

    @cached_property
    def source(self) -> str:
        return str(self._file(1))

    def _file(self, rows: int) -> CFile:
        file = CFile(self.computation, lanes(rows, self.computation.exact))
        file.predict()
        file.loss_and_gradient()
        return file

    def _built(self, rows: int) -> tuple[Any, Any]:
        """The library for so many rows, and the memory that it works in."""
        key = lanes(rows, self.computation.exact)
        if key not in self._kept:
            file = self._file(rows)
            library = libraries.load(str(file), self.computation.exact)
            for function in (library.predict, library.loss_and_gradient):
                function.restype = ctypes.c_double
            self._kept[key] = file, library, aligned(file.work)
        _, library, work = self._kept[key]
        return library, work

    def _call(self, name: str, p: Sequence[float], rows: Any, out: Any) -> float:
        library, work = self._built(len(rows))
        given = aligned(len(p))
        given[:] = p
        order = np.arange(len(rows), dtype=np.int64)
        data = [np.ascontiguousarray(column, np.float64) for column in rows.arrays]
        arrays = [order, given, *data, out, work]
        return float(getattr(library, name)(ctypes.c_int64(len(rows)), *map(pointer, arrays)))

    def value(self, p: Sequence[float], rows: Any) -> float:
        return self._call("predict", p, rows, np.empty(len(rows))) / len(rows)

    def each(self, p: Sequence[float], rows: Any) -> Any:
        out = np.empty(len(rows))
        self._call("predict", p, rows, out)
        return out

    def value_and_grad(self, p: Sequence[float], rows: Any) -> tuple[float, Any]:
        gradient = np.zeros(len(p))
        return self._call("loss_and_gradient", p, rows, gradient) / len(rows), gradient

    def loop(self, update: Update, batch_size: int) -> "CLoop":
        exact = self.computation.exact
        key = lanes(batch_size, exact), batch_size == 1
        if key not in self._begun:
            computation = straight(self._trace, single=True) if exact and batch_size == 1 else self.computation
            self._begun[key] = CFile(computation, lanes(batch_size, exact))
            self._begun[key].loss_and_gradient("static inline ")
        file = self._begun[key].copy()
        file.train(update, batch_size)
        return CLoop(file, update, batch_size)


class CLoop:
    """The function ``train``; a state is the parameters and the memories, as arrays."""

    def __init__(self, file: CFile, update: Update, size: int) -> None:
        self.source, self._update, self._size = str(file), update, size
        library = libraries.load(self.source, file.computation.exact)
        self._train, self._count = library.train, file.count
        self._train.restype = None
        self._work, self._gradient = aligned(file.work), aligned(file.count)

    def state(self, p: Sequence[float], memory: Sequence[Sequence[float]]) -> list[Any]:
        arrays = [aligned(len(vector)) for vector in (p, *memory)]
        for numbers, vector in zip(arrays, (p, *memory), strict=True):
            numbers[:] = vector
        return arrays

    def numbers(self, state: list[Any]) -> tuple[list[float], list[list[float]]]:
        p, *memory = (numbers.tolist() for numbers in state)
        return p, memory

    def train(
        self, state: list[Any], rows: Any, parts: Iterable[Part], scalars: Iterable[Sequence[float]], log: Log
    ) -> None:
        listed = parts if isinstance(parts, list) else list(parts)
        alike = listed.count(listed[0]) == len(listed)  # whole epochs in the rows' own order are one and the same range
        told = listed[:1] if alike else listed
        order = [numbered(part) for part in told]
        lengths = np.array([*map(len, told)], np.int64)
        needed = int((-(-lengths // self._size)).sum()) * len(listed) // len(told) if self._update.varying else 1
        collected: list[Sequence[float]] = []
        try:
            collected.extend(islice(scalars, needed))
        finally:
            given = [len(listed), not alike, np.cumsum(lengths) - lengths, lengths, np.concatenate(order)]
            self._run(state, rows, given, collected, log)

    def _run(self, state: list[Any], rows: Any, parts: list[Any], scalars: list[Any], log: Log) -> None:
        numbers = np.array(scalars or [[0.0]], np.float64)
        limit, stride = (len(scalars), numbers.shape[1]) if self._update.varying else (2**62, 0)
        sums, count = array("d", [0.0]) * parts[0], np.zeros(2, np.int64)
        data = [np.ascontiguousarray(column, np.float64) for column in rows.arrays]
        given = [*parts, limit, stride, numbers, *state, *data, self._gradient, np.frombuffer(sums), count, self._work]
        self._train(*(pointer(a) if isinstance(a, np.ndarray) else ctypes.c_int64(a) for a in given))
        log.sums, log.steps = sums[: count[0] + 1], int(count[1])


def computation_of(trace: Trace, lifted: Lifted | None) -> Computation:
    """What is compiled: the array steps or, without them, straight-line code."""
    return straight(trace) if lifted is None else in_arrays(lifted)


def lanes(rows: int, straight: bool) -> int:
    """How many rows stand side by side: a multiple of eight with little over, or one."""
    if straight or rows == 1:
        return 1
    blocks = -(-rows // WIDEST)
    return 8 * -(-rows // (8 * blocks))


def numbered(part: Part) -> Any:
    """The numbers of some rows as an array."""
    return np.arange(part.start, part.stop, dtype=np.int64) if isinstance(part, range) else np.asarray(part, np.int64)


def aligned(count: int) -> Any:
    """Zeros that begin where a vector instruction likes it."""
    whole = np.zeros(count + 8)
    start = -whole.ctypes.data % 64 // 8
    return whole[start : start + count]


def pointer(array: Any) -> ctypes.c_void_p:
    """Where an array begins."""
    return ctypes.c_void_p(array.ctypes.data)
