"""Softmax, recognised in the graph: ∂o2/∂z2 = o2(1 − o2), and ∂o2/∂z1 = −o2·o1.

Promise: what counts is how it was recorded, as exp(zi − m)/(exp(z1 − m) + … + exp(zn − m)) with an m that is held
constant, or without an m; whatever else may look like it is derived step by step. Numbers are the recorded ones.
"""

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import add as plus

from ..engine.ops import add, div, exp, stop_gradient, sub
from ..engine.value import Value
from ..notation._simplify import Tidy, product

LARGEST = 700.0  # up to here exp(z1)/(exp(z1) + …) can be worked out as it is written


def softmax_slopes(
    share: Value, symbols: Mapping[Value, Tidy], names: Mapping[Value, str]
) -> list[tuple[Value, Tidy, float]] | None:
    """(zj, ∂share/∂zj in symbols, and its number) for each zj; None if share is no softmax of unnamed parts."""
    if share.operation is not div or share.right.operation is not add:
        return None
    powers = _powers(share.right)
    inputs = _inputs(powers)
    parts = {share.right, *powers, *(power.left for power in powers)} - {*inputs}
    if share.left not in powers or not parts.isdisjoint(names):
        return None
    shares = {node.left: node for node in names if node.operation is div and node.right is share.right}
    if len(shares) < len(powers) and any(abs(z.data) > LARGEST for z in inputs):
        return None
    whole = reduce(plus, [exp(symbols[z]) for z in inputs])
    slopes = []
    for power, z in zip(powers, inputs, strict=True):
        mine = symbols[share]
        other = symbols[shares[power]] if power in shares else exp(symbols[z]) / whole
        symbol = product([mine, 1.0 - mine] if power is share.left else [Tidy.of(-1.0), mine, other])
        through = (share.dleft if power is share.left else 0.0) + share.dright
        slopes.append((z, symbol, through * power.dleft))
    return slopes


def _powers(whole: Value) -> dict[Value, None]:
    """The powers of e that are added up, in order; none if something else is among them, or one of them twice."""
    powers: dict[Value, None] = {}
    stack = [whole]
    while stack:
        node = stack.pop()
        if node.operation is add:
            stack += [node.right, node.left]
        elif node.operation is exp and node not in powers:
            powers[node] = None
        else:
            return {}
    return powers


def _inputs(powers: Iterable[Value]) -> list[Value]:
    """The z of each exp(z − m), with one m for all that is held constant, or of each exp(z)."""
    exponents: list[Value] = [power.left for power in powers]
    shifts = {node.right for node in exponents if node.operation is sub and node.right.operation is stop_gradient}
    shifted = len(shifts) == 1 and all(node.operation is sub and node.right in shifts for node in exponents)
    return [node.left for node in exponents] if shifted else exponents
