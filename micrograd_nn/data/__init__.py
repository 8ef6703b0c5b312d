"""Datasets: small ones written out or drawn, digits that ship with the package, and MNIST.

``import micrograd_nn.data`` reads no file and imports no numpy (tests/test_structure.py); a dataset is made when it is
asked for. A new one is a function in ``small`` or ``images``, and its name in DATASETS.
"""

from collections.abc import Callable
from functools import partial

from ..errors import known
from ._dataset import Dataset as Dataset
from ._dataset import Scale as Scale
from ._dataset import split as split
from ._dataset import standardise as standardise
from .images import cache_folder as cache_folder
from .images import digits as digits
from .images import mnist as mnist
from .small import GATES as GATES
from .small import boolean as boolean
from .small import circles as circles
from .small import friends as friends
from .small import from_metric as from_metric
from .small import gate as gate
from .small import line as line
from .small import moons as moons
from .small import spiral as spiral
from .small import theme_park as theme_park
from .small import xor as xor

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
