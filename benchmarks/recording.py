"""Recording and sweeping: nodes a second and bytes a node of the scalar engines, from 10² to 10⁶ nodes.

Promise: the same graph for all, a balanced tree of sums and products, which no engine's recursion limits; forward and
backward pass with the collector on, as users have it. Bytes are what Python's allocator hands out.
"""

import gc
import tracemalloc
from dataclasses import replace
from functools import partial
from math import log
from typing import Any

from . import eager
from .harness import Effort, MissingError, Series, Worker, by_turns, ratio, require, timed
from .page import Section, side_by_side

ENGINES = {"micrograd_nn": "micrograd_nn", "micrograd": "micrograd.engine"}
SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)
OURS = "micrograd_nn"


def tree(value: Any, nodes: int) -> Any:
    """The root of about so many nodes: leaves of ½ joined in pairs, level by level, by × and + in turn.

    ½·½ + ½·½ is ½ again, so the numbers stay where they are at any depth.
    """
    level = [value(0.5) for _ in range((nodes + 1) // 2)]
    product = True
    while len(level) > 1:
        pairs = list(zip(level[::2], level[1::2], strict=False))
        level = [a * b if product else a + b for a, b in pairs] + level[2 * len(pairs) :]
        product = not product
    return level[0]


def demo(effort: Effort) -> Section:
    """The step of micrograd's own demo notebook, as ``eager.py`` has it."""
    measured, missing = {}, {}
    workers = {who: Worker(effort.threads) for who in eager.HOMES}
    try:
        for who, worker in workers.items():
            try:
                worker.ask(demo_turn, who, 1)
                measured[who] = partial(worker.ask, demo_turn, who)
            except MissingError as reason:
                missing[who] = str(reason)
        return side_by_side(
            "micrograd's demo, as its notebook writes it",
            "The same lines in both projects, only the import differs: MLP 2-16-16-1 on 100 points held as NumPy's "
            "numbers, hinge loss with L2. Forward, zero_grad, backward; processor time, the collector on.",
            by_turns(measured, replace(effort, turn=min(effort.turn, 0.01))),
            missing,
            OURS,
        )
    finally:
        for worker in workers.values():
            worker.close()


def section(effort: Effort) -> Section:
    """Seconds and bytes by size, engine by engine."""
    sizes = SIZES[:3] if effort.quick else SIZES
    table = Section(
        "Recording: nodes a second, bytes a node",
        "A balanced tree of products and sums is recorded and swept once, forward and backward together, with the "
        "collector on. The last row is the slope of log(seconds) over log(nodes): 1 means in proportion.",
        ("nodes", *ENGINES, f"micrograd's seconds, times {OURS}"),
    )
    measured = {who: rounds for who in ENGINES if (rounds := _measure(who, table, effort))}
    seconds: dict[str, list[Series]] = {who: [] for who in measured}
    for nodes in sizes:
        timers = {who: partial(worker.ask, sweep, who, nodes) for who, worker in measured.items()}
        for who, series in by_turns(timers, effort).items():
            seconds[who].append(series)
    for k, nodes in enumerate(sizes):
        table.rows.append(_row(f"{nodes:,}", nodes, {who: series[k] for who, series in seconds.items()}))
    exponents = {who: _exponent(sizes, [s.median for s in series]) for who, series in seconds.items()}
    table.rows.append(("slope", *(f"{exponents[who]:.2f}" if who in exponents else "missing" for who in ENGINES), "–"))
    sizes_of = {who: worker.ask(bytes_a_node, who, 10_000) for who, worker in measured.items()}
    table.rows.append(
        ("bytes a node", *(f"{sizes_of[who]:.0f}" if who in sizes_of else "missing" for who in ENGINES), "–")
    )
    for worker in measured.values():
        worker.close()
    rounds = {who: [s.values for s in series] for who, series in seconds.items()}
    table.data = {"nodes": sizes, "rounds": rounds, "slope": exponents, "bytes a node": sizes_of}
    return table


def _measure(who: str, table: Section, effort: Effort) -> Worker | None:
    worker = Worker(effort.threads)
    try:
        worker.ask(sweep, who, 10, 1)
    except MissingError as reason:
        worker.close()
        table.missing[who] = str(reason)
        return None
    return worker


def _row(title: str, nodes: int, seconds: dict[str, Series]) -> tuple[str, ...]:
    cells = []
    for who in ENGINES:
        rate = Series([nodes / taken for taken in seconds[who].values], "nodes/s") if who in seconds else None
        cells.append(str(rate) if rate else "missing")
    both = str(ratio(seconds["micrograd"], seconds[OURS])) if "micrograd" in seconds else "–"
    return title, *cells, both


def _exponent(sizes: Any, seconds: list[float]) -> float:
    """The slope of the line through (log nodes, log seconds)."""
    from micrograd_nn.optim import least_squares

    return least_squares([log(nodes) for nodes in sizes], [log(taken) for taken in seconds])[0]


# ---- in the engine's own process ----


def demo_turn(who: str, steps: int) -> float:
    """Processor seconds a step of the demo. Raises MissingError if the project is not installed."""
    require(eager.HOMES[who][0])
    return eager.turn(who, False, steps)[0]


def sweep(who: str, nodes: int, steps: int) -> float:
    """Seconds for a forward and backward pass over so many nodes."""
    value = require(ENGINES[who]).Value

    def run(steps: int) -> None:
        for _ in range(steps):
            tree(value, nodes).backward()

    return timed(run, steps)


def bytes_a_node(who: str, nodes: int) -> float:
    """Memory of each node of a tree after its backward pass."""
    value = require(ENGINES[who]).Value
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    root = tree(value, nodes)
    root.backward()
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / nodes
