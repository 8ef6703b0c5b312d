"""Every function of ``functional`` and ``losses`` keeps its digits: values and slopes against 60 of mpmath's.

Promise: over numbers of any size, and shares down to the smallest float, value and slopes are within 4 ULP a term.
Wider only where the function itself is: what it makes of operands two ULP beside the given ones is allowed as well.
"""

import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from mpmath import MPContext

from micrograd_nn import Value, compile, grad, softmax_cross_entropy
from micrograd_nn.nn import functional
from micrograd_nn.nn.losses import LOSSES

mp: Any = MPContext()
mp.dps = 60
TINY, HUGE = 5e-324, 1.7976931348623157e308
Numbers = list[Any]


# ---- what a textbook says: the outcomes, and the slope of each in each operand ----


def shares_of(z: Numbers) -> Numbers:
    return [1 / mp.fsum(mp.exp(a - b) for a in z) for b in z]


def softmax(z: Numbers, y: Any) -> tuple[Numbers, list[Numbers]]:
    p = shares_of(z)
    rest = [mp.fsum(p[:i] + p[i + 1 :]) for i in range(len(p))]
    return p, [[p[i] * rest[i] if i == j else -p[i] * p[j] for j in range(len(p))] for i in range(len(p))]


def log_softmax(z: Numbers, y: Any) -> tuple[Numbers, list[Numbers]]:
    p = shares_of(z)
    away = [[mp.exp(a - b) for j, a in enumerate(z) if j != i] for i, b in enumerate(z)]
    slopes = [[mp.fsum(p[:i] + p[i + 1 :]) if i == j else -p[j] for j in range(len(p))] for i in range(len(p))]
    return [-mp.log1p(mp.fsum(others)) for others in away], slopes


def cross_entropy(z: Numbers, y: Numbers) -> tuple[Numbers, list[Numbers]]:
    logs, slopes = log_softmax(z, y)
    return [-mp.fsum(map(mp.fmul, y, logs))], [
        [-mp.fsum(map(mp.fmul, y, column)) for column in zip(*slopes, strict=True)]
    ]


def logsumexp(z: Numbers, y: Any) -> tuple[Numbers, list[Numbers]]:
    largest = max(z)
    return [largest + mp.log(mp.fsum(mp.exp(a - largest) for a in z))], [shares_of(z)]


def maxout(z: Numbers, y: Any) -> tuple[Numbers, list[Numbers]]:
    return [max(z)], [[mp.mpf(a == max(z)) for a in z]]


def added(slope: Callable[..., Any], value: Callable[..., Any], n: int = 0) -> Callable[..., Any]:
    """The sum of value(a, b) over the pairs, or their mean."""

    def textbook(z: Numbers, y: Numbers) -> tuple[Numbers, list[Numbers]]:
        by = len(z) if n else 1
        return [mp.fsum(map(value, z, y)) / by], [[slope(a, b) / by for a, b in zip(z, y, strict=True)]]

    return textbook


def ln(a: Any) -> Any:
    return max(mp.log(a), mp.mpf(-100)) if a else mp.mpf(-100)  # PyTorch's stop


def over(a: Any) -> Any:
    return min(1 / a, mp.mpf(HUGE)) if a else mp.zero  # the slope of ln, as far as floats go


MEAN = 1
TEXTBOOK: dict[str, Any] = {
    "total": added(lambda a, b: mp.one, lambda a, b: a),
    "mean": added(lambda a, b: mp.one, lambda a, b: a, MEAN),
    "logsumexp": logsumexp,
    "log_softmax": log_softmax,
    "softmax": softmax,
    "maxout": maxout,
    "squared_error": added(lambda a, b: a - b, lambda a, b: (a - b) ** 2 / 2),
    "mse": added(lambda a, b: 2 * (a - b), lambda a, b: (a - b) ** 2, MEAN),
    "absolute_error": added(lambda a, b: mp.sign(a - b), lambda a, b: abs(a - b)),
    "signed_error": added(lambda a, b: -mp.one, lambda a, b: b - a),
    "performance": added(lambda a, b: b - a, lambda a, b: -((a - b) ** 2) / 2),
    "binary_cross_entropy": added(
        lambda a, b: (1 - b) * over(1 - a) - b * over(a),
        lambda a, b: -b * ln(a) - (1 - b) * (mp.log1p(-a) if a < 1 else -100),
        MEAN,
    ),
    "binary_cross_entropy_with_logits": added(
        lambda a, b: (1 - b) / (1 + mp.exp(-a)) - b / (1 + mp.exp(a)),
        lambda a, b: b * mp.log1p(mp.exp(-a)) + (1 - b) * mp.log1p(mp.exp(a)),
        MEAN,
    ),
    "categorical_cross_entropy": added(lambda a, b: -b * over(a), lambda a, b: -b * ln(a)),
    "softmax_cross_entropy": cross_entropy,
    "hinge": added(lambda a, b: -b * (a * b < 1), lambda a, b: max(mp.zero, 1 - a * b), MEAN),
}


# ---- operands from everywhere ----


def number(draw: Random) -> float:
    """From 1e-300 to 1e300, from where the exponentials live, or a whole one."""
    size = draw.choice((10.0 ** draw.uniform(-300, 300), draw.uniform(0, 3), draw.uniform(0, 800), draw.randint(0, 50)))
    return draw.choice((1.0, -1.0)) * float(size)


def share(draw: Random) -> float:
    """From 0 to 1, both ends and their neighbours among them."""
    small = draw.choice((10.0 ** draw.uniform(-323, 0), draw.random(), 0.0, TINY, 1e-310, 1e-44, 2.0**-54))
    return draw.choice((small, 1.0 - small))


def row(draw: Random, one: Callable[[Random], float], n: int) -> list[float]:
    """n numbers, some of them equal or next to each other."""
    numbers = [one(draw) for _ in range(n)]
    for i in range(1, n):
        if draw.random() < 0.3:
            numbers[i] = draw.choice(
                (numbers[0], math.nextafter(numbers[0], 0.5), numbers[0] + draw.choice((1.0, 40.0)))
            )
    return numbers


def targets(draw: Random, name: str, n: int) -> list[float]:
    """Targets of the kind that the loss takes."""
    if LOSSES[name].targets == "-1 or 1":
        return [draw.choice((-1.0, 1.0)) for _ in range(n)]
    if LOSSES[name].targets == "any number":
        return row(draw, number, n)
    if LOSSES[name].outputs == 1:
        return [draw.choice((0.0, 1.0, draw.random())) for _ in range(n)]
    if draw.random() < 0.6:
        hot = draw.randrange(n)
        return [float(i == hot) for i in range(n)]
    return draw.choice(([1.0 / n] * n, [0.75, 0.25, *[0.0] * (n - 2)], [0.125] * (n - 1) + [1.125 - n / 8]))


def cases(name: str, count: int) -> Iterator[tuple[list[float], list[float]]]:
    draw = Random(name)
    for _ in range(count):
        n = draw.randint(2, 6)
        operands = row(draw, share if name in OF_SHARES else number, n)
        if name in OF_SHARES:
            operands = [min(max(a, 0.0), 1.0) for a in operands]
        yield operands, targets(draw, name, n) if name in LOSSES else [0.0] * n


# ---- what may be off ----


FUNCTIONS = ("total", "mean", "logsumexp", "log_softmax", "softmax", "maxout")
OF_DIFFERENCES = ("softmax", "log_softmax", "softmax_cross_entropy")  # what is added to all operands changes nothing
OF_SHARES = ("binary_cross_entropy", "categorical_cross_entropy")


def allowed(name: str, z: list[float], y: list[float]) -> Numbers:
    """How far off each number may be, the outcomes first and then the slopes: 4 ULP for each operand, …

    … and what two ULP in an operand do, where they do more; of how far it is from the largest, where only that counts.
    A
    logarithm of a share is not so excused. Softmax's p(1 − p) is as right as p itself, as is PyTorch's.
    """
    exact = flat(TEXTBOOK[name]([*map(mp.mpf, z)], [*map(mp.mpf, y)]))
    bounds = [4 * len(z) * max(abs(number) * mp.mpf(2) ** -52, TINY) for number in exact]
    if name == "softmax":
        n = len(z)
        bounds[n:] = [bound + exact[i // n] * mp.mpf(2) ** -52 for i, bound in enumerate(bounds[n:])]
    for k in range(len(z)):
        ulp = 2.0 * math.ulp(max(z) - z[k] if name in OF_DIFFERENCES else z[k])
        moved = [] if name in OF_SHARES else [(moved_at(z, k, ulp), [*map(mp.mpf, y)])]
        moved += [([*map(mp.mpf, z)], moved_at(y, k, math.ulp(y[k])))] if y[k] not in (0.0, 1.0) else []
        for other in [flat(TEXTBOOK[name](*both)) for both in moved]:
            bounds = [bound + abs(a - b) for bound, a, b in zip(bounds, other, exact, strict=True)]
    return bounds


def moved_at(numbers: list[float], k: int, by: float) -> Numbers:
    exact = [mp.mpf(a) for a in numbers]
    exact[k] += by
    return exact


def flat(outcome: tuple[Numbers, list[Numbers]]) -> Numbers:
    values, slopes = outcome
    return [*values, *(slope for of_one in slopes for slope in of_one)]


def off(name: str, z: list[float], y: list[float], record: Callable[..., Any]) -> Iterator[str]:
    values = [Value(a) for a in z]
    made = record(values, y)
    outcomes = made if isinstance(made, list) else [made]
    got = [outcome.data for outcome in outcomes] + [slope for outcome in outcomes for slope in grad(outcome, values)]
    exact = flat(TEXTBOOK[name]([*map(mp.mpf, z)], [*map(mp.mpf, y)]))
    for place, (a, b, bound) in enumerate(zip(got, exact, allowed(name, z, y), strict=True)):
        wrong = abs(a) < 1.7e308 if abs(b) > 1.7e308 else not abs(a - b) <= bound
        if wrong:
            too_far = mp.nstr(abs(a - b) / bound, 4)
            yield f"{name}({z}, {y})[{place}] = {a}, not {mp.nstr(b, 20)}: {too_far} of what is allowed"


@pytest.mark.parametrize("name", [*FUNCTIONS, *LOSSES])
def test_values_and_slopes_keep_their_digits(name: str) -> None:
    def record(z: list[Value], y: list[float]) -> Any:
        return LOSSES[name].function(z, y) if name in LOSSES else getattr(functional, name)(z)

    assert [line for z, y in cases(name, 250) for line in off(name, z, y, record)][:3] == []


@pytest.mark.parametrize("label", [0, 1])
def test_a_label_keeps_them_where_logsumexp_less_the_sum_has_none(label: int) -> None:
    """The figures of mpmath: ln 2 at logits of 1e16, and a share that is 1 but for its last digits."""
    z = [Value(1e16), Value(1e16)]
    loss = softmax_cross_entropy(z, label)
    assert loss.data == math.log(2.0)
    assert grad(loss, z) == [0.5 - (label == 0), 0.5 - (label == 1)]
    z = [Value(40.0 * (label == 0)), Value(40.0 * (label == 1))]
    loss = softmax_cross_entropy(z, label)
    assert loss.data == 4.248354255291589e-18
    assert grad(loss, z) == [4.248354255291589e-18 * (1 - 2 * (label == j)) for j in range(2)]
    assert functional.log_softmax(z)[label].data == -loss.data


def test_a_compiled_row_of_shares_keeps_its_value() -> None:
    """Where the targets are Values, as a training has them, the share's own sum is taken off first."""
    z, y = [Value(0.0), Value(0.0)], [Value(0.0), Value(0.0)]
    program = compile(softmax_cross_entropy(z, y), [z, y], [])
    assert program([[1e16, 1e16]], [[1.0, 0.0]]) == math.log(2.0)
    assert program([[0.0, 40.0]], [[0.0, 1.0]]) == 4.248354255291589e-18
