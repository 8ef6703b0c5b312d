"""The walk tells the engine's own sweep, and its page is whole, closed and small."""

import base64
import hashlib
import json
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import Page, friends_loss
from random_graphs import random_graph

from micrograd_nn import MLP, Value, mse, relu, sigmoid, tanh, total
from micrograd_nn.derive import steps
from micrograd_nn.draw import walk
from micrograd_nn.draw._explore import graph_data
from micrograd_nn.draw._walk import file
from micrograd_nn.draw.story import Story, number_latex
from micrograd_nn.engine.value import Constant, adjoints, topological_order
from micrograd_nn.errors import ArgumentTypeError, FileError, GraphError, UnknownNameError
from micrograd_nn.notation.text import rounded


@pytest.fixture(scope="module")
def page():
    _, loss = friends_loss()
    return walk(loss).html


def moments(root, phase, whole=False):
    """The story's moments of one phase, operation by operation, or the modules'."""
    story = Story(root)
    return story, [moment for moment in story.moments if moment.phase == phase and moment.whole == whole]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_the_story_is_the_sweep_of_steps_and_ends_at_the_gradients(seed):
    root, _ = random_graph(seed)
    story = Story(root)
    recorded = topological_order(root)
    assert set(story.order) == set(recorded)
    assert story.order[-1] is root
    assert all(story.place[operand] < story.place[node] for node in story.order for operand in node.operands)
    forward = [m.place for m in story.moments if m.phase == "forward" and not m.whole]
    assert forward == [i for i, node in enumerate(story.order) if node.operation is not None]
    swept = {step.node: step for step in steps(root)}
    told = [(i, m) for i, m in enumerate(story.moments) if m.phase == "backward" and not m.whole]
    takes_part = [place for place in forward if any(not isinstance(o, Constant) for o in story.order[place].operands)]
    assert [m.place for _, m in told] == takes_part[::-1]
    last = {story.place[root]: 1.0}
    for i, moment in told:
        step = swept[story.order[moment.place]]
        parts = zip(step.operands, step.partials, step.contributions, strict=True)
        parts = [part for part in parts if not isinstance(part[0], Constant)]
        assert [story.order[place] for place in moment.operands] == [part[0] for part in parts]
        _, words = story.tell(i)
        for (_, partial, contribution), (place, _, after) in zip(parts, moment.gathered, strict=True):
            assert after == pytest.approx(last.get(place, 0.0) + contribution, rel=1e-9, abs=1e-12)
            last[place] = after
            for x in (step.upstream, partial, contribution, after):
                assert rounded(x) in words
    gradients = {node: slope for node, slope in adjoints(root).items() if not isinstance(node, Constant)}
    assert {story.order[place]: total for place, total in last.items()} == gradients


def finished(root):
    """The labels in the order in which the walk finishes them."""
    story, forward = moments(root, "forward")
    return [story.names[m.place] for m in forward if story.order[m.place].label]


def test_a_person_finishes_one_neuron_before_the_next_one_begins():
    loss = mse(MLP(2, [3, 2, 1], activation="tanh", seed=0)([1.0, 2.0]), Value(1, "y"))
    loss.label = "L"
    assert finished(loss) == ["h1", "h2", "h3", "h4", "h5", "o1", "L"]
    _, forward = moments(loss, "forward")
    modules = [m.module for m in forward]
    assert modules == sorted(modules)  # nothing of the next one in between


def test_a_person_takes_the_first_cell_first_with_and_without_labels():
    u, w, h = Value(0.5, "u"), Value(0.3, "w"), Value(0.0, "h0")
    cells = []
    for t in range(1, 5):
        cells.append(h := tanh(w * Value(float(t), f"x{t}") + u * h))
    story = Story(h)
    places = [story.place[cell] for cell in cells]
    inputs = [story.place[next(node for node in story.order if node.label == f"x{t}")] for t in range(1, 5)]
    assert places == sorted(places)
    assert all(cell < x for cell, x in zip(places, inputs[1:], strict=False))  # x2 is taken when h1 is there
    for t, cell in enumerate(cells, 1):
        cell.label = f"h{t}"
    assert finished(h) == ["h1", "h2", "h3", "h4"]


def test_a_person_goes_sample_by_sample_and_takes_the_way_back():
    net = MLP(2, [2, 1], activation="sigmoid", seed=0)
    loss = total(mse(net(x), y) for x, y in (((1.0, 2.0), 0.0), ((3.0, 4.0), 1.0)))
    assert finished(loss) == ["h1[1]", "h2[1]", "o1[1]", "h1[2]", "h2[2]", "o1[2]"]
    story, back = moments(loss, "backward")
    told = [story.place[story.order[m.place]] for m in back]
    assert told == sorted(told, reverse=True)


def test_constants_take_no_part_in_backward():
    x = Value(2.0, "x")
    story, back = moments((x * 3 + 1) ** 2, "backward")
    assert {place for m in back for place, *_ in m.gathered} == {
        i for i, n in enumerate(story.order) if n.label or n.operation
    } - {len(story.order) - 1}
    for i, moment in enumerate(story.moments):
        latex, words = story.tell(i)
        assert "c_{" not in latex
        assert not any(
            isinstance(story.order[place], Constant) for place in moment.operands if moment.phase == "backward"
        )
        assert not re.search(r"\bc\d", words + moment.title)


def test_a_unit_told_as_one_step_ends_where_its_operations_end():
    _, loss = friends_loss()
    story, whole = moments(loss, "backward", whole=True)
    assert [story.names[m.place] for m in whole] == ["L", "o1", "h2", "h1"]
    so_far = {}
    for i, moment in enumerate(story.moments):
        if moment.phase == "backward" and not moment.whole:
            so_far |= {place: after for place, _, after in moment.gathered}
        elif moment.phase == "backward":
            assert all(so_far[place] == after for place, _, after in moment.gathered)
            latex, _ = story.tell(i)
            assert all(number_latex(after) in latex for *_, after in moment.gathered)
    (o1,) = [
        i for i, m in enumerate(story.moments) if m.whole and m.phase == "forward" and story.names[m.place] == "o1"
    ]
    assert story.tell(o1)[0].startswith(r"o_{1} = \sigma\left(w_{5} \cdot h_{1} + w_{6} \cdot h_{2} + b_{3}\right) = ")
    (h1,) = [
        i for i, m in enumerate(story.moments) if m.whole and m.phase == "backward" and story.names[m.place] == "h1"
    ]
    assert r"\frac{\partial L}{\partial h_{1}} \cdot x_{1} \cdot h_{1} \left(1 - h_{1}\right)" in story.tell(h1)[0]


def test_words_are_said_instead_of_names_of_rows():
    x = Value(2.0, "x")
    story = Story(-((x * 3 + 1) ** 2) / x)
    said = " ".join(story.tell(i)[1] + story.moments[i].title for i in range(len(story.moments)))
    assert "The product a * b. Here a is x and b is 3." in said
    assert not re.search(r"\b(mul|sub|pow|div|neg)\b", said)


def test_a_saturated_bend_and_a_dead_one_say_why_nothing_goes_on():
    x = Value(9.0, "x")
    h = sigmoid(x)
    h.label = "h"
    story = Story(h * 2)
    assert story.flat(h) == (
        "Saturated: h is flat here. Its slope is 0.0001234; of a gradient of 2, 0.0002468 goes on to x."
    )
    z = relu(Value(-1.0, "a"))
    assert Story(z * 2).flat(z).startswith("Dead: v1 is flat here. Its slope is 0;")
    assert [node for node in story.order if story.flat(node)] == [h]


def test_no_two_values_share_a_name_and_the_graph_keeps_its_labels():
    x = Value(2.0, "v1")
    root = (x * 3 + 1) * (x * 3)
    before = [(node.data, repr(node.grad), node.label) for node in topological_order(root)]
    story = Story(root)
    assert len(set(story.names)) == len(story.names)
    assert {"v1", "v2"} <= set(story.names)
    for place in range(len(story.order)):
        assert story.derivation(place)
    assert [(node.data, repr(node.grad), node.label) for node in topological_order(root)] == before


def told(story, name):
    """The formula with which a value hands its gradient on."""
    place = story.names.index(name)
    (i,) = [i for i, m in enumerate(story.moments) if (m.phase, m.place, m.whole) == ("backward", place, False)]
    return story.tell(i)[0]


def test_formulas_put_brackets_where_they_belong():
    a = Value(-2.0, "a")
    root = (a + 1) * -3.0
    story = Story(root)
    assert story.formula(root) == "v1(−3)"
    assert r"1 \cdot \left(-3\right) = -3" in told(story, "L")


def test_slopes_are_written_as_textbooks_do():
    _, loss = friends_loss()
    story = Story(loss)
    assert r"h_{1} \left(1 - h_{1}\right) = 0.5250 \left(1 - 0.5250\right) = 0.2494" in told(story, "h1")


def test_it_begins_with_what_is_given():
    x, w = Value(3.0, "x"), Value(2.0, "w")
    assert re.findall(r"\d+", Story((x * w + 1.0).tanh()).tell(0)[1]) == [
        "2",
        "3",
    ]  # numbers, operations; 1 is constant


def test_a_step_is_called_by_what_it_does_and_of_a_leaf_there_is_nothing_to_say():
    _, loss = friends_loss()
    story = Story(loss)
    for phase, title in (("forward", "Compute {}"), ("backward", "{} hands its gradient on")):
        told = [moment for moment in story.moments if moment.phase == phase]
        assert [moment.title for moment in told] == [title.format(story.name(story.order[m.place])) for m in told]
    assert {(story.formula(node), story.flat(node)) for node in story.order if not node.operation} == {("", "")}
    third = Value(2.0, "x") * (1 / 3)
    assert Story(third).formula(third) == "x·0.3333"  # numbers as in the pictures


def test_the_second_contribution_is_added_to_the_first():
    x = Value(3.0, "x")
    root = x * x
    story, (moment,) = moments(root, "backward")
    assert [so_far for *_, so_far in moment.gathered] == [3.0, 6.0]
    assert "= 3 + 1 \\cdot 3 = 6" in told(story, "L")


def data_of(page):
    (text,) = Page(page).texts_of("script", type="application/json")
    return json.loads(text)


def test_the_data_of_the_page_is_the_story(page):
    _, loss = friends_loss()
    story = Story(loss)
    data = data_of(page)
    assert data == json.loads(json.dumps(graph_data(loss, told=True)))
    assert len(data["steps"]) == len(story.moments)
    ends = {place: text for step in data["steps"] for place, text, _ in step["gathered"]}
    for place, node in enumerate(story.order):
        assert data["nodes"][place]["number"] == rounded(node.data)
        if not isinstance(node, Constant):
            assert ends[place] == rounded(adjoints(loss)[node])


def test_the_page_is_small_whole_and_fetches_nothing(page):
    assert len(page.encode()) < 300_000
    parsed = Page(page)
    assert not parsed.open
    for _, attributes in parsed.elements:
        assert not {"src", "href", "style", "srcdoc"} & attributes.keys()
        assert not [key for key in attributes if key.startswith("on")]
    assert "@import" not in page
    assert "url(" not in page
    names = {"http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"}  # of the two languages; not fetched
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) == names


def test_the_front_end_is_small_and_needs_nothing_else():
    script, style = file("live.js"), file("live.css")
    assert len(script.splitlines()) + len(style.splitlines()) < 1500
    assert not re.search(r"\bimport\b[ (]", script)
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|fetch\(|XMLHttp", script
    )


def test_the_policy_allows_its_own_script_and_style_and_nothing_else(page):
    parsed = Page(page)
    (policy,) = [a["content"] for tag, a in parsed.elements if tag == "meta" and "http-equiv" in a]
    (css,) = parsed.texts_of("style")
    script = parsed.texts_of("script")[-1]

    def hashed(text):
        return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    assert policy.split("; ") == [
        "default-src 'none'",
        f"script-src '{hashed(script)}'",
        f"style-src '{hashed(css)}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_without_scripts_the_page_says_what_it_needs(page):
    parsed = Page(page)
    assert ("html", {"lang": "en"}) in parsed.elements
    assert parsed.texts_of("h1") == ["Forward and backward through L"]
    assert parsed.texts_of("noscript") == ["The steps need a browser that runs scripts."]


def test_a_notebook_shows_it_in_a_frame_that_can_only_run_scripts():
    _, loss = friends_loss()
    whole = walk(loss)
    (frame,) = Page(whole._repr_html_()).elements
    assert frame[0] == "iframe"
    assert frame[1]["sandbox"] == "allow-scripts"
    assert frame[1]["srcdoc"] == whole.html
    assert frame[1]["title"]


def test_it_is_saved_as_a_page_only(tmp_path):
    _, loss = friends_loss()
    assert walk(loss).save(tmp_path / "walk.html").read_text(encoding="utf-8") == walk(loss).html
    with pytest.raises(UnknownNameError, match=r"'\.svg'"):
        walk(loss).save(tmp_path / "walk.svg")
    with pytest.raises(FileError, match="could not be written"):
        walk(loss).save(tmp_path / "no" / "walk.html")


def test_what_cannot_be_walked_is_refused_in_words():
    with pytest.raises(ArgumentTypeError, match="goes through the graph below a Value, got float"):
        walk(2.0)
    x = Value(1.0, "x")
    y = x * 2
    x.data = 5.0
    with pytest.raises(GraphError, match="has changed since the graph was recorded"):
        walk(y)
    z = Value(1.0)
    for _ in range(100_000):
        z = z * 1.0
    with pytest.raises(GraphError, match="200,001 values is longer than anyone follows; up to 400"):
        walk(z)


@pytest.mark.parametrize("data", [math.nan, math.inf, -math.inf, 1e300, 5e-324, -0.0])
def test_extreme_numbers_are_walked_through(data):
    x = Value(data, "x")
    assert data_of(walk(x * x + x).html)["nodes"][0]["number"] == rounded(data)


def test_a_single_value_is_a_walk_too():
    data = data_of(walk(Value(2.0, "x")).html)
    assert [node["name"] for node in data["nodes"]] == ["x"]
    assert [step["phase"] for step in data["steps"]] == ["start", "seed"]
