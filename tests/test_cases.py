"""The worked cases: a neuron and what it decides, the two-input network h1, h2, o1, and F(x, y, z) = xy + z̄.

The figures were computed in float64 outside this package, from the formulas beside them.
"""

from itertools import product
from math import exp

import pytest

from micrograd_nn import MLP, SGD, Neuron, Value, grad, mse, sigmoid, squared_error

BITS = (0, 1)


def exactly(expected: float) -> object:
    return pytest.approx(expected, rel=1e-12, abs=1e-12)


# ---- 1. a neuron, and what it decides ----

GATES = {  # weights and bias of one threshold unit each
    "A": ([1, 0], -0.5, lambda a, b: a),
    "NOT A": ([-1, 0], 0.5, lambda a, b: 1 - a),
    "A AND B": ([1, 1], -1.5, lambda a, b: a & b),
    "A OR B": ([1, 1], -0.5, lambda a, b: a | b),
}


def gate(name: str) -> Neuron:
    weights, bias, _ = GATES[name]
    return Neuron(2, "step", weights=weights, bias=bias)


@pytest.mark.parametrize("name", GATES)
def test_one_threshold_unit_each(name: str) -> None:
    for a, b in product(BITS, BITS):
        assert gate(name)([a, b]).data == GATES[name][2](a, b), (a, b)


def test_xor_takes_units_in_between() -> None:
    for a, b in product(BITS, BITS):
        either, both = gate("A OR B")([a, b]), gate("A AND B")([a, b])
        neither_both = gate("NOT A")([both, 0])
        assert gate("A AND B")([either, neither_both]).data == a ^ b


@pytest.mark.parametrize("threshold", [-1.5, 0.0, 0.7, 1.0, 2.0])
def test_a_threshold_is_a_bias(threshold: float) -> None:
    weights = [0.7, -1.2, 1.0]
    plain = Neuron(3, "identity", weights=weights, bias=False)
    extra = Neuron(4, "step", weights=[*weights, threshold], bias=False)
    for x in product((-1, 0, 1), repeat=3):
        assert extra([*x, -1]).data == float(plain(x).data - threshold >= 0), x


def test_the_theme_park() -> None:
    """Three yes/no factors: sunny, discount, the partner comes."""
    equal = Neuron(3, "step", weights=[1, 1, 1], bias=-2)
    weighted = Neuron(3, "sigmoid", weights=[4, 1, 5], bias=-4.5)  # the partner alone is enough
    keen = Neuron(3, "sigmoid", weights=[4, 1, 5], bias=0.5)  # a bias for wanting to go very much
    rain_stops = Neuron(3, "sigmoid", weights=[6, 1, 3], bias=-5.5)
    for sunny, discount, partner in product(BITS, BITS, BITS):
        x = [sunny, discount, partner]
        assert equal(x).data == float(sum(x) >= 2)
        assert (weighted(x) > 0.5) == (partner or (sunny and discount)), x
        assert keen(x) > 0.5
        assert (rain_stops(x) > 0.5) == bool(sunny), "rain alone stops the trip"


def train_or(activation: str) -> tuple[list[float], Neuron]:
    unit = Neuron(2, activation, weights=[-0.3, 0.2], bias=-0.1)
    sgd = SGD(unit.parameters(), lr=1.0)
    for _ in range(500):
        loss = mse([unit([a, b]) for a, b in product(BITS, BITS)], [0, 1, 1, 1])
        unit.zero_grad()
        loss.backward()
        sgd.step()
    return [p.data for p in unit.parameters()], unit


def test_descent_learns_nothing_through_a_step() -> None:
    assert train_or("step")[0] == [-0.3, 0.2, -0.1]
    _, unit = train_or("sigmoid")
    assert [unit([a, b]) > 0.5 for a, b in product(BITS, BITS)] == [False, True, True, True]


def descend_xor(net: MLP, steps: int) -> list[float]:
    sgd = SGD(net.parameters(), lr=2.0)
    for _ in range(steps):
        loss = mse([net([a, b]) for a, b in product(BITS, BITS)], [0, 1, 1, 0])
        net.zero_grad()
        loss.backward()
        sgd.step()
    return [net([a, b]).data for a, b in product(BITS, BITS)]


def test_xor_is_learned_by_a_small_network() -> None:
    answers = descend_xor(MLP(2, [3, 1], "tanh", output="sigmoid", seed=3), 300)
    assert [round(answer) for answer in answers] == [0, 1, 1, 0]
    assert max(abs(answer - target) for answer, target in zip(answers, [0, 1, 1, 0], strict=True)) < 0.1


def test_xor_is_not_learned_by_one_unit() -> None:
    answers = descend_xor(MLP(2, [1], output="sigmoid", seed=3), 300)
    assert answers == pytest.approx([0.5] * 4, abs=1e-3), "the best that one unit does is not to know"


# ---- 2. the two-input network h1, h2, o1 ----


def friends_network() -> MLP:
    net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid")
    net.load_state_dict(dict(zip(net.state_dict(), [0, 1, 0] * 3, strict=True)))
    return net


def test_its_labels() -> None:
    net = friends_network()
    assert [p.label for p in net.parameters()] == ["w1", "w2", "b1", "w3", "w4", "b2", "w5", "w6", "b3"]
    assert [neuron.label for layer in net.layers for neuron in layer.neurons] == ["h1", "h2", "o1"]


def test_its_forward_figures() -> None:
    net = friends_network()
    out = net([2, 3])
    assert out.label == "o1"
    assert net.layers[0]([2, 3])[0].data == exactly(0.9525741268224334)
    assert net.layers[0]([2, 3])[1].data == exactly(0.9525741268224334)
    assert out.data == exactly(0.7216325609518421)
    assert mse([0, 0, 0, 0], [1, 0, 0, 1]).data == 0.5


PEOPLE = [((-2, -1), 1), ((25, 6), 0), ((17, 4), 0), ((-15, -6), 1)]


@pytest.mark.parametrize(("x", "y"), PEOPLE)
def test_its_nine_partials_by_the_textbooks_chain_rule(x: tuple[int, int], y: int) -> None:
    net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=7)
    w1, w2, b1, w3, w4, b2, w5, w6, b3 = (p.data for p in net.parameters())

    def s(z: float) -> float:
        return 1 / (1 + exp(-z))

    def slope(z: float) -> float:
        return s(z) * (1 - s(z))

    z1, z2 = w1 * x[0] + w2 * x[1] + b1, w3 * x[0] + w4 * x[1] + b2
    z3 = w5 * s(z1) + w6 * s(z2) + b3
    d_ypred = -2 * (y - s(z3))
    d_h1, d_h2 = w5 * slope(z3), w6 * slope(z3)
    through_h1, through_h2 = d_ypred * d_h1 * slope(z1), d_ypred * d_h2 * slope(z2)
    by_hand = [through_h1 * x[0], through_h1 * x[1], through_h1, through_h2 * x[0], through_h2 * x[1], through_h2]
    by_hand += [d_ypred * slope(z3) * s(z1), d_ypred * slope(z3) * s(z2), d_ypred * slope(z3)]
    loss = mse(net(x), y)
    assert grad(loss, net.parameters()) == [exactly(partial) for partial in by_hand]
    loss.backward()
    assert [p.grad for p in net.parameters()] == [exactly(partial) for partial in by_hand]


# ---- 3. the Boolean function F(x, y, z) = xy + z̄ ----

WEIGHTS = [0.9, 0.8, 0.1, 0.3, 0.5, 0.6, 0.2, 0.4, 0.7, 0.3, 0.5, 0.9]


def boolean_network() -> MLP:
    net = MLP(3, [3, 1], activation="sigmoid", output="sigmoid", bias=False)
    net.load_state_dict(dict(zip(net.state_dict(), WEIGHTS, strict=True)))
    return net


def test_its_forward_pass() -> None:
    net = boolean_network()
    out = net([1, 0, 1])
    hidden = net.layers[0]([1, 0, 1])
    assert [h.left.data for h in hidden] == [exactly(1.0), exactly(0.9), exactly(0.9)]
    figures = [0.7310585786300049, 0.7109495026250039, 0.7109495026250039]
    assert [h.data for h in hidden] == [exactly(figure) for figure in figures]
    assert out.left.data == exactly(1.2146468772640069)
    assert out.data == exactly(0.7711201275221717)


def test_its_forward_pass_as_printed() -> None:
    """With the hidden outputs rounded to two digits: sum 1.213, output 0.77083."""
    out = Neuron(3, "sigmoid", weights=WEIGHTS[9:], bias=False)([0.73, 0.71, 0.71])
    assert out.left.data == exactly(1.213)
    assert out.data == pytest.approx(0.77083, abs=5e-6)


def test_its_costs() -> None:
    targets, outputs = [2, 3, 5, 9], [1, 5, 3, 6]
    assert sum(t - o for t, o in zip(targets, outputs, strict=True)) == 4, "signed errors cancel"
    assert sum(abs(Value(t) - o).data for t, o in zip(targets, outputs, strict=True)) == 8
    assert squared_error(outputs, targets).data == 9
    assert squared_error(0.77, 0).data == exactly(0.29645)
    assert squared_error(boolean_network()([1, 0, 1]), 0).data == exactly(0.2973131255349052)


def test_its_backward_pass_and_the_step() -> None:
    net = boolean_network()
    out = net([1, 0, 1])
    loss = squared_error(out, 0)
    loss.backward()
    last = net.layers[1].neurons[0].w
    assert [w.grad for w in last] == [exactly(g) for g in (0.09949559619104585, *[0.09675879155670583] * 2)]
    hidden = [product.right for product in _products(out.left)]
    deltas = [h.left.grad for h in hidden]
    assert deltas == [exactly(d) for d in (0.008027546117902481, 0.013984088412434698, 0.025171359142382454)]
    SGD(net.parameters(), lr=0.5).step()
    moved = (0.25025220190447706, 0.45162060422164707, 0.8516206042216471)
    assert [w.data for w in last] == [exactly(w) for w in moved]


def _products(total: Value) -> list[Value]:
    return [*_products(total.left), total.right] if total._op == "+" else [total]


def test_its_truth_table_is_learned() -> None:
    table = [(x, y, z) for x, y, z in product(BITS, BITS, BITS)]
    truth = [(x & y) | (1 - z) for x, y, z in table]
    assert truth == [1, 0, 1, 0, 1, 0, 1, 1]
    net = MLP(3, [3, 1], activation="sigmoid", output="sigmoid", seed=1)
    sgd = SGD(net.parameters(), lr=5.0)
    for _ in range(150):
        loss = mse([net(row) for row in table], truth)
        net.zero_grad()
        loss.backward()
        sgd.step()
    assert [round(net(row).data) for row in table] == truth


def test_sigmoid_is_the_textbooks() -> None:
    for z in (-3.0, 0.0, 0.9, 1.0):
        assert sigmoid(z) == exactly(1 / (1 + exp(-z)))
