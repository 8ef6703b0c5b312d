"""Trace: a recorded scalar graph as flat lists of integers, and which of its nodes are lifted together.

Nothing is computed, no ``.data`` and no ``.grad`` is changed. What the compiler reads of a graph afterwards are these
lists, never a label and never a name that a user gave.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np

from ..engine.operation import Operation
from ..engine.ops import add, mul, neg, sub
from ..engine.value import Value, topological_order
from ..errors import ArgumentError, ArgumentTypeError
from .steps import Ints

INNER, CONSTANT, PARAMETER, FIRST_INPUT = -2, -1, 0, 1  # where a node's number comes from; inputs count on from 1
SHORTEST = 3  # terms: two are an operation like any other


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


def trace(loss: Value, inputs: Sequence[Any], parameters: Iterable[Value]) -> Trace:
    """Read the graph below ``loss``.

    Raises ArgumentTypeError for what is not a Value, ArgumentError for an input or parameter that an operation made,
    that is listed twice, or that is in both lists, and for a ragged list of inputs.
    """
    if not isinstance(loss, Value):
        raise ArgumentTypeError(f"compile takes the loss as one recorded Value, got {type(loss).__name__}")
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
        numbers=[node.data for node in order],
        parameters=parameters,
        inputs=tuple(shapes),
        reached=[parameter in index for parameter in parameters],
    )


def flatten(given: Any) -> tuple[tuple[int, ...], list[Value]]:
    """The shape of nested lists of Values, and the Values row by row."""
    shape: tuple[int, ...] = ()
    level = [given]
    while level and not all(isinstance(thing, Value) for thing in level):
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


# ---- which nodes are lifted together ----


class Chains:
    """Which nodes are lifted together, an entry per node.

    A node is fused into its only consumer, or kept. What is kept has a level above all that it is made of.

    A sum takes in its additions, subtractions and signs however they are bracketed, and the products that are its
    terms: additions may be done in any order. Any other chain of an associative operation counts if it grows to the
    left, as ``functional.chain`` builds it, and is long enough: its order decides who gets the slope at a tie.
    """

    def __init__(self, trace: Trace) -> None:
        self.left, self.right = left, right = np.array(trace.left), np.array(trace.right)
        code = {operation: number for number, operation in enumerate(dict.fromkeys(trace.operations))}
        codes = np.array([code[operation] for operation in trace.operations])
        sums, products, self.sub, self.neg = (codes == code.get(row, -1) for row in (add, mul, sub, neg))
        uses, consumer = _uses(left, right)
        alone = (uses == 1) & (left >= 0)  # what may be fused
        linear = sums | self.sub | self.neg
        beside = np.where(left[consumer] == np.arange(len(trace)), right[consumer], left[consumer])
        sibling = self.sub[consumer] & linear[beside] & (uses[beside] > 1)  # z1 - z3 beside z2 - z3: of one layer
        in_sum = alone & linear & linear[consumer] & ~sibling
        self.product = product = alone & products & linear[consumer]  # a product that is a term of a sum
        in_product = alone & self.neg & product[consumer]
        self.minus = in_product & ~in_sum[left] & ~product[left]  # the sign of a factor of such a product
        self.linear = linear & ~self.minus  # an addition, subtraction or sign
        grows = alone & (left[consumer] == np.arange(len(trace)))
        associative = np.array([row is not None and row.associative and row is not add for row in code])[codes]
        chainable = associative & ~product  # a term of a sum is part of the sum
        link = grows & chainable & chainable[consumer] & (codes == codes[consumer])
        negative = np.zeros(len(trace), dtype=bool)  # the sign turns on the way from a node to its consumer
        negative[left[self.neg]] = negative[right[self.sub]] = True
        self.root, self.sign = _roots(in_sum | link, consumer, negative)  # of a member: the last node, and 1 or -1
        terms = np.bincount(self.root[chainable], minlength=len(trace)) + 1
        self.chained = chainable & (terms[self.root] >= SHORTEST)  # a member of another chain than a sum
        self.fused = in_sum | product | self.minus | (link & self.chained)  # part of its only consumer
        self.level = _levels(trace, self.fused)  # 0 for leaves; a fused node has that of its highest operand


def _uses(left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """How often each node is used, and by which node it was used last."""
    operands, users = np.concatenate((left, right)), np.tile(np.arange(len(left)), 2)
    operands, users = operands[operands >= 0], users[operands >= 0]
    consumer = np.zeros(len(left), dtype=np.int64)
    consumer[operands] = users
    return np.bincount(operands, minlength=len(left)), consumer


def _roots(member: Ints, consumer: Ints, negative: Ints) -> tuple[Ints, Ints]:
    """Where the way from consumer to consumer ends, as long as it goes through members, and its sign.

    Each pass doubles how far a node sees.
    """
    root = np.where(member, consumer, np.arange(len(member)))
    sign = np.where(member & negative, -1, 1)
    while (root[root] != root).any():
        sign = sign * sign[root]
        root = root[root]
    return root, sign


def _levels(trace: Trace, fused: Ints) -> Ints:
    level: list[int] = []
    for left, right, inside in zip(trace.left, trace.right, fused.tolist(), strict=True):
        if left < 0:
            level.append(0)
        else:
            below = level[left] if right < 0 or level[left] > level[right] else level[right]
            level.append(below if inside else below + 1)
    return np.array(level)
