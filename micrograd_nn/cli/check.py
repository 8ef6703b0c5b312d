"""``micrograd-nn check``: a small text file with a derivation on paper, held against the graph.

The file is only read; what can't be understood in it is named with its line.
"""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..derive import Finding, Report, check_partials
from ..engine.value import Value, topological_order
from ..errors import ArgumentError, FormatError, MicrogradError
from ..files import read_whole
from ..notation._formula import formula

PARTIAL = re.compile(r"([d∂])\s*([^\W\d][^\s/=]*)\s*/\s*[d∂]\s*([^\W\d][^\s/=]*)\s*=\s*(.+)")
EPILOG = """\
The file has one line per number, per formula, and per partial derived by hand; the last formula is the loss:

    x = 2
    w = 0.5
    y = 1
    o = sigmoid(w*x)         # a name makes the node a part of the chain
    L = (y - o)^2
    dL/do = -2(y - o)        # these are checked: formulas or numbers
    do/dw = x*o(1 - o)
    dL/dw = -0.106

Exit code 0 if all partials are right, 1 if not."""
ABOUT = "check partials that were derived by hand, and name the slip in each wrong one"


def add_options(parser: ArgumentParser) -> None:
    """The file."""
    parser.add_argument("file", type=Path, help="the derivation, see below")


def run(arguments: Namespace) -> int:
    """Check and report. Returns the exit code: 1 if something is wrong."""
    sheet = read_sheet(text_of(arguments.file), str(arguments.file))
    if sheet.root is None or not sheet.partials:
        raise FormatError(f"{arguments.file} needs a formula and at least one partial, such as dL/dw = 0.5\n\n{EPILOG}")
    report = sheet.report()
    print(report)
    return 0 if report.ok else 1


def text_of(file: Path) -> str:
    """What stands in the file. Raises FileMissingError, FileError, or FormatError if it is no text."""
    try:
        return read_whole(file).decode("utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError:
        raise FormatError(f"{file} is no text in UTF-8: save the derivation as plain text, encoded in UTF-8") from None


@dataclass
class Sheet:
    """What a file holds."""

    where: str
    names: dict[str, Value] = field(default_factory=dict)
    partials: dict[tuple[str, str], tuple[int, str, str]] = field(default_factory=dict)  # the line, d or ∂, what stands
    root: Value | None = None

    def report(self) -> Report:
        """Each partial against the graph. Raises FormatError with the number of a line that makes no sense."""
        assert self.root is not None  # run has looked
        below = {*topological_order(self.root)}
        findings: list[Finding] = []
        for (child, parent), (number, d, entry) in self.partials.items():
            own = self.names.get(child, self.root)  # a formula that the loss doesn't need is checked on its own
            with _named(self.where, number):
                whole = d == "d" and self.names.get(child) is self.root  # ∂L/∂w may be one of several terms
                given = {parent if whole else (child, parent): entry}
                findings += check_partials(self.root if own in below else own, given).findings
        return Report(tuple(findings))


def read_sheet(text: str, where: str = "the sheet") -> Sheet:
    """Read a file's text. Raises FormatError with the line's number."""
    sheet = Sheet(where)
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition("#")[0].strip()
        if content:
            with _named(where, number):
                _read_line(content, number, sheet)
    return sheet


@contextmanager
def _named(where: str, number: int) -> Iterator[None]:
    """An error in here is named with its file and line."""
    try:
        yield
    except MicrogradError as error:
        raise FormatError(f"{where}, line {number}: {error}") from None


def _read_line(line: str, number: int, sheet: Sheet) -> None:
    partial = PARTIAL.fullmatch(line)
    if partial:
        d, child, parent, entry = partial.groups()
        if (child, parent) in sheet.partials:
            raise ArgumentError(f"∂{child}/∂{parent} is given twice")
        sheet.partials[child, parent] = number, d, entry
        return
    name, equals, content = (part.strip() for part in line.partition("="))
    if not equals or not name.isidentifier():
        raise ArgumentError(f"{line!r:.60} is neither NAME = FORMULA nor dL/dw = FORMULA")
    if name in sheet.names:
        raise ArgumentError(f"{name} is defined twice")
    value = formula(content, sheet.names)
    if value.label:
        raise ArgumentError(f"{name} would be another name for {value.label}: write the formula itself")
    value.label = name
    sheet.names[name] = value
    if value.operation is not None:
        sheet.root = value
