"""The walk in a real browser: every step forward and back, by buttons, slider and keys, and what it shows there.

axe-core is run where AXE_CORE names its
axe.min.js; the checks that this file makes by itself run in any case.
"""

import os

import pytest
from browsers import chromium
from pictures import friends_loss

from micrograd_nn import Value
from micrograd_nn.derive import steps
from micrograd_nn.draw import walk
from micrograd_nn.engine.value import topological_order
from micrograd_nn.notation.text import rounded

AXE = os.environ.get("AXE_CORE", "")


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    _, loss = friends_loss()
    return walk(loss).save(tmp_path_factory.mktemp("walk") / "walk.html")


@pytest.fixture
def opened(browser, file):
    """A function that opens the walk and watches it: whatever is logged or fetched ends up in .faults."""
    pages = []

    def open_page(**options):
        options.setdefault("viewport", {"width": 1440, "height": 1000})
        page = browser.new_page(reduced_motion="reduce", **options)
        page.faults = []
        page.on("console", lambda message: page.faults.append(message.text))
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("request", lambda request: page.faults.append(request.url))
        page.goto(file.as_uri())
        assert page.faults == [file.as_uri()]  # the page itself is all that was ever asked for
        page.faults.clear()
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        assert page.faults == []
        page.close()


def told():
    """Per step: the place of the value at work, and the gradients so far as they are written, from derive.steps."""
    _, loss = friends_loss()
    order = topological_order(loss)
    place = {node: i for i, node in enumerate(order)}
    gradients = ["–"] * len(order)
    story = [(None, list(gradients))]
    story += [(i, list(gradients)) for i, node in enumerate(order) if node.operation is not None]
    gradients[-1] = "1"
    story.append((len(order) - 1, list(gradients)))
    for step in steps(loss):
        for operand, after in zip(step.operands, step.after, strict=True):
            gradients[place[operand]] = rounded(after)
        story.append((place[step.node], list(gradients)))
    return order, story


SHOWN = """() => ({
    step: Number(document.querySelector("#slider").value),
    where: document.querySelector("#where").textContent,
    box: [...document.querySelectorAll("g.node")].sort((a, b) => a.dataset.place - b.dataset.place)
        .map((g) => g.querySelector(".gradient").textContent),
    row: [...document.querySelectorAll("tbody tr")].map((tr) => tr.querySelector(".gradient").textContent),
    numbers: [...document.querySelectorAll("tbody tr")].map((tr) => tr.querySelector(".number").textContent),
    atWork: [...document.querySelectorAll("g.node.at-work")].map((g) => Number(g.dataset.place)),
    lines: [...document.querySelectorAll("g.edge.at-work")]
        .map((g) => [Number(g.dataset.from), Number(g.dataset.into)]),
    moments: [...document.querySelectorAll("article.moment")].flatMap((a, i) => a.hidden ? [] : [i]),
})"""


def check(page, expected, order):
    at, (place, gradients) = expected
    shown = page.evaluate(SHOWN)
    forward = [i for i, node in enumerate(order) if node.operation is not None]
    computed = set(forward[:at])
    assert shown["step"] == at
    assert shown["where"] == f"{at} / {2 * len(forward) + 1}"
    assert shown["box"] == shown["row"] == gradients
    assert shown["atWork"] == ([] if place is None else [place])
    assert shown["moments"] == [at]
    for i, node in enumerate(order):
        assert shown["numbers"][i] == (rounded(node.data) if node.operation is None or i in computed else "")
    if place is not None and at != len(forward) + 1:
        into = [next(i for i, node in enumerate(order) if node is operand) for operand in order[place].operands]
        assert sorted(shown["lines"]) == sorted([i, place] for i in into)


def press(page, button):
    page.evaluate("(id) => document.getElementById(id).click()", button)  # without the wait of a mouse's way


def test_every_step_forward_and_back_shows_the_numbers_of_steps(opened):
    page = opened()
    order, story = told()
    for expected in enumerate(story):
        check(page, expected, order)
        if expected[0] < len(story) - 1:
            press(page, "next")
    assert page.locator("#next").is_disabled()
    for expected in reversed(list(enumerate(story))):
        check(page, expected, order)
        if expected[0]:
            press(page, "back")
    assert page.locator("#back").is_disabled()


def test_the_formulas_of_a_step_hold_its_numbers(opened):
    page = opened()
    _, loss = friends_loss()
    backward = list(steps(loss))
    for i, step in enumerate(backward, start=len(backward) + 2):
        page.evaluate(f"go({i})")
        formula = page.text_content("article.moment:not([hidden]) math")
        words = page.inner_text("article.moment:not([hidden]) .words")
        for x in (*step.partials, *step.after):
            assert rounded(x) in formula
        for x in (step.upstream, *step.partials, *step.contributions, *step.after):
            assert rounded(x) in words


def test_keys_and_slider_go_where_they_should(opened):
    page = opened()
    order, story = told()
    last = len(story) - 1
    for key, at in [
        ("End", last),
        ("ArrowLeft", last - 1),
        ("Home", 0),
        ("ArrowLeft", 0),
        ("ArrowRight", 1),
        ("ArrowRight", 2),
    ]:
        page.keyboard.press(key)
        check(page, (at, story[at]), order)
    for at in (7, last, 0, 20):
        page.fill("#slider", str(at))
        check(page, (at, story[at]), order)
    page.focus("#slider")
    page.keyboard.press("ArrowRight")
    check(page, (21, story[21]), order)
    assert page.get_attribute("#slider", "aria-valuetext").startswith(f"step 21 of {last}: ")
    page.click("#last")
    check(page, (last, story[last]), order)
    page.click("#first")
    check(page, (0, story[0]), order)


def test_it_plays_by_itself_and_stops_when_somebody_steps(opened, browser):
    page = opened()
    page.clock.install()
    page.click("#play")
    assert page.get_attribute("#play", "aria-label") == "Pause"
    page.clock.run_for(3300)
    assert page.evaluate("at") == 2
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#play", "aria-label") == "Play"
    page.clock.run_for(10_000)
    assert page.evaluate("at") == 3
    page.click("#last")
    page.click("#play")
    page.clock.run_for(1700 * 40)
    assert page.evaluate("at") == page.evaluate("last")
    assert page.get_attribute("#play", "aria-label") == "Play"


def test_a_click_on_a_value_shows_its_derivation_and_moves_the_focus_there(opened):
    page = opened()
    order, _ = told()
    for place, node in list(enumerate(order))[::4]:
        page.locator(f'g.node[data-place="{place}"]').click()
        by_click = page.inner_text("#derivation")
        assert rounded(node.data) in by_click
        assert page.evaluate("document.activeElement.closest('#derivation') !== null")
        page.locator(f'table button[data-place="{place}"]').focus()
        page.keyboard.press("Enter")
        assert page.inner_text("#derivation") == by_click
        assert page.locator("#derivation article:visible").count() == 1
    (w1,) = [i for i, node in enumerate(order) if node.label == "w1"]
    page.locator(f'g.node[data-place="{w1}"]').click()
    derived = page.text_content("#derivation article:not([hidden]) math")
    assert "0.113422" in derived  # by hand: -2(1 - o1) · o1(1 - o1)·w5 · h1(1 - h1)·x1


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_no_width_makes_the_page_scroll_sideways(opened, width):
    page = opened(viewport={"width": width, "height": 844})
    for at in (0, 12, 25):
        page.evaluate(f"go({at})")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    active = page.locator("g.node.at-work").bounding_box()
    assert active["x"] >= 0
    assert active["x"] + active["width"] <= width


def test_the_whole_graph_is_seen_where_it_can_be_read_and_a_readable_part_elsewhere(opened):
    page = opened()
    for width in (1440, 1200, 1000, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(  # the page fits the graph when it hears of the new size
            "whole => { const part = document.querySelector('figure svg').parentElement;"
            " return (part.scrollWidth <= part.clientWidth) === whole; }",
            arg=width >= 1200,
            timeout=5000,
        )
        scale = page.evaluate(
            "() => { const svg = document.querySelector('figure svg');"
            " return svg.getBoundingClientRect().width / svg.viewBox.baseVal.width; }"
        )
        assert 12 * scale > 7.9  # pixels of the writing in a box


def test_it_works_in_a_sandboxed_frame_as_a_notebook_shows_it(browser):
    _, loss = friends_loss()
    page = browser.new_page()
    faults = []
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.set_content(walk(loss)._repr_html_())
    frame = page.frame_locator("iframe")
    for _ in range(3):
        frame.locator("#next").click()
    assert frame.locator("#where").inner_text().startswith("3 / ")
    assert faults == []
    page.close()


def test_a_hostile_label_stays_text_in_a_browser(browser, tmp_path):
    label = "</script><img src=x onerror=alert(1)><b>"
    x = Value(2.0, label)
    page = browser.new_page()
    faults = []
    page.on("request", lambda request: faults.append(request.url))
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    path = walk(x * x).save(tmp_path / "walk.html")
    page.goto(path.as_uri())
    page.click("#next")
    assert faults == [path.as_uri()]
    assert page.locator("img, b").count() == 0
    assert page.locator("tbody button").first.inner_text() == label[:24] + "…"
    page.close()


# ---- for everybody ----

CONTRAST = """() => {
    const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = (c) => c.slice(0, 3).map((v) => v / 255)
        .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (element) => {
        for (let e = element; e; e = e.parentElement) {
            const c = parse(getComputedStyle(e).backgroundColor);
            if (c.length === 3 || c[3] > 0) return c;
        }
        return [255, 255, 255];
    };
    const faults = [];
    for (const element of document.querySelectorAll("main *")) {
        if (element.closest("svg") || !element.checkVisibility() || element.matches("button:disabled")) continue;
        if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) continue;
        const colour = parse(getComputedStyle(element).color);
        if (colour.length === 4 && colour[3] === 0) continue;
        const [a, b] = [light(colour), light(ground(element))].sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < 4.5) faults.push([element.outerHTML.slice(0, 90), (a + 0.05) / (b + 0.05)]);
    }
    return faults;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_writing_stands_out_in_light_and_dark(opened, scheme):
    page = opened(color_scheme=scheme)
    for at in (0, 5, 19, 26, 35):
        page.evaluate(f"go({at})")
        page.evaluate("derive(3)")
        assert page.evaluate(CONTRAST) == []


def test_everything_can_be_reached_by_keyboard_in_the_order_of_the_page(opened):
    page = opened()
    page.keyboard.press("ArrowRight")
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "[document.activeElement.id, document.activeElement.innerText, document.activeElement.tagName]"
        )
        if focused[2] == "BODY":
            break
        reached.append(focused[0] or focused[1].strip())
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    order, _ = told()
    assert reached[1:7] == ["first", "back", "play", "next", "last", "slider"]
    assert len([name for name in reached if name]) >= 6 + len(order)


def test_what_a_screen_reader_is_told(opened):
    page = opened()
    tree = page.locator("main").aria_snapshot()
    for part in (
        'heading "Forward and backward through L"',
        'img "The computation graph of L',
        'button "Step forward"',
    ):
        assert part in tree
    for part in ('slider "Step"', 'region "This step"', 'columnheader "gradient"', 'button "w1"', 'rowheader "w1"'):
        assert part in tree


@pytest.mark.skipif(not os.path.isfile(AXE), reason="AXE_CORE names no axe.min.js")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(browser, file, scheme):
    with open(AXE, encoding="utf-8") as source:
        axe = source.read()
    page = browser.new_page(bypass_csp=True, color_scheme=scheme, reduced_motion="reduce")
    page.goto(file.as_uri())
    page.evaluate(axe)
    for at in (6, 27):
        page.evaluate(f"go({at})")
        page.evaluate("derive(2)")
        found = page.evaluate("axe.run().then((result) => result.violations)")
        assert [(fault["id"], fault["impact"], [node["html"][:80] for node in fault["nodes"]]) for fault in found] == []
    page.close()
