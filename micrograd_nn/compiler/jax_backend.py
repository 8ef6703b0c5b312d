"""The ``jax`` backend: a lifted program as a pure function of its parameters and of rows, which XLA compiles.

Each kind of step is a small function of arrays, listed in RULES; an operation is its row's own ``numpy`` template with
jax.numpy in the place of NumPy. The sweep is ours and not JAX's, so the slopes at kinks are those of the scalar engine.
Parameters are carried as their parts, the arrays that are read, and a training is one loop on the device.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial, reduce
from itertools import islice
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ..engine.operation import Operation
from ..engine.ops import add, mul
from . import steps as kinds
from .array_source import ufunc
from .backend import Log, Part, Update, execute
from .lifted import Lifted
from .printing import Equations
from .steps import PARAMETERS, Ref, Steps, Tape, live, plain

Array = Any  # of JAX, or a tracer of it
Parts = dict[str, Array]  # the parameters: an array per part
EXACT = lax.Precision.HIGHEST  # an accelerator's default drops digits of float32


# ---- a step, kind by kind ----


@cache
def function(operation: Operation) -> Callable[..., Array]:
    """The operation on arrays, as its row's template says."""
    written = operation.numpy.format(a="a", b="b")
    made: Callable[..., Array] = execute(f"outcome = lambda a, b=None: {written}", np=jnp)["outcome"]
    return made


def running(operation: Operation, terms: Array, reverse: bool = False) -> Array:
    """The running results of a chain along the last side, link by link as it was recorded."""
    columns, act = jnp.moveaxis(terms, -1, 0), function(operation)
    first, others = (columns[-1:], columns[:-1]) if reverse else (columns[:1], columns[1:])
    _, results = lax.scan(lambda before, x: (after := act(before, x), after), first[0], others, reverse=reverse)
    return jnp.moveaxis(jnp.concatenate([results, first] if reverse else [first, results]), 0, -1)


def fold(step: kinds.Fold, n: int, terms: Array) -> Array:
    name = ufunc(step.operation)
    return getattr(jnp, name).reduce(terms, axis=-1) if name else running(step.operation, terms)[..., -1]


def slopes(step: kinds.Slopes, n: int, terms: Array, outcome: Array, formula: Array) -> Array:
    largest = jnp.finfo(terms.dtype).eps ** -0.5  # beyond, less than half of the digits of x − out are right
    good = jnp.abs(outcome) < largest
    mended = lambda: jnp.where(good[..., None], formula, chain_slopes(step.operation, terms))  # noqa: E731
    return lax.cond(good.all(), lambda: jnp.broadcast_to(formula, terms.shape), mended)


def chain_slopes(operation: Operation, terms: Array) -> Array:
    """The slopes of the recorded chains: each link's own, times those of all later links."""
    results = running(operation, terms)
    links = results[..., :-1], terms[..., 1:], results[..., 1:]
    onwards, own = on_arrays(lambda *link: [slope(*link) for slope in operation.partials], *links)
    links = [jnp.broadcast_to(slope, links[0].shape) for slope in (onwards, own)]
    one = jnp.ones_like(terms[..., :1])
    later = running(mul, jnp.concatenate([links[0], one], axis=-1), reverse=True)
    return jnp.concatenate([later[..., :1], later[..., 1:] * links[1]], axis=-1)


def matmul(step: kinds.MatMul, n: int, a: Array, b: Array) -> Array:
    return jnp.matmul(a, b.T if step.transposed else b, precision=EXACT)


def gram(step: kinds.Gram, n: int, a: Array, b: Array) -> Array:
    a, b = (array.reshape(-1, array.shape[-1]) for array in (a, b))
    return jnp.matmul(a.T, b, precision=EXACT)


def total(step: kinds.Sum, n: int, whole: Array) -> Array:
    lead = whole.ndim - len(step.shape)  # 1 if there are rows
    sides = [lead + k for k, side in enumerate(step.shape) if side == 1]
    whole = whole.sum(axis=tuple(sides), keepdims=True)
    return whole.sum(axis=0) if lead and not step.batched else whole


def view(step: kinds.View, n: int, source: Array) -> Array:
    flat = source.reshape(n if step.batched else 1, -1)
    return picked(flat, step.index.positions.reshape(-1)).reshape(shape(step, n))


def scatter(step: kinds.Scatter, n: int, *pieces: Array) -> Array:
    rows = n if step.batched else 1
    flat = [
        (index.positions.reshape(-1), jnp.broadcast_to(piece, (rows, *index.shape)).reshape(rows, -1))
        for index, piece in zip(step.indices, pieces, strict=True)
    ]
    return placed(flat, prod(step.shape)).reshape(shape(step, n))


def shape(step: kinds.Step, n: int) -> tuple[int, ...]:
    """The shape of a step's outcome for n rows."""
    return (n, *step.shape) if step.batched else step.shape


RULES: dict[type[kinds.Step], Callable[..., Array]] = {
    kinds.Apply: lambda step, n, *operands: function(step.operation)(*operands),
    kinds.MatMul: matmul,
    kinds.Gram: gram,
    kinds.Fold: fold,
    kinds.Scan: lambda step, n, terms: running(step.operation, terms, step.reverse),
    kinds.Slopes: slopes,
    kinds.Sum: total,
    kinds.Stretch: lambda step, n, source: jnp.broadcast_to(source, shape(step, n)),
    kinds.View: view,
    kinds.Scatter: scatter,
}


def evaluate(steps: Steps, outcomes: Sequence[Any], given: dict[Ref, Array], n: int = 1) -> list[Any]:
    """What the outcomes are, references or floats, if those steps are given and there are n rows."""
    needed = live(steps, [outcome for outcome in outcomes if isinstance(outcome, Ref)])
    dtype = next(iter(given.values())).dtype
    arrays: list[Array] = []
    for ref, step in zip(map(Ref, range(len(steps))), steps, strict=True):
        if ref in given or not needed[ref] or isinstance(step, kinds.Leaf):
            arrays.append(given.get(ref))
        elif isinstance(step, kinds.Constant):
            arrays.append(jnp.asarray(within(step.numbers, dtype)))
        else:
            operands = [arrays[o] if isinstance(o, Ref) else within(o, dtype) for o in step.operands]
            arrays.append(RULES[type(step)](step, n, *operands))
    return [arrays[outcome] if isinstance(outcome, Ref) else outcome for outcome in outcomes]


def on_arrays(rule: Callable[..., Iterable[Any]], *arrays: Array) -> list[Any]:
    """The outcomes of a rule that is written in the table's operations, element by element."""
    tape = Tape()
    leaves = [tape.add(kinds.Leaf((), (), False, str(k))) for k in range(len(arrays))]
    outcomes = list(map(plain, rule(*leaves)))
    return evaluate(tape.steps, outcomes, {leaf.ref: array for leaf, array in zip(leaves, arrays, strict=True)})


def within(numbers: Any, dtype: Any) -> Any:
    """Constants in that dtype; what is finite stays so."""
    largest = float(jnp.finfo(dtype).max)
    kept = np.where(np.isinf(numbers), numbers, np.clip(numbers, -largest, largest))
    return kept.astype(dtype) if kept.ndim else float(kept)


def picked(flat: Array, positions: Any) -> Array:
    """The numbers at these positions along the last side."""
    first, count = positions[0], len(positions)
    if np.array_equal(positions, np.arange(first, first + count)):
        return flat[..., first : first + count]
    return flat[..., positions]


def placed(pieces: list[tuple[Any, Array]], size: int) -> Array:
    """So many zeros with each piece added at its positions along the last side."""
    every = np.concatenate([positions for positions, _ in pieces])
    if len(every) == size == len(np.unique(every)):  # each position once
        return picked(jnp.concatenate([piece for _, piece in pieces], axis=-1), np.argsort(every))
    if len(pieces) > 1:
        return reduce(jnp.add, (placed([piece], size) for piece in pieces))
    positions, piece = pieces[0]
    return jnp.zeros((*piece.shape[:-1], size), piece.dtype).at[..., positions].add(piece)


# ---- the parameters in parts ----


class Layout:
    """Where each parameter is kept: in which part, and at which place of all parts one after another."""

    def __init__(self, lifted: Lifted) -> None:
        names, self.steps = Equations(lifted).pieces, lifted.steps
        self.positions: dict[str, Any] = {}  # of the parameters of a part, in its shape
        self.exact: dict[Ref, str] = {}  # the steps that are a part as it is
        for k, part in enumerate(lifted.parts, 1):
            once = len(part.index.order) == prod(part.shape)  # no parameter is listed twice
            ref = next((ref for ref in part.references if once and ref != PARAMETERS), None)
            name = names[ref.number].text if ref is not None and ref.number in names else f"p{k}"
            self.positions[name] = part.index.positions if once else np.unique(part.index.positions)
            self.exact |= {} if ref is None else {ref: name}
        every = np.concatenate([positions.reshape(-1) for positions in self.positions.values()] or [np.arange(0)])
        self.place = np.zeros(len(lifted.reached), np.int64)
        self.place[every] = np.arange(len(every))

    def split(self, vector: Any) -> Parts:
        """The parts of a vector of all parameters."""
        return {name: vector[positions] for name, positions in self.positions.items()}

    def joined(self, parts: Parts, vector: Any) -> Any:
        """That vector again; what is in no part is taken from the one that is given."""
        vector = np.array(vector)
        for name, positions in self.positions.items():
            vector[positions] = np.asarray(parts[name])
        return vector

    def views(self, parts: Parts) -> dict[Ref, Array]:
        """What the steps read of the parameters."""
        given = {ref: parts[name] for ref, name in self.exact.items()}
        flat = jnp.concatenate([parts[name].reshape(-1) for name in self.positions] or [jnp.zeros(0)])
        for ref, step in zip(map(Ref, range(len(self.steps))), self.steps, strict=True):
            if PARAMETERS in step.references and ref not in given:
                if isinstance(step, kinds.View):
                    given[ref] = picked(flat, self.place[step.index.positions.reshape(-1)]).reshape(step.shape)
                else:
                    given[PARAMETERS] = picked(flat, self.place)
        return given

    def slopes(self, terms: list[tuple[Any, Array]]) -> Parts:
        """The gradient in parts, from arrays that are added up at these positions of the vector."""
        found = {}
        for name, positions in self.positions.items():
            place = np.full(len(self.place), -1)
            place[positions.reshape(-1)] = np.arange(positions.size)
            inside = [(np.flatnonzero(place[where] >= 0), where, array) for where, array in terms]
            pieces = [(place[where[kept]], picked(array, kept)) for kept, where, array in inside if len(kept)]
            found[name] = placed(pieces, positions.size).reshape(positions.shape)
        return found


def added(steps: Steps, gradient: Ref) -> Iterator[tuple[Any, Ref]]:
    """The arrays that the gradient is the sum of, and where each is added, as an array of positions."""
    waiting = [gradient]
    while waiting:
        step = steps[ref := waiting.pop()]
        if isinstance(step, kinds.Scatter):
            yield from ((index.positions, piece) for piece, index in zip(step.references, step.indices, strict=True))
        elif isinstance(step, kinds.Apply) and step.operation is add and len(step.references) == 2:
            waiting += step.references
        else:
            yield np.arange(prod(step.shape)), ref


class Lowered:
    """The loss of a lifted graph, and its gradient, as functions of parts and of rows: an array per input.

    ``shared`` says how the rows lie on several devices, if there are any.
    """

    def __init__(self, lifted: Lifted, shared: Callable[[Array], Array] = lambda rows: rows) -> None:
        self.lifted, self.layout, self._shared = lifted, Layout(lifted), shared
        self._terms = [] if lifted.gradient is None else list(added(lifted.steps, lifted.gradient))

    def each(self, parts: Parts, rows: list[Array]) -> Array:
        """The loss of each row."""
        return self._run(parts, rows, [])[0]

    def value_and_grad(self, parts: Parts, rows: list[Array]) -> tuple[Array, Parts]:
        """The sum of the losses, and the gradient of their mean."""
        losses, *found = self._run(parts, rows, [ref for _, ref in self._terms])
        terms = [
            (positions.reshape(-1), jnp.broadcast_to(array, positions.shape).reshape(-1))
            for (positions, _), array in zip(self._terms, found, strict=True)
        ]
        return losses.sum(), self.layout.slopes(terms) if terms else jax.tree.map(jnp.zeros_like, parts)

    def _run(self, parts: Parts, rows: list[Array], outcomes: list[Ref]) -> list[Array]:
        n = len(rows[0]) if rows else 1
        dtype = next(iter(parts.values()), *rows[:1]).dtype
        sources = {f"x{k}": self._shared(array) for k, array in enumerate(rows, 1)}
        sources |= {"seed": jnp.asarray(1.0 / n, dtype), "float(n)": jnp.asarray(n, dtype)}
        leaves = ((Ref(k), step) for k, step in enumerate(self.lifted.steps) if isinstance(step, kinds.Leaf))
        given = {ref: sources[leaf.source] for ref, leaf in leaves if leaf.source in sources}
        given |= self.layout.views(parts)
        losses, *others = evaluate(self.lifted.steps, [self.lifted.loss, *outcomes], given, n)
        return [jnp.broadcast_to(jnp.asarray(losses, dtype), n), *others]


# ---- the backend ----


class JaxBackend:
    """Runs lifted steps as one function that XLA compiles, on one device or with the rows shared out among several."""

    name = "jax"

    def __init__(self, lifted: Lifted, dtype: str, devices: Sequence[Any] | None = None) -> None:
        self.dtype = dtype
        self.mesh = Mesh(np.array(devices), ("rows",)) if devices else None
        self.lowered = Lowered(lifted, self._shared)
        self._each, self._both = self.jit(self.lowered.each), self.jit(self.lowered.value_and_grad)
        self._value = self.jit(lambda parts, rows: self.lowered.each(parts, rows).mean())

    def floats(self) -> Any:
        """A block in which JAX has floats of this program's dtype, whatever the user has set."""
        return jax.enable_x64(self.dtype == "float64")

    def jit(self, function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        """The function compiled; each device has the whole outcome."""
        if self.mesh:
            options["out_shardings"] = NamedSharding(self.mesh, PartitionSpec())
        return jax.jit(function, **options)

    def put(self, tree: Any) -> Any:
        """Arrays of this dtype on the device, or whole on each of them."""
        arrays = jax.tree.map(lambda array: np.asarray(array, self.dtype), tree)
        return jax.device_put(arrays, NamedSharding(self.mesh, PartitionSpec()) if self.mesh else None)

    def _shared(self, rows: Array) -> Array:
        """Rows shared out among the devices, where each gets as many."""
        if not self.mesh or len(rows) % self.mesh.size:
            return rows
        return lax.with_sharding_constraint(rows, NamedSharding(self.mesh, PartitionSpec("rows")))

    @property
    def source(self) -> str:
        with self.floats():
            lifted, parts = self.lowered.lifted, self.lowered.layout.split(np.zeros(len(self.lowered.layout.place)))
            rows = [np.zeros((1, prod(shape))) for shape in lifted.inputs]
            return str(jax.make_jaxpr(self.lowered.value_and_grad)(self.put(parts), self.put(rows)))

    def parts(self, p: Sequence[float]) -> Parts:
        """The parameters on the device."""
        parts: Parts = self.put(self.lowered.layout.split(np.array(p)))
        return parts

    def value(self, p: Sequence[float], rows: Any) -> float:
        with self.floats():
            return float(self._value(self.parts(p), self.put(rows.arrays)))

    def each(self, p: Sequence[float], rows: Any) -> Any:
        with self.floats():
            return np.array(self._each(self.parts(p), self.put(rows.arrays)))

    def value_and_grad(self, p: Sequence[float], rows: Any) -> tuple[float, Any]:
        with self.floats():
            total, gradient = self._both(self.parts(p), self.put(rows.arrays))
            return float(total) / len(rows), self.lowered.layout.joined(gradient, np.zeros(len(p), self.dtype))

    def loop(self, update: Update, batch_size: int) -> "JaxLoop":
        return JaxLoop(self, update, batch_size)


# ---- a training ----


class JaxLoop:
    """The loop over batches; a state is a list of the parameters and the memories, each in parts."""

    def __init__(self, backend: JaxBackend, update: Update, batch_size: int) -> None:
        self._backend, self._update, self._size = backend, update, batch_size
        self._layout = backend.lowered.layout
        self._held: tuple[Any, Any] = None, None  # the latest rows, and what they are on the device
        self._go = backend.jit(self._steps, static_argnums=0, donate_argnums=1)

    @property
    def source(self) -> str:
        with self._backend.floats():
            vectors = [self._backend.parts(np.zeros(len(self._layout.place)))] * (len(self._update.memories) + 2)
            scalars = np.zeros(len(self._update.scalars), self._backend.dtype)
            return str(jax.make_jaxpr(self._moved)(vectors[1:], vectors[0], scalars))

    def state(self, p: Sequence[float], memory: Sequence[Sequence[float]]) -> list[Any]:
        self._before = [np.array(vector) for vector in (p, *memory)]
        with self._backend.floats():
            return list(map(self._backend.parts, self._before))

    def numbers(self, state: list[Any]) -> tuple[list[float], list[list[float]]]:
        p, *memory = (self._layout.joined(*pair).tolist() for pair in zip(state, self._before, strict=True))
        return p, memory

    def train(
        self, state: list[Any], rows: Any, parts: Iterable[Part], scalars: Iterable[Sequence[float]], log: Log
    ) -> None:
        plan, given = Plan(list(parts), self._size), list[Sequence[float]]()
        try:
            given.extend(islice(scalars, len(plan.starts) if self._update.varying else 1))
        finally:  # the steps before the one whose scalars raised an error are taken
            steps = min(len(given), len(plan.starts)) if self._update.varying else len(plan.starts)
            if given and steps:
                with self._backend.floats():
                    self._train(state, rows, plan, np.array(given, self._backend.dtype), steps, log)

    def _train(self, state: list[Any], rows: Any, plan: "Plan", scalars: Array, steps: int, log: Log) -> None:
        if self._held[0] is not rows:
            self._held = rows, self._backend.put(rows.arrays)
        if self._update.varying:
            scalars = padded(scalars)
        moved, losses, done = self._go(plan.sizes, state, self._held[1], scalars, *plan.arrays, steps)
        state[:], log.steps = moved, int(done)
        log.sums += plan.sums(np.asarray(losses, np.float64)[: log.steps])

    def _steps(
        self, sizes: tuple[int, ...], state: Any, rows: Any, scalars: Any, starts: Any, kinds: Any, order: Any, steps: Any
    ) -> Any:
        """(state, losses, finished steps) after a step per batch; it ends before a loss that is nan or infinite."""

        def batch(size: int, start: Any, state: Any, scalars: Any) -> Any:
            where = lax.dynamic_slice(order, (start,), (size,)) if order is not None else None
            part = [lax.dynamic_slice_in_dim(x, start, size) if where is None else x[where] for x in rows]
            loss, gradient = self._backend.lowered.value_and_grad(state[0], part)
            return loss, self._moved(state, gradient, scalars)

        def step(carried: Any) -> Any:
            k, _, state, losses = carried
            shared = scalars[k] if self._update.varying else scalars[0]
            ways = [partial(batch, size) for size in sizes]
            loss, moved = lax.switch(kinds[k], ways, starts[k], state, shared)
            good = jnp.isfinite(loss)
            state = jax.tree.map(lambda new, old: jnp.where(good, new, old), moved, state)
            return k + good, good, state, losses.at[k].set(loss)

        first = 0, True, state, jnp.zeros(len(starts), self._backend.dtype)
        done, _, state, losses = lax.while_loop(lambda carried: carried[1] & (carried[0] < steps), step, first)
        return state, losses, done

    def _moved(self, state: list[Parts], gradient: Parts, scalars: Array) -> list[Parts]:
        """The optimiser's rule on each part."""
        shared = [scalars[k] for k in range(len(self._update.scalars))]

        def rule(p: Any, g: Any, *others: Any) -> Iterator[Any]:
            memory, s = others[: len(state) - 1], others[len(state) - 1 :]
            moved, kept = self._update.rule(p, g, memory, dict(zip(self._update.scalars, s, strict=True)))
            return iter((moved, *kept))

        found: list[Parts] = [{} for _ in state]
        for name, slope in gradient.items():
            p, *memory = (parts[name] for parts in state)
            for parts, number in zip(found, on_arrays(rule, p, slope, *memory, *shared), strict=True):
                parts[name] = jnp.broadcast_to(jnp.asarray(number, p.dtype), p.shape)
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
