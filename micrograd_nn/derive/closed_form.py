"""A graph as one sympy expression, for whoever wants to go on from there.

Promise: the expression has the graph's labels as its symbols and equals the graph wherever both are real. sympy is
imported only here, when it is asked for.
"""

from functools import cache
from typing import Any

from ..engine import ops
from ..engine.operation import Operation
from ..engine.value import Value, topological_order
from ..errors import ExtraMissingError
from .names import names_of
from .recorded import check_root


def to_sympy(value: Value) -> Any:
    """The closed form of a Value as a sympy expression; unlabelled leaves are numbers.

    >>> x, w = Value(2.0, "x"), Value(0.5, "w")
    >>> to_sympy((w * x) ** 2 + 1)
    w**2*x**2 + 1

    Raises ExtraMissingError if sympy is not installed.
    """
    check_root(value)
    sympy = _sympy()
    names = names_of(value)
    forms: dict[Value, Any] = {}
    for node in topological_order(value):
        if node.operation is None:
            forms[node] = sympy.Symbol(names[node], real=True) if node.label else _number(node.data)
        else:
            forms[node] = _function(node.operation)(*[forms[operand] for operand in node.operands])
    return forms[value]


def _sympy() -> Any:
    try:
        import sympy  # type: ignore[import-untyped]  # sympy brings no types
    except ImportError:
        raise ExtraMissingError("to_sympy needs sympy, which is not installed: python -m pip install sympy") from None
    return sympy


def _number(number: float) -> Any:
    sympy = _sympy()
    return sympy.Integer(int(number)) if number.is_integer() and abs(number) < 1e15 else sympy.Float(number)


def _function(row: Operation) -> Any:
    """sympy's word for a row; a row of the user becomes a function that knows its slopes from the row."""
    words = _words()
    return words[row] if row in words else _named(row)


@cache
def _words() -> dict[Operation, Any]:
    sp = _sympy()
    # A translation, not a second table: sympy brings these functions with their own derivatives.
    return {
        ops.add: lambda a, b: a + b,
        ops.sub: lambda a, b: a - b,
        ops.mul: lambda a, b: a * b,
        ops.multiply_no_nan: lambda a, b: a * b,
        ops.div: lambda a, b: a / b,
        ops.neg: lambda a: -a,
        ops.power: lambda a, b: a**b,
        ops.absolute: sp.Abs,
        ops.exp: sp.exp,
        ops.log: sp.log,
        ops.sqrt: sp.sqrt,
        ops.sin: sp.sin,
        ops.cos: sp.cos,
        ops.tanh: sp.tanh,
        ops.sigmoid: lambda a: 1 / (1 + sp.exp(-a)),
        ops.softplus: lambda a: sp.log(1 + sp.exp(a)),
        ops.logaddexp: lambda a, b: sp.log(sp.exp(a) + sp.exp(b)),
        ops.maximum: sp.Max,
        ops.minimum: sp.Min,
        ops.relu: lambda a: sp.Max(a, 0),
        ops.greater: lambda a, b: sp.Heaviside(a - b, 0),
        ops.step: lambda a: sp.Heaviside(a, 1),
        ops.leaky_relu: lambda a, b: sp.Piecewise((a, a > 0), (b * a, True)),
        ops.elu: lambda a, b: sp.Piecewise((a, a > 0), (b * (sp.exp(a) - 1), True)),
    }


@cache
def _named(row: Operation) -> Any:
    sympy = _sympy()

    def slope(self: Any, argindex: int = 1) -> Any:
        return row.textbook[argindex - 1](*self.args, self)

    def number(self: Any, precision: int) -> Any:
        return sympy.Float(row.forward(*[float(argument) for argument in self.args]), precision=precision)

    return type(row.name, (sympy.Function,), {"nargs": row.arity, "fdiff": slope, "_eval_evalf": number})
