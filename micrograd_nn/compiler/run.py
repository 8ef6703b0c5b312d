"""Run: a program's training, from the Values into a backend's loop and back.

Promise: while the loop is under way the numbers are its own; afterwards, also after an error or Ctrl-C, the Values and
the optimiser hold those of the last step that was finished.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice, repeat
from operator import is_
from random import Random
from typing import Any

from ..engine.value import Value
from ..errors import AnomalyError, ArgumentError
from ..nn.optim import Optimizer
from .backend import Update
from .rows import Rows

_set_data = vars(Value)["_data"].__set__


class Run:
    """One training: the parameters and the optimiser's memory as vectors, until they go back to where they live."""

    def __init__(self, program: Any, optimizer: Optimizer, rows: Rows, batch_size: int) -> None:
        self.program, self.optimizer, self.rows, self.size = program, optimizer, rows, batch_size
        ours, theirs = program.parameters, optimizer.params
        self.place: dict[Value, int] | None = None  # None: the optimiser has the program's order
        if len(ours) != len(theirs) or not all(map(is_, ours, theirs)):
            self.place = {parameter: i for i, parameter in enumerate(ours)}
            if self.place.keys() != set(theirs):
                raise ArgumentError(
                    f"the optimiser moves {len(theirs)} parameters, and the program was compiled for {len(ours)}, not "
                    f"all of them the same: give both one list"
                )
        varying, scalars = _scalars(optimizer)
        self.update = Update(optimizer.rule, optimizer.memories, tuple(scalars), varying)
        self.loop = program.runs(batch_size).loop(self.update, batch_size)

    def load(self) -> Any:
        """The numbers of the Values and of the optimiser's memory, as the loop keeps them."""
        return self.loop.state(self.program.numbers(), self._memory())

    def store(self, state: Any) -> None:
        """Bring them back to where they live, the parameters all or none."""
        numbers, memory = self.loop.numbers(state)
        deque(map(_set_data, self.program.parameters, numbers), maxlen=0)  # one call into C
        if memory:
            rows = list(zip(*memory, strict=True))
            place = self.place
            self.optimizer.memory = rows if place is None else [rows[place[p]] for p in self.optimizer.params]

    def advance(self, state: Any, order: Sequence[int], log: list[Any]) -> None:
        """Step over these rows, a batch at a time; ``log`` gets the sum of their losses and the number of steps."""
        first = self.optimizer.steps
        try:
            self.loop.epoch(state, self.rows, order, self.each_step(), log)
        finally:
            self.optimizer.steps = first + int(log[1])

    def epochs(self, count: int, orders: Iterator[list[int] | None], before: int = 0) -> list[float]:
        """So many passes over the rows: the mean loss of each. ``before`` is the number of those done earlier."""
        steps, first = -(-len(self.rows) // self.size), self.optimizer.steps
        losses: list[float] = []
        log: list[Any] = [0.0, 0]
        taken: list[list[int] | None] = []
        state = self.load()
        try:
            self.loop.train(state, self.rows, _noted(islice(orders, count), taken), self.each_step(), losses, log)
        finally:
            self.optimizer.steps = first + int(log[1])
            self.store(state)
        if len(losses) < count:
            self._report(before + len(losses) + 1, int(log[1]) - len(losses) * steps, taken[-1])
        return [loss / len(self.rows) for loss in losses]

    def _report(self, epoch: int, step: int, order: list[int] | None) -> None:
        every = range(len(self.rows)) if order is None else order
        rows = list(every[step * self.size : (step + 1) * self.size])
        shown = ", ".join(map(str, rows[:5])) + (", …" if len(rows) > 5 else "")
        raise AnomalyError(
            f"the loss is nan or infinite in epoch {epoch}, step {step + 1} (row {shown}); the parameters are those "
            f"before this step. A smaller learning rate than {self.optimizer.lr} is the usual cure"
        )

    def each_step(self) -> Iterator[Sequence[float]]:
        """The optimiser's scalars, step after step."""
        if not self.update.varying:
            yield from repeat(tuple(self.optimizer.scalars().values()))
        for step in count(self.optimizer.steps + 1):
            self.optimizer.steps = step
            yield tuple(self.optimizer.scalars().values())

    def _memory(self) -> list[list[float]]:
        """A list per memory, in the program's order of parameters."""
        if not self.update.memories:
            return []
        columns = [list(column) for column in zip(*self.optimizer.memory, strict=True)]
        if self.place is None:
            return columns
        ranks = [self.place[parameter] for parameter in self.optimizer.params]
        return [[number for _, number in sorted(zip(ranks, column, strict=True))] for column in columns]


def shuffled(count: int, source: Random | None) -> Iterator[list[int] | None]:
    """The order of the rows, pass after pass."""
    if source is None:
        yield from repeat(None)
    order = list(range(count))
    while source is not None:
        source.shuffle(order)
        yield list(order)


def _noted(orders: Iterable[list[int] | None], taken: list[list[int] | None]) -> Iterator[list[int] | None]:
    for order in orders:
        taken[:] = [order]
        yield order


def _scalars(optimizer: Optimizer) -> tuple[bool, dict[str, float]]:
    """Whether the scalars of a step depend on its number, and the scalars of the next step.

    A stand-in of the optimiser's own class answers, and takes note when its ``steps`` are asked for.
    """
    asked = []

    def steps(self: Optimizer) -> int:
        asked.append(True)
        return optimizer.steps + 1

    kind = type(optimizer)
    watched = type(kind.__name__, (kind,), {"steps": property(steps)})
    stand_in: Any = object.__new__(watched)
    stand_in.__dict__.update(vars(optimizer))
    scalars: dict[str, float] = stand_in.scalars()
    return bool(asked), scalars
