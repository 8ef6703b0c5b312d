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

from micrograd_nn import Value
from micrograd_nn.derive import steps
from micrograd_nn.draw import walk
from micrograd_nn.draw.story import Story
from micrograd_nn.engine.value import adjoints, topological_order
from micrograd_nn.errors import ArgumentTypeError, FileError, GraphError, UnknownNameError
from micrograd_nn.notation.text import rounded


@pytest.fixture(scope="module")
def page():
    _, loss = friends_loss()
    return walk(loss).html


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_the_story_is_the_sweep_of_steps_and_ends_at_the_gradients(seed):
    root, _ = random_graph(seed)
    story = Story(root)
    order = topological_order(root)
    kinds = [moment.phase for moment in story.moments]
    operations = [i for i, node in enumerate(order) if node.operation is not None]
    assert kinds == ["start", *["forward"] * len(operations), "seed", *["backward"] * len(operations)]
    assert [m.place for m in story.moments if m.phase == "forward"] == operations
    for moment, step in zip([m for m in story.moments if m.phase == "backward"], steps(root), strict=True):
        assert order[moment.place] is step.node
        assert [order[i] for i in moment.operands] == list(step.operands)
        assert [(order[i], total) for i, total in moment.gathered] == list(zip(step.operands, step.after, strict=True))
        for x in (step.upstream, *step.partials, *step.contributions, *step.after):
            assert rounded(x) in moment.sentence
    last = {}
    for moment in story.moments:
        last |= dict(moment.gathered)
    assert {order[i]: total for i, total in last.items()} == adjoints(root)


def test_no_two_values_share_a_name_and_the_graph_keeps_its_labels():
    x = Value(2.0, "v1")
    root = (x * 3 + 1) * (x * 3)
    before = [(node.data, node.grad, node.label) for node in topological_order(root)]
    story = Story(root)
    assert len(set(story.names)) == len(story.names)
    assert {"v1", "v2", "c1"} <= set(story.names)
    for place in range(len(story.order)):
        assert story.derivation(place)
    assert [(node.data, node.grad, node.label) for node in topological_order(root)] == before


def test_formulas_put_brackets_where_they_belong():
    a = Value(-2.0, "a")
    root = (a + 1) * -3.0
    story = Story(root)
    assert story.formula(root) == "v1(−3)"
    (step,) = [m for m in story.moments if m.phase == "backward" and m.place == len(story.order) - 1]
    assert r"1 \cdot \left(-3\right) = -3" in step.latex


def test_slopes_are_written_as_textbooks_do():
    _, loss = friends_loss()
    story = Story(loss)
    (h1,) = [i for i, name in enumerate(story.names) if name == "h1"]
    (moment,) = [m for m in story.moments if m.phase == "backward" and m.place == h1]
    assert r"h_{1} \left(1 - h_{1}\right) = 0.5250 \left(1 - 0.5250\right) = 0.2494" in moment.latex


def test_the_second_contribution_is_added_to_the_first():
    x = Value(3.0, "x")
    root = x * x
    (moment,) = [m for m in Story(root).moments if m.phase == "backward"]
    assert [total for _, total in moment.gathered] == [3.0, 6.0]
    assert "= 3 + 1 \\cdot 3 = 6" in moment.latex


def test_the_data_of_the_page_is_the_story(page):
    _, loss = friends_loss()
    story = Story(loss)
    (text,) = Page(page).texts_of("script", type="application/json")
    data = json.loads(text)
    assert len(data["steps"]) == len(story.moments)
    for place, node in enumerate(story.order):
        assert data["nodes"][place]["number"] == rounded(node.data)
        assert data["nodes"][place]["gathered"][-1][1] == rounded(adjoints(loss)[node])


def test_the_page_is_small_whole_and_fetches_nothing(page):
    assert len(page.encode()) < 300_000
    parsed = Page(page)
    assert not parsed.open
    for _, attributes in parsed.elements:
        assert not {"src", "href", "style", "srcdoc"} & attributes.keys()
        assert not [key for key in attributes if key.startswith("on")]
    assert "@import" not in page
    assert "url(" not in page
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) == set()


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


def test_what_a_screen_reader_needs_is_there(page):
    parsed = Page(page)
    by_tag = [(tag, attributes) for tag, attributes in parsed.elements]
    assert ("html", {"lang": "en"}) in by_tag
    assert [a["aria-live"] for _, a in by_tag if "aria-live" in a] == ["polite"]
    pictures = [a for tag, a in by_tag if tag == "svg"]
    assert all((a.get("role") == "img" and a["aria-label"]) or a.get("aria-hidden") == "true" for a in pictures)
    for tag, attributes in by_tag:
        if tag in ("nav", "input") or attributes.get("role") == "region":
            assert attributes.get("aria-label")
    assert all(a.get("scope") for tag, a in by_tag if tag == "th")
    levels = [int(tag[1]) for tag, _ in by_tag if tag in ("h1", "h2", "h3")]
    assert levels[0] == 1
    assert set(levels[1:]) == {2}
    identities = [a["id"] for _, a in by_tag if "id" in a]
    assert len(identities) == len(set(identities))


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
    assert rounded(data) in Page(walk(x * x + x).html).texts_of("td", class_="number")


def test_a_single_value_is_a_walk_too():
    assert Page(walk(Value(2.0, "x")).html).texts_of("button", aria_controls="derivation") == ["x"]
