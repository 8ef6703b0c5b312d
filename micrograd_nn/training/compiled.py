"""The compiled engine: the loss of one row, recorded once, runs as a Program over all of them.

What it is given is the graph that the scalar engine records, and nothing else about the network.
"""

from collections.abc import Sequence
from functools import cached_property
from math import isfinite
from typing import Any

from ..compiler import compile
from ..compiler.backend import Log
from ..compiler.run import Run
from .engines import ScalarEngine
from .metrics import Score
from .task import Task


class CompiledEngine:
    """Steps in a Program's own loop; parameters and memories stay there until they are stored. See ScalarEngine."""

    def __init__(self, scalar: ScalarEngine, dtype: str) -> None:
        self.task, self.optimizer, self.size, self.dtype = scalar.task, scalar.optimizer, scalar.size, dtype
        self.name, self.chunk = "compiled", 1
        loss, x, wanted = self.task.record(0)
        objective = scalar.with_penalty(loss)
        self.program = self._compiled(objective, x, wanted)
        self._programs = {self.task.loss.function: self.program} if objective is loss else {}

    @cached_property
    def run(self) -> Run:
        """The program's training loop, made when the first step is asked for."""
        rows = self.program.rows(*self.task.arguments())
        rows.arrays = [array.astype(self.dtype, copy=False) for array in rows.arrays]  # once, not in each call
        run = Run(self.program, self.optimizer, rows, self.size)
        self.name, self.chunk = f"compiled ({self.program.runs(self.size).name})", run.chunk
        return run

    def load(self) -> None:
        self.run.load()

    def store(self) -> None:
        self.run.store()

    def advance(self, order: Sequence[int], log: Log) -> None:
        self.run.advance([order], log)

    def score(self, task: Task, score: Score) -> float:
        return float(self.program_of(score)(*task.arguments()))

    def loss_of(self, i: int) -> float:
        """The loss of one row, for comparison with the recorded one."""
        return float(self.program_of(self.task.loss.function)(*self.task.arguments(i)))

    def is_bad(self, i: int) -> bool:
        loss, slopes = self.program.value_and_grad(*self.task.arguments(i))
        return not (isfinite(loss) and all(map(isfinite, slopes.tolist())))

    def program_of(self, score: Score) -> Any:
        """A score of one row as a program, compiled once."""
        if score not in self._programs:
            self._programs[score] = self._compiled(*self.task.record(0, score))
        return self._programs[score]

    def _compiled(self, graph: Any, x: Any, wanted: Any) -> Any:
        return compile(graph, inputs=[x, wanted], parameters=self.optimizer.params, dtype=self.dtype)
