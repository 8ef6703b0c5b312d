"""How compiling grows with the graph: ``python -m benchmarks.compile_scaling``.

Promise: networks of 10³ to 10⁶ nodes are recorded and compiled, each in a process of its own; printed are seconds and
megabytes from the recorded graph to a program that is ready to train, and the slope of both on a log-log scale, which
is 1 where they grow as the nodes do.
"""

import resource
from math import log
from time import perf_counter
from typing import Any

WIDTHS = (8, 25, 80, 160, 300, 390)  # three layers so wide, on twice as many inputs: the last has a million nodes
DIGITS = (784, 300, 100, 10)


def main() -> None:
    from .harness import Worker

    found = []
    for sizes in [*((2 * w, w, w, 10) for w in WIDTHS), DIGITS]:
        worker = Worker(1)
        nodes, seconds, megabytes, peak = worker.ask(compiled, sizes)
        worker.close()
        name = "-".join(map(str, sizes))
        print(f"{name:>18} {nodes:>9,} nodes {seconds:7.3f} s {megabytes:7.1f} MB  peak {peak:.0f} MB")
        found.append((nodes, seconds, megabytes))
    large = [row for row in found[:-1] if row[0] > 10_000]  # below, the fixed cost of a few milliseconds shows
    for k, what in ((1, "seconds"), (2, "megabytes")):
        print(f"slope of {what}: {slope([(log(row[0]), log(max(row[k], 1e-3))) for row in large]):.2f}")


def compiled(sizes: tuple[int, ...]) -> tuple[int, float, float, float]:
    """Nodes, seconds and megabytes to trace, lift, reverse and generate; the peak includes the recorded graph."""
    import numpy as np

    from micrograd_nn import MLP, Value
    from micrograd_nn.compiler import compile
    from micrograd_nn.nn import losses

    net = MLP(sizes[0], list(sizes[1:]), seed=0)
    x: Any = [Value(0.0) for _ in range(sizes[0])]
    y: Any = [Value(0.0) for _ in range(sizes[-1])]
    loss, parameters = losses.softmax_cross_entropy(net(x), y), net.parameters()
    before, began = peak_megabytes(), perf_counter()
    program = compile(loss, [x, y], parameters, backend="numpy")
    program.value_and_grad(np.zeros((1, sizes[0])), np.eye(sizes[-1])[:1])
    seconds = perf_counter() - began
    return len(program.trace), seconds, peak_megabytes() - before, peak_megabytes()


def peak_megabytes() -> float:
    """The most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def slope(points: list[tuple[float, float]]) -> float:
    """Of the line through the points by least squares."""
    mean_x, mean_y = (sum(column) / len(points) for column in zip(*points, strict=True))
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


if __name__ == "__main__":
    main()
