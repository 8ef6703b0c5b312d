"""``micrograd-nn check``: derivations on paper, of one person or of a class, held against their graphs."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..derive.check import DIGITS
from ..errors import ArgumentError
from .classroom import ROW, Student, as_csv, as_text, files_by_student, slips_as_csv, slips_of
from .derivation import PARTIALS
from .options import take
from .outcome import Outcome

ABOUT = "check partials that were derived by hand, of one person or a class, and name the slips"
EPILOG = f"""\
{PARTIALS}

Of several files, or of all files in a folder, it prints a line per student and a table of the slips; what can't be read
is told, and the others are checked all the same."""
CODES = "Exit codes: 0 all partials are right, 1 one is wrong, 2 something could not be read or a usage error."
JSON = {"rows": f"one per student and partial: {', '.join(ROW)}", "slips": "by slip and student: how often"}


def add_options(parser: ArgumentParser) -> None:
    """The files, and how the outcome is written."""
    what = "a derivation, see below; a folder stands for all files in it, - for standard input"
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help=what)
    take(parser, "--json")
    parser.add_argument("--csv", action="store_true", help="print a row per student and partial, as CSV")
    parser.add_argument("--slips", action="store_true", help="with --csv: a row per slip instead, a column per student")
    take(parser, "--digits", "--quiet", digits=DIGITS)


def run(arguments: Namespace) -> Outcome:
    """Check and report."""
    if arguments.slips and not arguments.csv:
        raise ArgumentError("--slips goes with --csv; without --csv the table of slips is printed anyway")
    if arguments.csv and arguments.json:
        raise ArgumentError("--csv and --json are two ways to write the same: choose one")
    students = [Student.of(name, file) for name, file in files_by_student(arguments.files).items()]
    one = students[0] if len(arguments.files) == 1 and not arguments.files[0].is_dir() else None
    text = ""
    if arguments.csv:
        text = (slips_as_csv(students) if arguments.slips else as_csv(students)).rstrip("\n")
    elif one and one.unread and not arguments.json:
        print(f"micrograd-nn: {one.unread}", file=sys.stderr)
    else:
        text = one.report.text(arguments.digits) if one else as_text(students)
    wrong = 2 if any(student.unread for student in students) else int(not all(student.ok for student in students))
    data = {"rows": [row for student in students for row in student.rows()], "slips": slips_of(students)}
    return Outcome(data, text, code=wrong)
