"""From DOT to a picture: the ``dot`` that this machine has, found and run; or a function that a page brings.

Promise (tests/test_draw_render.py): the system's ``dot`` is taken if there is one, else the executable that the wheel
graphviz-pure brought along, also where PATH does not name its folder; and if there is neither, one error says what to
install. Nothing is written to disk, and no shell is involved.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import ArgumentTypeError, RenderError

WHEEL = "graphviz-pure"
PATIENCE = 60.0  # seconds for one picture


class Renderer:
    """Who lays pictures out: this machine's ``dot``, or a function that a page has brought."""

    own: Callable[[str], str] | None = None


def use_renderer(renderer: Callable[[str], str] | None) -> None:
    """Let this function draw from now on: DOT source in, the text of an SVG out. None for this machine's dot again.

    For a Python that can't start a program, as in a browser: there Viz.js is Graphviz itself. What it draws becomes a
    picture like any other, with light and dark colours and the numbers on their lines; PNG takes a ``dot``.

        from js import viz                                # Pyodide: viz = await Viz.instance() on the page
        use_renderer(lambda source: viz.renderString(source, format="svg"))

    Raises ArgumentTypeError if it can't be called.
    """
    if renderer is not None and not callable(renderer):
        raise ArgumentTypeError(f"a renderer is a function from DOT source to SVG, got {renderer!r:.60}")
    Renderer.own = renderer


def render(source: str, format: str) -> bytes:
    """DOT source laid out and drawn as "svg" or "png". Raises RenderError if no dot is found, or if it fails."""
    if Renderer.own and format == "svg":
        drawn = str(Renderer.own(source))
        if "<svg" not in drawn:
            raise RenderError(f"the renderer in use gave no SVG: {drawn:.200}")
        return drawn.encode()
    command = [find_dot(), f"-T{format}"]
    try:
        done = subprocess.run(command, input=source.encode(), capture_output=True, timeout=PATIENCE, check=False)
    except OSError as error:
        raise RenderError(f"{command[0]} could not be run: {error}") from error
    except subprocess.TimeoutExpired:
        raise RenderError(f"{command[0]} took more than {PATIENCE:.0f} s: draw a smaller part of the graph") from None
    if done.returncode != 0 or not done.stdout:
        said = done.stderr.decode(errors="replace").strip() or "no word why"
        raise RenderError(f"{command[0]} failed with exit code {done.returncode}: {said:.500}")
    return done.stdout


def find_dot() -> str:
    """The path of the executable that draws. Raises RenderError, which says what to install, if there is none."""
    if not has_processes():
        raise RenderError(
            "this Python runs in a browser and can't start dot: take the picture's .source elsewhere, or give "
            "micrograd_nn.draw.use_renderer a function that makes SVG of it"
        )
    found = shutil.which("dot") or _wheels_dot() or shutil.which(WHEEL)
    if found is None:
        raise RenderError(
            "no dot was found to draw with: python -m pip install graphviz-pure (or install your system's graphviz); "
            "the picture's .source is DOT text that any Graphviz draws"
        )
    return found


def has_processes() -> bool:
    """Whether this Python can start a program: not under Pyodide."""
    return sys.platform != "emscripten"


def can_draw() -> bool:
    """Whether there may be somebody who lays out: a program, or a page's own renderer."""
    return Renderer.own is not None or has_processes()


def _wheels_dot() -> str | None:
    # By its list of files: PATH often lacks the scripts folder, as a kernel or an IDE starts the interpreter by path.
    from importlib import metadata  # a tenth of this package's import time, needed where there is no system's dot

    with suppress(metadata.PackageNotFoundError):
        for file in metadata.files(WHEEL) or ():
            path = Path(str(file.locate()))
            if path.stem == WHEEL and path.suffix in ("", ".exe") and path.is_file():
                return str(path)
    return None
