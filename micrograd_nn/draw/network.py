"""The network as the textbook draws it: ``draw_network``.

Circles in columns, inputs left, outputs right; a line per weight, the wider the larger, blue where it is positive,
orange and dashed where it is negative. Each circle has its place, so the same network looks the same.
"""

from collections.abc import Iterable
from typing import Any

from ..derive.recorded import check_unchanged
from ..engine.value import Value, topological_order
from ..errors import ArgumentError, ArgumentTypeError, counted
from ..habits import UNREACHED
from ..nn.layers import MLP, Layer, Module, Neuron
from ..notation.text import rounded, shown
from .columns import Circle, Column, Place, columns_of, composed, recorded
from .dot import draw_folded
from .drawing import Drawing
from .palette import LIGHT as COLOUR
from .source import WIDEST, Source, largest_of, stroke

WRITTEN = 4  # circles in a column, up to which weights and biases are written beside their lines and circles
RADIUS = 0.36  # inches, as all lengths here
FITTING = 7  # characters of a number in a circle
LETTER = 0.083  # the width of a character in writing, rather too much
LINE = 0.15  # the height of a line of writing
AIR = 0.04  # between writings
Line = tuple[Place, Place, list[Value]]  # from a circle to another, with its weights
NO_NETWORK = "This is no network of neurons that read inputs and each other: here is its graph, folded."


def draw_network(
    net: Module, inputs: Iterable[Any] | None = None, *, loss: Value | None = None, format: str = "svg"
) -> Drawing:
    """The network as a Drawing: circles x1, x2, h1, h2, o1 in columns, weights on the lines, biases below.

    With ``inputs`` each circle also shows its activation; with ``loss``, a value that was recorded with this network,
    the activation that was recorded there and its gradient: those of the first sample, if there are several. Weights
    and biases show their gradients when there are any. A layer of more than 8 neurons is abbreviated; beyond 4 in a
    layer weights are not written, only drawn.

    A Module of your own is drawn so if it is made of neurons and layers that read its inputs and each other; where it
    is not, the picture says so and is that of its graph, folded.

    Raises ArgumentTypeError if net is not a network, ArgumentError if the loss was not recorded with it, or if a Module
    of your own can't be called without ``inputs``, GraphError if a ``.data`` below the loss has changed since it was
    recorded, and what net itself raises if the inputs do not fit.

    >>> from micrograd_nn import MLP
    >>> draw_network(MLP(2, [2, 1], seed=0), [1.0, 2.0])
    <Drawing: Network 2 → 2 → 1>
    """
    if not isinstance(net, Module):
        raise ArgumentTypeError(f"draw_network draws an MLP, a Layer or a Neuron, got {type(net).__name__}")
    if isinstance(net, MLP | Layer | Neuron):
        numbers = None if inputs is None else [x.data if isinstance(x, Value) else x for x in inputs]
        fired, columns = [] if numbers is None else recorded(net, numbers), columns_of(net)
    else:
        outputs = recorded(net, inputs)
        found = composed(net, outputs)
        if found is None:
            return draw_folded([loss] if loss is not None else outputs, NO_NETWORK, format)
        fired, columns = [] if inputs is None else outputs, found
    if loss is not None:
        check_unchanged(loss)
        if set(topological_order(loss)).isdisjoint(net.parameters()):
            raise ArgumentError("this loss was not recorded with this network: draw it with loss=mse(net(x), y)")
        fired = [loss]
    nodes = topological_order(*fired)
    picture = _Picture(columns, {node.label: node for node in reversed(nodes) if node.label})
    notes = ["Larger layers are abbreviated."] if any(None in column.heights for column in columns) else []
    samples = sum(node.label == columns[-1].circles[0].label for node in nodes)
    if samples > 1:
        notes.append(f"The circles show the first of {counted(samples, 'sample')}.")
        picture.note(notes[-1])
    sizes = " → ".join(f"{len(column.circles):,}" for column in columns)
    return Drawing(picture.text, f"Network {sizes}", picture.names, tuple(notes), format)


class _Picture(Source):
    """The DOT source, every circle at its place: dot's neato engine then only draws."""

    def __init__(self, columns: list[Column], activations: dict[str, Value]) -> None:
        super().__init__(layout="neato", outputorder="edgesfirst", splines="line")
        self.columns, self.activations = columns, activations
        self.tallest = max(len(column.heights) for column in columns)
        self.written = self.tallest <= WRITTEN
        lines = [line for i in range(1, len(columns)) for line in self._lines(i)]
        self.largest = largest_of(weight.data for _, _, weights in lines for weight in weights)
        self._stand_apart([_parameters(weights) for _, _, weights in lines])
        for i, column in enumerate(columns):
            for position in column.heights:
                if position is None:
                    self._left_out(i)
                else:
                    self._circle(i, position, column.circles[position])
            self._write(f"c{i}", i * self.across, self.bottom, column.caption, size="11")
        for line in lines:
            self._line(*line)

    def note(self, text: str) -> None:
        """Write a line below the captions."""
        self._write("note", (len(self.columns) - 1) / 2 * self.across, self.bottom - 0.3, text)

    def _stand_apart(self, weights: list[list[str]]) -> None:
        """How far apart circles stand, so that no writing lies on another one or on a circle."""
        # A weight stands at 1/(k + 1) of the way to k circles: the writings of all lines are then evenly apart.
        self.along = 1 / (1 + max(len(column.heights) for column in self.columns[1:]))
        self.across, self.down, below = 2.2, 0.95, 0.0
        if self.written:
            circles = [circle for column in self.columns for circle in column.circles]
            biases = [_biases(circle) for circle in circles]
            slopes = [_slope(self.activations.get(circle.label)) for circle in circles]
            beside = max(RADIUS, _half_width([*biases, *slopes]))
            self.across = max(2.9, (beside + _half_width(weights) + AIR) / self.along)
            self.down = max(1.5, (LINE * max(map(len, weights)) + AIR) / self.along)
            below = RADIUS + LINE * max(map(len, biases))
        self.bottom = -(self.tallest - 1) / 2 * self.down - max(self.down / 2, below) - 0.25

    def _spot(self, i: int, position: int | None) -> tuple[float, float]:
        return i * self.across, self.columns[i].heights[position] * self.down

    def _lines(self, i: int) -> Iterable[Line]:
        """A line for every circle that a circle of column i reads: a maxout has a weight for each of its sums."""
        for position, circle in self.columns[i].shown:
            bundles: dict[Place, list[Value]] = {}
            for k, source in enumerate(circle.sources):
                bundles.setdefault(source, []).extend(unit.w[k] for unit in circle.units)
            for (j, start), weights in bundles.items():
                if start in self.columns[j].heights:
                    yield (j, start), (i, position), weights

    def _circle(self, i: int, position: int, circle: Circle) -> None:
        identity, (x, y), value = f"n{i}.{position}", self._spot(i, position), self.activations.get(circle.label)
        lines = [shown(circle.label, 8)] + ([] if value is None else [_fitting(value.data)])
        kind = "leaf" if i == 0 else "operation" if i == len(self.columns) - 1 else "value"
        look = {"shape": "circle", "style": "filled", "fillcolor": COLOUR[kind], "fixedsize": "true", "fontsize": "11"}
        look |= {"id": identity, "pos": _at(x, y), "width": str(2 * RADIUS)}
        self.node(identity, *lines, name=" = ".join(lines), **look)
        self._write(f"g{i}.{position}", x, y + RADIUS + 0.13, *_slope(value))
        if self.written:
            biases = _biases(circle)
            self._write(f"b{i}.{position}", x, y - RADIUS - 0.05 - LINE / 2 * len(biases), *biases)

    def _left_out(self, i: int) -> None:
        """Three dots, drawn: not every font has the sign ⋮, and a PNG would show an empty box."""
        x, y = self._spot(i, None)
        for k in (-1, 0, 1):
            self.node(f"d{i}.{k}", shape="point", width="0.04", color=COLOUR["muted"], pos=_at(x, y + 0.1 * k))

    def _line(self, left: Place, right: Place, weights: list[Value]) -> None:
        (j, start), (i, end) = left, right
        identity = f"{i}.{start}.{end}" if j == i - 1 else f"{j}-{i}.{start}.{end}"
        for k, weight in enumerate(weights):
            look = stroke(weight.data, self.largest, WIDEST if self.written else WIDEST / 2)
            look |= {"id": f"e{identity}" + (f".{k}" if k else ""), "name": ", ".join(_parameters([weight]))}
            self.edge(f"n{j}.{start}", f"n{i}.{end}", **look)
        if self.written:
            (x, y), (right_x, above) = self._spot(*left), self._spot(*right)
            share = self.along if j == i - 1 else 1 - self.along / (i - j)  # past a column: near the end, by itself
            self._write(f"w{identity}", x + share * (right_x - x), y + share * (above - y), *_parameters(weights))

    def _write(self, identity: str, x: float, y: float, *lines: str, size: str = "9") -> None:
        look = {"shape": "box", "style": "filled", "color": COLOUR["paper"], "fillcolor": COLOUR["paper"]}
        look |= {"margin": "0.02,0.01", "width": "0", "height": "0", "fontsize": size, "fontcolor": COLOUR["muted"]}
        if lines:
            self.node(identity, *lines, pos=_at(x, y), **look)


def _parameters(parameters: Iterable[Value], usual: str = "w") -> list[str]:
    lines = []
    for parameter in parameters:
        lines.append(f"{shown(parameter.label, 8) or usual} = {rounded(parameter.data)}")
        lines += [] if parameter.grad is UNREACHED else [f"grad {rounded(parameter.grad)}"]
    return lines


def _biases(circle: Circle) -> list[str]:
    return _parameters([unit.b for unit in circle.units if unit.b is not None], "b")


def _slope(value: Value | None) -> list[str]:
    return [] if value is None or value.grad is UNREACHED else [f"grad {rounded(value.grad)}"]


def _half_width(writings: Iterable[list[str]]) -> float:
    return LETTER / 2 * max((len(line) for lines in writings for line in lines), default=0)


def _fitting(x: float) -> str:
    """x as it fits into a circle: 0.9526, but 2.97e−5."""
    return next((text for digits in (4, 3, 2) if len(text := rounded(x, digits)) <= FITTING), rounded(x, 1))


def _at(x: float, y: float) -> str:
    return f"{x:.3f},{y:.3f}!"
