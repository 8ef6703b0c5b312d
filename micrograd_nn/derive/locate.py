"""In which factor a formula went wrong, read off the way it is written.

Promise: a formula that is a product in the order of the chain is cut into pieces, one per factor; if all pieces but one
equal their factors at every point, the remaining one is the wrong one, whatever is wrong with it.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, islice, pairwise
from math import isclose, isfinite
from typing import Any

from ..engine.operation import Operation
from ..engine.ops import add, div, mul, neg, sub
from ..notation.symbol import Symbol
from ._paths import largest_first
from .chain import Numbers, Pair

MOST_TERMS = 16
INVERSE = {add: sub, mul: div}
Outcome = tuple[float, ...]  # what something comes to, at each point


def wrong_factors(fresh: Sequence[Numbers], written: Symbol) -> set[Pair]:
    """The factors that may be the wrong one; empty if the formula isn't written in the order of the chain."""
    chain, named = fresh[0].chain, [numbers.named for numbers in fresh]
    paths = islice(largest_first(chain.named, chain.edges, chain.target), MOST_TERMS)
    theirs = {term: _at(term, named) for term in _parts(written, add)}
    unmatched = []
    for path in paths:
        pairs = [*pairwise(path.nodes)]
        rights = [tuple(numbers.factor(pair) for numbers in fresh) for pair in pairs]
        *_, whole = _products(rights, len(fresh))
        same = next((term for term, outcome in theirs.items() if _same(outcome, whole)), None)
        if same is None:
            unmatched.append((pairs, rights))
        else:
            del theirs[same]
    if len(unmatched) != 1 or len(theirs) != 1:
        return set()
    (pairs, rights), (term,) = unmatched[0], theirs
    cuts = ([_at(part, named) for part in parts] for parts in (_merged(term), _parts(term, mul)))
    found = ({*_odd(pairs, rights, pieces), *_odd(pairs[::-1], rights[::-1], pieces)} for pieces in cuts)
    return next(filter(None, found), set())


def _odd(pairs: list[Pair], rights: list[Outcome], pieces: list[Outcome]) -> list[Pair]:
    """The factors that can be the only wrong one, if the pieces are written in the order of the factors."""
    before, after = _ends(rights, pieces), _ends(rights[::-1], pieces[::-1])[::-1]
    return [
        pair
        for pair, first, last in zip(pairs, before, after[1:], strict=False)
        if first and last and min(first) + min(last) <= len(pieces)  # what is left over stands for this factor
    ]


def _ends(rights: list[Outcome], pieces: list[Outcome]) -> list[set[int]]:
    """How many pieces the first 0, 1, 2, … factors can take up, if they are right."""
    ends = [{0}]
    for right in rights:
        taken = ((start + n, p) for start in ends[-1] for n, p in enumerate(_products(pieces[start:], len(right))))
        ends.append({end for end, product in taken if _same(product, right)})
    return ends


def _products(outcomes: list[Outcome], points: int) -> Iterator[Outcome]:
    """The product of the first 0, 1, 2, … outcomes."""
    return accumulate(outcomes, lambda a, b: tuple(x * y for x, y in zip(a, b, strict=True)), initial=(1.0,) * points)


def _parts(symbol: Symbol, joined: Operation) -> list[Symbol]:
    """What is added up, or multiplied, in order; a minus sign stays with what follows it, a divisor is turned over."""
    parts: list[Symbol] = []
    stack: list[tuple[Symbol, bool, bool]] = [(symbol, False, False)]
    while stack:
        node, minus, below = stack.pop()
        if node.operation is neg:
            stack.append((node.operands[0], not minus, below))
        elif node.operation in (joined, INVERSE[joined]):
            a, b = node.operands
            stack += [(b, minus and joined is add, below ^ (node.operation is not joined)), (a, minus, below)]
        else:
            turned = node if not below else -node if joined is add else 1.0 / node
            parts.append(-turned if minus else turned)
    return parts


def _merged(symbol: Symbol) -> list[Symbol]:
    """The factors, a number taken together with what it stands before, and a divisor with what it stands under."""
    merged: list[Symbol] = []
    waiting: Symbol | None = None
    for factor in _parts(symbol, mul):
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


def _at(symbol: Symbol, named: Sequence[Mapping[Any, float]]) -> Outcome:
    return tuple(symbol.evaluate(numbers) for numbers in named)


def _same(one: Outcome, other: Outcome) -> bool:
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if isfinite(a) and isfinite(b)]
    return bool(pairs) and all(isclose(a, b, rel_tol=1e-8, abs_tol=1e-13) for a, b in pairs)
