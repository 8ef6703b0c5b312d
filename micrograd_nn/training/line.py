"""The best line through points, without descent: what gradient descent on a line is held against."""

from collections.abc import Sequence

from ..errors import ArgumentError, ShapeError
from ..number import as_float


def least_squares(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """The line m·x + b with the least squared error: m = Σ(x - x̄)(y - ȳ) / Σ(x - x̄)², b = ȳ - m·x̄.

    >>> least_squares([0, 1, 2], [1, 3, 5])
    (2.0, 1.0)

    Raises ShapeError if there are not as many x as y or fewer than two, ArgumentError if all x are the same.
    """
    if len(x) != len(y) or len(x) < 2:
        raise ShapeError(f"a line needs as many x as y, and at least two: got {len(x)} and {len(y)}")
    across, up = [as_float(number) for number in x], [as_float(number) for number in y]
    middle, height = sum(across) / len(across), sum(up) / len(up)
    spread = sum((a - middle) ** 2 for a in across)
    if spread == 0:
        raise ArgumentError(f"all x are {across[0]}: no line, or every line, goes through such points")
    slope = sum((a - middle) * (b - height) for a, b in zip(across, up, strict=True)) / spread
    return slope, height - slope * middle
