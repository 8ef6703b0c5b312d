"""``micrograd-nn evaluate``: how well a saved network does on a dataset.

The file is only read; the rows are those that ``train`` kept back.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from ..draw.plot import plot_confusion
from ..errors import ArgumentError, ShapeError, counted
from ..nn.losses import named_loss
from ..storage.networks import load
from ..storage.packing import read
from ..training import evaluate
from .options import make_folder, take
from .outcome import Outcome
from .recipes import kept_back, parts
from .results import confusion, loss_of, save_plots

ABOUT = "measure a saved network on the rows that train kept back"
EPILOG = """\
The loss is the one that the network was trained on, unless --loss names another. With --out it draws the confusion
matrix there."""
JSON = {
    "network": "its layers",
    "rows": "their number",
    "measured": "the loss and the accuracy, by name",
    "classes": "names of the classes",
    "confusion": "how often each class, a row, was taken for each, a column",
}


def add_options(parser: ArgumentParser) -> None:
    """The network, the dataset, the loss."""
    take(parser, "network", "dataset", "--target", "--data", "--loss")
    take(parser, "--out", "--digits", "--json", "--quiet", out=None)


def run(arguments: Namespace) -> Outcome:
    """Loss, accuracy and, if the network tells the classes apart, the confusion matrix."""
    net, about = load(arguments.network), read(arguments.network)[1]
    rows = kept_back(parts(arguments.dataset, arguments.data, arguments.target, about))
    if net.nin != rows.X.shape[1]:
        raise ShapeError(f"{net} takes {counted(net.nin, 'number')}, and {arguments.dataset} has {rows.X.shape[1]}")
    tells = len(rows.classes) == max(2, net.layers[-1].nout)
    if arguments.out and not tells:
        raise ArgumentError(f"{net} tells no classes of {arguments.dataset} apart: leave out --out, there is no matrix")
    if arguments.out:
        make_folder(arguments.out)
    loss = arguments.loss or loss_of(about, bool(rows.classes))
    measured = evaluate(net, *rows, loss=loss, metrics=["accuracy"] if rows.classes else [])
    measured = {loss: measured.pop("loss"), **measured}
    lines = [f"{net} on {rows}:", *(f"{name:>36} {n:.{arguments.digits}g}" for name, n in measured.items())]
    data: dict[str, Any] = {"network": str(net), "rows": len(rows), "measured": measured, "classes": rows.classes}
    table, written = list[list[int]](), list[Path]()
    if tells:
        table = confusion(net, rows, named_loss(loss).boundary)
        lines += ["", "rows: truth, columns: answer"]
        wide = max(map(len, rows.classes))
        for name, counts in zip(rows.classes, table, strict=True):
            lines.append(f"{name:>{max(6, wide)}} " + "".join(f"{count:6}" for count in counts))
        if arguments.out:
            written = save_plots({"confusion.svg": lambda: plot_confusion(table, names=rows.classes)}, arguments)
    return Outcome({**data, "confusion": table}, "\n".join(lines), written)
