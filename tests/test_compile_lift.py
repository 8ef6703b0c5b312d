"""What is lifted: matrix products and few steps, however a network is written."""

from collections import Counter
from functools import reduce
from itertools import product
from math import inf, nan
from random import Random
from typing import Any

import pytest
from compile_cases import SPELLINGS, Case, arguments, engine, flat, network
from test_compile_equal import moons

from micrograd_nn import MLP, Operation, Value, logaddexp, maximum, minimum, tanh, total
from micrograd_nn.compiler import compile
from micrograd_nn.compiler.steps import Constant, Leaf, MatMul, View
from micrograd_nn.engine.ops import add, mul, neg, sub
from micrograd_nn.nn import losses

in_arrays = pytest.mark.parametrize("backend", ["numpy", "jax"], indirect=True)


def forward(program: Any) -> list[Any]:
    """The lifted steps of the loss."""
    return list(program.graph.lifted.forward)


def computing(program: Any) -> int:
    """Steps that compute something: leaves, constants and views cost nothing."""
    gathered = [step for step in forward(program) if isinstance(step, View) and step.index.table]
    return len(gathered) + sum(not isinstance(step, Leaf | Constant | View) for step in forward(program))


def products(program: Any) -> list[tuple[int, ...]]:
    """The shapes of the matrices of weights in matrix products."""
    steps = forward(program)
    return [steps[step.references[1]].shape for step in steps if isinstance(step, MatMul)]


@in_arrays
@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_gives_the_same_equations(name: str, backend: str) -> None:
    case = SPELLINGS[name]()
    program = compile(*case, backend=backend)
    assert products(program) == [(5, 4), (1, 5)]
    assert str(program) == str(compile(*SPELLINGS["bias last"](), backend="numpy"))
    assert not any(isinstance(step, View) and step.index.table for step in forward(program))
    rows = [[0.5, -1.0, 2.0, 0.25, 1.0], [1.0, 0.0, -0.5, 0.125, -1.0]]
    loss, gradient = program.value_and_grad(*arguments(case, rows))
    expected, slopes = engine(case, rows)
    assert loss == pytest.approx(expected, rel=1e-13)
    assert gradient.tolist() == pytest.approx(slopes, rel=1e-12, abs=1e-15)


@in_arrays
def test_shared_weights_are_one_matrix_over_both_uses(backend: str) -> None:
    """The same two neurons look at two pairs of inputs: one product of their matrix with both."""
    w, x = [[Value(0.1), Value(0.2)], [Value(-0.3), Value(0.4)]], [Value(float(i)) for i in range(4)]
    sums = [total(a * b for a, b in zip(row, pair, strict=True)) for pair in (x[:2], x[2:]) for row in w]
    case = Case(total(map(tanh, sums)), [x], [p for row in w for p in row])
    program = compile(*case, backend=backend)
    assert products(program) == [(2, 2)]
    loss, gradient = program.value_and_grad([[1.0, 2.0, 3.0, 4.0]])
    expected, slopes = engine(case, [[1.0, 2.0, 3.0, 4.0]])
    assert loss == pytest.approx(expected, rel=1e-14)
    assert gradient.tolist() == pytest.approx(slopes, rel=1e-13)


def test_the_moons_loss_over_all_samples() -> None:
    loss, parameters = moons()
    program = compile(loss, [], parameters)
    assert len(program.trace) == 65_818
    assert computing(program) <= 40
    assert products(program)[0] == (16, 2)
    assert sorted(products(program)) == [(1, 16), (1, 337), (16, 2), (16, 16)]


@pytest.mark.slow
def test_mnist_at_full_size() -> None:
    net = MLP(784, [300, 100, 10], seed=0)
    x, y = [Value(0.0) for _ in range(784)], [Value(0.0) for _ in range(10)]
    program = compile(losses.softmax_cross_entropy(net(x), y), [x, y], net.parameters(), dtype="float32")
    assert products(program) == [(300, 784), (100, 300), (10, 100)]
    assert computing(program) <= 25
    program.check()


def test_the_digit_network_in_small() -> None:
    net = MLP(12, [7, 6, 5], seed=0)
    x, y = [Value(0.0) for _ in range(12)], [Value(0.0) for _ in range(5)]
    program = compile(losses.softmax_cross_entropy(net(x), y), [x, y], net.parameters())
    assert products(program) == [(7, 12), (6, 7), (5, 6)]
    assert computing(program) == 12
    assert str(program).splitlines() == [
        "Z1 = W1·X + b1                               7×n",
        "A1 = relu(Z1)                                7×n",
        "Z2 = W2·A1 + b2                              6×n",
        "A2 = relu(Z2)                                6×n",
        "Z3 = W3·A2 + b3                              5×n",
        "L = logsumexp(Z3 − Σ(Y ⊙ Z3))                n",
    ]
    assert r"Z_{1} &= W_{1} \, X + b_{1} && 7 \times n" in program._repr_latex_()


def test_equal_nodes_are_computed_once() -> None:
    x, w = Value(0.5), Value(2.0)
    program = compile(tanh(w * x) * tanh(w * x) + tanh(w * x), [x], [w], backend="numpy")
    kinds = Counter(step.operation.name for step in forward(program) if hasattr(step, "operation"))
    assert kinds["tanh"] == 1


@in_arrays
def test_what_is_no_grid_is_gathered_and_right(backend: str) -> None:
    """Sums of products that share no rows: no matrix, the same numbers."""
    w, x = [Value(0.1 * i - 0.4) for i in range(9)], [Value(float(i)) for i in range(7)]
    sums = [total(w[(i * 2 + k * k) % 9] * x[(i + 3 * k) % 7] for k in range(3)) for i in range(5)]
    case = Case(total(map(tanh, sums)), [x], w)
    row = [0.3, -1.0, 2.0, 0.5, -0.25, 1.5, 0.75]
    loss, gradient = compile(*case, backend=backend).value_and_grad([row])
    expected, slopes = engine(case, [row])
    assert loss == pytest.approx(expected, rel=1e-13)
    assert gradient.tolist() == pytest.approx(slopes, rel=1e-12, abs=1e-15)


@in_arrays
def test_parameters_that_are_used_in_two_arrays(backend: str) -> None:
    """Three weights in one array operation, the first in another as well: its slopes add up."""
    w, x = [Value(0.5), Value(-1.0), Value(2.0), Value(0.25)], [Value(0.0) for _ in range(3)]
    case = Case(total(tanh(a * b) for a, b in zip(w[:3], x, strict=True)) + w[0].exp() * w[3], [x], w)
    row = [0.3, -0.7, 1.1]
    loss, gradient = compile(*case, backend=backend).value_and_grad([row])
    expected, slopes = engine(case, [row])
    assert loss == pytest.approx(expected, rel=1e-14)
    assert gradient.tolist() == pytest.approx(slopes, rel=1e-13)


@in_arrays
def test_an_array_beside_its_own_transpose_is_not_written_over(backend: str) -> None:
    """Two neurons on two samples, each number against the one across the diagonal."""
    w, x = [[Value(0.1), Value(0.9)], [Value(-0.3), Value(0.4)]], [[Value(1.0), Value(2.0)], [Value(-1.5), Value(0.5)]]
    a = [[tanh(total(p * q for p, q in zip(row, sample, strict=True))) for row in w] for sample in x]
    pairs = [logaddexp(a[i][j], a[j][i]) * float(1 + i + 2 * j) for i in range(2) for j in range(2)]
    case = Case(tanh(total(pairs)), [], [p for row in w for p in row])
    program = compile(*case, backend=backend)
    expected, slopes = engine(case, [[]])
    assert program() == pytest.approx(expected, rel=1e-14)
    assert program.value_and_grad()[1].tolist() == pytest.approx(slopes, rel=1e-12)


@in_arrays
@pytest.mark.parametrize("outer", [maximum, logaddexp, mul], ids=str)
@pytest.mark.parametrize("varies", [True, False])
def test_an_array_that_is_joined_with_another_and_read_again(varies: bool, outer: Operation, backend: str) -> None:
    """Chains over the rows of two arrays at once, and sums over some of the numbers of one."""
    draw = Random(0)
    w, v, x = ([[Value(draw.uniform(-1, 1)) for _ in range(n)] for _ in range(m)] for m, n in ((3, 2), (2, 3), (3, 2)))
    a = [[tanh(total(map(mul, row, sample))) for row in w] for sample in x]
    b = [[tanh(number * 2.0) for number in row] for row in a]
    chains = [reduce(outer, [*one, *other]) for one, other in zip(a, b, strict=True)]
    sums = [tanh(total(map(mul, [a[0][0], a[1][1], a[2][0]], row))) for row in v]
    case = Case(total(chains) + total(sums), [flat(x)] if varies else [], flat(w) + flat(v))
    rows = [[leaf.data + shift for leaf in flat(case.inputs)] for shift in ((0.0, 0.1) if varies else (0.0,))]
    program = compile(*case, backend=backend)
    for _ in range(2):  # a copy that was made once holds old numbers the second time
        loss, gradient = program.value_and_grad(*arguments(case, rows))
        expected, slopes = engine(case, rows)
        assert loss == pytest.approx(expected, rel=1e-13)
        assert gradient.tolist() == pytest.approx(slopes, rel=1e-12)


def chains_in_chains(draw: Random, leaves: list[Value], depth: int) -> Value:
    """A chain of two to five terms, some of them chains, with a sign, a factor, a summand or a tanh around it."""
    if not depth:
        return draw.choice(leaves) if draw.random() < 0.8 else Value(draw.choice((0.5, -1.0, 2.0, 1.0, 0.0)))
    terms = [chains_in_chains(draw, leaves, draw.choice((0, 0, depth - 1))) for _ in range(draw.randint(2, 5))]
    out = reduce(draw.choice((add, mul, sub, maximum, minimum, logaddexp)), terms)
    return draw.choice((lambda a: a, neg, tanh, lambda a: a * 0.5, lambda a: a + 1.0))(out)


def test_chains_in_chains() -> None:
    """A product of four is a chain where it stands alone, and a term where it stands in a sum: never both."""
    for seed in range(200):
        draw = Random(seed)
        x, w = [Value(draw.uniform(-1, 1)) for _ in range(3)], [Value(draw.uniform(-1, 1)) for _ in range(4)]
        case = Case(chains_in_chains(draw, x + w, 3) * w[0], [x], w)
        rows = [[leaf.data for leaf in x]]
        loss, gradient = compile(*case, backend="numpy").value_and_grad(*arguments(case, rows))
        expected, slopes = engine(case, rows)
        assert loss == pytest.approx(expected, rel=1e-9, abs=1e-12), seed
        assert gradient.tolist() == pytest.approx(slopes, rel=1e-8, abs=1e-10), seed


def test_the_parts_of_a_network_are_its_weights_and_biases() -> None:
    net, x = MLP(4, [3, 2], seed=0), [Value(0.0) for _ in range(4)]
    lifted = compile(total(map(tanh, net(x))), [x], net.parameters()).graph.lifted
    assert [(part.shape, part.index.start) for part in lifted.parts] == [
        ((3, 4), 0),
        ((3,), 4),
        ((2, 3), 15),
        ((2,), 18),
    ]
    assert [[lifted.forward[ref].shape for ref in part.references] for part in lifted.parts] == [
        [p.shape] for p in lifted.parts
    ]


def test_parts_are_disjoint_where_views_are_not() -> None:
    """One operation on all of three weights, another on the last two and one that is unused: each stands once."""
    w = [Value(float(i)) for i in range(5)]
    lifted = compile(total(map(tanh, w[:3])) + total(v.exp() for v in w[1:4]), [], w).graph.lifted
    places = [part.index.positions.reshape(-1).tolist() for part in lifted.parts]
    assert places == [[0], [1, 2], [3]]
    assert [k for k, reached in enumerate(lifted.reached) if not reached] == [4]


@pytest.mark.parametrize(
    ("loss", "activations"), [("softmax_cross_entropy", ["tanh"]), ("categorical_cross_entropy", ["tanh", "softmax"])]
)
@pytest.mark.parametrize("classes", [3, 4, 17])
def test_the_steps_do_not_depend_on_the_number_of_classes(classes: int, loss: str, activations: list[str]) -> None:
    """A chain of three is a fold as a longer one is, so that what is printed and how fast it runs do not change."""
    few, many = (
        compile(*network([4, 7, count], getattr(losses, loss), *activations)).graph.lifted.steps
        for count in (classes, 10)
    )
    assert [type(step) for step in few] == [type(step) for step in many]


@in_arrays
@pytest.mark.usefixtures("own_rows")
def test_a_chain_of_a_users_operation_is_a_fold(backend: str) -> None:
    """NumPy has no reduction for it: the links are written one by one, forwards and backwards."""
    either = Operation(
        "either",
        doc="1 − (1 − a)(1 − b): the probability of one event or the other.",
        associative=True,
        forward=lambda a, b: a + b - a * b,
        partials=(lambda a, b, out: 1.0 - b, lambda a, b, out: 1.0 - a),
        latex=r"{a:1} \vee {b:1}",
        numpy="{a} + {b} - {a} * {b}",
    )
    x, w = [Value(0.0) for _ in range(6)], [Value(0.1 * i) for i in range(6)]
    case = Case(reduce(either, [a * b for a, b in zip(x, w, strict=True)]), [x], w)
    program = compile(*case, backend=backend)
    assert computing(program) == 2
    rows = [[0.5, 0.25, 0.75, 0.125, 1.0, 0.5], [1.0, 0.0, 0.5, 0.5, 0.25, 0.125]]
    loss, gradient = program.value_and_grad(rows)
    expected, slopes = engine(case, rows)
    assert loss == pytest.approx(expected, rel=1e-14)
    assert gradient.tolist() == pytest.approx(slopes, rel=1e-13)


LARGE = (0.0, -inf, inf, nan, 1e300, -800.0, 1e9)


@in_arrays
@pytest.mark.parametrize(("terms", "every"), [(3, 1), (4, 11)])
def test_a_long_logsumexp_has_the_engines_slopes_at_infinity_and_beyond(terms: int, every: int, backend: str) -> None:
    """exp(x − out) is inf − inf there, or has lost its digits: then the slopes are those of the recorded chain."""
    x, w = [Value(0.0) for _ in range(terms)], [Value(1.0) for _ in range(terms)]
    case = Case(reduce(logaddexp, [a + b * 0.5 for a, b in zip(x, w, strict=True)]), [x], w)
    program = compile(*case, backend=backend)
    for row in [*product(LARGE, repeat=terms)][::every]:
        _, gradient = program.value_and_grad([row])
        assert gradient.tolist() == pytest.approx(engine(case, [list(row)])[1], rel=1e-6, nan_ok=True), row


@in_arrays
def test_sums_over_some_of_an_array_that_has_another_use(backend: str) -> None:
    """Two neurons look at two pairs of six numbers, and the other two numbers are used alone: each has its slope."""
    x, v = [Value(0.0) for _ in range(6)], [Value(0.1 * i - 0.2) for i in range(6)]
    h, w = list(map(tanh, map(mul, v, x))), [[Value(0.3), Value(-0.2)], [Value(0.7), Value(0.4)]]
    sums = [total(map(mul, row, h[at : at + 2])) for at in (0, 2) for row in w]
    case = Case(total(map(tanh, sums)) + h[4].exp() * h[5], [x], [*v, *w[0], *w[1]])
    program = compile(*case, backend=backend)
    rows = [[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [1.0, 0.2, -0.3, 0.4, 2.5, -0.6]]
    loss, gradient = program.value_and_grad(*arguments(case, rows))
    expected, slopes = engine(case, rows)
    assert loss == pytest.approx(expected, rel=1e-14)
    assert gradient.tolist() == pytest.approx(slopes, rel=1e-13)
