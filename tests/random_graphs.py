"""Random expression graphs from a seed, for every test that says "whatever the graph", and their like on symbols.

Promise: the same arguments give the same graph on every machine; every row of the table and every operator form of
Python can occur in it, nodes are shared, constants stand on either side; every number and slope in it is finite and
of moderate size; the root depends on every leaf.
"""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from random import Random
from typing import Any

from micrograd_nn import Value
from micrograd_nn.engine import ops
from micrograd_nn.engine.graph import topological_order
from micrograd_nn.engine.operation import Operation

ROWS = tuple(row for row in vars(ops).values() if isinstance(row, Operation))  # what the package brings itself
CONSTANTS = (-3.0, -1.0, -0.5, 0.0, 0.1, 0.5, 1.0, 1.5, 2.0, 3.0)
FORMS = (  # a, b are nodes, c is a constant
    lambda a, b, c: a + b,
    lambda a, b, c: a + c,
    lambda a, b, c: c + a,
    lambda a, b, c: a - b,
    lambda a, b, c: a - c,
    lambda a, b, c: c - a,
    lambda a, b, c: a * b,
    lambda a, b, c: a * c,
    lambda a, b, c: c * a,
    lambda a, b, c: a / b,
    lambda a, b, c: a / c,
    lambda a, b, c: c / a,
    lambda a, b, c: a**b,
    lambda a, b, c: a**c,
    lambda a, b, c: c**a,
    lambda a, b, c: a**2,
    lambda a, b, c: a**-1,
    lambda a, b, c: 2 * a,
    lambda a, b, c: 1 / a,
    lambda a, b, c: -a,
    lambda a, b, c: +a * b,
    lambda a, b, c: abs(a),
    lambda a, b, c: a * a,
)


def random_graph(
    seed: int, n_leaves: int = 3, n_nodes: int = 12, operations: Sequence[Operation] = ROWS, limit: float = 1e3
) -> tuple[Value, list[Value]]:
    """A root and its leaves x1, x2, …; the root depends on each of them.

    n_nodes operations are drawn, then whatever nobody used is added up to the root. Numbers and slopes stay within
    ±limit, operands within their row's domain.
    """
    draw = Random(seed)
    leaves = [Value(draw.uniform(-2.0, 2.0), label=f"x{i}") for i in range(1, n_leaves + 1)]
    pool, unused = list(leaves), dict.fromkeys(leaves)
    while len(pool) < n_leaves + n_nodes:
        node = _node(draw, pool, operations)
        if _moderate(node, limit):
            pool.append(node)
            unused[node] = None
            for operand in node.operands:
                unused.pop(operand, None)
    root, *others = reversed(unused)
    for other in others:
        root = root + other
    return root, leaves


def _node(draw: Random, pool: list[Value], operations: Sequence[Operation]) -> Value:
    a, b = (draw.choice(pool[-4:] if draw.random() < 0.7 else pool) for _ in "ab")
    constant = draw.choice((draw.choice(CONSTANTS), draw.uniform(-3.0, 3.0)))
    if draw.random() < 0.4:
        return draw.choice(FORMS)(a, b, constant)
    row = draw.choice(operations)
    if row.arity == 1:
        return row(a)
    return row(*draw.choice(((a, b), (a, b), (a, a), (a, constant), (constant, a))))


def _moderate(node: Value, limit: float) -> bool:
    if node.operation is None:
        return False
    numbers = [operand.data for operand in node.operands]
    return node.operation.domain.holds(*numbers) and all(
        isfinite(number) and abs(number) <= limit for number in (node.data, *node.partials)
    )


def carried_over(root: Value, given: Mapping[Value, Any], number: Callable[[float], Any] = Value) -> dict[Value, Any]:
    """What each node becomes when the graph's operations act on others in place of some nodes: on Values, on symbols.

    A leaf for which none is given is the ``number`` that it holds.
    """
    made = dict(given)
    for node in topological_order(root):
        if node not in made:
            operands = [made[operand] for operand in node.operands]
            made[node] = node.operation(*operands) if node.operation else number(node.data)
    return made


def at_stop(row: Operation | None, *operands: float) -> bool:
    """Is the logarithm of a loss at its -100, where it is written as ln and is none?"""
    return row is not None and row.name.startswith("clamped_log") and row(*operands) == -100.0
