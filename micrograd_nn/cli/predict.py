"""``micrograd-nn predict``: what a saved network says about rows of numbers, or about rows of a dataset.

The file is only read.
"""

from argparse import REMAINDER, ArgumentParser, Namespace
from collections.abc import Sequence

from ..data import Dataset
from ..data.matrix import matrix
from ..errors import ArgumentError, ShapeError, counted
from ..nn.losses import named_loss
from ..storage.networks import load_matrices
from .options import add_data, add_network
from .recipes import kept_back, parts
from .results import loss_of

ABOUT = "what a saved network says about rows of numbers, or about rows of a dataset"


def add_options(parser: ArgumentParser) -> None:
    """The network, the rows, the boundary."""
    add_named_options(parser)
    add_network(parser)
    rows = "rows such as -7,-3 20,2; or a dataset and numbers of its test rows from 0, such as digits 0 17"
    parser.add_argument("rows", nargs=REMAINDER, metavar="ROW", help=rows)


def add_named_options(parser: ArgumentParser) -> None:
    """What begins with --."""
    add_data(parser)
    parser.add_argument("--boundary", type=float, help="a single output above it says yes (0.5 after a sigmoid)")


def run(arguments: Namespace) -> int:
    """Print a line per row."""
    from ..training.matrices import outputs  # with NumPy

    # Options may also stand after the rows, which argparse would take for options where they are negative: -7,-3.
    after_rows = ArgumentParser(prog="micrograd-nn predict", add_help=False)
    add_named_options(after_rows)
    words = after_rows.parse_known_args(arguments.rows, arguments)[1]
    layers, about = load_matrices(arguments.file)
    named_rows = bool(words) and words[0].isidentifier()
    if len(words) < 1 + named_rows:
        raise ArgumentError("give rows such as -7,-3 20,2, or a dataset and numbers of its rows, such as digits 0 17")
    chosen = picked(words, arguments.data) if named_rows else None
    rows = [row_of(word) for word in words] if chosen is None else chosen.X.tolist()
    nin, activation = about["architecture"]["nin"], about["architecture"]["activations"][-1]
    for row in rows:
        if len(row) != nin:
            raise ShapeError(f"the network takes rows of {counted(nin, 'number')}, got {len(row)}")
    boundary = arguments.boundary
    if boundary is None and activation == "sigmoid":
        boundary = 0.5
    elif boundary is None and chosen is not None and chosen.classes:
        boundary = named_loss(loss_of(about, classes=True)).boundary
    classes = tuple(chosen.classes if chosen is not None else about.get("classes") or ())
    for i, output in enumerate(outputs(layers, matrix("X", rows)).tolist()):
        truth = f", truly {named(classes, int(chosen.y[i]))}" if chosen is not None and chosen.classes else ""
        print(f"{words[i + (chosen is not None)]:>12}: {said(output, classes, boundary)}{truth}")
    return 0


def picked(words: list[str], folder: str | None) -> Dataset:
    """The named rows of a dataset's test part. Raises ArgumentError for a row that is not there."""
    rows = kept_back(parts(words[0], folder))
    for word in words[1:]:
        if not word.isdecimal() or int(word) >= len(rows):
            raise ArgumentError(f"{words[0]} has test rows 0 to {len(rows) - 1}, got {word!r}")
    return rows.take([int(word) for word in words[1:]])


def said(output: list[float], classes: Sequence[str], boundary: float | None) -> str:
    """The outputs, shortened, and what they decide for."""
    if len(output) == 1:
        kinds = classes or ("no", "yes")
        return f"{output[0]:.6g}" + ("" if boundary is None else f", {kinds[output[0] > boundary]}")
    order = sorted(range(len(output)), key=output.__getitem__, reverse=True)
    best = [f"{named(classes, k)} ({output[k]:.4g})" for k in order[:2]]
    return f"{best[0]}, before {best[1]}"


def named(classes: Sequence[str], label: int) -> str:
    """What a label means."""
    return classes[label] if label < len(classes) else str(label)


def row_of(text: str) -> list[float]:
    """A row such as -7,-3. Raises ArgumentError for anything else."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ArgumentError(f"a row is numbers with commas, such as -7,-3; got {text!r}") from None
