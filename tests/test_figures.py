"""The figures to hold: depth, bytes, leaks, one result over processes and hash seeds. Sizes, never times.

The limits are those of the reliability table; measured on CPython 3.11: 216 bytes per ``y * constant``.
"""

import copy
import gc
import os
import pickle
import subprocess
import sys
import tracemalloc
from collections.abc import Callable

import pytest

from micrograd_nn import MLP, SGD, UNREACHED, Value, grad, mse
from micrograd_nn.engine.backprop import replay
from micrograd_nn.engine.graph import topological_order

DEPTH, FAST_DEPTH = 10**6, 20_000  # the fast one is 20 times the recursion limit


def chain(depth: int) -> tuple[Value, Value]:
    x = y = Value(1.0, "x")
    for i in range(depth):
        y = y + 1.0 if i % 2 else y * 1.0
    return x, y


def slope_by_grad(x: Value, y: Value) -> float:
    return grad(y, [x])[0]


def slope_by_created_graph(x: Value, y: Value) -> float:
    (slope,) = grad(y, [x], create_graph=True)
    assert grad(slope, [x]) == [0.0]
    return slope.data


def slope_by_backward(x: Value, y: Value) -> float:
    y.backward()
    return x.grad


def slope_of_a_twin(copier: Callable[[Value], Value]) -> Callable[[Value, Value], float]:
    def slope(x: Value, y: Value) -> float:
        twin = copier(y)
        assert len(topological_order(twin)) == len(topological_order(y))
        root = topological_order(twin)[0]
        assert root is not x
        twin.backward()
        assert x.grad is UNREACHED
        return root.grad

    return slope


def slope_by_replay(x: Value, y: Value) -> float:
    return replay(y, {x: 2.0})[y] - y.data


WALKERS = {
    "backward": slope_by_backward,
    "grad": slope_by_grad,
    "create_graph": slope_by_created_graph,
    "replay": slope_by_replay,
    "deepcopy": slope_of_a_twin(copy.deepcopy),
    "pickle": slope_of_a_twin(lambda y: pickle.loads(pickle.dumps(y))),
}


@pytest.mark.parametrize("name", WALKERS)
@pytest.mark.parametrize("depth", [FAST_DEPTH, pytest.param(DEPTH, marks=pytest.mark.slow)])
def test_row_9_depth(name: str, depth: int) -> None:
    """Forward, the walker, and del at the default recursion limit."""
    assert sys.getrecursionlimit() <= FAST_DEPTH
    x, y = chain(depth)
    assert y.data == 1.0 + depth // 2
    assert WALKERS[name](x, y) == 1.0
    del y


def test_row_9_a_chain_in_which_every_node_is_used_twice() -> None:
    """y = y + y: 2**depth paths, depth nodes; a walk without memory would never end."""
    x = y = Value(1.0)
    for _ in range(1000):
        y = y + y
    y.backward()
    assert x.grad == 2.0**1000


def test_row_9_depth_below_the_right_operand() -> None:
    x = y = Value(1.0)
    for _ in range(FAST_DEPTH):
        y = 1.0 + y
    y.backward()
    assert x.grad == 1.0
    assert pickle.loads(pickle.dumps(y)).data == y.data


def test_bytes_per_node() -> None:
    nodes = 20_000
    y = Value(1.5)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(nodes):
            y = y * 1.000001
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / nodes <= 330, "the product and the constant's node together"


def training_growth(steps: int) -> int:
    net = MLP(2, [4, 1], activation="tanh", seed=0)
    sgd = SGD(net.parameters(), lr=0.01)

    def step() -> None:
        loss = mse([net([0.5, -1.0]), net([1.5, 2.0])], [1.0, -1.0])
        net.zero_grad()
        loss.backward()
        sgd.step()

    for _ in range(20):
        step()
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(steps):
            step()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    return after - before


def test_no_leak_with_the_collector_off() -> None:
    assert training_growth(150) < 400_000, "0.2 MB are Python's own free lists, full after 300 steps; then it stands"


@pytest.mark.slow
def test_no_leak_with_the_collector_off_in_1000_steps() -> None:
    assert training_growth(1000) < 1_000_000


def test_a_graph_has_no_cycle() -> None:
    gc.collect()
    gc.disable()
    try:
        _, y = chain(1000)
        y.backward()
        grad(y, [y], create_graph=True)
        pickle.loads(pickle.dumps(y))
        del y
        assert gc.collect() < 50, "nothing of the graph waits for the collector"
    finally:
        gc.enable()


TRAINING = """
import gc, sys
if sys.argv[1] == "off":
    gc.disable()
elif sys.argv[1] == "eager":
    gc.set_threshold(10)
from micrograd_nn import MLP, SGD, log, mse
net = MLP(2, [5, 3, 2], activation=["tanh", "maxout", "softmax"], init="glorot", seed=42)
sgd = SGD(net.parameters(), lr=0.1)
for step in range(15):
    rows = [net([0.1 * step, -1.0]), net([1.5, 0.2 * step])]
    loss = mse([p for row in rows for p in row], [1, 0, 0, 1]) - log(rows[0][0])
    net.zero_grad()
    loss.backward()
    sgd.step()
print(loss.data.hex(), [(p.data.hex(), p.grad.hex()) for p in net.parameters()])
"""


def test_one_result_over_processes_hash_seeds_and_collectors() -> None:
    results = set()
    for hash_seed, collector in (("0", "on"), ("1", "off"), ("4242", "eager"), ("random", "on"), ("random", "eager")):
        done = subprocess.run(
            [sys.executable, "-c", TRAINING, collector],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        results.add(done.stdout)
    assert len(results) == 1
    assert results.pop().startswith(("0x", "-0x"))
