"""What every row of the table must hold, as checks that take a row and yield what is wrong with it.

Promise: no check knows an operation by name; what it compares with is ``reference.py`` and the list of corners below.
The same checks serve the built-in rows, rows that a user adds, and the mutants that must not survive them.
"""

import math
from collections.abc import Callable, Iterator
from functools import reduce
from itertools import product
from random import Random
from typing import Any

import numpy as np
from reference import CURVES, REFERENCES, SPECIAL, allowed, bounds, exactly, mp, outside, points, real, ulps

from micrograd_nn import Value, detect_anomaly, grad, hessian
from micrograd_nn.engine.operation import EVERYWHERE, TABLE, Operation
from micrograd_nn.errors import AnomalyError

inf, nan = math.inf, math.nan
ENDS = (0.0, -0.0, 1.0, -1.0, inf, -inf, nan)

# Where a row has no slope, or numbers end: PyTorch's documented rules, with nan in, nan out.
CORNERS: tuple[tuple[str, tuple[float, ...], float, tuple[float, ...]], ...] = (
    ("relu", (0.0,), 0.0, (0.0,)),
    ("relu", (nan,), nan, (nan,)),
    ("abs", (0.0,), 0.0, (0.0,)),
    ("maximum", (3.0, 3.0), 3.0, (0.5, 0.5)),
    ("minimum", (3.0, 3.0), 3.0, (0.5, 0.5)),
    ("maximum", (1.0, nan), nan, (nan, nan)),
    ("maximum", (nan, 1.0), nan, (nan, nan)),
    ("minimum", (1.0, nan), nan, (nan, nan)),
    ("minimum", (nan, 1.0), nan, (nan, nan)),
    ("leaky_relu", (0.0, 0.1), 0.0, (0.1, 0.0)),
    ("elu", (0.0, 0.7), 0.0, (0.7, 0.0)),
    ("step", (-1.0,), 0.0, (0.0,)),
    ("step", (0.0,), 1.0, (0.0,)),
    ("step", (1.0,), 1.0, (0.0,)),
    ("sqrt", (0.0,), 0.0, (inf,)),
    ("log", (0.0,), -inf, (inf,)),
    ("log", (-1.0,), nan, (nan,)),
    ("pow", (0.0, 0.0), 1.0, (0.0, 0.0)),
    ("pow", (0.0, 1.0), 0.0, (1.0, 0.0)),
    ("pow", (0.0, 0.5), 0.0, (inf, 0.0)),
    ("pow", (0.0, 0.1), 0.0, (inf, 0.0)),
    ("pow", (0.0, 0.3), 0.0, (inf, 0.0)),
    ("pow", (0.0, -1.0), inf, (-inf, -inf)),
    ("pow", (-2.0, 3.0), -8.0, (12.0, nan)),
    ("pow", (-2.0, 0.5), nan, (nan, nan)),
    ("pow", (inf, 0.3), inf, (0.0, inf)),
    ("div", (1.0, 0.0), inf, (inf, -inf)),
    ("div", (0.0, 0.0), nan, (inf, nan)),
    ("logaddexp", (-inf, -inf), -inf, (0.5, 0.5)),
    ("logaddexp", (-inf, 0.0), 0.0, (0.0, 1.0)),
    ("logaddexp", (inf, inf), inf, (0.5, 0.5)),
)


def same(x: float, y: float) -> bool:
    """Equal, or both nan."""
    return x == y or (x != x and y != y)


def accuracy(row: Operation) -> Iterator[str]:
    """The value within 2 ULP and the slopes within 4 ULP of 50 digits, or within the bound stated beside them."""
    for point in points(row):
        value, exact = exactly(row.name, point)
        value_ulps, slope_ulps = allowed(row, point)
        out = row.forward(*point)
        if not ulps(out, value) <= value_ulps:
            yield f"{row.name}{point} = {out}, not {mp.nstr(value, 20)}: {ulps(out, value):.3g} ULP"
        for partial, slope in zip(row.partials, exact, strict=True):
            got = partial(*point, out)
            if not ulps(got, slope) <= slope_ulps:
                yield f"slope of {row.name}{point} = {got}, not {mp.nstr(slope, 20)}: {ulps(got, slope):.3g} ULP"


def corners(row: Operation) -> Iterator[str]:
    """What is computed at the corners is what the list above and the row's own ``kinks`` say, on floats and Values."""
    listed = [corner for name, *corner in CORNERS if name == row.name]
    for operands, value, slopes in (*listed, *row.kinks):
        node = row(*map(Value, operands))
        eager = row.forward(*operands), [partial(*operands, node.data) for partial in row.partials]
        for got, got_slopes in (eager, (node.data, node.partials)):
            if not same(got, value) or not all(map(same, got_slopes, slopes)):
                yield f"{row.name}{operands} = {got} with slopes {got_slopes}, not {value} with {slopes}"


def polynomials(row: Operation) -> Iterator[str]:
    """Where a row is a whole power of its first operand, every derivative at 0 is the polynomial's."""
    for n in range(5):
        if row.arity != 2 or any(row.forward(x, n) != x**n for x in (-2.0, 0.0, 0.5, 3.0)):
            return
        x = Value(0.0)
        slope = row(x, n)
        for order in range(1, 5):
            (slope,) = grad(slope, [x], create_graph=True)
            if slope.data != (math.factorial(n) if order == n else 0.0):
                yield f"derivative {order} of {row.name}(x, {n}) at 0 is {slope.data}"


def anomalies(row: Operation) -> Iterator[str]:
    """Under detect_anomaly an operation raises where finite operands give nan or inf, and only there.

    The message names the operation, the operands by label and number, and the domain if they lie outside of it.
    """
    for point in (*product(SPECIAL, repeat=row.arity), *points(row)[:200]):
        labelled = [Value(x, label) for x, label in zip(point, ("left", "right"), strict=False)]
        why = "too large" if row.domain.holds(*point) else f"it is real where {row.domain.text}"
        expected = (row.name, *(f"{operand.label} = {operand.data}" for operand in labelled), why)
        try:
            with detect_anomaly():
                said = f"nothing, and gave {row(*labelled)}"
                raised = False
        except AnomalyError as error:
            said, raised = str(error), True
        if raised == math.isfinite(row.forward(*point)) or (raised and not all(part in said for part in expected)):
            yield f"{row.name}{point} said {said}"


def shortcuts(row: Operation) -> Iterator[str]:
    """The same bits in fewer steps: with an operand known, the row's shortcut, where there is one, is the row."""
    taken = 0
    for point in (*points(row)[:1000], *product(ENDS, repeat=row.arity)) if row.shortcut else ():
        for unknown in range(row.arity):
            operands = [Value(x) if k == unknown else x for k, x in enumerate(point)]
            short = row.shortcut(*operands)
            taken += short is not None
            number = short.data if isinstance(short, Value) else short
            if number is not None and not same(number, row.forward(*point)):
                yield f"{row.name}{point} is {number} by its shortcut, {row.forward(*point)} eagerly"
    if row.shortcut and not taken:
        yield f"{row.name} has a shortcut that is never taken"


def curves(row: Operation, count: int = 4000) -> Iterator[str]:
    """The second derivatives within 16 ULP of 50 digits at the row's points, ±inf beyond the floats, and symmetric.

    Where the row can't hold 4 ULP in its slopes, four times what it holds; and what one ULP in an operand does.
    """
    exact = CURVES.get(row.name, lambda *_: (0,) * 3 if row.arity == 2 else (0,))
    for point in points(row)[:count]:
        operands = [Value(x) for x in point]
        got = [number for line in hessian(row(*operands), operands) for number in line]
        right = _four(exact(*map(mp.mpf, point)))
        beside = [_four(exact(*map(mp.mpf, near))) for near in _neighbours(point)]
        for number, k in zip(got, range(4), strict=False):
            unit = math.ulp(float(right[k])) if abs(float(right[k])) < inf else inf
            moves = sum(float(min(abs(other[k] - right[k]) / unit, inf)) for other in beside if not mp.isnan(other[k]))
            if not mp.isnan(right[k]) and not ulps(number, right[k]) <= 4.0 * allowed(row, point)[1] + moves:
                off = f"not {mp.nstr(right[k], 20)}: {ulps(number, right[k]):.3g} ULP"
                yield f"a second derivative of {row.name}{point} is {number}, {off}"


def _four(curves: tuple[Any, ...]) -> list[Any]:
    return [mp.mpf(curve) for curve in (curves if len(curves) == 1 else (*curves[:2], *curves[1:]))]


def _neighbours(point: tuple[float, ...]) -> Iterator[tuple[float, ...]]:
    """The point with one operand one ULP towards 0; twice, since it may be off as much either way."""
    for k, x in enumerate(point):
        yield from [(*point[:k], math.nextafter(x, 0.0) if abs(x) > 1e-300 else x, *point[k + 1 :])] * 2


def ordinary(row: Operation, count: int) -> Iterator[tuple[float, ...]]:
    """Points around which the row is smooth: away from its domain's edge, from a = 0 and from ties."""
    source = Random(f"ordinary {row.name}")
    while count:
        point = tuple(source.uniform(0.1, 3.0) * source.choice((1.0, -1.0)) for _ in range(row.arity))
        if source.random() < 0.3:
            point = (point[0], 0.0)[: row.arity]  # where a second operand of 0 is nothing special, it must not be
        near = product(*((x - 0.01, x, x + 0.01) for x in point))
        tied = row.arity == 2 and abs(point[0] - point[1]) < 0.05
        if not tied and all(row.domain.holds(*spot) for spot in near):
            count -= 1
            yield point


def higher(row: Operation, order: int, count: int = 8) -> Iterator[str]:
    """Every derivative of that order, taken through recorded graphs, is the reference's.

    The recorded formula is evaluated in 50 digits and must agree to 25: that is the formula. The float that the
    engine computed must lie within the formula's running error bound: that is the arithmetic.
    """
    for point in ordinary(row, count):
        operands = [Value(x) for x in point]
        first = row(*operands)
        for which in product(range(row.arity), repeat=order):
            node = first
            for k in which:
                (node,) = grad(node, [operands[k]], create_graph=True)
            orders = tuple(which[1:].count(k) for k in range(row.arity))
            exact = mp.diff(REFERENCES[row.name].slopes[which[0]], tuple(map(mp.mpf, point)), orders)
            formula = bounds(node)[0][node]
            if abs(formula[0] - exact) > 1e-25 * (1 + abs(exact)) or outside(node.data, formula):
                yield f"derivative {which} of {row.name}{point} is {node.data}, not {mp.nstr(exact, 20)}"


def textbook(row: Operation) -> Iterator[str]:
    """The textbook form of each slope is that slope, to 25 digits."""
    for point in ordinary(row, 8):
        operands = [Value(x) for x in point]
        out = row(*operands)
        for slope, exact in zip(row.textbook, exactly(row.name, point)[1], strict=True):
            formula = bounds(slope(*operands, out) + Value(0.0))[0]
            got = next(reversed(formula.values()))[0]
            if abs(got - exact) > 1e-25 * (1 + abs(exact)):
                yield f"the textbook slope of {row.name}{point} is {mp.nstr(got, 20)}, not {mp.nstr(exact, 20)}"


def domains(row: Operation) -> Iterator[str]:
    """The domain holds where the reference is one real number, and says in words what it tests."""
    words = row.domain.text.replace(EVERYWHERE.text, "True")
    for sign, meaning in (
        (", or", " or"),
        ("≠", "!="),
        ("≥", ">="),
        ("≤", "<="),
        (" = ", " == "),
        ("b whole", "b % 1 == 0"),
    ):
        words = words.replace(sign, meaning)
    for point in product((*SPECIAL, -1.5, -0.5, 4.0), repeat=row.arity):
        value = real(REFERENCES[row.name].value, [mp.mpf(x) for x in point])
        said = eval(words, dict(zip("ab", point, strict=False)))
        if not row.domain.holds(*point) == said == (value is not None):
            yield f"{row.name}{point}: {row.domain.holds(*point)}, in words {said}, by the reference {value}"


CHAINS: dict[str, Callable[[tuple[float, ...]], float]] = {
    "Σ": sum,
    "sum": sum,
    "Π": math.prod,
    "prod": math.prod,
    "max": max,
    "min": min,
    "logsumexp": lambda terms: math.log(sum(map(math.exp, terms))),
}


def reductions(row: Operation) -> Iterator[str]:
    """A row that says it is associative is: brackets do not matter, and its chain is what the sign says."""
    if row.associative and row.reduction:
        value = REFERENCES[row.name].value
        terms = 0.3, 1.7, 0.8
        for sign in row.reduction:
            chain = CHAINS.get(sign.removeprefix("\\operatorname{").strip("\\}"))  # None for a sign of one's own
            if chain and not math.isclose(reduce(row.forward, terms), chain(terms)):
                yield f"a chain of {row.name} is not {sign}"
        for a, b in ordinary(row, 20):
            a, b, c = map(mp.mpf, (a, b, 0.3))
            if abs(value(value(a, b), c) - value(a, value(b, c))) > 1e-40:
                yield f"{row.name} of {a}, {b}, {c} depends on the brackets"


def template(row: Operation, field: str) -> Iterator[str]:
    """The python template is the eager value bit for bit, the numpy template within 2 ULP, nan and inf included."""
    places = [*points(row), *product(ENDS, repeat=row.arity), *(operands for operands, _, _ in row.kinks)]
    compute = _compute_numpy if field == "numpy" else _compute_python
    for point, got in zip(places, compute(row, places), strict=True):
        eager = row.forward(*point)
        limit = allowed(row, point)[0] if field == "numpy" else 0.0
        if not (same(got, eager) or abs(got - eager) <= limit * math.ulp(eager)):
            yield f"{row.name}{point} is {got} by its {field} template, {eager} eagerly"


def _compute_numpy(row: Operation, places: list[tuple[float, ...]]) -> list[float]:
    with np.errstate(all="ignore"):
        names = dict(zip("ab", np.array(places).T, strict=False))
        return np.broadcast_to(eval(row.numpy.format(a="a", b="b"), {"np": np, **names}), len(places)).tolist()


def _compute_python(row: Operation, places: list[tuple[float, ...]]) -> list[float]:
    scope: dict[str, Any] = {f"row_{name}": other.forward for name, other in TABLE.items()}
    scope |= {"math": math, "exp": math.exp, "inf": inf, "nan": nan}
    head = f"lambda {', '.join('ab'[: row.arity])}: "
    compiled: Callable[..., float] = eval(head + row.python.format(a="a", b="b"), scope)
    return [compiled(*point) for point in places]


class _Text(str):
    """A written operand: it gets brackets where the template asks for a tighter level than its own."""

    level = 5

    def __format__(self, level: str) -> str:
        return f"({self})" if level and self.level < int(level) else str(self)


def written(row: Operation) -> Iterator[str]:
    """What ``text`` writes, read back by the rules of school, is what was computed; also with a row inside a row."""
    given = {"x": 0.7, "y": 4.0}
    for inner in (None, *TABLE.values()):
        for slot in range(row.arity):
            texts = [_Text(name) for name in given][: row.arity]
            numbers = list(given.values())[: row.arity]
            if inner is not None:
                numbers[slot] = inner.forward(*list(given.values())[: inner.arity])
                texts[slot] = _Text(inner.text.format(a=_Text("x"), b=_Text("y")))
                texts[slot].level = inner.level
            text = row.text.format(**dict(zip("ab", texts, strict=False)))
            value = row.forward(*numbers)
            corner = tuple(numbers) in [operands for operands, _, _ in row.kinks]  # there the row chose its value
            if math.isfinite(value) and not corner and not math.isclose(_read(text, given), value, rel_tol=1e-12):
                yield f"{text} with {given} is {_read(text, given)}, not {value}"


SCHOOL = {
    "·": "*",
    "−": "-",
    "^": "**",
    "√(": "sqrt(",
    "ln(": "log(",
    "σ(": "sigmoid(",
    "max(": "maximum(",
    "min(": "minimum(",
}
SCHOOL |= {"[": "greater(", " > ": ", ", "]": ")"}


def _read(text: str, given: dict[str, float]) -> float:
    for sign, meaning in SCHOOL.items():
        text = text.replace(sign, meaning)
    code = ""
    for sign in text:  # a bar opens after nothing or an operator, and closes after anything else
        bar = "abs(" if not code.strip() or code.strip()[-1] in "(,+-*/" else ")"
        code += bar if sign == "|" else sign
    return float(eval(code, {name: other.forward for name, other in TABLE.items()} | {"cosh": math.cosh} | given))
