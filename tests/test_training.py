"""fit: both engines on one path, its history, and what may be given to it."""

import csv
import gc
import io
import re
from dataclasses import replace

import numpy as np
import pytest

from micrograd_nn import MLP, Module, Value, accuracy, no_grad
from micrograd_nn import data as datasets
from micrograd_nn.compiler.registry import BACKENDS
from micrograd_nn.compiler.trace import trace
from micrograd_nn.errors import ArgumentError, ExtraMissingError, GraphError, UnknownNameError
from micrograd_nn.nn import losses, optim
from micrograd_nn.training import correct, evaluate, fit, predict

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


def test_a_backend_is_asked_for_by_its_name(backend):
    nets = {engine: small_net() for engine in ("scalar", backend)}
    settings = {"epochs": 4, "metrics": ["accuracy", "mse"], "validation": datasets.moons(10, seed=6), "l2": 1e-3}
    histories = {engine: fit(net, *MOONS, engine=engine, **settings) for engine, net in nets.items()}
    assert histories[backend].engine == f"compiled ({backend})"
    assert numbers(nets[backend]) == pytest.approx(numbers(nets["scalar"]), rel=1e-9, abs=1e-11)
    for a, b in zip(*(history.rows for history in histories.values()), strict=True):
        assert a == pytest.approx(b, rel=1e-9)
    exact, got = (predict(nets["scalar"], MOONS.X, engine=engine) for engine in ("scalar", backend))
    assert got == pytest.approx(exact, rel=1e-12, abs=1e-14)
    exact, got = (evaluate(nets["scalar"], *MOONS, engine=engine)["loss"] for engine in ("scalar", backend))
    assert got == pytest.approx(exact, rel=1e-12)


def test_a_backend_that_can_not_run_says_so_before_the_first_step(monkeypatch):
    monkeypatch.setitem(BACKENDS, "c", replace(BACKENDS["c"], missing=lambda: "no compiler here: install gcc"))
    net = small_net()
    before = numbers(net)
    for call in (fit, evaluate):
        with pytest.raises(ExtraMissingError, match="no compiler here"):
            call(net, *MOONS, engine="c")
    with pytest.raises(ExtraMissingError, match="no compiler here"):
        predict(net, MOONS.X, engine="c")
    with pytest.raises(UnknownNameError, match="compiled, scalar, python, numpy, jax, c, auto"):
        fit(net, *MOONS, engine="d")
    with pytest.raises(ArgumentError, match="float32"):
        fit(net, *MOONS, engine="python", dtype="float32")
    assert numbers(net) == before


class OwnNet(Module):
    def __init__(self):
        self.w = [Value(0.1 * i) for i in range(100)]

    def __call__(self, x):
        return sum((w * x[0] for w in self.w), Value(0.0)).tanh() + x[1]


@pytest.mark.parametrize("l2", [0.0, 1e-3])
@pytest.mark.parametrize(("net", "most"), [(MLP(2, [100, 1], seed=0), 1), (OwnNet(), 2)], ids=["MLP", "own"])
def test_a_network_is_compiled_once_however_much_is_measured(net, most, l2, monkeypatch):
    graphs = []

    def counted(*given):
        graphs.append(trace(*given))
        return graphs[-1]

    monkeypatch.setattr("micrograd_nn.compiler.program.trace", counted)
    fit(net, *MOONS, metrics=["accuracy", "absolute_error", "hinge"], l2=l2, engine="compiled", epochs=1)
    assert sum(len(graph) > len(net.parameters()) for graph in graphs) == most
    assert len(graphs) == 2


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
    history = fit(Wilful(), *MOONS, epochs=100, lr=1e-4, batch_size=40)
    line = "of test_training.py looks at a number: return sum((w * (first if first > 0 else"
    assert history.engine == "scalar"
    assert line in history.why
    with pytest.raises(GraphError, match=re.escape(line)):
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
    before = [(p.data, repr(p.grad)) for p in net.parameters()]
    scalar, compiled = (predict(net, MOONS.X, engine=engine) for engine in ("scalar", "compiled"))
    assert scalar.shape == compiled.shape
    assert compiled == pytest.approx(scalar, rel=1e-12, abs=1e-14)
    assert predict(net, MOONS.X[:1], engine="compiled") == pytest.approx(scalar[:1], rel=1e-12, abs=1e-14)
    outputs = [out if isinstance(out, list) else [out] for out in map(net, MOONS.X)]
    assert scalar.reshape(40, -1).tolist() == [[z.data for z in out] for out in outputs]
    measured = [evaluate(net, *MOONS, metrics=["accuracy", "mse"], engine=engine) for engine in ("scalar", "compiled")]
    assert measured[0] == pytest.approx(measured[1], rel=1e-12)
    assert [(p.data, repr(p.grad)) for p in net.parameters()] == before


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
    with pytest.raises(GraphError, match=r"looks at a number: return sum"):
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
        with pytest.raises(GraphError, match=r"looks at a number: return super\(\).__call__\(x\) \* \(1\.0 if float"):
            call(net, X, engine="compiled")


def huber(output, target):
    """It looks at a number, and so has two graphs."""
    error = output - target
    return 0.5 * error**2 if abs(error.data) < 1.0 else abs(error) - 0.5


def close(output, target):
    return Value(float(abs(output.data - target.data) < 1.0))


def cautious(output, target):
    """It has one graph, takes shares only, and looks at them."""
    if not 0.0 <= output.data <= 1.0:
        raise ValueError("that is no share")
    return (output - target) ** 2


@pytest.mark.parametrize(("far", "which"), [(0.0, {"loss": huber}), (50.0, {"loss": huber}), (0.0, {"metrics": close})])
def test_a_loss_or_metric_that_looks_at_numbers_is_not_compiled(far, which):
    """With all targets far from the first outputs even all rows record one graph: until the network has learnt."""
    y = [far + 3.0 * x for x in MOONS.X[:, 0]]
    exact, chosen = small_net(), small_net()
    history = fit(exact, MOONS.X, y, lr=0.01, epochs=60, engine="scalar", **which)
    again = fit(chosen, MOONS.X, y, lr=0.01, epochs=60, **which)
    assert (again.engine, again.rows) == ("scalar", history.rows)
    assert evaluate(exact, MOONS.X, y, **which, engine="scalar")["loss"] == history.last["loss"]
    for call in (fit, evaluate):
        with pytest.raises(GraphError, match=r"looks at a number: return (0\.5 \* error|Value\(float)"):
            call(small_net(), MOONS.X, y, engine="compiled", **which)


def test_a_loss_that_refuses_some_outputs_refuses_them_in_training():
    net = small_net(output="sigmoid")
    history = fit(net, *MOONS, loss=cautious, epochs=200)
    assert (history.engine, "if not 0.0 <= output.data" in history.why) == ("scalar", True)
    with pytest.raises(ValueError, match="that is no share"):
        fit(small_net(), MOONS.X, 0.5 * MOONS.X[:, 0], loss=cautious, epochs=200)


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
def test_every_so_many_th_of_many_rows_is_measured(engine):
    """Of more than 10,000; and the graph of the first row, which is recorded to look at it, is let go."""
    X = np.linspace(-1.0, 1.0, 20_001)[:, None]
    y = np.sin(X[:, 0])
    net, kept = MLP(1, [1], seed=0), []

    def recorded():
        return sum(type(thing) is Value and thing.operation is not None for thing in gc.get_objects())

    before = recorded()
    history = fit(net, X, y, steps=1, lr=0.5, engine=engine, callbacks=lambda _: kept.append(recorded() - before))
    assert history.last["loss"] == pytest.approx(evaluate(net, X[::3], y[::3])["loss"], rel=1e-12)
    assert history.last["loss"] != pytest.approx(evaluate(net, X, y)["loss"], rel=1e-12)
    assert kept == [0], "the first row's graph was kept through the training"


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
