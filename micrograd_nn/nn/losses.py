"""Losses: what a network is trained to make small, and the one that is climbed instead.

A loss is a Value made of the table's operations, so it can be stepped, derived, drawn and compiled. Predictions come
first, as in PyTorch; both sides may be numbers or Values, one or a list of them. No logarithm in them runs to infinity,
and no exponential overflows (tests/test_losses.py tries every loss of the table at the ends of the floats).

A new loss is a function here and its row in LOSSES, at the end.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..engine.ops import absolute, clamped_log, clamped_log1m, relu, softplus
from ..engine.value import Constant, Value, as_value
from ..errors import ArgumentError, ArgumentTypeError, ShapeError, known
from .functional import log_softmax, logsumexp, mean, surprise, total

_sum: Callable[[Iterable[Value]], Value] = total
_mean: Callable[[Iterable[Value]], Value] = mean

# ---- distances ----


def squared_error(predictions: Any, targets: Any) -> Value:
    """½ Σ (target - prediction)², the cost of one sample with its ½.

    >>> squared_error(0.77, 0).data
    0.29645
    """
    return 0.5 * _sum(_squares(predictions, targets))


def mse(predictions: Any, targets: Any) -> Value:
    """The mean of (target - prediction)² over all pairs.

    >>> mse([0, 0, 0, 0], [1, 0, 0, 1]).data
    0.5
    """
    return _mean(_squares(predictions, targets))


def absolute_error(predictions: Any, targets: Any) -> Value:
    """Σ |target - prediction|; its slope jumps where they meet.

    >>> absolute_error([1, 5, 3, 6], [2, 3, 5, 9]).data
    8.0
    """
    return _sum([absolute(target - prediction) for prediction, target in pairs(predictions, targets)])


def signed_error(predictions: Any, targets: Any) -> Value:
    """Σ (target - prediction): no cost, because errors of opposite sign cancel. It is here to show that.

    >>> signed_error([1, 5, 3, 6], [2, 3, 5, 9]).data, signed_error([0, 2], [1, 1]).data
    (4.0, 0.0)
    """
    return _sum([target - prediction for prediction, target in pairs(predictions, targets)])


def performance(outputs: Any, wanted: Any) -> Value:
    """-½‖wanted - outputs‖²: 0 at best, climbed with ``maximize=True``; the same step as descending squared_error.

    >>> performance([1.0, 0.0], [0.0, 0.0]).data
    -0.5
    """
    return -squared_error(outputs, wanted)


# ---- decisions ----


def binary_cross_entropy(predictions: Any, targets: Any) -> Value:
    """The mean of -(y·ln p + (1 - y)·ln(1 - p)) over probabilities p and targets y from 0 to 1.

    A logarithm stops at -100, as PyTorch's does, and its slope goes on as that of ln. Only a p that has been rounded to
    0 or 1 has none left: train on ``binary_cross_entropy_with_logits``.

    >>> round(binary_cross_entropy(0.5, 1).data, 6)
    0.693147
    """
    return _mean([-(y * clamped_log(p) + (1.0 - y) * clamped_log1m(p)) for p, y in pairs(predictions, targets)])


def binary_cross_entropy_with_logits(logits: Any, targets: Any) -> Value:
    """Binary cross-entropy of sigmoid(z), from the sums z themselves: right to the last digits however large z is.

    Written as y·softplus(-z) + (1 - y)·softplus(z): of the shorter softplus(z) - y·z nothing is left at z = 40, y = 1.

    >>> binary_cross_entropy_with_logits(40.0, 1).data
    4.248354255291589e-18
    """
    return _mean([y * softplus(-z) + (1.0 - y) * softplus(z) for z, y in pairs(logits, targets)])


def categorical_cross_entropy(shares: Any, one_hot: Any) -> Value:
    """-Σ target·ln(share), over the outputs of a softmax and a one-hot target. One sample.

    >>> round(categorical_cross_entropy([0.25, 0.75], [0, 1]).data, 6)
    0.287682
    """
    return -_sum([target * clamped_log(share) for share, target in pairs(_of_classes(shares), one_hot)])


def softmax_cross_entropy(logits: Sequence[Any], target: Any) -> Value:
    """-ln softmax(z)[label]: one sample, from its sums z, right to the last digits however large z is.

    The target is a label, a whole number from 0 up, or a row of shares that add up to 1, such as a one-hot row: then
    it is -Σ target·ln softmax(z). Of logsumexp(z) - z[label] nothing would be left at z = [0, 40], label 1: written is
    ln(1 + Σ exp(zj - z[label])) over the others, and ln Σ exp(zj - Σ target·z) where the targets are Values.

    >>> softmax_cross_entropy([0.0, 40.0], 1).data
    4.248354255291589e-18

    Raises ArgumentError if there is no such label, ShapeError for a sum that stands alone.
    """
    sums = _of_classes(logits)
    if not _is_row(target):
        return as_value(surprise(sums, as_label(target, len(sums))))
    row = [y for _, y in pairs(sums, target)]
    if not all(isinstance(y, Constant) for y in row):
        wanted = _sum([y * z for y, z in zip(row, sums, strict=True)])
        return as_value(logsumexp([z - wanted for z in sums]))
    hot = [k for k, y in enumerate(row) if y.data]
    if len(hot) == 1:
        return as_value(row[hot[0]] * surprise(sums, hot[0]))
    return -_sum([y * share for y, share in zip(row, log_softmax(sums), strict=True)])


def hinge(scores: Any, targets: Any) -> Value:
    """The mean of max(0, 1 - y·s) over scores s and targets y, which are -1 or +1 (a support vector machine's).

    >>> hinge([0.5, 2.0], [1, 1]).data
    0.25
    """
    return _mean([relu(1.0 - y * s) for s, y in pairs(scores, targets)])


# ---- regularisation: terms that hold the parameters small ----


def l1(parameters: Iterable[Value], strength: float) -> Value:
    """strength·Σ|w|, to be added to a loss; it drives weights to 0.

    >>> l1([Value(-2.0), Value(1.0)], 0.5).data
    1.5
    """
    return strength * _sum([absolute(w) for w in parameters])


def l2(parameters: Iterable[Value], strength: float) -> Value:
    """strength·Σw², to be added to a loss; plain SGD then moves as with weight_decay = 2·strength.

    >>> l2([Value(-2.0), Value(1.0)], 0.5).data
    2.5
    """
    return strength * _sum([w * w for w in parameters])


# ---- both sides as Values ----


def pairs(predictions: Any, targets: Any) -> list[tuple[Value, Value]]:
    """Each prediction beside its target, as Values; a number that stands alone is a list of one.

    Raises ShapeError if there are not as many of the one as of the other, or none.
    """
    ours, theirs = _as_list(predictions), _as_list(targets)
    if len(ours) != len(theirs) or not ours:
        raise ShapeError(f"a loss compares as many targets as predictions: got {len(theirs)} and {len(ours)}")
    return list(zip(map(as_value, ours), map(as_value, theirs), strict=True))


def as_label(given: Any, classes: int | None) -> int:
    """given as a whole number from 0 to classes - 1 (None: from 0 up). Raises ArgumentTypeError or ArgumentError."""
    legal = f"a label is a whole number from 0 {'up' if classes is None else f'to {classes - 1}'}"
    try:
        label = int(given)
    except (TypeError, ValueError, OverflowError):
        label = None
    if isinstance(given, bool | Value) or label is None or label != given:
        raise ArgumentTypeError(f"{legal}, got {given!r}")
    if label < 0 or (classes is not None and label >= classes):
        raise ArgumentError(f"{legal}, got {label}")
    return label


def _of_classes(outputs: Any) -> list[Value]:
    """A row of outputs, one per class, as Values. Raises ShapeError for an output that stands alone."""
    if not _is_row(outputs):
        raise ShapeError(
            f"this loss compares the outputs of several classes, got the single {outputs!r:.60}: that goes with "
            "binary_cross_entropy_with_logits, or after a sigmoid with binary_cross_entropy"
        )
    return [as_value(output) for output in outputs]


def _squares(predictions: Any, targets: Any) -> list[Value]:
    return [(target - prediction) ** 2 for prediction, target in pairs(predictions, targets)]


def _as_list(given: Any) -> list[Any]:
    return list(given) if _is_row(given) else [given]


def _is_row(given: Any) -> bool:
    return isinstance(given, Sequence | Iterator) or bool(getattr(given, "shape", ()))


# ---- the losses by name ----

TARGETS: dict[str, Callable[[float], bool]] = {  # what a target may be, in words and as a test
    "any number": lambda target: True,
    "0 to 1": lambda target: 0 <= target <= 1,
    "-1 or 1": lambda target: target in (-1, 1),
}


@dataclass(frozen=True)
class Loss:
    """A loss that training knows by the name of its function."""

    function: Callable[..., Value] = field(repr=False)
    targets: str = "any number"  # a key of TARGETS
    boundary: float = 0.5  # a single output above it says yes
    outputs: int = 1  # it compares at least so many
    climbs: bool = False  # it is made large, by an optimiser that maximises

    def allows(self, target: float) -> bool:
        """Whether a target may be this number."""
        return TARGETS[self.targets](target)


LOSSES: dict[str, Loss] = {
    loss.function.__name__: loss
    for loss in (
        Loss(squared_error),
        Loss(mse),
        Loss(absolute_error),
        Loss(signed_error),
        Loss(performance, climbs=True),
        Loss(binary_cross_entropy, "0 to 1"),
        Loss(binary_cross_entropy_with_logits, "0 to 1", boundary=0.0),
        Loss(categorical_cross_entropy, "0 to 1", outputs=2),
        Loss(softmax_cross_entropy, "0 to 1", outputs=2),
        Loss(hinge, "-1 or 1", boundary=0.0),
    )
}


def named_loss(choice: str | Callable[..., Value]) -> Loss:
    """The loss of that name, or a function of (predictions, targets) as one. Raises UnknownNameError."""
    if callable(choice):
        return next((loss for loss in LOSSES.values() if loss.function is choice), Loss(choice))
    return LOSSES[known("loss", choice, LOSSES)]
