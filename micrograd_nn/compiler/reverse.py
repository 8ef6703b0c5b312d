"""Reverse: the sweep over lifted steps, written down behind them.

The slopes are the rows' own partials, run on tracers. An adjoint may be of a smaller shape than its step and then
stands for the same number repeated; it is broadcast only where a sum needs it.

    View       the adjoint is added to zeros at the positions of the index
    MatMul     Z = A·Bᵀ has the adjoints Ā = Z̄·B and B̄ = Z̄ᵀ·A, the latter over all rows
    Fold       where the textbook's partial is made of its own operand and the outcome alone, of the sum 1 or of a
               logsumexp exp(x − out), it is the slope of the whole chain. Else the partials of each link, times those
               of all later links, as the recorded chain multiplies them
    the rest   adjoint · partial, summed over what was stretched
"""

from collections import defaultdict
from functools import cache, reduce
from math import prod
from typing import Any

import numpy as np

from ..engine.operation import FLAT, Operation
from ..engine.ops import add, mul
from . import steps as kinds
from .layout import as_column, columns, constant, in_full, join, view
from .steps import PARAMETERS, Index, Ref, Step, Steps, Tape, Tracer, live, plain

Number = Any  # a tracer, or a float for an array of that one number


def reverse(forward: Steps, loss: Ref | float) -> tuple[tuple[Step, ...], Ref | None]:
    """The steps with those of the sweep behind them, and the gradient: an array like the parameters.

    It is None if the loss does not depend on them. The leaf "seed" is the adjoint of each row's loss: 1 over the number
    of rows makes it the gradient of their mean.
    """
    needed = live(forward, [loss])
    if not isinstance(loss, Ref) or not needed[PARAMETERS]:
        return tuple(forward), None
    sweep = _Sweep(Tape(forward))
    seed = sweep.tape.add(kinds.Leaf((), (), False, "seed"))
    sweep.give(loss, seed if forward[loss].batched else mul(seed, sweep.rows))
    for number in range(loss.number, PARAMETERS.number, -1):
        if needed[number]:
            sweep.step(Ref(number))
    adjoint = sweep.adjoint(PARAMETERS)  # None if nothing gets through to them
    gradient = sweep.full(0.0 if adjoint is None else adjoint, forward[PARAMETERS])
    return tuple(sweep.tape.steps), gradient.ref


class _Sweep:
    """The adjoints of the steps, as far as they are known."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self._depends: list[bool] = []  # on the parameters
        for number, step in enumerate(tape.steps):
            self._depends.append(number == PARAMETERS.number or any(self._depends[ref] for ref in step.references))
        self.rows = tape.add(kinds.Leaf((), (), False, "float(n)"))
        self._terms: dict[Ref, list[Number]] = defaultdict(list)
        self._pieces: dict[Ref, list[tuple[Index, Tracer]]] = defaultdict(list)

    def give(self, ref: Ref, adjoint: Number) -> None:
        """Add a term to a step's adjoint."""
        if self._depends[ref]:
            self._terms[ref].append(adjoint)

    def adjoint(self, ref: Ref) -> Any:
        """The sum of the terms; None if there are none."""
        terms, pieces = self._terms.pop(ref, []), self._pieces.pop(ref, [])
        if pieces:
            step = self.tape.steps[ref]
            indices, operands = zip(*pieces, strict=True)
            scatter = kinds.Scatter(tuple(operand.ref for operand in operands), step.shape, step.batched, indices)
            terms.append(self.tape.add(scatter))
        return reduce(add, terms) if terms else None

    def step(self, ref: Ref) -> None:
        """Pass a step's adjoint on to its operands."""
        adjoint = self.adjoint(ref)
        if adjoint is None:
            return
        step = self.tape.steps[ref]
        match step:
            case kinds.Apply():
                self._apply(step, Tracer(self.tape, ref), adjoint)
            case kinds.View():
                self._view(step, adjoint)
            case kinds.MatMul():
                self._matmul(step, adjoint)
            case kinds.Fold():
                self._fold(step, Tracer(self.tape, ref), adjoint)
            case kinds.Scatter():
                self._scatter(step, adjoint)
            case kinds.Stretch():
                self.give(step.references[0], self._fit(adjoint, step, step.references[0]))

    def _apply(self, step: kinds.Apply, out: Tracer, adjoint: Number) -> None:
        operands = [Tracer(self.tape, o) if isinstance(o, Ref) else o for o in step.operands]
        for operand, partial in zip(step.operands, step.operation.partials, strict=True):
            if isinstance(operand, Ref) and self._depends[operand]:
                slope = partial(*operands, out)
                if isinstance(slope, Tracer):
                    self.give(operand, self._fit(mul(adjoint, slope), step, operand))
                elif slope is not FLAT:  # summed first, there is less to multiply
                    self.give(operand, mul(self._fit(adjoint, step, operand), slope))

    def _view(self, step: kinds.View, adjoint: Number) -> None:
        (source,) = step.references
        shape = self.tape.steps[source].shape
        positions = step.index.positions.reshape(-1)
        order = np.argsort(positions)
        if not np.array_equal(positions[order], np.arange(prod(shape))):  # some numbers of the source, or some twice
            piece = adjoint if isinstance(adjoint, Tracer) else constant(self.tape, adjoint, step.shape)
            self._pieces[source].append((step.index, piece))
        elif not isinstance(adjoint, Tracer):
            self.give(source, adjoint)
        elif prod(adjoint.step.shape) > 1:
            self.give(source, view(in_full(self.tape, adjoint, step.shape), order.reshape(shape)))
        else:
            self.give(source, view(adjoint, np.zeros((1,) * len(shape), dtype=np.int64)))

    def _matmul(self, step: kinds.MatMul, adjoint: Number) -> None:
        a, b = step.references
        full = self.full(adjoint, step)
        if self._depends[a]:
            of_a = self.tape.steps[a]
            self.give(a, self.tape.add(kinds.MatMul((full.ref, b), of_a.shape, of_a.batched, False)))
        if self._depends[b]:
            self.give(b, self.tape.add(kinds.Gram((full.ref, a), self.tape.steps[b].shape, False)))

    def _fold(self, step: kinds.Fold, out: Tracer, adjoint: Number) -> None:
        terms = Tracer(self.tape, step.references[0])
        if not _own(step.operation):
            self.give(terms.ref, self._chain(step, self.full(adjoint, step)))
            return
        slopes = step.operation.textbook[0](terms, terms, as_column(out))
        if isinstance(slopes, Tracer):
            given = terms.ref, out.ref, slopes.ref
            slopes = self.tape.add(kinds.Slopes(given, terms.step.shape, terms.step.batched, step.operation))
        self.give(terms.ref, mul(as_column(adjoint) if isinstance(adjoint, Tracer) else adjoint, slopes))

    def _chain(self, step: kinds.Fold, adjoint: Tracer) -> Tracer:
        """Each link's own slope, times the slopes of all later links, times the adjoint."""
        terms = Tracer(self.tape, step.references[0])
        shape, batched = terms.step.shape, terms.step.batched
        size = shape[-1]
        running = self.tape.add(kinds.Scan((terms.ref,), shape, batched, step.operation, False))
        x = columns(terms, 1, size)
        before, after = columns(running, 0, size - 1), columns(running, 1, size)
        onwards, own = (partial(before, x, after) for partial in step.operation.partials)
        links = join([in_full(self.tape, onwards, x.step.shape, batched), as_column(adjoint)])
        later = self.tape.add(kinds.Scan((links.ref,), shape, batched, mul, True))
        return join([columns(later, 0, 1), columns(later, 1, size) * own])

    def _scatter(self, step: kinds.Scatter, adjoint: Number) -> None:
        full = self.full(adjoint, step)
        for operand, index in zip(step.references, step.indices, strict=True):
            piece = view(full, index.positions)
            self.give(operand, self._fit(piece, piece.step, operand))

    def _fit(self, adjoint: Number, step: Step, operand: Ref) -> Number:
        """Summed over the sides and the rows along which the operand was stretched."""
        target = self.tape.steps[operand]
        rank = len(step.shape)
        given = adjoint.step if isinstance(adjoint, Tracer) else Step((), (1,) * rank, False)
        shape = given.shape or (1,) * rank
        sides = [a for a, side in enumerate(target.shape) if side == 1 and step.shape[a] > 1]
        rows = step.batched and not target.batched
        times = prod(step.shape[a] for a in sides if shape[a] == 1)  # the same number so many times
        alike = mul(adjoint, float(times)) if times > 1 else adjoint
        if rows and not given.batched:
            alike = mul(alike, self.rows)
        if not isinstance(alike, Tracer) or not ((rows and given.batched) or any(shape[a] > 1 for a in sides)):
            return alike
        kept = tuple(1 if a in sides else side for a, side in enumerate(shape))
        return self.tape.add(kinds.Sum((alike.ref,), kept, given.batched and not rows))

    def full(self, adjoint: Number, step: Step) -> Tracer:
        """The adjoint of a step in the step's full shape."""
        return in_full(self.tape, adjoint, step.shape, step.batched)


@cache
def _own(row: Operation) -> bool:
    """Whether an associative operation's slope is made of its own operand and the outcome alone.

    With partials g(a, out) and g(b, out) the slope of a whole chain for a term x is g(x, out) too: g(x, between) ·
    g(between, out) is the derivative of the same function, however the chain is bracketed.
    """
    tape = Tape()
    x, other, out = (tape.add(kinds.Leaf((), (), False, name)) for name in ("x", "other", "out"))
    first, second = plain(row.textbook[0](x, other, out)), plain(row.textbook[1](other, x, out))
    return first == second and not live(tape.steps, [first])[other.ref]
