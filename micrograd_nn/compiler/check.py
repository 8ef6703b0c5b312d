"""The checker: is a list of steps a program?

Promise: whatever passes can be carried out: operands come first, shapes fit, what varies by row is marked so, and no
index points beyond its array.
"""

from math import prod

from ..errors import GraphError
from .layout import size_of, unfold
from .steps import Apply, Fold, Gram, Join, MatMul, Scan, Scatter, Shape, Step, Steps, Stretch, Sum, View, stretch


def check(steps: Steps) -> None:
    """Raises GraphError, which names the first step that is wrong and why."""
    for number, step in enumerate(steps):
        fault = _fault(number, step, steps)
        if fault:
            raise GraphError(f"step {number}, a {type(step).__name__}, {fault}")


def _fault(number: int, step: Step, steps: Steps) -> str:
    inner = step.references
    if any(not 0 <= ref.number < number for ref in inner):
        return f"has operands {list(inner)}: they must come before it"
    operands = [steps[ref] for ref in inner]
    repeats = isinstance(step, Stretch | Scatter | Join)  # their operands stretch over the rows
    if step.batched and operands and not any(operand.batched for operand in operands) and not repeats:
        return "differs from row to row, and nothing that it is made of does"
    if not step.batched and any(o.batched for o in operands) and not isinstance(step, Sum | Gram):
        return "is made of what differs from row to row, and is not marked so"
    try:
        wanted = _shape(step, operands)
    except ValueError as error:
        return f"has operands that do not fit each other: {error}"
    if wanted is not None and wanted != step.shape:
        return f"has shape {step.shape}, but makes {wanted}"
    return _index_fault(step, operands)


def _shape(step: Step, operands: list[Step]) -> Shape | None:
    """What a step must have as its shape, where its operands decide it."""
    match step:
        case Apply() if operands:
            whole = stretch(operand.shape for operand in operands)
            if any(
                side not in (1, full) for o in operands if o.shape for side, full in zip(o.shape, whole, strict=True)
            ):
                raise ValueError(" and ".join(str(operand.shape) for operand in operands))
            return whole
        case MatMul():
            a, b = operands
            inner, outer = (b.shape[1], b.shape[0]) if step.transposed else (b.shape[0], b.shape[1])
            if a.shape[-1] != inner:
                raise ValueError(f"{a.shape} and {b.shape}")
            return (*a.shape[:-1], outer)
        case Gram():
            a, b = operands
            return a.shape[-1], b.shape[-1]
        case Fold():
            return operands[0].shape[:-1]
        case Scan():
            return operands[0].shape
        case Join():
            return (*step.shape[:-1], sum(operand.shape[-1] for operand in operands))
        case Stretch():
            return stretch([operands[0].shape, step.shape])
        case Sum():
            return tuple(1 if new == 1 else old for old, new in zip(operands[0].shape, step.shape, strict=True))
    return None


def _index_fault(step: Step, operands: list[Step]) -> str:
    pairs = []
    if isinstance(step, View):
        pairs = [(step.index, step.shape, operands[0].shape)]
    elif isinstance(step, Scatter):
        pairs = [(index, shape, step.shape) for index, shape in zip(step.indices, step.shapes, strict=True)]
    for index, shape, array in pairs:
        places = unfold(index, shape)
        if prod(shape) and not 0 <= places.min() <= places.max() < size_of(array):
            return f"points at number {int(places.max())} of an array of {size_of(array)}"
    return ""
