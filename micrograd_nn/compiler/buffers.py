"""Buffers: which step writes into which array.

Promise: an array is written in place, or used again, only when nothing will read what it held. Arrays from outside
(parameters, inputs, the gradient) are written only by the steps that are meant to.
"""

from collections import defaultdict
from collections.abc import Set
from typing import Any

import numpy as np

from .layout import inverse, size_of, unfold
from .steps import (
    Apply,
    Constant,
    Fold,
    Gram,
    Index,
    Leaf,
    MatMul,
    Ref,
    Scan,
    Scatter,
    Shape,
    Steps,
    Sum,
    View,
    live,
)

Kind = tuple[Shape, bool, str]  # the shape for one row, batched, the type of the numbers


class Scattered:
    """How a Scatter is carried out.

    ``stored`` pieces overlap with no other stored one and are written, ``added`` ones are added afterwards. Where the
    added ones meet zeros the array is ``cleared`` in every call; else the zeros are there from the start.
    """

    def __init__(self, step: Scatter) -> None:
        pairs = list(zip(step.indices, step.shapes, strict=True))
        places = [unfold(index, shape).reshape(-1) for index, shape in pairs]
        covered = np.zeros(size_of(step.shape), dtype=bool)
        self.stored: list[int] = []
        self.added: list[int] = []
        for k in sorted(range(len(places)), key=lambda k: -len(places[k])):
            fresh = not covered[places[k]].any() and len(inverse(*pairs[k])) > 0
            (self.stored if fresh else self.added).append(k)
            if fresh:
                covered[places[k]] = True
        self.whole = bool(covered.all())  # nothing is left at zero
        self.cleared = any(not covered[places[k]].all() for k in self.added)


class Buffers:
    """Names for the arrays of the steps, and the lines that make them."""

    def __init__(
        self,
        steps: Steps,
        outputs: list[Any],
        prefix: str,
        dtype: str,
        stores: dict[Ref, str],
        spendable: Set[str],
    ) -> None:
        self.lines: list[str] = []
        self.dtype = dtype
        self._steps, self._prefix, self._stores, self._spendable = steps, prefix, stores, spendable
        wanted = [output for output in outputs if isinstance(output, Ref)]
        self.needed = live(steps, wanted)
        self.owner = self._owners()
        self.last = self._last_uses(wanted)
        self.scattered: dict[Ref, Scattered] = {}
        self.direct: dict[Ref, tuple[Ref, Index]] = {}  # a step that writes straight into a Scatter's array
        self._names: dict[Ref, str] = {
            Ref(number): step.source
            for number, step in enumerate(steps)
            if isinstance(step, Leaf) and step.source in spendable
        }
        self._free: dict[Kind, list[str]] = defaultdict(list)
        self._given_back: set[Ref] = set()
        self._count = 0
        self._plan_scatters(wanted)

    def kind(self, ref: Ref) -> Kind:
        """What an array for that step's outcome looks like."""
        step = self._steps[ref]
        return step.shape, step.batched, self.dtype

    def fresh(self, kind: Kind) -> str:
        """An array of that kind that nobody reads any more, or a new one."""
        if self._free[kind]:
            return self._free[kind].pop()
        name = f"{self._prefix}{self._count}"
        self._count += 1
        self.lines.append(f"{name} = np.zeros({sides(kind[0], kind[1])}, {kind[2]})")
        return name

    def spend(self, name: str, kind: Kind) -> None:
        """Give an array back."""
        self._free[kind].append(name)

    def out(self, ref: Ref, in_place: bool = False) -> str:
        """The array that a step writes into; ``in_place`` if it may be that of an operand which is not read again."""
        if ref not in self._names:
            taken = self._dying_operand(ref) if in_place and not self._fixed(ref) else None
            if taken is not None:
                self._given_back.add(taken)
                self._names[ref] = self._names[taken]
            else:
                self._names[ref] = self._place(ref)
        return self._names[ref]

    def done(self, ref: Ref) -> None:
        """The step is written: what it read last is free."""
        for operand in {self.owner[o] for o in self._steps[ref].references}:
            ended = self.last[operand] == ref.number and operand in self._names and operand not in self._given_back
            if ended and not self._fixed(operand):
                self._given_back.add(operand)
                self.spend(self._names[operand], self.kind(operand))

    def _place(self, ref: Ref) -> str:
        if ref in self._stores:
            return self._stores[ref]
        if ref in self.direct:
            scatter, index = self.direct[ref]
            step = self._steps[ref]
            name = f"{self._prefix}{self._count}"
            self._count += 1
            self.lines.append(f"{name} = {view_call(self.out(scatter), index, step.shape, step.batched)}")
            return name
        if isinstance(self._steps[ref], Scatter):
            self._free[self.kind(ref)], kept = [], self._free[self.kind(ref)]  # its zeros must be its own
            name = self.fresh(self.kind(ref))
            self._free[self.kind(ref)] = kept
            return name
        return self.fresh(self.kind(ref))

    def _fixed(self, ref: Ref) -> bool:
        step = self._steps[ref]
        if isinstance(step, Leaf) and step.source in self._spendable:
            return False
        return ref in self._stores or ref in self.direct or isinstance(step, Scatter | Leaf | Constant)

    def _dying_operand(self, ref: Ref) -> Ref | None:
        operands = self._steps[ref].references
        for operand in operands:
            alone = all(o == operand or self.owner[o] != self.owner[operand] for o in operands)
            if (
                alone
                and self.owner[operand] == operand
                and self.last[operand] == ref.number
                and operand in self._names
                and operand not in self._given_back
                and not self._fixed(operand)
                and self.kind(operand) == self.kind(ref)
            ):
                return operand
        return None

    def _owners(self) -> list[Ref]:
        """The step in whose array a step's numbers lie: a view's are in its source's."""
        owner: list[Ref] = []
        self.scans = {
            (step.operation, step.operands): Ref(number)
            for number, step in enumerate(self._steps)
            if isinstance(step, Scan) and not step.reverse and self.needed[number]
        }
        for number, step in enumerate(self._steps):
            is_view = isinstance(step, View) and not step.index.table
            home = owner[step.references[0]] if is_view else Ref(number)
            if isinstance(step, Fold):  # of a chain whose running results are wanted: the last of them
                home = self.scans.get((step.operation, step.operands), Ref(number))
            owner.append(home)
        return owner

    def _last_uses(self, wanted: list[Ref]) -> list[int]:
        last = [-1] * len(self._steps)
        for number, step in enumerate(self._steps):
            if self.needed[number]:
                for ref in step.references:
                    last[self.owner[ref]] = number
        for output in wanted:
            last[self.owner[output]] = len(self._steps)
        return last

    def _plan_scatters(self, wanted: list[Ref]) -> None:
        uses: dict[Ref, int] = defaultdict(int)
        for number, step in enumerate(self._steps):
            for ref in step.references if self.needed[number] else ():
                uses[ref] += 1
        for number, step in enumerate(self._steps):
            if self.needed[number] and isinstance(step, Scatter):
                plan = self.scattered[Ref(number)] = Scattered(step)
                for k in [] if plan.cleared else plan.stored:
                    piece = step.references[k]
                    slot = self._steps[piece]
                    own = isinstance(slot, Apply | MatMul | Gram | Sum | Fold) and (slot.shape, slot.batched) == (
                        step.shapes[k],
                        step.batched,
                    )
                    if own and uses[piece] == 1 and piece not in wanted and not step.indices[k].table:
                        self.direct[piece] = (Ref(number), step.indices[k])


def sides(shape: Shape, batched: bool) -> str:
    """The shape of an array in source; n is the number of rows."""
    listed = [*(["n"] if batched else []), *map(str, shape)]
    return f"({', '.join(listed)}{',' if len(listed) == 1 else ''})"


def view_call(array: str, index: Index, shape: Shape, batched: bool) -> str:
    """A view in source; see numpy_backend.view."""
    return f"view({array}, {index.start}, {shape}, {index.strides}{', rows=True' if batched else ''})"
