"""Using a trained network: its outputs on rows, and how well it does on rows with known targets.

Promise: nothing about the network changes: no ``.data``, no ``.grad``.
"""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from ..compiler import compile
from ..compiler.recording import as_list
from ..compiler.registry import BACKENDS, check_dtype
from ..data.matrix import floats, matrix
from ..engine.modes import enable_grad, no_grad
from ..engine.value import Value
from ..errors import known
from ..nn.layers import one_or_all
from ..nn.optim import SGD
from ..number import as_array
from .engines import ENGINES, TINY, ScalarEngine, choose, for_every_row, in_one
from .metrics import Score, named_metrics
from .task import Task, as_network


@enable_grad()
def evaluate(
    net: Any,
    X: Any,
    y: Any,
    *,
    loss: str | Callable[..., Value] = "mse",
    metrics: str | Score | Sequence[str | Score] = ("accuracy",),
    engine: str = "auto",
    dtype: str = "float64",
) -> dict[str, float]:
    """The mean loss over the rows, and each metric, by name.

    >>> from micrograd_nn import MLP
    >>> net = MLP(1, [1], output="sigmoid", init="zeros")
    >>> evaluate(net, [[1.0], [2.0]], [0, 1], loss="mse")
    {'loss': 0.25, 'accuracy': 0.5}

    X, y, loss, metrics and engine are those of ``fit``, and so are the errors; parameters stand still here, so that
    their numbers may be looked at.
    """
    known("engine", engine, ENGINES)
    check_dtype(dtype)
    rows, work = matrix("X", X), 0
    out = _by_matrices(as_network(net), rows, engine, dtype)
    if out is not None and isfinite(abs(out).max()):  # else the graph says what is wrong where
        net, rows, work = Known(), out, TINY
    task = Task(net, rows, y, loss)
    scores = {"loss": task.loss.function, **dict(named_metrics(metrics, task.loss))}
    scalar = ScalarEngine(task, SGD(net.parameters()), 1, (0.0, 0.0))
    runs = choose(engine, dtype, scalar, max(work, len(task)), [*scores.values()], trains=False)
    task.forget()
    return {name: runs.score(task, score) for name, score in scores.items()}


@enable_grad()
def predict(net: Any, X: Any, *, engine: str = "auto") -> Any:
    """The network's outputs, an array: a number per row, or a row of outputs per row. A list without NumPy.

    >>> from micrograd_nn import MLP
    >>> predict(MLP(2, [1], init="zeros"), [[1.0, 2.0], [3.0, 4.0]]).tolist()
    [0.0, 0.0]

    X and engine are those of ``evaluate``, and so are the errors.
    """
    as_network(net)
    rows = matrix("X", X)
    known("engine", engine, ENGINES)
    out = _by_matrices(net, rows, engine, "float64")
    if out is not None:
        return out if out.shape[1] > 1 else out[:, 0]
    if engine not in ("auto", "scalar") or (engine == "auto" and len(rows) * len(net.parameters()) >= TINY):
        try:
            return _compiled_outputs(net, rows, engine if engine in BACKENDS else "auto")
        except Exception:  # code that is recorded for compiling may raise anything
            if engine != "auto":
                raise
    return as_array([_outputs(net, row) for row in rows])


class Known:
    """A network whose outputs are known: given a row of them it gives them back."""

    def parameters(self) -> list[Value]:
        """One that moves nothing, for an optimiser takes one."""
        return [Value(0.0)]

    def __call__(self, row: list[Value]) -> Any:
        return one_or_all(row)


def _by_matrices(net: Any, rows: Any, engine: str, dtype: str) -> Any:
    """The outputs of an MLP, a row of outputs per row, without a graph; None where it takes one, or is not worth it."""
    if engine not in ("auto", "compiled") or not hasattr(rows, "shape"):  # a backend is asked for; there is no NumPy
        return None
    from .matrices import as_matrices, outputs

    dense = as_matrices(net, dtype)
    if dense is None or rows.shape[1] != net.nin:
        return None
    if engine == "auto" and len(rows) * sum(layer.W.size for layer in dense) < TINY:
        return None
    return outputs(dense, rows)


def _outputs(net: Any, row: Any) -> Any:
    with no_grad():
        out = net([Value(number) for number in floats(row)])
    return [z.data for z in out] if isinstance(out, Sequence) else out.data


def _compiled_outputs(net: Any, rows: Any, backend: str) -> Any:
    """The same, compiled, one output after the other. Raises GraphError if the network looks at its numbers."""
    import numpy as np

    from .matrices import blocks

    x = [Value(number) for number in rows[0].tolist()]
    out = for_every_row(net(x), net, x, x)
    wanted, picks = in_one(as_list(out))
    program = compile(wanted, inputs=[x, picks], parameters=net.parameters(), backend=backend)
    columns = [
        np.concatenate([program.each(block, np.broadcast_to(pick, (len(block), len(picks)))) for block in blocks(rows)])
        for pick in np.eye(len(picks))
    ]
    return np.stack(columns, axis=1) if isinstance(out, Sequence) else columns[0]
