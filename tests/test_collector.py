"""Growing a graph undisturbed: the collector rests while a network records, and always goes on afterwards."""

import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from storms import counts, needs_a_timer, storm

from micrograd_nn import MLP, Layer, Operation, Value, compile
from micrograd_nn.collector import undisturbed
from micrograd_nn.errors import MicrogradError


@pytest.fixture(autouse=True)
def _the_collector_is_as_it_was() -> Iterator[None]:
    before = gc.isenabled(), gc.get_threshold()
    assert before[0]
    yield
    after = gc.isenabled(), gc.get_threshold()
    gc.enable()
    gc.set_threshold(*before[1])
    assert after == before


def collections_during(work: Callable[..., object], *given: object) -> int:
    started: list[str] = []

    def note(phase: str, info: object) -> None:
        started.append(phase)

    gc.callbacks.append(note)
    try:
        work(*given)
    finally:
        gc.callbacks.remove(note)
    return started.count("start")


def comes() -> bool:
    """Whether the collector comes if thousands of objects are made here."""
    return collections_during(lambda: [[] for _ in range(5000)]) > 0


@pytest.fixture
def seen(own_rows: None) -> list[bool]:
    """What an activation named "witness" saw each time that it was computed: did the collector come?"""
    seen: list[bool] = []

    def forward(a: float) -> float:
        seen.append(comes())
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
    gc.enable()
    assert comes()


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
        gc.collect()
        assert collections_during(grow, *given) <= 1, "the one that was due comes afterwards"
        gc.collect()
        assert collections_during(grow.__wrapped__, *given) > 2, "without the decorator"


def test_after_an_error_the_collector_comes() -> None:
    net = MLP(2, [3, 1], seed=0)
    for wrong in ([1.0], [1.0, "a"], [1.0, None], 3.0):
        with pytest.raises(MicrogradError):
            net(wrong)  # type: ignore[arg-type]
        assert comes()


def test_one_inside_the_other() -> None:
    @undisturbed
    def outer() -> list[bool]:
        return [comes(), undisturbed(comes)(), comes()]

    assert outer() == [False, False, False]
    assert comes()


@pytest.mark.parametrize("user", ["disable", "enable"])
def test_row_42_what_the_user_sets_meanwhile_stays_set(user: str) -> None:
    (gc.disable if user == "enable" else gc.enable)()
    undisturbed(getattr(gc, user))()
    assert gc.isenabled() is (user == "enable")
    gc.enable()


@pytest.mark.parametrize("first", [0, 1])
def test_threads_that_end_in_any_order_leave_the_collector_as_it_was(first: int) -> None:
    let_go = [threading.Event(), threading.Event()]
    threads = [threading.Thread(target=undisturbed(event.wait)) for event in let_go]
    for thread in threads:
        thread.start()
    for event, thread in list(zip(let_go, threads, strict=True))[:: 1 if first == 0 else -1]:
        event.set()
        thread.join()
    assert comes()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12 warns of a fork beside threads
@pytest.mark.parametrize("on", [True, False])
def test_row_42_a_child_is_as_its_parent_was(on: bool) -> None:
    """Forked while another thread grows a graph: that thread does not live in the child, and can't end the rest."""
    resting, let_go = threading.Event(), threading.Event()
    before = gc.get_threshold()
    thread = threading.Thread(target=undisturbed(lambda: [resting.set(), let_go.wait()]))
    thread.start()
    resting.wait()
    (gc.enable if on else gc.disable)()
    child = os.fork()
    if child == 0:
        os._exit(0 if (gc.isenabled(), gc.get_threshold()) == (on, before) and comes() is on else 1)
    _, status = os.waitpid(child, 0)
    let_go.set()
    thread.join()
    gc.enable()
    assert os.waitstatus_to_exitcode(status) == 0


def test_arguments_result_and_name_pass_through() -> None:
    @undisturbed
    def divided(a: float, b: float = 2.0) -> float:
        """a / b."""
        return a / b

    assert (divided(3.0), divided(3.0, b=4.0)) == (1.5, 0.75)
    assert (divided.__name__, divided.__doc__) == ("divided", "a / b.")


@needs_a_timer
@counts
def test_row_42_no_signal_leaves_the_collector_at_rest(count: int) -> None:
    usual = gc.get_threshold()
    assert storm(undisturbed(float), lambda: gc.get_threshold() != usual, count) == 0


@pytest.mark.parametrize("calls", range(1, 4))
def test_ctrl_c_at_each_call_of_the_collector(calls: int) -> None:
    """Python notices Ctrl-C when a call returns: here, each of the calls to the collector."""

    def interrupt(frame: object, event: str, called: object) -> None:
        nonlocal calls
        if event == "c_return" and called in (gc.get_threshold, gc.set_threshold):
            calls -= 1
            if calls == 0:
                raise KeyboardInterrupt

    grow = undisturbed(float)
    usual = gc.get_threshold()
    sys.setprofile(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            grow()
    finally:
        sys.setprofile(None)
    assert gc.get_threshold() == usual
