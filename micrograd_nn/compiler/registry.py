"""The table of backends, and which of them runs a program: the choice of "auto".

A new backend is a module and a row in BACKENDS. The choice depends on the graph and the number of rows alone, so that a
program gives the same bits every time.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, ArgumentTypeError, CompilerError, ExtraMissingError, counted, known

if TYPE_CHECKING:
    from .backend import Backend, Loop, Update
    from .lifted import Lifted
    from .trace import Trace


class Graph:
    """What a backend is made from: the trace of a recorded graph, and its lifted form when that is asked for.

    ``devices`` are those that are to share the rows out, if any were named.
    """

    def __init__(self, trace: "Trace", devices: Sequence[Any] = ()) -> None:
        self.trace, self.devices = trace, devices

    @cached_property
    def _chains(self) -> Any:
        from .chains import Chains  # NumPy is imported when a graph is lifted, not with this table

        return Chains(self.trace)

    @cached_property
    def lifted(self) -> "Lifted":
        """The array steps."""
        from .lifted import lift

        return lift(self.trace, self._chains)

    @property
    def nodes(self) -> int:
        """How many nodes the recorded graph has."""
        return len(self.trace)

    @property
    def levels(self) -> int:
        """How many of its operations must come one after the other."""
        return int(self._chains.level[-1])


@dataclass(frozen=True)
class Kind:
    """A row of the table: what there is to know of a backend before one is made."""

    name: str
    make: "Callable[[Graph, str], Backend]"  # for a graph and a dtype
    way: str  # how it runs, in words
    cost: Callable[[Graph, int], float]  # about how many ns forward and backward take for so many rows
    dtypes: tuple[str, ...] = ("float64", "float32")
    exact: Callable[[Graph], bool] = lambda graph: False  # are its bits the engine's (save the sign of a zero)?
    automatic: bool = True  # may "auto" choose it?
    start: Callable[[Graph], float] = lambda graph: 0.0  # about how many ns it takes to prepare a training
    shares: bool = False  # can it share out the rows among devices?
    missing: Callable[[], str] = str  # what it needs that is not here and how to get it; "" if it can run


def _python(graph: Graph, dtype: str) -> "Backend":
    from .python.backend import PythonBackend

    return PythonBackend(graph.trace)


def _python_cost(graph: Graph, rows: int) -> float:
    from .python.backend import TRAINED

    return graph.nodes * rows * (18.0 if graph.nodes <= TRAINED else 1500.0) + len(graph.trace.parameters) * 50.0


def _numpy(graph: Graph, dtype: str) -> "Backend":
    from .numpy.backend import NumpyBackend

    return NumpyBackend(graph.lifted, dtype)


def _numpy_missing(name: str = "numpy") -> str:
    try:
        import numpy  # noqa: F401
    except ImportError:
        return f"the {name} backend runs on NumPy, which is not installed: python -m pip install numpy"
    return ""


def _numpy_cost(graph: Graph, rows: int) -> float:
    return graph.levels * 5000.0 + graph.nodes * rows * 0.2


STRAIGHT = 300  # nodes: up to so many C is straight-line code; beyond, arrays are faster


def straight(graph: Graph) -> bool:
    """Whether C is straight-line code, with the bits of the scalar engine."""
    return graph.nodes <= STRAIGHT


def _c(graph: Graph, dtype: str) -> "Backend":
    from .c.backend import CBackend

    return CBackend(graph.trace, None if straight(graph) else graph.lifted)


def _c_missing() -> str:
    from .c.library import missing

    return _numpy_missing("c") or missing()


def _c_cost(graph: Graph, rows: int) -> float:
    return 30.0 + graph.nodes * rows * 2.0


def _c_start(graph: Graph) -> float:
    return 3e8 + graph.nodes * 1e6


def _jax(graph: Graph, dtype: str) -> "Backend":
    from .jax.backend import JaxBackend

    return JaxBackend(graph.trace, graph.lifted, dtype, graph.devices)


def _jax_cost(graph: Graph, rows: int) -> float:
    return 2000.0 + graph.levels * 50.0 + graph.nodes * rows * 0.2


def _jax_missing() -> str:
    return "" if find_spec("jax") else "JAX is not installed: python -m pip install 'micrograd-nn[jax]'"


# The costs were measured; they need not be exact, since the two are far apart where it matters.
BACKENDS = {
    "python": Kind(
        "python", _python, way="node by node", cost=_python_cost, dtypes=("float64",), exact=lambda graph: True
    ),
    "numpy": Kind("numpy", _numpy, way="in arrays", cost=_numpy_cost, missing=_numpy_missing),
    "c": Kind(
        "c",
        _c,
        way="in C",
        cost=_c_cost,
        dtypes=("float64",),
        exact=straight,
        automatic=False,
        start=_c_start,
        missing=_c_missing,
    ),
    "jax": Kind("jax", _jax, way="by XLA", cost=_jax_cost, automatic=False, shares=True, missing=_jax_missing),
}
DTYPES = tuple(dict.fromkeys(dtype for kind in BACKENDS.values() for dtype in kind.dtypes))


class Backends:
    """The backends of one program, each made when it is first wanted."""

    def __init__(self, graph: Graph, wanted: str, dtype: str) -> None:
        known("backend", wanted, ("auto", *BACKENDS))
        check_dtype(dtype)
        self._graph, self._dtype, self._asked = graph, dtype, BACKENDS.get(wanted)
        if self._asked:
            check_able(self._asked, dtype)
        if not isinstance(graph.devices, Sequence):
            raise ArgumentTypeError(f"devices is a list of JAX's, such as jax.devices(), got {graph.devices!r:.60}")
        if graph.devices and not (self._asked and self._asked.shares):
            sharing = " or ".join(f"backend={kind.name!r}" for kind in BACKENDS.values() if kind.shares)
            raise ArgumentError(f"rows are shared out among devices by JAX alone: ask for {sharing}")
        self._made: dict[str, Backend] = {}

    def choose(self, rows: int) -> "tuple[Backend, str]":
        """The backend for so many rows at once, and why it is the one."""
        kind, why = self._choice(rows)
        return self._backend(kind), why

    def _backend(self, kind: Kind) -> "Backend":
        if kind.name not in self._made:
            self._made[kind.name] = kind.make(self._graph, self._dtype)
        return self._made[kind.name]

    def loop(self, update: "Update", rows: int, steps: int) -> "tuple[tuple[Backend, str], Loop]":
        """The loop for a training of so many steps, and the choice as ``choose`` gives it.

        Where the backend has the engine's bits, another that has them too may run in its place: nobody can tell.
        """
        chosen, _ = self._choice(rows)
        for kind in [] if self._asked else self._faster(chosen, rows, steps):
            with suppress(CompilerError):  # a rule with an operation that has no C, or a compiler that fails
                backend = self._backend(kind)
                why = f"it has the bits of {chosen.name}, and repays its preparation over {counted(steps, 'step')}"
                return (backend, why), backend.loop(update, rows)
        backend, why = self.choose(rows)
        return (backend, why), backend.loop(update, rows)

    def _faster(self, chosen: Kind, rows: int, steps: int) -> list[Kind]:
        """The exact backends that take less than an exact one for so many steps, preparation included."""
        graph = self._graph

        def needs(kind: Kind) -> float:
            return kind.start(graph) + kind.cost(graph, rows) * steps

        exact = (kind for kind in BACKENDS.values() if chosen.exact(graph) and kind.exact(graph))
        cheaper = sorted((kind for kind in exact if needs(kind) < needs(chosen)), key=needs)
        return [kind for kind in cheaper if not _why_not(kind, self._dtype)]  # which may ask the compiler: last

    def cost(self, rows: int) -> float:
        """About how many ns that backend takes, forward and backward."""
        return self._choice(rows)[0].cost(self._graph, rows)

    def _choice(self, rows: int) -> tuple[Kind, str]:
        if self._asked:
            return self._asked, "it was asked for"
        automatic = [kind for kind in BACKENDS.values() if kind.automatic]
        able = [kind for kind in automatic if not _why_not(kind, self._dtype)]
        why_not = "; ".join(filter(None, (_why_not(kind, self._dtype) for kind in automatic)))
        if not able:
            raise ArgumentError(why_not)
        if len(able) == 1:
            return able[0], why_not
        costs = {kind: kind.cost(self._graph, rows) for kind in able}
        size = f"{counted(self._graph.nodes, 'node')} on {counted(self._graph.levels, 'level')}"
        about = ", ".join(f"{_time(cost)} {kind.way}" for kind, cost in costs.items())
        return min(costs, key=costs.__getitem__), f"{size}, {counted(rows, 'row')} at once: about {about}"


def check_dtype(dtype: str) -> None:
    """Raises UnknownNameError, which lists the names that there are."""
    known("dtype", dtype, DTYPES)


def check_able(kind: Kind, dtype: str) -> None:
    """Raises ArgumentError if a backend does not have that dtype, ExtraMissingError if it can't run here."""
    if dtype not in kind.dtypes:
        others = " or ".join(f"backend={other.name!r}" for other in BACKENDS.values() if not _why_not(other, dtype))
        raise ArgumentError(f"{_floats(kind)} are {' or '.join(kind.dtypes)}: ask for {others} to compute in {dtype}")
    if kind.missing():
        raise ExtraMissingError(kind.missing())


def _why_not(kind: Kind, dtype: str) -> str:
    """Why this backend can't compute in that dtype here; "" if it can."""
    return kind.missing() if dtype in kind.dtypes else f"{_floats(kind)} are not {dtype}"


def _floats(kind: Kind) -> str:
    return f"{kind.name.capitalize()}'s floats"


def _time(nanoseconds: float) -> str:
    unit, scale = next(((u, s) for u, s in (("s", 1e9), ("ms", 1e6)) if nanoseconds >= s), ("µs", 1e3))
    return f"{nanoseconds / scale:.3g} {unit}"
