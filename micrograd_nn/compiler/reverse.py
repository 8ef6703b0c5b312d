"""Reverse: the sweep over lifted steps, written down on the same tape.

Promise: the slopes are the rows' own partials, run on tracers. An adjoint may be of a smaller shape than its step and
then stands for the same number repeated; it is repeated in earnest only where a sum needs it.

    View       the adjoint is added to zeros at the places of the index
    MatMul     Z = A·Bᵀ has the adjoints Ā = Z̄·B and B̄ = Z̄ᵀ·A, the latter over all rows
    Fold       of additions: the adjoint itself, for each term. Of another operation: the partials of each link of the
               chain, times those of all later links, as the recorded chain multiplies them
    the rest   adjoint · partial, summed over what was stretched
"""

from collections import defaultdict
from functools import reduce
from math import prod
from typing import Any

from ..engine.ops import add, mul
from .layout import arange, column, constant, inverse, lone_view, part, size_of, stretched, view
from .steps import (
    PARAMETERS,
    Apply,
    Fold,
    Gram,
    Join,
    Leaf,
    MatMul,
    Ref,
    Scan,
    Scatter,
    Shape,
    Step,
    Steps,
    Stretch,
    Sum,
    Tape,
    Tracer,
    View,
    live,
)

Number = Any  # a tracer, or a float for an array of that one number


def reverse(forward: Steps, loss: Ref | float) -> tuple[tuple[Step, ...], Ref | None]:
    """The steps with those of the sweep behind them, and the gradient: an array like the parameters.

    It is None if the loss does not depend on them. The leaf "seed" is the adjoint of each row's loss: 1 over the number
    of rows makes it the gradient of their mean.
    """
    tape = Tape(forward)
    needed = live(forward, [loss] if isinstance(loss, Ref) else [])
    if not isinstance(loss, Ref) or not needed[PARAMETERS]:
        return tuple(forward), None
    depends = _depends(forward)
    sweep = _Sweep(tape, depends)
    seed = tape.add(Leaf((), (), False, "seed"))
    sweep.give(loss, seed if forward[loss].batched else sweep.over_rows(seed))
    for number in range(loss.number, PARAMETERS.number, -1):
        if needed[number] and depends[number]:
            sweep.step(Ref(number))
    gradient = sweep.whole(sweep.adjoint(PARAMETERS), forward[PARAMETERS])
    return tuple(tape.steps), gradient.ref


def _depends(steps: Steps) -> list[bool]:
    """Which steps depend on the parameters."""
    depends: list[bool] = []
    for number, step in enumerate(steps):
        depends.append(number == PARAMETERS.number or any(depends[ref] for ref in step.references))
    return depends


class _Sweep:
    """The adjoints of the steps, as far as they are known."""

    def __init__(self, tape: Tape, depends: list[bool]) -> None:
        self._tape, self._depends = tape, depends
        self._rows = tape.add(Leaf((), (), False, "float(n)"))
        self._terms: dict[Ref, list[Number]] = defaultdict(list)
        self._pieces: dict[Ref, list[tuple[View, Tracer]]] = defaultdict(list)

    def over_rows(self, adjoint: Number) -> Number:
        """What every row adds alike, from all of them together."""
        return mul(adjoint, self._rows)

    def give(self, ref: Ref, adjoint: Number) -> None:
        """Add a term to a step's adjoint."""
        if self._depends[ref]:
            self._terms[ref].append(adjoint)

    def adjoint(self, ref: Ref) -> Any:
        """The sum of the terms; None if there are none."""
        terms, pieces = self._terms.pop(ref, []), self._pieces.pop(ref, [])
        if pieces:
            step = self._tape.steps[ref]
            views, operands = zip(*pieces, strict=True)
            indices, shapes = zip(*((view.index, view.shape) for view in views), strict=True)
            given = tuple(operand.ref for operand in operands)
            terms.append(self._tape.add(Scatter(given, step.shape, step.batched, indices, shapes)))
        return reduce(add, terms) if terms else None

    def step(self, ref: Ref) -> None:
        """Pass a step's adjoint on to its operands."""
        adjoint = self.adjoint(ref)
        if adjoint is None:
            return
        step = self._tape.steps[ref]
        out = Tracer(self._tape, ref)
        match step:
            case Apply():
                self._apply(step, out, adjoint)
            case View():
                self._view(step, adjoint)
            case MatMul():
                self._matmul(step, adjoint)
            case Fold():
                self._fold(step, adjoint)
            case Join():
                self._join(step, adjoint)
            case Stretch():
                self.give(step.references[0], self._fit(adjoint, step, step.references[0]))

    def _apply(self, step: Apply, out: Tracer, adjoint: Number) -> None:
        operands = [Tracer(self._tape, o) if isinstance(o, Ref) else o for o in step.operands]
        for operand, partial in zip(step.operands, step.operation.partials, strict=True):
            if isinstance(operand, Ref) and self._depends[operand]:
                self.give(operand, self._fit(mul(adjoint, partial(*operands, out)), step, operand))

    def _view(self, step: View, adjoint: Number) -> None:
        (source,) = step.references
        shape = self._tape.steps[source].shape
        order = inverse(step.index, step.shape)
        if len(order) != size_of(shape):  # some numbers of the source, or some twice
            piece = adjoint if isinstance(adjoint, Tracer) else self._array(adjoint, step.shape)
            self._pieces[source].append((step, piece))
        elif isinstance(adjoint, Tracer) and size_of(self._tape[adjoint].shape) > 1:
            whole = stretched(self._tape, adjoint, step.shape, self._tape[adjoint].batched)
            self.give(source, view(whole, order.reshape(shape)))
        else:
            self.give(source, lone_view(adjoint, len(shape)) if isinstance(adjoint, Tracer) else adjoint)

    def _matmul(self, step: MatMul, adjoint: Number) -> None:
        a, b = step.references
        if size_of(step.shape) == 1 and not step.batched:  # a dot product: each factor times the other's numbers
            shape = self._tape.steps[a].shape
            lone = lone_view(adjoint, len(shape)) if isinstance(adjoint, Tracer) else adjoint
            to_a, to_b = (mul(lone, view(Tracer(self._tape, other), arange(shape))) for other in (b, a))
            self.give(a, to_a)
            self.give(b, view(to_b, arange(self._tape.steps[b].shape)))
            return
        whole = self.whole(adjoint, step)
        if self._depends[a]:
            of_a = self._tape.steps[a]
            self.give(a, self._tape.add(MatMul((whole.ref, b), of_a.shape, of_a.batched, False)))
        if self._depends[b]:
            self.give(b, self._tape.add(Gram((whole.ref, a), self._tape.steps[b].shape, False)))

    def _fold(self, step: Fold, adjoint: Number) -> None:
        (source,) = step.references
        if step.operation is not add:
            adjoint = self._chain(step, self.whole(adjoint, step))
        elif isinstance(adjoint, Tracer):
            adjoint = column(adjoint)
        self.give(source, adjoint)

    def _chain(self, step: Fold, adjoint: Tracer) -> Tracer:
        """Each link's own slope, times the slopes of all later links, times the adjoint."""
        (source,) = step.references
        terms = self._tape.steps[source]
        size, batched = terms.shape[-1], terms.batched
        running = self._tape.add(Scan((source,), terms.shape, batched, step.operation, False))
        x = part(Tracer(self._tape, source), 1, size)
        before, after = part(running, 0, size - 1), part(running, 1, size)
        onwards, own = (partial(before, x, after) for partial in step.operation.partials)
        links = [self._array(onwards, self._tape[x].shape, batched), column(adjoint)]
        later = self._tape.add(Scan((self._join_up(links, terms).ref,), terms.shape, batched, mul, True))
        return self._join_up([part(later, 0, 1), part(later, 1, size) * own], terms)

    def _join_up(self, pieces: list[Tracer], like: Step) -> Tracer:
        return self._tape.add(Join(tuple(piece.ref for piece in pieces), like.shape, like.batched))

    def _join(self, step: Join, adjoint: Number) -> None:
        whole, start = self.whole(adjoint, step), 0
        for operand in step.references:
            piece = self._tape.steps[operand]
            width = piece.shape[-1]
            slot = Stretch((), (*step.shape[:-1], width), step.batched)
            self.give(operand, self._fit(part(whole, start, start + width), slot, operand))
            start += width

    def _fit(self, adjoint: Number, step: Step, operand: Ref) -> Number:
        """Summed over the sides and the rows along which the operand was stretched."""
        target = self._tape.steps[operand]
        rank = len(step.shape)
        given = self._tape[adjoint] if isinstance(adjoint, Tracer) else Step((), (1,) * rank, False)
        shape = given.shape or (1,) * rank
        sides = [a for a, side in enumerate(target.shape) if side == 1 and step.shape[a] > 1]
        rows = step.batched and not target.batched
        times = prod(step.shape[a] for a in sides if shape[a] == 1)  # the same number so many times
        alike = mul(adjoint, float(times)) if times > 1 else adjoint
        if rows and not given.batched:
            alike = self.over_rows(alike)
        if not isinstance(alike, Tracer) or not ((rows and given.batched) or any(shape[a] > 1 for a in sides)):
            return alike
        kept = tuple(1 if a in sides else side for a, side in enumerate(shape))
        return self._tape.add(Sum((alike.ref,), kept, given.batched and not rows))

    def whole(self, adjoint: Number, step: Step) -> Tracer:
        """The adjoint of a step in the step's full shape."""
        return self._array(adjoint, step.shape, step.batched)

    def _array(self, adjoint: Number, shape: Shape, batched: bool = False) -> Tracer:
        """The adjoint in its full shape."""
        if not isinstance(adjoint, Tracer):
            adjoint = constant(self._tape, adjoint, shape)
        return stretched(self._tape, adjoint, shape, batched)
