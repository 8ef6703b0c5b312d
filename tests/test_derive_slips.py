"""The table of slips: each row is named where it was made, once and at all places alike, and none is there in vain."""

import math

import pytest

from micrograd_nn import Operation, Value
from micrograd_nn.derive import Slip, check_partials, slips, suspects
from micrograd_nn.derive.slips import Scope
from micrograd_nn.engine import operation, ops

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
    assert factor == "both" or found.factor == tuple(factor.split()), str(found)


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
    monkeypatch.setattr(slips, "TABLE", operation.TABLE)
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
