"""A compiled program has the scalar engine's numbers: bit for bit in Python, within the error bound in NumPy."""

from functools import reduce
from math import inf, isfinite, nan
from random import Random
from typing import Any

import numpy as np
import pytest
from compile_cases import Case, alike, arguments, engine, every_loss, flat, network, replay
from random_graphs import random_graph
from reference import bounds, mp

from micrograd_nn import MLP, TABLE, Operation, Value, total
from micrograd_nn.compiler import compile
from micrograd_nn.nn import losses

LAYERS = {
    "sigmoid": lambda: network([2, 2, 1], losses.mse, "sigmoid", "sigmoid"),
    "tanh": lambda: network([3, 4, 2], losses.mse, "tanh"),
    "elu": lambda: network([3, 5, 4], losses.softmax_cross_entropy, "elu"),
    "leaky relu": lambda: network([3, 5, 4], losses.softmax_cross_entropy, "leaky_relu"),
    "maxout": lambda: network([3, 4, 2], losses.mse, "maxout", "sigmoid"),
    "softmax": lambda: network([3, 4, 5], losses.mse, "softplus", "softmax"),
    "step": lambda: network([2, 3, 1], losses.mse, "step", "sigmoid"),
    "width one": lambda: network([1, 1, 1], losses.mse, "relu"),
}
IN_ARRAYS = ["numpy", pytest.param("jax", marks=pytest.mark.slow)]  # XLA takes a third of a second for each graph
CHAINS = [row for row in TABLE.values() if row.associative]
CASES = {**LAYERS, **{f"loss {name}": (lambda case=case: case) for name, case in every_loss().items()}}


def random_case(seed: int) -> tuple[Case, list[list[float]]]:
    """A random graph, some of its leaves as inputs, and rows near where its numbers are moderate."""
    draw = Random(seed)
    root, leaves = random_graph(seed, n_leaves=draw.choice((2, 3, 5)), n_nodes=draw.choice((5, 12, 30)))
    cut = seed % len(leaves)
    inputs = [*leaves[:cut], Value(0.5)]  # the loss knows nothing of the last one, perhaps of none
    case = Case(root, draw.choice(([inputs], inputs)), leaves[cut:])
    count = draw.choice((1, 1, 3))
    return case, [[x.data + draw.choice((0.0, draw.uniform(-0.01, 0.01))) for x in inputs] for _ in range(count)]


def tied_case(seed: int) -> tuple[Case, list[list[float]]]:
    """Neurons that share their weights with each other, and their products too."""
    draw = Random(seed)
    inputs = [Value(draw.uniform(-1, 1)) for _ in range(draw.choice((2, 3)))]
    weights = [Value(draw.uniform(-1, 1)) for _ in range(draw.choice((2, 4, 6)))]
    once = {(w, x): w * x for w in weights for x in inputs}
    values: list[Value] = inputs
    for _ in range(draw.choice((1, 2))):
        layer = []
        for _ in range(draw.choice((2, 3))):
            terms = [(draw.choice(weights), x) for x in values]
            products = [once[term] if term in once and draw.random() < 0.5 else term[0] * term[1] for term in terms]
            layer.append(draw.choice((TABLE["tanh"], TABLE["relu"]))(total([*products, draw.choice(weights)])))
        values = layer
    case = Case(total(values), draw.choice(([inputs], inputs)), weights)
    return case, [[draw.uniform(-1, 1) for _ in inputs] for _ in range(3)]


def rows_for(case: Case, count: int, seed: int) -> list[list[float]]:
    """Rows of targets between 0 and 1 and inputs around 0."""
    draw = Random(seed)
    widths = [len(flat(part)) for part in case.inputs]
    return [
        [draw.uniform(-2, 2) for _ in range(sum(widths[:-1]))] + [draw.uniform(0.1, 0.9) for _ in range(widths[-1])]
        for _ in range(count)
    ]


def bits_differ(case: Case, rows: list[list[float]], backend: str = "python") -> str:
    """What an exact backend has other than the engine; a zero's sign is not looked at."""
    program = compile(case.loss, case.inputs, case.parameters, backend=backend)
    loss, gradient = program.value_and_grad(*arguments(case, rows))
    expected, slopes = engine(case, rows)
    pairs = [(loss, expected), *zip(gradient.tolist(), slopes, strict=True)]
    return "" if all(alike(got, want) for got, want in pairs) else f"{pairs}"


def out_of_bounds(case: Case, rows: list[list[float]], backend: str = "numpy") -> str:
    """What a backend has outside the running error bound, or not finite where the engine is finite."""
    program = compile(case.loss, case.inputs, case.parameters, backend=backend)
    program.check()
    loss, gradient = program.value_and_grad(*arguments(case, rows))
    exact, error = [mp.zero] * (1 + len(gradient)), [mp.zero] * (1 + len(gradient))
    for row in rows:
        root, new = replay(case.loss, dict(zip(flat(case.inputs), row, strict=True)))
        values, adjoints = bounds(root)
        found = [values[root], *(adjoints.get(new.get(p), (mp.zero, mp.zero)) for p in case.parameters)]
        exact = [have + number for have, (number, _) in zip(exact, found, strict=True)]
        error = [have + off for have, (_, off) in zip(error, found, strict=True)]
    count = len(rows)
    expected, slopes = engine(case, rows)
    for got, want, number, off in zip((loss, *gradient), (expected, *slopes), exact, error, strict=True):
        rounding = count * 2.0**-52 * abs(number)  # of the sum over the rows and the mean
        near = (
            not isfinite(got) or mp.isinf(off) or abs(mp.mpf(float(got)) - number / count) <= (off + rounding) / count
        )
        if isfinite(got) != isfinite(want) or not near:
            return f"{got} where the engine has {want}, exactly {mp.nstr(number / count, 17)}"
    return ""


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("count", [1, 7])
def test_networks(name: str, count: int) -> None:
    case = CASES[name]()
    rows = rows_for(case, count, seed=count)
    assert bits_differ(case, rows) == ""
    program = compile(case.loss, case.inputs, case.parameters, backend="numpy")
    program.check()
    loss, gradient = program.value_and_grad(*arguments(case, rows))
    expected, slopes = engine(case, rows)
    scale = max(map(abs, slopes), default=0.0)
    assert loss == pytest.approx(expected, rel=1e-13, abs=1e-15)
    assert gradient == pytest.approx(np.array(slopes), rel=1e-12, abs=1e-14 * (1.0 + scale))


def test_random_graphs_bit_for_bit() -> None:
    faults = [(seed, fault) for seed in range(400) if (fault := bits_differ(*random_case(seed)))]
    assert faults == []


@pytest.mark.parametrize("backend", IN_ARRAYS, indirect=True)
def test_tied_weights(backend: str) -> None:
    faults = [(s, f) for s in range(100) if (f := bits_differ(*tied_case(s)) or out_of_bounds(*tied_case(s), backend))]
    assert faults == []


@pytest.mark.parametrize("backend", IN_ARRAYS, indirect=True)
def test_random_graphs_within_the_bound(backend: str) -> None:
    faults = [(seed, fault) for seed in range(200) if (fault := out_of_bounds(*random_case(seed), backend))]
    assert faults == []


def batch_case(inner: Operation, outer: Operation, samples: int, width: int, varies: bool) -> Case:
    """A whole batch in one loss: a chain of what a chain makes of each sample's outputs."""
    draw, net = Random(samples), MLP(2, [3, width], activation="tanh", seed=width)
    X = [[Value(draw.gauss(0.0, 1.0)) for _ in range(2)] for _ in range(samples)]
    return Case(reduce(outer, [reduce(inner, net(x)) for x in X]), [flat(X)] if varies else [], net.parameters())


@pytest.mark.parametrize("backend", IN_ARRAYS, indirect=True)
@pytest.mark.parametrize("outer", CHAINS, ids=str)
@pytest.mark.parametrize("inner", CHAINS, ids=str)
def test_chains_of_chains(inner: Operation, outer: Operation, backend: str) -> None:
    """The sum of a batch's cross-entropies was once 2.66 for 5.20, from four classes on."""
    for varies in (False, True):
        case = batch_case(inner, outer, 5, 4, varies)
        rows = [[leaf.data + shift for leaf in flat(case.inputs)] for shift in ((0.0, 0.1) if varies else (0.0,))]
        assert bits_differ(case, rows) == out_of_bounds(case, rows, backend) == "", varies


@pytest.mark.slow
def test_two_thousand_random_graphs() -> None:
    """Both backends on 2,000 graphs with batches of 1 to 3 rows."""
    faults = [(s, f) for s in range(2000) if (f := bits_differ(*random_case(s)) or out_of_bounds(*random_case(s)))]
    assert faults == []


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_ten_thousand_random_graphs_bit_for_bit(block: int) -> None:
    """What straight code gives is what the engine gives, in batches of 1 to 3 rows."""
    seeds = range(10_000 + 500 * block, 10_000 + 500 * (block + 1))
    assert [(seed, fault) for seed in seeds if (fault := bits_differ(*random_case(seed)))] == []


SPECIAL = (0.0, -0.0, 1.0, -1.0, inf, -inf, nan, 1e300, -1e-300)


@pytest.mark.parametrize("name", [*TABLE])
def test_every_row_has_the_engines_corners(name: str, backend: str) -> None:
    """nan, infinities and kinks of a lone operation, as value and as slopes; in a batch too."""
    row = TABLE[name]
    leaves = [Value(0.7) for _ in range(row.arity)]
    scale = Value(1.0)
    case = Case(row(*(leaf * scale for leaf in leaves)), leaves, [scale])
    rows = [
        list(point)
        for point in ([(x,) for x in SPECIAL] if row.arity == 1 else [(x, y) for x in SPECIAL for y in SPECIAL])
    ]
    for chosen in [[one] for one in rows] + [rows[3:5]]:
        loss, gradient = compile(*case, backend=backend).value_and_grad(*arguments(case, chosen))
        expected, (slope,) = engine(case, chosen)
        assert same_kind(loss, expected, backend), (chosen, loss, expected)
        assert same_kind(gradient[0], slope, backend), (chosen, gradient[0], slope)


def same_kind(got: float, want: float, backend: str) -> bool:
    """The same nan, the same infinity, or about the same number.

    XLA rounds a·b + c once: 1 − 1 may be the rounding of a 1, and what is nan by an overflow of a·b may be infinite.
    """
    if backend == "jax" and not isfinite(want):
        return not isfinite(got)
    near = 1e-16 if backend == "jax" else 5e-322
    return alike(got, want) or (isfinite(got) and isfinite(want) and got == pytest.approx(want, rel=1e-14, abs=near))


def test_ties_in_a_chain_share_the_slope_as_recorded(backend: str) -> None:
    """The maximum of four equal numbers: max(max(max(a, b), c), d) has slopes 1/8, 1/8, 1/4, 1/2."""
    leaves = [Value(2.0) for _ in range(4)]
    largest = leaves[0]
    for leaf in leaves[1:]:
        largest = TABLE["maximum"](largest, leaf)
    loss, gradient = compile(largest, [], leaves, backend=backend).value_and_grad()
    assert (loss, gradient.tolist()) == (2.0, [0.125, 0.125, 0.25, 0.5])


def test_cross_entropy_at_large_sums(backend: str) -> None:
    """At ±1000 the loss is 2000 and its slopes are ±1: hand."""
    w = [Value(1000.0), Value(-1000.0), Value(0.0), Value(3.0)]
    label = [Value(0.0) for _ in w]
    program = compile(losses.softmax_cross_entropy(w, label), [label], w, backend=backend)
    loss, gradient = program.value_and_grad([[0.0, 1.0, 0.0, 0.0]])
    assert loss == 2000.0
    assert gradient.tolist() == [1.0, -1.0, 0.0, 0.0]


def test_float32_is_the_same_to_seven_digits() -> None:
    case = network([6, 8, 4], losses.softmax_cross_entropy, "relu")
    rows = rows_for(case, 5, seed=3)
    program = compile(*case, dtype="float32")
    loss, gradient = program.value_and_grad(*arguments(case, rows))
    expected, slopes = engine(case, rows)
    assert program.backend == "numpy"
    assert gradient.dtype == np.float32
    assert loss == pytest.approx(expected, rel=1e-6)
    assert gradient == pytest.approx(np.array(slopes), rel=1e-5, abs=1e-6)


def test_micrograds_whole_batch_demo() -> None:
    """100 points recorded in one graph: the program's gradient is the engine's, to the rounding of the sums."""
    loss, parameters = moons()
    loss.backward()
    got, gradient = compile(loss, [], parameters).value_and_grad()
    assert got == pytest.approx(loss.data, rel=1e-13)
    assert gradient == pytest.approx(np.array([p.grad for p in parameters]), rel=1e-11, abs=1e-14)


def moons() -> tuple[Value, list[Any]]:
    """micrograd's demo, in its own words: svm loss with L2 over a batch of 100."""
    draw = Random(0)
    model = MLP(2, [16, 16, 1], seed=0)
    points = [[Value(draw.uniform(-2, 2)), Value(draw.uniform(-1, 1))] for _ in range(100)]
    labels = [draw.choice((-1, 1)) for _ in range(100)]
    scores = list(map(model, points))
    terms = [(1 + -yi * score).relu() for yi, score in zip(labels, scores, strict=True)]
    data_loss = sum(terms) * (1.0 / len(terms))
    reg_loss = 1e-4 * sum(p * p for p in model.parameters())
    return data_loss + reg_loss, model.parameters()
