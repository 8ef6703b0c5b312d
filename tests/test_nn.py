"""Networks: what a neuron computes, the order and names of parameters, states, labels."""

import pickle
from collections.abc import Callable
from itertools import chain, product
from math import tanh

import pytest

from micrograd_nn import MLP, TABLE, UNREACHED, Layer, Maxout, Module, Neuron, Operation, Value, grad, softmax
from micrograd_nn.engine.graph import topological_order
from micrograd_nn.errors import ArgumentError, ArgumentTypeError, ShapeError, StateError, UnknownNameError
from micrograd_nn.nn.layers import named_activation
from micrograd_nn.nn.naming import LABELLED

ACTIVATIONS = [row.name for row in TABLE.values() if row.arity == 1 or row.default is not None]


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "identity", "linear"])
def test_a_neuron_is_its_formula(activation: str) -> None:
    neuron = Neuron(3, activation, weights=[0.5, -1.0, 2.0], bias=-1.25)
    weighted = 0.5 * 1.5 + -1.0 * 0.5 + 2.0 * 0.75 + -1.25  # 0.5, where every row is a real number
    expected = weighted if activation in ("identity", "linear") else TABLE[activation](weighted)
    assert neuron([1.5, 0.5, 0.75]).data == expected
    assert Neuron(1, activation, weights=[2.0], bias=False)([1.0]).label == "h1"


def test_an_operation_serves_as_activation(own_rows: None) -> None:
    own = Operation(
        "double", doc="2a.", forward=lambda a: 2 * a, partials=(lambda a, out: 2.0,), latex="2{a:3}", numpy="2 * {a}"
    )
    assert Neuron(1, own, weights=[3.0], bias=1)([1.0]).data == 8.0
    assert Neuron(1, "double", weights=[3.0], bias=1)([1.0]).data == 8.0
    assert repr(MLP(1, [2, 1], own, seed=0)) == "MLP(1, [2 double, 1 identity])"


def test_a_layer_without_activation_returns_its_sums() -> None:
    layer = Layer(2, 2, "identity", weights=[1.0, 2.0])
    assert [out.data for out in layer([3.0, 4.0])] == [11.0, 11.0]


@pytest.mark.parametrize("activation", ["relu", "maxout", "softmax"])
def test_a_network_is_its_layers(activation: str) -> None:
    net = MLP(2, [3, 4, 2], activation, output="tanh", seed=1)
    values = [0.5, -1.5]
    for layer in net.layers:
        values = layer(values)
    assert [v.data for v in values] == [v.data for v in net([0.5, -1.5])]


def test_maxout_keeps_the_largest_sum() -> None:
    unit = Maxout(2, pieces=3, seed=0)
    x = [0.7, -0.4]
    sums = [sum(w.data * v for w, v in zip(piece.w, x, strict=True)) for piece in unit.pieces]
    assert len({piece.w[0].data for piece in unit.pieces}) == 3, "each piece draws its own weights"
    out = unit(x)
    assert out.data == max(sums)
    slopes = grad(out, unit.parameters())
    best = sums.index(max(sums))
    expected = [[v, w, 1.0] if i == best else [0.0] * 3 for i, (v, w) in enumerate([x] * 3)]
    assert slopes == list(chain.from_iterable(expected))
    assert [p.label for p in unit.parameters()] == ["w1", "w2", "b1", "w3", "w4", "b2", "w5", "w6", "b3"]


@pytest.mark.parametrize("output", ["identity", "softmax", "maxout"])
@pytest.mark.parametrize("activation", ["tanh", "maxout"])
def test_a_label_names_one_node(activation: str, output: str) -> None:
    net = MLP(2, [3, 3, 2], activation, output, seed=1)
    labels = [node.label for node in topological_order(*net([0.5, -1.5])) if node.label]
    assert len(labels) == len(set(labels))
    assert {"h1", "h6", "o1", "o2"} <= set(labels)


def test_pieces_are_for_the_maxouts_of_a_network() -> None:
    net = MLP(2, [4, 3, 1], ["maxout", "tanh", "identity"], pieces=5, seed=0)
    assert [[len(neuron.units) for neuron in layer.neurons] for layer in net.layers] == [[5] * 4, [1] * 3, [1]]


def test_softmax_acts_on_the_whole_layer() -> None:
    layer = Layer(2, 3, "softmax", seed=0)
    shares = layer([1.0, 2.0])
    plain = Layer(2, 3, "identity", seed=0)([1.0, 2.0])
    assert [s.data for s in shares] == [s.data for s in softmax(plain)]
    assert sum(s.data for s in shares) == pytest.approx(1.0, rel=1e-15)
    assert [s.label for s in shares] == ["h1", "h2", "h3"]
    assert {"z1", "z2", "z3"} <= {node.label for node in topological_order(*shares)}


def test_options_reach_every_layer() -> None:
    net = MLP(2, [3, 1], bias=False, init="zeros")
    assert [p.data for p in net.parameters()] == [0.0] * 9
    assert MLP(2, [3, 1], seed=5).state_dict() == MLP(2, [3, 1], seed=5).state_dict()
    assert MLP(2, [3, 1], seed=5).state_dict() != MLP(2, [3, 1], seed=6).state_dict()


def test_one_activation_per_layer() -> None:
    net = MLP(2, [3, 2, 1], activation=["tanh", TABLE["sigmoid"], "identity"])
    assert repr(net) == "MLP(2, [3 tanh, 2 sigmoid, 1 identity])"
    x = [w.data for w in net.layers[0].neurons[0].w]
    assert net.layers[0].neurons[0]([1.0, 1.0]).data == tanh(x[0] + x[1])


# ---- parameters ----


def test_names_and_labels() -> None:
    net = MLP(2, [2, 1], seed=0)
    names = ["layers.0.neurons.0.w.0", "layers.0.neurons.0.w.1", "layers.0.neurons.0.b", "layers.0.neurons.1.w.0"]
    assert [name for name, _ in net.named_parameters()][:4] == names
    assert [p.label for p in net.parameters()] == ["w1", "w2", "b1", "w3", "w4", "b2", "w5", "w6", "b3"]
    out = net([Value(1.0, "height"), 2.0])
    labels = {node.label for node in topological_order(out)}
    assert {"height", "x2", "h1", "h2", "o1", "w6", "b3"} <= labels
    assert [n.label for n in MLP(1, [2, 2, 2], seed=0).layers[1].neurons] == ["h3", "h4"]
    assert [v.label for v in MLP(1, [2, 2], seed=0)([1.0])] == ["o1", "o2"]


def test_a_large_network_leaves_labels_to_its_names() -> None:
    small, large = MLP(9, [LABELLED // 10], bias=True), MLP(9, [LABELLED // 10, 1])
    assert len(small.parameters()) == LABELLED
    assert small.parameters()[-1].label == f"b{LABELLED // 10}"
    assert {p.label for p in large.parameters()} == {""}
    assert dict(large.named_parameters())["layers.0.neurons.3.w.2"] is large.layers[0].neurons[3].w[2]


class Tied(Module):
    """Holds what a module can hold: a shared Value, a module twice, itself, lists, a dict, and a computed node."""

    def __init__(self) -> None:
        self.w = Value(1.0)
        self.again = self.w
        self.first = Neuron(1, weights=[2.0], bias=False)
        self.blocks = [[self.first, Value(3.0)], (Value(4.0),)]
        self.heads = {"a": Neuron(1, weights=[5.0]), 1: Value(6.0)}
        self.me = self
        self.computed = self.w * 2
        self.name, self.nothing = "tied", None


def test_shared_parameters_come_once() -> None:
    tied = Tied()
    names = ["w", "first.w.0", "blocks.0.1", "blocks.1.0", "heads.a.w.0", "heads.a.b", "heads.1"]
    assert [name for name, _ in tied.named_parameters()] == names
    assert [p.data for p in tied.parameters()] == [1.0, 2.0, 3.0, 4.0, 5.0, 0.0, 6.0]
    tied.load_state_dict({name: i for i, name in enumerate(names)})
    assert [p.data for p in tied.parameters()] == [0, 1, 2, 3, 4, 5, 6]
    assert tied.again is tied.w


def test_a_users_module_is_pickled_with_what_it_shares() -> None:
    tied = Tied()
    (tied.w * tied.first([2.0])).backward()
    twin = pickle.loads(pickle.dumps(tied))
    assert twin.again is twin.w
    assert twin.me is twin
    assert twin.blocks[0][0] is twin.first
    assert twin.computed.operands[0] is twin.w
    assert [(p.data, repr(p.grad)) for p in twin.parameters()] == [(p.data, repr(p.grad)) for p in tied.parameters()]
    assert not set(twin.parameters()) & set(tied.parameters())


def test_zero_grad_forgets() -> None:
    net = MLP(2, [2, 1], seed=0)
    net([1.0, 2.0]).backward()
    assert any(p.grad for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is UNREACHED for p in net.parameters())


# ---- states ----


def test_a_state_goes_there_and_back() -> None:
    net, other = MLP(2, [3, 1], seed=0), MLP(2, [3, 1], seed=1)
    state = net.state_dict()
    other.load_state_dict(state)
    assert other.state_dict() == state
    for x in product((-1.0, 0.5), repeat=2):
        assert other(x).data == net(x).data


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        (lambda s: s.pop("layers.0.neurons.0.b"), ["missing layers.0.neurons.0.b"]),
        (lambda s: s.update(more=1.0), ["not a parameter of this module: more"]),
        (lambda s: s.update({"layers.0.neurons.0.b": "x"}), ["layers.0.neurons.0.b: expected one real number", "'x'"]),
        (
            lambda s: (s.popitem(), s.update(a=1, b=2)),
            ["missing", "module: a", "module: b", "MLP(2, ["],
        ),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change: Callable[[dict], object], texts: list[str]) -> None:
    net = MLP(2, [2, 1], seed=0)
    before = net.state_dict()
    state = MLP(2, [2, 1], seed=1).state_dict()
    change(state)
    with pytest.raises(StateError, match=r"does not fit .*; nothing was loaded") as caught:
        net.load_state_dict(state)
    assert all(text in str(caught.value) for text in texts)
    assert net.state_dict() == before
    with pytest.raises(ArgumentTypeError, match="a state_dict maps names to numbers, got a list"):
        net.load_state_dict([1.0])


def test_named_activation() -> None:
    assert named_activation("identity") is None
    assert named_activation("tanh") is TABLE["tanh"]
    assert named_activation(TABLE["tanh"]) is TABLE["tanh"]


@pytest.mark.parametrize(
    ("make", "of_a_layer"),
    [
        (lambda name: Neuron(2, name), False),
        (lambda name: Layer(2, 2, name), True),
        (lambda name: MLP(2, [2, 1], activation=name), True),
        (lambda name: MLP(2, [1], output=name), True),
        (lambda name: MLP(2, [1], activation=name), True),  # a single layer has no use for it
    ],
)
def test_every_name_that_is_offered_is_taken_and_no_other(make: Callable[[str], Module], of_a_layer: bool) -> None:
    with pytest.raises(UnknownNameError, match="unknown activation 'Tanh'; choose one of: tanh") as caught:
        make("Tanh")
    offered = str(caught.value).partition("choose one of: ")[2].split(", ")
    for name in offered:
        make(name)
    assert {"maxout", "softmax"} & {*offered} == ({"maxout", "softmax"} if of_a_layer else set())


def test_what_acts_on_a_whole_layer_is_not_for_a_single_neuron() -> None:
    for name in ("softmax", "maxout"):
        with pytest.raises(UnknownNameError, match=f"unknown activation of a single neuron '{name}'; choose one of"):
            Neuron(2, name)


def test_what_an_activation_can_not_be_is_said_when_the_network_is_made() -> None:
    with pytest.raises(ArgumentError, match="mul takes two operands; an activation takes one"):
        Neuron(2, TABLE["mul"])
    with pytest.raises(ArgumentError, match=r"a list gives each layer its activation, .* put 'sigmoid' at its end"):
        MLP(2, [4, 1], ["tanh", "relu"], output="sigmoid")


def test_a_list_of_activations_has_one_per_layer() -> None:
    with pytest.raises(ShapeError, match="got 3 layers and"):
        MLP(1, [1, 1, 1], ["relu"])


# ---- names for networks of one's own ----


class Three(Module):
    """A network as a beginner writes it."""

    def __init__(self, **options: object) -> None:
        self.h1 = Neuron(2, "sigmoid", **options)
        self.h2 = Neuron(2, "sigmoid", **options)
        self.o1 = Neuron(2, "sigmoid", **options)

    def __call__(self, x: list) -> Value:
        return self.o1([self.h1(x), self.h2(x)])


def labels_of(net: Module) -> list[str]:
    return [p.label for p in net.parameters()]


def test_three_neurons_are_named_as_the_textbook_names_them() -> None:
    net = Three(seed=0)
    assert labels_of(net) == ["w1", "w2", "b1", "w3", "w4", "b2", "w5", "w6", "b3"]
    nodes = topological_order(net([1.0, 2.0]))
    labels = [node.label for node in nodes if node.label]
    assert sorted(labels) == sorted([*labels_of(net), "x1", "x2", "h1", "h2", "o1"])
    own = [Value(1.0, "height"), 2]
    assert {"height", "x2"} < {node.label for node in topological_order(net(own))}
    assert net(own).data == net((1.0, 2.0)).data


class Parts(Module):
    """Lists, layers, a network in a network, and labels of one's own."""

    def __init__(self) -> None:
        self.gate = Neuron(2)
        self.some = [Neuron(2), Maxout(2)]
        self.heads = {"a": Neuron(1), "b": Neuron(1)}
        self.inner = Three()
        self.more = [Three()]
        self.out = Layer(3, 2)
        self.inner.h2.label = "mine"
        self.some[0].w[1].label = "alpha"


def test_parts_are_counted_through_and_labels_of_a_person_stay() -> None:
    net = Parts()
    named = {name: part.label for name, part in net.named_modules() if isinstance(part, Neuron)}
    assert " ".join(named.values()) == "gate h3 h4 s1 s2 a b h1 mine o1 h5 h6 o2 o3 o4"
    labels = labels_of(net)
    assert labels[:6] == ["w1", "w2", "b1", "w3", "alpha", "b2"]
    assert len(set(labels)) == len(labels)
    outer = Module()
    outer.net = net
    assert labels_of(outer) == labels


def test_layers_of_ones_own_end_in_outputs() -> None:
    class Two(Module):
        def __init__(self) -> None:
            self.first, self.second = Layer(2, 2), Layer(2, 1)

    assert [n.label for _, n in Two().named_modules() if isinstance(n, Neuron)] == ["h1", "h2", "o1"]
    assert [n.label for n in Layer(1, 2).neurons] == ["h1", "h2"]


def test_what_a_network_of_ones_own_takes_reaches_it_unless_it_is_a_row_of_numbers() -> None:
    class Echo(Module):
        def __call__(self, *args: object, **options: object) -> object:
            return args, options

    for given in ("ab", [[1.0], [2.0]], [], 3.0, None, {"a": 1}, ["a", 1.0]):
        assert Echo()(given, [1.0], x=[2.0]) == ((given, [1.0]), {"x": [2.0]})
    (row,), _ = Echo()([1.0, Value(2.0)])
    assert [(v.data, v.label) for v in row] == [(1.0, "x1"), (2.0, "")]
