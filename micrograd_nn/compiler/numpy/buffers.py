"""Buffers: which step writes into which array.

An array is written in place, or used again, only when nothing will read what it held. Arrays from outside (parameters,
inputs, the gradient) are written only by the steps that are meant to.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..steps import Constant, Index, Leaf, MatMul, Ref, Scatter, Shape, Slopes, Step, Steps, View, live

Kind = tuple[Shape, bool, str]  # the shape for one row, batched, the type of the numbers


@dataclass(frozen=True, slots=True)
class Call(Step):
    """``np.function(*operands)``, element by element; a truth is kept as such until it is a number among others."""

    function: str
    truth: bool = False


class Buffers:
    """Names for the arrays of the steps, and the lines that make them.

    ``outputs`` are the steps that are wanted, each with the name of the array from outside that it belongs in, or "".
    """

    def __init__(self, steps: Steps, outputs: Mapping[Ref, str], prefix: str, dtype: str) -> None:
        self.made: list[str] = []
        self._steps, self._prefix, self._dtype = steps, prefix, dtype
        self.needed = live(steps, outputs)
        self.owner: list[Ref] = []  # the step in whose array a step's numbers lie: a view's are in its source's
        self._last = [-1] * len(steps)  # the last step that reads a step's array; of an output there is none
        uses = self._survey(outputs)
        self._fixed = self._stored(outputs)  # arrays that serve one step and no other
        self._lent: dict[Ref, str] = {}  # arrays that are free again after the last use
        self._free: dict[Kind, list[str]] = defaultdict(list)
        self.disjoint: dict[Ref, bool] = {}  # a Scatter: whether its pieces meet nowhere
        self.direct: dict[Ref, tuple[Ref, Index]] = {}  # a step that writes straight into a Scatter's array
        for number, step in enumerate(steps):
            if self.needed[number] and isinstance(step, Scatter):
                self._plan(Ref(number), step, uses)

    def make(self, expression: str) -> str:
        """A name for an array or view that is made once."""
        name = f"{self._prefix}{len(self.made)}"
        self.made.append(f"{name} = {expression}")
        return name

    def out(self, ref: Ref) -> str:
        """The array that a step writes into: that of an operand, if it is not read again."""
        if ref in self._fixed:
            return self._fixed[ref]
        shape, batched, dtype = kind = self._kind(ref)
        zeros = f"np.zeros({sides(shape, batched)}, {dtype})"
        if ref in self.direct:
            scatter, index = self.direct[ref]
            self._fixed[ref] = self.make(view_call(self.out(scatter), index, batched))
        elif isinstance(self._steps[ref], Scatter):  # no array that was used before: its zeros are from the start
            self._fixed[ref] = self.make(zeros)
        else:
            operand, free = self._writable_operand(ref), self._free[kind]
            self._lent[ref] = self._lent.pop(operand) if operand else free.pop() if free else self.make(zeros)
            return self._lent[ref]
        return self._fixed[ref]

    def done(self, ref: Ref) -> None:
        """The step is written: what it was the last to read is free."""
        for operand in {self.owner[operand] for operand in self._steps[ref].references}:
            if self._is_free_after(ref, operand):
                self._free[self._kind(operand)].append(self._lent.pop(operand))

    def _kind(self, ref: Ref) -> Kind:
        step = self._steps[ref]
        return step.shape, step.batched, "bool" if isinstance(step, Call) and step.truth else self._dtype

    def _is_free_after(self, ref: Ref, operand: Ref) -> bool:
        """Whether an operand has an array that nothing reads after this step."""
        return operand in self._lent and self._last[operand] == ref.number

    def _writable_operand(self, ref: Ref) -> Ref | None:
        """An operand whose array is free after the step, is of its kind, and is not read in another order too."""
        step = self._steps[ref]
        over = step.references if isinstance(step, Call) else step.references[-1:] if isinstance(step, Slopes) else ()
        for operand in over:
            others = {self.owner[other] for other in step.references if other != operand}
            free = operand not in others and self._is_free_after(ref, operand)
            if free and self._kind(operand) == self._kind(ref):
                return operand
        return None

    def _survey(self, outputs: Iterable[Ref]) -> Counter[Ref]:
        """Find the owners and the last uses. Returns how often each step is read."""
        uses = Counter[Ref]()
        for number, step in enumerate(self._steps):
            seen = isinstance(step, View) and not step.index.table
            self.owner.append(self.owner[step.references[0]] if seen else Ref(number))
            for ref in step.references if self.needed[number] else ():
                self._last[self.owner[ref]] = number
                uses[ref] += 1
        for output in outputs:
            self._last[self.owner[output]] = len(self._steps)
        return uses

    def _stored(self, outputs: Mapping[Ref, str]) -> dict[Ref, str]:
        """The outputs that are written straight over what stands in their target, which nothing reads after them."""
        leaves = {step.source: number for number, step in enumerate(self._steps) if isinstance(step, Leaf)}
        free = {name: self._last[leaves[name]] if name in leaves else 0 for name in outputs.values()}
        return {ref: name for ref, name in outputs.items() if name and self._computes(ref) and free[name] <= ref.number}

    def _computes(self, ref: Ref) -> bool:
        return not isinstance(self._steps[ref], Leaf | Constant | View)

    def _plan(self, ref: Ref, step: Scatter, uses: Counter[Ref]) -> None:
        positions = np.concatenate([index.positions.reshape(-1) for index in step.indices])
        self.disjoint[ref] = bool(np.bincount(positions).max() <= 1)
        for piece, index in zip(step.references, step.indices, strict=True):
            whole = (self._steps[piece].shape, self._steps[piece].batched) == (index.shape, step.batched)
            if self.disjoint[ref] and whole and not index.table and self._may_lie_in_another(piece, uses[piece]):
                self.direct[piece] = ref, index

    def _may_lie_in_another(self, ref: Ref, uses: int) -> bool:
        """Whether a step can write among the numbers of another: reshaped, its array there might be a copy."""
        step = self._steps[ref]
        written = len(step.shape) + step.batched <= 2 if isinstance(step, MatMul) else not isinstance(step, Scatter)
        read = uses == 1 or sum(side > 1 for side in step.shape) <= 1
        return written and read and self._computes(ref) and ref not in self._fixed


def sides(shape: Shape, batched: bool) -> str:
    """The shape of an array in source; n is the number of rows."""
    listed = [*(["n"] if batched else []), *map(str, shape)]
    return f"({', '.join(listed)}{',' if len(listed) == 1 else ''})"


def view_call(array: str, index: Index, batched: bool) -> str:
    """A view in source; see `view` in backend.py."""
    return f"view({array}, {index.start}, {index.shape}, {index.strides}{', rows=True' if batched else ''})"
