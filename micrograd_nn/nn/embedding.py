"""Embedding: a table of learned rows, from which a whole number picks one."""

from collections.abc import Iterable
from random import Random
from typing import Any

from ..collector import undisturbed
from ..engine.modes import now
from ..engine.ops import absolute, step
from ..engine.value import Value, weighted_sum
from ..errors import ArgumentError
from ..number import as_float, whole_number
from .functional import total
from .init import Initialiser, initialiser, source_of
from .module import Module, Parameter


class Embedding(Module):
    """``num_embeddings`` rows of ``embedding_dim`` numbers, PyTorch's ``nn.Embedding``; they are learned.

    A number picks the row itself; lists of numbers give lists of rows:

    >>> table = Embedding(27, 2, seed=0)
    >>> table(3) == table.weight[3]
    True

    A Value, such as an input of a network that ``fit`` trains, may be any number, and what is recorded is the same for
    all: [x = 0]·row 0 + [x = 1]·row 1 + …, the table times a one-hot row. That is compiled, where a look at the number
    by ``table.weight[int(x)]`` can't be.

    >>> x = Value(3.0)
    >>> table(x)[1].data == table.weight[3][1].data
    True

    ``init`` is one of init.INITIALISERS, ``seed`` where it draws from. Raises ArgumentError for a number that picks no
    row; where it comes up only in the rows of a compiled program, the outcome is nan.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        init: str | Initialiser = "normal",
        seed: int | Random | None = None,
    ) -> None:
        rows = whole_number("the number of embeddings", num_embeddings)
        size = whole_number("the size of an embedding", embedding_dim)
        draw, source = initialiser(init), source_of(seed)
        self.weight = [[Parameter(draw(source, rows, size)) for _ in range(size)] for _ in range(rows)]

    @undisturbed
    def __call__(self, x: Any) -> list[Any]:
        several = isinstance(x, Iterable) and not isinstance(x, str) and getattr(x, "shape", None) != ()
        return [self(one) for one in x] if several else self.fire(x)

    def fire(self, x: Any) -> list[Value]:
        """The row that one number picks."""
        if not isinstance(x, Value):
            return [*self.weight[self._row(x)]]
        if not now()[2]:  # else it may be any number
            self._row(x.data)
        picked = [step(-absolute(x - float(row))) for row in range(len(self.weight))]
        known = 0.0 / total(picked)  # 0, or nan if none is picked
        return [weighted_sum(column, picked, known) for column in zip(*self.weight, strict=True)]

    def _row(self, number: Any) -> int:
        row, rows = as_float(number), range(len(self.weight))
        if row not in rows:
            raise ArgumentError(f"{self} has the rows 0 to {len(rows) - 1}, and {row:g} picks none of them")
        return int(row)

    def __repr__(self) -> str:
        return f"Embedding({len(self.weight)}, {len(self.weight[0])})"
