"""``micrograd-nn compile``: the array equations of a formula or a network, and the Python that runs them.

What is printed is what runs; nothing is trained, and no file is written but that of ``--to-c``.
"""

from argparse import ArgumentParser, Namespace
from itertools import pairwise
from typing import Any

from ..compiler import compile
from ..compiler.registry import BACKENDS, DTYPES
from ..engine.value import Value
from ..errors import ArgumentError, counted, known
from ..files import write_whole
from ..nn.layers import MLP
from ..nn.losses import LOSSES, named_loss
from ..notation._formula import parse
from .derivation import PARTS, asked_about, is_file
from .options import sizes

LARGEST = 2_000_000  # weights: each is recorded with its product and its sum, some 2 kB when all is done
EPILOG = f"""\
{PARTS}
examples:
  micrograd-nn compile "(y - sigmoid(w1*x1 + w2*x2 + b1))^2" --inputs x1 x2 y
  micrograd-nn compile network.txt --inputs x y
  micrograd-nn compile --network 2,2,1 --activation sigmoid --output sigmoid
  micrograd-nn compile --network 784,300,100,10 --loss softmax_cross_entropy
  micrograd-nn compile --network 2,2,1 --to-c network.c
"""
ABOUT = "a formula or a network as matrix equations, and the Python that runs them"


def add_options(parser: ArgumentParser) -> None:
    """Formula or network, and how it is compiled."""
    parser.add_argument(
        "formula", nargs="?", help="what is made small, such as (w*x - y)^2; or a file with named parts, see below"
    )
    varying = "names that vary from row to row; in the equations they are x1, x2, … in this order"
    parser.add_argument("--inputs", nargs="*", default=[], metavar="NAME", help=varying)
    parser.add_argument("--network", type=sizes, metavar="SIZES", help="sizes such as 784,300,10 instead of a formula")
    parser.add_argument("--activation", default="relu", help="of the hidden layers (relu)")
    parser.add_argument("--output", default="identity", help="activation of the last layer (identity)")
    parser.add_argument("--loss", default="mse", help=f"of the network (mse); one of {', '.join(LOSSES)}")
    parser.add_argument("--backend", default="auto", help=f"one of {', '.join(('auto', *BACKENDS))}")
    parser.add_argument("--to-c", metavar="FILE", help="write it as a C file that needs libm alone")
    parser.add_argument("--dtype", default="float64", help=" or ".join(DTYPES))


def run(arguments: Namespace) -> int:
    """Print the equations, which backend runs and why, and its source."""
    if bool(arguments.formula) == bool(arguments.network):
        raise ArgumentError(
            'give a formula in quotes before --inputs, such as "(w*x - y)^2", or --network with sizes such as 2,2,1'
        )
    if arguments.network and arguments.inputs:
        raise ArgumentError("--inputs names what varies in a formula: leave it out with --network")
    loss, inputs, parameters = _network(arguments) if arguments.network else _formula(arguments)
    program = compile(loss, inputs, parameters, arguments.backend, arguments.dtype)
    if arguments.to_c:
        write_whole(arguments.to_c, program.to_c().encode())
        print(f"Wrote {arguments.to_c}")
        return 0
    print(f"{program}\n\n# backend: {program.backend}; {program.why}\n{program.source}")
    return 0


def _formula(arguments: Namespace) -> tuple[Value, list[Any], list[Value]]:
    if is_file(arguments.formula):
        loss, names = asked_about(arguments.formula)
        leaves = {name: node for name, node in names.items() if node.operation is None}
    else:
        read = parse(arguments.formula)
        leaves = {name: Value(0.0, name) for name in read.names}
        loss = read(leaves)
    for name in arguments.inputs:
        known("name after --inputs", name, leaves)
    if not isinstance(loss, Value):
        raise ArgumentError("a formula without a name has nothing to compile: it is a number")
    inputs = [leaves.pop(name) for name in dict.fromkeys(arguments.inputs)]
    return loss, inputs, list(leaves.values())


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
