"""Rows 1 to 16 of the reliability table: bad input and faults. Each test carries the number of its row.

For every error: its type (the package's and the builtin), its text, and that no ``.data`` and no ``.grad`` changed.
"""

import copy
import math
import operator
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from micrograd_nn import MLP, TABLE, UNREACHED, MicrogradError, Value, detect_anomaly, exp, grad, log, sqrt
from micrograd_nn.engine.graph import topological_order
from micrograd_nn.errors import AnomalyError, ArgumentTypeError, NumberError, TooLargeError


@contextmanager
def refuses(kind: type[MicrogradError], builtin: type[Exception], text: str, *watched: Value) -> Iterator[None]:
    """The block raises kind, which is a builtin too; its text matches; the watched Values are as before."""
    before = [(v.data, repr(v.grad), v.label, v.operands) for v in watched]
    with pytest.raises(kind, match=text) as caught:
        yield
    assert isinstance(caught.value, builtin)
    assert isinstance(caught.value, MicrogradError)
    assert [(v.data, repr(v.grad), v.label, v.operands) for v in watched] == before


# ---- numbers ----

NOT_NUMBERS = [
    ("abc", r"expected one real number, got the str 'abc': write float\(text\) first"),
    ("x" * 10**6, "got the str 'x{40}…'"),
    (None, "got None$"),
    ([1], "got a list"),
    ({}, "got a dict"),
    (object(), "got an object"),
    (1 + 2j, "got a complex"),
    (Value(2.0), r"got a Value: it is in the graph already, use it as it is, or float\(v\)"),
    (True, "got the bool True: write 1.0 if you mean the number"),
    (np.bool_(False), "got the bool False: write 0.0"),
    (np.array([1.0, 2.0]), r"got a ndarray of shape \(2,\): a Value holds one number"),
    (np.array([1.0]), r"got a ndarray of shape \(1,\)"),
    (np.complex128(1j), "got a complex"),
    (b"1", "got a bytes"),
]
IDS = [type(thing).__name__ for thing, _ in NOT_NUMBERS]


@pytest.mark.parametrize(("thing", "text"), NOT_NUMBERS, ids=IDS)
def test_row_1_not_a_number_at_construction(thing: object, text: str) -> None:
    with refuses(NumberError, TypeError, text):
        Value(thing)


@pytest.mark.parametrize(("thing", "text"), NOT_NUMBERS, ids=IDS)
def test_row_1_not_a_number_as_data(thing: object, text: str) -> None:
    v = Value(2.0, "v")
    with refuses(NumberError, TypeError, text, v):
        v.data = thing


@pytest.mark.parametrize("label", [3, None, ("a", "b"), b"x"])
def test_row_1_a_label_is_a_str(label: object) -> None:
    text = rf"a label is a str, got the {type(label).__name__} .*: name a Value with Value\(2.0, label='x'\)"
    with refuses(ArgumentTypeError, TypeError, text):
        Value(2.0, label)


NUMBERS = [
    3,
    Fraction(3, 8),
    Decimal("0.1"),
    np.float64(0.1),
    np.float32(0.1),
    np.float16(0.1),
    np.int64(-7),
    np.uint8(7),
    np.array(0.1),
    np.array(7),
    2**1000,
]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: f"{type(n).__name__}")
def test_row_2_a_float_at_once(number: object) -> None:
    v = Value(number)
    assert type(v.data) is float
    assert v.data == float(number)


def test_row_2_too_large_says_how_large() -> None:
    v = Value(1.0)
    for make in (lambda: Value(10**400), lambda: v * 10**400, lambda: setattr(v, "data", -(10**400))):
        with refuses(
            TooLargeError, OverflowError, "a number of about 401 digits is too large: floats end at 1.8e308", v
        ):
            make()


def test_row_3_nan_and_inf_are_allowed_and_flagged() -> None:
    for number in (math.nan, math.inf, -math.inf):
        assert "not finite!" in repr(Value(number))


ARRAY = np.array([1.0, 2.0])
TEXT = r"expected one real number, got a ndarray of shape \(2,\): .* go through it with \[a \* x for x in array\]"


@pytest.mark.parametrize(
    "compute",
    [
        lambda a: a * ARRAY,
        lambda a: ARRAY * a,
        lambda a: a + ARRAY,
        lambda a: ARRAY - a,
        lambda a: ARRAY / a,
        lambda a: a**ARRAY,
        lambda a: ARRAY**a,
        lambda a: a == ARRAY,
        lambda a: a != ARRAY,
        lambda a: a < ARRAY,
        lambda a: operator.eq(ARRAY, a),
        lambda a: operator.lt(ARRAY, a),
        lambda a: operator.ge(ARRAY, a),
        lambda a: log(a) * ARRAY,
    ],
)
def test_row_4_arrays_are_refused_in_both_orders(compute: Callable[[Value], object]) -> None:
    a = Value(3.0, "a")
    with refuses(NumberError, TypeError, TEXT, a):
        compute(a)


def test_row_4_numpys_functions_record_or_are_refused() -> None:
    a = Value(1.0, "a")
    with refuses(NumberError, TypeError, r"np.floor does not record, .* Write np.floor\(v.data\)", a):
        np.floor(a)
    with refuses(NumberError, TypeError, "np.add.reduce does not record", a):
        np.add.reduce(a)
    for compute in (lambda: np.add(a, ARRAY), lambda: np.add(ARRAY, a)):
        with refuses(NumberError, TypeError, TEXT, a):
            compute()
    assert np.exp(a).operation is TABLE["exp"]


def test_row_4_an_object_array_holds_values_but_no_value_holds_an_array() -> None:
    column = np.array([Value(1.0), Value(2.0)])
    assert [type(v) for v in column * 2.0] == [Value, Value]


@pytest.mark.parametrize(
    "two", [2, 2.0, np.float64(2), np.float32(2), np.int64(2), np.uint8(2), Fraction(2), Decimal(2)]
)
def test_row_5_every_scalar_gives_the_same(two: object) -> None:
    a = Value(3.0)
    forms: list[tuple[Callable[[], Value], float]] = [
        (lambda: two * a, 6.0),
        (lambda: a * two, 6.0),
        (lambda: two - a, -1.0),
        (lambda: a - two, 1.0),
        (lambda: two / a, 2 / 3),
        (lambda: a**two, 9.0),
        (lambda: two**a, 8.0),
        (lambda: two + a, 5.0),
    ]
    for form, expected in forms:
        out = form()
        assert type(out) is Value
        assert out.data == expected
        assert all(type(operand.data) is float for operand in out.operands)


def test_row_6_no_silent_constant() -> None:
    a, b = Value(1.0), Value(2.0)
    assert [a == b, a == Value(1.0), a < b, b < a, bool(Value(0.0)), bool(a)] == [False, True, True, False, False, True]
    for compare in (lambda: a < "2", lambda: a >= None, lambda: a < [1], lambda: a <= True):
        with refuses(NumberError, TypeError, "expected one real number, got", a):
            compare()


def test_row_7_powers() -> None:
    a, b = Value(2.0), Value(3.0)
    assert grad(a**b, [a, b]) == [12.0, pytest.approx(8 * math.log(2), rel=1e-15)]
    assert grad(2.0**b, [b]) == [pytest.approx(8 * math.log(2), rel=1e-15)]
    with refuses(NumberError, TypeError, r"pow\(a, b, modulo\) is for whole numbers.*write a\*\*b", a):
        pow(a, 2, 5)


IEEE: list[tuple[Callable[[], Value], float]] = [
    (lambda: Value(-2.0) ** 0.5, math.nan),
    (lambda: log(Value(-1.0)), math.nan),
    (lambda: log(Value(0.0)), -math.inf),
    (lambda: 1 / Value(0.0), math.inf),
    (lambda: 1 / Value(-0.0), -math.inf),
    (lambda: Value(0.0) / 0, math.nan),
    (lambda: Value(0.0) / Value(0.0), math.nan),
    (lambda: Value(1e200) ** 2, math.inf),
    (lambda: Value(-1e200) ** 3, -math.inf),
    (lambda: Value(1e200) * Value(1e200), math.inf),
    (lambda: exp(Value(1000.0)), math.inf),
]


@pytest.mark.parametrize(("compute", "expected"), IEEE)
def test_row_8_one_policy_ieee(compute: Callable[[], Value], expected: float) -> None:
    got = compute().data
    assert got == expected or (math.isnan(got) and math.isnan(expected))
    with detect_anomaly(), refuses(AnomalyError, FloatingPointError, rf"\w+ made {expected} of an operand = "):
        compute()


@pytest.mark.parametrize(("name", "compute"), [("sqrt", sqrt), ("pow", lambda x: x**0.5)])
def test_row_8_a_slope_that_is_infinite(name: str, compute: Callable[[Value], Value]) -> None:
    x = Value(0.0, "x")
    root = compute(x)
    root.backward()
    assert x.grad == math.inf
    text = f"backward through {name}: the slope towards x = 0.0 is inf"
    with detect_anomaly(), refuses(AnomalyError, FloatingPointError, text, x, root):
        root.backward()


# Row 9, a million operations, is in test_figures.py; row 11, interruptions, in test_interrupted.py.


def test_row_10_backward_twice_and_shared_nodes() -> None:
    a = Value(2.0)
    h = a * 3
    (h * 5).backward()
    (h * 7).backward()
    assert a.grad == 36.0
    a = Value(1.0)
    y = a * 3 * 5 * 7
    walks = []
    for _ in range(3):
        y.backward()
        walks.append(a.grad)
    assert walks == [105.0, 210.0, 315.0]
    a.grad = None
    y.backward()
    assert a.grad == 105.0


def test_row_12_the_gradient_of_what_was_computed() -> None:
    a, b = Value(2.0), Value(5.0)
    y = a * b
    a.data = 100.0
    y.backward()
    assert (a.grad, b.grad, y.data) == (5.0, 2.0, 10.0)


def test_row_13_a_dash_until_a_sweep_comes_by() -> None:
    a, b, outside = Value(2.0), Value(5.0), Value(1.0)
    y = a * b
    assert a.grad is y.grad is UNREACHED
    y.backward()
    assert outside.grad is UNREACHED
    with_zero = a * 0
    with_zero.backward()
    assert b.grad == 2.0


def test_row_14_no_hidden_growth() -> None:
    w = Value(2.0)
    for _ in range(10):
        loss = w * w
        loss.backward()
        w.data -= 0.1 * w.grad
        w.grad = None
    assert w.operands == ()
    assert len(topological_order(w * w)) == 2
    v = w
    v -= 1
    assert v.operands[0] is w, "documented: it makes a new node"


def test_row_15_a_misspelt_attribute() -> None:
    a = Value(1.0)
    with pytest.raises(AttributeError, match="'Value' object has no attribute 'grda'"):
        a.grda = 5
    with pytest.raises(AttributeError, match="grda"):
        _ = a.grda
    assert not hasattr(a, "__dict__")


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_row_16_networks_are_copied_with_their_gradients(copier: Callable[[MLP], MLP]) -> None:
    net = MLP(2, [3, 2], activation="tanh", output="softmax", seed=0)
    loss = log(net([1.0, 2.0])[0])
    loss.backward()
    twin, twin_loss = copier((net, loss))
    assert [p.grad for p in twin.parameters()] == [p.grad for p in net.parameters()]
    assert all(p.grad is not UNREACHED for p in twin.parameters())
    twin_loss.backward()
    assert [q.grad for q in twin.parameters()] == [2 * p.grad for p in net.parameters()], "its own parameters, not ours"
    twin.zero_grad()
    assert all(p.grad is not UNREACHED for p in net.parameters())
