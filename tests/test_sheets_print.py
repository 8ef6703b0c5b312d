"""Sheets and keys in a real browser, on A4 and on Letter: nothing is cut off, and each sheet has its own page."""

import re

import pytest
from browsers import chromium
from derivations.networks import SEEN
from derivations.record import record

from micrograd_nn import quiz
from micrograd_nn.draw.sheets import keys_page, sheets_page

PAPER = {"A4": 210 - 30, "Letter": 215.9 - 30}  # millimetres between the margins
MILLIMETRE = 96 / 25.4
CUT_OFF = """width => [...document.querySelectorAll("math, td, li, p, h1, h2")]
    .filter(part => part.getBoundingClientRect().right > width + 0.5).map(part => part.textContent.slice(0, 60))"""
NAMES = ("two inputs, sigmoid, mse", "softmax and categorical cross-entropy", "tanh, relu and sigmoid", "maxout")


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def quizzes():
    """By network: three sheets that ask for all there is."""
    roots = {network.name: record(network) for network in SEEN if network.name in NAMES}
    return {name: {seed: quiz(root, seed, ask_all(root)) for seed in (1, 2, 3)} for name, root in roots.items()}


def ask_all(root):
    return ["values", "slip", *(node.label for node in quiz(root).leaves)][:12]


@pytest.mark.parametrize("paper", PAPER)
@pytest.mark.parametrize("page_of", [sheets_page, keys_page])
def test_nothing_is_cut_off(browser, quizzes, page_of, paper):
    width = PAPER[paper] * MILLIMETRE
    page = browser.new_page(viewport={"width": int(width), "height": 900})
    page.emulate_media(media="print")
    for name, sheets in quizzes.items():
        page.set_content(page_of(sheets))
        assert page.evaluate(CUT_OFF, width) == [], name
    page.close()


@pytest.mark.parametrize("paper", PAPER)
def test_a_sheet_of_the_two_input_network_takes_one_page(browser, quizzes, paper):
    page = browser.new_page()
    root = quizzes[NAMES[0]][1].root
    page.set_content(sheets_page({seed: quiz(root, seed) for seed in range(1, 6)}))
    pdf = page.pdf(format=paper)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 5
    page.close()
