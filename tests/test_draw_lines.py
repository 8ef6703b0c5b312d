"""Numbers on lines and arrows at boxes: whose a number is can be seen, and nothing is covered."""

import re
from functools import cache
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from pictures import SVG, friends_loss, groups, texts
from random_graphs import random_graph

from micrograd_nn import MLP, Neuron, Value, softmax_cross_entropy
from micrograd_nn.draw import draw_dot, draw_network
from micrograd_nn.draw.source import WIDEST


def two_layers():
    loss = softmax_cross_entropy(MLP(3, [4, 3], seed=1)([0.0, 0.5, 1.0]), 1)
    loss.backward()
    return loss


def neuron():
    out = Neuron(2, "sigmoid", seed=0)([2, 3])
    out.backward()
    return out


def loss():
    root = friends_loss()[1]
    root.backward()
    return root


PICTURES = {
    **{f"random {seed}": (lambda seed=seed: draw_dot(random_graph(seed)[0])) for seed in range(8)},
    "loss": lambda: draw_dot(loss()),
    "down": lambda: draw_dot(loss(), rankdir="TB"),
    "folded": lambda: draw_dot(two_layers(), closed=True),
    "neuron": lambda: draw_dot(neuron()),
}


@cache
def picture(name):
    return PICTURES[name]()


def edges_of(drawing):
    return groups(drawing.svg, "edge")


def distance(point, start, end):
    """From a point to a line segment, as complex numbers."""
    way = end - start
    share = 0.0 if way == 0 else min(1.0, max(0.0, ((point - start) * way.conjugate()).real / abs(way) ** 2))
    return abs(point - start - share * way)


def curve(group):
    """Its line, by de Casteljau's halving: each Bézier curve as 32 segments."""
    numbers = [float(x) for x in re.findall(r"-?[\d.]+", group.find(f"{SVG}path").get("d"))]
    points = [complex(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
    pieces = [points[i : i + 4] for i in range(0, len(points) - 1, 3)]
    for _ in range(5):
        halves = []
        for a, b, c, d in pieces:
            ab, bc, cd = (a + b) / 2, (b + c) / 2, (c + d) / 2
            left, right = (ab + bc) / 2, (bc + cd) / 2
            middle = (left + right) / 2
            halves += [[a, ab, left, middle], [middle, right, cd, d]]
        pieces = halves
    return [piece[0] for piece in pieces] + [points[-1]]


@pytest.mark.parametrize("name", PICTURES)
def test_each_number_stands_on_its_own_line(name):
    written = [group for group in edges_of(picture(name)) if texts(group)]
    assert written
    for group in written:
        text = group.find(f"{SVG}text")
        middle = complex(float(text.get("x")), float(text.get("y")) - 3.5)
        assert min(distance(middle, a, b) for a, b in pairwise(curve(group))) < 1, texts(group)


@pytest.mark.parametrize("name", ["loss", "down", "neuron"])
def test_no_number_stands_on_another(name):
    places = [
        (float(text.get("x")), float(text.get("y")), len(text.text.strip()))
        for group in edges_of(picture(name))
        for text in group.iter(f"{SVG}text")
    ]
    for i, (x, y, letters) in enumerate(places):
        for x2, y2, more in places[:i]:
            assert abs(x - x2) > 2 * (letters + more) or abs(y - y2) > 7


@pytest.mark.parametrize("name", PICTURES)
def test_no_line_is_wider_than_the_widest_and_no_arrow_reaches_into_its_end(name):
    drawing = picture(name)
    widths = [float(width) for width in re.findall(r"penwidth=([\d.]+)", drawing.source)]
    assert max(widths) <= max(WIDEST, 2.5)  # 2.5 is the frame of what is not finite
    circles = [
        (complex(float(e.get("cx")), float(e.get("cy"))), float(e.get("rx")))
        for group in groups(drawing.svg, "node")
        for e in group.iter(f"{SVG}ellipse")
    ]
    for group in edges_of(drawing):
        for head in group.iter(f"{SVG}polygon"):
            assert head.get("stroke-width") == "1"
            corners = [complex(*map(float, pair.split(","))) for pair in head.get("points").split()]
            assert all(abs(corner - middle) > radius - 1.5 for corner in corners for middle, radius in circles)


def test_a_folded_network_stands_in_the_order_of_its_names():
    drawn = {
        text.split(" = ")[0]: float(group.find(f"{SVG}text").get("y"))
        for group in groups(picture("folded").svg, "node")
        for text in texts(group)[:1]
    }
    for column in (["x1", "x2", "x3"], ["h1", "h2", "h3", "h4"], ["o1", "o2", "o3"]):
        heights = [drawn[name] for name in column]
        assert heights == sorted(heights)


def test_a_wide_picture_is_narrowed_for_a_notebook_and_stays_readable():
    for drawing in (picture("loss"), picture("folded"), draw_dot(Value(1.0, "x") * 2)):
        own, shown = (
            [float(x) for x in re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', svg).groups()]
            for svg in (drawing.svg, drawing._repr_mimebundle_()["image/svg+xml"])
        )
        assert shown[0] == pytest.approx(max(0.7 * own[0], min(own[0], 720)), abs=1)
        assert shown[0] / shown[1] == pytest.approx(own[0] / own[1], rel=0.02)
        assert ".micrograd-nn:not(:root){max-width:100%" in drawing.svg


@pytest.mark.parametrize("data", [2.969e-5, -2.969e-5, 1.23456e-300, -123456.7, 0.00123456, -0.05500001, 3.0])
def test_a_number_fits_into_its_circle_and_is_true_to_its_digits(data):
    picture = ElementTree.fromstring(draw_network(Neuron(1), inputs=[data]).svg)
    (written,) = [
        texts(group)[1] for group in picture.iter(f"{SVG}g") if group.get("class") == "node" and "x1" in texts(group)
    ]
    assert len(written) <= 7 or "e" in written
    assert len(written) <= 8
    assert float(written.replace("−", "-")) == pytest.approx(data, rel=0.06)


def test_before_a_sweep_the_two_edges_of_a_square_are_told_apart():
    x = Value(3.0, "x")
    first, second = [group.find(f"{SVG}text") for group in edges_of(draw_dot(x * x)) if texts(group)]
    assert first.get("y") != second.get("y")
