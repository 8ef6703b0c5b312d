"""What an operation is, and what operations act on.

An operation is a row of the table: whoever computes, derives, draws, compiles or tests it reads the fields below, and
needs to know nothing else about it.
"""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from inspect import Parameter, Signature
from keyword import iskeyword
from typing import Any, Self, TypeVar, overload

from ..errors import ArgumentError, NumberError, counted, known
from ..habits import described
from ..number import as_float as as_float

T = TypeVar("T", bound="Operand")
Partial = Callable[..., Any]  # (*operands, out) -> slope, on floats, Values and symbols alike
Kink = tuple[tuple[float, ...], float, tuple[float, ...]]  # operands, value, slopes


class Flat(float):
    """The slope of what is flat or held constant: a 0 that stays 0 times inf and nan, all the way down."""

    def __mul__(self, other: float) -> float:
        return self

    __rmul__ = __mul__


FLAT = Flat(0.0)


@dataclass(frozen=True)
class Domain:
    """Where an operation is a real number, in words and as a test on the operands.

    >>> positive = Domain("a > 0", lambda a: a > 0)
    >>> positive, positive.holds(-1.0)
    (Domain(text='a > 0'), False)
    """

    text: str
    holds: Callable[..., bool] = field(repr=False)


EVERYWHERE = Domain("every real number", lambda *operands: True)
TABLE: "dict[str, Operation]" = {}


class Help:
    """The docstring of the class Operation, and of each row its own."""

    def __init__(self, text: str | None) -> None:
        self.text = text

    def __get__(self, row: "Operation | None", kind: type) -> str | None:
        return self.text if row is None else described(row, Operand)


@dataclass(frozen=True, eq=False)
class Operation:
    """A row of the table. Calling it computes on floats and records on Values: ``tanh(0.5)``, ``tanh(Value(0.5))``.

    Writing a row enters it in the table; yours is derived, drawn, compiled and tested like a built-in one.

    Templates hold the operands as ``{a:n}`` and ``{b:n}``: an operand that binds looser than level n gets brackets.
    Levels: 1 sign, 2 sum, 3 product, 4 power, 5 atom.

    Raises ArgumentError if the name is taken or no identifier, or if the partials are not one or two in a tuple.

    >>> TABLE["tanh"], TABLE["tanh"](0.5), TABLE["tanh"].arity
    (<operation tanh>, 0.46211715726000974, 1)
    """

    __doc__ = Help(__doc__)  # of a row, what help(relu) shows
    name: str  # the field's standard name
    _: KW_ONLY
    doc: str  # one line
    forward: Callable[..., float]  # floats -> float
    partials: tuple[Partial, ...]  # one per operand, accurate to the last digits: (*operands, out) -> slope
    textbook: tuple[Partial, ...] = ()  # the partials as a textbook writes them, where it writes them otherwise
    text: str = ""  # how it is written on a line; name(a, b) if left out
    latex: str = ""  # how it is typeset; \operatorname{name}(a, b) if left out
    level: int = 5  # how tightly its written form binds
    numpy: str  # an expression over arrays, with np in scope
    python: str = ""  # over floats, with math, exp, nan, inf and the forwards, as row_name; row_name(a, b) if left out
    c: str = ""  # over doubles in C99, with math.h; python's if left out, where that is arithmetic alone
    sign: str = ""  # the short sign in pictures; the name if left out
    default: float | None = None  # the second operand, when it is left out
    associative: bool = False  # a chain of it is one reduction
    reduction: tuple[str, ...] = ()  # that reduction's sign, on a line and in LaTeX; the name if left out
    shortcut: Callable[..., Any] | None = None  # the same bits in fewer steps, if an operand is a known float
    domain: Domain = EVERYWHERE
    kinks: tuple[Kink, ...] = ()  # where it has no slope, and which one we choose there
    arity: int = field(default=0, init=False)  # the number of operands, 1 or 2

    def __post_init__(self) -> None:
        _check_row(self)
        operands, typeset = ("({a})", "({a}, {b})")[len(self.partials) - 1], self.name.replace("_", r"\_")
        usual = {
            "arity": len(self.partials),
            "textbook": self.partials,
            "text": self.name + operands,
            "latex": rf"\operatorname{{{{{typeset}}}}}\left{operands[:-1]}\right)",
            "python": f"row_{self.name}{operands}",
            "sign": self.name,
            "reduction": (self.name, rf"\operatorname{{{typeset}}}") if self.associative else (),
        }
        for name, filled_in in usual.items():
            object.__setattr__(self, name, getattr(self, name) or filled_in)  # the row is frozen from here on
        second = Parameter(
            "b", Parameter.POSITIONAL_ONLY, default=Parameter.empty if self.default is None else self.default
        )
        first = Parameter("a", Parameter.POSITIONAL_ONLY)
        object.__setattr__(self, "__signature__", Signature([first, second][: self.arity]))
        TABLE[self.name] = self

    @overload
    def __call__(self, a: float, b: float = ..., /) -> float: ...
    @overload
    def __call__(self, a: "T", b: "T | float" = ..., /) -> "T": ...
    @overload
    def __call__(self, a: float, b: "T", /) -> "T": ...
    def __call__(self, *operands: Any) -> Any:
        """Apply to floats, or to anything that brings its own ``apply``. Raises ArgumentError on a wrong count."""
        if len(operands) != self.arity:
            if len(operands) != 1 or self.default is None:
                raise ArgumentError(f"{self.name} takes {counted(self.arity, 'operand')}, got {len(operands)}")
            operands = (*operands, self.default)
        for operand in operands:
            if operand.__class__ is not float:
                break
        else:  # the quick way, for the rows' own slopes
            return self.forward(*operands)
        for operand in operands:
            if isinstance(operand, Operand):
                return operand.apply(self, *operands)
        return self.forward(*map(as_float, operands))

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __str__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return lookup, (self.name,)  # a row holds functions: it is copied and pickled by its name


def _check_row(row: Operation) -> None:
    if not isinstance(row.name, str) or not row.name.isidentifier() or iskeyword(row.name):
        raise ArgumentError(f"an operation's name is written into formulas and code: {row.name!r} is no identifier")
    if row.name in TABLE:
        raise ArgumentError(f"an operation named {row.name!r} is in the table already; choose another name")
    if not isinstance(row.partials, tuple) or len(row.partials) not in (1, 2):
        raise ArgumentError(
            f"{row.name} needs one slope per operand, for one or two operands, got partials={row.partials!r}; "
            "write partials=(lambda a, out: …,), with the comma"
        )
    if row.reduction and not row.associative:
        raise ArgumentError(f"{row.name} has a sign for its chain, {row.reduction[0]}: say too that it is associative")
    if len(row.partials) == 1 and (row.associative or row.default is not None):
        raise ArgumentError(f"{row.name} has one operand: associative and default are for operations of two")


def lookup(name: str) -> Operation:
    """The row of that name. Raises UnknownNameError, which lists the names that there are."""
    return TABLE[known("operation", name, TABLE)]


def unary(name: str) -> Callable[[T], T]:
    """A row as a method."""
    return lambda self: self.apply(TABLE[name], self)


def binary(name: str) -> tuple[Callable[[T, Any], T], Callable[[T, Any], T]]:
    """A row as an operator of Python's, and as the one that is asked where the other operand stands on the left."""
    return lambda a, b: a.apply(TABLE[name], a, b), lambda b, a: b.apply(TABLE[name], a, b)


class Operand:
    """Whatever the table's operations act on besides floats: it brings ``apply``, and gets Python's operators.

    Value records, a symbol writes itself down, a tracer is compiled: the same partials serve all of them.
    """

    __slots__ = ()
    __array_ufunc__: Any = None  # NumPy hands `array * operand` back to us, and we refuse it in words

    @classmethod
    def apply(cls, operation: Operation, *operands: Any) -> Self:
        """The outcome of an operation on operands of this class and floats."""
        raise NotImplementedError

    __neg__, __abs__ = unary("neg"), unary("abs")
    __add__, __radd__ = binary("add")
    __sub__, __rsub__ = binary("sub")
    __mul__, __rmul__ = binary("mul")

    def __truediv__(self, other: Any) -> Self:  # spelled out: of a pair of functions pyright doesn't know the result
        return self.apply(TABLE["div"], self, other)

    def __rtruediv__(self, other: Any) -> Self:
        return self.apply(TABLE["div"], other, self)

    def __rpow__(self, other: Any) -> Self:
        return self.apply(TABLE["pow"], other, self)

    def __pow__(self, other: Any, modulo: None = None) -> Self:
        if modulo is not None:
            raise NumberError("pow(a, b, modulo) is for whole numbers; a Value has no modulo: write a**b")
        return self.apply(TABLE["pow"], self, other)

    def __pos__(self) -> Self:
        return self
