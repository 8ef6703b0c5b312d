"""Program: one recorded loss, ready to run over any number of rows.

Promise: a Program's loss is the mean over the rows of the loss that was recorded, its gradient the gradient of that
mean. The parameters live in the Values: each call reads their ``.data``, and a training writes them back, also when
an error or Ctrl-C ends it, so that stepping and drawing show what was trained.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import count, islice, repeat
from math import prod
from operator import is_
from random import Random
from typing import Any

import numpy as np

from ..errors import AnomalyError, ArgumentError, ArgumentTypeError, ShapeError
from ..optim import Optimizer
from ..value import Value
from .backend import Backend, Update
from .check import check
from .choose import Backends
from .printing import latex, text
from .trace import trace

_data_of, _set_data = vars(Value)["_data"].__get__, vars(Value)["_data"].__set__


class Program:
    """What ``compile`` returns: call it for the mean loss, or let it train.

    ``parameters`` are the Values that are trained, ``inputs`` the shapes of the arguments for one row. An argument is
    an array-like with a leading axis of rows, or one row without it.
    """

    def __init__(
        self, loss: Value, inputs: Sequence[Any], parameters: Iterable[Value], backend: str, dtype: str
    ) -> None:
        self.trace = trace(loss, inputs, parameters)
        self.parameters, self.inputs, self.dtype = self.trace.parameters, self.trace.inputs, dtype
        self.backends = Backends(self.trace, backend, dtype)
        self._latest = self.backends.choose(1)

    @property
    def backend(self) -> str:
        """The name of the backend that ran last; before the first run, that for one row."""
        return self._latest[0].name

    @property
    def why(self) -> str:
        """Why it was that backend."""
        return self._latest[1]

    @property
    def source(self) -> str:
        """The Python that computes the loss and its gradient in that backend."""
        return self._latest[0].source

    def __call__(self, *arguments: Any) -> float:
        """The mean loss over the rows. Raises ShapeError for arguments of other shapes than the recorded inputs."""
        rows = self.rows(*arguments)
        return self.runs(len(rows)).value(self._numbers(), rows)

    def each(self, *arguments: Any) -> Any:
        """The loss of each row, an array: a "loss" may be any Value, such as an output of a network."""
        rows = self.rows(*arguments)
        return self.runs(len(rows)).each(self._numbers(), rows)

    def value_and_grad(self, *arguments: Any, write: bool = False) -> tuple[float, Any]:
        """The mean loss and its gradient, an array in the order of ``parameters``.

        With ``write`` the gradient also becomes the parameters' ``.grad``, replacing what was there.
        """
        rows = self.rows(*arguments)
        loss, gradient = self.runs(len(rows)).value_and_grad(self._numbers(), rows)
        if write:
            for parameter, slope in zip(self.parameters, gradient.tolist(), strict=True):
                parameter.grad = slope
        return loss, gradient

    def runs(self, rows: int) -> Backend:
        """The backend for so many rows at once."""
        self._latest = self.backends.choose(rows)
        return self._latest[0]

    def minimize(
        self,
        optimizer: Optimizer,
        *arguments: Any,
        epochs: int = 1,
        batch_size: int = 1,
        shuffle: Random | int | None = None,
        each_epoch: Callable[[int, float], Any] | None = None,
    ) -> list[float]:
        """Train: each epoch goes once over the rows, a step of the optimiser per batch. Returns each epoch's mean loss.

        The loss of an epoch is the mean over its rows, each taken when its batch came up. ``shuffle`` is a seed or a
        source of random numbers; without it the rows keep their order. After each epoch the parameters are written to
        their Values and ``each_epoch(epoch, loss)`` is called; training ends when it returns True.

        Raises AnomalyError if a loss turns nan or infinite: the parameters are then those before that step.
        """
        whole(epochs, "epochs", 0)
        whole(batch_size, "batch_size", 1)
        rows = self.rows(*arguments)
        run = _Run(self, optimizer, rows, batch_size)
        orders = _orders(len(rows), Random(shuffle) if isinstance(shuffle, int) else shuffle)
        if each_epoch is None:
            return run.epochs(epochs, orders)
        losses: list[float] = []
        while len(losses) < epochs:
            losses += run.epochs(1, orders, len(losses))
            if each_epoch(len(losses), losses[-1]):
                break
        return losses

    def check(self) -> None:
        """Raises GraphError if the lifted steps, forward and sweep, are not well formed."""
        check(self.backends.numpy.steps)

    def __str__(self) -> str:
        """The textbook's equations with their shapes: a column is one of the n rows of data."""
        arrays = self.backends.numpy
        return text(arrays.tape, arrays.lifted, arrays.loss)

    def _repr_latex_(self) -> str:
        """What Jupyter shows."""
        arrays = self.backends.numpy
        return f"$$\n{latex(arrays.tape, arrays.lifted, arrays.loss)}\n$$"

    def rows(self, *arguments: Any) -> "Rows":
        """The arguments as arrays of one number of rows, checked against the recorded inputs."""
        return Rows(self.inputs, arguments)

    def _numbers(self) -> list[float]:
        return list(map(_data_of, self.parameters))


class Rows:
    """The arguments of a call: for each input an array (rows, numbers of a row)."""

    def __init__(self, shapes: Sequence[tuple[int, ...]], arguments: Sequence[Any]) -> None:
        if len(arguments) != len(shapes):
            raise ShapeError(f"this program takes {len(shapes)} argument(s), one for each input; got {len(arguments)}")
        self.arrays = [_array(i, shape, given) for i, (shape, given) in enumerate(zip(shapes, arguments, strict=True))]
        lengths = {len(array) for array in self.arrays} or {1}
        if len(lengths) != 1:
            raise ShapeError(f"the arguments have different numbers of rows: {[len(a) for a in self.arrays]}")
        self._length = lengths.pop()
        if not self._length:
            raise ShapeError("the arguments have no rows: a mean over no rows has no value")

    def __len__(self) -> int:
        return self._length

    @cached_property
    def lists(self) -> list[list[float]]:
        """Row by row, all inputs one after another, as floats."""
        if not self.arrays:
            return [[]]
        rows: list[list[float]] = np.concatenate(self.arrays, axis=1).tolist()
        return rows


def _array(number: int, shape: tuple[int, ...], given: Any) -> Any:
    try:
        array = np.asarray(given)
        array = array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"argument {number + 1} is not an array of numbers: {error}") from None
    if array.shape == shape:
        array = array[None]
    if array.shape[1:] != shape or array.ndim != len(shape) + 1:
        wanted = "×".join(["rows", *map(str, shape)])
        raise ShapeError(f"argument {number + 1} has shape {wanted}, or one row of it; got {array.shape}")
    return array.reshape(len(array), prod(shape))


class _Run:
    """One training: the parameters and the optimiser's memory as vectors, until they go back to where they live."""

    def __init__(self, program: Program, optimizer: Optimizer, rows: Rows, batch_size: int) -> None:
        self.program, self.optimizer, self.rows, self.size = program, optimizer, rows, batch_size
        ours, theirs = program.parameters, optimizer.params
        self.place: dict[Value, int] | None = None  # None: the optimiser has the program's order
        if len(ours) != len(theirs) or not all(map(is_, ours, theirs)):
            self.place = {parameter: i for i, parameter in enumerate(ours)}
            if self.place.keys() != set(theirs):
                raise ArgumentError(
                    f"the optimiser moves {len(theirs)} parameters, and the program was compiled for {len(ours)}, not "
                    f"all of them the same: give both one list"
                )
        varying, scalars = _scalars(optimizer)
        self.update = Update(optimizer.rule, optimizer.memories, tuple(scalars), varying)
        self.loop = program.runs(batch_size).loop(self.update, batch_size)

    def epochs(self, count: int, orders: Iterator[list[int] | None], before: int = 0) -> list[float]:
        """So many passes over the rows: the mean loss of each. ``before`` is the number of those done earlier."""
        steps, first = -(-len(self.rows) // self.size), self.optimizer.steps
        losses: list[float] = []
        log: list[Any] = [0.0, 0]
        taken: list[list[int] | None] = []
        state = self.loop.state(self.program._numbers(), self._memory())
        try:
            self.loop.train(state, self.rows, _remember(islice(orders, count), taken), self._each_step(), losses, log)
        finally:
            self.optimizer.steps = first + int(log[1])
            self._write(*self.loop.numbers(state))
        if len(losses) < count:
            self._report(before + len(losses) + 1, int(log[1]) - len(losses) * steps, taken[-1])
        return [loss / len(self.rows) for loss in losses]

    def _report(self, epoch: int, step: int, order: list[int] | None) -> None:
        every = range(len(self.rows)) if order is None else order
        rows = list(every[step * self.size : (step + 1) * self.size])
        shown = ", ".join(map(str, rows[:5])) + (", …" if len(rows) > 5 else "")
        raise AnomalyError(
            f"the loss is nan or infinite in epoch {epoch}, step {step + 1} (row {shown}); the parameters are those "
            f"before this step. A smaller learning rate than {self.optimizer.lr} is the usual cure"
        )

    def _each_step(self, steps: int = 0) -> Iterator[Sequence[float]]:
        """The optimiser's scalars, step after step."""
        if not self.update.varying:
            yield from repeat(tuple(self.optimizer.scalars().values()))
        for step in count(self.optimizer.steps + 1):
            self.optimizer.steps = step
            yield tuple(self.optimizer.scalars().values())

    def _memory(self) -> list[list[float]]:
        """A list per memory, in the program's order of parameters."""
        if not self.update.memories:
            return []
        columns = [list(column) for column in zip(*self.optimizer.memory, strict=True)]
        if self.place is None:
            return columns
        ranks = [self.place[parameter] for parameter in self.optimizer.params]
        return [[number for _, number in sorted(zip(ranks, column, strict=True))] for column in columns]

    def _write(self, numbers: list[float], memory: list[list[float]]) -> None:
        deque(map(_set_data, self.program.parameters, numbers), maxlen=0)  # one call into C: all or nothing
        if memory:
            rows = list(zip(*memory, strict=True))
            place = self.place
            self.optimizer.memory = rows if place is None else [rows[place[p]] for p in self.optimizer.params]


def _orders(count: int, source: Random | None) -> Iterator[list[int] | None]:
    """The order of the rows, pass after pass."""
    if source is None:
        yield from repeat(None)
    order = list(range(count))
    while source is not None:
        source.shuffle(order)
        yield list(order)


def _remember(orders: Iterable[list[int] | None], taken: list[list[int] | None]) -> Iterator[list[int] | None]:
    for order in orders:
        taken[:] = [order]
        yield order


def _scalars(optimizer: Optimizer) -> tuple[bool, dict[str, float]]:
    """Whether the scalars of a step depend on its number, and the scalars of the next step.

    A stand-in of the optimiser's own class answers, and takes note when its ``steps`` are asked for.
    """
    asked = []

    def steps(self: Optimizer) -> int:
        asked.append(True)
        return optimizer.steps + 1

    kind = type(optimizer)
    watched = type(kind.__name__, (kind,), {"steps": property(steps)})
    stand_in: Any = object.__new__(watched)
    stand_in.__dict__.update(vars(optimizer))
    scalars: dict[str, float] = stand_in.scalars()
    return bool(asked), scalars


def whole(given: Any, what: str, least: int) -> None:
    """Raises ArgumentTypeError or ArgumentError unless given is a whole number of at least ``least``."""
    if isinstance(given, bool) or not isinstance(given, int):
        raise ArgumentTypeError(f"{what} is a whole number from {least} up, got {given!r}")
    if given < least:
        raise ArgumentError(f"{what} is a whole number from {least} up, got {given}")
