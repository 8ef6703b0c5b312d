"""The table of slips: each row is named where it was made, once and at all places alike, and none is there in vain."""

import math

import pytest

from micrograd_nn import Operation, Value, logsumexp
from micrograd_nn.derive import Slip, check_partials, rules, suspects
from micrograd_nn.derive.slips import Scope
from micrograd_nn.engine import operation, ops
from micrograd_nn.nn.losses import softmax_cross_entropy

NUMBERS = {"x": 0.7, "w": 1.3, "v": -0.6, "y": 0.4, "a": 0.9, "b": 1.7, "c": -1.1}


def named(node, label):
    node.label = label
    return node


def neuron(x, w, v, y):
    """L = (y − o)², o = v·h, h = σ(w·x)."""
    h = named(ops.sigmoid(w * x), "h")
    return (y - named(v * h, "o")) ** 2


def two_neurons(x, w, v, y):
    """L = (y − o)², o = tanh(v·h), h = σ(w·x)."""
    h = named(ops.sigmoid(w * x), "h")
    return (y - named(ops.tanh(v * h), "o")) ** 2


def deep(x, w, v):
    """t = tanh(w·s), s = tanh(v·x), and another weight at each."""
    s = named(ops.tanh(v * x), "s")
    return ops.tanh(w * s)


def two_bends(x, w, v):
    """σ(w·s), s = σ(v·x)."""
    s = named(ops.sigmoid(v * x), "s")
    return ops.sigmoid(w * s)


def two_leaks(x, w, v):
    """A leaky relu of w·s, s of v·x."""
    s = named(ops.leaky_relu(v * x), "s")
    return ops.leaky_relu(w * s)


def two_logarithms(x, w, b, y):
    """ln(w·s + y), s = ln(b·x)."""
    s = named(ops.log(b * x), "s")
    return ops.log(w * s + y)


def two_roots(x, w, b, y):
    """√(w·s + y), s = √(b·x)."""
    s = named(ops.sqrt(b * x), "s")
    return ops.sqrt(w * s + y)


def two_powers_of_e(x, w, v):
    """exp(w·s), s = exp(v·x)."""
    s = named(ops.exp(v * x), "s")
    return ops.exp(w * s)


def x_to_the_y(x, y, a):
    return a * x**y


def tower(x, y, a):
    """x^s, s = a^y."""
    return x ** named(a**y, "s")


def two_quotients(x, w, b, y):
    """w·s/y, s = x/b."""
    s = named(x / b, "s")
    return w * s / y


def two_lines(x, a, b, w, y):
    return (a * x + b) / (w * x + y)


def three_classes(x, a, b, c):
    """Softmax cross-entropy of a·x, b·x and c·x, where the second is right."""
    z = [named(k * x, f"z{i}") for i, k in enumerate((a, b, c), start=1)]
    return logsumexp(z) - z[1]


def second_of_three(x, a, b, c):
    """The same as the package records it: ln(1 + exp(z1 − z2) + exp(z3 − z2))."""
    return softmax_cross_entropy([named(k * x, f"z{i}") for i, k in enumerate((a, b, c), start=1)], 1)


def one_share(x, a, b, c):
    """L = c·p, p = exp(z1)/(exp(z1) + exp(z2)), z1 = a·x, z2 = b·x."""
    powers = [ops.exp(named(k * x, f"z{i}")) for i, k in enumerate((a, b), start=1)]
    return c * named(powers[0] / (powers[0] + powers[1]), "p")


def yes_or_no(x, w, y):
    """Binary cross-entropy of σ(w·x)."""
    o = named(ops.sigmoid(w * x), "o")
    return -(y * ops.log(o) + (1 - y) * ops.log(1 - o))


def two_ways(x, w, v, a, b):
    """L = a·p + b·q, p = w·m, q = v·m, m = x²."""
    m = named(x * x, "m")
    return a * named(w * m, "p") + b * named(v * m, "q")


def mean(x, w, y):
    """The mean of three squares."""
    p = [named(w * (x + k), f"p{k}") for k in range(3)]
    return sum(((pk - y) ** 2 for pk in p[1:]), (p[0] - y) ** 2) / 3.0


def one_mean(x, w, y):
    return ((w * x) ** 3 + (w * y) ** 3) / 5.0


def powers(x, w):
    """L = (w·r)³, r = x³."""
    return (w * named(x**3, "r")) ** 3


TOP, LAST, FIRST = "-2(y − o)", "v", "x·h(1 − h)"  # ∂L/∂o, ∂o/∂h and ∂h/∂w of the neuron
SUM = "(exp(z1) + exp(z2) + exp(z3))"
MEAN = "(2(p0 − y)x + 2(p1 − y)(x + 1) + 2(p2 − y)(x + 2))"

CASES = [  # a slip, the scope of the edit, a graph, ∂root/∂target as it was written, and in which factor the slip is
    (Slip.SIGN, Scope.FACTOR, neuron, "w", f"2(y − o)·{LAST}·{FIRST}", "L o"),
    (Slip.SIGN, Scope.WHOLE, mean, "w", f"-{MEAN}/3", "L w"),
    (Slip.SIGN, Scope.BRANCH, lambda x, b, c: x * c + b * x, "x", "c − b", "L x"),
    (Slip.FACTOR_TWO, Scope.FACTOR, neuron, "w", f"2{LAST}·{TOP}·{FIRST}", "L o"),
    (Slip.FACTOR_TWO, Scope.WHOLE, mean, "w", f"2{MEAN}/3", "L w"),
    (Slip.FACTOR_TWO, Scope.FACTOR, two_ways, "x", "a·w·2x + b·(2v)·2x", "q m"),
    (Slip.FACTOR_HALF, Scope.FACTOR, neuron, "w", f"-(y − o)·{LAST}·{FIRST}", "L o"),
    (Slip.FACTOR_HALF, Scope.WHOLE, mean, "w", f"0.5{MEAN}/3", "L w"),
    (Slip.FACTOR_N, Scope.WHOLE, mean, "w", MEAN, "L w"),
    (Slip.FACTOR_N, Scope.WHOLE, mean, "w", f"{MEAN}/9", "L w"),
    (Slip.FACTOR_N, Scope.FACTOR, one_mean, "x", "3(w·x)²·w", "L x"),
    (Slip.FACTOR_N, Scope.FACTOR, one_mean, "x", "3(w·x)²·w/25", "L x"),
    (Slip.SQUARE_FORGOTTEN, Scope.EDGE, neuron, "w", f"-1·{LAST}·{FIRST}", "L o"),
    (Slip.SQUARE_FORGOTTEN, Scope.EDGE, neuron, "w", f"-2·{LAST}·{FIRST}", "L o"),
    (Slip.SQUARE_FORGOTTEN, Scope.EDGE, powers, "x", "w·1", "both"),
    (Slip.ACTIVATION_FORGOTTEN, Scope.EDGE, neuron, "w", f"{TOP}·{LAST}·x", "h w"),
    (Slip.ACTIVATION_FORGOTTEN, Scope.EDGE, deep, "x", "w·v", "both"),
    (Slip.INNER_FORGOTTEN, Scope.EDGE, neuron, "w", f"{TOP}·{LAST}·h(1 − h)", "h w"),
    (Slip.INNER_FORGOTTEN, Scope.EDGE, deep, "x", "(1 − tanh(w·s)²)(1 − s²)", "both"),
    (Slip.UPSTREAM_FORGOTTEN, Scope.CUT_OFF, neuron, "w", f"{LAST}·{FIRST}", "L o"),
    (Slip.UPSTREAM_FORGOTTEN, Scope.CUT_OFF, neuron, "w", FIRST, "L h"),
    (Slip.VALUE_FOR_SLOPE, Scope.EDGE, neuron, "w", f"{TOP}·{LAST}·x·h", "h w"),
    (Slip.VALUE_FOR_SLOPE, Scope.EDGE, deep, "x", "tanh(w·s)·w·s·v", "both"),
    (Slip.INPUT_FOR_OUTPUT, Scope.EDGE, neuron, "w", f"{TOP}·{LAST}·x·(w·x)(1 − w·x)", "h w"),
    (Slip.INPUT_FOR_OUTPUT, Scope.EDGE, deep, "x", "(1 − (w·s)²)·w·(1 − (v·x)²)·v", "both"),
    (Slip.SLOPE_AT_OUTPUT, Scope.EDGE, neuron, "w", f"{TOP}·{LAST}·x·σ(h)(1 − σ(h))", "h w"),
    (Slip.SLOPE_AT_OUTPUT, Scope.EDGE, deep, "x", "tanh'(tanh(w·s))·w·tanh'(s)·v", "both"),
    (Slip.ANOTHER_RULE, Scope.EDGE, neuron, "w", f"{TOP}·{LAST}·x·(1 − h²)", "h w"),
    (Slip.SIGN_INSIDE, Scope.EDGE, neuron, "w", f"{TOP}·{LAST}·x·h(1 + h)", "h w"),
    (Slip.SIGN_INSIDE, Scope.EDGE, deep, "x", "(1 + tanh(w·s)²)·w·(1 + s²)·v", "both"),
    (Slip.PART_FORGOTTEN, Scope.EDGE, neuron, "w", f"{TOP}·{LAST}·x·(1 − h)", "h w"),
    (Slip.PART_FORGOTTEN, Scope.EDGE, neuron, "w", f"{TOP}·{LAST}·x·h²", "h w"),
    (Slip.PART_FORGOTTEN, Scope.EDGE, two_bends, "x", "(1 − σ(w·s))·w·(1 − s)·v", "both"),
    (Slip.PART_FORGOTTEN, Scope.EDGE, deep, "x", "tanh(w·s)²·w·s²·v", "both"),
    (Slip.SQUARE_FORGOTTEN, Scope.EDGE, deep, "x", "(1 − tanh(w·s))·w·(1 − s²)·v", "L s"),
    (Slip.SQUARE_FORGOTTEN, Scope.EDGE, deep, "x", "(1 − tanh(w·s))·w·(1 − s)·v", "both"),
    (Slip.ANOTHER_RULE, Scope.EDGE, neuron, "w", f"{TOP}·{LAST}·x·(1 + h²)", "h w"),
    (Slip.ANOTHER_RULE, Scope.EDGE, deep, "x", "[w·s > 0]·w·[v·x > 0]·v", "both"),
    (Slip.WRONG_OPERAND, Scope.EDGE, neuron, "w", f"{TOP}·{LAST}·w·h(1 − h)", "h w"),
    (Slip.WRONG_OPERAND, Scope.EDGE, neuron, "w", f"{TOP}·y·{FIRST}", "o h"),
    (Slip.WRONG_OPERAND, Scope.EDGE, deep, "x", "(1 − tanh(w·s)²)·s·(1 − s²)·x", "both"),
    (Slip.PATH_MISSING, Scope.FACTOR, two_ways, "x", "a·w·2x", "L q"),
    (Slip.PATH_MISSING, Scope.BRANCH, lambda x, b, c: x * c + b * x, "x", "c", "L x"),
    (Slip.PATH_TWICE, Scope.FACTOR, two_ways, "x", "a·w·2x + b·v·2x + b·v·2x", "L q"),
    (Slip.PATH_TWICE, Scope.BRANCH, lambda x, b, c: x * c + b * x, "x", "c + 2b", "L x"),
    (Slip.POWER_NOT_LOWERED, Scope.EDGE, lambda x, w: (w * x) ** 3, "x", "3(w·x)³·w", "L x"),
    (Slip.POWER_NOT_LOWERED, Scope.EDGE, powers, "x", "3(w·r)³·w·3r", "both"),
    (Slip.FACTOR_FORGOTTEN, Scope.FACTOR, two_neurons, "w", f"{TOP}·{FIRST}", "o h"),
    (Slip.INVERTED, Scope.FACTOR, neuron, "w", f"{TOP}/v·{FIRST}", "o h"),
    (Slip.INNER_FORGOTTEN, Scope.EDGE, lambda x, w: ops.exp(-w * x), "x", "-exp(−w·x)", "L x"),
    (Slip.WRONG_OPERAND, Scope.EDGE, lambda x, w: ops.exp(-w * x), "x", "-x·exp(−w·x)", "L x"),
    (Slip.SQUARE_FORGOTTEN, Scope.EDGE, deep, "x", "sqrt(1 − tanh(w·s)²)·w·(1 − s²)·v", "L s"),
    (Slip.SIGN_INSIDE, Scope.EDGE, lambda x, w: ops.softplus(w * x), "w", "x·σ(−w·x)", "L w"),
    (Slip.ACTIVATION_FORGOTTEN, Scope.FACTOR, three_classes, "a", f"x/{SUM}", "L z1"),
    (Slip.ACTIVATION_FORGOTTEN, Scope.FACTOR, three_classes, "a", "x·exp(z1)", "L z1"),
    (Slip.VALUE_FOR_SLOPE, Scope.FACTOR, three_classes, "a", f"x·exp(z1)·ln({SUM})", "L z1"),
    (Slip.INPUT_FOR_OUTPUT, Scope.FACTOR, three_classes, "a", f"x·z1/{SUM}", "L z1"),
    (Slip.INPUT_FOR_SLOPE, Scope.EDGE, deep, "x", "w·s·w·(1 − s²)·v", "L s"),
    (Slip.INPUT_FOR_SLOPE, Scope.EDGE, deep, "x", "w·s·w·v·x·v", "both"),
    (Slip.OTHER_BRANCH, Scope.EDGE, two_leaks, "x", "(0.1[w·s > 0] + [w·s < 0])·w·([v·x > 0] + 0.1[v·x < 0])·v", "L s"),
    (
        Slip.OTHER_BRANCH,
        Scope.EDGE,
        two_leaks,
        "x",
        "(0.1[w·s > 0] + [w·s < 0])·w·(0.1[v·x > 0] + [v·x < 0])·v",
        "both",
    ),
    (Slip.OTHER_BRANCH, Scope.EDGE, two_leaks, "x", "0.1w·([v·x > 0] + 0.1[v·x < 0])·v", "L s"),
    (Slip.OTHER_BRANCH, Scope.EDGE, lambda x, a, b: a * ops.maximum(x, b), "x", "a·[b > x]", "L x"),
    (Slip.ANOTHER_RULE, Scope.FACTOR, three_classes, "a", f"x/({SUM}·z1)", "L z1"),
    (Slip.LOGARITHM_RULE, Scope.EDGE, two_logarithms, "x", "(w·s + y)·w/x", "L s"),
    (Slip.LOGARITHM_RULE, Scope.EDGE, two_logarithms, "x", "1/(w·s + y)·w·b/s", "s x"),
    (Slip.LOGARITHM_RULE, Scope.EDGE, two_logarithms, "x", "(w·s + y)·w·(b·x)·b", "both"),
    (Slip.LOGARITHM_RULE, Scope.FACTOR, three_classes, "a", f"x·exp(z1)·{SUM}", "L z1"),
    (Slip.LOGARITHM_RULE, Scope.FACTOR, three_classes, "a", f"x·exp(z1)/ln({SUM})", "L z1"),
    (Slip.ROOT_RULE, Scope.EDGE, two_roots, "x", "0.5sqrt(w·s + y)·w·b/(2s)", "L s"),
    (Slip.ROOT_RULE, Scope.EDGE, two_roots, "x", "0.5sqrt(w·s + y)·w·0.5s·b", "both"),
    (Slip.POWER_RULE, Scope.EDGE, two_powers_of_e, "x", "w·s·exp(w·s − 1)·w·s·v", "L s"),
    (Slip.POWER_RULE, Scope.EDGE, two_powers_of_e, "x", "w·s·exp(w·s − 1)·w·v·x·exp(v·x − 1)·v", "both"),
    (Slip.POWER_RULE, Scope.EDGE, x_to_the_y, "x", "a·x^y·ln(x)", "L x"),
    (Slip.POWER_RULE, Scope.EDGE, x_to_the_y, "y", "a·y·x^(y − 1)", "L y"),
    (Slip.POWER_RULE, Scope.FACTOR, three_classes, "a", f"x·z1·exp(z1 − 1)/{SUM}", "L z1"),
    (Slip.POWER_LEFT, Scope.EDGE, neuron, "w", f"-(y − o)²·{LAST}·{FIRST}", "L o"),
    (Slip.POWER_LEFT, Scope.EDGE, powers, "x", "(w·r)³·w·x³", "both"),
    (Slip.POWER_FACTOR_FORGOTTEN, Scope.EDGE, powers, "x", "(w·r)²·w·3x²", "L r"),
    (Slip.POWER_FACTOR_FORGOTTEN, Scope.EDGE, powers, "x", "(w·r)²·w·x²", "both"),
    (Slip.LOGARITHM_FORGOTTEN, Scope.EDGE, tower, "y", "x^s·ln(x)·a^y", "s y"),
    (Slip.LOGARITHM_FORGOTTEN, Scope.EDGE, tower, "y", "x^s·a^y", "both"),
    (Slip.QUOTIENT, Scope.EDGE, two_quotients, "x", "w·y/b", "L s"),
    (Slip.QUOTIENT, Scope.EDGE, two_quotients, "x", "w·y·b", "both"),
    (Slip.QUOTIENT, Scope.EDGE, lambda x, w: w * (x / 1.5), "x", "1.5w", "L x"),
    (Slip.QUOTIENT, Scope.EDGE, lambda x, w, b: w * (x / b), "b", "-w·x/b", "L b"),
    (Slip.QUOTIENT, Scope.RULE, two_lines, "x", "(a(w·x + y) − w(a·x + b))/(w·x + y)", "L x"),
    (Slip.QUOTIENT, Scope.RULE, two_lines, "x", "a/w", "L x"),
    (Slip.PRODUCT, Scope.RULE, lambda x, a, b: ops.sin(a * x) * ops.exp(b * x), "x", "a·cos(a·x)·b·exp(b·x)", "L x"),
    (Slip.WRONG_OPERAND, Scope.EDGE, lambda x, y, w: w * ops.sin(x) + y, "x", "w·cos(y)", "L x"),
    (Slip.WRONG_OPERAND, Scope.EDGE, lambda x, y, w: w * x**2 + y, "x", "2w·y", "L x"),
    (Slip.WRONG_OPERAND, Scope.EDGE, x_to_the_y, "y", "a·x^y·ln(y)", "L y"),
    (Slip.SOFTMAX, Scope.FACTOR, one_share, "a", "c·p(1 + p)·x", "p z1"),
    (Slip.SOFTMAX, Scope.FACTOR, one_share, "b", "c·p²·x", "p z2"),
    (Slip.CROSS_ENTROPY, Scope.FACTOR, three_classes, "a", f"x·(exp(z1)/{SUM} − 1)", "L z1"),
    (Slip.CROSS_ENTROPY, Scope.FACTOR, three_classes, "b", f"-x·{SUM}/exp(z2)", "L z2"),
    (Slip.CROSS_ENTROPY, Scope.FACTOR, lambda x, y: ops.softplus(x) - y * x, "x", "σ(x)(1 − σ(x))", "L x"),
    (Slip.CROSS_ENTROPY, Scope.FACTOR, yes_or_no, "w", "(o − y)·o(1 − o)·x", "L o"),
    (Slip.SIGN, Scope.FACTOR, second_of_three, "b", f"x·(exp(z2)/{SUM} + 1)", "L z2"),
    (Slip.PATH_MISSING, Scope.FACTOR, second_of_three, "b", f"x·exp(z2)/{SUM}", "L z2"),
    (Slip.PATH_TWICE, Scope.FACTOR, second_of_three, "b", f"x·(exp(z2)/{SUM} − 2)", "L z2"),
    (Slip.STEP_FOR_GRADIENT, Scope.ENTRY, neuron, "w", f"0.1·{TOP}·{LAST}·{FIRST}", ""),
    (Slip.NEW_WEIGHT, Scope.ENTRY, neuron, "w", f"w − 0.1({TOP}·{LAST}·{FIRST})", ""),
    (Slip.ANOTHER_PARTIAL, Scope.ENTRY, neuron, "w", f"{TOP}·h", ""),
    (Slip.ADDED, Scope.ENTRY, neuron, "w", f"({TOP} + {LAST})·{FIRST}", ""),
]


def finding(make, target, entry):
    leaves = {name: Value(NUMBERS[name], name) for name in make.__code__.co_varnames[: make.__code__.co_argcount]}
    loss = named(make(**leaves), "L")
    (found,) = check_partials(loss, {target: entry}).findings
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0].name} {case[1].name} {case[4]}")
def test_a_slip_is_named_where_it_was_made(case):
    slip, _, make, target, entry, factor = case
    found = finding(make, target, entry)
    assert found.slip is slip, str(found)
    assert factor == "both" or (found.factor or ()) == tuple(factor.split()), str(found)


@pytest.mark.parametrize("place", range(len(suspects.EDITS)))
def test_no_edit_of_the_table_is_there_in_vain(monkeypatch, place):
    slip, edit = suspects.EDITS[place]
    monkeypatch.setattr(suspects, "EDITS", [*suspects.EDITS[:place], *suspects.EDITS[place + 1 :]])
    own = [case[2:] for case in CASES if case[:2] == (slip, edit.scope)]
    missed = [entry for make, target, entry, _ in own if finding(make, target, entry).slip is not slip]
    assert missed, "a case that only this edit explains"
    once, alike = ([case for case in own if (case[-1] == "both") is both] for both in (False, True))
    assert once
    assert alike or edit.scope is not Scope.EDGE, "a case in which it was made at every place alike"


def test_a_person_s_own_row_that_raises_outside_of_its_domain_stops_no_check(monkeypatch):
    monkeypatch.setattr(operation, "TABLE", {**operation.TABLE})  # the row is gone afterwards
    monkeypatch.setattr(rules, "TABLE", operation.TABLE)
    Operation(
        "raising",
        doc="A slope by Python's own logarithm.",
        forward=math.log,
        partials=(lambda a, out: math.log(a) if isinstance(a, float) else a,),
        latex="",
        numpy="",
    )
    assert finding(neuron, "w", f"2(y − o)·{LAST}·{FIRST}").slip is Slip.SIGN
    assert finding(neuron, "w", f"1.37·{TOP}·{LAST}·{FIRST}").slip is None
