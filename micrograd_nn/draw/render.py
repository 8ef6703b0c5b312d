"""From DOT to a picture: the ``dot`` that this machine has, found and run.

Promise (tests/test_draw_render.py): the system's ``dot`` is taken if there is one, else the executable that the wheel
graphviz-pure brought along, also where PATH does not name its folder; and if there is neither, one error says what to
install. Nothing is written to disk, and no shell is involved.
"""

import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from ..errors import RenderError

WHEEL = "graphviz-pure"
PATIENCE = 60.0  # seconds for one picture


def render(source: str, format: str) -> bytes:
    """DOT source laid out and drawn as "svg" or "png". Raises RenderError if no dot is found, or if it fails."""
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
        raise RenderError("this Python runs in a browser and can't start dot: take the picture's .source elsewhere")
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


def _wheels_dot() -> str | None:
    # By its list of files: PATH often lacks the scripts folder, as a kernel or an IDE starts the interpreter by path.
    from importlib import metadata  # a tenth of this package's import time, needed where there is no system's dot

    with suppress(metadata.PackageNotFoundError):
        for file in metadata.files(WHEEL) or ():
            path = Path(str(file.locate()))
            if path.stem == WHEEL and path.suffix in ("", ".exe") and path.is_file():
                return str(path)
    return None
