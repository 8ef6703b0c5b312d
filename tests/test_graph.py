"""Growing a graph undisturbed: the collector rests while a network records, and always goes on afterwards."""

import gc
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from micrograd_nn import MLP, Layer, Operation, Value, compile
from micrograd_nn.engine.graph import undisturbed
from micrograd_nn.errors import MicrogradError


@pytest.fixture(autouse=True)
def _the_collector_is_on() -> Iterator[None]:
    assert gc.isenabled()
    yield
    gc.enable()


@pytest.fixture
def seen(own_rows: None) -> list[bool]:
    """What an activation named "witness" saw each time that it was computed: was the collector on?"""
    seen: list[bool] = []

    def forward(a: float) -> float:
        seen.append(gc.isenabled())
        return a

    Operation("witness", doc="a.", forward=forward, partials=(lambda a, out: 1.0,), latex="{a}", numpy="{a}")
    return seen


NETWORKS: list[Callable[[], Callable[[list[float]], object]]] = [
    lambda: MLP(2, [3, 1], "witness", seed=0),
    lambda: Layer(2, 3, "witness", seed=0),
]


@pytest.mark.parametrize("make", NETWORKS, ids=["MLP", "Layer"])
@pytest.mark.parametrize("on", [True, False])
def test_the_collector_rests_while_a_network_records(
    make: Callable[[], Callable[[list[float]], object]], on: bool, seen: list[bool]
) -> None:
    net = make()
    (gc.enable if on else gc.disable)()
    net([0.5, -1.0])
    assert seen == [False] * 3
    assert gc.isenabled() is on, "it is as the caller left it"


def collections_during(work: Callable[..., object], *given: object) -> int:
    started: list[str] = []

    def note(phase: str, info: object) -> None:
        started.append(phase)

    gc.collect()
    gc.callbacks.append(note)
    try:
        work(*given)
    finally:
        gc.callbacks.remove(note)
    return started.count("start")


def test_large_things_grow_with_one_collection_at_most() -> None:
    """Over 9,000 nodes; the collector would come every 700 or 2,000 of them, depending on Python's version."""
    net, inputs = MLP(64, [64, 10], seed=0), [Value(0.5) for _ in range(64)]
    loss = sum(net(inputs))
    growing: list[tuple[Any, tuple[Any, ...]]] = [
        (MLP.__call__, (net, inputs)),
        (Layer.__call__, (net.layers[0], inputs)),
        (compile, (loss, inputs, net.parameters())),
    ]
    for grow, given in growing:
        assert collections_during(grow, *given) <= 1, "the one that was due comes afterwards"
        assert collections_during(grow.__wrapped__, *given) > 2, "without the decorator"


def test_after_an_error_the_collector_is_on() -> None:
    net = MLP(2, [3, 1], seed=0)
    for wrong in ([1.0], [1.0, "a"], [1.0, None], 3.0):
        with pytest.raises(MicrogradError):
            net(wrong)  # type: ignore[arg-type]
        assert gc.isenabled()


def test_one_inside_the_other() -> None:
    @undisturbed
    def outer() -> list[bool]:
        return [gc.isenabled(), undisturbed(gc.isenabled)(), gc.isenabled()]

    assert outer() == [False, False, False]
    assert gc.isenabled()


def test_a_thread_that_ends_meanwhile_does_not_leave_the_collector_off() -> None:
    def other_ends(frame: object, event: str, called: object) -> None:
        if event == "c_return" and called is gc.isenabled:  # the collector was off, for the other thread's growing
            gc.enable()

    gc.disable()
    sys.setprofile(other_ends)
    try:
        undisturbed(list)()
    finally:
        sys.setprofile(None)
    assert gc.isenabled()


def test_arguments_result_and_name_pass_through() -> None:
    @undisturbed
    def divided(a: float, b: float = 2.0) -> float:
        """a / b."""
        return a / b

    assert (divided(3.0), divided(3.0, b=4.0)) == (1.5, 0.75)
    assert (divided.__name__, divided.__doc__) == ("divided", "a / b.")


@pytest.mark.parametrize("call", ["isenabled", "disable", "enable"])
def test_ctrl_c_does_not_leave_the_collector_off(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python notices Ctrl-C when a call returns: here, each of the calls to the collector."""
    real = getattr(gc, call)

    def interrupted() -> None:
        real()
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(gc, call, interrupted)
    with pytest.raises(KeyboardInterrupt):
        undisturbed(float)()
    assert gc.isenabled()
