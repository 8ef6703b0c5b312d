"""Small datasets: people, logic, a decision, a line, and shapes in the plane.

Each is written out or drawn from an explicit seed: the same bytes on every machine.
"""

import math
from collections.abc import Callable, Sequence
from itertools import product
from random import Random
from typing import Any

from ..errors import ShapeError, known
from ..number import as_array, whole_number
from ._dataset import Dataset

POUNDS, INCHES = 135, 66  # what is taken off weight and height: round numbers, not the means
PEOPLE = (("Alice", 133, 65, 1), ("Bob", 160, 72, 0), ("Charlie", 152, 70, 0), ("Diana", 120, 60, 1))

# fmt: off
GATES: dict[str, Callable[..., bool]] = {
    "a":    lambda a, b: a,
    "not":  lambda a, b: not a,
    "and":  lambda a, b: a and b,
    "or":   lambda a, b: a or b,
    "nand": lambda a, b: not (a and b),
    "nor":  lambda a, b: not (a or b),
    "xor":  lambda a, b: a != b,
}
# fmt: on


def friends() -> Dataset:
    """Four people by weight and height, less 135 lb and 66 in; 1 means female.

    >>> friends()
    <dataset friends: 4 rows of 2 features, 2 classes>
    """
    X, y = [(pounds - POUNDS, inches - INCHES) for _, pounds, inches, _ in PEOPLE], [female for *_, female in PEOPLE]
    names = tuple(name for name, *_ in PEOPLE)
    return _dataset("friends", X, y, features=("weight", "height"), classes=("male", "female"), rows=names)


def from_metric(kilograms: float, centimetres: float) -> list[float]:
    """A person's row for ``friends`` from kilograms and centimetres.

    >>> [round(x, 3) for x in from_metric(60, 168)]
    [-2.723, 0.142]
    """
    return [kilograms * 2.20462 - POUNDS, centimetres * 0.393701 - INCHES]


def gate(name: str) -> Dataset:
    """The truth table of a gate over two signals A and B: a, not (of A), and, or, nand, nor, xor.

    >>> gate("and").y.tolist()
    [0, 0, 0, 1]

    Raises UnknownNameError for any other gate.
    """
    opens, table = GATES[known("gate", name, GATES)], list(product((0, 1), repeat=2))
    return _dataset(name, table, [int(opens(*row)) for row in table], features=("A", "B"), classes=("no", "yes"))


def xor() -> Dataset:
    """A xor B: 1 where just one of two signals is on. No single unit can tell it.

    >>> xor()
    <dataset xor: 4 rows of 2 features, 2 classes>
    """
    return gate("xor")


def boolean() -> Dataset:
    """F(x, y, z) = xy + not z, all eight rows from 111 down to 000.

    >>> boolean()
    <dataset boolean: 8 rows of 3 features, 2 classes>
    """
    table = list(product((1, 0), repeat=3))
    truth = [int((x and y) or not z) for x, y, z in table]
    return _dataset("boolean", table, truth, features=("x", "y", "z"), classes=("0", "1"))


def theme_park(weights: Sequence[float] = (1, 1, 1), needed: float = 2) -> Dataset:
    """Go or stay, for all eight answers to three questions: is it sunny, is there a discount, does the partner come?

    Go when the weighted sum of yeses reaches ``needed``. With weights (1, 1, 2) the partner alone is enough; with
    (3, 1, 1) and needed=3 rain alone stops the trip.

    Raises ShapeError if there are not three weights.

    >>> theme_park()
    <dataset theme_park: 8 rows of 3 features, 2 classes>
    """
    if len(weights) != 3:
        raise ShapeError(f"theme_park takes 3 weights, for sunny, discount and partner, got {len(weights)}")
    table = list(product((0, 1), repeat=3))
    going = [int(sum(w * x for w, x in zip(weights, row, strict=True)) >= needed) for row in table]
    return _dataset("theme_park", table, going, features=("sunny", "discount", "partner"), classes=("stay", "go"))


def line(n: int = 30, slope: float = 2.0, height: float = 1.0, noise: float = 0.3, seed: int = 0) -> Dataset:
    """Points about the line slope·x + height, x evenly from -1 to 1, with normal noise on y.

    >>> line()
    <dataset line: 30 rows of 1 feature>
    """
    source = Random(seed)
    across = [-1.0 + 2.0 * i / max(1, n - 1) for i in range(whole_number("n", n))]
    up = [slope * x + height + source.gauss(0.0, noise) for x in across]
    return _dataset("line", [(x,) for x in across], up, features=("x",))


def moons(n: int = 100, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Two half circles that reach into each other, n points in all, with normal noise.

    >>> moons(50)
    <dataset moons: 50 rows of 2 features, 2 classes>
    """

    def point(label: int, along: float, source: Random) -> tuple[float, float]:
        x, y = math.cos(math.pi * along), math.sin(math.pi * along)
        return (1.0 - x, 0.5 - y) if label else (x, y)

    return _shape("moons", point, 2, n, noise, seed)


def circles(n: int = 100, noise: float = 0.05, inner: float = 0.5, seed: int = 0) -> Dataset:
    """A circle of radius 1 (label 0) about one of radius ``inner`` (label 1), n points in all, with normal noise.

    >>> circles(50)
    <dataset circles: 50 rows of 2 features, 2 classes>
    """

    def point(label: int, along: float, source: Random) -> tuple[float, float]:
        radius = inner if label else 1.0
        return radius * math.cos(2 * math.pi * along), radius * math.sin(2 * math.pi * along)

    return _shape("circles", point, 2, n, noise, seed)


def spiral(n: int = 300, classes: int = 3, noise: float = 0.2, seed: int = 0) -> Dataset:
    """Arms that wind out from the middle, one per class, n points in all; the noise is in the angle, in radians.

    >>> spiral(60)
    <dataset spiral: 60 rows of 2 features, 3 classes>
    """

    def point(label: int, along: float, source: Random) -> tuple[float, float]:
        angle = 2 * math.pi * label / classes + 4.0 * along + source.gauss(0.0, noise)
        return along * math.sin(angle), along * math.cos(angle)

    return _shape("spiral", point, whole_number("classes", classes, least=2), n, 0.0, seed)


def _shape(name: str, point: Callable[..., Any], classes: int, n: int, noise: float, seed: int) -> Dataset:
    """n points, shared out evenly over the classes, each class evenly along its shape."""
    source = Random(seed)
    points, labels = [], []
    for label in range(classes):
        count = whole_number("n", n, least=classes) // classes + (label < n % classes)
        for i in range(count):
            a, b = point(label, i / max(1, count - 1), source)
            points.append((a + source.gauss(0.0, noise), b + source.gauss(0.0, noise)))
            labels.append(label)
    return _dataset(name, points, labels, features=("x1", "x2"), classes=tuple(map(str, range(classes))))


def _dataset(name: str, X: Sequence[Sequence[float]], y: Sequence[float], **names: Any) -> Dataset:
    return Dataset(name, as_array([list(map(float, row)) for row in X]), as_array(list(y)), **names)
