"""Which engine trains: the recorded graph itself, or its Program where that is sure to be the same.

Promise: "auto" never compiles a rule that looks at its numbers, nor a network that records another graph on one of 32
rows, drawn from them all, nor a loss or metric that does so at one of 32 outputs near the targets and far from them;
"compiled" says why it can't.
"""

from collections.abc import Sequence
from math import isclose, isfinite
from random import Random
from typing import Any

from ..collector import undisturbed
from ..compiler.registry import check_dtype
from ..engine.backprop import replay
from ..engine.modes import no_grad
from ..engine.value import Value, as_value
from ..errors import GraphError, MicrogradError, known
from ..nn.layers import MLP
from .compiled import CompiledEngine
from .engines import ScalarEngine
from .metrics import Score
from .task import Task

Engine = ScalarEngine | CompiledEngine
ENGINES = ("auto", "scalar", "compiled")
TINY = 20_000  # up to so many operations in a whole training, compiling costs more than it saves
SAME = 1e-4  # how far, relatively, a compiled row's loss may lie from the recorded one's; float32 needs some room
PROBES = 32  # on so many rows a compiled network is held against its graph


@undisturbed
def choose(
    engine: str, dtype: str, scalar: ScalarEngine, steps: int, scores: Sequence[Score], trains: bool = True
) -> Engine:
    """The engine of that name, ready to measure the scores, of which the first is the loss.

    "auto" compiles unless the whole training is tiny, or a graph does not allow it. Raises UnknownNameError, and
    GraphError if "compiled" is asked for a network, a loss or a metric whose graph changes with its numbers.
    """
    known("engine", engine, ENGINES)
    check_dtype(dtype)
    task = scalar.task
    for score in scores:  # what is no graph is refused before the first step
        task.record(0, score)
    if engine == "scalar" or (engine == "auto" and 3 * len(scalar.optimizer.params) * scalar.size * steps < TINY):
        return scalar
    try:
        for score in dict.fromkeys(scores):
            _check_same_score(task, score)
        compiled = CompiledEngine(scalar, dtype)
        _check_same_graph(compiled)
        if trains:
            _check_rule(compiled)
        for score in scores:  # while the first row's graph is at hand
            compiled.program_of(score)
        return compiled
    except MicrogradError:
        if engine == "compiled":
            raise
        return scalar


def _check_rule(compiled: CompiledEngine) -> None:
    """A rule of one's own may look at its numbers (if g > 1), which a compiled step can't."""
    try:
        compiled.run  # noqa: B018  # the loop is made here
    except TypeError as error:
        kind = type(compiled.optimizer).__name__
        raise GraphError(
            f"the rule of {kind} can't be compiled ({error}): write it in arithmetic and the table's operations, "
            'such as maximum(g, 1), or train with engine="scalar"'
        ) from error


def _check_same_graph(compiled: CompiledEngine) -> None:
    """A network may look at its numbers and record another graph for another row; compiled, it would not."""
    task = compiled.task
    for i in probes(task.net, len(task)):
        with no_grad():
            recorded = task.record(i)[0].data
        got = compiled.loss_of(i)
        if isfinite(recorded) and not abs(got - recorded) <= SAME * max(1.0, abs(recorded)):
            raise GraphError(
                f"this network records another graph for row {i} than for row 0 (its loss is {recorded:g}, compiled "
                f'{got:g}): it decides something by looking at numbers. Train it with engine="scalar"'
            )


def _check_same_score(task: Task, score: Score) -> None:
    """A loss or metric may look at its numbers too: it is recorded once, and held against itself at other outputs."""
    source, (_, outputs) = Random(0), task.kept
    graph, leaves = None, list[Value]()
    for _ in range(PROBES):
        wanted = task.wanted(source.randrange(len(task)))
        targets = wanted if isinstance(wanted, list) else [wanted]
        near = [Value(source.gauss(y.data, source.choice((0.1, 1.0, 10.0)))) for y in targets]
        try:
            now = as_value(score(near if isinstance(outputs, Sequence) else near[0], wanted))
        except Exception:  # it may refuse what the network never gives, such as a share of 7
            continue
        if graph is None:
            graph, leaves = now, [*near, *targets]
        numbers = [leaf.data for leaf in (*near, *targets)]
        again = replay(graph, dict(zip(leaves, numbers, strict=True)))[graph]
        if isfinite(now.data) and not isclose(again, now.data, rel_tol=1e-9):
            name = getattr(score, "__name__", "this score")
            raise GraphError(
                f"{name} records another graph for outputs {numbers[: len(near)]} than for others: it looks at them. "
                'Write it with maximum, minimum and abs, or take engine="scalar"'
            )


def probes(net: Any, rows: int) -> list[int]:
    """The rows on which a compiled network is held against its graph, drawn from all: even spacing misses what is even.

    None for an MLP, which never looks at its numbers; a class made from it may.
    """
    return [] if type(net) is MLP else Random(0).sample(range(rows), min(PROBES, rows))
