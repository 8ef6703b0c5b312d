"""Learning rates that change: what an optimiser's rate is after each epoch. Names and defaults are PyTorch's."""

from collections.abc import Callable
from math import cos, pi

from ..number import whole_number
from .optimizer import Optimizer


class LambdaLR:
    """A learning-rate schedule: after ``step()`` number n the rate is the optimiser's first one times factor(n).

    >>> from micrograd_nn import SGD, Value
    >>> sgd = SGD([Value(1.0)], lr=0.8)
    >>> schedule = LambdaLR(sgd, lambda n: 1 / (1 + n))
    >>> schedule.step()
    >>> sgd.lr
    0.4
    """

    def __init__(self, optimizer: Optimizer, factor: Callable[[int], float]) -> None:
        self.optimizer = optimizer
        self.factor = factor
        self.at(0)

    def step(self) -> None:
        """One epoch has passed."""
        self.at(self.epoch + 1)

    def at(self, epoch: int) -> None:
        """Set the rate for that epoch, counted from 0: what a resumed training calls."""
        self.epoch = epoch
        self.optimizer.lr = self.optimizer.initial_lr * self.factor(epoch)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.optimizer!r}, epoch={self.epoch})"


class StepLR(LambdaLR):
    """The rate times gamma every ``step_size`` epochs.

    >>> from micrograd_nn import SGD, Value
    >>> schedule = StepLR(SGD([Value(1.0)], lr=0.8), step_size=1, gamma=0.5)
    >>> schedule.step()
    >>> schedule
    StepLR(SGD(1 parameter, lr=0.4, steps=0), epoch=1)
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        size = whole_number("step_size", step_size)
        super().__init__(optimizer, lambda epoch: gamma ** (epoch // size))


class ExponentialLR(LambdaLR):
    """The rate times gamma after every epoch.

    >>> from micrograd_nn import SGD, Value
    >>> schedule = ExponentialLR(SGD([Value(1.0)], lr=0.8), gamma=0.5)
    >>> schedule.step()
    >>> schedule.optimizer.lr
    0.4
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        super().__init__(optimizer, lambda epoch: gamma**epoch)


class CosineAnnealingLR(LambdaLR):
    """Down along half a cosine, from the first rate to eta_min in T_max epochs (Loshchilov and Hutter, SGDR, 2016).

    >>> from micrograd_nn import SGD, Value
    >>> schedule = CosineAnnealingLR(SGD([Value(1.0)], lr=0.8), T_max=2)
    >>> schedule.step()
    >>> round(schedule.optimizer.lr, 6)
    0.4
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        last = whole_number("T_max", T_max)

        def factor(epoch: int) -> float:
            least = eta_min / optimizer.initial_lr  # asked for here, since a loaded state may change it
            return least + (1.0 - least) * (1.0 + cos(pi * epoch / last)) / 2.0

        super().__init__(optimizer, factor)
