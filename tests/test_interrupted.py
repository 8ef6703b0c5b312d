"""Row 11 of the reliability table: whatever interrupts a sweep, at any line or moment, every gradient is as before."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from storms import counts, needs_a_timer, storm

from micrograd_nn import MLP, Operation, Value, grad
from micrograd_nn.engine.graph import topological_order
from micrograd_nn.engine.value import adjoints
from micrograd_nn.errors import NumberError


def a_loss() -> tuple[Value, list[Value]]:
    net = MLP(2, [4, 1], activation="tanh", seed=0)
    loss = net([0.5, -1.5]) ** 2 + net([1.0, 2.0])
    loss.backward()  # there are gradients to lose
    return loss, topological_order(loss)


@contextmanager
def raising_at(event: int) -> Iterator[list[int]]:
    """KeyboardInterrupt before the event-th line that Python runs inside; once, as Ctrl-C comes."""
    seen = [0]

    def trace(frame: object, kind: str, argument: object) -> object:
        seen[0] += kind == "line"
        if seen[0] == event and kind == "line":
            raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        yield seen
    finally:
        sys.settrace(None)


SWEEPS: list[Callable[[Value, list[Value]], object]] = [
    lambda loss, nodes: loss.backward(),
    lambda loss, nodes: grad(loss, nodes[:3]),
    lambda loss, nodes: grad(loss, nodes[:3], create_graph=True),
    lambda loss, nodes: adjoints(loss),
]


@pytest.mark.parametrize("sweep", SWEEPS, ids=["backward", "grad", "create_graph", "adjoints"])
def test_row_11_interrupted_at_every_line(sweep: Callable[[Value, list[Value]], object]) -> None:
    with ThreadPoolExecutor(1) as thread:  # of its own: what else traces this one, a measure of coverage, goes on
        assert thread.submit(times_interrupted, sweep).result() > 200


def times_interrupted(sweep: Callable[[Value, list[Value]], object]) -> int:
    loss, order = a_loss()
    rehearsal = a_loss()
    with raising_at(-1) as seen:
        sweep(*rehearsal)
    interrupted = 0
    before = [node.grad for node in order]
    sweep(loss, order)
    after = [node.grad for node in order]  # a line may come when all is done
    for event in range(1, seen[0], max(1, seen[0] // 300)):
        for node, grad_before in zip(order, before, strict=True):
            node.grad = grad_before
        try:
            with raising_at(event):
                sweep(loss, order)
        except KeyboardInterrupt:
            interrupted += 1
        assert str([node.grad for node in order]) in (str(before), str(after)), event
    return interrupted


@needs_a_timer
@counts
def test_row_11_interrupted_by_a_signal(count: int) -> None:
    """Sweep after sweep: a leaf holds a whole number of them, every other node the latest one."""
    x = Value(1.0)
    y = x
    for _ in range(100):
        y = y * 0.5 + x
    y.backward()
    made = [node for node in topological_order(y) if node.operation is not None]
    once, latest = x.grad, [node.grad for node in made]
    assert once == 2.0, "so that sums of it are exact"

    def torn() -> bool:
        return x.grad % once != 0.0 or [node.grad for node in made] != latest

    assert storm(y.backward, torn, count) == 0
    before = x.grad
    assert storm(lambda: adjoints(y), lambda: torn() or x.grad != before, count) == 0


@pytest.mark.usefixtures("own_rows")
def test_row_11_an_error_in_mid_sweep() -> None:
    """Of a slope that is no number. A gradient that is none is refused where somebody sets it."""

    class Slope:
        def __rmul__(self, adjoint: float) -> float:
            raise ZeroDivisionError

    row = Operation("broken", doc="a.", forward=lambda a: a, partials=(lambda a, out: Slope(),), numpy="{a}")
    loss, order = a_loss()
    whole = row(loss * 2.0) + loss
    leaf = next(node for node in order if node.operation is None)
    leaf.grad = 0.25
    before = str([node.grad for node in order])
    with pytest.raises(ZeroDivisionError):
        whole.backward()
    with pytest.raises(NumberError, match="got the str 'a quarter'"):
        leaf.grad = "a quarter"  # type: ignore[assignment]  # the mistake
    assert str([node.grad for node in order]) == before
