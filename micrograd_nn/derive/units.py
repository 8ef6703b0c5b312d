"""What a textbook derives in one step, though the graph takes several: a softmax, a chain of logaddexp, ln(p).

A unit is recognised by how it was recorded, so graphs that a person wrote have units as those of the library have, and
recording pays nothing for it. Whatever only looks like a unit is derived step by step. A unit is its way down in one
step: each node that it takes in, with the slope towards it as the textbook has it and as the number that was recorded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate
from math import isclose
from typing import Any

from ..engine.operation import Operation
from ..engine.ops import add, div, greater, maximum, mul, neg, sigmoid, softplus, sub
from ..engine.value import Constant, Value
from ..notation._collect import product
from ..notation._simplify import Tidy
from ..notation.symbol import Symbol
from ..notation.text import ATOM
from .shares import Made, Names, Softmax, Symbols, Uses, made_of_softmax, terms_of

TINY = 1e-6  # a maximum with a constant from 0 up to this is taken for safety, and a textbook doesn't write it

SIDES = (-3.0, -0.1, 0.1, 3.0)  # where a row is asked whether it keeps the sign

Unit = list[tuple[Value, tuple[Tidy, float]]]  # an input, and ∂out/∂input


@dataclass
class Units:
    """The units of a graph; a node with a name stays in sight: it is inside of none."""

    root: Value
    names: Names
    symbols: Symbols
    uses: Uses
    softmaxes: Sequence[Softmax]

    def at(self, out: Value) -> Unit | None:
        """The unit whose outcome a node is; None for an ordinary node."""
        if (p := let_through(out)) is not None:
            return [(p, (Tidy.of(1.0), out.dleft))]
        made = made_of_softmax(out, self.names, self.uses)
        shares = self._shares.get(frozenset(made.inputs)) if made else None
        if made and shares:
            return self._share(out, made, shares) if made.is_share else _log_of_share(made, shares)
        return _logistic(out, self.names, self.symbols) or self._chain(out) or self._side(out)

    def log_of_softmax(self, node: Value) -> Made | None:
        """What a node is made of, if it is ln(e^z1 + …), also less one of the z; None for any other node."""
        made = made_of_softmax(node, self.names, self.uses)
        return made if made and not made.is_share and frozenset(made.inputs) in self._shares else None

    @cached_property
    def _shares(self) -> dict[frozenset[Value], dict[Value, Tidy]]:
        return {frozenset(row.inputs): row.symbols for row in self.softmaxes} | self._named_shares

    @cached_property
    def _named_shares(self) -> dict[frozenset[Value], dict[Value, Tidy]]:
        """Of each softmax whose shares have labels of their own, those."""
        found: dict[frozenset[Value], dict[Value, Tidy]] = {}
        for node in self.names:
            made = made_of_softmax(node, self.names, self.uses) if node.operation is div else None
            if made and made.own is not None:
                found.setdefault(frozenset(made.inputs), {})[made.own] = self.symbols[node]
        return {inputs: shares for inputs, shares in found.items() if len(shares) == len(inputs)}

    def _share(self, share: Value, made: Made, shares: Mapping[Value, Tidy]) -> Unit:
        """∂p2/∂z2 = p2(1 − p2), and ∂p1/∂z2 = −p1·p2."""
        p = self.symbols[share]
        return [
            (z, (product([p, 1.0 - p] if z is made.own else [Tidy.of(-1.0), p, shares[z]]), slope))
            for z, slope in made.slopes.items()
        ]

    def _side(self, out: Value) -> Unit | None:
        """[h > 0] for the [w·x + b > 0] of h = relu(w·x + b): the outcome tells the side as well, and has a name."""
        row = out.operation
        if (
            row is None
            or out is self.root
            or out not in self.names
            or out.left.operation is None
            or out.left in self.names
        ):
            return None
        numbers = [operand.data for operand in out.operands]
        slope = slope_by_side(row, *numbers[1:]) if row.arity == 1 or isinstance(out.right, Constant) else None
        if slope is None or not isclose(row.textbook[0](*numbers, out.data), out.dleft, rel_tol=1e-6, abs_tol=1e-6):
            return None
        letters = zip(("out", *"ab"), (self.symbols[node] for node in (out, *out.operands)), strict=False)
        return [(out.left, (Tidy.of(slope.put_in(dict(letters))), out.dleft))]

    def _chain(self, top: Value) -> Unit | None:
        """A chain of an operation, such as maximum, whose terms can change places: each against all others."""
        row = top.operation
        if row is None or not row.associative or row.level != ATOM:
            return None
        terms = terms_of(top, lambda node: node not in self.names and self.uses[node] == 1)
        if len(terms) < 3:
            return None
        written, numbers = [self.symbols[node] for node, _ in terms], [node.data for node, _ in terms]
        steps, same = Unit(), True
        for (node, slope), own, others, rest in zip(
            terms, written, _all_others(row, written), _all_others(row, numbers), strict=True
        ):
            now = row.textbook[0](node.data, rest, top.data)
            same &= isclose(now, slope, rel_tol=1e-6, abs_tol=1e-300)
            steps.append((node, (Tidy.of(row.textbook[0](own, others, self.symbols[top])), slope)))
        return steps if same else None


def _all_others(row: Operation, terms: Sequence[Any]) -> list[Any]:
    """For each term, the chain of all others."""
    ahead = [*accumulate(terms[:-1], row)]
    behind = [*accumulate(terms[:0:-1], lambda later, term: row(term, later))][::-1]
    return [behind[0], *map(row, ahead, behind[1:]), ahead[-1]]


def _log_of_share(made: Made, shares: Mapping[Value, Tidy]) -> Unit:
    """∂L/∂z1 = p1, but p2 − 1 for the z2 that is taken off, and −1 for what else is."""
    steps = [(z, (shares[z] - 1.0 if z is made.own else shares[z], slope)) for z, slope in made.slopes.items()]
    return steps if made.shift is None else [*steps, (made.shift, (Tidy.of(-1.0), -sum(made.slopes.values())))]


def _logistic(out: Value, names: Names, symbols: Symbols) -> Unit | None:
    """y·softplus(−z) + (1 − y)·softplus(z), the cross-entropy of σ(z): ∂L/∂z = σ(z) − y, and ∂L/∂y = −z."""
    if out.operation is not add or not all(node.operation is mul for node in out.operands):
        return None
    (y, behind), (rest, ahead) = out.left.operands, out.right.operands
    if not (behind.operation is ahead.operation is softplus and behind.left.operation is neg and rest.operation is sub):
        return None
    z, one = ahead.left, rest.left
    inner = {out.left, out.right, behind, ahead, behind.left, rest}
    if behind.left.left is not z or rest.right is not y or not _is_one(one) or not inner.isdisjoint(names):
        return None
    to_z = out.left.dright * behind.dleft * behind.left.dleft + out.right.dright * ahead.dleft
    return [
        (y, (-symbols[z], out.left.dleft + out.right.dleft * rest.dright)),
        (z, (Tidy.of(sigmoid(symbols[z]) - symbols[y]), to_z)),
    ]


def _is_one(node: Value) -> bool:
    return isinstance(node, Constant) and node.data == 1.0


# ---- what a textbook doesn't write ----


def let_through(node: Value) -> Value | None:
    """p for the max(p, 1e-44) below a logarithm, where p is the larger one; None for any other node."""
    return node.left if _is_clamp(node) and node.left.data > node.right.data else None


def in_domain(node: Value, values: Mapping[Value, float]) -> bool:
    """Is a node real where the graph has these numbers, and the formula that a textbook has for it?"""
    if node.operation is None:
        return True
    if _is_clamp(node) and not values[node.left] > node.right.data:
        return False
    return node.operation.domain.holds(*[values[operand] for operand in node.operands])


def _is_clamp(node: Value) -> bool:
    return node.operation is maximum and isinstance(node.right, Constant) and 0.0 < node.right.data <= TINY


def slope_in_letters(row: Operation, i: int) -> Symbol:
    """What the textbook has for an operation's slope towards operand i, with a and b for the operands and out."""
    return Symbol.of(row.textbook[i](*map(Symbol, "ab"[: row.arity]), Symbol("out")))


@cache
def slope_by_side(row: Operation, setting: float = 0.0) -> Symbol | None:
    """A slope that asks for the side of 0 on which a is, asking for out's, for a row that keeps the sign; else None.

    >>> from micrograd_nn.engine.ops import relu
    >>> slope_by_side(relu)
    <symbol [out > 0]>
    """
    slope: Symbol = Tidy.of(slope_in_letters(row, 0))
    sides = [part for part in slope.parts() if part.operation is greater]
    settings = [setting] * (row.arity - 1)
    of_one = row.arity == 1 or row.default is not None
    if not of_one or not sides or any((row.forward(a, *settings) > 0) != (a > 0) for a in SIDES):
        return None
    return slope.fold(lambda leaf: leaf, _asking_out)


def _asking_out(operation: Operation, *operands: Symbol) -> Symbol:
    asks = operation is greater and operands[0].name == "a" and operands[1].is_number and operands[1].number == 0.0
    return Symbol.apply(operation, *((Symbol("out"), *operands[1:]) if asks else operands))
