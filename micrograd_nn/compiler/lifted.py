"""Lifted: what every backend, the printer and the checker read of a compiled graph.

The steps of one loss, those of its gradient behind them, and the parts of the vector of parameters. It is plain data:
it knows no backend and no dtype.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .check import check
from .layout import arange, pattern, unfold
from .reverse import reverse
from .steps import PARAMETERS, Index, Leaf, Ref, Shape, Step, Steps, View


@dataclass(frozen=True)
class Part:
    """Parameters that are read together: the weights of a layer, its biases.

    ``index`` says where they lie in the vector of parameters, counted row by row. ``references`` are the views that are
    made of just these parameters, the first of them in this shape; a part that is only read together with others, or
    in pieces of no even order, has none.
    """

    shape: Shape
    index: Index
    references: tuple[Ref, ...]


@dataclass(frozen=True)
class Lifted:
    """The steps of the loss of one row, ``forward``, and what they were recorded from.

    Step #0 is the vector of parameters, the next are the inputs. ``loss`` is a reference, or a float if nothing varies;
    ``inputs`` are the recorded shapes of the arguments for one row, and ``reached`` says for each parameter whether the
    loss depends on it.
    """

    forward: tuple[Step, ...]
    loss: Ref | float
    inputs: tuple[Shape, ...]
    reached: tuple[bool, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the loss, then those of its gradient."""
        return self._reversed[0]

    @property
    def gradient(self) -> Ref | None:
        """The gradient: an array like the parameters, or None if the loss depends on none of them."""
        return self._reversed[1]

    @cached_property
    def _reversed(self) -> tuple[tuple[Step, ...], Ref | None]:
        return reverse(self.forward, self.loss)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parameters that are read, each in one part, in the order of the vector.

        A part is as large as it can be so that each view of the parameters is made of whole parts.
        """
        return tuple(_parts(self.forward))

    @cached_property
    def unreached(self) -> tuple[int, ...]:
        """The numbers of the parameters that the loss does not depend on."""
        return tuple(number for number, reached in enumerate(self.reached) if not reached)

    def check(self) -> None:
        """Raises GraphError if the steps are not well formed."""
        check(self.steps)

    @property
    def rows(self) -> tuple[Leaf, ...]:
        """The inputs, which differ from row to row."""
        return tuple(step for step in self.forward if isinstance(step, Leaf) and step.batched)


def _parts(steps: Steps) -> Iterator[Part]:
    views = {
        Ref(number): (step.index, step.shape, unfold(step.index, step.shape))
        for number, step in enumerate(steps)
        if isinstance(step, View) and step.references == (PARAMETERS,)
    }
    if any(PARAMETERS in step.references and not isinstance(step, View) for step in steps):
        shape = steps[PARAMETERS].shape
        views[PARAMETERS] = (*pattern(arange(shape)), arange(shape))
    part = np.zeros(steps[PARAMETERS].shape, dtype=np.int64)  # the part of each parameter; 0 if nothing reads it
    for _, _, places in views.values():
        _, which = np.unique(part[places], return_inverse=True)
        part[places] = int(part.max()) + 1 + which.reshape(places.shape)
    numbers, first = np.unique(part, return_index=True)
    whole: dict[int, list[Ref]] = {}
    sizes: Any = dict(zip(*np.unique(part, return_counts=True), strict=True))
    for ref, (_, _, places) in views.items():
        number = int(part[places.flat[0]])
        if (part[places] == number).all() and len(np.unique(places)) == sizes[number]:
            whole.setdefault(number, []).append(ref)
    for number in numbers[np.argsort(first)].tolist():
        if number:
            refs = whole.get(number, [])
            index, shape, _ = views[refs[0]] if refs else (*pattern(np.flatnonzero(part == number)), ())
            yield Part(shape, index, tuple(refs))
