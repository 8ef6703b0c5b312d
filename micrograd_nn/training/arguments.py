"""What fit is given, checked before the first step: each function returns what the training works with."""

import random
from collections.abc import Iterable, Sequence
from math import isfinite
from operator import index
from typing import Any

from ..errors import ArgumentError, ArgumentTypeError, ShapeError
from ..nn.losses import Loss
from ..nn.optim import LambdaLR, Optimizer, named_optimizer
from ..number import as_float
from .engines import Column
from .history import History
from .metrics import Score, named_metrics
from .running import Callback
from .task import Penalty, Task

MEASURED = 10_000  # at most so many training rows are measured for the history


def optimizer(net: Any, given: Any, lr: float | None, resume: History | None, loss: Loss) -> Optimizer:
    """The optimiser of that name, or the given one, if it moves this network in the direction of this loss."""
    parameters = net.parameters()
    if resume is not None:
        given, lr = _resumed(given, lr, resume), None
    elif given is None or isinstance(given, str):
        kind = named_optimizer(given or "sgd")
        given, lr = kind(parameters) if lr is None else kind(parameters, lr=lr), None
    if not isinstance(given, Optimizer):
        raise ArgumentTypeError(f"optimizer is a name such as 'adam' or an Optimizer, got {given!r}")
    if lr is not None:
        raise ArgumentError("lr goes with an optimiser's name; give your optimiser its own: SGD(params, lr=0.1)")
    if not set(given.params) <= set(parameters):
        raise ArgumentError("the optimiser moves parameters that are not this network's: pass it net.parameters()")
    if loss.climbs and not given.maximize:
        raise ArgumentError("this loss is made large: give optimizer=SGD(net.parameters(), lr=0.1, maximize=True)")
    return given


def _resumed(given: Any, lr: float | None, resume: History) -> Any:
    """The optimiser that goes on, which a name or an lr may repeat but not replace."""
    if not isinstance(resume, History):
        raise ArgumentTypeError(f"resume is the history that fit or load_checkpoint returned, got {resume!r:.60}")
    keeps = "a resumed training keeps its optimiser"
    if lr not in (None, resume.optimizer.lr):
        raise ArgumentError(f"{keeps}: set history.optimizer.lr = {lr}, not lr")
    if isinstance(given, str) and named_optimizer(given) is not type(resume.optimizer):
        raise ArgumentError(f"{keeps}, {type(resume.optimizer).__name__}: leave out optimizer={given!r}")
    return resume.optimizer if given is None or isinstance(given, str) else given


def history(rows: int, batch_size: int, shuffle: bool, seed: int | None, resume: History | None) -> History:
    """A new history, or the one to resume, if it is of a training with the same settings."""
    if seed is None:
        seed = random.randrange(2**32) if resume is None else resume.settings["seed"]
    elif isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise ArgumentTypeError(f"seed is a whole number or None, got {seed!r:.60}")
    settings = {"rows": rows, "batch_size": min(batch_size, rows), "shuffle": bool(shuffle), "seed": index(seed)}
    if resume is not None and resume.settings != settings:
        raise ArgumentError(f"the training to resume had {resume.settings}, this one has {settings}")
    return History(settings) if resume is None else resume


def schedule(given: LambdaLR | None, optimizer: Optimizer) -> LambdaLR | None:
    """The schedule, if it is one and moves the rate of this very optimiser."""
    way = "sgd = SGD(net.parameters(), lr=0.1), then fit(…, optimizer=sgd, schedule=StepLR(sgd, 10))"
    if given is not None and not isinstance(given, LambdaLR):
        raise ArgumentTypeError(f"schedule is one such as StepLR, made for the optimiser: {way}; got {given!r:.60}")
    if given is not None and given.optimizer is not optimizer:
        raise ArgumentError(f"the schedule moves the rate of another optimiser than the one that trains: {way}")
    return given


def callbacks(given: Callback | Iterable[Callback]) -> list[Callback]:
    """The callbacks; a single one needs no list."""
    listed = list(given) if isinstance(given, Iterable) else [given]
    for callback in listed:
        if not callable(callback):
            raise ArgumentTypeError(f"a callback is called with the training under way, got {callback!r:.60}")
    return listed


def columns(task: Task, metrics: str | Score | Sequence[str | Score], validation: Any) -> list[Column]:
    """What is measured for each row of the history: on the training rows, or some of many, and on those held back."""
    named = [("loss", task.loss.function), *named_metrics(metrics, task.loss)]
    thin = -(-len(task) // MEASURED)
    shown = task if thin == 1 else task.thinned(thin)
    measured: list[Column] = [(name, shown, score) for name, score in named]
    if validation is not None:
        if not isinstance(validation, Iterable) or len(pair := list(validation)) != 2:
            raise ShapeError("validation is a pair (X, y)")
        held = task.like(*pair)
        measured += [(f"validation {name}", held, score) for name, score in named]
    return measured


def penalty(loss: Loss, *strengths: float) -> Penalty:
    """The strengths of l1 and l2, so that they are added to what is descended and taken off what is climbed."""
    first, second = map(as_float, strengths)
    for name, number in (("l1", first), ("l2", second)):
        if not (isfinite(number) and number >= 0):
            raise ArgumentError(f"{name} is a number from 0 up, such as 1e-4, got {number}")
    return (-first, -second) if loss.climbs else (first, second)
