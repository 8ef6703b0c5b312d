"""fit: train a network on rows, on its recorded graph or on its compiled Program.

All arguments are checked before the first step. Ctrl-C, nan and errors end a training between steps, with the
parameters and the history of the last good step; resuming gives the same bytes as never stopping.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..engine.modes import enable_grad
from ..engine.value import Value
from ..nn.optim import LambdaLR, Optimizer
from ..number import whole_number
from . import arguments
from .engines import ScalarEngine, choose
from .history import History
from .metrics import Score
from .running import Callback, Training
from .task import Task


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
      "auto" compiles unless the training is tiny, or network, loss or metric are random or look at a number of the
      graph, be it a parameter's, by ``if x > 0``, ``float`` or ``.data``: a compiled step could not. ``history.why``
      then names the line, as the error of "compiled" does.

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
    descent = arguments.optimizer(net, optimizer, lr, resume, task.loss)
    history = arguments.history(len(task), batch_size, shuffle, seed, resume)
    per_epoch, size = history.per_epoch, history.settings["batch_size"]
    until = epochs * per_epoch if steps is None else whole_number("steps", steps, least=0)
    every = per_epoch if record is None else whole_number("record", record)
    moves, looks = arguments.schedule(schedule, descent), arguments.callbacks(callbacks)
    columns = arguments.columns(task, metrics, validation)
    scores = [score for *_, score in columns]
    scalar = ScalarEngine(task, descent, size, arguments.penalty(task.loss, l1, l2))
    chosen = choose(engine, dtype, scalar, until, scores)
    task.forget()
    training = Training(net, task, descent, history, chosen, columns, until, every, moves, looks)
    training.go(progress)
    return history
