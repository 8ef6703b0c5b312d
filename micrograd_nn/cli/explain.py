"""``micrograd-nn explain``: a formula's partials derived, with numbers, paths and a picture.

Nothing is printed or written before the whole formula has been understood.
"""

from argparse import ArgumentParser, Namespace

from ..derive import explain, paths
from ..draw import draw_dot
from ..errors import ArgumentError, known
from .derivation import PARTS, asked_about
from .options import add_formula, add_out, make_folder

ABOUT = "derive a formula: the chain, its factors in symbols and numbers, the paths, and the graph as SVG"
EPILOG = f"""\
{PARTS}
examples:
  micrograd-nn explain "(sigmoid(w*x + b) - y)**2" w=0.5 x=2 b=-1 y=1 --wrt w
  micrograd-nn explain network.txt --wrt w --rules
"""


def add_options(parser: ArgumentParser) -> None:
    """Formula, names, digits and folder."""
    add_formula(parser, "'(sigmoid(w*x + b) - y)**2'", "what the names stand for")
    parser.add_argument("--wrt", action="append", metavar="NAME", help="derive towards this name (default: all)")
    parser.add_argument("--digits", type=int, default=6, metavar="N", help="significant digits (default 6)")
    parser.add_argument("--rules", action="store_true", help="write under each factor by which rules it was derived")
    add_out(parser, "where the picture goes")


def run(arguments: Namespace) -> int:
    """Derive, print and draw. Returns the exit code."""
    if not 1 <= arguments.digits <= 17:
        raise ArgumentError(f"--digits is a number of significant digits from 1 to 17, got {arguments.digits}")
    root, names = asked_about(arguments.formula, arguments.numbers)
    asked = arguments.wrt or [name for name, node in names.items() if node.operation is None]
    for name in asked:
        known("name after --wrt", name, names)
    print(f"{root.label} = {root.data:.{arguments.digits}g}")
    for name in asked:
        derivation = explain(root, names[name], digits=arguments.digits, rules=arguments.rules)
        print(f"\n{derivation}\n\n{paths(root, names[name])}")
    root.backward()
    make_folder(arguments.out)
    print(f"\nWrote {draw_dot(root).save(arguments.out / 'explain.svg')}")
    return 0
