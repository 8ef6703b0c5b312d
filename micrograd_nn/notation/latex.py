r"""What is shown in LaTeX: numbers, labels and expressions. ``formula`` reads it back."""

import re

from ..errors import printable
from .text import LONGEST_LABEL, Style, number_text

GREEK = re.compile(  # without σ, which is a function here
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|tau|phi|chi|psi|omega"
)
NAME = re.compile(r"([A-Za-z]+)_?(\d*)(?:\[(\d+)\])?")
IN_TEXT = str.maketrans({
    "\\": "∖", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": "ˆ", "~": "∼", "<": "‹", ">": "›", "`": "‘", "'": "’", '"': "”",
})  # fmt: skip


def number_latex(number: float, digits: int | None = None) -> str:
    r"""A number in LaTeX: 1 \cdot 10^{-9} for 1e-9; in full, or to so many significant digits.

    >>> print(number_latex(1e-9), number_latex(-0.5))
    1 \cdot 10^{-9} -0.5
    """
    return number_as_latex(number_text(number, digits))


def number_as_latex(written: str) -> str:
    """A number that stands on a line of text, in LaTeX."""
    latex = written.replace("−", "-").replace("∞", r"\infty").replace("nan", r"\mathrm{nan}")
    mantissa, _, exponent = latex.partition("e")
    return rf"{mantissa} \cdot 10^{{{exponent}}}" if exponent else mantissa


def text_latex(text: str) -> str:
    r"""Words in LaTeX, as \text: none of their characters has a meaning.

    >>> print(text_latex("a_b\\"))
    \text{a\_b∖}
    """
    return rf"\text{{{text.translate(IN_TEXT)}}}"


def label_latex(label: str) -> str:
    r"""A label in LaTeX: w1 is w_{1}, the second h1 is h_{1}^{(2)}, a word stands upright, anything else is \text.

    >>> print(label_latex("w1"), label_latex("h1[2]"), label_latex("bias"), label_latex("a b"))
    w_{1} h_{1}^{(2)} \mathrm{bias} \text{a b}
    """
    found = NAME.fullmatch(label)
    if not found or len(label) > LONGEST_LABEL:
        return text_latex(printable(label, LONGEST_LABEL))
    word, index, sample = found.groups()
    upright = rf"\mathit{{{word}}}" if word == "e" else rf"\mathrm{{{word}}}"  # e alone is Euler's number
    written = f"\\{word}" if GREEK.fullmatch(word) else word if len(word) == 1 and word != "e" else upright
    return written + (f"_{{{index}}}" if index else "") + (f"^{{({sample})}}" if sample else "")


LATEX = Style(lambda row: row.latex, number_latex, label_latex, r"\left({}\right)", r" \cdot ", " ", False, r" \le ")
