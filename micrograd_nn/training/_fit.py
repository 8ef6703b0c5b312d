"""fit: train a network on rows, on its recorded graph or on its compiled Program.

All arguments are checked before the first step: each function below ``fit`` returns what the training works with.
Ctrl-C, nan and errors end a training between steps, with the parameters and the history of the last good step;
resuming gives the same bytes as never stopping.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from operator import index
from typing import Any

from ..engine.modes import enable_grad
from ..engine.value import Value
from ..errors import ArgumentError, ArgumentTypeError, ShapeError
from ..nn.losses import Loss
from ..nn.optim import LambdaLR, Optimizer, named_optimizer
from ..number import as_float, whole_number
from .engines import Column, ScalarEngine, choose
from .history import History
from .metrics import Score, named_metrics
from .running import Callback, Training
from .task import Penalty, Task, look_over

MEASURED = 10_000  # at most so many training rows are measured for the history


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

    X has shape (rows, features), and may be a DataFrame. y has a number per row, or a row of numbers; beside a network
    of several outputs, a flat y holds labels from 0 up. The loss of a row is ``loss(net(x), target)``, that of a batch
    the mean over its rows, plus l1·Σ|w| + l2·Σw² over all parameters; from a performance, which is climbed, they are
    taken off.

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
    - engine: "scalar" steps on the graph itself, "compiled" on its Program (``dtype`` "float64" or "float32"), "c",
      "jax" or another backend's name in that backend; ``history.engine`` says which one ran;
      "auto" compiles unless the training is tiny, or network, loss or metric are random or look at a number of the
      graph, be it a parameter's, by ``if x > 0``, ``float`` or ``.data``: a compiled step could not. ``history.why``
      then names the line, as the error of "compiled" does. What else Python reads in there, such as an attribute of the
      network that a callback moves, a compiled training reads once.

    >>> from micrograd_nn import MLP
    >>> net = MLP(2, [4, 1], activation="tanh", output="sigmoid", seed=1)
    >>> history = fit(net, [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], optimizer="adam", lr=0.1, epochs=100)
    >>> history["loss"][-1] < 0.05
    True

    Raises, before the first step: ArgumentError, ArgumentTypeError, ShapeError or UnknownNameError, which name what
    is wrong, with row and column. Raises DivergedError if the loss turns nan or infinite. Warns where columns of X are
    100 times apart, and of a softmax before softmax_cross_entropy, which has one.
    """
    epochs, batch_size = whole_number("epochs", epochs, least=0), whole_number("batch_size", batch_size)
    task = Task(net, X, y, loss)
    look_over(task)
    descent = _optimizer(net, optimizer, lr, resume, task.loss)
    history = _history(len(task), batch_size, shuffle, seed, resume)
    per_epoch, size = history.per_epoch, history.settings["batch_size"]
    until = epochs * per_epoch if steps is None else whole_number("steps", steps, least=0)
    every = per_epoch if record is None else whole_number("record", record)
    moves, looks = _schedule(schedule, descent), _callbacks(callbacks)
    columns = _columns(task, metrics, validation)
    scalar = ScalarEngine(task, descent, size, _penalty(task.loss, l1, l2))
    chosen = choose(engine, dtype, scalar, until, [score for *_, score in columns])
    task.forget()
    Training(net, task, descent, history, chosen, columns, until, every, moves, looks).go(progress)
    return history


def _optimizer(net: Any, given: Any, lr: float | None, resume: History | None, loss: Loss) -> Optimizer:
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


def _history(rows: int, batch_size: int, shuffle: bool, seed: int | None, resume: History | None) -> History:
    """A new history, or the one to resume, if it is of a training with the same settings."""
    if seed is None:
        seed = random.randrange(2**32) if resume is None else resume.settings["seed"]
    elif isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise ArgumentTypeError(f"seed is a whole number or None, got {seed!r:.60}")
    settings = {"rows": rows, "batch_size": min(batch_size, rows), "shuffle": bool(shuffle), "seed": index(seed)}
    if resume is not None and resume.settings != settings:
        raise ArgumentError(f"the training to resume had {resume.settings}, this one has {settings}")
    return History(settings) if resume is None else resume


def _schedule(given: LambdaLR | None, optimizer: Optimizer) -> LambdaLR | None:
    """The schedule, if it is one and moves the rate of this very optimiser."""
    way = "sgd = SGD(net.parameters(), lr=0.1), then fit(…, optimizer=sgd, schedule=StepLR(sgd, 10))"
    if given is not None and not isinstance(given, LambdaLR):
        raise ArgumentTypeError(f"schedule is one such as StepLR, made for the optimiser: {way}; got {given!r:.60}")
    if given is not None and given.optimizer is not optimizer:
        raise ArgumentError(f"the schedule moves the rate of another optimiser than the one that trains: {way}")
    return given


def _callbacks(given: Callback | Iterable[Callback]) -> list[Callback]:
    """The callbacks; a single one needs no list."""
    listed = list(given) if isinstance(given, Iterable) else [given]
    for callback in listed:
        if not callable(callback):
            raise ArgumentTypeError(f"a callback is called with the training under way, got {callback!r:.60}")
    return listed


def _columns(task: Task, metrics: str | Score | Sequence[str | Score], validation: Any) -> list[Column]:
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


def _penalty(loss: Loss, *strengths: float) -> Penalty:
    """The strengths of l1 and l2, so that they are added to what is descended and taken off what is climbed."""
    first, second = map(as_float, strengths)
    for name, number in (("l1", first), ("l2", second)):
        if not (isfinite(number) and number >= 0):
            raise ArgumentError(f"{name} is a number from 0 up, such as 1e-4, got {number}")
    return (-first, -second) if loss.climbs else (first, second)
