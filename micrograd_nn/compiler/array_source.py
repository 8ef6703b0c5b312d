"""Array steps as source: for each the lines that compute it.

An operation is written by its row's ``numpy`` template and nowhere else: the template is parsed once, into calls that
write into arrays made before. Numbers that do not vary stay Python floats, so that float32 stays float32.
"""

import ast
from collections.abc import Set
from dataclasses import dataclass
from functools import cache, partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..engine.operation import Operation
from .buffers import Buffers, Kind, sides, view_call
from .steps import (
    Apply,
    Constant,
    Fold,
    Gram,
    Join,
    Leaf,
    MatMul,
    Ref,
    Scan,
    Scatter,
    Shape,
    Slopes,
    Step,
    Steps,
    Stretch,
    Sum,
    View,
    chain_slopes,
    stretch,
)
from .straight import constant, template

TRUTHS = {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "isnan", "isfinite", "isinf"}
IDEMPOTENT = {"minimum", "maximum"}  # f(f(a, b), b) is f(a, b)
UNROLLED = 4  # so many terms of a chain are single calls: up to ten times faster than a reduction of a thousand rows
UNROLLED_FUNCTION = 16  # so many of a fold that is no sum or product: NumPy reduces those more slowly


class Given(NamedTuple):
    """What a call is given: its text; of an array the shape for one row and whether it is batched; what made it."""

    text: str
    like: tuple[Shape, bool] | None = None
    made: tuple[str, str] = ("", "")  # the function, and its last argument


class ArraySource:
    """The lines for some outputs of a tape: ``made`` once for a number of rows, ``lines`` in every call.

    ``stores`` are arrays from outside that an outcome is written to, by its step. ``scope`` holds the arrays that the
    lines refer to: constants and tables of positions. What is ``spendable`` from outside may be written over.
    """

    def __init__(
        self,
        steps: Steps,
        outputs: list[Any],
        dtype: str,
        prefix: str,
        stores: dict[Ref, str] | None = None,
        spendable: Set[str] = frozenset(),
    ) -> None:
        self._steps, self._dtype, self._prefix = steps, dtype, prefix
        wanted = [output for output in outputs if isinstance(output, Ref)]
        self._buffers = Buffers(steps, wanted, prefix, dtype, stores or {}, spendable)
        self.made = self._buffers.lines
        self.lines: list[str] = []
        self.scope: dict[str, Any] = {}
        self._texts: dict[Ref, str] = {}
        self._scalars: set[Ref] = set()
        for number, step in enumerate(steps):
            if self._buffers.needed[number]:
                ref = Ref(number)
                if ref not in self._texts:  # else a fold has written it already
                    self._write(ref, step)
                self._buffers.done(ref)

    def _write(self, ref: Ref, step: Step) -> None:
        match step:
            case Leaf():
                self._leaf(ref, step)
            case Constant():
                self._constant(ref, step)
            case Apply():
                self._apply(ref, step)
            case MatMul():
                self._matmul(ref, step)
            case Gram():
                self._gram(ref, step)
            case Fold():
                self._fold(ref, step)
            case Scan():
                self._scan(ref, step)
            case Slopes():
                self._slopes(ref, step)
            case Sum():
                self._sum(ref, step)
            case View():
                self._view(ref, step)
            case Stretch():
                self._stretch(ref, step)
            case Join():
                self._join(ref, step)
            case Scatter():
                self._scatter(ref, step)

    def text(self, operand: Ref | float) -> str:
        """How an operand is written."""
        return self._texts[operand] if isinstance(operand, Ref) else self._float(operand)

    def _float(self, number: float) -> str:
        largest = float(np.finfo(self._dtype).max)
        return constant(max(-largest, min(largest, number)) if abs(number) < np.inf else number)

    def _keep(self, array: Any) -> str:
        name = f"{self._prefix}_{len(self.scope)}"
        self.scope[name] = array
        return name

    def _make(self, expression: str) -> str:
        """A name for an array or view that is made once."""
        name = f"{self._prefix}v{len(self.made)}"
        self.made.append(f"{name} = {expression}")
        return name

    def _array(self, operand: Ref) -> str:
        """An operand as an array, also where it is a single number that does not vary."""
        if operand not in self._scalars:
            return self._texts[operand]
        name = self._make(f"np.zeros({sides(self._steps[operand].shape, False)}, {self._dtype})")
        self.lines.append(f"{name}.fill({self._texts[operand]})")
        return name

    def _is_scalar(self, operand: Ref | float) -> bool:
        return not isinstance(operand, Ref) or operand in self._scalars

    # ---- what comes from outside ----

    def _leaf(self, ref: Ref, step: Leaf) -> None:
        self._texts[ref] = step.source
        if step.shape == () and not step.batched:
            self._scalars.add(ref)

    def _constant(self, ref: Ref, step: Constant) -> None:
        largest = np.finfo(self._dtype).max
        fits = np.where(np.isinf(step.numbers), step.numbers, np.clip(step.numbers, -largest, largest))
        self._texts[ref] = self._keep(fits.astype(self._dtype))

    # ---- operations ----

    def _apply(self, ref: Ref, step: Apply) -> None:
        if all(self._is_scalar(operand) for operand in step.operands):
            texts = dict(zip("ab", map(self.text, step.operands), strict=False))
            self._texts[ref] = f"{self._prefix}s{ref.number}"
            self._scalars.add(ref)
            self.lines.append(f"{self._texts[ref]} = {template(step).format(**texts)}")
            return
        given = [self._given(operand) for operand in step.operands]
        out = self._texts[ref] = self._buffers.out(ref, step.references)
        self._operation(step.operation, given, out)

    def _given(self, operand: Ref | float) -> Given:
        if not isinstance(operand, Ref) or operand in self._scalars:
            return Given(self.text(operand))
        return Given(self._texts[operand], (self._steps[operand].shape, self._steps[operand].batched))

    def _operation(self, operation: Operation, operands: list[Given], out: str) -> None:
        """The calls of an operation's template; the last one writes into ``out``."""
        known: dict[str | int, Given] = dict(zip("ab", operands, strict=False))
        spent: list[tuple[str, Kind]] = []
        *inner, last = enumerate(calls(operation))
        for k, call in inner:
            arguments = [known.get(argument, Given(str(argument))) for argument in call.arguments]
            made = call.function, arguments[-1].text
            likes = [given.like for given in arguments if given.like is not None]
            if call.function in IDEMPOTENT and arguments[0].made == made:
                known[k] = arguments[0]
            elif not likes:
                known[k] = Given(f"np.{self._dtype}(np.{call.function}({listed(arguments)}))")
            else:
                like = stretch(shape for shape, _ in likes), any(batched for _, batched in likes)
                kind = (*like, "bool" if call.function in TRUTHS else self._dtype)
                name = self._buffers.fresh(kind)
                spent.append((name, kind))
                self._call(call.function, arguments, name)
                known[k] = Given(name, like, made)
        _, call = last
        self._call(call.function, [known.get(argument, Given(str(argument))) for argument in call.arguments], out)
        for name, kind in spent:
            self._buffers.spend(name, kind)

    def _call(self, function: str, arguments: list[Given], out: str) -> None:
        if is_ufunc(function):
            self.lines.append(f"np.{function}({listed(arguments)}, out={out})")
        else:
            self.lines.append(f"{out}[...] = np.{function}({listed(arguments)})")

    def _matmul(self, ref: Ref, step: MatMul) -> None:
        a, b = step.references
        left, right, out = self._flat(a), self._array(b), self._buffers.out(ref)
        right = self._make(f"{right}.T") if step.transposed else right
        self._texts[ref] = out
        if step.batched and len(step.shape) > 1:
            out = self._make(f"{out}.reshape(-1, {step.shape[-1]})")
        self.lines.append(f"np.matmul({left}, {right}, out={out})")

    def _gram(self, ref: Ref, step: Gram) -> None:
        a, b = (self._flat(operand) for operand in step.references)
        if not self._steps[step.references[0]].batched and len(self._steps[step.references[0]].shape) == 1:
            a, b = self._make(f"{a}[None]"), self._make(f"{b}[None]")
        out = self._texts[ref] = self._buffers.out(ref)
        self.lines.append(f"np.matmul({self._make(f'{a}.T')}, {b}, out={out})")

    def _flat(self, operand: Ref) -> str:
        """An array as a matrix with the last side across; a view that can't be seen so is copied."""
        step = self._steps[operand]
        if not (step.batched and len(step.shape) > 1):
            return self._array(operand)
        text = self._array(operand)
        if self._buffers.owner[operand] != operand:
            kind = self._buffers.kind(operand)
            copy = self._make(f"np.zeros({sides(kind[0], kind[1])}, {kind[2]})")
            self.lines.append(f"np.copyto({copy}, {text})")
            text = copy
        return self._make(f"{text}.reshape(-1, {step.shape[-1]})")

    def _fold(self, ref: Ref, step: Fold) -> None:
        scan = self._buffers.scans.get((step.operation, step.operands))
        if scan is not None:  # its last column is the fold
            running = self._steps[scan]
            assert isinstance(running, Scan)
            self._scan(scan, running)
            self._texts[ref] = self._make(f"{self._texts[scan]}[..., -1]")
            return
        terms, out = self._array(step.references[0]), self._buffers.out(ref)
        self._texts[ref] = out
        if self._is_unrolled(step):
            self._links(step, self._columns(terms, step), [out] * self._length(step))
        else:
            self.lines.append(f"np.{ufunc(step.operation)}.reduce({terms}, axis=-1, out={out})")

    def _scan(self, ref: Ref, step: Scan) -> None:
        terms, out = self._array(step.references[0]), self._buffers.out(ref)
        self._texts[ref] = out
        if step.reverse:
            terms, out = self._make(f"{terms}[..., ::-1]"), self._make(f"{out}[..., ::-1]")
        if self._is_unrolled(step):
            columns, results = self._columns(terms, step), self._columns(out, step)
            self.lines.append(f"np.copyto({results[0]}, {columns[0]})")
            self._links(step, columns, results)
        else:
            self.lines.append(f"np.{ufunc(step.operation)}.accumulate({terms}, axis=-1, out={out})")

    def _is_unrolled(self, step: Fold | Scan) -> bool:
        """Whether a chain is written as single calls."""
        terms = self._steps[step.references[0]]
        many = terms.batched or len(terms.shape) > 1
        slow = isinstance(step, Fold) and step.operation.numpy.startswith("np.")
        longest = UNROLLED_FUNCTION if slow else UNROLLED
        return (many and self._length(step) <= longest) or not ufunc(step.operation)

    def _length(self, step: Fold | Scan) -> int:
        return self._steps[step.references[0]].shape[-1]

    def _columns(self, array: str, step: Fold | Scan) -> list[str]:
        return [self._make(f"{array}[..., {k}]") for k in range(self._length(step))]

    def _links(self, step: Fold | Scan, columns: list[str], results: list[str]) -> None:
        """The operation of each column from the second on with what came of those before it."""
        terms = self._steps[step.references[0]]
        like = terms.shape[:-1], terms.batched
        before = columns[0]
        for column, result in zip(columns[1:], results[1:], strict=True):
            self._operation(step.operation, [Given(before, like), Given(column, like)], result)
            before = result

    def _slopes(self, ref: Ref, step: Slopes) -> None:
        terms, outcome, slopes = step.references
        out = self._texts[ref] = self._buffers.out(ref, [slopes])
        if out != self._texts[slopes]:
            self.lines.append(f"np.copyto({out}, {self._texts[slopes]})")
        largest = float(np.finfo(self._dtype).eps) ** -0.5  # beyond, less than half of the digits of x − out are right
        repair = f"{self._keep(partial(as_recorded, step.operation, largest))}({self._array(terms)}, {out})"
        self.lines.append(f"if not np.abs({self._texts[outcome]}).max() < {largest}: {repair}")

    def _sum(self, ref: Ref, step: Sum) -> None:
        whole = self._steps[step.references[0]]
        rows = whole.batched and not step.batched
        axes = [a + whole.batched for a, side in enumerate(whole.shape) if step.shape[a] == 1 and side > 1]
        out = self._texts[ref] = self._buffers.out(ref)
        given = self._array(step.references[0])
        if rows and not axes and len(whole.shape) == 1:  # BLAS adds rows faster than a reduction does
            ones = self._make(f"np.ones(n, {self._dtype})")
            self.lines.append(f"np.matmul({ones}, {given}, out={out})")
            return
        out = self._make(f"{out}[None]") if rows else out
        listed = ", ".join(map(str, [0] * rows + axes))
        self.lines.append(f"np.add.reduce({given}, axis=({listed},), keepdims=True, out={out})")

    # ---- numbers from one array to another ----

    def _view(self, ref: Ref, step: View) -> None:
        (source,) = step.references
        if self._is_scalar(source):
            self._texts[ref] = self.text(source)
            self._scalars.add(ref)
        elif step.index.table:
            out = self._texts[ref] = self._buffers.out(ref)
            table = self._keep(step.index.positions)
            flat = self._make(self._row_by_row(source))
            self.lines.append(f"np.take({flat}, {table}, axis=-1, mode='clip', out={out})")
        else:
            self._texts[ref] = self._make(view_call(self.text(source), step.index, step.batched))

    def _row_by_row(self, source: Ref) -> str:
        size = prod(self._steps[source].shape)
        return f"{self.text(source)}.reshape({f'n, {size}' if self._steps[source].batched else size})"

    def _stretch(self, ref: Ref, step: Stretch) -> None:
        out = self._texts[ref] = self._buffers.out(ref)
        self.lines.append(f"np.copyto({out}, {self.text(step.references[0])})")

    def _join(self, ref: Ref, step: Join) -> None:
        out = self._texts[ref] = self._buffers.out(ref)
        start = 0
        for operand in step.references:
            stop = start + self._steps[operand].shape[-1]
            self.lines.append(f"np.copyto({self._make(f'{out}[..., {start}:{stop}]')}, {self._array(operand)})")
            start = stop

    def _scatter(self, ref: Ref, step: Scatter) -> None:
        out = self._texts[ref] = self._buffers.out(ref)
        plan = self._buffers.scattered[ref]
        if plan.cleared:
            self.lines.append(f"{out}.fill(0.0)")
            for k in [*plan.added, *plan.stored]:
                self._piece(ref, step, k, added=True)
            return
        for k in plan.stored:
            if step.references[k] not in self._buffers.direct or step.references[k] in self._scalars:
                self._piece(ref, step, k, added=False)
        for k in plan.added:
            self._piece(ref, step, k, added=True)

    def _piece(self, ref: Ref, step: Scatter, k: int, added: bool) -> None:
        """Store or add a piece of a Scatter."""
        piece, index = self._array(step.references[k]), step.indices[k]
        if index.table or k in self._buffers.scattered[ref].added:
            flat, positions = self._make(self._row_by_row(ref)), self._keep(index.positions)
            where = f"(slice(None), {positions})" if step.batched else positions
            self.lines.append(f"np.add.at({flat}, {where}, {piece})" if added else f"{flat}[{where}] = {piece}")
        else:
            target = self._make(view_call(self._texts[ref], index, step.batched))
            store = f"np.add({target}, {piece}, out={target})" if added else f"np.copyto({target}, {piece})"
            self.lines.append(store)


def listed(arguments: list[Given]) -> str:
    """Arguments as they stand in a call."""
    return ", ".join(given.text for given in arguments)


def as_recorded(operation: Operation, largest: float, terms: Any, slopes: Any) -> None:
    """Overwrite the slopes of those chains, a row each, whose outcome is not between -largest and largest."""
    length = terms.shape[-1]
    for given, found in zip(terms.reshape(-1, length).tolist(), slopes.reshape(-1, length), strict=True):
        outcome, recorded = chain_slopes(operation, given)
        if not abs(outcome) < largest:
            found[:] = recorded


# ---- the rows' numpy templates, taken apart ----

_OPERATORS: dict[type, str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.USub: "negative",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}


@dataclass(frozen=True)
class Call:
    """``np.function(*arguments)``; an argument is "a", "b", the number of an earlier call, or source as it stands."""

    function: str
    arguments: tuple[str | int, ...]


@cache
def calls(row: Operation) -> tuple[Call, ...]:
    """The calls of a row's numpy template, the last of which gives its value."""
    found: list[Call] = []
    outcome = _take_apart(ast.parse(row.numpy.format(a="a", b="b"), mode="eval").body, found, {})
    if not isinstance(outcome, int):
        found.append(Call("positive", (outcome,)))
    return tuple(found)


def ufunc(row: Operation) -> str:
    """The name of the ufunc that the row is, with both operands in order; "" if it is none."""
    only = calls(row)
    return only[0].function if len(only) == 1 and only[0].arguments == ("a", "b") and is_ufunc(only[0].function) else ""


def is_ufunc(function: str) -> bool:
    """Whether NumPy has it as a ufunc, which takes an ``out``."""
    return isinstance(getattr(np, function), np.ufunc)


def _take_apart(node: Any, found: list[Call], named: dict[str, str | int]) -> str | int:
    """Append the calls of an expression; returns what stands for its value."""
    match node:
        case ast.BinOp(left, op, right):
            function, parts = _OPERATORS[type(op)], [left, right]
        case ast.UnaryOp(op, operand) if not isinstance(operand, ast.Constant):
            function, parts = _OPERATORS[type(op)], [operand]
        case ast.Compare(left, [op], [right]):
            function, parts = _OPERATORS[type(op)], [left, right]
        case ast.Call(ast.Attribute(ast.Name("np"), function), parts):
            pass
        case ast.NamedExpr(ast.Name(name), value):
            named[name] = _take_apart(value, found, named)
            return named[name]
        case ast.Name(name) if name in named:
            return named[name]
        case _:
            return ast.unparse(node)
    found.append(Call(function, tuple(_take_apart(part, found, named) for part in parts)))
    return len(found) - 1
