"""Numbers for a sheet: one decimal place, in the domain of every operation, with nothing dead where that can be had.

Promise (tests/test_sheets.py): the same graph and seed give the same numbers for ever; a target stays where its loss is
defined; where such numbers are found, every relu is alive and at most a quarter of the answers are 0.
"""

import re
from collections.abc import Sequence
from functools import reduce
from math import copysign, inf, isclose, isfinite
from operator import or_
from random import Random

from ..engine.backprop import replay
from ..engine.ops import log, mul, neg, sub
from ..engine.value import Constant, Value, topological_order
from ..errors import ArgumentError
from .chain import Point
from .units import in_domain

TRIES = 200  # draws until one lies in the domain, or until nothing is dead
FRESH = 20  # draws of all numbers; after these, the best of them is changed in two places at a time
TARGET = re.compile(r"(y|t|target)_?\d*")  # what a textbook calls the wanted outcome

Numbers = dict[Value, float]


def drawn_point(
    root: Value, leaves: Sequence[Value], asked: Sequence[Value], told: Sequence[Value], draw: Random
) -> Point:
    """The graph at the best of some draws of its leaves; asked for are gradients of some nodes, and values of others.

    Raises ArgumentError if none of the draws lies in the domain of every operation.
    """
    order = topological_order(root)
    (choices, stay), best, fewest = targets_of(order, leaves), Numbers(), inf
    targets = {*stay, *(leaf for options in choices for leaf in options[0])}
    for turn in range(TRIES):
        if best and turn >= FRESH:
            moved = _drawn(draw.choices(leaves, k=2), draw)
            numbers = best | {leaf: number for leaf, number in moved.items() if leaf not in targets}
        else:
            if turn < TRIES // 2:
                numbers = _drawn(leaves, draw)
            else:  # narrow is the domain: below 1, with the signs that were recorded
                numbers = {leaf: copysign(draw.randint(1, 9) / 10.0, leaf.data) for leaf in leaves}
            numbers = reduce(or_, [draw.choice(options) for options in choices], numbers) | stay
        faults = _faults(Point(replay(root, numbers)), order, asked, told)
        if faults < fewest:
            best, fewest = numbers, faults
        if not fewest:
            break
    if not best:
        raise ArgumentError(f"{TRIES} draws of numbers, and none lies in the domain of every operation of this graph")
    return Point(replay(root, best))


def _drawn(leaves: Sequence[Value], draw: Random) -> Numbers:
    return {leaf: draw.choice((-1.0, 1.0)) * draw.randint(1, 20) / 10.0 for leaf in leaves}


def _faults(point: Point, order: Sequence[Value], asked: Sequence[Value], told: Sequence[Value]) -> float:
    """How much a point has that a sheet should not: dead operations, and zeros beyond a quarter; inf, if it is none."""
    if not all(isfinite(number) and in_domain(node, point.values) for node, number in point.values.items()):
        return inf
    adjoints = point.adjoints(order)
    answers = [*(adjoints.get(node, 0.0) for node in asked), *(point.values[node] for node in told)]
    if not all(map(isfinite, answers)):
        return inf
    dead = sum(is_dead(node, point) for node in order)
    return dead + max(0, 4 * answers.count(0.0) - len(answers))


def is_dead(node: Value, point: Point) -> bool:
    """Does an operation with a corner, such as a relu, let nothing through at a point?"""
    if node.operation is None or not node.operation.kinks:
        return False
    towards = zip(node.operands, point.slopes[node], strict=True)
    return all(slope == 0.0 for operand, slope in towards if not isinstance(operand, Constant))


# ---- targets ----


def targets_of(order: Sequence[Value], leaves: Sequence[Value]) -> tuple[list[list[Numbers]], Numbers]:
    """The targets of a loss, by how they enter it and by what was recorded: what each may hold, and what stays.

    A y that enters as y·a + (1 − y)·b is a share, 0 or 1. Leaves y1, y2, … that enter as factors of what was computed
    are one-hot, if these are logarithms, or if they were recorded with a sum of 1. Another such y that was recorded as
    −1, 0 or 1 stays: of a hinge it is −1 or 1, of a cross-entropy 0 or 1, and how it enters does not tell.
    """
    weighed = _weighed(order)
    products = {factor for node in order if node.operation is mul for factor in node.operands}
    less = {node.right for node in order if node in products and _is_one_less(node)}
    choices, stay, families = list[list[Numbers]](), Numbers(), dict[str, list[Value]]()
    for leaf in leaves:
        called = TARGET.fullmatch(leaf.label)
        if leaf in less and weighed[leaf]:
            choices.append([{leaf: 0.0}, {leaf: 1.0}])
        elif called and weighed[leaf] and all(other.operation for other in weighed[leaf]):
            families.setdefault(called[1], []).append(leaf)
    for family in families.values():
        of_logarithms = all(_is_logarithm(other) for leaf in family for other in weighed[leaf])
        shares = len(family) > 1 and isclose(sum(leaf.data for leaf in family), 1.0)
        if of_logarithms or (shares and min(leaf.data for leaf in family) >= 0.0):
            choices.append([{leaf: float(leaf is hot) for leaf in family} for hot in family])
        else:
            stay |= {leaf: leaf.data for leaf in family if leaf.data in (-1.0, 0.0, 1.0)}
    return choices, stay


def _weighed(order: Sequence[Value]) -> dict[Value, list[Value]]:
    """By node: what it is multiplied with, itself or its negative; nothing if it is used in any other way, too."""
    found: dict[Value, list[Value]] = {node: [] for node in order}
    otherwise = set[Value]()
    for node in order:
        bare = [operand.left if operand.operation is neg else operand for operand in node.operands]
        if node.operation is mul:
            found[bare[0]].append(bare[1])
            found[bare[1]].append(bare[0])
        elif node.operation is not neg and not _is_one_less(node):
            otherwise.update(bare)
    return {node: [] if node in otherwise else others for node, others in found.items()}


def _is_logarithm(node: Value) -> bool:
    return node.operation is not None and node.operation.sign == log.sign


def _is_one_less(node: Value) -> bool:
    """Is this 1 − something?"""
    return node.operation is sub and isinstance(node.left, Constant) and node.left.data == 1.0
