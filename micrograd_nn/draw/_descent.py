"""Gradient descent on one recorded graph, sample by sample, as the front end shows it.

Each row of data is put into the leaves that it belongs to, the same graph is computed again, and every parameter goes
a step against its gradient. So what is seen after a step is what the step was made of.
"""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from ..engine.backprop import work_out
from ..engine.value import Value, adjoints, topological_order
from ..errors import ArgumentError, DivergedError, counted
from ..notation.text import rounded
from .plot import span

ROWS = 1_000  # of data: more is for fit
EPOCHS = 1_000  # the most in one answer
GRID = 25  # points along each side of the decision picture, or on the curve
MARGIN = 0.15  # of the data's width, shown around it

Rows = Sequence[Sequence[float]]


def renew(root: Value) -> None:
    """Compute the graph below root again from its leaves: numbers and slopes, in the same Values.

    >>> w = Value(3.0, "w")
    >>> L = w * w
    >>> w.data = 5.0
    >>> renew(L)
    >>> L.data
    25.0
    """
    for node in topological_order(root):
        if node.operation is not None:
            fresh = Value.apply(node.operation, *node.operands)
            node.data, node.dleft, node.dright = fresh.data, fresh.dleft, fresh.dright


class Descent:
    """A loss for one sample, the leaves that take a sample, the samples, and the parameters that learn from them.

    ``out`` is the prediction; the columns that it is made from are the inputs.

    Raises ArgumentError for no rows, more than 1,000, or a row that does not fit the columns.
    """

    def __init__(
        self, root: Value, columns: Sequence[Value], rows: Rows, learns: Sequence[Value], out: Value | None = None
    ) -> None:
        self.root, self.out = root, out
        self.columns, self.rows = list(columns), [list(row) for row in rows]
        if not 1 <= len(self.rows) <= ROWS or any(len(row) != len(self.columns) for row in self.rows):
            raise ArgumentError(
                f"between 1 and {ROWS:,} rows of {counted(len(self.columns), 'number')} each are trained on"
            )
        self.learns = list(learns)
        used = {*topological_order(out)} if out is not None else set()
        self.inputs = [column for column in self.columns if column in used]
        self.start = [parameter.data for parameter in self.learns]
        self.rewind()

    def rewind(self) -> None:
        """Back to the numbers of the start, and to the first row."""
        self.seen, self.losses = 0, list[tuple[int, float]]()  # samples so far, and the mean loss after so many
        self.updates: list[tuple[Value, float, float, float]] = []  # parameter, before, slope, after
        for parameter, number in zip(self.learns, self.start, strict=True):
            parameter.data = number
        self.show(0)
        self._note()

    def show(self, row: int) -> None:
        """Put a row into the leaves, and compute the graph again."""
        self.row = row
        for column, number in zip(self.columns, self.rows[row], strict=True):
            column.data = number
        renew(self.root)

    def step(self, rate: float) -> None:
        """One step on the sample that is shown, and on to the next sample."""
        self._learn(rate)
        self._note()
        self.show((self.row + 1) % len(self.rows))

    def epochs(self, count: int, rate: float) -> None:
        """Every sample once, in order, ``count`` times. The sample that is shown stays."""
        row = self.row
        try:
            for _ in range(count):
                for i in range(len(self.rows)):
                    self.show(i)
                    self._learn(rate)
                self._note()
        finally:
            self.show(row)

    def _learn(self, rate: float) -> None:
        """p − rate·∂L/∂p for every parameter p, with the slopes of the sample that is shown."""
        slopes = adjoints(self.root)
        used = [p for p in self.learns if p in slopes]  # a network may have parts that this loss does not use
        moves = [(p, p.data, slopes[p], p.data - rate * slopes[p]) for p in used]
        if not all(isfinite(after) for *_, after in moves):
            raise DivergedError("the step leads out of all numbers: a smaller learning rate, or rewind")
        self.updates = moves
        for parameter, *_, after in moves:
            parameter.data = after
        self.seen += 1

    def _note(self) -> None:
        self.losses.append((self.seen, self.loss()))

    def loss(self) -> float:
        """The mean loss over all samples."""
        return sum(self._at(self.root, dict(zip(self.columns, row, strict=True))) for row in self.rows) / len(self.rows)

    def picture(self) -> dict[str, Any] | None:
        """The prediction over the plane of two inputs, or along one; nothing where there are more."""
        if self.out is None or len(self.inputs) not in (1, 2):
            return None
        places = map(self.columns.index, self.inputs)
        axes = [span([row[i] for row in self.rows], MARGIN, GRID) for i in places]
        points = [(x,) for x in axes[0]] if len(axes) == 1 else [(x, y) for y in axes[1] for x in axes[0]]
        heights = [self._at(self.out, dict(zip(self.inputs, point, strict=True))) for point in points]
        return {"axes": axes, "heights": list(map(plain, heights)), "names": [x.label for x in self.inputs]}

    def _at(self, node: Value, numbers: dict[Value, float]) -> float:
        return work_out(node, numbers)[node]

    def data(self) -> dict[str, Any]:
        """What a page shows of it."""
        return {
            "columns": [column.label for column in self.columns],
            "samples": self.rows,
            "sample": self.row,
            "losses": [(seen / len(self.rows), plain(loss)) for seen, loss in self.losses],
            "updates": [[parameter.label, *map(rounded, numbers)] for parameter, *numbers in self.updates],
            "picture": self.picture(),
        }


def on_network(net: Any, X: Rows, y: Sequence[Any], loss: Callable[..., Value]) -> Descent:
    """The descent of a network on rows X and targets y: numbers, rows of numbers, or labels for several outputs.

    >>> from micrograd_nn import MLP, mse
    >>> descent = on_network(MLP(2, [1], seed=0), [[0, 1], [1, 1]], [0, 1], mse)
    >>> [x.label for x in descent.columns], descent.out.label
    (['x1', 'x2', 'y'], 'o1')

    Raises ArgumentError if X and y are empty or of different length.
    """
    if not 1 <= len(X) == len(y):
        raise ArgumentError(
            f"as many targets as rows, and at least one: got {counted(len(X), 'row')} and {counted(len(y), 'target')}"
        )
    inputs = [Value(float(x), f"x{i}") for i, x in enumerate(X[0], start=1)]
    made = net(inputs)
    outputs = list(made) if isinstance(made, Sequence) else [made]
    wanted = [_wanted(target, len(outputs)) for target in y]
    names = ["y"] if len(wanted[0]) == 1 else [f"y{i}" for i in range(1, len(wanted[0]) + 1)]
    targets = [Value(number, name) for name, number in zip(names, wanted[0], strict=True)]
    root = loss(outputs, targets) if len(outputs) > 1 else loss(outputs[0], targets[0])
    root.label = root.label or "L"
    rows = [[*map(float, row), *target] for row, target in zip(X, wanted, strict=True)]
    return Descent(root, [*inputs, *targets], rows, net.parameters(), outputs[0] if len(outputs) == 1 else None)


def _wanted(target: Any, outputs: int) -> list[float]:
    """A target as numbers, one per output: a label among several outputs is 1 there and 0 elsewhere."""
    if hasattr(target, "__len__"):
        return [float(number) for number in target]
    return [float(target)] if outputs == 1 else [float(k == target) for k in range(outputs)]


def plain(x: float) -> float | None:
    """A number as JSON takes it: None for what is no finite one."""
    return x if isfinite(x) else None


# ---- what a page does with it ----


def _show(descent: Descent, row: Any) -> None:
    descent.show(within("sample", row, len(descent.rows)))


def _step(descent: Descent, rate: Any) -> None:
    descent.step(Value(rate).data)


def _epochs(descent: Descent, value: Any) -> None:
    count, rate = value if isinstance(value, list) and len(value) == 2 else (value, None)
    descent.epochs(within("number of epochs", count, EPOCHS + 1), Value(rate).data)


MOVES: dict[Any, Callable[[Descent, Any], None]] = {
    "sample": _show,
    "step": _step,
    "epochs": _epochs,
    "rewind": lambda descent, _: descent.rewind(),
}


def within(what: str, i: Any, count: int) -> int:
    """i, a whole number below count. Raises ArgumentError."""
    if not isinstance(i, int) or not 0 <= i < count:
        raise ArgumentError(f"a {what} is a whole number from 0 to {count - 1}, got {i!r:.40}")
    return i
