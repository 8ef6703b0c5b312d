"""What compiling costs: seconds and memory by the number of nodes, and after how many steps it has paid.

Promise: each network is recorded and compiled in a fresh process, and both ways of training then take the same steps
on the same rows, one row a step; "never" stands where compiled steps are not faster.
"""

import tracemalloc
from dataclasses import replace
from functools import lru_cache, partial
from math import ceil
from time import process_time
from typing import Any

from micrograd_nn.engine.value import topological_order

from .harness import Effort, MissingError, Series, Turn, Worker, by_turns, quantity, timed
from .page import Section
from .peers import Problem, Train, ours
from .problems import digits, mnist, moons, two_input, xor

NETWORKS: dict[str, tuple[Any, tuple[int, ...]]] = {  # what they learn, and their sizes
    "2-2-1": (two_input, (2, 2, 1)),
    "2-16-16-1": (moons, (2, 16, 16, 1)),
    "64-32-10": (digits, (64, 32, 10)),
    "64-300-100-10": (digits, (64, 300, 100, 10)),
    "784-300-100-10": (mnist, (784, 300, 100, 10)),
}
QUICK = 3  # so many of them belong to --quick
ROUNDS = 3  # fresh processes a network


def section(effort: Effort) -> Section:
    """A row a network."""
    table = Section(
        "What compiling costs, and when it has paid",
        "The loss of one row is recorded, then compiled and run for its first step, in a fresh process each round; "
        "memory is the most that Python and NumPy hold at once meanwhile, beyond the graph, from a run of its own, and time is the processor's. "
        "It has paid after as many steps as make up for those seconds, with one row a step, eager against compiled.",
        ("network", "nodes", "record", "compile", "memory", "eager step", "compiled step", "has paid after"),
    )
    for name in list(NETWORKS)[: QUICK if effort.quick else None]:
        try:
            table.rows.append(measured(name, effort, table))
        except MissingError as reason:
            table.missing[name] = str(reason)
            table.rows.append((name, *["missing"] * 7))
    return table


def measured(name: str, effort: Effort, table: Section) -> tuple[str, ...]:
    """The row of one network; its numbers go into the table's data."""
    once = [in_fresh_process(effort, cost, name, effort) for _ in range(min(effort.rounds, ROUNDS))]
    nodes = once[0]["nodes"]
    recorded, compiled = (Series([cost[what] for cost in once]) for what in ("record", "compile"))
    memory = in_fresh_process(effort, memory_peak, name, effort)
    workers = {way: Worker(effort.threads) for way in ("eager", "compiled")}
    try:
        timers = {way: partial(worker.ask, step_seconds, way, name, effort) for way, worker in workers.items()}
        steps = by_turns(timers, effort, {"eager"})
    finally:
        for worker in workers.values():
            worker.close()
    gained = steps["eager"].median - steps["compiled"].median
    after = f"{ceil(compiled.median / gained):,} steps" if gained > 0 else "never"
    table.data[name] = {"nodes": nodes, "record": recorded.values, "compile": compiled.values, "bytes": memory}
    table.data[name] |= {way: series.values for way, series in steps.items()}
    cells = (recorded, compiled, quantity(memory, "B"), steps["eager"], steps["compiled"])
    return name, f"{nodes:,}", *map(str, cells), after


def in_fresh_process(effort: Effort, function: Any, *arguments: Any) -> Any:
    """The function's answer from a process that did nothing else."""
    worker = Worker(effort.threads)
    try:
        return worker.ask(function, *arguments)
    finally:
        worker.close()


# ---- over there ----


def problem_of(name: str, effort: Effort) -> Problem:
    """The network's problem, one row a step."""
    make, sizes = NETWORKS[name]
    return replace(make(effort), name=name, sizes=sizes, batch=1)


def cost(name: str, effort: Effort) -> dict[str, Any]:
    """Nodes, and seconds to record and to compile."""
    problem = problem_of(name, effort)
    warm_up(effort)
    start = process_time()
    recorded = ours.record(problem)
    middle = process_time()
    ours.compiled_loop(problem, recorded)(1)
    end = process_time()
    return {"nodes": len(topological_order(recorded.loss)), "record": middle - start, "compile": end - middle}


def warm_up(effort: Effort) -> None:
    """Import all that compiling needs, by compiling another network."""
    small = xor(effort)
    ours.compiled_loop(small, ours.record(small))(1)


def memory_peak(name: str, effort: Effort) -> int:
    """The most bytes that Python and NumPy hold at once in compiling, beyond the recorded graph; a run of its own."""
    problem = problem_of(name, effort)
    warm_up(effort)
    recorded = ours.record(problem)
    problem.batches  # noqa: B018  # the rows are there before the count begins
    tracemalloc.start()
    ours.compiled_loop(problem, recorded)(1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


@lru_cache(maxsize=1)
def trainer(way: str, name: str, effort: Effort) -> Train:
    """Training one row a step, eager or compiled."""
    return {"eager": ours.eager, "compiled": ours.compiled}[way](problem_of(name, effort))


def step_seconds(way: str, name: str, effort: Effort, steps: int) -> Turn:
    """How long a step takes."""
    return timed(trainer(way, name, effort), steps)
