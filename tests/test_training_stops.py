"""fit under way: stopped between steps, resumed to the same bytes, looked into by callbacks, schedules, progress."""

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest
from test_training import MOONS, NAN, numbers, small_net

from micrograd_nn import Checkpoint, Value, load_checkpoint, save_checkpoint
from micrograd_nn import data as datasets
from micrograd_nn.errors import ArgumentError, ArgumentTypeError, FileMissingError, FormatError, NumberError, StateError
from micrograd_nn.nn import losses, optim
from micrograd_nn.storage.networks import save
from micrograd_nn.training import EarlyStopping, fit
from micrograd_nn.training.metrics import climbs

# ---- stopping and resuming (row 25) ----

PLANS = {
    "sgd": lambda net: optim.SGD(net.parameters(), lr=0.05, momentum=0.9, dampening=0.1),
    "adam": lambda net: optim.Adam(net.parameters(), lr=0.02),
}


def train(net, optimizer, engine, **more):
    return fit(net, *MOONS, optimizer=optimizer, engine=engine, epochs=6, batch_size=9, record=4, seed=2, **more)


@pytest.mark.parametrize("kind", PLANS)
@pytest.mark.parametrize("engine", ["scalar", "compiled"])
@pytest.mark.parametrize("row", [1, 2, 5])
def test_row_25_resuming_gives_the_same_bytes_as_never_stopping(kind, engine, row, tmp_path):
    whole = small_net()
    expected = train(whole, PLANS[kind](whole), engine)
    first = small_net()

    def stop(running):
        if len(running.history) == row:
            running.stop("enough")

    history = train(first, PLANS[kind](first), engine, callbacks=[stop])
    assert (len(history), history.stopped) == (row, "enough")
    save_checkpoint(tmp_path / "run", first, history)
    train(first, None, engine, resume=history)
    other = small_net(seed=7)
    optimizer = PLANS[kind](other)
    again = train(other, optimizer, engine, resume=load_checkpoint(tmp_path / "run", other, optimizer))
    assert numbers(first) == numbers(other) == numbers(whole)
    assert again.rows == history.rows == expected.rows
    assert again.to_csv() == expected.to_csv(), "steps and epochs are whole numbers again"


@pytest.mark.parametrize("engine", ["scalar", "compiled"])
def test_a_resumed_schedule_counts_from_the_rate_of_the_training_that_was_stopped(engine, tmp_path):
    def trained(net, lr, epochs, resume=False):
        adam = optim.Adam(net.parameters(), lr=lr)
        history = load_checkpoint(tmp_path / "run", net, adam) if resume else None
        schedule = optim.StepLR(adam, 2, gamma=0.5)
        return fit(net, *MOONS, optimizer=adam, schedule=schedule, epochs=epochs, resume=history, engine=engine)

    whole, first, second = small_net(), small_net(), small_net(seed=7)
    expected = trained(whole, 0.05, 6)
    save_checkpoint(tmp_path / "run", first, trained(first, 0.05, 3))
    history = trained(second, 0.3, 6, resume=True)
    assert (numbers(second), history.rows) == (numbers(whole), expected.rows)
    assert history.optimizer.lr == 0.05 * 0.5**2


INTERRUPTED = """
import os, signal, sys
from micrograd_nn import MLP, data, optim
from micrograd_nn.storage import save_checkpoint
from micrograd_nn.training import fit
engine, path, pid = sys.argv[1], sys.argv[2], os.getpid()
net = MLP(2, [5, 1], activation="tanh", seed=1)
def ready(running):
    if len(running.history) == 3:
        print("ready", flush=True)
rows = data.moons(400, seed=5)
adam = optim.Adam(net.parameters(), lr=1e-4)
history = fit(net, *rows, optimizer=adam, engine=engine, epochs=10**6, batch_size=9, callbacks=[ready], seed=2)
save_checkpoint(path, net, history)
print(history.stopped, flush=True)
"""


@pytest.mark.parametrize("engine", ["scalar", "compiled"])
def test_row_25_ctrl_c_stops_between_steps(engine, tmp_path, ctrl_c):
    command = [sys.executable, "-c", INTERRUPTED, engine, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "interrupted by Ctrl-C\n"
    rows = datasets.moons(400, seed=5)
    settings = {"engine": engine, "batch_size": 9, "seed": 2}
    net = small_net()
    adam = optim.Adam(net.parameters(), lr=1e-4)
    stopped = load_checkpoint(tmp_path / "run", net, adam)
    whole = small_net()
    fit(whole, *rows, optimizer=optim.Adam(whole.parameters(), lr=1e-4), steps=stopped.step, epochs=9, **settings)
    assert numbers(net) == numbers(whole)
    fit(net, *rows, optimizer=adam, resume=stopped, steps=stopped.step + 20, **settings)
    fit(whole := small_net(), *rows, optimizer=optim.Adam(whole.parameters(), lr=1e-4), steps=stopped.step, **settings)
    assert numbers(net) == numbers(whole)


def test_a_second_ctrl_c_interrupts(ctrl_c):
    def twice(running):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(small_net(), *MOONS, callbacks=[twice])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


TWICE = """
import signal, sys, time
from micrograd_nn import MLP, data, optim
from micrograd_nn.training import fit
net = MLP(2, [5, 1], activation="tanh", seed=1)
adam = optim.Adam(net.parameters(), lr=1e-4)
def ready(running):
    if len(running.history) == 3:
        print("ready", flush=True)
try:
    rows = data.moons(400, seed=5)
    fit(net, *rows, optimizer=adam, engine=sys.argv[1], epochs=10**6, batch_size=9, callbacks=[ready])
    time.sleep(2)  # the second one may come when the training has ended
except KeyboardInterrupt:
    pass
print(adam.steps, *[p.data.hex() for p in net.parameters()])
"""


@pytest.mark.parametrize("engine", ["scalar", "compiled"])
def test_a_second_ctrl_c_leaves_the_last_finished_step(engine, ctrl_c):
    with subprocess.Popen([sys.executable, "-c", TWICE, engine], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        time.sleep(0.0005)
        process.send_signal(signal.SIGINT)
        steps, *reached = process.stdout.read().split()
    net = small_net()
    adam = optim.Adam(net.parameters(), lr=1e-4)
    fit(net, *datasets.moons(400, seed=5), optimizer=adam, engine=engine, steps=int(steps), batch_size=9)
    assert int(steps) > 100
    assert [number.hex() for number in numbers(net)] == reached


def test_a_checkpoint_takes_numpys_whole_numbers_and_rates(tmp_path):
    net = small_net()
    sgd = optim.SGD(net.parameters(), lr=np.float32(0.5))
    settings = {"batch_size": np.int64(8), "seed": np.int32(3), "epochs": np.int8(2)}
    schedule = optim.LambdaLR(sgd, lambda epoch: np.float32(0.5))
    history = fit(net, *MOONS, optimizer=sgd, schedule=schedule, engine="scalar", **settings)
    assert {type(number) for number in numbers(net)} == {float}
    save_checkpoint(tmp_path / "run", net, history)
    resumed = load_checkpoint(tmp_path / "run", net, sgd)
    assert (resumed.rows, resumed.settings, sgd.lr) == (history.rows, history.settings, 0.25)


def test_what_is_resumed_must_be_the_same_training():
    net = small_net()
    history = fit(net, *MOONS, epochs=1, batch_size=8)
    with pytest.raises(
        ArgumentError, match=r"the training to resume had .*'batch_size': 8.*this one has .*'batch_size': 9"
    ):
        fit(net, *MOONS, epochs=2, batch_size=9, resume=history)


def test_a_checkpoint_of_another_kind_is_refused_and_changes_nothing(tmp_path):
    net = small_net()
    history = fit(net, *MOONS, epochs=1, optimizer="adam")
    save_checkpoint(tmp_path / "run", net, history)
    other = small_net(outputs=2)
    adam = optim.Adam(other.parameters())
    before = (numbers(other), adam.state_dict())
    for network, optimizer in ((other, adam), (net, optim.SGD(net.parameters()))):
        with pytest.raises(StateError):
            load_checkpoint(tmp_path / "run", network, optimizer)
    trained = optim.Adam([*net.parameters()])
    with pytest.raises(StateError, match="nothing was loaded"):
        load_checkpoint(tmp_path / "run", small_net(bias=False), trained)
    assert trained.state_dict() == optim.Adam(net.parameters()).state_dict()
    assert (numbers(other), adam.state_dict()) == before
    save(net, tmp_path / "net")
    with pytest.raises(FormatError, match=r"is no checkpoint; a network without a training is read by load\(\)"):
        load_checkpoint(tmp_path / "net", net, trained)
    with pytest.raises(FileMissingError):
        load_checkpoint(tmp_path / "nothing", net, trained)


def test_checkpoints_are_written_every_so_many_rows(tmp_path):
    net, steps = small_net(), []

    def watch(running):
        if (tmp_path / "run").exists():
            steps.append(load_checkpoint(tmp_path / "run", net, optim.SGD(net.parameters())).step)

    fit(small_net(), *MOONS, epochs=4, batch_size=40, callbacks=[Checkpoint(tmp_path / "run", every=2), watch])
    assert steps == [2, 2, 4]


def test_early_stopping_puts_the_best_back():
    seen = []

    def remember(running):
        seen.append(numbers(running.net))

    net = small_net()
    held = datasets.moons(40, noise=1.5, seed=8)
    callbacks = [remember, EarlyStopping(patience=4)]
    history = fit(net, *MOONS, epochs=500, lr=0.5, batch_size=4, validation=held, callbacks=callbacks)
    column = history["validation loss"]
    best = column.index(min(column))
    assert history.stopped == "validation loss has not improved for 4 rows"
    assert len(column) == best + 5 < 500
    assert numbers(net) == seen[best]
    with pytest.raises(ArgumentError, match="unknown column to monitor 'validation loss'; choose one of"):
        fit(net, *MOONS, callbacks=[EarlyStopping()])


def test_early_stopping_knows_which_columns_climb():
    """The column that improves in every row never stops a training, the one that worsens stops it at once."""

    def stopped(net, y, monitor, **settings):
        held = (MOONS.X[:10], y[:10])
        callbacks = EarlyStopping(monitor, patience=1)
        history = fit(net, MOONS.X, y, epochs=8, validation=held, callbacks=callbacks, **settings)
        column = history[monitor]
        climbing = "performance" in monitor or settings.get("loss") == "performance"
        better = [(b > a) == climbing for a, b in pairwise(column)]
        assert all(better), (monitor, column)
        return history.stopped

    y = [float(x > 0) for x in MOONS.X[:, 0]]
    for monitor in ("loss", "validation loss", "objective"):
        net = small_net()
        climber = optim.SGD(net.parameters(), lr=0.01, maximize=True)
        assert not stopped(net, y, monitor, loss="performance", optimizer=climber)
    for monitor in ("performance", "validation performance", "validation mse", "squared_error"):
        metrics = monitor.removeprefix("validation ")
        assert not stopped(small_net(), y, monitor, lr=0.01, metrics=metrics)
    for name, loss in losses.LOSSES.items():  # the whole table, as a metric and as the loss itself
        assert climbs(name, losses.LOSSES["mse"]) == climbs(f"validation {name}", loss) == loss.climbs
        assert climbs("loss", loss) == climbs("validation loss", loss) == climbs("objective", loss) == loss.climbs
        assert climbs("validation accuracy", loss)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"monitor": 3}, ArgumentTypeError, "monitor is a column such as 'validation loss', got 3"),
        ({"monitor": None}, ArgumentTypeError, "monitor is a column such as 'validation loss', got None"),
        ({"patience": -3}, ArgumentError, "patience is a whole number from 1 up, got -3"),
        ({"patience": 0}, ArgumentError, "patience is a whole number from 1 up, got 0"),
        ({"patience": None}, ArgumentTypeError, "patience is a whole number from 1 up, got None"),
        ({"patience": 1.5}, ArgumentTypeError, "patience is a whole number from 1 up, got 1.5"),
        ({"min_delta": "0.1"}, NumberError, "expected one real number, got the str '0.1'"),
        ({"min_delta": -0.1}, ArgumentError, "min_delta is a number from 0 up, such as 1e-4, got -0.1"),
        ({"min_delta": float("nan")}, ArgumentError, "min_delta is a number from 0 up, such as 1e-4, got nan"),
    ],
    ids=str,
)
def test_early_stopping_is_asked_for_in_words_and_numbers(given, error, said):
    with pytest.raises(error, match=said):
        EarlyStopping(**given)


def test_early_stopping_takes_any_number_for_better_than_nan():
    """A first row of nan once was the best that could be, and ended the training."""

    def stopped_after(column):
        rest = iter(column)

        def own(outputs, target):
            return Value(0.0)

        def enter(running):
            running.history.last["own"] = next(rest)

        stopping = EarlyStopping("own", patience=2)
        return len(fit(small_net(), *MOONS, epochs=len(column), metrics=own, callbacks=[enter, stopping]))

    assert stopped_after([NAN, 3.0, 2.0, 1.0, 0.5]) == 5
    assert stopped_after([3.0, NAN, 2.0, NAN, NAN, 1.0]) == 5
    assert stopped_after([NAN, NAN, NAN, 1.0]) == 3


def test_early_stopping_starts_anew_with_another_network():
    stopping = EarlyStopping("loss", patience=1)
    fit(small_net(), *MOONS, epochs=3, lr=0.3, callbacks=stopping)
    net = small_net(seed=2)
    fit(net, *MOONS, epochs=3, lr=1e-9, callbacks=[stopping])
    assert stopping.parameters == numbers(net) == pytest.approx(numbers(small_net(seed=2)), abs=1e-6)


def test_a_callback_may_change_the_parameters():
    def clip(running):
        for p in running.net.parameters():
            p.data = max(-0.1, min(0.1, p.data))

    for engine in ("scalar", "compiled"):
        net = small_net()
        fit(net, *MOONS, epochs=3, lr=1e-9, callbacks=[clip], engine=engine)
        assert max(map(abs, numbers(net))) <= 0.1


def test_a_schedule_moves_the_rate_each_epoch():
    for engine in ("scalar", "compiled"):
        net, by_hand = small_net(), small_net()
        sgd = optim.SGD(net.parameters(), lr=0.2)
        fit(net, *MOONS, optimizer=sgd, epochs=4, schedule=optim.ExponentialLR(sgd, 0.5), engine=engine)
        other, history = optim.SGD(by_hand.parameters(), lr=0.2), None
        for epoch in range(4):
            history = fit(by_hand, *MOONS, optimizer=other, epochs=epoch + 1, resume=history)
            other.lr *= 0.5
        assert numbers(net) == pytest.approx(numbers(by_hand), rel=1e-12)


@pytest.mark.slow
def test_progress_in_a_notebook():
    import nbclient
    import nbformat

    code = """from micrograd_nn import MLP, data
from micrograd_nn.training import fit
fit(MLP(2, [3, 1], seed=1), *data.moons(), epochs=3, metrics=["accuracy"])"""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(book, timeout=120).execute()
    shown = [output for output in book.cells[0].outputs if output.output_type != "execute_result"]
    assert "training" in str(shown)
    assert "accuracy" in str(shown)
    assert "Warning" not in str(shown)


WATCHED = """
import sys
from micrograd_nn import MLP, data
from micrograd_nn.training import fit
fit(MLP(2, [3, 1], seed=1), *data.moons(), epochs=3, metrics=["accuracy"], progress=sys.argv[1] == "wanted")
"""


@pytest.mark.parametrize("progress", ["wanted", "unwanted"])
def test_progress_in_a_terminal(progress):
    termios = pytest.importorskip("termios", reason="the system has no terminals of this kind")
    reader, terminal = os.openpty()
    termios.tcsetwinsize(terminal, (24, 120))
    subprocess.run([sys.executable, "-c", WATCHED, progress], stderr=terminal, check=True)
    os.write(terminal, b"end")
    shown = b""
    while not shown.endswith(b"end"):
        shown += os.read(reader, 4096)
    for side in (reader, terminal):
        os.close(side)
    if progress == "wanted":
        assert b"training: 100%" in shown
        assert b"accuracy" in shown
    else:
        assert shown == b"end"


def test_no_progress_where_there_is_no_terminal(capfd):
    fit(small_net(), *MOONS, epochs=2, progress=True)
    assert capfd.readouterr() == ("", "")
