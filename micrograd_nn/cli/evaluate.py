"""``micrograd-nn evaluate``: how well a saved network does on a dataset.

Promise: the file is only read; the rows are those that ``train`` kept back.
"""

import argparse
from pathlib import Path
from typing import Any

from ..draw.plot import plot_confusion
from ..errors import ArgumentError, ShapeError
from ..nn.layers import MLP
from ..nn.losses import LOSSES, named_loss
from ..storage.networks import load
from ..storage.packing import read
from ..training import evaluate
from .folder import make_folder
from .recipes import RECIPES, parts
from .train import confusion, plots

USUAL = {"softmax": "categorical_cross_entropy", "sigmoid": "squared_error"}  # what goes with an output, by and large

ABOUT = "How well a saved network does on the rows that train kept back."


def add_to(subparsers: Any) -> None:
    """Enter ``evaluate``."""
    parser = subparsers.add_parser("evaluate", help="how well a saved network does", description=ABOUT)
    parser.set_defaults(run=run)
    parser.add_argument("file", help="a network that train --save wrote")
    parser.add_argument("dataset", help=", ".join(RECIPES))
    parser.add_argument("--loss", help=f"{', '.join(LOSSES)}; the one that it was trained on if left out")
    parser.add_argument("--data", metavar="DIR", help="the folder with MNIST's four files")
    parser.add_argument("--out", type=Path, metavar="DIR", help="draw the confusion matrix there")


def run(arguments: argparse.Namespace) -> int:
    """Print loss, accuracy and, if the network tells the classes apart, the confusion matrix."""
    net = load(arguments.file)
    sets = parts(arguments.dataset, arguments.data)
    rows = sets.get("test", sets["train"])
    if net.nin != rows.X.shape[1]:
        raise ShapeError(f"{net} takes {net.nin} numbers, a row of {arguments.dataset} has {rows.X.shape[1]}")
    tells = len(rows.classes) == max(2, net.layers[-1].nout)
    if arguments.out and not tells:
        raise ArgumentError(f"{net} tells no classes of {arguments.dataset} apart: leave out --out, there is no matrix")
    loss = arguments.loss or read(arguments.file)[1].get("loss") or usual_loss(net, bool(rows.classes))
    measured = evaluate(net, *rows, loss=loss, metrics=["accuracy"] if rows.classes else [])
    print(f"{net} on {rows}:")
    for name, number in measured.items():
        print(f"{name if name != 'loss' else loss:>36} {number:.6g}")
    if tells:
        table = confusion(net, rows, named_loss(loss).boundary)
        print("\nrows: truth, columns: answer")
        for name, counts in zip(rows.classes, table, strict=True):
            print(f"{name:>6} " + "".join(f"{count:6}" for count in counts))
        if arguments.out:
            make_folder(arguments.out)
            drawn = plots({"confusion.svg": lambda: plot_confusion(table, names=rows.classes)}, arguments.out)
            print("Wrote " + ", ".join(map(str, drawn)))
    return 0


def usual_loss(net: MLP, classes: bool) -> str:
    """The loss that such a network is trained on."""
    last = net.layers[-1]
    if last.activation in USUAL:
        return USUAL[last.activation]
    return "mse" if not classes else "softmax_cross_entropy" if last.nout > 1 else "binary_cross_entropy_with_logits"
