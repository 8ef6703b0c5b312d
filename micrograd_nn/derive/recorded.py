"""What a derivation starts from: a root whose graph still holds the numbers and slopes that were recorded.

Promise: after these checks symbols and numbers fit each other, in every node below the root; nothing is changed.
"""

from math import isnan

from ..engine.backprop import check_slope, replay
from ..engine.value import Constant, Value
from ..errors import ArgumentTypeError, GraphError


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
