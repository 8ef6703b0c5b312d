"""Layout: which array holds the number of each node, and how a list of numbers is fetched from there.

What is fetched is the array itself, a view of it or, where neither fits, a gathered copy. The numbers of an array are
counted row by row: that count is a number's position.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np

from ..engine.operation import Operation
from .steps import PARAMETERS, Constant, Fold, Index, Ints, Leaf, Ref, Scatter, Shape, Stretch, Tape, Tracer, View
from .trace import CONSTANT, FIRST_INPUT, PARAMETER, Trace

CONSTANTS = -1  # in the place of a step: the constants, which are in no array until it is known what acts on them


class Layout:
    """For each node the number of the step whose array holds it, and its position in that array."""

    def __init__(self, trace: Trace, tape: Tape) -> None:
        self.tape = tape
        source = np.array(trace.source)
        self.array = np.full(len(trace), CONSTANTS - 1)
        self.position = np.array(trace.position)
        constants = np.flatnonzero(source == CONSTANT)
        bits = np.array(trace.numbers)[constants].view(np.int64)
        distinct, positions = np.unique(bits, return_inverse=True)
        self.numbers = distinct.view(np.float64)
        self.store(constants, CONSTANTS, positions)
        tape.add(Leaf((), (len(trace.parameters),), False, "p"))
        self.array[source == PARAMETER] = PARAMETERS.number
        for i, shape in enumerate(trace.inputs):
            leaf = tape.add(Leaf((), (prod(shape),), True, f"x{i + 1}"))
            self.array[source == FIRST_INPUT + i] = leaf.ref.number

    def store(self, nodes: Ints, array: Ints, position: Ints) -> None:
        """Record where the numbers of the nodes are."""
        self.array[nodes] = array
        self.position[nodes] = position

    def batched(self, array: int) -> bool:
        """Whether what is in it differs from row to row."""
        return array != CONSTANTS and self.tape.steps[array].batched

    def fetch(self, array: int, positions: Ints, shape: Shape) -> Any:
        """The numbers at these positions, ``prod(shape)`` of them, in a shape that stretches to ``shape``."""
        positions = positions.reshape(shape)
        if array == CONSTANTS:
            numbers = self.numbers[positions]
            bits = numbers.view(np.int64)
            alike = bool((bits == bits.flat[0]).all())
            return float(numbers.flat[0]) if alike else constant(self.tape, numbers, shape)
        return view(Tracer(self.tape, Ref(array)), positions)

    def fetch_whole(self, array: int, positions: Ints) -> Tracer:
        """The numbers at these positions, in exactly their shape."""
        return in_full(self.tape, self.fetch(array, positions, positions.shape), positions.shape)

    def compute(self, nodes: Ints, arrays: Ints, positions: Ints, function: Callable[..., Any]) -> None:
        """Nodes that one function computes, a row of operands each; all of the same arrays at once, equal ones once."""
        groups, representatives = distinct_rows(arrays)
        for group, representative in enumerate(representatives):
            members = np.flatnonzero(groups == group)
            kinds, first = distinct_rows(positions[members])
            order, shape, fetched = self.elements(arrays[representative].tolist(), positions[members[first]])
            outcome = in_full(self.tape, function(*fetched), shape)
            self.store(nodes[members], outcome.ref.number, np.argsort(order)[kinds])

    def elements(self, arrays: Sequence[int], positions: Ints) -> tuple[Ints, Shape, list[Any]]:
        """The operands of one operation that acts element by element.

        ``positions`` has a row per element and a column per operand. Returns the order in which the elements are laid
        out, the shape of the outcome, and the operands, in shapes that stretch to it. Order and shape are those of an
        operand that is no constant, so that the operand itself or a view of it will do.
        """
        order = self.in_order(arrays, positions)
        positions = positions[order]
        columns = list(zip(arrays, positions.T, strict=True))
        held = [(self.tape.steps[array].shape, column) for array, column in columns if array != CONSTANTS]
        whole = (shape for shape, column in held if np.array_equal(column, np.arange(prod(shape))))
        shape = next(whole, (len(positions),))
        return order, shape, [self.fetch(array, column, shape) for array, column in columns]

    def in_order(self, arrays: Sequence[int], positions: Ints) -> Ints:
        """The rows of positions, sorted by the first column that is of no constants, then by the next."""
        keys = [column for array, column in zip(arrays, positions.T, strict=True) if array != CONSTANTS]
        return np.lexsort(keys[::-1]) if keys else np.arange(len(positions))


# ---- steps that move numbers ----


def constant(tape: Tape, numbers: Any, shape: Shape) -> Tracer:
    """An array of constants; a single number fills it."""
    return tape.add(Constant((), shape, False, np.full(shape, numbers, dtype=np.float64).tobytes()))


def view(source: Tracer, positions: Ints) -> Tracer:
    """The numbers at these positions; sides along which they repeat have length 1. A view of a view is one view."""
    step = source.step
    if isinstance(step, View) and not step.index.table:
        positions = step.index.positions.reshape(-1)[positions]
        source = Tracer(source.tape, step.references[0])
        step = source.step
    if positions.shape == step.shape and np.array_equal(positions, arange(step.shape)):
        return source
    index = Index.of(positions)
    return source.tape.add(View((source.ref,), index.shape, step.batched, index))


def arange(shape: Shape) -> Ints:
    """The positions of all numbers of an array, in its shape."""
    return np.arange(prod(shape)).reshape(shape)


def columns(source: Tracer, start: int, stop: int) -> Tracer:
    """The numbers from start to stop along the last side."""
    return view(source, arange(source.step.shape)[..., start:stop])


def as_column(source: Tracer) -> Tracer:
    """The array with a last side of length 1."""
    return view(source, arange((*source.step.shape, 1)))


def fold(operation: Operation, terms: Tracer) -> Tracer:
    """A chain of the operation along the last side."""
    step = terms.step
    return terms.tape.add(Fold((terms.ref,), step.shape[:-1], step.batched, operation))


def join(pieces: list[Tracer]) -> Tracer:
    """The pieces one after another along the last side."""
    if len(pieces) == 1:
        return pieces[0]
    steps = [piece.step for piece in pieces]
    shape = (*steps[0].shape[:-1], sum(step.shape[-1] for step in steps))
    batched = any(step.batched for step in steps)
    ends = accumulate(step.shape[-1] for step in steps)
    places = (arange(shape)[..., end - step.shape[-1] : end] for end, step in zip(ends, steps, strict=True))
    return pieces[0].tape.add(
        Scatter(tuple(piece.ref for piece in pieces), shape, batched, tuple(map(Index.of, places)))
    )


def in_full(tape: Tape, number: Any, shape: Shape, batched: bool = False) -> Tracer:
    """A number, or an array of a smaller shape, repeated until it has that shape."""
    source = number if isinstance(number, Tracer) else constant(tape, number, shape)
    batched = batched or source.step.batched
    if (source.step.shape, source.step.batched) == (shape, batched):
        return source
    return tape.add(Stretch((source.ref,), shape, batched))


def distinct_rows(keys: Ints) -> tuple[Ints, Ints]:
    """For each row of a matrix the number of its kind, numbered by first appearance; and the first row of each kind."""
    if keys.shape[1] == 1:
        rows = keys[:, 0]
    else:
        rows = np.ascontiguousarray(keys).view(np.dtype((np.void, keys.dtype.itemsize * keys.shape[1])))[:, 0]
    _, first, kinds = np.unique(rows, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return rank[kinds.reshape(-1)], np.sort(first)
