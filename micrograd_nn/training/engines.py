"""Engines: what carries out the steps of a training, on the recorded graph itself or on its compiled Program.

Promise: both take the same steps to the same numbers, within the rounding of their sums. An engine stops before a
step whose loss is nan or infinite, and says how many steps it has finished.
"""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, Protocol

from ..backprop import grad
from ..errors import GraphError, MicrogradError, UnknownNameError
from ..functional import mean, total
from ..modes import no_grad
from ..nn import MLP
from ..optim import Optimizer
from ..value import Value
from .task import Penalty, Task, penalty_of

ENGINES = ("auto", "scalar", "compiled")
TINY = 20_000  # up to so many operations in a whole training, compiling costs more than it saves
SAME = 1e-4  # how far, relatively, a compiled row's loss may lie from the recorded one's; float32 needs some room

Score = Callable[..., Value]  # of (outputs, target): a loss or a metric


class Engine(Protocol):
    """Steps over the rows of a task; the numbers live in the engine between ``load`` and ``store``."""

    name: str
    chunk: int  # how many steps to take at a time, so that Ctrl-C is heard within about a tenth of a second

    def prepare(self, scores: Sequence[Score]) -> None:
        """Make ready to measure these, while the first row's graph is at hand."""

    def load(self) -> None:
        """Take over the parameters from their Values and the memories from the optimiser."""

    def store(self) -> None:
        """Write the parameters to their Values and the memories to the optimiser."""

    def advance(self, order: Sequence[int], log: list[float]) -> None:
        """A step per batch of the rows in that order; adds to log [Σ objective of the rows, finished steps]."""

    def score(self, task: Task, score: Score) -> float:
        """The mean of a loss or metric over a task's rows, at the stored parameters."""

    def is_bad(self, i: int) -> bool:
        """Is the loss of row i, or a slope of it, nan or infinite at the stored parameters?"""


class ScalarEngine:
    """Each step records the batch's graph, sweeps it, and lets it go."""

    name = "scalar"
    chunk = 1

    def __init__(self, task: Task, optimizer: Optimizer, batch_size: int, penalty: Penalty) -> None:
        self.task, self.optimizer, self.size, self.penalty = task, optimizer, batch_size, penalty

    def prepare(self, scores: Sequence[Score]) -> None:
        """Nothing to do: a graph is recorded when it is needed."""

    def load(self) -> None:
        """Nothing to do: the numbers are in the Values."""

    def store(self) -> None:
        """Nothing to do."""

    def advance(self, order: Sequence[int], log: list[float]) -> None:
        for start in range(0, len(order), self.size):
            rows = order[start : start + self.size]
            objective = self.objective(rows)
            if not isfinite(objective.data):
                return
            self.optimizer.zero_grad()
            objective.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
            log[0] += objective.data * len(rows)
            log[1] += 1

    def objective(self, rows: Sequence[int]) -> Value:
        """The mean loss of these rows plus the regularisation, as one graph."""
        losses: Value = mean([self.task.record(i)[0] for i in rows])
        whole: Value = total([losses, *penalty_of(self.optimizer.params, self.penalty)])
        return whole

    def score(self, task: Task, score: Score) -> float:
        with no_grad():
            return sum(task.record(i, score)[0].data for i in range(len(task))) / len(task)

    def is_bad(self, i: int) -> bool:
        loss = self.task.record(i)[0]
        return not all(map(isfinite, [loss.data, *grad(loss, self.optimizer.params)]))


def choose(
    engine: str,
    dtype: str,
    task: Task,
    optimizer: Optimizer,
    batch_size: int,
    penalty: Penalty,
    steps: int,
    trains: bool = True,
) -> Engine:
    """The engine of that name; "auto" compiles unless the whole training is tiny, or the graph does not allow it.

    Raises UnknownNameError, and GraphError if "compiled" is asked for a network whose graph changes from row to row.
    """
    if engine not in ENGINES:
        raise UnknownNameError("engine", engine, ENGINES)
    scalar = ScalarEngine(task, optimizer, batch_size, penalty)
    if engine == "scalar" or (engine == "auto" and 3 * len(optimizer.params) * batch_size * steps < TINY):
        return scalar
    from .compiled import CompiledEngine

    try:
        compiled = CompiledEngine(task, optimizer, batch_size, penalty, dtype)
        _check_same_graph(task, compiled)
        if trains:
            _check_rule(compiled)
        return compiled
    except MicrogradError:
        if engine == "compiled":
            raise
        return scalar


def _check_rule(compiled: Any) -> None:
    """A rule of one's own may look at its numbers (if g > 1), which a compiled step can't."""
    try:
        compiled.run  # noqa: B018  # the loop is made here
    except TypeError as error:
        kind = type(compiled.optimizer).__name__
        raise GraphError(
            f"the rule of {kind} can't be compiled ({error}): write it in arithmetic and the table's operations, "
            'such as maximum(g, 1), or train with engine="scalar"'
        ) from error


def _check_same_graph(task: Task, compiled: Any) -> None:
    """A network may look at its numbers and record another graph for another row; compiled, it would not."""
    if isinstance(task.net, MLP):
        return
    for i in sorted({len(task) * k // 8 for k in range(8)}):
        with no_grad():
            recorded = task.record(i)[0].data
        got = compiled.loss_of(task, i)
        if abs(got - recorded) > SAME * max(1.0, abs(recorded)) and isfinite(recorded):
            raise GraphError(
                f"this network records another graph for row {i} than for row 0 (its loss is {recorded:g}, compiled "
                f'{got:g}): it decides something by looking at numbers. Train it with engine="scalar"'
            )


def first_fault(task: Task, rows: Sequence[int], is_bad: Callable[[int], bool]) -> str:
    """Which of the rows gives nan or inf, and at which operation, in words."""
    from ..modes import detect_anomaly

    for i in rows:
        if not is_bad(i):
            continue
        try:
            with detect_anomaly():
                task.record(i)[0].backward()
        except MicrogradError as fault:
            return f"row {i}: {fault}"
    return "no single row does it: the sum over the batch, or the step itself, is too large (is lr too large?)"
