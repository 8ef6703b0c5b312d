"""DOT source, statement by statement, in this project's colours.

Promise (tests/test_draw_labels.py): a label reaches the picture letter by letter, whatever it holds: no HTML label, no
entity, no escape.
"""

import re
from collections.abc import Iterable
from math import isfinite, sqrt

from .palette import LIGHT as COLOUR

FONT = "Helvetica"
MANY = 200  # lines, from which on a tangled graph would take dot minutes
QUICK = {"nslimit": "2", "nslimit1": "2", "splines": "line"}
THINNEST, WIDEST = 0.8, 3.2  # points
BARE = re.compile(r"[A-Za-z_]\w*|-?(?:\.\d+|\d+(?:\.\d*)?)", re.ASCII)  # what DOT reads without quotes
ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "&": "&amp;"})


class Source:
    """A picture as it grows: its statements, and in ``names`` what a node or an edge is in words, by its id."""

    def __init__(self, lines: int = 0, **attributes: str) -> None:
        """An empty graph with our fonts and colours; with many lines to come, dot is asked to be quick."""
        self.names: dict[str, str] = {}
        self.statements: list[str] = []
        font = {"fontname": FONT, "fontcolor": COLOUR["ink"], "color": COLOUR["line"]}
        muted = {**font, "fontcolor": COLOUR["muted"]}
        quick = QUICK if lines > MANY else {}
        self.add("graph", **muted, bgcolor=COLOUR["paper"], fontsize="10", **attributes | quick)
        self.add("node", **font, fontsize="12")
        self.add("edge", **muted, fontsize="9", penwidth=str(THINNEST), arrowsize=_head(THINNEST))

    @property
    def text(self) -> str:
        """The whole source."""
        return "\n\t".join(["digraph {", *self.statements]) + "\n}\n"

    def node(self, identity: str, *lines: str, name: str = "", **look: str) -> None:
        """A box or a circle, with lines of writing in it."""
        self.add(_quoted(identity), *lines, name=name, **look)

    def edge(self, start: str, end: str, *lines: str, name: str = "", **look: str) -> None:
        """A line from one node to another."""
        self.add(f"{_quoted(start)} -> {_quoted(end)}", *lines, name=name, **look)

    def add(self, what: str, *lines: str, name: str = "", end: str = "n", **look: str) -> None:
        """A statement; its lines of writing are centred, or start at the left where they end in l."""
        if name:
            self.names[look["id"]] = name
        label = "".join(line.translate(ESCAPED) + f"\\{end}" for line in lines)
        written = [f'label="{label}"'] if lines else []
        written += [f"{key}={_quoted(value)}" for key, value in sorted(look.items())]
        self.statements.append(f"{what} [{' '.join(written)}]")


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


def largest_of(flows: Iterable[float | None]) -> float:
    """The largest size among gradients, of those that are there."""
    return max((abs(flow) for flow in flows if flow is not None), default=0.0)


def _head(width: float) -> str:
    return f"{0.45 + 0.17 * width:.2f}"  # an arrow stays a little wider than its line


def _quoted(text: str) -> str:
    return text if BARE.fullmatch(text) else f'"{text.translate(ESCAPED)}"'
