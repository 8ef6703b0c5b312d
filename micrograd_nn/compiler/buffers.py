"""Buffers: which step writes into which array.

An array is written in place, or used again, only when nothing will read what it held. Arrays from outside (parameters,
inputs, the gradient) are written only by the steps that are meant to.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence, Set
from math import prod

import numpy as np

from .steps import Constant, Index, Leaf, Ref, Scatter, Shape, Steps, View, live

Kind = tuple[Shape, bool, str]  # the shape for one row, batched, the type of the numbers


class Scattered:
    """How a Scatter is carried out.

    ``stored`` pieces overlap with no other stored one and are written, ``added`` ones are added afterwards. Where the
    added ones meet zeros the array is ``cleared`` in every call; else the zeros are there from the start.
    """

    def __init__(self, step: Scatter) -> None:
        positions = [index.positions.reshape(-1) for index in step.indices]
        covered = np.zeros(prod(step.shape), dtype=bool)
        self.stored: list[int] = []
        self.added: list[int] = []
        for k in sorted(range(len(positions)), key=lambda k: -len(positions[k])):
            fresh = not covered[positions[k]].any() and len(step.indices[k].order) > 0
            (self.stored if fresh else self.added).append(k)
            if fresh:
                covered[positions[k]] = True
        self.whole = bool(covered.all())  # nothing is left at zero
        self.cleared = any(not covered[positions[k]].all() for k in self.added)


class Buffers:
    """Names for the arrays of the steps, and the lines that make them.

    ``stores`` names the arrays from outside that a step writes to; what is ``spendable`` from outside may be written
    over once it has been read.
    """

    def __init__(
        self, steps: Steps, outputs: list[Ref], prefix: str, dtype: str, stores: dict[Ref, str], spendable: Set[str]
    ) -> None:
        self.lines: list[str] = []
        self._steps, self._prefix, self._dtype = steps, prefix, dtype
        self._stores, self._spendable = stores, spendable
        self.needed = live(steps, outputs)
        self.owner = self._owners()
        self._last = self._last_uses(outputs)
        self.scattered: dict[Ref, Scattered] = {}
        self.direct: dict[Ref, tuple[Ref, Index]] = {}  # a step that writes straight into a Scatter's array
        self._plan_scatters(outputs)
        self._names: dict[Ref, str] = {
            Ref(number): step.source
            for number, step in enumerate(steps)
            if isinstance(step, Leaf) and step.source in spendable
        }
        self._free: dict[Kind, list[str]] = defaultdict(list)
        self._count = 0

    def kind(self, ref: Ref) -> Kind:
        """What an array for that step's outcome looks like."""
        step = self._steps[ref]
        return step.shape, step.batched, self._dtype

    def fresh(self, kind: Kind) -> str:
        """An array of that kind that nobody reads any more, or a new one."""
        return self._free[kind].pop() if self._free[kind] else self._new(f"np.zeros({sides(*kind[:2])}, {kind[2]})")

    def spend(self, name: str, kind: Kind) -> None:
        """Give an array back."""
        self._free[kind].append(name)

    def out(self, ref: Ref, over: Sequence[Ref] = ()) -> str:
        """The array that a step writes into: that of an operand among ``over``, if it is not read again."""
        if ref not in self._names:
            operand = None if self._is_fixed(ref) else self._writable_operand(ref, over)
            self._names[ref] = self._array(ref) if operand is None else self._names.pop(operand)
        return self._names[ref]

    def done(self, ref: Ref) -> None:
        """The step is written: what it was the last to read is free."""
        for operand in {self.owner[operand] for operand in self._steps[ref].references}:
            if self._is_free_after(ref, operand):
                self.spend(self._names.pop(operand), self.kind(operand))

    def _new(self, made: str) -> str:
        name = f"{self._prefix}{self._count}"
        self._count += 1
        self.lines.append(f"{name} = {made}")
        return name

    def _array(self, ref: Ref) -> str:
        if ref in self._stores:
            return self._stores[ref]
        if ref in self.direct:
            scatter, index = self.direct[ref]
            return self._new(view_call(self.out(scatter), index, self._steps[ref].batched))
        kind = self.kind(ref)
        if isinstance(self._steps[ref], Scatter):  # no array that was used before: its zeros are from the start
            return self._new(f"np.zeros({sides(*kind[:2])}, {kind[2]})")
        return self.fresh(kind)

    def _is_fixed(self, ref: Ref) -> bool:
        """Whether a step's array serves nothing else."""
        step = self._steps[ref]
        if isinstance(step, Leaf):
            return step.source not in self._spendable
        return ref in self._stores or ref in self.direct or isinstance(step, Scatter | Constant)

    def _is_free_after(self, ref: Ref, operand: Ref) -> bool:
        """Whether an operand has an array that nothing reads after this step."""
        return operand in self._names and self._last[operand] == ref.number and not self._is_fixed(operand)

    def _writable_operand(self, ref: Ref, over: Sequence[Ref]) -> Ref | None:
        """An operand whose array is free after the step, is of its kind, and is not read in another order too."""
        for operand in over:
            others = {self.owner[other] for other in self._steps[ref].references if other != operand}
            same_kind = self.owner[operand] == operand and self.kind(operand) == self.kind(ref)
            if same_kind and operand not in others and self._is_free_after(ref, operand):
                return operand
        return None

    def _owners(self) -> list[Ref]:
        """The step in whose array a step's numbers lie: a view's are in its source's."""
        owner: list[Ref] = []
        for number, step in enumerate(self._steps):
            seen = isinstance(step, View) and not step.index.table
            owner.append(owner[step.references[0]] if seen else Ref(number))
        return owner

    def _last_uses(self, outputs: list[Ref]) -> list[int]:
        """The last step that reads each step's array; of an output there is none."""
        last = [-1] * len(self._steps)
        for number, step in enumerate(self._steps):
            if self.needed[number]:
                for ref in step.references:
                    last[self.owner[ref]] = number
        for output in outputs:
            last[self.owner[output]] = len(self._steps)
        return last

    def _plan_scatters(self, outputs: list[Ref]) -> None:
        needed = [(Ref(number), step) for number, step in enumerate(self._steps) if self.needed[number]]
        uses = Counter([*outputs, *(operand for _, step in needed for operand in step.references)])
        for ref, step in needed:
            if isinstance(step, Scatter):
                plan = self.scattered[ref] = Scattered(step)
                for k in [] if plan.cleared else plan.stored:
                    piece, index = step.references[k], step.indices[k]
                    if uses[piece] == 1 and self._fills(piece, step, index):
                        self.direct[piece] = ref, index

    def _fills(self, piece: Ref, scatter: Scatter, index: Index) -> bool:
        """Whether a step can write straight into the places of a piece."""
        step = self._steps[piece]
        whole = (step.shape, step.batched) == (index.shape, scatter.batched)
        matrix = len(step.shape) + step.batched <= 2  # what has more sides is written as a matrix, which may be a copy
        return whole and matrix and not index.table and not isinstance(step, Leaf | Constant | View | Scatter)


def sides(shape: Shape, batched: bool) -> str:
    """The shape of an array in source; n is the number of rows."""
    listed = [*(["n"] if batched else []), *map(str, shape)]
    return f"({', '.join(listed)}{',' if len(listed) == 1 else ''})"


def view_call(array: str, index: Index, batched: bool) -> str:
    """A view in source; see numpy_backend.view."""
    return f"view({array}, {index.start}, {index.shape}, {index.strides}{', rows=True' if batched else ''})"
