"""A printed sheet worked out without the package: its Markdown is read, and mpmath does what a person would do.

Nothing here imports the package. A formula as it is printed becomes an expression of Python's over mpmath's functions.
"""

import re
from collections.abc import Mapping
from itertools import pairwise

from mpmath import mp, mpf

mp.dps = 40
NUMBER, NAME = r"\d+\.?\d*(?:e-?\d+)?", r"[A-Za-z_]\w*"
FUNCTIONS = {
    "sigmoid": lambda z: 1 / (1 + mp.e**-z),
    "relu": lambda z: max(z, mpf(0)),
    "leaky_relu": lambda z, slope: z if z > 0 else slope * z,
    "softplus": lambda z: mp.log1p(mp.e**z),
    "logaddexp": lambda a, b: mp.log(mp.e**a + mp.e**b),
    "max": max,
    "where": lambda holds: mpf(1) if holds else mpf(0),
    **{name: getattr(mp, name) for name in ("exp", "log", "tanh", "sin", "cos", "sqrt")},
}


def work_out(formula: str, numbers: Mapping[str, object]) -> object:
    """What a printed formula comes to."""
    return eval(as_python(formula), {"__builtins__": {}, "mpf": mpf, **FUNCTIONS}, dict(numbers))


def as_python(formula: str) -> str:
    """A printed formula with Python's signs, and the signs of products that a book leaves out."""
    text = formula.replace("−", "-").replace("·", "*").replace("^", "**").replace("σ", "sigmoid").replace("≤", "<=")
    text = re.sub(r"\bln\b", "log", text).replace("√", "sqrt").replace("[", "where(").replace("]", ")")
    text = re.sub(r"\|([^|]+)\|", r"max(\1, -(\1))", text)
    tokens = re.findall(rf"{NUMBER}|{NAME}|\*\*|\S", text)
    out = [_token(tokens[0])]
    for before, token in pairwise(tokens):
        ends = before == ")" or (re.match(r"\w", before) and before not in FUNCTIONS)
        out += ["*"] * bool(ends and (token == "(" or re.match(r"\w", token))) + [_token(token)]
    return "".join(out)


def _token(token: str) -> str:
    return f'mpf("{token}")' if token[0].isdigit() else token


class Sheet:
    """A sheet in Markdown: what is given, the equations, the blanks, and the lines in which a slip is to be found."""

    def __init__(self, markdown: str) -> None:
        given = markdown.partition("Given ")[2].partition(" and\n")[0]
        self.given = dict(pair.split(" = ") for pair in given.split(", "))
        self.equations = dict(line[2:].split(" = ", 1) for line in markdown.splitlines() if line.startswith("- "))
        rows = [line.split("|")[1].strip() for line in markdown.splitlines() if line.startswith("| ")]
        self.blanks = rows[2:]
        self.lines = [found[1] for line in markdown.splitlines() if (found := re.match(r"\d+\. (.+)", line))]

    def numbers(self, **changed: object) -> dict[str, object]:
        """Everything that has a name, with other numbers for some of the leaves."""
        known = {name: work_out(number, {}) for name, number in self.given.items()} | changed
        for name, formula in self.equations.items():
            known[name] = work_out(formula, known)
        return known

    def answer(self, blank: str) -> object:
        """The number that belongs into a blank: a value, or ∂L/∂name."""
        if not blank.startswith("∂"):
            return self.numbers()[blank]
        root, name = re.fullmatch(r"∂(\w+)/∂(\w+)", blank).groups()  # type: ignore[union-attr]
        here = self.numbers()[name]
        if name in self.given:
            return mp.diff(lambda x: self.numbers(**{name: x})[root], here)
        return mp.diff(lambda x: self._above(name, x)[root], here)

    def _above(self, name: str, x: object) -> dict[str, object]:
        """Everything, had one of the equations another outcome."""
        known = {leaf: work_out(number, {}) for leaf, number in self.given.items()}
        for other, formula in self.equations.items():
            known[other] = x if other == name else work_out(formula, known)
        return known

    def wrong_lines(self) -> list[int]:
        """The lines in which a factor ∂a/∂b is not what the formula of a gives, all other names held still."""
        numbers, wrong = self.numbers(), []
        for place, line in enumerate(self.lines[1:], start=2):
            (child, parent), written = re.match(r"∂(\w+)/∂(\w+)", line).groups(), line.split(" = ", 1)[1]  # type: ignore[union-attr]
            formula = self.equations[child]
            right = mp.diff(lambda x, p=parent, f=formula: work_out(f, numbers | {p: x}), numbers[parent])
            if abs(right - work_out(written, numbers)) > mpf("1e-12") * (1 + abs(right)):
                wrong.append(place)
        return wrong
