"""What came out for each student of a class: rows, and a table of slips × students, in text and as CSV."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ..derive import Finding, Report
from ..errors import ArgumentError, MicrogradError, counted, printable
from ..notation.text import label_text
from .derivation import STDIN, called, read_derivation, text_of

UNNAMED = "no slip that is known"
ROW = ("student", "partial", "verdict", "engine", "hand", "numeric", "slip", "factor", "words")
MOST_FILES = 1000
MOST_FACTORS = 3  # in which a student made a slip, in print
MOST_NAMES = 8  # of students behind a slip in print
NOTHING = Report(())
OPENS_A_FORMULA = ("=", "+", "-", "@", "\t")  # in a spreadsheet: a file's name shall not be run as one


@dataclass(frozen=True)
class Student:
    """One derivation: what was found, or why it could not be read."""

    name: str
    report: Report = NOTHING
    unread: str = ""

    @classmethod
    def of(cls, name: str, file: Path) -> "Student":
        """Read and check a file."""
        try:
            return cls(name, read_derivation(text_of(file), called(file)).report())
        except MicrogradError as error:
            return cls(name, unread=str(error))

    @property
    def why(self) -> str:
        """Why it could not be read, in one line."""
        return self.unread.partition("\n")[0]

    @property
    def wrong(self) -> list[Finding]:
        """What is not right."""
        return [finding for finding in self.report.findings if not finding.ok]

    @property
    def ok(self) -> bool:
        """Is everything right?"""
        return not self.unread and self.report.ok

    @property
    def slips(self) -> Counter[str]:
        """How often each slip was made."""
        return Counter(_slip(finding) for finding in self.wrong)

    def rows(self) -> list[dict[str, Any]]:
        """A row per partial, its three numbers in full; a single one where nothing could be read."""
        if self.unread:
            return [dict.fromkeys(ROW, "") | {"student": self.name, "verdict": "unread", "words": self.why}]
        return [dict(zip(ROW, (self.name, *_cells(finding)), strict=True)) for finding in self.report.findings]


def files_by_student(paths: Iterable[Path]) -> dict[str, Path]:
    """The files behind the paths, by what the student is called: the file's name, or its way inside a folder.

    Raises ArgumentError for a folder without a file, or with too many.
    """
    found: dict[Path, str] = {}
    for path in paths:
        if path.is_dir():
            found |= {file: file.relative_to(path).with_suffix("").as_posix() for file in _files_in(path)}
        else:
            found[path] = called(path) if path == STDIN else path.stem
    often, students = Counter(found.values()), dict[str, Path]()
    for file, name in found.items():
        shown = printable(name if often[name] == 1 else f"{file.resolve().parent.name}/{name}")
        students[shown if shown not in students else f"{shown} ({len(students) + 1})"] = file
    return students


def _files_in(folder: Path) -> list[Path]:
    """What lies in a folder and below it, without what is hidden."""
    inside = (file for file in folder.rglob("*") if file.is_file())
    seen = (file for file in inside if not any(part.startswith(".") for part in file.relative_to(folder).parts))
    files = sorted(islice(seen, MOST_FILES + 1))
    if not files:
        raise ArgumentError(f"there is no file in the folder {folder}")
    if len(files) > MOST_FILES:
        raise ArgumentError(
            f"{folder} holds more than {MOST_FILES:,} files: name the folder with the derivations alone"
        )
    return files


def slips_of(students: Iterable[Student]) -> dict[str, dict[str, int]]:
    """By slip and student: how often; the slip that most students made comes first."""
    table: dict[str, dict[str, int]] = {}
    for student in students:
        for slip, count in student.slips.items():
            table.setdefault(slip, {})[student.name] = count
    return dict(sorted(table.items(), key=lambda row: (row[0] == UNNAMED, -len(row[1]), -sum(row[1].values()), row[0])))


# ---- in text ----


def as_text(students: Sequence[Student]) -> str:
    """A line per student, the table of slips, and what to teach."""
    read = [student for student in students if not student.unread]
    unread = [student for student in students if student.unread]
    right = sum(student.ok for student in read)
    blocks = [
        [
            f"{counted(len(students), 'derivation')}: {right} right, {len(read) - right} with something wrong, "
            f"{len(unread)} not read"
        ]
    ]
    blocks.append(_columns([(student.name, _score(student), _what_went_wrong(student)) for student in read]))
    if unread:
        rows = [(student.name, student.why) for student in unread]
        blocks.append(["could not be read:", *_columns(rows)])
    if slips := slips_of(read):
        columns = [(slip, f"{len(who)} of {len(read)}", _names(who)) for slip, who in slips.items()]
        blocks.append(_columns([("slip", "students", ""), *columns]))
        blocks.append([_lesson(read, next(iter(slips)))])
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _score(student: Student) -> str:
    findings = student.report.findings
    return f"{len(findings) - len(student.wrong)} of {len(findings)}"


def _what_went_wrong(student: Student) -> str:
    """Each slip, the factors in which it was made, and how many partials it spoilt."""
    said = []
    for slip, count in student.slips.items():
        factors = dict.fromkeys(_factor(finding) for finding in student.wrong if _slip(finding) == slip)
        where = _few([factor for factor in factors if factor], MOST_FACTORS)
        said.append(f"{slip}{f' in {where}' if where else ''} ({counted(count, 'partial')})")
    return "; ".join(said)


def _names(who: dict[str, int]) -> str:
    ranked = sorted(who, key=lambda name: -who[name])
    return _few([f"{name} {who[name]}" for name in ranked], MOST_NAMES)


def _few(things: list[str], most: int) -> str:
    return ", ".join(things[:most]) + (f" and {len(things) - most} more" if len(things) > most else "")


def _lesson(students: Sequence[Student], slip: str) -> str:
    """What to teach tomorrow: the slip that most students made, in a sentence, and where."""
    made = [finding for student in students for finding in student.wrong if _slip(finding) == slip]
    who = sum(slip in student.slips for student in students)
    said = made[0].sentence or "what came out wrong by no slip that is known"
    places = Counter(_factor(finding) for finding in made if finding.factor).most_common(MOST_FACTORS)
    where = f", most often in {', '.join(factor for factor, _ in places)}" if places else ""
    return f"To teach tomorrow: {said}. That was {who} of {counted(len(students), 'student')}{where}."


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["   ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _slip(finding: Finding) -> str:
    return finding.slip.value if finding.slip else UNNAMED


def _factor(finding: Finding) -> str:
    return "∂{}/∂{}".format(*map(label_text, finding.factor)) if finding.factor else ""


def _cells(f: Finding) -> tuple[Any, ...]:
    """A row of the table, but for the student."""
    numbers = f.engine, f.hand, f.numeric
    return f.partial, "right" if f.ok else "wrong", *numbers, "" if f.ok else _slip(f), _factor(f), _line(f.words)


def _line(words: str) -> str:
    return "; ".join(line.strip() for line in words.splitlines() if line.strip())


# ---- for spreadsheets ----


def as_csv(students: Sequence[Student]) -> str:
    """A row per student and partial."""
    return _csv([ROW, *(tuple(row.values()) for student in students for row in student.rows())])


def slips_as_csv(students: Sequence[Student]) -> str:
    """A row per slip, a column per student."""
    names = [student.name for student in students]
    rows = [(slip, *(str(who.get(name, 0)) for name in names)) for slip, who in slips_of(students).items()]
    return _csv([("slip", *names), *rows])


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerows([[_cell(cell) for cell in row] for row in rows])
    return made.getvalue()


def _cell(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(OPENS_A_FORMULA) else cell
