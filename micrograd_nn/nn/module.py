"""Module: what has parameters.

Promise: parameters come in the order in which the attributes were set, each once, under one name; a state is taken
over as a whole or not at all.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..engine.operation import as_float
from ..engine.value import Value
from ..errors import ArgumentTypeError, NumberError, StateError


class Module:
    """What has parameters: leaf Values, other modules, or lists and dicts of them, held as attributes.

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
        """Pairs like ("layers.0.neurons.3.w.2", parameter); what is held twice comes once, by its first name."""
        return _named("", self, set())

    def zero_grad(self) -> None:
        """Forget all gradients: each parameter's ``.grad`` is None again."""
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


def _named(name: str, thing: Any, seen: set[Any]) -> Iterator[tuple[str, Value]]:
    if isinstance(thing, Value):
        if thing.operation is None and thing not in seen:
            seen.add(thing)
            yield name, thing
        return
    if isinstance(thing, Module):
        if thing in seen:
            return
        seen.add(thing)
        held: Iterable[tuple[Any, Any]] = vars(thing).items()
    elif isinstance(thing, list | tuple):
        held = enumerate(thing)
    elif isinstance(thing, Mapping):
        held = thing.items()
    else:
        return
    for key, item in held:
        yield from _named(f"{name}.{key}" if name else str(key), item, seen)
