"""backward, grad, value_and_grad, hessian, replay: the chain rule, its orders, and what it leaves alone."""

import math
import pickle
from copy import deepcopy
from random import Random
from typing import Any

import pytest
from random_graphs import random_graph
from reference import REFERENCES, mp

from micrograd_nn import TABLE, Value, detect_anomaly, grad, hessian, log, maximum, sin, stop_gradient, value_and_grad
from micrograd_nn.engine.backprop import replay
from micrograd_nn.engine.graph import topological_order
from micrograd_nn.engine.value import adjoints
from micrograd_nn.errors import AnomalyError, ArgumentError, ArgumentTypeError, GraphError, NumberError

SMOOTH = [
    TABLE[name] for name in ("add", "sub", "mul", "exp", "tanh", "sigmoid", "sin", "cos", "softplus", "logaddexp")
]


def state(root: Value) -> list[tuple[object, ...]]:
    return [(n.data, n.grad, n.label, n.operation, n.partials) for n in topological_order(root)]


def by_paths(root: Value, leaf: Value) -> float:
    """The sum over all paths of the products of the local slopes: the chain rule as the definition has it."""
    if root is leaf:
        return 1.0
    return math.fsum(s * by_paths(o, leaf) for o, s in zip(root.operands, root.partials, strict=True))


@pytest.mark.parametrize("seed", range(60))
def test_the_sweep_is_the_sum_over_all_paths(seed: int) -> None:
    root, leaves = random_graph(seed, n_nodes=10)
    expected = [by_paths(root, leaf) for leaf in leaves]
    before = state(root)
    assert grad(root, leaves) == [pytest.approx(e, rel=1e-9, abs=1e-9) for e in expected]
    assert state(root) == before, "grad changes nothing"
    root.backward()
    assert [leaf.grad for leaf in leaves] == grad(root, leaves), "bit for bit: it is the same sweep"
    assert {node: node.grad for node in topological_order(root) if node.operands} == {
        node: adjoint for node, adjoint in adjoints(root).items() if node.operands
    }


def test_leaves_add_up_and_interior_nodes_hold_the_latest() -> None:
    for seed in range(20):
        root, _ = random_graph(seed)
        root.backward()
        once = {node: node.grad for node in topological_order(root)}
        root.backward()
        for node, first in once.items():
            assert node.grad == (first if node.operands else 2 * first)
        assert root.grad == 1.0


# ---- higher orders ----


def test_the_logarithm_has_the_very_slopes_that_a_person_writes() -> None:
    """1/a and -1/a², to the bit: two more roundings gave 0.4999999999999999 at 2. At e its result is 1, a round one."""
    for a in (0.1, 0.5, 1.0, 2.0, math.e, 3.0, 10.0, 1e-300, 1e300):
        x = Value(a)
        (slope,) = grad(log(x), [x], create_graph=True)
        assert slope.data == 1 / a
        assert grad(slope, [x]) == [-(1 / a / a)]


@pytest.mark.parametrize("seed", range(25))
def test_three_orders_on_random_graphs(seed: int) -> None:
    """Against mpmath's central differences of the forward pass at 50 digits: no slope of ours takes part."""
    root, leaves = random_graph(seed, n_leaves=2, n_nodes=6, operations=SMOOTH)
    x, y = leaves
    at = (x.data, y.data)

    def f(a: Any, b: Any) -> Any:
        return high_precision(root, {x: a, y: b})

    scale = 1 + max(abs(float(mp.diff(f, at, order))) for order in ((1, 0), (2, 1), (3, 0), (0, 3), (1, 2)))
    (first,) = grad(root, [x], create_graph=True)
    assert first.data == pytest.approx(float(mp.diff(f, at, (1, 0))), abs=1e-9 * scale)
    second = grad(first, [x, y], create_graph=True)
    assert second[0].data == pytest.approx(float(mp.diff(f, at, (2, 0))), abs=1e-9 * scale)
    assert second[1].data == pytest.approx(float(mp.diff(f, at, (1, 1))), abs=1e-9 * scale)
    third = [grad(slope, [x, y]) for slope in second]
    for row, orders in zip(third, (((3, 0), (2, 1)), ((2, 1), (1, 2))), strict=True):
        for got, order in zip(row, orders, strict=True):
            assert got == pytest.approx(float(mp.diff(f, at, order)), abs=1e-9 * scale), order
    assert hessian(root, [x, y])[0] == [slope.data for slope in second]


def high_precision(root: Value, at: dict[Value, Any]) -> Any:
    known = dict(at)
    for node in topological_order(root):
        if node not in known:
            operands = [known[operand] for operand in node.operands]
            known[node] = REFERENCES[node.operation.name].value(*operands) if node.operation else mp.mpf(node.data)
    return known[root]


def test_hessian_is_symmetric_on_random_graphs() -> None:
    for seed in range(15):
        root, leaves = random_graph(seed, operations=SMOOTH)
        h = hessian(root, leaves)
        largest = 1 + max(abs(entry) for row in h for entry in row)
        for i, row in enumerate(h):
            for j, entry in enumerate(row):
                assert entry == pytest.approx(h[j][i], abs=1e-9 * largest)


def test_a_zero_slope_keeps_its_graph() -> None:
    x = Value(0.0)
    assert hessian(x * x, [x]) == [[2.0]]
    (slope,) = grad(x**3, [x], create_graph=True)
    (second,) = grad(slope, [x], create_graph=True)
    assert (slope.data, second.data, grad(second, [x])) == (0.0, 0.0, [6.0])


def test_the_derivative_of_the_derivative_can_be_swept_too() -> None:
    x = Value(0.7)
    (slope,) = grad(sin(x), [x], create_graph=True)
    slope.backward()
    assert x.grad == pytest.approx(-math.sin(0.7), rel=1e-15)


def test_a_gradient_penalty() -> None:
    """∂/∂w of (∂y/∂x)² for y = w·x³, which is 18·w·x⁴."""
    w, x = Value(1.5), Value(0.5)
    (slope,) = grad(w * x**3, [x], create_graph=True)
    assert grad(slope**2, [w]) == [pytest.approx(18 * 1.5 * 0.5**4, rel=1e-14)]


def test_no_dependence_is_zero() -> None:
    x, other = Value(1.0), Value(2.0)
    y = x * 3
    assert grad(y, [other, x, y]) == [0.0, 3.0, 1.0]
    assert [v.data for v in grad(y, [other, x], create_graph=True)] == [0.0, 3.0]
    assert hessian(y, [x, other]) == [[0.0, 0.0], [0.0, 0.0]]
    assert grad(stop_gradient(x) * x, [x]) == [1.0]


def test_kinks_share_the_slope() -> None:
    a, b = Value(2.0), Value(2.0)
    assert grad(maximum(a, b), [a, b]) == [0.5, 0.5]
    assert grad(maximum(a, a), [a]) == [1.0]


def test_value_and_grad() -> None:
    draw = Random(5)
    for _ in range(20):
        a, b = draw.uniform(0.5, 3), draw.uniform(0.5, 3)
        value, (da, db) = value_and_grad(lambda a, b: log(a) * b + a / b)(a, b)
        assert value == pytest.approx(math.log(a) * b + a / b, rel=1e-15)
        assert da == pytest.approx(b / a + 1 / b, rel=1e-14)
        assert db == pytest.approx(math.log(a) - a / b**2, rel=1e-13)
    assert value_and_grad(lambda a: 3.0)(1.0) == (3.0, [0.0]), "a constant"


def test_changed_data_is_refused_by_create_graph() -> None:
    x, w = Value(2.0, "x"), Value(3.0, "w")
    y = x * w
    x.data = 7.0
    with pytest.raises(GraphError, match=r"slope of mul towards w was 2.0 .* is 7.0 now.*record the graph again"):
        grad(y, [w], create_graph=True)
    assert grad(y, [w]) == [2.0], "the gradient of what was computed"


@pytest.mark.parametrize(("before", "after"), [(4.0, -1.0), (-1.0, 4.0)])
def test_a_slope_that_turned_nan_or_was_nan_has_changed(before: float, after: float) -> None:
    """The slope of ln x is ¼ at 4 and nan below 0; nan that is still nan has not changed."""
    x = Value(before, "x")
    y = log(x)
    (slope,) = grad(y, [x], create_graph=True)
    assert str(slope.data) == {4.0: "0.25", -1.0: "nan"}[before]
    x.data = after
    with pytest.raises(GraphError, match=r"slope of log towards x was (0\.25|nan) .* is (nan|0\.25) now"):
        grad(y, [x], create_graph=True)


def test_the_xs_may_come_from_a_generator() -> None:
    leaves = [Value(2.0), Value(5.0)]
    y = leaves[0] * leaves[0] * leaves[1]
    assert grad(y, (x for x in leaves)) == [20.0, 4.0]
    assert hessian(y, (x for x in leaves)) == [[10.0, 4.0], [4.0, 0.0]]


@pytest.mark.parametrize("exponent", [2, 3, -1, -2.0, 1])
@pytest.mark.parametrize("base", [-3.0, -0.5, 2.0])
def test_a_plain_exponent_has_no_slope_that_could_go_wrong(base: float, exponent: float) -> None:
    """The exponent of (-3)**2 has none; it was never asked for, at any order. Derivatives by the rule for powers."""
    x = Value(base)
    with detect_anomaly():
        y = x**exponent
        y.backward()
        (first,) = grad(y, [x], create_graph=True)
        assert first.data == x.grad == pytest.approx(exponent * base ** (exponent - 1), rel=1e-15)
        assert hessian(y, [x])[0][0] == pytest.approx(exponent * (exponent - 1) * base ** (exponent - 2), rel=1e-15)
        assert math.isfinite(y.right.grad)
        for copy in (pickle.loads(pickle.dumps(y)), deepcopy(y)):
            assert math.isfinite(grad(copy, [copy.left], create_graph=True)[0].data)


def test_an_exponent_that_is_a_value_has_the_slope_that_it_has() -> None:
    x, n = Value(-3.0), Value(2.0)
    assert str(grad(x**n, [x, n])) == "[-6.0, nan]"
    with pytest.raises(AnomalyError), detect_anomaly():
        (x**n).backward()


@pytest.mark.parametrize("xs", [3.0, Value(1.0), [1.0], [Value(1.0), "w"]])
def test_what_is_not_a_list_of_values_is_refused(xs: object) -> None:
    for derive in (grad, hessian):
        with pytest.raises(ArgumentTypeError, match=r"grad takes a list of the Values .* such as \[x\]"):
            derive(Value(1.0) * 2, xs)
        with pytest.raises(ArgumentTypeError, match=r"grad takes the derivative of a Value, got the float 2.0"):
            derive(2.0, [])


# ---- replay ----


def test_replay_is_the_forward_pass_elsewhere() -> None:
    for seed in range(40):
        root, leaves = random_graph(seed)
        before = state(root)
        assert replay(root, {}) == {node: node.data for node in topological_order(root)}
        moved = {leaf: leaf.data + 0.125 for leaf in leaves}
        fresh = replay(root, moved)
        assert state(root) == before
        assert list(fresh) == topological_order(root)
        for leaf, number in moved.items():
            leaf.data = number
        assert repr(list(replay(root, {}).values())) == repr(list(fresh.values()))


def test_replay_refuses_what_is_no_leaf_or_no_number() -> None:
    x = Value(2.0, "x")
    y = x * 3
    with pytest.raises(ArgumentError, match=r"leaves only, and Value\(data=6.0.*made by mul"):
        replay(y + 1, {y: 1.0})
    with pytest.raises(ArgumentTypeError, match=r"leaves with their new numbers, such as \{x: 5.0\}, got 'x'"):
        replay(y, {"x": 5.0})
    with pytest.raises(NumberError, match="'two'"):
        replay(y, {x: "two"})
    assert replay(y, {Value(0.0): 5.0})[y] == 6.0
