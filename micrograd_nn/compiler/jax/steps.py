"""Array steps on JAX's arrays: each kind of step is a small function, and RULES lists them.

An operation is its row's own ``numpy`` template with jax.numpy in the place of NumPy, so nan, infinities and kinks are
those of the table. What is lifted to matrix products is left to XLA. All of it may be traced: by jit, vmap or scan.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, reduce
from math import prod
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from ...engine.operation import Operation
from ...engine.ops import mul
from .. import steps as kinds
from ..backend import execute
from ..numpy.source import ufunc
from ..steps import Ref, Shape, Step, Steps, Tape, live, plain

Array = Any  # of JAX, or what it traces functions with
EXACT = lax.Precision.HIGHEST  # accelerators drop digits of float32 unless they are asked not to


def evaluate(steps: Steps, outcomes: Sequence[Ref | float], given: dict[Ref, Array], n: int = 1) -> list[Any]:
    """The numbers of the outcomes for n rows, from those of the steps that are given."""
    needed = live(steps, outcomes)
    dtype = next(iter(given.values())).dtype
    found: list[Array] = []
    for ref, step in zip(map(Ref, range(len(steps))), steps, strict=True):
        if ref in given or not needed[ref] or isinstance(step, kinds.Leaf):
            found.append(given.get(ref))
        elif isinstance(step, kinds.Constant):
            found.append(jnp.asarray(within(step.numbers, dtype)))
        else:
            found.append(RULES[type(step)](step, n, *(_operand(step, o, steps, found, dtype) for o in step.operands)))
    return [found[outcome] if isinstance(outcome, Ref) else outcome for outcome in outcomes]


def _operand(step: Step, operand: Ref | float, steps: Steps, found: list[Array], dtype: Any) -> Array:
    if not isinstance(operand, Ref):
        return float(within(operand, dtype))
    regrouped = _divides(step) and _divides(steps[operand])  # XLA would make a/(b·c) of a/b/c, where b·c may overflow
    return lax.optimization_barrier(found[operand]) if regrouped else found[operand]


def _divides(step: Step) -> bool:
    return isinstance(step, kinds.Apply) and "/" in step.operation.numpy


def on_arrays(rule: Callable[..., Iterable[Any]], *arrays: Array) -> list[Any]:
    """The outcomes of a rule that is written in the table's operations, number by number."""
    tape = Tape()
    leaves = [tape.add(kinds.Leaf((), (), False, str(k))) for k in range(len(arrays))]
    outcomes = list(map(plain, rule(*leaves)))
    return evaluate(tape.steps, outcomes, {leaf.ref: array for leaf, array in zip(leaves, arrays, strict=True)})


def within(numbers: Any, dtype: Any) -> Any:
    """Constants in that dtype; what is finite stays so."""
    largest = float(jnp.finfo(dtype).max)
    return np.where(np.isinf(numbers), numbers, np.clip(numbers, -largest, largest)).astype(dtype)


@cache
def function(operation: Operation) -> Callable[..., Array]:
    """The operation on arrays."""
    written = operation.numpy.format(a="a", b="b")
    made: Callable[..., Array] = execute(f"outcome = lambda a, b=None: {written}", np=jnp)["outcome"]
    return made


def shape(step: Step, n: int) -> Shape:
    """The shape of what a step makes of n rows."""
    return (n, *step.shape) if step.batched else step.shape


# ---- products and sums ----


def _matmul(step: kinds.MatMul, n: int, a: Array, b: Array) -> Array:
    return jnp.matmul(a, b.T if step.transposed else b, precision=EXACT)


def _gram(step: kinds.Gram, n: int, a: Array, b: Array) -> Array:
    a, b = (array.reshape(-1, array.shape[-1]) for array in (a, b))
    return jnp.matmul(a.T, b, precision=EXACT)


def _sum(step: kinds.Sum, n: int, whole: Array) -> Array:
    rows = whole.ndim - len(step.shape)  # 1 if there are any
    whole = whole.sum(axis=tuple(rows + k for k, side in enumerate(step.shape) if side == 1), keepdims=True)
    return whole if step.batched or not rows else whole.sum(axis=0)


# ---- chains ----


def _fold(step: kinds.Fold, n: int, terms: Array) -> Array:
    name = ufunc(step.operation)
    return getattr(jnp, name).reduce(terms, axis=-1) if name else running(step.operation, terms)[..., -1]


def running(operation: Operation, terms: Array, reverse: bool = False) -> Array:
    """The running results of a chain along the last side, link by link, since another order might meet 0·inf."""
    columns, act = jnp.moveaxis(terms, -1, 0), function(operation)
    first, others = (columns[-1:], columns[:-1]) if reverse else (columns[:1], columns[1:])
    _, results = lax.scan(lambda before, term: 2 * (act(before, term),), first[0], others, reverse=reverse)
    return jnp.moveaxis(jnp.concatenate([results, first] if reverse else [first, results]), 0, -1)


def _slopes(step: kinds.Slopes, n: int, terms: Array, outcome: Array, formula: Array) -> Array:
    formula = jnp.broadcast_to(formula, terms.shape)
    good = jnp.abs(outcome) < jnp.finfo(terms.dtype).eps ** -0.5  # beyond, half of the digits of x − out are wrong
    return lax.cond(
        good.all(),
        lambda: formula,
        lambda: jnp.where(good[..., None], formula, recorded_slopes(step.operation, terms)),
    )


def recorded_slopes(operation: Operation, terms: Array) -> Array:
    """The slopes of chains as they were recorded: a link's own, times what all later links pass on."""
    results = running(operation, terms)
    links = results[..., :-1], terms[..., 1:], results[..., 1:]
    found = on_arrays(lambda *link: [slope(*link) for slope in operation.partials], *links)
    passed_on, own = (jnp.broadcast_to(slope, links[0].shape) for slope in found)
    one = jnp.ones_like(terms[..., :1])
    later = running(mul, jnp.concatenate([passed_on, one], axis=-1), reverse=True)
    return jnp.concatenate([later[..., :1], later[..., 1:] * own], axis=-1)


# ---- numbers from one array to another ----


def _view(step: kinds.View, n: int, source: Array) -> Array:
    flat = source.reshape(*shape(step, n)[: step.batched], -1)
    return picked(flat, step.index.positions.reshape(-1)).reshape(shape(step, n))


def _scatter(step: kinds.Scatter, n: int, *pieces: Array) -> Array:
    rows = shape(step, n)[: step.batched]
    whole = [jnp.broadcast_to(x, (*rows, *index.shape)) for x, index in zip(pieces, step.indices, strict=True)]
    flat = [(index.positions.reshape(-1), x.reshape(*rows, -1)) for x, index in zip(whole, step.indices, strict=True)]
    return placed(flat, prod(step.shape)).reshape(shape(step, n))


def picked(flat: Array, positions: Any) -> Array:
    """The numbers at these positions along the last side."""
    start, stop = positions[0], positions[0] + len(positions)
    return flat[..., start:stop] if (positions == np.arange(start, stop)).all() else flat[..., positions]


def placed(pieces: list[tuple[Any, Array]], size: int) -> Array:
    """So many zeros, and each piece added at its positions along the last side."""
    pieces = sorted(pieces, key=lambda piece: int(piece[0][0]))
    every = np.concatenate([positions for positions, _ in pieces])
    if len(every) == size == len(np.unique(every)):  # each position once: nothing is added up
        return picked(jnp.concatenate([piece for _, piece in pieces], axis=-1), np.argsort(every))
    if len(pieces) > 1:
        return reduce(jnp.add, (placed([piece], size) for piece in pieces))
    ((_, piece),) = pieces
    return jnp.zeros((*piece.shape[:-1], size), piece.dtype).at[..., every].add(piece)


RULES: dict[type[Step], Callable[..., Array]] = {
    kinds.Apply: lambda step, n, *operands: function(step.operation)(*operands),
    kinds.MatMul: _matmul,
    kinds.Gram: _gram,
    kinds.Sum: _sum,
    kinds.Fold: _fold,
    kinds.Scan: lambda step, n, terms: running(step.operation, terms, step.reverse),
    kinds.Slopes: _slopes,
    kinds.View: _view,
    kinds.Scatter: _scatter,
    kinds.Stretch: lambda step, n, source: jnp.broadcast_to(source, shape(step, n)),
}
