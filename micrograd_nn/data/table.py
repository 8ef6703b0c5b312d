"""A table of one's own: a CSV file with a header, of numbers, and a target that is a number or a word."""

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, FileError, FileMissingError, FormatError, counted, known
from ..number import as_array
from ._dataset import Dataset

MOST_WORDS = 100  # a target of more different words is taken for a mistake
MOST_TOLD = 5  # faults in an error
MISSING = ("", "nan", "na", "n/a", "null", "none")  # what spreadsheets and programs write where a number is missing


def read_csv(
    path: str | os.PathLike[str], target: str, features: Sequence[str] = (), classes: Sequence[str] = ()
) -> Dataset:
    r"""The rows of a CSV file with a header. The column ``target`` is to be predicted from all others.

    Words in it become labels in alphabetical order, and so do 0 and 1; other numbers stay numbers. For a network that
    is trained already, ``features`` are the columns that it takes, in its order, and ``classes`` the words of its
    labels; columns beside them are left out.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "shop.csv")
    ...     _ = file.write_text("age,visits,bought\n31,4,yes\n62,1,no\n")
    ...     read_csv(file, "bought")
    <dataset shop: 2 rows of 2 features, 2 classes>

    Raises FileMissingError or FileError if the file can't be read, UnknownNameError for a column that it does not have,
    and FormatError, with line and column, for all values that are missing, or no numbers.
    """
    table = Table.of(path)
    known("column for the target", target, table.header)
    names = [*features] or [name for name in table.header if name != target]
    if not names or not table.rows:
        raise FormatError(f"{path} has nothing to learn from: it needs a column beside {target}, and rows")
    table.check_missing([*names, target])
    X, words = table.numbers(names), table.column(target)
    numeric = all(map(_is_number, words))
    if numeric and not classes and {*map(float, words)} != {0.0, 1.0}:
        return Dataset(table.name, X, as_array([y for (y,) in table.numbers([target])]), tuple(names))
    words = [f"{float(word):g}" for word in words] if numeric else words  # 1 and 1.0 are one class
    kinds = tuple(classes or sorted({*words}))
    if not 2 <= len(kinds) <= MOST_WORDS:
        raise ArgumentError(
            f"{target} has {counted(len(kinds), 'different word')}: a target has 2 to {MOST_WORDS}, or numbers"
        )
    labels = [kinds.index(known(f"class in the column {target}", word, kinds)) for word in words]
    return Dataset(table.name, X, as_array(labels), tuple(names), kinds)


def read_rows(path: str | os.PathLike[str], features: Sequence[str] = (), classes: Sequence[str] = ()) -> Dataset:
    """The rows of a CSV file for a trained network: its ``features``, found by name, all columns if none is named.

    They are called by their lines. Raises what ``read_csv`` raises.
    """
    table = Table.of(path)
    names = [*features] or table.header
    if not names or not table.rows:
        raise FormatError(f"{path} has no rows")
    table.check_missing(names)
    lines = tuple(f"line {line}" for line, _ in table.rows)
    return Dataset(table.name, table.numbers(names), as_array([]), tuple(names), tuple(classes), lines)


def columns_of(path: str | os.PathLike[str]) -> list[str]:
    """The names of the columns."""
    return Table.of(path).header


@dataclass(frozen=True)
class Table:
    """What stands in a CSV file: the names of its columns, and its rows, each with the number of its line."""

    path: Path
    header: list[str]
    rows: list[tuple[int, list[str]]]

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> "Table":
        """Read a file. Raises FileMissingError, FileError, or FormatError for rows of several lengths."""
        try:
            with open(path, newline="", encoding="utf-8-sig") as file:
                reader = csv.reader(file)
                header = [name.strip() for name in next(reader, [])]
                rows = [(reader.line_num, [word.strip() for word in row]) for row in reader if row]
        except FileNotFoundError:
            raise FileMissingError(f"there is no file {path}") from None
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise FileError(f"{path} can't be read as a table: {error}") from None
        if len({*header}) != len(header):
            raise FormatError(f"{path} has two columns of one name: {', '.join(header)}")
        for line, row in rows:
            if len(row) != len(header):
                raise FormatError(
                    f"line {line} of {path} has {counted(len(row), 'entry', 'entries')}, and line 1 has {len(header)}"
                )
        return cls(Path(path), header, rows)

    @property
    def name(self) -> str:
        """What the dataset is called."""
        return self.path.stem

    def column(self, name: str) -> list[str]:
        """The entries of a column. Raises UnknownNameError, which lists the columns."""
        k = self.header.index(known(f"column of {self.path}", name, self.header))
        return [row[k] for _, row in self.rows]

    def numbers(self, names: Sequence[str]) -> Any:
        """The rows of these columns. Raises FormatError, with line and column, for what are no finite numbers."""
        faults = [f"{place}: {word!r} is no number" for place, word in self._entries(names) if not _is_finite(word)]
        if faults:
            raise FormatError(f"{_told(faults)}. Give words numbers, or drop the column")
        columns = map(self.column, names)
        return as_array([[*map(float, row)] for row in zip(*columns, strict=True)])

    def check_missing(self, names: Sequence[str]) -> None:
        """Raise FormatError, which says how many values of these columns are missing, and where the first few are."""
        faults = [place for place, word in self._entries(names) if word.lower() in MISSING]
        if faults:
            many = f"{counted(len(faults), 'value is', 'values are')} missing in {self.path}"
            raise FormatError(f"{many}: {_told(faults)}. Take such lines out, or put there what is right")

    def _entries(self, names: Sequence[str]) -> list[tuple[str, str]]:
        """What stands in these columns, line by line, each entry with its place in words."""
        columns = {name: self.column(name) for name in names}
        return [
            (f"line {line}, column {name}", column[i])
            for i, (line, _) in enumerate(self.rows)
            for name, column in columns.items()
        ]


def _told(faults: Sequence[str]) -> str:
    more = f"; and {len(faults) - MOST_TOLD:,} more" if len(faults) > MOST_TOLD else ""
    return "; ".join(faults[:MOST_TOLD]) + more


def _is_finite(word: str) -> bool:
    return _is_number(word) and isfinite(float(word))


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
