"""Neurons, layers and networks on top of Value.

Promise: a network is nothing but Values and the table's operations; its parameters come in the textbook's order,
neuron by neuron, weights before bias; and its inputs are checked before the first node is made.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, pairwise
from operator import mul
from random import Random
from typing import Any

from .errors import ArgumentError, ArgumentTypeError, NumberError, ShapeError, StateError, UnknownNameError
from .functional import maxout, softmax, total
from .init import Initialiser, initialiser, source_of
from .operation import TABLE, Operation, as_float
from .value import Value

LABELLED = 1000  # up to so many parameters carry a label of their own: w1, b1; beyond, named_parameters makes names


class Module:
    """What has parameters: Values, other modules, or lists of them, held as attributes.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.m, self.b = Value(2.0), Value(1.0)
    ...     def __call__(self, x):
    ...         return self.m * x + self.b
    >>> Line().state_dict()
    {'m': 2.0, 'b': 1.0}
    """

    def parameters(self) -> list[Value]:
        """The parameters in order, each once."""
        return [parameter for _, parameter in self.named_parameters()]

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Pairs like ("layers.0.neurons.3.w.2", parameter), each parameter once."""
        seen = set()
        for name, parameter in _named("", vars(self)):
            if parameter not in seen:
                seen.add(parameter)
                yield name, parameter

    def zero_grad(self) -> None:
        """Forget all gradients: each parameter's ``.grad`` is None again."""
        for parameter in self.parameters():
            parameter.grad = None

    def state_dict(self) -> dict[str, float]:
        """The parameters' numbers by name."""
        return {name: parameter.data for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Take over a state_dict's numbers, all or none. Raises StateError, which lists all that does not fit."""
        parameters = dict(self.named_parameters())
        faults = [f"missing {name}" for name in parameters if name not in state]
        faults += [f"not a parameter of this module: {name}" for name in state if name not in parameters]
        numbers = {}
        for name in parameters.keys() & state.keys():
            try:
                numbers[name] = as_float(state[name])
            except (NumberError, OverflowError) as error:
                faults.append(f"{name}: {error}")
        if faults:
            raise StateError(f"this state_dict does not fit {self}; nothing was loaded. " + "; ".join(sorted(faults)))
        for name, number in numbers.items():
            parameters[name].data = number


def _named(prefix: str, held: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    for name, thing in held.items():
        if isinstance(thing, Value):
            if thing.operation is None:
                yield prefix + name, thing
        elif isinstance(thing, Module):
            yield from _named(f"{prefix}{name}.", vars(thing))
        elif isinstance(thing, list | tuple):
            yield from _named(f"{prefix}{name}.", {str(i): item for i, item in enumerate(thing)})


class Neuron(Module):
    """activation(w1·x1 + … + wn·xn + b).

    >>> h = Neuron(2, activation="sigmoid", weights=[0, 1], bias=4)
    >>> h([2, 3])
    Value(data=0.9990889488055994, grad=None, label='h1')

    ``activation`` is the name of an operation ("identity" for none). ``weights`` and ``bias`` that are not given are
    drawn by ``init`` (see init.INITIALISERS) and 0; ``bias=False`` leaves the bias out.

    Raises ShapeError on a wrong number of weights or inputs, UnknownNameError on an unknown activation.
    """

    def __init__(
        self,
        nin: int,
        activation: str | Operation = "relu",
        weights: Sequence[float] | None = None,
        bias: float | bool | None = None,
        *,
        init: str | Initialiser = "uniform",
        seed: int | Random | None = None,
        nout: int = 1,
    ) -> None:
        self.nin = whole_number("the number of inputs of a neuron", nin)
        self.activation = named_activation(activation)
        self.label = "h1"
        if weights is None:
            draw, source = initialiser(init), source_of(seed)
            weights = [draw(source, nin, nout) for _ in range(nin)]
        if len(weights) != nin:
            raise ShapeError(f"a neuron of {nin} inputs takes {nin} weights, got {len(weights)}")
        self.w = [Value(weight) for weight in weights]
        self.b = None if bias is False else Value(0.0 if bias is None or bias is True else bias)
        _label([[self]])

    def __call__(self, x: Iterable[Any]) -> Value:
        return self.fire(as_inputs(x, self.nin, f"neuron {self.label}"))

    def fire(self, x: Sequence[Value]) -> Value:
        """The output on inputs that have been checked."""
        out: Value = total(map(mul, self.w, x))
        if self.b is not None:
            out = out + self.b
        if self.activation is not None:
            out = self.activation(out)
        out.label = self.label
        return out

    def __repr__(self) -> str:
        return f"Neuron({self.nin}, {self.activation.name if self.activation else 'identity'})"


class Maxout(Module):
    """A neuron that keeps the largest of several weighted sums: max(w·x + b, w'·x + b')."""

    def __init__(self, nin: int, pieces: int = 2, **options: Any) -> None:
        self.nin = nin
        self.pieces = [Neuron(nin, "identity", **options) for _ in range(whole_number("pieces", pieces))]
        self.label = "h1"
        _label([[self]])

    def __call__(self, x: Iterable[Any]) -> Value:
        return self.fire(as_inputs(x, self.nin, f"neuron {self.label}"))

    def fire(self, x: Sequence[Value]) -> Value:
        """The output on inputs that have been checked."""
        out: Value = maxout(piece.fire(x) for piece in self.pieces)
        out.label = self.label
        return out

    def __repr__(self) -> str:
        return f"Maxout({self.nin}, pieces={len(self.pieces)})"


class Layer(Module):
    """Neurons side by side on the same inputs; one output is returned as a Value, more as a list.

    ``activation`` may also be "maxout", or "softmax", which acts on the sums of the whole layer. The other options
    are those of Neuron.
    """

    def __init__(self, nin: int, nout: int, activation: str | Operation = "relu", **options: Any) -> None:
        self.nin = whole_number("the number of inputs of a layer", nin)
        self.nout = whole_number("the number of neurons of a layer", nout)
        self.activation = activation if isinstance(activation, str) else activation.name
        options |= {"seed": source_of(options.get("seed")), "nout": nout}
        if self.activation == "maxout":
            self.neurons: list[Any] = [Maxout(nin, **options) for _ in range(nout)]
        else:
            single = "identity" if self.activation == "softmax" else activation
            self.neurons = [Neuron(nin, single, **options) for _ in range(nout)]
        _label([self.neurons])

    def __call__(self, x: Iterable[Any]) -> Any:
        return one_or_all(self.fire(as_inputs(x, self.nin, "a layer")))

    def fire(self, x: Sequence[Value]) -> list[Value]:
        """The outputs on inputs that have been checked."""
        out = [neuron.fire(x) for neuron in self.neurons]
        if self.activation == "softmax":
            sums, out = out, softmax(out)
            for i, (z, share) in enumerate(zip(sums, out, strict=True), start=1):
                z.label, share.label = f"z{i}", z.label
        return out

    def __repr__(self) -> str:
        return f"Layer({self.nin}, {self.nout}, {self.activation})"


class MLP(Module):
    """A multi-layer perceptron: ``MLP(2, [16, 16, 1])`` has two hidden layers of 16 and one output.

    ``activation`` is that of the hidden layers and ``output`` that of the last; a list gives each layer its own.
    The other options are those of Neuron: bias, init, seed.

    >>> net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=0)
    >>> [p.label for p in net.parameters()]
    ['w1', 'w2', 'b1', 'w3', 'w4', 'b2', 'w5', 'w6', 'b3']
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: str | Operation | Sequence[str | Operation] = "relu",
        output: str | Operation = "identity",
        **options: Any,
    ) -> None:
        if isinstance(nouts, str) or not isinstance(nouts, Sequence):
            raise ArgumentTypeError(f"the layers' sizes are a list such as [16, 16, 1], got {nouts!r}")
        if not nouts:
            raise ShapeError("a network needs at least one layer: give its size in a list, such as [1]")
        sizes = [whole_number("the number of inputs of a network", nin), *nouts]
        if isinstance(activation, str | Operation):
            kinds = [activation] * (len(nouts) - 1) + [output]
        else:
            kinds = list(activation)
        if len(kinds) != len(nouts):
            raise ShapeError(f"{len(nouts)} layers take {len(nouts)} activations, got {len(kinds)}")
        options["seed"] = source_of(options.get("seed"))
        self.nin = nin
        self.layers = [Layer(*size, kind, **options) for size, kind in zip(pairwise(sizes), kinds, strict=True)]
        _label([layer.neurons for layer in self.layers], last="o")

    def __call__(self, x: Iterable[Any]) -> Any:
        values = as_inputs(x, self.nin, "the network")
        for layer in self.layers:
            values = layer.fire(values)
        return one_or_all(values)

    def __repr__(self) -> str:
        kinds = ", ".join(f"{layer.nout} {layer.activation}" for layer in self.layers)
        return f"MLP({self.nin}, [{kinds}])"


def as_inputs(x: Iterable[Any], nin: int, who: str) -> list[Value]:
    """x as Values, numbers labelled x1, x2, …; a generator is read once. Raises before a node is made."""
    if isinstance(x, str | bytes | Mapping) or not isinstance(x, Iterable):
        raise ArgumentTypeError(f"{who} takes a list of {nin} numbers or Values, got {type(x).__name__} {x!r:.60}")
    given = list(x)
    if len(given) != nin:
        raise ShapeError(f"{who} takes {nin} inputs, got {len(given)}")
    return [v if isinstance(v, Value) else Value(v, f"x{i}") for i, v in enumerate(given, start=1)]


def one_or_all(values: list[Value]) -> Value | list[Value]:
    """The Value itself where there is just one, as micrograd returns it."""
    return values[0] if len(values) == 1 else values


def named_activation(activation: str | Operation) -> Operation | None:
    """The operation of that name; None for "identity" and "linear"."""
    if isinstance(activation, Operation):
        return activation
    if activation in ("identity", "linear"):
        return None
    legal = [row.name for row in TABLE.values() if row.arity == 1 or row.default is not None]
    if activation not in legal:
        raise UnknownNameError("activation", activation, [*legal, "identity", "maxout", "softmax"])
    return TABLE[activation]


def whole_number(what: str, given: Any, least: int = 1) -> int:
    """given, if it is a whole number of at least ``least``. Raises ArgumentTypeError or ArgumentError otherwise."""
    if isinstance(given, bool) or not isinstance(given, int):
        raise ArgumentTypeError(f"{what} is a whole number from {least} up, got {given!r}")
    if given < least:
        raise ArgumentError(f"{what} is a whole number from {least} up, got {given}")
    return given


def _label(layers: Sequence[Sequence[Any]], last: str = "h") -> None:
    """Textbook labels: weights w1, w2, …, biases b1, b2, …, hidden neurons h1, h2, …, outputs o1, …"""
    parameters = [p for neurons in layers for neuron in neurons for _, p in neuron.named_parameters()]
    weights, biases, hidden = count(1), count(1), count(1)
    for neurons in layers:
        letter, numbers = (last, count(1)) if neurons is layers[-1] and last == "o" else ("h", hidden)
        for neuron in neurons:
            neuron.label = f"{letter}{next(numbers)}"
            if len(parameters) > LABELLED:
                continue
            for name, parameter in neuron.named_parameters():
                parameter.label = f"b{next(biases)}" if name.endswith("b") else f"w{next(weights)}"
