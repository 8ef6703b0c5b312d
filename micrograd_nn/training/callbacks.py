"""Callbacks: what looks in on a training after each of its rows, and may end it.

Promise: a callback sees the parameters in their Values, and may change them.
"""

from collections.abc import Callable
from typing import Any, Protocol

from ..errors import UnknownNameError
from .history import History


class Running(Protocol):
    """What a callback is given: the training under way."""

    net: Any
    optimizer: Any
    history: History

    def stop(self, why: str) -> None:
        """End the training after this callback; ``history.stopped`` will say why."""


Callback = Callable[[Running], Any]


class EarlyStopping:
    """End the training when a column of the history has not improved for ``patience`` rows.

    ``monitor`` is such as "validation loss", which should fall, or "validation accuracy", which should rise. The
    parameters of the best row are put back, unless ``restore_best`` is false. Another history starts it anew.
    """

    def __init__(
        self,
        monitor: str = "validation loss",
        patience: int = 10,
        min_delta: float = 0.0,
        restore_best: bool = True,
    ) -> None:
        self.monitor, self.patience, self.min_delta, self.restore_best = monitor, patience, min_delta, restore_best
        self.rises = monitor.endswith("accuracy")
        self.history: History | None = None
        self.best: float | None = None
        self.row = 0
        self.parameters: list[float] = []

    def __call__(self, running: Running) -> None:
        """Look at the last row. Raises UnknownNameError if the history has no such column."""
        history = running.history
        if history is not self.history:
            self.history, self.best = history, None
        if self.monitor not in history.last:
            raise UnknownNameError("column to monitor", self.monitor, history.last)
        now = history.last[self.monitor] * (-1.0 if self.rises else 1.0)
        if self.best is None or now < self.best - self.min_delta:
            self.best, self.row = now, len(history)
            self.parameters = [parameter.data for parameter in running.optimizer.params]
        elif len(history) - self.row >= self.patience:
            running.stop(f"{self.monitor} has not improved for {self.patience} rows")
            if self.restore_best:
                for parameter, number in zip(running.optimizer.params, self.parameters, strict=True):
                    parameter.data = number
