"""Straight-line code: a small graph as lines of Python.

Promise: each line is a row's ``python`` template or its forward itself, and the sweep adds its terms up in the order of
the scalar engine, so that the numbers are the same to the bit.
"""

from collections.abc import Iterator, Sequence
from math import copysign, prod

from ..engine.graph import sweep
from .backend import Number
from .steps import Apply, Leaf, Ref, Step, Tape, Tracer, plain
from .trace import CONSTANT, PARAMETER, Trace

NESTED = 8  # how deep an expression may grow before it gets a line of its own
SLOTS = ("{a}", "{b}")  # where a template has its operands


def record(trace: Trace) -> tuple[Tape, Number, list[Number]]:
    """The loss and its gradient, a number per parameter, written down by running the sweep on tracers."""
    tape = Tape()
    numbers: list[Number] = []
    depends: list[bool] = []  # on a parameter
    for i, operation in enumerate(trace.operations):
        if operation is None:
            numbers.append(_leaf(tape, trace, i))
            depends.append(trace.source[i] == PARAMETER)
        else:
            operands = trace.operands(i)
            numbers.append(operation(*[numbers[j] for j in operands]))
            depends.append(any(depends[j] for j in operands))

    def edges(i: int) -> Iterator[tuple[int, Number]]:
        operands = trace.operands(i)
        given = [numbers[j] for j in operands]
        for j, partial in zip(operands, trace.partials(i), strict=True):
            if depends[j]:
                yield j, partial(*given, numbers[i])

    gradient: list[Number] = [0.0] * len(trace.parameters)
    for i, adjoint in sweep(range(len(trace)), edges, 1.0):
        if trace.source[i] == PARAMETER:
            gradient[trace.position[i]] = adjoint
    return tape, numbers[-1], gradient


def _leaf(tape: Tape, trace: Trace, i: int) -> Number:
    source = trace.source[i]
    if source == CONSTANT:
        return trace.numbers[i]
    return tape.add(Leaf((), (), source != PARAMETER, "p" if source == PARAMETER else f"x{source}", trace.position[i]))


class Lines:
    """The lines of source that compute some outputs of a tape; each of ``named`` gets a name, if it is no constant."""

    def __init__(self, tape: Tape, named: Sequence[Number], inline: Sequence[Number] = (), prefix: str = "v") -> None:
        self._steps = tape.steps
        self._uses = self._count(named, inline)
        self._texts: list[str] = []
        self._depths: list[int] = []
        self.lines: list[str] = []
        for number, step in enumerate(tape.steps):
            self._write(f"{prefix}{number}", step, self._uses[number])

    def text(self, number: Number) -> str:
        """How an operand is written: a constant, a name, or a bracketed expression that is used only once."""
        return self._operand(plain(number))

    def _operand(self, operand: Ref | float) -> str:
        return self._texts[operand] if isinstance(operand, Ref) else constant(operand)

    def _count(self, named: Sequence[Number], inline: Sequence[Number]) -> list[int]:
        """How often each step is read; twice by an output that is to have a name."""
        uses = [0] * len(self._steps)
        for output, weight in [*((output, 2) for output in named), *((output, 1) for output in inline)]:
            if isinstance(output, Tracer):
                uses[output.ref] += weight
        for number in range(len(uses) - 1, -1, -1):
            step = self._steps[number]
            if uses[number] and isinstance(step, Apply):
                for operand, slot in zip(step.operands, SLOTS, strict=False):
                    if isinstance(operand, Ref):
                        uses[operand] += template(step).count(slot)
        return uses

    def _write(self, name: str, step: Step, uses: int) -> None:
        depth = 0
        if isinstance(step, Leaf):
            name = leaf_name(step)
        elif isinstance(step, Apply) and uses:
            operands = dict(zip("ab", map(self._operand, step.operands), strict=False))
            expression = template(step).format(**operands)
            depth = 1 + max(self._depths[ref] for ref in step.references)
            if uses == 1 and depth < NESTED:
                name = f"({expression})"
            else:
                self.lines.append(f"{name} = {expression}")
                depth = 0
        self._texts.append(name)
        self._depths.append(depth)


def template(step: Apply) -> str:
    """The row's expression over floats; a condition that is a known number is decided."""
    written = step.operation.python
    for operand, slot in zip(step.operands, SLOTS, strict=False):
        kept, condition, other = written.partition(f" if {slot} else ")
        if condition and not isinstance(operand, Ref):
            written = kept if operand else other
    return written


def leaf_name(leaf: Leaf) -> str:
    """p_3 is the parameter number 3, x2_0 the number 0 of the second input, s_0 the first scalar of a step."""
    return f"{leaf.source}_{leaf.position}" if leaf.position >= 0 else leaf.source


def constant(number: float) -> str:
    """A float as source that reads back as the same bits."""
    return repr(number) if number >= 0 and copysign(1.0, number) > 0 else f"({number!r})"


def names(source: str, count: int) -> str:
    """The names of a vector, as the target of an assignment."""
    return "[" + ", ".join(f"{source}_{i}" for i in range(count)) + "]"


def row_names(trace: Trace) -> str:
    """The names of all inputs of one row, as the target of a loop."""
    return "[" + ", ".join(f"x{i + 1}_{j}" for i, shape in enumerate(trace.inputs) for j in range(prod(shape))) + "]"


def indented(width: int, lines: Sequence[str]) -> list[str]:
    """The lines, moved to the right."""
    return [" " * width + line for line in lines]
