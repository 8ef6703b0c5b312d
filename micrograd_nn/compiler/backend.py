"""The door between a Program and what runs it: what a backend is given, and what it is asked for.

A backend is made from a lifted graph. It is asked for a loss, for a loss with its gradient, and for a loop that trains;
inside a loop, parameters, memories and rows stay in a form of its own.
"""

import math
from collections.abc import Callable, Iterable, MutableSequence, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from ..engine.operation import TABLE
from ..errors import ShapeError, counted

if TYPE_CHECKING:
    from .steps import Ref, Shape, Tape

Number = Any  # a float or a Tracer
APART = "\n\n\n"  # between the functions of a source
Part = Sequence[int]  # the numbers of some rows of one pass, in the order in which they are stepped over


@dataclass(frozen=True)
class Update:
    """How an optimiser moves what it moves: its rule, and the names of its memories and of its scalars, in order."""

    rule: Callable[..., Any]
    memories: tuple[str, ...]
    scalars: tuple[str, ...]
    varying: bool = True  # do the scalars differ from step to step?

    def on(self, tape: "Tape", p: Number, g: Number, memory: tuple[Number, ...]) -> tuple[Number, tuple[Number, ...]]:
        """The rule written down: the new parameter and the new memory. Scalar k is the leaf ``s_k``."""
        from .steps import Leaf  # with NumPy, which is imported when a graph is compiled

        s = {name: tape.add(Leaf((), (), False, f"s_{k}")) for k, name in enumerate(self.scalars)}
        moved: tuple[Number, tuple[Number, ...]] = self.rule(p, g, memory, s)
        return moved

    @property
    def vectors(self) -> list[str]:
        """What it moves, the parameters and the memories: "p", "m0", "m1", …"""
        return ["p", *(f"m{k}" for k in range(len(self.memories)))]

    def written(self, shape: "Shape" = ()) -> "tuple[Tape, list[Ref | float]]":
        """The rule as steps on the leaves "p", "m0", "m1", …, and "g", the gradient; and what the vectors become."""
        from .steps import Leaf, Tape, plain

        tape = Tape()
        p, *memory, g = (tape.add(Leaf((), shape, False, name)) for name in (*self.vectors, "g"))
        moved, kept = self.on(tape, p, g, tuple(memory))
        return tape, [plain(outcome) for outcome in (moved, *kept)]


@dataclass
class Log:
    """What a call of ``Loop.train`` has done."""

    sums: MutableSequence[float] = field(
        default_factory=list
    )  # of the losses of each part's rows; the last may be unfinished
    steps: int = 0  # that were finished


class Loop(Protocol):
    """A training loop for one optimiser and one batch size."""

    @property
    def source(self) -> str:
        """What is executed."""

    def state(self, p: Sequence[float], memory: Sequence[Sequence[float]]) -> Any:
        """The parameters, and a vector per memory, in the backend's form."""

    def train(self, state: Any, rows: Any, parts: Iterable[Part], scalars: Iterable[Sequence[float]], log: Log) -> None:
        """Over these rows part after part, a step of the optimiser per batch; the last batch of a part may be smaller.

        ``scalars`` has the optimiser's scalars for each step. It ends before a step whose loss is nan or infinite. The
        log is filled also when an exception of the scalars ends it. No Ctrl-C comes here: the caller puts it off.
        """

    def numbers(self, state: Any) -> tuple[list[float], list[list[float]]]:
        """The parameters and the memories as floats again; those that the loss does not depend on are not read."""


class Backend(Protocol):
    """What runs a Program. ``p`` has the parameters' numbers, ``rows`` the arguments (a ``program.Rows``)."""

    name: str

    @property
    def source(self) -> str:
        """The source that is executed."""

    def value(self, p: Sequence[float], rows: Any) -> float:
        """The mean loss over the rows."""

    def each(self, p: Sequence[float], rows: Any) -> Any:
        """The loss of each row, an array."""

    def value_and_grad(self, p: Sequence[float], rows: Any) -> tuple[float, Any]:
        """The mean loss and its gradient, an array."""

    def loop(self, update: Update, batch_size: int) -> Loop:
        """A loop that trains."""


def row_count(shapes: Sequence["Shape"], found: Sequence["Shape"]) -> int:
    """How many rows the arguments have that were found in these shapes, by the recorded shapes of the inputs.

    Raises ShapeError, which names the argument that does not fit.
    """
    if len(found) != len(shapes):
        raise ShapeError(f"this program takes {counted(len(shapes), 'argument')}, one for each input; got {len(found)}")
    counts = []
    for number, (shape, one) in enumerate(zip(shapes, found, strict=True), 1):
        if one != shape and one[1:] != shape:
            wanted = "×".join(["rows", *map(str, shape)])
            raise ShapeError(f"argument {number} has shape {wanted}, or one row of it; got {one}")
        counts.append(1 if one == shape else one[0])
    if len(set(counts)) > 1:
        raise ShapeError(f"the arguments have different numbers of rows: {counts}")
    if 0 in counts:
        raise ShapeError("the arguments have no rows: a mean over no rows has no value")
    return counts[0] if counts else 1


def execute(source: str, **scope: Any) -> dict[str, Any]:
    """The functions that a source defines, with ``math``, exp, nan, inf and the forwards, as ``row_name``, in scope.

    The one place in this project that calls exec. What it is given holds identifiers that this package made and exact
    float constants, never a label or any other text of a user's, save the name of an operation: that follows ``row_``,
    which begins no other name, so an operation may be called ``total``, ``len`` or ``v1``.
    """
    forwards = {f"row_{row.name}": row.forward for row in TABLE.values()}
    names: dict[str, Any] = {**forwards, "math": math, "exp": math.exp, "nan": math.nan, "inf": math.inf, **scope}
    for piece in source.split(APART):  # one by one, since Python hears no Ctrl-C while it compiles
        exec(_compiled(piece), names)
    return names


@lru_cache(100)
def _compiled(piece: str) -> Any:
    return compile(piece, "<compiled by micrograd_nn>", "exec")
