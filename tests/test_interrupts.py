"""Ctrl-C put off: by the usual handler and one of one's own, nested, in threads, with whatever ends the block."""

# ruff: noqa: PT012  # what comes before and after the interrupt is what is tested

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ctrl_c import Moment
from test_training import MOONS, numbers, small_net

from micrograd_nn.interrupts import answered, deferred
from micrograd_nn.nn import optim
from micrograd_nn.training import fit

pytestmark = pytest.mark.usefixtures("ctrl_c")


def press(times: int = 1) -> None:
    for _ in range(times):
        os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(autouse=True)
def everything_is_as_before(ctrl_c: None) -> Iterator[None]:
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_waits_until_the_block_ends() -> None:
    reached = []
    with pytest.raises(KeyboardInterrupt), deferred() as ctrl_c:
        press(2)
        reached.append(ctrl_c.waiting)
    assert reached == [2]


def test_it_comes_where_it_is_let_in() -> None:
    reached = []
    with pytest.raises(KeyboardInterrupt), deferred() as ctrl_c:
        press()
        reached.append(1)
        ctrl_c.let_in()
        reached.append(2)
    assert reached == [1]
    with pytest.raises(KeyboardInterrupt), deferred() as ctrl_c, ctrl_c.lifted():
        press()
        reached.append(2)
    assert reached == [1]
    with pytest.raises(KeyboardInterrupt), deferred() as ctrl_c:
        press()
        with ctrl_c.lifted():
            reached.append(2)
    assert reached == [1]


def test_nested_blocks_wait_for_the_outermost() -> None:
    reached = []
    with pytest.raises(KeyboardInterrupt), deferred():
        with deferred():
            press()
        reached.append(1)
    assert reached == [1]


def test_it_comes_also_after_an_error() -> None:
    with pytest.raises(KeyboardInterrupt) as raised, deferred():
        press()
        raise ValueError
    assert isinstance(raised.value.__context__, ValueError)


def test_a_handler_of_ones_own_gets_each_at_the_end() -> None:
    called: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: called.append(number))
    with deferred():
        press(3)
        assert called == []
    assert called == [signal.SIGINT] * 3
    with answered() as ctrl_c:
        press()
        assert (len(called), ctrl_c.waiting) == (4, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_where_it_is_ignored_it_stays_so() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with deferred() as ctrl_c:
        press()
        assert ctrl_c.waiting == 0
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_in_other_threads_nothing_is_put_off() -> None:
    found: list[Any] = []

    def work() -> None:
        with deferred() as ctrl_c, ctrl_c.lifted(), answered():
            ctrl_c.let_in()
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]


def test_the_first_is_answered_and_the_second_comes_at_once() -> None:
    reached = []
    with answered() as ctrl_c:
        press()
        reached.append(ctrl_c.waiting)
    with pytest.raises(KeyboardInterrupt), answered():
        press()
        reached.append(2)
        press()
        reached.append(3)
    assert reached == [1, 2]


def test_at_any_instruction_the_handler_comes_back() -> None:
    def put_off(at: int = 0) -> int:
        moment = Moment(at)

        def block() -> None:
            moment.arm()
            with deferred() as ctrl_c:
                with ctrl_c.lifted():
                    pass
                ctrl_c.let_in()

        interrupted = moment.run(block)
        assert interrupted == (at > 0), at
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, at
        return moment.seen

    for instruction in range(1, put_off()):
        put_off(instruction)


# ---- trainings ----


def trained_with(handler: Any) -> tuple[list[float], Any]:
    """A training during which Ctrl-C comes after its second row, under that handler."""
    signal.signal(signal.SIGINT, handler)
    net = small_net()

    def look(running: Any) -> None:
        if len(running.history) == 2:
            press()

    try:
        history = fit(net, *MOONS, epochs=4, callbacks=look, engine="compiled")
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return numbers(net), history


def test_a_training_stops_for_the_usual_handler_and_not_for_one_of_ones_own() -> None:
    called: list[int] = []
    whole, history = trained_with(lambda number, frame: called.append(number))
    assert (called, history.stopped, len(history)) == ([signal.SIGINT], "", 4)
    assert (whole, history.rows) == (trained_with(signal.SIG_IGN)[0], trained_with(signal.SIG_IGN)[1].rows)
    _, history = trained_with(signal.default_int_handler)
    assert (history.stopped, len(history)) == ("interrupted by Ctrl-C", 2)


@pytest.mark.parametrize("engine", ["scalar", "compiled"])
def test_a_training_in_a_thread_is_the_same(engine: str) -> None:
    nets = [small_net(), small_net()]
    thread = threading.Thread(target=lambda: fit(nets[0], *MOONS, epochs=3, engine=engine))
    thread.start()
    thread.join()
    fit(nets[1], *MOONS, epochs=3, engine=engine)
    assert numbers(nets[0]) == numbers(nets[1])


@pytest.mark.parametrize("engine", ["scalar", "compiled"])
def test_a_second_ctrl_c_at_any_moment_of_a_training_leaves_whole_steps(engine: str) -> None:
    """Two at once, at random instructions of the training; the history counts what the optimiser counts."""

    def trained(at: int = 0, steps: int = 3) -> Any:
        net = small_net()
        adam, moment = optim.Adam(net.parameters(), lr=0.01), Moment(at)
        histories: list[Any] = []

        def begin(running: Any) -> None:
            histories.append(running.history)
            if len(running.history) == 1:
                moment.arm()

        settings: Any = {"optimizer": adam, "engine": engine, "batch_size": 2, "callbacks": begin, "record": 1}
        rows: Any = MOONS.X[:4], MOONS.y[:4]
        interrupted = moment.run(lambda: fit(net, *rows, steps=steps, **settings))
        return (numbers(net), adam.memory, adam.steps), histories[0], moment.seen, interrupted

    whole = {steps: trained(steps=steps)[0] for steps in range(1, 4)}
    count = trained()[2]
    stops = 0
    for instruction in range(1, count, count // 25):
        state, history, _, _ = trained(instruction)
        assert state == whole[state[2]], instruction
        assert history.step == state[2], instruction
        stops += history.stopped == "interrupted by Ctrl-C"
    assert stops > 12
