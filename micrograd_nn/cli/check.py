"""``micrograd-nn check``: derivations on paper, of one person or of a class, held against their graphs."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..errors import ArgumentError
from .classroom import Student, as_csv, as_json, as_text, files_by_student, slips_as_csv
from .derivation import PARTIALS

EPILOG = f"""\
{PARTIALS}

Of several files, or of all files in a folder, it prints a line per student and a table of the slips; what can't be read
is told, and the others are checked all the same.

Exit code 0 if all partials are right, 1 if one is wrong, 2 if something could not be read."""
ABOUT = "check partials that were derived by hand, of one person or a class, and name the slips"


def add_options(parser: ArgumentParser) -> None:
    """The files, and how the outcome is written."""
    what = "a derivation, see below; a folder stands for all files in it, - for standard input"
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help=what)
    written = parser.add_mutually_exclusive_group()
    written.add_argument("--json", action="store_true", help="a row per student and partial, and the slips, as JSON")
    written.add_argument("--csv", action="store_true", help="a row per student and partial, as CSV")
    parser.add_argument("--slips", action="store_true", help="with --csv: a row per slip instead, a column per student")


def run(arguments: Namespace) -> int:
    """Check and report. Returns the exit code: 1 if something is wrong, 2 if something could not be read."""
    if arguments.slips and not arguments.csv:
        raise ArgumentError("--slips goes with --csv; without --csv the table of slips is printed anyway")
    students = [Student.of(name, file) for name, file in files_by_student(arguments.files).items()]
    one = students[0] if len(arguments.files) == 1 and not arguments.files[0].is_dir() else None
    if arguments.json:
        print(as_json(students))
    elif arguments.csv:
        print(slips_as_csv(students) if arguments.slips else as_csv(students), end="")
    elif one and one.unread:
        print(f"micrograd-nn: {one.unread}", file=sys.stderr)
    else:
        print(one.report if one else as_text(students))
    return 2 if any(student.unread for student in students) else int(not all(student.ok for student in students))
