"""The live page as it is built, in a real browser, served from this machine with every other host out of reach.

The page's own Python is fetched when the site is built (`python -m docs`); where that has not happened, these tests are
skipped and say so.
"""

import functools
import http.server
import os
import threading
import time
from pathlib import Path

import pytest
from browsers import chromium

from docs import live
from micrograd_nn import Value, formula
from micrograd_nn.notation.text import rounded

pytestmark = pytest.mark.slow
DOCS = live.HERE
AXE = os.environ.get("AXE_CORE", "")
SIZES = [(1280, 800), (800, 600), (390, 844)]
TITLES = [lesson["title"] for lesson in live.lessons(DOCS)]


@pytest.fixture(scope="module")
def address():
    """The page, made of today's files, on a port of its own."""
    if not (live.vendor.brought(DOCS / "_vendor", "pyodide") / "pyodide.mjs").is_file():
        pytest.skip("the page's Python is not here; `python -m docs` fetches it")
    live.write(DOCS)
    handler = functools.partial(QuietHandler, directory=DOCS / "_live")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/live/"
    server.shutdown()
    server.server_close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def desk(browser, address):
    """The page, opened once; whatever it asks of another host, and any message on its console, is a fault."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce").new_page()
    page.faults = []
    page.on("console", lambda message: page.faults.append(message.text))
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("request", lambda sent: None if sent.url.startswith((address, "blob:")) else page.faults.append(sent.url))
    page.goto(address)
    opened(page)
    yield page
    page.context.close()


@pytest.fixture
def page(desk):
    """The page with its first lesson open as it was at the beginning."""
    desk.select_option("#lessons", label=TITLES[1])
    desk.select_option("#lessons", label=TITLES[0])
    words(desk, ".training .words", "After 0 epochs the mean loss of 4 samples")
    yield desk
    assert desk.faults == []


def opened(page):
    page.locator(".graph .node").first.wait_for(timeout=60_000)
    page.locator("#status:empty").wait_for(state="attached")


def lesson(page, title):
    page.select_option("#lessons", label=title)
    page.locator(f'#lessons option:checked:text-is("{title}")').wait_for(state="attached")


def words(page, selector, text):
    page.locator(selector, has_text=text).first.wait_for(timeout=20_000)


def write(page, text):
    page.click("#edit")
    page.fill("#text", text)
    page.click("#editor button")


def choose(page, name):
    page.locator(f"tbody button:text-is('{name}')").first.click()
    words(page, ".derivation h2", f"{name} = ")


def test_the_first_answer_comes_soon(browser, address):
    """Cold, then warm: generous here, since a test is no measurement; the figures are in the changelog."""
    context = browser.new_context()
    for limit in (30, 15):
        page = context.new_page()
        begun = time.perf_counter()
        page.goto(address)
        opened(page)
        assert time.perf_counter() - begun < limit
        page.close()
    context.close()


RIGHT = (  # of each lesson a leaf, and the partial that a person would write
    ("b3", "-2*(y - o1)*o1*(1 - o1)"),
    ("w1", "x1*(1 - o^2)"),
    ("b", "o - y"),
    ("v1", "(o - t)*o*(1 - o)*h1"),
    ("z1", "p1 - 1"),
    ("y", "2*(y - h3)"),
    ("w", "-2*(y - o)*x"),
)


@pytest.mark.parametrize(("title", "leaf", "formula"), [(t, *r) for t, r in zip(TITLES, RIGHT, strict=True)])
def test_a_lesson_is_opened_stepped_folded_dragged_derived_and_trained(page, title, leaf, formula):
    lesson(page, title)
    name = live.lessons(DOCS)[TITLES.index(title)]["text"].splitlines()[-1].split(" = ")[0]
    words(page, "h1", f"through {name}")
    page.keyboard.press("End")
    words(page, "nav output", "/")
    if page.locator("[data-do=fold]").count():
        page.click("[data-do=fold]")
        words(page, "[data-do=fold]", "Unfold all")
        page.click("[data-do=fold]")
    choose(page, leaf)
    page.fill(".touch label:has-text('Number') input", "0.75")
    words(page, ".derivation h2", f"{leaf} = 0.75")
    page.click("[data-do=nudge]")
    words(page, ".said", "the slope is")
    for entry, mark in (("12345", "✗"), (formula, "✓")):
        page.fill(".touch label:has-text('Your own') input", entry)
        page.click("[data-do=check]")
        words(page, ".said", mark)
    if page.locator(".training").count():
        page.click("text=One epoch")
        words(page, ".training .words", "After 1 epoch the mean loss")


def test_a_slip_is_named_and_the_right_derivation_accepted(page):
    choose(page, "b3")
    page.fill(".touch input[type=text]", "2*(y - o1)*o1*(1 - o1)")
    page.click("[data-do=check]")
    words(page, ".said", "sign")
    page.fill(".touch input[type=text]", "-2*(y - o1)*o1*(1 - o1)")
    page.click("[data-do=check]")
    words(page, ".said", "✓")


def test_the_tutor_asks_step_by_step(page):
    choose(page, "w5")
    page.click("[data-do=tutor]")
    words(page, ".derivation label", "∂L/∂o1 = ?")
    assert not page.locator("tbody .gradient").first.is_visible()
    entry = page.locator("label:has-text('= ?') input")
    entry.fill("2*(y - o1)")
    entry.press("Enter")
    words(page, ".said", "✗ Not yet: the sign is the other way round")
    page.click("[data-do=hint]")
    words(page, ".said", "Hint 1 of 3")
    for right, asks in (("-2*(y - o1)", "∂o1/∂w5 = ?"), ("h1*o1*(1 - o1)", "∂L/∂w5 = ?")):
        entry.fill(right)
        entry.press("Enter")
        words(page, ".derivation label", asks)
    entry.fill("-2*(y - o1)*h1*o1*(1 - o1)")
    entry.press("Enter")
    words(page, ".derivation label", "That was all.")
    page.click("[data-do=hide]")


def test_gradients_are_hidden_from_who_derives_them(page):
    page.click("[data-do=last]")
    gradient = page.locator("tbody .gradient", has_text="0").first
    gradient.wait_for(state="visible")
    page.click("[data-do=hide]")
    gradient.wait_for(state="hidden")
    choose(page, "b3")
    assert not page.locator(".derivation .formula").is_visible()
    page.click("[data-do=hide]")
    gradient.wait_for(state="visible")


def test_a_network_learns_and_the_link_keeps_it(page, address):
    page.fill(".training input", "0.5")
    page.click("text=100 epochs")
    words(page, ".training .words", "After 100 epochs the mean loss of 4 samples is 0.00")
    page.locator(".updates caption").wait_for()
    page.wait_for_timeout(600)
    learnt = page.locator("tbody tr:has(button:text-is('w5')) .number").first.text_content()
    other = page.context.new_page()
    other.goto(page.url)
    opened(other)
    assert other.locator("tbody tr:has(button:text-is('w5')) .number").first.text_content() == learnt
    other.close()
    page.click("text=Rewind")
    words(page, ".training .words", "After 0 epochs")
    page.click("text=One sample")
    words(page, ".training .words", "After 0.25 epochs")


def test_a_runaway_training_is_stopped(page):
    rows = ", ".join(f"({k / 500}, {k / 250})" for k in range(1000))
    write(page, f"x, y = {rows}\nw = 0.5\nb = 0\nL = (y - w*x - b)^2")
    words(page, ".training .words", "1000 samples")
    page.click("text=100 epochs")
    page.click("#stop")
    words(page, "#status", "Stopped. The numbers are those of before.")
    page.click("text=One sample")
    words(page, ".training .words", "After 0.001 epochs")


@pytest.mark.parametrize(
    "text", ["<img src=x onerror=alert(1)> = 1", "w = 1\nL = " + "(" * 5000 + "w", "x" * 9000, "L = import os"]
)
def test_hostile_text_is_answered_in_words(page, text):
    write(page, text)
    page.locator("#fault:not(:empty)").wait_for()
    assert page.locator("img").count() == 0
    assert page.locator(".graph .node").count() > 3


def test_it_can_be_taken_away(page):
    inside = {"lesson.py": 'v["L"]', "graph.svg": "h1 = σ(v4)", "sheet.html": "<h1", "key.html": "<math"}
    for button, name in zip(("#python", "#svg", "#sheet", "#key"), inside, strict=True):
        with page.expect_download() as download:
            page.click(button)
        assert download.value.suggested_filename == name
        content = Path(download.value.path()).read_text(encoding="utf-8")
        assert inside[name] in content


FORMULAS = (
    "sigmoid(w)*tanh(w)/3",
    "e^w/(1 + e^w)",
    "ln(1 + w^2) - |w|",
    "w^w",
    "sqrt(w) + cos(w)",
    "relu(w - 1) + softplus(-w)",
)


def test_its_numbers_are_those_of_the_package(page):
    """As shown, for formulas of every kind; the last bits are those of the machine's own tanh and sin."""
    for number in (0.3, 1.7, 2.5):
        for text in FORMULAS:
            page.evaluate("text => { location.hash = encodeURIComponent(text); }", f"w = {number}\nv = {text}\nL = v^2")
            words(page, "tbody tr:has(button:text-is('w')) .number", rounded(number))
            page.locator("[data-do=last]").click()
            words(page, "tbody tr:has(button:text-is('v')) .number", rounded(formula(text, {"w": Value(number)}).data))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_it_fits_and_is_usable_by_everybody(page, width, height, scheme):
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    assert page.locator("nav[aria-label=Steps]").is_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    if AXE:
        page.evaluate(Path(AXE).read_text(encoding="utf-8"))
        found = page.evaluate("async () => (await axe.run()).violations.map((v) => v.id + ': ' + v.nodes[0].html)")
        assert found == []
