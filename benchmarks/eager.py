"""One training step of micrograd's moons demo, in micrograd and in micrograd_nn.

MLP 2-16-16-1 on 100 points, hinge loss with L2; forward, zero_grad, backward. As in the demo's notebook each graph is
held until the next one is there.
"""

import random
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

HOMES = {"micrograd": ("micrograd.engine", "micrograd.nn"), "micrograd_nn": ("micrograd_nn", "micrograd_nn")}
POINTS = 100


def classes(project: str) -> tuple[Any, Any]:
    engine, nn = HOMES[project]
    return import_module(engine).Value, import_module(nn).MLP


def moons(points: int, seed: int) -> tuple[Any, Any]:
    """Two half circles that reach into each other, with normal noise of 0.1; the labels are -1 and 1."""
    rng = np.random.default_rng(seed)
    angle, lower = rng.uniform(0.0, np.pi, points), rng.integers(0, 2, points)
    x = np.where(lower, 1.0 - np.cos(angle), np.cos(angle))
    y = np.where(lower, 0.5 - np.sin(angle), np.sin(angle))
    return np.c_[x, y] + 0.1 * rng.normal(size=(points, 2)), 2 * lower - 1


@cache
def step_of(project: str) -> Callable[[], Any]:
    """The step as micrograd's demo writes it, NumPy's numbers and all; only the classes differ."""
    value, mlp = classes(project)
    rows, labels = moons(POINTS, seed=0)
    random.seed(0)
    net = mlp(2, [16, 16, 1])

    def step() -> Any:
        scores = [net([value(x) for x in row]) for row in rows]
        losses = [(1 + -label * score).relu() for label, score in zip(labels, scores, strict=True)]
        loss = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in net.parameters())
        net.zero_grad()
        loss.backward()
        return loss

    return step


def turn(project: str, steps: int) -> None:
    """A few steps on end."""
    step, held = step_of(project), None
    for _ in range(steps):
        held = step()
    del held
