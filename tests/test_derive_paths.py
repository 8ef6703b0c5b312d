"""Paths: counted exactly, the largest first, and in sum the gradient."""

from itertools import pairwise
from math import fsum, isclose
from random import Random

import pytest
from random_graphs import random_graph

from micrograd_nn import MLP, Value
from micrograd_nn.derive import count_paths, paths
from micrograd_nn.engine.value import adjoints


def brute_force(node, target):
    """Every path as a product, by plain recursion."""
    if node is target:
        return [1.0]
    edges = zip(node.operands, node.partials, strict=True)
    return [slope * rest for operand, slope in edges for rest in brute_force(operand, target)]


@pytest.mark.parametrize("seed", range(500))
def test_paths_of_random_graphs(seed):
    root, leaves = random_graph(seed, n_nodes=10)
    gradients = adjoints(root)
    for leaf in leaves:
        listed, expected = paths(root, leaf), brute_force(root, leaf)
        products = [path.product for path in listed]
        assert listed.count == count_paths(root, leaf) == len(expected) == len(products)
        scale = fsum(map(abs, products))
        assert isclose(fsum(products), gradients[leaf], rel_tol=1e-12, abs_tol=1e-12 * scale)
        assert all(
            isclose(a, b, rel_tol=1e-9, abs_tol=1e-300) for a, b in zip(_sizes(products), _sizes(expected), strict=True)
        )
        sizes = [abs(product) for product in products]
        assert all(a >= b * (1 - 1e-9) for a, b in pairwise(sizes))
        for path in listed:
            assert path.nodes[0] is root
            assert path.nodes[-1] is leaf


def _sizes(products):
    return sorted(map(abs, products), reverse=True)


@pytest.mark.parametrize("sizes", [[1], [2, 1], [3, 2, 1], [2, 2, 2, 1]])
def test_paths_through_networks_are_counted_exactly(sizes):
    net = MLP(2, sizes, activation="tanh", seed=0)
    x = [Value(0.5), Value(-1.0)]
    out = net(x)
    for leaf in (*x, *net.parameters()):
        assert count_paths(out, leaf) == len(brute_force(out, leaf))


def test_paths_through_the_moons_network_are_the_product_of_its_widths():
    net = MLP(2, [16, 16, 1], seed=0)
    x = [Value(0.5), Value(-1.0)]
    out = net(x)
    assert count_paths(out, x[0]) == 16 * 16
    assert count_paths(out, net.parameters()[0]) == 16
    assert count_paths(out, net.parameters()[-1]) == 1


def test_a_count_beyond_every_float_is_exact():
    x = start = Value(1.0)
    for _ in range(3000):
        x = x + x
    assert count_paths(x, start) == 2**3000
    listed = paths(x, start)
    assert len(listed.largest(3)) == 3
    assert "about 2^3000 paths" in str(listed)


@pytest.mark.parametrize(("count", "more"), [(10, False), (11, True)])
def test_ten_paths_are_listed_and_of_more_it_is_said(count, more):
    x = Value(1.0, "x")
    text = str(paths(sum((x * k for k in range(1, count)), x), x))
    assert text.count("\n") == 10 + more
    assert text.endswith("\n  …") == more


def test_the_largest_of_very_many_are_found_without_looking_at_the_others():
    draw = Random(5)
    nodes = [Value(1.0)]
    start = nodes[0]
    for _ in range(40):
        a, b = draw.uniform(0.1, 2.0), draw.uniform(0.1, 2.0)
        nodes.append(nodes[-1] * a + nodes[-1] * b)
    best = [max(abs(node.left.dleft), abs(node.right.dleft)) for node in nodes[1:]]
    product = 1.0
    for factor in best:
        product *= factor
    largest = paths(nodes[-1], start).largest(5)
    assert isclose(largest[0].product, product, rel_tol=1e-12)
    assert largest[0].product >= largest[4].product


def test_a_long_chain_has_one_path():
    x = start = Value(1.0, "x")
    for _ in range(30_000):
        x = x * 1.0
    (path,) = paths(x, start)
    assert len(path.nodes) == 30_001
    assert len(str(paths(x, start))) < 300


@pytest.mark.slow
def test_a_million_nodes():
    x = start = Value(1.0, "x")
    for _ in range(500_000):
        x = x * 0.5 + 1.0
    assert count_paths(x, start) == 1
    assert len(paths(x, start).largest(2)) == 1


def test_no_way_at_all():
    a, b = Value(1.0, "a"), Value(2.0, "b")
    assert paths(a * a, b).count == 0
    assert list(paths(a * a, b)) == []
    assert str(paths(a * a, b)) == "0 paths from b to L, in sum 0"


def test_row_49_a_hostile_label_is_told_as_text() -> None:
    """No control character, escape code or lone surrogate leaves by ``print``."""
    a = Value(3.0, "\x1b[2J\ud800" + "x" * 1000)
    shown = str(paths(a * a, a))
    assert all(line.isprintable() for line in shown.splitlines())
    assert len(shown) < 400


def test_a_path_is_written_by_its_names():
    w, x = Value(0.5, "w"), Value(2.0, "x")
    h = w * x + 1.0
    h.label = "h"
    assert str(paths((h * 3.0).exp(), w)).endswith("L ← h ← w")
    by_two_ways = str(paths(h * 3.0 + h.exp(), w)).splitlines()[1:]  # alike by their names, so the numbers stay
    assert [line.partition("L ← ")[2] for line in by_two_ways] == ["7.389 ← h ← 1 ← w", "6 ← h ← 1 ← w"]
