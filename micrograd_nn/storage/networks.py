"""Networks in files: ``save`` and ``load``.

Promise: a save leaves the old file or the new one, whole; a load gives back the very same numbers, or one error and
nothing changed. A file is data: nothing in it is executed, looked up as an attribute, or used as a path.

The form is safetensors: tensors of 64-bit floats beside a JSON text under the metadata key ``micrograd_nn``, which
holds the version, the architecture, and a sha256 over every byte of the file (taken with 64 zeros in its own place).
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Mapping
from itertools import groupby, product
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from ..collector import undisturbed
from ..errors import (
    ArgumentTypeError,
    FileError,
    FileMissingError,
    FormatError,
    MicrogradError,
    StateError,
    UnknownNameError,
)
from ..files import name_of, write_whole
from ..nn.layers import LAYER_WIDE, MLP, Module, named_activation
from ..nn.losses import LOSSES

if TYPE_CHECKING:
    import numpy as np

M = TypeVar("M", bound=Module)
Tensors = dict[str, "np.ndarray[Any, Any]"]

VERSION = 1
KEY = "micrograd_nn"
UNSIGNED = "0" * 64  # stands where the checksum will stand
LARGEST_HEADER = 1 << 24
LARGEST_FILE = 1 << 30  # 128 million parameters
SIGNATURES = (  # how a file of another kind starts
    (b"PK\x03\x04", "a zip file, perhaps one of PyTorch's; export that with exchange.from_torch"),
    (b"\x80", "a pickle, which could run anything; it is not opened"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x93NUMPY", "a NumPy file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"<", "a page of HTML or XML, perhaps a failed download"),
    (b"{", "a JSON text"),
)


def save(net: Module, path: str | os.PathLike[str], *, loss: str | None = None) -> None:
    """Write the network to a file: its parameters exactly, and for an MLP how it is built.

    ``loss`` is the name of the one that it was trained on, for whoever evaluates it. An MLP that was changed by hand,
    such as one that shares its weights, is a network of your own: it comes back through ``load_into``.

    Raises FileError (OSError); the old file is then whole.
    """
    if not isinstance(net, Module):
        raise ArgumentTypeError(f"save takes a network, a Module, got {type(net).__name__}")
    if loss not in (None, *LOSSES):
        raise UnknownNameError("loss", loss, LOSSES)
    write_whole(path, pack(tensors_of(net), {"architecture": architecture(net), "loss": loss}))


def load(path: str | os.PathLike[str]) -> MLP:
    """The MLP that was saved there.

    Raises FileMissingError or FileError if the file can't be read, FormatError if it is no whole file of ``save``,
    UnknownNameError if it uses an operation that is not in the table.
    """
    tensors, about = _network(path)
    net = _build(about.get("architecture"), tensors, name_of(path))
    take(net, tensors)
    return net


def load_into(net: M, path: str | os.PathLike[str]) -> M:
    """Give a network of your own the parameters that were saved there, all or none, and return it.

    Raises what ``load`` raises, and StateError, which lists all that is missing, extra or of another shape.
    """
    if not isinstance(net, Module):
        raise ArgumentTypeError(
            f"load_into takes first a network, a Module, then the path; got {type(net).__name__} first"
        )
    tensors, _ = _network(path)
    take(net, tensors)
    return net


def _network(path: str | os.PathLike[str]) -> tuple[Tensors, dict[str, Any]]:
    tensors, about = read(path)
    if "optimizer" in about:
        raise FormatError(
            f"{name_of(path)} is a checkpoint of a training: build its network and its optimiser, then "
            "load_checkpoint(path, net, optimizer)"
        )
    return tensors, about


# ---- parameters as tensors ----


def tensors_of(net: Module) -> Tensors:
    """The parameters in arrays: of layers.0.neurons.3.w.2 the first index stays in the name, the others are axes.

    >>> [(name, tensor.shape) for name, tensor in tensors_of(MLP(3, [2])).items()]
    [('layers.0.neurons.b', (2,)), ('layers.0.neurons.w', (2, 3))]
    """
    import numpy as np

    state = net.state_dict()
    return {
        group: np.array([state[name] for name in names], dtype=np.float64).reshape(shape)
        for group, (shape, names) in _groups(state).items()
    }


def take(net: Module, tensors: Mapping[str, Any]) -> None:
    """Set the network's parameters from ``tensors_of``'s arrays, all or none. Raises StateError, which lists all."""
    groups = _groups(net.state_dict())
    faults = [f"missing {name} of shape {shape}" for name, (shape, _) in groups.items() if name not in tensors]
    faults += [f"extra {name} of shape {tensors[name].shape}" for name in tensors if name not in groups]
    for name, (shape, _) in groups.items():
        if name in tensors and tensors[name].shape != shape:
            faults.append(f"{name} has the shape {tensors[name].shape}, the network needs {shape}")
    if faults:
        raise StateError(f"these parameters do not fit {net}; nothing was loaded. " + "; ".join(faults))
    state: dict[str, float] = {}
    for group, (_, names) in groups.items():
        state.update(zip(names, tensors[group].reshape(-1).tolist(), strict=True))
    net.load_state_dict(state)


@undisturbed
def _groups(names: Iterable[str]) -> dict[str, tuple[tuple[int, ...], list[str]]]:
    """Names that differ in their numbers only, as the cells of an array: group -> (shape, names in its order)."""
    split = [([t for t in name.split(".") if not t.isdecimal()], _numbers(name), name) for name in names]
    groups: dict[str, tuple[tuple[int, ...], list[str]]] = {}
    for words, cells in groupby(sorted(split), key=lambda cell: cell[0]):
        rows = [(numbers, name) for _, numbers, name in cells]
        most = max(len(numbers) for numbers, _ in rows)
        _place(groups, words, rows, fixed=min(1, max(0, most - 1)))
    return groups


def _place(groups: dict[str, Any], words: list[str], rows: list[Any], fixed: int) -> None:
    """Enter rows of (numbers, name), with the first ``fixed`` numbers in the group's name, more if there are gaps."""
    for start, cells in groupby(rows, key=lambda row: row[0][:fixed]):
        given = list(cells)
        indices = [numbers[fixed:] for numbers, _ in given]
        shape = tuple(last + 1 for last in indices[-1])
        if not shape:  # alone, or of two that mean the same number, such as 1 and 01
            groups.update((name, (shape, [name])) for _, name in given)
        elif indices == list(product(*map(range, shape))):
            group = ".".join([words[0], *map(str, start), *words[1:]])
            groups[group] = (shape, [name for _, name in given])
        else:
            _place(groups, words, given, fixed + 1)


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(int(t) for t in name.split(".") if t.isdecimal())


# ---- how a network is built ----


def architecture(net: Module) -> dict[str, Any]:
    """What ``load`` needs to build the network anew: an MLP's arguments; of another Module its kind alone."""
    if type(net) is not MLP:
        return {"kind": "Module"}
    units = [(layer.activation, unit) for layer in net.layers for neuron in layer.neurons for unit in neuron.units]
    biases = {unit.b is not None for _, unit in units}
    pieces = {len(neuron.units) for layer in net.layers if layer.activation == "maxout" for neuron in layer.neurons}
    as_named = all(unit.activation is named_activation(name, LAYER_WIDE) for name, unit in units)
    if len(biases) > 1 or len(pieces) > 1 or not as_named:
        return {"kind": "Module"}  # changed by hand since it was built
    built = {
        "kind": "MLP",
        "nin": net.nin,
        "nouts": [layer.nout for layer in net.layers],
        "activations": [layer.activation for layer in net.layers],
        "bias": biases.pop(),
        "pieces": pieces.pop() if pieces else 1,
    }
    return built if _size(built) == len(net.parameters()) else {"kind": "Module"}  # some are shared, added or gone


def _size(given: dict[str, Any]) -> int:
    """How many parameters an MLP of that architecture has."""
    nouts, kinds = given["nouts"], given["activations"]
    units = [nout * (given["pieces"] if kind == "maxout" else 1) for nout, kind in zip(nouts, kinds, strict=True)]
    return sum(unit * (n + given["bias"]) for unit, n in zip(units, [given["nin"], *nouts[:-1]], strict=True))


def _build(given: Any, tensors: Tensors, name: str) -> MLP:
    """The network, with every size held against the numbers that are there before anything is made."""
    if isinstance(given, dict) and given.get("kind") == "Module":
        raise FormatError(f"{name} holds parameters of a network of your own: build it, then load_into(net, path)")
    if not _is_mlp(given):
        raise FormatError(f"{name} describes no network that this version can build")
    nin, nouts, kinds, bias, pieces = (given[field] for field in ("nin", "nouts", "activations", "bias", "pieces"))
    needed, held = _size(given), sum(tensor.size for tensor in tensors.values())
    if needed != held:
        raise FormatError(f"{name} describes a network of {needed} parameters and holds {held}")
    return MLP(nin, nouts, kinds, bias=bias, init="zeros", pieces=pieces)


def _is_mlp(given: Any) -> bool:
    if not isinstance(given, dict) or given.get("kind") != "MLP":
        return False
    nouts, kinds = given.get("nouts"), given.get("activations")
    if not isinstance(nouts, list) or not isinstance(kinds, list) or not 0 < len(nouts) == len(kinds):
        return False
    wholes = [given.get("nin"), given.get("pieces"), *nouts]
    names = all(isinstance(kind, str) for kind in kinds)
    return names and type(given.get("bias")) is bool and all(type(whole) is int and whole > 0 for whole in wholes)


# ---- the file ----


def pack(tensors: Mapping[str, Any], about: dict[str, Any]) -> bytes:
    """A safetensors file of these arrays, with ``about`` in its metadata and signed by a checksum over all."""
    from safetensors.numpy import save as serialise

    text = json.dumps({"version": VERSION, "sha256": UNSIGNED, **about})
    content = serialise(dict(tensors), metadata={KEY: text})
    at = content.index(UNSIGNED.encode())
    return content[:at] + hashlib.sha256(content).hexdigest().encode() + content[at + 64 :]


def read(path: str | os.PathLike[str]) -> tuple[Tensors, dict[str, Any]]:
    """The arrays of a packed file, and what is said about them. Raises FileError or FormatError."""
    name = name_of(path)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise FileError(f"{name} is no file but a folder, a pipe or a device")
        with open(path, "rb") as file:
            return unpack(file, os.fstat(file.fileno()).st_size, name)
    except FileNotFoundError as error:
        raise FileMissingError(f"there is no file {name}") from error
    except MicrogradError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        raise FileError(f"{name!r} could not be read: {getattr(error, 'strerror', None) or error}") from error


def unpack(file: BinaryIO, size: int, name: str) -> tuple[Tensors, dict[str, Any]]:
    """What ``pack`` made, from an open file of that size. What can be refused by its header is not read further."""
    head = file.read(8)
    header = file.read(_header_size(head, size, name))
    entries, about = _parsed(header, name)
    _check_header(entries, about, len(header), size, name)
    data = file.read(size - len(head) - len(header))
    signature = about["sha256"].encode(errors="replace")
    unsigned = head + header.replace(signature, UNSIGNED.encode(), 1) + data
    if len(signature) != len(UNSIGNED) or hashlib.sha256(unsigned).hexdigest().encode() != signature:
        raise FormatError(f"{name} is damaged: its checksum is not that of its content; take another copy")
    return _arrays(head + header + data, name), about


def _header_size(head: bytes, size: int, name: str) -> int:
    if not size:
        raise FormatError(f"{name} is empty")
    header = int.from_bytes(head, "little")
    if size < 10 or not 2 <= header <= min(LARGEST_HEADER, size - 8):
        looks = next(
            (kind for start, kind in SIGNATURES if head.startswith(start)), "no file of save(), or a piece of one"
        )
        raise FormatError(f"{name} can't be loaded: it looks like {looks}")
    return header


def _check_header(entries: dict[str, Any], about: dict[str, Any], header: int, size: int, name: str) -> None:
    if about["version"] > VERSION:
        raise FormatError(
            f"{name} was written by a newer version (format {about['version']}, this one reads up to {VERSION}): "
            "update micrograd_nn"
        )
    end = 8 + header + max([entry["data_offsets"][1] for entry in entries.values()], default=0)
    if size > LARGEST_FILE:
        raise FormatError(f"{name} has {size:,} bytes, more than the {LARGEST_FILE:,} that are loaded")
    if size != end:
        raise FormatError(f"{name} has {size:,} bytes and should have {end:,}: it was cut short or added to")


def _parsed(header: bytes, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        entries = json.loads(header)
        about = json.loads(entries.pop("__metadata__")[KEY])
        typed = type(about["version"]) is int and type(about["sha256"]) is str
        typed = typed and all(type(entry["data_offsets"][1]) is int for entry in entries.values())
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        typed = False
    if not typed:
        raise FormatError(f"{name} was not written by this package, or its header is damaged")
    return entries, about


def _arrays(content: bytes, name: str) -> Tensors:
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import load as deserialise

    try:
        tensors: Tensors = deserialise(content)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{name} is no whole safetensors file: {error}") from None
    if any(tensor.dtype != np.float64 for tensor in tensors.values()):
        raise FormatError(f"{name} holds numbers that are not 64-bit floats")
    return tensors
