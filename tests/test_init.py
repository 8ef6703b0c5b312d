"""Initialisers: their distributions, and that a seed fixes them."""

import random
from math import sqrt
from random import Random
from statistics import fmean, pstdev

import numpy as np
import pytest

from micrograd_nn import MLP
from micrograd_nn.errors import ArgumentTypeError, UnknownNameError
from micrograd_nn.nn.init import INITIALISERS, initialiser, source_of

DRAWS = 20_000
SHAPES = [(784, 300), (3, 5)]
# name: (mean 0, standard deviation, bound), from the formulas in the papers named in init.py
LAWS = {
    "uniform": lambda i, o: (1 / sqrt(3), 1.0),
    "normal": lambda i, o: (1.0, None),
    # the normal law cut at ±2: variance 1 - 4·φ(2)/(2Φ(2) - 1) = 0.7737413035 (mpmath)
    "truncated_normal": lambda i, o: (sqrt(0.7737413035) * 2 / sqrt(i), 4 / sqrt(i)),
    "he": lambda i, o: (sqrt(2 / i), None),
    "glorot": lambda i, o: (sqrt(2 / (i + o)), sqrt(6 / (i + o))),
    "zeros": lambda i, o: (0.0, 0.0),
}


def test_every_initialiser_has_its_law() -> None:
    assert LAWS.keys() == INITIALISERS.keys()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", INITIALISERS)
def test_mean_spread_and_bound(name: str, shape: tuple[int, int]) -> None:
    source, draw = Random(0), INITIALISERS[name]
    weights = [draw(source, *shape) for _ in range(DRAWS)]
    deviation, bound = LAWS[name](*shape)
    assert abs(fmean(weights)) <= 4 * deviation / sqrt(DRAWS)
    assert pstdev(weights) == pytest.approx(deviation, rel=4 / sqrt(2 * DRAWS))
    if bound is not None:
        assert 0.99 * bound <= max(map(abs, weights)) <= bound


@pytest.mark.parametrize("name", INITIALISERS)
def test_a_seed_fixes_the_weights(name: str) -> None:
    first, second, other = (MLP(3, [4, 2], init=name, seed=seed).state_dict() for seed in (1, 1, 2))
    assert first == second
    assert (first == other) == (name == "zeros")


def test_known_bytes() -> None:
    """Python promises random() and uniform() for a seed; these two must never move."""
    assert INITIALISERS["uniform"](Random(0), 2, 1).hex() == (2 * Random(0).random() - 1).hex()
    assert MLP(2, [1], seed=0).parameters()[0].data == 0.6888437030500962
    assert MLP(2, [1], seed=np.int64(0)).parameters()[0].data == 0.6888437030500962


def test_sources() -> None:
    own = Random(3)
    assert source_of(own) is own
    assert source_of(None) is random
    assert source_of(7).random() == Random(7).random()
    random.seed(11)
    drawn = MLP(2, [2]).state_dict()
    random.seed(11)
    assert MLP(2, [2]).state_dict() == drawn
    for wrong in ("a", 2.5, True):
        with pytest.raises(ArgumentTypeError, match=f"seed is a whole number or None, got {wrong!r}"):
            source_of(wrong)


def test_names() -> None:
    assert initialiser("he") is INITIALISERS["he"]
    assert initialiser(lambda source, i, o: 0.5)(Random(0), 1, 1) == 0.5
    assert [p.data for p in MLP(1, [1], init=lambda source, i, o: 10.0 * i + o).parameters()] == [11.0, 0.0]
    with pytest.raises(UnknownNameError, match=r"unknown initialiser 'glorrot'; choose one of: glorot, "):
        initialiser("glorrot")
