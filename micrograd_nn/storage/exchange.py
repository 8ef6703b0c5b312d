"""Exchange with PyTorch: an MLP as an ``nn.Sequential`` with the same numbers, and back.

Promise (tests/test_exchange.py, where PyTorch is installed): what comes back is what went out. PyTorch is imported only
when one of these functions is called.

The names are PyTorch's own: layer k is a Linear with ``weight`` of shape (neurons, inputs) and ``bias`` of shape
(neurons), followed by its activation if it has one; so a 2-2-1 network with two sigmoids has the state_dict entries
0.weight, 0.bias, 2.weight, 2.bias.
"""

from typing import Any

from ..engine.operation import TABLE
from ..errors import ArgumentError, ArgumentTypeError, ExtraMissingError
from ..nn.layers import MLP
from .networks import architecture, take
from .packing import Tensor


def to_torch(net: MLP) -> Any:
    """The network as a torch ``nn.Sequential`` of 64-bit floats.

    Raises ArgumentTypeError for another network than an MLP, ArgumentError for an activation that PyTorch has no
    module for, ExtraMissingError if PyTorch is not installed.
    """
    if not isinstance(net, MLP):
        raise ArgumentTypeError(f"to_torch takes an MLP, got a {type(net).__name__}")
    if architecture(net)["kind"] != "MLP":
        raise ArgumentError("to_torch takes an MLP as it was built; this one shares weights or was changed by hand")
    torch = _torch()
    modules: list[Any] = []
    for layer in net.layers:
        activation, neurons = _torch_activation(layer.activation), list[Any](layer.neurons)
        linear = torch.nn.Linear(layer.nin, layer.nout, bias=neurons[0].b is not None, dtype=torch.float64)
        numbers = {"weight": [[w.data for w in neuron.w] for neuron in neurons]}
        if linear.bias is not None:
            numbers["bias"] = [neuron.b.data for neuron in neurons]
        linear.load_state_dict({name: torch.tensor(rows, dtype=torch.float64) for name, rows in numbers.items()})
        modules += [linear] if activation is None else [linear, activation]
    return torch.nn.Sequential(*modules)


def from_torch(sequential: Any) -> MLP:
    """The MLP of a torch ``nn.Sequential``: Linear layers, each followed by an activation or by none.

    Raises ArgumentTypeError for another kind of module in it, ArgumentError for an activation whose settings differ,
    ExtraMissingError if PyTorch is not installed.
    """
    torch = _torch()
    if not isinstance(sequential, torch.nn.Sequential):
        kind = type(sequential).__name__
        raise ArgumentTypeError(f"from_torch takes a torch nn.Sequential, got a {kind}; one layer: Sequential(linear)")
    layers: list[list[Any]] = []  # [linear, name of its activation]
    for module in sequential:
        if isinstance(module, torch.nn.Linear):
            layers.append([module, "identity"])
        elif layers and layers[-1][1] == "identity":
            layers[-1][1] = _our_activation(module)
        else:
            raise ArgumentTypeError(f"{module} does not follow a Linear layer; an MLP is Linear, activation, Linear, …")
    if not layers:
        raise ArgumentError("there is no Linear layer in this Sequential")
    biases = {linear.bias is not None for linear, _ in layers}
    if len(biases) > 1:
        raise ArgumentError("some layers have a bias and some have none; an MLP has them in all layers or in none")
    sizes, kinds = [linear.out_features for linear, _ in layers], [kind for _, kind in layers]
    net = MLP(layers[0][0].in_features, sizes, kinds, bias=biases.pop(), init="zeros")
    tensors = {}
    for i, (linear, _) in enumerate(layers):
        for letter, given in (("w", linear.weight), ("b", linear.bias)):
            if given is not None:
                numbers = given.detach().double().flatten().tolist()
                tensors[f"layers.{i}.neurons.{letter}"] = Tensor(tuple(given.shape), numbers)
    take(net, tensors)
    return net


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise ExtraMissingError(
            "networks are exchanged with PyTorch, which is not installed: python -m pip install torch"
        ) from None
    return torch


def _torch_activation(name: str) -> Any:
    """PyTorch's module of that name (leaky_relu is LeakyReLU), with our second operand as its setting, or None."""
    if name in ("identity", "linear"):
        return None
    torch = _torch()
    modules = {known.lower(): known for known in dir(torch.nn.modules.activation)}
    row = TABLE.get(name)
    if name == "softmax":
        return torch.nn.Softmax(dim=-1)
    if row is None or name.replace("_", "") not in modules:
        raise ArgumentError(f"PyTorch has no module for the activation {name}")
    kind = getattr(torch.nn, modules[name.replace("_", "")])
    return kind() if row.default is None else kind(row.default)


def _our_activation(module: Any) -> str:
    """The name of the activation that this module computes; its settings must be ours."""
    names = {name.replace("_", ""): name for name in [*TABLE, "softmax", "identity"]}
    name = names.get(type(module).__name__.lower())
    if name is None:
        raise ArgumentTypeError(f"{module} is no activation that this package has")
    if name != "identity" and repr(module) != repr(_torch_activation(name)):
        raise ArgumentError(f"{module} has other settings than ours, {_torch_activation(name)}")
    return name
