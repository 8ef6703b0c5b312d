"""Slopes held against differences of the function itself, and how the error of a difference depends on its step.

Promise: the reference shares nothing with the rows' partials. Where every operation can be worked out on complex
numbers, the complex step is used, in which nothing is subtracted and no digit lost; elsewhere the central difference,
which is good to about nine digits: a test of a rule to the last digit needs more than that.
"""

import cmath
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ArgumentError, GradcheckError
from ..operation import Operation, as_float
from ..value import Value, adjoints, topological_order
from .names import partial_text

TINY_STEP = 1e-30  # of a complex step: its square is lost beside 1


def gradcheck(
    func: Callable[..., Any],
    inputs: Sequence[Any],
    eps: float = 1e-6,
    atol: float = 1e-7,
    rtol: float = 1e-5,
    raise_exception: bool = True,
) -> bool:
    """Compare the slopes of func's graph with differences of func. Returns whether all agree.

    ``inputs`` are numbers or Values, of which only the numbers are used; func returns a Value or several. The names
    are PyTorch's. Its defaults, atol 1e-5 and rtol 1e-3, let a slope pass that is wrong by 9e-4; float64 allows these.

    >>> gradcheck(lambda a, b: (a * b).tanh(), [0.5, -1.5])
    True

    Raises GradcheckError if they differ and raise_exception is true; ArgumentError if eps is not above 0.
    """
    if not eps > 0:
        raise ArgumentError(f"eps is the step of the difference, above 0, got {eps}")
    numbers = [_number(x) for x in inputs]
    leaves = [Value(number, f"x{i}") for i, number in enumerate(numbers, start=1)]
    for k, output in enumerate(_outputs(func(*leaves))):
        slopes = adjoints(output)
        for i, leaf in enumerate(leaves):
            ours, theirs = slopes.get(leaf, 0.0), complex_step(output, leaf)
            if theirs is None:
                theirs = _central(func, numbers, i, k, eps)
            if not abs(ours - theirs) <= atol + rtol * abs(theirs):
                if raise_exception:
                    partial = partial_text(output.label or f"output{k + 1}", leaf.label)
                    raise GradcheckError(f"{partial}: the graph's slope is {ours}, the function's difference {theirs}")
                return False
    return True


def complex_step(root: Value, leaf: Value) -> float | None:
    """∂root/∂leaf as Im root(leaf + ih)/h (Squire and Trapp, 1998); None if an operation can't take complex numbers.

    >>> x = Value(2.0)
    >>> complex_step(x * x * x, x)
    12.0
    """
    values: dict[Value, complex] = {}
    for node in topological_order(root):
        if node.operation is None:
            values[node] = complex(node.data, TINY_STEP if node is leaf else 0.0)
            continue
        operands = [values[operand] for operand in node.operands]
        number = _on_complex(node.operation, operands) if any(z.imag for z in operands) else complex(node.data)
        if number is None:
            return None
        values[node] = number
    return values[root].imag / TINY_STEP


def _on_complex(row: Operation, operands: list[complex]) -> complex | None:
    # Python's own function of that name, or the row itself: comparing complex numbers is a TypeError, so a row with a
    # corner refuses them by itself.
    function = getattr(cmath, row.name, row.forward)
    try:
        return complex(function(*operands))
    except (TypeError, ArithmeticError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class StepError:
    """How far off a difference with that step is, relative to the slope."""

    step: float
    forward: float  # (f(x + h) - f(x)) / h
    central: float  # (f(x + h) - f(x - h)) / 2h
    complex: float | None  # Im f(x + ih) / h; None where an operation can't take complex numbers


def step_errors(func: Callable[..., Any], inputs: Sequence[Any], index: int = 0) -> list[StepError]:
    """The errors of differences in one input for the steps 1, 1/10, … 1e-16: the data of the well-known picture.

    Too large a step bends away from the tangent, too small a step subtracts equal numbers.

    >>> errors = step_errors(lambda x: x * x * x, [1.0])
    >>> min(errors, key=lambda e: e.central).step in (1e-5, 1e-6, 1e-4)
    True
    """
    numbers = [_number(x) for x in inputs]
    leaves = [Value(number) for number in numbers]
    output = _outputs(func(*leaves))[0]
    slope = adjoints(output).get(leaves[index], 0.0)
    exact = complex_step(output, leaves[index])
    scale = abs(slope) or 1.0
    errors = []
    for power in range(17):
        h = 10.0**-power
        above = _shifted(func, numbers, index, 0, h)
        central = (above - _shifted(func, numbers, index, 0, -h)) / (2.0 * h)
        forward = (above - output.data) / h
        imaginary = None if exact is None else abs(exact - slope) / scale
        errors.append(StepError(h, abs(forward - slope) / scale, abs(central - slope) / scale, imaginary))
    return errors


def _number(x: Any) -> float:
    return x.data if isinstance(x, Value) else as_float(x)


def _outputs(result: Any) -> list[Value]:
    outputs = list(result) if isinstance(result, list | tuple) else [result]
    return [output if isinstance(output, Value) else Value(output) for output in outputs]


def _central(func: Callable[..., Any], numbers: list[float], i: int, k: int, eps: float) -> float:
    step = eps * max(1.0, abs(numbers[i]))
    return (_shifted(func, numbers, i, k, step) - _shifted(func, numbers, i, k, -step)) / (2.0 * step)


def _shifted(func: Callable[..., Any], numbers: list[float], i: int, k: int, by: float) -> float:
    return _outputs(func(*[Value(number + by * (j == i)) for j, number in enumerate(numbers)]))[k].data
