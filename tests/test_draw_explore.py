"""What a page asks of a graph: every answer is plain data, made of the graph and the event alone."""

import json
import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import friends_loss
from random_graphs import random_graph

from micrograd_nn import MLP, Value, grad, mse
from micrograd_nn.derive.recorded import check_unchanged
from micrograd_nn.draw import Walk, explore
from micrograd_nn.draw._explore import answer, graph_data, renew
from micrograd_nn.draw.story import Story
from micrograd_nn.engine.value import topological_order
from micrograd_nn.errors import ArgumentTypeError
from micrograd_nn.notation.text import rounded


def place(root, name):
    return Story(root).names.index(name)


def as_sent(data):
    """What arrives at the page."""
    return json.loads(json.dumps(data, allow_nan=False))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_the_data_is_plain_and_complete(seed):
    root, _ = random_graph(seed)
    data = as_sent(graph_data(root, told=True))
    assert len(data["derivations"]) == len(data["nodes"]) == len(topological_order(root))
    for i, node in enumerate(data["nodes"]):
        assert all(edge["from"] < i for edge in node.get("edges", ()))
    for i, step in enumerate(data["steps"]):
        told = answer(root, {"kind": "tell", "node": None, "value": i})
        assert {key: step[key] for key in told} == told


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(-3, 3))
def test_a_moved_leaf_gives_what_recording_anew_gives(seed, x):
    root, leaves = random_graph(seed)
    other, others = random_graph(seed)
    moved = leaves[0].label
    others[0].data = x
    renew(other)
    data = answer(root, {"kind": "set", "node": place(root, moved), "value": x})
    assert "error" not in data
    for mine, theirs in zip(topological_order(root), topological_order(other), strict=True):
        assert mine.data == theirs.data or math.isnan(mine.data)
    check_unchanged(root)
    assert [node["number"] for node in data["nodes"]] == [rounded(node.data) for node in Story(root).order]


def test_the_leaf_and_what_was_made_of_it_are_the_same_values():
    w, x = Value(0.5, "w"), Value(3.0, "x")
    h = w * x
    L = (h - 1) ** 2  # noqa: N806  # the textbook's name
    answer(L, {"kind": "set", "node": place(L, "w"), "value": 2.0})
    assert (w.data, h.data, L.data) == (2.0, 6.0, 25.0)
    assert grad(L, [w]) == [30.0]
    w.data = 1.0
    renew(L)
    assert L.data == 4.0


def test_a_nudge_gives_the_slope_as_a_ratio_and_moves_nothing():
    _, loss = friends_loss()
    before = [node.data for node in topological_order(loss)]
    words = answer(loss, {"kind": "nudge", "node": place(loss, "w1"), "value": 0.01})["words"]
    assert words.startswith("w1 from 0.5 to 0.51: L goes from 0.1146 to 0.1157, by ")
    assert words.endswith("the slope is 0.1134.")
    assert [node.data for node in topological_order(loss)] == before


def test_a_gradient_is_derived_on_request():
    _, loss = friends_loss()
    derived = answer(loss, {"kind": "derive", "node": place(loss, "w1"), "value": None})
    assert derived["heading"] == "w1 = 0.5"
    assert "0.113422" in derived["formula"]


def test_a_derivation_of_ones_own_is_heard():
    _, loss = friends_loss()
    b3 = place(loss, "b3")
    right = answer(loss, {"kind": "check", "node": b3, "value": "-2*(y - o1)*o1*(1 - o1)"})
    assert right == {"right": True, "words": "Right."}
    wrong = answer(loss, {"kind": "check", "node": b3, "value": "2*(y - o1)*o1*(1 - o1)"})
    assert not wrong["right"]
    assert "sign" in wrong["words"]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"kind": "dance"}, "unknown event 'dance'"),
        ({}, "unknown event 'None'"),
        ({"kind": "set", "node": 99, "value": 1}, "a node is a whole number from 0 to 29, got 99"),
        ({"kind": "set", "node": "0", "value": 1}, "a node is a whole number"),
        ({"kind": "set", "node": 0, "value": "five"}, "expected one real number, got the str"),
        ({"kind": "set", "node": 29, "value": 1.0}, "only a leaf can be moved"),
        ({"kind": "nudge", "node": 0, "value": 0}, "a nudge of 0 moves nothing"),
        ({"kind": "tell", "value": 10**6}, "a step is a whole number from 0 to"),
        ({"kind": "check", "node": 0, "value": "__import__('os')"}, ""),
    ],
)
def test_what_cannot_be_answered_is_said_in_words_and_changes_nothing(event, said):
    _, loss = friends_loss()
    before = [node.data for node in topological_order(loss)]
    assert said in answer(loss, event)["error"]
    assert [node.data for node in topological_order(loss)] == before


def test_sixty_values_follow_the_hand():
    loss = mse(MLP(3, [3, 2, 1], activation="tanh", seed=0)([1.0, 2.0, 3.0]), Value(1, "y"))
    assert 60 <= len(topological_order(loss)) <= 80
    times = []
    for k in range(9):
        begin = time.process_time()
        assert "error" not in answer(loss, {"kind": "set", "node": 0, "value": 0.1 * k})
        answer(loss, {"kind": "tell", "value": 90})
        times.append(time.process_time() - begin)
    assert sorted(times)[4] < 0.1


def test_explore_refuses_what_is_no_graph_and_falls_back_to_the_walk(monkeypatch):
    with pytest.raises(ArgumentTypeError, match="goes through the graph below a Value, got int"):
        explore(3)
    monkeypatch.setitem(__import__("sys").modules, "anywidget", None)
    x = Value(2.0, "x")
    assert isinstance(explore(x * x), Walk)
