"""Graphs for the compiler's tests: every loss, networks of every kind, and the same network spelled in a dozen ways.

Promise: a case is what a user records: a loss, its inputs and its parameters; ``engine`` is the scalar engine's answer
for a batch, row by row on graphs recorded anew.
"""

from collections.abc import Callable, Sequence
from math import isnan
from typing import Any, NamedTuple

from random_graphs import carried_over

from micrograd_nn import MLP, Value
from micrograd_nn.nn import losses


class Case(NamedTuple):
    """A recorded loss; inputs one per argument."""

    loss: Value
    inputs: list[Any]
    parameters: list[Value]


def flat(inputs: Any) -> list[Value]:
    """The leaves of nested lists."""
    return [inputs] if isinstance(inputs, Value) else [leaf for part in inputs for leaf in flat(part)]


def replay(root: Value, numbers: dict[Value, float]) -> tuple[Value, dict[Value, Value]]:
    """The graph recorded anew with other numbers in some leaves."""
    new = carried_over(root, {leaf: Value(number) for leaf, number in numbers.items()})
    return new[root], new


def engine(case: Case, rows: Sequence[Sequence[float]]) -> tuple[float, list[float]]:
    """The mean loss over the rows and its gradient, by one backward per row."""
    total, sums = 0.0, [0.0] * len(case.parameters)
    for row in rows:
        root, new = replay(case.loss, dict(zip(flat(case.inputs), row, strict=True)))
        root.backward()
        total += root.data
        sums = [have + (new[p].grad or 0.0 if p in new else 0.0) for have, p in zip(sums, case.parameters, strict=True)]
    return total / len(rows), [have / len(rows) for have in sums]


def arguments(case: Case, rows: Sequence[Sequence[float]]) -> list[Any]:
    """The rows as a program takes them: an argument per input."""
    cut, start = [], 0
    for given in case.inputs:
        width = len(flat(given))
        part = [list(row[start : start + width]) for row in rows]
        cut.append([row[0] for row in part] if isinstance(given, Value) else part)
        start += width
    return cut


def alike(x: float, y: float) -> bool:
    """The same number, or nan both."""
    return x == y or (isnan(x) and isnan(y))


def network(
    sizes: Sequence[int], loss: Callable[..., Value], activation: str = "tanh", output: str = "identity"
) -> Case:
    """A network's loss on one row, with both sides as inputs."""
    net = MLP(sizes[0], list(sizes[1:]), activation, output, seed=1)
    x, y = [Value(0.1 * i) for i in range(sizes[0])], [Value(float(i == 0)) for i in range(sizes[-1])]
    return Case(loss(net(x), y if len(y) > 1 else y[0]), [x, y if len(y) > 1 else y[0]], net.parameters())


def every_loss() -> dict[str, Case]:
    """Each loss of the project under a network that suits it."""
    cases = {}
    for name, loss in losses.LOSSES.items():
        outputs = 3 if loss.outputs == 2 else 1
        output = "softmax" if "cross_entropy" in name and name.startswith("cat") else "sigmoid"
        cases[name] = network([4, 6, 5, outputs], loss.function, "relu", output)
    return cases


# ---- one network, a dozen ways to write it ----

ROWS, COLUMNS = 5, 4


def spelled(neuron: Callable[[list[Value], list[Value], Value], Value], by_input: bool = False) -> Case:
    """A hidden relu layer and an output, each neuron written by ``neuron(weights, inputs, bias)``."""
    count = iter(range(1000))
    value = lambda: Value(0.3 * ((next(count) * 7) % 11) - 1.5)  # noqa: E731
    if by_input:
        columns = [[value() for _ in range(ROWS)] for _ in range(COLUMNS)]
        weights = [[column[i] for column in columns] for i in range(ROWS)]
    else:
        columns = weights = [[value() for _ in range(COLUMNS)] for _ in range(ROWS)]
    biases = [value() for _ in range(ROWS)]
    last, end = [value() for _ in range(ROWS)], value()
    x, y = [Value(0.5), Value(-1.0), Value(2.0), Value(0.25)], Value(1.0)
    hidden = [neuron(w, x, b).relu() for w, b in zip(weights, biases, strict=True)]
    out = neuron(last, hidden, end)
    parameters = [w for row in columns for w in row] + biases + last + [end]
    return Case((out - y).tanh() ** 2, [x, y], parameters)


def summed(terms: list[Value]) -> Value:
    """Left to right."""
    whole = terms[0]
    for term in terms[1:]:
        whole = whole + term
    return whole


def balanced(terms: list[Value]) -> Value:
    """Pair by pair."""
    while len(terms) > 1:
        terms = [terms[i] + terms[i + 1] if i + 1 < len(terms) else terms[i] for i in range(0, len(terms), 2)]
    return terms[0]


def dot(w: list[Value], x: list[Value]) -> list[Value]:
    """Products in the order of writing."""
    return [a * b for a, b in zip(w, x, strict=True)]


def minus(w: list[Value], x: list[Value], b: Value) -> Value:
    """The bias less the opposite of each product."""
    out = b
    for a, c in zip(w, x, strict=True):
        out = out - (-a) * c
    return out


def shuffled(w: list[Value], x: list[Value], b: Value) -> Value:
    """Terms in an order of the neuron's own, the bias among them."""
    terms = dot(w, x)
    order = sorted(range(len(terms)), key=lambda i: (i * 7 + int(10 * b.data)) % len(terms))
    ordered = [terms[i] for i in order]
    return summed([*ordered[:2], b, *ordered[2:]])


SPELLINGS: dict[str, Callable[[], Case]] = {
    "bias last": lambda: spelled(lambda w, x, b: summed([*dot(w, x), b])),
    "bias first": lambda: spelled(lambda w, x, b: summed([b, *dot(w, x)])),
    "inputs before weights": lambda: spelled(lambda w, x, b: summed([*dot(x, w), b])),
    "terms backwards": lambda: spelled(lambda w, x, b: summed([*reversed(dot(w, x)), b])),
    "to the right": lambda: spelled(lambda w, x, b: summed_right([*dot(w, x), b])),
    "pair by pair": lambda: spelled(lambda w, x, b: balanced([*dot(w, x), b])),
    "Python's sum": lambda: spelled(lambda w, x, b: sum(dot(w, x), b)),
    "sum from 0": lambda: spelled(lambda w, x, b: sum(dot(w, x)) + b),
    "minus signs": lambda: spelled(minus),
    "terms in any order": lambda: spelled(shuffled),
    "weights by input": lambda: spelled(lambda w, x, b: summed([*dot(w, x), b]), by_input=True),
    "a minus before the sum": lambda: spelled(lambda w, x, b: -(-summed(dot(w, x)) - b)),
}


def summed_right(terms: list[Value]) -> Value:
    """Right to left."""
    whole = terms[-1]
    for term in reversed(terms[:-1]):
        whole = term + whole
    return whole
