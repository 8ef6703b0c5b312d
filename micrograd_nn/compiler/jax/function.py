"""A program's loss as a pure function of its parameters and of rows, for JAX to compile and to transform.

The sweep is the lifted graph's own, not JAX's, so the slopes at kinks are the scalar engine's. Parameters are carried
in parts, the arrays that are read of them, such as the weights of a layer, by the names that ``print(program)`` has.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import compress
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

from ...engine.value import set_numbers
from ...errors import ArgumentError, GraphError
from .. import steps as kinds
from ..backend import row_count
from ..chains import Chains
from ..lifted import Lifted, lift
from ..printing import Equations
from ..steps import Ref
from ..trace import PARAMETER, Trace
from .steps import Array, evaluate

Parts = dict[str, Array]  # the parameters, or numbers that belong to them: an array per part


# ---- parameters in parts ----


class Packing:
    """Which parameters are in which part, and the graph lifted so that the parts are their vector, one after another.

    Then what the steps read of the vector is, to XLA, a part as it is, and nothing is copied.
    """

    def __init__(self, trace: Trace, lifted: Lifted) -> None:
        self._numbers = dict(_named(lifted))  # of a part's parameters, in the shape of the part
        unread = np.setdiff1d(np.flatnonzero(trace.reached), flat(self._numbers.values()))
        self._numbers |= {"unread": unread} if len(unread) else {}
        every = flat(self._numbers.values())
        self._others = np.setdiff1d(np.arange(len(trace.parameters)), every)  # the loss does not depend on them
        self.lifted = _reordered(trace, np.concatenate([every, self._others]))

    def split(self, vector: Any) -> Parts:
        """The parts of numbers that belong to the parameters."""
        return {name: np.asarray(vector)[numbers] for name, numbers in self._numbers.items()}

    def joined(self, parts: Parts) -> Any:
        """The numbers in the order of the parameters; 0 for those that are in no part."""
        whole = np.zeros(len(self.lifted.reached), np.asarray(next(iter(parts.values()), 0.0)).dtype)
        for name, numbers in self._numbers.items():
            whole[numbers] = np.asarray(parts[name])
        return whole

    def vector(self, parts: Parts, dtype: str) -> Array:
        """The parts as the vector of the lifted graph."""
        return jnp.concatenate(
            [*(parts[name].reshape(-1) for name in self._numbers), jnp.zeros(len(self._others), dtype)]
        )

    def parts(self, vector: Array) -> Parts:
        """The parts of such a vector."""
        *pieces, _ = jnp.split(vector, np.cumsum([numbers.size for numbers in self._numbers.values()]))
        shaped = zip(self._numbers.items(), pieces, strict=True)
        return {name: piece.reshape(numbers.shape) for (name, numbers), piece in shaped}


def _named(lifted: Lifted) -> Iterator[tuple[str, Any]]:
    """The parts by name, and the numbers of their parameters, each once."""
    names = Equations(lifted).pieces
    for k, part in enumerate(lifted.parts, 1):
        found = [names[ref].text for ref in part.references if ref in names]
        numbers = np.unique(part.index.positions)
        yield (*found, f"p{k}")[0], part.index.positions if len(numbers) == prod(part.shape) else numbers


def _reordered(trace: Trace, order: Any) -> Lifted:
    """The graph lifted with its parameters in another order."""
    rank, leaves = np.argsort(order).tolist(), zip(trace.source, trace.position, strict=True)
    position = [rank[number] if source == PARAMETER else number for source, number in leaves]
    trace = replace(trace, position=position, reached=[trace.reached[number] for number in order])
    return lift(trace, Chains(trace))


def flat(arrays: Iterable[Any]) -> Any:
    """All their numbers, one after another."""
    return np.concatenate([np.arange(0), *(array.reshape(-1) for array in arrays)])


# ---- the function ----


class Lowered:
    """The losses and the gradient of a lifted graph as functions of parts and of rows, an array (rows, numbers) each.

    ``shared`` says how the rows lie on several devices, if there are several.
    """

    def __init__(self, packing: Packing, dtype: str, shared: Callable[[Array], Array] = lambda rows: rows) -> None:
        self._packing, self._lifted, self._dtype, self._shared = packing, packing.lifted, dtype, shared

    def losses(self, parts: Parts, rows: Sequence[Array]) -> Array:
        """The loss of each row."""
        return self._run(parts, rows, self._lifted.loss)[0]

    def losses_and_grad(self, parts: Parts, rows: Sequence[Array]) -> tuple[Array, Parts]:
        """The loss of each row, and the gradient of their mean."""
        losses, gradient = self._run(parts, rows, self._lifted.loss, self._lifted.gradient or 0.0)
        return losses, self._packing.parts(jnp.broadcast_to(gradient, len(self._lifted.reached)))

    def mean(self, parts: Parts, rows: Sequence[Array]) -> Array:
        """The mean of the losses."""
        return self.losses(parts, rows).mean()

    def mean_and_grad(self, parts: Parts, rows: Sequence[Array]) -> tuple[Array, Parts]:
        """The mean of the losses, and its gradient."""
        losses, gradient = self.losses_and_grad(parts, rows)
        return losses.mean(), gradient

    def _run(self, parts: Parts, rows: Sequence[Array], *outcomes: Ref | float) -> list[Array]:
        n = len(rows[0]) if rows else 1
        sources = {"p": self._packing.vector(parts, self._dtype), "seed": 1.0 / n, "float(n)": n}
        sources |= {f"x{k}": self._shared(array) for k, array in enumerate(rows, 1)}
        leaves = [(Ref(k), step) for k, step in enumerate(self._lifted.steps) if isinstance(step, kinds.Leaf)]
        given = {ref: jnp.asarray(sources[leaf.source], self._dtype) for ref, leaf in leaves}
        losses, *others = evaluate(self._lifted.steps, outcomes, given, n)
        return [jnp.broadcast_to(jnp.asarray(losses, self._dtype), n), *others]


class JaxFunction:
    """The mean loss of a program as a pure function ``f(parts, *rows)``, for jit, grad, vmap, scan and optax.

    ``parts`` is a dict of arrays: the parameters as ``print(program)`` names them, W1, b1, … ``f.parts()`` reads them
    from the Values and ``f.store(parts)`` writes them back. ``rows`` are the arguments of the program, with a leading
    axis of rows or one row without it. Derivatives with respect to the parts are the scalar engine's, also at kinks.

    >>> from micrograd_nn import Value, compile
    >>> x, y, w, b = Value(0.0), Value(0.0), Value(2.0), Value(1.0)
    >>> f = compile((w * x + b - y) ** 2, inputs=[x, y], parameters=[w, b], dtype="float32").to_jax()
    >>> loss, slopes = f.value_and_grad(f.parts(), [1.0, 2.0], [2.0, 5.0])
    >>> float(loss), {name: slope.tolist() for name, slope in slopes.items()}
    (0.5, {'w1': [1.0], 'b1': [1.0]})

    Raises ShapeError for rows of other shapes than the recorded inputs; ArgumentError for a program in float64 where
    JAX has no float64; GraphError for a derivative with respect to the rows.
    """

    def __init__(self, trace: Trace, lifted: Lifted, dtype: str) -> None:
        self._parameters, self._reached = trace.parameters, trace.reached
        self._inputs, self._dtype = trace.inputs, dtype
        self._packing = Packing(trace, lifted)
        self._lowered = Lowered(self._packing, dtype)
        self._mean = jax.custom_jvp(self._lowered.mean)
        self._mean.defjvp(self._along, symbolic_zeros=True)

    def __call__(self, parts: Parts, *rows: Any) -> Array:
        """The mean loss over the rows."""
        return self._mean(self._given(parts), self._rows(rows))

    def value_and_grad(self, parts: Parts, *rows: Any) -> tuple[Array, Parts]:
        """The mean loss over the rows and its gradient, in parts."""
        return self._lowered.mean_and_grad(self._given(parts), self._rows(rows))

    def parts(self) -> Parts:
        """The numbers of the parameters now."""
        return self._given(self._packing.split([parameter.data for parameter in self._parameters]))

    def store(self, parts: Parts) -> None:
        """Write these numbers to the Values of the parameters."""
        numbers, reached = self._packing.joined(parts).tolist(), self._reached
        set_numbers(compress(self._parameters, reached), compress(numbers, reached))

    def _along(self, point: Any, direction: Any) -> tuple[Array, Array]:
        """The mean loss, and its slope in a direction, by our sweep."""
        (parts, rows), (moved, others) = point, direction
        if not all(isinstance(other, SymbolicZero) for other in others):
            raise GraphError(
                "a compiled loss has slopes with respect to its parameters: to differentiate with respect to the rows, "
                "give their leaves as parameters when you compile"
            )
        mean, gradient = self._lowered.mean_and_grad(parts, rows)
        slopes = [
            jnp.vdot(slope, moved[name])
            for name, slope in gradient.items()
            if not isinstance(moved[name], SymbolicZero)
        ]
        return mean, sum(slopes, jnp.zeros((), self._dtype))

    def _given(self, parts: Parts) -> Parts:
        if self._dtype == "float64" and not jax.config.jax_enable_x64:
            raise ArgumentError(
                "this program computes in float64, and JAX has only float32 until it is asked: "
                "jax.config.update('jax_enable_x64', True), or compile with dtype='float32'"
            )
        return {name: jnp.asarray(part, self._dtype) for name, part in parts.items()}

    def _rows(self, rows: Sequence[Any]) -> list[Array]:
        arrays = [jnp.asarray(array, self._dtype) for array in rows]
        n = row_count(self._inputs, [array.shape for array in arrays])
        return [array.reshape(n, prod(shape)) for array, shape in zip(arrays, self._inputs, strict=True)]
