"""Functions of a recorded graph: ``grad``, ``value_and_grad``, ``hessian``, and ``replay`` at other numbers.

Nothing here changes a ``.data`` or a ``.grad``. With ``create_graph`` the derivative is a graph again, made by the
rows' own partials, and can be stepped, drawn and differentiated like any other.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from math import isnan
from typing import Any, Literal, overload

from ..collector import undisturbed
from ..errors import ArgumentError, ArgumentTypeError, GraphError
from ..number import as_float
from .graph import sweep, topological_order
from .modes import enable_grad
from .operation import FLAT
from .value import Constant, Value, adjoints, as_value


@overload
def grad(y: Value, xs: Iterable[Value], create_graph: Literal[False] = False) -> list[float]: ...
@overload
def grad(y: Value, xs: Iterable[Value], create_graph: Literal[True]) -> list[Value]: ...
def grad(y: Value, xs: Iterable[Value], create_graph: bool = False) -> list[float] | list[Value]:
    """[∂y/∂x for x in xs]: floats, or Values if create_graph is true. It is 0 for an x that y does not depend on.

    >>> x = Value(3.0)
    >>> (slope,) = grad(x**3, [x], create_graph=True)
    >>> slope.data, grad(slope, [x])
    (27.0, [18.0])

    Raises ArgumentTypeError if y is no Value or xs are none; with create_graph GraphError if a ``.data`` has changed.
    """
    xs = _checked(y, xs)
    if not create_graph:
        numbers = adjoints(y)
        return [numbers.get(x, 0.0) for x in xs]
    with enable_grad():
        values = _recorded_adjoints(y, xs)
        return [values[x] if x in values else Value(0.0) for x in xs]


@undisturbed
def _recorded_adjoints(y: Value, xs: list[Value]) -> dict[Value, Value]:
    order = topological_order(y)
    asked = {*xs}  # and the nodes by which y depends on the xs
    for node in order:
        if not asked.isdisjoint(node.operands):
            asked.add(node)

    def edges(node: Value) -> Iterator[tuple[Value, Any]]:
        operands = [operand.data if isinstance(operand, Constant) else operand for operand in node.operands]
        partials = node.operation.partials if node.operation else ()
        for operand, partial, recorded in zip(node.operands, partials, (node.dleft, node.dright), strict=False):
            if operand in asked and (slope := partial(*operands, node)) is not FLAT:
                check_slope(node, operand, recorded, as_value(slope)._data)
                yield operand, slope

    return dict(sweep(order, edges, Value(1.0)))


def check_slope(node: Value, operand: Value, recorded: float, now: float) -> None:
    """Raise GraphError if node's slope towards operand is another now than when the graph was recorded."""
    if now != recorded and not (isnan(now) and isnan(recorded)):
        raise GraphError(
            f"the slope of {node.operation} towards {operand.label or 'an operand'} was {recorded} when the graph was "
            f"recorded and is {now} now: a .data has changed since; record the graph again"
        )


def _checked(y: Value, xs: Iterable[Value]) -> list[Value]:
    if not isinstance(y, Value):
        raise ArgumentTypeError(f"grad takes the derivative of a Value, got the {type(y).__name__} {y!r:.40}")
    asked = list(xs) if isinstance(xs, Iterable) else [xs]
    if isinstance(xs, Value) or not all(isinstance(x, Value) for x in asked):
        raise ArgumentTypeError(f"grad takes a list of the Values that y is derived by, such as [x], got {xs!r:.60}")
    return asked


def value_and_grad(function: Callable[..., Value]) -> Callable[..., tuple[float, list[float]]]:
    """A function of numbers that returns function's value and its slope in each argument.

    >>> value_and_grad(lambda a, b: a * b)(2.0, 5.0)
    (10.0, [5.0, 2.0])
    """

    def value_and_slopes(*numbers: float) -> tuple[float, list[float]]:
        inputs = [Value(number) for number in numbers]
        with enable_grad():
            out = as_value(function(*inputs))  # a constant, perhaps
        return out.data, grad(out, inputs)

    return value_and_slopes


def hessian(y: Value, xs: Iterable[Value]) -> list[list[float]]:
    """The second partials ∂²y/∂x∂x', a row per x. Raises what ``grad`` raises.

    >>> a, b = Value(2.0), Value(5.0)
    >>> hessian(a * a * b, [a, b])
    [[10.0, 4.0], [4.0, 0.0]]
    """
    asked = _checked(y, xs)
    return [grad(slope, asked) for slope in grad(y, asked, create_graph=True)]


def replay(root: Value, numbers: Mapping[Value, float]) -> dict[Value, float]:
    """The number of every node below root, operands first, as if its leaves had held ``numbers``.

    A leaf that is left out keeps its own ``.data``; one that root does not depend on changes nothing.

    >>> x = Value(3.0)
    >>> y = x * x + 1
    >>> replay(y, {x: 5.0})[y], y.data
    (26.0, 10.0)

    Raises ArgumentError for a node that an operation made, NumberError for what is no real number.
    """
    for leaf in numbers:
        if not isinstance(leaf, Value):
            raise ArgumentTypeError(f"replay takes leaves with their new numbers, such as {{x: 5.0}}, got {leaf!r:.40}")
        if leaf.operation is not None:
            raise ArgumentError(f"replay gives new numbers to leaves only, and {leaf!r} was made by {leaf.operation}")
    return work_out(root, {leaf: as_float(number) for leaf, number in numbers.items()})


def work_out(root: Value, given: Mapping[Value, float]) -> dict[Value, float]:
    """The number of every node below root, operands first; a node in ``given``, leaf or not, holds what is given."""
    result: dict[Value, float] = {}
    for node in topological_order(root):
        operands = [result[operand] for operand in node.operands]
        result[node] = given.get(node, node.operation.forward(*operands) if node.operation else node.data)
    return result
