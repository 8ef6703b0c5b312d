"""Trainer: a training whose loop is your own; from step to step the numbers stay in the backend's form."""

from types import FrameType, TracebackType
from typing import Any, Self

from ..errors import AnomalyError, ArgumentError
from ..interrupts import deferred
from ..nn.optim import Optimizer
from .backend import Log
from .run import Run, not_finite


class Trainer(deferred):
    """What ``Program.trainer`` gives: inside its block ``step`` trains, and at the block's end the Values follow.

    Whoever asks the program itself for a number meanwhile gets that of the last step: the Values are written first.
    Ctrl-C in a step waits for its end; anywhere else in the block it finds the Values written.
    """

    def __init__(self, program: Any, optimizer: Optimizer, steps: int) -> None:
        self.program, self.optimizer, self.steps = program, optimizer, steps
        self._inside, self._busy = False, True  # busy: Ctrl-C waits
        self._run: Run | None = None  # for batches of up to so many rows as came so far

    def __enter__(self) -> Self:
        super().__enter__()
        self._inside, self._busy = True, False
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._inside, self._busy = False, True
        try:
            self.store()
        finally:
            super().__exit__(kind, error, at)

    def _called(self, number: int, frame: FrameType | None) -> None:
        super()._called(number, frame)
        if not self._busy:
            self.store()  # here, for just before its first line Ctrl-C keeps ``__exit__`` from running
            self.let_in()

    def step(self, *arguments: Any) -> float:
        """A step of the optimiser on the rows of a batch, as ``minimize`` takes it. Returns their mean loss before it.

        Raises AnomalyError if that is nan or infinite, ShapeError for arguments of other shapes than the recorded
        inputs, ArgumentError outside the block: then nothing has moved. Ctrl-C waits until the step is finished.
        """
        if not self._inside:
            raise ArgumentError("steps are taken inside the block: with program.trainer(optimizer) as t: t.step(X, y)")
        rows, log = self.program.rows(*arguments), Log()
        self._busy = True
        try:
            with self.program.turn:
                self._ready(rows).advance([rows.every], log)
        finally:
            self._busy = False
            self.let_in()
        if not log.steps:
            raise AnomalyError(not_finite("of this batch", self.optimizer))
        return log.sums[0] / len(rows)

    def store(self) -> None:
        """Write parameters and memories to the Values and the optimiser; the next step takes them from there again."""
        with self.program.turn:
            if self._run and self.program.trainer_at_work is self:
                self._run.store()
                self.program.trainer_at_work = None

    def _ready(self, rows: Any) -> Run:
        """The loop for these rows, with the numbers in it."""
        if self._run is None or len(rows) > self._run.size:
            self.store()
            self._run = Run(self.program, self.optimizer, rows, len(rows), self.steps)
        if self.program.trainer_at_work is not self:
            self._run.load()
            self.program.trainer_at_work = self
        self._run.rows = rows
        return self._run
