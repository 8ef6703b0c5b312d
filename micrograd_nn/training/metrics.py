"""Metrics: how well a network does, beside its loss.

A metric that runs during training is a graph like a loss, one number per row and the mean over the rows, so both
engines compute the same one. A tie between two outputs is no decision, and counts as wrong. A new one is a row in
METRICS.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from ..engine.ops import absolute, greater
from ..engine.value import Value, as_value
from ..errors import ArgumentError, ArgumentTypeError, ShapeError, counted, known
from ..nn.functional import maxout, total
from ..nn.losses import LOSSES, Loss, as_label

Score = Callable[..., Value]  # of (outputs, target): a loss or a metric
APART = 1e30  # taken off the right output when the largest of the others is looked for


def correct(outputs: Any, target: Any, boundary: float = 0.5) -> Value:
    """1 if one row is decided rightly, else 0.

    Of several outputs the one with target 1 must be the largest. A single output says yes above the boundary.

    >>> correct([0.2, 3.0, 1.0], [0, 1, 0]).data, correct(0.4, 1).data
    (1.0, 0.0)
    """
    if isinstance(outputs, Sequence) and len(outputs) == 1:
        (outputs,) = outputs
    if not isinstance(outputs, Sequence):
        decided: Value = 1.0 - absolute(greater(as_value(outputs), boundary) - greater(as_value(target), boundary))
        return decided
    rows = [(as_value(z), as_value(y)) for z, y in zip(outputs, target, strict=True)]
    right: Value = greater(total(y * z for z, y in rows), maxout(z - APART * y for z, y in rows))
    return right


METRICS: dict[str, Callable[[Loss], Score]] = {  # what is better where it is larger; losses are metrics besides
    "accuracy": lambda loss: partial(correct, boundary=loss.boundary),
}


def named_metrics(choices: Any, loss: Loss) -> list[tuple[str, Score]]:
    """Each metric's name and function; a single one needs no list.

    Raises ArgumentTypeError or UnknownNameError; ArgumentError for two of one name, or for a column's of its own.
    """
    if isinstance(choices, str) or callable(choices):
        choices = [choices]
    if not isinstance(choices, Iterable):
        raise ArgumentTypeError(f"metrics are a list such as ['accuracy'], got {choices!r:.60}")
    taken: dict[str, Any] = dict.fromkeys(("step", "epoch", "objective", "loss"))
    named = []
    for choice in choices:
        name, score = named_metric(choice, loss)
        if taken.setdefault(name, choice) != choice:
            raise ArgumentError(f"a metric is called like its function, and {name!r} is taken: give it another name")
        named.append((name, score))
    return named


def named_metric(choice: str | Callable[..., Value], loss: Loss) -> tuple[str, Score]:
    """A metric's name and its function of (outputs, target): "accuracy", a loss's name, or a function of yours."""
    if callable(choice):
        return getattr(choice, "__name__", "metric"), choice
    if choice in METRICS:
        return choice, METRICS[choice](loss)
    return choice, LOSSES[known("metric", choice, [*METRICS, *LOSSES])].function


def climbs(column: str, loss: Loss) -> bool:
    """Whether a column of the history is better where it is larger, in a training on this loss.

    A metric of your own is, if its name ends with "accuracy".
    """
    name = column.removeprefix("validation ")
    if name in ("loss", "objective"):
        return loss.climbs
    return LOSSES[name].climbs if name in LOSSES else name in METRICS or name.endswith("accuracy")


def accuracy(predictions: Any, targets: Any, boundary: float = 0.5) -> float:
    """The share of rows that are decided rightly.

    ``predictions`` has a number per row, which says yes above the boundary, or a row of outputs, of which the largest
    decides; ``targets`` has a label per row.

    >>> accuracy([[0.9, 0.1], [0.2, 0.8]], [0, 0])
    0.5
    """
    rows = _rows(predictions)
    labels = _labels(targets, len(rows))
    return sum(_is_right(row, label, boundary) for row, label in zip(rows, labels, strict=True)) / len(rows)


def confusion_matrix(decided: Any, targets: Any, classes: int | None = None) -> list[list[int]]:
    """How often each label (row) was taken for each label (column), from ``decisions`` and the labels themselves.

    >>> confusion_matrix([0, 1, 1], [0, 0, 1])
    [[1, 1], [0, 1]]
    """
    taken, given = list(decided), list(targets)
    count = classes or 1 + max(int(label) for label in [*given, *taken, 0])
    table = [[0] * count for _ in range(count)]
    for label, other in zip(_labels(given, len(taken), count), _labels(taken, len(taken), count), strict=True):
        table[label][other] += 1
    return table


def decisions(predictions: Any, boundary: float = 0.5) -> list[int]:
    """The label that each row of predictions decides for: the largest output, or 1 above the boundary and 0 below.

    Of a tie it is the first, which ``accuracy`` counts as wrong all the same.

    >>> decisions([0.2, 0.8]), decisions([[0.1, 0.7, 0.2]])
    ([0, 1], [1])
    """
    return [
        max(range(len(row)), key=row.__getitem__) if isinstance(row, Sequence) else int(float(row) > boundary)
        for row in _rows(predictions)
    ]


def _rows(predictions: Any) -> list[Any]:
    return list(predictions.tolist() if hasattr(predictions, "tolist") else predictions)


def _is_right(row: Any, label: int, boundary: float) -> bool:
    """What ``correct`` says, on plain numbers and a label."""
    if not isinstance(row, Sequence):
        return (float(row) > boundary) == label
    chosen = row[as_label(label, len(row))]
    return all(chosen > other for k, other in enumerate(row) if k != label)


def _labels(given: Any, count: int, classes: int | None = None) -> list[int]:
    labels = []
    for label in given:
        if isinstance(label, list | tuple) or getattr(label, "shape", None):
            raise ArgumentTypeError(f"a target is a label, got the row {label!r:.60}: decisions(rows) makes labels")
        labels.append(as_label(label, classes))
    if len(labels) != count or not count:
        raise ShapeError(
            f"a decision is held against a label, row by row: got {count} and {counted(len(labels), 'row')}"
        )
    return labels
