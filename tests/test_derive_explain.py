"""Explanations: what a textbook prints, how much of it, and what is refused."""

from functools import reduce
from math import prod
from operator import add
from random import Random

import pytest
from random_graphs import random_graph
from test_cases import boolean_network

from micrograd_nn import MLP, Value, log_softmax, logsumexp, maxout, mse, softmax, softmax_cross_entropy, squared_error
from micrograd_nn.derive import check_partials, count_paths, explain, paths, quiz, steps, to_sympy, wrong_order
from micrograd_nn.derive.named import formula_of
from micrograd_nn.derive.worked import rules_of
from micrograd_nn.engine import ops
from micrograd_nn.engine.backprop import replay
from micrograd_nn.engine.operation import TABLE
from micrograd_nn.engine.value import adjoints, topological_order
from micrograd_nn.errors import ArgumentError, ArgumentTypeError, GraphError, UnknownNameError
from micrograd_nn.nn.losses import binary_cross_entropy, binary_cross_entropy_with_logits, categorical_cross_entropy
from micrograd_nn.notation._formula import labelled


def two_inputs(seed=3):
    net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=seed)
    return net, mse(net([-2, -1]), Value(1, "y"))


# The factors as they are printed in textbooks, for Alice: x = (-2, -1), y = 1.
TEXTBOOK = {
    ("w1", 0): "−2(y − o1)",
    ("w1", 1): "w5·o1(1 − o1)",
    ("w1", 2): "x1·h1(1 − h1)",
    ("w4", 1): "w6·o1(1 − o1)",
    ("w4", 2): "x2·h2(1 − h2)",
    ("b1", 2): "h1(1 − h1)",
    ("w5", 1): "h1·o1(1 − o1)",
    ("b3", 1): "o1(1 − o1)",
}


@pytest.mark.parametrize(("label", "place"), TEXTBOOK)
def test_factors_read_as_the_textbook_prints_them(label, place):
    _, loss = two_inputs()
    derivation = explain(loss, labelled(loss)[label])
    assert str(derivation.factors[place].symbol) == TEXTBOOK[label, place]


def test_the_whole_text_of_the_two_input_network():
    net, loss = two_inputs()
    text = str(explain(loss, net.parameters()[0]))
    lines = text.splitlines()
    assert lines[0] == "∂L/∂w1 = ∂L/∂o1 · ∂o1/∂h1 · ∂h1/∂w1"
    assert lines[2].startswith("∂L/∂o1  = −2(y − o1)    = −2(1 − 0.420683) = −1.15863")
    assert lines[-1] == "∂L/∂w1 = −1.15863 · 0.0612783 · (−0.40049) = 0.0284344"


def test_several_paths_are_a_sum():
    _, loss = two_inputs()
    derivation = explain(loss, labelled(loss)["x1"])
    assert derivation.count == 2
    assert [[factor.parent for factor in term] for term in derivation.terms] == [["o1", "h1", "x1"], ["o1", "h2", "x1"]]
    assert "\n       + ∂L/∂o1 · ∂o1/∂h2 · ∂h2/∂x1\n" in str(derivation)


def test_a_reduction_is_derived_at_once_as_the_textbook_has_it():
    net = MLP(2, [3], output="identity", seed=1)
    z = net([0.5, -1.0])
    loss = logsumexp(z) - z[1]
    for k, name in enumerate(("o1", "o2", "o3")):
        (factor,) = explain(loss, z[k]).factors
        assert str(factor.symbol) == (f"p{k + 1} − 1" if name == "o2" else f"p{k + 1}")


def monomial(size, powers):
    """c·x^n·… as it is printed."""
    names = [name if n == 1 else f"{name}^{n}" for name, n in sorted(powers.items()) if n]
    return "·".join([*([f"{size:g}"] if size != 1 or not names else []), *names])


@pytest.mark.parametrize("seed", range(40))
def test_equal_factors_and_like_terms_meet_as_in_a_textbook(seed):
    draw = Random(seed)
    leaves = {name: Value(draw.uniform(0.5, 2.0), name) for name in ("w", "x", "y")}
    powers = {name: draw.randint(1, 3) for name in leaves}
    parts = [leaves[name] for name, n in powers.items() for _ in range(n)]
    times = draw.choice((1, 1, 2, 3))
    total = monomial_of(draw, parts)
    for _ in range(times - 1):
        total = total + monomial_of(draw, parts)
    for name, n in powers.items():
        expected = monomial(times * n, powers | {name: n - 1})
        found = str(explain(total, name).symbol)
        assert sorted(found.split("·")) == sorted(expected.split("·"))
        assert str(explain(total + leaves[name], name).symbol) == f"{found} + 1"


def monomial_of(draw, parts):
    """Their product, in any order and grouping, a square now and then by the power."""
    parts = draw.sample(parts, len(parts))
    while len(parts) > 1:
        i = draw.randrange(len(parts) - 1)
        a, b = parts[i : i + 2]
        parts[i : i + 2] = [a**2 if a is b else a * b]
    return parts[0]


def test_terms_that_cancel_are_gone_and_signs_stay():
    w, x = Value(1.5, "w"), Value(0.5, "x")
    assert str(explain((w + x) * (w - x), w).symbol) == "2·w"
    assert str(explain((w + x) * (w - x), x).symbol) == "−2·x"
    assert str(explain(x * (w - x) + x * x, x).symbol) == "w"
    assert str(explain(x - x * x / 2, x).symbol) == "1 − x"
    assert str(explain(x * ops.log(w), w).symbol) == "x/w"
    assert str(explain(-ops.log(w), w).symbol) == "−1/w"


def test_the_larger_of_two_has_the_textbook_s_slope_and_half_of_it_at_a_tie():
    w, x = Value(1.5, "w"), Value(0.5, "x")
    assert str(explain(ops.maximum(w, x), w)) == "∂L/∂w = [w > x] = [1.5 > 0.5] = 1"
    assert str(explain(ops.minimum(w, x), w)) == "∂L/∂w = [x > w] = [0.5 > 1.5] = 0"
    tied = Value(0.5, "t")
    assert str(explain(ops.maximum(tied, x), x)) == "∂L/∂x = 0.5"


def test_what_is_no_number_is_not_written_as_one():
    n = Value(-1.0, "n")
    assert str(explain(ops.log(n), n)) == "∂L/∂n = nan"  # and not 1/(−1) = nan
    assert str(explain(Value(1.0) / Value(0.0, "z"), "z")) == "∂L/∂z = −1/z^2 = −1/0^2 = −∞"


def named_softmax(inputs, outputs=True, shifted=True):
    powers = [ops.exp(z) for z in inputs]
    whole = reduce(add, powers)
    shares = softmax(inputs) if shifted else [power / whole for power in powers]
    for i, share in enumerate(shares, start=1):
        share.label = f"o{i}" if outputs else ""
    return shares


def worked_out(derivation):
    """The symbols of the whole, at the recorded numbers."""
    return derivation.symbol.evaluate({node: node.data for node in derivation.chain.names})


@pytest.mark.parametrize("shifted", [True, False])
def test_a_softmax_has_the_textbook_s_slopes(shifted):
    z = [Value(number, f"z{i}") for i, number in enumerate((0.3, -1.2, 0.9), start=1)]
    o = named_softmax(z, shifted=shifted)
    loss = reduce(add, [(share - 0.5) ** 2 for share in o])
    written = {(f.child, f.parent): str(f.symbol) for zj in z for f in explain(loss, zj).factors}
    for i in "123":
        for j in "123":
            assert written[f"o{i}", f"z{j}"] == (f"o{i}(1 − o{i})" if i == j else f"−o{i}·o{j}")
    assert str(explain(o[1], z[1]).symbol) == "o2(1 − o2)"
    assert str(explain(o[1], z[0]).symbol) == "−o2·p1"


@pytest.mark.parametrize("seed", range(40))
def test_whatever_looks_like_a_softmax_its_slopes_are_the_gradient(seed):
    draw = Random(seed)
    x = Value(draw.uniform(-1.0, 1.0), "x")
    z = [x * draw.uniform(-2.0, 2.0) + draw.uniform(-1.0, 1.0) for _ in range(draw.randint(2, 4))]
    for i, node in enumerate(z):
        node.label = draw.choice(("", f"z{i}"))
    shares = named_softmax(draw.choice((z, [*z, z[0]], [*z, x])), draw.random() < 0.7, draw.random() < 0.7)
    top, whole = shares[0].left, shares[0].right
    if draw.random() < 0.3:
        draw.choice((whole, top, top.left)).label = "named"
    for root in (shares[0] * 1.5 + shares[1] ** 2, x * top / (whole + x**2), x.exp() / whole, top / (whole + top)):
        root.label = "L"
        derivation = explain(root, x, most=1000)
        assert derivation.number == pytest.approx(adjoints(root)[x], rel=1e-12, abs=1e-12)
        assert worked_out(derivation) == pytest.approx(derivation.number, rel=1e-12, abs=1e-12)
        terms = sum(prod(factor.number for factor in term) for term in derivation.terms)
        assert terms == pytest.approx(derivation.number, rel=1e-12, abs=1e-12)


def test_a_softmax_of_large_numbers_is_written_so_that_it_can_be_worked_out():
    z = [Value(number, f"z{i}") for i, number in enumerate((1000.0, 999.0), start=1)]
    for share in softmax(z):
        share.label = "o"
        for zj in z:
            derivation = explain(share, zj)
            assert worked_out(derivation) == pytest.approx(derivation.number, rel=1e-12)
            assert derivation.number == pytest.approx(adjoints(share)[zj], rel=1e-12)


def test_the_first_output_weight_of_the_boolean_network():
    net = boolean_network()
    cost = squared_error(net([1, 0, 1]), 0)
    cost.label = "E"
    w10 = net.parameters()[9]
    exact = explain(cost, w10, digits=None)
    assert exact.number == pytest.approx(0.09949559619104585, rel=1e-12)
    assert exact.update(0.5).endswith("= 0.25025220190447706")
    assert explain(cost, w10, digits=1).update(0.5) == "w10 ← w10 − 0.5·∂E/∂w10 = 0.3 − 0.5·0.1 = 0.3"
    assert explain(cost, w10, digits=2).update(0.5).endswith("= 0.3 − 0.5·0.099 = 0.25")


# ---- labels, sizes, refusals ----


def test_labels_that_stand_twice_are_kept_apart():
    net = MLP(1, [1, 1], activation="tanh", output="tanh", seed=1)
    loss = mse([net([0.5]), net([-1.0])], [0.1, 0.2])
    derivation = explain(loss, net.parameters()[0])
    assert {factor.child for factor in derivation.factors} == {"L", "o1[1]", "o1[2]", "h1[1]", "h1[2]"}
    assert r"h_{1}^{(2)}" in derivation.latex()


def test_root_and_target_get_names_of_their_own():
    x = Value(2.0)
    assert str(explain(x * x, x)) == "∂L/∂w = 2·w = 2·2 = 4"
    y = Value(2.0, "L")
    assert str(explain(y * 3.0, y)).startswith("∂L1/∂L = 3")
    assert str(explain(y, y)) == "∂L/∂L = 1"
    assert explain(y, y).latex().count("=") == 1


def test_a_term_past_all_names_does_not_stand_for_the_whole():
    x = Value(0.5, "x")
    h = x * x
    h.label = "h"
    derivation = explain(h * x, x)
    assert str(derivation).splitlines() == [
        "dL/dx = ∂L/∂x",
        "      + ∂L/∂h · ∂h/∂x",
        "",
        "∂L/∂x = h   = 0.25",
        "∂L/∂h = x   = 0.5",
        "∂h/∂x = 2·x = 2·0.5 = 1",
        "",
        "dL/dx = 0.25",
        "      + 0.5 · 1 = 0.75",
    ]
    assert derivation.latex().count(r"\frac{\mathrm{d} L}{\mathrm{d} x} &=") == 2
    assert derivation.update(0.5) == "x ← x − 0.5·dL/dx = 0.5 − 0.5·0.75 = 0.125"
    assert str(explain(h * x, h)) == "∂L/∂h = x = 0.5"


def test_what_does_not_depend_has_derivative_zero():
    a, b = Value(1.0, "a"), Value(2.0, "b")
    derivation = explain(a * a, b)
    assert (derivation.number, derivation.count) == (0.0, 0)
    assert str(derivation) == "∂L/∂b = 0"
    assert derivation.latex().splitlines()[1] == r"\frac{\partial L}{\partial b} &= 0"


def test_a_label_is_as_good_as_its_node():
    net, loss = two_inputs()
    w1 = net.parameters()[0]
    assert str(explain(loss, "w1")) == str(explain(loss, w1))
    assert str(paths(loss, "w1")) == str(paths(loss, w1))
    assert count_paths(loss, "x1") == count_paths(loss, labelled(loss)["x1"]) == 2
    assert str(explain(loss, "L")) == "∂L/∂L = 1"
    for ask in (explain, paths, count_paths):
        for given, words in (("w_1", "'w_1'; choose one of: w1, "), (2.0, "2.0; choose"), ([w1], "; choose")):
            with pytest.raises(UnknownNameError, match=f"unknown node .*{words}"):
                ask(loss, given)


@pytest.mark.parametrize(
    "ask",
    [
        *(lambda root, f=f: f(root, "w") for f in (explain, paths, count_paths)),
        *(steps, quiz, wrong_order, to_sympy),
        lambda root: check_partials(root, {"w": 1.0}),
    ],
)
def test_what_is_no_graph_is_refused_in_words(ask):
    for root in (2.0, [Value(1.0)], "L"):
        with pytest.raises(ArgumentTypeError, match=rf"got the {type(root).__name__} .*create_graph=True"):
            ask(root)


ASKED = [lambda root: explain(root, "x"), lambda root: paths(root, "x"), steps, wrong_order]


@pytest.mark.parametrize("ask", ASKED)
@pytest.mark.parametrize("seed", range(10))
def test_numbers_of_two_computations_are_never_mixed(ask, seed):
    root, leaves = random_graph(seed)
    leaves[0].label = "x"
    ask(root)
    before = root.data
    for number in (0.3, 0.9, 1.7):
        leaves[0].data = number
        if replay(root, {})[root] != before:
            with pytest.raises(GraphError, match="has changed since"):
                ask(root)


@pytest.mark.parametrize("ask", ASKED)
def test_a_slope_that_changed_behind_a_zero_is_not_mixed_in_either(ask):
    w, x = Value(2.0, "w"), Value(0.0, "x")
    root = w * x
    w.data = 5.0  # the product is 0 still, and its slope towards x no longer 2
    with pytest.raises(GraphError, match=r"slope of mul towards x was 2\.0 .* is 5\.0 now.*has changed since"):
        ask(root)


def test_a_minus_sign_of_the_learning_rate_stands_in_brackets():
    w = Value(0.3, "w")
    assert explain(w * w, w).update(-0.5) == "w ← w − (−0.5)·∂L/∂w = 0.3 − (−0.5)·0.6 = 0.6"


def test_many_paths_are_cut_to_the_largest_and_the_rest_is_counted():
    net = MLP(2, [16, 16, 1], activation="tanh", seed=0)
    out = net([Value(0.5, "x1"), Value(-1.0, "x2")])
    derivation = explain(out, labelled(out)["x1"])
    assert derivation.count == 256
    assert "… 248 more" in str(derivation)
    with pytest.raises(GraphError, match="most=256"):
        _ = derivation.symbol
    assert explain(out, labelled(out)["x1"], most=256).count == 256
    assert derivation.latex().count(r" + \dots") == 2  # in symbols and in numbers
    assert derivation._repr_latex_() == f"$${derivation.latex()}$$"


def test_a_share_of_exponents_that_are_not_shifted_alike_is_not_that_of_a_softmax():
    z1, z2, m, t = (Value(number, name) for number, name in ((0.3, "z1"), (0.9, "z2"), (0.5, "m"), (0.2, "t")))
    e, f = ops.exp(z1 - ops.stop_gradient(m)), ops.exp(z2 - t)
    share = e / (e + f)
    share.label = "L"
    assert "with p2 = exp(z2 − t)/(exp(z1 − stop_gradient(m)) + exp(z2 − t)) = 0.71095" in str(explain(share, t))


def test_all_terms_stand_in_the_order_of_the_graph_and_some_of_them_by_size():
    x, parts = Value(2.0, "x"), []
    for name, slope in (("p", 1.0), ("q", 9.0), ("r", 4.0)):
        parts.append(x * slope)
        parts[-1].label = name
    loss = parts[0] + parts[1] + parts[2]

    def ways(most):
        return [term[0].parent for term in explain(loss, x, most=most).terms]

    assert ways(3) == ways(8) == ["p", "q", "r"]
    assert ways(2) == ["q", "r"]


@pytest.mark.parametrize("option", ["most", "digits"])
@pytest.mark.parametrize("given", [0, -1, 2.5, "a", True])
def test_how_much_is_written_is_a_whole_number(option, given):
    w = Value(2.0, "w")
    error = ArgumentError if type(given) is int else ArgumentTypeError
    with pytest.raises(error, match=f"^{option}.* is a whole number from 1 up, got {given!r}$"):
        explain(w * w, w, **{option: given})
    assert str(explain(w / 3.0, w, digits=None)) == "∂L/∂w = 1/3 = 0.3333333333333333"


def test_hostile_labels_stay_text():
    w = Value(2.0, "}$<script>\\input")
    derivation = explain(w * w, w)
    assert "<script>" not in derivation.latex()
    assert "\\input" not in derivation.latex()


def test_changed_data_is_refused():
    x = Value(2.0, "x")
    y = x * x
    x.data = 3.0
    with pytest.raises(GraphError, match="has changed since"):
        explain(y, x)
    with pytest.raises(ArgumentError, match="most"):
        explain(y, x, most=0)


def long_chain(length):
    node = start = Value(0.5, "x")
    for _ in range(length):
        node = ops.tanh(node)
    return node, start


def test_a_long_factor_is_given_in_numbers_and_refused_in_symbols():
    node, start = long_chain(4_000)
    derivation = explain(node, start)
    assert derivation.count == 1
    text = str(derivation)
    assert "label some nodes in between" in text
    assert len(text) < 1000
    with pytest.raises(GraphError, match="label some nodes in between"):
        derivation.latex()
    assert derivation._repr_latex_() is None


@pytest.mark.parametrize("length", [30_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_very_long_chain_is_refused_with_the_way_out(length):
    node, start = long_chain(length)
    with pytest.raises(GraphError, match="label some nodes in between; or ask grad"):
        explain(node, start)


def test_a_long_chain_with_labels_is_explained():
    node, start = long_chain(20)
    for i, inner in enumerate(topological_order(node)):
        inner.label = f"n{i}"
    assert explain(node, start).count == 1
    assert len(explain(node, start).factors) == 20


def test_nothing_is_changed():
    net, loss = two_inputs()
    loss.backward()
    before = [(node.data, repr(node.grad), node.label) for node in topological_order(loss)]
    str(explain(loss, net.parameters()[0]))
    assert [(node.data, repr(node.grad), node.label) for node in topological_order(loss)] == before


def test_a_sum_that_doubles_itself_is_no_softmax_and_takes_no_time():
    x = Value(0.5, "x")
    whole = top = ops.exp(x)
    for _ in range(60):
        whole = whole + whole
    assert worked_out(explain(top / whole, x)) == pytest.approx(0.0, abs=1e-30)


def test_a_clamp_that_is_taken_for_safety_is_not_written():
    o, y = Value(0.6, "o"), Value(1.0, "y")
    loss = binary_cross_entropy(o, y)
    assert str(explain(loss, "o").symbol) == "−y/o + (1 − y)/(1 − o)"  # in the order of the loss
    assert str(explain(loss, "y").symbol) == "ln(1 − o) − ln(o)"
    assert check_partials(loss, {"o": "-y/o + (1 - y)/(1 - o)"}).ok  # though fresh points may lie below 0
    assert quiz(loss, 1).equations == (("L", "−(y·ln(o) + (1 − y)·ln(1 − o))"),)
    assert 0 < dict(quiz(loss, 1).given)["o"] < 1
    by_hand = -ops.log(ops.maximum(o, 1e-12))
    assert str(explain(by_hand, "o").symbol) == "−1/o"
    behind = binary_cross_entropy(Value(1.0, "p"), 0.0)
    assert explain(behind, "p").number == adjoints(behind)[labelled(behind)["p"]]


@pytest.mark.parametrize("n", [2, 3, 5])
def test_a_cross_entropy_of_sums_has_the_textbook_s_slopes(n):
    z = [Value(0.3 * i - 0.5, f"z{i}") for i in range(1, n + 1)]
    y = [Value(float(i == 2), f"y{i}") for i in range(1, n + 1)]
    p = [f"p{i}" for i in range(1, n + 1)]
    whole = " + ".join(f"exp({a.label})" for a in z)
    assert f"with p1 = exp(z1)/({whole}) = " in str(explain(softmax_cross_entropy(z, 1), "z1"))
    for loss in (softmax_cross_entropy(z, 1), softmax_cross_entropy(z, [0, 1, *[0] * (n - 2)])):
        assert [str(explain(loss, a).symbol) for a in z] == [p[0], f"{p[1]} − 1", *p[2:]]
    loss = softmax_cross_entropy(z, y)
    assert [str(explain(loss, a).symbol) for a in z] == [f"{share} − y{i}" for i, share in enumerate(p, start=1)]
    for root in (softmax_cross_entropy(z, 1), loss, log_softmax(z)[1]):
        for a in z:
            assert worked_out(explain(root, a)) == pytest.approx(adjoints(root)[a], rel=1e-12)


def test_a_term_that_a_one_hot_target_leaves_out_is_not_written():
    z = [Value(number, f"z{i}") for i, number in enumerate((0.2, 0.5), start=1)]
    loss = categorical_cross_entropy(named_softmax(z), [0, 1])
    derivation = explain(loss, "z1")
    assert [[str(factor) for factor in term] for term in derivation.terms] == [["∂L/∂o2", "∂o2/∂z1"]]
    assert str(derivation.factors[0].symbol) == "−1/o2"
    assert check_partials(loss, {"z1": "o1", "o1": 0}).ok


# ---- textbook lines ----


def named(**numbers):
    return [Value(float(number), name) for name, number in numbers.items()]


def test_sums_are_written_as_people_simplify_them():
    x, y, g, m, s = named(x=0.4, y=0.6, g=1.3, m=0.2, s=0.8)
    o = ops.sigmoid(x)
    written = {
        -(y * ops.log(o) + (1 - y) * ops.log(1 - o)): "σ(x) − y",
        x / ops.sqrt(x**2 + s**2): "s^2/√(x^2 + s^2)^3",
        x / (1 + x): "1/(1 + x)^2",
        (x * g + 1) / (x**2 + m): "(g(m − x^2) − 2·x)/(x^2 + m)^2",
        (x + 1) ** 2 * (x - 1): "(x + 1)(3·x − 1)",
        x * ops.exp(-(x**2)): "exp(−x^2)·(1 − 2·x^2)",
        ops.sin(x) * ops.cos(x): "cos(x)^2 − sin(x)^2",
        ops.sigmoid(x * x + x): "L(1 − L)(2·x + 1)",
        x**3 / 3 + x**2 / 2: "x^2 + x",
    }
    for root, expected in written.items():
        derivation = explain(root, x)
        assert str(derivation.symbol) == expected
        assert worked_out(derivation) == pytest.approx(adjoints(root)[x], rel=1e-12)


def test_nodes_of_the_same_number_are_told_apart():
    x = Value(0.5, "x")
    n = ops.relu(ops.elu(x, x))
    n.label = "n"
    derivation = explain(n * 2.0, x)
    assert "[n > 0]" in str(derivation.symbol)
    assert "[x > 0]" in str(derivation.symbol)  # n is 0.5 too


def test_a_cross_entropy_is_derived_as_p_minus_y():
    for n in (1, 2):
        z = [Value(0.3 * i, f"z{i}") for i in range(1, n + 1)]
        y = [Value(float(i == 1), f"y{i}") for i in range(1, n + 1)]
        half = "0.5({})" if n == 2 else "{}"
        assert str(explain(binary_cross_entropy_with_logits(z, y), "z1").symbol) == half.format("σ(z1) − y1")
        if n == 2:
            assert str(explain(binary_cross_entropy(z, y), "z1").symbol) == half.format("−y1/z1 + (1 − y1)/(1 − z1)")
            assert str(explain(categorical_cross_entropy(softmax(z), y), "z1").symbol) == "p1(y1 + y2) − y1"
            assert str(explain(categorical_cross_entropy(softmax(z), [1, 0]), "z1").symbol) == "p1 − 1"
            assert str(explain(softmax_cross_entropy(z, [0.7, 0.3]), "z2").symbol) == "p2 − 0.3"
    assert str(explain(binary_cross_entropy_with_logits(z[0], 1), "z1").symbol) == "σ(z1) − 1"


def test_a_share_is_called_p_unless_a_label_of_the_graph_is():
    z = [Value(0.3, "z1"), Value(-0.2, "p1")]
    derivation = explain(softmax_cross_entropy(z, 0), "z1")
    assert str(derivation).startswith("∂L/∂z1 = q1 − 1")
    u = [Value(0.1, "u1"), Value(0.2, "u2")]
    both = softmax_cross_entropy([Value(0.3, "z1"), Value(0.2, "z2")], 0) + softmax_cross_entropy(u, 0)
    assert [str(explain(both, name).symbol) for name in ("z1", "u1")] == ["p1[1] − 1", "p1[2] − 1"]
    assert check_partials(both, {"u1": "p1[2] − 1", "u2": "p2[2]", "z2": r"p_{2}^{(1)}"}).ok


def test_shares_may_be_handed_in_where_the_graph_has_no_node_for_them():
    z = [Value(number, f"z{i}") for i, number in enumerate((0.3, -1.2, 0.9), start=1)]
    for loss in (softmax_cross_entropy(z, 0), -ops.log(softmax(z)[0]), logsumexp(z) - z[0]):
        assert check_partials(loss, {"z1": "p1 - 1", "z2": "p2", "z3": r"p_{3}"}).ok
        assert not check_partials(loss, {"z1": "p1"}).ok


def test_the_side_is_told_by_the_outcome_where_that_has_the_name():
    x, w = named(x=0.5, w=-1.5)
    for row, expected in (
        (ops.relu, "x·[h > 0]"),
        (ops.leaky_relu, "x([h > 0] + 0.1·[h ≤ 0])"),
        (ops.elu, "x([h > 0] + [h ≤ 0]·exp(w·x))"),
        (ops.absolute, "x·sign(w·x)"),
    ):
        h = row(w * x)
        h.label = "h"
        derivation = explain(h * 2.0, w)
        assert str(derivation.factors[1].symbol) == expected
        assert check_partials(h * 2.0, {("h", "w"): expected}).ok
    backwards = ops.leaky_relu(w * x, -0.5)  # its outcome is positive on both sides
    backwards.label = "h"
    assert str(explain(backwards * 2.0, w).factors[1].symbol) == "x([w·x > 0] − 0.5·[w·x ≤ 0])"
    z = [Value(number, f"z{i}") for i, number in enumerate((0.3, -1.2, 0.9), start=1)]
    assert str(explain(maxout(z), "z1").symbol) == "[z1 > max(z2, z3)]"


def test_no_line_contradicts_its_own_numbers():
    q = Value(20.0, "q")
    s = ops.sigmoid(q * 1.0)
    s.label = "s"
    assert "∂s/∂q = s(1 − s) = 0.9999999979388(1 − 0.9999999979388) = 2.06115e−9" in str(explain(25 * s, q))
    s = ops.sigmoid(Value(40.0, "q") * 1.0)  # 1 to the last digit: no number of digits would do
    s.label = "s"
    assert "∂s/∂q = s(1 − s) = 4.24835e−18" in str(explain(25 * s, "q"))
    assert r"s \left(1 - s\right) = 4.24835 \cdot 10^{-18}" in explain(25 * s, "q").latex()
    a = Value(1.0, "a")
    u, v = a * 1.0000003, a * -1.0
    u.label, v.label = "u", "v"
    assert str(explain(u + v, a)).endswith("1 · 1.0000003\n      + 1 · (−1) = 3e−7")


def test_the_rules_stand_under_their_factors_on_request():
    x, w, y = named(x=0.5, w=-1.5, y=1.0)
    o = ops.sigmoid(w * x)
    o.label = "o"
    text = str(explain((y - o) ** 2, w, rules=True))
    assert "\n    power rule with chain rule: (u^2)′ = 2·u′·u with u = y − o, u′ = −1\n" in text
    assert "\n    chain rule: σ(u)′ = u′·σ(u)(1 − σ(u)) with u = w·x, u′ = x\n" in text
    assert "rule" not in str(explain((y - o) ** 2, w))
    quotient = str(explain((x * w + 1) / (x**2 + w), x, rules=True))
    assert "quotient rule: (u/v)′ = (u′·v − v′·u)/v^2 with u = x·w + 1, u′ = w, v = x^2 + w, v′ = 2·x" in quotient
    product = str(explain(x * ops.exp(x), x, rules=True))
    assert "product rule: (u·v)′ = u′·v + u·v′ with u = x, u′ = 1, v = exp(x), v′ = exp(x)" in product
    assert "exponential rule: (w^x)′ = w^x·ln(w)" in str(explain(w**x, x, rules=True))
    assert r"&\quad \text{power rule: } ({x}^{2})' = 2 \cdot x" in explain(x**2, x, rules=True).latex()


@pytest.mark.parametrize("seed", range(40))
def test_what_a_rule_says_is_the_slope(seed):
    smooth = [row for row in TABLE.values() if not row.kinks]
    root, leaves = random_graph(seed, n_nodes=6, operations=smooth)
    names = {leaf: leaf.label for leaf in leaves} | {root: "L"}
    formula, at = formula_of(root, names), {leaf: leaf.data for leaf in leaves}
    for leaf in leaves:
        for rule in rules_of(formula, leaf.label):
            for inner, slope in zip(rule.inner, rule.slopes_inside, strict=True):
                expected = explain(formula_as_graph(inner, leaves), leaf.label, most=1000).number
                assert slope.evaluate(at) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def formula_as_graph(symbol, leaves):
    """A formula worked out on the leaves, so that the engine can derive it."""
    return symbol.put_in({leaf: leaf for leaf in leaves}) * 1.0
