"""The backward sweep, one application of the chain rule at a time.

Promise: the steps are the engine's own sweep in its own order, down to the last bit, as data; they stream, and what a
sweep has finished with is let go.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ..engine.operation import Operation
from ..engine.value import Value, topological_order
from ..notation.symbol import Symbol
from ..notation.text import label_text, number_text
from .recorded import check_unchanged


@dataclass(frozen=True, slots=True)
class Step:
    """A node hands its upstream gradient on: to each operand, times the local partial towards it."""

    node: Value
    operation: Operation
    upstream: float  # ∂L/∂node, complete
    operands: tuple[Value, ...]
    partials: tuple[float, ...]  # ∂node/∂operand
    contributions: tuple[float, ...]  # upstream · partial
    before: tuple[float, ...]  # what the operand had gathered until then
    after: tuple[float, ...]

    def __str__(self) -> str:
        made = self.operation(*map(Symbol, "ab"[: len(self.operands)]))
        lines = [f"{shown(self.node)} = {made}, upstream {number_text(self.upstream)}"]
        for name, operand, partial, contribution, before, after in zip(
            "ab", self.operands, self.partials, self.contributions, self.before, self.after, strict=False
        ):
            lines.append(
                f"  {name} = {shown(operand)}: {number_text(self.upstream)} · {number_text(partial)} = "
                f"{number_text(contribution)}; gathered {number_text(before)} → {number_text(after)}"
            )
        return "\n".join(lines)


def steps(root: Value) -> Iterator[Step]:
    """The sweep from root, one Step per operation; no ``.grad`` is changed.

    >>> a = Value(3.0, label="a")
    >>> for step in steps(a * a):
    ...     print(step)
    9 = a·b, upstream 1
      a = a: 1 · 3 = 3; gathered 0 → 3
      b = a: 1 · 3 = 3; gathered 3 → 6

    Raises GraphError if a ``.data`` has changed since the graph was recorded, ArgumentTypeError if root is no Value.
    """
    check_unchanged(root)
    return _steps(root)


def _steps(root: Value) -> Iterator[Step]:
    gathered = {root: 1.0}  # what is on its way down; a node that has handed its share on is let go
    for node in reversed(topological_order(root)):
        upstream = gathered.pop(node)
        if node.operation is None:
            continue
        contributions = tuple(upstream * partial for partial in node.partials)
        before, after = [], []
        for operand, contribution in zip(node.operands, contributions, strict=True):
            before.append(gathered.get(operand, 0.0))
            after.append(before[-1] + contribution)
            gathered[operand] = after[-1]
        yield Step(
            node, node.operation, upstream, node.operands, node.partials, contributions, tuple(before), tuple(after)
        )


def shown(node: Value) -> str:
    """A node on a line: its label, or its number."""
    return label_text(node.label) if node.label else number_text(node.data)
