"""A loop of one's own: its steps are those of minimize, whatever is done between them and however the block ends."""

import os
import signal
import threading
from random import Random
from typing import Any

import pytest
from ctrl_c import Moment
from test_compile_program import KINDS, LABELS, PEOPLE, recorded, small

from micrograd_nn import MLP
from micrograd_nn.compiler import compile, registry
from micrograd_nn.errors import AnomalyError, ArgumentError, ShapeError
from micrograd_nn.nn.optim import SGD, Adam

BACKENDS = pytest.mark.parametrize("backend", ["python", "numpy"])


class Case:
    """A network, an optimiser and the program that trains them; equal to any other of the same kind."""

    def __init__(self, kind: str, backend: str, dtype: str = "float64") -> None:
        self.net: MLP = small()
        self.optimizer = KINDS[kind](self.net.parameters())
        self.program: Any = compile(*recorded(self.net), self.net.parameters(), backend=backend, dtype=dtype)

    def numbers(self) -> Any:
        return self.net.state_dict(), self.optimizer.state_dict()


@pytest.mark.parametrize("size", [1, 2, 5])
@BACKENDS
@pytest.mark.parametrize("kind", KINDS)
def test_its_steps_are_those_of_minimize_bit_for_bit(kind: str, backend: str, size: int) -> None:
    ours, theirs = Case(kind, backend), Case(kind, backend)
    losses = []
    with ours.program.trainer(ours.optimizer) as t:
        for _ in range(4):
            steps = [t.step(PEOPLE[start : start + size], LABELS[start : start + size]) for start in range(0, 5, size)]
            losses.append(steps)
    wanted = theirs.program.minimize(theirs.optimizer, PEOPLE, LABELS, epochs=4, batch_size=size)
    assert ours.numbers() == theirs.numbers()
    if size == 5:
        assert [loss for (loss,) in losses] == wanted


@pytest.mark.parametrize("backend", sorted(registry.BACKENDS.keys() - {"python", "numpy"}))
def test_every_other_backend_steps_as_it_minimizes(backend: str) -> None:
    if missing := registry.BACKENDS[backend].missing():
        pytest.skip(missing)
    for kind, size in (("adam", 5), ("sgd, all options", 2)):
        ours, theirs = Case(kind, backend), Case(kind, backend)
        with ours.program.trainer(ours.optimizer) as t:
            for start in [*range(0, 5, size)] * 3:
                t.step(PEOPLE[start : start + size], LABELS[start : start + size])
        theirs.program.minimize(theirs.optimizer, PEOPLE, LABELS, epochs=3, batch_size=size)
        assert ours.net.state_dict() == pytest.approx(theirs.net.state_dict(), rel=1e-12)
        assert ours.optimizer.memory == [pytest.approx(row, rel=1e-12) for row in theirs.optimizer.memory]


@BACKENDS
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_done_between_two_steps(seed: int, dtype: str, backend: str) -> None:
    """The other one takes each step by a minimize of its own, so that its Values are always up to date."""
    if (backend, dtype) == ("python", "float32"):
        backend = "auto"
    draw, kind = Random(seed), sorted(KINDS)[seed % len(KINDS)]
    ours, theirs = Case(kind, backend, dtype), Case(kind, backend, dtype)

    def minimize(case: Case, X: Any, y: Any) -> Any:
        return case.program.minimize(case.optimizer, X, y, batch_size=len(X))[0]

    with ours.program.trainer(ours.optimizer) as t:
        for _ in range(40):
            rows = [draw.randrange(5) for _ in range(draw.choice([1, 2, 5]))]
            batch = [PEOPLE[i] for i in rows], [LABELS[i] for i in rows]
            match draw.randrange(8):
                case 0:
                    assert ours.program(*batch) == theirs.program(*batch)
                    assert ours.numbers() == theirs.numbers()
                case 1:
                    t.store()
                    assert ours.numbers() == theirs.numbers()
                case 2:
                    assert minimize(ours, *batch) == minimize(theirs, *batch)
                case 3:
                    t.store()
                    for case in (ours, theirs):
                        case.net.parameters()[0].data = float(len(rows)) / 8
                case 4:
                    ours.optimizer.lr = theirs.optimizer.lr = len(rows) / 64
                case 5:
                    with ours.program.trainer(ours.optimizer) as inner:
                        inner.step(*batch)
                    minimize(theirs, *batch)
                case _:
                    assert t.step(*batch) == minimize(theirs, *batch)
    assert ours.numbers() == theirs.numbers()


class Pressing(Adam):
    """In its third step somebody presses Ctrl-C, or something goes wrong."""

    goes_wrong = False

    def scalars(self) -> dict[str, float]:
        if self.steps == 3 and self.goes_wrong:
            raise OSError("no more")
        if self.steps == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return super().scalars()


def steps_for_ever(case: Case) -> None:
    with case.program.trainer(case.optimizer) as t:
        while True:
            t.step(PEOPLE, LABELS)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("goes_wrong", [True, False])
@BACKENDS
def test_a_step_is_taken_whole_or_not_at_all(backend: str, goes_wrong: bool) -> None:
    ours, theirs = Case("adam", backend), Case("adam", backend)
    ours.optimizer = Pressing(ours.net.parameters(), lr=0.05)
    ours.optimizer.goes_wrong = goes_wrong
    with pytest.raises(OSError if goes_wrong else KeyboardInterrupt):
        steps_for_ever(ours)
    theirs.program.minimize(theirs.optimizer, PEOPLE, LABELS, epochs=2 if goes_wrong else 3, batch_size=5)
    assert ours.numbers() == theirs.numbers()


@pytest.mark.usefixtures("ctrl_c")
@BACKENDS
def test_ctrl_c_at_any_moment_leaves_whole_steps_and_the_handler(backend: str) -> None:
    """Wherever Python hears it, from the block's begin to its end."""

    def trained(armed: int, at: int = 0, steps: int = 4) -> tuple[Any, int, bool]:
        case, moment = Case("adam", backend), Moment(at, heard=True)

        def block() -> None:
            with case.program.trainer(case.optimizer) as t:
                for step in range(steps):
                    if step == armed:
                        moment.arm()
                    t.step(PEOPLE, LABELS)
                    if step == 1:
                        case.program(PEOPLE, LABELS)
                if armed == steps:
                    moment.arm()

        interrupted = moment.run(block)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, at
        return case.numbers(), moment.seen, interrupted

    whole = {steps: trained(9, steps=steps)[0] for steps in range(5)}
    for armed, moments in ((1, 30), (4, 1000)):
        count = trained(armed)[1]
        for instruction in range(1, count, max(1, count // moments)):
            state, _, interrupted = trained(armed, instruction)
            assert interrupted
            assert state == whole[state[1]["steps"]], instruction


@pytest.mark.usefixtures("ctrl_c")
@BACKENDS
def test_ctrl_c_before_the_first_line_of_exit(backend: str) -> None:
    """Python may hear it there, and then what ``__exit__`` does is not done."""
    ours, theirs = Case("adam", backend), Case("adam", backend)
    t = ours.program.trainer(ours.optimizer).__enter__()
    t.step(PEOPLE, LABELS)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    steps(theirs, 1)
    assert ours.numbers() == theirs.numbers()


@pytest.mark.usefixtures("ctrl_c")
def test_a_loop_that_catches_ctrl_c_goes_on() -> None:
    ours, theirs = Case("adam", "numpy"), Case("adam", "numpy")
    seen = []
    with ours.program.trainer(ours.optimizer) as t:
        for _ in range(6):
            t.step(PEOPLE, LABELS)
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:
                seen.append(ours.optimizer.state_dict()["mean"])
    assert len({tuple(mean) for mean in seen}) == 6
    theirs.program.minimize(theirs.optimizer, PEOPLE, LABELS, epochs=6, batch_size=5)
    assert ours.numbers() == theirs.numbers()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("ctrl_c")
def test_two_side_by_side() -> None:
    """As a generator and a discriminator are trained: Ctrl-C in a step of one, in one of the other, and between."""
    ours, theirs = [Case("adam", "numpy") for _ in range(2)], [Case("adam", "numpy") for _ in range(2)]
    for case in ours:
        case.optimizer = Pressing(case.net.parameters(), lr=0.05)
    caught = 0
    with ours[0].program.trainer(ours[0].optimizer) as one, ours[1].program.trainer(ours[1].optimizer) as other:
        for trainer in (one, other) * 5:
            try:
                trainer.step(PEOPLE, LABELS)
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                caught += 1
    for case in theirs:
        steps(case, 5)
    assert caught == 10
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert [case.numbers() for case in ours] == [case.numbers() for case in theirs]


@pytest.mark.skipif(bool(registry.BACKENDS["c"].missing()), reason=registry.BACKENDS["c"].missing())
def test_who_takes_many_steps_gets_the_backend_that_repays_its_preparation() -> None:
    ours, theirs = Case("adam", "auto"), Case("adam", "python")
    with ours.program.trainer(ours.optimizer, steps=10**9) as t:
        for _ in range(3):
            t.step(PEOPLE, LABELS)
    steps(theirs, 3)
    assert (ours.program.backend, ours.numbers()) == ("c", theirs.numbers())


def test_in_another_thread_it_is_the_same() -> None:
    ours, theirs = Case("adam", "numpy"), Case("adam", "numpy")
    thread = threading.Thread(target=steps, args=(ours, 5))
    thread.start()
    thread.join()
    steps(theirs, 5)
    assert ours.numbers() == theirs.numbers()


def steps(case: Case, count: int) -> None:
    with case.program.trainer(case.optimizer) as t:
        for _ in range(count):
            t.step(PEOPLE, LABELS)


@BACKENDS
def test_what_can_not_be_stepped_on_moves_nothing(backend: str) -> None:
    ours, theirs = Case("adam", backend), Case("adam", backend)
    with ours.program.trainer(ours.optimizer) as t:
        with pytest.raises(ShapeError, match="has shape"):
            t.step([1.0], 1.0)
        t.step(PEOPLE, LABELS)
        with pytest.raises(AnomalyError, match="of this batch; the parameters are those before this step"):
            t.step([[float("nan"), 1.0]], [1.0])
    with pytest.raises(ArgumentError, match="inside the block: with program"):
        t.step(PEOPLE, LABELS)
    t.store()
    theirs.program.minimize(theirs.optimizer, PEOPLE, LABELS, batch_size=5)
    assert ours.numbers() == theirs.numbers()


def test_an_optimiser_of_other_parameters_is_refused() -> None:
    case = Case("sgd", "python")
    before = case.net.state_dict()
    with case.program.trainer(SGD(case.net.parameters()[1:])) as t, pytest.raises(ArgumentError, match="both one list"):
        t.step(PEOPLE, LABELS)
    assert case.net.state_dict() == before
