"""Losses: figures by hand, values and slopes against 50 digits, and both ends of the number line."""

import math
import random

import mpmath
import pytest

from micrograd_nn import Value
from micrograd_nn.errors import ArgumentError, ArgumentTypeError, ShapeError, UnknownNameError
from micrograd_nn.nn import losses
from micrograd_nn.nn.losses import LOSSES, as_label, l1, l2, named_loss

mp = mpmath.mp.clone()
mp.dps = 50


def test_the_figures_of_the_worked_costs():
    outputs, targets = [1, 5, 3, 6], [2, 3, 5, 9]
    assert losses.signed_error(outputs, targets).data == 4.0
    assert losses.absolute_error(outputs, targets).data == 8.0
    assert losses.squared_error(outputs, targets).data == 9.0
    assert losses.squared_error(0.77, 0).data == 0.29645
    assert losses.squared_error(0.7711201275221717, 0).data == pytest.approx(0.2973131255349052, rel=1e-15)
    assert losses.mse([0, 0, 0, 0], [1, 0, 0, 1]).data == 0.5
    assert losses.performance(outputs, targets).data == -9.0


# The textbook's form of each loss, evaluated by mpmath with 50 digits.
TEXTBOOK = {
    "squared_error": lambda p, y: mp.fsum((b - a) ** 2 for a, b in zip(p, y, strict=True)) / 2,
    "mse": lambda p, y: mp.fsum((b - a) ** 2 for a, b in zip(p, y, strict=True)) / len(p),
    "absolute_error": lambda p, y: mp.fsum(abs(b - a) for a, b in zip(p, y, strict=True)),
    "signed_error": lambda p, y: mp.fsum(b - a for a, b in zip(p, y, strict=True)),
    "performance": lambda p, y: -mp.fsum((b - a) ** 2 for a, b in zip(p, y, strict=True)) / 2,
    "binary_cross_entropy": lambda p, y: (
        mp.fsum(-b * mp.log(a) - (1 - b) * mp.log(1 - a) for a, b in zip(p, y, strict=True)) / len(p)
    ),
    "binary_cross_entropy_with_logits": lambda z, y: TEXTBOOK["binary_cross_entropy"](
        [1 / (1 + mp.exp(-a)) for a in z], y
    ),
    "categorical_cross_entropy": lambda p, y: -mp.fsum(b * mp.log(a) for a, b in zip(p, y, strict=True)),
    "softmax_cross_entropy": lambda z, y: TEXTBOOK["categorical_cross_entropy"](
        [mp.exp(a) / mp.fsum(mp.exp(c) for c in z) for a in z], y
    ),
    "hinge": lambda s, y: mp.fsum(max(mp.mpf(0), 1 - a * b) for a, b in zip(s, y, strict=True)) / len(s),
}
OF_SHARES = {"binary_cross_entropy", "categorical_cross_entropy"}


def cases(name, count=40):
    source = random.Random(name)
    for _ in range(count):
        n = source.randint(1, 6)
        low, high = (0.001, 0.999) if name in OF_SHARES else (-4.0, 4.0)
        predictions = [source.uniform(low, high) for _ in range(n)]
        if name == "hinge":
            targets = [source.choice([-1.0, 1.0]) for _ in range(n)]
        elif name in ("categorical_cross_entropy", "softmax_cross_entropy"):
            hot = source.randrange(n)
            targets = [float(i == hot) for i in range(n)]
        else:
            targets = [source.uniform(0.0, 1.0) for _ in range(n)]
        yield predictions, targets


def along(loss, predictions, targets, i):
    return lambda a: loss([*predictions[:i], a, *predictions[i + 1 :]], targets)


@pytest.mark.parametrize("name", LOSSES)
def test_values_and_slopes_are_the_textbooks(name):
    for predictions, targets in cases(name):
        values = [Value(p) for p in predictions]
        loss = LOSSES[name].function(values, targets)
        loss.backward()
        assert loss.data == pytest.approx(float(TEXTBOOK[name](predictions, targets)), rel=1e-14, abs=1e-15)
        for i, value in enumerate(values):
            exact = mp.diff(along(TEXTBOOK[name], predictions, targets, i), predictions[i])
            assert value.grad == pytest.approx(float(exact), rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("size", [0.0, 1.0, 40.0, 1000.0])
def test_value_and_slopes_are_finite_at_both_ends(name, size):
    for sign in (-1, 1):
        low, high = (0.0, 1.0) if name in OF_SHARES else (-size, size)
        values = [Value(low), Value(high)]
        targets = [1.0, -1.0][::sign] if name == "hinge" else [1.0, 0.0][::sign]
        loss = LOSSES[name].function(values, targets)
        loss.backward()
        assert all(math.isfinite(number) for number in (loss.data, values[0].grad, values[1].grad))


def test_logits_of_a_thousand_are_exact():
    for label, expected in ((0, 0.0), (1, 2000.0)):
        z = [Value(1000.0), Value(-1000.0)]
        loss = losses.softmax_cross_entropy(z, label)
        loss.backward()
        assert (loss.data, z[0].grad, z[1].grad) == (expected, -float(label == 0) + 1.0, -float(label == 1))
    for z, y, expected in ((1000.0, 1, 0.0), (1000.0, 0, 1000.0), (-1000.0, 1, 1000.0), (-1000.0, 0, 0.0)):
        assert losses.binary_cross_entropy_with_logits(z, y).data == expected
    # 1 - sigmoid(40), with 50 digits: the naive form gives 0
    tail = losses.binary_cross_entropy_with_logits(40.0, 1).data
    assert tail == pytest.approx(float(mp.log1p(mp.exp(-40))), rel=1e-15)


def test_a_label_and_its_one_hot_row_are_the_same_loss():
    z = [0.3, -1.2, 2.5]
    for label in range(3):
        row = [float(i == label) for i in range(3)]
        by_label, by_row = (losses.softmax_cross_entropy([Value(a) for a in z], t) for t in (label, row))
        assert by_label.data == by_row.data


def test_performance_climbs_where_the_squared_error_descends():
    up, down = [Value(0.3), Value(-2.0)], [Value(0.3), Value(-2.0)]
    losses.performance(up, [1.0, 1.0]).backward()
    losses.squared_error(down, [1.0, 1.0]).backward()
    assert [v.grad for v in up] == [-v.grad for v in down]


def test_regularisation_is_a_term_of_the_graph():
    w = [Value(-2.0), Value(0.5), Value(0.0)]
    (l1(w, 0.1) + l2(w, 0.01)).backward()
    assert [v.grad for v in w] == pytest.approx([-0.1 - 0.04, 0.1 + 0.01, 0.0], rel=1e-15)


@pytest.mark.parametrize("name", [name for name, loss in LOSSES.items() if loss.outputs > 1])
@pytest.mark.parametrize("single", [3, Value(3.0), None])
def test_a_loss_of_several_classes_refuses_a_single_output(name, single):
    with pytest.raises(
        ShapeError, match=r"of several classes, got the single .*: that goes with binary_cross_entropy_with_logits"
    ):
        LOSSES[name].function(single, [1])


def test_sums_may_come_one_by_one():
    assert losses.softmax_cross_entropy((z for z in [1000.0, -1000.0]), 1).data == 2000.0
    assert losses.mse(iter([1.0, 2.0]), iter([2.0, 4.0])).data == 2.5


@pytest.mark.parametrize("name", LOSSES)
def test_as_many_targets_as_predictions(name):
    of_one = [([], []), (1.0, [1.0, 1.0])] if LOSSES[name].outputs == 1 else []
    for predictions, targets in (([1.0, 2.0], [1.0]), *of_one):
        with pytest.raises(ShapeError, match="as many targets as predictions: got"):
            LOSSES[name].function(predictions, targets)


@pytest.mark.parametrize("label", [-1, 2, 10**30])
def test_a_label_out_of_range_is_named(label):
    with pytest.raises(ArgumentError, match=f"a label is a whole number from 0 to 1, got {label}"):
        losses.softmax_cross_entropy([1.0, 2.0], label)


@pytest.mark.parametrize("label", [0.5, "a", None, True, math.nan, math.inf])
def test_a_label_is_a_whole_number(label):
    with pytest.raises(ArgumentTypeError, match="a label is a whole number from 0 to 1, got"):
        as_label(label, 2)


TARGETS = (-1, 0, 0.5, 1, 2)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_allows_the_targets_that_it_says(name):
    said = {"any number": TARGETS, "0 to 1": (0, 0.5, 1), "-1 or 1": (-1, 1)}
    assert tuple(target for target in TARGETS if LOSSES[name].allows(target)) == said[LOSSES[name].targets]
    assert (LOSSES[name].targets == "0 to 1") == ("cross_entropy" in name)


def test_losses_by_name():
    assert named_loss("mse").function is losses.mse
    assert named_loss(losses.hinge) is LOSSES["hinge"]
    assert named_loss(lambda p, y: p).boundary == 0.5
    with pytest.raises(UnknownNameError, match=r"unknown loss 'mes'; choose one of: mse, "):
        named_loss("mes")
