"""Steps: what a Program consists of, and the tape that they are written on.

Promise: a step is data: its kind, the numbers of the steps that it acts on, the shape of its outcome for one row, and
whether the outcome differs from row to row (``batched``). A step is written once, however often it is asked for, and
stands behind all that it acts on. Two backends turn steps into source; a third needs to know this file and no other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import copysign
from typing import Any, NoReturn

from ..engine.operation import Operand, Operation

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to a step: its number on the tape. Lists with an entry per step take it as an index."""

    number: int

    def __index__(self) -> int:
        return self.number

    def __repr__(self) -> str:
        return f"#{self.number}"


PARAMETERS = Ref(0)  # a lifted program begins with the leaf "p"


@dataclass(frozen=True, slots=True)
class Step:
    """A step: ``operands`` are references to earlier steps, or floats where the operand is a constant."""

    operands: tuple[Ref | float, ...]
    shape: Shape
    batched: bool

    @property
    def references(self) -> tuple[Ref, ...]:
        """The steps that it acts on."""
        return tuple([operand for operand in self.operands if operand.__class__ is Ref])


@dataclass(frozen=True, slots=True)
class Leaf(Step):
    """A number or array from outside.

    Its ``source`` is "p" the parameters or "x1", "x2", … an input; in the sweep "seed" the adjoint of a row's loss and
    "float(n)" the number of rows; in a step of the optimiser "g" the gradient, "m0", "m1", … its memories, "s_0",
    "s_1", … its scalars, and over a batch "n" the number of rows and "subtotal" the sum of their losses.
    """

    source: str
    place: int = -1  # which number of the source; -1 for all of it as one vector


@dataclass(frozen=True, slots=True)
class Apply(Step):
    """An operation of the table, element by element; sides of length 1 stretch."""

    operation: Operation


@dataclass(frozen=True, slots=True)
class Constant(Step):
    """An array of constants, kept as its bytes: a step is compared by content."""

    content: bytes  # float64, row by row


@dataclass(frozen=True, slots=True)
class Index:
    """Which numbers of an array, counted row by row: start + i·strides[0] + j·strides[1], or those of a table."""

    start: int
    strides: Shape
    table: bytes = b""  # int64; a table stands for itself, start and strides are then empty


@dataclass(frozen=True, slots=True)
class View(Step):
    """Some numbers of an array in another shape; of a table of indices it is a gathered copy."""

    index: Index


@dataclass(frozen=True, slots=True)
class Join(Step):
    """Arrays one after another along the last side."""


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
class Sum(Step):
    """The sum over the sides that have length 1 in the outcome, and over the rows if the outcome is not batched."""


@dataclass(frozen=True, slots=True)
class Stretch(Step):
    """The operand repeated along sides of length 1 and over rows."""


@dataclass(frozen=True, slots=True)
class Scatter(Step):
    """Zeros, to which the operands are added at the places of their indices: the reverse of View.

    ``shapes`` are those of the views; an operand stretches to its.
    """

    indices: tuple[Index, ...]
    shapes: tuple[Shape, ...]


Steps = list[Step] | tuple[Step, ...]


class Tracer(Operand):
    """Stands for a step while the table's operations act on it: they are written down instead of computed.

    It has no number yet: whatever asks for one (``if g > 1``, ``g == 0.0``, ``if g``) raises TypeError.
    """

    __slots__ = ("ref", "tape")

    def __init__(self, tape: "Tape", ref: Ref) -> None:
        self.tape, self.ref = tape, ref

    @classmethod
    def apply(cls, operation: Operation, *operands: Any) -> Any:
        """Write the operation down, on the tape of its operands."""
        tape = next(operand.tape for operand in operands if isinstance(operand, Tracer))
        return tape.apply(operation, *operands)

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
        key = (type(step), tuple(map(exact, step.operands)), step.shape, step.batched, *self._details(step))
        ref = self._known.get(key)
        if ref is None:
            ref = self._known[key] = Ref(len(self.steps))
            self.steps.append(step)
        return Tracer(self, ref)

    @staticmethod
    def _details(step: Step) -> tuple[Any, ...]:
        inherited = len(Step.__dataclass_fields__)
        return tuple(getattr(step, field) for field in list(step.__dataclass_fields__)[inherited:])

    def apply(self, operation: Operation, *operands: Any) -> Any:
        """An operation on tracers and floats; at least one is a tracer. Shorter where the row knows a shortcut."""
        shorter = operation.shortcut(*operands) if operation.shortcut else None
        if shorter is not None:
            return shorter
        steps = [self.steps[o.ref] for o in operands if isinstance(o, Tracer)]
        shape = stretch(step.shape for step in steps)
        batched = any(step.batched for step in steps)
        return self.add(Apply(tuple(map(plain, operands)), shape, batched, operation))

    def __getitem__(self, tracer: Tracer) -> Step:
        return self.steps[tracer.ref]


def plain(operand: Any) -> Ref | float:
    """A tracer's reference; a float as it is."""
    return operand.ref if isinstance(operand, Tracer) else float(operand)


def exact(operand: Any) -> Any:
    """A key that tells 0.0 from -0.0."""
    return (operand, copysign(1.0, operand)) if operand.__class__ is float else operand


def stretch(shapes: Iterable[Shape]) -> Shape:
    """The shape of an outcome: sides of length 1 stretch to those beside them."""
    out: Shape = ()
    for shape in shapes:
        pairs = zip(out, shape, strict=True) if out and shape else ((side, side) for side in out or shape)
        out = tuple(b if a == 1 else a for a, b in pairs)
    return out


def live(steps: Steps, outputs: Iterable[Ref]) -> list[bool]:
    """Which steps the outputs depend on."""
    needed = [False] * len(steps)
    for output in outputs:
        needed[output] = True
    for number in range(len(steps) - 1, -1, -1):
        if needed[number]:
            for ref in steps[number].references:
                needed[ref] = True
    return needed
