"""``micrograd-nn compile``: the array equations of a formula or a network, and the Python that runs them.

What is printed is what runs; nothing is trained, and no file is written but that of ``--to-c``.
"""

import re
from argparse import ArgumentParser, Namespace
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..compiler import compile
from ..compiler.registry import BACKENDS
from ..engine.value import Value
from ..errors import ArgumentError, counted, known
from ..files import write_whole
from ..nn.layers import MLP
from ..nn.losses import named_loss
from ..notation._formula import parse
from ..notation.tokens import functions
from .derivation import PARTS, asked_about, is_file
from .options import file_for, sizes, take
from .outcome import Outcome

LARGEST = 2_000_000  # weights: each is recorded with its product and its sum, some 2 kB when all is done
ALIKE = 0.7  # how like a function a name is that was meant to be one
EPILOG = f"""\
{PARTS}
examples:
  micrograd-nn compile "(y - sigmoid(w1*x1 + w2*x2 + b1))^2" --inputs x1 x2 y
  micrograd-nn compile network.txt --inputs x y
  micrograd-nn compile --network 2,2,1 --activation sigmoid --output sigmoid
  micrograd-nn compile --network 784,300,100,10 --loss softmax_cross_entropy
  micrograd-nn compile --network 2,2,1 --to-c network.c"""
JSON = {
    "equations": "as they are printed",
    "backend": "that runs them",
    "why": "it was chosen",
    "source": "what runs, or what was written as C",
}
ABOUT = "write a formula or a network as matrix equations, and the Python that runs them"


def add_options(parser: ArgumentParser) -> None:
    """Formula or network, and how it is compiled."""
    what = "the loss, such as '(w*x - y)^2'; or a file with named parts, see below; - for standard input"
    parser.add_argument("formula", nargs="?", metavar="FORMULA", help=what)
    varying = "names that vary from row to row; in the equations they are x1, x2, … in this order"
    parser.add_argument("--inputs", nargs="*", default=[], metavar="NAME", help=varying)
    parser.add_argument("--network", type=sizes, metavar="N,N", help="sizes such as 784,300,10 instead of a formula")
    take(parser, "--activation", "--output", "--loss", activation="relu", output="identity", loss="mse")
    backends = ", ".join(("auto", *BACKENDS))
    parser.add_argument("--backend", default="auto", metavar="NAME", help=f"what runs it: {backends} (default auto)")
    take(parser, "--dtype", dtype="float64")
    parser.add_argument("--to-c", type=Path, metavar="FILE", help="write it as a C file that needs libm alone")
    take(parser, "--json", "--quiet")


def run(arguments: Namespace) -> Outcome:
    """The equations, which backend runs and why, and its source; or all of it as a file in C."""
    if bool(arguments.formula) == bool(arguments.network):
        raise ArgumentError(
            'give a formula in quotes before --inputs, such as "(w*x - y)^2", or --network with sizes such as 2,2,1'
        )
    if arguments.network and arguments.inputs:
        raise ArgumentError("--inputs names what varies in a formula: leave it out with --network")
    loss, inputs, parameters = _network(arguments) if arguments.network else _formula(arguments)
    program = compile(loss, inputs, parameters, arguments.backend, arguments.dtype)
    data = {"equations": str(program), "backend": program.backend, "why": program.why}
    if arguments.to_c:
        source = program.to_c()
        write_whole(file_for(arguments.to_c), source.encode())
        return Outcome({**data, "source": source}, written=[arguments.to_c])
    text = f"{program}\n\n# backend: {program.backend}; {program.why}\n{program.source}"
    return Outcome({**data, "source": program.source}, text)


def _formula(arguments: Namespace) -> tuple[Value, list[Any], list[Value]]:
    if is_file(arguments.formula):
        loss, names = asked_about(arguments.formula)
        leaves = {name: node for name, node in names.items() if node.operation is None}
    else:
        read = parse(arguments.formula)
        _check_functions(arguments.formula, read.names)
        leaves = {name: Value(0.0, name) for name in read.names}
        loss = read(leaves)
    for name in arguments.inputs:
        known("name after --inputs", name, leaves)
    if not isinstance(loss, Value):
        raise ArgumentError("a formula without a name has nothing to compile: it is a number")
    inputs = [leaves.pop(name) for name in dict.fromkeys(arguments.inputs)]
    return loss, inputs, list(leaves.values())


def _check_functions(text: str, names: list[str]) -> None:
    """Raise ArgumentError for a name that looks like a function mistyped: it would be taken for a parameter."""
    for name in names:
        near = get_close_matches(name, functions(), cutoff=ALIKE)
        if near and re.search(rf"\b{re.escape(name)}\s*\(", text):
            raise ArgumentError(f"unknown function {name!r}; did you mean {'(…) or '.join(near)}(…)?")


def _network(arguments: Namespace) -> tuple[Value, list[Any], list[Value]]:
    nin, *nouts = arguments.network
    weights = sum(a * b for a, b in pairwise(arguments.network))
    if weights > LARGEST:
        raise ArgumentError(
            f"{counted(weights, 'weight')} are too many to record: {LARGEST:,} are taken, and "
            "784,300,100,10 has 266,200"
        )
    net = MLP(nin, nouts, arguments.activation, arguments.output, seed=0)
    x, y = [Value(0.0) for _ in range(nin)], [Value(0.0) for _ in range(nouts[-1])]
    target = y if len(y) > 1 else y[0]
    return named_loss(arguments.loss).function(net(x), target), [x, target], net.parameters()
