"""IDX files, the form in which MNIST is given out: zipped or not.

Promise (tests/test_data.py): the header's sizes are believed only if exactly so many bytes follow, so a hostile file
costs no memory.

Format: two zero bytes, a type (8: unsigned byte), the number of dimensions, each dimension as a big-endian 32-bit
number, then the bytes, last dimension fastest (yann.lecun.com/exdb/mnist).
"""

import os
import struct
import zlib
from math import prod
from typing import Any

from ..errors import FormatError, counted
from ..files import check_regular, faults_as_errors, name_of, read_whole

LIMIT = 1 << 27  # 128 MB: nearly three times MNIST's largest file
UNSIGNED_BYTE = 8
MOST_SIDES = 32  # NumPy's arrays have no more before its version 2


def read_idx(path: str | os.PathLike[str]) -> Any:
    """The file's array of unsigned bytes. Raises FormatError on anything else, FileMissingError if it is not there."""
    with faults_as_errors(name_of(path)):
        check_regular(path)
    return parse_idx(unzipped(read_whole(path, LIMIT + 1), os.fspath(path)), os.fspath(path))


def unzipped(content: bytes, name: str) -> bytes:
    """The bytes themselves, or what a gzip file holds, up to the limit. Raises FormatError if the zip is broken."""
    if content[:2] != b"\x1f\x8b":
        return content
    inflate = zlib.decompressobj(wbits=31)
    try:
        inside = inflate.decompress(content, LIMIT + 1)
    except zlib.error as error:
        raise FormatError(f"{name} is a damaged gzip file: {error}; fetch it again") from None
    if not inflate.eof and len(inside) <= LIMIT:
        raise FormatError(f"{name} is a gzip file that ends too early; fetch it again")
    return inside


def parse_idx(content: bytes, name: str) -> Any:
    """The array in these bytes. Raises FormatError, which says what is wrong."""
    import numpy as np

    if len(content) > LIMIT:
        raise FormatError(f"{name} holds more than {LIMIT >> 20} MB, more than any IDX file that is read here")
    if len(content) < 4 or content[:3] != bytes((0, 0, UNSIGNED_BYTE)):
        raise FormatError(f"{name} is no IDX file of unsigned bytes: it starts with {content[:4]!r}")
    ndim = content[3]
    if not 1 <= ndim <= MOST_SIDES:
        raise FormatError(f"{name} is an IDX file of {counted(ndim, 'dimension')}; from 1 to {MOST_SIDES} are read")
    if len(content) < 4 + 4 * ndim:
        raise FormatError(f"{name} is an IDX file that ends within its header")
    shape = struct.unpack_from(f">{ndim}I", content, 4)
    data = memoryview(content)[4 + 4 * ndim :]
    if prod(shape) != len(data):
        raise FormatError(f"{name} promises {counted(prod(shape), 'byte')} of shape {shape} and holds {len(data)}")
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)
