"""Which backend runs: the choice of "auto".

Promise: the choice depends on the graph and the number of rows alone, so that a program gives the same bits every time.
The figures are nanoseconds, measured; they need not be exact, since the two sides are far apart where it matters.
"""

from functools import cached_property
from typing import Any

from ..errors import ArgumentError, UnknownNameError
from .backend import Backend
from .lifted import Lifted, lift
from .numpy_backend import NumpyBackend
from .python_backend import STRAIGHT, PythonBackend
from .trace import Chains, Trace, find_chains

DTYPES = ("float64", "float32")
BACKENDS = ("auto", "python", "numpy")
LINE, NODE = 70.0, 1500.0  # for a node and a row, forward and backward, in straight-line Python and node by node
LEVEL, NUMBER = 7500.0, 1.0  # for a level of the graph, and for a node and a row, forward and backward, in arrays


class Backends:
    """The backends of a program, made when they are first wanted."""

    def __init__(self, trace: Trace, wanted: str, dtype: str) -> None:
        if wanted not in BACKENDS:
            raise UnknownNameError("backend", wanted, BACKENDS)
        if dtype not in DTYPES:
            raise UnknownNameError("dtype", dtype, DTYPES)
        if wanted == "python" and dtype != "float64":
            raise ArgumentError(f"Python's floats are float64: ask for backend='numpy' to compute in {dtype}")
        self._trace, self._wanted, self._dtype = trace, wanted, dtype

    @cached_property
    def chains(self) -> Chains:
        """Which nodes belong together."""
        return find_chains(self._trace)

    @cached_property
    def python(self) -> PythonBackend:
        """Straight-line code."""
        return PythonBackend(self._trace)

    @cached_property
    def lifted(self) -> Lifted:
        """The array steps."""
        return lift(self._trace, self.chains)

    @cached_property
    def numpy(self) -> NumpyBackend:
        """The steps as calls of NumPy."""
        return NumpyBackend(self.lifted, self._dtype)

    def choose(self, rows: int) -> tuple[Backend, str]:
        """The backend for so many rows at once, and why it is the one."""
        match self._wanted:
            case "python":
                return self.python, "it was asked for"
            case "numpy":
                return self.numpy, "it was asked for"
        if self._dtype != "float64":
            return self.numpy, f"Python's floats are not {self._dtype}"
        nodes, levels = len(self._trace), int(self.chains.level[-1])
        line_by_line = nodes * rows * (LINE if nodes <= STRAIGHT else NODE)
        in_arrays = levels * LEVEL + nodes * rows * NUMBER
        chosen: Any = self.python if line_by_line <= in_arrays else self.numpy
        work = f"{_counted(nodes, 'node')} on {_counted(levels, 'level')}, {_counted(rows, 'row')} at once"
        return chosen, f"{work}: about {_time(line_by_line)} node by node, {_time(in_arrays)} in arrays"


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _time(nanoseconds: float) -> str:
    unit, scale = next(((u, s) for u, s in (("s", 1e9), ("ms", 1e6)) if nanoseconds >= s), ("µs", 1e3))
    return f"{nanoseconds / scale:.3g} {unit}"
