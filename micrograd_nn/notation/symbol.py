"""Symbol: an expression over names and numbers, made by the table's own operations.

Promise: whatever acts on floats and Values by the table acts on symbols too, and writes itself down on the way: a
row's partial, given symbols, returns the formula of the slope. A shared part is kept, folded and evaluated once, and
no walk over an expression is by recursion.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, Self, TypeVar

from ..engine.graph import postorder
from ..engine.operation import Operand, Operation
from ..errors import UnknownNameError
from ..number import as_float
from .latex import LATEX
from .text import TEXT, write

R = TypeVar("R")
BEYOND = 1 << 30  # names and numbers: more than anyone reads


class Symbol(Operand):
    r"""A name, a number, or an operation on symbols.

    >>> y, o1 = Symbol("y"), Symbol("o1")
    >>> print((y - o1) ** 2)
    (y − o1)^2
    >>> print(((y - o1) ** 2).latex())
    {\left(y - o_{1}\right)}^{2}
    >>> ((y - o1) ** 2).evaluate({"y": 1.0, "o1": 0.5})
    0.25

    ``key`` is what stands for the name when numbers are put in: the name itself, if not given.
    """

    __slots__ = ("name", "key", "number", "operation", "operands", "length")

    name: str | None  # None for a number and for an operation
    key: Hashable
    number: float
    operation: Operation | None  # None for a leaf
    operands: "tuple[Symbol, ...]"
    length: int  # how much there is to read, names and numbers, up to BEYOND

    def __init__(self, name: str | None, key: Hashable = None, number: float = 0.0) -> None:
        self.name = name
        self.key = name if key is None else key
        self.number = number
        self.operation, self.operands, self.length = None, (), 1

    @classmethod
    def of(cls, thing: Any) -> Self:
        """thing as a symbol: itself, or a number. Raises NumberError if it is neither."""
        return thing if isinstance(thing, cls) else cls(None, number=as_float(thing))

    @classmethod
    def apply(cls, operation: Operation, *operands: Any) -> Self:
        """The operation written down, with nothing computed."""
        node = cls(None)
        node.operation, node.operands = operation, tuple(map(cls.of, operands))
        node.length = min(BEYOND, sum([operand.length for operand in node.operands]))
        return node

    @property
    def is_number(self) -> bool:
        """True for a leaf that is a number."""
        return self.operation is None and self.name is None

    # ---- walks ----

    def parts(self) -> "Iterator[Symbol]":
        """Every symbol in the expression, operands before what is made of them, each once."""
        return postorder(self, lambda node: node.operands)

    def fold(self, leaf: "Callable[[Symbol], R]", inner: Callable[..., R]) -> R:
        """leaf(symbol) for each name and number, inner(operation, *results) for the rest, up to the whole."""
        done: dict[Symbol, R] = {}
        for node in self.parts():
            if node.operation is None:
                done[node] = leaf(node)
            else:
                done[node] = inner(node.operation, *[done[operand] for operand in node.operands])
        return done[self]

    def exchanged(self, others: "Mapping[Symbol, Symbol]") -> "Symbol":
        """The expression with other parts in place of some of its own, and nothing simplified.

        >>> o = Symbol("o")
        >>> rule = o * (1.0 - o)
        >>> rule.exchanged({rule.operands[1]: o + 1.0})
        <symbol o(o + 1)>
        """
        done = {**others}
        for node in self.parts():
            if node not in done:
                done[node] = Symbol.apply(node.operation, *[done[o] for o in node.operands]) if node.operation else node
        return done[self]

    def put_in(self, given: Mapping[Hashable, Any]) -> Any:
        """The expression with floats, Values or symbols in place of its names, worked out by the rows.

        >>> Symbol("x").put_in({"x": Symbol("a") + 1}) * 2
        <symbol (a + 1)·2>

        Raises UnknownNameError for a name that is not given.
        """
        return self.fold(lambda leaf: _given(leaf, given), lambda operation, *operands: operation(*operands))

    def evaluate(self, numbers: Mapping[Hashable, float]) -> float:
        """The number that the expression has where its names have those."""
        return float(self.put_in(numbers))

    # ---- faces ----

    def latex(self, digits: int | None = None) -> str:
        """In LaTeX, numbers in full or to so many significant digits. Raises GraphError if longer than anyone reads."""
        return write(self, LATEX, digits)

    def text(self, digits: int | None = None) -> str:
        """On a line of text, likewise."""
        return write(self, TEXT, digits)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<symbol {self.text()}>"

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"


def _given(leaf: Symbol, given: Mapping[Hashable, Any]) -> Any:
    if leaf.name is None:
        return leaf.number
    if leaf.key not in given:
        raise UnknownNameError("name", leaf.name, map(str, given))
    return given[leaf.key]
