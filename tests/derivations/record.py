"""The networks as the package records them: the file that `micrograd-nn check` reads, or the package's own losses."""

from collections.abc import Callable
from math import isclose

from micrograd_nn import Value, sigmoid, tanh
from micrograd_nn.cli.derivation import read_derivation
from micrograd_nn.engine.value import topological_order
from micrograd_nn.nn.losses import binary_cross_entropy, softmax_cross_entropy

from .network import Network


def record(network: Network) -> Value:
    """The loss, with labels. The numbers are those that were worked out on paper."""
    if network.name in BY_THE_PACKAGE:
        root = BY_THE_PACKAGE[network.name](*[Value(number, name) for name, number in network.numbers.items()])
        root.label = "L"
    else:
        root = read_derivation(network.sheet(), network.name).names["L"]
    for node in topological_order(root):
        assert not node.label or isclose(node.data, network.points[node.label].flat[0], rel_tol=1e-9, abs_tol=1e-12)
    return root


def _named(name: str, value: Value) -> Value:
    value.label = name
    return value


def _binary(x1, x2, w1, w2, w3, w4, w5, w6, b1, b2, b3, y):  # type: ignore[no-untyped-def]
    h1 = _named("h1", sigmoid(w1 * x1 + w2 * x2 + b1))
    h2 = _named("h2", sigmoid(w3 * x1 + w4 * x2 + b2))
    return binary_cross_entropy(_named("o1", sigmoid(w5 * h1 + w6 * h2 + b3)), y)


def _label(x1, x2, w1, w2, v1, v2, v3, b1, b2, b3):  # type: ignore[no-untyped-def]
    h = _named("h", tanh(w1 * x1 + w2 * x2))
    sums = [_named(f"z{k}", v * h + b) for k, (v, b) in enumerate([(v1, b1), (v2, b2), (v3, b3)], start=1)]
    return softmax_cross_entropy(sums, 1)


BY_THE_PACKAGE: dict[str, Callable[..., Value]] = {
    "binary cross-entropy of the package": _binary,
    "softmax cross-entropy of the package, label 2": _label,
}
