"""Layout: where each node's number lies among the arrays of the lifted program, and how a list of them is fetched.

Promise: a list of nodes becomes the array itself, a view of it or, where neither fits, a gathered copy; never other
numbers. Elements are counted row by row.
"""

from typing import Any

import numpy as np

from .steps import Constant, Index, Leaf, Ref, Shape, Stretch, Tape, Tracer, View
from .trace import CONSTANT, FIRST_INPUT, PARAMETER, Trace

CONSTANTS = -1  # the home of constants: no array, their place is that of their number in ``numbers``

Ints = Any  # an array of integers


class Layout:
    """For each node its home, the number of a step, and its place in that step's array."""

    def __init__(self, trace: Trace, tape: Tape) -> None:
        self.tape = tape
        source = np.array(trace.source)
        self.home = np.full(len(trace), CONSTANTS - 1)
        self.place = np.array(trace.place)
        constants = np.flatnonzero(source == CONSTANT)
        bits = np.array(trace.numbers)[constants].view(np.int64)
        distinct, places = np.unique(bits, return_inverse=True)
        self.numbers = distinct.view(np.float64)
        self.home[constants] = CONSTANTS
        self.place[constants] = places
        self.parameters = tape.add(Leaf((), (len(trace.parameters),), False, "p"))
        self.home[source == PARAMETER] = self.parameters.ref.number
        for i, shape in enumerate(trace.inputs):
            leaf = tape.add(Leaf((), (int(np.prod(shape)),), True, f"x{i + 1}"))
            self.home[source == FIRST_INPUT + i] = leaf.ref.number

    def settle(self, nodes: Ints, outcome: Tracer, places: Ints) -> None:
        """From now on the nodes are found in the outcome, at those places."""
        self.home[nodes] = outcome.ref.number
        self.place[nodes] = places

    def batched(self, home: int) -> bool:
        """Whether what lies there differs from row to row."""
        return home != CONSTANTS and self.tape.steps[home].batched

    def fills(self, home: int, places: Ints) -> bool:
        """Whether the places are the whole array in its order."""
        size = -1 if home == CONSTANTS else size_of(self.tape.steps[home].shape)
        return len(places) == size and bool((places == np.arange(size)).all())

    def fetch(self, home: int, places: Ints, shape: Shape) -> Any:
        """The numbers at ``places``, ``size_of(shape)`` of them, in a shape that stretches to ``shape``."""
        if home == CONSTANTS:
            return self._constant(self.numbers[places].reshape(shape))
        if self.tape.steps[home].shape == shape and self.fills(home, places):
            return Tracer(self.tape, Ref(home))
        return view(Tracer(self.tape, Ref(home)), places.reshape(shape))

    def fetch_whole(self, home: int, places: Ints) -> Tracer:
        """The numbers at an array of places, in exactly that shape."""
        return self.whole(self.fetch(home, places.reshape(-1), places.shape), places.shape)

    def whole(self, outcome: Any, shape: Shape) -> Tracer:
        """The outcome in its full shape; a float becomes an array of constants."""
        if not isinstance(outcome, Tracer):
            return constant(self.tape, outcome, shape)
        return stretched(self.tape, outcome, shape, self.tape[outcome].batched)

    def in_order(self, homes: list[int], places: Ints) -> Ints:
        """The order in which elements are laid out: that of the first operand that is no constant, then the next."""
        keys = [places[:, k] for k, home in enumerate(homes) if home != CONSTANTS]
        return np.lexsort(keys[::-1]) if keys else np.arange(len(places))

    def shape_of(self, homes: list[int], places: Ints) -> Shape:
        """The shape of an array that is made of operands element by element: that of an operand that it covers."""
        for k, home in enumerate(homes):
            if self.fills(home, places[:, k]):
                return self.tape.steps[home].shape
        return (len(places),)

    def _constant(self, numbers: Any) -> Any:
        if (numbers.view(np.int64) == numbers.view(np.int64).flat[0]).all():
            return float(numbers.flat[0])
        return constant(self.tape, numbers, numbers.shape)


def constant(tape: Tape, numbers: Any, shape: Shape) -> Tracer:
    """An array of constants; a single number fills it."""
    return tape.add(Constant((), shape, False, np.full(shape, numbers, dtype=np.float64).tobytes()))


def view(source: Tracer, places: Ints) -> Tracer:
    """The numbers at these places; sides along which they repeat have length 1. A view of a view is one view."""
    step = source.tape[source]
    if isinstance(step, View) and not step.index.table:
        places = unfold(step.index, step.shape).reshape(-1)[places]
        source = Tracer(source.tape, step.references[0])
        step = source.tape[source]
    if places.shape == step.shape and np.array_equal(places, arange(places.shape)):
        return source
    index, sides = pattern(places)
    return source.tape.add(View((source.ref,), sides, step.batched, index))


def arange(shape: Shape) -> Ints:
    """The places of all numbers of an array, in its shape."""
    return np.arange(size_of(shape)).reshape(shape)


def part(source: Tracer, start: int, stop: int) -> Tracer:
    """The numbers from start to stop along the last side."""
    shape = source.tape[source].shape
    return view(source, arange(shape)[..., start:stop])


def column(source: Tracer) -> Tracer:
    """The array with a last side of length 1."""
    shape = source.tape[source].shape
    return view(source, arange((*shape, 1)))


def lone_view(source: Tracer, sides: int) -> Tracer:
    """A single number, with that many sides of length 1."""
    return view(source, np.zeros((1,) * sides, dtype=np.int64))


def unfold(index: Index, shape: Shape) -> Ints:
    """The places that an index stands for."""
    if index.table:
        return np.frombuffer(index.table, dtype=np.int64).reshape(shape)
    places = np.full((1,) * len(shape), index.start)
    for axis, (side, stride) in enumerate(zip(shape, index.strides, strict=True)):
        places = places + (np.arange(side) * stride).reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return places


def inverse(index: Index, shape: Shape) -> Ints:
    """Where each place is named by an index; nothing if the index names a place twice."""
    places = unfold(index, shape).reshape(-1)
    order = np.argsort(places, kind="stable")
    return order if (np.diff(places[order]) > 0).all() else order[:0]


def pattern(places: Ints) -> tuple[Index, Shape]:
    """Places as steps along each side, sides that repeat taken as 1; as a table if they do not run that evenly."""
    strides = [int(np.diff(places, axis=axis).flat[0]) if side > 1 else 0 for axis, side in enumerate(places.shape)]
    start = int(places.flat[0])
    index = Index(start, tuple(strides))
    if min(strides, default=0) < 0 or not np.array_equal(unfold(index, places.shape), places):
        return Index(0, (), np.ascontiguousarray(places, dtype=np.int64).tobytes()), places.shape
    return index, tuple(side if stride else 1 for side, stride in zip(places.shape, strides, strict=True))


def stretched(tape: Tape, tracer: Tracer, shape: Shape, batched: bool) -> Tracer:
    """The tracer's array repeated until it has that shape."""
    step = tape[tracer]
    if step.shape == shape and step.batched == batched:
        return tracer
    return tape.add(Stretch((tracer.ref,), shape, batched))


def size_of(shape: Shape) -> int:
    """How many numbers an array of that shape holds, for one row."""
    size = 1
    for side in shape:
        size *= side
    return size


def distinct_rows(keys: Ints) -> tuple[Ints, Ints]:
    """For each row of a matrix the number of its kind, numbered by first appearance; and the first row of each kind."""
    if keys.shape[1] == 1:
        _, first, kinds = np.unique(keys[:, 0], return_index=True, return_inverse=True)
    else:
        rows = np.ascontiguousarray(keys).view(np.dtype((np.void, keys.dtype.itemsize * keys.shape[1])))[:, 0]
        _, first, kinds = np.unique(rows, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return rank[kinds.reshape(-1)], np.sort(first)
