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
from ..draw.plot import plot_loss, save_plot
from ..engine.modes import no_grad
from ..engine.value import Value
from ..errors import ExtraMissingError
from ..nn.layers import MLP
from ..nn.losses import mse
from ..nn.optim import SGD
from ..notation.text import number_text
from ..number import whole_number
from ..progress import progress_bar
from .options import add_out, make_folder

PEOPLE = {name: ((pounds - POUNDS, inches - INCHES), female) for name, pounds, inches, female in MEASURED}
STRANGERS = {"Emily": (-7, -3), "Frank": (20, 2)}
AGREE = 1e-12  # how far the three ways to a partial may lie apart


def add_options(parser: ArgumentParser) -> None:
    """The main job's options."""
    add_out(parser, "where pictures go")
    parser.add_argument("--seed", type=int, default=0, help="seed of the starting weights (default 0)")
    parser.add_argument("--epochs", type=int, default=1000, help="how often each person is shown (default 1000)")
    parser.add_argument("--lr", type=float, default=0.1, help="learning rate (default 0.1)")
    parser.add_argument("--quiet", action="store_true", help="no progress, only results")


def run(arguments: Namespace) -> int:
    """Run the main job. Returns the exit code: 1 if the three ways to the partials disagree."""
    whole_number("--epochs", arguments.epochs, least=0)
    net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", init="normal", seed=arguments.seed)
    optimizer = SGD(net.parameters(), lr=arguments.lr)
    make_folder(arguments.out)
    print("The network: weight and height (less 135 lb and 66 in) → h1, h2 → o1, all sigmoid; 1 means female.")
    loss = record(net, "Alice")
    loss.backward()
    print("\nHow w1 moves the loss, for Alice, before training:\n")
    print(textwrap.indent(str(explain(loss, net.parameters()[0])), "    "))
    print("\nAll nine partials, three ways:\n")
    apart = print_partials(net)
    draw(net, loss, arguments.out)
    if not arguments.quiet:
        print(f"\nStochastic gradient descent, one person at a time, learning rate {arguments.lr:g}:\n")
    history = train(net, optimizer, arguments)
    print()
    for name, x in STRANGERS.items():
        share = net(x).data
        measured = f"{x[0] + POUNDS} lb, {x[1] + INCHES} in"
        print(f"{name} ({measured}): {share:.4f}, {'female' if share > 0.5 else 'male'}")
    draw_loss(history, arguments.out)
    return 0 if apart <= AGREE else 1


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
            if epoch % 100 == 0 and not arguments.quiet:
                bar.write(f"epoch {epoch:>5}   loss {history[-1]:.6f}")
            if epoch == arguments.epochs:
                break
            for name in PEOPLE:
                optimizer.zero_grad()
                record(net, name).backward()
                optimizer.step()
            bar.update()
    return history


def draw(net: MLP, loss: Value, folder: Path) -> None:
    """The pictures of the start: the graph of the loss, the network, and the walk through both passes."""
    draw_dot(loss).save(folder / "graph.svg")
    draw_network(net, loss=loss).save(folder / "network.svg")
    walk(loss).save(folder / "walk.html")
    print(f"\nWrote graph.svg, network.svg and walk.html (open it in a browser) to {folder}.")


def draw_loss(history: list[float], folder: Path) -> None:
    """The picture of the training, if matplotlib is installed; else a line that says what to install."""
    try:
        save_plot(plot_loss(history, every=10), folder / "loss.svg")
        print(f"\nWrote loss.svg to {folder}.")
    except ExtraMissingError as error:
        print(f"\nloss.svg is left out: {error}")


def print_partials(net: MLP) -> float:
    """A row per parameter, for Alice: engine, hand, complex step. Returns the largest difference between two."""
    w = {p.label: p.data for p in net.parameters()}
    (x1, x2), y = PEOPLE["Alice"]
    hand = hand_partials(w, x1, x2, y)
    print(f"    {'':8}{'engine':>24}{'by hand':>24}{'complex step':>24}")
    apart = 0.0
    for p in net.parameters():
        ways = (p.grad, hand[p.label], complex_step(w, p.label, x1, x2, y))
        apart = max(apart, max(ways) - min(ways))
        print(f"    ∂L/∂{p.label:4}" + "".join(f"{number_text(way, 16):>24}" for way in ways))
    print(f"\n    largest difference {number_text(apart, 2)}")
    return apart


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
