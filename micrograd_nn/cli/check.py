"""``micrograd-nn check``: a small text file with a derivation on paper, held against the graph.

Promise: the file is only read; what can't be understood in it is named with its line.
"""

import argparse
import re
from dataclasses import dataclass, field
from pathlib import Path

from ..derive import check_partials
from ..errors import ArgumentError, MicrogradError
from ..formula import formula
from ..value import Value

FORMAT = """\
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


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Enter the subcommand and its options."""
    parser = subparsers.add_parser(
        "check",
        help="check partials that were derived by hand, and name the slip",
        description="Check partials that were derived by hand, and name the slip in each wrong one.",
        epilog=FORMAT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, help="the derivation, see below")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check and report. Returns the exit code: 1 if something is wrong."""
    try:
        text = arguments.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentError(f"{arguments.file} can't be read as text: {error}") from None
    sheet = read_sheet(text, str(arguments.file))
    if sheet.root is None or not sheet.partials:
        raise ArgumentError(
            f"{arguments.file} needs a formula and at least one partial, such as dL/dw = 0.5\n\n{FORMAT}"
        )
    report = check_partials(sheet.root, sheet.partials)
    print(report)
    return 0 if report.ok else 1


@dataclass
class Sheet:
    """What a file holds."""

    names: dict[str, Value] = field(default_factory=dict)
    partials: dict[tuple[str, str], str] = field(default_factory=dict)
    root: Value | None = None


def read_sheet(text: str, where: str = "the sheet") -> Sheet:
    """Read a file's text. Raises ArgumentError with the line's number."""
    sheet = Sheet()
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition("#")[0].strip()
        if content:
            try:
                _read_line(content, sheet)
            except MicrogradError as error:
                raise ArgumentError(f"{where}, line {number}: {error}") from None
    return sheet


def _read_line(line: str, sheet: Sheet) -> None:
    partial = re.fullmatch(r"[d∂]\s*([^\s/=]+)\s*/\s*[d∂]\s*([^\s/=]+)\s*=\s*(.+)", line)
    if partial:
        child, parent, entry = partial.groups()
        if (child, parent) in sheet.partials:
            raise ArgumentError(f"∂{child}/∂{parent} is given twice")
        sheet.partials[child, parent] = entry
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
