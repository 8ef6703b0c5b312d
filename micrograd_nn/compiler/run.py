"""The loop of a training, and a program's part in it: from the Values into a backend's own form and back.

While steps are under way the numbers are the backend's; afterwards, also after an error or Ctrl-C, the Values and the
optimiser hold those of the last step that was finished.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, compress, repeat
from itertools import count as count_from
from operator import is_
from random import Random
from typing import Any, Protocol

from ..engine.value import Value, set_numbers
from ..errors import AnomalyError, ArgumentError, counted
from ..interrupts import deferred
from ..nn.optim import Optimizer
from .backend import Log, Part, Update

HEARD = 1e8  # ns: about so long Ctrl-C waits at most, unless a single step takes longer
MOST = 100_000  # steps at a time; a quarter of that where each has scalars of its own, which take about as long


class Descent(Protocol):
    """A training under way, as the loop sees it."""

    until: int  # how many steps there will be
    every: int  # after so many it is looked at

    @property
    def step(self) -> int:
        """How many steps are finished."""

    @property
    def stopped(self) -> Any:
        """True when it is to end before its time."""

    def load(self) -> None:
        """Take the numbers over from the Values and the optimiser."""

    def take(self, most: int) -> None:
        """Take some steps, at least one and at most so many."""

    def store(self) -> None:
        """Bring the numbers back, those of the last step that was finished."""

    def look(self) -> None:
        """See where it stands, when the numbers are back; it may be stopped here."""


def descend(training: Descent) -> None:
    """Step until the end or a stop, and look in between and at the end.

    Ctrl-C comes in between two steps and while somebody looks, nowhere else.
    """
    with deferred() as ctrl_c:
        while training.step < training.until and not training.stopped:
            due = min(training.until, training.step + training.every - training.step % training.every)
            training.load()
            try:
                while training.step < due and not training.stopped:
                    training.take(due - training.step)
                    ctrl_c.let_in()
            finally:
                training.store()
            if training.step == due:
                with ctrl_c.lifted():
                    training.look()


class Run:
    """A program and an optimiser: parameters and memories as the backend keeps them, until they are stored.

    ``steps`` says how many there will be, about: a backend may be worth its preparation.
    """

    def __init__(self, program: Any, optimizer: Optimizer, rows: Any, batch_size: int, steps: int = 1) -> None:
        self.program, self.optimizer, self.rows, self.size = program, optimizer, rows, batch_size
        self.ranks = _ranks(program.parameters, optimizer.params)
        update = update_of(optimizer)
        self.loop = program.loop(update, batch_size, steps)
        most = MOST // 4 if update.varying else MOST
        self.chunk = max(1, min(most, int(HEARD / program.backends.cost(batch_size))))  # steps to take at a time

    def load(self) -> None:
        """Take the numbers over from the Values and the optimiser's memory."""
        numbers, kinds = self.program.numbers(), range(len(self.optimizer.memories))
        memory = [[self.optimizer.memory[k][kind] for k in self.ranks] for kind in kinds]
        self.state = self.loop.state(numbers, memory)

    def store(self) -> None:
        """Bring them back, but what the loss does not depend on stays as it is."""
        (numbers, memory), reached = self.loop.numbers(self.state), self.program.trace.reached
        rows = zip(*memory, strict=True)
        set_numbers(compress(self.program.parameters, reached), compress(numbers, reached))
        for k, row in compress(zip(self.ranks, rows, strict=False), reached):  # no rows where there is no memory
            self.optimizer.memory[k] = row

    def advance(self, parts: Iterable[Part], log: Log) -> None:
        """A step per batch of the rows in each part. It ends early before a loss that is nan or infinite."""
        first = self.optimizer.steps
        try:
            self.loop.train(self.state, self.rows, parts, self.scalars(), log)
        finally:
            self.optimizer.steps = first + log.steps

    def scalars(self) -> Iterator[Sequence[float]]:
        """The optimiser's scalars, step after step."""
        optimizer = self.optimizer
        if not optimizer.scalars_vary():
            yield from repeat(tuple(optimizer.scalars().values()))
        for step in count_from(optimizer.steps + 1):
            optimizer.steps = step
            yield tuple(optimizer.scalars().values())


def update_of(optimizer: Optimizer) -> Update:
    """How that optimiser moves what it moves."""
    names = tuple(optimizer.scalars_at(optimizer.steps + 1))
    return Update(optimizer.rule, optimizer.memories, names, optimizer.scalars_vary())


def _ranks(ours: Sequence[Value], theirs: Sequence[Value]) -> Sequence[int]:
    """Where each of our parameters stands in the optimiser's list."""
    if len(ours) == len(theirs) and all(map(is_, ours, theirs)):
        return range(len(ours))
    place = {parameter: k for k, parameter in enumerate(theirs)}
    if place.keys() != set(ours):
        raise ArgumentError(
            f"the optimiser moves {counted(len(theirs), 'parameter')}, and the program was compiled for {len(ours)}, "
            "not all of them the same: give both one list"
        )
    return [place[parameter] for parameter in ours]


class Minimization:
    """The training of ``Program.minimize``: epochs over all rows, in their order or shuffled anew for each."""

    def __init__(
        self, run: Run, epochs: int, source: Random | None, each_epoch: Callable[[int, float], Any] | None
    ) -> None:
        self.run, self.rows, self.each_epoch = run, len(run.rows), each_epoch
        self.per_epoch = -(-self.rows // run.size)
        self.step, self.until = 0, epochs * self.per_epoch
        self.every = self.per_epoch if each_epoch else max(1, self.until)
        self.stopped = False
        self.sums = array("d")  # of the rows' losses, epoch by epoch
        self.chunk = run.chunk - run.chunk % self.per_epoch or run.chunk  # whole epochs, if it is as many
        self.order: Sequence[int] = run.rows.every  # that of the epoch under way
        self.orders = _shuffled(list(self.order), source) if source else None
        self.load, self.store = run.load, run.store

    @property
    def losses(self) -> list[float]:
        """The mean loss of each epoch."""
        return [total / self.rows for total in self.sums]

    def take(self, most: int) -> None:
        """As many as may be taken at a time, whatever the epoch."""
        wanted, begun = min(most, self.chunk), self.step % self.per_epoch
        parts, log = list(self._parts(wanted)), Log()
        self.run.advance(parts, log)
        self.step += log.steps
        if log.steps < wanted:
            self._report(parts[len(log.sums) - 1], begun if len(log.sums) == 1 else 0)
        if begun:
            self.sums[-1] += log.sums.pop(0)
        self.sums.extend(log.sums)

    def look(self) -> None:
        """An epoch is over."""
        if self.each_epoch:
            self.stopped = bool(self.each_epoch(len(self.sums), self.sums[-1] / self.rows))

    def _parts(self, steps: int) -> Iterator[Part]:
        """The rows of the next so many steps, epoch by epoch; in the rows' own order whole epochs are one object."""
        in_order = self.orders is None and self.step % self.per_epoch == 0
        whole = steps // self.per_epoch if in_order else 0
        return chain(repeat(self.order, whole), self._pieces(self.step + whole * self.per_epoch, self.step + steps))

    def _pieces(self, step: int, until: int) -> Iterator[Part]:
        size = self.run.size
        while step < until:
            done = step % self.per_epoch
            count = min(self.per_epoch - done, until - step)
            if self.orders and not done:
                self.order = next(self.orders)
            yield self.order if count == self.per_epoch else self.order[done * size : (done + count) * size]
            step += count

    def _report(self, part: Part, begun: int) -> None:
        """The next step fails, of the epoch of this part, which begins after so many steps."""
        epoch, step = divmod(self.step, self.per_epoch)
        rows = list(part[(step - begun) * self.run.size : (step - begun + 1) * self.run.size])
        shown = ", ".join(map(str, rows[:5])) + (", …" if len(rows) > 5 else "")
        raise AnomalyError(not_finite(f"in epoch {epoch + 1}, step {step + 1} (row {shown})", self.run.optimizer))


def _shuffled(rows: list[int], source: Random) -> Iterator[list[int]]:
    while True:
        source.shuffle(rows)
        yield list(rows)


def not_finite(where: str, optimizer: Optimizer) -> str:
    """What is said of a loss that ends a training."""
    return (
        f"the loss is nan or infinite {where}; the parameters are those before this step. "
        f"A smaller learning rate than {optimizer.lr} is the usual cure"
    )
