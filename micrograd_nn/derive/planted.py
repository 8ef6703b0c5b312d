"""A derivation in which one line is wrong, for a person to find: the right one, with a slip planted in it."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from math import isclose, isfinite
from random import Random

from ..engine.ops import add, mul, neg, sub
from ..engine.value import Value
from ..errors import ArgumentError
from ..notation._collect import product
from ..notation._simplify import Tidy
from ..notation.symbol import Symbol
from ._explain import Explanation, explain
from .named import Factor, Way, numbered
from .recorded import partial_latex
from .slips import Slip

ENOUGH = 1e-3  # how much a planted slip changes a factor, relative to its size, so that it is none by chance


@dataclass(frozen=True)
class Planted:
    """The derivation of one partial: its factors, and what is written of each."""

    whole: str  # ∂L/∂w1
    chain: str  # ∂L/∂o1 · ∂o1/∂h1 · ∂h1/∂w1
    chain_latex: tuple[str, str]  # both sides of it in LaTeX
    factors: tuple[Factor, ...]
    place: int  # which factor is wrong
    wrong: Symbol
    what: str  # how it went wrong

    @property
    def written(self) -> list[tuple[Factor, Symbol]]:
        """Each factor with what stands there."""
        return [(f, self.wrong if i == self.place else f.symbol) for i, f in enumerate(self.factors)]

    @property
    def lines(self) -> list[str]:
        """The derivation as it is handed out."""
        return [f"{self.whole} = {self.chain}", *(f"{factor} = {symbol}" for factor, symbol in self.written)]

    @property
    def key(self) -> str:
        """Which line is wrong, what belongs there, and how it went wrong."""
        factor = self.factors[self.place]
        return f"line {self.place + 2}: {factor} = {factor.symbol}; {self.what}"


def planted(root: Value, target: Value, draw: Random) -> Planted:
    """The derivation of ∂root/∂target with one slip in it. Raises ArgumentError if there is nothing to go wrong in."""
    explanation = explain(root, target)
    chain = " + ".join(" · ".join(map(str, term)) for term in explanation.terms)
    factors = tuple(_spelled_out(explanation))
    choices = {factor: [*_slips(factor)] for factor in factors}
    open_to_slips = [factor for factor, slips in choices.items() if slips]
    if not open_to_slips:
        raise ArgumentError(
            f"there is no factor in {explanation.whole()} that could go wrong: ask for a slip in another derivation"
        )
    factor = draw.choice(open_to_slips)
    what, wrong = draw.choice(choices[factor])
    latex = (
        explanation.whole(partial_latex, r"\mathrm{d}"),
        " + ".join(r" \cdot ".join(factor.latex() for factor in term) for term in explanation.terms),
    )
    return Planted(explanation.whole(), chain, latex, factors, factors.index(factor), wrong, what)


def _spelled_out(explanation: Explanation) -> Iterator[Factor]:
    """The factors, with what p1 stands for in its place: it is no name of the graph, and a sheet doesn't say it."""
    made = explanation.chain.graph.share_formulas()
    for factor in explanation.factors:
        names: dict[Hashable, Symbol] = {leaf.key: leaf for leaf in factor.symbol.parts() if leaf.name}
        stands_for = {share: formula for share, formula in made.items() if share in names}
        names.update(stands_for.items())
        written = Way.of(Tidy.of(factor.symbol.put_in(names)), factor.number) if stands_for else factor.way
        yield replace(factor, way=written)


def _slips(factor: Factor) -> Iterator[tuple[str, Symbol]]:
    """What can go wrong in a factor, in words and as the symbol that then stands there."""
    for what, wrong in _edits(factor.symbol):
        number = numbered(wrong).evaluate({})
        if isfinite(number) and not isclose(number, factor.number, rel_tol=ENOUGH):
            yield what, wrong


def _edits(right: Tidy) -> Iterator[tuple[str, Symbol]]:
    yield Slip.SIGN.sentence, -right
    yield Slip.FACTOR_TWO.sentence, 2.0 * right
    parts = [part for part in _multiplied(right) if not part.is_number]
    for part in parts if len(parts) > 1 else ():
        yield f"{part} is missing", product([right, 1.0 / part])
    for node in right.parts():
        if node.operation is sub:
            a, b = node.operands
            yield f"{a} + {b} stands where {a} − {b} belongs", right.exchanged({node: Symbol.apply(add, a, b)})


def _multiplied(symbol: Tidy) -> Iterator[Tidy]:
    """What is multiplied in a product, in order and without its sign."""
    stack = [symbol]
    while stack:
        node = stack.pop()
        if node.operation in (mul, neg):
            stack += reversed(node.operands)
        else:
            yield node
