"""Sums: what is added up at a level, as matrix products where that can be.

The terms of a sum are added in another order than they were recorded in; nothing else changes. They are sorted into
runs, terms that are of one kind: of one sign, with factors that lie in the same arrays. A run becomes one matrix
product or one fold, and sums that are made of the same runs are computed side by side.

The grid rule. In a run of products each sum is a row of factors a and a row of factors b. Sums whose rows of a meet the
same rows of b form a grid, one sum for each pair, and a grid is one matrix product: the neurons of a layer are rows of
weights that all meet one row of inputs; over a recorded batch they meet a row of inputs for each sample. Factors are
paired in the order of the weights or, where that gives no grids, in the order of the inputs.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial, reduce
from typing import Any, NamedTuple

import numpy as np

from ..engine.ops import add, mul, neg, sub
from .chains import Chains
from .layout import CONSTANTS, Layout, distinct_rows, fold, in_full
from .steps import PARAMETERS, Ints, MatMul, Tracer
from .trace import CONSTANT, Trace

NO_FACTOR = CONSTANTS - 1  # the array of the second factor of a term that is no product
MANY_GRIDS = 4  # so many grids, or more, are matrix products only if they have
SUMS_PER_GRID = 16  # so many sums each, on average


Terms = Ints  # a column per term, a row per fact: its sum, 1 or -1, the node, or those of two factors; -1 if it is one


def all_terms(trace: Trace, chains: Chains) -> dict[int, Terms]:
    """The terms of every sum of the trace, level by level."""
    nodes = np.flatnonzero(chains.linear)
    users, operands = np.repeat(nodes, 2), np.stack((chains.left[nodes], chains.right[nodes]), axis=1).reshape(-1)
    signs = 1 - 2 * np.stack((chains.neg[nodes], chains.sub[nodes]), axis=1).reshape(-1)  # of left and right operand
    kept = (operands >= 0) & ~(chains.fused[operands] & chains.linear[operands])  # else a sum within the sum
    users, operands, signs = users[kept], operands[kept], signs[kept] * chains.sign[users[kept]]
    product = chains.product[operands]
    a = np.where(product, chains.left[operands], operands)
    b = np.where(product, chains.right[operands], -1)
    for factor in (a, b):  # (-w)·x is a product with a minus
        negative = product & chains.minus[factor]
        signs = np.where(negative, -signs, signs)
        factor[negative] = chains.left[factor[negative]]
    root = chains.root[users]
    zero = ~product & (np.array(trace.source)[a] == CONSTANT) & (np.array(trace.numbers)[a] == 0.0)
    needed = ~zero | (np.bincount(root, weights=~zero)[root] == 0)  # without the 0 that Python's ``sum`` starts with
    order = np.flatnonzero(needed)[np.argsort(chains.level[root[needed]], kind="stable")]
    levels, starts = np.unique(chains.level[root[order]], return_index=True)
    pieces = np.split(np.stack((root, signs, a, b))[:, order], starts, axis=1)[1:]
    return dict(zip(levels.tolist(), pieces, strict=True))


def lift_sums(layout: Layout, terms: Terms) -> None:
    """The sums of one level as array steps."""
    level = _Level(layout, terms)
    for nodes, runs in level.alike():
        level.lift(nodes, runs)


Addend = tuple[Ints, Ints, int]  # for each sum the array and position of a number; 1 if it is added, else -1


class _Level:
    """The terms of the sums of one level, sorted by sum, then by kind, then by position."""

    def __init__(self, layout: Layout, terms: Terms) -> None:
        self._layout = layout
        roots, signs, one, other = terms
        alone = other < 0
        swap = ~alone & (self._rank(np.maximum(other, 0)) < self._rank(one))
        a, b = np.where(swap, other, one), np.where(swap, one, other)
        arrays = layout.array[a], np.where(alone, NO_FACTOR, layout.array[b])
        positions = layout.position[a], np.where(alone, 0, layout.position[b])
        kind = _mixed(alone.astype(int), *arrays, -signs)
        by_a, by_b = np.where(arrays[0] == CONSTANTS, positions[::-1], positions)  # constants follow their factors
        order = np.lexsort((by_b, by_a, kind, roots))
        self.root, self.kind, self.sign = roots[order], kind[order], signs[order]
        self.arrays, self.positions = np.stack(arrays)[:, order], np.stack(positions)[:, order]

    def _rank(self, nodes: Ints) -> Ints:
        """Which factor is the matrix: parameters before constants before what is computed before what varies by row."""
        arrays, which = np.unique(self._layout.array[nodes], return_inverse=True)
        first = {PARAMETERS.number: 0, CONSTANTS: 1}
        return np.array([first.get(array, 2 + self._layout.batched(array)) for array in arrays.tolist()])[which]

    def alike(self) -> Iterator[tuple[Ints, list[Ints]]]:
        """The sums, those together whose runs are of the same kinds and lengths.

        Each time the sums' nodes and, for each run, a matrix with a row of terms per sum.
        """
        starts = np.flatnonzero(np.diff(self.root, prepend=-1) | np.diff(self.kind, prepend=-1))
        roots, kinds, lengths = self.root[starts], self.kind[starts], np.diff(starts, append=len(self.root))
        groups: dict[Any, list[Ints]] = defaultdict(list)
        for runs in np.split(np.arange(len(starts)), np.flatnonzero(np.diff(roots)) + 1):
            groups[tuple(kinds[runs]), tuple(lengths[runs])].append(runs)
        for (_, each), alike in groups.items():
            table = np.stack(alike)  # a row of runs per sum
            columns = zip(table.T, each, strict=True)
            yield roots[table[:, 0]], [starts[column, None] + np.arange(length) for column, length in columns]

    def lift(self, roots: Ints, runs: list[Ints]) -> None:
        """Sums that are made of the same runs, side by side; equal ones are computed once."""
        kinds, first = distinct_rows(np.concatenate([fact[run] for run in runs for fact in self.positions], axis=1))
        *columns, signs = zip(*(addend for run in runs for addend in self._addends(run[first])), strict=True)
        arrays, positions = (np.stack(column, axis=1)[kinds] for column in columns)
        self._layout.compute(roots, arrays, positions, partial(_signed_sum, signs))

    def _addends(self, run: Ints) -> list[Addend]:
        """A run of each sum as one addend: a matrix product or a fold. Up to two terms that are no products stay."""
        first, sign = self.arrays[:, run.flat[0]].tolist(), int(self.sign[run.flat[0]])
        a, b = (positions[run] for positions in self.positions)
        if first[1] != NO_FACTOR:
            return [(*products(self._layout, first, a, b), sign)]
        if run.shape[1] <= 2:
            return [(np.full(len(run), first[0]), column, sign) for column in a.T]
        outcome = fold(add, self._layout.fetch_whole(first[0], a))
        return [(np.full(len(run), outcome.ref.number), np.arange(len(run)), sign)]


def _signed_sum(signs: Sequence[int], *addends: Any) -> Any:
    plus = [addend for addend, sign in zip(addends, signs, strict=True) if sign > 0]
    minus = [addend for addend, sign in zip(addends, signs, strict=True) if sign < 0]
    return reduce(sub, minus, reduce(add, plus) if plus else neg(minus.pop(0)))


def _mixed(*columns: Ints) -> Ints:
    """One number for the numbers of a row, in the order of the rows."""
    table = np.stack(columns)
    table -= table.min(axis=1, keepdims=True)
    return np.ravel_multi_index(tuple(table), tuple(table.max(axis=1) + 1))


# ---- sums of products ----


def products(layout: Layout, arrays: list[int], a: Ints, b: Ints) -> tuple[Ints, Ints]:
    """Sums of products, a row of factors a and of factors b for each: the array and the position of each sum."""
    by_b = np.argsort(b, axis=1, kind="stable")
    for rows in ((a, b), (np.take_along_axis(a, by_b, axis=1), np.take_along_axis(b, by_b, axis=1))):
        grids = [] if layout.batched(arrays[0]) else _grids(arrays, rows)
        if grids:
            array, position = np.zeros((2, len(a)), dtype=np.int64)
            for grid in grids:
                array[grid.sums] = _matrix_product(layout, arrays, rows, grid).ref.number
                position[grid.sums] = grid.row_b * (grid.row_a.max() + 1) + grid.row_a
            return array, position
    return _one_by_one(layout, arrays, a, b)


class Grid(NamedTuple):
    """Sums that are one matrix product, and the rows of a and of b that each is made of."""

    sums: Ints
    row_a: Ints
    row_b: Ints


def _grids(arrays: list[int], rows: tuple[Ints, Ints]) -> list[Grid]:
    """The grids that the sums fall into; none if they are no matrix products."""
    a, b = rows
    (rows_a, first_a), (rows_b, first_b) = distinct_rows(a), distinct_rows(b)
    groups = _that_meet_the_same(rows_a, rows_b)
    if len(groups) >= MANY_GRIDS and len(a) < SUMS_PER_GRID * len(groups):
        return []
    ranks = _ranks(arrays[0], a[first_a])[rows_a], _ranks(arrays[1], b[first_b])[rows_b]
    grids = []
    for members in groups:
        sums = np.flatnonzero(np.isin(rows_a, members))
        row_a, row_b = (np.unique(rank[sums], return_inverse=True)[1].reshape(-1) for rank in ranks)
        if a.shape[1] == 1 and not (row_a.any() and row_b.any()):
            return []  # a number times a row of numbers is no matrix product
        grids.append(Grid(sums, row_a, row_b))
    return grids


def _that_meet_the_same(rows_a: Ints, rows_b: Ints) -> list[list[int]]:
    """The rows of a, those together that meet the same rows of b."""
    meets: dict[int, set[int]] = defaultdict(set)
    for row_a, row_b in zip(rows_a.tolist(), rows_b.tolist(), strict=True):
        meets[row_a].add(row_b)
    groups: dict[frozenset[int], list[int]] = defaultdict(list)
    for row_a, met in meets.items():
        groups[frozenset(met)].append(row_a)
    return list(groups.values())


def _ranks(array: int, rows: Ints) -> Ints:
    """The order of the rows: that of their first numbers; of constants, that of their first appearance."""
    if array == CONSTANTS:
        return np.arange(len(rows))
    return np.argsort(np.argsort(rows[:, 0], kind="stable"))


def _matrix_product(layout: Layout, arrays: list[int], rows: tuple[Ints, Ints], grid: Grid) -> Tracer:
    a, b = rows
    first_a, first_b = (grid.sums[np.unique(kind, return_index=True)[1]] for kind in (grid.row_a, grid.row_b))
    left = layout.fetch_whole(arrays[0], a[first_a])
    right = layout.fetch_whole(arrays[1], b[first_b] if len(first_b) > 1 else b[first_b[0]])
    shape = (*right.step.shape[:-1], len(first_a))
    return layout.tape.add(MatMul((right.ref, left.ref), shape, right.step.batched))


def _one_by_one(layout: Layout, arrays: list[int], a: Ints, b: Ints) -> tuple[Ints, Ints]:
    """What is no complete grid: multiplied element by element and folded."""
    if a.shape[1] == 1:  # a single product keeps the shape of what it is made of
        order, shape, factors = layout.elements(arrays, np.concatenate((a, b), axis=1))
    else:
        order, shape = layout.in_order(arrays, np.stack((a[:, 0], b[:, 0]), axis=1)), a.shape
        factors = [layout.fetch(array, rows[order], shape) for array, rows in zip(arrays, (a, b), strict=True)]
    outcome = in_full(layout.tape, reduce(mul, factors), shape)
    outcome = outcome if a.shape[1] == 1 else fold(add, outcome)
    return np.full(len(a), outcome.ref.number), np.argsort(order)
