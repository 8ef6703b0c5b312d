"""Module: what has parameters, and the textbook names of its parts.

Promise (tests/test_nn.py): parameters come in the order in which the attributes were set, each once, under one name; a
state is taken over as a whole or not at all; a label that a person gave stays.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..engine.value import Value
from ..errors import ArgumentTypeError, NumberError, StateError, counted
from ..number import as_float
from .naming import on_leaves, then_named


class Parameter(Value):
    """A leaf that a training moves. It takes attributes of your own, and weak references, which a Value does not.

    >>> p = Parameter(2.0, "w1")
    >>> p.m = 0.0
    >>> (p * 3).backward()
    >>> p, p.m
    (Value(data=2.0, grad=3.0, label='w1'), 0.0)
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return (*super().__reduce__(), vars(self) or None)


class Module:
    """What has parameters: leaf Values, other modules, or lists and dicts of them, held as attributes.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.m, self.b = Value(2.0), Value(1.0)
    ...     def __call__(self, x):
    ...         return self.m * x + self.b
    >>> Line().state_dict()
    {'m': 2.0, 'b': 1.0}

    Neurons get textbook names by where they stand: h1 from an attribute of that name; h1, h2, … counted through in
    lists and layers, o1, o2, … in the last layer; their parameters are w1, w2, … and b1, b2, … throughout. A row of
    numbers that the module is called with becomes the leaves x1, x2, …, which all its parts share.
    """

    is_neuron = False  # whether it has a label, and units with weights w and a bias b

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            cls.__init__ = then_named(cls.__init__, neurons_of)  # type: ignore[method-assign]
        if "__call__" in vars(cls) and not hasattr(cls, "fire"):  # what has ``fire`` makes the leaves itself
            cls.__call__ = on_leaves(cls.__call__)  # type: ignore[method-assign]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({counted(len(self.parameters()), 'parameter')})"

    def parameters(self) -> list[Value]:
        """The parameters in order, each once."""
        return [parameter for _, parameter in self.named_parameters()]

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Pairs like ("layers.0.neurons.3.w.2", parameter); what is held twice comes once, by its first name."""
        return ((name, part) for name, part in _walk("", self, set()) if isinstance(part, Value))

    def named_modules(self) -> Iterator[tuple[str, "Module"]]:
        """Pairs like ("layers.0.neurons.3", neuron), the module itself first, by the name ""."""
        return ((name, part) for name, part in _walk("", self, set()) if isinstance(part, Module))

    def zero_grad(self) -> None:
        """Forget all gradients: each parameter's ``.grad`` is UNREACHED again."""
        for parameter in self.parameters():
            parameter.grad = None

    def state_dict(self) -> dict[str, float]:
        """The parameters' numbers by name."""
        return {name: parameter.data for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Take over a state_dict's numbers, all or none. Raises StateError, which lists all that does not fit."""
        if not isinstance(state, Mapping):
            raise ArgumentTypeError(f"a state_dict maps names to numbers, got a {type(state).__name__}")
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


def neurons_of(module: Module) -> dict[str, Any]:
    """The neurons that it is made of, and the sums of its maxouts, by name: "layers.0.neurons.3"."""
    parts = _walk("", module, set(), weights=False)
    return {name: part for name, part in parts if isinstance(part, Module) and part.is_neuron}


def _walk(name: str, thing: Any, seen: set[Any], weights: bool = True) -> Iterator[tuple[str, Any]]:
    """What a module is made of, by name: itself, other modules, and parameters; what is held twice comes once."""
    if isinstance(thing, Module) or (isinstance(thing, Value) and thing.operation is None):
        if thing in seen:
            return
        seen.add(thing)
        yield name, thing
    if isinstance(thing, Module):
        held: Iterable[tuple[Any, Any]] = vars(thing).items()
    elif isinstance(thing, list | tuple):
        held = enumerate(thing)
    elif isinstance(thing, Mapping):
        held = thing.items()
    else:
        return
    for key, item in held:
        if item.__class__ is Parameter and item.operation is None and item not in seen:  # as below, but quicker
            seen.add(item)
            yield f"{name}.{key}" if name else str(key), item
        elif weights or key != "w" or not getattr(thing, "is_neuron", False):
            yield from _walk(f"{name}.{key}" if name else str(key), item, seen, weights)
