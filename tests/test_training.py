"""fit: both engines on one path, stopped between steps, resumed to the same bytes; what small networks learn."""

import csv
import io
import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest

from micrograd_nn import (
    MLP,
    Checkpoint,
    Module,
    Value,
    accuracy,
    confusion_matrix,
    decisions,
    load_checkpoint,
    losses,
    no_grad,
    optim,
    save_checkpoint,
)
from micrograd_nn import data as datasets
from micrograd_nn.errors import (
    ArgumentError,
    ArgumentTypeError,
    FileMissingError,
    FormatError,
    GraphError,
    NumberError,
    ShapeError,
    StateError,
)
from micrograd_nn.storage import save
from micrograd_nn.training import EarlyStopping, correct, evaluate, fit, predict
from micrograd_nn.training.metrics import climbs

MOONS = datasets.moons(40, seed=5)
NAN = float("nan")


def small_net(seed=1, outputs=1, **options):
    return MLP(2, [5, outputs], activation="tanh", seed=seed, **options)


def numbers(net):
    return [p.data for p in net.parameters()]


# ---- both engines ----

SETTINGS = {
    "sgd": {"loss": "mse", "optimizer": "sgd", "lr": 0.1},
    "adam on logits": {"loss": "binary_cross_entropy_with_logits", "optimizer": "adam", "lr": 0.05, "l2": 1e-3},
    "rmsprop, l1": {"loss": "absolute_error", "optimizer": "rmsprop", "lr": 0.01, "l1": 1e-3},
    "one row at a time": {"loss": "squared_error", "optimizer": "sgd", "lr": 0.1, "batch_size": 1},
    "uneven batches": {"loss": "mse", "optimizer": "adamw", "lr": 0.01, "batch_size": 7},
    "as the rows stand": {"loss": "mse", "optimizer": "sgd", "lr": 0.1, "shuffle": False},
}


@pytest.mark.parametrize("kind", SETTINGS)
@pytest.mark.parametrize("outputs", [1, 2])
def test_both_engines_take_the_same_path(kind, outputs):
    settings = {"batch_size": 16, "epochs": 4, "metrics": ["accuracy"], "validation": datasets.moons(10, seed=6)}
    settings |= SETTINGS[kind] if outputs == 1 else {**SETTINGS[kind], "loss": "softmax_cross_entropy"}
    nets = {engine: small_net(outputs=outputs) for engine in ("scalar", "compiled")}
    histories = {engine: fit(net, *MOONS, engine=engine, **settings) for engine, net in nets.items()}
    assert numbers(nets["compiled"]) == pytest.approx(numbers(nets["scalar"]), rel=1e-9, abs=1e-11)
    for a, b in zip(histories["scalar"].rows, histories["compiled"].rows, strict=True):
        assert a == pytest.approx(b, rel=1e-9)
    assert numbers(nets["scalar"]) != numbers(small_net(outputs=outputs))
    assert histories["scalar"].engine == "scalar"
    assert histories["compiled"].engine.startswith("compiled")


def test_auto_compiles_what_is_large_and_leaves_what_is_tiny():
    assert fit(small_net(), *MOONS, epochs=1).engine == "scalar"
    assert fit(small_net(), *MOONS, epochs=200).engine.startswith("compiled")


class Wilful(Module):
    """A network that looks at its input and records another graph where it is negative."""

    def __init__(self):
        self.w = [Value(0.1 * i) for i in range(30)]

    def __call__(self, x):
        first, second = x
        return sum((w * (first if first > 0 else 2 * second) for w in self.w), Value(0.0))


def test_a_graph_that_changes_from_row_to_row_is_not_compiled():
    assert fit(Wilful(), *MOONS, epochs=100, lr=1e-4, batch_size=40).engine == "scalar"
    with pytest.raises(GraphError, match=r'decides something by looking at numbers\. Train it with engine="scalar"'):
        fit(Wilful(), *MOONS, epochs=100, engine="compiled")


def test_a_network_of_ones_own_is_compiled():
    class Own(Module):
        def __init__(self):
            self.a, self.b = Value(0.3), Value(0.1)

        def __call__(self, x):
            return (self.a * x[0] + self.b * x[1]).tanh()

    nets = {engine: Own() for engine in ("scalar", "compiled")}
    for engine, net in nets.items():
        fit(net, *MOONS, engine=engine, epochs=5, lr=0.1)
    assert numbers(nets["compiled"]) == pytest.approx(numbers(nets["scalar"]), rel=1e-12)


class Clipped(optim.Optimizer):
    def rule(self, p, g, memory, s):
        return p - s["lr"] * (1.0 if g > 1.0 else g), memory


def test_a_rule_that_looks_at_its_numbers_is_not_compiled():
    net = small_net()
    assert fit(net, *MOONS, optimizer=Clipped(net.parameters(), lr=0.1), epochs=100).engine == "scalar"
    with pytest.raises(GraphError, match=r"the rule of Clipped can't be compiled \(.*such as maximum\(g, 1\)"):
        fit(net, *MOONS, optimizer=Clipped(net.parameters(), lr=0.1), engine="compiled")


def test_frozen_parameters_stay():
    for engine in ("scalar", "compiled"):
        net = small_net()
        before = numbers(net)
        last = net.layers[1].parameters()
        fit(net, *MOONS, optimizer=optim.SGD(last, lr=0.1), epochs=2, engine=engine)
        assert numbers(net)[: -len(last)] == before[: -len(last)]
        assert numbers(net)[-len(last) :] != before[-len(last) :]


def test_climbing_is_descending_the_opposite():
    up, down = small_net(), small_net()
    climb = optim.SGD(up.parameters(), lr=0.05, maximize=True)
    history = fit(up, *MOONS, loss="performance", optimizer=climb, epochs=3, l1=0.01, l2=0.05)
    other = fit(down, *MOONS, loss="squared_error", lr=0.05, epochs=3, l1=0.01, l2=0.05)
    assert history["objective"] == pytest.approx([-number for number in other["objective"]], rel=1e-12)
    assert numbers(up) == pytest.approx(numbers(down), rel=1e-12)


def test_l2_is_sgds_weight_decay():
    term, decay = small_net(), small_net()
    fit(term, *MOONS, l2=0.05, lr=0.1, epochs=3)
    fit(decay, *MOONS, optimizer=optim.SGD(decay.parameters(), lr=0.1, weight_decay=0.1), epochs=3)
    assert numbers(term) == pytest.approx(numbers(decay), rel=1e-12)


class Own(Module):
    """Plain loops over Values, two outputs."""

    def __init__(self):
        self.a, self.b = Value(0.3), Value(0.1)

    def __call__(self, x):
        return [(self.a * x[0] + self.b * x[1]).tanh(), self.a * x[1] * x[0]]


NETS = {
    "one output": lambda: small_net(),
    "three outputs": lambda: small_net(outputs=3),
    "softmax": lambda: MLP(2, [4, 3], output="softmax", seed=2),
    "maxout": lambda: MLP(2, [4, 1], activation="maxout", seed=2),
    "of one's own": Own,
}


@pytest.mark.parametrize("kind", NETS)
def test_both_engines_predict_and_evaluate_the_same(kind):
    net = NETS[kind]()
    before = [(p.data, p.grad) for p in net.parameters()]
    scalar, compiled = (predict(net, MOONS.X, engine=engine) for engine in ("scalar", "compiled"))
    assert scalar.shape == compiled.shape
    assert compiled == pytest.approx(scalar, rel=1e-12, abs=1e-14)
    outputs = [out if isinstance(out, list) else [out] for out in map(net, MOONS.X)]
    assert scalar.reshape(40, -1).tolist() == [[z.data for z in out] for out in outputs]
    measured = [evaluate(net, *MOONS, metrics=["accuracy", "mse"], engine=engine) for engine in ("scalar", "compiled")]
    assert measured[0] == pytest.approx(measured[1], rel=1e-12)
    assert [(p.data, p.grad) for p in net.parameters()] == before


@pytest.mark.parametrize("engine", ["scalar", "compiled"])
def test_what_records_for_itself_does_so_under_no_grad(engine):
    """A compiled prediction once was 0 for every row there, and a training learnt nothing."""
    net, quiet = small_net(outputs=2), small_net(outputs=2)
    history = fit(net, *MOONS, epochs=3, engine=engine)
    expected = predict(net, MOONS.X).tolist(), evaluate(net, *MOONS, engine=engine)
    with no_grad():
        assert fit(quiet, *MOONS, epochs=3, engine=engine).rows == history.rows
        assert numbers(quiet) == numbers(net)
        assert predict(net, MOONS.X, engine=engine) == pytest.approx(np.array(expected[0]), rel=1e-12)
        assert evaluate(net, *MOONS, engine=engine) == expected[1]


class Waves(Module):
    """Asks its inputs for what only a Value has, and gives its one output in a list."""

    def __init__(self):
        self.w = Value(0.5)

    def __call__(self, x):
        return [x[0].tanh() * self.w + x[1]]


@pytest.mark.parametrize("engine", ["scalar", "compiled"])
def test_a_network_of_values_may_give_its_one_output_in_a_list(engine):
    net = Waves()
    assert predict(net, MOONS.X, engine=engine) == pytest.approx(np.tanh(MOONS.X[:, :1]) * 0.5 + MOONS.X[:, 1:])
    measured = evaluate(net, *MOONS, engine=engine)["accuracy"]
    assert measured == accuracy([z for (z,) in predict(net, MOONS.X).tolist()], MOONS.y)
    assert fit(net, *MOONS, metrics="accuracy", epochs=1, lr=1e-12, engine=engine)["accuracy"] == [measured]


def test_a_graph_that_changes_from_row_to_row_is_not_compiled_for_prediction():
    assert predict(Wilful(), MOONS.X).tolist() == predict(Wilful(), MOONS.X, engine="scalar").tolist()
    with pytest.raises(GraphError, match=r'another graph for row [0-9]+: predict with engine="scalar"'):
        predict(Wilful(), MOONS.X, engine="compiled")


class Gated(MLP):
    """An MLP by inheritance, which looks at its input all the same."""

    def __call__(self, x):
        return super().__call__(x) * (1.0 if float(x[0]) > 0 else -1.0)


def test_rows_in_turn_and_a_class_made_from_mlp_are_seen_through():
    X = [[(-1.0) ** i * (1 + i % 7)] for i in range(8000)]  # what is periodic hides from evenly spaced rows
    y = [1.0] * len(X)
    net = Gated(1, [3, 1], seed=0)
    assert predict(net, X).tolist() == predict(net, X, engine="scalar").tolist()
    assert evaluate(net, X, y, metrics=[]) == evaluate(net, X, y, metrics=[], engine="scalar")
    assert fit(net, X, y, steps=100, lr=1e-6).engine == "scalar"
    for call in (predict, lambda *given, **how: evaluate(*given, y, **how)):
        with pytest.raises(GraphError, match="another graph for row"):
            call(net, X, engine="compiled")


class Overflows(Module):
    """Its first output is infinite, its second is not."""

    def __init__(self):
        self.w = Value(1e200, "w")

    def __call__(self, x):
        return [self.w * self.w * x[0], self.w * x[0]]


def test_an_infinite_output_leaves_its_neighbour_alone():
    for engine in ("scalar", "compiled"):
        assert predict(Overflows(), [[1.0], [2.0]], engine=engine).tolist() == [[np.inf, 1e200], [np.inf, 2e200]]


def test_32_bits_go_nearly_the_same_way():
    exact, rounded = small_net(), small_net()
    fit(exact, *MOONS, epochs=5, lr=0.1, engine="compiled")
    fit(rounded, *MOONS, epochs=5, lr=0.1, engine="compiled", dtype="float32")
    assert numbers(rounded) == pytest.approx(numbers(exact), rel=1e-4, abs=1e-5)
    assert numbers(rounded) != numbers(exact)
    assert [float(np.float32(number)) for number in numbers(rounded)] == numbers(rounded)


# ---- history ----


def test_the_history_is_what_can_be_measured_afterwards(tmp_path):
    net = small_net()
    held = datasets.moons(30, seed=9)
    history = fit(net, *MOONS, epochs=3, batch_size=8, l2=0.01, metrics=["accuracy", "mse"], validation=held)
    assert (history["step"], history["epoch"], history.step) == ([5, 10, 15], [1, 2, 3], 15)
    now = evaluate(net, *MOONS, metrics=["accuracy", "mse"])
    now |= {f"validation {name}": number for name, number in evaluate(net, *held, metrics=["accuracy", "mse"]).items()}
    assert {name: history.last[name] for name in now} == pytest.approx(now, rel=1e-12)
    assert history.last["accuracy"] == accuracy(predict(net, MOONS.X), MOONS.y)
    text = history.to_csv(tmp_path / "history.csv")
    assert (tmp_path / "history.csv").read_text() == text
    read = [{name: float(cell) for name, cell in row.items()} for row in csv.DictReader(io.StringIO(text))]
    assert read == history.rows
    assert "15 steps" in repr(history)


@pytest.mark.parametrize("engine", ["scalar", "compiled"])
def test_every_so_many_th_of_many_rows_is_measured(engine, monkeypatch):
    monkeypatch.setattr(sys.modules["micrograd_nn.training.fit"], "MEASURED", 10)
    net, kept = small_net(), []

    def look(running):
        kept.extend(task.kept for _, task, _ in running.scores)

    history = fit(net, *MOONS, epochs=2, lr=0.5, engine=engine, metrics="accuracy", callbacks=look)
    assert evaluate(net, MOONS.X[::4], MOONS.y[::4]) == pytest.approx(
        {name: history.last[name] for name in ("loss", "accuracy")}, rel=1e-12
    )
    assert set(kept) == {None}, "the first row's graph was kept through the training"


def test_a_resumed_training_may_measure_something_else():
    net = small_net()
    history = fit(net, *MOONS, epochs=1, metrics="accuracy")
    fit(net, *MOONS, epochs=2, metrics="absolute_error", resume=history)
    assert history.columns == ["step", "epoch", "objective", "loss", "accuracy", "absolute_error"]
    assert history["accuracy"] == [history.rows[0]["accuracy"], pytest.approx(np.nan, nan_ok=True)]
    assert history.to_csv().splitlines()[-1].split(",")[-2:] == ["nan", repr(history.last["absolute_error"])]
    assert history.to_csv().splitlines()[1].endswith(",nan")


def test_the_objective_is_the_mean_over_the_rows_that_were_shown():
    net = small_net()
    params = net.parameters()
    history = fit(net, *MOONS, epochs=1, batch_size=32, l2=0.5, lr=1e-12)
    expected = evaluate(net, *MOONS)["loss"] + losses.l2(params, 0.5).data
    assert history["objective"] == pytest.approx([expected], rel=1e-6)
    history = fit(net, *MOONS, epochs=5, batch_size=40, lr=0.1)
    assert history["objective"][1:] == pytest.approx(history["loss"][:-1], rel=1e-12)


def test_record_measures_every_so_many_steps():
    history = fit(small_net(), *MOONS, epochs=2, batch_size=10, record=3)
    assert history["step"] == [3, 6, 8]
    assert fit(small_net(), *MOONS, steps=5, batch_size=10).step == 5
    assert fit(small_net(), *MOONS, epochs=0).rows == []


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    runs = [fit(small_net(), *MOONS, epochs=3, batch_size=8, seed=seed).rows for seed in (3, 3, 4)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert isinstance(fit(small_net(), *MOONS, epochs=1, seed=None).settings["seed"], int)


AS_GOOD = {
    "generators": lambda rows: (row for row in rows),
    "generators of lists": lambda rows: (row.tolist() for row in rows),
    "iterators of iterators": lambda rows: (iter(row.tolist()) if row.shape else float(row) for row in rows),
    "lists of arrays": list,
    "views": lambda rows: dict(enumerate(rows.tolist())).values(),
}


@pytest.mark.parametrize("kind", AS_GOOD)
def test_rows_may_come_one_by_one(kind):
    given = AS_GOOD[kind]
    nets = [small_net(), small_net()]
    fit(nets[0], *MOONS, epochs=2)
    fit(nets[1], given(MOONS.X), given(MOONS.y), epochs=2, validation=(given(MOONS.X), given(MOONS.y)))
    assert numbers(nets[1]) == numbers(nets[0])
    assert predict(nets[1], given(MOONS.X)).tolist() == predict(nets[0], MOONS.X).tolist()
    assert evaluate(nets[1], given(MOONS.X), given(MOONS.y)) == evaluate(nets[0], *MOONS)


def test_a_single_metric_or_callback_needs_no_list():
    seen = []
    history = fit(small_net(), *MOONS, epochs=2, metrics="accuracy", callbacks=seen.append)
    assert (len(seen), history.columns[-1]) == (2, "accuracy")
    assert list(evaluate(small_net(), *MOONS, metrics=correct)) == ["loss", "correct"]


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
from micrograd_nn.checkpoint import save_checkpoint
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


def test_no_progress_where_there_is_no_terminal(capfd):
    fit(small_net(), *MOONS, epochs=2, progress=True)
    assert capfd.readouterr() == ("", "")


# ---- metrics ----


def test_a_decision_needs_a_strictly_largest_output():
    assert correct([1.0, 1.0], [1, 0]).data == 0.0
    assert correct([2.0, 1.0, 0.0], [1, 0, 0]).data == 1.0
    assert [correct(z, y, 0.0).data for z, y in ((0.1, 1), (-0.1, -1), (0.1, 0), (0.0, 1))] == [1.0, 1.0, 0.0, 0.0]


def test_the_graph_metric_and_the_plain_one_agree():
    source = random.Random(0)
    rows = [[source.gauss(0, 1) for _ in range(4)] for _ in range(200)]
    labels = [source.randrange(4) for _ in rows]
    graph = [correct(row, [float(i == label) for i in range(4)]).data for row, label in zip(rows, labels, strict=True)]
    assert sum(graph) / 200 == accuracy(rows, labels)
    table = np.array(confusion_matrix(decisions(rows), labels))
    assert (table.sum(), table.trace() / 200) == (200, accuracy(rows, labels))
    assert table.sum(axis=1).tolist() == np.bincount(labels).tolist()


def test_a_tie_is_wrong_whoever_counts_it():
    net = MLP(2, [3], init="zeros")
    assert evaluate(net, *MOONS)["accuracy"] == accuracy(predict(net, MOONS.X), MOONS.y) == 0.0
    assert accuracy([[1.0, 1.0], [1.0, 2.0], [2.0, 1.0]], [0, 1, 0]) == 2 / 3


def test_metrics_refuse_rows_that_do_not_match():
    with pytest.raises(ShapeError, match="row by row: got 1 and 2 rows"):
        accuracy([[0.1, 0.9]], [1, 0])
    with pytest.raises(ShapeError):
        accuracy([], [])
    for targets in ([[0, 1]], np.array([[0, 1]])):
        with pytest.raises(
            ArgumentTypeError, match=r"a target is a label, got the row .*: decisions\(rows\) makes labels"
        ):
            accuracy([[0.1, 0.9]], targets)
        assert accuracy([[0.1, 0.9]], decisions(targets)) == 1.0
    for label, error in (("b", ArgumentTypeError), (0.5, ArgumentTypeError), (-1, ArgumentError)):
        with pytest.raises(error, match=r"a label is a whole number from 0 up, got"):
            accuracy([[0.1, 0.9]], [label])
    with pytest.raises(ArgumentError, match="a label is a whole number from 0 to 1, got 2"):
        confusion_matrix([1, 1], [0, 2], classes=2)
    with pytest.raises(ArgumentError, match="a label is a whole number from 0 to 1, got 2"):
        accuracy([[0.1, 0.9]], [2])


# ---- what the networks learn ----


@pytest.mark.parametrize("name", ["a", "not", "and", "or", "nand", "nor"])
def test_one_unit_learns_a_gate(name):
    net = MLP(2, [1], output="sigmoid", seed=0)
    gate = datasets.gate(name)
    fit(net, *gate, loss="binary_cross_entropy", lr=1.0, epochs=500, batch_size=4)
    assert evaluate(net, *gate)["accuracy"] == 1.0


def test_one_unit_can_not_learn_xor_and_a_small_network_does():
    unit, net = MLP(2, [1], output="sigmoid", seed=0), MLP(2, [4, 1], activation="tanh", output="sigmoid", seed=0)
    for network in (unit, net):
        fit(network, *datasets.xor(), loss="binary_cross_entropy", optimizer="adam", lr=0.1, epochs=300, batch_size=4)
    assert evaluate(unit, *datasets.xor())["accuracy"] < 1.0
    assert evaluate(net, *datasets.xor())["accuracy"] == 1.0


def test_a_step_learns_nothing_and_a_sigmoid_does():
    for activation, learns in (("step", False), ("sigmoid", True)):
        net = MLP(2, [1], output=activation, seed=3)
        before = numbers(net)
        fit(net, *datasets.gate("and"), lr=1.0, epochs=300, batch_size=4)
        assert (numbers(net) != before) is learns


def test_the_boolean_function():
    net = MLP(3, [3, 1], activation="sigmoid", output="sigmoid", seed=0)
    fit(net, *datasets.boolean(), loss="squared_error", optimizer="adam", lr=0.1, epochs=400, batch_size=8)
    assert evaluate(net, *datasets.boolean())["accuracy"] == 1.0


def test_regression_by_descent_is_least_squares():
    line = datasets.line()
    net = MLP(1, [1], init="zeros")
    fit(net, *line, lr=0.5, epochs=200, batch_size=len(line))
    (w, b), closed = numbers(net), optim.least_squares(line.X[:, 0], line.y)
    assert (w, b) == pytest.approx(closed, abs=1e-6)


def test_the_four_people_are_told_apart():
    net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", init="normal", seed=0)
    history = fit(net, *datasets.friends(), lr=0.1, epochs=1000, batch_size=1, shuffle=False, record=40)
    assert all(a > b for a, b in pairwise(history["loss"]))
    emily, frank = predict(net, [[-7, -3], [20, 2]])
    assert (emily, frank) == pytest.approx((0.95, 0.04), abs=0.03)


def test_moons_all_of_them():
    net = MLP(2, [16, 16, 1], activation="tanh", seed=0)
    moons = datasets.moons()
    settings = {"loss": "binary_cross_entropy_with_logits", "metrics": ["accuracy"]}
    history = fit(net, *moons, optimizer="adam", lr=0.02, epochs=60, batch_size=20, **settings)
    assert history.last["accuracy"] == 1.0
