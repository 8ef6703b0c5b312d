"""A graph in named parts, a line for each: w = 0.5, o = sigmoid(w*x), L = (y - o)^2."""

from ..engine.value import Value
from ..errors import ArgumentError
from ._formula import formula


def define(name: str, content: str, names: dict[str, Value]) -> Value:
    """Enter a part under its name, made of what is entered already.

    >>> names = {"w": Value(3.0, "w")}
    >>> define("L", "w^2", names).data, [*names]
    (9.0, ['w', 'L'])

    Raises ArgumentError if the name is taken, or the formula is no more than another name; FormulaError if it is none.
    """
    if name in names:
        raise ArgumentError(f"{name} is defined twice")
    value = formula(content, names)
    if value.label:
        raise ArgumentError(f"{name} would be another name for {value.label}: write the formula itself")
    value.label = name
    names[name] = value
    return value
