"""The ``jax`` backend: a program that XLA compiles, for accelerators and for more than one machine.

A training is one loop on the device, many steps to a call. With several devices each gets as many rows of a batch, and
their gradients are added up; the numbers are those of one device, to the rounding of that sum.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from .backend import Log, Loop, Part, Update
from .jax_function import Lowered, Packing, Parts
from .jax_steps import Array, on_arrays
from .lifted import Lifted
from .trace import Trace


class JaxBackend:
    """Runs a program compiled by XLA, on one device or with the rows of a batch shared out among several."""

    name = "jax"

    def __init__(self, trace: Trace, lifted: Lifted, dtype: str, devices: Sequence[Any]) -> None:
        self.dtype, self.packing = dtype, Packing(trace, lifted)
        mesh = Mesh(np.array(devices), ("rows",)) if devices else None
        self._whole = mesh and NamedSharding(mesh, PartitionSpec())
        self._shares = mesh and NamedSharding(mesh, PartitionSpec("rows"))
        self.lowered = Lowered(self.packing, dtype, self._shared)
        functions = self.lowered.mean, self.lowered.each, self.lowered.total_and_grad
        self._mean, self._each, self._both = map(self.jit, functions)

    def floats(self) -> Any:
        """A block in which JAX has floats of this program's dtype, whatever it has outside."""
        return jax.enable_x64(self.dtype == "float64")

    def jit(self, function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        """The function compiled; each device gets all of what it returns."""
        compiled: Callable[..., Any] = jax.jit(function, out_shardings=self._whole, **options)
        return compiled

    def put(self, arrays: Any) -> Any:
        """Arrays as JAX's, on each device all of them."""
        return jax.device_put(jax.tree.map(lambda array: np.asarray(array, self.dtype), arrays), self._whole)

    def _shared(self, rows: Array) -> Array:
        """As many rows on each device; all of them on each where they can't be shared out evenly."""
        if not self._shares or len(rows) % self._shares.mesh.size:
            return rows
        return lax.with_sharding_constraint(rows, self._shares)

    def parts(self, vector: Any) -> Parts:
        """Numbers that belong to the parameters, on the device."""
        parts: Parts = self.put(self.packing.split(vector))
        return parts

    @property
    def source(self) -> str:
        with self.floats():
            parts = self.parts(np.zeros(len(self.packing.lifted.reached)))
            rows = self.put([np.zeros((1, prod(shape))) for shape in self.packing.lifted.inputs])
            return str(jax.make_jaxpr(self.lowered.total_and_grad)(parts, rows))

    def value(self, p: Sequence[float], rows: Any) -> float:
        with self.floats():
            return float(self._mean(self.parts(p), self.put(rows.arrays)))

    def each(self, p: Sequence[float], rows: Any) -> Any:
        with self.floats():
            return np.array(self._each(self.parts(p), self.put(rows.arrays)))

    def value_and_grad(self, p: Sequence[float], rows: Any) -> tuple[float, Any]:
        with self.floats():
            total, gradient = self._both(self.parts(p), self.put(rows.arrays))
            return float(total) / len(rows), self.packing.joined(gradient, np.zeros(len(p), self.dtype))

    def loop(self, update: Update, batch_size: int) -> Loop:
        return JaxLoop(self, update, batch_size)


# ---- a training ----


@dataclass
class State:
    """The parameters and the memories: as they were given, and as they are now, in parts."""

    given: list[Sequence[float]]
    now: list[Parts]


class JaxLoop:
    """The loop over batches: a call is one loop on the device."""

    def __init__(self, backend: JaxBackend, update: Update, batch_size: int) -> None:
        self._backend, self._update, self._size = backend, update, batch_size
        self._held: tuple[Any, Any] = None, None  # the latest rows, and what they are on the device
        self._steps = backend.jit(self._traced, static_argnums=0, donate_argnums=1)

    @property
    def source(self) -> str:
        with self._backend.floats():
            vectors = [self._backend.parts(np.zeros(len(self._backend.packing.lifted.reached)))]
            scalars = np.zeros(len(self._update.scalars), self._backend.dtype)
            memories = vectors * len(self._update.memories)
            return str(jax.make_jaxpr(self._moved)([*vectors, *memories], *vectors, scalars))

    def state(self, p: Sequence[float], memory: Sequence[Sequence[float]]) -> State:
        with self._backend.floats():
            return State([p, *memory], [self._backend.parts(vector) for vector in (p, *memory)])

    def numbers(self, state: State) -> tuple[list[float], list[list[float]]]:
        p, *memory = map(self._backend.packing.joined, state.now, state.given)
        return p.tolist(), [vector.tolist() for vector in memory]

    def train(
        self, state: State, rows: Any, parts: Iterable[Part], scalars: Iterable[Sequence[float]], log: Log
    ) -> None:
        plan, given = Plan(list(parts), self._size), list[Sequence[float]]()
        wanted = len(plan.starts) if self._update.varying else 1
        try:
            given.extend(islice(scalars, wanted))
        finally:  # an error of the scalars comes after the steps before it
            if given:
                with self._backend.floats():
                    self._train(state, rows, plan, given, log)

    def _train(self, state: State, rows: Any, plan: "Plan", given: list[Sequence[float]], log: Log) -> None:
        if self._held[0] is not rows:
            self._held = rows, self._backend.put(rows.arrays)
        steps = len(given) if self._update.varying else len(plan.starts)
        scalars = padded(np.array(given, self._backend.dtype))
        state.now, losses, done = self._steps(plan.sizes, state.now, self._held[1], scalars, *plan.arrays, steps)
        log.steps = int(done)
        log.sums += plan.sums(np.asarray(losses, np.float64)[: log.steps])

    def _traced(
        self,
        sizes: tuple[int, ...],
        state: Any,
        rows: Any,
        scalars: Any,
        starts: Any,
        kinds: Any,
        order: Any,
        steps: Any,
    ) -> Any:
        """The state, the losses of the batches, and how many were finished, after a step per batch."""

        def batch(size: int, start: Any, state: list[Parts], s: Array) -> Any:
            if order is None:
                arrays = [lax.dynamic_slice_in_dim(array, start, size) for array in rows]
            else:
                where = lax.dynamic_slice_in_dim(order, start, size)
                arrays = [jnp.take(array, where, axis=0, mode="clip") for array in rows]
            loss, gradient = self._backend.lowered.total_and_grad(state[0], arrays)
            return loss, self._moved(state, gradient, s)

        def step(k: Any, carried: Any) -> Any:
            done, good, state, losses = carried
            ways = [partial(batch, size) for size in sizes]
            loss, moved = lax.switch(kinds[k], ways, starts[k], state, scalars[k if self._update.varying else 0])
            good &= jnp.isfinite(loss)
            state = jax.tree.map(lambda new, old: jnp.where(good, new, old), moved, state)
            return done + good, good, state, lax.dynamic_update_index_in_dim(losses, loss, k, 0)

        # After a loss that is nan or infinite the steps that are left change nothing.
        first = 0, True, state, jnp.zeros(len(starts), self._backend.dtype)
        done, _, state, losses = lax.fori_loop(0, steps, step, first)
        return state, losses, done

    def _moved(self, state: list[Parts], gradient: Parts, scalars: Array) -> list[Parts]:
        """The optimiser's rule on each part."""

        def rule(p: Any, g: Any, *others: Any) -> tuple[Any, ...]:
            memory, s = others[: len(state) - 1], others[len(state) - 1 :]
            moved, kept = self._update.rule(p, g, memory, dict(zip(self._update.scalars, s, strict=True)))
            return (moved, *kept)

        found: list[Parts] = [{} for _ in state]
        for name, slope in gradient.items():
            p, *memory = (parts[name] for parts in state)
            outcomes = on_arrays(rule, p, slope, *memory, *scalars)
            for parts, outcome in zip(found, outcomes, strict=True):
                parts[name] = jnp.broadcast_to(jnp.asarray(outcome, p.dtype), p.shape)
        return found


class Plan:
    """The batches of some parts, one after another."""

    def __init__(self, parts: list[Part], size: int) -> None:
        lengths, ranges = np.array([*map(len, parts)]), all(isinstance(part, range) for part in parts)
        counts = -(-lengths // size)  # batches of each part
        self.part = np.repeat(np.arange(len(parts)), counts)  # that each batch is of
        done = size * (np.arange(len(self.part)) - (np.cumsum(counts) - counts)[self.part])  # rows before it there
        firsts = np.array([part[0] for part in parts]) if ranges else np.cumsum(lengths) - lengths
        self.starts = firsts[self.part] + done
        sizes, kinds = np.unique(np.minimum(size, lengths[self.part] - done), return_inverse=True)
        order = None if ranges else padded(np.concatenate([np.asarray(part) for part in parts]))
        self.sizes: tuple[int, ...] = tuple(sizes.tolist())
        self.arrays = padded(self.starts), padded(kinds), order

    def sums(self, losses: Any) -> list[float]:
        """The sum for each part that was begun, from the losses of the batches that are done."""
        begun = self.part[: len(losses) + 1][-1] + 1
        sums: list[float] = np.bincount(self.part[: len(losses)], losses, begun).tolist()
        return sums


def padded(array: Any) -> Any:
    """The array, longer: as few different lengths as may be, since XLA compiles for each anew."""
    return np.resize(array, (1 << (len(array) - 1).bit_length(), *array.shape[1:]))
