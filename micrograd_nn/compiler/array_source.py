"""Array steps as source: for each the lines that compute it.

An operation is written by its row's ``numpy`` template and nowhere else: the template is parsed once, into calls that
write into arrays made before. Numbers that do not vary stay Python floats, so that float32 stays float32.
"""

from collections.abc import Callable, Set
from dataclasses import dataclass
from functools import cache, partial
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..engine.operation import Operation
from . import steps as kinds
from .backend import execute
from .buffers import Buffers, Kind, sides, view_call
from .steps import Ref, Shape, Step, Steps, chain_slopes, stretch
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
        self._scalar = _scalars(steps)
        self._texts: dict[Ref, str] = {}
        self._writers: dict[type[Step], Callable[[Ref, Any], str]] = {
            kinds.Leaf: lambda _, step: step.source,
            kinds.Constant: self._constant,
            kinds.Apply: self._apply,
            kinds.MatMul: self._matmul,
            kinds.Gram: self._gram,
            kinds.Fold: self._fold,
            kinds.Scan: self._scan,
            kinds.Slopes: self._slopes,
            kinds.Sum: self._sum,
            kinds.View: self._view,
            kinds.Stretch: self._stretch,
            kinds.Scatter: self._scatter,
        }
        for ref in map(Ref, range(len(steps))):
            if self._buffers.needed[ref]:
                self._texts[ref] = self._writers[type(steps[ref])](ref, steps[ref])
                self._buffers.done(ref)

    def text(self, operand: Ref | float) -> str:
        """How an operand is written."""
        if isinstance(operand, Ref):
            return self._texts[operand]
        largest = float(np.finfo(self._dtype).max)
        return constant(max(-largest, min(largest, operand)) if abs(operand) < np.inf else operand)

    def _keep(self, thing: Any) -> str:
        """A name for an array, or for a function, that the lines refer to."""
        name = f"{self._prefix}_{len(self.scope)}"
        self.scope[name] = thing
        return name

    def _make(self, expression: str) -> str:
        """A name for an array or view that is made once."""
        name = f"{self._prefix}v{len(self.made)}"
        self.made.append(f"{name} = {expression}")
        return name

    def _array(self, operand: Ref) -> str:
        """An operand as an array, also where it is a single number that does not vary."""
        if not self._scalar[operand]:
            return self._texts[operand]
        name = self._make(f"np.zeros({sides(self._steps[operand].shape, False)}, {self._dtype})")
        self.lines.append(f"{name}.fill({self._texts[operand]})")
        return name

    def _constant(self, _: Ref, step: kinds.Constant) -> str:
        largest = np.finfo(self._dtype).max
        fits = np.where(np.isinf(step.numbers), step.numbers, np.clip(step.numbers, -largest, largest))
        return self._keep(fits.astype(self._dtype))

    # ---- operations ----

    def _apply(self, ref: Ref, step: kinds.Apply) -> str:
        if self._scalar[ref]:
            name = f"{self._prefix}s{ref.number}"
            texts = dict(zip("ab", map(self.text, step.operands), strict=False))
            self.lines.append(f"{name} = {template(step).format(**texts)}")
            return name
        out = self._buffers.out(ref, step.references)
        self._operation(step.operation, [self._given(operand) for operand in step.operands], out)
        return out

    def _given(self, operand: Ref | float) -> Given:
        if not isinstance(operand, Ref) or self._scalar[operand]:
            return Given(self.text(operand))
        return Given(self._texts[operand], (self._steps[operand].shape, self._steps[operand].batched))

    def _operation(self, operation: Operation, operands: list[Given], out: str) -> None:
        """The calls of an operation's template; the last one writes into ``out``."""
        known: dict[str | int, Given] = dict(zip("ab", operands, strict=False))
        spent: list[tuple[str, Kind]] = []
        *inner, last = calls(operation)
        for k, call in enumerate(inner):
            given = _given(call, known)
            likes, made = [one.like for one in given if one.like is not None], (call.function, given[-1].text)
            if call.function in IDEMPOTENT and given[0].made == made:
                known[k] = given[0]
            elif likes:
                shape, batched = stretch(shape for shape, _ in likes), any(batched for _, batched in likes)
                kind = shape, batched, "bool" if call.function in TRUTHS else self._dtype
                spent.append((self._buffers.fresh(kind), kind))
                known[k] = Given(spent[-1][0], (shape, batched), made)
                self._call(call.function, given, known[k].text)
            else:
                known[k] = Given(f"np.{self._dtype}(np.{call.function}({listed(given)}))")
        self._call(last.function, _given(last, known), out)
        for name, kind in spent:
            self._buffers.spend(name, kind)

    def _call(self, function: str, given: list[Given], out: str) -> None:
        written = f"np.{function}({listed(given)}"
        self.lines.append(f"{written}, out={out})" if is_ufunc(function) else f"{out}[...] = {written})")

    def _matmul(self, ref: Ref, step: kinds.MatMul) -> str:
        a, b = step.references
        left, right, out = self._flat(a), self._array(b), self._buffers.out(ref)
        right = self._make(f"{right}.T") if step.transposed else right
        flat = self._make(f"{out}.reshape(-1, {step.shape[-1]})") if step.batched and len(step.shape) > 1 else out
        self.lines.append(f"np.matmul({left}, {right}, out={flat})")
        return out

    def _gram(self, ref: Ref, step: kinds.Gram) -> str:
        a, b = map(self._flat, step.references)
        first = self._steps[step.references[0]]
        if not first.batched and len(first.shape) == 1:
            a, b = self._make(f"{a}[None]"), self._make(f"{b}[None]")
        out = self._buffers.out(ref)
        self.lines.append(f"np.matmul({self._make(f'{a}.T')}, {b}, out={out})")
        return out

    def _flat(self, operand: Ref) -> str:
        """An array as a matrix with the last side across; a view that can't be seen so is copied."""
        step, text = self._steps[operand], self._array(operand)
        if not (step.batched and len(step.shape) > 1):
            return text
        if self._buffers.owner[operand] != operand:
            copy = self._make(f"np.zeros({sides(step.shape, step.batched)}, {self._dtype})")
            self.lines.append(f"np.copyto({copy}, {text})")
            text = copy
        return self._make(f"{text}.reshape(-1, {step.shape[-1]})")

    def _fold(self, ref: Ref, step: kinds.Fold) -> str:
        terms, out = self._array(step.references[0]), self._buffers.out(ref)
        self._chain(step, terms, out, "reduce")
        return out

    def _scan(self, ref: Ref, step: kinds.Scan) -> str:
        terms, out = self._array(step.references[0]), self._buffers.out(ref)
        onwards = self._make(f"{out}[..., ::-1]") if step.reverse else out
        terms = self._make(f"{terms}[..., ::-1]") if step.reverse else terms
        self._chain(step, terms, onwards, "accumulate")
        return out

    def _chain(self, step: kinds.Fold | kinds.Scan, terms: str, out: str, method: str) -> None:
        """That method of the operation's ufunc; or a call for each term from the second on, where that is faster."""
        given, function, only = self._steps[step.references[0]], ufunc(step.operation), isinstance(step, kinds.Fold)
        like, count = (given.shape[:-1], given.batched), given.shape[-1]
        longest = UNROLLED_FUNCTION if only and step.operation.numpy.startswith("np.") else UNROLLED
        if function and (count > longest or like == ((), False)):
            self.lines.append(f"np.{function}.{method}({terms}, axis=-1, out={out})")
            return
        columns = [self._make(f"{terms}[..., {k}]") for k in range(count)]
        results = [out] * count if only else [self._make(f"{out}[..., {k}]") for k in range(count)]
        if not only:
            self.lines.append(f"np.copyto({results[0]}, {columns[0]})")
        before = columns[0]
        for column, result in zip(columns[1:], results[1:], strict=True):
            self._operation(step.operation, [Given(before, like), Given(column, like)], result)
            before = result

    def _slopes(self, ref: Ref, step: kinds.Slopes) -> str:
        terms, outcome, slopes = map(self._array, step.references)
        out = self._buffers.out(ref, step.references[-1:])
        if out != slopes:
            self.lines.append(f"np.copyto({out}, {slopes})")
        largest = float(np.finfo(self._dtype).eps) ** -0.5  # beyond, less than half of the digits of x − out are right
        recorded = self._keep(partial(as_recorded, step.operation, largest))
        small = (
            f"np.vdot({outcome}, {outcome}) < {largest**2} or np.abs({outcome}).max() < {largest}"  # quick look first
        )
        self.lines.append(f"if not ({small}): {recorded}({terms}, {out})")
        return out

    def _sum(self, ref: Ref, step: kinds.Sum) -> str:
        given, out = self._array(step.references[0]), self._buffers.out(ref)
        whole = self._steps[step.references[0]]
        rows = whole.batched and not step.batched
        axes = [a + whole.batched for a, side in enumerate(whole.shape) if step.shape[a] == 1 and side > 1]
        if rows and not axes and len(whole.shape) == 1:  # BLAS adds rows faster than a reduction does
            ones = self._make(f"np.ones(n, {self._dtype})")
            self.lines.append(f"np.matmul({ones}, {given}, out={out})")
        elif axes == [1] and not rows and len(whole.shape) == 1:  # and the numbers of a row
            ones = self._make(f"np.ones(({whole.shape[0]}, 1), {self._dtype})")
            self.lines.append(f"np.matmul({given}, {ones}, out={out})")
        else:
            target = self._make(f"{out}[None]") if rows else out
            listed = ", ".join(map(str, [0] * rows + axes))
            self.lines.append(f"np.add.reduce({given}, axis=({listed},), keepdims=True, out={target})")
        return out

    # ---- numbers from one array to another ----

    def _view(self, ref: Ref, step: kinds.View) -> str:
        (source,) = step.references
        if self._scalar[ref]:
            return self.text(source)
        if not step.index.table:
            return self._make(view_call(self.text(source), step.index, step.batched))
        out, table, flat = self._buffers.out(ref), self._keep(step.index.positions), self._row_by_row(source)
        self.lines.append(f"np.take({flat}, {table}, axis=-1, mode='clip', out={out})")
        return out

    def _row_by_row(self, source: Ref) -> str:
        size = prod(self._steps[source].shape)
        sizes = f"n, {size}" if self._steps[source].batched else str(size)
        return self._make(f"{self.text(source)}.reshape({sizes})")

    def _stretch(self, ref: Ref, step: kinds.Stretch) -> str:
        out = self._buffers.out(ref)
        self.lines.append(f"np.copyto({out}, {self.text(step.references[0])})")
        return out

    def _scatter(self, ref: Ref, step: kinds.Scatter) -> str:
        out = self._texts[ref] = self._buffers.out(ref)
        plan = self._buffers.scattered[ref]
        if plan.cleared:
            self.lines.append(f"{out}.fill(0.0)")
        for k in (*plan.stored, *plan.added):
            index, overlaps, added = step.indices[k], k in plan.added, plan.cleared or k in plan.added
            if step.references[k] in self._buffers.direct and not self._scalar[step.references[k]]:
                continue  # it is there already
            piece = self._array(step.references[k])
            if index.table or overlaps:
                flat, positions = self._row_by_row(ref), self._keep(index.positions)
                where = f"(slice(None), {positions})" if step.batched else positions
                self.lines.append(f"np.add.at({flat}, {where}, {piece})" if added else f"{flat}[{where}] = {piece}")
            else:
                target = self._make(view_call(out, index, step.batched))
                self.lines.append(
                    f"np.add({target}, {piece}, out={target})" if added else f"np.copyto({target}, {piece})"
                )
        return out


def _scalars(steps: Steps) -> list[bool]:
    """Which steps are a single number that does not vary: it stays a float of Python's."""
    scalar: list[bool] = []
    for step in steps:
        single = isinstance(step, kinds.Leaf) and step.shape == () and not step.batched
        made = isinstance(step, kinds.Apply | kinds.View) and all(scalar[ref] for ref in step.references)
        scalar.append(single or made)
    return scalar


def _given(call: "Call", known: dict[str | int, Given]) -> list[Given]:
    return [known.get(argument, Given(str(argument))) for argument in call.arguments]


def listed(given: list[Given]) -> str:
    """Arguments as they stand in a call."""
    return ", ".join(one.text for one in given)


def as_recorded(operation: Operation, largest: float, terms: Any, slopes: Any) -> None:
    """Overwrite the slopes of those chains, a row each, whose outcome is not between -largest and largest."""
    length = terms.shape[-1]
    for given, found in zip(terms.reshape(-1, length).tolist(), slopes.reshape(-1, length), strict=True):
        outcome, recorded = chain_slopes(operation, given)
        if not abs(outcome) < largest:
            found[:] = recorded


# ---- the rows' numpy templates, taken apart ----


@dataclass(frozen=True)
class Call:
    """``np.function(*arguments)``; an argument is "a", "b", the number of an earlier call, or source as it stands."""

    function: str
    arguments: tuple[str | int, ...]


class Recorded(NDArrayOperatorsMixin):
    """An operand, or what a call gives, while a template is evaluated: NumPy asks it to make the call."""

    def __init__(self, key: str | int, found: list[Call]) -> None:
        self.key, self.found = key, found

    def __array_ufunc__(self, function: Any, method: str, *arguments: Any) -> "Recorded":
        """Write the call down."""
        keys = (given.key if isinstance(given, Recorded) else constant(float(given)) for given in arguments)
        self.found.append(Call(function.__name__, tuple(keys)))
        return Recorded(len(self.found) - 1, self.found)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> "Recorded":
        """Likewise, of a function that is no ufunc."""
        return self.__array_ufunc__(function, "", *arguments)


@cache
def calls(row: Operation) -> tuple[Call, ...]:
    """The calls of a row's numpy template, the last of which gives its value."""
    found: list[Call] = []
    a, b = Recorded("a", found), Recorded("b", found)
    outcome = execute(f"outcome = {row.numpy.format(a='a', b='b')}", np=np, a=a, b=b)["outcome"]
    if not isinstance(getattr(outcome, "key", None), int):  # an operand as it stands, or a number
        a.__array_ufunc__(np.positive, "", outcome)
    return tuple(found)


def ufunc(row: Operation) -> str:
    """The name of the ufunc that the row is, with both operands in order; "" if it is none."""
    only = calls(row)
    return only[0].function if len(only) == 1 and only[0].arguments == ("a", "b") and is_ufunc(only[0].function) else ""


def is_ufunc(function: str) -> bool:
    """Whether NumPy has it as a ufunc, which takes an ``out``."""
    return isinstance(getattr(np, function), np.ufunc)
