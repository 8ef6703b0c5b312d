"""The computation graph as a picture: ``draw_dot``.

Promise (tests/test_draw_dot.py): every value, every operation and every edge that was recorded is there (x*x has two),
the local slope stands on each edge into an operation, and what is folded says so. The same graph gives the same bytes.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from math import isfinite

from ..derive import Path
from ..derive.recorded import check_unchanged
from ..engine.operation import Operation
from ..engine.value import Value, topological_order
from ..errors import ArgumentTypeError, UnknownNameError
from ..notation.text import rounded, shown
from .drawing import Drawing
from .folding import BUDGET, FoldedGraph, fold, is_input
from .palette import LIGHT as COLOUR
from .source import add_frames, digraph, label, largest_of, room_before, stroke

DIRECTIONS = ("LR", "TB", "RL", "BT")


def draw_dot(
    root: Value,
    format: str = "svg",
    rankdir: str = "LR",
    *,
    closed: bool | Collection[str] | None = None,
    highlight: Path | Iterable[Value] = (),
    budget: int = BUDGET,
) -> Drawing:
    """The graph below root as a Drawing: values with data and grad, operations, local slopes on the edges.

    After a backward pass a line is the wider the more gradient flows through it, blue where it is positive, orange
    and dashed where it is negative. ``rankdir`` is LR, TB, RL or BT.

    Modules are drawn as frames with their label, h1. ``closed`` folds them into one box each: True all of them, a
    list of labels these, None all if there are more than ``budget`` values. ``highlight`` is a path
    (one of ``paths(L, w)``, or a list of Values one beside the other); the rest of the picture steps back.

    Raises ArgumentTypeError if root is not a Value, UnknownNameError for another format, direction or module,
    GraphError if more than ``budget`` values are left, or three times as many lines, or if a ``.data`` has changed
    since the graph was recorded.
    """
    if not isinstance(root, Value):
        raise ArgumentTypeError(f"draw_dot draws the graph below a Value, got {type(root).__name__}")
    if rankdir not in DIRECTIONS:
        raise UnknownNameError("direction", rankdir, DIRECTIONS)
    order = topological_order(root)
    graph = fold(order, closed, budget)
    check_unchanged(root)
    path = highlight.nodes if isinstance(highlight, Path) else highlight
    picture = _Picture(graph, list(path), rankdir)
    title = f"Computation graph of {described(root)}: {_values(len(order))}"
    return Drawing(picture.dot.source, title, picture.names, picture.notes, format)


def draw_folded(roots: Sequence[Value], note: str, format: str) -> Drawing:
    """The graph below several roots with all its modules folded, and a sentence below it that says why."""
    order = topological_order(*roots)
    picture = _Picture(fold(order, closed=True), [], "LR", note)
    title = f"Computation graph of {', '.join(map(described, roots))}: {_values(len(order))}"
    return Drawing(picture.dot.source, title, picture.names, picture.notes, format)


def trace(root: Value) -> tuple[list[Value], list[tuple[Value, Value]]]:
    """micrograd's trace, for pictures of your own: the nodes, and an edge (operand, node) for every use of an operand.

    >>> x = Value(3.0)
    >>> nodes, edges = trace(x * x)
    >>> len(nodes), len(edges)
    (2, 2)
    """
    nodes = topological_order(root)
    return nodes, [(operand, node) for node in nodes for operand in node.operands]


class _Picture:
    """The DOT source of a graph, written value by value in topological order, so that it comes out the same again."""

    def __init__(self, graph: FoldedGraph, path: list[Value], rankdir: str, *notes: str) -> None:
        self.graph, self.rankdir, self.path = graph, rankdir, set(path)
        self.steps = {frozenset(pair) for pair in pairwise(path)}
        self.identity = {node: f"n{i}" for i, node in enumerate(graph.shown)}
        self.largest = largest_of(flow for node in graph.shown for flow in (node.grad, *self._flows(node)))
        self.names: dict[str, str] = {}
        self.notes = (*notes, *self._notes())
        self.dot = digraph(graph.lines, rankdir=rankdir, nodesep="0.16", ranksep="0.32", labelloc="b", labeljust="l")
        if self.notes:
            self.dot.attr(label=label(*self.notes, end="l"))
        add_frames(self.dot, graph, self._boxes, rankdir)
        if graph.folded:
            self._in_order()
        for node in graph.shown:
            self._value(node)
            self._links(node)

    def _flows(self, node: Value) -> list[float | None]:
        return [None if node.grad is None else node.grad * slope for _, slope in self.graph.links[node]]

    def _notes(self) -> Iterable[str]:
        if self.graph.folded:
            hidden, count = sum(map(len, self.graph.folded.values())), len(self.graph.folded)
            are = "are" if hidden != 1 else "is"
            yield f"{count:,} module{'s are' if count > 1 else ' is'} folded; {_values(hidden)} inside {are} not shown."

    def _in_order(self) -> None:
        """A folded network stands as in a textbook, x1 above x2, h1 above h2."""
        self.dot.attr(ordering="out")
        with self.dot.subgraph() as column:
            column.attr(rank="same")
            for above, below in pairwise(node for node in self.graph.shown if is_input(node)):
                column.edge(self.identity[above], self.identity[below], style="invis")

    def _boxes(self, node: Value) -> list[str]:
        """The DOT nodes of a value: its own, and that of the operation which made it."""
        identity = self.identity[node]
        return [identity] if node.operation is None else [identity, f"o{identity[1:]}"]

    def _value(self, node: Value) -> None:
        identity, inside, finite = self.identity[node], self.graph.folded.get(node), isfinite(node.data)
        lines = [described(node), f"grad {rounded(node.grad)}"]
        lines += [] if inside is None else [f"{_values(len(inside))} inside"]
        lines += [] if finite else ["not finite"]
        self.names[identity] = ", ".join(lines)
        kind = "leaf" if node.operation is None else "value" if inside is None else "operation"
        look = {"fillcolor": COLOUR[kind], "style": "filled,rounded"}
        look |= {} if finite else {"color": COLOUR["negative"], "penwidth": "2.5"}
        look |= self._aside(node in self.path)
        self.dot.node(identity, label(*lines), id=identity, shape="box", margin="0.1,0.05", height="0", **look)

    def _links(self, node: Value) -> None:
        """The operation that made a value, and the lines into it and on to the value; of a module the lines alone."""
        identity, operation = self.identity[node], None if node in self.graph.folded else node.operation
        end = f"o{identity[1:]}" if operation else identity
        reached = any(frozenset((operand, node)) in self.steps for operand in node.operands)
        if operation:
            self._sign(end, operation, reached)
        links = zip(self.graph.links[node], self._flows(node), strict=True)
        for i, ((operand, slope), flow) in enumerate(links):
            edge, written = f"e{identity[1:]}.{i}", rounded(slope)
            self.names[edge] = f"local slope {written}"
            beside = written if self.rankdir in ("LR", "RL") else f" {written}"  # letters would touch a line down
            look = {"label": label(beside), **room_before(self.graph, operand, node)}
            self._edge(self.identity[operand], end, edge, flow, frozenset((operand, node)) in self.steps, **look)
        if operation:
            self._edge(end, identity, f"e{identity[1:]}", node.grad, reached)

    def _sign(self, identity: str, operation: Operation, reached: bool) -> None:
        sign = shown(operation.sign)
        round_ = len(sign) == 1
        look = {"shape": "circle", "style": "filled"} if round_ else {"shape": "box", "style": "filled,rounded"}
        look |= {"fillcolor": COLOUR["operation"], "margin": "0" if round_ else "0.07,0.03"} | self._aside(reached)
        self.names[identity] = operation.name
        self.dot.node(identity, label(sign), id=identity, width="0.28", height="0.28", **look)

    def _aside(self, lit: bool) -> dict[str, str]:
        """How a box looks beside or on a highlighted path."""
        if not self.path:
            return {}
        if lit:
            return {"fillcolor": COLOUR["highlight"], "color": COLOUR["ink"], "penwidth": "1.5"}
        return {"fontcolor": COLOUR["line"], "color": COLOUR["frame"]}

    def _edge(self, start: str, end: str, identity: str, flow: float | None, lit: bool, **options: str) -> None:
        look = stroke(flow, self.largest)
        if self.path and not lit:
            look |= {"color": COLOUR["frame"], "fontcolor": COLOUR["line"]}
        elif lit:
            look |= {"fontcolor": COLOUR["ink"], "fontsize": "11"} | ({} if look else {"color": COLOUR["ink"]})
        self.dot.edge(start, end, id=identity, **options, **look)


def described(node: Value) -> str:
    """A value in one line: h1 = 0.9526, or its number alone if it has no label."""
    return f"{shown(node.label)} = {rounded(node.data)}" if node.label else rounded(node.data)


def _values(count: int) -> str:
    return f"{count:,} value{'s' * (count != 1)}"
