"""Textbook names for the parts of a network, by where they stand: h1, o1, w1, b1; and x1, x2 for what goes into it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial, wraps
from itertools import count
from numbers import Real
from typing import Any

from ..engine.value import Value

LABELLED = 1000  # up to so many parameters carry a label of their own: w1, b1; beyond, named_parameters makes names


class Automatic(str):
    """A label that a module gave. The module that holds its part may give another; one that a person gave stays."""

    __slots__ = ()


@cache
def automatic(letter: str, number: int) -> str:
    """The label h1 as one object, however many networks have it."""
    return Automatic(f"{letter}{number}")


def name_parts(neurons: dict[str, Any]) -> None:
    """Label the neurons of a module, given by their paths, such as "layers.0.neurons.3", and their parameters.

    A neuron in an attribute of its own is called like it. Others are counted through: o1, o2, … are those of the last
    list, s1, s2, … the sums that a maxout chooses from, h1, h2, … all others. The parameters are w1, w2, … and b1,
    b2, … throughout.
    """
    for neuron, label in _labels(neurons):
        if isinstance(neuron.label, Automatic):
            neuron.label = label
    units = dict.fromkeys(unit for neuron in neurons.values() for unit in neuron.units)
    few = sum(len(unit.w) + (unit.b is not None) for unit in units) <= LABELLED
    _name("w", (w for unit in units for w in unit.w), few)
    _name("b", (unit.b for unit in units if unit.b is not None), few)


def _name(letter: str, parameters: Iterable[Value], few: bool) -> None:
    """w1, w2, … for leaves that have no label by a person, each counted once; none if they are not few."""
    if few:
        parameters = dict.fromkeys(p for p in parameters if p.operation is None)
    for i, parameter in enumerate(parameters, start=1):
        if few and not parameter.label:
            parameter.label = automatic(letter, i)
        elif parameter.label.__class__ is Automatic and parameter.operation is None:
            parameter.label = automatic(letter, i) if few else ""


def _labels(neurons: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    """Each neuron, and how it is called where it stands."""
    counted = [path for path in neurons if _last(path).isdecimal()]
    sums = {path for path in counted if _list(_list(path)) in neurons}
    standing = [path for path in neurons if path not in sums]
    outputs = _list(standing[-1]) if standing and standing[-1] in counted else None
    if outputs and "." not in outputs and all(_list(path) == outputs for path in standing):
        outputs = None  # a single layer by itself
    named = {_last(path) for path in neurons if path not in counted}
    taken = named | {neuron.label for neuron in neurons.values() if not isinstance(neuron.label, Automatic)}
    numbers: dict[str, Iterator[int]] = defaultdict(partial(count, 1))
    for path, neuron in neurons.items():
        if _last(path) in named - {""}:
            named.remove(_last(path))  # a second one of that name, in another part, is counted
            yield neuron, Automatic(_last(path))
            continue
        stem = _last(path).rstrip("0123456789") or ("s" if path in sums else "o" if _list(path) == outputs else "h")
        yield neuron, next(label for i in numbers[stem] if (label := automatic(stem, i)) not in taken)


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _list(path: str) -> str:
    """The path of the list that a part of that path stands in."""
    return path.rpartition(".")[0]


# ---- what a class of modules does beside its own ----


def then_named(init: Callable[..., None], neurons: Callable[[Any], dict[str, Any]]) -> Callable[..., None]:
    """A constructor, after which the parts have their names."""

    @wraps(init)
    def init_and_name(self: Any, *args: Any, **options: Any) -> None:
        init(self, *args, **options)
        name_parts(neurons(self))

    return init_and_name


def on_leaves(call: Callable[..., Any]) -> Callable[..., Any]:
    """A forward pass on a row of numbers as leaves x1, x2, …, so that all parts that read it read the same ones."""

    @wraps(call)
    def call_on_leaves(self: Any, *args: Any, **options: Any) -> Any:
        return call(self, *map(as_leaves, args[:1]), *args[1:], **options)

    return call_on_leaves


def as_leaves(x: Any) -> Any:
    """A row of numbers as Values x1, x2, …; anything else as it is."""
    is_row = isinstance(x, list | tuple) or len(getattr(x, "shape", ())) == 1
    if not is_row or not all(isinstance(v, Value | Real) for v in x):
        return x
    return [v if isinstance(v, Value) else Value(v, f"x{i}") for i, v in enumerate(x, start=1)]
