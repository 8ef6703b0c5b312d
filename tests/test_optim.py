"""Optimisers against PyTorch's trajectories, their limits, and what an error leaves behind."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from ctrl_c import Moment

from micrograd_nn import MLP, Value
from micrograd_nn.compiler import compile
from micrograd_nn.errors import ArgumentError, ArgumentTypeError, ShapeError, StateError, UnknownNameError
from micrograd_nn.nn.optim import (
    OPTIMIZERS,
    SGD,
    Adam,
    AdamW,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    Optimizer,
    RMSprop,
    StepLR,
    named_optimizer,
)
from micrograd_nn.training.line import least_squares

EXPECTED = json.loads(Path(__file__).with_name("data").joinpath("trajectories.json").read_text())
KINDS = {"SGD": SGD, "Adam": Adam, "AdamW": AdamW, "RMSprop": RMSprop}
SCHEDULES = {"StepLR": StepLR, "ExponentialLR": ExponentialLR, "CosineAnnealingLR": CosineAnnealingLR}
RICH = [
    ("SGD", {"momentum": 0.9, "dampening": 0.2, "weight_decay": 0.1}),
    ("SGD", {}),
    ("Adam", {"weight_decay": 0.1}),
    ("AdamW", {}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
]


def problem(a, b, c):
    return (1.0 - a) ** 2 + 2.0 * (b - a * a) ** 2 + 0.5 * (c + b) ** 2


def walk(optimizer, steps, sign=1.0):
    for _ in range(steps):
        optimizer.zero_grad()
        (sign * problem(*optimizer.params)).backward()
        optimizer.step()
        yield [p.data for p in optimizer.params]


@pytest.mark.parametrize(
    "case", EXPECTED["cases"], ids=lambda case: f"{case['kind']}-{case['options']}-{case['climb']}"
)
def test_a_hundred_steps_go_where_pytorch_goes(case):
    start = [Value(number) for number in EXPECTED["start"]]
    optimizer = KINDS[case["kind"]](start, **case["options"], maximize=case["climb"])
    rows = list(walk(optimizer, 100, -1.0 if case["climb"] else 1.0))
    for step, expected in zip(EXPECTED["kept_steps"], case["rows"], strict=True):
        assert rows[step - 1] == pytest.approx(expected, rel=1e-10, abs=1e-10), f"step {step}"


@pytest.mark.parametrize("case", EXPECTED["schedules"], ids=lambda case: case["kind"])
def test_schedules_give_pytorchs_rates(case):
    optimizer = SGD([Value(0.0)], lr=0.3)
    schedule = SCHEDULES[case["kind"]](optimizer, **case["options"])
    rates = []
    for _ in range(12):
        rates.append(optimizer.lr)
        schedule.step()
    assert rates == pytest.approx(case["rates"], rel=1e-10)
    schedule.at(3)
    assert optimizer.lr == pytest.approx(case["rates"][3], rel=1e-10)


@pytest.mark.parametrize(("kind", "options"), RICH)
def test_a_state_carried_over_continues_to_the_same_bytes(kind, options):
    whole = KINDS[kind]([Value(number) for number in EXPECTED["start"]], **options)
    *_, expected = walk(whole, 20)
    first = KINDS[kind]([Value(number) for number in EXPECTED["start"]], **options)
    *_, halfway = walk(first, 9)
    second = KINDS[kind]([Value(number) for number in halfway], **options)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    *_, reached = walk(second, 11)
    assert reached == expected


@pytest.mark.parametrize(("kind", "options"), RICH)
def test_the_rule_traces_as_a_graph_with_the_numbers_it_has_on_floats(kind, options):
    optimizer = KINDS[kind]([Value(0.5)], **options)
    optimizer.steps = 3
    s = optimizer.scalars()
    memory = tuple(2.25 / (1 + 2 * i) for i in range(len(optimizer.memories)))
    number, kept = optimizer.rule(0.5, 0.125, memory, s)
    node, nodes = optimizer.rule(
        Value(0.5), Value(0.125), tuple(map(Value, memory)), {name: Value(x) for name, x in s.items()}
    )
    assert (node.data, [n.data for n in nodes]) == (number, list(kept))


@pytest.mark.parametrize(
    "change",
    [
        {"lr": "0.1"},
        {"lr": None},
        {"mean": 5.0},
        {"mean": [1.0, "x"]},
        {"square": [1.0]},
        {"steps": None},
        {"steps": 1.5},
        {"initial_lr": 0.0},
        {"initial_lr": "0.1"},
    ],
    ids=str,
)
def test_a_state_that_is_partly_wrong_is_refused_whole(change):
    adam = Adam([Value(1.0), Value(2.0)])
    before = adam.state_dict()
    with pytest.raises(StateError, match=r"does not fit Adam over 2 parameters; nothing was loaded\. "):
        adam.load_state_dict({"steps": 7, "lr": 0.5, "mean": [1.0, 2.0], "square": [3.0, 4.0], **change})
    assert adam.state_dict() == before


@pytest.mark.parametrize("case", EXPECTED["schedules"], ids=lambda case: case["kind"])
@pytest.mark.parametrize("made_first", [True, False])
def test_a_schedule_goes_on_from_the_rate_that_a_loaded_state_started_at(case, made_first):
    first, second = SGD([Value(1.0)], lr=0.05), SGD([Value(1.0)], lr=0.3)
    expected = SCHEDULES[case["kind"]](first, **case["options"])
    expected.at(2)
    again = SCHEDULES[case["kind"]](second, **case["options"]) if made_first else None
    second.load_state_dict(first.state_dict())
    assert (second.lr, second.initial_lr) == (first.lr, 0.05)
    again = again or SCHEDULES[case["kind"]](second, **case["options"])
    for epoch in range(2, 9):
        expected.at(epoch)
        again.at(epoch)
        assert second.lr == first.lr


def test_a_state_from_before_the_first_rate_was_kept_leaves_it():
    sgd = SGD([Value(1.0)], lr=0.3)
    sgd.load_state_dict({"steps": 4, "lr": 0.05})
    assert (sgd.steps, sgd.lr, sgd.initial_lr) == (4, 0.05, 0.3)


def test_a_state_of_another_kind_is_refused_whole():
    adam = Adam([Value(1.0), Value(2.0)])
    before = adam.state_dict()
    for state in ({}, SGD([Value(1.0)]).state_dict(), Adam([Value(1.0)]).state_dict(), {**before, "extra": 1}):
        with pytest.raises(StateError, match=r"does not fit Adam over 2 parameters; nothing was loaded"):
            adam.load_state_dict(state)
        assert adam.state_dict() == before


@pytest.mark.parametrize("kind", KINDS.values())
@pytest.mark.parametrize("lr", [-1, 0, math.nan, math.inf, "0.1", True, None])
def test_a_learning_rate_is_positive_and_finite(kind, lr):
    with pytest.raises(ArgumentError, match=r"lr is a positive number such as 0\.1, got"):
        kind([Value(1.0)], lr=lr)


@pytest.mark.parametrize(
    ("kind", "options", "text"),
    [
        (SGD, {"momentum": 2}, r"momentum is a number from 0 up to, but without, 1, such as 0\.9, got 2"),
        (SGD, {"momentum": -0.1}, "momentum is a number from 0"),
        (SGD, {"weight_decay": -1}, "weight_decay is a number from 0 up, got -1"),
        (SGD, {"nesterov": True}, r"nesterov needs a momentum such as 0\.9, and a dampening of 0"),
        (SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "nesterov needs a momentum"),
        (Adam, {"betas": (0.9, 1.0)}, r"betas\[1\] is a number from 0 up to, but without, 1"),
        (Adam, {"eps": -1e-8}, "eps is a small number from 0 up"),
        (RMSprop, {"alpha": 1}, "alpha is a number from 0"),
    ],
)
def test_a_hyperparameter_out_of_range_is_named(kind, options, text):
    with pytest.raises(ArgumentError, match=text):
        kind([Value(1.0)], **options)


@pytest.mark.parametrize("kind", KINDS.values())
def test_a_list_of_parameters_holds_values_each_once(kind):
    w = Value(1.0)
    for given in (MLP(2, [1]), 3):
        text = rf"takes a list of Values, got {type(given).__name__}: pass net\.parameters\(\)"
        with pytest.raises(ArgumentTypeError, match=text):
            kind(given)
    with pytest.raises(ArgumentError, match=r"at least one parameter: pass net\.parameters\(\)"):
        kind([])
    with pytest.raises(ArgumentError, match="in the list twice"):
        kind([w, w])
    with pytest.raises(ArgumentTypeError, match="a list of Values"):
        kind([w, 1.0])


class Breaks(Optimizer):
    def rule(self, p, g, memory, s):
        if g > 1:
            raise RuntimeError("the rule breaks")
        return p - g, memory


def test_a_step_that_breaks_moves_nothing():
    w, v = Value(1.0), Value(2.0)
    w.grad, v.grad = 0.5, 2.0
    optimizer = Breaks([w, v], lr=1.0)
    with pytest.raises(RuntimeError):
        optimizer.step()
    assert (w.data, v.data, optimizer.steps) == (1.0, 2.0, 0)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("kind", KINDS.values())
def test_ctrl_c_at_any_call_of_a_step_moves_all_or_nothing(kind):
    def stepped(at=0):
        params = [Value(1.0), Value(2.0), Value(3.0)]
        optimizer, moment = kind(params, lr=0.1), Moment(at, heard=True)
        for p, slope in zip(params, (0.5, None, -1.0), strict=True):
            p.grad = slope

        def step():
            moment.arm()
            optimizer.step()

        interrupted = moment.run(step)
        return ([p.data for p in params], list(optimizer.memory), optimizer.steps), moment.seen, interrupted

    nothing = [1.0, 2.0, 3.0], [(0.0,) * len(kind([Value(0.0)], lr=0.1).memories)] * 3, 0
    everything, count, _ = stepped()
    assert everything != nothing
    assert count > 20
    for instruction in range(1, count):
        state, _, interrupted = stepped(instruction)
        assert interrupted
        assert state in (nothing, everything), instruction


class Warming(SGD):
    """A rate that grows with the step, and nothing said about it."""

    def scalars(self):
        return {"lr": self.lr * min(1.0, self.steps / 4)}


class Halving(SGD):
    """The same through lr itself."""

    @property
    def lr(self):
        return 0.1 * 0.5**self.steps

    @lr.setter
    def lr(self, rate):
        pass


@pytest.mark.parametrize("kind", [Warming, Halving])
def test_scalars_of_ones_own_count_as_different_in_every_step(kind):
    params = [Value(1.0)]
    assert (SGD(params).scalars_vary(), SGD(params, momentum=0.5).scalars_vary()) == (False, True)
    assert (Adam(params).scalars_vary(), RMSprop(params).scalars_vary()) == (True, False)
    assert kind(params, lr=0.1).scalars_vary()
    w, v, x = Value(1.0), Value(1.0), Value(0.0)
    eager, compiled = kind([v], lr=0.1), kind([w], lr=0.1)
    for number in (1.0, 2.0, 3.0):
        v.grad = 2.0 * v.data * number**2
        eager.step()
    compile((w * x) ** 2, [x], [w]).minimize(compiled, [1.0, 2.0, 3.0])
    assert w.data == pytest.approx(v.data, rel=1e-14)


def test_a_parameter_without_a_gradient_stays():
    w, v = Value(1.0), Value(2.0)
    w.grad = 1.0
    SGD([w, v], lr=0.5).step()
    assert (w.data, v.data) == (0.5, 2.0)


def test_names():
    assert named_optimizer("Adam") is Adam
    assert all(named_optimizer(name) is kind for name, kind in OPTIMIZERS.items())
    with pytest.raises(UnknownNameError, match=r"unknown optimiser 'adm'; choose one of: adam, adamw"):
        named_optimizer("adm")


def test_the_spread_of_a_gradient_that_never_changes_is_no_less_than_0():
    w = Value(1.0)
    optimizer = RMSprop([w], lr=1e-9, centered=True)  # 3,226 steps at 0.1 once took the root of -2e-18
    for _ in range(4000):
        w.grad = 0.1
        optimizer.step()
    assert math.isfinite(w.data)


def test_a_schedule_that_is_made_late_counts_from_the_first_rate():
    for make in (lambda o: StepLR(o, 2, 0.5), lambda o: CosineAnnealingLR(o, 9, 0.01), lambda o: ExponentialLR(o, 0.5)):
        whole, resumed = SGD([Value(1.0)], lr=0.8), SGD([Value(1.0)], lr=0.8)
        schedule = make(whole)
        schedule.at(5)
        resumed.load_state_dict(whole.state_dict())
        make(resumed).at(5)
        assert resumed.lr == whole.lr < 0.8


@pytest.mark.parametrize("size", [0, -1, 1.5, None])
def test_a_schedule_counts_whole_epochs(size):
    sgd = SGD([Value(1.0)], lr=0.8)
    for kind, name in ((StepLR, "step_size"), (CosineAnnealingLR, "T_max")):
        with pytest.raises((ArgumentError, ArgumentTypeError), match=f"{name} is a whole number from 1 up, got {size}"):
            kind(sgd, size)
    assert sgd.lr == 0.8


def test_a_schedule_from_a_function():
    adam = Adam([Value(1.0)], lr=0.4)
    LambdaLR(adam, lambda n: 0.5)
    assert adam.lr == 0.2


def test_least_squares_is_the_closed_form():
    # By hand: x̄ = 2.5, ȳ = 4.25, Σ(x - x̄)(y - ȳ) = 9.5, Σ(x - x̄)² = 5.
    slope, height = least_squares([1, 2, 3, 4], [1, 4, 5, 7])
    assert (slope, height) == pytest.approx((1.9, -0.5), rel=1e-15)
    for x, y, counts in (([1, 2], [1], "2 and 1"), ([1], [1], "1 and 1")):
        with pytest.raises(ShapeError, match=f"as many x as y, and at least two: got {counts}"):
            least_squares(x, y)
    with pytest.raises(ArgumentError, match=r"all x are 3\.0"):
        least_squares([3, 3], [1, 2])


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.longdouble])
def test_no_number_of_numpys_stays_in_a_parameter(kind):
    """Of np.float32 the step itself once kept 24 bits."""
    w, plain = Value(1 / 3), Value(1 / 3)
    sgd, other = SGD([w]), SGD([plain])
    sgd.lr, other.lr = kind(0.25), 0.25
    w.grad = plain.grad = 1.5
    sgd.step()
    other.step()
    assert (type(sgd.lr), type(w.data), w.data) == (float, float, plain.data)


@pytest.mark.parametrize("rate", [-0.1, math.nan, math.inf, "0.1", None])
def test_a_rate_is_a_number_from_0_up_wherever_it_is_set(rate):
    sgd = SGD([Value(1.0)], lr=0.1, momentum=0.9)
    state = {"steps": 3, "lr": rate, "initial_lr": 0.2, "velocity": [1.0]}
    with pytest.raises(ArgumentError, match="lr is a number from 0 up, got"):
        sgd.lr = rate
    with pytest.raises(StateError, match="lr is a number from 0 up, got"):
        sgd.load_state_dict(state)
    assert sgd.state_dict() == {"steps": 0, "lr": 0.1, "initial_lr": 0.1, "velocity": [0.0]}
