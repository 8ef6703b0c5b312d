"""The hand check: right derivations are right in any form, wrong ones wrong, and the slip is the one that was made."""

import re
from collections import Counter
from math import inf, isclose, isfinite, nan, tanh
from random import Random

import pytest
from test_cases import boolean_network
from wrong_derivations import NETWORKS, restyled, right_forms, wrong_forms

from micrograd_nn import MLP, Operation, Value, mse, squared_error
from micrograd_nn.derive import Slip, check_partials, explain
from micrograd_nn.engine import operation, ops
from micrograd_nn.engine.value import adjoints, topological_order
from micrograd_nn.errors import (
    ArgumentError,
    ArgumentTypeError,
    FormulaError,
    GraphError,
    NumberError,
    UnknownNameError,
)
from micrograd_nn.notation._formula import formula, labelled


def cases(seeds=(0,)):
    for name, make in NETWORKS.items():
        for seed in seeds:
            yield name, *make(Random(f"{name} {seed}"))


def test_every_right_form_is_called_right():
    count = 0
    for name, loss, derivations, _ in cases():
        for label, paths in derivations.items():
            for form in right_forms(paths):
                for entry in (form, lambda form=form, **names: formula(form, names).data):
                    report = check_partials(loss, {label: entry})
                    assert report.ok, (name, label, form, str(report))
                    count += 1
    assert count > 300


def test_every_right_number_is_called_right_to_the_digits_given():
    for name, loss, derivations, _ in cases(range(3)):
        for label, paths in derivations.items():
            number = formula(next(right_forms(paths)), loss).data
            for digits in (2, 4, 9, 17):
                shown = float(f"{number:.{digits}g}")
                assert check_partials(loss, {label: shown}).ok or shown == int(shown) != number, (name, label, shown)
            assert not number or not check_partials(loss, {label: number * (1 + 1e-7)}).ok


def test_what_explain_prints_is_right_to_the_digits_it_is_printed_in():
    count = 0
    for name, loss, derivations, _ in cases():
        for label in derivations:
            _, _, *lines = re.sub(r"\n +\+ ", " + ", str(explain(loss, label))).splitlines()
            for line in filter(None, lines):
                if line.startswith("with "):  # what a share of a softmax stands for, p or q
                    continue
                partial, *columns = (column.strip() for column in line.split(" = "))
                for column in columns:
                    (finding,) = check_partials(loss, {partial: column}).findings
                    assert finding.ok, (name, line, str(finding))
                    wrong = check_partials(loss, {partial: f"1.001·({column})"})
                    blurred = "0.5/" in column  # which may stand for anything from 0.45 to 0.55
                    assert not wrong.ok or blurred or abs(finding.engine) < 1e-4, (name, line)
                    count += 1
    assert count > 100


@pytest.mark.parametrize(
    ("entry", "off", "ok"),
    [
        ("0.5·2", 0.099, True),  # 0.5 may be anything from 0.45 to 0.55; 2 is 2
        ("0.5·2", 0.101, False),
        ("0.5·0.4", 0.044, True),  # 0.05·0.4 + 0.05·0.5
        ("0.5·0.4", 0.046, False),
        ("2·3 − 5", 1e-7, False),
        ("1.50/0.50²", 0.13, True),  # 0.005/0.25 + 0.005·2·1.5/0.125
        ("1.50/0.50²", 0.15, False),
        ("1e-3·4", 1.9e-3, True),
        ("1e-3·4", 2.1e-3, False),
    ],
)
def test_the_digits_typed_go_through_the_arithmetic(entry, off, ok):
    w = Value(1.0, "w")
    for sign in (1.0, -1.0):
        loss = w * (formula(entry).data + sign * off)
        assert check_partials(loss, {"w": entry}).ok is ok


@pytest.mark.parametrize("given", [inf, -inf, nan, 2.0, 0.0])
@pytest.mark.parametrize("sign", [1.0, -1.0, nan])
def test_an_infinite_slope_is_itself_alone_and_nan_is_nan(sign, given):
    x = Value(0.0, "x")
    engine = sign * inf
    loss = ops.sqrt(x) * sign
    assert str(adjoints(loss)[x]) == str(engine)
    for entry in (given, lambda: given):
        (finding,) = check_partials(loss, {"x": entry}).findings
        if isfinite(given) or not callable(entry):  # a function is held against fresh points as well
            assert finding.ok is (str(given) == str(engine))
        assert finding.slip is None
        assert finding.others == ()


def test_a_zero_is_given_no_slip():
    for name, loss, derivations, _ in cases(range(3)):
        for label in derivations:
            (finding,) = check_partials(loss, {label: 0}).findings
            assert finding.ok is (finding.engine == 0.0), (name, label)
            assert finding.slip is None
            assert finding.others == ()
            assert finding.ok or "0 is given" in finding.words


def outcome(loss, label, wrong, entry):
    (finding,) = check_partials(loss, {label: entry}).findings
    return finding, (finding.slip, finding.factor) == (wrong.slip, wrong.factor)


def count_named(seeds, style):
    """Hand in every wrong derivation as a formula; returns how many there were, of which slips, and the misnamed."""
    total, misnamed = Counter(), []
    for name, loss, derivations, n in cases(seeds):
        for label, paths in derivations.items():
            others = [other for another, other in derivations.items() if another != label]
            for wrong in wrong_forms(restyled(paths, style), n, others):
                if same_everywhere(loss, wrong.text, paths):
                    continue  # a slip that changes nothing, such as relu's slope taken at its output
                finding, named = outcome(loss, label, wrong, wrong.text)
                assert not finding.ok, (name, label, wrong)
                total[wrong.slip] += 1
                if not named:
                    misnamed.append(f"{name}, ∂L/∂{label}: {reason(wrong, finding)}")
    return total, misnamed


def reason(wrong, finding):
    made = f"{wrong.slip.value} in {wrong.factor}"
    if finding.slip is None:
        return f"{made} was not named"
    same = (wrong.slip, wrong.factor) in finding.others
    why = "both write the same function" if same else "not among the explanations"
    return f"{made} was named {finding.slip.value} in {finding.factor}: {why}"


def same_everywhere(loss, text, paths):
    draw = Random(text)
    points = [{name: draw.uniform(-1.0, 1.0) for name in labelled(loss)} for _ in range(8)]
    pairs = [(formula(text, at).data, formula(next(right_forms(paths)), at).data) for at in points]
    return all(isclose(a, b, rel_tol=1e-9, abs_tol=1e-12) for a, b in pairs)


def check_naming(seeds, style):
    total, misnamed = count_named(seeds, style)
    made = sum(total.values())
    assert made >= 500
    assert len(misnamed) <= 0.05 * made, "\n".join(f"{n} × {line}" for line, n in Counter(misnamed).items())
    assert set(total) >= set(Slip) - {Slip.FACTOR_FORGOTTEN}


@pytest.mark.slow
@pytest.mark.parametrize("style", ["in the order of the chain", "spelled out", "from below"])
def test_at_least_95_of_100_slips_are_named_however_they_are_written(style):
    check_naming(range(4), style)


def test_from_a_number_alone_the_slip_is_named_and_the_factor_is_among_those_that_fit():
    made = named = located = 0
    for _, loss, derivations, n in cases():
        for label, paths in derivations.items():
            right = formula(next(right_forms(paths)), loss).data
            for wrong in wrong_forms(paths, n):
                number = formula(wrong.text, loss).data
                if not isclose(number, right, rel_tol=1e-9) and abs(number) != inf:
                    finding, _ = outcome(loss, label, wrong, number)
                    assert not finding.ok
                    made += 1
                    named += finding.slip is wrong.slip
                    fits = [finding.factor, *(factor for slip, factor in finding.others if slip is finding.slip)]
                    located += finding.slip is wrong.slip and wrong.factor in fits
    assert made >= 500
    assert named >= 0.95 * made
    assert located >= 0.95 * made


# ---- the networks of the textbooks ----

ALICE = {
    "w1": "-2*(y - o1) * w5*sigmoid'(w5h1 + w6h2 + b3) * x1*sigmoid'(w1x1 + w2x2 + b1)",
    "w2": "-2*(y - o1) * w5*sigmoid'(w5h1 + w6h2 + b3) * x2*sigmoid'(w1x1 + w2x2 + b1)",
    "b1": "-2*(y - o1) * w5*sigmoid'(w5h1 + w6h2 + b3) * sigmoid'(w1x1 + w2x2 + b1)",
    "w3": "-2*(y - o1) * w6*sigmoid'(w5h1 + w6h2 + b3) * x1*sigmoid'(w3x1 + w4x2 + b2)",
    "w4": "-2*(y - o1) * w6*sigmoid'(w5h1 + w6h2 + b3) * x2*sigmoid'(w3x1 + w4x2 + b2)",
    "b2": "-2*(y - o1) * w6*sigmoid'(w5h1 + w6h2 + b3) * sigmoid'(w3x1 + w4x2 + b2)",
    "w5": "-2*(y - o1) * h1*sigmoid'(w5h1 + w6h2 + b3)",
    "w6": "-2*(y - o1) * h2*sigmoid'(w5h1 + w6h2 + b3)",
    "b3": "-2*(y - o1) * sigmoid'(w5h1 + w6h2 + b3)",
}


def alice():
    net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=3)
    return mse(net([-2, -1]), Value(1, "y"))


def test_the_nine_hand_formulas_of_the_two_input_network_pass():
    report = check_partials(alice(), ALICE)
    assert report.ok
    assert "9 of 9 right" in str(report)
    assert all(isclose(f.engine, f.numeric, rel_tol=1e-6, abs_tol=1e-10) for f in report.findings)


@pytest.mark.parametrize("printed", ["-1", "-2", "-(y - o1)^0"])
def test_the_printed_derivation_that_forgets_the_square_is_named(printed):
    whole = printed + ALICE["w1"].removeprefix("-2*(y - o1)")
    for key, entry in ((("L", "o1"), printed), ("w1", whole)):
        (finding,) = check_partials(alice(), {key: entry}).findings
        assert (finding.ok, finding.slip, finding.factor) == (False, Slip.SQUARE_FORGOTTEN, ("L", "o1"))
        assert "expected ∂L/∂o1 = −2(y − o1) = −1.1586338" in finding.words


def test_the_first_output_weight_of_the_boolean_network_exact_and_rounded():
    cost = squared_error(boolean_network()([1, 0, 1]), 0)
    exact, rounded, off = (check_partials(cost, {"w10": n}).findings[0] for n in (0.09949559619104585, 0.1, 0.2))
    assert (exact.ok, exact.words) == (True, "")
    assert (rounded.ok, rounded.words) == (True, "right to the digits given")
    assert not off.ok
    assert check_partials(cost, {"w10": "o1*o1(1 − o1)*h1", "w5": "o1*w11*o1(1-o1)*x2*h2(1-h2)"}).ok


# ---- what it never does ----


def test_where_no_slip_explains_it_that_is_said():
    for entry in ("-2(y - o1)*1.37", "y^3 + o1", 0.123456, lambda y, o1: y - 3 * o1):
        (finding,) = check_partials(alice(), {("L", "o1"): entry}).findings
        assert not finding.ok
        assert finding.slip is None
        assert finding.others == ()
        assert "known here" in finding.words


def test_a_wrong_factor_is_found_even_where_its_slip_is_not_known():
    entry = "-2(y - o1) * 1.37*w5·o1(1 − o1) * x1·h1(1 − h1)"
    (finding,) = check_partials(alice(), {"w1": entry}).findings
    assert (finding.slip, finding.factor) == (None, ("o1", "h1"))


@pytest.mark.parametrize("entry", [1.0, "h1", "w5·h1", lambda w3: w3])
@pytest.mark.parametrize("key", [("h1", "w3"), ("h1", "h2"), ("w1", "L"), ("w1", "w2")])
def test_where_nothing_depends_on_the_other_that_is_said(key, entry):
    (finding,) = check_partials(alice(), {key: entry}).findings
    child, parent = key
    assert (finding.ok, finding.engine, finding.slip, finding.factor) == (False, 0.0, None, None)
    assert finding.words == f"{child} does not depend on {parent}\nexpected ∂{child}/∂{parent} = 0"
    assert check_partials(alice(), {key: 0.0}).ok


def test_a_number_where_a_name_belongs_is_right_by_luck_and_found():
    count = 0
    for name, loss, derivations, _ in cases():
        numbers = {label: node.data for label, node in labelled(loss).items()}
        for label, paths in derivations.items():
            right = next(right_forms(paths))
            for place in re.finditer(r"\b[a-z]\d*\b(?!\()", right):
                lucky = f"{right[: place.start()]}({numbers[place.group()]!r}){right[place.end() :]}"
                if not same_everywhere(loss, lucky, paths):
                    (finding,) = check_partials(loss, {label: lucky}).findings
                    assert not finding.ok, (name, label, lucky)
                    assert finding.words.startswith("right at these numbers, and wrong at others: ")
                    assert f"a number seems to stand where {place.group()} belongs" in finding.words, (name, lucky)
                    assert "known here" not in finding.words
                    count += 1
    assert count > 100


def test_a_slip_that_is_right_by_luck_is_named_and_nothing_is_asked():
    a, b = Value(2.0, "a"), Value(2.0, "b")
    (finding,) = check_partials(a * b, {"a": "a"}).findings
    assert finding.slip is Slip.WRONG_OPERAND
    assert finding.words.startswith("right at these numbers, and wrong at others\n∂L/∂a: the wrong quantity")
    assert "?" not in finding.words


def test_a_product_does_not_stand_for_its_own_operand():
    x, y = Value(2.0, "x"), Value(3.0, "y")
    product = x * y**2
    product.label = "Q"
    (finding,) = check_partials(product, {"x": "x*y^2"}).findings
    assert "Q stands" not in finding.words


def test_a_whole_number_is_meant_exactly_and_others_to_their_digits():
    w = Value(1.0, "w")
    loss = w * 1.96
    loss.label = "L"
    for entry, ok in ((2, False), (2.0, False), (1.96, True), ("2.0", False), ("1.9", False), ("1.960", True)):
        assert check_partials(loss, {"w": entry}).ok is ok, entry


def test_keys_of_every_kind_mean_the_same():
    loss = alice()
    w1 = labelled(loss)["w1"]
    for key in (w1, "w1", "∂L/∂w1", "dL/dw1", ("L", "w1"), (loss, w1), (loss, "w1")):
        assert check_partials(loss, {key: ALICE["w1"]}).ok


def test_a_factor_beside_other_paths_may_be_meant_alone_or_over_all_paths():
    x = Value(0.7, "x")
    h = x * x
    h.label = "h"
    loss = h * x
    for entry in ("h", "3*x^2"):  # alone, and over all paths
        assert check_partials(loss, {("L", "x"): entry}).ok
        assert check_partials(loss, {"∂L/∂x": entry}).ok


@pytest.mark.parametrize("key", ["x", "dL/dx"])
def test_row_44_the_direct_term_is_not_the_whole(key):
    """x enters h·x by itself and by h = x²: h is one of two terms, right where that is asked, and said."""
    x = Value(0.7, "x")
    h = x * x
    h.label = "h"
    loss = h * x
    assert not check_partials(loss, {key: "h"}).ok
    assert check_partials(loss, {key: "3*x^2"}).ok
    (finding,) = check_partials(loss, {("L", "x"): "h"}).findings
    assert finding.words == "right as one of several terms; the whole is 1.47"


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({}, ArgumentTypeError, "dict"),
        ([], ArgumentTypeError, "dict"),
        ({"w9": 1.0}, UnknownNameError, "unknown node 'w9'"),
        ({("L", "q"): 1.0}, UnknownNameError, "unknown node 'q'"),
        ({"w1": "w1 +"}, FormulaError, "this is no formula"),
        ({"w1": "q*w1"}, FormulaError, "unknown name 'q'"),
        ({"w1": "__import__('os')"}, FormulaError, "unknown name"),
        ({"w1": lambda q: q}, UnknownNameError, "argument of the function"),
        ({"w1": None}, NumberError, "expected one real number"),
        ({Value(1.0): 1.0}, ArgumentError, "no node of this graph"),
    ],
)
def test_what_can_not_be_read_is_refused(given, error, words):
    with pytest.raises(error, match=words):
        check_partials(alice(), given)


def test_the_names_that_are_listed_are_there():
    a = Value(1.0, "a")
    loss = a * 2.0
    loss.label = "M"
    with pytest.raises(UnknownNameError, match=r"unknown node 'w_1'; choose one of: a, M$"):
        check_partials(loss, {"w_1": 1.0})
    assert check_partials(loss, {("L", "a"): 2.0}).ok  # the loss is L where nothing else is called so


def test_changed_data_is_refused():
    loss = alice()
    labelled(loss)["w1"].data += 1.0
    with pytest.raises(GraphError, match="has changed since"):
        check_partials(loss, {"w1": 0.5})


def test_nothing_is_changed_and_the_same_seed_says_the_same():
    loss = alice()
    loss.backward()
    before = [(node.data, repr(node.grad), node.label) for node in topological_order(loss)]
    reports = [check_partials(loss, {"w1": "w5", "b3": 0.3}, seed=4) for _ in range(2)]
    assert reports[0] == reports[1]
    assert [(node.data, repr(node.grad), node.label) for node in topological_order(loss)] == before


def test_html_escapes_what_comes_from_data():
    w = Value(2.0, "<script>alert(1)</script>&")
    page = check_partials(w * w, {w: 3.0})._repr_html_()
    assert "<script>" not in page
    assert page.count("<tr>") == 3  # the head, the numbers, the words


def test_a_person_s_function_that_divides_by_zero_is_no_crash():
    x = Value(0.0, "x")
    loss = x * x
    assert check_partials(loss, {"x": lambda x: 2 * x * x / x}).ok
    assert not check_partials(loss, {"x": lambda x: 1 / 0}).ok


def test_a_number_of_few_digits_names_no_far_fetched_slip():
    report = check_partials(alice(), {"w1": 0.4, "w5": 0.2, "w3": 0.31, "w6": -0.33})
    assert [finding.slip for finding in report.findings] == [None, Slip.SIGN, None, Slip.FACTOR_TWO]


@pytest.mark.parametrize("factor", ["-2(y - o1)", "w5·o1(1 − o1)", "x1·h1(1 − h1)"])
def test_a_factor_that_is_left_out_is_named(factor):
    whole = ["-2(y - o1)", "w5·o1(1 − o1)", "x1·h1(1 − h1)"]
    pair = dict(zip(whole, [("L", "o1"), ("o1", "h1"), ("h1", "w1")], strict=True))[factor]
    slip = Slip.UPSTREAM_FORGOTTEN if pair[0] == "L" else Slip.FACTOR_FORGOTTEN
    (finding,) = check_partials(alice(), {"w1": " * ".join(part for part in whole if part != factor)}).findings
    assert (finding.slip, finding.factor) == (slip, pair)


def test_a_derivative_that_is_0_where_it_was_recorded_is_held_against_slips_at_other_points_first(monkeypatch):
    monkeypatch.setattr(operation, "TABLE", {**operation.TABLE})  # the row is gone afterwards
    asked = []

    def slope(a, out):
        asked.append(a)
        return 1.0 - out * out

    bend = Operation("counting", doc="tanh, counted.", forward=tanh, partials=(slope,), latex="", numpy="")

    def work(x):
        h = Value(0.4, "v") * bend(Value(0.7, "w") * Value(x, "x") + 0.1)
        h.label = "h"
        asked.clear()
        assert not check_partials((bend(h) - Value(1.0, "y")) ** 2, {"w": "3x·h"}).ok
        return len(asked)

    assert work(0.0) < 2 * work(0.3)
