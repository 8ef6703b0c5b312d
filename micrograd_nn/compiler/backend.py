"""The door between a Program and what runs it.

Promise: a backend needs no more than this file asks for. It is given a trace when it is made; it is asked for a loss,
for a loss with its gradient, and for a loop that trains. Vectors and rows stay in its own form inside a loop.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .steps import Leaf, Tape

Number = Any  # a float or a Tracer


@dataclass(frozen=True)
class Update:
    """How an optimiser moves what it moves: its rule, and the names of its memories and of its scalars, in order."""

    rule: Callable[..., Any]
    memories: tuple[str, ...]
    scalars: tuple[str, ...]
    varying: bool = True  # do the scalars differ from step to step?

    def on(self, tape: Tape, p: Number, g: Number, memory: tuple[Number, ...]) -> tuple[Number, tuple[Number, ...]]:
        """The rule written down: the new parameter and the new memory. Scalar k is the leaf ``s_k``."""
        s = {name: tape.add(Leaf((), (), False, f"s_{k}")) for k, name in enumerate(self.scalars)}
        moved: tuple[Number, tuple[Number, ...]] = self.rule(p, g, memory, s)
        return moved


class Loop(Protocol):
    """A training loop for one optimiser and one batch size."""

    def state(self, p: Sequence[float], memory: Sequence[Sequence[float]]) -> Any:
        """The parameters, and a vector per memory, in the backend's form."""

    def train(
        self,
        state: Any,
        rows: Any,
        orders: Iterable[Sequence[int] | None],
        scalars: Iterable[Sequence[float]],
        losses: list[float],
        log: list[Any],
    ) -> None:
        """Once over the rows in each of the orders (None: as they come), a step of the optimiser per batch.

        ``scalars`` has the optimiser's scalars for each step. It ends before a step whose loss is nan or infinite.
        ``losses`` grows by the sum of the rows' losses for each pass that was finished; ``log`` becomes [that sum for
        the last pass, the number of finished steps], also when an exception ends it.
        """

    def epoch(
        self, state: Any, rows: Any, order: Sequence[int], scalars: Iterable[Sequence[float]], log: list[Any]
    ) -> None:
        """One pass."""

    def numbers(self, state: Any) -> tuple[list[float], list[list[float]]]:
        """The parameters and the memories as floats again."""


class Backend(Protocol):
    """What runs a Program. ``p`` has the parameters' numbers, ``rows`` the arguments (a ``rows.Rows``)."""

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
