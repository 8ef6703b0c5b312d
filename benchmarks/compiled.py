"""What a compiled step costs beside its peers, held to the limits that this project sets itself.

    python -m benchmarks.compiled [--mnist DIR]

Promise: engines take turns in short rounds, each in a process of its own, with one thread; a ratio is the median of the
rounds' ratios. Exit code 1 if a ratio is over its limit. Our steps are those of one long training, as in practice.
"""

import argparse
from dataclasses import replace
from functools import partial
from math import exp, inf
from typing import Any

from .harness import Effort, MissingError, Worker, by_turns, ratio, timed

TWO, MOONS = "Two inputs, one person a step", "Moons, full batch"
DIGITS, MNIST = "Digits 8×8, 50 images a step", "MNIST 784-300-100-10, 50 images a step"
OURS, IN_C = "micrograd_nn, compiled", "micrograd_nn, C backend"
STRAIGHT, FUSED, SCAN = "Python, by hand", "PyTorch, fused update", "JAX, lax.scan"
LIMITS: dict[tuple[str, str], dict[str, float]] = {  # our time over theirs, at most; inf: shown only
    (TWO, OURS): {"micrograd": 1 / 50, "PyTorch, eager": 1 / 120, FUSED: inf, "NumPy, textbook": 1 / 8, STRAIGHT: 1.3},
    (MOONS, OURS): {"PyTorch, eager": 0.2, FUSED: inf, "NumPy, by hand": 1.1},
    (MNIST, OURS): {"PyTorch, eager": 0.85, FUSED: inf},
    (TWO, IN_C): {SCAN: 0.6, "C, by hand": inf},
    (MOONS, IN_C): {SCAN: 0.65, "C, by hand": inf},
    (DIGITS, IN_C): {SCAN: 0.85, "C, by hand": inf},
}
Row = tuple[float, float, float]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", metavar="DIR", help="the folder with MNIST's four files")
    parser.add_argument("--rounds", type=int, default=11)
    arguments = parser.parse_args()
    effort = replace(Effort(), mnist=arguments.mnist, rounds=arguments.rounds)
    over = 0
    for (title, ours), limits in LIMITS.items():
        print(f"{title}: {ours}")
        workers = {name: Worker(1) for name in (ours, *limits)}
        try:
            timers = {
                name: lambda steps, who=name, worker=worker, title=title: worker.ask(seconds, who, title, effort, steps)
                for name, worker in workers.items()
            }
            measured = by_turns(timers, effort)
        except MissingError as reason:
            print(f"    left out: {reason}")
            continue
        finally:
            for worker in workers.values():
                worker.close()
        for name, limit in limits.items():
            share = ratio(measured[ours], measured[name])
            over += share.median > limit
            verdict = "" if limit == inf else f", at most {limit:.3g}: {'kept' if share.median <= limit else 'OVER'}"
            print(
                f"    {measured[ours].median * 1e6:9.2f} µs, {name} {measured[name].median * 1e6:9.2f} µs: "
                f"{share.median:.3f}{verdict}"
            )
    return 1 if over else 0


# ---- in the engine's own process ----

_started: dict[str, Any] = {}


def seconds(name: str, title: str, effort: Effort, steps: int) -> float:
    """Seconds a step."""
    from .peers import peers  # NumPy reads the number of threads when it is imported: not before the worker has set it
    from .problems import PROBLEMS

    if name not in _started:
        problem = PROBLEMS[title](effort)
        starters = {OURS: training, IN_C: partial(training, backend="c"), STRAIGHT: by_hand}
        _started[name] = starters[name](problem) if name in starters else peers()[name].start(problem)
    return timed(_started[name], steps)


def training(problem: Any, backend: str = "auto") -> Any:
    """Steps in the middle of a training: the parameters stay in the program's vectors from turn to turn."""
    import numpy as np

    from micrograd_nn import SGD
    from micrograd_nn.compiler import compile
    from micrograd_nn.compiler.backend import Log
    from micrograd_nn.compiler.run import Run

    from .peers.ours import epoch_of, record

    recorded = record(problem)
    parameters = recorded.net.parameters()
    program = compile(recorded.loss, [recorded.x, recorded.y], parameters, backend, problem.dtype)
    batches = epoch_of(problem)
    X, y = (np.concatenate(column) for column in zip(*batches, strict=True))
    targets = np.eye(problem.sizes[-1], dtype=X.dtype)[y] if problem.loss == "softmax" else y
    run = Run(program, SGD(parameters, lr=problem.lr), program.rows(X, targets), problem.batch)
    run.load()
    count, every = len(batches), run.rows.every

    def train(steps: int) -> None:
        whole, rest = divmod(steps, count)
        parts = [every] * whole + ([every[: rest * problem.batch]] if rest else [])
        run.loop.train(run.state, run.rows, parts, run.scalars(), Log())

    return train


def by_hand(problem: Any) -> Any:
    """The two-input network as somebody writes it who wants speed: straight-line floats, stable formulas."""
    rows: list[Row] = [(*X[0].tolist(), float(y[0])) for X, y in problem.batches]

    def train(steps: int) -> None:
        w1, w2, b1, w3, w4, b2, w5, w6, b3 = 0.1, 0.2, 0.3, -0.1, -0.2, -0.3, 0.5, 0.6, 0.7
        lr, total = 0.1, 0.0
        for x1, x2, y in rows * (steps // len(rows) or 1):
            z1, z2 = w1 * x1 + w2 * x2 + b1, w3 * x1 + w4 * x2 + b2
            h1 = 1.0 / (1.0 + exp(-z1)) if z1 >= 0.0 else (e := exp(z1)) / (1.0 + e)
            h2 = 1.0 / (1.0 + exp(-z2)) if z2 >= 0.0 else (e := exp(z2)) / (1.0 + e)
            z3 = w5 * h1 + w6 * h2 + b3
            o1 = 1.0 / (1.0 + exp(-z3)) if z3 >= 0.0 else (e := exp(z3)) / (1.0 + e)
            off = y - o1
            total += off * off
            d3 = -2.0 * off * (o1 / (1.0 + exp(z3)) if z3 < 0.0 else o1 * (e := exp(-z3)) / (1.0 + e))
            d1 = d3 * w5 * (h1 / (1.0 + exp(z1)) if z1 < 0.0 else h1 * (e := exp(-z1)) / (1.0 + e))
            d2 = d3 * w6 * (h2 / (1.0 + exp(z2)) if z2 < 0.0 else h2 * (e := exp(-z2)) / (1.0 + e))
            w5, w6, b3 = w5 - lr * d3 * h1, w6 - lr * d3 * h2, b3 - lr * d3
            w1, w2, b1 = w1 - lr * d1 * x1, w2 - lr * d1 * x2, b1 - lr * d1
            w3, w4, b2 = w3 - lr * d2 * x1, w4 - lr * d2 * x2, b2 - lr * d2

    return train


if __name__ == "__main__":
    raise SystemExit(main())
