"""``micrograd-nn draw``: a formula with numbers for its names, as a picture or as a walk.

One file is written, and none if the formula or a number can't be read.

    micrograd-nn draw "sigmoid(w*x + b)" w=0.5 x=2 b=-1 --out neuron.svg
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..draw import draw_dot, walk
from ..draw.dot import DIRECTIONS
from .derivation import PARTS, asked_about
from .options import add_formula

WALKS = (".html", ".htm")
ABOUT = "draw a formula as a graph with its gradients, or for .html as a page that walks through it"

EPILOG = PARTS


def add_options(parser: ArgumentParser) -> None:
    """Formula, file and direction."""
    add_formula(parser, "'sigmoid(w*x + b)'", "a number for each name", metavar="EXPR")
    parser.add_argument("--out", type=Path, default=Path("graph.svg"), metavar="FILE", help=".svg, .png, .dot, .html")
    parser.add_argument("--rankdir", choices=DIRECTIONS, default="LR", help="which way the graph runs (default LR)")


def run(arguments: Namespace) -> int:
    """Draw what was asked for. Returns the exit code."""
    root, _ = asked_about(arguments.formula, arguments.numbers)
    if arguments.out.suffix.lower() in WALKS:
        walk(root).save(arguments.out)
    else:
        root.backward()
        draw_dot(root, rankdir=arguments.rankdir).save(arguments.out)
    print(f"Wrote {arguments.out}")
    return 0
