"""``micrograd-nn evaluate``: how well a saved network does on a dataset.

The file is only read; the rows are those that ``train`` kept back.
"""

from argparse import ArgumentParser, Namespace

from ..draw.plot import plot_confusion
from ..errors import ArgumentError, ShapeError, counted
from ..nn.losses import LOSSES, named_loss
from ..storage.networks import load
from ..storage.packing import read
from ..training import evaluate
from .options import add_data, add_network, add_out, add_target, make_folder
from .recipes import RECIPES, kept_back, parts
from .results import confusion, loss_of, save_plots, tell

ABOUT = "how well a saved network does on the rows that train kept back"


def add_options(parser: ArgumentParser) -> None:
    """The network, the dataset, the loss."""
    add_network(parser)
    parser.add_argument("dataset", help=f"{', '.join(RECIPES)}; or a CSV file")
    parser.add_argument("--loss", help=f"{', '.join(LOSSES)}; the one that it was trained on if left out")
    add_target(parser)
    add_data(parser)
    add_out(parser, "draw the confusion matrix there", default=None)


def run(arguments: Namespace) -> int:
    """Print loss, accuracy and, if the network tells the classes apart, the confusion matrix."""
    net = load(arguments.file)
    rows = kept_back(parts(arguments.dataset, arguments.data, arguments.target))
    if net.nin != rows.X.shape[1]:
        raise ShapeError(f"{net} takes {counted(net.nin, 'number')}, and {arguments.dataset} has {rows.X.shape[1]}")
    tells = len(rows.classes) == max(2, net.layers[-1].nout)
    if arguments.out and not tells:
        raise ArgumentError(f"{net} tells no classes of {arguments.dataset} apart: leave out --out, there is no matrix")
    loss = arguments.loss or loss_of(read(arguments.file)[1], bool(rows.classes))
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
            tell(save_plots({"confusion.svg": lambda: plot_confusion(table, names=rows.classes)}, arguments.out))
    return 0
