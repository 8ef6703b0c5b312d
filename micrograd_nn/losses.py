"""Losses: what a network is trained to make small.

Promise: a loss is a Value made of the table's operations, so it can be stepped, derived, drawn and compiled.
Predictions come first, as in PyTorch; both sides may be numbers or Values, one or a list of them.
"""

from collections.abc import Sequence
from typing import Any

from .errors import ShapeError
from .functional import mean, total
from .value import Value


def squared_error(predictions: Any, targets: Any) -> Value:
    """½ Σ (target - prediction)², the cost of one sample with its ½.

    >>> squared_error(0.77, 0).data
    0.29645
    """
    error: Value = total(_squares(predictions, targets))
    return 0.5 * error


def mse(predictions: Any, targets: Any) -> Value:
    """The mean of (target - prediction)² over all pairs.

    >>> mse([0, 0, 0, 0], [1, 0, 0, 1]).data
    0.5
    """
    error: Value = mean(_squares(predictions, targets))
    return error


def _squares(predictions: Any, targets: Any) -> list[Value]:
    return [(target - prediction) ** 2 for prediction, target in pairs(predictions, targets)]


def pairs(predictions: Any, targets: Any) -> list[tuple[Value, Value]]:
    """Each prediction beside its target, as Values; a number that stands alone is a list of one.

    Raises ShapeError if there are not as many of the one as of the other, or none.
    """
    ours, theirs = _as_list(predictions), _as_list(targets)
    if len(ours) != len(theirs) or not ours:
        raise ShapeError(f"a loss compares as many targets as predictions: got {len(theirs)} and {len(ours)}")
    return list(zip(map(_as_value, ours), map(_as_value, theirs), strict=True))


def _as_list(given: Any) -> Sequence[Any]:
    return given if isinstance(given, Sequence) else list(given) if hasattr(given, "shape") and given.shape else [given]


def _as_value(number: Any) -> Value:
    return number if isinstance(number, Value) else Value(number)
