"""Recording and sweeping: nodes a second and bytes a node of the scalar engines, from 10² to 10⁶ nodes.

Promise: the same graph for all, a balanced tree of sums and products, which no engine's recursion limits; the collector
is on, as users have it. Engines come up with the same numbers, or nothing is timed.
"""

import re
import sys
from dataclasses import replace
from functools import partial
from math import log
from pathlib import Path
from typing import Any

from . import eager
from .harness import Effort, MissingError, Series, Turn, Worker, by_turns, check_agree, ratio, require, timed
from .page import DEMO, Section, side_by_side

ENGINES = {  # where each one's number is
    "micrograd_nn": ("micrograd_nn", "Value"),
    "micrograd": ("micrograd.engine", "Value"),
    "scalargrad": ("scalargrad.core", "Scalar"),
    "minigrad (C)": ("minigrad", "Value"),
    "simplegrad (C++)": ("simplegrad", "Node"),
}
SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)
OURS = "micrograd_nn"


def tree(value: Any, nodes: int) -> tuple[Any, Any]:
    """The root and a leaf of about so many nodes: leaves of ½ joined in pairs, level by level, by × and + in turn.

    ½·½ + ½·½ is ½ again, so the numbers stay where they are at any depth.
    """
    level = [value(0.5) for _ in range((nodes + 1) // 2)]
    leaf = level[0]
    product = True
    while len(level) > 1:
        pairs = list(zip(level[::2], level[1::2], strict=False))
        level = [a * b if product else a + b for a, b in pairs] + level[2 * len(pairs) :]
        product = not product
    return level[0], leaf


def demo(effort: Effort) -> Section:
    """The step of micrograd's own demo notebook, as ``eager.py`` has it."""
    measured, missing = {}, {}
    workers = {who: Worker(effort.threads) for who in eager.HOMES}
    try:
        for who, worker in workers.items():
            try:
                worker.ask(installed, who)
                measured[who] = partial(worker.ask, demo_turn, who)
            except MissingError as reason:
                missing[who] = str(reason)
        return side_by_side(
            DEMO,
            "The same lines in both projects, only the import differs: MLP 2-16-16-1 on 100 points held as NumPy's "
            "numbers, hinge loss with L2. Forward, zero_grad, backward; processor time, the collector on.",
            by_turns(measured, replace(effort, turn=0.0, slow_least=1 if effort.quick else 4), measured),
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
        "A balanced tree of products and sums is recorded and swept once, forward and backward together, by the "
        "scalar engines on PyPI that were found to work, with the collector on; bytes are a process' growth. "
        "The slope is that of log(seconds) over log(nodes), and 1 means in proportion.",
        (
            "nodes a second at",
            *(f"{nodes:,} nodes" for nodes in sizes),
            "slope",
            "bytes a node",
            f"seconds, times {OURS}",
        ),
    )
    workers = {who: Worker(effort.threads) for who in ENGINES}
    try:
        grown = _started(workers, table, 50_000 if effort.quick else 200_000)
        check_agree({who: workers[who].ask(outcome, who, 1000) for who in grown}, 1e-6)
        seconds: dict[str, list[Series]] = {who: [] for who in grown}
        for nodes in sizes:
            timers = {who: partial(workers[who].ask, sweep, who, nodes) for who in grown}
            for who, series in by_turns(timers, replace(effort, slow_least=1), ENGINES).items():
                seconds[who].append(series)
    finally:
        for worker in workers.values():
            worker.close()
    exponents = {who: _exponent(sizes, [s.median for s in series]) for who, series in seconds.items()}
    for who in ENGINES:
        table.rows.append(_row(who, sizes, seconds, exponents, grown))
    rounds = {who: [s.values for s in series] for who, series in seconds.items()}
    table.data = {"nodes": sizes, "rounds": rounds, "slope": exponents, "bytes a node": grown}
    return table


def _started(workers: dict[str, Worker], table: Section, nodes: int) -> dict[str, float | None]:
    """Bytes a node of each engine that works, measured while its process is fresh; None where the system is silent."""
    grown = {}
    for who, worker in workers.items():
        try:
            grown[who] = worker.ask(bytes_a_node, who, nodes)
        except MissingError as reason:
            table.missing[who] = str(reason)
    return grown


def _row(who: str, sizes: Any, seconds: Any, exponents: Any, grown: Any) -> tuple[str, ...]:
    if who not in seconds:
        return who, *["missing"] * (len(sizes) + 2), "–"
    rates = [Series([nodes / t for t in taken.values], "") for nodes, taken in zip(sizes, seconds[who], strict=True)]
    memory = "missing" if grown[who] is None else f"{grown[who]:.0f}"
    beside = "1" if who == OURS else str(ratio(seconds[who][-1], seconds[OURS][-1]))
    return f"**{who}**" if who == OURS else who, *map(str, rates), f"{exponents[who]:.2f}", memory, beside


def _exponent(sizes: Any, seconds: list[float]) -> float:
    """The slope of the line through (log nodes, log seconds)."""
    from micrograd_nn.training.line import least_squares

    return least_squares([log(nodes) for nodes in sizes], [log(taken) for taken in seconds])[0]


# ---- in the engine's own process ----


def installed(who: str) -> None:
    """Raises MissingError if the project is not installed."""
    require(eager.HOMES[who][0])


def demo_turn(who: str, steps: int) -> Turn:
    """How long a step of the demo takes. The collector goes on from where the last turn left it, as in one long run."""
    return timed(partial(eager.turn, who), steps, collect=False)


def number(who: str) -> Any:
    """The engine's class. Raises MissingError if it is not installed."""
    module, name = ENGINES[who]
    return getattr(require(module, f"{module} can't be imported; `pip install {module.partition('.')[0]}`"), name)


def sweep(who: str, nodes: int, steps: int) -> Turn:
    """Seconds for a forward and backward pass over so many nodes."""
    value = number(who)

    def run(steps: int) -> None:
        for _ in range(steps):
            tree(value, nodes)[0].backward()

    return timed(run, steps)


def outcome(who: str, nodes: int) -> list[float]:
    """The root's number and the first leaf's slope."""
    root, leaf = tree(number(who), nodes)
    root.backward()
    return [float(found() if callable(found) else found) for found in (root.data, leaf.grad)]


def bytes_a_node(who: str, nodes: int) -> float | None:
    """By how much a process' peak grows for each node of a tree with its backward pass."""
    value = number(who)
    tree(value, 100)[0].backward()
    before = peak()
    root, _ = tree(value, nodes)
    root.backward()
    after = peak()
    return None if before is None or after is None else (after - before) / nodes


def peak() -> int | None:
    """The most memory that this process has had, in bytes; None where the system does not say."""
    status = Path("/proc/self/status")
    if status.is_file():
        found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text())
        return int(found[1]) * 1024 if found else None
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
