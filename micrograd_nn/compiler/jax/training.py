"""Many steps of an optimiser as one function that XLA compiles: a loop on the device, a batch of rows a step.

Only what changes from call to call is an argument, and lists have few different lengths, so that little is compiled.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..backend import Part, Update
from ..steps import Leaf, Ref
from .function import Lowered, Parts
from .steps import Array, evaluate


class Rule:
    """An optimiser's rule as steps that act number by number; ``key`` is the same for rules that do the same."""

    def __init__(self, update: Update) -> None:
        tape, self.outcomes = update.written()
        self.steps, self.varying = tape.steps, update.varying
        self.key = repr((self.steps, self.outcomes, self.varying))
        self._leaves = [Ref(k) for k, step in enumerate(self.steps) if isinstance(step, Leaf)]  # scalars come last

    def moved(self, state: list[Parts], gradient: Parts, scalars: Array) -> list[Parts]:
        """The parameters and the memories after a step."""
        found: list[Parts] = [{} for _ in state]
        for name, slope in gradient.items():
            p, *memory = (parts[name] for parts in state)
            given = dict(zip(self._leaves, [p, *memory, slope, *scalars], strict=True))
            for parts, outcome in zip(found, evaluate(self.steps, self.outcomes, given), strict=True):
                parts[name] = jnp.broadcast_to(jnp.asarray(outcome, p.dtype), p.shape)
        return found


@dataclass(frozen=True)
class Training:
    """A step of the rule per batch: a function to compile for given ``sizes`` of batches.

    ``state`` are the parameters and the memories. Batch k is of the size ``sizes[kinds[k]]``, from ``starts[k]`` on: of
    the rows as they lie, or of those that ``order`` lists. ``scalars`` has a row per step, or one for all. Returned are
    the new state, the sum of the losses for each batch, and how many steps were taken: none from a loss on that is nan
    or infinite.
    """

    lowered: Lowered
    rule: Rule

    def __call__(
        self,
        sizes: tuple[int, ...],
        state: list[Parts],
        rows: list[Array],
        scalars: Array,
        starts: Array,
        kinds: Array,
        order: Array | None,
        steps: int,
    ) -> tuple[list[Parts], Array, Array]:
        def step(k: Array, carried: Any) -> Any:
            done, good, state, losses = carried
            ways = [partial(self._step, size, rows, order) for size in sizes]
            loss, moved = lax.switch(kinds[k], ways, starts[k], state, scalars[k if self.rule.varying else 0])
            good &= jnp.isfinite(loss)
            state = jax.tree.map(lambda new, old: jnp.where(good, new, old), moved, state)
            return done + good, good, state, lax.dynamic_update_index_in_dim(losses, loss, k, 0)

        first = 0, True, state, jnp.zeros(len(starts), scalars.dtype)
        done, _, state, losses = lax.fori_loop(0, steps, step, first)
        return state, losses, done

    def _step(
        self, size: int, rows: list[Array], order: Array | None, start: Array, state: list[Parts], scalars: Array
    ) -> tuple[Array, list[Parts]]:
        if order is None:
            batch = [lax.dynamic_slice_in_dim(array, start, size) for array in rows]
        else:
            where = lax.dynamic_slice_in_dim(order, start, size)
            batch = [jnp.take(array, where, axis=0, mode="clip") for array in rows]
        losses, gradient = self.lowered.losses_and_grad(state[0], batch)
        return losses.sum(), self.rule.moved(state, gradient, scalars)


class Plan:
    """The batches of some parts, one after another."""

    def __init__(self, parts: list[Part], size: int) -> None:
        lengths, ranges = np.array([*map(len, parts)]), all(isinstance(part, range) for part in parts)
        counts = -(-lengths // size)  # batches of each part
        self.part = np.repeat(np.arange(len(parts)), counts)  # that each batch is of
        done = size * (np.arange(len(self.part)) - (np.cumsum(counts) - counts)[self.part])  # rows before it there
        firsts = np.array([part[0] for part in parts]) if ranges else np.cumsum(lengths) - lengths
        starts = firsts[self.part] + done
        sizes, kinds = np.unique(np.minimum(size, lengths[self.part] - done), return_inverse=True)
        order = None if ranges else padded(np.concatenate([np.asarray(part) for part in parts]))
        self.sizes: tuple[int, ...] = tuple(sizes.tolist())
        self.arrays = padded(starts), padded(kinds), order

    def __len__(self) -> int:
        return len(self.part)

    def sums(self, losses: Any) -> list[float]:
        """The sum for each part that was begun, from the losses of the batches that are done."""
        begun = self.part[: len(losses) + 1][-1] + 1
        sums: list[float] = np.bincount(self.part[: len(losses)], losses, begun).tolist()
        return sums


def padded(array: Any) -> Any:
    """The array, longer: as few different lengths as may be, since XLA compiles for each anew."""
    return np.resize(array, (1 << (len(array) - 1).bit_length(), *array.shape[1:]))
