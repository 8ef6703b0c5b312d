"""What a textbook derives in one step, though the graph takes several: a softmax, a chain of logaddexp.

A unit is recognised by how it was recorded, so graphs that a person wrote have units as those of the library have, and
recording pays nothing for it. Whatever only looks like a unit is derived step by step. Who explains, checks or draws
asks here what a unit takes in and what its slopes are; the recorded nodes inside of it are in ``inner``.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from math import isclose
from operator import add as plus

from ..engine.operation import Operation
from ..engine.ops import add, div, exp, stop_gradient, sub
from ..engine.value import Value
from ..notation._simplify import Tidy, product
from ..notation.symbol import Symbol

LARGEST = 700.0  # up to here exp(z1)/(exp(z1) + …) can be worked out as it is written


@dataclass(frozen=True, eq=False)
class Unit:
    """Several recorded nodes that are one step of the textbook, from inputs to out."""

    name: str  # the field's noun
    out: Value
    inner: frozenset[Value]  # the nodes between
    inputs: tuple[Value, ...]  # one twice if it enters twice
    slopes: tuple[float, ...]  # ∂out/∂input for each input, as recorded
    textbook: Callable[[Mapping[Value, Tidy]], Sequence[Tidy]]  # the same in symbols, made of those of the nodes


class Units:
    """The units of a graph in which some nodes have names: what is named stays in sight, and is inside of no unit."""

    def __init__(self, order: Iterable[Value], names: Mapping[Value, str]) -> None:
        self.names = names
        self._uses = Counter(operand for node in order for operand in node.operands)
        self._found: dict[Value, Unit | None] = {}

    def at(self, out: Value) -> Unit | None:
        """The unit that a node is the outcome of; None if the node is an ordinary one."""
        if out not in self._found:
            self._found[out] = self._softmax(out) or self._reduction(out)
        return self._found[out]

    # ---- exp(zi − m)/(exp(z1 − m) + … + exp(zn − m)), with an m that is held constant, or without an m ----

    def _softmax(self, share: Value) -> Unit | None:
        """∂o2/∂z2 = o2(1 − o2), and ∂o2/∂z1 = −o2·o1, of a share that has a name."""
        if share.operation is not div or share.right.operation is not add or share not in self.names:
            return None
        whole, mine = share.right, share.left
        powers = _powers(whole)
        inputs = _without_shift([power.left for power in powers])
        inner = frozenset({whole, *powers, *(power.left for power in powers)} - {*inputs})
        if mine not in powers or not inner.isdisjoint(self.names):
            return None
        shares = {node.left: node for node in self.names if node.operation is div and node.right is whole}
        if len(shares) < len(powers) and any(abs(z.data) > LARGEST for z in inputs):
            return None

        def textbook(symbols: Mapping[Value, Tidy]) -> list[Tidy]:
            spelled_out = reduce(plus, [exp(symbols[z]) for z in inputs])
            o = symbols[share]
            others = [
                symbols[shares[power]] if power in shares else exp(symbols[z]) / spelled_out
                for power, z in zip(powers, inputs, strict=True)
            ]
            return [
                product([o, 1.0 - o] if power is mine else [Tidy.of(-1.0), o, other])
                for power, other in zip(powers, others, strict=True)
            ]

        slopes = [((share.dleft if power is mine else 0.0) + share.dright) * power.dleft for power in powers]
        return Unit("softmax", share, inner, tuple(inputs), tuple(slopes), textbook)

    # ---- a chain of an operation whose slopes are made of their own operand and the outcome alone ----

    def _reduction(self, top: Value) -> Unit | None:
        """A chain of logaddexp: ∂top/∂a = exp(a − top) for each a, where the chain rule has a factor per link."""
        row = top.operation
        if row is None or not row.associative or not _knows_itself_only(row):
            return None
        links, found = [top], []  # found: the link that an input enters, its place there, the product along the links
        stack = [(top, i, slope) for i, slope in reversed([*enumerate(top.partials)])]
        while stack:
            link, i, slope = stack.pop()
            node = link.operands[i]
            if node.operation is row and node not in self.names and self._uses[node] == 1:
                links.append(node)
                stack += [(node, k, slope * down) for k, down in reversed([*enumerate(node.partials)])]
            else:
                found.append((link, i, slope))

        numbers = [row.textbook[i](*[o.data for o in link.operands], top.data) for link, i, _ in found]
        if len(links) == 1 or not all(
            isclose(now, slope, rel_tol=1e-6) for now, (_, _, slope) in zip(numbers, found, strict=True)
        ):
            return None

        def textbook(symbols: Mapping[Value, Tidy]) -> list[Tidy]:
            return [
                Tidy.of(row.textbook[i](*[symbols[operand] for operand in link.operands], symbols[top]))
                for link, i, _ in found
            ]

        inputs = [link.operands[i] for link, i, _ in found]
        slopes = [slope for _, _, slope in found]
        return Unit(row.reduction[0], top, frozenset(links[1:]), tuple(inputs), tuple(slopes), textbook)


def _powers(whole: Value) -> dict[Value, None]:
    """The powers of e that are added up, in order; none if something else is among them, or one of them twice."""
    powers: dict[Value, None] = {}
    stack = [whole]
    while stack:
        node = stack.pop()
        if node.operation is add:
            stack += [node.right, node.left]
        elif node.operation is exp and node not in powers:
            powers[node] = None
        else:
            return {}
    return powers


def _without_shift(exponents: list[Value]) -> list[Value]:
    """The z of each z − m, with one m for all that is held constant; the exponents themselves if they have none."""
    shifts = {node.right for node in exponents if node.operation is sub and node.right.operation is stop_gradient}
    shifted = len(shifts) == 1 and all(node.operation is sub and node.right in shifts for node in exponents)
    return [node.left for node in exponents] if shifted else exponents


@cache
def _knows_itself_only(row: Operation) -> bool:
    """Is each slope made of its own operand and the outcome alone?"""
    a, b, out = Symbol("a"), Symbol("b"), Symbol("out")
    slopes = [Symbol.of(partial(a, b, out)) for partial in row.textbook]
    return all(other not in set(slope.parts()) for slope, other in zip(slopes, (b, a), strict=True))
