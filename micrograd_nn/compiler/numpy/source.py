"""Array steps as source: for each the lines that compute it.

An operation is written by its row's ``numpy`` template and nowhere else: the template is evaluated on operands that
write down the calls of NumPy it makes, and each call writes into an array made before. Numbers that do not vary stay
Python floats, so that float32 stays float32.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import zip_longest
from math import prod
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ...engine.operation import Operation
from .. import steps as kinds
from ..backend import execute
from ..layout import arange, columns, in_full, join, view
from ..steps import Ref, Step, Steps, Tape, Tracer, live
from ..straight import constant, template
from .buffers import Buffers, Call, sides, view_call

TRUTHS = {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "isnan", "isfinite", "isinf"}
IDEMPOTENT = {"minimum", "maximum"}  # f(f(a, b), b) is f(a, b)
UNROLLED = 4  # so many terms of a chain are single calls: up to ten times faster than a reduction of a thousand rows
UNROLLED_FUNCTION = 16  # so many of a fold that is no sum or product: NumPy reduces those more slowly


class ArraySource:
    """The lines for some outputs of steps taken apart: ``made`` once for a number of rows, ``lines`` in every call.

    ``results`` says how each output is written. One that has a name among ``targets`` is left in that array from
    outside. ``scope`` holds what the lines refer to: constants and tables of positions.
    """

    def __init__(
        self, steps: Steps, outputs: Sequence[Ref | float], dtype: str, prefix: str, targets: Sequence[str] = ()
    ) -> None:
        self._steps, self._dtype, self._prefix = steps, dtype, prefix
        pairs = list(zip_longest(outputs, targets, fillvalue=""))
        wanted = {output: target for output, target in pairs if isinstance(output, Ref)}
        self._buffers = Buffers(self._steps, wanted, prefix, dtype)
        self.made, self.lines = self._buffers.made, list[str]()
        self.scope: dict[str, Any] = {}
        self._scalar = scalars(self._steps)
        self._texts: dict[Ref, str] = {}
        self._ends: dict[Ref, int] = {}  # how many lines there are when a step is written
        for ref in map(Ref, range(len(self._steps))):
            if self._buffers.needed[ref]:
                self._texts[ref] = self._write(ref, self._steps[ref])
                self._buffers.done(ref)
                self._ends[ref] = len(self.lines)
        self.results = [self._text(output) for output in outputs]
        copied = [(target, result) for (_, target), result in zip(pairs, self.results, strict=True)]
        self.lines += [f"np.copyto({target}, {result})" for target, result in copied if target not in ("", result)]

    def cut(self, output: Ref | float) -> tuple[list[str], list[str]]:
        """The lines up to where an output is known, and those behind."""
        end = self._ends[output] if isinstance(output, Ref) else 0
        return self.lines[:end], self.lines[end:]

    def _write(self, ref: Ref, step: Step) -> str:
        """Write the lines of a step. Returns how those that use it write it."""
        match step:
            case kinds.Leaf():
                return step.source
            case kinds.Constant():
                return self._keep(self._rounded(step.numbers).astype(self._dtype))
            case kinds.View() if not step.index.table:
                text = self._text(step.references[0])
                return text if self._scalar[ref] else self._make(view_call(text, step.index, step.batched))
            case _ if self._scalar[ref]:
                if not step.references:  # made of constants
                    return self._make(self._number(step))
                name = f"{self._prefix}s{ref.number}"
                self.lines.append(f"{name} = {self._number(step)}")
                return name
        out = self._texts[ref] = self._buffers.out(ref)
        for line in self._computed(ref, step, out):
            self.lines.append(line)
        return out

    def _computed(self, ref: Ref, step: Step, out: str) -> Iterable[str]:
        """The lines that write a step's numbers into its array."""
        match step:
            case Call():
                call = f"np.{step.function}({self._listed(step)}"
                return [f"{call}, out={out})" if is_ufunc(step.function) else f"{out}[...] = {call})"]
            case kinds.MatMul():
                return self._matmul(step, out)
            case kinds.Gram():
                return self._gram(step, out)
            case kinds.Fold():
                return [f"np.{ufunc(step.operation)}.reduce({self._array(step.references[0])}, axis=-1, out={out})"]
            case kinds.Scan():
                terms, back = self._array(step.references[0]), "[..., ::-1]" if step.reverse else ""
                return [f"np.{ufunc(step.operation)}.accumulate({terms}{back}, axis=-1, out={out}{back})"]
            case kinds.Slopes():
                return self._slopes(step, out)
            case kinds.Sum():
                return self._sum(step, out)
            case kinds.View():
                flat, table = self._row_by_row(step.references[0]), self._keep(step.index.positions)
                return [f"np.take({flat}, {table}, axis=-1, mode='clip', out={out})"]
            case kinds.Stretch():
                return [f"np.copyto({out}, {self._text(step.references[0])})"]
            case kinds.Scatter():
                return self._scatter(ref, step, out)
        raise AssertionError(f"no lines for a {type(step).__name__}")

    # ---- how things are written ----

    def _text(self, operand: Ref | float) -> str:
        """How an operand is written."""
        if isinstance(operand, Ref):
            return self._texts[operand]
        return constant(float(self._rounded(operand)))

    def _listed(self, step: Step) -> str:
        return ", ".join(map(self._text, step.operands))

    def _keep(self, thing: Any) -> str:
        """A name for an array, or for a function, that the lines refer to."""
        name = f"{self._prefix}_{len(self.scope)}"
        self.scope[name] = thing
        return name

    def _make(self, expression: str) -> str:
        return self._buffers.make(expression)

    def _zeros(self, step: Step) -> str:
        return self._make(f"np.zeros({sides(step.shape, step.batched)}, {self._dtype})")

    def _array(self, operand: Ref) -> str:
        """An operand as an array, also where it is a single number that does not vary."""
        if not self._scalar[operand]:
            return self._texts[operand]
        name = self._zeros(self._steps[operand])
        self.lines.append(f"{name}.fill({self._texts[operand]})")
        return name

    def _row_by_row(self, source: Ref) -> str:
        step = self._steps[source]
        return self._make(f"{self._text(source)}.reshape{sides((prod(step.shape),), step.batched)}")

    def _flat(self, operand: Ref) -> str:
        """An array as a matrix with the last side across; a view that can't be seen so is copied."""
        step, text = self._steps[operand], self._array(operand)
        foreign = self._buffers.owner[operand] != operand or operand in self._buffers.direct
        if foreign and step.batched and len(step.shape) > 1:
            copy = self._zeros(step)
            self.lines.append(f"np.copyto({copy}, {text})")
            text = copy
        return self._as_matrix(text, step)

    def _as_matrix(self, text: str, step: Step) -> str:
        flat = step.batched and len(step.shape) > 1
        return self._make(f"{text}.reshape(-1, {step.shape[-1]})") if flat else text

    # ---- what is computed ----

    def _rounded(self, numbers: Any) -> Any:
        """Constants that are finite in the program's numbers if they are finite."""
        largest = np.finfo(self._dtype).max
        return np.where(np.isinf(numbers), numbers, np.clip(numbers, -largest, largest))

    def _number(self, step: Step) -> str:
        """A number that does not vary, over floats."""
        if isinstance(step, Call):
            return f"np.{self._dtype}(np.{step.function}({self._listed(step)}))"
        assert isinstance(step, kinds.Apply)
        return template(step).format(**dict(zip("ab", map(self._text, step.operands), strict=False)))

    def _matmul(self, step: kinds.MatMul, out: str) -> Iterable[str]:
        a, b = step.references
        left, right = self._flat(a), self._array(b)
        right = self._make(f"{right}.T") if step.transposed else right
        yield f"np.matmul({left}, {right}, out={self._as_matrix(out, step)})"

    def _gram(self, step: kinds.Gram, out: str) -> Iterable[str]:
        a, b = map(self._flat, step.references)
        first = self._steps[step.references[0]]
        lone = "[None]" if not first.batched and len(first.shape) == 1 else ""
        yield f"np.matmul({self._make(f'{a}{lone}.T')}, {b}{lone}, out={out})"

    def _slopes(self, step: kinds.Slopes, out: str) -> Iterable[str]:
        terms, outcome, slopes = map(self._array, step.references)
        if out != slopes:
            yield f"np.copyto({out}, {slopes})"
        largest = float(np.finfo(self._dtype).eps) ** -0.5  # beyond, less than half of the digits of x − out are right
        recorded = self._keep(partial(as_recorded, step.operation, largest))
        small = f"np.vdot({outcome}, {outcome}) < {largest**2}"  # a quick look first
        yield f"if not ({small} or np.abs({outcome}).max() < {largest}): {recorded}({terms}, {out})"

    def _sum(self, step: kinds.Sum, out: str) -> Iterable[str]:
        given, whole = self._array(step.references[0]), self._steps[step.references[0]]
        rows = whole.batched and not step.batched
        axes = [a + whole.batched for a, side in enumerate(whole.shape) if step.shape[a] == 1 and side > 1]
        if rows and not axes and len(whole.shape) == 1:  # BLAS adds rows faster than a reduction does
            yield f"np.matmul({self._make(f'np.ones(n, {self._dtype})')}, {given}, out={out})"
        elif axes == [1] and not rows and len(whole.shape) == 1:  # and the numbers of a row
            yield f"np.matmul({given}, {self._make(f'np.ones(({whole.shape[0]}, 1), {self._dtype})')}, out={out})"
        else:
            target = self._make(f"{out}[None]") if rows else out
            listed = ", ".join(map(str, [0] * rows + axes))
            yield f"np.add.reduce({given}, axis=({listed},), keepdims=True, out={target})"

    def _scatter(self, ref: Ref, step: kinds.Scatter, out: str) -> Iterable[str]:
        disjoint = self._buffers.disjoint[ref]
        if not disjoint:
            yield f"{out}.fill(0.0)"
        for operand, index in zip(step.references, step.indices, strict=True):
            if self._buffers.direct.get(operand) == (ref, index) and not self._scalar[operand]:
                continue  # it is there already
            piece = self._array(operand)
            if disjoint and not index.table:
                yield f"np.copyto({self._make(view_call(out, index, step.batched))}, {piece})"
            else:
                flat, positions = self._row_by_row(ref), self._keep(index.positions)
                where = f"(slice(None), {positions})" if step.batched else positions
                yield f"{flat}[{where}] = {piece}" if disjoint else f"np.add.at({flat}, {where}, {piece})"


def scalars(steps: Steps) -> list[bool]:
    """Which steps are a single number that does not vary: it stays a float of Python's."""
    scalar: list[bool] = []
    for step in steps:
        single = isinstance(step, kinds.Leaf) and step.shape == () and not step.batched
        made = isinstance(step, kinds.Apply | Call | kinds.View) and all(scalar[ref] for ref in step.references)
        scalar.append(single or made)
    return scalar


def as_recorded(operation: Operation, largest: float, terms: Any, slopes: Any) -> None:
    """Overwrite the slopes of those chains, a row each, whose outcome is not between -largest and largest.

    A recorded chain grows to the left: what one link passes on is multiplied by the slope of each later link.

    >>> from micrograd_nn.engine.ops import maximum
    >>> slopes = np.zeros((1, 4))
    >>> as_recorded(maximum, 0.0, np.array([[2.0, 2.0, 2.0, 1.0]]), slopes)
    >>> slopes.tolist()
    [[0.25, 0.25, 0.5, 0.0]]
    """
    length = terms.shape[-1]
    for (before, *later), found in zip(terms.reshape(-1, length).tolist(), slopes.reshape(-1, length), strict=True):
        recorded = [1.0]
        for term in later:
            after = operation.forward(before, term)
            onwards, own = (slope(before, term, after) for slope in operation.partials)
            recorded = [*(passed_on * onwards for passed_on in recorded), own]
            before = after
        if not abs(before) < largest:
            found[:] = recorded


# ---- operations as calls of NumPy ----


@np.errstate(all="ignore")  # a template may act on constants alone
def taken_apart(steps: Steps, outputs: Sequence[Ref | float]) -> tuple[list[Step], list[Ref | float]]:
    """The steps that the outputs depend on, with operations on arrays and short chains as calls; and the outputs."""
    tape, moved = Tape(), dict[Ref, Ref]()
    needed, scalar = live(steps, outputs), scalars(steps)
    for number, step in enumerate(steps):
        if needed[number]:
            operands = tuple([moved[operand] if isinstance(operand, Ref) else operand for operand in step.operands])
            if isinstance(step, kinds.Apply) and not scalar[number]:
                outcome = in_full(tape, called(tape, step.operation, operands), step.shape, step.batched)
            elif isinstance(step, kinds.Fold | kinds.Scan) and _by_links(step, steps[step.references[0]]):
                outcome = _links(step, Tracer(tape, moved[step.references[0]]))
            else:
                outcome = tape.add(replace(step, operands=operands))
            moved[Ref(number)] = outcome.ref
    return tape.steps, [moved[output] if isinstance(output, Ref) else output for output in outputs]


def called(tape: Tape, row: Operation, operands: Sequence[Ref | float]) -> Tracer | float:
    """The calls of a row's template on these operands, written on the tape; or the number that it is."""
    outcome = evaluated(row)(*(Traced(tape, operand) if isinstance(operand, Ref) else operand for operand in operands))
    if not isinstance(outcome, Traced):
        return float(outcome)
    step = tape.steps[outcome.ref]
    truth = isinstance(step, Call) and step.truth
    return tape.add(replace(step, truth=False)) if truth else Tracer(tape, outcome.ref)  # type: ignore[call-arg]


@cache
def evaluated(row: Operation) -> Callable[..., Any]:
    """An operation as a function of arrays."""
    evaluate: Callable[..., Any] = execute(f"made = lambda a, b=None: {row.numpy.format(a='a', b='b')}", np=np)["made"]
    return evaluate


class Traced(NDArrayOperatorsMixin):
    """An operand of a template, or what a call gives: NumPy asks it to make the call, and it writes that down."""

    def __init__(self, tape: Tape, ref: Ref) -> None:
        self.tape, self.ref = tape, ref

    def __array_ufunc__(self, function: Any, method: str, *arguments: Any) -> "Traced":
        """Write the call down, unless it changes nothing."""
        operands = tuple(given.ref if isinstance(given, Traced) else float(given) for given in arguments)
        name, first = function.__name__, self.tape.steps[self.ref]
        again = isinstance(first, Call) and (first.function, first.operands[-1]) == (name, operands[-1])
        if again and name in IDEMPOTENT and operands[0] == self.ref:
            return self
        return Traced(self.tape, self.tape.each(Call, operands, name, name in TRUTHS).ref)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> "Traced":
        """Likewise, of a function that is no ufunc."""
        return self.__array_ufunc__(function, "", *arguments)


def _by_links(step: kinds.Fold | kinds.Scan, terms: Step) -> bool:
    """Whether a chain has no ufunc for its operation, or is so short that a call for each link is faster."""
    function = isinstance(step, kinds.Fold) and step.operation.numpy.startswith("np.")
    alone = len(terms.shape) == 1 and not terms.batched
    short = terms.shape[-1] <= (UNROLLED_FUNCTION if function else UNROLLED)
    return not ufunc(step.operation) or (short and not alone)


def _links(step: kinds.Fold | kinds.Scan, terms: Tracer) -> Tracer:
    """A chain as a call for each link, number by number along the last side."""
    backwards = isinstance(step, kinds.Scan) and step.reverse
    first, *others = [columns(terms, k, k + 1) for k in range(terms.step.shape[-1])][:: -1 if backwards else 1]
    results = [first]
    for term in others:
        outcome = called(terms.tape, step.operation, (results[-1].ref, term.ref))
        results.append(in_full(terms.tape, outcome, term.step.shape, term.step.batched))
    if isinstance(step, kinds.Scan):
        return join(results[::-1] if backwards else results)
    return view(results[-1], arange(step.shape))


@cache
def ufunc(row: Operation) -> str:
    """The name of the ufunc that the row is, with both operands in order; "" if it is none."""
    tape = Tape([kinds.Leaf((), (1,), False, name) for name in "ab"])
    outcome = called(tape, row, (Ref(0), Ref(1)))
    step = outcome.step if isinstance(outcome, Tracer) else None
    only = isinstance(step, Call) and step.operands == (Ref(0), Ref(1)) and is_ufunc(step.function)
    return step.function if only else ""  # type: ignore[union-attr]


def is_ufunc(function: str) -> bool:
    """Whether NumPy has it as a ufunc, which takes an ``out``."""
    return isinstance(getattr(np, function), np.ufunc)
