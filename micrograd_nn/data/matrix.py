"""A matrix of finite numbers from whatever comes as rows; what does not fit is named with its row and column."""

from collections.abc import Iterable, Mapping, Sequence, Set
from math import isfinite, prod
from typing import Any, TypeAlias

from ..errors import ArgumentError, ArgumentTypeError, MicrogradError, NumberError, ShapeError, counted
from ..number import as_float

Array: TypeAlias = Any  # NumPy's, of shape (rows, columns); a list of rows where NumPy is not installed

ROWS = {"X": "rows, such as [[1, 2], [3, 4]]", "y": "targets, one per row of X, such as [0, 1]"}


def matrix(name: str, given: Any, column: bool = False) -> Array:
    """given as a matrix of finite numbers. Rows that come one by one are read once; a flat list may be a ``column``.

    Where NumPy is not installed it is a list of lists. Raises an error that names the row and the column.
    """
    if isinstance(given, str | bytes | Mapping | Set) or not isinstance(given, Iterable):
        raise ArgumentTypeError(f"{name} is a list of {ROWS[name]}; got the {type(given).__name__} {given!r:.60}")
    if hasattr(given, "to_numpy"):
        given = given.to_numpy()  # a DataFrame or a Series: iterating over it gives the names of its columns
    given = given if isinstance(given, Sequence) or hasattr(given, "__array__") else list(given)
    try:
        array = _array(name, given, column)
    except (TypeError, ValueError) as error:
        raise _first_fault(name, given, error) from None
    shape = _shape(array)
    if len(shape) != 2 or not prod(shape):
        single = "; rows of a single number are [[1], [2]], of an array X.reshape(-1, 1)" if len(shape) == 1 else ""
        raise ShapeError(f"{name} is a list of {ROWS[name]}; got the shape {shape}{single}")
    bad = _not_finite(array)
    if bad:
        i, j = bad[0]
        more = f", and {len(bad) - 1} more" if len(bad) > 1 else ""
        raise ArgumentError(
            f"{name} has {array[i][j]} in row {i}, column {j} (counted from 0){more}: "
            "take such rows out, or put a number there"
        )
    return array


def _array(name: str, given: Any, column: bool) -> Array:
    """Raises TypeError or ValueError for what is no array of numbers."""
    try:
        import numpy as np
    except ImportError:
        rows = [[row] if column and not isinstance(row, Sequence) else row for row in given]
        if len(_shape(rows)) != 2:
            return rows
        if len(set(map(len, rows))) > 1:
            raise ShapeError("rows of several lengths") from None
        return [[float(n) if isinstance(n, bool) else as_float(n) for n in row] for row in rows]
    array: Array = np.asarray(given)
    array = array.reshape(-1, 1) if column and array.ndim == 1 else array
    if array.dtype.kind == "O":  # Fraction, Decimal, or nothing that is a number
        array = np.array([[as_float(number) for number in row] for row in array])
    if array.dtype.kind not in "fiub":
        raise NumberError(f"{name} holds {array.dtype.name}")
    return array if array.dtype.kind == "f" else array.astype(float)


def _shape(array: Any) -> tuple[int, ...]:
    """The shape of an array, or of nested lists as their first entries have it."""
    shape = getattr(array, "shape", (len(array),))
    while len(shape) < 4 and isinstance(array, Sequence) and array and isinstance(array[0], list | tuple):
        array = array[0]
        shape = (*shape, len(array))
    return shape


def _not_finite(array: Array) -> list[list[int]]:
    """Row and column of each number that is none."""
    if hasattr(array, "shape"):
        import numpy as np

        places: list[list[int]] = np.argwhere(~np.isfinite(array)).tolist()
        return places
    return [[i, j] for i, row in enumerate(array) for j, number in enumerate(row) if not isfinite(number)]


def floats(row: Any) -> list[float]:
    """A row of a matrix as Python's own numbers."""
    numbers: list[float] = row.tolist() if hasattr(row, "tolist") else row
    return numbers


def _first_fault(name: str, given: Any, error: Exception) -> MicrogradError:
    """The error for what is no matrix of numbers: the first row of another length, or the first thing that is none."""
    lists = [row.tolist() if hasattr(row, "tolist") else row for row in given]
    rows = [row if isinstance(row, Sequence) and not isinstance(row, str) else [row] for row in lists]
    widths = [len(row) for row in rows]
    for i, width in enumerate(widths):
        if width != widths[0]:
            return ShapeError(
                f"{name} is ragged: row {i} (counted from 0) has {counted(width, 'number')}, row 0 has {widths[0]}"
            )
    legal = "no number" if name == "X" else "no number; classes are numbered 0, 1, 2, …"
    for i, row in enumerate(rows):
        for j, thing in enumerate(row):
            try:
                as_float(thing)
            except MicrogradError:
                return ArgumentTypeError(f"{name} has {thing!r:.60} in row {i}, column {j} (counted from 0): {legal}")
    return ArgumentTypeError(f"{name} is a list of rows of numbers: {error}")
