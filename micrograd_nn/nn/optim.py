"""Optimisers: how parameters follow their gradients; and, by their names, the schedules of the rate.

A step changes the parameters' ``.data`` and nothing else, all of them or none. A rule is written once, in arithmetic
and the table's operations, so that the same lines move floats here and are compiled elsewhere. Names and defaults are
PyTorch's. A new optimiser is a class here with ``@offered`` above it.
"""

from collections.abc import Iterable
from math import sqrt as root
from typing import Any

from ..engine.ops import maximum, sqrt
from ..engine.value import Value
from ..errors import ArgumentError
from .optimizer import ANY, SHARE, SMALL, Memory, within
from .optimizer import OPTIMIZERS as OPTIMIZERS
from .optimizer import Optimizer as Optimizer
from .optimizer import named_optimizer as named_optimizer
from .optimizer import offered as offered
from .schedules import CosineAnnealingLR as CosineAnnealingLR
from .schedules import ExponentialLR as ExponentialLR
from .schedules import LambdaLR as LambdaLR
from .schedules import StepLR as StepLR


@offered
class SGD(Optimizer):
    """Stochastic gradient descent: each step moves a parameter by -lr times its gradient.

    >>> w = Value(1.0)
    >>> (w * 3).backward()
    >>> SGD([w], lr=0.1).step()
    >>> w.data
    0.7

    With momentum the gradients are gathered in a velocity, which moves the parameter: v ← momentum·v + gradient, the
    later ones times 1 - ``dampening``. ``nesterov`` looks one step ahead (Sutskever et al., On the importance of
    initialization and momentum in deep learning, 2013). ``weight_decay`` adds so much of the parameter to its
    gradient, and so pulls it towards 0; ``maximize`` climbs.
    """

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        self.momentum = within("momentum", momentum, SHARE)
        self.dampening = within("dampening", dampening, ANY)
        self.nesterov = nesterov
        self.memories = ("velocity",) if self.momentum else ()
        if nesterov and not (self.momentum > 0 and self.dampening == 0):
            raise ArgumentError("nesterov needs a momentum such as 0.9, and a dampening of 0")
        super().__init__(params, lr, weight_decay, maximize)

    def scalars(self) -> dict[str, float]:
        """The learning rate; with momentum also how much of a gradient enters the velocity: first all of it."""
        if not self.momentum:
            return {"lr": self.lr}
        return {"lr": self.lr, "gain": 1.0 if self.steps == 1 else 1.0 - self.dampening}

    def scalars_vary(self) -> bool:
        """With momentum alone: the first gain may be another one."""
        return bool(self.momentum) or not self._has_scalars_of(SGD)

    def rule(self, p: Any, g: Any, memory: Memory, s: dict[str, Any]) -> tuple[Any, Memory]:
        """p - lr·g, or with momentum v ← momentum·v + g and p - lr·v."""
        g = self.downhill(p, g)
        if not self.momentum:
            return p - s["lr"] * g, memory
        velocity = self.momentum * memory[0] + s["gain"] * g
        return p - s["lr"] * (g + self.momentum * velocity if self.nesterov else velocity), (velocity,)


@offered
class Adam(Optimizer):
    """Steps of about lr in each parameter: the mean gradient over the root of its mean square.

    ``betas`` are how much of either mean is kept from step to step, and ``eps`` what keeps the root from being 0; the
    rest is as for SGD. Kingma and Ba, Adam: A Method for Stochastic Optimization, 2014.

    >>> w = Value(1.0)
    >>> (w * 3).backward()
    >>> Adam([w], lr=0.1).step()
    >>> round(w.data, 6)
    0.9
    """

    memories = ("mean", "square")

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        self.betas = (within("betas[0]", betas[0], SHARE), within("betas[1]", betas[1], SHARE))
        self.eps = within("eps", eps, SMALL)
        super().__init__(params, lr, weight_decay, maximize)

    def scalars(self) -> dict[str, float]:
        """The learning rate, and what corrects the two means for having started at 0."""
        first, second = self.betas
        rate, scale = self.lr / (1.0 - first**self.steps), root(1.0 - second**self.steps)
        return {"lr": self.lr, "rate": rate, "scale": scale}

    def rule(self, p: Any, g: Any, memory: Memory, s: dict[str, Any]) -> tuple[Any, Memory]:
        """p - rate·mean / (√square/scale + eps)."""
        return self._follow(p, self.downhill(p, g), memory, s)

    def _follow(self, p: Any, g: Any, memory: Memory, s: dict[str, Any]) -> tuple[Any, Memory]:
        first, second = self.betas
        mean = first * memory[0] + (1.0 - first) * g
        square = second * memory[1] + (1.0 - second) * (g * g)
        return p - s["rate"] * (mean / (sqrt(square) / s["scale"] + self.eps)), (mean, square)


@offered
class AdamW(Adam):
    """Adam whose weight decay pulls at the parameter itself instead of entering the means (Loshchilov, Hutter, 2017).

    Its weight_decay is 0.01 unless given.

    >>> AdamW([Value(1.0)], lr=0.1)
    AdamW(1 parameter, lr=0.1, steps=0)
    """

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, maximize=maximize)

    def rule(self, p: Any, g: Any, memory: Memory, s: dict[str, Any]) -> tuple[Any, Memory]:
        """Adam's step from p·(1 - lr·weight_decay)."""
        return self._follow(p * (1.0 - s["lr"] * self.weight_decay), -g if self.maximize else g, memory, s)


@offered
class RMSprop(Optimizer):
    """The gradient over the root of its mean square (Hinton's lecture 6e, 2012); ``centered`` takes the mean off it.

    >>> w = Value(1.0)
    >>> (w * 3).backward()
    >>> RMSprop([w], lr=0.1, alpha=0.75).step()
    >>> round(w.data, 6)
    0.8
    """

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        self.alpha = within("alpha", alpha, SHARE)
        self.eps = within("eps", eps, SMALL)
        self.momentum = within("momentum", momentum, SHARE)
        self.centered = centered
        self.memories = ("square", *(["mean"] if centered else []), *(["velocity"] if self.momentum else []))
        super().__init__(params, lr, weight_decay, maximize)

    def rule(self, p: Any, g: Any, memory: Memory, s: dict[str, Any]) -> tuple[Any, Memory]:
        """p - lr·g / (√square + eps), or a velocity of such steps."""
        g = self.downhill(p, g)
        square = self.alpha * memory[0] + (1.0 - self.alpha) * (g * g)
        kept, spread = [square], square
        if self.centered:
            kept.append(self.alpha * memory[1] + (1.0 - self.alpha) * g)
            spread = maximum(square - kept[1] * kept[1], 0.0)  # rounding makes it less where g never changes
        move = g / (sqrt(spread) + self.eps)
        if self.momentum:
            move = self.momentum * memory[-1] + move
            kept.append(move)
        return p - s["lr"] * move, tuple(kept)
