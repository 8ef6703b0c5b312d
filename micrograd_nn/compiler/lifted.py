"""Lifted: from scalar nodes to a handful of array steps, as data that every backend, the printer and the checker read.

Lifting changes how numbers are laid out and in which order sums are added up, never what is computed; what fits no
rule is fetched number by number into an array and computed there. The rules, level by level, so that nothing in an
array depends on anything else in it:

    like operations   nodes of one operation whose operands lie in the same arrays become one array operation; a
                      constant second operand of anything but arithmetic (an exponent, a slope) must be the same
    equal nodes       nodes of one operation on the same operands are computed once
    sums              terms that lie in the same arrays are taken together: see sums.py
    products          sums over k of products a·b become a matrix product where rows of a and rows of b form a
                      complete grid: see sums.py
    chains            chains of another associative operation, of one length, become a fold along the last side
    order             the numbers of a new array follow the order of the array they are made of, so that the next
                      operation finds a view and need not gather
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial, reduce
from itertools import groupby
from typing import Any

import numpy as np

from ..engine.operation import Operation
from ..engine.ops import add, div, mul, sub
from .chains import SHORTEST, Chains
from .layout import CONSTANTS, Layout, arange, distinct_rows, fold, join
from .reverse import reverse
from .steps import PARAMETERS, Index, Ints, Leaf, Ref, Shape, Step, Steps, Tape, Tracer, View, check, plain
from .sums import all_terms, lift_sums
from .trace import Trace

ARITHMETIC = {add, sub, mul, div}


@dataclass(frozen=True)
class Part:
    """Parameters that are read together, such as the weights of a layer or its biases.

    ``index`` says where they lie in the vector of parameters. ``references`` are the views that are made of just these,
    the first of them in this shape; a part that is only read together with others has none.
    """

    index: Index
    references: tuple[Ref, ...]

    @property
    def shape(self) -> Shape:
        """The shape in which it is read."""
        return self.index.shape


@dataclass(frozen=True)
class Lifted:
    """The steps of the loss of one row, ``forward``, and those of its gradient; no backend and no dtype is in it.

    Step #0 is the vector of parameters, those after it are the inputs. ``loss`` is a reference, or a float if nothing
    varies; ``inputs`` are the recorded shapes of the arguments for one row, and ``reached`` says for each parameter
    whether the loss depends on it.
    """

    forward: tuple[Step, ...]
    loss: Ref | float
    inputs: tuple[Shape, ...]
    reached: tuple[bool, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the loss, then those of its gradient."""
        return self._reversed[0]

    @property
    def gradient(self) -> Ref | None:
        """The gradient: an array like the parameters, or None if the loss depends on none of them."""
        return self._reversed[1]

    @cached_property
    def _reversed(self) -> tuple[tuple[Step, ...], Ref | None]:
        return reverse(self.forward, self.loss)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parameters that are read, each in one part, in the order of the vector.

        A part is as large as it can be so that each view of the parameters is made of whole parts.
        """
        return tuple(_parts(self.forward))

    @property
    def rows(self) -> tuple[Leaf, ...]:
        """The inputs, which differ from row to row."""
        return tuple(step for step in self.forward if isinstance(step, Leaf) and step.batched)

    def check(self) -> None:
        """Raises GraphError if the steps are not well formed."""
        check(self.steps)


def lift(trace: Trace, chains: Chains) -> Lifted:
    """The steps of a recorded loss; those of its gradient are written down when they are first asked for."""
    tape = Tape()
    layout = Layout(trace, tape)
    terms = all_terms(trace, chains)
    for nodes in _levels(chains):
        linear = chains.linear[nodes]
        _lift_operations(layout, trace, chains, nodes[~linear])
        if linear.any():
            lift_sums(layout, terms[int(chains.level[nodes[0]])])
    loss = len(trace) - 1
    outcome = plain(layout.fetch(int(layout.array[loss]), layout.position[loss:], ()))
    return Lifted(tuple(tape.steps), outcome, trace.inputs, tuple(trace.reached))


def _levels(chains: Chains) -> list[Ints]:
    """The nodes that are computed, a list for each level from the lowest up."""
    nodes = np.flatnonzero(~chains.fused & (chains.left >= 0))
    nodes = nodes[np.argsort(chains.level[nodes], kind="stable")]
    return np.split(nodes, np.flatnonzero(np.diff(chains.level[nodes])) + 1) if len(nodes) else []


def _lift_operations(layout: Layout, trace: Trace, chains: Chains, nodes: Ints) -> None:
    groups: dict[Any, list[tuple[int, list[int]]]] = defaultdict(list)
    for node in nodes.tolist():
        operation = trace.operations[node]
        terms = _terms(chains, node) if chains.chained[node] else [*trace.operands(node)]
        arrays = tuple(layout.array[terms].tolist())
        fixed = arrays[1:] == (CONSTANTS,) and operation not in ARITHMETIC
        groups[operation, arrays, layout.position[terms[1]] if fixed else None].append((node, terms))
    for (operation, arrays, _), alike in groups.items():
        alike_nodes, alike_terms = (np.array(column) for column in zip(*alike, strict=True))
        positions = layout.position[alike_terms]
        if len(arrays) < SHORTEST or (len(arrays) == SHORTEST and len(set(arrays)) > 1):  # joining them would be a copy
            chain = partial(_chain, operation)
            layout.compute(alike_nodes, layout.array[alike_terms], positions, chain)
        else:
            kinds, first = distinct_rows(positions)
            outcome = fold(operation, _joined(layout, arrays, positions[first]))
            layout.store(alike_nodes, outcome.ref.number, kinds)


def _chain(operation: Operation, *operands: Any) -> Any:
    return reduce(operation, operands) if len(operands) > 1 else operation(*operands)


def _joined(layout: Layout, arrays: tuple[int, ...], positions: Ints) -> Tracer:
    """The terms of chains, a row per chain and a column per term; those that lie in one array are fetched at once."""
    pieces, start = [], 0
    for array, run in groupby(arrays):
        stop = start + len(list(run))
        pieces.append(layout.fetch_whole(array, positions[:, start:stop]))
        start = stop
    return join(pieces)


def _terms(chains: Chains, root: int) -> list[int]:
    """The terms of a chain, in its order."""
    terms, member = [], root
    while True:
        terms.append(int(chains.right[member]))
        member = int(chains.left[member])
        if not (chains.chained[member] and chains.fused[member]):
            return [member, *reversed(terms)]


def _parts(steps: Steps) -> Iterator[Part]:
    whole = arange(steps[PARAMETERS].shape)
    views = {
        Ref(number): step.index
        for number, step in enumerate(steps)
        if isinstance(step, View) and step.references == (PARAMETERS,)
    }
    if any(PARAMETERS in step.references and not isinstance(step, View) for step in steps):
        views[PARAMETERS] = Index.of(whole)
    part = np.zeros(len(whole), dtype=np.int64)  # the part of each parameter; 0 if nothing reads it
    for index in views.values():  # a part that a view covers only half is cut in two
        _, old = np.unique(part[index.positions], return_inverse=True)
        part[index.positions] = part.max() + 1 + old.reshape(index.shape)
    made_of = {ref: np.unique(part[index.positions]).tolist() for ref, index in views.items()}
    numbers, first = np.unique(part, return_index=True)
    for number in numbers[np.argsort(first)].tolist():
        if number:
            refs = tuple(ref for ref, numbers in made_of.items() if numbers == [number])
            yield Part(views[refs[0]] if refs else Index.of(np.flatnonzero(part == number)), refs)
