"""Chains: which nodes of a trace belong together, before anything is grouped.

Promise: each node is either absorbed by its only consumer or stands for itself, and what stands for itself has a level
above all that it is made of. One pass forwards, one pass backwards, a few passes over whole arrays.

A sum takes in its additions, subtractions and signs however they are bracketed, and the products that are its terms:
additions may be done in any order. Any other chain of an associative operation counts if it grows to the left, as
``functional.chain`` builds it, and has four terms or more: its order decides who gets the slope at a tie.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.operation import Operation
from ..engine.ops import add, mul, neg, sub
from .templates import ufunc
from .trace import Trace

SHORTEST = 4  # terms: shorter chains stay single operations, up to six times faster than a fold of a thousand rows

Ints = Any  # a one-dimensional array of integers


@dataclass(frozen=True)
class Chains:
    """What the passes found, an entry per node."""

    left: Ints
    right: Ints
    level: Ints  # 0 for leaves; an absorbed node has the level of its highest operand
    absorbed: Ints  # taken in by its consumer: as part of a sum, a product, or another chain
    linear: Ints  # an addition, subtraction or sign
    product: Ints  # a product that is a term of a sum
    chained: Ints  # a member of another chain than a sum, the last one included
    root: Ints  # the last node of the sum or chain that a member belongs to
    sign: Ints  # of a member within its sum: 1 or -1


def find_chains(trace: Trace) -> Chains:
    """Absorb what can be absorbed, and give levels to the rest."""
    left, right = np.array(trace.left), np.array(trace.right)
    code = {operation: number for number, operation in enumerate(dict.fromkeys(trace.operations))}
    kinds = np.array([code[operation] for operation in trace.operations])
    uses, consumer = _uses(left, right)
    linear = np.isin(kinds, [code.get(row, -1) for row in (add, sub, neg)])
    alone = (uses == 1) & (left >= 0)
    in_sum = alone & linear & linear[consumer]
    product = alone & (kinds == code.get(mul, -1)) & linear[consumer]
    in_factor = alone & (kinds == code.get(neg, -1)) & product[consumer] & ~in_sum[left] & ~product[left]
    linear &= ~in_factor
    chained, in_chain = _other_chains(kinds, code, left, alone, product, consumer)
    absorbed = in_sum | product | in_factor | in_chain
    root, sign = _roots(
        left, right, consumer, in_sum | in_chain, kinds == code.get(sub, -1), kinds == code.get(neg, -1)
    )
    level = _levels(trace, absorbed)
    return Chains(left, right, level, absorbed, linear, product, chained, root, sign)


def _uses(left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """How often each node is used, and by which node it was used last."""
    count = len(left)
    consumer = np.zeros(count, dtype=np.int64)
    uses = np.zeros(count, dtype=np.int64)
    for operand in (left, right):
        users = np.flatnonzero(operand >= 0)
        consumer[operand[users]] = users
        uses += np.bincount(operand[users], minlength=count)
    return uses, consumer


def _other_chains(
    kinds: Ints, code: dict[Operation | None, int], left: Ints, alone: Ints, product: Ints, consumer: Ints
) -> tuple[Ints, Ints]:
    """Members of chains that grow to the left, and those among them that are absorbed."""
    rows = [row for row in code if row is not None and row.associative and row is not add and ufunc(row)]
    candidate = np.isin(kinds, [code[row] for row in rows]) & ~product  # a term of a sum is taken in by the sum
    absorbed = (
        alone & candidate & candidate[consumer] & (kinds == kinds[consumer]) & (left[consumer] == np.arange(len(left)))
    )
    length = [0] * len(left)
    members = np.flatnonzero(candidate).tolist()
    taken, below, above = absorbed.tolist(), left.tolist(), consumer.tolist()
    for i in members:
        length[i] = length[below[i]] + 1 if length[below[i]] and taken[below[i]] else 2
    for i in reversed(members):
        if taken[i]:
            length[i] = length[above[i]]
    chained = candidate & (np.array(length) >= SHORTEST)
    return chained, absorbed & chained


def _roots(left: Ints, right: Ints, consumer: Ints, member: Ints, sub: Ints, neg: Ints) -> tuple[Ints, Ints]:
    count = len(left)
    negative = np.zeros(count, dtype=bool)  # the edge from a node to its consumer turns the sign
    negative[left[neg]] = True
    negative[right[sub]] = True
    root, sign = list(range(count)), [1] * count
    above, turned = consumer.tolist(), negative.tolist()
    for i in reversed(np.flatnonzero(member).tolist()):
        over = above[i]
        root[i] = root[over]
        sign[i] = -sign[over] if turned[i] else sign[over]
    return np.array(root), np.array(sign)


def _levels(trace: Trace, absorbed: Ints) -> Ints:
    level: list[int] = []
    for left, right, taken in zip(trace.left, trace.right, absorbed.tolist(), strict=True):
        if left < 0:
            level.append(0)
        else:
            below = level[left]
            if right >= 0 and level[right] > below:
                below = level[right]
            level.append(below if taken else below + 1)
    return np.array(level)
