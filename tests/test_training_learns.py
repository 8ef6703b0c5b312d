"""Metrics, and what small networks learn."""

import random
from itertools import pairwise

import numpy as np
import pytest
from test_training import MOONS, numbers

from micrograd_nn import MLP, accuracy, confusion_matrix, decisions, least_squares
from micrograd_nn import data as datasets
from micrograd_nn.errors import ArgumentError, ArgumentTypeError, ShapeError
from micrograd_nn.training import correct, evaluate, fit, predict

# ---- metrics ----


def test_a_decision_needs_a_strictly_largest_output():
    assert correct([1.0, 1.0], [1, 0]).data == 0.0
    assert correct([2.0, 1.0, 0.0], [1, 0, 0]).data == 1.0
    assert [correct(z, y, 0.0).data for z, y in ((0.1, 1), (-0.1, -1), (0.1, 0), (0.0, 1))] == [1.0, 1.0, 0.0, 0.0]


def test_the_graph_metric_and_the_plain_one_agree():
    source = random.Random(0)
    rows = [[source.gauss(0, 1) for _ in range(4)] for _ in range(200)]
    labels = [source.randrange(4) for _ in rows]
    graph = [correct(row, [float(i == label) for i in range(4)]).data for row, label in zip(rows, labels, strict=True)]
    assert sum(graph) / 200 == accuracy(rows, labels)
    table = np.array(confusion_matrix(decisions(rows), labels))
    assert (table.sum(), table.trace() / 200) == (200, accuracy(rows, labels))
    assert table.sum(axis=1).tolist() == np.bincount(labels).tolist()
    assert confusion_matrix([0, 0], [0, 0]) == [[2]]
    assert confusion_matrix([0, 0], [0, 0], classes=2) == [[2, 0], [0, 0]]


def test_a_tie_is_wrong_whoever_counts_it():
    net = MLP(2, [3], init="zeros")
    assert evaluate(net, *MOONS)["accuracy"] == accuracy(predict(net, MOONS.X), MOONS.y) == 0.0
    assert accuracy([[1.0, 1.0], [1.0, 2.0], [2.0, 1.0]], [0, 1, 0]) == 2 / 3


def test_metrics_refuse_rows_that_do_not_match():
    with pytest.raises(ShapeError, match="row by row: got 1 and 2 rows"):
        accuracy([[0.1, 0.9]], [1, 0])
    with pytest.raises(ShapeError):
        accuracy([], [])
    for targets in ([[0, 1]], np.array([[0, 1]])):
        with pytest.raises(
            ArgumentTypeError, match=r"a target is a label, got the row .*: decisions\(rows\) makes labels"
        ):
            accuracy([[0.1, 0.9]], targets)
        assert accuracy([[0.1, 0.9]], decisions(targets)) == 1.0
    for label, error in (("b", ArgumentTypeError), (0.5, ArgumentTypeError), (-1, ArgumentError)):
        with pytest.raises(error, match=r"a label is a whole number from 0 up, got"):
            accuracy([[0.1, 0.9]], [label])
    with pytest.raises(ArgumentError, match="a label is a whole number from 0 to 1, got 2"):
        confusion_matrix([1, 1], [0, 2], classes=2)
    with pytest.raises(ArgumentError, match="a label is a whole number from 0 to 1, got 2"):
        accuracy([[0.1, 0.9]], [2])


# ---- what the networks learn ----


@pytest.mark.parametrize("name", ["a", "not", "and", "or", "nand", "nor"])
def test_one_unit_learns_a_gate(name):
    net = MLP(2, [1], output="sigmoid", seed=0)
    gate = datasets.gate(name)
    fit(net, *gate, loss="binary_cross_entropy", lr=1.0, epochs=500, batch_size=4)
    assert evaluate(net, *gate)["accuracy"] == 1.0


def test_one_unit_can_not_learn_xor_and_a_small_network_does():
    unit, net = MLP(2, [1], output="sigmoid", seed=0), MLP(2, [4, 1], activation="tanh", output="sigmoid", seed=0)
    for network in (unit, net):
        fit(network, *datasets.xor(), loss="binary_cross_entropy", optimizer="adam", lr=0.1, epochs=300, batch_size=4)
    assert evaluate(unit, *datasets.xor())["accuracy"] < 1.0
    assert evaluate(net, *datasets.xor())["accuracy"] == 1.0


def test_a_step_learns_nothing_and_a_sigmoid_does():
    for activation, learns in (("step", False), ("sigmoid", True)):
        net = MLP(2, [1], output=activation, seed=3)
        before = numbers(net)
        fit(net, *datasets.gate("and"), lr=1.0, epochs=300, batch_size=4)
        assert (numbers(net) != before) is learns


def test_the_boolean_function():
    net = MLP(3, [3, 1], activation="sigmoid", output="sigmoid", seed=0)
    fit(net, *datasets.boolean(), loss="squared_error", optimizer="adam", lr=0.1, epochs=400, batch_size=8)
    assert evaluate(net, *datasets.boolean())["accuracy"] == 1.0


def test_regression_by_descent_is_least_squares():
    line = datasets.line()
    net = MLP(1, [1], init="zeros")
    fit(net, *line, lr=0.5, epochs=200, batch_size=len(line))
    (w, b), closed = numbers(net), least_squares(line.X[:, 0], line.y)
    assert (w, b) == pytest.approx(closed, abs=1e-6)


def test_the_four_people_are_told_apart():
    net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", init="normal", seed=0)
    history = fit(net, *datasets.friends(), lr=0.1, epochs=1000, batch_size=1, shuffle=False, record=40)
    assert all(a > b for a, b in pairwise(history["loss"]))
    emily, frank = predict(net, [[-7, -3], [20, 2]])
    assert (emily, frank) == pytest.approx((0.95, 0.04), abs=0.03)


def test_moons_all_of_them():
    net = MLP(2, [16, 16, 1], activation="tanh", seed=0)
    moons = datasets.moons()
    settings = {"loss": "binary_cross_entropy_with_logits", "metrics": ["accuracy"]}
    history = fit(net, *moons, optimizer="adam", lr=0.02, epochs=60, batch_size=20, **settings)
    assert history.last["accuracy"] == 1.0
