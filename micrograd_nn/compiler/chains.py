"""Chains: which nodes of a trace are lifted together, before anything is grouped.

A node is fused into its only consumer, or kept. What is kept has a level above all that it is made of.

A sum takes in its additions, subtractions and signs however they are bracketed, and the products that are its terms:
additions may be done in any order. Any other chain of an associative operation counts if it grows to the left, as
``functional.chain`` builds it, and is long enough: its order decides who gets the slope at a tie.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..engine.operation import Operation
from ..engine.ops import add, mul, neg, sub
from .steps import Ints
from .trace import Trace

SHORTEST = 3  # terms: two are an operation like any other


@dataclass(frozen=True)
class Chains:
    """What was found, an entry per node."""

    left: Ints
    right: Ints
    level: Ints  # 0 for leaves; a fused node has the level of its highest operand
    fused: Ints  # part of its only consumer: of a sum, of a product, of another chain
    linear: Ints  # an addition, subtraction or sign
    sub: Ints  # a subtraction
    neg: Ints  # a sign
    product: Ints  # a product that is a term of a sum
    minus: Ints  # the sign of a factor of such a product
    chained: Ints  # a member of another chain than a sum, the last one included
    root: Ints  # of a member of a sum: the sum's last node
    sign: Ints  # of a member within its sum: 1 or -1


def find_chains(trace: Trace) -> Chains:
    """Fuse what can be fused, and give levels to the rest."""
    left, right = np.array(trace.left), np.array(trace.right)
    is_a = _kinds(trace.operations)
    sums, subs, negs = is_a(add), is_a(sub), is_a(neg)
    uses, consumer = _uses(left, right)
    alone = (uses == 1) & (left >= 0)  # what may be fused
    linear = sums | subs | negs
    in_sum = alone & linear & linear[consumer]
    product = alone & is_a(mul) & linear[consumer]
    minus = alone & negs & product[consumer] & ~in_sum[left] & ~product[left]
    linear &= ~minus
    rows = {row for row in trace.operations if row is not None and row.associative and row is not add}
    chainable = np.zeros(len(trace), dtype=bool)
    link = np.zeros(len(trace), dtype=bool)  # from a member of a chain to the next
    grows = alone & (left[consumer] == np.arange(len(trace)))
    for row in rows:
        members = is_a(row) & ~product  # a term of a sum is part of the sum
        chainable |= members
        link |= grows & members & members[consumer]
    negative = np.zeros(len(trace), dtype=bool)  # the sign turns on the way from a node to its consumer
    negative[left[negs]] = negative[right[subs]] = True
    root, sign = _roots(in_sum | link, consumer, negative)
    terms = np.bincount(root[chainable], minlength=len(trace)) + 1
    chained = chainable & (terms[root] >= SHORTEST)
    fused = in_sum | product | minus | (link & chained)
    level = _levels(trace, fused)
    return Chains(left, right, level, fused, linear, subs, negs, product, minus, chained, root, sign)


def _kinds(operations: list[Operation | None]) -> Callable[[Operation], Ints]:
    """A function that tells which nodes are of an operation."""
    code = {operation: number for number, operation in enumerate(dict.fromkeys(operations))}
    codes = np.array([code[operation] for operation in operations])
    return lambda row: codes == code.get(row, -1)


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
            below = level[left]
            if right >= 0 and level[right] > below:
                below = level[right]
            level.append(below if inside else below + 1)
    return np.array(level)
