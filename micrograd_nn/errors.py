"""What can go wrong, as one tree.

Promise: every error that this package raises on purpose is a ``MicrogradError`` and also the builtin error that
Python's users expect there; its text names the thing, what was given, what is allowed and the way out; and after
it no ``.data``, ``.grad``, file or graph has changed.

    MicrogradError
    ├── NumberError      (TypeError)           not one real number
    ├── TooLargeError    (OverflowError)       an int that no float holds
    ├── ArgumentError    (ValueError)          right type, wrong value
    │   ├── ShapeError                         wrong number of inputs, weights, layers
    │   ├── UnknownNameError                   a name that is not on the list, which is given
    │   ├── FormulaError                       a formula that can't be read, with the place
    │   └── StateError                         a state_dict that does not fit
    ├── ArgumentTypeError (TypeError)          wrong type
    ├── FormatError      (ValueError)          a file that is not what it should be
    ├── FileError        (OSError)             a file that can't be read, written or fetched
    │   └── FileMissingError (FileNotFoundError)   a file that is not there
    ├── GraphError       (RuntimeError)        a graph that can't answer what was asked of it
    ├── CompilerError    (RuntimeError)        what can't be compiled to C, or a C compiler that is missing or fails
    ├── GradcheckError   (RuntimeError)        slopes that differ from what the function does
    ├── RenderError      (RuntimeError)        a picture that can't be drawn on this machine
    ├── ExtraMissingError (ImportError)        a library that is not installed; the message says what brings it
    └── AnomalyError     (FloatingPointError)  nan or inf, under detect_anomaly
        └── DivergedError                      nan or inf in training; the history so far is in .history
"""

from collections.abc import Iterable
from difflib import get_close_matches

JOINERS = "\u200c\u200d"  # not printable by themselves, but part of words and emoji
LONGEST = 60  # characters of a name in a message
LONGEST_LINE = 2000
MOST_NAMES = 100  # that a message lists


def printable(text: str, longest: int = LONGEST) -> str:
    r"""The text with nothing hidden in it: what can't be printed is shown by its number, what is too long is cut short.

    Every label passes through here before it is shown, in a message, a repr, a table or a picture.

    >>> printable("w1"), printable("a\x00b"), printable("x" * 30, 5)
    ('w1', 'a\\x00b', 'xxxxx…')
    """
    head = "".join(c if c.isprintable() or c in JOINERS else ascii(c)[1:-1] for c in text[: longest + 1])
    return head if len(head) <= longest else head[:longest] + "…"


def counted(count: int, thing: str, things: str = "") -> str:
    """So many things, in words.

    >>> counted(1, "row"), counted(2000, "row"), counted(0, "class", "classes")
    ('1 row', '2,000 rows', '0 classes')
    """
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


class MicrogradError(Exception):
    """The root: ``except MicrogradError`` catches whatever this package raises on purpose.

    Messages quote labels and files; what such text might hide is shown, and no line is longer than 2,000 characters.

    >>> from micrograd_nn import Value
    >>> try:
    ...     Value("2")
    ... except MicrogradError as error:
    ...     print(error)
    expected one real number, got the str '2': write float(text) first
    """

    def __str__(self) -> str:
        return "\n".join(printable(line, LONGEST_LINE) for line in super().__str__().split("\n"))


class NumberError(MicrogradError, TypeError):
    """A Value was asked to hold something else than one real number."""


class TooLargeError(MicrogradError, OverflowError):
    """A number lies beyond the largest float, 1.8e308."""


class ArgumentError(MicrogradError, ValueError):
    """An argument of the right type has a value that is not allowed."""


class ShapeError(ArgumentError):
    """A list has the wrong length."""


class UnknownNameError(ArgumentError):
    """A name that is not on the list of legal names."""

    def __init__(self, kind: str, given: object, legal: Iterable[str]) -> None:
        names = sorted(map(printable, legal))
        nearest = get_close_matches(printable(str(given)), names, n=MOST_NAMES, cutoff=0.0)
        more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
        super().__init__(f"unknown {kind} {printable(repr(given))}; choose one of: {', '.join(nearest)}{more}")


class FormulaError(ArgumentError):
    """A formula can't be read, or holds what a formula may not hold; the message marks the place."""

    def __init__(self, what: str, text: str, column: int) -> None:
        start = max(0, column - 50)
        line = "".join(c if c.isprintable() else "�" for c in text[start : column + 50])  # as wide as what was typed
        super().__init__(f"{what}\n    {line}\n    {' ' * (column - start)}^")


class StateError(ArgumentError):
    """A state_dict does not fit the module that was asked to load it."""


class ArgumentTypeError(MicrogradError, TypeError):
    """An argument has a type that is not allowed."""


class FormatError(MicrogradError, ValueError):
    """A file's content is not what it should be: cut short, changed, of another kind, or too new."""


class FileError(MicrogradError, OSError):
    """A file can't be read, written or fetched; what was there before is still there."""


class FileMissingError(FileError, FileNotFoundError):
    """A file is not where it was looked for."""


class GraphError(MicrogradError, RuntimeError):
    """The recorded graph can't answer what was asked of it."""


class CompilerError(MicrogradError, RuntimeError):
    """There is no C compiler, it failed, or an operation does not say how it is written in C."""


class ExtraMissingError(MicrogradError, ImportError):
    """What was asked for needs a library that is not installed: an extra of this package, or PyTorch, or sympy."""


class RenderError(MicrogradError, RuntimeError):
    """A picture can't be drawn: no ``dot`` was found, or it failed."""


class GradcheckError(MicrogradError, RuntimeError):
    """The recorded slopes differ from the function's own differences."""


class AnomalyError(MicrogradError, FloatingPointError):
    """An operation made nan or inf while ``detect_anomaly`` was watching.

    >>> from micrograd_nn import Value, detect_anomaly
    >>> try:
    ...     with detect_anomaly():
    ...         Value(1e308) * 10
    ... except AnomalyError as error:
    ...     print(error)
    mul made inf of an operand = 1e+308 and an operand = 10.0; the result is too large for a float
    """


class DivergedError(AnomalyError):
    """Training met nan or inf and stopped; the parameters are those of the last good step."""

    history: object = None


def known(kind: str, given: object, legal: Iterable[str]) -> str:
    """given, if it is one of these names. Raises UnknownNameError otherwise."""
    if not isinstance(given, str) or given not in legal:
        raise UnknownNameError(kind, given, legal)
    return given
