"""A training under way: its steps, what is measured in between, what callbacks may do with it, and how it breaks."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Any

from ..compiler.backend import Log
from ..compiler.run import descend
from ..engine.modes import detect_anomaly
from ..errors import DivergedError, MicrogradError
from ..interrupts import answered
from ..nn.optim import LambdaLR, Optimizer
from ..progress import progress_bar
from .engines import Column, Engine
from .history import History
from .task import Task

Callback = Callable[["Training"], Any]
AT_ONCE = 64  # steps taken again between two looks at the parameters, when the one that broke them is searched


@dataclass(repr=False)
class Training:
    """A training under way: what callbacks are given.

    >>> from micrograd_nn import MLP, fit
    >>> history = fit(MLP(1, [1], seed=0), [[1.0]], [2.0], epochs=2, callbacks=print, progress=False)
    <training of MLP(1, [1 identity]): step 1 of 2>
    <training of MLP(1, [1 identity]): step 2 of 2>
    """

    net: Any
    task: Task
    optimizer: Optimizer
    history: History
    engine: Engine
    columns: list[Column]
    until: int  # the number of the last step
    every: int  # measure every so many steps
    schedule: LambdaLR | None
    callbacks: list[Callback]

    def __repr__(self) -> str:
        return f"<training of {self.net}: step {self.step} of {self.until}>"

    def go(self, progress: bool) -> None:
        """Step until the end, a stop, Ctrl-C, or nan."""
        history = self.history
        history.optimizer, history.stopped = self.optimizer, ""
        history.engine, history.why = self.engine.name, self.engine.why
        self.bar = progress_bar(progress, total=self.until, initial=self.step, desc="training", unit="step")
        with self.bar, answered() as self.ctrl_c:
            descend(self)
            history.stopped = self.stopped

    def stop(self, why: str) -> None:
        """End the training after this callback; ``history.stopped`` will say why."""
        self.history.stopped = why

    # ---- what the loop asks for ----

    @property
    def step(self) -> int:
        """How many steps are finished."""
        return self.history.step

    @property
    def stopped(self) -> str:
        """Why it ends before its time, or ""."""
        return "interrupted by Ctrl-C" if self.ctrl_c.waiting else self.history.stopped

    def load(self) -> None:
        """The engine takes the numbers over, from a point to which it can go back."""
        self.engine.load()
        self.safe = self.snapshot()

    def store(self) -> None:
        """Bring the engine's numbers back to the Values and the optimiser."""
        self.engine.store()

    def take(self, most: int) -> None:
        """As many steps as the engine takes at a time, up to the end of the epoch. Raises DivergedError."""
        first, chunk = self.step % self.history.per_epoch, self.engine.chunk
        count = min(most, chunk - first % chunk, self.history.per_epoch - first)
        if not self.advance(count):
            raise self._diverged()
        self.bar.update(count)

    def look(self) -> None:
        """Measure, enter a row into the history, and call the callbacks."""
        history = self.history
        if not self.is_sound():
            raise self._diverged()
        history.enter({name: self.engine.score(task, score) for name, task, score in self.columns})
        shown = {name: f"{history.last[name]:.4g}" for name in ("loss", self.columns[-1][0])}
        self.bar.set_postfix(shown, refresh=False)
        for callback in self.callbacks:
            callback(self)

    # ---- steps ----

    def advance(self, count: int) -> bool:
        """Take so many steps, all in one epoch. False if a loss was nan or infinite: then it stopped before that."""
        history, log = self.history, Log()
        epoch, first = divmod(history.step, history.per_epoch)
        if self.schedule is not None:
            self.schedule.at(epoch)
        rows = self.rows(epoch, first, count)
        try:
            self.engine.advance(rows, log)
        finally:  # also when an error of the optimiser's ends it: the steps that log counts are finished
            history.advance(log.steps, sum(log.sums), len(rows))
        return log.steps == count

    def rows(self, epoch: int, first: int, count: int = 1) -> Sequence[int]:
        """The rows of so many steps of an epoch."""
        settings = self.history.settings
        rows, size = settings["rows"], settings["batch_size"]
        order = _shuffled(rows, f"{settings['seed']} {epoch}") if settings["shuffle"] else range(rows)
        return order[first * size : (first + count) * size]

    # ---- safe points ----

    def snapshot(self) -> tuple[Any, ...]:
        """All that a step changes."""
        numbers = [parameter.data for parameter in self.optimizer.params]
        return self.step, list(self.history.running), numbers, self.optimizer.state_dict()

    def restore(self, before: tuple[Any, ...]) -> None:
        """Everything as it was at that snapshot."""
        self.history.step, self.history.running, numbers, state = before
        for parameter, number in zip(self.optimizer.params, numbers, strict=True):
            parameter.data = number
        self.optimizer.load_state_dict(state)
        self.engine.load()

    def is_sound(self) -> bool:
        """Are all parameters finite?"""
        return all(isfinite(parameter.data) for parameter in self.optimizer.params)

    # ---- when it breaks ----

    def _diverged(self) -> DivergedError:
        """Back to the last step with finite parameters; the error names the one that came next and its first bad node.

        A loss may be finite and its slope not (√0); then the step itself breaks the parameters, and the loss is nan one
        step later. So the steps since the last safe point are taken again, the last of them one by one.
        """
        self.store()
        if not self.is_sound():
            self.restore(self.safe)
            count = AT_ONCE
            while count and self.step < self.until:
                count = count if self._again(count) else count // AT_ONCE
        epoch, batch = divmod(self.step, self.history.per_epoch)
        error = DivergedError(
            f"training stopped before step {self.step + 1} (epoch {epoch + 1}), which turns nan or infinite: "
            f"{self._first_fault(self.rows(epoch, batch))}. The parameters are those of the last good step"
        )
        error.history = self.history
        return error

    def _again(self, count: int) -> bool:
        """Take up to so many steps again. False if one of them breaks; then nothing has moved, or only by the good."""
        before, per_epoch = self.snapshot(), self.history.per_epoch
        whole = self.advance(min(count, per_epoch - self.step % per_epoch))
        self.store()
        if self.is_sound():
            return whole
        self.restore(before)
        return False

    def _first_fault(self, rows: Sequence[int]) -> str:
        """Which of the rows gives nan or inf, and at which operation, in words."""
        for i in filter(self.engine.is_bad, rows):
            try:
                with detect_anomaly():
                    self.task.record(i)[0].backward()
            except MicrogradError as fault:
                return f"row {i}: {fault}"
        return "no single row does it: the sum over the batch, or the step itself, is too large (is lr too large?)"


@lru_cache(maxsize=1)
def _shuffled(rows: int, seed: str) -> list[int]:
    """The rows of an epoch in an order that depends on the seed alone."""
    order = list(range(rows))
    random.Random(seed).shuffle(order)
    return order
