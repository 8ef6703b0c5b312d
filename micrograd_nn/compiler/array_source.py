"""Array steps as source: for each the lines that compute it.

Promise: an operation is written by its row's ``numpy`` template, taken apart into calls that write into arrays made
before; numbers that do not vary stay Python floats, so that float32 stays float32.
"""

from collections.abc import Set
from typing import Any

import numpy as np

from .buffers import Buffers, sides, view_call
from .layout import size_of, unfold
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
    Step,
    Steps,
    Stretch,
    Sum,
    View,
    stretch,
)
from .straight import constant, template
from .templates import calls, ufunc

TRUTHS = {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "isnan", "isfinite", "isinf"}
IDEMPOTENT = {"minimum", "maximum"}  # f(f(a, b), b) is f(a, b)


class ArraySource:
    """The lines for some outputs of a tape: ``made`` once for a number of rows, ``lines`` in every call.

    ``stores`` are arrays from outside that an outcome is written to, step number -> name. ``scope`` holds the arrays
    that the lines refer to: constants and tables of places. What is ``spendable`` from outside may be written over.
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
        self._buffers = Buffers(steps, outputs, prefix, dtype, stores or {}, spendable)
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
        numbers = np.frombuffer(step.content).reshape(step.shape)
        largest = np.finfo(self._dtype).max
        fits = np.where(np.isinf(numbers), numbers, np.clip(numbers, -largest, largest))
        self._texts[ref] = self._keep(fits.astype(self._dtype))

    # ---- operations ----

    def _apply(self, ref: Ref, step: Apply) -> None:
        if all(self._is_scalar(operand) for operand in step.operands):
            texts = dict(zip("ab", map(self.text, step.operands), strict=False))
            self._texts[ref] = f"{self._prefix}s{ref.number}"
            self._scalars.add(ref)
            self.lines.append(f"{self._texts[ref]} = {template(step).format(**texts)}")
            return
        given = dict(zip("ab", step.operands, strict=False))
        known: dict[Any, tuple[str, Any]] = {
            name: (self.text(o), self._steps[o] if isinstance(o, Ref) and not self._is_scalar(o) else None)
            for name, o in given.items()
        }
        spent = []
        made: dict[Any, tuple[str, Any]] = {}
        program = calls(step.operation)
        for k, call in enumerate(program):
            arguments = [known.get(argument, (argument, None)) for argument in call.arguments]
            first = call.arguments[0]
            if call.function in IDEMPOTENT and (call.function, arguments[-1][0]) == made.get(first):
                known[k] = known[first]
                continue
            made[k] = call.function, arguments[-1][0]
            arrays = [array for _, array in arguments if array is not None]
            like = Step((), stretch(array.shape for array in arrays), any(array.batched for array in arrays))
            if k == len(program) - 1:
                out = self._texts[ref] = self._buffers.out(ref, in_place=True)
            elif not arrays:
                known[k] = (
                    f"np.{self._dtype}(np.{call.function}({', '.join(map(str, (t for t, _ in arguments)))}))",
                    None,
                )
                continue
            else:
                truth = call.function in TRUTHS
                kind = (like.shape, like.batched, "bool" if truth else self._dtype)
                out = self._buffers.fresh(kind)
                spent.append((out, kind))
            self._call(call.function, [str(text) for text, _ in arguments], out)
            known[k] = (out, like)
        for out, kind in spent:
            self._buffers.spend(out, kind)

    def _call(self, function: str, arguments: list[str], out: str) -> None:
        listed = ", ".join(arguments)
        if isinstance(getattr(np, function), np.ufunc):
            self.lines.append(f"np.{function}({listed}, out={out})")
        else:
            self.lines.append(f"{out}[...] = np.{function}({listed})")

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
        if scan is not None:
            running = self._steps[scan]
            assert isinstance(running, Scan)
            self._scan(scan, running)
            self._texts[ref] = self._make(f"{self._texts[scan]}[..., -1]")
            return
        out = self._texts[ref] = self._buffers.out(ref)
        self.lines.append(f"np.{ufunc(step.operation)}.reduce({self._array(step.references[0])}, axis=-1, out={out})")

    def _scan(self, ref: Ref, step: Scan) -> None:
        out = self._texts[ref] = self._buffers.out(ref)
        given = self._array(step.references[0])
        if step.reverse:
            given, out = self._make(f"{given}[..., ::-1]"), self._make(f"{out}[..., ::-1]")
        self.lines.append(f"np.{ufunc(step.operation)}.accumulate({given}, axis=-1, out={out})")

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
            table = self._keep(np.frombuffer(step.index.table, dtype=np.int64).reshape(step.shape))
            flat = self._make(self._row_by_row(source))
            self.lines.append(f"np.take({flat}, {table}, axis=-1, mode='clip', out={out})")
        else:
            self._texts[ref] = self._make(view_call(self.text(source), step.index, step.shape, step.batched))

    def _row_by_row(self, source: Ref) -> str:
        size = size_of(self._steps[source].shape)
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
        for k in [*([] if plan.cleared else plan.stored), *plan.added, *(plan.stored if plan.cleared else [])]:
            piece, index, shape = step.references[k], step.indices[k], step.shapes[k]
            if piece in self._buffers.direct and piece not in self._scalars:
                continue
            added = plan.cleared or k in plan.added
            if index.table or k in plan.added:
                self._scatter_table(ref, k, added)
            else:
                target = self._make(view_call(out, index, shape, step.batched))
                line = f"np.add({target}, {self._array(piece)}, out={target})"
                self.lines.append(line if added else f"np.copyto({target}, {self._array(piece)})")

    def _scatter_table(self, ref: Ref, k: int, added: bool) -> None:
        step = self._steps[ref]
        assert isinstance(step, Scatter)
        flat = self._make(self._row_by_row(ref))
        places = self._keep(unfold(step.indices[k], step.shapes[k]))
        where = f"(slice(None), {places})" if step.batched else places
        text = self._array(step.references[k])
        self.lines.append(f"np.add.at({flat}, {where}, {text})" if added else f"{flat}[{where}] = {text}")
