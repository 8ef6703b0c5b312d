"""Straight-line code: a small graph as lines of Python.

Promise: each line is a row's ``python`` template or its forward itself, and the sweep adds its terms up in the order of
the scalar engine, so that the numbers are the same to the bit.
"""

import re
from collections.abc import Sequence
from math import copysign, prod
from typing import Any

from ..engine.ops import neg
from .backend import Number
from .steps import Apply, Leaf, Ref, Step, Tape, Tracer, plain
from .trace import CONSTANT, PARAMETER, Trace

NESTED = 8  # how deep an expression may grow before it gets a line of its own
_NAMED = re.compile(r"\be\b")  # what a template names on its way
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
            below = [j for j in (trace.left[i], trace.right[i]) if j >= 0]
            numbers.append(operation(*[numbers[j] for j in below]))
            depends.append(any(depends[j] for j in below))
    return tape, numbers[-1], _sweep(trace, numbers, depends)


def _leaf(tape: Tape, trace: Trace, i: int) -> Number:
    source = trace.source[i]
    if source == CONSTANT:
        return trace.numbers[i]
    return tape.add(Leaf((), (), source != PARAMETER, "p" if source == PARAMETER else f"x{source}", trace.position[i]))


def _sweep(trace: Trace, numbers: list[Number], depends: list[bool]) -> list[Number]:
    adjoints: list[Number] = [None] * len(trace)
    adjoints[-1] = 1.0
    gradient: list[Number] = [0.0] * len(trace.parameters)
    for i in range(len(trace) - 1, -1, -1):
        adjoint, operation = adjoints[i], trace.operations[i]
        if operation is None:
            if depends[i]:
                gradient[trace.position[i]] = adjoint
        elif adjoint is not None:
            below = [j for j in (trace.left[i], trace.right[i]) if j >= 0]
            operands = [numbers[j] for j in below]
            for j, partial in zip(below, operation.partials, strict=True):
                if depends[j]:
                    term = adjoint * partial(*operands, numbers[i])
                    adjoints[j] = term if adjoints[j] is None else adjoints[j] + term
        adjoints[i] = None  # one adjoint for each open edge, not for each node
    return gradient


class Lines:
    """The lines of source that compute some outputs of a tape; each of ``named`` is a name of its own."""

    def __init__(self, tape: Tape, named: Sequence[Number], inline: Sequence[Number] = ()) -> None:
        self._steps = tape.steps
        self._mirrors = _mirrors(tape.steps)
        self._mirrored = set(self._mirrors.values())
        self._uses = self._count(named, inline)
        self._texts: list[str] = []
        self._depths: list[int] = []
        self.lines: list[str] = []
        for number, step in enumerate(tape.steps):
            self._write(number, step)

    def text(self, number: Number) -> str:
        """How an operand is written: a constant, a name, or a bracketed expression that is used only once."""
        return self._operand(plain(number))

    def _operand(self, operand: Ref | float) -> str:
        return self._texts[operand] if isinstance(operand, Ref) else constant(operand)

    def _count(self, named: Sequence[Number], inline: Sequence[Number]) -> list[int]:
        uses = [0] * len(self._steps)
        for output, weight in [*((output, 2) for output in named), *((output, 1) for output in inline)]:
            if isinstance(output, Tracer):
                uses[output.ref] += weight
        for number in range(len(uses) - 1, -1, -1):
            step = self._steps[number]
            if uses[number] and isinstance(step, Apply) and number in self._mirrors:
                uses[self._opposite(step)] += step.operation.mirror.count(SLOTS[0])
                uses[self._mirrors[number]] += 2
            elif uses[number] and isinstance(step, Apply):
                for operand, slot in zip(step.operands, SLOTS, strict=False):
                    if isinstance(operand, Ref):
                        uses[operand] += template(step).count(slot)
        return uses

    def _opposite(self, step: Step) -> Ref:
        """For an operation of -a: a."""
        return self._steps[step.references[0]].references[0]

    def _expression(self, number: int, step: Apply) -> tuple[str, Sequence[Any]]:
        """A step as an expression, and what it reads."""
        if number in self._mirrors:
            operand = self._opposite(step)
            written = step.operation.mirror.format(a=self._operand(operand))
            return _NAMED.sub(f"e{self._mirrors[number]}", written), (operand,)
        operands = dict(zip("ab", map(self._operand, step.operands), strict=False))
        written = template(step).format(**operands)
        return _NAMED.sub(f"e{number}", written) if number in self._mirrored else written, step.operands

    def _write(self, number: int, step: Step) -> None:
        name, depth = f"v{number}", 0
        if isinstance(step, Leaf):
            name = leaf_name(step)
        elif isinstance(step, Apply) and self._uses[number]:
            expression, below = self._expression(number, step)
            depth = 1 + max(self._depths[operand] for operand in below if isinstance(operand, Ref))
            if self._uses[number] == 1 and depth < NESTED:
                name = f"({expression})"
            else:
                self.lines.append(f"{name} = {expression}")
                depth = 0
        self._texts.append(name)
        self._depths.append(depth)


def _mirrors(steps: list[Step]) -> dict[int, int]:
    """Operations of -a whose row can read what the same operation of a has worked out: their numbers, and those."""
    at: dict[Any, int] = {}
    found = {}
    for number, step in enumerate(steps):
        if isinstance(step, Apply) and step.operation.mirror:
            (operand,) = step.operands
            at[step.operation, operand] = number
            opposite = steps[step.references[0]]
            if isinstance(opposite, Apply) and opposite.operation is neg:
                twin = at.get((step.operation, opposite.operands[0]))
                if twin is not None:
                    found[number] = twin
    return found


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
