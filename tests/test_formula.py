"""Formulas: what is typed is what is computed; what is not allowed is refused, with its place, and nothing is run."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_graphs import at_stop, carried_over, random_graph

from micrograd_nn import UNREACHED, MicrogradError, Value
from micrograd_nn.derive import Symbol, simplify
from micrograd_nn.engine.operation import TABLE
from micrograd_nn.engine.value import topological_order
from micrograd_nn.errors import ArgumentTypeError, FormulaError
from micrograd_nn.notation._formula import formula, parse
from micrograd_nn.notation.latex import label_latex

NUMBERS = {"w1": 0.5, "x1": -2.0, "w2": 1.5, "x2": 3.0, "b1": 0.25, "h1": 0.7, "z": 0.4}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("w1*x1 + w2*x2 + b1", 0.5 * -2.0 + 1.5 * 3.0 + 0.25),
        ("w1x1 + w2x2 + b1", 0.5 * -2.0 + 1.5 * 3.0 + 0.25),
        ("w1·x1 − w2⋅x2", 0.5 * -2.0 - 1.5 * 3.0),
        ("-2(z - h1)", -2 * (0.4 - 0.7)),
        ("x1·h1(1 − h1)", -2.0 * 0.7 * (1 - 0.7)),
        ("(z)(h1)", 0.4 * 0.7),
        ("2(z - h1)^2", 2 * (0.4 - 0.7) ** 2),
        ("z^2(z - h1)(z + h1)", 0.4**2 * (0.4**2 - 0.7**2)),
        ("2z + 3.5w1", 2.55),
        ("1.5e2·z", 60.0),
        ("2e", 2 * math.e),
        ("-z^2", -(0.4**2)),
        ("z² + z**3", 0.4**2 + 0.4**3),
        ("2^-z", 2**-0.4),
        ("1/(1 + exp(-z))", 1 / (1 + math.exp(-0.4))),
        ("1/(1 + e^-z)", 1 / (1 + math.exp(-0.4))),
        ("σ(z)", 1 / (1 + math.exp(-0.4))),
        ("sigmoid'(z)", math.exp(-0.4) / (1 + math.exp(-0.4)) ** 2),
        ("tanh′(z)", 1 - math.tanh(0.4) ** 2),
        ("√(z) + ln(z)", math.sqrt(0.4) + math.log(0.4)),
        ("leaky_relu(x1)", -0.2),
        ("max(z, h1)", 0.7),
        ("[z > 0] + (z < 0)", 1.0),
        ("pi*+z", math.pi * 0.4),
        ("2(z - h1)z", 2 * (0.4 - 0.7) * 0.4),
        ("sin(z)cos(z)", math.sin(0.4) * math.cos(0.4)),
        ("-2x1(z - h1z - b1)", 4 * (0.4 - 0.28 - 0.25)),
        ("[z > 0]h1", 0.7),
        ("zh1^2", 0.4 * 0.7**2),
        ("(zh1)^2", (0.4 * 0.7) ** 2),
        ("pow(zh1, 2)", (0.4 * 0.7) ** 2),
        ("2^zh1^2", 2 ** (0.4 * 0.7**2)),
        ("zh1^zh1^2", 0.4 * 0.7 ** (0.4 * 0.7**2)),
        ("10⁴ + z⁻¹ + z¹⁰z", 1e4 + 2.5 + 0.4**11),
        ("z²h1", 0.4**2 * 0.7),
        ("z²·eᶻ + 2ze⁻ᶻ", 0.4**2 * math.exp(0.4) + 2 * 0.4 * math.exp(-0.4)),
        ("2ᶻ⁺¹ – h1∙z", 2**1.4 - 0.7 * 0.4),
        ("zσ(z)", 0.4 / (1 + math.exp(-0.4))),
        ("w1sin(z) - ztanh'(z)", 0.5 * math.sin(0.4) - 0.4 * (1 - math.tanh(0.4) ** 2)),
        ("z√(z)", 0.4**1.5),
        ("2πz + zπ", 3 * math.pi * 0.4),
        ("ze^(-z)", 0.4 * math.exp(-0.4)),
        (".5z", 0.2),
        ("½(z - h1)²", 0.5 * (0.4 - 0.7) ** 2),
        ("z[z > 0] + (z - h1)[z < 0]", 0.4),
        ("|x1| - 2z|z - h1|", 2.0 - 0.8 * 0.3),
        ("2e1", 20.0),
        ("2e1z", 8.0),
        ("z/w1x1", 0.4 / (0.5 * -2.0)),
        ("w1[z + h1]{z - h1}", 0.5 * (0.4**2 - 0.7**2)),
        ("2{[(z)]}^[2]", 2 * 0.4**2),
        ("||x1| - |z - h1||", 2.0 - 0.3),
        ("|z + |x1||h1", 2.4 * 0.7),
        ("tanh²(z) + tanh^2(h1) + 2tanh^(2)(b1)", math.tanh(0.4) ** 2 + math.tanh(0.7) ** 2 + 2 * math.tanh(0.25) ** 2),
        ("1 - w1tanh²(z)h1", 1 - 0.5 * math.tanh(0.4) ** 2 * 0.7),
        ("w1/tanh²(z)", 0.5 / math.tanh(0.4) ** 2),
        ("tanh z + 2·sin h1/z", math.tanh(0.4) + 2 * math.sin(0.7) / 0.4),
        ("√2 - √z", math.sqrt(2) - math.sqrt(0.4)),
        ("sin zh1", math.sin(0.4 * 0.7)),
        ("cosh(z)^2 - sinh²(z)", 1.0),
        ("sech²(z) + tanh²(z)", 1.0),
        ("ztan(h1)", 0.4 * math.tan(0.7)),
        (r"-2\left(z - h_1\right) \cdot x_{1}", -2 * (0.4 - 0.7) * -2.0),
        (r"\frac{w_{1} x_{1}}{{z}^{2}} + \sqrt{z}e^{-z}", -1.0 / 0.4**2 + math.sqrt(0.4) * math.exp(-0.4)),
        (r"\sigma\left(z\right)\left(1 - \sigma\left(z\right)\right)", math.exp(-0.4) / (1 + math.exp(-0.4)) ** 2),
        (r"\max\left(z, h_{1}\right) + \left[z > 0\right] - \left|x_{1}\right|", 0.7 + 1 - 2),
        (r"3 \cdot 10^{-2}z + 2\pi \, z", 0.012 + 0.8 * math.pi),
        (r"\operatorname{leaky\_relu}\left(x_{1}, 0.2\right)", -0.4),
        (" 3 ", 3.0),
    ],
)
def test_what_is_typed_is_what_is_computed(text, number):
    assert formula(text, NUMBERS).data == pytest.approx(number, rel=1e-15)


SIDES = {"x": 0.5, "y": -1.25, "z": 1.5, "(x - y)": 1.75, "(z)": 1.5, "(xy)": -0.625, "sin(z)": math.sin(1.5)}
POWERS = {"": 1, "^2": 2, "²": 2, "**3": 3, "^-1": -1}


@given(
    st.sampled_from(["", "2", "0.5", "-", "-3"]),
    st.lists(st.tuples(st.sampled_from([*SIDES]), st.sampled_from([*POWERS])), min_size=1, max_size=5),
    st.lists(st.sampled_from(["", " ", "·", "*", " · "]), min_size=5, max_size=5),
)
def test_a_product_may_be_written_without_its_signs(first, factors, between):
    text, number = first, float(f"{first}1" if first in ("", "-") else first)
    for (side, power), sign in zip(factors, between, strict=False):
        joined = sign if text.removeprefix("-") else ""
        if not joined and (side.startswith("sin") and text[-1:].isalpha()):
            joined = " "  # xsin(z) is another name
        text += joined + side + power
        number *= SIDES[side] ** POWERS[power]
    names = {name: SIDES[name] for name in "xyz"}
    assert formula(text, names).data == pytest.approx(number, rel=1e-13)


@pytest.mark.parametrize(
    ("text", "number"), [("2e1", 10.0), ("2e1^2", 50.0), ("-2e1(1 - e1)", 40.0), ("3e2 + e1·e", 300 + 5 * math.e)]
)
def test_a_name_of_the_caller_comes_before_an_exponent(text, number):
    assert formula(text, {"e1": 5.0}).data == pytest.approx(number, rel=1e-15)
    assert parse("2e1 + e1 + e").names == ["e1"]


@pytest.mark.parametrize("text", ["zh1^2", "e^2·z", "2e1^2", "zh1^zh1^2", "w'θ₁^2"])
def test_what_is_bound_is_worked_out_as_it_is(text):
    names = NUMBERS | {"θ₁": 2.0, "w'": 3.0}
    assert parse(text, names)(names) == parse(text)(names)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2/σ²(x − m)", 2 / 3.0**2 * (5.0 - 4.0)),  # the variance, and no sigmoid
        ("σ x", 15.0),
        ("σ x^2", 75.0),
        ("xσ²(x - m)", 45.0),
        ("tanh^2(x)", 7.0**2 * 5.0),
        ("tan(x)", 2.0 * 11.0 * 13.0 * 5.0),  # t·a·n·x
        ("tanh(x)", math.tanh(5.0)),
    ],
)
def test_a_name_of_the_caller_comes_before_a_function(text, number):
    names = {"σ": 3.0, "m": 4.0, "x": 5.0, "tanh": 7.0, "t": 2.0, "a": 11.0, "n": 13.0}
    bound = parse(text, names)
    assert formula(text, names).data == bound(names) == pytest.approx(number, rel=1e-15)


@pytest.mark.parametrize("label", ["x1", "x_1", "h1[2]", "bias", "ŷ", "alpha2", "é", "e", "π"])
def test_a_label_is_read_in_latex_as_it_is_typeset(label):
    assert formula(rf"2 \cdot {label_latex(label)}^{{2}}", {label: 3.0}).data == 18.0


def test_labels_with_a_number_or_an_apostrophe_are_names():
    assert formula("xh1[2]^2 + 2h1[2]", {"x": 3.0, "h1[2]": 2.0}).data == 16.0
    assert formula("3w' - w'x", {"w'": 2.0, "x": 5.0}).data == -4.0


def test_names_that_look_alike_are_those_of_the_caller():
    """Python reads identifiers in Unicode's NFKC form."""
    for label in ("ϵ", "µ", "ϕ", "ℓ", "e\u0301", "x₁", "θ₁"):
        assert formula(f"3{label} + {label}", {label: 2.0}).data == 8.0


def test_the_result_is_a_graph_on_the_given_nodes():
    w, x = Value(0.5, "w"), Value(2.0, "x")
    y = formula("tanh(w*x)", {"w": w, "x": x})
    y.backward()
    assert w.grad == pytest.approx(2.0 * (1 - math.tanh(1.0) ** 2))
    again = formula("w·x + 1", y)
    assert {w, x} < set(topological_order(again))


def test_labels_that_stand_twice_are_numbered():
    a, b = Value(2.0, "x"), Value(3.0, "x")
    assert formula("x[2] - x[1]", a * b).data == 1.0
    with pytest.raises(FormulaError, match=r"known are: x\[1\], x\[2\]"):
        formula("x", a * b)


@pytest.mark.parametrize("row", TABLE.values(), ids=lambda row: row.name)
def test_every_row_can_be_called_by_its_name(row):
    numbers = dict(zip("uv"[: row.arity], (0.3, 1.7), strict=False))
    assert formula(f"{row.name}({', '.join(numbers)})", numbers).data == row(*numbers.values())


@pytest.mark.parametrize("seed", range(150))
def test_what_a_symbol_prints_can_be_typed_again(seed):
    root, leaves = random_graph(seed, n_nodes=10)
    if any(at_stop(node.operation, *[o.data for o in node.operands]) for node in topological_order(root)):
        return
    symbol = carried_over(root, {leaf: Symbol(leaf.label) for leaf in leaves}, Symbol.of)[root]
    numbers = {leaf.label: leaf.data for leaf in leaves}
    assert formula(str(symbol), numbers).data == pytest.approx(root.data, rel=1e-12, abs=1e-12)
    assert formula(str(simplify(symbol)), numbers).data == pytest.approx(root.data, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("__import__('os')", 0, "unknown name '__import__'"),
        ("sigmoud(z)", 0, r"unknown function 'sigmoud'; did you mean the operation sigmoid\(…\)"),
        ("sigmoud", 0, r"did you mean the operation sigmoid\(…\)"),
        ("Z", 0, "did you mean z?"),
        ("arctan(z)", 0, "unknown function 'arctan'; did you mean"),
        ("floor(z)", 0, "unknown function .floor.; known are: "),
        ("softmax(z)", 0, "softmax is taken of all sums at once"),
        ("", 0, "this is no formula: it is empty"),
        ("∂L/∂w1", 0, "a derivative such as ∂L/∂w is what is asked"),
        ("0x10", 1, "unknown name 'x10'"),
        ("w1 + __import__('os').system('ls')", 21, "no formula"),
        ("w1.real", 2, "no formula"),
        ("w1.__class__", 2, "no formula"),
        ("(lambda: 1)()", 7, "no formula"),
        ("[x1 for x1 in x1]", 4, "unknown name 'for'"),
        ("w1 if x1 else x2", 3, "unknown name 'if'"),
        ("(w1 := 3)", 4, "no formula"),
        ('w1 + "x"', 5, "no formula"),
        ("True", 0, "unknown name 'True'"),
        ("1j", 1, "unknown name 'j'"),
        ("...", 0, "no formula"),
        ("{1: 2}", 2, "no formula"),
        ("f'{w1}'", None, "no formula|unknown"),
        ("*w1", 0, "an operand is missing before \\*"),
        ("w1[x1]", 2, "number a name"),
        ("z[2 ]²[1]", 6, "number a name"),
        ("w1 and x1", 3, "unknown name 'and'"),
        ("w1 // x1", 4, "an operand is missing before /"),
        ("~w1", 0, "no formula"),
        ("w1 == x1", 3, "a comparison is"),
        ("w1 < x1 < x2", 8, "a comparison is"),
        ("w1 >= x1", 4, "no formula"),
        ("z = w1", 2, "a comparison is"),
        ("= w1", 0, "an operand is missing before ="),
        ("[1, 2]", 2, "a comma stands between operands only"),
        ("w1 + w9", 5, "unknown name 'w9'; known are: b1"),
        ("w1 + sigmoid(x1, x2)", 5, "sigmoid takes 1 operand"),
        ("max(x1)", 0, "max takes 2 operand"),
        ("sigmoid(a=1)", 9, "a comparison is"),
        ("sigmoid(*w1)", 8, "an operand is missing before \\*"),
        ("sigmoid()", 8, "an operand is missing before \\)"),
        ("sigmoid''(z)", 0, "once"),
        ("mul'(z, z)", 0, "once"),
        ("cosh'(z)", 0, "once"),
        ("(z + h1]", 7, "] closes no bracket"),
        ("z + h1)", 6, "\\) closes no bracket"),
        ("2(z + h1", 1, "\\( is not closed"),
        ("tanh z^2", 0, "unknown name 'tanh'"),  # of z², or of z?
        ("tanh z(1 - z)", 0, "unknown name 'tanh'"),
        ("tanh^-1(z)", 0, "unknown name 'tanh'"),  # the inverse, or 1/tanh?
        ("1 000", None, "no formula"),
        ("z²3", None, "no formula"),
        ("z⁽²⁾", None, "no formula"),  # of layer 2, or squared?
        ("1½", 1, "no formula"),
        ("w1 # x1", 3, "holds no comment"),
        (r"2\sqrt[3]{z}", 1, "unknown name 'sqrt"),
        (r"\frac{z}", 0, "div takes 2 operand"),
        (r"\frac{z}{h_{1}", 0, "not closed"),
        (r"z_{1} \cup z", 0, "unknown name 'z1'"),
        ("-0,0585z", 2, "write 0.0585 with a point"),
        ("|z", None, "no formula"),
        ("z | h1", 2, r"write abs\(x\) for \|x\|"),
        ("-0,585", 2, "write 0.585 with a point"),
        ("w1 in x1", 3, "unknown name 'in'"),
        ("2 + 9**9**9**9", 7, "make inf"),
        ("1/0", 0, "make inf"),
        ("0/0z", 0, "make nan, and a formula holds finite ones"),
        ("1e999", 0, "too large"),
        ("9" * 400, 0, "too large"),
        ("9" * 5000, 0, "too large"),
        ("w1 +", None, "no formula"),
        ("", 0, "no formula"),
        ("w1\nx1", None, "no formula"),
        ("w1\0", None, "no formula"),
        ("\ud800", 0, "no formula"),
        ("z + \u202e1", None, "no formula"),
        ("(" * 1_000_000 + ")" * 1_000_000, 0, "2,000,000 characters"),
        ("q" * 9_999, 0, "unknown name 'qqq"),
    ],
    ids=lambda given: given[:30] if isinstance(given, str) else None,
)
def test_what_a_formula_may_not_hold_is_refused_at_its_place(text, column, words):
    with pytest.raises(FormulaError, match=words) as caught:
        formula(text, NUMBERS)
    lines = str(caught.value).split("\n")
    assert lines[-1].strip() == "^"
    assert all(line.isprintable() for line in lines)
    if column is not None:
        assert lines[-1].index("^") - 4 == min(column, 50)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("(" * 4000 + "1" + ")" * 4000, 1.0),
        ("{[" * 2000 + "z" + "]}" * 2000, 0.4),
        ("-" * 9_000 + "1", 1.0),
        ("|" * 4000 + "x1" + "|" * 4000, 2.0),
        ("sin(" * 1900 + "0z" + ")" * 1900, 0.0),
        ("+".join(["z"] * 4000), 1600.0),
        ("0z" + "^z" * 4000, 0.0),
        (r"\frac{" * 900 + "z" + "}{1}" * 900, 0.4),
        ("0" * 9_999, 0.0),
    ],
    ids=lambda given: given[:10] if isinstance(given, str) else None,
)
def test_a_long_formula_is_read_whatever_its_depth(text, number):
    assert formula(text, NUMBERS).data == pytest.approx(number)


def test_nothing_is_recorded_before_all_is_understood():
    w = Value(1.0, "w")
    for text in ("w*w + unknown", "exp(w) + w.real", "w + 1/0"):
        with pytest.raises(FormulaError):
            formula(text, {"w": w})
    assert w.grad is UNREACHED
    assert w.data == 1.0


def test_only_text_is_a_formula():
    with pytest.raises(ArgumentTypeError, match="a formula is a str"):
        formula(3, {})


@given(st.text(alphabet="wxz12+-*/^()[]<>. '′−·√σe_,:=\"{}\\\n\0", max_size=40))
def test_whatever_is_typed_there_is_a_value_or_a_clear_error(text):
    try:
        result = parse(text)
    except MicrogradError:
        return
    assert result.items


@pytest.mark.parametrize("before", ["", "z² + ", "  2z·", "√(z)^2 − ", "sigmoid'(z)(z) + σ(z)·", "\t\u00a0z⋅"])
def test_the_place_is_right_whatever_was_typed_before_it(before):
    with pytest.raises(FormulaError) as caught:
        formula(before + "unknown1", {"z": 0.5})
    assert str(caught.value).split("\n")[-1].index("^") - 4 == len(before)
