"""Writing things down: numbers, names and whole expressions, as a line of text or as LaTeX.

Promise: what is written can be read back: a number in full is the same float, brackets stand wherever the reader
would group otherwise and nowhere else, and a label can't break out of its place, whatever characters it holds.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from math import isinf, isnan
from typing import Any

from ..engine.operation import Operation
from ..errors import GraphError

SIGN, SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4, 5  # the levels of a row, see Operation
LONGEST = 20_000  # characters; a derivation beyond that is no longer read by anyone
LONGEST_LABEL = 40
MARK = "\0"  # stands before brackets until the dot in front of them is decided; no label can hold it

GREEK = re.compile(  # without σ, which is a function here
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|tau|phi|chi|psi|omega"
)
IN_TEXT = str.maketrans({
    "\\": "∖", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": "ˆ", "~": "∼", "<": "‹", ">": "›", "`": "‘", "'": "’", '"': "”",
})  # fmt: skip


# ---- numbers and labels ----


def number_text(number: float, digits: int | None = None) -> str:
    """A number as people write it: 2, −0.5, 1e−9; in full, or to so many significant digits.

    >>> number_text(2.0), number_text(-0.0995, 1), number_text(1e-9)
    ('2', '−0.1', '1e−9')
    """
    if isnan(number):
        return "nan"
    if isinf(number):
        return "∞" if number > 0 else "−∞"
    written = repr(number) if digits is None else f"{number + 0.0:.{digits}g}"  # + 0.0 makes 0 of -0
    mantissa, _, exponent = written.partition("e")
    mantissa = mantissa.removesuffix(".0")
    return (f"{mantissa}e{int(exponent)}" if exponent else mantissa).replace("-", "−")


def number_latex(number: float, digits: int | None = None) -> str:
    r"""The same in LaTeX: 1 \cdot 10^{-9} for 1e-9."""
    return number_as_latex(number_text(number, digits))


def number_as_latex(written: str) -> str:
    """A number that stands on a line of text, in LaTeX."""
    latex = written.replace("−", "-").replace("∞", r"\infty").replace("nan", r"\mathrm{nan}")
    mantissa, _, exponent = latex.partition("e")
    return rf"{mantissa} \cdot 10^{{{exponent}}}" if exponent else mantissa


def equation(*sides: str) -> str:
    """The sides with = between them, one that says the same as the one before left out.

    >>> equation("t", "5", "5")
    't = 5'
    """
    return " = ".join(side for side, _ in groupby(sides))


def label_text(label: str) -> str:
    """A label on a line of text: as it is where it is a name, else between quotes, shortened, nothing hidden in it."""
    return label if re.fullmatch(r"\w[\w.]*(\[\d+\])?", label) and len(label) <= LONGEST_LABEL else f"“{_tame(label)}”"


def label_latex(label: str) -> str:
    r"""A label in LaTeX: w1 is w_{1}, the second h1 is h_{1}^{(2)}, a word stands upright, anything else is \text.

    >>> print(label_latex("w1"), label_latex("h1[2]"), label_latex("bias"), label_latex("a_b\\"))
    w_{1} h_{1}^{(2)} \mathrm{bias} \text{a\_b∖}
    """
    found = re.fullmatch(r"([A-Za-z]+)_?(\d*)(?:\[(\d+)\])?", label)
    if not found or len(label) > LONGEST_LABEL:
        return rf"\text{{{_tame(label).translate(IN_TEXT)}}}"
    word, index, sample = found.groups()
    upright = rf"\mathit{{{word}}}" if word == "e" else rf"\mathrm{{{word}}}"  # e alone is Euler's number
    written = f"\\{word}" if GREEK.fullmatch(word) else word if len(word) == 1 and word != "e" else upright
    return written + (f"_{{{index}}}" if index else "") + (f"^{{({sample})}}" if sample else "")


def _tame(label: str) -> str:
    shown = label if len(label) <= LONGEST_LABEL else label[:LONGEST_LABEL] + "…"
    return "".join(character if character.isprintable() else "�" for character in shown)


# ---- expressions ----


@dataclass(frozen=True)
class Style:
    """How an expression is put on paper."""

    template: Callable[[Operation], str]
    number: Callable[..., str]
    name: Callable[[str], str]
    brackets: str
    dot: str
    dot_after_power: bool  # keep the dot of x^2·(a + b), which would read as a longer exponent


TEXT = Style(lambda row: row.text, number_text, label_text, "({})", "·", True)
LATEX = Style(lambda row: row.latex, number_latex, label_latex, r"\left({}\right)", r" \cdot ", False)


@dataclass(frozen=True, slots=True)
class Written:
    """A part of an expression on paper. ``level`` says how tightly it binds, ``tail`` how tightly its last factor."""

    text: str
    level: int
    tail: int
    brackets: str

    def __format__(self, level: str) -> str:
        """The text, between brackets if it binds looser than a template asks for."""
        return self.text if not level or self.level >= int(level) else MARK + self.brackets.format(self.text)


def written_leaf(style: Style, name: str | None, number: float, digits: int | None) -> Written:
    """A name, or a number: with a minus sign it binds like one, and with a power of ten like a product."""
    if name is not None:
        text = style.name(name)
        level = POWER if "^" in text else ATOM
    else:
        text = style.number(number, digits)
        level = SIGN if text[0] in "−-" else PRODUCT if " " in text else ATOM
    return Written(text, level, level, style.brackets)


def written_operation(style: Style, row: Operation, *operands: Written) -> Written:
    """An operation on what is written already; a dot before a bracket is left out. Raises GraphError if too long."""
    text = style.template(row).format(**dict(zip("ab", operands, strict=False)))
    a, b = operands[0], operands[-1]
    ends_in_power = style.dot_after_power and a.level >= PRODUCT and a.tail < ATOM
    if not ends_in_power:
        text = text.replace(style.dot + MARK, style.dot.strip("·").replace(r"\cdot ", ""))
    text = (MARK if text[0] == MARK else "") + text.replace(MARK, "")
    if len(text) > LONGEST:
        raise GraphError(
            f"this expression takes more than {LONGEST:,} characters: label some nodes in between, and it is written "
            "as short factors; or ask paths(L, w) for its largest terms"
        )
    level = SIGN if text[0] in "−-" else row.level  # −a + b, where something stands before it, needs brackets
    chained = row.level == PRODUCT and row.associative
    tail = row.level if not chained else ATOM if b.level < PRODUCT else b.tail
    return Written(text, level, tail, style.brackets)


def write(expression: Any, style: Style, digits: int | None = None) -> str:
    """A Symbol in that style, its numbers in full or to so many significant digits. Raises GraphError if too long."""
    written: Written = expression.fold(
        lambda leaf: written_leaf(style, leaf.name, leaf.number, digits), partial(written_operation, style)
    )
    return written.text.replace(MARK, "")
