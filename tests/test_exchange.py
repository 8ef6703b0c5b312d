"""Exchange with PyTorch. Slow tests only: the README's test command runs without PyTorch."""

import pytest

from micrograd_nn import MLP, relu
from micrograd_nn.errors import ArgumentError, ArgumentTypeError

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch", reason="PyTorch is in the extra bench, not in the extra test")

NETS = {
    "sigmoid": {"activation": "sigmoid", "output": "sigmoid"},
    "leaky_relu and softmax": {"activation": "leaky_relu", "output": "softmax"},
    "elu without biases": {"activation": "elu", "output": "tanh", "bias": False},
    "softplus": {"activation": "softplus"},
    "relu": {"activation": "relu"},
}


@pytest.mark.parametrize("kind", NETS)
def test_there_and_back_with_the_same_numbers(kind):
    from micrograd_nn.storage.exchange import from_torch, to_torch

    net = MLP(3, [4, 2], seed=1, **NETS[kind])
    sequential = to_torch(net)
    back = from_torch(sequential)
    assert back.state_dict() == net.state_dict()
    assert repr(back) == repr(net)
    for x in ([0.3, -2.0, 1.0], [0.0, 0.0, 0.0], [-5.0, 4.0, 3.0]):
        ours = [out.data for out in net(x)]
        theirs = sequential(torch.tensor([x], dtype=torch.float64)).tolist()[0]
        assert ours == pytest.approx(theirs, rel=1e-14)


def test_the_names_are_pytorchs():
    from micrograd_nn.storage.exchange import to_torch

    net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=0)
    state = to_torch(net).state_dict()
    assert list(state) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert state["0.weight"].tolist() == [[w.data for w in neuron.w] for neuron in net.layers[0].neurons]


def test_a_float32_network_comes_in_exactly():
    from micrograd_nn.storage.exchange import from_torch

    sequential = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    net = from_torch(sequential)
    numbers = [number for tensor in sequential.state_dict().values() for number in tensor.flatten().tolist()]
    assert sorted(p.data for p in net.parameters()) == sorted(numbers)


def test_what_has_no_counterpart_is_refused():
    from micrograd_nn.storage.exchange import from_torch, to_torch

    linear = torch.nn.Linear(2, 2)
    with pytest.raises(ArgumentError, match="PyTorch has no module for the activation maxout"):
        to_torch(MLP(2, [2, 1], activation="maxout"))
    with pytest.raises(ArgumentError, match=r"negative_slope=0\.01\) has other settings than ours, .*0\.1"):
        from_torch(torch.nn.Sequential(linear, torch.nn.LeakyReLU()))
    with pytest.raises(ArgumentTypeError, match="does not follow a Linear layer"):
        from_torch(torch.nn.Sequential(torch.nn.ReLU(), linear))
    with pytest.raises(ArgumentTypeError, match="no activation that this package has"):
        from_torch(torch.nn.Sequential(linear, torch.nn.Dropout()))
    with pytest.raises(ArgumentError, match="no Linear layer"):
        from_torch(torch.nn.Sequential())
    with pytest.raises(ArgumentTypeError, match=r"takes a torch nn.Sequential, got a Linear; one layer: Sequential"):
        from_torch(linear)
    with pytest.raises(ArgumentTypeError, match="to_torch takes an MLP, got a Linear"):
        to_torch(linear)
    with pytest.raises(ArgumentError, match="some layers have a bias and some have none"):
        from_torch(torch.nn.Sequential(linear, torch.nn.Linear(2, 1, bias=False)))


def test_what_was_changed_by_hand_is_refused():
    """Another activation in one neuron once went out as the layer's."""
    from micrograd_nn.storage.exchange import to_torch

    swapped, shared = MLP(2, [2, 1], activation="tanh"), MLP(2, [2, 1])
    swapped.layers[0].neurons[0].activation = relu
    shared.layers[0].neurons[0].w = shared.layers[0].neurons[1].w
    for net in (swapped, shared):
        with pytest.raises(ArgumentError, match="an MLP as it was built; this one shares weights or was changed"):
            to_torch(net)
