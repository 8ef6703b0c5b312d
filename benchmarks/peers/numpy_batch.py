"""Hand-written NumPy: the whole batch as one matrix, forward and backward written out layer by layer.

Promise: what somebody who knows the matrix equations writes, with in-place updates and no framework.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .problem import Array, Peer, Problem, Train, flat

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda z: 1.0 / (1.0 + np.exp(-z)),
    "relu": lambda z: np.maximum(z, 0.0),
    "identity": lambda z: z,
}
SLOPES: dict[str, Callable[[Array, Array], Array]] = {  # (upstream, activation) -> adjoint of the sums
    "sigmoid": lambda upstream, a: upstream * a * (1.0 - a),
    "relu": lambda upstream, a: upstream * (a > 0),
    "identity": lambda upstream, a: upstream,
}


def loss_slope(problem: Problem) -> Callable[[Array, Array], Array]:
    """(outputs of shape (batch, last size), targets) -> the slope of the mean loss in the outputs."""
    share = 1.0 / problem.batch
    rows = np.arange(problem.batch)

    def mse(out: Array, y: Array) -> Array:
        return 2.0 * share * (out - y[:, None])

    def hinge(out: Array, y: Array) -> Array:
        side = y[:, None]
        return np.where(side * out < 1.0, -share * side, 0.0)

    def softmax(out: Array, y: Array) -> Array:
        powers = np.exp(out - out.max(axis=1, keepdims=True))
        powers *= share / powers.sum(axis=1, keepdims=True)
        powers[rows, y] -= share
        return powers

    return {"mse": mse, "hinge": hinge, "softmax": softmax}[problem.loss]


def start(problem: Problem) -> Train:
    slope_of_loss = loss_slope(problem)
    kinds = [problem.hidden] * (len(problem.sizes) - 2) + [problem.output]
    activations, slopes = [ACTIVATIONS[kind] for kind in kinds], [SLOPES[kind] for kind in kinds]
    lr, decay = problem.lr, 2.0 * problem.l2 * problem.lr

    def step(layers: list[Any], X: Array, y: Array) -> None:
        outs = [X]
        for (w, b), activation in zip(layers, activations, strict=True):
            outs.append(activation(outs[-1] @ w.T + b))
        upstream = slope_of_loss(outs[-1], y)
        for k in range(len(layers) - 1, -1, -1):
            w, b = layers[k]
            delta = slopes[k](upstream, outs[k + 1])
            if k:
                upstream = delta @ w
            if decay:
                w *= 1.0 - decay
                b *= 1.0 - decay
            w -= lr * (delta.T @ outs[k])
            b -= lr * delta.sum(axis=0)

    return trained(problem, step, problem.batches)


def in_columns(problem: Problem) -> Train:
    """The same with a row of data a column: W·X, which takes less than X·Wᵀ."""
    slope_of_loss = loss_slope(problem)
    kinds = [problem.hidden] * (len(problem.sizes) - 2) + [problem.output]
    lr, decay = problem.lr, 2.0 * problem.l2 * problem.lr
    batches = [(np.ascontiguousarray(X.T), y) for X, y in problem.batches]

    def step(layers: list[Any], X: Array, y: Array) -> None:
        outs = [X]
        for (w, b), kind in zip(layers, kinds, strict=True):
            outs.append(ACTIVATIONS[kind](w @ outs[-1] + b[:, None]))
        upstream = slope_of_loss(outs[-1].T, y).T
        for k in range(len(layers) - 1, -1, -1):
            w, b = layers[k]
            delta = SLOPES[kinds[k]](upstream, outs[k + 1])
            if k:
                upstream = w.T @ delta
            if decay:
                w *= 1.0 - decay
                b *= 1.0 - decay
            w -= lr * (delta @ outs[k].T)
            b -= lr * delta.sum(axis=1)

    return trained(problem, step, batches)


def trained(problem: Problem, step: Callable[..., None], batches: list[tuple[Array, Array]]) -> Train:
    """Steps over the batches from the starting weights."""

    def train(steps: int) -> Array:
        layers = [(w.copy(), b.copy()) for w, b in problem.start]
        for i in range(steps):
            step(layers, *batches[i % len(batches)])
        return flat(layers)

    return train


PEERS = [
    Peer(
        "NumPy, by hand",
        "The matrix equations of forward and backward pass, written out over the whole batch. Updates are in place.",
        start,
    ),
    Peer(
        "NumPy, features × rows",
        "The same with a row of data a column, so that a product is W·X. It is the layout that BLAS likes best here.",
        in_columns,
    ),
]
