"""draw_dot: what was recorded is drawn, each edge once, and the same graph gives the same bytes."""

import re
from xml.etree import ElementTree

from micrograd_nn import Value
from micrograd_nn.draw import draw_dot


def groups(svg, kind):
    root = ElementTree.fromstring(svg)
    return [g for g in root.iter("{http://www.w3.org/2000/svg}g") if g.get("class") == kind]


def test_a_square_is_drawn_with_both_of_its_edges():
    x = Value(3.0, "x")
    svg = draw_dot(x * x).svg
    assert len(groups(svg, "node")) == 3  # x, ×, x*x
    assert len(groups(svg, "edge")) == 3  # x → × twice, × → 9


def test_a_gradient_that_was_not_computed_is_a_dash():
    assert re.findall(r"grad ([^\\<\"]+)", draw_dot(Value(3.0, "x") * 2).source) == ["–"] * 3
