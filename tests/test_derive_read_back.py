"""What explain prints is right: each formula, as text and as LaTeX, is taken back by check_partials."""

import re

import pytest
from random_graphs import random_graph

from micrograd_nn import MLP, Value, categorical_cross_entropy, logsumexp, maxout, softmax, softmax_cross_entropy
from micrograd_nn.derive import check_partials, explain
from micrograd_nn.engine.value import topological_order
from micrograd_nn.nn.losses import LOSSES

LINE = re.compile(r"∂(\S+)/∂(\S+) += (.+)")
LATEX_LINE = re.compile(r"\\frac\{\\partial .+?\}\{\\partial .+?\} &= (.+?)(?: \\\\)?")


def printed(derivation):
    """The formulas of a derivation as text and as LaTeX: of each factor, and of the whole."""
    paragraphs, lines = str(derivation).split("\n\n"), derivation.latex().splitlines()[1:-1]
    body = paragraphs[1] if len(paragraphs) == 3 else paragraphs[0]
    texts = [found[3] for line in body.splitlines() if (found := LINE.fullmatch(line))]
    formulas = [found[1] for line in lines if (found := LATEX_LINE.fullmatch(line))]
    factors = derivation.factors
    for k, factor in enumerate(factors):
        for written in (texts[k], formulas[-len(factors) - 1 :][k] if len(paragraphs) == 3 else formulas[k]):
            yield (factor.child, factor.parent), written.split(" = ")[0].strip()
    whole = derivation.chain.names[derivation.chain.target]
    yield from ((whole, derivation.symbol.text()), (whole, derivation.symbol.latex()))


def assert_taken_back(root, target):
    derivation = explain(root, target, most=1000)
    for key, formula in printed(derivation):
        (finding,) = check_partials(root, {key: formula}).findings
        assert finding.ok, f"{key}: {formula}\n{finding}"


def two_layers(loss, outputs, targets, **layers):
    """A loss over a network of two inputs and two hidden neurons."""
    net = MLP(2, [2, outputs], seed=3, **layers)
    made = net([Value(0.5, "x1"), Value(-1.0, "x2")])
    return loss(made if outputs > 1 else [made], targets)


def labelled(*numbers):
    return [Value(float(number), f"y{i}") for i, number in enumerate(numbers, start=1)]


def of_shares(outputs, targets):
    return categorical_cross_entropy(softmax(outputs), targets)


ONE = [name for name, loss in LOSSES.items() if loss.outputs == 1]
CASES = {
    **{f"{name} {n}": (LOSSES[name].function, n, labelled(*(1, -1)[:n]) if name == "hinge" else labelled(*(1, 0)[:n]))
       for name in ONE for n in (1, 2)},
    "softmax, label": (softmax_cross_entropy, 3, 1),
    "softmax, one-hot": (softmax_cross_entropy, 3, [0, 1, 0]),
    "softmax, shares": (softmax_cross_entropy, 3, [0.2, 0.5, 0.3]),
    "softmax, targets with names": (softmax_cross_entropy, 3, labelled(0, 1, 0)),
    "softmax of two": (softmax_cross_entropy, 2, 0),
    "categorical, one-hot": (of_shares, 3, [0, 1, 0]),
    "categorical, targets with names": (of_shares, 3, labelled(0, 1, 0)),
    "logsumexp": (lambda outputs, _: logsumexp(outputs), 3, None),
    "maxout": (lambda outputs, _: maxout(outputs) ** 2, 3, None),
    "two softmaxes": (lambda outputs, _: softmax_cross_entropy(outputs[:3], 0) + softmax(outputs[1:])[0], 4, None),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_of_every_loss(case):
    loss, outputs, targets = CASES[case]
    squashed = "sigmoid" if case.startswith("binary_cross_entropy ") else "identity"
    root = two_layers(loss, outputs, targets, activation="sigmoid", output=squashed)
    for target in ("o1", "w1", f"w{4 + 2 * outputs}"):
        assert_taken_back(root, target)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu", "softplus", "tanh", "abs", "sin"])
def test_of_every_activation(activation):
    root = two_layers(LOSSES["mse"].function, 1, labelled(1), activation=activation, output="sigmoid")
    for target in ("w1", "w4", "b2"):
        assert_taken_back(root, target)


@pytest.mark.parametrize("seed", range(60))
def test_of_random_graphs(seed):
    root, leaves = random_graph(seed, n_nodes=8)
    for i, node in enumerate(topological_order(root)):
        if node.operation is not None and (seed + i) % 3 == 0:
            node.label = f"n{i}"
    for leaf in leaves:
        assert_taken_back(root, leaf.label)
