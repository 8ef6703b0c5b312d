"""A program's loss as a pure function of its parameters and of rows, for JAX to compile and to transform.

The sweep is the lifted graph's own, not JAX's, so the slopes at kinks are the scalar engine's. Parameters are carried
in parts, the arrays that are read of them, such as the weights of a layer, by the names that ``print(program)`` has.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

from ..engine.ops import add
from ..errors import ArgumentError, GraphError
from . import steps as kinds
from .backend import as_rows
from .jax_steps import Array, evaluate, picked, placed
from .lifted import Lifted, lift
from .printing import Equations
from .steps import PARAMETERS, Ref, Steps
from .trace import PARAMETER, Chains, Trace

Parts = dict[str, Array]  # the parameters, or numbers that belong to them: an array per part


# ---- parameters in parts ----


class Packing:
    """Which parameters are in which part, and the graph lifted so that a part is a slice of their vector."""

    def __init__(self, trace: Trace, lifted: Lifted) -> None:
        order = flat([*(part.index.positions for part in lifted.parts), np.arange(len(trace.parameters))])
        self._order = order[np.sort(np.unique(order, return_index=True)[1])]
        rank, leaves = np.argsort(self._order).tolist(), zip(trace.source, trace.position, strict=True)
        position = [rank[place] if source == PARAMETER else place for source, place in leaves]
        trace = replace(trace, position=position, reached=[trace.reached[k] for k in self._order])
        self.lifted = lift(trace, Chains(trace))
        self._places: dict[str, Any] = {}  # of a part's numbers in the vector, in the shape of the part
        self._exact: dict[Ref, str] = {}  # the steps that are a part as it is
        self._name(Equations(self.lifted).pieces)
        read = flat(self._places.values())
        unread = np.setdiff1d(np.flatnonzero(trace.reached), read)
        self._places |= {"unread": unread} if len(unread) else {}
        self._at = np.zeros(len(self._order), np.int64)  # of each number of the vector among those of all parts
        self._at[read] = np.arange(len(read))

    def _name(self, names: dict[Ref, Any]) -> None:
        for part in self.lifted.parts:
            places = np.unique(part.index.positions)
            once = len(places) == prod(part.shape)  # no parameter is listed twice
            views = [ref for ref in part.references if once and ref in names and ref != PARAMETERS]
            name = names[views[0]].text if views else f"p{len(self._places) + 1}"
            self._places[name] = part.index.positions if once else places
            self._exact |= dict.fromkeys(views[:1], name)

    def split(self, vector: Any) -> Parts:
        """The parts of numbers that belong to the parameters."""
        ordered = np.asarray(vector)[self._order]
        return {name: ordered[places] for name, places in self._places.items()}

    def joined(self, parts: Parts, vector: Any) -> Any:
        """The numbers in the order of the parameters; of those that are in no part, what ``vector`` has."""
        whole = np.array(vector)
        for name, places in self._places.items():
            whole[self._order[places]] = np.asarray(parts[name])
        return whole

    def views(self, parts: Parts, dtype: str) -> dict[Ref, Array]:
        """What the steps read of the parameters."""
        whole = jnp.concatenate([jnp.zeros(0, dtype), *(parts[name].reshape(-1) for name in self._places)])
        given = {ref: parts[name] for ref, name in self._exact.items()}
        for number, step in enumerate(self.lifted.steps):
            if isinstance(step, kinds.View) and step.references == (PARAMETERS,) and Ref(number) not in given:
                at = self._at[step.index.positions.reshape(-1)]
                given[Ref(number)] = picked(whole, at).reshape(step.shape)
        return {PARAMETERS: picked(whole, self._at), **given}

    def slopes(self, terms: list[tuple[Any, Array]]) -> Parts:
        """The gradient, from arrays that are added up at these places of the vector."""
        found = {}
        for name, places in self._places.items():
            at = np.full(len(self._order), -1)
            at[places.reshape(-1)] = np.arange(places.size)
            inside = [(np.flatnonzero(at[where] >= 0), where, array) for where, array in terms]
            pieces = [(at[where[kept]], picked(array, kept)) for kept, where, array in inside if len(kept)]
            found[name] = placed(pieces, places.size).reshape(places.shape)
        return found


def flat(arrays: Iterable[Any]) -> Any:
    """All their numbers, one after another."""
    return np.concatenate([np.arange(0), *(array.reshape(-1) for array in arrays)])


def added(steps: Steps, gradient: Ref | None) -> Iterator[tuple[Any, Ref]]:
    """The arrays that the gradient is the sum of, and at which places each is added."""
    waiting = [] if gradient is None else [gradient]
    while waiting:
        step = steps[ref := waiting.pop()]
        if isinstance(step, kinds.Scatter):
            yield from ((index.positions, piece) for piece, index in zip(step.references, step.indices, strict=True))
        elif isinstance(step, kinds.Apply) and step.operation is add and len(step.references) == 2:
            waiting += step.references
        else:
            yield np.arange(prod(step.shape)), ref


# ---- the function ----


class Lowered:
    """The losses and the gradient of a lifted graph as functions of parts and of rows, an array (rows, numbers) each.

    ``shared`` says how the rows lie on several devices, if there are several.
    """

    def __init__(self, packing: Packing, dtype: str, shared: Callable[[Array], Array] = lambda rows: rows) -> None:
        self._packing, self._lifted, self._dtype, self._shared = packing, packing.lifted, dtype, shared
        self._added = list(added(self._lifted.steps, self._lifted.gradient))

    def each(self, parts: Parts, rows: Sequence[Array]) -> Array:
        """The loss of each row."""
        return self._run(parts, rows, [])[0]

    def mean(self, parts: Parts, rows: Sequence[Array]) -> Array:
        """The mean of the losses."""
        return self.each(parts, rows).mean()

    def total_and_grad(self, parts: Parts, rows: Sequence[Array]) -> tuple[Array, Parts]:
        """The sum of the losses, and the gradient of their mean."""
        losses, *arrays = self._run(parts, rows, [ref for _, ref in self._added])
        terms = [
            (places.reshape(-1), jnp.broadcast_to(array, places.shape).reshape(-1))
            for (places, _), array in zip(self._added, arrays, strict=True)
        ]
        return losses.sum(), self._packing.slopes(terms) if terms else jax.tree.map(jnp.zeros_like, parts)

    def _run(self, parts: Parts, rows: Sequence[Array], outcomes: list[Ref]) -> list[Array]:
        n = len(rows[0]) if rows else 1
        sources = {f"x{k}": self._shared(array) for k, array in enumerate(rows, 1)}
        sources |= {"seed": jnp.asarray(1.0 / n, self._dtype), "float(n)": jnp.asarray(n, self._dtype)}
        given = self._packing.views(parts, self._dtype)
        for number, step in enumerate(self._lifted.steps):
            if isinstance(step, kinds.Leaf) and step.source in sources:
                given[Ref(number)] = sources[step.source]
        losses, *others = evaluate(self._lifted.steps, [self._lifted.loss, *outcomes], given, n)
        return [jnp.broadcast_to(jnp.asarray(losses, self._dtype), n), *others]


class JaxFunction:
    """The mean loss of a program as a pure function ``f(parts, *rows)``, for jit, grad, vmap, scan and optax.

    ``parts`` is a dict of arrays: the parameters as ``print(program)`` names them, W1, b1, … ``f.parts()`` reads them
    from the Values and ``f.store(parts)`` writes them back. ``rows`` are the arguments of the program, with a leading
    axis of rows or one row without it. Derivatives with respect to the parts are the scalar engine's, also at kinks.

    >>> from micrograd_nn import Value, compile
    >>> x, y, w = Value(0.0), Value(0.0), Value(2.0)
    >>> f = compile((w * x - y) ** 2, inputs=[x, y], parameters=[w], dtype="float32").to_jax()
    >>> loss, slopes = f.value_and_grad(f.parts(), [1.0, 2.0], [2.0, 5.0])
    >>> float(loss), {name: slope.tolist() for name, slope in slopes.items()}
    (0.5, {'w1': -2.0})

    Raises ShapeError for rows of other shapes than the recorded inputs; ArgumentError for a program in float64 where
    JAX has no float64; GraphError for a derivative with respect to the rows.
    """

    def __init__(self, trace: Trace, lifted: Lifted, dtype: str) -> None:
        self._parameters, self._inputs, self._dtype = trace.parameters, trace.inputs, dtype
        self._packing = Packing(trace, lifted)
        self._lowered = Lowered(self._packing, dtype)
        self._mean = jax.custom_jvp(self._lowered.mean)
        self._mean.defjvp(self._along, symbolic_zeros=True)

    def __call__(self, parts: Parts, *rows: Any) -> Array:
        """The mean loss over the rows."""
        return self._mean(self._given(parts), self._rows(rows))

    def value_and_grad(self, parts: Parts, *rows: Any) -> tuple[Array, Parts]:
        """The mean loss over the rows and its gradient, in parts."""
        arrays = self._rows(rows)
        total, gradient = self._lowered.total_and_grad(self._given(parts), arrays)
        return total / _count(arrays), gradient

    def parts(self) -> Parts:
        """The numbers of the parameters now."""
        return self._given(self._packing.split([parameter.data for parameter in self._parameters]))

    def store(self, parts: Parts) -> None:
        """Write these numbers to the Values of the parameters."""
        numbers = self._packing.joined(parts, [parameter.data for parameter in self._parameters])
        for parameter, number in zip(self._parameters, numbers.tolist(), strict=True):
            parameter.data = number

    def _along(self, point: Any, direction: Any) -> tuple[Array, Array]:
        """The mean loss, and its slope in a direction, by our sweep."""
        (parts, rows), (moved, others) = point, direction
        if not all(isinstance(other, SymbolicZero) for other in others):
            raise GraphError(
                "a compiled loss has slopes with respect to its parameters: to differentiate with respect to the rows, "
                "give their leaves as parameters when you compile"
            )
        total, gradient = self._lowered.total_and_grad(parts, rows)
        slopes = [
            jnp.vdot(slope, moved[name])
            for name, slope in gradient.items()
            if not isinstance(moved[name], SymbolicZero)
        ]
        return total / _count(rows), sum(slopes, jnp.zeros((), self._dtype))

    def _given(self, parts: Parts) -> Parts:
        if self._dtype == "float64" and not jax.config.jax_enable_x64:
            raise ArgumentError(
                "this program computes in float64, and JAX has only float32 until it is asked: "
                "jax.config.update('jax_enable_x64', True), or compile with dtype='float32'"
            )
        return {name: jnp.asarray(part, self._dtype) for name, part in parts.items()}

    def _rows(self, rows: Sequence[Any]) -> list[Array]:
        return as_rows(self._inputs, [jnp.asarray(array, self._dtype) for array in rows])


def _count(rows: Sequence[Array]) -> int:
    return len(rows[0]) if rows else 1
