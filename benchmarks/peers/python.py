"""The two-input network as somebody writes it who wants speed in Python: straight-line floats, stable formulas."""

from itertools import cycle, islice
from math import exp

import numpy as np

from ..harness import MissingError
from .problem import Array, Peer, Problem, Train, flat


def start(problem: Problem) -> Train:
    if (problem.sizes, problem.batch, problem.hidden) != ((2, 2, 1), 1, "sigmoid"):
        raise MissingError("it is written for the two-input network alone")
    rows = [(*X[0].tolist(), float(y[0])) for X, y in problem.batches]

    def train(steps: int) -> Array:
        w1, w2, b1, w3, w4, b2, w5, w6, b3 = flat(problem.start).tolist()
        lr = problem.lr
        for x1, x2, y in islice(cycle(rows), steps):
            z1, z2 = w1 * x1 + w2 * x2 + b1, w3 * x1 + w4 * x2 + b2
            h1 = 1.0 / (1.0 + exp(-z1)) if z1 >= 0.0 else (e := exp(z1)) / (1.0 + e)
            h2 = 1.0 / (1.0 + exp(-z2)) if z2 >= 0.0 else (e := exp(z2)) / (1.0 + e)
            z3 = w5 * h1 + w6 * h2 + b3
            o1 = 1.0 / (1.0 + exp(-z3)) if z3 >= 0.0 else (e := exp(z3)) / (1.0 + e)
            off = y - o1
            d3 = -2.0 * off * (o1 / (1.0 + exp(z3)) if z3 < 0.0 else o1 * (e := exp(-z3)) / (1.0 + e))
            d1 = d3 * w5 * (h1 / (1.0 + exp(z1)) if z1 < 0.0 else h1 * (e := exp(-z1)) / (1.0 + e))
            d2 = d3 * w6 * (h2 / (1.0 + exp(z2)) if z2 < 0.0 else h2 * (e := exp(-z2)) / (1.0 + e))
            w5, w6, b3 = w5 - lr * d3 * h1, w6 - lr * d3 * h2, b3 - lr * d3
            w1, w2, b1 = w1 - lr * d1 * x1, w2 - lr * d1 * x2, b1 - lr * d1
            w3, w4, b2 = w3 - lr * d2 * x1, w4 - lr * d2 * x2, b2 - lr * d2
        return np.array([w1, w2, b1, w3, w4, b2, w5, w6, b3])

    return train


PEERS = [
    Peer(
        "Python, by hand",
        "The two-input network as straight lines of floats, forward, backward and update. Nothing is called but exp.",
        start,
    )
]
