"""``micrograd-nn draw``: a formula with numbers for its names, as a picture or as a walk.

One file is written, and none if the formula or a number can't be read.

    micrograd-nn draw "sigmoid(w*x + b)" w=0.5 x=2 b=-1 --save neuron.svg
"""

from argparse import ArgumentParser, Namespace

from ..draw import draw_dot, walk
from ..draw.dot import DIRECTIONS
from ..errors import ArgumentError, known
from .derivation import PARTS, asked_about
from .options import file_for, take
from .outcome import Outcome

WALKS, PICTURES = (".html", ".htm"), (".svg", ".png", ".dot", ".gv")
ABOUT = "draw a formula as a graph with its gradients, or as a page that walks through it"
EPILOG = f"""\
{PARTS}
The ending of --save says what is drawn: a picture for .svg, .png and .dot, for .html the walk."""
JSON = {"value": "what the formula comes to", "gradients": "by name"}


def add_options(parser: ArgumentParser) -> None:
    """Formula, file and direction."""
    take(parser, "formula", "numbers", "--save", "--out")
    parser.add_argument("--rankdir", choices=DIRECTIONS, default="LR", help="which way the graph runs (default LR)")
    take(parser, "--json", "--quiet")


def run(arguments: Namespace) -> Outcome:
    """Draw what was asked for."""
    root, names = asked_about(arguments.formula, arguments.numbers)
    root.backward()
    if arguments.out.suffix.lower() in (*WALKS, *PICTURES):
        raise ArgumentError(f"--out names a folder; a file is named by --save {arguments.out}")
    file = arguments.save or arguments.out / "graph.svg"
    ending = known("ending of a picture's file", file.suffix.lower(), (*WALKS, *PICTURES))
    drawn = walk(root) if ending in WALKS else draw_dot(root, rankdir=arguments.rankdir)
    drawn.save(file_for(file))
    gradients = {name: node.grad for name, node in names.items()}
    return Outcome({"value": root.data, "gradients": gradients}, written=[file])
