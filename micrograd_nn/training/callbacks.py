"""Callbacks: what looks in on a training after each of its rows, and may end it.

Promise: a callback sees the parameters in their Values, and may change them.
"""

from math import inf, isfinite, isnan

from ..errors import ArgumentError, ArgumentTypeError, counted, known
from ..number import as_float, whole_number
from .history import History
from .metrics import climbs
from .running import Training


class EarlyStopping:
    """End the training when a column of the history has not improved for ``patience`` rows.

    ``monitor`` is such as "validation loss", which should fall unless it is a loss that is climbed, or "validation
    accuracy", which should rise; a metric of yours rises if its name ends with "accuracy". What is better by no more
    than ``min_delta`` counts for nothing. The parameters of the best row are put back, unless ``restore_best`` is
    false. Another history starts it anew.

    Raises ArgumentTypeError, NumberError or ArgumentError if monitor is no name, patience no whole number from 1 up, or
    min_delta no number from 0 up.

    >>> EarlyStopping("validation loss", patience=5)
    EarlyStopping('validation loss', patience=5)
    """

    def __init__(
        self, monitor: str = "validation loss", patience: int = 10, min_delta: float = 0.0, restore_best: bool = True
    ) -> None:
        if not isinstance(monitor, str):
            raise ArgumentTypeError(f"monitor is a column such as 'validation loss', got {monitor!r:.60}")
        self.monitor, self.restore_best = monitor, restore_best
        self.patience, self.min_delta = whole_number("patience", patience), as_float(min_delta)
        if not (isfinite(self.min_delta) and self.min_delta >= 0):
            raise ArgumentError(f"min_delta is a number from 0 up, such as 1e-4, got {min_delta}")
        self.history: History | None = None
        self.best: float | None = None
        self.row = 0
        self.parameters: list[float] = []

    def __repr__(self) -> str:
        return f"EarlyStopping({self.monitor!r}, patience={self.patience})"

    def __call__(self, running: Training) -> None:
        """Look at the last row. Raises UnknownNameError if the history has no such column."""
        history = running.history
        if history is not self.history:
            self.history, self.best = history, None
        now = history.last[known("column to monitor", self.monitor, history.last)]
        now = -now if climbs(self.monitor, running.task.loss) else now
        now = inf if isnan(now) else now
        if self.best is None or now < self.best - self.min_delta:
            self.best, self.row = now, len(history)
            self.parameters = [parameter.data for parameter in running.optimizer.params]
        elif len(history) - self.row >= self.patience:
            running.stop(f"{self.monitor} has not improved for {counted(self.patience, 'row')}")
            if self.restore_best:
                for parameter, number in zip(running.optimizer.params, self.parameters, strict=True):
                    parameter.data = number
