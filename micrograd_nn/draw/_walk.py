"""The walk: one HTML page that goes through a graph forward and backward, a chain-rule step at a time.

Promise (tests/test_walk_browser.py, test_draw_labels.py): the page is one file that fetches nothing, works from a disk,
in a notebook cell and in a sandboxed frame, and allows no script or style but its own. Text from the graph reaches it
as text only.
"""

import json
import os
from base64 import b64encode
from functools import cached_property
from hashlib import sha256
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from ..engine.value import Value
from ..errors import ArgumentTypeError, counted
from ._explore import graph_data
from .drawing import save_as

FRAME_HEIGHT = 680  # pixels of the walk in a notebook cell
START = '\nopen(document.querySelector("main"), JSON.parse(document.getElementById("data").textContent));\n'


def walk(root: Value) -> "Walk":
    """A page that walks forward and backward through the graph below root: ``walk(L).save("walk.html")``.

    In a notebook it shows itself. Gradients in it are those of this one sweep from root; no ``.grad`` is looked at or
    changed. Neurons and a loss fold into one step each, and are folded at first in a graph of 60 values or more.

    Raises ArgumentTypeError if root is not a Value, GraphError if there are more than 400 values, or if a ``.data``
    has changed since the graph was recorded.

    >>> walk(Value(2.0, "a") * 3)
    <Walk: Forward and backward through L, 3 steps>
    """
    if not isinstance(root, Value):
        raise ArgumentTypeError(f"walk goes through the graph below a Value, got {type(root).__name__}")
    return Walk(root)


class Walk:
    """The page: ``.html``, ``.save(path)``; a notebook shows it as the value of a cell.

    >>> "</html>" in walk(Value(2.0, "a") * 3).html
    True
    """

    def __init__(self, root: Value) -> None:
        self.data = graph_data(root, told=True)

    @cached_property
    def html(self) -> str:
        """The whole page."""
        css, script, template = (file(name) for name in ("live.css", "live.js", "walk.html"))
        script += START
        return Template(template).substitute(
            title=escape(self.data["title"]),
            policy=f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(css)}'; "
            "base-uri 'none'; form-action 'none'",
            css=css,
            script=script,
            data=_as_script_data(self.data),
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to path, an .html file. Returns the path. Raises FileError, with the old file still there."""
        return save_as(path, "walk", dict.fromkeys((".html", ".htm"), lambda: self.html.encode()))

    def _repr_html_(self) -> str:
        return (
            f'<iframe title="{escape(self._title())}" sandbox="allow-scripts" srcdoc="{escape(self.html)}" '
            f'width="100%" height="{FRAME_HEIGHT}" style="border:0"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<Walk: {self._title()}>"

    def _title(self) -> str:
        return f"{self.data['title']}, {counted(sum(not step['whole'] for step in self.data['steps']) - 1, 'step')}"


def file(name: str) -> str:
    """The text of one of the front end's files, live.js or live.css."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _as_script_data(data: Any) -> str:
    """JSON that can stand in a script element: nothing in it ends the element or opens a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("</", "<\\/").replace("<!", "\\u003c!")
