"""Rows 17 to 20 of the reliability table: networks of wrong sizes, and wrong inputs to them."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from test_bad_input import refuses

from micrograd_nn import MLP, UNREACHED, Layer, MicrogradError, Neuron, Value
from micrograd_nn.errors import ArgumentError, ArgumentTypeError, NumberError, ShapeError, UnknownNameError

NET = MLP(2, [3, 1], activation="tanh", seed=0)


@pytest.mark.parametrize(
    ("thing", "nin", "name"),
    [
        (Neuron(3), 3, "neuron h1"),
        (Layer(3, 2), 3, "a layer"),
        (MLP(3, [2, 1]), 3, "the network"),
        (MLP(3, [2, 1]).layers[0].neurons[1], 3, "neuron h2"),
        (MLP(3, [2, 1]).layers[1].neurons[0], 2, "neuron o1"),
        (Layer(3, 2, "maxout").neurons[1], 3, "neuron h2"),
    ],
)
def test_row_17_the_number_of_inputs(thing: Callable[[object], object], nin: int, name: str) -> None:
    for given in (nin + 2, nin - 1, 0):
        watched = [Value(1.0) for _ in range(given)]
        with refuses(ShapeError, ValueError, f"^{name} takes {nin} inputs, got {given}$", *watched):
            thing(watched)


@pytest.mark.parametrize(
    ("x", "kind", "text"),
    [
        ("ab", ArgumentTypeError, "the network takes a list of 2 numbers or Values, got the str 'ab'"),
        ({"a": 1, "b": 2}, ArgumentTypeError, "got the dict {'a': 1, 'b': 2}"),
        ({1.0, 2.0}, ArgumentTypeError, "got the set"),
        (3.0, ArgumentTypeError, "got the float 3.0"),
        (Value(3.0), ArgumentTypeError, r"got the Value Value\(data=3.0"),
        (None, ArgumentTypeError, "got the NoneType None"),
        (np.array(3.0), ArgumentTypeError, "got the ndarray"),
        ([1.0, "2"], NumberError, "input x2 of the network: expected one real number, got the str '2'"),
        ([[1.0, 2.0], [3.0, 4.0]], NumberError, r"input x1 of the network: .* a list; .*rows: \[net\(x\) for x in X\]"),
        (np.ones((2, 2)), NumberError, r"input x1 of the network: .* ndarray of shape \(2,\)"),
        ([1.0, None], NumberError, "input x2 of the network"),
        ([], ShapeError, "takes 2 inputs, got 0"),
        ([[1.0, 2.0], [3.0]], NumberError, "input x1 of the network"),
    ],
)
def test_row_18_what_is_not_a_list_of_numbers(x: object, kind: type[MicrogradError], text: str) -> None:
    builtin = ValueError if kind is ShapeError else TypeError
    with refuses(kind, builtin, text, *NET.parameters()):
        NET(x)


def test_row_18_a_generator_is_read_once() -> None:
    reads = []

    def inputs() -> Iterator[float]:
        for number in (0.5, -1.0):
            reads.append(number)
            yield number

    assert NET(inputs()).data == NET([0.5, -1.0]).data == NET((0.5, -1.0)).data == NET(np.array([0.5, -1.0])).data
    assert reads == [0.5, -1.0]


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: Neuron(-1), ArgumentError, "number of inputs of a neuron is a whole number from 1 up, got -1"),
        (lambda: Neuron(0), ArgumentError, "from 1 up, got 0"),
        (lambda: Neuron(2.5), ArgumentTypeError, "from 1 up, got 2.5"),
        (lambda: Neuron("3"), ArgumentTypeError, "from 1 up, got '3'"),
        (lambda: Neuron(True), ArgumentTypeError, "from 1 up, got True"),
        (lambda: Neuron(2, weights=[1.0]), ShapeError, "a neuron of 2 inputs takes 2 weights, got 1"),
        (lambda: Neuron(2, weights=3), ArgumentTypeError, "the weights of a neuron are a list of 2 numbers, got 3"),
        (lambda: Neuron(1, weights=["a"]), NumberError, "expected one real number, got the str 'a'"),
        (lambda: Neuron(1, bias="a"), NumberError, "expected one real number, got the str 'a'"),
        (lambda: Neuron(1, seed="a"), ArgumentTypeError, "seed is a whole number or None, got 'a'"),
        (lambda: Neuron(1, init="hee"), UnknownNameError, "unknown initialiser 'hee'; choose one of: he, "),
        (lambda: Neuron(1, "rellu"), UnknownNameError, "unknown activation 'rellu'; choose one of: relu, "),
        (lambda: Layer(2, 0), ArgumentError, "number of neurons of a layer is a whole number from 1 up, got 0"),
        (lambda: MLP(2, []), ShapeError, r"needs at least one layer: give its size in a list, such as \[1\]"),
        (lambda: MLP(2, 3), ArgumentTypeError, r"the layers' sizes are a list such as \[16, 16, 1\], got 3"),
        (lambda: MLP(2, "3"), ArgumentTypeError, r"a list such as \[16, 16, 1\], got '3'"),
        (lambda: MLP(2, [3, 0]), ArgumentError, "number of neurons of a layer is a whole number from 1 up, got 0"),
        (lambda: MLP(0, [3]), ArgumentError, "number of inputs of a network is a whole number from 1 up, got 0"),
        (
            lambda: MLP(2, [3, 1], ["relu"]),
            ShapeError,
            "takes an activation, .*: got 2 layers and 1",
        ),
        (lambda: MLP(2, [3, 1], 5), UnknownNameError, "unknown activation 5; choose one of: "),
        (lambda: MLP(2, [3, 1], output="sofmax"), UnknownNameError, "unknown activation 'sofmax'; choose one of: soft"),
    ],
)
def test_row_19_sizes_and_names(make: Callable[[], object], kind: type[MicrogradError], text: str) -> None:
    with refuses(kind, TypeError if issubclass(kind, TypeError) else ValueError, text):
        make()


def test_row_19_what_is_as_good() -> None:
    assert (
        repr(MLP(2, (3, 1), seed=0)) == repr(MLP(2, [3, 1], seed=0)) == repr(MLP(np.int64(2), [np.int32(3), 1], seed=0))
    )


def test_row_20_width_one() -> None:
    for activation in ("relu", "maxout", "softmax", "tanh"):
        net = MLP(1, [1, 1, 1], activation, seed=0)
        out = net([2.0])
        assert isinstance(out, Value)
        out.backward()
        assert all(p.grad is not UNREACHED for p in net.parameters())
