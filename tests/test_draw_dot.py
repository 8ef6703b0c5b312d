"""draw_dot: what was recorded is drawn, each edge once; modules fold; the same graph gives the same bytes."""

import os
import random
import re
import subprocess
import sys
from collections import Counter

import pytest
from pictures import friends_loss, groups, texts
from random_graphs import random_graph

from micrograd_nn import MLP, Value, mse
from micrograd_nn.derive import explain, paths
from micrograd_nn.draw import draw_dot, walk
from micrograd_nn.draw.folding import BUDGET, fold, modules
from micrograd_nn.draw.palette import DARK, LIGHT
from micrograd_nn.engine.value import adjoints, topological_order
from micrograd_nn.errors import ArgumentTypeError, GraphError, UnknownNameError
from micrograd_nn.notation.text import rounded

EDGE = re.compile(r'^\s*(\w+) -> (\w+) \[(?:label="([^"]*)\\n")?', re.MULTILINE)


def edges(drawing):
    """(start, end, label) of every edge in the DOT source."""
    return [(a, b, text.strip()) for a, b, text in EDGE.findall(drawing.source)]


@pytest.mark.parametrize("seed", range(20))
def test_every_recorded_edge_is_drawn_with_its_partial(seed):
    root, _ = random_graph(seed)
    order = topological_order(root)
    place = {node: i for i, node in enumerate(order)}
    expected = Counter()
    for node in order:
        for operand, partial in zip(node.operands, node.partials, strict=True):
            expected[f"n{place[operand]}", f"o{place[node]}", rounded(partial)] += 1
        if node.operation is not None:
            expected[f"o{place[node]}", f"n{place[node]}", ""] += 1
    drawing = draw_dot(root)
    assert Counter(edges(drawing)) == expected
    assert len(groups(drawing.svg, "edge")) == expected.total()


def test_a_square_is_drawn_with_both_of_its_edges():
    x = Value(3.0, "x")
    svg = draw_dot(x * x).svg
    assert len(groups(svg, "node")) == 3  # x, ×, x*x
    assert len(groups(svg, "edge")) == 3  # x → × twice, × → 9


def test_a_gradient_that_was_not_computed_is_a_dash_and_afterwards_a_number():
    x = Value(3.0, "x")
    y = x * 2
    assert re.findall(r"grad ([^\\]+)", draw_dot(y).source) == ["–"] * 3
    y.backward()
    assert re.findall(r"grad ([^\\]+)", draw_dot(y).source) == ["2", "3", "1"]


def test_width_grows_with_the_gradient_and_the_sign_shows_twice():
    _, loss = friends_loss()
    loss.backward()
    order = topological_order(loss)
    drawn = {}
    for line in draw_dot(loss).source.splitlines():
        if " -> n" in line:
            node = order[int(re.search(r" -> n(\d+)", line)[1])]
            drawn[node] = line
    widths = sorted((abs(node.grad), float(re.search(r"penwidth=([\d.]+)", line)[1])) for node, line in drawn.items())
    assert [width for _, width in widths] == sorted(width for _, width in widths)
    assert widths[0][1] < 2 < widths[-1][1]
    for node, line in drawn.items():
        assert ("style=dashed" in line) == (node.grad < 0)
        assert (LIGHT["negative"] in line) == (node.grad < 0)
        assert (LIGHT["positive"] in line) == (node.grad > 0)


@pytest.mark.parametrize("data", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_flagged(data):
    source = draw_dot(Value(data, "x") * (Value(1.0, "y") * 2.0)).source
    flagged = [line for line in source.splitlines() if f'color="{LIGHT["negative"]}"' in line and "penwidth" in line]
    assert len(flagged) == 2 == source.count("not finite")  # x and the product, and nothing else
    assert all("not finite" in line for line in flagged)
    root = Value(data, "x") * 2.0
    root.backward()
    assert draw_dot(root).svg


# ---- modules ----


def test_the_modules_of_a_network_are_its_neurons():
    _, loss = friends_loss()
    found = {
        module.label: {node.label for node in inside if node.label}
        for module, inside in modules(topological_order(loss)).items()
    }
    assert found == {"h1": {"w1", "w2", "b1"}, "h2": {"w3", "w4", "b2"}, "o1": {"w5", "w6", "b3"}, "L": {"y"}}
    svg = draw_dot(loss).svg
    assert Counter(text for group in groups(svg, "cluster") for text in texts(group)) == Counter(
        ["h1", "h2", "o1", "L"]
    )


def test_a_network_written_by_hand_has_the_same_modules():
    x1, x2, w1, w2 = (Value(v, name) for v, name in ((1.0, "x1"), (2.0, "x2"), (3.0, "w1"), (4.0, "w2")))
    h = (w1 * x1 + w2 * x2).tanh()
    h.label = "h"
    root = h * h
    root.label = "L"
    (module,) = modules(topological_order(root))
    assert module is h
    assert "w1" in [node.label for node in modules(topological_order(root))[h]]


@pytest.mark.parametrize("closed", ["h1", ["h1"], ["h1", "h2"], ["o1"], True])
def test_a_folded_module_holds_the_slopes_of_all_ways_through_it(closed):
    _, loss = friends_loss()
    loss.backward()
    order = topological_order(loss)
    seen = fold(order, closed)
    flow = dict.fromkeys(seen.shown, 0.0)
    flow[loss] = 1.0
    for node in reversed(seen.shown):
        for operand, slope in seen.links[node]:
            flow[operand] += flow[node] * slope
    for node in seen.shown:
        assert flow[node] == pytest.approx(node.grad, rel=1e-12)
    drawing = draw_dot(loss, closed=closed)
    hidden = len(order) - len(seen.shown)
    assert f"{hidden} values inside are not shown" in drawing.notes[0]
    assert drawing.notes[0] in drawing.source
    assert any(drawing.notes[0] in text for text in re.findall(r"<text[^>]*>([^<]*)", drawing.svg))


def test_one_value_is_one_value():
    x = Value(0.5, "x")
    h = (x * x).tanh()
    h.label = "h"
    drawing = draw_dot(h, closed=True)
    assert "1 value inside" in drawing.source
    assert drawing.notes == ("1 module is folded; 1 value inside is not shown.",)
    assert draw_dot(Value(3.0)).title == "Computation graph of 3: 1 value"
    assert "1 values" not in drawing.source


@pytest.mark.parametrize("seed", range(30))
def test_folded_pictures_of_any_graph_hold_the_chain_rule(seed):
    root, leaves = random_graph(seed, n_nodes=25)
    order = topological_order(root)
    draw = random.Random(seed)
    for i, node in enumerate(draw.sample([n for n in order if n.operation], 6)):
        node.label = f"h{i}"
    for i, leaf in enumerate(leaves):
        leaf.label = f"w{i}"  # not an input: a leaf may belong to a module
    exact = adjoints(root)
    seen = fold(order, True)
    flow = dict.fromkeys(seen.shown, 0.0)
    flow[root] = 1.0
    size = dict.fromkeys(seen.shown, 1.0)
    for node in reversed(seen.shown):
        for operand, slope in seen.links[node]:
            flow[operand] += flow[node] * slope
            size[operand] += abs(flow[node] * slope)
    for node in seen.shown:
        assert flow[node] == pytest.approx(exact[node], rel=1e-9, abs=1e-12 * size[node])


def test_over_the_budget_modules_fold_and_the_picture_says_so():
    net = MLP(8, [8, 8, 1], seed=0)
    loss = mse(net([0.1] * 8), Value(1.0, "y"))
    loss.label = "L"
    drawing = draw_dot(loss)
    assert len(topological_order(loss)) > BUDGET
    assert "18 modules are folded" in drawing.notes[0]
    assert draw_dot(loss, closed=False, budget=1000).notes == ()
    with pytest.raises(GraphError, match=r"shows \d+ values, more than its budget of 400.*draw_network"):
        draw_dot(loss, closed=False)


def test_ten_thousand_and_a_hundred_thousand_values_fold_or_are_refused():
    net = MLP(50, [40, 40, 1], seed=0)
    loss = mse([net([0.1] * 50) for _ in range(14)], [0.0] * 14)
    x = Value(1.0, "x")
    for _ in range(100_000):
        x = x * 1.0
    for root in (loss, x):
        with pytest.raises(GraphError, match=r"values, more than its budget of 400"):
            draw_dot(root)
    layers = MLP(100, [100, 100, 1], seed=0)
    with pytest.raises(GraphError, match=r"with 201 modules folded shows 20,100 lines, more than its budget of 1,200"):
        draw_dot(layers([0.1] * 100))
    layers = MLP(20, [20, 20, 1], seed=0)
    assert "41 modules are folded" in draw_dot(layers([0.1] * 20)).notes[0]
    assert draw_dot(layers([0.1] * 20)).svg


def test_a_module_that_is_not_there_is_named_with_those_that_are():
    _, loss = friends_loss()
    with pytest.raises(UnknownNameError, match=r"unknown module 'h3'; choose one of: .*h1"):
        draw_dot(loss, closed=["h3"])


# ---- a path ----


def test_a_path_is_lit_and_the_rest_steps_back():
    net, loss = friends_loss()
    (path,) = paths(loss, net.parameters()[0]).largest(1)
    drawing = draw_dot(loss, highlight=path)
    lit = [line for line in drawing.source.splitlines() if LIGHT["highlight"] in line]
    assert sum(line.strip().startswith("n") for line in lit) == len(path.nodes)
    assert sum(line.strip().startswith("o") for line in lit) == len(path.nodes) - 1
    assert draw_dot(loss, highlight=list(path.nodes)).source == drawing.source


# ---- the same bytes, and errors ----


def test_the_same_graph_gives_the_same_bytes_whatever_the_hash_seed():
    code = (
        "import sys; from pictures import friends_loss; from micrograd_nn.draw import *;"
        "net, loss = friends_loss(); loss.backward(); sys.stdout.buffer.write((draw_dot(loss).svg"
        "+ draw_dot(loss, closed=True).source + draw_network(net, loss=loss).svg + walk(loss).html).encode())"
    )
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env={**here, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_drawing_changes_nothing():
    _, loss = friends_loss()
    loss.backward()
    before = [(node.data, repr(node.grad), node.label) for node in topological_order(loss)]
    draw_dot(loss, closed=True)
    draw_dot(loss).svg  # noqa: B018  # rendered when looked at
    assert [(node.data, repr(node.grad), node.label) for node in topological_order(loss)] == before


def test_wrong_arguments_are_refused_in_words():
    x = Value(1.0, "x") * 2
    with pytest.raises(ArgumentTypeError, match="draws the graph below a Value, got MLP"):
        draw_dot(MLP(1, [1]))
    with pytest.raises(UnknownNameError, match="unknown direction 'up'"):
        draw_dot(x, rankdir="up")
    with pytest.raises(UnknownNameError, match="unknown format 'pdf'; choose one of"):
        draw_dot(x, "pdf")


def test_a_changed_leaf_is_refused_in_the_words_of_explain():
    net, loss = friends_loss()
    net.parameters()[0].data += 0.5
    refusals = []
    for show in (draw_dot, walk, lambda root: explain(root, net.parameters()[0])):
        with pytest.raises(
            GraphError, match=r"a \.data has changed since the graph was recorded; record it again"
        ) as info:
            show(loss)
        refusals.append(str(info.value))
    assert len(set(refusals)) == 1


def test_dark_answers_every_light_colour():
    assert LIGHT.keys() == DARK.keys()
    assert len(set(LIGHT.values())) == len(LIGHT)
    _, loss = friends_loss()
    loss.backward()
    used = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', draw_dot(loss).svg))
    assert used <= set(LIGHT.values())


def contrast(one, other):
    """WCAG 2.1, relative luminance and contrast ratio."""

    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_writing_stands_out_from_what_it_is_written_on(colours):
    for ground in ("paper", "leaf", "value", "operation", "module", "highlight"):
        assert contrast(colours["ink"], colours[ground]) >= 7
    for ink in ("muted", "positive", "negative"):
        assert contrast(colours[ink], colours["paper"]) >= 4.5


# Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color Vision Deficiency (2009),
# severity 1.0, on linear RGB
SIGHT = {
    "usual": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_the_signs_differ_in_colour_for_every_eye(colours, sight):
    def lab(colour):  # CIE 1976 L*a*b* of what this eye sees
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        r, g, b = (min(1.0, max(0.0, sum(m * v for m, v in zip(row, linear, strict=True)))) for row in SIGHT[sight])
        xyz = (
            (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
            0.2126 * r + 0.7152 * g + 0.0722 * b,
            (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
        )
        x, y, z = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz)
        return 116 * y - 16, 500 * (x - y), 200 * (y - z)

    difference = (
        sum((a - b) ** 2 for a, b in zip(lab(colours["positive"]), lab(colours["negative"]), strict=True)) ** 0.5
    )
    assert difference > 40  # about 2 is the least that can be noticed
