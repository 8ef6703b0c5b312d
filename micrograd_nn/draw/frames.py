"""Open modules as frames around their values.

Promise: a frame holds its module's values and no others, and begins to the right of what leads into it.
"""

from collections.abc import Callable, Iterable
from typing import Any

from ..engine.value import Value
from ..notation.text import shown
from .modules import View
from .palette import LIGHT as COLOUR
from .source import label


def add_frames(dot: Any, seen: View, boxes: Callable[[Value], Iterable[str]], rankdir: str = "LR") -> None:
    """Put the DOT nodes of each open module into a frame that bears its label; call it before the nodes are drawn.

    dot keeps the order in which nodes first occur where it has the choice: in a graph that runs across, from the bottom
    up inside a frame; in one that runs down, frames from right to left.
    """
    across = rankdir in ("LR", "RL")
    frames = list(seen.open.items())
    for i, (module, inside) in enumerate(frames if across else reversed(frames)):
        look = {"style": "filled,rounded", "color": COLOUR["frame"], "fillcolor": COLOUR["module"], "margin": "8"}
        with dot.subgraph(name=f"cluster{i}") as frame:
            frame.attr(label=label(shown(module.label)), labelloc="t", labeljust="l", **look)
            nodes = [*inside, module]
            for node in reversed(nodes) if across else nodes:
                for box in boxes(node):
                    frame.node(box)


def room_before(seen: View, operand: Value, node: Value) -> dict[str, str]:
    """The length and pull of an edge that enters a frame: without them, frames in a row would stand in steps."""
    enters = node in seen.frame_of and seen.frame_of.get(operand) is not seen.frame_of[node]
    return {"minlen": "2", "weight": "5"} if enters else {}
