"""Start-up: from the shell's prompt to an import, a gradient, a picture.

Promise: each figure is a whole process from its start to its end, with the bare interpreter as a row of its own, and
nothing is subtracted. The files are in the system's cache, as after the first use of a day.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from time import perf_counter

from .harness import Effort, MissingError, Series, require, version
from .page import Section, side_by_side

OURS = "micrograd_nn"
IMPORTS = {
    "python alone": "pass",
    OURS: "import micrograd_nn",
    "micrograd": "import micrograd.engine",
    "numpy": "import numpy",
    "autograd": "import autograd",
    "torch": "import torch",
    "jax": "import jax",
}
GRADIENTS = {
    OURS: "from micrograd_nn import Value; x = Value(3.0); (x * x).backward(); assert x.grad == 6",
    "micrograd": "from micrograd.engine import Value; x = Value(3.0); (x * x).backward(); assert x.grad == 6",
    "autograd": "import autograd; assert autograd.grad(lambda x: x * x)(3.0) == 6",
    "torch": "import torch; x = torch.tensor(3.0, requires_grad=True); (x * x).backward(); assert x.grad == 6",
    "jax": "import jax; assert jax.grad(lambda x: x * x)(3.0) == 6",
}
PICTURES = {
    OURS: "from micrograd_nn import MLP; from micrograd_nn.draw import draw_dot; "
    "draw_dot(MLP(2, [2, 1])([1.0, 2.0])).save('graph.svg')",
}
NO_PICTURE = dict.fromkeys(
    ("micrograd", "autograd", "torch", "jax"), "its package draws no graph; notebooks and other packages do"
)


def imports(effort: Effort) -> Section:
    """`import x`, and out again."""
    method = (
        "A fresh process imports the package and ends. The interpreter's own start is in every row; it stands alone "
        "in the first."
    )
    return compared("Start-up: import", method, IMPORTS, {}, effort)


def gradients(effort: Effort) -> Section:
    """The slope of x² at 3."""
    method = "A fresh process imports the package and takes the slope of x² at 3. It ends when the slope is there."
    return compared("Start-up: first gradient", method, GRADIENTS, {}, effort)


def pictures(effort: Effort) -> Section:
    """The graph of a small network, as SVG."""
    method = (
        "A fresh process records a network of two inputs and three neurons and writes its graph as SVG. "
        "Most of the time is spent in `dot`, which lays it out."
    )
    return compared("Start-up: first picture", method, PICTURES, NO_PICTURE, effort)


def compared(title: str, method: str, codes: dict[str, str], never: dict[str, str], effort: Effort) -> Section:
    """Processes by turns, one a round."""
    timers: dict[str, Callable[[], float]] = {}
    missing = dict(never)
    for who, code in codes.items():
        try:
            timers[who] = partial(seconds, installed(who, code))
            if not effort.quick:
                timers[who]()  # warms up: byte code is written, files are in the cache
        except MissingError as reason:
            missing[who] = str(reason)
            timers.pop(who, None)
    taken: dict[str, list[float]] = {who: [] for who in timers}
    for _ in range(1 if effort.quick else min(effort.rounds, 3)):
        for who, timer in timers.items():
            taken[who].append(timer())
    measured = {who: Series(rounds) for who, rounds in taken.items()}
    return side_by_side(title, method, measured, missing, OURS, "a process")


def installed(who: str, code: str) -> str:
    """The code. Raises MissingError if it needs a library that is not there."""
    if who in ("micrograd", "numpy", "autograd", "torch", "jax") and version(who) == "missing":
        raise MissingError(f"{who} is not installed; the extra `bench` brings it")
    return code


def seconds(code: str) -> float:
    """From the start of a process that runs the code to its end. Raises MissingError if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, env={**os.environ, **_home()}
        )
        took = perf_counter() - start
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise MissingError(f"it failed with {last}")
    return took


def _home() -> dict[str, str]:
    """The child runs in an empty folder: it finds this package as we found it, installed or in a checkout."""
    from pathlib import Path

    package = require("micrograd_nn")
    place = str(Path(package.__file__).parent.parent)
    return {"PYTHONPATH": os.pathsep.join(filter(None, (place, os.environ.get("PYTHONPATH"))))}
