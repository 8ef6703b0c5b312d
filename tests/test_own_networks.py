"""The class of three neurons, as every beginner writes it, goes all the way: derived, checked, drawn, run, kept."""

import pytest
from pictures import WEIGHTS, friends_loss

from micrograd_nn import (
    Module,
    Neuron,
    Value,
    check_partials,
    compile,
    draw_dot,
    draw_network,
    explain,
    fit,
    load_into,
    mse,
    paths,
    predict,
    quiz,
    save,
    walk,
)
from micrograd_nn.errors import FormatError
from micrograd_nn.storage import load


class Net(Module):
    def __init__(self):
        self.h1 = Neuron(2, "sigmoid", seed=1)
        self.h2 = Neuron(2, "sigmoid", seed=2)
        self.o1 = Neuron(2, "sigmoid", seed=3)

    def __call__(self, x):
        return self.o1([self.h1(x), self.h2(x)])


@pytest.fixture
def both():
    """The class with its loss, and the same network as an MLP with its loss."""
    net, (twin, expected) = Net(), friends_loss()
    for parameter, weight in zip(net.parameters(), WEIGHTS, strict=True):
        parameter.data = weight
    loss = mse(net([-2, -1]), Value(1, "y"))
    loss.label = "L"
    return net, loss, twin, expected


def test_it_is_derived_checked_and_asked_as_the_mlp_is(both):
    net, loss, twin, expected = both
    for ours, theirs in zip(net.parameters(), twin.parameters(), strict=True):
        assert ours.label == theirs.label
        assert str(explain(loss, ours)) == str(explain(expected, theirs))
        assert str(paths(loss, ours)) == str(paths(expected, theirs))
    slip = {("L", "w1"): "-2(y - o1)*w5*x1", ("o1", "h1"): "w5*o1(1 - o1)", ("h1", "w1"): "x1*h1(1 - h1)"}
    assert str(check_partials(loss, slip)) == str(check_partials(expected, slip))
    assert [finding.ok for finding in check_partials(loss, slip).findings] == [False, True, True]
    assert str(quiz(loss, seed=1)) == str(quiz(expected, seed=1))


def test_it_is_drawn_and_walked_as_the_mlp_is(both):
    net, loss, twin, expected = both
    assert walk(loss).html == walk(expected).html
    assert draw_dot(loss, closed=True).source == draw_dot(expected, closed=True).source
    assert draw_network(net).source == draw_network(twin).source
    assert draw_network(net, [3, 4]).source == draw_network(twin, [3, 4]).source
    loss.backward(), expected.backward()
    assert draw_network(net, loss=loss).source == draw_network(twin, loss=expected).source


def test_it_is_compiled_and_trained_as_the_mlp_is(both):
    net, _, twin, _ = both
    losses = []
    for one in (net, twin):
        x, y = [Value(0.0), Value(0.0)], Value(0.0)
        program = compile(mse(one(x), y), [x, y], one.parameters())
        losses.append((str(program), program([[-2.0, -1.0]], [1.0])))
        fit(one, [[-2.0, -1.0], [25.0, 6.0]], [1, 0], epochs=20, loss="mse", seed=0)
    assert losses[0] == losses[1]
    assert [p.data for p in net.parameters()] == [p.data for p in twin.parameters()]
    assert predict(net, [[1.0, 2.0]]).tolist() == predict(twin, [[1.0, 2.0]]).tolist()


def test_it_is_saved_and_loaded_with_its_names(both, tmp_path):
    net, *_ = both
    save(net, tmp_path / "net")
    with pytest.raises(FormatError, match="network of your own: build it, then load_into"):
        load(tmp_path / "net")
    other = load_into(Net(), tmp_path / "net")
    assert other.state_dict() == net.state_dict()
    assert [p.label for p in other.parameters()] == [p.label for p in net.parameters()]
