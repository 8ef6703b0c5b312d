"""In which factor a formula went wrong, read off the way it is written.

Promise: a factor is located only where a term is written in the order of the chain, from either end, and the pieces
before that factor and behind it come to the other factors at every point, whatever is wrong in between.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import accumulate, islice, pairwise, starmap
from math import inf, isclose, isfinite
from operator import mul as times

from ..engine.operation import Operation
from ..engine.ops import add, div, mul, neg, sub
from ..notation.symbol import Symbol
from ._paths import largest_first
from .chain import Numbers
from .named import Pair

MOST_TERMS = 16
INVERSE = {add: sub, mul: div}
Outcome = tuple[float, ...]  # what something comes to, at each point


def wrong_factors(points: Sequence[Numbers], written: Symbol) -> set[Pair]:
    """The factors that may be the wrong one; empty if the formula isn't written in the order of the chain."""
    chain = points[0].chain
    paths = islice(largest_first(chain.named, chain.edges, chain.target), MOST_TERMS)
    ways = [[(pair, tuple(at.factor(pair) for at in points)) for pair in pairwise(path.nodes)] for path in paths]
    wholes = [_heads([right for _, right in way])[-1] for way in ways]
    terms = _parts(written, add)
    for summands in (terms, [part for term in terms for part in _multiplied_out(term)]):
        outcomes = [_at(term, points) for term in summands]
        wrong = [term for term, outcome in zip(summands, outcomes, strict=True) if not _is_among(outcome, wholes)]
        if not wrong:
            return set()  # all that is written is right, and some terms are missing
        missed = [way for way, whole in zip(ways, wholes, strict=True) if not _is_among(whole, outcomes)]
        for cut in (_merged, _parts) if len(wrong) == len(missed) else ():
            rows = [[_at(piece, points) for piece in cut(term, mul)] for term in wrong]
            orders = [order for way in missed for order in (way, way[::-1])]
            found = [{pair for order in orders for pair in _odd(order, row)} for row in rows]
            if all(found):
                return set.intersection(*found, *({pair for pair, _ in way} for way in missed))  # wrong in each
    return set()


def _odd(way: Sequence[tuple[Pair, Outcome]], pieces: list[Outcome]) -> Iterator[Pair]:
    """The factors that can be the only wrong one, if the pieces are written in the order of the factors."""
    rights = [right for _, right in way]
    before, behind = _heads(rights), _heads(rights[::-1])[-2::-1]
    heads, tails = _heads(pieces), _heads(pieces[::-1])
    for (pair, _), first, last in zip(way, before, behind, strict=False):
        starts = (n for n, head in enumerate(heads) if _is_among(head, [first]))
        ends = (n for n, tail in enumerate(tails) if _is_among(tail, [last]))
        if next(starts, len(heads)) + next(ends, len(heads)) <= len(pieces):  # what is left stands for this factor
            yield pair


def _heads(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The products of the first 0, 1, 2, … outcomes."""
    ones = (1.0,) * len(outcomes[0])
    return [*accumulate(outcomes, lambda a, b: tuple(x * y for x, y in zip(a, b, strict=True)), initial=ones)]


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


def _merged(product: Symbol, joined: Operation) -> list[Symbol]:
    """The factors, a number taken together with what it stands before, and a divisor with what it stands under."""
    merged: list[Symbol] = []
    waiting = False
    for part in _parts(product, joined):
        constant = not any(leaf.name for leaf in part.parts())
        under = constant and part.operation is div
        if merged and (waiting or under):
            merged[-1] = merged[-1] * part
        else:
            merged.append(part)
        waiting = constant and (waiting or not under)
    return merged


def _multiplied_out(product: Symbol) -> list[Symbol]:
    """Its terms, if its last factor is a sum."""
    *before, last = _parts(product, mul)
    return [reduce(times, [*before, term]) for term in _parts(last, add)]


def _at(symbol: Symbol, points: Sequence[Numbers]) -> Outcome:
    made = symbol.fold(
        lambda leaf: [numbers.named[leaf.name] if leaf.name else leaf.number for numbers in points],
        lambda operation, *operands: [*map(operation.forward, *operands)],
    )
    return tuple(made)


def _is_among(one: Outcome, others: Iterable[Outcome]) -> bool:
    """Is one of the others the same wherever both are finite, and is there such a point?"""
    for other in others:
        pairs = ((a, b) for a, b in zip(one, other, strict=True) if isfinite(a) and isfinite(b))
        if _are_close(*next(pairs, (0.0, inf))) and all(starmap(_are_close, pairs)):
            return True
    return False


def _are_close(a: float, b: float) -> bool:
    return isclose(a, b, rel_tol=1e-8, abs_tol=1e-13)
