"""draw_network: a circle per neuron, a line per weight, each at its place, with what is known about it."""

import random
import re
from itertools import combinations

import pytest
from pictures import SVG, friends_loss, groups, texts

from micrograd_nn import MLP, Layer, Maxout, Module, Neuron, Value, mse, squared_error
from micrograd_nn.draw import draw_network
from micrograd_nn.draw.folding import fold
from micrograd_nn.draw.palette import LIGHT
from micrograd_nn.engine.value import topological_order
from micrograd_nn.errors import ArgumentError, ArgumentTypeError, GraphError, ShapeError
from micrograd_nn.notation.text import rounded


def written(drawing):
    return [text for group in groups(drawing.svg, "node") for text in texts(group)]


def lines(drawing):
    """(start, end, attributes) of each line."""
    return re.findall(r'^\s*"?([\w.]+)"? -> "?([\w.]+)"? \[(.*)\]', drawing.source, re.MULTILINE)


@pytest.mark.parametrize("net", [friends_loss()[0], MLP(2, [2, 1], activation="maxout", pieces=3, seed=0)], ids=str)
def test_every_weight_is_a_line_with_its_size_and_sign(net):
    drawing = draw_network(net)
    drawn = lines(drawing)
    weights = [p for p in net.parameters() if p.label.startswith("w")]
    assert len(drawn) == len(weights)
    assert len(groups(drawing.svg, "edge")) == len(weights)
    for parameter in net.parameters():
        assert f"{parameter.label} = {rounded(parameter.data)}" in written(drawing)
    for _, _, look in drawn:
        name, data = re.search(r"(w\d+) = (\S+)", drawing.names[re.search(r'id="([^"]+)"', look)[1]]).groups()
        assert ("dashed" in look) == data.startswith("−") == (LIGHT["negative"] in look), name
    sized = sorted((abs(p.data), p.label) for p in weights)
    widths = {
        re.search(r"w\d+", drawing.names[re.search(r'id="([^"]+)"', look)[1]])[0]: float(
            re.search(r"penwidth=([\d.]+)", look)[1]
        )
        for _, _, look in drawn
    }
    assert [widths[label] for _, label in sized] == sorted(widths.values())


def test_lines_lead_from_the_right_input_to_the_right_neuron():
    net, _ = friends_loss()
    drawing = draw_network(net)
    ends = {
        drawing.names[re.search(r'id="([^"]+)"', look)[1]][:2]: (drawing.names[a], drawing.names[b])
        for a, b, look in lines(drawing)
    }
    assert ends == {
        "w1": ("x1", "h1"),
        "w2": ("x2", "h1"),
        "w3": ("x1", "h2"),
        "w4": ("x2", "h2"),
        "w5": ("h1", "o1"),
        "w6": ("h2", "o1"),
    }


def test_activations_and_gradients_stand_where_there_are_any():
    net, loss = friends_loss()
    assert not [line for line in written(draw_network(net)) if line.startswith("grad")]
    numbers = [rounded(v) for v in (-2.0, -1.0)]
    assert numbers == written(draw_network(net, inputs=[-2, -1]))[1:4:2]
    loss.backward()
    drawn = written(draw_network(net, loss=loss))
    for parameter in net.parameters():
        assert f"grad {rounded(parameter.grad)}" in drawn
    assert rounded(net([-2, -1]).data) in drawn


def test_of_a_batch_the_first_sample_is_shown_and_the_picture_says_so():
    net, _ = friends_loss()
    samples = [net([float(i), 1.0]) for i in range(3)]
    loss = mse(samples, [0.0, 1.0, 0.0])
    drawing = draw_network(net, loss=loss)
    assert drawing.notes == ("The circles show the first of 3 samples.",)
    assert {*drawing.notes, "x1"} < {*written(drawing)}
    assert rounded(samples[0].data) in written(drawing)
    assert draw_network(net, loss=squared_error(samples[:1], [0.0])).notes == ()


def test_another_network_s_loss_is_refused():
    (net, _), (_, other) = friends_loss(), friends_loss()
    with pytest.raises(ArgumentError, match="this loss was not recorded with this network: draw it with loss="):
        draw_network(net, loss=other)


def test_large_layers_are_abbreviated():
    drawing = draw_network(MLP(784, [30, 12, 10], seed=1))
    drawn = written(drawing)
    assert drawing.source.count("shape=point") == 4 * 3, "three dots in each column"
    assert {"x1", "x6", "x784", "h30", "h31", "o10", "784 inputs", "30 relu", "10 identity"} <= set(drawn)
    assert "x7" not in drawn
    assert len(lines(drawing)) == 3 * 7 * 7
    assert drawing.notes


@pytest.mark.parametrize(
    "net",
    [
        Neuron(1),
        Neuron(3, "tanh", bias=False),
        Maxout(2),
        Layer(2, 3, "softmax", seed=0),
        Layer(2, 2, "maxout", seed=0),
        MLP(1, [1]),
        MLP(2, [1, 1], seed=0),
        MLP(9, [9], seed=0),
    ],
    ids=str,
)
def test_every_kind_of_network_is_drawn(net):
    assert draw_network(net).svg
    assert draw_network(net, inputs=[0.5] * net.nin).svg


def test_no_two_writings_lie_on_each_other():
    for net in (MLP(2, [2, 1], seed=0), MLP(3, [3, 1], seed=0), MLP(4, [4, 2], seed=0)):
        net(range(net.nin))
        places = re.findall(r'^\s*(\S+) \[label=".*?pos="(\S+),(\S+)!"', draw_network(net).source, re.MULTILINE)
        points = [(float(x), float(y)) for _, x, y in places]
        assert len(points) > 6
        for i, (x, y) in enumerate(points):
            assert not [1 for x2, y2 in points[:i] if abs(x - x2) < 0.4 and abs(y - y2) < 0.13]


def boxes(drawing):
    """(text, left, right, top, bottom) in points of every circle and every writing."""
    for group in groups(drawing.svg, "node"):
        for circle in group.iter(f"{SVG}ellipse"):
            x, y, r = (float(circle.get(name)) for name in ("cx", "cy", "rx"))
            yield texts(group), x - r, x + r, y - r, y + r
        for box in group.iter(f"{SVG}polygon"):
            xs, ys = zip(*(map(float, corner.split(",")) for corner in box.get("points").split()), strict=True)
            yield texts(group), min(xs), max(xs), min(ys), max(ys)


@pytest.mark.parametrize(
    "net",
    [
        MLP(2, [2, 1], activation="tanh", seed=0),
        MLP(2, [2, 2, 1], activation="maxout", pieces=3, seed=0),
        MLP(4, [4, 4, 1], activation="tanh", seed=0),
        MLP(1, [3, 1], seed=0),
        MLP(6, [5, 1], seed=0),
        Maxout(1, pieces=4),
        Layer(4, 1, "maxout", pieces=3, seed=0),
        Neuron(1, "tanh"),
    ],
    ids=str,
)
def test_no_writing_covers_another_or_a_circle(net):
    """Each writing stands on a box in the paper's colour, which hides what is below it."""
    draw = random.Random(0)
    for parameter in net.parameters():
        parameter.data = -draw.random() * 10.0 ** draw.choice([-5, -4, -3, 0])  # the longest: −0.0007805
    out = net([draw.random() for _ in range(net.nin)])
    loss = squared_error(out, [1.0] * len(out) if isinstance(out, list) else 1.0)
    loss.backward()
    for node in topological_order(loss):
        node.grad = -draw.random() * 10.0 ** draw.choice([-5, -3, 0])
    found = list(boxes(draw_network(net, loss=loss)))
    assert sum(text[0].startswith("grad") for text, *_ in found) >= net.nin
    for (text, l1, r1, t1, b1), (other, l2, r2, t2, b2) in combinations(found, 2):
        assert min(r1, r2) - max(l1, l2) < 0.5 or min(b1, b2) - max(t1, t2) < 0.5, (text, other)


def test_a_graph_that_changed_is_refused():
    net, loss = friends_loss()
    net.layers[0].neurons[0].w[0].data = 100.0
    with pytest.raises(GraphError, match=r"a \.data has changed since the graph was recorded; record it again"):
        draw_network(net, loss=loss)
    with pytest.raises(ArgumentTypeError, match="a graph is derived from its root, a Value; got the float"):
        draw_network(net, loss=0.5)
    assert draw_network(net).svg


def test_the_network_is_not_changed_and_wrong_arguments_are_refused():
    net, _ = friends_loss()
    state = net.state_dict()
    draw_network(net, inputs=[1, 2])
    assert net.state_dict() == state
    with pytest.raises(ArgumentTypeError, match="draws an MLP, a Layer or a Neuron, got int"):
        draw_network(3)
    with pytest.raises(ShapeError, match="takes 2 inputs, got 3"):
        draw_network(net, inputs=[1, 2, 3])


# ---- networks of one's own ----


def residual(net, x):
    a, b = net.first(x), net.second(x)
    return net.out([a, b, x[0]])


FORWARD = {
    "three neurons": (lambda net, x: net.out([net.first(x), net.second(x)]), 2),
    "one behind the other": (lambda net, x: net.out([net.second([net.first(x), x[1]]), net.first(x)]), 2),
    "past a column": (residual, 3),
    "something between": (lambda net, x: net.out([net.first(x) * 2, net.second(x)]), 2),
    "something behind": (lambda net, x: net.out([net.first(x), net.second(x)]) + 1, 2),
    "two outputs of which one is none": (lambda net, x: [net.first(x), net.second(x) * x[0], net.out(x)], 2),
    "one weight twice": (lambda net, x: net.out([net.first(x), net.second([x[0] * net.second.w[0], x[1]])]), 2),
    "again and again": (lambda net, x: net.out([net.first([net.first(x), x[0]]), net.second(x)]), 2),
}


def own(name):
    forward, width = FORWARD[name]

    class Own(Module):
        def __init__(self):
            self.first, self.second = Neuron(2, "sigmoid", seed=1), Neuron(2, "tanh", seed=2)
            self.out = Neuron(width, "sigmoid", seed=3)

        def __call__(self, x):
            return forward(self, x)

    return Own()


def ends_of(drawing):
    """(weight, circle, circle) of each line, by their names."""
    ids = [(re.search(r'id="([^"]+)"', look)[1], a, b) for a, b, look in lines(drawing)]
    return sorted(tuple(drawing.names[one].split(" = ")[0] for one in line) for line in ids)


def test_three_neurons_of_ones_own_are_drawn_as_an_mlp_is():
    net, twin = own("three neurons"), MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=0)
    textbook = {"first": "h1", "second": "h2", "out": "o1"}
    drawn = sorted(tuple(textbook.get(name, name) for name in line) for line in ends_of(draw_network(net)))
    assert drawn == ends_of(draw_network(twin))
    assert {"2 inputs", "2 sigmoid, tanh", "1 sigmoid"} <= {*written(draw_network(net))}
    assert rounded(net([1.0, 2.0]).data) in written(draw_network(net, [1, 2]))
    loss = mse(net([1.0, 2.0]), 1.0)
    loss.backward()
    drawn = written(draw_network(net, loss=loss))
    assert {f"grad {rounded(p.grad)}" for p in net.parameters()} < {*drawn}
    assert rounded(net([1.0, 2.0]).data) in drawn


def test_layers_and_a_line_past_a_column_are_drawn():
    drawing = draw_network(own("past a column"))
    assert ("w7", "x1", "out") in ends_of(drawing)
    for (text, l1, r1, t1, b1), (other, l2, r2, t2, b2) in combinations(boxes(drawing), 2):
        assert min(r1, r2) - max(l1, l2) < 0.5 or min(b1, b2) - max(t1, t2) < 0.5, (text, other)

    class Two(Module):
        def __init__(self):
            self.first, self.second = Layer(2, 10, "maxout", seed=0), Layer(10, 3, "softmax", seed=0)

        def __call__(self, x):
            return self.second(self.first(x))

    drawing = draw_network(Two())
    assert {"2 inputs", "10 maxout", "3 softmax", "h1", "h10", "o1", "o3"} <= {*written(drawing)}
    assert "shape=point" in drawing.source


@pytest.mark.parametrize("name", list(FORWARD)[3:])
def test_what_is_no_composition_of_neurons_is_drawn_as_a_folded_graph_that_says_so(name):
    net = own(name)
    for drawing in (draw_network(net), draw_network(net, [1.0, 2.0])):
        assert drawing.notes[0].startswith("This is no network of neurons that read inputs and each other")
        assert drawing.notes[0] in drawing.source
        assert drawing.svg
    if "outputs" not in name:
        loss = mse(net([1.0, 2.0]), Value(0.5, "y"))
        assert f"n{len(fold(topological_order(loss), True).shown) - 1}" in draw_network(net, loss=loss).names


def test_a_line_that_a_circle_would_hide_is_not_drawn():
    class Chain(Module):
        def __init__(self):
            self.h1, self.o1 = Neuron(1, seed=0), Neuron(2, seed=1)

        def __call__(self, x):
            return self.o1([self.h1(x), x[0]])

    assert "no network" in draw_network(Chain()).notes[0]


def test_a_network_of_ones_own_that_can_not_be_called_asks_for_its_inputs():
    class Strange(Module):
        def __init__(self):
            self.h1 = Neuron(2, seed=0)

        def __call__(self, x):
            return self.h1([x[0] + x[1] + x[2], x[0]]) if len(x) == 3 else self.h1([])

    with pytest.raises(ArgumentError, match="does not know what Strange takes: give it inputs=, a row such as"):
        draw_network(Strange())
    assert draw_network(Strange(), [1.0, 2.0, 3.0]).notes
    with pytest.raises(ShapeError):
        draw_network(Strange(), [1.0])
