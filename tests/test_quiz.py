"""The quiz: a sheet without its answers, and a key that is the engine's gradient at the sheet's numbers."""

import re

import pytest
from random_graphs import random_graph

from micrograd_nn import MLP, Value, mse
from micrograd_nn.derive import quiz
from micrograd_nn.engine import ops
from micrograd_nn.engine.value import topological_order
from micrograd_nn.errors import ArgumentError
from micrograd_nn.notation._formula import formula
from micrograd_nn.notation.text import number_text


def network():
    net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=3)
    loss = mse(net([-2, -1]), Value(1, "y"))
    loss.label = "L"
    return loss


def test_the_same_seed_gives_the_same_sheet_and_another_seed_other_numbers():
    loss = network()
    assert quiz(loss, 1) == quiz(loss, 1)
    assert quiz(loss, 1).given != quiz(loss, 2).given
    assert quiz(loss, 1).key != quiz(loss, 2).key
    assert [name for name, _ in quiz(loss, 1).given] == [name for name, _ in quiz(loss, 2).given]


def test_the_key_is_right_and_follows_from_the_sheet_alone():
    for seed in range(5):
        sheet = quiz(network(), seed)
        names = {name: Value(number, name) for name, number in sheet.given}
        leaves = dict(names)
        for name, text in sheet.equations:
            names[name] = formula(text, names)
        for name, number in sheet.values:
            assert names[name].data == pytest.approx(number, rel=1e-12)
        names["L"].backward()
        for label, leaf in leaves.items():
            assert sheet.key[f"∂L/∂{label}"] == pytest.approx(leaf.grad, rel=1e-9)


def test_the_sheet_hides_what_the_key_holds():
    sheet = quiz(network(), 4)
    for _, number in (*sheet.answers, *sheet.values):
        assert number_text(number, 4) not in str(sheet) + sheet.markdown
        assert number_text(number, 6) in sheet.key_text
        assert number_text(number, 6) in sheet.key_markdown
    assert str(sheet).count("________") == len(sheet.answers) + len(sheet.values)


def test_a_bar_in_a_label_begins_no_cell_of_the_table():
    sheet = quiz(Value(0.5, "P(a|b)") * Value(0.2, "P(b)"), 1)
    for table in (sheet.markdown, sheet.key_markdown):
        rows = [line for line in table.splitlines() if line.startswith("|")]
        assert len(rows) == 2 + len(sheet.values) + len(sheet.answers)
        assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {3}  # of two cells


def test_the_graph_is_unchanged():
    loss = network()
    before = [(node.data, repr(node.grad)) for node in topological_order(loss)]
    quiz(loss, 7)
    assert [(node.data, repr(node.grad)) for node in topological_order(loss)] == before


def test_numbers_lie_in_the_domain():
    x = Value(2.0, "x")
    for seed in range(10):
        assert quiz(ops.log(x) + ops.sqrt(x), seed).given[0][1] > 0


def test_any_graph_makes_a_sheet():
    for seed in range(40):
        root, _ = random_graph(seed, n_nodes=6)
        sheet = quiz(root, seed)
        answers = [number for _, number in (*sheet.answers, *sheet.values)]
        sheet.root.backward()
        alive = {f"∂L/∂{node.label}" for node in sheet.leaves if node.grad}
        assert 4 * answers.count(0.0) <= len(answers) or not alive  # a sign at the end is flat everywhere
        assert alive <= {*sheet.key}


def test_a_graph_without_labels_is_refused():
    with pytest.raises(ArgumentError, match="labelled leaves"):
        quiz(Value(2.0) * 3.0)


def test_a_graph_that_no_numbers_suit_is_refused():
    x = Value(2.0, "x")
    with pytest.raises(ArgumentError, match="200 draws of numbers, and none lies in the domain"):
        quiz(ops.log(-(x * x)))


def test_a_large_network_asks_for_a_dozen_gradients():
    net = MLP(3, [8, 1], activation="tanh", seed=0)
    assert len(quiz(net([0.1, 0.2, 0.3])).answers) == 12


def test_numbers_are_drawn_below_a_logarithm_that_is_kept_from_0():
    p = ops.sigmoid(Value(0.3, "z"))
    p.label = "p"
    assert "L = −ln(p)\n" in str(quiz(-ops.log(ops.maximum(p, 1e-44))))
