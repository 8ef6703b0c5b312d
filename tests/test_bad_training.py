"""The reliability table's rows 21 to 24 for training: type, message, and everything as it was.

Rows 25 to 31 (Ctrl-C, kill -9, files) stand in test_training_stops.py, test_storage.py and test_storage_damage.py.
"""

import math

import numpy as np
import pytest

from micrograd_nn import MLP, SGD, Module, StepLR, Value, log, sqrt
from micrograd_nn import data as datasets
from micrograd_nn.errors import (
    ArgumentError,
    ArgumentTypeError,
    DivergedError,
    MicrogradError,
    NumberError,
    ShapeError,
    UnknownNameError,
)
from micrograd_nn.training import evaluate, fit, predict

X = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]]
Y = [0, 1, 1]
INF, NAN = math.inf, math.nan


def with_number(number, row, column):
    rows = [list(x) for x in X]
    rows[row][column] = number
    return rows


def objective(outputs, target):
    return outputs - target


def objective_of_numbers(output, target):
    return output.data - target.data


# what is wrong: (outputs, changed arguments, error, text)
BAD = {
    # row 21: unknown names, nearest first
    "loss": (1, {"loss": "mes"}, UnknownNameError, r"unknown loss 'mes'; choose one of: mse, "),
    "optimizer": (1, {"optimizer": "adma"}, UnknownNameError, r"unknown optimiser 'adma'; choose one of: adam, adamw"),
    "metric": (1, {"metrics": ["acuracy"]}, UnknownNameError, r"unknown metric 'acuracy'; choose one of: accuracy, "),
    "engine": (1, {"engine": "compile"}, UnknownNameError, r"unknown engine 'compile'; choose one of: compiled, "),
    **{
        f"dtype, {engine}": (
            1,
            {"engine": engine, "dtype": "float23"},
            UnknownNameError,
            r"unknown dtype 'float23'; .*: float32, ",
        )
        for engine in ("auto", "scalar", "compiled")
    },
    "loss of another kind": (1, {"loss": 3}, UnknownNameError, r"unknown loss 3; choose one of: "),
    "loss in a list": (1, {"loss": ["mse"]}, UnknownNameError, r"unknown loss \['mse'\]; choose one of: "),
    "metrics": (1, {"metrics": 3}, ArgumentTypeError, r"metrics are a list such as \['accuracy'\], got 3"),
    "a loss that is no graph": (
        1,
        {"loss": objective_of_numbers},
        ArgumentTypeError,
        r"objective_of_numbers is to return a Value made of outputs and target, got -?\d",
    ),
    "a metric that is no graph": (1, {"metrics": lambda z, y: None}, ArgumentTypeError, r"<lambda> is to .*, got None"),
    "metrics of one name": (
        1,
        {"metrics": [lambda z, y: z - y, lambda z, y: z * y]},
        ArgumentError,
        "a metric is called like its function, and '<lambda>' is taken: give it another name",
    ),
    "a metric like a column": (1, {"metrics": objective}, ArgumentError, "'objective' is taken"),
    # row 22: rows that can't be learnt from
    "nan": (1, {"X": with_number(NAN, 1, 0)}, ArgumentError, r"X has nan in row 1, column 0 \(counted from 0\): take"),
    "nan twice": (
        1,
        {"X": [[1, 2], [NAN, 1], [0, NAN]]},
        ArgumentError,
        r"nan in row 1, column 0 .*, and 1 more: take",
    ),
    "inf": (1, {"X": with_number(-INF, 2, 1)}, ArgumentError, r"X has -inf in row 2, column 1"),
    "nan in y": (1, {"y": [0, NAN, 1]}, ArgumentError, r"y has nan in row 1, column 0"),
    "a word": (1, {"X": with_number("two", 2, 1)}, ArgumentTypeError, r"X has 'two' in row 2, column 1"),
    "text": (1, {"X": [["1", "2"]] * 3}, ArgumentTypeError, r"X has '1' in row 0, column 0 .*: no number"),
    "None": (1, {"X": with_number(None, 0, 1)}, ArgumentTypeError, r"X has None in row 0, column 1"),
    "ragged": (
        1,
        {"X": [*X[:2], [1.0]]},
        ShapeError,
        r"X is ragged: row 2 \(counted from 0\) has 1 number, row 0 has 2",
    ),
    "flat": (1, {"X": [1.0, 2.0, 3.0]}, ShapeError, r"X is a list of rows, such as .* got the shape \(3,\)"),
    "no rows": (
        1,
        {"X": None, "y": None},
        ArgumentTypeError,
        r"X is a list of rows, such as \[\[1, 2\], \[3, 4\]\]; got the NoneType None",
    ),
    "no targets": (1, {"y": 3}, ArgumentTypeError, r"y is a list of targets, one per row of X, .*; got the int 3"),
    "rows without an order": (1, {"X": {(0, 1), (1, 0)}}, ArgumentTypeError, r"X is a list of rows, .* got the set"),
    "rows by name": (1, {"X": {"a": [0, 1]}}, ArgumentTypeError, r"X is a list of rows, .*; got the dict"),
    "named classes": (
        1,
        {"y": ["cat", "horse", "cat"]},
        ArgumentTypeError,
        r"y has 'cat' in row 0, column 0 .*: no number; classes are numbered 0, 1, 2, …",
    ),
    "ragged targets": (
        1,
        {"y": [[0], [1, 2], [0]]},
        ShapeError,
        r"y is ragged: row 1 \(counted from 0\) has 2 numbers",
    ),
    "ragged arrays": (
        1,
        {"X": [np.array([1.0, 2.0]), np.array([1.0]), np.array([0.0, 1.0])]},
        ShapeError,
        r"X is ragged: row 1 \(counted from 0\) has 1 number, row 0 has 2",
    ),
    "an array of words": (1, {"X": np.array([["1", "2"]] * 3)}, ArgumentTypeError, r"X has '1' in row 0, column 0"),
    "empty": (1, {"X": [], "y": []}, ShapeError, r"X is a list of rows"),
    "a string": (1, {"X": "rows"}, ArgumentTypeError, r"X is a list of rows, such as .*; got the str 'rows'"),
    "too few targets": (1, {"y": [0, 1]}, ShapeError, r"X has 3 rows and y has 2: each row takes one target"),
    "too wide targets": (1, {"y": [[0, 1]] * 3}, ShapeError, r"y has 2 columns, and the network has 1 output"),
    "too few features": (1, {"X": [[1.0]] * 3}, ShapeError, r"the network takes 2 inputs, got 1"),
    "label": (3, {"y": [0, 3, 1]}, ArgumentError, r"y has 3 in row 1 \(counted from 0\): a label is .* from 0 to 2"),
    "negative label": (3, {"y": [0, 1, -1]}, ArgumentError, r"y has -1 in row 2"),
    "half a label": (3, {"y": [0.5, 1, 1]}, ArgumentError, r"y has 0\.5 in row 0"),
    "share": (
        1,
        {"loss": "binary_cross_entropy", "y": [0, 2, 1]},
        ArgumentError,
        r"y has 2 in row 1 .*: this loss takes targets of 0 to 1",
    ),
    "hinge on 0 and 1": (
        1,
        {"loss": "hinge"},
        ArgumentError,
        r"y has 0 in row 0 .*: this loss takes targets of -1 or 1",
    ),
    "one output": (
        1,
        {"loss": "softmax_cross_entropy"},
        ShapeError,
        r"compares the outputs of several classes; the network has 1",
    ),
    "validation": (1, {"validation": X}, ShapeError, r"validation is a pair \(X, y\)"),
    "nan in validation": (
        1,
        {"validation": (with_number(NAN, 0, 0), Y)},
        ArgumentError,
        r"X has nan in row 0, column 0",
    ),
    "validation of another width": (
        1,
        {"validation": ([[1.0]] * 3, Y)},
        ShapeError,
        r"rows of 2 features are trained on, these have 1",
    ),
    # row 24: settings
    "epochs": (1, {"epochs": -1}, ArgumentError, r"epochs is a whole number from 0 up, got -1"),
    "half an epoch": (1, {"epochs": 0.5}, ArgumentTypeError, r"epochs is a whole number from 0 up, got 0\.5"),
    "batch_size": (1, {"batch_size": 0}, ArgumentError, r"batch_size is a whole number from 1 up, got 0"),
    "steps": (1, {"steps": -1}, ArgumentError, r"steps is a whole number from 0 up, got -1"),
    **{
        f"seed {seed}": (1, {"seed": seed}, ArgumentTypeError, r"seed is a whole number or None, got")
        for seed in ("0", 0.5, True)
    },
    "record": (1, {"record": 0}, ArgumentError, r"record is a whole number from 1 up, got 0"),
    **{f"lr {lr}": (1, {"lr": lr}, ArgumentError, r"lr is a positive number") for lr in (-1, 0, NAN, INF, "0.1")},
    "l2": (1, {"l2": -1}, ArgumentError, r"l2 is a number from 0 up, such as 1e-4, got -1"),
    "l1": (1, {"l1": NAN}, ArgumentError, r"l1 is a number from 0 up"),
    "l2 as text": (1, {"l2": "1"}, NumberError, r"the str '1'"),
    "optimizer of another kind": (
        1,
        {"optimizer": 0.1},
        ArgumentTypeError,
        r"optimizer is a name such as 'adam' or an",
    ),
    "callback": (1, {"callbacks": 3}, ArgumentTypeError, r"a callback is called with the training under way, got 3"),
    "callbacks": (1, {"callbacks": ["stop"]}, ArgumentTypeError, r"a callback is called with .*, got 'stop'"),
    "a schedule of one's own": (
        1,
        {"schedule": lambda epoch: 0.1},
        ArgumentTypeError,
        r"schedule is one such as StepLR.*: sgd = SGD.*, then fit\(…, optimizer=sgd, schedule=StepLR\(sgd, 10\)\)",
    ),
    "another optimizer's schedule": (
        1,
        {"schedule": StepLR(SGD([Value(1.0)]), 1)},
        ArgumentError,
        r"another optimiser than the one that trains: sgd = SGD.*, then fit\(…, optimizer=sgd, schedule=StepLR\(sgd",
    ),
    "what is climbed, descended": (
        1,
        {"loss": "performance"},
        ArgumentError,
        r"this loss is made large: give optimizer=SGD\(net\.parameters\(\), lr=0\.1, maximize=True\)",
    ),
    "resume": (
        1,
        {"resume": "h"},
        ArgumentTypeError,
        r"resume is the history that fit or load_checkpoint returned, got",
    ),
    "another network's optimizer": (
        1,
        {"optimizer": SGD([Value(1.0)])},
        ArgumentError,
        r"parameters that are not this network's: pass it net\.parameters\(\)",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_are_refused_before_the_first_step(case):
    outputs, changed, error, text = BAD[case]
    net = MLP(2, [2, outputs], seed=0)
    before = [(p.data, repr(p.grad)) for p in net.parameters()]
    arguments = {"X": X, "y": Y, **changed}
    with pytest.raises(error, match=text) as caught:
        fit(net, arguments.pop("X"), arguments.pop("y"), **arguments)
    assert isinstance(caught.value, MicrogradError)
    assert isinstance(caught.value, ValueError | TypeError)
    assert [(p.data, repr(p.grad)) for p in net.parameters()] == before


def test_row_24_lr_beside_an_optimiser_of_ones_own():
    net = MLP(2, [1])
    with pytest.raises(ArgumentError, match=r"give your optimiser its own: SGD\(params, lr=0\.1\)"):
        fit(net, X, Y, optimizer=SGD(net.parameters()), lr=0.1)


def test_row_24_lr_beside_a_training_to_resume():
    net = MLP(2, [1])
    history = fit(net, X, Y)
    before = [p.data for p in net.parameters()]
    with pytest.raises(ArgumentError, match=r"keeps its optimiser: set history\.optimizer\.lr = 0\.5, not lr"):
        fit(net, X, Y, resume=history, lr=0.5, epochs=20)
    history.optimizer.lr = 0.5
    assert [p.data for p in net.parameters()] == before
    assert fit(net, X, Y, resume=history, epochs=20).optimizer.lr == 0.5


def test_row_24_another_optimiser_beside_a_training_to_resume():
    net = MLP(2, [1])
    history = fit(net, X, Y, optimizer="adam", lr=0.1, epochs=2)
    before = [p.data for p in net.parameters()]
    for name in ("sgd", "SGD", "adamw"):
        with pytest.raises(ArgumentError, match=f"keeps its optimiser, Adam: leave out optimizer='{name}'"):
            fit(net, X, Y, optimizer=name, epochs=4, resume=history)
    with pytest.raises(UnknownNameError, match="unknown optimiser 'adm'"):
        fit(net, X, Y, optimizer="adm", epochs=4, resume=history)
    assert [p.data for p in net.parameters()] == before
    adam = history.optimizer
    for epochs, given in ((4, {"optimizer": "adam", "lr": 0.1}), (5, {"optimizer": "Adam"}), (6, {"lr": 0.1}), (7, {})):
        assert fit(net, X, Y, epochs=epochs, resume=history, **given).optimizer is adam
    assert history.step == 7


@pytest.mark.parametrize("net", [3, None, MLP, lambda x: x[0]])
def test_a_network_has_parameters_and_is_called(net):
    for call in (lambda: fit(net, X, Y), lambda: evaluate(net, X, Y), lambda: predict(net, X)):
        with pytest.raises(ArgumentTypeError, match=r"a network is an MLP or a Module of your own, .*; got "):
            call()


def test_row_21_unknown_column_of_a_history():
    history = fit(MLP(2, [1]), X, Y)
    with pytest.raises(UnknownNameError, match="unknown column 'los'; choose one of: loss, "):
        history["los"]


def test_row_21_unknown_dataset():
    with pytest.raises(UnknownNameError, match="unknown dataset 'mnits'"):
        datasets.dataset("mnits")


def test_row_22_for_evaluate_and_predict():
    net = MLP(2, [1])
    for call in (lambda: evaluate(net, with_number(NAN, 1, 0), Y), lambda: predict(net, with_number(NAN, 1, 0))):
        with pytest.raises(ArgumentError, match="X has nan in row 1, column 0"):
            call()
    for call in (lambda: evaluate(net, X, Y, engine="fast"), lambda: predict(net, X, engine="fast")):
        with pytest.raises(UnknownNameError, match="unknown engine 'fast'"):
            call()
    for call in (lambda: evaluate(net, X, Y, dtype="half"), lambda: evaluate(net, X, Y, dtype="half", engine="scalar")):
        with pytest.raises(UnknownNameError, match="unknown dtype 'half'"):
            call()


# ---- row 23: nan and inf under way ----


class Logarithm(Module):
    """ln(w·x): nan as soon as w is negative."""

    def __init__(self, w):
        self.w = Value(w, "w")

    def __call__(self, x):
        return log(self.w * x[0])


class Root(Module):
    """√(w·x): at 0 its value is finite and its slope is not."""

    def __init__(self, w):
        self.w = Value(w, "w")

    def __call__(self, x):
        return sqrt(self.w * x[0])


def good_steps(net, rows, targets, count, **settings):
    fit(net, rows, targets, steps=count, **settings)
    return [p.data for p in net.parameters()]


@pytest.mark.parametrize("engine", ["scalar", "compiled"])
@pytest.mark.parametrize("record", [1, 1000])
def test_row_23_a_loss_that_turns_nan(engine, record):
    net = Logarithm(1.0)
    settings = {"lr": 0.02, "shuffle": False, "batch_size": 2, "engine": engine}
    rows, targets = [[1.0], [2.0], [3.0], [0.5]], [-3.0] * 4
    with pytest.raises(DivergedError) as caught:
        fit(net, rows, targets, epochs=10**4, record=record, **settings)
    history = caught.value.history
    text = str(caught.value)
    assert f"training stopped before step {history.step + 1} (epoch {history.step // 2 + 1})" in text
    assert f"row {history.step % 2 * 2}: log made nan of an operand = -" in text
    assert "it is real where a > 0. The parameters are those of the last good step" in text
    assert [p.data for p in net.parameters()] == good_steps(Logarithm(1.0), rows, targets, history.step, **settings)
    assert history.step > 3


@pytest.mark.parametrize("engine", ["scalar", "compiled"])
@pytest.mark.parametrize("record", [1, 1000])
def test_row_23_a_slope_that_turns_inf(engine, record):
    net = Root(1.0)
    settings = {"lr": 0.01, "shuffle": False, "batch_size": 1, "engine": engine}
    rows, targets = [[1.0]] * 150 + [[0.0]] + [[1.0]] * 49, [0.5] * 200
    with pytest.raises(
        DivergedError, match=r"before step 151 \(epoch 1\), which turns nan or infinite: row 150: "
    ) as caught:
        fit(net, rows, targets, epochs=3, record=record, **settings)
    assert "backward through sqrt" in str(caught.value)
    assert caught.value.history.step == 150
    assert [p.data for p in net.parameters()] == good_steps(Root(1.0), rows, targets, 150, **settings)


@pytest.mark.parametrize("engine", ["scalar", "compiled"])
def test_row_23_a_step_that_is_too_large(engine):
    net = MLP(1, [1], seed=0)
    rows = np.array([[1.0], [2.0]])
    with pytest.raises(DivergedError, match=r"row 0|row 1|is lr too large\?"):
        fit(net, rows, [1.0, 2.0], lr=1e5, epochs=1000, engine=engine)
    assert all(math.isfinite(p.data) for p in net.parameters())


def test_a_training_that_diverged_goes_on_from_its_last_good_step():
    net = Root(1.0)
    rows, targets = [[1.0]] * 4 + [[0.0]], [0.5] * 5
    settings = {"lr": 0.01, "shuffle": False, "batch_size": 1}
    with pytest.raises(DivergedError) as caught:
        fit(net, rows, targets, epochs=1, **settings)
    mended = [*rows[:4], [2.0]]
    history = fit(net, mended, targets, epochs=1, shuffle=False, batch_size=1, resume=caught.value.history)
    assert history.step == 5
    whole = Root(1.0)
    fit(whole, mended, targets, epochs=1, **settings)
    assert net.w.data == whole.w.data
