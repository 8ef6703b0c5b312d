"""The ``jax`` backend: a program that XLA compiles, for accelerators and for more than one machine.

A training is one loop on the device, many steps to a call. With several devices each gets as many rows of a batch, and
their gradients are added up; the numbers are those of one device, to the rounding of that sum.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from math import prod
from typing import Any

import jax
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ..backend import Log, Loop, Part, Update
from ..lifted import Lifted
from ..steps import listing
from ..trace import Trace
from .function import Lowered, Packing, Parts
from .steps import Array
from .training import Plan, Rule, Training, padded


class JaxBackend:
    """Runs a program compiled by XLA, on one device or with the rows of a batch shared out among several."""

    name = "jax"

    def __init__(self, trace: Trace, lifted: Lifted, dtype: str, devices: Sequence[Any]) -> None:
        self.dtype, self.packing = dtype, Packing(trace, lifted)
        mesh = Mesh(np.array(devices), ("rows",)) if devices else None
        self._whole = mesh and NamedSharding(mesh, PartitionSpec())
        self._shares = mesh and NamedSharding(mesh, PartitionSpec("rows"))
        self.lowered = Lowered(self.packing, dtype, self._shared)
        functions = self.lowered.losses, self.lowered.mean, self.lowered.mean_and_grad
        self._losses, self._mean, self._mean_and_grad = map(self.jit, functions)
        self._trainings: dict[str, Callable[..., Any]] = {}  # by the optimiser's rule: XLA compiles each once

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
            return str(jax.make_jaxpr(self.lowered.mean_and_grad)(parts, rows))

    def value(self, p: Sequence[float], rows: Any) -> float:
        with self.floats():
            return float(self._mean(self.parts(p), self.put(rows.arrays)))

    def each(self, p: Sequence[float], rows: Any) -> Any:
        with self.floats():
            return np.array(self._losses(self.parts(p), self.put(rows.arrays)))

    def value_and_grad(self, p: Sequence[float], rows: Any) -> tuple[float, Any]:
        with self.floats():
            mean, gradient = self._mean_and_grad(self.parts(p), self.put(rows.arrays))
            return float(mean), self.packing.joined(gradient)

    def loop(self, update: Update, batch_size: int) -> Loop:
        rule = Rule(update)
        if rule.key not in self._trainings:
            training = Training(self.lowered, rule)
            self._trainings[rule.key] = self.jit(training, static_argnums=0, donate_argnums=1)
        return JaxLoop(self, rule, self._trainings[rule.key], batch_size)


class JaxLoop:
    """The loop over batches: a call is one loop on the device. A state is a list: the parameters and the memories."""

    def __init__(self, backend: JaxBackend, rule: Rule, training: Callable[..., Any], batch_size: int) -> None:
        self._backend, self._rule, self._training, self._size = backend, rule, training, batch_size
        self._held: tuple[Any, Any] = None, None  # the latest rows, and what they are on the device

    @property
    def source(self) -> str:
        return listing(self._rule.steps)

    def state(self, p: Sequence[float], memory: Sequence[Sequence[float]]) -> list[Parts]:
        with self._backend.floats():
            return [self._backend.parts(vector) for vector in (p, *memory)]

    def numbers(self, state: list[Parts]) -> tuple[list[float], list[list[float]]]:
        p, *memory = (self._backend.packing.joined(parts).tolist() for parts in state)
        return p, memory

    def train(
        self, state: list[Parts], rows: Any, parts: Iterable[Part], scalars: Iterable[Sequence[float]], log: Log
    ) -> None:
        plan, given = Plan(list(parts), self._size), list[Sequence[float]]()
        try:
            given.extend(islice(scalars, len(plan) if self._rule.varying else 1))
        finally:  # an error of the scalars comes after the steps before it
            if given:
                with self._backend.floats():
                    self._train(state, rows, plan, given, log)

    def _train(self, state: list[Parts], rows: Any, plan: Plan, given: list[Sequence[float]], log: Log) -> None:
        if self._held[0] is not rows:
            self._held = rows, self._backend.put(rows.arrays)
        steps = len(given) if self._rule.varying else len(plan)
        scalars = padded(np.array(given, self._backend.dtype))
        state[:], losses, done = self._training(plan.sizes, state, self._held[1], scalars, *plan.arrays, steps)
        log.steps = int(done)
        log.sums += plan.sums(np.asarray(losses, np.float64)[: log.steps])
