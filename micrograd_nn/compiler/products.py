"""Products: sums over k of a·b, as matrix products where they are.

Promise: each sum is found again at its place; what is no complete grid is multiplied element by element and folded.

The grid rule. Every sum is a row of factors a and a row of factors b. Sums whose rows of a meet the same rows of b
form a grid, one sum for each pair, and a grid is one matrix product: the neurons of a layer are rows of weights that
all meet one row of inputs; over a recorded batch they meet a row of inputs for each sample. Factors are paired in the
order of the weights or, where that gives no grids, in the order of the inputs.
"""

from collections import defaultdict
from typing import Any

import numpy as np

from ..engine.ops import add
from .chains import Ints
from .layout import CONSTANTS, Layout, constant, distinct_rows
from .steps import Fold, MatMul, Tracer

MANY = 4  # so many grids, or more, must have this number of sums each; else it is no matrix product
SUMS = 16

Grid = tuple[Ints, Ints, Ints]  # which sums; their row of a; their row of b


def multiply(layout: Layout, homes: Any, places: Any, signs: Ints) -> tuple[Ints, Ints]:
    """The sums of products, a row of places and signs for each: for each sum the home and the place of its number."""
    for by in (None, places[1]):
        ordered = _reorder(by, *places, signs)
        grids = _grids(layout, homes, *ordered)
        if grids:
            home, place = np.zeros((2, len(signs)), dtype=np.int64)
            for grid in grids:
                outcome = _product(layout, homes, ordered, grid)
                home[grid[0]] = outcome.ref.number
                place[grid[0]] = grid[2] * (grid[1].max() + 1) + grid[1]
            return home, place
    return _one_by_one(layout, homes, places, signs)


def _reorder(by: Any, *columns: Ints) -> tuple[Ints, ...]:
    if by is None:
        return columns
    order = np.argsort(by, axis=1, kind="stable")
    return tuple(np.take_along_axis(column, order, axis=1) for column in columns)


def _grids(layout: Layout, homes: Any, a: Ints, b: Ints, signs: Ints) -> list[Grid]:
    """The complete grids that the sums fall into; none if they are no matrix products."""
    if layout.batched(homes[0]):
        return []
    rows_a, first_a = distinct_rows(np.concatenate((a, signs), axis=1) if (signs < 0).any() else a)
    rows_b, first_b = distinct_rows(b)
    meets: dict[int, set[int]] = defaultdict(set)
    for row_a, row_b in zip(rows_a.tolist(), rows_b.tolist(), strict=True):
        meets[row_a].add(row_b)
    alike: dict[frozenset[int], list[int]] = defaultdict(list)
    for row_a, met in meets.items():
        alike[frozenset(met)].append(row_a)
    if len(alike) >= MANY and len(a) < SUMS * len(alike):
        return []
    if a.shape[1] == 1 and any(len(met) == 1 or len(members) == 1 for met, members in alike.items()):
        return []
    rank_a, rank_b = (_ranks(home, p[f]) for home, p, f in zip(homes, (a, b), (first_a, first_b), strict=True))
    grids = []
    for members in alike.values():
        sums = np.flatnonzero(np.isin(rows_a, members))
        grids.append((sums, _dense(rank_a[rows_a[sums]]), _dense(rank_b[rows_b[sums]])))
    return grids


def _ranks(home: int, rows: Ints) -> Ints:
    """The order of the rows: that of their first numbers; of constants, that of their first appearance."""
    if home == CONSTANTS:
        return np.arange(len(rows))
    return np.argsort(np.lexsort((np.arange(len(rows)), rows[:, 0])))


def _dense(ranks: Ints) -> Ints:
    return np.unique(ranks, return_inverse=True)[1].reshape(-1)


def _product(layout: Layout, homes: Any, ordered: tuple[Ints, ...], grid: Grid) -> Tracer:
    a, b, signs = ordered
    sums, row_a, row_b = grid
    first_a, first_b = (sums[np.unique(rows, return_index=True)[1]] for rows in (row_a, row_b))
    left = layout.fetch_whole(homes[0], a[first_a])
    if (signs[first_a] < 0).any():
        left = left * _signs(layout, signs[first_a])
    right = layout.fetch_whole(homes[1], b[first_b] if len(first_b) > 1 else b[first_b[0]])
    shape = (len(first_a),) if len(first_b) == 1 else (len(first_b), len(first_a))
    batched = layout.tape[right].batched
    return layout.tape.add(MatMul((right.ref, left.ref), shape, batched))


def _signs(layout: Layout, signs: Ints) -> Tracer:
    return constant(layout.tape, signs, signs.shape)


def _one_by_one(layout: Layout, homes: Any, places: Any, signs: Ints) -> tuple[Ints, Ints]:
    count, width = signs.shape
    order = layout.in_order(homes, np.stack([place[:, 0] for place in places], axis=1))
    places, signs = [place[order] for place in places], signs[order]
    lone = width == 1  # a single product needs no fold, and keeps the shape of what it is made of
    shape = layout.shape_of(homes, np.concatenate(places, axis=1)) if lone else (count, width)
    a, b = (layout.fetch(home, place.reshape(-1), shape) for home, place in zip(homes, places, strict=True))
    product = a * b
    if (signs < 0).any():
        product = product * _signs(layout, signs.reshape(shape))
    outcome = layout.whole(product, shape)
    if not lone:
        batched = layout.tape[outcome].batched
        outcome = layout.tape.add(Fold((outcome.ref,), (count,), batched, add))
    return np.full(count, outcome.ref.number), np.argsort(order)
