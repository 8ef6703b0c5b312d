"""micrograd: the scalar engine of the lecture, as its users write with it.

Promise: its own classes and loops. What it lacks and a problem needs (exp, for sigmoid and softmax) is added as its
author adds an operation: one function with a closure.
"""

import math
from typing import Any

from ..harness import MissingError, require
from .problem import Array, Layers, Peer, Problem, Train

LARGEST = 400_000  # products in a batch from which its graph, at some 1.3 kB a node, outgrows an ordinary machine


def start(problem: Problem) -> Train:
    engine = require("micrograd.engine")
    if problem.products > LARGEST:
        raise MissingError(f"a step records about {3 * problem.products:,} nodes of some 1.3 kB each")
    exp = exponential(engine.Value)
    import numpy as np

    def train(steps: int) -> Array:
        layers = values(problem.start, engine.Value)
        parameters = [p for rows in layers for row in rows for p in row]
        batches = [(X.tolist(), y.tolist()) for X, y in problem.batches]
        for i in range(steps):
            X, y = batches[i % len(batches)]
            whole = loss([forward(problem, layers, row, exp) for row in X], y, problem, exp, parameters)
            for p in parameters:
                p.grad = 0
            whole.backward()
            for p in parameters:
                p.data -= problem.lr * p.grad
        return np.array([p.data for p in parameters])

    return train


def values(layers: Layers, value: Any) -> Any:
    """The starting weights as rows [w1, …, wn, b] of that class, a row per neuron."""
    return [[[value(float(n)) for n in (*row, bias)] for row, bias in zip(w, b, strict=True)] for w, b in layers]


def forward(problem: Problem, layers: Any, row: Any, exp: Any) -> Any:
    """The outputs for one row."""
    for k, rows in enumerate(layers):
        kind = problem.output if k == len(layers) - 1 else problem.hidden
        sums = [sum((w * x for w, x in zip(neuron, row, strict=False)), neuron[-1]) for neuron in rows]
        row = sums if kind == "identity" else [z.relu() if kind == "relu" else (1 + exp(-z)) ** -1 for z in sums]
    return row


def loss(outputs: Any, y: Any, problem: Problem, exp: Any, parameters: Any) -> Any:
    """The mean loss of a batch."""
    if problem.loss == "mse":
        terms = [(target - out[0]) ** 2 for out, target in zip(outputs, y, strict=True)]
    elif problem.loss == "hinge":
        terms = [(1 + -target * out[0]).relu() for out, target in zip(outputs, y, strict=True)]
    else:
        terms = [softmax_cross_entropy(out, label, exp) for out, label in zip(outputs, y, strict=True)]
    mean = sum(terms) * (1.0 / len(terms))
    return mean + problem.l2 * sum(p * p for p in parameters) if problem.l2 else mean


def softmax_cross_entropy(sums: Any, label: int, exp: Any) -> Any:
    """-ln softmax(z)[label], by exp and the shares: micrograd has no logarithm, so its slope is handed back by hand."""
    largest = max(z.data for z in sums)
    whole = sum(exp(z - largest) for z in sums)
    out = whole.__class__(math.log(whole.data), (whole,), "log")

    def _backward() -> None:
        whole.grad += out.grad / whole.data

    out._backward = _backward
    return out - (sums[label] - largest)


def exponential(value: Any) -> Any:
    """exp for micrograd, in micrograd's own way."""

    def exp(x: Any) -> Any:
        out = value(math.exp(x.data), (x,), "exp")

        def _backward() -> None:
            x.grad += out.data * out.grad

        out._backward = _backward
        return out

    return exp


PEERS = [
    Peer(
        "micrograd",
        "Its Value, a graph recorded anew every step, `backward()`, and the update in a loop. "
        "exp and log, which it lacks, are added as its author adds an operation.",
        start,
        slow=True,
    )
]
