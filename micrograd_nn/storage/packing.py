"""The file of a network or of a training: arrays, and a JSON text about them. ``pack`` writes it, ``read`` reads it.

Promise (tests/test_storage_damage.py): a file is data. Nothing in it is executed, looked up as an attribute or used as
a path, and whatever is no whole file of ``pack`` is refused before its sizes are believed.

The form is safetensors: tensors of 64-bit floats, and under the metadata key ``micrograd_nn`` a JSON text with the
version, what is said about the tensors, and a sha256 over every byte of the file (with 64 zeros in its own place).
"""

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import FileError, FormatError
from ..files import faults_as_errors, name_of

if TYPE_CHECKING:
    import numpy as np

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
    (b"", "no file of save(), or a piece of one"),
)


def pack(tensors: Mapping[str, Any], about: dict[str, Any]) -> bytes:
    """A file's bytes: the arrays, ``about`` in its metadata, and the checksum over all."""
    from safetensors.numpy import save as serialise

    text = json.dumps({"version": VERSION, "sha256": UNSIGNED, **about})
    content = serialise(dict(tensors), metadata={KEY: text})
    at = content.index(UNSIGNED.encode())
    return content[:at] + hashlib.sha256(content).hexdigest().encode() + content[at + 64 :]


def read(path: str | os.PathLike[str]) -> tuple[Tensors, dict[str, Any]]:
    """The arrays of a packed file, and what is said about them. Raises FileError or FormatError."""
    name = name_of(path)
    with faults_as_errors(name):
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise FileError(f"{name} is no file but a folder, a pipe or a device")
        with open(path, "rb") as file:
            return unpack(file, os.fstat(file.fileno()).st_size, name)


def unpack(file: BinaryIO, size: int, name: str) -> tuple[Tensors, dict[str, Any]]:
    """What ``pack`` made, from an open file of that size. What can be refused by its header is not read further."""
    head = file.read(8)
    header = file.read(_header_size(head, size, name))
    about, end = _parsed(header, name)
    if about["version"] > VERSION:
        raise FormatError(
            f"{name} was written by a newer version (format {about['version']}, this one reads up to {VERSION}): "
            "update micrograd_nn"
        )
    if size > LARGEST_FILE:
        raise FormatError(f"{name} has {size:,} bytes, more than the {LARGEST_FILE:,} that are loaded")
    if size != end:
        raise FormatError(f"{name} has {size:,} bytes and should have {end:,}: it was cut short or added to")
    data = file.read(size - len(head) - len(header))
    signature = about["sha256"].encode(errors="replace")
    unsigned = head + header.replace(signature, UNSIGNED.encode(), 1) + data
    if len(signature) != len(UNSIGNED) or hashlib.sha256(unsigned).hexdigest().encode() != signature:
        raise FormatError(f"{name} is damaged: its checksum is not that of its content; take another copy")
    return _arrays(head + header + data, name), about


def _header_size(head: bytes, size: int, name: str) -> int:
    """How long the header is that the first 8 bytes announce."""
    if not size:
        raise FormatError(f"{name} is empty")
    header = int.from_bytes(head, "little")
    if size < 10 or not 2 <= header <= min(LARGEST_HEADER, size - 8):
        looks = next(kind for start, kind in SIGNATURES if head.startswith(start))
        raise FormatError(f"{name} can't be loaded: it looks like {looks}")
    return header


def _parsed(header: bytes, name: str) -> tuple[dict[str, Any], int]:
    """What the header says about the arrays, and where in the file the last of them ends."""
    try:
        entries = json.loads(header)
        about = json.loads(entries.pop("__metadata__")[KEY])
        ends = [entry["data_offsets"][1] for entry in entries.values()]
        if type(about["sha256"]) is not str or any(type(number) is not int for number in (about["version"], *ends)):
            raise TypeError
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise FormatError(f"{name} was not written by this package, or its header is damaged") from None
    return about, 8 + len(header) + max(ends, default=0)


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
