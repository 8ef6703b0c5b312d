"""The walk in a real browser: what it shows at every step, how it folds, zooms and fits, and that everybody can use it.

axe-core is run where AXE_CORE names its axe.min.js; the checks that this file makes by itself run in any case.
"""

import os

import pytest
from browsers import chromium, watched
from pictures import friends_loss

from micrograd_nn import MLP, Value, mse, relu, sigmoid
from micrograd_nn.draw import walk
from micrograd_nn.draw.story import Story
from micrograd_nn.engine.value import Constant
from micrograd_nn.notation.text import rounded

AXE = os.environ.get("AXE_CORE", "")
SIZES = [(1280, 800), (800, 600), (1920, 1080), (390, 844), (1024, 768)]


def neuron():
    """Three operations."""
    out = sigmoid(Value(0.5, "w") * Value(2.0, "x") + Value(-1.0, "b"))
    out.label = "L"
    return out


def wide():
    """More than 150 values: two hidden layers."""
    loss = mse(MLP(4, [6, 3, 1], activation="tanh", output="sigmoid", seed=1)([0.5, -0.2, 0.3, 1.0]), Value(1, "y"))
    loss.label = "L"
    return loss


GRAPHS = {"neuron": neuron, "friends": lambda: friends_loss()[1], "wide": wide}


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A function that writes a graph's walk once."""
    folder, saved = tmp_path_factory.mktemp("walk"), {}

    def file(name):
        if name not in saved:
            saved[name] = walk(GRAPHS[name]()).save(folder / f"{name}.html")
        return saved[name]

    return file


@pytest.fixture
def opened(browser, files):
    """A function that opens a walk and watches it: whatever is logged or fetched ends up in .faults."""
    with watched(browser) as new_page:

        def open_page(name="friends", **options):
            page = new_page(**{"viewport": {"width": 1440, "height": 1000}, **options})
            page.on("request", lambda request: page.faults.append(request.url))
            page.goto(files(name).as_uri())
            page.wait_for_selector(".graph .node")
            assert page.faults == [files(name).as_uri()]  # the page itself is all that was ever asked for
            page.faults.clear()
            return page

        yield open_page


def go(page, step):
    page.fill(".slider", str(step))


def last_of(page):
    return int(page.get_attribute(".slider", "max"))


def told(folded=False):
    """Per step: the place of the value at work, and the gradients so far as they are written."""
    story = Story(friends_loss()[1])
    gradients = [None if isinstance(node, Constant) else "–" for node in story.order]
    seen = []
    for moment in story.moments:
        for place, _, total in moment.gathered:
            gradients[place] = rounded(total)
        if moment.module is None or moment.whole == folded:
            seen.append((moment.place, list(gradients), moment.phase, moment.operands))
    return story, seen


SHOWN = """() => ({
    step: Number(document.querySelector(".slider").value),
    where: document.querySelector("output").textContent,
    box: Object.fromEntries([...document.querySelectorAll("g.node")]
        .map((g) => [g.dataset.place, g.querySelector(".gradient")?.textContent ?? null])),
    row: Object.fromEntries([...document.querySelectorAll("tbody tr")]
        .map((tr) => [tr.dataset.place, tr.querySelector(".gradient").textContent])),
    numbers: Object.fromEntries([...document.querySelectorAll("tbody tr")]
        .map((tr) => [tr.dataset.place, tr.querySelector(".number").textContent])),
    atWork: [...document.querySelectorAll("g.node.at-work")].map((g) => Number(g.dataset.place)),
    lines: [...document.querySelectorAll("g.edge.at-work")]
        .map((g) => [Number(g.dataset.from), Number(g.dataset.into)]),
    near: [...document.querySelectorAll("g.node.near")].map((g) => Number(g.dataset.place)),
    waiting: [...document.querySelectorAll("g.node.waiting")].map((g) => Number(g.dataset.place)),
    flowed: [...document.querySelectorAll("g.edge.flowed")].map((g) => Number(g.dataset.into)),
    bars: [...document.querySelectorAll(".track > *")]
        .map((bar) => [bar.textContent, Number(bar.style.flexGrow), bar.classList.contains("on")]),
    slopes: [...document.querySelectorAll("g.edge.at-work.backward text")]
        .filter((text) => getComputedStyle(text).visibility === "visible").map((text) => text.textContent),
})"""


def check(page, at, story, seen):
    place, gradients, phase, operands = seen[at]
    shown = page.evaluate(SHOWN)
    computed, went_back = ({step[0] for step in seen[: at + 1] if step[2] == p} for p in ("forward", "backward"))
    assert shown["step"] == at
    assert shown["where"] == f"{at} / {len(seen) - 1}"
    assert shown["box"] == {str(i): gradient for i, gradient in enumerate(gradients)}
    assert shown["row"] == {str(i): gradient for i, gradient in enumerate(gradients) if gradient is not None}
    assert shown["atWork"] == ([] if place is None else [place])
    assert {*shown["near"]} == {*operands}
    assert {*shown["waiting"]} == {i for i, node in enumerate(story.order) if node.operation} - computed
    assert {*shown["flowed"]} == went_back
    forward, backward = (sum(step[2] == p for step in seen) for p in ("forward", "backward"))
    assert shown["bars"] == [
        ["forward", forward + 1, phase == "forward"],  # up to where it turns around
        ["backward", backward, phase == "backward"],
    ]
    for i, node in enumerate(story.order):
        if not isinstance(node, Constant):
            told = node.operation is None or i in computed
            assert shown["numbers"][str(i)] == (rounded(node.data) if told else "")
    if phase in ("forward", "backward"):
        node = story.order[place]
        assert sorted(shown["lines"]) == sorted([story.place[operand], place] for operand in node.operands)
        if phase == "backward":
            slopes = [s for s, o in zip(node.partials, node.operands, strict=True) if not isinstance(o, Constant)]
            assert sorted(filter(None, shown["slopes"])) == sorted(map(rounded, slopes))


def press(page, name):
    page.evaluate("(name) => document.querySelector(`[data-do=${name}]`).click()", name)


def test_every_step_forward_and_back_shows_the_numbers_of_steps(opened):
    page = opened()
    story, seen = told()
    for at in range(len(seen)):
        check(page, at, story, seen)
        if at < len(seen) - 1:
            press(page, "next")
    assert page.locator("[data-do=next]").is_disabled()
    for at in reversed(range(len(seen))):
        check(page, at, story, seen)
        if at:
            press(page, "back")
    assert page.locator("[data-do=back]").is_disabled()


@pytest.mark.slow
def test_the_formula_of_a_step_holds_its_numbers_and_stands_beside_the_picture(opened):
    page = opened()
    story, seen = told()
    for at, (place, _, phase, _) in enumerate(seen):
        if phase != "backward":
            continue
        go(page, at)
        step = story.steps[story.order[place]]
        formula = page.text_content(".now math")
        words = page.inner_text(".now .words")
        for x, operand in zip(step.partials, step.operands, strict=True):
            if not isinstance(operand, Constant):
                assert rounded(x) in formula
                assert rounded(x) in words
        assert rounded(step.upstream) in words
        picture, now = page.locator(".graph").bounding_box(), page.locator(".now").bounding_box()
        assert picture["x"] + picture["width"] <= now["x"]
        assert abs(picture["y"] - now["y"]) < 60


def test_keys_and_slider_go_where_they_should(opened):
    page = opened()
    story, seen = told()
    last = len(seen) - 1
    for key, at in [
        ("End", last),
        ("ArrowLeft", last - 1),
        ("Home", 0),
        ("ArrowLeft", 0),
        ("ArrowRight", 1),
        ("ArrowRight", 2),
    ]:
        page.keyboard.press(key)
        check(page, at, story, seen)
    for at in (7, last, 0, 20):
        go(page, at)
        check(page, at, story, seen)
    page.focus(".slider")
    page.keyboard.press("ArrowRight")
    check(page, 21, story, seen)
    assert page.get_attribute(".slider", "aria-valuetext").startswith(f"step 21 of {last}: ")
    page.click("[data-do=last]")
    check(page, last, story, seen)
    page.click("[data-do=first]")
    check(page, 0, story, seen)


@pytest.mark.slow
def test_it_plays_by_itself_and_stops_when_somebody_steps(opened):
    page = opened()
    page.clock.install()
    at = lambda: int(page.input_value(".slider"))  # noqa: E731
    page.click("[data-do=play]")
    assert page.get_attribute("[data-do=play]", "aria-label") == "Pause"
    page.clock.run_for(3300)
    assert at() == 2
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("[data-do=play]", "aria-label") == "Play"
    page.clock.run_for(10_000)
    assert at() == 3
    page.click("[data-do=last]")
    page.click("[data-do=play]")
    page.clock.run_for(1700 * 40)
    assert at() == last_of(page)
    assert page.get_attribute("[data-do=play]", "aria-label") == "Play"


@pytest.mark.slow
def test_a_click_on_a_value_shows_its_derivation_and_moves_the_focus_there(opened):
    page = opened()
    story, _ = told()
    for place, node in list(enumerate(story.order))[::4]:
        if isinstance(node, Constant):
            continue
        page.locator(f'g.node[data-place="{place}"]').dispatch_event("click")
        by_click = page.inner_text(".derivation")
        assert rounded(node.data) in by_click
        assert page.evaluate("document.activeElement.closest('.derivation') !== null")
        page.locator(f'table button[data-place="{place}"]').focus()
        page.keyboard.press("Enter")
        assert page.inner_text(".derivation") == by_click
    w1 = story.names.index("w1")
    page.locator(f'g.node[data-place="{w1}"]').click()
    derived = page.text_content(".derivation math")
    assert "0.113422" in derived  # by hand: -2(1 - o1) · o1(1 - o1)·w5 · h1(1 - h1)·x1


# ---- modules ----


def modules(page):
    return page.evaluate(
        "() => ({ open: [...document.querySelectorAll('.handle')].map((g) => g.textContent.slice(2)),"
        " folded: [...document.querySelectorAll('g.node.module .name')].map((t) => t.textContent) })"
    )


def test_units_fold_and_unfold_by_click_and_by_key(opened):
    page = opened()
    assert modules(page) == {"open": ["h1", "h2", "o1", "L"], "folded": []}
    page.locator(".handle[aria-label='Fold h1']").click()
    assert modules(page) == {"open": ["h2", "o1", "L"], "folded": ["h1"]}
    page.locator("g.node.module").click()
    assert modules(page)["folded"] == []
    page.focus(".handle[aria-label='Fold h2']")
    page.keyboard.press("Enter")
    assert modules(page) == {"open": ["h1", "o1", "L"], "folded": ["h2"]}
    folded = page.locator("g.node.module")
    assert page.evaluate("element => element === document.activeElement", folded.element_handle())
    assert folded.get_attribute("aria-expanded") == "false"
    page.keyboard.press(" ")
    assert modules(page)["folded"] == []
    assert page.get_attribute(".handle[aria-label='Fold h2']", "aria-expanded") == "true"
    page.keyboard.press("a")
    assert modules(page) == {"open": [], "folded": ["h1", "h2", "o1", "L"]}
    page.click("text=Unfold all")
    assert modules(page)["folded"] == []
    go(page, 3)  # inside h1
    page.keyboard.press("f")
    assert modules(page)["folded"] == ["h1"]
    assert page.inner_text(".now h2") == "Compute h1"


@pytest.mark.slow
def test_a_folded_walk_takes_a_unit_in_one_step(opened):
    page = opened()
    page.keyboard.press("a")
    _, seen = told(folded=True)
    assert last_of(page) == len(seen) - 1 == 9
    for at, (place, gradients, phase, operands) in enumerate(seen):
        go(page, at)
        shown = page.evaluate(SHOWN)
        assert shown["atWork"] == ([] if place is None else [place])
        assert shown["box"] == {key: gradients[int(key)] for key in shown["box"]}
        assert shown["row"] == {str(i): gradient for i, gradient in enumerate(gradients) if gradient is not None}
        if phase == "backward":
            formula = page.text_content(".now math")
            assert all(gradients[i] in formula for i in operands)


@pytest.mark.slow
def test_folding_keeps_the_place_in_the_walk(opened):
    page = opened()
    go(page, 20)
    before = page.inner_text(".now h2")
    page.keyboard.press("a")
    page.keyboard.press("a")
    assert page.inner_text(".now .phase") == "Backward"
    go(page, 20)
    assert page.inner_text(".now h2") == before


def test_from_60_values_on_units_are_folded_at_first(opened):
    page = opened("wide")
    assert modules(page) == {"open": [], "folded": [f"h{i}" for i in range(1, 10)] + ["o1", "L"]}
    assert page.locator("g.node").count() == 4 + 11


# ---- what is seen ----


IN_VIEW = """(selector) => {
    const inside = (box, frame) => box.left >= frame.left - 1 && box.right <= frame.right + 1
        && box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1;
    const screen = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
    const element = document.querySelector(selector);
    if (!element) return true;
    const box = element.getBoundingClientRect();
    for (let e = element.parentElement; e; e = e.parentElement) {
        if (getComputedStyle(e).overflow !== "visible" && !inside(box, e.getBoundingClientRect())) return false;
    }
    return inside(box, screen) && scrollX === 0 && scrollY === 0;
}"""


def in_view(page, at):
    go(page, at)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    assert page.evaluate(IN_VIEW, "g.node.at-work > rect"), at
    assert page.evaluate(IN_VIEW, ".now h2"), at
    whole = page.evaluate("document.querySelector('g.node.module.at-work') !== null")
    assert page.evaluate(IN_VIEW, ".now mtr" if whole else ".now math"), at
    letters = page.evaluate("document.querySelector('.scene').getBoundingClientRect().width") and page.evaluate(
        "new DOMMatrix(getComputedStyle(document.querySelector('.scene')).transform).a"
    )
    assert 12 * letters > 7.9  # pixels of the writing in a box


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("size", [SIZES[0], SIZES[3]], ids=str)
def test_the_lit_value_and_its_formula_are_seen_without_scrolling(opened, name, size):
    page = opened(name, viewport={"width": size[0], "height": size[1]})
    last = last_of(page)
    for at in sorted({1, last // 3, last // 2, last - 1, last}):
        in_view(page, at)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_at_every_step_the_lit_value_and_its_formula_are_seen(opened, name, size, scheme):
    page = opened(name, viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    for _ in range(2):  # as it opens, and with all modules folded or unfolded
        last = last_of(page)
        for at in range(0, last + 1, 1 + last // 60):
            in_view(page, at)
        page.keyboard.press("a")


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_three_operations_fill_their_page(opened, size):
    page = opened("neuron", viewport={"width": size[0], "height": size[1]})
    scene, graph = page.locator(".scene").bounding_box(), page.locator(".graph").bounding_box()
    assert scene["width"] > 0.7 * graph["width"] or scene["height"] > 0.6 * graph["height"]
    assert graph["width"] * graph["height"] > 0.3 * size[0] * size[1]


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_no_width_makes_the_page_scroll_sideways(opened, width):
    page = opened(viewport={"width": width, "height": 844})
    for at in (0, 12, 25):
        go(page, at)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(IN_VIEW, "g.node.at-work > rect")


def scale(page):
    return page.evaluate("new DOMMatrix(getComputedStyle(document.querySelector('.scene')).transform).a")


def test_the_picture_zooms_pans_and_fits_by_wheel_button_key_and_drag(opened):
    page = opened("wide", viewport={"width": 1024, "height": 768})
    page.keyboard.press("a")
    before = scale(page)
    page.keyboard.press("+")
    assert scale(page) == pytest.approx(1.25 * before)
    page.click("[data-do=out]")
    assert scale(page) == pytest.approx(before)
    page.hover(".graph")
    page.mouse.wheel(0, -200)
    page.wait_for_function(
        "before => new DOMMatrix(getComputedStyle(document.querySelector('.scene')).transform).a > before",
        arg=before * 1.3,
    )
    page.click("[data-do=fit]")  # the whole, however small
    scene, graph = page.locator(".scene").bounding_box(), page.locator(".graph").bounding_box()
    assert graph["x"] <= scene["x"]
    assert scene["x"] + scene["width"] <= graph["x"] + graph["width"] + 1
    assert scene["y"] + scene["height"] <= graph["y"] + graph["height"] + 1
    middle = graph["x"] + graph["width"] / 2, graph["y"] + graph["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 60, middle[1] + 30)
    page.mouse.up()
    moved = page.locator(".scene").bounding_box()
    assert (moved["x"] - scene["x"], moved["y"] - scene["y"]) == pytest.approx((60, 30), abs=1)
    assert page.locator(".derivation").is_hidden()  # a drag is no click
    page.keyboard.press("Shift+ArrowLeft")
    assert page.locator(".scene").bounding_box()["x"] == pytest.approx(moved["x"] + 60, abs=1)
    page.keyboard.press("0")
    page.keyboard.press("0")  # and back to where the work is
    in_view(page, 7)


LAID_OUT = """() => {
    const box = (element) => element.getBoundingClientRect();
    const boxes = [...document.querySelectorAll("g.node")].map((g) => box(g.querySelector("rect:not(.behind)")));
    const meet = (a, b, room) => a.left < b.right - room && b.left < a.right - room
        && a.top < b.bottom - room && b.top < a.bottom - room;
    const texts = [...document.querySelectorAll("g.edge text")]
        .filter((text) => text.textContent && getComputedStyle(text).visibility === "visible");
    const faults = [];
    boxes.forEach((a, i) => boxes.slice(0, i).forEach((b) => { if (meet(a, b, 0)) faults.push(["boxes", i]); }));
    texts.forEach((text, i) => {
        for (const other of texts.slice(0, i)) {
            if (meet(box(text), box(other), 3)) faults.push(["numbers", text.textContent, other.textContent]);
        }
        const line = text.parentElement.querySelector("path"), length = line.getTotalLength();
        const [x, y] = [Number(text.getAttribute("x")), Number(text.getAttribute("y")) - 4];
        const near = Math.min(...Array.from({ length: 201 }, (_, k) => {
            const point = line.getPointAtLength((length * k) / 200);
            return Math.hypot(point.x - x, point.y - y);
        }));
        if (near > 3) faults.push(["number off its line", text.textContent, near]);
    });
    for (const group of document.querySelectorAll("g.edge")) {
        const points = group.querySelector("path").getAttribute("d").match(/-?[\\d.]+/g).map(Number);
        if (points[0] > points.at(-2)) faults.push(["a line that runs back", group.dataset.into]);
    }
    return faults;
}"""


@pytest.mark.parametrize("name", GRAPHS)
def test_no_box_lies_on_another_and_each_number_on_its_own_line(opened, name):
    page = opened(name)
    for _ in range(2):
        page.keyboard.press("End")
        assert page.evaluate(LAID_OUT) == []
        page.keyboard.press("a")


def test_it_works_in_a_sandboxed_frame_as_a_notebook_shows_it(browser):
    _, loss = friends_loss()
    page = browser.new_page()
    faults = []
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.set_content(walk(loss)._repr_html_())
    frame = page.frame_locator("iframe")
    for _ in range(3):
        frame.locator("[data-do=next]").click()
    assert frame.locator("output").inner_text().startswith("3 / ")
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
    page.click("[data-do=next]")
    page.locator("tbody button").first.click()
    assert faults == [path.as_uri()]
    assert page.locator("img, b").count() == 0
    assert page.locator("tbody button").first.inner_text() == label[:24] + "…"
    page.close()


def test_a_bend_that_lets_nothing_through_is_marked_with_the_reason(browser, tmp_path):
    h = sigmoid(Value(9.0, "x"))
    h.label = "h"
    z = relu(Value(-1.0, "a"))
    z.label = "z"
    page = browser.new_page()
    page.goto(walk(h + z).save(tmp_path / "walk.html").as_uri())
    page.keyboard.press("End")
    marks = page.locator(".flat.shown")
    assert marks.locator("text").all_text_contents() == ["saturated", "dead"]
    reasons = marks.locator("title").all_text_contents()
    assert [reason.split(" is flat here.")[0] for reason in reasons] == ["Saturated: h", "Dead: z"]
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
    const judge = (element, colour, below) => {
        const [a, b] = [light(colour), light(below)].sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < 4.5) faults.push([element.outerHTML.slice(0, 90), (a + 0.05) / (b + 0.05)]);
    };
    for (const element of document.querySelectorAll("main *")) {
        if (element.closest("svg") || !element.checkVisibility() || element.matches("button:disabled")) continue;
        if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) continue;
        const colour = parse(getComputedStyle(element).color);
        if (colour.length === 4 && colour[3] === 0) continue;
        judge(element, colour, ground(element));
    }
    for (const text of document.querySelectorAll(".scene .node > text")) { // on the box that it stands in
        const box = text.parentElement.querySelector(":scope > rect:not(.behind)");
        judge(text, parse(getComputedStyle(text).fill), parse(getComputedStyle(box).fill));
    }
    return faults;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_writing_stands_out_in_light_and_dark(opened, scheme):
    page = opened(color_scheme=scheme)
    page.locator("table button").nth(3).click()
    for at in (0, 5, 19, 26, 35):
        go(page, at)
        assert page.evaluate(CONTRAST) == []
    page.keyboard.press("a")
    assert page.evaluate(CONTRAST) == []


@pytest.mark.slow
def test_everything_can_be_reached_by_keyboard_in_the_order_of_the_page(opened):
    page = opened()
    page.keyboard.press("ArrowRight")
    reached = []
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e);"
            " const inside = e.querySelector(':scope > rect');"
            " return [e.dataset.do || e.className.baseVal || e.getAttribute('aria-label') || e.innerText, e.tagName,"
            " s.outlineStyle !== 'none' || (inside && getComputedStyle(inside).strokeWidth === '3px')]; }"
        )
        if focused[1] == "BODY":
            break
        reached.append(focused[0].strip())
        assert focused[2], focused  # and the focus is seen
    story, _ = told()
    assert reached.count("handle") == 4
    assert reached[4:8] == ["fold", "out", "in", "fit"]
    assert reached[-5:] == ["back", "play", "next", "last", "Step"]
    named = [story.names[i] for i, node in enumerate(story.order) if not isinstance(node, Constant)]
    assert [name for name in reached if name in named] == named


def test_what_a_screen_reader_is_told(opened):
    page = opened()
    tree = page.locator("main").aria_snapshot()
    for part in (
        'heading "Forward and backward through L"',
        'group "The graph of L',
        'button "Fold h1" [expanded]',
        'button "Step forward"',
        'slider "Step"',
        'region "This step"',
        'columnheader "gradient"',
        'button "w1"',
        'rowheader "w1"',
    ):
        assert part in tree
    assert page.locator("[aria-live]").count() == 1
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((h) => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert set(levels[1:]) == {2}
    assert page.evaluate("[...document.querySelectorAll('th')].every((th) => th.scope)")


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isfile(AXE), reason="AXE_CORE names no axe.min.js")
@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault(browser, files, scheme, name):
    with open(AXE, encoding="utf-8") as source:
        axe = source.read()
    for width in (1280, 390):
        viewport = {"width": width, "height": 800}
        page = browser.new_page(bypass_csp=True, color_scheme=scheme, reduced_motion="reduce", viewport=viewport)
        page.goto(files(name).as_uri())
        page.evaluate(axe)
        for share in (0.2, 0.9):
            go(page, int(share * last_of(page)))
            page.locator("table button:visible").nth(2).click()
            found = page.evaluate("axe.run().then((result) => result.violations)")
            assert [(fault["id"], fault["impact"], [n["html"][:80] for n in fault["nodes"]]) for fault in found] == []
        page.close()
