"""What the hand check says: no slip that was not made, no question without a cause, a way out of every refusal."""

import math
import re
from inspect import signature
from math import log

import pytest

from micrograd_nn import MLP, Value, mse
from micrograd_nn.derive import Slip, check_partials, explain
from micrograd_nn.engine import ops
from micrograd_nn.errors import ArgumentTypeError, FormulaError
from micrograd_nn.nn.losses import softmax_cross_entropy
from micrograd_nn.notation.text import number_text


def only(make, entry, target="x", **numbers):
    """The one finding for ∂L/∂target, where make builds the loss from the named numbers."""
    loss = make(**{name: Value(number, name) for name, number in numbers.items()})
    loss.label = "L"
    (finding,) = check_partials(loss, {target: entry}).findings
    return finding


@pytest.mark.parametrize("label", ["x₁", "w'", "ϕ", "µ", "ŷ", "h1[2]", "σ"])
def test_a_label_is_read_as_it_is_written(label):
    x, b = Value(2.0, label), Value(3.0, "b")
    for entry in (f"2·{label}·b", f"2b{label}", f"b·{label} + {label}b"):
        assert check_partials(x * b * b, {"b": entry}).ok


def test_a_name_where_a_number_belongs_is_found():
    finding = only(lambda x, y: x**2 + y, "y·x", x=3.0, y=2.0)
    assert "y seems to stand where 2 belongs" in finding.words
    finding = only(lambda w, x: (w * x) ** 2, "w·w·x^x", target="w", w=2.0, x=2.0)  # for 2·w·x²: one of each
    assert finding.words.startswith("right at these numbers, and wrong at others\n")


@pytest.mark.parametrize(
    ("make", "entry", "numbers"),
    [
        (lambda y, o, x: (y - o * x) ** 2, "-2√(L)x", {"y": 1.0, "o": 0.3, "x": 0.5}),  # 2 stands there rightly
        (lambda x, o: ops.relu(o) * x * x, "relu(o)", {"o": -2.0, "x": 3.0}),
        (lambda x, o: (x * o) ** 2, lambda x, o: 2 * x * x * x, {"o": 2.0, "x": 2.0}),  # nobody looks into a function
    ],
)
def test_it_is_asked_for_a_number_only_where_one_stands_that_need_not(make, entry, numbers):
    finding = only(make, entry, target="o", **numbers)
    assert finding.words.startswith("right at these numbers, and wrong at others\n")
    assert "?" not in finding.words


def test_it_is_asked_for_a_number_where_it_holds_more_than_a_name():
    finding = only(lambda w, x: (w * x) ** 2, "6·w·x", w=3.0, x=2.0)
    assert finding.words.startswith("right at these numbers, and wrong at others: is a number where a name belongs")


@pytest.mark.parametrize("n", [3.0, 5.0, 10.0])
def test_the_n_is_that_of_a_mean_and_no_other_constant(n):
    for mean in (lambda x, y: (x * x + x * y) / n, lambda x, y: (1.0 / n) * (x * x + x * y)):
        for entry in ("2x + y", f"(2x + y)/{n * n}"):
            finding = only(mean, entry, x=1.3, y=0.4)
            assert Slip.FACTOR_N in {finding.slip, *(slip for slip, _ in finding.others)}
    for other, entry in (
        (lambda x: x**n, f"x^{n - 1}"),
        (lambda x: (x * x + x) * n, f"(2x + 1)·{n * n}"),
        (lambda x: (x * x + x) / (1.0 / n), f"(2x + 1)·{n * n}"),
        (lambda x: n / (x * x + x), f"-(2x + 1)·{n * n}/(x·x + x)^2"),
    ):
        assert only(other, entry, x=1.3).slip is not Slip.FACTOR_N


@pytest.mark.parametrize(
    ("make", "entry", "slip", "words"),
    [
        (lambda x: x * x * x, "x²", Slip.PATH_MISSING, "is missing (the one through x·x)"),
        (lambda x: x * x + x * 2 + x, "3", Slip.PATH_MISSING, "is missing (the one through x·x)"),
        (lambda x: x * x + x * 2 + x, "2x + 1", Slip.PATH_MISSING, "is missing (the one through x in 2·x)"),
        (lambda x: x * x + x * 2 + x, "2x + 5", Slip.PATH_TWICE, "is counted twice (the one through x in 2·x)"),
        (lambda x, b, c: x * c + b * x, "c − b", Slip.SIGN, "other way round (only in the term through x in b·x)"),
        (lambda x, b, c: x * c + b * x, "-c − b", Slip.SIGN, "the sign is the other way round\n"),
        (lambda x: sum(((x + i) ** 2 for i in range(40)), 0.0) + x, "80x + 1560", Slip.PATH_MISSING, "is missing ("),
    ],
)
def test_of_a_slip_in_one_branch_it_is_said_in_which_and_a_missing_one_comes_first(make, entry, slip, words):
    numbers = dict(zip(signature(make).parameters, (3.0, 5.0, 7.0), strict=False))
    finding = only(make, entry, **numbers)
    assert (finding.ok, finding.slip) == (False, slip)
    assert words in finding.words
    assert len(finding.words) < 4000
    assert "come of: sign\n" not in finding.words + "\n"  # as if it were the whole one's


def three_outputs():
    net = MLP(1, [1, 3], activation="tanh", output="tanh", seed=1)
    return mse(net([Value(0.7, "x1")]), [0.1, 0.9, -0.4])


def three_samples():
    net = MLP(1, [1], output="tanh", seed=1)
    return mse([net([x]) for x in (0.5, 1.5, 2.5)], [0.1, 0.9, 0.4])


@pytest.mark.parametrize(
    ("change", "slip"),
    [(-1.0, Slip.SIGN), (2.0, Slip.FACTOR_TWO), (0.5, Slip.FACTOR_HALF), (3.0, Slip.FACTOR_N), (1 / 3, Slip.FACTOR_N)],
)
@pytest.mark.parametrize(
    ("make", "target", "meeting"),
    [(three_samples, "w1", "w1"), (three_outputs, "h1", "h1"), (three_outputs, "w1", "h1")],
)
def test_a_slip_in_all_of_several_ways_is_named_once_for_all_of_them(make, target, meeting, change, slip):
    loss = make()
    right = explain(loss, target)
    for entry in (f"({right.symbol})·{change}", change * right.number):
        (finding,) = check_partials(loss, {target: entry}).findings
        assert (finding.slip, finding.factor) == (slip, ("L", meeting))
        assert f"expected ∂L/∂{meeting} = {number_text(explain(loss, meeting).number, 9)}" in finding.words.splitlines()


@pytest.mark.parametrize(
    ("o", "change", "slip"),
    [
        (lambda w: -w * 3.0, -1.0, Slip.SIGN),
        (lambda w: w**2, 2.0, Slip.FACTOR_TWO),
        (lambda w: w**2, 0.5, Slip.FACTOR_HALF),
    ],
)
def test_a_sign_or_a_2_is_looked_for_first_where_one_stands(o, change, slip):
    def make(w, v):
        made = o(w)
        made.label = "o"
        return made * v

    right = explain(make(Value(0.7, "w"), Value(0.4, "v")), "w").number
    finding = only(make, change * right, "w", w=0.7, v=0.4)
    assert (finding.slip, finding.factor) == (slip, ("o", "w"))
    assert (slip, ("L", "o")) in finding.others


@pytest.mark.parametrize(
    ("inner", "outer", "forgotten", "slips"),
    [  # 3(1 − h²)·3: which 3? and 2ʰ·ln(2)·ln(2): which ln(2)?
        (lambda x: ops.tanh(3.0 * x), lambda h: 3.0 * h, 3.0, [Slip.UPSTREAM_FORGOTTEN, Slip.INNER_FORGOTTEN]),
        (
            lambda x: log(2.0) * x,
            lambda h: 2.0**h,
            log(2.0),
            [Slip.INNER_FORGOTTEN, Slip.LOGARITHM_FORGOTTEN, Slip.FACTOR_FORGOTTEN],
        ),
    ],
)
def test_of_slips_that_come_to_the_same_the_likeliest_is_named_first(inner, outer, forgotten, slips):
    def make(x):
        h = inner(x)
        h.label = "h"
        return outer(h)

    finding = only(make, explain(make(Value(0.4, "x")), "x").number / forgotten, x=0.4)
    assert [finding.slip, *(slip for slip, _ in finding.others)][: len(slips)] == slips


@pytest.mark.parametrize(("u", "where"), [(2.0, "∂c/∂x, ∂b/∂x, ∂a/∂x"), (0.0, "∂c/∂x, ∂b/∂x")])
def test_a_slip_that_is_made_everywhere_is_said_of_the_factors_in_which_it_changes_anything(u, where):
    def make(x, u, v):
        parts = [ops.tanh(x * k) for k in (1.0, 2.0, 3.0)]
        for part, name in zip(parts, "abc", strict=True):
            part.label = name
        return u * parts[0] + v * parts[1] + v * parts[2]

    finding = only(make, "u(1 + a²) + 2v(1 + b²) + 3v(1 + c²)", x=0.4, u=u, v=1.5)
    assert (finding.slip, finding.factor) == (Slip.SIGN_INSIDE, ("c", "x"))
    assert f"\nthe same slip everywhere: in {where}\n" in finding.words


@pytest.mark.parametrize("entry", [5.0, "x", 0.0, "-3x²"])
def test_what_is_expected_is_the_whole_and_not_its_direct_way_alone(entry):
    x = Value(0.5, "x")
    h = x * x
    h.label = "h"
    (finding,) = check_partials(h * x, {"x": entry}).findings
    assert finding.words.endswith("\nexpected ∂L/∂x = 0.75")  # 3x²; h, one of its two terms, would be 0.25


def test_a_direct_way_that_is_expected_beside_others_is_said_to_be_one_of_several_terms():
    x = Value(0.5, "x")
    h = x * x
    h.label = "h"
    (finding,) = check_partials(h * x, {"x": "x·2x + 5h"}).findings
    assert finding.words.endswith("\nexpected ∂L/∂x = h = 0.25, as one of several terms")
    (finding,) = check_partials(h * x, {"h": "5"}).findings
    assert finding.words.endswith("\nexpected ∂L/∂h = x = 0.5")


def test_a_branch_that_is_too_long_to_be_read_is_not_written():
    def doubled(x):
        for _ in range(18):
            x = x + x
        return x

    assert only(doubled, f"{2**17} + 0x", x=2.0).slip is Slip.FACTOR_HALF


@pytest.mark.parametrize("given", [None, 1j, [1.0], "2", True])
def test_a_function_returns_one_real_number(given):
    with pytest.raises(ArgumentTypeError, match="from the function that was handed in: expected one real number, got"):
        only(lambda w: w * w, lambda w: given, target="w", w=2.0)


def test_a_function_that_leaves_the_real_numbers_at_a_fresh_point_has_none_there():
    finding = only(lambda x: x * x, lambda x: 2 * x**1.5 / x**0.5, x=0.1)  # Python's (-1)**0.5 is complex
    assert (finding.ok, finding.slip) == (False, None)
    assert finding.words.startswith("right at these numbers, and wrong at others\n")
    assert only(lambda x: x**1.5, lambda x: 1.5 * x**0.5, x=0.1).ok
    assert only(lambda x: x * x, lambda x: Value(2.0) * x, x=0.1).ok


@pytest.mark.parametrize("function", [max, print, dict, lambda *w: w, lambda w, /: w, lambda w, *more: w])
def test_a_function_names_its_arguments(function):
    with pytest.raises(ArgumentTypeError, match=r"takes some without a name: call it in one .* lambda w, y: "):
        only(lambda w: w * w, function, target="w", w=2.0)


@pytest.mark.parametrize(
    "head",
    ["∂L/∂w1 = ", "dL/dw1=", "= ", "(∂L)/(∂w1) = ", r"\frac{\partial L}{\partial w_1} = ", r"\frac{dL}{dw_{1}} = ", ""],
)
def test_the_partial_that_is_asked_for_may_stand_before_a_formula(head):
    w, x = Value(0.5, "w1"), Value(2.0, "x1")
    loss = (w * x) ** 2
    loss.label = "L"
    for key in ("w1", "∂L/∂w1", ("L", "w1")):
        assert check_partials(loss, {key: f"{head}2·w1·x1²"}).ok
        assert check_partials(loss, {key: f"{head}4.0"}).ok
        assert not check_partials(loss, {key: f"{head}w1·x1²"}).ok


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("∂L/∂x1 = 2", "this is ∂L/∂x1, but ∂L/∂w1 is asked for"),
        (r"\frac{\partial L}{\partial x_{1}} = 2", "but ∂L/∂w1 is asked for"),
        ("∂w1/∂L = 2", "this is ∂w1/∂L, but"),
        ("∂L/∂w1 = 2 = 2", "of an equation only one side is read"),
        ("L = 2", "of an equation only one side is read"),
        ("∂L/∂w1 =", "it is empty"),
    ],
)
def test_another_partial_before_a_formula_is_refused_and_nothing_else_stands_there(entry, words):
    w, x = Value(0.5, "w1"), Value(2.0, "x1")
    loss = (w * x) ** 2
    loss.label = "L"
    with pytest.raises(FormulaError, match=words):
        check_partials(loss, {"w1": entry})


def three_classes():
    z = [Value(number, f"z{k}") for k, number in enumerate((0.3, -1.2, 0.9), start=1)]
    loss = softmax_cross_entropy(z, 1)
    loss.label = "L"
    return loss


@pytest.mark.parametrize("entry", ["exp(z2)", "p2 + 1", "1/ln(exp(z1) + exp(z2) + exp(z3))·exp(z2) − 1", "7z1"])
def test_a_softmax_is_spoken_of_as_it_is_written_and_its_shares_are_explained(entry):
    words = check_partials(three_classes(), {"z2": entry}).findings[0].words
    assert "expected ∂L/∂z2 = p2 − 1" in words
    assert words.endswith("\nwhere p2 = exp(z2)/(exp(z1) + exp(z2) + exp(z3))")
    assert not {"softplus", "stop", "max", "logaddexp"} & set(re.findall(r"\w+", words.replace("_", " ")))


@pytest.mark.parametrize(
    ("make", "entry", "words"),
    [
        (lambda x, w: ops.sin(w * x), "cos(w·x)", "the inner derivative is forgotten (1 stands where w belongs)"),
        (lambda x, w: w * ops.sin(x), "cos(x)", "a factor is forgotten (1 stands where w belongs)"),
        (lambda x, w: w * ops.tanh(x), "w·tanh(x)(1 − tanh(x))", "this is the rule of σ, and not that of tanh ("),
        (lambda x, w: w * ops.leaky_relu(x, 0.1), "0.1w", "the branches of leaky relu are mixed up (0.1 stands where"),
        (lambda x, w: abs(x) * w, "w", "the derivative of |x| is forgotten (1 stands where sign(x) belongs)"),
        (lambda x, w: (w * x + x**2) / 4.0, "w + 2x", "the 1/n of the mean went wrong (4 times too large)"),
        (lambda x, w: (x + 1.0) / w**2, "1/w^4", "(1/w^4 stands where 1/w^2 belongs)"),
    ],
)
def test_a_verdict_names_the_function_at_hand_and_what_stands_where_what_belongs(make, entry, words):
    assert words in only(make, entry, x=0.7, w=1.3).words


def test_every_place_in_which_a_slip_would_give_the_same_numbers_is_told():
    def chained(x, v):
        s = v * x
        s.label = "s"
        return ops.exp(v * s)

    finding = only(chained, 0.7 * 1.3 * math.exp(1.3 * 1.3 * 0.7), x=0.7, v=1.3)  # x for v, in either factor
    assert finding.slip is Slip.WRONG_OPERAND
    assert "\nthe same slip in ∂s/∂x would give the same numbers" in finding.words
