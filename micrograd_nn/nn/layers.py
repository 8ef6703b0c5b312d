"""Neurons, layers and networks on top of Value.

A network is nothing but Values and the table's operations; its parameters come in the textbook's order, neuron by
neuron, weights before bias; and its inputs are checked before the first node is made (tests/test_bad_networks.py).
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any

from ..collector import undisturbed
from ..engine.operation import TABLE, Operation
from ..engine.value import Value, weighted_sum
from ..errors import ArgumentError, ArgumentTypeError, NumberError, ShapeError, UnknownNameError, counted
from ..number import whole_number
from .functional import maxout, softmax
from .init import Initialiser, initialiser, source_of
from .module import Module as Module
from .module import Parameter
from .naming import Automatic

if TYPE_CHECKING:

    class Outputs(Value, list[Value]):  # type: ignore[misc]
        """One Value or a list of them: the sizes say which, so a type checker takes it for either."""

        def __lt__(self, other: Any) -> bool: ...
        def __le__(self, other: Any) -> bool: ...
        def __gt__(self, other: Any) -> bool: ...
        def __ge__(self, other: Any) -> bool: ...
else:
    Outputs = Value | list[Value]

LAYER_WIDE = ("maxout", "softmax")  # what only a whole layer can do, beside what a single neuron can


class Neuron(Module):
    """activation(w1·x1 + … + wn·xn + b).

    >>> h = Neuron(2, activation="sigmoid", weights=[0, 1], bias=4)
    >>> h([2, 3])
    Value(data=0.9990889488055994, grad=–, label='h1')

    ``activation`` is the name of an operation, or an Operation; "identity" for none. Weights that are not given are
    drawn by ``init`` (see init.INITIALISERS; glorot asks for ``nout``, the outputs of the layer) from ``seed``. A
    bias that is not given is 0; ``bias=False`` leaves it out. ``nonlin=False`` is micrograd's "identity".

    Raises ShapeError on a wrong number of weights or inputs, UnknownNameError on an unknown activation.
    """

    is_neuron = True

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
        nonlin: bool = True,
    ) -> None:
        self.nin = whole_number("the number of inputs of a neuron", nin)
        self.activation = named_activation(activation) if nonlin else None
        self.label: str = Automatic("h1")
        if weights is None:
            draw, source = initialiser(init), source_of(seed)
            weights = [draw(source, self.nin, nout) for _ in range(self.nin)]
        if not hasattr(weights, "__len__") or isinstance(weights, str):
            raise ArgumentTypeError(
                f"the weights of a neuron are a list of {counted(nin, 'number')}, got {weights!r:.40}"
            )
        if len(weights) != self.nin:
            raise ShapeError(f"a neuron of {counted(nin, 'input')} takes {counted(nin, 'weight')}, got {len(weights)}")
        self.w = [Parameter(weight) for weight in weights]
        self.b = None if bias is False else Parameter(0.0 if bias is None or bias is True else bias)

    @property
    def units(self) -> "list[Neuron]":
        """The weighted sums that it is made of: itself; a maxout's pieces."""
        return [self]

    def __call__(self, x: Iterable[Any]) -> Value:
        """The output on a row of inputs x, numbers or Values."""
        return self.fire(as_inputs(x, self.nin, f"neuron {self.label}"))

    def fire(self, x: Sequence[Value]) -> Value:
        """The output on inputs that have been checked."""
        out = weighted_sum(self.w, x, self.b)
        if self.activation is not None:
            out = self.activation(out)
        out.label = self.label
        return out

    def __repr__(self) -> str:
        return f"Neuron({self.nin}, {self.activation.name if self.activation else 'identity'})"


class Maxout(Neuron):
    """A neuron that keeps the largest of several weighted sums: max(w·x + b, w'·x + b'). Options as for Neuron.

    >>> Maxout(2, pieces=3)
    Maxout(2, pieces=3)
    """

    def __init__(self, nin: int, pieces: int = 2, **options: Any) -> None:
        options["seed"] = source_of(options.get("seed"))
        self.nin, self.label = nin, Automatic("h1")
        self.pieces = [Neuron(nin, "identity", **options) for _ in range(whole_number("the number of pieces", pieces))]

    @property
    def units(self) -> list[Neuron]:
        return self.pieces

    def fire(self, x: Sequence[Value]) -> Value:
        out: Value = maxout([piece.fire(x) for piece in self.pieces])
        out.label = self.label
        return out

    def __repr__(self) -> str:
        return f"Maxout({self.nin}, pieces={len(self.pieces)})"


class Layer(Module):
    """Neurons side by side on the same inputs; one output is returned as a Value, more as a list.

    ``activation`` may also be "maxout", or "softmax", which acts on the sums of the whole layer. The other options
    are those of Neuron, and ``pieces``, the number of sums of a maxout, which other layers leave aside.

    >>> [output.label for output in Layer(2, 3, "tanh", seed=0)([1.0, -1.0])]
    ['h1', 'h2', 'h3']
    """

    def __init__(self, nin: int, nout: int, activation: str | Operation = "relu", **options: Any) -> None:
        self.nin = whole_number("the number of inputs of a layer", nin)
        self.nout = whole_number("the number of neurons of a layer", nout)
        activation = activation if options.pop("nonlin", True) else "identity"
        named_activation(activation, LAYER_WIDE)
        self.activation = activation.name if isinstance(activation, Operation) else activation
        options |= {"seed": source_of(options.get("seed")), "nout": self.nout}
        if self.activation == "maxout":
            self.neurons: list[Neuron] = [Maxout(nin, **options) for _ in range(nout)]
        else:
            options.pop("pieces", None)
            single = "identity" if self.activation == "softmax" else activation
            self.neurons = [Neuron(nin, single, **options) for _ in range(nout)]

    @undisturbed
    def __call__(self, x: Iterable[Any]) -> Outputs:
        """The output on a row of inputs x, numbers or Values; a list of outputs if there are several."""
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

    ``activation`` is that of the hidden layers and ``output`` that of the last, "identity" if it is left out; a list
    as ``activation`` gives each layer its own, the last one too. The other options are those of Neuron: ``seed`` draws
    the same weights again, ``init`` says how ("uniform" from -1 to 1, if left out), ``bias=False`` leaves biases out.

    >>> net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=0)
    >>> [p.label for p in net.parameters()]
    ['w1', 'w2', 'b1', 'w3', 'w4', 'b2', 'w5', 'w6', 'b3']
    >>> net([1.0, -1.0])
    Value(data=0.4755061112566946, grad=–, label='o1')
    """

    @undisturbed
    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: str | Operation | Sequence[str | Operation] = "relu",
        output: str | Operation | None = None,
        **options: Any,
    ) -> None:
        if isinstance(nouts, str) or not isinstance(nouts, Sequence):
            raise ArgumentTypeError(f"the layers' sizes are a list such as [16, 16, 1], got {nouts!r}")
        if not nouts:
            raise ShapeError("a network needs at least one layer: give its size in a list, such as [1]")
        self.nin = whole_number("the number of inputs of a network", nin)
        sizes = [self.nin, *(whole_number("the number of neurons of a layer", nout) for nout in nouts)]
        if not isinstance(activation, Sequence) or isinstance(activation, str):
            named_activation(activation, LAYER_WIDE)  # a single layer does not use it, but it may be mistyped
            kinds = [activation] * (len(nouts) - 1) + ["identity" if output is None else output]
        elif output is not None:
            raise ArgumentError(f"a list gives each layer its activation, the last one too: put {output!r} at its end")
        else:
            kinds = list(activation)
        if len(kinds) != len(nouts):
            raise ShapeError(
                f"each layer takes an activation, the output's too: got {counted(len(nouts), 'layer')} and {len(kinds)}"
            )
        options["seed"] = source_of(options.get("seed"))
        self.layers = [Layer(*size, kind, **options) for size, kind in zip(pairwise(sizes), kinds, strict=True)]

    @undisturbed
    def __call__(self, x: Iterable[Any]) -> Outputs:
        """The output on a row of inputs x, numbers or Values; a list of outputs if there are several."""
        return one_or_all(self.fire(as_inputs(x, self.nin, "the network")))

    def fire(self, x: Sequence[Value]) -> list[Value]:
        """The outputs on inputs that have been checked."""
        values = list(x)
        for layer in self.layers:
            values = layer.fire(values)
        return values

    def __repr__(self) -> str:
        kinds = ", ".join(f"{layer.nout} {layer.activation}" for layer in self.layers)
        return f"MLP({self.nin}, [{kinds}])"


def as_inputs(x: Iterable[Any], nin: int, who: str) -> list[Value]:
    """x as Values, numbers labelled x1, x2, …; a generator is read once. Raises before an operation is recorded."""
    unordered = isinstance(x, str | bytes | Mapping | Set) or getattr(x, "shape", None) == ()
    if unordered or not isinstance(x, Iterable):
        raise ArgumentTypeError(
            f"{who} takes a list of {counted(nin, 'number')} or Values, got the {type(x).__name__} {x!r:.40}"
        )
    given = list(x)
    if len(given) != nin:
        raise ShapeError(f"{who} takes {counted(nin, 'input')}, got {len(given)}")
    values = []
    for i, v in enumerate(given, start=1):
        try:
            values.append(v if isinstance(v, Value) else Value(v, f"x{i}"))
        except NumberError as error:
            raise NumberError(f"input x{i} of {who}: {error}; a batch goes in by rows: [net(x) for x in X]") from None
    return values


def one_or_all(values: list[Value]) -> Outputs:
    """The Value itself where there is just one, as micrograd returns it."""
    return values[0] if len(values) == 1 else values  # type: ignore[return-value]


def named_activation(activation: str | Operation, also: Sequence[str] = ()) -> Operation | None:
    """The operation of that name; None for "identity", "linear" and the names in ``also``.

    Raises UnknownNameError, which lists the names; ArgumentError for an operation of two operands.
    """
    if isinstance(activation, Operation):
        if activation.arity == 2 and activation.default is None:
            raise ArgumentError(f"{activation} takes two operands; an activation takes one, such as tanh or leaky_relu")
        return activation
    if activation in ("identity", "linear", *also):
        return None
    legal = [row.name for row in TABLE.values() if row.arity == 1 or row.default is not None]
    if activation not in legal:
        kind = "activation of a single neuron" if activation in LAYER_WIDE else "activation"
        raise UnknownNameError(kind, activation, [*legal, "identity", *also])
    return TABLE[activation]
