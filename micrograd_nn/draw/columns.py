"""A network as columns of circles: known of an MLP, read off a recorded forward pass of a network of one's own."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..engine.modes import enable_grad
from ..engine.value import Value, topological_order
from ..errors import ArgumentError, MicrogradError
from ..nn.layers import MLP, Layer, Maxout, Module, Neuron
from ..nn.module import neurons_of

MOST = 8  # circles in a column; a larger layer shows its first ones and its last, and dots between
RADIUS = 0.25  # of a circle, in rows
Place = tuple[int, int]  # of a circle: its column, and its position there


@dataclass(frozen=True)
class Circle:
    """An input, or a neuron with the place that each of its weights leads from."""

    label: str
    kind: str = "input"  # or what its activation is called
    neuron: Neuron | None = None
    sources: Sequence[Place] = ()

    @property
    def units(self) -> Sequence[Neuron]:
        """The sums of weights that the neuron is made of, one or those of a maxout."""
        return self.neuron.units if self.neuron else ()


@dataclass(frozen=True)
class Column:
    """The circles of a layer."""

    circles: list[Circle]

    @property
    def caption(self) -> str:
        """How many they are, and what: 784 inputs, 30 relu."""
        size, kinds = len(self.circles), ", ".join(dict.fromkeys(circle.kind for circle in self.circles))
        return f"{size:,} {kinds}{'s' * (kinds == 'input' and size > 1)}"

    @cached_property
    def heights(self) -> dict[int | None, float]:
        """How far above the middle each circle stands that is shown, in rows; None is for the dots between."""
        size = len(self.circles)
        rows = list(range(size)) if size <= MOST else [*range(MOST - 2), None, size - 1]
        return {position: (len(rows) - 1) / 2 - row for row, position in enumerate(rows)}

    @property
    def shown(self) -> list[tuple[int, Circle]]:
        """The positions and circles that are shown."""
        return [(position, self.circles[position]) for position in self.heights if position is not None]


def columns_of(net: MLP | Layer | Neuron) -> list[Column]:
    """The columns of a network whose every layer reads the whole layer before it."""
    columns = [Column([Circle(f"x{i}") for i in range(1, net.nin + 1)])]
    for i, layer in enumerate(net.layers if isinstance(net, MLP) else [net]):
        before = [(i, position) for position in range(layer.nin)]
        neurons = layer.neurons if isinstance(layer, Layer) else [layer]
        columns.append(Column([Circle(neuron.label, _kind(layer), neuron, before) for neuron in neurons]))
    return columns


def recorded(net: Any, inputs: Iterable[Any] | None) -> list[Value]:
    """The outputs of a network of one's own, on zeros if no inputs are given: as many as one of its neurons takes.

    Raises ArgumentError if it can't be called so, and what net itself raises if the inputs do not fit.
    """
    with enable_grad():
        if inputs is not None:
            return _as_list(net(list(inputs)))
        for nin in dict.fromkeys(neuron.nin for neuron in neurons_of(net).values()):
            try:
                return _as_list(net([0.0] * nin))
            except MicrogradError:
                continue
    kind = type(net).__name__
    raise ArgumentError(f"draw_network does not know what {kind} takes: give it inputs=, a row such as [1.0, 2.0]")


def composed(net: Module, outputs: Sequence[Value]) -> list[Column] | None:
    """The columns of a network that made these outputs; None if it is not neurons that read inputs and neurons."""
    order, parameters = topological_order(*outputs), {*net.parameters()}
    fired = _fired(net, order)
    read: dict[Value | None, list[Value]] = defaultdict(list)  # what each weight is multiplied by
    for node in order:
        if node.right is not None and node.left in parameters:
            read[node.left].append(node.right)
    operands = {node: _operands(neuron, read) for node, neuron in fired.items()}
    inputs = dict.fromkeys(x for row in operands.values() for x in row if not x.operation and x not in parameters)
    circles = inputs.keys() | fired.keys()
    once = len({*fired.values()}) == len(fired)
    if not once or not {*outputs} <= fired.keys() or not all(row and {*row} <= circles for row in operands.values()):
        return None
    depth = dict.fromkeys(inputs, 0)
    for node, row in operands.items():
        depth[node] = 1 + max(depth[x] for x in row)
    rank = {neuron: i for i, neuron in enumerate(neurons_of(net).values())}
    standing: list[list[Value]] = [[] for _ in range(1 + max(depth.values()))]
    for node in (*inputs, *sorted(fired, key=lambda node: rank[fired[node]])):
        standing[depth[node]].append(node)
    where = {node: (i, position) for i, column in enumerate(standing) for position, node in enumerate(column)}
    layer_of = {neuron: part for _, part in net.named_modules() if isinstance(part, Layer) for neuron in part.neurons}
    columns = [Column([Circle(x.label or f"x{i}") for i, x in enumerate(inputs, start=1)])]
    for nodes in standing[1:]:
        own = [(fired[node], [where[x] for x in operands[node]]) for node in nodes]
        columns.append(Column([Circle(n.label, _kind(layer_of.get(n, n)), n, sources) for n, sources in own]))
    return None if _hides_a_line(columns) else columns


def _fired(net: Module, order: Sequence[Value]) -> dict[Value, Neuron]:
    """The outputs of the network's neurons, by their labels; the sums that a maxout chooses from are a part of it."""
    neurons = neurons_of(net).values()
    sums = {unit for neuron in neurons for unit in neuron.units if unit is not neuron}
    labelled = {neuron.label: neuron for neuron in neurons if neuron not in sums}
    return {node: labelled[node.label] for node in order if node.operation is not None and node.label in labelled}


def _operands(neuron: Neuron, read: Mapping[Value | None, list[Value]]) -> list[Value]:
    """What a neuron's weights are multiplied by, one value each; [] if that can't be said."""
    rows = [[read.get(w, []) for w in unit.w] for unit in neuron.units]
    once = all(len(given) == 1 for row in rows for given in row)
    same = once and all(a is b for row in rows for (a,), (b,) in zip(rows[0], row, strict=True))
    return [given[0] for given in rows[0]] if same else []


def _hides_a_line(columns: list[Column]) -> bool:
    """Whether a circle stands in the way of a line that leads past its column."""
    for i, column in enumerate(columns):
        for position, circle in column.shown:
            for j, source in circle.sources:
                start = columns[j].heights.get(source, 0.0)
                rise = (column.heights[position] - start) / (i - j)
                for k in range(j + 1, i):
                    if any(abs(start + rise * (k - j) - other) < RADIUS for other in columns[k].heights.values()):
                        return True
    return False


def _kind(layer: Layer | Neuron) -> str:
    if isinstance(layer, Layer):
        return layer.activation
    return "maxout" if isinstance(layer, Maxout) else layer.activation.name if layer.activation else "identity"


def _as_list(made: Any) -> list[Value]:
    values = list(made) if isinstance(made, list | tuple) else [made]
    if not values or not all(isinstance(value, Value) for value in values):
        raise ArgumentError(f"a network returns a Value or a list of them, this one returned {made!r:.60}")
    return values
