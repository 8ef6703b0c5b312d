"""Random expression graphs: values and gradients lie inside the running error bound around 50-digit arithmetic.

Promise: one bound for everything, computed from the graph itself; no tolerance was chosen so that the test passes.
"""

from itertools import chain

import pytest
from random_graphs import ROWS, random_graph
from reference import bounds, mp, outside

from micrograd_nn import Value, grad
from micrograd_nn.engine.value import topological_order


def escapes(root: Value) -> list[str]:
    """Which values and gradients of a graph lie outside their bound."""
    values, slopes = bounds(root)
    root.backward()
    said = [f"{node!r} should be {values[node]}" for node in values if outside(node.data, values[node])]
    return said + [f"{node!r} has ∂root {slopes[node]}" for node in slopes if outside(node.grad, slopes[node])]


@pytest.mark.parametrize("block", range(20))
def test_two_thousand_graphs_lie_inside_the_bound(block: int) -> None:
    for seed in range(100 * block, 100 * (block + 1)):
        root, _ = random_graph(seed)
        assert escapes(root) == [], f"random_graph({seed})"


@pytest.mark.slow
@pytest.mark.parametrize("block", range(100))
def test_a_hundred_thousand_graphs_lie_inside_the_bound(block: int) -> None:
    for seed in range(10_000 + 1000 * block, 10_000 + 1000 * (block + 1)):
        root, _ = random_graph(seed, n_leaves=2, n_nodes=8)
        assert escapes(root) == [], f"random_graph({seed}, n_leaves=2, n_nodes=8)"


def check_curves(seeds: range) -> None:
    """The slopes as graphs: they and their own slopes, the second derivatives, lie inside the bound."""
    for seed in seeds:
        root, leaves = random_graph(seed, n_leaves=2, n_nodes=6)
        for slope in grad(root, leaves, create_graph=True):
            for node in topological_order(slope):
                node.grad = None  # a leaf adds the sweeps up
            assert escapes(slope) == [], f"random_graph({seed}, n_leaves=2, n_nodes=6)"


def test_second_derivatives_lie_inside_the_bound() -> None:
    check_curves(range(60))


@pytest.mark.slow
@pytest.mark.parametrize("block", range(50))
def test_second_derivatives_of_ten_thousand_graphs_lie_inside_the_bound(block: int) -> None:
    check_curves(range(200 * block, 200 * (block + 1)))


def test_the_bound_is_tight_enough_to_mean_something() -> None:
    """Nearly every bound is finite, and most are below a part in 10^12 of what they bound."""
    every = list(
        chain.from_iterable(chain(*(each.values() for each in bounds(random_graph(s)[0]))) for s in range(200))
    )
    numbers = [(exact, error) for exact, error in every if exact]
    assert sum(bool(mp.isinf(error)) for _, error in every) < 0.02 * len(every)  # at jumps: step, sign, the stops
    assert sum(error < abs(exact) * 1e-12 for exact, error in numbers) > 0.95 * len(numbers)


def test_the_bound_finds_an_error_of_a_part_in_ten_to_the_twelfth() -> None:
    """Scaling one recorded slope of a graph by 1 + 1e-12 moves some gradient out of its bound."""
    found = 0
    for seed in range(100):
        root, _ = random_graph(seed)
        node = next(node for node in topological_order(root) if node.operation and node.dleft)
        node.dleft *= 1.0 + 1e-12
        found += bool(escapes(root))
    assert found >= 70  # elsewhere the slope is multiplied by 0 further on, or by something that hardly counts


def test_graphs_are_the_same_each_time_and_hold_every_row() -> None:
    seen = set()
    for seed in range(200):
        (root, leaves), (again, _) = random_graph(seed), random_graph(seed)
        order = topological_order(root)
        assert [node.data for node in order] == [node.data for node in topological_order(again)]
        assert set(leaves) <= set(order)
        seen |= {node.operation for node in order}
    assert set(ROWS) <= seen
