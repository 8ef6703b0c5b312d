"""Value: operators, comparisons, copies; and the operators that value.py spells out equal their rows bit for bit."""

import copy
import math
import pickle
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from functools import reduce
from operator import add, mul
from random import Random
from typing import Any

import numpy as np
import pytest
from random_graphs import random_graph

from micrograd_nn import TABLE, Value, detect_anomaly, grad, no_grad
from micrograd_nn.engine.graph import postorder, topological_order
from micrograd_nn.engine.operation import Operand
from micrograd_nn.engine.value import weighted_sum
from micrograd_nn.errors import AnomalyError

inf, nan = math.inf, math.nan
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 3.0, 1e-300, 5e-324, -5e-324, 1e308, -1e308, 1e200, inf, -inf, nan]


def bits(number: float) -> str:
    return "nan" if number != number else number.hex()


def numbers(seed: int, count: int) -> list[float]:
    draw = Random(seed)
    return [draw.choice((-1, 1)) * 10 ** draw.uniform(-200, 200) for _ in range(count)]


# ---- the operators that are spelled out ----

SPELLED_OUT: dict[str, Callable[[Value, Value], Value]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
}


def test_no_other_operator_is_spelled_out() -> None:
    own = {name for name in vars(Value) if hasattr(Operand, name) and name.strip("_") in TABLE}
    assert own == {f"__{name}__" for name in SPELLED_OUT}


@pytest.mark.parametrize("name", SPELLED_OUT)
def test_spelled_out_equals_its_row(name: str) -> None:
    row, operator = TABLE[name], SPELLED_OUT[name]
    pairs = [(a, b) for a in SPECIAL for b in SPECIAL]
    pairs += list(zip(numbers(1, 2000), numbers(2, 2000), strict=True))
    for a, b in pairs:
        x, y = Value(a), Value(b)
        out = row.forward(a, b)
        expected = [out, *(partial(a, b, out) for partial in row.partials)]
        for node in (operator(x, y), Value.apply(row, x, y)):
            assert [bits(n) for n in (node.data, *node.partials)] == [bits(n) for n in expected], (a, b)
            assert node.operation is row
            assert node.operands[0] is x
            assert node.operands[1] is y


@pytest.mark.parametrize("mode", [nullcontext, no_grad, detect_anomaly])
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_a_weighted_sum_is_its_products_and_sums(count: int, mode: Callable[[], AbstractContextManager[None]]) -> None:
    """Node by node: operations, numbers, slopes and operands; a plain number among the weights is a constant."""
    weights: list[Any] = [Value(w / 1e200) for w in numbers(3, count)]
    weights[3:4] = [0.5] * len(weights[3:4])
    inputs = [Value(x) for x in numbers(4, count)]
    with mode():
        quick = weighted_sum(weights, inputs)
        plain = reduce(add, map(mul, weights, inputs)) if count else Value(0.0)
    given = [*inputs, *(w for w in weights if isinstance(w, Value))]
    for node, other in zip(topological_order(quick), topological_order(plain), strict=True):
        assert bits(node.data) == bits(other.data)
        assert (node.operation, node.partials) == (other.operation, other.partials)
        assert (id(node) in map(id, given)) == (node is other)


def test_a_weighted_sum_is_watched_and_needs_a_weight_for_each_input() -> None:
    with detect_anomaly(), pytest.raises(AnomalyError, match="mul made inf of"):
        weighted_sum([Value(1e200)], [Value(1e200)])
    with pytest.raises(ValueError, match="zip"):
        weighted_sum([Value(1.0)], [])


# ---- every operator form ----

FORMS: list[tuple[str, Callable[..., object]]] = [
    ("a + b", lambda a, b: a + b),
    ("a - b", lambda a, b: a - b),
    ("a * b", lambda a, b: a * b),
    ("a / b", lambda a, b: a / b),
    ("a ** b", lambda a, b: a**b),
    ("pow(a, b)", lambda a, b: pow(a, b)),
]
UNARY: list[tuple[str, Callable[..., object]]] = [
    ("-a", lambda a: -a),
    ("+a", lambda a: +a),
    ("abs(a)", lambda a: abs(a)),
]


@pytest.mark.parametrize(("text", "form"), FORMS, ids=[text for text, _ in FORMS])
def test_binary_forms_with_constants_on_either_side(text: str, form: Callable[..., Value]) -> None:
    for a, b in [(2.0, 3.0), (0.7, -1.5), (2.5, 0.5)]:
        expected = form(a, b)
        for x, y in [(Value(a), Value(b)), (Value(a), b), (a, Value(b))]:
            out = form(x, y)
            assert isinstance(out, Value)
            assert out.data == expected, "Python's own operator on floats"
            leaves = [v for v in (x, y) if isinstance(v, Value)]
            slopes = grad(out, leaves)
            h = 1e-6
            central = {
                id(x): (form(a + h, b) - form(a - h, b)) / (2 * h),
                id(y): (form(a, b + h) - form(a, b - h)) / (2 * h),
            }
            assert slopes == [pytest.approx(central[id(leaf)], rel=1e-8) for leaf in leaves]


@pytest.mark.parametrize(("text", "form"), UNARY, ids=[text for text, _ in UNARY])
def test_unary_forms(text: str, form: Callable[..., Value]) -> None:
    for a in (2.0, -3.0):
        x = Value(a)
        out = form(x)
        assert out.data == form(a)
        assert grad(out, [x]) == [form(a + 1) - form(a)]  # all three are straight lines beside 0


KINDS = [int, float, np.float64, np.float32, np.float16, np.int64, np.int32, np.uint8, Fraction, np.array]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("text", "form"), FORMS, ids=[text for text, _ in FORMS])
def test_every_kind_of_number_on_both_sides(kind: Callable[..., object], text: str, form: Callable[..., Value]) -> None:
    two, a = kind(2), Value(3.0)
    for out, expected in ((form(two, a), form(Value(2.0), a)), (form(a, two), form(a, Value(2.0)))):
        assert type(out) is Value
        assert type(out.data) is float
        assert (out.data, out.partials) == (expected.data, expected.partials)


def test_row_51_numpy_does_not_warn_of_a_negative_base() -> None:
    """NumPy asks the processor what went wrong meanwhile; Python compares numbers quickly after some runs only."""
    for base in (-1.0, -3.0, 2.0, 0.5):
        for exponent in (2, 3.0, 0, 1, -1, 2.0):
            for _ in range(20):
                (out,) = np.array([Value(base)], object) ** exponent  # a warning is an error here
                assert out.data == base**exponent


def test_in_place_forms_make_new_nodes() -> None:
    w = first = Value(2.0)
    w -= 0.5
    assert w is not first
    assert w.operands[0] is first
    assert first.data == 2.0
    first.data -= 0.5
    assert (first.data, first.operands) == (1.5, ())


def test_every_row_of_one_operand_is_a_method() -> None:
    for name, row in TABLE.items():
        if row.arity == 1 or row.default is not None:
            assert getattr(Value, name) is row
            out = getattr(Value(0.7), name)()
            assert out.operation is row
            assert out.data == row(0.7)


# ---- as a number ----


def test_comparisons_look_at_the_numbers() -> None:
    one, also_one, two = Value(1.0), Value(1.0), Value(2.0)
    assert one == also_one
    assert one == 1
    assert 1.0 == one  # noqa: SIM300  # the other order is the point
    assert one != two
    assert one < two <= 2
    assert two > one >= 1
    assert 1.5 < two  # noqa: SIM300
    assert np.float64(1.5) < two
    assert np.float64(1.0) == one
    assert one == np.array(1.0)
    assert one != None  # noqa: E711  # what a person types
    assert one != "1.0"
    assert Value(nan) != Value(nan)
    assert [v.data for v in sorted([two, one])] == [1.0, 2.0]
    assert max(one, two) is two
    assert one == Fraction(1)
    assert Value(0.5) != 10**400


def test_hash_is_the_nodes_own() -> None:
    one, also_one = Value(1.0), Value(1.0)
    assert len({one, also_one}) == 2
    assert {one: "a"}.get(also_one) is None


def test_conversions() -> None:
    v = Value(3.14159)
    assert round(v, 2) == 3.14
    assert round(v) == 3
    assert f"{v:.3f}" == "3.142"
    assert f"{v}" == str(v) == repr(v) == "Value(data=3.14159, grad=–)"
    assert bool(Value(0.0)) is False
    assert bool(Value(-2.0)) is True
    assert sorted([v, Value(2.0)])[0] < 3.0 <= max(v, 1.0)


def test_a_number_that_leaves_its_graph_says_so_where_it_leaves() -> None:
    v = Value(4.0)
    for taken, expected in ((float, 4.0), (math.sqrt, 2.0), (lambda v: math.exp(v * 0.0), 1.0)):
        with pytest.warns(UserWarning, match=r"leaves its graph here: write micrograd_nn\.exp\(v\)") as warned:
            assert taken(v) == expected
        assert [each.filename for each in warned] == [__file__]
    with no_grad():  # there is no graph that it could leave
        assert math.sqrt(v) == float(v) / 2.0


def test_repr_flags_what_is_not_finite() -> None:
    assert repr(Value(nan, "x")) == "Value(data=nan (not finite!), grad=–, label='x')"
    assert "not finite" in repr(Value(-inf))
    assert "not finite" not in repr(Value(1e308))


def test_data_is_a_float_at_once() -> None:
    v = Value(np.float32(0.5))
    assert type(v.data) is float
    v.data = 3
    assert type(v.data) is float
    v.data -= np.float64(1.0)
    assert type(v.data) is float
    assert v.data == 2.0


# ---- the graph ----


def test_topological_order_has_operands_first_and_each_node_once() -> None:
    for seed in range(100):
        root, _ = random_graph(seed, n_leaves=4, n_nodes=30)
        order = topological_order(root)
        place = {node: i for i, node in enumerate(order)}
        assert len(place) == len(order)
        assert order[-1] is root
        for node in order:
            assert all(place[operand] < place[node] for operand in node.operands)
        assert [id(node) for node in topological_order(root, order[0], root)] == [id(node) for node in order]
        assert [id(node) for node in postorder(root, lambda node: node.operands)] == [id(node) for node in order]


# ---- copies ----

COPIERS = [copy.deepcopy, *(lambda v, p=p: pickle.loads(pickle.dumps(v, p)) for p in range(6))]


@pytest.mark.parametrize("copier", COPIERS, ids=["deepcopy", *(f"pickle {p}" for p in range(6))])
def test_copies_are_whole_and_share_nothing(copier: Callable[[object], Value]) -> None:
    for seed in range(20):
        root, leaves = random_graph(seed)
        root.backward()
        twin, twin_leaves = copier((root, leaves))
        ours, theirs = topological_order(root), topological_order(twin)
        assert len(ours) == len(theirs)
        assert not set(ours) & set(theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert (a.data, a.grad, a.label, a.partials) == (b.data, b.grad, b.label, b.partials)
            assert a.operation is b.operation
        assert all(any(leaf is node for node in theirs) for leaf in twin_leaves), "shared nodes stay shared"
        before = [leaf.grad for leaf in leaves]
        twin.backward()
        assert [leaf.grad for leaf in leaves] == before
        assert [leaf.grad for leaf in twin_leaves] == [2 * g for g in before], "leaves add sweeps up"


def test_copy_of_one_node() -> None:
    a = Value(2.0, "a")
    b = a * 3
    b.backward()
    twin = copy.copy(a)
    assert (twin.data, twin.grad, twin.label) == (2.0, 3.0, "a")
    twin.data, twin.grad = 5.0, None
    assert (a.data, a.grad) == (2.0, 3.0)
    assert copy.copy(b).operands[0] is a


def test_a_copy_that_fails_half_way_leaves_nothing_behind() -> None:
    a = Value(2.0)
    b = a * 3 + 1
    with pytest.raises(TypeError):
        pickle.dumps((b, Random(1).random, (i for i in ())))
    assert pickle.loads(pickle.dumps(b)) == b
