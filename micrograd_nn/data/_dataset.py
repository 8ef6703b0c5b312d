"""What a dataset is, and how it is split and put on a common scale.

Rows stay together with their targets, and the same seed gives the same split on every machine.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from numbers import Integral
from random import Random
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, ArgumentTypeError, NumberError, counted
from ..number import as_float
from .matrix import matrix

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows of features beside their targets; it unpacks as ``X, y = dataset``.

    X is an array of shape (rows, features). y has one entry per row: a label, a whole number from 0 up, where there
    are ``classes``; otherwise a number. Where NumPy is not installed both are lists.

    >>> points = Dataset("points", [[0.0], [1.0]], [0, 1], classes=("low", "high"))
    >>> points, points.X[1]
    (<dataset points: 2 rows of 1 feature, 2 classes>, [1.0])
    """

    name: str
    X: "np.ndarray[Any, Any]"
    y: "np.ndarray[Any, Any]"
    features: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()  # what the labels 0, 1, … mean
    rows: tuple[str, ...] = ()  # what the rows are called, where they have names
    image: tuple[int, int] | None = None  # height and width, where a row is a picture

    def __len__(self) -> int:
        return len(self.X)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.X, self.y))

    def take(self, rows: Sequence[int], name: str | None = None) -> "Dataset":
        """The dataset of these rows, in this order."""
        picked = list(rows)
        named = tuple(self.rows[i] for i in picked) if self.rows else ()
        return replace(self, name=name or self.name, X=_rows(self.X, picked), y=_rows(self.y, picked), rows=named)

    def __repr__(self) -> str:
        kinds = f", {counted(len(self.classes), 'class', 'classes')}" if self.classes else ""
        size = f"{counted(len(self), 'row')} of {counted(len(self.X[0]), 'feature')}"
        return f"<dataset {self.name}: {size}{kinds}>"


def split(data: Dataset, *parts: float, seed: int = 0, shuffle: bool = True) -> list[Dataset]:
    """One dataset per part, without a row in common: a share such as 0.8, or a number of rows such as 10_000.

    Rows that the parts leave over are in none of them. ``shuffle=False`` cuts the rows as they stand.

    Raises ArgumentTypeError if a part is no number, ArgumentError if one is empty, negative or nan, or if the parts
    ask for more rows than there are.

    >>> from micrograd_nn.data import moons
    >>> [len(part) for part in split(moons(100), 0.6, 0.2, 0.2)]
    [60, 20, 20]
    """
    asked, most = [_rows_of(part, len(data)) for part in parts], len(data) + 1e-6
    fit = all(0 < rows <= most for rows in asked) and sum(asked) <= most  # nan is not, nor is infinity
    cuts = list(pairwise(map(round, accumulate(asked, initial=0)))) if fit else []
    if not cuts or any(start >= end for start, end in cuts):
        raise ArgumentError(
            f"{data.name} has {counted(len(data), 'row')}, which can't be split into {list(parts)}: give shares "
            "such as 0.8, 0.2 or numbers of rows, each at least one row, together at most all"
        )
    order = list(range(len(data)))
    if shuffle:
        Random(seed).shuffle(order)
    return [data.take(order[start:end]) for start, end in cuts]


def _rows(array: Any, picked: list[int]) -> Any:
    return array[picked] if hasattr(array, "shape") else [array[i] for i in picked]


def _rows_of(part: Any, whole: int) -> float:
    """How many of so many rows a part asks for: a whole number of them, or a share."""
    if isinstance(part, Integral) and not isinstance(part, bool):
        return int(part)
    try:
        return as_float(part) * whole
    except NumberError:
        raise ArgumentTypeError(
            f"a part is a share such as 0.8 or a number of rows such as 10_000, got {part!r:.60}"
        ) from None


@dataclass(frozen=True, eq=False)
class Scale:
    """The mean and standard deviation of each feature, taken from the training rows and used on all others.

    >>> _, scale = standardise([[1.0], [3.0]])
    >>> scale([[5.0]]).tolist(), scale.undo([[3.0]]).tolist()
    ([[3.0]], [[5.0]])
    """

    mean: Any
    deviation: Any

    def __repr__(self) -> str:
        return f"<scale of {counted(len(self.mean), 'feature')}>"

    def __call__(self, X: Any) -> Any:
        """X with each feature at mean 0 and deviation 1 (of the rows that the scale was taken from)."""
        return (X - self.mean) / self.deviation

    def undo(self, Z: Any) -> Any:
        """X back from scale(X)."""
        return Z * self.deviation + self.mean


def standardise(X: Any) -> tuple[Any, Scale]:
    """X with each feature at mean 0 and standard deviation 1, and the scale for further rows.

    A feature that never changes is only shifted to 0. Raises ShapeError if X is not a matrix with rows, and an error
    with row and column for what is no finite number.

    >>> Z, scale = standardise([[1.0, 5.0], [3.0, 5.0]])
    >>> Z.tolist(), scale([[5.0, 5.0]]).tolist()
    ([[-1.0, 0.0], [1.0, 0.0]], [[3.0, 0.0]])
    """
    import numpy as np

    rows = matrix("X", X).astype(float)
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    still = (rows == rows[0]).all(axis=0)  # the mean of 0.1, 0.1, 0.1 is not quite 0.1, and their deviation not 0
    scale = Scale(np.where(still, rows[0], mean), np.where(still | (deviation == 0.0), 1.0, deviation))
    return scale(rows), scale
