"""Optimisers: how parameters follow their gradients.

A step changes the parameters' ``.data`` and nothing else, all of them or none. A rule is written once, in arithmetic
and the table's operations, so that the same lines move floats here and are compiled elsewhere. Names and defaults are
PyTorch's. A new optimiser is a class here with ``@offered`` above it.
"""

from collections.abc import Callable, Iterable, Mapping
from math import cos, isfinite, pi
from math import sqrt as root
from typing import Any, TypeVar

from ..engine.ops import maximum, sqrt
from ..engine.value import Value, set_numbers
from ..errors import ArgumentError, ArgumentTypeError, MicrogradError, StateError, UnknownNameError
from ..number import as_float, whole_number

Memory = tuple[Any, ...]
Kind = TypeVar("Kind", bound="type[Optimizer]")

OPTIMIZERS: "dict[str, type[Optimizer]]" = {}


def offered(kind: Kind) -> Kind:
    """Let a class be asked for by its name: ``fit(…, optimizer="adam")``."""
    OPTIMIZERS[kind.__name__.lower()] = kind
    return kind


def named_optimizer(name: str) -> "Callable[..., Optimizer]":
    """The optimiser of that name, in any case of letters. Raises UnknownNameError, which lists the names."""
    if not isinstance(name, str) or name.lower() not in OPTIMIZERS:
        raise UnknownNameError("optimiser", name, OPTIMIZERS)
    return OPTIMIZERS[name.lower()]


class Optimizer:
    """What all optimisers share: the list of parameters, the learning rate, and a step that moves all of them.

    A kind of descent gives ``memories``, the names of the numbers that it keeps for each parameter (each starts at
    0), ``scalars``, the numbers that all parameters share in one step, and ``rule``. Scalars of its own count as
    different in every step, unless ``scalars_vary`` says no: then a compiled training asks for them once. A rule may
    branch on its hyperparameters, never on p, g or memory.

    ``maximize=True`` climbs instead. ``lr`` is the rate of the next step; schedules count from ``initial_lr``, the
    rate that was given here, or to the optimiser whose state was loaded.

    Raises ArgumentError if there is no parameter, if one comes twice, or if a hyperparameter is out of its range.

    >>> class Halves(Optimizer):
    ...     def rule(self, p, g, memory, s):
    ...         return p / 2, memory
    >>> w = Value(3.0)
    >>> w.backward()
    >>> Halves([w], lr=0.1).step()
    >>> w.data
    1.5
    """

    memories: tuple[str, ...] = ()

    def __init__(self, params: Iterable[Value], lr: float, weight_decay: float = 0.0, maximize: bool = False) -> None:
        if not isinstance(params, Iterable):
            kind = type(params).__name__
            raise ArgumentTypeError(f"an optimiser takes a list of Values, got {kind}: pass net.parameters()")
        self.params = list(params)
        self.lr = self.initial_lr = _within("lr", lr, RATE)
        self.weight_decay = _within("weight_decay", weight_decay, FROM_0)
        self.maximize = maximize
        self.steps = 0
        if not self.params:
            raise ArgumentError("an optimiser needs at least one parameter: pass net.parameters()")
        if not all(isinstance(p, Value) for p in self.params):
            raise ArgumentTypeError("an optimiser takes a list of Values: pass net.parameters()")
        if len(set(self.params)) != len(self.params):
            raise ArgumentError("a parameter is in the list twice, and would be moved twice")
        self.memory: list[Memory] = [(0.0,) * len(self.memories) for _ in self.params]

    @property
    def lr(self) -> float:
        """The rate of the next step. Raises ArgumentError if it is set to anything but a number from 0 up."""
        return self._lr

    @lr.setter
    def lr(self, rate: float) -> None:
        self._lr = _within("lr", rate, FROM_0)  # a float: NumPy's would go on into every .data

    def scalars(self) -> dict[str, float]:
        """The numbers that all parameters share in the step under way; ``self.steps`` counts from 1."""
        return {"lr": self.lr}

    def scalars_vary(self) -> bool:
        """Whether ``scalars`` may differ from step to step, as long as nobody sets ``lr``."""
        return not self._has_scalars_of(Optimizer)

    def _has_scalars_of(self, kind: "type[Optimizer]") -> bool:
        """Are they those of that class, not overridden in a class made from it?"""
        return type(self).scalars is kind.scalars and type(self).lr is Optimizer.lr

    def scalars_at(self, step: int) -> dict[str, float]:
        """The scalars of that step, counted from 1; ``steps`` is afterwards what it was."""
        before, self.steps = self.steps, step
        try:
            return self.scalars()
        finally:
            self.steps = before

    def rule(self, p: Any, g: Any, memory: Memory, s: dict[str, Any]) -> tuple[Any, Memory]:
        """The parameter p with gradient g after a step, and its memory: on floats, arrays of a tracer, or symbols."""
        raise NotImplementedError

    def downhill(self, p: Any, g: Any) -> Any:
        """The slope to descend: g, or -g to climb, plus the pull of weight_decay towards 0."""
        if self.maximize:
            g = -g
        return g + self.weight_decay * p if self.weight_decay else g

    def step(self) -> None:
        """Move each parameter that has a gradient. After an error or Ctrl-C all have moved, or none."""
        s = self.scalars_at(self.steps + 1)
        moved = [
            (p.data, memory) if p.grad is None else self.rule(p.data, p.grad, memory, s)
            for p, memory in zip(self.params, self.memory, strict=True)
        ]
        numbers = [float(number) for number, _ in moved]
        own = {"memory": [memory for _, memory in moved], "steps": self.steps + 1}
        # ``deferred`` would take longer than a small network's step.
        set_numbers(self.params, numbers, map(self.__dict__.update, [own]))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.params):,} parameters, lr={self.lr}, steps={self.steps})"

    def zero_grad(self) -> None:
        """Forget all gradients: each parameter's ``.grad`` is None again."""
        for parameter in self.params:
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """All that a later step depends on besides the parameters: steps, both rates, and one list per memory."""
        kept = {name: [memory[i] for memory in self.memory] for i, name in enumerate(self.memories)}
        return {"steps": self.steps, "lr": self.lr, "initial_lr": self.initial_lr, **kept}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a state_dict, all or nothing. Raises StateError if it is of another kind of optimiser.

        An older state has no initial_lr: schedules then count from this optimiser's own.
        """
        count = len(self.params)
        misfit = f"this state does not fit {type(self).__name__} over {count} parameters; nothing was loaded"
        wanted = ["steps", "lr", *self.memories]
        if {*wanted, "initial_lr"} != {*state, "initial_lr"}:
            raise StateError(f"{misfit}. It needs {', '.join(wanted)}, got {', '.join(state)}")
        try:
            steps = whole_number("steps", state["steps"], least=0)
            lr = _within("lr", state["lr"], FROM_0)
            first = _within("initial_lr", state.get("initial_lr", self.initial_lr), RATE)
            columns = [list(map(as_float, state[name])) for name in self.memories]
        except (MicrogradError, TypeError) as error:
            raise StateError(f"{misfit}. It holds what is no number or no list of numbers: {error}") from None
        if any(len(column) != count for column in columns):
            raise StateError(f"{misfit}. Its memories are of the sizes {[len(column) for column in columns]}")
        memory = list(zip(*columns, strict=True)) if columns else [()] * count
        self.memory, self.steps, self.lr, self.initial_lr = memory, steps, lr, first


@offered
class SGD(Optimizer):
    """Stochastic gradient descent: each step moves a parameter by -lr times its gradient.

    >>> w = Value(1.0)
    >>> (w * 3).backward()
    >>> SGD([w], lr=0.1).step()
    >>> w.data
    0.7

    With momentum the gradients are gathered in a velocity, which moves the parameter; ``nesterov`` looks one step
    ahead (Sutskever et al., On the importance of initialization and momentum in deep learning, 2013).
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
        self.momentum = _within("momentum", momentum, SHARE)
        self.dampening = _within("dampening", dampening, ANY)
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

    Kingma and Ba, Adam: A Method for Stochastic Optimization, 2014.

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
        self.betas = (_within("betas[0]", betas[0], SHARE), _within("betas[1]", betas[1], SHARE))
        self.eps = _within("eps", eps, SMALL)
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
    AdamW(1 parameters, lr=0.1, steps=0)
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
        self.alpha = _within("alpha", alpha, SHARE)
        self.eps = _within("eps", eps, SMALL)
        self.momentum = _within("momentum", momentum, SHARE)
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


# ---- learning rates that change ----


class LambdaLR:
    """A learning-rate schedule: after ``step()`` number n the rate is the optimiser's first one times factor(n).

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

    >>> schedule = StepLR(SGD([Value(1.0)], lr=0.8), step_size=1, gamma=0.5)
    >>> schedule.step()
    >>> schedule
    StepLR(SGD(1 parameters, lr=0.4, steps=0), epoch=1)
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        size = whole_number("step_size", step_size)
        super().__init__(optimizer, lambda epoch: gamma ** (epoch // size))


class ExponentialLR(LambdaLR):
    """The rate times gamma after every epoch.

    >>> schedule = ExponentialLR(SGD([Value(1.0)], lr=0.8), gamma=0.5)
    >>> schedule.step()
    >>> schedule.optimizer.lr
    0.4
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        super().__init__(optimizer, lambda epoch: gamma**epoch)


class CosineAnnealingLR(LambdaLR):
    """Down along half a cosine, from the first rate to eta_min in T_max epochs (Loshchilov and Hutter, SGDR, 2016).

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


# ---- hyperparameters ----

Range = tuple[str, Callable[[float], bool]]  # in words, and as a test
RATE: Range = "a positive number such as 0.1", lambda x: x > 0.0
FROM_0: Range = "a number from 0 up", lambda x: x >= 0.0
SMALL: Range = "a small number from 0 up", lambda x: x >= 0.0
SHARE: Range = "a number from 0 up to, but without, 1, such as 0.9", lambda x: 0.0 <= x < 1.0
ANY: Range = "a number, mostly from 0 to 1", isfinite


def _within(name: str, given: Any, legal: Range) -> float:
    """given as a finite number of that range. Raises ArgumentError."""
    words, holds = legal
    try:
        number = as_float(given)
    except MicrogradError:
        raise ArgumentError(f"{name} is {words}, got {given!r}") from None
    if not (isfinite(number) and holds(number)):
        raise ArgumentError(f"{name} is {words}, got {given}")
    return number
