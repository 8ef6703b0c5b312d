"""History: what happened in a training, as rows of numbers.

Promise: it holds only what the parameters and the data determine, never a time, so a training that was stopped and
resumed has the same history as one that never stopped.
"""

import csv
import io
import os
from math import nan
from typing import Any

from ..errors import counted, known
from ..files import write_whole


class History:
    """The record of a training: ``rows`` of a step, an epoch, losses and metrics.

    Each row is a dict:

    - "step", "epoch": how many steps are finished, and in which epoch (from 1) the last one was;
    - "objective": the mean of what was descended, regularisation included, over all rows since the row before;
    - "loss" and a metric's name: on the training rows (at most 10,000 of them, evenly spaced) after that step,
      without regularisation;
    - "validation loss", "validation …": the same on the validation rows.

    ``stopped`` says why training ended early, ``engine`` which engine ran, and ``why`` why it was not compiled, where
    something stood in the way. ``step`` steps are finished; ``settings`` is what a resumed training must have in
    common; ``optimizer`` goes on where it stood.

    >>> from micrograd_nn import MLP, fit
    >>> fit(MLP(1, [1], seed=0), [[1.0], [2.0]], [1.0, 2.0], loss="mse", epochs=2, progress=False).rows[0]["epoch"]
    1
    """

    def __init__(self, settings: dict[str, Any] | None = None, optimizer: Any = None) -> None:
        self.rows: list[dict[str, float]] = []
        self.step = 0
        self.running: list[float] = [0.0, 0]  # sum of the objective, and number of rows, since the last row
        self.settings = settings or {}
        self.optimizer = optimizer
        self.engine = self.why = self.stopped = ""

    @property
    def per_epoch(self) -> int:
        """How many steps an epoch takes."""
        return -(-int(self.settings["rows"]) // int(self.settings["batch_size"]))

    def advance(self, steps: int, objective: float, rows: int) -> None:
        """So many steps are finished, over at most so many rows; the sum of their objectives."""
        self.step += steps
        self.running = [self.running[0] + objective, self.running[1] + min(steps * self.settings["batch_size"], rows)]

    def enter(self, measured: dict[str, float]) -> None:
        """A row of what was measured, beside the step, the epoch, and the mean objective since the row before."""
        summed, rows = self.running
        epoch = 1 + (self.step - 1) // self.per_epoch
        self.rows.append({"step": self.step, "epoch": epoch, "objective": summed / rows, **measured})
        self.running = [0.0, 0]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, column: str) -> list[float]:
        """A column: ``history["loss"]``, nan in rows without it. Raises UnknownNameError, which lists the columns."""
        known("column", column, self.columns)
        return [row.get(column, nan) for row in self.rows]

    @property
    def columns(self) -> list[str]:
        """The names of the columns; a resumed training may measure others."""
        return list(dict.fromkeys(column for row in self.rows for column in row))

    @property
    def last(self) -> dict[str, float]:
        """The last row."""
        return self.rows[-1] if self.rows else {}

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str:
        """The rows as comma-separated text, numbers exact; written to the file if one is named."""
        out = io.StringIO()
        table = csv.DictWriter(out, self.columns, restval=nan, lineterminator="\n")
        table.writeheader()
        table.writerows(self.rows)
        if path is not None:
            write_whole(path, out.getvalue().encode())
        return out.getvalue()

    def plot(self, ax: Any = None) -> Any:
        """The losses and metrics over the steps (needs the extra ``plot``). Returns what was drawn on."""
        from ..draw.plot import plot_history

        return plot_history(self, ax)

    def __repr__(self) -> str:
        shown = [f"{name} {number:.4g}" for name, number in self.last.items() if name not in ("step", "epoch")]
        return f"<history: {', '.join(filter(None, [counted(self.step, 'step'), *shown, self.stopped]))}>"
