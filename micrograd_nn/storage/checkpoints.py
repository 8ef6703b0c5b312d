"""Checkpoints: a training in a file, so that it can go on in another process.

Promise (tests/test_training_stops.py): a resumed training takes the same steps to the same bytes as one that never
stopped. A checkpoint is written and read like a network, whole or not at all.
"""

import os
from typing import Any

from ..errors import ArgumentError, FormatError, StateError
from ..files import name_of, write_whole
from ..nn.layers import Module
from ..nn.optim import Optimizer
from ..number import whole_number
from ..training.history import History
from ..training.running import Training
from .networks import architecture, take, tensors_of
from .packing import Tensor, Tensors, pack, read

NET, MEMORY = "net.", "memory."  # what the names of the arrays start with


def save_checkpoint(path: str | os.PathLike[str], net: Module, history: History) -> None:
    """Write down a training: the network, the optimiser with its memories, and the history. Raises FileError.

    >>> import tempfile
    >>> from micrograd_nn import MLP, SGD, fit
    >>> net = MLP(1, [1], seed=0)
    >>> history = fit(net, [[1.0]], [2.0], epochs=2, progress=False)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(f"{folder}/half_way.safetensors", net, history)
    ...     load_checkpoint(f"{folder}/half_way.safetensors", net, SGD(net.parameters())).step
    2
    """
    state = history.optimizer.state_dict()
    tensors = {NET + name: tensor for name, tensor in tensors_of(net).items()}
    tensors |= {MEMORY + name: _vector(state.pop(name)) for name in history.optimizer.memories}
    about = {
        "optimizer": {"kind": type(history.optimizer).__name__, **state},
        "history": {field: getattr(history, field) for field in ("rows", "step", "running", "settings")},
    }
    write_whole(path, pack(tensors, {"architecture": architecture(net), **about}))


def load_checkpoint(path: str | os.PathLike[str], net: Module, optimizer: Optimizer) -> History:
    """Put the network and the optimiser where the training stood, and return its history, for ``fit(resume=…)``.

    Raises FileError or FormatError for a file that is no whole checkpoint, StateError if the network or the optimiser
    is another one; neither has then changed.

    >>> import tempfile
    >>> from micrograd_nn import MLP, SGD, fit
    >>> X, y, net = [[1.0]], [2.0], MLP(1, [1], seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(f"{folder}/half_way.safetensors", net, fit(net, X, y, epochs=2, progress=False))
    ...     history = load_checkpoint(f"{folder}/half_way.safetensors", net, SGD(net.parameters()))
    >>> fit(net, X, y, epochs=4, resume=history, progress=False).step
    4
    """
    tensors, about = read(path)
    history = _history(about, name_of(path))
    kept = dict(about["optimizer"])
    if (kind := kept.pop("kind", None)) != type(optimizer).__name__:
        raise StateError(f"{name_of(path)} is a training by {kind}, not by {type(optimizer).__name__}")
    before = optimizer.state_dict()
    optimizer.load_state_dict(kept | {name: vector.numbers for name, vector in _starting(MEMORY, tensors).items()})
    try:
        take(net, _starting(NET, tensors))
    except StateError:
        optimizer.load_state_dict(before)
        raise
    history.optimizer = optimizer
    return history


class Checkpoint:
    """A callback for ``fit`` that writes a checkpoint every so many rows of the history.

    >>> Checkpoint("half_way.safetensors", every=10)
    Checkpoint('half_way.safetensors', every=10)
    """

    def __init__(self, path: str | os.PathLike[str], every: int = 1) -> None:
        self.path, self.every = path, whole_number("every", every)

    def __repr__(self) -> str:
        return f"Checkpoint({str(self.path)!r}, every={self.every})"

    def __call__(self, running: Training) -> None:
        """Write it, if it is time."""
        if len(running.history) % self.every == 0:
            save_checkpoint(self.path, running.net, running.history)


def _vector(numbers: list[float]) -> Tensor:
    return Tensor((len(numbers),), numbers)


def _starting(prefix: str, tensors: Tensors) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _history(about: dict[str, Any], name: str) -> History:
    history = History()
    try:
        given, _ = about["history"], dict(about["optimizer"])
        history.rows = [
            {str(column): (int if column in ("step", "epoch") else float)(number) for column, number in row.items()}
            for row in given["rows"]
        ]
        history.step = whole_number("step", given["step"], least=0)
        history.running = [float(number) for number in given["running"]]
        history.settings = dict(given["settings"])
    except (TypeError, KeyError, ValueError, AttributeError, ArgumentError):
        raise FormatError(f"{name} is no checkpoint; a network without a training is read by load()") from None
    return history
