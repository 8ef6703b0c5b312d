"""Chains: which nodes of a traced graph are lifted together."""

import numpy as np

from ..engine.ops import add, mul, neg, sub
from .steps import Ints
from .trace import Trace

SHORTEST = 3  # terms: two are an operation like any other


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
        in_sum = alone & linear & linear[consumer]
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
