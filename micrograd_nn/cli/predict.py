"""``micrograd-nn predict``: what a saved network says about rows of numbers, of a table, or of a dataset.

The file is only read.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..data import Dataset
from ..data.matrix import matrix
from ..data.table import read_rows
from ..errors import ArgumentError, ShapeError, counted
from ..nn.losses import named_loss
from ..storage.networks import load_matrices
from .options import take
from .outcome import Outcome
from .recipes import is_file, kept_back, parts
from .results import loss_of

NO_LABELS: Any = []
ABOUT = "ask a saved network about rows of numbers, of a table, or of a dataset"
EPILOG = """\
examples:
  micrograd-nn predict friends.net -7,-3 20,2
  micrograd-nn predict shop.net new.csv           all its rows; the columns are found by their names
  micrograd-nn predict digits.net digits 0 17     two of its test rows, counted from 0"""
JSON = {"rows": "each with row, outputs, class (or null), and truth if it is known"}


def add_options(parser: ArgumentParser) -> None:
    """The network, the rows, the boundary."""
    take(parser, "network")
    what = "rows such as -7,-3 20,2; a CSV file; or a dataset and the numbers of some of its test rows"
    parser.add_argument("numbers", nargs="*", default=[], metavar="ROW", help=what)
    yes = "a single output above it says yes (0.5 after a sigmoid)"
    parser.add_argument("--boundary", type=float, metavar="X", help=yes)
    take(parser, "--data", "--digits", "--json", "--quiet")


def run(arguments: Namespace) -> Outcome:
    """A line per row."""
    from ..training.matrices import outputs  # with NumPy

    layers, about = load_matrices(arguments.network)
    nin, activation = about["architecture"]["nin"], about["architecture"]["activations"][-1]
    words = [word.strip() for word in arguments.numbers]
    chosen = asked(words, arguments.data, about)
    for row in chosen.X:
        if len(row) != nin:
            raise ShapeError(f"the network takes rows of {counted(nin, 'number')}, got {len(row)}")
    boundary = arguments.boundary
    if boundary is None and activation == "sigmoid":
        boundary = 0.5
    elif boundary is None and len(chosen.y):
        boundary = named_loss(loss_of(about, classes=True)).boundary
    found = outputs(layers, matrix("X", chosen.X)).tolist()
    classes = chosen.classes or ("no", "yes")[: 2 * (len(found[0]) == 1)]
    rows = [
        {"row": name, "outputs": output, "class": decided(output, classes, boundary)}
        for name, output in zip(chosen.rows, found, strict=True)
    ]
    for row, label in zip(rows, chosen.y, strict=False):
        row["truth"] = named(classes, int(label))
    return Outcome({"rows": rows}, "\n".join(line(row, classes, arguments.digits) for row in rows))


def asked(words: Sequence[str], folder: Path | None, about: dict[str, Any]) -> Dataset:
    """The rows that are meant, with their names, and with labels where they come from a dataset of classes."""
    kind = (words or [""])[0]
    classes = tuple(about.get("classes") or ())
    if is_file(kind) and len(words) == 1:
        return read_rows(kind, about.get("features") or (), classes)
    if kind.isidentifier() and len(words) > 1:
        return picked(words, folder)
    if not words or kind.isidentifier() or is_file(kind):
        raise ArgumentError(
            "give rows such as -7,-3 20,2, or a CSV file, or a dataset and numbers of its rows, such as digits 0 17"
        )
    typed: Any = [row_of(word) for word in words]
    return Dataset("rows", typed, NO_LABELS, classes=classes, rows=tuple(words))


def picked(words: Sequence[str], folder: Path | None) -> Dataset:
    """The named rows of a dataset's test part. Raises ArgumentError for a row that is not there."""
    rows = kept_back(parts(words[0], folder))
    for word in words[1:]:
        if not word.isdecimal() or int(word) >= len(rows):
            raise ArgumentError(f"{words[0]} has test rows 0 to {len(rows) - 1}, got {word!r}")
    chosen = rows.take([int(word) for word in words[1:]])
    return replace(chosen, rows=tuple(words[1:]), y=chosen.y if chosen.classes else NO_LABELS)


def decided(output: Sequence[float], classes: Sequence[str], boundary: float | None) -> str | None:
    """The class that the outputs decide for."""
    if len(output) > 1:
        return named(classes, max(range(len(output)), key=output.__getitem__))
    return None if boundary is None else classes[output[0] > boundary]


def line(row: dict[str, Any], classes: Sequence[str], digits: int) -> str:
    """The outputs, shortened, what they decide for, and what is true."""
    output, truth = row["outputs"], f", truly {row['truth']}" if "truth" in row else ""
    said = f"{output[0]:.{digits}g}" + (f", {row['class']}" if row["class"] else "")
    if len(output) > 1:
        best = sorted(range(len(output)), key=output.__getitem__, reverse=True)[:2]
        said = ", before ".join(f"{named(classes, k)} ({output[k]:.{digits}g})" for k in best)
    return f"{row['row']:>12}: {said}{truth}"


def named(classes: Sequence[str], label: int) -> str:
    """What a label means."""
    return classes[label] if label < len(classes) else str(label)


def row_of(text: str) -> list[float]:
    """A row such as -7,-3. Raises ArgumentError for anything else."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ArgumentError(f"a row is numbers with commas, such as -7,-3; got {text!r}") from None
