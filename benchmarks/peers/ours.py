"""Ours: the scalar engine, and the same graph compiled.

Promise: what its own documentation tells a user to write.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from ..harness import MissingError, require
from .problem import Array, Peer, Problem, Train

EPOCH = 1000  # rows: the four people are laid end to end, since a loss that is kept for every fourth step takes time
LARGEST = 400_000  # products in a batch from which a recorded graph, at some 250 bytes a node, takes gigabytes


def network(problem: Problem) -> Any:
    """The MLP with the problem's starting weights."""
    from micrograd_nn import MLP

    net = MLP(problem.sizes[0], list(problem.sizes[1:]), activation=problem.hidden, output=problem.output, init="zeros")
    for layer, (w, b) in zip(net.layers, problem.start, strict=True):
        for neuron, row, bias in zip(layer.neurons, w.tolist(), b.tolist(), strict=True):
            for p, number in zip(neuron.parameters(), (*row, bias), strict=True):
                p.data = number
    return net


def loss_over(problem: Problem, net: Any, X: Any, y: Any) -> Any:
    """The mean loss over rows, as one Value."""
    from micrograd_nn import mean
    from micrograd_nn.nn import losses

    outputs = [net(row) for row in X]
    if problem.loss == "softmax":
        whole = mean([losses.softmax_cross_entropy(out, label) for out, label in zip(outputs, y, strict=True)])
    else:
        whole = {"mse": losses.mse, "hinge": losses.hinge}[problem.loss](outputs, y)
    return whole + losses.l2(net.parameters(), problem.l2) if problem.l2 else whole


def eager(problem: Problem) -> Train:
    import numpy as np

    from micrograd_nn import SGD

    if problem.products > LARGEST:
        raise MissingError(f"a step records about {3 * problem.products:,} nodes; this is what compiling is for")

    def train(steps: int) -> Array:
        net = network(problem)
        optimizer = SGD(net.parameters(), lr=problem.lr)
        batches = [(X.tolist(), y.tolist()) for X, y in problem.batches]
        for i in range(steps):
            optimizer.zero_grad()
            loss_over(problem, net, *batches[i % len(batches)]).backward()
            optimizer.step()
        return np.array([p.data for p in net.parameters()])

    return train


@dataclass(frozen=True)
class Recorded:
    """The loss of one row as a graph, and its leaves."""

    net: Any
    loss: Any
    x: list[Any]
    y: Any  # a Value, or a one-hot row of them: a label varies from row to row


def record(problem: Problem) -> Recorded:
    """Record the loss of one row."""
    from micrograd_nn import Value

    net = network(problem)
    x = [Value(0.0) for _ in range(problem.sizes[0])]
    y: Any = [Value(0.0) for _ in range(problem.sizes[-1])] if problem.loss == "softmax" else Value(0.0)
    return Recorded(net, loss_over(problem, net, [x], [y]), x, y)


def compiled_loop(problem: Problem, recorded: Recorded, backend: str = "auto") -> Train:
    """Steps of one long training, which goes on where it stood: what ``Program.minimize`` does in the middle."""
    import numpy as np

    from micrograd_nn import SGD
    from micrograd_nn.compiler import compile
    from micrograd_nn.compiler.backend import Log
    from micrograd_nn.compiler.run import Run

    parameters = recorded.net.parameters()
    program = compile(recorded.loss, [recorded.x, recorded.y], parameters, backend, problem.dtype)
    epoch = problem.batches * max(1, EPOCH // (len(problem.batches) * problem.batch))
    X, y = (np.concatenate(column) for column in zip(*epoch, strict=True))
    targets = targets_of(problem, y)
    rows = program.rows(X, targets).converted(problem.dtype)
    run = Run(program, SGD(parameters, lr=problem.lr), rows, problem.batch)
    run.load()
    every = run.rows.every

    def train(steps: int) -> Callable[[], Array]:
        whole, rest = divmod(steps, len(epoch))
        run.advance([every] * whole + ([every[: rest * problem.batch]] if rest else []), Log())
        return lambda: np.array(run.loop.numbers(run.state)[0])

    train.note = lambda: f"the {program.backend} backend; {program.why}"
    return train


def targets_of(problem: Problem, y: Array) -> Array:
    """The targets as the recorded loss takes them: labels as one-hot rows."""
    import numpy as np

    return np.eye(problem.sizes[-1])[y] if problem.loss == "softmax" else y


def loop_of_ones_own(problem: Problem) -> Train:
    """A step at a time from Python."""
    import numpy as np

    from micrograd_nn import SGD
    from micrograd_nn.compiler import compile

    recorded = record(problem)
    parameters = recorded.net.parameters()
    program = compile(recorded.loss, [recorded.x, recorded.y], parameters, dtype=problem.dtype)
    batches = [(X, targets_of(problem, y)) for X, y in problem.batches]
    trainer = program.trainer(SGD(parameters, lr=problem.lr)).__enter__()
    done = count()

    def train(steps: int) -> Callable[[], Array]:
        for _ in range(steps):
            trainer.step(*batches[next(done) % len(batches)])
        return lambda: trainer.store() or np.array([p.data for p in parameters])

    return train


def compiled(problem: Problem, backend: str = "auto") -> Train:
    """The loss of one row, recorded once and compiled; the batches are the program's."""
    from micrograd_nn.errors import ArgumentError, ExtraMissingError

    try:
        return compiled_loop(problem, record(problem), backend)
    except (ArgumentError, ExtraMissingError) as error:  # no compiler, or other floats
        raise MissingError(str(error)) from error


def by_jax(problem: Problem) -> Train:
    """The same by XLA."""
    require("jax")
    return compiled(problem, "jax")


PEERS = [
    Peer(
        "micrograd_nn, compiled",
        "The loss of one row is recorded once and compiled with the default backend; a step is one in the middle of "
        "`Program.minimize`. The seconds that compiling takes have a section of their own.",
        compiled,
    ),
    Peer(
        "micrograd_nn, own loop",
        "The same program in a loop of one's own, `trainer.step(X, y)` for each batch. Python is asked between two.",
        loop_of_ones_own,
    ),
    Peer(
        "micrograd_nn, C backend",
        'The same with `backend="c"`: small graphs are straight-line C with the bits of the scalar engine, larger ones '
        "loops over arrays; the system's compiler makes them, and a call goes over whole epochs.",
        partial(compiled, backend="c"),
    ),
    Peer(
        "micrograd_nn, JAX backend",
        'The same with `backend="jax"`: the lifted steps and our sweep over them, compiled by XLA, many steps as one '
        "loop. The seconds that compiling takes are not counted.",
        by_jax,
    ),
    Peer(
        "micrograd_nn, eager",
        "`net(x)`, a loss, `backward()`, `SGD.step()`: the graph is recorded anew every step. Nothing is compiled.",
        eager,
        slow=True,
    ),
]
