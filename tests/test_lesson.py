"""A lesson's text becomes a graph and samples, its answers are plain data, its descent is the one that fit makes."""

import json
import re
from pathlib import Path

import pytest

from micrograd_nn import MLP, Module, Neuron, fit, mse, softmax_cross_entropy
from micrograd_nn.draw._descent import Descent, on_network
from micrograd_nn.draw._explore import answer
from micrograd_nn.draw._lesson import Lesson, Page
from micrograd_nn.errors import ArgumentError, FormatError
from micrograd_nn.notation.text import rounded

LESSONS = sorted((Path(__file__).parents[1] / "docs" / "page" / "lessons").glob("*.txt"))
LINE = "x, y = (1, 3), (2, 5)\nw = 0.5\nb = 0\no = w*x + b\nL = (y - o)^2\n"


def asked(page, kind, value=None):
    """What arrives at the page, by way of JSON."""
    return json.loads(json.dumps(page.answer({"kind": kind, "node": None, "value": value}), allow_nan=False))


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def text(request):
    return request.param.read_text(encoding="utf-8")


def test_there_are_lessons_to_begin_with():
    assert len(LESSONS) >= 7


def test_a_lesson_opens_and_its_text_is_its_state(text):
    page = Page()
    data = asked(page, "open", text)
    assert "error" not in data
    for event in (("step", 0.05), ("epochs", [3, 0.05]), ("sample", 1)) if "descent" in data else ():
        data = asked(page, *event)
        assert "error" not in data
    kept = asked(page, "text")["text"]
    again = Lesson(kept)
    assert again.text == kept
    before = {name: value.data for name, value in page.lesson.names.items() if value not in {*page.lesson.columns}}
    after = {name: value.data for name, value in again.names.items()}
    if again.descent is None:
        assert {name: after[name] for name in before} == before
    else:
        assert [p.data for p in again.descent.learns] == [p.data for p in page.lesson.descent.learns]


def test_its_python_makes_the_same_graph(text):
    lesson = Lesson(text)
    names = {}
    exec(lesson.python, names)  # what a person pastes into a notebook
    assert {name: value.data for name, value in names["v"].items()} == {n: v.data for n, v in lesson.names.items()}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "needs a formula at its end"),
        ("w = 1", "needs a formula at its end"),
        ("w = 1\nw = 2\nL = w^2", "line 2: w is defined twice"),
        ("w = 1\nL = v*w", "line 2: "),
        ("w = 1\nu = w\nL = u^2", "line 2: u would be another name for w"),
        ("what is this", "line 1: 'what is this' is neither NAME = FORMULA"),
        ("x, y = 1, 2\nL = x*y", "line 1: samples are written as x, y = (1, 2), (3, 4)"),
        ("x, y = (1, 2), (3)\nL = x*y", "line 1: each sample has 2 numbers"),
        ("x, y = (1, 2)\na, b = (1, 2)\nL = x*y", "line 2: the samples stand in one line"),
        ("<img src=x onerror=alert(1)> = 2", "line 1: "),
        ("w = 1\n" * 201, "at most 200 lines"),
        ("w = " + "9" * 20_000 + "\nL = w^2", "line 1: "),
    ],
)
def test_what_is_no_lesson_is_said_with_its_line(text, words):
    with pytest.raises(FormatError, match=re.escape(words)):
        Lesson(text)
    page = Page()
    asked(page, "open", LINE)
    lesson = page.lesson
    assert words in asked(page, "open", text)["error"]
    assert page.lesson is lesson


@pytest.mark.parametrize(
    "event",
    [
        ("epochs", [10**9, 0.1]),
        ("epochs", 3),
        ("epochs", [3, "x"]),
        ("step", None),
        ("sample", 7),
        ("sample", "0"),
        ("?", 0),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(event):
    page = Page()
    before = asked(page, "open", LINE)
    assert asked(page, *event)["error"]
    assert asked(page, "sample", 0) == before


def test_a_lesson_of_200_lines_opens():
    assert Lesson("#\n" * 198 + "w = 1\nL = w^2").root.data == 1.0


def test_no_lesson_is_said():
    assert asked(Page(), "text") == {"error": "no lesson lies open"}


def test_the_descent_is_the_one_that_fit_makes():
    X, y = [[-2, -1], [25, 6], [17, 4], [-15, -6]], [1, 0, 0, 1]
    nets = [MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=3) for _ in range(2)]
    descent = on_network(nets[0], X, y, mse)
    descent.epochs(5, 0.25)
    fit(
        nets[1], X, y, loss=mse, optimizer="sgd", lr=0.25, epochs=5, batch_size=1, shuffle=False,
        engine="scalar", progress=False,
    )  # fmt: skip
    assert [p.data for p in nets[0].parameters()] == [p.data for p in nets[1].parameters()]
    assert descent.losses[-1][0] == 20


def test_a_step_is_spelled_out_and_rewound():
    page = Page()
    start = asked(page, "open", LINE)
    after = asked(page, "step", 0.25)["descent"]
    # By hand: o = 0.5, ∂L/∂w = −2(3 − 0.5)·1 = −5 and ∂L/∂b the same.
    assert after["updates"] == [["w", "0.5", "−5", "1.75"], ["b", "0", "−5", "1.25"]]
    assert after["sample"] == 1
    assert after["losses"][-1] == [0.5, pytest.approx(((3 - 3.0) ** 2 + (5 - 4.75) ** 2) / 2)]
    assert asked(page, "rewind") == start


def test_a_step_out_of_all_numbers_is_refused():
    page = Page()
    asked(page, "open", LINE)
    assert "a smaller learning rate" in asked(page, "epochs", [1000, 1e200])["error"]
    kept = asked(page, "text")["text"]
    assert "inf" not in kept
    assert "nan" not in kept


def test_the_picture_is_the_prediction():
    descent = Lesson(LINE).descent
    picture = descent.picture()
    assert picture["names"] == ["x"]
    assert picture["heights"] == [0.5 * x for x in picture["axes"][0]]
    net = MLP(2, [2, 1], activation="tanh", seed=0)
    picture = on_network(net, [[0, 0], [1, 2]], [0, 1], mse).picture()
    (xs, ys), heights = picture["axes"], picture["heights"]
    assert [heights[3 * len(xs) + 5], heights[-1]] == [net([xs[5], ys[3]]).data, net([xs[-1], ys[-1]]).data]


def test_labels_for_several_outputs():
    net = MLP(2, [3], seed=0)
    descent = on_network(net, [[0, 1], [1, 0]], [0, 2], softmax_cross_entropy)
    assert descent.rows == [[0, 1, 1, 0, 0], [1, 0, 0, 0, 1]]
    assert descent.picture() is None
    answer(descent.root, {"kind": "epochs", "value": [50, 0.5]}, descent)
    assert descent.losses[-1][1] < descent.losses[0][1] / 5


@pytest.mark.parametrize(("X", "y"), [([], []), ([[1, 2]], [1, 2]), ([[1, 2], [1]], [1, 2])])
def test_rows_that_do_not_fit_are_refused(X, y):
    with pytest.raises(ArgumentError):
        on_network(MLP(2, [1]), X, y, mse)


def test_a_moved_weight_moves_the_picture():
    page = Page()
    data = asked(page, "open", LINE)
    place = [node["name"] for node in data["nodes"]].index("w")
    moved = page.answer({"kind": "set", "node": place, "value": 2})
    assert moved["descent"]["picture"]["heights"] != data["descent"]["picture"]["heights"]
    assert rounded(2.0) == moved["nodes"][place]["number"]
    assert isinstance(page.lesson.descent, Descent)


def test_what_a_loss_does_not_use_stays():
    class Spare(Module):
        def __init__(self):
            self.used, self.spare = Neuron(1, seed=0), Neuron(1, seed=1)

        def __call__(self, x):
            return self.used(x)

    net = Spare()
    before = [p.data for p in net.spare.parameters()]
    descent = on_network(net, [[1.0], [2.0]], [3.0, 5.0], mse)
    descent.epochs(20, 0.1)
    assert [p.data for p in net.spare.parameters()] == before
    assert descent.losses[-1][1] < descent.losses[0][1] / 10
