"""Program: one recorded loss, ready to run over any number of rows.

A Program's loss is the mean over the rows of the loss that was recorded, its gradient the gradient of that mean. The
parameters live in the Values: each call reads their ``.data``, and a training writes them back, also when an error or
Ctrl-C ends it, so that stepping and drawing show what was trained.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import cached_property
from itertools import chain
from math import prod
from numbers import Real
from random import Random
from threading import RLock
from typing import TYPE_CHECKING, Any

from ..engine.value import Value, as_value, set_gradients
from ..errors import ArgumentTypeError, MicrogradError, counted
from ..nn.init import source_of
from ..nn.optim import SGD, Optimizer
from ..number import whole_number
from .backend import Backend, Loop, Update, row_count
from .registry import BACKENDS, Backends, Graph, check_able, straight
from .run import Minimization, Run, descend, update_of
from .steps import Shape
from .trace import flatten, trace
from .trainer import Trainer

if TYPE_CHECKING:
    from .jax.function import JaxFunction


class Rows:
    """The arguments of a call: for each input an array (rows, numbers of a row)."""

    def __init__(self, shapes: Sequence[tuple[int, ...]], arguments: Sequence[Any]) -> None:
        read = [_read(number, given) for number, given in enumerate(arguments, 1)]
        n = row_count(shapes, [found for found, _ in read])
        self.every = range(n)  # their numbers
        self.arrays = [_rows(n, prod(shape), numbers) for shape, (_, numbers) in zip(shapes, read, strict=True)]

    def __len__(self) -> int:
        return len(self.every)

    def converted(self, dtype: str) -> "Rows":
        """The rows with their arrays in that dtype, so that they are converted once and not in each call."""
        self.arrays = [array.astype(dtype, copy=False) if hasattr(array, "astype") else array for array in self.arrays]
        return self

    @cached_property
    def lists(self) -> list[list[float]]:
        """Row by row, all inputs one after another, as floats."""
        given = [array.tolist() if hasattr(array, "tolist") else array for array in self.arrays]
        return [list(chain.from_iterable(row)) for row in zip(*given, strict=True)] if given else [[]]


def _read(number: int, given: Any) -> tuple[Shape, Any]:
    """The shape of an argument, and its numbers: an array, or a flat list where NumPy is not installed."""
    try:
        import numpy as np
    except ImportError:
        return _read_list(number, given)
    try:
        array = np.asarray(given)
        if array.dtype.kind == "O":  # Fraction, Decimal, Value, or nothing that is a number
            array = np.array([as_value(number).data for number in array.flat]).reshape(array.shape)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"it holds {array.dtype.name}")
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"argument {number} is not an array of numbers: {error}") from None
    return array.shape, array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def _read_list(number: int, given: Any) -> tuple[Shape, list[float]]:
    try:
        found, numbers = flatten(given, (Value, Real, Decimal))
        return found, [as_value(one).data for one in numbers]
    except MicrogradError:
        raise ArgumentTypeError(f"argument {number} is not an array of numbers: {given!r:.60}") from None


def _rows(n: int, size: int, numbers: Any) -> Any:
    if hasattr(numbers, "reshape"):
        return numbers.reshape(n, size)
    return [numbers[i * size : (i + 1) * size] for i in range(n)]


class Program:
    """What ``compile`` returns: call it for the mean loss, or let it train.

    ``parameters`` are the Values that are trained, ``inputs`` the shapes of the arguments for one row. An argument is
    an array-like with a leading axis of rows, or one row without it. Threads that share a program take turns.
    """

    def __init__(
        self,
        loss: Value | Callable[..., Value],
        inputs: Sequence[Any],
        parameters: Iterable[Value],
        backend: str,
        dtype: str,
        devices: Sequence[Any] = (),
    ) -> None:
        self.trace = trace(loss, inputs, parameters)
        self.parameters, self.inputs, self.dtype = self.trace.parameters, self.trace.inputs, dtype
        self.graph = Graph(self.trace, devices)
        self.backends = Backends(self.graph, backend, dtype)
        self._latest = self.backends.choose(1)
        self.turn = RLock()  # a backend writes into the same arrays in every call
        self.trainer_at_work: Trainer | None = None  # which is ahead of the Values

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
        """The source that computes the loss and its gradient in that backend."""
        return self._latest[0].source

    def __call__(self, *arguments: Any) -> float:
        """The mean loss over the rows. Raises ShapeError for arguments of other shapes than the recorded inputs."""
        rows = self.rows(*arguments)
        with self.turn:
            return self.runs(len(rows)).value(self.numbers(), rows)

    def each(self, *arguments: Any) -> Any:
        """The loss of each row, an array: a "loss" may be any Value, such as an output of a network."""
        rows = self.rows(*arguments)
        with self.turn:
            return self.runs(len(rows)).each(self.numbers(), rows)

    def value_and_grad(self, *arguments: Any, write: bool = False) -> tuple[float, Any]:
        """The mean loss and its gradient, an array in the order of ``parameters``.

        With ``write`` the gradient also becomes the parameters' ``.grad``, replacing what was there.
        """
        rows = self.rows(*arguments)
        with self.turn:
            loss, gradient = self.runs(len(rows)).value_and_grad(self.numbers(), rows)
        if write:
            set_gradients(self.parameters, map(float, gradient))
        return loss, gradient

    def runs(self, rows: int) -> Backend:
        """The backend for so many rows at once."""
        self._latest = self.backends.choose(rows)
        return self._latest[0]

    def loop(self, update: Update, batch_size: int, steps: int) -> Loop:
        """The loop for a training of about so many steps, in the backend that is the quickest for it."""
        self._latest, loop = self.backends.loop(update, batch_size, steps)
        return loop

    def to_c(self, optimizer: Optimizer | None = None) -> str:
        """A C99 file that needs libm alone and allocates nothing: ``predict``, ``loss_and_gradient`` and ``step``.

        The parameters' numbers are in it, and at its head how it is used. ``step`` is the optimiser's, SGD's if none
        is given. For a microcontroller, or to read: small graphs are written node by node, with the bits of the scalar
        engine, larger ones in loops over arrays. Raises CompilerError if an operation's row has no C.
        """
        from .c.backend import computation_of
        from .c.to_c import to_c

        if optimizer is None and self.parameters:
            optimizer = SGD(self.parameters)
        update = update_of(optimizer) if optimizer else None
        names = [*optimizer.scalars_at(optimizer.steps + 1)] if optimizer else []
        computation = computation_of(self.trace, None if straight(self.graph) else self.graph.lifted)
        return to_c(computation, self.numbers(), update, names, str(self))

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
        source of random numbers; with None or False the rows keep their order. After each epoch the parameters are
        written to their Values and ``each_epoch(epoch, loss)`` is called; training ends when it returns True.

        Raises AnomalyError if a loss turns nan or infinite: the parameters are then those before that step;
        ArgumentTypeError for shuffle=True, which names no order that could be had again.
        """
        whole_number("epochs", epochs, least=0)
        whole_number("batch_size", batch_size)
        rows = self.rows(*arguments)
        if shuffle is True:
            raise ArgumentTypeError("shuffle takes a seed, so that the order can be had again: shuffle=0, not True")
        source = None if shuffle is None or shuffle is False else source_of(shuffle)
        with self.turn:
            steps = epochs * -(-len(rows) // batch_size)
            training = Minimization(Run(self, optimizer, rows, batch_size, steps), epochs, source, each_epoch)
            descend(training)
        return training.losses

    def to_jax(self) -> "JaxFunction":
        """The mean loss as a pure function of the parameters and of rows, for JAX's jit, grad, vmap and scan.

        Raises ExtraMissingError if JAX is not installed.
        """
        check_able(BACKENDS["jax"], self.dtype)
        from .jax.function import JaxFunction

        return JaxFunction(self.trace, self.graph.lifted, self.dtype)

    def trainer(self, optimizer: Optimizer, steps: int = 1) -> Trainer:
        """For a training loop of your own: a context manager whose ``step(*arguments)`` steps on the rows of a batch.

        A step returns the batch's mean loss, as it was before. Parameters and memories stay where the backend has them,
        and are written to the Values and the optimiser at the end of the block, also when an error or Ctrl-C ends it,
        or by ``store()``. The numbers are those of ``minimize``. ``steps`` says about how many there will be: many may
        repay a backend that takes its time to prepare, as C does.

        >>> from micrograd_nn.compiler import compile
        >>> from micrograd_nn.nn.optim import SGD
        >>> x, y, w = Value(0.0), Value(0.0), Value(2.0)
        >>> program = compile((w * x - y) ** 2, inputs=[x, y], parameters=[w])
        >>> with program.trainer(SGD([w], lr=0.5)) as t:
        ...     t.step([1.0, 1.0], [3.0, 5.0])
        5.0
        >>> w.data
        4.0
        """
        return Trainer(self, optimizer, whole_number("steps", steps))

    def check(self) -> None:
        """Raises GraphError if the lifted steps, forward and sweep, are not well formed."""
        self.graph.lifted.check()

    def __str__(self) -> str:
        """The textbook's equations with their shapes: a column is one of the n rows of data."""
        from .printing import text  # with NumPy: what is printed has been lifted

        return text(self.graph.lifted)

    def __repr__(self) -> str:
        return (
            f"<program of {counted(len(self.parameters), 'parameter')} on {self.backend}: print it for its equations>"
        )

    def _repr_latex_(self) -> str:
        """What Jupyter shows."""
        from .printing import latex

        return f"$$\n{latex(self.graph.lifted)}\n$$"

    def rows(self, *arguments: Any) -> Rows:
        """The arguments as arrays of one number of rows, checked against the recorded inputs."""
        return Rows(self.inputs, arguments)

    def numbers(self) -> list[float]:
        """The parameters' numbers, read from their Values."""
        if self.trainer_at_work:
            self.trainer_at_work.store()
        return [parameter._data for parameter in self.parameters]
