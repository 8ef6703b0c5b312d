"""The table read a second time, in 50 digits, and what float arithmetic may lose against it.

Nothing here is taken from the rows but their names, domains and corners: values and slopes come from textbook formulas
in mpmath, and beside them stands what else only tests read of an operation. ``bounds(root)`` evaluates a whole recorded
graph in 50 digits and says, for each node's value and adjoint, how far a careful float engine may be off; a plain
tolerance can't say that under cancellation.

    REFERENCES[name]    value and slopes of a row as mpmath functions, where it is hard, and what it can't hold
    ulps(got, exact)    the distance in units of the last place, subnormals and overflow included
    points(row)         at least 3,000 operands over the row's domain, corners and extremes included
    bounds(root)        exact values and adjoints of a graph with their running error bounds
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice, product
from random import Random
from typing import Any

from mpmath import MPContext

from micrograd_nn import Value
from micrograd_nn.engine.operation import Domain, Operation
from micrograd_nn.engine.ops import div, exp, logaddexp, power
from micrograd_nn.engine.value import topological_order
from micrograd_nn.number import Wider

mp: Any = MPContext()
mp.dps = 50
Exact = Any  # an mpf of the context above
Point = tuple[float, ...]

VALUE_ULPS, SLOPE_ULPS = 2.0, 4.0
EPSILON, TINY, HUGE = 2.0**-52, 5e-324, math.ldexp(1.0 - 2.0**-53, 1024)
NORMAL = 2.0**-1022  # from here on a float has all its 53 bits


@dataclass(frozen=True)
class Reference:
    """An operation as a textbook defines it, in any number of digits."""

    value: Callable[..., Exact]
    slopes: tuple[Callable[..., Exact], ...]
    extremes: tuple[Point, ...] = ()  # operands at which the obvious formula loses its digits
    wider: Wider | None = None  # what the row holds where it can't hold 2 and 4 ULP


def _power(a: Exact, b: Exact) -> Exact:
    if a == 0 or b == 0:
        return mp.one if b == 0 else mp.zero if b > 0 else mp.inf
    if a < 0 and not mp.isint(b):
        return mp.nan
    return mp.exp(b * mp.log(abs(a))) * (-1 if a < 0 and mp.isint((b - 1) / 2) and abs(b) < 2**60 else 1)


def _power_slope(a: Exact, b: Exact) -> Exact:
    if a == 0:
        return mp.mpf(1) if b == 1 else mp.mpf(0) if b > 1 or b == 0 else mp.sign(b) * mp.inf
    return b * _power(a, b) / a  # b - 1 would lose the 1 beside a b of 50 digits


def _power_log(a: Exact, b: Exact) -> Exact:
    if a <= 0:
        return mp.nan if a < 0 else mp.mpf(0) if b >= 0 else -mp.inf
    return _power(a, b) * mp.log(a)


def _logistic(a: Exact) -> Exact:
    return 1 / (1 + mp.exp(-a))


def _five_roundings(scale: float) -> Wider:
    """Of sech², and with half the operand of the slope of sigmoid."""
    return Wider(
        "five roundings add up to 2.15 ULP at one point in 4,000",
        value=lambda a: 2.2 if 0.3 < scale * abs(a) < 0.45 or 1.3 < scale * abs(a) < 2.8 else 2.0,
    )


def _share(a: Exact, b: Exact) -> Exact:
    return (1 + mp.sign(a - b)) / 2  # 1 for the larger, 0 for the smaller, a half at a tie


def _power_ulps(a: float, b: float) -> float:
    out, lower = abs(power(a, b)), abs(power(a, b - 1.0))
    if lower == math.inf and abs(b) < 1.0:
        return math.inf
    return 4.0 + (abs(b) if lower < NORMAL else 0.0) + (745.0 if out < NORMAL else 0.0)  # |ln(a)| is at most 745


def _difference_ulps(a: float, b: float) -> float:
    return abs(a - b) * exp(-abs(a - b))  # by how many ULP of 1 the rounding of a - b moves exp(-|a - b|)


REFERENCES = {
    "add": Reference(lambda a, b: a + b, (lambda a, b: 1, lambda a, b: 1)),
    "sub": Reference(lambda a, b: a - b, (lambda a, b: 1, lambda a, b: -1)),
    "mul": Reference(lambda a, b: a * b, (lambda a, b: b, lambda a, b: a)),
    "multiply_no_nan": Reference(lambda a, b: a * b, (lambda a, b: b, lambda a, b: a)),
    "div": Reference(
        lambda a, b: a / b,
        (lambda a, b: 1 / b, lambda a, b: -a / b**2),
        ((1e300, 1e-300), (1e-300, 1e300), (1.0, 1e-308), (1.0, 3.0), (-5e-324, 7.0), (1e-322, 3e-7)),
        Wider(
            "-(a/b)/b has no more digits than a/b, which is subnormal",
            slopes=lambda a, b: 4.0 if abs(div(a, b)) >= NORMAL else 4.0 + abs(div(1.0, b)),
        ),
    ),
    "neg": Reference(lambda a: -a, (lambda a: -1,)),
    "pow": Reference(
        _power,
        (_power_slope, _power_log),
        ((1e300, 0.3), (1e-300, 0.1), (1e-300, 1.1), (1.0000001, 1e9), (3.0, -2.0), (1e154, 2.0), (2.0, -1074.0)),
        Wider(
            "b·a^(b-1) and a^b·ln(a) have no more digits than a power that is subnormal, or overflows before b·",
            slopes=_power_ulps,
        ),
    ),
    "abs": Reference(abs, (mp.sign,)),
    "exp": Reference(mp.exp, (mp.exp,), ((709.78,), (-745.0,), (-708.4,), (1e-17,))),
    "log": Reference(
        lambda a: mp.log(a) if a else -mp.inf,
        (lambda a: 1 / a,),
        ((5e-324,), (1.0000000000000002,), (0.9999999999999999,), (1e308,)),
    ),
    "clamped_log": Reference(
        lambda a: max(mp.log(a), mp.mpf(-100)) if a > 0 else mp.nan if a else mp.mpf(-100),
        (lambda a: 1 / a if a else mp.zero,),
        ((5e-324,), (1e-44,), (3.7200759760208361e-44,), (0.9999999999999999,), (1e308,)),
    ),
    "clamped_log1m": Reference(
        lambda a: mp.log1p(-a) if a != 1 else mp.mpf(-100),
        (lambda a: 1 / (a - 1) if a != 1 else mp.zero,),
        ((1e-300,), (5e-324,), (0.9999999999999999,), (-1e-17,), (-1e300,)),
    ),
    "sqrt": Reference(mp.sqrt, (lambda a: 1 / (2 * mp.sqrt(a)) if a else mp.inf,), ((5e-324,), (1e308,))),
    "sigmoid": Reference(
        _logistic, (lambda a: _logistic(a) * _logistic(-a),), ((40.0,), (-40.0,), (710.0,), (-740.0,), (1e-17,))
    ),
    "sigmoid_slope": Reference(
        lambda a: _bell(a),
        (lambda a: -_bell(a) * mp.tanh(a / 2),),
        ((40.0,), (-40.0,), (710.0,), (-740.0,), (1e-17,), (2.634823993351894,)),
        _five_roundings(0.5),
    ),
    "tanh": Reference(mp.tanh, (lambda a: mp.cosh(a) ** -2,), ((20.0,), (-20.0,), (355.0,), (-370.0,), (1e-17,))),
    "sech2": Reference(
        lambda a: mp.cosh(a) ** -2,
        (lambda a: -2 * mp.sinh(a) / mp.cosh(a) ** 3,),
        ((20.0,), (-20.0,), (355.0,), (-370.0,), (1e-17,), (1.317411996675947,)),
        _five_roundings(1.0),
    ),
    "softplus": Reference(lambda a: mp.log1p(mp.exp(a)), (_logistic,), ((-745.0,), (-40.0,), (800.0,))),
    "logaddexp": Reference(
        lambda a, b: max(a, b) + mp.log1p(mp.exp(-abs(a - b))),
        (lambda a, b: _logistic(a - b), lambda a, b: _logistic(b - a)),
        ((1000.0, -1000.0), (1000.0, 1000.0), (-1000.0, -1000.5), (-0.5, -1.0)),
        Wider(
            "a - b is rounded, which moves exp(a - b) by |a - b| ULP; near its zero the value cancels",
            value=lambda a, b: max(2.0, div(abs(max(a, b)) + _difference_ulps(a, b), abs(logaddexp(a, b)))),
            slopes=lambda a, b: 4.0 + min(abs(a - b), 745.0),
        ),
    ),
    "sin": Reference(mp.sin, (mp.cos,), ((3.141592653589793,), (1e22,), (1e-300,))),
    "cos": Reference(mp.cos, (lambda a: -mp.sin(a),), ((1.5707963267948966,), (1e22,), (1e-300,))),
    "greater": Reference(lambda a, b: mp.mpf(a > b), (lambda a, b: 0, lambda a, b: 0)),
    "sign": Reference(mp.sign, (lambda a: 0,)),
    "step": Reference(lambda a: mp.mpf(a >= 0), (lambda a: 0,)),
    "relu": Reference(lambda a: max(a, mp.zero), (lambda a: mp.mpf(a > 0),)),
    "leaky_relu": Reference(
        lambda a, b: a if a > 0 else b * a, (lambda a, b: mp.one if a > 0 else b, lambda a, b: min(a, mp.zero))
    ),
    "elu": Reference(
        lambda a, b: a if a > 0 else b * mp.expm1(a),
        (lambda a, b: mp.one if a > 0 else b * mp.exp(a), lambda a, b: mp.expm1(min(a, mp.zero))),
        ((-1e-17, 1.0), (-745.0, 1.0), (1e300, 1.0)),
        Wider(
            "b·exp(a) has no more digits than exp(a), which is subnormal",
            slopes=lambda a, b: 4.0 if a > -708.0 else 4.0 + abs(b),
        ),
    ),
    "maximum": Reference(max, (_share, lambda a, b: _share(b, a))),
    "minimum": Reference(min, (lambda a, b: _share(b, a), _share)),
    "stop_gradient": Reference(lambda a: a, (lambda a: 0,)),
}


def _bell(a: Exact) -> Exact:
    return 1 / (mp.exp(a / 2) + mp.exp(-a / 2)) ** 2  # the slope of the logistic function


def _power_curves(a: Exact, b: Exact) -> tuple[Exact, ...]:
    """Not held (nan) where a power on the way runs down or overflows, or b - 1 is b; an infinite b·(b-1)·a^(b-2) is."""
    normal = abs(b) < 2**53 and all(NORMAL < abs(_power(a, b - k)) < HUGE for k in range(3))
    first = b * (b - 1) * _power(a, b - 2) if a else mp.nan
    if not normal or a < 0:
        return first if normal or (HUGE < abs(first) < mp.inf and abs(b) < 2**53) else mp.nan, mp.nan, mp.nan
    whole, log = _power(a, b), mp.log(a)
    return first, whole / a * (1 + b * log), whole * log**2


# The second derivatives that are not 0: of one operand, or by both of two: aa, ab, bb.
CURVES: dict[str, Callable[..., tuple[Exact, ...]]] = {
    "mul": lambda a, b: (0, 1, 0),
    "multiply_no_nan": lambda a, b: (0, 1, 0),
    "div": lambda a, b: (0, -1 / b**2, 2 * a / b**3 if a == 0 or abs(a / b) > NORMAL else mp.nan),
    "pow": _power_curves,
    "exp": lambda a: (mp.exp(a),),
    "log": lambda a: (-1 / a**2,),
    "clamped_log": lambda a: (-1 / a**2 if a > 1 / mp.mpf(HUGE) else mp.nan,),  # below, its slope is the largest float
    "clamped_log1m": lambda a: (-1 / (1 - a) ** 2 if a != 1 else mp.nan,),
    "sqrt": lambda a: (-1 / (4 * mp.sqrt(a) ** 3) if a else mp.nan,),
    "sigmoid": lambda a: (-_bell(a) * mp.tanh(a / 2),),
    "sigmoid_slope": lambda a: (_bell(a) * (mp.tanh(a / 2) ** 2 - 2 * _bell(a)),),
    "tanh": lambda a: (-2 * mp.sinh(a) / mp.cosh(a) ** 3,),
    "sech2": lambda a: ((4 * mp.sinh(a) ** 2 - 2) / mp.cosh(a) ** 4,),
    "softplus": lambda a: (_bell(a),),
    "logaddexp": lambda a, b: (_bell(a - b), -_bell(a - b), _bell(a - b)),
    "sin": lambda a: (-mp.sin(a),),
    "cos": lambda a: (-mp.cos(a),),
    "leaky_relu": lambda a, b: (0, mp.mpf(a <= 0), 0),
    "elu": lambda a, b: (b * mp.exp(a), mp.exp(a), 0) if a <= 0 else (0, 0, 0),
}


# ---- distances ----


def ulps(got: float, exact: Exact) -> float:
    """How many units in the last place got is off; inf where one is nan and the other not, or for a wrong infinity."""
    if math.isnan(got) or mp.isnan(exact):
        return 0.0 if math.isnan(got) and mp.isnan(exact) else math.inf
    nearest = abs(float(exact))
    if math.isinf(nearest):  # beyond the floats: the infinity of that sign, or the last float before it
        return 0.0 if got == math.copysign(math.inf, exact) else math.inf if abs(got) < HUGE or got * exact < 0 else 1.0
    shown = mp.sign(got) * mp.mpf(2) ** 1024 if math.isinf(got) else mp.mpf(got)
    return float(abs(shown - exact) / math.ulp(nearest))


def allowed(row: Operation, point: Point) -> tuple[float, float]:
    """The bounds on value and slopes in ULP at a point: 2 and 4, or what is stated above with its reason."""
    wider = REFERENCES[row.name].wider
    return (wider.value(*point), wider.slopes(*point)) if wider else (VALUE_ULPS, SLOPE_ULPS)


# ---- points ----

_EDGES = (0.0, 5e-324, 1e-310, 2.3e-308, 1e-160, 1e-17, 0.3, 0.5, 1.0, 2.0, 3.0, 40.0, 710.0, 1e9, 1e155, HUGE)
SPECIAL = tuple(sign * edge for edge in _EDGES for sign in (1.0, -1.0))


def _draw(source: Random) -> float:
    """One float from everywhere: any exponent, the exponentials' range, the unit interval, near 1, whole numbers."""
    kind = source.randrange(7)
    sign = source.choice((1.0, -1.0))
    if kind == 0:
        return sign * math.ldexp(source.uniform(0.5, 1.0), source.randint(-1073, 1024))
    if kind == 3:
        return sign * math.ldexp(source.uniform(0.5, 1.0), source.randint(-1073, -1010))
    if kind == 1:
        return sign * (1.0 + source.uniform(-1.0, 1.0) * 10.0 ** source.uniform(-16, 0))
    if kind == 2:
        return float(source.randint(-20, 20))
    return source.uniform(-1.0, 1.0) * source.choice((1.0, 5.0, 50.0, 760.0))


def points(row: Operation, count: int = 4000) -> tuple[Point, ...]:
    """Distinct operands within the row's domain: its extremes and kinks, their neighbours, the edges of the floats."""
    given = (*REFERENCES[row.name].extremes, *(operands for operands, _, _ in row.kinks))
    return _points(row.name, row.arity, row.domain, given, count)


@cache
def _points(name: str, arity: int, domain: Domain, given: tuple[Point, ...], count: int) -> tuple[Point, ...]:
    distinct: dict[Point, None] = {}
    for point in islice(_everywhere(name, arity, given), 20 * count):
        if all(map(math.isfinite, point)) and domain.holds(*point):
            distinct[point] = None
        if len(distinct) == count:
            break
    return tuple(distinct)


def _everywhere(name: str, arity: int, given: tuple[Point, ...]) -> Iterator[Point]:
    for near in given:
        yield near
        for k, x in enumerate(near):
            for towards in (-math.inf, math.inf):
                yield (*near[:k], math.nextafter(x, towards), *near[k + 1 :])
    yield from product(SPECIAL, repeat=arity)
    source = Random(name)
    while True:
        point = tuple(_draw(source) for _ in range(arity))
        yield point
        yield (point[0],) * arity
        yield (*point[:-1], math.nextafter(point[0], 0.0))


@cache
def exactly(name: str, point: Point) -> tuple[Exact, tuple[Exact, ...]]:
    """The value and the slopes of a row at a point, in 50 digits."""
    reference, numbers = REFERENCES[name], [mp.mpf(number) for number in point]
    return mp.mpf(reference.value(*numbers)), tuple(mp.mpf(slope(*numbers)) for slope in reference.slopes)


# ---- whole graphs ----

Bounded = tuple[Exact, Exact]  # a number in 50 digits, and how far float arithmetic may be off


def bounds(root: Value) -> tuple[dict[Value, Bounded], dict[Value, Bounded]]:
    """The exact value and the exact adjoint of every node below root, each with its running error bound.

    Each primitive may be off by what ``allowed`` says. An error in an operand moves a value by what the function does
    between operand - error and operand + error, a slope likewise; through the chain rule errors add up with the
    sizes of what they are multiplied by. Outside the domain the bound is infinite.
    """
    order = topological_order(root)
    values: dict[Value, Bounded] = {}
    slopes: dict[Value, list[Bounded]] = {}
    for node in order:
        values[node], slopes[node] = _primitive(node, [values[operand] for operand in node.operands])
    adjoints: dict[Value, Bounded] = dict.fromkeys(order, (mp.zero, mp.zero)) | {root: (mp.one, mp.zero)}
    for node in reversed(order):
        for operand, slope in zip(node.operands, slopes[node], strict=True):
            adjoints[operand] = _plus(adjoints[operand], _times(adjoints[node], slope))
    return values, adjoints


def _primitive(node: Value, operands: list[Bounded]) -> tuple[Bounded, list[Bounded]]:
    if node.operation is None:
        return (mp.mpf(node.data), mp.zero), []
    reference = REFERENCES[node.operation.name]
    value_ulps, slope_ulps = allowed(node.operation, tuple(operand.data for operand in node.operands))
    value = _spread(reference.value, operands, value_ulps)
    return value, [_spread(slope, operands, slope_ulps) for slope in reference.slopes]


def _spread(function: Callable[..., Exact], operands: list[Bounded], ulps: float) -> Bounded:
    centre = [number for number, _ in operands]
    exact = real(function, centre)
    if exact is None:
        return mp.zero, mp.inf
    alone = mp.zero
    for k, (number, off) in enumerate(operands):
        if off:
            ends = [real(function, [*centre[:k], end, *centre[k + 1 :]]) for end in (number - off, number + off)]
            alone += max(mp.inf if end is None else abs(end - exact) for end in ends)
    together = mp.zero  # 0·0 is off by the product of what both are off by
    if sum(bool(off) for _, off in operands) > 1 and mp.isfinite(alone):
        corners = [real(function, list(corner)) for corner in product(*((n - off, n + off) for n, off in operands))]
        together = max(mp.inf if corner is None else abs(corner - exact) for corner in corners)
    return exact, (abs(exact) * EPSILON + TINY) * ulps + max(alone, together)


def real(function: Callable[..., Exact], operands: list[Exact]) -> Exact | None:
    """The function's value if it is one finite real number."""
    try:
        number = function(*operands)
    except ZeroDivisionError:
        return None
    return number if mp.isfinite(number) and mp.im(number) == 0 else None


def _times(x: Bounded, y: Bounded) -> Bounded:
    exact = x[0] * y[0]
    off = abs(exact) * EPSILON + TINY
    for size, error in ((abs(x[0]) + x[1], y[1]), (abs(y[0]), x[1])):
        off += size * error if size and error else 0
    return exact, off


def _plus(x: Bounded, y: Bounded) -> Bounded:
    exact = x[0] + y[0]
    off = x[1] + y[1]
    return exact, off + (abs(exact) + off) * EPSILON


def outside(got: float, bounded: Bounded) -> bool:
    """Whether a float lies outside its bound."""
    exact, error = bounded
    return not (mp.isinf(error) or abs(mp.mpf(got) - exact) <= error)
