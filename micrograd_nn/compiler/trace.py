"""Trace: a recorded scalar graph as flat lists of integers.

Nothing is computed, no ``.data`` and no ``.grad`` is changed. What the compiler reads of a graph afterwards are these
lists, never a label and never a name that a user gave.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import prod
from typing import Any

from ..engine.operation import Operation
from ..engine.value import Value, topological_order
from ..errors import ArgumentError, ArgumentTypeError
from .recording import record

INNER, CONSTANT, PARAMETER, FIRST_INPUT = -2, -1, 0, 1  # where a node's number comes from; inputs count on from 1


@dataclass(frozen=True)
class Trace:
    """The nodes below a loss in topological order, the loss last.

    ``source`` says where a node's number comes from: an operation (INNER), CONSTANT, the vector of parameters
    (PARAMETER), or the i-th input (FIRST_INPUT + i); ``position`` is the leaf's position there, counted row by row.
    """

    operations: list[Operation | None]
    left: list[int]  # the first operand's node, -1 for a leaf
    right: list[int]  # the second operand's, -1 if there is none
    source: list[int]
    position: list[int]
    numbers: list[float]  # the nodes' numbers when they were recorded: a constant's is read here
    parameters: list[Value]
    inputs: tuple[tuple[int, ...], ...]  # the shape of each input for one row: () for a Value, (784,) for a list
    reached: list[bool]  # for each parameter: does the loss depend on it?

    def __len__(self) -> int:
        return len(self.operations)

    def operands(self, i: int) -> tuple[int, ...]:
        """The nodes that node i is made of, in order."""
        left, right = self.left[i], self.right[i]
        return () if left < 0 else (left,) if right < 0 else (left, right)

    @cached_property
    def depends(self) -> list[bool]:
        """Which nodes depend on a parameter."""
        found: list[bool] = []
        for i, source in enumerate(self.source):
            found.append(source == PARAMETER or any(found[j] for j in self.operands(i)))
        return found

    @cached_property
    def leaves(self) -> list[tuple[int, int]]:
        """The nodes that are parameters or inputs, each with its number among all of these, the parameters first."""
        starts = [0, *accumulate(map(prod, self.inputs), initial=len(self.parameters))]
        places = enumerate(zip(self.source, self.position, strict=True))
        return [(i, starts[source] + position) for i, (source, position) in places if source >= PARAMETER]


def trace(loss: Value | Callable[..., Value], inputs: Sequence[Any], parameters: Iterable[Value]) -> Trace:
    """Read the graph below ``loss``, or below what it records for any inputs if it is a function of them.

    Raises ArgumentTypeError for what is not a Value, ArgumentError for an input or parameter that an operation made,
    that is listed twice, or that is in both lists, and for a ragged list of inputs.
    """
    if not isinstance(parameters, Iterable):
        raise ArgumentTypeError(f"parameters is a list of Values, such as [w, b], got {parameters!r:.40}")
    parameters = list(parameters)
    if isinstance(inputs, Value) or not isinstance(inputs, Sequence):
        raise ArgumentTypeError("inputs is a list with a Value, or a list of Values, for each argument: inputs=[x, y]")
    known: dict[Value, tuple[int, int]] = {}  # for a leaf its source, and its position there
    _enter(known, parameters, PARAMETER, "parameter")
    shapes = []
    for number, given in enumerate(inputs):
        shape, leaves = flatten(given)
        _enter(known, leaves, FIRST_INPUT + number, f"leaf of input {number + 1}")
        shapes.append(shape)
    if not isinstance(loss, Value) and callable(loss):
        loss = record(loss, inputs, known)
    if not isinstance(loss, Value):
        raise ArgumentTypeError(f"compile takes the loss as one recorded Value, got {type(loss).__name__}")
    order = topological_order(loss)
    index = dict(zip(order, range(len(order)), strict=True))
    sources = [CONSTANT if node.left is None else INNER for node in order]
    positions = [0] * len(order)
    for leaf, (source, position) in known.items():
        if leaf in index:
            sources[index[leaf]], positions[index[leaf]] = source, position
    return Trace(
        operations=[node.operation for node in order],
        left=[-1 if node.left is None else index[node.left] for node in order],
        right=[-1 if node.right is None else index[node.right] for node in order],
        source=sources,
        position=positions,
        numbers=[node._data for node in order],
        parameters=parameters,
        inputs=tuple(shapes),
        reached=[parameter in index for parameter in parameters],
    )


def flatten(given: Any, kind: Any = Value) -> tuple[tuple[int, ...], list[Any]]:
    """The shape of nested lists of Values, and the Values row by row; or of another kind, or several."""
    shape: tuple[int, ...] = ()
    level = [given]
    while level and not all(isinstance(thing, kind) for thing in level):
        if any(isinstance(thing, str | bytes) or not isinstance(thing, Sequence) for thing in level):
            kinds = sorted({type(thing).__name__ for thing in level})
            raise ArgumentTypeError(f"inputs are Values, or lists of Values of equal length; got {', '.join(kinds)}")
        lengths = {len(thing) for thing in level}
        if len(lengths) != 1:
            raise ArgumentError(f"the lists of an input have one length; got lengths {sorted(lengths)}")
        shape = (*shape, lengths.pop())
        level = [thing for outer in level for thing in outer]
    return shape, level


def _enter(known: dict[Value, tuple[int, int]], leaves: list[Any], source: int, what: str) -> None:
    for position, leaf in enumerate(leaves):
        if not isinstance(leaf, Value):
            raise ArgumentTypeError(f"a {what} is a Value, got {type(leaf).__name__}")
        if leaf.operation is not None:
            raise ArgumentError(f"a {what} was made by {leaf.operation.name}; give the leaves that it was made of")
        if leaf in known:
            raise ArgumentError(f"a {what} is listed twice among parameters and inputs; a leaf is one of them, once")
        known[leaf] = (source, position)
