"""The problems that are trained side by side, from three parameters' worth of work to MNIST.

Promise: real rows from the project's own datasets, in their order; a problem whose rows are not on this machine is
missing, and nothing stands in for it.
"""

from collections.abc import Callable

from micrograd_nn import data
from micrograd_nn.errors import FileError, FormatError

from .harness import Effort, MissingError
from .peers import Problem


def two_input(effort: Effort) -> Problem:
    """The network h1, h2, o1, one person a step."""
    X, y = data.friends()
    return Problem("two inputs", (2, 2, 1), "sigmoid", "sigmoid", "mse", X, y, batch=1, lr=0.1)


def xor(effort: Effort) -> Problem:
    """The smallest problem that nobody times: engines warm up on it."""
    X, y = data.xor()
    return Problem("xor", (2, 3, 1), "sigmoid", "sigmoid", "mse", X, y, batch=1, lr=0.1)


def moons(effort: Effort) -> Problem:
    """micrograd's demo: two half moons, all 100 points a step."""
    X, y = data.moons(100)
    return Problem("moons", (2, 16, 16, 1), "relu", "identity", "hinge", X, 2 * y - 1, batch=100, lr=0.05, l2=1e-4)


def digits(effort: Effort) -> Problem:
    """8×8 digits, 50 images a step."""
    X, y = data.digits()
    return Problem("digits 8×8", (64, 32, 10), "relu", "identity", "softmax", X, y, batch=50, lr=0.1)


def mnist(effort: Effort) -> Problem:
    """784-300-100-10 on MNIST, 50 images a step, in 32-bit floats. Raises MissingError without MNIST's files."""
    if effort.quick:
        raise MissingError("left out of --quick")
    if effort.mnist is None:
        raise MissingError("MNIST's four files were not named: --mnist DIR")
    try:
        train, _ = data.mnist(effort.mnist)
    except (FileError, FormatError) as error:
        raise MissingError(f"MNIST could not be read: {type(error).__name__}") from error
    sizes = (784, 300, 100, 10)
    X, y = train.X[10_000:], train.y[10_000:]  # the first 10,000 are the validation set
    return Problem("MNIST", sizes, "relu", "identity", "softmax", X, y, batch=50, lr=0.01, dtype="float32")


PROBLEMS: dict[str, Callable[[Effort], Problem]] = {
    "Two inputs, one person a step": two_input,
    "Moons, full batch": moons,
    "Digits 8×8, 50 images a step": digits,
    "MNIST 784-300-100-10, 50 images a step": mnist,
}
