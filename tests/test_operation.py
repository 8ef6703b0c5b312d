"""The form of a row, and what operations act on: calls, names, copies, numbers."""

import copy
import math
import pickle
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_graphs import ROWS

from micrograd_nn import Operation, Value, exp
from micrograd_nn.engine import ops
from micrograd_nn.engine.operation import TABLE, Operand, lookup
from micrograd_nn.errors import ArgumentError, MicrogradError, NumberError, TooLargeError, UnknownNameError
from micrograd_nn.number import as_float

every_row = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
inf, nan = math.inf, math.nan


def row(name: str = "twice", **fields: Any) -> Operation:
    usual: dict[str, Any] = {"doc": "2a.", "forward": lambda a: 2 * a, "partials": (lambda a, out: 2.0,)}
    return Operation(name, **(usual | {"latex": "2{a:3}", "numpy": "2 * {a}"} | fields))


# ---- the form ----


@every_row
def test_row_is_found_by_its_name_and_is_itself_after_every_copy(row: Operation) -> None:
    assert lookup(row.name) is row
    assert copy.copy(row) is copy.deepcopy(row) is pickle.loads(pickle.dumps(row)) is row
    assert repr(row) == f"<operation {row.name}>"


@every_row
def test_wrong_number_of_operands_is_an_error_that_says_the_right_one(row: Operation) -> None:
    for count in {0, 1, 2, 3} - {row.arity} - ({1} if row.default is not None else set()):
        with pytest.raises(ArgumentError, match=rf"{row.name} takes {row.arity} operands?, got {count}"):
            row(*[Value(0.5)] * count)


@every_row
def test_the_second_operand_may_be_left_out_where_there_is_a_usual_one(row: Operation) -> None:
    if row.default is not None:
        assert row(-0.5) == row(-0.5, row.default)
        assert [operand.data for operand in row(Value(-0.5)).operands] == [-0.5, row.default]


def test_an_unknown_name_lists_the_names_nearest_first() -> None:
    with pytest.raises(UnknownNameError, match="unknown operation 'tan'; choose one of: tanh, "):
        lookup("tan")


@pytest.mark.usefixtures("own_rows")
def test_what_is_left_out_is_filled_in() -> None:
    twice = row()
    assert (twice.text, twice.python, twice.sign, twice.arity) == ("twice({a})", "row_twice({a})", "twice", 1)
    assert twice(4.0) == 8.0


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "tanh"}, "'tanh' is in the table already; choose another name"),
        ({"name": "my op"}, "'my op' is no identifier"),
        ({"name": "lambda"}, "'lambda' is no identifier"),
        ({"name": "x); import os"}, "is no identifier"),
        ({"partials": ()}, "one slope per operand"),
        ({"partials": lambda a, out: 2.0}, "with the comma"),
        ({"partials": (lambda a, b, c, out: 2.0,) * 3}, "for one or two operands"),
        ({"associative": True}, "has one operand"),
        ({"reduction": ("Σ", "\\sum")}, "say too that it is associative"),
        ({"default": 1.0}, "has one operand"),
    ],
)
@pytest.mark.usefixtures("own_rows")
def test_a_row_that_is_not_well_formed_is_refused_and_not_entered(fields: dict[str, Any], said: str) -> None:
    before = dict(TABLE)
    with pytest.raises(ArgumentError) as error:
        row(**fields)
    assert said in str(error.value)
    assert before == TABLE


def test_an_operand_brings_its_own_apply() -> None:
    with pytest.raises(NotImplementedError):
        Operand.apply(ops.add, 1.0, 2.0)


# ---- numbers ----


@given(st.one_of(st.floats(), st.integers(-(2**1023), 2**1023), st.fractions(max_denominator=10**6), st.booleans()))
def test_a_number_of_any_real_type_becomes_the_float_that_python_makes_of_it(number: Any) -> None:
    if isinstance(number, bool):
        with pytest.raises(NumberError, match="the bool"):
            as_float(number)
    else:
        assert repr(as_float(number)) == repr(float(number))


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (10**400, "about 401 digits"),
        (Fraction(10**400), "about 401 digits"),
        (Decimal("-1e999999999"), "-1E+999999999"),
    ],
)
def test_no_finite_number_becomes_infinite(number: Any, said: str) -> None:
    with pytest.raises(TooLargeError) as error:
        as_float(number)
    assert f"{said} is too large: floats end at 1.8e308" in str(error.value)
    assert as_float(Decimal("-Infinity")) == -inf


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        ("abc", "the str 'abc'"),
        (None, "got None"),
        ([1], "a list"),
        ({}, "a dict"),
        (object(), "an object"),
        (1 + 2j, "a complex"),
        (np.complex128(1), "a complex"),
        (True, "the bool True: write 1.0"),
        (np.bool_(True), "the bool True"),
        (np.zeros(3), "a ndarray of shape (3,)"),
    ],
)
def test_what_is_not_one_real_number_is_named(thing: Any, said: str) -> None:
    for use in (as_float, exp, lambda x: Value(1.0) + x, lambda x: Value(1.0) ** x):
        with pytest.raises(NumberError) as error:
            use(thing)
        assert said in str(error.value)
        assert isinstance(error.value, TypeError)
        assert isinstance(error.value, MicrogradError)
