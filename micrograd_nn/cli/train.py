"""``micrograd-nn train``: a network on a dataset, by its recipe or by your own numbers, to a table, a file and plots.

What the table says was measured by the network as it stands in the saved file.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ..data import Dataset, Scale, split, standardise
from ..draw.plot import axes, plot_confusion, plot_curves, plot_decision, plot_history
from ..errors import ArgumentError, counted
from ..nn.layers import MLP
from ..nn.losses import LOSSES, named_loss
from ..nn.optim import OPTIMIZERS
from ..storage.networks import save
from ..training import History, evaluate, fit
from ..training.engines import ENGINES
from .options import add_data, add_out, add_target, make_folder, sizes
from .recipes import RECIPES, Recipe, is_file, kept_back, parts, recipe
from .results import confusion, decider, save_plots, tell

FEW, MUCH, STRONG = 200, 1000, 1e-3  # the overfitting picture: training rows, steps, and the strength of L2
ABOUT = "train a network on a dataset, by its recipe or by your own numbers: a table, a file, plots"


def add_options(parser: ArgumentParser) -> None:
    """The dataset, what is other than in its recipe (named as there), and what becomes of the network."""
    add = parser.add_argument
    add("dataset", help=f"{', '.join(RECIPES)}; or a CSV file with a header")
    add_target(parser)
    add("--recipe", metavar="NAME", help="softmax, four-layer or sigmoid for digits, unit or hidden for a gate")
    add("--hidden", type=sizes, metavar="N,N", help="sizes of the hidden layers, such as 300,100; or none")
    add("--activation", help="of the hidden layers: relu, tanh, sigmoid, …")
    add("--output", help="activation of the last layer: identity, sigmoid, softmax, …")
    add("--loss", help=", ".join(LOSSES))
    add("--optimizer", help=", ".join(OPTIMIZERS))
    add("--lr", type=float, help="learning rate")
    add("--epochs", type=int, help="how often all rows are shown")
    add("--steps", type=int, help="end after so many batches instead")
    add("--batch-size", type=int, metavar="N", help="rows to a step")
    add("--l2", type=float, help="strength of L2 regularisation")
    add("--record", type=int, metavar="N", help="measure every N steps instead of after each epoch")
    add("--rows", type=int, metavar="N", help="train on the first N training rows alone")
    add("--seed", type=int, default=0, help="of the starting weights and the order (default 0)")
    add("--dtype", choices=("float64", "float32"), help="of the compiled engine")
    engines = "the graph itself (scalar), or its program: in the backend of that name, or the quickest (compiled)"
    add("--engine", default="auto", choices=ENGINES, help=engines)
    add_data(parser)
    add("--save", type=Path, metavar="FILE", help="write the network to a file")
    add_out(parser, "where plots go")
    add("--quiet", action="store_true", help="no progress bar")
    overfitting = "train twice on few rows, without and with L2, and draw both: cost and accuracy, train and test"
    add("--overfitting", action="store_true", help=overfitting)


def run(arguments: Namespace) -> int:
    """Train, save, measure, draw. Returns the exit code."""
    sets = parts(arguments.dataset, arguments.data, arguments.target) if is_file(arguments.dataset) else {}
    plan = recipe(arguments.dataset, arguments.recipe, len(sets["train"].classes) if sets else 0)
    given = {field.name: getattr(arguments, field.name, None) for field in fields(Recipe)}
    plan = replace(plan, **{name: value for name, value in given.items() if value is not None})
    if arguments.epochs is not None and arguments.steps is None:
        plan = replace(plan, steps=None)
    sets = sets or parts(arguments.dataset, arguments.data, arguments.target)
    prepare(arguments)
    if arguments.overfitting:
        return overfitting(plan, sets, arguments)
    if arguments.rows is not None:
        sets["train"] = split(sets["train"], arguments.rows, shuffle=False)[0]
    net, history = trained(plan, sets, arguments)
    if arguments.save:  # before anything else can go wrong
        save(net, arguments.save, loss=plan.loss, classes=sets["train"].classes)
    print_table(net, history, plan, sets)
    tell([*draw(net, history, plan, sets, arguments.out), *([arguments.save] if arguments.save else [])])
    return 130 if history.stopped else 0


def prepare(arguments: Namespace) -> None:
    """Make the folders, so that no training is lost for want of one. Raises ArgumentError or FileError."""
    if arguments.overfitting and arguments.save:
        raise ArgumentError("--overfitting compares two networks and keeps neither: leave out --save")
    if arguments.save:
        if arguments.save.is_dir():
            raise ArgumentError(f"--save names a file, and {arguments.save} is a folder")
        make_folder(arguments.save.parent)
    make_folder(arguments.out)


def trained(plan: Recipe, sets: dict[str, Dataset], arguments: Namespace) -> tuple[MLP, History]:
    """A new network after the recipe, and its history."""
    train = sets["train"]
    several = named_loss(plan.loss).outputs > 1 or len(train.classes) > 2
    nouts = [*plan.hidden, len(train.classes) if several else 1]
    net = MLP(train.X.shape[1], nouts, plan.activation, plan.output, init=plan.init, seed=arguments.seed)
    print(f"{net} on {train}, {plan.loss}, {plan.optimizer} with learning rate {plan.lr:g}")
    X, scale = standardise(train.X) if is_file(arguments.dataset) else (train.X, None)
    held = sets.get("validation", sets.get("test"))
    history = fit(
        net,
        X,
        train.y,
        **plan.training,
        validation=held if scale is None or held is None else (scale(held.X), held.y),
        metrics=["accuracy"] if train.classes else [],
        engine=arguments.engine,
        progress=not arguments.quiet,
        seed=arguments.seed,
    )
    if scale is not None:
        take_in(net, scale)
        print(f"{', '.join(train.features)} on one scale, which is in the first layer: rows go in as in the file")
    if history.stopped:
        print(f"{history.stopped} after {counted(history.step, 'step')}")
    return net, history


def take_in(net: MLP, scale: Scale) -> None:
    """Let the first layer do what the scale did: w·(x − m)/d + b is (w/d)·x + (b − w·m/d).

    The network then takes rows as they stand in the file, wherever it is loaded.
    """
    for unit in (unit for neuron in net.layers[0].neurons for unit in neuron.units):
        for w, mean, deviation in zip(unit.w, scale.mean.tolist(), scale.deviation.tolist(), strict=True):
            w.data /= deviation
            if unit.b is not None:
                unit.b.data -= w.data * mean


def print_table(net: MLP, history: History, plan: Recipe, sets: dict[str, Dataset]) -> None:
    """Loss and accuracy on each part of the data."""
    taken = f"{counted(history.step, 'step')} of {counted(history.settings['batch_size'], 'row')}"
    print(f"{taken}, engine {history.engine}\n{history.why}")
    metrics = ["accuracy"] if sets["train"].classes else []
    print(f"{'':12}{'rows':>8}{'loss':>14}" + "".join(f"{name:>12}" for name in metrics))
    for name, rows in sets.items():
        measured = evaluate(net, *rows, loss=plan.loss, metrics=metrics, dtype=plan.dtype)
        shown = [f"{measured['loss']:14.6g}", *(f"{measured[metric]:12.4f}" for metric in metrics)]
        print(f"{name:12}{len(rows):>8}" + "".join(shown))
    print()


def draw(net: MLP, history: History, plan: Recipe, sets: dict[str, Dataset], out: Path) -> list[Path]:
    """Write the history as numbers, and the plots. Returns what was written."""
    written: list[Path] = []
    wanted: dict[str, Callable[[], Any]] = {}
    if history.rows:
        written.append(out / "history.csv")
        history.to_csv(written[0])
        wanted["history.svg"] = lambda: plot_history(history)
    test = kept_back(sets)
    if test.X.shape[1] == 2 and len(test.classes) == 2:
        favour = decider(net, named_loss(plan.loss).boundary)
        wanted["decision.svg"] = lambda: plot_decision(favour, test.X.tolist(), test.y.tolist(), level=0.0)
    if len(test.classes) > 2:
        wanted["confusion.svg"] = lambda: plot_confusion(confusion(net, test), names=test.classes)
    return written + save_plots(wanted, out)


def overfitting(plan: Recipe, sets: dict[str, Dataset], arguments: Namespace) -> int:
    """Few rows, many steps, without and with L2 from one start: cost and accuracy per iteration, train and test."""
    if not sets["train"].classes:
        raise ArgumentError(f"{arguments.dataset} has no classes, so there is no accuracy to draw")
    rows = min(FEW, len(sets["train"])) if arguments.rows is None else arguments.rows
    sets = {"train": split(sets["train"], rows, shuffle=False)[0], "test": kept_back(sets)}
    histories = {}
    for l2 in (0.0, arguments.l2 or STRONG):
        plan = replace(plan, l2=l2, steps=arguments.steps or MUCH, record=arguments.record or 10)
        net, history = trained(plan, sets, arguments)
        print_table(net, history, plan, sets)
        histories[f"L2 of {l2:g}" if l2 else "without L2"] = history
    tell(save_plots({"overfitting.svg": lambda: plot_overfitting(histories)}, arguments.out))
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
