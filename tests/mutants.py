"""Rows with one slope or one field broken: what the checks of the table must find.

Promise: mutants are made from the row alone. A slope is scaled, turned, given the wrong operands or moved to the wrong
one; or one operation inside its formula is left out, so that only one of that operation's operands remains.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from micrograd_nn import Value
from micrograd_nn.engine.operation import TABLE, Operation, Partial
from micrograd_nn.engine.value import topological_order

Mutant = tuple[str, tuple[Partial, ...]]  # what was done, and the slopes that come of it


def mutants(row: Operation) -> Iterator[Mutant]:
    """Every broken set of slopes of a row, each with one line that says how it is broken."""
    for k, partial in enumerate(row.partials):
        for what, broken in (*_whole(partial, row.arity), *_dropped(partial, row.arity)):
            yield f"{row.name} {k}: {what}", (*row.partials[:k], broken, *row.partials[k + 1 :])
    if row.arity == 2:
        yield f"{row.name}: slopes exchanged", row.partials[::-1]


@contextmanager
def entered(row: Operation, **fields: Any) -> Iterator[Operation]:
    """The row with other fields, in the row's place in the table while the block runs."""
    del TABLE[row.name]
    try:
        yield replace(row, **fields)
    finally:
        TABLE[row.name] = row


def wrong_fields(row: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    """The row's other fields, each made wrong: the name of the field and the fields to replace."""
    for field in ("numpy", "python"):
        yield field, {field: f"({getattr(row, field)}) * (1.0 + 1e-12)"}
    yield "text", {"text": f"{row.text} + 1"}
    yield "forward", {"forward": lambda *operands: row.forward(*operands) * (1.0 + 1e-12)}
    yield "domain", {"domain": replace(row.domain, holds=lambda *operands: not row.domain.holds(*operands))}
    for k, (operands, value, slopes) in enumerate(row.kinks):
        others = row.kinks[:k] + row.kinks[k + 1 :]
        yield "kinks", {"kinks": (*others, (operands, 7.0, slopes))}
        yield "kinks", {"kinks": (*others, (operands, value, (7.0, *slopes[1:])))}
    for k, slope in enumerate(row.textbook if row.textbook is not row.partials else ()):
        for _, broken in _whole(slope, row.arity):
            yield "textbook", {"textbook": (*row.textbook[:k], broken, *row.textbook[k + 1 :])}
    if row.reduction:
        other = ("Σ", r"\sum") if row.reduction[0] != "Σ" else ("Π", r"\prod")
        yield "reduction", {"reduction": (other[0], row.reduction[1])}
        yield "reduction", {"reduction": (row.reduction[0], other[1])}
    if row.shortcut:
        yield "shortcut", {"shortcut": lambda *operands: Value(7.0)}


def _whole(partial: Partial, arity: int) -> Iterator[tuple[str, Partial]]:
    yield "times 1 + 1e-12", lambda *operands: partial(*operands) * (1.0 + 1e-12)
    yield "times 1 - 1e-12", lambda *operands: partial(*operands) * (1.0 - 1e-12)
    yield "sign flipped", lambda *operands: -partial(*operands)
    yield "plus 1", lambda *operands: partial(*operands) + 1.0
    if arity == 2:
        yield "operands swapped", lambda a, b, out: partial(b, a, out)


def _dropped(partial: Partial, arity: int) -> Iterator[tuple[str, Partial]]:
    given = [Value(0.75, "a"), Value(1.5, "b"), Value(2.5, "out")]
    given = [*given[:arity], given[2]]
    slope = partial(*given)
    if not isinstance(slope, Value):
        return
    order = topological_order(slope)
    written = _written(order)
    for node in order:
        for kept in node.operands:
            yield f"{written[node]} → {written[kept]}", _replayed(order, given, {node: kept})


def _written(order: list[Value]) -> dict[Value, str]:
    text: dict[Value, str] = {}
    for node in order:
        if node.operation is None:
            text[node] = node.label or f"{node.data:g}"
        else:
            text[node] = f"{node.operation.name}({', '.join(text[operand] for operand in node.operands)})"
    return text


def _replayed(order: list[Value], given: list[Value], instead: dict[Value, Value]) -> Callable[..., Any]:
    """The recorded formula on other operands, floats or Values, with some nodes standing for others."""

    def partial(*operands: Any) -> Any:
        numbers: dict[Value, Any] = dict(zip(given, operands, strict=True))
        for node in order:
            if node in instead:
                numbers[node] = numbers[instead[node]]
            elif node.operation:
                numbers[node] = node.operation(*(numbers[operand] for operand in node.operands))
            else:
                numbers.setdefault(node, node.data)
        return numbers[order[-1]]

    return partial
