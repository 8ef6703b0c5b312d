"""The rules that it takes to derive a formula, from the outside in: product, quotient, power, chain.

A rule is read off the row of its operation, with u and v for what depends on the name and c for what doesn't; who
explains a factor writes it out with what u and v are, who asks for it leaves that to the learner.
"""

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property

from ..engine.operation import Operation
from ..engine.ops import div, mul, power
from ..notation._collect import on_one_line, product, total
from ..notation._simplify import Tidy
from ..notation.symbol import Symbol
from ..notation.text import ATOM, SUM

CALLED: dict[tuple[Operation | None, tuple[bool, ...]], str] = {  # by which of its operands depend on the name
    (mul, (True, True)): "product rule",
    (div, (True, True)): "quotient rule",
    (power, (True, False)): "power rule",
    (power, (False, True)): "exponential rule",
    (power, (True, True)): "power and exponential rule",
}
PAIRS = ("uv", "fg", "rs")  # the first that are no names here
PRIME = "ʹ"  # a letter, so that u′ is a name

Said = tuple[Symbol, Tidy, list[tuple[Symbol, Symbol]]]  # the operation, its slope, and what the letters are


@dataclass(frozen=True)
class Rule:
    """One operation of a formula, and which of its operands depend on the name towards which it is derived."""

    part: Symbol
    moves: tuple[bool, ...]
    slopes_inside: tuple[Tidy, ...]  # of those that do, in names
    pair: str  # the letters of those that do

    @cached_property
    def letters(self) -> list[Tidy]:
        """The operands: u and v for what depends on the name, c for what doesn't, and numbers."""
        letters = iter(self.pair)
        return [
            Tidy(next(letters)) if moved else Tidy.of(operand.number) if operand.is_number else Tidy("c")
            for operand, moved in zip(self.part.operands, self.moves, strict=True)
        ]

    @cached_property
    def written(self) -> Symbol:
        """The operation in these letters."""
        assert self.part.operation is not None
        return Symbol.apply(self.part.operation, *self.letters)

    @cached_property
    def slopes(self) -> list[tuple[Tidy, Tidy]]:
        """Each letter that moves, with the slope towards it, as the textbook has it."""
        assert self.part.operation is not None
        out, rows = Tidy.of(self.written), zip(self.letters, self.part.operation.textbook, self.moves, strict=True)
        return [(letter, Tidy.of(textbook(*self.letters, out))) for letter, textbook, moved in rows if moved]

    @property
    def is_plain(self) -> bool:
        """Does it hand on what comes from above, as a sum and a constant factor do?"""
        return all({part.name for part in slope.parts()} <= {None, "c"} for _, slope in self.slopes)

    # ---- written out ----

    def text(self) -> str:
        """On a line: product rule: (u·v)′ = u′·v + u·v′ with u = …, u′ = …, v = …, v′ = …."""
        return self._said(Symbol.text, "{}: ", ", ", " with ").replace(PRIME, "′")

    def latex(self) -> str:
        """The same in LaTeX."""
        said = self._said(Symbol.latex, r"\text{{{}: }} ", r",\ ", r"\ \text{with}\ ")
        return re.sub(rf"\\text{{(.){PRIME}}}", r"\1'", said).replace(PRIME, "'")

    def _said(self, write: Callable[[Symbol], str], called: str, comma: str, where: str) -> str:
        written, slope, given = self._of_the_name() or self._in_letters()
        whole = write(written)
        if written.operation is None or written.operation.level < ATOM:
            whole = f"({whole})"
        rest = comma.join(f"{write(letter)} = {write(operand)}" for letter, operand in given)
        return f"{called.format(self.name)}{whole}{PRIME} = {write(slope)}{where * bool(rest)}{rest}"

    @property
    def name(self) -> str:
        """What a textbook calls it."""
        row = self.part.operation
        assert row is not None
        if self.is_plain:
            return "sum rule" if row.level == SUM else "constant factor"
        named = [CALLED[row, self.moves]] if (row, self.moves) in CALLED else []
        chained = ["chain rule"] if self._of_the_name() is None and len(self.slopes) == 1 else []
        return " with ".join([*named, *chained]) or f"slope of {row.sign}"

    def _of_the_name(self) -> "Said | None":
        """The rule with the name itself for u, where no chain is needed."""
        (_, slope), *more = self.slopes
        inner = self.inner[0]
        if more or inner.operation is not None:
            return None
        written, made = (expression.put_in(self._as_they_are) for expression in (self.written, slope))
        return Symbol.of(written), Tidy.of(made), []

    def _in_letters(self) -> "Said":
        primes = [Tidy(f"{letter}{PRIME}") for letter, _ in self.slopes]
        terms = [product([slope, prime]) for (_, slope), prime in zip(self.slopes, primes, strict=True)]
        if len(terms) > 1:
            terms[0] = product([primes[0], self.slopes[0][1]])  # u′·v + u·v′
        rows = zip(self.slopes, self.inner, primes, self.slopes_inside, strict=True)
        moving = [side for (letter, _), inner, prime, slope in rows for side in ((letter, inner), (prime, slope))]
        constants = [(c, x) for c, x in zip(self.letters, self.part.operands, strict=True) if c.name == "c"]
        return self.written, on_one_line(terms), [*constants, *moving]

    @property
    def inner(self) -> list[Symbol]:
        """The operands that depend on the name."""
        return [operand for operand, moved in zip(self.part.operands, self.moves, strict=True) if moved]

    @property
    def _as_they_are(self) -> dict[Hashable, Tidy]:
        rows = zip(self.letters, self.part.operands, strict=True)
        return {letter.name: Tidy.of(operand) for letter, operand in rows if letter.name}


def rules_of(formula: Symbol, name: str) -> list[Rule]:
    """The rules that it takes to derive a formula towards a name, from the outside in; a plain one if no others."""
    slopes: dict[Symbol, Tidy] = {part: Tidy.of(1.0) for part in formula.parts() if part.name == name}
    taken = {part.name for part in formula.parts()}
    pair = next((pair for pair in PAIRS if taken.isdisjoint(pair)), PAIRS[0])
    found = list[Rule]()
    for part in formula.parts():
        moves = tuple(operand in slopes for operand in part.operands)
        if part.operation is not None and any(moves):
            inside = tuple(slopes[operand] for operand, moved in zip(part.operands, moves, strict=True) if moved)
            operands, out = list(map(Tidy.of, part.operands)), Tidy.of(part)
            rows = zip(part.operation.textbook, part.operands, moves, strict=True)
            slopes[part] = total(
                [product([Tidy.of(slope(*operands, out)), slopes[operand]]) for slope, operand, moved in rows if moved]
            )
            found.append(Rule(part, moves, inside, pair))
    outwards = found[::-1]
    bent = [rule for rule in outwards if not rule.is_plain]
    factors = [rule for rule in outwards if rule.part.operation and rule.part.operation.level != SUM]
    return bent or factors[:1] or outwards[:1]
