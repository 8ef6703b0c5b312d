"""In which factor a formula went wrong, read off the way it is written.

Promise: a formula that is a product in the order of the chain is cut into pieces, one per factor; if all pieces but one
equal their factors at every point, the remaining one is the wrong one, whatever is wrong with it.
"""

from collections.abc import Sequence
from itertools import islice, pairwise
from math import isclose, isfinite, prod
from typing import Any

from ..engine.ops import add, div, mul, neg, sub
from ..notation.symbol import Symbol
from ._paths import largest_first
from .views import Ground, Pair, View

MOST_TERMS = 16
Row = tuple[float, ...]  # a number per point


def wrong_factors(ground: Ground, views: Sequence[View], written: Symbol, worth: Sequence[Any]) -> set[Pair]:
    """The factors that may be the wrong one; empty if the formula isn't written in the order of the chain.

    ``worth`` holds the numbers of the names at each point.
    """
    for merged in (True, False):
        found = _wrong_factors(ground, views, written, worth, merged)
        if found:
            return found
    return set()


def _wrong_factors(
    ground: Ground, views: Sequence[View], written: Symbol, worth: Sequence[Any], merged: bool
) -> set[Pair]:
    paths = [path.nodes for path in islice(largest_first(ground.named, ground.edges, ground.target), MOST_TERMS)]
    pairs = [[*pairwise(path)] for path in paths]
    rights = [[tuple(view.factor(pair) for view in views) for pair in term] for term in pairs]
    split = _merged if merged else _factors
    theirs = [[_at(part, worth) for part in split(term)] for term in _terms(written)]
    left = [*theirs]
    wrong = []
    for term, right in zip(pairs, rights, strict=True):
        same = next((row for row in left if _same(_product(row, len(views)), _product(right, len(views)))), None)
        if same is None:
            wrong.append((term, right))
        else:
            left.remove(same)
    if len(wrong) != 1 or len(left) != 1:
        return set()
    (term, right), row = wrong[0], left[0]
    return {*_odd(term, right, row), *_odd(term[::-1], right[::-1], row)}


def _odd(pairs: list[Pair], rights: list[Row], row: list[Row]) -> list[Pair]:
    """The factors that can be the only wrong one, if the row is cut into consecutive pieces."""
    ones = tuple(1.0 for _ in rights[0])
    starts = [{0}]  # where the piece for factor k can begin if all before are right
    for right in rights:
        starts.append({end for start in starts[-1] for end in _ends(row, start, right, ones)})
    backwards = [{0}]
    for right in reversed(rights):
        backwards.append({end for start in backwards[-1] for end in _ends(row[::-1], start, right, ones)})
    fits = []
    for k, pair in enumerate(pairs):
        after = backwards[len(rights) - 1 - k]
        if any(start + end <= len(row) for start in starts[k] for end in after):
            fits.append(pair)
    return fits


def _ends(row: list[Row], start: int, right: Row, ones: Row) -> list[int]:
    ends, so_far = [], ones
    for end in range(start, len(row) + 1):
        if end > start:
            so_far = tuple(a * b for a, b in zip(so_far, row[end - 1], strict=True))
        if _same(so_far, right):
            ends.append(end)
    return ends


def _terms(symbol: Symbol) -> list[Symbol]:
    terms, stack = [], [(symbol, False)]
    while stack:
        node, minus = stack.pop()
        if node.operation in (add, sub):
            a, b = node.operands
            stack += [(b, minus ^ (node.operation is sub)), (a, minus)]
        elif node.operation is neg and node.operands[0].operation in (add, sub):
            stack.append((node.operands[0], not minus))
        else:
            terms.append(-node if minus else node)
    return terms


def _factors(symbol: Symbol) -> list[Symbol]:
    """What is multiplied, in order; a minus sign stays with what follows it, a divisor is turned over."""
    factors: list[Symbol] = []
    stack: list[tuple[Symbol, bool, bool]] = [(symbol, False, False)]
    while stack:
        node, minus, below = stack.pop()
        if node.operation is neg:
            stack.append((node.operands[0], not minus, below))
        elif node.operation in (mul, div):
            a, b = node.operands
            stack += [(b, False, below ^ (node.operation is div)), (a, minus, below)]
        else:
            turned = 1.0 / node if below else node
            factors.append(-turned if minus else turned)
    return factors


def _merged(symbol: Symbol) -> list[Symbol]:
    """The factors, a number taken together with what it stands before, and a divisor with what it stands under."""
    merged: list[Symbol] = []
    waiting: Symbol | None = None
    for factor in _factors(symbol):
        if waiting is not None:
            factor, waiting = waiting * factor, None
        bare = factor.operands[0] if factor.operation is neg else factor
        if bare.is_number:
            waiting = factor
        elif bare.operation is div and bare.operands[1].is_number and bare.operands[0].is_number and merged:
            merged[-1] = merged[-1] * factor
        else:
            merged.append(factor)
    return merged if waiting is None else [*merged, waiting]


def _at(symbol: Symbol, worth: Sequence[Any]) -> Row:
    return tuple(symbol.evaluate(numbers) for numbers in worth)


def _product(rows: list[Row], count: int) -> Row:
    return tuple(prod(row[k] for row in rows) for k in range(count))


def _same(one: Row, other: Row) -> bool:
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if isfinite(a) and isfinite(b)]
    return bool(pairs) and all(isclose(a, b, rel_tol=1e-8, abs_tol=1e-13) for a, b in pairs)
