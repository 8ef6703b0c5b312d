"""A network as columns of circles: known of an MLP, read off a recorded forward pass of a network of one's own."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..engine.modes import enable_grad
from ..engine.ops import mul
from ..engine.value import Value, topological_order
from ..errors import ArgumentError, MicrogradError
from ..nn.layers import MLP, Layer, Maxout, Module, Neuron
from ..nn.module import neurons_of

MOST = 8  # circles in a column; a larger layer shows its first ones and its last, and dots between
RADIUS = 0.25  # of a circle, in rows
Place = tuple[int, int]  # where a circle stands: its column, and its position there


@dataclass(frozen=True)
class Column:
    """The circles of a layer, and for each neuron the circle that each of its weights leads from."""

    caption: str
    labels: list[str]
    neurons: list[Neuron] = field(default_factory=list)  # none for the inputs
    sources: list[list[Place]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.labels)

    @property
    def rows(self) -> list[int | None]:
        """The position of each circle that is shown, None for the dots between."""
        return list(range(self.size)) if self.size <= MOST else [*range(MOST - 2), None, self.size - 1]

    def height(self, row: int) -> float:
        """How far above the middle a row stands, in rows."""
        return (len(self.rows) - 1) / 2 - row


def columns_of(net: MLP | Layer | Neuron) -> list[Column]:
    """The columns of a network whose every layer reads the whole layer before it."""
    columns = [_inputs([f"x{i}" for i in range(1, net.nin + 1)])]
    for i, layer in enumerate(net.layers if isinstance(net, MLP) else [net]):
        neurons = layer.neurons if isinstance(layer, Layer) else [layer]
        before = [(i, position) for position in range(layer.nin)]
        caption = f"{len(neurons):,} {_kind(layer)}"
        columns.append(Column(caption, [neuron.label for neuron in neurons], neurons, [before] * len(neurons)))
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
    read: dict[Value, list[Value]] = defaultdict(list)  # what each weight is multiplied by
    for node in order:
        if node.operation is mul and node.left in parameters:
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
    standing: list[list[Value]] = [[*inputs], *([] for _ in range(max(depth.values())))]
    output_of = {neuron: node for node, neuron in fired.items()}
    for node in (output_of[neuron] for neuron in neurons_of(net).values() if neuron in output_of):
        standing[depth[node]].append(node)
    where = {node: (i, position) for i, column in enumerate(standing) for position, node in enumerate(column)}
    columns = [_inputs([x.label or f"x{i}" for i, x in enumerate(inputs, start=1)])]
    for nodes in standing[1:]:
        columns.append(_column(net, [fired[x] for x in nodes], [[where[x] for x in operands[node]] for node in nodes]))
    return None if _hides_a_line(columns) else columns


def _fired(net: Module, order: Sequence[Value]) -> dict[Value, Neuron]:
    """The outputs of the network's neurons, by their labels; the sums that a maxout chooses from are a part of it."""
    neurons = neurons_of(net).values()
    sums = {unit for neuron in neurons for unit in neuron.units if unit is not neuron}
    labelled = {neuron.label: neuron for neuron in neurons if neuron not in sums}
    return {node: labelled[node.label] for node in order if node.operation is not None and node.label in labelled}


def _operands(neuron: Neuron, read: Mapping[Value, list[Value]]) -> list[Value]:
    """What a neuron's weights are multiplied by, one value each; [] if that can't be said."""
    first, *others = [[read.get(w, []) for w in unit.w] for unit in neuron.units]
    once = all(len(given) == 1 for row in (first, *others) for given in row)
    same = once and all(a is b for row in others for (a,), (b,) in zip(first, row, strict=True))
    return [given[0] for given in first] if same else []


def _column(net: Module, neurons: list[Neuron], sources: list[list[Place]]) -> Column:
    layer_of = {neuron: part for _, part in net.named_modules() if isinstance(part, Layer) for neuron in part.neurons}
    kinds = dict.fromkeys(_kind(layer_of.get(neuron, neuron)) for neuron in neurons)
    return Column(f"{len(neurons):,} {', '.join(kinds)}", [neuron.label for neuron in neurons], neurons, sources)


def _hides_a_line(columns: list[Column]) -> bool:
    """Whether a circle stands in the way of a line that leads past its column."""
    for i, column in enumerate(columns):
        for row, position in enumerate(column.rows):
            for j, source in column.sources[position] if column.sources and position is not None else ():
                start = columns[j].height(columns[j].rows.index(source)) if source in columns[j].rows else 0.0
                for between in range(j + 1, i):
                    line = start + (column.height(row) - start) * (between - j) / (i - j)
                    other = columns[between]
                    if any(abs(line - other.height(k)) < RADIUS for k in range(len(other.rows))):
                        return True
    return False


def _inputs(labels: list[str]) -> Column:
    return Column(f"{len(labels):,} input{'s' * (len(labels) > 1)}", labels)


def _kind(layer: Layer | Neuron) -> str:
    if isinstance(layer, Layer):
        return layer.activation
    return "maxout" if isinstance(layer, Maxout) else layer.activation.name if layer.activation else "identity"


def _as_list(made: Any) -> list[Value]:
    values = list(made) if isinstance(made, list | tuple) else [made]
    if not values or not all(isinstance(value, Value) for value in values):
        raise ArgumentError(f"a network returns a Value or a list of them, this one returned {made!r:.60}")
    return values
