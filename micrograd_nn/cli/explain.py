"""``micrograd-nn explain``: a formula's partials derived, with numbers, paths and a picture.

Nothing is printed or written before the whole formula has been understood.
"""

from argparse import ArgumentParser, Namespace
from typing import Any

from ..derive import explain, paths
from ..derive._explain import Explanation
from ..derive.named import Factor
from ..draw import draw_dot
from ..errors import GraphError, known
from .derivation import PARTS, asked_about
from .options import file_for, take
from .outcome import Outcome

ABOUT = "derive a formula: the chain, its factors in symbols and numbers, the paths, and the graph as SVG"
EPILOG = f"""\
{PARTS}
examples:
  micrograd-nn explain "(sigmoid(w*x + b) - y)^2" w=0.5 x=2 b=-1 y=1 --wrt w
  micrograd-nn explain network.txt --wrt w --rules"""
JSON = {
    "name": "what is derived, such as L",
    "value": "what it comes to",
    "partials": "by name: partial, number, count of paths, factors (partial, formula and number of each)",
}


def add_options(parser: ArgumentParser) -> None:
    """Formula, names, digits and folder."""
    take(parser, "formula", "numbers")
    parser.add_argument("--wrt", action="append", metavar="NAME", help="derive towards this name (default: all)")
    parser.add_argument("--rules", action="store_true", help="write under each factor by which rules it was derived")
    take(parser, "--out", "--digits", "--json", "--quiet")


def run(arguments: Namespace) -> Outcome:
    """Derive and draw."""
    root, names = asked_about(arguments.formula, arguments.numbers)
    asked = arguments.wrt or [name for name, node in names.items() if node.operation is None]
    for name in asked:
        known("name after --wrt", name, names)
    digits = arguments.digits
    derived = {name: explain(root, names[name], digits=digits, rules=arguments.rules) for name in asked}
    blocks = [f"{derivation}\n\n{paths(root, names[name]).text(digits)}" for name, derivation in derived.items()]
    root.backward()
    file = draw_dot(root).save(file_for(arguments.out / "explain.svg"))
    return Outcome(
        {"name": root.label, "value": root.data, "partials": {name: as_data(made) for name, made in derived.items()}},
        "\n\n".join([f"{root.label} = {root.data:.{digits}g}", *blocks]),
        [file],
    )


def as_data(derivation: Explanation) -> dict[str, Any]:
    """A derivation for programs."""
    return {
        "partial": derivation.whole(),
        "number": derivation.number,
        "count": derivation.count,
        "factors": [
            {"partial": str(factor), "formula": formula_of(factor), "number": factor.number}
            for factor in derivation.factors
        ],
    }


def formula_of(factor: Factor) -> str | None:
    """A factor in symbols, if it is short enough to be read."""
    try:
        return factor.symbol.text()
    except GraphError:
        return None
