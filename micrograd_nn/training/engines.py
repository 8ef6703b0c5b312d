"""Engines: what carries out the steps of a training, on the recorded graph itself or on its compiled Program.

Both take the same steps to the same numbers, within the rounding of their sums. An engine stops before a step whose
loss is nan or infinite, and logs how many steps it has finished. What looks at its numbers is never compiled.
"""

from collections.abc import Sequence
from functools import cached_property
from math import isfinite
from typing import Any

from ..collector import undisturbed
from ..compiler import compile
from ..compiler.backend import Log
from ..compiler.recording import Unseen, as_list, record
from ..compiler.registry import BACKENDS, check_dtype
from ..compiler.run import Run
from ..engine.backprop import grad
from ..engine.modes import no_grad
from ..engine.operation import Operation
from ..engine.ops import multiply_no_nan
from ..engine.value import Value
from ..errors import GraphError, known
from ..nn.functional import mean, total
from ..nn.layers import MLP, Layer, Maxout, Neuron, one_or_all
from ..nn.losses import l1, l2
from ..nn.optim import Optimizer
from .metrics import Score
from .task import Penalty, Task

ENGINES = ("auto", "scalar", "compiled", *BACKENDS)  # "compiled" leaves it to compile which backend runs
TINY = 20_000  # up to so many operations in a whole training, compiling costs more than it saves
Column = tuple[str, Task, Score]  # of the history: its name, and what is measured on which rows


class ScalarEngine:
    """Each step records the batch's graph, sweeps it, and lets it go."""

    name, why = "scalar", ""
    chunk = 1  # how many steps to take at a time, so that Ctrl-C is heard within about a tenth of a second

    def __init__(self, task: Task, optimizer: Optimizer, batch_size: int, penalty: Penalty) -> None:
        self.task, self.optimizer, self.size, self.penalty = task, optimizer, batch_size, penalty

    def load(self) -> None:
        """Take over the parameters and the optimiser's memories: nothing to do, the steps are taken on the Values."""

    def store(self) -> None:
        """Write the parameters to their Values and the memories to the optimiser, where they are already."""

    def advance(self, order: Sequence[int], log: Log) -> None:
        """A step per batch of the rows in that order; the log gets Σ objective of the rows and the finished steps."""
        first = self.optimizer.steps
        try:
            for start in range(0, len(order), self.size):
                rows = order[start : start + self.size]
                objective = self.objective(rows)
                if not isfinite(objective.data):
                    return
                self.optimizer.zero_grad()
                objective.backward()
                log.sums.append(objective.data * len(rows))
                self.optimizer.step()
                self.optimizer.zero_grad()
        finally:  # the optimiser counts a step when it has moved all parameters
            log.steps = self.optimizer.steps - first
            del log.sums[log.steps :]

    @undisturbed
    def objective(self, rows: Sequence[int]) -> Value:
        """The mean loss of these rows plus the regularisation, as one graph."""
        return self.with_penalty(mean([self.task.record(i)[0] for i in rows]))

    def with_penalty(self, loss: Value) -> Value:
        """A loss and the terms of regularisation: none, l1, l2 or both."""
        terms = zip((l1, l2), self.penalty, strict=True)
        whole: Value = total([loss, *(term(self.optimizer.params, strength) for term, strength in terms if strength)])
        return whole

    def score(self, task: Task, score: Score) -> float:
        """The mean of a loss or metric over a task's rows, at the stored parameters."""
        with no_grad():
            return sum(task.record(i, score)[0].data for i in range(len(task))) / len(task)

    def is_bad(self, i: int) -> bool:
        """Is the loss of row i, or a slope of it, nan or infinite at the stored parameters?"""
        loss = self.task.record(i)[0]
        return not all(map(isfinite, [loss.data, *grad(loss, self.optimizer.params)]))


class CompiledEngine:
    """Steps in a Program's own loop; parameters and memories stay there until they are stored. See ScalarEngine.

    It is given the graphs that the scalar engine records. The objective is one program; all that is measured beside it
    is another, of the outputs alone where they are had as matrices, so that an MLP is not compiled twice. Raises
    GraphError if the network, or one of the scores that are measured, looks at its numbers: at those of a parameter
    only if it ``trains``, for they stay as they are otherwise.
    """

    why = ""

    def __init__(
        self, scalar: ScalarEngine, backend: str, dtype: str, scores: Sequence[Score], trains: bool, steps: int
    ) -> None:
        self.task, self.optimizer, self.size, self.dtype = scalar.task, scalar.optimizer, scalar.size, dtype
        self.on_graph = scalar.score
        self.name, self.chunk, self.steps = "compiled", 1, steps
        (x, outputs), wanted = self.task.kept, self.task.wanted(0)
        hidden = [*x, *as_list(wanted), *(scalar.optimizer.params if trains else ())]
        outputs = for_every_row(outputs, self.task.net, x, hidden)
        loss = record(self.task.loss.function, [outputs, wanted], [*hidden, *as_list(outputs)])
        objective = scalar.with_penalty(loss)
        self.program = self._compiled(objective, [x, wanted], backend)
        own = [self.task.loss.function] if objective is loss else []
        self.scores = [score for score in dict.fromkeys(scores) if score not in own]
        self.by_matrices = bool(self.scores) and self._outputs(self.task.thinned(len(self.task))) is not None
        if self.by_matrices:
            x = [Value(z.data) for z in as_list(outputs)]
            outputs, backend = one_or_all(x), "auto"
        graphs = [record(score, [outputs, wanted], [*hidden, *as_list(outputs)]) for score in self.scores]
        if graphs:
            picked, picks = in_one(graphs)
            self.measures = self._compiled(picked, [x, wanted, picks], backend)

    def _compiled(self, graph: Value, inputs: Any, backend: str) -> Any:
        return compile(graph, inputs, self.optimizer.params, backend, self.dtype)

    def _outputs(self, task: Task) -> Any:
        """The network's outputs for a task's rows, if it is an MLP; else None."""
        if not hasattr(task.X, "shape"):  # there is no NumPy
            return None
        from .matrices import as_matrices, outputs

        dense = as_matrices(task.net, self.dtype)
        return None if dense is None else outputs(dense, task.X)

    @cached_property
    def run(self) -> Run:
        """The program's training loop. Raises GraphError if the optimiser's rule looks at its numbers."""
        rows = self.program.rows(*self.task.arguments()).converted(self.dtype)
        try:
            run = Run(self.program, self.optimizer, rows, self.size, self.steps)
        except TypeError as error:
            raise GraphError(
                f"the rule of {type(self.optimizer).__name__} can't be compiled ({error}): write it in arithmetic and "
                'the table\'s operations, such as maximum(g, 1), or train with engine="scalar"'
            ) from error
        self.name, self.chunk = f"compiled ({self.program.backend})", run.chunk
        return run

    def load(self) -> None:
        self.run.load()

    def store(self) -> None:
        self.run.store()

    def advance(self, order: Sequence[int], log: Log) -> None:
        self.run.advance([order], log)

    def score(self, task: Task, score: Score) -> float:
        if score not in self.scores:
            return float(self.program(*task.arguments()))
        rows, wanted = task.arguments()
        rows = self._outputs(task) if self.by_matrices else rows
        if rows is None:  # a callback has made something else of the MLP
            return self.on_graph(task, score)
        pick = [float(score is other) for other in self.scores]
        return float(self.measures(rows, wanted, [pick] * len(rows)))

    def is_bad(self, i: int) -> bool:
        loss, slopes = self.program.value_and_grad(*self.task.arguments(i))
        return not (isfinite(loss) and all(map(isfinite, slopes)))


Engine = ScalarEngine | CompiledEngine


@undisturbed
def choose(
    engine: str, dtype: str, scalar: ScalarEngine, steps: int, scores: Sequence[Score], trains: bool = True
) -> Engine:
    """The engine of that name, ready to measure the scores; its ``why`` says why "auto" did not compile.

    "auto" compiles unless the whole training is tiny, or a graph does not allow it. Raises UnknownNameError, and
    GraphError if "compiled" or a backend is asked for what looks at its numbers, ExtraMissingError for a backend that
    can't run on this machine.
    """
    known("engine", engine, ENGINES)
    check_dtype(dtype)
    for score in scores:  # what is no graph is refused before the first step
        scalar.task.record(0, score)
    if engine == "scalar" or (engine == "auto" and 3 * len(scalar.optimizer.params) * scalar.size * steps < TINY):
        return scalar
    try:
        backend = engine if engine in BACKENDS else "auto"
        compiled = CompiledEngine(scalar, backend, dtype, scores, trains, steps)
        if trains:
            compiled.run  # noqa: B018  # the loop is made here
        return compiled
    except Exception as error:  # code that is recorded for compiling may raise anything
        if engine != "auto":
            raise
        scalar.why = str(error)
        return scalar


def in_one(graphs: Sequence[Value]) -> tuple[Value, list[Value]]:
    """Several graphs as one, pick·graphs, with its picks: of a one-hot row it is one of them.

    It is 0 where pick is, also beside an infinite graph, which spoils no other.
    """
    picks = [Value(1.0) for _ in graphs]
    picked: Value = total([multiply_no_nan(pick, graph) for pick, graph in zip(picks, graphs, strict=True)])
    return picked, picks


def for_every_row(outputs: Any, net: Any, x: list[Value], hidden: Sequence[Value]) -> Any:
    """These outputs of the network on x, if it looks at no number of what is hidden. Raises GraphError otherwise.

    An MLP of the package's own parts looks at none, and need not be watched, which takes three times as long.
    """
    neurons = [neuron for layer in net.layers for neuron in layer.neurons] if type(net) is MLP else []
    units = [unit for neuron in neurons for unit in neuron.units]
    parts = {type(part) for part in (*(net.layers if neurons else [net]), *neurons, *units)}
    if parts - {Layer, Neuron, Maxout} or any(not isinstance(u.activation, Operation | None) for u in units):
        return record(net, [x], hidden, outputs)
    for node in as_list(outputs):
        node.__class__ = Unseen  # a loss may look at it
    return outputs
