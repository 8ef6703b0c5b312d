"""Networks in files: ``save`` and ``load``; and in memory: ``to_bytes`` and ``from_bytes``.

Promise (tests/test_storage.py): a save leaves the old file or the new one, whole; a load gives back the very same
numbers, or one error and nothing changed.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from io import BytesIO
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard, TypeVar

from ..collector import undisturbed
from ..engine.value import set_numbers
from ..errors import ArgumentTypeError, FormatError, StateError, counted, known
from ..files import name_of, write_whole
from ..nn.layers import LAYER_WIDE, MLP, Module, named_activation
from ..nn.losses import LOSSES
from .packing import Tensor, Tensors, pack, read, unpack

if TYPE_CHECKING:
    from ..training.matrices import Dense

M = TypeVar("M", bound=Module)
Shape = tuple[int, ...]

MLP_FIELDS = {"kind": str, "nin": int, "nouts": list, "activations": list, "bias": bool, "pieces": int}


def save(
    net: Module,
    path: str | os.PathLike[str],
    *,
    loss: str | None = None,
    classes: Sequence[str] = (),
    features: Sequence[str] = (),
) -> None:
    """Write the network to a file: its parameters exactly, and for an MLP how it is built.

    ``loss`` is the name of the one that it was trained on, for whoever evaluates it; ``classes`` say what its labels
    mean, ``features`` what its inputs are. An MLP that was changed by hand, such as one that shares its weights, is a
    network of your own: it comes back through ``load_into``.

    Raises FileError (OSError); the old file is then whole.

    >>> import tempfile
    >>> from micrograd_nn import MLP
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(MLP(2, [3, 1]), f"{folder}/net.safetensors")
    ...     load(f"{folder}/net.safetensors")
    MLP(2, [3 relu, 1 identity])
    """
    write_whole(path, to_bytes(net, loss=loss, classes=classes, features=features))


def to_bytes(
    net: Module, *, loss: str | None = None, classes: Sequence[str] = (), features: Sequence[str] = ()
) -> bytes:
    """What ``save`` writes, for where there are no files.

    >>> from_bytes(to_bytes(MLP(2, [3, 1], seed=0)))
    MLP(2, [3 relu, 1 identity])
    """
    if not isinstance(net, Module):
        raise ArgumentTypeError(f"save takes a network, a Module, got {type(net).__name__}")
    if loss is not None:
        known("loss", loss, LOSSES)
    named = {key: [*words] for key, words in (("classes", classes), ("features", features)) if words}
    return pack(tensors_of(net), {"architecture": architecture(net), "loss": loss, **named})


def from_bytes(content: bytes) -> MLP:
    """The MLP that ``to_bytes`` or ``save`` wrote. Raises what ``load`` raises of a file's content."""
    return _built(*unpack(BytesIO(content), len(content), "this"), "this")


def load(path: str | os.PathLike[str]) -> MLP:
    """The MLP that was saved there.

    Raises FileMissingError or FileError if the file can't be read, FormatError if it is no whole file of ``save``,
    UnknownNameError if it uses an operation that is not in the table.

    >>> import tempfile
    >>> from micrograd_nn import MLP
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(MLP(2, [1]), f"{folder}/net.safetensors")
    ...     load(f"{folder}/net.safetensors")
    MLP(2, [1 identity])
    """
    return _built(*read(path), name_of(path))


def load_into(net: M, path: str | os.PathLike[str]) -> M:
    """Give a network of your own the parameters that were saved there, all or none, and return it.

    Raises what ``load`` raises, and StateError, which lists all that is missing, extra or of another shape.

    >>> import tempfile
    >>> from micrograd_nn import MLP
    >>> one, other = MLP(2, [1], seed=0), MLP(2, [1], seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(one, f"{folder}/net.safetensors")
    ...     load_into(other, f"{folder}/net.safetensors")
    MLP(2, [1 identity])
    >>> one.state_dict() == other.state_dict()
    True
    """
    if not isinstance(net, Module):
        raise ArgumentTypeError(
            f"load_into takes first a network, a Module, then the path; got {type(net).__name__} first"
        )
    tensors, about = read(path)
    _check_network(about, name_of(path))
    take(net, tensors)
    return net


def load_matrices(path: str | os.PathLike[str]) -> "tuple[list[Dense], dict[str, Any]]":
    """The layers of the MLP that was saved there as matrices, and what the file says about it.

    Whoever only wants outputs is spared a Value for each parameter. Raises what ``load`` raises.
    """
    import numpy as np

    from ..training.matrices import Dense, as_matrices

    tensors, about = read(path)
    layers = _layers(_checked(about, tensors, name_of(path)))
    if not _fit(layers, tensors):
        return as_matrices(_built(tensors, about, name_of(path))) or [], about
    dense = []
    for kind, shape, w, b in layers:
        weights = np.array(tensors[w].numbers).reshape(-1, shape[-1])
        bias = np.array(tensors[b].numbers) if b else np.zeros(len(weights))
        pieces = shape[1] if kind == "maxout" else 1
        dense.append(Dense(weights, bias, named_activation(kind, LAYER_WIDE), pieces, kind == "softmax"))
    return dense, about


def _built(tensors: Tensors, about: dict[str, Any], name: str) -> MLP:
    given = _checked(about, tensors, name)
    options = {"bias": given["bias"], "pieces": given["pieces"], "init": "zeros"}
    net, layers = MLP(given["nin"], given["nouts"], given["activations"], **options), _layers(given)
    if not _fit(layers, tensors):
        take(net, tensors)
        return net
    for layer, arrays in zip(net.layers, layers, strict=True):
        units = [unit for neuron in layer.neurons for unit in neuron.units]
        set_numbers([w for unit in units for w in unit.w], tensors[arrays.w].numbers)
        if arrays.b:
            set_numbers([unit.b for unit in units if unit.b is not None], tensors[arrays.b].numbers)
    return net


class Arrays(NamedTuple):
    """A layer of an MLP as a file has it: its activation, the shape of its weights, and what its arrays are called."""

    activation: str
    shape: Shape
    w: str
    b: str  # "" if it has no biases


def _layers(given: dict[str, Any]) -> list[Arrays]:
    """The layers of an MLP of that architecture; their names are those of ``tensors_of``."""
    layers, nin = [], given["nin"]
    for i, (kind, nout) in enumerate(zip(given["activations"], given["nouts"], strict=True)):
        maxout = kind == "maxout"
        stem, shape = f"layers.{i}.neurons." + "pieces." * maxout, (nout, given["pieces"])[: 1 + maxout]
        layers.append(Arrays(kind, (*shape, nin), f"{stem}w", f"{stem}b" if given["bias"] else ""))
        nin = nout
    return layers


def _fit(layers: list[Arrays], tensors: Tensors) -> bool:
    """Whether the tensors are those of the layers; they may lie otherwise, number by number."""
    shapes = {name: shape for layer in layers for name, shape in ((layer.w, layer.shape), (layer.b, layer.shape[:-1]))}
    return {name: tensor.shape for name, tensor in tensors.items()} == {n: s for n, s in shapes.items() if n}


def _check_network(about: dict[str, Any], name: str) -> None:
    if "optimizer" in about:
        raise FormatError(
            f"{name} is a checkpoint of a training: build its network and its optimiser, then "
            "load_checkpoint(path, net, optimizer)"
        )
    if about.get("loss") not in (None, *LOSSES):
        raise FormatError(f"{name} names the loss {about['loss']!r:.40}; there is none of that name")


# ---- parameters as tensors ----


def tensors_of(net: Module) -> Tensors:
    """The parameters in arrays: of layers.0.neurons.3.w.2 the first index stays in the name, the others are axes.

    >>> [(name, tensor.shape) for name, tensor in tensors_of(MLP(3, [2])).items()]
    [('layers.0.neurons.b', (2,)), ('layers.0.neurons.w', (2, 3))]
    """
    state = net.state_dict()
    return {
        array: Tensor(shape, [state[name] for name in names]) for array, (shape, names) in _arrays_of(state).items()
    }


def take(net: Module, tensors: Tensors) -> None:
    """Set the network's parameters from ``tensors_of``'s arrays, all or none. Raises StateError, which lists all."""
    arrays = _arrays_of(net.state_dict())
    faults = [f"missing {array} of shape {shape}" for array, (shape, _) in arrays.items() if array not in tensors]
    faults += [f"extra {name} of shape {tensors[name].shape}" for name in tensors if name not in arrays]
    for array, (shape, _) in arrays.items():
        if array in tensors and tensors[array].shape != shape:
            faults.append(f"{array} has the shape {tensors[array].shape}, the network needs {shape}")
    if faults:
        raise StateError(f"these parameters do not fit {net}; nothing was loaded. " + "; ".join(faults))
    state: dict[str, float] = {}
    for array, (_, names) in arrays.items():
        state.update(zip(names, tensors[array].numbers, strict=True))
    net.load_state_dict(state)


@undisturbed
def _arrays_of(names: Iterable[str]) -> dict[str, tuple[Shape, list[str]]]:
    """Parameters whose names differ in numbers only, as arrays: name -> (shape, the parameters in the array's order).

    The words and the first ``kept`` numbers of a name are the array's, its other numbers are axes. One number is
    kept, more where the cells leave gaps: layers.0.neurons.3.w.2 stands in layers.0.neurons.w. A lone number is an
    axis. A name whose numbers are all kept stands alone.
    """
    arrays: dict[str, tuple[Shape, list[str]]] = {}
    cells = sorted(map(_numbers_and_words, names))
    kept = 0
    while cells:
        alike = defaultdict(list)
        for numbers, words, name in cells:
            alike[(*words[:1], *map(str, numbers[:kept]), *words[1:])].append((numbers, words, name))
        cells = []
        for array, group in alike.items():
            indices, own = [numbers[kept:] for numbers, *_ in group], [name for *_, name in group]
            shape = tuple(last + 1 for last in indices[-1])
            if not shape:  # alone, or of several that mean the same number, such as 1 and 01
                arrays |= {name: ((), [name]) for name in own}
            elif (kept or len(shape) == 1) and indices == list(product(*map(range, shape))):
                arrays[".".join(array)] = shape, own
            else:
                cells += group
        kept += 1
    return arrays


def _numbers_and_words(name: str) -> tuple[tuple[int, ...], list[str], str]:
    parts = name.split(".")
    return tuple(int(part) for part in parts if part.isdecimal()), [p for p in parts if not p.isdecimal()], name


# ---- how a network is built ----


def architecture(net: Module) -> dict[str, Any]:
    """What ``load`` needs to build the network anew: an MLP's arguments; of another Module its kind alone."""
    if type(net) is not MLP:
        return {"kind": "Module"}
    neurons = [(layer.activation, neuron) for layer in net.layers for neuron in layer.neurons]
    units = [(named_activation(name, LAYER_WIDE), unit) for name, neuron in neurons for unit in neuron.units]
    bias = units[0][1].b is not None
    built = {
        "kind": "MLP",
        "nin": net.nin,
        "nouts": [layer.nout for layer in net.layers],
        "activations": [layer.activation for layer in net.layers],
        "bias": bias,
        "pieces": max(len(neuron.units) for _, neuron in neurons),
    }
    as_built = all(unit.activation is named and (unit.b is not None) == bias for named, unit in units)
    as_built = as_built and _size(built) == len(net.parameters())  # or some are shared, added or gone
    return built if as_built else {"kind": "Module"}


def _size(given: dict[str, Any]) -> int:
    """How many parameters an MLP of that architecture has."""
    nouts, kinds = given["nouts"], given["activations"]
    units = [nout * (given["pieces"] if kind == "maxout" else 1) for nout, kind in zip(nouts, kinds, strict=True)]
    return sum(unit * (n + given["bias"]) for unit, n in zip(units, [given["nin"], *nouts[:-1]], strict=True))


def _checked(about: dict[str, Any], tensors: Tensors, name: str) -> dict[str, Any]:
    """An MLP's architecture, every size held against the numbers that are there before anything is made."""
    _check_network(about, name)
    given = about.get("architecture")
    if isinstance(given, dict) and given.get("kind") == "Module":
        raise FormatError(f"{name} holds parameters of a network of your own: build it, then load_into(net, path)")
    if not _is_mlp(given):
        raise FormatError(f"{name} describes no network that this version can build")
    needed, held = _size(given), sum(len(tensor.numbers) for tensor in tensors.values())
    if needed != held:
        raise FormatError(f"{name} describes a network of {counted(needed, 'parameter')} and holds {held}")
    return given


def _is_mlp(given: Any) -> TypeGuard[dict[str, Any]]:
    """Whether this is an MLP's architecture, each field of its type and every size positive."""
    if not isinstance(given, dict) or any(type(given.get(field)) is not kind for field, kind in MLP_FIELDS.items()):
        return False
    sizes, names = [given["nin"], given["pieces"], *given["nouts"]], given["activations"]
    whole = all(type(size) is int and size > 0 for size in sizes) and all(type(name) is str for name in names)
    return whole and given["kind"] == "MLP" and 0 < len(given["nouts"]) == len(names)
