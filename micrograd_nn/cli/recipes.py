"""Recipes: which network, loss and descent suit a dataset, and which of its rows are kept back for the test.

One word is enough to train on a dataset; every number of a recipe can be overruled where it is used, and the parts of a
dataset are the same rows each time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from .. import data
from ..data import Dataset, dataset, split
from ..data.table import columns_of, read_csv
from ..errors import ArgumentError, known
from ..nn.init import Initialiser


def small_normal(source: Random, inputs: int, outputs: int) -> float:
    """Normal with a standard deviation of 0.05: weights of very small variance."""
    return source.gauss(0.0, 0.05)


NETWORK = ("hidden", "activation", "output", "init")


@dataclass(frozen=True)
class Recipe:
    """A network's hidden layers and output, its loss, and how it descends. ``steps``, if given, ends it early."""

    hidden: tuple[int, ...]
    activation: str = "relu"
    output: str = "identity"
    init: str | Initialiser = "glorot"
    loss: str = "binary_cross_entropy_with_logits"
    optimizer: str = "adam"
    lr: float = 0.02
    epochs: int = 100
    steps: int | None = None
    batch_size: int = 20
    l2: float = 0.0
    dtype: str = "float64"
    record: int | None = None

    @property
    def training(self) -> dict[str, Any]:
        """What fit takes: all but how the network is built."""
        return {name: value for name, value in vars(self).items() if name not in NETWORK}


LOGIC = Recipe((4,), "tanh", "sigmoid", loss="binary_cross_entropy", lr=0.1, epochs=300, batch_size=8)
UNIT = Recipe((), output="sigmoid", loss="binary_cross_entropy", optimizer="sgd", lr=1.0, epochs=500, batch_size=8)
SOFTMAX: dict[str, Any] = {"init": "he", "loss": "softmax_cross_entropy"}
SGD_SOFTMAX = {**SOFTMAX, "init": "truncated_normal", "optimizer": "sgd"}
SINGLE: dict[str, Any] = {"dtype": "float32"}
FOUR_LAYERS: dict[str, Any] = {"output": "softmax", "init": small_normal, "loss": "categorical_cross_entropy"}
SIGMOIDS: dict[str, Any] = {"activation": "sigmoid", "output": "sigmoid", "loss": "squared_error", "optimizer": "sgd"}

# By dataset, then by name; the first one of each is what it gets without a word.
RECIPES: dict[str, dict[str, Recipe]] = {
    **{gate: {"unit": UNIT, "hidden": LOGIC} for gate in data.GATES if gate != "xor"},
    "xor": {"hidden": LOGIC, "unit": UNIT},
    "boolean": {
        "hidden": LOGIC,
        "sigmoid": Recipe((3,), **{**SIGMOIDS, "optimizer": "adam"}, lr=0.1, epochs=600, batch_size=8),
    },
    "theme_park": {"unit": UNIT, "hidden": LOGIC},
    "friends": {
        "two-input": Recipe((2,), **{**SIGMOIDS, "loss": "mse"}, init="normal", lr=0.1, epochs=1000, batch_size=1),
    },
    "line": {"unit": Recipe((), loss="mse", optimizer="sgd", lr=0.5, epochs=200, batch_size=30)},
    "moons": {"tanh": Recipe((16, 16), "tanh")},
    "circles": {"tanh": Recipe((16, 16), "tanh")},
    "spiral": {"softmax": Recipe((32, 32), "tanh", loss="softmax_cross_entropy", epochs=150)},
    "digits": {
        "softmax": Recipe((128,), **SOFTMAX, lr=0.003, epochs=30, batch_size=50),
        "four-layer": Recipe((64, 32), **FOUR_LAYERS, lr=0.003, steps=1000, batch_size=50, record=20),
        "sigmoid": Recipe((30,), **SIGMOIDS, lr=3.0, epochs=60, batch_size=10),
    },
    "mnist": {
        "softmax": Recipe((300, 100), **SGD_SOFTMAX, lr=0.01, epochs=40, batch_size=50, **SINGLE),
        "four-layer": Recipe((100, 50), **FOUR_LAYERS, lr=0.003, steps=1000, batch_size=128, record=50, **SINGLE),
        "sigmoid": Recipe((30,), **SIGMOIDS, lr=3.0, epochs=10, batch_size=10, **SINGLE),
    },
}


def is_file(name: str) -> bool:
    """Whether a table of one's own is meant, and no dataset by name."""
    return name.lower().endswith(".csv")


def recipe(name: str, kind: str | None = None, classes: int = 0) -> Recipe:
    """The recipe of that kind for a dataset, or its first one; for a file what suits so many classes.

    Raises UnknownNameError, which lists the names.
    """
    if is_file(name):
        several: dict[str, Any] = {"loss": "softmax_cross_entropy"}
        two: dict[str, Any] = {"output": "sigmoid", "loss": "binary_cross_entropy"}
        return Recipe((16,), "tanh", **(several if classes > 2 else two if classes else {"loss": "mse"}))
    kinds = RECIPES[known("dataset", name, RECIPES)]
    return kinds[next(iter(kinds)) if kind is None else known(f"recipe for {name}", kind, kinds)]


def parts(
    name: str, folder: Path | None = None, target: str | None = None, about: Mapping[str, Any] | None = None
) -> dict[str, Dataset]:
    """What there is to learn from and to test on, by name: "train", "validation", "test".

    ``about`` is what a network's file says of the columns and the classes of a CSV file that it was trained on.

    mnist: the first 10,000 training images are for validation. digits: a fifth is for the test. Shapes: the test is
    a fresh draw. A small table is "train" alone: it is all there is. Of a CSV file a fifth is for the test.
    """
    if is_file(name):
        if target is None:
            columns = ", ".join(columns_of(name))
            raise ArgumentError(f"say which column of {name} is to be predicted: --target NAME ({columns})")
        words = [(about or {}).get(key) or () for key in ("features", "classes")]
        return dict(zip(("train", "test"), split(read_csv(name, target, *words), 0.8, 0.2), strict=True))
    if target is not None:
        raise ArgumentError(f"--target names a column of a CSV file, and {name} is none: leave it out")
    known("dataset", name, RECIPES)
    if name == "mnist":
        train, test = data.mnist(folder)
        validation, train = split(train, 10_000, len(train) - 10_000, shuffle=False)
        return {"train": train, "validation": validation, "test": test}
    if name == "digits":
        return dict(zip(("train", "test"), split(dataset(name), 0.8, 0.2), strict=True))
    shapes: dict[str, Callable[..., Dataset]] = {"moons": data.moons, "circles": data.circles, "spiral": data.spiral}
    return {"train": dataset(name)} | ({"test": shapes[name](seed=1)} if name in shapes else {})


def kept_back(sets: dict[str, Dataset]) -> Dataset:
    """The rows to test on; where there are no others, those that are learnt from."""
    return sets.get("test", sets["train"])
