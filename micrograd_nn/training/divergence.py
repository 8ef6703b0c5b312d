"""Which step turned nan or infinite, and where in its graph: the search after a training broke."""

from collections.abc import Callable, Sequence
from typing import Any

from ..engine.modes import detect_anomaly
from ..errors import DivergedError, MicrogradError
from .task import Task

AT_ONCE = 64  # steps taken again between two looks at the parameters, when the one that broke them is searched


def diverged(training: Any) -> DivergedError:
    """Back to the last step with finite parameters; the error names the one that came next and its first bad node.

    A loss may be finite and its slope not (√0); then the step itself breaks the parameters, and the loss is nan one
    step later. So the steps since the last safe point are taken again, the last of them one by one.
    """
    training.store()
    if not training.is_sound():
        training.restore(training.safe)
        count = AT_ONCE
        while count and training.step < training.until:
            count = count if _take_sound(training, count) else count // AT_ONCE
    history = training.history
    epoch, batch = divmod(history.step, history.per_epoch)
    fault = _first_fault(training.task, training.rows(epoch, batch), training.engine.is_bad)
    error = DivergedError(
        f"training stopped before step {history.step + 1} (epoch {epoch + 1}), which turns nan or infinite: {fault}. "
        "The parameters are those of the last good step"
    )
    error.history = history
    return error


def _take_sound(training: Any, count: int) -> bool:
    """Take up to so many steps again. False if one of them breaks; then no parameter has moved, or only by the good."""
    before, per_epoch = training.snapshot(), training.history.per_epoch
    whole = training.advance(min(count, per_epoch - training.step % per_epoch))
    training.store()
    if not training.is_sound():
        training.restore(before)
        return False
    return bool(whole)


def _first_fault(task: Task, rows: Sequence[int], is_bad: Callable[[int], bool]) -> str:
    """Which of the rows gives nan or inf, and at which operation, in words."""
    for i in rows:
        if not is_bad(i):
            continue
        try:
            with detect_anomaly():
                task.record(i)[0].backward()
        except MicrogradError as fault:
            return f"row {i}: {fault}"
    return "no single row does it: the sum over the batch, or the step itself, is too large (is lr too large?)"
