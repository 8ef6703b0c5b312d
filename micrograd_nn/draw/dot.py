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
from ..errors import ArgumentTypeError, counted, known
from ..notation.text import rounded, shown
from .drawing import Drawing
from .folding import BUDGET, FoldedGraph, fold, is_input
from .palette import LIGHT as COLOUR
from .source import Source, largest_of, stroke

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

    >>> draw_dot(Value(2.0, "a") * 3)
    <Drawing: Computation graph of 6: 3 values>
    """
    if not isinstance(root, Value):
        raise ArgumentTypeError(f"draw_dot draws the graph below a Value, got {type(root).__name__}")
    known("direction", rankdir, DIRECTIONS)
    graph = fold(topological_order(root), closed, budget)
    check_unchanged(root)
    path = highlight.nodes if isinstance(highlight, Path) else list(highlight)
    return _Picture(graph, rankdir, path).drawing([root], format)


def draw_folded(roots: Sequence[Value], note: str, format: str) -> Drawing:
    """The graph below several roots with all its modules folded, and a sentence below it that says why."""
    return _Picture(fold(topological_order(*roots), closed=True), "LR", [], note).drawing(roots, format)


def trace(root: Value) -> tuple[list[Value], list[tuple[Value, Value]]]:
    """micrograd's trace, for pictures of your own: the nodes, and an edge (operand, node) for every use of an operand.

    >>> x = Value(3.0)
    >>> nodes, edges = trace(x * x)
    >>> len(nodes), len(edges)
    (2, 2)
    """
    nodes = topological_order(root)
    return nodes, [(operand, node) for node in nodes for operand in node.operands]


class _Picture(Source):
    """A graph, written value by value in topological order, so that it comes out the same again."""

    def __init__(self, graph: FoldedGraph, rankdir: str, path: Sequence[Value], *notes: str) -> None:
        super().__init__(graph.lines, rankdir=rankdir, nodesep="0.16", ranksep="0.32", labelloc="b", labeljust="l")
        self.graph, self.across, self.path = graph, rankdir in ("LR", "RL"), set(path)
        self.steps = {frozenset(pair) for pair in pairwise(path)}
        self.identity = {node: f"n{i}" for i, node in enumerate(graph.shown)}
        self.largest = largest_of(flow for node in graph.shown for flow in (node.grad, *self._flows(node)))
        self.notes = (*notes, *graph.notes)
        if self.notes:
            self.add("graph", *self.notes, end="l")
        self._frames()
        if graph.folded:
            self._in_order()
        for node in graph.shown:
            self._value(node)
            self._links(node)

    def drawing(self, roots: Sequence[Value], format: str) -> Drawing:
        """The picture as it is handed out."""
        title = f"Computation graph of {', '.join(map(described, roots))}: {counted(self.graph.size, 'value')}"
        return Drawing(self.text, title, self.names, self.notes, format)

    def _flows(self, node: Value) -> list[float]:
        return [node.grad and node.grad * slope for _, slope in self.graph.links[node]]

    def _frames(self) -> None:
        """Each open module as a frame around its values, which bears its label.

        dot keeps the order in which nodes first occur where it has the choice: in a graph that runs across, from the
        bottom up inside a frame; in one that runs down, frames from right to left.
        """
        look = {"style": "filled,rounded", "color": COLOUR["frame"], "fillcolor": COLOUR["module"], "margin": "8"}
        frames = list(self.graph.open.items())
        for i, (module, inside) in enumerate(frames if self.across else reversed(frames)):
            self.statements.append(f"subgraph cluster{i} {{")
            self.add("graph", shown(module.label), labelloc="t", labeljust="l", **look)
            nodes = [*inside, module]
            for node in reversed(nodes) if self.across else nodes:
                identity = self.identity[node]
                self.statements += [identity] if node.operation is None else [identity, f"o{identity[1:]}"]
            self.statements.append("}")

    def _in_order(self) -> None:
        """A folded network stands as in a textbook, x1 above x2, h1 above h2."""
        self.add("graph", ordering="out")
        self.statements.append("{ rank=same")
        for above, below in pairwise(filter(is_input, self.graph.shown)):
            self.edge(self.identity[above], self.identity[below], style="invis")
        self.statements.append("}")

    def _value(self, node: Value) -> None:
        inside, finite = self.graph.folded.get(node), isfinite(node.data)
        lines = [described(node), f"grad {rounded(node.grad)}"]
        lines += [] if inside is None else [f"{counted(len(inside), 'value')} inside"]
        lines += [] if finite else ["not finite"]
        kind = "leaf" if node.operation is None else "value" if inside is None else "operation"
        look = {"fillcolor": COLOUR[kind], "style": "filled,rounded", "shape": "box", "margin": "0.1,0.05"}
        look |= {} if finite else {"color": COLOUR["negative"], "penwidth": "2.5"}
        look |= self._aside(node in self.path)
        self.node(self.identity[node], *lines, id=self.identity[node], name=", ".join(lines), height="0", **look)

    def _links(self, node: Value) -> None:
        """The operation that made a value, and the lines into it and on to the value; of a module the lines alone."""
        identity, operation = self.identity[node], None if node in self.graph.folded else node.operation
        end = f"o{identity[1:]}" if operation else identity
        reached = any(frozenset((operand, node)) in self.steps for operand in node.operands)
        if operation:
            self._sign(end, operation, reached)
        links = zip(self.graph.links[node], self._flows(node), strict=True)
        for i, ((operand, slope), flow) in enumerate(links):
            written = rounded(slope)
            look = {"id": f"e{identity[1:]}.{i}", "name": f"local slope {written}", **self._room(operand, node)}
            look |= self._stroke(flow, frozenset((operand, node)) in self.steps)
            beside = written if self.across else f" {written}"  # letters would touch a line down
            self.edge(self.identity[operand], end, beside, **look)
        if operation:
            self.edge(end, identity, id=f"e{identity[1:]}", **self._stroke(node.grad, reached))

    def _sign(self, identity: str, operation: Operation, reached: bool) -> None:
        sign = shown(operation.sign)
        round_ = len(sign) == 1
        look = {"shape": "circle", "style": "filled"} if round_ else {"shape": "box", "style": "filled,rounded"}
        look |= {"fillcolor": COLOUR["operation"], "margin": "0" if round_ else "0.07,0.03"} | self._aside(reached)
        self.node(identity, sign, id=identity, name=operation.name, width="0.28", height="0.28", **look)

    def _aside(self, lit: bool) -> dict[str, str]:
        """How a box looks beside or on a highlighted path."""
        if not self.path:
            return {}
        if lit:
            return {"fillcolor": COLOUR["highlight"], "color": COLOUR["ink"], "penwidth": "1.5"}
        return {"fontcolor": COLOUR["line"], "color": COLOUR["frame"]}

    def _stroke(self, flow: float | None, lit: bool) -> dict[str, str]:
        """How a line looks, likewise."""
        look = stroke(flow, self.largest)
        if lit:
            return {"color": COLOUR["ink"], **look, "fontcolor": COLOUR["ink"], "fontsize": "11"}
        return look | ({"color": COLOUR["frame"], "fontcolor": COLOUR["line"]} if self.path else {})

    def _room(self, operand: Value, node: Value) -> dict[str, str]:
        """The length and pull of a line that enters a frame: without them, frames in a row would stand in steps."""
        frame_of = self.graph.frame_of
        enters = node in frame_of and frame_of.get(operand) is not frame_of[node]
        return {"minlen": "2", "weight": "5"} if enters else {}


def described(node: Value) -> str:
    """A value in one line: h1 = 0.9526, or its number alone if it has no label."""
    return f"{shown(node.label)} = {rounded(node.data)}" if node.label else rounded(node.data)
