"""From DOT to a picture: the ``dot`` that this machine has, found and run.

Promise (tests/test_draw_render.py): the system's ``dot`` is taken if there is one, else the executable that the wheel
graphviz-pure brought along, also where PATH does not name its folder; and if there is neither, one error says what to
install. Nothing is written to disk, and no shell is involved.
"""

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
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
    system = shutil.which("dot")
    found = system or next((str(path) for path in _wheels_executables() if path.is_file()), shutil.which(WHEEL))
    if found is not None:
        return found
    raise RenderError(
        "no dot was found to draw with: python -m pip install graphviz-pure (or install your system's graphviz); "
        "the picture's .source is DOT text that any Graphviz draws"
    )


def has_processes() -> bool:
    """Whether this Python can start a program: not under Pyodide."""
    return sys.platform != "emscripten"


def _wheels_executables() -> Iterator[Path]:
    # PATH often lacks the scripts folder: a kernel or an IDE starts the interpreter by its path.
    name = WHEEL + (sysconfig.get_config_var("EXE") or "")
    users = sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user"))
    for folder in (sysconfig.get_path("scripts"), Path(sys.executable).parent, users):
        yield Path(folder, name)
    from importlib import metadata  # a tenth of this package's import time, needed where PATH is bare

    try:
        files = metadata.files(WHEEL) or []
    except metadata.PackageNotFoundError:
        files = []
    yield from (Path(str(file.locate())) for file in files if file.name == name)
