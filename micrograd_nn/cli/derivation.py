"""A small text file with named parts and, if a person has derived some of it, partials: what several commands read.

The file is only read; what can't be understood in it is named with its line. What is too long to be a derivation on
paper is refused before it costs time, because files come from anywhere.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..derive import Finding, Report, check_partials
from ..engine.value import Value, topological_order
from ..errors import ArgumentError, FormatError, MicrogradError, counted
from ..files import read_whole
from ..notation._formula import labelled
from ..notation.parts import define
from .options import graph_of, numbers_of

LONGEST = 100_000  # bytes of a file
LONGEST_NAME = 255  # of a file
MOST_NAMES = 500
MOST_NODES = 1000  # numbers and operations
MOST_CHECKED = 10_000  # the same, times the partials
STDIN = Path("-")
PARTIAL = re.compile(r"([d∂])\s*([^\W\d][^\s/=]*)\s*/\s*[d∂]\s*([^\W\d][^\s/=]*)\s*=\s*(.+)")
PARTS = """\
A file of named parts has one line per number and per formula; the last formula is the loss:

    x = 2
    w = 0.5
    y = 1
    o = sigmoid(w*x)         # a name makes the node a part of the chain
    L = (y - o)^2
"""
PARTIALS = f"""\
{PARTS}    dL/do = -2(y - o)        # these are checked: formulas or numbers
    do/dw = x*o(1 - o)
    dL/dw = -0.106"""


def loss_of(file: Path) -> Value:
    """The graph of a file, whether partials stand in it or not. Raises what reading it raises, or FormatError."""
    derivation = read_derivation(text_of(file), called(file))
    if derivation.root is None:
        raise FormatError(f"{called(file)} needs a formula, such as L = (y - w*x)^2\n\n{PARTS}")
    return derivation.root


def asked_about(text: str, numbers: Sequence[str] = ()) -> tuple[Value, dict[str, Value]]:
    """The graph of a formula with numbers for its names, or of a file; and its nodes by name.

    Raises ArgumentError for a name without a number, and for numbers beside a file, which has its own.
    """
    if not is_file(text):
        names = {name: Value(number, name) for name, number in numbers_of(numbers).items()}
        root = graph_of(text, names)
        root.label = root.label or ("f" if "L" in names else "L")
        return root, names
    if numbers:
        raise ArgumentError(f"{text} is a file, and the numbers stand in it: leave out {numbers[0]!r}")
    root = loss_of(Path(text))
    return root, {name: node for name, node in labelled(root).items() if node is not root}


def is_file(text: str) -> bool:
    """Is a file meant, where a formula could stand as well?"""
    file = Path(text)
    return file == STDIN or file.suffix == ".txt" or (len(text) < LONGEST_NAME and file.is_file())


def called(file: Path) -> str:
    """The file in a message."""
    return "standard input" if file == STDIN else str(file)


def text_of(file: Path) -> str:
    """What stands in the file. Raises FileMissingError, FileError, or FormatError if it is no text."""
    content = sys.stdin.buffer.read(LONGEST + 1) if file == STDIN else read_whole(file, LONGEST + 1)
    try:
        text = content.decode("utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError:
        what = "is no text in UTF-8: save the derivation as plain text, encoded in UTF-8"
        raise FormatError(f"{called(file)} {what}") from None
    if len(content) > LONGEST:
        raise FormatError(f"{called(file)} is longer than a derivation on paper: at most {LONGEST:,} bytes are read")
    return text


@dataclass
class Derivation:
    """What a file holds."""

    where: str
    names: dict[str, Value] = field(default_factory=dict)
    partials: dict[tuple[str, str], tuple[int, str, str]] = field(default_factory=dict)  # the line, d or ∂, what stands
    root: Value | None = None

    def report(self) -> Report:
        """Each partial against the graph.

        Raises FormatError where there is nothing to check, or with the number of a line that makes no sense.
        """
        if self.root is None or not self.partials:
            raise FormatError(
                f"{self.where} needs a formula and at least one partial, such as dL/dw = 0.5\n\n{PARTIALS}"
            )
        below = topological_order(self.root)
        if len(below) > MOST_NODES or len(below) * len(self.partials) > MOST_CHECKED:
            size = f"{counted(len(below), 'value')}, derived {counted(len(self.partials), 'time')}"
            raise FormatError(f"{self.where} is larger than a derivation on paper: {size}")
        inside = {*below}
        findings: list[Finding] = []
        for (child, parent), (number, d, entry) in self.partials.items():
            own = self.names.get(child, self.root)  # a formula that the loss doesn't need is checked on its own
            with _named(self.where, number):
                whole = d == "d" and self.names.get(child) is self.root  # ∂L/∂w may be one of several terms
                given = {parent if whole else (child, parent): entry}
                findings += check_partials(self.root if own in inside else own, given).findings
        return Report(tuple(findings))


def read_derivation(text: str, where: str = "the file") -> Derivation:
    """Read a file's text. Raises FormatError with the line's number."""
    derivation = Derivation(where)
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition("#")[0].strip()
        if content:
            with _named(where, number):
                _read_line(content, number, derivation)
        if len(derivation.names) > MOST_NAMES:
            raise FormatError(f"{where}, line {number}: more than {MOST_NAMES} names, which no derivation on paper has")
    return derivation


@contextmanager
def _named(where: str, number: int) -> Iterator[None]:
    """An error in here is named with its file and line."""
    try:
        yield
    except MicrogradError as error:
        raise FormatError(f"{where}, line {number}: {error}") from None


def _read_line(line: str, number: int, derivation: Derivation) -> None:
    partial = PARTIAL.fullmatch(line)
    if partial:
        d, child, parent, entry = partial.groups()
        if (child, parent) in derivation.partials:
            raise ArgumentError(f"∂{child}/∂{parent} is given twice")
        derivation.partials[child, parent] = number, d, entry
        return
    name, equals, content = (part.strip() for part in line.partition("="))
    if not equals or not name.isidentifier():
        raise ArgumentError(f"{line!r:.60} is neither NAME = FORMULA nor dL/dw = FORMULA")
    value = define(name, content, derivation.names)
    if value.operation is not None:
        derivation.root = value
