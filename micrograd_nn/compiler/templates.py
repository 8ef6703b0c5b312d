"""The rows' numpy templates, taken apart into calls that can write into a given array.

Promise: the template in the table stays the only place where an operation is written for arrays; here it is parsed,
once per row, into ufunc calls, operands before their consumers.
"""

import ast
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..engine.operation import Operation

_OPERATORS: dict[type, str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.USub: "negative",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}


@dataclass(frozen=True)
class Call:
    """``np.function(*arguments)``; an argument is "a", "b", the number of an earlier call, or source as it stands."""

    function: str
    arguments: tuple[str | int, ...]


@cache
def calls(row: Operation) -> tuple[Call, ...]:
    """The calls of a row's numpy template, the last of which gives its value."""
    found: list[Call] = []
    outcome = _take_apart(ast.parse(row.numpy.format(a="a", b="b"), mode="eval").body, found, {})
    if not isinstance(outcome, int):
        found.append(Call("positive", (outcome,)))
    return tuple(found)


def ufunc(row: Operation) -> str:
    """The name of the ufunc that the row is, with both operands in order; "" if it is none."""
    only = calls(row)
    return only[0].function if len(only) == 1 and only[0].arguments == ("a", "b") and _is_ufunc(only[0]) else ""


def _is_ufunc(call: Call) -> bool:
    import numpy as np

    return isinstance(getattr(np, call.function), np.ufunc)


def _take_apart(node: Any, found: list[Call], named: dict[str, str | int]) -> str | int:
    """Append the calls of an expression; returns what stands for its value."""
    match node:
        case ast.BinOp(left, op, right):
            function, parts = _OPERATORS[type(op)], [left, right]
        case ast.UnaryOp(op, operand) if not isinstance(operand, ast.Constant):
            function, parts = _OPERATORS[type(op)], [operand]
        case ast.Compare(left, [op], [right]):
            function, parts = _OPERATORS[type(op)], [left, right]
        case ast.Call(ast.Attribute(ast.Name("np"), function), parts):
            pass
        case ast.NamedExpr(ast.Name(name), value):
            named[name] = _take_apart(value, found, named)
            return named[name]
        case ast.Name(name) if name in named:
            return named[name]
        case _:
            return ast.unparse(node)
    found.append(Call(function, tuple(_take_apart(part, found, named) for part in parts)))
    return len(found) - 1
