"""The compiled engine: the loss of one row, recorded once, runs as a Program over all of them.

What it is given is the graph that the scalar engine records, and nothing else about the network.
"""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from ..compiler import compile
from ..compiler.backend import Log
from ..compiler.run import Run
from ..nn.functional import total
from ..nn.optim import Optimizer
from .metrics import Score
from .task import Penalty, Task, penalty_of


class CompiledEngine:
    """Steps in a Program's own loop; parameters and memories stay there until they are stored."""

    def __init__(self, task: Task, optimizer: Optimizer, batch_size: int, penalty: Penalty, dtype: str) -> None:
        self.task, self.optimizer, self.dtype = task, optimizer, dtype
        self._programs: dict[Score, Any] = {}
        loss, x, wanted = task.record(0)
        objective = total([loss, *penalty_of(optimizer.params, penalty)])
        self.program = compile(objective, inputs=[x, wanted], parameters=optimizer.params, dtype=dtype)
        if objective is loss:
            self._programs[task.loss.function] = self.program
        self.name, self.chunk = "compiled", 1
        self.size = batch_size
        self._run: Run | None = None

    @property
    def run(self) -> Run:
        """The program's training loop, made when the first step is asked for."""
        if self._run is None:
            rows = self.program.rows(*arguments(self.task))
            rows.arrays = [array.astype(self.dtype, copy=False) for array in rows.arrays]  # once, not in each call
            self._run = Run(self.program, self.optimizer, rows, self.size)
            self.name, self.chunk = f"compiled ({self.program.runs(self.size).name})", self._run.chunk
        return self._run

    def prepare(self, scores: Sequence[Score]) -> None:
        for score in scores:
            self._program(score)

    def load(self) -> None:
        self.run.load()

    def store(self) -> None:
        self.run.store()

    def advance(self, order: Sequence[int], log: Log) -> None:
        self.run.advance([order], log)

    def score(self, task: Task, score: Score) -> float:
        return float(self._program(score)(*arguments(task)))

    def loss_of(self, task: Task, i: int) -> float:
        """The loss of one row, for comparison with the recorded one."""
        return float(self._program(task.loss.function)(*(rows[i : i + 1] for rows in arguments(task))))

    def is_bad(self, i: int) -> bool:
        loss, slopes = self.program.value_and_grad(*(rows[i : i + 1] for rows in arguments(self.task)))
        return not (isfinite(loss) and all(map(isfinite, slopes.tolist())))

    def _program(self, score: Score) -> Any:
        if score not in self._programs:
            graph, x, wanted = self.task.record(0, score)
            self._programs[score] = compile(
                graph, inputs=[x, wanted], parameters=self.optimizer.params, dtype=self.dtype
            )
        return self._programs[score]


def arguments(task: Task) -> tuple[Any, Any]:
    """The rows as a program takes them: a single target without its axis."""
    return task.X, task.Y if task.outputs > 1 else task.Y[:, 0]
