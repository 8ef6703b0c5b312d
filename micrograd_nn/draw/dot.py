"""The computation graph as a picture: ``draw_dot``.

Promise: every value, every operation and every edge that was recorded is there (x*x has two), operands lead to their
operation, and the local slope stands on the way. The same graph gives the same bytes.
"""

from collections.abc import Iterable
from math import isfinite, sqrt
from typing import Any

from ..errors import ArgumentTypeError, UnknownNameError
from ..value import Value, topological_order
from .drawing import Drawing
from .palette import LIGHT as COLOUR
from .text import number, shown

DIRECTIONS = ("LR", "TB", "RL", "BT")
WIDEST = 4.5  # points, the line of the largest gradient in the picture
FONT = "Helvetica"


def draw_dot(root: Value, format: str = "svg", rankdir: str = "LR") -> Drawing:
    """The graph below root as a Drawing: values with data and grad, operations, local slopes on the edges.

    After a backward pass a line is the wider the larger the gradient that flows through it (its root is drawn), blue
    if it is positive, orange and dashed if it is negative. ``rankdir`` is LR, TB, RL or BT.

    Raises ArgumentTypeError if root is not a Value, UnknownNameError for another format or direction.
    """
    if not isinstance(root, Value):
        raise ArgumentTypeError(f"draw_dot draws the graph below a Value, got {type(root).__name__}")
    if rankdir not in DIRECTIONS:
        raise UnknownNameError("direction", rankdir, DIRECTIONS)
    return _Picture(root, rankdir).drawing(format)


class _Picture:
    """The DOT source of one graph, written node by node in topological order."""

    def __init__(self, root: Value, rankdir: str) -> None:
        import graphviz  # type: ignore[import-untyped]  # it ships no types

        self.order = topological_order(root)
        self.identity = {node: f"n{i}" for i, node in enumerate(self.order)}
        self.names: dict[str, str] = {}
        self.largest = max((abs(flow) for node in self.order for flow in flows(node) if flow is not None), default=0.0)
        self.root = root
        self.dot = graphviz.Digraph(
            graph_attr={"rankdir": rankdir, "bgcolor": COLOUR["paper"], "nodesep": "0.18", "ranksep": "0.35"},
            node_attr={
                "fontname": FONT,
                "fontsize": "12",
                "fontcolor": COLOUR["ink"],
                "color": COLOUR["line"],
                "style": "filled,rounded",
            },
            edge_attr={
                "fontname": FONT,
                "fontsize": "9",
                "fontcolor": COLOUR["muted"],
                "color": COLOUR["line"],
                "arrowsize": "0.55",
            },
        )

    def drawing(self, format: str) -> Drawing:
        for node in self.order:
            self._value(node)
            if node.operation is not None:
                self._operation(node)
        title = f"computation graph of {described(self.root)}, {len(self.order)} values"
        return Drawing(self.dot.source, title, self.names, format=format)

    def _value(self, node: Value) -> None:
        identity = self.identity[node]
        self.names[identity] = f"{described(node)}, gradient {number(node.grad)}"
        kind = "leaf" if node.operation is None else "value"
        options = {} if isfinite(node.data) else {"color": COLOUR["negative"], "penwidth": "2.5"}
        lines = [described(node), f"grad {number(node.grad)}"] + ([] if isfinite(node.data) else ["not finite"])
        self.dot.node(
            identity,
            text(lines),
            id=identity,
            shape="box",
            fillcolor=COLOUR[kind],
            margin="0.1,0.06",
            height="0",
            **options,
        )

    def _operation(self, node: Value) -> None:
        assert node.operation is not None
        identity, sign = self.identity[node], f"o{self.identity[node][1:]}"
        self.names[sign] = node.operation.name
        self.dot.node(
            sign,
            text([node.operation.sign]),
            id=sign,
            shape="circle" if len(node.operation.sign) == 1 else "box",
            style="filled" if len(node.operation.sign) == 1 else "filled,rounded",
            fillcolor=COLOUR["operation"],
            margin="0.05,0.03",
            width="0.3",
            height="0.3",
        )
        parts = zip(node.operands, node.partials, flows(node), strict=True)
        for i, (operand, partial, flow) in enumerate(parts):
            line = f"e{sign[1:]}.{i}"
            self.names[line] = f"∂{shown(node.label) or 'out'}/∂{shown(operand.label) or 'in'} = {number(partial)}"
            self._edge(self.identity[operand], sign, line, flow, label=text([number(partial)]))
        self._edge(sign, identity, f"e{sign[1:]}", node.grad)

    def _edge(self, start: str, end: str, identity: str, flow: float | None, **options: str) -> None:
        self.dot.edge(start, end, id=identity, **options, **line_of(flow, self.largest))


def flows(node: Value) -> list[float | None]:
    """What a node's gradient hands to each operand: upstream times the local slope; None before a sweep."""
    return [None if node.grad is None else node.grad * partial for partial in node.partials]


def line_of(flow: float | None, largest: float) -> dict[str, str]:
    """How an edge is drawn through which so much gradient flows; the area under a width is easier to judge by √."""
    if flow is None or not isfinite(flow) or flow == 0:
        return {"penwidth": "0.8"}
    width = 0.8 + (WIDEST - 0.8) * sqrt(abs(flow) / largest) if isfinite(largest) else 0.8
    sign = "positive" if flow > 0 else "negative"
    return {"color": COLOUR[sign], "penwidth": f"{width:.2f}"} | ({} if flow > 0 else {"style": "dashed"})


def described(node: Value) -> str:
    """A value in one line: h1 = 0.9526, or its number alone if it has no label."""
    return f"{shown(node.label)} = {number(node.data)}" if node.label else number(node.data)


def text(lines: Iterable[str]) -> Any:
    """Lines as a DOT label that dot takes letter by letter: no HTML, no entity, no escape."""
    import graphviz

    return graphviz.escape("\0".join(lines).replace("&", "&amp;")).replace("\0", r"\n")
