"""A row that a user writes is tested by the same checks as the rows that the package brings."""

from itertools import islice

import pytest
from mutants import entered, mutants
from random_graphs import ROWS, random_graph
from reference import CURVES, REFERENCES, Reference, mp
from test_ops_mutants import finds
from test_ops_rows import CHECKS
from test_random_graphs import escapes

from micrograd_nn import Operation, Value, grad


@pytest.fixture(autouse=True)
def _its_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = Reference(lambda a: a / (1 + abs(a)), (lambda a: (1 + abs(a)) ** -2 if mp.isfinite(a) else mp.zero,))
    monkeypatch.setitem(REFERENCES, "softsign", exact)
    monkeypatch.setitem(CURVES, "softsign", lambda a: (-2 * mp.sign(a) * (1 + abs(a)) ** -3,))


@pytest.mark.parametrize("check", CHECKS)
def test_a_new_row_holds_what_every_row_holds(softsign: Operation, check: str) -> None:
    assert list(islice(CHECKS[check](softsign), 3)) == []


def test_a_new_row_steps_forward_and_backward(softsign: Operation) -> None:
    x = Value(-3.0)
    y = softsign(x)
    y.backward()
    (slope,) = grad(y, [x], create_graph=True)
    assert (y.data, x.grad) == (-0.75, 0.0625)
    assert grad(slope, [x]) == [2 / 4**3]  # d²/da² of a/(1 - a), where a is negative


def test_every_broken_slope_of_a_new_row_is_found(softsign: Operation) -> None:
    for what, partials in mutants(softsign):
        with entered(softsign, partials=partials) as mutant:
            assert finds(mutant) is not None, what


def test_graphs_with_a_new_row_lie_inside_the_bound(softsign: Operation) -> None:
    for seed in range(100):
        root, _ = random_graph(seed, operations=(*ROWS, *[softsign] * 10))
        assert escapes(root) == [], seed
