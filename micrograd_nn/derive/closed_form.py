"""A graph as one sympy expression, for whoever wants to go on from there.

Promise: the expression has the graph's labels as its symbols, and equals the graph and its slopes wherever both are
real. sympy is imported only here, when it is asked for.
"""

import operator
from contextlib import suppress
from functools import cache
from math import isclose
from typing import Any

from ..engine.operation import Operation
from ..engine.value import Value, topological_order
from ..errors import ExtraMissingError, GraphError, counted, printable
from .recorded import check_root, names_of
from .units import slope_in_letters

MOST = 25_000  # operands of what sympy makes, which it sorts again and again: takes about a second
EACH = 5  # operands that a node counts for, however few its own
LONGEST = 20_000  # names and numbers when all is written out, as sympy does to compare two expressions
SAMPLES = ((0.3, 0.7), (0.7, 0.3), (1.7, 2.3))  # where a function is held against a row that it may stand for


def to_sympy(value: Value) -> Any:
    """The closed form of a Value as a sympy expression; unlabelled leaves are numbers.

    Arithmetic is sympy's own, and so are the functions that it has under the row's name; any other row becomes a
    function of that name, whose slope and numbers sympy gets from the row.

    >>> x, w = Value(2.0, "x"), Value(0.5, "w")
    >>> to_sympy((w * x) ** 2 + 1)
    w**2*x**2 + 1
    >>> to_sympy((w * x).sigmoid()).fdiff()
    (1 - sigmoid(w*x))*sigmoid(w*x)

    Raises ExtraMissingError if sympy is not installed, GraphError if the expression is too large for it.
    """
    check_root(value)
    sympy = _sympy()
    names, order = names_of(value), topological_order(value)
    forms, lengths, work = dict[Value, Any](), dict[Value, int](), 0
    for node in order:
        lengths[node] = sum([lengths[operand] for operand in node.operands]) or 1
        if node.operation is None:
            forms[node] = sympy.Symbol(printable(names[node]), real=True) if node.label else _number(node.data)
        else:
            forms[node] = _function(node.operation)(*[forms[operand] for operand in node.operands])
        work += EACH + len(forms[node].args)
        if work > MOST or lengths[node] > LONGEST:
            raise GraphError(
                f"{counted(len(order), 'node')} make a larger expression than sympy can put together in a second: "
                "take a part of the graph, to_sympy(node); explain(L, w) and grad(L, [w]) need no sympy"
            )
    return forms[value]


def _sympy() -> Any:
    try:
        import sympy  # type: ignore[import-untyped]  # sympy brings no types
    except ImportError:
        raise ExtraMissingError("to_sympy needs sympy, which is not installed: python -m pip install sympy") from None
    return sympy


def _number(number: float) -> Any:
    return _sympy().sympify(int(number) if number.is_integer() and abs(number) < 1e15 else number)


@cache
def _function(row: Operation) -> Any:
    """The row on sympy's expressions: sympy's or Python's function of that name, its own formula, or a new function."""
    sympy = _sympy()
    operands = sympy.symbols("a b", real=True)[: row.arity]
    words = row.name, row.sign.capitalize()  # log, and Max
    named: list[Any] = [getattr(module, word, None) for module in (sympy, operator) for word in words]
    for function in (*named, row.forward):
        with suppress(Exception):  # of whatever kind: it is another function of that name, or asks for a float
            form = sympy.sympify(function(*operands))
            if _means(form, operands, row):
                return sympy.Lambda(operands, form)
    return _made_of(row)


def _means(form: Any, operands: Any, row: Operation) -> bool:
    """Has a formula the row's values and slopes, as far as samples tell?"""
    forms, same = [form, *map(form.diff, operands)], list[bool]()
    for numbers in (sample[: row.arity] for sample in SAMPLES):
        if row.domain.holds(*numbers):
            at, out = dict(zip(operands, numbers, strict=True)), row.forward(*numbers)
            exact = [out, *(partial(*numbers, out) for partial in row.partials)]
            same += [isclose(float(f.subs(at)), right, rel_tol=1e-9) for f, right in zip(forms, exact, strict=True)]
    return bool(same) and all(same)


def _made_of(row: Operation) -> Any:
    """A function that knows its slopes and its numbers from the row."""
    sympy = _sympy()

    def slope(self: Any, argindex: int = 1) -> Any:
        given = dict(zip([*"ab"[: row.arity], "out"], [*self.args, self], strict=True))
        return slope_in_letters(row, argindex - 1).fold(
            lambda leaf: given[leaf.name] if leaf.name else _number(leaf.number),
            lambda operation, *operands: _function(operation)(*operands),
        )

    def number(self: Any, precision: int) -> Any:
        return sympy.Float(row.forward(*[float(argument) for argument in self.args]), precision=precision)

    return type(row.name, (sympy.Function,), {"nargs": row.arity, "fdiff": slope, "_eval_evalf": number})
