"""Sums: what is added up at a level, sorted by where it lies.

Promise: a sum's terms are added in another order than they were recorded in, and nothing else changes. Terms of one
sum that lie in the same array are taken together (one fold, or one matrix product); sums that are made of the same
arrays in the same numbers of terms are computed side by side.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import reduce
from typing import Any, Self

import numpy as np

from ..engine.ops import add, neg, sub
from .chains import Chains, Ints
from .layout import CONSTANTS, Layout, distinct_rows
from .products import multiply
from .steps import Fold
from .trace import Trace

NOTHING = -2  # the home of the second factor of a term that is no product


@dataclass
class Terms:
    """The terms of sums, a column per fact: ``a`` and ``b`` are the factors' nodes, b is -1 if there is no product."""

    root: Ints
    sign: Ints
    a: Ints
    b: Ints

    def take(self, which: Ints) -> Self:
        """Some of the terms, in that order."""
        return type(self)(*(column[which] for column in vars(self).values()))


def all_terms(trace: Trace, chains: Chains) -> Terms:
    """The terms of every sum of the trace, sum by sum, each in the order of the recording."""
    nodes = np.flatnonzero(chains.linear)
    code = np.array([1 if operation is sub else 2 if operation is neg else 0 for operation in trace.operations])[nodes]
    sides = [(nodes, chains.left[nodes], np.where(code == 2, -1, 1)), (nodes, chains.right[nodes], 1 - 2 * (code == 1))]
    users, operands, signs = (np.stack(columns, axis=1).reshape(-1) for columns in zip(*sides, strict=True))
    inner = chains.absorbed[operands] & chains.linear[operands]
    kept = (operands >= 0) & ~inner
    users, operands, signs = users[kept], operands[kept], signs[kept] * chains.sign[users[kept]]
    product = chains.product[operands]
    a = np.where(product, chains.left[operands], operands)
    b = np.where(product, chains.right[operands], -1)
    for factor in (a, b):  # -w·x is a product with a minus
        turned = (factor >= 0) & chains.absorbed[factor] & ~chains.linear[factor] & (chains.right[factor] < 0) & product
        signs = np.where(turned, -signs, signs)
        factor[turned] = chains.left[factor[turned]]
    order = np.argsort(chains.root[users], kind="stable")
    return Terms(chains.root[users], signs, a, b).take(order)


class Sums:
    """All sums of a trace, lifted level by level."""

    def __init__(self, layout: Layout, trace: Trace, chains: Chains) -> None:
        self._layout = layout
        self._terms = all_terms(trace, chains)

    def lift(self, roots: Ints) -> None:
        """The sums of one level as array steps."""
        if not len(roots):
            return
        starts, ends = (np.searchsorted(self._terms.root, roots, side) for side in ("left", "right"))
        sizes = ends - starts
        shift = np.repeat(starts - np.concatenate(([0], np.cumsum(sizes)[:-1])), sizes)
        level = _Level(self._layout, self._terms.take(shift + np.arange(sizes.sum())))
        for signature, members in level.signatures().items():
            level.side_by_side(signature, members)


class _Level:
    """The terms of the sums of one level, sorted by sum, then by where they lie."""

    def __init__(self, layout: Layout, terms: Terms) -> None:
        self._layout = layout
        home, place = layout.home, layout.place
        terms = terms.take(~self._superfluous(layout, terms))
        swap = (terms.b >= 0) & (self._rank(np.maximum(terms.b, 0)) < self._rank(terms.a))
        a, b = np.where(swap, terms.b, terms.a), np.where(swap, terms.a, terms.b)
        plain = terms.b < 0
        homes = home[a], np.where(plain, NOTHING, home[b])
        places = place[a], np.where(plain, 0, place[b])
        many = len(layout.tape.steps) + 3
        kind = ((plain * many + homes[0] + 2) * many + homes[1] + 2) * 3 + np.where(plain, terms.sign + 1, 0)
        constant = homes[0] == CONSTANTS
        keys = (np.where(constant, places[1], places[0]), np.where(constant, places[0], places[1]))
        order = np.lexsort((keys[1], keys[0], kind, terms.root))
        self.root, self.sign, self.kind = terms.root[order], terms.sign[order], kind[order]
        self.homes = tuple(column[order] for column in homes)
        self.places = tuple(column[order] for column in places)

    def _rank(self, nodes: Ints) -> Ints:
        """Which factor is the matrix: parameters before constants before what is computed before what varies by row."""
        homes = self._layout.home[nodes]
        distinct, which = np.unique(homes, return_inverse=True)
        parameters, batched = self._layout.parameters.ref.number, self._layout.batched
        ranks = [
            0 if home == parameters else 1 if home == CONSTANTS else 2 + batched(home) for home in distinct.tolist()
        ]
        return np.array(ranks)[which]

    @staticmethod
    def _superfluous(layout: Layout, terms: Terms) -> Ints:
        """The 0 that Python's ``sum`` starts with, where there is anything else."""
        constant = (terms.b < 0) & (layout.home[terms.a] == CONSTANTS)
        zero = (
            constant & (layout.numbers[np.where(constant, layout.place[terms.a], 0)] == 0)
            if constant.any()
            else constant
        )
        _, sums = np.unique(terms.root, return_inverse=True)
        others = np.bincount(sums, weights=~zero)
        return zero & (others[sums] > 0)

    def signatures(self) -> dict[tuple[tuple[int, int], ...], list[tuple[int, list[int]]]]:
        """The sums by what they are made of: pairs of a kind of term and their number -> (root, where each starts)."""
        starts = np.flatnonzero(np.concatenate(([True], (np.diff(self.root) != 0) | (np.diff(self.kind) != 0))))
        counts = np.diff(np.concatenate((starts, [len(self.root)])))
        made: dict[int, tuple[list[tuple[int, int]], list[int]]] = defaultdict(lambda: ([], []))
        columns = (self.root[starts], self.kind[starts], counts, starts)
        for root, kind, count, start in zip(*(column.tolist() for column in columns), strict=True):
            parts, where = made[root]
            parts.append((kind, count))
            where.append(start)
        alike: dict[tuple[tuple[int, int], ...], list[tuple[int, list[int]]]] = defaultdict(list)
        for root, (parts, where) in made.items():
            alike[tuple(parts)].append((root, where))
        return alike

    def side_by_side(self, signature: tuple[tuple[int, int], ...], members: list[tuple[int, list[int]]]) -> None:
        """Sums that are made of the same arrays in the same numbers of terms."""
        roots = np.array([root for root, _ in members])
        starts = np.array([where for _, where in members])
        terms = [starts[:, [k]] + np.arange(count) for k, (_, count) in enumerate(signature)]
        columns = (self.places[0], self.places[1], self.sign)
        kinds, first = distinct_rows(np.concatenate([column[which] for which in terms for column in columns], axis=1))
        parts = [part for which in terms for part in self._parts(which[first])]
        homes = np.stack([home for home, _, _ in parts], axis=1)
        places = np.stack([place for _, place, _ in parts], axis=1)
        alike, representatives = distinct_rows(homes)
        for number, representative in enumerate(representatives.tolist()):
            which = np.flatnonzero(alike == number)
            order, outcome = self._combine(homes[representative].tolist(), places[which], [sign for *_, sign in parts])
            position = np.full(len(first), -1)
            position[which[order]] = np.arange(len(which))
            mine = position[kinds] >= 0
            self._layout.settle(roots[mine], outcome, position[kinds][mine])

    def _parts(self, which: Ints) -> list[tuple[Ints, Ints, int]]:
        """Terms of one kind, a row per sum, as parts with a home and a place for each sum, and their sign."""
        count, width = which.shape
        homes = [int(column[which.flat[0]]) for column in self.homes]
        signs = self.sign[which]
        sign = -1 if (signs < 0).all() else 1
        if homes[1] != NOTHING:
            return [(*multiply(self._layout, homes, tuple(p[which] for p in self.places), signs * sign), sign)]
        places = self.places[0][which]
        if width > 2:
            terms = self._layout.fetch_whole(homes[0], places)
            batched = self._layout.tape[terms].batched
            outcome = self._layout.tape.add(Fold((terms.ref,), (count,), batched, add))
            return [(np.full(count, outcome.ref.number), np.arange(count), sign)]
        return [(np.full(count, homes[0]), places[:, k], sign) for k in range(width)]

    def _combine(self, homes: list[int], places: Ints, signs: list[int]) -> tuple[Ints, Any]:
        """The parts added up element by element; the order of the elements, and the outcome."""
        order = self._layout.in_order(homes, places)
        places = places[order]
        shape = self._layout.shape_of(homes, places)
        fetched = [self._layout.fetch(home, places[:, k], shape) for k, home in enumerate(homes)]
        plus = [part for part, sign in zip(fetched, signs, strict=True) if sign > 0]
        minus = [part for part, sign in zip(fetched, signs, strict=True) if sign < 0]
        outcome = reduce(add, plus) if plus else neg(minus.pop(0))
        return order, self._layout.whole(reduce(sub, minus, outcome), shape)
