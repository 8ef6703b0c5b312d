"""Drawing: a picture as DOT source, which becomes SVG or PNG when somebody looks.

Promise (tests/test_draw_render.py): making a Drawing starts no program and writes no file; ``save`` writes all of a
file or nothing. Notebooks show it, and where nothing can be drawn they show the DOT text and say why.
"""

import os
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import known
from ..files import write_whole
from .render import can_draw, render
from .svg import narrowed, page_ready

FORMATS = ("svg", "png")
COLUMN, LEAST = 720.0, 0.7  # the width of a notebook's column in points; how small a picture may be shown to fit


@dataclass(eq=False, repr=False)
class Drawing:
    """A picture: ``.source`` (DOT), ``.svg``, ``.save(path)``; a notebook shows it as the value of a cell.

    ``notes`` says in sentences what the picture leaves out.

    >>> from micrograd_nn import Value, draw_dot
    >>> picture = draw_dot(Value(2.0, "a") * 3)
    >>> picture.source.startswith("digraph"), picture
    (True, <Drawing: Computation graph of 6: 3 values>)
    """

    source: str
    title: str
    names: Mapping[str, str]
    notes: tuple[str, ...] = ()
    format: str = "svg"

    def __post_init__(self) -> None:
        known("format", self.format, FORMATS)

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text. Raises RenderError if there is no dot to draw with."""
        return page_ready(render(self.source, "svg"), self.title, self.names)

    @cached_property
    def png(self) -> bytes:
        """The picture as the bytes of a PNG. Raises RenderError if there is no dot to draw with.

        Letters beyond Latin, Greek and Cyrillic take a system's dot: the wheel's has one font, and shows boxes.
        """
        return render(self.source, "png")

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to path, whose ending says how: .svg, .png or .dot (.gv). Returns the path.

        Raises UnknownNameError for another ending, RenderError, or FileError (OSError) if the file can't be
        written; the file that was there is then there still.
        """
        writers: dict[str, Callable[[], bytes]] = {".svg": lambda: self.svg.encode(), ".png": lambda: self.png}
        return save_as(path, "picture", writers | dict.fromkeys((".dot", ".gv"), self.source.encode))

    def render(self, filename: str = "graph", format: str | None = None, view: bool = False, **_: Any) -> str:
        """Write filename.svg, or .png, and return its path: graphviz's way, which is micrograd's. ``view`` shows it."""
        path = str(self.save(f"{filename}.{format or self.format}").resolve())
        if view:
            import webbrowser  # here, for it brings much along

            webbrowser.open(f"file://{path}")
        return path

    def view(self, filename: str = "graph") -> str:
        """Write the picture to a file, show it in the browser, and return the file's path."""
        return self.render(filename, view=True)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        if not can_draw():
            return {"text/plain": f"This Python can't start dot, so here is the picture's DOT text.\n\n{self.source}"}
        if self.format == "png":
            return {"image/png": b64encode(self.png).decode(), "text/plain": repr(self)}
        return {"image/svg+xml": narrowed(self.svg, COLUMN, LEAST), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Drawing: {self.title}>"


def save_as(path: str | os.PathLike[str], what: str, writers: Mapping[str, Callable[[], bytes]]) -> Path:
    """Write a file whole or not at all, by the writer of its ending. Returns the path.

    Raises UnknownNameError for another ending, what the writer raises, or FileError.
    """
    path = Path(path)
    content = writers[known(f"ending of a {what}'s file", path.suffix.lower(), writers)]()
    write_whole(path, content)
    return path
