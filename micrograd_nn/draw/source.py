"""DOT source, written by the graphviz package, in this project's colours.

Promise: a label reaches the picture letter by letter, whatever it holds: no HTML label, no entity, no escape.
"""

from collections.abc import Iterable
from math import isfinite, sqrt
from typing import Any

from .palette import LIGHT as COLOUR

FONT = "Helvetica"
MANY = 200  # lines, from which on a tangled graph would take dot minutes
QUICK = {"nslimit": "2", "nslimit1": "2", "splines": "line"}
THINNEST, WIDEST = 0.8, 3.2  # points


def digraph(lines: int = 0, **attributes: str) -> Any:
    """An empty graph with our fonts and colours; with many lines to come, dot is asked to be quick."""
    import graphviz  # type: ignore[import-untyped]  # it ships no types

    font = {"fontname": FONT, "fontcolor": COLOUR["ink"], "color": COLOUR["line"]}
    graph = {**font, "bgcolor": COLOUR["paper"], "fontsize": "10", "fontcolor": COLOUR["muted"], **attributes}
    graph |= QUICK if lines > MANY else {}
    edge = {
        **font,
        "fontsize": "9",
        "fontcolor": COLOUR["muted"],
        "penwidth": str(THINNEST),
        "arrowsize": _head(THINNEST),
    }
    return graphviz.Digraph(graph_attr=graph, node_attr={**font, "fontsize": "12"}, edge_attr=edge)


def label(*lines: str, end: str = "n") -> Any:
    """Lines as a DOT label; end is n for centred lines, l for lines that start at the left."""
    import graphviz

    return graphviz.escape("".join(line + "\0" for line in lines).replace("&", "&amp;")).replace("\0", f"\\{end}")


def stroke(flow: float | None, largest: float, widest: float = WIDEST) -> dict[str, str]:
    """The line through which so much gradient flows: width by the root of its share of the largest, sign twice."""
    if flow is None or not isfinite(flow) or flow == 0:
        return {}
    width = THINNEST + (widest - THINNEST) * sqrt(abs(flow) / largest) if isfinite(largest) else THINNEST
    sign = {"color": COLOUR["positive"]} if flow > 0 else {"color": COLOUR["negative"], "style": "dashed"}
    return {"penwidth": f"{width:.2f}", "arrowsize": _head(width), **sign}


def _head(width: float) -> str:
    return f"{0.45 + 0.17 * width:.2f}"  # an arrow stays a little wider than its line


def largest_of(flows: Iterable[float | None]) -> float:
    """The largest size among gradients, of those that are there."""
    return max((abs(flow) for flow in flows if flow is not None), default=0.0)
