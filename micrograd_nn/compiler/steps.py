"""Steps: what a graph consists of once it is lifted, and the tape that they are written on.

A step is data: its kind, what it acts on, the shape of its outcome for one row, and whether the outcome differs from
row to row (``batched``). It comes after all that it acts on, and is written once, however often it is asked for. This
is the whole tape of a network of two inputs, three neurons and one output, with its loss L = (o − y)²:

    >>> from micrograd_nn import MLP, Value
    >>> from micrograd_nn.compiler.chains import Chains
    >>> from micrograd_nn.compiler.lifted import lift
    >>> from micrograd_nn.compiler.trace import trace
    >>> net, x, y = MLP(2, [3, 1], "relu", seed=0), [Value(0.0), Value(0.0)], Value(0.0)
    >>> recorded = trace((net(x) - y) ** 2, [x, y], net.parameters())
    >>> lifted = lift(recorded, Chains(recorded))
    >>> print(listing(lifted.steps))
      #0 Leaf(source=p)                       13
      #1 Leaf(source=x1)                      n×2
      #2 Leaf(source=x2)                      n×1
      #3 View(#0, index=3i + j)               3×2
      #4 MatMul(#1, #3)                       n×3
      #5 View(#0, index=2 + 3i)               3
      #6 Apply(#4, #5, operation=add)         n×3
      #7 Apply(#6, operation=relu)            n×3
      #8 View(#0, index=9 + j)                1×3
      #9 MatMul(#7, #8)                       n×1
     #10 View(#0, index=12)                   1
     #11 Apply(#9, #10, operation=add)        n×1
     #12 Apply(#11, #2, operation=sub)        n×1
     #13 Apply(#12, #12, operation=mul)       n×1
     #14 View(#13, index=0)                   n
     #15 Leaf(source=float(n))                1
     #16 Leaf(source=seed)                    1
     #17 View(#16, index=0)                   1
     #18 Apply(#17, #12, operation=mul)       n×1
     #19 Apply(#18, #18, operation=add)       n×1
     #20 Sum(#19)                             1
     #21 MatMul(#19, #8, transposed=False)    n×3
     #22 Gram(#19, #7)                        1×3
     #23 Apply(#7, operation=sign)            n×3
     #24 Apply(#21, #23, operation=mul)       n×3
     #25 Sum(#24)                             3
     #26 Gram(#24, #1)                        3×2
     #27 Scatter(#20, #22, #25, #26, indices=(12, 9 + j, 2 + 3i, 3i + j)) 13
    >>> lifted.loss, lifted.gradient
    (#14, #27)

#3 to #7 are a layer, relu(W1·X + b1): #3 takes the weights from the 13 parameters, those with the numbers 3i + j, and
the products are X·W1ᵀ because each row of X is a sample, n of them. The loss ends at #14. What follows is the sweep:
#16 is the adjoint of each row's loss, #19 that of each output, 2(o − y)/n; #26 and #25 are the slopes of W1 and b1,
#22 and #20 those of the output's, and #27 puts them in the order of the parameters.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import reduce
from math import copysign, prod
from typing import Any, NoReturn

from ..engine.operation import Operand, Operation
from ..errors import GraphError

Shape = tuple[int, ...]
Ints = Any  # an array of integers


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to a step: its number on the tape. A list with an entry per step takes it as an index."""

    number: int

    def __index__(self) -> int:
        return self.number

    def __hash__(self) -> int:
        return self.number

    def __repr__(self) -> str:
        return f"#{self.number}"


PARAMETERS = Ref(0)  # a lifted graph begins with the vector of its parameters


@dataclass(frozen=True, slots=True)
class Index:
    """Which numbers of an array, counted row by row, and in what shape: start + i·strides[0] + j·strides[1].

    Where they do not lie as evenly, ``table`` lists them all; start and strides are then empty.
    """

    shape: Shape
    start: int
    strides: Shape
    table: bytes = b""  # int64

    @classmethod
    def of(cls, positions: Ints) -> "Index":
        """The index of an array of positions; sides along which they repeat get length 1."""
        import numpy as np

        shape, start = positions.shape, int(positions.flat[0])
        strides = [int(np.diff(positions, axis=axis).flat[0]) if side > 1 else 0 for axis, side in enumerate(shape)]
        if min(strides, default=0) < 0 or not np.array_equal(cls(shape, start, tuple(strides)).positions, positions):
            return cls(shape, 0, (), np.ascontiguousarray(positions, dtype=np.int64).tobytes())
        sides = tuple(side if stride else 1 for side, stride in zip(shape, strides, strict=True))
        return cls(sides, start, tuple(strides))

    @property
    def positions(self) -> Ints:
        """All positions, in its shape."""
        import numpy as np

        if self.table:
            return np.frombuffer(self.table, dtype=np.int64).reshape(self.shape)
        sides = (stride * np.arange(side) for side, stride in zip(self.shape, self.strides, strict=True))
        return reduce(np.add.outer, sides, np.array(self.start))

    def __repr__(self) -> str:
        if self.table:
            return "table"
        factors = [(stride, letter) for stride, letter in zip(self.strides, "ijkl", strict=False) if stride]
        terms = [letter if stride == 1 else f"{stride}{letter}" for stride, letter in factors]
        return " + ".join([*([str(self.start)] if self.start or not terms else []), *terms])


@dataclass(frozen=True, slots=True)
class Step:
    """A step: ``operands`` are references to earlier steps; those of an Apply may be constants too, floats."""

    operands: tuple[Ref | float, ...]
    shape: Shape
    batched: bool

    @property
    def references(self) -> tuple[Ref, ...]:
        """The steps that it acts on."""
        return tuple([operand for operand in self.operands if operand.__class__ is Ref])

    def __str__(self) -> str:
        own = [(field, getattr(self, field.name)) for field in fields(self)[len(fields(Step)) :]]
        details = [f"{field.name}={value!s:.60}" for field, value in own if value != field.default]
        return f"{type(self).__name__}({', '.join([*map(str, self.operands), *details])})"


Steps = list[Step] | tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Leaf(Step):
    """A number or array from outside.

    Its ``source`` is "p" the parameters or "x1", "x2", … an input; in the sweep "seed" the adjoint of a row's loss and
    "float(n)" the number of rows; in a step of the optimiser "g" the gradient, "m0", "m1", … its memories, "s_0",
    "s_1", … its scalars, and over a batch "n" the number of rows and "subtotal" the sum of their losses.
    """

    source: str
    position: int = -1  # which number of the source; -1 for all of it as one vector


@dataclass(frozen=True, slots=True)
class Apply(Step):
    """An operation of the table, element by element; sides of length 1 stretch."""

    operation: Operation


@dataclass(frozen=True, slots=True)
class Constant(Step):
    """An array of constants, kept as its bytes: a step is compared by content."""

    content: bytes  # float64, row by row

    @property
    def numbers(self) -> Any:
        """The constants, in their shape."""
        import numpy as np

        return np.frombuffer(self.content).reshape(self.shape)


@dataclass(frozen=True, slots=True)
class View(Step):
    """Some numbers of an array in another shape; of a table of positions it is a gathered copy."""

    index: Index


@dataclass(frozen=True, slots=True)
class MatMul(Step):
    """A·Bᵀ: the sums over k of A[m, k]·B[r, k]; A may be a single row, then so is the outcome. Else A·B, B[k, r]."""

    transposed: bool = True


@dataclass(frozen=True, slots=True)
class Gram(Step):
    """Aᵀ·B over all rows: the sums over rows and m of A[m, r]·B[m, k]."""


@dataclass(frozen=True, slots=True)
class Fold(Step):
    """A chain of an associative operation along the last side, which it takes away: of a shape (…, k) is left (…)."""

    operation: Operation


@dataclass(frozen=True, slots=True)
class Scan(Step):
    """The running results of that chain, from the first number on or, in reverse, from the last."""

    operation: Operation
    reverse: bool


@dataclass(frozen=True, slots=True)
class Slopes(Step):
    """The slopes of a chain, from its terms, its outcome and what the textbook's formula gives for the slopes.

    They are the formula's, but where the outcome is not finite, or so large that a difference to it has lost its
    digits, those of the recorded chain, link by link.
    """

    operation: Operation


@dataclass(frozen=True, slots=True)
class Sum(Step):
    """The sum over the sides that have length 1 in the outcome, and over the rows if the outcome is not batched."""


@dataclass(frozen=True, slots=True)
class Stretch(Step):
    """The operand repeated along sides of length 1 and over rows."""


@dataclass(frozen=True, slots=True)
class Scatter(Step):
    """Zeros, to which each operand is added at the positions of its index, stretched to that shape: View in reverse."""

    indices: tuple[Index, ...]


class Tracer(Operand):
    """Stands for a step while the table's operations act on it: they are written down instead of computed.

    It has no number yet: whatever asks for one (``if g > 1``, ``g == 0.0``, ``if g``) raises TypeError.
    """

    __slots__ = ("ref", "tape")

    def __init__(self, tape: "Tape", ref: Ref) -> None:
        self.tape, self.ref = tape, ref

    @property
    def step(self) -> Step:
        """The step that it stands for."""
        return self.tape.steps[self.ref]

    @classmethod
    def apply(cls, operation: Operation, *operands: Any) -> Any:
        """Write the operation down, on the tape of its operands; shorter where the row knows a shortcut."""
        shorter = operation.shortcut(*operands) if operation.shortcut else None
        if shorter is not None:
            return shorter
        tape = next(operand.tape for operand in operands if isinstance(operand, Tracer))
        return tape.each(Apply, tuple(map(plain, operands)), operation)

    def _looked_at(self, *_: object) -> NoReturn:
        raise TypeError("it looks at a number, and a tracer has none yet")

    __bool__ = __float__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _looked_at
    __hash__ = None  # type: ignore[assignment]  # what can't be compared is no key


class Tape:
    """Steps in order, each kind of step on the same operands only once."""

    def __init__(self, steps: Iterable[Step] = ()) -> None:
        self.steps: list[Step] = []
        self._known: dict[Any, Ref] = {}
        for step in steps:
            self.add(step)

    def add(self, step: Step) -> Tracer:
        """Write a step down, unless it stands there already."""
        signs = [copysign(1.0, operand) for operand in step.operands if operand.__class__ is float]
        key = (step, *signs)  # 0.0 == -0.0
        ref = self._known.get(key)
        if ref is None:
            ref = self._known[key] = Ref(len(self.steps))
            self.steps.append(step)
        return Tracer(self, ref)

    def each(self, kind: Callable[..., Step], operands: tuple[Ref | float, ...], *own: Any) -> Tracer:
        """Write down a step of a kind that acts element by element."""
        steps = [self.steps[operand] for operand in operands if isinstance(operand, Ref)]
        shape, batched = stretch(step.shape for step in steps), any(step.batched for step in steps)
        return self.add(kind(operands, shape, batched, *own))


def plain(operand: Any) -> Ref | float:
    """A tracer's reference; a float as it is."""
    return operand.ref if isinstance(operand, Tracer) else float(operand)


def stretch(shapes: Iterable[Shape]) -> Shape:
    """The shape of an outcome: sides of length 1 stretch to those beside them. Raises ValueError if they do not fit."""
    sides = [shape for shape in shapes if shape]
    lengths = [set(side) - {1} for side in zip(*sides, strict=False)]
    if len(set(map(len, sides))) > 1 or any(len(length) > 1 for length in lengths):
        raise ValueError(" and ".join(map(str, sides)))
    return tuple(max(length, default=1) for length in lengths)


def live(steps: Steps, outputs: Iterable[Ref | float]) -> list[bool]:
    """Which steps the outputs depend on."""
    needed = [False] * len(steps)
    for output in outputs:
        if isinstance(output, Ref):
            needed[output] = True
    for number in range(len(steps) - 1, -1, -1):
        if needed[number]:
            for ref in steps[number].references:
                needed[ref] = True
    return needed


def listing(steps: Steps) -> str:
    """A step a line: its number, its kind with its operands, its shape; n is the number of rows."""
    shapes = ["×".join([*["n"] * step.batched, *map(str, step.shape)]) or "1" for step in steps]
    lines = [f"{Ref(k)!r:>4} {step!s:<36} {shape}" for k, (step, shape) in enumerate(zip(steps, shapes, strict=True))]
    return "\n".join(lines)


# ---- is a list of steps well formed? ----


def check(steps: Steps) -> None:
    """Operands come first, shapes fit, what varies by row is marked so, no index points beyond its array.

    Raises GraphError, which names the first step that is wrong and why.
    """
    for number, step in enumerate(steps):
        fault = _fault(number, step, steps)
        if fault:
            raise GraphError(f"step {number}, a {type(step).__name__}, {fault}")


def _fault(number: int, step: Step, steps: Steps) -> str:
    if any(not 0 <= ref.number < number for ref in step.references):
        return f"has operands {list(step.references)}: they must come before it"
    operands = [steps[ref] for ref in step.references]
    varies = any(operand.batched for operand in operands)
    if operands and step.batched and not varies and not isinstance(step, Stretch | Scatter):  # these repeat it
        return "differs from row to row, and nothing that it is made of does"
    if varies and not step.batched and not isinstance(step, Sum | Gram):  # these add the rows up
        return "is made of what differs from row to row, and is not marked so"
    try:
        wanted = _shape(step, [operand.shape for operand in operands])
    except ValueError as error:
        return f"has operands that do not fit each other: {error}"
    if wanted != step.shape:
        return f"has shape {step.shape}, but makes {wanted}"
    size = prod(operands[0].shape if isinstance(step, View) else step.shape)
    for index in step.indices if isinstance(step, Scatter) else [step.index] if isinstance(step, View) else []:
        if ((index.positions < 0) | (index.positions >= size)).any():
            return f"points at number {int(index.positions.max())} of an array of {size}"
    return ""


def _shape(step: Step, shapes: list[Shape]) -> Shape:
    """What a step must have as its shape, given those of its operands."""
    match step:
        case Apply():
            return stretch(shapes)
        case MatMul():
            (*sides, given), b = shapes
            inner, outer = reversed(b) if step.transposed else b
            if given != inner:
                raise ValueError(f"{shapes[0]} and {b}")
            return (*sides, outer)
        case Gram():
            return tuple(shape[-1] for shape in shapes)
        case Fold():
            return shapes[0][:-1]
        case Scan() | Slopes():
            return shapes[0]
        case Stretch():
            return stretch([*shapes, step.shape])
        case Sum():
            return tuple(1 if new == 1 else old for old, new in zip(shapes[0], step.shape, strict=True))
        case View():
            return step.index.shape
    return step.shape  # where the operands do not decide it
