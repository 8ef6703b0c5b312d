"""Whole trainings, from nothing: start, compile, train, in a fresh process.

Promise: the clock includes whatever an engine does before its first step, but not the import of its library; what was
learnt is scored by the same few lines of NumPy for all.
"""

from contextlib import suppress
from time import perf_counter
from typing import Any

import numpy as np

from micrograd_nn import data

from .harness import Effort, MissingError, Series, Worker
from .page import Section, side_by_side
from .peers import Problem, fetched, peers
from .peers.numpy_batch import ACTIVATIONS
from .peers.problem import unflat
from .problems import PROBLEMS, xor
from .training import AGAIN, OURS

SLOW_PRODUCTS = 200_000  # products of a whole training up to which it is done one number at a time
APART = 0.01  # engines' shares of right answers may differ by this: rounding grows over thousands of steps
TRAININGS = {  # title -> the problem, and its epochs
    "Whole training: two inputs, 1000 epochs": ("Two inputs, one person a step", 1000),
    "Whole training: digits 8×8, 50 epochs": ("Digits 8×8, 50 images a step", 50),
    "Whole training: MNIST": ("MNIST 784-300-100-10, 50 images a step", None),
}
METHOD = (
    "The step from above, as often as a training takes it, with all that comes before the first one: a graph recorded, "
    "a program compiled. Each engine starts in a fresh process with its library imported, and the clock is the wall's."
)


def section(title: str, effort: Effort) -> Section:
    """One training, all engines that are quick enough for it."""
    what, epochs = TRAININGS[title]
    try:
        problem = PROBLEMS[what](effort)
        if effort.quick:
            raise MissingError("left out of --quick: fresh processes take too long")
    except MissingError as reason:
        return side_by_side(title, METHOD, {}, {"every engine": str(reason)}, OURS, "the training")
    steps = (epochs or effort.epochs) * len(problem.batches)
    measured: dict[str, Series] = {}
    shares: dict[str, float] = {}
    missing: dict[str, str] = {}
    for name in peers():
        try:
            once, shares[name] = trained(name, what, problem, steps, effort)
            measured[name] = Series([once])
        except MissingError as reason:
            missing[name] = str(reason)
    check_shares(shares)
    table = side_by_side(title, METHOD, measured, missing, OURS, f"{steps:,} steps")
    add_shares(table, shares)
    return table


def trained(name: str, what: str, problem: Problem, steps: int, effort: Effort) -> tuple[float, float]:
    """Seconds of one engine's training, and the share of rows that it gets right. Raises MissingError."""
    if peers()[name].slow and problem.products * steps > SLOW_PRODUCTS:
        raise MissingError("a whole training one sample or one number at a time takes too long")
    if name.endswith(AGAIN):
        raise MissingError("left out: another way of the same engine is here")
    worker = Worker(effort.threads)
    try:
        return worker.ask(train, name, what, effort, steps)
    finally:
        worker.close()


def check_shares(shares: dict[str, float]) -> None:
    """Raises AssertionError if one engine learnt something else than the others."""
    middle = float(np.median(list(shares.values()))) if shares else 0.0
    astray = {name: share for name, share in shares.items() if not abs(share - middle) <= APART}
    if astray:
        raise AssertionError(f"engines must learn the same: {middle:.1%} right is usual, but not {astray}")


def add_shares(table: Section, shares: dict[str, float]) -> None:
    """A column with the share of right answers."""
    table.columns = (*table.columns, "right afterwards")
    names = [*table.bars, *table.missing]
    rows = zip(table.rows, names, strict=True)
    table.rows = [(*row, f"{shares[name]:.2%}" if name in table.bars else "–") for row, name in rows]
    table.data["right"] = shares


# ---- in the engine's own process ----


def train(name: str, what: str, effort: Effort, steps: int) -> tuple[float, float]:
    """Seconds from the problem to its trained parameters, and the share of rows that come out right."""
    problem = PROBLEMS[what](effort)
    warm_up(name, effort)
    start = perf_counter()
    parameters = fetched(peers()[name].start(problem)(steps))
    seconds = perf_counter() - start
    return seconds, right(problem, parameters, *unseen(problem, effort))


def warm_up(name: str, effort: Effort) -> None:
    """Import the engine's library by a step on another problem: what it compiles there serves no other."""
    with suppress(MissingError):  # it is written for one network alone
        peers()[name].start(xor(effort))(1)


def unseen(problem: Problem, effort: Effort) -> tuple[Any, Any]:
    """Rows to be scored on: MNIST's test images; of the small problems the rows they are trained on."""
    if problem.sizes[0] != 784 or effort.mnist is None:
        return problem.X, problem.y
    _, test = data.mnist(effort.mnist)
    return test.X, test.y


def right(problem: Problem, parameters: Any, X: Any, y: Any) -> float:
    """The share of rows whose largest output, or whose only output above ½, is the target."""
    out, layers = X, unflat(parameters, problem.sizes)
    for k, (w, b) in enumerate(layers):
        kind = problem.output if k == len(layers) - 1 else problem.hidden
        out = ACTIVATIONS[kind](out @ w.T + b)
    answers = out.argmax(axis=1) if problem.loss == "softmax" else out[:, 0] > 0.5
    return float(np.mean(answers == y))
