"""fit: train a network on rows, through one loop for both engines.

Promise: all arguments are checked before step 1; Ctrl-C, nan and errors end a training between steps, with the
parameters and the history of the last good step; resuming gives the same bytes as never stopping.
"""

import random
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import isfinite
from operator import index
from types import FrameType
from typing import Any

from ..engine.modes import enable_grad
from ..engine.operation import as_float
from ..engine.value import Value
from ..errors import ArgumentError, ArgumentTypeError, DivergedError, ShapeError
from ..nn.losses import Loss
from ..nn.optim import LambdaLR, Optimizer, named_optimizer
from ..number import whole_number
from ..progress import progress_bar
from .callbacks import Callback
from .choose import choose, first_fault
from .engines import Engine, Score
from .history import History
from .metrics import named_metrics
from .task import Penalty, Task

MEASURED = 10_000  # at most so many training rows are measured for the history
AT_ONCE = 64  # steps taken again between two looks at the parameters, when the one that broke them is searched


@enable_grad()
def fit(
    net: Any,
    X: Any,
    y: Any,
    *,
    loss: str | Callable[..., Value] = "mse",
    optimizer: str | Optimizer | None = None,
    lr: float | None = None,
    epochs: int = 10,
    batch_size: int = 32,
    steps: int | None = None,
    shuffle: bool = True,
    validation: Any = None,
    metrics: str | Score | Sequence[str | Score] = (),
    l1: float = 0.0,
    l2: float = 0.0,
    schedule: LambdaLR | None = None,
    callbacks: Callback | Iterable[Callback] = (),
    record: int | None = None,
    resume: History | None = None,
    engine: str = "auto",
    dtype: str = "float64",
    progress: bool = True,
    seed: int | None = 0,
) -> History:
    """Train ``net`` on the rows of X and their targets y, and return the history.

    X has shape (rows, features). y has a number per row, or a row of numbers; beside a network of several outputs, a
    flat y holds labels from 0 up. The loss of a row is ``loss(net(x), target)``, that of a batch the mean over its
    rows, plus l1·Σ|w| + l2·Σw² over all parameters; from a performance, which is climbed, they are taken off.

    - optimizer: "sgd", "adam", "adamw", "rmsprop" (with ``lr``, if given), or an Optimizer of yours; "sgd" if left
      out, and the one that it had in a training that is resumed;
    - epochs, batch_size: each epoch goes once over the rows; ``steps``, if given, ends it after so many batches;
    - shuffle: a new order each epoch, drawn from ``seed`` and the number of the epoch;
    - validation: a pair (X, y) to measure, never to learn from;
    - metrics: "accuracy", names of losses, or functions of (outputs, target), measured beside the loss;
    - schedule: what moves the learning rate from epoch to epoch, made for the Optimizer that is given beside it;
    - record: measure every so many steps, instead of after each epoch;
    - callbacks: a function of the training under way, or several, called after each measurement;
    - resume: the history of a training that was stopped, to go on from there with its optimiser;
    - engine: "scalar" steps on the graph itself, "compiled" on its Program (``dtype`` "float64" or "float32");
      "auto" compiles unless the training is tiny or the recorded graph changes with its inputs.

    >>> from micrograd_nn import MLP
    >>> net = MLP(2, [4, 1], activation="tanh", output="sigmoid", seed=1)
    >>> history = fit(net, [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], optimizer="adam", lr=0.1, epochs=100)
    >>> history["loss"][-1] < 0.05
    True

    Raises, before the first step: ArgumentError, ArgumentTypeError, ShapeError or UnknownNameError, which name what
    is wrong, with row and column. Raises DivergedError if the loss turns nan or infinite.
    """
    epochs, batch_size = whole_number("epochs", epochs, least=0), whole_number("batch_size", batch_size)
    task = Task(net, X, y, loss)
    descent = _optimizer(net, optimizer, lr, resume)
    _check_direction(task.loss, descent)
    run = Training(net, task, descent, min(batch_size, len(task)), shuffle, seed, resume)
    run.until = epochs * run.per_epoch if steps is None else whole_number("steps", steps, least=0)
    run.every = run.per_epoch if record is None else whole_number("record", record)
    run.schedule, run.callbacks = _schedule(schedule, descent), _callbacks(callbacks)
    run.measure(validation, metrics)
    scores = [score for _, _, score in run.scores]
    run.engine = choose(engine, dtype, task, descent, run.size, _penalty(task.loss, l1, l2), run.until, scores)
    task.forget()
    run.go(progress)
    return run.history


class Training:
    """A training under way: what callbacks are given."""

    engine: Engine
    until: int  # the number of the last step
    every: int  # measure every so many steps
    schedule: LambdaLR | None
    callbacks: list[Callback]

    def __init__(
        self,
        net: Any,
        task: Task,
        optimizer: Optimizer,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        resume: History | None,
    ) -> None:
        self.net, self.task, self.optimizer, self.size = net, task, optimizer, batch_size
        self.per_epoch = -(-len(task) // batch_size)
        if seed is None:
            seed = random.randrange(2**32) if resume is None else resume.settings["seed"]
        elif isinstance(seed, bool) or not hasattr(seed, "__index__"):
            raise ArgumentTypeError(f"seed is a whole number or None, got {seed!r:.60}")
        settings = {"rows": len(task), "batch_size": batch_size, "shuffle": bool(shuffle), "seed": index(seed)}
        self.history = History(settings, optimizer) if resume is None else resume
        if self.history.settings != settings:
            raise ArgumentError(f"the training to resume had {self.history.settings}, this one has {settings}")
        self.history.optimizer = optimizer
        self.history.stopped = ""
        self.scores: list[tuple[str, Task, Score]] = []
        self.shuffled: tuple[int, list[int]] = (-1, [])
        self.interrupted = False

    def stop(self, why: str) -> None:
        """End the training after this callback; ``history.stopped`` will say why."""
        self.history.stopped = why

    def measure(self, validation: Any, metrics: str | Score | Sequence[str | Score]) -> None:
        """What the history's rows will hold."""
        named = [("loss", self.task.loss.function), *named_metrics(metrics, self.task.loss)]
        thin = -(-len(self.task) // MEASURED)
        shown = self.task if thin == 1 else self.task.thinned(thin)
        self.scores = [(name, shown, score) for name, score in named]
        if validation is not None:
            if not isinstance(validation, Iterable) or len(pair := list(validation)) != 2:
                raise ShapeError("validation is a pair (X, y)")
            held = self.task.like(pair[0], pair[1])
            self.scores += [(f"validation {name}", held, score) for name, score in named]

    def go(self, progress: bool) -> None:
        """Step until the end, a stop, Ctrl-C, or nan."""
        history, engine = self.history, self.engine
        engine.load()
        history.engine = engine.name
        self.safe = self.snapshot()
        bar = progress_bar(progress, total=self.until, initial=history.step, desc="training", unit="step")
        try:
            with _listening(self), bar:
                while history.step < self.until and not history.stopped:
                    before = history.step
                    self.advance()
                    bar.update(history.step - before)
                    if history.step % self.every == 0 or history.step == self.until:
                        self.look(bar)
                    if self.interrupted:
                        self.stop("interrupted by Ctrl-C")
        finally:
            engine.store()

    def advance(self) -> None:
        """As many steps as the engine takes at a time, up to the end of the epoch, the next look, or the end."""
        history, chunk = self.history, self.engine.chunk
        first = history.step % self.per_epoch
        room = (chunk - first % chunk, self.per_epoch - first, self.until - history.step)
        if not self.take(min(*room, self.every - history.step % self.every)):
            self.diverged()

    def take(self, count: int) -> bool:
        """Take so many steps, all in one epoch. False if a loss was nan or infinite: then it stopped before that."""
        history = self.history
        epoch, first = divmod(history.step, self.per_epoch)
        if self.schedule is not None:
            self.schedule.at(epoch)
        rows = self.order(epoch)[first * self.size : (first + count) * self.size]
        log = [0.0, 0]
        try:
            self.engine.advance(rows, log)
        finally:  # also when a second Ctrl-C ends it: the steps that log counts are finished
            finished = int(log[1])
            history.step += finished
            shown = min(finished * self.size, len(rows))
            history.running = [history.running[0] + log[0], history.running[1] + shown]
        return finished == count

    def order(self, epoch: int) -> Sequence[int]:
        """The rows of that epoch, in its order, which depends on the seed and the epoch alone."""
        if not self.history.settings["shuffle"]:
            return range(len(self.task))
        if self.shuffled[0] != epoch:
            rows = list(range(len(self.task)))
            random.Random(f"{self.history.settings['seed']} {epoch}").shuffle(rows)
            self.shuffled = (epoch, rows)
        return self.shuffled[1]

    def look(self, bar: Any) -> None:
        """Measure, enter a row into the history, and call the callbacks."""
        history, engine = self.history, self.engine
        engine.store()
        if not self.is_sound():
            self.diverged()
        summed, rows = history.running
        row = {"step": history.step, "epoch": 1 + (history.step - 1) // self.per_epoch, "objective": summed / rows}
        row |= {name: engine.score(task, score) for name, task, score in self.scores}
        history.rows.append(row)
        history.running = [0.0, 0]
        shown = {name: f"{row[name]:.4g}" for name in ("loss", self.scores[-1][0])}
        bar.set_postfix(shown, refresh=False)
        for callback in self.callbacks:
            callback(self)
        if self.callbacks:
            engine.load()
        self.safe = self.snapshot()

    def snapshot(self) -> tuple[Any, ...]:
        """All that a step changes."""
        numbers = [parameter.data for parameter in self.optimizer.params]
        return self.history.step, list(self.history.running), numbers, self.optimizer.state_dict()

    def restore(self, before: tuple[Any, ...]) -> None:
        """Everything as it was at that snapshot."""
        self.history.step, self.history.running, numbers, state = before
        for parameter, number in zip(self.optimizer.params, numbers, strict=True):
            parameter.data = number
        self.optimizer.load_state_dict(state)
        self.engine.load()

    def diverged(self) -> None:
        """Back to the last step with finite parameters, and raise DivergedError, which names what came next.

        A loss may be finite and its slope not (√0); then the step itself breaks the parameters, and the loss is nan
        one step later. So the steps since the last safe point are taken again, the last of them one by one.
        """
        self.engine.store()
        if not self.is_sound():
            self.restore(self.safe)
            count = AT_ONCE
            while count:
                before = self.snapshot()
                whole = self.take(min(count, self.per_epoch - self.history.step % self.per_epoch))
                self.engine.store()
                if not self.is_sound():
                    self.restore(before)
                if not whole or before[0] == self.history.step:
                    count = 1 if count > 1 else 0
        epoch, batch = divmod(self.history.step, self.per_epoch)
        rows = self.order(epoch)[batch * self.size : (batch + 1) * self.size]
        error = DivergedError(
            f"training stopped before step {self.history.step + 1} (epoch {epoch + 1}), which turns nan or infinite: "
            f"{first_fault(self.task, rows, self.engine.is_bad)}. The parameters are those of the last good step"
        )
        error.history = self.history
        raise error

    def is_sound(self) -> bool:
        """Are all parameters finite?"""
        return all(isfinite(parameter.data) for parameter in self.optimizer.params)


def _optimizer(net: Any, given: str | Optimizer | None, lr: float | None, resume: History | None) -> Optimizer:
    parameters = net.parameters()
    if resume is not None:
        given, lr = _resumed(given, lr, resume), None
    elif given is None or isinstance(given, str):
        kind = named_optimizer(given or "sgd")
        return kind(parameters) if lr is None else kind(parameters, lr=lr)
    if not isinstance(given, Optimizer):
        raise ArgumentTypeError(f"optimizer is a name such as 'adam' or an Optimizer, got {given!r}")
    if lr is not None:
        raise ArgumentError("lr goes with an optimiser's name; give your optimiser its own: SGD(params, lr=0.1)")
    if not set(given.params) <= set(parameters):
        raise ArgumentError("the optimiser moves parameters that are not this network's: pass it net.parameters()")
    return given


def _check_direction(loss: Loss, optimizer: Optimizer) -> None:
    if loss.climbs and not optimizer.maximize:
        raise ArgumentError("this loss is made large: give optimizer=SGD(net.parameters(), lr=0.1, maximize=True)")


def _resumed(given: str | Optimizer | None, lr: float | None, resume: History) -> str | Optimizer | None:
    """The optimiser that goes on, which a name or an lr may repeat but not replace."""
    if not isinstance(resume, History):
        raise ArgumentTypeError(f"resume is the history that fit or load_checkpoint returned, got {resume!r:.60}")
    keeps = "a resumed training keeps its optimiser"
    if lr not in (None, resume.optimizer.lr):
        raise ArgumentError(f"{keeps}: set history.optimizer.lr = {lr}, not lr")
    if isinstance(given, str) and named_optimizer(given) is not type(resume.optimizer):
        raise ArgumentError(f"{keeps}, {type(resume.optimizer).__name__}: leave out optimizer={given!r}")
    return resume.optimizer if given is None or isinstance(given, str) else given


def _schedule(given: LambdaLR | None, optimizer: Optimizer) -> LambdaLR | None:
    """The schedule, if it is one and moves the rate of this very optimiser."""
    way = "sgd = SGD(net.parameters(), lr=0.1), then fit(…, optimizer=sgd, schedule=StepLR(sgd, 10))"
    if given is not None and not isinstance(given, LambdaLR):
        raise ArgumentTypeError(f"schedule is one such as StepLR, made for the optimiser: {way}; got {given!r:.60}")
    if given is not None and given.optimizer is not optimizer:
        raise ArgumentError(f"the schedule moves the rate of another optimiser than the one that trains: {way}")
    return given


def _callbacks(given: Callback | Iterable[Callback]) -> list[Callback]:
    listed = list(given) if isinstance(given, Iterable) else [given]
    for callback in listed:
        if not callable(callback):
            raise ArgumentTypeError(f"a callback is called with the training under way, got {callback!r:.60}")
    return listed


def _penalty(loss: Loss, *strengths: float) -> Penalty:
    first, second = map(as_float, strengths)
    for name, number in (("l1", first), ("l2", second)):
        if not (isfinite(number) and number >= 0):
            raise ArgumentError(f"{name} is a number from 0 up, such as 1e-4, got {number}")
    return (-first, -second) if loss.climbs else (first, second)


@contextmanager
def _listening(training: Training) -> Iterator[None]:
    """The first Ctrl-C asks the training to stop after the step under way, the second one interrupts it."""

    def asked(number: int, frame: FrameType | None) -> None:
        if training.interrupted:
            raise KeyboardInterrupt
        training.interrupted = True

    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not usual or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, asked)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
