"""Row 11 of the reliability table: whatever interrupts a sweep, at any line or moment, every gradient is as before."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from micrograd_nn import MLP, Value, grad
from micrograd_nn.engine.graph import topological_order
from micrograd_nn.engine.value import adjoints


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

    old = sys.gettrace()
    sys.settrace(trace)
    try:
        yield seen
    finally:
        sys.settrace(old)


SWEEPS: list[Callable[[Value, list[Value]], object]] = [
    lambda loss, nodes: loss.backward(),
    lambda loss, nodes: grad(loss, nodes[:3]),
    lambda loss, nodes: grad(loss, nodes[:3], create_graph=True),
    lambda loss, nodes: adjoints(loss),
]


@pytest.mark.parametrize("sweep", SWEEPS, ids=["backward", "grad", "create_graph", "adjoints"])
def test_row_11_interrupted_at_every_line(sweep: Callable[[Value, list[Value]], object]) -> None:
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
        assert [node.grad for node in order] in (before, after), event
    assert interrupted > 200


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no interval timer")
def test_row_11_interrupted_by_a_signal() -> None:
    """A real signal at 100 moments spread over the time that a sweep takes here."""
    x = Value(1.0)
    y = x
    for _ in range(3000):
        y = y * 1.0001 + x
    y.backward()
    order = topological_order(y)
    before = [node.grad for node in order]
    start = time.perf_counter()
    y.backward()
    whole = time.perf_counter() - start
    after = [node.grad for node in order]

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    old, hits = signal.signal(signal.SIGALRM, interrupt), 0
    try:
        for moment in range(1, 101):
            for node, grad_before in zip(order, before, strict=True):
                node.grad = grad_before
            finished = False
            try:
                signal.setitimer(signal.ITIMER_REAL, whole * moment / 100)
                y.backward()
                finished = True
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                hits += not finished
            grads = [node.grad for node in order]
            assert grads == after or (grads == before and not finished)  # all or nothing; it may come just afterwards
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert hits > 5, "the timer never hit a sweep"


def test_row_11_an_error_in_mid_sweep() -> None:
    loss, order = a_loss()
    leaf = next(node for node in order if not node.operands)
    leaf.grad = 0.25
    order[3].dleft = "not a number"
    before = [node.grad for node in order]
    with pytest.raises(TypeError):
        loss.backward()
    assert [node.grad for node in order] == before
