"""Code written for micrograd, and for the lecture about it, runs here with nothing but the import changed.

The expressions are those of micrograd's own two tests and of its README. The expected numbers were computed once with
mpmath at 60 digits (values, and mpmath.diff for the slopes) and rounded here to 25.
"""

import math
import random

import pytest

from micrograd_nn import MLP, Layer, Neuron, Value, trace


def test_its_sanity_check() -> None:
    x = Value(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    y.backward()
    assert y.data == -20.0
    assert x.grad == 46.0


def test_its_more_ops_and_its_readme() -> None:
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    assert f"{g.data:.4f}" == "24.7041"
    g.backward()
    assert f"{a.grad:.4f}" == "138.8338"
    assert f"{b.grad:.4f}" == "645.5773"
    assert g.data == pytest.approx(24.70408163265306122448980, rel=1e-15)
    assert a.grad == pytest.approx(138.8338192419825072886297, rel=1e-15)
    assert b.grad == pytest.approx(645.5772594752186588921283, rel=1e-15)


LECTURE = {  # o = tanh(x1·w1 + x2·w2 + b) and its slopes
    "o": 0.7071067811865475911647251,
    "x1": -1.499999999999999716744843,
    "w1": 0.9999999999999998111632289,
    "x2": 0.4999999999999999055816144,
    "w2": 0.0,
    "b": 0.4999999999999999055816144,
}


def lecture_neuron() -> dict[str, Value]:
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(6.8813735870195432, label="b")
    x1w1 = x1 * w1
    x1w1.label = "x1*w1"
    x2w2 = x2 * w2
    x2w2.label = "x2*w2"
    x1w1x2w2 = x1w1 + x2w2
    x1w1x2w2.label = "x1*w1 + x2*w2"
    n = x1w1x2w2 + b
    n.label = "n"
    o = n.tanh()
    o.label = "o"
    return {node.label: node for node in (x1, x2, w1, w2, b, x1w1, x2w2, x1w1x2w2, n, o)}


def check(nodes: dict[str, Value]) -> None:
    assert nodes["o"].data == pytest.approx(LECTURE["o"], rel=1e-15)
    for name in ("x1", "w1", "x2", "w2", "b"):
        assert nodes[name].grad == pytest.approx(LECTURE[name], rel=1e-15), name


def test_the_lectures_neuron_by_hand() -> None:
    nodes = lecture_neuron()
    nodes["o"].grad = 1.0
    for label in ("o", "n", "b", "x1*w1 + x2*w2", "x2*w2", "x1*w1", "x1"):
        nodes[label]._backward()  # leaves have nothing to pass on
    check(nodes)


def test_the_lectures_neuron_by_backward() -> None:
    nodes = lecture_neuron()
    nodes["o"].backward()
    check(nodes)


def test_the_lectures_own_sort_and_sweep() -> None:
    nodes = lecture_neuron()
    topo, visited = [], set()

    def build_topo(v: Value) -> None:
        if v not in visited:
            visited.add(v)
            for child in v._prev:
                build_topo(child)
            topo.append(v)

    build_topo(nodes["o"])
    assert len(topo) == 10
    nodes["o"].grad = 1.0
    for node in reversed(topo):
        node._backward()
    check(nodes)


def test_the_lectures_trace_for_drawing() -> None:
    nodes, edges = set(), set()

    def build(v: Value) -> None:
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    root = lecture_neuron()["o"]
    build(root)
    assert len(nodes) == 10
    assert len(edges) == 9
    assert {n._op for n in nodes if not n._prev} == {""}
    assert sorted({n._op for n in nodes} - {""}) == ["+", "tanh", "×"]
    assert tuple(map(set, trace(root))) == (nodes, edges)


def test_both_edges_of_a_square_are_there() -> None:
    a = Value(3.0)
    b = a + a
    assert b.operands == (a, a)
    assert b._prev == {a}, "micrograd's set of children loses one"
    b.backward()
    assert a.grad == 2.0


def test_its_network() -> None:
    random.seed(1337)
    net = MLP(2, [16, 16, 1])
    assert len(net.parameters()) == 337
    first = random.Random(1337).uniform(-1, 1)
    assert net.parameters()[0].data == first, "uniform(-1, 1) from Python's global source, weights in order"
    assert [p.data for p in net.parameters() if p.label.startswith("b")] == [0.0] * 33
    score = net([Value(0.5), Value(-1.0)])
    assert isinstance(score, Value)
    assert len(MLP(2, [3, 2])([1.0, 2.0])) == 2
    assert [layer.neurons[0].activation is None for layer in net.layers] == [False, False, True]
    assert isinstance(Neuron(2)([1.0, 2.0]), Value)
    assert len(Layer(2, 3)([1.0, 2.0])) == 3


def test_its_training_loop() -> None:
    xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
    ys = [1.0, -1.0, -1.0, 1.0]
    n = MLP(3, [4, 4, 1], activation="tanh", output="tanh", seed=0)
    for _ in range(200):
        ypred = [n(x) for x in xs]
        loss = sum((yout - ygt) ** 2 for ygt, yout in zip(ys, ypred, strict=True))
        n.zero_grad()
        loss.backward()
        for p in n.parameters():
            p.data += -0.05 * p.grad
    assert loss.data < 0.02
    assert all(math.copysign(1.0, y.data) == t for y, t in zip(ypred, ys, strict=True))
