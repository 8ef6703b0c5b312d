"""Rows: the arguments of a program's call, checked.

Promise: for each input there is one array with a row per sample, of the shape that was recorded, and all have as many
rows.
"""

from collections.abc import Sequence
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from ..engine.value import as_value
from ..errors import ArgumentTypeError, ShapeError


class Rows:
    """The arguments of a call: for each input an array (rows, numbers of a row)."""

    def __init__(self, shapes: Sequence[tuple[int, ...]], arguments: Sequence[Any]) -> None:
        if len(arguments) != len(shapes):
            raise ShapeError(f"this program takes {len(shapes)} argument(s), one for each input; got {len(arguments)}")
        self.arrays = [_array(i, shape, given) for i, (shape, given) in enumerate(zip(shapes, arguments, strict=True))]
        lengths = {len(array) for array in self.arrays} or {1}
        if len(lengths) != 1:
            raise ShapeError(f"the arguments have different numbers of rows: {[len(a) for a in self.arrays]}")
        self._length = lengths.pop()
        if not self._length:
            raise ShapeError("the arguments have no rows: a mean over no rows has no value")

    def __len__(self) -> int:
        return self._length

    @cached_property
    def lists(self) -> list[list[float]]:
        """Row by row, all inputs one after another, as floats."""
        if not self.arrays:
            return [[]]
        rows: list[list[float]] = np.concatenate(self.arrays, axis=1).tolist()
        return rows


def _array(number: int, shape: tuple[int, ...], given: Any) -> Any:
    try:
        array = np.asarray(given)
        if array.dtype.kind == "O":  # Fraction, Decimal, Value, or nothing that is a number
            array = np.array([as_value(number).data for number in array.flat]).reshape(array.shape)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"it holds {array.dtype.name}")
        array = array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"argument {number + 1} is not an array of numbers: {error}") from None
    if array.shape == shape:
        array = array[None]
    if array.shape[1:] != shape or array.ndim != len(shape) + 1:
        wanted = "×".join(["rows", *map(str, shape)])
        raise ShapeError(f"argument {number + 1} has shape {wanted}, or one row of it; got {array.shape}")
    return array.reshape(len(array), prod(shape))
