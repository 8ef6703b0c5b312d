"""A network of the package's own layers, computed as matrices: W·x + b for all rows at once, and no recorded graph.

Promise (tests/test_matrices.py): the outputs are those of the graph, up to the rounding of its sums, also after any
change of the network. What was changed so that it is no longer rows of neurons is None.
"""

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from ..compiler.numpy.source import evaluated
from ..data.matrix import Array
from ..engine.modes import now
from ..engine.operation import Operand, Operation
from ..engine.value import latest
from ..nn.functional import maxout, softmax
from ..nn.layers import MLP, Layer, Maxout, Neuron
from ..nn.module import Parameter

BLOCK = 10_000  # rows that are predicted at a time


class Numbers(Operand):
    """An array on which the table's operations compute, number by number."""

    def __init__(self, array: Array) -> None:
        self.array = array

    @classmethod
    def apply(cls, operation: Operation, *operands: Any) -> "Numbers":
        arrays = [operand.array if isinstance(operand, Numbers) else operand for operand in operands]
        return cls(evaluated(operation)(*arrays))


class Dense(NamedTuple):
    """A layer: its weights, a row per weighted sum, and what happens to the sums."""

    W: Array
    b: Array
    activation: Operation | None
    pieces: int  # sums of which the largest is kept; 1 if there is no maxout
    shares: bool  # is there a softmax?

    def __call__(self, X: Array) -> Array:
        sums = X @ self.W.T + self.b
        if self.pieces > 1:
            sums = maxout([Numbers(sums[:, k :: self.pieces]) for k in range(self.pieces)]).array
        if self.activation is not None:
            sums = self.activation(Numbers(sums)).array
        if self.shares:
            sums = np.stack([share.array for share in softmax([Numbers(z) for z in sums.T])], axis=1)
        return sums


def as_matrices(net: Any, dtype: str = "float64") -> list[Dense] | None:
    """The layers of an MLP, as they are now; None if it is none, or while somebody watches what its nodes do."""
    if type(net) is not MLP or "fire" in vars(net) or any(now()[1:]):
        return None
    dense, width = [], net.nin
    for layer in net.layers:
        made = _dense(layer, dtype)
        if made is None or made.W.shape[1] != width:
            return None
        dense.append(made)
        width = len(made.W) // made.pieces
    return dense or None


def _dense(layer: Any, dtype: str) -> Dense | None:
    if type(layer) is not Layer or not layer.neurons:
        return None
    units = [unit for neuron in layer.neurons for unit in neuron.units]
    parts = [layer, *layer.neurons, *units]
    kinds = {(type(neuron), len(neuron.units)) for neuron in layer.neurons}
    alike = {(type(unit), unit.activation, unit.b is None, len(unit.w)) for unit in units}
    if len(kinds) > 1 or len(alike) > 1 or any("fire" in vars(part) for part in parts):
        return None
    ((kind, pieces),), ((unit_kind, activation, *_),) = kinds, alike
    if kind not in (Neuron, Maxout) or unit_kind is not Neuron or not isinstance(activation, Operation | None):
        return None
    if kind is Maxout and activation is not None:
        return None
    try:
        weights = _weights(layer, [unit.w for unit in units], dtype)
        b = np.array([0.0 if unit.b is None else unit.b._data for unit in units], dtype)
    except AttributeError:  # a plain number, which the graph holds constant
        return None
    return Dense(weights, b, activation, pieces, layer.activation == "softmax")


class Kept(NamedTuple):
    """A layer's weights as they were read, and what they were read from."""

    weights: Array
    rows: list[list[Parameter]]
    change: object  # the latest then


_kept: WeakKeyDictionary[Layer, Kept] = WeakKeyDictionary()


def _weights(layer: Layer, rows: list[list[Parameter]], dtype: str) -> Array:
    """The weights as a matrix: that of the last call if no number was changed since, and the Values are the same.

    Lists are equal where they hold the same Values, or others of the same numbers. But 0.0 == -0.0: a matrix with
    zeros is not kept.
    """
    kept, change = _kept.get(layer), latest["change"]
    if kept and kept.change is change and kept.weights.dtype == dtype and kept.rows == rows:
        return kept.weights
    weights = np.array([[w._data for w in row] for row in rows], dtype)
    if weights.all():
        _kept[layer] = Kept(weights, [[*row] for row in rows], change)
    return weights


def outputs(dense: list[Dense], X: Array) -> Array:
    """The outputs for the rows of X, shape (rows, outputs)."""
    pieces = []
    with np.errstate(all="ignore"):
        for rows in blocks(X.astype(dense[0].W.dtype, copy=False)):
            for layer in dense:
                rows = layer(rows)
            pieces.append(rows)
    return np.concatenate(pieces)


def blocks(X: Array) -> list[Array]:
    """The rows in pieces that fit into memory beside what is made of them."""
    return [X[start : start + BLOCK] for start in range(0, len(X), BLOCK)]
