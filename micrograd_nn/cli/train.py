"""``micrograd-nn train``: a network on a dataset, by its recipe or by your own numbers, to a table, a file and plots.

What the table says was measured by the network as it stands in the saved file.
"""

import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ..compiler.registry import BACKENDS, check_able
from ..data import Dataset, Scale, split, standardise
from ..draw.plot import axes, plot_confusion, plot_curves, plot_decision, plot_history
from ..errors import ArgumentError, counted
from ..nn.layers import MLP
from ..nn.losses import named_loss
from ..nn.optim import OPTIMIZERS, named_optimizer
from ..storage.networks import save
from ..training import History, evaluate, fit
from ..training.engines import ENGINES
from .options import file_for, make_folder, sizes, take
from .outcome import Outcome, say
from .recipes import Recipe, is_file, kept_back, parts, recipe
from .results import confusion, decider, save_plots

FEW, MUCH, STRONG = 200, 1000, 1e-3  # the overfitting picture: training rows, steps, and the strength of L2
STOPPED = 130
ABOUT = "train a network on a dataset, by its recipe or by your own numbers: a table, a file, plots"
EPILOG = """\
Without options a dataset is trained on by its recipe; each option changes one thing in it. The columns of a CSV file
are standardised, words in its target become classes, and a fifth of its rows is kept back for the test.

examples:
  micrograd-nn train moons --hidden 8,8 --epochs 50
  micrograd-nn train shop.csv --target bought --save shop.net
  micrograd-nn predict shop.net new.csv"""
JSON = {
    "network": "its layers",
    "trainings": "one, or two for --overfitting: l2, engine, why, steps, stopped, parts: rows, loss, accuracy by name",
}


def add_options(parser: ArgumentParser) -> None:
    """The dataset, what is other than in its recipe (named as there), and what becomes of the network."""
    add = parser.add_argument
    take(parser, "dataset", "--target", "--data")
    add(
        "--recipe",
        metavar="NAME",
        help="softmax, four-layer or sigmoid for digits; unit or hidden for a gate",
    )
    add("--hidden", type=sizes, metavar="N,N", help="sizes of the hidden layers, such as 300,100; or none")
    take(parser, "--activation", "--output", "--loss")
    add("--optimizer", metavar="NAME", help=f"the optimiser: {', '.join(OPTIMIZERS)}")
    take(parser, "--lr", "--epochs")
    add("--steps", type=int, metavar="N", help="end after N steps instead")
    add("--batch-size", type=int, metavar="N", help="rows per step")
    add("--l2", type=float, metavar="X", help="strength of L2 regularisation")
    add("--every", dest="record", type=int, metavar="N", help="measure every N steps instead of after each epoch")
    add("--rows", type=int, metavar="N", help="train on the first N training rows alone")
    take(parser, "--seed", "--dtype")
    engines = "the graph itself (scalar), or its program: in the backend of that name, or the quickest (compiled)"
    add("--engine", default="auto", choices=ENGINES, help=engines)
    overfitting = "train twice on few rows, without and with L2, and draw both: cost and accuracy, train and test"
    add("--overfitting", action="store_true", help=overfitting)
    take(parser, "--save", "--out", "--digits", "--json", "--quiet")


def run(arguments: Namespace) -> Outcome:
    """Train, save, measure, draw."""
    name, target = arguments.dataset, arguments.target
    sets = parts(name, arguments.data, target) if is_file(name) else {}
    plan = recipe(name, arguments.recipe, len(sets["train"].classes) if sets else 0)
    given = {field.name: getattr(arguments, field.name, None) for field in fields(Recipe)}
    plan = replace(plan, **{name: value for name, value in given.items() if value is not None})
    if arguments.epochs is not None and arguments.steps is None:
        plan = replace(plan, steps=None)
    sets = sets or parts(name, arguments.data, target)
    if arguments.overfitting:
        return overfitting(plan, sets, arguments)
    if arguments.save and arguments.save.is_dir():
        raise ArgumentError(f"--save names a file, and {arguments.save} is a folder")
    if arguments.rows is not None:
        sets["train"] = split(sets["train"], arguments.rows, shuffle=False)[0]
    net, history = trained(plan, sets, arguments)
    written = []
    if arguments.save:  # before anything else can go wrong
        train = sets["train"]
        features = train.features if is_file(name) else ()
        save(net, arguments.save, loss=plan.loss, classes=train.classes, features=features)
        written = [arguments.save]
    training = measured(net, history, plan, sets, arguments)
    written = draw(net, history, plan, sets, arguments) + written
    code = STOPPED if history.stopped else 0
    return Outcome({"network": str(net), "trainings": [training]}, written=written, code=code)


def trained(plan: Recipe, sets: dict[str, Dataset], arguments: Namespace) -> tuple[MLP, History]:
    """A new network after the recipe, and its history. What is off is told before a word is said or a folder made."""
    train = sets["train"]
    loss = named_loss(plan.loss)
    nouts = [*plan.hidden, len(train.classes) if loss.outputs > 1 or len(train.classes) > 2 else 1]
    net = MLP(train.X.shape[1], nouts, plan.activation, plan.output, init=plan.init, seed=arguments.seed)
    X, scale = standardise(train.X) if is_file(arguments.dataset) else (train.X, None)
    held = sets.get("validation", sets.get("test"))
    settings = {
        **plan.training,
        "lr": None,
        "optimizer": named_optimizer(plan.optimizer)(net.parameters(), lr=plan.lr, maximize=loss.climbs),
        "validation": held if scale is None or held is None else (scale(held.X), held.y),
        "metrics": ["accuracy"] if train.classes else [],
        "seed": arguments.seed,
    }
    if arguments.engine in BACKENDS:
        check_able(BACKENDS[arguments.engine], plan.dtype)
    with warnings.catch_warnings(action="ignore"):
        fit(net, X, train.y, **settings | {"steps": 0}, progress=False)
    make_folder(arguments.out)
    if arguments.save:
        file_for(arguments.save)
    say(arguments, f"{net} on {train}, {plan.loss}, {plan.optimizer} with learning rate {plan.lr:g}")
    history = fit(net, X, train.y, **settings, engine=arguments.engine, progress=not arguments.quiet)
    if scale is not None:
        take_in(net, scale)
        said = f"{', '.join(train.features)} standardised by the first layer: it takes rows as they stand in the file"
        say(arguments, said)
    if history.stopped:
        say(arguments, f"{history.stopped} after {counted(history.step, 'step')}")
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


def measured(
    net: MLP, history: History, plan: Recipe, sets: dict[str, Dataset], arguments: Namespace
) -> dict[str, Any]:
    """Loss and accuracy on each part of the data, printed as a table and returned."""
    metrics = ["accuracy"] if sets["train"].classes else []
    taken = f"{counted(history.step, 'step')} of {counted(history.settings['batch_size'], 'row')}"
    say(arguments, f"{taken}, engine {history.engine}\n{history.why}")
    found = {
        name: {"rows": len(rows), **evaluate(net, *rows, loss=plan.loss, metrics=metrics, dtype=plan.dtype)}
        for name, rows in sets.items()
    }
    wide = arguments.digits + 8
    lines = [f"{'':12}{'rows':>8}" + "".join(f"{name:>{wide}}" for name in ("loss", *metrics))]
    for name, numbers in found.items():
        shown = [f"{numbers[column]:{wide}.{arguments.digits}g}" for column in ("loss", *metrics)]
        lines.append(f"{name:12}{numbers['rows']:>8}" + "".join(shown))
    say(arguments, "\n".join(lines), result=True)
    say(arguments, "")
    about = {"l2": plan.l2, "engine": history.engine, "why": history.why}
    return {**about, "steps": history.step, "stopped": history.stopped, "parts": found}


def draw(net: MLP, history: History, plan: Recipe, sets: dict[str, Dataset], arguments: Namespace) -> list[Path]:
    """Write the history as numbers, and the plots. Returns what was written."""
    written: list[Path] = []
    wanted: dict[str, Callable[[], Any]] = {}
    if history.rows:
        written.append(arguments.out / "history.csv")
        history.to_csv(written[0])
        wanted["history.svg"] = lambda: plot_history(history)
    test = kept_back(sets)
    if test.X.shape[1] == 2 and len(test.classes) == 2:
        favour = decider(net, named_loss(plan.loss).boundary)
        wanted["decision.svg"] = lambda: plot_decision(favour, test.X.tolist(), test.y.tolist(), level=0.0)
    if len(test.classes) > 2:
        wanted["confusion.svg"] = lambda: plot_confusion(confusion(net, test), names=test.classes)
    return written + save_plots(wanted, arguments)


def overfitting(plan: Recipe, sets: dict[str, Dataset], arguments: Namespace) -> Outcome:
    """Few rows, many steps, without and with L2 from one start: cost and accuracy per iteration, train and test."""
    if arguments.save:
        raise ArgumentError("--overfitting compares two networks and keeps neither: leave out --save")
    if not sets["train"].classes:
        raise ArgumentError(f"{arguments.dataset} has no classes, so there is no accuracy to draw")
    rows = min(FEW, len(sets["train"])) if arguments.rows is None else arguments.rows
    sets = {"train": split(sets["train"], rows, shuffle=False)[0], "test": kept_back(sets)}
    trainings, histories = [], {}
    for l2 in (0.0, arguments.l2 or STRONG):
        plan = replace(plan, l2=l2, steps=arguments.steps or MUCH, record=arguments.record or 10)
        net, history = trained(plan, sets, arguments)
        trainings.append(measured(net, history, plan, sets, arguments))
        histories[f"L2 of {l2:g}" if l2 else "without L2"] = history
    written = save_plots({"overfitting.svg": lambda: plot_overfitting(histories)}, arguments)
    return Outcome({"network": str(net), "trainings": trainings}, written=written)


def plot_overfitting(histories: dict[str, History]) -> list[Any]:
    """A row per training: its cost, on a logarithmic scale, and its accuracy, on the training and the test rows."""
    grid = axes(nrows=len(histories), ncols=2, figsize=(9, 3.2 * len(histories)), sharex=True, sharey="col")
    for pair, (name, history) in zip(grid, histories.items(), strict=True):
        for ax, column in zip(pair, ("loss", "accuracy"), strict=True):
            curves = {"train": history[column], "test": history[f"validation {column}"]}
            plot_curves(curves, ax, x=history["step"], ylabel="cost" if column == "loss" else column)
            ax.set(title=name, xlabel="iteration", yscale="log" if column == "loss" else "linear")
    return list(grid.flat)
