"""Using a trained network: its outputs on rows, and how well it does on rows with known targets.

Promise: nothing about the network changes: no ``.data``, no ``.grad``.
"""

from collections.abc import Callable, Sequence
from typing import Any

from ..modes import no_grad
from ..optim import SGD
from ..value import Value
from .engines import Score, choose
from .metrics import named_metric
from .task import Task, matrix


def evaluate(
    net: Any,
    X: Any,
    y: Any,
    *,
    loss: str | Callable[..., Value] = "mse",
    metrics: Sequence[str | Score] = ("accuracy",),
    engine: str = "auto",
    dtype: str = "float64",
) -> dict[str, float]:
    """The mean loss over the rows, and each metric, by name.

    >>> from micrograd_nn import MLP
    >>> net = MLP(1, [1], output="sigmoid", init="zeros")
    >>> evaluate(net, [[1.0], [2.0]], [0, 1], loss="mse")
    {'loss': 0.25, 'accuracy': 0.5}

    X, y, loss, metrics and engine are those of ``fit``, and so are the errors.
    """
    task = Task(net, X, y, loss)
    scores = [("loss", task.loss.function), *(named_metric(metric, task.loss) for metric in metrics)]
    runs = choose(engine, dtype, task, SGD(net.parameters()), 1, (0.0, 0.0), len(task))
    runs.prepare([score for _, score in scores])
    task.forget()
    return {name: runs.score(task, score) for name, score in scores}


def predict(net: Any, X: Any) -> Any:
    """The network's outputs, an array: a number per row, or a row of outputs per row.

    >>> from micrograd_nn import MLP
    >>> predict(MLP(2, [1], init="zeros"), [[1.0, 2.0], [3.0, 4.0]]).tolist()
    [0.0, 0.0]

    Raises what ``fit`` raises for X.
    """
    import numpy as np

    rows = matrix("X", X)
    with no_grad():
        outputs = [net(row.tolist()) for row in rows]
    return np.array([[z.data for z in out] if isinstance(out, Sequence) else out.data for out in outputs])
