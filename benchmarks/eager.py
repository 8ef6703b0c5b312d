"""One training step of micrograd's moons demo, in micrograd and in micrograd_nn, by turns in one run.

The step: MLP 2-16-16-1 on 100 points, hinge loss with L2; forward, zero_grad, backward; the garbage collector is on.
It is taken in two loops: one lets each graph go before the next one grows, the other, as the demo's notebook does,
holds it until the next one is there. Each project has a process of its own, because a heap that one has torn up slows
the other. They take turns of about a second, so that a busy machine slows both, and processor time is counted.
Printed are the ratio turn by turn and that of the best turns: where neighbours use the caches, the collector's walk
through a graph takes up to five times as long, and the best turns have met them least. A project that is not
installed is reported as missing and is never counted.

    python -m pip install -e '.[bench]'
    python benchmarks/eager.py
"""

import argparse
import gc
import random
import sys
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from statistics import median
from time import process_time
from typing import Any

import numpy as np

HOMES = {"micrograd": ("micrograd.engine", "micrograd.nn"), "micrograd_nn": ("micrograd_nn", "micrograd_nn")}
POINTS = 100
FEWEST = 3  # steps in a turn: fewer may miss a full collection, or meet one too many


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
def step_of(project: str, plain: bool) -> Callable[[], Any]:
    """The step as micrograd's demo writes it, NumPy's numbers and all (Python's if plain); only the classes differ."""
    value, mlp = classes(project)
    rows, labels = moons(POINTS, seed=0)
    if plain:
        rows, labels = rows.tolist(), labels.tolist()
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


held: dict[str, Any] = {}  # a project's last graph, in the loop that holds it


def turn(project: str, plain: bool, steps: int, hold: bool = True) -> tuple[float, float]:
    """Processor seconds per step over a few steps on end, and the loss.

    The collector goes on from where the last turn left it: all turns together are one long training.
    """
    step = step_of(project, plain)
    held.clear()
    start = process_time()
    for _ in range(steps):
        loss = step()
        number = float(loss.data)
        if hold:
            held[project] = loss
        del loss
    return (process_time() - start) / steps, number


def bytes_per_node(project: str, nodes: int = 10_000) -> float:
    """Memory of each ``y = y * constant``, the constant's node included."""
    value, _ = classes(project)
    y = value(1.0)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(nodes):
        y = y * 1.000001
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / nodes


def compare(workers: dict[str, ProcessPoolExecutor], plain: bool, turns: int, length: float, hold: bool) -> None:
    """Print seconds and losses of each project, and the ratios if there are two."""

    def take(project: str, steps: int) -> tuple[float, float]:
        return workers[project].submit(turn, project, plain, steps, hold).result()

    steps = {project: max(FEWEST, round(length / take(project, FEWEST)[0])) for project in workers}
    seconds: dict[str, list[float]] = {project: [] for project in workers}
    losses = {}
    for _ in range(turns):
        for project in workers:
            took, losses[project] = take(project, steps[project])
            seconds[project].append(took)
    print(
        "the last graph is held while the next one grows:" if hold else "a graph is let go before the next one grows:"
    )
    for project, times in seconds.items():
        span = f"({min(times) * 1e3:.1f} to {max(times) * 1e3:.1f})"
        print(f"{project:>13}  {median(times) * 1e3:8.1f} ms a step {span}  loss {losses[project]:.12f}")
    if len(workers) == 2:
        theirs, ours = seconds["micrograd"], seconds["micrograd_nn"]
        ratios = [a / b for a, b in zip(theirs, ours, strict=True)]
        print(f"        ratio  {median(ratios):8.1f} × ({min(ratios):.1f} to {max(ratios):.1f}), turn by turn", end="")
        print(f"; {min(theirs) / min(ours):.1f} ×, best turn against best turn")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--turns", type=int, default=9, help="turns of each project in each loop")
    parser.add_argument("--seconds", type=float, default=1.0, help=f"length of a turn, {FEWEST} steps at least")
    parser.add_argument("--plain", action="store_true", help="hand over Python's floats instead of NumPy's")
    arguments = parser.parse_args()
    projects = [project for project in HOMES if find_spec(project)]
    print(f"moons, MLP 2-16-16-1, {POINTS} points, {arguments.turns} turns, Python {sys.version.partition(' ')[0]}")
    for missing in HOMES.keys() - set(projects):
        print(f"{missing:>13}  missing: install it with the bench extra")
    spawn = get_context("spawn")
    workers = {project: ProcessPoolExecutor(1, mp_context=spawn) for project in projects}
    for hold in (False, True):
        compare(workers, arguments.plain, arguments.turns, arguments.seconds, hold)
    print("memory of each y * constant, the constant included:")
    for project, worker in workers.items():
        print(f"{project:>13}  {worker.submit(bytes_per_node, project).result():8.0f} bytes")
        worker.shutdown()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
