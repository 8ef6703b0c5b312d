"""What a textbook derives in one step, though the graph takes several: a softmax, a chain of logaddexp, ln(p).

A unit is recognised by how it was recorded, so graphs that a person wrote have units as those of the library have, and
recording pays nothing for it. Whatever only looks like a unit is derived step by step. A unit is its way down in one
step: each node that it takes in, with the slope towards it as the textbook has it and as the number that was recorded.
"""

from collections.abc import Callable, Mapping
from functools import cache, reduce
from math import isclose
from operator import add as plus

from ..engine.graph import postorder
from ..engine.operation import Operation
from ..engine.ops import add, div, exp, logaddexp, maximum, softplus, stop_gradient, sub
from ..engine.value import Constant, Value, edges
from ..notation._simplify import Tidy, product
from ..notation.symbol import Symbol

LARGEST = 700.0  # up to here exp(z1)/(exp(z1) + …) can be worked out as it is written
SHIFT = (stop_gradient, maximum)  # the largest of some values, held constant
TINY = 1e-6  # a maximum with a constant from 0 up to this is taken for safety, and a textbook doesn't write it

Names = Mapping[Value, str]
Symbols = Mapping[Value, Tidy]
Unit = list[tuple[Value, tuple[Tidy, float]]]  # an input, and ∂out/∂input


def unit_at(out: Value, names: Names, symbols: Symbols, uses: Mapping[Value, int]) -> Unit | None:
    """The unit whose outcome a node is; None for an ordinary node.

    A node with a name stays in sight: it is inside of none. ``uses`` is how many operations take each node up.
    """
    if (p := let_through(out)) is not None:
        return [(p, (Tidy.of(1.0), out.dleft))]
    return _softmax(out, names, symbols) or _cross_entropy(out, names, symbols) or _chain(out, names, symbols, uses)


def let_through(node: Value) -> Value | None:
    """p for the max(p, 1e-44) below a logarithm, where p is the larger one; None for any other node."""
    return node.left if _is_clamp(node) and node.left.data > node.right.data else None


def shifts(share: Value) -> dict[Value, Value]:
    """z by each z − m in a softmax exp(z − m)/Σ, m being held constant for safety; none in any other node."""
    whole = share.right if share.operation is div else None
    exponents = [power.left for power in _powers(whole)] if whole is not None and whole.operation is add else []
    return dict(zip(exponents, _without_shift(exponents), strict=True))


def in_domain(node: Value, values: Mapping[Value, float]) -> bool:
    """Is a node real where the graph has these numbers, and the formula that a textbook has for it?"""
    if node.operation is None:
        return True
    if _is_clamp(node) and not values[node.left] > node.right.data:
        return False
    return node.operation.domain.holds(*[values[operand] for operand in node.operands])


def _is_clamp(node: Value) -> bool:
    return node.operation is maximum and isinstance(node.right, Constant) and 0.0 < node.right.data <= TINY


def _softmax(share: Value, names: Names, symbols: Symbols) -> Unit | None:
    """exp(zi − m)/(exp(z1 − m) + … + exp(zn − m)), with an m that is held constant or without one, and with a name.

    ∂o2/∂z2 = o2(1 − o2), and ∂o2/∂z1 = −o2·o1.
    """
    if share.operation is not div or share.right.operation is not add or share not in names:
        return None
    powers = _powers(share.right)
    inputs = _without_shift([power.left for power in powers])
    inner = frozenset({share.right, *powers, *(power.left for power in powers)} - {*inputs})
    if share.left not in powers or not inner.isdisjoint(names):
        return None
    shares = {node.left: symbols[node] for node in names if node.operation is div and node.right is share.right}
    if len(shares) < len(powers) and any(abs(z.data) > LARGEST for z in inputs):
        return None
    whole = reduce(plus, [exp(symbols[z]) for z in inputs])
    steps = []
    for power, z in zip(powers, inputs, strict=True):
        o, other = symbols[share], shares[power] if power in shares else exp(symbols[z]) / whole
        slope = product([o, 1.0 - o] if power is share.left else [Tidy.of(-1.0), o, other])
        through = (share.dleft if power is share.left else 0.0) + share.dright
        steps.append((z, (slope, through * power.dleft)))
    return steps


def _powers(whole: Value) -> dict[Value, None]:
    """The powers of e that are added up, in order; none if something else is among them, or one of them twice."""
    nodes = [*postorder(whole, lambda node: node.operands if node.operation is add else ())]
    powers = [node for node in nodes if node.operation is exp]
    return dict.fromkeys(powers if len(nodes) == 2 * len(powers) - 1 else ())  # a list finds what has the same number


def _without_shift(exponents: list[Value]) -> list[Value]:
    """The z of each z − m, with one m for all that is held constant; the exponents themselves if they have none."""
    shifts = {node.right for node in exponents if node.operation is sub and node.right.operation is stop_gradient}
    shifted = len(shifts) == 1 and all(node.operation is sub and node.right in shifts for node in exponents)
    return [node.left for node in exponents] if shifted else exponents


def _cross_entropy(top: Value, names: Names, symbols: Symbols) -> Unit | None:
    """−ln softmax(z)[k] from how far the other z are ahead of zk, and ln(e^(z1 − t) + … + e^(zn − t)) with any t.

    ∂L/∂z2 = p2, but p2 − 1 for a zk, and ∂L/∂t = −1.
    """
    terms, label = _differences(top, names)
    shifts, classes = {node.right for node, _ in terms}, [node.left for node, _ in terms]
    if len(shifts) != 1 or len({*classes}) < len(classes) or any(abs(z.data) > LARGEST for z in classes):
        return None
    (shift,) = shifts
    if label and shift.operation is not stop_gradient:
        return None
    below = postorder(shift, lambda node: node.operands if node.operation in SHIFT else ())
    place = {z: i for i, z in enumerate(below)}  # in which order the largest was looked for
    whole = reduce(plus, [exp(symbols[z]) for z in sorted(classes, key=lambda z: place.get(z, 0))])
    shares = [exp(symbols[z]) / whole for z in classes]
    if label:
        shares[-1] = shares[-1] - 1.0
    steps = [(z, (share, slope)) for z, share, (_, slope) in zip(classes, shares, terms, strict=True)]
    return steps if label else [*steps, (shift, (Tidy.of(-1.0), -sum(slope for _, slope in terms)))]


def _differences(top: Value, names: Names) -> tuple[list[tuple[Value, float]], bool]:
    """Each zj − m with ∂top/∂(zj − m), that of zk last, and whether there is a zk; nothing if others are among them."""
    chain, slope, own = top, 1.0, list[tuple[Value, float]]()
    if top.operation is softplus and top.left.operation is sub and top.left not in names:
        chain, slope, own = top.left.left, top.dleft, [(top.left.right, -top.dleft)]
    terms = [(chain, slope), *own]
    if chain.operation is logaddexp and (chain is top or chain not in names):
        met = {*names}

        def inside(link: Value) -> bool:
            """Is it met for the first time, and without a name?"""
            new = link not in met
            met.add(link)
            return new

        terms = [*((node, slope * to) for node, to, _ in _terms(chain, inside)), *own]
    plain = all(node.operation is sub and node not in names for node, _ in terms) and len(terms) > 1
    return (terms if plain else []), bool(own)


def _chain(top: Value, names: Names, symbols: Symbols, uses: Mapping[Value, int]) -> Unit | None:
    """A chain of an operation, such as logaddexp, whose slopes are made of their own operand and the outcome alone.

    ∂top/∂a = exp(a − top) for each a, where the chain rule would write a factor per link.
    """
    row = top.operation
    if row is None or not row.associative or not _knows_itself_only(row):
        return None
    steps, same = [], True
    for node, slope, (link, i) in _terms(top, lambda node: node not in names and uses[node] == 1):
        operands = link.operands
        symbol = Tidy.of(row.textbook[i](*[symbols[operand] for operand in operands], symbols[top]))
        same &= isclose(row.textbook[i](*[o.data for o in operands], top.data), slope, rel_tol=1e-6)
        steps.append((node, (symbol, slope)))
    return steps if same and len(steps) > 2 else None


def _terms(top: Value, inside: Callable[[Value], bool]) -> list[tuple[Value, float, tuple[Value, int]]]:
    """The terms of a chain in order: each with ∂top/∂term, its link, and which operand of the link it is."""
    terms = []
    stack = [(operand, slope, (top, i)) for i, (operand, slope) in enumerate(edges(top))][::-1]
    while stack:
        node, slope, place = stack.pop()
        if node.operation is top.operation and inside(node):
            stack += [(node.right, slope * node.dright, (node, 1)), (node.left, slope * node.dleft, (node, 0))]
        else:
            terms.append((node, slope, place))
    return terms


@cache
def _knows_itself_only(row: Operation) -> bool:
    """Is each slope made of its own operand and the outcome alone?"""
    return all(other not in {part.name for part in slope_in_letters(row, i).parts()} for i, other in enumerate("ba"))


def slope_in_letters(row: Operation, i: int) -> Symbol:
    """What the textbook has for an operation's slope towards operand i, with a and b for the operands and out."""
    return Symbol.of(row.textbook[i](*map(Symbol, "ab"[: row.arity]), Symbol("out")))
