"""Handwritten digits: 8×8, shipped with the package, and MNIST, read from a folder or fetched once.

No network unless MNIST was asked for without a folder and the cache does not hold it; where files are missing, one
error names all four and where to put them.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import FileError, FileMissingError, FormatError
from ..files import name_of, read_whole, write_whole
from ._dataset import Dataset
from .idx import LIMIT, read_idx

MNIST = {  # the four files, and the md5 of each one unzipped
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
DIGITS = tuple("0123456789")
FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
# Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017) comes in files of the same names and sizes as MNIST. What tells them
# apart for sure are the labels: its training set begins with these, MNIST's with 5 0 4 1 9 2 1 3 1 4.
FASHION_BEGINS = [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
CLASSES = "classes.txt"
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


def digits() -> Dataset:
    """1,797 handwritten digits of 8×8 pixels from 0 to 1 (UCI optical recognition of handwritten digits, CC BY 4.0).

    >>> digits()
    <dataset digits: 1,797 rows of 64 features, 10 classes>
    """
    here = Path(__file__).parent
    images = read_idx(here / "digits-images-idx3-ubyte.gz")
    return _images("digits", images, read_idx(here / "digits-labels-idx1-ubyte.gz"), 16.0, "float64")


def mnist(
    folder: str | os.PathLike[str] | None = None,
    *,
    mirrors: Sequence[str] = MIRRORS,
    timeout: float = 30.0,
    progress: bool = True,
) -> tuple[Dataset, Dataset]:
    """MNIST as (60,000 training rows, 10,000 test rows): digits of 28×28 pixels from 0 to 1, as 32-bit floats.

    The four IDX files, zipped or not, are read from ``folder``; if none is named, from the cache folder, into which
    they are fetched once, with their checksums verified. Fashion-MNIST's files are known by their labels, and get the
    names of their classes; for others of that kind a file classes.txt in the folder names the classes, a line each.

    Raises FileMissingError if a file is not in the folder, FileError if it can't be fetched, FormatError if a file
    is not what it should be.
    """
    home = cache_folder() / "mnist" if folder is None else Path(name_of(folder))
    found = {name: path for name in MNIST for path in (home / f"{name}.gz", home / name) if path.is_file()}
    missing = [name for name in MNIST if name not in found]
    if missing and folder is not None:
        raise FileMissingError(f"MNIST is not in {home}: {_wanted(home)}")
    for name in missing:
        found[name] = _fetch(home, name, mirrors, timeout, progress)
    images, labels, test_images, test_labels = (read_idx(found[name]) for name in MNIST)
    name, classes = _named(home, labels)
    train = _images(name, images, labels, 255.0, "float32", classes)
    return train, _images(f"{name} test", test_images, test_labels, 255.0, "float32", classes)


def cache_folder() -> Path:
    """Where fetched files are kept: $MICROGRAD_NN_CACHE, else micrograd-nn in the user's cache folder."""
    named = os.environ.get("MICROGRAD_NN_CACHE")
    return Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "micrograd-nn"


def _named(home: Path, labels: Any) -> tuple[str, tuple[str, ...]]:
    """What the images in a folder are called, and their classes."""
    if (home / CLASSES).is_file():
        lines = read_whole(home / CLASSES, LIMIT).decode("utf-8-sig", "replace").splitlines()
        return home.resolve().name, tuple(line.strip() for line in lines if line.strip())
    return ("fashion-mnist", FASHION) if labels[: len(FASHION_BEGINS)].tolist() == FASHION_BEGINS else ("mnist", DIGITS)


def _fetch(home: Path, name: str, mirrors: Sequence[str], timeout: float, progress: bool) -> Path:
    try:
        from .download import fetch  # here, for it brings http and ssl along

        content = fetch(f"{name}.gz", MNIST[name], mirrors, timeout=timeout, progress=progress)
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"MNIST is not on this machine and could not be fetched: {_wanted(home)} {error}") from error
    path = home / f"{name}.gz"
    write_whole(path, content)
    return path


def _wanted(home: Path) -> str:
    return (
        f"put the four files {', '.join(MNIST)} (unzipped, or with .gz) into {home}, "
        "or name the folder that holds them (--data DIR, or mnist(folder))."
    )


def _images(
    name: str, images: Any, labels: Any, white: float, dtype: str, classes: tuple[str, ...] = DIGITS
) -> Dataset:
    """Rows of pixels from 0 to 1, beside labels from 0 up."""
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels) or not len(labels):
        raise FormatError(f"{name}: images of shape {images.shape} do not go with labels of shape {labels.shape}")
    if labels.max() >= len(classes):
        row = int(labels.argmax())
        raise FormatError(f"{name}: row {row} has the label {labels[row]}; the classes are 0 to {len(classes) - 1}")
    count, height, width = images.shape
    pixels = images.reshape(count, height * width).astype(dtype) / white
    features = tuple(f"pixel {i},{j}" for i in range(height) for j in range(width))
    return Dataset(name, pixels, labels.astype(int), features, classes, image=(height, width))
