"""Notation: expressions read and written, as a line of text and as LaTeX; what is written reads back."""

from ._formula import formula as formula
from ._formula import labelled as labelled
from ._simplify import simplify as simplify
from .symbol import Symbol as Symbol
