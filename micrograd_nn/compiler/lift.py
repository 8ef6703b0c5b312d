"""Lift: from scalar nodes to a handful of array steps.

Promise: every rule below changes how numbers are laid out and in which order sums are added up, never what is
computed; what fits no rule is fetched number by number into an array and computed there.

The rules, level by level, so that nothing in an array depends on anything else in it:

    like operations   nodes of one operation whose operands lie in the same arrays become one array operation; a
                      constant second operand of anything but arithmetic (an exponent, a slope) must be the same
    equal nodes       nodes of one operation on the same operands are computed once
    sums              the terms of a sum are sorted by where they lie: see sums.py
    products          sums over k of products a·b become a matrix product where rows of a and rows of b form a
                      complete grid: see products.py
    chains            chains of another associative operation, of one length, become a fold along the last side
    order             the numbers of a new array follow the order of the array they are made of, so that the next
                      operation finds a view and need not gather
"""

from collections import defaultdict
from itertools import groupby
from typing import Any

import numpy as np

from ..engine.operation import Operation
from ..engine.ops import add, div, mul, sub
from .chains import Chains, Ints
from .layout import CONSTANTS, Layout, distinct_rows
from .lifted import Lifted
from .steps import Fold, Join, Shape, Tape, Tracer, plain
from .sums import Sums
from .trace import Trace

ARITHMETIC = {add, sub, mul, div}


def lift(trace: Trace, chains: Chains) -> Lifted:
    """The steps of the loss; their reverse is written down when it is first asked for."""
    tape = Tape()
    layout = Layout(trace, tape)
    sums = Sums(layout, trace, chains)
    for nodes in _by_level(chains):
        linear = chains.linear[nodes]
        chained = chains.chained[nodes]
        _elementwise(layout, trace, chains, nodes[~linear & ~chained])
        _folds(layout, trace, chains, nodes[chained])
        sums.lift(nodes[linear])
    loss = len(trace) - 1
    outcome = plain(layout.fetch(int(layout.home[loss]), layout.place[loss:], ()))
    return Lifted(tuple(tape.steps), outcome, trace.inputs, tuple(trace.reached))


def _by_level(chains: Chains) -> list[Ints]:
    """The nodes that stand for themselves, lowest level first."""
    nodes = np.flatnonzero(~chains.absorbed & (chains.left >= 0))
    nodes = nodes[np.argsort(chains.level[nodes], kind="stable")]
    return np.split(nodes, np.flatnonzero(np.diff(chains.level[nodes])) + 1) if len(nodes) else []


def _elementwise(layout: Layout, trace: Trace, chains: Chains, nodes: Ints) -> None:
    groups: dict[Any, list[int]] = defaultdict(list)
    homes = layout.home
    for i, left, right in zip(nodes.tolist(), chains.left[nodes].tolist(), chains.right[nodes].tolist(), strict=True):
        operation = trace.operations[i]
        option = -1
        if right >= 0 and homes[right] == CONSTANTS and operation not in ARITHMETIC:
            option = int(layout.place[right])
        groups[operation, int(homes[left]), int(homes[right]) if right >= 0 else None, option].append(i)
    for (operation, *_), members in groups.items():
        apply_alike(layout, chains, operation, np.array(members))


def apply_alike(layout: Layout, chains: Chains, operation: Operation, nodes: Ints) -> None:
    """One array operation for nodes whose operands have the same homes; equal nodes are computed once."""
    operands = [side[nodes] for side in (chains.left, chains.right)[: operation.arity]]
    homes = [int(layout.home[side[0]]) for side in operands]
    places = np.stack([layout.place[side] for side in operands], axis=1)
    kinds, first = distinct_rows(places)
    order = layout.in_order(homes, places[first])
    rank = np.argsort(order)
    places = places[first][order]
    shape = layout.shape_of(homes, places)
    outcome = operation(*(layout.fetch(home, places[:, k], shape) for k, home in enumerate(homes)))
    layout.settle(nodes, layout.whole(outcome, shape), rank[kinds])


def _folds(layout: Layout, trace: Trace, chains: Chains, roots: Ints) -> None:
    groups: dict[Any, list[tuple[int, list[int]]]] = defaultdict(list)
    for root in roots.tolist():
        terms = _terms(chains, root)
        groups[trace.operations[root], tuple(layout.home[terms].tolist())].append((root, terms))
    for (operation, homes), members in groups.items():
        nodes = np.array([root for root, _ in members])
        places = layout.place[np.array([terms for _, terms in members])]
        kinds, first = distinct_rows(places)
        places = places[first]
        pieces, start = [], 0
        for home, run in groupby(homes):
            width = len(list(run))
            pieces.append(layout.fetch_whole(home, places[:, start : start + width]))
            start += width
        whole = join(layout.tape, pieces)
        shape = layout.tape[whole].shape[:-1]
        batched = layout.tape[whole].batched
        layout.settle(nodes, layout.tape.add(Fold((whole.ref,), shape, batched, operation)), kinds)


def _terms(chains: Chains, root: int) -> list[int]:
    terms = []
    member = root
    while True:
        terms.append(int(chains.right[member]))
        member = int(chains.left[member])
        if not (chains.chained[member] and chains.absorbed[member]):
            return [member, *reversed(terms)]


def join(tape: Tape, pieces: list[Tracer]) -> Tracer:
    """The pieces, one after another along the last side."""
    if len(pieces) == 1:
        return pieces[0]
    steps = [tape[piece] for piece in pieces]
    shape: Shape = (*steps[0].shape[:-1], sum(step.shape[-1] for step in steps))
    return tape.add(Join(tuple(piece.ref for piece in pieces), shape, any(step.batched for step in steps)))
