"""What is switched on while a ``with`` block runs: ``no_grad``, ``enable_grad`` and ``detect_anomaly``."""

from math import isfinite
from typing import Any

from ..blocks import Mode as Mode
from ..blocks import now as now
from ..blocks import open_locks as open_locks
from ..errors import AnomalyError


class no_grad(Mode):
    """Operations compute but record nothing: their results are leaves.

    >>> from micrograd_nn import Value
    >>> w = Value(2.0)
    >>> with no_grad():
    ...     (w * 3).operands
    ()
    """

    recording = False


class enable_grad(Mode):
    """Operations record again, inside a ``no_grad`` block."""

    recording = True


class detect_anomaly(Mode):
    """Operations and sweeps raise AnomalyError where they make nan or inf, and say which one and of what.

    >>> from micrograd_nn import Value, log
    >>> with detect_anomaly():
    ...     log(Value(-1.0, "x"))
    Traceback (most recent call last):
    ...
    micrograd_nn.errors.AnomalyError: log made nan of x = -1.0; it is real where a > 0
    """

    watching = True


def check_forward(data: float, operation: Any, operands: tuple[Any, ...]) -> None:
    """Raise AnomalyError if the operation made nan or inf of finite operands."""
    if not isfinite(data) and all(isfinite(operand._data) for operand in operands):
        real = operation.domain.holds(*[operand.data for operand in operands])
        why = "the result is too large for a float" if real else f"it is real where {operation.domain.text}"
        raise AnomalyError(f"{operation.name} made {data} of {' and '.join(map(_named, operands))}; {why}")


def check_backward(order: list[Any]) -> None:
    """Raise AnomalyError at the first step of a sweep, over nodes in that order, that made nan or inf."""
    for node in reversed(order):
        if not isfinite(node.grad):
            raise AnomalyError(f"backward: the contributions to the gradient of {_named(node)} add up to {node.grad}")
        for operand, slope in zip(node.operands, node.partials, strict=True):
            if not isfinite(node.grad * slope):
                raise AnomalyError(
                    f"backward through {node.operation}: the slope towards {_named(operand)} is {slope}, and times the "
                    f"adjoint {node.grad} of {node.label or 'its result'} that makes {node.grad * slope}"
                )


def _named(node: Any) -> str:
    return f"{node.label or 'an operand'} = {node.data}"
