"""A problem: one network, its rows, its loss and where its weights start, the same for every peer.

Promise: nothing is drawn anew by a peer. Parameters stand in one flat order, neuron by neuron, weights before bias, as
``MLP.parameters()`` gives them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

Array = Any
Layers = list[tuple[Array, Array]]  # (weights of shape (outputs, inputs), biases of shape (outputs,)) a layer
Train = Callable[[int], Any]  # so many steps, the first from the starting weights -> what ``fetched`` takes


@dataclass(frozen=True, eq=False)
class Problem:
    """Stochastic gradient descent on a multi-layer perceptron.

    A step takes the next ``batch`` rows of X in order, begins again after the last, and follows the gradient of the
    mean loss over them by ``lr``.
    """

    name: str
    sizes: tuple[int, ...]
    hidden: str  # sigmoid or relu
    output: str  # sigmoid or identity
    loss: str  # mse, hinge, or softmax (cross-entropy on labels)
    X: Array
    y: Array  # one target a row; labels for softmax
    batch: int
    lr: float
    l2: float = 0.0  # this times the sum of all squared parameters is added to the loss
    dtype: str = "float64"
    seed: int = 0

    @cached_property
    def start(self) -> Layers:
        """The starting weights: normal for sigmoid, He's for relu; biases 0."""
        rng = np.random.default_rng(self.seed)
        scale = (lambda nin: 1.0) if self.hidden == "sigmoid" else (lambda nin: (2.0 / nin) ** 0.5)
        shapes = list(pairwise(self.sizes))
        weights = [rng.normal(size=(nout, nin)) * scale(nin) for nin, nout in shapes]
        return [(w.astype(self.dtype), np.zeros(len(w), self.dtype)) for w in weights]

    @cached_property
    def batches(self) -> list[tuple[Array, Array]]:
        """The rows in portions: X of shape (batch, inputs), y of shape (batch,)."""
        whole = len(self.X) // self.batch
        y_type = "int64" if self.loss == "softmax" else self.dtype
        X, y = np.ascontiguousarray(self.X, self.dtype), np.ascontiguousarray(self.y, y_type)
        return [(X[i : i + self.batch], y[i : i + self.batch]) for i in range(0, whole * self.batch, self.batch)]

    @property
    def products(self) -> int:
        """Multiplications of a forward pass over a batch: what decides how long any engine takes."""
        return self.batch * sum(nin * nout for nin, nout in pairwise(self.sizes))


@dataclass(frozen=True)
class Peer:
    """One engine, or one way to use it."""

    name: str
    how: str  # two plain sentences
    start: Callable[[Problem], Train]  # raises MissingError if it can't
    slow: bool = False  # a step may take seconds: its turns may hold a single one, and --quick may leave it out
    slow_start: bool = False  # starting takes longer than --quick may
    flags: bool = True  # is XLA told how many threads to have? if not, it is pinned alone


def fetched(found: Any) -> Array:
    """The parameters, flat, from what a Train returns: them, or a function that fetches them after the clock."""
    return found() if callable(found) else found


def flat(layers: Sequence[tuple[Array, Array]]) -> Array:
    """The parameters of all layers, neuron by neuron, weights before bias."""
    return np.concatenate([np.column_stack((np.asarray(w), np.asarray(b))).ravel() for w, b in layers])


def unflat(numbers: Array, sizes: Sequence[int]) -> Layers:
    """The layers that flat(layers) came from."""
    layers, at = [], 0
    for nin, nout in pairwise(sizes):
        block = np.asarray(numbers[at : at + nout * (nin + 1)]).reshape(nout, nin + 1)
        layers.append((block[:, :-1], block[:, -1]))
        at += block.size
    return layers
