"""Recording for every row: whoever looks at a number is found, and what looks at none, or is random, is told apart."""

import copy
import gc
import itertools
import math
import pickle
import random
import threading

import numpy as np
import pytest
from storms import counts, needs_a_timer, storm

from micrograd_nn import (
    MLP,
    UNREACHED,
    Module,
    Value,
    compile,
    evaluate,
    fit,
    grad,
    hessian,
    no_grad,
    predict,
    replay,
    tanh,
)
from micrograd_nn.compiler.recording import Unseen, hide_numbers, record
from micrograd_nn.engine.ops import stop_gradient
from micrograd_nn.errors import GraphError

W = Value(0.5, "w")


def swallowed(x):
    try:
        return x * 2 if x > 1 else x
    except Exception:
        return x * 3


def swept(x):
    y = x * x
    y.backward()
    return y * x.grad


def under_no_grad(x):
    with no_grad():
        scale = x * 2
    return x * scale


def kept(x):
    W.data = 0.25
    return W * x


LOOKS = {
    ".data": lambda x: x * x.data,
    "of what was made of it": lambda x: x * (W * x + 1).data,
    "float": lambda x: x * float(x),
    "a function of math": lambda x: x * math.exp(x),
    "if": lambda x: x if x else W * x,
    "round": lambda x: x * round(x, 1),
    "less": lambda x: x if x < 3 else W * x,
    "greater, from the left": lambda x: x if 3.0 < x else W * x,  # noqa: SIM300
    "than another": lambda x: x if x < W else W * x,
    "than another, from the left": lambda x: x if W < x else W * x,  # noqa: SIM300
    "equal": lambda x: x if x == 3.0 else W * x,
    "equal to another": lambda x: x if W == x else W * x,  # noqa: SIM300
    "in a list": lambda x: x if x in [W, 3.0] else W * x,
    "max": lambda x: max(W, x),
    "sorted": lambda x: sorted([W * x, x, x * x])[0],
    "a format": lambda x: x * float(f"{x:.3f}"),
    "repr": lambda x: x * len(repr(x)),
    "str": lambda x: x * len(str(x)),
    "an array": lambda x: x * np.array([x], float)[0],
    "an array's largest": lambda x: np.array([x, W]).max(),
    "a copy": lambda x: copy.deepcopy(x * 2) * x,
    "a pickle": lambda x: pickle.loads(pickle.dumps(x)) * x,
    "no_grad": under_no_grad,
    "partials": lambda x: x * (x * W).partials[1],
    "backward": swept,
    "grad": lambda x: x * grad(x * x, [x])[0],
    "hessian": lambda x: x * hessian(x * x * x, [x])[0][0],
    "replay": lambda x: x * replay(x * x, {})[x],
    "a parameter": lambda x: x * W.data,
    "a parameter's sign": lambda x: x * W if W > 0 else x,
    "a parameter that is set": kept,
    "an error that is swallowed": swallowed,
}


@pytest.mark.parametrize("way", LOOKS)
def test_whoever_looks_at_a_number_is_refused_with_the_line(way):
    x = Value(2.0, "x")
    with pytest.raises(GraphError, match=r"^line \d+ of test_recording\.py looks at a number: \S"):
        compile(LOOKS[way], inputs=[x], parameters=[W])
    assert (type(x), x.data, type(W), W.data) == (Value, 2.0, Value, 0.5)
    assert W.grad is x.grad is UNREACHED


def test_the_line_is_that_of_the_code_that_looks():
    with pytest.raises(GraphError, match=r"of test_recording\.py looks at a number: return x \* 2 if x > 1 else x\n"):
        compile(swallowed, inputs=[Value(2.0)])


def twice(x):
    try:
        first = float(x)
    except Exception:
        first = 1.0
    return first * round(x, 1)


def test_of_several_looks_the_first_is_named():
    with pytest.raises(GraphError, match=r"looks at a number: first = float\(x\)\n"):
        compile(twice, inputs=[Value(2.0)])


def by_create_graph(x):
    (slope,) = grad(tanh(W * x), [x], create_graph=True)
    return slope * x


FREE = {
    "arithmetic": lambda x: (2 * x - 1 / x) ** 2 + abs(-x),
    "a set and a dict": lambda x: {x: W * x}[x] if x in {x} else x,
    "is": lambda x: x if x is W else x * x,
    "a label": lambda x: x * len(x.label),
    "the shape of the graph": lambda x: x * len((x * W).operands),
    "stop_gradient": lambda x: x * stop_gradient(x),
    "the derivative as a graph": by_create_graph,
    "a number of its own": lambda x: x * (2.0 if Value(3.0) * 2 > 5 else 1.0),
    "a network": MLP(1, [3, 1], "tanh", seed=0),
}


@pytest.mark.parametrize("way", FREE)
def test_what_looks_at_no_number_is_compiled(way):
    function, x = FREE[way], Value(2.0, "x")
    given = [[x]] if isinstance(function, MLP) else [x]
    program = compile(function, inputs=given, parameters=[W])
    for number in (2.0, -0.7):
        leaf = Value(number, "x")
        expected = function([leaf] if isinstance(function, MLP) else leaf)
        assert program([[number]] if isinstance(function, MLP) else [number]) == pytest.approx(expected.data, rel=1e-14)


SOURCE, TURNS = random.Random(0), itertools.cycle([tanh, abs])
LENGTHS = itertools.count()
CALLS = []


def counted(x):
    CALLS.append(x)
    return x * len(CALLS)


RANDOM = {
    "random": lambda x: x * random.random(),
    "numpy": lambda x: x * np.random.rand(),
    "one in a million": lambda x: x * 2 if random.random() < 1e-6 else x,
    "one in a million, numpy": lambda x: x * 2 if np.random.rand() < 1e-6 else x,
    "a source of its own": lambda x: x * SOURCE.random(),
    "another operation": lambda x: next(TURNS)(x),
    "another number": lambda x: x * SOURCE.randrange(10**9),
    "another length": lambda x: sum([x] * next(LENGTHS), x),
    "a counter": counted,
}


@pytest.mark.parametrize("way", RANDOM)
def test_what_is_random_is_refused_and_draws_again_what_it_drew(way):
    random.seed(1)
    np.random.seed(1)  # the state that everybody shares is what this is about
    before = random.getstate(), pickle.dumps(np.random.get_state())
    with pytest.raises(GraphError, match=r"records another graph each time: is it random\?"):
        compile(RANDOM[way], inputs=[Value(2.0)], parameters=[W])
    assert (random.getstate(), pickle.dumps(np.random.get_state())) == before


def test_another_leaf_with_the_same_number_is_another_graph():
    turns = iter([0, 1])
    x = [Value(0.0), Value(0.0)]
    with pytest.raises(GraphError, match="another graph each time"):
        compile(lambda x: x[next(turns)] * 2, inputs=[x])


def test_another_number_of_outputs_is_another_graph():
    x, lengths = Value(1.0), itertools.count(1)
    with pytest.raises(GraphError, match="another graph each time"):
        record(lambda x: [x * 2] * next(lengths), [x], [x])


def test_numbers_are_hidden_in_this_block_and_for_this_thread_alone():
    x, seen = Value(2.0), []
    with hide_numbers():
        x.__class__ = Unseen
        y = x * 2
        thread = threading.Thread(target=lambda: seen.append((x.data, (x * 3).data)))
        thread.start(), thread.join()
        with pytest.raises(GraphError):
            float(y)
    assert seen == [(2.0, 6.0)]
    assert (type(y), y.data, float(y), y > 3, repr(y)) == (Unseen, 4.0, 4.0, True, "Value(data=4.0, grad=–)")
    y.backward()
    assert x.grad == 2.0
    assert pickle.loads(pickle.dumps(y)).data == 4.0


def test_an_error_of_the_function_s_own_comes_as_it_is_and_leaves_no_trace():
    x = Value(2.0)
    with pytest.raises(ZeroDivisionError):
        record(lambda x: x * (1 / 0), [x], [x])
    assert type(x) is Value


class Mine(Value):
    """A Value of a class of one's own might look at its number anywhere."""


def test_leaves_of_another_class_are_refused():
    with pytest.raises(GraphError, match="a class of one's own"):
        compile(lambda x: x * 2, inputs=[Mine(1.0)])


def test_a_loss_is_a_value_or_records_one():
    with pytest.raises(TypeError, match="one recorded Value, got list"):
        compile(lambda x: [x, x], inputs=[Value(1.0)])
    with pytest.raises(TypeError, match="one recorded Value, got int"):
        compile(3, inputs=[Value(1.0)])


# ---- in training ----


class Rare(Module):
    """A network of random shape that does something else for a row in ten thousand, because it looks at numbers."""

    def __init__(self, seed):
        self.source = random.Random(seed)
        self.at, self.way = self.source.uniform(2.0, 3.0), self.source.choice(list(WAYS))
        self.size = self.source.randrange(1, 4)
        self.w = [Value(self.source.gauss(0, 1)) for _ in range(3 * self.size)]
        self.act = self.source.choice([tanh, abs, lambda z: z * z])

    def __call__(self, x):
        terms = [self.w[3 * i] * self.act(self.w[3 * i + 1] * x[0] + self.w[3 * i + 2]) for i in range(self.size)]
        out = sum(terms, Value(0.0))
        return self.act(out) * 3 if WAYS[self.way](x, self.at) else out


WAYS = {
    "data": lambda x, at: x[1].data > at,
    "float": lambda x, at: float(x[1]) > at,
    "compared": lambda x, at: x[1] > at,
    "max": lambda x, at: max(x[1], at) is x[1],
    "floor": lambda x, at: math.floor(x[1].data / at) > 0,
    "round": lambda x, at: round(x[1] / at - 0.5) > 0,
    "text": lambda x, at: not f"{x[1] - at:f}".startswith("-"),
    "no_grad": lambda x, at: bool(quiet(x[1] - at)),
    "table": lambda x, at: {0: False}.get(int(x[1].data / at), True),
    "array": lambda x, at: bool((np.array(x, float) > at)[1]),
}


def quiet(z):
    with no_grad():
        return abs(z) + z


ROWS = 10_000


def rows(seed):
    """Ten thousand rows, of which one, not the first, is beyond what ``Rare`` looks for."""
    source = random.Random(-seed)
    X = [[source.uniform(-1, 1), source.uniform(0, 1.9)] for _ in range(ROWS)]
    rare = source.randrange(1, ROWS)
    X[rare][1] = 4.0
    return X, [source.uniform(-1, 1) for _ in X], rare


@pytest.mark.parametrize("seed", [0, 1, 2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 100))])
def test_row_40_a_branch_for_one_row_in_ten_thousand_is_never_wrong(seed):
    X, y, rare = rows(seed)
    net = Rare(seed)
    expected = [net([Value(a), Value(b)]).data for a, b in X]
    assert predict(net, X).tolist() == expected
    loss = sum((out - target) ** 2 for out, target in zip(expected, y, strict=True)) / ROWS
    assert evaluate(net, X, y, loss="mse", metrics=[])["loss"] == pytest.approx(loss, rel=1e-12)
    near = slice(max(0, rare - 20), rare + 20)
    nets = {engine: Rare(seed) for engine in ("scalar", "auto")}
    how = {"lr": 1e-3, "steps": 2_300, "batch_size": 1, "shuffle": False}
    histories = {engine: fit(net, X[near], y[near], engine=engine, **how) for engine, net in nets.items()}
    assert histories["auto"].rows == histories["scalar"].rows
    assert nets["auto"].state_dict() == nets["scalar"].state_dict() != net.state_dict()
    assert "of test_recording.py looks at a number: " in histories["auto"].why
    for call in (
        predict,
        lambda *given, **how: evaluate(*given, y, **how),
        lambda *given, **how: fit(*given, y, **how),
    ):
        with pytest.raises(GraphError, match=r"of test_recording\.py looks at a number: "):
            call(net, X, engine="compiled")


class Dropped(Module):
    """Dropout, by everybody's random numbers."""

    def __init__(self):
        self.w = [Value(0.1 * i) for i in range(30)]

    def __call__(self, x):
        return sum((w * x[0] for w in self.w if random.random() < 0.5), Value(0.0))


def test_dropout_drops_in_every_row_and_draws_the_same_with_every_engine():
    X, y = [[0.1 * i] for i in range(20)], [1.0] * 20
    outcomes = []
    for engine in ("auto", "scalar"):
        random.seed(3)
        history = fit(net := Dropped(), X, y, lr=1e-3, epochs=60, engine=engine)
        outcomes.append((history.rows, net.state_dict(), predict(net, X, engine=engine).tolist()))
    assert outcomes[0] == outcomes[1]
    assert "records another graph each time" in fit(Dropped(), X, y, lr=1e-3, epochs=60).why


class Bounded(Module):
    """It reads its parameters' numbers: a norm that the weights are divided by, as a constant."""

    def __init__(self):
        self.w = [Value(0.3), Value(0.4)]

    def __call__(self, x):
        norm = math.hypot(*(w.data for w in self.w))
        return sum((w / norm * z for w, z in zip(self.w, x, strict=True)), Value(0.0))


def test_a_look_at_a_parameter_is_refused_where_parameters_move():
    X, y = [[0.1 * i, 1.0] for i in range(200)], [1.0] * 200
    outcomes = [fit(Bounded(), X, y, lr=0.1, epochs=60, engine=engine) for engine in ("auto", "scalar")]
    assert outcomes[0].rows == outcomes[1].rows
    assert "looks at a number: norm = math.hypot" in outcomes[0].why
    assert predict(Bounded(), X, engine="compiled") == pytest.approx(predict(Bounded(), X, engine="scalar"), rel=1e-14)
    assert evaluate(Bounded(), X, y, engine="compiled") == pytest.approx(evaluate(Bounded(), X, y, engine="scalar"))


def deep(output, target):
    """A loss that looks further down, at what the network computed on its way."""
    return (output - target) ** 2 * (2.0 if output.left.data > 0 else 1.0)


def test_an_mlp_whose_parts_were_changed_is_watched_and_so_is_a_loss_that_looks_into_one():
    X, y = [[0.1 * i] for i in range(20)], [1.0] * 20
    fit(MLP(1, [2, 1], seed=0), X, y, epochs=1, engine="compiled")
    net = MLP(1, [2, 1], seed=0)
    net.layers[0].neurons[0].activation = lambda z: z if z > 1 else z * 2
    with pytest.raises(GraphError, match="looks at a number: net"):
        fit(net, X, y, epochs=1, engine="compiled")
    with pytest.raises(GraphError, match="looks at a number: return"):
        fit(MLP(1, [2, 1], seed=0), X, y, loss=deep, epochs=1, engine="compiled")


def test_nothing_hidden_is_left_behind():
    fit(net := Dropped(), [[1.0], [2.0]], [1.0, 2.0], steps=200, lr=1e-3)
    predict(net, [[1.0]] * 2000)
    gc.collect()
    assert [thing for thing in gc.get_objects() if type(thing) is Unseen] == []


@needs_a_timer
@counts
def test_no_signal_leaves_a_number_hidden(count):
    x = [Value(1.0), Value(2.0)]

    def left():
        with hide_numbers():
            return [type(leaf) for leaf in x] != [Value, Value] or float(x[0] * x[1]) != 2.0

    assert storm(lambda: record(lambda x: x[0] * x[1] + 1, [x], x), left, count) == 0
