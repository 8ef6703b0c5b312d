"""Labels reach pictures and pages as text: whatever they hold, the elements are those that belong there."""

import json
from xml.etree import ElementTree

import pytest
from pictures import HOSTILE, SVG, Page, groups, random_labels, sum_of, texts
from test_draw_mathml import ELEMENTS as FORMULA

from micrograd_nn import MLP, Operation, Value
from micrograd_nn.draw import draw_dot, draw_network, walk
from micrograd_nn.draw.dot import described
from micrograd_nn.draw.svg import ELEMENTS
from micrograd_nn.engine.value import topological_order
from micrograd_nn.notation.text import shown

ATTRIBUTES = {
    "class",
    "role",
    "aria-label",
    "width",
    "height",
    "viewBox",
    "transform",
    "data-id",
    "fill",
    "stroke",
    "stroke-width",
    "stroke-dasharray",
    "stroke-linejoin",
    "paint-order",
    "points",
    "d",
    "cx",
    "cy",
    "rx",
    "ry",
    "x",
    "y",
    "text-anchor",
    "font-family",
    "font-size",
    "font-weight",
    "fill-opacity",
    "stroke-opacity",
}
PAGE = {"html", "head", "meta", "title", "style", "body", "main", "h1", "noscript", "p", "script"}


def batches(labels, size):
    return [labels[i : i + size] for i in range(0, len(labels), size)]


def check_svg(labels):
    root = sum_of(labels)
    svg = draw_dot(root).svg
    tree = ElementTree.fromstring(svg)
    assert {element.tag for element in tree.iter()} <= {SVG + tag for tag in ELEMENTS}
    assert {key for element in tree.iter() for key in element.attrib} <= ATTRIBUTES
    assert svg.count("<style>") == 1
    drawn = {group.get("data-id"): texts(group) for group in groups(svg, "node")}
    for i, node in enumerate(topological_order(root)):
        assert drawn[f"n{i}"] == [described(node), "grad –"]
    names = {group.find(f"{SVG}title").text for group in groups(svg, "node")}
    assert {f"{described(node)}, grad –" for node in topological_order(root)} <= names


def check_page(labels):
    root = sum_of(labels)
    root.label = "</script><script>alert(2)</script><!--"
    page = Page(walk(root).html)
    assert set(page.tags()) <= PAGE
    assert not page.comments
    assert not page.open
    assert page.tags().count("script") == 2
    for _, attributes in page.elements:
        assert not [
            key for key in attributes if key.startswith("on") or key in ("href", "src", "style", "srcdoc", "xlink:href")
        ]
    (data,) = page.texts_of("script", type="application/json")
    data = json.loads(data)
    names = {node["name"] for node in data["nodes"]}
    written = [part["formula"] for part in [*data["steps"], *filter(None, data["derivations"])]]
    assert set(Page("".join(written)).tags()) <= FORMULA
    labels = [node.label for node in topological_order(root)]
    for label in labels:
        if label and labels.count(label) == 1:  # two of a name are numbered
            assert shown(label) in names


def test_hostile_labels_are_text_in_a_picture():
    check_svg(HOSTILE)


def test_hostile_labels_are_text_on_a_page():
    for labels in batches(HOSTILE, 25):
        check_page(labels)


def test_random_labels_are_text_in_a_picture():
    for labels in batches(random_labels(500), 100):
        check_svg(labels)


def test_random_labels_are_text_on_a_page():
    for labels in batches(random_labels(120, seed=1), 40):
        check_page(labels)


@pytest.mark.slow
def test_ten_thousand_random_labels_are_text_in_a_picture_and_on_a_page():
    labels = random_labels(10_000, seed=2)
    for some in batches(labels, 100):
        check_svg(some)
    for some in batches(labels, 25):
        check_page(some)


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_module_is_a_frame_with_its_name(label):
    a = Value(2.0, "x")
    h = (a * 3 + 1) * 2
    h.label = label
    root = (h + a) * h
    root.label = "L"
    svg = draw_dot(root).svg
    assert {element.tag for element in ElementTree.fromstring(svg).iter()} <= {SVG + tag for tag in ELEMENTS}
    assert shown(label) in [text for group in groups(svg, "cluster") for text in texts(group)]


@pytest.mark.parametrize("label", ["<b>", '"', "\\N", "\0", "&amp;", "|{}"])
def test_a_hostile_network_is_drawn(label):
    net = MLP(2, [2, 1], seed=0)
    net.layers[0].neurons[0].label = label
    net.parameters()[0].label = label
    lines = [text for group in groups(draw_network(net, inputs=[1, 2]).svg, "node") for text in texts(group)]
    assert shown(label, 8) in lines


def test_a_row_with_hostile_signs_is_drawn_as_text(own_rows):
    row = Operation(
        "hostile",
        doc="<script>",
        forward=lambda a: a,
        partials=(lambda a, out: 1.0,),
        latex=r"\text{{<b>}}{a:0}",
        text="<b>{a:0}",
        numpy="{a}",
        sign='<&">',
    )
    root = row(Value(1.0, "x"))
    assert ['<&">'] in [texts(group) for group in groups(draw_dot(root).svg, "node")]
    assert set(Page(walk(root).html).tags()) <= PAGE
