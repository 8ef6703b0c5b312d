"""Sums, softmax and its relatives, over random lists and at their ends, against mpmath."""

from collections.abc import Callable, Iterable
from random import Random

import mpmath
import pytest

from micrograd_nn import Value, grad, hessian, log_softmax, logsumexp, maxout, mean, softmax, total
from micrograd_nn.engine.graph import topological_order
from micrograd_nn.errors import ArgumentError

SCALES = [1.0, 30.0, 900.0] * 10
LISTS = [[Random(seed).uniform(-scale, scale) for _ in range(1 + seed % 7)] for seed, scale in enumerate(SCALES)]
ALL: list[Callable[[Iterable[Value]], object]] = [total, mean, logsumexp, log_softmax, softmax, maxout]


def exact_softmax(numbers: list[float]) -> list[mpmath.mpf]:
    powers = [mpmath.exp(number) for number in numbers]
    return [power / mpmath.fsum(powers) for power in powers]


@pytest.mark.parametrize("numbers", LISTS, ids=len)
def test_against_mpmath(numbers: list[float]) -> None:
    values = [Value(number) for number in numbers]
    with mpmath.workdps(50):
        shares = exact_softmax(numbers)
        size = 1 + max(map(abs, numbers))
        assert total(values).data == pytest.approx(float(mpmath.fsum(numbers)), abs=1e-15 * size * len(numbers))
        assert mean(values).data == pytest.approx(float(mpmath.fsum(numbers) / len(numbers)), abs=1e-15 * size * 7)
        exact = float(mpmath.log(mpmath.fsum(map(mpmath.exp, numbers))))
        assert logsumexp(values).data == pytest.approx(exact, rel=1e-15, abs=1e-15 * size)
        # a - max is rounded: that moves a share by at most size·u
        assert [p.data for p in softmax(values)] == [
            pytest.approx(float(s), rel=1e-15 * size, abs=5e-324) for s in shares
        ]
        logs = [pytest.approx(float(mpmath.log(s)), rel=1e-14, abs=1e-14 * size) for s in shares]
        assert [p.data for p in log_softmax(values)] == logs
        assert maxout(values).data == max(numbers)
        slopes = grad(logsumexp(values), values)
        assert slopes == [pytest.approx(float(s), rel=1e-14 * size, abs=1e-300) for s in shares]


def test_softmax_slopes_are_the_textbooks() -> None:
    values = [Value(x) for x in (0.3, -1.2, 2.0)]
    shares = softmax(values)
    p = [share.data for share in shares]
    for i, share in enumerate(shares):
        expected = [p[i] * ((i == j) - p[j]) for j in range(3)]
        assert grad(share, values) == [pytest.approx(e, rel=1e-13, abs=1e-16) for e in expected]
    second = hessian(logsumexp(values), values)
    for i, row in enumerate(second):
        assert row == [pytest.approx(p[i] * ((i == j) - p[j]), rel=1e-13, abs=1e-16) for j in range(3)]


def test_stable_at_the_ends() -> None:
    values = [Value(1000.0), Value(-1000.0), Value(1000.0)]
    assert [p.data for p in softmax(values)] == [0.5, 0.0, 0.5]
    assert logsumexp(values).data == 1000.6931471805599  # 1000 + ln 2
    assert log_softmax(values)[1].data == -2000.6931471805599
    assert grad(log_softmax(values)[0], values) == [0.5, 0.0, -0.5]


@pytest.mark.parametrize("function", ALL)
def test_a_generator_is_read_once_and_gives_the_same(function: Callable[[Iterable[Value]], object]) -> None:
    values = [Value(x) for x in (0.3, -1.2, 2.0)]
    listed, streamed = function(values), function(v for v in values)
    if isinstance(listed, Value):
        listed, streamed = [listed], [streamed]
    assert [v.data for v in streamed] == [v.data for v in listed]


@pytest.mark.parametrize("function", ALL)
def test_an_empty_list_is_refused(function: Callable[[Iterable[Value]], object]) -> None:
    with pytest.raises(ArgumentError, match=r"^\w+ of an empty list: give it at least one value$"):
        function([])


def test_one_value_stands_alone() -> None:
    v = Value(3.0)
    assert total([v]) is v
    assert mean([v]) is v
    assert maxout([v]) is v
    assert softmax([v])[0].data == 1.0


def test_only_the_tables_operations_and_no_leading_zero() -> None:
    values = [Value(x) for x in (1.0, 2.0, 3.0)]
    assert [node._op for node in topological_order(total(values))] == ["", "", "+", "", "+"]
    assert total([1.0, 2.0]) == 3.0, "plain numbers pass too"
