"""``micrograd-nn train``: a network on a dataset, by its recipe or by your own numbers, to a table, a file and plots.

Promise: what the table says was measured by the network as it stands in the saved file.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..compiler import compile
from ..data import Dataset, split
from ..draw.plot import axes, plot_confusion, plot_curves, plot_decision, plot_history, save_plot
from ..engine.value import Value
from ..errors import ArgumentError, ExtraMissingError
from ..nn.layers import MLP
from ..nn.losses import LOSSES, named_loss
from ..nn.optim import OPTIMIZERS
from ..storage.networks import save
from ..training import History, confusion_matrix, decisions, evaluate, fit, predict
from ..training.choose import ENGINES
from .folder import make_folder
from .recipes import RECIPES, Recipe, parts, recipe

OVERRULED = (
    "activation",
    "output",
    "loss",
    "optimizer",
    "lr",
    "epochs",
    "steps",
    "batch_size",
    "l2",
    "dtype",
    "record",
)
FEW, MUCH, STRONG = 200, 1000, 1e-3  # the overfitting picture: training rows, steps, and the strength of L2
ABOUT = "Train a network on a dataset, by its recipe or by your own numbers: a table, a file, plots."


def add_to(subparsers: Any) -> None:
    """Enter ``train``."""
    parser = subparsers.add_parser("train", help="train a network on a dataset", description=ABOUT)
    parser.set_defaults(run=run)
    parser.add_argument("dataset", help=", ".join(RECIPES))
    parser.add_argument(
        "--recipe", metavar="NAME", help="softmax, four-layer or sigmoid for digits, unit or hidden for a gate"
    )
    parser.add_argument(
        "--hidden", type=sizes, metavar="N,N", help="sizes of the hidden layers, such as 300,100; or none"
    )
    parser.add_argument("--activation", help="of the hidden layers: relu, tanh, sigmoid, …")
    parser.add_argument("--output", help="activation of the last layer: identity, sigmoid, softmax, …")
    parser.add_argument("--loss", help=", ".join(LOSSES))
    parser.add_argument("--optimizer", help=", ".join(OPTIMIZERS))
    parser.add_argument("--lr", type=float, help="learning rate")
    parser.add_argument("--epochs", type=int, help="how often all rows are shown")
    parser.add_argument("--steps", type=int, help="end after so many batches instead")
    parser.add_argument("--batch-size", type=int, metavar="N", help="rows to a step")
    parser.add_argument("--l2", type=float, help="strength of L2 regularisation")
    parser.add_argument("--record", type=int, metavar="N", help="measure every N steps instead of after each epoch")
    parser.add_argument("--rows", type=int, metavar="N", help="train on the first N training rows alone")
    parser.add_argument("--seed", type=int, default=0, help="of the starting weights and the order (default 0)")
    parser.add_argument("--dtype", choices=("float64", "float32"), help="of the compiled engine")
    parser.add_argument("--engine", default="auto", choices=ENGINES)
    parser.add_argument("--data", metavar="DIR", help="the folder with MNIST's four files")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the network to a file")
    parser.add_argument("--out", type=Path, default=Path("micrograd-nn-out"), metavar="DIR", help="where plots go")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.add_argument(
        "--overfitting",
        action="store_true",
        help="train twice on few rows, without and with L2, and draw both: cost and accuracy, train and test",
    )


def run(arguments: argparse.Namespace) -> int:
    """Train, save, measure, draw. Returns the exit code."""
    plan = recipe(arguments.dataset, arguments.recipe)
    changed = {name: value for name in OVERRULED if (value := getattr(arguments, name)) is not None}
    plan = replace(plan, **changed, **({} if arguments.hidden is None else {"hidden": arguments.hidden}))
    if arguments.epochs is not None and arguments.steps is None:
        plan = replace(plan, steps=None)
    sets = parts(arguments.dataset, arguments.data)
    prepare(arguments)
    if arguments.overfitting:
        return overfitting(plan, sets, arguments)
    if arguments.rows is not None:
        sets["train"] = split(sets["train"], arguments.rows, shuffle=False)[0]
    net, history = trained(plan, sets, arguments)
    if arguments.save:  # before anything else can go wrong
        save(net, arguments.save, loss=plan.loss)
    print_table(net, history, plan, sets)
    tell([*draw(net, history, plan, sets, arguments.out), *([arguments.save] if arguments.save else [])])
    return 130 if history.stopped else 0


def prepare(arguments: argparse.Namespace) -> None:
    """Make the folders, so that no training is lost for want of one. Raises ArgumentError or FileError."""
    if arguments.overfitting and arguments.save:
        raise ArgumentError("--overfitting compares two networks and keeps neither: leave out --save")
    if arguments.save:
        if arguments.save.is_dir():
            raise ArgumentError(f"--save names a file, and {arguments.save} is a folder")
        make_folder(arguments.save.parent)
    make_folder(arguments.out)


def trained(plan: Recipe, sets: dict[str, Dataset], arguments: argparse.Namespace) -> tuple[MLP, History]:
    """A new network after the recipe, and its history."""
    train = sets["train"]
    several = named_loss(plan.loss).outputs > 1 or len(train.classes) > 2
    net = MLP(
        train.X.shape[1],
        [*plan.hidden, len(train.classes) if several else 1],
        activation=plan.activation,
        output=plan.output,
        init=plan.init,
        seed=arguments.seed,
    )
    print(f"{net} on {train}, {plan.loss}, {plan.optimizer} with learning rate {plan.lr:g}")
    history = fit(
        net,
        *train,
        loss=plan.loss,
        optimizer=plan.optimizer,
        lr=plan.lr,
        epochs=plan.epochs,
        steps=plan.steps,
        batch_size=plan.batch_size,
        l2=plan.l2,
        record=plan.record,
        validation=sets.get("validation", sets.get("test")),
        metrics=["accuracy"] if train.classes else [],
        engine=arguments.engine,
        dtype=plan.dtype,
        progress=not arguments.quiet,
        seed=arguments.seed,
    )
    if history.stopped:
        print(f"{history.stopped} after {history.step} steps")
    return net, history


def print_table(net: MLP, history: History, plan: Recipe, sets: dict[str, Dataset]) -> None:
    """Loss and accuracy on each part of the data."""
    print(f"{history.step} steps of {history.settings['batch_size']} rows, engine {history.engine}\n")
    metrics = ["accuracy"] if sets["train"].classes else []
    print(f"{'':12}{'rows':>8}{'loss':>14}" + "".join(f"{name:>12}" for name in metrics))
    for name, rows in sets.items():
        measured = evaluate(net, *rows, loss=plan.loss, metrics=metrics, dtype=plan.dtype)
        shown = [f"{measured['loss']:14.6g}", *(f"{measured[metric]:12.4f}" for metric in metrics)]
        print(f"{name:12}{len(rows):>8}" + "".join(shown))
    print()


def draw(net: MLP, history: History, plan: Recipe, sets: dict[str, Dataset], out: Path) -> list[Path]:
    """The history as numbers, and the plots; without matplotlib it says what is left out."""
    written: list[Path] = []
    wanted: dict[str, Callable[[], Any]] = {}
    if history.rows:
        written.append(out / "history.csv")
        history.to_csv(written[0])
        wanted["history.svg"] = lambda: plot_history(history)
    test = sets.get("test", sets["train"])
    if test.X.shape[1] == 2 and len(test.classes) == 2:
        favour = decider(net, named_loss(plan.loss).boundary)
        points, labels = test.X.tolist(), test.y.tolist()
        wanted["decision.svg"] = lambda: plot_decision(favour, points, labels, level=0.0)
    if len(test.classes) > 2:
        wanted["confusion.svg"] = lambda: plot_confusion(confusion(net, test), names=test.classes)
    return written + plots(wanted, out)


def plots(wanted: dict[str, Callable[[], Any]], out: Path) -> list[Path]:
    """Make each plot and save it. Returns what was written."""
    drawn = []
    for name, make in wanted.items():
        try:
            made = make()
        except ExtraMissingError as error:
            print(f"Left out {', '.join(wanted)}: {error}")
            break
        ax = made[0] if isinstance(made, list) else made
        drawn.append(save_plot(ax, out / name))
        close_plot(ax)
    return drawn


def tell(written: list[Path]) -> None:
    """Say what was written."""
    print("Wrote " + (", ".join(map(str, written)) or "nothing"))


def close_plot(ax: Any) -> None:
    """Let go of the figure: pyplot would keep it until the process ends."""
    from matplotlib import pyplot

    pyplot.close(ax.figure)


def decider(net: MLP, boundary: float) -> Callable[[float, float], float]:
    """How far the network decides for label 1, a fast function of its two inputs: above 0 it does, below not.

    That is a single output less the boundary, or the second of two less the first.
    """
    x = [Value(0.0), Value(0.0)]
    out = net(x)
    favour = out - boundary if isinstance(out, Value) else out[1] - out[0]
    program = compile(favour, inputs=[x], parameters=net.parameters(), backend="python")
    return lambda a, b: program([[a, b]])


def confusion(net: MLP, rows: Dataset, boundary: float = 0.5) -> list[list[int]]:
    """How often each class was taken for each."""
    return confusion_matrix(decisions(predict(net, rows.X), boundary), rows.y, len(rows.classes))


def overfitting(plan: Recipe, sets: dict[str, Dataset], arguments: argparse.Namespace) -> int:
    """Few rows, many steps, without and with L2 from one start: cost and accuracy per iteration, train and test."""
    if not sets["train"].classes:
        raise ArgumentError(f"{arguments.dataset} has no classes, so there is no accuracy to draw")
    rows = min(FEW, len(sets["train"])) if arguments.rows is None else arguments.rows
    few = split(sets["train"], rows, shuffle=False)[0]
    sets = {"train": few, "test": sets.get("test", sets["train"])}
    strength = arguments.l2 or STRONG
    steps, record = arguments.steps or MUCH, arguments.record or 10
    histories = {}
    for l2 in (0.0, strength):
        plan = replace(plan, l2=l2, steps=steps, record=record)
        net, history = trained(plan, sets, arguments)
        print_table(net, history, plan, sets)
        histories[f"L2 of {l2:g}" if l2 else "without L2"] = history
    written = plots({"overfitting.svg": lambda: plot_overfitting(histories)}, arguments.out)
    tell(written)
    return 0


def plot_overfitting(histories: dict[str, History]) -> list[Any]:
    """A row per training: its cost, on a logarithmic scale, and its accuracy, on the training and the test rows."""
    grid = axes(nrows=len(histories), ncols=2, figsize=(9, 3.2 * len(histories)), sharex=True, sharey="col")
    for pair, (name, history) in zip(grid, histories.items(), strict=True):
        for ax, column in zip(pair, ("loss", "accuracy"), strict=True):
            curves = {"train": history[column], "test": history[f"validation {column}"]}
            plot_curves(curves, ax, x=history["step"], ylabel="cost" if column == "loss" else column)
            ax.set(title=name, xlabel="iteration", yscale="log" if column == "loss" else "linear")
    return list(grid.flat)


def sizes(text: str) -> tuple[int, ...]:
    """Sizes such as 300,100; none for no hidden layer."""
    try:
        return () if text == "none" else tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"sizes are whole numbers such as 300,100, or none; got {text!r}") from None
