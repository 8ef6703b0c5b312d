"""gradcheck: right slopes pass, wrong ones don't, and the complex step is used where it can be."""

from math import cos, exp, sin

import pytest
from random_graphs import carried_over, random_graph

from micrograd_nn import Operation, Value
from micrograd_nn.derive import complex_step, gradcheck, step_errors
from micrograd_nn.engine import ops
from micrograd_nn.engine.operation import TABLE
from micrograd_nn.engine.value import adjoints, topological_order
from micrograd_nn.errors import ArgumentError, GradcheckError

SMOOTH = [row for row in TABLE.values() if row.name not in ("step", "greater", "stop_gradient")]


@pytest.mark.parametrize("row", SMOOTH, ids=lambda row: row.name)
def test_every_row_passes(row):
    assert gradcheck(row, (0.7, 1.3)[: row.arity])
    assert gradcheck(row, [Value(0.4), Value(2.1)][: row.arity])


def test_a_row_of_the_user_that_takes_an_absolute_value_passes(softsign):
    """|z| of a complex number is not what |x| goes on as: the complex step leaves such a row to the differences."""
    assert gradcheck(softsign, [-0.7])
    x = Value(-0.7)
    assert complex_step(softsign(x), x) is None


@pytest.fixture
def wrong_row(own_rows):
    return Operation(
        "wrong_cube",
        doc="a³ with a slope that is off by 9e-4",
        forward=lambda a: a * a * a,
        partials=(lambda a, out: 3.0 * a * a * 1.0009,),
        latex="{{{a:5}}}^{{3}}",
        numpy="{a}**3",
    )


def test_a_slope_that_pytorch_s_defaults_let_pass_is_found(wrong_row):
    assert gradcheck(wrong_row, [0.5], atol=1e-5, rtol=1e-3)
    with pytest.raises(GradcheckError, match="∂output1/∂x1: the graph's slope is"):
        gradcheck(wrong_row, [0.5])
    assert not gradcheck(wrong_row, [0.5], raise_exception=False)


def again(root, leaves, baked=None):
    """The function that made root, which can be called again; it takes the number of one node out of the graph."""

    def func(*given):
        instead = dict(zip(leaves, given, strict=True))
        if baked is not None:
            instead[baked] = Value(carried_over(baked, instead)[baked].data)
        return carried_over(root, instead)[root]

    return func


@pytest.mark.parametrize("seed", range(60))
def test_a_number_taken_out_of_the_graph_is_found_and_nothing_else_is(seed):
    root, leaves = random_graph(seed, n_nodes=8, operations=SMOOTH)
    assert gradcheck(again(root, leaves), leaves)
    right = adjoints(root)
    for node in topological_order(root)[:-1]:
        if node.operation is not None:
            func, inputs = again(root, leaves, node), [Value(leaf.data) for leaf in leaves]
            slopes = adjoints(func(*inputs))
            off = [abs(slopes.get(x, 0.0) - right[leaf]) for x, leaf in zip(inputs, leaves, strict=True)]
            if max(off) > 1e-3 * max(1.0, *(abs(right[leaf]) for leaf in leaves)):
                assert not gradcheck(func, leaves, raise_exception=False), node


@pytest.mark.parametrize("func", [lambda a: a * float(a), lambda a: a * a.data, lambda a: Value(a.data**2) * a])
def test_what_pytorch_s_gradcheck_finds_is_found(func):
    with pytest.raises(GradcheckError, match="the function's difference"):
        gradcheck(func, [2.0])


def test_a_wrong_slope_that_rounding_hides_from_the_difference_is_found_by_the_complex_step(wrong_row):
    assert gradcheck(lambda a: ops.sin(a) + 1e9, [0.5])
    with pytest.raises(GradcheckError, match="complex step"):
        gradcheck(lambda a: wrong_row(a) + 1e9, [0.5])


def test_several_outputs_and_numbers_as_outputs():
    assert gradcheck(lambda a, b: [a * b, a + b, 3.0], [0.5, 2.0])


def test_a_step_must_be_above_zero():
    with pytest.raises(ArgumentError, match="eps"):
        gradcheck(ops.sin, [0.5], eps=0.0)


def test_the_complex_step_is_exact_where_the_rows_allow_it():
    analytic = [TABLE[name] for name in ("add", "sub", "mul", "div", "neg", "exp", "sin", "cos", "tanh")]
    taken = 0
    for seed in range(50):
        root, leaves = random_graph(seed, operations=analytic)
        for leaf in leaves:
            slope = complex_step(root, leaf)
            if slope is not None:  # |a| may stand in the graph
                taken += 1
                assert slope == pytest.approx(adjoints(root)[leaf], rel=1e-11, abs=1e-11)
    assert taken > 100


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
