"""JAX: one jitted step at a time, and many steps in one lax.scan.

Promise: the CPU build, 64-bit floats switched on, arrays on the device before the clock starts, and
``block_until_ready`` before it stops.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..harness import require
from .problem import Array, Peer, Problem, Train, flat


def prepared(problem: Problem) -> tuple[Any, Any, Any]:
    """jax, a step (parameters, X, y) -> parameters, and the starting parameters."""
    jax = require("jax")
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    activations = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu, "identity": lambda z: z}
    kinds = [activations[problem.hidden]] * (len(problem.sizes) - 2) + [activations[problem.output]]

    def softmax(out: Any, y: Any) -> Any:
        sums = jax.nn.logsumexp(out, axis=1)
        return (sums - jnp.take_along_axis(out, y[:, None], axis=1)[:, 0]).mean()

    error = {
        "mse": lambda out, y: ((y - out[:, 0]) ** 2).mean(),
        "hinge": lambda out, y: jax.nn.relu(1.0 - y * out[:, 0]).mean(),
        "softmax": softmax,
    }[problem.loss]

    def loss(parameters: Any, X: Any, y: Any) -> Any:
        for (w, b), activation in zip(parameters, kinds, strict=True):
            X = activation(X @ w.T + b)
        if problem.l2:
            return error(X, y) + problem.l2 * sum((p * p).sum() for p in jax.tree.leaves(parameters))
        return error(X, y)

    def step(parameters: Any, X: Any, y: Any) -> Any:
        gradients = jax.grad(loss)(parameters, X, y)
        return jax.tree.map(lambda p, g: p - problem.lr * g, parameters, gradients)

    start = jax.tree.map(jnp.asarray, problem.start)
    return jax, step, start


def jitted(problem: Problem) -> Train:
    jax, step, start = prepared(problem)
    step = jax.jit(step)
    batches = jax.device_put(problem.batches)

    def train(steps: int) -> Callable[[], Array]:
        parameters = start
        for i in range(steps):
            parameters = step(parameters, *batches[i % len(batches)])
        return partial(flat, jax.block_until_ready(parameters))

    return train


def scanned(problem: Problem) -> Train:
    jax, step, start = prepared(problem)
    rows, targets = (jax.device_put(np.stack(column)) for column in zip(*problem.batches, strict=True))
    count = len(rows)

    def run(parameters: Any, numbers: Any) -> Any:
        return jax.lax.scan(lambda p, i: (step(p, rows[i], targets[i]), None), parameters, numbers)[0]

    run = jax.jit(run)

    def train(steps: int) -> Callable[[], Array]:
        return partial(flat, jax.block_until_ready(run(start, jax.numpy.arange(steps) % count)))

    return train


PEERS = [
    Peer(
        "JAX, jit a step",
        "One jitted function does forward, backward and update, called once a step. Compiling is not counted.",
        jitted,
    ),
    Peer(
        "JAX, lax.scan",
        "All steps of a turn are one `lax.scan` inside one jitted call. Python is not asked between two steps.",
        scanned,
    ),
]
PEERS += [
    replace(
        peer,
        name=f"{peer.name}, no flags",
        how="The same, pinned to one core, without the flags that keep XLA to one thread. They cost it time.",
        flags=False,
    )
    for peer in PEERS
]
