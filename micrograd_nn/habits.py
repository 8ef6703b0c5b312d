"""What people type at a Value out of habit: Python's and NumPy's ways with a number, and micrograd's closures.

It works, or it is refused in words that say what to write. Nothing here is in the way of an operation or a sweep.
"""

import operator
from collections.abc import Callable, Set
from contextlib import suppress
from dataclasses import dataclass
from math import nan
from types import MethodType
from typing import Any, NoReturn, Self, TypeVar

from .errors import ArgumentError, ArgumentTypeError, GraphError, MicrogradError, NumberError
from .number import as_float

T = TypeVar("T", bound="Habits")
OPERATORS: dict[str, Callable[..., Any]] = {  # NumPy's names for what Python has a sign for
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    "negative": operator.neg,
    "positive": operator.pos,
    "absolute": operator.abs,
    "fabs": operator.abs,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "floor_divide": operator.floordiv,
    "remainder": operator.mod,
}


def _without_slope(sign: str) -> Callable[[Any, Any], NoReturn]:
    def refuse(self: Any, other: Any) -> NoReturn:
        raise NumberError(
            f"a Value has no {sign}: its slope would be 0 wherever it has one. Write v / 2 for the quotient, which is "
            f"recorded, or v.data {sign} 2 for the number alone"
        )

    return refuse


def _compared(test: Callable[[float, float], bool]) -> Callable[[Any, Any], bool]:
    def look(self: Any, other: Any) -> bool:
        """Of the numbers. Nodes are compared by ``is``."""
        return test(self.data, other.data if isinstance(other, Habits) else as_float(other))

    return look


class Method:
    """A row of the table as a method of its name, with what else it takes: ``v.tanh()``, ``v.leaky_relu(0.2)``."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, node: T | None, kind: type[T]) -> Callable[..., T]:
        row = kind.rows[self.name]
        return row if node is None else MethodType(row, node)


class Habits:
    """What a node can do beside the table's operations, where a plain number, an array or a tensor could."""

    __slots__ = ()
    data: Any  # the number
    rows: Any  # the table of operations, by name

    exp, log, tanh, sigmoid, relu, softplus, sqrt = map(
        Method, ("exp", "log", "tanh", "sigmoid", "relu", "softplus", "sqrt")
    )
    sin, cos, neg, abs, step, sign = map(Method, ("sin", "cos", "neg", "abs", "step", "sign"))
    elu, leaky_relu, stop_gradient = map(Method, ("elu", "leaky_relu", "stop_gradient"))
    clamped_log, clamped_log1m = map(Method, ("clamped_log", "clamped_log1m"))
    sech2, sigmoid_slope = map(Method, ("sech2", "sigmoid_slope"))

    def item(self) -> float:
        """The number alone, as of a NumPy or PyTorch scalar."""
        return float(self.data)

    def detach(self) -> Self:
        """A leaf with the same number and label: what is computed from it leaves this node's gradient alone."""
        return type(self)(self.data, self.label)  # type: ignore[call-arg, attr-defined]  # a Value's constructor

    def __bool__(self) -> bool:
        return bool(self.data)

    def __int__(self) -> int:
        return int(self.data)

    def __round__(self, digits: int | None = None) -> float:
        return round(self.data, digits)  # type: ignore[no-any-return]

    def __format__(self, spec: str) -> str:
        return format(self.data, spec) if spec else str(self)

    def __eq__(self, other: object) -> bool:
        if getattr(other, "shape", None):
            other = as_float(other)  # refuses an array in words: one answer for many numbers would be silently False
        return bool(self.data == (other.data if isinstance(other, Habits) else other))

    __lt__, __le__, __gt__, __ge__ = map(_compared, (operator.lt, operator.le, operator.gt, operator.ge))
    __hash__ = object.__hash__

    # ---- micrograd's names ----

    @property
    def _prev(self: Any) -> Set[Any]:
        return dict.fromkeys(self.operands).keys()  # a set, in order

    @property
    def _op(self: Any) -> str:
        return self.operation.sign if self.operation else ""

    def _pass_on(self: Any) -> None:
        """One step of the sweep by hand: pass ``self.grad`` on to the operands."""
        for operand, slope in zip(self.operands, self.partials, strict=True):
            operand.grad += self.grad * slope

    _backward = property(lambda self: self._pass_on, lambda self, closure: read_off(self, closure))

    # ---- // and %, and NumPy's functions ----

    __floordiv__ = __rfloordiv__ = _without_slope("//")
    __mod__ = __rmod__ = _without_slope("%")
    __divmod__ = __rdivmod__ = _without_slope("//")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """``np.exp(v)`` and NumPy's other functions of numbers that are rows of the table, recorded."""
        act = OPERATORS.get(ufunc.__name__) or self.rows.get(ufunc.__name__)
        if act is None or method != "__call__" or options:
            how = f".{method}" * (method != "__call__") + f"({', '.join(f'{name}=…' for name in options)})" * bool(
                options
            )
            raise NumberError(
                f"np.{ufunc.__name__}{how} does not record, so its slope would be lost; the signs + − · / ** do, and "
                f"np.exp, np.log, np.sqrt, np.sin, np.cos, np.tanh, np.maximum. Write np.{ufunc.__name__}(v.data) for "
                "the number alone, or a row of your own, Operation(…)"
            )
        return act(*[x if isinstance(x, Habits) else as_float(x) for x in inputs])


# ---- the gradient of what no sweep has reached ----


class Unreached(float):
    """The 0 that stands in ``.grad`` until a sweep reaches the node; it prints as –, so not computed looks like no 0.

    A loss that does not use a parameter has the slope 0 in it, so ``p.data -= lr * p.grad`` leaves it where it is.

    >>> f"{UNREACHED}|{UNREACHED:7.3f}|", 0.1 * UNREACHED
    ('–|      –|', 0.0)
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "–"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "–".rjust(len(format(0.0, spec)) if spec else 0)

    def __reduce__(self) -> str:
        return "UNREACHED"  # copied and pickled as the one object that it is


UNREACHED = Unreached()

# ---- micrograd's closures ----


@dataclass(frozen=True, eq=False)
class ByHand:
    """The operation of a node whose number and slopes a person worked out: they are known here and nowhere else.

    It is swept, stepped and drawn. A formula it has none: deriving, compiling and other numbers are refused.
    """

    sign: str  # what the person called it
    operands: tuple[float, ...]
    outcome: float
    slopes: tuple[float, ...]

    level, shortcut, associative = 5, None, False
    doc = "Worked out by hand."

    @property
    def name(self) -> str:
        """What it is called."""
        return self.sign

    @property
    def arity(self) -> int:
        """The number of operands."""
        return len(self.operands)

    def forward(self, *operands: Any) -> float:
        """The outcome, if the operands are still the same. Raises GraphError otherwise."""
        return self._known(operands, self.outcome)

    __call__ = forward

    @property
    def partials(self) -> tuple[Callable[..., float], ...]:
        """The slopes, likewise."""
        return tuple(lambda *operands, slope=slope: self._known(operands[:-1], slope) for slope in self.slopes)

    def _known(self, operands: tuple[Any, ...], number: float) -> float:
        if not all(a.__class__ is float and (a == b or b != b) for a, b in zip(operands, self.operands, strict=True)):
            self._no_formula()
        return number

    def _no_formula(self) -> NoReturn:
        raise GraphError(
            f"{self.sign!r} was worked out by hand, and only its number and slopes at {self.operands} are known: it is "
            "swept and drawn. To derive or compile it, or to put in other numbers, use an operation of the table, or "
            "write one: Operation(name, doc=…, forward=…, partials=…, numpy=…)"
        )

    def __repr__(self) -> str:
        return f"<{self.sign} by hand>"

    textbook = text = latex = python = numpy = domain = property(_no_formula)

    def __str__(self) -> str:
        return self.sign


def made_by_hand(node: Any, operands: Any, sign: str) -> None:
    """micrograd's ``Value(data, (a, b), "*")``: the node stands on operands. Its slopes are nan until they are given.

    Raises ArgumentTypeError if the operands are none: then a label was meant; ArgumentError for more than two.
    """
    if not isinstance(operands, tuple | list | set) or not all(isinstance(operand, type(node)) for operand in operands):
        given = f"{type(operands).__name__} {operands!r:.40}"
        raise ArgumentTypeError(f"a label is a str, got the {given}: name a Value with Value(2.0, label='x')")
    if len(operands) > 2:
        raise ArgumentError(f"a node has one or two operands, got {len(operands)}: make it of several nodes")
    if operands:
        node.left, node.right = (*operands, None)[:2]
        _keep(node, sign or "?", *[nan] * len(operands))


def read_off(node: Any, closure: Callable[[], Any]) -> None:
    """``out._backward = closure``: called once, with an upstream gradient of 1, it says what the slopes are.

    They become the node's own, and every ``.grad`` is what it was. Of an operand that stands twice the sum is known.
    """
    nodes = dict.fromkeys((node, *node.operands))
    before = [each.grad for each in nodes]
    try:
        for each in nodes:
            each.grad = float(each is node)
        closure()
        slopes = [float(operand.grad) for operand in dict.fromkeys(node.operands)]
    finally:
        for each, grad in zip(nodes, before, strict=True):
            each.grad = grad
    if slopes:
        _keep(node, node._op, *(*slopes, 0.0)[: len(node.operands)])


def _keep(node: Any, sign: str, *slopes: float) -> None:
    node.dleft, node.dright = (*slopes, 0.0)[:2]
    node.operation = ByHand(sign, tuple(operand.data for operand in node.operands), node.data, slopes)


# ---- help(relu) ----


def described(row: Any, operand: type) -> str:
    """What a row of the table does: its value, its slopes, where it is real, its corners, and an example.

    ``operand`` is the class that has the table's operations as operators: it is written with the rows' own templates.
    """
    letters = "ab"[: row.arity]
    written = _written(operand)
    operands = [written(letter) for letter in letters]
    call = f"{row.name}({', '.join(letters)})"
    lines = [row.doc, "", f"    {call} = {row(*operands)}" if str(row(*operands)) != call else f"    {call}"]
    for letter, slope in zip(letters, row.textbook, strict=True):
        with suppress(TypeError, MicrogradError):  # a slope of somebody's own that looks at a number
            lines.append(f"    ∂/∂{letter} = {written.of(slope(*operands, row(*operands)))}")
    lines += [f"    real where: {row.domain.text}"]
    for at, value, slopes in row.kinks:
        place = ", ".join(f"{letter} = {number:g}" for letter, number in zip(letters, at, strict=True))
        lines.append(f"    at {place}: {value:g}, slope {', '.join(f'{slope:g}' for slope in slopes)}")
    if row.default is not None:
        lines.append(f"    b is {row.default:g} unless given")
    example = [-2.0, row.default or 2.0][: row.arity]
    if not row.domain.holds(*example):
        example[0] = 0.5
    return "\n".join([*lines, "", f">>> {row.name}({', '.join(map(str, example))})", repr(row(*example))])


def _written(operand: Any) -> Any:
    """Operands that write themselves down. (``notation`` does it well; this is what stands below the table.)"""

    class Written(operand):  # type: ignore[misc]  # a class that is given
        def __init__(self, text: str, level: int = 5) -> None:
            self.text, self.level = text, level  # level: how tightly it binds

        @classmethod
        def apply(cls, row: Any, *operands: Any) -> Any:
            parts = dict(zip("ab", map(cls.of, operands), strict=False))
            return cls(row.text.format(**parts), row.level)

        @classmethod
        def of(cls, number: Any) -> Any:
            return number if isinstance(number, cls) else cls(f"{number:g}".replace("-", "−"))

        def __format__(self, level: str) -> str:
            return f"({self.text})" if level and self.level < int(level) else self.text

        def __str__(self) -> str:
            return str(self.text)

    return Written
