"""Where weights start: the initialisers, each a draw from an explicit source of random numbers.

Promise (tests/test_init.py): the same seed gives the same weights, on every machine and in every process.
A new one is a function here and its name in INITIALISERS.
"""

import random
from collections.abc import Callable
from math import sqrt
from operator import index
from random import Random
from typing import Any

from ..errors import ArgumentTypeError, known

Initialiser = Callable[[Random, int, int], float]  # (source, inputs, outputs of the layer) -> one weight


def uniform(source: Random, inputs: int, outputs: int) -> float:
    """Evenly from -1 to 1, as micrograd draws."""
    return source.uniform(-1.0, 1.0)


def normal(source: Random, inputs: int, outputs: int) -> float:
    """From the standard normal distribution."""
    return source.gauss(0.0, 1.0)


def truncated_normal(source: Random, inputs: int, outputs: int) -> float:
    """Normal with standard deviation 2/√inputs, drawn again when beyond two standard deviations."""
    draw = source.gauss(0.0, 1.0)
    while abs(draw) > 2.0:
        draw = source.gauss(0.0, 1.0)
    return draw * 2.0 / sqrt(inputs)


def he(source: Random, inputs: int, outputs: int) -> float:
    """Normal with standard deviation √(2/inputs), for relu (He et al., Delving Deep into Rectifiers, 2015)."""
    return source.gauss(0.0, sqrt(2.0 / inputs))


def glorot(source: Random, inputs: int, outputs: int) -> float:
    """Evenly within ±√(6/(inputs + outputs)), for tanh and sigmoid (Glorot and Bengio, 2010)."""
    bound = sqrt(6.0 / (inputs + outputs))
    return source.uniform(-bound, bound)


def zeros(source: Random, inputs: int, outputs: int) -> float:
    """0: every neuron of a layer then learns the same."""
    return 0.0


INITIALISERS: dict[str, Initialiser] = {
    draw.__name__: draw for draw in (uniform, normal, truncated_normal, he, glorot, zeros)
}


def initialiser(choice: str | Initialiser) -> Initialiser:
    """The initialiser of that name, or the function itself. Raises UnknownNameError, which lists the names."""
    return choice if callable(choice) else INITIALISERS[known("initialiser", choice, INITIALISERS)]


def source_of(seed: Any) -> Any:
    """A source of random numbers: fresh from an int, itself, or for None Python's global one, as micrograd uses."""
    if seed is None or seed is random:
        return random
    if isinstance(seed, Random):
        return seed
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise ArgumentTypeError(f"seed is a whole number or None, got {seed!r}")
    return Random(index(seed))  # NumPy's whole numbers too
