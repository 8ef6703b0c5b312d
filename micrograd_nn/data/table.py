"""A table of one's own: a CSV file with a header, of numbers, and a target that is a number or a word."""

import csv
import os
from math import isfinite
from pathlib import Path

from ..errors import ArgumentError, FileError, FileMissingError, FormatError, counted, known
from ..number import as_array
from ._dataset import Dataset

MOST_WORDS = 100  # a target of more different words is taken for a mistake


def read_csv(path: str | os.PathLike[str], target: str) -> Dataset:
    r"""The rows of a CSV file with a header. The column ``target`` is what is to be told from all others.

    Words in it become labels in alphabetical order, and so do 0 and 1; other numbers stay numbers.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "shop.csv")
    ...     _ = file.write_text("age,visits,bought\n31,4,yes\n62,1,no\n")
    ...     read_csv(file, "bought")
    <dataset shop: 2 rows of 2 features, 2 classes>

    Raises FileMissingError or FileError if the file can't be read, UnknownNameError for a target that is no column, and
    FormatError, with line and column, for a number that is missing or none.
    """
    header, rows = _lines(path)
    k = header.index(known("column for the target", target, header))
    features = [name for i, name in enumerate(header) if i != k]
    if not features or not rows:
        raise FormatError(f"{path} has nothing to learn from: it needs a column beside {target}, and rows")
    X = [[_number(word, header[i], line) for i, word in enumerate(row) if i != k] for line, row in rows]
    words = [row[k].strip() for _, row in rows]
    for (line, _), word in zip(rows, words, strict=True):
        if not word:
            raise _missing(target, line)
    if all(map(_is_number, words)):
        if {*map(float, words)} != {0.0, 1.0}:
            y = [_number(word, target, line) for (line, _), word in zip(rows, words, strict=True)]
            return Dataset(Path(path).stem, as_array(X), as_array(y), tuple(features))
        words = [f"{float(word):g}" for word in words]  # 1 and 1.0 are one class
    classes = tuple(sorted({*words}))
    if not 2 <= len(classes) <= MOST_WORDS:
        raise ArgumentError(
            f"{target} has {counted(len(classes), 'different word')}: a target has 2 to {MOST_WORDS}, or numbers"
        )
    labels = [classes.index(word) for word in words]
    return Dataset(Path(path).stem, as_array(X), as_array(labels), tuple(features), classes)


def _lines(path: str | os.PathLike[str]) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of the columns, and each row with the number of its line."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            rows = [(reader.line_num, row) for row in reader if row]
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
    return header, rows


def _number(word: str, column: str, line: int) -> float:
    if not word.strip() or word.strip().lower() in ("nan", "na", "null", "none"):
        raise _missing(column, line)
    if not _is_number(word) or not isfinite(float(word)):
        raise FormatError(
            f"line {line}, column {column}: {word!r} is no number. Give words numbers, or drop the column"
        )
    return float(word)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _missing(column: str, line: int) -> FormatError:
    return FormatError(f"line {line}, column {column}: a value is missing. Take the line out, or put a number there")
