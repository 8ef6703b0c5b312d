"""What a derivation starts from: a root whose graph is as it was recorded, and what the nodes below it are called.

Promise: after these checks symbols and numbers fit each other, in every node below the root. Two nodes never share a
name: a label that stands more than once is numbered in the order of the graph, as in h1[2] for the h1 of the second
sample.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from itertools import count
from math import isnan
from operator import add as plus
from operator import mul as times
from typing import Any

from ..engine.backprop import check_slope, replay
from ..engine.graph import Add, Edges, S, T
from ..engine.value import Constant, Value
from ..errors import ArgumentTypeError, GraphError, UnknownNameError
from ..notation._formula import labelled
from ..notation.latex import label_latex
from ..notation.text import label_text, number_text


def check_root(root: object) -> None:
    """Raise ArgumentTypeError if root is no Value, and so has no graph below it."""
    if not isinstance(root, Value):
        raise ArgumentTypeError(
            f"a graph is derived from its root, a Value; got the {type(root).__name__} {root!r:.40}, which does not "
            "know how it was made (grad returns floats, and Values with create_graph=True)"
        )


def check_unchanged(root: Value) -> None:
    """Raise GraphError if a node no longer holds what its operands make, or a slope is no longer the recorded one.

    Raises ArgumentTypeError if root is no Value.
    """
    check_root(root)
    for node, number in replay(root, {}).items():
        if number != node.data and not (isnan(number) and isnan(node.data)):
            raise GraphError(
                f"{node.label or node.operation} holds {node.data}, and its operands make {number} now: a .data has "
                "changed since the graph was recorded; record it again"
            )
        if node.operation is not None:  # 0·w is 0 whatever w is, and its slope is not
            operands = [operand.data for operand in node.operands]
            for operand, partial, slope in zip(node.operands, node.operation.partials, node.partials, strict=True):
                if not isinstance(operand, Constant):  # nobody asks for the slope towards a constant
                    check_slope(node, operand, slope, float(partial(*operands, number)))


# ---- slopes from the leaves up ----


def tangents(
    order: Iterable[T], edges: Edges[T], target: T, one: S, add: Add[S] = plus, mul: Callable[[Any, S], S] = times
) -> dict[T, S]:
    """The mirror of ``sweep``, from the leaves up: ∂node/∂target for each node of an order that depends on target."""
    found = {target: one}
    for node in order:
        if node is not target:
            terms = [mul(slope, found[operand]) for operand, slope in edges(node) if operand in found]
            if terms:
                found[node] = reduce(add, terms)
    return found


# ---- names ----


def names_of(root: Value, *targets: Value) -> dict[Value, str]:
    """Names by node: the labels, and L and w for a root and targets that have none."""
    names = {node: name for name, node in labelled(root).items()}
    for node, usual in ((root, "L"), *((target, "w") for target in targets)):
        if node not in names:
            taken = {*names.values()}
            free = usual if usual not in taken else next(f"{usual}{i}" for i in count(1) if f"{usual}{i}" not in taken)
            names[node] = node.label or free
    return names


def node_of(key: Any, root: Value, names: Mapping[Value, str] | None = None) -> Value:
    """The node that is meant: key itself, or the node of that name; L is root where nothing else is called so.

    Raises UnknownNameError, which lists the names that there are.
    """
    if isinstance(key, Value):
        return key
    by_name = {name: node for node, name in (names_of(root) if names is None else names).items()}
    if key == "L" and key not in by_name:
        return root
    if not isinstance(key, str) or key not in by_name:
        raise UnknownNameError("node", key, by_name)
    return by_name[key]


def name_or_number(node: Value, name: str, digits: int | None = None) -> str:
    """A node on a line: its name, or its number if it has none."""
    return label_text(name) if name else number_text(node.data, digits)


def partial_text(child: str, parent: str, d: str = "∂") -> str:
    """∂child/∂parent on a line of text."""
    return f"{d}{label_text(child)}/{d}{label_text(parent)}"


def partial_latex(child: str, parent: str, d: str = r"\partial") -> str:
    r"""The same in LaTeX, \frac{\partial child}{\partial parent}."""
    return rf"\frac{{{d} {label_latex(child)}}}{{{d} {label_latex(parent)}}}"
