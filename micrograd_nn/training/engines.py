"""Engines: what carries out the steps of a training, on the recorded graph itself or on its compiled Program.

Both take the same steps to the same numbers, within the rounding of their sums. An engine stops before a step whose
loss is nan or infinite, and logs how many steps it has finished.
"""

from collections.abc import Sequence
from math import isfinite

from ..collector import undisturbed
from ..compiler.backend import Log
from ..engine.backprop import grad
from ..engine.modes import no_grad
from ..engine.value import Value
from ..nn.functional import mean, total
from ..nn.losses import l1, l2
from ..nn.optim import Optimizer
from .metrics import Score
from .task import Penalty, Task

Column = tuple[str, Task, Score]  # of the history: its name, and what is measured on which rows


class ScalarEngine:
    """Each step records the batch's graph, sweeps it, and lets it go."""

    name = "scalar"
    chunk = 1  # how many steps to take at a time, so that Ctrl-C is heard within about a tenth of a second

    def __init__(self, task: Task, optimizer: Optimizer, batch_size: int, penalty: Penalty) -> None:
        self.task, self.optimizer, self.size, self.penalty = task, optimizer, batch_size, penalty

    def load(self) -> None:
        """Take over the parameters and the optimiser's memories: nothing to do, the steps are taken on the Values."""

    def store(self) -> None:
        """Write the parameters to their Values and the memories to the optimiser, where they are already."""

    def advance(self, order: Sequence[int], log: Log) -> None:
        """A step per batch of the rows in that order; the log gets Σ objective of the rows and the finished steps."""
        first = self.optimizer.steps
        try:
            for start in range(0, len(order), self.size):
                rows = order[start : start + self.size]
                objective = self.objective(rows)
                if not isfinite(objective.data):
                    return
                self.optimizer.zero_grad()
                objective.backward()
                log.sums.append(objective.data * len(rows))
                self.optimizer.step()
                self.optimizer.zero_grad()
        finally:  # the optimiser counts a step when it has moved all parameters
            log.steps = self.optimizer.steps - first
            del log.sums[log.steps :]

    @undisturbed
    def objective(self, rows: Sequence[int]) -> Value:
        """The mean loss of these rows plus the regularisation, as one graph."""
        return self.with_penalty(mean([self.task.record(i)[0] for i in rows]))

    def with_penalty(self, loss: Value) -> Value:
        """A loss and the terms of regularisation: none, l1, l2 or both."""
        terms = zip((l1, l2), self.penalty, strict=True)
        whole: Value = total([loss, *(term(self.optimizer.params, strength) for term, strength in terms if strength)])
        return whole

    def score(self, task: Task, score: Score) -> float:
        """The mean of a loss or metric over a task's rows, at the stored parameters."""
        with no_grad():
            return sum(task.record(i, score)[0].data for i in range(len(task))) / len(task)

    def is_bad(self, i: int) -> bool:
        """Is the loss of row i, or a slope of it, nan or infinite at the stored parameters?"""
        loss = self.task.record(i)[0]
        return not all(map(isfinite, [loss.data, *grad(loss, self.optimizer.params)]))
