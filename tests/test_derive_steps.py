"""Steps, and the wrong order: the sweep as data is the engine's sweep, to the last bit."""

import re
import tracemalloc
from itertools import zip_longest

import pytest
from random_graphs import random_graph

from micrograd_nn import UNREACHED, Value
from micrograd_nn.derive import steps, wrong_order
from micrograd_nn.engine.value import adjoints, topological_order
from micrograd_nn.errors import GraphError
from micrograd_nn.notation.text import number_text


@pytest.mark.parametrize("seed", range(60))
def test_steps_are_the_engine_s_sweep(seed):
    root, _ = random_graph(seed)
    expected, gathered = adjoints(root), {root: 1.0}
    seen = []
    for step in steps(root):
        seen.append(step.node)
        assert step.upstream == expected[step.node] == gathered[step.node]
        assert (step.operation, step.operands, step.partials) == (
            step.node.operation,
            step.node.operands,
            step.node.partials,
        )
        for operand, partial, contribution, before, after in zip(
            step.operands, step.partials, step.contributions, step.before, step.after, strict=True
        ):
            assert contribution == step.upstream * partial
            assert before == gathered.get(operand, 0.0)
            gathered[operand] = after
            assert after == before + contribution
    assert gathered == expected
    assert seen == [node for node in reversed(topological_order(root)) if node.operation]
    assert all(node.grad is UNREACHED for node in gathered)


def test_a_node_used_twice_by_one_operation_is_gathered_twice():
    a = Value(3.0, "a")
    (step,) = steps(a * a)
    assert (step.before, step.after) == ((0.0, 3.0), (3.0, 6.0))


def chain(length):
    node = Value(1.0, "x")
    for _ in range(length):
        node = node * 1.0
    return node


def growth_while_streaming(length):
    """How many bytes the steps take beyond what is there after the first one."""
    root = chain(length)
    tracemalloc.start()
    try:
        stream = steps(root)
        next(stream)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in stream:
            pass
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def test_steps_stream_in_constant_memory():
    assert growth_while_streaming(60_000) < 240_000  # four bytes a node; Python keeps some 110 kB of freed tuples


@pytest.mark.slow
def test_steps_of_a_million_nodes():
    assert growth_while_streaming(1_000_000) < 500_000  # half a byte a node


def test_the_wrong_order_gives_six_where_four_is_right():
    both = wrong_order()
    assert both.right[-1].total == 4.0
    assert both.naive[-1].total == 6.0
    assert len(str(both).splitlines()) == 2 + len(both.naive)


@pytest.mark.parametrize("seed", range(10))
def test_the_two_tables_stand_in_columns_whatever_the_nodes_are_called(seed):
    root, leaves = random_graph(seed, n_nodes=6)
    leaves[0].label = "a name of some length"
    both = wrong_order(root)
    _, head, *rows = str(both).splitlines()
    starts = [found.start() for found in re.finditer("move", head)]
    ends = [found.end() for found in re.finditer("upstream|adds|total", head)]
    for row, right, naive in zip_longest(rows, both.right, both.naive):
        for start, table, move in zip(starts, (ends[:3], ends[3:]), (right, naive), strict=True):
            if move:
                assert row[start:].startswith(f"{move.node} → {move.operand} ")
                numbers = (move.upstream, move.contribution, move.total)
                for end, number in zip(table, numbers, strict=True):
                    assert row[:end].endswith(f" {number_text(number, 6)}")


def test_without_shared_nodes_the_order_does_not_matter():
    x, y = Value(2.0, "x"), Value(5.0, "y")
    both = wrong_order((x * y).exp())
    assert {m.operand: m.total for m in both.right} == {m.operand: m.total for m in both.naive}


def test_the_naive_sweep_of_a_doubling_graph_is_refused():
    x = Value(1.0)
    for _ in range(50):
        x = x + x
    with pytest.raises(GraphError, match="smaller graph"):
        wrong_order(x)
