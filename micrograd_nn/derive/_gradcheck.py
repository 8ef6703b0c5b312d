"""Slopes held against differences of the function itself, and how the error of a difference depends on its step.

Promise: the reference shares nothing with the rows' partials. The function is called again beside its inputs, so that
a number which slipped out of the graph is seen: that difference is good to about nine digits. Where every operation
can be worked out on complex numbers, the complex step tests the recorded graph as well; in it nothing is subtracted
and no digit lost.
"""

import cmath
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ulp
from typing import Any, NoReturn

from ..engine.value import Value, adjoints, topological_order
from ..errors import ArgumentError, GradcheckError
from ..number import as_float
from .recorded import partial_text

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

    ``inputs`` are numbers or Values, of which only the numbers are used; func returns a Value or several, and is
    called again with each input moved by ±eps (times its size, above 1): choose inputs that lie farther than that from
    corners and from the edge of func's domain. Where the graph can be worked out on complex numbers, its slopes must
    agree with the complex step too. A number taken out of the graph by ``.data`` or ``float`` is found:

    >>> gradcheck(lambda a, b: (a * b).tanh(), [0.5, -1.5])
    True
    >>> gradcheck(lambda a: a * float(a), [2.0], raise_exception=False)
    False

    The names are PyTorch's. Its defaults, atol 1e-5 and rtol 1e-3, let a slope pass that is wrong by 9e-4; float64
    allows these, beside what a difference loses by rounding where func is large.

    Raises GradcheckError if they differ and raise_exception is true; ArgumentError if eps is not above 0.
    """
    if not eps > 0:
        raise ArgumentError(f"eps is the step of the difference, above 0, got {eps}")
    numbers = [_number(x) for x in inputs]
    leaves = [Value(number, f"x{i}") for i, number in enumerate(numbers, start=1)]
    outputs = _outputs(func(*leaves))
    slopes = [adjoints(output) for output in outputs]
    for i, leaf in enumerate(leaves):
        for k, (difference, lost) in enumerate(_differences(func, numbers, i, eps)):
            ours, partial = slopes[k].get(leaf, 0.0), partial_text(outputs[k].label or f"output{k + 1}", leaf.label)
            exact = "the graph's complex step", complex_step(outputs[k], leaf), 0.0
            for what, theirs, rounding in (("the function's difference", difference, lost), exact):
                if theirs is None or abs(ours - theirs) <= atol + rtol * abs(theirs) + rounding:
                    continue
                if raise_exception:
                    raise GradcheckError(f"{partial}: the graph's slope is {ours}, {what} {theirs}")
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
        values[node] = complex(node.data, TINY_STEP if node is leaf and node.operation is None else 0.0)
        operands = [_Analytic(values[operand]) for operand in node.operands]
        if node.operation is not None and any(z.imag for z in operands):
            # Python's own function of that name, or the row itself: comparing complex numbers is a TypeError, and here
            # abs too, so a row with a corner refuses them by itself.
            function = getattr(cmath, node.operation.name, node.operation.forward)
            try:
                values[node] = complex(function(*operands))
            except (TypeError, ArithmeticError, ValueError):
                return None
    return values[root].imag / TINY_STEP


class _Analytic(complex):
    def __abs__(self) -> NoReturn:
        raise TypeError("the absolute value of a complex number has no slope")


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
        above = _shifted(func, numbers, index, h)[0]
        central = (above - _shifted(func, numbers, index, -h)[0]) / (2.0 * h)
        forward = (above - output.data) / h
        imaginary = None if exact is None else abs(exact - slope) / scale
        errors.append(StepError(h, abs(forward - slope) / scale, abs(central - slope) / scale, imaginary))
    return errors


def _number(x: Any) -> float:
    return x.data if isinstance(x, Value) else as_float(x)


def _outputs(result: Any) -> list[Value]:
    outputs = list(result) if isinstance(result, list | tuple) else [result]
    return [output if isinstance(output, Value) else Value(output) for output in outputs]


def _differences(func: Callable[..., Any], numbers: list[float], i: int, eps: float) -> list[tuple[float, float]]:
    """The central difference of each output in input i, and how much of it the outputs' last digits can make."""
    step = eps * max(1.0, abs(numbers[i]))
    pairs = zip(_shifted(func, numbers, i, step), _shifted(func, numbers, i, -step), strict=True)
    return [((above - below) / (2.0 * step), (ulp(above) + ulp(below)) / step) for above, below in pairs]


def _shifted(func: Callable[..., Any], numbers: list[float], i: int, by: float) -> list[float]:
    moved = [Value(number + by * (j == i)) for j, number in enumerate(numbers)]
    return [output.data for output in _outputs(func(*moved))]
