"""The walk: one HTML page that goes through a graph forward and backward, a chain-rule step at a time.

Promise (tests/test_walk_browser.py, test_draw_labels.py): the page is one file that fetches nothing, works from a
disk, in a notebook cell and in a sandboxed frame, and allows no script or style but its own. Text from the graph
reaches it as text only.
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
from ..errors import ArgumentTypeError, UnknownNameError
from ..files import write_whole
from ..notation.text import rounded
from .mathml import mathml
from .story import Moment, Story
from .walk_picture import walk_picture

PHASES = {"start": "Start", "forward": "Forward", "seed": "Turning point", "backward": "Backward"}
FRAME_HEIGHT = 820  # pixels of the walk in a notebook cell


def walk(root: Value) -> "Walk":
    """A page that walks forward and backward through the graph below root: ``walk(L).save("walk.html")``.

    In a notebook it shows itself. Gradients in it are those of this one sweep from root; no ``.grad`` is looked at or
    changed.

    Raises ArgumentTypeError if root is not a Value, GraphError if there are more than 400 values, or if a ``.data``
    has changed since the graph was recorded, RenderError if there is no dot to lay the graph out.
    """
    if not isinstance(root, Value):
        raise ArgumentTypeError(f"walk goes through the graph below a Value, got {type(root).__name__}")
    return Walk(Story(root))


class Walk:
    """The page: ``.html``, ``.save(path)``; a notebook shows it as the value of a cell."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.picture = walk_picture(story)

    @cached_property
    def html(self) -> str:
        """The whole page."""
        css, script, template = (_file(name) for name in ("walk.css", "walk.js", "walk.html"))
        story = self.story
        return Template(template).substitute(
            title=escape(f"Forward and backward through {story.name(story.root)}"),
            policy=f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(css)}'; "
            "base-uri 'none'; form-action 'none'",
            css=css,
            script=script,
            lead=escape(f"{len(story.order)} values, {len(story.steps)} operations, {len(story.moments) - 1} steps."),
            picture=self.picture,
            last=len(story.moments) - 1,
            moments="\n".join(self._moment(i, moment) for i, moment in enumerate(story.moments)),
            rows="\n".join(self._row(i, node) for i, node in enumerate(story.order)),
            derivations="\n".join(self._derivation(i, node) for i, node in enumerate(story.order)),
            data=_as_script_data(self._data()),
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to path, an .html file. Returns the path. Raises FileError, with the old file still there."""
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise UnknownNameError("ending of a walk's file", path.suffix, [".html", ".htm"])
        write_whole(path, self.html.encode())
        return path

    def _repr_html_(self) -> str:
        return (
            f'<iframe title="{escape(self._title())}" sandbox="allow-scripts" srcdoc="{escape(self.html)}" '
            f'width="100%" height="{FRAME_HEIGHT}" style="border:0"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<Walk: {self._title()}>"

    def _title(self) -> str:
        return f"{self.story.name(self.story.root)}, {len(self.story.moments) - 1} steps"

    # ---- parts of the page ----

    def _moment(self, i: int, moment: Moment) -> str:
        formula = mathml(moment.latex, block=True) if moment.latex else ""
        return (
            f'<article class="moment" data-step="{i}"{" hidden" if i else ""}>'
            f'<p class="phase {moment.phase}">{PHASES[moment.phase]}</p><h2>{escape(moment.title)}</h2>'
            f'<div class="formula">{formula}</div><p class="words">{escape(moment.sentence)}</p></article>'
        )

    def _row(self, place: int, node: Value) -> str:
        return (
            f'<tr data-place="{place}"><th scope="row"><button type="button" data-place="{place}" '
            f'aria-controls="derivation">{escape(self.story.name(node))}</button></th>'
            f'<td class="made">{escape(self.story.formula(node))}</td>'
            f'<td class="number">{rounded(node.data)}</td><td class="gradient">–</td></tr>'
        )

    def _derivation(self, place: int, node: Value) -> str:
        parts = [self.story.name(node), self.story.formula(node), rounded(node.data)]
        return (
            f'<article data-place="{place}" hidden><h2 tabindex="-1">{escape(" = ".join(filter(None, parts)))}</h2>'
            f'<div class="formula">{mathml(self.story.derivation(place), block=True)}</div></article>'
        )

    def _data(self) -> dict[str, Any]:
        """What the script needs: per node when it is made and what its gradient is when; per step what is at work."""
        moments = self.story.moments
        made = {moment.place: i for i, moment in enumerate(moments) if moment.phase == "forward"}
        gathered: list[list[tuple[int, str, str]]] = [[] for _ in self.story.order]
        for i, moment in enumerate(moments):
            for place, total in moment.gathered:
                sign = "negative" if total < 0 else "positive" if total > 0 else ""
                gathered[place].append((i, rounded(total), sign))
        return {
            "nodes": [
                {"made": made.get(place, 0), "number": rounded(node.data), "gathered": gathered[place]}
                for place, node in enumerate(self.story.order)
            ],
            "steps": [{"place": m.place, "operands": m.operands, "title": m.title} for m in moments],
            "turn": next(i for i, moment in enumerate(moments) if moment.phase == "seed"),
        }


def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _as_script_data(data: Any) -> str:
    """JSON that can stand in a script element: nothing in it ends the element or opens a comment."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
