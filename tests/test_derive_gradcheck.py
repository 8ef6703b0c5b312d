"""gradcheck: right slopes pass, wrong ones don't, and the complex step is used where it can be."""

from math import cos, exp, sin

import pytest
from random_graphs import random_graph

from micrograd_nn import Operation, Value, ops
from micrograd_nn.derive import complex_step, gradcheck, step_errors
from micrograd_nn.errors import ArgumentError, GradcheckError
from micrograd_nn.operation import TABLE
from micrograd_nn.value import adjoints

SMOOTH = [row for row in TABLE.values() if row.name not in ("step", "greater", "stop_gradient")]


@pytest.mark.parametrize("row", SMOOTH, ids=lambda row: row.name)
def test_every_row_passes(row):
    assert gradcheck(row, (0.7, 1.3)[: row.arity])
    assert gradcheck(row, [Value(0.4), Value(2.1)][: row.arity])


@pytest.fixture
def wrong_row():
    yield Operation(
        "wrong_sine",
        doc="sin(a) with a slope that is off by 9e-4",
        forward=sin,
        partials=(lambda a, out: ops.cos(a) * 1.0009,),
        latex=r"\sin\left({a:0}\right)",
        numpy="np.sin({a})",
    )
    del TABLE["wrong_sine"]


def test_a_slope_that_pytorch_s_defaults_let_pass_is_found(wrong_row):
    assert gradcheck(wrong_row, [0.5], atol=1e-5, rtol=1e-3)
    with pytest.raises(GradcheckError, match="∂output1/∂x1: the graph's slope is"):
        gradcheck(wrong_row, [0.5])
    assert not gradcheck(wrong_row, [0.5], raise_exception=False)


def test_several_outputs_and_numbers_as_outputs():
    assert gradcheck(lambda a, b: [a * b, a + b, 3.0], [0.5, 2.0])


def test_a_step_must_be_above_zero():
    with pytest.raises(ArgumentError, match="eps"):
        gradcheck(ops.sin, [0.5], eps=0.0)


def test_the_complex_step_is_exact_where_the_rows_allow_it():
    analytic = [TABLE[name] for name in ("add", "sub", "mul", "div", "neg", "exp", "sin", "cos", "tanh")]
    for seed in range(50):
        root, leaves = random_graph(seed, operations=analytic)
        for leaf in leaves:
            slope = complex_step(root, leaf)
            if slope is not None:
                assert slope == pytest.approx(adjoints(root)[leaf], rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("name", ["relu", "abs", "maximum", "step", "greater", "leaky_relu", "elu", "minimum"])
def test_a_corner_is_refused_by_the_complex_step(name):
    row, x = TABLE[name], Value(0.5)
    assert complex_step(row(*(x, 0.25)[: row.arity]), x) is None


def test_the_error_falls_with_the_step_and_rises_again():
    errors = step_errors(lambda x: ops.exp(ops.sin(x)), [0.7])
    assert exp(sin(0.7)) * cos(0.7) == pytest.approx(adjoints(ops.exp(ops.sin(x := Value(0.7))))[x])
    assert [e.step for e in errors] == [10.0**-k for k in range(17)]
    best = min(range(17), key=lambda k: errors[k].central)
    assert 3 <= best <= 7
    assert errors[0].central > 1e3 * errors[best].central < errors[16].central
    assert min(e.forward for e in errors) > errors[best].central
    assert all(e.complex < 1e-15 for e in errors)
    assert all(e.complex is None for e in step_errors(ops.relu, [0.7]))
