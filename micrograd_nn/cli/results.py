"""What the commands on networks share: the answers of a network on rows, and plots where matplotlib is installed."""

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..compiler import compile
from ..data import Dataset
from ..draw.plot import save_plot
from ..engine.value import Value
from ..errors import ExtraMissingError
from ..nn.layers import MLP
from ..training import confusion_matrix, decisions, predict
from .options import file_for
from .outcome import say

USUAL = {"softmax": "categorical_cross_entropy", "sigmoid": "squared_error"}  # what goes with an output, by and large


def loss_of(about: dict[str, Any], classes: bool) -> str:
    """The loss that a network was trained on, by what its file says, or the usual one for such a network."""
    if saved := about.get("loss"):
        return str(saved)
    nout, activation = (about["architecture"][each][-1] for each in ("nouts", "activations"))
    if activation in USUAL:
        return USUAL[activation]
    return "mse" if not classes else "softmax_cross_entropy" if nout > 1 else "binary_cross_entropy_with_logits"


def confusion(net: MLP, rows: Dataset, boundary: float = 0.5) -> list[list[int]]:
    """How often each class was taken for each."""
    return confusion_matrix(decisions(predict(net, rows.X), boundary), rows.y, len(rows.classes))


def decider(net: MLP, boundary: float) -> Callable[[float, float], float]:
    """How far the network decides for label 1, a fast function of its two inputs: above 0 it does, below not.

    That is a single output less the boundary, or the second of two less the first.
    """
    x = [Value(0.0), Value(0.0)]
    out = net(x)
    favour = out - boundary if isinstance(out, Value) else out[1] - out[0]
    program = compile(favour, inputs=[x], parameters=net.parameters(), backend="python")
    return lambda a, b: program([[a, b]])


def save_plots(wanted: dict[str, Callable[[], Any]], arguments: Namespace) -> list[Path]:
    """Make each plot, save it in --out, and return what was written; without matplotlib say what is left out."""
    drawn = []
    for name, make in wanted.items():
        try:
            made = make()
        except ExtraMissingError as error:
            say(arguments, f"Left out {', '.join(wanted)}: {error}")
            break
        from matplotlib import pyplot

        ax = made[0] if isinstance(made, list) else made
        drawn.append(save_plot(ax, file_for(arguments.out / name)))
        pyplot.close(ax.figure)  # which pyplot would keep until the process ends
    return drawn
