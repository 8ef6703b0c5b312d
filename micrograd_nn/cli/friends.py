"""The main job: the two-input network h1, h2, o1, derived, checked, drawn, trained and used.

Every number on the screen is computed on the spot, and the nine partials three times over: by the engine, by the
formulas that a person derives on paper, and by a complex step, which shares no line with either.
"""

import cmath
import math
import textwrap
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..data.small import INCHES, POUNDS
from ..data.small import PEOPLE as MEASURED
from ..derive import explain
from ..draw import draw_dot, draw_network, walk
from ..draw.plot import plot_loss
from ..engine.modes import no_grad
from ..engine.value import Value
from ..nn.layers import MLP
from ..nn.losses import mse
from ..nn.optim import SGD
from ..notation.text import number_text
from ..number import whole_number
from ..progress import progress_bar
from .options import make_folder, take
from .outcome import Outcome, say
from .results import save_plots

PEOPLE = {name: ((pounds - POUNDS, inches - INCHES), female) for name, pounds, inches, female in MEASURED}
STRANGERS = {"Emily": (-7, -3), "Frank": (20, 2)}
AGREE = 1e-12  # how far the three ways to a partial may lie apart

ABOUT = (
    "a tiny scalar autograd engine. Without a subcommand it trains the two-input network h1, h2, o1 on four\n"
    "people, predicts two more, derives ∂L/∂w1 and draws what it did"
)
JSON = {
    "partials": "of Alice's loss before training, by name: engine, by hand, complex step",
    "losses": "the loss at every tenth epoch",
    "predictions": "the output for each stranger, by name",
}


def add_options(parser: ArgumentParser) -> None:
    """The main job's options."""
    take(parser, "--out", "--seed", "--epochs", "--lr", "--digits", "--json", "--quiet", epochs=1000, lr=0.1)


def run(arguments: Namespace) -> Outcome:
    """Run the main job. The exit code is 1 if the three ways to the partials disagree."""
    whole_number("--epochs", arguments.epochs, least=0)
    net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", init="normal", seed=arguments.seed)
    optimizer = SGD(net.parameters(), lr=arguments.lr)
    make_folder(arguments.out)
    say(arguments, "The network: weight and height (less 135 lb and 66 in) → h1, h2 → o1, all sigmoid; 1 means female.")
    say(arguments, "\nHow w1 moves the loss, for Alice, before training:\n")
    loss = record(net, "Alice")
    loss.backward()
    derivation = explain(loss, net.parameters()[0], digits=arguments.digits)
    say(arguments, textwrap.indent(str(derivation), "    "), result=True)
    say(arguments, "\nAll nine partials, three ways:\n")
    partials = three_ways(net)
    apart = max(max(ways.values()) - min(ways.values()) for ways in partials.values())
    say(arguments, table(partials, apart), result=True)
    written = draw(net, loss, arguments.out)
    say(arguments, f"\nStochastic gradient descent, one person at a time, learning rate {arguments.lr:g}:\n")
    history = train(net, optimizer, arguments)
    written += save_plots({"loss.svg": lambda: plot_loss(history, every=10)}, arguments)
    predicted = {name: net(x).data for name, x in STRANGERS.items()}
    said = [
        f"{name} ({x[0] + POUNDS} lb, {x[1] + INCHES} in): {share:.{arguments.digits}g}, "
        f"{'female' if share > 0.5 else 'male'}"
        for (name, x), share in zip(STRANGERS.items(), predicted.values(), strict=True)
    ]
    data = {"partials": partials, "losses": history, "predictions": predicted}
    return Outcome(data, "\n".join(["", *said]), written, code=int(apart > AGREE))


def record(net: MLP, name: str) -> Value:
    """The squared error of one person, as a graph in which everything has its textbook name."""
    x, y = PEOPLE[name]
    loss = mse(net(x), Value(y, "y"))
    loss.label = "L"
    return loss


def train(net: MLP, optimizer: SGD, arguments: Namespace) -> list[float]:
    """Show each person once an epoch and follow that person's gradient. Returns the loss at every tenth epoch."""
    history = []
    with progress_bar(not arguments.quiet, total=arguments.epochs, desc="training", unit="epoch") as bar:
        for epoch in range(arguments.epochs + 1):
            if epoch % 10 == 0:
                with no_grad():
                    history.append(sum(record(net, name).data for name in PEOPLE) / len(PEOPLE))
            if epoch % 100 == 0:
                say(arguments, f"epoch {epoch:>5}   loss {history[-1]:.{arguments.digits}g}")
            if epoch == arguments.epochs:
                break
            for name in PEOPLE:
                optimizer.zero_grad()
                record(net, name).backward()
                optimizer.step()
            bar.update()
    return history


def draw(net: MLP, loss: Value, folder: Path) -> list[Path]:
    """The pictures of the start: the graph of the loss, the network, and the walk through both passes."""
    return [
        draw_dot(loss).save(folder / "graph.svg"),
        draw_network(net, loss=loss).save(folder / "network.svg"),
        walk(loss).save(folder / "walk.html"),
    ]


def three_ways(net: MLP) -> dict[str, dict[str, float]]:
    """The partials of Alice's loss by the engine, which has swept it, by hand, and by complex steps."""
    w = {p.label: p.data for p in net.parameters()}
    (x1, x2), y = PEOPLE["Alice"]
    engine, hand = {p.label: p.grad for p in net.parameters()}, hand_partials(w, x1, x2, y)
    return {
        name: {"engine": engine[name], "by hand": hand[name], "complex step": complex_step(w, name, x1, x2, y)}
        for name in w
    }


def table(partials: dict[str, dict[str, float]], apart: float) -> str:
    """A row per parameter, in all digits, and how far the ways lie apart at most."""
    rows = [f"    {'':8}{'engine':>24}{'by hand':>24}{'complex step':>24}"]
    for name, ways in partials.items():
        rows.append(f"    ∂L/∂{name:4}" + "".join(f"{number_text(way, 16):>24}" for way in ways.values()))
    return "\n".join([*rows, "", f"    largest difference {number_text(apart, 2)}"])


def hand_partials(w: dict[str, float], x1: float, x2: float, y: float) -> dict[str, float]:
    """The nine partials as they are derived on paper, with sigmoid' = sigmoid (1 - sigmoid)."""
    h1 = 1 / (1 + math.exp(-(w["w1"] * x1 + w["w2"] * x2 + w["b1"])))
    h2 = 1 / (1 + math.exp(-(w["w3"] * x1 + w["w4"] * x2 + w["b2"])))
    o1 = 1 / (1 + math.exp(-(w["w5"] * h1 + w["w6"] * h2 + w["b3"])))
    output = -2 * (y - o1) * o1 * (1 - o1)
    hidden1, hidden2 = output * w["w5"] * h1 * (1 - h1), output * w["w6"] * h2 * (1 - h2)
    return {
        "w1": hidden1 * x1, "w2": hidden1 * x2, "b1": hidden1,
        "w3": hidden2 * x1, "w4": hidden2 * x2, "b2": hidden2,
        "w5": output * h1, "w6": output * h2, "b3": output,
    }  # fmt: skip


def complex_step(w: dict[str, float], name: str, x1: float, x2: float, y: float) -> float:
    """∂L/∂name as Im L(name + ih)/h: no difference is taken, so no digit is lost (Squire and Trapp, 1998)."""
    h = 1e-200
    c: dict[str, complex] = {**w, name: complex(w[name], h)}
    h1 = 1 / (1 + cmath.exp(-(c["w1"] * x1 + c["w2"] * x2 + c["b1"])))
    h2 = 1 / (1 + cmath.exp(-(c["w3"] * x1 + c["w4"] * x2 + c["b2"])))
    o1 = 1 / (1 + cmath.exp(-(c["w5"] * h1 + c["w6"] * h2 + c["b3"])))
    return ((y - o1) ** 2).imag / h
