"""What is shown on a line of text: numbers, labels and expressions.

All that is shown is written here or, in LaTeX, next door. A number in full is the same float when it is read again,
brackets stand wherever a reader would group otherwise and nowhere else, and a label is text, whatever it holds.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from math import isnan
from typing import Any

from ..engine.operation import Operation
from ..engine.ops import sub
from ..errors import GraphError, printable
from ..habits import UNREACHED

SIGN, SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4, 5  # the levels of a row, see Operation
LONGEST = 20_000  # characters; a derivation beyond that is no longer read by anyone
LONGEST_LABEL = 40
NAME = re.compile(r"\w[\w.]*(\[\d+\])?")


# ---- numbers and labels ----


def number_text(number: float, digits: int | None = None) -> str:
    """A number as people write it: 2, −0.5, 1e−9; in full, or to so many significant digits.

    >>> number_text(2.0), number_text(-0.0995, 1), number_text(1e-9)
    ('2', '−0.1', '1e−9')
    """
    return _signed(repr(number).removesuffix(".0") if digits is None else f"{number + 0.0:.{digits}g}")  # no −0


def rounded(number: float | None, digits: int = 4) -> str:
    """A number for a picture: short where that is exact, else with all of its digits; – for what is not there.

    So no picture says 0 of 1e-9 or 1 of 0.9999999.

    >>> [rounded(x) for x in (None, 3.0, 0.1, 2 / 3, 0.99999999, 1e-9, 1.23456e300, -0.0, float("nan"))]
    ['–', '3', '0.1', '0.6667', '1.000', '1e−9', '1.235e300', '−0', 'nan']
    """
    if number is None or number is UNREACHED:
        return "–"
    short = f"{number:.{digits}g}"
    written = short if isnan(number) or float(short) == number else f"{number:#.{digits}g}"
    if abs(number) < 1e6 and ("e+0" in written or number == int(number)):  # 12345.67 is 12346, not 1.235e4
        return _signed(f"{number:.0f}")
    return _signed(written)


def _signed(written: str) -> str:
    """Python's notation with the signs of books, and without what an exponent does not need."""
    mantissa, _, exponent = written.replace("inf", "∞").partition("e")
    return (f"{mantissa.removesuffix('.')}e{int(exponent)}" if exponent else mantissa.removesuffix(".")).replace(
        "-", "−"
    )


def bracketed(number: str) -> str:
    """A number that stands behind another sign: (−2), but 2."""
    return f"({number})" if number[0] in "−-" else number


def equation(*sides: str) -> str:
    """The sides with = between them, one that says the same as the one before left out.

    >>> equation("t", "5", "5")
    't = 5'
    """
    return " = ".join(side for side, _ in groupby(sides))


def label_text(label: str) -> str:
    r"""A label on a line of text: as it is where it is a name, else between quotes, shortened, nothing hidden in it.

    >>> label_text("h1[2]"), label_text("a b"), label_text("\n")
    ('h1[2]', '“a b”', '“\\n”')
    """
    is_name = NAME.fullmatch(label) and len(label) <= LONGEST_LABEL
    return label if is_name else f"“{printable(label, LONGEST_LABEL)}”"


def shown(label: str, longest: int = 24) -> str:
    """A label in a picture, which has room for so many characters.

    >>> shown("w1"), shown("x" * 30, 5)
    ('w1', 'xxxxx…')
    """
    return printable(label, longest)


# ---- expressions ----


@dataclass(frozen=True)
class Style:
    """How an expression is put on paper."""

    template: Callable[[Operation], str]
    number: Callable[..., str]
    name: Callable[[str], str]
    brackets: str
    dot: str
    no_dot: str  # in its place before a bracket
    dot_after_power: bool  # keep the dot of x^2·(a + b), which would read as a longer exponent
    at_most: str  # what stands in 1 − [a > b], which is written [a ≤ b]


TEXT = Style(lambda row: row.text, number_text, label_text, "({})", "·", "", True, " ≤ ")


@dataclass(frozen=True, slots=True)
class Written:
    """A part of an expression on paper. ``level`` says how tightly it binds, ``tail`` how tightly its last factor."""

    text: str
    level: int
    tail: int
    brackets: str
    opens: bool = False  # it begins with a bracket, so that a factor before it needs no dot
    opposite: str = ""  # of a comparison

    def __format__(self, level: str) -> str:
        """The text, between brackets if it binds looser than a template asks for."""
        return self.text if not level or self.level >= int(level) else self.brackets.format(self.text)


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
    a, b = operands[0], operands[-1]
    if row is sub and a.text == "1" and b.opposite:
        return Written(b.opposite, ATOM, ATOM, style.brackets)
    template, letters = style.template(row), dict(zip("ab", operands, strict=False))
    text = template.format(**letters)
    opposite = template.replace(" > ", style.at_most).format(**letters) if " > " in template else ""
    ends_in_power = style.dot_after_power and a.level >= PRODUCT and a.tail < ATOM
    if not ends_in_power:
        for end, opens in ((style.brackets.format(b.text), True), (b.text, b.opens)):
            if opens and text.endswith(style.dot + end):
                text = text.removesuffix(style.dot + end) + style.no_dot + end
    if len(text) > LONGEST:
        raise GraphError(
            f"this expression takes more than {LONGEST:,} characters: label some nodes in between, and it is written "
            "as short factors; or ask paths(L, w) for its largest terms"
        )
    level = SIGN if text[0] in "−-" else row.level  # −a + b, where something stands before it, needs brackets
    chained = row.level == PRODUCT and row.associative
    tail = row.level if not chained else ATOM if b.level < PRODUCT else b.tail
    opens = text.startswith(style.brackets.format(a.text)) or (a.opens and text.startswith(a.text))
    return Written(text, level, tail, style.brackets, opens, opposite)


def write(expression: Any, style: Style, digits: int | None = None) -> str:
    """A Symbol in that style, its numbers in full or to so many significant digits. Raises GraphError if too long."""
    written: Written = expression.fold(
        lambda leaf: written_leaf(style, leaf.name, leaf.number, digits), partial(written_operation, style)
    )
    return written.text
