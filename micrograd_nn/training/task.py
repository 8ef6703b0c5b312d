"""A task: a network, rows, targets and a loss, checked against each other before the first step.

Promise: what does not fit is named with its row, column and value before anything has changed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from copy import copy
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import ArgumentError, ArgumentTypeError, MicrogradError, NumberError, ShapeError
from ..losses import Loss, l1, l2, named_loss
from ..operation import as_float
from ..value import Value

if TYPE_CHECKING:
    import numpy as np

Array: TypeAlias = "np.ndarray[Any, Any]"

Net = Callable[[Any], Any]
Penalty = tuple[float, float]  # strengths of l1 and l2

ROWS = {"X": "rows, such as [[1, 2], [3, 4]]", "y": "targets, one per row of X, such as [0, 1]"}


class Task:
    """Rows X of shape (rows, features) and targets Y of shape (rows, outputs), for this network and this loss.

    A flat y beside a network of several outputs holds labels, and becomes one-hot rows.
    """

    def __init__(self, net: Net, X: Any, y: Any, loss: str | Callable[..., Value] | Loss) -> None:
        self.net = as_network(net)
        self.loss = loss if isinstance(loss, Loss) else named_loss(loss)
        self.X = matrix("X", X)
        x = self.leaves(0)
        outputs = net(x)  # a wrong number of features is refused here
        self.kept: Any = (x, outputs)
        self.outputs = len(outputs) if isinstance(outputs, Sequence) else 1
        if self.outputs < self.loss.outputs:
            raise ShapeError(f"this loss compares the outputs of several classes; the network has {self.outputs}")
        self.Y = targets(y, len(self.X), self.outputs, self.loss)

    def like(self, X: Any, y: Any) -> "Task":
        """Other rows for the same network and loss."""
        other = copy(self)
        other.kept, other.X = None, matrix("X", X)
        if other.X.shape[1] != self.X.shape[1]:
            raise ShapeError(f"rows of {self.X.shape[1]} features are trained on, these have {other.X.shape[1]}")
        other.Y = targets(y, len(other.X), self.outputs, self.loss)
        return other

    def __len__(self) -> int:
        return len(self.X)

    def thinned(self, every: int) -> "Task":
        """The task of every so-many-th row."""
        fewer = copy(self)
        fewer.X, fewer.Y = self.X[::every], self.Y[::every]
        fewer.kept = None  # or this copy would keep row 0's graph alive, and score it at its old numbers
        return fewer

    def forget(self) -> None:
        """Let go of the first row's graph, which was kept so that a large network is not recorded twice."""
        self.kept = None

    def leaves(self, i: int) -> list[Value]:
        """The features of row i as leaves x1, x2, …"""
        return [Value(number, f"x{j}") for j, number in enumerate(self.X[i].tolist(), start=1)]

    def record(self, i: int, score: Callable[..., Value] | None = None) -> tuple[Value, Any, Any]:
        """The loss of row i, or another score of it, as a graph, with the leaves of its row and of its target.

        Raises ArgumentTypeError if a loss or metric of yours returns no Value.
        """
        wanted = self.wanted(i)
        if i == 0 and self.kept:
            x, outputs = self.kept
        else:
            outputs = self.net(x := self.leaves(i))
        score = score or self.loss.function
        made = score(outputs, wanted)
        if not isinstance(made, Value):
            name = getattr(score, "__name__", "the score")
            raise ArgumentTypeError(f"{name} is to return a Value made of outputs and target, got {made!r:.60}")
        return made, x, wanted

    def wanted(self, i: int) -> Any:
        """The target of row i as leaves y1, y2, …: a Value beside a single output, else a list."""
        row = [Value(number, f"y{j}") for j, number in enumerate(self.Y[i].tolist(), start=1)]
        return row if self.outputs > 1 else row[0]


def as_network(net: Any) -> Any:
    """net, if it can be called with a row and has parameters. Raises ArgumentTypeError otherwise."""
    if isinstance(net, type) or not callable(net) or not hasattr(net, "parameters"):
        raise ArgumentTypeError(f"a network is an MLP or a Module of your own, called with a row; got {net!r:.60}")
    return net


def matrix(name: str, given: Any, column: bool = False) -> Array:
    """given as a matrix of finite numbers. Rows that come one by one are read once; a flat list may be a ``column``.

    Raises an error that names the row and the column.
    """
    import numpy as np

    if isinstance(given, str | bytes | Mapping | Set) or not isinstance(given, Iterable):
        raise ArgumentTypeError(f"{name} is a list of {ROWS[name]}; got the {type(given).__name__} {given!r:.60}")
    given = given if isinstance(given, Sequence) or hasattr(given, "__array__") else list(given)
    try:
        array: Array = np.asarray(given)
        array = array.reshape(-1, 1) if column and array.ndim == 1 else array
        if array.dtype.kind == "O":  # Fraction, Decimal, or nothing that is a number
            array = np.array([[as_float(number) for number in row] for row in array])
        if array.dtype.kind not in "fiub":
            raise NumberError(f"{name} holds {array.dtype.name}")
        array = array if array.dtype.kind == "f" else array.astype(float)
    except (TypeError, ValueError) as error:
        raise _first_fault(name, given, error) from None
    if array.ndim != 2 or not array.size:
        raise ShapeError(f"{name} is a list of {ROWS[name]}; got the shape {array.shape}")
    _check_finite(name, array)
    return array


def targets(given: Any, rows: int, outputs: int, loss: Loss) -> Array:
    """The targets as a matrix (rows, outputs) that the loss allows; labels become one-hot rows."""
    import numpy as np

    array = matrix("y", given, column=True)
    if len(array) != rows:
        raise ShapeError(f"X has {rows} rows and y has {len(array)}: each row takes one target")
    if array.shape[1] == 1 and outputs > 1:
        labels = array[:, 0]
        _check_allowed(labels, (labels == np.floor(labels)) & (labels >= 0) & (labels < outputs), f"a label is a whole "
                       f"number from 0 to {outputs - 1}")  # fmt: skip
        one_hot: Array = np.eye(outputs)[labels.astype(int)]
        return one_hot
    if array.shape[1] != outputs:
        raise ShapeError(f"y has {array.shape[1]} columns, and the network has {outputs} outputs")
    allowed = np.array([[loss.allows(number) for number in row] for row in array.tolist()])
    _check_allowed(array, allowed, f"this loss takes targets of {loss.targets}")
    return array


def penalty_of(parameters: Sequence[Value], strengths: Penalty) -> list[Value]:
    """The terms of regularisation: none, l1, l2 or both."""
    return [term(parameters, strength) for term, strength in zip((l1, l2), strengths, strict=True) if strength]


def _check_finite(name: str, array: Array) -> None:
    import numpy as np

    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        row, column = bad[0].tolist()
        more = f", and {len(bad) - 1} more" if len(bad) > 1 else ""
        raise ArgumentError(
            f"{name} has {array[row, column]} in row {row}, column {column} (counted from 0){more}: "
            "take such rows out, or put a number there"
        )


def _check_allowed(array: Array, allowed: Array, legal: str) -> None:
    import numpy as np

    bad = np.argwhere(~allowed)
    if len(bad):
        raise ArgumentError(f"y has {array[tuple(bad[0])]:g} in row {bad[0][0]} (counted from 0): {legal}")


def _first_fault(name: str, given: Any, error: Exception) -> MicrogradError:
    """The error for what is no matrix of numbers: the first row of another length, or the first thing that is none."""
    lists = [row.tolist() if hasattr(row, "tolist") else row for row in given]
    rows = [row if isinstance(row, Sequence) and not isinstance(row, str) else [row] for row in lists]
    widths = [len(row) for row in rows]
    for i, width in enumerate(widths):
        if width != widths[0]:
            return ShapeError(f"{name} is ragged: row {i} (counted from 0) has {width} numbers, row 0 has {widths[0]}")
    legal = "no number" if name == "X" else "no number; classes are numbered 0, 1, 2, …"
    for i, row in enumerate(rows):
        for j, thing in enumerate(row):
            try:
                as_float(thing)
            except MicrogradError:
                return ArgumentTypeError(f"{name} has {thing!r:.60} in row {i}, column {j} (counted from 0): {legal}")
    return ArgumentTypeError(f"{name} is a list of rows of numbers: {error}")
