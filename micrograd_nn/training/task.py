"""A task: a network, rows, targets and a loss, checked against each other before the first step.

Promise: what does not fit is named with its row, column and value before anything has changed.
"""

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any
from warnings import warn

from ..data.matrix import Array, floats, matrix
from ..engine.value import Value
from ..errors import ArgumentError, ArgumentTypeError, ShapeError, counted
from ..nn.losses import Loss, named_loss, softmax_cross_entropy
from ..number import as_array

Net = Callable[[Any], Any]
Penalty = tuple[float, float]  # strengths of l1 and l2


SEEN = 1000  # rows that are looked over
APART = 100.0  # times as large as another, a column of X slows the descent along the other down


class Task:
    """Rows X of shape (rows, features) and targets Y of shape (rows, outputs), for this network and this loss.

    A flat y beside a network of several outputs holds labels, and becomes one-hot rows.
    """

    def __init__(self, net: Net, X: Any, y: Any, loss: str | Callable[..., Value]) -> None:
        self.net = as_network(net)
        self.loss = named_loss(loss)
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
        rows = matrix("X", X)
        if len(rows[0]) != len(self.X[0]):
            raise ShapeError(f"rows of {counted(len(self.X[0]), 'feature')} are trained on, these have {len(rows[0])}")
        return self._on(rows, targets(y, len(rows), self.outputs, self.loss))

    def __len__(self) -> int:
        return len(self.X)

    def thinned(self, every: int) -> "Task":
        """The task of every so-many-th row."""
        return self._on(self.X[::every], self.Y[::every])

    def _on(self, rows: Array, wanted: Array) -> "Task":
        other = copy(self)
        other.X, other.Y = rows, wanted
        other.kept = None  # or the copy would keep row 0's graph alive, and score it at its old numbers
        return other

    def forget(self) -> None:
        """Let go of the first row's graph, which was kept so that a large network is not recorded twice."""
        self.kept = None

    def arguments(self, i: int | None = None) -> tuple[Array, Array]:
        """The rows, or row i alone, as a program takes them: a single target without its axis."""
        rows = slice(None) if i is None else slice(i, i + 1)
        wanted = self.Y[rows]
        if self.outputs == 1:
            wanted = wanted[:, 0] if hasattr(wanted, "shape") else [target for (target,) in wanted]
        return self.X[rows], wanted

    def leaves(self, i: int) -> list[Value]:
        """The features of row i as leaves x1, x2, …"""
        return [Value(number, f"x{j}") for j, number in enumerate(floats(self.X[i]), start=1)]

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
        row = [Value(number, f"y{j}") for j, number in enumerate(floats(self.Y[i]), start=1)]
        return row if self.outputs > 1 else row[0]


def look_over(task: Task) -> None:
    """Warn of what trains badly though it fits: a softmax before a loss that has one, and columns far apart."""
    layers = getattr(task.net, "layers", None) or [None]
    if task.loss.function is softmax_cross_entropy and getattr(layers[-1], "activation", None) == "softmax":
        warn(
            "softmax_cross_entropy takes the sums before a softmax, and this network's outputs have been through one: "
            "leave out output='softmax', or take loss='categorical_cross_entropy'",
            stacklevel=4,
        )
    largest = [max(map(abs, column)) for column in zip(*map(floats, task.X[:SEEN]), strict=True)]
    most, least = max(largest), min((size for size in largest if size), default=0.0)
    if most > APART * max(least, 1.0 / APART):
        i, j = largest.index(most), largest.index(least)
        warn(
            f"column {i} of X (counted from 0) goes up to {most:g} and column {j} to {least:g}: descent is slow where "
            "columns are far apart. X, scale = data.standardise(X) brings them to one scale, and scale(rows) others",
            stacklevel=4,
        )


def as_network(net: Any) -> Any:
    """net, if it can be called with a row and has parameters. Raises ArgumentTypeError otherwise."""
    if isinstance(net, type) or not callable(net) or not hasattr(net, "parameters"):
        raise ArgumentTypeError(f"a network is an MLP or a Module of your own, called with a row; got {net!r:.60}")
    return net


def targets(given: Any, rows: int, outputs: int, loss: Loss) -> Array:
    """The targets as a matrix (rows, outputs) that the loss allows; labels become one-hot rows."""
    array = matrix("y", given, column=True)
    labels = len(array[0]) == 1 and outputs > 1
    if len(array) != rows:
        raise ShapeError(f"X has {counted(rows, 'row')} and y has {len(array)}: each row takes one target")
    if len(array[0]) != outputs and not labels:
        raise ShapeError(f"y has {counted(len(array[0]), 'column')}, and the network has {counted(outputs, 'output')}")
    allowed: Callable[[float], bool] = loss.allows
    legal = f"this loss takes targets of {loss.targets}"
    if labels:
        allowed, legal = range(outputs).__contains__, f"a label is a whole number from 0 to {outputs - 1}"
    for i, row in enumerate(map(floats, array)):
        for target in row:
            if not allowed(target):
                raise ArgumentError(f"y has {target:g} in row {i} (counted from 0): {legal}")
    return as_array([[float(k == label) for k in range(outputs)] for (label,) in array]) if labels else array
