"""Textbook NumPy: one sample after the other, as introductions print it.

Promise: the loops of a first tutorial, kept as they are usually written; nothing is made slower on purpose.
"""

import numpy as np

from ..harness import MissingError
from .numpy_batch import ACTIVATIONS, SLOPES, loss_slope
from .problem import Array, Peer, Problem, Train, flat

LONGEST = 50_000_000  # products in a batch from which a step takes longer than a second


def start(problem: Problem) -> Train:
    if problem.products > LONGEST:
        raise MissingError("one sample after the other takes too long for this network")
    from dataclasses import replace

    slope_of_loss = loss_slope(replace(problem, batch=1))
    kinds = [problem.hidden] * (len(problem.sizes) - 2) + [problem.output]

    def gradient(layers: list[tuple[Array, Array]], x: Array, y: Array) -> list[tuple[Array, Array]]:
        outs = [x]
        for (w, b), kind in zip(layers, kinds, strict=True):
            outs.append(ACTIVATIONS[kind](np.dot(w, outs[-1]) + b))
        upstream = slope_of_loss(outs[-1][None, :], y)[0]
        grads = []
        for (w, _), kind, a, out in zip(layers[::-1], kinds[::-1], outs[-2::-1], outs[::-1], strict=False):
            delta = SLOPES[kind](upstream, out)
            grads.append((np.outer(delta, a), delta))
            upstream = np.dot(w.T, delta)
        return grads[::-1]

    def step(layers: list[tuple[Array, Array]], X: Array, y: Array) -> list[tuple[Array, Array]]:
        whole = [(np.zeros_like(w), np.zeros_like(b)) for w, b in layers]
        for i in range(len(X)):
            grads = gradient(layers, X[i], y[i : i + 1])
            whole = [(gw + dw, gb + db) for (gw, gb), (dw, db) in zip(whole, grads, strict=True)]
        lr, share, decay = problem.lr, 1.0 / len(X), 2.0 * problem.l2
        return [
            (w - lr * (share * gw + decay * w), b - lr * (share * gb + decay * b))
            for (w, b), (gw, gb) in zip(layers, whole, strict=True)
        ]

    def train(steps: int) -> Array:
        layers, batches = problem.start, problem.batches
        for i in range(steps):
            layers = step(layers, *batches[i % len(batches)])
        return flat(layers)

    return train


PEERS = [
    Peer(
        "NumPy, textbook",
        "One sample after the other, a matrix-vector product a layer. This is how introductions print it.",
        start,
        slow=True,
    )
]
