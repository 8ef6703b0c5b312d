"""sympy and mpmath as judges: are the derivations on paper right?

Each part is compared with what is said of it for sympy, each factor with sympy's derivative of that, and each whole
derivative with mpmath's, which differentiates the loss by differences in 40 digits and knows no rule at all.
"""

from functools import cache
from typing import Any

import mpmath
import numpy as np
import sympy

from .generator import Derivation, Slot
from .network import ROOT, Network

WORDS: dict[str, Any] = {
    "S": lambda z: 1 / (1 + sympy.exp(-z)),
    "T": lambda z: (sympy.exp(z) - sympy.exp(-z)) / (sympy.exp(z) + sympy.exp(-z)),
    "R": lambda z: sympy.Piecewise((z, z > 0), (0, True)),
    **{word: getattr(sympy, word) for word in ("exp", "log", "sqrt", "sin", "cos", "Piecewise", "Rational")},
}


@cache
def parts(network: Network) -> dict[str, Any]:
    """Each named part in sympy's symbols, in the names directly below it."""
    known = {name: sympy.Symbol(name, real=True) for name in (*network.numbers, *network.trees)}
    return {name: sympy.sympify(text, locals={**WORDS, **known}) for name, text in network.sympy_lines()}


def errors(network: Network) -> list[str]:
    """What does not agree; nothing if all is well."""
    found = []
    points, told = network.points, parts(network)
    if list(told) != list(network.trees):
        found.append(f"{list(told)} are not {list(network.trees)}")
    for target, paths in network.written_chains.items():
        if sorted(paths) != sorted(network.paths(target)):
            found.append(f"the chains of {target} are {network.paths(target)}")
    for part, expression in told.items():
        if not _agree(expression, points, points[part]):
            found.append(f"{part} is {expression} for sympy")
    for child, parent in network.slopes:
        slope = sympy.diff(told[child], sympy.Symbol(parent, real=True))
        if not _agree(slope, points, Derivation(network, network.targets[0]).number(Slot((child, parent)))):
            found.append(f"∂{child}/∂{parent} is {slope} for sympy")
    for target in network.targets:
        mine, theirs = Derivation(network, target).right[0], by_differences(network, target)
        if not np.isclose(mine, theirs, rtol=1e-9, atol=1e-12):
            found.append(f"∂L/∂{target} is {mine} on paper and {theirs} by differences")
    return found


def _agree(expression: Any, points: dict[str, Any], mine: Any) -> bool:
    symbols = sorted(expression.free_symbols, key=str)
    theirs = sympy.lambdify(symbols, expression, "numpy")(*[points[str(symbol)] for symbol in symbols])
    return np.allclose(np.asarray(theirs, dtype=float) + 0.0 * points[ROOT], mine, rtol=1e-9, atol=1e-12)


def by_differences(network: Network, target: str) -> float:
    """∂L/∂target at the recorded point from the loss's values alone."""
    steps = [(part, *_compiled(network, part)) for part in network.trees]

    def loss(moved: Any) -> Any:
        known = {name: mpmath.mpf(number) for name, number in network.numbers.items()} | {target: moved}
        for part, names, work_out in steps:
            known[part] = work_out(*[known[name] for name in names])
        return known[ROOT]

    with mpmath.workdps(40):
        return float(mpmath.diff(loss, mpmath.mpf(network.numbers[target])))


@cache
def _compiled(network: Network, part: str) -> tuple[list[str], Any]:
    expression = parts(network)[part]
    symbols = sorted(expression.free_symbols, key=str)
    return [str(symbol) for symbol in symbols], sympy.lambdify(symbols, expression, "mpmath")
