"""One sweep, any number: floats, Values, symbols, whole numbers; its forward mirror; and the engine's fast twin."""

from math import isclose

import pytest
from random_graphs import random_graph

from micrograd_nn import Value, grad
from micrograd_nn.derive.recorded import tangents
from micrograd_nn.engine.graph import sweep, topological_order
from micrograd_nn.engine.value import adjoints, edges


@pytest.mark.parametrize("block", range(5))
def test_the_generic_sweep_gives_the_bits_of_the_fast_twin(block: int) -> None:
    for seed in range(100 * block, 100 * (block + 1)):
        root, _ = random_graph(seed)
        fast, generic = adjoints(root), dict(sweep(topological_order(root), edges, 1.0))
        assert {node: float.hex(fast[node]) for node in generic} == {n: float.hex(generic[n]) for n in generic}
        assert fast.keys() == generic.keys(), f"random_graph({seed})"


def test_the_forward_mirror_gives_the_same_slopes() -> None:
    for seed in range(200):
        root, leaves = random_graph(seed)
        order = topological_order(root)
        backward = dict(sweep(order, edges, 1.0))
        for leaf in leaves:
            forward = tangents(order, edges, leaf, 1.0)
            scale = max(map(abs, forward.values()))
            assert isclose(forward[root], backward[leaf], rel_tol=1e-9, abs_tol=1e-9 * scale), f"random_graph({seed})"


def test_the_same_sweep_counts_paths_and_records_a_graph() -> None:
    x = Value(3.0, "x")
    root = x * x + x
    order = topological_order(root)
    assert dict(sweep(order, edges, 1, mul=lambda ways, _: ways))[x] == 3
    recorded = dict(sweep(order, lambda node: [(o, Value(slope)) for o, slope in edges(node)], Value(1.0)))
    assert recorded[x].data == grad(root, [x])[0] == 7.0


def test_what_the_last_node_does_not_depend_on_has_no_adjoint_and_no_tangent() -> None:
    x, other = Value(3.0), Value(4.0)
    root = x * x
    assert other not in dict(sweep([other, *topological_order(root)], edges, 1.0))
    assert root not in tangents(topological_order(root), edges, other, 1.0)
