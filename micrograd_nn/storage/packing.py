"""The file of a network or of a training: tensors, and a JSON text about them. ``pack`` writes it, ``read`` reads it.

Promise (tests/test_storage_damage.py): a file is data. Nothing in it is executed, looked up as an attribute or used as
a path, and whatever is no whole file of ``pack`` is refused before its sizes are believed.

The form is safetensors (https://github.com/huggingface/safetensors#format), which other programs read too: 8 bytes
that say how long the header is, a JSON header with the shape and the place of each tensor, and their numbers, 64-bit
floats from the low byte up. Under the metadata key ``micrograd_nn`` stands a JSON text with the version, what is said
about the tensors, and a sha256 over every byte of the file (with 64 zeros in its own place).
"""

import hashlib
import json
import os
import struct
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, BinaryIO, NamedTuple

from ..errors import FormatError, counted
from ..files import check_regular, faults_as_errors, name_of


class Tensor(NamedTuple):
    """Numbers in an array of that shape, row by row."""

    shape: tuple[int, ...]
    numbers: Sequence[float]


Tensors = Mapping[str, Tensor]
Entries = dict[str, tuple[str, list[int], int, int]]  # of each tensor its kind of number, shape, start and end

FLOAT = "F64"
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


def pack(tensors: Tensors, about: dict[str, Any]) -> bytes:
    """A file's bytes: the tensors, ``about`` in its metadata, and the checksum over all."""
    entries: dict[str, Any] = {"__metadata__": {KEY: json.dumps({"version": VERSION, "sha256": UNSIGNED, **about})}}
    data = bytearray()
    for name, (shape, numbers) in sorted(tensors.items()):
        start = len(data)
        data += struct.pack(f"<{len(numbers)}d", *numbers)
        entries[name] = {"dtype": FLOAT, "shape": shape, "data_offsets": [start, len(data)]}
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    content = len(header).to_bytes(8, "little") + header + data
    at = content.index(UNSIGNED.encode())
    return content[:at] + hashlib.sha256(content).hexdigest().encode() + content[at + 64 :]


def read(path: str | os.PathLike[str]) -> tuple[Tensors, dict[str, Any]]:
    """The tensors of a packed file, and what is said about them. Raises FileError or FormatError."""
    name = name_of(path)
    with faults_as_errors(name):
        check_regular(path)
        with open(path, "rb") as file:
            return unpack(file, os.fstat(file.fileno()).st_size, name)


def unpack(file: BinaryIO, size: int, name: str) -> tuple[Tensors, dict[str, Any]]:
    """What ``pack`` made, from an open file of that size. What can be refused by its header is not read further."""
    head = file.read(8)
    header = file.read(_header_size(head, size, name))
    about, entries, end = _parsed(header, name)
    if about["version"] > VERSION:
        raise FormatError(
            f"{name} was written by a newer version (format {about['version']}, this one reads up to {VERSION}): "
            "update micrograd_nn"
        )
    if size > LARGEST_FILE:
        raise FormatError(f"{name} has {counted(size, 'byte')}, more than the {LARGEST_FILE:,} that are loaded")
    if size != end:
        raise FormatError(f"{name} has {counted(size, 'byte')} and should have {end:,}: it was cut short or added to")
    data = file.read(size - len(head) - len(header))
    signature = about["sha256"].encode(errors="replace")
    unsigned = head + header.replace(signature, UNSIGNED.encode(), 1) + data
    if len(signature) != len(UNSIGNED) or hashlib.sha256(unsigned).hexdigest().encode() != signature:
        raise FormatError(f"{name} is damaged: its checksum is not that of its content; take another copy")
    return _tensors(entries, data, name), about


def _header_size(head: bytes, size: int, name: str) -> int:
    """How long the header is that the first 8 bytes announce."""
    if not size:
        raise FormatError(f"{name} is empty")
    header = int.from_bytes(head, "little")
    if size < 10 or not 2 <= header <= min(LARGEST_HEADER, size - 8):
        looks = next(kind for start, kind in SIGNATURES if head.startswith(start))
        raise FormatError(f"{name} can't be loaded: it looks like {looks}")
    return header


def _parsed(header: bytes, name: str) -> tuple[dict[str, Any], Entries, int]:
    """What the header says of the whole and of the tensors, and where in the file the last of them ends."""
    try:
        given = json.loads(header)
        about = json.loads(given.pop("__metadata__")[KEY])
        entries = {key: (entry["dtype"], entry["shape"], *entry["data_offsets"]) for key, entry in given.items()}
        numbers = [n for _, shape, start, end in entries.values() for n in (*shape, start, end)]
        if type(about["sha256"]) is not str or any(type(n) is not int or n < 0 for n in (about["version"], *numbers)):
            raise TypeError
        if about["version"] == 0:
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise FormatError(f"{name} was not written by this package, or its header is damaged") from None
    return about, entries, 8 + len(header) + max((end for *_, end in entries.values()), default=0)


def _tensors(entries: Entries, data: bytes, name: str) -> Tensors:
    tensors, at = {}, 0
    for key, (kind, shape, start, end) in sorted(entries.items(), key=lambda item: item[1][2:]):
        if kind != FLOAT:
            raise FormatError(f"{name} holds numbers that are not 64-bit floats")
        if start != at or end - start != 8 * prod(shape):
            raise FormatError(f"{name} is no whole safetensors file: {key!r:.60} is not where its shape says")
        tensors[key], at = Tensor(tuple(shape), struct.unpack_from(f"<{prod(shape)}d", data, start)), end
    return tensors
