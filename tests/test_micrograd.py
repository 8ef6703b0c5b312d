"""Code written for micrograd, and for the lecture about it, runs here with nothing but the import changed.

The expressions are those of micrograd's own two tests and of its README. The expected numbers were computed once with
mpmath at 60 digits (values, and mpmath.diff for the slopes) and rounded here to 25.
"""

import math
import random
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest

from micrograd_nn import MLP, Layer, Neuron, Value, draw_dot, trace
from micrograd_nn.data import moons


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


def test_the_lectures_own_picture() -> None:
    """Written as the notebook writes it, with the old % signs, and looked at before there is a gradient."""

    def picture(nodes: Iterable[Value]) -> str:
        records = ["{ %s | data %.4f | grad %.4f }" % (n.label, n.data, n.grad) for n in nodes]  # noqa: UP031
        return "\n".join(records)

    nodes = lecture_neuron()
    assert picture(nodes.values()).count("grad 0.0000") == 10
    nodes["o"].backward()
    assert "{ x1 | data 2.0000 | grad -1.5000 }" in picture(nodes.values())


def test_the_lectures_slopes_by_differences() -> None:
    """Before the chain rule the notebook moves one number by h, and compares."""

    def loss(**moved: float) -> float:
        a, b, c, f = (
            Value(number + moved.get(name, 0.0)) for name, number in zip("abcf", (2, -3, 10, -2), strict=True)
        )
        return ((a * b + c) * f).data

    h = 0.001
    slopes = [(loss(**{name: h}) - loss()) / h for name in "abcf"]
    assert slopes == pytest.approx([6.0, -4.0, -2.0, 4.0], rel=1e-9)


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


# ---- whole programs, written anew after what they do in public ----


def test_its_demo() -> None:
    """The moons, a hinge loss with L2, batches on demand, a falling rate, and the map of the decision."""
    random.seed(1337)
    points = moons(40, noise=0.1, seed=1)
    X, y = points.X, [2 * int(label) - 1 for label in points.y]
    model = MLP(2, [16, 16, 1])
    assert str(model).startswith("MLP")

    def loss(batch_size: int | None = None) -> tuple[Value, float]:
        chosen = range(len(X)) if batch_size is None else random.sample(range(len(X)), batch_size)
        inputs = [list(map(Value, X[i])) for i in chosen]
        wanted = [y[i] for i in chosen]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(wanted, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        reg_loss = 1e-4 * sum(p * p for p in model.parameters())
        right = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(wanted, scores, strict=True)]
        return data_loss + reg_loss, sum(right) / len(right)

    first, _ = loss()
    for k in range(40):
        total_loss, acc = loss(None if k % 2 else 20)
        model.zero_grad()
        total_loss.backward()
        learning_rate = 1.0 - 0.9 * k / 40
        for p in model.parameters():
            p.data -= learning_rate * p.grad
    total_loss, acc = loss()
    assert total_loss.data < 0.4 * first.data
    assert acc > 0.85
    mesh = [[-1.0 + 0.5 * i, -1.0 + 0.5 * j] for i in range(3) for j in range(3)]
    Z = [s.data > 0 for s in map(model, [list(map(Value, row)) for row in mesh])]
    assert len(Z) == 9


def test_the_lectures_first_expression() -> None:
    """L = (a·b + c)·f, its gradients by hand, and a step along them, which must raise L."""
    a, b, c = Value(2.0, label="a"), Value(-3.0, label="b"), Value(10.0, label="c")
    e = a * b
    e.label = "e"
    d = e + c
    d.label = "d"
    f = Value(-2.0, label="f")
    loss = d * f
    loss.label = "L"
    assert loss.data == -8.0
    loss.backward()
    assert [v.grad for v in (loss, d, f, c, e, a, b)] == [1.0, -2.0, 4.0, -2.0, -2.0, 6.0, -4.0]
    for leaf in (a, b, c, f):
        leaf.data += 0.01 * leaf.grad
    assert (a * b + c) * f > loss
    assert ((a * b + c) * f).data == pytest.approx(-7.286496, abs=1e-12)  # by hand: (2.06·-3.04 + 9.98)·-1.96


def test_the_lectures_tanh_taken_apart() -> None:
    """tanh(n) as (e − 1)/(e + 1) of e = exp(2n) has the same slopes."""
    whole, parts = lecture_neuron(), lecture_neuron()
    e = (2 * parts["n"]).exp()
    o = (e - 1) / (e + 1)
    o.backward()
    whole["o"].backward()
    assert o.data == pytest.approx(whole["o"].data, rel=1e-14)
    for name in ("x1", "w1", "x2", "w2", "b"):
        assert parts[name].grad == pytest.approx(whole[name].grad, rel=1e-12, abs=1e-15)


class TanhNeuron:
    """A neuron of one's own, as the lecture builds it on top of Value."""

    def __init__(self, nin: int) -> None:
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(random.uniform(-1, 1))

    def __call__(self, x: list) -> Value:
        act = sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b)
        return act.tanh()

    def parameters(self) -> list[Value]:
        return [*self.w, self.b]


def test_the_lectures_own_network() -> None:
    random.seed(5)
    sizes = [3, 4, 4, 1]
    layers = [[TanhNeuron(nin) for _ in range(nout)] for nin, nout in pairwise(sizes)]
    parameters = [p for layer in layers for neuron in layer for p in neuron.parameters()]
    assert len(parameters) == 41

    def n(x: list) -> Value:
        for layer in layers:
            x = [neuron(x) for neuron in layer]
        return x[0]

    xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
    ys = [1.0, -1.0, -1.0, 1.0]
    for _ in range(100):
        ypred = [n(x) for x in xs]
        loss = sum([(yout - ygt) ** 2 for ygt, yout in zip(ys, ypred, strict=True)])
        for p in parameters:
            p.grad = 0.0
        loss.backward()
        for p in parameters:
            p.data += -0.1 * p.grad
    assert loss.data < 0.1


class OwnAdamW:
    """An optimiser as an exercise asks for it: its two memories are kept on the parameters."""

    def __init__(self, parameters: list, lr: float, betas: tuple[float, float] = (0.9, 0.95), decay: float = 1e-4):
        self.parameters, self.lr, self.betas, self.decay, self.t = parameters, lr, betas, decay, 0
        for p in parameters:
            p.m = p.v = 0.0

    def step(self) -> None:
        self.t += 1
        first, second = self.betas
        for p in self.parameters:
            p.m = first * p.m + (1 - first) * p.grad
            p.v = second * p.v + (1 - second) * p.grad**2
            m_hat, v_hat = p.m / (1 - first**self.t), p.v / (1 - second**self.t)
            p.data -= self.lr * (m_hat / (v_hat**0.5 + 1e-8) + self.decay * p.data)

    def zero_grad(self) -> None:
        for p in self.parameters:
            p.grad = 0.0


def test_an_exercise_with_adamw_and_classes(tmp_path: Path) -> None:
    """Three classes in the plane, a cross-entropy from exponentials, AdamW; afterwards a picture of a small graph."""
    random.seed(42)

    def label(x: float, y: float) -> int:
        return 0 if x * x + y * y < 0.4 else 1 if x > 0 else 2

    points = [(random.uniform(-1, 1), random.uniform(-1, 1)) for _ in range(45)]
    data = [([x, y], label(x, y)) for x, y in points]

    def cross_entropy(logits: list, target: int) -> Value:
        largest = max(val.data for val in logits)
        powers = [(val - largest).exp() for val in logits]
        denom = sum(powers)
        return -(powers[target] / denom).log()

    model = MLP(2, [8, 3], activation="tanh")
    optimizer = OwnAdamW(model.parameters(), lr=0.1)
    for _ in range(40):
        loss = sum(cross_entropy(model(x), y) for x, y in data) * (1.0 / len(data))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert loss.data < 0.5
    scores = [[out.data for out in model(x)] for x, _ in data]
    correct = sum(row.index(max(row)) == y for row, (_, y) in zip(scores, data, strict=True))
    assert correct > 0.85 * len(data)

    small = MLP(2, [2, 1])
    out = small([Value(0.7, label="x1"), Value(-0.3, label="x2")])
    out.backward()
    nodes, edges = trace(out)
    assert len(edges) >= len(nodes) - 1
    assert Path(draw_dot(out, format="svg", rankdir="TB").render(str(tmp_path / "gout"))).stat().st_size > 1000
