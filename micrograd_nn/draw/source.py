"""DOT source, written by the graphviz package, in this project's colours; open modules as frames around their values.

Promise (tests/test_draw_labels.py): a label reaches the picture letter by letter, whatever it holds: no HTML label, no
entity, no escape.
"""

from collections.abc import Callable, Iterable
from math import isfinite, sqrt
from typing import Any

from ..engine.value import Value
from ..notation.text import shown
from .folding import FoldedGraph
from .palette import LIGHT as COLOUR

FONT = "Helvetica"
MANY = 200  # lines, from which on a tangled graph would take dot minutes
QUICK = {"nslimit": "2", "nslimit1": "2", "splines": "line"}
THINNEST, WIDEST = 0.8, 3.2  # points


def digraph(lines: int = 0, **attributes: str) -> Any:
    """An empty graph with our fonts and colours; with many lines to come, dot is asked to be quick."""
    import graphviz  # type: ignore[import-untyped]  # it ships no types

    font = {"fontname": FONT, "fontcolor": COLOUR["ink"], "color": COLOUR["line"]}
    muted = {**font, "fontcolor": COLOUR["muted"]}
    graph = {**muted, "bgcolor": COLOUR["paper"], "fontsize": "10", **attributes} | (QUICK if lines > MANY else {})
    edge = {**muted, "fontsize": "9", "penwidth": str(THINNEST), "arrowsize": _head(THINNEST)}
    return graphviz.Digraph(graph_attr=graph, node_attr={**font, "fontsize": "12"}, edge_attr=edge)


def label(*lines: str, end: str = "n") -> Any:
    """Lines as a DOT label; end is n for centred lines, l for lines that start at the left."""
    import graphviz

    return graphviz.escape("".join(line + "\0" for line in lines).replace("&", "&amp;")).replace("\0", f"\\{end}")


def stroke(flow: float | None, largest: float, widest: float = WIDEST) -> dict[str, str]:
    """The line through which so much gradient flows: its width, and its sign by colour and by stroke."""
    if flow is None or not isfinite(flow) or flow == 0:
        return {}
    width = width_of(flow, largest, widest)
    sign = {"color": COLOUR["positive"]} if flow > 0 else {"color": COLOUR["negative"], "style": "dashed"}
    return {"penwidth": f"{width:.2f}", "arrowsize": _head(width), **sign}


def width_of(flow: float, largest: float, widest: float = WIDEST) -> float:
    """The width of a line in points, by the root of its share of the largest gradient."""
    known = isfinite(flow) and isfinite(largest) and largest > 0
    return THINNEST + (widest - THINNEST) * sqrt(min(1.0, abs(flow) / largest)) if known else THINNEST


def _head(width: float) -> str:
    return f"{0.45 + 0.17 * width:.2f}"  # an arrow stays a little wider than its line


def largest_of(flows: Iterable[float | None]) -> float:
    """The largest size among gradients, of those that are there."""
    return max((abs(flow) for flow in flows if flow is not None), default=0.0)


# ---- frames ----


def add_frames(dot: Any, graph: FoldedGraph, boxes: Callable[[Value], Iterable[str]], rankdir: str = "LR") -> None:
    """Put the DOT nodes of each open module into a frame that bears its label; call it before the nodes are drawn.

    dot keeps the order in which nodes first occur where it has the choice: in a graph that runs across, from the bottom
    up inside a frame; in one that runs down, frames from right to left.
    """
    across = rankdir in ("LR", "RL")
    frames = list(graph.open.items())
    look = {"style": "filled,rounded", "color": COLOUR["frame"], "fillcolor": COLOUR["module"], "margin": "8"}
    for i, (module, inside) in enumerate(frames if across else reversed(frames)):
        with dot.subgraph(name=f"cluster{i}") as frame:
            frame.attr(label=label(shown(module.label)), labelloc="t", labeljust="l", **look)
            nodes = [*inside, module]
            for node in reversed(nodes) if across else nodes:
                for box in boxes(node):
                    frame.node(box)


def room_before(graph: FoldedGraph, operand: Value, node: Value) -> dict[str, str]:
    """The length and pull of an edge that enters a frame: without them, frames in a row would stand in steps."""
    enters = node in graph.frame_of and graph.frame_of.get(operand) is not graph.frame_of[node]
    return {"minlen": "2", "weight": "5"} if enters else {}
