"""MathML says what the LaTeX says: it is turned back into LaTeX, which an independent reader works out."""

from xml.etree import ElementTree

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from latex_reader import FUNCTIONS, read
from random_graphs import carried_over, random_graph

from micrograd_nn import TABLE, Value
from micrograd_nn.derive import Symbol, explain
from micrograd_nn.draw.mathml import GREEK, mathml
from micrograd_nn.notation.latex import label_latex

ELEMENTS = {
    "math",
    "mrow",
    "mi",
    "mn",
    "mo",
    "mtext",
    "mfrac",
    "msqrt",
    "msub",
    "msup",
    "mtable",
    "mtr",
    "mtd",
    "mspace",
}
SIGNS = {
    "·": r"\cdot ",
    "−": "-",
    "(": r"\left(",
    ")": r"\right)",
    "[": r"\left[",
    "]": r"\right]",
    "{": r"\{",
    "}": r"\}",
}
LETTERS = {letter: name for name, letter in GREEK.items()}


def latex_of(element):
    """MathML as LaTeX again, written independently of what made it."""
    parts = [latex_of(child) for child in element]
    text = element.text or ""
    if element.tag == "mfrac":
        return rf"\frac{{{parts[0]}}}{{{parts[1]}}}"
    if element.tag == "msqrt":
        return rf"\sqrt{{{''.join(parts)}}}"
    if element.tag == "msub":
        return f"{parts[0]}_{{{parts[1]}}}"
    if element.tag == "msup":
        return f"e^{{{parts[1]}}}" if parts[0] == "e" else f"{{{parts[0]}}}^{{{parts[1]}}}"
    if element.tag == "mo":
        return bar(element) if text == "|" else SIGNS.get(text, text)
    if element.tag == "mi" and element.get("mathvariant"):
        escaped = text.replace("_", r"\_")
        return (
            rf"\operatorname{{{escaped}}}" if rf"\operatorname{{{escaped}}}" in FUNCTIONS else rf"\mathrm{{{escaped}}}"
        )
    if element.tag == "mi" and (len(text) > 1 or text in LETTERS):
        return rf"\{LETTERS.get(text, text)} "
    return text + "".join(parts)


def bar(element):
    return r"\left|" if element.get("first") else r"\right|"


def parsed(latex):
    tree = ElementTree.fromstring(mathml(latex))
    for row in tree.iter("mrow"):
        if len(row) and row[0].text == "|":
            row[0].set("first", "yes")
    return tree


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_row_says_the_same_in_mathml(name):
    row = TABLE[name]
    latex = row(*[Symbol(name) for name in ("p1", "q")[: row.arity]]).latex()
    numbers = {"p_{1}": mpmath.mpf("0.25"), "q": mpmath.mpf("0.75")}  # where every row is real
    assert read(latex_of(parsed(latex)), numbers) == read(latex, numbers)


@pytest.mark.parametrize("seed", range(40))
def test_random_formulas_say_the_same_in_mathml(seed):
    root, leaves = random_graph(seed, n_nodes=6)
    symbols = carried_over(root, {leaf: Symbol(leaf.label) for leaf in leaves}, Symbol.of)
    latex = symbols[root].latex()
    numbers = {label_latex(leaf.label): mpmath.mpf(leaf.data) for leaf in leaves}
    assert read(latex_of(parsed(latex)), numbers) == read(latex, numbers)


def test_a_derivation_is_a_table_with_a_row_per_line():
    x, w = Value(2.0, "x"), Value(0.5, "w")
    h = w * x
    h.label = "h"
    tree = ElementTree.fromstring(mathml(explain(h * h, w).latex(), block=True))
    assert len(list(tree.iter("mtr"))) == explain(h * h, w).latex().count("&=") > 1
    assert all(len(row) == 2 for row in tree.iter("mtr"))


@given(st.text(max_size=60))
def test_whatever_the_text_it_is_well_formed_and_holds_formulas_only(text):
    clean = "".join(c for c in text if c.isprintable())
    tree = ElementTree.fromstring(mathml(clean))
    assert {element.tag for element in tree.iter()} <= ELEMENTS


@given(st.text(max_size=60))
def test_a_label_in_a_formula_is_text(label):
    tree = ElementTree.fromstring(mathml(label_latex(label)))
    assert {element.tag for element in tree.iter()} <= ELEMENTS
    assert all(set(element.attrib) <= {"mathvariant", "form", "lspace", "rspace", "width"} for element in tree.iter())


def test_a_deep_formula_needs_no_recursion():
    depth = 20_000
    assert mathml("{" * depth + "x" + "}" * depth).count("x") == 1


def test_a_step_of_descent_has_its_arrow():
    assert "".join(parsed(r"w \leftarrow w").itertext()) == "w←w"


def test_a_minus_sign_stands_close_where_it_opens():
    assert mathml("= -2").count('form="prefix"') == 1
    assert mathml("a - 2").count('form="prefix"') == 0
    assert mathml(r"\left(a\right) - 2").count('form="prefix"') == 0
