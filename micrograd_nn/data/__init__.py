"""Datasets: small ones written out or drawn, digits that ship with the package, and MNIST.

``import micrograd_nn.data`` reads no file and imports no numpy (tests/test_structure.py); a dataset is made when it is
asked for. A new one is a function in ``small`` or ``images``, and its name in DATASETS.
"""

from collections.abc import Callable
from functools import partial

from ..errors import known
from ._dataset import Dataset, Scale, split, standardise
from .images import cache_folder, digits, mnist
from .small import GATES, boolean, circles, friends, from_metric, gate, line, moons, spiral, theme_park, xor
from .table import read_csv

__all__ = [
    "DATASETS", "GATES", "Dataset", "Scale", "boolean", "cache_folder", "circles", "dataset", "digits", "friends",
    "from_metric", "gate", "line", "mnist", "moons", "spiral", "split", "standardise", "theme_park", "xor", "read_csv",
]  # fmt: skip

# By name, what comes whole: everything but MNIST, which is given out in two parts.
DATASETS: dict[str, Callable[[], Dataset]] = {
    **{name: partial(gate, name) for name in GATES},
    **{make.__name__: make for make in (boolean, circles, digits, friends, line, moons, spiral, theme_park)},
}


def dataset(name: str) -> Dataset:
    """The dataset of that name, with its usual size. Raises UnknownNameError, which lists the names.

    >>> dataset("friends")
    <dataset friends: 4 rows of 2 features, 2 classes>
    """
    return DATASETS[known("dataset", name, DATASETS)]()
